//! Tests of what words stand for.

use super::*;
use crate::model::rbac::{Binding, Role, Rule};
use crate::model::snapshot::{ClusterFacts, Section};
use crate::model::time::Time;

fn rule(group: &str, resource: &str) -> Rule {
    Rule {
        api_groups: vec![group.into()],
        resources: vec![resource.into()],
        verbs: vec!["get".into(), "promote".into()],
        ..Rule::default()
    }
}

fn facts() -> ClusterFacts {
    let rules = vec![
        rule("shop.io", "widgets"),
        rule("b.io", "gadgets/status"),
        rule("a.io", "gadgets"),
        rule("fake.io", "pods"),
        rule("db.example.com", "users"),
        rule("db.example.com", "groups"),
    ];
    let mut role = Role { rules, ..Role::default() };
    role.metadata.name = "all".into();
    let binding: Binding = serde_json::from_value(serde_json::json!({
        "metadata": {"name": "b"}, "roleRef": {"kind": "ClusterRole", "name": "all"},
        "subjects": [{"kind": "User", "name": "ann"}],
    }))
    .unwrap();
    ClusterFacts {
        cluster_roles: Section::known(vec![role], Time::default()),
        cluster_role_bindings: Section::known(vec![binding], Time::default()),
        role_bindings: Section::known(vec![], Time::default()),
        ..ClusterFacts::default()
    }
}

fn permissions() -> Permissions {
    Permissions::of(&facts())
}

/// With discovery, which serves two of the custom resources.
fn discovered() -> Permissions {
    let custom = |group: &str, plural: &str, singular: &str, kind: &str| ApiResource {
        group: group.into(),
        version: "v1".into(),
        plural: plural.into(),
        singular: singular.into(),
        kind: kind.into(),
        namespaced: plural != "users",
        ..ApiResource::default()
    };
    let mut all = built_in().to_vec();
    all.extend([
        custom("db.example.com", "users", "user", "DatabaseUser"),
        custom("iam.example.com", "users", "user", "User"),
        custom("shop.io", "widgets", "widget", "Widget"),
    ]);
    Permissions::of(&ClusterFacts { api_resources: Section::known(all, Time::default()), ..facts() })
}

#[test]
fn words_mean_what_kubectl_takes_them_for() {
    let permissions = permissions();
    for (word, expected) in [
        ("pods", "pods"),
        ("po", "pods"),
        ("Pod", "pods"),
        ("pods.", "pods"),
        ("pods./log", "pods/log"),
        ("pod/log", "pods/log"),
        ("deploy", "deployments.apps"),
        ("deployment.apps", "deployments.apps"),
        ("Deployments.v1.apps/scale", "deployments.apps/scale"),
        ("pods.v1.", "pods"),
        ("ing", "ingresses.networking.k8s.io"),
        ("events", "events"),
        ("events.events.k8s.io", "events.events.k8s.io"),
        ("ns", "namespaces"),
        ("clusterrole", "clusterroles.rbac.authorization.k8s.io"),
        ("widgets.shop.io/status", "widgets.shop.io/status"),
        ("unheard", "unheard"),
        ("unheard.of.io", "unheard.of.io"),
        ("*", "*"),
        ("*.*", "*.*"),
        ("*.apps", "*.apps"),
        ("/metrics", "/metrics"),
    ] {
        assert_eq!(meant(&permissions, "get", word, "", "").request.qualified(), expected, "{word}");
    }
}

#[test]
fn a_name_that_no_discovery_tells_of_is_taken_as_typed_and_not_guessed_from_rules() {
    let permissions = permissions();
    let (ann, nobody) = (Who::user("ann"), Who::user("eve"));
    let ask = |who: &Who, word: &str| {
        let meant = meant(&permissions, "get", word, "", "");
        (meant.request.qualified(), permissions.decide_meant(who, &meant).verdict)
    };
    for (word, wanted, for_ann) in [
        ("users", "users", Verdict::Unknown),
        ("gadgets", "gadgets", Verdict::Unknown),
        ("widget", "widget", Verdict::Unknown),
        ("wg", "wg", Verdict::Unknown),
        ("wg.shop.io", "wg.shop.io", Verdict::Unknown),
        ("widgets.shop.io", "widgets.shop.io", Verdict::Yes),
        ("wg.other.io", "wg.other.io", Verdict::No),
        ("secrets", "secrets", Verdict::No),
    ] {
        assert_eq!(ask(&ann, word), (wanted.to_owned(), for_ann), "{word}");
        assert_eq!(ask(&nobody, word), (wanted.to_owned(), Verdict::No), "{word}: whatever it is, eve has nothing");
    }
}

