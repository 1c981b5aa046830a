//! Which policies a role has of those that it needs, and which are wider than that.
//!
//! Decides by ARN first; where a required policy is not attached, by whether another one that can be read allows what
//! it is needed for. What is given so may be taken again: by an explicit Deny of another policy, or by a boundary that
//! does not allow it. What holds on a condition or for some resources only is neither given nor missing: it is open.
//! What a policy says to an action, and what AWS's own policies say that come without their documents, is
//! [`crate::access::iam`]'s: of those that are not known there, nobody can say what they give.
//! A policy that a new part needs is a [`Required`] here.

use std::sync::Arc;

use super::wide::wider;
use crate::access::Verdict;
use crate::access::findings::Severity;
use crate::access::iam::identity::ASSUME_FOR_POD;
use crate::access::iam::policy::{Applies, PolicySays, ask_policy};
use crate::access::iam::{ActionQuery, PolicyReader, PolicyText, Request, Target, managed};
use crate::model::role::RoleDetail;
use crate::model::snapshot::IamFacts;

/// What the CNI needs to give pods of an IPv6 cluster their addresses.
pub(crate) const ASSIGN_IPV6: &str = "ec2:AssignIpv6Addresses";
/// What nodeadm needs to check that an entry lets a hybrid node in.
pub(crate) const LIST_ACCESS_ENTRIES: &str = "eks:ListAccessEntries";

/// A policy that a part needs, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Required {
    /// The name of AWS's own policy; empty where one must write one.
    name: &'static str,
    /// AWS's policies that give the same and more.
    or: &'static [&'static str],
    /// What it is needed for, some of it.
    actions: &'static [&'static str],
    /// The path before its name.
    path: &'static str,
    /// Whether the part works without it.
    is_optional: bool,
}

