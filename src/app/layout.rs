//! Where everything is, as a function of size and state: used by [`super::update`] for paging and the mouse, and by the
//! view for drawing, so that the two cannot disagree.
//!
//! ```text
//!  eksplorer  cluster · region · account · mode · version            you ● role → policies   READ-ONLY     header
//!  1 Entries 62  2 aws-auth 17 !4  3 IRSA 31 …                                              loaded 2 min   tabs
//! ─────────────────────────────────────────────────┬─────────────────────────────┬────────────────────────  rule
//!  titles of the columns                           │ detail                      │ document                  body
//!  banners: what the rows lack                     │   from 100 columns on       │   from 170 columns on
//!  rows                                            │                             │
//!  /filter, or a notice, or what the row says                                                  3 of 62      status
//!  Enter trace  / filter  ctrl-p jump  …                                                       ? help       footer
//! ```

use ratatui::layout::{Rect, Size};

use super::App;
use super::condition::{self, Banner};
use super::overlay::Overlay;
use super::pane::Pane;

/// The smallest size in which the program is of use.
pub const SMALLEST: Size = Size { width: 60, height: 16 };
/// From this width on the detail stands beside the list.
pub const WIDE: u16 = 100;
/// From this width on the document stands beside the detail.
pub const VERY_WIDE: u16 = 170;

/// The places on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Is the terminal too small for anything but saying so?
    pub too_small: bool,
    /// Cluster and caller.
    pub header: Rect,
    /// Panes.
    pub tabs: Rect,
    /// The line below them.
    pub rule: Rect,
    /// All between rule and status.
    pub body: Rect,
    /// The list: titles, banners and rows.
    pub list: Rect,
    /// The rows alone.
    pub rows: Rect,
    /// The row's detail, where there is room.
    pub detail: Option<Rect>,
    /// The row's document, where there is room.
    pub document: Option<Rect>,
    /// What lies over the body: jump, palette, help, calls, clusters.
    pub popup: Rect,
    /// The lines of a popup below its prompt.
    pub choices: Rect,
    /// The lines of a place (trace, document) below its title.
    pub place: Rect,
    /// Filter, notice, or what the row says.
    pub status: Rect,
    /// Keys.
    pub footer: Rect,
}

/// A popup is no wider: longer lines are hard to read.
const WIDEST_POPUP: u16 = 100;

/// Nor taller.
const TALLEST_POPUP: u16 = 26;

/// The lines of a sign-in with its border: the code, the address on up to two lines, and what is to be done.
const SIGN_IN: u16 = 12;

/// A notice takes at most so many lines.
const MOST_STATUS: u16 = 3;

/// The parts of a place that is a table with something to be said of the line under the cursor: matrix, who can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// What it is about.
    pub title: Rect,
    /// What matters most of it, in a line.
    pub summary: Rect,
    /// Titles of the columns.
    pub heads: Rect,
    /// The lines.
    pub rows: Rect,
    /// What is said of the line under the cursor; above it stands a rule.
    pub told: Rect,
}

/// How a body is shared out among the parts of a sheet. Depends on its size alone, so that nothing jumps.
pub fn sheet(body: Rect) -> Sheet {
    let inner = Rect { x: body.x + 1, width: body.width.saturating_sub(2), ..body };
    let told = match body.height {
        ..16 => 3,
        16..24 => 5,
        24.. => 6,
    };
    let line = |n: u16| Rect { y: inner.y + n.min(inner.height), height: u16::from(n < inner.height), ..inner };
    let rows = inner.height.saturating_sub(3 + told + 1);
    let told = told.min(inner.height.saturating_sub(4));
    Sheet {
        title: line(0),
        summary: line(1),
        heads: line(2),
        rows: Rect { y: inner.y + 3.min(inner.height), height: rows, ..inner },
        told: Rect { y: inner.bottom().saturating_sub(told), height: told, ..inner },
    }
}

/// Where everything is now.
pub fn layout(app: &App) -> Layout {
    let Size { width, height } = app.size;
    if width < SMALLEST.width || height < SMALLEST.height {
        return Layout { too_small: true, ..Layout::default() };
    }
    let line = |y| Rect { x: 0, y, width, height: 1 };
    let status_height = status_height(app, width);
    let body_height = height - 4 - status_height;
    let body = Rect { x: 0, y: 3, width, height: body_height };
    let (list_width, detail, document) = columns(body);
    let list = Rect { width: list_width, ..body };
    let rows = below(list, 1 + banners(app).len() as u16);
    let popup = popup(body, app.overlays.last());
    Layout {
        too_small: false,
        header: line(0),
        tabs: line(1),
        rule: line(2),
        body,
        list,
        rows,
        detail,
        document,
        popup,
        // Border above and below, the prompt, and the lines of explanation.
        choices: Rect {
            height: popup.height.saturating_sub(3 + explained(app)),
            y: popup.y + 2 + explained(app),
            x: popup.x + 1,
            width: popup.width - 2,
        },
        place: below(body, 2),
        status: Rect { x: 0, y: 3 + body_height, width, height: status_height },
        footer: line(height - 1),
    }
}

/// The lines above the rows that say what these lack. Where there are no rows, that is said in their place.
pub fn banners(app: &App) -> Vec<Banner> {
    if app.state().shown().is_empty() { Vec::new() } else { condition::banners(app.pane, &app.facts(), app.now) }
}

