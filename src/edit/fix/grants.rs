//! What would let a principal that has access make one request more: a policy, a group, a binding.
//!
//! Decides which grants are worth proposing for which kind of mapping. Whether a proposal really allows the request is
//! measured by the door ([`super`]); what a principal without access needs first is [`super::entry`]'s.

use super::FixContext;
use super::candidate::{Candidate, estimate_rule};
use super::change::{FixChange, RowChange};
use super::entry::{entry_draft, row_of, state_for_row};
use super::rbac::{BindingSubject, bindings, object_name};
use crate::access::Verdict;
use crate::access::catalog;
use crate::access::explain::fix::FixKind;
use crate::access::identity::{MappingSource, Resolution};
use crate::access::permissions::rule::allows;
use crate::access::permissions::{Rules, Who};
use crate::access::resources;
use crate::edit::draft::{Draft, Edit};
use crate::edit::state::{EntryState, Subject};
use crate::edit::wish::wider;
use crate::model::aws_auth::AwsAuthKey;
use crate::model::mapping::{AccessScope, ScopeKind};
use crate::model::request::{Request, Target};
use crate::model::snapshot::{DocumentRef, Evidence};
use crate::model::validation::entry::{EntryType, Policies, RESERVED_GROUPS};
use crate::model::words::count;

/// So many policies and so many groups are proved at most.
const MOST_POLICIES: usize = 2;
const MOST_GROUPS: usize = 2;

/// A grant in the whole cluster counts as many namespaces, for an estimate.
const WHOLE_CLUSTER: u64 = 20;

/// What an entry is to become, and what its change is called beside the grant.
pub(super) enum EntryBase {
    /// The entry in force, by the principal ARN that it names.
    InForce(String),
    /// An entry that does not exist, or is ineffective, and would be created in this state.
    Created { arn: String, state: Box<EntryState>, remark: String },
}

/// Candidates for a principal whose mapping is in force.
pub(super) fn for_mapped(
    ctx: &FixContext<'_>,
    resolution: &Resolution,
    request: &Request,
    notes: &mut Vec<String>,
) -> Vec<Candidate> {
    let Some(mapping) = &resolution.mapping else { return Vec::new() };
    let kind = mapping.kind.as_deref().map_or(Some(EntryType::Standard), EntryType::of);
    if kind != Some(EntryType::Standard) {
        let kind = mapping.kind.as_deref().unwrap_or_default();
        notes.push(format!("an access entry of type {kind} accepts no groups and no other policies"));
        return Vec::new();
    }
    let reads_entries = ctx.mode().is_some_and(|it| it.reads_entries());
    let base = match &mapping.source {
        MappingSource::AccessEntry { principal_arn } => Some(EntryBase::InForce(principal_arn.clone())),
        MappingSource::AwsAuth { .. } if reads_entries => base_instead_of_row(ctx, resolution),
        MappingSource::AwsAuth { .. } => None,
    };
    if !reads_entries {
        let mode = ctx.facts.cluster.value().map(|it| it.mode_text()).unwrap_or_default();
        notes.push(format!("authentication mode {mode} has no access policies: only groups can grant it"));
    }
    let mut out = Vec::new();
    if let Some(base) = &base {
        out.extend(policies(ctx, resolution, base, request, notes));
        // A row keeps deciding where it can have the group itself.
        if matches!(base, EntryBase::InForce(_)) {
            out.extend(groups_by_entry(ctx, resolution, base, request));
        }
    }
    if let MappingSource::AwsAuth { key, index: Some(index) } = &mapping.source {
        out.extend(groups_by_row(ctx, resolution, (*key, *index), request));
    }
    out.extend(own_bindings(ctx, resolution, request));
    out
}

/// The entry that would take the place of the aws-auth row in force, with what the row gives.
fn base_instead_of_row(ctx: &FixContext<'_>, resolution: &Resolution) -> Option<EntryBase> {
    let source = &resolution.mapping.as_ref()?.source;
    let principal = &resolution.asked.principal;
    let row = row_of(ctx, source);
    let (state, lost) = state_for_row(ctx, principal, row);
    let mut remark = format!("policies need an access entry, which then decides instead of {source}");
    if !lost.is_empty() {
        remark.push_str(&format!("; an entry cannot have {}", lost.join(", ")));
    }
    Some(EntryBase::Created { arn: principal.arn(), state: Box::new(state), remark })
}

/// The draft of a base with one grant on top.
fn draft_of(ctx: &FixContext<'_>, base: &EntryBase, edit: Edit) -> Option<Draft> {
    let (mut draft, arn) = match base {
        EntryBase::InForce(arn) => (Draft::default(), arn),
        EntryBase::Created { arn, state, .. } => (entry_draft(ctx.facts, arn, state)?, arn),
    };
    draft.stage(ctx.facts, &Subject::Entry(arn.clone()), edit, EntryState::default).ok()?;
    Some(draft)
}

fn remark(base: &EntryBase) -> &str {
    match base {
        EntryBase::InForce(_) => "",
        EntryBase::Created { remark, .. } => remark,
    }
}

