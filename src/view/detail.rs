//! Lines of facts, laid out: beside the list in short, and in the trace on the full screen.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::sign;
use super::text::{width, wrap};
use super::theme::Role;
use crate::access::Mark;
use crate::access::Verdict;
use crate::access::answer_line::{AnswerLine, LineLabel, LineSign};
use crate::access::trace::Trace;
use crate::app::App;
use crate::app::detail::title;
use crate::app::pane::Pane;
use crate::app::table::{Cut, Row};
use crate::app::words::state;
use crate::model::visible::visible;

/// The detail beside the list.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, app: &App) {
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    let Some(row) = app.selected_row() else { return };
    let title = title(app.pane, row, app.home());
    canvas.put_cut(inner.x, inner.y, inner.width, &title, Cut::Path, Role::Title);
    let mut y = inner.y + 1;
    if app.pane.is_of_workloads() || app.pane == Pane::Groups {
        y += said(canvas, Rect { y, height: inner.bottom().saturating_sub(y).min(MOST_ANSWER as u16), ..inner }, row)
            + 1;
    } else if let Some(trace) = &app.detail.trace {
        y += answer(canvas, Rect { y, height: inner.bottom().saturating_sub(y), ..inner }, trace) + 1;
    }
    let below = Rect { y, height: inner.bottom().saturating_sub(y), ..inner };
    let facts = app.detail.facts();
    let lines = lay_out(&facts, usize::from(below.width), Shape::Short);
    let room = usize::from(below.height);
    let cut = lines.len() > room;
    for (line, y) in lines.iter().take(if cut { room.saturating_sub(1) } else { room }).zip(below.y..) {
        put(canvas, below.x, y, below.width, line);
    }
    if cut {
        let hidden = lines.len() + 1 - room;
        let text = format!("… {hidden} more lines: Enter shows all");
        canvas.put(below.x, below.bottom().saturating_sub(1), below.width, &text, Role::Dim);
    }
}

/// The state of a row, and why. Gives the lines it took.
pub(super) fn said(canvas: &mut Canvas<'_>, area: Rect, row: &Row) -> u16 {
    let (glyph, role) = sign::mark(row.mark);
    canvas.put(area.x, area.y, 1, glyph, role);
    let text = if row.because.is_empty() { state(row.mark) } else { row.because.as_str() };
    let inner = Rect { x: area.x + 2, width: area.width.saturating_sub(2), ..area };
    canvas.paragraph(inner, text, if role == Role::Good { Role::Text } else { role })
}

/// An answer takes at most so many lines.
const MOST_ANSWER: usize = 6;

/// The verdict and its sentence. Gives the lines it took.
pub(super) fn answer(canvas: &mut Canvas<'_>, area: Rect, trace: &Trace) -> u16 {
    let (glyph, role) = sign::mark(trace.resolution.verdict.mark());
    let words = trace.resolution.words();
    let text = if trace.answer.is_empty() { words } else { trace.answer.as_str() };
    canvas.put(area.x, area.y, 1, glyph, role);
    let columns = area.width.saturating_sub(2);
    let lines = wrap(&visible(text), usize::from(columns), MOST_ANSWER);
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        canvas.put(area.x + 2, y, columns, line, Role::Text);
    }
    // The verdict itself is what the eye should find; the reason is to be read.
    if trace.resolution.verdict != Verdict::Yes {
        canvas.put(area.x + 2, area.y, columns, words, role);
    }
    lines.len() as u16
}

/// How much room there is for facts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Beside the list: one column of labels, notes below.
    Short,
    /// On the full screen: parts and labels, notes beside where they fit.
    Full,
}

/// A line as it is drawn: texts with where they begin.
pub(super) struct Line {
    /// To which fact it belongs.
    pub(super) fact: usize,
    pieces: Vec<(u16, String, Role)>,
}

/// No fact takes more lines than this: a name of ten thousand letters is not worth a screen.
const MOST_LINES: usize = 9;

/// Lays facts out in lines of so many columns.
pub(super) fn lay_out(facts: &[AnswerLine], columns: usize, shape: Shape) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut part = None;
    for (at, fact) in facts.iter().enumerate() {
        let new_part = part.replace(fact.part) != Some(fact.part);
        lines.extend(lay_out_one(at, fact, new_part, columns, shape));
    }
    lines
}

fn lay_out_one(at: usize, fact: &AnswerLine, new_part: bool, columns: usize, shape: Shape) -> Vec<Line> {
    let mut first: Vec<(u16, String, Role)> = Vec::new();
    let heading = if new_part { fact.part.heading() } else { "" };
    // Where the text begins.
    let mut x = match shape {
        Shape::Short => {
            let label = fact.label.map_or_else(|| heading.to_owned(), LineLabel::drawn);
            first.push((0, label, Role::Dim));
            11
        }
        Shape::Full => {
            first.push((0, heading.to_owned(), Role::Dim));
            if let Some(label) = fact.label {
                first.push((12, label.drawn(), Role::Dim));
            }
            if fact.label.is_none() { 12 } else { 22 }
        }
    };
    if let Some((glyph, role)) = sign::sign(fact.sign) {
        first.push((x, glyph.to_owned(), role));
        x += 2;
    }
    let role = match fact.sign {
        LineSign::Mark(Mark::Shadowed | Mark::Ignored | Mark::Unverified) => Role::Dim,
        _ => Role::Text,
    };
    let room = columns.saturating_sub(usize::from(x)).max(1);
    let text = match fact.is_command() {
        true => format!("$ {}", visible(&fact.text)).into(),
        false => visible(&fact.text),
    };
    let note = visible(&fact.note);
    // Beside the text if both fit; in the full shape notes stand in a column of their own where they can.
    let note_x = match shape {
        Shape::Short => 0,
        Shape::Full => columns * 58 / 100,
    };
    let text_end = usize::from(x) + width(&text);
    // The name of a finding is for filters and reports: shown where there is room, worth no line of its own.
    let is_name = matches!(fact.sign, LineSign::Finding(_));
    let beside = !note.is_empty() && text_end + 3 + width(&note) <= columns;
    let mut lines: Vec<Line> = wrap(&text, room, MOST_LINES)
        .into_iter()
        .map(|text| Line { fact: at, pieces: vec![(x, text, role)] })
        .collect();
    if lines.is_empty() {
        lines.push(Line { fact: at, pieces: Vec::new() });
    }
    if beside {
        let at_column = note_x.max(text_end + 3);
        let start = if at_column + width(&note) <= columns { at_column } else { text_end + 3 };
        if let Some(line) = lines.first_mut() {
            line.pieces.push((start as u16, note.to_string(), Role::Dim));
        }
    } else if !note.is_empty() && !is_name {
        let below = wrap(&note, room, MOST_LINES);
        lines.extend(below.into_iter().map(|text| Line { fact: at, pieces: vec![(x, text, Role::Dim)] }));
    }
    if let Some(line) = lines.first_mut() {
        line.pieces.splice(0..0, first);
    }
    lines
}

/// Draws a line.
pub(super) fn put(canvas: &mut Canvas<'_>, x: u16, y: u16, columns: u16, line: &Line) {
    for (at, text, role) in &line.pieces {
        canvas.put(x + at, y, columns.saturating_sub(*at), text, *role);
    }
}
