//! The chain of one principal on the full screen, answered anew whenever facts come.

use std::sync::Arc;

use crate::access::Mark;
use crate::access::answer_line::{AnswerLine, AnswerPart, LineSign};
use crate::access::trace::Trace;
use crate::app::detail::facts;
use crate::app::message::Slot;
use crate::app::pane::Motion;
use crate::model::principal::Asked;

/// The trace on the full screen.
#[derive(Clone, Debug)]
pub struct TraceView {
    /// Of whom.
    pub asked: Asked,
    /// What the row says from which it was opened.
    about: Vec<AnswerLine>,
    /// Is that row about what uses a role, rather than about who gets in?
    workload: bool,
    /// The answer, once it is there.
    pub trace: Option<Arc<Trace>>,
    /// Its lines.
    pub facts: Vec<AnswerLine>,
    /// Which line the cursor is on.
    pub at: usize,
    /// For the answer.
    pub slot: Slot,
}

impl TraceView {
    /// Of a principal; `about` is what the row said from which it was opened, if any.
    pub fn new(asked: Asked, about: Vec<AnswerLine>, workload: bool) -> Self {
        let facts = facts(&about, None);
        TraceView { asked, about, workload, trace: None, facts, at: 0, slot: Slot::default() }
    }

    /// Takes in an answer; the cursor stays on its line. The first time it goes to what decides, so that its document is
    /// one key away.
    pub fn take(&mut self, trace: Arc<Trace>) {
        let before = self.facts.get(self.at).cloned();
        let first = self.trace.is_none();
        self.facts = facts(&self.about, Some(&trace));
        self.trace = Some(trace);
        let last = self.facts.len().saturating_sub(1);
        let same = |fact: &AnswerLine| before.as_ref().is_some_and(|it| it.is_same_as(fact));
        let decides =
            |fact: &AnswerLine| fact.part == AnswerPart::Mapping && fact.sign == LineSign::Mark(Mark::InForce);
        // Where nothing is in force, the nearest miss is what must be mended.
        let misses = |fact: &AnswerLine| fact.part == AnswerPart::Mapping && fact.evidence.is_some();
        self.at = if first {
            let place = self.facts.iter().position(decides).or_else(|| self.facts.iter().position(misses));
            place.or_else(|| self.facts.iter().position(|fact| fact.evidence.is_some())).unwrap_or(0)
        } else {
            self.facts.iter().position(same).unwrap_or(self.at.min(last))
        };
    }

    /// Of what uses a role: whether that works, which is what was asked; whether the role itself gets in is another
    /// matter.
    pub fn workload(&self) -> Option<&AnswerLine> {
        self.workload.then(|| self.about.iter().find(|fact| fact.part == AnswerPart::State)).flatten()
    }

    /// The line under the cursor.
    pub fn fact(&self) -> Option<&AnswerLine> {
        self.facts.get(self.at)
    }

    /// Moves the cursor.
    pub fn go(&mut self, motion: Motion, page: usize) {
        self.at = motion.from(self.at, self.facts.len(), page);
    }
}
