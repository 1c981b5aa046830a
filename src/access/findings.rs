//! Named defects and risks: one small rule each, in totally ordered output.
//!
//! A rule is a function that pushes at most one finding per cause; a new one goes into the file of its family
//! (`entries`, `aws_auth`, `irsa`, `pod_identity`, `roles`, `workloads`) and is called from that family's door. Rules say
//! nothing when the facts they need are not complete: ignorance is no defect. Each id has its row in [`rules`].

mod aws_auth;
mod bindings;
mod entries;
mod irsa;
mod pod_identity;
mod roles;
pub mod rules;
mod trust_shape;
mod workloads;

pub(crate) use aws_auth::{of_account, of_key, of_line};
pub use bindings::DangerousBinding;
pub(crate) use bindings::dangerous_bindings;
pub(crate) use entries::of_entry;
pub(crate) use roles::{RoleFacts, of_role};
pub(crate) use trust_shape::{lets_in_any_provider, ours, subjects, takes_no_audience, takes_nobody};
pub(crate) use workloads::{of_association, of_irsa, of_trusting, of_workload};

pub use rules::FindingId;

use crate::model::snapshot::Evidence;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Somebody has more than they should, or people or nodes are locked out.
    High,
    /// Something does not work, or works by accident.
    Medium,
    /// Worth knowing.
    Low,
}

impl Severity {
    /// `high`, `medium`, `low`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::High => "high",
            Severity::Medium => "medium",
            Severity::Low => "low",
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// A named defect or risk of one row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What it is an instance of.
    pub id: FindingId,
    /// What is wrong and what follows, as a sentence.
    pub sentence: String,
    /// Where it was read.
    pub evidence: Evidence,
    /// What mends it, ready to paste; empty where that needs a person's judgement.
    pub remedy: Vec<Remedy>,
}

/// One way to mend something: a command, or a piece of a document. Nothing is done with it but to show and copy it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Remedy {
    /// What it does.
    pub title: String,
    /// The text to paste.
    pub text: String,
    /// What it may break, where the title warns of that; else empty.
    pub danger: String,
}

impl Remedy {
    /// A remedy that breaks nothing.
    pub(crate) fn new(title: impl Into<String>, text: impl Into<String>) -> Self {
        Remedy { title: title.into(), text: text.into(), danger: String::new() }
    }
}

impl Finding {
    fn new(severity: Severity, id: FindingId, sentence: impl Into<String>, evidence: &Evidence) -> Self {
        Finding { severity, id, sentence: sentence.into(), evidence: evidence.clone(), remedy: Vec::new() }
    }

    /// The same with what mends it.
    pub(crate) fn with(mut self, remedy: impl IntoIterator<Item = Remedy>) -> Self {
        self.remedy.extend(remedy);
        self
    }

    /// The same at a field of its document.
    fn at(mut self, path: impl Into<String>) -> Self {
        self.evidence.path = path.into();
        self
    }
}

/// The group that may do everything, and that no policy can restrict.
pub(crate) const MASTERS: &str = "system:masters";

fn list(items: &[String]) -> String {
    items.iter().map(|item| format!("{item:?}")).collect::<Vec<_>>().join(", ")
}
