//! The groups and users of a cluster: which bindings name each, and who carries it.
//!
//! Decides what is said of a group that nobody here carries, and of one that no binding names.

use std::collections::{BTreeMap, BTreeSet};

use super::{is_system, oidc};
use crate::access::Mark;
use crate::access::inventory::PrincipalRow;
use crate::access::permissions::index::{BindingAt, Bound};
use crate::access::permissions::{Grant, Permissions, Via};
use crate::model::principal::Principal;
use crate::model::snapshot::ClusterFacts;

/// Who carries a group or is a user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Carrier {
    /// Who.
    pub principal: Principal,
    /// As whom it gets in.
    pub username: String,
}

/// A group or user that a binding names or a mapping gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectRow {
    /// Which: a group, a user; service accounts have a pane of their own kind in Kubernetes and are left out.
    pub subject: Via,
    /// The bindings that name it.
    pub bindings: Vec<Grant>,
    /// The principals that carry it.
    pub carriers: Vec<Carrier>,
    /// In force when somebody carries it and a binding names it, or it is one of Kubernetes' own; dead when not; unknown.
    pub mark: Mark,
    /// Why, as a sentence.
    pub because: String,
}

impl SubjectRow {
    /// Its name.
    pub fn name(&self) -> &str {
        match &self.subject {
            Via::User(name) | Via::Group(name) => name,
            Via::ServiceAccount { name, .. } => name,
        }
    }

    /// `group` or `user`.
    pub fn kind(&self) -> &'static str {
        match self.subject {
            Via::Group(_) => "group",
            Via::User(_) => "user",
            Via::ServiceAccount { .. } => "service account",
        }
    }
}

/// Every group and user, groups first, by name.
pub fn subjects(facts: &ClusterFacts, permissions: &Permissions, principals: &[PrincipalRow]) -> Vec<SubjectRow> {
    let mut carried: BTreeMap<Via, BTreeSet<Carrier>> = BTreeMap::new();
    for row in principals {
        let Some(identity) = &row.resolution.identity else { continue };
        let carrier = Carrier { principal: row.principal.clone(), username: identity.username.clone() };
        for group in &identity.groups {
            carried.entry(Via::Group(group.clone())).or_default().insert(carrier.clone());
        }
        carried.entry(Via::User(identity.username.clone())).or_default().insert(carrier);
    }
    let index = permissions.index();
    let open = permissions.unread_bindings("*");
    let mut rows = Vec::new();
    let named = |bound: Option<&Bound>, via: &Via| {
        let mut bindings: Vec<BindingAt> = bound.into_iter().flat_map(super::super::permissions::all_of).collect();
        bindings.sort_unstable();
        bindings.dedup();
        let grant = |at: &BindingAt| Some(permissions.grant_via(*at, index.binding(*at)?, via.clone()));
        bindings.iter().filter_map(grant).collect::<Vec<_>>()
    };
    let groups: BTreeSet<&String> = index
        .groups
        .keys()
        .chain(carried.keys().filter_map(|via| if let Via::Group(it) = via { Some(it) } else { None }))
        .collect();
    for name in groups {
        let via = Via::Group(name.clone());
        let bindings = named(index.groups.get(name), &via);
        rows.push(row(facts, via, bindings, carried.get(&Via::Group(name.clone())), &open));
    }
    let is_user = |name: &&String| !name.starts_with("system:serviceaccount:");
    for name in index.users.keys().filter(is_user) {
        let via = Via::User(name.clone());
        let bindings = named(index.users.get(name), &via);
        let its = carried.get(&Via::User(name.clone())).cloned().or_else(|| {
            // A principal whose username depends on the session is this user in some session.
            let fits: BTreeSet<Carrier> = carried
                .iter()
                .filter(|(via, _)| matches!(via, Via::User(open) if open.contains("{{") && crate::access::permissions::fits(open, name)))
                .flat_map(|(_, carriers)| carriers.iter().cloned())
                .collect();
            (!fits.is_empty()).then_some(fits)
        });
        rows.push(row(facts, via, bindings, its.as_ref(), &open));
    }
    rows
}

fn row(
    facts: &ClusterFacts,
    subject: Via,
    bindings: Vec<Grant>,
    carriers: Option<&BTreeSet<Carrier>>,
    open: &[String],
) -> SubjectRow {
    let carriers: Vec<Carrier> = carriers.into_iter().flatten().cloned().collect();
    let name = match &subject {
        Via::Group(name) | Via::User(name) => name.as_str(),
        Via::ServiceAccount { .. } => "",
    };
    let everybody =
        matches!(name, "system:authenticated" | "system:unauthenticated" | "system:serviceaccounts" | "system:masters")
            || name.starts_with("system:serviceaccounts:");
    let (mark, because) = match (carriers.is_empty(), bindings.is_empty()) {
        (_, _) if everybody => (Mark::InForce, "one of Kubernetes' own groups".to_owned()),
        (true, _) if is_system(name) => (Mark::InForce, "of the control plane itself".to_owned()),
        (true, _) => {
            let may = match &subject {
                Via::Group(_) => oidc(facts, |it| it.groups_prefix.as_deref(), name),
                _ => oidc(facts, |it| it.username_prefix.as_deref(), name),
            };
            let mark = if may.is_empty() { Mark::Dead } else { Mark::Unknown };
            let verb = if matches!(subject, Via::Group(_)) { "carries it" } else { "is this user" };
            (mark, format!("no principal known here {verb}{may}"))
        }
        (false, true) if !open.is_empty() => {
            (Mark::Unknown, format!("whether a binding names it is not known: {}", open.join("; ")))
        }
        (false, true) => (Mark::Dead, "no binding names it: it gives nothing".to_owned()),
        (false, false) => (Mark::InForce, String::new()),
    };
    SubjectRow { subject, bindings, carriers, mark, because }
}
