//! An explanation on the full screen: the answer first, then the steps to it, then what would mend it.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::sign;
use super::theme::Role;
use super::trace::lines;
use crate::access::Mark;
use crate::app::App;
use crate::app::layout::Layout;
use crate::app::overlay::explain::ExplainView;

/// The answer takes at most so many lines.
const MOST_ANSWER: u16 = 4;

/// Draws it.
pub(super) fn draw(canvas: &mut Canvas<'_>, at: &Layout, app: &App, view: &ExplainView) {
    let area = Rect { x: at.body.x + 1, width: at.body.width.saturating_sub(2), ..at.body };
    let mut y = area.y;
    let inner = |y: u16| Rect { x: area.x + 2, y, width: area.width.saturating_sub(2), height: MOST_ANSWER };
    match &view.explained {
        Some(explained) => {
            let explanation = &explained.explanation;
            let sign = explanation.verdict.mark();
            let mut end = area.right();
            let loading = app.is_live() && !app.facts().progress().is_empty();
            if loading && sign == Mark::Unknown {
                let text = "⟳ still loading";
                end = canvas.put_right(area.x + area.width / 3, end, y, text, Role::Accent).saturating_sub(2);
            }
            canvas.put(area.x, y, end.saturating_sub(area.x), &explanation.title, Role::Title);
            let (glyph, role) = sign::mark(sign);
            canvas.put(area.x, y + 1, 1, glyph, role);
            y += 1 + canvas.paragraph(inner(y + 1), &explanation.answer, Role::Text).max(1);
        }
        None => {
            canvas.put(area.x, y, area.width, &view.message.message.told(), Role::Title);
            canvas.put(area.x, y + 1, 1, "⟳", Role::Accent);
            canvas.put(area.x + 2, y + 1, area.width, "explaining …", Role::Dim);
            y += 2;
        }
    }
    lines(canvas, at, Rect { y: y + 1, ..area }, &view.facts, view.at);
}
