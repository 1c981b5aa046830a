//! Only the calls that a question needs: the answer from what is read for it is the answer from everything, and how many
//! calls each command makes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::PathBuf;

use clap::Parser;
use eksplorer::access::Mark;
use eksplorer::access::inventory::{Inventory, inventory};
use eksplorer::cli::{Cli, Command, Options};
use eksplorer::lab::generate::{Sizes, world};
use eksplorer::model::document::{read, to_json};
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::failure::Failure;
use eksplorer::model::mapping::AccessEntry;
use eksplorer::model::section::{SectionId, SectionSet};
use eksplorer::model::snapshot::{Snapshot, Source};
use eksplorer::model::workload::PodIdentityAssociation;
use eksplorer::report::list::Pane;
use eksplorer::run::calls::record;
use eksplorer::run::headless::{self, Printed};
use eksplorer::run::load::{EntryScope, Needs};

use crate::worlds::ACME;

/// Prints a line; the harness shows it with --nocapture.
macro_rules! say {
    ($($text:tt)*) => {
        let _ = writeln!(std::io::stdout(), $($text)*);
    };
}

const PANES: [Pane; 8] = [
    Pane::Entries,
    Pane::AwsAuth,
    Pane::Irsa,
    Pane::PodIdentity,
    Pane::Roles,
    Pane::Principals,
    Pane::Groups,
    Pane::Posture,
];

fn rows(it: &Inventory, pane: Pane) -> String {
    match pane {
        Pane::Entries => format!("{:#?}", it.entries),
        Pane::AwsAuth => format!("{:#?}", it.aws_auth),
        Pane::Irsa => format!("{:#?}", it.irsa),
        Pane::PodIdentity => format!("{:#?}", it.pod_identity),
        Pane::Roles => format!("{:#?}", it.roles),
        Pane::Principals => format!("{:#?}", it.principals),
        Pane::Groups => format!("{:#?}", it.subjects),
        Pane::Posture => format!("{:#?}", it.posture),
    }
}

fn worlds() -> Vec<(String, Snapshot)> {
    let mut all: Vec<(String, Snapshot)> = vec![("the demo".to_owned(), ACME.clone())];
    for seed in 0..4 {
        all.push((format!("seed {seed}"), snapshot_of(&world(&Sizes::default(), seed), Source::Lab)));
    }
    for folder in ["tests/worlds", "tests/worlds/cases"] {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let text = match path.extension() {
                Some(it) if it == "yaml" => std::fs::read_to_string(&path).unwrap(),
                _ => continue,
            };
            if let Ok(document) = read(&text) {
                all.push((path.display().to_string(), snapshot_of(&document, Source::Lab)));
            }
        }
    }
    all
}

/// The rows of a pane are the same from the sections that are read for it as from all.
#[test]
fn rows_from_what_is_needed_are_the_rows_from_everything() {
    let mut asked = 0;
    for (name, snapshot) in worlds() {
        for facts in snapshot.facts.values() {
            let whole = inventory(facts, &snapshot.iam);
            for pane in PANES {
                let Needs { sections: needed, entries, .. } = Needs::rows(pane);
                let (mut less, mut iam) = ((**facts).clone(), (*snapshot.iam).clone());
                if entries == EntryScope::WithoutPolicies {
                    let bare = |it: &AccessEntry| AccessEntry { associated_access_policies: None, ..it.clone() };
                    less.access_entries = less.access_entries.map(|all| all.iter().map(bare).collect());
                }
                let mut needed = needed;
                if pane == Pane::Irsa {
                    // Those of the service accounts in its rows are read when these are known.
                    let accounts: BTreeSet<(&str, &str)> =
                        whole.irsa.iter().map(|it| (it.namespace.as_str(), it.service_account.as_str())).collect();
                    let is_needed = |it: &&PodIdentityAssociation| {
                        accounts.contains(&(it.namespace.as_str(), it.service_account.as_str()))
                    };
                    less.pod_identity_associations =
                        less.pod_identity_associations.map(|all| all.iter().filter(is_needed).cloned().collect());
                    needed = needed.and(SectionSet::of(&[SectionId::PodIdentityAssociations]));
                }
                for section in SectionSet::ALL.iter().filter(|it| !needed.has(*it)) {
                    section.withhold(&mut less, &mut iam, Failure::not_recorded(section.title()));
                }
                let found = rows(&inventory(&less, &iam), pane);
                assert!(found == rows(&whole, pane), "{name}: {pane:?} needs more than {needed:?}");
                asked += 1;
            }
        }
    }
    say!("needs: {asked} lists from what is read for them · the same as from everything");
}

