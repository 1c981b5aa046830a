//! Live facts for the screen: takes its requests, loads, and hands on the news.
//!
//! Decides that each request is a task of its own, so that a principal asked about never waits for a sweep; that a sweep
//! that is still under way is not begun twice; and that one cluster is read at a time, the one asked for last ([`Reading`]).
//! What is loaded and how is [`load`]'s.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, join};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};

use super::Trouble;
use super::apply::{self, Manner};
use super::change;
use super::effects::{Feed, Live, MOST_REQUESTS, Request};
use super::files;
use super::load;
use super::preflight::Looked;
use super::source::Source;
use crate::app::message::{Answer, Ticket};
use crate::cli::Options;
use crate::cloud::Session;
use crate::edit::Review;
use crate::edit::preflight::Preflight;
use crate::lab::{self, Lab};
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
    /// The endpoint of EKS; `None` is AWS's own.
    pub endpoint: Option<String>,
    /// Where the journal is kept.
    pub folder: PathBuf,
}

/// Opens what the options name for the screen.
pub async fn open(options: &Options) -> Result<Opened, Trouble> {
    open_with(options, lab::Options::default()).await
}

/// The same; a lab, if there is to be one, is served as told.
pub async fn open_with(options: &Options, serve: lab::Options) -> Result<Opened, Trouble> {
    let (calls, made) = mpsc::channel(load::WAITING);
    let source = Source::open_for_screen(options, serve, Some(calls)).await?;
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
    let folder = files::state_folder(options.state_dir.as_deref());
    let (feed, endpoint) = match source {
        Source::File(_) => (Feed::Fixed, None),
        Source::Live { session, lab } => {
            let endpoint = session.endpoint();
            (Feed::Live(live(session, lab, made, folder.clone())), endpoint)
        }
    };
    Ok(Opened { snapshot, feed, cluster, endpoint, folder })
}

/// The cluster meant, where no list is needed to know it.
fn known_cluster(options: &Options, session: &Session, world: Option<&[ClusterId]>) -> Option<ClusterId> {
    match (options.cluster.as_deref(), world, session.regions().as_slice()) {
        (Some(named), Some(world), _) => world.iter().find(|id| id.name == named).cloned(),
        (None, Some(world), _) => world.first().cloned(),
        (Some(named), None, _) if named.contains('/') => {
            named.split_once('/').map(|(region, name)| ClusterId { region: region.to_owned(), name: name.to_owned() })
        }
        (Some(named), None, [region]) => Some(ClusterId { region: region.clone(), name: named.to_owned() }),
        _ => None,
    }
}

fn live(session: Session, lab: Option<(Lab, Vec<ClusterId>)>, calls: mpsc::Receiver<Call>, folder: PathBuf) -> Live {
    let (requests, wanted) = mpsc::channel(MOST_REQUESTS);
    let (tx, updates) = mpsc::channel(load::WAITING);
    let (answering, answers) = mpsc::channel(load::WAITING);
    let status = session.status();
    let task = tokio::spawn(async move {
        serve(session, wanted, tx, answering, folder).await;
        // The lab lives as long as it may be asked.
        drop(lab);
    });
    Live { requests, updates, answers, calls, status, task }
}

/// What a task was begun for.
#[derive(Clone, Debug)]
enum Begun {
    Overview,
    /// Which, and whether it was read to the end.
    Cluster(ClusterId, bool),
    Ask,
    Review,
    /// Carries what was found.
    LookAt(Box<Looked>),
    Apply,
}

/// Which cluster is read. The one asked for last goes first: reading another one is broken off, and begun anew when
/// there is nothing else to read, so that no section of it is left loading for ever.
#[derive(Debug, Default)]
struct Reading {
    /// The one being read; dropping the sender breaks it off.
    now: Option<(ClusterId, Option<oneshot::Sender<()>>)>,
    /// Those to be read after it, the last one first.
    later: Vec<ClusterId>,
}

