//! `journal`, `resume` and `undo`, and how a batch is applied where there is no screen.
//!
//! Decides where news go while it lasts, and that an interrupt lets the step at hand come to its end; a second one leaves
//! it in doubt.

use std::future::Future;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;

use super::super::apply::{self, Manner};
use super::super::source::{Source, now};
use super::super::{Trouble, files, load, preflight};
use super::{Printed, edit};
use crate::access::permissions::Permissions;
use crate::cli::{ConsentArgs, JournalArgs, Options, Output, ResumeArgs, UndoArgs};
use crate::cloud::{Session, SignalsHandled};
use crate::edit::check::CheckId;
use crate::edit::receipt::{Progress, Receipt};
use crate::edit::record::{Batch, BatchHead, Book, Event, History, Line, Standing, VERSION};
use crate::edit::{Review, review};
use crate::journal::{self, Journal};
use crate::model::cluster::ClusterId;
use crate::model::document::to_json;
use crate::model::principal::Asked;
use crate::model::visible::visible;
use crate::report::{self, Exit};

/// How many news may wait to be told.
const WAITING: usize = 64;

/// What news are told to while something goes on: a line, without its end.
pub type Tell<'a> = &'a mut (dyn FnMut(&str) + Send);

/// `eksplorer journal`
pub fn journal(options: &Options, args: &JournalArgs) -> Result<Printed, Trouble> {
    let folder = files::state_folder(options.state_dir.as_deref());
    if let Some(named) = &args.abandon {
        let mut journal = Journal::open(&folder)?;
        let id = the_one(journal.book(), named)?;
        let standing = journal.book().history(&id).map(|it| journal.book().standing(it));
        if !standing.is_some_and(|it| it.is_open()) {
            return Err(Trouble::refused(format!("batch {id} is not open: nothing of it is left to be decided")));
        }
        journal.write(&Line { v: VERSION, at: now(), batch: id.clone(), event: Event::Abandoned })?;
        return Ok(Printed::answer(format!("batch {id} is left as it is\n"), Exit::Yes));
    }
    let book = journal::read(&folder)?;
    let only = match &args.batch {
        Some(named) => book.history(&the_one(&book, named)?),
        None => None,
    };
    let out = match options.output {
        Output::Text => report::journal::text(&book, only),
        Output::Json | Output::Sarif => to_json(&report::journal::value(&book, only)).map_err(Trouble::failure)? + "\n",
    };
    Ok(Printed::answer(out, Exit::Yes))
}

/// `eksplorer resume BATCH`
pub async fn resume(options: &Options, args: &ResumeArgs, tell: Tell<'_>) -> Result<Printed, Trouble> {
    let mut journal = Journal::open(&files::state_folder(options.state_dir.as_deref()))?;
    let id = the_one(journal.book(), &args.batch)?;
    let history = journal.book().history(&id).cloned();
    let session = session(options, journal.book(), &id).await?;
    // What is done, or undone, leaves nothing to be agreed to.
    let leaves_some = |it: &History| {
        !matches!(
            journal.book().standing(it),
            Standing::Done { .. } | Standing::UndoneBy(_) | Standing::BeingUndoneBy(_)
        )
    };
    if let Some(history) = history.filter(leaves_some) {
        let pin = &history.batch.pin;
        is_named(&id, &pin.cluster, &args.consent)?;
        let manner = Manner { wait: args.keeping.wait, ..Manner::default() };
        let rest =
            Batch { draft: history.rest(&apply::look(&session, &history, &manner).await?), ..history.batch.clone() };
        // Where nothing is left, the end is compared and written down: that changes nothing.
        if !rest.draft.is_empty()
            && let Some(printed) = unless_agreed(options, &session, &rest, &args.consent, "resume").await?
        {
            return Ok(printed);
        }
    }
    let (session, journal, id) = (&session, &mut journal, &id);
    let work = |manner: Manner, tx: mpsc::Sender<Progress>| async move {
        apply::resume(session, id, journal, &manner, &tx).await
    };
    receipt(options, &attended(args.keeping.wait, tell, work).await?)
}

