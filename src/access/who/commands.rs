//! Who may do all that a command of kubectl asks.
//!
//! Decides it for everybody who may do a part of it, by the same decisions as `can`: the parts may be allowed through
//! different groups, which no answer about a single request shows.

use std::collections::{BTreeMap, BTreeSet};

use super::bound::stands_for_many;
use super::{Holder, Holding, WhoCan, rank, unread_mappings, who_can, who_can_meant};
use crate::access::Verdict;
use crate::access::findings::MASTERS;
use crate::access::inventory::PrincipalRow;
use crate::access::kubectl::{Need, Question, all_of};
use crate::access::permissions::{Allowing, Permissions, Via, Who};
use crate::model::principal::PrincipalKey;
use crate::model::snapshot::ClusterFacts;

impl Permissions {
    /// The users, groups and service accounts that bindings let do what is asked, or a part of it, and whether that is
    /// known of all bindings.
    pub fn bound_subjects(&self, question: &Question) -> (Vec<Via>, bool) {
        let (mut all, mut is_whole): (Vec<Via>, bool) = (Vec::new(), true);
        for request in question.requests() {
            let found = self.identities(request);
            is_whole &= found.maybe.is_empty() && self.unread_bindings(request.namespace()).is_empty();
            for via in found.subjects() {
                if !all.contains(&via) {
                    all.push(via);
                }
            }
        }
        (all, is_whole)
    }
}

/// As [`who_can_meant`], for a question: of a command of kubectl, whoever may do all that it asks.
pub fn who_can_question(
    facts: &ClusterFacts,
    permissions: &Permissions,
    principals: &[PrincipalRow],
    question: &Question,
) -> WhoCan {
    let Some(command) = &question.command else {
        return who_can_meant(facts, permissions, principals, &question.meant);
    };
    let mut parts: Vec<WhoCan> = Vec::new();
    for need in &command.needs {
        parts.push(who_can_meant(facts, permissions, principals, &need.meant));
        if let Some(instead) = &need.instead {
            parts.push(who_can(facts, permissions, principals, &instead.request));
        }
    }
    let unknown: BTreeSet<String> = parts.iter().flat_map(|it| it.unknown.iter().cloned()).collect();
    let mut some: BTreeMap<Holding, Holder> = BTreeMap::new();
    for holder in parts.into_iter().flat_map(|it| it.holders) {
        some.entry(holder.subject.clone()).or_insert(holder);
    }
    let identities: BTreeMap<PrincipalKey, Who> =
        principals.iter().map(|row| (row.principal.key(), Who::of(&row.resolution))).collect();
    let judge = |holder: Holder| match who_is(&holder.subject, &identities) {
        Some(who) => judge_all(permissions, &who, &command.needs, &unknown, holder),
        // Whoever is behind it is an administrator: nothing names the creator, and nothing limits it.
        None => Some(holder),
    };
    let mut holders: Vec<Holder> = some.into_values().filter_map(judge).collect();
    holders.sort_by(|a, b| (rank(a), &a.subject).cmp(&(rank(b), &b.subject)));
    WhoCan { request: question.meant.request.clone(), holders, unknown: unknown.into_iter().collect() }
}

/// Whom bindings alone let do what is asked, whoever that may be: the groups, users and service accounts that they name.
pub fn who_can_by_bindings(facts: &ClusterFacts, permissions: &Permissions, question: &Question) -> WhoCan {
    let mut answer = who_can_question(facts, permissions, &[], question);
    for holder in &mut answer.holders {
        if let Holding::ServiceAccount { pods, .. } = &mut holder.subject {
            *pods = None;
        }
        // Of those it was not asked who they are: what is not known of that is no part of the answer.
        match (&holder.subject, who_is(&holder.subject, &BTreeMap::new())) {
            (Holding::System(Via::Group(name)), _) if name == MASTERS => {
                holder.notes = vec!["whomever aws-auth maps to it; nobody else but the control plane".to_owned()];
                holder.subject = Holding::Group(MASTERS.to_owned());
            }
            (Holding::Group(name), _) if stands_for_many(&Via::Group(name.clone())) => {}
            (_, Some(who)) => {
                let decisions = question.requests().into_iter().map(|it| permissions.decide(&who, it));
                let said =
                    decisions.flat_map(|it| if holder.verdict == Verdict::Yes { it.unverified } else { it.unknown });
                holder.notes = said.collect::<BTreeSet<_>>().into_iter().collect();
            }
            (_, None) => {}
        }
    }
    answer.holders.sort_by(|a, b| (rank(a), &a.subject).cmp(&(rank(b), &b.subject)));
    answer.holders.retain(|it| it.subject != Holding::HiddenCreator);
    let unread = unread_mappings(facts);
    answer.unknown.retain(|it| !unread.contains(it));
    // So that nobody is never the answer: an access policy may allow it.
    answer.unknown.push("access entries and aws-auth, which say who the principals are, were not asked".to_owned());
    answer
}

fn who_is(holding: &Holding, identities: &BTreeMap<PrincipalKey, Who>) -> Option<Who> {
    match holding {
        Holding::Principal { principal, .. } => identities.get(&principal.key()).cloned(),
        Holding::ServiceAccount { namespace, name, .. } => Some(Who::service_account(namespace, name)),
        Holding::Group(name) | Holding::System(Via::Group(name)) => Some(Who::member(name)),
        Holding::User(name) | Holding::System(Via::User(name)) => Some(Who::user(name)),
        Holding::System(Via::ServiceAccount { namespace, name }) => Some(Who::service_account(namespace, name)),
        Holding::HiddenCreator => None,
    }
}

/// The holder with the answer to all needs; `None` where one is denied. What was not read at all is said once, not of
/// everybody.
fn judge_all(
    permissions: &Permissions,
    who: &Who,
    needs: &[Need],
    general: &BTreeSet<String>,
    holder: Holder,
) -> Option<Holder> {
    let mut paths: Vec<Allowing> = Vec::new();
    let mut open: BTreeSet<String> = BTreeSet::new();
    let mut unverified: BTreeSet<String> = BTreeSet::new();
    let mut verdicts = Vec::new();
    for need in needs {
        let decision = permissions.decide_need(who, need);
        verdicts.push(decision.verdict);
        open.extend(decision.unknown.into_iter().filter(|it| !general.contains(it)));
        unverified.extend(decision.unverified);
        for by in decision.by {
            if !paths.contains(&by) {
                paths.push(by);
            }
        }
    }
    match all_of(verdicts) {
        Verdict::No => None,
        Verdict::Unknown if open.is_empty() => None,
        Verdict::Unknown => {
            let notes = open.into_iter().collect();
            Some(Holder { verdict: Verdict::Unknown, paths: Vec::new(), notes, ..holder })
        }
        Verdict::Yes => {
            let said = if holder.verdict == Verdict::Yes { holder.notes } else { Vec::new() };
            unverified.extend(said);
            Some(Holder {
                subject: holder.subject,
                verdict: Verdict::Yes,
                paths,
                notes: unverified.into_iter().collect(),
            })
        }
    }
}
