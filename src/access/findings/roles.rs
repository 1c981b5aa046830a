//! What is wrong with a role that the cluster or a part of it uses.

use super::Severity::{High, Low, Medium};
use super::{Finding, FindingId, Remedy};
use crate::access::Mark;
use crate::access::Verdict;
use crate::access::iam::identity::ASSUME_FOR_POD;
use crate::access::role_use::RoleUse;
use crate::access::service_role::{ASSIGN_IPV6, LIST_ACCESS_ENTRIES, MissingPolicy, PolicyCheck, RoleCheck};
use crate::model::principal::Principal;
use crate::model::snapshot::{DocumentRef, Evidence};

/// All that is known of one use of a role.
pub(crate) struct RoleFacts<'a> {
    pub(crate) used_by: &'a RoleUse,
    pub(crate) principal: Option<&'a Principal>,
    /// Of the mapping, for parts that must get in.
    pub(crate) verdict: Verdict,
    /// How it gets in, or whether it is there.
    pub(crate) place: &'a (Mark, String),
    pub(crate) check: Option<&'a RoleCheck>,
    pub(crate) shared_with: &'a [RoleUse],
    pub(crate) evidence: &'a Evidence,
    /// What would let it in, where it must get in and does not.
    pub(crate) remedy: Vec<Remedy>,
}

/// The findings of a role that the cluster or a part of it uses.
pub(crate) fn of_role(role: &RoleFacts<'_>) -> Vec<Finding> {
    let mut out = Vec::new();
    place(role, &mut out);
    if let Some(check) = role.check {
        trust(role, check, &mut out);
        policies(role, &check.policies, &mut out);
    }
    shared(role, &mut out);
    out.sort();
    out
}

fn place(role: &RoleFacts<'_>, out: &mut Vec<Finding>) {
    let (mark, because) = role.place;
    if *mark != Mark::Dead {
        return;
    }
    let known = matches!(role.verdict, Verdict::No | Verdict::Yes);
    let (severity, id, what) = match role.used_by {
        RoleUse::Nodegroup(_) | RoleUse::AutoMode | RoleUse::NodeClass(_) | RoleUse::SelfManaged(_) if known => {
            (High, FindingId::NodeRoleUnmapped, "its nodes cannot join")
        }
        RoleUse::Hybrid(_) if known => (High, FindingId::NodeRoleUnmapped, "its nodes cannot join"),
        RoleUse::FargateProfile(_) if known => (High, FindingId::FargateRoleUnmapped, "its pods cannot start"),
        RoleUse::Capability(_) if known => {
            (Medium, FindingId::CapabilityRoleUnmapped, "it can do nothing in the cluster")
        }
        _ => {
            out.push(Finding::new(Medium, FindingId::RoleMissing, because.clone(), role.evidence));
            return;
        }
    };
    let found = Finding::new(severity, id, format!("{what}: {because}"), role.evidence);
    out.push(found.with(role.remedy.iter().cloned()));
}

fn of_iam(role: &RoleFacts<'_>, path: &str) -> Evidence {
    match role.principal {
        Some(principal) => Evidence::new(DocumentRef::IamRole(principal.name.clone()), path),
        None => role.evidence.clone(),
    }
}

fn trust(role: &RoleFacts<'_>, check: &RoleCheck, out: &mut Vec<Finding>) {
    let Some(trust) = check.trust.as_ref().filter(|it| it.verdict == Verdict::No) else { return };
    let (severity, so) = match role.used_by {
        RoleUse::Cluster => (High, "EKS cannot run the cluster with it"),
        RoleUse::FargateProfile(_) => (High, "its pods cannot start"),
        RoleUse::Addon(_) | RoleUse::AddonPodIdentity(_) => (Medium, "the add-on has no AWS credentials"),
        RoleUse::Capability(_) => (Medium, "the capability has no AWS credentials"),
        _ => (High, "its machines get no credentials and cannot join"),
    };
    let sentence = format!("{} cannot assume it, so {so}: {}", trust.who, trust.because);
    out.push(Finding::new(severity, FindingId::RoleTrust, sentence, &of_iam(role, "AssumeRolePolicyDocument")));
}

