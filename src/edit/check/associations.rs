//! What speaks against a Pod Identity association, and what is to be known of it.
//!
//! Decides with the same judgement that the panes show (`access::workload`), asked of the facts as they would be. What
//! EKS would refuse blocks; what it takes and would be of no use, or break what works, asks.

use super::{Check, CheckId, Look};
use crate::access::Verdict;
use crate::access::workload::place::Presence;
use crate::access::workload::{Account, ChainLink, Workloads};
use crate::edit::state::{AssociationState, State, Subject};
use crate::model::principal::Principal;
use crate::model::snapshot::Lookup;
use crate::model::validation::{Home, association};
use crate::model::words::{count, last_part};

/// One association of a draft.
struct One<'a> {
    subject: &'a Subject,
    namespace: &'a str,
    name: &'a str,
    before: Option<&'a AssociationState>,
    after: Option<&'a AssociationState>,
}

/// The rules, for every association of the draft.
pub(super) fn associations(look: &Look<'_>, out: &mut Vec<Check>) {
    let all: Vec<One<'_>> = look.draft.changes().filter_map(|(subject, change)| one(subject, change)).collect();
    if all.is_empty() {
        return;
    }
    let workloads = Workloads::new(look.after, look.iam);
    for it in &all {
        let mut say = |id, because: String| out.push(Check::new(id, Some(it.subject), because));
        values(look, it, &mut say);
        role(&workloads, it, &mut say);
        account(look, &workloads, it, &mut say);
        pods(&workloads, it, &mut say);
    }
}

fn one<'a>(subject: &'a Subject, change: &'a crate::edit::draft::Change) -> Option<One<'a>> {
    let Subject::Association(namespace, name) = subject else { return None };
    let of = |it: &'a Option<State>| match it {
        Some(State::Association(it)) => Some(it),
        _ => None,
    };
    Some(One { subject, namespace, name, before: of(&change.before), after: of(&change.after) })
}

/// EKS's own rules about values.
fn values(look: &Look<'_>, it: &One<'_>, say: &mut impl FnMut(CheckId, String)) {
    // Without the cluster's ARN nobody can say which account is its own.
    let arn = look.cluster().and_then(|it| it.arn.as_deref());
    let (Some(after), Some(arn)) = (it.after, arn) else { return };
    let mut parts = arn.split(':');
    let home = Home { partition: parts.nth(1).unwrap_or("aws"), account: parts.nth(2).unwrap_or_default() };
    if let Err(wrong) = association::check(&after.association(it.namespace, it.name, None), home) {
        say(CheckId::Invalid, wrong.message);
    }
    let foreign = Principal::from_arn(&after.role_arn).is_ok_and(|(role, _)| role.account != home.account);
    if foreign && after.target_role_arn.is_none() {
        let why =
            "a role of another account can only come second: give a role of this account, and that one as its target";
        say(CheckId::NeedsTargetRole, why.to_owned());
    }
}

/// The role is there, and lets the account in; so does the one after it.
fn role(workloads: &Workloads<'_>, it: &One<'_>, say: &mut impl FnMut(CheckId, String)) {
    let Some(after) = it.after else { return };
    let same = |before: &AssociationState| {
        before.role_arn == after.role_arn && before.target_role_arn == after.target_role_arn
    };
    if it.before.is_some_and(same) {
        return;
    }
    let judged = workloads.judge(&after.association(it.namespace, it.name, None));
    for step in &judged.steps {
        let text = step.text.clone();
        match (step.link, step.outcome) {
            (ChainLink::Role, Some(Verdict::No)) => say(CheckId::NoRole, format!("EKS would refuse it: {text}")),
            (ChainLink::Role, Some(Verdict::Unknown)) => say(CheckId::RoleUnknown, format!("not known: {text}")),
            (ChainLink::Trust, Some(Verdict::No)) => {
                let refused = match judged.role.as_ref().map(|role| workloads.trust(role)) {
                    Some(Lookup::Found(found)) => found
                        .detail
                        .assume_role_policy_document
                        .as_ref()
                        .filter(|policy| policy.is_object())
                        .is_some_and(|policy| association::trusted(policy).is_err()),
                    _ => false,
                };
                match refused {
                    true => say(CheckId::RoleNotTrusting, format!("EKS would refuse it: {text}")),
                    false => say(CheckId::TrustRefuses, format!("its pods would not get the role: {text}")),
                }
            }
            (ChainLink::Trust, Some(Verdict::Unknown)) => {
                say(CheckId::TrustUnknown, format!("whether its pods get the role is not known: {text}"));
            }
            (_, Some(Verdict::No)) => {
                say(CheckId::TargetRefuses, format!("its pods would not get the target role: {text}"));
            }
            (_, Some(Verdict::Unknown)) => {
                say(CheckId::TargetUnknown, format!("whether its pods get the target role is not known: {text}"));
            }
            _ => {}
        }
    }
}

