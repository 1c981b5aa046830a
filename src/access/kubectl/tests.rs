//! Tests of kubectl's commands and of words that nobody knows, with discovery read whole and without.

use super::*;
use crate::access::resources::built_in;
use crate::model::cluster::Cluster;
use crate::model::discovery::ApiResource;
use crate::model::rbac::{Binding, Namespace, Role, Rule};
use crate::model::snapshot::{ClusterFacts, Section};
use crate::model::time::Time;

fn known<T>(all: Vec<T>) -> Section<Vec<T>> {
    Section::known(all, Time::default())
}

fn namespace(name: &str) -> Namespace {
    let metadata = serde_json::from_value(serde_json::json!({"name": name})).unwrap();
    Namespace { metadata, ..Namespace::default() }
}

/// A ClusterRole of that name with rules `GROUP/RESOURCES/VERBS`, bound to the user of that name in the whole cluster.
fn bound(name: &str, rules: &[(&str, &[&str], &[&str])]) -> (Role, Binding) {
    let rules = rules.iter().map(|(group, resources, verbs)| Rule {
        api_groups: vec![(*group).to_owned()],
        resources: resources.iter().map(|&it| it.to_owned()).collect(),
        verbs: verbs.iter().map(|&it| it.to_owned()).collect(),
        ..Rule::default()
    });
    let mut role = Role { rules: rules.collect(), ..Role::default() };
    role.metadata.name = name.to_owned();
    let binding = serde_json::from_value(serde_json::json!({
        "metadata": {"name": name}, "roleRef": {"kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "User", "name": name}],
    }));
    (role, binding.unwrap())
}

fn facts() -> ClusterFacts {
    let (roles, bindings) = [
        bound("reader", &[("", &["pods", "nodes"], &["get", "list"])]),
        bound("poster", &[("", &["pods"], &["get"]), ("", &["pods/exec", "pods/portforward"], &["create"])]),
        bound("getter", &[("", &["pods", "pods/exec", "pods/portforward"], &["get"])]),
        bound("bare", &[("", &["pods/exec"], &["create"])]),
        bound("scaler", &[("apps", &["deployments"], &["get"]), ("apps", &["deployments/scale"], &["patch"])]),
        bound("half", &[("apps", &["deployments"], &["get"]), ("apps", &["deployments/scale"], &["update"])]),
        bound(
            "drainer",
            &[
                ("", &["nodes"], &["get", "patch"]),
                ("", &["pods"], &["get", "list"]),
                ("apps", &["daemonsets"], &["get"]),
                ("", &["pods/eviction"], &["create"]),
            ],
        ),
        bound("promoter", &[("shop.io", &["widgets"], &["promote"])]),
    ]
    .into_iter()
    .unzip();
    let mut resources = built_in().to_vec();
    resources.push(ApiResource {
        group: "shop.io".into(),
        version: "v1".into(),
        plural: "widgets".into(),
        singular: "widget".into(),
        kind: "Widget".into(),
        short_names: vec!["wdg".into()],
        namespaced: true,
        ..ApiResource::default()
    });
    ClusterFacts {
        cluster: Section::known(Cluster { version: Some("1.33".into()), ..Cluster::default() }, Time::default()),
        cluster_roles: known(roles),
        cluster_role_bindings: known(bindings),
        roles: known(vec![]),
        role_bindings: known(vec![]),
        namespaces: known(["payments", "payments-dev", "blue"].map(namespace).to_vec()),
        api_resources: known(resources),
        ..ClusterFacts::default()
    }
}

fn at(version: &str) -> Permissions {
    let version = Some(version.to_owned()).filter(|it| !it.is_empty());
    let cluster = Section::known(Cluster { version, ..Cluster::default() }, Time::default());
    Permissions::of(&ClusterFacts { cluster, ..facts() })
}

/// `exec deploy/api -n payments`, with what stands after VERB and RESOURCE in its place.
fn words(text: &str) -> Words<'_> {
    let (text, namespace) = text.split_once(" -n ").unwrap_or((text, ""));
    let mut parts = text.splitn(3, ' ');
    let mut next = || parts.next().unwrap_or_default();
    Words { verb: next(), resource: next(), rest: next(), namespace, name: "" }
}

