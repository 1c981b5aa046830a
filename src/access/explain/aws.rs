//! Refusals by IAM: whether they still hold, by the policies in the facts.
//!
//! Decides which policies have a say: for the four calls that assume a role, the role's trust policy together with the
//! caller's own; for every other call, the caller's own. What refused from outside the facts (an organization's policy,
//! a session's, an endpoint's) is taken from the message. The least statement is offered only where the policy with it
//! was evaluated again and lets the call through. Evaluating is `access::trust`'s and `access::workload`'s.

use serde_json::{Value, json};

use super::carriers::named;
use super::fix::FixTarget;
use super::message::{Iam, Message, RefusingPolicy};
use super::others::{NO_PRINCIPAL, candidates, traced};
use super::pods;
use super::walk::{Walk, finish};
use super::{Explanation, Ground, LeastStatement, StepName, StepState};
use crate::access::Verdict;
use crate::access::iam::PolicyDecision;
use crate::access::trust::{Bar, Document, Request, evaluate};
use crate::access::workload::Workloads;
use crate::model::policy::Statement;
use crate::model::principal::{Asked, Principal, PrincipalKind};
use crate::model::snapshot::{DocumentRef, Evidence, Lookup};

/// What the facts say of a call today.
struct Judgment {
    outcome: Verdict,
    because: String,
    closest: Option<String>,
    evidence: Option<Evidence>,
    least: Option<LeastStatement>,
}

impl Judgment {
    fn new(outcome: Verdict, because: impl Into<String>) -> Judgment {
        Judgment { outcome, because: because.into(), closest: None, evidence: None, least: None }
    }
}

/// `User: … is not authorized to perform: …`
pub(super) fn iam(ground: &Ground<'_>, message: &Message, it: &Iam) -> Explanation {
    let workloads = Workloads::with_resolver(&ground.resolver);
    if it.is_web_identity() && it.asked.is_none() {
        return pods::refused_tokens(ground, &workloads, message, it);
    }
    let who = match (&it.asked, it.user.as_str()) {
        (Some(asked), _) => named(ground, &ground.resolver.resolve(asked).asked),
        (None, "") => "the caller".to_owned(),
        (None, user) => user.to_owned(),
    };
    let mut walk = Walk::default();
    known(it, &mut walk);
    let action = if it.action.is_empty() { "the call" } else { it.action.as_str() };
    let on = if it.resource.is_empty() { String::new() } else { format!(" on {}", it.resource) };
    let judged = judge(ground, &workloads, it);
    let by_trust = it.target_role().is_some();
    let step = if by_trust { StepName::Trust } else { StepName::Iam };
    walk.say(step, judged.outcome.into(), judged.because.clone(), judged.evidence.clone());
    traced(ground, &mut walk, it.asked.as_deref());
    if it.encoded {
        let text = "the message holds an encoded part: `aws sts decode-authorization-message --encoded-message TEXT` shows the \
                    principal, the action, the resource and the conditions";
        walk.notes.push(text.to_owned());
    }
    if let Some(asked) = &it.asked {
        walk.notes.extend(pods::fallen_through(ground, &workloads, asked));
    }
    walk.notes.extend(advice(it, judged.outcome));
    let asked = it.asked.as_deref().cloned();
    let speaker = message.speaker().noun();
    let mut explanation =
        finish(ground, message, &who, None, walk, candidates(asked, judged.outcome), &FixTarget::Nobody);
    explanation.title = format!("{action} · {who}");
    explanation.verdict = judged.outcome;
    let start = if it.user.is_empty() { format!("{NO_PRINCIPAL}. ") } else { String::new() };
    let because = &judged.because;
    explanation.answer = match judged.outcome {
        Verdict::No => {
            format!(
                "{start}this is AWS IAM's refusal, by {speaker}, not the cluster's: {who} may not call {action}{on}: {because}"
            )
        }
        Verdict::Yes => {
            format!("{start}{who} may call {action}{on} now, so {speaker} would not refuse it: {because}")
        }
        Verdict::Unknown => format!(
            "{start}this is AWS IAM's refusal, by {speaker}, not the cluster's; whether {who} may call {action}{on} now is not known: {because}"
        ),
    };
    explanation.closest_statement = judged.closest;
    explanation.least = judged.least;
    explanation
}