/// How many lines explain what is typed: where it may be refused, the reason has room.
fn explained(app: &App) -> u16 {
    use super::overlay::Overlay;
    match app.overlays.last() {
        Some(
            Overlay::Add(_) | Overlay::Identity(_) | Overlay::Associate(_) | Overlay::CopyAccess(_) | Overlay::Code(_),
        ) => 2,
        _ => 1,
    }
}

fn below(area: Rect, lines: u16) -> Rect {
    let lines = lines.min(area.height);
    Rect { y: area.y + lines, height: area.height - lines, ..area }
}

/// The widths of list, detail and document; between two of them stands a line.
fn columns(body: Rect) -> (u16, Option<Rect>, Option<Rect>) {
    let beside = |x: u16, width: u16| Some(Rect { x: body.x + x, width, ..body });
    match body.width {
        ..WIDE => (body.width, None, None),
        WIDE..VERY_WIDE => {
            let list = body.width * 60 / 100;
            (list, beside(list + 1, body.width - list - 1), None)
        }
        VERY_WIDE.. => {
            let list = body.width * 44 / 100;
            let detail = body.width * 30 / 100;
            let document = list + detail + 2;
            (list, beside(list + 1, detail), beside(document, body.width - document))
        }
    }
}

/// Is it one line that is typed, with nothing to choose?
fn is_line(top: Option<&Overlay>) -> bool {
    use super::overlay::add;
    match top {
        Some(Overlay::Identity(_) | Overlay::Code(_)) => true,
        Some(Overlay::Add(view)) => matches!(view.step, add::Step::Groups(_)),
        _ => false,
    }
}

fn popup(body: Rect, top: Option<&Overlay>) -> Rect {
    // A narrow one takes the whole width: what would be left over beside it is nothing but noise.
    let width = if body.width < WIDEST_POPUP + 8 { body.width } else { WIDEST_POPUP };
    let most = match top {
        // A few choices that are always the same need no more.
        Some(Overlay::Exports(it)) => it.picker.choices.len() as u16 + 4,
        _ if is_line(top) => 5,
        Some(Overlay::SignIn) => SIGN_IN,
        _ => TALLEST_POPUP,
    };
    let height = body.height.min(most);
    Rect { x: body.x + (body.width - width) / 2, y: body.y, width, height }
}

/// A long notice takes more than one line. Counted in characters, which is near enough: the view cuts what is left over.
fn status_height(app: &App, width: u16) -> u16 {
    let Some(notice) = &app.notice else { return 1 };
    let wanted = notice.text.chars().count() / usize::from(width.saturating_sub(6).max(1)) + 1;
    (wanted as u16).clamp(1, MOST_STATUS)
}

/// A tab as it is drawn: its parts and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tab {
    /// Which pane.
    pub pane: Pane,
    /// Its first column.
    pub x: u16,
    /// `Entries`
    pub title: &'static str,
    /// ` 62`, where there is room.
    pub count: String,
    /// ` !4`, where there is room and need.
    pub findings: String,
}

impl Tab {
    /// `1 Entries 62 !4` in columns; all its characters are narrow.
    pub fn width(&self) -> u16 {
        let characters = |text: &str| text.chars().count();
        (2 + characters(self.title) + characters(&self.count) + characters(&self.findings)) as u16
    }
}

/// The tabs, with as much on them as there is room for.
pub fn tabs(app: &App, width: u16) -> Vec<Tab> {
    let facts = app.facts();
    let counted = |pane: Pane| {
        // What is there: what is staged is not yet.
        let table = app.analysis.as_deref().map(|it| it.tables.table(pane));
        let rows = table.map_or(0, |table| table.rows().len());
        let rows = if app.cluster.is_some() {
            format!(" {}", condition::count_of_rows(pane, &facts, rows))
        } else {
            String::new()
        };
        let found = table.map_or(0, super::table::Table::with_findings);
        // Of findings, every row is one.
        let found = if pane == Pane::Findings { 0 } else { found };
        (rows, if found > 0 { format!(" !{found}") } else { String::new() })
    };
    let room = usize::from(width);
    let levels: [(usize, bool, bool, bool); 6] = [
        (2, false, true, true),
        (2, true, true, true),
        (2, true, false, true),
        (1, true, false, true),
        (2, true, false, false),
        (1, true, false, false),
    ];
    let mut tabs = Vec::new();
    for (gap, short, counts, findings) in levels {
        let mut x = 1;
        tabs = Pane::ALL
            .map(|pane| {
                let (rows, found) = counted(pane);
                let tab = Tab {
                    pane,
                    x,
                    title: if short { pane.short_title() } else { pane.title() },
                    count: if counts || pane == app.pane { rows } else { String::new() },
                    findings: if findings { found } else { String::new() },
                };
                x += tab.width() + gap as u16;
                tab
            })
            .to_vec();
        let taken = tabs.last().map_or(0, |tab| usize::from(tab.x + tab.width()));
        // Some room is left for what is said on the right: at least what is still loading.
        if taken + 6 <= room {
            break;
        }
    }
    tabs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_the_body_stand_side_by_side_and_fill_it() {
        for width in SMALLEST.width..300 {
            let body = Rect { x: 0, y: 3, width, height: 20 };
            let (list, detail, document) = columns(body);
            let mut x = list;
            for part in [detail, document].into_iter().flatten() {
                assert_eq!(part.x, x + 1, "{width}");
                x = part.x + part.width;
            }
            assert_eq!(x, width);
            assert_eq!(detail.is_some(), width >= WIDE);
            assert_eq!(document.is_some(), width >= VERY_WIDE);
        }
    }
}