fn ask(permissions: &Permissions, text: &str) -> Question {
    read_question(permissions, &words(text)).unwrap_or_else(|why| panic!("{text}: {why}"))
}

fn asks(text: &str) -> String {
    let question = ask(&at("1.35"), text);
    question.needs().iter().map(Need::sentence).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_command_is_translated_into_what_kubectl_asks() {
    for (text, wanted) in [
        ("exec pods -n payments", "get pods in payments; create pods/exec in payments"),
        ("exec web-1 -n payments", "get pods web-1 in payments; create pods/exec web-1 in payments"),
        ("exec pod/web-1 -n payments", "get pods web-1 in payments; create pods/exec web-1 in payments"),
        ("cp web-1 -n payments", "get pods web-1 in payments; create pods/exec web-1 in payments"),
        (
            "exec deploy/api -n payments",
            "get deployments.apps api in payments; list pods in payments; create pods/exec in payments",
        ),
        (
            "logs deploy/api -n payments",
            "get deployments.apps api in payments; list pods in payments; get pods/log in payments",
        ),
        ("logs po/web-1 -n blue", "get pods web-1 in blue; get pods/log web-1 in blue"),
        ("attach web-1 -n blue", "get pods web-1 in blue; create pods/attach web-1 in blue"),
        (
            "port-forward svc/api -n blue",
            "get services api in blue; list pods in blue; get pods in blue; create pods/portforward in blue",
        ),
        ("debug web-1 -n blue", "get pods web-1 in blue; patch pods/ephemeralcontainers web-1 in blue"),
        ("debug node/n1 -n blue", "get nodes n1; create pods in blue"),
        ("scale deploy/api -n blue", "get deployments.apps api in blue; patch deployments.apps/scale api in blue"),
        ("rollout restart deploy/api -n blue", "get deployments.apps api in blue; patch deployments.apps api in blue"),
        (
            "rollout undo ds/agent -n blue",
            "get daemonsets.apps agent in blue; list controllerrevisions.apps in blue; patch daemonsets.apps agent in blue",
        ),
        ("rollout history deploy/api -n blue", "get deployments.apps api in blue; list replicasets.apps in blue"),
        (
            "rollout status deploy/api -n blue",
            "get deployments.apps api in blue; list deployments.apps in blue; watch deployments.apps in blue",
        ),
        (
            "drain nodes -n blue",
            "get nodes; patch nodes; list pods in all namespaces; get daemonsets.apps; create pods/eviction in all \
             namespaces; get pods in all namespaces",
        ),
        ("cordon n1", "get nodes n1; patch nodes n1"),
        ("uncordon node/n1", "get nodes n1; patch nodes n1"),
        ("taint nodes", "get nodes; patch nodes"),
        ("top pods -n blue", "list pods.metrics.k8s.io in blue"),
        ("top nodes", "list nodes.metrics.k8s.io; list nodes"),
        ("edit cm/aws-auth -n blue", "get configmaps aws-auth in blue; patch configmaps aws-auth in blue"),
        ("label wdg/a -n blue", "get widgets.shop.io a in blue; patch widgets.shop.io a in blue"),
        (
            "apply deploy/api -n blue",
            "get deployments.apps api in blue; create deployments.apps in blue; patch deployments.apps api in blue",
        ),
        ("run nginx -n blue", "create pods in blue"),
        ("expose deploy/api -n blue", "get deployments.apps api in blue; create services in blue"),
        ("describe deploy/api -n blue", "get deployments.apps api in blue; list events in blue"),
        ("auth can-i", "create selfsubjectaccessreviews.authorization.k8s.io"),
        // What the API itself has as a verb is no command.
        ("get pods -n blue", "get pods in blue"),
        ("delete deploy/api -n blue", "delete deployments.apps api in blue"),
        ("create pods/exec -n blue", "create pods/exec in blue"),
    ] {
        assert_eq!(asks(text), wanted, "{text}");
    }
    for (text, wanted) in
        [("rollout", "rollout what?"), ("rollout turn deploy/api", "rollout what?"), ("scale", "scale what?")]
    {
        let why = read_question(&at("1.35"), &words(text)).unwrap_err();
        assert!(why.starts_with(wanted), "{text}: {why}");
    }
}

#[test]
fn a_command_is_allowed_if_all_of_it_is() {
    use Verdict::{No, Unknown, Yes};
    for (version, user, text, wanted) in [
        ("1.35", "poster", "exec pods -n blue", Yes),
        ("1.35", "bare", "exec pods -n blue", No),
        ("1.35", "getter", "exec pods -n blue", No),
        // A WebSocket's GET: kubectl exec from 1.30, port-forward from 1.31, until the API server asks for create.
        ("1.34", "getter", "exec pods -n blue", Yes),
        ("1.30", "getter", "exec pods -n blue", Yes),
        ("1.29", "getter", "exec pods -n blue", No),
        ("1.30", "getter", "port-forward pods -n blue", No),
        ("1.31", "getter", "port-forward pods -n blue", Yes),
        ("", "getter", "exec pods -n blue", Unknown),
        ("", "poster", "exec pods -n blue", Yes),
        ("", "reader", "exec pods -n blue", No),
        ("1.33", "scaler", "scale deploy/api -n blue", Yes),
        ("1.33", "half", "scale deploy/api -n blue", No),
        ("1.33", "drainer", "drain nodes", Yes),
        ("1.33", "drainer", "cordon nodes", Yes),
        ("1.33", "reader", "drain nodes", No),
    ] {
        let permissions = at(version);
        let who = Who::user(user);
        let needs = ask(&permissions, text).needs();
        let verdict = all_of(needs.iter().map(|it| permissions.decide_need(&who, it).verdict));
        assert_eq!(verdict, wanted, "{version} {user}: {text}");
    }
}

#[test]
fn all_must_be_allowed_and_one_denial_decides() {
    use Verdict::{No, Unknown, Yes};
    for (all, wanted) in
        [(&[][..], Yes), (&[Yes, Yes], Yes), (&[Yes, Unknown], Unknown), (&[Unknown, No], No), (&[No, Yes], No)]
    {
        assert_eq!(all_of(all.iter().copied()), wanted, "{all:?}");
    }
}

/// What is asked back, with the lists read and with one of them withheld.
#[test]
fn a_word_that_nobody_knows_is_asked_back_where_its_list_was_read_whole() {
    let all = Permissions::of(&facts());
    let no_discovery = Permissions::of(&ClusterFacts { api_resources: Section::default(), ..facts() });
    let no_roles = Permissions::of(&ClusterFacts { roles: Section::default(), ..facts() });
    let no_namespaces = Permissions::of(&ClusterFacts { namespaces: Section::default(), ..facts() });
    for (text, wanted, withheld) in [
        ("gte pods", "no verb \"gte\" is known; did you mean get?", &[&no_discovery, &no_roles][..]),
        ("frob pods", "no verb \"frob\" is known", &[&no_discovery, &no_roles]),
        ("exce pods", "no verb \"exce\" is known; did you mean exec?", &[&no_discovery, &no_roles]),
        ("gte /metrics", "no verb \"gte\" is known; did you mean get?", &[&no_discovery, &no_roles]),
        ("get podz", "no resource type \"podz\" is known; did you mean pods?", &[&no_discovery]),
        ("get deploymnet", "no resource type \"deploymnet\" is known; did you mean deployments?", &[&no_discovery]),
        ("get widgetz", "no resource type \"widgetz\" is known; did you mean widgets?", &[&no_discovery]),
        (
            "get widgts.shop.io",
            "no resource type \"widgts.shop.io\" is known; did you mean widgets.shop.io?",
            &[&no_discovery],
        ),
        (
            "scale deploymnet/api",
            "no resource type \"deploymnet\" is known; did you mean deployments?",
            &[&no_discovery],
        ),
        ("scale nodes", "no resource type \"nodes/scale\" is known", &[&no_discovery]),
        ("get pods -n paymnets", "no namespace \"paymnets\" is known; did you mean payments?", &[&no_namespaces]),
        ("exec pods -n bleu", "no namespace \"bleu\" is known; did you mean blue?", &[&no_namespaces]),
        (
            "gte pods -n bleu",
            "no verb \"gte\" is known; did you mean get?; no namespace \"bleu\" is known; did you mean blue?",
            &[],
        ),
    ] {
        let said =
            |permissions: &Permissions| crate::access::did_you_mean::sentence(&ask(permissions, text).meant.misread);
        assert_eq!(said(&all), wanted, "{text}");
        for permissions in withheld {
            assert_eq!(said(permissions), "", "{text}, with a list withheld");
        }
    }
}

#[test]
fn what_is_known_is_never_asked_back() {
    let all = Permissions::of(&facts());
    for text in [
        "get pods -n payments",
        "GET PODS",
        "promote widgets.shop.io",
        "promote pods",
        "get wdg",
        "get Widget",
        "deletecollection pods",
        "bind clusterroles",
        "escalate roles",
        "impersonate users/jane",
        "impersonate userextras/scopes",
        "impersonate:user-info users",
        "approve signers",
        "attest signers",
        "get nodes/metrics",
        "get nodes/proxy",
        "get configmaps/aws-auth -n payments",
        "get pods/web-1 -n payments",
        "* *",
        "get *.*",
        "get */scale",
        "get /metrics",
        "post /api",
        "get nodes -n nowhere",
        "exec web-1 -n payments",
        "top pods -n payments",
    ] {
        assert_eq!(ask(&all, text).meant.misread, [], "{text}");
    }
}

#[test]
fn nothing_is_unknown_before_anything_was_read() {
    let none = Permissions::of(&ClusterFacts::default());
    for text in ["frob pods", "get podz", "get pods -n nowhere", "exec web-1 -n nowhere", "scale frobs/x"] {
        assert_eq!(ask(&none, text).meant.misread, [], "{text}");
    }
}

#[test]
fn a_kind_without_namespace_is_answered_for_the_whole_cluster() {
    let binding = serde_json::from_value(serde_json::json!({
        "metadata": {"name": "b", "namespace": "blue"}, "roleRef": {"kind": "ClusterRole", "name": "reader"},
        "subjects": [{"kind": "User", "name": "ann"}],
    }));
    let permissions = Permissions::of(&ClusterFacts { role_bindings: known(vec![binding.unwrap()]), ..facts() });
    let ann = Who::user("ann");
    for (text, verdict, allowed_in) in [
        ("get pods", Verdict::No, &["blue"][..]),
        ("get pods -n blue", Verdict::Yes, &[]),
        ("get nodes", Verdict::No, &[]),
        ("get nodes -n blue", Verdict::No, &[]),
        ("get namespaces", Verdict::No, &[]),
    ] {
        let question = ask(&permissions, text);
        let needs = question.needs();
        assert_eq!(all_of(needs.iter().map(|it| permissions.decide_need(&ann, it).verdict)), verdict, "{text}");
        assert_eq!(permissions.needs_allowed_in(&ann, &needs), allowed_in, "{text}");
    }
    let notes = ask(&permissions, "get nodes -n blue").meant.notes.join("; ");
    assert!(notes.contains("nodes are in no namespace"), "{notes}");
}
