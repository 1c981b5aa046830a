//! The walk: credentials → token → mode → mapping → username → grants, to the first step that fails.
//!
//! Decides what each step says of one identity today, and which of several that may be behind a message is shown. A step
//! that cannot be seen from here says so. What would fix it is proposed by `edit::fix`.

use super::carriers::groups;
use super::fix::FixTarget;
use super::message::Message;
use super::{Candidate, Explanation, Ground, Step, StepName, StepState};
use crate::access::Verdict;
use crate::access::identity::Resolution;
use crate::access::permissions::{Decision, Grant, NearMiss, Who};
use crate::access::resources;
use crate::model::cluster::AuthenticationMode;
use crate::model::principal::PrincipalKind;
use crate::model::request::{Request, Target};
use crate::model::snapshot::{DocumentRef, Evidence, Gap, Lookup};

/// The steps of one identity, and what came of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Walk {
    pub(super) steps: Vec<Step>,
    pub(super) decision: Option<Decision>,
    pub(super) nearest: Option<NearMiss>,
    pub(super) notes: Vec<String>,
}

impl Walk {
    pub(super) fn say(
        &mut self,
        name: StepName,
        state: StepState,
        because: impl Into<String>,
        evidence: Option<Evidence>,
    ) {
        self.steps.push(Step { name, state, because: because.into(), evidence });
    }

    pub(super) fn failed(&self) -> Option<&Step> {
        self.steps.iter().find(|it| it.state == StepState::Failed)
    }

    pub(super) fn verdict(&self) -> Verdict {
        if self.failed().is_some() {
            return Verdict::No;
        }
        let mapped = self.steps.iter().all(|it| it.name != StepName::Mapping || it.state != StepState::Unknown);
        match &self.decision {
            Some(decision) => decision.verdict,
            None if mapped => Verdict::Yes,
            None => Verdict::Unknown,
        }
    }

    /// What comes after the step that failed.
    pub(super) fn rest(&mut self, names: &[StepName]) {
        for name in names {
            self.say(*name, StepState::NotChecked, "not reached", None);
        }
    }

    pub(super) fn grants(&mut self, ground: &Ground<'_>, who: &Who, request: &Request) {
        let decision = ground.permissions.decide(who, request);
        match decision.verdict {
            Verdict::Yes => {
                let by = decision.by.first();
                let text = by.map(|it| it.grant.to_string()).unwrap_or_default();
                let more = decision.by.len().saturating_sub(1);
                let more = if more == 0 { String::new() } else { format!(", and {more} more") };
                let evidence = by.and_then(|it| it.evidence().or_else(|| it.grant.evidence()));
                self.say(StepName::Grants, StepState::Passed, format!("{text} allows it{more}"), evidence);
            }
            Verdict::No => {
                self.nearest = ground.permissions.nearest(who, request);
                let text = match (&self.nearest, ground.permissions.grants(who).len()) {
                    (Some(_), _) => "nothing that it holds allows it",
                    (None, 0) => "it holds no grant at all",
                    (None, _) => "nothing that it holds allows it, and no rule of its grants comes close",
                };
                let evidence = self.nearest.as_ref().and_then(|it| it.grant.evidence());
                self.say(StepName::Grants, StepState::Failed, text, evidence);
                let elsewhere = ground.permissions.allowed_in(who, request);
                if !elsewhere.is_empty() {
                    let names: Vec<&str> = elsewhere.iter().take(6).map(String::as_str).collect();
                    let more = if elsewhere.len() > 6 { ", …" } else { "" };
                    self.notes.push(format!(
                        "in single namespaces it is allowed: {}{more}. A request without a namespace asks for all",
                        names.join(", ")
                    ));
                }
            }
            Verdict::Unknown => {
                let unmapped =
                    self.steps.iter().any(|it| it.name == StepName::Mapping && it.state == StepState::Unknown);
                let text = if unmapped && who.username.is_empty() {
                    "not known, as the mapping is not".to_owned()
                } else {
                    format!("not known: {}", decision.unknown.join("; "))
                };
                self.say(StepName::Grants, StepState::Unknown, text, None);
            }
        }
        self.notes.extend(decision.unverified.iter().map(|it| format!("not verified: {it}")));
        self.decision = Some(decision);
    }
}

/// A request in words, its namespace included where that is not plain.
pub(super) fn told(request: &Request) -> String {
    match &request.target {
        Target::Resource { group, resource, namespace, .. } if namespace.is_empty() => {
            let namespaced = resources::find(group, resource).is_some_and(|it| it.namespaced);
            if namespaced { format!("{request} in all namespaces") } else { request.to_string() }
        }
        _ => request.to_string(),
    }
}

/// What came of the token, as far as the answer tells.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// The message names a username: the API server knew who asked.
    Accepted,
    /// 401.
    Refused,
    /// Nothing was sent yet, or nothing is known of it.
    Nothing,
}

