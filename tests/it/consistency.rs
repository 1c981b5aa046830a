//! One question, one answer: pairs of commands or panes that answer the same question are asked side by side, over generated
//! worlds full of corners and over every file of `tests/worlds`. Where the two come apart, the program is wrong, whichever
//! of them is.
//!
//! - `worlds`, `corners`, `bend`: what is asked about;
//! - `access`: who gets in, and to do what; `workload`: which AWS role a workload gets; `findings`: panes, audit and reports;
//!   `changes`: messages, fixes and plans; `forms`: the screen, files and the wire;
//! - `withheld`: the law of withheld facts, which asks each answer of worlds with a section missing.
//!
//! Each pair is a name in [`PAIRS`]; one that no world gives cause to ask is an error, so that a pair cannot fall silent.
//! `EKSPLORER_CONSISTENCY_WORLDS` says how many worlds are generated.

mod access;
mod bend;
mod changes;
mod corners;
mod findings;
mod forms;
mod withheld;
mod workload;
mod worlds;

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::io::Write as _;

use eksplorer::access::audit::{Audit, audit};
use eksplorer::access::engines::Engines;
use eksplorer::access::inventory::{Inventory, inventory_of};
use eksplorer::model::cluster::ClusterId;
use eksplorer::model::snapshot::{ClusterFacts, IamFacts, Snapshot};

use worlds::World;

/// The pairs.
const PAIRS: &[&str] = &[
    "list entries ↔ trace",
    "list aws-auth ↔ trace",
    "list principals ↔ trace",
    "trace findings ↔ audit",
    "trace groups ↔ list groups",
    "trace grants ↔ can",
    "trace dangers ↔ can",
    "list groups ↔ grants of a member",
    "can ↔ who-can",
    "can of a service account ↔ who-can",
    "can ↔ matrix",
    "list irsa ↔ why-sa",
    "list pod-identity ↔ why-sa",
    "list pods ↔ why-sa",
    "why-sa ↔ why-role",
    "why-sa pods ↔ why-pod",
    "why-pod ↔ why-role",
    "why-pod, recreated ↔ why-sa",
    "why-sa findings ↔ audit",
    "trust ↔ why-sa",
    "posture ↔ why-pod",
    "posture ↔ list pod-identity",
    "list roles ↔ why-role",
    "list roles ↔ trace",
    "list roles ↔ why-pod",
    "audit ↔ entries",
    "audit ↔ aws-auth",
    "audit ↔ irsa",
    "audit ↔ pod identity",
    "audit ↔ roles",
    "audit ↔ permissions",
    "audit ↔ posture",
    "audit ↔ its SARIF",
    "audit ↔ its JSON and text",
    "list, JSON ↔ text",
    "explain a 403 ↔ can",
    "explain a 401 ↔ trace",
    "fix ↔ can once staged",
    "fix ↔ the plan's access",
    "plan's access ↔ can before and after",
    "plan ↔ trace after",
    "check last-admin ↔ who-can",
    "check of an association ↔ why-sa after",
    "check no-agent ↔ posture",
    "roles to choose ↔ why-sa after",
    "screen ↔ trace",
    "screen ↔ why-sa and why-role",
    "screen ↔ explain",
    "saved and reopened ↔ as it was",
    "from a file ↔ over the wire",
];

/// So many worlds are generated unless it is said otherwise.
const WORLDS: u64 = 60;

/// A small generator of numbers: the same ones for the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides.max(1)
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.roll(all.len())]
    }

    /// Some of them, in order.
    fn some<'a, T>(&mut self, all: &'a [T], most: usize) -> Vec<&'a T> {
        if all.len() <= most {
            return all.iter().collect();
        }
        let start = self.roll(all.len());
        (0..most).map(|n| &all[(start + n * all.len() / most) % all.len()]).collect()
    }
}

/// What was asked, and where answers came apart.
#[derive(Default)]
pub(crate) struct Suite {
    world: String,
    asked: BTreeMap<&'static str, usize>,
    wrong: Vec<String>,
}

