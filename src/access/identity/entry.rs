//! Access entries: is one alive, and what it gives by default (`reference` §3.2, §3.3, §3.6).

use crate::model::mapping::AccessEntry;
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::snapshot::{Gap, Lookup};
use crate::model::time::Time;

/// Does the entry match the principal that exists today? EKS binds an entry to the principal's unique id, which no
/// API tells; creation times do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// Yes, or so it seems: with what could not be verified.
    Alive(Option<String>),
    /// No, and why.
    Dead(String),
}

pub(super) fn life(entry: &AccessEntry, principal: &Principal, existing: &Lookup<(&str, Option<Time>)>) -> Life {
    let kind = principal.kind;
    match existing {
        Lookup::Absent => Life::Dead(format!("the {kind} does not exist any more; an entry outlives its principal")),
        Lookup::Found((arn, _)) if !arn.is_empty() && *arn != entry.principal_arn => Life::Dead(format!(
            "the {kind} of that name is now {arn}; the entry is bound to one of another path that is gone"
        )),
        Lookup::Found((_, Some(made))) => match entry.created_at {
            Some(entered) if *made > entered => Life::Dead(format!(
                "the {kind} was deleted and made again on {}; the entry, made {}, is bound to the old one",
                made.date(),
                entered.date()
            )),
            Some(_) => Life::Alive(None),
            None => Life::Alive(Some(format!(
                "whether the {kind} was deleted and made again since the entry was made: the entry has no creation time"
            ))),
        },
        Lookup::Found((_, None)) => Life::Alive(Some(format!(
            "whether the {kind} was deleted and made again since the entry was made: IAM gave no creation time"
        ))),
        Lookup::Unknown(Gap::Foreign(account)) => Life::Alive(Some(format!(
            "the unique id of a {kind} in account {account}: if it was deleted and made again, the entry no longer matches"
        ))),
        Lookup::Unknown(gap) => {
            Life::Alive(Some(format!("whether the {kind} was deleted and made again since the entry was made: {gap}")))
        }
    }
}

/// The username of an entry, which EKS fills in when none was given.
pub(super) fn username(entry: &AccessEntry, principal: &Principal) -> Result<String, String> {
    if let Some(username) = entry.username.as_deref().filter(|it| !it.is_empty()) {
        return Ok(username.to_owned());
    }
    let Principal { partition, account, name, .. } = principal;
    match (entry.kind.as_str(), principal.kind) {
        ("STANDARD", PrincipalKind::Role) => {
            Ok(format!("arn:{partition}:sts::{account}:assumed-role/{name}/{{{{SessionName}}}}"))
        }
        ("STANDARD", _) => Ok(entry.principal_arn.clone()),
        ("EC2_LINUX" | "EC2_WINDOWS", _) => Ok("system:node:{{EC2PrivateDNSName}}".to_owned()),
        ("FARGATE_LINUX" | "HYBRID_LINUX", _) => Ok("system:node:{{SessionName}}".to_owned()),
        (kind, _) => Err(format!("the default username of an entry of type {kind}: it is not documented")),
    }
}

/// The groups of an entry; those that EKS sets by type, when the entry shows none, with what is unverified of them.
pub(super) fn groups(entry: &AccessEntry) -> (Vec<String>, Option<String>) {
    let own = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let unverified = |kind| Some(format!("the groups that EKS sets for an entry of type {kind}: the entry shows none"));
    match entry.kind.as_str() {
        _ if !entry.kubernetes_groups.is_empty() => (entry.kubernetes_groups.clone(), None),
        "STANDARD" => (Vec::new(), None),
        "EC2_LINUX" => (own(&["system:nodes"]), None),
        kind @ "EC2_WINDOWS" => (own(&["system:nodes", "eks:kube-proxy-windows"]), unverified(kind)),
        kind @ "FARGATE_LINUX" => (own(&["system:nodes", "system:node-proxier"]), unverified(kind)),
        kind => (Vec::new(), unverified(kind)),
    }
}
