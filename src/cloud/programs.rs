//! Programs that give credentials: a profile's `credential_process`, a kubeconfig's exec plugin.
//!
//! Decides how such a program is run: one at a time, in a session of its own without a controlling terminal, so that it can
//! neither read the keys nor write over the screen; with nothing to read, its output kept; for a limited time; and it does
//! not outlive this program. What it is asked for and what its output means is its caller's.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use process_wrap::tokio::{ChildWrapper, CommandWrap, ProcessSession};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::signal::unix::{SignalKind, signal};

use super::status_board::StatusBoard;

/// How long a program may take: people look for a code, a key or a browser window meanwhile.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Credentials have a few kilobytes.
const MOST_OUTPUT: u64 = 1 << 20;
/// How long the pipes of a program that has ended are read: something that it left behind may hold them open.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Which program, with what.
#[derive(Clone, Debug, Default)]
pub(super) struct Program {
    /// `credential_process of profile "prod"`
    pub(super) name: String,
    pub(super) command: OsString,
    pub(super) arguments: Vec<String>,
    /// Set on top of this program's environment.
    pub(super) variables: Vec<(String, String)>,
    pub(super) patience: Option<Duration>,
    /// Where a person sees that it runs, and can stop it.
    pub(super) board: StatusBoard,
}

/// Why it gave nothing.
#[derive(Debug)]
pub(super) enum ProgramError {
    /// It could not be started.
    NotStarted(io::Error),
    /// It ended without success; what it wrote to its error output.
    Failed(ExitStatus, String),
    /// It had not ended in time.
    Late(Duration, String),
    /// A person no longer wanted to wait for it.
    Stopped(String),
}

impl ProgramError {
    /// What happened, to go after the program's name.
    pub(super) fn said(&self) -> String {
        let quoted = |stderr: &str| if stderr.is_empty() { String::new() } else { format!(": {stderr}") };
        match self {
            ProgramError::NotStarted(error) => format!("could not be started: {error}"),
            ProgramError::Failed(status, stderr) => {
                let how = status.code().map_or_else(|| status.to_string(), |code| format!("exit status {code}"));
                format!("failed ({how}){}", quoted(stderr))
            }
            ProgramError::Late(patience, stderr) => format!(
                "gave no answer in {} s and was ended; it has no terminal to ask on{}",
                patience.as_secs_f32(),
                quoted(stderr)
            ),
            ProgramError::Stopped(stderr) => {
                format!("was stopped before it gave an answer; a refresh runs it again{}", quoted(stderr))
            }
        }
    }
}

/// One at a time: two that ask for a code or write the same cache would be in each other's way.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
/// The groups of those that run; `None` once this program ends, and then none is started any more.
static RUNNING: Mutex<Option<BTreeSet<i32>>> = Mutex::new(Some(BTreeSet::new()));
static WATCHED: Once = Once::new();
static HANDLED_ELSEWHERE: AtomicUsize = AtomicUsize::new(0);

/// Ends all programs that still run: to be called when this program ends.
pub fn end_programs() {
    let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner).take();
    for group in running.into_iter().flatten().filter_map(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// As long as it lives, somebody else decides what a signal does to this program.
#[derive(Debug)]
pub struct SignalsHandled(());

impl SignalsHandled {
    /// Says so from now on.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        HANDLED_ELSEWHERE.fetch_add(1, Ordering::SeqCst);
        SignalsHandled(())
    }
}

