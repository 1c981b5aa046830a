//! A document, as its provider's tool prints it, with the field lit that was asked about.

use tui_input::Input;

use crate::app::pane::Motion;
use crate::model::snapshot::Evidence;
use crate::model::visible::visible_lines;

/// A document's lines, safe to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What it is.
    pub title: String,
    /// As it was printed.
    pub text: String,
    /// The same by lines, deceptive characters written out.
    pub lines: Vec<String>,
    /// The lines of the field that was asked about, if it was found: first and one past the last.
    pub lit: Option<(usize, usize)>,
}

impl Document {
    /// Of a printed text, with the field at `path` lit.
    pub fn new(title: String, text: String, path: &str) -> Self {
        let lines = visible_lines(&text);
        let lit = locate(&lines, path);
        Document { title, text, lines, lit }
    }

    /// What is shown where the facts hold no such document.
    pub fn missing(title: String) -> Self {
        Self::new(title, "# This document is not among the facts at hand.\n".to_owned(), "")
    }
}

/// A document on the full screen.
#[derive(Clone, Debug)]
pub struct DocumentView {
    /// What is shown.
    pub document: Document,
    /// The first line shown.
    pub top: usize,
    /// The first column shown.
    pub left: usize,
    /// What is searched for.
    pub search: Input,
    /// Is the search being typed?
    pub editing: bool,
    /// The line where the search stands.
    pub found: Option<usize>,
    /// Where it is read from anew as facts come, if it was opened before all of it was there.
    pub grows: Option<Evidence>,
}

/// How far left and right go.
const STEP: usize = 16;

impl DocumentView {
    /// Opened so that the lit lines are in sight.
    pub fn new(document: Document, page: usize) -> Self {
        let mut view = DocumentView {
            document,
            top: 0,
            left: 0,
            search: Input::default(),
            editing: false,
            found: None,
            grows: None,
        };
        if let Some((first, _)) = view.document.lit {
            view.show(first, page);
        }
        view
    }

    /// Scrolls so that a line is in sight, a third from the top.
    fn show(&mut self, line: usize, page: usize) {
        if line < self.top || line >= self.top + page.max(1) {
            self.top = line.saturating_sub(page / 3);
            self.clamp(page);
        }
    }

    /// Leaves no empty lines below the last, if it can be helped.
    pub fn clamp(&mut self, page: usize) {
        self.top = self.top.min(self.document.lines.len().saturating_sub(page.max(1)));
    }

    /// Scrolls.
    pub fn go(&mut self, motion: Motion, page: usize) {
        let len = self.document.lines.len();
        self.top = match motion {
            Motion::Last => len,
            motion => motion.from(self.top, len, page),
        };
        self.clamp(page);
    }

    /// Moves towards the end of long lines, or back.
    pub fn sideways(&mut self, right: bool) {
        let longest = self.document.lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
        self.left =
            if right { (self.left + STEP).min(longest.saturating_sub(STEP)) } else { self.left.saturating_sub(STEP) };
    }

    /// Goes to the match at or after (or before) the place where the search stands. False if there is none.
    pub fn find(&mut self, from: usize, forward: bool, page: usize) -> bool {
        let wanted = self.search.value().to_lowercase();
        let len = self.document.lines.len();
        if wanted.is_empty() || len == 0 {
            self.found = None;
            return false;
        }
        let hit = |at: &usize| self.document.lines.get(*at).is_some_and(|line| line.to_lowercase().contains(&wanted));
        let place =
            (0..len).map(|step| if forward { (from + step) % len } else { (from + len - step % len) % len }).find(hit);
        self.found = place;
        if let Some(line) = place {
            self.show(line, page);
        }
        place.is_some()
    }

    /// Goes to the next match, or the one before.
    pub fn find_again(&mut self, forward: bool, page: usize) -> bool {
        let len = self.document.lines.len().max(1);
        let at = self.found.unwrap_or(self.top);
        let from = if forward { (at + 1) % len } else { (at + len - 1) % len };
        self.find(from, forward, page)
    }
}

/// The lines of a field, by its path (`data.mapRoles[3].groups`). Works on the text as it is printed, hence also inside
/// the block texts of aws-auth, where the indentation goes on.
fn locate(lines: &[String], path: &str) -> Option<(usize, usize)> {
    if path.is_empty() {
        return None;
    }
    let mut range = (0, lines.len());
    for step in steps(path) {
        range = match step {
            Step::Key(name) => key(lines, range, name)?,
            Step::Index(n) => item(lines, range, n)?,
        };
    }
    Some(range)
}

enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

fn steps(path: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let (name, indices) = part.split_once('[').unwrap_or((part, ""));
        if !name.is_empty() {
            steps.push(Step::Key(name));
        }
        steps.extend(indices.split(['[', ']']).filter_map(|n| n.parse().ok()).map(Step::Index));
    }
    steps
}

/// How far a line is indented; a list's dash counts as indentation of what follows it.
fn indent(line: &str) -> usize {
    line.chars().take_while(|c| matches!(c, ' ')).count()
}

fn is_blank(line: &str) -> bool {
    line.trim().is_empty() || line.trim_start().starts_with('#')
}

/// The end of the block that begins at `first` and whose lines are indented deeper than `depth`.
fn block_end(lines: &[String], first: usize, end: usize, deeper: impl Fn(&str) -> bool) -> usize {
    (first + 1..end).find(|at| lines.get(*at).is_some_and(|line| !is_blank(line) && !deeper(line))).unwrap_or(end)
}

fn key(lines: &[String], (from, to): (usize, usize), name: &str) -> Option<(usize, usize)> {
    let is_key = |line: &str| {
        let line = line.trim_start().trim_start_matches("- ").trim_start();
        let rest = line.strip_prefix(name).or_else(|| line.strip_prefix(&format!("\"{name}\"")));
        rest.is_some_and(|rest| rest.starts_with(':'))
    };
    let at = (from..to).find(|at| lines.get(*at).is_some_and(|line| is_key(line)))?;
    let line = lines.get(at)?;
    let depth = line.len() - line.trim_start().trim_start_matches("- ").trim_start().len();
    // A list may stand as deep as its key.
    let end = block_end(lines, at, to, |line| {
        indent(line) > depth || (indent(line) == depth && line.trim_start().starts_with("- "))
    });
    Some((at, end))
}

fn item(lines: &[String], (from, to): (usize, usize), n: usize) -> Option<(usize, usize)> {
    let dash = |at: &usize| lines.get(*at).is_some_and(|line| line.trim_start().starts_with("- "));
    let first = (from..to).find(dash)?;
    let depth = indent(lines.get(first)?);
    let at = (first..to).filter(dash).filter(|at| lines.get(*at).is_some_and(|line| indent(line) == depth)).nth(n)?;
    Some((at, block_end(lines, at, to, |line| indent(line) > depth)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const TEXT: &str = "\
apiVersion: v1
data:
  mapRoles: |
    # people
    - rolearn: a
      groups:
      - x
      - y
    - rolearn: b
      username: u
      groups: [z]
  mapUsers: |
    - userarn: c
metadata:
  name: aws-auth
";

    #[rstest]
    #[case("", None)]
    #[case("data.mapRoles", Some((2, 11)))]
    #[case("data.mapRoles[0]", Some((4, 8)))]
    #[case("data.mapRoles[0].groups", Some((5, 8)))]
    #[case("data.mapRoles[0].groups[1]", Some((7, 8)))]
    #[case("data.mapRoles[1].username", Some((9, 10)))]
    #[case("data.mapRoles[2]", None)]
    #[case("data.mapUsers[0]", Some((12, 13)))]
    #[case("metadata.name", Some((14, 15)))]
    #[case("status", None)]
    fn fields_are_found_by_their_path(#[case] path: &str, #[case] lines: Option<(usize, usize)>) {
        assert_eq!(Document::new(String::new(), TEXT.into(), path).lit, lines, "{path}");
    }

    #[test]
    fn a_search_goes_round_in_both_directions() {
        let mut view = DocumentView::new(Document::new(String::new(), TEXT.into(), ""), 4);
        view.search = Input::new("ROLEARN".into());
        assert!(view.find(0, true, 4));
        assert_eq!(view.found, Some(4));
        assert!(view.find_again(true, 4));
        assert_eq!(view.found, Some(8));
        assert!(view.find_again(true, 4));
        assert_eq!(view.found, Some(4), "round");
        assert!(view.find_again(false, 4));
        assert_eq!(view.found, Some(8));
        view.search = Input::new("nowhere".into());
        assert!(!view.find(0, true, 4));
    }

    #[test]
    fn scrolling_stops_at_the_ends() {
        let mut view = DocumentView::new(Document::new(String::new(), TEXT.into(), ""), 4);
        view.go(Motion::Last, 4);
        assert_eq!(view.top, 11);
        view.go(Motion::PageDown, 4);
        assert_eq!(view.top, 11);
        view.go(Motion::First, 4);
        assert_eq!(view.top, 0);
    }
}
