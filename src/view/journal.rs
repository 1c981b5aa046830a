//! The journal: a line for each batch, the one under the cursor explained below; and one batch on the whole body.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::plan::lines;
use super::text::wrap;
use super::theme::Role;
use crate::app::App;
use crate::app::layout::{Layout, sheet};
use crate::app::overlay::batch::BatchView;
use crate::app::overlay::journal::{JournalLine, JournalView, Sign};
use crate::app::table::Cut;
use crate::app::words::count;
use crate::edit::record::{Book, Standing, VERSION};
use crate::model::visible::visible;

fn glyph(sign: Sign) -> (&'static str, Role) {
    match sign {
        Sign::Good => ("✓", Role::Good),
        Sign::Look => ("!", Role::Warn),
        Sign::Stopped => ("✗", Role::Danger),
        Sign::InDoubt => ("?", Role::Danger),
        Sign::Spent => ("·", Role::Dim),
    }
}

/// Draws the list.
pub(super) fn list(canvas: &mut Canvas<'_>, at: &Layout, app: &App, view: &JournalView) {
    let parts = sheet(at.body);
    canvas.put(parts.title.x, parts.title.y, parts.title.width, "Journal: what was changed from here", Role::Title);
    let book = match &app.shelf.book {
        None => {
            canvas.put(parts.summary.x, parts.summary.y, 1, "⟳", Role::Accent);
            canvas.put(parts.summary.x + 2, parts.summary.y, parts.summary.width, "reading the journal …", Role::Dim);
            return;
        }
        Some(Err(why)) => {
            canvas.put(parts.summary.x, parts.summary.y, 1, "?", Role::Unknown);
            let area = Rect { x: parts.summary.x + 2, width: parts.summary.width.saturating_sub(2), ..parts.summary };
            canvas.paragraph(Rect { height: 4, ..area }, why, Role::Text);
            return;
        }
        Some(Ok(book)) => book,
    };
    summary(canvas, parts.summary, view, book);
    if view.counts().1 == 0 {
        return empty(canvas, parts.rows, app);
    }
    let columns = columns(parts.rows.width);
    for ((x, wide), head) in columns.iter().zip(["WHEN (UTC)", "STATE", "WHAT", "CLUSTER", "WHO"]) {
        canvas.put(parts.heads.x + x, parts.heads.y, *wide, head, Role::Dim);
    }
    if view.counts().0 == 0 {
        canvas.put(
            parts.rows.x + 2,
            parts.rows.y,
            parts.rows.width,
            "No batch matches the filter. Esc clears it.",
            Role::Dim,
        );
    }
    let rows = view.lines(view.scroll.top).zip(parts.rows.top()..parts.rows.bottom()).enumerate();
    for (place, (line, y)) in rows {
        let whole = Rect { y, height: 1, x: at.body.x, width: at.body.width };
        let selected = (view.scroll.top + place == view.scroll.at).then_some(Role::Selected);
        canvas.over(whole, selected, |canvas| draw_line(canvas, Rect { y, height: 1, ..parts.rows }, line, &columns));
    }
    canvas.across(Rect { y: parts.told.y.saturating_sub(1), height: 1, ..at.body });
    told(canvas, parts.told, view);
}

/// How many batches there are and how many are open here; what could not be read.
fn summary(canvas: &mut Canvas<'_>, area: Rect, view: &JournalView, book: &Book) {
    let open = view
        .lines(0)
        .filter(|it| it.elsewhere.is_empty())
        .filter(|it| book.head(&it.id).is_some_and(|head| book.standing_of(head).is_open()));
    let open = open.count();
    let mut x = area.x;
    let mut put = |text: &str, role: Role| {
        let room = area.right().saturating_sub(x);
        x += canvas.put(x, area.y, room, text, role) + 2;
    };
    if view.counts().1 > 0 {
        put(&count(view.counts().1, "batch", "batches"), Role::Dim);
    }
    if open > 0 {
        put(&format!("{open} open here"), Role::Warn);
    }
    if book.version > VERSION {
        put("? a newer eksplorer wrote some of it, which is not shown", Role::Unknown);
    }
    match book.unreadable.as_slice() {
        [] => {}
        [one] => put(&format!("? line {one} is not readable, cut short by a crash perhaps"), Role::Unknown),
        several => {
            put(&format!("? {} lines are not readable, cut short by crashes perhaps", several.len()), Role::Unknown)
        }
    }
}

