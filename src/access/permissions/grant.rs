//! One thing that authorises, in words and with its evidence.
//!
//! Decides how a grant is told. Whether it allows something is the door's ([`super`]).

use std::fmt;

use crate::model::mapping::{AccessScope, ScopeKind};
use crate::model::snapshot::{DocumentRef, Evidence};
use crate::model::words::last_part;

/// By what a binding names an identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Via {
    /// Its username.
    User(String),
    /// A group that it carries.
    Group(String),
    /// It is this service account.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Via::User(name) => write!(f, "user {name}"),
            Via::Group(name) => write!(f, "group {name}"),
            Via::ServiceAccount { namespace, name } => write!(f, "service account {namespace}/{name}"),
        }
    }
}

/// The role that a binding points at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleName {
    /// A Role, by namespace and name.
    Role(String, String),
    /// A ClusterRole.
    ClusterRole(String),
}

impl RoleName {
    /// The role's document.
    pub fn document(&self) -> DocumentRef {
        match self {
            RoleName::Role(namespace, name) => DocumentRef::Role(namespace.clone(), name.clone()),
            RoleName::ClusterRole(name) => DocumentRef::ClusterRole(name.clone()),
        }
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RoleName::Role(_, name) => write!(f, "Role {name}"),
            RoleName::ClusterRole(name) => write!(f, "ClusterRole {name}"),
        }
    }
}

/// One thing that authorises, as far as it concerns one identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grant {
    /// Membership of `system:masters`: everything, whatever the bindings say.
    Masters,
    /// A binding to a role.
    Binding {
        /// Of a RoleBinding.
        namespace: Option<String>,
        /// The binding's name.
        name: String,
        /// What it points at.
        role: RoleName,
        /// By what it names the identity.
        via: Via,
    },
    /// An access policy associated with the access entry in force.
    Policy {
        /// The entry, by the principal ARN it names.
        entry: String,
        /// Its place among the entry's policies.
        index: usize,
        /// Which.
        policy_arn: String,
        /// Where.
        scope: AccessScope,
    },
    /// The Node authorizer.
    Node,
}

impl Grant {
    /// Where it holds: `cluster`, or namespaces.
    pub fn scope(&self) -> String {
        match self {
            Grant::Masters | Grant::Node | Grant::Binding { namespace: None, .. } => "cluster".to_owned(),
            Grant::Binding { namespace: Some(namespace), .. } => namespace.clone(),
            Grant::Policy { scope, .. } => match scope.kind {
                ScopeKind::Cluster => "cluster".to_owned(),
                ScopeKind::Namespace => scope.namespaces.join(", "),
            },
        }
    }

    /// Whether it holds in the whole cluster.
    pub fn is_cluster_wide(&self) -> bool {
        match self {
            Grant::Masters | Grant::Node => true,
            Grant::Binding { namespace, .. } => namespace.is_none(),
            Grant::Policy { scope, .. } => scope.kind == ScopeKind::Cluster,
        }
    }

    /// Is it an access policy?
    pub fn is_policy(&self) -> bool {
        matches!(self, Grant::Policy { .. })
    }

    /// The object itself: the binding, the association, the group.
    pub fn object(&self) -> String {
        match self {
            Grant::Masters => "group system:masters".to_owned(),
            Grant::Binding { namespace: Some(namespace), name, .. } => format!("RoleBinding {namespace}/{name}"),
            Grant::Binding { namespace: None, name, .. } => format!("ClusterRoleBinding {name}"),
            Grant::Policy { policy_arn, .. } => last_part(policy_arn).to_owned(),
            Grant::Node => "the Node authorizer".to_owned(),
        }
    }

    /// Where the grant was read; `None` for what the API server holds built in.
    pub fn evidence(&self) -> Option<Evidence> {
        match self {
            Grant::Masters | Grant::Node => None,
            Grant::Binding { namespace: Some(namespace), name, .. } => {
                Some(Evidence::new(DocumentRef::RoleBinding(namespace.clone(), name.clone()), "subjects"))
            }
            Grant::Binding { namespace: None, name, .. } => {
                Some(Evidence::new(DocumentRef::ClusterRoleBinding(name.clone()), "subjects"))
            }
            Grant::Policy { entry, index, .. } => Some(Evidence::new(
                DocumentRef::AccessEntry(entry.clone()),
                format!("associatedAccessPolicies[{index}]"),
            )),
        }
    }

    /// Where the rules are: the role, or the catalogue's entry of the policy.
    pub fn rules_document(&self) -> Option<DocumentRef> {
        match self {
            Grant::Masters | Grant::Node => None,
            Grant::Binding { role, .. } => Some(role.document()),
            Grant::Policy { policy_arn, .. } => Some(DocumentRef::AccessPolicy(last_part(policy_arn).to_owned())),
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Grant::Masters | Grant::Node => f.write_str(&self.object()),
            Grant::Binding { role, via, .. } => write!(f, "{} → {role}, via {via}", self.object()),
            Grant::Policy { .. } => write!(f, "{} @ {}", self.object(), self.scope()),
        }
    }
}
