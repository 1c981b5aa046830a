//! AWS's own managed policies: what is known of them where their text was not read.
//!
//! The one table of them. What AWS publishes of a policy ("AWS Managed Policy Reference Guide",
//! <https://docs.aws.amazon.com/aws-managed-policy/latest/reference/>, a page for each name) is here as far as some
//! question needs it; AWS adds actions to its policies, so that an entry says what it surely gives, and of which actions
//! it surely gives none. Everything else is unknown, as is a policy that has no entry. A new policy is a line in
//! [`TABLE`].

use crate::access::Verdict;
use crate::model::wildcard::glob;
use crate::model::words::last_part;

/// How much a policy gives beyond what any part of a cluster needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breadth {
    /// Everything.
    Everything,
    /// Everything but IAM, Organizations and the account.
    AllButIam,
    /// All of IAM.
    Iam,
    /// Reads everything.
    ReadsEverything,
    /// All secrets of Secrets Manager.
    Secrets,
    /// All of a service, as its name says.
    Service,
}

/// What a policy gives, on every resource and without a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gives {
    Everything,
    Nothing,
    /// Everything but these; of some of these again, which is left unknown.
    AllBut(&'static [&'static str]),
    /// These, and of whatever else AWS adds nothing that assumes roles or asks for a pod's credentials.
    These(&'static [&'static str]),
    /// These surely; all else is unknown.
    AtLeast(&'static [&'static str]),
}

/// One policy of AWS.
struct ManagedPolicy {
    name: &'static str,
    gives: Gives,
    breadth: Option<Breadth>,
    /// Whether it is known well enough that it stands in for no other policy.
    complete: bool,
}

const fn entry(name: &'static str, gives: Gives) -> ManagedPolicy {
    ManagedPolicy { name, gives, breadth: None, complete: true }
}

const fn wide(name: &'static str, gives: Gives, breadth: Breadth) -> ManagedPolicy {
    ManagedPolicy { name, gives, breadth: Some(breadth), complete: false }
}

const POWER_USER_LACKS: &[&str] = &["account:*", "iam:*", "organizations:*"];
const PULLS: &[&str] = &["ecr:batchgetimage", "ecr:getauthorizationtoken", "ecr:getdownloadurlforlayer"];
const NO_ACTION: &[&str] = &[];

/// Actions of which the policies below that are known for something else surely give none.
const NEVER_ADDED: [&str; 2] = ["eks-auth:assumeroleforpodidentity", "sts:assumerole"];

const TABLE: &[ManagedPolicy] = &[
    wide("AdministratorAccess", Gives::Everything, Breadth::Everything),
    wide("PowerUserAccess", Gives::AllBut(POWER_USER_LACKS), Breadth::AllButIam),
    wide("IAMFullAccess", Gives::AtLeast(&["iam:*"]), Breadth::Iam),
    wide("ReadOnlyAccess", Gives::AtLeast(NO_ACTION), Breadth::ReadsEverything),
    wide("SecretsManagerReadWrite", Gives::AtLeast(&["secretsmanager:*"]), Breadth::Secrets),
    // It denies everything.
    ManagedPolicy { name: "AWSDenyAll", gives: Gives::Nothing, breadth: None, complete: false },
    // Their conditions on tags are not told here, so that of most actions nothing is known.
    entry("AmazonEKSClusterPolicy", Gives::These(NO_ACTION)),
    entry("AmazonEKSVPCResourceController", Gives::These(NO_ACTION)),
    entry("AmazonEKSComputePolicy", Gives::These(NO_ACTION)),
    entry("AmazonEKSBlockStoragePolicy", Gives::These(NO_ACTION)),
    entry("AmazonEKSLoadBalancingPolicy", Gives::These(NO_ACTION)),
    entry("AmazonEKSNetworkingPolicy", Gives::These(NO_ACTION)),
    entry(
        "AmazonEKSWorkerNodePolicy",
        Gives::These(&["ec2:describeinstances", "eks:describecluster", "eks-auth:assumeroleforpodidentity"]),
    ),
    entry("AmazonEKSWorkerNodeMinimalPolicy", Gives::These(&["eks-auth:assumeroleforpodidentity"])),
    entry(
        "AmazonEKS_CNI_Policy",
        Gives::These(&["ec2:assignprivateipaddresses", "ec2:attachnetworkinterface", "ec2:createnetworkinterface"]),
    ),
    entry("AmazonEBSCSIDriverPolicy", Gives::These(NO_ACTION)),
    entry("AmazonEBSCSIDriverPolicyV2", Gives::These(NO_ACTION)),
    entry("AmazonEBSCSIDriverEKSClusterScopedPolicy", Gives::These(NO_ACTION)),
    entry("AmazonEFSCSIDriverPolicy", Gives::These(NO_ACTION)),
    entry("AmazonEKSFargatePodExecutionRolePolicy", Gives::These(PULLS)),
    entry("AmazonEC2ContainerRegistryPullOnly", Gives::These(PULLS)),
    entry("AmazonEC2ContainerRegistryReadOnly", Gives::These(PULLS)),
    entry(
        "AmazonSSMManagedInstanceCore",
        Gives::These(&["ssm:updateinstanceinformation", "ssmmessages:createcontrolchannel"]),
    ),
    ManagedPolicy {
        name: "CloudWatchAgentServerPolicy",
        gives: Gives::These(NO_ACTION),
        breadth: None,
        complete: false,
    },
];

