//! What runs in the cluster and which AWS identity it is meant to have: service accounts, pods, nodes, Pod Identity
//! associations.
//!
//! Pods keep the *names* of all environment variables, but values only of the AWS identity ones that are not secret, and of
//! the others at most that they are empty: nothing here can leak a credential into a snapshot.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::rbac::{Metadata, null_is_default};
use super::time::Time;

mod volume;

pub use volume::{
    IRSA_MOUNT, IRSA_VOLUME, POD_IDENTITY_MOUNT, POD_IDENTITY_VOLUME, Projected, ProjectedToken, TokenSource, Volume,
    VolumeMount, linux_path,
};

/// Annotation of a service account: the IAM role of IRSA.
pub const ROLE_ARN_ANNOTATION: &str = "eks.amazonaws.com/role-arn";

/// Annotation of a service account: for whom its token is made out; [`DEFAULT_AUDIENCE`] without it.
pub const AUDIENCE_ANNOTATION: &str = "eks.amazonaws.com/audience";

/// The audience of IRSA tokens, unless the service account asks for another.
pub const DEFAULT_AUDIENCE: &str = "sts.amazonaws.com";

/// The ARN of the IAM OIDC provider for an issuer's host, in an account.
pub fn oidc_provider_arn(partition: &str, account: &str, host: &str) -> String {
    format!("arn:{partition}:iam::{account}:oidc-provider/{host}")
}

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
    /// The IAM role that its annotation asks for. The pod identity webhook ignores an empty annotation, as if it were not
    /// there.
    pub fn role_arn(&self) -> Option<&str> {
        self.metadata.annotations.get(ROLE_ARN_ANNOTATION).map(String::as_str).filter(|it| !it.is_empty())
    }

    /// Whether it has the annotation with an empty value.
    pub fn has_empty_role_arn(&self) -> bool {
        self.metadata.annotations.get(ROLE_ARN_ANNOTATION).is_some_and(String::is_empty)
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
    pub status: Option<PodStatus>,
}

/// `status` of a pod: of its conditions, `Ready` alone is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PodStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    #[serde(default, deserialize_with = "ready_alone", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// `status.conditions[]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Condition {
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
}

const READY: &str = "Ready";

fn ready_alone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Condition>, D::Error> {
    let all: Vec<Condition> = null_is_default(deserializer)?;
    Ok(all.into_iter().filter(|it| it.kind == READY).collect())
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

    fn phase(&self) -> Option<&str> {
        self.status.as_ref()?.phase.as_deref()
    }

    /// Has it come to its end?
    pub fn has_ended(&self) -> bool {
        matches!(self.phase(), Some("Succeeded" | "Failed"))
    }

    /// Is it ready, by its condition or else by its phase? `None`: that is not known.
    pub fn is_ready(&self) -> Option<bool> {
        let ready = self.status.as_ref().and_then(|it| it.conditions.iter().find(|it| it.kind == READY));
        match (ready.map(|it| it.status.as_str()), self.phase()) {
            (Some("True"), _) => Some(true),
            (Some("False"), _) => Some(false),
            (Some(_), _) => None,
            (None, Some("Running")) => Some(true),
            (None, Some("Pending" | "Succeeded" | "Failed")) => Some(false),
            (None, _) => None,
        }
    }

    /// Fills in what the API server leaves out: a variable that has neither a value nor a source is empty. In a document, it
    /// may as well be one whose value was not recorded.
    pub fn as_served(&mut self) {
        for it in self.spec.containers.iter_mut().chain(&mut self.spec.init_containers).flat_map(|it| &mut it.env) {
            if it.value.is_none() && !it.withheld && it.weighs() {
                it.value = Some(String::new());
            }
        }
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
    /// Its volumes, as far as tokens for AWS depend on them: the first of all, the two that the pod identity webhook adds,
    /// and those with a token for an audience. `None` where a document does not record them.
    #[serde(default, deserialize_with = "volume::read_volumes", skip_serializing_if = "Option::is_none")]
    pub volumes: Option<Vec<Volume>>,
}

/// A container of a pod, as far as identity depends on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "volume::WholeContainer")]
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
    /// Where volumes are mounted, as far as a token for AWS may lie there. `None` where nothing is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_mounts: Option<Vec<VolumeMount>>,
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

/// An environment variable. `value` is kept for the variables of [`KEPT_ENV`] alone, and where it is empty.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct EnvVar {
    pub name: String,
    pub value: Option<String>,
    /// Of a variable that AWS SDKs look at: it has a value that is not kept, or one from elsewhere.
    pub withheld: bool,
    /// Its value comes from a key of a Secret or ConfigMap that need not exist: without it, the variable is not set.
    pub optional: bool,
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

/// Others that AWS SDKs look at: whether they are empty counts too.
const WEIGHED_ENV: [&str; 4] = ["HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"];

impl EnvVar {
    fn weighs(&self) -> bool {
        self.name.starts_with("AWS_") || WEIGHED_ENV.contains(&self.name.as_str())
    }
}

impl<'de> Deserialize<'de> for EnvVar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Whole {
            name: String,
            #[serde(default)]
            value: Option<String>,
            #[serde(default)]
            value_from: Option<ValueFrom>,
        }
        let Whole { name, value, value_from } = Whole::deserialize(deserializer)?;
        let (given, kept) = (value.is_some(), KEPT_ENV.contains(&name.as_str()));
        let mut it = EnvVar { name, value: value.filter(|it| kept || it.is_empty()), withheld: false, optional: false };
        if it.weighs() {
            it.withheld = given && it.value.is_none() || value_from.is_some();
            it.optional = !given && value_from.is_some_and(|it| it.is_optional());
        }
        Ok(it)
    }
}

