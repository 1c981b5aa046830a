//! What is so now of a batch, by reading: nothing is written, in the cluster or in the journal.
//!
//! Decides how long a reading may take to show what was written: as long as it may lag behind, counted from when the
//! step in doubt was begun. What the reading means is `edit::record`'s.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::super::Trouble;
use super::steps::age;
use super::subject::read;
use super::{Manner, check_pin, told};
use crate::cloud::Session;
use crate::cloud::eks::Eks;
use crate::edit::record::{History, Progressed, Seen, seen};
use crate::edit::state::{State, Subject};

/// What is so now of each step of a batch, which must belong here.
pub async fn look(session: &Session, history: &History, manner: &Manner) -> Result<Vec<Seen>, Trouble> {
    check_pin(session, &history.batch.pin).await?;
    let eks = session.ahead().eks(&history.batch.pin.region);
    let mut subjects: BTreeMap<&Subject, Duration> = BTreeMap::new();
    for (step, progressed) in history.batch.steps.iter().zip(&history.steps) {
        let patience = match progressed {
            Progressed::InDoubt { since, .. } => manner.wait.saturating_sub(age(*since)),
            _ => Duration::ZERO,
        };
        let longest = subjects.entry(&step.subject).or_default();
        *longest = patience.max(*longest);
    }
    let all = subjects.into_iter().map(|(subject, patience)| {
        let eks = &eks;
        async move { (subject.clone(), one(eks, history, subject, patience, manner).await) }
    });
    Ok(seen(history, &futures::future::join_all(all).await.into_iter().collect()))
}

/// A thing; read again for as long as a step in doubt may still come to be seen.
async fn one(
    eks: &Eks,
    history: &History,
    subject: &Subject,
    patience: Duration,
    manner: &Manner,
) -> Result<Option<State>, String> {
    let end = Instant::now() + patience;
    let mut pause = manner.pause;
    loop {
        let there = read(eks, &history.batch.pin.cluster, subject).await;
        let there = there.map(|it| it.state).map_err(|failure| told(&failure));
        let by_now = [(subject.clone(), there.clone())].into();
        let settled = history.doubt().and_then(|n| seen(history, &by_now).into_iter().nth(n - 1)) == Some(Seen::Done);
        if settled || Instant::now() + pause > end {
            return there;
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}
