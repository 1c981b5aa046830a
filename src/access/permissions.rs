//! Identity and access entry → grants → rules; one request → allowed, denied or unknown, and by what.
//!
//! Decides what an identity may do: RBAC as the API server evaluates it, EKS access policies beside it, `system:masters`
//! above both and the Node authorizer for nodes. All of them only allow; nothing denies. *Denied* therefore means that
//! everything which could allow was read and does not; whatever was not read makes the answer *unknown*. Who the identity
//! is, is [`super::identity`]'s; what a policy grants, [`super::catalog`]'s.
//!
//! [`Permissions::of`] indexes a cluster's facts once; [`Permissions::decide`] answers one request,
//! [`Permissions::grants`] lists what an identity has, [`Permissions::nearest`] says what came closest to allowing.

pub mod danger;
mod grant;
pub(crate) mod index;
mod nearest;
mod node;
mod policy;
pub mod rule;
mod subject;
pub(crate) mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use danger::DangerProbes;
pub use grant::{Grant, RoleName, Via};
use index::{BindingAt, Bound, Index, RoleAt, What};
pub use nearest::NearMiss;
pub(crate) use policy::{ByPolicy, by_policy, may_allow};
use policy::{inference, policies};
pub use rule::Respect;
use rule::allows;
use subject::{MAYBE_NODE, may_be_node};

use super::catalog;
use super::findings::MASTERS;
use super::resources::{self, ServedResources};
use crate::access::Verdict;
use crate::model::cluster::Cluster;
use crate::model::mapping::AssociatedPolicy;
use crate::model::rbac::{Binding, Rule};
use crate::model::request::{Request, Target};
use crate::model::snapshot::{ClusterFacts, Evidence};
use crate::model::workload::account_username;

/// Who asks: a Kubernetes identity, and the access policies of the entry that gave it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Who {
    /// May hold placeholders where no session was given.
    pub username: String,
    /// The implicit ones included.
    pub groups: Vec<String>,
    /// The entry in force, by the principal ARN it names, and its policies.
    pub policies: Option<(String, Vec<AssociatedPolicy>)>,
    /// Why it gets no identity at all; `None` if it does.
    pub outside: Option<String>,
    /// What is not known of the identity itself.
    pub unknown: Vec<String>,
}

/// One grant that allows a request, and its rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowing {
    /// What.
    pub grant: Grant,
    /// Which of the role's or policy's rules, counted from 0; `None` where there are none to count.
    pub rule: Option<usize>,
}

impl Allowing {
    /// The rule itself, in few words; empty where there is none.
    pub fn told(&self, permissions: &Permissions) -> String {
        permissions.rule(self).map(rule::tell).unwrap_or_default()
    }

    /// The deciding rule: the role or the catalogue's policy, at that rule.
    pub fn evidence(&self) -> Option<Evidence> {
        let document = self.grant.rules_document()?;
        Some(Evidence::new(document, self.rule.map(|at| format!("rules[{at}]")).unwrap_or_default()))
    }
}

/// The answer to one request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// Yes, no, unknown.
    pub verdict: Verdict,
    /// All that allows it: `system:masters`, ClusterRoleBindings, RoleBindings, access policies, the Node authorizer.
    pub by: Vec<Allowing>,
    /// Why it gets no identity at all, and so may do nothing.
    pub outside: Option<String>,
    /// The missing facts that could change the answer.
    pub unknown: Vec<String>,
    /// What the answer rests on that is an inference.
    pub unverified: Vec<String>,
}

/// What an identity may get through one grant.
#[derive(Clone, Debug, PartialEq)]
pub struct Held<'a> {
    /// The grant.
    pub grant: Grant,
    /// Its rules, or why there are none to see.
    pub rules: Rules<'a>,
}

/// The rules of a grant.
#[derive(Clone, Debug, PartialEq)]
pub enum Rules<'a> {
    /// These. For an access policy, without those that AWS limits to names it does not publish.
    Known(Vec<&'a Rule>),
    /// Everything.
    All,
    /// The role that is bound does not exist: the binding grants nothing.
    Dangling,
    /// Not known, and why.
    Unknown(String),
}

