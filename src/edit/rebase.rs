//! A draft brought onto what is there now.
//!
//! Decides what remains of a change when somebody else has changed the same thing since it was staged: what the change
//! itself alters is altered, and all else is as it is now. What is gone meanwhile is not made anew: that change stays as it
//! is, and the review says that it cannot be applied.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Change, Draft};
use super::state::{AssociationState, EntryState, State, Subject, now};
use crate::model::principal::Principal;
use crate::model::snapshot::ClusterFacts;
use crate::model::validation::entry::standard_username;

impl Draft {
    /// The same changes on top of these facts.
    pub fn onto(&self, facts: &ClusterFacts) -> Draft {
        Draft::of(self.changes().filter_map(|(subject, change)| {
            // What is not known has not been seen to differ.
            let is = now(facts, subject).known().unwrap_or_else(|_| change.before.clone());
            Some((subject.clone(), moved(subject, change, is)?))
        }))
    }
}

/// One change on top of what is there; `None` if it is so already.
fn moved(subject: &Subject, change: &Change, is: Option<State>) -> Option<Change> {
    if is == change.before {
        return Some(change.clone());
    }
    let after = match (&change.before, &change.after, &is) {
        // It was to be removed, and somebody did.
        (_, None, None) => return None,
        (_, None, Some(_)) => None,
        (_, Some(_), None) => return Some(change.clone()),
        (before, Some(State::Entry(after)), Some(State::Entry(is))) => {
            let fresh = || fresh(subject, after);
            let before = match before {
                Some(State::Entry(it)) => it.clone(),
                _ => fresh(),
            };
            Some(State::Entry(entry(&before, after, is)))
        }
        (before, Some(State::Association(after)), Some(State::Association(is))) => {
            let before = match before {
                Some(State::Association(it)) => it.clone(),
                _ => AssociationState::default(),
            };
            Some(State::Association(association(&before, after, is)))
        }
        _ => return Some(change.clone()),
    };
    Some(Change { before: is, after, again: change.again })
}

/// What an entry is that was made with nothing chosen about it.
fn fresh(subject: &Subject, made: &EntryState) -> EntryState {
    let Subject::Entry(arn) = subject else { return EntryState::default() };
    let username = Principal::from_arn(arn).ok().map(|(principal, _)| standard_username(&principal));
    EntryState { kind: made.kind.clone(), username, ..EntryState::default() }
}

fn entry(before: &EntryState, after: &EntryState, is: &EntryState) -> EntryState {
    EntryState {
        kind: one(&before.kind, &after.kind, &is.kind),
        username: one(&before.username, &after.username, &is.username),
        groups: set(&before.groups, &after.groups, &is.groups),
        policies: map(&before.policies, &after.policies, &is.policies),
        tags: map(&before.tags, &after.tags, &is.tags),
    }
}

fn association(before: &AssociationState, after: &AssociationState, is: &AssociationState) -> AssociationState {
    AssociationState {
        role_arn: one(&before.role_arn, &after.role_arn, &is.role_arn),
        target_role_arn: one(&before.target_role_arn, &after.target_role_arn, &is.target_role_arn),
        disable_session_tags: one(&before.disable_session_tags, &after.disable_session_tags, &is.disable_session_tags),
        policy: one(&before.policy, &after.policy, &is.policy),
        tags: map(&before.tags, &after.tags, &is.tags),
    }
}

fn one<T: Clone + PartialEq>(before: &T, after: &T, is: &T) -> T {
    if before == after { is.clone() } else { after.clone() }
}

fn set(before: &BTreeSet<String>, after: &BTreeSet<String>, is: &BTreeSet<String>) -> BTreeSet<String> {
    let kept = is.iter().filter(|it| !before.contains(*it) || after.contains(*it));
    kept.chain(after.difference(before)).cloned().collect()
}

fn map<T: Clone + PartialEq>(
    before: &BTreeMap<String, T>,
    after: &BTreeMap<String, T>,
    is: &BTreeMap<String, T>,
) -> BTreeMap<String, T> {
    let mut out = is.clone();
    out.retain(|key, _| !before.contains_key(key) || after.contains_key(key));
    let altered = after.iter().filter(|(key, value)| before.get(*key) != Some(*value));
    out.extend(altered.map(|(key, value)| (key.clone(), value.clone())));
    out
}
