//! The loop over the steps of a batch.
//!
//! Decides when a step may be done: what must be there is there, read anew; and that what is known to have been written a
//! moment ago counts, so that a read which lags behind is waited for and not taken for somebody else's doing.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::super::Trouble;
use super::super::source::now;
use super::subject::{There, perform, read};
use super::{Manner, told};
use crate::cloud::Session;
use crate::cloud::eks::Eks;
use crate::edit::compare::{differences, same};
use crate::edit::plan::Step;
use crate::edit::receipt::{Doing, Progress};
use crate::edit::record::{Event, History, Line, Outcome, Progressed, VERSION};
use crate::edit::state::{State, Subject};
use crate::journal::Journal;
use crate::model::failure::Failure;
use crate::model::time::Time;

/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How the loop ended.
pub(super) enum Ended {
    /// All steps are done; in what things are not as planned.
    All { differences: Vec<String> },
    /// It stopped before, and why.
    Early(Vec<String>),
}

/// What is there of a step in doubt.
pub(super) struct Looked {
    pub(super) there: There,
    /// It is as after the step.
    pub(super) done: bool,
    /// It is as before it.
    pub(super) undone: bool,
}

/// A batch that is being applied.
pub(super) struct Run<'a> {
    eks: Eks,
    history: History,
    journal: &'a mut Journal,
    manner: &'a Manner,
    tx: &'a mpsc::Sender<Progress>,
    /// What was written to by this run.
    wrote: BTreeSet<Subject>,
}

/// A line of now.
pub(super) fn line(batch: &str, event: Event) -> Line {
    Line { v: VERSION, at: now(), batch: batch.to_owned(), event }
}

impl<'a> Run<'a> {
    pub(super) fn new(
        session: &Session,
        history: History,
        journal: &'a mut Journal,
        manner: &'a Manner,
        tx: &'a mpsc::Sender<Progress>,
    ) -> Self {
        let eks = session.ahead().eks(&history.batch.pin.region);
        Run { eks, history, journal, manner, tx, wrote: BTreeSet::new() }
    }

    pub(super) fn history(&self) -> &History {
        &self.history
    }

    pub(super) fn into_history(self) -> History {
        self.history
    }

    /// Writes down what happened, and takes it in.
    pub(super) fn write(&mut self, event: Event) -> Result<(), Trouble> {
        let line = line(&self.history.batch.id, event);
        self.journal.write(&line)?;
        self.history.add(line.at, line.event);
        Ok(())
    }

