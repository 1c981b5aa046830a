//! The types of access entries and what an entry of each needs: one table.
//!
//! Read by the rules of values ([`super::entry`], [`super::policy`]), by the answer of who gets in as whom, by the Roles pane
//! and by the findings about nodes. A new type, or a new need of a type, is a row of [`EntryType::spec`]. Facts: "Create access
//! entries", "Create a Node Class for Amazon EKS" and "Prepare cluster access for hybrid nodes" (EKS User Guide), and
//! `CreateAccessEntryRequest` (EKS API Reference).

use super::Invalid;
use super::entry::standard_username;
use crate::model::principal::{Principal, PrincipalKind};

/// The types of access entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryType {
    /// `STANDARD`: people and machines, principals of any account.
    Standard,
    /// `EC2_LINUX`: the role of Linux nodes.
    Ec2Linux,
    /// `EC2_WINDOWS`: the role of Windows nodes.
    Ec2Windows,
    /// `FARGATE_LINUX`: the pod execution role of Fargate.
    FargateLinux,
    /// `EC2`: the role of Auto Mode's nodes.
    Ec2,
    /// `HYBRID_LINUX`: the role of nodes outside AWS.
    HybridLinux,
    /// `HYPERPOD_LINUX`: the role of HyperPod's nodes.
    HyperpodLinux,
}

/// Which access policies an entry of a type may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policies {
    /// Any.
    Any,
    /// Only the one of this name.
    Only(&'static str),
    /// None.
    None,
}

/// The groups that EKS sets for a type, and how sure that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeGroups {
    /// None: the entry has its own.
    Own,
    /// These, as AWS's own examples show.
    Known(&'static [&'static str]),
    /// These, most likely; no document says so.
    Unverified(&'static [&'static str]),
    /// No document says.
    Undocumented,
}

/// What an entry of a type may and must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryTypeSpec {
    /// As EKS writes the type.
    pub name: &'static str,
    /// Kinds of principals that may have one.
    pub principals: &'static [PrincipalKind],
    /// Whether the principal may be another account's.
    pub any_account: bool,
    /// Whether username and groups are the entry's own to set.
    pub own_identity: bool,
    /// Access policies that it may hold.
    pub policies: Policies,
    /// The access policy without which its nodes do not work, at the scope of the cluster.
    pub needs_policy: Option<&'static str>,
    /// Whether whoever creates one must be allowed to pass the role.
    pub needs_pass_role: bool,
    /// The username that EKS gives nodes; `None` for STANDARD, whose default follows from the principal, and where no
    /// document says.
    pub node_username: Option<&'static str>,
    /// The groups that EKS sets.
    pub groups: TypeGroups,
    /// IAM policies that the role of such nodes needs, by name; empty where they are no nodes or depend on how they sign in.
    pub worker_policies: &'static [&'static str],
}

const ROLES: &[PrincipalKind] = &[PrincipalKind::Role];
const BY_INSTANCE: Option<&str> = Some("system:node:{{EC2PrivateDNSName}}");
const BY_SESSION: Option<&str> = Some("system:node:{{SessionName}}");
const PULL_ONLY: &str = "AmazonEC2ContainerRegistryPullOnly";

/// A type of nodes that EKS fills in by itself.
const NODES: EntryTypeSpec = EntryTypeSpec {
    name: "",
    principals: ROLES,
    any_account: false,
    own_identity: false,
    policies: Policies::None,
    needs_policy: None,
    needs_pass_role: false,
    node_username: None,
    groups: TypeGroups::Undocumented,
    worker_policies: &[],
};

impl EntryType {
    /// All of them.
    pub const ALL: [EntryType; 7] = [
        EntryType::Standard,
        EntryType::Ec2Linux,
        EntryType::Ec2Windows,
        EntryType::FargateLinux,
        EntryType::Ec2,
        EntryType::HybridLinux,
        EntryType::HyperpodLinux,
    ];

