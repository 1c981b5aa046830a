//! Lists as data: columns, their widths, the text of every cell, order.
//!
//! The rows of an inventory become lines of text once per analysis, off the input path; filtering, ordering and drawing
//! then need not know what kind of row it is. Place n of a table is place n of the inventory's vector. The columns
//! themselves are in [`super::columns`]. Text is as it came: making it safe to draw is the view's.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::columns;
use super::filter::Filter;
use super::pane::{Pane, Sort};
use crate::access::Mark;
use crate::access::findings::{FindingId, Severity};
use crate::access::inventory::Inventory;
use crate::access::workload::Subject;
use crate::model::principal::Asked;
use crate::model::snapshot::Evidence;
use crate::model::visible::{Lookalikes, visible};

/// How wide a column is: at least `min`, at most `max`, and `good` is enough for most rows: a column that may go goes
/// before another must do with less. What is left over is shared by weight. Widths depend on the terminal alone and not
/// on the rows, so that nothing jumps while they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Width {
    pub min: u16,
    pub good: u16,
    pub max: u16,
    pub weight: u16,
}

/// Where a text that is too long loses its letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// At its end.
    End,
    /// In its path first: `role/…/deployer`.
    Path,
}

/// How a column compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As text, any case.
    Text,
    /// As numbers; what is none comes last.
    Number,
}

/// What is said of a column, whatever its rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Above the column.
    pub title: &'static str,
    /// In filters: `word:…`.
    pub word: &'static str,
    /// How wide.
    pub width: Width,
    /// Where it is cut.
    pub cut: Cut,
    /// How it compares.
    pub order: Order,
    /// Where room is short, columns with a higher number go first; 0 stays.
    pub drop: u8,
}

/// A column of rows of one kind.
pub struct Column<R> {
    /// What is said of it.
    pub head: Head,
    /// Its text in a row, given the home account.
    pub cell: fn(&R, Option<&str>) -> String,
}

/// One line of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Which row it is, whatever its place.
    pub key: String,
    /// Its state.
    pub mark: Mark,
    /// Why, as a sentence; may be empty.
    pub because: String,
    /// Its worst finding.
    pub severity: Option<Severity>,
    /// Does something remain unverified?
    pub unverified: bool,
    /// The ids of its findings.
    pub findings: Vec<FindingId>,
    /// The texts of its columns.
    pub cells: Vec<String>,
    /// Whose trace it opens.
    pub asked: Option<Asked>,
    /// Of a workload, whose answer it opens instead.
    pub workload: Option<Subject>,
    /// The ARN that it copies; may be empty.
    pub arn: String,
    /// The command that it copies in place of an ARN; may be empty.
    pub command: String,
    /// What that command may break, in a clause; may be empty.
    pub danger: String,
    /// The document that it opens.
    pub evidence: Option<Evidence>,
    /// Whether it is of what is staged and not there yet.
    pub is_new: bool,
    /// That a name in it looks like another one of its column, and how they differ; empty where none does.
    pub lookalike: String,
}

impl Row {
    /// What it copies: the command that changes it, if there is one, for that is what one wants elsewhere; else its ARN.
    pub fn copied(&self) -> &str {
        if self.command.is_empty() { &self.arn } else { &self.command }
    }
}

impl Default for Row {
    fn default() -> Self {
        Row {
            key: String::new(),
            mark: Mark::InForce,
            because: String::new(),
            severity: None,
            unverified: false,
            findings: Vec::new(),
            cells: Vec::new(),
            asked: None,
            workload: None,
            arn: String::new(),
            command: String::new(),
            danger: String::new(),
            evidence: None,
            is_new: false,
            lookalike: String::new(),
        }
    }
}

/// The lines of one pane.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    rows: Vec<Row>,
    /// In which order they stand; empty where that is their own.
    order: Vec<usize>,
}