impl Reading {
    /// A cluster is asked for. Gives it back with what to listen to, if it is to be read at once.
    fn ask(&mut self, id: ClusterId) -> Option<(ClusterId, oneshot::Receiver<()>)> {
        self.later.retain(|it| *it != id);
        match &mut self.now {
            Some((now, Some(_))) if *now == id => return None,
            Some((now, going_on)) => {
                // Already broken off, it has its place among the others.
                if going_on.take().is_some() {
                    let now = now.clone();
                    self.later.push(now);
                }
                self.later.push(id);
            }
            None => return Some(self.begin(id)),
        }
        None
    }

    /// The reading has ended or is broken off. Gives the next to be read.
    fn end(&mut self) -> Option<(ClusterId, oneshot::Receiver<()>)> {
        self.now = None;
        self.later.pop().map(|id| self.begin(id))
    }

    /// A cluster is asked for from its beginning, even if it is being read.
    fn restart(&mut self, id: ClusterId) -> Option<(ClusterId, oneshot::Receiver<()>)> {
        if let Some((now, going_on)) = &mut self.now
            && *now == id
        {
            *going_on = None;
        }
        self.ask(id)
    }

    fn begin(&mut self, id: ClusterId) -> (ClusterId, oneshot::Receiver<()>) {
        let (going_on, broken_off) = oneshot::channel();
        self.now = Some((id.clone(), Some(going_on)));
        (id, broken_off)
    }
}

/// Whether the account is read. Who asks meanwhile has it read from its beginning, once that is broken off.
#[derive(Debug, Default)]
struct Round {
    /// Dropping it breaks off what is being read.
    going_on: Option<oneshot::Sender<()>>,
    reading: bool,
    again: bool,
}

impl Round {
    /// It is asked for. Gives what to listen to, if it is to be read at once.
    fn restart(&mut self) -> Option<oneshot::Receiver<()>> {
        if self.reading {
            self.going_on = None;
            self.again = true;
            return None;
        }
        Some(self.begin())
    }

    /// It was read, or broken off. Gives what to listen to, if it is to be read again.
    fn end(&mut self) -> Option<oneshot::Receiver<()>> {
        self.reading = false;
        std::mem::take(&mut self.again).then(|| self.begin())
    }

    fn begin(&mut self) -> oneshot::Receiver<()> {
        let (going_on, broken_off) = oneshot::channel();
        (self.reading, self.going_on) = (true, Some(going_on));
        broken_off
    }
}

/// What is still to be read of a refresh.
#[derive(Debug)]
struct Refresh {
    /// To tell the end under.
    ticket: Ticket,
    account: bool,
    cluster: Option<ClusterId>,
}

/// The tasks that load, for as long as somebody asks.
struct Server {
    session: Session,
    /// Ends when the session has started afresh: whatever is asked of it waits for that.
    fresh: Shared<BoxFuture<'static, ()>>,
    /// The last refresh, until it has ended.
    refresh: Option<Refresh>,
    /// What is asked about single principals and roles.
    asks: Vec<AbortHandle>,
    /// Signs in.
    sign_in: Option<AbortHandle>,
    tx: mpsc::Sender<Update>,
    answers: mpsc::Sender<(Ticket, Answer)>,
    tasks: JoinSet<Begun>,
    /// The account.
    overview: Round,
    reading: Reading,
    /// How many batches are being applied or undone.
    applying: usize,
    /// The last refresh that came while something was applied, to be made again after it: the session cannot start afresh
    /// until then.
    owed: Option<(Ticket, Option<ClusterId>)>,
    /// What was found by the last look at a review.
    looked: Option<Box<Looked>>,
    /// Set: what is being applied ends before its next step.
    stop: Arc<AtomicBool>,
    /// Where the journal is kept.
    folder: PathBuf,
}