/// A cluster's permissions, indexed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Permissions {
    index: Arc<Index>,
    namespaces: Arc<BTreeSet<String>>,
    /// Why not all namespaces are known.
    namespaces_gap: Option<String>,
    served: ServedResources,
    probes: Arc<DangerProbes>,
    /// The cluster's Kubernetes version, major and minor.
    version: Option<(u32, u32)>,
}

impl Permissions {
    /// Indexes the RBAC objects of a cluster.
    pub fn of(facts: &ClusterFacts) -> Self {
        let index = Index::new(facts);
        let known = facts.namespaces.items().iter().map(|it| it.metadata.name.clone());
        let namespaces = known.chain(index.by_namespace.keys().cloned()).collect();
        let namespaces_gap = facts.namespaces.gap().map(|gap| gap.to_string());
        let served = ServedResources::from_facts(facts);
        let version = facts.cluster.value().and_then(Cluster::kubernetes_version);
        let (index, namespaces) = (Arc::new(index), Arc::new(namespaces));
        Permissions { index, namespaces, namespaces_gap, served, probes: Arc::new(DangerProbes::of(facts)), version }
    }

    /// The cluster's Kubernetes version, major and minor, if it is known.
    pub fn version(&self) -> Option<(u32, u32)> {
        self.version
    }

    /// Whether all rules are known: those of Roles and of ClusterRoles.
    pub(crate) fn are_roles_read(&self) -> bool {
        [What::Roles, What::ClusterRoles].into_iter().all(|what| self.index.gap(what).is_none())
    }

    /// The resources that the cluster serves.
    pub fn served(&self) -> &ServedResources {
        &self.served
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// Is there a ClusterRoleBinding of that name?
    pub fn binds(&self, name: &str) -> bool {
        let of_name = |at| self.index.binding(at).is_some_and(|it| it.metadata.name == name);
        self.index.cluster_wide().any(of_name)
    }

    /// The groups that a binding names.
    pub fn bound_groups(&self) -> impl Iterator<Item = &str> {
        self.index.groups.keys().map(String::as_str)
    }

    /// The users that a binding names.
    pub fn bound_users(&self) -> impl Iterator<Item = &str> {
        self.index.users.keys().map(String::as_str)
    }

    /// The namespaces known: those that were read, and those of bindings.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.namespaces.iter().map(String::as_str)
    }

    /// Why the namespaces are not all known, if so.
    pub fn namespaces_gap(&self) -> Option<&str> {
        self.namespaces_gap.as_deref()
    }

    /// May it?
    pub fn decide(&self, who: &Who, request: &Request) -> Decision {
        let mut decision = Decision::default();
        if let Some(outside) = &who.outside {
            decision.outside = Some(outside.clone());
            return decision;
        }
        if who.is_master() {
            decision.verdict = Verdict::Yes;
            decision.by.push(Allowing { grant: Grant::Masters, rule: None });
            return decision;
        }
        let namespace = request.namespace();
        let mut unread = Vec::new();
        for at in self.bindings(who, namespace) {
            let role = self.index.role_of(at);
            match self.index.rules(role).iter().position(|rule| allows(rule, request)) {
                Some(rule) => {
                    if self.index.is_computed(role) {
                        decision.unverified.push(format!(
                            "the rules of {}: put together here, as the controller would",
                            self.role_name(at)
                        ));
                    }
                    decision.by.extend(self.grant(at, who).map(|grant| Allowing { grant, rule: Some(rule) }));
                }
                None => unread.extend(self.unread(at, role)),
            }
        }
        self.by_policies(who, request, &mut decision);
        if node::is_node(&who.username, &who.groups) {
            match node::says(request) {
                node::Node::Allows => {
                    decision.by.push(Allowing { grant: Grant::Node, rule: None });
                    if decision.by.len() == 1 {
                        decision.unverified.push("that EKS runs the Node authorizer as upstream has it".to_owned());
                        if !matches!(request.verb.as_str(), "get" | "list" | "watch") {
                            decision
                                .unverified
                                .push("NodeRestriction admits it for the node itself and its own pods only".to_owned());
                        }
                    }
                }
                node::Node::Depends => decision.unknown.push(
                    "whether it is for the node itself or its pods: the Node authorizer allows only those".to_owned(),
                ),
                node::Node::Silent => {}
            }
        }
        if may_be_node(who) && node::says(request) != node::Node::Silent {
            decision.unknown.push(MAYBE_NODE.to_owned());
        }
        if !decision.by.is_empty() {
            decision.verdict = Verdict::Yes;
            decision.unknown.clear();
            return decision;
        }
        decision.unverified.clear();
        decision.unknown.extend(unread);
        decision.unknown.extend(who.unknown.iter().cloned());
        decision.unknown.extend(self.unread_bindings(namespace));
        self.for_some_sessions(who, request, &mut decision.unknown);
        decision.unknown.sort();
        decision.unknown.dedup();
        decision.verdict = if decision.unknown.is_empty() { Verdict::No } else { Verdict::Unknown };
        decision
    }

