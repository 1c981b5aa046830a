//! Which AWS role a service account and a pod get, and why not (EKS user guide, "IAM
//! roles for service accounts" and "Learn how EKS Pod Identity grants pods access to AWS services").
//!
//! Decides which mechanism gives a pod its AWS identity (Pod Identity, IRSA, keys of its own, the node's role), read from
//! each container's real environment, and whether the role behind it lets it in; the trust policy itself is judged by
//! [`super::trust`]. What was not read stays unknown and says what is missing; a role of another account cannot be looked
//! at from here, and the answer says so. Knows nothing of what the role may then do.
//!
//! - `trusts`: the account's roles with their trust policies, taken apart once;
//! - `irsa`, `association`: one binding of either mechanism, judged link by link;
//! - [`credential_chain`]: what one container's environment says, by the SDKs' chain; [`token`]: whose token it signs in with;
//! - [`webhook`]: what the pod identity webhook writes into a pod, and what of a stored pod it wrote;
//! - [`candidates`]: the roles that a service account might be given;
//! - [`pod`]: what one pod has, and whether it works there;
//! - [`place`]: where a pod runs: kind of node, the node's role, the agent;
//! - `session`: what an association's session policy leaves of an action;
//! - `agent`: where the Pod Identity agent runs, node by node and for the cluster;
//! - [`new_pod`]: what a pod gets that is created now: the webhook's patch under today's annotations and associations, then
//!   the chain;
//! - `reach`: whether network policies let a pod reach the agent;
//! - [`why`]: the whole answer for a pod or a service account; [`role`]: the reverse, for a role; `namespace`: all
//!   workloads of one;
//! - [`remedy`]: what to paste;
//! - [`shown`]: an answer as lines, for screen and text.
//!
//! [`Workloads`] is built once per snapshot: bindings are judged once each, not once per pod. A new link of a chain goes
//! into the binding's own file, a new way to come by credentials into [`container`].

pub(crate) mod agent;
mod association;
pub mod candidates;
pub mod credential_chain;
mod irsa;
mod namespace;
pub mod new_pod;
pub mod place;
pub mod pod;
pub(crate) mod reach;
pub mod remedy;
pub mod role;
mod session;
pub mod shown;
pub mod token;
mod trusts;
pub mod webhook;
pub mod why;

use std::collections::HashMap;

use super::iam::{ActionDecision, PolicyDecision, PolicyOwner, PolicyReader};
use super::identity::Resolver;
use super::trust::{Clause, StatementRef, TrustDecision};
use crate::access::Verdict;
use crate::model::network::NetworkPolicy;
use crate::model::principal::Principal;
use crate::model::role::{RoleDetail, UserDetail};
use crate::model::snapshot::{ClusterFacts, Evidence, Gap, IamFacts, Lookup};
use crate::model::workload::{Pod, PodIdentityAssociation, ServiceAccount, oidc_provider_arn};

pub use association::Association;
pub use credential_chain::{ContainerIdentity, InForce};
pub use irsa::Irsa;
pub use new_pod::NewPod;
pub use place::Place;
pub use pod::PodIdentities;
pub use shown::{Shown, Subject};
pub use trusts::{Trust, Trusting};
pub use why::{Other, UnusedState, Why};

/// May a workload use a role, and what decides it?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Yes, no, or not known.
    pub outcome: Verdict,
    /// One sentence for a person.
    pub because: String,
    /// The statement of the trust policy that decides, if one does.
    pub statement: Option<StatementRef>,
    /// The clause in it that decides.
    pub clause: Option<Clause>,
    /// What would pass that clause.
    pub passes: Option<String>,
    /// The action of the request that decides, where a trust policy was evaluated.
    pub action: Option<String>,
    /// Is what is missing only not there yet?
    pub loading: bool,
}

impl Answer {
    fn new(outcome: Verdict, because: impl Into<String>) -> Answer {
        Answer {
            outcome,
            because: because.into(),
            statement: None,
            clause: None,
            passes: None,
            action: None,
            loading: false,
        }
    }

