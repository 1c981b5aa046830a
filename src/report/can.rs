//! `eksplorer can`: one request of one identity, or many.

use serde::Serialize;
use serde_json::{Value, json};

use super::json::{EvidenceJson, FORMAT, PrincipalJson, verdict_word};
use super::{columns, glyph};
use crate::access::Mark;
use crate::access::Verdict;
use crate::access::kubectl::{Need, Question, all_of};
use crate::access::permissions::{Allowing, Decision, Grant, NearMiss, Permissions, RoleName, Via, Who};
use crate::access::resources::{Meant, is_cluster_scoped};
use crate::model::cluster::ClusterId;
use crate::model::document::to_json;
use crate::model::request::{Request, Target};
use crate::model::visible::visible;

/// One answered request.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Whose it is, as it was given and as it was understood.
    pub principal: Named,
    /// The identity.
    pub who: Who,
    /// What was asked, and what is to be said of the words.
    pub meant: Meant,
    /// What was asked, as it is told: `delete pods in payments`, `kubectl exec deploy/api in payments`.
    pub title: String,
    /// Of a command of kubectl, its name and the answer to each of its requests.
    pub command: Option<AnsweredCommand>,
    /// The answer.
    pub decision: Decision,
    /// Why, as a sentence.
    pub because: String,
    /// For a request for the whole cluster: where it would be allowed.
    pub allowed_in: Vec<String>,
    /// What came nearest to allowing it, if it is denied.
    pub nearest: Option<NearMiss>,
}

/// Somebody asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// As it was given.
    pub given: String,
    /// The IAM ARN; empty for a subject of Kubernetes' own.
    pub arn: String,
    /// `role`, `user`, …; `service-account`, `kubernetes-user`, `kubernetes-group`.
    pub kind: String,
    /// The session's name.
    pub session: Option<String>,
}

/// A command of kubectl, answered.
#[derive(Clone, Debug)]
pub struct AnsweredCommand {
    /// `kubectl exec`.
    pub name: String,
    /// Its requests, in order.
    pub needs: Vec<AnsweredNeed>,
}

/// One request of a command, answered.
#[derive(Clone, Debug)]
pub struct AnsweredNeed {
    /// The request, and what does as well.
    pub need: Need,
    /// The answer.
    pub decision: Decision,
    /// Why, as a sentence.
    pub because: String,
}

impl Answered {
    /// Answers a question. A command is allowed if all of its requests are, and denied if one is.
    pub fn new(permissions: &Permissions, principal: Named, who: Who, question: Question) -> Self {
        let title = question.title();
        let is_everywhere = question.is_everywhere();
        let all = question.needs();
        let needs: Vec<AnsweredNeed> = (all.iter())
            .map(|need| {
                let decision = permissions.decide_need(&who, need);
                let because = permissions.because(&who, &need.meant.request, &decision);
                AnsweredNeed { need: need.clone(), decision, because }
            })
            .collect();
        let verdict = all_of(needs.iter().map(|it| it.decision.verdict));
        let deciding = needs.iter().find(|it| it.decision.verdict == verdict);
        let mut decision = deciding.map(|it| it.decision.clone()).unwrap_or_default();
        let mut because = deciding.map(|it| it.because.clone()).unwrap_or_default();
        let request = deciding.map_or(&question.meant.request, |it| &it.need.meant.request);
        let nearest = (verdict == Verdict::No && decision.outside.is_none())
            .then(|| permissions.nearest(&who, request))
            .flatten();
        if question.command.is_some() && decision.outside.is_none() {
            because = match verdict {
                Verdict::Yes => format!("each of its {} requests is allowed", needs.len()),
                _ => format!("{request}: {because}"),
            };
            if verdict == Verdict::Yes {
                decision = merge(&needs);
            }
        }
        let allowed_in = permissions.needs_allowed_in(&who, &all);
        let mut meant = question.meant;
        let can_be_narrowed = is_everywhere && !is_cluster_scoped(permissions.served(), &meant.request);
        if let Some(gap) = permissions.namespaces_gap().filter(|_| can_be_narrowed && verdict != Verdict::Yes) {
            meant.notes.push(format!("not all namespaces are known, so it may be allowed in others too: {gap}"));
        }
        let command = question.command.map(|it| AnsweredCommand { name: it.name, needs });
        Answered { principal, who, meant, title, command, decision, because, allowed_in, nearest }
    }
}

/// Everything that allows any of them, once.
fn merge(needs: &[AnsweredNeed]) -> Decision {
    let mut merged = Decision { verdict: Verdict::Yes, ..Decision::default() };
    for it in needs {
        merged.by.extend(it.decision.by.iter().cloned());
        merged.unverified.extend(it.decision.unverified.iter().cloned());
    }
    merged.by = distinct(merged.by);
    merged.unverified = distinct(merged.unverified);
    merged
}

