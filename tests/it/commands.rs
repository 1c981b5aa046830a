//! The commands without a screen, as a shell sees them: what they print and how they end.

use std::process::{Command, Output};

use serde_json::Value;

/// Runs the program with no AWS environment but what is given.
pub(crate) fn eksplorer(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eksplorer"));
    command.args(args);
    for (name, _) in std::env::vars() {
        if name.starts_with("AWS_") || name.starts_with("EKSPLORER_") {
            command.env_remove(name);
        }
    }
    let home = std::env::temp_dir().join("eksplorer-no-home");
    command.env("HOME", &home).env("XDG_CONFIG_HOME", home.join("config")).env("XDG_STATE_HOME", home.join("state"));
    command.output().unwrap()
}

pub(crate) fn status(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) fn json(args: &[&str]) -> (Value, i32) {
    let output = eksplorer(args);
    let text = out(&output);
    (serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{}", err(&output))), status(&output))
}

const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/deployer/jane@corp.com";

#[test]
fn a_session_is_traced_over_real_protocols_and_from_the_file_alike() {
    let (live, status) = json(&["--demo", "trace", SESSION, "-o", "json"]);
    assert_eq!(status, 0);
    assert_eq!(live["verdict"], "maps");
    assert_eq!(live["principal"]["arn"], "arn:aws:iam::111122223333:role/teams/blue/deployer");
    assert_eq!(live["principal"]["session"], "jane@corp.com");
    assert_eq!(live["mapping"]["source"], "access-entry");
    assert_eq!(live["mapping"]["type"], "STANDARD");
    assert_eq!(live["identity"]["username"], "arn:aws:sts::111122223333:assumed-role/deployer/jane-corp.com");
    assert_eq!(live["identity"]["implicitGroups"], serde_json::json!(["system:authenticated"]));
    assert_eq!(live["others"][0]["source"], "aws-auth-role");
    assert_eq!(live["others"][0]["state"], "shadowed");
    assert_eq!(live["others"][0]["evidence"]["path"], "data.mapRoles[0]");
    assert_eq!(live["accessPolicies"][0]["scope"]["namespaces"], serde_json::json!(["blue"]));

    let file = ["--from", "assets/worlds/acme.yaml", "-c", "prod-eu1", "trace", SESSION, "-o", "json"];
    assert_eq!(json(&file).0, live, "the file and the wire give the same answer");
}

#[test]
fn exit_statuses_tell_yes_no_and_unknown_apart() {
    for (principal, wanted) in [
        (SESSION, 0),
        ("arn:aws:sts::111122223333:assumed-role/green-deployer/x", 3),
        ("arn:aws:iam::111122223333:role/never-made", 3),
        // All names were read: it is a slip, and asked back.
        ("nobody-of-this-name", 2),
        ("arn:aws:iam::111122223333:user/frank", 4),
        ("arn:aws:iam::1:role/x", 2),
        ("arn:aws:s3:::bucket", 2),
    ] {
        let output = eksplorer(&["--from", "assets/worlds/acme.yaml", "-c", "prod-eu1", "trace", principal]);
        assert_eq!(status(&output), wanted, "{principal}: {}{}", out(&output), err(&output));
        assert_eq!(err(&output).is_empty(), wanted != 2, "only bad input speaks on stderr: {}", err(&output));
    }
}

#[test]
fn what_the_caller_may_not_read_is_unknown_and_named() {
    let args =
        ["--demo", "--as", "intern", "trace", "arn:aws:sts::111122223333:assumed-role/green-oncall/ben", "-o", "json"];
    let (answer, status) = json(&args);
    assert_eq!((answer["verdict"].as_str(), status), (Some("unknown"), 4), "{answer:#}");
    assert!(answer["unknown"].to_string().contains("configmaps"), "{answer:#}");
}

#[test]
fn a_trust_policy_is_held_against_a_request() {
    let folder = std::env::temp_dir().join(format!("eksplorer-trust-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let ann = "tests/trust/ann.json";
    let web = ["trust", "--policy", "tests/trust/irsa.json", "--request", "tests/trust/web.json", "-o", "json"];
    let (answer, ended) = json(&web);
    assert_eq!((answer["verdict"].as_str(), ended), (Some("denied"), 3), "{answer:#}");
    assert_eq!(answer["clause"]["statement"], serde_json::json!({"index": 0, "sid": "Payments"}));
    assert_eq!(answer["clause"]["operator"], "StringEquals");
    assert_eq!(answer["clause"]["wanted"], serde_json::json!(["system:serviceaccount:payments:api"]));
    assert_eq!(answer["clause"]["got"], serde_json::json!(["system:serviceaccount:payments:web"]));
    assert_eq!(answer["clause"]["presence"], "present");
    let breakglass = "arn:aws:iam::111122223333:role/breakglass";
    // Over the wire, where the policy comes percent-encoded, and from the file alike.
    let (live, ended) = json(&["--demo", "trust", breakglass, "--request", ann, "-o", "json"]);
    assert_eq!((live["verdict"].as_str(), ended), (Some("unknown"), 4), "{live:#}");
    assert_eq!(live["clause"]["key"], "aws:MultiFactorAuthPresent");
    assert_eq!(live["clause"]["presence"], "unknown");
    let offline = ["--from", "assets/worlds/acme.yaml", "trust", breakglass, "--request", ann, "-o", "json"];
    assert_eq!(json(&offline).0, live);
    let told = file(
        "told.json",
        r#"{"principal": {"AWS": "arn:aws:iam::111122223333:user/ann"}, "action": "sts:AssumeRole",
            "context": {"aws:multifactorauthpresent": "true"}, "ownPoliciesAllow": true}"#,
    );
    assert_eq!(json(&["--demo", "trust", breakglass, "--request", &told, "-o", "json"]).1, 0);
    // A role of another account cannot be read; neither can one that the caller may not see.
    let foreign = "arn:aws:iam::999988887777:role/x";
    let (answer, ended) = json(&["--demo", "trust", foreign, "--request", ann, "-o", "json"]);
    assert_eq!((answer["verdict"].as_str(), ended), (Some("unknown"), 4), "{answer:#}");

    let broken = file("broken.json", "{\"principal\": {\"Service\": \"a\"},\n \"action\": 7,\n \"contexts\": {}}");
    let hostile = file(
        "hostile.json",
        r#"{"Statement": {"Sid": "\u001b[31m", "Effect": "Allow", "Principal": {"Service": "\u202e"}, "Action": "*"}}"#,
    );
    for (args, wanted) in [
        (vec!["--policy", "tests/trust/irsa.json", "--request", &broken], vec!["broken.json", "line 3", "contexts"]),
        (vec!["--policy", &broken, "--request", ann], vec!["broken.json", "Statement", "policy document"]),
        (vec!["--policy", "no/such.json", "--request", ann], vec!["no/such.json", "Check the path"]),
        (vec!["--policy", "tests/trust/irsa.json", "--request", "no/such.json"], vec!["no/such.json"]),
        (vec!["--policy", "tests/trust/irsa.json", "--request", ann, "--demo"], vec!["--policy", "--demo"]),
        (vec!["--policy", "tests/trust/irsa.json", breakglass, "--request", ann], vec!["cannot be used with"]),
        (vec!["--request", ann], vec!["ROLE_ARN", "--policy"]),
        (vec![breakglass], vec!["--request"]),
        (vec!["arn:aws:iam::111122223333:user/ann", "--request", ann, "--demo"], vec!["only roles can be assumed"]),
        (vec![SESSION, "--request", ann, "--demo"], vec!["name its role"]),
        (vec!["arn:aws:iam::111122223333:role/none", "--request", ann, "--demo"], vec!["no role", "Check"]),
        (vec!["arn:aws:iam::111122223333:role/deployer", "--request", ann, "--demo"], vec!["role/teams/blue/deployer"]),
    ] {
        let output = eksplorer(&[&["trust"], &args[..]].concat());
        assert_eq!((status(&output), out(&output).as_str()), (2, ""), "{args:?}: {}", err(&output));
        for word in wanted {
            assert!(err(&output).contains(word), "{args:?} does not say {word:?}: {}", err(&output));
        }
    }
    let output = eksplorer(&["trust", "--policy", &hostile, "--request", ann]);
    assert_eq!(status(&output), 3);
    assert!(!out(&output).contains(['\u{1b}', '\u{202e}']), "{}", out(&output));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn every_list_answers_and_says_what_is_not_whole() {
    for (what, member, at_least) in [
        ("entries", "entries", 60),
        ("aws-auth", "awsAuth", 40),
        ("irsa", "irsa", 20),
        ("pod-identity", "podIdentity", 15),
        ("roles", "roles", 8),
        ("principals", "principals", 80),
        ("groups", "groups", 60),
        ("clusters", "clusters", 3),
    ] {
        let (answer, status) = json(&["list", what, "--demo", "-o", "json"]);
        assert_eq!(status, 0, "{what}");
        assert_eq!(answer["incomplete"], serde_json::json!([]), "{what}");
        let rows = answer[member].as_array().unwrap_or_else(|| panic!("{what}: {answer:#}"));
        assert!(rows.len() >= at_least, "{what} has {} rows", rows.len());
        // The file says the same, and without a lab.
        let text = out(&eksplorer(&["list", what, "--from", "assets/worlds/acme.yaml", "-c", "prod-eu1"]));
        assert_eq!(text.lines().count(), rows.len() + 1, "{what}: a header and a line each");
    }
    let (answer, status) = json(&["list", "pod-identity", "--demo", "--as", "intern", "-o", "json"]);
    assert_eq!(status, 0);
    let refused = answer["incomplete"].as_array().unwrap().iter().find(|it| it["state"] == "refused").unwrap();
    assert!(refused["because"].as_str().unwrap().contains("eks:ListPodIdentityAssociations"), "{answer:#}");
}

#[test]
fn groups_are_listed_with_who_carries_them_and_what_binds_them() {
    let (answer, _) = json(&["list", "groups", "--from", "assets/worlds/acme.yaml", "-c", "prod-eu1", "-o", "json"]);
    let rows = answer["groups"].as_array().unwrap();
    let named = |name: &str| rows.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("{name}"));
    let builders = named("builders");
    assert_eq!((&builders["kind"], &builders["state"]), (&"group".into(), &"in-force".into()));
    assert_eq!(builders["carriers"].as_array().map(Vec::len), Some(2), "{builders:#}");
    assert_eq!(builders["carriers"][0]["arn"], "arn:aws:iam::111122223333:role/ci");
    let payments = builders["bindings"].as_array().unwrap().iter().find(|it| it["namespace"] == "payments").unwrap();
    assert_eq!((&payments["name"], &payments["role"]["name"]), (&"ci".into(), &"deployer".into()));
    assert_eq!(named("blue-migrations")["state"], "dead", "nobody carries it");
    assert_eq!(named("acme-oidc:developers")["state"], "unknown", "an OIDC provider may");
}

#[test]
fn text_holds_no_control_characters_however_hostile_the_names() {
    for what in ["entries", "aws-auth", "irsa", "principals", "groups"] {
        let text = out(&eksplorer(&["list", what, "--from", "assets/worlds/acme.yaml", "-c", "prod-eu1"]));
        let bad = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!text.contains(bad), "{what}");
    }
}

#[test]
fn errors_hold_no_control_characters_either() {
    let world = std::env::temp_dir().join(format!("eksplorer-hostile-{}.yaml", std::process::id()));
    std::fs::write(&world, "eksplorer: 1\nclusters: [{cluster: {name: \"a\\e[31m\"}}, {cluster: {name: b}}]\n")
        .unwrap();
    let world = world.to_str().unwrap();
    for args in
        [vec!["--from", world, "list", "entries"], vec!["--from", world, "-c", "x\u{1b}[31m", "list", "entries"]]
    {
        let said = err(&eksplorer(&args));
        assert!(said.contains("\\u{1b}"), "{said:?}");
        assert!(!said.contains('\u{1b}'), "{said:?}");
    }
    std::fs::remove_file(world).unwrap();
}

#[test]
fn flags_that_would_be_ignored_are_refused() {
    for flag in [["--context", "x"], ["--region", "us-east-1"], ["--profile", "p"]] {
        let output = eksplorer(&["--demo", flag[0], flag[1], "list", "clusters"]);
        assert_eq!(status(&output), 2, "{}", err(&output));
    }
}

#[test]
fn a_snapshot_saved_over_the_wire_gives_the_same_answers_offline() {
    let folder = std::env::temp_dir().join(format!("eksplorer-snapshot-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let lists = ["entries", "aws-auth", "irsa", "pod-identity", "roles", "principals", "groups"];
    let live = lists.map(|what| (what, out(&eksplorer(&["list", what, "--demo", "-c", "prod-eu1"]))));
    for name in ["all.yaml", "all.json"] {
        let file = folder.join(name);
        let file = file.to_str().unwrap();
        let saved = eksplorer(&["snapshot", "save", file, "--demo"]);
        assert_eq!(status(&saved), 0, "{}", err(&saved));
        for (what, live) in &live {
            assert_eq!(&out(&eksplorer(&["list", what, "--from", file, "-c", "prod-eu1"])), live, "{name} {what}");
        }
        let text = std::fs::read_to_string(file).unwrap();
        assert!(!text.contains("AKIA") && !text.contains("last-applied-configuration"), "{name} holds a secret");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn bad_input_is_one_sentence_with_what_to_try_and_status_2() {
    let folder = std::env::temp_dir().join(format!("eksplorer-bad-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let bad = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let wrong_type =
        bad("type.yaml", "eksplorer: 1\nclusters:\n- cluster: {name: c}\n  accessEntries:\n  - principalArn: [1]\n");
    let missing = bad("missing.yaml", "eksplorer: 1\nclusters:\n- accessEntries: []\n");
    let broken = bad("broken.json", "{\"eksplorer\": 1,\n \"clusters\": [}");
    for (args, wanted) in [
        (
            vec!["--from", &wrong_type, "list", "entries"],
            vec!["type.yaml", "line 5", "clusters[0].accessEntries[0].principalArn"],
        ),
        (vec!["--from", &missing, "list", "entries"], vec!["missing.yaml", "line 3", "clusters[0]", "cluster"]),
        (vec!["--from", &broken, "list", "entries"], vec!["broken.json", "line 2"]),
        (vec!["--world", &broken, "list", "entries"], vec!["broken.json", "line 2"]),
        (vec!["--from", "no/such/file.yaml", "list", "entries"], vec!["no/such/file.yaml", "Check the path"]),
        (vec!["--demo", "-c", "nope", "list", "entries"], vec!["no cluster nope", "prod-eu1"]),
        (vec!["--from", "assets/worlds/acme.yaml", "list", "entries"], vec!["several clusters", "-c", "prod-eu1"]),
        (vec!["--demo", "--as", "nobody", "list", "entries"], vec!["nobody"]),
        (vec!["--as", "x", "list", "entries"], vec!["--as", "--demo"]),
        (vec!["list", "entries"], vec!["region"]),
        (vec!["trace"], vec!["PRINCIPAL"]),
    ] {
        let output = eksplorer(&args);
        let said = err(&output);
        assert_eq!(status(&output), 2, "{args:?}: {said}");
        assert_eq!(out(&output), "", "{args:?}");
        for word in wanted {
            assert!(said.contains(word), "{args:?} does not say {word:?}: {said}");
        }
        assert!(!said.contains("panicked"), "{said}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
