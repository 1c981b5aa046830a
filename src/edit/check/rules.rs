//! The rules, one function each.

use super::{Check, CheckId, Look};
use crate::access::Verdict;
use crate::access::catalog;
use crate::access::identity::{Death, MappingSource, Resolution};
use crate::access::managed_by::managing_tool;
use crate::access::permissions::{self, Who};
use crate::edit::diff::everything;
use crate::edit::state::{EntryState, State, Subject};
use crate::model::mapping::ScopeKind;
use crate::model::principal::Principal;
use crate::model::validation::{self, Home, entry, policy};
use crate::model::words::{count, last_part};

type Rule = fn(&Look<'_>, &mut Vec<Check>);

/// All of them.
pub(super) const ALL: &[Rule] = &[
    mode,
    values,
    node_types,
    room,
    super::admins::admins,
    caller,
    aws_auth,
    recreated,
    nodes,
    wide,
    foreign,
    namespaces,
    groups,
    custom_resources,
    managed_elsewhere,
    owned,
    super::associations::associations,
    super::undo::undo,
    unknown,
];

fn say(out: &mut Vec<Check>, id: CheckId, subject: Option<&Subject>, because: impl Into<String>) {
    out.push(Check::new(id, subject, because));
}

/// The entries of a draft: subject, before, after.
fn entries<'a>(
    look: &'a Look<'_>,
) -> impl Iterator<Item = (&'a Subject, &'a str, Option<&'a EntryState>, Option<&'a EntryState>)> {
    look.draft.changes().filter_map(|(subject, change)| {
        let Subject::Entry(arn) = subject else { return None };
        let of = |it: &'a Option<State>| match it {
            Some(State::Entry(it)) => Some(it),
            _ => None,
        };
        Some((subject, arn.as_str(), of(&change.before), of(&change.after)))
    })
}

/// Whether the entry is deleted and created again.
fn is_recreated(look: &Look<'_>, subject: &Subject) -> bool {
    look.draft.change(subject).is_some_and(|it| it.again)
}

/// A mode that does not know entries refuses every call about them.
fn mode(look: &Look<'_>, out: &mut Vec<Check>) {
    let Some(cluster) = look.cluster() else {
        say(out, CheckId::ClusterUnknown, None, "the cluster could not be read, so nothing can be planned for it");
        return;
    };
    if entries(look).next().is_some()
        && let Err(refused) = validation::has_access_entries(cluster)
    {
        say(out, CheckId::Mode, None, format!("EKS would refuse it: {}", refused.message));
    }
    if let Err(refused) = validation::accepts_changes(cluster) {
        say(out, CheckId::ClusterStatus, None, refused.message);
    }
}

/// EKS's own rules about values.
fn values(look: &Look<'_>, out: &mut Vec<Check>) {
    let Some(cluster) = look.cluster() else { return };
    let arn = cluster.arn.clone().unwrap_or_default();
    let mut parts = arn.split(':');
    let (partition, account) = (parts.nth(1).unwrap_or("aws"), parts.nth(2).unwrap_or_default());
    let home = Home { partition, account };
    for (subject, arn, before, after) in entries(look) {
        let Some(after) = after else { continue };
        let mut refuse = |wrong: validation::Invalid| say(out, CheckId::Invalid, Some(subject), wrong.message);
        let kind = match entry::EntryType::read(Some(&after.kind)) {
            Ok(kind) => kind,
            Err(wrong) => {
                refuse(wrong);
                continue;
            }
        };
        let principal = match entry::principal(arn) {
            Ok(principal) => principal,
            Err(wrong) => {
                refuse(wrong);
                continue;
            }
        };
        if before.is_none() {
            if let Err(wrong) = entry::principal_for(kind, &principal, home) {
                refuse(wrong);
            }
            let existing = look.before().existing(&principal);
            if let Err(wrong) = entry::existing(arn, &existing) {
                refuse(wrong);
            }
        }
        let groups: Vec<String> = after.groups.iter().cloned().collect();
        let own = after.username.as_deref().filter(|it| Some(*it) != kind.default_username(&principal).as_deref());
        if kind.has_own_identity()
            && let Err(wrong) = entry::identity(kind, own, &groups)
        {
            refuse(wrong);
        }
        if let Err(wrong) = validation::tags(&after.tags) {
            refuse(wrong);
        }
        // What the entry holds already, EKS may have associated by itself; only what the plan associates is judged.
        let kept = before.filter(|it| it.kind == after.kind && !is_recreated(look, subject));
        for (policy_arn, scope) in &after.policies {
            let associates = kept.and_then(|it| it.policies.get(policy_arn)) != Some(scope);
            let assignable_to = catalog::policy(policy_arn).and_then(|it| it.assignable_to.as_deref());
            let checked = policy::policy_name(policy_arn, home)
                .and_then(|name| policy::holder(&after.kind, name).map(|()| name))
                .and_then(|name| if associates { policy::assignable(name, assignable_to) } else { Ok(()) })
                .and_then(|()| policy::scope(scope));
            if let Err(wrong) = checked {
                refuse(wrong);
            }
        }
    }
}

