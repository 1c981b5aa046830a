//! A draft as calls, in order.
//!
//! Decides which calls bring each thing from what it is to what it is to be, and that what adds comes before what
//! removes, so that nobody is without access in between; where that cannot be (a type changes, an entry is made again),
//! the step says so. Each step carries the state that must stand before it and the state that stands after, which is all
//! that applying, resuming and reading back need.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::draft::{Change, Draft};
use super::state::{AssociationState, EntryState, State, Subject, sorted};
use crate::model::mapping::{AccessScope, ScopeKind};
use crate::model::principal::Principal;
use crate::model::validation::entry::standard_username;

/// One call of the EKS API, with all that it sends but the cluster and the client token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all_fields = "camelCase")]
#[allow(missing_docs)]
pub enum Call {
    CreateAccessEntry {
        principal_arn: String,
        #[serde(rename = "type")]
        kind: String,
        /// `None` lets EKS give its default.
        username: Option<String>,
        kubernetes_groups: Vec<String>,
        tags: BTreeMap<String, String>,
    },
    /// Replaces both; what is left out would be reset.
    UpdateAccessEntry {
        principal_arn: String,
        username: Option<String>,
        kubernetes_groups: Vec<String>,
    },
    DeleteAccessEntry {
        principal_arn: String,
    },
    AssociateAccessPolicy {
        principal_arn: String,
        policy_arn: String,
        access_scope: AccessScope,
    },
    DisassociateAccessPolicy {
        principal_arn: String,
        policy_arn: String,
    },
    /// Of an access entry or association; its ARN is read when the call is made.
    TagResource {
        tags: BTreeMap<String, String>,
    },
    /// Likewise.
    UntagResource {
        tag_keys: Vec<String>,
    },
    CreatePodIdentityAssociation {
        namespace: String,
        service_account: String,
        role_arn: String,
        target_role_arn: Option<String>,
        disable_session_tags: bool,
        policy: Option<String>,
        tags: BTreeMap<String, String>,
    },
    /// The association's id is read when the call is made.
    UpdatePodIdentityAssociation {
        role_arn: String,
        target_role_arn: Option<String>,
        disable_session_tags: bool,
        policy: Option<String>,
    },
    /// Likewise.
    DeletePodIdentityAssociation {},
}

impl Call {
    /// `CreateAccessEntry`
    pub fn operation(&self) -> &'static str {
        match self {
            Call::CreateAccessEntry { .. } => "CreateAccessEntry",
            Call::UpdateAccessEntry { .. } => "UpdateAccessEntry",
            Call::DeleteAccessEntry { .. } => "DeleteAccessEntry",
            Call::AssociateAccessPolicy { .. } => "AssociateAccessPolicy",
            Call::DisassociateAccessPolicy { .. } => "DisassociateAccessPolicy",
            Call::TagResource { .. } => "TagResource",
            Call::UntagResource { .. } => "UntagResource",
            Call::CreatePodIdentityAssociation { .. } => "CreatePodIdentityAssociation",
            Call::UpdatePodIdentityAssociation { .. } => "UpdatePodIdentityAssociation",
            Call::DeletePodIdentityAssociation { .. } => "DeletePodIdentityAssociation",
        }
    }
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Counted from 1.
    pub n: usize,
    /// What it changes.
    pub subject: Subject,
    /// The call.
    pub call: Call,
    /// What must stand before.
    pub before: Option<State>,
    /// What stands after.
    pub after: Option<State>,
    /// What is to be known of it, if anything: that there is a gap without access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// When in a plan a step comes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Make,
    Add,
    Replace,
    Take,
    Remove,
}

/// The steps of a draft, in order. The same draft gives the same steps.
pub fn plan(draft: &Draft) -> Vec<Step> {
    let mut phased: Vec<(Phase, Step)> = Vec::new();
    for (subject, change) in draft.changes() {
        phased.extend(steps(subject, change));
    }
    // Stable: of one phase, by subject, and of one subject in its own order.
    phased.sort_by_key(|(phase, _)| *phase);
    phased.into_iter().zip(1..).map(|((_, step), n)| Step { n, ..step }).collect()
}

const GAP: &str = "nothing can stand in for it until the next steps are done: its access is gone in between";

