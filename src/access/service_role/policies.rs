//! Which policies a role has of those that it needs, and which are wider than that.
//!
//! Decides by ARN first; where a required policy is not attached, by whether another one that can be read allows what
//! it is needed for. What is given so may be taken again: by an explicit Deny of another policy, or by a boundary that
//! does not allow it. What holds on a condition or for some resources only is neither given nor missing: it is open.
//! AWS's own policies come without their documents: of those that are not known here, nobody can say what they give.
//! A policy that a new part needs is a [`Required`] here.

use serde_json::Value;

use super::said::{Ground, Say, as_json, says};
use super::wide::wider;
use crate::access::findings::Severity;
use crate::model::role::RoleDetail;
use crate::model::snapshot::IamFacts;
use crate::model::words::last_part;

/// A policy that a part needs, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Required {
    /// The name of AWS's own policy; empty where one must write one.
    name: &'static str,
    /// AWS's policies that give the same and more.
    or: &'static [&'static str],
    /// What it is needed for, some of it.
    actions: &'static [&'static str],
}

const fn required(name: &'static str, or: &'static [&'static str], actions: &'static [&'static str]) -> Required {
    Required { name, or, actions }
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
pub(super) const WORKER: Required = required(
    "AmazonEKSWorkerNodePolicy",
    &[],
    &["ec2:DescribeInstances", "eks:DescribeCluster", "eks-auth:AssumeRoleForPodIdentity"],
);
pub(super) const MINIMAL_WORKER: Required = required(
    "AmazonEKSWorkerNodeMinimalPolicy",
    &["AmazonEKSWorkerNodePolicy"],
    &["eks-auth:AssumeRoleForPodIdentity"],
);
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

/// AWS's policies of which it is known here what they give, beside those above.
const KNOWN: [&str; 9] = [
    "AmazonEKSClusterPolicy",
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKSWorkerNodeMinimalPolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    READ_ONLY,
    "AmazonEKS_CNI_Policy",
    "AmazonEKSFargatePodExecutionRolePolicy",
    "AmazonSSMManagedInstanceCore",
    "AmazonEKSVPCResourceController",
];

/// AWS's policies that give what any part needs.
const EVERYTHING: [&str; 2] = ["AdministratorAccess", "PowerUserAccess"];
/// AWS's policies that forbid everything.
const NOTHING: [&str; 1] = ["AWSDenyAll"];

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
    /// Is all of it lacking?
    pub wholly: bool,
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

/// One policy of the role.
pub(super) struct Held<'a> {
    /// Its ARN, or its name if it is inline.
    pub(super) name: &'a str,
    /// The name of a policy of AWS's own.
    pub(super) of_aws: Option<&'a str>,
    pub(super) document: Option<Value>,
}

/// What a role has, and what may take it away.
pub(super) struct Holds<'a> {
    pub(super) policies: Vec<Held<'a>>,
    /// The policy beyond which nothing is given.
    pub(super) boundary: Option<Held<'a>>,
    pub(super) ground: Ground<'a>,
}

/// What becomes of one action that a part needs.
enum Fate<'a> {
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
    let holds = holds(role, iam, Ground { partition, cluster });
    let mut found = PolicyCheck::default();
    for required in wanted {
        let arn = |name: &str| format!("arn:{partition}:iam::aws:policy/{name}");
        let own = if required.name.is_empty() { required.actions.join(", ") } else { arn(required.name) };
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

fn holds<'a>(role: &'a RoleDetail, iam: &'a IamFacts, ground: Ground<'a>) -> Holds<'a> {
    let managed = |arn: &'a str| Held {
        name: arn,
        of_aws: name_of_aws(arn),
        document: iam.policy_document(arn).and_then(as_json),
    };
    let inline = role.role_policy_list.iter().map(|it| Held {
        name: &it.policy_name,
        of_aws: None,
        document: it.policy_document.as_ref().and_then(as_json),
    });
    let attached = role.attached_managed_policies.iter().map(|it| managed(&it.policy_arn));
    let boundary = role.permissions_boundary.as_ref();
    Holds {
        policies: attached.chain(inline).collect(),
        boundary: boundary.map(|it| managed(it.permissions_boundary_arn.as_deref().unwrap_or("of unknown name"))),
        ground,
    }
}

/// `AmazonEKSClusterPolicy` for `arn:aws:iam::aws:policy/AmazonEKSClusterPolicy`.
fn name_of_aws(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let (service, account, resource) = (parts.nth(2)?, parts.nth(1)?, parts.next()?);
    let name = resource.strip_prefix("policy/")?;
    (service == "iam" && account == "aws").then(|| last_part(name))
}

