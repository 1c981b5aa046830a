//! The list: titles, what the rows lack, rows, or what stands in their place.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::columns::columns;
use super::sign;
use super::theme::Role;
use crate::access::Mark;
use crate::app::App;
use crate::app::condition::{Message, nothing};
use crate::app::layout::{Layout, banners};
use crate::app::table::{Head, Order, Row, heads};

/// Before the first column: what is staged, the mark, a blank, the finding's sign, what is marked.
const LEAD: u16 = 5;

/// Draws it.
pub(super) fn draw(canvas: &mut Canvas<'_>, at: &Layout, app: &App) {
    let heads = heads(app.pane);
    let placed = columns(&heads, at.list.width.saturating_sub(LEAD + 1));
    let facts = app.facts();
    if app.cluster.is_none() {
        let message = no_cluster(app);
        return say(canvas, at.rows, &message);
    }
    titles(canvas, at.list, app, &heads, &placed);
    let first = at.list.y + 1;
    for (banner, y) in banners(app).iter().zip(first..at.rows.y) {
        let (glyph, role) = sign::tone(banner.tone);
        canvas.put(at.list.x + 1, y, 1, glyph, role);
        canvas.put(at.list.x + LEAD, y, at.list.width.saturating_sub(LEAD + 1), &banner.text, role);
    }
    let state = app.state();
    let Some(table) = app.table(app.pane) else {
        return say(canvas, at.rows, &nothing(app.pane, &facts, "", 0));
    };
    if state.shown().is_empty() {
        let message = nothing(app.pane, &facts, state.filter.value(), table.rows().len());
        return say(canvas, at.rows, &message);
    }
    let lines = state.shown().iter().enumerate().skip(state.top()).zip(at.rows.top()..at.rows.bottom());
    for ((place, row), y) in lines {
        let Some(row) = table.row(*row) else { continue };
        let area = Rect { y, height: 1, ..at.rows };
        let selected = (place == state.at()).then_some(Role::Selected);
        let staged = app.sign_of(row);
        canvas.over(area, selected, |canvas| {
            draw_row(canvas, area, row, &heads, &placed);
            if let Some(sign) = staged {
                canvas.put(area.x, y, 1, sign, Role::Warn);
            }
            if state.is_marked(&row.key) {
                canvas.put(area.x + LEAD - 1, y, 1, sign::MARKED, Role::Focus);
            }
        });
    }
}

fn titles(canvas: &mut Canvas<'_>, list: Rect, app: &App, heads: &[&Head], placed: &[(usize, u16, u16)]) {
    let sort = app.state().sort;
    for (place, x, wide) in placed {
        let Some(head) = heads.get(*place) else { continue };
        let sorted = sort.filter(|sort| sort.column == *place);
        let arrow = match sorted {
            None => "",
            Some(sort) if sort.descending => " ▼",
            Some(_) => " ▲",
        };
        let role = if sorted.is_some() { Role::Accent } else { Role::Dim };
        let title: String = head.title.chars().take(usize::from(*wide).saturating_sub(arrow.chars().count())).collect();
        put_cell(canvas, (list.x + LEAD + x, list.y), *wide, &format!("{title}{arrow}"), head, role);
    }
}

fn draw_row(canvas: &mut Canvas<'_>, area: Rect, row: &Row, heads: &[&Head], placed: &[(usize, u16, u16)]) {
    let (glyph, role) = sign::mark(row.mark);
    // What is a "no" without being a defect is no danger either: most workloads' roles need not get in.
    let role = if row.mark == Mark::Dead && row.severity.is_none() { Role::Dim } else { role };
    canvas.put(area.x + 1, area.y, 1, glyph, role);
    let flag = match (row.severity, row.unverified) {
        (Some(severity), _) => Some(sign::severity(severity)),
        (None, true) => Some(sign::UNVERIFIED),
        (None, false) => None,
    };
    if let Some((glyph, role)) = flag {
        canvas.put(area.x + 3, area.y, 1, glyph, role);
    }
    let idle = matches!(row.mark, Mark::Shadowed | Mark::Ignored | Mark::Loading);
    for (place, x, wide) in placed {
        let (Some(head), Some(cell)) = (heads.get(*place), row.cells.get(*place)) else { continue };
        let role = if idle || cell == "-" {
            Role::Dim
        } else if cell == "?" {
            Role::Unknown
        } else {
            Role::Text
        };
        put_cell(canvas, (area.x + LEAD + x, area.y), *wide, cell, head, role);
    }
}

/// Numbers stand at the right of their column.
fn put_cell(canvas: &mut Canvas<'_>, (x, y): (u16, u16), wide: u16, text: &str, head: &Head, role: Role) {
    match head.order {
        Order::Number => {
            canvas.put_right(x, x + wide, y, text, role);
        }
        Order::Text => {
            canvas.put_cut(x, y, wide, text, head.cut, role);
        }
    }
}

fn no_cluster(app: &App) -> Message {
    use crate::app::condition::Tone;
    use crate::model::snapshot::State;
    let message =
        |tone, headline: &str, paragraphs: Vec<String>| Message { tone, headline: headline.into(), paragraphs };
    match app.snapshot.clusters.state() {
        State::Waiting | State::Loading { .. } => {
            message(Tone::Loading, "Reading the clusters of the account …", vec![])
        }
        State::Refused(failure) | State::Failed(failure) => {
            message(Tone::Unknown, "The clusters are not known", vec![format!("{failure}."), failure.hint()])
        }
        _ if app.snapshot.clusters.items().is_empty() => message(
            Tone::Plain,
            "No clusters",
            vec!["There is none in the regions asked for; --region names others.".to_owned()],
        ),
        _ => message(Tone::Plain, "Choose a cluster", vec!["C lists them.".to_owned()]),
    }
}

/// What stands in the place of rows.
fn say(canvas: &mut Canvas<'_>, area: Rect, message: &Message) {
    let width = area.width.saturating_sub(LEAD + 3).min(76);
    let mut y = area.y + if area.height > 6 { 1 } else { 0 };
    let (glyph, role) = sign::tone(message.tone);
    canvas.put(area.x + 1, y, 1, glyph, role);
    let place = |y: u16| Rect { x: area.x + LEAD, y, width, height: area.bottom().saturating_sub(y) };
    y += canvas.paragraph(place(y), &message.headline, Role::Title);
    for paragraph in &message.paragraphs {
        if y >= area.bottom() {
            break;
        }
        y += canvas.paragraph(place(y), paragraph, Role::Text);
    }
}