impl Suite {
    /// Both say the same.
    fn same<T: PartialEq + Debug>(&mut self, pair: &'static str, about: impl Display, left: T, right: T) {
        let agree = left == right;
        self.holds(pair, agree, || format!("{about}: {left:?} and {right:?}"));
    }

    /// What one says does not contradict the other.
    fn holds(&mut self, pair: &'static str, agree: bool, told: impl FnOnce() -> String) {
        *self.asked.entry(pair).or_default() += 1;
        if !agree {
            self.wrong.push(format!("{pair} · {} · {}", self.world, told()));
        }
    }

    fn add(&mut self, other: Suite) {
        for (pair, count) in other.asked {
            *self.asked.entry(pair).or_default() += count;
        }
        self.wrong.extend(other.wrong);
    }
}

/// One cluster of a world, ready to be asked.
pub(crate) struct Ground<'a> {
    id: &'a ClusterId,
    facts: &'a ClusterFacts,
    iam: &'a IamFacts,
    snapshot: &'a Snapshot,
    engines: Engines<'a>,
    rows: Inventory,
    audit: Audit,
}

impl<'a> Ground<'a> {
    fn new(id: &'a ClusterId, facts: &'a ClusterFacts, snapshot: &'a Snapshot) -> Self {
        let iam: &IamFacts = &snapshot.iam;
        let engines = Engines::new(facts, iam);
        let rows = inventory_of(&engines);
        let audit = audit(&rows, facts, iam);
        Ground { id, facts, iam, snapshot, engines, rows, audit }
    }
}

/// Asks everything about one world.
fn ask(world: &World, seed: u64) -> Suite {
    let mut suite = Suite { world: world.name.clone(), ..Suite::default() };
    for (id, facts) in &world.snapshot.facts {
        let ground = Ground::new(id, facts, &world.snapshot);
        let mut dice = Dice::new(seed);
        access::ask(&ground, &mut dice, &mut suite);
        workload::ask(&ground, &mut dice, &mut suite);
        findings::ask(&ground, &mut dice, &mut suite);
        changes::ask(&ground, &mut dice, &mut suite);
        forms::ask(&ground, world, &mut dice, &mut suite);
    }
    suite
}

/// Asks about all worlds, on two threads.
fn ask_all(all: &[World]) -> Suite {
    let half = |start: usize| {
        let mut suite = Suite::default();
        for (seed, world) in all.iter().enumerate().skip(start).step_by(2) {
            suite.add(ask(world, seed as u64));
        }
        suite
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| half(1));
        let mut suite = half(0);
        suite.add(other.join().unwrap());
        suite
    })
}

/// How many worlds are generated.
fn worlds_wanted() -> u64 {
    std::env::var("EKSPLORER_CONSISTENCY_WORLDS").map_or(WORLDS, |it| it.parse().unwrap())
}

#[test]
fn two_answers_to_one_question_agree() {
    let started = std::time::Instant::now();
    let mut all: Vec<World> = (0..worlds_wanted()).map(worlds::generated).collect();
    let generated = all.len();
    all.extend(worlds::files());
    let mut suite = ask_all(&all);
    suite.add(forms::over_the_wire(&all));
    let questions: usize = suite.asked.values().sum();
    // Past the capture of the test harness: the numbers are of interest when it passes too.
    let _ = writeln!(
        std::io::stdout(),
        "consistency: {} pairs · {generated} worlds and {} files · {questions} questions · {} disagreements ({:.1?})",
        suite.asked.len(),
        all.len() - generated,
        suite.wrong.len(),
        started.elapsed()
    );
    let silent: Vec<_> = PAIRS.iter().filter(|it| !suite.asked.contains_key(**it)).collect();
    let unheard: Vec<_> = suite.asked.keys().filter(|it| !PAIRS.contains(it)).collect();
    assert!(silent.is_empty() && unheard.is_empty(), "not asked: {silent:?}; not listed: {unheard:?}");
    let first: Vec<&str> = suite.wrong.iter().take(400).map(String::as_str).collect();
    assert!(suite.wrong.is_empty(), "{} disagreements:\n{}", suite.wrong.len(), first.join("\n"));
}
