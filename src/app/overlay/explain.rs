//! A message explained on the full screen, answered anew whenever facts come.

use std::sync::Arc;

use crate::access::explain::Line;
use crate::access::explain::message::Reading;
use crate::app::detail::{Fact, Sign};
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
    lines: Vec<Line>,
    /// The same as they are drawn.
    pub facts: Vec<Fact>,
    /// Which line the cursor is on.
    pub at: usize,
    /// For the answer.
    pub slot: Slot,
}

impl ExplainView {
    /// Of a message.
    pub fn new(message: Reading) -> Self {
        let (lines, facts) = (Vec::new(), Vec::new());
        ExplainView { message, explained: None, lines, facts, at: 0, slot: Slot::default() }
    }

    /// Takes in an answer; the cursor stays on its line. The first time it goes to the step that fails.
    pub fn take(&mut self, explained: Arc<Explained>) {
        let before = self.lines.get(self.at).cloned();
        let lines = explained.lines();
        self.at = match before {
            Some(before) => {
                let same = lines.iter().position(|it| it.part == before.part && it.text == before.text);
                same.unwrap_or(self.at.min(lines.len().saturating_sub(1)))
            }
            None => explained.explanation.foremost(),
        };
        self.facts = lines.iter().map(fact).collect();
        self.lines = lines;
        self.explained = Some(explained);
    }

    /// The line under the cursor.
    pub fn fact(&self) -> Option<&Fact> {
        self.facts.get(self.at)
    }

    /// Moves the cursor.
    pub fn go(&mut self, motion: Motion, page: usize) {
        self.at = motion.from(self.at, self.lines.len(), page);
    }

    /// The command under the cursor; on the title of a fix, all of its commands.
    pub fn command(&self) -> Option<String> {
        let line = self.lines.get(self.at)?;
        if line.is_command {
            return Some(line.text.clone());
        }
        line.commands.clone()
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

fn fact(line: &Line) -> Fact {
    Fact {
        part: line.part,
        label: None,
        finding: None,
        sign: line.mark.map_or(Sign::Blank, Sign::Mark),
        text: if line.is_command { format!("$ {}", line.text) } else { line.text.clone() },
        note: line.note.clone(),
        evidence: line.evidence.clone(),
    }
}
