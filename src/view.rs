//! What is drawn: the whole screen as a function of the state. Pure by type: [`draw`] has the state by shared reference.
//!
//! - [`theme`]: roles and styles, the only place that knows a colour; `sign`: marks as glyphs;
//! - `canvas`: the only place that puts text on the screen, and makes it safe first; `text`: fitting it into columns;
//! - `status`: header, tabs, status and footer; `table`, `columns`: the list; `detail`: lines of facts; `trace`,
//!   `explain`, `document`, `matrix`, `who`, `plan`, `journal`: the full-screen places; `overlay`, `staging`, `sign_in`: what
//!   lies over the list.
//!
//! Decides nothing: what is selected, which rows are shown and how much room there is comes from `app`. A new overlay is an
//! arm in [`draw`] and a file here.

mod canvas;
mod columns;
mod detail;
mod document;
mod explain;
mod journal;
mod matrix;
mod overlay;
mod plan;
mod row;
mod sign;
mod sign_in;
mod staging;
mod status;
mod table;
mod text;
pub mod theme;
mod trace;
mod who;
mod workload;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use crate::app::App;
use crate::app::layout::{Layout, SMALLEST, layout};
use crate::app::overlay::Overlay;
use canvas::Canvas;
use theme::{Role, Theme};

/// Draws the whole screen.
pub fn draw(frame: &mut Frame<'_>, app: &App, theme: &Theme) {
    let area = frame.area();
    let mut canvas = Canvas::new(frame.buffer_mut(), theme);
    let at = layout(app);
    let cursor = if at.too_small {
        too_small(&mut canvas, area, app);
        None
    } else {
        whole(&mut canvas, app, &at)
    };
    if let Some(cursor) = cursor.filter(|cursor| area.contains(*cursor)) {
        frame.set_cursor_position(cursor);
    }
}

/// Draws all parts; gives where the text cursor is, if text is typed.
fn whole(canvas: &mut Canvas<'_>, app: &App, at: &Layout) -> Option<Position> {
    status::header(canvas, at.header, app);
    status::tabs(canvas, at.tabs, app);
    canvas.across(at.rule);
    let place = app.overlays.iter().rposition(Overlay::is_place);
    let mut cursor = None;
    match place.and_then(|top| app.overlays.get(top)) {
        Some(Overlay::Trace(view)) => trace::draw(canvas, at, app, view),
        Some(Overlay::Matrix(view)) => matrix::draw(canvas, at, app, view),
        Some(Overlay::WhoCan(view)) => who::draw(canvas, at, app, view),
        Some(Overlay::Plan(view)) => cursor = plan::review(canvas, at, app, view),
        Some(Overlay::Journal(view)) => journal::list(canvas, at, app, view),
        Some(Overlay::Batch(view)) => journal::batch(canvas, at, app, view),
        Some(Overlay::Apply { top }) => plan::applying(canvas, at, app, *top),
        Some(Overlay::Explain(view)) => explain::draw(canvas, at, app, view),
        Some(Overlay::Workload(view)) => workload::draw(canvas, at, app, view),
        Some(Overlay::Row(view)) => row::draw(canvas, at, view),
        Some(Overlay::Document(view)) => cursor = document::draw(canvas, at, view),
        _ => list(canvas, app, at),
    }
    let above = place.map_or(0, |top| top + 1);
    for overlay in app.overlays.iter().skip(above) {
        cursor = overlay::draw(canvas, at, app, overlay);
    }
    let typed = status::status(canvas, at.status, app);
    status::footer(canvas, at.footer, app);
    cursor.or(typed)
}

/// The list with what stands beside it.
fn list(canvas: &mut Canvas<'_>, app: &App, at: &Layout) {
    table::draw(canvas, at, app);
    for beside in [at.detail, at.document].into_iter().flatten() {
        let x = beside.x.saturating_sub(1);
        canvas.put(x, at.rule.y, 1, "┬", Role::Border);
        canvas.down(Rect { x, width: 1, ..at.body });
    }
    if let Some(area) = at.detail {
        detail::draw(canvas, area, app);
    }
    if let (Some(area), Some(document)) = (at.document, &app.detail.document) {
        document::beside(canvas, area, document);
    }
}

/// Where nothing can be of use, that is said.
fn too_small(canvas: &mut Canvas<'_>, area: Rect, app: &App) {
    let (width, height) = (app.size.width, app.size.height);
    let text = format!(
        "eksplorer needs {}×{}; this terminal is {width}×{height}. Make it larger, or press q.",
        SMALLEST.width, SMALLEST.height
    );
    canvas.paragraph(area, &text, Role::Text);
}
