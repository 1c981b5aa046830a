//! Marks, as glyphs with a role: the one legend of the program.

use super::theme::Role;
use crate::access::Mark;
use crate::access::answer_line::LineSign;
use crate::access::findings::Severity;
use crate::app::condition::Tone;

/// A state.
pub(super) fn mark(mark: Mark) -> (&'static str, Role) {
    match mark {
        Mark::InForce => ("●", Role::Good),
        Mark::Unverified => UNVERIFIED,
        Mark::Shadowed => ("○", Role::Dim),
        Mark::Dead => ("✗", Role::Danger),
        Mark::Ignored => ("·", Role::Dim),
        Mark::Unknown => ("?", Role::Unknown),
        Mark::Loading => ("⟳", Role::Accent),
    }
}

/// A defect or risk.
pub(super) fn severity(severity: Severity) -> (&'static str, Role) {
    match severity {
        Severity::High => ("‼", Role::Danger),
        Severity::Medium => ("!", Role::Warn),
        Severity::Low => ("!", Role::Dim),
    }
}

/// Something that could only reveal a rare defect.
pub(super) const UNVERIFIED: (&str, Role) = ("*", Role::Dim);

/// A row, or a choice, that a person has marked.
pub(super) const MARKED: &str = "»";

/// Before a line of a detail.
pub(super) fn sign(sign: LineSign) -> Option<(&'static str, Role)> {
    match sign {
        LineSign::Blank => None,
        LineSign::Mark(it) => Some(mark(it)),
        LineSign::Finding(it) => Some(severity(it)),
    }
}

/// Before a remark on how complete the rows are.
pub(super) fn tone(tone: Tone) -> (&'static str, Role) {
    match tone {
        Tone::Plain => (" ", Role::Text),
        Tone::Loading => ("⟳", Role::Accent),
        Tone::Stale => ("◌", Role::Warn),
        Tone::Unknown => ("?", Role::Unknown),
    }
}
