//! What an access entry or a Pod Identity association is, as far as a person can choose it.
//!
//! Decides what of a thing an edit can give and an undo can restore: type, username, groups, policies with their scopes,
//! tags. What EKS sets by itself (times, ARNs, ids, the principal's unique id) is not here, and cannot be restored.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::mapping::{AccessEntry, AccessScope, AssociatedPolicy};
use crate::model::principal::Principal;
use crate::model::snapshot::ClusterFacts;
use crate::model::words::last_part;
use crate::model::workload::PodIdentityAssociation;

/// What is changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Subject {
    /// An access entry, by its principal's ARN.
    Entry(String),
    /// A Pod Identity association, by namespace and service account.
    Association(String, String),
}

impl Subject {
    /// By its ARN, or as lists name it: `role/x`, `NAMESPACE/NAME`.
    pub fn is_called(&self, name: &str) -> bool {
        match self {
            Subject::Entry(arn) => {
                let short = || Principal::from_arn(arn).map(|(it, _)| (it.short(None), it.short(Some(&it.account))));
                arn == name || short().is_ok_and(|(far, near)| far == name || near == name)
            }
            Subject::Association(namespace, account) => name.split_once('/') == Some((namespace, account)),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Entry(arn) => match Principal::from_arn(arn) {
                Ok((principal, _)) => write!(f, "access entry {}", principal.short(None)),
                Err(_) => write!(f, "access entry {arn}"),
            },
            Subject::Association(namespace, account) => write!(f, "Pod Identity association {namespace}/{account}"),
        }
    }
}

/// An access entry, as far as it can be chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct EntryState {
    #[serde(rename = "type")]
    pub kind: String,
    /// `None` for types whose username EKS does not show.
    pub username: Option<String>,
    pub groups: BTreeSet<String>,
    /// By policy ARN.
    pub policies: BTreeMap<String, AccessScope>,
    pub tags: BTreeMap<String, String>,
}

impl EntryState {
    /// Of an entry; `None` when its policies are not known, for then nobody can say what it is.
    pub fn of(entry: &AccessEntry) -> Option<Self> {
        let policies = entry.associated_access_policies.as_ref()?;
        Some(EntryState {
            kind: entry.kind.clone(),
            username: entry.username.clone(),
            groups: entry.kubernetes_groups.iter().cloned().collect(),
            policies: policies.iter().map(|it| (it.policy_arn.clone(), sorted(&it.access_scope))).collect(),
            tags: entry.tags.clone(),
        })
    }

    /// The entry that this would be, for a projection.
    pub fn entry(&self, principal_arn: &str, old: Option<&AccessEntry>) -> AccessEntry {
        let known = |arn: &str| {
            let all = old.and_then(|it| it.associated_access_policies.as_ref());
            all.into_iter().flatten().find(|it| it.policy_arn == arn)
        };
        let policy = |(arn, scope): (&String, &AccessScope)| AssociatedPolicy {
            policy_arn: arn.clone(),
            access_scope: scope.clone(),
            associated_at: known(arn).and_then(|it| it.associated_at),
            modified_at: known(arn).and_then(|it| it.modified_at),
        };
        AccessEntry {
            cluster_name: old.and_then(|it| it.cluster_name.clone()),
            principal_arn: principal_arn.to_owned(),
            kubernetes_groups: self.groups.iter().cloned().collect(),
            access_entry_arn: old.and_then(|it| it.access_entry_arn.clone()),
            created_at: old.and_then(|it| it.created_at),
            modified_at: old.and_then(|it| it.modified_at),
            tags: self.tags.clone(),
            username: self.username.clone(),
            kind: self.kind.clone(),
            associated_access_policies: Some(self.policies.iter().map(policy).collect()),
        }
    }

    /// `STANDARD · username dev · groups devs · View @ blue · tags a=b`
    pub fn tell(&self) -> String {
        let mut parts = vec![self.kind.clone()];
        parts.extend(self.username.iter().map(|it| format!("username {it}")));
        if !self.groups.is_empty() {
            parts.push(format!("groups {}", self.groups.iter().cloned().collect::<Vec<_>>().join(", ")));
        }
        parts.extend(self.policies.iter().map(|(arn, scope)| format!("{} @ {scope}", last_part(arn))));
        parts.extend(told_tags(&self.tags));
        parts.join(" · ")
    }
}

/// `tags a=b, c=d`, where there are some.
pub(super) fn told_tags(tags: &BTreeMap<String, String>) -> Option<String> {
    let all: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    (!all.is_empty()).then(|| format!("tags {}", all.join(", ")))
}

/// Order and repetition of a scope's namespaces mean nothing.
pub fn sorted(scope: &AccessScope) -> AccessScope {
    let mut namespaces = scope.namespaces.clone();
    namespaces.sort();
    namespaces.dedup();
    AccessScope { kind: scope.kind, namespaces }
}

