//! The trace on the full screen: the answer first, then the chain that leads to it.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::detail::{Shape, answer, lay_out, put};
use super::sign;
use super::text::width;
use super::theme::Role;
use crate::access::Verdict;
use crate::access::answer_line::AnswerLine;
use crate::app::App;
use crate::app::condition::{Banner, Tone, banners};
use crate::app::layout::Layout;
use crate::app::overlay::trace::TraceView;
use crate::app::pane::Pane;

/// Draws it.
pub(super) fn draw(canvas: &mut Canvas<'_>, at: &Layout, app: &App, view: &TraceView) {
    let area = Rect { x: at.body.x + 1, width: at.body.width.saturating_sub(2), ..at.body };
    let mut y = area.y;
    let title = match &view.trace {
        Some(trace) if !trace.title.is_empty() => trace.title.clone(),
        _ => view.asked.principal.short(app.home()),
    };
    let loading = loading(app, view);
    let mut end = area.right();
    if let Some(text) = &loading {
        end = canvas.put_right(area.x + area.width / 3, area.right(), y, text, Role::Accent).saturating_sub(2);
    }
    canvas.put(area.x, y, end.saturating_sub(area.x), &title, Role::Title);
    y += 1;
    match (&view.trace, view.workload()) {
        // What was asked of a workload's row is whether it works; the chain below is about the role itself.
        (_, Some(state)) => {
            let (glyph, role) = sign::sign(state.sign).unwrap_or((" ", Role::Dim));
            canvas.put(area.x, y, 1, glyph, role);
            let inner = Rect { x: area.x + 2, y, width: area.width.saturating_sub(2), height: 2 };
            y += canvas.paragraph(inner, &state.text, Role::Text).max(1);
        }
        (Some(trace), None) => {
            y += answer(canvas, Rect { y, height: at.body.bottom().saturating_sub(y), ..area }, trace)
        }
        (None, None) => {
            canvas.put(area.x, y, 1, "⟳", Role::Accent);
            canvas.put(area.x + 2, y, area.width, "tracing …", Role::Dim);
            y += 1;
        }
    }
    for banner in stale(app) {
        canvas.put(area.x, y, 1, "◌", Role::Warn);
        canvas.put(area.x + 2, y, area.width.saturating_sub(2), &banner.text, Role::Warn);
        y += 1;
    }
    y += 1;
    lines(canvas, at, Rect { y, ..area }, &view.facts, view.at);
}

/// Lines of facts from `area.y` to the end of the body, scrolled so that the chosen one is in sight.
pub(super) fn lines(canvas: &mut Canvas<'_>, at: &Layout, area: Rect, facts: &[AnswerLine], chosen: usize) {
    let y = area.y;
    let lines = lay_out(facts, usize::from(area.width), Shape::Full);
    let mut bottom = at.body.bottom();
    let cut = lines.len() > usize::from(bottom.saturating_sub(y));
    if cut {
        bottom = bottom.saturating_sub(1);
    }
    let room = usize::from(bottom.saturating_sub(y));
    let top = scroll(&lines.iter().map(|line| line.fact).collect::<Vec<_>>(), chosen, room);
    if cut {
        let below = lines.len().saturating_sub(top + room);
        let text = match (top, below) {
            (0, below) => format!("↓ {below} more"),
            (above, 0) => format!("↑ {above} more"),
            (above, below) => format!("↑ {above} · ↓ {below} more"),
        };
        canvas.put_right(area.x, area.right(), bottom, &text, Role::Dim);
    }
    for (line, y) in lines.iter().skip(top).zip(y..bottom) {
        let whole = Rect { x: at.body.x, y, width: at.body.width, height: 1 };
        let selected = (line.fact == chosen).then_some(Role::Selected);
        canvas.over(whole, selected, |canvas| put(canvas, area.x, y, area.width, line));
    }
}

/// What the answer rests on, if that is old.
fn stale(app: &App) -> Vec<Banner> {
    let facts = app.facts();
    let of = |pane| banners(pane, &facts, app.now);
    of(Pane::Entries).into_iter().chain(of(Pane::AwsAuth)).filter(|banner| banner.tone == Tone::Stale).collect()
}

/// What is still being read, said beside an answer that may hang on it.
fn loading(app: &App, view: &TraceView) -> Option<String> {
    let open = view.trace.as_ref().is_none_or(|trace| trace.resolution.verdict == Verdict::Unknown);
    let progress = app.facts().progress();
    if !app.is_live() || progress.is_empty() || !open {
        return None;
    }
    let names: Vec<String> = progress
        .iter()
        .map(|(name, done, total)| match total {
            Some(total) => format!("{name} {done} of {total}"),
            None => (*name).to_owned(),
        })
        .collect();
    let mut text = format!("⟳ still loading: {}", names.join(", "));
    if width(&text) > usize::from(app.size.width / 2) {
        let more = names.len().saturating_sub(1);
        let first = names.into_iter().next().unwrap_or_default();
        text = if more > 0 {
            format!("⟳ still loading: {first} and {more} more")
        } else {
            format!("⟳ loading: {first}")
        };
    }
    Some(text)
}

/// The first line drawn so that the chosen fact is in sight: the very first while the chosen one fits beneath it, else so
/// that it is near the middle.
fn scroll(facts: &[usize], at: usize, room: usize) -> usize {
    if facts.iter().rposition(|fact| *fact == at).is_none_or(|last| last < room) {
        return 0;
    }
    let first = facts.iter().position(|fact| *fact == at).unwrap_or(0);
    let furthest = facts.len().saturating_sub(room);
    first.saturating_sub(room / 2).min(furthest)
}
