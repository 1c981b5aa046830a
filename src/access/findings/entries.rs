//! What is wrong with an access entry.

use super::Severity::{High, Low, Medium};
use super::{Finding, FindingId, MASTERS, list};
use crate::access::Mark;
use crate::access::catalog::namespace_matches;
use crate::access::identity::{Death, MappingSource, Resolution, Resolver};
use crate::access::node_roles::in_no_instance_profile;
use crate::model::mapping::{AccessEntry, ScopeKind};
use crate::model::principal::{Principal, PrincipalKind, permission_set};
use crate::model::snapshot::Evidence;
use crate::model::validation::entry::ROOT_ALONE;

/// The findings of one entry, given what became of it.
pub(crate) fn of_entry(
    resolver: &Resolver<'_>,
    (entry, principal): (&AccessEntry, &Principal),
    mark: Mark,
    because: &str,
    resolution: &Resolution,
    evidence: &Evidence,
) -> Vec<Finding> {
    let mut out = Vec::new();
    if let Some(death) = resolver.death_of(entry, principal) {
        // A dead entry has one thing wrong with it, and what else it says has no effect.
        out.push(dead(resolver, principal, death, because, evidence));
        return out;
    }
    if principal.kind == PrincipalKind::Root {
        out.push(Finding::new(Low, FindingId::EntryRootUser, ROOT_ALONE, evidence).at("principalArn"));
    }
    if mark == Mark::InForce {
        differs_from_row(resolver, entry, resolution, evidence, &mut out);
        grants_nothing(entry, evidence, &mut out);
    }
    unbound_groups(resolver, entry, evidence, &mut out);
    scopes(resolver, entry, evidence, &mut out);
    node_entries(resolver, entry, principal, evidence, &mut out);
    out.sort();
    out
}

fn dead(resolver: &Resolver<'_>, principal: &Principal, death: Death, because: &str, at: &Evidence) -> Finding {
    let newer = principal.permission_set().and_then(|set| {
        let same = |name: &str| name != principal.name && permission_set(name).is_some_and(|(it, _)| it == set);
        resolver.facts().1.roles.items().iter().find(|role| same(&role.role_name))
    });
    match (newer, death) {
        (Some(role), Death::Vanished) => Finding::new(
            Medium,
            FindingId::EntryPermissionSetReprovisioned,
            format!(
                "the permission set was provisioned anew as {}; this entry names the old role, which is gone",
                role.role_name
            ),
            at,
        ),
        (_, Death::Vanished) => Finding::new(Medium, FindingId::EntryVanishedPrincipal, because, at),
        (_, Death::Recreated | Death::OtherPath) => {
            let sentence = format!("{because}: delete the entry and make it again");
            Finding::new(Medium, FindingId::EntryRecreatedPrincipal, sentence, at)
        }
    }
}

fn differs_from_row(
    resolver: &Resolver<'_>,
    entry: &AccessEntry,
    resolution: &Resolution,
    at: &Evidence,
    out: &mut Vec<Finding>,
) {
    let Some(Some((_, auth))) = resolver.facts().0.aws_auth.value() else { return };
    if !matches!(resolution.mapping.as_ref().map(|it| &it.source), Some(MappingSource::AccessEntry { .. })) {
        return;
    }
    // Node entries lack the bootstrappers group that aws-auth rows of nodes have; that does no harm.
    let node = entry.kind != "STANDARD";
    let compared = |groups: &[String]| {
        let mut groups: Vec<String> =
            groups.iter().filter(|it| !node || *it != "system:bootstrappers").cloned().collect();
        groups.sort();
        groups
    };
    let own = compared(&entry.kubernetes_groups);
    for other in &resolution.others {
        let MappingSource::AwsAuth { key, index: Some(index) } = other.source else { continue };
        if other.state != crate::access::identity::OtherState::Shadowed {
            continue;
        }
        let Some(row) = auth.row(key, index) else { continue };
        if compared(&row.groups) != own {
            let severity = if row.groups.iter().any(|group| group == MASTERS) { Medium } else { Low };
            let sentence = format!(
                "aws-auth {} gives it other groups ({}); the entry wins, so that row has no effect unless the entry goes",
                row.place(),
                if row.groups.is_empty() { "none".to_owned() } else { list(&row.groups) }
            );
            out.push(Finding::new(severity, FindingId::EntryAndRowDiffer, sentence, at).at("kubernetesGroups"));
        }
    }
}

