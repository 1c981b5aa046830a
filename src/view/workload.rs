//! Which AWS role a workload gets, on the full screen: the answer first, then the chain, then what would mend it.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::sign;
use super::theme::Role;
use super::trace::lines;
use crate::access::Mark;
use crate::app::App;
use crate::app::layout::Layout;
use crate::app::overlay::workload::WorkloadView;

/// Either sentence of the answer takes at most so many lines.
const MOST_ANSWER: u16 = 3;

/// Draws it.
pub(super) fn draw(canvas: &mut Canvas<'_>, at: &Layout, app: &App, view: &WorkloadView) {
    let area = Rect { x: at.body.x + 1, width: at.body.width.saturating_sub(2), ..at.body };
    let inner = |y: u16| Rect { x: area.x + 2, y, width: area.width.saturating_sub(2), height: MOST_ANSWER };
    let mut y = area.y;
    match &view.shown {
        Some(shown) => {
            let sign = shown.outcome.mark();
            let mut end = area.right();
            let loading = app.is_live() && !app.facts().progress().is_empty();
            if loading && sign == Mark::Unknown {
                let text = "⟳ still loading";
                end = canvas.put_right(area.x + area.width / 3, end, y, text, Role::Accent).saturating_sub(2);
            }
            canvas.put(area.x, y, end.saturating_sub(area.x), &shown.title, Role::Title);
            let (glyph, role) = sign::mark(sign);
            canvas.put(area.x, y + 1, 1, glyph, role);
            y += 1 + canvas.paragraph(inner(y + 1), &shown.headline, Role::Text).max(1);
            if !shown.because.is_empty() {
                y += canvas.paragraph(inner(y), &shown.because, Role::Dim);
            }
        }
        None => {
            let title = format!("{} {}", view.subject.kind(), view.subject.name());
            canvas.put(area.x, y, area.width, &title, Role::Title);
            canvas.put(area.x, y + 1, 1, "⟳", Role::Accent);
            canvas.put(area.x + 2, y + 1, area.width, "looking …", Role::Dim);
            y += 2;
        }
    }
    lines(canvas, at, Rect { y: y + 1, ..area }, view.facts(), view.at);
}
