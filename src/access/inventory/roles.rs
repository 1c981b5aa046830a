//! Rows of the roles that a cluster and its parts use: who uses each, how it gets in, who may assume it, its policies.
//!
//! Decides which parts there are. With which roles nodes join is [`NodeRoles`]', those included that no list of EKS has; what
//! each part's role must have is [`service_role`]'s.

use std::collections::{BTreeMap, BTreeSet};

use super::{RoleRow, RoleUse};
use crate::access::Mark;
use crate::access::Verdict;
use crate::access::findings::{Remedy, RoleFacts, of_role};
use crate::access::identity::{Resolver, meant};
use crate::access::node_roles::{JoinState, NodeRoles, entry_commands, entry_type, join_state, unmapped_node_roles};
use crate::access::service_role::{self, RoleCheck};
use crate::model::cluster::Addon;
use crate::model::principal::{Principal, PrincipalKey};
use crate::model::snapshot::{ClusterFacts, DocumentRef, Evidence, Lookup};
use crate::model::words::last_part;
use crate::model::workload::{PodIdentityAssociation, SYSTEM};

/// A part of the cluster, with the role that it names.
struct Part {
    used_by: RoleUse,
    role_arn: Option<String>,
    status: String,
    evidence: Evidence,
}

pub(super) fn roles(resolver: &Resolver<'_>) -> Vec<RoleRow> {
    let mut parts = listed(resolver);
    let of_lists: BTreeSet<PrincipalKey> = keys(&parts).collect();
    parts.extend(unlisted(resolver, &of_lists));
    let mut uses: BTreeMap<PrincipalKey, Vec<RoleUse>> = BTreeMap::new();
    for part in &parts {
        if let Some(key) = key(part) {
            uses.entry(key).or_default().push(part.used_by.clone());
        }
    }
    let mut rows: Vec<RoleRow> = parts
        .into_iter()
        .map(|part| {
            let all = key(&part).and_then(|key| uses.get(&key));
            let mut others: Vec<RoleUse> =
                all.into_iter().flatten().filter(|it| **it != part.used_by).cloned().collect();
            others.sort();
            row(resolver, part, others)
        })
        .collect();
    rows.sort_by(|a, b| (&a.used_by, &a.role_arn).cmp(&(&b.used_by, &b.role_arn)));
    rows
}

fn key(part: &Part) -> Option<PrincipalKey> {
    part.role_arn.as_deref().and_then(meant).map(|it| it.key())
}

fn keys(parts: &[Part]) -> impl Iterator<Item = PrincipalKey> {
    parts.iter().filter_map(key)
}

/// The parts that EKS lists.
fn listed(resolver: &Resolver<'_>) -> Vec<Part> {
    let facts = resolver.facts().0;
    let mut parts = Vec::new();
    let mut push = |used_by, role_arn: Option<&str>, status: Option<&str>, document, path: &str| {
        parts.push(Part {
            used_by,
            role_arn: role_arn.map(str::to_owned),
            status: status.unwrap_or_default().to_owned(),
            evidence: Evidence::new(document, path),
        });
    };
    if let Some(it) = facts.cluster.value() {
        let status = it.status.as_deref();
        push(RoleUse::Cluster, it.role_arn.as_deref(), status, DocumentRef::Cluster, "roleArn");
        let node_role = it.compute_config.as_ref().and_then(|config| config.node_role_arn.as_deref());
        if node_role.is_some() {
            push(RoleUse::AutoMode, node_role, status, DocumentRef::Cluster, "computeConfig.nodeRoleArn");
        }
    }
    for it in facts.nodegroups.items() {
        let name = it.nodegroup_name.clone();
        let document = DocumentRef::Nodegroup(name.clone());
        push(RoleUse::Nodegroup(name), it.node_role.as_deref(), it.status.as_deref(), document, "nodeRole");
    }
    for it in facts.fargate_profiles.items() {
        let name = it.fargate_profile_name.clone();
        let (document, role) = (DocumentRef::FargateProfile(name.clone()), it.pod_execution_role_arn.as_deref());
        push(RoleUse::FargateProfile(name), role, it.status.as_deref(), document, "podExecutionRoleArn");
    }
    for it in facts.addons.items().iter().filter(|it| it.service_account_role_arn.is_some()) {
        let name = it.addon_name.clone();
        let (document, role) = (DocumentRef::Addon(name.clone()), it.service_account_role_arn.as_deref());
        push(RoleUse::Addon(name), role, it.status.as_deref(), document, "serviceAccountRoleArn");
    }
    for (name, status, association) in addon_associations(facts) {
        let document = DocumentRef::PodIdentityAssociation(association.association_id.clone());
        push(RoleUse::AddonPodIdentity(name), association.role_arn.as_deref(), status, document, "roleArn");
    }
    for it in facts.capabilities.items() {
        let name = it.capability_name.clone();
        let document = DocumentRef::Capability(name.clone());
        push(RoleUse::Capability(name), it.role_arn.as_deref(), it.status.as_deref(), document, "roleArn");
    }
    parts
}

