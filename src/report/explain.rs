//! `eksplorer explain`: a message, the step that fails, and what would fix it.

use serde_json::{Map, Value, json};

use super::can::{allowing_json, nearest_json, request_json};
use super::json::{EvidenceJson, FORMAT, verdict_word};
use super::lines::{Beside, line_rows};
use super::plan::access_json;
use super::{Exit, columns, glyph};
use crate::access::Verdict;
use crate::access::explain::fix::TextFix;
use crate::access::explain::message::{By, KubeletPeer, Message};
use crate::access::explain::{Explanation, Step, StepState};
use crate::access::permissions::{Permissions, RoleName};
use crate::edit::fix::{Explained, Fix};
use crate::model::cluster::ClusterId;
use crate::model::document::to_json;
use crate::model::rbac::Rule;
use crate::model::visible::visible;

/// How the command ends.
pub fn exit(explanation: &Explanation) -> Exit {
    match explanation.verdict {
        Verdict::Yes => Exit::Yes,
        Verdict::No => Exit::No,
        Verdict::Unknown => Exit::Unknown,
    }
}

/// The explanation as text: the answer first, then each step, then what would fix it.
pub fn text(cluster: &ClusterId, explained: &Explained) -> String {
    let explanation = &explained.explanation;
    let rows = line_rows(&explained.lines(), Beside::Nothing);
    let head = glyph(explanation.verdict.mark());
    format!(
        "{head} {}\n{} on {cluster}\n\n{}",
        visible(&explanation.answer),
        visible(&explanation.title),
        columns(&rows)
    )
}

/// The explanation as JSON (`docs/json.md`).
pub fn json(cluster: &ClusterId, permissions: &Permissions, explained: &Explained) -> Result<String, String> {
    let Explained { explanation, fixes } = explained;
    let proved = fixes.all().map(|(it, broader)| fix_json(it, broader));
    let texts = explanation.text_fixes.iter().map(text_fix_json);
    let principals: Vec<Value> = explanation
        .principals
        .iter()
        .map(|it| {
            json!({
                "arn": it.asked.principal.arn(),
                "session": it.asked.session,
                "because": it.because,
                "verdict": verdict_word(it.verdict),
            })
        })
        .collect();
    let nearest = explanation.nearest.as_ref().map(|it| nearest_json(permissions, it));
    let decision = explanation.decision.as_ref();
    let whole = json!({
        "eksplorer": FORMAT,
        "cluster": cluster.name,
        "region": cluster.region,
        "recognised": recognised(&explanation.message),
        "principals": principals,
        "steps": explanation.steps.iter().map(step).collect::<Vec<_>>(),
        "request": explanation.request.as_ref().map(request_json),
        "verdict": verdict_word(explanation.verdict),
        "because": explanation.answer,
        "unknown": decision.map(|it| it.unknown.clone()).unwrap_or_default(),
        "by": decision.map(|it| it.by.iter().map(|it| allowing_json(permissions, it)).collect::<Vec<_>>()).unwrap_or_default(),
        "nearest": nearest,
        "closestStatement": explanation.closest_statement,
        "leastStatement": explanation.least.as_ref().map(|it| json!({"policy": it.policy, "statement": it.statement})),
        "fix": proved.chain(texts).collect::<Vec<_>>(),
        "notes": explanation.notes.iter().chain(&fixes.notes).collect::<Vec<_>>(),
    });
    to_json(&whole).map(|text| text + "\n")
}

fn step(step: &Step) -> Value {
    let state = match step.state {
        StepState::Passed => "passed",
        StepState::Failed => "failed",
        StepState::Unknown => "unknown",
        StepState::NotChecked => "not-checked",
    };
    json!({
        "step": step.name.id(),
        "state": state,
        "because": step.because,
        "evidence": step.evidence.as_ref().map(EvidenceJson::from),
    })
}

fn fix_json(fix: &Fix, broader: bool) -> Value {
    let role = fix.role.as_ref().map(|it| match it {
        RoleName::Role(namespace, name) => json!({"kind": "Role", "namespace": namespace, "name": name}),
        RoleName::ClusterRole(name) => json!({"kind": "ClusterRole", "namespace": null, "name": name}),
    });
    json!({
        "kind": fix.kind.as_str(),
        "text": fix.title,
        "note": fix.note,
        "policyArn": fix.policy.as_ref().map(|it| &it.0),
        "scope": fix.policy.as_ref().map(|it| &it.1),
        "group": fix.group,
        "role": role,
        "command": fix.commands.join(" && "),
        "stageable": fix.change.staged().is_some(),
        "broader": broader,
        "gains": fix.gains.iter().map(access_json).collect::<Vec<_>>(),
        "loses": fix.loses.iter().map(access_json).collect::<Vec<_>>(),
        "unknown": fix.unknown,
    })
}