    /// The rule by which a grant allows.
    pub fn rule(&self, allowing: &Allowing) -> Option<&Rule> {
        let at = allowing.rule?;
        match &allowing.grant {
            Grant::Policy { policy_arn, .. } => catalog::policy(policy_arn)?.rules.as_ref()?.get(at).map(|it| &it.rule),
            Grant::Binding { role, .. } => self.index.rules(self.index.named(role)?).get(at),
            Grant::Masters | Grant::Node => None,
        }
    }

    /// Why, as a sentence without its subject: by what it is allowed, what came nearest, what is missing.
    pub fn because(&self, who: &Who, request: &Request, decision: &Decision) -> String {
        match (decision.verdict, decision.by.first(), &decision.outside) {
            (Verdict::Yes, Some(by), _) => match (&by.grant, by.told(self)) {
                (Grant::Masters, _) => "group system:masters may do everything".to_owned(),
                (grant, told) if told.is_empty() => format!("by {grant}"),
                (grant, told) => format!("by {grant}: {told}"),
            },
            (Verdict::Unknown, ..) => decision.unknown.join("; "),
            (_, _, Some(outside)) => format!("it does not get in: {outside}"),
            _ => match self.nearest(who, request) {
                // That somebody may do the same with something else altogether is no help in a sentence.
                Some(near) if near.respect != Respect::Kind => {
                    format!("nothing that it holds allows it; nearest: {}", near.sentence())
                }
                _ => "nothing that it holds allows it, and no rule comes near".to_owned(),
            },
        }
    }

    /// The namespaces in which the same request would be allowed. Empty for requests that are in one already, or that
    /// have none: no RoleBinding reaches a cluster-scoped kind, whatever its role lists.
    pub fn allowed_in(&self, who: &Who, request: &Request) -> Vec<String> {
        let in_all = matches!(&request.target, Target::Resource { namespace, .. } if namespace.is_empty());
        if !in_all || who.outside.is_some() || resources::is_cluster_scoped(&self.served, request) {
            return Vec::new();
        }
        let allowed = |it: &&String| self.decide(who, &request.in_namespace(it)).verdict == Verdict::Yes;
        self.namespaces.iter().filter(allowed).cloned().collect()
    }

