//! What is wrong with a workload's role, and with the roles of the cluster's parts.
//!
//! The rules of either mechanism are in `irsa` (with `trust_shape`) and `pod_identity`; here they are put together for a
//! row, a service account or a pod.

use super::Severity::{Low, Medium};
use super::{Finding, FindingId, irsa, pod_identity, trust_shape};
use crate::access::workload::{Account, Association, Trust, Workloads};
use crate::model::principal::Principal;
use crate::model::snapshot::{DocumentRef, Evidence, Lookup};
use crate::model::workload::{Pod, PodIdentityAssociation};

/// The findings of a service account with an IRSA annotation, or whose pods carry one.
pub(crate) fn of_irsa(
    workloads: &Workloads<'_>,
    (namespace, name): (&str, &str),
    account: &Account<'_>,
    evidence: &Evidence,
) -> Vec<Finding> {
    let mut out = irsa::of_account(workloads, (namespace, name), account, &account.pods);
    if let Some(irsa) = &account.irsa {
        unfilled_variables(workloads, irsa.role.as_ref(), &mut out);
        unused(workloads, account, "no running pod uses this service account", evidence, &mut out);
    }
    sorted(out)
}

/// The findings of a Pod Identity association.
pub(crate) fn of_association(
    workloads: &Workloads<'_>,
    it: &PodIdentityAssociation,
    judged: &Association,
    account: &Account<'_>,
) -> Vec<Finding> {
    let mut out = pod_identity::of_association(workloads, it, judged, account, &account.pods);
    // Variables set by hand keep the association from its turn; what else is wrong with IRSA is the annotation's.
    let by_hand = irsa::of_account(workloads, (&it.namespace, &it.service_account), account, &account.pods);
    out.extend(by_hand.into_iter().filter(|it| matches!(it.id, FindingId::IrsaEnvPreset | FindingId::IrsaSkipped)));
    unfilled_variables(workloads, judged.role.as_ref(), &mut out);
    if account.itself.is_some() {
        let evidence = pod_identity::of_document(it, "");
        unused(workloads, account, "no running pod uses its service account", &evidence, &mut out);
    }
    sorted(out)
}

/// Variables in the resources of a role's policies that a template was to fill in, and did not.
fn unfilled_variables(workloads: &Workloads<'_>, role: Option<&Principal>, out: &mut Vec<Finding>) {
    let Some((role, Lookup::Found(trust))) = role.map(|it| (it, workloads.trust(it))) else { return };
    for (policy, statement, resource, variable) in workloads.unfilled_variables(trust.detail) {
        let why = format!(
            "policy {policy} of role {}: Statement[{statement}] names {resource}, and ${{{variable}}} is no context key of \
             IAM: nothing fills it in, and the statement names nothing that exists",
            role.name
        );
        let evidence = Evidence::new(DocumentRef::IamRole(role.name.clone()), "RolePolicyList");
        out.push(Finding::new(Medium, FindingId::RolePolicyVariable, why, &evidence));
    }
}

fn unused(workloads: &Workloads<'_>, account: &Account<'_>, why: &str, evidence: &Evidence, out: &mut Vec<Finding>) {
    if workloads.pods_gap().is_none() && account.pods.is_empty() {
        out.push(Finding::new(Low, FindingId::WorkloadUnused, why, evidence));
    }
}

/// The findings of a role that trusts this cluster's issuer, whoever uses it.
pub(crate) fn of_trusting(workloads: &Workloads<'_>, trust: &Trust<'_>, role: &Principal) -> Vec<Finding> {
    sorted(trust_shape::of_trust(workloads, trust, role))
}

/// All findings of a service account by either mechanism, as far as they concern these of its pods.
pub(crate) fn of_workload(
    workloads: &Workloads<'_>,
    namespace: &str,
    name: &str,
    account: Option<&Account<'_>>,
    pods: &[&Pod],
) -> Vec<Finding> {
    let Some(account) = account else { return Vec::new() };
    let mut out = irsa::of_account(workloads, (namespace, name), account, pods);
    if let (Some(it), Some(judged)) = (account.associations.first(), &account.association) {
        let own = pod_identity::of_association(workloads, it, judged, account, pods);
        // That there are both is said once.
        out.extend(own.into_iter().filter(|it| it.id != FindingId::IrsaAndPodIdentity));
        unfilled_variables(workloads, judged.role.as_ref(), &mut out);
    } else if let Some(irsa) = &account.irsa {
        unfilled_variables(workloads, irsa.role.as_ref(), &mut out);
    }
    sorted(out)
}

fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort();
    findings.dedup();
    findings
}
