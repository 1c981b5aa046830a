//! The lines of an answer as text: one row a line, for every report that has them.
//!
//! Decides how a line is written: heading, sign, label, fact, and in parentheses what stands beside it. Which lines there
//! are is `access`'s.

use super::glyph;
use crate::access::answer_line::{AnswerLine, LineSign};

/// What stands in parentheses behind a line without a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// Nothing.
    Nothing,
    /// Where the line was read.
    Evidence,
}

/// The rows of lines: the heading, where a part begins, and the line.
pub(super) fn line_rows<'a>(lines: impl IntoIterator<Item = &'a AnswerLine>, beside: Beside) -> Vec<Vec<String>> {
    let mut part = None;
    let mut rows = Vec::new();
    for line in lines {
        let heading = if part.replace(line.part) == Some(line.part) { "" } else { line.part.heading() };
        rows.push(vec![heading.to_owned(), write_line(line, beside)]);
    }
    rows
}

fn write_line(line: &AnswerLine, beside: Beside) -> String {
    let sign = match line.sign {
        _ if line.is_command() => "$",
        LineSign::Blank => " ",
        LineSign::Mark(mark) => glyph(mark),
        LineSign::Finding(_) => "!",
    };
    let label = line.label.map(|it| format!("{:<8} ", it.drawn())).unwrap_or_default();
    let note = match (&line.evidence, beside) {
        (Some(evidence), Beside::Evidence) if line.note.is_empty() => evidence.to_string(),
        _ => line.note.clone(),
    };
    // A long fact must not push every note to the right edge: a note stands two blanks behind its own fact.
    let note = if note.is_empty() { note } else { format!("  ({note})") };
    format!("{sign} {label}{}{note}", line.text)
}
