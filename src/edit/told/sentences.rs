//! A change as a sentence, as one would tell it to a colleague: `role/x gets AmazonEKSViewPolicy in a, b`.
//!
//! Decides which words tell what became of a thing, and in which order: access first, then groups, then the rest. What
//! changes is `edit::draft`'s.

use std::collections::BTreeSet;

use crate::edit::draft::{Change, Draft};
use crate::edit::state::{AssociationState, EntryState, State, Subject};
use crate::model::mapping::{AccessScope, ScopeKind};
use crate::model::principal::Principal;
use crate::model::words::last_part;

/// A subject as it is called in a list.
pub fn named(subject: &Subject, home: Option<&str>) -> String {
    match subject {
        Subject::Entry(arn) => principal(arn, home),
        Subject::Association(namespace, account) => format!("{namespace}/{account}"),
    }
}

fn principal(arn: &str, home: Option<&str>) -> String {
    Principal::from_arn(arn).map_or_else(|_| arn.to_owned(), |(it, _)| it.short(home))
}

/// All changes of a draft, a sentence without a full stop each.
pub fn sentences(draft: &Draft, home: Option<&str>) -> Vec<String> {
    draft.changes().map(|(subject, change)| sentence(subject, change, home)).collect()
}

/// The first change, and how many there are beside it: for one line of a list.
pub fn in_short(draft: &Draft, home: Option<&str>) -> String {
    let Some((subject, change)) = draft.changes().next() else { return "nothing".to_owned() };
    let first = sentence(subject, change, home);
    match draft.len() {
        1 => first,
        n => format!("{first}, and {} more", n - 1),
    }
}

/// One change.
pub fn sentence(subject: &Subject, change: &Change, home: Option<&str>) -> String {
    let name = named(subject, home);
    let parts = match (&change.before, &change.after) {
        (None, Some(State::Entry(after))) => {
            let mut parts = entry(&EntryState::default(), after);
            if parts.is_empty() {
                parts.push("gets an access entry that gives nothing".to_owned());
            } else {
                parts.push("in a new entry".to_owned());
            }
            parts
        }
        (Some(State::Entry(_)), None) => vec!["loses its access entry".to_owned()],
        (Some(State::Entry(before)), Some(State::Entry(after))) => {
            let mut parts = entry(before, after);
            if change.again {
                parts.push("is taken out and made again".to_owned());
            } else if before.kind != after.kind {
                parts.push(format!("becomes {}", after.kind));
            }
            if before.username != after.username {
                let username = after.username.as_deref().unwrap_or("the one that EKS gives");
                parts.push(format!("is called {username} in the cluster"));
            }
            if before.tags != after.tags {
                parts.push("has other tags".to_owned());
            }
            parts
        }
        (None, Some(State::Association(after))) => {
            let target = after.target_role_arn.as_ref().map(|it| format!(" and with it {}", principal(it, home)));
            let role = principal(&after.role_arn, home);
            vec![format!("gets {role}{} by Pod Identity", target.unwrap_or_default())]
        }
        (Some(State::Association(before)), None) => {
            vec![format!("no longer gets {} by Pod Identity", principal(&before.role_arn, home))]
        }
        (Some(State::Association(before)), Some(State::Association(after))) => association(before, after, home),
        _ => Vec::new(),
    };
    if parts.is_empty() {
        return format!("{name} stays as it is");
    }
    format!("{name} {}", parts.join("; "))
}

fn entry(before: &EntryState, after: &EntryState) -> Vec<String> {
    let mut parts = Vec::new();
    for (policy, scope) in &after.policies {
        let policy_name = last_part(policy);
        match before.policies.get(policy) {
            None => parts.push(format!("gets {policy_name} {}", place(scope))),
            Some(old) if old != scope => {
                parts.push(format!("has {policy_name} {} instead of {}", place(scope), place(old)));
            }
            Some(_) => {}
        }
    }
    let gone = before.policies.keys().filter(|it| !after.policies.contains_key(*it));
    parts.extend(gone.map(|it| format!("loses {}", last_part(it))));
    for (word, from, to) in [("gets", &before.groups, &after.groups), ("loses", &after.groups, &before.groups)] {
        let all: Vec<&str> = to.difference(from).map(String::as_str).collect();
        match all.as_slice() {
            [] => {}
            [one] => parts.push(format!("{word} group {one}")),
            several => parts.push(format!("{word} groups {}", several.join(", "))),
        }
    }
    parts
}

fn place(scope: &AccessScope) -> String {
    let namespaces: BTreeSet<&str> = scope.namespaces.iter().map(String::as_str).collect();
    match scope.kind {
        ScopeKind::Cluster => "in the whole cluster".to_owned(),
        ScopeKind::Namespace => format!("in {}", namespaces.into_iter().collect::<Vec<_>>().join(", ")),
    }
}

