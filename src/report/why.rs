//! `eksplorer why-pod`, `why-sa` and `why-role`: which AWS role a workload gets, and who becomes a role.

use serde::Serialize;
use serde_json::{Value, json};

use super::json::{EvidenceJson, FORMAT};
use super::trust::{ClauseJson, word};
use super::{columns, glyph};
use crate::access::Mark;
use crate::access::findings::{Finding, Remedy, Severity};
use crate::access::trust::{Clause, Got, Outcome};
use crate::access::workload::role::WhyRole;
use crate::access::workload::{InForce, PodIdentities, Why};
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
    /// `allowed`, `denied`, `unknown`.
    pub verdict: &'static str,
    /// Why, as a sentence.
    pub because: String,
}

impl Action {
    /// With its verdict.
    pub fn new(action: &str, resource: &str, outcome: Outcome, because: String) -> Self {
        Action { action: action.to_owned(), resource: resource.to_owned(), verdict: word(outcome), because }
    }
}

/// A verdict's sign.
pub fn mark(outcome: Outcome) -> Mark {
    match outcome {
        Outcome::Allowed => Mark::InForce,
        Outcome::Denied => Mark::Dead,
        Outcome::Unknown => Mark::Unknown,
    }
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
    verdict: &'static str,
    because: &'a str,
    clause: Option<Value>,
    others: Vec<Value>,
    containers: Vec<Value>,
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
    json!({"id": it.id, "severity": severity(it.severity), "subject": it.evidence.document.to_string(), "because": it.sentence})
}

fn pod_name(why: &Why<'_>) -> Option<String> {
    why.pod.map(|it| format!("{}/{}", why.namespace, it.metadata.name))
}

/// The answer as JSON (`docs/json.md`).
pub fn json(cluster: &ClusterId, why: &Why<'_>, action: Option<&Action>) -> Result<String, String> {
    let other = |it: &crate::access::workload::Other| {
        json!({"mechanism": it.mechanism.as_str(), "state": it.state, "roleArn": it.role_arn, "because": it.because})
    };
    let containers = why.containers.iter().filter(|_| why.differ);
    let shape = WhyJson {
        eksplorer: FORMAT,
        cluster: &cluster.name,
        pod: pod_name(why),
        service_account: format!("{}/{}", why.namespace, why.service_account),
        in_force: why.in_force.as_str(),
        role_arn: why.role_arn.as_deref(),
        verdict: word(why.answer.outcome),
        because: &why.answer.because,
        clause: why.answer.clause.as_ref().map(clause),
        others: why.others.iter().map(other).collect(),
        containers: containers.map(|it| json!({"name": it.name, "inForce": it.in_force.as_str()})).collect(),
        findings: why.findings.iter().map(finding).collect(),
        action,
    };
    to_json(&shape).map(|text| text + "\n")
}

/// The same shape where nothing could be read of what was asked for.
pub fn unread_json(cluster: &ClusterId, pod: Option<&str>, account: Option<String>, because: &str) -> Result<String, String> {
    let none: [Value; 0] = [];
    let shape = json!({
        "eksplorer": FORMAT, "cluster": cluster.name, "pod": pod, "serviceAccount": account, "inForce": "unknown",
        "roleArn": null, "verdict": "unknown", "because": because, "clause": null, "others": none, "containers": none,
        "findings": none,
    });
    to_json(&shape).map(|text| text + "\n")
}