/// A Pod Identity association, as far as it can be chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct AssociationState {
    pub role_arn: String,
    pub target_role_arn: Option<String>,
    pub disable_session_tags: bool,
    pub policy: Option<String>,
    pub tags: BTreeMap<String, String>,
}

impl AssociationState {
    /// Of an association; `None` when its role is not known.
    pub fn of(it: &PodIdentityAssociation) -> Option<Self> {
        Some(AssociationState {
            role_arn: it.role_arn.clone()?,
            target_role_arn: it.target_role_arn.clone(),
            disable_session_tags: it.disable_session_tags.unwrap_or_default(),
            policy: it.policy.clone(),
            tags: it.tags.clone(),
        })
    }

    /// The roles, and what narrows the session: all but the tags.
    fn chain(&self) -> String {
        session(&self.role_arn, self.target_role_arn.as_deref(), self.disable_session_tags, self.policy.as_deref())
    }

    /// The association that this would be, for a projection.
    pub fn association(
        &self,
        namespace: &str,
        account: &str,
        old: Option<&PodIdentityAssociation>,
    ) -> PodIdentityAssociation {
        PodIdentityAssociation {
            namespace: namespace.to_owned(),
            service_account: account.to_owned(),
            role_arn: Some(self.role_arn.clone()),
            target_role_arn: self.target_role_arn.clone(),
            disable_session_tags: Some(self.disable_session_tags),
            policy: self.policy.clone(),
            tags: self.tags.clone(),
            ..old.cloned().unwrap_or_default()
        }
    }
}

/// `ROLE → TARGET · without session tags · session policy {…}`
pub(super) fn session(role: &str, target: Option<&str>, no_tags: bool, policy: Option<&str>) -> String {
    let mut out = role.to_owned();
    if let Some(target) = target {
        out.push_str(&format!(" → {target}"));
    }
    if no_tags {
        out.push_str(" · without session tags");
    }
    if let Some(policy) = policy {
        out.push_str(&format!(" · session policy {policy}"));
    }
    out
}

/// What a subject is: one of the two kinds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// An access entry.
    Entry(EntryState),
    /// A Pod Identity association.
    Association(AssociationState),
}

impl State {
    /// In a line.
    pub fn tell(&self) -> String {
        match self {
            State::Entry(it) => it.tell(),
            State::Association(it) => {
                let chain = it.chain();
                std::iter::once(chain).chain(told_tags(&it.tags)).collect::<Vec<_>>().join(" · ")
            }
        }
    }
}

/// What a subject is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Now {
    /// There is none.
    Absent,
    /// This.
    Is(State),
    /// Not known, and why: it cannot be edited.
    Unknown(String),
}

impl Now {
    /// The state; `None` if there is none.
    pub fn known(self) -> Result<Option<State>, String> {
        match self {
            Now::Absent => Ok(None),
            Now::Is(state) => Ok(Some(state)),
            Now::Unknown(why) => Err(why),
        }
    }
}

/// Reads a subject off the facts. Entries that were asked for by themselves, ahead of the sweep, count.
pub fn now(facts: &ClusterFacts, subject: &Subject) -> Now {
    use crate::model::snapshot::Lookup;
    match subject {
        Subject::Entry(arn) => {
            let swept = facts.access_entries.lookup(|it| it.principal_arn == *arn, |name| name == arn);
            let asked = || {
                let (principal, _) = Principal::from_arn(arn).ok()?;
                facts.asked_entries.get(&principal.key())?.as_ref().ok()
            };
            let entry = match (swept, asked()) {
                (Lookup::Found(entry), _) => Some(entry),
                (Lookup::Absent, _) => None,
                (Lookup::Unknown(_), Some(Some(entry))) if entry.principal_arn == *arn => Some(&**entry),
                (Lookup::Unknown(_), Some(None)) => None,
                (Lookup::Unknown(gap), _) => return Now::Unknown(format!("the access entry could not be read: {gap}")),
            };
            match entry.map(EntryState::of) {
                None => Now::Absent,
                Some(Some(state)) => Now::Is(State::Entry(state)),
                Some(None) => Now::Unknown("the access policies of its entry could not be read".to_owned()),
            }
        }
        Subject::Association(namespace, account) => {
            let is_it = |it: &PodIdentityAssociation| it.namespace == *namespace && it.service_account == *account;
            match facts.pod_identity_associations.lookup(is_it, |_| true) {
                Lookup::Absent => Now::Absent,
                Lookup::Unknown(gap) => Now::Unknown(format!("the Pod Identity associations could not be read: {gap}")),
                Lookup::Found(it) => AssociationState::of(it).map_or_else(
                    || Now::Unknown("the association could not be read".to_owned()),
                    |state| Now::Is(State::Association(state)),
                ),
            }
        }
    }
}
