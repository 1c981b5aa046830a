//! Findings as SARIF 2.1.0, the format in which tools tell their findings to what shows those of many.
//!
//! A finding is about a thing of the cluster and not about a line of a file: its place is a logical location. Where the
//! facts came from a file, that file is its physical location, without which some readers show nothing. What could not be
//! judged are notifications of the run, so that an empty list of results does not read as a clean one.

use serde_json::{Value, json};

use crate::access::audit::{Audit, IgnoredBy, Item};
use crate::access::findings::Severity;
use crate::access::findings::rules::{FindingRule, rules};
use crate::model::cluster::ClusterId;
use crate::model::document::to_json;

/// Where the schema of the format is published.
const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The findings as SARIF; `file` is that which the facts came from, if they did.
pub fn sarif(id: &ClusterId, audit: &Audit, file: Option<&str>) -> Result<String, String> {
    let rules: Vec<FindingRule> = rules().collect();
    let results: Vec<Value> = audit.items.iter().map(|item| result(id, item, &rules, file)).collect();
    let notifications: Vec<Value> = (audit.not_judged.iter())
        .map(|it| json!({"level": "warning", "message": {"text": format!("not judged: {}: {}", it.what, it.because)}}))
        .collect();
    let driver = json!({"name": "eksplorer", "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": rules.iter().map(descriptor).collect::<Vec<_>>()});
    let run = json!({
        "tool": {"driver": driver},
        "automationDetails": {"id": format!("eksplorer/{}/{}/", id.region, id.name)},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": true, "toolExecutionNotifications": notifications}],
        "results": results,
    });
    to_json(&json!({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})).map(|text| text + "\n")
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

fn descriptor(rule: &FindingRule) -> Value {
    let page = rule.page;
    json!({
        "id": rule.id.as_str(),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "helpUri": page.url,
        "help": {
            "text": format!("{} {} See: {}, {}", rule.title, rule.why, page.title, page.url),
            "markdown": format!("{} {} See: [{}]({}).", rule.title, rule.why, page.title, page.url),
        },
        "defaultConfiguration": {"level": level(rule.severity)},
        "properties": {"tags": ["security", rule.family.as_str()]},
    })
}

fn result(id: &ClusterId, item: &Item, rules: &[FindingRule], file: Option<&str>) -> Value {
    let place = format!("{}/{}/{}", id.region, id.name, item.subject);
    let logical = json!({"name": item.subject.to_string(), "fullyQualifiedName": place, "kind": item.subject.kind()});
    let mut location = json!({"logicalLocations": [logical]});
    if let Some(file) = file {
        location["physicalLocation"] = json!({"artifactLocation": {"uri": uri(file)}});
    }
    let evidence: Vec<String> = item.evidence.iter().map(ToString::to_string).collect();
    let at = if evidence.is_empty() { String::new() } else { format!(" (at {})", evidence.join("; ")) };
    let mut out = json!({
        "ruleId": item.id.as_str(),
        "level": level(item.severity),
        "message": {"text": format!("{}: {}{at}", item.subject, item.because)},
        "locations": [location],
        "partialFingerprints": {"eksplorerFinding/v1": format!("{}/{} {}", id.region, id.name, item.fingerprint)},
        "properties": {"remedy": item.remedy.iter().map(|it| json!({"title": it.title, "text": it.text})).collect::<Vec<_>>()},
    });
    if let Some(index) = rules.iter().position(|it| it.id == item.id) {
        out["ruleIndex"] = json!(index);
    }
    // An empty list says that nothing is suppressed, and not that nobody knows.
    out["suppressions"] = match item.ignored {
        None => json!([]),
        Some(IgnoredBy::Flag) => json!([{"kind": "external", "justification": "ignored by a flag"}]),
        Some(IgnoredBy::Baseline) => json!([{"kind": "external", "justification": "in the baseline"}]),
    };
    out
}

/// A path as a reference in the sense of RFC 3986; a relative one stays so.
fn uri(path: &str) -> String {
    let path = path.replace('\\', "/");
    let absolute = if path.starts_with('/') { "file://" } else { "" };
    let mut out = String::from(absolute);
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_reference() {
        for (path, wanted) in [
            ("facts.yaml", "facts.yaml"),
            ("a b/ü.yaml", "a%20b/%C3%BC.yaml"),
            ("/tmp/x#1.yaml", "file:///tmp/x%231.yaml"),
            ("c:x", "c%3Ax"),
        ] {
            assert_eq!(uri(path), wanted);
        }
    }
}
