//! What we intend: edits as data, until the last moment.
//!
//! - [`state`]: what an entry or association is, as far as it can be chosen;
//! - [`draft`]: the staged edits, folded; their inverse is the undo;
//! - [`mod@plan`]: a draft as calls, in order, each with the states before and after it;
//! - [`mod@project`]: the facts as they would be;
//! - [`told`]: changes and calls in words; [`diff`]: who gains and loses what;
//! - [`aws_auth`]: how a row of it is removed, which this program does not do;
//! - [`carry`]: what of somebody's access another can be given;
//! - [`fix`]: what would fix a refusal, proposed only when proved;
//! - [`judge`]: what is said of a value while it is typed;
//! - [`check`]: what blocks, asks, or is to be known;
//! - [`preflight`]: what IAM is asked before it is applied; [`rebase`]: a draft brought onto what is there now;
//! - [`compare`]: is a thing as it is expected to be; [`record`]: what the journal writes and reads; [`receipt`]: what
//!   applying tells.
//!
//! Pure: nothing here makes a call, knows a clock or a disk, or draws. There is no second idea of what follows from an
//! edit: it is projected onto the facts, and `access` answers as ever.

pub mod aws_auth;
pub mod carry;
pub mod check;
pub mod compare;
pub mod diff;
pub mod draft;
pub mod export;
pub mod fix;
pub mod judge;
pub mod plan;
pub mod preflight;
pub mod project;
pub mod rebase;
pub mod receipt;
pub mod record;
pub mod state;
pub mod told;
pub mod wish;

use check::{Check, CheckId, Level, Look, checks};
use diff::{Difference, Sides};
use draft::Draft;
use plan::Step;

use crate::access::permissions::Permissions;
use crate::model::principal::Asked;
use crate::model::snapshot::{ClusterFacts, IamFacts};
use crate::model::time::Time;

/// A draft, looked at from all sides: all that a person needs before saying yes.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    /// What is staged.
    pub draft: Draft,
    /// Its calls, in order.
    pub steps: Vec<Step>,
    /// Who gains and loses what.
    pub differences: Vec<Difference>,
    /// What blocks, asks, notes.
    pub checks: Vec<Check>,
}

impl Review {
    /// The same, with what was found out besides.
    pub fn with(mut self, found: impl IntoIterator<Item = Check>) -> Self {
        self.checks.extend(found);
        self.checks.sort();
        self.checks.dedup();
        self
    }

    /// How many checks block, ask, note.
    pub fn counts(&self) -> (usize, usize, usize) {
        let of = |level| self.checks.iter().filter(|it| it.level == level).count();
        (of(Level::Blocks), of(Level::Asks), of(Level::Notes))
    }

    /// Does a check block it?
    pub fn is_blocked(&self) -> bool {
        self.checks.iter().any(|it| it.level == Level::Blocks)
    }

    /// The ids of the checks that ask and were not answered with yes, each once.
    pub fn unanswered(&self, accepted: &[String]) -> Vec<CheckId> {
        let mut ids: Vec<CheckId> = self.open(accepted).map(|it| it.id).collect();
        ids.dedup();
        ids
    }

    /// The checks that ask and were not answered: `ID` answers all of an id, `ID=SUBJECT` the one that is about it.
    pub fn open(&self, accepted: &[String]) -> impl Iterator<Item = &Check> {
        let answered = |it: &Check| {
            accepted.iter().any(|yes| match yes.split_once('=') {
                None => yes.parse() == Ok(it.id),
                Some((id, subject)) => {
                    id.parse() == Ok(it.id) && it.subject.as_ref().is_some_and(|it| it.is_called(subject))
                }
            })
        };
        self.checks.iter().filter(move |it| it.level == Level::Asks && !answered(it))
    }
}

/// Reviews a draft against the facts. `now` is when it would be applied.
pub fn review(
    facts: &ClusterFacts,
    iam: &IamFacts,
    permissions: &Permissions,
    caller: Option<&Asked>,
    draft: &Draft,
    now: Option<Time>,
) -> Review {
    let after = project::project(facts, draft, now);
    let sides = Sides::new(facts, &after, iam, permissions);
    let steps = plan::plan(draft);
    let differences = sides.differences(draft);
    let look = Look {
        facts,
        after: &after,
        iam,
        permissions,
        sides: &sides,
        draft,
        steps: &steps,
        differences: &differences,
        caller,
    };
    let checks = checks(&look);
    Review { draft: draft.clone(), steps, differences, checks }
}

#[cfg(test)]
mod tests;
