//! Rows of IRSA and Pod Identity. What `access::workload` judges of a binding is a row's mark.

use std::collections::BTreeSet;

use super::{IrsaRow, PodIdentityRow};
use crate::access::Mark;
use crate::access::Verdict;
use crate::access::findings::{of_association, of_irsa, of_trusting, subjects};
use crate::access::workload::{Account, Answer, Irsa, Workloads};
use crate::model::principal::{Principal, PrincipalKey};
use crate::model::snapshot::{DocumentRef, Evidence, Gap};
use crate::model::workload::{Pod, PodIdentityAssociation, ROLE_ARN_ANNOTATION};

pub(super) fn irsa(workloads: &Workloads<'_>) -> Vec<IrsaRow> {
    let mut rows = Vec::new();
    let mut named: BTreeSet<PrincipalKey> = BTreeSet::new();
    for ((namespace, name), account) in workloads.accounts() {
        if let Some(irsa) = &account.irsa {
            named.extend(irsa.role.as_ref().map(Principal::key));
            rows.push(annotated_row(workloads, (namespace, name), account, irsa));
        } else if account.itself.is_some_and(|it| it.has_empty_role_arn()) {
            rows.push(empty_row(workloads, (namespace, name), account));
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
        Verdict::Unknown if answer.loading => Mark::Loading,
        verdict => verdict.mark(),
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
        let answer = workloads.new_pod(key, account, None).answer;
        (mark(&answer), answer.because)
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

/// A service account with an empty annotation, which the webhook takes for none.
fn empty_row(workloads: &Workloads<'_>, key: (&str, &str), account: &Account<'_>) -> IrsaRow {
    let evidence = of_annotation(key.0, key.1);
    IrsaRow {
        namespace: key.0.to_owned(),
        service_account: key.1.to_owned(),
        role_arn: String::new(),
        annotated: true,
        subjects: Vec::new(),
        mark: Mark::Dead,
        because: "the annotation is empty, which the webhook takes for none: new pods get no role by it".to_owned(),
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
    let unread = workloads.facts().0.service_accounts.gap().filter(|_| account.itself.is_none());
    let (mark, because) = match unread {
        Some(gap) => {
            let mark = if gap == Gap::Loading { Mark::Loading } else { Mark::Unknown };
            (
                mark,
                format!(
                    "its pods carry the annotation, where nothing reads it; whether the service account does: {gap}"
                ),
            )
        }
        None => (
            Mark::Dead,
            "its pods carry the annotation, where nothing reads it, and the service account does not".to_owned(),
        ),
    };
    Some(IrsaRow {
        namespace: namespace.to_owned(),
        service_account: name.to_owned(),
        role_arn,
        annotated: false,
        subjects: Vec::new(),
        mark,
        because,
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
    let mut places: Vec<usize> = workloads.trusting(&provider).map(|it| it.role).collect();
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
    let key = (it.namespace.as_str(), it.service_account.as_str());
    let answer = workloads.association_for_new_pods(key, account, judged);
    Some(PodIdentityRow {
        namespace: it.namespace.clone(),
        service_account: it.service_account.clone(),
        association_id: it.association_id.clone(),
        role_arn: it.role_arn.clone(),
        target_role_arn: it.target_role_arn.clone(),
        owner: it.owner_arn.clone(),
        findings: of_association(workloads, it, judged, account),
        mark: mark(&answer),
        because: answer.because,
        pods: pods_of(workloads, account),
        evidence: Evidence::new(DocumentRef::PodIdentityAssociation(it.association_id.clone()), ""),
    })
}
