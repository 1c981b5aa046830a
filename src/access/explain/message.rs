//! What a pasted message says, as values: who speaks, what was refused, and to whom.
//!
//! Holds types only. Reading a text into them is [`super::recognize`]'s, and what follows from the facts is the other
//! modules'. A new kind of message is a variant of [`Message`] with its id in [`Message::kind`] and its speaker in
//! [`Message::speaker`].

pub use super::refusal::{Iam, PolicyRefusal, RefusingPolicy};
use crate::model::principal::Asked;
use crate::model::rbac::Rule;
use crate::model::request::Request;

/// A text, recognized: the message that a person would mean first, and what else it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The message that is explained.
    pub message: Message,
    /// The other messages in the same text, in order, repetitions left out.
    pub others: Vec<Message>,
}

/// Who refused, or failed: the party whose words the message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Speaker {
    /// The cluster's API server: authentication and authorization.
    ApiServer,
    /// The API server's admission: after authorization.
    Admission,
    /// The kubelet of a node, as a server.
    Kubelet,
    /// The EKS API.
    EksApi,
    /// EKS Auth, whom the Pod Identity agent asks.
    EksAuth,
    /// AWS STS.
    Sts,
    /// IAM, in the name of any other AWS service.
    Iam,
    /// An image registry.
    Registry,
    /// A proxy or load balancer between client and server.
    Proxy,
    /// The client itself: nobody was asked, or nobody answered.
    Client,
    /// The message does not say.
    Unnamed,
}

impl Speaker {
    /// `api-server`, `admission`, `kubelet`, `eks-api`, `eks-auth`, `sts`, `iam`, `registry`, `proxy`, `client`, `unnamed`
    pub fn as_str(self) -> &'static str {
        match self {
            Speaker::ApiServer => "api-server",
            Speaker::Admission => "admission",
            Speaker::Kubelet => "kubelet",
            Speaker::EksApi => "eks-api",
            Speaker::EksAuth => "eks-auth",
            Speaker::Sts => "sts",
            Speaker::Iam => "iam",
            Speaker::Registry => "registry",
            Speaker::Proxy => "proxy",
            Speaker::Client => "client",
            Speaker::Unnamed => "unnamed",
        }
    }

    /// As the subject of a sentence.
    pub fn noun(self) -> &'static str {
        match self {
            Speaker::ApiServer => "the API server",
            Speaker::Admission => "admission in the API server",
            Speaker::Kubelet => "the kubelet",
            Speaker::EksApi => "the EKS API",
            Speaker::EksAuth => "EKS Auth (Pod Identity)",
            Speaker::Sts => "AWS STS",
            Speaker::Iam => "AWS IAM",
            Speaker::Registry => "the image registry",
            Speaker::Proxy => "a proxy or load balancer",
            Speaker::Client => "the client itself",
            Speaker::Unnamed => "a party that the message does not name",
        }
    }

    /// Who answers a call of an AWS action: `sts:AssumeRole`, `eks:DescribeCluster`.
    pub fn of_action(action: &str) -> Speaker {
        match action.split(':').next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "sts" => Speaker::Sts,
            "eks" => Speaker::EksApi,
            "eks-auth" => Speaker::EksAuth,
            _ => Speaker::Iam,
        }
    }
}

/// Who had sent the request that was refused, where the message names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sender {
    /// A command that a person or a pipeline ran: kubectl, helm, Terraform, eksctl.
    Command,
    /// A program: a person's script or a controller; the format does not tell.
    Program,
    /// A controller or another program in a cluster.
    Controller,
    /// The kubelet of a node.
    Node,
}

impl Sender {
    /// `command`, `program`, `controller`, `node`
    pub fn as_str(self) -> &'static str {
        match self {
            Sender::Command => "command",
            Sender::Program => "program",
            Sender::Controller => "controller",
            Sender::Node => "node",
        }
    }

    /// Whether the person who asks could have sent it.
    pub fn may_be_caller(self) -> bool {
        matches!(self, Sender::Command | Sender::Program)
    }
}