/// Entries of node types and of service-linked roles are not a customer's to change.
fn node_types(look: &Look<'_>, out: &mut Vec<Check>) {
    for (subject, arn, before, after) in entries(look) {
        if let Ok((principal, _)) = Principal::from_arn(arn)
            && let Err(refused) = entry::not_service_linked(&principal)
        {
            say(out, CheckId::ServiceLinked, Some(subject), refused.message);
        }
        if let (Some(before), Some(after)) = (before, after)
            && before.kind != "STANDARD"
            && before.kind == after.kind
        {
            let why =
                format!("an entry of type {} is EKS's own to fill: it can only be deleted and made again", before.kind);
            if before.groups != after.groups || before.username != after.username {
                say(out, CheckId::NodeTypeEdited, Some(subject), why);
            }
        }
    }
}

/// 3,000 entries, 5,000 associations.
fn room(look: &Look<'_>, out: &mut Vec<Check>) {
    let made = |of_entries: bool| {
        let made = look.draft.changes().filter(|(subject, change)| {
            matches!(subject, Subject::Entry(_)) == of_entries && change.before.is_none() && change.after.is_some()
        });
        made.count()
    };
    let entries_made = made(true);
    if entries_made > 0
        && let Err(full) = entry::room((look.facts.access_entries.items().len() + entries_made).saturating_sub(1))
    {
        say(out, CheckId::Limit, None, full.message);
    }
    let associations = made(false);
    if associations > 0
        && let Err(full) = validation::association::room(
            (look.facts.pod_identity_associations.items().len() + associations).saturating_sub(1),
        )
    {
        say(out, CheckId::Limit, None, full.message);
    }
}

/// Whoever applies it may lose their own access.
fn caller(look: &Look<'_>, out: &mut Vec<Check>) {
    let Some(caller) = look.caller else {
        let why = "who you are is not known, and so not whether you would lose access yourself";
        return say(out, CheckId::CallerUnknown, None, why);
    };
    for it in look.differences.iter().filter(|it| it.principal.key() == caller.principal.key()) {
        if it.turns() == Some(false) {
            say(out, CheckId::CallerLosesAccess, None, "you would no longer get into this cluster yourself");
        } else if !it.loses.is_empty() {
            let first = it.loses.iter().min_by_key(|it| (it.weight(), *it));
            let more = match it.loses.len() {
                0 | 1 => String::new(),
                n => format!(", and {} more", n - 1),
            };
            let why =
                format!("you would lose access yourself: {}{more}", first.map(|it| it.tell()).unwrap_or_default());
            say(out, CheckId::CallerLosesAccess, None, why);
        }
    }
}

fn from_aws_auth(it: &Resolution) -> Option<String> {
    match it.mapping.as_ref().map(|it| &it.source) {
        Some(source @ MappingSource::AwsAuth { .. }) => Some(source.to_string()),
        _ => None,
    }
}

/// An entry hides what aws-auth says of its principal; without it, that comes back.
fn aws_auth(look: &Look<'_>, out: &mut Vec<Check>) {
    for it in look.differences {
        let subject = Subject::Entry(it.principal.arn());
        let identity = |it: &Resolution| {
            it.identity.as_ref().map_or_else(String::new, |it| {
                let groups = if it.groups.is_empty() { "no groups".to_owned() } else { it.groups.join(", ") };
                format!("user {} with {groups}", it.username)
            })
        };
        match (from_aws_auth(&it.before), from_aws_auth(&it.after)) {
            (None, Some(row)) => {
                let why =
                    format!("{row} comes into force, which the entry hid: it then gets in as {}", identity(&it.after));
                say(out, CheckId::AwsAuthInForce, Some(&subject), why);
            }
            (Some(row), None) if it.after.verdict == Verdict::Yes => {
                let why = format!(
                    "it gets in through {row} now, as {}; the entry hides that row, and what it gave is lost",
                    identity(&it.before)
                );
                say(out, CheckId::AwsAuthShadowed, Some(&subject), why);
            }
            _ => {}
        }
        if it.after.verdict == Verdict::Unknown && it.before.verdict != Verdict::Unknown {
            let why = format!("whether it gets in afterwards is not known: {}", it.after.because);
            say(out, CheckId::AfterwardsUnknown, Some(&subject), why);
        }
    }
}

