//! The parts of a cluster that use an IAM role.
//!
//! Names each part for rows, findings and checks. What a part's role must have is [`super::service_role`]'s; how nodes join
//! with theirs is [`super::node_roles`]'s.

/// What uses a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleUse {
    /// The cluster itself.
    Cluster,
    /// Auto Mode's built-in node pools.
    AutoMode,
    /// A node class of one's own in Auto Mode.
    NodeClass(String),
    /// A managed node group.
    Nodegroup(String),
    /// Nodes that EKS does not manage, Karpenter's among them: by their instance profile, or by their role's name.
    SelfManaged(String),
    /// A Fargate profile's pods, as they start.
    FargateProfile(String),
    /// Machines elsewhere, by their role's name.
    Hybrid(String),
    /// An add-on's service account, by IRSA.
    Addon(String),
    /// An add-on's service account, by a Pod Identity association.
    AddonPodIdentity(String),
    /// A capability: Argo CD, ACK, kro.
    Capability(String),
}

impl RoleUse {
    /// `cluster`, `node group`, `Fargate profile`, `add-on`, `auto mode`, …
    pub fn kind(&self) -> &'static str {
        match self {
            RoleUse::Cluster => "cluster",
            RoleUse::AutoMode => "auto mode",
            RoleUse::NodeClass(_) => "node class",
            RoleUse::Nodegroup(_) => "node group",
            RoleUse::SelfManaged(_) => "self-managed",
            RoleUse::FargateProfile(_) => "Fargate profile",
            RoleUse::Hybrid(_) => "hybrid nodes",
            RoleUse::Addon(_) | RoleUse::AddonPodIdentity(_) => "add-on",
            RoleUse::Capability(_) => "capability",
        }
    }

    /// Its name, if it has one.
    pub fn name(&self) -> &str {
        match self {
            RoleUse::Cluster | RoleUse::AutoMode => "",
            RoleUse::NodeClass(name)
            | RoleUse::Nodegroup(name)
            | RoleUse::SelfManaged(name)
            | RoleUse::FargateProfile(name)
            | RoleUse::Hybrid(name)
            | RoleUse::Addon(name)
            | RoleUse::AddonPodIdentity(name)
            | RoleUse::Capability(name) => name,
        }
    }

    /// Must its role get into the cluster for the part to work?
    pub fn must_get_in(&self) -> bool {
        !matches!(self, RoleUse::Cluster | RoleUse::Addon(_) | RoleUse::AddonPodIdentity(_))
    }
}

impl std::fmt::Display for RoleUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind())?;
        if self.name().is_empty() { Ok(()) } else { write!(f, " {}", self.name()) }
    }
}
