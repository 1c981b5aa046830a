//! The answer as data: verdict, mapping in force, every other mapping with its reason, identity.

use std::fmt;

use crate::access::Mark;
use crate::access::Verdict;
use crate::model::aws_auth::AwsAuthKey;
use crate::model::mapping::AssociatedPolicy;
use crate::model::principal::Asked;
use crate::model::snapshot::Evidence;

/// Where a mapping stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MappingSource {
    /// An access entry, by the principal ARN it names.
    AccessEntry {
        /// As the entry has it.
        principal_arn: String,
    },
    /// A row of mapRoles or mapUsers, or an item of mapAccounts.
    AwsAuth {
        /// Under which key.
        key: AwsAuthKey,
        /// Counted from 0; `None` for the key as a whole, when it yields nothing.
        index: Option<usize>,
    },
}

impl fmt::Display for MappingSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MappingSource::AccessEntry { .. } => f.write_str("access entry"),
            MappingSource::AwsAuth { key, index: Some(index) } => write!(f, "aws-auth {key}[{index}]"),
            MappingSource::AwsAuth { key, index: None } => write!(f, "aws-auth {key}"),
        }
    }
}

/// Why a mapping that concerns the principal does not decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OtherState {
    /// Another overrides it.
    Shadowed,
    /// It can never match.
    Dead,
    /// This authentication mode does not read it.
    Ignored,
    /// It might decide; a missing fact keeps the answer open.
    Possible,
}

/// The mapping in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Which.
    pub source: MappingSource,
    /// The access entry's type (`STANDARD`); `None` for aws-auth.
    pub kind: Option<String>,
    /// Where it was read.
    pub evidence: Evidence,
}

/// A mapping that is not in force, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// Which.
    pub source: MappingSource,
    /// Shadowed, dead, ignored, possible.
    pub state: OtherState,
    /// As a sentence without its subject: `an access entry wins in this mode`.
    pub because: String,
    /// Where it was read.
    pub evidence: Evidence,
}

/// A Kubernetes identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// May hold templates (`{{SessionName}}`) when no session was given.
    pub username: String,
    /// As the mapping gives them.
    pub groups: Vec<String>,
    /// As the API server adds them: `system:authenticated`.
    pub implicit_groups: Vec<String>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The question, the role's path filled in where it is known.
    pub asked: Asked,
    /// Whether it gets a Kubernetes identity. No: nobody knows it, the API server answers 401.
    pub verdict: Verdict,
    /// Why, as a sentence.
    pub because: String,
    /// The missing facts that could change the answer, or a part of it.
    pub unknown: Vec<String>,
    /// Whether one of them is only not there yet.
    pub loading: bool,
    /// Whether the reason is that of the first of the others, the nearest miss.
    pub names_nearest: bool,
    /// What could only reveal a rare defect.
    pub unverified: Vec<String>,
    /// The mapping in force.
    pub mapping: Option<Mapping>,
    /// Every other mapping that concerns the principal.
    pub others: Vec<Other>,
    /// As whom it gets in.
    pub identity: Option<Identity>,
    /// The access policies of the entry in force; `None` when they could not be read.
    pub access_policies: Option<Vec<AssociatedPolicy>>,
}

impl Resolution {
    /// The words that an answer begins with.
    pub fn words(&self) -> &'static str {
        match self.verdict {
            Verdict::Yes => "gets in",
            Verdict::No => "does not get in",
            Verdict::Unknown => "not known",
        }
    }
}

impl Other {
    /// Is it a key of aws-auth as a whole, which yields nothing?
    pub(super) fn is_whole_key(&self) -> bool {
        matches!(self.source, MappingSource::AwsAuth { index: None, .. })
    }
}

impl OtherState {
    /// Its sign.
    pub fn mark(self) -> Mark {
        match self {
            OtherState::Shadowed => Mark::Shadowed,
            OtherState::Dead => Mark::Dead,
            OtherState::Ignored => Mark::Ignored,
            OtherState::Possible => Mark::Unknown,
        }
    }
}

impl fmt::Display for OtherState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OtherState::Shadowed => "shadowed",
            OtherState::Dead => "dead",
            OtherState::Ignored => "ignored",
            OtherState::Possible => "possible",
        })
    }
}