fn known(it: &Iam, walk: &mut Walk) {
    let arn = it.asked.as_ref().map_or_else(|| it.user.clone(), |asked| asked.arn());
    let known = if arn.is_empty() {
        "AWS knew who called, and the message does not say".to_owned()
    } else {
        format!("AWS knew who called: {arn}")
    };
    let document = it.asked.as_ref().and_then(|asked| match asked.principal.kind {
        PrincipalKind::Role => Some(DocumentRef::IamRole(asked.principal.name.clone())),
        PrincipalKind::User => Some(DocumentRef::IamUser(asked.principal.name.clone())),
        _ => None,
    });
    walk.say(StepName::Credentials, StepState::Passed, known, document.map(|it| Evidence::new(it, "")));
}

fn judge<'a>(ground: &Ground<'a>, workloads: &Workloads<'a>, it: &Iam) -> Judgment {
    if let Some(outside) = it.refusal.by.and_then(outside) {
        return Judgment::new(
            Verdict::No,
            format!(
                "{outside} refuses it, by AWS's own words; such policies are not in the facts, so a change since is not seen"
            ),
        );
    }
    let Some(asked) = &it.asked else {
        let why = match (it.user.is_empty(), it.encoded) {
            (false, _) => "the principal in it is no ARN that can be read",
            (true, true) => "the principal stands in the encoded part of it",
            (true, false) => "nobody can be looked up",
        };
        return Judgment::new(Verdict::Unknown, why);
    };
    if it.action.is_empty() {
        return Judgment::new(Verdict::Unknown, "the message does not name the call");
    }
    if it.is_assume() {
        return match it.target_role() {
            Some(role) => assume(ground, workloads, asked, &it.action, &role),
            None if it.resource.contains(":user/") || it.resource.contains(":group/") => {
                Judgment::new(Verdict::No, format!("{} is no role, and only a role can be assumed", it.resource))
            }
            None => Judgment::new(Verdict::Unknown, "the role that was to be assumed is no ARN that can be read"),
        };
    }
    call(ground, workloads, asked, it)
}

/// What refuses from outside the facts.
fn outside(policy: RefusingPolicy) -> Option<&'static str> {
    match policy {
        RefusingPolicy::ServiceControl => Some("a service control policy of the organization"),
        RefusingPolicy::ResourceControl => Some("a resource control policy of the organization"),
        RefusingPolicy::Session => Some("the policy of the session itself"),
        RefusingPolicy::VpcEndpoint => Some("the policy of the VPC endpoint"),
        RefusingPolicy::Resource => Some("the policy of the resource"),
        RefusingPolicy::Boundary | RefusingPolicy::Identity => None,
    }
}

/// The caller's own policies on a call.
fn own<'a>(
    ground: &Ground<'a>,
    workloads: &Workloads<'a>,
    asked: &Asked,
    action: &str,
    resource: &str,
) -> PolicyDecision {
    let principal = &asked.principal;
    match principal.kind {
        PrincipalKind::Role => workloads.own_policies(principal, action, resource),
        PrincipalKind::User => match ground.iam.user(&principal.account, &principal.name) {
            Lookup::Found(user) => workloads.own_policies_of_user(user, action, resource),
            Lookup::Absent => PolicyDecision::nothing(),
            Lookup::Unknown(gap) => PolicyDecision::unread(format!("the policies of user {}: {gap}", principal.name)),
        },
        kind => PolicyDecision::unread(format!("the policies of a {kind} are not read")),
    }
}

