//! A message explained on the full screen, answered anew whenever facts come.

use std::sync::Arc;

use crate::access::answer_line::AnswerLine;
use crate::access::explain::message::Reading;
use crate::app::message::Slot;
use crate::app::pane::Motion;
use crate::edit::fix::Explained;

/// The explanation on the full screen.
#[derive(Clone, Debug)]
pub struct ExplainView {
    /// Of what.
    pub message: Reading,
    /// The answer, once it is there.
    pub explained: Option<Arc<Explained>>,
    /// Its lines.
    pub facts: Vec<AnswerLine>,
    /// Which line the cursor is on.
    pub at: usize,
    /// For the answer.
    pub slot: Slot,
}

impl ExplainView {
    /// Of a message.
    pub fn new(message: Reading) -> Self {
        ExplainView { message, explained: None, facts: Vec::new(), at: 0, slot: Slot::default() }
    }

    /// Takes in an answer; the cursor stays on its line. The first time it goes to the step that fails.
    pub fn take(&mut self, explained: Arc<Explained>) {
        let before = self.facts.get(self.at).cloned();
        let lines = explained.lines();
        self.at = match before {
            Some(before) => {
                let same = lines.iter().position(|it| it.is_same_as(&before));
                same.unwrap_or(self.at.min(lines.len().saturating_sub(1)))
            }
            None => explained.explanation.foremost(),
        };
        self.facts = lines;
        self.explained = Some(explained);
    }

    /// The line under the cursor.
    pub fn fact(&self) -> Option<&AnswerLine> {
        self.facts.get(self.at)
    }

    /// Moves the cursor.
    pub fn go(&mut self, motion: Motion, page: usize) {
        self.at = motion.from(self.at, self.facts.len(), page);
    }

    /// The command under the cursor; on the title of a fix, all of its commands.
    pub fn command(&self) -> Option<String> {
        self.fact()?.commands().map(str::to_owned)
    }

    /// Of whom it is, if it is of one principal.
    pub fn arn(&self) -> Option<String> {
        let principals = &self.explained.as_ref()?.explanation.principals;
        match principals.as_slice() {
            [only] => Some(only.asked.arn()),
            _ => self.message.message.asked().map(|it| it.arn()),
        }
    }
}