#[test]
fn what_several_groups_serve_is_said() {
    let discovered = discovered();
    let ask = |verb: &str, word: &str| meant(&discovered, verb, word, "", "");
    let users = ask("get", "users");
    assert_eq!((users.request.qualified().as_str(), users.alternatives.len()), ("users.db.example.com", 0));
    assert_eq!(
        users.notes,
        ["users is served by db.example.com and iam.example.com; kubectl picks users.db.example.com"]
    );
    assert_eq!(ask("get", "widgets").notes, Vec::<String>::new());
    let kind = ask("get", "DatabaseUser");
    assert_eq!(kind.request.qualified(), "users.db.example.com");
    assert!(kind.notes.join("; ").contains("kind DatabaseUser is resource users.db.example.com"), "{:?}", kind.notes);

    // Discovery is whole: what it does not list is not there, and kubectl asks for it as it was typed.
    let gone = ask("get", "gadgets");
    assert_eq!((gone.request.qualified().as_str(), gone.alternatives.len()), ("gadgets", 0));
    assert!(gone.notes.join("; ").contains("the server doesn't have a resource type \"gadgets\""), "{:?}", gone.notes);
    let Target::Resource { group, resource, .. } = ask("get", "gadgets.a.io").request.target else { panic!("a path") };
    assert_eq!((group.as_str(), resource.as_str()), ("", "gadgets.a.io"));
    let beyond = meant(&discovered, "get", "users", "pay", "");
    assert_eq!(beyond.request.namespace(), "", "discovery says that they are in no namespace");
}

#[test]
fn impersonate_is_about_what_the_api_server_asks_for() {
    for permissions in [permissions(), discovered()] {
        for (verb, word, wanted) in [
            ("impersonate", "users", "users"),
            ("impersonate", "user", "users"),
            ("impersonate", "groups", "groups"),
            ("impersonate", "serviceaccounts", "serviceaccounts"),
            ("impersonate", "sa", "serviceaccounts"),
            ("impersonate", "users.", "users"),
            ("impersonate", "uids", "uids.authentication.k8s.io"),
            ("impersonate", "userextras", "userextras.authentication.k8s.io"),
            ("impersonate", "userextras/scopes", "userextras.authentication.k8s.io/scopes"),
            ("impersonate", "userextras.authentication.k8s.io/scopes", "userextras.authentication.k8s.io/scopes"),
            ("impersonate", "users.db.example.com", "users.db.example.com"),
            ("impersonate:user-info", "users", "users.authentication.k8s.io"),
            ("impersonate:serviceaccount", "serviceaccounts", "serviceaccounts.authentication.k8s.io"),
            ("impersonate:arbitrary-node", "nodes", "nodes.authentication.k8s.io"),
            ("impersonate-on:user-info:list", "pods", "pods"),
            ("approve", "signers", "signers.certificates.k8s.io"),
            ("sign", "signers", "signers.certificates.k8s.io"),
            ("attest", "signers.certificates.k8s.io", "signers.certificates.k8s.io"),
            ("use", "podsecuritypolicies", "podsecuritypolicies.policy"),
            ("escalate", "clusterroles", "clusterroles.rbac.authorization.k8s.io"),
            ("bind", "roles", "roles.rbac.authorization.k8s.io"),
        ] {
            let meant = meant(&permissions, verb, word, "", "");
            assert_eq!(meant.request.qualified(), wanted, "{verb} {word}");
            assert_eq!(meant.alternatives.len(), 0, "{verb} {word}");
            assert!(!meant.notes.iter().any(|it| it.contains("verb")), "{verb} {word}: {:?}", meant.notes);
        }
    }
    let users = meant(&discovered(), "impersonate", "users", "pay", "");
    assert!(
        users.notes[0].contains("impersonate is about users, whatever users.db.example.com is"),
        "{:?}",
        users.notes
    );
    assert_eq!(users.request.namespace(), "");
    assert_eq!(meant(&discovered(), "impersonate", "sa", "pay", "api").request.namespace(), "pay");
}

#[test]
fn what_is_not_plain_is_said() {
    let permissions = permissions();
    let notes =
        |verb: &str, word: &str, namespace: &str| meant(&permissions, verb, word, namespace, "").notes.join("; ");
    assert_eq!(notes("get", "deploy", "a"), "");
    assert_eq!(notes("promote", "widgets.shop.io", "a"), "", "a rule knows the verb");
    assert!(notes("get", "pods", "").contains("also name pods.fake.io"), "{}", notes("get", "pods", ""));
    assert!(notes("frob", "nodes", "").contains("no API verb \"frob\""));
    assert!(notes("get", "unheard", "").contains("no API resource \"unheard\" is known"));
    assert!(notes("get", "unheard.of.io", "").contains("no API resource unheard.of.io is known"));
    assert!(notes("get", "nodes", "a").contains("in no namespace"));
    assert!(notes("get", "secrets/scale", "a").contains("no subresource"));
    assert!(notes("get", "gadgets", "").contains("rules name gadgets.a.io, gadgets.b.io"));
    assert!(notes("get", "events", "").contains("events is served by the core group and events.k8s.io"));
}

