//! What the answers are, case by case; and the laws they keep.

use proptest::prelude::*;

use super::*;
use crate::model::cluster::ClusterId;
use crate::model::document::read;
use crate::model::facts::snapshot_of;
use crate::model::mapping::{AccessScope, ScopeKind};
use crate::model::snapshot::Source;

/// A cluster of these manifests; kinds of which there is none were not recorded.
pub(crate) fn facts(manifests: &str) -> ClusterFacts {
    let text = format!(
        "eksplorer: 1\nregion: r\nclusters:\n- cluster: {{name: c}}\n  kubernetes:\n  - {{kind: Namespace, metadata: {{name: quiet}}}}\n{manifests}"
    );
    let document = read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let snapshot = snapshot_of(&document, Source::default()).settled();
    (*snapshot.cluster(&ClusterId { region: "r".into(), name: "c".into() })).clone()
}

const CLUSTER: &str = r#"
  - {kind: ClusterRole, metadata: {name: view}, rules: [{apiGroups: [""], resources: [pods, pods/log], verbs: [get, list]}]}
  - {kind: ClusterRole, metadata: {name: scaler}, rules: [{apiGroups: ["*"], resources: ["*/scale"], verbs: ["*"]}]}
  - {kind: ClusterRole, metadata: {name: health}, rules: [{nonResourceURLs: ["/healthz", "/metrics/*"], verbs: [get]}]}
  - kind: ClusterRole
    metadata: {name: whole}
    aggregationRule: {clusterRoleSelectors: [{matchLabels: {to: whole}}, {matchExpressions: [{key: extra, operator: Exists}]}]}
    rules: []
  - {kind: ClusterRole, metadata: {name: part, labels: {to: whole}}, rules: [{apiGroups: [x.io], resources: [things], verbs: [get]}]}
  - {kind: ClusterRole, metadata: {name: more, labels: {extra: ""}}, rules: [{apiGroups: [x.io], resources: [more], verbs: [get]}]}
  - {kind: Role, metadata: {name: one, namespace: a}, rules: [{apiGroups: [""], resources: [configmaps], resourceNames: [x], verbs: [get]}]}
  - {kind: Role, metadata: {name: one, namespace: b}, rules: [{apiGroups: [""], resources: [configmaps], verbs: [delete]}]}
  - {kind: ClusterRoleBinding, metadata: {name: viewers}, roleRef: {kind: ClusterRole, name: view}, subjects: [{kind: Group, name: devs}]}
  - {kind: ClusterRoleBinding, metadata: {name: ops}, roleRef: {kind: ClusterRole, name: health}, subjects: [{kind: User, name: ann}]}
  - {kind: ClusterRoleBinding, metadata: {name: wholes}, roleRef: {kind: ClusterRole, name: whole}, subjects: [{kind: User, name: ann}]}
  - {kind: ClusterRoleBinding, metadata: {name: lost}, roleRef: {kind: ClusterRole, name: nowhere}, subjects: [{kind: User, name: ann}]}
  - {kind: ClusterRoleBinding, metadata: {name: no-namespace}, roleRef: {kind: ClusterRole, name: view}, subjects: [{kind: ServiceAccount, name: bot}]}
  - {kind: ClusterRoleBinding, metadata: {name: by-session}, roleRef: {kind: ClusterRole, name: scaler}, subjects: [{kind: User, name: "aws:1:deployer/jane"}]}
  - {kind: RoleBinding, metadata: {name: rb, namespace: a}, roleRef: {kind: ClusterRole, name: scaler}, subjects: [{kind: ServiceAccount, name: bot}]}
  - {kind: RoleBinding, metadata: {name: urls, namespace: a}, roleRef: {kind: ClusterRole, name: health}, subjects: [{kind: User, name: bob}]}
  - {kind: RoleBinding, metadata: {name: one, namespace: a}, roleRef: {kind: Role, name: one}, subjects: [{kind: User, name: ann}]}
  - {kind: RoleBinding, metadata: {name: dangling, namespace: c}, roleRef: {kind: Role, name: one}, subjects: [{kind: User, name: ann}]}
