//! Plans applied, in a lab: what is written, what is refused, what is read back.

pub(crate) mod bench;
pub(crate) mod crash;
mod look;
mod random;

use std::time::Duration;

use bench::{Bench, ears, give, policy, role};
use eksplorer::edit::draft::Edit;

use eksplorer::edit::plan::Call;
use eksplorer::edit::receipt::{End, Progress, Receipt};
use eksplorer::edit::record::{Batch, Pin, Progressed, Standing};
use eksplorer::lab::{Clock, Fault, Faults, Options};
use eksplorer::model::mapping::AccessScope;
use eksplorer::model::time::Time;
use eksplorer::report::Exit;
use eksplorer::run::apply::{self, Manner};
use serde_json::Value;
use tokio::sync::mpsc;

fn fault(text: &str) -> Faults {
    vec![text.parse::<Fault>().unwrap()].into()
}

async fn with(name: &str, faults: Faults) -> Bench {
    Bench::start(name, Options { faults, ..Options::default() }).await
}

/// How each step ended.
fn words(receipt: &Receipt) -> Vec<&'static str> {
    receipt.steps.iter().map(|it| it.word()).collect()
}

#[tokio::test]
async fn another_writer_in_between_blocks_and_nothing_is_written() {
    let bench = with("writers", Faults::default()).await;
    let batch = bench.batch(4).await;
    // Somebody else gives the same principal another group.
    let theirs = bench.draft(vec![(role("dev"), Edit::GiveGroups(vec!["theirs".into()]))]);
    bench.apply(bench.batch_of(theirs).await, None).await.unwrap();
    let (view, calls) = (bench.view(), bench.calls());
    let receipt = bench.apply(batch, None).await.unwrap();
    assert_eq!((receipt.end, apply::exit(&receipt)), (End::Blocked, Exit::No));
    assert_eq!(receipt.because, ["access entry 111122223333:role/dev: groups: is devs, theirs, expected devs"]);
    assert_eq!((bench.view(), bench.calls()), (view, calls), "nothing was written");
    assert_eq!(bench.journal(None).book().histories().len(), 1, "and nothing was agreed to");
}

#[tokio::test]
async fn another_writer_in_the_midst_of_it_stops_it_with_the_difference() {
    let bench = with("midst", Faults::default()).await;
    let batch = bench.batch(4).await;
    bench.faults.add("AssociateAccessPolicy:1=hold-after".parse().unwrap());
    let (theirs, session) =
        (bench.batch_of(bench.draft(vec![(role("dev"), give("Admin", &["blue"]))])).await, bench.session().await);
    let ours = bench.apply(batch.clone(), None);
    let other = async {
        let held = bench.faults.held().await;
        // The third step is next; its entry is changed by hand, past any journal of ours.
        session
            .eks("eu-west-1")
            .associate_access_policy(
                "c",
                "arn:aws:iam::111122223333:role/dev",
                &policy("Admin"),
                &theirs_scope(&theirs),
            )
            .await
            .unwrap();
        held.release();
    };
    let (receipt, ()) = tokio::join!(ours, other);
    let receipt = receipt.unwrap();
    assert_eq!((receipt.end, apply::exit(&receipt)), (End::Stopped, Exit::PartWay));
    assert_eq!(words(&receipt), ["done", "done", "not-begun", "not-begun"]);
    assert_eq!(
        receipt.because,
        ["access entry 111122223333:role/dev: scope of AmazonEKSAdminPolicy: is blue, expected none"]
    );
    assert!(receipt.next.unwrap().contains(&batch.id));
    assert_eq!(bench.calls(), 3);
    // What was done can be taken back, and nothing else is touched.
    assert_eq!(bench.undo(&batch.id, None).await.unwrap().unwrap().end, End::Done);
    assert!(!bench.view().contains_key(&role("fresh")));
    assert_ne!(bench.view()[&role("dev")], bench.before[&role("dev")]);
}

