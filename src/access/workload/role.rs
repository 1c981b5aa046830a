//! The reverse: who and what can become a role.
//!
//! Decides from the role's trust policy (`named`) and from what uses the role in this cluster. A principal that the policy
//! names may still need its own policies' leave; what is not read makes the answer not known. Pods that get it as their node's
//! role are found by `node`.

mod named;
mod node;

use super::place::Presence;
use super::{Answer, InForce, Subject, Trust, Workloads};
use crate::access::Verdict;
use crate::access::findings::{Finding, of_trusting};
use crate::access::iam::request::POD_IDENTITY_SERVICE;
use crate::access::role_use::RoleUse;
use crate::access::service_role::trust_for;
use crate::access::trust::{Request, outcome};
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::snapshot::{DocumentRef, Evidence};

/// What becomes a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HolderKind {
    /// A pod of this cluster.
    Pod,
    /// A service account of this cluster.
    ServiceAccount,
    /// A node group, by its instances.
    Nodegroup,
    /// An instance profile.
    InstanceProfile,
    /// Another part of the cluster: the cluster itself, a Fargate profile, Auto Mode, an add-on.
    ClusterPart,
    /// An AWS service.
    Service,
    /// A role, user, account, or everyone.
    Principal,
    /// The bearers of an identity provider's tokens.
    Provider,
}

impl HolderKind {
    /// In reports.
    pub fn as_str(self) -> &'static str {
        match self {
            HolderKind::Pod => "pod",
            HolderKind::ServiceAccount => "service-account",
            HolderKind::Nodegroup => "node-group",
            HolderKind::InstanceProfile => "instance-profile",
            HolderKind::ClusterPart => "cluster-part",
            HolderKind::Service => "service",
            HolderKind::Principal => "principal",
            HolderKind::Provider => "provider",
        }
    }

    /// As a heading.
    pub fn heading(self) -> &'static str {
        match self {
            HolderKind::ServiceAccount => "account",
            HolderKind::Nodegroup => "node group",
            HolderKind::InstanceProfile => "profile",
            HolderKind::ClusterPart => "cluster",
            other => other.as_str(),
        }
    }
}

/// Somebody or something that becomes the role, or tries to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// What it is.
    pub kind: HolderKind,
    /// Its name: `NAMESPACE/NAME`, an ARN, a service; of several told together, how many and what.
    pub name: String,
    /// How many they are: more than one where several are told together.
    pub count: usize,
    /// By what: IRSA, Pod Identity; `None` where there is only one way.
    pub mechanism: Option<InForce>,
    /// May it?
    pub outcome: Verdict,
    /// Why, as a sentence.
    pub because: String,
    /// Where that was read.
    pub evidence: Option<Evidence>,
}

