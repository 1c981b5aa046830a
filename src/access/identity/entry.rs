//! Access entries: is one alive, and what it gives by default (EKS user guide,
//! "Create access entries").

use crate::model::mapping::AccessEntry;
use crate::model::principal::{Asked, Principal};
use crate::model::snapshot::{Gap, Lookup};
use crate::model::time::Time;
use crate::model::validation::entry::{EntryType, TypeGroups};

/// Why an entry matches nobody any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// Its principal is gone.
    Vanished,
    /// Its principal was deleted and made again.
    Recreated,
    /// It names a principal of another path than the one that is there, or was asked about.
    OtherPath,
}

/// Does the entry match the principal that exists today? EKS binds an entry to the principal's unique id, which no
/// API tells; creation times do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// Yes, or so it seems: with what could not be verified.
    Alive(Option<String>),
    /// No, and why.
    Dead(Death, String),
}

pub(super) fn life(entry: &AccessEntry, asked: &Asked, existing: &Lookup<(&str, Option<Time>)>) -> Life {
    let kind = asked.principal.kind;
    let again = "was deleted and made again since the entry was made";
    match existing {
        Lookup::Absent => {
            let why = format!("the {kind} does not exist any more; an entry outlives its principal");
            Life::Dead(Death::Vanished, why)
        }
        Lookup::Found((arn, _)) if !arn.is_empty() && !arn.eq_ignore_ascii_case(&entry.principal_arn) => {
            let why =
                format!("the {kind} of that name is now {arn}; the entry is bound to one of another path that is gone");
            Life::Dead(Death::OtherPath, why)
        }
        _ if asked.path_known && names_another_path(&entry.principal_arn, &asked.principal) => {
            Life::Dead(Death::OtherPath, format!("it names {}, which has another path", entry.principal_arn))
        }
        Lookup::Found((_, Some(made))) => match entry.created_at {
            Some(entered) if *made > entered => {
                let why = format!(
                    "the {kind} was deleted and made again on {}; the entry, made {}, is bound to the old one",
                    made.date(),
                    entered.date()
                );
                Life::Dead(Death::Recreated, why)
            }
            Some(_) => Life::Alive(None),
            None => Life::Alive(Some(format!("whether the {kind} {again}: the entry has no creation time"))),
        },
        Lookup::Found((_, None)) => Life::Alive(Some(format!("whether the {kind} {again}: IAM gave no creation time"))),
        Lookup::Unknown(Gap::Foreign(account)) => Life::Alive(Some(format!(
            "the unique id of a {kind} in account {account}: if it was deleted and made again, the entry no longer matches"
        ))),
        Lookup::Unknown(gap) => Life::Alive(Some(format!("whether the {kind} {again}: {gap}"))),
    }
}

/// Whether an ARN names another path than the principal's.
fn names_another_path(arn: &str, principal: &Principal) -> bool {
    // Nearly all name just this one, and reading an ARN takes longer than comparing it.
    let is_whole = arn.strip_suffix(&*principal.name).is_some_and(|rest| {
        let before = rest.strip_suffix(&*principal.path);
        before.is_some_and(|it| it.ends_with(":role") || it.ends_with(":user"))
    });
    !is_whole && Principal::from_arn(arn).is_ok_and(|(named, _)| named.path != principal.path)
}

/// The username of an entry, which EKS fills in when none was given.
pub(crate) fn username(entry: &AccessEntry, principal: &Principal) -> Result<String, String> {
    if let Some(username) = entry.username.as_deref().filter(|it| !it.is_empty()) {
        return Ok(username.to_owned());
    }
    let kind = &entry.kind;
    EntryType::of(kind)
        .and_then(|it| it.default_username(principal))
        .ok_or_else(|| format!("the default username of an entry of type {kind}: EKS does not document it"))
}

/// The groups of an entry, and how sure they are.
pub(super) enum Groups {
    /// As the entry has them.
    Own(Vec<String>),
    /// The entry shows none; by its type EKS sets these, which was not verified.
    ByType(Vec<String>),
    /// The entry shows none, and which ones EKS sets for its type is not documented.
    Undocumented,
}

pub(super) fn groups(entry: &AccessEntry) -> Groups {
    let own = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    match EntryType::of(&entry.kind).map(|it| it.spec().groups) {
        _ if !entry.kubernetes_groups.is_empty() => Groups::Own(entry.kubernetes_groups.clone()),
        Some(TypeGroups::Own) => Groups::Own(Vec::new()),
        Some(TypeGroups::Known(names)) => Groups::Own(own(names)),
        Some(TypeGroups::Unverified(names)) => Groups::ByType(own(names)),
        Some(TypeGroups::Undocumented) | None => Groups::Undocumented,
    }
}