const fn required(name: &'static str, or: &'static [&'static str], actions: &'static [&'static str]) -> Required {
    Required { name, or, actions, path: "", is_optional: false }
}

pub(super) const CLUSTER: Required =
    required("AmazonEKSClusterPolicy", &[], &["ec2:CreateSecurityGroup", "elasticloadbalancing:CreateLoadBalancer"]);
pub(super) const AUTO_MODE_CLUSTER: [Required; 5] = [
    CLUSTER,
    required("AmazonEKSComputePolicy", &[], &["ec2:CreateFleet", "ec2:RunInstances"]),
    required("AmazonEKSBlockStoragePolicy", &[], &["ec2:AttachVolume", "ec2:CreateVolume"]),
    required("AmazonEKSLoadBalancingPolicy", &[], &["elasticloadbalancing:CreateTargetGroup"]),
    required("AmazonEKSNetworkingPolicy", &[], &["ec2:CreateNetworkInterface"]),
];
pub(super) const WORKER: Required =
    required("AmazonEKSWorkerNodePolicy", &[], &["ec2:DescribeInstances", "eks:DescribeCluster", ASSUME_FOR_POD]);
pub(super) const MINIMAL_WORKER: Required =
    required("AmazonEKSWorkerNodeMinimalPolicy", &["AmazonEKSWorkerNodePolicy"], &[ASSUME_FOR_POD]);
const READ_ONLY: &str = "AmazonEC2ContainerRegistryReadOnly";
pub(super) const PULL: Required = required(
    "AmazonEC2ContainerRegistryPullOnly",
    &[READ_ONLY, "AmazonEC2ContainerRegistryPowerUser", "AmazonEC2ContainerRegistryFullAccess"],
    &["ecr:BatchGetImage", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer"],
);
pub(super) const CNI: Required = required(
    "AmazonEKS_CNI_Policy",
    &[],
    &["ec2:AssignPrivateIpAddresses", "ec2:AttachNetworkInterface", "ec2:CreateNetworkInterface"],
);
/// AWS has no policy for it.
pub(super) const CNI_IPV6: Required = required("", &[], &[ASSIGN_IPV6]);
pub(super) const EBS_CSI: Required = Required {
    path: "service-role/",
    ..required(
        "AmazonEBSCSIDriverPolicy",
        &["AmazonEBSCSIDriverPolicyV2", "AmazonEBSCSIDriverEKSClusterScopedPolicy"],
        &["ec2:AttachVolume", "ec2:CreateVolume"],
    )
};
pub(super) const EFS_CSI: Required = Required {
    path: "service-role/",
    ..required(
        "AmazonEFSCSIDriverPolicy",
        &["AmazonElasticFileSystemFullAccess"],
        &["elasticfilesystem:CreateAccessPoint", "elasticfilesystem:DescribeFileSystems"],
    )
};
pub(super) const FARGATE: Required = required(
    "AmazonEKSFargatePodExecutionRolePolicy",
    &[],
    &["ecr:BatchGetImage", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer"],
);
pub(super) const SSM_CORE: Required = required(
    "AmazonSSMManagedInstanceCore",
    &[],
    &["ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel"],
);
pub(super) const DESCRIBE_CLUSTER: Required = required("", &[], &["eks:DescribeCluster"]);
/// With it nodeadm checks, before a hybrid node joins, that an entry lets it in.
pub(super) const LIST_ENTRIES: Required = Required { is_optional: true, ..required("", &[], &[LIST_ACCESS_ENTRIES]) };

/// A required policy that is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covered {
    /// What is required, by ARN; an action where no policy of AWS is required.
    pub required: String,
    /// What gives it, by ARN or name.
    pub by: String,
}

/// A required policy that is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingPolicy {
    /// What is required, by ARN; an action where no policy of AWS is required.
    pub required: String,
    /// What nothing that could be read allows, of what it is needed for.
    pub lacks: Vec<&'static str>,
    /// Whether no policy of AWS is required, only its actions.
    pub is_by_action: bool,
    /// Is all of it lacking?
    pub wholly: bool,
    /// Whether the part works without it.
    pub is_optional: bool,
    /// What takes away again what is lacking, where something gives it: `own denies it`.
    pub taken: Option<String>,
    /// Attached policies that may give it, for nobody can say here what they give.
    pub perhaps_by: Vec<String>,
    /// The account's own policy of the same name, which is another.
    pub namesake: Option<String>,
}

/// A required policy of which it cannot be told whether it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenPolicy {
    /// What is required, by ARN; an action where no policy of AWS is required.
    pub required: String,
    /// On what it hangs.
    pub because: String,
}

/// A policy that gives more than the part needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WiderPolicy {
    /// By ARN, or the name of one that is inline.
    pub policy: String,
    /// How much it matters.
    pub severity: Severity,
    /// What it gives.
    pub gives: String,
}

/// What is found of a role's policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyCheck {
    /// Required and given.
    pub present: Vec<Covered>,
    /// Required and not given, as far as can be read.
    pub missing: Vec<MissingPolicy>,
    /// Required, and given or not.
    pub open: Vec<OpenPolicy>,
    /// More than is needed.
    pub wider: Vec<WiderPolicy>,
    /// Why nothing is known of them; empty where something is.
    pub unknown: String,
    /// What was not read and could only take away what is given; empty where nothing is.
    pub unverified: String,
}

/// Where a part's actions are used, as far as that is known.
pub(super) struct PolicyScope<'a> {
    /// The cluster's ARN: the resource of what is asked of EKS.
    pub(super) cluster: Option<&'a str>,
    /// A repository of ECR with a name that nobody gave: only a wildcard fits it.
    repository: String,
}

impl<'a> PolicyScope<'a> {
    pub(super) fn new(partition: &str, cluster: Option<&'a str>) -> Self {
        const ANY: &str = "\u{1}";
        PolicyScope { cluster, repository: format!("arn:{partition}:ecr:{ANY}:{ANY}:repository/{ANY}") }
    }