    /// The row of the table.
    pub const fn spec(self) -> EntryTypeSpec {
        match self {
            // Root is taken too, and stands for the root user alone: kubernetes-sigs/aws-iam-authenticator#797.
            EntryType::Standard => EntryTypeSpec {
                name: "STANDARD",
                principals: &[PrincipalKind::Role, PrincipalKind::User, PrincipalKind::Root],
                any_account: true,
                own_identity: true,
                policies: Policies::Any,
                groups: TypeGroups::Own,
                ..NODES
            },
            EntryType::Ec2Linux => EntryTypeSpec {
                name: "EC2_LINUX",
                needs_pass_role: true,
                node_username: BY_INSTANCE,
                groups: TypeGroups::Known(&["system:nodes"]),
                worker_policies: &["AmazonEKSWorkerNodePolicy", PULL_ONLY],
                ..NODES
            },
            EntryType::Ec2Windows => EntryTypeSpec {
                name: "EC2_WINDOWS",
                needs_pass_role: true,
                node_username: BY_INSTANCE,
                groups: TypeGroups::Unverified(&["system:nodes", "eks:kube-proxy-windows"]),
                worker_policies: &["AmazonEKSWorkerNodePolicy", PULL_ONLY],
                ..NODES
            },
            EntryType::FargateLinux => EntryTypeSpec {
                name: "FARGATE_LINUX",
                node_username: BY_SESSION,
                groups: TypeGroups::Unverified(&["system:nodes", "system:node-proxier"]),
                worker_policies: &["AmazonEKSFargatePodExecutionRolePolicy"],
                ..NODES
            },
            // The documents disagree on its policies; the guide on node classes associates one, and is followed.
            EntryType::Ec2 => EntryTypeSpec {
                name: "EC2",
                policies: Policies::Only("AmazonEKSAutoNodePolicy"),
                needs_policy: Some("AmazonEKSAutoNodePolicy"),
                worker_policies: &["AmazonEKSWorkerNodeMinimalPolicy", PULL_ONLY],
                ..NODES
            },
            EntryType::HybridLinux => EntryTypeSpec {
                name: "HYBRID_LINUX",
                node_username: BY_SESSION,
                worker_policies: &[PULL_ONLY],
                ..NODES
            },
            EntryType::HyperpodLinux => EntryTypeSpec { name: "HYPERPOD_LINUX", ..NODES },
        }
    }

    /// As EKS writes it.
    pub const fn as_str(self) -> &'static str {
        self.spec().name
    }

    /// The type of a name; names have but one case.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }

    /// The type of a name; empty or absent is STANDARD.
    pub fn read(name: Option<&str>) -> Result<Self, Invalid> {
        let Some(name) = name.filter(|it| !it.is_empty()) else { return Ok(EntryType::Standard) };
        Self::of(name).ok_or_else(|| {
            // EKS's words; the list of names has grown since they were seen.
            let all: Vec<&str> = Self::ALL.into_iter().map(Self::as_str).collect();
            Invalid::parameter(format!("AccessEntry type must be one of [{}]", all.join(", ")))
        })
    }

    /// Whether it says itself as whom and in which groups its principal gets in.
    pub fn has_own_identity(self) -> bool {
        self.spec().own_identity
    }

    /// The access policies that it may hold.
    pub fn policies(self) -> Policies {
        self.spec().policies
    }

    /// Whether its principals are machines that join as nodes by themselves; Fargate starts its own.
    pub fn is_of_nodes(self) -> bool {
        !matches!(self, EntryType::Standard | EntryType::FargateLinux)
    }

    /// Whether whoever creates one must be allowed to pass the role.
    pub fn needs_pass_role(self) -> bool {
        self.spec().needs_pass_role
    }

    /// The username that EKS gives an entry which is created without one; `None` where it does not document it.
    pub fn default_username(self, principal: &Principal) -> Option<String> {
        match self {
            EntryType::Standard => Some(standard_username(principal)),
            nodes => nodes.spec().node_username.map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "Create access entries" and "Create a Node Class for Amazon EKS" (EKS User Guide); `CreateAccessEntry` (API Reference).
    #[test]
    fn what_an_entry_of_each_type_may_and_must_have() {
        type Row = (&'static str, bool, bool, Policies, Option<&'static str>, bool);
        const AUTO: &str = "AmazonEKSAutoNodePolicy";
        let rows: [Row; 7] = [
            ("STANDARD", true, true, Policies::Any, None, false),
            ("EC2_LINUX", false, false, Policies::None, None, true),
            ("EC2_WINDOWS", false, false, Policies::None, None, true),
            ("FARGATE_LINUX", false, false, Policies::None, None, false),
            ("EC2", false, false, Policies::Only(AUTO), Some(AUTO), false),
            ("HYBRID_LINUX", false, false, Policies::None, None, false),
            ("HYPERPOD_LINUX", false, false, Policies::None, None, false),
        ];
        for ((name, any_account, own_identity, policies, needs_policy, needs_pass_role), kind) in
            rows.into_iter().zip(EntryType::ALL)
        {
            let spec = kind.spec();
            assert_eq!((spec.name, EntryType::of(name)), (name, Some(kind)));
            assert_eq!(
                (spec.any_account, spec.own_identity, spec.policies),
                (any_account, own_identity, policies),
                "{name}"
            );
            assert_eq!((spec.needs_policy, spec.needs_pass_role), (needs_policy, needs_pass_role), "{name}");
            let people = spec.principals.contains(&PrincipalKind::User);
            assert_eq!((people, spec.principals.contains(&PrincipalKind::Role)), (own_identity, true), "{name}");
            // What it needs it may have.
            assert!(needs_policy.is_none_or(|it| policies == Policies::Only(it)), "{name}");
        }
        assert_eq!(EntryType::of("standard"), None);
    }
}