/// The narrowest published access policies that allow the request, in the request's namespace or cluster-wide.
pub(super) fn policies(
    ctx: &FixContext<'_>,
    resolution: &Resolution,
    base: &EntryBase,
    request: &Request,
    notes: &mut Vec<String>,
) -> Vec<Candidate> {
    let scope = match request.namespace() {
        "" => AccessScope::default(),
        namespace => AccessScope { kind: ScopeKind::Namespace, namespaces: vec![namespace.to_owned()] },
    };
    let allowed_type = match base {
        EntryBase::Created { state, .. } => EntryType::of(&state.kind),
        EntryBase::InForce(_) => Some(EntryType::Standard),
    };
    if allowed_type.map(EntryType::policies) != Some(Policies::Any) {
        return Vec::new();
    }
    let mut fitting: Vec<(u64, &catalog::Policy)> = catalog::policies()
        .filter(|it| it.assignable_to.as_deref() == Some("customer"))
        .filter_map(|it| {
            let rules = it.rules.as_ref()?;
            let allowed = rules.iter().any(|it| it.restricted.is_none() && allows(&it.rule, request));
            allowed.then(|| (rules.iter().map(|it| estimate_rule(&it.rule)).sum(), it))
        })
        .collect();
    fitting.sort_by(|a, b| (a.0, &a.1.name).cmp(&(b.0, &b.1.name)));
    if fitting.iter().all(|(_, it)| it.name == "AmazonEKSClusterAdminPolicy") {
        let why = match &request.target {
            Target::Path(_) => "the other policies name no paths",
            Target::Resource { group, resource, .. } if resources::find(group, resource).is_none() => {
                "the other policies name built-in kinds only, and this is not one"
            }
            Target::Resource { .. } => "the other policies do not include it",
        };
        notes.push(format!("only AmazonEKSClusterAdminPolicy allows it: {why}"));
    }
    let partition = resolution.asked.principal.partition.as_str();
    fitting
        .into_iter()
        .take(MOST_POLICIES)
        .filter_map(|(estimate, policy)| {
            let policy_arn = policy.arn.replacen("arn:aws:", &format!("arn:{partition}:"), 1);
            // Associating a policy again replaces its scope.
            let held = resolution.access_policies.iter().flatten().find(|it| it.name() == policy.name);
            let wanted = held.map_or_else(|| scope.clone(), |it| wider(&it.access_scope, &scope));
            let edit = Edit::GivePolicy { policy_arn: policy_arn.clone(), scope: wanted.clone() };
            let draft = draft_of(ctx, base, edit)?;
            let rules = policy.rules.as_ref().map(Vec::len).unwrap_or_default();
            let mut note = match held {
                Some(it) => format!("keeps {}, where it has the policy already", it.access_scope),
                None => count(rules, "rule", "rules"),
            };
            if !remark(base).is_empty() {
                note = format!("{note}; {}", remark(base));
            }
            let place = match scope.kind {
                ScopeKind::Cluster => "cluster-wide".to_owned(),
                ScopeKind::Namespace => format!("in namespace {scope}"),
            };
            let title = match base {
                EntryBase::InForce(_) => format!("Associate {} {place}", policy.name),
                EntryBase::Created { .. } => format!("Create an access entry with {} {place}", policy.name),
            };
            let reach = if scope.kind == ScopeKind::Cluster { WHOLE_CLUSTER } else { 1 };
            let change = FixChange { draft, ..FixChange::default() };
            Some(Candidate {
                policy: Some((policy_arn, wanted)),
                evidence: Some(Evidence::new(DocumentRef::AccessPolicy(policy.name.clone()), "")),
                ..Candidate::new(FixKind::AccessPolicy, title, note, change, estimate * reach)
            })
        })
        .collect()
}

/// The groups that seem to give least of those whose bindings allow the request: name, estimate, the grant.
fn narrowest_groups(ctx: &FixContext<'_>, own: &[String], request: &Request) -> Vec<(u64, String)> {
    let names = ctx.permissions.index().groups.keys();
    // Groups of the system's own are not for people, and an access entry may not name them.
    let free = names.filter(|it| !it.starts_with(RESERVED_GROUPS) && !it.starts_with("eks:") && !own.contains(it));
    let mut fitting: Vec<(u64, String)> = free
        .filter_map(|name| {
            let who = Who::named("", &[name]);
            let allowed = ctx.permissions.decide(&who, request).verdict == Verdict::Yes;
            if !allowed { None } else { Some((estimate_grants(ctx, &who)?, name.clone())) }
        })
        .collect();
    fitting.sort();
    fitting.truncate(MOST_GROUPS);
    fitting
}

/// How much the grants of an identity seem to give; `None` if that is not known.
fn estimate_grants(ctx: &FixContext<'_>, who: &Who) -> Option<u64> {
    ctx.permissions.grants(who).iter().try_fold(0_u64, |sum, held| {
        let rules = match &held.rules {
            Rules::Known(rules) => rules.iter().map(|it| estimate_rule(it)).sum::<u64>(),
            Rules::Dangling => 0,
            Rules::All | Rules::Unknown(_) => return None,
        };
        let times = if held.grant.is_cluster_wide() { WHOLE_CLUSTER } else { 1 };
        Some(sum.saturating_add(rules.saturating_mul(times)))
    })
}

