//! The loop that owns the state of the screen: it waits for signals, keys, answers and facts, in this order, takes in all
//! that is queued, draws once, and never sooner than a frame after the last. While nothing happens it sleeps; an age on
//! the screen wakes it only when it will read otherwise.

use std::collections::BTreeMap;
use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use futures::FutureExt;
use jiff::Timestamp;
use ratatui::layout::Size;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use super::effects::{AtHand, Feed, Live, Request, Rest, set_about};
use super::terminal::{Terminal, message};
use crate::app::effect::Effect;
use crate::app::keymap::Keymap;
use crate::app::message::{Answer, Msg, Ticket};
use crate::app::{App, Setup, update};
use crate::cloud::SignalsHandled;
use crate::model::sign_in::SessionStatus;
use crate::model::snapshot::Snapshot;
use crate::model::time::Time;
use crate::model::update::{Call, Update};
use crate::view::draw;
use crate::view::theme::Theme;

/// Two frames are at least so far apart.
const FRAME: Duration = Duration::from_millis(16);
/// So many messages are taken in before a frame is drawn, however many are queued.
const MOST_AT_ONCE: usize = 256;
/// A process that asked to be stopped and was not (nobody would wake it) goes on after this.
const STOPPED_BY_NOW: Duration = Duration::from_millis(250);
/// The exit code of a program that panicked.
const PANICKED: u8 = 101;

/// How the screen looks and where it starts.
#[derive(Clone, Debug)]
pub struct ScreenOptions {
    /// The cluster asked for by name.
    pub cluster: Option<String>,
    /// Which key means what.
    pub keymap: Keymap,
    /// May changes be staged and applied?
    pub write: bool,
    /// What the configuration says of single clusters.
    pub writes: BTreeMap<String, bool>,
    /// Whether names that nobody knows are taken as they are, and not asked back.
    pub assume_exists: bool,
    /// The endpoint of EKS; `None` is AWS's own.
    pub endpoint: Option<String>,
    /// Where the journal is kept.
    pub folder: PathBuf,
    /// How it looks; without colours where NO_COLOR is set.
    pub theme: Theme,
}

impl ScreenOptions {
    /// As the program ships, without colours if so wished.
    pub fn standard(cluster: Option<String>, no_color: bool) -> anyhow::Result<Self> {
        let theme = Theme::standard().context("the theme is not sound")?;
        let theme = if no_color { theme.without_color() } else { theme };
        let keymap = Keymap::standard().context("the keymap is not sound")?;
        let folder = super::files::state_folder(None);
        Ok(ScreenOptions {
            cluster,
            keymap,
            theme,
            write: false,
            writes: BTreeMap::new(),
            assume_exists: false,
            endpoint: None,
            folder,
        })
    }
}

/// Runs the screen until the user leaves or a signal ends it. The terminal is given back before this returns.
pub async fn screen(snapshot: Snapshot, feed: Feed, options: ScreenOptions) -> anyhow::Result<ExitCode> {
    let ScreenOptions { cluster, keymap, theme, write, writes, assume_exists, endpoint, folder } = options;
    let _handled = SignalsHandled::new();
    // Before the terminal is claimed: a signal in between must not find it unguarded.
    let signals = Signals::listen().context("could not listen for signals")?;
    let terminal = Terminal::claim().context("could not set up the terminal")?;
    let size = terminal.size().context("could not ask for the terminal's size")?;
    let app = App::new(snapshot, Setup { cluster, keymap, write, writes, assume_exists, endpoint }, size, now());
    let (feed, requests) = Source::of(feed);
    let mut screen = Loop { app, terminal, theme, requests, folder, tasks: JoinSet::new(), rest: Vec::new() };
    let outcome = screen.run(signals, feed).await;
    let Loop { terminal, mut tasks, .. } = screen;
    drop(terminal);
    // What is being computed is small and is waited for; what only waits is cut short.
    tasks.shutdown().await;
    outcome
}

fn now() -> Time {
    Time(Timestamp::now())
}

/// The signals that concern a screen.
struct Signals {
    terminate: Signal,
    hang_up: Signal,
    interrupt: Signal,
    resumed: Signal,
    resized: Signal,
}

/// By convention a program ended by a signal exits with 128 and its number.
const BY_SIGNAL: u8 = 128;
const SIGCONT: i32 = rustix::process::Signal::CONT.as_raw();

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            resumed: signal(SignalKind::from_raw(SIGCONT))?,
            resized: signal(SignalKind::window_change())?,
        })
    }

    async fn next(&mut self) -> Heard {
        let end = |kind: SignalKind| Heard::End(u8::try_from(kind.as_raw_value()).map_or(BY_SIGNAL, |n| BY_SIGNAL + n));
        tokio::select! {
            _ = self.terminate.recv() => end(SignalKind::terminate()),
            _ = self.hang_up.recv() => end(SignalKind::hangup()),
            _ = self.interrupt.recv() => end(SignalKind::interrupt()),
            _ = self.resumed.recv() => Heard::Resumed,
            _ = self.resized.recv() => Heard::Resized,
        }
    }
}

