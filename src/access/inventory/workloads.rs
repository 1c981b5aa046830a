//! Rows of IRSA and Pod Identity. Whether a role exists and whom its trust policy names is looked at; its conditions
//! are not.

use super::{IrsaRow, PodIdentityRow};
use crate::access::Mark;
use crate::access::findings::{of_association, of_irsa, trust_names};
use crate::access::identity::Resolver;
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::snapshot::{DocumentRef, Evidence, Gap, Lookup};
use crate::model::workload::{PodIdentityAssociation, ServiceAccount};

pub(super) fn irsa(resolver: &Resolver<'_>) -> Vec<IrsaRow> {
    let mut rows: Vec<IrsaRow> = resolver
        .facts()
        .0
        .service_accounts
        .items()
        .iter()
        .filter_map(|it| it.role_arn().map(|arn| irsa_row(resolver, it, arn)))
        .collect();
    rows.sort_by(|a, b| (&a.namespace, &a.service_account).cmp(&(&b.namespace, &b.service_account)));
    rows
}

fn irsa_row(resolver: &Resolver<'_>, it: &ServiceAccount, role_arn: &str) -> IrsaRow {
    let facts = resolver.facts().0;
    let namespace = it.metadata.namespace.clone().unwrap_or_default();
    let name = it.metadata.name.clone();
    let document = DocumentRef::ServiceAccount(namespace.clone(), name.clone());
    let evidence = Evidence::new(document, "metadata.annotations[\"eks.amazonaws.com/role-arn\"]");
    let associated =
        facts.pod_identity_associations.items().iter().any(|a| a.namespace == namespace && a.service_account == name);
    let associations = &facts.pod_identity_associations;
    let (mark, because) = if associated {
        let why = "a Pod Identity association of the same service account takes over in pods made after it";
        (Mark::Shadowed, why.to_owned())
    } else {
        match (irsa_state(resolver, role_arn), associations.gap()) {
            ((Mark::Unverified, because), Some(gap)) => {
                (Mark::Unknown, format!("{because}; whether a Pod Identity association takes over: {gap}"))
            }
            (state, _) => state,
        }
    };
    let pods = pods_of(resolver, &namespace, &name);
    IrsaRow {
        findings: of_irsa(mark, &because, pods, &evidence),
        namespace,
        service_account: name,
        role_arn: role_arn.to_owned(),
        mark,
        because,
        pods,
        evidence,
    }
}

fn irsa_state(resolver: &Resolver<'_>, role_arn: &str) -> (Mark, String) {
    let (facts, iam) = resolver.facts();
    let role = match role_of(resolver, role_arn) {
        Ok(role) => role,
        Err(state) => return state,
    };
    let Some(issuer) = facts.cluster.value().and_then(|cluster| cluster.issuer()) else {
        return (Mark::Unknown, "the cluster's OIDC issuer is not known".to_owned());
    };
    let host = issuer.trim_start_matches("https://");
    let provider = format!("arn:{}:iam::{}:oidc-provider/{host}", role.partition, role.account);
    let found = iam.oidc_providers.lookup(|it| it.arn == provider, |arn| arn == provider);
    if found == Lookup::Absent {
        return (Mark::Dead, format!("account {} has no OIDC provider for this cluster ({host})", role.account));
    }
    let Lookup::Found(detail) = iam.role(&role.account, &role.name) else {
        return (Mark::Unknown, "its role was not read".to_owned());
    };
    match &detail.assume_role_policy_document {
        None => (Mark::Unknown, "its role's trust policy was not read".to_owned()),
        Some(trust) if !trust_names(trust, "Federated", &provider, "sts:AssumeRoleWithWebIdentity") => (
            Mark::Dead,
            "the role's trust policy does not let this cluster's OIDC provider assume it with a web identity"
                .to_owned(),
        ),
        Some(_) => match found {
            Lookup::Unknown(gap) => (Mark::Unknown, format!("whether the OIDC provider exists: {gap}")),
            _ => (
                Mark::Unverified,
                "the role trusts this cluster's provider; the trust conditions are not evaluated".to_owned(),
            ),
        },
    }
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

fn pods_of(resolver: &Resolver<'_>, namespace: &str, service_account: &str) -> Option<usize> {
    let pods = &resolver.facts().0.pods;
    if pods.gap().is_some() {
        return None;
    }
    let ended = |pod: &crate::model::workload::Pod| {
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        matches!(phase, Some("Succeeded" | "Failed"))
    };
    let runs_as = |pod: &&crate::model::workload::Pod| {
        !ended(pod)
            && pod.metadata.namespace.as_deref() == Some(namespace)
            && pod.spec.service_account_name.as_deref().unwrap_or("default") == service_account
    };
    Some(pods.items().iter().filter(runs_as).count())
}

pub(super) fn pod_identity(resolver: &Resolver<'_>) -> Vec<PodIdentityRow> {
    let section = &resolver.facts().0.pod_identity_associations;
    let mut rows: Vec<PodIdentityRow> = section.items().iter().map(|it| association_row(resolver, it)).collect();
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

fn association_row(resolver: &Resolver<'_>, it: &PodIdentityAssociation) -> PodIdentityRow {
    let evidence = Evidence::new(DocumentRef::PodIdentityAssociation(it.association_id.clone()), "");
    let (mark, because) = association_state(resolver, it);
    let pods = pods_of(resolver, &it.namespace, &it.service_account);
    PodIdentityRow {
        namespace: it.namespace.clone(),
        service_account: it.service_account.clone(),
        association_id: it.association_id.clone(),
        role_arn: it.role_arn.clone(),
        target_role_arn: it.target_role_arn.clone(),
        owner: it.owner_arn.clone(),
        findings: of_association(mark, &because, pods, &evidence),
        mark,
        because,
        pods,
        evidence,
    }
}

fn association_state(resolver: &Resolver<'_>, it: &PodIdentityAssociation) -> (Mark, String) {
    let (facts, iam) = resolver.facts();
    let accounts = &facts.service_accounts;
    let is_it = |sa: &ServiceAccount| {
        sa.metadata.namespace.as_deref() == Some(&it.namespace) && sa.metadata.name == it.service_account
    };
    if accounts.lookup(is_it, |_| false) == Lookup::Absent {
        let why =
            format!("the cluster has no service account {}/{}; EKS does not check", it.namespace, it.service_account);
        return (Mark::Dead, why);
    }
    let Some(arn) = it.role_arn.as_deref() else {
        return (Mark::Unknown, "its role was not read".to_owned());
    };
    let role = match role_of(resolver, arn) {
        Ok(role) => role,
        Err(state) => return state,
    };
    let Lookup::Found(detail) = iam.role(&role.account, &role.name) else {
        return (Mark::Unknown, "its role was not read".to_owned());
    };
    let Some(trust) = &detail.assume_role_policy_document else {
        return (Mark::Unknown, "its role's trust policy was not read".to_owned());
    };
    const SERVICE: &str = "pods.eks.amazonaws.com";
    if !trust_names(trust, "Service", SERVICE, "sts:AssumeRole") {
        return (Mark::Dead, format!("the role's trust policy does not let {SERVICE} assume it"));
    }
    if !trust_names(trust, "Service", SERVICE, "sts:TagSession") && it.disable_session_tags != Some(true) {
        return (
            Mark::Dead,
            format!("the role's trust policy does not let {SERVICE} tag the session (sts:TagSession)"),
        );
    }
    (Mark::Unverified, format!("the role trusts {SERVICE}; the trust conditions are not evaluated"))
}