/// The object by which a group is allowed, and where it can be looked at.
fn group_grant(ctx: &FixContext<'_>, name: &str, request: &Request) -> (String, Option<Evidence>) {
    let by = ctx.permissions.decide(&Who::named("", &[name]), request).by.into_iter().next();
    by.map(|it| (it.grant.to_string(), it.grant.evidence())).unwrap_or_default()
}

fn own_groups(resolution: &Resolution) -> Vec<String> {
    resolution.identity.as_ref().map(|it| it.groups.clone()).unwrap_or_default()
}

/// Groups that exist, given by the access entry.
pub(super) fn groups_by_entry(
    ctx: &FixContext<'_>,
    resolution: &Resolution,
    base: &EntryBase,
    request: &Request,
) -> Vec<Candidate> {
    narrowest_groups(ctx, &own_groups(resolution), request)
        .into_iter()
        .filter_map(|(estimate, name)| {
            let draft = draft_of(ctx, base, Edit::GiveGroups(vec![name.clone()]))?;
            let (grant, evidence) = group_grant(ctx, &name, request);
            let title = match base {
                EntryBase::InForce(_) => format!("Add group {name} to the access entry"),
                EntryBase::Created { .. } => format!("Create an access entry with group {name}"),
            };
            let change = FixChange { draft, ..FixChange::default() };
            Some(Candidate {
                group: Some(name),
                evidence,
                ..Candidate::new(FixKind::Group, title, grant, change, estimate)
            })
        })
        .collect()
}

/// Groups that exist, given by the aws-auth row in force.
fn groups_by_row(
    ctx: &FixContext<'_>,
    resolution: &Resolution,
    (key, index): (AwsAuthKey, usize),
    request: &Request,
) -> Vec<Candidate> {
    let source = MappingSource::AwsAuth { key, index: Some(index) };
    let Some(row) = row_of(ctx, &source) else { return Vec::new() };
    narrowest_groups(ctx, &own_groups(resolution), request)
        .into_iter()
        .map(|(estimate, name)| {
            let (grant, evidence) = group_grant(ctx, &name, request);
            let groups = row.groups.iter().chain([&name]).cloned().collect();
            let row = RowChange {
                key,
                index: Some(index),
                arn: row.arn.clone().unwrap_or_default(),
                username: row.username.clone(),
                groups,
            };
            let change = FixChange { row: Some(row), ..FixChange::default() };
            let title = format!("Add group {name} to {source}");
            Candidate { group: Some(name), evidence, ..Candidate::new(FixKind::Group, title, grant, change, estimate) }
        })
        .collect()
}

/// Bindings for the principal: by its username where that is its own, else by a group that it has, else by a group that
/// its entry is given for it.
fn own_bindings(ctx: &FixContext<'_>, resolution: &Resolution, request: &Request) -> Vec<Candidate> {
    let Some(identity) = &resolution.identity else { return Vec::new() };
    let is_reserved = |name: &String| name.starts_with(RESERVED_GROUPS) || name.starts_with("eks:");
    // A username with a placeholder changes with the session: a binding would name one session only.
    let fixed = ctx.username_template(resolution).filter(|it| !it.contains("{{") && !it.is_empty() && !is_reserved(it));
    let (base, subject) = if let Some(username) = fixed {
        (FixChange::default(), BindingSubject::User(username))
    } else if let Some(group) = fewest_members(ctx, identity.groups.iter().filter(|it| !is_reserved(it))) {
        (FixChange::default(), BindingSubject::Group(group))
    } else if let Some(MappingSource::AccessEntry { principal_arn }) = resolution.mapping.as_ref().map(|it| &it.source)
    {
        let group = object_name(&resolution.asked.principal.name);
        let base = EntryBase::InForce(principal_arn.clone());
        let Some(draft) = draft_of(ctx, &base, Edit::GiveGroups(vec![group.clone()])) else { return Vec::new() };
        (FixChange { draft, ..FixChange::default() }, BindingSubject::Group(group))
    } else {
        return Vec::new();
    };
    let mut all = bindings(ctx.facts, &base, &subject, request);
    for fix in &mut all {
        match &subject {
            BindingSubject::Group(group) if base == FixChange::default() => {
                fix.note.push_str(&format!("; every member of group {group} gets it"));
                fix.group = Some(group.clone());
            }
            BindingSubject::Group(group) => {
                fix.note.push_str(&format!("; the access entry gets group {group} for it"));
                fix.group = Some(group.clone());
            }
            _ => {}
        }
    }
    all
}

/// Of several groups, the one with the fewest members.
fn fewest_members<'a>(ctx: &FixContext<'_>, groups: impl Iterator<Item = &'a String>) -> Option<String> {
    groups.min_by_key(|it| (ctx.members_of(it), *it)).cloned()
}
