//! The controls of a cluster, printed: the table, and below it how to change what can be changed.

use serde_json::{Value, json};

use super::json::EvidenceJson;
use crate::access::posture::{Control, Standing};
use crate::model::visible::visible;

/// The lines of the table, its head first.
pub(super) fn rows(controls: &[Control]) -> Vec<Vec<String>> {
    let head = ["STATE", "CONTROL", "OF", "WHY"].map(str::to_owned).to_vec();
    let row = |it: &Control| {
        let subject = if it.subject.is_empty() { "-" } else { it.subject.as_str() };
        vec![it.standing.to_string(), it.id.to_string(), subject.to_owned(), it.because.clone()]
    };
    std::iter::once(head).chain(controls.iter().map(row)).collect()
}

/// How to change what can be changed. Commands stand on lines of their own, so that they can be copied.
pub(super) fn changes(controls: &[Control]) -> String {
    let mut out = String::new();
    for control in controls.iter().filter(|it| it.standing != Standing::Good) {
        let Some(change) = &control.change else { continue };
        let subject =
            if control.subject.is_empty() { String::new() } else { format!(" {}", visible(&control.subject)) };
        out.push_str(&format!("\n# {}{subject}: {}\n", control.id, visible(&change.danger)));
        if let Some(look) = &change.look {
            out.push_str(&format!("{}\n", visible(look)));
        }
        out.push_str(&format!("{}\n", visible(&change.command)));
    }
    out
}

/// The controls as JSON (`docs/json.md`).
pub(super) fn json(controls: &[Control]) -> Vec<Value> {
    let one = |it: &Control| {
        let (state, severity) = match it.standing {
            Standing::Finding(_) => ("finding", Some(it.standing.as_str())),
            other => (other.as_str(), None),
        };
        let evidence: Vec<EvidenceJson> = it.evidence.iter().map(EvidenceJson::from).collect();
        let change = it.change.as_ref();
        json!({"id": it.id.as_str(), "title": it.id.title(), "subject": it.subject, "state": state, "severity": severity,
            "because": it.because, "evidence": evidence, "look": change.and_then(|it| it.look.as_ref()),
            "command": change.map(|it| &it.command), "danger": change.map(|it| &it.danger)})
    };
    controls.iter().map(one).collect()
}