"#;

/// `get |pods/log|a|p`: group, resource, namespace, name; or a path.
fn ask(text: &str) -> Request {
    let (verb, what) = text.split_once(' ').unwrap();
    if what.starts_with('/') {
        return Request { verb: verb.into(), target: Target::Path(what.into()) };
    }
    let part = |n: usize| what.split('|').nth(n).unwrap_or_default().to_owned();
    let whole = part(1);
    let (resource, subresource) = whole.split_once('/').unwrap_or((&whole, ""));
    let target = Target::Resource {
        group: part(0),
        resource: resource.into(),
        subresource: subresource.into(),
        namespace: part(2),
        name: part(3),
    };
    Request { verb: verb.into(), target }
}

pub(crate) fn with_policy(name: &str, kind: ScopeKind, namespaces: &[&str]) -> Who {
    let policy = AssociatedPolicy {
        policy_arn: format!("arn:aws:eks::aws:cluster-access-policy/{name}"),
        access_scope: AccessScope { kind, namespaces: namespaces.iter().map(|&it| it.into()).collect() },
        ..AssociatedPolicy::default()
    };
    Who { policies: Some(("arn:aws:iam::1:role/x".into(), vec![policy])), ..Who::named("x", &["system:authenticated"]) }
}

#[test]
fn rbac_as_the_api_server_has_it() {
    let permissions = Permissions::of(&facts(CLUSTER));
    let bot = "system:serviceaccount:a:bot";
    for (user, groups, request, allowed) in [
        ("x", &["devs"][..], "list |pods||", true),
        ("x", &["devs"], "get |pods/log|a|p", true),
        ("x", &["devs"], "create |pods/exec|a|p", false),
        ("devs", &[], "list |pods||", false),
        ("ann", &[], "get /healthz", true),
        ("ann", &[], "get /metrics/x", true),
        ("ann", &[], "get /metrics", false),
        ("ann", &[], "get |configmaps|a|x", true),
        ("ann", &[], "get |configmaps|a|y", false),
        ("ann", &[], "get |configmaps|b|x", false),
        ("ann", &[], "delete |configmaps|b|x", false),
        ("ann", &[], "get |configmaps|c|x", false),
        ("ann", &[], "list |configmaps|a|", false),
        ("ann", &[], "get x.io|things||", true),
        ("ann", &[], "get x.io|more|b|", true),
        ("bob", &[], "get /healthz", false),
        (bot, &[], "update apps|deployments/scale|a|d", true),
        (bot, &[], "update apps|deployments|a|d", false),
        (bot, &[], "update apps|deployments/scale|b|d", false),
        (bot, &[], "update apps|deployments/scale||d", false),
        (bot, &[], "list |pods||", false),
        ("root", &["system:masters"], "delete |nodes||n", true),
    ] {
        let decision = permissions.decide(&Who::named(user, groups), &ask(request));
        let expected = if allowed { Verdict::Yes } else { Verdict::No };
        assert_eq!(decision.verdict, expected, "{user} {groups:?} {request}: {decision:?}");
        assert_eq!(decision.by.is_empty(), !allowed);
    }
    let by = permissions.decide(&Who::service_account("a", "bot"), &ask("get apps|deployments/scale|a|d")).by;
    assert_eq!(by[0].grant.to_string(), "RoleBinding a/rb → ClusterRole scaler, via service account a/bot");
    assert_eq!(by[0].evidence().unwrap().to_string(), "ClusterRole scaler · rules[0]");
    let computed = permissions.decide(&Who::named("ann", &[]), &ask("get x.io|things||"));
    assert!(computed.unverified[0].contains("as the controller would"), "{computed:?}");
}

