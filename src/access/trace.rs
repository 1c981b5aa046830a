//! The whole chain of one principal, each step with its evidence.

use super::Mark;
use super::findings::Finding;
use super::identity::{Resolution, Resolver};
use crate::model::principal::Asked;
use crate::model::snapshot::Evidence;

/// The parts of a trace, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The session and the principal it belongs to.
    Principal,
    /// The mapping in force and the others.
    Mapping,
    /// Username and groups.
    Identity,
    /// Access policies (bindings come with permissions).
    Grants,
    /// What is missing that could change the answer.
    Unknown,
    /// What could only reveal a rare defect.
    Unverified,
    /// What is wrong.
    Findings,
}

/// One line of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// To which part it belongs; a part's label stands before its first line.
    pub part: Part,
    /// What it is within the part: `session`, `role`, `user`, `groups`, `policy`; empty when the part says it all.
    pub label: &'static str,
    /// Its sign, if it has one.
    pub mark: Option<Mark>,
    /// The fact.
    pub text: String,
    /// Beside it, less prominent: why, when, from where.
    pub note: String,
    /// Where it was read; opens the document.
    pub evidence: Option<Evidence>,
}

/// The whole chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Short: `deployer / jane@corp.com`.
    pub title: String,
    /// The answer in one sentence: `gets in as … with groups …`, `does not get in: …`, `not known: …`.
    pub answer: String,
    /// The answer as data.
    pub resolution: Resolution,
    /// The chain.
    pub lines: Vec<Line>,
    /// What is wrong with the mapping in force and its like; also among the lines.
    pub findings: Vec<Finding>,
}

/// Traces a principal.
pub fn trace(resolver: &Resolver<'_>, asked: &Asked) -> Trace {
    let resolution = resolver.resolve(asked);
    Trace { title: String::new(), answer: String::new(), resolution, lines: Vec::new(), findings: Vec::new() }
}