    pub(crate) fn no(because: impl Into<String>) -> Answer {
        Answer::new(Verdict::No, because)
    }

    pub(crate) fn open(because: impl Into<String>) -> Answer {
        Answer::new(Verdict::Unknown, because)
    }

    pub(crate) fn yes(because: impl Into<String>) -> Answer {
        Answer::new(Verdict::Yes, because)
    }

    /// Not known, because of what was not read.
    fn gap(what: &str, gap: &Gap) -> Answer {
        let loading = *gap == Gap::Loading;
        Answer { loading, ..Answer::open(format!("{what}: {gap}")) }
    }

    fn of(verdict: TrustDecision, whose: &str) -> Answer {
        let TrustDecision { verdict, because, statement, clause, passes, action } = verdict;
        let because = format!("the trust policy of {whose}: {because}");
        Answer { statement, clause, passes, action, ..Answer::new(verdict, because) }
    }

    /// The first that denies; else the first that is not known; else the first. Links of a chain must all hold.
    fn worst(links: impl IntoIterator<Item = Answer>) -> Option<Answer> {
        let mut worst: Option<Answer> = None;
        for link in links {
            if worst.as_ref().is_none_or(|it| link.outcome < it.outcome) {
                worst = Some(link);
            }
        }
        worst
    }
}

/// What a link of the chain from a workload to its role is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChainLink {
    /// What the container's environment says.
    Environment,
    /// The annotation of the service account.
    Annotation,
    /// The Pod Identity association.
    Association,
    /// The service account's token.
    Token,
    /// A proxy between the container and the agent.
    Proxy,
    /// The Pod Identity agent on the node.
    Agent,
    /// The node's role.
    NodeRole,
    /// Network policies between the pod and the agent.
    Network,
    /// Whether the role exists.
    Role,
    /// Its trust policy.
    Trust,
    /// Whether the role is of the cluster's account.
    Account,
    /// What the first role's own policies say of assuming the target role.
    OwnPolicies,
    /// The role that the first one assumes.
    TargetRole,
    /// The account's provider of the cluster's issuer.
    Provider,
    /// Whether the provider takes the token's audience.
    Audience,
}

impl ChainLink {
    /// In a word or two.
    pub fn as_str(self) -> &'static str {
        match self {
            ChainLink::Environment => "environment",
            ChainLink::Annotation => "annotation",
            ChainLink::Association => "association",
            ChainLink::Token => "token",
            ChainLink::Proxy => "proxy",
            ChainLink::Agent => "agent",
            ChainLink::NodeRole => "node role",
            ChainLink::Network => "network",
            ChainLink::Role => "role",
            ChainLink::Trust => "trust",
            ChainLink::Account => "account",
            ChainLink::OwnPolicies => "own policies",
            ChainLink::TargetRole => "target role",
            ChainLink::Provider => "provider",
            ChainLink::Audience => "audience",
        }
    }
}

/// One link of a chain: what it is, whether it holds, and where that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it is about.
    pub link: ChainLink,
    /// Does it hold? `None` where there is nothing to hold.
    pub outcome: Option<Verdict>,
    /// What there is, as a sentence.
    pub text: String,
    /// Where it was read.
    pub evidence: Option<Evidence>,
}

/// A service account by namespace and name.
pub type AccountKey<'a> = (&'a str, &'a str);

/// What concerns one service account.
#[derive(Clone, Debug, Default)]
pub struct Account<'a> {
    /// It itself, if it was read.
    pub itself: Option<&'a ServiceAccount>,
    /// Its associations: one, unless EKS should ever take several.
    pub associations: Vec<&'a PodIdentityAssociation>,
    /// Its pods that have not ended.
    pub pods: Vec<&'a Pod>,
    /// By its annotation. In a box, as below: most of many thousand accounts have neither, and the table of accounts would
    /// be larger than the accounts.
    pub irsa: Option<Box<Irsa>>,
    /// By its first association.
    pub association: Option<Box<Association>>,
}

