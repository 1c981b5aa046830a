//! `eksplorer why-pod`, `why-sa` and `why-role`: which AWS role a workload gets, and who becomes a role.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::json::{EvidenceJson, FORMAT, verdict_word};
use super::lines::{Beside, line_rows};
use super::trust::ClauseJson;
use super::{columns, glyph};
use crate::access::Verdict;
use crate::access::findings::{Finding, Severity};
use crate::access::trust::Clause;
use crate::access::workload::role::WhyRole;
use crate::access::workload::{ContainerIdentity, InForce, NewPod, Shown, Why};
use crate::model::cluster::ClusterId;
use crate::model::document::to_json;
use crate::model::visible::{visible, visible_lines};

/// What the role's policies say of an action, asked of IAM beside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Action {
    /// `s3:GetObject`
    pub action: String,
    /// On what; `*` for anything.
    pub resource: String,
    /// Whether the policies allow it.
    #[serde(serialize_with = "write_outcome")]
    pub verdict: Verdict,
    /// Why, as a sentence.
    pub because: String,
}

impl Action {
    /// With its verdict.
    pub fn new(action: &str, resource: &str, outcome: Verdict, because: String) -> Self {
        Action { action: action.to_owned(), resource: resource.to_owned(), verdict: outcome, because }
    }
}

fn write_outcome<S: Serializer>(outcome: &Verdict, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(verdict_word(*outcome))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WhyJson<'a> {
    eksplorer: u32,
    cluster: &'a str,
    pod: Option<String>,
    service_account: String,
    in_force: &'static str,
    role_arn: Option<&'a str>,
    audience: Option<&'a str>,
    verdict: &'static str,
    because: &'a str,
    clause: Option<Value>,
    others: Vec<Value>,
    containers: Vec<Value>,
    new_pod: Option<Value>,
    findings: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a Action>,
}

fn clause(it: &Clause) -> Value {
    let whole = ClauseJson::from(it);
    json!({"statement": whole.statement, "operator": whole.operator, "key": whole.key, "wanted": whole.wanted, "got": whole.got})
}

fn severity(it: Severity) -> &'static str {
    match it {
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
    }
}

fn finding(it: &Finding) -> Value {
    json!({"id": it.id.as_str(), "severity": severity(it.severity), "subject": it.evidence.document.to_string(), "because": it.sentence})
}

fn pod_name(why: &Why<'_>) -> Option<String> {
    why.pod.map(|it| format!("{}/{}", why.namespace, it.metadata.name))
}

/// Each container, where they differ.
fn containers(all: &[ContainerIdentity], differ: bool) -> Vec<Value> {
    let shape = |it: &ContainerIdentity| json!({"name": it.name, "inForce": it.in_force.as_str(), "roleArn": it.role_arn, "audience": it.audience()});
    all.iter().filter(|_| differ).map(shape).collect()
}

fn new_pod(it: &NewPod) -> Value {
    json!({"inForce": it.in_force.as_str(), "roleArn": it.role_arn, "audience": it.audience,
        "verdict": verdict_word(it.answer.outcome), "because": it.answer.because,
        "containers": containers(&it.containers, it.differ())})
}

/// The answer as JSON (`docs/json.md`).
pub fn json(cluster: &ClusterId, why: &Why<'_>, action: Option<&Action>) -> Result<String, String> {
    let other = |it: &crate::access::workload::Other| json!({"mechanism": it.mechanism.as_str(), "state": it.state.as_str(), "roleArn": it.role_arn, "because": it.because});
    let shape = WhyJson {
        eksplorer: FORMAT,
        cluster: &cluster.name,
        pod: pod_name(why),
        service_account: format!("{}/{}", why.namespace, why.service_account),
        in_force: why.in_force.as_str(),
        role_arn: why.role_arn.as_deref(),
        audience: why.audience.as_deref(),
        verdict: verdict_word(why.answer.outcome),
        because: &why.answer.because,
        clause: why.answer.clause.as_ref().map(clause),
        others: why.others.iter().map(other).collect(),
        containers: containers(&why.containers, why.differ),
        new_pod: why.new_pod.as_ref().map(new_pod),
        findings: why.findings.iter().map(finding).collect(),
        action,
    };
    to_json(&shape).map(|text| text + "\n")
}

