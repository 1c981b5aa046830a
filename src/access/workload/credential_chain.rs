//! The AWS SDKs' credential chain, applied to one container.
//!
//! Decides which provider of the chain comes first (AWS SDKs and tools reference guide, "Understand the
//! credential provider chain"): static keys in the environment, a
//! profile, web identity, the container endpoint, the instance's role. It reads the environment as the kubelet sets it: the
//! last variable of a name wins, `$(NAME)` is expanded, an empty variable counts as none. It knows nothing of service
//! accounts: what the webhook would write today is [`super::webhook`]'s, and goes through this same chain.
//!
//! Unknown is what hides behind `envFrom`, a profile or an optional source, and where SDKs differ: half a key pair (botocore
//! stops, the others pass over it), half of web identity's pair. A value that a Secret holds is taken to be set.

use std::fmt;

use super::token::{IRSA_TOKEN, POD_IDENTITY_TOKEN, Token, read_token};
use super::{ChainLink, Step};
use crate::access::Verdict;
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

impl ContainerIdentity {
    /// For whom its token is made out, where that is known.
    pub fn audience(&self) -> Option<&str> {
        self.token.as_ref()?.audience()
    }

    /// Whether another container, or the same one in another pod, has the same identity: mechanism, role and audience. An
    /// audience that was not recorded may be any.
    pub fn is_same_as(&self, other: &ContainerIdentity) -> bool {
        let own = |it: InForce| if it == InForce::None { InForce::NodeRole } else { it };
        let unrecorded = [self, other].iter().any(|it| it.token == Some(Token::Unrecorded));
        own(self.in_force) == own(other.in_force)
            && (self.in_force != InForce::Irsa || self.role_arn == other.role_arn)
            && (unrecorded || self.audience() == other.audience())
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
    /// The token that it signs in with (IRSA, Pod Identity).
    pub token: Option<Token>,
    /// What that was read from, as a sentence.
    pub because: String,
    /// What else stands in its environment, and loses.
    pub besides: Vec<InForce>,
    /// What in its environment is in the way of asking the agent.
    pub hindrances: Vec<Step>,
    /// What in its environment may be, and surely is rarely.
    pub unverified: Vec<String>,
}

pub(crate) const ROLE_ARN: &str = "AWS_ROLE_ARN";
pub(crate) const TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
pub(crate) const FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
pub(crate) const AGENT_TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
const RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const AGENT_TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
/// For whom EKS wants a pod's token to be made out.
pub(crate) const POD_IDENTITY_AUDIENCE: &str = "pods.eks.amazonaws.com";
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

/// Do SDKs in this container leave the instance's metadata alone? `None`: the variable's value is unknown.
pub(super) fn shuns_metadata(container: &Container) -> Option<bool> {
    match last(container, "AWS_EC2_METADATA_DISABLED").map_or(Setting::Unset, |at| setting(container, at, 0)) {
        Setting::Known(it) => Some(it.eq_ignore_ascii_case("true")),
        Setting::Unset | Setting::Empty => Some(false),
        Setting::Hidden | Setting::Doubtful => None,
    }
}

/// Does it send plain HTTP to a proxy, and spare nobody?
pub(crate) fn is_proxied(container: &Container) -> bool {
    PROXY.iter().any(|it| is_set(container, it)) && !NO_PROXY.iter().any(|it| is_set(container, it))
}

/// What is in the way of asking the agent: each with how certain that is.
fn hindrances(container: &Container, token: Option<&Token>) -> Vec<Step> {
    let step = |link, outcome, text: String| Step { link, outcome: Some(outcome), text, evidence: None };
    let mut all = Vec::new();
    match (is_set(container, AGENT_TOKEN_FILE), is_set(container, AGENT_TOKEN)) {
        (true, _) => match token {
            Some(Token::Unrecorded) => {}
            Some(Token::Projected { audience: Some(it) }) if it == POD_IDENTITY_AUDIENCE => {}
            Some(Token::Projected { audience }) => all.push(step(
                ChainLink::Token,
                Verdict::Unknown,
                format!(
                    "its token is made out for {}, and EKS takes tokens for {POD_IDENTITY_AUDIENCE}",
                    audience.as_ref().map_or("the API server".to_owned(), |it| format!("{it:?}"))
                ),
            )),
            Some(Token::Foreign(why)) => {
                all.push(step(ChainLink::Token, Verdict::Unknown, format!("{why}: whose token it is is not known")));
            }
            None => all.push(step(
                ChainLink::Token,
                Verdict::Unknown,
                format!("{AGENT_TOKEN_FILE} is set from elsewhere: whose token it is is not known"),
            )),
        },
        (false, true) => all.push(step(
            ChainLink::Token,
            Verdict::Unknown,
            format!("its token is the value of {AGENT_TOKEN}, and whose it is is not known"),
        )),
        (false, false) => all.push(step(
            ChainLink::Token,
            Verdict::No,
            format!("{AGENT_TOKEN_FILE} is not set, and without a token the agent gives nobody credentials"),
        )),
    }
    if is_proxied(container) {
        all.push(step(
            ChainLink::Proxy,
            Verdict::Unknown,
            "HTTP_PROXY is set without NO_PROXY: its calls to the agent (169.254.170.23, [fd00:ec2::23]) go to the proxy and \
             fail, if its SDK takes a proxy for link-local addresses"
                .to_owned(),
        ));
    }
    all
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

/// What a variable is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Setting {
    /// Nothing.
    Unset,
    /// The empty text, which SDKs pass over.
    Empty,
    /// This.
    Known(String),
    /// Something that is not in the pod.
    Hidden,
    /// Something that is not in the pod and may be missing.
    Doubtful,
}

impl Setting {
    /// `None`: that is unknown.
    fn is_set(&self) -> Option<bool> {
        match self {
            Setting::Unset | Setting::Empty => Some(false),
            Setting::Known(_) | Setting::Hidden => Some(true),
            Setting::Doubtful => None,
        }
    }