#[test]
fn what_an_access_policy_grants_within_its_scope() {
    let permissions = Permissions::of(&facts(CLUSTER));
    use ScopeKind::{Cluster, Namespace};
    let view = with_policy("AmazonEKSViewPolicy", Namespace, &["dev-*"]);
    let admin = with_policy("AmazonEKSClusterAdminPolicy", Cluster, &[]);
    let admin_here = with_policy("AmazonEKSClusterAdminPolicy", Namespace, &["a"]);
    let admin_view = with_policy("AmazonEKSAdminViewPolicy", Cluster, &[]);
    let silent = with_policy("AmazonEKSEventPolicy", Namespace, &["a"]);
    let unheard = with_policy("Unheard", Cluster, &[]);
    let ack = with_policy("AmazonEKSACKPolicy", Cluster, &[]);
    use Verdict::{No, Unknown, Yes};
    for (who, request, expected) in [
        (&view, "list |pods|dev-a|", Yes),
        (&view, "list |pods|prod|", No),
        (&view, "list |pods||", No),
        (&view, "get |secrets|dev-a|s", No),
        (&view, "get |namespaces|dev-a|dev-a", Yes),
        (&view, "list |namespaces||", No),
        (&view, "get x.io|widgets|dev-a|", No),
        (&admin, "delete |nodes||n", Yes),
        (&admin, "get /metrics", Yes),
        (&admin_here, "delete |pods|a|p", Yes),
        (&admin_here, "delete |nodes||n", No),
        (&admin_here, "get /metrics", No),
        (&admin_view, "get |secrets|quiet|s", Yes),
        (&admin_view, "get x.io|things||", Yes),
        (&admin_view, "get /metrics", No),
        (&silent, "list |events|a|", Unknown),
        (&silent, "list |events|b|", No),
        (&silent, "list |events||", No),
        (&unheard, "list |events||", Unknown),
        (&ack, "update coordination.k8s.io|leases|a|l", Unknown),
    ] {
        let decision = permissions.decide(who, &ask(request));
        assert_eq!(decision.verdict, expected, "{:?} {request}: {decision:?}", who.policies);
        assert_eq!(decision.unknown.is_empty(), expected != Unknown, "{request}: {decision:?}");
    }
    let one = permissions.decide(&view, &ask("get |namespaces|dev-a|dev-a"));
    assert!(one.unverified[0].contains("names a Namespace"), "{one:?}");
    let odd = permissions.decide(&with_policy("AmazonEKSViewPolicy", Namespace, &["*-a"]), &ask("list |pods|dev-a|"));
    assert!(odd.unverified[0].contains("only a trailing *"), "{odd:?}");
}

#[test]
fn what_was_not_read_is_unknown_and_never_no() {
    use crate::model::failure::Failure;
    use crate::model::snapshot::Section;
    let who = Who::named("ann", &["system:authenticated"]);
    let verdict = |permissions: &Permissions, request: &str| permissions.decide(&who, &ask(request)).verdict;
    let none = Permissions::of(&facts(""));
    assert_eq!(verdict(&none, "get |pods||"), Verdict::Unknown, "what a document does not hold was not recorded");
    let cluster = facts(CLUSTER);
    let missing = |change: fn(&mut ClusterFacts)| {
        let mut facts = cluster.clone();
        change(&mut facts);
        Permissions::of(&facts)
    };
    let no_crb = missing(|it| it.cluster_role_bindings = Section::failed(Failure::not_recorded("ClusterRoleBindings")));
    let no_rb = missing(|it| it.role_bindings = Section::failed(Failure::not_recorded("RoleBindings")));
    let no_cr = missing(|it| it.cluster_roles = Section::failed(Failure::not_recorded("ClusterRoles")));
    let no_roles = missing(|it| it.roles = Section::failed(Failure::not_recorded("Roles")));
    for (what, permissions, request, expected) in [
        ("ClusterRoleBindings", &no_crb, "get |pods|a|", Verdict::Unknown),
        ("ClusterRoleBindings", &no_crb, "get |configmaps|a|x", Verdict::Yes),
        ("RoleBindings", &no_rb, "get |configmaps|a|x", Verdict::Unknown),
        // No RoleBinding reaches a request for the whole cluster, or a path.
        ("RoleBindings", &no_rb, "get |configmaps||", Verdict::No),
        ("RoleBindings", &no_rb, "get /metrics", Verdict::No),
        ("ClusterRoles", &no_cr, "get |pods||", Verdict::Unknown),
        ("Roles", &no_roles, "get |configmaps|a|x", Verdict::Unknown),
        // No binding of this namespace concerns ann, so no Role matters.
        ("Roles", &no_roles, "get |configmaps|b|x", Verdict::No),
    ] {
        let decision = permissions.decide(&who, &ask(request));
        assert_eq!(decision.verdict, expected, "without {what}: {request}: {decision:?}");
        if expected == Verdict::Unknown {
            assert!(decision.unknown.iter().any(|it| it.contains(what)), "{decision:?}");
        }
    }
}