/// The same shape where nothing could be read of what was asked for.
pub fn unread_json(
    cluster: &ClusterId,
    pod: Option<&str>,
    account: Option<String>,
    because: &str,
) -> Result<String, String> {
    let none: [Value; 0] = [];
    let shape = json!({
        "eksplorer": FORMAT, "cluster": cluster.name, "pod": pod, "serviceAccount": account, "inForce": "unknown",
        "roleArn": null, "audience": null, "verdict": "unknown", "because": because, "clause": null, "others": none,
        "containers": none, "newPod": null, "findings": none,
    });
    to_json(&shape).map(|text| text + "\n")
}

/// The answer for people: what is so, the chain with its evidence, what else there is, what mends it.
pub fn text(cluster: &ClusterId, why: &Why<'_>, action: Option<&Action>) -> String {
    let shown = why.shown();
    let asked = action.map(|it| {
        vec![
            "action".to_owned(),
            format!("{} {} on {}: {}", glyph(it.verdict.mark()), it.action, it.resource, it.because),
        ]
    });
    lines(&shown, &format!("  {}\non {cluster}\n", visible(&shown.because)), asked)
}

/// Who becomes a role, for people.
pub fn role_text(cluster: &ClusterId, why: &WhyRole) -> String {
    lines(&why.shown(), &format!("{} on {cluster}\n", visible(&why.role_arn)), None)
}

/// An answer's lines under what is said first.
fn lines(shown: &Shown, below: &str, asked: Option<Vec<String>>) -> String {
    // The remedies follow in full.
    let lines = shown.lines.iter().filter(|it| it.remedy().is_none());
    let mut rows = line_rows(lines, Beside::Evidence);
    rows.extend(asked);
    let mut out = format!("{} {}\n{below}", glyph(shown.outcome.mark()), visible(&shown.headline));
    if !rows.is_empty() {
        out.push('\n');
        out.push_str(&columns(&rows));
    }
    for it in &shown.remedies {
        out.push_str(&format!("\n{}:\n", visible(&it.title)));
        for line in visible_lines(&it.text) {
            out.push_str(&format!("    {line}\n"));
        }
    }
    out
}

/// The same as JSON (`docs/json.md`).
pub fn role_json(cluster: &ClusterId, why: &WhyRole) -> Result<String, String> {
    let mut shape = json!({"eksplorer": FORMAT, "cluster": cluster.name, "roleArn": why.role_arn});
    if let (Some(shape), Value::Object(more)) = (shape.as_object_mut(), become_json(why)) {
        shape.extend(more);
        shape.insert("findings".to_owned(), why.findings.iter().map(finding).collect());
    }
    to_json(&shape).map(|text| text + "\n")
}

/// `{verdict, because, holders, unknown}`
pub(super) fn become_json(why: &WhyRole) -> Value {
    let holder = |it: &crate::access::workload::role::Holder| {
        let mut shape = json!({"kind": it.kind.as_str(), "name": it.name, "mechanism": it.mechanism.map(InForce::as_str),
            "verdict": verdict_word(it.outcome), "because": it.because,
            "evidence": it.evidence.as_ref().map(EvidenceJson::from)});
        if let Some(shape) = shape.as_object_mut().filter(|_| it.count > 1) {
            shape.insert("count".to_owned(), it.count.into());
        }
        shape
    };
    json!({"verdict": verdict_word(why.answer.outcome), "because": why.answer.because,
        "holders": why.holders.iter().map(holder).collect::<Vec<_>>(), "unknown": why.unknown})
}
