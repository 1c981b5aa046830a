//! A cursor in a list of lines, and the first line that is seen of it.

use crate::app::pane::Motion;

/// Where the cursor is, and what is seen around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scroll {
    /// The line under the cursor.
    pub at: usize,
    /// The first line seen.
    pub top: usize,
}

impl Scroll {
    /// Moves the cursor among so many lines, of which `page` are seen at once.
    pub fn go(&mut self, motion: Motion, len: usize, page: usize) {
        self.put(motion.from(self.at, len, page), len, page);
    }

    /// Puts the cursor on a line, or on the last one, and scrolls as little as needed for it to be seen.
    pub fn put(&mut self, at: usize, len: usize, page: usize) {
        let page = page.max(1);
        self.at = at.min(len.saturating_sub(1));
        let lowest = (self.at + 1).saturating_sub(page);
        self.top = self.top.clamp(lowest, self.at).min(len.saturating_sub(page).max(lowest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_always_seen_and_no_line_is_wasted() {
        let mut scroll = Scroll::default();
        for (motion, at, top) in [
            (Motion::Last, 9, 6),
            (Motion::Up, 8, 6),
            (Motion::HalfPageUp, 6, 6),
            (Motion::Up, 5, 5),
            (Motion::PageDown, 9, 6),
            (Motion::First, 0, 0),
        ] {
            scroll.go(motion, 10, 4);
            assert_eq!((scroll.at, scroll.top), (at, top), "{motion:?}");
        }
        scroll.put(9, 0, 0);
        assert_eq!(scroll, Scroll::default());
    }
}