impl Table {
    /// Of rows that are made already; keys that occur twice are told apart by their order.
    pub fn from_rows(mut rows: Vec<Row>) -> Self {
        let mut seen: HashMap<String, usize> = HashMap::new();
        for row in &mut rows {
            let times = seen.entry(row.key.clone()).or_default();
            *times += 1;
            if *times > 1 {
                row.key = format!("{}#{times}", row.key);
            }
        }
        Table { rows, order: Vec::new() }
    }

    fn of<R>(rows: &[R], columns: &[Column<R>], home: Option<&str>, row: fn(&R) -> Row) -> Self {
        let mut rows: Vec<Row> = rows.iter().map(|it| line(it, columns, home, row)).collect();
        warn_of_lookalikes(&mut rows, columns.len());
        Self::from_rows(rows)
    }

    /// The same with other texts in some lines, and with lines that no inventory has: these come last, so that the places
    /// of all others stay, and are shown where their keys belong, part by part.
    #[must_use]
    pub(super) fn with(&self, cells: Vec<(usize, Vec<String>)>, new: Vec<Row>, between: Option<char>) -> Table {
        let sooner = |a: &str, b: &str| match between {
            Some(between) => a.split(between).lt(b.split(between)),
            None => a < b,
        };
        let mut rows = self.rows.clone();
        for (at, cells) in cells {
            if let Some(row) = rows.get_mut(at) {
                row.cells = cells;
            }
        }
        let mut order: Vec<usize> = (0..rows.len()).collect();
        for row in new {
            let before = |at: &usize| rows.get(*at).is_some_and(|it| sooner(&it.key, &row.key));
            let place = order.iter().rposition(before).map_or(0, |it| it + 1);
            order.insert(place, rows.len());
            rows.push(row);
        }
        Table { rows, order }
    }

    /// All lines.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The line at that place.
    pub fn row(&self, at: usize) -> Option<&Row> {
        self.rows.get(at)
    }

    /// How many lines have a finding.
    pub fn with_findings(&self) -> usize {
        self.rows.iter().filter(|row| row.severity.is_some()).count()
    }

    /// The places of the lines that the filter keeps, in order.
    pub fn arranged(&self, filter: &Filter, sort: Option<Sort>, heads: &[&Head]) -> Vec<usize> {
        let own = || (0..self.rows.len()).filter(|_| self.order.is_empty());
        let places = self.order.iter().copied().chain(own());
        let kept = places.filter_map(|at| Some((at, self.rows.get(at)?))).filter(|(_, row)| filter.keeps(row));
        let Some(sort) = sort else { return kept.map(|(at, _)| at).collect() };
        let order = heads.get(sort.column).map_or(Order::Text, |head| head.order);
        let mut keyed: Vec<(SortKey, usize)> = kept
            .map(|(at, row)| (SortKey::of(row.cells.get(sort.column).map_or("", String::as_str), order), at))
            .collect();
        keyed.sort_by(|(a, a_at), (b, b_at)| a.compare(b, sort.descending).then(a_at.cmp(b_at)));
        keyed.into_iter().map(|(_, at)| at).collect()
    }
}

/// What stands before a name that looks like another one of its column.
const LOOKALIKE: &str = "≈ ";

/// Marks names that look like others of their column, and says how they differ.
fn warn_of_lookalikes(rows: &mut [Row], columns: usize) {
    for column in 0..columns {
        let before: Vec<String> = rows.iter().map(|row| row.cells.get(column).cloned().unwrap_or_default()).collect();
        let alike = Lookalikes::among(before.iter().map(String::as_str));
        for row in rows.iter_mut() {
            let Some(cell) = row.cells.get_mut(column) else { continue };
            let Some(warning) = alike.warning(cell) else { continue };
            row.lookalike = format!("{} {warning}", visible(cell));
            cell.insert_str(0, LOOKALIKE);
        }
    }
}

/// One line with its cells.
pub(super) fn line<R>(it: &R, columns: &[Column<R>], home: Option<&str>, row: fn(&R) -> Row) -> Row {
    Row { cells: columns.iter().map(|column| (column.cell)(it, home)).collect(), ..row(it) }
}