    /// On what the action is used. Of most actions that is not known, so that only `*` surely covers it.
    pub(super) fn target<'s>(&'s self, action: &'s str) -> Target<'s> {
        match (action.split_once(':'), self.cluster) {
            (Some(("eks" | "eks-auth", _)), Some(cluster)) => Target::Named(cluster),
            (Some(("ecr", verb)), _) if verb != "GetAuthorizationToken" => {
                Target::Unnamed { sample: Some(&self.repository), service: Some("ecr") }
            }
            // Told only of services whose actions keep to their own resources.
            (Some((service @ ("ec2" | "ecr" | "elasticloadbalancing"), _)), _) => {
                Target::Unnamed { sample: None, service: Some(service) }
            }
            _ => Target::ANY,
        }
    }
}

/// One policy of the role.
pub(super) struct HeldPolicy<'a> {
    /// Its ARN, or its name if it is inline.
    pub(super) name: &'a str,
    /// The name of a policy of AWS's own.
    pub(super) of_aws: Option<&'a str>,
    pub(super) text: Arc<PolicyText>,
}

impl HeldPolicy<'_> {
    fn is_unread(&self) -> bool {
        matches!(*self.text, PolicyText::Unread)
    }
}

/// What a role has, and what may take it away.
pub(super) struct PolicySet<'a> {
    pub(super) policies: Vec<HeldPolicy<'a>>,
    /// The policy beyond which nothing is given.
    pub(super) boundary: Option<HeldPolicy<'a>>,
    pub(super) scope: PolicyScope<'a>,
    /// What is known of a request of the role's.
    request: Request,
}

/// What becomes of one action that a part needs.
enum ActionOutcome<'a> {
    Given(&'a str),
    /// Something gives it, and this takes it away.
    Taken(String),
    Open(String),
    Lacking,
}

pub(super) fn check(
    role: &RoleDetail,
    iam: &IamFacts,
    partition: &str,
    cluster: Option<&str>,
    wanted: &[Required],
) -> PolicyCheck {
    let reader = PolicyReader::new(iam);
    let holds = holds(role, &reader, PolicyScope::new(partition, cluster));
    let mut found = PolicyCheck::default();
    for required in wanted {
        let Required { name, path, .. } = required;
        let arn = || format!("arn:{partition}:iam::aws:policy/{path}{name}");
        let own = if name.is_empty() { required.actions.join(", ") } else { arn() };
        let attached = holds.attached(required);
        if attached.is_some_and(|it| it.of_aws == Some(READ_ONLY)) && required.name == PULL.name {
            found.wider.push(WiderPolicy {
                policy: attached.map(|it| it.name.to_owned()).unwrap_or_default(),
                severity: Severity::Low,
                gives: format!("more than pulling images; {} is enough", PULL.name),
            });
        }
        holds.judge(required, attached, own, &mut found);
    }
    found.wider.extend(holds.policies.iter().filter_map(|it| wider(it, &holds)));
    found.unverified = holds.unverified(role, iam);
    found
}

fn holds<'a>(role: &'a RoleDetail, reader: &PolicyReader<'a>, scope: PolicyScope<'a>) -> PolicySet<'a> {
    let managed = |arn: &'a str| HeldPolicy { name: arn, of_aws: managed::name_of_aws(arn), text: reader.managed(arn) };
    let inline = role.role_policy_list.iter().map(|it| HeldPolicy {
        name: &it.policy_name,
        of_aws: None,
        text: reader.inline(it.policy_document.as_ref()),
    });
    let attached = role.attached_managed_policies.iter().map(|it| managed(&it.policy_arn));
    let boundary = role.permissions_boundary.as_ref();
    PolicySet {
        policies: attached.chain(inline).collect(),
        boundary: boundary.map(|it| managed(it.permissions_boundary_arn.as_deref().unwrap_or("of unknown name"))),
        scope,
        request: Request::iam(&role.arn).unwrap_or_else(|_| Request::unknown_identity()),
    }
}

