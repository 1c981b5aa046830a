//! Each danger, and what comes near it and is none.

use super::*;
use crate::access::permissions::tests::{facts, with_policy};
use crate::model::aws_auth::read_aws_auth;
use crate::model::cluster::{AccessConfig, Cluster};
use crate::model::rbac::ConfigMap;
use crate::model::snapshot::Section;
use crate::model::time::Time;

const ALL: &str = "{apiGroups: ['*'], resources: ['*'], verbs: [impersonate, get]}";

fn rule(group: &str, resource: &str, verb: &str) -> String {
    format!("{{apiGroups: ['{group}'], resources: ['{resource}'], verbs: ['{verb}']}}")
}

/// A cluster of a version and a mode in which user x has the rules, in a namespace or everywhere.
struct Case<'a> {
    version: &'a str,
    mode: Option<AuthenticationMode>,
    has_aws_auth: bool,
    namespace: &'a str,
}

const NOW: Case<'static> =
    Case { version: "1.35", mode: Some(AuthenticationMode::Api), has_aws_auth: true, namespace: "" };

impl Case<'_> {
    fn found(&self, rules: &str) -> Vec<Found> {
        let (kind, at) = match self.namespace {
            "" => ("ClusterRoleBinding", String::new()),
            namespace => ("RoleBinding", format!(", namespace: {namespace}")),
        };
        let mut facts = facts(&format!(
            "  - {{kind: ClusterRole, metadata: {{name: r}}, rules: [{rules}]}}\n  - {{kind: {kind}, metadata: {{name: b{at}}}, \
             roleRef: {{kind: ClusterRole, name: r}}, subjects: [{{kind: User, name: x}}]}}"
        ));
        facts.cluster = Section::known(
            Cluster {
                version: Some(self.version.to_owned()).filter(|it| !it.is_empty()),
                access_config: self
                    .mode
                    .map(|mode| AccessConfig { authentication_mode: Some(mode), ..AccessConfig::default() }),
                ..Cluster::default()
            },
            Time::default(),
        );
        let config_map = ConfigMap::default();
        let read = read_aws_auth(&config_map);
        facts.aws_auth = Section::known(self.has_aws_auth.then_some((config_map, read)), Time::default());
        Permissions::of(&facts).dangers(&Who::named("x", &[]))
    }

    fn told(&self, rules: &str) -> Vec<String> {
        self.found(rules).iter().map(Found::tell).collect()
    }
}

#[test]
fn each_danger_and_its_near_miss() {
    for (rules, near, word) in [
        (rule("*", "*", "*"), rule("*", "pods", "*"), "everything"),
        (rule("", "groups", "impersonate"), rule("", "groups", "get"), "impersonate"),
        (rule(RBAC, "clusterroles", "escalate"), rule(RBAC, "clusterroles", "update"), "escalate"),
        (rule(RBAC, "roles", "bind"), rule(RBAC, "rolebindings", "create"), "bind"),
        (rule("", "nodes/proxy", "get"), rule("", "nodes", "get"), "nodes/proxy"),
        (rule("", "serviceaccounts/token", "create"), rule("", "serviceaccounts", "create"), "tokens"),
        (rule("", "secrets", "watch"), rule("", "secrets", "create"), "secrets"),
        (rule("", "pods/exec", "create"), rule("", "pods", "create"), "exec"),
        (rule("", "pods/attach", "create"), rule("", "pods/log", "get"), "attach"),
        (rule("", "pods/portforward", "create"), rule("", "services", "create"), "port-forward"),
    ] {
        assert_eq!(NOW.told(&rules), [format!("{word} everywhere")]);
        assert!(!NOW.told(&near).iter().any(|it| it.starts_with(word)), "{near}");
    }
}

/// Since Kubernetes 1.35 a WebSocket needs `create` (feature gate AuthorizePodWebsocketUpgradeCreatePermission); before, its GET
/// was enough.
#[test]
fn get_is_a_way_into_containers_before_1_35() {
    for (what, word) in [("pods/exec", "exec"), ("pods/attach", "attach"), ("pods/portforward", "port-forward")] {
        let get = rule("", what, "get");
        let at = |version| Case { version, ..NOW }.found(&get).into_iter().map(|it| (it.tell(), it.note)).collect();
        let everywhere = format!("{word} everywhere");
        let before: Vec<(String, Option<&str>)> = at("1.34");
        assert_eq!(before, [(everywhere.clone(), Some("get is enough before Kubernetes 1.35"))]);
        let since: Vec<(String, Option<&str>)> = at("1.35");
        assert_eq!(since, []);
        let unknown: Vec<(String, Option<&str>)> = at("");
        assert!(unknown.iter().all(|(it, note)| *it == everywhere && note.is_some_and(|it| it.ends_with("not known"))));
        // Whoever may create needs no version.
        let both = format!("{get}, {}", rule("", what, "create"));
        assert!(Case { version: "1.34", ..NOW }.found(&both).iter().all(|it| it.note.is_none()));
    }
}