/// `eksplorer undo BATCH`
pub async fn undo(options: &Options, args: &UndoArgs, tell: Tell<'_>) -> Result<Printed, Trouble> {
    let mut journal = Journal::open(&files::state_folder(options.state_dir.as_deref()))?;
    let id = the_one(journal.book(), &args.batch)?;
    let history = journal.book().history(&id).cloned();
    match history.as_ref().map(|it| journal.book().standing(it)) {
        Some(Standing::UndoneBy(by)) => {
            return Ok(Printed::answer(format!("nothing to do: batch {by} has undone {id}\n"), Exit::Yes));
        }
        Some(Standing::BeingUndoneBy(by)) => {
            return Err(Trouble::refused(format!(
                "batch {by} is undoing it and has not come to its end; go on with: eksplorer resume {by}"
            )));
        }
        _ => {}
    }
    let session = session(options, journal.book(), &id).await?;
    let batch = {
        let (session, journal, id) = (&session, &mut journal, &id);
        let work = |manner: Manner, tx: mpsc::Sender<Progress>| async move {
            apply::undo_batch(session, id, journal, &manner, &tx).await
        };
        attended(args.keeping.wait, &mut *tell, work).await?
    };
    let Some(batch) = batch else {
        return Ok(Printed::answer(format!("nothing to do: batch {id} has changed nothing\n"), Exit::Yes));
    };
    is_named(&id, &batch.pin.cluster, &args.consent)?;
    let lost = journal.book().history(&id).map(|it| it.irrecoverable()).unwrap_or_default();
    lost.iter().for_each(|it| tell(&visible(&format!("cannot be brought back: {it}"))));
    if let Some(printed) = unless_agreed(options, &session, &batch, &args.consent, "undo").await? {
        return Ok(printed);
    }
    apply_batch(options, &session, batch, &mut journal, args.keeping.wait, tell).await
}

/// The cluster that was named is the batch's.
fn is_named(id: &str, cluster: &str, consent: &ConsentArgs) -> Result<(), Trouble> {
    match consent.yes_cluster.as_deref().filter(|it| *it != cluster) {
        Some(named) => Err(Trouble::bad_input(format!(
            "batch {id} is of cluster {cluster}, and --yes-cluster says {}",
            visible(named)
        ))),
        None => Ok(()),
    }
}

/// Looks at what a batch would do from all sides; `None` if it may be done and was agreed to, else what is printed.
async fn unless_agreed(
    options: &Options,
    session: &Session,
    batch: &Batch,
    consent: &ConsentArgs,
    verb: &str,
) -> Result<Option<Printed>, Trouble> {
    let _handled = SignalsHandled::new();
    let mut reviewed = tokio::select! {
        reviewed = Box::pin(reviewed(session, batch)) => reviewed,
        _ = tokio::signal::ctrl_c() => return Err(Trouble::failure("interrupted: nothing was done")),
    };
    let is_to_be_done = consent.yes_cluster.is_some();
    if is_to_be_done {
        // What this journal wrote may not be seen yet: applying finds a change by somebody else as surely, and waits first.
        reviewed.checks.retain(|it| it.id != CheckId::Drift);
    }
    if is_to_be_done && edit::verdict(&reviewed, true, consent) == Exit::Yes {
        return Ok(None);
    }
    let cluster = ClusterId { region: batch.pin.region.clone(), name: batch.pin.cluster.clone() };
    let home = Some(batch.pin.account.as_str());
    let mut printed = edit::printed(options, &cluster, &reviewed, home, is_to_be_done, consent)?;
    if !is_to_be_done {
        printed.err = format!("nothing was done: to {verb} it, add --yes-cluster {}\n", visible(&cluster.name));
    }
    Ok(Some(printed))
}

/// Applies a batch that was agreed to, tells of it, and prints its receipt.
pub async fn apply_batch(
    options: &Options,
    session: &Session,
    batch: Batch,
    journal: &mut Journal,
    wait: Duration,
    tell: Tell<'_>,
) -> Result<Printed, Trouble> {
    let here = |it: &&BatchHead| it.pin == batch.pin && Some(&it.id) != batch.undoes.as_ref();
    for open in journal.book().open().filter(here) {
        let (id, word) = (&open.id, journal.book().standing_of(open).word());
        tell(&visible(&format!("an earlier batch is {word}: {id}. See: eksplorer journal {id}")));
    }
    let work = |manner: Manner, tx: mpsc::Sender<Progress>| async move {
        apply::apply(session, batch, journal, &manner, &tx).await
    };
    receipt(options, &attended(wait, tell, work).await?)
}

fn receipt(options: &Options, receipt: &Receipt) -> Result<Printed, Trouble> {
    let out = match options.output {
        Output::Text => report::receipt::text(receipt),
        Output::Json | Output::Sarif => to_json(&report::receipt::value(receipt)).map_err(Trouble::failure)? + "\n",
    };
    Ok(Printed::answer(out, apply::exit(receipt)))
}