impl PolicySet<'_> {
    /// The policy of AWS that gives all of it.
    fn attached(&self, required: &Required) -> Option<&HeldPolicy<'_>> {
        self.policies.iter().find(|it| it.of_aws.is_some_and(|name| is_enough(name, required)))
    }

    fn judge(&self, required: &Required, attached: Option<&HeldPolicy<'_>>, own: String, found: &mut PolicyCheck) {
        let outcomes: Vec<(&'static str, ActionOutcome<'_>)> =
            required.actions.iter().map(|action| (*action, self.outcome(action, required, attached))).collect();
        let lacking = |pick: fn(&ActionOutcome<'_>) -> bool| -> Vec<&'static str> {
            outcomes.iter().filter(|(_, outcome)| pick(outcome)).map(|(action, _)| *action).collect()
        };
        let taken = outcomes.iter().find_map(|(_, outcome)| match outcome {
            ActionOutcome::Taken(by) => Some(by.clone()),
            _ => None,
        });
        // What is surely taken away is missing, whatever may be given by what was not read.
        let lacks = match taken {
            Some(_) => lacking(|it| matches!(it, ActionOutcome::Taken(_))),
            None => lacking(|it| matches!(it, ActionOutcome::Lacking)),
        };
        if !lacks.is_empty() {
            let named =
                |it: &&HeldPolicy<'_>| !required.name.is_empty() && it.name.ends_with(&format!("/{}", required.name));
            let unread = || self.others().filter(|it| it.is_unread()).map(|it| it.name.to_owned());
            found.missing.push(MissingPolicy {
                required: own,
                is_by_action: required.name.is_empty(),
                wholly: lacks.len() == required.actions.len(),
                is_optional: required.is_optional,
                lacks,
                perhaps_by: if taken.is_some() { Vec::new() } else { unread().collect() },
                taken,
                namesake: self.others().find(named).map(|it| it.name.to_owned()),
            });
            return;
        }
        let open = outcomes.iter().find_map(|(action, outcome)| match outcome {
            ActionOutcome::Open(because) => Some(format!("{action}: {because}")),
            _ => None,
        });
        if let Some(because) = open {
            // Of what it can do without, it need not be known.
            found.open.extend((!required.is_optional).then_some(OpenPolicy { required: own, because }));
            return;
        }
        let mut by: Vec<&str> = Vec::new();
        by.extend(outcomes.iter().filter_map(|(_, outcome)| match outcome {
            ActionOutcome::Given(by) => Some(*by),
            _ => None,
        }));
        by.sort_unstable();
        by.dedup();
        found.present.push(Covered { required: own, by: by.join(", ") });
    }

    fn outcome<'a>(
        &'a self,
        action: &str,
        required: &Required,
        attached: Option<&'a HeldPolicy<'a>>,
    ) -> ActionOutcome<'a> {
        let (given, by) = match attached {
            Some(by) => (Applies::SURELY, by.name),
            None => self.given(action),
        };
        if given.truth == Verdict::No {
            return ActionOutcome::Lacking;
        }
        let (denied, denier) = self.denied(action);
        if denied.truth == Verdict::Yes {
            return ActionOutcome::Taken(format!("{denier} denies it"));
        }
        let (within, boundary) = match self.within(action, required) {
            Some(it) => it,
            None => (Verdict::Yes, String::new()),
        };
        match (within, denied.truth, given.truth) {
            (Verdict::No, ..) => ActionOutcome::Taken(boundary),
            (_, Verdict::Unknown, _) if denied.is_limited() => {
                ActionOutcome::Open(format!("{denier} denies it on a condition or for some resources"))
            }
            (_, Verdict::Unknown, _) => ActionOutcome::Open(format!("{denier} may deny it: {}", denied.why)),
            (Verdict::Unknown, ..) => ActionOutcome::Open(boundary),
            (.., Verdict::Unknown) if given.is_limited() => {
                ActionOutcome::Open(format!("{by} allows it on a condition or for some resources only"))
            }
            (.., Verdict::Unknown) => ActionOutcome::Open(format!("{by} may allow it: {}", given.why)),
            _ => ActionOutcome::Given(by),
        }
    }

    /// The policies of which it is not known by their names what they give.
    fn others(&self) -> impl Iterator<Item = &HeldPolicy<'_>> {
        // What AWS's known policies give is known without their documents: not this.
        self.policies.iter().filter(|it| !it.of_aws.is_some_and(managed::is_known))
    }

    fn ask(&self, policy: &HeldPolicy<'_>, action: &str) -> PolicySays {
        let query = ActionQuery::new(action, self.scope.target(action), &self.request);
        ask_policy(policy.of_aws.map(|_| policy.name), &policy.text, &query)
    }

    /// Which of the other policies gives the action, and how surely. What a policy that was not read may give is told
    /// beside what is missing.
    fn given(&self, action: &str) -> (Applies, &str) {
        let read = self.others().filter(|it| !it.is_unread());
        first_surest(read.map(|it| (self.ask(it, action).allows, it)))
    }

    /// Which policy denies the action, and how surely; `*` is every action. That one that was not read denies is left out.
    pub(super) fn denied(&self, action: &str) -> (Applies, &str) {
        let known = self.policies.iter().filter(|it| !it.is_unread() || it.of_aws.is_some());
        first_surest(known.map(|it| (self.ask(it, action).denies, it)))
    }

    /// Whether the boundary, if there is one, lets the action be given; and why it may not.
    fn within(&self, action: &str, required: &Required) -> Option<(Verdict, String)> {
        let boundary = self.boundary.as_ref()?;
        let name = boundary.name;
        if boundary.is_unread() {
            let is_enough = boundary.of_aws.is_some_and(|it| is_enough(it, required))
                || self.ask(boundary, action).allows.truth == Verdict::Yes;
            return Some(match is_enough {
                true => (Verdict::Yes, String::new()),
                false => (Verdict::Unknown, format!("its permissions boundary {name} was not read")),
            });
        }
        let PolicySays { allows, denies } = self.ask(boundary, action);
        Some(match (denies.truth, allows.truth) {
            (Verdict::Yes, _) => (Verdict::No, format!("its permissions boundary {name} denies it")),
            (_, Verdict::No) => (Verdict::No, format!("its permissions boundary {name} does not allow it")),
            (Verdict::No, Verdict::Yes) => (Verdict::Yes, String::new()),
            _ => {
                let open = if denies.truth == Verdict::Unknown { denies } else { allows };
                let why = match open.is_limited() {
                    true => format!("its permissions boundary {name} limits it to a condition or to some resources"),
                    false => format!("its permissions boundary {name} may not allow it: {}", open.why),
                };
                (Verdict::Unknown, why)
            }
        })
    }

    /// What was not read, of which little is to be feared: a Deny, or a boundary.
    fn unverified(&self, role: &RoleDetail, iam: &IamFacts) -> String {
        let unread = |it: &&HeldPolicy<'_>| it.of_aws.is_none() && it.is_unread();
        if let Some(it) = self.policies.iter().find(unread) {
            return format!("{} was not read, and may deny what the others allow", it.name);
        }
        // Lists of roles come without boundaries; the sweep and a role asked for by itself have them.
        let asked = iam.asked_roles.get(&role.role_name.to_lowercase()).is_some_and(|it| matches!(it, Ok(Some(_))));
        let gap = iam.policies.gap().filter(|_| self.boundary.is_none() && !asked);
        gap.map(|gap| format!("whether it has a permissions boundary is not known: {gap}")).unwrap_or_default()
    }
}

/// What says it most surely; of several the first.
fn first_surest<'a>(all: impl Iterator<Item = (Applies, &'a HeldPolicy<'a>)>) -> (Applies, &'a str) {
    all.fold((Applies::NOT, ""), |best, (says, it)| if says.truth > best.0.truth { (says, it.name) } else { best })
}

/// Does a policy of AWS give all that is required?
fn is_enough(name: &str, required: &Required) -> bool {
    name == required.name || required.or.contains(&name) || managed::gives_any_part(name)
}

#[cfg(test)]
mod tests;