#[test]
fn a_namespace_that_is_asked_for_by_name_is_in_itself() {
    let one = meant(&permissions(), "get", "ns", "", "dev").request;
    assert_eq!(one.namespace(), "dev");
    let all = meant(&permissions(), "list", "ns", "", "").request;
    assert_eq!(all.namespace(), "");
}

#[test]
fn a_group_that_did_not_answer_leaves_open_only_what_it_may_serve() {
    use crate::model::failure::Failure;
    use crate::model::snapshot::Missing;
    let missing = Missing { item: Some("shop.io/v1".into()), failure: Failure::not_recorded("shop.io/v1") };
    let section = Section::partial(built_in().to_vec(), Time::default(), vec![missing]);
    let permissions = Permissions::of(&ClusterFacts { api_resources: section, ..facts() });
    let ask = |who: &Who, word: &str| {
        let meant = meant(&permissions, "get", word, "", "");
        (meant.request.qualified(), permissions.decide_meant(who, &meant).verdict)
    };
    let ann = Who::user("ann");
    for (word, wanted, verdict) in [
        ("widgets", "widgets", Verdict::Unknown),
        ("widgets.shop.io", "widgets.shop.io", Verdict::Yes),
        ("wg.shop.io", "wg.shop.io", Verdict::Unknown),
        ("users", "users", Verdict::Unknown),
        ("users.db.example.com", "users.db.example.com", Verdict::No),
        ("gadgets.a.io", "gadgets.a.io", Verdict::No),
        ("pods", "pods", Verdict::No),
    ] {
        assert_eq!(ask(&ann, word), (wanted.to_owned(), verdict), "{word}");
    }
    let gone = meant(&permissions, "get", "users.db.example.com", "", "");
    let Target::Resource { group, .. } = gone.request.target else { panic!("a path") };
    assert_eq!(group, "", "db.example.com answered, and does not serve them");
}

#[test]
fn after_a_slash_stands_a_subresource_where_there_is_one_and_a_name_where_there_is_none() {
    let (read, unread) = (discovered(), permissions());
    let ask = |permissions: &Permissions, word: &str, name: &str| {
        let meant = meant(permissions, "get", word, "", name);
        let Target::Resource { subresource, name, .. } = &meant.request.target else { panic!("a path") };
        (format!("{subresource}|{name}|{}", meant.alternatives.len()), meant.notes.join("; "))
    };
    for (word, name, with_discovery, without) in [
        ("pods/exec", "", "exec||0", "exec||0"),
        ("pods/foo", "", "|foo|0", "|foo|0"),
        ("po/web-1", "", "|web-1|0", "|web-1|0"),
        ("configmaps/aws-auth", "", "|aws-auth|0", "|aws-auth|0"),
        ("cm/aws-auth", "", "|aws-auth|0", "|aws-auth|0"),
        // A word that elsewhere is a subresource may be one that a newer server has here.
        ("secrets/scale", "", "|scale|0", "scale||1"),
        ("pods/exec", "web-1", "exec|web-1|0", "exec|web-1|0"),
        ("pods/foo", "web-1", "foo|web-1|0", "foo|web-1|0"),
        ("nodes/metrics", "", "metrics||0", "metrics||0"),
        ("pods/*", "", "*||0", "*||0"),
        ("*/scale", "", "scale||0", "scale||0"),
    ] {
        assert_eq!(ask(&read, word, name).0, with_discovery, "{word} {name}, discovery read");
        assert_eq!(ask(&unread, word, name).0, without, "{word} {name}, discovery not read");
    }
    let (_, note) = ask(&read, "pods/exce", "");
    assert!(note.contains("taken for the object named \"exce\"; did you mean pods/exec?"), "{note}");
    assert_eq!(ask(&read, "cm/aws-auth", "").1, "", "nothing is to be said of a plain name");
    let apart = meant_with_subresource(&read, "get", ("pods", "exce"), "", "");
    assert_eq!(apart.request.qualified(), "pods/exce", "given as a subresource, it is never a name");
    assert_eq!(apart.misread[0].suggestions, ["pods/exec"]);
}
