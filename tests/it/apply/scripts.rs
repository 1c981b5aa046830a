//! Exported scripts, run by a shell against the lab: they bring about the same world as applying, and what takes it back
//! brings back the earlier one.

use std::process::Command;

use eksplorer::edit::draft::{Draft, Edit};
use eksplorer::edit::export::{Place, Told};
use eksplorer::edit::plan::plan;
use eksplorer::edit::state::{EntryState, State, Subject};
use eksplorer::lab::Options;
use eksplorer::model::snapshot::ClusterFacts;

use super::bench::{Bench, View, give, role};
use crate::lab::{Scratch, have, run};

async fn sh(bench: &Bench, scratch: &Scratch, script: &str) {
    let path = scratch.0.join("script");
    std::fs::write(&path, script).unwrap();
    let keys = bench.lab.credentials();
    let mut command = Command::new("sh");
    command.arg(&path).env_remove("AWS_PROFILE");
    for (name, value) in [
        ("AWS_ENDPOINT_URL", bench.lab.endpoint()),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("AWS_ACCESS_KEY_ID", &keys.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key),
        ("AWS_SESSION_TOKEN", keys.session_token.as_deref().unwrap_or_default()),
    ] {
        command.env(name, value);
    }
    command.env("AWS_DEFAULT_REGION", "eu-west-1");
    let out = run(command).await;
    let (said, failed) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{script}\n{said}\n{failed}");
}

fn told(draft: &Draft) -> Told {
    let place = Place { cluster: "c".into(), region: "eu-west-1".into(), account: Some("111122223333".into()) };
    Told::planned(place, draft, &plan(draft), &ClusterFacts::default())
}

/// What usernames EKS gives by itself is its own.
fn without_given_names(view: View, like: &View) -> View {
    let named = |(subject, state): (_, State)| {
        let state = match (state, like.get(&subject)) {
            (State::Entry(it), Some(State::Entry(other))) if other.username.is_none() => {
                State::Entry(EntryState { username: None, ..it })
            }
            (state, _) => state,
        };
        (subject, state)
    };
    view.into_iter().map(named).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_does_what_applying_does_and_its_inverse_takes_it_back() {
    if !have("aws", &["--version"]) {
        return;
    }
    let scratch = Scratch::new("scripts");
    let bench = Bench::start("scripts", Options::default()).await;
    // Calls that look an id up, and words that a shell or the command line would read otherwise.
    let kept = |(subject, _): &(Subject, Edit)| matches!(subject, Subject::Association(space, _) if space != "blue");
    let mut all: Vec<_> = super::bench::edits(&bench.before).into_iter().filter(kept).collect();
    let odd = ["--profile=x", "a b", "it's", "$HOME;`id`", "file:///etc/hostname"];
    all.push((role("fresh"), Edit::GiveGroups(odd.map(str::to_owned).to_vec())));
    all.push((role("fresh"), give("View", &["green-*", "blue"])));
    let draft = bench.draft(all);
    let told = told(&draft);
    let mut planned = bench.before.clone();
    for (subject, change) in draft.changes() {
        match &change.after {
            Some(state) => drop(planned.insert(subject.clone(), state.clone())),
            None => drop(planned.remove(subject)),
        }
    }
    sh(&bench, &scratch, &told.script()).await;
    assert_eq!(without_given_names(bench.view(), &planned), planned);
    sh(&bench, &scratch, &told.inverse()).await;
    assert_eq!(bench.view(), bench.before);
}
