//! The journal's batches: who, when, what, where, and how each stands.

use serde_json::{Value, json};

use super::json::FORMAT;
use super::{columns, receipt};
use crate::edit::receipt::{End, Receipt, StepReceipt};
use crate::edit::record::{BatchHead, Book, History, Standing};
use crate::model::visible::visible;

/// How a batch stands, in a few words.
fn told(standing: &Standing, steps: usize) -> String {
    match standing {
        Standing::Stopped { done } => format!("stopped after {done} of {steps}"),
        Standing::InDoubt { step } => format!("step {step} of {steps} in doubt"),
        Standing::Abandoned { done: 0 } => "nothing done".to_owned(),
        Standing::Abandoned { done } => format!("left after {done} of {steps}"),
        Standing::UndoneBy(by) => format!("undone by {by}"),
        Standing::BeingUndoneBy(by) => format!("being undone by {by}"),
        other => other.word().to_owned(),
    }
}

/// What it is for, or what it does.
fn what(batch: &BatchHead) -> String {
    let home = Some(batch.pin.account.as_str());
    let does = batch.changes.iter();
    let does = does.map(|(sign, subject)| format!("{sign} {}", super::plan::subject(subject, home)));
    let does = does.collect::<Vec<_>>().join(", ");
    let undoes = batch.undoes.as_ref().map(|it| format!("undoes {it}: ")).unwrap_or_default();
    let note = batch.note.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
    format!("{undoes}{does}{note}")
}

/// The batches, the oldest first; of one, its steps too.
pub fn text(book: &Book, only: Option<&History>) -> String {
    let mut out = String::new();
    let heads: Vec<&BatchHead> =
        only.map_or_else(|| book.heads().collect(), |it| book.head(&it.batch.id).into_iter().collect());
    if heads.is_empty() {
        out.push_str("the journal is empty: nothing was changed from here\n");
    } else {
        let mut rows = vec![
            ["BATCH", "WHEN", "STATE", "CLUSTER", "WHO", "WHAT"].map(str::to_owned).into_iter().collect::<Vec<_>>(),
        ];
        rows.extend(heads.iter().map(|it| {
            vec![
                it.id.clone(),
                it.made_at.to_string(),
                told(&book.standing_of(it), it.steps),
                format!("{} ({})", it.pin.cluster, it.pin.region),
                it.caller.clone(),
                what(it),
            ]
        }));
        out.push_str(&columns(&rows));
    }
    if let Some(history) = only {
        out.push('\n');
        let account = &history.batch.pin.account;
        let all = steps(history);
        let rows = all.iter().map(|it| {
            let (code, because) = it.said();
            let why = because.or(code).unwrap_or_default().to_owned();
            receipt::row(it, account).into_iter().chain([why]).collect()
        });
        out.push_str(&columns(&rows.collect::<Vec<Vec<_>>>()));
        let (_, differences) = history.ended.clone().unwrap_or_default();
        for line in differences.into_iter().chain(history.irrecoverable().into_iter().map(|it| format!("undo: {it}"))) {
            out.push_str(&format!("- {}\n", visible(&line)));
        }
    }
    if let Some(line) = asides(book) {
        out.push_str(&format!("\n{line}\n"));
    }
    for it in heads.iter().filter(|it| book.standing_of(it).is_open()) {
        let id = &it.id;
        out.push('\n');
        out.push_str(&visible(&format!(
            "open: {id}. Go on with: eksplorer resume {id}; take back: eksplorer undo {id}; leave as it is: eksplorer \
             journal --abandon {id}"
        )));
        out.push('\n');
    }
    out
}

fn asides(book: &Book) -> Option<String> {
    let lines = book.unreadable.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    (!lines.is_empty()).then(|| format!("not readable, cut short by a crash perhaps: line {lines}"))
}

fn steps(history: &History) -> Vec<StepReceipt> {
    Receipt::of(history, End::Done, None, Vec::new()).steps
}

/// The journal for programs.
pub fn value(book: &Book, only: Option<&History>) -> Value {
    let histories: Vec<&History> = only.map_or_else(|| book.histories(), |it| vec![it]);
    let batches = histories.into_iter().map(|it| {
        let (batch, standing) = (&it.batch, book.standing(it));
        let undone_by = match &standing {
            Standing::UndoneBy(by) | Standing::BeingUndoneBy(by) => Some(by.clone()),
            _ => None,
        };
        json!({
            "batch": batch.id,
            "madeAt": batch.made_at,
            "by": batch.caller,
            "cluster": batch.pin.cluster,
            "clusterArn": batch.pin.cluster_arn,
            "account": batch.pin.account,
            "region": batch.pin.region,
            "endpoint": batch.pin.endpoint,
            "state": state(&standing),
            "asPlanned": it.ended.as_ref().map(|(as_planned, _)| *as_planned),
            "open": standing.is_open(),
            "steps": steps(it).iter().map(receipt::step_value).collect::<Vec<_>>(),
            "undoes": batch.undoes,
            "undoneBy": undone_by,
            "notBroughtBack": it.irrecoverable(),
            "note": batch.note,
        })
    });
    json!({ "eksplorer": FORMAT, "batches": batches.collect::<Vec<_>>(), "unreadableLines": book.unreadable })
}

fn state(standing: &Standing) -> &'static str {
    match standing {
        Standing::NotBegun => "not-begun",
        Standing::Done { .. } => "done",
        Standing::Refused => "refused",
        Standing::Stopped { .. } => "stopped",
        Standing::InDoubt { .. } => "in-doubt",
        Standing::Abandoned { .. } => "abandoned",
        Standing::BeingApplied => "being-applied",
        Standing::UndoneBy(_) => "undone",
        Standing::BeingUndoneBy(_) => "being-undone",
    }
}
