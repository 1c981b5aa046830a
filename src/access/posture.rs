//! The controls around access: what a cluster has set up, what that means, and how it is changed.
//!
//! Decides which controls there are, how each stands, and the command that changes it, ready to
//! paste: with the real names, quoted for a shell. A control whose facts are not known stands as unknown, with the
//! reason; it is never taken for off. Nothing here changes anything. A new control is a function in the file of its
//! family (`cluster`, `identity`, `writers`, `namespaces`), called from that family's door, and a variant of [`ControlId`].

mod cluster;
mod identity;
mod namespaces;
#[cfg(test)]
mod tests;
mod writers;

use std::fmt;

use super::engines::Engines;
use super::findings::{FindingId, Severity};
use super::identity::Resolver;
use super::inventory::{AwsAuthLine, PrincipalRow};
use super::permissions::Permissions;
use super::who::SubjectRow;
use super::workload::agent::PodIdentityAgent;
use crate::model::aws_command::quote_word;
use crate::model::cluster::{Cluster, ClusterChange};
use crate::model::snapshot::{ClusterFacts, Evidence, Gap, IamFacts};

/// Which control it is, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each one's title says what it is")]
pub enum ControlId {
    ClusterHealth,
    Encryption,
    EndpointPublic,
    EndpointPrivate,
    LogsAudit,
    LogsAuthenticator,
    AuthenticationMode,
    HiddenCreator,
    MapAccounts,
    AwsAuthWriters,
    OidcProvider,
    PodIdentityAgent,
    AutoModeNodes,
    PodSecurity,
}

impl ControlId {
    /// The finding that it is where something is amiss; they share an id.
    pub const fn finding(self) -> FindingId {
        match self {
            ControlId::ClusterHealth => FindingId::ClusterHealth,
            ControlId::Encryption => FindingId::Encryption,
            ControlId::EndpointPublic => FindingId::EndpointPublic,
            ControlId::EndpointPrivate => FindingId::EndpointPrivate,
            ControlId::LogsAudit => FindingId::LogsAudit,
            ControlId::LogsAuthenticator => FindingId::LogsAuthenticator,
            ControlId::AuthenticationMode => FindingId::AuthenticationMode,
            ControlId::HiddenCreator => FindingId::HiddenCreator,
            ControlId::MapAccounts => FindingId::MapAccounts,
            ControlId::AwsAuthWriters => FindingId::AwsAuthWriters,
            ControlId::OidcProvider => FindingId::OidcProvider,
            ControlId::PodIdentityAgent => FindingId::PodIdentityAgent,
            ControlId::AutoModeNodes => FindingId::AutoModeNodes,
            ControlId::PodSecurity => FindingId::PodSecurity,
        }
    }

    /// As it is written, stable: `endpoint-public`.
    pub const fn as_str(self) -> &'static str {
        self.finding().as_str()
    }

    /// What it is.
    pub const fn title(self) -> &'static str {
        match self {
            ControlId::ClusterHealth => "Cluster health",
            ControlId::Encryption => "Envelope encryption",
            ControlId::EndpointPublic => "Public endpoint",
            ControlId::EndpointPrivate => "Private endpoint",
            ControlId::LogsAudit => "Audit log",
            ControlId::LogsAuthenticator => "Authenticator log",
            ControlId::AuthenticationMode => "Authentication mode",
            ControlId::HiddenCreator => "Creator's admin",
            ControlId::MapAccounts => "mapAccounts",
            ControlId::AwsAuthWriters => "Who may write aws-auth",
            ControlId::OidcProvider => "OIDC provider",
            ControlId::PodIdentityAgent => "Pod Identity agent",
            ControlId::AutoModeNodes => "Auto Mode's nodes",
            ControlId::PodSecurity => "Pod Security",
        }
    }
}

impl fmt::Display for ControlId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a control stands. The order is that of concern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Something is amiss.
    Finding(Severity),
    /// A fact is missing.
    Unknown,
    /// Worth knowing; nothing is amiss.
    Note,
    /// As it should be.
    Good,
}