/// The associations by which add-ons get a role, each with its add-on and that one's status: those that an add-on owns, and
/// those that somebody made for the service account of one.
fn addon_associations(facts: &ClusterFacts) -> Vec<(String, Option<&str>, &PodIdentityAssociation)> {
    let associations = facts.pod_identity_associations.items();
    let of_addon = |addon: &Addon, it: &PodIdentityAssociation| {
        let listed = || it.association_arn.as_ref().is_some_and(|arn| addon.pod_identity_associations.contains(arn));
        let owned = || it.owner_arn.is_some() && it.owner_arn == addon.addon_arn;
        let account = service_role::addon_account(&addon.addon_name);
        let by_hand = || it.namespace == SYSTEM && account == Some(it.service_account.as_str());
        it.role_arn.is_some() && (listed() || owned() || by_hand())
    };
    let pairs = facts.addons.items().iter().flat_map(|addon| {
        let its = associations.iter().filter(move |it| of_addon(addon, it));
        its.map(move |it| (addon.addon_name.clone(), addon.status.as_deref(), it))
    });
    pairs.collect()
}

/// The nodes that EKS does not list: only the mapping that lets them in names their role.
fn unlisted(resolver: &Resolver<'_>, listed: &BTreeSet<PrincipalKey>) -> Vec<Part> {
    let roles = NodeRoles::new(resolver);
    let mut parts: BTreeMap<PrincipalKey, Part> = BTreeMap::new();
    for it in roles.mapped().iter().filter(|it| !listed.contains(&it.principal.key())) {
        parts.entry(it.principal.key()).or_insert_with(|| Part {
            used_by: it.used_by.clone(),
            role_arn: Some(it.arn.to_owned()),
            status: String::new(),
            evidence: it.evidence.clone(),
        });
    }
    parts.into_values().collect()
}

/// What would let the nodes of a part join whose role does not: an entry for the role or, where there is no such role, for the
/// one that looks as if it were meant; and what to say of that one.
fn way_in(resolver: &Resolver<'_>, used_by: &RoleUse, principal: Option<&Principal>) -> (String, Option<Remedy>) {
    let facts = resolver.facts().0;
    let (Some(kind), Some(principal)) = (entry_type(used_by, facts), principal) else { return (String::new(), None) };
    let fix = |arn: &str| {
        let title = format!("Let nodes join with {}", last_part(arn));
        entry_commands(facts, arn, kind).map(|text| Remedy::new(title, text))
    };
    match resolver.existing(principal) {
        Lookup::Found((arn, _)) => (String::new(), fix(arn)),
        Lookup::Unknown(_) => (String::new(), fix(&principal.arn())),
        Lookup::Absent => match unmapped_node_roles(resolver, kind).as_slice() {
            [] => (String::new(), None),
            all => {
                let names: Vec<&str> = all.iter().map(|it| it.role_name.as_str()).collect();
                let why = format!(
                    "; a role that looks like that of nodes has neither an access entry nor a row here: {}",
                    names.join(", ")
                );
                // Of several, which one is meant is for a person to say.
                (why, if let [only] = all { fix(&only.arn) } else { None })
            }
        },
    }
}