impl Holds<'_> {
    /// The policy of AWS that gives all of it.
    fn attached(&self, required: &Required) -> Option<&Held<'_>> {
        self.policies.iter().find(|it| it.of_aws.is_some_and(|name| is_enough(name, required)))
    }

    fn judge(&self, required: &Required, attached: Option<&Held<'_>>, own: String, found: &mut PolicyCheck) {
        let fates: Vec<(&'static str, Fate<'_>)> =
            required.actions.iter().map(|action| (*action, self.fate(action, required, attached))).collect();
        let lacking = |pick: fn(&Fate<'_>) -> bool| -> Vec<&'static str> {
            fates.iter().filter(|(_, fate)| pick(fate)).map(|(action, _)| *action).collect()
        };
        let taken = fates.iter().find_map(|(_, fate)| match fate {
            Fate::Taken(by) => Some(by.clone()),
            _ => None,
        });
        // What is surely taken away is missing, whatever may be given by what was not read.
        let lacks = match taken {
            Some(_) => lacking(|it| matches!(it, Fate::Taken(_))),
            None => lacking(|it| matches!(it, Fate::Lacking)),
        };
        if !lacks.is_empty() {
            let named = |it: &&Held<'_>| !required.name.is_empty() && it.name.ends_with(&format!("/{}", required.name));
            let unread = || self.others().filter(|it| it.document.is_none()).map(|it| it.name.to_owned());
            found.missing.push(MissingPolicy {
                required: own,
                wholly: lacks.len() == required.actions.len(),
                lacks,
                perhaps_by: if taken.is_some() { Vec::new() } else { unread().collect() },
                taken,
                namesake: self.others().find(named).map(|it| it.name.to_owned()),
            });
            return;
        }
        let open = fates.iter().find_map(|(action, fate)| match fate {
            Fate::Open(because) => Some(format!("{action}: {because}")),
            _ => None,
        });
        if let Some(because) = open {
            found.open.push(OpenPolicy { required: own, because });
            return;
        }
        let mut by: Vec<&str> = Vec::new();
        by.extend(fates.iter().filter_map(|(_, fate)| match fate {
            Fate::Given(by) => Some(*by),
            _ => None,
        }));
        by.sort_unstable();
        by.dedup();
        found.present.push(Covered { required: own, by: by.join(", ") });
    }

    fn fate<'a>(&'a self, action: &str, required: &Required, attached: Option<&'a Held<'a>>) -> Fate<'a> {
        let (say, by) = match attached {
            Some(by) => (Say::Surely, by.name),
            None => self.given(action),
        };
        if say == Say::Silent {
            return Fate::Lacking;
        }
        let (denied, denier) = self.denied(action);
        if denied == Say::Surely {
            return Fate::Taken(format!("{denier} denies it"));
        }
        let (within, boundary) = match self.within(action, required) {
            Some(it) => it,
            None => (Say::Surely, String::new()),
        };
        match (within, denied, say) {
            (Say::Silent, ..) => Fate::Taken(boundary),
            (_, Say::Perhaps, _) => Fate::Open(format!("{denier} denies it on a condition or for some resources")),
            (Say::Perhaps, ..) => Fate::Open(boundary),
            (.., Say::Perhaps) => Fate::Open(format!("{by} allows it on a condition or for some resources only")),
            _ => Fate::Given(by),
        }
    }

    /// The policies of which it is not known by their names what they give.
    fn others(&self) -> impl Iterator<Item = &Held<'_>> {
        // What AWS's known policies give is known without their documents: not this.
        self.policies.iter().filter(|it| !it.of_aws.is_some_and(|name| KNOWN.contains(&name) || is_auto_mode(name)))
    }

    /// Which of the other policies gives the action, and how surely.
    fn given(&self, action: &str) -> (Say, &str) {
        let all = self.others().filter_map(|it| Some((says(it.document.as_ref()?, "Allow", action, &self.ground), it)));
        first_surest(all)
    }

    /// Which policy denies the action, and how surely.
    pub(super) fn denied(&self, action: &str) -> (Say, &str) {
        first_surest(self.policies.iter().filter_map(|it| match (&it.document, it.of_aws) {
            (Some(document), _) => Some((says(document, "Deny", action, &self.ground), it)),
            (None, Some(name)) if NOTHING.contains(&name) => Some((Say::Surely, it)),
            _ => None,
        }))
    }

    /// Whether the boundary, if there is one, lets the action be given; and why it may not.
    fn within(&self, action: &str, required: &Required) -> Option<(Say, String)> {
        let boundary = self.boundary.as_ref()?;
        let name = boundary.name;
        let Some(document) = &boundary.document else {
            return Some(match boundary.of_aws {
                Some(of_aws) if is_enough(of_aws, required) => (Say::Surely, String::new()),
                _ => (Say::Perhaps, format!("its permissions boundary {name} was not read")),
            });
        };
        let allows = says(document, "Allow", action, &self.ground);
        Some(match says(document, "Deny", action, &self.ground) {
            Say::Surely => (Say::Silent, format!("its permissions boundary {name} denies it")),
            _ if allows == Say::Silent => (Say::Silent, format!("its permissions boundary {name} does not allow it")),
            Say::Silent if allows == Say::Surely => (Say::Surely, String::new()),
            _ => {
                (Say::Perhaps, format!("its permissions boundary {name} limits it to a condition or to some resources"))
            }
        })
    }

    /// What was not read, of which little is to be feared: a Deny, or a boundary.
    fn unverified(&self, role: &RoleDetail, iam: &IamFacts) -> String {
        let unread = |it: &&Held<'_>| it.of_aws.is_none() && it.document.is_none();
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
fn first_surest<'a>(all: impl Iterator<Item = (Say, &'a Held<'a>)>) -> (Say, &'a str) {
    all.fold((Say::Silent, ""), |best, (say, it)| if say > best.0 { (say, it.name) } else { best })
}

/// Does a policy of AWS give all that is required?
fn is_enough(name: &str, required: &Required) -> bool {
    name == required.name || required.or.contains(&name) || EVERYTHING.contains(&name)
}

fn is_auto_mode(name: &str) -> bool {
    AUTO_MODE_CLUSTER.iter().any(|it| it.name == name)
}

#[cfg(test)]
mod tests;
