//! Refusals that RBAC has no part in: who refuses, and what to do.
//!
//! Nothing here is replayed through RBAC: admission and a client without credentials decide by other things than bindings
//! and access policies. The principal is traced all the same where one is named, for that is the next question.

use super::carriers::named;
use super::fix::{self, FixTarget};
use super::message::{Admission, By, CredentialFault, Escalation, Message, Speaker};
use super::walk::{Seen, Walk, finish, principal};
use super::{Candidate, Explanation, Ground, StepName, StepState};
use crate::access::Verdict;
use crate::access::permissions::rule::tell;
use crate::model::principal::Asked;
use crate::model::snapshot::{DocumentRef, Evidence};

/// The client had nothing to send, or AWS did not take it.
pub(super) fn credentials(
    ground: &Ground<'_>,
    message: &Message,
    asked: Option<&Asked>,
    fault: CredentialFault,
) -> Explanation {
    let mut walk = Walk::default();
    let because = fault.sentence();
    let speaker = message.speaker();
    walk.say(
        StepName::Credentials,
        StepState::Failed,
        format!("{because}: the request never reached the cluster, or reached it without a token"),
        None,
    );
    let who = asked.cloned();
    let name = who.as_ref().map(|it| named(ground, &ground.resolver.resolve(it).asked));
    let names_nobody = name.is_none();
    let name = name.unwrap_or_else(|| "the client".to_owned());
    traced(ground, &mut walk, who.as_ref());
    let mut explanation = finish(ground, message, &name, None, walk, candidates(who, Verdict::No), &FixTarget::Nobody);
    let start = if names_nobody { format!("{NO_PRINCIPAL}. ") } else { String::new() };
    explanation.answer = format!("{start}{name} fails at credentials, by the words of {}: {because}", speaker.noun());
    explanation.notes.push(fault.advice().to_owned());
    if speaker != Speaker::Client {
        explanation.notes.push(format!(
            "{} spoke, and not the cluster: no access entry or binding has a part in it",
            speaker.noun()
        ));
    }
    explanation
}

/// How an answer begins whose message names nobody.
pub(super) const NO_PRINCIPAL: &str = "this message names no principal";

pub(super) fn candidates(asked: Option<Asked>, verdict: Verdict) -> Vec<Candidate> {
    asked.into_iter().map(|asked| Candidate { asked, because: "the text names it".to_owned(), verdict }).collect()
}

/// The steps in the cluster, of somebody who has not got that far.
pub(super) fn traced(ground: &Ground<'_>, walk: &mut Walk, asked: Option<&Asked>) {
    let Some(asked) = asked else { return };
    let resolution = ground.resolver.resolve(asked);
    let own = principal(ground, &resolution, None, Seen::Nothing);
    let later =
        own.steps.into_iter().filter(|it| matches!(it.name, StepName::Mode | StepName::Mapping | StepName::Username));
    let later: Vec<_> = later.collect();
    for step in later {
        if step.name == StepName::Mapping {
            let in_kubernetes = match resolution.verdict {
                crate::access::Verdict::Yes => "it would get into the cluster",
                crate::access::Verdict::No => "it would not get into the cluster either",
                crate::access::Verdict::Unknown => "whether it would get into the cluster is not known",
            };
            walk.notes.push(format!("access to Kubernetes is another matter: {in_kubernetes}: {}", resolution.because));
        }
        walk.steps.push(step);
    }
}

/// Refused by admission.
pub(super) fn admission(ground: &Ground<'_>, message: &Message, it: &Admission) -> Explanation {
    let mut walk = Walk::default();
    walk.say(StepName::Credentials, StepState::Passed, "accepted: admission comes after authentication", None);
    walk.say(StepName::Grants, StepState::Passed, "authorized: admission comes after RBAC and access policies", None);
    let (who, advice, evidence) = refuser(ground, &it.by);
    let said = if it.said.is_empty() { String::new() } else { format!(": {}", it.said) };
    walk.say(StepName::Admission, StepState::Failed, format!("{who} refuses it{said}"), evidence);
    walk.notes.push(advice);
    if matches!(it.by, By::Other) {
        walk.notes.push("a refusal of the authorizers reads `User \"…\" cannot …`, and this one does not".to_owned());
    }
    let object = if it.object.is_empty() { "the request".to_owned() } else { it.object.clone() };
    let mut explanation = finish(ground, message, &object, None, walk, Vec::new(), &FixTarget::Nobody);
    explanation.title = format!("admission · {object}");
    explanation.answer = format!("this is no lack of access: {object} was authorized, and then {who} refused it{said}");
    explanation
}

