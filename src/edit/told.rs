//! Changes and calls in words, for whoever reads them: review, detail, list, journal, note.
//!
//! Decides in which pieces a change is told, each with its sign, where it is looked at closely (review, detail, staged
//! rows), and in which few words a call is told; as a sentence, where it stands beside others (journal, note), in
//! [`sentences`]. In which calls it is done is [`super::plan`]'s. Another thing that can be edited gets its words here.

pub mod sentences;

use std::collections::BTreeMap;

use super::draft::Change;
use super::plan::Call;
use super::state::{AssociationState, EntryState, State, session, told_tags};
use crate::model::words::last_part;

/// A piece of a change: `+` comes, `~` becomes another, `-` goes.
pub type Piece = (&'static str, String);

/// What a change does, piece by piece; never empty.
pub fn pieces(change: &Change) -> Vec<Piece> {
    let mut out = Vec::new();
    match (&change.before, &change.after) {
        (None, None) => out.push(("-", "nothing".to_owned())),
        (Some(before), None) => out.push(("-", format!("removed; it was {}", before.tell()))),
        (None, Some(State::Entry(after))) => {
            out.push(("+", format!("access entry of type {}", after.kind)));
            entry(&EntryState { kind: after.kind.clone(), ..unnamed(after) }, after, &mut out);
            out.extend(after.username.iter().map(|it| ("+", format!("username {it}"))));
        }
        (None, Some(State::Association(after))) => {
            out.push(("+", format!("role {}", last_part(&after.role_arn))));
            let bare = AssociationState { role_arn: after.role_arn.clone(), ..AssociationState::default() };
            association(&bare, after, &mut out);
        }
        (Some(State::Entry(before)), Some(State::Entry(after))) => {
            if change.again || before.kind != after.kind {
                out.push(("~", "deleted and made again".to_owned()));
            }
            entry(before, after, &mut out);
        }
        (Some(State::Association(before)), Some(State::Association(after))) => association(before, after, &mut out),
        (Some(_), Some(after)) => out.push(("~", after.tell())),
    }
    out
}

/// What is new has no username that it could have had before.
fn unnamed(after: &EntryState) -> EntryState {
    EntryState { username: after.username.clone(), ..EntryState::default() }
}

/// What a call sends, in few words.
pub fn call(call: &Call) -> String {
    let named = |username: &Option<String>| username.as_ref().map(|it| format!("username {it}"));
    match call {
        Call::CreateAccessEntry { kind, username, kubernetes_groups, tags, .. } => {
            let groups = (!kubernetes_groups.is_empty()).then(|| format!("groups {}", kubernetes_groups.join(", ")));
            let parts = std::iter::once(kind.clone()).chain(groups).chain(named(username)).chain(told_tags(tags));
            parts.collect::<Vec<_>>().join(", ")
        }
        Call::UpdateAccessEntry { username, kubernetes_groups, .. } => {
            let groups =
                if kubernetes_groups.is_empty() { "no groups".to_owned() } else { kubernetes_groups.join(", ") };
            format!("groups {groups}, username {}", username.as_deref().unwrap_or("by default"))
        }
        Call::AssociateAccessPolicy { policy_arn, access_scope, .. } => {
            format!("{} @ {access_scope}", last_part(policy_arn))
        }
        Call::DisassociateAccessPolicy { policy_arn, .. } => last_part(policy_arn).to_owned(),
        Call::TagResource { tags } => told_tags(tags).unwrap_or_default(),
        Call::UntagResource { tag_keys } => format!("tags {}", tag_keys.join(", ")),
        Call::CreatePodIdentityAssociation {
            role_arn, target_role_arn, disable_session_tags, policy, tags, ..
        } => {
            let sent = session(role_arn, target_role_arn.as_deref(), *disable_session_tags, policy.as_deref());
            std::iter::once(sent).chain(told_tags(tags)).collect::<Vec<_>>().join(" · ")
        }
        Call::UpdatePodIdentityAssociation { role_arn, target_role_arn, disable_session_tags, policy } => {
            session(role_arn, target_role_arn.as_deref(), *disable_session_tags, policy.as_deref())
        }
        Call::DeleteAccessEntry { .. } | Call::DeletePodIdentityAssociation {} => String::new(),
    }
}

fn entry(before: &EntryState, after: &EntryState, out: &mut Vec<Piece>) {
    if before.kind != after.kind {
        out.push(("~", format!("type {} → {}", before.kind, after.kind)));
    }
    let groups = |these: &EntryState, those: &EntryState| {
        these.groups.difference(&those.groups).map(|it| format!("group {it}")).collect::<Vec<_>>()
    };
    out.extend(groups(after, before).into_iter().map(|it| ("+", it)));
    out.extend(groups(before, after).into_iter().map(|it| ("-", it)));
    if before.username != after.username {
        let shown = |it: &Option<String>| it.clone().unwrap_or_else(|| "by default".to_owned());
        out.push(("~", format!("username {} → {}", shown(&before.username), shown(&after.username))));
    }
    for (arn, scope) in &after.policies {
        match before.policies.get(arn) {
            None => out.push(("+", format!("{} @ {scope}", last_part(arn)))),
            Some(old) if old != scope => out.push(("~", format!("{} @ {old} → {scope}", last_part(arn)))),
            Some(_) => {}
        }
    }
    let gone = before.policies.iter().filter(|(arn, _)| !after.policies.contains_key(*arn));
    out.extend(gone.map(|(arn, scope)| ("-", format!("{} @ {scope}", last_part(arn)))));
    tags(&before.tags, &after.tags, out);
}

fn association(before: &AssociationState, after: &AssociationState, out: &mut Vec<Piece>) {
    if before.role_arn != after.role_arn {
        out.push(("~", format!("role {} → {}", last_part(&before.role_arn), last_part(&after.role_arn))));
    }
    match (&before.target_role_arn, &after.target_role_arn) {
        (old, new) if old == new => {}
        (None, Some(new)) => out.push(("+", format!("then role {new}"))),
        (Some(old), None) => out.push(("-", format!("then role {old}"))),
        (Some(old), Some(new)) => out.push(("~", format!("then role {old} → {new}"))),
        (None, None) => {}
    }
    if before.disable_session_tags != after.disable_session_tags {
        let how = if after.disable_session_tags { "without session tags" } else { "with session tags" };
        out.push(("~", how.to_owned()));
    }
    if before.policy != after.policy {
        out.push(("~", "another session policy".to_owned()));
    }
    tags(&before.tags, &after.tags, out);
}

fn tags(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>, out: &mut Vec<Piece>) {
    for (key, value) in after {
        match before.get(key) {
            None => out.push(("+", format!("tag {key}={value}"))),
            Some(old) if old != value => out.push(("~", format!("tag {key}={old} → {value}"))),
            Some(_) => {}
        }
    }
    out.extend(before.keys().filter(|key| !after.contains_key(*key)).map(|key| ("-", format!("tag {key}"))));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(change: &Change) -> String {
        pieces(change).into_iter().map(|(sign, text)| format!("{sign} {text}")).collect::<Vec<_>>().join(" · ")
    }
    use crate::model::mapping::{AccessScope, ScopeKind};

    fn policy(name: &str, namespaces: &[&str]) -> (String, AccessScope) {
        let kind = if namespaces.is_empty() { ScopeKind::Cluster } else { ScopeKind::Namespace };
        let namespaces = namespaces.iter().map(|&it| it.to_owned()).collect();
        (format!("arn:aws:eks::aws:cluster-access-policy/{name}"), AccessScope { kind, namespaces })
    }

    fn state(groups: &[&str], policies: &[(&str, &[&str])]) -> Option<State> {
        Some(State::Entry(EntryState {
            kind: "STANDARD".into(),
            groups: groups.iter().map(|&it| it.to_owned()).collect(),
            policies: policies.iter().map(|(name, namespaces)| policy(name, namespaces)).collect(),
            ..EntryState::default()
        }))
    }

    fn role(name: &str, target: Option<&str>) -> Option<State> {
        let role_arn = format!("arn:aws:iam::111122223333:role/{name}");
        let target_role_arn = target.map(str::to_owned);
        Some(State::Association(AssociationState { role_arn, target_role_arn, ..AssociationState::default() }))
    }

    #[test]
    fn a_change_is_told_by_what_comes_and_goes() {
        let table = [
            (None, state(&["a"], &[("View", &["x"])]), "+ access entry of type STANDARD · + group a · + View @ x"),
            (state(&["a"], &[]), state(&["b"], &[]), "+ group b · - group a"),
            (state(&[], &[("View", &["x"])]), state(&[], &[("View", &["y"])]), "~ View @ x → y"),
            (state(&[], &[("View", &[])]), state(&[], &[]), "- View @ cluster"),
            (state(&["a"], &[]), None, "- removed; it was STANDARD · groups a"),
            (None, role("r", Some("arn:t")), "+ role r · + then role arn:t"),
            (role("r", None), role("s", None), "~ role r → s"),
        ];
        for (before, after, told) in table {
            assert_eq!(line(&Change { before, after, again: false }), told);
        }
        let same = state(&["a"], &[]);
        assert_eq!(line(&Change { before: same.clone(), after: same, again: true }), "~ deleted and made again");
    }
}
