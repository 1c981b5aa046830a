//! The whole program in a terminal: started, used, resized, suspended, ended by a signal.
//!
//! Nothing here sleeps: every wait names what it waits for, and says so with the screen when it gives up.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

use crate::stage::{SESSION, WORLD};

/// A wait that takes longer has failed. Generous, since the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Pty {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    input: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    /// All that the program wrote, as it came.
    raw: Vec<u8>,
}

impl Pty {
    pub(crate) fn start(rows: u16, cols: u16, command: CommandBuilder) -> Self {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo terminal");
        let child = pair.slave.spawn_command(command).expect("the program starts");
        // Only the child may hold the terminal's other side, or its end is never seen.
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let (send, output) = channel();
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut chunk) {
                if send.send(chunk[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        let input = pair.master.take_writer().expect("a writer");
        let screen = vt100::Parser::new(cells(rows), cells(cols), 0);
        Pty { master: pair.master, child, input, output, screen, raw: Vec::new() }
    }

    /// The program itself, on the small world.
    fn eksplorer(rows: u16, cols: u16) -> Self {
        Self::with(rows, cols, &["--from", world().to_str().expect("a path")])
    }

    /// The program itself, with these arguments.
    fn with(rows: u16, cols: u16, args: &[&str]) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_eksplorer"));
        command.args(args);
        command.env("TERM", "xterm-256color");
        let mut pty = Self::start(rows, cols, command);
        pty.until("the list is there", |it| it.has("PRINCIPAL"));
        pty
    }

    pub(crate) fn text(&self) -> String {
        self.screen.screen().contents()
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.text().contains(text)
    }

    /// Has the program written this?
    pub(crate) fn raw_has(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.raw).contains(text)
    }

    /// Does the shell wait for a command?
    fn is_at_prompt(&self) -> bool {
        !self.screen.screen().alternate_screen() && self.text().trim_end().ends_with("ready>")
    }

    pub(crate) fn type_in(&mut self, bytes: &str) {
        self.input.write_all(bytes.as_bytes()).expect("the program reads");
        self.input.flush().expect("the program reads");
    }

    fn paste(&mut self, text: &str) {
        self.type_in(&format!("\u{1b}[200~{text}\u{1b}[201~"));
    }

    fn resize(&mut self, rows: u16, cols: u16) {
        self.screen.screen_mut().set_size(cells(rows), cells(cols));
        self.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).expect("resizes");
    }

    /// Waits until it is so.
    pub(crate) fn until(&mut self, what: &str, is_so: impl Fn(&Pty) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_so(self) {
            match self.output.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(chunk) => self.take(&chunk),
                Err(RecvTimeoutError::Timeout) => panic!("waited in vain until {what}:\n{}", self.text()),
                Err(RecvTimeoutError::Disconnected) if is_so(self) => {}
                Err(RecvTimeoutError::Disconnected) => panic!("it ended before {what}:\n{}", self.text()),
            }
        }
    }

    fn take(&mut self, chunk: &[u8]) {
        self.screen.process(chunk);
        self.raw.extend_from_slice(chunk);
    }

    /// Waits for the end of the program and of all that it wrote.
    pub(crate) fn end(mut self) -> Ended {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.output.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(chunk) => self.take(&chunk),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end:\n{}", self.text()),
            }
        }
        let status = self.child.wait().expect("it ended");
        Ended { status, alternate: self.screen.screen().alternate_screen(), raw: self.raw }
    }

    fn signal(&self, name: &str) {
        let id = self.child.process_id().expect("it runs").to_string();
        let sent = std::process::Command::new("kill").args(["-s", name, &id]).status().expect("kill");
        assert!(sent.success(), "kill -s {name} {id}");
    }
}

fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).expect("a terminal has cells")
}

pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    alternate: bool,
    pub(crate) raw: Vec<u8>,
}

impl Ended {
    /// The terminal is as it was: no alternate screen, no mouse, no bracketed paste, and the cursor is seen.
    fn assert_given_back(&self) {
        assert!(!self.alternate, "the alternate screen was left");
        let text = String::from_utf8_lossy(&self.raw);
        for (on, off) in
            [("\u{1b}[?1000h", "\u{1b}[?1000l"), ("\u{1b}[?2004h", "\u{1b}[?2004l"), ("\u{1b}[?25l", "\u{1b}[?25h")]
        {
            let (on_at, off_at) = (text.rfind(on), text.rfind(off));
            assert!(on_at.is_some() && off_at > on_at, "{on:?} was not undone");
        }
    }
}

/// The small world as a file.
fn world() -> PathBuf {
    let path = std::env::temp_dir().join(format!("eksplorer-small-world-{}.yaml", std::process::id()));
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| std::fs::write(&path, WORLD).expect("the world is written"));
    path
}

