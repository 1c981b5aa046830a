//! A document: on the full screen, and beside the detail where there is room.

use ratatui::layout::{Position, Rect};

use super::canvas::Canvas;
use super::status::typed;
use super::theme::Role;
use crate::app::layout::Layout;
use crate::app::overlay::document::{Document, DocumentView};

/// On the full screen. Gives where the text cursor is, if a search is typed.
pub(super) fn draw(canvas: &mut Canvas<'_>, at: &Layout, view: &DocumentView) -> Option<Position> {
    let area = Rect { x: at.body.x + 1, width: at.body.width.saturating_sub(2), ..at.body };
    let lines = view.document.lines.len();
    let place =
        format!("{}-{} of {lines}", (view.top + 1).min(lines), (view.top + usize::from(at.place.height)).min(lines));
    let end = canvas.put_right(area.x, area.right(), area.y, &place, Role::Dim).saturating_sub(2);
    canvas.put(area.x, area.y, end.saturating_sub(area.x), &view.document.title, Role::Title);
    let mut cursor = None;
    let line = area.y + 1;
    if view.editing || !view.search.value().is_empty() {
        canvas.put(area.x, line, 1, "/", Role::Key);
        let role = if view.found.is_some() || view.search.value().is_empty() { Role::Text } else { Role::Danger };
        let used = typed(canvas, (area.x + 1, line), area.width.saturating_sub(1), &view.search, role);
        cursor = used.filter(|_| view.editing);
    }
    for (place, y) in (view.top..lines).zip(at.place.top()..at.place.bottom()) {
        let Some(text) = view.document.lines.get(place) else { break };
        let whole = Rect { x: at.body.x, y, width: at.body.width, height: 1 };
        let found = (view.found == Some(place)).then_some(Role::Selected);
        let shown = text.chars().skip(view.left).collect::<String>();
        canvas.over(whole, found, |canvas| draw_line(canvas, (area.x, y), area.width, &shown, &view.document, place));
    }
    cursor
}

/// Beside the detail.
pub(super) fn beside(canvas: &mut Canvas<'_>, area: Rect, document: &Document) {
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
    canvas.put(inner.x, inner.y, inner.width, &document.title, Role::Title);
    let rows = inner.top() + 1..inner.bottom();
    // What was asked about is in sight, a little below the top.
    let room = usize::from(inner.height.saturating_sub(1));
    let first = document.lit.map_or(0, |(first, last)| if last > room { first.saturating_sub(2) } else { 0 });
    for (place, y) in (first..document.lines.len()).zip(rows) {
        let Some(text) = document.lines.get(place) else { break };
        draw_line(canvas, (inner.x, y), inner.width, text, document, place);
    }
}

/// A line of YAML: its key apart from its value, and a bar before the lines that were asked about.
fn draw_line(canvas: &mut Canvas<'_>, (x, y): (u16, u16), columns: u16, text: &str, document: &Document, place: usize) {
    let lit = document.lit.is_some_and(|(first, end)| (first..end).contains(&place));
    canvas.put(x, y, 1, if lit { "▎" } else { " " }, Role::Accent);
    let (x, columns) = (x + 2, columns.saturating_sub(2));
    let key = text.find(": ").map(|at| at + 1).or_else(|| text.ends_with(':').then_some(text.len()));
    match key.and_then(|end| text.split_at_checked(end)) {
        Some((key, value)) if !key.trim_start().starts_with('#') => {
            let used = canvas.put(x, y, columns, key, if lit { Role::Accent } else { Role::Dim });
            canvas.put(x + used, y, columns.saturating_sub(used), value, Role::Text);
        }
        _ => {
            let comment = text.trim_start().starts_with('#');
            canvas.put(x, y, columns, text, if comment { Role::Dim } else { Role::Text });
        }
    }
}