/// The answer in one sentence: who gets which role by what, or not.
pub fn headline(why: &Why<'_>) -> String {
    let who = match pod_name(why) {
        Some(pod) => format!("pod {pod}"),
        None => format!("a new pod of {}/{}", why.namespace, why.service_account),
    };
    let role = match (&why.role_arn, &why.target) {
        (Some(role), Some(target)) => format!("{role} and with it {target}"),
        (Some(role), None) => role.clone(),
        (None, _) => "a role".to_owned(),
    };
    let by = why.in_force.words();
    match (why.in_force, why.answer.outcome) {
        (InForce::PodIdentity | InForce::Irsa, Outcome::Allowed) => format!("{who} gets {role} by {by}"),
        (InForce::PodIdentity | InForce::Irsa, Outcome::Denied) => format!("{who} does not get {role} by {by}"),
        (InForce::PodIdentity | InForce::Irsa, Outcome::Unknown) => {
            format!("whether {who} gets {role} by {by} is not known")
        }
        (InForce::NodeRole, Outcome::Allowed) => match &why.role_arn {
            Some(role) => format!("{who} gets the node's role {role}"),
            None => format!("{who} gets the node's role"),
        },
        (InForce::NodeRole, _) => match &why.role_arn {
            Some(role) => format!("{who} has no role of its own; whether it gets the node's role {role} is not known"),
            None => format!("{who} has no role of its own; whether it gets the node's is not known"),
        },
        (InForce::StaticKeys, _) => format!("{who} uses access keys of its own; whose they are is not known"),
        (InForce::None, _) => format!("{who} has no AWS identity"),
        (InForce::Unknown, _) => format!("which AWS identity {who} has is not known"),
    }
}

/// Rows under a heading that is said once.
struct Rows {
    rows: Vec<Vec<String>>,
    part: &'static str,
}

impl Rows {
    fn say(&mut self, part: &'static str, mark: Option<Mark>, text: &str, note: &str) {
        let head = if self.part == part { "" } else { part };
        self.part = part;
        let note = if note.is_empty() { String::new() } else { format!("  ({note})") };
        self.rows.push(vec![head.to_owned(), format!("{} {text}{note}", mark.map_or(" ", glyph))]);
    }

    fn clause(&mut self, it: &Clause) {
        let key = if it.operator == it.key { it.key.clone() } else { format!("{} {}", it.operator, it.key) };
        self.say("clause", Some(Mark::Dead), &format!("Statement[{}] {key}", it.statement.index), "");
        self.say("wants", None, &it.wanted.join(" or "), "");
        let got = match &it.got {
            Got::Values(values) => values.join(" and "),
            Got::Absent => "(the request does not have it)".to_owned(),
            Got::Unknown => "(not known)".to_owned(),
        };
        self.say("has", None, &got, "");
    }
}

/// How many pods a service account's answer names one by one.
const MOST_PODS: usize = 20;

/// The answer for people: what is so, the chain with its evidence, what else there is, what mends it.
pub fn text(cluster: &ClusterId, why: &Why<'_>, action: Option<&Action>) -> String {
    let sign = glyph(mark(why.answer.outcome));
    let mut rows = Rows { rows: Vec::new(), part: "" };
    for step in &why.steps {
        let note = step.evidence.as_ref().map(ToString::to_string).unwrap_or_default();
        rows.say(step.label, step.outcome.map(mark), &step.text, &note);
    }
    if let Some(it) = &why.answer.clause {
        rows.clause(it);
        if let Some(passes) = &why.answer.passes {
            rows.say("passes", None, passes, "");
        }
    }
    if let Some(it) = action {
        let outcome = match it.verdict {
            "allowed" => Mark::InForce,
            "denied" => Mark::Dead,
            _ => Mark::Unknown,
        };
        rows.say("action", Some(outcome), &format!("{} on {}: {}", it.action, it.resource, it.because), "");
    }
    for it in why.containers.iter().filter(|_| why.differ) {
        let kind = if it.init { "init container " } else { "" };
        rows.say("containers", None, &format!("{kind}{}: {}", it.name, it.in_force.words()), &it.because);
    }
    for it in &why.others {
        let role = it.role_arn.as_deref().unwrap_or("a role that is not known");
        let evidence = it.evidence.as_ref().map(ToString::to_string).unwrap_or_default();
        let text = format!("{}, {role}: {}", it.mechanism.words(), it.because);
        rows.say(it.state, Some(Mark::Shadowed), &text, &evidence);
    }
    pods(&mut rows, why);
    for it in &why.unverified {
        rows.say("unverified", None, it, "");
    }
    for it in &why.findings {
        rows.say("findings", None, &format!("! {}", it.sentence), it.id);
    }
    let answer = headline(why);
    format!(
        "{sign} {}\n  {}\non {cluster}\n\n{}{}",
        visible(&answer),
        visible(&why.answer.because),
        columns(&rows.rows),
        remedies(&why.findings)
    )
}