/// Of these there are several versions, and they deny some actions of a key that leaked.
const QUARANTINE: &str = "AWSCompromisedKeyQuarantine";

/// `AmazonEKSClusterPolicy` for `arn:aws:iam::aws:policy/AmazonEKSClusterPolicy`, whatever the path.
pub(crate) fn name_of_aws(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let (service, account, resource) = (parts.nth(2)?, parts.nth(1)?, parts.next()?);
    let name = resource.strip_prefix("policy/")?;
    (service == "iam" && account == "aws").then(|| last_part(name))
}

fn find(name: &str) -> Option<&'static ManagedPolicy> {
    TABLE.iter().find(|it| it.name == name)
}

/// Whether a policy of AWS allows an action (lowered), whatever the resource.
pub(crate) fn allows(name: &str, action: &str) -> Verdict {
    let among = |patterns: &[&str]| patterns.iter().any(|it| glob(it, action));
    match find(name).map(|it| it.gives) {
        None => Verdict::Unknown,
        Some(Gives::Everything) => Verdict::Yes,
        Some(Gives::Nothing) => Verdict::No,
        Some(Gives::AllBut(patterns)) if among(patterns) => Verdict::Unknown,
        Some(Gives::AllBut(_)) => Verdict::Yes,
        Some(Gives::These(patterns) | Gives::AtLeast(patterns)) if among(patterns) => Verdict::Yes,
        Some(Gives::These(_)) if NEVER_ADDED.contains(&action) => Verdict::No,
        Some(Gives::These(_) | Gives::AtLeast(_)) => Verdict::Unknown,
    }
}

/// Whether a policy of AWS denies whatever is asked. That any other than these denies is so rare that it is left out.
pub(crate) fn denies(name: &str) -> Verdict {
    match name {
        "AWSDenyAll" => Verdict::Yes,
        _ if name.starts_with(QUARANTINE) => Verdict::Unknown,
        _ => Verdict::No,
    }
}

/// Whether what a policy is for is known, so that nobody need wonder whether it stands in for another.
pub(crate) fn is_known(name: &str) -> bool {
    find(name).is_some_and(|it| it.complete)
}

/// Whether a policy of AWS gives whatever a part of a cluster needs.
pub(crate) fn gives_any_part(name: &str) -> bool {
    matches!(find(name).map(|it| it.gives), Some(Gives::Everything | Gives::AllBut(_)))
}

/// Whether a boundary of AWS bounds nothing.
pub(crate) fn gives_everything(name: &str) -> bool {
    find(name).is_some_and(|it| it.gives == Gives::Everything)
}

/// How wide a policy of AWS is; of those that have no entry their names tell.
pub(crate) fn breadth(name: &str) -> Option<Breadth> {
    match find(name) {
        Some(known) => known.breadth,
        None => name.ends_with("FullAccess").then_some(Breadth::Service),
    }
}