fn empty(canvas: &mut Canvas<'_>, area: Rect, app: &App) {
    canvas.put(area.x, area.y, area.width, "The journal is empty: nothing was changed from here.", Role::Text);
    let fills = if app.may_write() {
        "A batch comes in when what was staged is applied: a on a row gives access, D removes it, r reviews. So do eksplorer grant, \
         revoke and plan with --apply."
    } else {
        "A batch comes in when changes are applied: on this screen if it is started with --write, or by eksplorer grant, revoke and \
         plan with --apply."
    };
    let more = "It is kept in the state folder; --state-dir names another.";
    let below = |y: u16| Rect { y, height: area.bottom().saturating_sub(y), ..area };
    let used = canvas.paragraph(below(area.y + 2), fills, Role::Dim);
    canvas.paragraph(below(area.y + 3 + used), more, Role::Dim);
}

/// When, state, what, cluster, who: where each begins, and how wide it is. Where there is little room, the last are left to
/// the lines below.
fn columns(whole: u16) -> Vec<(u16, u16)> {
    let room = whole.saturating_sub(2);
    let (when, state) = (16, if whole < 70 { room / 4 } else { 22 });
    let cluster = if whole < 100 { 0 } else { 14 + room / 40 };
    let who = if whole < 130 { 0 } else { 16 + room / 20 };
    let beside: u16 = [cluster, who].into_iter().filter(|it| *it > 0).map(|it| it + 2).sum();
    let what = room.saturating_sub(when + 2 + state + 2 + beside);
    let mut x = 2;
    let mut all = Vec::new();
    for wide in [when, state, what, cluster, who].into_iter().filter(|it| *it > 0) {
        all.push((x, wide));
        x += wide + 2;
    }
    all
}

fn draw_line(canvas: &mut Canvas<'_>, area: Rect, line: &JournalLine, columns: &[(u16, u16)]) {
    let here = line.elsewhere.is_empty();
    let (glyph, role) = glyph(line.sign);
    let dim = |role: Role| if here { role } else { Role::Dim };
    canvas.put(area.x, area.y, 1, glyph, dim(role));
    let state = match line.sign {
        Sign::Good | Sign::Spent => Role::Dim,
        _ => role,
    };
    let texts = [
        (&line.when, Cut::End, Role::Text),
        (&line.state, Cut::End, state),
        (&line.what, Cut::End, if line.sign == Sign::Spent { Role::Dim } else { Role::Text }),
        (&line.cluster, Cut::End, Role::Dim),
        (&line.who, Cut::Path, Role::Dim),
    ];
    for ((x, wide), (text, cut, role)) in columns.iter().zip(texts) {
        canvas.put_cut(area.x + x, area.y, *wide, text, cut, dim(role));
    }
}

/// How the one under the cursor stands, why it is not of here, and all that it does.
fn told(canvas: &mut Canvas<'_>, area: Rect, view: &JournalView) {
    let mut y = area.y;
    for (place, line) in view.told.iter().enumerate() {
        let room = area.bottom().saturating_sub(y);
        let left = (view.told.len() - place - 1) as u16;
        // Each has at least a line of its own, as far as there is room.
        let most = room.saturating_sub(left).max(1).min(room);
        for text in wrap(&visible(line), usize::from(area.width), usize::from(most)) {
            canvas.put(area.x, y, area.width, &text, if place == 0 { Role::Text } else { Role::Dim });
            y += 1;
        }
    }
}

/// Draws one batch.
pub(super) fn batch(canvas: &mut Canvas<'_>, at: &Layout, app: &App, view: &BatchView) {
    let area = Rect { x: at.body.x + 1, width: at.body.width.saturating_sub(2), ..at.body };
    canvas.put(area.x, area.y, area.width, &view.title(), Role::Title);
    let foot = Rect { y: area.bottom().saturating_sub(1), height: 1, ..area };
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(3), ..area };
    // First: on it stands that there is more.
    canvas.across(Rect { y: foot.y.saturating_sub(1), ..foot });
    lines(canvas, body, &view.lines(), view.top, None);
    let (text, role) = next(app, view);
    canvas.put(foot.x, foot.y, foot.width, &text, role);
}

/// What can be done next.
fn next(app: &App, view: &BatchView) -> (String, Role) {
    use crate::app::command::{Availability, Command};
    let context = crate::app::keymap::Context::Batch;
    let resume = Command::Resume.availability(app, context);
    let undo = Command::Undo.availability(app, context);
    let open = view.standing.is_open() || matches!(view.standing, Standing::Refused);
    match (open, resume, undo) {
        (true, Availability::Ready, Availability::Ready) => {
            ("R reviews what is left, u what takes it back. Nothing is done by itself.".into(), Role::Warn)
        }
        (true, Availability::Ready, _) => ("R reviews what is left. Nothing is done by itself.".into(), Role::Warn),
        (true, Availability::Disabled(why), _) => (why.into_owned(), Role::Warn),
        (false, _, Availability::Ready) => ("u reviews what would undo it.".into(), Role::Dim),
        (false, _, Availability::Disabled(why)) => (why.into_owned(), Role::Dim),
    }
}
