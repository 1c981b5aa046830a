//! The chain of one principal on the full screen, answered anew whenever facts come.

use std::sync::Arc;

use crate::access::trace::Trace;
use crate::app::detail::{Fact, facts};
use crate::app::message::Slot;
use crate::app::pane::Motion;
use crate::model::principal::Asked;

/// The trace on the full screen.
#[derive(Clone, Debug)]
pub struct TraceView {
    /// Of whom.
    pub asked: Asked,
    /// What the row says from which it was opened.
    about: Vec<Fact>,
    /// The answer, once it is there.
    pub trace: Option<Arc<Trace>>,
    /// Its lines.
    pub facts: Vec<Fact>,
    /// Which line the cursor is on.
    pub at: usize,
    /// For the answer.
    pub slot: Slot,
}

impl TraceView {
    /// Of a principal; `about` is what the row said from which it was opened, if any.
    pub fn new(asked: Asked, about: Vec<Fact>) -> Self {
        let facts = facts(&about, None);
        TraceView { asked, about, trace: None, facts, at: 0, slot: Slot::default() }
    }

    /// Takes in an answer; the cursor stays on its line.
    pub fn take(&mut self, trace: Arc<Trace>) {
        let before = self.facts.get(self.at).map(|fact| (fact.part, fact.label, fact.text.clone()));
        let first = self.trace.is_none();
        self.facts = facts(&self.about, Some(&trace));
        self.trace = Some(trace);
        let same =
            |fact: &Fact| before.as_ref().is_some_and(|(p, l, t)| (*p, *l, t) == (fact.part, fact.label, &fact.text));
        let place = if first { None } else { self.facts.iter().position(same) };
        self.at = place.unwrap_or(if first { 0 } else { self.at }).min(self.facts.len().saturating_sub(1));
    }

    /// The line under the cursor.
    pub fn fact(&self) -> Option<&Fact> {
        self.facts.get(self.at)
    }

    /// Moves the cursor.
    pub fn go(&mut self, motion: Motion, page: usize) {
        self.at = motion.from(self.at, self.facts.len(), page);
    }
}
