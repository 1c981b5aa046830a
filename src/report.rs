//! The same answers without a screen: text for people, JSON for programs, exit statuses for scripts.
//!
//! Decides how an answer is printed; the answer itself is `access`'s. The JSON is stable and documented in
//! `docs/json.md`; all remote text in the text form goes through [`visible`](crate::model::visible::visible). A new
//! report is a new file here.

pub mod audit;
pub mod can;
pub mod explain;
pub mod journal;
pub mod json;
mod lines;
pub mod list;
pub mod permissions;
pub mod plan;
mod posture;
pub mod receipt;
mod sarif;
pub mod trace;
pub mod trust;
pub mod who;
pub mod why;

use crate::access::Mark;
use crate::access::Verdict;
use crate::model::visible::visible;

/// What a command ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Yes, or done.
    Yes,
    /// Credentials, network, disk.
    Failure,
    /// What was given can't be used.
    BadInput,
    /// No, or refused.
    No,
    /// A named fact is missing.
    Unknown,
    /// A check asks, and nobody answered.
    Unanswered,
    /// It was begun, and stopped part-way.
    PartWay,
}

impl Exit {
    /// The process's exit status.
    pub fn status(self) -> u8 {
        match self {
            Exit::Yes => 0,
            Exit::Failure => 1,
            Exit::BadInput => 2,
            Exit::No => 3,
            Exit::Unknown => 4,
            Exit::Unanswered => 5,
            Exit::PartWay => 6,
        }
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Yes => Exit::Yes,
            Verdict::No => Exit::No,
            Verdict::Unknown => Exit::Unknown,
        }
    }
}

/// A mark as a sign, the same that the screen shows.
pub fn glyph(mark: Mark) -> &'static str {
    match mark {
        Mark::InForce => "●",
        Mark::Unverified => "*",
        Mark::Shadowed => "○",
        Mark::Dead => "✗",
        Mark::Ignored => "·",
        Mark::Unknown => "?",
        Mark::Loading => "⟳",
    }
}

/// How wide a column may get before its longer cells stick out of it.
const WIDEST: usize = 110;

/// Rows as aligned columns; the last column is not padded, and one monstrous name does not push all others apart. Cells
/// are made safe to print, and none is cut: the text form can be searched for whole names.
fn columns(rows: &[Vec<String>]) -> String {
    use unicode_width::UnicodeWidthStr as _;
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| visible(cell).into_owned()).collect()).collect();
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..count)
        .map(|i| {
            rows.iter()
                .filter_map(|row| row.get(i))
                .map(|cell| cell.width())
                .filter(|width| *width <= WIDEST)
                .max()
                .unwrap_or_default()
        })
        .collect();
    let mut out = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width.saturating_sub(cell.width()) + 2));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
