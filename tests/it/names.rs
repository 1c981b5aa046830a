//! Subjects and resource names without a server: `can`, `who-can`, the matrix, `explain` and the reviews agree, and
//! discovery goes through the lab, a snapshot and back.

use eksplorer::access::Verdict;
use eksplorer::access::crosscheck::reviewee;
use eksplorer::access::explain::Ground;
use eksplorer::access::explain::read_message;
use eksplorer::access::inventory::inventory;
use eksplorer::access::matrix::matrix;
use eksplorer::access::permissions::{Permissions, Who};
use eksplorer::access::resources::meant;
use eksplorer::access::who::{Holding, who_can_meant};
use eksplorer::model::cluster::ClusterId;
use eksplorer::model::document::read;
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::review::Reviewee;
use eksplorer::model::snapshot::Source;

use crate::commands::{eksplorer, json, out, status};

const SUBJECTS: &str = include_str!("../worlds/subjects.yaml");
const BOT: &str = "system:serviceaccount:pay:api";

/// What `kubectl auth can-i --as` says of these on a server with these objects; `oracle::subjects` asks one.
const ANSWERS: [(&str, &str, &str, Verdict); 26] = [
    ("user:system:anonymous", "list", "services", Verdict::No),
    ("system:anonymous", "list", "services", Verdict::No),
    ("group:system:unauthenticated", "list", "services", Verdict::No),
    ("group:system:authenticated", "list", "services", Verdict::Yes),
    ("user:somebody", "list", "services", Verdict::Yes),
    ("group:somebodies", "list", "services", Verdict::Yes),
    ("sa/pay/api", "list", "services", Verdict::Yes),
    ("user:system:serviceaccount:pay:api", "list", "services", Verdict::Yes),
    ("user:system:serviceaccount:pay:api", "list", "endpoints", Verdict::Yes),
    ("user:system:serviceaccount:other:any", "list", "endpoints", Verdict::Yes),
    ("sa/other/any", "list", "endpoints", Verdict::Yes),
    ("group:system:serviceaccounts", "list", "endpoints", Verdict::Yes),
    ("group:system:serviceaccounts:pay", "list", "endpoints", Verdict::Yes),
    ("user:somebody", "list", "endpoints", Verdict::No),
    ("user:system:serviceaccount:Pay:api", "list", "endpoints", Verdict::No),
    ("sa/pay/api", "impersonate", "users", Verdict::Yes),
    ("sa/pay/api", "impersonate", "groups", Verdict::Yes),
    ("sa/pay/api", "impersonate", "serviceaccounts", Verdict::Yes),
    ("user:system:serviceaccount:pay:api", "impersonate", "users", Verdict::Yes),
    ("sa/pay/api", "impersonate", "uids", Verdict::No),
    ("sa/pay/api", "impersonate", "userextras/scopes", Verdict::No),
    ("sa/pay/other", "impersonate", "users", Verdict::No),
    ("sa/pay/api", "get", "users", Verdict::No),
    ("user:system:node:n1", "list", "services", Verdict::Yes),
    ("user:system:node:n1", "delete", "nodes", Verdict::No),
    ("group:system:masters", "delete", "nodes", Verdict::Yes),
];

#[test]
fn all_answers_about_a_subject_agree() {
    let snapshot = snapshot_of(&read(SUBJECTS).unwrap(), Source::Lab);
    let (id, facts) = snapshot.facts.iter().next().unwrap();
    let permissions = Permissions::of(facts);
    let principals = inventory(facts, &snapshot.iam).principals;
    let ground = Ground::new(facts, &snapshot.iam, id, None);
    for (subject, verb, word, wanted) in ANSWERS {
        let case = format!("can {subject} {verb} {word}");
        let (_, who) = Who::subject(subject).unwrap();
        let meant = meant(&permissions, verb, word, "", "");
        assert_eq!(permissions.decide_meant(&who, &meant).verdict, wanted, "{case}");

        // A review says who asks in full: the API server adds nothing to it.
        if let Ok(Reviewee::Named { groups, .. }) = reviewee(&who, false) {
            assert_eq!(groups, who.groups, "{case}");
        }
        let table = matrix(&permissions, &who, "");
        for row in &table.rows {
            for (at, column) in eksplorer::access::matrix::VERBS.into_iter().enumerate() {
                let request = table.request(row, column, "");
                let decided = permissions.decide(&who, &request).verdict;
                let cell = row.cells[at];
                assert_eq!(cell.is_allowed(), decided == Verdict::Yes, "{subject}: {request}");
            }
        }
        if let Some(username) = subject.strip_prefix("user:").filter(|it| !it.contains("system:node")) {
            let text = format!("$ kubectl auth can-i {verb} {word} --as={username} -A\nno");
            // A subresource is another flag there.
            if let Some(message) = read_message(&text).ok().filter(|_| !word.contains('/')) {
                assert_eq!(ground.explain(&message).verdict, wanted, "{text}");
            }
        }
        if let Some((namespace, name)) = subject.strip_prefix("sa/").and_then(|it| it.split_once('/')) {
            let holders = who_can_meant(facts, &permissions, &principals, &meant).holders;
            let own = |it: &Holding| match it {
                Holding::ServiceAccount { namespace: its, name: own, .. } => its == namespace && own == name,
                Holding::Group(group) => who.groups.contains(group),
                _ => false,
            };
            let listed = holders.iter().any(|it| it.verdict == Verdict::Yes && own(&it.subject));
            assert_eq!(listed, wanted == Verdict::Yes, "who-can {verb} {word}: {subject}");
        }
    }
}

