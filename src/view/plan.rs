//! The review of what is staged, and what is being applied: lines with a sign each, and below them what to do next.

use ratatui::layout::{Position, Rect};

use super::canvas::Canvas;
use super::status::typed;
use super::text::{width, wrap};
use super::theme::Role;
use crate::app::App;
use crate::app::layout::Layout;
use crate::app::overlay::plan::{Kind, PlanLine, PlanView};
use crate::app::words::count;
use crate::edit::receipt::End;
use crate::model::visible::visible;

/// A line takes at most so many rows.
const MOST_ROWS: u16 = 12;

fn sign(kind: Kind) -> (&'static str, Role, Role) {
    match kind {
        Kind::Head => ("", Role::Text, Role::Title),
        Kind::Plain => (" ", Role::Text, Role::Text),
        Kind::Change => ("~", Role::Warn, Role::Text),
        Kind::Gain => ("+", Role::Good, Role::Text),
        Kind::Lose => ("-", Role::Danger, Role::Text),
        Kind::Unknown => ("?", Role::Unknown, Role::Text),
        Kind::Blocks | Kind::Failed => ("✗", Role::Danger, Role::Text),
        Kind::Asks => ("?", Role::Warn, Role::Text),
        Kind::Answered | Kind::Done => ("✓", Role::Good, Role::Text),
        Kind::Note => ("·", Role::Dim, Role::Dim),
        Kind::Doing => ("⟳", Role::Accent, Role::Text),
        Kind::InDoubt => ("?", Role::Danger, Role::Text),
    }
}

/// The review. Gives where the text cursor is, if the cluster's name is typed.
pub(super) fn review(canvas: &mut Canvas<'_>, at: &Layout, app: &App, view: &PlanView) -> Option<Position> {
    let area = Rect { x: at.body.x + 1, width: at.body.width.saturating_sub(2), ..at.body };
    let cluster = app.cluster.as_ref().map(|it| it.name.clone()).unwrap_or_default();
    let what = match (&view.resumes, &view.undoes) {
        (Some(_), _) => "Resume",
        (None, Some(_)) => "Undo",
        (None, None) => "Review",
    };
    let place = place(app);
    let mut title = format!("{what} · {cluster} · {place} · {}", count(view.draft.len(), "change", "changes"));
    let mut right = ("⟳ computing".to_owned(), Role::Accent);
    if let Some(review) = &view.review {
        let (blocks, asks, notes) = review.counts();
        title.push_str(&format!(" · {}", count(view.steps().len(), "call", "calls")));
        let role = match (blocks, asks) {
            (1.., _) => Role::Danger,
            (0, 1..) => Role::Warn,
            _ => Role::Dim,
        };
        right = (format!("{blocks} block, {asks} ask, {notes} note"), role);
    }
    let end = canvas.put_right(area.x, area.right(), area.y, &right.0, right.1).saturating_sub(2);
    canvas.put(area.x, area.y, end.saturating_sub(area.x), &title, Role::Title);
    let foot = Rect { y: area.bottom().saturating_sub(1), height: 1, ..area };
    // Where the name is typed, a line of its own says in which account: at any width, and whatever the name's length.
    let above = if view.typing { 2 } else { 1 };
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(2 + above), ..area };
    // First: on it stands that there is more.
    canvas.across(Rect { y: foot.y.saturating_sub(above), ..foot });
    lines(canvas, body, &view.lines(app.home()), view.top, view.cursor());
    if view.typing {
        let text = format!("In {place} this changes cluster {cluster}.");
        canvas.put(foot.x, foot.y.saturating_sub(1), foot.width, &text, Role::Warn);
        let text = "Type the cluster's name to apply: ";
        let used = canvas.put(foot.x, foot.y, foot.width, text, Role::Title);
        let x = foot.x + used.max(width(text) as u16);
        return typed(canvas, (x, foot.y), foot.right().saturating_sub(x), &view.input, Role::Text);
    }
    let (text, role) = match (view.against(), view.open().next()) {
        (Some(_), Some(open)) if right.1 == Role::Warn => {
            (format!("? {}: y says yes · {}", open.id, open.because), right.1)
        }
        (Some(why), _) => (why, right.1),
        (None, _) => ("Enter, then the cluster's name, applies it.".to_owned(), Role::Good),
    };
    canvas.put(foot.x, foot.y, foot.width, &text, role);
    None
}

/// `account 111122223333, eu-west-1`
fn place(app: &App) -> String {
    let facts = app.facts();
    let of_cluster = facts.cluster.value().and_then(|it| it.account());
    let account = of_cluster.or_else(|| app.snapshot.caller.value().map(|it| it.account.clone()));
    let account = account.map_or_else(|| "an account that is not known".to_owned(), |it| format!("account {it}"));
    let region = app.cluster.as_ref().map(|it| it.region.as_str()).unwrap_or_default();
    format!("{account}, {region}")
}

/// What is being applied, or was applied last.
pub(super) fn applying(canvas: &mut Canvas<'_>, at: &Layout, app: &App, top: usize) {
    let area = Rect { x: at.body.x + 1, width: at.body.width.saturating_sub(2), ..at.body };
    let Some(it) = &app.applying else { return };
    let what = match (it.resumes, it.undoes) {
        (true, _) => "Resume",
        (false, true) => "Undo",
        (false, false) => "Apply",
    };
    let title = format!("{what} · {} · {}", it.cluster.name, count(it.len(), "call", "calls"));
    canvas.put(area.x, area.y, area.width, &title, Role::Title);
    let foot = Rect { y: area.bottom().saturating_sub(1), height: 1, ..area };
    let body = Rect { y: area.y + 2, height: area.height.saturating_sub(4), ..area };
    lines(canvas, body, &it.lines(app.home()), top, None);
    let text = match (&it.ended, it.undoable()) {
        (None, _) => "It goes on if this is left; P comes back to it.",
        (Some(Ok(receipt)), Ok(_)) if matches!(receipt.end, End::Stopped | End::InDoubt) => {
            "J, then R, reviews what is left; u reviews what takes back what was done."
        }
        (Some(_), Ok(_)) => "u shows what would undo it; E takes it along, N writes the incident note.",
        (Some(_), Err(why)) => why,
    };
    canvas.put(foot.x, foot.y, foot.width, text, Role::Dim);
}

pub(super) fn lines(canvas: &mut Canvas<'_>, area: Rect, all: &[PlanLine], top: usize, cursor: Option<usize>) {
    let mut y = area.y;
    let mut more = false;
    for (place, line) in all.iter().enumerate().skip(top) {
        let head = line.kind == Kind::Head;
        if head && place > top {
            y += 1;
        }
        if y >= area.bottom() {
            more = true;
            break;
        }
        let (glyph, role, text) = sign(line.kind);
        let indent = if head { 0 } else { 2 };
        let width = area.width.saturating_sub(indent);
        let whole = wrap(&visible(&line.text), usize::from(width), usize::from(MOST_ROWS)).len().max(1) as u16;
        let rows = whole.min(area.bottom() - y);
        more |= rows < whole;
        let room = Rect { x: area.x + indent, y, width, height: rows };
        let selected = (cursor == Some(place)).then_some(Role::Selected);
        canvas.over(Rect { y, height: rows, ..area }, selected, |canvas| {
            canvas.put(area.x, y, 1, glyph, role);
            canvas.paragraph(room, &line.text, text);
        });
        y += rows;
    }
    if more && area.height > 0 {
        canvas.put_right(area.x, area.right(), area.bottom(), " more: j ", Role::Dim);
    }
}
