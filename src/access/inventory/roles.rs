//! Rows of the roles that a cluster and its parts use: who uses each, how it gets in, who may assume it, its policies.
//!
//! Decides which parts there are, those included that no list of EKS has: nodes that only an entry or a row of aws-auth
//! tells of. What each part's role must have is [`service_role`]'s.

use std::collections::{BTreeMap, BTreeSet};

use super::{RoleRow, RoleUse};
use crate::access::Mark;
use crate::access::findings::{RoleFacts, of_role};
use crate::access::identity::{Resolution, Resolver, Verdict, meant, row_evidence};
use crate::access::service_role::{self, RoleCheck};
use crate::access::trust::Outcome;
use crate::model::aws_auth::AwsAuthRow;
use crate::model::principal::{Asked, Principal, PrincipalKey, PrincipalKind};
use crate::model::snapshot::{DocumentRef, Evidence, Gap, Lookup};
use crate::model::words::last_part;

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
    for it in facts.capabilities.items() {
        let name = it.capability_name.clone();
        let document = DocumentRef::Capability(name.clone());
        push(RoleUse::Capability(name), it.role_arn.as_deref(), it.status.as_deref(), document, "roleArn");
    }
    parts
}

/// The nodes that EKS does not list: only the mapping that lets them in tells of them.
fn unlisted(resolver: &Resolver<'_>, listed: &BTreeSet<PrincipalKey>) -> Vec<Part> {
    let facts = resolver.facts().0;
    let mut parts: BTreeMap<PrincipalKey, Part> = BTreeMap::new();
    let mut push = |principal: &Principal, used_by: fn(String) -> RoleUse, arn: &str, evidence: Evidence| {
        if !listed.contains(&principal.key()) {
            let name = instance_profile(resolver, principal).unwrap_or_else(|| principal.name.clone());
            let part = Part { used_by: used_by(name), role_arn: Some(arn.to_owned()), status: String::new(), evidence };
            parts.entry(principal.key()).or_insert(part);
        }
    };
    for entry in facts.access_entries.items() {
        let used_by: fn(String) -> RoleUse = match entry.kind.as_str() {
            "EC2_LINUX" | "EC2_WINDOWS" => RoleUse::SelfManaged,
            "EC2" => RoleUse::NodeClass,
            "HYBRID_LINUX" => RoleUse::Hybrid,
            _ => continue,
        };
        let Some(principal) = meant(&entry.principal_arn) else { continue };
        let evidence = Evidence::new(DocumentRef::AccessEntry(entry.principal_arn.clone()), "type");
        push(&principal, used_by, &entry.principal_arn, evidence);
    }
    for row in rows_read(resolver) {
        let used_by: fn(String) -> RoleUse = match row.username.as_str() {
            "system:node:{{EC2PrivateDNSName}}" => RoleUse::SelfManaged,
            "system:node:{{SessionName}}" => RoleUse::Hybrid,
            _ => continue,
        };
        let Some(principal) = row.arn.as_deref().and_then(meant) else { continue };
        push(&principal, used_by, row.arn.as_deref().unwrap_or_default(), row_evidence(row));
    }
    parts.into_values().collect()
}

/// The rows of aws-auth, where the cluster's mode reads them.
fn rows_read<'a>(resolver: &Resolver<'a>) -> &'a [AwsAuthRow] {
    let facts = resolver.facts().0;
    let reads = facts.cluster.value().is_none_or(|it| it.authentication_mode().reads_aws_auth());
    match facts.aws_auth.value() {
        Some(Some((_, auth))) if reads => &auth.rows,
        _ => &[],
    }
}

/// The instance profile that holds a role, by name: the first of them.
fn instance_profile(resolver: &Resolver<'_>, principal: &Principal) -> Option<String> {
    let iam = resolver.facts().1;
    let same = |name: &str| name.eq_ignore_ascii_case(&principal.name);
    let listed = iam.instance_profiles.items().iter().filter(|it| it.roles.iter().any(|role| same(&role.role_name)));
    let own = match iam.role(&principal.account, &principal.name) {
        Lookup::Found(role) => role.instance_profile_list.as_slice(),
        _ => &[],
    };
    listed.chain(own).map(|it| it.instance_profile_name.clone()).min()
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
    let (verdict, place) = place(resolver, &used_by, role_arn.as_deref(), principal.as_ref());
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
            Outcome::Allowed => {}
            Outcome::Denied => states.push((Mark::Dead, format!("{} cannot assume it: {}", trust.who, trust.because))),
            Outcome::Unknown => {
                let because = format!("whether {} can assume it is not known: {}", trust.who, trust.because);
                states.push((unknown, because));
            }
        }
    }
    for missing in &check.policies.missing {
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
    let needs = !matches!(used_by, RoleUse::Capability(_) | RoleUse::Addon(_));
    if needs && !check.policies.unknown.is_empty() {
        states.push((unknown, check.policies.unknown.clone()));
    }
    if needs && !check.policies.unverified.is_empty() {
        states.push((Mark::Unverified, check.policies.unverified.clone()));
    }
    states
}

