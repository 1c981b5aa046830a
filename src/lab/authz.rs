//! Who may do what in a cluster, as the API server answers it: this program's own engine, in the server's words.
//!
//! Decides what is added to it: what every API server binds by itself need not stand in a small world. What the engine
//! does not know is not allowed here. Knows nothing of tokens or paths.

use std::collections::BTreeMap;

use crate::access::Verdict;
use crate::access::findings::MASTERS;
use crate::access::identity::groups::{AUTHENTICATED, UNAUTHENTICATED};
use crate::access::permissions::{Grant, Permissions, RoleName, Rules, Via, Who};
use crate::model::mapping::AssociatedPolicy;
use crate::model::rbac::Rule;
pub(super) use crate::model::request::{Request as Attributes, Target};

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct User {
    pub(super) username: String,
    pub(super) uid: String,
    /// The implicit ones included.
    pub(super) groups: Vec<String>,
    pub(super) extra: BTreeMap<String, Vec<String>>,
    /// Those of the access entry in force.
    pub(super) access_policies: Vec<AssociatedPolicy>,
}

impl User {
    fn who(&self) -> Who {
        Who {
            username: self.username.clone(),
            groups: self.groups.clone(),
            policies: Some((String::new(), self.access_policies.clone())),
            ..Who::default()
        }
    }
}

/// Why the request is allowed; `None` if nothing allows it.
pub(super) fn authorize(permissions: &Permissions, user: &User, asked: &Attributes) -> Option<String> {
    let decision = permissions.decide(&user.who(), asked);
    let by_engine = decision.by.first().filter(|_| decision.verdict == Verdict::Yes).map(|by| reason(&by.grant));
    by_engine.or_else(|| by_default(permissions, user, asked))
}

/// In the API server's words.
fn reason(grant: &Grant) -> String {
    match grant {
        Grant::Masters | Grant::Node => String::new(),
        Grant::Binding { namespace, name, role, via } => {
            let (kind, name) = match namespace {
                Some(namespace) => ("RoleBinding", format!("{name}/{namespace}")),
                None => ("ClusterRoleBinding", name.clone()),
            };
            let (role_kind, role) = match role {
                RoleName::Role(_, name) => ("Role", name),
                RoleName::ClusterRole(name) => ("ClusterRole", name),
            };
            let (subject_kind, subject) = match via {
                Via::User(name) => ("User", name.clone()),
                Via::Group(name) => ("Group", name.clone()),
                Via::ServiceAccount { namespace, name } => ("ServiceAccount", format!("{name}/{namespace}")),
            };
            format!("RBAC: allowed by {kind} {name:?} of {role_kind} {role:?} to {subject_kind} {subject:?}")
        }
        Grant::Policy { scope, .. } => {
            format!("EKS Access Policy: allowed by {:?} with scope {scope}", grant.object())
        }
    }
}

/// The rules that RBAC gives a user in a namespace, or (if that is empty) everywhere.
pub(super) fn rules_of<'a>(permissions: &'a Permissions, user: &User, namespace: &str) -> Vec<&'a Rule> {
    let here = |grant: &Grant| match grant {
        Grant::Binding { namespace: Some(own), .. } => own == namespace,
        Grant::Binding { namespace: None, .. } => true,
        _ => false,
    };
    let held = permissions.grants(&user.who()).into_iter().filter(|held| here(&held.grant));
    held.flat_map(|held| if let Rules::Known(rules) = held.rules { rules } else { Vec::new() }).collect()
}

/// The rules that every API server's own bindings give a user, as far as the world does not record those.
pub(super) fn default_rules(permissions: &Permissions, user: &User) -> Vec<Rule> {
    let own = |all: &[&str]| all.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
    let creates = |group: &str, resources: &[&str]| Rule {
        api_groups: own(&[group]),
        resources: own(resources),
        verbs: own(&["create"]),
        ..Rule::default()
    };
    let gets = |urls: &[&str]| Rule { non_resource_urls: own(urls), verbs: own(&["get"]), ..Rule::default() };
    let has = |group: &str| user.groups.iter().any(|it| it == group);
    let mut rules = Vec::new();
    if has(MASTERS) && !permissions.binds("cluster-admin") {
        let all = own(&["*"]);
        let (api_groups, resources, verbs) = (all.clone(), all.clone(), all.clone());
        rules.push(Rule { api_groups, resources, verbs: verbs.clone(), ..Rule::default() });
        rules.push(Rule { non_resource_urls: all, verbs, ..Rule::default() });
    }
    if has(AUTHENTICATED) && !permissions.binds("system:basic-user") {
        rules.push(creates("authorization.k8s.io", &["selfsubjectaccessreviews", "selfsubjectrulesreviews"]));
        rules.push(creates("authentication.k8s.io", &["selfsubjectreviews"]));
    }
    if has(AUTHENTICATED) && !permissions.binds("system:discovery") {
        let urls = ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz"];
        rules.push(gets(&[&urls[..], &["/version", "/version/"]].concat()));
    }
    if (has(AUTHENTICATED) || has(UNAUTHENTICATED)) && !permissions.binds("system:public-info-viewer") {
        rules.push(gets(&["/healthz", "/livez", "/readyz", "/version", "/version/"]));
    }
    rules
}

