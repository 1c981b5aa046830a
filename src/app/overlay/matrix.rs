//! What one identity may do in one namespace, as a table on the whole body: a cursor moves over its cells.
//!
//! Decides which rows are shown, which cells a row has at a width, and which request a cell is. What stands in a cell is
//! `access::matrix`'s; how it looks is the view's.

use std::collections::BTreeSet;
use std::sync::Arc;

use tui_input::Input;

use super::scroll::Scroll;
use super::told::{Check, Told};
use crate::access::matrix::{Cell, Row, VERBS};
use crate::access::permissions::danger::{Danger, Found};
use crate::app::filter::Filter;
use crate::app::message::{Permitted, Slot};
use crate::app::pane::Motion;
use crate::app::table;
use crate::model::principal::Asked;
use crate::model::request::{Request, Target};

/// From this width of the place on, `deletecollection` has a column; below, it is told only where it is not as `delete`.
const ALL_VERBS: u16 = 108;

/// The headings of the verbs' columns.
pub const HEADS: [&str; VERBS.len()] = ["get", "list", "watch", "create", "update", "patch", "delete", "delcoll"];

/// Where the columns are: from the left edge of the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// How wide the resources' names are.
    pub name: u16,
    /// Of the verbs that have a column: where each begins.
    pub verbs: Vec<u16>,
    /// Where subresources and further verbs begin.
    pub others: u16,
}

impl Columns {
    /// At this width.
    pub fn of(width: u16) -> Self {
        let shown = if width < ALL_VERBS { VERBS.len() - 1 } else { VERBS.len() };
        let wide = |head: &str| head.len() as u16 + 1;
        let verbs: u16 = HEADS.iter().take(shown).map(|it| wide(it)).sum();
        // Names come first; of subresources and further verbs the others scroll by.
        let left = width.saturating_sub(verbs);
        let name = if left < 50 { left * 62 / 100 } else { (left * 45 / 100).max(30) }.clamp(16, 44);
        let mut x = name + 1;
        let mut places = Vec::new();
        for head in HEADS.iter().take(shown) {
            places.push(x);
            x += wide(head);
        }
        Columns { name, verbs: places, others: x + 1 }
    }
}

/// A cell of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// `exec`; for a verb with a column, the verb.
    pub label: String,
    /// The verb.
    pub verb: String,
    /// Empty for a verb of the resource itself.
    pub subresource: String,
    /// What lets it.
    pub cell: Cell,
    /// Is it allowed, and dangerous?
    pub danger: bool,
}

/// The cells of a row, those with a column first.
pub fn cells(row: &Row, columns: &Columns) -> Vec<At> {
    let at = |label: &str, verb: &str, subresource: &str, cell: Cell| {
        let target = Target::Resource {
            group: row.group.clone(),
            resource: row.resource.clone(),
            subresource: subresource.to_owned(),
            namespace: String::new(),
            name: String::new(),
        };
        let request = Request { verb: verb.to_owned(), target };
        let danger = (cell.policy || cell.rbac) && Danger::of(&request).is_some();
        At { label: label.to_owned(), verb: verb.to_owned(), subresource: subresource.to_owned(), cell, danger }
    };
    let verbs = VERBS.iter().zip(row.cells).map(|(verb, cell)| at(verb, verb, "", cell));
    let others = row.others.iter().map(|it| at(&it.label, &it.verb, &it.subresource, it.cell));
    let mut with: Vec<At> = verbs.collect();
    let without = with.split_off(columns.verbs.len().min(with.len()));
    // The last column is that of `delete`.
    let last = with.last().map(|it| it.cell);
    let mut others: Vec<At> = others.chain(without.into_iter().filter(|it| Some(it.cell) != last)).collect();
    // What is dangerous is seen before there is no more room; of that the shortest, so that most is seen.
    others.sort_by_key(|it| if it.danger { it.label.len() } else { usize::MAX });
    with.into_iter().chain(others).collect()
}