#[test]
fn a_session_that_was_not_given_may_be_the_one_that_is_bound() {
    let permissions = Permissions::of(&facts(CLUSTER));
    let scale = ask("patch apps|deployments/scale|z|d");
    let open = Who::named("aws:1:deployer/{{SessionName}}", &["system:authenticated"]);
    let decision = permissions.decide(&open, &scale);
    assert_eq!(decision.verdict, Verdict::Unknown);
    assert!(decision.unknown[0].contains("session jane") && decision.unknown[0].contains("by-session"), "{decision:?}");
    assert_eq!(permissions.decide(&open, &ask("list |pods||")).verdict, Verdict::No);
    assert_eq!(permissions.decide(&Who::named("aws:1:deployer/jane", &[]), &scale).verdict, Verdict::Yes);
    assert_eq!(permissions.decide(&Who::named("aws:1:deployer/joe", &[]), &scale).verdict, Verdict::No);
    let granted = Who { groups: vec!["devs".into()], ..open.clone() };
    assert_eq!(permissions.decide(&granted, &ask("list |pods||")).verdict, Verdict::Yes);
    assert_eq!(permissions.open_questions(&open), ["ClusterRoleBinding by-session applies to session jane only"]);
    let masters = Who::named("x", &["system:{{SessionName}}"]);
    assert_eq!(permissions.decide(&masters, &scale).verdict, Verdict::Unknown);
}

#[test]
fn the_nearest_miss_falls_short_in_one_respect() {
    let permissions = Permissions::of(&facts(CLUSTER));
    let near = |who: &Who, request: &str| permissions.nearest(who, &ask(request)).map(|it| it.sentence());
    let ann = Who::named("ann", &["devs"]);
    for (request, expected) in [
        ("watch |pods||", "but for the verb: it has get, list"),
        ("get |configmaps|a|y", "but for the name: it has x"),
        ("get |configmaps|b|x", "but for the namespace: it has a"),
        ("get |pods/exec|a|", "but for the resource: it has pods, pods/log"),
        ("get metrics.k8s.io|pods||", "but for the API group: it has the core group"),
        ("get /readyz", "but for the path: it has /healthz, /metrics/*"),
    ] {
        let got = near(&ann, request).unwrap_or_default();
        assert!(got.ends_with(expected), "{request}: {got}");
    }
    assert_eq!(near(&ann, "delete |nodes||"), None);
    let view = with_policy("AmazonEKSViewPolicy", ScopeKind::Namespace, &["dev-*"]);
    assert_eq!(
        near(&view, "list |pods|prod|").as_deref(),
        Some("AmazonEKSViewPolicy @ dev-* would allow it but for the namespace: it has dev-*")
    );
    // It is in no namespace's power to allow a path.
    assert_eq!(near(&Who::named("bob", &[]), "get /healthz"), None);
}

#[test]
fn nodes_have_an_authorizer_of_their_own() {
    let permissions = Permissions::of(&facts(CLUSTER));
    let node = Who::named("system:node:{{EC2PrivateDNSName}}", &["system:nodes", "system:authenticated"]);
    let decide = |request: &str| permissions.decide(&node, &ask(request));
    assert_eq!(decide("list |services||").by[0].grant, Grant::Node);
    assert_eq!(decide("list |pods||").verdict, Verdict::Unknown);
    assert_eq!(decide("get |secrets|a|s").verdict, Verdict::Unknown);
    assert_eq!(decide("delete |nodes||n").verdict, Verdict::No);
}

