//! `eksplorer audit`: all findings of a cluster, printed for people and for programs; and the baseline file.
//!
//! SARIF is in `sarif`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::json::{EvidenceJson, FORMAT};
use crate::access::audit::{Audit, Item};
use crate::access::findings::Severity;
use crate::model::cluster::ClusterId;
use crate::model::document::to_json;
use crate::model::visible::{visible, visible_lines};

pub use super::sarif::sarif;

/// The findings as text: what could not be judged first, then what was found, then the counts.
pub fn text(id: &ClusterId, audit: &Audit) -> String {
    let mut out = String::new();
    for it in &audit.not_judged {
        out.push_str(&format!("? not judged: {}: {}\n", visible(&it.what), visible(&it.because)));
    }
    if !audit.not_judged.is_empty() {
        out.push('\n');
    }
    for item in &audit.items {
        one(item, &mut out);
    }
    out.push_str(&format!("{}\n", summary(id, audit)));
    out
}

fn one(item: &Item, out: &mut String) {
    let ignored = item.ignored.map(|by| format!("  (ignored by {})", by.as_str())).unwrap_or_default();
    out.push_str(&format!("{:<6} {}  {}{ignored}\n", item.severity, item.id, visible(&item.subject.to_string())));
    out.push_str(&format!("       {}\n", visible(&item.because)));
    for evidence in &item.evidence {
        out.push_str(&format!("       at {}\n", visible(&evidence.to_string())));
    }
    // What is ignored is not to be mended.
    for remedy in item.remedy.iter().filter(|_| item.ignored.is_none()) {
        out.push_str(&format!("       # {}\n", visible(&remedy.title)));
        for line in visible_lines(&remedy.text) {
            out.push_str(&format!("       {line}\n"));
        }
    }
    out.push('\n');
}

/// `prod-eu1: 3 high, 40 medium, 20 low; 2 ignored; 4 not judged`
fn summary(id: &ClusterId, audit: &Audit) -> String {
    let count = |severity| format!("{} {severity}", audit.count(severity));
    let of = [Severity::High, Severity::Medium, Severity::Low].map(count).join(", ");
    let ignored = if audit.ignored() > 0 { format!("; {} ignored", audit.ignored()) } else { String::new() };
    let open = match audit.not_judged.len() {
        0 => String::new(),
        n => format!("; {n} not judged"),
    };
    format!("{}: {of}{ignored}{open}", visible(&id.to_string()))
}

/// The findings as JSON (`docs/json.md`).
pub fn json(id: &ClusterId, audit: &Audit) -> Result<String, String> {
    let findings: Vec<Value> = audit.items.iter().map(item_json).collect();
    let not_judged: Vec<Value> =
        audit.not_judged.iter().map(|it| json!({"what": it.what, "because": it.because})).collect();
    let counts = json!({"high": audit.count(Severity::High), "medium": audit.count(Severity::Medium),
        "low": audit.count(Severity::Low), "ignored": audit.ignored(), "notJudged": audit.not_judged.len()});
    let all = json!({"eksplorer": FORMAT, "cluster": id.name, "region": id.region, "findings": findings,
        "notJudged": not_judged, "counts": counts});
    to_json(&all).map(|text| text + "\n")
}

fn item_json(item: &Item) -> Value {
    let evidence: Vec<EvidenceJson> = item.evidence.iter().map(EvidenceJson::from).collect();
    let remedy: Vec<Value> = item.remedy.iter().map(|it| json!({"title": it.title, "text": it.text})).collect();
    json!({"id": item.id.as_str(), "severity": item.severity.as_str(), "subject": item.subject.to_string(),
        "because": item.because, "evidence": evidence, "remedy": remedy, "fingerprint": item.fingerprint,
        "ignored": item.ignored.map(|by| by.as_str())})
}

/// A file of findings that are not to count.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Baseline {
    eksplorer: u32,
    cluster: String,
    region: String,
    /// Fingerprints, in order.
    baseline: Vec<String>,
}

/// Reads a baseline, which must be of this cluster.
pub fn read_baseline(id: &ClusterId, text: &str) -> Result<BTreeSet<String>, String> {
    let read: Baseline = serde_json::from_str(text).map_err(|error| format!("it is no baseline: {error}"))?;
    if read.eksplorer != FORMAT {
        return Err(format!("it is of format {}, and this program reads {FORMAT}", read.eksplorer));
    }
    if (&read.cluster, &read.region) != (&id.name, &id.region) {
        return Err(format!("it is of the cluster {} in {}, and not of {id}", read.cluster, read.region));
    }
    Ok(read.baseline.into_iter().collect())
}

/// A baseline of all that was found, but for what a flag ignores: flags are given in every run.
pub fn write_baseline(id: &ClusterId, audit: &Audit) -> Result<String, String> {
    use crate::access::audit::IgnoredBy;
    let kept = audit.items.iter().filter(|it| it.ignored != Some(IgnoredBy::Flag));
    let baseline: BTreeSet<String> = kept.map(|it| it.fingerprint.clone()).collect();
    let file = Baseline {
        eksplorer: FORMAT,
        cluster: id.name.clone(),
        region: id.region.clone(),
        baseline: baseline.into_iter().collect(),
    };
    to_json(&file).map(|text| text + "\n")
}
