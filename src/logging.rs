//! The log: to a file, never to the terminal.
//!
//! Decides where the log lies and what a panic leaves behind. Nothing that is logged holds credentials: `cloud` hands
//! out calls and failures, not requests.

use std::path::{Path, PathBuf};

use tracing_subscriber::EnvFilter;

/// Keeps the log's writer alive; what is buffered is written when it goes.
pub struct Guard {
    _writer: tracing_appender::non_blocking::WorkerGuard,
}

/// Starts the log in a folder; the guard must live as long as the program. `verbose` is the number of -v.
pub fn init(folder: &Path, verbose: u8) -> std::io::Result<Guard> {
    std::fs::create_dir_all(folder)?;
    let file = tracing_appender::rolling::Builder::new()
        .rotation(tracing_appender::rolling::Rotation::DAILY)
        .filename_prefix("eksplorer")
        .filename_suffix("log")
        .max_log_files(5)
        .build(folder)
        .map_err(std::io::Error::other)?;
    let (writer, held) = tracing_appender::non_blocking(file);
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
        let _ = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
        next(info);
    }));
}
