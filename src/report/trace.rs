//! `eksplorer trace`: one principal's chain.

use super::columns;
use super::json::TraceJson;
use super::lines::{Beside, line_rows};
use crate::access::trace::Trace;
use crate::model::cluster::ClusterId;
use crate::model::document::to_json;
use crate::model::visible::visible;

/// The chain as text: the answer first, then each step.
pub fn text(cluster: &ClusterId, trace: &Trace) -> String {
    let rows = line_rows(&trace.lines, Beside::Nothing);
    format!("{}\n{} on {}\n\n{}", visible(&trace.answer), visible(&trace.title), cluster, columns(&rows))
}

/// The chain as JSON (`docs/json.md`).
pub fn json(cluster: &ClusterId, given: &str, trace: &Trace) -> Result<String, String> {
    to_json(&TraceJson::new(cluster, given, &trace.resolution)).map(|text| text + "\n")
}
