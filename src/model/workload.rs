//! What runs in the cluster and which AWS identity it is meant to have: service accounts, pods, nodes, Pod Identity
//! associations.
//!
//! Pods keep the *names* of all environment variables, but values only of the AWS identity ones that are not secret:
//! nothing here can leak a credential into a snapshot.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::rbac::{Metadata, Phase, null_is_default};
use super::time::Time;

/// Annotation of a service account: the IAM role of IRSA.
pub const ROLE_ARN_ANNOTATION: &str = "eks.amazonaws.com/role-arn";

/// Annotation of a service account: for whom its token is made out; [`DEFAULT_AUDIENCE`] without it.
pub const AUDIENCE_ANNOTATION: &str = "eks.amazonaws.com/audience";

/// The audience of IRSA tokens, unless the service account asks for another.
pub const DEFAULT_AUDIENCE: &str = "sts.amazonaws.com";

/// The namespace of the cluster's own parts.
pub const SYSTEM: &str = "kube-system";

/// A ServiceAccount.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct ServiceAccount {
    pub metadata: Metadata,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automount_service_account_token: Option<bool>,
}

impl ServiceAccount {
    /// The IAM role that its annotation asks for.
    pub fn role_arn(&self) -> Option<&str> {
        self.metadata.annotations.get(ROLE_ARN_ANNOTATION).map(String::as_str)
    }

    /// The audience of its IRSA token.
    pub fn audience(&self) -> &str {
        self.metadata.annotations.get(AUDIENCE_ANNOTATION).map_or(DEFAULT_AUDIENCE, String::as_str)
    }
}

/// A Pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Pod {
    pub metadata: Metadata,
    #[serde(default)]
    pub spec: PodSpec,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Phase>,
}

/// The username that the API server knows a service account by.
pub fn account_username(namespace: &str, name: &str) -> String {
    format!("system:serviceaccount:{namespace}:{name}")
}

/// The namespace and name in the username of a service account.
pub fn account_of(username: &str) -> Option<(&str, &str)> {
    let (namespace, name) = username.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    (!namespace.is_empty() && !name.is_empty() && !name.contains(':')).then_some((namespace, name))
}

impl Pod {
    /// Its service account's name; `default` where it names none.
    pub fn service_account(&self) -> &str {
        self.spec.service_account_name.as_deref().filter(|it| !it.is_empty()).unwrap_or("default")
    }

    /// Has it come to its end?
    pub fn has_ended(&self) -> bool {
        matches!(self.status.as_ref().and_then(|it| it.phase.as_deref()), Some("Succeeded" | "Failed"))
    }
}

/// `spec` of a pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct PodSpec {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_network: Option<bool>,
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub init_containers: Vec<Container>,
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<Container>,
}

/// A container of a pod, as far as identity depends on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Container {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<EnvVar>,
    /// Where whole sets of variables come from: their names, and so whether keys are among them, are not in the pod.
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub env_from: Vec<EnvFrom>,
}

/// `envFrom[]`: a prefix and what is meant; nothing of its contents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct EnvFrom {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_ref: Option<EnvSource>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<EnvSource>,
}

/// A ConfigMap or Secret, by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct EnvSource {
    #[serde(default)]
    pub name: String,
}

/// An environment variable. `value` is kept for the variables of [`KEPT_ENV`] alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct EnvVar {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// The environment variables whose values say which AWS identity a container has, and are no secret.
pub const KEPT_ENV: [&str; 9] = [
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_EC2_METADATA_DISABLED",
];

impl<'de> Deserialize<'de> for EnvVar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Whole {
            name: String,
            #[serde(default)]
            value: Option<String>,
        }
        let Whole { name, value } = Whole::deserialize(deserializer)?;
        let value = value.filter(|_| KEPT_ENV.contains(&name.as_str()));
        Ok(EnvVar { name, value })
    }
}

/// A Node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Node {
    pub metadata: Metadata,
    #[serde(default)]
    pub spec: NodeSpec,
}

/// `spec` of a node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct NodeSpec {
    /// `aws:///eu-west-1a/i-0123456789abcdef0`
    #[serde(default, rename = "providerID", skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
}

/// A DaemonSet: of interest are those of `kube-system` that identity depends on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct DaemonSet {
    pub metadata: Metadata,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<DaemonSetStatus>,
}

/// `status` of a DaemonSet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct DaemonSetStatus {
    #[serde(default)]
    pub desired_number_scheduled: u32,
    #[serde(default)]
    pub current_number_scheduled: u32,
    #[serde(default)]
    pub number_ready: u32,
}

/// `describe-pod-identity-association` → `association`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct PodIdentityAssociation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<String>,
    pub namespace: String,
    pub service_account: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub association_arn: Option<String>,
    pub association_id: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_session_tags: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_role_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}