/// An entry made anew is bound to whoever has the name now.
fn recreated(look: &Look<'_>, out: &mut Vec<Check>) {
    for (subject, arn, before, after) in entries(look) {
        if before.is_none() || after.is_none() {
            continue;
        }
        let again = look.draft.change(subject).is_some_and(|it| it.again);
        let old = look.facts.access_entries.items().iter().find(|it| it.principal_arn == arn);
        // The same holds when a type changes: the old entry goes, and the new one is bound anew.
        let replaced = again || before.map(|it| &it.kind) != after.map(|it| &it.kind);
        if replaced && old.and_then(|entry| look.before().death(entry)) == Some(Death::Recreated) {
            let why = "the principal was deleted and made again under this name; the new entry lets in the one that is there now";
            say(out, CheckId::RecreatedPrincipal, Some(subject), why);
        }
    }
}

/// Nodes that lose their entry cannot join, and those that are there fall away.
fn nodes(look: &Look<'_>, out: &mut Vec<Check>) {
    for (subject, _, before, after) in entries(look) {
        let Some(before) = before.filter(|it| it.kind != "STANDARD") else { continue };
        // Of another type, it no longer is what nodes get in through; made again, it is gone in between.
        let stays = after.is_some_and(|it| it.kind == before.kind);
        if stays && !look.draft.change(subject).is_some_and(|it| it.again) {
            continue;
        }
        let others = look.after.access_entries.items().iter().filter(|it| it.kind == before.kind).count();
        let last = if others == 0 { format!(", and it is the last of type {}", before.kind) } else { String::new() };
        let why = format!("nodes get in through it{last}: without it they cannot join, and those that run fall away");
        say(out, CheckId::Nodes, Some(subject), why);
    }
}

/// Grants that reach further than most need.
fn wide(look: &Look<'_>, out: &mut Vec<Check>) {
    for (subject, _, before, after) in entries(look) {
        let Some(after) = after else { continue };
        for (arn, scope) in &after.policies {
            if before.is_some_and(|it| it.policies.get(arn) == Some(scope)) {
                continue;
            }
            let name = last_part(arn);
            let all = catalog::policy(arn)
                .and_then(|it| it.rules.as_ref())
                .is_some_and(|rules| rules.iter().any(|it| permissions::rule::allows(&it.rule, &everything(""))));
            if all && scope.kind == ScopeKind::Cluster {
                say(
                    out,
                    CheckId::ClusterAdmin,
                    Some(subject),
                    format!("{name} at the cluster's scope may do everything"),
                );
            }
            for pattern in scope.namespaces.iter().filter(|it| it.contains('*')) {
                let known = look
                    .facts
                    .namespaces
                    .items()
                    .iter()
                    .filter(|it| catalog::namespace_matches(pattern, &it.metadata.name));
                let why = format!(
                    "{name} @ {pattern} covers {} now, and every later one of such a name",
                    count(known.count(), "namespace", "namespaces")
                );
                say(out, CheckId::Wildcard, Some(subject), why);
            }
        }
        for group in after.groups.iter().filter(|it| before.is_none_or(|before| !before.groups.contains(*it))) {
            let who = Who::named("", &[group]);
            if look.permissions.decide(&who, &everything("")).verdict == Verdict::Yes {
                say(out, CheckId::ClusterAdmin, Some(subject), format!("the group {group} may do everything"));
            }
        }
    }
}

/// A principal of another account is made and unmade there.
fn foreign(look: &Look<'_>, out: &mut Vec<Check>) {
    // The cluster's own account is what its entries are at home in, even where IAM was not read.
    let of_cluster = look.cluster().and_then(crate::model::cluster::Cluster::account);
    let Some(home) = of_cluster.or(look.iam.account.clone()) else { return };
    for (subject, arn, _, after) in entries(look) {
        let Ok((principal, _)) = Principal::from_arn(arn) else { continue };
        if after.is_some() && principal.account != home {
            let why =
                format!("the principal belongs to account {}, which decides who can become it", principal.account);
            say(out, CheckId::ForeignPrincipal, Some(subject), why);
        }
    }
}

