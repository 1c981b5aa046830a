//! Reading messages as people paste them: wrapped by a terminal, quoted by a mailer, escaped by JSON, boxed by a tool.
//!
//! Decides what of a pasted text is decoration. Blanks never decide here: a terminal breaks lines in the midst of words,
//! so fixed words are compared without any. What the words mean is [`super::message`]'s.

/// A pasted text is read so far: a message is shorter, and a whole log is searched for its first one.
const MOST: usize = 64 * 1024;

/// The text without decoration: escape sequences, frames and quote marks before lines, escapes of JSON and HTML.
pub(super) fn clean(text: &str) -> String {
    let mut end = text.len().min(MOST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text.get(..end).unwrap_or_default();
    let text = without_escape_sequences(text);
    let text = if text.contains("\\\"") { from_json(&text) } else { text };
    let text = text.replace("&quot;", "\"").replace("&#34;", "\"").replace("&#39;", "'").replace("&amp;", "&");
    let lines: Vec<&str> = text.lines().map(|line| line.trim_start_matches(is_frame)).collect();
    lines.join("\n")
}

/// Before a line: blanks, frames of a tool's box, a mailer's mark.
fn is_frame(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{2500}'..='\u{257f}' | '>' | '|')
}

/// Drops what a terminal obeys (colours, mostly) and what nobody sees.
fn without_escape_sequences(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' if chars.peek() == Some(&'[') => {
                chars.next();
                while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
            }
            '\u{feff}' | '\u{200b}'..='\u{200d}' | '\u{2060}' => {}
            '\n' | '\t' => out.push(c),
            '\r' => out.push('\n'),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// A text out of JSON: `\"`, `\n`, `\t`, `\\`, to any depth of quoting.
fn from_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let mut slashes: usize = 1;
        while chars.peek() == Some(&'\\') {
            chars.next();
            slashes += 1;
        }
        match chars.peek() {
            Some('"') => {}
            Some('n' | 't') if slashes == 1 => {
                chars.next();
                out.push('\n');
            }
            _ => out.extend(std::iter::repeat_n('\\', slashes.div_ceil(2))),
        }
    }
    out
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
    let body = text.strip_prefix(open)?;
    let (end, close) = body.char_indices().find(|(_, c)| family(*c) == Some(kind))?;
    Some((unwrapped(body.get(..end)?), body.get(end + close.len_utf8()..)?))
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

    #[test]
    fn decoration_goes() {
        assert_eq!(clean("\u{1b}[31m│ Error: x\u{1b}[0m\n│\n│   \\\"a\\\"\r\n> y"), "Error: x\n\n\"a\"\n\ny");
        assert_eq!(clean("CORP\\nancy"), "CORP\\nancy", "no JSON, no escapes");
        assert_eq!(clean(&"é".repeat(MOST)).len(), MOST, "cut between characters");
        assert_eq!(clean("\\\\\\\"a\\\\\\\" \\\"CORP\\\\x\\\""), "\"a\" \"CORP\\x\"");
    }
}