/// A fix that changes nothing in the cluster's access: nothing was measured.
fn text_fix_json(fix: &TextFix) -> Value {
    json!({
        "kind": fix.kind.as_str(),
        "text": fix.title,
        "note": fix.note,
        "policyArn": null,
        "scope": null,
        "group": null,
        "role": null,
        "command": fix.command.lines().collect::<Vec<_>>().join(" && "),
        "stageable": false,
        "broader": false,
        "gains": [],
        "loses": [],
        "unknown": [],
    })
}

/// What was made of the message: `kind`, and what a message of that kind holds.
fn recognised(message: &Message) -> Value {
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| {
        out.insert(name.to_owned(), value);
    };
    put("kind", json!(message.kind()));
    put("speaker", json!(message.speaker().as_str()));
    match message {
        Message::Forbidden(it) => {
            put("username", json!(it.username));
            if let Value::Object(all) = request_json(&it.request) {
                all.into_iter().for_each(|(name, value)| put(&name, value));
            }
            put("reason", json!(it.reason));
        }
        Message::Unauthorized { asked, sender, node, .. } => {
            put("arn", json!(asked.as_ref().map(|it| it.arn())));
            put("sender", json!(sender.as_str()));
            put("node", json!(node));
        }
        Message::Credentials { asked, fault, .. } => {
            put("arn", json!(asked.as_ref().map(|it| it.arn())));
            put("reason", json!(fault.sentence()));
        }
        Message::Kubelet(it) => {
            let refused = match it.peer {
                KubeletPeer::ApiServer => "api-server",
                KubeletPeer::Scraper => "scraper",
            };
            put("refused", json!(refused));
            put("node", json!(it.node));
        }
        Message::Connection(fault) => put("fault", json!(fault.as_str())),
        Message::WebIdentity(it) => {
            put("fault", json!(it.fault.as_str()));
            put("issuer", json!(it.issuer));
        }
        Message::PodIdentity(fault) => put("fault", json!(fault.as_str())),
        Message::ImagePull(it) => {
            put("image", json!(it.image));
            put("registry", json!(it.registry()));
            put("status", json!(it.status));
        }
        Message::CanI(it) => {
            put("username", json!(it.as_user));
            put("groups", json!(it.as_groups));
            put("verb", json!(it.verb));
            put("resource", json!(it.resource));
            put("subresource", json!(it.subresource));
            put("name", json!(it.name));
            put("namespace", json!(it.namespace));
            put("allNamespaces", json!(it.all_namespaces));
            put("answer", json!(it.answer.map(|yes| if yes { "yes" } else { "no" })));
            put("reason", json!(it.reason));
        }
        Message::Iam(it) => {
            put("arn", json!(it.asked.as_ref().map_or_else(|| it.user.clone(), |it| it.arn())));
            put("action", json!(it.action));
            put("resource", json!(it.resource));
            put("reason", json!(it.because));
            put("encoded", json!(it.encoded));
        }
        Message::Admission(it) => {
            let (by, name) = by(&it.by);
            put("by", json!(by));
            put("name", json!(name));
            put("object", json!(it.object));
            put("reason", json!(it.said));
        }
        Message::Escalation(it) => {
            put("username", json!(it.username));
            put("groups", json!(it.groups));
            put("object", json!(it.object));
            put("missing", json!(it.missing.iter().map(rule).collect::<Vec<_>>()));
        }
    }
    Value::Object(out)
}

fn rule(rule: &Rule) -> Value {
    serde_json::to_value(rule).unwrap_or_default()
}

fn by(by: &By) -> (&'static str, &str) {
    match by {
        By::PodSecurity { level } => ("pod-security", level),
        By::Quota { name } => ("quota", name),
        By::LimitRange => ("limit-range", ""),
        By::Webhook { name } => ("webhook", name),
        By::WebhookFailed { name } => ("webhook-failed", name),
        By::Policy { name, .. } => ("validating-admission-policy", name),
        By::Terminating { namespace } => ("namespace-terminating", namespace),
        By::ServiceAccount { name } => ("service-account", name),
        By::NodeRestriction => ("node-restriction", ""),
        By::Other => ("other", ""),
    }
}