/// What a signal says.
enum Heard {
    /// End, with this exit code.
    End(u8),
    /// Stopped by somebody and woken again: the terminal may be in any state.
    Resumed,
    /// The terminal has another size.
    Resized,
}

/// The receiving side of a feed.
struct Source {
    updates: Option<mpsc::Receiver<Update>>,
    answers: Option<mpsc::Receiver<(Ticket, Answer)>>,
    calls: Option<mpsc::Receiver<Call>>,
    status: Option<watch::Receiver<SessionStatus>>,
    task: Option<JoinHandle<()>>,
}

impl Source {
    fn of(feed: Feed) -> (Self, Option<mpsc::Sender<Request>>) {
        match feed {
            Feed::Fixed => (Source { updates: None, answers: None, calls: None, status: None, task: None }, None),
            Feed::Live(live) => {
                let Live { requests, updates, answers, calls, mut status, task } = live;
                // What it is at the start is news, too.
                status.mark_changed();
                let source = Source {
                    updates: Some(updates),
                    answers: Some(answers),
                    calls: Some(calls),
                    status: Some(status),
                    task: Some(task),
                };
                (source, Some(requests))
            }
        }
    }

    /// What it has to say next; never, once it has nothing more to say.
    async fn next(&mut self) -> Event {
        let Source { updates, answers, calls, status, task } = self;
        tokio::select! {
            biased;
            panicked = end_of(task) => Event::SourceEnded(panicked),
            Some(status) = status_of(status) => Event::News(Msg::Session(Box::new(status))),
            Some((ticket, answer)) = next_of(answers) => Event::News(Msg::Answer(ticket, answer)),
            Some(update) = next_of(updates) => Event::News(Msg::Update(Box::new(update))),
            Some(call) = next_of(calls) => Event::News(Msg::Call(call)),
            else => pending().await,
        }
    }
}

/// The end of a task: true if it panicked.
async fn end_of(task: &mut Option<JoinHandle<()>>) -> bool {
    let Some(running) = task else { return pending().await };
    let panicked = running.await.is_err_and(|error| error.is_panic());
    *task = None;
    panicked
}

async fn next_of<T>(receiver: &mut Option<mpsc::Receiver<T>>) -> Option<T> {
    let got = match receiver {
        Some(open) => open.recv().await,
        None => return None,
    };
    if got.is_none() {
        *receiver = None;
    }
    got
}

/// The next status; none, once there is nobody to have one.
async fn status_of(receiver: &mut Option<watch::Receiver<SessionStatus>>) -> Option<SessionStatus> {
    let changed = match receiver {
        Some(open) => open.changed().await.ok().map(|()| open.borrow_and_update().clone()),
        None => return None,
    };
    if changed.is_none() {
        *receiver = None;
    }
    changed
}