/// How the role gets into the cluster, for parts that must; whether it is there, for the others.
fn place(
    resolver: &Resolver<'_>,
    used_by: &RoleUse,
    arn: Option<&str>,
    principal: Option<&Principal>,
) -> (Verdict, (Mark, String)) {
    let (arn, principal) = match (arn, principal) {
        (None, _) => return (Verdict::Unknown, (Mark::Unknown, "EKS names no role for it".to_owned())),
        (Some(_), None) => return (Verdict::Unknown, (Mark::Dead, "it is not the ARN of a role".to_owned())),
        (Some(arn), Some(principal)) => (arn, principal),
    };
    if !used_by.must_get_in() {
        return (Verdict::Unknown, existing(resolver, arn));
    }
    let asked = Asked { path_known: principal.path != "/", ..Asked::principal(principal.clone()) };
    let resolution = resolver.resolve(&asked);
    let state = match resolution.verdict {
        Verdict::Maps => joins(resolver, used_by, principal, &resolution),
        Verdict::DoesNotMap => (Mark::Dead, resolution.because.clone()),
        Verdict::Unknown => (Mark::Unknown, resolution.because.clone()),
    };
    (resolution.verdict, state)
}

/// Is the role there?
fn existing(resolver: &Resolver<'_>, arn: &str) -> (Mark, String) {
    let Ok((principal, None)) = Principal::from_arn(arn) else {
        return (Mark::Dead, "it is not the ARN of a role".to_owned());
    };
    if principal.kind != PrincipalKind::Role {
        return (Mark::Dead, format!("it names a {}, and only roles can be assumed", principal.kind));
    }
    match resolver.existing(&principal) {
        Lookup::Found((real, _)) if real != arn => {
            (Mark::Dead, format!("no role has this ARN; the one of that name is {real}"))
        }
        Lookup::Found(_) => (Mark::InForce, String::new()),
        Lookup::Absent => (Mark::Dead, "the role does not exist".to_owned()),
        Lookup::Unknown(Gap::Loading) => (Mark::Loading, "IAM is still being read".to_owned()),
        Lookup::Unknown(gap) => (Mark::Unknown, format!("its role is not known: {gap}")),
    }
}

/// A role that gets in joins nodes only under a node's name and in the nodes' group; Fargate's and hybrid nodes' under
/// the session's.
fn joins(resolver: &Resolver<'_>, used_by: &RoleUse, principal: &Principal, resolution: &Resolution) -> (Mark, String) {
    let kind = resolution.mapping.as_ref().and_then(|mapping| mapping.kind.clone());
    let by = resolution.mapping.as_ref().map_or_else(String::new, |mapping| {
        let kind = kind.as_ref().map(|kind| format!(" {kind}")).unwrap_or_default();
        format!("{}{kind}", mapping.source)
    });
    if matches!(used_by, RoleUse::Capability(_)) {
        return (Mark::InForce, format!("gets in through {by}"));
    }
    // What entries of Auto Mode's own type give is not documented; EKS sets them.
    if matches!(used_by, RoleUse::AutoMode | RoleUse::NodeClass(_)) && kind.as_deref() == Some("EC2") {
        return (Mark::InForce, format!("joins through {by}"));
    }
    let Some(identity) = &resolution.identity else {
        return (Mark::Unknown, format!("gets in through {by}; as whom is not known"));
    };
    let node = identity.username.starts_with("system:node:") && identity.groups.iter().any(|it| it == "system:nodes");
    let by_instance = identity.username.contains("{{EC2PrivateDNSName}}");
    let by_session = matches!(used_by, RoleUse::FargateProfile(_) | RoleUse::Hybrid(_));
    if !node || by_instance == by_session {
        let name = if identity.username.is_empty() { "an empty username" } else { identity.username.as_str() };
        let groups = if identity.groups.is_empty() { "no groups".to_owned() } else { identity.groups.join(", ") };
        return (Mark::Dead, format!("{by} lets it in as {name} with {groups}, which is no node of this kind"));
    }
    let facts = resolver.facts().0;
    match used_by {
        RoleUse::SelfManaged(_) => match facts.nodegroups.gap() {
            Some(gap) => (Mark::Unverified, format!("joins through {by}; whether a managed node group uses it: {gap}")),
            None if in_no_instance_profile(resolver, principal) => {
                (Mark::Unverified, format!("would join through {by}, but no instance profile holds it"))
            }
            None => (Mark::InForce, format!("joins through {by}")),
        },
        _ => (Mark::InForce, format!("joins through {by}")),
    }
}

/// Is it known that no EC2 instance can have the role?
pub(crate) fn in_no_instance_profile(resolver: &Resolver<'_>, principal: &Principal) -> bool {
    let iam = resolver.facts().1;
    let known = iam.instance_profiles.gap().is_none() && iam.instance_profiles.missing().is_empty();
    let of_role = || match iam.role(&principal.account, &principal.name) {
        // The sweep that brings policies brings each role's profiles too.
        Lookup::Found(_) => iam.policies.gap().is_none(),
        _ => false,
    };
    (known || of_role()) && instance_profile(resolver, principal).is_none()
}
