//! What one container's environment says of its AWS identity.
//!
//! Decides which provider of the SDKs' chain comes first: keys in the environment, web identity, the container endpoint,
//! the instance's role (`reference`: workload identity, §3). The pod's own environment counts, whatever its service
//! account says by now: the webhook writes it once, when the pod is made. Variables that may come from elsewhere
//! (`envFrom`, a profile) leave it not known.

use std::fmt;

use crate::model::workload::{Container, Pod};

/// Where a workload's AWS credentials come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InForce {
    /// EKS Pod Identity, through the agent on the node.
    PodIdentity,
    /// IRSA: a token of the cluster's issuer.
    Irsa,
    /// Access keys in the environment.
    StaticKeys,
    /// Nothing of its own: what falls through is the node's role.
    NodeRole,
    /// Nothing, and no node's role behind it.
    None,
    /// It cannot be made out.
    Unknown,
}

impl InForce {
    /// `pod-identity`, `irsa`, `static-keys`, `node-role`, `none`, `unknown`.
    pub fn as_str(self) -> &'static str {
        match self {
            InForce::PodIdentity => "pod-identity",
            InForce::Irsa => "irsa",
            InForce::StaticKeys => "static-keys",
            InForce::NodeRole => "node-role",
            InForce::None => "none",
            InForce::Unknown => "unknown",
        }
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            InForce::PodIdentity => "Pod Identity",
            InForce::Irsa => "IRSA",
            InForce::StaticKeys => "access keys in its environment",
            InForce::NodeRole => "the node's role",
            InForce::None => "no AWS identity",
            InForce::Unknown => "not known",
        }
    }
}

impl fmt::Display for InForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One container's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerIdentity {
    /// Its name.
    pub name: String,
    /// Is it an init container?
    pub init: bool,
    /// Where its credentials come from.
    pub in_force: InForce,
    /// The role that its environment names (IRSA).
    pub role_arn: Option<String>,
    /// Is its token the webhook's? Of any other, nothing is known.
    pub webhook_token: bool,
    /// What that was read from, as a sentence.
    pub because: String,
    /// What else stands in its environment, and loses.
    pub besides: Vec<InForce>,
}

pub(crate) const ROLE_ARN: &str = "AWS_ROLE_ARN";
pub(crate) const TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
pub(crate) const FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const KEY_ID: &str = "AWS_ACCESS_KEY_ID";
/// Where else credentials may come from before any of the rest.
const PROFILES: [&str; 3] = ["AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"];
/// Every variable that decides.
const DECIDING: [&str; 8] = [
    KEY_ID,
    ROLE_ARN,
    TOKEN_FILE,
    FULL_URI,
    RELATIVE_URI,
    "AWS_PROFILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_CONFIG_FILE",
];

/// The label that keeps the webhook away from a pod.
pub(crate) const SKIP_LABEL: &str = "eks.amazonaws.com/skip-pod-identity-webhook";
/// The annotation that keeps it away from containers.
pub(crate) const SKIP_CONTAINERS: &str = "eks.amazonaws.com/skip-containers";

/// Does the pod ask the webhook to skip this container by its name?
pub(crate) fn skips(pod: &Pod, container: &str) -> bool {
    let names = pod.metadata.annotations.get(SKIP_CONTAINERS).map(String::as_str).unwrap_or_default();
    names.split(',').any(|it| it.trim() == container)
}

/// Does the webhook leave the container alone, because the pod asks for that?
pub(crate) fn is_skipped(pod: &Pod, container: &str) -> bool {
    pod.metadata.labels.contains_key(SKIP_LABEL) || skips(pod, container)
}

/// Is there a variable of that name?
pub(crate) fn has(container: &Container, name: &str) -> bool {
    container.env.iter().any(|it| it.name == name)
}

/// The value of a variable, where it is written in the pod and was kept. The last of several counts.
pub(crate) fn value<'a>(container: &'a Container, name: &str) -> Option<&'a str> {
    container.env.iter().rfind(|it| it.name == name)?.value.as_deref()
}

/// Does the token file lie where the webhook mounts it? On Windows with backslashes.
pub(crate) fn is_webhook_token(path: &str) -> bool {
    path.replace('\\', "/").ends_with("/eks.amazonaws.com/serviceaccount/token")
}

