//! Plans applied: one step at a time, written down before and after, read back, and compared in the end.
//!
//! Decides where a batch may be applied (only where it was made for: [`Pin`]), that what may have been done is looked for
//! before it is done again, and that the first failure ends it. The steps are `edit::plan`'s, what is written down
//! `edit::record`'s; the loop over the steps is in `steps`, reading and calling in `subject`.
//!
//! Dropping a future of this module leaves things as a crash would: what was begun is in doubt, and is read before
//! anything else is done.

mod look;
mod steps;
pub(super) mod subject;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use super::Trouble;
use super::source::now;
use crate::cloud::Session;
use crate::edit::compare::differences;
use crate::edit::draft::Draft;
use crate::edit::plan::plan;
use crate::edit::receipt::{End, Progress, Receipt};
use crate::edit::record::{Batch, Event, History, Outcome, Pin, Progressed, Standing};
use crate::journal::{Journal, JournalError};
use crate::model::cluster::ClusterId;
use crate::model::failure::Failure;
use crate::report::Exit;

pub use look::look;
use steps::{Ended, Run};

/// How patiently a plan is applied.
#[derive(Clone, Debug)]
pub struct Manner {
    /// How long what was written may take to be seen.
    pub wait: Duration,
    /// How long to wait before looking again the first time; later ones are longer.
    pub pause: Duration,
    /// Set: end before the next step.
    pub stop: Arc<AtomicBool>,
}

impl Default for Manner {
    fn default() -> Self {
        // Reads lag behind writes by several seconds, says the guide.
        Manner { wait: Duration::from_secs(15), pause: Duration::from_millis(100), stop: Arc::default() }
    }
}

