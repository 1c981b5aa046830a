//! Live facts for the screen: takes its requests, loads, and hands on the news.
//!
//! Decides that each request is a task of its own, so that a principal asked about never waits for a sweep, and that a
//! sweep that is still under way is not begun twice. What is loaded and how is [`load`]'s.

use std::collections::BTreeSet;
use std::process::ExitCode;

use futures::future::join;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Trouble;
use super::effects::{Feed, Live, MOST_REQUESTS, Request};
use super::load;
use super::source::Source;
use crate::cli::Options;
use crate::cloud::Session;
use crate::model::cluster::ClusterId;
use crate::model::snapshot::{Section, Snapshot};
use crate::model::update::{Call, Update};

/// What the screen starts with.
pub struct Opened {
    /// The facts at hand: a file's, or none yet.
    pub snapshot: Snapshot,
    /// Where more come from.
    pub feed: Feed,
    /// The cluster to open, by name.
    pub cluster: Option<String>,
}

/// Opens what the options name for the screen.
pub async fn open(options: &Options) -> Result<Opened, Trouble> {
    let (calls, made) = mpsc::channel(load::WAITING);
    let source = Source::open(options, Some(calls)).await?;
    let mut snapshot = Snapshot { source: source.kind(), ..Snapshot::default() };
    let cluster = match &source {
        Source::File(facts) => {
            snapshot = (**facts).clone();
            match &options.cluster {
                // One that is not there is bad input, here as without a screen.
                Some(named) => Some(source.cluster(Some(named)).await?.name),
                None => None,
            }
        }
        Source::Live { session, lab } => {
            let known = known_cluster(options, session, lab.as_ref().map(|(_, clusters)| clusters.as_slice()));
            if let Some(id) = &known {
                // Naming it spares waiting for the list of clusters, which the caller may not be allowed to read.
                snapshot.clusters = Section::loading(Some(vec![id.clone()]), 1, None);
            }
            known.map(|id| id.name).or_else(|| options.cluster.clone())
        }
    };
    let feed = match source {
        Source::File(_) => Feed::Fixed,
        Source::Live { session, lab } => Feed::Live(live(session, lab, made)),
    };
    Ok(Opened { snapshot, feed, cluster })
}

/// The cluster meant, where no list is needed to know it.
fn known_cluster(options: &Options, session: &Session, world: Option<&[ClusterId]>) -> Option<ClusterId> {
    match (options.cluster.as_deref(), world, session.regions()) {
        (Some(named), Some(world), _) => world.iter().find(|id| id.name == named).cloned(),
        (None, Some(world), _) => world.first().cloned(),
        (Some(named), None, _) if named.contains('/') => {
            named.split_once('/').map(|(region, name)| ClusterId { region: region.to_owned(), name: name.to_owned() })
        }
        (Some(named), None, [region]) => Some(ClusterId { region: region.clone(), name: named.to_owned() }),
        _ => None,
    }
}

fn live(session: Session, lab: Option<(crate::lab::Lab, Vec<ClusterId>)>, calls: mpsc::Receiver<Call>) -> Live {
    let (requests, wanted) = mpsc::channel(MOST_REQUESTS);
    let (tx, updates) = mpsc::channel(load::WAITING);
    let task = tokio::spawn(async move {
        serve(session, wanted, tx).await;
        // The lab lives as long as it may be asked.
        drop(lab);
    });
    Live { requests, updates, calls, task }
}

/// What a task was begun for; one of a kind runs at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Begun {
    Overview,
    Cluster(ClusterId),
    Ask,
}

async fn serve(session: Session, mut wanted: mpsc::Receiver<Request>, tx: mpsc::Sender<Update>) {
    let mut tasks: JoinSet<Begun> = JoinSet::new();
    let mut running: BTreeSet<Begun> = BTreeSet::new();
    loop {
        tokio::select! {
            request = wanted.recv() => match request {
                None => return,
                Some(request) => begin(request, &session, &tx, &mut tasks, &mut running),
            },
            Some(ended) = tasks.join_next() => match ended {
                Ok(begun) => {
                    running.remove(&begun);
                }
                // A task that panicked ends the program: the screen watches this one.
                Err(error) => {
                    if let Ok(panic) = error.try_into_panic() {
                        std::panic::resume_unwind(panic);
                    }
                }
            },
        }
    }
}

fn begin(
    request: Request,
    session: &Session,
    tx: &mpsc::Sender<Update>,
    tasks: &mut JoinSet<Begun>,
    running: &mut BTreeSet<Begun>,
) {
    let begun = match &request {
        Request::Overview => Begun::Overview,
        Request::Cluster(id) => Begun::Cluster(id.clone()),
        Request::Ask(..) => Begun::Ask,
    };
    if begun != Begun::Ask && !running.insert(begun.clone()) {
        return;
    }
    let (session, tx) = (session.clone(), tx.clone());
    tasks.spawn(async move {
        match request {
            Request::Overview => {
                join(load::overview(&session, tx.clone()), load::iam(&session, tx)).await;
            }
            Request::Cluster(id) => load::cluster(&session, id, tx).await,
            Request::Ask(id, asked) => load::ask(&session, id, *asked, None, tx).await,
        }
        begun
    });
}

/// The screen, from the options to its exit status.
pub async fn show(options: &Options, no_color: bool) -> Result<ExitCode, Trouble> {
    let Opened { snapshot, feed, cluster } = open(options).await?;
    let ended = match super::screen::ScreenOptions::standard(cluster, no_color) {
        Ok(options) => super::screen::screen(snapshot, feed, options).await,
        Err(error) => Err(error),
    };
    ended.map_err(|error| Trouble::failure(format!("{error:#}")))
}