#[test]
fn a_pasted_session_is_traced_and_the_program_left_with_the_terminal_as_it_was() {
    let mut pty = Pty::eksplorer(36, 120);
    pty.until("rows are there", |it| it.has("role/teams/blue/deployer"));
    pty.paste(SESSION);
    pty.until("the jump has the ARN", |it| it.has("Jump") && it.has(SESSION));
    pty.type_in("\r");
    pty.until("the trace has its answer", |it| it.has("deployer / jane@corp.com") && it.has("gets in"));
    pty.until("the trace has its chain", |it| it.has("AmazonEKSEditPolicy"));
    pty.type_in("\u{1b}");
    pty.until("the list is back", |it| it.has("PRINCIPAL"));
    pty.type_in("q");
    let ended = pty.end();
    assert_eq!(ended.status.exit_code(), 0);
    ended.assert_given_back();
}

#[test]
fn the_demo_says_as_whom_a_pasted_session_gets_in_with_one_key_beside_the_paste() {
    let mut pty = Pty::with(30, 110, &["--demo"]);
    pty.paste(SESSION);
    pty.until("the jump has the ARN", |it| it.has(SESSION));
    pty.type_in("\r");
    pty.until("the answer is there", |it| it.has("gets in as") && it.has("with groups deployers"));
    pty.until("the reason is there", |it| it.has("an access entry wins in this mode"));
    pty.type_in("\u{3}");
    let ended = pty.end();
    assert_eq!(ended.status.exit_code(), 0);
    ended.assert_given_back();
}

#[test]
fn from_a_matrix_over_a_cell_to_who_else_can_and_back_and_to_the_api_server() {
    let mut pty = Pty::with(36, 120, &["--demo", "-c", "prod-eu1"]);
    pty.until("everything is read", |it| it.has("read just now") || it.has("just now"));
    pty.type_in("6/blue/deployer\r");
    pty.until("the row is there", |it| it.has("1 of 1") || it.has("role/teams/blue/deployer"));
    pty.type_in("m");
    pty.until("its matrix is there", |it| it.has("namespace blue ▾") && it.has("delcoll"));
    pty.type_in("n");
    pty.until("the namespaces are there", |it| it.has("grants of their own come first"));
    pty.type_in("cluster\r");
    pty.until("the whole cluster is shown", |it| it.has("· cluster ▾") && !it.has("grants of their own"));
    pty.type_in("j");
    pty.until("the cell is explained", |it| it.has("get pods:") && it.has("ClusterRoleBinding readers"));
    pty.type_in("w");
    pty.until("everybody who can is there", |it| it.has("who can get pods everywhere?") && it.has("principals ·"));
    pty.type_in("\u{1b}");
    pty.until("the matrix is back", |it| it.has("· cluster ▾") && it.has("get pods:"));
    pty.type_in("im");
    pty.until("the own matrix is there", |it| it.has("oncall") && it.has("get secrets:"));
    pty.type_in("jx");
    pty.until("the API server agrees", |it| it.has("API server agrees: allowed"));
    pty.type_in("\u{3}");
    let ended = pty.end();
    assert_eq!(ended.status.exit_code(), 0);
    ended.assert_given_back();
}

#[test]
fn a_signal_ends_it_with_the_terminal_as_it_was() {
    for (name, code) in [("TERM", 143), ("HUP", 129), ("INT", 130)] {
        let pty = Pty::eksplorer(24, 80);
        pty.signal(name);
        let ended = pty.end();
        assert_eq!(ended.status.exit_code(), code, "SIG{name}");
        ended.assert_given_back();
    }
}

#[test]
fn a_resized_terminal_is_drawn_anew() {
    let mut pty = Pty::eksplorer(24, 80);
    assert!(!pty.has("│"), "no detail beside the list at this width");
    pty.resize(40, 140);
    pty.until("the detail stands beside the list", |it| it.has("│"));
    pty.resize(10, 40);
    pty.until("it says that it is too small", |it| it.has("needs 60×16"));
    pty.type_in("q");
    assert_eq!(pty.end().status.exit_code(), 0);
}