/// Runs a command line against a world.
async fn run(line: &str, file: &std::path::Path) -> (Printed, BTreeMap<String, usize>) {
    let words = ["eksplorer", "--world", file.to_str().unwrap()].into_iter().chain(line.split(' '));
    let Cli { command, options } = Cli::parse_from(words);
    let work = Box::pin(answer(options, command.unwrap()));
    let (printed, calls) = record(work).await;
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.operation).or_default() += 1;
    }
    (printed, counts)
}

/// The same answered from the file, which holds everything.
async fn from_file(line: &str, file: &std::path::Path) -> Printed {
    let words = ["eksplorer", "--from", file.to_str().unwrap()].into_iter().chain(line.split(' '));
    let Cli { command, options } = Cli::parse_from(words);
    Box::pin(answer(options, command.unwrap())).await
}

/// Saves all that the lab serves of a world, discovery included.
async fn save_whole(world: &std::path::Path) -> PathBuf {
    let whole = world.with_extension("whole.json");
    let words = ["eksplorer", "--world", world.to_str().unwrap()];
    let Cli { options, .. } = Cli::parse_from(words);
    headless::save_snapshot(&options, &whole).await.unwrap_or_else(|trouble| panic!("{trouble}"));
    whole
}

async fn answer(options: Options, command: Command) -> Printed {
    let options = &options;
    let ended = match command {
        Command::Trace { principal } => headless::trace_principal(options, &principal).await,
        Command::Permissions { principal, namespace } => {
            headless::show_permissions(options, &principal, namespace.as_deref()).await
        }
        Command::Can(args) => headless::can(options, &args).await,
        Command::WhoCan(args) => headless::who_can(options, &args, &mut |_| {}).await,
        Command::List { what } => headless::list_rows(options, what).await,
        Command::WhyPod { pod, action } => headless::why_pod(options, &pod, &action).await,
        Command::WhySa { service_account, action } => headless::why_account(options, &service_account, &action).await,
        other => panic!("{other:?}"),
    };
    ended.unwrap_or_else(|trouble| panic!("{trouble}"))
}

/// Who asks, in which account (1), the cluster (1), aws-auth (1), the account's roles and users (1), and whom there are
/// entries for, a hundred in a page (4).
const MAPPINGS: usize = 8;
/// Roles and bindings of both kinds (4), namespaces (1), discovery (2).
const GRANTS: usize = 7;
/// The entries, each of which has groups.
const ENTRIES: usize = 400;

/// Commands, and the least calls that can answer each on a world of 400 entries, 60 associations and many pods.
const LEAST: &[(&str, usize)] = &[
    // Instance profiles, and the one entry that wins over a row.
    ("list aws-auth", MAPPINGS + 2),
    // No entries and no aws-auth: the provider (2), service accounts, pods and associations, and those of the rows (4).
    ("list irsa", MAPPINGS - 5 + 2 + 3 + 4 + 3),
    ("list groups", MAPPINGS + ENTRIES + 3),
    // Sign-in providers, which policies there are, who has each that could allow it (12), in which scope (48), and the
    // service accounts and pods of one namespace.
    ("who-can delete pods -n NAMESPACE", MAPPINGS + GRANTS + ENTRIES + 2 + 12 + 48 + 2),
    ("who-can delete pods -n NAMESPACE --rbac-only", 1 + GRANTS),
    // The principal's role, its entry and that one's policies instead of all.
    ("trace arn:aws:iam::111122223333:role/ROLE", MAPPINGS - 5 + GRANTS + 3),
    ("trace ROLE", MAPPINGS + GRANTS + 2),
    ("can arn:aws:iam::111122223333:role/ROLE get pods", MAPPINGS - 5 + GRANTS + 3),
    ("can ROLE get pods", MAPPINGS + GRANTS + 2),
    ("can system:serviceaccount:NAMESPACE:ACCOUNT get pods", 1 + GRANTS),
    ("why-sa NAMESPACE/ACCOUNT", 20),
    ("permissions ROLE", MAPPINGS + GRANTS + 2),
    // EKS has it in no entry.
    ("trace group:system:masters", MAPPINGS + GRANTS + 2),
];