/// A batch looked at from all sides, as the cluster is now.
async fn reviewed(session: &Session, batch: &Batch) -> Review {
    let id = ClusterId { region: batch.pin.region.clone(), name: batch.pin.cluster.clone() };
    let snapshot = load::whole(session, id.clone()).await.settled();
    let facts = snapshot.cluster(&id);
    let caller = Asked::from_arn(&batch.caller).ok();
    let permissions = Permissions::of(&facts);
    let review = review(&facts, &snapshot.iam, &permissions, caller.as_ref(), &batch.draft, Some(now()));
    preflight::looked_at(session, &id, (&facts, &snapshot.iam), caller.as_ref(), review).await
}

/// The one batch that a word means.
fn the_one(book: &Book, named: &str) -> Result<String, Trouble> {
    match book.named(named).as_slice() {
        [one] => Ok(one.id.clone()),
        [] => Err(Trouble::bad_input(format!("the journal has no batch {}. See: eksplorer journal", visible(named)))),
        several => {
            let all = several.iter().map(|it| it.id.as_str()).collect::<Vec<_>>().join(", ");
            Err(Trouble::bad_input(format!("{} may be any of these batches: {}", visible(named), visible(&all))))
        }
    }
}

/// The way to where a batch belongs; what the options say against it is refused.
async fn session(options: &Options, book: &Book, id: &str) -> Result<Session, Trouble> {
    let pin = book.history(id).map(|it| &it.batch.pin);
    let of = pin.map(|it| ClusterId { region: it.region.clone(), name: it.cluster.clone() });
    of.map_or(Ok(()), |it| options.may_write(&it)).map_err(Trouble::refused)?;
    let cluster = book.history(id).map(|it| it.batch.pin.cluster.clone()).unwrap_or_default();
    let named = options.cluster.as_deref().map(|it| it.rsplit_once('/').map_or(it, |(_, name)| name));
    if let Some(named) = named.filter(|it| *it != cluster) {
        return Err(Trouble::refused(format!("batch {id} is of cluster {cluster}, not of {}", visible(named))));
    }
    match Source::open(options, None).await? {
        Source::Live { session, lab: None } => Ok(session),
        Source::Live { lab: Some(_), .. } => Err(Trouble::refused(format!(
            "batch {id} was made for another place: the world that --demo and --world serve is a new one each time. Serve \
             one that stays (eksplorer lab) to resume and undo in it"
        ))),
        Source::File(_) => Err(Trouble::bad_input("a file is looked at, and never changed: leave --from out")),
    }
}

/// Does the work, telling its news. An interrupt lets it stop when the step at hand has ended; a second one drops it.
async fn attended<T, F: Future<Output = Result<T, Trouble>>>(
    wait: Duration,
    tell: Tell<'_>,
    work: impl FnOnce(Manner, mpsc::Sender<Progress>) -> F,
) -> Result<T, Trouble> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|error| Trouble::failure(format!("could not watch for signals: {error}")));
    let _handled = SignalsHandled::new();
    let (mut int, mut term) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let manner = Manner { wait, ..Manner::default() };
    let stop = manner.stop.clone();
    let (tx, mut rx) = mpsc::channel(WAITING);
    // In a box: it is deep, and within the whole program deeper than the compiler follows.
    let mut work = Box::pin(work(manner, tx));
    loop {
        tokio::select! {
            biased;
            Some(news) = rx.recv() => {
                if let Some(line) = report::receipt::news(&news) {
                    tell(&line);
                }
            }
            ended = &mut work => {
                while let Ok(news) = rx.try_recv() {
                    if let Some(line) = report::receipt::news(&news) {
                        tell(&line);
                    }
                }
                return ended;
            }
            _ = async { tokio::select! { _ = int.recv() => {}, _ = term.recv() => {} } } => {
                if stop.swap(true, Ordering::Relaxed) {
                    let message = "interrupted: what was begun is in doubt. See: eksplorer journal";
                    return Err(Trouble { exit: Exit::PartWay, message: message.to_owned() });
                }
                tell("it stops when the step at hand has ended; interrupt again to leave it in doubt");
            }
        }
    }
}

/// Where the journal is, for those who open it themselves.
pub fn open_journal(state_dir: Option<&Path>) -> Result<Journal, Trouble> {
    Ok(Journal::open(&files::state_folder(state_dir))?)
}