/// The table on the screen.
#[derive(Clone, Debug)]
pub struct MatrixView {
    /// Of whom.
    pub asked: Asked,
    /// The namespace asked for, empty for the whole cluster; `None`: where it is best looked at first.
    pub namespace: Option<String>,
    /// The answer, once it is there.
    pub permitted: Option<Arc<Permitted>>,
    /// Narrows the rows.
    pub filter: Input,
    /// Is the filter being typed?
    pub editing: bool,
    /// Which rows are shown, as places in the table.
    shown: Vec<usize>,
    /// The row under the cursor, among those shown.
    pub scroll: Scroll,
    /// The cell under the cursor, among those of its row.
    pub column: usize,
    /// What is said of the cell under the cursor.
    pub told: Option<Told>,
    /// What the API server was asked last.
    pub check: Option<Check>,
    /// For the answer.
    pub slot: Slot,
}

impl MatrixView {
    /// Of a principal.
    pub fn new(asked: Asked, namespace: Option<String>) -> Self {
        MatrixView {
            asked,
            namespace,
            permitted: None,
            filter: Input::default(),
            editing: false,
            shown: Vec::new(),
            scroll: Scroll::default(),
            column: 0,
            told: None,
            check: None,
            slot: Slot::default(),
        }
    }

    /// Takes in an answer; the cursor stays on its resource.
    pub fn take(&mut self, permitted: Arc<Permitted>, (page, width): (usize, u16)) {
        let before = self.row().map(|row| (row.group.clone(), row.resource.clone()));
        self.namespace = Some(permitted.matrix.namespace.clone());
        self.permitted = Some(permitted);
        self.narrow();
        let same = |at: &usize| {
            let row = self.permitted.as_ref()?.matrix.rows.get(*at)?;
            before.as_ref().map(|(group, resource)| row.group == *group && row.resource == *resource)
        };
        let at = self.shown.iter().position(|at| same(at) == Some(true)).unwrap_or(self.scroll.at);
        self.put(at, (page, width));
    }

    /// Takes in another filter; the cursor stays on its row.
    pub fn arrange(&mut self, room: (usize, u16)) {
        let before = self.shown.get(self.scroll.at).copied();
        self.narrow();
        let at = self.shown.iter().position(|it| Some(*it) == before);
        self.put(at.unwrap_or(self.scroll.at), room);
    }

    fn narrow(&mut self) {
        let Some(permitted) = &self.permitted else { return };
        let filter = Filter::parse(self.filter.value(), &[]);
        let kept = |row: &Row| {
            let name =
                if row.group.is_empty() { row.resource.clone() } else { format!("{}.{}", row.resource, row.group) };
            let others = row.others.iter().map(|it| it.label.as_str()).collect::<Vec<_>>().join(" ");
            filter.keeps(&table::Row { cells: vec![name, others], ..table::Row::default() })
        };
        let rows = permitted.matrix.rows.iter().enumerate();
        self.shown = rows.filter(|(_, row)| kept(row)).map(|(at, _)| at).collect();
    }