/// The workloads of a cluster with their bindings, judged. Build once, ask often.
pub struct Workloads<'a> {
    facts: &'a ClusterFacts,
    iam: &'a IamFacts,
    issuer: Option<&'a str>,
    trusts: trusts::Trusts<'a>,
    ground: place::Ground<'a>,
    /// By namespace and name.
    accounts: HashMap<&'a str, HashMap<&'a str, Account<'a>>>,
    pods: HashMap<AccountKey<'a>, &'a Pod>,
    /// By the role that a container's environment names.
    naming: HashMap<&'a str, Vec<&'a Pod>>,
    /// Network policies by namespace.
    policies: HashMap<&'a str, Vec<&'a NetworkPolicy>>,
    /// May the roles of nodes ask for their pods' credentials? Judged once each.
    node_allows: HashMap<&'a str, ActionDecision>,
    /// The identity policies of the account, each read once.
    reader: PolicyReader<'a>,
}

impl<'a> Workloads<'a> {
    /// Indexes the facts and judges every binding.
    pub fn new(facts: &'a ClusterFacts, iam: &'a IamFacts) -> Self {
        Workloads::with_resolver(&Resolver::new(facts, iam))
    }

    /// The same, the facts' mappings being indexed already.
    pub fn with_resolver(resolver: &Resolver<'a>) -> Self {
        let (facts, iam) = resolver.facts();
        let mut accounts: HashMap<&str, HashMap<&str, Account<'_>>> = HashMap::new();
        fn of<'m, 'a>(
            all: &'m mut HashMap<&'a str, HashMap<&'a str, Account<'a>>>,
            (namespace, name): AccountKey<'a>,
        ) -> &'m mut Account<'a> {
            all.entry(namespace).or_default().entry(name).or_default()
        }
        for it in facts.service_accounts.items() {
            let key = (it.metadata.namespace.as_deref().unwrap_or_default(), it.metadata.name.as_str());
            of(&mut accounts, key).itself = Some(it);
        }
        for it in facts.pod_identity_associations.items() {
            let key = (it.namespace.as_str(), it.service_account.as_str());
            of(&mut accounts, key).associations.push(it);
        }
        let mut naming: HashMap<&str, Vec<&Pod>> = HashMap::new();
        let mut pods = HashMap::with_capacity(facts.pods.items().len());
        for it in facts.pods.items() {
            let namespace = it.metadata.namespace.as_deref().unwrap_or_default();
            pods.insert((namespace, it.metadata.name.as_str()), it);
            if !it.has_ended() {
                for role in credential_chain::roles_named(it) {
                    naming.entry(role).or_default().push(it);
                }
                of(&mut accounts, (namespace, it.service_account())).pods.push(it);
            }
        }
        let mut policies: HashMap<&str, Vec<&NetworkPolicy>> = HashMap::new();
        for it in facts.network_policies.items() {
            policies.entry(it.metadata.namespace.as_deref().unwrap_or_default()).or_default().push(it);
        }
        let cluster = facts.cluster.value();
        let mut this = Workloads {
            facts,
            iam,
            issuer: cluster.and_then(|it| it.issuer()),
            trusts: trusts::Trusts::new(facts, iam),
            ground: place::Ground::new(resolver),
            accounts,
            pods,
            naming,
            policies,
            node_allows: HashMap::new(),
            reader: PolicyReader::new(iam),
        };
        this.node_allows = this.ground.node_roles().map(|role| (role, this.judge_node(role))).collect();
        let mut accounts = std::mem::take(&mut this.accounts);
        let each = accounts
            .iter_mut()
            .flat_map(|(namespace, all)| all.iter_mut().map(move |(name, it)| (*namespace, *name, it)));
        for (namespace, name, account) in each {
            account.pods.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
            account.irsa = account
                .itself
                .and_then(|it| Some(Box::new(this.irsa_of(namespace, name, it.role_arn()?, Some(it.audience())))));
            account.associations.sort_by(|a, b| a.association_id.cmp(&b.association_id));
            account.association = account.associations.first().map(|it| Box::new(this.association_of(it, None)));
        }
        this.accounts = accounts;
        this
    }

    /// The facts it answers from.
    pub fn facts(&self) -> (&'a ClusterFacts, &'a IamFacts) {
        (self.facts, self.iam)
    }