/// May variables that decide come from a source whose contents are not in the pod?
fn hides(container: &Container) -> Option<String> {
    let source = container.env_from.iter().find(|it| {
        let prefix = it.prefix.as_deref().unwrap_or_default();
        DECIDING.iter().any(|name| name.starts_with(prefix))
    })?;
    let (kind, name) = match (&source.secret_ref, &source.config_map_ref) {
        (Some(secret), _) => ("Secret", secret.name.as_str()),
        (None, Some(map)) => ("ConfigMap", map.name.as_str()),
        (None, None) => ("a source", "that is not named"),
    };
    Some(format!("its environment also comes from {kind} {name} (envFrom), which may hold access keys"))
}

/// The identity of a container. Where nothing is found, that of the node, which [`super::place`] tells more of.
pub fn identity(container: &Container, init: bool) -> ContainerIdentity {
    let mut it = ContainerIdentity {
        name: container.name.clone(),
        init,
        in_force: InForce::Unknown,
        role_arn: None,
        webhook_token: false,
        because: String::new(),
        besides: Vec::new(),
    };
    let web = (has(container, ROLE_ARN), has(container, TOKEN_FILE));
    let endpoint = has(container, FULL_URI) || has(container, RELATIVE_URI);
    let mut found = Vec::new();
    if web == (true, true) {
        found.push(InForce::Irsa);
    }
    if endpoint {
        found.push(InForce::PodIdentity);
    }
    let mut settle = |in_force: InForce, because: String| {
        it.besides = found.iter().copied().filter(|other| *other != in_force).collect();
        (it.in_force, it.because) = (in_force, because);
    };
    if has(container, KEY_ID) {
        settle(InForce::StaticKeys, format!("{KEY_ID} is set, and every SDK looks there first"));
    } else if let Some(why) = hides(container) {
        settle(InForce::Unknown, why);
    } else if let Some(name) = PROFILES.iter().find(|name| has(container, name)) {
        settle(InForce::Unknown, format!("{name} is set: a profile of the image may come before all else"));
    } else if web == (true, true) {
        let reaches = if endpoint { ", and SDKs come to web identity before the container endpoint" } else { "" };
        settle(InForce::Irsa, format!("{ROLE_ARN} and {TOKEN_FILE} are set{reaches}"));
        it.role_arn = value(container, ROLE_ARN).map(str::to_owned);
        it.webhook_token = value(container, TOKEN_FILE).is_some_and(is_webhook_token);
    } else if web != (false, false) {
        let (set, missing) = if web.0 { (ROLE_ARN, TOKEN_FILE) } else { (TOKEN_FILE, ROLE_ARN) };
        settle(InForce::Unknown, format!("{set} is set without {missing}, which SDKs treat differently"));
    } else if has(container, RELATIVE_URI) {
        settle(InForce::Unknown, format!("{RELATIVE_URI} is set: its credentials come from an endpoint of its own"));
    } else if has(container, FULL_URI) {
        match value(container, FULL_URI) {
            Some(uri) if uri.starts_with("http://169.254.170.23/") || uri.starts_with("http://[fd00:ec2::23]/") => {
                settle(InForce::PodIdentity, format!("{FULL_URI} names the Pod Identity agent"));
            }
            Some(uri) => settle(InForce::Unknown, format!("{FULL_URI} is {uri}, which is not the Pod Identity agent")),
            None => {
                settle(InForce::Unknown, format!("{FULL_URI} is set from elsewhere, and its value is not in the pod"))
            }
        }
    } else {
        settle(InForce::NodeRole, "its environment names no AWS identity".to_owned());
    }
    it
}

/// The roles that a pod's containers name in their environment, once each.
pub(super) fn roles_named(pod: &Pod) -> Vec<&str> {
    let mut all: Vec<&str> =
        (pod.spec.containers.iter().chain(&pod.spec.init_containers)).filter_map(|it| value(it, ROLE_ARN)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The identities of a pod's containers, init containers last; and which of them stands for the pod: the one that the
/// pod itself names as its main one, else the first.
pub fn identities(pod: &Pod) -> (Vec<ContainerIdentity>, usize) {
    let main = pod.metadata.annotations.get("kubectl.kubernetes.io/default-container");
    let own = pod.spec.containers.iter().map(|it| identity(it, false));
    let init = pod.spec.init_containers.iter().map(|it| identity(it, true));
    let at = main.and_then(|name| pod.spec.containers.iter().position(|it| it.name == *name)).unwrap_or(0);
    (own.chain(init).collect(), at)
}
