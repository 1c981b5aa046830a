//! From an error message to the first step that fails.
//!
//! - [`message`]: what a pasted text may say, as types: who speaks, which refusal, of whom, of what;
//! - [`recognize`]: from the text to that;
//! - `refusal`: of those, the refusals by AWS IAM;
//! - `carriers`: which principals may be behind a username: templates read backwards;
//! - `walk`: credentials → token → mode → mapping → username → grants, each step with its evidence;
//! - `subjects`: whose walk it is, of several the one that fails first;
//! - `others`: refusals that RBAC has no part in: admission, escalation, a client without credentials;
//! - `aws`: refusals by IAM policies and trust policies, judged by those in the facts;
//! - `nodes`: kubelets that the API server does not accept;
//! - `pods`: what STS and EKS Auth refuse to pods, and pods that fell back to their node's role;
//! - `connection`: kubelets, proxies, certificates and registries: nobody's access to the cluster;
//! - `kubectl`: what a refused subresource is at the command line of kubectl;
//! - [`fix`]: for whom it could be fixed, and what the client itself must change. Changes of access are proposed and
//!   proved by `edit::fix`.
//!
//! Decides how the parts of the message are put together with the facts of today. A message is older than the facts: what
//! it says happened, and what the walk says is how it would end now. Nothing here invents a reason: where the two differ,
//! what may explain it is listed as such. A new form of message begins in [`recognize`], a new text fix in [`fix`].

mod aws;
mod carriers;
mod connection;
pub mod fix;
mod kubectl;
pub mod message;
mod nodes;
mod others;
mod pods;
mod recognize;
mod refusal;
mod subjects;
mod told;
mod walk;

use super::Mark;
use super::identity::Resolver;
use super::permissions::{Decision, NearMiss, Permissions};
use crate::access::Verdict;
use crate::model::cluster::ClusterId;
use crate::model::principal::Asked;
use crate::model::request::Request;
use crate::model::snapshot::{ClusterFacts, Evidence, IamFacts};
use fix::{FixTarget, TextFix};
use message::{Message, Reading};

pub use recognize::{read_message, tidy};

/// The steps from a person's credentials to what they may do, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepName {
    /// AWS knows who signs; Kubernetes knows the service account.
    Credentials,
    /// A connection to the API server. Only where that failed.
    Connection,
    /// AWS IAM allows the call. Only in refusals of IAM's own.
    Iam,
    /// The role's trust policy lets the caller assume it.
    Trust,
    /// The registry gives the image.
    Registry,
    /// The kubelet takes the request.
    Kubelet,
    /// The API server accepts the token.
    Token,
    /// What the cluster's authentication mode reads.
    Mode,
    /// Which mapping turns the principal into an identity.
    Mapping,
    /// Username and groups.
    Username,
    /// What authorises the request.
    Grants,
    /// What the request holds is accepted.
    Admission,
}

impl StepName {
    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            StepName::Credentials => "credentials",
            StepName::Connection => "connection",
            StepName::Iam => "AWS IAM",
            StepName::Trust => "trust policy",
            StepName::Registry => "registry",
            StepName::Kubelet => "kubelet",
            StepName::Token => "token",
            StepName::Mode => "mode",
            StepName::Mapping => "mapping",
            StepName::Username => "username",
            StepName::Grants => "grants",
            StepName::Admission => "admission",
        }
    }
}

impl StepName {
    /// In JSON: `credentials`, `iam`, `trust-policy`, …
    pub fn id(self) -> &'static str {
        match self {
            StepName::Iam => "iam",
            StepName::Trust => "trust-policy",
            other => other.as_str(),
        }
    }
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepState {
    /// It is right.
    Passed,
    /// It fails: this is the cause.
    Failed,
    /// A named fact is missing.
    Unknown,
    /// It was not looked at, or cannot be seen from here.
    NotChecked,
}

impl StepState {
    /// Its sign.
    pub fn mark(self) -> Mark {
        match self {
            StepState::Passed => Mark::InForce,
            StepState::Failed => Mark::Dead,
            StepState::Unknown => Mark::Unknown,
            StepState::NotChecked => Mark::Ignored,
        }
    }
}

impl From<Verdict> for StepState {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Yes => StepState::Passed,
            Verdict::No => StepState::Failed,
            Verdict::Unknown => StepState::Unknown,
        }
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub name: StepName,
    /// How it ended.
    pub state: StepState,
    /// Why, as a sentence.
    pub because: String,
    /// Where it was read.
    pub evidence: Option<Evidence>,
}

