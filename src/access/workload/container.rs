//! What one container's environment says of its AWS identity.
//!
//! Decides which provider of the SDKs' chain comes first: keys in the environment, web identity, the container endpoint,
//! the instance's role (`reference`: workload identity, §3). The pod's own environment counts, whatever its service
//! account says by now: the webhook writes it once, when the pod is made. Variables that may come from elsewhere
//! (`envFrom`, a profile) leave it not known; one that is known to be empty is as good as none. What stands in the way of
//! asking the agent (no token, a proxy) goes with the identity.

use std::fmt;

use super::Step;
use crate::access::trust::Outcome;
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
    /// What in its environment is in the way of asking the agent.
    pub hindrances: Vec<Step>,
    /// What in its environment may be, and surely is rarely.
    pub unverified: Option<String>,
}

pub(crate) const ROLE_ARN: &str = "AWS_ROLE_ARN";
pub(crate) const TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
pub(crate) const FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const AGENT_TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
const AGENT_TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
/// The agent is asked without TLS, so that the proxy for that counts.
const PROXY: [&str; 2] = ["HTTP_PROXY", "http_proxy"];
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// Where else credentials may come from before any of the rest.
const PROFILES: [&str; 3] = ["AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"];
/// Every variable that decides.
const DECIDING: [&str; 9] = [
    KEY_ID,
    SECRET_KEY,
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

/// Is there a variable of that name, whatever its value?
pub(crate) fn has(container: &Container, name: &str) -> bool {
    container.env.iter().any(|it| it.name == name)
}

/// The value of a variable, where it is written in the pod and was kept. The last of several counts.
pub(crate) fn value<'a>(container: &'a Container, name: &str) -> Option<&'a str> {
    container.env.iter().rfind(|it| it.name == name)?.value.as_deref()
}

/// Is there a variable of that name that is not known to be empty? SDKs pass over an empty one.
fn is_set(container: &Container, name: &str) -> bool {
    container.env.iter().rfind(|it| it.name == name).is_some_and(|it| it.value.as_deref() != Some(""))
}

/// Do SDKs in this container leave the instance's metadata alone?
pub(super) fn shuns_metadata(container: &Container) -> bool {
    value(container, "AWS_EC2_METADATA_DISABLED").is_some_and(|it| it.eq_ignore_ascii_case("true"))
}

/// Does it send plain HTTP to a proxy, and spare nobody?
pub(crate) fn is_proxied(container: &Container) -> bool {
    PROXY.iter().any(|it| is_set(container, it)) && !NO_PROXY.iter().any(|it| is_set(container, it))
}

/// What is in the way of asking the agent: each with how certain that is.
fn hindrances(container: &Container) -> Vec<Step> {
    let step = |label, outcome, text: String| Step { label, outcome: Some(outcome), text, evidence: None };
    let mut all = Vec::new();
    let file = value(container, AGENT_TOKEN_FILE);
    match (is_set(container, AGENT_TOKEN_FILE), is_set(container, AGENT_TOKEN)) {
        (true, _)
            if file.is_some_and(|it| it.ends_with("/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token")) => {
        }
        (true, _) => all.push(step(
            "token",
            Outcome::Unknown,
            "its token file is not the one that the webhook mounts for Pod Identity: whose token it is is not known"
                .to_owned(),
        )),
        (false, true) => all.push(step(
            "token",
            Outcome::Unknown,
            format!("its token is the value of {AGENT_TOKEN}, and whose it is is not known"),
        )),
        (false, false) => all.push(step(
            "token",
            Outcome::Denied,
            format!("{AGENT_TOKEN_FILE} is not set, and without a token the agent gives nobody credentials"),
        )),
    }
    if is_proxied(container) {
        all.push(step(
            "proxy",
            Outcome::Unknown,
            "HTTP_PROXY is set without NO_PROXY: its calls to the agent (169.254.170.23, [fd00:ec2::23]) go to the proxy and \
             fail, if its SDK takes a proxy for link-local addresses"
                .to_owned(),
        ));
    }
    all
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

/// Which of the deciding variables are set, in one pass, since there may be very many containers with very many variables.
/// The last of several of a name counts.
#[derive(Default)]
struct Given {
    key_id: bool,
    secret_key: bool,
    role_arn: bool,
    token_file: bool,
    full_uri: bool,
    relative_uri: bool,
    profiles: [bool; 3],
}

impl Given {
    fn of(container: &Container) -> Given {
        let mut given = Given::default();
        for it in container.env.iter().filter(|it| it.name.starts_with("AWS_")) {
            let set = it.value.as_deref() != Some("");
            match it.name.as_str() {
                KEY_ID => given.key_id = set,
                SECRET_KEY => given.secret_key = set,
                ROLE_ARN => given.role_arn = set,
                TOKEN_FILE => given.token_file = set,
                FULL_URI => given.full_uri = set,
                RELATIVE_URI => given.relative_uri = set,
                name => {
                    let mut all = PROFILES.iter().zip(&mut given.profiles);
                    if let Some((_, profile)) = all.find(|(it, _)| **it == name) {
                        *profile = set;
                    }
                }
            }
        }
        given
    }
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
        hindrances: Vec::new(),
        unverified: None,
    };
    let given = Given::of(container);
    let web = (given.role_arn, given.token_file);
    let endpoint = given.full_uri || given.relative_uri;
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
    if given.key_id && given.secret_key {
        settle(InForce::StaticKeys, format!("{KEY_ID} and {SECRET_KEY} are set, and every SDK looks there first"));
    } else if let Some(why) = hides(container) {
        settle(InForce::Unknown, why);
    } else if given.key_id {
        // A secret alone is passed over by all of them.
        let why = format!("{KEY_ID} is set without {SECRET_KEY}: some SDKs pass that over, and others stop there");
        settle(InForce::Unknown, why);
    } else if let Some((name, _)) = PROFILES.iter().zip(given.profiles).find(|(_, set)| *set) {
        settle(InForce::Unknown, format!("{name} is set: a profile of the image may come before all else"));
    } else if web == (true, true) {
        let reaches = if endpoint { ", and SDKs come to web identity before the container endpoint" } else { "" };
        settle(InForce::Irsa, format!("{ROLE_ARN} and {TOKEN_FILE} are set{reaches}"));
        it.role_arn = value(container, ROLE_ARN).map(str::to_owned);
        it.webhook_token = value(container, TOKEN_FILE).is_some_and(is_webhook_token);
    } else if web != (false, false) {
        let (set, missing) = if web.0 { (ROLE_ARN, TOKEN_FILE) } else { (TOKEN_FILE, ROLE_ARN) };
        settle(InForce::Unknown, format!("{set} is set without {missing}, which SDKs treat differently"));
    } else if given.relative_uri {
        settle(InForce::Unknown, format!("{RELATIVE_URI} is set: its credentials come from an endpoint of its own"));
    } else if given.full_uri {
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
    if it.in_force == InForce::PodIdentity {
        it.hindrances = hindrances(container);
        let spared = PROXY.iter().any(|it| is_set(container, it)) && !is_proxied(container);
        it.unverified = spared.then(|| {
            "that NO_PROXY names the agent (169.254.170.23, [fd00:ec2::23]), since HTTP_PROXY is set: its value is not kept"
                .to_owned()
        });
    }
    it
}

/// A pod's container by its place, init containers last.
pub(super) fn of(pod: &Pod, at: usize) -> Option<&Container> {
    pod.spec.containers.iter().chain(&pod.spec.init_containers).nth(at)
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
