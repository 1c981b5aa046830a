//! What is so now of a batch: read, with neither the cluster nor the journal written to.

use eksplorer::edit::record::{Event, Seen};
use eksplorer::journal::{self, Hook, Moment};
use eksplorer::lab::Options;
use eksplorer::run::apply;

use super::bench::Bench;

/// Cut just after the line that begins the step was written, or just before the one that tells its outcome.
fn cut(step: usize, was_done: bool) -> Hook {
    Box::new(move |moment, line| match &line.event {
        Event::Intent { step: it, .. } => !(!was_done && *it == step && moment == Moment::After),
        Event::Outcome { step: it, .. } => !(was_done && *it == step && moment == Moment::Before),
        _ => true,
    })
}

#[tokio::test]
async fn a_look_says_what_became_of_the_step_in_doubt_and_changes_nothing() {
    for step in 1..=8 {
        for was_done in [false, true] {
            let bench = Bench::start(&format!("look-{step}-{was_done}"), Options::default()).await;
            let batch = bench.batch(8).await;
            bench.apply(batch.clone(), Some(cut(step, was_done))).await.unwrap_err();
            let book = journal::read(&bench.folder).unwrap();
            let history = book.history(&batch.id).unwrap();
            assert_eq!(history.doubt(), Some(step));
            let (view, calls) = (bench.view(), bench.calls());
            let seen = apply::look(&bench.session().await, history, &bench.manner).await.unwrap();
            let done = if was_done { step } else { step - 1 };
            let expected: Vec<Seen> = (1..=8).map(|n| if n <= done { Seen::Done } else { Seen::NotDone }).collect();
            assert_eq!(seen, expected, "step {step}, done: {was_done}");
            assert_eq!((bench.view(), bench.calls()), (view, calls));
            assert_eq!(journal::read(&bench.folder).unwrap(), book);
            // What is left by that is just what resuming brings about.
            let rest = history.rest(&seen);
            let receipt = bench.resume(&batch.id).await.unwrap();
            assert_eq!(receipt.as_planned, Some(true));
            let after = bench.view();
            for (subject, change) in rest.changes() {
                assert_eq!(after.get(subject), change.after.as_ref(), "{subject}");
            }
            assert_eq!(rest.is_empty(), done == 8);
        }
    }
}

#[tokio::test]
async fn a_look_never_takes_another_place_for_its_own() {
    let bench = Bench::start("look-here", Options::default()).await;
    let batch = bench.batch(2).await;
    bench.apply(batch.clone(), None).await.unwrap();
    let other = Bench::start("look-elsewhere", Options::default()).await;
    let book = journal::read(&bench.folder).unwrap();
    let history = book.history(&batch.id).unwrap();
    let refused = apply::look(&other.session().await, history, &bench.manner).await.unwrap_err();
    assert!(refused.to_string().contains("its endpoint is"), "{refused}");
}
