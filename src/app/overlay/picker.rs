//! Choosing one of many by typing: fuzzy, ranked, with the matched letters lit.
//!
//! Shared by the jump, the palette and the clusters; what is chosen and what then happens is theirs.

use std::collections::BTreeSet;

use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;
use tui_input::Input;

use crate::app::pane::Motion;

/// No more than so many are ranked on the screen.
const MOST: usize = 500;

/// Something to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice<T> {
    /// What is shown first.
    pub text: String,
    /// What is shown beside it, where there is something to explain.
    pub note: String,
    /// What is shown on the right: of what kind it is, or its keys.
    pub right: String,
    /// What else it is found by: its ARN.
    pub also: String,
    /// Why it cannot be chosen now, if so.
    pub disabled: Option<String>,
    /// What is chosen.
    pub what: T,
}

impl<T> Choice<T> {
    /// With nothing said beside it.
    pub fn new(text: impl Into<String>, what: T) -> Self {
        Choice {
            text: text.into(),
            note: String::new(),
            right: String::new(),
            also: String::new(),
            disabled: None,
            what,
        }
    }

    /// With something to explain beside it.
    pub fn noted(text: impl Into<String>, note: impl Into<String>, what: T) -> Self {
        Choice { note: note.into(), ..Choice::new(text, what) }
    }
}

/// A choice that matches what was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its place among the choices.
    pub choice: usize,
    /// Which letters of its text matched.
    pub letters: Vec<usize>,
}

/// A prompt with choices below it.
#[derive(Clone, Debug)]
pub struct Picker<T> {
    /// What was typed.
    pub input: Input,
    /// All there is.
    pub choices: Vec<Choice<T>>,
    /// What matches, best first.
    pub hits: Vec<Hit>,
    /// Which of those.
    pub at: usize,
    /// The places of the choices that are marked, where several can be.
    pub marked: BTreeSet<usize>,
}

impl<T> Picker<T> {
    /// All of these, nothing typed.
    pub fn new(choices: Vec<Choice<T>>) -> Self {
        let mut picker = Picker { input: Input::default(), choices, hits: Vec::new(), at: 0, marked: BTreeSet::new() };
        picker.rank();
        picker
    }

    /// Ranks anew, after the text or the choices changed.
    pub fn rank(&mut self) {
        let text = self.input.value().trim();
        self.hits = rank(&self.choices, text);
        self.at = 0;
    }

    /// The choice under the cursor.
    pub fn chosen(&self) -> Option<&Choice<T>> {
        self.choices.get(self.hits.get(self.at)?.choice)
    }

    /// Moves the cursor.
    pub fn go(&mut self, motion: Motion, page: usize) {
        self.at = motion.from(self.at, self.hits.len(), page);
    }

    /// The first hit to draw so that the cursor is among `page` of them.
    pub fn top(&self, page: usize) -> usize {
        (self.at + 1).saturating_sub(page.max(1))
    }
}

/// The choices whose letters come in the order typed, best first, and before all what is called just so; all of them when nothing was typed.
pub fn rank<T>(choices: &[Choice<T>], text: &str) -> Vec<Hit> {
    if text.is_empty() {
        return (0..choices.len().min(MOST)).map(|choice| Hit { choice, letters: Vec::new() }).collect();
    }
    let matcher = SkimMatcherV2::default();
    // Blanks separate words, as in the filter: each must match, in any order.
    let words: Vec<(&str, String)> = text.split_whitespace().map(|word| (word, word.to_lowercase())).collect();
    let mut scored: Vec<((bool, i64), Hit)> = Vec::new();
    for (choice, it) in choices.iter().enumerate() {
        // Fuzzy in the name alone: letters scattered over an ARN or a sentence mean nothing.
        let beside = format!("{} {} {}", it.note, it.right, it.also).to_lowercase();
        let mut score = 0;
        let mut letters = Vec::new();
        let all = words.iter().all(|(word, lower)| match matcher.fuzzy_indices(&it.text, word) {
            Some((points, places)) => {
                score += points;
                letters.extend(places);
                true
            }
            None => beside.contains(lower),
        });
        if all {
            letters.sort_unstable();
            letters.dedup();
            scored.push(((it.text.eq_ignore_ascii_case(text), score), Hit { choice, letters }));
        }
    }
    scored.sort_by(|(a, x), (b, y)| b.cmp(a).then(x.choice.cmp(&y.choice)));
    scored.truncate(MOST);
    scored.into_iter().map(|(_, hit)| hit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(texts: &[&str]) -> Vec<Choice<()>> {
        let choice = |text: &&str| Choice {
            right: "role".into(),
            also: "arn:aws:iam::111122223333:x".into(),
            ..Choice::new(*text, ())
        };
        texts.iter().map(choice).collect()
    }

    #[test]
    fn the_best_comes_first_and_its_letters_are_lit() {
        let all = choices(&["role/de-ploy-er-x", "role/deployer", "role/other"]);
        let hits = rank(&all, "deployer");
        assert_eq!(hits.iter().map(|hit| hit.choice).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(hits[0].letters, (5..13).collect::<Vec<_>>());
        assert_eq!(rank(&all, "").len(), 3);
        assert_eq!(rank(&all, "deployer role").len(), 2);
        assert_eq!(rank(&all, "111122223333").len(), 3);
        assert!(rank(&all, "111122223333")[0].letters.is_empty());
    }
}
