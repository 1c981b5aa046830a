//! What became of a batch: step by step, in the end, and what to do next.

use serde_json::{Value, json};

use super::columns;
use super::json::FORMAT;
use crate::edit::receipt::{Doing, End, Progress, Receipt, StepReceipt};
use crate::edit::record::Progressed;
use crate::edit::state::Subject;
use crate::model::visible::visible;

/// What a batch that is as planned still leaves open.
const BY_THE_API: &str = "as planned, by the EKS API (the authorizer may lag behind it by some seconds)";

/// A receipt for people.
pub fn text(receipt: &Receipt) -> String {
    let mut out = format!("batch {} on {}: {}\n\n", receipt.batch, receipt.cluster, head(receipt));
    let rows: Vec<Vec<String>> = receipt.steps.iter().map(row).collect();
    out.push_str(&columns(&rows));
    if !receipt.because.is_empty() {
        out.push('\n');
    }
    for because in &receipt.because {
        out.push_str(&format!("- {}\n", visible(because)));
    }
    if let Some(next) = &receipt.next {
        out.push_str(&format!("\nnext: {}\n", visible(next)));
    }
    out
}

fn head(receipt: &Receipt) -> String {
    let done = receipt.steps.iter().filter(|it| it.progressed.is_done()).count();
    let of = receipt.steps.len();
    match (receipt.end, receipt.as_planned) {
        (End::Done, Some(true)) => format!("done, {BY_THE_API}"),
        (End::Done, _) => "done, but not as planned".to_owned(),
        (End::Blocked, _) => "nothing was done".to_owned(),
        (End::Stopped, _) => format!("stopped, {done} of {of} steps done"),
        (End::InDoubt, _) => format!("stopped, {done} of {of} steps done and one in doubt"),
    }
}

/// `1`, `CreateAccessEntry`, `access entry role/x`, `done`, why.
pub(super) fn row(step: &StepReceipt) -> Vec<String> {
    let (code, because) = step.said();
    vec![
        format!("{:>2}", step.n),
        step.call.operation().to_owned(),
        step.subject.to_string(),
        step.word().replace('-', " "),
        because.or(code).unwrap_or_default().to_owned(),
    ]
}

/// A receipt for programs.
pub fn value(receipt: &Receipt) -> Value {
    json!({
        "eksplorer": FORMAT,
        "batch": receipt.batch,
        "cluster": receipt.cluster.name,
        "region": receipt.cluster.region,
        "state": receipt.end.word(),
        "steps": receipt.steps.iter().map(step_value).collect::<Vec<_>>(),
        "asPlanned": receipt.as_planned,
        "because": receipt.because,
        "next": receipt.next,
    })
}

pub(super) fn step_value(step: &StepReceipt) -> Value {
    let mut value = json!({
        "n": step.n,
        "call": step.call.operation(),
        "subject": subject_value(&step.subject),
        "outcome": step.word(),
        "readBack": step.read_back(),
    });
    if let (Some(object), (code, because)) = (value.as_object_mut(), step.said()) {
        object.extend(code.map(|it| ("code".to_owned(), Value::from(it))));
        object.extend(because.map(|it| ("because".to_owned(), Value::from(it))));
    }
    value
}

fn subject_value(subject: &Subject) -> Value {
    match subject {
        Subject::Entry(arn) => json!({ "accessEntry": arn }),
        Subject::Association(namespace, account) => {
            json!({ "podIdentityAssociation": { "namespace": namespace, "serviceAccount": account } })
        }
    }
}

/// News, in a line for people; `None` for what the receipt says anyway.
pub fn news(progress: &Progress) -> Option<String> {
    let line = match progress {
        Progress::Step { n, of, doing } => match doing {
            Doing::Reading | Doing::Calling => return None,
            Doing::Known(progressed) => {
                let word = match progressed {
                    Progressed::NotBegun => "not begun",
                    Progressed::InDoubt { .. } => "in doubt",
                    Progressed::Done { found: true, .. } => "found done",
                    Progressed::Done { .. } => "done",
                    Progressed::Failed { .. } => "failed",
                };
                format!("step {n} of {of}: {word}")
            }
        },
        Progress::Comparing => "comparing with what was planned".to_owned(),
        Progress::Waiting { subject, millis, at_most } => {
            let seconds = |millis: &u64| format!("{:.1}", *millis as f64 / 1000.0);
            format!("waiting for {subject} to be seen, {} s of at most {} s", seconds(millis), seconds(at_most))
        }
        Progress::Ended(_) => return None,
    };
    Some(visible(&line).into_owned())
}