fn steps(subject: &Subject, change: &Change) -> Vec<(Phase, Step)> {
    let mut walk = Walk { subject, at: change.before.clone(), out: Vec::new() };
    match (subject, &change.before, &change.after) {
        (Subject::Entry(arn), None, Some(State::Entry(after))) => walk.make(arn, after, Phase::Make, Phase::Make),
        (Subject::Entry(arn), Some(State::Entry(before)), Some(State::Entry(after))) => {
            if change.again || before.kind != after.kind {
                walk.step(
                    Phase::Replace,
                    Call::DeleteAccessEntry { principal_arn: arn.clone() },
                    None,
                    Some(GAP.to_owned()),
                );
                walk.make(arn, after, Phase::Replace, Phase::Replace);
            } else {
                walk.change_entry(arn, before, after);
            }
        }
        (Subject::Entry(arn), Some(_), None) => {
            walk.step(Phase::Remove, Call::DeleteAccessEntry { principal_arn: arn.clone() }, None, None);
        }
        (Subject::Association(namespace, account), None, Some(State::Association(after))) => {
            walk.associate(namespace, account, after);
        }
        (Subject::Association(..), Some(State::Association(before)), Some(State::Association(after))) => {
            walk.change_association(before, after);
        }
        (Subject::Association(..), Some(_), None) => {
            walk.step(Phase::Remove, Call::DeletePodIdentityAssociation {}, None, None);
        }
        // A change from or to nothing at all, or of one kind into the other: there is none such.
        _ => {}
    }
    walk.out
}

struct Walk<'a> {
    subject: &'a Subject,
    at: Option<State>,
    out: Vec<(Phase, Step)>,
}