fn distinct<T: PartialEq>(all: Vec<T>) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for it in all {
        if !kept.contains(&it) {
            kept.push(it);
        }
    }
    kept
}

/// The answer for people: the verdict first, then what it rests on.
pub fn text(cluster: &ClusterId, permissions: &Permissions, it: &Answered) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut say = |head: &str, mark: Option<Mark>, text: String| {
        rows.push(vec![head.to_owned(), format!("{} {text}", mark.map(glyph).unwrap_or(" "))]);
    };
    let scope = match &it.meant.request.target {
        Target::Resource { namespace, .. } if namespace.is_empty() => " in the whole cluster",
        _ => "",
    };
    say("asked", None, format!("{}{scope}", it.title));
    for (at, part) in it.command.iter().flat_map(|it| &it.needs).enumerate() {
        let told = format!("{}  ({})", part.need.sentence(), part.because);
        say(if at == 0 { "requests" } else { "" }, Some(part.decision.verdict.mark()), told);
    }
    if it.decision.outside.is_none() && !it.who.username.is_empty() {
        say("identity", None, format!("user {}", it.who.username));
    }
    if !it.who.groups.is_empty() && it.decision.outside.is_none() {
        let head = if it.who.username.is_empty() { "identity" } else { "" };
        say(head, None, format!("groups {}", it.who.groups.join(" · ")));
    }
    for (at, by) in it.decision.by.iter().enumerate() {
        let rule = match (by.rule, by.told(permissions)) {
            (Some(at), told) if !told.is_empty() => format!("  (rules[{at}]: {told})"),
            _ => String::new(),
        };
        say(if at == 0 { "allowed by" } else { "" }, Some(Mark::InForce), format!("{}{rule}", by.grant));
    }
    if let Some(near) = &it.nearest {
        say("nearest", Some(Mark::Dead), format!("{}  (rules[{}]: {})", near.sentence(), near.rule, near.told));
    }
    if !it.allowed_in.is_empty() && it.decision.verdict != Verdict::Yes {
        say("allowed in", Some(Mark::InForce), it.allowed_in.join(", "));
    }
    for (head, mark, all) in [
        ("unknown", Some(Mark::Unknown), &it.decision.unknown),
        ("unverified", None, &it.decision.unverified),
        ("note", None, &it.meant.notes),
    ] {
        for (at, text) in all.iter().enumerate() {
            say(if at == 0 { head } else { "" }, mark, text.clone());
        }
    }
    let name = if it.principal.arn.is_empty() { &it.principal.given } else { &it.principal.arn };
    let session = it.principal.session.as_ref().map(|it| format!(" / {it}")).unwrap_or_default();
    let head = match it.decision.verdict {
        Verdict::Unknown => "not known",
        other => verdict_word(other),
    };
    format!(
        "{head}: {}\n{}{} on {cluster}\n\n{}",
        visible(&it.because),
        visible(name),
        visible(&session),
        columns(&rows)
    )
}

/// The request as JSON.
pub fn request_json(request: &Request) -> Value {
    match &request.target {
        Target::Path(path) => json!({"verb": request.verb, "path": path}),
        Target::Resource { group, resource, subresource, namespace, name } => json!({
            "verb": request.verb, "group": group, "resource": resource, "subresource": subresource,
            "namespace": namespace, "name": name,
        }),
    }
}

/// A grant as JSON.
pub fn grant_json(grant: &Grant) -> Value {
    let evidence = grant.evidence().as_ref().map(EvidenceJson::from);
    let mut value = match grant {
        Grant::Masters => json!({"source": "system-masters"}),
        Grant::Node => json!({"source": "node-authorizer"}),
        Grant::Binding { namespace, name, role, via } => {
            let source = if namespace.is_some() { "role-binding" } else { "cluster-role-binding" };
            let role = match role {
                RoleName::Role(namespace, name) => json!({"kind": "Role", "namespace": namespace, "name": name}),
                RoleName::ClusterRole(name) => json!({"kind": "ClusterRole", "name": name}),
            };
            let via = match via {
                Via::User(name) => json!({"kind": "User", "name": name}),
                Via::Group(name) => json!({"kind": "Group", "name": name}),
                Via::ServiceAccount { namespace, name } => {
                    json!({"kind": "ServiceAccount", "namespace": namespace, "name": name})
                }
            };
            json!({"source": source, "namespace": namespace, "name": name, "role": role, "via": via})
        }
        Grant::Policy { policy_arn, scope, entry, .. } => {
            json!({"source": "access-policy", "policyArn": policy_arn, "scope": scope, "accessEntry": entry})
        }
    };
    if let Some(object) = value.as_object_mut() {
        object.insert("evidence".to_owned(), serde_json::to_value(evidence).unwrap_or_default());
    }
    value
}