#[test]
fn suspended_it_gives_the_terminal_to_the_shell_and_comes_back() {
    // A shell that watches over jobs, as a person's does; it stops the program, and wakes it again.
    let mut command = CommandBuilder::new("bash");
    command.args(["--norc", "--noprofile", "-i"]);
    command.env("TERM", "xterm-256color");
    command.env("PS1", "ready> ");
    let mut pty = Pty::start(24, 80, command);
    pty.until("the shell is ready", Pty::is_at_prompt);
    let program = env!("CARGO_BIN_EXE_eksplorer");
    pty.type_in(&format!("{program} --from {}\n", world().display()));
    pty.until("the list is there", |it| it.has("PRINCIPAL"));
    pty.type_in("\u{1a}");
    pty.until("the shell has the terminal", |it| it.has("Stopped") && it.is_at_prompt());
    assert!(!pty.screen.screen().alternate_screen());
    pty.type_in("fg\n");
    pty.until("the list is back", |it| it.has("PRINCIPAL") && it.screen.screen().alternate_screen());
    pty.type_in("q");
    pty.until("the shell has the terminal again", Pty::is_at_prompt);
    pty.type_in("exit $?\n");
    assert_eq!(pty.end().status.exit_code(), 0);
}

/// Set for a run of this very program in which [`a_panic_gives_the_terminal_back_before_it_speaks`] plays the one that
/// panics: the product itself has no way to be made to.
const PANICS: &str = "EKSPLORER_TEST_PANICS";
const LAST_WORDS: &str = "a panic on purpose";

#[test]
fn a_panic_gives_the_terminal_back_before_it_speaks() {
    if std::env::var_os(PANICS).is_some() {
        let mut terminal = eksplorer::run::terminal::Terminal::claim().expect("the terminal");
        terminal.screen().draw(|_| ()).expect("draws");
        panic!("{LAST_WORDS}");
    }
    let mut command = CommandBuilder::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "pty::a_panic_gives_the_terminal_back_before_it_speaks", "--nocapture"]);
    command.env(PANICS, "1");
    command.env("TERM", "xterm-256color");
    let ended = Pty::start(24, 80, command).end();
    assert_ne!(ended.status.exit_code(), 0);
    ended.assert_given_back();
    let text = String::from_utf8_lossy(&ended.raw);
    let (left, spoke) = (text.find("\u{1b}[?1049l"), text.find(LAST_WORDS));
    assert!(left.is_some() && spoke.is_some() && left < spoke, "the words must not go down with the screen: {text:?}");
}

#[test]
fn with_no_color_nothing_is_coloured() {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_eksplorer"));
    command.args(["--from", world().to_str().expect("a path")]);
    command.env("TERM", "xterm-256color");
    command.env("NO_COLOR", "1");
    let mut pty = Pty::start(24, 100, command);
    pty.until("rows are there", |it| it.has("role/teams/blue/deployer"));
    pty.type_in("q");
    let raw = String::from_utf8_lossy(&pty.end().raw).into_owned();
    let coloured =
        |sgr: &str| sgr.split(';').any(|it| matches!(it.parse(), Ok(30..=38 | 40..=48 | 90..=97 | 100..=107)));
    let sgrs = raw.split("\u{1b}[").filter_map(|rest| rest.split_once('m').map(|(sgr, _)| sgr));
    let found: Vec<&str> =
        sgrs.filter(|sgr| sgr.bytes().all(|b| b.is_ascii_digit() || b == b';')).filter(|it| coloured(it)).collect();
    assert!(found.is_empty(), "{found:?}");
}

/// Counts keys that are not part of a typed word.
#[derive(Default)]
struct Fingers(usize);

impl Fingers {
    fn key(&mut self, pty: &mut Pty, key: &str) {
        self.0 += 1;
        pty.type_in(key);
    }
}

/// Answers what the review on the screen asks, until the cluster's name is asked for.
fn say_yes(pty: &mut Pty, fingers: &mut Fingers) {
    pty.until("the review is settled", |it| it.has("applies it.") || it.has(": y says yes"));
    while pty.has(": y says yes") {
        fingers.key(pty, "y");
        let open = |text: &str| text.lines().filter(|it| it.trim_start().starts_with("? asks")).count();
        let before = open(&pty.text());
        pty.until("it is answered", |it| open(&it.text()) < before);
    }
    fingers.key(pty, "\r");
    pty.until("the name is asked for", |it| it.has("Type the cluster's name"));
}