/// May the caller assume the role, as far as its trust policy and the caller's own policies say?
fn assume<'a>(
    ground: &Ground<'a>,
    workloads: &Workloads<'a>,
    asked: &Asked,
    action: &str,
    role: &Principal,
) -> Judgment {
    if let Some(gone) = gone(ground, asked) {
        return Judgment::new(Verdict::No, gone);
    }
    let found = match workloads.trust(role) {
        Lookup::Found(found) if found.detail.arn.eq_ignore_ascii_case(&role.arn()) => found,
        Lookup::Found(found) => {
            let why = format!("there is no {}; the role of that name is {}", role.arn(), found.detail.arn);
            return Judgment::new(Verdict::No, why);
        }
        Lookup::Absent => {
            let why = format!("account {} has no role {} today", role.account, role.name);
            return Judgment::new(Verdict::No, why);
        }
        Lookup::Unknown(gap) => {
            return Judgment::new(Verdict::Unknown, format!("the trust policy of role {}: {gap}", role.name));
        }
    };
    let policy = match found.policy() {
        Ok(policy) => policy,
        Err(why) => return Judgment::new(Verdict::Unknown, why),
    };
    let own = own(ground, workloads, asked, action, &role.arn());
    let Some(request) = request(ground, asked, action, role, &own) else {
        return Judgment::new(Verdict::Unknown, format!("{} is not the ARN of a caller", asked.given));
    };
    let answer = evaluate(policy, &request);
    let at = answer.statement.as_ref().map(|it| format!(".Statement[{}]", it.index)).unwrap_or_default();
    let mut judged =
        Judgment::new(answer.verdict, format!("the trust policy of role {}: {}", role.name, answer.because));
    judged.evidence =
        Some(Evidence::new(DocumentRef::IamRole(role.name.clone()), format!("AssumeRolePolicyDocument{at}")));
    if answer.verdict == Verdict::No {
        judged.closest = answer.statement.as_ref().map(|it| {
            let sid = it.sid.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
            let passes = answer.passes.as_ref().map(|it| format!("; what would pass: {it}")).unwrap_or_default();
            let clause =
                answer.clause.as_ref().map(|it| format!(" fails at {} {}", it.operator, it.key)).unwrap_or_default();
            format!("Statement[{}]{sid} of the trust policy of role {}{clause}{passes}", it.index, role.name)
        });
        let statement = json!({
            "Effect": "Allow",
            "Principal": {"AWS": caller_arn(ground, asked)},
            "Action": action,
        });
        let lets_in = with(policy, &statement).map(|it| evaluate(&it, &request).verdict);
        if lets_in == Some(Verdict::Yes) {
            judged.least =
                Some(LeastStatement { policy: format!("the trust policy of role {}", role.name), statement });
        } else if lets_in == Some(Verdict::Unknown) && !matches!(own.bar, Bar::Surely(_)) {
            let policy = format!("the trust policy of role {}; the caller's own policies must allow it too", role.name);
            judged.least = Some(LeastStatement { policy, statement });
        }
    }
    judged
}

/// What is known of the caller, for the trust policy.
fn request(
    ground: &Ground<'_>,
    asked: &Asked,
    action: &str,
    role: &Principal,
    own: &PolicyDecision,
) -> Option<Request> {
    let mut request = Request::iam(&asked.arn()).ok()?.to_account(&role.account);
    request.actions = vec![action.to_owned()];
    request = request.with("aws:PrincipalArn", [caller_arn(ground, asked)]);
    if let Lookup::Found(detail) = ground.iam.role(&asked.principal.account, &asked.principal.name)
        && asked.principal.kind == PrincipalKind::Role
        && let Some(id) = &detail.role_id
    {
        request = request.with_unique_id(id);
    }
    request.own_policies = own.allows.verdict.known();
    request.bar = own.bar.clone();
    Some(request)
}

/// The caller as a trust policy names it: its role or user, with the path that it has.
fn caller_arn(ground: &Ground<'_>, asked: &Asked) -> String {
    match ground.resolver.existing(&asked.principal) {
        Lookup::Found((arn, _)) if !arn.is_empty() => arn.to_owned(),
        _ => asked.principal.arn(),
    }
}

