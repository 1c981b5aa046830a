//! Every kind of change, applied by the program and confirmed by the aws command line; and the exported scripts, run with
//! bash, which must end in the same worlds.

use std::collections::BTreeSet;

use eksplorer::edit::compare::differences;
use eksplorer::edit::state::{AssociationState, EntryState, State, Subject};
use eksplorer::lab::{Lab, Options};
use eksplorer::model::document::{Document, read};
use eksplorer::model::mapping::AccessEntry;
use eksplorer::model::workload::PodIdentityAssociation;
use serde_json::{Value, json};

use crate::apply::bench::{Bench, View, WORLD, view};
use crate::apply::crash::program;
use crate::aws::{Aws, aws};

/// Roles without an entry, and roles that have one like `dev`'s.
const NEW: [&str; 4] = ["made+=,.@x", "linux", "windows", "fargate"];
const OLD: [&str; 10] =
    ["regrouped", "renamed", "cleared", "given", "widened", "narrowed", "less", "gone", "again", "retyped"];

/// One of every kind of change, with values that a shell, the AWS CLI or JSON might misread.
const PLAN: &str = r#"
cluster: c
changes:
- grant: role/made+=,.@x
  policy: View
  namespaces: [green, "blue-*"]
  groups: ["it's \"two words\"", "$HOME `ls` \\n", "-x", "file:///etc/hostname", "déjà vu"]
  username: "https://who/'$USER' \"é\":{{SessionName}}"
  tags: {"a key": "it's", "$HOME": "`ls` \"x\" \\", "ключ": "значение ✓", "-k": "--v", "file://k": "[]"}
- {grant: role/linux, type: EC2_LINUX}
- {grant: role/windows, type: EC2_WINDOWS}
- {grant: role/fargate, type: FARGATE_LINUX, tags: {"team": "blue green"}}
- {grant: role/regrouped, groups: ["-ops", "it's"]}
- {set: role/renamed, groups: [devs], username: "file://renamed:{{SessionName}}"}
- {set: role/cleared, groups: []}
- {grant: role/given, policy: AdminView, clusterWide: true}
- {grant: role/widened, policy: View, namespaces: [green]}
- {revoke: role/narrowed, policy: Edit}
- {grant: role/narrowed, policy: Edit, namespaces: [blue]}
- {revoke: role/less, policy: View}
- {revoke: role/gone}
- {recreate: role/again}
- {revoke: role/retyped}
- {grant: role/retyped, type: FARGATE_LINUX}
- {revoke: role/dev}
- {grant: role/dev, groups: [devs], tags: {"kept": "2", "new one": "it's $new"}}
- {associate: blue/web, role: role/web, tags: {"a b": "it's é"}}
- {associate: blue/api, role: role/web}
- {dissociate: green/job}
"#;

fn world() -> Document {
    let mut world = read(WORLD).unwrap();
    let roles = world.iam.as_mut().unwrap().role_detail_list.as_mut().unwrap();
    let role = roles.iter().find(|it| it.role_name == "dev").unwrap().clone();
    for name in NEW.into_iter().chain(OLD) {
        let arn = format!("arn:aws:iam::111122223333:role/{name}");
        roles.push(eksplorer::model::role::RoleDetail { role_name: name.into(), arn, ..role.clone() });
    }
    let entries = world.clusters[0].access_entries.as_mut().unwrap();
    let dev = entries.iter().find(|it| it.principal_arn.ends_with("/dev")).unwrap().clone();
    for name in OLD {
        let principal_arn = format!("arn:aws:iam::111122223333:role/{name}");
        let username = Some(format!("arn:aws:sts::111122223333:assumed-role/{name}/{{{{SessionName}}}}"));
        entries.push(AccessEntry { principal_arn, username, access_entry_arn: None, ..dev.clone() });
    }
    world
}

