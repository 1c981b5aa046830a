//! Rows of IRSA, Pod Identity, and the roles of the cluster's parts. What `access::workload` judges of a binding is a
//! row's mark.

use std::collections::BTreeSet;

use super::{IrsaRow, PodIdentityRow, RoleRow, RoleUse};
use crate::access::Mark;
use crate::access::findings::{of_association, of_irsa, of_role, of_trusting, subjects};
use crate::access::identity::{Resolution, Resolver, Verdict, meant};
use crate::access::trust::Outcome;
use crate::access::workload::place::Presence;
use crate::access::workload::{Account, Answer, InForce, Irsa, Workloads};
use crate::model::principal::{Asked, Principal, PrincipalKey, PrincipalKind};
use crate::model::snapshot::{DocumentRef, Evidence, Gap, Lookup};
use crate::model::workload::{Pod, PodIdentityAssociation, ROLE_ARN_ANNOTATION};

pub(super) fn irsa(workloads: &Workloads<'_>) -> Vec<IrsaRow> {
    let mut rows = Vec::new();
    let mut named: BTreeSet<PrincipalKey> = BTreeSet::new();
    for ((namespace, name), account) in workloads.accounts() {
        if let Some(irsa) = &account.irsa {
            named.extend(irsa.role.as_ref().map(Principal::key));
            rows.push(annotated_row(workloads, (namespace, name), account, irsa));
        } else if let Some(row) = on_pods(workloads, (namespace, name), account) {
            rows.push(row);
        }
    }
    rows.sort_by(|a, b| (&a.namespace, &a.service_account).cmp(&(&b.namespace, &b.service_account)));
    rows.extend(trusting(workloads, &named));
    rows
}

fn mark(answer: &Answer) -> Mark {
    match answer.outcome {
        Outcome::Allowed => Mark::InForce,
        Outcome::Denied => Mark::Dead,
        Outcome::Unknown if answer.loading => Mark::Loading,
        Outcome::Unknown => Mark::Unknown,
    }
}

fn of_annotation(namespace: &str, name: &str) -> Evidence {
    let document = DocumentRef::ServiceAccount(namespace.to_owned(), name.to_owned());
    Evidence::new(document, "metadata.annotations[\"eks.amazonaws.com/role-arn\"]")
}

fn annotated_row(workloads: &Workloads<'_>, key: (&str, &str), account: &Account<'_>, irsa: &Irsa) -> IrsaRow {
    let (namespace, name) = key;
    let evidence = of_annotation(namespace, name);
    let (mark, because) = if account.association.is_some() {
        let why = "a Pod Identity association of the same service account takes over in pods made after it";
        (Mark::Shadowed, why.to_owned())
    } else {
        match (mark(&irsa.answer), workloads.facts().0.pod_identity_associations.gap()) {
            (Mark::InForce, Some(gap)) => (
                if gap == Gap::Loading { Mark::Loading } else { Mark::Unknown },
                format!("{}; whether a Pod Identity association takes over: {gap}", irsa.answer.because),
            ),
            (mark, _) => (mark, irsa.answer.because.clone()),
        }
    };
    IrsaRow {
        namespace: namespace.to_owned(),
        service_account: name.to_owned(),
        role_arn: irsa.role_arn.clone(),
        annotated: true,
        subjects: Vec::new(),
        mark,
        because,
        pods: pods_of(workloads, account),
        findings: of_irsa(workloads, key, account, &evidence),
        evidence,
    }
}

/// A service account whose pods carry the annotation that it should carry itself.
fn on_pods(workloads: &Workloads<'_>, key: (&str, &str), account: &Account<'_>) -> Option<IrsaRow> {
    let (namespace, name) = key;
    let own = |pod: &&Pod| pod.metadata.annotations.get(ROLE_ARN_ANNOTATION).cloned();
    let role_arn = account.pods.iter().find_map(own)?;
    let evidence = of_annotation(namespace, name);
    Some(IrsaRow {
        namespace: namespace.to_owned(),
        service_account: name.to_owned(),
        role_arn,
        annotated: false,
        subjects: Vec::new(),
        mark: Mark::Dead,
        because: "its pods carry the annotation, where nothing reads it, and the service account does not".to_owned(),
        pods: pods_of(workloads, account),
        findings: of_irsa(workloads, key, account, &evidence),
        evidence,
    })
}