fn theirs_scope(batch: &Batch) -> AccessScope {
    match &batch.steps[0].call {
        Call::AssociateAccessPolicy { access_scope, .. } => access_scope.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_first_failure_ends_it_and_going_on_finishes_it() {
    for (kind, word, code) in [
        ("throttle", "failed", Some("ThrottlingException")),
        ("refuse", "failed", Some("AccessDeniedException")),
        // A failure within the service tells nothing.
        ("500", "in-doubt", Some("ServerException")),
        ("timeout", "in-doubt", None),
    ] {
        let mut bench = with(&format!("failure-{kind}"), fault(&format!("AssociateAccessPolicy:2={kind}"))).await;
        let batch = bench.batch(4).await;
        // Only what is never answered has to be waited for.
        bench.patience = (kind == "timeout").then_some(Duration::from_secs(3));
        let receipt = bench.apply(batch.clone(), None).await.unwrap();
        assert_eq!(words(&receipt), ["done", "done", word, "not-begun"], "{kind}");
        assert_eq!(receipt.steps[2].said().0, code, "{kind}");
        assert_eq!(apply::exit(&receipt), Exit::PartWay);
        assert_eq!(bench.calls(), 3, "{kind}: it is not made again by anybody");
        let receipt = bench.resume(&batch.id).await.unwrap();
        assert_eq!((receipt.end, receipt.as_planned), (End::Done, Some(true)), "{kind}: {receipt:#?}");
        assert_eq!((bench.view(), bench.calls()), (bench.planned(&batch), 5), "{kind}");
    }
}

#[tokio::test]
async fn what_was_done_without_an_answer_is_found_done() {
    let bench = with("found", fault("AssociateAccessPolicy:2=drop-after")).await;
    let batch = bench.batch(4).await;
    let receipt = bench.apply(batch.clone(), None).await.unwrap();
    assert_eq!((receipt.end, receipt.as_planned), (End::Done, Some(true)));
    assert_eq!(words(&receipt), ["done", "done", "found-done", "done"]);
    assert_eq!((bench.view(), bench.calls()), (bench.planned(&batch), 4));
}

#[tokio::test]
async fn a_first_call_that_is_refused_leaves_nothing_to_decide() {
    let bench = with("refused", fault("CreateAccessEntry=refuse")).await;
    let batch = bench.batch(4).await;
    let receipt = bench.apply(batch.clone(), None).await.unwrap();
    assert_eq!((receipt.end, apply::exit(&receipt)), (End::Blocked, Exit::No));
    assert!(receipt.because[0].contains("eks:CreateAccessEntry is refused to you"), "{:?}", receipt.because);
    let journal = bench.journal(None);
    let history = journal.book().history(&batch.id).unwrap();
    assert_eq!(journal.book().standing(history), Standing::Refused);
    assert_eq!(journal.book().open().count(), 0);
    drop(journal);
    assert!(bench.undo(&batch.id, None).await.unwrap().is_none(), "there is nothing to undo");
    assert_eq!(bench.view(), bench.before);
}

/// A lab that shows writes a while later, on a clock that goes on whenever somebody waits.
#[tokio::test]
async fn reads_that_lag_are_waited_for_and_are_nobody_elses_doing() {
    let start = Time::from_epoch(1_800_000_000.0).unwrap();
    let clock = Clock::stepped(start);
    let lag = Duration::from_secs(3);
    let mut bench = Bench::start("lag", Options { lag, clock: clock.clone(), ..Options::default() }).await;
    bench.manner = Manner { wait: Duration::from_secs(30), pause: Duration::from_millis(1), ..Manner::default() };
    let (tx, mut rx) = mpsc::channel(1);
    let goes_on = tokio::spawn(async move {
        let mut waited = 0;
        while let Some(news) = rx.recv().await {
            if let Progress::Waiting { .. } = news {
                waited += 1;
                clock.step(Duration::from_secs(1));
            }
        }
        waited
    });
    let batch = bench.batch(4).await;
    let session = bench.session().await;
    let mut journal = bench.journal(None);
    let receipt = apply::apply(&session, batch.clone(), &mut journal, &bench.manner, &tx).await.unwrap();
    assert_eq!((receipt.end, receipt.as_planned), (End::Done, Some(true)), "{receipt:#?}");
    assert!(receipt.steps.iter().all(|it| it.read_back()));
    assert_eq!(bench.view(), bench.planned(&batch));
    // Undone at once: what is read first may still lag.
    let back = apply::undo_batch(&session, &batch.id, &mut journal, &bench.manner, &tx).await.unwrap().unwrap();
    let receipt = apply::apply(&session, back, &mut journal, &bench.manner, &tx).await.unwrap();
    assert_eq!((receipt.end, receipt.as_planned), (End::Done, Some(true)), "{receipt:#?}");
    assert_eq!(bench.view(), bench.before);
    drop(tx);
    assert!(goes_on.await.unwrap() >= 12, "each of at least four steps is waited for, three seconds");
}

#[tokio::test]
async fn what_never_shows_ends_it_and_is_said() {
    let clock = Clock::stepped(Time::from_epoch(1_800_000_000.0).unwrap());
    let options = Options { lag: Duration::from_secs(3), clock: clock.clone(), ..Options::default() };
    let mut bench = Bench::start("never", options).await;
    bench.manner.wait = Duration::from_millis(20);
    let batch = bench.batch(4).await;
    let receipt = bench.apply(batch.clone(), None).await.unwrap();
    assert_eq!((receipt.end, words(&receipt)), (End::Stopped, vec!["done", "not-begun", "not-begun", "not-begun"]));
    assert_eq!(
        receipt.because,
        ["CreateAccessEntry is not seen after 0.02 s", "access entry 111122223333:role/fresh: it is not there"]
    );
    assert!(matches!(receipt.steps[0].progressed, Progressed::Done { seen: false, .. }));
    clock.step(Duration::from_secs(10));
    // Every further step is seen later, too.
    for _ in 0..4 {
        bench.resume(&batch.id).await.unwrap();
        clock.step(Duration::from_secs(10));
    }
    assert_eq!((bench.view(), bench.calls()), (bench.planned(&batch), 4));
}

#[tokio::test]
async fn a_batch_is_applied_nowhere_else() {
    let bench = with("here", Faults::default()).await;
    let batch = bench.batch(4).await;
    bench.apply(batch.clone(), None).await.unwrap();
    let other = with("elsewhere", Faults::default()).await;
    let session = other.session().await;
    let mut journal = bench.journal(None);
    let resumed = apply::resume(&session, &batch.id, &mut journal, &bench.manner, &ears()).await.unwrap_err();
    let undone = apply::undo_batch(&session, &batch.id, &mut journal, &bench.manner, &ears()).await.unwrap_err();
    let applied = apply::apply(&session, batch.clone(), &mut journal, &bench.manner, &ears()).await.unwrap_err();
    for trouble in [resumed, undone, applied] {
        assert_eq!(trouble.exit, Exit::No);
        assert!(trouble.message.contains(bench.lab.endpoint()) && trouble.message.contains(other.lab.endpoint()));
    }
    assert!(other.faults.all_calls().is_empty(), "nothing was even asked there");
    let session = bench.session().await;
    type Change = fn(&mut Pin);
    let changes: [(&str, Change); 4] = [
        ("account", |it| it.account = "999988887777".into()),
        ("cluster", |it| it.cluster_arn.push('x')),
        ("region", |it| it.region = "us-east-1".into()),
        ("endpoint", |it| it.endpoint = None),
    ];
    for (what, change) in changes {
        let mut elsewhere = bench.batch(1).await;
        change(&mut elsewhere.pin);
        let trouble = apply::apply(&session, elsewhere, &mut journal, &bench.manner, &ears()).await.unwrap_err();
        assert_eq!(trouble.exit, Exit::No);
        assert!(trouble.message.contains(&format!("its {what} is")), "{what}: {}", trouble.message);
    }
}

#[tokio::test]
async fn undoing_is_a_batch_that_can_be_undone() {
    let bench = with("redo", Faults::default()).await;
    let batch = bench.batch(12).await;
    bench.apply(batch.clone(), None).await.unwrap();
    let planned = bench.view();
    let undone = bench.undo(&batch.id, None).await.unwrap().unwrap();
    assert_eq!(bench.view(), bench.before);
    {
        let journal = bench.journal(None);
        let book = journal.book();
        let history = book.history(&batch.id).unwrap();
        assert_eq!(book.standing(history), Standing::UndoneBy(undone.batch.clone()));
        assert!(book.history(&undone.batch).unwrap().batch.undoes.as_ref() == Some(&batch.id));
        assert!(history.irrecoverable().iter().any(|it| it.contains("createdAt")), "{:?}", history.irrecoverable());
    }
    let refused = bench.resume(&batch.id).await.unwrap_err();
    assert_eq!(refused.exit, Exit::No);
    bench.undo(&undone.batch, None).await.unwrap();
    assert_eq!(bench.view(), planned, "what was undone is undone");
    let journal = bench.journal(None);
    let history = journal.book().history(&batch.id).unwrap();
    assert_eq!(journal.book().standing(history), Standing::Done { as_planned: Some(true) });
}

#[tokio::test]
async fn an_entry_is_made_again_and_its_type_changed() {
    let bench = with("again", Faults::default()).await;
    let made = |bench: &Bench| {
        let document = bench.lab.watch().document();
        let entry = document.clusters[0].access_entries.iter().flatten().find(|it| it.principal_arn.ends_with("/old"));
        entry.unwrap().access_entry_arn.clone()
    };
    let old = made(&bench);
    let batch = bench.batch_of(bench.draft(vec![(role("old"), Edit::Again)])).await;
    let receipt = bench.apply(batch.clone(), None).await.unwrap();
    assert_eq!((receipt.end, receipt.as_planned), (End::Done, Some(true)), "{receipt:#?}");
    assert_eq!(bench.view(), bench.before);
    assert_ne!(made(&bench), old);
    assert!(bench.undo(&batch.id, None).await.unwrap().is_none(), "nothing that can be chosen has changed");
}

#[tokio::test]
async fn the_journal_holds_no_secret_and_all_that_was_there_before() {
    let bench = with("secret", Faults::default()).await;
    bench.apply(bench.batch(12).await, None).await.unwrap();
    let text = std::fs::read_to_string(bench.folder.join(eksplorer::journal::FILE)).unwrap();
    let keys = bench.lab.credentials();
    for secret in [Some(keys.access_key_id), Some(keys.secret_access_key), keys.session_token].into_iter().flatten() {
        assert!(!text.contains(&secret));
    }
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 26, "the plan, two for each call, the end");
    assert!(lines.iter().all(|it| it["v"] == 1));
    let deleted =
        lines.iter().find(|it| it["image"]["entry"]["principalArn"].to_string().contains("role/old")).unwrap();
    assert_eq!(deleted["image"]["entry"]["associatedAccessPolicies"].as_array().unwrap().len(), 2);
    assert_eq!(deleted["image"]["entry"]["tags"]["why"], "history");
    assert_eq!(deleted["token"].as_str().unwrap().len(), 32);
    assert_eq!(deleted["batch"], lines[0]["batch"]);
    assert_eq!(lines[0]["plan"]["pin"]["clusterArn"], "arn:aws:eks:eu-west-1:111122223333:cluster/c");
}

#[tokio::test]
async fn it_stops_before_the_next_step_when_told() {
    let bench = with("told", Faults::default()).await;
    let batch = bench.batch(4).await;
    bench.faults.add("CreateAccessEntry:1=hold-after".parse().unwrap());
    let stop = async {
        let held = bench.faults.held().await;
        bench.manner.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        held.release();
    };
    let (receipt, ()) = tokio::join!(bench.apply(batch.clone(), None), stop);
    let receipt = receipt.unwrap();
    assert_eq!(words(&receipt), ["done", "not-begun", "not-begun", "not-begun"]);
    assert_eq!(receipt.because, ["it was told to stop before step 2"]);
}