#[test]
fn access_is_granted_by_keyboard_applied_and_undone() {
    let state = std::env::temp_dir().join(format!("eksplorer-state-{}", std::process::id()));
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_eksplorer"));
    command.args(["--demo", "-c", "prod-eu1", "--write"]);
    command.env("TERM", "xterm-256color");
    command.env("XDG_STATE_HOME", &state);
    let mut pty = Pty::start(36, 120, command);
    pty.until("everything is read", |it| it.has("WRITE") && it.has("just now"));
    let mut fingers = Fingers::default();
    fingers.key(&mut pty, "6");
    fingers.key(&mut pty, "/");
    pty.type_in("green-oncall");
    fingers.key(&mut pty, "\r");
    pty.until("the row is there", |it| it.has("1 of 1") || it.has("1 of "));
    fingers.key(&mut pty, "a");
    pty.until("the policies are there", |it| it.has("Add access · 2 of 3"));
    pty.type_in("view");
    fingers.key(&mut pty, "\r");
    pty.until("the namespaces are there", |it| it.has("Add access · 3 of 3"));
    pty.type_in("payments");
    fingers.key(&mut pty, "\r");
    pty.until("it is staged", |it| it.has("Staged: ") && it.has("staged 1"));
    fingers.key(&mut pty, "r");
    say_yes(&mut pty, &mut fingers);
    pty.type_in("prod-eu1");
    fingers.key(&mut pty, "\r");
    pty.until("it is applied as planned", |it| it.has("As planned"));
    assert!(fingers.0 <= 12, "{} keys beside the words", fingers.0);
    assert!(!pty.has("staged 1"), "{}", pty.text());

    let mut fingers = Fingers::default();
    fingers.key(&mut pty, "u");
    pty.until("the undo is reviewed", |it| it.has("Undo · prod-eu1") && it.has("DeleteAccessEntry"));
    // What was applied may be read again meanwhile, which asks the questions anew.
    say_yes(&mut pty, &mut fingers);
    pty.type_in("prod-eu1\r");
    pty.until("it is undone as planned", |it| it.has("Undo · prod-eu1") && it.has("As planned"));
    assert!(fingers.0 <= 3, "{} keys beside the confirmation", fingers.0);
    pty.type_in("\u{3}");
    let ended = pty.end();
    assert_eq!(ended.status.exit_code(), 0);
    ended.assert_given_back();
    let _ = std::fs::remove_dir_all(state);
}

#[test]
fn what_a_crash_left_in_doubt_is_told_at_the_start_read_back_and_resumed() {
    use eksplorer::edit::record::Event;
    use eksplorer::journal::Moment;
    use eksplorer::lab::Options;

    use crate::apply::bench::Bench;

    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let bench = runtime.block_on(Bench::start("pty-doubt", Options::default()));
    let id = runtime.block_on(async {
        let batch = bench.batch(4).await;
        // The call of the second step is made, and nobody writes down its end.
        let cut = Box::new(|moment, line: &eksplorer::edit::record::Line| {
            !(moment == Moment::Before && matches!(line.event, Event::Outcome { step: 2, .. }))
        });
        bench.apply(batch.clone(), Some(cut)).await.expect_err("it is cut");
        batch.id
    });
    let keys = bench.lab.credentials();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_eksplorer"));
    command.args(["-c", "c", "--region", "eu-west-1", "--write", "--state-dir"]);
    command.arg(&bench.folder);
    command.env("TERM", "xterm-256color");
    for (name, value) in [
        ("AWS_ENDPOINT_URL", bench.lab.endpoint()),
        ("AWS_ACCESS_KEY_ID", &keys.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key),
        ("AWS_SESSION_TOKEN", keys.session_token.as_deref().unwrap_or_default()),
    ] {
        command.env(name, value);
    }
    let mut pty = Pty::start(40, 120, command);
    pty.until("it is told", |it| {
        it.has("stopped at step 2 of 4, and whether that step was done is not known: J shows it")
    });
    pty.type_in("J");
    pty.until("the batch is there", |it| it.has("in doubt: step 2 of 4"));
    pty.type_in("\r");
    pty.until("the truth was read", |it| it.has("Read just now: step 2 was done."));
    assert_eq!(bench.calls(), 2, "looking makes no call that writes");
    pty.type_in("R");
    pty.until("the review is there", |it| it.has("Resume · c") && it.has("2 steps are done"));
    say_yes(&mut pty, &mut Fingers::default());
    pty.type_in("c\r");
    pty.until("it came to its end", |it| it.has("As planned"));
    assert_eq!(bench.calls(), 4, "what was done is not done again");
    pty.until("the journal was read again", |it| !it.has("open: J"));
    pty.type_in("N");
    pty.until("the note is there", |it| it.has("# Access change on c") && it.has("**done**"));
    pty.type_in("\u{1b}");
    pty.until("the batch is back", |it| it.has("Resume · c") && !it.has("# Access change"));
    pty.type_in("J");
    pty.until("it is done", |it| it.has("1 batch") && it.has(" done ") && !it.has("open here"));
    pty.type_in("u");
    pty.until("the undo is reviewed", |it| it.has("Undo · c"));
    pty.type_in("\u{3}");
    let ended = pty.end();
    assert_eq!(ended.status.exit_code(), 0, "{id}");
    ended.assert_given_back();
}