    /// In what the things of the draft are not as they were when it was made.
    pub(super) async fn drift(&mut self) -> Result<Vec<String>, Trouble> {
        let draft = self.history.batch.draft.clone();
        let all = draft.changes().map(|(subject, change)| {
            let this = &*self;
            async move {
                let patience = this.patience(subject);
                let (there, _) = this.until(subject, patience, |is| same(change.before.as_ref(), is)).await?;
                Ok::<_, Failure>(drifted(subject, change.before.as_ref(), &there))
            }
        });
        let found = futures::future::try_join_all(all).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Does all steps that are not done, then compares.
    pub(super) async fn all(&mut self) -> Result<Ended, Trouble> {
        let steps = self.history.batch.steps.clone();
        for step in &steps {
            if self.history.step(step.n).is_some_and(Progressed::is_done) {
                continue;
            }
            if self.manner.is_stopped() {
                return Ok(Ended::Early(vec![format!("it was told to stop before step {}", step.n)]));
            }
            let ended = self.step(step).await?;
            if let Some(known) = self.history.step(step.n).cloned() {
                self.tell(step.n, Doing::Known(known)).await;
            }
            if let Err(because) = ended {
                return Ok(Ended::Early(because));
            }
        }
        let _ = self.tx.send(Progress::Comparing).await;
        let draft = self.history.batch.draft.clone();
        let all = draft.changes().map(|(subject, change)| {
            let this = &*self;
            async move {
                let wanted = change.after.as_ref();
                match this.until(subject, this.manner.wait, |is| same(wanted, is)).await {
                    Ok((there, _)) => drifted(subject, wanted, &there),
                    Err(failure) => vec![format!("{subject}: {}", told(&failure))],
                }
            }
        });
        let differences = futures::future::join_all(all).await.into_iter().flatten().collect();
        Ok(Ended::All { differences })
    }

    /// Does a step. An inner error: why it ends here.
    async fn step(&mut self, step: &Step) -> Result<Result<(), Vec<String>>, Trouble> {
        self.tell(step.n, Doing::Reading).await;
        let doubted = matches!(self.history.step(step.n), Some(Progressed::InDoubt { .. }));
        let there = if doubted {
            let looked = match self.look_for(step).await {
                Ok(looked) => looked,
                Err(failure) => return Ok(Err(vec![told(&failure)])),
            };
            if looked.done {
                self.write(Event::Outcome { step: step.n, outcome: Outcome::FoundDone })?;
                return Ok(Ok(()));
            }
            looked.there
        } else {
            let patience = self.patience(&step.subject);
            match self.until(&step.subject, patience, |is| same(step.before.as_ref(), is)).await {
                Ok((there, _)) => there,
                Err(failure) => return Ok(Err(vec![told(&failure)])),
            }
        };
        let drift = drifted(&step.subject, step.before.as_ref(), &there);
        if !drift.is_empty() {
            return Ok(Err(drift));
        }

        let token = self.history.batch.tokens.get(step.n.saturating_sub(1)).cloned().unwrap_or_default();
        let (before, image) = (there.state.clone(), there.image.clone().map(Box::new));
        self.write(Event::Intent { step: step.n, token: token.clone(), before, image })?;
        self.tell(step.n, Doing::Calling).await;
        self.wrote.insert(step.subject.clone());
        let cluster = self.history.batch.pin.cluster.clone();
        let called = perform(&self.eks, &cluster, step, &there, &token).await;
        match called {
            Ok(()) => {
                self.write(Event::Outcome { step: step.n, outcome: Outcome::Done })?;
                let seen = self.see(step).await;
                if seen.is_ok() {
                    self.history.see(step.n);
                }
                Ok(seen)
            }
            Err(not_written) => {
                let (code, because) = (not_written.failure.code.clone(), not_written.failure.to_string());
                // What was done before and is done again may be refused for that very reason.
                let may = not_written.may_have_happened || doubted;
                if !may {
                    let outcome = Outcome::Failed { code, because: because.clone() };
                    self.write(Event::Outcome { step: step.n, outcome })?;
                    return Ok(Err(vec![because]));
                }
                let outcome = Outcome::InDoubt { code: code.clone(), because: because.clone() };
                self.write(Event::Outcome { step: step.n, outcome })?;
                match self.see(step).await {
                    Ok(()) => {
                        self.write(Event::Outcome { step: step.n, outcome: Outcome::FoundDone })?;
                        Ok(Ok(()))
                    }
                    Err(_) if !not_written.may_have_happened => {
                        let outcome = Outcome::Failed { code, because: because.clone() };
                        self.write(Event::Outcome { step: step.n, outcome })?;
                        Ok(Err(vec![because]))
                    }
                    Err(unseen) => {
                        let first = format!("whether {} was done is not known: {because}", step.call.operation());
                        Ok(Err(std::iter::once(first).chain(unseen).collect()))
                    }
                }
            }
        }
    }

    /// Waits until what a step did is seen. Error: what is seen instead.
    async fn see(&self, step: &Step) -> Result<(), Vec<String>> {
        match self.until(&step.subject, self.manner.wait, |is| same(step.after.as_ref(), is)).await {
            Ok((_, true)) => Ok(()),
            Ok((there, false)) => {
                let seen = drifted(&step.subject, step.after.as_ref(), &there);
                let waited = format!("{} is not seen after {}", step.call.operation(), seconds(self.manner.wait));
                Err(std::iter::once(waited).chain(seen).collect())
            }
            Err(failure) => Err(vec![format!("what it did could not be read back: {}", told(&failure))]),
        }
    }

    /// Looks for what a step in doubt was to do, as long as it may take to be seen.
    pub(super) async fn look_for(&self, step: &Step) -> Result<Looked, Failure> {
        let begun = match self.history.step(step.n) {
            Some(Progressed::InDoubt { since, .. }) => *since,
            _ => now(),
        };
        let patience = self.manner.wait.saturating_sub(age(begun));
        let (there, done) = self.until(&step.subject, patience, |is| same(step.after.as_ref(), is)).await?;
        let undone = !done && same(step.before.as_ref(), there.state.as_ref());
        Ok(Looked { there, done, undone })
    }

    /// How long to wait for a thing to be as it must: not at all, unless it was written to a moment ago.
    fn patience(&self, subject: &Subject) -> Duration {
        if self.wrote.contains(subject) {
            return self.manner.wait;
        }
        let book = self.journal.book();
        let touches = |it: &History| {
            let begun = it.batch.steps.iter().zip(&it.steps).filter(|(_, it)| **it != Progressed::NotBegun);
            begun.into_iter().any(|(step, _)| step.subject == *subject)
        };
        // Of an older batch nothing is waited for, whatever it wrote to.
        let recent = book.heads().filter(|it| it.pin == self.history.batch.pin && age(it.last) < self.manner.wait);
        let wrote = recent.filter(|it| book.history(&it.id).is_some_and(touches));
        let last = wrote.map(|it| it.last).max();
        last.map_or(Duration::ZERO, |last| self.manner.wait.saturating_sub(age(last)))
    }

    /// Reads a thing until it is as wanted, or for as long as there is patience. True: it is as wanted.
    async fn until(
        &self,
        subject: &Subject,
        patience: Duration,
        wanted: impl Fn(Option<&State>) -> bool,
    ) -> Result<(There, bool), Failure> {
        let began = Instant::now();
        let mut pause = self.manner.pause;
        loop {
            let there = read(&self.eks, &self.history.batch.pin.cluster, subject).await;
            match &there {
                Ok(it) if wanted(it.state.as_ref()) => return there.map(|it| (it, true)),
                _ => {}
            }
            let spent = began.elapsed();
            let Some(left) = patience.checked_sub(spent).filter(|it| !it.is_zero()) else {
                return there.map(|it| (it, false));
            };
            let waiting =
                Progress::Waiting { subject: subject.clone(), millis: millis(spent), at_most: millis(patience) };
            let _ = self.tx.send(waiting).await;
            tokio::time::sleep(pause.min(left)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn tell(&self, n: usize, doing: Doing) {
        // A reader that has gone away does not end what was begun.
        let _ = self.tx.send(Progress::Step { n, of: self.history.batch.steps.len(), doing }).await;
    }
}

fn drifted(subject: &Subject, expected: Option<&State>, there: &There) -> Vec<String> {
    let all = differences(expected, there.state.as_ref());
    all.into_iter().map(|it| format!("{subject}: {it}")).collect()
}

fn millis(of: Duration) -> u64 {
    u64::try_from(of.as_millis()).unwrap_or(u64::MAX)
}

fn seconds(of: Duration) -> String {
    format!("{} s", of.as_secs_f64())
}

/// How long ago a moment is; a clock that went back makes it no time at all.
pub(super) fn age(of: Time) -> Duration {
    Duration::try_from(now().0.duration_since(of.0)).unwrap_or_default()
}
