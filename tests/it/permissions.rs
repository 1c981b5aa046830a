//! `can` and `who-can` as a shell sees them.

use std::path::PathBuf;

use serde_json::{Value, json as value};

use crate::commands::{eksplorer, err, json, out, status};
use eksplorer::access::Verdict;

const ACME: [&str; 4] = ["--from", "assets/worlds/acme.yaml", "-c", "prod-eu1"];

fn of_acme<'a>(args: &[&'a str]) -> Vec<&'a str> {
    ACME.into_iter().chain(args.iter().copied()).collect()
}

/// A world with one role that has, or has not, AmazonEKSAdminViewPolicy, in a file.
fn world(name: &str, policies: &str, bindings: &str) -> PathBuf {
    let text = format!(
        r#"
eksplorer: 1
region: eu-west-1
caller: {{Account: "111122223333", Arn: "arn:aws:iam::111122223333:user/me", UserId: AIDAME}}
clusters:
- cluster: {{name: c, accessConfig: {{authenticationMode: API}}}}
  accessEntries:
  - {{principalArn: "arn:aws:iam::111122223333:role/auditor", type: STANDARD, username: auditor, associatedAccessPolicies: [{policies}]}}
  kubernetes:
  - {{kind: ClusterRole, metadata: {{name: peek}}, rules: [{{apiGroups: [""], resources: [secrets], verbs: [list]}}]}}
  - {{kind: ClusterRoleBinding, metadata: {{name: peek}}, roleRef: {{kind: ClusterRole, name: peek}}, subjects: [{{kind: Group, name: "system:authenticated"}}]}}
iam:
  RoleDetailList: [{{RoleName: auditor, Arn: "arn:aws:iam::111122223333:role/auditor", Path: /}}]
sections:
  c/roles: {{state: empty}}
  c/namespaces: {{state: empty}}
  c/roleBindings: {bindings}
"#
    );
    let path = std::env::temp_dir().join(format!("eksplorer-{}-{name}.yaml", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path
}

const ADMIN_VIEW: &str =
    r#"{policyArn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminViewPolicy", accessScope: {type: cluster}}"#;
const REFUSED: &str = "{state: refused, failure: {kind: refused, permission: list rolebindings, doing: list the RoleBindings, code: Forbidden}}";

#[test]
fn an_access_policy_alone_decides_and_without_it_rbac_must_have_been_read() {
    let with = world("with", ADMIN_VIEW, "{state: empty}");
    let without = world("without", "", "{state: empty}");
    let blind = world("blind", "", REFUSED);
    let ask = |file: &PathBuf| {
        json(&[
            "--from",
            file.to_str().unwrap(),
            "can",
            "auditor",
            "get",
            "secrets",
            "-n",
            "any",
            "--assume-exists",
            "-o",
            "json",
        ])
    };

    let (answer, status) = ask(&with);
    assert_eq!((answer["verdict"].as_str(), status), (Some("allowed"), 0));
    assert_eq!(answer["by"][0]["source"], "access-policy");
    assert_eq!(answer["by"][0]["rule"]["verbs"], value!(["get", "list", "watch"]));
    assert_eq!(answer["by"][0]["evidence"]["path"], "associatedAccessPolicies[0]");
    assert_eq!(answer["by"][0]["rule"]["evidence"]["path"], "rules[0]");

    let (answer, status) = ask(&without);
    assert_eq!((answer["verdict"].as_str(), status), (Some("denied"), 3));
    assert_eq!((answer["nearest"]["fails"].as_str(), answer["nearest"]["has"].as_str()), (Some("verb"), Some("list")));
    assert_eq!(answer["nearest"]["name"], "peek");

    let (answer, status) = ask(&blind);
    assert_eq!((answer["verdict"].as_str(), status), (Some("unknown"), 4));
    assert!(answer["unknown"][0].as_str().unwrap().contains("list rolebindings"), "{answer}");
    // What needs no RoleBinding is answered all the same.
    let path = blind.to_str().unwrap();
    let (answer, status) =
        json(&["--from", path, "can", "auditor", "list", "secrets", "-n", "any", "--assume-exists", "-o", "json"]);
    assert_eq!((answer["verdict"].as_str(), status), (Some("allowed"), 0));
    for file in [with, without, blind] {
        std::fs::remove_file(file).unwrap();
    }
}

#[test]
fn the_wire_and_the_file_give_the_same_answers() {
    for args in [
        &["can", "deployer", "get", "secrets", "-n", "blue"][..],
        &["can", "arn:aws:sts::111122223333:assumed-role/ops-jumpbox/jane", "delete", "pods", "-n", "payments"],
        &["who-can", "delete", "pods", "-n", "payments"],
    ] {
        let tail = ["-o", "json"];
        let live: Vec<&str> = ["--demo", "-c", "prod-eu1"].iter().chain(args).chain(&tail).copied().collect();
        let file: Vec<&str> = ACME.iter().chain(args).chain(&tail).copied().collect();
        assert_eq!(json(&live), json(&file), "{args:?}");
    }
}

#[test]
fn no_namespace_means_the_whole_cluster() {
    let (answer, status) = json(&of_acme(&["can", "deployer", "delete", "po", "-o", "json"]));
    assert_eq!((answer["verdict"].as_str(), status), (Some("denied"), 3));
    assert_eq!(answer["allowedIn"], value!(["blue"]));
    assert_eq!(
        answer["request"],
        value!({"verb": "delete", "group": "", "resource": "pods", "subresource": "", "namespace": "", "name": ""})
    );
    let (answer, _) = json(&of_acme(&["can", "breakglass", "get", "/metrics", "-o", "json"]));
    assert_eq!(
        (answer["verdict"].as_str(), &answer["request"]),
        (Some("allowed"), &value!({"verb": "get", "path": "/metrics"}))
    );
}

#[test]
fn words_that_mean_nothing_known_are_answered_with_a_note() {
    let (answer, status) = json(&of_acme(&["can", "deployer", "frob", "blobs", "-n", "blue", "-o", "json"]));
    assert_eq!((answer["verdict"].as_str(), status), (Some("denied"), 3));
    let notes = answer["notes"].to_string();
    assert!(notes.contains("no API resource") && notes.contains("no API verb"), "{notes}");
    let (answer, _) = json(&of_acme(&["can", "breakglass", "frob", "blobs", "-o", "json"]));
    assert_eq!(answer["verdict"], "allowed", "a rule for everything covers it all the same");
}

#[test]
fn many_requests_are_answered_a_line_each() {
    let file = std::env::temp_dir().join(format!("eksplorer-{}-requests.jsonl", std::process::id()));
    let lines = [
        r#"{"principal": "deployer", "verb": "get", "resource": "deploy/scale", "namespace": "blue"}"#,
        "",
        r#"{"principal": "deployer", "verb": "get", "group": "", "resource": "secrets", "namespace": "green", "name": "x"}"#,
        r#"{"principal": "system:serviceaccount:payments:reaper", "verb": "get", "path": "/healthz"}"#,
        r#"{"principal": "user/frank", "verb": "list", "resource": "po"}"#,
        r#"{"principal": "nobody-of-this-name", "verb": "list", "resource": "po"}"#,
    ];
    std::fs::write(&file, lines.join("\n")).unwrap();
    let path = file.to_str().unwrap();
    let asked_back = eksplorer(&of_acme(&["can", "--requests", path]));
    assert_eq!(status(&asked_back), 2);
    assert!(err(&asked_back).contains("line 6: no role, user, or permission set"), "{}", err(&asked_back));
    let output = eksplorer(&of_acme(&["can", "--requests", path, "--assume-exists", "-o", "json"]));
    assert_eq!(status(&output), 0, "{}", err(&output));
    let answers: Vec<Value> = out(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let verdicts: Vec<&str> = answers.iter().map(|it| it["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["allowed", "denied", "allowed", "unknown", "denied"]);
    assert_eq!(answers[0]["request"]["resource"], "deployments");
    let text = out(&eksplorer(&of_acme(&["can", "--requests", path, "--assume-exists"])));
    assert!(
        text.starts_with("● deployer: get deployments.apps/scale in blue: by ClusterRoleBinding readers"),
        "{text}"
    );

    for (line, wanted) in [
        (r#"{"verb": "get", "resource": "pods"}"#, "line 1: no principal"),
        (r#"{"principal": "deployer", "verb": "get"}"#, "either a resource or a path"),
        (r#"{"principal": "deployer", "verb": "get", "resource": "pods", "namespase": "x"}"#, "namespase"),
        ("{", "line 1"),
        (r#"{"principal": "deployer", "verb": "", "resource": "pods"}"#, "empty"),
    ] {
        std::fs::write(&file, line).unwrap();
        let output = eksplorer(&of_acme(&["can", "--requests", path]));
        assert_eq!((status(&output), err(&output).contains(wanted)), (2, true), "{line}: {}", err(&output));
    }
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn everybody_who_may_is_listed_with_a_path() {
    let (answer, status) = json(&of_acme(&["who-can", "delete", "pods", "-n", "payments", "-o", "json"]));
    assert_eq!((answer["verdict"].as_str(), status), (Some("allowed"), 0));
    let holders = answer["holders"].as_array().unwrap();
    let by = |key: &str, wanted: &str| {
        holders
            .iter()
            .find(|it| it[key].as_str().is_some_and(|it| it.ends_with(wanted)))
            .unwrap_or_else(|| panic!("{wanted}"))
    };
    assert_eq!(by("arn", "role/ci")["paths"][0]["via"]["name"], "builders");
    assert_eq!(by("arn", "role/breakglass")["paths"][0]["source"], "access-policy");
    assert_eq!(by("arn", "event-relay")["verdict"], "unknown");
    let reaper = by("name", "reaper");
    assert_eq!((reaper["kind"].as_str(), reaper["pods"].as_array().map(Vec::len)), (Some("service-account"), Some(2)));
    assert!(
        holders.iter().filter(|it| it["verdict"] == "allowed").all(|it| !it["paths"].as_array().unwrap().is_empty())
    );
    assert!(by("arn", "role/ci").get("become").is_none(), "only where it is asked for");
    let (answer, _) = json(&of_acme(&["who-can", "delete", "pods", "-n", "payments", "--become", "-o", "json"]));
    let holders = answer["holders"].as_array().unwrap();
    let becomes = |arn: &str| {
        let it = holders.iter().find(|it| it["arn"].as_str().is_some_and(|it| it.ends_with(arn))).unwrap();
        it["become"].clone()
    };
    let people = becomes("AWSReservedSSO_AdministratorAccess_1a2b3c4d5e6f7890");
    assert!(
        people["holders"][0]["because"].as_str().unwrap().contains("permission set AdministratorAccess"),
        "{people}"
    );
    assert!(becomes("role/ci")["holders"][0]["because"].as_str().unwrap().contains("repo:acme/*:ref:refs/heads/main"));
    let terraform = becomes("role/platform/cluster-admin");
    assert_eq!(terraform["holders"][0]["verdict"], "allowed", "{terraform}");
    assert!(becomes("user/people/carol").is_null(), "nobody becomes a user");
    // Nobody: a verb that only a rule for everything covers, asked of a cluster where nobody holds one, is not at hand; a
    // path that somebody may get is.
    let output = eksplorer(&of_acme(&["who-can", "get", "/healthz"]));
    assert!(out(&output).contains("group system:unauthenticated"), "{}", out(&output));
}

/// What `permissions` lists is what `can` answers: cell by cell, over the identities of the demo.
#[test]
fn the_table_of_an_identity_is_what_can_answers() {
    use eksplorer::access::matrix::{VERBS, matrix};
    use eksplorer::access::permissions::{Permissions, Who};
    let facts = crate::worlds::ACME.facts.values().next().unwrap();
    let permissions = Permissions::of(facts);
    let mut asked = 0;
    for given in ["group:deployers", "sa/payments/ledger", "user:system:kube-scheduler", "system:masters"] {
        let (_, who) = Who::subject(given).unwrap();
        for namespace in ["", "payments", "blue"] {
            let table = matrix(&permissions, &who, namespace);
            for row in &table.rows {
                for (verb, cell) in VERBS.iter().zip(&row.cells) {
                    let verdict = permissions.decide(&who, &table.request(row, verb, "")).verdict;
                    assert_eq!(cell.is_allowed(), verdict == Verdict::Yes, "{given} {verb} {row:?} in {namespace:?}");
                    asked += 1;
                }
            }
        }
    }
    assert!(asked > 500, "{asked}");
}

/// A subject that no binding names has no more than everybody, and its name may be a slip.
#[test]
fn a_subject_that_no_binding_names_is_said_to_be_one() {
    use eksplorer::access::permissions::{Permissions, Who};
    use eksplorer::report::Exit;
    use eksplorer::report::can::Named;
    use eksplorer::report::permissions::{GrantedPermissions, text};
    let (id, facts) = crate::worlds::ACME.facts.iter().find(|(id, _)| id.name == "prod-eu1").unwrap();
    let permissions = Permissions::of(facts);
    for (given, exit, note) in [
        ("group:deployers", Exit::Yes, None),
        ("group:deploiers", Exit::No, Some("\"deploiers\"; did you mean deployers?")),
        ("user:alice", Exit::Yes, None),
        ("user:alic", Exit::No, Some("\"alic\"; did you mean alice?")),
        ("sa/payments/ledger", Exit::Yes, None),
        ("sa/payments/ledgr", Exit::No, Some("did you mean system:serviceaccount:payments:ledger")),
        ("group:nothing-like-it-at-all", Exit::No, Some("\"nothing-like-it-at-all\"")),
    ] {
        let named = Named { given: given.into(), arn: String::new(), kind: "kubernetes-group".into(), session: None };
        let (_, who) = Who::subject(given).unwrap();
        let it = GrantedPermissions::new(&permissions, named, who, "");
        let said = text(id, &it);
        assert_eq!(it.exit(), exit, "{said}");
        match note {
            Some(note) => assert!(said.contains("no binding that was read names") && said.contains(note), "{said}"),
            None => assert!(!said.contains("no binding that was read"), "{said}"),
        }
    }
}
