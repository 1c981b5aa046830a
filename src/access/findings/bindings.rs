//! What is dangerous in what a binding grants, and who holds it.
//!
//! Decides which dangers of [`danger`](crate::access::permissions::danger) are worth a finding: those that hold in the whole
//! cluster, or in kube-system, where whoever has them has the cluster. Those that are limited to names were limited by
//! somebody. Who may write aws-auth is a control of the cluster's ([`crate::access::posture`]).

use super::Severity::{High, Low, Medium};
use super::{Finding, FindingId, Severity};
use crate::access::permissions::danger::{Danger, Found};
use crate::access::permissions::index::BindingAt;
use crate::access::permissions::{Grant, Held, Permissions, Via};
use crate::access::who::bound::{Carriers, name_some, stands_for_many, subjects_beside_system};
use crate::model::snapshot::Evidence;
use crate::model::workload::SYSTEM;

/// A binding that grants something dangerous.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DangerousBinding {
    /// The binding, by the first of its subjects that people or workloads can have.
    pub binding: Grant,
    /// What is dangerous.
    pub findings: Vec<Finding>,
}

/// The finding of a danger; `None` for one that many need for their work, or that is told elsewhere.
fn finding_id(danger: Danger) -> Option<FindingId> {
    match danger {
        Danger::Everything => Some(FindingId::RbacEverything),
        Danger::Impersonate => Some(FindingId::RbacImpersonate),
        Danger::Escalate => Some(FindingId::RbacEscalate),
        Danger::Bind => Some(FindingId::RbacBind),
        Danger::NodesProxy => Some(FindingId::RbacNodesProxy),
        Danger::Token => Some(FindingId::RbacTokens),
        Danger::Secrets => Some(FindingId::RbacSecrets),
        Danger::AwsAuth | Danger::Exec | Danger::Attach | Danger::PortForward => None,
    }
}

/// The bindings of a cluster that grant something dangerous to people or workloads, in the order of their names.
pub(crate) fn dangerous_bindings(permissions: &Permissions, carriers: &Carriers<'_>) -> Vec<DangerousBinding> {
    let index = permissions.index();
    let of_system = index.by_namespace.get(SYSTEM).into_iter().flatten().map(|at| BindingAt::Namespaced(*at));
    let mut all: Vec<DangerousBinding> =
        index.cluster_wide().chain(of_system).filter_map(|at| of_binding(permissions, at, carriers)).collect();
    all.sort_by(|a, b| a.binding.cmp(&b.binding));
    all
}

fn of_binding(permissions: &Permissions, at: BindingAt, carriers: &Carriers<'_>) -> Option<DangerousBinding> {
    let binding = permissions.index().binding(at)?;
    let subjects = subjects_beside_system(at, binding);
    let grant = permissions.grant_via(at, binding, subjects.first()?.clone());
    let held = Held { grant, rules: permissions.rules_of(at) };
    let dangers = permissions.dangers_of(std::slice::from_ref(&held));
    let impersonates = dangers.iter().any(|it| it.danger == Danger::Impersonate && it.names.is_none());
    let evidence = held.grant.evidence()?;
    let findings: Vec<Finding> = dangers
        .iter()
        .filter(|it| it.names.is_none())
        // Whoever acts as service accounts needs no tokens of theirs.
        .filter(|it| !(impersonates && it.danger == Danger::Token))
        .filter_map(|it| finding(it, &held.grant, &subjects, carriers, &evidence))
        .collect();
    (!findings.is_empty()).then_some(DangerousBinding { binding: held.grant, findings })
}

fn finding(
    found: &Found,
    grant: &Grant,
    subjects: &[Via],
    carriers: &Carriers<'_>,
    evidence: &Evidence,
) -> Option<Finding> {
    let id = finding_id(found.danger)?;
    let Grant::Binding { role, .. } = grant else { return None };
    let holders: Vec<String> = subjects.iter().map(|it| carriers.describe(it)).collect();
    let place = if found.namespaces.is_some() { format!("in {SYSTEM}") } else { "everywhere".to_owned() };
    let sentence = format!(
        "by {role}, each of its subjects {} {place}: {}",
        found.danger.sentence(found.namespaces.is_some()),
        name_some(&holders, "more")
    );
    Some(Finding::new(severity(found.danger, subjects), id, sentence, evidence))
}

/// What everybody has is worst. That people are administrators may well be meant; of a workload it is worth a look.
fn severity(danger: Danger, subjects: &[Via]) -> Severity {
    match danger {
        _ if subjects.iter().any(stands_for_many) => High,
        Danger::Everything if !subjects.iter().any(|it| matches!(it, Via::ServiceAccount { .. })) => Low,
        _ => Medium,
    }
}