    fn known(self) -> Option<String> {
        match self {
            Setting::Known(it) => Some(it),
            _ => None,
        }
    }
}

/// The place of the variable of a name that counts: the last.
fn last(container: &Container, name: &str) -> Option<usize> {
    container.env.iter().rposition(|it| it.name == name)
}

/// How deep references to other variables are followed, and how long a value may become.
const DEEPEST: usize = 8;
const LONGEST: usize = 8192;

/// What the kubelet sets the variable at a place to.
fn setting(container: &Container, at: usize, depth: usize) -> Setting {
    let Some(it) = container.env.get(at) else { return Setting::Unset };
    let value = match it.value.as_deref() {
        Some("") => return Setting::Empty,
        Some(value) if !value.contains('$') => return Setting::Known(value.to_owned()),
        Some(value) => value,
        None if it.optional => return Setting::Doubtful,
        None => return Setting::Hidden,
    };
    match expand(container, at, value, depth) {
        Some(it) if it.is_empty() => Setting::Empty,
        Some(it) => Setting::Known(it),
        None => Setting::Doubtful,
    }
}

/// A value with the references to variables before it replaced, as the kubelet does: `$$` is a dollar sign, and a reference
/// to nothing stays as it is. `None`: that is unknown.
fn expand(container: &Container, at: usize, value: &str, depth: usize) -> Option<String> {
    let mut out = String::new();
    let mut rest = value;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        let after = &rest[dollar + 1..];
        let name = after.strip_prefix('(').and_then(|it| it.split_once(')'));
        rest = if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            after
        } else if let Some((name, after)) = name {
            let earlier = container.env.iter().take(at).rposition(|it| it.name == name);
            match earlier {
                Some(earlier) if depth < DEEPEST => match setting(container, earlier, depth + 1) {
                    Setting::Known(it) => out.push_str(&it),
                    Setting::Empty => {}
                    Setting::Unset | Setting::Hidden | Setting::Doubtful => return None,
                },
                Some(_) => return None,
                // Variables of Services are set by the kubelet, and are not in the pod.
                None if !container.env_from.is_empty() || name.contains("_SERVICE_") || name.contains("_PORT") => {
                    return None;
                }
                None => out.push_str(&format!("$({name})")),
            }
            after
        } else {
            out.push('$');
            after
        };
        if out.len() > LONGEST {
            return None;
        }
    }
    out.push_str(rest);
    Some(out)
}

/// The deciding variables, found in one pass, since there may be very many containers with very many variables. The last of
/// several of a name counts.
struct Given<'a> {
    container: &'a Container,
    places: [Option<usize>; DECIDING.len()],
    token_file: Option<usize>,
}

impl<'a> Given<'a> {
    fn new(container: &'a Container) -> Given<'a> {
        let mut given = Given { container, places: [None; DECIDING.len()], token_file: None };
        for (at, it) in container.env.iter().enumerate().filter(|(_, it)| it.name.starts_with("AWS_")) {
            if let Some((_, place)) = DECIDING.iter().zip(&mut given.places).find(|(name, _)| **name == it.name) {
                *place = Some(at);
            } else if it.name == AGENT_TOKEN_FILE {
                given.token_file = Some(at);
            }
        }
        given
    }

    fn setting(&self, name: &str) -> Setting {
        let place = DECIDING.iter().zip(&self.places).find(|(it, _)| **it == name).and_then(|(_, place)| *place);
        place.map_or(Setting::Unset, |at| setting(self.container, at, 0))
    }

    fn is_set(&self, name: &str) -> Option<bool> {
        self.setting(name).is_set()
    }

    /// The first of some variables that may come from an optional source.
    fn doubtful<'n>(&self, names: &[&'n str]) -> Option<&'n str> {
        names.iter().copied().find(|it| self.is_set(it).is_none())
    }
}

