//! The facts as they would be after a draft.
//!
//! Decides nothing about what follows from them: the same `access` answers for both. What EKS would set by itself (times,
//! ARNs, ids) stays as it was, or stays empty.

use super::draft::Draft;
use super::state::{State, Subject};
use crate::model::mapping::AccessEntry;
use crate::model::principal::Principal;
use crate::model::snapshot::ClusterFacts;
use crate::model::workload::PodIdentityAssociation;

/// The facts after the draft. `made` is when what is new was made: an entry that is made again is bound to the principal
/// that has the name then.
pub fn project(facts: &ClusterFacts, draft: &Draft, made: Option<crate::model::time::Time>) -> ClusterFacts {
    let mut after = facts.clone();
    let mut entries: Vec<AccessEntry> = facts.access_entries.items().to_vec();
    let mut associations: Vec<PodIdentityAssociation> = facts.pod_identity_associations.items().to_vec();
    for (subject, change) in draft.changes() {
        match subject {
            Subject::Entry(arn) => {
                let old = entries.iter().position(|it| it.principal_arn == *arn);
                let new = match &change.after {
                    Some(State::Entry(state)) => {
                        let kept = old.and_then(|at| entries.get(at)).filter(|_| !change.again);
                        let mut entry = state.entry(arn, kept);
                        entry.created_at = entry.created_at.or(made);
                        Some(entry)
                    }
                    _ => None,
                };
                match (old, new) {
                    (Some(at), Some(new)) => {
                        if let Some(slot) = entries.get_mut(at) {
                            *slot = new;
                        }
                    }
                    (Some(at), None) => {
                        entries.remove(at);
                    }
                    (None, Some(new)) => entries.push(new),
                    (None, None) => {}
                }
                // What was asked for by itself is older than the draft.
                if let Ok((principal, _)) = Principal::from_arn(arn) {
                    after.asked_entries.remove(&principal.key());
                }
            }
            Subject::Association(namespace, account) => {
                let is_it = |it: &PodIdentityAssociation| it.namespace == *namespace && it.service_account == *account;
                let old = associations.iter().position(is_it);
                match &change.after {
                    Some(State::Association(state)) => {
                        let new = state.association(namespace, account, old.and_then(|at| associations.get(at)));
                        match old.and_then(|at| associations.get_mut(at)) {
                            Some(slot) => *slot = new,
                            None => associations.push(new),
                        }
                    }
                    _ => associations.retain(|it| !is_it(it)),
                }
            }
        }
    }
    after.access_entries = after.access_entries.map(|_| entries);
    after.pod_identity_associations = after.pod_identity_associations.map(|_| associations);
    after
}