/// A message, recognized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// 403 of the cluster's authorizers.
    Forbidden(Forbidden),
    /// 401: the server did not know who asked.
    Unauthorized {
        /// Whose credentials, where the text holds an ARN.
        asked: Option<Box<Asked>>,
        /// Who had sent the request.
        sender: Sender,
        /// The API server; unnamed where only an ARN and the word were pasted.
        speaker: Speaker,
        /// The node, where its kubelet had sent the request and the text names it.
        node: Option<String>,
    },
    /// A kubelet refused the API server or a scraper.
    Kubelet(KubeletRefusal),
    /// The client could not get valid AWS credentials.
    Credentials {
        /// Whose, where the text holds an ARN.
        asked: Option<Box<Asked>>,
        /// What is wrong with them.
        fault: CredentialFault,
        /// The client, or the AWS service that refused them.
        speaker: Speaker,
    },
    /// The connection to the API server failed before any request was judged.
    Connection(ConnectionFault),
    /// `kubectl auth can-i …`, with its answer if that was pasted too.
    CanI(CanI),
    /// A refusal by IAM policies, trust policies included.
    Iam(Iam),
    /// STS refused a service account's token itself.
    WebIdentity(WebIdentity),
    /// EKS Auth gave the Pod Identity agent no credentials.
    PodIdentity(PodIdentityFault),
    /// A registry refused to give an image.
    ImagePull(ImagePull),
    /// The request was authorized and then refused for what it holds.
    Admission(Admission),
    /// RBAC's check that nobody hands out more than they hold.
    Escalation(Escalation),
}

/// `User "…" cannot …`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forbidden {
    /// The API server; the kubelet for its own `Forbidden (user=…, verb=…, resource=nodes, …)`.
    pub speaker: Speaker,
    /// As the message has it.
    pub username: String,
    /// What was refused.
    pub request: Request,
    /// What the authorizers said beside their no.
    pub reason: String,
    /// Roles that bindings name and that did not exist, as the reason lists them: kind and name.
    pub dangling: Vec<(String, String)>,
}

/// Whom a kubelet refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KubeletPeer {
    /// The API server, on behalf of `kubectl logs`, `exec`, `attach` or `port-forward`.
    ApiServer,
    /// A scraper of metrics: metrics-server, Prometheus.
    Scraper,
}

/// A kubelet's 401.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeletRefusal {
    /// Whom it refused.
    pub peer: KubeletPeer,
    /// The node, where the text names it.
    pub node: Option<String>,
}

/// What keeps a client from having valid AWS credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialFault {
    /// No source of credentials has any.
    NotFound,
    /// They have expired.
    Expired,
    /// AWS does not know the access key.
    UnknownKey,
    /// The signature is wrong.
    Signature,
    /// The clock is wrong.
    ClockSkew,
    /// The IAM Identity Center session has expired or does not exist.
    Sso,
    /// The profile does not exist.
    Profile,
    /// The program that fetches the token failed.
    Plugin,
    /// The program that fetches the token is not installed.
    PluginMissing,
    /// The kubeconfig and the program speak different versions.
    PluginVersion,
    /// The program that fetches the token was not allowed to assume its role.
    PluginRole,
}

impl CredentialFault {
    /// As a clause.
    pub fn sentence(self) -> &'static str {
        match self {
            CredentialFault::NotFound => "the client finds no AWS credentials",
            CredentialFault::Expired => "the AWS credentials have expired",
            CredentialFault::UnknownKey => "AWS does not know the access key",
            CredentialFault::Signature => {
                "the secret key does not belong to the access key, or the request was changed on its way"
            }
            CredentialFault::ClockSkew => "the clock of the client is wrong, so AWS takes the signature as expired",
            CredentialFault::Sso => "there is no valid IAM Identity Center session",
            CredentialFault::Profile => "the AWS profile does not exist",
            CredentialFault::Plugin => "the program that fetches a token for kubectl failed",
            CredentialFault::PluginMissing => "the program that fetches a token for kubectl is not installed",
            CredentialFault::PluginVersion => {
                "the kubeconfig and the program that fetches the token use different versions of client.authentication.k8s.io"
            }
            CredentialFault::PluginRole => "aws-iam-authenticator may not assume the role that its -r flag names",
        }
    }

    /// What to do.
    pub fn advice(self) -> &'static str {
        match self {
            CredentialFault::NotFound | CredentialFault::UnknownKey => {
                "run `aws sts get-caller-identity` where the client fails: it must print the principal that is meant"
            }
            CredentialFault::Expired => {
                "get new credentials and try again; `aws sts get-caller-identity` must print the principal that is meant"
            }
            CredentialFault::Signature => {
                "compare access key and secret key with those of the profile that is meant, and check the clock"
            }
            CredentialFault::ClockSkew => "set the clock (NTP) of the machine or container where the client runs",
            CredentialFault::Sso => "run `aws sso login --profile PROFILE`",
            CredentialFault::Profile => "name a profile that `aws configure list-profiles` prints",
            CredentialFault::Plugin => {
                "run the command of the kubeconfig's exec section by hand: what it prints is the real error"
            }
            CredentialFault::PluginMissing => {
                "install the command that the kubeconfig's exec section names, or write the kubeconfig anew with \
                 `aws eks update-kubeconfig`"
            }
            CredentialFault::PluginVersion => {
                "write the kubeconfig again with a current AWS CLI: `aws eks update-kubeconfig --name CLUSTER`"
            }
            CredentialFault::PluginRole => {
                "the role's trust policy and the caller's own policies must both let the caller assume it"
            }
        }
    }

    /// Whether it says only that something below it failed.
    pub(super) fn is_vague(self) -> bool {
        self == CredentialFault::Plugin
    }
}