#[test]
fn who_does_not_get_in_may_do_nothing_and_who_may_is_not_known() {
    let permissions = Permissions::of(&facts(CLUSTER));
    let outside = Who { outside: Some("it has no entry".into()), ..Who::named("x", &["system:masters"]) };
    let decision = permissions.decide(&outside, &ask("list |pods||"));
    assert_eq!((decision.verdict, decision.outside.as_deref()), (Verdict::No, Some("it has no entry")));
    let unclear = Who { unknown: vec!["whether it gets in".into()], ..Who::default() };
    assert_eq!(permissions.decide(&unclear, &ask("list |pods||")).verdict, Verdict::Unknown);
}

#[test]
fn a_denial_for_the_whole_cluster_names_the_namespaces_where_it_is_allowed() {
    let permissions = Permissions::of(&facts(CLUSTER));
    let scale = ask("patch apps|deployments/scale||");
    let bot = Who::service_account("a", "bot");
    assert_eq!(permissions.decide(&bot, &scale).verdict, Verdict::No);
    assert_eq!(permissions.allowed_in(&bot, &scale), ["a"]);
    assert!(permissions.allowed_in(&bot, &ask("patch apps|deployments/scale|a|")).is_empty());
}

fn word(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(of).prop_map(str::to_owned)
}

fn some(of: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(word(of), 0..3)
}

prop_compose! {
    fn a_rule()(
        api_groups in some(&["", "apps", "*"]),
        resources in some(&["pods", "pods/log", "*/log", "*", "nodes"]),
        verbs in some(&["get", "list", "*"]),
        resource_names in some(&["", "x"]),
        non_resource_urls in some(&["/a", "/a/*", "*"]),
    ) -> Rule { Rule { api_groups, resources, verbs, resource_names, non_resource_urls } }
}

prop_compose! {
    fn a_binding()(
        name in "[a-d]", namespace in word(&["", "n1", "n2"]), role in word(&["r1", "r2", "r3"]), cluster_role in any::<bool>(),
        subjects in prop::collection::vec((word(&["User", "Group", "ServiceAccount"]), word(&["u", "g", "sa"])), 0..3),
    ) -> Binding {
        use crate::model::rbac::{RoleRef, Subject, Metadata};
        let kind = if cluster_role || namespace.is_empty() { "ClusterRole" } else { "Role" };
        Binding {
            metadata: Metadata { name, namespace: Some(namespace).filter(|it| !it.is_empty()), ..Metadata::default() },
            role_ref: RoleRef { kind: kind.into(), name: role, api_group: None },
            subjects: subjects.into_iter().map(|(kind, name)| Subject { kind, name, ..Subject::default() }).collect(),
        }
    }
}

prop_compose! {
    pub(crate) fn some_facts()(
        rules in prop::collection::vec((a_rule(), word(&["", "n1", "n2"]), word(&["r1", "r2", "r3"])), 0..8),
        bindings in prop::collection::vec(a_binding(), 0..8),
        unread in prop::sample::select(vec![0usize, 0, 0, 1, 2, 3, 4]),
    ) -> ClusterFacts {
        use crate::model::rbac::{Metadata, Role};
        use crate::model::snapshot::Section;
        let roles: Vec<Role> = rules.into_iter().map(|(rule, namespace, name)| Role {
            metadata: Metadata { name, namespace: Some(namespace).filter(|it| !it.is_empty()), ..Metadata::default() },
            rules: vec![rule],
            ..Role::default()
        }).collect();
        let own = |it: &Metadata| it.namespace.is_some();
        let (namespaced, cluster): (Vec<_>, Vec<_>) = roles.into_iter().partition(|it| own(&it.metadata));
        let (rb, crb): (Vec<_>, Vec<_>) = bindings.into_iter().partition(|it| own(&it.metadata));
        let at = crate::model::time::Time::default();
        let mut facts = ClusterFacts {
            roles: Section::known(namespaced, at),
            cluster_roles: Section::known(cluster, at),
            role_bindings: Section::known(rb, at),
            cluster_role_bindings: Section::known(crb, at),
            namespaces: Section::known(Vec::new(), at),
            ..ClusterFacts::default()
        };
        let failure = crate::model::failure::Failure::not_recorded("it");
        match unread {
            1 => facts.roles = Section::failed(failure),
            2 => facts.cluster_roles = Section::failed(failure),
            3 => facts.role_bindings = Section::failed(failure),
            4 => facts.cluster_role_bindings = Section::failed(failure),
            _ => {}
        }
        facts
    }
}

