//! Finds fixed words and values in a text that is wrapped and quoted in any way.
//!
//! Blanks never decide here: lines may be broken in the midst of words, so fixed words are compared without any. What
//! the words mean is the readers' ([`super`]).

/// A value in quotation marks is shorter.
const LONGEST_VALUE: usize = 2048;
/// Of a line, so much counts on either side of a place.
const LONGEST_LINE: usize = 4 * 1024;
/// So many places of the same words are looked at.
const MOST_PLACES: usize = 256;
/// Of a word that stands in many messages, more of them.
const MOST_PLACES_OF_A_WORD: usize = 4096;

/// The beginning of a text, cut between characters.
pub(super) fn head(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// The end of a text, cut between characters.
pub(super) fn tail(text: &str, most: usize) -> &str {
    let mut start = text.len().saturating_sub(most);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..).unwrap_or_default()
}

/// A text with an index by which fixed words are found however they are wrapped, in time that grows with its length.
pub(super) struct Text {
    plain: String,
    /// Without blanks.
    packed: String,
    /// Of each byte of `packed`, its place in `plain`.
    places: Vec<u32>,
}

impl Text {
    pub(super) fn new(plain: String) -> Text {
        let mut packed = String::with_capacity(plain.len());
        let mut places = Vec::with_capacity(plain.len());
        for (at, c) in plain.char_indices().filter(|(_, c)| !c.is_whitespace()) {
            packed.push(c);
            let first = u32::try_from(at).unwrap_or(u32::MAX);
            places.extend((0..c.len_utf8()).map(|byte| first + byte as u32));
        }
        Text { plain, packed, places }
    }

    pub(super) fn plain(&self) -> &str {
        &self.plain
    }

    /// Where the fixed words begin and end.
    pub(super) fn places(&self, words: &str) -> Vec<(usize, usize)> {
        self.first_places(words, MOST_PLACES)
    }

    /// The same of a word that stands in other messages too.
    pub(super) fn many_places(&self, word: &str) -> Vec<(usize, usize)> {
        self.first_places(word, MOST_PLACES_OF_A_WORD)
    }

    fn first_places(&self, words: &str, most: usize) -> Vec<(usize, usize)> {
        let wanted: String = words.chars().filter(|c| !c.is_whitespace()).collect();
        let place = |at: usize| self.places.get(at).map(|it| *it as usize);
        self.packed
            .match_indices(wanted.as_str())
            .take(most)
            .filter_map(|(at, it)| Some((place(at)?, place(at + it.len() - 1)? + 1)))
            .collect()
    }

    /// What stands before a place.
    pub(super) fn before(&self, at: usize, most: usize) -> &str {
        tail(self.plain.get(..at).unwrap_or_default(), most)
    }

    /// What stands from a place on.
    pub(super) fn after(&self, at: usize, most: usize) -> &str {
        head(self.plain.get(at..).unwrap_or_default(), most)
    }

    /// What belongs to a place: its line, and the lines before and after it unless they are blank.
    pub(super) fn near(&self, at: usize, after: usize, most: usize) -> (&str, &str) {
        let (head, body) = (self.before(at, most), self.after(after, most));
        let start = match head.rfind('\n') {
            None => 0,
            Some(own) => match head.get(..own).unwrap_or_default().rfind('\n') {
                Some(before) if before + 1 < own => before + 1,
                Some(_) => own + 1,
                None => 0,
            },
        };
        let mut ends = body.match_indices('\n').map(|it| it.0);
        let end = match (ends.next(), ends.next()) {
            (Some(own), Some(next)) if own + 1 < next => next,
            (Some(own), Some(_)) => own,
            _ => body.len(),
        };
        (head.get(start..).unwrap_or_default(), body.get(..end).unwrap_or_default())
    }

    /// Whether two places are in one line or in two that follow each other.
    pub(super) fn is_near(&self, one: usize, other: usize, most: usize) -> bool {
        let between = self.plain.get(one.min(other)..one.max(other)).unwrap_or_default();
        between.len() < most && between.matches('\n').count() <= 1
    }

    /// The line around a place, as far as it is near, and where it begins and ends.
    pub(super) fn line(&self, at: usize) -> (&str, usize, usize) {
        let (before, after) = (self.before(at, LONGEST_LINE), self.after(at, LONGEST_LINE));
        let start = at - (before.len() - before.rfind('\n').map_or(0, |it| it + 1));
        let end = at + after.find('\n').unwrap_or(after.len());
        (self.plain.get(start..end).unwrap_or_default(), start, end)
    }
}

/// What follows the fixed words, if they come next; blanks do not count.
pub(super) fn literal<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    let mut rest = text;
    for wanted in words.chars().filter(|c| !c.is_whitespace()) {
        rest = rest.trim_start().strip_prefix(wanted)?;
    }
    Some(rest)
}

/// What stands before and after the first place of the fixed words.
pub(super) fn around<'a>(text: &'a str, words: &str) -> Option<(&'a str, &'a str)> {
    let first = words.chars().next()?;
    text.char_indices().filter(|(_, c)| *c == first).find_map(|(at, _)| {
        let rest = literal(text.get(at..)?, words)?;
        Some((text.get(..at)?, rest))
    })
}

/// Do the fixed words stand anywhere?
pub(super) fn has(text: &str, words: &str) -> bool {
    around(text, words).is_some()
}

fn family(c: char) -> Option<u8> {
    match c {
        '"' | '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{2033}' => Some(2),
        '\'' | '`' | '\u{b4}' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}' => Some(1),
        _ => None,
    }
}

/// Is it a quotation mark of any kind?
pub(super) fn is_quote(c: char) -> bool {
    family(c).is_some()
}

