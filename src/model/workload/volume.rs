//! Volumes of pods and where containers mount them, as far as a token for AWS may come from one.
//!
//! Decides what of a pod's volumes is worth keeping: the token files of IRSA and Pod Identity lie in projected volumes that
//! the pod identity webhook adds, or that a pod template has by hand. Which token a file holds is decided in
//! `access::workload::token`.

use serde::{Deserialize, Deserializer, Serialize};

use super::super::rbac::null_is_default;
use super::{Container, EnvFrom, EnvVar};

/// The volume that the webhook adds for IRSA.
pub const IRSA_VOLUME: &str = "aws-iam-token";
/// Where the webhook mounts the volume for IRSA.
pub const IRSA_MOUNT: &str = "/var/run/secrets/eks.amazonaws.com/serviceaccount";
/// The volume that the webhook adds for Pod Identity.
pub const POD_IDENTITY_VOLUME: &str = "eks-pod-identity-token";
/// Where the webhook mounts the volume for Pod Identity.
pub const POD_IDENTITY_MOUNT: &str = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount";

/// A volume, as far as it holds a token for AWS.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Volume {
    pub name: String,
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "Projected::is_empty")]
    pub projected: Projected,
}

impl Volume {
    /// Whether it holds a token that is made out for an audience of its own.
    fn has_audience(&self) -> bool {
        let tokens = self.projected.sources.iter().filter_map(|it| it.service_account_token.as_ref());
        tokens.into_iter().any(|it| it.audience.as_ref().is_some_and(|it| !it.is_empty()))
    }
}

/// `volumes[].projected`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Projected {
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<TokenSource>,
}

impl Projected {
    fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }
}

/// `projected.sources[]`: a token, for whom it is made out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct TokenSource {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_token: Option<ProjectedToken>,
}

/// `sources[].serviceAccountToken`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ProjectedToken {
    /// Absent or empty: the API server's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// The file's name; `None` where a document does not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// `volumeMounts[]` of a container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct VolumeMount {
    /// The volume's name.
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub mount_path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_path: Option<String>,
}

impl VolumeMount {
    /// The rest of a path that lies in it; empty for the mount's own path. Windows' drive and separators are read too.
    pub fn rest_of<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(self.mount_path.trim_end_matches('/'))?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
    }
}

/// A path as Linux writes it: the webhook writes `C:\var\run\…` for a pod that selects Windows nodes.
pub fn linux_path(path: &str) -> String {
    path.strip_prefix("C:").unwrap_or(path).replace('\\', "/")
}

/// A container as it is read, before the mounts that no token depends on are dropped.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WholeContainer {
    name: String,
    #[serde(default)]
    image: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    env: Vec<EnvVar>,
    #[serde(default, deserialize_with = "null_is_default")]
    env_from: Vec<EnvFrom>,
    #[serde(default)]
    volume_mounts: Option<Vec<VolumeMount>>,
}

/// The variables that name token files: IRSA's and Pod Identity's.
const TOKEN_FILES: [&str; 2] = ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"];

impl From<WholeContainer> for Container {
    fn from(it: WholeContainer) -> Container {
        let WholeContainer { name, image, env, env_from, volume_mounts } = it;
        let volume_mounts = volume_mounts.map(|mut all| {
            let files = env.iter().filter(|it| TOKEN_FILES.contains(&it.name.as_str()));
            let files: Vec<String> = files.filter_map(|it| Some(linux_path(it.value.as_deref()?))).collect();
            all.retain(|it| {
                [IRSA_VOLUME, POD_IDENTITY_VOLUME].contains(&it.name.as_str())
                    || [IRSA_MOUNT, POD_IDENTITY_MOUNT].iter().any(|own| it.rest_of(own).is_some())
                    || files.iter().any(|file| it.rest_of(file).is_some())
            });
            all
        });
        Container { name, image, env, env_from, volume_mounts }
    }
}

pub(super) fn read_volumes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Volume>>, D::Error> {
    let all: Option<Vec<Volume>> = Option::deserialize(deserializer)?;
    Ok(all.map(|all| {
        let own = |it: &Volume| it.name == IRSA_VOLUME || it.name == POD_IDENTITY_VOLUME;
        let kept = all.into_iter().enumerate().filter(|(at, it)| *at == 0 || own(it) || it.has_audience());
        kept.map(|(_, it)| it).collect()
    }))
}

#[cfg(test)]
mod tests {
    use super::super::Pod;
    use super::*;
    use serde_json::{Value, json};

    fn spec(spec: Value) -> super::super::PodSpec {
        let pod: Pod = serde_json::from_value(json!({"metadata": {"name": "x"}, "spec": spec})).expect("a pod");
        let written = serde_json::to_value(&pod).expect("it is written");
        assert_eq!(serde_json::from_value::<Pod>(written).expect("and read"), pod);
        pod.spec
    }

    #[test]
    fn of_volumes_those_are_kept_that_may_hold_a_token_for_aws() {
        let token = |name: &str, audience: Value| {
            json!({"name": name, "projected": {"sources": [
                {"serviceAccountToken": {"audience": audience, "path": "token"}}, {"configMap": {"name": "ca"}}]}})
        };
        let all = json!([token("kube-api-access", Value::Null), {"name": "tmp", "emptyDir": {}},
            token("vault", json!("vault")), {"name": "aws-iam-token", "emptyDir": {}}]);
        let volumes = spec(json!({"volumes": all})).volumes.expect("volumes");
        let names: Vec<&str> = volumes.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["kube-api-access", "vault", "aws-iam-token"], "the first keeps its place");
        let audience = |it: &Volume| it.projected.sources.first()?.service_account_token.as_ref()?.audience.clone();
        assert_eq!(volumes.iter().map(audience).collect::<Vec<_>>(), [None, Some("vault".to_owned()), None]);
        assert_eq!(spec(json!({"volumes": null})).volumes, None);
        assert_eq!(spec(json!({"volumes": []})).volumes, Some(Vec::new()));
    }

    #[test]
    fn of_mounts_those_are_kept_under_which_a_token_file_may_lie() {
        let mount = |name: &str, path: &str| json!({"name": name, "mountPath": path});
        let mounts = json!([
            mount("kube-api-access", "/var/run/secrets/kubernetes.io/serviceaccount"),
            mount("all", "/var/run"),
            mount("near", "/var/run/secrets/eks.amazonaws.com/service"),
            mount("mine", "/tokens/"),
            mount("aws-iam-token", "/elsewhere")
        ]);
        let env = json!([{"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "C:\\tokens\\mine"}]);
        let it = spec(json!({"containers": [{"name": "app", "env": env, "volumeMounts": mounts}, {"name": "none"}]}));
        let names = it.containers[0].volume_mounts.iter().flatten().map(|it| it.name.as_str());
        assert_eq!(names.collect::<Vec<_>>(), ["all", "mine", "aws-iam-token"]);
        assert_eq!(it.containers[1].volume_mounts, None);
    }
}