/// Whoever writes aws-auth decides who gets in, where the cluster reads it.
#[test]
fn writing_aws_auth_is_a_danger_where_it_is_read() {
    use AuthenticationMode::{Api, ApiAndConfigMap, ConfigMap};
    let named =
        |name: &str| format!("{{apiGroups: [''], resources: [configmaps], resourceNames: [{name}], verbs: [patch]}}");
    let (update, create) = (rule("", "configmaps", "update"), rule("", "configmaps", "create"));
    let case = |mode, has_aws_auth, namespace| Case { mode, has_aws_auth, namespace, ..NOW };
    let danger = ["aws-auth in kube-system"].as_slice();
    for (rules, case, told) in [
        (update.clone(), case(Some(ConfigMap), true, ""), danger),
        (update.clone(), case(Some(ApiAndConfigMap), true, "kube-system"), danger),
        (update.clone(), case(Some(ApiAndConfigMap), true, "shop"), &[]),
        (update.clone(), case(Some(Api), true, ""), &[]),
        (named("aws-auth"), case(Some(ConfigMap), true, ""), danger),
        (named("coredns"), case(Some(ConfigMap), true, ""), &[]),
        (create.clone(), case(Some(ConfigMap), true, ""), &[]),
        (create, case(Some(ConfigMap), false, ""), danger),
        (update.clone(), case(Some(ConfigMap), false, ""), &[]),
        (rule("", "configmaps", "get"), case(Some(ConfigMap), true, ""), &[]),
    ] {
        assert_eq!(case.told(&rules), told, "{rules} in {:?}", case.mode);
    }
    let unknown = case(Some(AuthenticationMode::Unknown), true, "").found(&update);
    assert!(unknown.iter().all(|it| it.note.is_some_and(|it| it.contains("authentication mode is not known"))));
    assert_eq!(unknown.len(), 1);
    // Where aws-auth was not read, whether there is one to update is not known.
    let facts = ClusterFacts::default();
    let found = Permissions::of(&facts).dangers(&with_policy("AmazonEKSEditPolicy", ScopeKind::Cluster, &[]));
    assert!(found.iter().any(|it| it.danger == Danger::AwsAuth && it.note.is_some()));
}

#[test]
fn in_a_namespace_only_what_is_in_one_is_dangerous() {
    let told = |rules: &str| Case { namespace: "blue", ..NOW }.told(rules);
    assert_eq!(told(ALL), ["impersonate in blue", "secrets in blue"]);
    let before = Case { namespace: "blue", version: "1.34", ..NOW }.told(ALL);
    assert_eq!(before[2..], ["exec in blue", "attach in blue", "port-forward in blue"]);
    assert!(told("{apiGroups: [''], resources: [users, groups], verbs: [impersonate]}").is_empty());
    assert!(told(&rule(RBAC, "clusterroles", "bind")).is_empty());
    assert_eq!(Danger::Impersonate.sentence(true), "may act as service accounts");
}

#[test]
fn names_limit_it_and_patterns_reach_their_namespaces() {
    let named = "{apiGroups: [''], resources: [secrets], resourceNames: [db], verbs: [get]}";
    assert_eq!(NOW.told(named), ["secrets db everywhere"]);
    let who = with_policy("AmazonEKSSecretReaderPolicy", ScopeKind::Namespace, &["dev-*"]);
    let found = Permissions::default().dangers(&who);
    assert_eq!(found.iter().map(Found::tell).collect::<Vec<_>>(), ["secrets in dev-*"]);
    assert!(found[0].is_in("dev-a") && !found[0].is_in("prod") && !found[0].is_in(""));
    // An access policy reaches aws-auth where its scope does.
    let edit = |namespaces: &[&str]| {
        let kind = if namespaces.is_empty() { ScopeKind::Cluster } else { ScopeKind::Namespace };
        let found = Permissions::default().dangers(&with_policy("AmazonEKSEditPolicy", kind, namespaces));
        found.iter().any(|it| it.danger == Danger::AwsAuth)
    };
    assert!(edit(&[]) && edit(&["kube-*"]) && !edit(&["shop"]));
}
