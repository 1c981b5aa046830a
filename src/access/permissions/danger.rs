//! What is dangerous in what an identity may do.
//!
//! Decides which permissions lead further than they look, or to secrets: each is a probe, a request that a rule allows
//! or allows for some names. Judged grant by grant, so that it costs the same however many namespaces there are.

use std::collections::{BTreeMap, BTreeSet};

use super::rule::{Respect, allows, lacks};
use super::{Grant, Held, Permissions, Rules, Who};
use crate::access::catalog;
use crate::model::mapping::ScopeKind;
use crate::model::rbac::Rule;
use crate::model::request::{Request, Target};

/// A kind of danger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Danger {
    /// Every verb on every resource.
    Everything,
    /// Acting as somebody else.
    Impersonate,
    /// Writing roles beyond what one holds.
    Escalate,
    /// Binding roles beyond what one holds.
    Bind,
    /// Reaching the kubelet, and through it every pod of a node, around admission and audit.
    NodesProxy,
    /// Making tokens of service accounts.
    Token,
    /// Reading Secrets.
    Secrets,
    /// Running commands in containers.
    Exec,
}

impl Danger {
    /// All, the worst first.
    pub const ALL: [Danger; 8] = [
        Danger::Everything,
        Danger::Impersonate,
        Danger::Escalate,
        Danger::Bind,
        Danger::NodesProxy,
        Danger::Token,
        Danger::Secrets,
        Danger::Exec,
    ];

    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Danger::Everything => "everything",
            Danger::Impersonate => "impersonate",
            Danger::Escalate => "escalate",
            Danger::Bind => "bind",
            Danger::NodesProxy => "nodes/proxy",
            Danger::Token => "tokens",
            Danger::Secrets => "secrets",
            Danger::Exec => "exec",
        }
    }

    /// What it lets one do, as a sentence without its subject: in some namespaces, or in the whole cluster.
    pub fn sentence(self, in_namespaces: bool) -> &'static str {
        match self {
            Danger::Everything => "may do everything",
            Danger::Impersonate if in_namespaces => "may act as service accounts",
            Danger::Impersonate => "may act as other users, groups or service accounts",
            Danger::Escalate => "may write roles that allow more than it holds itself",
            Danger::Bind => "may bind roles that allow more than it holds itself",
            Danger::NodesProxy => "reaches the kubelet, and so every pod of a node, unseen by admission and audit",
            Danger::Token => "may make tokens of service accounts and act as them",
            Danger::Secrets => "reads Secrets",
            Danger::Exec => "runs commands in containers",
        }
    }

    /// The danger that a request is one probe of, if any. Every verb on every resource is no single request.
    pub fn of(request: &Request) -> Option<Danger> {
        let Target::Resource { group, .. } = &request.target else { return None };
        let what = request.what();
        let is_it = |(verb, of, probed): &(&str, &str, &str)| *verb == request.verb && of == group && *probed == what;
        Danger::ALL.into_iter().skip(1).find(|it| it.probes().iter().any(is_it))
    }

    /// Requests of which any is the danger: verb, group, resource with subresource.
    fn probes(self) -> &'static [(&'static str, &'static str, &'static str)] {
        const RBAC: &str = "rbac.authorization.k8s.io";
        match self {
            Danger::Everything => &[("*", "*", "*")],
            Danger::Impersonate => &[
                ("impersonate", "", "users"),
                ("impersonate", "", "groups"),
                ("impersonate", "", "serviceaccounts"),
                ("impersonate", "authentication.k8s.io", "uids"),
            ],
            Danger::Escalate => &[("escalate", RBAC, "clusterroles"), ("escalate", RBAC, "roles")],
            Danger::Bind => &[("bind", RBAC, "clusterroles"), ("bind", RBAC, "roles")],
            Danger::NodesProxy => &[("get", "", "nodes/proxy"), ("create", "", "nodes/proxy")],
            Danger::Token => &[("create", "", "serviceaccounts/token")],
            Danger::Secrets => &[("get", "", "secrets"), ("list", "", "secrets"), ("watch", "", "secrets")],
            // Before Kubernetes 1.35 a WebSocket's GET was enough.
            Danger::Exec => &[("create", "", "pods/exec"), ("get", "", "pods/exec"), ("create", "", "pods/attach")],
        }
    }
}