/// A trust policy with one statement more.
pub(super) fn with(policy: &Document, statement: &Value) -> Option<Document> {
    let own = Document::from_value(&json!({"Version": "2012-10-17", "Statement": [statement]})).ok()?;
    let mut whole = policy.clone();
    let next = whole.statements.len();
    whole.statements.extend(own.statements.into_iter().map(|it| Statement { index: next, ..it }));
    Some(whole)
}

/// That the caller does not exist any more.
fn gone(ground: &Ground<'_>, asked: &Asked) -> Option<String> {
    let principal = &asked.principal;
    let kind = principal.kind;
    matches!(ground.resolver.existing(principal), Lookup::Absent).then(|| {
        format!("account {} has no {kind} {} today, so nobody can sign as it", principal.account, principal.name)
    })
}

/// May the caller make the call, as far as its own policies say?
fn call<'a>(ground: &Ground<'a>, workloads: &Workloads<'a>, asked: &Asked, it: &Iam) -> Judgment {
    if let Some(gone) = gone(ground, asked) {
        return Judgment::new(Verdict::No, gone);
    }
    let principal = &asked.principal;
    let resource = if it.resource.starts_with("arn:") { it.resource.as_str() } else { "*" };
    let own = own(ground, workloads, asked, &it.action, resource);
    let whose = format!("{} {}", principal.kind, principal.name);
    let by_identity = it.refusal.by == Some(RefusingPolicy::Identity);
    let mut judged = match own.allows.verdict {
        Verdict::No if own.allows.is_denied => Judgment::new(Verdict::No, own.allows.because),
        Verdict::No => {
            let mut judged = Judgment::new(Verdict::No, format!("no policy of {whose} allows {}", it.action));
            // Nothing denies it, so that one statement is enough.
            if own.bar == Bar::None {
                let statement = json!({"Effect": "Allow", "Action": it.action, "Resource": resource});
                judged.least = Some(LeastStatement { policy: format!("a policy of {whose}"), statement });
            }
            judged
        }
        Verdict::Yes if by_identity => {
            Judgment::new(Verdict::Yes, format!("a policy of {whose} allows it; the message is older than that"))
        }
        Verdict::Yes => Judgment::new(
            Verdict::Unknown,
            format!(
                "the policies of {whose} allow it; an organization's policy, a session's or the resource's own may still refuse it, \
                 and those are not in the facts"
            ),
        ),
        Verdict::Unknown => Judgment::new(Verdict::Unknown, own.allows.because),
    };
    let document = match principal.kind {
        PrincipalKind::Role => DocumentRef::RolePolicies(principal.name.clone()),
        _ => DocumentRef::IamUser(principal.name.clone()),
    };
    judged.evidence = Some(Evidence::new(document, ""));
    judged
}

/// What to do about it.
fn advice(it: &Iam, outcome: Verdict) -> Option<String> {
    if outcome == Verdict::Yes {
        return None;
    }
    let action = if it.action.is_empty() { "the call" } else { it.action.as_str() };
    Some(match it.refusal.by {
        _ if it.refusal.explicit_deny => {
            format!(
                "an explicit deny wins over every allow: find the statement that denies {action}, and its conditions"
            )
        }
        Some(RefusingPolicy::ServiceControl) => format!(
            "the organization's service control policies leave {action} out: they are changed in its management account"
        ),
        Some(RefusingPolicy::Boundary) => {
            format!("its permissions boundary leaves {action} out: a policy alone does not help")
        }
        Some(RefusingPolicy::Session) => {
            format!("the session was made with a policy that leaves {action} out: make a session without it")
        }
        Some(RefusingPolicy::VpcEndpoint) => format!("the policy of the VPC endpoint leaves {action} out"),
        _ if it.is_assume() && it.target_role().is_none() && !it.resource.is_empty() => {
            "name a role in the call: its ARN has the form arn:aws:iam::ACCOUNT:role/NAME".to_owned()
        }
        _ if it.is_assume() => format!(
            "the role's trust policy must let the caller call {action}; no access entry or binding has a part in it"
        ),
        _ => format!("a policy of the principal must allow {action} on that resource; no access entry or binding can"),
    })
}
