//! eksplorer: parses the command line, starts the log, and chooses between the screen and a report. Nothing else.
// This is the one place that prints.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use eksplorer::cli::{Cli, Command, LabAction, LabArgs, SnapshotAction};
use eksplorer::model::visible::visible_lines;
use eksplorer::run::headless::{self, Printed, Told};
use eksplorer::run::{Trouble, calls, feed, files, trust};
use eksplorer::{config, logging};
use etcetera::BaseStrategy;

fn main() -> ExitCode {
    let mut cli = Cli::parse();
    let folders = etcetera::choose_base_strategy().ok();
    let state = files::state_folder(None);
    // A log that cannot be written is no reason not to help in an incident.
    let _log = logging::init(&state, cli.options.verbose).ok();
    logging::install_panic_log(state);
    let ended = (cli.check().map_err(Trouble::bad_input))
        .and_then(|()| configure(&mut cli, folders.map(|it| it.config_dir().join("eksplorer/config.toml"))))
        .and_then(|()| runtime())
        .and_then(|runtime| {
            let ended = runtime.block_on(run(cli));
            eksplorer::cloud::end_programs();
            // Not dropped, which would wait for threads that may never end: an exec plugin's that hangs, say.
            runtime.shutdown_background();
            ended
        });
    ended.unwrap_or_else(|trouble| {
        // What was given and what was answered may hold anything; a terminal must not obey it.
        for line in visible_lines(&format!("eksplorer: {trouble}")) {
            eprintln!("{line}");
        }
        ExitCode::from(trouble.exit.status())
    })
}

/// Tells how something goes on.
fn told(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Prints an answer. A reader that has gone away (a pager that was left) is no failure of ours.
fn print(answer: Printed) -> ExitCode {
    let _ = std::io::stderr().write_all(answer.err.as_bytes());
    let _ = std::io::stdout().write_all(answer.out.as_bytes());
    ExitCode::from(answer.exit.status())
}

fn configure(cli: &mut Cli, default: Option<PathBuf>) -> Result<(), Trouble> {
    let named = cli.options.config.clone();
    if let Some(path) = named.clone().or(default) {
        let file = config::load(&path, named.is_some()).map_err(|error| Trouble::bad_input(error.to_string()))?;
        cli.options = config::merge(cli.options.clone(), file);
    }
    Ok(())
}

fn runtime() -> Result<tokio::runtime::Runtime, Trouble> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::failure(format!("could not start: {error}")))
}

async fn run(cli: Cli) -> Result<ExitCode, Trouble> {
    if !cli.options.explain_calls || cli.command.is_none() {
        return run_command(cli).await;
    }
    let (ended, calls) = calls::record(run_command(cli)).await;
    let _ = std::io::stderr().write_all(calls::explain(&calls).as_bytes());
    ended
}

async fn run_command(cli: Cli) -> Result<ExitCode, Trouble> {
    let Cli { command, options } = cli;
    let answer = match command {
        // https://no-color.org: set, and not empty.
        None => return feed::show(&options, std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty())).await,
        Some(Command::Trace { principal }) => headless::trace_principal(&options, &principal).await,
        Some(Command::Permissions { principal, namespace }) => {
            headless::show_permissions(&options, &principal, namespace.as_deref()).await
        }
        Some(Command::Can(args)) => headless::can(&options, &args).await,
        Some(Command::WhoCan(args)) => headless::who_can(&options, &args, &mut told).await,
        Some(Command::Explain { message }) => headless::explain_message(&options, &message).await,
        Some(Command::Grant(args)) => headless::grant(&options, &args, &mut told).await,
        Some(Command::Revoke(args)) => headless::revoke(&options, &args, &mut told).await,
        Some(Command::Plan { file, apply }) => headless::plan_file(&options, &file, &apply, &mut told).await,
        Some(Command::List { what }) => headless::list_rows(&options, what).await,
        Some(Command::Audit(args)) => headless::audit_cluster(&options, &args).await,
        Some(Command::Trust(args)) => trust::trust(&options, &args).await,
        Some(Command::WhyPod { pod, action }) => headless::why_pod(&options, &pod, &action).await,
        Some(Command::WhySa { service_account, action }) => {
            headless::why_account(&options, &service_account, &action).await
        }
        Some(Command::WhyRole { role_arn }) => headless::why_role(&options, &role_arn).await,
        Some(Command::Journal(args)) => headless::journal(&options, &args),
        Some(Command::Resume(args)) => headless::resume(&options, &args, &mut told).await,
        Some(Command::Undo(args)) => headless::undo(&options, &args, &mut told).await,
        Some(Command::Snapshot { action: SnapshotAction::Save { file } }) => {
            headless::save_snapshot(&options, &file).await
        }
        Some(Command::Lab(LabArgs { action: Some(LabAction::Generate(args)), .. })) => {
            headless::generate_world(&options, &args)
        }
        Some(Command::Lab(args)) => {
            headless::lab_until_interrupted(&options, &args, |told| {
                let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
                let _ = match told {
                    Told::Lines(lines) => out.write_all(lines.as_bytes()).and_then(|()| out.flush()),
                    Told::Note(note) => err.write_all(note.as_bytes()),
                };
            })
            .await
        }
    };
    answer.map(print)
}
