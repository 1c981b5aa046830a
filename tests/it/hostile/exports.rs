//! Names that EKS would never have, but a file may: in headlines, in exports, and in a shell that runs them for real.

use std::os::unix::fs::PermissionsExt;

use eksplorer::edit::draft::{Change, Draft};
use eksplorer::edit::export::{Place, Told};
use eksplorer::edit::plan::plan;
use eksplorer::edit::state::{AssociationState, EntryState, State, Subject};
use eksplorer::model::snapshot::ClusterFacts;
use eksplorer::model::visible::is_deceptive;

use serde_json::Value;

use crate::commands::{eksplorer, err, out};

const NAMES: [&str; 26] = [
    "a\u{1b}[2Jb",
    "a\u{1b}]0;title\u{7}b",
    "a\u{9b}31mb",
    "\u{202e}evil",
    "a\u{ad}b",
    "a\u{200d}b",
    "\u{3164}",
    "a\u{fe0f}b",
    "tag\u{e0041}\u{e007f}",
    "a\rb",
    "a\u{8}\u{8}b",
    "a'b",
    "a\"b",
    "$(touch pwned)",
    "`touch pwned`",
    "${IFS}",
    "a;touch pwned",
    "a&&b",
    "a|b",
    "a\\b",
    "a\\'b\u{1b}",
    "*",
    "-rf",
    "a b",
    "!!",
    "\u{1b}'; touch pwned; '",
];

/// The export with a name everywhere a name can be.
fn told(name: &str) -> Told {
    let entry = EntryState {
        kind: "STANDARD".into(),
        username: Some(name.to_owned()),
        groups: [name.to_owned()].into(),
        tags: [(name.to_owned(), name.to_owned())].into(),
        ..EntryState::default()
    };
    let association =
        AssociationState { role_arn: format!("arn:aws:iam::111122223333:role/{name}"), ..AssociationState::default() };
    let change = |after| Change { before: None, after: Some(after), again: false };
    let draft = Draft::of([
        (Subject::Entry(format!("arn:aws:iam::111122223333:role/{name}")), change(State::Entry(entry))),
        (Subject::Association(name.to_owned(), name.to_owned()), change(State::Association(association))),
    ]);
    let place = Place { cluster: name.to_owned(), region: "eu-west-1".into(), account: None };
    Told::planned(place, &draft, &plan(&draft), &ClusterFacts::default())
}