async fn ended(bench: &Bench, args: &[&str]) -> (String, Option<i32>) {
    let output = program(bench, args).output().await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.code().is_none_or(|it| it == 1 || it == 2) {
        panic!("{args:?}: {out}{err}");
    }
    (out.into_owned(), output.status.code())
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// `--accept` for each question of a plan, in which nothing blocks.
fn accepted(plan: &Value) -> Vec<String> {
    let checks = plan["checks"].as_array().unwrap();
    assert!(checks.iter().all(|it| it["level"] != "blocks"), "{checks:#?}");
    let asks: BTreeSet<&str> =
        checks.iter().filter(|it| it["level"] == "asks").map(|it| it["id"].as_str().unwrap()).collect();
    asks.into_iter().flat_map(|id| ["--accept".to_owned(), id.to_owned()]).collect()
}

fn subject(of: &Value) -> Subject {
    match (of["accessEntry"].as_str(), &of["podIdentityAssociation"]) {
        (Some(arn), _) => Subject::Entry(arn.to_owned()),
        (None, it) => {
            let text = |name: &str| it[name].as_str().unwrap().to_owned();
            Subject::Association(text("namespace"), text("serviceAccount"))
        }
    }
}

/// A thing as the aws command line tells it: all that can be chosen, and its ARN.
async fn described(aws: &Aws, lab: &Lab, there: &[String], subject: &Subject) -> Option<(State, String)> {
    match subject {
        Subject::Entry(arn) => {
            let of = ["--cluster-name", "c", "--principal-arn", arn];
            if !there.contains(arn) {
                return None;
            }
            let described = [&["describe-access-entry"][..], &of].concat();
            let listed = [&["list-associated-access-policies"][..], &of].concat();
            let (described, listed) = tokio::join!(aws.eks(lab, &described), aws.eks(lab, &listed));
            let mut entry = described["accessEntry"].clone();
            entry["associatedAccessPolicies"] = listed["associatedAccessPolicies"].clone();
            let entry: AccessEntry = serde_json::from_value(entry).unwrap();
            Some((State::Entry(EntryState::of(&entry).unwrap()), entry.access_entry_arn.unwrap()))
        }
        Subject::Association(namespace, account) => {
            let of = ["--cluster-name", "c", "--namespace", namespace, "--service-account", account];
            let found = aws.eks(lab, &[&["list-pod-identity-associations"][..], &of].concat()).await;
            let id = found["associations"][0]["associationId"].as_str()?;
            let of = ["--cluster-name", "c", "--association-id", id];
            let it = aws.eks(lab, &[&["describe-pod-identity-association"][..], &of].concat()).await;
            let it: PodIdentityAssociation = serde_json::from_value(it["association"].clone()).unwrap();
            Some((State::Association(AssociationState::of(&it).unwrap()), it.association_arn.unwrap()))
        }
    }
}

async fn bench(name: &str) -> (Bench, String) {
    let bench = Bench::of(name, world(), Options::default()).await;
    std::fs::create_dir_all(&bench.folder).unwrap();
    let file = bench.folder.join("plan.yaml");
    std::fs::write(&file, PLAN).unwrap();
    (bench, file.to_str().unwrap().to_owned())
}

/// What EKS calls a thing, from behind.
fn arn(lab: &Lab, subject: &Subject) -> Option<String> {
    let document = lab.watch().document();
    let cluster = &document.clusters[0];
    match subject {
        Subject::Entry(arn) => {
            let mut all = cluster.access_entries.iter().flatten();
            all.find(|it| it.principal_arn == *arn)?.access_entry_arn.clone()
        }
        Subject::Association(namespace, account) => {
            let mut all = cluster.pod_identity_associations.iter().flatten();
            let is_it = |it: &&PodIdentityAssociation| it.namespace == *namespace && it.service_account == *account;
            all.find(is_it)?.association_arn.clone()
        }
    }
}

/// What `aws` tells of everything that a plan changes.
async fn told(aws: &Aws, lab: &Lab, subjects: &[Subject]) -> Vec<Option<(State, String)>> {
    let all = aws.eks(lab, &["list-access-entries", "--cluster-name", "c"]).await;
    let there: Vec<String> = serde_json::from_value(all["accessEntries"].clone()).unwrap();
    let mut found = Vec::new();
    for subject in subjects {
        found.push(described(aws, lab, &there, subject).await);
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_change_is_confirmed_by_aws_and_so_is_its_undo() {
    let Some(aws) = aws().await else { return };
    let (bench, file) = bench("confirm").await;
    let (text, _) = ended(&bench, &["plan", &file]).await;
    let plan = json_of(&text);
    let calls: BTreeSet<&str> =
        plan["steps"].as_array().unwrap().iter().map(|it| it["call"].as_str().unwrap()).collect();
    assert_eq!(calls.len(), 10, "every call that writes is made: {calls:?}");
    let accept = accepted(&plan);
    let accept: Vec<&str> = accept.iter().map(String::as_str).collect();
    let changes = plan["changes"].as_array().unwrap();
    let subjects: Vec<Subject> = changes.iter().map(|it| subject(&it["subject"])).collect();
    let before: Vec<Option<String>> = subjects.iter().map(|it| arn(&bench.lab, it)).collect();

    let args = [&["plan", &file, "--apply", "--yes-cluster", "c"][..], &accept].concat();
    let (receipt, status) = ended(&bench, &args).await;
    assert_eq!((status, json_of(&receipt)["asPlanned"].clone()), (Some(0), json!(true)), "{receipt}");
    let after = told(aws, &bench.lab, &subjects).await;
    for ((change, is), was) in changes.iter().zip(&after).zip(&before) {
        let state: Option<State> = serde_json::from_value(change["after"].clone()).unwrap();
        assert_eq!(differences(state.as_ref(), is.as_ref().map(|it| &it.0)), [""; 0], "{change:#}");
        if let (Some(was), Some((_, is))) = (was, is) {
            let type_of = |it: &str| change[it]["entry"]["type"].clone();
            let is_new = change["again"] == true || type_of("before") != type_of("after");
            assert_eq!(was != is, is_new, "a new ARN tells that it was made anew: {change:#}");
        }
    }

    let args = [&["undo", "last", "--yes-cluster", "c"][..], &accept].concat();
    let (shown, _) = ended(&bench, &["undo", "last"]).await;
    let more = accepted(&json_of(&shown));
    let args = [args, more.iter().map(String::as_str).collect()].concat();
    let (receipt, status) = ended(&bench, &args).await;
    assert_eq!((status, json_of(&receipt)["asPlanned"].clone()), (Some(0), json!(true)), "{receipt}");
    assert_eq!(bench.view(), bench.before, "all is as it was, and nothing else is changed");
    let dev = "arn:aws:iam::111122223333:role/dev".to_owned();
    let (is, _) = described(aws, &bench.lab, std::slice::from_ref(&dev), &Subject::Entry(dev.clone())).await.unwrap();
    let dev = Subject::Entry(dev);
    assert_eq!(differences(bench.before.get(&dev), Some(&is)), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_exported_scripts_end_in_the_same_worlds_as_apply_and_undo() {
    let Some(aws) = aws().await else { return };
    let (bench, file) = bench("scripts").await;
    let of = |form: &'static str| {
        let (bench, file) = (&bench, &file);
        async move { ended(bench, &["plan", file, "--export", form]).await.0 }
    };
    let (script, inverse, plan) =
        (of("aws-cli").await, of("aws-cli-inverse").await, ended(&bench, &["plan", &file]).await.0);
    let planned = planned(&bench.before, &json_of(&plan));
    for (what, script, wanted) in [("script", script, &planned), ("inverse", inverse, &bench.before)] {
        let out = aws.bash(&bench.lab, &script).await;
        let failed = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{what}: {failed}\n{script}");
        let is = bench.view();
        for subject in wanted.keys().chain(is.keys()) {
            let wrong = differences(wanted.get(subject), is.get(subject));
            assert!(wrong.is_empty(), "{what}: {subject}: {wrong:?}\n{script}");
        }
    }
}

/// What a plan makes of a world. That apply makes the same of it is shown above.
fn planned(before: &View, plan: &Value) -> View {
    let mut view = before.clone();
    for change in plan["changes"].as_array().unwrap() {
        let subject = subject(&change["subject"]);
        match serde_json::from_value(change["after"].clone()).unwrap() {
            Some(state) => drop(view.insert(subject, state)),
            None => drop(view.remove(&subject)),
        }
    }
    view
}

#[test]
fn the_world_has_room_for_every_kind() {
    let view = view(&world());
    assert_eq!(view.len(), 4 + OLD.len() + 2);
}
