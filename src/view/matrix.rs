//! What an identity may do, as a table: dangers on top, the cell under the cursor explained below.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::sign;
use super::text::{width, wrap};
use super::theme::Role;
use crate::access::crosscheck::ReviewAgreement;
use crate::access::matrix::{Cell, Row};
use crate::app::App;
use crate::app::layout::{Layout, sheet};
use crate::app::overlay::matrix::{At, Columns, HEADS, MatrixView, cells};
use crate::app::overlay::told::{Check, Told};
use crate::model::visible::visible;

/// Draws it.
pub(super) fn draw(canvas: &mut Canvas<'_>, at: &Layout, app: &App, view: &MatrixView) {
    let parts = sheet(at.body);
    let who = view.asked.principal.short(app.home());
    let who = match &view.asked.session {
        Some(session) => format!("{who} / {session}"),
        None => who,
    };
    let place = match view.namespace.as_deref() {
        Some("") => " · cluster ▾".to_owned(),
        Some(namespace) => format!(" · namespace {namespace} ▾"),
        None => String::new(),
    };
    let used = canvas.put(parts.title.x, parts.title.y, parts.title.width, &who, Role::Title);
    let left = parts.title.width.saturating_sub(used);
    canvas.put(parts.title.x + used, parts.title.y, left, &place, Role::Accent);
    let Some(permitted) = &view.permitted else {
        canvas.put(parts.summary.x, parts.summary.y, 1, "⟳", Role::Accent);
        canvas.put(parts.summary.x + 2, parts.summary.y, parts.summary.width, "reading what it may do …", Role::Dim);
        return;
    };
    if let Some(outside) = &permitted.who.outside {
        let from = parts.summary;
        canvas.put(from.x, from.y, 1, "✗", Role::Danger);
        let height = parts.rows.bottom().saturating_sub(from.y);
        let area = Rect { x: from.x + 2, width: from.width.saturating_sub(2), height, ..from };
        canvas.paragraph(area, &format!("It gets no identity here, and so may do nothing: {outside}"), Role::Text);
        return;
    }
    summary(canvas, parts.summary, view);
    let columns = Columns::of(parts.rows.width);
    heads(canvas, parts.heads, view, &columns);
    if view.is_empty() {
        canvas.put(
            parts.rows.x,
            parts.rows.y,
            parts.rows.width,
            "No resource matches the filter. Esc clears it.",
            Role::Dim,
        );
    }
    let rows = view.rows().enumerate().skip(view.scroll.top).zip(parts.rows.top()..parts.rows.bottom());
    for ((place, row), y) in rows {
        let Some(row) = row else { continue };
        let selected = (place == view.scroll.at).then_some(view.column);
        draw_row(canvas, Rect { y, height: 1, ..parts.rows }, row, &columns, selected);
    }
    canvas.across(Rect { y: parts.told.y.saturating_sub(1), height: 1, ..at.body });
    told(canvas, parts.told, view);
}

/// What is dangerous here, and elsewhere.
fn summary(canvas: &mut Canvas<'_>, area: Rect, view: &MatrixView) {
    let (here, elsewhere) = view.dangers();
    let mut x = area.x;
    if here.is_empty() {
        // What is not known may well be dangerous.
        let open = view.permitted.as_ref().is_some_and(|it| !it.matrix.unknown.is_empty());
        let text = if open { "nothing dangerous that is known here" } else { "nothing dangerous here" };
        x += canvas.put(x, area.y, area.width, text, Role::Dim);
    } else {
        canvas.put(x, area.y, 1, "‼", Role::Danger);
        x += 2 + canvas.put(x + 2, area.y, area.width.saturating_sub(2), &here.join(", "), Role::Danger);
    }
    if !elsewhere.is_empty() {
        let text = format!(" · {}", elsewhere.join("; "));
        canvas.put(x, area.y, area.right().saturating_sub(x), &text, Role::Dim);
    }
}

fn heads(canvas: &mut Canvas<'_>, area: Rect, view: &MatrixView, columns: &Columns) {
    canvas.put(area.x, area.y, columns.name, "RESOURCE", Role::Dim);
    for (place, (x, head)) in columns.verbs.iter().zip(HEADS).enumerate() {
        let role = if place == view.column { Role::Focus } else { Role::Dim };
        canvas.put(area.x + x, area.y, area.width.saturating_sub(*x), head, role);
    }
    let role = if view.column >= columns.verbs.len() { Role::Focus } else { Role::Dim };
    canvas.put(area.x + columns.others, area.y, area.width.saturating_sub(columns.others), "others", role);
}