impl Drop for SignalsHandled {
    fn drop(&mut self) {
        HANDLED_ELSEWHERE.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A program in a session of its own hears no signal of the terminal: it must be ended before this program ends by one.
fn watch_signals() {
    let watch = |kind: SignalKind| {
        let Ok(mut listener) = signal(kind) else { return };
        tokio::spawn(async move {
            while listener.recv().await.is_some() {
                if HANDLED_ELSEWHERE.load(Ordering::SeqCst) == 0 {
                    end_programs();
                    std::process::exit(128 + kind.as_raw_value());
                }
            }
        });
    };
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    WATCHED.call_once(|| kinds.into_iter().for_each(watch));
}

/// A program that runs; it ends with this.
struct Running {
    group: i32,
}

impl Running {
    /// Starts a program. Whoever ends all meanwhile waits until this one can be ended, too.
    fn start(command: &mut CommandWrap) -> io::Result<(Running, Box<dyn ChildWrapper>)> {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(running) = running.as_mut() else { return Err(io::Error::other("this program is ending")) };
        let child = command.spawn()?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).unwrap_or_default();
        running.insert(group);
        Ok((Running { group }, child))
    }

    /// Whether it was still to be ended by us.
    fn forget(&self) -> bool {
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).as_mut().is_some_and(|it| it.remove(&self.group))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(group) = Pid::from_raw(self.group).filter(|_| self.forget()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Runs a program to its end and gives back its output.
pub(super) async fn run_program(program: &Program) -> Result<Vec<u8>, ProgramError> {
    let _turn = TURN.lock().await;
    watch_signals();
    let patience = program.patience.unwrap_or(PATIENCE);
    let mut command = CommandWrap::with_new(&program.command, |command| {
        command.args(&program.arguments).envs(program.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    });
    let stopped = program.board.stopped();
    let (running, mut child) = Running::start(command.wrap(ProcessSession)).map_err(ProgramError::NotStarted)?;
    let _shown = program.board.show_program(&program.name);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let (stdout, stderr) = (child.stdout().take(), child.stderr().take());
    let read_both = async { tokio::join!(read_some(stdout, &mut out), read_some(stderr, &mut err)) };
    let status = tokio::select! {
        status = tokio::time::timeout(patience, finish(&mut child, read_both)) => Some(status),
        () = stopped => None,
    };
    let stderr = text_of(&err);
    let Some(status) = status else { return Err(ProgramError::Stopped(stderr)) };
    match status {
        Err(_) => Err(ProgramError::Late(patience, stderr)),
        Ok(Err(error)) => Err(ProgramError::NotStarted(error)),
        Ok(Ok(status)) => {
            running.forget();
            if status.success() { Ok(out) } else { Err(ProgramError::Failed(status, stderr)) }
        }
    }
}

/// Waits for the end of a program while its pipes are read.
async fn finish(
    child: &mut Box<dyn ChildWrapper>,
    read_both: impl Future<Output = ((), ())>,
) -> io::Result<ExitStatus> {
    let mut read_both = std::pin::pin!(read_both);
    let status = tokio::select! {
        biased;
        _ = &mut read_both => return child.wait().await,
        status = child.wait() => status?,
    };
    let _ = tokio::time::timeout(LAST_WORDS, read_both).await;
    Ok(status)
}

async fn read_some(pipe: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) {
    if let Some(pipe) = pipe {
        let _ = pipe.take(MOST_OUTPUT).read_to_end(into).await;
    }
}

/// The end of what was written to the error output, where the reason stands.
fn text_of(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let text = text.trim();
    let most = 600;
    match text.char_indices().rev().nth(most) {
        Some((at, _)) => format!("…{}", &text[at..]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Program {
        Program { command: "sh".into(), arguments: vec!["-c".to_owned(), script.to_owned()], ..Program::default() }
    }

    #[tokio::test]
    async fn output_is_kept_and_errors_are_told() {
        assert_eq!(run_program(&shell("echo out; echo err >&2")).await.unwrap(), b"out\n");
        let failed = run_program(&shell("echo why >&2; exit 3")).await.unwrap_err().said();
        assert_eq!(failed, "failed (exit status 3): why");
        let missing = Program { command: "/does/not/exist".into(), ..Program::default() };
        assert!(run_program(&missing).await.unwrap_err().said().starts_with("could not be started: "));
    }

    #[tokio::test]
    async fn a_program_has_no_terminal_and_nothing_to_read() {
        let out = run_program(&shell("cat; (: </dev/tty) 2>/dev/null && echo tty; echo end")).await.unwrap();
        assert_eq!(out, b"end\n");
    }

    async fn until(is_so: impl Fn() -> bool) {
        let waited = tokio::time::timeout(Duration::from_secs(10), async {
            while !is_so() {
                tokio::task::yield_now().await;
            }
        });
        waited.await.unwrap();
    }

    fn is_gone(pid: &str) -> bool {
        !std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|it| !it.contains(") Z"))
    }

    #[tokio::test]
    async fn one_that_hangs_is_ended_with_its_children() {
        let patience = Some(Duration::from_millis(300));
        let folder = std::env::temp_dir().join(format!("eksplorer-hang-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("pid");
        let script = format!("sleep 1000 & echo $! > {}; echo waiting >&2; wait", file.display());
        let late = run_program(&Program { patience, ..shell(&script) }).await.unwrap_err().said();
        assert!(late.starts_with("gave no answer in 0.3 s") && late.ends_with(": waiting"), "{late}");
        let pid = std::fs::read_to_string(&file).unwrap();
        until(|| is_gone(&pid)).await;
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn one_that_runs_is_shown_and_ended_when_a_person_stops_it() {
        let folder = std::env::temp_dir().join(format!("eksplorer-stop-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("pid");
        let script = format!("echo $$ > {0}.new; mv {0}.new {0}; echo waiting >&2; sleep 1000", file.display());
        let board = StatusBoard::default();
        let program = Program { name: "a tool".to_owned(), board: board.clone(), ..shell(&script) };
        let run = tokio::spawn(async move { run_program(&program).await });
        let shown = || board.watch().borrow().program.as_ref().map(|it| it.name.clone());
        until(|| shown().as_deref() == Some("a tool") && file.exists()).await;
        let pid = std::fs::read_to_string(&file).unwrap();
        assert!(!is_gone(&pid));
        board.stop_program();
        let said = run.await.unwrap().unwrap_err().said();
        assert!(said.starts_with("was stopped before it gave an answer"), "{said}");
        until(|| is_gone(&pid)).await;
        assert_eq!(shown(), None);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