#[test]
fn exports_hold_no_control_characters_and_a_shell_gives_every_word_as_it_is() {
    let folder = std::env::temp_dir().join(format!("eksplorer-exports-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    // In place of the AWS CLI: what it is given.
    let aws = folder.join("aws");
    std::fs::write(&aws, "#!/bin/sh\nprintf '%s\\0' \"$@\" >> \"$GIVEN\"\n").unwrap();
    std::fs::set_permissions(&aws, std::fs::Permissions::from_mode(0o755)).unwrap();
    let bad = |c: char| is_deceptive(c) && c != '\n' && c != '\t';
    for name in NAMES {
        let told = told(name);
        let script = told.script();
        for text in [&script, &told.inverse(), &told.terraform(), &told.note_without_facts()] {
            assert!(!text.contains(bad), "{name:?}: {text}");
        }
        let (file, given) = (folder.join("script"), folder.join("given"));
        std::fs::write(&file, &script).unwrap();
        let _ = std::fs::remove_file(&given);
        let shell = if script.starts_with("#!/usr/bin/env bash") { "bash" } else { "sh" };
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
        let mut command = std::process::Command::new(shell);
        let ran = command.arg(&file).current_dir(&folder).env("PATH", path).env("GIVEN", &given).output().unwrap();
        assert!(ran.status.success(), "{name:?}: {script}\n{}", String::from_utf8_lossy(&ran.stderr));
        let given = std::fs::read(&given).unwrap();
        let words: Vec<String> =
            given.split(|it| *it == 0).map(|it| String::from_utf8_lossy(it).into_owned()).collect();
        assert!(words.iter().any(|it| it.contains(name)), "{name:?} reaches no command: {words:?}\n{script}");
        assert!(!folder.join("pwned").exists(), "{name:?} was run");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Every text of a value, replaced where it is one of these.
fn rename(value: &mut Value, names: &[&str], by: &str) {
    match value {
        Value::String(text) if names.contains(&text.as_str()) => by.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|it| rename(it, names, by)),
        Value::Object(members) => members.values_mut().for_each(|it| rename(it, names, by)),
        _ => {}
    }
}

#[test]
fn no_remedy_runs_what_a_name_says() {
    let folder = std::env::temp_dir().join(format!("eksplorer-remedies-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for tool in ["aws", "kubectl", "eksctl", "eksplorer"] {
        std::fs::write(folder.join(tool), "#!/bin/sh\nexit 0\n").unwrap();
        std::fs::set_permissions(folder.join(tool), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let document = eksplorer::model::document::read(include_str!("../garbled/world.yaml")).unwrap();
    let document: Value = serde_json::from_str(&eksplorer::model::document::to_json(&document).unwrap()).unwrap();
    let file = folder.join("world.json");
    let (mut ran, mut names) = (0, 0);
    for name in NAMES {
        let mut bent = document.clone();
        rename(&mut bent, &["c", "pay", "batch", "api", "ledger", "plain", "ops", "deployers"], name);
        std::fs::write(&file, bent.to_string()).unwrap();
        let output = eksplorer(&["audit", "-o", "json", "--from", file.to_str().unwrap()]);
        let Ok(audit) = serde_json::from_slice::<Value>(&output.stdout) else { continue };
        names += 1;
        let findings = audit["findings"].as_array().cloned().unwrap_or_default();
        for remedy in findings.iter().flat_map(|it| it["remedy"].as_array().cloned().unwrap_or_default()) {
            let text = remedy["text"].as_str().unwrap_or_default();
            if !["aws ", "kubectl ", "eksctl ", "eksplorer "].iter().any(|tool| text.starts_with(tool)) {
                continue;
            }
            ran += 1;
            let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
            let mut command = std::process::Command::new("bash");
            command.args(["-c", text]).current_dir(&folder).env("PATH", path).output().unwrap();
            assert!(!folder.join("pwned").exists(), "{name:?} was run by {text}");
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(names > 10 && ran > 20, "{ran} remedies of {names} names");
}

#[test]
fn headlines_hold_no_control_characters_and_lookalikes_are_named() {
    let file = std::env::temp_dir().join(format!("eksplorer-headlines-{}.yaml", std::process::id()));
    let world = r#"
eksplorer: 1
takenAt: 2026-11-24T06:00:00Z
region: eu-west-1
clusters:
- cluster:
    name: "prod\e[2J\e]0;x\a\u202e"
    arn: "arn:aws:eks:eu-west-1:111122223333:cluster/x"
    accessConfig: {authenticationMode: API}
  accessEntries:
  - {principalArn: "arn:aws:iam::111122223333:role/a", type: STANDARD, kubernetesGroups: ["ops"], username: "ops-admin"}
  - {principalArn: "arn:aws:iam::111122223333:role/b", type: STANDARD, kubernetesGroups: ["оps"], username: "ops\u00ad-admin"}
"#;
    std::fs::write(&file, world).unwrap();
    let from = file.to_str().unwrap();
    let bad = |c: char| is_deceptive(c) && c != '\n';
    for args in [
        vec!["trace", "arn:aws:iam::111122223333:role/a"],
        vec!["trace", "arn:aws:iam::111122223333:role/nobody"],
        vec!["can", "arn:aws:iam::111122223333:role/a", "get", "pods"],
        vec!["who-can", "get", "pods"],
        vec!["permissions", "arn:aws:iam::111122223333:role/a"],
        vec!["audit"],
        vec!["audit", "-o", "json"],
        vec!["audit", "-o", "sarif"],
        vec!["list", "clusters"],
        vec!["list", "clusters", "-o", "json"],
        vec!["list", "entries"],
        vec!["list", "groups"],
        vec!["why-sa", "a/b"],
        vec!["grant", "--help"],
    ] {
        let output = eksplorer(&[&args[..], &["--from", from]].concat());
        let (out, err) = (out(&output), err(&output));
        assert!(!out.contains(bad) && !err.contains(bad), "{args:?}: {out:?} {err:?}");
    }
    let entries = out(&eksplorer(&["list", "entries", "--from", from]));
    assert!(entries.contains(r#"ops\u{ad}-admin (looks like "ops-admin": U+00AD)"#), "{entries}");
    assert!(entries.contains(r#"оps (looks like "ops": о is U+043E)"#), "{entries}");
    std::fs::remove_file(&file).unwrap();
}
