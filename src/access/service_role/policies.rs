//! Which policies a role has of those that it needs, and which are wider than that.
//!
//! Decides by ARN first; where a required policy is not attached, by whether another one that can be read allows what
//! it is needed for. Resources and conditions of such a policy are not looked at, so it counts as given, by name. AWS's
//! own policies come without their documents: of those that are not known here, nobody can say what they give.
//! A policy that a new part needs is a [`Required`] here.

use serde_json::Value;

use crate::access::findings::Severity;
use crate::model::percent::decode;
use crate::model::role::{ManagedPolicy, RoleDetail};
use crate::model::snapshot::IamFacts;
use crate::model::wildcard::glob;

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

/// AWS's policies that give everything, or enough to take it; the first two give what any part needs.
const ADMIN: [&str; 3] = ["AdministratorAccess", "PowerUserAccess", "IAMFullAccess"];

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
    /// Attached policies that may give it, for nobody can say here what they give.
    pub perhaps_by: Vec<String>,
    /// The account's own policy of the same name, which is another.
    pub namesake: Option<String>,
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
    /// More than is needed.
    pub wider: Vec<WiderPolicy>,
    /// Why nothing is known of them; empty where something is.
    pub unknown: String,
}

/// One policy of the role.
struct Held<'a> {
    /// Its ARN, or its name if it is inline.
    name: &'a str,
    /// The name of a policy of AWS's own.
    of_aws: Option<&'a str>,
    document: Option<Value>,
}

pub(super) fn check(role: &RoleDetail, iam: &IamFacts, partition: &str, wanted: &[Required]) -> PolicyCheck {
    let held = held(role, iam);
    let mut found = PolicyCheck::default();
    for required in wanted {
        let arn = |name: &str| format!("arn:{partition}:iam::aws:policy/{name}");
        let own = if required.name.is_empty() { required.actions.join(", ") } else { arn(required.name) };
        let names = || std::iter::once(&required.name).chain(required.or).chain(&ADMIN[..2]);
        match held.iter().find(|it| it.of_aws.is_some_and(|name| names().any(|wanted| *wanted == name))) {
            Some(by) => {
                if by.of_aws == Some(READ_ONLY) && required.name == PULL.name {
                    found.wider.push(WiderPolicy {
                        policy: by.name.to_owned(),
                        severity: Severity::Low,
                        gives: format!("more than pulling images; {} is enough", PULL.name),
                    });
                }
                found.present.push(Covered { required: own, by: by.name.to_owned() });
            }
            None => match by_content(required, &held, own) {
                Ok(covered) => found.present.push(covered),
                Err(missing) => found.missing.push(missing),
            },
        }
    }
    found.wider.extend(held.iter().filter_map(wider));
    found
}

fn held<'a>(role: &'a RoleDetail, iam: &'a IamFacts) -> Vec<Held<'a>> {
    let attached = role.attached_managed_policies.iter().map(|it| {
        let policy = iam.policies.items().iter().find(|policy| policy.arn == it.policy_arn);
        Held { name: &it.policy_arn, of_aws: name_of_aws(&it.policy_arn), document: policy.and_then(default_version) }
    });
    let inline = role.role_policy_list.iter().map(|it| Held {
        name: &it.policy_name,
        of_aws: None,
        document: it.policy_document.as_ref().and_then(as_json),
    });
    attached.chain(inline).collect()
}

/// `AmazonEKSClusterPolicy` for `arn:aws:iam::aws:policy/AmazonEKSClusterPolicy`.
fn name_of_aws(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let (service, account, resource) = (parts.nth(2)?, parts.nth(1)?, parts.next()?);
    let name = resource.strip_prefix("policy/")?;
    (service == "iam" && account == "aws").then(|| name.rsplit('/').next().unwrap_or(name))
}

fn default_version(policy: &ManagedPolicy) -> Option<Value> {
    policy.policy_version_list.iter().find(|it| it.is_default_version)?.document.as_ref().and_then(as_json)
}

/// A document as JSON, whether it stands there as such or as text.
fn as_json(document: &Value) -> Option<Value> {
    match document {
        Value::String(text) => serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&decode(text)?).ok()),
        other => Some(other.clone()),
    }
}

