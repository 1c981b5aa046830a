//! Somebody must remain who may do everything in the cluster.
//!
//! Decides by asking of every principal known before and after. Where all that could hold an admin was read and none
//! remains, it blocks; where something was not read, an admin may be in it: then the answer is not known, and it asks.
//! A principal of whom it is not known although all was read (another account's, a policy without published rules) is no
//! ground to go on.

use std::collections::BTreeSet;

use super::{Check, Level, Look};
use crate::access::identity::Resolver;
use crate::access::permissions::{Verdict, Who};
use crate::edit::diff::everything;
use crate::edit::draft::{Change, Draft};
use crate::edit::project::project;
use crate::edit::state::State;
use crate::model::principal::Asked;
use crate::model::snapshot::{Gap, Lookup, Section};

/// The principals that may do everything, and those of whom it is not known.
fn admins_of(look: &Look<'_>, resolver: &Resolver<'_>) -> (BTreeSet<String>, BTreeSet<String>) {
    let (facts, iam) = resolver.facts();
    let (mut yes, mut maybe) = (BTreeSet::new(), BTreeSet::new());
    for principal in crate::access::find::known_principals(facts, iam).into_values() {
        let asked = Asked { path_known: principal.path != "/", ..Asked::principal(principal) };
        let resolution = resolver.resolve(&asked);
        let verdict = look.permissions.decide(&Who::of(&resolution), &everything("")).verdict;
        let arn = resolution.asked.principal.arn();
        // Another account's principal may be gone: nobody here can say.
        let exists = !matches!(resolver.existing(&resolution.asked.principal), Lookup::Unknown(_));
        match verdict {
            Verdict::Allowed if exists => drop(yes.insert(arn)),
            Verdict::Allowed | Verdict::Unknown => drop(maybe.insert(arn)),
            Verdict::Denied => {}
        }
    }
    (yes, maybe)
}

/// What was not read and may hold an admin, each with why.
fn unread(look: &Look<'_>) -> Vec<String> {
    let (facts, iam) = (look.facts, look.iam);
    fn of<T>(what: &str, section: &Section<T>) -> Option<String> {
        let item = || section.missing().first().map(|it| Gap::Item(it.failure.clone()));
        section.gap().or_else(item).map(|gap| format!("{what}: {}", gap.briefly()))
    }
    let all = [
        of("access entries", &facts.access_entries),
        of("aws-auth", &facts.aws_auth),
        of("cluster roles", &facts.cluster_roles),
        of("cluster role bindings", &facts.cluster_role_bindings),
        of("IAM roles", &iam.roles),
        of("IAM users", &iam.users),
    ];
    all.into_iter().flatten().collect()
}

/// The rule.
pub(super) fn admins(look: &Look<'_>, out: &mut Vec<Check>) {
    let (before, maybe_before) = admins_of(look, look.before());
    let (after, maybe_after) = admins_of(look, &look.sides.after);
    if !after.is_empty() {
        return gap(look, &before, out);
    }
    let mut say = |level, id, because| out.push(Check { level, id, subject: None, because });
    let named = |all: Vec<&String>| all.iter().take(3).map(|it| it.as_str()).collect::<Vec<_>>().join(", ");
    let lost: Vec<&String> = before.difference(&after).collect();
    let unread = unread(look);
    if !unread.is_empty() {
        // Who may have been an admin, and surely is none afterwards.
        let touched = maybe_before.difference(&maybe_after).next().is_some();
        if touched || !lost.is_empty() {
            let last = match lost.as_slice() {
                [] => String::new(),
                lost => format!("; {} is the last that is known", named(lost.to_vec())),
            };
            let why =
                format!("whether a cluster admin would remain is not known{last}. Not read: {}", unread.join("; "));
            say(Level::Asks, "admins-unknown", why);
        }
        return;
    }
    if lost.is_empty() {
        return;
    }
    let why = if maybe_after.is_empty() {
        format!("no cluster admin would remain: {} is the last that may do everything", named(lost))
    } else {
        format!(
            "no cluster admin would remain that is known: {} is the last, and whether {} may do everything is not known",
            named(lost),
            named(maybe_after.iter().collect())
        )
    };
    say(Level::Blocks, "last-admin", why);
}

/// An entry that is deleted and made again is gone in between, and for good if making it fails.
fn gap(look: &Look<'_>, before: &BTreeSet<String>, out: &mut Vec<Check>) {
    let replaced = |change: &Change| match (&change.before, &change.after) {
        (Some(State::Entry(before)), Some(State::Entry(after))) => change.again || before.kind != after.kind,
        _ => false,
    };
    if before.is_empty() || !look.draft.changes().any(|(_, change)| replaced(change)) {
        return;
    }
    let between = look.draft.changes().map(|(subject, change)| {
        let after = if replaced(change) { None } else { change.after.clone() };
        (subject.clone(), Change { after, ..change.clone() })
    });
    let facts = project(look.facts, &Draft::of(between), None);
    let (there, _) = admins_of(look, &Resolver::new(&facts, look.iam));
    if there.is_empty() {
        let because =
            "the entry of the last cluster admin is deleted before it is made again: if that fails, nobody may do \
                       everything until somebody who may call EKS makes an entry"
                .to_owned();
        out.push(Check { level: Level::Asks, id: "admins-gap", subject: None, because });
    }
}