fn pods(rows: &mut Rows, why: &Why<'_>) {
    let line = |it: &PodIdentities<'_>| match &it.role_arn {
        Some(role) => format!("{}: {}, {role}", it.pod.metadata.name, it.in_force.words()),
        None => format!("{}: {}", it.pod.metadata.name, it.in_force.words()),
    };
    for it in why.pods.iter().take(MOST_PODS) {
        rows.say("pods", Some(mark(it.answer.outcome)), &line(it), "");
    }
    if let Some(more) = why.pods.len().checked_sub(MOST_PODS).filter(|it| *it > 0) {
        rows.say("pods", None, &format!("and {more} more"), "");
    }
    if let Some(why) = &why.pods_unread {
        rows.say("pods", Some(Mark::Unknown), why, "");
    }
}

/// What mends the findings, each once, indented as it is to be pasted.
fn remedies(findings: &[Finding]) -> String {
    let mut all: Vec<&Remedy> = Vec::new();
    for it in findings.iter().flat_map(|it| &it.remedy) {
        if !all.contains(&it) {
            all.push(it);
        }
    }
    let mut out = String::new();
    for it in all {
        out.push_str(&format!("\n{}:\n", visible(&it.title)));
        for line in visible_lines(&it.text) {
            out.push_str(&format!("    {line}\n"));
        }
    }
    out
}

/// Who becomes a role, for people.
pub fn role_text(cluster: &ClusterId, why: &WhyRole) -> String {
    let mut rows = Rows { rows: Vec::new(), part: "" };
    for it in &why.holders {
        let by = it.mechanism.map(|it| format!(" by {}", it.words())).unwrap_or_default();
        rows.say(it.kind.as_str(), Some(mark(it.outcome)), &format!("{}{by}: {}", it.name, it.because), "");
    }
    for it in &why.unknown {
        rows.say("unknown", Some(Mark::Unknown), it, "");
    }
    for it in &why.findings {
        rows.say("findings", None, &format!("! {}", it.sentence), it.id);
    }
    let sign = glyph(mark(why.answer.outcome));
    let gap = if rows.rows.is_empty() { "" } else { "\n" };
    format!(
        "{sign} {}\n{} on {cluster}\n{gap}{}{}",
        visible(&why.answer.because),
        visible(&why.role_arn),
        columns(&rows.rows),
        remedies(&why.findings)
    )
}

/// The same as JSON (`docs/json.md`).
pub fn role_json(cluster: &ClusterId, why: &WhyRole) -> Result<String, String> {
    let holder = |it: &crate::access::workload::role::Holder| {
        json!({"kind": it.kind.as_str(), "name": it.name, "mechanism": it.mechanism.map(InForce::as_str),
            "verdict": word(it.outcome), "because": it.because,
            "evidence": it.evidence.as_ref().map(EvidenceJson::from)})
    };
    let shape = json!({
        "eksplorer": FORMAT, "cluster": cluster.name, "roleArn": why.role_arn, "verdict": word(why.answer.outcome),
        "because": why.answer.because, "holders": why.holders.iter().map(holder).collect::<Vec<_>>(),
        "unknown": why.unknown, "findings": why.findings.iter().map(finding).collect::<Vec<_>>(),
    });
    to_json(&shape).map(|text| text + "\n")
}
