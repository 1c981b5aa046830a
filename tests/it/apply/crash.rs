//! Crashes at every point of plans of every length: going on ends in what was planned, undoing in exactly what was before,
//! and no call that was done is made again.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use eksplorer::edit::plan::{Step, plan};
use eksplorer::edit::receipt::End;
use eksplorer::edit::record::{Batch, Event, Line};
use eksplorer::journal::{FILE, Moment};
use eksplorer::lab::{Fault, Kind, Options};
use serde_json::Value;
use tokio::process::Command;
use tokio::task::JoinSet;

use super::bench::{Bench, Left, writes};

/// Where a process may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    /// The plan's line is being written.
    WithinPlan,
    /// The line before this call is being written: it is cut short, or not begun. The call is not made.
    BeforeCall(usize, Cut),
    /// The line is written, and the call is not made.
    AtCall(usize),
    /// The call is done, and the line after it is being written: likewise.
    AfterCall(usize, Cut),
    /// All is done, and the last line is being written.
    BeforeEnd,
    /// All is written.
    AfterEnd,
}

/// How much of a line there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Half,
    None,
}

/// What a crash at each point would leave, taken from one run: the journal's bytes and the world. What is left before a
/// line is begun is what was left after the one before it, unless a call was made in between.
async fn points(bench: &Bench, steps: usize) -> (Batch, Vec<(Point, Left)>) {
    let batch = bench.batch(steps).await;
    assert_eq!(batch.steps.len(), steps, "{:#?}", batch.steps);
    let planned = bench.planned(&batch);
    let points: Arc<Mutex<Vec<(Point, Left)>>> = Arc::default();
    let hook = {
        let (watch, faults) = (bench.lab.watch(), bench.faults.clone());
        let (folder, points) = (bench.folder.clone(), points.clone());
        Box::new(move |moment: Moment, line: &Line| {
            let mut points = points.lock().unwrap();
            let cut = if points.len().is_multiple_of(2) { Cut::Half } else { Cut::None };
            let (point, cut) = match (moment, &line.event) {
                (Moment::Before, Event::Planned { .. }) => (Point::WithinPlan, Cut::Half),
                (Moment::Before, Event::Intent { step, .. }) => (Point::BeforeCall(*step, cut), cut),
                (Moment::After, Event::Intent { step, .. }) => (Point::AtCall(*step), Cut::None),
                (Moment::Before, Event::Outcome { step, .. }) => (Point::AfterCall(*step, cut), cut),
                (Moment::Before, Event::Ended { .. }) => (Point::BeforeEnd, cut),
                (Moment::After, Event::Ended { .. }) => (Point::AfterEnd, Cut::None),
                _ => return true,
            };
            let mut journal = std::fs::read_to_string(folder.join(FILE)).unwrap();
            if cut == Cut::Half {
                let text = line.text().unwrap();
                journal.push_str(&text[..text.len() / 2]);
            }
            points.push((point, Left { world: watch.document(), journal, calls: writes(&faults) }));
            true
        })
    };
    let receipt = bench.apply(batch.clone(), Some(hook)).await.unwrap();
    assert_eq!((receipt.end, receipt.as_planned), (End::Done, Some(true)), "{receipt:#?}");
    assert_eq!(bench.view(), planned, "the lab and the projection agree");
    let points = std::mem::take(&mut *points.lock().unwrap());
    assert_eq!(points.len(), 3 * steps + 3);
    (batch, points)
}

/// How many cases went well, and what was lost in the others.
#[derive(Debug, Default)]
struct Score {
    cases: usize,
    losses: Vec<String>,
}

impl Score {
    fn case(&mut self, what: &str, went_well: &[(&str, bool)]) {
        self.cases += 1;
        let wrong = went_well.iter().filter(|(_, well)| !well);
        self.losses.extend(wrong.map(|(part, _)| format!("{what}: {part}")));
    }

    fn add(&mut self, other: Score) {
        self.cases += other.cases;
        self.losses.extend(other.losses);
    }

    #[allow(clippy::print_stderr)] // The count is for whoever reads the test's output.
    fn tell(&self, what: &str, began: Instant) {
        let (cases, lost, seconds) = (self.cases, self.losses.len(), began.elapsed().as_secs_f32());
        eprintln!("{what}: {cases} cases, {lost} losses, {seconds:.1} s");
        assert!(self.losses.is_empty(), "{}", self.losses.join("\n"));
    }
}

