//! What speaks against a draft, and what is to be known before it is applied.
//!
//! Decides by small named rules ([`rules`], of Pod Identity [`associations`]), each of which blocks, asks or notes, with a
//! sentence. A rule that lacks a fact says so rather than passing. A new rule is a function in `rules` and its name in the
//! list there; what only AWS can tell is judged in [`drift`] and [`super::preflight`], once the rim has asked.

mod admins;
mod associations;
pub mod drift;
pub mod known;
mod rules;
mod undo;

pub use known::CheckId;

use super::diff::{Difference, Sides};
use super::draft::Draft;
use super::plan::Step;
use super::state::Subject;
use crate::access::identity::Resolver;
use crate::access::permissions::Permissions;
use crate::model::cluster::Cluster;
use crate::model::principal::Asked;
use crate::model::snapshot::{ClusterFacts, IamFacts};

/// How much a check weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// It is not applied.
    Blocks,
    /// It is applied only when the question was answered.
    Asks,
    /// It is to be known.
    Notes,
}

impl Level {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Level::Blocks => "blocks",
            Level::Asks => "asks",
            Level::Notes => "notes",
        }
    }
}

/// The outcome of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Check {
    /// How much it weighs.
    pub level: Level,
    /// Which check.
    pub id: CheckId,
    /// What it is about; `None` for the draft as a whole.
    pub subject: Option<Subject>,
    /// A sentence.
    pub because: String,
}

impl Check {
    /// What a check says, with the weight that its id has.
    pub(crate) fn new(id: CheckId, subject: Option<&Subject>, because: impl Into<String>) -> Self {
        Check { level: id.level(), id, subject: subject.cloned(), because: because.into() }
    }
}

/// All that the rules look at.
pub struct Look<'a> {
    /// The facts before.
    pub facts: &'a ClusterFacts,
    /// The facts after.
    pub after: &'a ClusterFacts,
    /// The account's IAM.
    pub iam: &'a IamFacts,
    /// RBAC, which no draft changes.
    pub permissions: &'a Permissions,
    /// Both, ready to be asked.
    pub sides: &'a Sides<'a>,
    /// What is staged.
    pub draft: &'a Draft,
    /// Its steps.
    pub steps: &'a [Step],
    /// Who gains and loses.
    pub differences: &'a [Difference],
    /// Who would apply it, if that is known.
    pub caller: Option<&'a Asked>,
}

impl Look<'_> {
    fn cluster(&self) -> Option<&Cluster> {
        self.facts.cluster.value()
    }

    fn before(&self) -> &Resolver<'_> {
        &self.sides.before
    }
}

/// All checks of a draft, the weightiest first, each once.
pub fn checks(look: &Look<'_>) -> Vec<Check> {
    let mut out = Vec::new();
    for rule in rules::ALL {
        rule(look, &mut out);
    }
    out.sort();
    out.dedup();
    out
}
