//! Which AWS role a workload gets, or who becomes a role, on the full screen; answered anew whenever facts come.

use std::sync::Arc;

use super::document::Document;
use crate::access::answer_line::{AnswerLine, LineSign};
use crate::access::workload::{Shown, Subject};
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
    /// Which line the cursor is on.
    pub at: usize,
    /// For the answer.
    pub slot: Slot,
}

impl WorkloadView {
    /// Of a workload or a role.
    pub fn new(subject: Subject) -> Self {
        WorkloadView { subject, shown: None, at: 0, slot: Slot::default() }
    }

    /// Takes in an answer; the cursor stays on its line. The first time it goes to what fails, else to the first line that
    /// was read from something.
    pub fn take(&mut self, shown: Arc<Shown>) {
        let before = self.fact().cloned();
        let lines = &shown.lines;
        self.at = match before {
            Some(before) => {
                let same = lines.iter().position(|it| it.is_same_as(&before));
                same.unwrap_or(self.at.min(lines.len().saturating_sub(1)))
            }
            None => {
                let sign = LineSign::Mark(shown.outcome.mark());
                let fails = |it: &AnswerLine| it.sign == sign && it.evidence.is_some();
                let read = || lines.iter().position(|it| it.evidence.is_some());
                lines.iter().position(fails).or_else(read).unwrap_or(0)
            }
        };
        self.shown = Some(shown);
    }

    /// Its lines; none before the answer is there.
    pub fn facts(&self) -> &[AnswerLine] {
        self.shown.as_ref().map(|it| it.lines.as_slice()).unwrap_or_default()
    }

    /// The line under the cursor.
    pub fn fact(&self) -> Option<&AnswerLine> {
        self.facts().get(self.at)
    }

    /// Moves the cursor.
    pub fn go(&mut self, motion: Motion, page: usize) {
        self.at = motion.from(self.at, self.facts().len(), page);
    }

    /// The remedy under the cursor, as it is to be pasted.
    pub fn remedy(&self) -> Option<Document> {
        let shown = self.shown.as_ref()?;
        let it = shown.remedies.get(self.fact()?.remedy()?)?;
        Some(Document::new(it.title.clone(), format!("{}\n", it.text), ""))
    }

    /// What the line under the cursor is about, if that can be opened in its turn.
    pub fn about(&self) -> Option<&Subject> {
        self.fact()?.about()
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
