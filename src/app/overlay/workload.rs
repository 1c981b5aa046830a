//! Which AWS role a workload gets, or who becomes a role, on the full screen; answered anew whenever facts come.

use std::sync::Arc;

use super::document::Document;
use crate::access::workload::shown::Line;
use crate::access::workload::{Shown, Subject};
use crate::app::detail::{Fact, Sign};
use crate::app::message::Slot;
use crate::app::pane::Motion;
use crate::model::principal::Asked;

/// The answer on the full screen.
#[derive(Clone, Debug)]
pub struct WorkloadView {
    /// Whose.
    pub subject: Subject,
    /// The answer, once it is there.
    pub shown: Option<Arc<Shown>>,
    /// Its lines as they are drawn.
    pub facts: Vec<Fact>,
    /// Which line the cursor is on.
    pub at: usize,
    /// For the answer.
    pub slot: Slot,
}

impl WorkloadView {
    /// Of a workload or a role.
    pub fn new(subject: Subject) -> Self {
        WorkloadView { subject, shown: None, facts: Vec::new(), at: 0, slot: Slot::default() }
    }

    /// Takes in an answer; the cursor stays on its line. The first time it goes to what fails, else to the first line that
    /// was read from something.
    pub fn take(&mut self, shown: Arc<Shown>) {
        let before = self.facts.get(self.at).map(|it| (it.part, it.text.clone()));
        let facts: Vec<Fact> = shown.lines.iter().map(fact).collect();
        self.at = match before {
            Some((part, text)) => facts
                .iter()
                .position(|it| it.part == part && it.text == text)
                .unwrap_or(self.at.min(facts.len().saturating_sub(1))),
            None => {
                let fails = |it: &Line| it.mark == Some(shown.outcome.mark()) && it.evidence.is_some();
                let read = || shown.lines.iter().position(|it| it.evidence.is_some());
                shown.lines.iter().position(fails).or_else(read).unwrap_or(0)
            }
        };
        self.facts = facts;
        self.shown = Some(shown);
    }

    /// The line under the cursor.
    pub fn fact(&self) -> Option<&Fact> {
        self.facts.get(self.at)
    }

    /// Moves the cursor.
    pub fn go(&mut self, motion: Motion, page: usize) {
        self.at = motion.from(self.at, self.facts.len(), page);
    }

    /// The remedy under the cursor, as it is to be pasted.
    pub fn remedy(&self) -> Option<Document> {
        let shown = self.shown.as_ref()?;
        let it = shown.remedies.get(shown.lines.get(self.at)?.remedy?)?;
        Some(Document::new(it.title.clone(), format!("{}\n", it.text), ""))
    }

    /// What the line under the cursor is about, if that can be opened in its turn.
    pub fn about(&self) -> Option<&Subject> {
        self.shown.as_ref()?.lines.get(self.at)?.about.as_ref()
    }

    /// The role that the line under the cursor is about.
    pub fn holder(&self) -> Option<Asked> {
        match self.about() {
            Some(Subject::Role(arn)) => Asked::from_arn(arn).ok(),
            _ => None,
        }
    }

    /// The role that it is about.
    pub fn role(&self) -> Option<&Asked> {
        self.shown.as_ref()?.role.as_ref()
    }
}

fn fact(line: &Line) -> Fact {
    Fact {
        part: line.part,
        label: None,
        finding: line.finding,
        sign: match (line.severity, line.mark) {
            (Some(severity), _) => Sign::Finding(severity),
            (None, Some(mark)) => Sign::Mark(mark),
            (None, None) => Sign::Blank,
        },
        text: line.text.clone(),
        note: line.note.clone(),
        evidence: line.evidence.clone(),
    }
}