impl Manner {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl From<JournalError> for Trouble {
    fn from(error: JournalError) -> Self {
        Trouble::failure(error.to_string())
    }
}

/// Where a session's writes to a cluster would go, and who would make them.
pub async fn pin(session: &Session, id: &ClusterId) -> Result<(Pin, String), Trouble> {
    let eks = session.eks(&id.region);
    let (cluster, caller) = futures::future::join(eks.describe_cluster(&id.name), session.caller()).await;
    let (cluster, caller) = (cluster?, caller?);
    let cluster_arn = cluster.arn.ok_or_else(|| {
        Trouble::failure(format!("EKS does not tell the ARN of cluster {}: nothing can be changed in it", id.name))
    })?;
    let pin = Pin {
        cluster_arn,
        cluster: id.name.clone(),
        account: caller.account,
        region: id.region.clone(),
        endpoint: session.endpoint(),
    };
    Ok((pin, caller.arn))
}

/// A draft as a batch that was agreed to: named, pinned, with a client token for every call.
pub async fn new_batch(
    session: &Session,
    id: &ClusterId,
    draft: Draft,
    note: Option<String>,
) -> Result<Batch, Trouble> {
    let (pin, caller) = pin(session, id).await?;
    batch(pin, caller, draft, note)
}

fn batch(pin: Pin, caller: String, draft: Draft, note: Option<String>) -> Result<Batch, Trouble> {
    let made_at = now();
    let steps = plan(&draft);
    let tokens = steps.iter().map(|_| random(16)).collect::<Result<_, _>>()?;
    let id = format!("{}-{}", made_at.0.strftime("%Y%m%d-%H%M%S"), random(3)?);
    Ok(Batch { id, made_at, caller, pin, draft, steps, tokens, note, undoes: None })
}

/// What undoes a batch, as a batch; `None` if there is nothing to undo. It begins with finding out about steps in doubt.
pub async fn undo_batch(
    session: &Session,
    id: &str,
    journal: &mut Journal,
    manner: &Manner,
    tx: &mpsc::Sender<Progress>,
) -> Result<Option<Batch>, Trouble> {
    let (history, caller) = settled(session, id, journal, manner, tx).await?;
    let draft = history.undo();
    if draft.is_empty() {
        if history.own_standing().is_open() {
            write(journal, id, Event::Abandoned)?;
        }
        return Ok(None);
    }
    let note = history.batch.note.as_ref().map(|it| format!("undo: {it}"));
    let batch = batch(history.batch.pin.clone(), caller, draft, note)?;
    Ok(Some(Batch { undoes: Some(id.to_owned()), ..batch }))
}

/// Applies a batch that was agreed to. Nothing is written, not even in the journal, when something is not as it was when
/// the batch was made.
pub async fn apply(
    session: &Session,
    batch: Batch,
    journal: &mut Journal,
    manner: &Manner,
    tx: &mpsc::Sender<Progress>,
) -> Result<Receipt, Trouble> {
    check_pin(session, &batch.pin).await?;
    let mut run = Run::new(session, History::new(batch.clone()), journal, manner, tx);
    let drift = run.drift().await?;
    if !drift.is_empty() {
        return Ok(end(tx, Receipt::of(run.history(), End::Blocked, None, drift)).await);
    }
    run.write(Event::Planned { plan: Box::new(batch) })?;
    finish(run, tx).await
}

/// Goes on with a batch of the journal: what may have been done is looked for first.
pub async fn resume(
    session: &Session,
    id: &str,
    journal: &mut Journal,
    manner: &Manner,
    tx: &mpsc::Sender<Progress>,
) -> Result<Receipt, Trouble> {
    let history = known(journal, id)?;
    check_pin(session, &history.batch.pin).await?;
    match journal.book().standing(&history) {
        Standing::UndoneBy(by) | Standing::BeingUndoneBy(by) => {
            return Err(Trouble::refused(format!(
                "batch {id} cannot be gone on with: batch {by} undoes it. See: eksplorer journal"
            )));
        }
        Standing::Done { as_planned: Some(true) } => {
            return Ok(end(tx, Receipt::of(&history, End::Done, Some(true), Vec::new())).await);
        }
        _ => {}
    }
    finish(Run::new(session, history, journal, manner, tx), tx).await
}

/// Finds out whether what is in doubt was done, by reading, and writes that down.
pub async fn settle(
    session: &Session,
    id: &str,
    journal: &mut Journal,
    manner: &Manner,
    tx: &mpsc::Sender<Progress>,
) -> Result<History, Trouble> {
    settled(session, id, journal, manner, tx).await.map(|(history, _)| history)
}

/// The same, with who looked.
async fn settled(
    session: &Session,
    id: &str,
    journal: &mut Journal,
    manner: &Manner,
    tx: &mpsc::Sender<Progress>,
) -> Result<(History, String), Trouble> {
    let history = known(journal, id)?;
    let caller = check_pin(session, &history.batch.pin).await?;
    let mut run = Run::new(session, history, journal, manner, tx);
    while let Some(n) = run.history().doubt() {
        let Some(step) = run.history().batch.steps.get(n - 1).cloned() else { break };
        let there = run.look_for(&step).await.map_err(Trouble::from)?;
        let outcome = if there.done {
            Outcome::FoundDone
        } else if there.undone {
            Outcome::FoundNotDone
        } else {
            return Err(Trouble::refused(format!(
                "whether step {n} ({} of {}) was done cannot be told, for somebody has changed it since: {}",
                step.call.operation(),
                step.subject,
                differences(step.after.as_ref(), there.there.state.as_ref()).join("; ")
            )));
        };
        run.write(Event::Outcome { step: n, outcome })?;
    }
    Ok((run.into_history(), caller))
}

async fn finish(mut run: Run<'_>, tx: &mpsc::Sender<Progress>) -> Result<Receipt, Trouble> {
    let ended = run.all().await?;
    let receipt = match ended {
        Ended::All { differences } => {
            let as_planned = differences.is_empty();
            run.write(Event::Ended { as_planned, differences: differences.clone() })?;
            Receipt::of(run.history(), End::Done, Some(as_planned), differences)
        }
        Ended::Early(because) => {
            let history = run.history();
            let failed = history.steps.iter().any(|it| matches!(it, Progressed::Failed { .. }));
            let ended = match (history.doubt(), history.done()) {
                (Some(_), _) => End::InDoubt,
                (None, 0) => End::Blocked,
                (None, _) => End::Stopped,
            };
            // Nothing was done or even tried: nothing is left to be decided.
            if ended == End::Blocked && !failed {
                run.write(Event::Abandoned)?;
            }
            Receipt::of(run.history(), ended, None, because)
        }
    };
    Ok(end(tx, receipt).await)
}

async fn end(tx: &mpsc::Sender<Progress>, receipt: Receipt) -> Receipt {
    let _ = tx.send(Progress::Ended(Box::new(receipt.clone()))).await;
    receipt
}

fn known(journal: &Journal, id: &str) -> Result<History, Trouble> {
    let found = journal.book().history(id).cloned();
    found.ok_or_else(|| Trouble::bad_input(format!("the journal has no batch {id:?}. See: eksplorer journal")))
}

/// A batch is applied nowhere but where it was made for. Tells who would apply it.
async fn check_pin(session: &Session, wanted: &Pin) -> Result<String, Trouble> {
    let refuse = |differences: Vec<String>| {
        Trouble::refused(format!(
            "the batch was made for another place, and is refused here: {}. Choose its account, region and endpoint.",
            differences.join("; ")
        ))
    };
    // Where requests go is settled before the first one is sent.
    let here = Pin { endpoint: session.endpoint(), ..wanted.clone() };
    let mut differs = wanted.differences(&here);
    let regions: BTreeSet<String> = session.regions().into_iter().collect();
    if !regions.contains(&wanted.region) {
        let region = session.regions().join(", ");
        differs.extend(wanted.differences(&Pin { region, ..wanted.clone() }));
    }
    if !differs.is_empty() {
        return Err(refuse(differs));
    }
    let id = ClusterId { region: wanted.region.clone(), name: wanted.cluster.clone() };
    let (here, caller) = pin(session, &id).await?;
    let differs = wanted.differences(&here);
    if differs.is_empty() { Ok(caller) } else { Err(refuse(differs)) }
}

fn write(journal: &mut Journal, id: &str, event: Event) -> Result<(), Trouble> {
    Ok(journal.write(&steps::line(id, event))?)
}

/// So many random bytes, in hexadecimal.
fn random(bytes: usize) -> Result<String, Trouble> {
    let mut all = vec![0; bytes];
    aws_lc_rs::rand::fill(&mut all).map_err(|_| Trouble::failure("the system gives no random numbers"))?;
    Ok(all.iter().map(|it| format!("{it:02x}")).collect())
}

/// What a command ends with.
pub fn exit(receipt: &Receipt) -> Exit {
    match (receipt.end, receipt.as_planned) {
        (End::Done, Some(false)) => Exit::PartWay,
        (End::Done, _) => Exit::Yes,
        (End::Blocked, _) => Exit::No,
        (End::Stopped | End::InDoubt, _) => Exit::PartWay,
    }
}

/// Why reading failed, with what to try.
fn told(failure: &Failure) -> String {
    failure.advised()
}