/// What could be wrong with a row, the worst first.
fn worst(states: impl IntoIterator<Item = (Mark, String)>) -> (Mark, String) {
    let rank = |mark: Mark| match mark {
        Mark::Dead => 0,
        Mark::Loading => 1,
        Mark::Unknown => 2,
        Mark::Unverified => 3,
        _ => 4,
    };
    states.into_iter().min_by_key(|(mark, _)| rank(*mark)).unwrap_or((Mark::InForce, String::new()))
}

fn row(resolver: &Resolver<'_>, part: Part, shared_with: Vec<RoleUse>) -> RoleRow {
    let Part { used_by, role_arn, status, evidence } = part;
    let principal = role_arn.as_deref().and_then(meant);
    let JoinState { verdict, mark, because } = join_state(resolver, &used_by, role_arn.as_deref(), principal.as_ref());
    let mut place = (mark, because);
    let mut remedy = Vec::new();
    if mark == Mark::Dead && used_by.must_get_in() {
        let (instead, fix) = way_in(resolver, &used_by, principal.as_ref());
        place.1.push_str(&instead);
        remedy.extend(fix);
    }
    let check = principal.as_ref().map(|principal| {
        let (facts, iam) = resolver.facts();
        service_role::check(&used_by, principal, facts, iam)
    });
    let findings = of_role(&RoleFacts {
        used_by: &used_by,
        principal: principal.as_ref(),
        verdict,
        place: &place,
        check: check.as_ref(),
        shared_with: &shared_with,
        evidence: &evidence,
        remedy,
    });
    // What keeps it from getting in says more than the rest; of those that do not matter, it is what is shown.
    let states = std::iter::once(place).chain(check.iter().flat_map(|check| states(&used_by, check)));
    let (mark, because) = worst(states);
    RoleRow {
        findings,
        used_by,
        role_arn: role_arn.unwrap_or_default(),
        principal,
        mark,
        because,
        status,
        check,
        shared_with,
        evidence,
    }
}

/// What the check of a role means for its row.
fn states(used_by: &RoleUse, check: &RoleCheck) -> Vec<(Mark, String)> {
    // Whether it works is what the row says, so what keeps that from being known leaves the row unknown.
    let unknown = if check.loading { Mark::Loading } else { Mark::Unknown };
    let mut states = Vec::new();
    if let Some(trust) = &check.trust {
        match trust.verdict {
            Verdict::Yes => {}
            Verdict::No => states.push((Mark::Dead, format!("{} cannot assume it: {}", trust.who, trust.because))),
            Verdict::Unknown => {
                let because = format!("whether {} can assume it is not known: {}", trust.who, trust.because);
                states.push((unknown, because));
            }
        }
    }
    for missing in check.policies.missing.iter().filter(|it| !it.is_optional) {
        let name = last_part(&missing.required);
        match (&missing.taken, missing.perhaps_by.as_slice()) {
            (Some(taken), _) => {
                states
                    .push((Mark::Dead, format!("it has not what {name} gives, {}: {taken}", missing.lacks.join(", "))));
            }
            _ if !missing.wholly => {}
            (None, []) => states.push((Mark::Dead, format!("it lacks {name}"))),
            (None, by) => {
                states.push((unknown, format!("{name} is not attached; {} may give the same", by.join(", "))));
            }
        }
    }
    for open in &check.policies.open {
        let name = last_part(&open.required);
        states.push((unknown, format!("whether it has what {name} gives is not known: {}", open.because)));
    }
    let needs = !matches!(used_by, RoleUse::Capability(_) | RoleUse::Addon(_) | RoleUse::AddonPodIdentity(_));
    if needs && !check.policies.unknown.is_empty() {
        states.push((unknown, check.policies.unknown.clone()));
    }
    if needs && !check.policies.unverified.is_empty() {
        states.push((Mark::Unverified, check.policies.unverified.clone()));
    }
    states
}