pub(crate) fn a_who() -> impl Strategy<Value = Who> {
    (word(&["u", "other", "system:serviceaccount:n1:sa", "{{SessionName}}"]), some(&["g", "u", "system:authenticated"]))
        .prop_map(|(username, groups)| Who { username, groups, ..Who::default() })
}

pub(crate) fn a_request() -> impl Strategy<Value = Request> {
    (
        word(&["get", "list", "delete"]),
        word(&["|pods", "apps|pods/log", "|nodes", "/a/b"]),
        word(&["", "n1", "n2"]),
        word(&["", "x"]),
    )
        .prop_map(|(verb, what, namespace, name)| {
            ask(&if what.starts_with('/') {
                format!("{verb} {what}")
            } else {
                format!("{verb} {what}|{namespace}|{name}")
            })
        })
}

proptest! {
    #[test]
    fn adding_a_binding_never_removes_a_permission(facts in some_facts(), more in a_binding(), who in a_who(), request in a_request()) {
        let before = Permissions::of(&facts).decide(&who, &request).verdict;
        let mut after = facts.clone();
        let section = if more.metadata.namespace.is_some() { &mut after.role_bindings } else { &mut after.cluster_role_bindings };
        let grown = section.map(|items| items.iter().cloned().chain([more.clone()]).collect());
        *section = grown;
        let after = Permissions::of(&after).decide(&who, &request).verdict;
        if before == Verdict::Yes {
            prop_assert_eq!(after, Verdict::Yes);
        }
    }

    #[test]
    fn not_having_read_something_never_turns_into_a_no(facts in some_facts(), who in a_who(), request in a_request(), drop in 0..4usize) {
        let whole = Permissions::of(&facts).decide(&who, &request).verdict;
        let mut less = facts.clone();
        use crate::model::{failure::Failure, snapshot::Section};
        let failure = Failure::not_recorded("it");
        match drop {
            0 => less.roles = Section::failed(failure),
            1 => less.cluster_roles = Section::failed(failure),
            2 => less.role_bindings = Section::failed(failure),
            _ => less.cluster_role_bindings = Section::failed(failure),
        }
        let less = Permissions::of(&less).decide(&who, &request).verdict;
        match whole {
            Verdict::No => prop_assert_ne!(less, Verdict::Yes),
            Verdict::Yes | Verdict::Unknown => prop_assert_ne!(less, Verdict::No),
        }
    }

    #[test]
    fn the_nearest_miss_is_one_step_from_allowing(facts in some_facts(), who in a_who(), request in a_request()) {
        let permissions = Permissions::of(&facts);
        if permissions.decide(&who, &request).verdict == Verdict::No && let Some(near) = permissions.nearest(&who, &request) {
            let by = Allowing { grant: near.grant.clone(), rule: Some(near.rule) };
            let mut mended = permissions.rule(&by).expect("the rule it names").clone();
            prop_assert!(near.respect == Respect::Namespace || !allows(&mended, &request));
            let any = || vec!["*".to_owned()];
            match near.respect {
                Respect::Name => mended.resource_names.clear(),
                Respect::Verb => mended.verbs = any(),
                Respect::Group => mended.api_groups = any(),
                Respect::Resource => mended.resources = any(),
                Respect::Path => mended.non_resource_urls = any(),
                Respect::Kind => (mended.api_groups, mended.resources) = (any(), any()),
                Respect::Namespace => {}
            }
            prop_assert!(allows(&mended, &request), "{:?} with the {:?} mended allows it", near, near.respect);
        }
    }
}