/// The walk of an IAM principal.
pub(super) fn principal(ground: &Ground<'_>, resolution: &Resolution, request: Option<&Request>, seen: Seen) -> Walk {
    let mut walk = Walk::default();
    credentials(ground, resolution, seen, &mut walk);
    if walk.failed().is_some() {
        walk.rest(&[StepName::Token, StepName::Mode]);
        mapping(resolution, &mut walk);
        return walk;
    }
    match seen {
        Seen::Accepted => {
            walk.say(StepName::Token, StepState::Passed, "accepted: with any other the answer is a 401", None)
        }
        Seen::Refused => walk.say(
            StepName::Token,
            StepState::NotChecked,
            "cannot be seen from here: expired, for another cluster or region, or made with other credentials",
            None,
        ),
        Seen::Nothing => walk.say(StepName::Token, StepState::NotChecked, "cannot be seen from here", None),
    }
    mode(ground, &mut walk);
    mapping(resolution, &mut walk);
    if walk.failed().is_some() {
        let rest = [StepName::Username, StepName::Grants];
        walk.rest(if request.is_some() { &rest } else { rest.get(..1).unwrap_or_default() });
        return walk;
    }
    match &resolution.identity {
        Some(identity) => {
            let name = if identity.username.is_empty() { "(empty)" } else { identity.username.as_str() };
            let text = format!("{name} with groups {}", groups(identity));
            let evidence = resolution.mapping.as_ref().map(|it| field(&it.evidence, "username"));
            walk.say(StepName::Username, StepState::Passed, text, evidence);
        }
        None => walk.say(StepName::Username, StepState::Unknown, "not known, as the mapping is not", None),
    }
    if let Some(request) = request {
        walk.grants(ground, &Who::of(resolution), request);
    }
    walk
}

fn field(evidence: &Evidence, name: &str) -> Evidence {
    let dot = if evidence.path.is_empty() { "" } else { "." };
    Evidence::new(evidence.document.clone(), format!("{}{dot}{name}", evidence.path))
}

fn credentials(ground: &Ground<'_>, resolution: &Resolution, seen: Seen, walk: &mut Walk) {
    let principal = &resolution.asked.principal;
    let kind = principal.kind;
    let document = match kind {
        PrincipalKind::Role => Some(DocumentRef::IamRole(principal.name.clone())),
        PrincipalKind::User => Some(DocumentRef::IamUser(principal.name.clone())),
        _ => None,
    };
    let worked = match seen {
        Seen::Accepted => "AWS accepted them",
        Seen::Refused => "whether they are valid cannot be seen from here",
        Seen::Nothing => "not looked at",
    };
    let state = if seen == Seen::Accepted { StepState::Passed } else { StepState::NotChecked };
    let arn = resolution.asked.arn();
    // Where the message has a username, that is told below.
    let whose = if seen == Seen::Accepted { String::new() } else { format!(": {arn}") };
    match ground.resolver.existing(principal) {
        // A session's ARN has no path, so that only one which was given with its path can be another's.
        Lookup::Found((real, _)) if resolution.asked.path_known && !real.is_empty() && real != principal.arn() => {
            walk.say(
                StepName::Credentials,
                StepState::Failed,
                format!("there is no {}; the {kind} of that name is {real}", principal.arn()),
                document.map(|it| Evidence::new(it, "Arn")),
            );
        }
        Lookup::Found((_, made)) => {
            let made = made.map(|it| format!(", made {}", it.date())).unwrap_or_default();
            let text = format!("{worked}; the {kind} exists{made}{whose}");
            walk.say(StepName::Credentials, state, text, document.map(|it| Evidence::new(it, "")));
        }
        Lookup::Absent => {
            let text = format!(
                "account {} has no {kind} {} today, so nobody can sign as {arn}",
                principal.account, principal.name
            );
            walk.say(StepName::Credentials, StepState::Failed, text, None);
        }
        Lookup::Unknown(gap) => {
            let text = match gap {
                Gap::Foreign(_) => format!("{worked}; {gap}{whose}"),
                gap => format!("{worked}; whether the {kind} exists is not known: {gap}{whose}"),
            };
            walk.say(StepName::Credentials, state, text, None);
        }
    }
}

pub(super) fn mode(ground: &Ground<'_>, walk: &mut Walk) {
    let evidence = Some(Evidence::new(DocumentRef::Cluster, "accessConfig.authenticationMode"));
    let Some(cluster) = ground.facts.cluster.value() else {
        walk.say(StepName::Mode, StepState::Unknown, "the cluster could not be read", None);
        return;
    };
    let text = match cluster.authentication_mode() {
        AuthenticationMode::Api => "API: access entries, and nothing else",
        AuthenticationMode::ApiAndConfigMap => "API_AND_CONFIG_MAP: a live access entry first, then aws-auth",
        AuthenticationMode::ConfigMap if cluster.mode_is_inferred() => {
            "CONFIG_MAP (inferred, since the cluster reports no mode): aws-auth, and no access entries"
        }
        AuthenticationMode::ConfigMap => "CONFIG_MAP: aws-auth, and no access entries",
        AuthenticationMode::Unknown => {
            walk.say(StepName::Mode, StepState::Unknown, "an authentication mode that is not known here", evidence);
            return;
        }
    };
    walk.say(StepName::Mode, StepState::Passed, text, evidence);
}

