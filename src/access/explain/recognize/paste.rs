//! Takes the decoration off a pasted text: escape sequences, frames, quote marks of a mailer, escapes of JSON and HTML,
//! and the line ends of a terminal that wrapped it.
//!
//! Decides which line ends are a terminal's. A terminal breaks every full line at the same column, in the midst of
//! words: such lines are joined. A tool that wraps between words leaves lines of different lengths: those stay lines,
//! and fixed words are compared without blanks ([`super::scan`]).

/// A pasted text is read up to here.
pub(super) const MOST: usize = 1024 * 1024;
/// No terminal is narrower.
const NARROWEST: usize = 20;

/// The text without decoration.
pub(super) fn clean(text: &str) -> String {
    let text = super::scan::head(text, MOST);
    let text = without_escape_sequences(text);
    let text = join_wrapped(&text);
    let text = if is_json(&text) { from_json(&text) } else { text };
    let text = if text.contains('&') { from_html(&text) } else { text };
    let lines: Vec<&str> = text.lines().map(|line| line.trim_start_matches(is_frame)).collect();
    lines.join("\n")
}

/// Before a line: blanks, frames of a tool's box, a mailer's mark.
fn is_frame(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{2500}'..='\u{257f}' | '>' | '|')
}

/// Drops what a terminal obeys (colors, mostly) and what nobody sees.
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
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' => out.push('\n'),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Joins the lines that a terminal broke at its last column: at least two of the same full length.
fn join_wrapped(text: &str) -> String {
    let lines: Vec<(&str, usize)> = text.split('\n').map(|line| (line, line.chars().count())).collect();
    let width = lines.iter().map(|it| it.1).max().unwrap_or_default();
    // A full line before a record of its own says nothing of a terminal's width.
    let is_broken = |at: usize| {
        lines
            .get(at)
            .zip(lines.get(at + 1))
            .is_some_and(|(line, next)| line.1 == width && !begins_another(line.0, next.0))
    };
    if width < NARROWEST || (0..lines.len()).filter(|at| is_broken(*at)).count() < 2 {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for (at, (line, _)) in lines.iter().enumerate() {
        out.push_str(line);
        if at + 1 < lines.len() && !is_broken(at) {
            out.push('\n');
        }
    }
    out
}

/// Whether a line begins a record of its own rather than going on with the one before: lines of a log begin alike.
fn begins_another(line: &str, next: &str) -> bool {
    const ALIKE: usize = 10;
    const BEGINNINGS: [&str; 8] =
        ["Error", "error:", "Warning", "An error occurred", "caused by", "Caused by", "exit status", "time="];
    let alike = line.chars().zip(next.chars()).take_while(|(a, b)| a == b).count();
    let timestamp = next.len() > 5
        && next.chars().take(4).all(|c| c.is_ascii_digit())
        && matches!(next.chars().nth(4), Some('-' | '/'));
    let framed = next.starts_with(|c: char| is_frame(c) && !c.is_whitespace());
    next.is_empty()
        || alike >= ALIKE
        || timestamp
        || framed
        || next.starts_with('\t')
        || BEGINNINGS.iter().any(|it| next.starts_with(it))
}

/// Whether it is JSON, or a string out of it.
fn is_json(text: &str) -> bool {
    let logged = text.contains("=\"") && text.contains("\\n");
    text.contains("\\\"") || logged || (text.contains("\":") && text.contains("{\""))
}

/// A text out of JSON: `\"`, `\n`, `\t`, `\\`, `\u0026`, to any depth of quoting.
fn from_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let after = from.trim_start_matches('\\');
        let slashes = from.len() - after.len();
        rest = after;
        let mut chars = after.chars();
        match chars.next() {
            Some('"' | '/') => {}
            Some('n' | 't' | 'r') if slashes == 1 => {
                out.push('\n');
                rest = chars.as_str();
            }
            Some('u') if after.get(1..3) == Some("00") => {
                let code = after.get(3..5).and_then(|it| u8::from_str_radix(it, 16).ok()).filter(u8::is_ascii_graphic);
                match code {
                    Some(code) => {
                        out.push(char::from(code));
                        rest = after.get(5..).unwrap_or_default();
                    }
                    None => out.push('\\'),
                }
            }
            _ => out.extend(std::iter::repeat_n('\\', slashes.div_ceil(2))),
        }
    }
    out.push_str(rest);
    out
}

fn from_html(text: &str) -> String {
    let pairs = [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    pairs.into_iter().fold(
        text.to_owned(),
        |text, (from, to)| {
            if text.contains(from) { text.replace(from, to) } else { text }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoration_goes() {
        let boxed = "\u{1b}[31m│ Error: x\u{1b}[0m\n│\n│   \\\"a\\\"\r\n> y";
        assert_eq!(clean(boxed), "Error: x\n\n\"a\"\ny");
        assert_eq!(clean("CORP\\nancy"), "CORP\\nancy", "no JSON, no escapes");
        assert_eq!(clean(&"é".repeat(MOST)).len(), MOST, "cut between characters");
        assert_eq!(clean("\\\\\\\"a\\\\\\\" \\\"CORP\\\\x\\\""), "\"a\" \"CORP\\x\"");
        assert_eq!(clean("{\"a\": \"b\\n\\tc \\u0026 \\u003cd\\u003e\"}"), "{\"a\": \"b\n\nc & <d>\"}");
    }

    #[test]
    fn lines_that_a_terminal_broke_are_joined_and_others_are_not() {
        let text = "the quick brown fox jumps over the lazy dog and so on it goes";
        let wrapped: Vec<String> =
            text.chars().collect::<Vec<_>>().chunks(21).map(|it| it.iter().collect::<String>()).collect();
        assert_eq!(join_wrapped(&wrapped.join("\n")), text);
        for kept in [
            "short\nlines",
            "a line that is the longest by far\nand one more",
            "2024-01-01 denied for somebody\n2024-01-01 denied for somebody\nend",
            "│ a frame with words in it x\n│ a frame with words in it y\n│ z",
        ] {
            assert_eq!(join_wrapped(kept), kept);
        }
    }
}