    /// Everything that authorises an identity, wherever: in the order of [`Decision::by`].
    pub fn grants(&self, who: &Who) -> Vec<Held<'_>> {
        let mut out = Vec::new();
        if who.outside.is_some() {
            return out;
        }
        if who.is_master() {
            out.push(Held { grant: Grant::Masters, rules: Rules::All });
        }
        for at in self.all_bindings(who) {
            out.extend(self.grant(at, who).map(|grant| Held { grant, rules: self.rules_of(at) }));
        }
        out.extend(self.policy_grants(who));
        if node::is_node(&who.username, &who.groups) {
            let why = "what the Node authorizer allows depends on the pods of the node".to_owned();
            out.push(Held { grant: Grant::Node, rules: Rules::Unknown(why) });
        } else if may_be_node(who) {
            out.push(Held { grant: Grant::Node, rules: Rules::Unknown(MAYBE_NODE.to_owned()) });
        }
        out
    }

    /// What an identity has by the access policies of its entry.
    pub(crate) fn policy_grants<'a>(&'a self, who: &Who) -> Vec<Held<'a>> {
        let held = |(grant, policy): (Grant, &AssociatedPolicy)| {
            let rules = match catalog::policy(&policy.policy_arn).and_then(|it| it.rules.as_ref()) {
                Some(rules) => {
                    Rules::Known(rules.iter().filter(|it| it.restricted.is_none()).map(|it| &it.rule).collect())
                }
                None => Rules::Unknown(policy::unpublished(&[policy]).unwrap_or_default()),
            };
            Held { grant, rules }
        };
        policies(who).map(held).collect()
    }

    /// The rules of the role that a binding points at.
    pub(crate) fn rules_of(&self, at: BindingAt) -> Rules<'_> {
        let role = self.index.role_of(at);
        match self.unread(at, role) {
            Some(why) => Rules::Unknown(why),
            None if role == RoleAt::Dangling => Rules::Dangling,
            None => Rules::Known(self.index.rules(role).iter().collect()),
        }
    }

    /// What is not known of the grants of an identity, besides their rules: bindings that were not read, users that only
    /// some sessions are.
    pub fn open_questions(&self, who: &Who) -> Vec<String> {
        let mut out: Vec<String> = who.unknown.clone();
        out.extend(self.unread_bindings("*"));
        let mut several: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (fit, _, bound) in self.possible(who) {
            for at in all_of(bound) {
                if let Some(binding) = self.index.binding(at) {
                    several.entry(object(at, binding)).or_default().insert(fit.clone());
                }
            }
        }
        out.extend(several.into_iter().map(|(object, fits)| {
            let fits: Vec<String> = fits.into_iter().collect();
            format!("{object} applies to {} only", fits.join(", "))
        }));
        out
    }

    /// The bindings that concern an identity for a request in a namespace, those of the cluster first.
    fn bindings(&self, who: &Who, namespace: &str) -> Vec<BindingAt> {
        let mut found = Vec::new();
        for bound in self.bound(who) {
            found.extend(bound.cluster.iter().map(|at| BindingAt::Cluster(*at)));
            if !namespace.is_empty() {
                found
                    .extend(bound.namespaced.get(namespace).into_iter().flatten().map(|at| BindingAt::Namespaced(*at)));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn all_bindings(&self, who: &Who) -> Vec<BindingAt> {
        let mut found: Vec<BindingAt> = self.bound(who).flat_map(all_of).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    fn bound<'a>(&'a self, who: &'a Who) -> impl Iterator<Item = &'a Bound> {
        self.index
            .users
            .get(&who.username)
            .into_iter()
            .chain(who.groups.iter().filter_map(|it| self.index.groups.get(it)))
    }

    /// The grant of a binding that concerns an identity.
    pub(crate) fn grant(&self, at: BindingAt, who: &Who) -> Option<Grant> {
        let binding = self.index.binding(at)?;
        let own = binding.metadata.namespace.as_deref().filter(|_| matches!(at, BindingAt::Namespaced(_)));
        let via = binding.subjects.iter().find_map(|subject| {
            let name = subject.name.as_str();
            match subject.kind.as_str() {
                "User" if name == who.username => Some(Via::User(name.to_owned())),
                "Group" if who.groups.iter().any(|it| it == name) => Some(Via::Group(name.to_owned())),
                "ServiceAccount" => {
                    let namespace = subject.namespace.as_deref().filter(|it| !it.is_empty()).or(own)?;
                    (account_username(namespace, name) == who.username)
                        .then(|| Via::ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() })
                }
                _ => None,
            }
        })?;
        Some(self.grant_via(at, binding, via))
    }

    pub(crate) fn grant_via(&self, at: BindingAt, binding: &Binding, via: Via) -> Grant {
        let namespace = match at {
            BindingAt::Cluster(_) => None,
            BindingAt::Namespaced(_) => binding.metadata.namespace.clone(),
        };
        Grant::Binding { role: self.role_name(at), namespace, name: binding.metadata.name.clone(), via }
    }

    fn role_name(&self, at: BindingAt) -> RoleName {
        let Some(binding) = self.index.binding(at) else { return RoleName::ClusterRole(String::new()) };
        let name = binding.role_ref.name.clone();
        match (binding.role_ref.kind.as_str(), &binding.metadata.namespace) {
            ("Role", Some(namespace)) => RoleName::Role(namespace.clone(), name),
            _ => RoleName::ClusterRole(name),
        }
    }

    /// Why the rules behind a binding are not known.
    pub(crate) fn unread(&self, at: BindingAt, role: RoleAt) -> Option<String> {
        let (what, gap) = match role {
            RoleAt::Unread(what) => (what, self.index.gap(what)?),
            // Put together from ClusterRoles of which some were not read.
            _ if self.index.is_computed(role) => (What::ClusterRoles, self.index.gap(What::ClusterRoles)?),
            _ => return None,
        };
        let binding = self.index.binding(at).map(|it| object(at, it)).unwrap_or_default();
        Some(format!("the rules of {}, which {binding} binds: {}: {gap}", self.role_name(at), what.kind()))
    }

    /// Which bindings were not read that could matter in a namespace; `*` stands for any.
    pub(crate) fn unread_bindings(&self, namespace: &str) -> Vec<String> {
        let whats = [What::ClusterRoleBindings, What::RoleBindings];
        let matter = whats.into_iter().filter(|what| *what == What::ClusterRoleBindings || !namespace.is_empty());
        matter.filter_map(|what| Some(format!("{}: {}", what.kind(), self.index.gap(what)?))).collect()
    }

    fn by_policies(&self, who: &Who, request: &Request, decision: &mut Decision) {
        let mut unpublished = Vec::new();
        for (grant, policy) in policies(who) {
            match by_policy(policy, request) {
                ByPolicy::Allows(rule) => {
                    decision.unverified.extend(inference(policy, request));
                    decision.by.push(Allowing { grant, rule: Some(rule) });
                }
                ByPolicy::Unpublished => unpublished.push(policy),
                ByPolicy::Unknown(why) => decision.unknown.push(why),
                ByPolicy::Silent => {}
            }
        }
        decision.unknown.extend(policy::unpublished(&unpublished));
    }

    /// Users and groups that the identity is in some sessions only, with what the session would have to be.
    fn possible<'a>(&'a self, who: &'a Who) -> impl Iterator<Item = (String, &'a str, &'a Bound)> {
        let user = std::iter::once(&who.username).filter(|it| template::is_open(it)).map(|it| (it, &self.index.users));
        let groups = who.groups.iter().filter(|it| template::is_open(it)).map(|it| (it, &self.index.groups));
        user.chain(groups).flat_map(|(open, map)| {
            let prefix = template::prefix(open).to_owned();
            let from = map.range(prefix.clone()..).take_while(move |(name, _)| name.starts_with(&prefix));
            from.filter_map(move |(name, bound)| {
                let fit = template::fit(open, name)?;
                let session =
                    fit.session.map_or_else(|| format!("sessions that are {name}"), |it| format!("session {it}"));
                Some((session, name.as_str(), bound))
            })
        })
    }

    fn for_some_sessions(&self, who: &Who, request: &Request, unknown: &mut Vec<String>) {
        if who.groups.iter().any(|it| template::is_open(it) && template::fit(it, MASTERS).is_some()) {
            unknown.push("which session it is: there is one that belongs to system:masters".to_owned());
        }
        let namespace = request.namespace();
        for (fit, name, bound) in self.possible(who) {
            let here = bound.namespaced.get(namespace).filter(|_| !namespace.is_empty()).into_iter().flatten();
            let all = bound.cluster.iter().map(|at| BindingAt::Cluster(*at));
            for at in all.chain(here.map(|at| BindingAt::Namespaced(*at))) {
                let role = self.index.role_of(at);
                if self.index.rules(role).iter().any(|rule| allows(rule, request)) {
                    let binding = self.index.binding(at).map(|it| object(at, it)).unwrap_or_default();
                    unknown.push(format!("which session it is: {binding} allows it to {fit} ({name})"));
                } else {
                    unknown.extend(self.unread(at, role));
                }
            }
        }
    }
}

/// Every binding that names a subject.
pub(crate) fn all_of(bound: &Bound) -> impl Iterator<Item = BindingAt> {
    let namespaced = bound.namespaced.values().flatten().map(|at| BindingAt::Namespaced(*at));
    bound.cluster.iter().map(|at| BindingAt::Cluster(*at)).chain(namespaced)
}

/// Can a name with placeholders come out as this one?
pub(crate) fn fits(open: &str, name: &str) -> bool {
    template::fit(open, name).is_some()
}

fn object(at: BindingAt, binding: &Binding) -> String {
    match (at, &binding.metadata.namespace) {
        (BindingAt::Namespaced(_), Some(namespace)) => format!("RoleBinding {namespace}/{}", binding.metadata.name),
        _ => format!("ClusterRoleBinding {}", binding.metadata.name),
    }
}

#[cfg(test)]
pub(crate) mod tests;
