//! What is found out before a plan is applied: that somebody else was there first, and that IAM would refuse it.

use std::path::Path;
use std::time::{Duration, Instant};

use clap::Parser;
use eksplorer::app::effect::Effect;
use eksplorer::app::message::{Answer, Tickets};
use eksplorer::cli::Cli;
use eksplorer::edit::Review;
use eksplorer::edit::check::{Check, Level};
use eksplorer::edit::draft::{Draft, Edit};
use eksplorer::edit::plan::plan;
use eksplorer::edit::preflight::Preflight;
use eksplorer::journal::FILE;
use eksplorer::lab::{Faults, Options};
use eksplorer::model::document::{Document, read};
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::principal::Asked;
use eksplorer::model::snapshot::Source;
use eksplorer::run::effects::{AtHand, Feed, Request, set_about};
use eksplorer::run::feed::open_with;
use eksplorer::run::preflight::ask;
use serde_json::Value;
use std::sync::Arc;
use tokio::task::JoinSet;

use crate::apply::bench::{Bench, WORLD, draft, give, id, role};
use crate::apply::crash::program;
use crate::aws::aws;

const DEV: &str = "arn:aws:iam::111122223333:role/dev";
const GRANT: [&str; 6] = ["grant", "role/dev", "--policy", "View", "--cluster-wide", "--apply"];

/// The world with these statements as all that the caller may.
fn allowed(statements: &str) -> Document {
    let all = r#"Statement: [{Effect: Allow, Action: "*", Resource: "*"}]"#;
    assert!(WORLD.contains(all));
    read(&WORLD.replace(all, &format!("Statement: [{statements}]"))).unwrap()
}

async fn bench(name: &str, world: Document) -> Bench {
    let faults = Faults::default();
    Bench::of(name, world, Options { faults, ..Options::default() }).await
}

async fn ended(bench: &Bench, args: &[&str]) -> (Value, Option<i32>, String) {
    let output = program(bench, args).output().await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let value = serde_json::from_str(&out).unwrap_or_else(|_| Value::from(out.into_owned()));
    (value, output.status.code(), err.into_owned())
}

fn check<'a>(plan: &'a Value, id: &str) -> Option<(&'a str, &'a str)> {
    let it = plan["checks"].as_array().unwrap_or_else(|| panic!("{plan}")).iter().find(|it| it["id"] == id)?;
    Some((it["level"].as_str().unwrap(), it["because"].as_str().unwrap()))
}

fn journal(bench: &Bench) -> String {
    std::fs::read_to_string(Path::new(&bench.folder).join(FILE)).unwrap_or_default()
}

/// The program runs, and is held at the call of this number; meanwhile `aws` gives the same principal another group.
async fn overtaken(bench: &Bench, held_at: &str, args: &[&str]) -> Option<(Value, Option<i32>, String)> {
    let aws = aws().await?;
    bench.faults.add(held_at.parse().unwrap());
    let ours = ended(bench, args);
    let theirs = async {
        let held = bench.faults.held().await;
        let update =
            ["update-access-entry", "--cluster-name", "c", "--principal-arn", DEV, "--kubernetes-groups", "theirs"];
        aws.eks(&bench.lab, &update).await;
        held.release();
    };
    Some(tokio::join!(ours, theirs).0)
}

