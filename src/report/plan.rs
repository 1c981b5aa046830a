//! `eksplorer grant`, `revoke` and `plan`: the calls, who gains and loses what, what speaks against it.

use serde_json::{Value, json};

use super::columns;
use super::json::FORMAT;
use crate::edit::Review;
use crate::edit::check::Level;
use crate::edit::diff::{Access, Difference};
use crate::edit::plan::Call;
use crate::edit::state::{State, Subject};
use crate::edit::told::call;
use crate::model::cluster::ClusterId;
use crate::model::document::to_json;
use crate::model::principal::Principal;
use crate::model::visible::visible;
use crate::model::words::count;

/// The sign before a check.
fn sign(level: Level) -> &'static str {
    match level {
        Level::Blocks => "✗",
        Level::Asks => "?",
        Level::Notes => "·",
    }
}

/// A subject in one cell.
pub fn subject(subject: &Subject, home: Option<&str>) -> String {
    match subject {
        Subject::Entry(arn) => Principal::from_arn(arn).map_or_else(|_| arn.clone(), |(it, _)| it.short(home)),
        Subject::Association(namespace, account) => format!("{namespace}/{account}"),
    }
}

fn tell(state: &Option<State>) -> String {
    state.as_ref().map_or_else(|| "none".to_owned(), State::tell)
}

/// The review for people.
pub fn text(cluster: &ClusterId, review: &Review, home: Option<&str>) -> String {
    if review.draft.is_empty() {
        return format!("nothing to do: {cluster} is as asked already\n");
    }
    let (blocks, asks, notes) = review.counts();
    let mut out = format!(
        "{} on {cluster}: {} · {} · {}\n\n",
        count(review.steps.len(), "call", "calls"),
        count(blocks, "check blocks", "checks block"),
        count(asks, "asks", "ask"),
        count(notes, "note", "notes")
    );
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (at, (of, change)) in review.draft.changes().enumerate() {
        let again = if change.again { " (deleted and made again)" } else { "" };
        let what = match (&change.before, &change.after) {
            (None, after) => tell(after),
            (before, None) => format!("was {}", tell(before)),
            (before, after) if before == after => tell(after),
            (before, after) => format!("{}  →  {}", tell(before), tell(after)),
        };
        let head = if at == 0 { "changes" } else { "" };
        rows.push(vec![head.to_owned(), format!("{} {}{again}", change.sign(), subject(of, home)), what]);
    }
    for (at, step) in review.steps.iter().enumerate() {
        let head = if at == 0 { "calls" } else { "" };
        let note = step.note.as_ref().map(|it| format!("  ({it})")).unwrap_or_default();
        rows.push(vec![
            head.to_owned(),
            format!("{} {}", step.n, step.call.operation()),
            format!("{}  {}{note}", subject(&step.subject, home), call(&step.call)).trim_end().to_owned(),
        ]);
    }
    for it in &review.differences {
        rows.extend(difference(it, home));
    }
    out.push_str(&columns(&rows));
    if !review.checks.is_empty() {
        out.push('\n');
        let checks = review.checks.iter().map(|it| {
            let about = it.subject.as_ref().map_or_else(|| "all".to_owned(), |it| subject(it, home));
            vec![format!("{} {}", sign(it.level), it.level.word()), it.id.to_string(), about, it.because.clone()]
        });
        out.push_str(&columns(&checks.collect::<Vec<_>>()));
    }
    out
}

fn difference(it: &Difference, home: Option<&str>) -> Vec<Vec<String>> {
    let who = it.principal.short(home);
    let row =
        |sign: &str, what: String| vec!["access".to_owned(), format!("{sign} {who}"), visible(&what).into_owned()];
    let mut rows = Vec::new();
    match it.turns() {
        Some(true) => rows.push(row("+", "gets in".to_owned())),
        Some(false) => rows.push(row("-", "no longer gets in".to_owned())),
        None => {}
    }
    rows.extend(it.gains.iter().map(|it| row("+", it.tell())));
    rows.extend(it.loses.iter().map(|it| row("-", it.tell())));
    rows.extend(it.unknown.iter().map(|it| row("?", it.clone())));
    if rows.is_empty() {
        rows.push(row(" ", "its permissions do not change".to_owned()));
    }
    rows
}

/// The body of a call, as it is sent.
pub fn request(cluster: &ClusterId, call: &Call) -> Value {
    let mut value = serde_json::to_value(call).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        object.remove("operation");
        object.retain(|_, value| !value.is_null());
        object.insert("clusterName".to_owned(), json!(cluster.name));
    }
    value
}

pub(super) fn access_json(it: &Access) -> Value {
    json!({"verbs": it.verbs, "resources": it.resources, "namespaces": it.namespaces, "except": it.except})
}

/// The review as JSON (`docs/json.md`).
pub fn value(cluster: &ClusterId, review: &Review) -> Value {
    let changes: Vec<Value> = review
        .draft
        .changes()
        .map(|(subject, change)| {
            json!({
                "change": match change.sign() { "+" => "add", "-" => "remove", _ => "change" },
                "again": change.again,
                "subject": subject_json(subject),
                "before": change.before, "after": change.after,
            })
        })
        .collect();
    let steps: Vec<Value> = review
        .steps
        .iter()
        .map(|it| {
            json!({
                "n": it.n, "call": it.call.operation(), "subject": subject_json(&it.subject),
                "request": request(cluster, &it.call), "note": it.note,
            })
        })
        .collect();
    let differences: Vec<Value> = review
        .differences
        .iter()
        .map(|it| {
            json!({
                "principal": it.principal.arn(),
                "getsIn": it.turns(),
                "gains": it.gains.iter().map(access_json).collect::<Vec<_>>(),
                "loses": it.loses.iter().map(access_json).collect::<Vec<_>>(),
                "unknown": it.unknown,
            })
        })
        .collect();
    let checks: Vec<Value> = review
        .checks
        .iter()
        .map(|it| json!({"id": it.id.as_str(), "level": it.level.word(), "because": it.because, "subject": it.subject.as_ref().map(subject_json)}))
        .collect();
    json!({
        "eksplorer": FORMAT, "cluster": cluster.name, "region": cluster.region,
        "changes": changes, "steps": steps, "accessDiff": differences, "checks": checks,
    })
}

/// A subject as JSON.
pub fn subject_json(subject: &Subject) -> Value {
    match subject {
        Subject::Entry(arn) => json!({"accessEntry": arn}),
        Subject::Association(namespace, account) => {
            json!({"podIdentityAssociation": {"namespace": namespace, "serviceAccount": account}})
        }
    }
}

/// The review as JSON text.
pub fn json_text(cluster: &ClusterId, review: &Review) -> Result<String, String> {
    to_json(&value(cluster, review)).map(|text| text + "\n")
}