/// The roles that trust this cluster's issuer and that no annotation names.
fn trusting(workloads: &Workloads<'_>, named: &BTreeSet<PrincipalKey>) -> Vec<IrsaRow> {
    let (facts, iam) = workloads.facts();
    let Some(account) = iam.account.as_deref() else { return Vec::new() };
    let partition = facts.cluster.value().and_then(|it| it.arn.as_deref()?.split(':').nth(1)).unwrap_or("aws");
    let Some(provider) = workloads.provider_in(partition, account) else { return Vec::new() };
    let mut places: Vec<usize> = workloads.trusting(&provider).iter().map(|it| it.role).collect();
    places.dedup();
    let mut rows: Vec<IrsaRow> = (places.into_iter())
        .filter_map(|at| {
            let trust = workloads.trust_at(at)?;
            let (role, None) = Principal::from_arn(&trust.detail.arn).ok()? else { return None };
            if named.contains(&role.key()) {
                return None;
            }
            let subjects = subjects(trust, &provider);
            let (mark, because) = match facts.service_accounts.gap() {
                Some(gap) => {
                    (Mark::Unknown, format!("whether a service account's annotation names it is not known: {gap}"))
                }
                None => (
                    Mark::Ignored,
                    "it trusts this cluster's issuer, and no service account's annotation names it".to_owned(),
                ),
            };
            let document = DocumentRef::IamRole(trust.detail.role_name.clone());
            Some(IrsaRow {
                namespace: String::new(),
                service_account: String::new(),
                role_arn: trust.detail.arn.clone(),
                annotated: false,
                subjects,
                mark,
                because,
                pods: workloads.pods_gap().is_none().then(|| workloads.pods_naming(&trust.detail.arn).len()),
                findings: of_trusting(workloads, trust, &role),
                evidence: Evidence::new(document, "AssumeRolePolicyDocument"),
            })
        })
        .collect();
    rows.sort_by(|a, b| a.role_arn.cmp(&b.role_arn));
    rows.dedup_by(|a, b| a.role_arn == b.role_arn);
    rows
}

fn pods_of(workloads: &Workloads<'_>, account: &Account<'_>) -> Option<usize> {
    workloads.pods_gap().is_none().then_some(account.pods.len())
}

pub(super) fn pod_identity(workloads: &Workloads<'_>) -> Vec<PodIdentityRow> {
    let section = &workloads.facts().0.pod_identity_associations;
    let mut rows: Vec<PodIdentityRow> =
        section.items().iter().filter_map(|it| association_row(workloads, it)).collect();
    rows.extend(section.missing().iter().filter_map(|missing| {
        let id = missing.item.clone()?;
        Some(PodIdentityRow {
            namespace: String::new(),
            service_account: String::new(),
            role_arn: None,
            target_role_arn: None,
            owner: None,
            mark: Mark::Unknown,
            because: format!("the association exists but could not be read: {}", missing.failure),
            pods: None,
            findings: Vec::new(),
            evidence: Evidence::new(DocumentRef::PodIdentityAssociation(id.clone()), ""),
            association_id: id,
        })
    }));
    rows.sort_by(|a, b| {
        let key =
            |row: &PodIdentityRow| (row.namespace.clone(), row.service_account.clone(), row.association_id.clone());
        key(a).cmp(&key(b))
    });
    rows
}

/// Why an association works for none of the pods that use it, if there are such and it is so: they run where it cannot.
fn on_no_pod(workloads: &Workloads<'_>, account: &Account<'_>) -> Option<String> {
    let uses = account.pods.iter().map(|pod| workloads.identities(pod));
    let mut uses = uses.filter(|it| it.in_force == InForce::PodIdentity).peekable();
    let first = uses.peek()?.answer.because.clone();
    uses.all(|it| it.answer.outcome == Outcome::Denied).then(|| format!("for none of its pods: {first}"))
}

