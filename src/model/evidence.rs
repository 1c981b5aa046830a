//! Where a statement was read: the object, and the field in it.
//!
//! Decides how documents are named. Printing one is [`super::print`]'s.

use std::fmt;

/// Where a statement was read: an object, and a field in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Evidence {
    /// The document.
    pub document: DocumentRef,
    /// The field within it (`data.mapRoles[3].groups`); empty for the document as a whole.
    pub path: String,
}

impl Evidence {
    /// A field of a document.
    pub fn new(document: DocumentRef, path: impl Into<String>) -> Self {
        Evidence { document, path: path.into() }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.document)?;
        if self.path.is_empty() { Ok(()) } else { write!(f, " · {}", self.path) }
    }
}

/// Names one document of the snapshot; [`Snapshot::print`](super::snapshot::Snapshot::print) prints it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DocumentRef {
    /// The cluster.
    Cluster,
    /// An access entry, by principal ARN.
    AccessEntry(String),
    /// The aws-auth ConfigMap.
    AwsAuth,
    /// An IAM role, by name.
    IamRole(String),
    /// An IAM role with its policies, managed and inline, by name.
    RolePolicies(String),
    /// An IAM user, by name.
    IamUser(String),
    /// A service account, by namespace and name.
    ServiceAccount(String, String),
    /// A Pod Identity association, by id.
    PodIdentityAssociation(String),
    /// A node group.
    Nodegroup(String),
    /// A Fargate profile.
    FargateProfile(String),
    /// An add-on.
    Addon(String),
    /// A capability.
    Capability(String),
    /// An update of the cluster, by id.
    Update(String),
    /// An OIDC provider of the account, by ARN.
    OidcProvider(String),
    /// A DaemonSet of `kube-system`, by name.
    DaemonSet(String),
    /// A NetworkPolicy, by namespace and name.
    NetworkPolicy(String, String),
    /// A Role, by namespace and name.
    Role(String, String),
    /// A ClusterRole.
    ClusterRole(String),
    /// A RoleBinding, by namespace and name.
    RoleBinding(String, String),
    /// A ClusterRoleBinding.
    ClusterRoleBinding(String),
    /// A pod, by namespace and name.
    Pod(String, String),
    /// A namespace.
    Namespace(String),
    /// What an access policy grants, by name: not a fact of the cluster, but of this program's catalogue.
    AccessPolicy(String),
}

impl fmt::Display for DocumentRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DocumentRef::Cluster => f.write_str("cluster"),
            DocumentRef::AccessEntry(arn) => write!(f, "access entry {arn}"),
            DocumentRef::AwsAuth => f.write_str("ConfigMap kube-system/aws-auth"),
            DocumentRef::IamRole(name) => write!(f, "IAM role {name}"),
            DocumentRef::RolePolicies(name) => write!(f, "IAM role {name} with its policies"),
            DocumentRef::IamUser(name) => write!(f, "IAM user {name}"),
            DocumentRef::ServiceAccount(namespace, name) => write!(f, "ServiceAccount {namespace}/{name}"),
            DocumentRef::PodIdentityAssociation(id) => write!(f, "Pod Identity association {id}"),
            DocumentRef::Nodegroup(name) => write!(f, "node group {name}"),
            DocumentRef::FargateProfile(name) => write!(f, "Fargate profile {name}"),
            DocumentRef::Addon(name) => write!(f, "add-on {name}"),
            DocumentRef::Capability(name) => write!(f, "capability {name}"),
            DocumentRef::Update(id) => write!(f, "update {id}"),
            DocumentRef::OidcProvider(arn) => write!(f, "OIDC provider {arn}"),
            DocumentRef::NetworkPolicy(namespace, name) => write!(f, "NetworkPolicy {namespace}/{name}"),
            DocumentRef::DaemonSet(name) => write!(f, "DaemonSet kube-system/{name}"),
            DocumentRef::Role(namespace, name) => write!(f, "Role {namespace}/{name}"),
            DocumentRef::ClusterRole(name) => write!(f, "ClusterRole {name}"),
            DocumentRef::RoleBinding(namespace, name) => write!(f, "RoleBinding {namespace}/{name}"),
            DocumentRef::ClusterRoleBinding(name) => write!(f, "ClusterRoleBinding {name}"),
            DocumentRef::Pod(namespace, name) => write!(f, "Pod {namespace}/{name}"),
            DocumentRef::Namespace(name) => write!(f, "Namespace {name}"),
            DocumentRef::AccessPolicy(name) => write!(f, "access policy {name}"),
        }
    }
}
