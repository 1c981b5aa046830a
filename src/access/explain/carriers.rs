//! Who may be behind a username: templates of mappings, read backwards.
//!
//! Decides which principals get this username today, and failing that, which did by a mapping that is not in force any
//! more, or would by the ARN that the username is. A username that nobody carries may still be somebody's: a client
//! certificate's, an identity provider's, another cluster's.

use super::Ground;
use crate::access::Verdict;
use crate::access::identity::groups::ANONYMOUS;
use crate::access::identity::{Identity, Resolution, entry_username, meant};
use crate::access::permissions::template::{self, fit};
use crate::model::principal::{Asked, Principal};
use crate::model::workload::account_of;

/// A principal behind a username.
#[derive(Clone, Debug)]
pub(super) struct Carrier {
    pub(super) resolution: Resolution,
    pub(super) because: String,
}

/// So many are listed: more than that is no answer.
pub(super) const MOST: usize = 12;

/// Who an IAM principal, a service account or something else is by its username alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// `system:serviceaccount:NAMESPACE:NAME`
    ServiceAccount(String, String),
    /// `system:node:NAME`
    Node,
    /// Nobody showed any credentials that were accepted.
    Anonymous,
    /// `system:kube-…`, `eks:…`: a part of the control plane.
    ControlPlane,
    /// Whoever a mapping makes it.
    Other,
}

pub(super) fn sort(username: &str) -> Sort {
    if let Some((namespace, name)) = account_of(username) {
        return Sort::ServiceAccount(namespace.to_owned(), name.to_owned());
    }
    match username {
        ANONYMOUS => Sort::Anonymous,
        it if it.starts_with("system:node:") => Sort::Node,
        it if it.starts_with("system:kube-") || it.starts_with("eks:") || it == "system:apiserver" => {
            Sort::ControlPlane
        }
        _ => Sort::Other,
    }
}

/// The principals that a username may belong to. Only who is named by a mapping whose template can become the username is
/// asked about: among thousands that is one or two.
pub(super) fn carriers(ground: &Ground<'_>, username: &str) -> Vec<Carrier> {
    let mut found: Vec<Carrier> = Vec::new();
    let mut former: Vec<Carrier> = Vec::new();
    for (principal, template, source) in templates(ground) {
        let Some(fit) = fit(&template.replace("{{AccountID}}", &principal.account), username) else { continue };
        let asked = Asked { path_known: false, session: fit.session, ..Asked::principal(principal) };
        let resolution = ground.resolver.resolve(&asked);
        let today = resolution.identity.as_ref().map(|it| it.username.as_str());
        let carries = resolution.verdict == Verdict::Yes
            && today.is_some_and(|it| it == username || template::fit(it, username).is_some());
        let (list, because) = if carries {
            let source = resolution.mapping.as_ref().map_or(source, |it| it.source.to_string());
            (&mut found, format!("{source} gives it this username"))
        } else if resolution.verdict == Verdict::Unknown {
            (&mut former, format!("{source} would give it this username; whether that is in force is not known"))
        } else {
            (&mut former, format!("{source}, which is not in force now, would give it this username"))
        };
        if list.iter().all(|it| it.resolution.asked.arn() != resolution.asked.arn()) {
            list.push(Carrier { resolution, because });
        }
    }
    // The ARN that the username is names exactly one, known or not; but not if somebody else carries it by a mapping.
    if found.is_empty()
        && let Ok(asked) = Asked::from_arn(username)
    {
        let resolution = ground.resolver.resolve(&asked);
        found.push(Carrier { resolution, because: "the username is its ARN".to_owned() });
    }
    let mut found = if found.is_empty() { former } else { found };
    found.sort_by_key(|it| it.resolution.asked.arn());
    found
}

/// Every mapping that names a principal: whom, the username it gives, and which it is.
fn templates<'a>(ground: &'a Ground<'_>) -> impl Iterator<Item = (Principal, String, String)> + 'a {
    let singles = ground.facts.asked_entries.values().filter_map(|it| it.as_ref().ok()?.as_deref());
    let entries = ground.facts.access_entries.items().iter().chain(singles).filter_map(|entry| {
        let principal = meant(&entry.principal_arn)?;
        let template = entry_username(entry, &principal).ok()?;
        Some((principal, template, "access entry".to_owned()))
    });
    let rows = ground.facts.aws_auth.value().and_then(Option::as_ref).map(|(_, auth)| auth.rows.as_slice());
    let rows = rows.unwrap_or_default().iter().filter_map(|row| {
        Some((meant(row.arn.as_deref()?)?, row.username.clone(), format!("aws-auth {}", row.place())))
    });
    entries.chain(rows)
}

/// How a principal is called for short, its session included.
pub(super) fn named(ground: &Ground<'_>, asked: &Asked) -> String {
    let principal: &Principal = &asked.principal;
    let short = principal.short(ground.iam.account.as_deref());
    match &asked.session {
        Some(session) => format!("{short}, session {session}"),
        None => short,
    }
}

/// The groups of an identity, the implicit ones included.
pub(super) fn groups(identity: &Identity) -> String {
    let all: Vec<&str> = identity.groups.iter().chain(&identity.implicit_groups).map(String::as_str).collect();
    all.join(", ")
}