impl Standing {
    /// `high`, `medium`, `low`, `unknown`, `note`, `good`.
    pub fn as_str(self) -> &'static str {
        match self {
            Standing::Finding(Severity::High) => "high",
            Standing::Finding(Severity::Medium) => "medium",
            Standing::Finding(Severity::Low) => "low",
            Standing::Unknown => "unknown",
            Standing::Note => "note",
            Standing::Good => "good",
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How to change a control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// A command that changes nothing and tells what the change would break.
    pub look: Option<String>,
    /// The command that changes it.
    pub command: String,
    /// What it may break, in a sentence.
    pub danger: String,
}

/// One control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Which one.
    pub id: ControlId,
    /// Of what, where there are several: a namespace; the code of an issue and the resources that it is about.
    pub subject: String,
    /// How it stands.
    pub standing: Standing,
    /// Why, in a sentence.
    pub because: String,
    /// Where it was read.
    pub evidence: Vec<Evidence>,
    /// How to change it; `None` where there is nothing to change, or not enough is known.
    pub change: Option<Change>,
}

impl Control {
    fn new(id: ControlId, standing: Standing, because: impl Into<String>) -> Self {
        let because = because.into();
        Control { id, subject: String::new(), standing, because, evidence: Vec::new(), change: None }
    }

    fn at(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }

    fn change(self, command: String, danger: impl Into<String>) -> Self {
        Control { change: Some(Change { look: None, command, danger: danger.into() }), ..self }
    }
}

/// The facts that controls are read from.
struct Ground<'a> {
    facts: &'a ClusterFacts,
    iam: &'a IamFacts,
    aws_auth: &'a [AwsAuthLine],
    principals: &'a [PrincipalRow],
    subjects: &'a [SubjectRow],
    resolver: &'a Resolver<'a>,
    permissions: &'a Permissions,
    agent: &'a PodIdentityAgent<'a>,
}

impl<'a> Ground<'a> {
    /// The cluster's description, or why it is not at hand.
    fn cluster(&self) -> Result<&'a Cluster, String> {
        self.facts.cluster.value().ok_or_else(|| why(self.facts.cluster.gap()))
    }

    /// The newest update of a kind.
    fn last_update(&self, kind: &str) -> Option<&'a ClusterChange> {
        let all = self.facts.updates.items().iter().filter(|it| it.kind.as_deref() == Some(kind));
        all.max_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)))
    }
}

/// A gap in words.
fn why(gap: Option<Gap>) -> String {
    gap.map_or_else(|| "it was not recorded".to_owned(), |gap| gap.to_string())
}

/// The beginning of a command to the AWS CLI about a cluster: `aws eks update-cluster-config --region … --name …`.
fn aws_eks(command: &str, cluster: &Cluster, name_flag: &str) -> String {
    cluster.commands().beginning(command, name_flag)
}

/// A word that a POSIX shell takes as it stands.
fn quoted(word: &str) -> String {
    quote_word(word).into_owned()
}

/// What is to be kept in mind with every command to kubectl.
const CONTEXT: &str = "kubectl acts on the cluster of its current context";

/// The rows that controls are read from.
#[derive(Clone, Copy, Default)]
pub struct PostureRows<'a> {
    /// aws-auth, line by line.
    pub aws_auth: &'a [AwsAuthLine],
    /// The principals, with their mappings resolved.
    pub principals: &'a [PrincipalRow],
    /// The groups and users, with who has them.
    pub subjects: &'a [SubjectRow],
}

/// All controls of a cluster, those that concern most first.
pub fn posture(engines: &Engines<'_>, rows: PostureRows<'_>) -> Vec<Control> {
    let (facts, iam) = engines.facts();
    let PostureRows { aws_auth, principals, subjects } = rows;
    let (resolver, permissions, agent) = (engines.resolver(), engines.permissions(), engines.workloads().agent());
    let ground = Ground { facts, iam, aws_auth, principals, subjects, resolver, permissions, agent };
    let mut all = cluster::controls(&ground);
    all.extend(identity::controls(&ground));
    all.extend(namespaces::controls(&ground));
    // Within a standing the families keep their order.
    all.sort_by_key(|it| it.standing);
    all
}