fn mapping(resolution: &Resolution, walk: &mut Walk) {
    let other = resolution.others.first().map(|it| it.evidence.clone());
    let because = resolution.because.clone();
    match resolution.verdict {
        Verdict::Yes => {
            let evidence = resolution.mapping.as_ref().map(|it| it.evidence.clone());
            walk.say(StepName::Mapping, StepState::Passed, because, evidence);
        }
        Verdict::No => walk.say(StepName::Mapping, StepState::Failed, because, other),
        Verdict::Unknown => {
            walk.say(StepName::Mapping, StepState::Unknown, format!("not known: {because}"), other);
        }
    }
}

/// Puts the parts together.
pub(super) fn finish(
    ground: &Ground<'_>,
    message: &Message,
    name: &str,
    request: Option<&Request>,
    walk: Walk,
    principals: Vec<Candidate>,
    target: &FixTarget,
) -> Explanation {
    let verdict = walk.verdict();
    let title = request.map_or_else(|| format!("{}: {name}", message.kind()), |it| format!("{} · {name}", told(it)));
    let failed = walk.failed().cloned();
    let answer = match (verdict, request, &failed) {
        (_, Some(request), Some(step)) if step.name == StepName::Grants => {
            format!("{name} may not {}: {}", told(request), step.because)
        }
        (_, _, Some(step)) => format!("{name} fails at {}: {}", step.name.as_str(), step.because),
        (Verdict::Yes, Some(request), _) => {
            let by = walk.decision.as_ref().and_then(|it| it.by.first());
            let by = by.map(|it| it.grant.to_string()).unwrap_or_default();
            format!("{name} may {} now: {by} allows it", told(request))
        }
        (Verdict::Yes, None, _) => format!("{name} gets in now: its mapping is right"),
        (_, request, _) => {
            let what = request.map_or_else(|| "gets in".to_owned(), |it| format!("may {}", told(it)));
            let open = walk.steps.iter().find(|it| it.state == StepState::Unknown);
            let because = match (&walk.decision, open) {
                (Some(decision), _) if !decision.unknown.is_empty() => decision.unknown.join("; "),
                (_, Some(step)) => step.because.clone(),
                _ => String::new(),
            };
            format!("whether {name} {what} is not known: {because}")
        }
    };
    let mut notes = walk.notes.clone();
    if let (Verdict::Yes, Some(decision), true) = (verdict, &walk.decision, matches!(message, Message::Forbidden(_))) {
        notes.extend(why_still(ground, decision));
    }
    Explanation {
        message: message.clone(),
        title,
        answer,
        verdict,
        principals,
        steps: walk.steps,
        request: request.cloned(),
        decision: walk.decision,
        nearest: walk.nearest,
        target: target.clone(),
        text_fixes: Vec::new(),
        closest_statement: None,
        least: None,
        notes,
    }
}

/// It is allowed now: why the message may have come all the same. Nothing of this is known, and so it is said.
fn why_still(ground: &Ground<'_>, decision: &Decision) -> Vec<String> {
    let mut out = vec!["it is allowed now; the message may have come all the same because:".to_owned()];
    if let Some(date) = decision.by.first().and_then(|it| made(ground, &it.grant)) {
        out.push(format!("— it is older than what allows it now, which is of {date}"));
    } else {
        out.push("— it is older than a change of access".to_owned());
    }
    out.push("— a change takes some seconds to reach the authorizers: trying again settles that".to_owned());
    if !decision.by.is_empty() && decision.by.iter().all(|it| it.grant.is_policy()) {
        out.push("— it was asked with --as: only an access policy allows it, and those do not count then".to_owned());
    }
    out.push(format!("— it is of another cluster than {}: the message names none", ground.cluster.name));
    out.push("— another session asked, under a mapping or with groups that were different then".to_owned());
    out
}

/// When a grant was made.
fn made(ground: &Ground<'_>, grant: &Grant) -> Option<String> {
    match grant {
        Grant::Policy { entry, index, .. } => {
            let entry = ground.facts.access_entries.items().iter().find(|it| it.principal_arn == *entry)?;
            let policy = entry.associated_access_policies.as_ref()?.get(*index)?;
            let changed = policy.modified_at.or(policy.associated_at)?;
            Some(changed.date())
        }
        Grant::Binding { namespace, name, .. } => {
            let section = match namespace {
                Some(_) => &ground.facts.role_bindings,
                None => &ground.facts.cluster_role_bindings,
            };
            let binding =
                section.items().iter().find(|it| it.metadata.name == *name && it.metadata.namespace == *namespace)?;
            binding.metadata.creation_timestamp.map(|it| it.date())
        }
        Grant::Masters | Grant::Node => None,
    }
}
