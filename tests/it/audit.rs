//! `eksplorer audit`: every finding of every cluster of the demo world, once, registered, and in forms that others read.

use std::collections::BTreeSet;

use eksplorer::access::audit::{Audit, audit};
use eksplorer::access::findings::FindingId;
use eksplorer::access::inventory::inventory;
use serde_json::Value;

use crate::commands::{eksplorer, err, json, out, status};
use crate::worlds::ACME;

const FILE: [&str; 4] = ["--from", "assets/worlds/acme.yaml", "-c", "prod-eu1"];

fn of(cluster: &str) -> Audit {
    let (_, facts) = ACME.facts.iter().find(|(id, _)| id.name == cluster).unwrap();
    audit(&inventory(facts, &ACME.iam), facts, &ACME.iam)
}

fn with<'a>(args: &[&'a str]) -> Vec<&'a str> {
    FILE.iter().copied().chain(["audit"]).chain(args.iter().copied()).collect()
}

#[test]
fn every_finding_is_registered_with_its_severity_and_stands_once_in_order() {
    for id in ACME.facts.keys() {
        let audit = of(&id.name);
        for item in &audit.items {
            let rule = item.id.rule();
            assert!(rule.severity <= item.severity && item.severity <= rule.least, "{}: {}", item.id, item.severity);
            assert!(!item.evidence.is_empty(), "{} of {} was read nowhere", item.id, item.subject);
        }
        let fingerprints: BTreeSet<&str> = audit.items.iter().map(|it| it.fingerprint.as_str()).collect();
        assert_eq!(fingerprints.len(), audit.items.len(), "{id}");
        let keys: Vec<_> =
            audit.items.iter().map(|it| (it.severity, it.id, &it.subject, &it.because, &it.evidence)).collect();
        assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "{id}: not once each, or not in order");
    }
}

#[test]
fn no_finding_of_a_row_is_lost() {
    for (id, facts) in &ACME.facts {
        let rows = inventory(facts, &ACME.iam);
        let all = of(&id.name);
        let entries = rows.entries.iter().flat_map(|it| &it.findings);
        let lines = rows.aws_auth.iter().flat_map(|it| &it.findings);
        let irsa = rows.irsa.iter().flat_map(|it| &it.findings);
        let roles = rows.roles.iter().flat_map(|it| &it.findings);
        for finding in entries.chain(lines).chain(irsa).chain(roles) {
            let is_it = |it: &&eksplorer::access::audit::Item| {
                it.id == finding.id && it.because == finding.sentence && it.evidence.contains(&finding.evidence)
            };
            assert_eq!(all.items.iter().filter(is_it).count().min(1), 1, "{}: {}", finding.id, finding.sentence);
        }
    }
}

#[test]
fn the_threshold_decides_and_flags_and_baseline_take_away() {
    for (args, wanted) in [
        (vec![], 3),
        (vec!["--fail-on", "never"], 0),
        (vec!["--fail-on", "low"], 3),
        (vec!["--ignore", "aws-auth-master"], 2),
        (vec!["--baseline", "no/such/file"], 2),
    ] {
        let output = eksplorer(&with(&args));
        assert_eq!(status(&output), wanted, "{args:?}: {}", err(&output));
    }
    let file = std::env::temp_dir().join(format!("eksplorer-baseline-{}.json", std::process::id()));
    let path = file.to_str().unwrap();
    let masters = "aws-auth-masters";
    let output = eksplorer(&with(&["--ignore", masters, "--write-baseline", path]));
    assert_eq!(status(&output), 3, "what is written counts until it is read");
    let output = eksplorer(&with(&["--fail-on", "low", "--baseline", path]));
    assert_eq!(status(&output), 3, "what a flag ignored is not in the baseline");
    let (all, code) = json(&with(&["--fail-on", "low", "--baseline", path, "--ignore", masters, "-o", "json"]));
    assert_eq!((code, &all["counts"]["high"]), (0, &Value::from(0)));
    for finding in all["findings"].as_array().unwrap() {
        let by = if finding["id"] == masters { "flag" } else { "baseline" };
        assert_eq!(finding["ignored"], by, "{finding}");
    }
    let other = ["--from", "assets/worlds/acme.yaml", "-c", "legacy", "audit", "--baseline", path];
    assert_eq!(status(&eksplorer(&other)), 2, "a baseline is of one cluster");
    std::fs::remove_file(file).unwrap();
}

