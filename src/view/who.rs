//! Who may make a request: a line for each, the one under the cursor explained below.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::matrix::{check_height, draw_check};
use super::sign;
use super::text::{width, wrap};
use super::theme::Role;
use crate::access::Verdict;
use crate::access::who::WhoCan;
use crate::app::App;
use crate::app::layout::{Layout, sheet};
use crate::app::overlay::who::{HolderLine, WhoView};
use crate::app::table::Cut;
use crate::model::request::Target;
use crate::model::visible::visible;

/// Draws it.
pub(super) fn draw(canvas: &mut Canvas<'_>, at: &Layout, app: &App, view: &WhoView) {
    let parts = sheet(at.body);
    let beyond = match &view.request.target {
        Target::Resource { namespace, .. } if namespace.is_empty() => " everywhere",
        _ => "",
    };
    let title = format!("who can {}{beyond}?", view.question.title());
    let counts = view.answer.as_ref().map(|it| it.summary()).unwrap_or_default();
    let beside = width(&title) + width(&counts) + 2 <= usize::from(parts.title.width);
    let above = if beside { counts.as_str() } else { "" };
    let end = canvas.put_right(parts.title.x, parts.title.right(), parts.title.y, above, Role::Dim);
    canvas.put(parts.title.x, parts.title.y, end.saturating_sub(parts.title.x + 2), &title, Role::Title);
    let Some(answer) = &view.answer else {
        canvas.put(parts.summary.x, parts.summary.y, 1, "⟳", Role::Accent);
        canvas.put(parts.summary.x + 2, parts.summary.y, parts.summary.width, "asking everybody …", Role::Dim);
        return;
    };
    let mut area = parts.summary;
    if !beside {
        let used = canvas.put(area.x, area.y, area.width, &counts, Role::Dim) + 2;
        area = Rect { x: area.x + used, width: area.width.saturating_sub(used), ..area };
    }
    summary(canvas, area, view, answer);
    let columns = columns(parts.rows.width);
    for ((x, wide), head) in columns.iter().zip(["WHO", "THROUGH", "NOTE"]) {
        canvas.put(parts.heads.x + x, parts.heads.y, *wide, head, Role::Dim);
    }
    if view.counts().0 == 0 {
        nobody(canvas, parts.rows, view, answer);
    }
    let lines = view.lines().enumerate().skip(view.scroll.top).zip(parts.rows.top()..parts.rows.bottom());
    for ((place, line), y) in lines {
        let whole = Rect { y, height: 1, x: at.body.x, width: at.body.width };
        let selected = (place == view.scroll.at).then_some(Role::Selected);
        canvas.over(whole, selected, |canvas| draw_line(canvas, Rect { y, height: 1, ..parts.rows }, line, &columns));
    }
    canvas.across(Rect { y: parts.told.y.saturating_sub(1), height: 1, ..at.body });
    told(canvas, parts.told, app, view, answer);
}

/// What was not read and could add others; else what was made of the words.
fn summary(canvas: &mut Canvas<'_>, area: Rect, view: &WhoView, answer: &WhoCan) {
    let (glyph, role, text) = if !answer.unknown.is_empty() {
        let translation = view.question.translation().map(|it| format!("{it} · ")).unwrap_or_default();
        ("?", Role::Unknown, format!("{translation}others may: not read: {}", answer.unknown.join("; ")))
    } else if !view.notes.is_empty() {
        ("!", Role::Warn, view.notes.join(" · "))
    } else {
        return;
    };
    canvas.put(area.x, area.y, 1, glyph, role);
    canvas.put(area.x + 2, area.y, area.width.saturating_sub(2), &text, role);
}

/// Who, through what, and what else: where each begins, and how wide it is.
fn columns(whole: u16) -> Vec<(u16, u16)> {
    let room = whole.saturating_sub(2);
    let who = (room * 30 / 100).clamp(20, 44);
    // Where there is little room the note is left to the lines below.
    let note = if whole < 96 { 0 } else { room * 26 / 100 };
    let path = room.saturating_sub(who + 2 + if note > 0 { note + 2 } else { 0 });
    let mut all = vec![(2, who), (2 + who + 2, path)];
    if note > 0 {
        all.push((2 + who + 2 + path + 2, note));
    }
    all
}

fn draw_line(canvas: &mut Canvas<'_>, area: Rect, line: &HolderLine, columns: &[(u16, u16)]) {
    let (glyph, role) = sign::mark(line.mark);
    canvas.put(area.x, area.y, 1, glyph, if line.is_system { Role::Dim } else { role });
    let texts = [(&line.who, Cut::Path), (&line.path, Cut::End), (&line.note, Cut::End)];
    for (place, ((x, wide), (text, cut))) in columns.iter().zip(texts).enumerate() {
        let role = if line.is_system || place == 2 { Role::Dim } else { Role::Text };
        canvas.put_cut(area.x + x, area.y, *wide, text, cut, role);
    }
}

fn nobody(canvas: &mut Canvas<'_>, area: Rect, view: &WhoView, answer: &WhoCan) {
    let (glyph, role, text) = match (view.counts().1, answer.verdict()) {
        (1.., _) => (" ", Role::Dim, "Nobody matches the filter. Esc clears it."),
        (0, Verdict::Unknown) => {
            ("?", Role::Unknown, "Nobody that is known; but not all that could allow it was read.")
        }
        (0, _) => ("✗", Role::Dim, "Nobody: all that could allow it was read, and does not."),
    };
    canvas.put(area.x, area.y, 1, glyph, role);
    canvas.put(area.x + 2, area.y, area.width.saturating_sub(2), text, role);
}

/// Every way in which the one under the cursor may, and what the API server says to it.
fn told(canvas: &mut Canvas<'_>, area: Rect, app: &App, view: &WhoView, answer: &WhoCan) {
    let check = view.checked(app.analysis.as_deref());
    let height = check.map_or(0, |it| check_height(it, area.width)).min(area.height);
    let end = area.bottom().saturating_sub(height);
    let mut y = area.y;
    let unknown = view.holder().is_some_and(|it| it.verdict == Verdict::Unknown);
    for line in &view.told {
        let room = end.saturating_sub(y);
        if room == 0 {
            break;
        }
        let role = if unknown { Role::Unknown } else { Role::Text };
        for text in wrap(&visible(line), usize::from(area.width), usize::from(room)) {
            canvas.put(area.x, y, area.width, &text, if y == area.y { role } else { Role::Dim });
            y += 1;
        }
    }
    // All that was not read, where the summary had no room for it.
    if answer.unknown.len() > 1 && y < end {
        let text = format!("not read: {}", answer.unknown.join("; "));
        canvas.paragraph(Rect { y, height: end - y, ..area }, &text, Role::Unknown);
    }
    if let Some(check) = check {
        draw_check(canvas, Rect { y: end, height, ..area }, check);
    }
}