    /// What concerns a service account; `None` where nothing does.
    pub fn account(&self, namespace: &str, name: &str) -> Option<&Account<'a>> {
        self.accounts.get(namespace)?.get(name)
    }

    /// All service accounts that something concerns, in order.
    pub fn accounts(&self) -> Vec<(AccountKey<'a>, &Account<'a>)> {
        let mut all: Vec<_> = (self.accounts.iter())
            .flat_map(|(namespace, all)| all.iter().map(|(name, it)| ((*namespace, *name), it)))
            .collect();
        all.sort_by_key(|(key, _)| *key);
        all
    }

    /// A pod by namespace and name.
    pub fn pod(&self, namespace: &str, name: &str) -> Lookup<&'a Pod> {
        match self.pods.get(&(namespace, name)) {
            Some(pod) => Lookup::Found(pod),
            None => self.facts.pods.absent_unless_missing(|it| it == format!("{namespace}/{name}")),
        }
    }

    /// The issuer of the cluster's tokens, without scheme.
    pub fn issuer_host(&self) -> Option<&'a str> {
        self.issuer.map(|it| it.trim_start_matches("https://"))
    }

    /// The roles that trust a provider, by its ARN.
    pub fn trusting(&self, provider: &str) -> impl Iterator<Item = Trusting> {
        self.trusts.of_provider(provider)
    }

    /// The provider of the cluster's issuer in an account.
    pub(crate) fn provider_in(&self, partition: &str, account: &str) -> Option<String> {
        Some(oidc_provider_arn(partition, account, self.issuer_host()?))
    }

    /// A role with its trust policy.
    pub fn trust(&self, role: &Principal) -> Lookup<&Trust<'a>> {
        self.trusts.role(role)
    }

    /// A role by its place in the index.
    pub fn trust_at(&self, at: usize) -> Option<&Trust<'a>> {
        self.trusts.at(at)
    }

    /// The pods, not ended, whose environment names a role by its ARN.
    pub fn pods_naming(&self, role_arn: &str) -> &[&'a Pod] {
        self.naming.get(role_arn).map(Vec::as_slice).unwrap_or_default()
    }

    /// An association, judged for any pod.
    pub(crate) fn judge(&self, it: &PodIdentityAssociation) -> Association {
        self.association_of(it, None)
    }

    /// Why pods could not be read, as far as they were not.
    pub fn pods_gap(&self) -> Option<Gap> {
        self.facts.pods.gap()
    }

    /// Where a pod runs.
    pub fn place(&self, pod: &Pod) -> Place<'a> {
        self.ground.of(pod)
    }

    /// Where the Pod Identity agent runs.
    pub(crate) fn agent(&self) -> &agent::PodIdentityAgent<'a> {
        &self.ground.agent_places
    }

    pub(crate) fn ground(&self) -> &place::Ground<'a> {
        &self.ground
    }

    /// The variables in the resources of a role's policies that nothing fills in: the policy, the statement's place, the
    /// resource, and the variable's name.
    pub(crate) fn unfilled_variables(&self, role: &'a RoleDetail) -> Vec<(String, usize, String, String)> {
        PolicyOwner::role(role, &self.reader).unfilled_variables()
    }

    /// What a user's own policies, and those of its groups, say of an action on a resource.
    pub(crate) fn own_policies_of_user(&self, user: &'a UserDetail, action: &str, resource: &str) -> PolicyDecision {
        PolicyOwner::user(user, &self.reader).decide(action, resource)
    }

    /// What the role's own policies say of an action on a resource, as far as they are known.
    pub(crate) fn own_policies(&self, role: &Principal, action: &str, resource: &str) -> PolicyDecision {
        match self.trusts.role(role) {
            Lookup::Found(trust) => PolicyOwner::role(trust.detail, &self.reader).decide(action, resource),
            Lookup::Absent => PolicyDecision::nothing(),
            Lookup::Unknown(gap) => PolicyDecision::unread(format!("the policies of role {}: {gap}", role.name)),
        }
    }
}
