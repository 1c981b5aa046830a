//! Access entries, which turn an IAM principal into a Kubernetes identity. The other source of identities, the aws-auth
//! ConfigMap, is `aws_auth`'s; which of the two is in effect is `access::identity`'s.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::rbac::null_is_default;
use super::time::Time;

/// `describe-access-entry` → `accessEntry`, with its policy associations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct AccessEntry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<String>,
    pub principal_arn: String,
    #[serde(default, deserialize_with = "null_is_default")]
    pub kubernetes_groups: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_entry_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_at: Option<Time>,
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(default = "standard", rename = "type")]
    pub kind: String,
    /// `None` when they could not be read, or have not been yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub associated_access_policies: Option<Vec<AssociatedPolicy>>,
}

fn standard() -> String {
    "STANDARD".to_owned()
}

/// `list-associated-access-policies` → `associatedAccessPolicies[]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct AssociatedPolicy {
    pub policy_arn: String,
    pub access_scope: AccessScope,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub associated_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_at: Option<Time>,
}

impl AssociatedPolicy {
    /// `AmazonEKSViewPolicy`
    pub fn name(&self) -> &str {
        super::words::last_part(&self.policy_arn)
    }

    /// `View`, for narrow places: AWS's own prefix and suffix are dropped.
    pub fn short_name(&self) -> &str {
        let name = self.name();
        let name = name.strip_prefix("AmazonEKS").or(name.strip_prefix("Amazon")).unwrap_or(name);
        name.strip_suffix("Policy").filter(|rest| !rest.is_empty()).unwrap_or(name)
    }
}

/// `accessScope`
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AccessScope {
    #[serde(rename = "type")]
    pub kind: ScopeKind,
    #[serde(default, deserialize_with = "null_is_default")]
    pub namespaces: Vec<String>,
}

impl fmt::Display for AccessScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ScopeKind::Cluster => f.write_str("cluster"),
            ScopeKind::Namespace => f.write_str(&self.namespaces.join(",")),
        }
    }
}

/// `accessScope.type`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScopeKind {
    /// All of the cluster.
    #[default]
    Cluster,
    /// The namespaces listed.
    Namespace,
}