/// A danger of one identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What.
    pub danger: Danger,
    /// Where: `None` for the whole cluster, else the namespaces (or the patterns of an access scope).
    pub namespaces: Option<BTreeSet<String>>,
    /// The names it is limited to; `None` for no limit.
    pub names: Option<BTreeSet<String>>,
    /// Through which grants, without repetition.
    pub by: Vec<Grant>,
}

impl Found {
    /// Does it hold in this namespace? Empty is the whole cluster.
    pub fn is_in(&self, namespace: &str) -> bool {
        let within = |all: &BTreeSet<String>| all.iter().any(|it| catalog::namespace_matches(it, namespace));
        self.namespaces.as_ref().is_none_or(|all| !namespace.is_empty() && within(all))
    }

    /// `secrets in blue, green`
    pub fn tell(&self) -> String {
        let names = match &self.names {
            Some(names) => format!(" {}", names.iter().cloned().collect::<Vec<_>>().join(", ")),
            None => String::new(),
        };
        match &self.namespaces {
            None => format!("{}{names} everywhere", self.danger.word()),
            Some(it) => {
                format!("{}{names} in {}", self.danger.word(), it.iter().cloned().collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl Permissions {
    /// What is dangerous in what an identity may do, the worst first.
    pub fn dangers(&self, who: &Who) -> Vec<Found> {
        of_grants(&self.grants(who))
    }
}

/// What is dangerous in these grants.
pub fn of_grants(grants: &[Held<'_>]) -> Vec<Found> {
    let mut found: BTreeMap<(Danger, bool), Found> = BTreeMap::new();
    for held in grants {
        let namespaces = reach(&held.grant);
        for danger in Danger::ALL {
            let limit = match &held.rules {
                Rules::All => Some(None),
                Rules::Known(rules) => reached(rules, danger, namespaces.is_some()),
                Rules::Dangling | Rules::Unknown(_) => None,
            };
            let Some(names) = limit else { continue };
            let it = found.entry((danger, names.is_some())).or_insert_with(|| Found {
                danger,
                namespaces: Some(BTreeSet::new()),
                names: names.as_ref().map(|_| BTreeSet::new()),
                by: Vec::new(),
            });
            match (&mut it.namespaces, &namespaces) {
                (Some(all), Some(more)) => all.extend(more.iter().cloned()),
                (all, None) => *all = None,
                (None, Some(_)) => {}
            }
            if let (Some(all), Some(more)) = (&mut it.names, names) {
                all.extend(more);
            }
            if !it.by.contains(&held.grant) {
                it.by.push(held.grant.clone());
            }
        }
    }
    // Who may do everything everywhere need not be told the parts.
    if let Some(all) = found.get(&(Danger::Everything, false)).filter(|it| it.namespaces.is_none()) {
        return vec![all.clone()];
    }
    // A limit to names says nothing beside the same without.
    let free: BTreeSet<Danger> =
        found.values().filter(|it| it.names.is_none() && it.namespaces.is_none()).map(|it| it.danger).collect();
    found.into_values().filter(|it| it.names.is_none() || !free.contains(&it.danger)).collect()
}

fn reach(grant: &Grant) -> Option<BTreeSet<String>> {
    match grant {
        Grant::Masters | Grant::Node | Grant::Binding { namespace: None, .. } => None,
        Grant::Binding { namespace: Some(namespace), .. } => Some(BTreeSet::from([namespace.clone()])),
        Grant::Policy { scope, .. } => match scope.kind {
            ScopeKind::Cluster => None,
            ScopeKind::Namespace => Some(scope.namespaces.iter().cloned().collect()),
        },
    }
}

/// Some: the rules reach the danger, limited to the names in the inner list, if any. In namespaces, what has none is out of
/// reach.
fn reached(rules: &[&Rule], danger: Danger, in_namespaces: bool) -> Option<Option<Vec<String>>> {
    let mut names: Option<Vec<String>> = None;
    for (verb, group, what) in danger.probes().iter().filter(|(_, _, what)| !in_namespaces || !is_beyond(what)) {
        let request = probe(verb, group, what);
        for rule in rules {
            if allows(rule, &request) {
                return Some(None);
            }
            if lacks(rule, &request) == Some(Respect::Name) {
                names.get_or_insert_default().extend(rule.resource_names.iter().cloned());
            }
        }
    }
    names.map(Some)
}

/// Is it in no namespace? Users, groups and uids are known to authorizers alone, and are in none.
fn is_beyond(what: &str) -> bool {
    matches!(what, "users" | "groups" | "uids" | "clusterroles" | "nodes/proxy")
}

fn probe(verb: &str, group: &str, what: &str) -> Request {
    let (resource, subresource) = what.split_once('/').unwrap_or((what, ""));
    let target = Target::Resource {
        group: group.to_owned(),
        resource: resource.to_owned(),
        subresource: subresource.to_owned(),
        namespace: String::new(),
        name: String::new(),
    };
    Request { verb: verb.to_owned(), target }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::permissions::tests::{facts, with_policy};

    fn told(rules: &str, namespace: &str) -> Vec<String> {
        let (kind, at) = if namespace.is_empty() {
            ("ClusterRoleBinding", String::new())
        } else {
            ("RoleBinding", format!(", namespace: {namespace}"))
        };
        let permissions = Permissions::of(&facts(&format!(
            "  - {{kind: ClusterRole, metadata: {{name: r}}, rules: [{rules}]}}\n  - {{kind: {kind}, metadata: {{name: b{at}}}, \
             roleRef: {{kind: ClusterRole, name: r}}, subjects: [{{kind: User, name: x}}]}}"
        )));
        permissions.dangers(&Who::named("x", &[])).iter().map(Found::tell).collect()
    }

    #[test]
    fn each_danger_and_its_near_miss() {
        let rbac = "rbac.authorization.k8s.io";
        let rule = |group: &str, resource: &str, verb: &str| {
            format!("{{apiGroups: ['{group}'], resources: ['{resource}'], verbs: ['{verb}']}}")
        };
        for (rules, near, word) in [
            (rule("*", "*", "*"), rule("*", "pods", "*"), "everything"),
            (rule("", "groups", "impersonate"), rule("", "groups", "get"), "impersonate"),
            (rule(rbac, "clusterroles", "escalate"), rule(rbac, "clusterroles", "update"), "escalate"),
            (rule(rbac, "roles", "bind"), rule(rbac, "rolebindings", "create"), "bind"),
            (rule("", "nodes/proxy", "get"), rule("", "nodes", "get"), "nodes/proxy"),
            (rule("", "serviceaccounts/token", "create"), rule("", "serviceaccounts", "create"), "tokens"),
            (rule("", "secrets", "watch"), rule("", "secrets", "create"), "secrets"),
            (rule("", "pods/exec", "create"), rule("", "pods", "create"), "exec"),
        ] {
            assert_eq!(told(&rules, ""), [format!("{word} everywhere")]);
            assert!(!told(&near, "").iter().any(|it| it.starts_with(word)), "{near}");
        }
    }

    #[test]
    fn in_a_namespace_only_what_is_in_one_is_dangerous() {
        let all = "{apiGroups: ['*'], resources: ['*'], verbs: [impersonate, get]}";
        assert_eq!(told(all, "blue"), ["impersonate in blue", "secrets in blue", "exec in blue"]);
        assert!(told("{apiGroups: [''], resources: [users, groups], verbs: [impersonate]}", "blue").is_empty());
        assert!(
            told("{apiGroups: ['rbac.authorization.k8s.io'], resources: [clusterroles], verbs: [bind]}", "blue")
                .is_empty()
        );
        assert_eq!(Danger::Impersonate.sentence(true), "may act as service accounts");
    }

    #[test]
    fn names_limit_it_and_patterns_reach_their_namespaces() {
        let named = "{apiGroups: [''], resources: [secrets], resourceNames: [db], verbs: [get]}";
        assert_eq!(told(named, ""), ["secrets db everywhere"]);
        let who = with_policy("AmazonEKSSecretReaderPolicy", ScopeKind::Namespace, &["dev-*"]);
        let found = Permissions::default().dangers(&who);
        assert_eq!(found.iter().map(Found::tell).collect::<Vec<_>>(), ["secrets in dev-*"]);
        assert!(found[0].is_in("dev-a") && !found[0].is_in("prod") && !found[0].is_in(""));
    }
}