/// The identity of a container. Where nothing is found, that of the node, which [`super::place`] tells more of.
pub fn identity(pod: &Pod, container: &Container, init: bool) -> ContainerIdentity {
    let given = Given::new(container);
    let surely = |name: &str| given.is_set(name) == Some(true);
    let never = |name: &str| given.is_set(name) == Some(false);
    let maybe =
        |name: &str| format!("{name} comes from an optional source or refers to one: whether it is set is unknown");
    let web = (surely(ROLE_ARN), surely(TOKEN_FILE));
    let endpoint = surely(FULL_URI) || surely(RELATIVE_URI);
    let mut unverified = Vec::new();
    let (in_force, because) = if surely(KEY_ID) && surely(SECRET_KEY) {
        if let Some(name) = PROFILES.iter().find(|it| !never(it)) {
            unverified.push(format!(
                "that its SDK looks at the keys before {name}: the AWS SDK for JavaScript prefers a profile that is named"
            ));
        }
        (InForce::StaticKeys, format!("{KEY_ID} and {SECRET_KEY} are set, and SDKs look there first"))
    } else if let Some(why) = hides(container) {
        (InForce::Unknown, why)
    } else if let Some(name) = given.doubtful(&[KEY_ID, SECRET_KEY]).filter(|_| !never(KEY_ID)) {
        (InForce::Unknown, maybe(name))
    } else if surely(KEY_ID) {
        // A secret alone is passed over by all of them.
        let why = format!("{KEY_ID} is set without {SECRET_KEY}: botocore stops there, and other SDKs pass over it");
        (InForce::Unknown, why)
    } else if let Some(name) = PROFILES.iter().find(|it| !never(it)) {
        (InForce::Unknown, format!("{name} is set: a profile of the image may come before all else"))
    } else if web == (true, true) {
        let reaches = if endpoint { ", and SDKs come to web identity before the container endpoint" } else { "" };
        (InForce::Irsa, format!("{ROLE_ARN} and {TOKEN_FILE} are set{reaches}"))
    } else if let Some(name) = given.doubtful(&[ROLE_ARN, TOKEN_FILE]) {
        (InForce::Unknown, maybe(name))
    } else if web != (false, false) {
        let (set, missing) = if web.0 { (ROLE_ARN, TOKEN_FILE) } else { (TOKEN_FILE, ROLE_ARN) };
        (InForce::Unknown, format!("{set} is set without {missing}, which SDKs treat differently"))
    } else if let Some(name) = given.doubtful(&[RELATIVE_URI, FULL_URI]) {
        (InForce::Unknown, maybe(name))
    } else if surely(RELATIVE_URI) {
        (InForce::Unknown, format!("{RELATIVE_URI} is set: its credentials come from an endpoint of its own"))
    } else if surely(FULL_URI) {
        by_endpoint(given.setting(FULL_URI).known())
    } else {
        (InForce::NodeRole, "its environment names no AWS identity".to_owned())
    };
    let agent = given.setting(FULL_URI).known().is_some_and(|it| names_agent(&it));
    let mechanisms = [(web == (true, true), InForce::Irsa), (agent, InForce::PodIdentity)];
    let found = mechanisms.into_iter().filter_map(|(found, it)| found.then_some(it));
    let mut it = ContainerIdentity {
        name: container.name.clone(),
        init,
        in_force,
        role_arn: None,
        token: None,
        because,
        besides: found.filter(|other| *other != in_force).collect(),
        hindrances: Vec::new(),
        unverified,
    };
    match in_force {
        InForce::Irsa => {
            it.role_arn = given.setting(ROLE_ARN).known();
            it.token = Some(match given.setting(TOKEN_FILE).known() {
                Some(path) => read_token(pod, container, &path, IRSA_TOKEN),
                None => Token::Foreign(format!("{TOKEN_FILE} is set from elsewhere")),
            });
        }
        InForce::PodIdentity => {
            let path = given.token_file.and_then(|at| setting(container, at, 0).known());
            it.token = path.map(|path| read_token(pod, container, &path, POD_IDENTITY_TOKEN));
            it.hindrances = hindrances(container, it.token.as_ref());
            let spared = PROXY.iter().any(|it| is_set(container, it)) && !is_proxied(container);
            it.unverified.extend(spared.then(|| {
                "that NO_PROXY names the agent (169.254.170.23, [fd00:ec2::23]), since HTTP_PROXY is set: its value is not \
                 kept"
                    .to_owned()
            }));
        }
        _ => {}
    }
    it
}

/// Whether a URI is the Pod Identity agent's.
pub(super) fn names_agent(uri: &str) -> bool {
    uri.starts_with("http://169.254.170.23/") || uri.starts_with("http://[fd00:ec2::23]/")
}

fn by_endpoint(uri: Option<String>) -> (InForce, String) {
    match uri {
        Some(uri) if names_agent(&uri) => (InForce::PodIdentity, format!("{FULL_URI} names the Pod Identity agent")),
        Some(uri) => (InForce::Unknown, format!("{FULL_URI} is {uri}, which is not the Pod Identity agent")),
        None => (InForce::Unknown, format!("{FULL_URI} is set from elsewhere, and its value is not in the pod")),
    }
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
    let own = pod.spec.containers.iter().map(|it| identity(pod, it, false));
    let init = pod.spec.init_containers.iter().map(|it| identity(pod, it, true));
    let at = main.and_then(|name| pod.spec.containers.iter().position(|it| it.name == *name)).unwrap_or(0);
    (own.chain(init).collect(), at)
}