async fn plan_of(steps: usize) -> Score {
    let bench = Bench::start(&format!("crash-{steps}"), Options::default()).await;
    let (batch, points) = points(&bench, steps).await;
    let planned = bench.view();
    let mut score = Score::default();
    for (at, (point, left)) in points.iter().enumerate() {
        let case = format!("{steps} steps, {point:?}");
        let go_on = bench.again(&format!("crash-{steps}-{at}-resume"), left).await;
        if *point == Point::WithinPlan {
            let unknown = go_on.journal(None).book().histories().is_empty();
            score.case(&case, &[("nothing was agreed to", unknown), ("nothing was done", left.calls == 0)]);
            continue;
        }
        if let Point::BeforeCall(n, Cut::Half) = point {
            // On top of it, the answer to that call is lost.
            let operation = batch.steps[n - 1].call.operation().to_owned();
            go_on.faults.add(Fault { operation, number: Some(1), kind: Kind::DropAfter });
        }
        let receipt = go_on.resume(&batch.id).await.unwrap_or_else(|it| panic!("{case}: {it}"));
        let calls = left.calls + go_on.calls();
        score.case(
            &format!("{case}, resumed"),
            &[
                ("done", (receipt.end, receipt.as_planned) == (End::Done, Some(true))),
                ("as planned", go_on.view() == planned),
                ("each call once", calls == u32::try_from(steps).unwrap()),
            ],
        );
        let back = bench.again(&format!("crash-{steps}-{at}-undo"), left).await;
        let receipt = back.undo(&batch.id, None).await.unwrap_or_else(|it| panic!("{case}: {it}"));
        let steps_back = receipt.as_ref().map_or(0, |it| it.steps.len());
        let well = receipt.is_none_or(|it| (it.end, it.as_planned) == (End::Done, Some(true)));
        score.case(
            &format!("{case}, undone"),
            &[
                ("done", well && (steps_back > 0) == (left.calls > 0)),
                ("as before", back.view() == bench.before),
                ("each call once", back.calls() == u32::try_from(steps_back).unwrap()),
            ],
        );
    }
    score
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_every_point_of_every_plan() {
    let began = Instant::now();
    // The longest one has every kind of step. `EKSPLORER_CRASH_PLANS=all`: one of each length.
    let all = std::env::var("EKSPLORER_CRASH_PLANS").is_ok_and(|it| it == "all");
    let lengths = if all { (1..=12).collect() } else { vec![1, 3, 12] };
    let mut plans: JoinSet<Score> = lengths.into_iter().map(plan_of).collect();
    let mut score = Score::default();
    while let Some(plan) = plans.join_next().await {
        score.add(plan.unwrap());
    }
    score.tell("crashes in process", began);
}

/// The program, pointed at a bench's lab and journal.
pub(crate) fn program(bench: &Bench, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eksplorer"));
    for (name, _) in std::env::vars() {
        if name.starts_with("AWS_") || name.starts_with("EKSPLORER_") || name.to_lowercase().ends_with("_proxy") {
            command.env_remove(name);
        }
    }
    let keys = bench.lab.credentials();
    command.args(args).arg("--state-dir").arg(&bench.folder).args(["-o", "json"]);
    command.env("HOME", &bench.folder).env("XDG_STATE_HOME", bench.folder.join("log"));
    command.env("AWS_ENDPOINT_URL", bench.lab.endpoint()).env("AWS_REGION", bench.lab.region());
    command.env("AWS_ACCESS_KEY_ID", keys.access_key_id).env("AWS_SECRET_ACCESS_KEY", keys.secret_access_key);
    if let Some(token) = keys.session_token {
        command.env("AWS_SESSION_TOKEN", token);
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs it to its end.
async fn ended(bench: &Bench, args: &[&str]) -> (Value, Option<i32>) {
    let output = program(bench, args).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let value = serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text));
    (value, output.status.code())
}

/// Runs it until the lab says that it holds the call of this step, and kills it there.
async fn killed(bench: &Bench, args: &[&str], steps: &[Step], n: usize, kind: Kind) {
    let operation = steps[n - 1].call.operation().to_owned();
    let earlier = steps[..n].iter().filter(|it| it.call.operation() == operation).count();
    let number = bench.faults.calls(&operation) + u32::try_from(earlier).unwrap();
    bench.faults.add(Fault { operation, number: Some(number), kind });
    let mut child = program(bench, args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let held = tokio::select! {
        held = bench.faults.held() => held,
        ended = child.wait() => panic!("it ended before it was killed: {ended:?}"),
    };
    // SIGKILL.
    child.kill().await.unwrap();
    // The lab lets go of a call whose caller is gone.
    while held.is_awaited() {
        tokio::task::yield_now().await;
    }
    held.release();
    bench.faults.mend();
}

/// In how many calls of all that were made nothing was done.
fn not_done(kind: Kind) -> u32 {
    u32::from(kind == Kind::Hold)
}

const WAIT: [&str; 2] = ["--wait", "300ms"];

/// The first four edits of the bench, in words.
const PLAN: &str = r#"
cluster: c
changes:
- {grant: "arn:aws:iam::111122223333:role/fresh", policy: View, namespaces: [green, blue], groups: [devs]}
- {grant: "arn:aws:iam::111122223333:role/dev", policy: View, namespaces: [green]}
- {set: "arn:aws:iam::111122223333:role/dev", groups: [ops, devs], username: "dev:{{SessionName}}"}
"#;

/// Applies a plan of four steps, and is killed at one of them.
async fn killed_at_first(bench: &Bench, n: usize, kind: Kind) -> Batch {
    let batch = bench.batch(4).await;
    std::fs::create_dir_all(&bench.folder).unwrap();
    let file = bench.folder.join("plan.yaml");
    std::fs::write(&file, PLAN).unwrap();
    let file = file.to_str().unwrap();
    let args = [&["plan", file, "--apply", "--yes-cluster", "c"][..], &WAIT].concat();
    killed(bench, &args, &batch.steps, n, kind).await;
    let journal = bench.journal(None);
    let [history] = journal.book().histories()[..] else { panic!("{:?}", journal.book()) };
    assert_eq!(history.batch.steps, batch.steps, "the words mean the same edits");
    history.batch.clone()
}

/// Killed at a step while applying; then gone on with.
async fn killed_applying(name: String, n: usize, kind: Kind) -> (Bench, Batch, Score) {
    let bench = Bench::start(&name, Options::default()).await;
    let batch = killed_at_first(&bench, n, kind).await;
    let (journal, _) = ended(&bench, &["journal"]).await;
    let (receipt, status) = ended(&bench, &[&["resume", &batch.id, "--yes-cluster", "c"][..], &WAIT].concat()).await;
    let mut score = Score::default();
    score.case(
        &format!("killed at call {n}, {kind:?}: {receipt:#}"),
        &[
            ("in doubt", journal["batches"][0]["state"] == "in-doubt"),
            ("done", status == Some(0) && receipt["state"] == "done" && receipt["asPlanned"] == true),
            ("as planned", bench.view() == bench.planned(&batch)),
            ("each call once", bench.calls() == 4 + not_done(kind)),
        ],
    );
    (bench, batch, score)
}

/// The same; then killed at a step while undoing, and that gone on with.
async fn killed_twice(name: String, n: usize, kind: Kind) -> Score {
    let (bench, batch, mut score) = killed_applying(name, n, kind).await;
    let back = plan(&batch.draft.inverse());
    if n > back.len() {
        return score;
    }
    let before = bench.calls();
    killed(&bench, &[&["undo", &batch.id, "--yes-cluster", "c"][..], &WAIT].concat(), &back, n, kind).await;
    let (receipt, status) = ended(&bench, &[&["resume", "last", "--yes-cluster", "c"][..], &WAIT].concat()).await;
    let (journal, _) = ended(&bench, &["journal"]).await;
    score.case(
        &format!("killed at call {n} of the undo, {kind:?}: {receipt:#}"),
        &[
            ("done", status == Some(0) && receipt["asPlanned"] == true),
            ("as before", bench.view() == bench.before),
            ("each call once", bench.calls() - before == u32::try_from(back.len()).unwrap() + not_done(kind)),
            ("said so", journal["batches"][0]["state"] == "undone"),
        ],
    );
    score
}

/// Killed at a step while applying; then undone at once.
async fn killed_and_undone(name: String, n: usize, kind: Kind) -> Score {
    let bench = Bench::start(&name, Options::default()).await;
    killed_at_first(&bench, n, kind).await;
    // Without the cluster's name it only says what it would do.
    let standing = bench.view();
    let (shown, _) = ended(&bench, &[&["undo", "last"][..], &WAIT].concat()).await;
    let looked = shown["steps"].is_array() || standing == bench.before;
    let untouched = standing == bench.view();
    let (receipt, status) = ended(&bench, &[&["undo", "last", "--yes-cluster", "c"][..], &WAIT].concat()).await;
    let mut score = Score::default();
    score.case(
        &format!("killed at call {n} and undone, {kind:?}: {receipt:#}"),
        &[
            ("done", status == Some(0)),
            ("as before", bench.view() == bench.before),
            ("the plan is shown first", looked),
            ("showing it does nothing", untouched),
        ],
    );
    score
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_a_call_is_held() {
    let began = Instant::now();
    let mut cases: JoinSet<Score> = JoinSet::new();
    for n in 1..=4 {
        for kind in [Kind::Hold, Kind::HoldAfter] {
            cases.spawn(killed_twice(format!("killed-{n}-{kind:?}"), n, kind));
            if n < 4 {
                cases.spawn(killed_and_undone(format!("undone-{n}-{kind:?}"), n, kind));
            }
        }
    }
    let mut score = Score::default();
    let all = async {
        while let Some(case) = cases.join_next().await {
            score.add(case.unwrap());
        }
    };
    tokio::time::timeout(Duration::from_secs(120), all).await.expect("all come to an end");
    assert_eq!(score.cases, 20, "that many kills");
    score.tell("kills of the program", began);
}