impl Walk<'_> {
    fn step(&mut self, phase: Phase, call: Call, after: Option<State>, note: Option<String>) {
        let before = std::mem::replace(&mut self.at, after.clone());
        self.out.push((phase, Step { n: 0, subject: self.subject.clone(), call, before, after, note }));
    }

    fn make(&mut self, arn: &str, wanted: &EntryState, create: Phase, add: Phase) {
        let bare = EntryState { policies: BTreeMap::new(), ..wanted.clone() };
        let default = Principal::from_arn(arn).ok().map(|(principal, _)| standard_username(&principal));
        // What EKS gives by itself is left to it; types other than STANDARD take no username.
        let username = wanted.username.clone().filter(|it| wanted.kind == "STANDARD" && Some(it) != default.as_ref());
        let groups = if wanted.kind == "STANDARD" { wanted.groups.iter().cloned().collect() } else { Vec::new() };
        let call = Call::CreateAccessEntry {
            principal_arn: arn.to_owned(),
            kind: wanted.kind.clone(),
            username,
            kubernetes_groups: groups,
            tags: wanted.tags.clone(),
        };
        self.step(create, call, Some(State::Entry(bare.clone())), None);
        let mut sofar = bare;
        for (policy, scope) in &wanted.policies {
            sofar.policies.insert(policy.clone(), scope.clone());
            self.step(add, associate(arn, policy, scope), Some(State::Entry(sofar.clone())), None);
        }
    }

    /// First all that gives, then all that takes, so that nobody is without what another is still to be given: a scope
    /// that gives here and takes there is first both, and so are groups.
    fn change_entry(&mut self, arn: &str, before: &EntryState, after: &EntryState) {
        let mut sofar = before.clone();
        for (policy, scope) in &after.policies {
            let wide = before.policies.get(policy).map_or_else(|| scope.clone(), |old| both(old, scope));
            if before.policies.get(policy) != Some(&wide) {
                sofar.policies.insert(policy.clone(), wide.clone());
                self.step(Phase::Add, associate(arn, policy, &wide), Some(State::Entry(sofar.clone())), None);
            }
        }
        let groups: BTreeSet<String> = before.groups.union(&after.groups).cloned().collect();
        if groups == after.groups && (groups != before.groups || before.username != after.username) {
            self.identity(Phase::Add, arn, groups, after.username.clone(), &mut sofar);
        } else if groups != before.groups {
            self.identity(Phase::Add, arn, groups, before.username.clone(), &mut sofar);
        }
        self.tags(&before.tags, &after.tags, |tags| {
            sofar.tags = tags;
            State::Entry(sofar.clone())
        });
        for (policy, scope) in &after.policies {
            if sofar.policies.get(policy) != Some(scope) {
                sofar.policies.insert(policy.clone(), scope.clone());
                self.step(Phase::Take, associate(arn, policy, scope), Some(State::Entry(sofar.clone())), None);
            }
        }
        if sofar.groups != after.groups || sofar.username != after.username {
            self.identity(Phase::Take, arn, after.groups.clone(), after.username.clone(), &mut sofar);
        }
        for policy in before.policies.keys().filter(|it| !after.policies.contains_key(*it)) {
            sofar.policies.remove(policy);
            let call = Call::DisassociateAccessPolicy { principal_arn: arn.to_owned(), policy_arn: policy.clone() };
            self.step(Phase::Take, call, Some(State::Entry(sofar.clone())), None);
        }
    }

    fn identity(
        &mut self,
        phase: Phase,
        arn: &str,
        groups: BTreeSet<String>,
        username: Option<String>,
        sofar: &mut EntryState,
    ) {
        let call = Call::UpdateAccessEntry {
            principal_arn: arn.to_owned(),
            username: username.clone(),
            kubernetes_groups: groups.iter().cloned().collect(),
        };
        (sofar.groups, sofar.username) = (groups, username);
        self.step(phase, call, Some(State::Entry(sofar.clone())), None);
    }

    /// What is new or different, then what is to go.
    fn tags(
        &mut self,
        before: &BTreeMap<String, String>,
        after: &BTreeMap<String, String>,
        mut state: impl FnMut(BTreeMap<String, String>) -> State,
    ) {
        let new: BTreeMap<String, String> = after
            .iter()
            .filter(|(key, value)| before.get(*key) != Some(*value))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        let gone: BTreeSet<String> = before.keys().filter(|key| !after.contains_key(*key)).cloned().collect();
        let mut sofar = before.clone();
        if !new.is_empty() {
            sofar.extend(new.clone());
            self.step(Phase::Add, Call::TagResource { tags: new }, Some(state(sofar.clone())), None);
        }
        if !gone.is_empty() {
            sofar.retain(|key, _| !gone.contains(key));
            let call = Call::UntagResource { tag_keys: gone.into_iter().collect() };
            self.step(Phase::Add, call, Some(state(sofar)), None);
        }
    }

    fn associate(&mut self, namespace: &str, account: &str, wanted: &AssociationState) {
        let call = Call::CreatePodIdentityAssociation {
            namespace: namespace.to_owned(),
            service_account: account.to_owned(),
            role_arn: wanted.role_arn.clone(),
            target_role_arn: wanted.target_role_arn.clone(),
            disable_session_tags: wanted.disable_session_tags,
            policy: wanted.policy.clone(),
            tags: wanted.tags.clone(),
        };
        self.step(Phase::Make, call, Some(State::Association(wanted.clone())), None);
    }

    fn change_association(&mut self, before: &AssociationState, after: &AssociationState) {
        let mut sofar = before.clone();
        if (AssociationState { tags: before.tags.clone(), ..after.clone() }) != *before {
            sofar = AssociationState { tags: before.tags.clone(), ..after.clone() };
            let call = Call::UpdatePodIdentityAssociation {
                role_arn: after.role_arn.clone(),
                target_role_arn: after.target_role_arn.clone(),
                disable_session_tags: after.disable_session_tags,
                policy: after.policy.clone(),
            };
            self.step(Phase::Add, call, Some(State::Association(sofar.clone())), None);
        }
        self.tags(&before.tags, &after.tags, |tags| {
            sofar.tags = tags;
            State::Association(sofar.clone())
        });
    }
}

/// Where either scope holds.
fn both(old: &AccessScope, new: &AccessScope) -> AccessScope {
    if old.kind == ScopeKind::Cluster || new.kind == ScopeKind::Cluster {
        return AccessScope::default();
    }
    // A scope that is the new one already stays as it is written.
    let names: BTreeSet<&String> = old.namespaces.iter().chain(&new.namespaces).collect();
    let same = |it: &AccessScope| it.namespaces.iter().collect::<BTreeSet<_>>() == names;
    match (same(old), same(new)) {
        (_, true) if !same(old) => new.clone(),
        (true, _) => old.clone(),
        _ => sorted(&AccessScope { kind: ScopeKind::Namespace, namespaces: names.into_iter().cloned().collect() }),
    }
}

fn associate(arn: &str, policy: &str, scope: &AccessScope) -> Call {
    Call::AssociateAccessPolicy {
        principal_arn: arn.to_owned(),
        policy_arn: policy.to_owned(),
        access_scope: scope.clone(),
    }
}
