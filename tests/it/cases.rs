//! Situations from public reports, each as a small world in `tests/worlds/cases`, held to the right answer.
//!
//! A row names the world, the public source, the right answer in words, and the commands that must give it: their exit
//! status, what they must print and what they must not. The commands run as a shell would run them, but in this process
//! ([`answer`]). Every file of the folder has at least one row (a test), so no world stands there without an answer.
//!
//! A row that the program does not answer rightly yet says so ([`Case::pending`]), with the reason; a test holds it to be
//! wrong, so that the mark goes with the defect.

mod access;
mod workload;

use std::collections::BTreeSet;
use std::path::Path;

use clap::Parser as _;
use eksplorer::cli::{Cli, Command};
use eksplorer::run::headless;

const FOLDER: &str = "tests/worlds/cases";

/// Exit statuses.
pub(crate) const YES: u8 = 0;
pub(crate) const NO: u8 = 3;
pub(crate) const UNKNOWN: u8 = 4;

/// One command about a world.
struct Ask {
    /// Its words; `@NAME` is the text of a file of `messages`.
    words: &'static [&'static str],
    exit: u8,
    /// Texts that it prints.
    says: &'static [&'static str],
    /// Texts that it does not print.
    never: &'static [&'static str],
}

const fn ask(words: &'static [&'static str], exit: u8, says: &'static [&'static str]) -> Ask {
    Ask { words, exit, says, never: &[] }
}

const fn not(
    words: &'static [&'static str],
    exit: u8,
    says: &'static [&'static str],
    never: &'static [&'static str],
) -> Ask {
    Ask { words, exit, says, never }
}

/// One situation.
struct Case {
    /// Its world, without `.yaml`.
    world: &'static str,
    /// Where the situation comes from, publicly.
    source: &'static str,
    /// What is right.
    right: &'static str,
    asks: &'static [Ask],
    /// Why the program does not answer so yet.
    pending: Option<&'static str>,
}

const fn case(world: &'static str, source: &'static str, right: &'static str, asks: &'static [Ask]) -> Case {
    Case { world, source, right, asks, pending: None }
}

#[allow(dead_code, reason = "every case is answered rightly at present")]
const fn pending(
    world: &'static str,
    source: &'static str,
    right: &'static str,
    asks: &'static [Ask],
    why: &'static str,
) -> Case {
    Case { world, source, right, asks, pending: Some(why) }
}

/// What a command that only reads prints (both streams), and its exit status.
pub(crate) fn answer(words: &[&str]) -> (u8, String) {
    let line = std::iter::once("eksplorer").chain(words.iter().copied());
    let Cli { command, options } = Cli::try_parse_from(line).unwrap_or_else(|error| panic!("{words:?}: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut tell = |_: &str| {};
    let printed = runtime.block_on(async {
        match command.expect("a command") {
            Command::Trace { principal } => headless::trace_principal(&options, &principal).await,
            Command::Can(args) => headless::can(&options, &args).await,
            Command::WhoCan(args) => headless::who_can(&options, &args, &mut |_| {}).await,
            Command::Explain { message } => headless::explain_message(&options, &message).await,
            Command::Grant(args) => headless::grant(&options, &args, &mut tell).await,
            Command::Revoke(args) => headless::revoke(&options, &args, &mut tell).await,
            Command::Plan { file, apply } => headless::plan_file(&options, &file, &apply, &mut tell).await,
            Command::List { what } => headless::list_rows(&options, what).await,
            Command::Audit(args) => headless::audit_cluster(&options, &args).await,
            Command::WhyPod { pod, action } => headless::why_pod(&options, &pod, &action).await,
            Command::WhySa { service_account, action } => {
                headless::why_account(&options, &service_account, &action).await
            }
            Command::WhyRole { role_arn } => headless::why_role(&options, &role_arn).await,
            other => panic!("{other:?} is none of these commands"),
        }
    });
    match printed {
        Ok(it) => (it.exit.status(), it.out + &it.err),
        Err(trouble) => (trouble.exit.status(), trouble.message),
    }
}

/// What is wrong with the answers of a case; empty where all is right.
fn wrongs(case: &Case) -> Vec<String> {
    let world = format!("{FOLDER}/{}.yaml", case.world);
    let mut out = Vec::new();
    for ask in case.asks {
        let words: Vec<String> = ask.words.iter().map(|word| text_of(word)).collect();
        let mut line = vec!["--from", world.as_str()];
        line.extend(words.iter().map(String::as_str));
        let (exit, printed) = answer(&line);
        let mut wrong: Vec<String> = Vec::new();
        if exit != ask.exit {
            wrong.push(format!("exit status {exit}, not {}", ask.exit));
        }
        // Columns are padded.
        let said = single_blanks(&printed);
        let says = |text: &&&str| said.contains(&single_blanks(text));
        wrong.extend(ask.says.iter().filter(|it| !says(it)).map(|it| format!("does not say {it:?}")));
        wrong.extend(ask.never.iter().filter(|it| says(it)).map(|it| format!("says {it:?}")));
        if !wrong.is_empty() {
            out.push(format!("{}: eksplorer {}\n  {}\n{printed}", case.world, line.join(" "), wrong.join("\n  ")));
        }
    }
    out
}

/// With one blank where there are several.
fn single_blanks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != ' ' || !out.ends_with(' ') {
            out.push(c);
        }
    }
    out
}

fn text_of(word: &str) -> String {
    match word.strip_prefix('@') {
        Some(name) => std::fs::read_to_string(format!("{FOLDER}/messages/{name}")).unwrap(),
        None => word.to_owned(),
    }
}

fn all() -> impl Iterator<Item = &'static Case> {
    access::CASES.iter().chain(workload::CASES)
}

#[test]
fn every_case_is_answered_rightly() {
    let mut wrong = Vec::new();
    for case in all() {
        let found = wrongs(case);
        match case.pending {
            None if !found.is_empty() => {
                let found = found.join("\n");
                wrong.push(format!("right ({}): {}\n{found}", case.source, case.right));
            }
            Some(why) if found.is_empty() => {
                wrong.push(format!("{} is answered rightly now; it was pending: {why}", case.world));
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn every_world_and_every_message_has_a_case() {
    let names = |folder: &str, extension: &str| -> BTreeSet<String> {
        let files = std::fs::read_dir(Path::new(folder)).unwrap().map(|it| it.unwrap().path());
        let files = files.filter(|it| it.extension().is_some_and(|it| it == extension));
        files.map(|it| it.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    // A file of changes, used by the world that it is for.
    let mut worlds = names(FOLDER, "yaml");
    assert!(worlds.remove("plan18"));
    let asked: BTreeSet<String> = all().map(|it| it.world.to_owned()).collect();
    assert_eq!(asked.symmetric_difference(&worlds).collect::<Vec<_>>(), [""; 0]);
    let words = all().flat_map(|it| it.asks).flat_map(|it| it.words);
    let messages: BTreeSet<String> =
        words.filter_map(|it| it.strip_prefix('@')?.strip_suffix(".txt")).map(str::to_owned).collect();
    assert_eq!(messages, names(&format!("{FOLDER}/messages"), "txt"));
    for case in all() {
        assert!(case.source.len() > 10 && case.right.len() > 10 && !case.asks.is_empty(), "{}", case.world);
    }
}
