//! Mappings that would let a principal in: an access entry, an aws-auth row, another authentication mode.
//!
//! Decides which mapping fits which principal: nodes get an entry of their type and never STANDARD; an entry whose
//! principal was recreated is recreated; a new role of an IAM Identity Center permission set gets what its old role had;
//! a row that this cluster ignores is carried over, `system:masters` as AmazonEKSClusterAdminPolicy. In mode CONFIG_MAP
//! the way that needs no access to the cluster (the EKS API) is proposed beside the row. Whether a proposal really lets
//! the principal in is measured by the door ([`super`]).

use std::collections::BTreeSet;

use super::FixContext;
use super::candidate::Candidate;
use super::change::{FixChange, RowChange};
use super::grants::{EntryBase, groups_by_entry, policies};
use crate::access::explain::fix::FixKind;
use crate::access::findings::MASTERS;
use crate::access::identity::{MappingSource, Other, OtherState, Resolution};
use crate::access::node_roles::entry_type;
use crate::access::role_use::RoleUse;
use crate::edit::draft::{Change, Draft};
use crate::edit::state::{EntryState, State, Subject, now};
use crate::model::aws_auth::{AwsAuthKey, AwsAuthRow};
use crate::model::cluster::AuthenticationMode;
use crate::model::mapping::AccessScope;
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::request::Request;
use crate::model::snapshot::{ClusterFacts, DocumentRef, Evidence, Lookup};
use crate::model::validation::entry::{EntryType, Policies, RESERVED_GROUPS, RESERVED_USERNAMES, standard_username};
use crate::model::words::last_part;

/// Candidates for a principal that has no mapping in effect; with a request, those that allow it too.
pub(super) fn for_unmapped(
    ctx: &FixContext<'_>,
    resolution: &Resolution,
    request: Option<&Request>,
    notes: &mut Vec<String>,
) -> Vec<Candidate> {
    let principal = &resolution.asked.principal;
    if !matches!(principal.kind, PrincipalKind::Role | PrincipalKind::User) {
        notes.push(format!("a {} can have no access entry: use a role or a user", principal.kind));
        return Vec::new();
    }
    if principal.path.starts_with("/aws-service-role/") {
        notes.push("EKS lets no customer create an access entry for a service-linked role".to_owned());
        return Vec::new();
    }
    match ctx.mode() {
        None | Some(AuthenticationMode::Unknown) => Vec::new(),
        Some(AuthenticationMode::ConfigMap) => {
            let mut out = vec![row_candidate(ctx, resolution)];
            out.extend(by_entry(ctx, resolution, request, notes).into_iter().map(after_mode_switch));
            notes.push(
                "Whoever may call eks:UpdateClusterConfig can use the second way without access to the cluster itself. \
                 Leaving CONFIG_MAP can't be undone."
                    .to_owned(),
            );
            out
        }
        Some(AuthenticationMode::ApiAndConfigMap | AuthenticationMode::Api) => {
            by_entry(ctx, resolution, request, notes)
        }
    }
}