async fn serve(
    session: Session,
    mut wanted: mpsc::Receiver<Request>,
    tx: mpsc::Sender<Update>,
    answers: mpsc::Sender<(Ticket, Answer)>,
    folder: PathBuf,
) {
    let mut server = Server::new(session, tx, answers, folder);
    loop {
        tokio::select! {
            request = wanted.recv() => match request {
                None => return,
                Some(request) => server.begin(request),
            },
            Some(ended) = server.tasks.join_next() => match ended {
                Ok(begun) => server.ended(begun),
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

impl Server {
    fn new(
        session: Session,
        tx: mpsc::Sender<Update>,
        answers: mpsc::Sender<(Ticket, Answer)>,
        folder: PathBuf,
    ) -> Self {
        Server {
            session,
            fresh: futures::future::ready(()).boxed().shared(),
            refresh: None,
            asks: Vec::new(),
            sign_in: None,
            tx,
            answers,
            tasks: JoinSet::new(),
            overview: Round::default(),
            reading: Reading::default(),
            applying: 0,
            owed: None,
            looked: None,
            stop: Arc::default(),
            folder,
        }
    }

    fn begin(&mut self, request: Request) {
        let (session, tx, fresh) = (self.session.clone(), self.tx.clone(), self.fresh.clone());
        match request {
            Request::Overview => {
                let begin = self.overview.restart();
                self.read_account(begin);
            }
            Request::Refresh(ticket, cluster) => {
                // They may be answered as whoever one was before. What is still looked at is asked about again.
                self.asks.drain(..).for_each(|it| it.abort());
                self.start_afresh();
                self.owed = (self.applying > 0).then(|| (ticket, cluster.clone()));
                self.refresh = Some(Refresh { ticket, account: true, cluster: cluster.clone() });
                let begin = self.overview.restart();
                self.read_account(begin);
                if let Some(id) = cluster {
                    let next = self.reading.restart(id);
                    self.read(next);
                }
            }
            Request::SignIn => {
                // One that is under way is given up: its code is no longer shown anywhere.
                self.cancel_sign_in();
                let task = self.tasks.spawn(async move {
                    fresh.await;
                    session.sign_in().await;
                    Begun::Ask
                });
                self.sign_in = Some(task);
            }
            Request::CancelSignIn => self.cancel_sign_in(),
            Request::GiveCode(number, code) => session.give_code(number, code),
            Request::StopProgram => session.stop_program(),
            Request::Cluster(id) => {
                let next = self.reading.ask(id);
                self.read(next);
            }
            Request::LookAtSections(sections) => session.look_at(sections),
            Request::Review(id, ticket, review) => {
                let answers = self.answers.clone();
                self.tasks.spawn(async move {
                    fresh.await;
                    let said = load::review(&session, &id, &review).await;
                    let _ = answers.send((ticket, Answer::Review(said))).await;
                    Begun::Review
                });
            }
            Request::LookAt(id, ticket, review, preflight) => self.look_at(id, ticket, *review, *preflight),
            Request::Apply(id, ticket, work) => {
                self.stop = Arc::default();
                self.applying += 1;
                let (way, folder) = (self.way(ticket), self.folder.clone());
                self.tasks.spawn(async move {
                    fresh.await;
                    change::apply(&session, &folder, id, work, way).await;
                    Begun::Apply
                });
            }
            Request::Undo(ticket, batch) => {
                self.stop = Arc::default();
                self.applying += 1;
                let (way, folder) = (self.way(ticket), self.folder.clone());
                self.tasks.spawn(async move {
                    fresh.await;
                    change::undo(&session, &folder, &batch, way).await;
                    Begun::Apply
                });
            }
            Request::Look(ticket, history) => {
                let answers = self.answers.clone();
                self.tasks.spawn(async move {
                    fresh.await;
                    let seen = apply::look(&session, &history, &Manner::default()).await;
                    let answer = Answer::Looked(seen.map_err(|trouble| trouble.to_string()));
                    let _ = answers.send((ticket, answer)).await;
                    Begun::Review
                });
            }
            Request::StopApplying => self.stop.store(true, Ordering::Relaxed),
            Request::Policies(role, list, arns) => {
                let task = self.tasks.spawn(async move {
                    fresh.await;
                    load::policies(&session, &role, list, arns, tx).await;
                    Begun::Ask
                });
                self.keep_ask(task);
            }
            Request::Ask(id, asked) => {
                let task = self.tasks.spawn(async move {
                    fresh.await;
                    load::ask(&session, id, *asked, load::AlreadyRead::default(), tx).await;
                    Begun::Ask
                });
                self.keep_ask(task);
            }
        }
    }

    fn keep_ask(&mut self, task: AbortHandle) {
        self.asks.retain(|it| !it.is_finished());
        self.asks.push(task);
    }

    /// Has the session start afresh, after it has done so for those who asked before.
    fn start_afresh(&mut self) {
        // What is being applied goes on as whom it was begun.
        if self.applying > 0 {
            return;
        }
        let (session, before, tx) = (self.session.clone(), self.fresh.clone(), self.tx.clone());
        let fresh = async move {
            before.await;
            let endpoint = session.endpoint();
            session.start_afresh().await;
            if session.endpoint() != endpoint {
                let _ = tx.send(Update::Elsewhere).await;
            }
        };
        self.fresh = fresh.boxed().shared();
    }

    fn read_account(&mut self, begin: Option<oneshot::Receiver<()>>) {
        let Some(broken_off) = begin else { return };
        let (session, tx, fresh) = (self.session.clone(), self.tx.clone(), self.fresh.clone());
        self.tasks.spawn(async move {
            fresh.await;
            tokio::select! {
                _ = join(load::overview(&session, tx.clone()), load::iam(&session, tx)) => {}
                // Dropping the load ends its requests.
                _ = broken_off => {}
            }
            Begun::Overview
        });
    }

    fn cancel_sign_in(&mut self) {
        if let Some(task) = self.sign_in.take() {
            task.abort();
        }
    }

    /// How what is applied tells of itself and is stopped.
    fn way(&self, ticket: Ticket) -> change::Way {
        change::Way { stop: self.stop.clone(), ticket, answers: self.answers.clone() }
    }

    /// A review is asked for anew with every bit of news; AWS is not asked as often.
    fn look_at(&mut self, id: ClusterId, ticket: Ticket, review: Review, preflight: Preflight) {
        let known = self.looked.clone().filter(|it| it.holds_for(&id, &review.draft, &preflight));
        let (session, answers, fresh) = (self.session.clone(), self.answers.clone(), self.fresh.clone());
        self.tasks.spawn(async move {
            fresh.await;
            let looked = match known {
                Some(looked) => looked,
                None => Box::new(Looked::at(&session, id, &review.draft, preflight).await),
            };
            let review = review.with(looked.found.iter().cloned());
            let _ = answers.send((ticket, Answer::Plan(Arc::new(review)))).await;
            Begun::LookAt(looked)
        });
    }

    fn ended(&mut self, begun: Begun) {
        match begun {
            Begun::Overview => {
                let begin = self.overview.end();
                if let (None, Some(refresh)) = (&begin, &mut self.refresh) {
                    refresh.account = false;
                }
                self.read_account(begin);
            }
            Begun::Cluster(id, whole) => {
                if let Some(refresh) = self.refresh.as_mut().filter(|_| whole) {
                    refresh.cluster.take_if(|it| *it == id);
                }
                let next = self.reading.end();
                self.read(next);
            }
            Begun::LookAt(looked) => self.looked = Some(looked),
            Begun::Apply => {
                self.applying = self.applying.saturating_sub(1);
                if self.applying == 0
                    && let Some((ticket, cluster)) = self.owed.take()
                {
                    self.begin(Request::Refresh(ticket, cluster));
                }
            }
            Begun::Ask | Begun::Review => {}
        }
        if let Some(refresh) = self.refresh.take_if(|it| !it.account && it.cluster.is_none()) {
            let answers = self.answers.clone();
            self.tasks.spawn(async move {
                let _ = answers.send((refresh.ticket, Answer::Refreshed)).await;
                Begun::Ask
            });
        }
    }

    fn read(&mut self, next: Option<(ClusterId, oneshot::Receiver<()>)>) {
        let Some((id, broken_off)) = next else { return };
        let (session, tx, fresh) = (self.session.clone(), self.tx.clone(), self.fresh.clone());
        self.tasks.spawn(async move {
            fresh.await;
            let whole = tokio::select! {
                () = load::cluster(&session, id.clone(), tx) => true,
                // Dropping the load ends its requests.
                _ = broken_off => false,
            };
            Begun::Cluster(id, whole)
        });
    }
}

/// The screen, from the options to its exit status.
pub async fn show(options: &Options, no_color: bool) -> Result<ExitCode, Trouble> {
    // In a box, as futures within futures get deeper than the compiler follows.
    let Opened { snapshot, feed, cluster, endpoint, folder } = open(options).boxed().await?;
    let ended = match super::screen::ScreenOptions::standard(cluster, no_color) {
        Ok(screen) => {
            let write = options.write == Some(true);
            let (writes, assume_exists) = (options.writes.clone(), options.assume_exists);
            let screen = super::screen::ScreenOptions { write, writes, assume_exists, endpoint, folder, ..screen };
            super::screen::screen(snapshot, feed, screen).await
        }
        Err(error) => Err(error),
    };
    ended.map_err(|error| Trouble::failure(format!("{error:#}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> ClusterId {
        ClusterId { region: "eu-west-1".into(), name: name.into() }
    }

    fn name((id, _): &(ClusterId, oneshot::Receiver<()>)) -> &str {
        &id.name
    }

    #[test]
    fn the_cluster_asked_for_last_is_read_first_and_none_is_forgotten() {
        let mut reading = Reading::default();
        let mut a = reading.ask(id("a")).unwrap();
        assert_eq!(name(&a), "a");
        assert!(reading.ask(id("a")).is_none(), "it is under way");
        assert!(a.1.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty));

        assert!(reading.ask(id("b")).is_none(), "not before the other one has ended");
        assert!(a.1.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed), "broken off");
        assert!(reading.ask(id("c")).is_none());
        let mut c = reading.end().unwrap();
        assert_eq!(name(&c), "c");
        assert!(reading.ask(id("a")).is_none());
        assert!(c.1.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed));
        let again = reading.end().unwrap();
        assert_eq!(name(&again), "a", "anew, when one comes back");
        assert_eq!(reading.end().as_ref().map(name), Some("c"));
        assert_eq!(reading.end().as_ref().map(name), Some("b"));
        assert!(reading.end().is_none());
        assert_eq!(reading.ask(id("a")).as_ref().map(name), Some("a"), "a refresh");
    }

    /// A lab with clusters `a` and `b` of so many entries, and a session with it.
    async fn lab(entries: usize) -> (crate::lab::Lab, Session) {
        lab_with(entries, crate::lab::Faults::default()).await
    }

    async fn lab_with(entries: usize, faults: crate::lab::Faults) -> (crate::lab::Lab, Session) {
        use crate::cloud::{Credentials, Endpoint, Options};
        use crate::lab::{self, Lab};
        use crate::model::document::read;
        let entries: Vec<String> = (0..entries)
            .map(|n| format!("{{principalArn: 'arn:aws:iam::111122223333:role/r{n}', type: STANDARD}}"))
            .collect();
        let cluster = |name: &str| {
            let access = "accessConfig: {authenticationMode: API}";
            format!("- {{cluster: {{name: {name}, {access}}}, accessEntries: [{}]}}\n", entries.join(", "))
        };
        let world = format!("eksplorer: 1\nregion: eu-west-1\nclusters:\n{}{}", cluster("a"), cluster("b"));
        let latency = std::time::Duration::from_millis(2);
        let slow = lab::Options { latency, faults, ..lab::Options::default() };
        let lab = Lab::start(read(&world).unwrap(), slow).await.unwrap();
        let lab::Credentials { access_key_id, secret_access_key, session_token } = lab.credentials();
        let credentials = Credentials { access_key_id, secret_access_key, session_token };
        let endpoint = Some(Endpoint { url: lab.endpoint().to_owned(), credentials });
        let options = Options { regions: vec!["eu-west-1".into()], endpoint, ..Options::default() };
        (lab, Session::open(options, None).await.unwrap())
    }

    #[tokio::test]
    async fn another_cluster_does_not_wait_for_the_first_and_both_are_read_in_the_end() {
        let (_lab, session) = lab(200).await;
        let (ask, wanted) = mpsc::channel(MOST_REQUESTS);
        let (tx, mut updates) = mpsc::channel(load::WAITING);
        let (answering, _answers) = mpsc::channel(load::WAITING);
        tokio::spawn(serve(session, wanted, tx, answering, PathBuf::new()));
        ask.send(Request::Cluster(id("a"))).await.unwrap();
        let mut snapshot = Snapshot::default();
        let mut order = Vec::new();
        let mut switched = false;
        while order.len() < 2 {
            let update = updates.recv().await.unwrap();
            if let Update::Cluster(of, crate::model::update::ClusterUpdate::AccessEntries(section)) = &update {
                if !section.is_loading() {
                    assert_eq!(section.items().len(), 200, "{of}: {:?}", section.state());
                    order.push(of.name.clone());
                } else if !switched {
                    switched = true;
                    ask.send(Request::Cluster(id("b"))).await.unwrap();
                }
            }
            snapshot.apply(update);
        }
        assert_eq!(order, ["b", "a"]);
        assert!(!snapshot.cluster(&id("a")).access_entries.is_loading());
    }

    #[test]
    fn a_refresh_begins_again_with_what_is_being_read() {
        let mut reading = Reading::default();
        let mut a = reading.restart(id("a")).unwrap();
        assert!(reading.restart(id("a")).is_none(), "not before the reading has ended");
        assert!(a.1.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed), "broken off");
        assert!(reading.restart(id("a")).is_none());
        assert_eq!(reading.end().as_ref().map(name), Some("a"));
        assert!(reading.end().is_none(), "once, however often it was wished for");
        let mut round = Round::default();
        let mut first = round.restart().unwrap();
        assert!(round.restart().is_none() && round.restart().is_none());
        assert!(first.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed));
        assert!(round.end().is_some() && round.end().is_none());
    }

    #[tokio::test]
    async fn a_refresh_while_something_is_applied_is_made_again_after_it() {
        let (_lab, session) = lab_with(2, crate::lab::Faults::default()).await;
        let (tx, _updates) = mpsc::channel(load::WAITING);
        let (answering, _answers) = mpsc::channel(load::WAITING);
        let mut server = Server::new(session, tx, answering, PathBuf::new());
        server.applying = 2;
        let ticket = crate::app::message::Tickets::default().another();
        server.begin(Request::Refresh(ticket, None));
        assert_eq!(server.owed, Some((ticket, None)), "the session is still the one that applies");
        server.refresh = None;
        server.ended(Begun::Apply);
        assert!(server.owed.is_some() && server.refresh.is_none(), "another one is still applied");
        server.ended(Begun::Apply);
        assert!(server.owed.is_none() && server.refresh.is_some_and(|it| it.ticket == ticket), "once, and now");
    }

    #[tokio::test]
    async fn a_second_refresh_does_not_wait_for_a_call_that_hangs() {
        use crate::lab::{Fault, Faults, Kind};
        let hangs = Fault { operation: "GetCallerIdentity".into(), number: None, kind: Kind::Timeout };
        let faults = Faults::default();
        faults.add(hangs);
        let (_lab, session) = lab_with(2, faults.clone()).await;
        let (ask, wanted) = mpsc::channel(MOST_REQUESTS);
        let (tx, mut updates) = mpsc::channel(load::WAITING);
        let (answering, mut answers) = mpsc::channel(load::WAITING);
        tokio::spawn(serve(session, wanted, tx, answering, PathBuf::new()));
        let mut snapshot = Snapshot::default();
        let mut tickets = crate::app::message::Tickets::default();
        ask.send(Request::Refresh(tickets.another(), Some(id("a")))).await.unwrap();
        while snapshot.cluster(&id("a")).access_entries.items().is_empty() {
            snapshot.apply(updates.recv().await.unwrap());
        }
        assert!(snapshot.caller.value().is_none());
        faults.mend();
        let second = tickets.another();
        ask.send(Request::Refresh(second, Some(id("a")))).await.unwrap();
        let answer = loop {
            tokio::select! {
                update = updates.recv() => snapshot.apply(update.unwrap()),
                answer = answers.recv() => break answer.unwrap(),
            }
        };
        assert_eq!(answer, (second, Answer::Refreshed), "the first one never ended");
        while let Ok(update) = updates.try_recv() {
            snapshot.apply(update);
        }
        assert!(snapshot.caller.value().is_some());
    }

    #[test]
    fn one_who_comes_back_at_once_is_read_anew() {
        let mut reading = Reading::default();
        let _a = reading.ask(id("a")).unwrap();
        assert!(reading.ask(id("b")).is_none());
        assert!(reading.ask(id("a")).is_none(), "the first reading is broken off already");
        assert_eq!(reading.end().as_ref().map(name), Some("a"));
        assert_eq!(reading.end().as_ref().map(name), Some("b"));
        assert!(reading.end().is_none());
    }
}