fn association(before: &AssociationState, after: &AssociationState, home: Option<&str>) -> Vec<String> {
    let mut parts = Vec::new();
    if before.role_arn != after.role_arn {
        let [old, new] = [&before.role_arn, &after.role_arn].map(|it| principal(it, home));
        parts.push(format!("gets {new} by Pod Identity instead of {old}"));
    }
    if before.target_role_arn != after.target_role_arn {
        let target = after.target_role_arn.as_ref().map(|it| principal(it, home));
        parts.push(
            target.map_or_else(
                || "has no target role any more".to_owned(),
                |it| format!("goes on to the target role {it}"),
            ),
        );
    }
    if before.disable_session_tags != after.disable_session_tags {
        parts.push(if after.disable_session_tags { "sends no session tags" } else { "sends session tags" }.to_owned());
    }
    if before.policy != after.policy {
        parts.push(
            if after.policy.is_some() { "has another session policy" } else { "has no session policy any more" }
                .to_owned(),
        );
    }
    if before.tags != after.tags {
        parts.push("has other tags".to_owned());
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(policies: &[(&str, &[&str])], groups: &[&str]) -> EntryState {
        let policy = |(name, namespaces): &(&str, &[&str])| {
            let kind = if namespaces.is_empty() { ScopeKind::Cluster } else { ScopeKind::Namespace };
            let scope = AccessScope { kind, namespaces: namespaces.iter().map(|&it| it.into()).collect() };
            (format!("arn:aws:eks::aws:cluster-access-policy/{name}"), scope)
        };
        EntryState {
            kind: "STANDARD".into(),
            policies: policies.iter().map(policy).collect(),
            groups: groups.iter().map(|&it| it.into()).collect(),
            ..EntryState::default()
        }
    }

    #[test]
    fn an_entry_is_told_by_what_it_gives_and_takes() {
        let none: Option<EntryState> = None;
        let some = |policies: &[(&str, &[&str])], groups: &[&str]| Some(state(policies, groups));
        let subject = Subject::Entry("arn:aws:iam::111122223333:role/x".into());
        for (before, after, again, told) in [
            (none.clone(), some(&[("View", &["b", "a"])], &[]), false, "role/x gets View in a, b; in a new entry"),
            (none.clone(), some(&[], &[]), false, "role/x gets an access entry that gives nothing"),
            (some(&[], &["dev"]), none, false, "role/x loses its access entry"),
            (
                some(&[("View", &["a"])], &[]),
                some(&[("View", &[])], &[]),
                false,
                "role/x has View in the whole cluster instead of in a",
            ),
            (
                some(&[("Edit", &[])], &["a"]),
                some(&[], &["b", "c"]),
                false,
                "role/x loses Edit; gets groups b, c; loses group a",
            ),
            (some(&[], &[]), some(&[], &[]), true, "role/x is taken out and made again"),
        ] {
            let change = Change { before: before.map(State::Entry), after: after.map(State::Entry), again };
            assert_eq!(sentence(&subject, &change, Some("111122223333")), told);
        }
    }

    #[test]
    fn an_association_is_told_by_its_roles() {
        let role = |name: &str| AssociationState {
            role_arn: format!("arn:aws:iam::111122223333:role/{name}"),
            ..AssociationState::default()
        };
        let subject = Subject::Association("blue".into(), "app".into());
        let told = |before: Option<AssociationState>, after: Option<AssociationState>| {
            let (before, after) = (before.map(State::Association), after.map(State::Association));
            sentence(&subject, &Change { before, after, again: false }, Some("111122223333"))
        };
        assert_eq!(told(None, Some(role("a"))), "blue/app gets role/a by Pod Identity");
        assert_eq!(told(Some(role("a")), None), "blue/app no longer gets role/a by Pod Identity");
        assert_eq!(told(Some(role("a")), Some(role("b"))), "blue/app gets role/b by Pod Identity instead of role/a");
        let tagless = AssociationState { disable_session_tags: true, ..role("a") };
        assert_eq!(told(Some(role("a")), Some(tagless)), "blue/app sends no session tags");
    }

    #[test]
    fn of_several_the_first_is_told_and_the_others_counted() {
        let change = Change { before: None, after: Some(State::Entry(state(&[], &["g"]))), again: false };
        let subject = |name: &str| Subject::Entry(format!("arn:aws:iam::1:role/{name}"));
        let draft = Draft::of(["a", "b", "c"].map(|it| (subject(it), change.clone())));
        assert!(in_short(&draft, None).ends_with(", and 2 more"), "{}", in_short(&draft, None));
        assert_eq!(sentences(&draft, None).len(), 3);
        assert_eq!(in_short(&Draft::default(), None), "nothing");
    }
}