/// Why a client never got an answer of the API server itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionFault {
    /// The client does not trust the certificate's issuer.
    UnknownAuthority,
    /// By the client's clock the certificate has expired, or is not valid yet.
    CertificateTime,
    /// The certificate is another host's.
    WrongName,
    /// A proxy wants credentials of its own: 407.
    ProxyAuthentication,
    /// A proxy or load balancer answered instead of the API server.
    Intermediary,
    /// Nobody answered.
    Unreachable,
}

impl ConnectionFault {
    /// `unknown-authority`, `certificate-time`, `wrong-name`, `proxy-authentication`, `intermediary`, `unreachable`
    pub fn as_str(self) -> &'static str {
        match self {
            ConnectionFault::UnknownAuthority => "unknown-authority",
            ConnectionFault::CertificateTime => "certificate-time",
            ConnectionFault::WrongName => "wrong-name",
            ConnectionFault::ProxyAuthentication => "proxy-authentication",
            ConnectionFault::Intermediary => "intermediary",
            ConnectionFault::Unreachable => "unreachable",
        }
    }
}

/// A question put to `kubectl auth can-i`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct CanI {
    pub verb: String,
    /// As it was typed: `deploy`, `jobs.batch`, `/metrics`.
    pub resource: String,
    pub subresource: String,
    pub name: String,
    /// `None` where kubectl took its context's.
    pub namespace: Option<String>,
    pub all_namespaces: bool,
    pub as_user: Option<String>,
    pub as_groups: Vec<String>,
    pub answer: Option<bool>,
    /// What stood behind the answer.
    pub reason: String,
}

/// What STS found wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// The account has no provider for the token's issuer.
    ProviderMissing,
    /// The provider does not list the token's audience.
    Audience,
    /// It has expired.
    Expired,
    /// STS could not get the issuer's keys, or they do not fit.
    Keys,
    /// Something else.
    Other,
}

impl TokenFault {
    /// `provider-missing`, `audience`, `expired`, `keys`, `other`
    pub fn as_str(self) -> &'static str {
        match self {
            TokenFault::ProviderMissing => "provider-missing",
            TokenFault::Audience => "audience",
            TokenFault::Expired => "expired",
            TokenFault::Keys => "keys",
            TokenFault::Other => "other",
        }
    }
}

/// STS refused a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebIdentity {
    /// What is wrong with it.
    pub fault: TokenFault,
    /// Its issuer, where the text names it.
    pub issuer: Option<String>,
}

/// Why EKS Auth gave the agent nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodIdentityFault {
    /// EKS may not assume the association's role.
    Role,
    /// There is no association for the service account.
    NoAssociation,
    /// The pod's token has expired.
    TokenExpired,
    /// The pod's token cannot be read, or is not one of this cluster.
    TokenInvalid,
    /// EKS Auth did not answer in time.
    Unreachable,
}

impl PodIdentityFault {
    /// `role`, `no-association`, `token-expired`, `token-invalid`, `unreachable`
    pub fn as_str(self) -> &'static str {
        match self {
            PodIdentityFault::Role => "role",
            PodIdentityFault::NoAssociation => "no-association",
            PodIdentityFault::TokenExpired => "token-expired",
            PodIdentityFault::TokenInvalid => "token-invalid",
            PodIdentityFault::Unreachable => "unreachable",
        }
    }
}

/// A registry's refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePull {
    /// The image; empty if the message does not say.
    pub image: String,
    /// The HTTP status, where the message has one.
    pub status: Option<u16>,
}

impl ImagePull {
    /// The registry's host; `None` where the image does not name one.
    pub fn registry(&self) -> Option<&str> {
        let (host, _) = self.image.split_once('/')?;
        host.contains(['.', ':']).then_some(host)
    }
}