fn association_row(workloads: &Workloads<'_>, it: &PodIdentityAssociation) -> Option<PodIdentityRow> {
    let account = workloads.account(&it.namespace, &it.service_account)?;
    let made;
    let judged = match &account.association {
        Some(judged) if judged.id == it.association_id => judged,
        _ => {
            made = workloads.judge(it);
            &made
        }
    };
    let service_accounts = &workloads.facts().0.service_accounts;
    let nobody = account.itself.is_none() && service_accounts.gap().is_none();
    let (mark, because) = match &workloads.ground().agent {
        _ if nobody => (
            Mark::Dead,
            format!("the cluster has no service account {}/{}; EKS does not check", it.namespace, it.service_account),
        ),
        Presence::Absent(why) if judged.answer.outcome != Outcome::Denied => (Mark::Dead, why.clone()),
        Presence::Unknown(why) if judged.answer.outcome == Outcome::Allowed => {
            (Mark::Unknown, format!("{}; {why}", judged.answer.because))
        }
        _ => match on_no_pod(workloads, account) {
            Some(why) if judged.answer.outcome == Outcome::Allowed => (Mark::Dead, why),
            _ => (mark(&judged.answer), judged.answer.because.clone()),
        },
    };
    Some(PodIdentityRow {
        namespace: it.namespace.clone(),
        service_account: it.service_account.clone(),
        association_id: it.association_id.clone(),
        role_arn: it.role_arn.clone(),
        target_role_arn: it.target_role_arn.clone(),
        owner: it.owner_arn.clone(),
        findings: of_association(workloads, it, judged, account),
        mark,
        because,
        pods: pods_of(workloads, account),
        evidence: Evidence::new(DocumentRef::PodIdentityAssociation(it.association_id.clone()), ""),
    })
}

/// The role that an ARN names, if it is there; else the state that follows.
fn role_of(resolver: &Resolver<'_>, arn: &str) -> Result<Principal, (Mark, String)> {
    let Ok((principal, None)) = Principal::from_arn(arn) else {
        return Err((Mark::Dead, "the annotation is not the ARN of a role".to_owned()));
    };
    if principal.kind != PrincipalKind::Role {
        return Err((Mark::Dead, format!("it names a {}, and only roles can be assumed", principal.kind)));
    }
    match resolver.existing(&principal) {
        Lookup::Found((real, _)) if real != arn => {
            Err((Mark::Dead, format!("no role has this ARN; the one of that name is {real}")))
        }
        Lookup::Found(_) => Ok(principal),
        Lookup::Absent => Err((Mark::Dead, "the role does not exist".to_owned())),
        Lookup::Unknown(Gap::Loading) => Err((Mark::Loading, "IAM is still being read".to_owned())),
        Lookup::Unknown(gap) => Err((Mark::Unknown, format!("its role is not known: {gap}"))),
    }
}

pub(super) fn roles(resolver: &Resolver<'_>) -> Vec<RoleRow> {
    let facts = resolver.facts().0;
    let mut rows = Vec::new();
    if let Some(cluster) = facts.cluster.value() {
        let status = cluster.status.clone().unwrap_or_default();
        let at = |path| Evidence::new(DocumentRef::Cluster, path);
        rows.push(role_row(resolver, RoleUse::Cluster, cluster.role_arn.as_deref(), &status, at("roleArn")));
        let node_role = cluster.compute_config.as_ref().and_then(|config| config.node_role_arn.as_deref());
        if node_role.is_some() {
            rows.push(role_row(resolver, RoleUse::AutoMode, node_role, &status, at("computeConfig.nodeRoleArn")));
        }
    }
    for it in facts.nodegroups.items() {
        let at = Evidence::new(DocumentRef::Nodegroup(it.nodegroup_name.clone()), "nodeRole");
        let status = it.status.as_deref().unwrap_or_default();
        rows.push(role_row(
            resolver,
            RoleUse::Nodegroup(it.nodegroup_name.clone()),
            it.node_role.as_deref(),
            status,
            at,
        ));
    }
    for it in facts.fargate_profiles.items() {
        let name = it.fargate_profile_name.clone();
        let at = Evidence::new(DocumentRef::FargateProfile(name.clone()), "podExecutionRoleArn");
        let status = it.status.as_deref().unwrap_or_default();
        rows.push(role_row(resolver, RoleUse::FargateProfile(name), it.pod_execution_role_arn.as_deref(), status, at));
    }
    for it in facts.addons.items().iter().filter(|it| it.service_account_role_arn.is_some()) {
        let at = Evidence::new(DocumentRef::Addon(it.addon_name.clone()), "serviceAccountRoleArn");
        let status = it.status.as_deref().unwrap_or_default();
        rows.push(role_row(
            resolver,
            RoleUse::Addon(it.addon_name.clone()),
            it.service_account_role_arn.as_deref(),
            status,
            at,
        ));
    }
    rows.sort_by(|a, b| a.used_by.cmp(&b.used_by));
    rows
}