/// What the service account has beside the association, and what the association needs.
fn account(look: &Look<'_>, workloads: &Workloads<'_>, it: &One<'_>, say: &mut impl FnMut(CheckId, String)) {
    let known: Option<&Account<'_>> = workloads.account(it.namespace, it.name);
    let itself = known.and_then(|it| it.itself);
    let irsa = itself.and_then(|it| it.role_arn()).map(last_part);
    match (it.before, it.after, irsa) {
        (None, Some(after), Some(old)) => {
            let why = format!(
                "its annotation names role {old} (IRSA): new pods get role {} by Pod Identity instead",
                last_part(&after.role_arn)
            );
            say(CheckId::IrsaShadowed, why);
        }
        (Some(_), None, Some(old)) => {
            say(CheckId::IrsaInForce, format!("its annotation names role {old}: new pods get that by IRSA"));
        }
        _ => {}
    }
    if it.after.is_none() {
        return;
    }
    if itself.is_none() {
        let (namespace, name) = (it.namespace, it.name);
        match look.facts.service_accounts.gap() {
            None => say(
                CheckId::ServiceAccountAbsent,
                format!("there is no service account {namespace}/{name}: it gives nothing until there is"),
            ),
            Some(gap) => say(
                CheckId::ServiceAccountAbsent,
                format!("whether there is a service account {namespace}/{name} is not known: {gap}"),
            ),
        }
    }
    // No agent runs on Fargate, whatever runs on the nodes.
    let fargate = workloads.fargate_for_new_pods(it.namespace);
    let agent = match (&workloads.ground().agent, fargate) {
        (Presence::Absent(why), _) => Presence::Absent(why.clone()),
        (_, Some(on)) if on.outcome == Verdict::No => Presence::Absent(on.because),
        (Presence::Present, Some(on)) => Presence::Unknown(on.because),
        (other, _) => other.clone(),
    };
    match (&agent, irsa) {
        (Presence::Absent(why), Some(_)) if it.before.is_none() => {
            let why = format!("{why}: new pods would get neither this role nor the one by IRSA");
            say(CheckId::IrsaLost, why);
        }
        (Presence::Absent(why), _) => say(CheckId::NoAgent, format!("{why}: it gives nothing until there is")),
        (Presence::Unknown(why), _) => say(CheckId::NoAgent, format!("not known: {why}")),
        (Presence::Present, _) => {}
    }
}

/// Pods that run keep what they have for a while.
fn pods(workloads: &Workloads<'_>, it: &One<'_>, say: &mut impl FnMut(CheckId, String)) {
    if let Some(gap) = workloads.pods_gap() {
        return say(CheckId::PodsUnknown, format!("which pods run as it is not known: {gap}"));
    }
    let running = workloads.account(it.namespace, it.name).map_or(0, |it| it.pods.len());
    if running == 0 {
        return;
    }
    let (runs, keep) = (count(running, "pod runs", "pods run"), if running == 1 { "keeps" } else { "keep" });
    match (it.before, it.after) {
        (None, Some(_)) => {
            say(CheckId::PodsRestart, format!("{runs} as it and {keep} what there is until made again"));
        }
        (Some(before), Some(after)) if before.role_arn != after.role_arn => {
            let why =
                format!("{runs} as it and {keep} the old role until the agent asks again (hours), or until made again");
            say(CheckId::PodsRestart, why);
        }
        (Some(_), None) => {
            let why = format!("{runs} as it: the role is not renewed, and gone within hours");
            say(CheckId::AssociationInUse, why);
        }
        _ => {}
    }
}