/// Every API server binds these by itself and mends them at each start; a small world need not repeat them.
fn by_default(permissions: &Permissions, user: &User, asked: &Attributes) -> Option<String> {
    const DISCOVERY: [&str; 4] = ["/api", "/apis", "/openapi", "/version"];
    const HEALTH: [&str; 4] = ["/healthz", "/livez", "/readyz", "/version"];
    let recorded = |name: &str| permissions.binds(name);
    let below = |roots: &[&str], path: &str| {
        asked.verb == "get"
            && roots
                .iter()
                .any(|root| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    };
    let known = user.groups.iter().any(|group| group == AUTHENTICATED);
    let binding = match &asked.target {
        Target::Path(path) if known && below(&DISCOVERY, path) && !recorded("system:discovery") => "system:discovery",
        Target::Path(path) if below(&HEALTH, path) => "system:public-info-viewer",
        Target::Resource { group, resource, .. } if asked.verb == "create" => match (group.as_str(), resource.as_str())
        {
            ("authorization.k8s.io", "selfsubjectaccessreviews" | "selfsubjectrulesreviews")
            | ("authentication.k8s.io", "selfsubjectreviews") => "system:basic-user",
            _ => return None,
        },
        _ => return None,
    };
    // How the server is, and nothing else, is told to those as well whom nobody knows.
    let stranger = binding == "system:public-info-viewer" && user.groups.iter().any(|it| it == UNAUTHENTICATED);
    ((known || stranger) && !recorded(binding)).then(|| {
        let group = if known { AUTHENTICATED } else { UNAUTHENTICATED };
        format!("RBAC: allowed by ClusterRoleBinding {binding:?} of ClusterRole {binding:?} to Group {group:?}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::document::read;
    use crate::model::facts::snapshot_of;
    use crate::model::mapping::{AccessScope, ScopeKind};
    use crate::model::snapshot::Source;

    const CLUSTER: &str = r#"
eksplorer: 1
clusters:
- cluster: {name: c}
  kubernetes:
  - {kind: ClusterRole, metadata: {name: view}, rules: [{apiGroups: [""], resources: [pods, pods/log], verbs: [get, list]}]}
  - {kind: ClusterRole, metadata: {name: scaler}, rules: [{apiGroups: ["*"], resources: ["*/scale"], verbs: ["*"]}]}
  - {kind: ClusterRole, metadata: {name: health}, rules: [{nonResourceURLs: ["/healthz", "/metrics/*"], verbs: [get]}]}
  - {kind: Role, metadata: {name: one, namespace: a}, rules: [{apiGroups: [""], resources: [configmaps], resourceNames: [x], verbs: [get]}]}
  - kind: ClusterRoleBinding
    metadata: {name: viewers}
    roleRef: {kind: ClusterRole, name: view}
    subjects: [{kind: Group, name: devs}]
  - kind: ClusterRoleBinding
    metadata: {name: ops}
    roleRef: {kind: ClusterRole, name: health}
    subjects: [{kind: User, name: ann}]
  - kind: RoleBinding
    metadata: {name: rb, namespace: a}
    roleRef: {kind: ClusterRole, name: scaler}
    subjects: [{kind: ServiceAccount, name: bot}]
  - kind: RoleBinding
    metadata: {name: one, namespace: a}
    roleRef: {kind: Role, name: one}
    subjects: [{kind: User, name: ann}]
  - kind: RoleBinding
    metadata: {name: dangling, namespace: b}
    roleRef: {kind: Role, name: one}
    subjects: [{kind: User, name: ann}]
"#;

    fn ask(verb: &str, what: &str) -> Attributes {
        let target = match what.strip_prefix('/') {
            Some(_) => Target::Path(what.to_owned()),
            None => {
                // group|resource/subresource|namespace|name
                let part = |n: usize| what.split('|').nth(n).unwrap_or_default();
                let (resource, subresource) = part(1).split_once('/').unwrap_or((part(1), ""));
                Target::Resource {
                    group: part(0).into(),
                    resource: resource.into(),
                    subresource: subresource.into(),
                    namespace: part(2).into(),
                    name: part(3).into(),
                }
            }
        };
        Attributes { verb: verb.into(), target }
    }

    fn user(name: &str, groups: &[&str]) -> User {
        User { username: name.into(), groups: groups.iter().map(|&it| it.into()).collect(), ..User::default() }
    }

    fn served(document: &str) -> Permissions {
        let snapshot = snapshot_of(&read(document).unwrap(), Source::Lab);
        Permissions::of(snapshot.facts.values().next().unwrap())
    }

    #[test]
    fn the_reason_is_in_the_api_servers_words() {
        let permissions = served(CLUSTER);
        let bot = "system:serviceaccount:a:bot";
        let why = |who: &User, verb: &str, what: &str| authorize(&permissions, who, &ask(verb, what));
        assert_eq!(
            why(&user(bot, &[]), "get", "apps|deployments/scale|a|d").as_deref(),
            Some("RBAC: allowed by RoleBinding \"rb/a\" of ClusterRole \"scaler\" to ServiceAccount \"bot/a\"")
        );
        assert_eq!(
            why(&user("x", &["devs"]), "list", "|pods||").as_deref(),
            Some("RBAC: allowed by ClusterRoleBinding \"viewers\" of ClusterRole \"view\" to Group \"devs\"")
        );
        assert_eq!(why(&user("root", &["system:masters"]), "delete", "|nodes||n").as_deref(), Some(""));
        assert_eq!(why(&user("x", &["devs"]), "delete", "|pods||"), None);
        let policy = AssociatedPolicy {
            policy_arn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy".into(),
            access_scope: AccessScope { kind: ScopeKind::Namespace, namespaces: vec!["dev-*".into()] },
            ..AssociatedPolicy::default()
        };
        let viewer = User { access_policies: vec![policy], ..user("x", &[]) };
        let reason = why(&viewer, "list", "|pods|dev-a|");
        assert_eq!(reason.as_deref(), Some("EKS Access Policy: allowed by \"AmazonEKSViewPolicy\" with scope dev-*"));
    }

    #[test]
    fn rules_are_those_of_bindings_alone() {
        let permissions = served(CLUSTER);
        let ann = user("ann", &[]);
        assert_eq!((rules_of(&permissions, &ann, "").len(), rules_of(&permissions, &ann, "a").len()), (1, 2));
    }

    #[test]
    fn what_every_api_server_binds_need_not_be_in_the_world() {
        let permissions = served(CLUSTER);
        let allowed = |groups: &[&str], what: &str, verb: &str| {
            authorize(&permissions, &user("x", groups), &ask(verb, what)).is_some()
        };
        let known = ["system:authenticated"];
        assert!(allowed(&known, "/apis/rbac.authorization.k8s.io/v1", "get"));
        assert!(allowed(&known, "authorization.k8s.io|selfsubjectaccessreviews||", "create"));
        assert!(!allowed(&known, "authorization.k8s.io|subjectaccessreviews||", "create"));
        assert!(!allowed(&known, "/apistle", "get"));
        assert!(!allowed(&[], "/api", "get"));
        let unknown = ["system:unauthenticated"];
        assert!(allowed(&unknown, "/livez", "get") && allowed(&unknown, "/version", "get"));
        assert!(!allowed(&unknown, "/api", "get"));
        assert!(!allowed(&unknown, "authorization.k8s.io|selfsubjectaccessreviews||", "create"));

        // A binding that the world holds speaks for itself.
        let binding = "{kind: ClusterRoleBinding, metadata: {name: system:public-info-viewer}, roleRef: {kind: ClusterRole, name: none}}";
        let held = CLUSTER.to_owned() + "  - " + binding + "\n";
        let permissions = served(&held);
        let asks = |groups: &[&str]| authorize(&permissions, &user("x", groups), &ask("get", "/livez"));
        assert_eq!((asks(&unknown), asks(&known)), (None, None));
    }
}