/// A role that gets in joins nodes only under a node's name and in the nodes' group; Fargate's under the session's.
fn joins(used_by: &RoleUse, resolution: &Resolution) -> (Mark, String) {
    let kind = resolution.mapping.as_ref().and_then(|mapping| mapping.kind.clone());
    let by = resolution.mapping.as_ref().map_or_else(String::new, |mapping| {
        let kind = kind.as_ref().map(|kind| format!(" {kind}")).unwrap_or_default();
        format!("{}{kind}", mapping.source)
    });
    // What entries of Auto Mode's own type give is not documented; EKS sets them.
    if *used_by == RoleUse::AutoMode && kind.as_deref() == Some("EC2") {
        return (Mark::InForce, format!("joins through {by}"));
    }
    let Some(identity) = &resolution.identity else {
        return (Mark::Unknown, format!("gets in through {by}; as whom is not known"));
    };
    let node = identity.username.starts_with("system:node:") && identity.groups.iter().any(|it| it == "system:nodes");
    let by_instance = identity.username.contains("{{EC2PrivateDNSName}}");
    let fits = node && (by_instance != matches!(used_by, RoleUse::FargateProfile(_)));
    if fits {
        (Mark::InForce, format!("joins through {by}"))
    } else {
        let name = if identity.username.is_empty() { "an empty username" } else { identity.username.as_str() };
        let groups = if identity.groups.is_empty() { "no groups".to_owned() } else { identity.groups.join(", ") };
        (Mark::Dead, format!("{by} lets it in as {name} with {groups}, which is no node of this kind"))
    }
}

fn role_row(resolver: &Resolver<'_>, used_by: RoleUse, arn: Option<&str>, status: &str, evidence: Evidence) -> RoleRow {
    let principal = arn.and_then(meant);
    let mut verdict = Verdict::Unknown;
    let (mark, because) = match (&used_by, arn, &principal) {
        (_, None, _) => (Mark::Unknown, "EKS names no role for it".to_owned()),
        (_, Some(_), None) => (Mark::Dead, "it is not the ARN of a role".to_owned()),
        (RoleUse::Nodegroup(_) | RoleUse::FargateProfile(_) | RoleUse::AutoMode, Some(_), Some(principal)) => {
            let resolution = resolver.resolve(&Asked::principal(principal.clone()));
            verdict = resolution.verdict;
            match resolution.verdict {
                Verdict::Maps => joins(&used_by, &resolution),
                Verdict::DoesNotMap => (Mark::Dead, resolution.because),
                Verdict::Unknown => (Mark::Unknown, resolution.because),
            }
        }
        (RoleUse::Cluster | RoleUse::Addon(_), Some(arn), Some(_)) => match role_of(resolver, arn) {
            Ok(_) => (Mark::InForce, String::new()),
            Err(state) => state,
        },
    };
    RoleRow {
        findings: of_role(&used_by, verdict, mark, &because, &evidence),
        used_by,
        role_arn: arn.unwrap_or_default().to_owned(),
        principal,
        mark,
        because,
        status: status.to_owned(),
        evidence,
    }
}
