//! Who may be behind a username: templates of mappings, read backwards.
//!
//! Decides which principals get this username today, and failing that, which did by a mapping that is not in force any
//! more, or would by the ARN that the username is. A username that nobody carries may still be somebody's: a client
//! certificate's, an identity provider's, another cluster's.

use super::Ground;
use crate::access::find::known_principals;
use crate::access::identity::{Identity, Resolution, Verdict, meant};
use crate::access::permissions::template::fit;
use crate::model::principal::{Asked, Principal};

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
    if let Some((namespace, name)) = username.strip_prefix("system:serviceaccount:").and_then(|it| it.split_once(':'))
        && !namespace.is_empty()
        && !name.is_empty()
        && !name.contains(':')
    {
        return Sort::ServiceAccount(namespace.to_owned(), name.to_owned());
    }
    match username {
        "system:anonymous" => Sort::Anonymous,
        it if it.starts_with("system:node:") => Sort::Node,
        it if it.starts_with("system:kube-") || it.starts_with("eks:") || it == "system:apiserver" => {
            Sort::ControlPlane
        }
        _ => Sort::Other,
    }
}

/// The principals that a username may belong to.
pub(super) fn carriers(ground: &Ground<'_>, username: &str) -> Vec<Carrier> {
    let known = known_principals(ground.facts, ground.iam);
    let mut found: Vec<Carrier> = Vec::new();
    for principal in known.into_values() {
        let resolution = ground.resolver.resolve(&Asked::principal(principal.clone()));
        let (Verdict::Maps, Some(identity)) = (resolution.verdict, &resolution.identity) else { continue };
        let Some(fit) = fit(&identity.username, username) else { continue };
        let because = match &resolution.mapping {
            Some(mapping) => format!("{} gives it this username", mapping.source),
            None => "it has this username".to_owned(),
        };
        let resolution = match fit.session {
            Some(session) => ground.resolver.resolve(&Asked { session: Some(session), ..Asked::principal(principal) }),
            None => resolution,
        };
        found.push(Carrier { resolution, because });
    }
    // The ARN that the username is names exactly one, known or not.
    if let Ok(asked) = Asked::from_arn(username) {
        let key = asked.principal.key();
        if found.iter().all(|it| it.resolution.asked.principal.key() != key) {
            let resolution = ground.resolver.resolve(&asked);
            let now = resolution.identity.as_ref().map(|it| it.username.as_str());
            // Somebody else carries it by a mapping of their own: then this one does not.
            if found.is_empty() || now == Some(username) {
                found.push(Carrier { resolution, because: "the username is its ARN".to_owned() });
            }
        }
    }
    if found.is_empty() {
        found = former(ground, username);
    }
    found
}

/// Those that a mapping which is not in force would give the username.
fn former(ground: &Ground<'_>, username: &str) -> Vec<Carrier> {
    let entries = ground.facts.access_entries.items().iter().filter_map(|entry| {
        Some((meant(&entry.principal_arn)?, entry.username.clone()?, "its access entry".to_owned()))
    });
    let rows = ground.facts.aws_auth.value().and_then(Option::as_ref).map(|(_, auth)| auth.rows.as_slice());
    let rows = rows.unwrap_or_default().iter().filter_map(|row| {
        Some((meant(row.arn.as_deref()?)?, row.username.clone(), format!("aws-auth {}", row.place())))
    });
    let mut found: Vec<Carrier> = Vec::new();
    for (principal, template, source) in entries.chain(rows) {
        let template = template.replace("{{AccountID}}", &principal.account);
        let Some(fit) = fit(&template, username) else { continue };
        let asked = Asked { path_known: false, session: fit.session, ..Asked::principal(principal) };
        let resolution = ground.resolver.resolve(&asked);
        let because = format!("{source}, which is not in force now, would give it this username");
        if found.iter().all(|it| it.resolution.asked != resolution.asked) {
            found.push(Carrier { resolution, because });
        }
    }
    found
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
