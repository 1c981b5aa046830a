//! Who may do what in a cluster: RBAC, and EKS access policies beside it. Both only ever allow.
//!
//! Decides one request at a time and says which grant let it through. Aggregated ClusterRoles stand in the world with
//! their rules filled in, as a cluster holds them. Knows nothing of tokens or paths.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::eks::ACCESS_POLICIES;

use crate::model::document::{ClusterDocument, Manifest};
use crate::model::mapping::{AssociatedPolicy, ScopeKind};
use crate::model::rbac::{Binding, Rule, Subject};
use crate::model::wildcard::glob;

/// Whoever is in it may do everything, whatever the bindings say.
const MASTERS: &str = "system:masters";

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

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) verb: String,
    pub(super) target: Target,
}

/// On what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Empty texts stand for none: the core group, all namespaces, no name.
    Resource { group: String, resource: String, subresource: String, namespace: String, name: String },
    /// `/version`
    Path(String),
}

impl Attributes {
    fn namespace(&self) -> &str {
        match &self.target {
            Target::Resource { namespace, .. } => namespace,
            Target::Path(_) => "",
        }
    }
}

/// Why the request is allowed; `None` if nothing allows it.
pub(super) fn authorize(cluster: &ClusterDocument, user: &User, asked: &Attributes) -> Option<String> {
    if user.groups.iter().any(|group| group == MASTERS) {
        return Some(String::new());
    }
    by_rbac(cluster, user, asked).or_else(|| by_default(cluster, user, asked)).or_else(|| by_access_policy(user, asked))
}

fn by_rbac(cluster: &ClusterDocument, user: &User, asked: &Attributes) -> Option<String> {
    let mut grants = grants(cluster, user, asked.namespace());
    let grant = grants.find(|grant| grant.rules.iter().any(|rule| allows(rule, asked)))?;
    let (kind, name) = match grant.namespace {
        Some(namespace) => ("RoleBinding", format!("{}/{namespace}", grant.binding.metadata.name)),
        None => ("ClusterRoleBinding", grant.binding.metadata.name.clone()),
    };
    let (role, subject) = (&grant.binding.role_ref, grant.subject);
    Some(format!(
        "RBAC: allowed by {kind} {name:?} of {} {:?} to {} {:?}",
        role.kind, role.name, subject.kind, subject.name
    ))
}

/// The rules that RBAC gives a user in a namespace, or (if that is empty) everywhere.
pub(super) fn rules_of<'a>(cluster: &'a ClusterDocument, user: &'a User, namespace: &'a str) -> Vec<&'a Rule> {
    grants(cluster, user, namespace).flat_map(|grant| grant.rules).collect()
}

/// A binding that concerns a user.
struct Grant<'a> {
    binding: &'a Binding,
    /// Of a RoleBinding.
    namespace: Option<&'a str>,
    subject: &'a Subject,
    rules: &'a [Rule],
}

/// The bindings that concern a user: those of the whole cluster first, then those of the namespace.
fn grants<'a>(
    cluster: &'a ClusterDocument,
    user: &'a User,
    namespace: &'a str,
) -> impl Iterator<Item = Grant<'a>> + 'a {
    let manifests = || cluster.kubernetes.iter().flatten();
    let everywhere = manifests().filter_map(|it| match it {
        Manifest::ClusterRoleBinding(binding) => Some((binding, None)),
        _ => None,
    });
    let here = manifests().filter_map(move |it| match it {
        Manifest::RoleBinding(binding) => {
            let own = binding.metadata.namespace.as_deref().filter(|own| !own.is_empty() && *own == namespace)?;
            Some((binding, Some(own)))
        }
        _ => None,
    });
    everywhere.chain(here).filter_map(move |(binding, namespace)| {
        let subject = binding.subjects.iter().find(|it| is_subject(it, user, namespace.unwrap_or_default()))?;
        Some(Grant { binding, namespace, subject, rules: rules(cluster, binding, namespace) })
    })
}

fn is_subject(subject: &Subject, user: &User, namespace: &str) -> bool {
    match subject.kind.as_str() {
        "User" => subject.name == user.username,
        "Group" => user.groups.contains(&subject.name),
        "ServiceAccount" => {
            let namespace = subject.namespace.as_deref().unwrap_or(namespace);
            !namespace.is_empty() && user.username == format!("system:serviceaccount:{namespace}:{}", subject.name)
        }
        _ => false,
    }
}