fn draw_row(canvas: &mut Canvas<'_>, area: Rect, row: &Row, columns: &Columns, selected: Option<usize>) {
    let name = if row.group.is_empty() { row.resource.clone() } else { format!("{}.{}", row.resource, row.group) };
    let role = if selected.is_some() { Role::Focus } else { Role::Text };
    canvas.put(area.x, area.y, columns.name, &name, role);
    let all = cells(row, columns);
    for (place, (x, it)) in columns.verbs.iter().zip(&all).enumerate() {
        let wide = HEADS.get(place).map_or(4, |head| head.len() as u16);
        let cell = Rect { x: area.x + x, width: wide, ..area };
        let over = (selected == Some(place)).then_some(Role::Selected);
        canvas.over(cell, over, |canvas| {
            canvas.put(cell.x, cell.y, cell.width, &sign_of(it), role_of(it));
        });
    }
    let others = all.get(columns.verbs.len()..).unwrap_or_default();
    let chosen = selected.and_then(|it| it.checked_sub(columns.verbs.len()));
    draw_others(
        canvas,
        Rect { x: area.x + columns.others, width: area.width.saturating_sub(columns.others), ..area },
        others,
        chosen,
    );
}

/// Subresources and further verbs, as many as there is room for, the chosen one among them.
fn draw_others(canvas: &mut Canvas<'_>, area: Rect, others: &[At], chosen: Option<usize>) {
    let texts: Vec<String> = others.iter().map(|it| format!("{} {}", visible(&it.label), sign_of(it))).collect();
    let wide =
        |from: usize, to: usize| texts.get(from..=to).unwrap_or_default().iter().map(|it| width(it) + 2).sum::<usize>();
    // Two columns are left for the arrow that says that there are more.
    let room = usize::from(area.width.saturating_sub(2));
    let mut first = 0;
    while chosen.is_some_and(|it| first < it && wide(first, it) > room) {
        first += 1;
    }
    let mut x = area.x;
    for (place, (it, text)) in others.iter().zip(&texts).enumerate().skip(first) {
        let wanted = width(text) as u16;
        let last = place + 1 == others.len();
        let room = area.right().saturating_sub(x + if last { 0 } else { 2 });
        if wanted > room && place > first {
            canvas.put(x, area.y, area.right().saturating_sub(x), "›", Role::Dim);
            return;
        }
        let cell = Rect { x, width: wanted.min(room), ..area };
        let over = (chosen == Some(place)).then_some(Role::Selected);
        canvas.over(cell, over, |canvas| {
            let sign = sign_of(it);
            let signs = width(&sign) as u16;
            // Where the first has no room either, it is its name that is cut.
            let label = cell.width.saturating_sub(signs);
            canvas.put(
                cell.x,
                cell.y,
                label.saturating_sub(1),
                &it.label,
                if it.danger { Role::Danger } else { Role::Dim },
            );
            canvas.put(cell.x + label, cell.y, cell.width.saturating_sub(label), &sign, role_of(it));
        });
        x += wanted + 2;
    }
}

fn sign_of(it: &At) -> String {
    format!("{}{}", it.cell.sign(), if it.danger { "!" } else { "" })
}

fn role_of(it: &At) -> Role {
    let Cell { policy, rbac, unknown, .. } = it.cell;
    match (policy || rbac, unknown) {
        (true, _) if it.danger => Role::Danger,
        (true, _) => Role::Text,
        (false, true) => Role::Unknown,
        (false, false) => Role::Dim,
    }
}

const LEGEND: &str = "P access policy  R RBAC  p r for some names  ? unknown  · no  ! dangerous";