/// Whether other policies give what the required one is needed for.
fn by_content(required: &Required, held: &[Held<'_>], own: String) -> Result<Covered, MissingPolicy> {
    // What AWS's known policies give is known without their documents: not this.
    let others = || held.iter().filter(|it| !it.of_aws.is_some_and(|name| KNOWN.contains(&name) || is_auto_mode(name)));
    let gives = |action: &str| others().find(|it| it.document.as_ref().is_some_and(|it| allows(it, action)));
    let mut by: Vec<&str> = required.actions.iter().filter_map(|it| gives(it)).map(|it| it.name).collect();
    by.sort_unstable();
    by.dedup();
    let lacks: Vec<&'static str> = required.actions.iter().copied().filter(|it| gives(it).is_none()).collect();
    if lacks.is_empty() {
        return Ok(Covered { required: own, by: by.join(", ") });
    }
    let named = |it: &&Held<'_>| !required.name.is_empty() && it.name.ends_with(&format!("/{}", required.name));
    Err(MissingPolicy {
        wholly: lacks.len() == required.actions.len(),
        lacks,
        perhaps_by: others().filter(|it| it.document.is_none()).map(|it| it.name.to_owned()).collect(),
        namesake: others().find(named).map(|it| it.name.to_owned()),
        required: own,
    })
}

fn is_auto_mode(name: &str) -> bool {
    AUTO_MODE_CLUSTER.iter().any(|it| it.name == name)
}

fn wider(it: &Held<'_>) -> Option<WiderPolicy> {
    let found = |severity, gives: String| Some(WiderPolicy { policy: it.name.to_owned(), severity, gives });
    match it.of_aws {
        Some(name) if ADMIN.contains(&name) => {
            let gives = match name {
                "AdministratorAccess" => "everything in the account",
                "PowerUserAccess" => "everything in the account but IAM",
                _ => "all of IAM, and with it whatever it does not give at once",
            };
            return found(Severity::High, gives.to_owned());
        }
        // AWS's other policies are what they are; how wide, their names tell.
        Some(_) => return None,
        None => {}
    }
    let document = it.document.as_ref()?;
    let mut whole: Vec<&str> = Vec::new();
    for statement in statements(document).filter(|it| is_allow(it) && on_everything(it)) {
        if statement.get("Action").is_none() && statement.get("NotAction").is_some() {
            return found(Severity::High, "everything but what it names, on every resource".to_owned());
        }
        for action in texts(statement.get("Action")) {
            match action.split_once(':') {
                None if action == "*" => return found(Severity::High, "every action on every resource".to_owned()),
                Some(("*", "*")) => return found(Severity::High, "every action on every resource".to_owned()),
                Some((service, "*")) => whole.push(service),
                _ => {}
            }
        }
    }
    whole.sort_unstable();
    whole.dedup();
    (!whole.is_empty()).then(|| WiderPolicy {
        policy: it.name.to_owned(),
        severity: Severity::Medium,
        gives: format!("every action of {} on every resource", whole.join(", ")),
    })
}

fn statements(document: &Value) -> impl Iterator<Item = &Value> {
    items(document.get("Statement")).iter()
}

fn is_allow(statement: &Value) -> bool {
    statement.get("Effect").and_then(Value::as_str) == Some("Allow")
}

fn on_everything(statement: &Value) -> bool {
    texts(statement.get("Resource")).any(|it| it == "*")
}

/// Does a statement allow the action, on whatever resource and condition?
fn allows(document: &Value, action: &str) -> bool {
    let action = action.to_lowercase();
    let is_it = |pattern: &str| glob(&pattern.to_lowercase(), &action);
    statements(document).filter(|it| is_allow(it)).any(|it| match (it.get("Action"), it.get("NotAction")) {
        (Some(actions), _) => texts(Some(actions)).any(is_it),
        (None, Some(but)) => !texts(Some(but)).any(is_it),
        (None, None) => false,
    })
}

/// IAM takes one thing for a list of one.
fn items(value: Option<&Value>) -> &[Value] {
    match value {
        None => &[],
        Some(Value::Array(items)) => items,
        Some(one) => std::slice::from_ref(one),
    }
}

fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    items(value).iter().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::role::{AttachedPolicy, InlinePolicy};
    use serde_json::json;

    fn role(attached: &[&str], inline: &[Value]) -> RoleDetail {
        RoleDetail {
            attached_managed_policies: attached
                .iter()
                .map(|arn| AttachedPolicy { policy_arn: (*arn).to_owned(), ..AttachedPolicy::default() })
                .collect(),
            role_policy_list: inline
                .iter()
                .map(|it| InlinePolicy { policy_name: "own".into(), policy_document: Some(it.clone()) })
                .collect(),
            ..RoleDetail::default()
        }
    }

    fn of(attached: &[&str], inline: &[Value], wanted: &[Required]) -> PolicyCheck {
        check(&role(attached, inline), &IamFacts::default(), "aws", wanted)
    }

    const AWS: &str = "arn:aws:iam::aws:policy/";

    fn aws(name: &str) -> String {
        format!("{AWS}{name}")
    }

    #[test]
    fn policies_are_known_by_arn_and_not_by_name() {
        let own = "arn:aws:iam::111122223333:policy/AmazonEKSClusterPolicy";
        let found = of(&[own], &[], &[CLUSTER]);
        assert_eq!(found.missing[0].required, aws("AmazonEKSClusterPolicy"));
        assert_eq!(found.missing[0].namesake.as_deref(), Some(own));
        assert_eq!(found.missing[0].perhaps_by, [own], "what it gives was not read");
        assert!(of(&[&aws("AmazonEKSClusterPolicy")], &[], &[CLUSTER]).missing.is_empty());
        let access_policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSComputePolicy";
        assert_eq!(of(&[access_policy], &[], &AUTO_MODE_CLUSTER[1..2]).present, []);
        assert_eq!(name_of_aws("arn:aws:iam::aws:policy/service-role/X"), Some("X"));
    }

    #[test]
    fn another_policy_may_give_the_same_or_part_of_it() {
        let old = json!({"Statement": {"Effect": "Allow", "Action": ["ec2:Describe*", "eks:DescribeCluster"], "Resource": "*"}});
        let found = of(&[], std::slice::from_ref(&old), &[WORKER]);
        assert_eq!(found.missing[0].lacks, ["eks-auth:AssumeRoleForPodIdentity"]);
        assert!(!found.missing[0].wholly);
        let whole =
            json!({"Statement": [old["Statement"], {"Effect": "Allow", "Action": "eks-auth:*", "Resource": "x"}]});
        let found = of(&[], &[whole.to_string().into()], &[WORKER]);
        assert_eq!((found.present[0].by.as_str(), found.missing.len()), ("own", 0));
        assert!(of(&[], &[], &[WORKER]).missing[0].wholly);
    }

    #[test]
    fn what_aws_s_known_policies_give_is_no_guess() {
        let found = of(&[&aws("AmazonEKSClusterPolicy"), &aws("AmazonSSMFullAccess")], &[], &[WORKER]);
        assert_eq!(found.missing[0].perhaps_by, [aws("AmazonSSMFullAccess")]);
    }

    #[test]
    fn what_is_wider_than_needed() {
        let one = |attached: &[&str], statement: Option<Value>| {
            let inline: Vec<Value> = statement.map(|it| json!({"Statement": it})).into_iter().collect();
            of(attached, &inline, &[PULL]).wider.first().map(|it| it.severity)
        };
        let allow = |actions: &[&str], on: &str| Some(json!({"Effect": "Allow", "Action": actions, "Resource": on}));
        for (severity, attached, statement) in [
            (None, "AmazonEC2ContainerRegistryPullOnly", None),
            (Some(Severity::Low), READ_ONLY, None),
            (Some(Severity::High), "AdministratorAccess", None),
            (Some(Severity::High), "PowerUserAccess", None),
            (Some(Severity::High), "X", allow(&["*"], "*")),
            (Some(Severity::Medium), "X", allow(&["s3:*"], "*")),
            (None, "X", allow(&["s3:*"], "arn:aws:s3:::logs/*")),
            (None, "X", allow(&["s3:Get*"], "*")),
            (None, "X", Some(json!({"Effect": "Deny", "Action": "*", "Resource": "*"}))),
            (Some(Severity::High), "X", Some(json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}))),
        ] {
            assert_eq!(one(&[&aws(attached)], statement.clone()), severity, "{attached} {statement:?}");
        }
    }
}