fn rules<'a>(cluster: &'a ClusterDocument, binding: &Binding, namespace: Option<&str>) -> &'a [Rule] {
    let found = cluster.kubernetes.iter().flatten().find_map(|it| {
        let role = match (it, binding.role_ref.kind.as_str()) {
            (Manifest::ClusterRole(role), "ClusterRole") => Some(role),
            (Manifest::Role(role), "Role") if namespace.is_some() => {
                Some(role).filter(|it| it.metadata.namespace.as_deref() == namespace)
            }
            _ => None,
        };
        role.filter(|it| it.metadata.name == binding.role_ref.name)
    });
    found.map(|role| role.rules.as_slice()).unwrap_or_default()
}

fn allows(rule: &Rule, asked: &Attributes) -> bool {
    let has = |list: &[String], it: &str| list.iter().any(|own| own == "*" || own == it);
    if !has(&rule.verbs, &asked.verb) {
        return false;
    }
    match &asked.target {
        Target::Path(path) => rule.non_resource_urls.iter().any(|own| match own.strip_suffix('*') {
            Some(start) => path.starts_with(start),
            None => own == path,
        }),
        Target::Resource { group, resource, subresource, name, .. } => {
            let whole = if subresource.is_empty() { resource.clone() } else { format!("{resource}/{subresource}") };
            let any_parent = format!("*/{subresource}");
            has(&rule.api_groups, group)
                && (has(&rule.resources, &whole) || !subresource.is_empty() && rule.resources.contains(&any_parent))
                && (rule.resource_names.is_empty() || rule.resource_names.contains(name))
        }
    }
}

/// Every API server binds these by itself and mends them at each start; a small world need not repeat them.
fn by_default(cluster: &ClusterDocument, user: &User, asked: &Attributes) -> Option<String> {
    const DISCOVERY: [&str; 4] = ["/api", "/apis", "/openapi", "/version"];
    const HEALTH: [&str; 4] = ["/healthz", "/livez", "/readyz", "/version"];
    let recorded = |name: &str| {
        let is = |it: &Manifest| matches!(it, Manifest::ClusterRoleBinding(it) if it.metadata.name == name);
        cluster.kubernetes.iter().flatten().any(is)
    };
    let below = |roots: &[&str], path: &str| {
        asked.verb == "get"
            && roots
                .iter()
                .any(|root| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    };
    let known = user.groups.iter().any(|group| group == "system:authenticated");
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
    let stranger =
        binding == "system:public-info-viewer" && user.groups.iter().any(|it| it == "system:unauthenticated");
    ((known || stranger) && !recorded(binding)).then(|| {
        let group = if known { "system:authenticated" } else { "system:unauthenticated" };
        format!("RBAC: allowed by ClusterRoleBinding {binding:?} of ClusterRole {binding:?} to Group {group:?}")
    })
}

/// A policy of the catalogue. Its rules are absent where AWS publishes none, and then nothing is granted here.
#[derive(Debug, Deserialize)]
struct Catalogued {
    name: String,
    #[serde(default)]
    rules: Option<Vec<CataloguedRule>>,
}

#[derive(Debug, Deserialize)]
struct CataloguedRule {
    #[serde(flatten)]
    rule: Rule,
    /// AWS limits the rule to names that it does not publish; it is not taken for a grant.
    #[serde(default)]
    restricted: Option<serde_json::Value>,
}

static CATALOGUE: LazyLock<BTreeMap<String, Vec<Rule>>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Catalogue {
        policies: Vec<Catalogued>,
    }
    let all = serde_json::from_str::<Catalogue>(ACCESS_POLICIES).map(|it| it.policies).unwrap_or_default();
    all.into_iter()
        .map(|policy| {
            let rules = policy.rules.unwrap_or_default().into_iter();
            (policy.name, rules.filter(|it| it.restricted.is_none()).map(|it| it.rule).collect())
        })
        .collect()
});