/// `env[].valueFrom`: only whether what it names may be missing.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ValueFrom {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret_key_ref: Option<KeyRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    config_map_key_ref: Option<KeyRef>,
}

/// A key of a Secret or ConfigMap.
#[derive(Serialize, Deserialize)]
struct KeyRef {
    #[serde(default)]
    optional: Option<bool>,
}

impl ValueFrom {
    fn is_optional(&self) -> bool {
        [&self.secret_key_ref, &self.config_map_key_ref].into_iter().flatten().any(|it| it.optional == Some(true))
    }
}

impl Serialize for EnvVar {
    /// What is withheld is written as what comes from elsewhere, since its value is not here either; for what no answer
    /// depends on, the name is enough.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Whole<'a> {
            name: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            value: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            value_from: Option<ValueFrom>,
        }
        let secret_key_ref = self.optional.then_some(KeyRef { optional: Some(true) });
        let value_from = self.withheld.then_some(ValueFrom { secret_key_ref, config_map_key_ref: None });
        Whole { name: &self.name, value: self.value.as_deref(), value_from }.serialize(serializer)
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

impl PodIdentityAssociation {
    /// Whether an add-on of that name owns it, as far as the owner's ARN tells:
    /// `arn:aws:eks:eu-west-1:111122223333:addon/CLUSTER/NAME/UUID`.
    pub fn is_owned_by(&self, addon: &str) -> bool {
        self.owner_arn.as_deref().and_then(|arn| arn.split('/').nth(2)) == Some(addon)
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pod(spec: Value, status: Value) -> Pod {
        serde_json::from_value(json!({"metadata": {"name": "x"}, "spec": spec, "status": status})).expect("a pod")
    }

    #[test]
    fn of_a_variable_no_secret_is_kept_but_that_it_is_empty() {
        let optional = json!({"name": "AWS_PROFILE", "valueFrom": {"configMapKeyRef": {"key": "k", "optional": true}}});
        let it: EnvVar = serde_json::from_value(optional).expect("a variable");
        assert!(it.withheld && it.optional);
        let written = serde_json::to_value(&it).expect("it is written");
        assert_eq!(serde_json::from_value::<EnvVar>(written).expect("and read"), it);
        let rows = [
            (json!({"name": "AWS_ACCESS_KEY_ID", "value": "AKIA"}), None, true),
            (json!({"name": "AWS_ACCESS_KEY_ID", "value": ""}), Some(""), false),
            (
                json!({"name": "AWS_ACCESS_KEY_ID", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}),
                None,
                true,
            ),
            (json!({"name": "AWS_ACCESS_KEY_ID"}), None, false),
            (json!({"name": "AWS_ROLE_ARN", "value": "arn"}), Some("arn"), false),
            (json!({"name": "PASSWORD", "value": "hunter2"}), None, false),
        ];
        for (given, value, withheld) in rows {
            let it: EnvVar = serde_json::from_value(given.clone()).expect("a variable");
            assert_eq!((it.value.as_deref(), it.withheld), (value, withheld), "{given}");
            let written = serde_json::to_value(&it).expect("it is written");
            assert_eq!(serde_json::from_value::<EnvVar>(written).expect("and read"), it, "{given}");
        }
    }

    #[test]
    fn the_api_server_leaves_empty_values_out() {
        let env = json!([{"name": "AWS_ACCESS_KEY_ID"}, {"name": "NO_PROXY", "value": "x"}, {"name": "PORT"}]);
        let mut it = pod(json!({"containers": [{"name": "app", "env": env}]}), Value::Null);
        it.as_served();
        let values = it.spec.containers[0].env.iter().map(|it| it.value.as_deref());
        assert!(values.eq([Some(""), None, None]));
    }

    #[test]
    fn a_pod_is_ready_by_its_condition_or_else_by_its_phase() {
        let ready =
            |status: &str| json!([{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": status}]);
        let rows = [
            (json!({"phase": "Running", "conditions": ready("True")}), Some(true)),
            (json!({"phase": "Running", "conditions": ready("False")}), Some(false)),
            (json!({"phase": "Running", "conditions": ready("Unknown")}), None),
            (json!({"phase": "Running"}), Some(true)),
            (json!({"phase": "Pending"}), Some(false)),
            (json!({}), None),
            (Value::Null, None),
        ];
        for (status, wanted) in rows {
            let it = pod(json!({}), status.clone());
            assert_eq!(it.is_ready(), wanted, "{status}");
            assert!(it.status.is_none_or(|it| it.conditions.iter().all(|it| it.kind == "Ready")));
        }
    }
}