/// What a cell compares by. What says nothing (`-`, `?`) comes last in either direction.
enum SortKey {
    Number(i64),
    Text(String),
    Nothing,
}

impl SortKey {
    fn of(cell: &str, order: Order) -> Self {
        match (cell, order) {
            ("" | "-" | "?", _) => SortKey::Nothing,
            (cell, Order::Number) => cell.parse().map_or(SortKey::Nothing, SortKey::Number),
            (cell, Order::Text) => SortKey::Text(natural(&cell.to_lowercase())),
        }
    }

    fn compare(&self, other: &Self, descending: bool) -> Ordering {
        let turn = |ordering: Ordering| if descending { ordering.reverse() } else { ordering };
        match (self, other) {
            (SortKey::Number(a), SortKey::Number(b)) => turn(a.cmp(b)),
            (SortKey::Text(a), SortKey::Text(b)) => turn(a.cmp(b)),
            (SortKey::Nothing, SortKey::Nothing) => Ordering::Equal,
            (SortKey::Nothing, _) => Ordering::Greater,
            (_, SortKey::Nothing) => Ordering::Less,
            (SortKey::Number(_), SortKey::Text(_)) => turn(Ordering::Less),
            (SortKey::Text(_), SortKey::Number(_)) => turn(Ordering::Greater),
        }
    }
}

/// A text that sorts as a person would: its numbers by their value, so that `mapRoles[2]` is before `mapRoles[10]`.
fn natural(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut digits = String::new();
    for c in text.chars().chain(std::iter::once('\0')) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        if !digits.is_empty() {
            // Long enough for an account id; what is longer sorts by its own digits.
            out.push_str(&format!("{digits:0>12}"));
            digits.clear();
        }
        if c != '\0' {
            out.push(c);
        }
    }
    out
}

/// The tables of all panes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    tables: [Table; Pane::ALL.len()],
}

impl Tables {
    /// The lines of an inventory; principals of the home account are named without it.
    pub fn of(inventory: &Inventory, home: Option<&str>) -> Self {
        let tables = Pane::ALL.map(|pane| match pane {
            Pane::Entries => Table::of(&inventory.entries, columns::ENTRIES, home, columns::entry),
            Pane::AwsAuth => Table::of(&inventory.aws_auth, columns::AWS_AUTH, home, columns::aws_auth),
            Pane::Irsa => Table::of(&inventory.irsa, columns::IRSA, home, columns::irsa),
            Pane::PodIdentity => Table::of(&inventory.pod_identity, columns::POD_IDENTITY, home, columns::pod_identity),
            Pane::Roles => Table::of(&inventory.roles, columns::ROLES, home, columns::role),
            Pane::Principals => Table::of(&inventory.principals, columns::PRINCIPALS, home, columns::principal),
            Pane::Groups => Table::of(&inventory.subjects, columns::GROUPS, home, columns::subject),
            Pane::Posture => Table::of(&inventory.posture, columns::POSTURE, home, columns::control),
            Pane::Findings => Table::of(&inventory.findings, columns::FINDINGS, home, columns::item),
        });
        Tables { tables }
    }

    /// The table of a pane.
    pub fn table(&self, pane: Pane) -> &Table {
        let [entries, aws_auth, irsa, pod_identity, roles, principals, groups, posture, findings] = &self.tables;
        match pane {
            Pane::Entries => entries,
            Pane::AwsAuth => aws_auth,
            Pane::Irsa => irsa,
            Pane::PodIdentity => pod_identity,
            Pane::Roles => roles,
            Pane::Principals => principals,
            Pane::Groups => groups,
            Pane::Posture => posture,
            Pane::Findings => findings,
        }
    }
}