/// On a thread with as much stack as a program has: without optimization the futures of a whole command are deep.
#[test]
fn every_command_makes_only_the_calls_that_it_needs() {
    let work = || tokio::runtime::Runtime::new().unwrap().block_on(count_calls());
    std::thread::Builder::new().stack_size(8 << 20).spawn(work).unwrap().join().unwrap();
}

async fn count_calls() {
    let sizes = Sizes { entries: 400, associations: 60, ..Sizes::default() };
    let document = world(&sizes, 3);
    let file: PathBuf = std::env::temp_dir().join(format!("eksplorer-needs-{}.json", std::process::id()));
    std::fs::write(&file, to_json(&document).unwrap()).unwrap();
    let whole = Box::pin(save_whole(&file)).await;
    let snapshot = snapshot_of(&document, Source::Lab);
    let (id, facts) = snapshot.facts.iter().next().unwrap();
    let rows = inventory(facts, &snapshot.iam);
    let role = rows.principals.iter().find(|it| !it.principal.name.contains("AWSReserved")).unwrap();
    let account = rows.pod_identity.iter().find(|it| it.mark == Mark::InForce).unwrap();
    say!("calls on {id}: {} entries, {} associations", facts.access_entries.items().len(), sizes.associations);
    for (line, least) in LEAST {
        let line = line
            .replace("arn:aws:iam::111122223333:role/ROLE", &role.principal.arn())
            .replace("ROLE", &role.principal.name)
            .replace("NAMESPACE", &account.namespace)
            .replace("ACCOUNT", &account.service_account);
        let (printed, calls) = run(&line, &file).await;
        let from_whole = from_file(&line, &whole).await;
        let (ours, theirs) = ((printed.exit, &printed.out), (from_whole.exit, &from_whole.out));
        assert!(ours == theirs, "{line}:\n{}\nfrom everything:\n{}", ours.1, theirs.1);
        let sum: usize = calls.values().sum();
        say!("{sum:>6} calls, {least:>4} at least: ratio {:.2}  {line}", sum as f64 / *least as f64);
        assert!(sum * 10 <= least * 11, "{line}: {calls:#?}");
    }
    let all = rows.irsa.iter().step_by(4).map(|it| (&it.namespace, &it.service_account));
    let all = all.chain(rows.pod_identity.iter().step_by(8).map(|it| (&it.namespace, &it.service_account)));
    let bare = facts.service_accounts.items().iter().take(6);
    let bare = bare.map(|it| (it.metadata.namespace.as_ref().unwrap(), &it.metadata.name));
    let mut read = (0, 0);
    let accounts = all.filter(|it| !it.1.is_empty()).chain(bare).map(|(space, name)| format!("why-sa {space}/{name}"));
    let pods = facts.pods.items().iter().step_by(10);
    let pods = pods.map(|it| format!("why-pod {}/{}", it.metadata.namespace.as_ref().unwrap(), it.metadata.name));
    for line in accounts.chain(pods) {
        let (printed, calls) = run(&line, &file).await;
        assert_eq!(printed, from_file(&line, &whole).await, "{line}");
        read.0 += 1;
        read.1 += usize::from(calls.contains_key("DescribeAccessEntry"));
    }
    say!("why: {} service accounts and pods as from everything; for {} the access entries were read", read.0, read.1);
    let _ = (std::fs::remove_file(&file), std::fs::remove_file(&whole));
}