/// A quoted value, if one comes next, and what follows. A line end within it is the terminal's.
pub(super) fn quoted(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start();
    let open = text.chars().next()?;
    let kind = family(open)?;
    let body = head(text.strip_prefix(open)?, LONGEST_VALUE);
    let whole = text.strip_prefix(open)?;
    let (end, close) = body.char_indices().find(|(_, c)| family(*c) == Some(kind))?;
    Some((unwrapped(body.get(..end)?), whole.get(end + close.len_utf8()..)?))
}

/// A quoted value; where something took the quotation marks away, a word.
pub(super) fn value(text: &str) -> Option<(String, &str)> {
    quoted(text).or_else(|| word(text))
}

/// A word: up to the next blank.
pub(super) fn word(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let it = text.get(..end).filter(|it| !it.is_empty())?;
    Some((it.to_owned(), text.get(end..)?))
}

/// Words with which a line begins that is not the rest of a value.
const NOT_A_REST: &[&str] = &[
    "because",
    "with",
    "status",
    "exit",
    "caused",
    "error",
    "command",
    "failed",
    "at",
    "and",
    "for",
    "when",
    "while",
    "in",
    "on",
    "the",
    "kubectl",
    "helm",
    "aws",
    "panic",
    "goroutine",
    "make",
    "npm",
    "level",
    "time",
    "main",
    "request",
    "message",
];

/// A value without blanks, quotation marks or escapes: an ARN, an action. A line end in its midst is a terminal's.
pub(super) fn bare(text: &str) -> (String, &str) {
    let stops = |c: char| {
        c.is_whitespace() || is_quote(c) || matches!(c, '\\' | '<' | '>' | '(' | ')' | ';' | '{' | '}' | '[' | ']')
    };
    let mut rest = text.trim_start();
    let mut out = String::new();
    loop {
        let end = rest.find(stops).unwrap_or(rest.len());
        out.push_str(rest.get(..end).unwrap_or_default());
        rest = rest.get(end..).unwrap_or_default();
        match rest.strip_prefix('\n') {
            Some(next) if end > 0 && goes_on(next) => rest = next,
            _ => break,
        }
    }
    (out.trim_end_matches(['.', ',', ':']).to_owned(), rest)
}

fn goes_on(next: &str) -> bool {
    let word = next.split(char::is_whitespace).next().unwrap_or_default();
    let first = word.chars().next();
    first.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-/_*+".contains(c))
        && !word.contains('=')
        && !word.starts_with("--")
        && !NOT_A_REST.contains(&word.trim_end_matches([':', ',', '.']))
}

/// A value that was broken over lines, in one.
pub(super) fn unwrapped(text: &str) -> String {
    let mut lines = text.lines();
    let mut out = lines.next().unwrap_or_default().to_owned();
    lines.for_each(|line| out.push_str(line.trim_start()));
    out
}

/// The text with every quoted value in one piece again.
pub(super) fn rejoined(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let value = if family(c) == Some(2) { quoted(rest).filter(|(value, _)| value.len() < 300) } else { None };
        match value {
            Some((value, after)) => {
                out.push_str(&format!("\"{value}\""));
                rest = after;
            }
            None => {
                out.push(c);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            }
        }
    }
    out
}

/// Without any blanks: an ARN or an action, however it was wrapped.
pub(super) fn compact(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// The quoted value that ends a text: of `… pods "web-1"` it is `web-1`.
pub(super) fn last_quoted(text: &str) -> Option<String> {
    let text = text.trim_end();
    let close = text.chars().next_back()?;
    let kind = family(close)?;
    let body = text.strip_suffix(close)?;
    let (start, open) = body.char_indices().rev().find(|(_, c)| family(*c) == Some(kind))?;
    body.get(start + open.len_utf8()..).map(unwrapped)
}

/// What stands before the fixed words, if the text ends with them; blanks do not count.
pub(super) fn before_last<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    let mut rest = text;
    for wanted in words.chars().rev().filter(|c| !c.is_whitespace()) {
        rest = rest.trim_end().strip_suffix(wanted)?;
    }
    Some(rest)
}

/// The last word of a text.
pub(super) fn last_word(text: &str) -> &str {
    text.trim_end().rsplit(char::is_whitespace).next().unwrap_or_default()
}

/// The rest of the line, without what closes it.
pub(super) fn line(text: &str) -> String {
    let line = text.trim_start().lines().next().unwrap_or_default().trim_end();
    line.trim_end_matches(|c: char| is_quote(c) || c == ',').trim_end().to_owned()
}

/// In one line: blanks and line ends are one blank each.
pub(super) fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_words_are_found_however_they_are_wrapped() {
        assert_eq!(literal(" can\n not  list", "cannot"), Some("  list"));
        assert_eq!(around("so: Us\ner \"x\"", "User").map(|it| it.0), Some("so: "));
        assert_eq!(literal("can list", "cannot"), None);
        assert!(has("in the name\nspace", "in the namespace"));
    }

    #[test]
    fn values_stand_in_quotes_of_any_kind() {
        for text in ["\"a b\" c", "'a b' c", "\u{201c}a b\u{201d} c", " \u{2018}a b\u{2019} c", "`a b` c", "«a b» c"]
        {
            assert_eq!(quoted(text), Some(("a b".into(), " c")), "{text}");
        }
        assert_eq!(quoted("\"a\n  b\"").map(|it| it.0), Some("ab".into()));
        assert_eq!(quoted("\"open"), None);
        assert_eq!(last_quoted("pods \"we\nb\" ").as_deref(), Some("web"));
        assert_eq!(value("plain rest"), Some(("plain".into(), " rest")));
    }
}