impl Holder {
    /// It, to be asked about in its turn.
    pub fn subject(&self) -> Option<Subject> {
        let named = |of: fn(String, String) -> Subject| {
            let (namespace, name) = self.name.split_once('/')?;
            Some(of(namespace.to_owned(), name.to_owned()))
        };
        match self.kind {
            _ if self.count > 1 => None,
            HolderKind::Pod => named(Subject::Pod),
            HolderKind::ServiceAccount => named(Subject::ServiceAccount),
            HolderKind::Principal => match Principal::from_arn(&self.name) {
                Ok((it, _)) if it.kind == PrincipalKind::Role => Some(Subject::Role(it.arn())),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Who and what can become a role.
#[derive(Clone, Debug, PartialEq)]
pub struct WhyRole {
    /// The role.
    pub role_arn: String,
    /// Allowed where somebody or something can, denied where nobody can, unknown.
    pub answer: Answer,
    /// All of them.
    pub holders: Vec<Holder>,
    /// What was not read, and may hide others.
    pub unknown: Vec<String>,
    /// What is wrong with its trust policy.
    pub findings: Vec<Finding>,
}

impl<'a> Workloads<'a> {
    /// Who and what can become a role.
    pub fn why_role(&self, role: &Principal) -> WhyRole {
        let role_arn = role.arn();
        let mut out = WhyRole {
            role_arn: role_arn.clone(),
            answer: Answer::open("nothing was looked at"),
            holders: Vec::new(),
            unknown: Vec::new(),
            findings: Vec::new(),
        };
        let found = match self.existing(&role_arn, role) {
            Ok(trust) => Some(trust),
            Err(answer) => {
                out.answer = *answer;
                if out.answer.outcome == Verdict::Unknown {
                    out.unknown.push(out.answer.because.clone());
                }
                None
            }
        };
        self.workloads_of(&role_arn, &mut out);
        if found.is_some() || out.answer.outcome == Verdict::Unknown {
            self.pods_on_nodes(role, &mut out);
        }
        self.parts_of(&role_arn, role, found, &mut out);
        if let Some(trust) = found {
            match trust.policy() {
                Ok(_) => self.named_by(trust, role, &mut out),
                Err(why) => out.unknown.push(why),
            }
            out.findings = of_trusting(self, trust, role);
        }
        self.unread(role, found, &mut out);
        // Of several statements that name somebody, the one that lets it in counts.
        let key = |it: &Holder| (it.kind, it.name.clone(), it.mechanism);
        out.holders.sort_by_cached_key(|it| {
            (it.kind, it.count > 1, key(it), std::cmp::Reverse(it.outcome), it.because.clone())
        });
        out.holders.dedup_by_key(|it| key(it));
        if found.is_some() {
            // EKS' own service takes the role for pods alone, and only where the agent asks it to.
            let for_pods = |it: &Holder| it.kind == HolderKind::Service && it.name == POD_IDENTITY_SERVICE;
            let counted = |it: &Holder| match self.agent().presence() {
                Presence::Absent(_) if for_pods(it) => Verdict::No,
                Presence::Unknown(_) if for_pods(it) => it.outcome.min(Verdict::Unknown),
                _ => it.outcome,
            };
            let count = |outcome| {
                let all = out.holders.iter().filter(|it| counted(it) == outcome);
                all.map(|it| it.count).sum::<usize>()
            };
            let (may, perhaps) = (count(Verdict::Yes), count(Verdict::Unknown));
            let for_pods = out.holders.iter().any(|it| for_pods(it) && it.outcome == Verdict::Yes);
            out.answer = match (may, perhaps + out.unknown.len()) {
                (0, 0) if for_pods => Answer::no(format!(
                    "nobody can assume it: {POD_IDENTITY_SERVICE} may, for pods alone, and no Pod Identity agent of this \
                     cluster asks it to"
                )),
                (0, 0) => Answer::no("nobody and nothing can become it"),
                (0, _) => Answer::open("nobody surely can become it; of some it is not known"),
                (n, 0) => Answer::yes(format!("{n} can become it")),
                (n, more) => Answer::yes(format!("{n} can become it, and {more} perhaps")),
            };
        }
        out
    }

    fn workloads_of(&self, role_arn: &str, out: &mut WhyRole) {
        for ((namespace, name), account) in self.accounts() {
            let full = format!("{namespace}/{name}");
            if let Some(irsa) = account.irsa.as_ref().filter(|it| it.role_arn == role_arn) {
                let document = DocumentRef::ServiceAccount(namespace.to_owned(), name.to_owned());
                let (outcome, because) = match (&account.association, irsa.answer.outcome) {
                    (Some(_), Verdict::Yes) => (
                        Verdict::Yes,
                        "its annotation names the role, which lets it in; pods made now use Pod Identity instead"
                            .to_owned(),
                    ),
                    _ => (irsa.answer.outcome, irsa.answer.because.clone()),
                };
                out.holders.push(Holder {
                    kind: HolderKind::ServiceAccount,
                    name: full.clone(),
                    count: 1,
                    mechanism: Some(InForce::Irsa),
                    outcome,
                    because,
                    evidence: Some(Evidence::new(document, "metadata.annotations")),
                });
            }
            let association = account.association.as_ref();
            if let Some(it) = association
                .filter(|it| it.role_arn.as_deref() == Some(role_arn) || it.target.as_deref() == Some(role_arn))
            {
                // Whether a pod gets it hangs on more than the role: the agent, Fargate, network policies.
                let answer = self.association_for_new_pods((namespace, name), account, it);
                out.holders.push(Holder {
                    kind: HolderKind::ServiceAccount,
                    name: full,
                    count: 1,
                    mechanism: Some(InForce::PodIdentity),
                    outcome: answer.outcome,
                    because: answer.because,
                    evidence: Some(Evidence::new(DocumentRef::PodIdentityAssociation(it.id.clone()), "")),
                });
            }
            let concerns = association
                .is_some_and(|it| it.role_arn.as_deref() == Some(role_arn) || it.target.as_deref() == Some(role_arn))
                || account.irsa.as_ref().is_some_and(|it| it.role_arn == role_arn)
                || account.pods.iter().any(|pod| super::credential_chain::roles_named(pod).contains(&role_arn));
            if concerns {
                self.pods_of(account, role_arn, out);
            }
        }
    }

    fn pods_of(&self, account: &super::Account<'a>, role_arn: &str, out: &mut WhyRole) {
        for pod in &account.pods {
            let it = self.identities(pod);
            let target = account.association.as_ref().and_then(|it| it.target.as_deref());
            let by_target = it.in_force == InForce::PodIdentity && target == Some(role_arn);
            let by_node = it.in_force == InForce::NodeRole;
            if by_node || (it.role_arn.as_deref() != Some(role_arn) && !by_target) {
                continue;
            }
            let namespace = pod.metadata.namespace.clone().unwrap_or_default();
            out.holders.push(Holder {
                kind: HolderKind::Pod,
                name: format!("{namespace}/{}", pod.metadata.name),
                count: 1,
                mechanism: Some(it.in_force),
                outcome: it.answer.outcome,
                because: it.answer.because,
                evidence: Some(Evidence::new(DocumentRef::Pod(namespace, pod.metadata.name.clone()), "spec")),
            });
        }
    }

    /// What in the cluster and the account runs as it.
    fn parts_of(&self, role_arn: &str, role: &Principal, trust: Option<&Trust<'a>>, out: &mut WhyRole) {
        // As the Roles pane judges it.
        let service = |used_by: &RoleUse| -> (Verdict, String) {
            let Some(trust) = trust else { return (out.answer.outcome, out.answer.because.clone()) };
            match trust_for(used_by, role, trust.detail, self.facts, self.iam) {
                Some(it) => (it.verdict, format!("as {}: {}", it.who, it.because)),
                None => (Verdict::Unknown, "which service takes it on is not known".to_owned()),
            }
        };
        let mut all = Vec::new();
        let mut add = |kind, name: String, used_by: RoleUse, document, path: &str| {
            let (outcome, because) = service(&used_by);
            let evidence = Some(Evidence::new(document, path));
            all.push(Holder { kind, name, count: 1, mechanism: None, outcome, because, evidence });
        };
        let is_it = |it: &Option<String>| it.as_deref() == Some(role_arn);
        for it in self.facts.nodegroups.items().iter().filter(|it| is_it(&it.node_role)) {
            let name = it.nodegroup_name.clone();
            let document = DocumentRef::Nodegroup(name.clone());
            add(HolderKind::Nodegroup, name.clone(), RoleUse::Nodegroup(name), document, "nodeRole");
        }
        for it in self.facts.fargate_profiles.items().iter().filter(|it| is_it(&it.pod_execution_role_arn)) {
            let name = it.fargate_profile_name.clone();
            let document = DocumentRef::FargateProfile(name.clone());
            let title = format!("Fargate profile {name}");
            add(HolderKind::ClusterPart, title, RoleUse::FargateProfile(name), document, "podExecutionRoleArn");
        }
        if let Some(cluster) = self.facts.cluster.value() {
            if is_it(&cluster.role_arn) {
                let name = format!("cluster {}", cluster.name);
                add(HolderKind::ClusterPart, name, RoleUse::Cluster, DocumentRef::Cluster, "roleArn");
            }
            if cluster.compute_config.as_ref().is_some_and(|it| is_it(&it.node_role_arn)) {
                let name = format!("Auto Mode of cluster {}", cluster.name);
                let path = "computeConfig.nodeRoleArn";
                add(HolderKind::ClusterPart, name, RoleUse::AutoMode, DocumentRef::Cluster, path);
            }
        }
        let profiles =
            self.iam.instance_profiles.items().iter().filter(|it| it.roles.iter().any(|it| it.arn == role_arn));
        let own = trust.into_iter().flat_map(|it| &it.detail.instance_profile_list);
        let mut names: Vec<&str> = profiles.chain(own).map(|it| it.instance_profile_name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let document = DocumentRef::IamRole(role.name.clone());
            let used_by = RoleUse::SelfManaged(name.to_owned());
            add(HolderKind::InstanceProfile, name.to_owned(), used_by, document, "InstanceProfileList");
        }
        out.holders.extend(all);
    }

    /// What was not read and may hide others: of each kind only where the trust policy may let some of it in.
    fn unread(&self, role: &Principal, trust: Option<&Trust<'a>>, out: &mut WhyRole) {
        let facts = self.facts;
        let policy = trust.and_then(|it| it.policy().ok());
        let may =
            |request: Request| policy.is_none_or(|it| outcome(it, &request.to_account(&role.account)) != Verdict::No);
        let part = |used_by: RoleUse| {
            let service = trust.and_then(|it| trust_for(&used_by, role, it.detail, facts, self.iam));
            service.is_none_or(|it| it.verdict != Verdict::No)
        };
        let nodes = part(RoleUse::SelfManaged(String::new()));
        let fargate = part(RoleUse::FargateProfile(String::new()));
        // A role that another one may assume can be an association's target role.
        let assumed = out.holders.iter().any(|it| it.kind == HolderKind::Principal && it.outcome != Verdict::No);
        let pod_identity = assumed || may(Request::any_pod_identity());
        // Which provider is the cluster's is not known without its issuer.
        let provider = self.provider_in(&role.partition, &role.account);
        let irsa = provider.is_none_or(|provider| match (policy, trust) {
            (Some(policy), Some(trust)) => {
                may(named::of_bearer(policy, role, &provider)) && self.no_bearer(trust, role, &provider).is_none()
            }
            _ => true,
        });
        let gaps = [
            ("service accounts", facts.service_accounts.gap().filter(|_| irsa || pod_identity)),
            ("pods", facts.pods.gap().filter(|_| irsa || pod_identity || nodes)),
            ("Pod Identity associations", facts.pod_identity_associations.gap().filter(|_| pod_identity)),
            ("node groups", facts.nodegroups.gap().filter(|_| nodes)),
            ("Fargate profiles", facts.fargate_profiles.gap().filter(|_| fargate)),
        ];
        out.unknown.extend(gaps.into_iter().filter_map(|(what, gap)| Some(super::place::unread(what, &gap?))));
    }
}