    /// The rows shown.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Option<&Row>> {
        self.shown.iter().map(|at| self.permitted.as_ref().and_then(|it| it.matrix.rows.get(*at)))
    }

    /// How many rows are shown.
    pub fn len(&self) -> usize {
        self.shown.len()
    }

    /// Is none shown?
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// The row under the cursor.
    pub fn row(&self) -> Option<&Row> {
        self.permitted.as_ref()?.matrix.rows.get(*self.shown.get(self.scroll.at)?)
    }

    /// Moves the cursor up or down.
    pub fn go(&mut self, motion: Motion, (page, width): (usize, u16)) {
        self.put(motion.from(self.scroll.at, self.shown.len(), page), (page, width));
    }

    /// Puts the cursor on a row, among those shown.
    pub fn put(&mut self, at: usize, (page, width): (usize, u16)) {
        self.scroll.put(at, self.shown.len(), page);
        self.explain(width);
    }

    /// Moves the cursor along its row.
    pub fn sideways(&mut self, right: bool, width: u16) {
        self.column = if right { self.column + 1 } else { self.column.saturating_sub(1) };
        self.explain(width);
    }

    /// Puts the cursor on a cell of its row.
    pub fn put_column(&mut self, column: usize, width: u16) {
        self.column = column;
        self.explain(width);
    }

    /// Lets what is said follow the cursor, which stays within its row.
    fn explain(&mut self, width: u16) {
        self.told = None;
        let (Some(permitted), Some(row)) = (self.permitted.clone(), self.row().cloned()) else { return };
        let all = cells(&row, &Columns::of(width));
        self.column = self.column.min(all.len().saturating_sub(1));
        let Some(cell) = all.get(self.column) else { return };
        let request = permitted.matrix.request(&row, &cell.verb, &cell.subresource);
        self.told = Some(Told::of(&permitted.permissions, &permitted.who, request));
    }

    /// The namespace shown, empty for the whole cluster.
    pub fn shown_namespace(&self) -> Option<&str> {
        Some(self.permitted.as_ref()?.matrix.namespace.as_str())
    }

    /// What the API server says to the cell under the cursor, if it was asked.
    pub fn checked(&self) -> Option<&Check> {
        let (permitted, told) = (self.permitted.as_ref()?, self.told.as_ref()?);
        self.check.as_ref().filter(|it| it.is_about(&permitted.who, &told.request))
    }

    /// What is dangerous: in the namespace shown, and elsewhere (`in blue, green: secrets, exec`).
    pub fn dangers(&self) -> (Vec<String>, Vec<String>) {
        let Some(permitted) = &self.permitted else { return (Vec::new(), Vec::new()) };
        let namespace = permitted.matrix.namespace.as_str();
        let (here, elsewhere): (Vec<_>, Vec<_>) = permitted.dangers.iter().partition(|it| it.is_in(namespace));
        let word = |it: &Found| match &it.names {
            Some(names) => format!("{} {}", it.danger.word(), list(names)),
            None => it.danger.word().to_owned(),
        };
        let mut places: Vec<(String, Vec<String>)> = Vec::new();
        for it in elsewhere {
            let place = it.namespaces.as_ref().map(list).unwrap_or_default();
            match places.iter_mut().find(|(known, _)| *known == place) {
                Some((_, words)) => words.push(word(it)),
                None => places.push((place, vec![word(it)])),
            }
        }
        let elsewhere = places.into_iter().map(|(place, words)| format!("in {place}: {}", words.join(", ")));
        (here.into_iter().map(word).collect(), elsewhere.collect())
    }
}

fn list(names: &BTreeSet<String>) -> String {
    names.iter().cloned().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_leave_room_for_names_and_never_overlap() {
        for width in 58..300 {
            let columns = Columns::of(width);
            let mut end = columns.name;
            for (x, head) in columns.verbs.iter().zip(HEADS) {
                assert!(*x > end, "{width} {columns:?}");
                end = x + head.len() as u16;
            }
            assert!(columns.others > end && end <= width, "{width} {columns:?}");
            assert_eq!(columns.verbs.len() == VERBS.len(), width >= ALL_VERBS);
        }
    }

    #[test]
    fn a_verb_without_a_column_is_still_there_unless_it_says_nothing_new() {
        let cell = Cell { policy: true, ..Cell::default() };
        let mut row = Row {
            group: String::new(),
            resource: "secrets".into(),
            cluster_wide: false,
            cells: [cell; 8],
            others: Vec::new(),
        };
        row.cells[7] = Cell::default();
        let labels = |width| cells(&row, &Columns::of(width)).into_iter().map(|it| it.label).collect::<Vec<_>>();
        assert_eq!(labels(78), VERBS.map(str::to_owned));
        assert_eq!(labels(200), VERBS.map(str::to_owned));
        row.cells[7] = cell;
        let labels = |width| cells(&row, &Columns::of(width)).len();
        assert_eq!((labels(78), labels(200)), (7, 8));
        let dangers: Vec<_> =
            cells(&row, &Columns::of(78)).into_iter().filter(|it| it.danger).map(|it| it.verb).collect();
        assert_eq!(dangers, ["get", "list", "watch"]);
    }
}