#[test]
fn a_rule_of_a_custom_group_does_not_capture_impersonate() {
    let path = "tests/worlds/subjects.yaml";
    let (answer, exit) = json(&["--from", path, "can", BOT, "impersonate", "users", "-o", "json"]);
    assert_eq!((answer["verdict"].as_str(), exit), (Some("allowed"), 0), "{answer}");
    assert_eq!(
        (answer["request"]["group"].as_str(), answer["request"]["resource"].as_str()),
        (Some(""), Some("users"))
    );
    let (answer, _) = json(&["--from", path, "who-can", "impersonate", "users", "-o", "json"]);
    assert_eq!(answer["holders"][0]["name"], "api", "{answer}");
    let (answer, exit) = json(&["--from", path, "can", "system:anonymous", "list", "services", "-o", "json"]);
    assert_eq!((answer["verdict"].as_str(), exit), (Some("denied"), 3), "{answer}");
    assert_eq!(answer["identity"]["groups"], serde_json::json!(["system:unauthenticated"]));
}

/// A world whose discovery was recorded, with two custom resources of the same name.
fn recorded() -> String {
    let resource = |group: &str, plural: &str, kind: &str, namespaced: bool| {
        format!(
            "  - {{group: \"{group}\", version: v1, plural: {plural}, singular: {}, kind: {kind}, namespaced: {namespaced}, \
             verbs: [get, list, create], shortNames: []}}\n",
            kind.to_lowercase()
        )
    };
    let all = [
        resource("", "namespaces", "Namespace", false),
        resource("", "pods", "Pod", true),
        resource("authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview", false),
        resource("iam.example.com", "users", "User", false),
        resource("db.example.com", "users", "User", true),
    ];
    let world = SUBJECTS.replace("  kubernetes:\n", &format!("  apiResources:\n{}  kubernetes:\n", all.concat()));
    let stale = "sections:\n  small/apiResources:\n    state: partial\n    missing:\n    - item: metrics.k8s.io/v1beta1\n      \
                 failure: {kind: unexpected, doing: read discovery, message: stale}\n";
    let whoever = "iam:\n  UserDetailList:\n  - {UserName: me, UserId: AIDAME, Arn: \"arn:aws:iam::111122223333:user/me\", Path: /}\n";
    let caller = "caller: {Account: \"111122223333\", Arn: \"arn:aws:iam::111122223333:user/me\", UserId: AIDAME}\n";
    let entry = "  accessEntries:\n  - {principalArn: \"arn:aws:iam::111122223333:user/me\", type: STANDARD, username: me, \
                 kubernetesGroups: [], associatedAccessPolicies: []}\n";
    world
        .replace("  accessEntries: []\n", entry)
        .replace("region: eu-west-1\n", &format!("region: eu-west-1\n{caller}"))
        + whoever
        + stale
}

#[test]
fn discovery_comes_through_the_lab_as_the_world_records_it() {
    let path = std::env::temp_dir().join(format!("eksplorer-{}-names.yaml", std::process::id()));
    let saved = path.with_extension("saved.yaml");
    std::fs::write(&path, recorded()).unwrap();
    let output = eksplorer(&["--world", path.to_str().unwrap(), "snapshot", "save", saved.to_str().unwrap()]);
    assert_eq!(status(&output), 0, "{}", out(&output));
    let facts = |path: &std::path::Path| {
        let snapshot = snapshot_of(&read(&std::fs::read_to_string(path).unwrap()).unwrap(), Source::Lab);
        snapshot.cluster(&ClusterId { region: "eu-west-1".into(), name: "small".into() }).api_resources.clone()
    };
    let (before, after) = (facts(&path), facts(&saved));
    assert_eq!(after.items(), before.items());
    let missing: Vec<_> = after.missing().iter().map(|it| it.item.clone().unwrap()).collect();
    assert_eq!(missing, ["metrics.k8s.io/v1beta1"]);

    let (answer, _) =
        json(&["--from", saved.to_str().unwrap(), "can", "user:x", "get", "users", "-n", "pay", "-o", "json"]);
    assert_eq!(answer["request"]["group"], "iam.example.com", "the first in discovery");
    assert_eq!(answer["request"]["namespace"], "", "which says that they are in no namespace");
    let said = "users is served by iam.example.com and db.example.com; kubectl picks users.iam.example.com";
    assert!(answer["notes"].as_array().unwrap().iter().any(|it| it == said), "{answer}");
    for file in [path, saved] {
        std::fs::remove_file(file).unwrap();
    }
}