// Four entries are described by the sweep; the fifth time is the review's second look, the sixth is applying.

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_aws_changed_since_the_snapshot_blocks_the_review() {
    let bench = bench("drift", read(WORLD).unwrap()).await;
    let Some((plan, status, err)) = overtaken(&bench, "DescribeAccessEntry:5=hold", &GRANT[..5]).await else { return };
    let (level, because) = check(&plan, "drift").unwrap_or_else(|| panic!("{plan:#}\n{err}"));
    assert_eq!((level, status), ("blocks", Some(3)));
    assert!(because.contains("groups: is theirs, expected devs"), "{because}");
    assert!(because.contains("refresh (ctrl-r)"), "{because}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_aws_changed_since_the_review_blocks_applying_and_nothing_is_written() {
    let bench = bench("overtaken", read(WORLD).unwrap()).await;
    let args = [&GRANT[..], &["--yes-cluster", "c"]].concat();
    let Some((receipt, status, err)) = overtaken(&bench, "DescribeAccessEntry:6=hold", &args).await else { return };
    assert_eq!((status, receipt["state"].as_str()), (Some(3), Some("blocked")), "{receipt:#}\n{err}");
    let said = receipt.to_string();
    assert!(said.contains("groups: is theirs, expected devs"), "{said}");
    let calls = bench.faults.all_calls();
    let writes = |it: &&String| !["Describe", "List", "Get", "Simulate"].iter().any(|read| it.starts_with(read));
    let written: Vec<(&String, &u32)> =
        calls.iter().filter(|(name, _)| name.contains("Access") && writes(name)).collect();
    assert_eq!(written, [(&"UpdateAccessEntry".to_owned(), &1)], "theirs alone");
    assert_eq!(journal(&bench), "", "nothing was agreed to");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_iam_would_refuse_asks_and_is_refused_in_the_end() {
    // May do all but give policies to anybody except `dev`.
    let world = allowed(
        r#"{Effect: Allow, Action: "*", Resource: "*"},
           {Effect: Deny, Action: "eks:AssociateAccessPolicy", NotResource: "arn:aws:eks:*:*:access-entry/c/role/*/dev/*"},
           {Effect: Deny, Action: "iam:PassRole", Resource: "arn:aws:iam::111122223333:role/web"}"#,
    );
    let bench = bench("refused", world).await;
    let (plan, status, _) = ended(&bench, &GRANT[..5]).await;
    assert_eq!((check(&plan, "caller-may-not"), status), (None, Some(0)), "{plan:#}");
    let args = ["grant", "role/fresh", "--policy", "View", "--namespace", "blue", "--apply", "--yes-cluster", "c"];
    let (plan, status, err) = ended(&bench, &args).await;
    let (level, because) = check(&plan, "caller-may-not").unwrap_or_else(|| panic!("{plan:#}"));
    assert_eq!((level, status), ("asks", Some(5)), "{err}");
    assert!(because.contains("eks:AssociateAccessPolicy") && because.contains("(call 2)"), "{because}");
    assert!(because.contains("a policy of arn:aws:iam::111122223333:role/admin denies it"), "{because}");
    assert_eq!((bench.calls(), journal(&bench).as_str()), (0, ""), "a question that is open stops it");
    // A role that may not be passed, and one that may.
    std::fs::create_dir_all(&bench.folder).unwrap();
    let file = bench.folder.join("plan.yaml");
    for (role, denied) in [("web", true), ("api", false)] {
        let text = format!("changes: [{{associate: green/new, role: \"arn:aws:iam::111122223333:role/{role}\"}}]\n");
        std::fs::write(&file, text).unwrap();
        let (plan, _, _) = ended(&bench, &["plan", file.to_str().unwrap()]).await;
        let said = check(&plan, "caller-may-not").map(|it| it.1.contains("iam:PassRole"));
        assert_eq!(said, denied.then_some(true), "{plan:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_found_out_is_noted_and_never_taken_for_a_yes() {
    let not_told = r#"{Effect: Allow, Action: "*", Resource: "*"}, {Effect: Deny, Action: "iam:SimulatePrincipalPolicy", Resource: "*"}"#;
    let depends = r#"{Effect: Allow, NotAction: "eks:AssociateAccessPolicy", Resource: "*"},
                     {Effect: Allow, Action: "eks:AssociateAccessPolicy", Resource: "*", Condition: {StringEquals: {"aws:SourceVpc": "v"}}}"#;
    let odd = r#"{Effect: Allow, Action: "*", Resource: "*", Condition: {DateGreaterThan: {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}},
                 {Effect: Allow, Action: "*", Resource: "*"}"#;
    for (name, statements, why) in [
        ("not-told", not_told, "iam:SimulatePrincipalPolicy is refused to you"),
        ("depends", depends, "make it depend on aws:SourceVpc"),
        ("odd", odd, "PolicyEvaluation"),
    ] {
        let bench = bench(name, allowed(statements)).await;
        let (plan, status, err) = ended(&bench, &GRANT[..5]).await;
        let (level, because) =
            check(&plan, "caller-not-simulated").unwrap_or_else(|| panic!("{name}: {plan:#}\n{err}"));
        assert_eq!((level, status), ("notes", Some(0)), "{name}");
        assert!(because.contains(why), "{name}: {because}");
    }
    // What may not be read again may not have been read before; what was read, and then no more, is said.
    let bench = bench("unread", read(WORLD).unwrap()).await;
    bench.faults.add("DescribeAccessEntry:5=refuse".parse().unwrap());
    let (plan, status, _) = ended(&bench, &GRANT[..5]).await;
    let (level, because) = check(&plan, "drift-unknown").unwrap_or_else(|| panic!("{plan:#}"));
    assert_eq!((level, status), ("notes", Some(0)));
    assert!(because.contains("eks:DescribeAccessEntry is refused to you"), "{because}");
}

/// A batch that stopped is gone on with only as any change is made: looked at from all sides, and agreed to by name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_of_a_batch_is_reviewed_before_it_is_gone_on_with() {
    let mut world = read(WORLD).unwrap();
    let entries = world.clusters[0].access_entries.as_mut().unwrap();
    let all = entries[0].associated_access_policies.clone();
    let old = entries.iter_mut().find(|it| it.principal_arn.ends_with("/old")).unwrap();
    old.associated_access_policies = all;
    let bench = bench("resumed", world).await;
    bench.faults.add("DeleteAccessEntry:1=refuse".parse().unwrap());
    let old = "arn:aws:iam::111122223333:role/old";
    let (_, status, err) = ended(&bench, &["revoke", old, "--apply", "--yes-cluster", "c"]).await;
    assert_eq!(status, Some(3), "{err}");
    let before = bench.view();
    let calls = bench.calls();
    let (plan, status, err) = ended(&bench, &["resume", "last"]).await;
    assert_eq!((status, plan["steps"][0]["call"].as_str()), (Some(0), Some("DeleteAccessEntry")), "{plan:#} {err}");
    assert!(err.contains("to resume it, add --yes-cluster c"), "{err}");
    assert_eq!((bench.calls(), bench.view() == before), (calls, true), "nothing was done");
    let (_, status, err) = ended(&bench, &["resume", "last", "--yes-cluster", "d"]).await;
    assert_eq!(status, Some(2), "{err}");
    // The other admin, who asks, goes meanwhile: what is left would take the last one that is known.
    let admin = "arn:aws:iam::111122223333:role/admin";
    let (_, status, err) =
        ended(&bench, &["revoke", admin, "--apply", "--yes-cluster", "c", "--accept", "caller-loses-access"]).await;
    assert_eq!(status, Some(0), "{err}");
    let first = bench.journal(None).book().histories()[0].batch.id.clone();
    let calls = bench.calls();
    let (plan, status, err) = ended(&bench, &["resume", &first, "--yes-cluster", "c"]).await;
    assert_eq!((check(&plan, "admins-unknown").map(|it| it.0), status), (Some("asks"), Some(5)), "{plan:#} {err}");
    assert_eq!(bench.calls(), calls, "nothing was done");
}

/// The screen's own way to a review: its effect, its feed, its answer.
struct Screen {
    live: eksplorer::run::effects::Live,
    snapshot: Arc<eksplorer::model::snapshot::Snapshot>,
    tickets: Tickets,
}

impl Screen {
    async fn open(faults: Faults) -> Screen {
        let cli = Cli::parse_from(["eksplorer", "--world", "tests/worlds/edited.yaml"]);
        let opened = open_with(&cli.options, Options { faults, ..Options::default() }).await.unwrap();
        let Feed::Live(mut live) = opened.feed else { panic!("a lab is live") };
        live.requests.send(Request::Overview).await.unwrap();
        live.requests.send(Request::Cluster(id())).await.unwrap();
        let mut snapshot = opened.snapshot;
        let is_read = |it: &eksplorer::model::snapshot::Snapshot| {
            let facts = it.cluster(&id());
            !it.caller.is_loading()
                && !it.iam.roles.is_loading()
                && !facts.access_entries.is_loading()
                && !facts.namespaces.is_loading()
                && !facts.cluster_role_bindings.is_loading()
        };
        while !is_read(&snapshot) {
            let update = live.updates.recv().await.unwrap();
            snapshot.apply(update);
            while live.calls.try_recv().is_ok() {}
        }
        Screen { live, snapshot: Arc::new(snapshot), tickets: Tickets::default() }
    }

    async fn review(&mut self, draft: &Draft) -> Arc<Review> {
        let ticket = self.tickets.another();
        let mut tasks = JoinSet::new();
        let at_hand = AtHand { snapshot: &self.snapshot, analysis: None, folder: &std::env::temp_dir() };
        let effect = Effect::Plan { ticket, cluster: id(), draft: Box::new(draft.clone()) };
        let began = Instant::now();
        assert!(set_about(effect, at_hand, Some(&self.live.requests), &mut tasks).is_none());
        assert!(began.elapsed() < Duration::from_millis(100), "the loop goes on at once");
        loop {
            tokio::select! {
                _ = self.live.calls.recv() => {}
                _ = self.live.updates.recv() => {}
                answer = self.live.answers.recv() => match answer.unwrap() {
                    (of, Answer::Plan(review)) if of == ticket => return review,
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}

fn of<'a>(review: &'a Review, id: &str) -> Option<&'a Check> {
    review.checks.iter().find(|it| it.id.as_str() == id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_screens_review_says_so_too_and_does_not_ask_aws_with_every_bit_of_news() {
    let faults = Faults::default();
    let mut screen = Screen::open(faults.clone()).await;
    let edits = || vec![(role("dev"), give("AdminView", &[])), (role("fresh"), give("AdminView", &["blue"]))];
    let as_it_is = draft(&read(WORLD).unwrap(), edits());
    let before = faults.calls("DescribeAccessEntry");
    for _ in 0..5 {
        let review = screen.review(&as_it_is).await;
        for id in ["drift", "drift-unknown", "caller-may-not", "caller-not-simulated"] {
            assert!(of(&review, id).is_none(), "{:#?}", review.checks);
        }
    }
    assert_eq!(faults.calls("DescribeAccessEntry") - before, 2, "one look at each of the two");
    // Staged when `dev` had another group, `fresh` had an entry, and there was one of `gone`.
    let mut other = read(&WORLD.replace("kubernetesGroups: [devs]\n", "kubernetesGroups: [earlier]\n")).unwrap();
    let entries = other.clusters[0].access_entries.as_mut().unwrap();
    let mut more = entries[0].clone();
    more.principal_arn = "arn:aws:iam::111122223333:role/fresh".into();
    entries.push(more);
    let edits = [edits(), vec![(role("old"), Edit::Remove)]].concat();
    let review = screen.review(&draft(&other, edits)).await;
    let drifts: Vec<&Check> = review.checks.iter().filter(|it| it.id.as_str() == "drift").collect();
    let told: Vec<&str> = drifts.iter().map(|it| it.because.as_str()).collect();
    let [dev, fresh] = told[..] else { panic!("{told:#?}") };
    assert!(drifts.iter().all(|it| it.level == Level::Blocks));
    assert!(dev.contains("groups: is devs, expected earlier") && dev.contains("refresh (ctrl-r)"), "{dev}");
    assert!(fresh.contains("it is not there") && fresh.contains("take the change back"), "{fresh}");
}

#[tokio::test]
async fn an_aws_that_never_answers_delays_a_review_and_does_not_keep_it_back() {
    let bench = bench("never-answers", read(WORLD).unwrap()).await;
    for fault in ["SimulatePrincipalPolicy=timeout", "DescribeAccessEntry=timeout"] {
        bench.faults.add(fault.parse().unwrap());
    }
    let draft = bench.draft(vec![(role("old"), Edit::Remove)]);
    let snapshot = snapshot_of(&read(WORLD).unwrap(), Source::default()).settled();
    let caller = Asked::from_arn("arn:aws:sts::111122223333:assumed-role/admin/ana").unwrap();
    let preflight = Preflight::of(&snapshot.cluster(&id()), &snapshot.iam, Some(&caller), &plan(&draft));
    let patience = Duration::from_millis(300);
    let found = ask(&bench.session().await, &id(), &draft, &preflight, patience).await;
    let told: Vec<(&str, bool)> =
        found.iter().map(|it| (it.id.as_str(), it.because.contains("within 0.3 s"))).collect();
    assert_eq!(told, [("drift-unknown", true), ("caller-not-simulated", true)], "{found:#?}");
    assert!(found.iter().all(|it| it.level == Level::Notes));
}
