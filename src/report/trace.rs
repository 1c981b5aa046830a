//! `eksplorer trace`: one principal's chain.

use super::json::TraceJson;
use super::{columns, glyph};
use crate::access::trace::Trace;
use crate::model::cluster::ClusterId;
use crate::model::document::to_json;
use crate::model::visible::visible;

/// The chain as text: the answer first, then each step.
pub fn text(cluster: &ClusterId, trace: &Trace) -> String {
    let mut rows = Vec::new();
    let mut part = None;
    for line in &trace.lines {
        let heading = if part == Some(line.part) { "" } else { line.part.heading() };
        part = Some(line.part);
        let mark = line.mark.map(glyph).unwrap_or(" ");
        let text = match line.label {
            Some(label) => format!("{:<8} {}", label.drawn(), line.text),
            None => line.text.clone(),
        };
        rows.push(vec![heading.to_owned(), format!("{mark} {text}"), line.note.clone()]);
    }
    // A long fact must not push every note to the right edge: notes stand two blanks behind their own fact.
    let head: Vec<Vec<String>> = rows.iter().map(|row| vec![row[0].clone(), together(&row[1], &row[2])]).collect();
    format!("{}\n{} on {}\n\n{}", visible(&trace.answer), visible(&trace.title), cluster, columns(&head))
}

fn together(text: &str, note: &str) -> String {
    if note.is_empty() { text.to_owned() } else { format!("{text}  ({note})") }
}

/// The chain as JSON (`docs/json.md`).
pub fn json(cluster: &ClusterId, given: &str, trace: &Trace) -> Result<String, String> {
    to_json(&TraceJson::new(cluster, given, &trace.resolution)).map(|text| text + "\n")
}
