//! The one place where text reaches the screen: made safe, cut to width, and never outside the terminal.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::text::{fit, fit_path, width, wrap};
use super::theme::{Role, Theme};
use crate::app::table::Cut;
use crate::model::visible::visible;

/// The screen, with the look of each role.
pub(super) struct Canvas<'a> {
    buffer: &'a mut Buffer,
    theme: &'a Theme,
    /// If set, everything is drawn in this role, whatever it is: the line under the cursor.
    over: Option<Role>,
}

impl<'a> Canvas<'a> {
    pub(super) fn new(buffer: &'a mut Buffer, theme: &'a Theme) -> Self {
        Canvas { buffer, theme, over: None }
    }

    /// Draws a line with everything in one role, the blanks of `area` included.
    pub(super) fn over(&mut self, area: Rect, role: Option<Role>, draw: impl FnOnce(&mut Canvas<'_>)) {
        let Some(role) = role else { return draw(self) };
        self.fill(area, " ", role);
        let before = self.over.replace(role);
        draw(self);
        self.over = before;
    }

    fn role(&self, role: Role) -> Role {
        self.over.unwrap_or(role)
    }

    /// What of a line of so many columns is on the screen.
    fn clip(&self, x: u16, y: u16, columns: u16) -> u16 {
        let area = *self.buffer.area();
        let inside = y >= area.y && y < area.bottom() && x >= area.x;
        if inside { columns.min(area.right().saturating_sub(x)) } else { 0 }
    }

    /// Puts a text, cut to so many columns. Gives the columns it took.
    pub(super) fn put(&mut self, x: u16, y: u16, columns: u16, text: &str, role: Role) -> u16 {
        self.put_cut(x, y, columns, text, Cut::End, role)
    }

    /// Puts a text, cut in the given way.
    pub(super) fn put_cut(&mut self, x: u16, y: u16, columns: u16, text: &str, cut: Cut, role: Role) -> u16 {
        let columns = self.clip(x, y, columns);
        if columns == 0 {
            return 0;
        }
        let safe = visible(text);
        let fitted = match cut {
            Cut::End => fit(&safe, usize::from(columns)),
            Cut::Path => fit_path(&safe, usize::from(columns)),
        };
        let style = self.theme.style(self.role(role));
        let (end, _) = self.buffer.set_stringn(x, y, &fitted, usize::from(columns), style);
        end.saturating_sub(x)
    }

    /// Puts a text so that it ends before column `right`. Gives where it begins.
    pub(super) fn put_right(&mut self, left: u16, right: u16, y: u16, text: &str, role: Role) -> u16 {
        let columns = right.saturating_sub(left);
        let wanted = (width(&visible(text)) as u16).min(columns);
        let x = right.saturating_sub(wanted);
        self.put(x, y, wanted, text, role);
        x
    }

    /// Puts a text whose letters at the given places are lit.
    pub(super) fn put_lit(
        &mut self,
        (x, y): (u16, u16),
        columns: u16,
        text: &str,
        lit: &[usize],
        roles: (Role, Role),
    ) -> u16 {
        let used = self.put(x, y, columns, text, roles.0);
        if lit.is_empty() || self.over.is_some() {
            return used;
        }
        let style = self.theme.style(roles.1);
        let mut column = 0;
        for (place, c) in text.chars().enumerate() {
            let safe = visible(c.encode_utf8(&mut [0; 4])).into_owned();
            let wide = width(&safe) as u16;
            if lit.contains(&place) && column + wide < used.saturating_add(1) {
                let area = Rect { x: x + column, y, width: wide, height: 1 };
                self.buffer.set_style(area.intersection(*self.buffer.area()), style);
            }
            column += wide;
        }
        used
    }

    /// Puts a paragraph, broken into at most `area.height` lines. Gives how many it took.
    pub(super) fn paragraph(&mut self, area: Rect, text: &str, role: Role) -> u16 {
        let lines = wrap(&visible(text), usize::from(area.width), usize::from(area.height));
        for (line, y) in lines.iter().zip(area.y..) {
            self.put(area.x, y, area.width, line, role);
        }
        lines.len() as u16
    }

    /// Fills an area with one character.
    pub(super) fn fill(&mut self, area: Rect, symbol: &str, role: Role) {
        let area = area.intersection(*self.buffer.area());
        let style = self.theme.style(self.role(role));
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                self.buffer[(x, y)].reset();
                self.buffer[(x, y)].set_symbol(symbol).set_style(style);
            }
        }
    }

    /// A line from left to right.
    pub(super) fn across(&mut self, area: Rect) {
        self.fill(Rect { height: 1, ..area }, "─", Role::Border);
    }

    /// A line from top to bottom.
    pub(super) fn down(&mut self, area: Rect) {
        self.fill(Rect { width: 1, ..area }, "│", Role::Border);
    }

    /// A frame around an empty area.
    pub(super) fn frame(&mut self, area: Rect, title: &str) {
        if area.width < 2 || area.height < 2 {
            return;
        }
        self.fill(area, " ", Role::Text);
        let (right, bottom) = (area.right() - 1, area.bottom() - 1);
        for y in [area.y, bottom] {
            self.fill(Rect { x: area.x + 1, y, width: area.width - 2, height: 1 }, "─", Role::Border);
        }
        for x in [area.x, right] {
            self.fill(Rect { x, y: area.y + 1, width: 1, height: area.height - 2 }, "│", Role::Border);
        }
        for (x, y, corner) in [(area.x, area.y, "╭"), (right, area.y, "╮"), (area.x, bottom, "╰"), (right, bottom, "╯")]
        {
            self.put(x, y, 1, corner, Role::Border);
        }
        self.put(area.x + 2, area.y, area.width.saturating_sub(4), &format!(" {title} "), Role::Title);
    }
}