/// The cell under the cursor, what the API server says to it, what is not known, and the legend.
fn told(canvas: &mut Canvas<'_>, area: Rect, view: &MatrixView) {
    let legend = area.bottom().saturating_sub(1);
    canvas.put(area.x, legend, area.width, LEGEND, Role::Dim);
    let mut y = area.y;
    let end = legend;
    // What the API server says is not pushed out by a long explanation; neither is what is not known at all.
    let check = view.checked();
    let unknown = view.permitted.as_ref().map(|it| it.matrix.unknown.as_slice()).unwrap_or_default();
    let own_unknown = view.told.as_ref().is_some_and(|it| it.mark == crate::access::Mark::Unknown);
    let say_unknown = !unknown.is_empty() && !own_unknown;
    let check_height = check.map_or(0, |it| check_height(it, area.width));
    let kept = check_height + u16::from(say_unknown && end.saturating_sub(y) > 2);
    if let Some(told) = &view.told {
        let room = end.saturating_sub(y + kept).max(1);
        y += draw_told(canvas, Rect { y, height: room, ..area }, told);
    }
    if let Some(check) = check.filter(|_| y < end) {
        y += draw_check(canvas, Rect { y, height: check_height.min(end - y), ..area }, check);
    }
    if say_unknown && y < end {
        let more = unknown.len().saturating_sub(1);
        let first = unknown.first().map(String::as_str).unwrap_or_default();
        let text = if more > 0 { format!("{first} (and {more} more)") } else { first.to_owned() };
        canvas.put(area.x, end.saturating_sub(1), 1, "?", Role::Unknown);
        canvas.put(area.x + 2, end.saturating_sub(1), area.width.saturating_sub(2), &text, Role::Unknown);
    }
}

/// `● list secrets in blue`, then by what. Gives the lines it took.
fn draw_told(canvas: &mut Canvas<'_>, area: Rect, told: &Told) -> u16 {
    let (glyph, role) = sign::mark(told.mark);
    canvas.put(area.x, area.y, 1, glyph, role);
    let request = format!("{}: ", told.request);
    let (x, columns) = (area.x + 2, area.width.saturating_sub(2));
    // Each way gets a line at least, the first what is left over; those beyond the room are counted.
    let ways = told.lines.len();
    let shown = if ways > usize::from(area.height) { usize::from(area.height).saturating_sub(1).max(1) } else { ways };
    let mut y = area.y;
    for (place, line) in told.lines.iter().take(shown).enumerate() {
        let lead = if place == 0 { request.as_str() } else { "" };
        let after = shown - place - 1 + usize::from(shown < ways);
        let most = usize::from(area.bottom().saturating_sub(y)).saturating_sub(after).max(1);
        let lines = wrap(&visible(&format!("{lead}{line}")), usize::from(columns), most);
        for (text, y) in lines.iter().zip(y..area.bottom()) {
            canvas.put(x, y, columns, text, Role::Text);
        }
        if place == 0 {
            canvas.put(x, y, columns, request.trim_end(), Role::Focus);
        }
        y += lines.len() as u16;
    }
    if shown < ways && y < area.bottom() {
        canvas.put(x, y, columns, &format!("and {} more", ways - shown), Role::Dim);
        y += 1;
    }
    y - area.y
}

/// How many lines it takes to say what the API server says: two at most.
pub(super) fn check_height(check: &Check, columns: u16) -> u16 {
    wrap(&visible(&check_text(check).2), usize::from(columns.saturating_sub(2)), 2).len() as u16
}

fn check_text(check: &Check) -> (&'static str, Role, String) {
    match &check.outcome {
        None => ("⟳", Role::Accent, "asking the API server …".to_owned()),
        Some(Err(why)) => ("?", Role::Unknown, why.clone()),
        Some(Ok(checked)) => {
            let (glyph, role) = match checked.outcome {
                ReviewAgreement::Agrees => ("✓", Role::Good),
                ReviewAgreement::Settles => ("✓", Role::Accent),
                ReviewAgreement::Differs => ("‼", Role::Danger),
                ReviewAgreement::Inconclusive => ("?", Role::Unknown),
            };
            (glyph, role, checked.sentence.clone())
        }
    }
}

/// What the API server says. Gives the lines it took.
pub(super) fn draw_check(canvas: &mut Canvas<'_>, area: Rect, check: &Check) -> u16 {
    let (glyph, role, text) = check_text(check);
    canvas.put(area.x, area.y, 1, glyph, role);
    canvas.paragraph(Rect { x: area.x + 2, width: area.width.saturating_sub(2), ..area }, &text, role)
}