/// The terminal's events, read by a thread of their own. Reading may block where nothing seems to wait (a shell that had
/// the terminal meanwhile took what was announced), so no task may do it: the program could not even end. The thread is
/// therefore not waited for at the end, and sizes come by signal as well.
struct Input {
    events: mpsc::Receiver<io::Result<crossterm::event::Event>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Input {
    fn listen() -> io::Result<Self> {
        let (send, events) = mpsc::channel(MOST_AT_ONCE);
        let thread = std::thread::Builder::new().name("input".to_owned()).spawn(move || {
            loop {
                let event = crossterm::event::read();
                let over = event.is_err();
                if send.blocking_send(event).is_err() || over {
                    break;
                }
            }
        })?;
        Ok(Input { events, thread: Some(thread) })
    }

    async fn next(&mut self) -> Event {
        match self.events.recv().await {
            Some(event) => Event::Input(event),
            // It let go of the channel, so it has ended or is about to.
            None => Event::InputEnded(self.thread.take().is_some_and(|thread| thread.join().is_err())),
        }
    }
}

/// Something that the loop woke up for.
enum Event {
    Signal(Heard),
    Input(io::Result<crossterm::event::Event>),
    InputEnded(bool),
    Task(Result<Option<Msg>, tokio::task::JoinError>),
    News(Msg),
    SourceEnded(bool),
    Frame,
    Clock,
}

struct Loop {
    app: App,
    terminal: Terminal,
    theme: Theme,
    requests: Option<mpsc::Sender<Request>>,
    /// Where the journal is kept.
    folder: PathBuf,
    tasks: JoinSet<Option<Msg>>,
    /// What only the loop can do, waiting for the moment between two frames.
    rest: Vec<Rest>,
}

impl Loop {
    async fn run(&mut self, mut signals: Signals, mut source: Source) -> anyhow::Result<ExitCode> {
        let mut input = Input::listen().context("could not start to read from the terminal")?;
        let effects = self.app.begin();
        self.set_about(effects);
        self.draw()?;
        let mut drawn = Instant::now();
        let mut dirty = false;
        loop {
            let frame = dirty.then(|| drawn + FRAME);
            let clock = self.app.wakes_in().map(|seconds| Instant::now() + Duration::from_secs(seconds));
            let event = self.wait(&mut signals, &mut input, &mut source, frame, clock).await;
            if let Some(code) = self.take(event, &mut dirty)? {
                return Ok(code);
            }
            // Take in what is queued, without waiting, before a frame is drawn; not for longer than a frame, so that a
            // flood of news keeps no key from being seen.
            let began = Instant::now();
            for _ in 0..MOST_AT_ONCE {
                if began.elapsed() >= FRAME {
                    break;
                }
                let queued = self.wait(&mut signals, &mut input, &mut source, None, None).now_or_never();
                let Some(event) = queued else { break };
                if let Some(code) = self.take(event, &mut dirty)? {
                    return Ok(code);
                }
            }
            for rest in std::mem::take(&mut self.rest) {
                match rest {
                    Rest::Quit => return Ok(ExitCode::SUCCESS),
                    Rest::Copy(text) => self.terminal.copy(&text).context("could not write to the terminal")?,
                    Rest::Suspend => {
                        self.suspend(&mut signals).await?;
                        dirty = true;
                    }
                }
            }
            if dirty && drawn.elapsed() >= FRAME {
                self.draw()?;
                drawn = Instant::now();
                dirty = false;
            }
        }
    }

    /// Waits for the next event, the urgent ones first.
    async fn wait(
        &mut self,
        signals: &mut Signals,
        input: &mut Input,
        source: &mut Source,
        frame: Option<Instant>,
        clock: Option<Instant>,
    ) -> Event {
        tokio::select! {
            biased;
            heard = signals.next() => Event::Signal(heard),
            event = input.next() => event,
            Some(done) = self.tasks.join_next() => Event::Task(done),
            event = source.next() => event,
            () = at(frame) => Event::Frame,
            () = at(clock) => Event::Clock,
        }
    }

    /// Takes in an event; gives the exit code if it ends the program.
    fn take(&mut self, event: Event, dirty: &mut bool) -> anyhow::Result<Option<ExitCode>> {
        let msg = match event {
            Event::Signal(Heard::End(code)) => return Ok(Some(ExitCode::from(code))),
            Event::Signal(Heard::Resumed) => {
                self.terminal.resume().context("could not set up the terminal again")?;
                Some(Msg::Resize(self.size()?))
            }
            Event::Signal(Heard::Resized) => Some(Msg::Resize(self.size()?)),
            // The terminal is gone: there is nobody left.
            Event::InputEnded(false) => return Ok(Some(ExitCode::FAILURE)),
            Event::Input(event) => message(event.context("could not read from the terminal")?),
            Event::Task(Ok(msg)) => msg,
            Event::Task(Err(error)) if error.is_panic() => return Ok(Some(ExitCode::from(PANICKED))),
            Event::Task(Err(_)) => None,
            Event::SourceEnded(true) | Event::InputEnded(true) => return Ok(Some(ExitCode::from(PANICKED))),
            Event::SourceEnded(false) => None,
            Event::News(msg) => Some(msg),
            Event::Frame => return Ok(None),
            Event::Clock => None,
        };
        let effects = update(&mut self.app, Msg::Clock(now()));
        self.set_about(effects);
        if let Some(msg) = msg {
            let effects = update(&mut self.app, msg);
            self.set_about(effects);
        }
        *dirty = true;
        Ok(None)
    }

    fn set_about(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let at_hand =
                AtHand { snapshot: &self.app.snapshot, analysis: self.app.analysis.as_ref(), folder: &self.folder };
            let rest = set_about(effect, at_hand, self.requests.as_ref(), &mut self.tasks);
            self.rest.extend(rest);
        }
    }

    fn draw(&mut self) -> anyhow::Result<()> {
        let (app, theme) = (&self.app, &self.theme);
        self.terminal.screen().draw(|frame| draw(frame, app, theme)).context("could not draw on the terminal")?;
        Ok(())
    }