fn by_access_policy(user: &User, asked: &Attributes) -> Option<String> {
    let namespace = asked.namespace();
    user.access_policies.iter().find_map(|policy| {
        let scope = &policy.access_scope;
        let in_scope = match scope.kind {
            ScopeKind::Cluster => true,
            ScopeKind::Namespace => !namespace.is_empty() && scope.namespaces.iter().any(|it| glob(it, namespace)),
        };
        let rules = CATALOGUE.get(policy.name())?;
        (in_scope && rules.iter().any(|rule| allows(rule, asked)))
            .then(|| format!("EKS Access Policy: allowed by {:?} with scope {scope}", policy.name()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::document::read;
    use crate::model::mapping::AccessScope;

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

    #[test]
    fn rbac_as_the_api_server_has_it() {
        let document = read(CLUSTER).unwrap();
        let cluster = &document.clusters[0];
        let bot = "system:serviceaccount:a:bot";
        for (who, groups, verb, what, allowed) in [
            ("x", &["devs"][..], "list", "|pods||", true),
            ("x", &["devs"], "get", "|pods/log|a|p", true),
            ("x", &["devs"], "create", "|pods/exec|a|p", false),
            ("devs", &[], "list", "|pods||", false),
            ("ann", &[], "get", "/healthz", true),
            ("ann", &[], "get", "/metrics/x", true),
            ("ann", &[], "get", "/metrics", false),
            ("ann", &[], "get", "|configmaps|a|x", true),
            ("ann", &[], "get", "|configmaps|a|y", false),
            ("ann", &[], "get", "|configmaps|b|x", false),
            ("ann", &[], "list", "|configmaps|a|", false),
            (bot, &[], "update", "apps|deployments/scale|a|d", true),
            (bot, &[], "update", "apps|deployments|a|d", false),
            (bot, &[], "update", "apps|deployments/scale|b|d", false),
            ("root", &["system:masters"], "delete", "|nodes||n", true),
        ] {
            let got = authorize(cluster, &user(who, groups), &ask(verb, what));
            assert_eq!(got.is_some(), allowed, "{who} {groups:?} {verb} {what}: {got:?}");
        }
        assert_eq!(
            authorize(cluster, &user(bot, &[]), &ask("get", "apps|deployments/scale|a|d")).unwrap(),
            "RBAC: allowed by RoleBinding \"rb/a\" of ClusterRole \"scaler\" to ServiceAccount \"bot\""
        );
    }

    #[test]
    fn what_every_api_server_binds_need_not_be_in_the_world() {
        let document = read(CLUSTER).unwrap();
        let allowed = |groups: &[&str], what: &str, verb: &str| {
            authorize(&document.clusters[0], &user("x", groups), &ask(verb, what)).is_some()
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
        let document = read(&held).unwrap();
        let asks = |groups: &[&str]| authorize(&document.clusters[0], &user("x", groups), &ask("get", "/livez"));
        assert_eq!((asks(&unknown), asks(&known)), (None, None));
    }

    #[test]
    fn an_access_policy_grants_within_its_scope() {
        let document = read(CLUSTER).unwrap();
        let holding = |name: &str, kind, namespaces: &[&str]| User {
            access_policies: vec![AssociatedPolicy {
                policy_arn: format!("arn:aws:eks::aws:cluster-access-policy/{name}"),
                access_scope: AccessScope { kind, namespaces: namespaces.iter().map(|&it| it.into()).collect() },
                ..AssociatedPolicy::default()
            }],
            ..user("x", &[])
        };
        let view = holding("AmazonEKSViewPolicy", ScopeKind::Namespace, &["dev-*"]);
        let admin = holding("AmazonEKSClusterAdminPolicy", ScopeKind::Cluster, &[]);
        let odd = holding("AmazonEKSEventPolicy", ScopeKind::Cluster, &[]);
        for (who, verb, what, allowed) in [
            (&view, "list", "|pods|dev-a|", true),
            (&view, "list", "|pods|prod|", false),
            (&view, "list", "|pods||", false),
            (&view, "get", "|secrets|dev-a|s", false),
            (&view, "get", "|namespaces|dev-a|dev-a", true),
            (&admin, "delete", "|nodes||n", true),
            (&admin, "get", "/metrics", true),
            (&odd, "list", "|events||", false),
        ] {
            let got = authorize(&document.clusters[0], who, &ask(verb, what));
            assert_eq!(got.is_some(), allowed, "{:?} {verb} {what}: {got:?}", who.access_policies);
        }
    }
}
