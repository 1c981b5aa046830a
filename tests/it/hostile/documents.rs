//! Documents that somebody bent: lines gone, doubled, exchanged, values replaced by hostile ones, bytes cut and flipped.
//! Every command that reads one answers or says what is wrong; none panics, and none prints what a terminal would obey.
//!
//! 150 documents by default; `EKSPLORER_DOCUMENTS=11000` bends as many.

use std::io::Write;
use std::time::{Duration, Instant};

use clap::Parser;
use eksplorer::cli::{Cli, Command};
use eksplorer::model::visible::is_deceptive;
use eksplorer::run::{Trouble, headless};

use crate::dice::Dice;
use crate::stage::WORLD;

const GARBLED: &str = include_str!("../garbled/world.yaml");

const VALUES: [&str; 24] = [
    "~",
    "\"\"",
    "[]",
    "{}",
    "0",
    "-1",
    "1e999",
    "true",
    "\"\\e[2J\\e]0;x\\a\"",
    "\"\\u202e\\u2066x\"",
    "\"a\\0b\"",
    "\"\\xad\\u200b\"",
    "\"*\"",
    "arn:aws:iam::111122223333:role/x",
    "\"arn:aws:iam::1:role/\"",
    "\"{{SessionName}}\"",
    "\"../../etc/passwd\"",
    "\"a\\nb\\r\\tc\"",
    "2026-13-45T99:99:99Z",
    "\"system:masters\"",
    "&a [*a]",
    "!!binary AA==",
    "'; rm -rf / #",
    "\"$(id)`id`${x}\"",
];

const COMMANDS: [&[&str]; 14] = [
    &["list", "entries"],
    &["list", "aws-auth"],
    &["list", "irsa"],
    &["list", "pod-identity", "-o", "json"],
    &["list", "roles"],
    &["list", "principals"],
    &["list", "groups"],
    &["list", "posture"],
    &["list", "clusters"],
    &["audit"],
    &["audit", "-o", "sarif"],
    &["trace", "arn:aws:sts::111122223333:assumed-role/deployer/jane@corp.com"],
    &["who-can", "delete", "pods"],
    &["why-sa", "pay/api"],
];

fn bend(text: &str, dice: &mut Dice) -> Vec<u8> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..=dice.below(3) {
        let at = dice.below(lines.len());
        match dice.below(8) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at].clone()),
            2 => {
                let other = dice.below(lines.len());
                lines.swap(at, other);
            }
            3 => lines[at].insert_str(0, &" ".repeat(1 + dice.below(3))),
            _ => {
                if let Some((key, _)) = lines[at].split_once(": ") {
                    lines[at] = format!("{key}: {}", VALUES[dice.below(VALUES.len())]);
                }
            }
        }
    }
    let mut bytes = lines.join("\n").into_bytes();
    match dice.below(12) {
        0 => bytes.truncate(dice.below(bytes.len())),
        1 => {
            let at = dice.below(bytes.len());
            bytes[at] ^= 1 << dice.below(8);
        }
        2 => {
            let at = dice.below(bytes.len());
            bytes[at] = 0;
        }
        _ => {}
    }
    bytes
}

async fn run(args: &[&str]) -> Result<headless::Printed, Trouble> {
    let Cli { command, options } = Cli::try_parse_from([&["eksplorer"], args].concat()).unwrap();
    match command.unwrap() {
        Command::List { what } => headless::list_rows(&options, what).await,
        Command::Audit(args) => headless::audit_cluster(&options, &args).await,
        Command::Trace { principal } => headless::trace_principal(&options, &principal).await,
        Command::WhoCan(args) => headless::who_can(&options, &args, &mut |_| {}).await,
        Command::WhySa { service_account, action } => headless::why_account(&options, &service_account, &action).await,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn no_bent_document_breaks_a_command() {
    let count = std::env::var("EKSPLORER_DOCUMENTS").ok().and_then(|it| it.parse().ok()).unwrap_or(150);
    let mut dice = Dice::new(3, 0);
    let file = std::env::temp_dir().join(format!("eksplorer-bent-{}.yaml", std::process::id()));
    let path = file.to_str().unwrap();
    let (mut answered, mut refused, mut worst) = (0, 0, Duration::ZERO);
    for n in 0..count {
        let bent = bend(if n % 2 == 0 { WORLD } else { GARBLED }, &mut dice);
        std::fs::write(&file, &bent).unwrap();
        let args = [COMMANDS[n % COMMANDS.len()], &["--from", path]].concat();
        let began = Instant::now();
        let said = run(&args).await;
        worst = worst.max(began.elapsed());
        match said {
            Ok(printed) => {
                answered += 1;
                let bad = |c: char| is_deceptive(c) && c != '\n' && c != '\t';
                assert!(!printed.out.contains(bad) && !printed.err.contains(bad), "{args:?}: {printed:?}");
            }
            Err(trouble) => {
                refused += 1;
                assert!(!trouble.to_string().trim().is_empty(), "{args:?}: {}", String::from_utf8_lossy(&bent));
            }
        }
    }
    std::fs::remove_file(&file).unwrap();
    let line = format!(
        "bent documents: {count} x {} commands, {answered} answered, {refused} refused, 0 panics, worst {worst:?}\n",
        COMMANDS.len()
    );
    let _ = std::io::stderr().write_all(line.as_bytes());
    assert!(answered > count / 10 && refused > 0, "{line}");
    assert!(worst < Duration::from_secs(5), "{line}");
}
