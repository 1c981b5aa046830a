//! What undo could not bring back, said before it is gone.
//!
//! Decides for everything that a draft deletes whether EKS would let it be made again as it is: by the same rules by which
//! it would be made.

use super::{Check, CheckId, Look};
use crate::access::identity::Death;
use crate::edit::record::not_brought_back;
use crate::edit::state::{EntryState, State, Subject};
use crate::model::principal::Principal;
use crate::model::snapshot::Lookup;
use crate::model::validation::entry::{EntryType, NewEntry, existing};
use crate::model::validation::{Home, policy};
use crate::model::words::last_part;

/// The rule.
pub(super) fn undo(look: &Look<'_>, out: &mut Vec<Check>) {
    for (subject, change) in look.draft.changes() {
        let (because, gone) = match (subject, &change.before, &change.after) {
            (Subject::Entry(arn), Some(State::Entry(before)), after) => {
                let stays = matches!(after, Some(State::Entry(after)) if after.kind == before.kind);
                if stays {
                    continue;
                }
                (against_entry(look, arn, before), not_brought_back(subject))
            }
            (Subject::Association(..), Some(State::Association(before)), None) => {
                (no_role(look, &before.role_arn).into_iter().collect(), not_brought_back(subject))
            }
            _ => continue,
        };
        let gone = match &change.before {
            Some(State::Entry(before)) if EntryType::of(&before.kind) != Some(EntryType::Standard) => {
                format!("{gone}; {}", given_by_eks(before))
            }
            _ => gone.to_owned(),
        };
        let mut say = |id, because: String| out.push(Check::new(id, Some(subject), because));
        if because.is_empty() {
            say(CheckId::UndoPartial, format!("undo makes it anew: {gone}"));
        }
        for why in because {
            say(CheckId::UndoImpossible, format!("undo could not bring it back: {why}"));
        }
    }
}

/// Of a type whose identity nobody can choose, undo cannot ask for the one that there was.
fn given_by_eks(before: &EntryState) -> String {
    let groups: Vec<&str> = before.groups.iter().map(String::as_str).collect();
    format!(
        "EKS gives username and groups to type {} by itself, and may give others than {} with {}",
        before.kind,
        before.username.as_deref().unwrap_or("those that it does not show"),
        if groups.is_empty() { "no groups".to_owned() } else { groups.join(", ") }
    )
}

fn against_entry(look: &Look<'_>, arn: &str, before: &EntryState) -> Vec<String> {
    let mut out = Vec::new();
    let Ok((principal, _)) = Principal::from_arn(arn) else {
        return vec!["its principal's ARN is none that EKS takes".to_owned()];
    };
    let found = look.before().existing(&principal);
    if let Err(wrong) = existing(arn, &found) {
        out.push(format!("its principal is gone, and EKS would say: {}", wrong.message));
    }
    let entry = look.facts.access_entries.items().iter().find(|it| it.principal_arn == arn);
    if entry.and_then(|it| look.before().death(it)) == Some(Death::Recreated) {
        out.push(
            "it is bound to a principal that was deleted; made anew, it would let in the one that has the name now"
                .to_owned(),
        );
    }
    let cluster_arn = look.cluster().and_then(|it| it.arn.clone()).unwrap_or_default();
    let mut parts = cluster_arn.split(':');
    let home = Home { partition: parts.nth(1).unwrap_or("aws"), account: parts.nth(2).unwrap_or_default() };
    let kind = EntryType::of(&before.kind);
    let own_identity = kind.is_none_or(EntryType::has_own_identity);
    let default = kind.and_then(|it| it.default_username(&principal));
    let groups: Vec<String> = if own_identity { before.groups.iter().cloned().collect() } else { Vec::new() };
    let new = NewEntry {
        principal_arn: arn,
        kind: Some(&before.kind),
        username: before.username.as_deref().filter(|it| own_identity && Some(*it) != default.as_deref()),
        groups: &groups,
        tags: &before.tags,
    };
    if let Err(wrong) = new.check(home) {
        out.push(format!("EKS would say: {}", wrong.message));
    }
    for (policy_arn, scope) in &before.policies {
        let held = policy::policy_name(policy_arn, home)
            .and_then(|name| policy::holder(&before.kind, name))
            .and_then(|()| policy::scope(scope));
        if let Err(wrong) = held {
            out.push(format!("{}: EKS would say: {}", last_part(policy_arn), wrong.message));
        }
    }
    out
}

/// An association needs its role.
fn no_role(look: &Look<'_>, arn: &str) -> Option<String> {
    let (principal, _) = Principal::from_arn(arn).ok()?;
    let gone = matches!(look.before().existing(&principal), Lookup::Absent);
    gone.then(|| format!("its role {} is gone", principal.name))
}
