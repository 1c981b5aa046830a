//! An explanation with its fixes, line by line: what the screen and the text report show, in the same order.

use super::{Fix, Fixes, propose};
use crate::access::answer_line::{AnswerLine, AnswerPart, LineLink};
use crate::access::explain::message::Reading;
use crate::access::explain::{Explanation, Ground};
use crate::edit::diff::Access;

/// An explanation, and what would fix it.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// What the message means, and the step that fails.
    pub explanation: Explanation,
    /// What would fix it, proved.
    pub fixes: Fixes,
}

/// So many kinds of access are listed for one fix.
const MOST_GAINS: usize = 3;

impl Explained {
    /// Explains what was read from a text and proposes fixes.
    pub fn new(ground: &Ground<'_>, reading: &Reading) -> Self {
        let explanation = ground.explain(reading);
        let fixes = propose(ground, &explanation);
        Explained { explanation, fixes }
    }

    /// All lines, in order: the steps, the fixes, the notes.
    pub fn lines(&self) -> Vec<AnswerLine> {
        let mut lines = self.explanation.step_lines();
        for (n, fix) in self.fixes.narrow.iter().enumerate() {
            // Each is enough by itself, so each has a heading of its own.
            let heading = match n {
                0 => AnswerPart::Fix,
                n if n % 2 == 1 => AnswerPart::OrFix,
                _ => AnswerPart::OrElseFix,
            };
            lines.extend(fix_lines(fix, heading));
        }
        lines.extend(self.fixes.broader.iter().map(|fix| self.broader_line(fix)));
        let none = self.fixes.narrow.is_empty() && self.fixes.broader.is_empty();
        lines.extend(self.explanation.text_fix_lines(if none { AnswerPart::Fix } else { AnswerPart::OrFix }));
        lines.extend(
            self.explanation.notes.iter().chain(&self.fixes.notes).map(|it| AnswerLine::new(AnswerPart::Notes, it)),
        );
        lines
    }

    /// A broader fix, folded into one line.
    fn broader_line(&self, fix: &Fix) -> AnswerLine {
        let narrowest = self.fixes.narrow.first().map_or(1, |it| it.width.max(1));
        let note = match fix.gains.first() {
            Some(first) if first.is_everything() => first.tell(),
            _ => format!("gives about {} times as much", fix.width / narrowest),
        };
        let (link, evidence) = (Some(LineLink::Fix(fix.commands.join("\n"))), fix.evidence.clone());
        AnswerLine { note, link, evidence, ..AnswerLine::new(AnswerPart::BroaderFix, &fix.title) }
    }
}

fn fix_lines(fix: &Fix, heading: AnswerPart) -> Vec<AnswerLine> {
    let line = |text: &str, link| AnswerLine {
        evidence: fix.evidence.clone(),
        link: Some(link),
        ..AnswerLine::new(heading, text)
    };
    let about = || LineLink::Fix(fix.commands.join("\n"));
    let mut out = vec![AnswerLine { note: fix.note.clone(), ..line(&fix.title, about()) }];
    for (what, all) in [("gives", &fix.gains), ("takes away", &fix.loses)] {
        if !all.is_empty() {
            out.push(line(&format!("{what} {}", describe(all)), about()));
        }
    }
    out.extend(fix.commands.iter().map(|it| line(it, LineLink::Command)));
    out
}

/// `list: pods in payments; get: secrets in payments; and 4 more`
fn describe(all: &[Access]) -> String {
    let mut told: Vec<String> = all.iter().take(MOST_GAINS).map(Access::tell).collect();
    if all.len() > MOST_GAINS {
        told.push(format!("and {} more", all.len() - MOST_GAINS));
    }
    told.join("; ")
}