/// A refusal of admission: of one plugin, webhook or policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Who refused.
    pub by: By,
    /// On what: `pods "web-1"`; empty if the message does not say.
    pub object: String,
    /// In whose words.
    pub said: String,
}

/// Who refuses after authorization.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum By {
    /// The Pod Security admission, at a level: `restricted:latest`.
    PodSecurity { level: String },
    /// A ResourceQuota.
    Quota { name: String },
    /// A LimitRange.
    LimitRange,
    /// A webhook said no.
    Webhook { name: String },
    /// A webhook could not be asked.
    WebhookFailed { name: String },
    /// A ValidatingAdmissionPolicy.
    Policy { name: String, binding: String },
    /// The namespace is going away.
    Terminating { namespace: String },
    /// The pod's service account does not exist.
    ServiceAccount { name: String },
    /// What a node may write.
    NodeRestriction,
    /// Some other check of the API server.
    Other,
}

/// `… is attempting to grant RBAC permissions not currently held`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Escalation {
    /// Who.
    pub username: String,
    /// With which groups.
    pub groups: Vec<String>,
    /// What was to be written: `roles.rbac.authorization.k8s.io "x"`.
    pub object: String,
    /// The rules that were not held.
    pub missing: Vec<Rule>,
}

/// Why a text is no message that can be explained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unrecognized {
    /// What was made out: `a user "jane"`.
    pub recognized: Vec<String>,
    /// What was not: `a verb`.
    pub missing: Vec<String>,
}

impl std::fmt::Display for Unrecognized {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no known error message found")?;
        if self.recognized.is_empty() {
            return f.write_str(
                ": paste a Forbidden or Unauthorized error of kubectl, an AccessDenied of AWS, or a `kubectl auth can-i` \
                 with its answer",
            );
        }
        write!(f, "; recognized: {}; not recognized: {}", self.recognized.join(", "), self.missing.join(", "))
    }
}

impl Message {
    /// `forbidden`, `unauthorized`, `kubelet`, `credentials`, `connection`, `can-i`, `iam`, `web-identity`,
    /// `pod-identity`, `image-pull`, `admission`, `escalation`
    pub fn kind(&self) -> &'static str {
        match self {
            Message::Forbidden(_) => "forbidden",
            Message::Unauthorized { .. } => "unauthorized",
            Message::Kubelet(_) => "kubelet",
            Message::Credentials { .. } => "credentials",
            Message::Connection(_) => "connection",
            Message::CanI(_) => "can-i",
            Message::Iam(_) => "iam",
            Message::WebIdentity(_) => "web-identity",
            Message::PodIdentity(_) => "pod-identity",
            Message::ImagePull(_) => "image-pull",
            Message::Admission(_) => "admission",
            Message::Escalation(_) => "escalation",
        }
    }

    /// Who speaks.
    pub fn speaker(&self) -> Speaker {
        match self {
            Message::Forbidden(it) => it.speaker,
            Message::Unauthorized { speaker, .. } | Message::Credentials { speaker, .. } => *speaker,
            Message::Kubelet(_) => Speaker::Kubelet,
            Message::Connection(ConnectionFault::ProxyAuthentication | ConnectionFault::Intermediary) => Speaker::Proxy,
            Message::Connection(_) => Speaker::Client,
            Message::CanI(_) | Message::Escalation(_) => Speaker::ApiServer,
            Message::Iam(it) => Speaker::of_action(&it.action),
            Message::WebIdentity(_) => Speaker::Sts,
            Message::PodIdentity(_) => Speaker::EksAuth,
            Message::ImagePull(_) => Speaker::Registry,
            Message::Admission(_) => Speaker::Admission,
        }
    }

    /// The principal that the message itself names by an ARN, whose own facts may be asked for.
    pub fn asked(&self) -> Option<Asked> {
        match self {
            Message::Forbidden(it) => Asked::from_arn(&it.username).ok(),
            Message::Escalation(it) => Asked::from_arn(&it.username).ok(),
            Message::CanI(it) => Asked::from_arn(it.as_user.as_deref()?).ok(),
            Message::Iam(Iam { asked, .. })
            | Message::Unauthorized { asked, .. }
            | Message::Credentials { asked, .. } => asked.as_deref().cloned(),
            Message::Kubelet(_)
            | Message::Connection(_)
            | Message::WebIdentity(_)
            | Message::PodIdentity(_)
            | Message::ImagePull(_)
            | Message::Admission(_) => None,
        }
    }
}