/// EKS does not look whether a namespace exists.
fn namespaces(look: &Look<'_>, out: &mut Vec<Check>) {
    let known = &look.facts.namespaces;
    for (subject, _, before, after) in entries(look) {
        let Some(after) = after else { continue };
        for (arn, scope) in
            after.policies.iter().filter(|(arn, scope)| before.is_none_or(|it| it.policies.get(*arn) != Some(*scope)))
        {
            for pattern in &scope.namespaces {
                if known.items().iter().any(|it| catalog::namespace_matches(pattern, &it.metadata.name)) {
                    continue;
                }
                let why = match known.gap() {
                    None => format!(
                        "there is no namespace {pattern}: {} grants nothing there until there is",
                        last_part(arn)
                    ),
                    Some(gap) => format!("whether there is a namespace {pattern} is not known: {gap}"),
                };
                say(out, CheckId::NamespaceAbsent, Some(subject), why);
            }
        }
    }
}

/// A group that no binding names gives nothing.
fn groups(look: &Look<'_>, out: &mut Vec<Check>) {
    for (subject, _, before, after) in entries(look) {
        let Some(after) = after else { continue };
        for group in after.groups.iter().filter(|it| before.is_none_or(|before| !before.groups.contains(*it))) {
            let who = Who::named("", &[group]);
            if look.permissions.grants(&who).is_empty() {
                let open = look.permissions.open_questions(&who);
                let why = if open.is_empty() {
                    format!("no binding names the group {group}: it gives nothing")
                } else {
                    format!("whether a binding names the group {group} is not known: {}", open.join("; "))
                };
                say(out, CheckId::GroupUnbound, Some(subject), why);
            }
        }
    }
}

/// The policies like admin, edit and view do not cover custom resources.
fn custom_resources(look: &Look<'_>, out: &mut Vec<Check>) {
    for (subject, _, before, after) in entries(look) {
        let Some(after) = after else { continue };
        for arn in after.policies.keys().filter(|arn| before.is_none_or(|it| !it.policies.contains_key(*arn))) {
            let Some(rules) = catalog::policy(arn).and_then(|it| it.rules.as_ref()) else {
                let why = format!("what {} grants is not published: what it gives is not known", last_part(arn));
                say(out, CheckId::PolicyUnpublished, Some(subject), why);
                continue;
            };
            if !rules.iter().any(|it| it.rule.api_groups.iter().any(|group| group == "*")) {
                say(
                    out,
                    CheckId::NoCustomResources,
                    Some(subject),
                    format!("{} covers no custom resources", last_part(arn)),
                );
            }
        }
    }
}

/// What another tool made, it will make again.
fn managed_elsewhere(look: &Look<'_>, out: &mut Vec<Check>) {
    for (subject, change) in look.draft.changes() {
        let tags = match &change.before {
            Some(State::Entry(it)) => &it.tags,
            Some(State::Association(it)) => &it.tags,
            None => continue,
        };
        if let Some(tool) = managing_tool(tags) {
            let why = format!("its tags tell of {tool}, which may bring it back: change it there too");
            say(out, CheckId::ManagedElsewhere, Some(subject), why);
        }
    }
}

/// An association that an add-on owns is changed through the add-on.
fn owned(look: &Look<'_>, out: &mut Vec<Check>) {
    for (subject, _) in look.draft.changes() {
        let Subject::Association(namespace, account) = subject else { continue };
        let all = look.facts.pod_identity_associations.items();
        let it = all.iter().find(|it| it.namespace == *namespace && it.service_account == *account);
        if let Some(owner) = it.and_then(|it| it.owner_arn.as_deref()) {
            let why = format!("the add-on {owner} owns it: change it through the add-on, which would change it back");
            say(out, CheckId::OwnedByAddon, Some(subject), why);
        }
    }
}

/// What could not be judged.
fn unknown(look: &Look<'_>, out: &mut Vec<Check>) {
    for it in look.differences {
        let subject = Subject::Entry(it.principal.arn());
        for why in &it.unknown {
            say(out, CheckId::Unknown, Some(&subject), format!("not known: {why}"));
        }
    }
}