/// The same change in a cluster that reads access entries as well.
fn after_mode_switch(mut candidate: Candidate) -> Candidate {
    candidate.change.mode = Some(AuthenticationMode::ApiAndConfigMap);
    candidate.title = format!("Switch to API_AND_CONFIG_MAP, then: {}", lower_first(&candidate.title));
    candidate
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// What a new entry would be, and how that is said.
struct NewEntry {
    state: EntryState,
    title: String,
    note: String,
    evidence: Option<Evidence>,
}

fn by_entry(
    ctx: &FixContext<'_>,
    resolution: &Resolution,
    request: Option<&Request>,
    notes: &mut Vec<String>,
) -> Vec<Candidate> {
    let principal = &resolution.asked.principal;
    let arn = principal.arn();
    if principal.kind == PrincipalKind::Role && !resolution.asked.path_known {
        notes.push(
            "the path of the role is not known, and an access entry must name the ARN with its path: read IAM first"
                .to_owned(),
        );
        return Vec::new();
    }
    let new = new_entry(ctx, resolution);
    let mut out = Vec::new();
    if let Some(draft) = entry_draft(ctx.facts, &arn, &new.state) {
        let change = FixChange { draft, ..FixChange::default() };
        let estimate = 1 + new.state.policies.len() as u64 * 100;
        out.push(Candidate {
            evidence: new.evidence.clone(),
            ..Candidate::new(FixKind::AccessEntry, new.title.clone(), new.note.clone(), change, estimate)
        });
    }
    if let Some(request) = request
        && EntryType::of(&new.state.kind).is_some_and(EntryType::has_own_identity)
    {
        let base = EntryBase::Created { arn, state: Box::new(new.state), remark: new.note };
        out.extend(policies(ctx, resolution, &base, request, notes));
        out.extend(groups_by_entry(ctx, resolution, &base, request));
    }
    out
}

/// The entry that fits the principal.
fn new_entry(ctx: &FixContext<'_>, resolution: &Resolution) -> NewEntry {
    let principal = &resolution.asked.principal;
    let arn = principal.arn();
    if let Some((entry_arn, state)) = recreated(ctx, resolution) {
        return NewEntry {
            title: format!("Recreate the access entry of {arn} with what it has"),
            note: "an entry stays bound to the principal that existed when it was created".to_owned(),
            evidence: Some(Evidence::new(DocumentRef::AccessEntry(entry_arn), "")),
            state,
        };
    }
    if let Some((old, state)) = old_role_of_permission_set(ctx, principal) {
        return NewEntry {
            title: format!("Create an access entry for {arn} with what {old} had"),
            note: format!(
                "IAM Identity Center replaced {old} by this role when the permission set was provisioned again"
            ),
            evidence: None,
            state,
        };
    }
    let row = resolution.others.iter().find_map(|it| row_of(ctx, &it.source));
    if let Some(kind) = node_type(ctx, principal, row) {
        let mut state = ctx.words().new_entry(principal, Some(kind.as_str()), None);
        if let Policies::Only(policy) = kind.policies() {
            let arn = format!("arn:{}:eks::aws:cluster-access-policy/{policy}", principal.partition);
            state.policies.insert(arn, AccessScope::default());
        }
        return NewEntry {
            title: format!("Create an access entry of type {} for {arn}", kind.as_str()),
            note: "it is a role of nodes: an entry of type STANDARD would not let them join".to_owned(),
            evidence: None,
            state,
        };
    }
    let (state, lost) = state_for_row(ctx, principal, row);
    let mut note = match row {
        None => "gives nothing but what every authenticated identity has".to_owned(),
        Some(row) => format!("gives what {} was meant to give", row.place()),
    };
    if !lost.is_empty() {
        note.push_str(&format!("; an entry cannot have {}", lost.join(", ")));
    }
    NewEntry { title: format!("Create an access entry for {arn}"), note, evidence: None, state }
}

/// The ineffective entry whose principal was recreated: its ARN, and what it has.
fn recreated(ctx: &FixContext<'_>, resolution: &Resolution) -> Option<(String, EntryState)> {
    let arn = resolution.asked.principal.arn();
    let is_its =
        |it: &&Other| matches!(&it.source, MappingSource::AccessEntry { principal_arn } if *principal_arn == arn);
    resolution.others.iter().filter(is_its).find(|it| it.state == OtherState::Dead)?;
    match now(ctx.facts, &Subject::Entry(arn.clone())).known().ok()?? {
        State::Entry(state) => Some((arn, state)),
        State::Association(_) => None,
    }
}

/// Of a role that IAM Identity Center created: what an earlier role of the same permission set has, by an entry or an
/// aws-auth row, where that role no longer exists. The old role's name, and the state for the new one.
fn old_role_of_permission_set(ctx: &FixContext<'_>, principal: &Principal) -> Option<(String, EntryState)> {
    let set = principal.permission_set()?;
    let old_role = |arn: &str| {
        let (old, _) = Principal::from_arn(arn.trim()).ok()?;
        let same = old.permission_set() == Some(set) && old.account == principal.account && old.name != principal.name;
        (same && ctx.resolver.existing(&old) == Lookup::Absent).then_some(old)
    };
    let by_entry = ctx.facts.access_entries.items().iter().find_map(|entry| {
        let old = old_role(&entry.principal_arn)?;
        let mut state = EntryState::of(entry)?;
        if state.username == Some(standard_username(&old)) {
            state.username = Some(standard_username(principal));
        }
        Some((old.name, state))
    });
    by_entry.or_else(|| {
        let (_, auth) = ctx.facts.aws_auth.value()?.as_ref()?;
        auth.rows.iter().find_map(|row| {
            let old = old_role(row.arn.as_deref()?)?;
            Some((old.name, state_for_row(ctx, principal, Some(row)).0))
        })
    })
}

/// The type of entry that a role of nodes needs; `None` where nothing says that it is one.
fn node_type(ctx: &FixContext<'_>, principal: &Principal, row: Option<&AwsAuthRow>) -> Option<EntryType> {
    if principal.kind != PrincipalKind::Role {
        return None;
    }
    let is_this = |arn: &str| Principal::from_arn(arn).is_ok_and(|(it, _)| it.key() == principal.key());
    let cluster = ctx.facts.cluster.value();
    let auto = cluster.and_then(|it| it.compute_config.as_ref()).and_then(|it| it.node_role_arn.as_deref());
    if auto.is_some_and(is_this) {
        return Some(EntryType::Ec2);
    }
    if ctx.facts.fargate_profiles.items().iter().filter_map(|it| it.pod_execution_role_arn.as_deref()).any(is_this) {
        return Some(EntryType::FargateLinux);
    }
    let by_row = row.and_then(|row| {
        let has = |name: &str| row.groups.iter().any(|it| it == name);
        match row.username.as_str() {
            "system:node:{{EC2PrivateDNSName}}" if has("eks:kube-proxy-windows") => Some(EntryType::Ec2Windows),
            "system:node:{{EC2PrivateDNSName}}" => Some(EntryType::Ec2Linux),
            "system:node:{{SessionName}}" if has("system:node-proxier") => Some(EntryType::FargateLinux),
            "system:node:{{SessionName}}" => Some(EntryType::HybridLinux),
            _ if has("system:nodes") => Some(EntryType::Ec2Linux),
            _ => None,
        }
    });
    if by_row.is_some() {
        return by_row;
    }
    let of_nodegroup = ctx.facts.nodegroups.items().iter().find(|it| it.node_role.as_deref().is_some_and(is_this));
    if let Some(nodegroup) = of_nodegroup {
        return entry_type(&RoleUse::Nodegroup(nodegroup.nodegroup_name.clone()), ctx.facts);
    }
    // A role with an instance profile and the worker policy of EKS is for nodes that manage themselves.
    let profiles = ctx.iam.instance_profiles.items().iter();
    let in_profile = profiles.flat_map(|it| &it.roles).any(|it| is_this(&it.arn));
    let attached = ctx.iam.roles.items().iter().filter(|it| is_this(&it.arn));
    let worker = attached.flat_map(|it| it.attached_managed_policies.iter()).any(|it| {
        ["AmazonEKSWorkerNodePolicy", "AmazonEKSWorkerNodeMinimalPolicy"].contains(&last_part(&it.policy_arn))
    });
    (in_profile && worker).then_some(EntryType::Ec2Linux)
}

/// What an entry that takes the place of a row would be, and what of the row an entry cannot have.
pub(super) fn state_for_row(
    ctx: &FixContext<'_>,
    principal: &Principal,
    row: Option<&AwsAuthRow>,
) -> (EntryState, Vec<String>) {
    let username = row.map(|it| it.username.as_str()).filter(|it| {
        !it.is_empty()
            && !RESERVED_USERNAMES.iter().any(|prefix| it.starts_with(prefix))
            && !it.contains("{{EC2PrivateDNSName}}")
            && !it.contains("{{AccountID}}")
            && !it.contains("{{AccessKeyID}}")
            && it.find("{{").is_none_or(|at| it.get(..at).is_some_and(|before| before.contains(':')))
    });
    let mut state = ctx.words().new_entry(principal, None, username);
    let groups: BTreeSet<String> = row.iter().flat_map(|it| &it.groups).filter(|it| !it.is_empty()).cloned().collect();
    let (reserved, kept): (BTreeSet<String>, BTreeSet<String>) =
        groups.into_iter().partition(|it| it.starts_with(RESERVED_GROUPS) || it.contains("{{"));
    state.groups = kept;
    let mut lost: Vec<String> = Vec::new();
    for group in reserved {
        if group == MASTERS {
            let arn = format!("arn:{}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", principal.partition);
            state.policies.insert(arn, AccessScope::default());
        } else {
            lost.push(format!("group {group}"));
        }
    }
    if let (Some(row), None) = (row, username)
        && !row.username.is_empty()
    {
        lost.push(format!("username {}", row.username));
    }
    (state, lost)
}

/// A draft that ends with the entry in this state: created, or recreated where one is there already.
pub(super) fn entry_draft(facts: &ClusterFacts, arn: &str, state: &EntryState) -> Option<Draft> {
    let subject = Subject::Entry(arn.to_owned());
    let before = now(facts, &subject).known().ok()?;
    let recreate = before.is_some();
    let change = Change { before, after: Some(State::Entry(state.clone())), again: recreate };
    Some(Draft::of([(subject, change)]))
}

/// The row that is meant for the principal, corrected; or a new one.
fn row_candidate(ctx: &FixContext<'_>, resolution: &Resolution) -> Candidate {
    let principal = &resolution.asked.principal;
    let arn = principal.canonical();
    let meant = resolution.others.iter().find_map(|it| row_of(ctx, &it.source).map(|row| (it, row)));
    let (change, title, note, evidence) = match meant {
        Some((other, row)) => (
            RowChange {
                key: row.key,
                index: Some(row.index),
                arn,
                username: row.username.clone(),
                groups: row.groups.clone(),
            },
            format!("Correct the ARN of {}", other.source),
            other.because.clone(),
            Some(other.evidence.clone()),
        ),
        None => (
            RowChange {
                key: if principal.kind == PrincipalKind::User { AwsAuthKey::MapUsers } else { AwsAuthKey::MapRoles },
                index: None,
                arn: arn.clone(),
                username: principal.name.clone(),
                groups: Vec::new(),
            },
            format!("Add an aws-auth row for {arn}"),
            "add --group with a group that bindings name, or the row gives no permissions".to_owned(),
            None,
        ),
    };
    let change = FixChange { row: Some(change), ..FixChange::default() };
    Candidate { evidence, ..Candidate::new(FixKind::AwsAuth, title, note, change, 1) }
}

/// The row of aws-auth that a mapping is.
pub(super) fn row_of<'a>(ctx: &FixContext<'a>, source: &MappingSource) -> Option<&'a AwsAuthRow> {
    let MappingSource::AwsAuth { key, index: Some(index) } = source else { return None };
    let (_, auth) = ctx.facts.aws_auth.value()?.as_ref()?;
    auth.rows.iter().find(|row| row.key == *key && row.index == *index)
}
