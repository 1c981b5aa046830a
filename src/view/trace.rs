//! The trace on the full screen: the answer first, then the chain that leads to it.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::detail::{Shape, answer, lay_out, put};
use super::text::width;
use super::theme::Role;
use crate::access::identity::Verdict;
use crate::app::App;
use crate::app::layout::Layout;
use crate::app::overlay::trace::TraceView;

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
    match &view.trace {
        Some(trace) => y += answer(canvas, Rect { y, height: at.body.bottom().saturating_sub(y), ..area }, trace),
        None => {
            canvas.put(area.x, y, 1, "⟳", Role::Accent);
            canvas.put(area.x + 2, y, area.width, "tracing …", Role::Dim);
            y += 1;
        }
    }
    y += 1;

    let room = at.body.bottom().saturating_sub(y);
    let lines = lay_out(&view.facts, usize::from(area.width), Shape::Full);
    let top = scroll(&lines.iter().map(|line| line.fact).collect::<Vec<_>>(), view.at, usize::from(room));
    for (line, y) in lines.iter().skip(top).zip(y..at.body.bottom()) {
        let whole = Rect { x: at.body.x, y, width: at.body.width, height: 1 };
        let selected = (line.fact == view.at).then_some(Role::Selected);
        canvas.over(whole, selected, |canvas| put(canvas, area.x, y, area.width, line));
    }
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

/// The first line drawn so that the chosen fact is in sight, near the middle.
fn scroll(facts: &[usize], at: usize, room: usize) -> usize {
    let first = facts.iter().position(|fact| *fact == at).unwrap_or(0);
    let furthest = facts.len().saturating_sub(room);
    first.saturating_sub(room / 2).min(furthest)
}
