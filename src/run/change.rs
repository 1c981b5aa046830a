//! Applying and undoing for the screen: the same engine as without one, its news sent as answers under a ticket.
//!
//! Decides that the journal is open only while something is applied, so that a screen left open keeps nobody else from
//! writing. What is done is [`apply`]'s.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::mpsc;

use super::Trouble;
use super::apply::{self, Manner};
use crate::app::effect::Work;
use crate::app::message::{Answer, Ticket};
use crate::cloud::Session;
use crate::edit::receipt::Progress;
use crate::edit::record::Standing;
use crate::journal::Journal;
use crate::model::cluster::ClusterId;

/// How many news may wait to be told.
const WAITING: usize = 64;

/// How what is done tells of itself, and how it is stopped.
pub(super) struct Way {
    /// Set: it ends before its next step.
    pub(super) stop: Arc<AtomicBool>,
    /// Under which it is told.
    pub(super) ticket: Ticket,
    /// To whom.
    pub(super) answers: mpsc::Sender<(Ticket, Answer)>,
}

/// Applies what was agreed to on the screen, or goes on with it, and tells of it.
pub(super) async fn apply(session: &Session, folder: &Path, id: ClusterId, work: Work, way: Way) {
    let job = |manner: Manner, tx: mpsc::Sender<Progress>| async move {
        let mut journal = Journal::open(folder)?;
        let batch = match work {
            Work::Draft(draft) => apply::new_batch(session, &id, *draft, None).await?,
            Work::Batch(batch) => *batch,
            Work::Resume(batch) => return apply::resume(session, &batch, &mut journal, &manner, &tx).await,
        };
        apply::apply(session, batch, &mut journal, &manner, &tx).await
    };
    let ended = telling(&way, job).await;
    let answer = Answer::Applied(ended.map(Box::new).map_err(|trouble| trouble.to_string()));
    let _ = way.answers.send((way.ticket, answer)).await;
}

/// Finds out what would undo a batch.
pub(super) async fn undo(session: &Session, folder: &Path, batch: &str, way: Way) {
    let job = |manner: Manner, tx: mpsc::Sender<Progress>| async move {
        let mut journal = Journal::open(folder)?;
        let standing = journal.book().history(batch).map(|it| journal.book().standing(it));
        match standing {
            Some(Standing::UndoneBy(_)) => Ok(None),
            Some(Standing::BeingUndoneBy(by)) => Err(Trouble::refused(format!(
                "batch {by} is undoing it and has not come to its end; go on with: eksplorer resume {by}"
            ))),
            _ => apply::undo_batch(session, batch, &mut journal, &manner, &tx).await,
        }
    };
    let found = telling(&way, job).await;
    let answer = Answer::Undo(found.map(|it| it.map(Box::new)).map_err(|trouble| trouble.to_string()));
    let _ = way.answers.send((way.ticket, answer)).await;
}

/// Does the work, sending on its news.
async fn telling<T, F: Future<Output = Result<T, Trouble>>>(
    way: &Way,
    work: impl FnOnce(Manner, mpsc::Sender<Progress>) -> F,
) -> Result<T, Trouble> {
    let (tx, mut rx) = mpsc::channel(WAITING);
    // In a box: it is deep, and within the whole program deeper than the compiler follows.
    let mut work = Box::pin(work(Manner { stop: way.stop.clone(), ..Manner::default() }, tx));
    let tell = |news: Progress| way.answers.send((way.ticket, Answer::Progress(Box::new(news))));
    loop {
        tokio::select! {
            biased;
            Some(news) = rx.recv() => { let _ = tell(news).await; }
            ended = &mut work => {
                while let Ok(news) = rx.try_recv() {
                    let _ = tell(news).await;
                }
                return ended;
            }
        }
    }
}