fn unbound_groups(resolver: &Resolver<'_>, entry: &AccessEntry, at: &Evidence, out: &mut Vec<Finding>) {
    let facts = resolver.facts().0;
    let (bindings, cluster_bindings) = (&facts.role_bindings, &facts.cluster_role_bindings);
    let whole = |gap: Option<_>, missing: usize| gap.is_none() && missing == 0;
    if !whole(bindings.gap(), bindings.missing().len())
        || !whole(cluster_bindings.gap(), cluster_bindings.missing().len())
    {
        return;
    }
    let bound = |group: &str| {
        bindings
            .items()
            .iter()
            .chain(cluster_bindings.items())
            .flat_map(|binding| &binding.subjects)
            .any(|subject| subject.kind == "Group" && subject.name == group)
    };
    // `system:` groups on node entries get their rights from the Node authorizer too.
    let unbound: Vec<String> = entry
        .kubernetes_groups
        .iter()
        .filter(|group| !group.starts_with("system:") && !bound(group))
        .cloned()
        .collect();
    if !unbound.is_empty() {
        let sentence = format!("no binding in the cluster mentions the group {}: it grants nothing", list(&unbound));
        out.push(Finding::new(Low, FindingId::EntryGroupUnbound, sentence, at).at("kubernetesGroups"));
    }
}

fn grants_nothing(entry: &AccessEntry, at: &Evidence, out: &mut Vec<Finding>) {
    let no_policies = entry.associated_access_policies.as_ref().is_some_and(Vec::is_empty);
    if entry.kind == "STANDARD" && entry.kubernetes_groups.is_empty() && no_policies {
        let sentence = "it has no groups and no access policies: it lets the principal in, to do no more than any \
                        authenticated user and what is bound to its username";
        out.push(Finding::new(Low, FindingId::EntryGrantsNothing, sentence, at));
    }
}

fn scopes(resolver: &Resolver<'_>, entry: &AccessEntry, at: &Evidence, out: &mut Vec<Finding>) {
    let namespaces = &resolver.facts().0.namespaces;
    if namespaces.gap().is_some() || !namespaces.missing().is_empty() {
        return;
    }
    for (index, policy) in entry.associated_access_policies.iter().flatten().enumerate() {
        if policy.access_scope.kind != ScopeKind::Namespace {
            continue;
        }
        let missing: Vec<String> = policy
            .access_scope
            .namespaces
            .iter()
            .filter(|pattern| !namespaces.items().iter().any(|it| namespace_matches(pattern, &it.metadata.name)))
            .cloned()
            .collect();
        if !missing.is_empty() {
            let sentence = format!(
                "the scope of {} names {}, which no namespace of the cluster matches; EKS does not check",
                policy.name(),
                list(&missing)
            );
            let finding = Finding::new(Medium, FindingId::ScopeNamespaceMissing, sentence, at);
            out.push(finding.at(format!("associatedAccessPolicies[{index}].accessScope.namespaces")));
        }
    }
}

fn node_entries(
    resolver: &Resolver<'_>,
    entry: &AccessEntry,
    principal: &Principal,
    at: &Evidence,
    out: &mut Vec<Finding>,
) {
    let facts = resolver.facts().0;
    if !matches!(entry.kind.as_str(), "EC2_LINUX" | "EC2_WINDOWS") || facts.nodegroups.gap().is_some() {
        return;
    }
    let same = |arn: &Option<String>| {
        arn.as_deref().and_then(crate::access::identity::meant).is_some_and(|p| p.key() == principal.key())
    };
    let groups: Vec<_> = facts.nodegroups.items().iter().filter(|group| same(&group.node_role)).collect();
    let windows = groups.iter().find(|group| group.ami_type.as_deref().is_some_and(|ami| ami.starts_with("WINDOWS")));
    if let (Some(group), "EC2_LINUX") = (windows, entry.kind.as_str()) {
        let sentence = format!(
            "node group {} runs Windows, and the entry is EC2_LINUX: without the group eks:kube-proxy-windows DNS fails on its nodes",
            group.nodegroup_name
        );
        out.push(Finding::new(High, FindingId::NodeEntryWindowsOnLinux, sentence, at).at("type"));
    }
    let auto_mode = facts
        .cluster
        .value()
        .and_then(|cluster| cluster.compute_config.as_ref())
        .is_some_and(|config| same(&config.node_role_arn));
    // A role in an instance profile is that of nodes that EKS does not manage: self-made ones, or Karpenter's.
    let unused = groups.is_empty() && facts.nodegroups.missing().is_empty() && !auto_mode;
    if unused && in_no_instance_profile(resolver, principal) {
        let sentence = "no managed node group uses this role and no instance profile holds it, so no machine can have it: \
                        a deleted node group left the entry behind";
        out.push(Finding::new(Low, FindingId::NodeEntryUnused, sentence, at));
    }
}
