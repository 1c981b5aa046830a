//! The panes, and what each remembers: filter, order, cursor, scroll.
//!
//! The cursor is kept by the row's key, so that a refresh, which may insert or drop rows anywhere, moves neither it nor
//! the place on the screen where it stands. Which sections feed a pane, and what is said when they are not whole, is
//! [`super::condition`]'s. A new pane is a variant here; the compiler names the rest.

use std::collections::BTreeSet;

use tui_input::Input;

use super::filter::Filter;
use super::table::{self, Table};

/// A list of one kind of thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Pane {
    /// Access entries.
    #[default]
    Entries,
    /// Rows of the aws-auth ConfigMap.
    AwsAuth,
    /// Service accounts with a role of their own.
    Irsa,
    /// Pod Identity associations.
    PodIdentity,
    /// Roles that the cluster and its parts use.
    Roles,
    /// Every principal known.
    Principals,
    /// Groups and users of Kubernetes.
    Groups,
    /// The controls around access.
    Posture,
    /// Everything that is wrong, across all of these.
    Findings,
}

impl Pane {
    /// All of them, in the order of their digits.
    pub const ALL: [Pane; 9] = [
        Pane::Entries,
        Pane::AwsAuth,
        Pane::Irsa,
        Pane::PodIdentity,
        Pane::Roles,
        Pane::Principals,
        Pane::Groups,
        Pane::Posture,
        Pane::Findings,
    ];

    /// Counted from 0; its digit is one more.
    pub fn index(self) -> usize {
        self as usize
    }

    /// On its tab.
    pub fn title(self) -> &'static str {
        match self {
            Pane::Entries => "Entries",
            Pane::AwsAuth => "aws-auth",
            Pane::Irsa => "IRSA",
            Pane::PodIdentity => "Pod Identity",
            Pane::Roles => "Roles",
            Pane::Principals => "Principals",
            Pane::Groups => "Groups",
            Pane::Posture => "Posture",
            Pane::Findings => "Findings",
        }
    }

    /// On its tab where there is little room.
    pub fn short_title(self) -> &'static str {
        match self {
            Pane::PodIdentity => "PodId",
            Pane::Principals => "Who",
            Pane::Groups => "Grp",
            Pane::Posture => "Post",
            Pane::Findings => "Find",
            other => other.title(),
        }
    }

    /// What its rows are, for `No … yet`.
    pub fn things(self) -> &'static str {
        match self {
            Pane::Entries => "access entries",
            Pane::AwsAuth => "aws-auth rows",
            Pane::Irsa => "service accounts with IRSA",
            Pane::PodIdentity => "Pod Identity associations",
            Pane::Roles => "roles",
            Pane::Principals => "principals",
            Pane::Groups => "groups and users",
            Pane::Posture => "controls",
            Pane::Findings => "findings",
        }
    }

    /// Are its rows about what uses a role, what is set up, or what is wrong, rather than about who gets in?
    pub fn is_of_workloads(self) -> bool {
        matches!(self, Pane::Irsa | Pane::PodIdentity | Pane::Roles | Pane::Posture | Pane::Findings)
    }

    /// The pane `steps` further on, round and round.
    #[must_use]
    pub fn step(self, steps: isize) -> Self {
        let count = Pane::ALL.len() as isize;
        let at = (self.index() as isize + steps).rem_euclid(count);
        Pane::ALL.get(at as usize).copied().unwrap_or_default()
    }
}

/// By which column a list is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// Counted from 0.
    pub column: usize,
    /// From the last to the first.
    pub descending: bool,
}

/// How far to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Motion {
    Up,
    Down,
    HalfPageUp,
    HalfPageDown,
    PageUp,
    PageDown,
    First,
    Last,
}

impl Motion {
    /// From `at`, in a list of `len` of which `page` are seen at once.
    pub fn from(self, at: usize, len: usize, page: usize) -> usize {
        let last = len.saturating_sub(1);
        let page = page.max(1);
        let half = (page / 2).max(1);
        let to = match self {
            Motion::Up => at.saturating_sub(1),
            Motion::Down => at.saturating_add(1),
            Motion::HalfPageUp => at.saturating_sub(half),
            Motion::HalfPageDown => at.saturating_add(half),
            Motion::PageUp => at.saturating_sub(page),
            Motion::PageDown => at.saturating_add(page),
            Motion::First => 0,
            Motion::Last => last,
        };
        to.min(last)
    }
}

/// What a pane remembers.
#[derive(Clone, Debug, Default)]
pub struct PaneState {
    /// The filter's text.
    pub filter: Input,
    /// Is the filter being typed?
    pub editing: bool,
    /// As the facts stand, unless a column was chosen.
    pub sort: Option<Sort>,
    /// The key of the row under the cursor; `None` until a key was pressed, and then the first row is meant.
    cursor: Option<String>,
    /// Where that row stands among those shown.
    at: usize,
    /// The first row on the screen.
    top: usize,
    /// Which rows are shown, as places in the table, in order.
    shown: Vec<usize>,
    /// The keys of the rows that are marked, whether they are shown or not.
    marks: BTreeSet<String>,
}

impl PaneState {
    /// The rows shown, as places in the table.
    pub fn shown(&self) -> &[usize] {
        &self.shown
    }

    /// The first row on the screen, among those shown.
    pub fn top(&self) -> usize {
        self.top
    }

    /// The cursor's place among the rows shown.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The row under the cursor, as a place in the table.
    pub fn selected(&self) -> Option<usize> {
        self.shown.get(self.at).copied()
    }

    /// Is the row of that key marked?
    pub fn is_marked(&self, key: &str) -> bool {
        self.marks.contains(key)
    }