    /// Gives the terminal back, stops the whole job as the shell would, and claims the terminal again when woken.
    async fn suspend(&mut self, signals: &mut Signals) -> anyhow::Result<()> {
        self.terminal.pause();
        // An earlier wake-up must not be taken for the one that is still to come.
        while signals.resumed.recv().now_or_never().flatten().is_some() {}
        rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)
            .context("could not stop the program")?;
        // Where no shell watches over the job, the system does not stop it, and nothing will wake it either.
        let _ = timeout(STOPPED_BY_NOW, signals.resumed.recv()).await;
        self.terminal.resume().context("could not set up the terminal again")?;
        let size = self.size()?;
        let effects = update(&mut self.app, Msg::Resize(size));
        self.set_about(effects);
        Ok(())
    }

    fn size(&self) -> anyhow::Result<Size> {
        self.terminal.size().context("could not ask for the terminal's size")
    }
}

/// Waits until then; for ever if there is no then.
async fn at(when: Option<Instant>) {
    match when {
        Some(when) => sleep_until(when).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::super::effects::MOST_REQUESTS;
    use super::*;
    use crate::model::cluster::ClusterId;
    use crate::model::snapshot::Section;

    struct Wires {
        updates: mpsc::Sender<Update>,
        requests: mpsc::Receiver<Request>,
    }

    fn live(task: JoinHandle<()>) -> (Source, mpsc::Sender<Request>, Wires) {
        let (updates, from_updates) = mpsc::channel(4);
        let (_, from_calls) = mpsc::channel(4);
        let (_, answers) = mpsc::channel(4);
        let (ask, requests) = mpsc::channel(MOST_REQUESTS);
        let (_, status) = watch::channel(SessionStatus::default());
        let feed = Feed::Live(Live { requests: ask, updates: from_updates, answers, calls: from_calls, status, task });
        let (source, asked) = Source::of(feed);
        (source, asked.expect("a live feed can be asked"), Wires { updates, requests })
    }

    #[tokio::test]
    async fn a_source_that_panics_ends_the_program_and_one_that_ends_does_not() {
        let (mut source, _ask, _wires) = live(tokio::spawn(async { std::panic::panic_any("on purpose") }));
        let at_the_start = source.next().await;
        assert!(matches!(at_the_start, Event::News(Msg::Session(_))), "what the session waits for then is news");
        assert!(matches!(source.next().await, Event::SourceEnded(true)));
        let (mut source, _ask, wires) = live(tokio::spawn(async {}));
        assert!(matches!(source.next().await, Event::News(Msg::Session(_))));
        assert!(matches!(source.next().await, Event::SourceEnded(false)));
        wires.updates.send(Update::Clusters(Section::default())).await.expect("the loop listens");
        assert!(matches!(source.next().await, Event::News(Msg::Update(_))), "what it sent last is still taken in");
        drop(wires);
        assert!(source.next().now_or_never().is_none(), "and then there is nothing, which costs nothing");
    }

    #[tokio::test]
    async fn requests_beyond_what_may_wait_are_kept_beside_the_loop() {
        let (_source, ask, mut wires) = live(tokio::spawn(pending()));
        let mut tasks = JoinSet::new();
        let snapshot = std::sync::Arc::new(Snapshot::default());
        let at_hand = AtHand { snapshot: &snapshot, analysis: None, folder: std::path::Path::new("") };
        let id = ClusterId { region: "r".into(), name: "c".into() };
        for _ in 0..=MOST_REQUESTS {
            let rest = set_about(Effect::Load(id.clone()), at_hand, Some(&ask), &mut tasks);
            assert_eq!(rest, None);
        }
        assert_eq!(tasks.len(), 1);
        for _ in 0..=MOST_REQUESTS {
            assert_eq!(wires.requests.recv().await, Some(Request::Cluster(id.clone())));
        }
    }

    #[test]
    fn what_only_the_loop_can_do_comes_back_to_it() {
        let snapshot = std::sync::Arc::new(Snapshot::default());
        let at_hand = AtHand { snapshot: &snapshot, analysis: None, folder: std::path::Path::new("") };
        let mut tasks = JoinSet::new();
        let mut rest = |effect| set_about(effect, at_hand, None, &mut tasks);
        assert_eq!(rest(Effect::Copy("x".into())), Some(Rest::Copy("x".into())));
        assert_eq!(rest(Effect::Suspend), Some(Rest::Suspend));
        assert_eq!(rest(Effect::Quit), Some(Rest::Quit));
        assert_eq!(rest(Effect::Overview), None, "a file has nobody to ask");
    }
}