/// A grant that allows, with its rule, as JSON.
pub fn allowing_json(permissions: &Permissions, by: &Allowing) -> Value {
    let mut value = grant_json(&by.grant);
    let rule = permissions.rule(by).map(|rule| {
        let mut rule = serde_json::to_value(rule).unwrap_or_default();
        if let Some(object) = rule.as_object_mut() {
            object.insert("index".to_owned(), json!(by.rule));
            object.insert(
                "evidence".to_owned(),
                serde_json::to_value(by.evidence().as_ref().map(EvidenceJson::from)).unwrap_or_default(),
            );
        }
        rule
    });
    if let Some(object) = value.as_object_mut() {
        object.insert("rule".to_owned(), rule.unwrap_or_default());
    }
    value
}

/// What came nearest to allowing, as JSON.
pub fn nearest_json(permissions: &Permissions, near: &NearMiss) -> Value {
    let by = Allowing { grant: near.grant.clone(), rule: Some(near.rule) };
    let mut value = allowing_json(permissions, &by);
    if let Some(object) = value.as_object_mut() {
        object.insert("fails".to_owned(), json!(near.respect.as_str()));
        object.insert("has".to_owned(), json!(near.has));
    }
    value
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CanJson {
    eksplorer: u32,
    cluster: String,
    region: String,
    principal: PrincipalJson,
    identity: Option<Value>,
    request: Value,
    command: Option<Value>,
    verdict: &'static str,
    because: String,
    by: Vec<Value>,
    nearest: Option<Value>,
    allowed_in: Vec<String>,
    unknown: Vec<String>,
    unverified: Vec<String>,
    notes: Vec<String>,
}

fn command_json(command: &AnsweredCommand) -> Value {
    let of = |it: &AnsweredNeed| {
        let mut value = need_json(&it.need);
        if let Some(object) = value.as_object_mut() {
            object.insert("verdict".to_owned(), json!(verdict_word(it.decision.verdict)));
            object.insert("because".to_owned(), json!(it.because));
        }
        value
    };
    json!({"name": command.name, "requests": command.needs.iter().map(of).collect::<Vec<_>>()})
}

/// One request of a command as JSON.
pub fn need_json(need: &Need) -> Value {
    let or = need.instead.as_ref().map(|it| request_json(&it.request));
    json!({"request": request_json(&need.meant.request), "or": or})
}

fn can_json(cluster: &ClusterId, permissions: &Permissions, it: &Answered) -> CanJson {
    let known = it.decision.outside.is_none() && !(it.who.username.is_empty() && it.who.groups.is_empty());
    CanJson {
        eksplorer: FORMAT,
        cluster: cluster.name.clone(),
        region: cluster.region.clone(),
        principal: PrincipalJson {
            given: it.principal.given.clone(),
            arn: it.principal.arn.clone(),
            kind: it.principal.kind.clone(),
            session: it.principal.session.clone(),
        },
        identity: known.then(|| json!({"username": it.who.username, "groups": it.who.groups})),
        request: request_json(&it.meant.request),
        command: it.command.as_ref().map(command_json),
        verdict: verdict_word(it.decision.verdict),
        because: it.because.clone(),
        by: it.decision.by.iter().map(|by| allowing_json(permissions, by)).collect(),
        nearest: it.nearest.as_ref().map(|near| nearest_json(permissions, near)),
        allowed_in: it.allowed_in.clone(),
        unknown: it.decision.unknown.clone(),
        unverified: it.decision.unverified.clone(),
        notes: it.meant.notes.clone(),
    }
}

/// The answer as JSON (`docs/json.md`).
pub fn json_text(cluster: &ClusterId, permissions: &Permissions, it: &Answered) -> Result<String, String> {
    to_json(&can_json(cluster, permissions, it)).map(|text| text + "\n")
}

/// The answer as one line of JSON.
pub fn json_line(cluster: &ClusterId, permissions: &Permissions, it: &Answered) -> Result<String, String> {
    serde_json::to_string(&can_json(cluster, permissions, it))
        .map(|text| text + "\n")
        .map_err(|error| error.to_string())
}

/// The answer as one line for people.
pub fn text_line(it: &Answered) -> String {
    let name = &it.principal.given;
    let line = format!("{} {name}: {}: {}", glyph(it.decision.verdict.mark()), it.title, it.because);
    visible(&line).into_owned() + "\n"
}
