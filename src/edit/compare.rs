//! Is a thing as it is expected to be?
//!
//! Decides what counts: order and repetition do not, nor what EKS sets by itself, nor the identity of types whose
//! identity is not a customer's to choose. Says in what two states differ, for people.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use serde_json::Value;

use super::state::{AssociationState, EntryState, State, sorted};
use crate::model::words::last_part;

/// Is it as expected?
pub fn same(expected: Option<&State>, is: Option<&State>) -> bool {
    differences(expected, is).is_empty()
}

/// In what a thing is not as expected, each as `what: is …, expected …`.
pub fn differences(expected: Option<&State>, is: Option<&State>) -> Vec<String> {
    match (expected, is) {
        (None, None) => Vec::new(),
        (Some(_), None) => vec!["it is not there".to_owned()],
        (None, Some(is)) => vec![format!("it is there: {}", is.tell())],
        (Some(State::Entry(expected)), Some(State::Entry(is))) => of_entry(expected, is),
        (Some(State::Association(expected)), Some(State::Association(is))) => of_association(expected, is),
        (Some(_), Some(is)) => vec![format!("it is something else: {}", is.tell())],
    }
}

fn of_entry(expected: &EntryState, is: &EntryState) -> Vec<String> {
    let mut out = Vec::new();
    put(&mut out, "type", &expected.kind, &is.kind);
    if expected.kind == "STANDARD" {
        // What is not said is EKS's to give.
        if let Some(expected) = &expected.username {
            put(&mut out, "username", expected, is.username.as_deref().unwrap_or("none"));
        }
        put(&mut out, "groups", &list(&expected.groups), &list(&is.groups));
    }
    let names: BTreeSet<&String> = expected.policies.keys().chain(is.policies.keys()).collect();
    for name in names {
        let scope = |of: &EntryState| of.policies.get(name).map_or("none".to_owned(), |it| sorted(it).to_string());
        put(&mut out, &format!("scope of {}", last_part(name)), &scope(expected), &scope(is));
    }
    tags(&mut out, &expected.tags, &is.tags);
    out
}

fn of_association(expected: &AssociationState, is: &AssociationState) -> Vec<String> {
    let mut out = Vec::new();
    let text = |it: &Option<String>| it.clone().unwrap_or("none".to_owned());
    put(&mut out, "role", &expected.role_arn, &is.role_arn);
    put(&mut out, "target role", &text(&expected.target_role_arn), &text(&is.target_role_arn));
    put(&mut out, "session tags disabled", &expected.disable_session_tags, &is.disable_session_tags);
    if !same_policy(expected.policy.as_deref(), is.policy.as_deref()) {
        put(&mut out, "policy", &text(&expected.policy), &text(&is.policy));
    }
    tags(&mut out, &expected.tags, &is.tags);
    out
}

/// Space within a policy means nothing.
fn same_policy(one: Option<&str>, other: Option<&str>) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    match (one, other) {
        (Some(one), Some(other)) => one == other || read(one).is_some_and(|it| Some(it) == read(other)),
        (one, other) => one == other,
    }
}

fn tags(out: &mut Vec<String>, expected: &BTreeMap<String, String>, is: &BTreeMap<String, String>) {
    let names: BTreeSet<&String> = expected.keys().chain(is.keys()).collect();
    for name in names {
        let value = |of: &BTreeMap<String, String>| of.get(name).map_or("none".to_owned(), |it| format!("{it:?}"));
        put(out, &format!("tag {name:?}"), &value(expected), &value(is));
    }
}

fn list(names: &BTreeSet<String>) -> String {
    if names.is_empty() { "none".to_owned() } else { names.iter().cloned().collect::<Vec<_>>().join(", ") }
}

fn put(out: &mut Vec<String>, what: &str, expected: &(impl Display + ?Sized), is: &(impl Display + ?Sized)) {
    let (expected, is) = (expected.to_string(), is.to_string());
    if expected != is {
        out.push(format!("{what}: is {is}, expected {expected}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mapping::{AccessScope, ScopeKind};

    fn entry(with: impl FnOnce(&mut EntryState)) -> Option<State> {
        let mut it = EntryState { kind: "STANDARD".into(), username: Some("u".into()), ..EntryState::default() };
        with(&mut it);
        Some(State::Entry(it))
    }

    fn scope(namespaces: &[&str]) -> AccessScope {
        AccessScope { kind: ScopeKind::Namespace, namespaces: namespaces.iter().map(|&it| it.into()).collect() }
    }

    #[test]
    fn order_and_what_eks_gives_by_itself_are_no_difference() {
        let arn = || "a/View".to_owned();
        let one = entry(|it| drop(it.policies.insert(arn(), scope(&["b", "a", "b"]))));
        let other = entry(|it| drop(it.policies.insert(arn(), scope(&["a", "b"]))));
        assert!(same(one.as_ref(), other.as_ref()));
        let unsaid = entry(|it| it.username = None);
        assert!(same(unsaid.as_ref(), entry(|_| {}).as_ref()));
        let node = |name: &str| entry(|it| (it.kind, it.username) = ("EC2_LINUX".into(), Some(name.into())));
        assert!(same(node("a").as_ref(), node("b").as_ref()));
        let with = |policy: &str| {
            Some(State::Association(AssociationState { policy: Some(policy.into()), ..AssociationState::default() }))
        };
        assert!(same(with("{\"a\": 1}").as_ref(), with("{\"a\":1}").as_ref()));
        assert!(!same(with("{\"a\": 1}").as_ref(), with("{\"a\":2}").as_ref()));
    }

    #[test]
    fn what_differs_is_named() {
        let is = entry(|it| {
            it.groups.insert("x".into());
            it.policies.insert("a/View".into(), scope(&["a"]));
            it.tags.insert("k".into(), "v".into());
        });
        let said = differences(entry(|_| {}).as_ref(), is.as_ref());
        assert_eq!(
            said,
            ["groups: is x, expected none", "scope of View: is a, expected none", "tag \"k\": is \"v\", expected none"]
        );
        assert_eq!(differences(is.as_ref(), None), ["it is not there"]);
        assert!(differences(None, is.as_ref())[0].starts_with("it is there: STANDARD"));
    }
}