/// A principal that may be behind the message.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Who.
    pub asked: Asked,
    /// Why it is among them.
    pub because: String,
    /// What the walk said of it.
    pub verdict: Verdict,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// What the message says.
    pub message: Message,
    /// The request, or the refusal, in few words.
    pub title: String,
    /// The answer in one sentence.
    pub answer: String,
    /// Would it be allowed now? For 401: does the principal get in now?
    pub verdict: Verdict,
    /// The principals that may be behind it. Empty for service accounts and for usernames that nobody carries.
    pub principals: Vec<Candidate>,
    /// The walk; of several principals, that of the one for which it fails first.
    pub steps: Vec<Step>,
    /// What was asked of the cluster's authorizers, where that is known.
    pub request: Option<Request>,
    /// What they would say today.
    pub decision: Option<Decision>,
    /// What came closest.
    pub nearest: Option<NearMiss>,
    /// For whom it could be fixed; `edit::fix` proposes changes for it.
    pub target: FixTarget,
    /// Fixes that are texts, for the client itself.
    pub text_fixes: Vec<TextFix>,
    /// The statement of a trust policy that comes closest to letting a caller in.
    pub closest_statement: Option<String>,
    /// The least statement that would allow an AWS call, and the policy that it belongs in.
    pub least: Option<LeastStatement>,
    /// What else is to be known.
    pub notes: Vec<String>,
}

/// A statement to add to a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeastStatement {
    /// Where: `the trust policy of role/automation`.
    pub policy: String,
    /// The statement.
    pub statement: serde_json::Value,
}

impl Explanation {
    /// The first step that fails.
    pub fn cause(&self) -> Option<&Step> {
        self.steps.iter().find(|it| it.state == StepState::Failed)
    }
}

/// The facts that a message is held against.
pub struct Ground<'a> {
    resolver: Resolver<'a>,
    permissions: Permissions,
    facts: &'a ClusterFacts,
    iam: &'a IamFacts,
    cluster: &'a ClusterId,
    caller: Option<Asked>,
}

impl<'a> Ground<'a> {
    /// Of a cluster; `caller` is meant where a message names nobody.
    pub fn new(facts: &'a ClusterFacts, iam: &'a IamFacts, cluster: &'a ClusterId, caller: Option<Asked>) -> Self {
        let (resolver, permissions) = (Resolver::new(facts, iam), Permissions::of(facts));
        Ground { resolver, permissions, facts, iam, cluster, caller }
    }

    /// The cluster's facts.
    pub fn facts(&self) -> &'a ClusterFacts {
        self.facts
    }

    /// The account's facts.
    pub fn iam(&self) -> &'a IamFacts {
        self.iam
    }

    /// The cluster.
    pub fn cluster(&self) -> &'a ClusterId {
        self.cluster
    }

    /// Who a principal is in the cluster.
    pub fn resolver(&self) -> &Resolver<'a> {
        &self.resolver
    }

    /// The permissions that requests are replayed against.
    pub fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    /// Explains what was read from a text.
    pub fn explain(&self, reading: &Reading) -> Explanation {
        let mut explanation = self.explain_message(&reading.message);
        if !reading.others.is_empty() {
            let others: Vec<String> = reading.others.iter().map(Message::told).collect();
            let count = others.len() + 1;
            explanation.notes.insert(
                0,
                format!(
                    "the text holds {count} messages; this is about the first. Paste the others alone: {}",
                    others.join("; ")
                ),
            );
        }
        explanation
    }

    fn explain_message(&self, message: &Message) -> Explanation {
        match message {
            Message::Forbidden(it) => subjects::forbidden(self, message, it),
            Message::Unauthorized { asked, sender, speaker, node } => {
                let refused = subjects::Refused {
                    asked: asked.as_deref(),
                    sender: *sender,
                    speaker: *speaker,
                    node: node.as_deref(),
                };
                subjects::unauthorized(self, message, &refused)
            }
            Message::CanI(it) => subjects::can_i(self, message, it),
            Message::Credentials { asked, fault, .. } => others::credentials(self, message, asked.as_deref(), *fault),
            Message::Iam(it) => aws::iam(self, message, it),
            Message::WebIdentity(it) => pods::web_identity(self, message, it),
            Message::PodIdentity(fault) => pods::pod_identity(self, message, *fault),
            Message::Kubelet(it) => connection::kubelet(self, message, it),
            Message::Connection(fault) => connection::connection(self, message, *fault),
            Message::ImagePull(it) => connection::image_pull(self, message, it),
            Message::Admission(it) => others::admission(self, message, it),
            Message::Escalation(it) => others::escalation(self, message, it),
        }
    }
}
