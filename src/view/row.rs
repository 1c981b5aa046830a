//! A row with all that it says, on the full screen: its state and why, then what the detail beside the list says.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::detail::said;
use super::theme::Role;
use super::trace::lines;
use crate::app::layout::Layout;
use crate::app::overlay::row::RowView;
use crate::app::table::Cut;

/// So many lines are left to what stands below the sentence.
const LEFT_TO_FACTS: u16 = 6;

/// Draws it.
pub(super) fn draw(canvas: &mut Canvas<'_>, at: &Layout, view: &RowView) {
    let area = Rect { x: at.body.x + 1, width: at.body.width.saturating_sub(2), ..at.body };
    canvas.put_cut(area.x, area.y, area.width, &view.title, Cut::Path, Role::Title);
    let y = area.y + 1;
    let most = area.height.saturating_sub(LEFT_TO_FACTS + 2).max(1);
    let y = y + said(canvas, Rect { y, height: most, ..area }, &view.row);
    lines(canvas, at, Rect { y: y + 1, ..area }, &view.facts, view.at);
}
