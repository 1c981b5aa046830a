//! What the cursor is on: every answering command in every kind of place is either ready and does something, or says why not.

use eksplorer::app::command::{Availability, Command, Group};
use eksplorer::app::effect::Effect;
use eksplorer::app::overlay::Overlay;

use crate::keys::{notice, top};
use crate::screens::check_text;
use crate::stage::{Stage, file};

/// A place, and what leads to it on the demo world: keys, or a text that is typed (`T`) or pasted (`P`).
const PLACES: &[(&str, &[&str])] = &[
    ("an entry", &["1"]),
    ("a row of aws-auth", &["2"]),
    ("a service account with IRSA", &["3"]),
    ("an association", &["4"]),
    ("a role of the cluster", &["5"]),
    ("a principal", &["6"]),
    ("a group", &["7"]),
    ("a control", &["8"]),
    ("a finding", &["9"]),
    ("a trace", &["6 Enter"]),
    ("a workload", &["3 Enter"]),
    ("a role's holders", &["5 b"]),
    ("a finding with all it says", &["9 Enter"]),
    ("a control with all it says", &["8 Enter"]),
    ("a matrix", &["6 m"]),
    ("a holder in who-can", &["w", "T:delete pods -n payments", "Enter"]),
    (
        "an explained message",
        &["P:User \"ci\" cannot list resource \"pods\" in API group \"\" in the namespace \"payments\"", "Enter"],
    ),
    ("a document", &["6 Enter y"]),
    ("the journal", &["J"]),
    ("a list without rows", &["7 /", "T:zzzzzz", "Enter"]),
];

/// The stage at a place; what lay over the list before goes.
fn at(stage: Stage, keys: &[&str]) -> Stage {
    keys.iter().fold(stage.keys("1"), |stage, key| match key.split_once(':') {
        Some(("P", text)) => stage.paste(text),
        Some(("T", text)) => stage.text(text),
        _ => stage.keys(key),
    })
}

fn answering() -> impl Iterator<Item = Command> {
    Command::ALL.iter().copied().filter(|it| it.spec().group == Group::Answers)
}

/// The whole table, to be read when it changes.
#[test]
fn every_command_in_every_place_is_ready_or_says_why_not() {
    let (mut out, mut stage) = (String::new(), Stage::acme(file()));
    for (place, keys) in PLACES {
        stage = at(stage, keys);
        out.push_str(&format!("{place} ({})\n", top(&stage)));
        for command in answering() {
            let said = match command.availability(&stage.app, stage.app.place()) {
                Availability::Ready => "ready".to_owned(),
                Availability::Disabled(why) => why.into_owned(),
            };
            out.push_str(&format!("  {:<14} {said}\n", command.name()));
        }
    }
    check_text("selection", &out);
}

/// What is said to be ready does what it says: something opens, something is asked or copied, and no complaint is made.
#[test]
fn a_command_that_is_ready_acts() {
    let does = [
        Command::Policies,
        Command::Become,
        Command::CopyArn,
        Command::CopyDocument,
        Command::Document,
        Command::Matrix,
    ];
    let mut stage = Stage::acme(file());
    for (place, keys) in PLACES {
        for command in does {
            stage = at(stage, keys);
            if command.availability(&stage.app, stage.app.place()) != Availability::Ready {
                continue;
            }
            stage.effects.clear();
            let before = (stage.app.overlays.len(), top(&stage));
            stage = stage.keys(":").text(command.name()).keys("Enter");
            let copied = stage.effects.iter().any(|it| matches!(it, Effect::Copy(_)));
            let opened = (stage.app.overlays.len(), top(&stage)) != before;
            assert!(copied || opened, "{place}, {}: {}", command.name(), notice(&stage));
            assert!(!notice(&stage).contains("was read from no document"), "{place}, {}", command.name());
        }
    }
}

/// The role under the cursor in who-can has policies as it has holders.
#[test]
fn one_role_is_under_the_cursor_for_all_commands() {
    let stage =
        || Stage::acme(file()).keys("w").text("delete pods -n payments").keys("Enter /").text("role/ci").keys("Enter");
    let becoming = stage().keys("b");
    let Some(Overlay::Workload(view)) = becoming.app.overlays.last() else { panic!("{}", top(&becoming)) };
    let asked = format!("{:?}", view.subject);
    let policies = stage().keys(":").text("policies").keys("Enter");
    let Some(Overlay::Document(view)) = policies.app.overlays.last() else {
        panic!("{}: {}", top(&policies), notice(&policies))
    };
    let name = asked.rsplit(['/', '"']).find(|it| !it.is_empty() && *it != ")").unwrap_or_default();
    assert!(view.document.title.contains(name), "{asked} {}", view.document.title);
}
