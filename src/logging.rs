//! The log: to a file, never to the terminal.
//!
//! Decides where the log lies, how large it grows, that its owner alone can read it, and what a panic leaves behind. `cloud`
//! hands out calls and failures, not requests; but at the finer levels libraries log what they send, and therefore whatever
//! is written passes [`redact`], which leaves out secrets whatever the level.

mod file;
mod redact;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use tracing_subscriber::EnvFilter;

pub use redact::redact;

/// Keeps the log's writer alive; what is buffered is written when it goes.
pub struct Guard {
    _writer: tracing_appender::non_blocking::WorkerGuard,
}

/// Starts the log in a folder; the guard must live as long as the program. `verbose` is the number of -v.
pub fn init(folder: &Path, verbose: u8) -> std::io::Result<Guard> {
    let (writer, held) = tracing_appender::non_blocking(file::LogFile::open(folder)?);
    let level = match verbose {
        0 => "warn,eksplorer=info",
        1 => "warn,eksplorer=debug",
        _ => "info,eksplorer=trace",
    };
    let filter = EnvFilter::try_from_env("EKSPLORER_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false);
    // A second subscriber in one process (tests) is no reason to fail.
    let _ = subscriber.try_init();
    Ok(Guard { _writer: held })
}

/// Writes every panic, with a backtrace, straight to a file of its own beside the log, then goes on to the hook that
/// was there. Buffered writers may never get to write again at that point.
pub fn install_panic_log(folder: PathBuf) {
    let next = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let backtrace = std::backtrace::Backtrace::force_capture();
        let path = folder.join("panic.log");
        let text = format!("{} {}\n{info}\n{backtrace}\n\n", jiff::Timestamp::now(), env!("CARGO_PKG_VERSION"));
        let _ = file::append_private(&path).and_then(|mut file| file.write_all(redact(&text).as_bytes()));
        next(info);
    }));
}