    /// Is any row marked?
    pub fn has_marks(&self) -> bool {
        !self.marks.is_empty()
    }

    /// Marks the row of that key, or takes its mark away.
    pub fn mark(&mut self, key: &str) {
        if !self.marks.remove(key) {
            self.marks.insert(key.to_owned());
        }
    }

    /// Takes all marks away.
    pub fn unmark(&mut self) {
        self.marks.clear();
    }

    /// Means the row that is seen under the cursor from now on: it stands in for one that is gone, and for the first
    /// one where nobody moved.
    pub fn hold(&mut self, table: &Table) {
        if let Some(row) = self.selected().and_then(|row| table.row(row)) {
            self.cursor = Some(row.key.clone());
        }
    }

    /// Takes in a new table, filter or order: the cursor stays on its row, and the row at its height.
    pub fn arrange(&mut self, table: &Table, heads: &[&table::Head], page: usize) {
        let height = self.at.saturating_sub(self.top);
        let filter = Filter::parse(self.filter.value(), heads);
        self.shown = table.arranged(&filter, self.sort, heads);
        let place = |key: &String| self.shown.iter().position(|row| table.row(*row).is_some_and(|r| r.key == *key));
        self.at = match &self.cursor {
            None => 0,
            // A row that is gone (or filtered away) leaves the cursor where it stood.
            Some(key) => place(key).unwrap_or(self.at).min(self.shown.len().saturating_sub(1)),
        };
        self.top = self.at.saturating_sub(height);
        self.keep_in_sight(page);
    }

    /// Moves the cursor.
    pub fn go(&mut self, motion: Motion, table: &Table, page: usize) {
        self.put(motion.from(self.at, self.shown.len(), page), table, page);
    }

    /// Puts the cursor at a place among the rows shown.
    pub fn put(&mut self, at: usize, table: &Table, page: usize) {
        self.at = at.min(self.shown.len().saturating_sub(1));
        self.cursor = self.selected().and_then(|row| table.row(row)).map(|row| row.key.clone());
        self.keep_in_sight(page);
    }

    /// Puts the cursor on the row of that key, dropping the filter if it hides it. False if there is no such row.
    pub fn put_on(&mut self, key: &str, table: &Table, heads: &[&table::Head], page: usize) -> bool {
        let Some(row) = table.rows().iter().position(|row| row.key == key) else { return false };
        if !self.shown.contains(&row) {
            self.filter.reset();
            self.arrange(table, heads, page);
        }
        match self.shown.iter().position(|it| *it == row) {
            Some(at) => {
                self.put(at, table, page);
                true
            }
            None => false,
        }
    }

    /// Forgets the cursor, not filter and order: the rows will be other ones.
    pub fn forget_place(&mut self) {
        (self.cursor, self.at, self.top) = (None, 0, 0);
        self.shown.clear();
        self.marks.clear();
    }

    /// Scrolls as little as needed for the cursor to be seen, and leaves no empty lines below the last row.
    pub fn keep_in_sight(&mut self, page: usize) {
        let page = page.max(1);
        let lowest_top = (self.at + 1).saturating_sub(page);
        let furthest = self.shown.len().saturating_sub(page);
        self.top = self.top.clamp(lowest_top, self.at).min(furthest.max(lowest_top));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::table::Row;

    fn table(keys: &[&str]) -> Table {
        Table::from_rows(
            keys.iter()
                .map(|key| Row { key: (*key).to_owned(), cells: vec![(*key).to_owned()], ..Row::default() })
                .collect(),
        )
    }

    #[test]
    fn a_refresh_keeps_the_cursor_on_its_row_and_the_row_at_its_height() {
        let page = 3;
        let mut state = PaneState::default();
        let before = table(&["d", "e", "f", "g", "h", "i"]);
        state.arrange(&before, &[], page);
        for _ in 0..3 {
            state.go(Motion::Down, &before, page);
        }
        assert_eq!((state.at(), state.top()), (3, 1));
        let after = table(&["a", "b", "d", "e", "f", "g", "h", "i"]);
        state.arrange(&after, &[], page);
        assert_eq!((state.at(), state.top()), (5, 3), "still on g, still the third line");
    }

    #[test]
    fn a_row_that_is_gone_leaves_the_cursor_where_it_stood_and_finds_it_again() {
        let page = 9;
        let mut state = PaneState::default();
        let all = table(&["a", "b", "c"]);
        state.arrange(&all, &[], page);
        state.go(Motion::Down, &all, page);
        state.arrange(&table(&["a", "c"]), &[], page);
        assert_eq!(state.at(), 1);
        state.arrange(&all, &[], page);
        assert_eq!(state.at(), 1, "on b again");
        state.arrange(&table(&[]), &[], page);
        assert_eq!((state.at(), state.top(), state.selected()), (0, 0, None));
        state.arrange(&all, &[], page);
        assert_eq!(state.selected(), Some(1));
    }

    #[test]
    fn the_cursor_that_nobody_moved_is_on_the_first_row() {
        let mut state = PaneState::default();
        state.arrange(&table(&["m"]), &[], 5);
        state.arrange(&table(&["a", "m"]), &[], 5);
        assert_eq!(state.at(), 0);
    }

    #[test]
    fn motions_stay_within_the_list() {
        for motion in [Motion::Up, Motion::PageUp, Motion::HalfPageUp, Motion::First] {
            assert_eq!(motion.from(0, 0, 0), 0);
            assert_eq!(motion.from(1, 5, 3), 0);
        }
        for motion in [Motion::Down, Motion::PageDown, Motion::HalfPageDown, Motion::Last] {
            assert_eq!(motion.from(0, 0, 0), 0);
            assert_eq!(motion.from(4, 5, 3), 4);
        }
    }
}