fn refuser(ground: &Ground<'_>, by: &By) -> (String, String, Option<Evidence>) {
    let own = |who: &str, advice: &str| (who.to_owned(), advice.to_owned(), None);
    match by {
        By::PodSecurity { level } => (
            format!("the Pod Security admission at level {level}"),
            "change the pod's security context as the message lists, or the namespace's label \
             pod-security.kubernetes.io/enforce; no binding exempts anybody"
                .to_owned(),
            None,
        ),
        By::Quota { name } => (
            format!("ResourceQuota {name}"),
            format!("free what the quota counts, or raise it: kubectl describe resourcequota {}", fix::quote(name)),
            None,
        ),
        By::LimitRange => own(
            "a LimitRange of the namespace",
            "set requests and limits of the containers within its bounds: kubectl describe limitrange",
        ),
        By::Webhook { name } => (
            format!("admission webhook {name}"),
            "the policy behind the webhook must be satisfied or changed: its owner decides, not the cluster's access"
                .to_owned(),
            None,
        ),
        By::WebhookFailed { name } => (
            format!("the call to admission webhook {name}"),
            "nobody said no: the webhook could not be reached, and its failurePolicy is Fail; look at its service and pods"
                .to_owned(),
            None,
        ),
        By::Policy { name, binding } => (
            format!("ValidatingAdmissionPolicy {name}, by its binding {binding},"),
            format!("the object must satisfy the policy: kubectl get validatingadmissionpolicy {} -o yaml", fix::quote(name)),
            None,
        ),
        By::Terminating { namespace } => {
            let found = ground.facts.namespaces.items().iter().find(|it| it.metadata.name == *namespace);
            let phase = found.and_then(|it| it.status.as_ref()).and_then(|it| it.phase.as_deref());
            let now = match (found, phase) {
                (Some(_), Some("Terminating")) => "it still is",
                (Some(_), _) => "today there is one of that name that is not",
                (None, _) if ground.facts.namespaces.gap().is_none() => "it is gone now",
                (None, _) => "whether it still is, is not known",
            };
            (
                format!("namespace {namespace}, which is being deleted,"),
                format!("{now}: wait until it is gone, or find the finalizer that holds it; nothing new can be made in it"),
                found.map(|_| Evidence::new(DocumentRef::Namespace(namespace.clone()), "status")),
            )
        }
        By::ServiceAccount { name } => (
            "the ServiceAccount admission".to_owned(),
            format!("the pod names service account {name}, which does not exist: make it first, or name another"),
            None,
        ),
        By::NodeRestriction => own(
            "the NodeRestriction admission",
            "a node may write its own objects only: look at which node's credentials the client used",
        ),
        By::Other => own("a check of the API server", "what it says must be mended in the request itself"),
    }
}

/// RBAC's check that nobody hands out more than they hold.
pub(super) fn escalation(ground: &Ground<'_>, message: &Message, it: &Escalation) -> Explanation {
    let mut walk = Walk::default();
    walk.say(StepName::Credentials, StepState::Passed, "the API server knew who asked: the message names it", None);
    let with = if it.groups.is_empty() { String::new() } else { format!(" with groups {}", it.groups.join(", ")) };
    walk.say(StepName::Username, StepState::Passed, format!("{}{with}", it.username), None);
    let object = if it.object.is_empty() { "a role or binding".to_owned() } else { it.object.clone() };
    let rules: Vec<String> = it.missing.iter().map(tell).collect();
    let missing = if rules.is_empty() { "rules that the text does not list".to_owned() } else { rules.join("; ") };
    walk.say(
        StepName::Grants,
        StepState::Failed,
        format!("it may write {object}, but not hand out what it does not hold itself: {missing}"),
        None,
    );
    let found = super::carriers::carriers(ground, &it.username);
    let principals = found
        .into_iter()
        .take(super::carriers::MOST)
        .map(|it| Candidate { asked: it.resolution.asked, because: it.because, verdict: Verdict::No })
        .collect();
    walk.notes.push(
        "let somebody write it who holds all of these rules, or leave them out; the verbs `escalate` on roles and `bind` on \
         the role that is bound lift the check, and with it the limit of what its holder can reach"
            .to_owned(),
    );
    walk.notes.push(
        "the check knows RBAC's rules alone: what an access policy gives does not count, but for those two verbs (so in \
         upstream's code; EKS does not say)"
            .to_owned(),
    );
    let mut explanation = finish(ground, message, &it.username, None, walk, principals, &FixTarget::Nobody);
    explanation.title = format!("escalation · {object}");
    explanation.answer =
        format!("RBAC's escalation check: {} may not grant what it does not hold: {missing}", it.username);
    explanation
}