#[test]
fn what_could_not_be_judged_is_told_and_fails_where_it_is_to() {
    let blind = ["--demo", "--as", "intern", "-c", "prod-eu1", "audit", "--fail-on", "never", "-o", "json"];
    let (all, code) = json(&blind);
    assert_eq!(code, 0);
    let open = all["notJudged"].as_array().unwrap();
    assert!(open.iter().any(|it| it["what"] == "IAM roles"), "{open:?}");
    assert!(open.iter().all(|it| !it["because"].as_str().unwrap().is_empty()), "{open:?}");
    let strict: Vec<&str> = blind.iter().copied().chain(["--strict"]).collect();
    assert_eq!(json(&strict).1, 4);
}

#[test]
fn sarif_is_of_audit_alone() {
    let output = eksplorer(&["--from", "assets/worlds/acme.yaml", "-c", "prod-eu1", "list", "entries", "-o", "sarif"]);
    assert_eq!((status(&output), out(&output).as_str()), (2, ""));
    assert!(err(&output).contains("audit"), "{}", err(&output));
}

/// What SARIF 2.1.0 asks: types made from its schema read the log and write the same again, so that every member is one of
/// the schema's, of its type, and none that it requires is missing. With `EKSPLORER_SARIF_SCHEMA` naming the schema itself,
/// and python's jsonschema at hand, that is asked too.
#[test]
fn sarif_is_as_its_standard_asks() {
    let args = with(&["-o", "sarif", "--ignore", "aws-auth-masters"]);
    let (log, code) = json(&args);
    assert_eq!((code, &log["version"]), (3, &Value::from("2.1.0")));
    let read_back = |log: &Value| {
        let read: serde_sarif::sarif::Sarif = serde_json::from_value(log.clone()).ok()?;
        serde_json::to_value(&read).ok()
    };
    assert_eq!(read_back(&log), Some(log.clone()));
    // The check can fail: by a member too many, by one too few, by one of another type.
    let spoilt = |change: fn(&mut Value)| {
        let mut log = log.clone();
        change(&mut log["runs"][0]["results"][0]);
        read_back(&log).as_ref() != Some(&log)
    };
    assert!(spoilt(|it| it["because"] = "x".into()));
    assert!(spoilt(|it| drop(it.as_object_mut().unwrap().remove("message"))));
    assert!(spoilt(|it| it["locations"] = "x".into()));
    let run = &log["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "eksplorer");
    let described = driver["rules"].as_array().unwrap();
    assert_eq!(described.len(), FindingId::ALL.len());
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), of("prod-eu1").items.len());
    let mut prints = BTreeSet::new();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(described[index]["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let location = &result["locations"][0];
        assert_eq!(location["physicalLocation"]["artifactLocation"]["uri"], "assets/worlds/acme.yaml");
        let logical = &location["logicalLocations"][0];
        let place = logical["fullyQualifiedName"].as_str().unwrap();
        assert!(place.starts_with("eu-west-1/prod-eu1/") && !logical["kind"].as_str().unwrap().is_empty());
        assert!(prints.insert(result["partialFingerprints"]["eksplorerFinding/v1"].as_str().unwrap()));
        let suppressed = result["suppressions"].as_array().unwrap();
        assert_eq!(suppressed.len(), usize::from(result["ruleId"] == "aws-auth-masters"));
        assert!(suppressed.iter().all(|it| it["kind"] == "external"));
    }
    let Some(schema) = std::env::var_os("EKSPLORER_SARIF_SCHEMA") else { return };
    let check = "import json, sys; from jsonschema import validate; validate(json.load(sys.stdin), json.load(open(sys.argv[1])))";
    let text = std::env::temp_dir().join(format!("eksplorer-{}.sarif", std::process::id()));
    std::fs::write(&text, log.to_string()).unwrap();
    let python = std::process::Command::new("python3")
        .args(["-c", check])
        .arg(schema)
        .stdin(std::fs::File::open(&text).unwrap())
        .output()
        .unwrap();
    std::fs::remove_file(text).unwrap();
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
}