/// The columns of a pane.
pub fn heads(pane: Pane) -> Vec<&'static Head> {
    fn of<R>(columns: &'static [Column<R>]) -> Vec<&'static Head> {
        columns.iter().map(|column| &column.head).collect()
    }
    match pane {
        Pane::Entries => of(columns::ENTRIES),
        Pane::AwsAuth => of(columns::AWS_AUTH),
        Pane::Irsa => of(columns::IRSA),
        Pane::PodIdentity => of(columns::POD_IDENTITY),
        Pane::Roles => of(columns::ROLES),
        Pane::Principals => of(columns::PRINCIPALS),
        Pane::Groups => of(columns::GROUPS),
        Pane::Posture => of(columns::POSTURE),
        Pane::Findings => of(columns::FINDINGS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_by_their_value() {
        let mut places = ["mapRoles[10]", "mapRoles[2]", "mapUsers[0]", "mapRoles[1]"];
        places.sort_by_key(|place| super::natural(place));
        assert_eq!(places, ["mapRoles[1]", "mapRoles[2]", "mapRoles[10]", "mapUsers[0]"]);
    }

    fn table(cells: &[&str]) -> Table {
        let row = |cell: &&str| Row { key: "same".into(), cells: vec![(*cell).to_owned()], ..Row::default() };
        Table::from_rows(cells.iter().map(row).collect())
    }

    fn sorted(cells: &[&str], order: Order, descending: bool) -> Vec<usize> {
        let head = Head {
            title: "T",
            word: "t",
            width: Width { min: 1, good: 1, max: 1, weight: 0 },
            cut: Cut::End,
            order,
            drop: 0,
        };
        table(cells).arranged(&Filter::parse("", &[]), Some(Sort { column: 0, descending }), &[&head])
    }

    #[test]
    fn order_ignores_case_and_puts_what_says_nothing_last_either_way() {
        assert_eq!(sorted(&["b", "-", "A", "?", "C"], Order::Text, false), [2, 0, 4, 1, 3]);
        assert_eq!(sorted(&["b", "-", "A", "?", "C"], Order::Text, true), [4, 0, 2, 1, 3]);
        assert_eq!(sorted(&["10", "9", "?"], Order::Number, false), [1, 0, 2]);
    }

    #[test]
    fn equal_rows_keep_their_order_and_equal_keys_are_told_apart() {
        assert_eq!(sorted(&["x", "x", "x"], Order::Text, true), [0, 1, 2]);
        let keys: Vec<_> = table(&["x", "y", "z"]).rows().iter().map(|row| row.key.clone()).collect();
        assert_eq!(keys, ["same", "same#2", "same#3"]);
    }

    #[test]
    fn a_name_that_looks_like_another_of_its_column_is_marked_and_both_stay_told_apart() {
        let row = |cells: [&str; 2]| Row { cells: cells.map(str::to_owned).into(), ..Row::default() };
        let mut rows = vec![row(["ops", "x"]), row(["о\u{440}s", "x"]), row(["оps", "ops"])];
        warn_of_lookalikes(&mut rows, 2);
        let seen: Vec<(&str, &str)> = rows.iter().map(|it| (it.cells[0].as_str(), it.lookalike.as_str())).collect();
        assert_eq!(
            seen,
            [
                ("ops", ""),
                ("≈ о\u{440}s", "о\u{440}s looks like \"ops\": о is U+043E"),
                ("≈ оps", "оps looks like \"ops\": о is U+043E"),
            ]
        );
        assert_eq!(rows[2].cells[1], "ops", "what another column has is no matter");
    }

    #[test]
    fn every_pane_has_columns_of_which_one_always_stays() {
        for pane in Pane::ALL {
            let heads = heads(pane);
            assert!(heads.iter().any(|head| head.drop == 0), "{pane:?}");
            for head in heads {
                assert!(head.width.min <= head.width.good && head.width.good <= head.width.max, "{}", head.title);
                assert!(!["state", "finding"].contains(&head.word), "{} is taken", head.word);
            }
        }
    }
}