fn policies(role: &RoleFacts<'_>, check: &PolicyCheck, out: &mut Vec<Finding>) {
    let attached = of_iam(role, "AttachedManagedPolicies");
    for missing in &check.missing {
        let name = crate::model::words::last_part(&missing.required);
        if let Some(namesake) = &missing.namesake {
            let sentence = format!("{namesake} is the account's own policy and not AWS's {name}, whose name it has");
            out.push(Finding::new(Low, FindingId::RolePolicyNamesake, sentence, &attached));
        }
        // What nobody could read may give it.
        if !missing.perhaps_by.is_empty() {
            continue;
        }
        let sentence = if let Some(taken) = &missing.taken {
            let rest = missing.lacks.join(", ");
            format!("what {name} is for, {rest}, is taken from it again: {taken}{}", consequence(missing))
        } else if missing.wholly && missing.is_by_action {
            format!("no policy of it gives {}{}", missing.required, consequence(missing))
        } else if missing.wholly {
            format!("it lacks {name}, and no other policy of it gives {}", missing.lacks.join(", "))
        } else {
            let rest = missing.lacks.join(", ");
            format!("{name} is not attached, and what stands in for it does not give {rest}{}", consequence(missing))
        };
        let severity = if missing.is_optional { Low } else { Medium };
        out.push(Finding::new(severity, FindingId::RolePolicyMissing, sentence, &attached));
    }
    for wider in &check.wider {
        let id = if wider.severity == Low { FindingId::RoleRegistryWide } else { FindingId::RoleTooWide };
        let sentence =
            format!("{} gives it {}{}", wider.policy, wider.gives, reach(role.used_by, wider.severity == Low));
        out.push(Finding::new(wider.severity, id, sentence, &attached));
    }
}

fn consequence(missing: &MissingPolicy) -> &'static str {
    let lacks = |action| missing.lacks.contains(&action);
    if lacks(ASSUME_FOR_POD) {
        ": Pod Identity does not work on its nodes"
    } else if lacks(ASSIGN_IPV6) {
        ": the cluster is of the IPv6 family, for which AmazonEKS_CNI_Policy is not enough, and its pods get no addresses"
    } else if lacks(LIST_ACCESS_ENTRIES) {
        ": nodeadm cannot check whether the cluster lets the node in, unless that check is skipped"
    } else {
        ""
    }
}

/// Who else has what the role has.
fn reach(used_by: &RoleUse, harmless: bool) -> &'static str {
    match used_by {
        _ if harmless => "",
        RoleUse::AutoMode | RoleUse::NodeClass(_) | RoleUse::Nodegroup(_) | RoleUse::SelfManaged(_) => {
            ", and to every pod that reaches its node's metadata service"
        }
        RoleUse::Hybrid(_) => ", and to whoever is root on one of its machines",
        _ => "",
    }
}

/// EKS takes no role for both; where it stands so all the same, one of the two does not work or has too much.
fn shared(role: &RoleFacts<'_>, out: &mut Vec<Finding>) {
    let is_node = |it: &RoleUse| {
        matches!(it, RoleUse::Nodegroup(_) | RoleUse::AutoMode | RoleUse::NodeClass(_) | RoleUse::SelfManaged(_))
    };
    let clash = |other: &&RoleUse| match role.used_by {
        RoleUse::Cluster | RoleUse::FargateProfile(_) => is_node(other),
        RoleUse::Capability(_) | RoleUse::Addon(_) | RoleUse::AddonPodIdentity(_) => {
            is_node(other) || **other == RoleUse::Cluster
        }
        _ => false,
    };
    let others: Vec<String> = role.shared_with.iter().filter(clash).map(ToString::to_string).collect();
    if !others.is_empty() {
        let sentence = format!(
            "the same role is that of {}: each needs one of its own, lest the nodes have what it may do",
            others.join(", ")
        );
        out.push(Finding::new(Medium, FindingId::RoleShared, sentence, role.evidence));
    }
}
