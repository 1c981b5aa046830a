//! The filter of a list.
//!
//! Words separated by blanks must all match, anywhere in the row; `-word` must not; `column:word` looks in one column,
//! `state:` and `finding:` in the row's marks. A word in small letters matches any case. A text that begins with `~` is
//! fuzzy: its letters must come in order. Substrings by default, since in an audit a fuzzy hit is a false one.

use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;

use super::table::{Head, Row};

/// A filter, read.
pub enum Filter {
    /// All of these.
    Words(Vec<Word>),
    /// Letters in order.
    Fuzzy(String, Box<SkimMatcherV2>),
}

/// One condition.
#[derive(Debug, PartialEq, Eq)]
pub struct Word {
    exclude: bool,
    place: Place,
    text: String,
    any_case: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Anywhere,
    Column(usize),
    State,
    Finding,
}

impl Filter {
    /// Reads what was typed.
    pub fn parse(text: &str, heads: &[&Head]) -> Self {
        match text.trim_start().strip_prefix('~') {
            Some(rest) => Filter::Fuzzy(rest.trim().to_owned(), Box::default()),
            None => Filter::Words(text.split_whitespace().filter_map(|word| Word::parse(word, heads)).collect()),
        }
    }

    /// Does the row stay?
    pub fn keeps(&self, row: &Row) -> bool {
        match self {
            Filter::Words(words) => words.iter().all(|word| word.keeps(row)),
            Filter::Fuzzy(letters, _) if letters.is_empty() => true,
            Filter::Fuzzy(letters, matcher) => matcher.fuzzy_match(&row.cells.join(" "), letters).is_some(),
        }
    }
}

impl Word {
    fn parse(word: &str, heads: &[&Head]) -> Option<Self> {
        let (exclude, word) = match word.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, word),
        };
        // ARNs are full of colons: only the name of a column makes it a column.
        let column = word.split_once(':').and_then(|(name, rest)| {
            let place = match name {
                "state" => Place::State,
                "finding" => Place::Finding,
                name => Place::Column(heads.iter().position(|head| head.word.eq_ignore_ascii_case(name))?),
            };
            Some((place, rest))
        });
        let (place, text) = column.unwrap_or((Place::Anywhere, word));
        let any_case = !text.chars().any(char::is_uppercase);
        (!text.is_empty()).then(|| Word { exclude, place, text: text.to_owned(), any_case })
    }

    fn keeps(&self, row: &Row) -> bool {
        let has = |text: &str| {
            if self.any_case { text.to_lowercase().contains(&self.text) } else { text.contains(&self.text) }
        };
        let found = match self.place {
            Place::Anywhere => row.cells.iter().any(|cell| has(cell)) || has(&row.arn),
            Place::Column(at) => row.cells.get(at).is_some_and(|cell| has(cell)),
            Place::State => has(super::words::state(row.mark)),
            Place::Finding => row.findings.iter().any(|id| has(id.as_str())),
        };
        found != self.exclude
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Mark;
    use crate::app::pane::Pane;
    use crate::app::table::heads;
    use rstest::rstest;

    #[rstest]
    #[case("", true)]
    #[case("deploy", true)]
    #[case("DEPLOY", false)]
    #[case("deploy edit", true)]
    #[case("deploy admin", false)]
    #[case("-admin deploy", true)]
    #[case("-edit", false)]
    #[case("groups:blue", false)]
    #[case("policies:blue", true)]
    #[case("-policies:", true)]
    #[case("state:dead", true)]
    #[case("finding:recreated", true)]
    #[case("-finding:recreated", false)]
    #[case("arn:aws:iam", true)]
    #[case("principal:role/", true)]
    #[case("~dpl", true)]
    #[case("~ rtd", true)]
    #[case("~", true)]
    #[case("~zz", false)]
    fn filters_keep(#[case] text: &str, #[case] kept: bool) {
        let row = Row {
            cells: ["role/teams/deployer", "STANDARD", "ops", "Edit@blue"].map(str::to_owned).to_vec(),
            arn: "arn:aws:iam::111122223333:role/teams/deployer".into(),
            mark: Mark::Dead,
            findings: vec![crate::access::findings::FindingId::EntryRecreatedPrincipal],
            ..Row::default()
        };
        assert_eq!(Filter::parse(text, &heads(Pane::Entries)).keeps(&row), kept, "{text}");
    }
}
