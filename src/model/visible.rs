//! Remote text made safe to draw.
//!
//! The model keeps names, groups and annotations byte for byte, since matching must be exact; [`visible`] is the
//! one place that turns what a terminal would obey (control characters, escape sequences, bidi overrides) into
//! something that a person can see. Everything drawn or reported as text goes through it.

use std::borrow::Cow;

/// True for characters that would move the cursor, change colours, or reorder the text around them, and for
/// invisible ones that make two names look alike.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with every deceptive character written out (`\u{202e}`, `\u{1b}`, `\n`). Borrowed if there is none.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_deceptive) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().fold(String::with_capacity(text.len() + 8), |mut out, c| {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_deceptive(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
        out
    }))
}

/// As [`visible`], but for whole documents: line ends stay, a tab becomes blanks.
pub fn visible_lines(text: &str) -> Vec<String> {
    text.lines().map(|line| visible(&line.replace('\t', "    ")).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escape_sequences_and_overrides_are_written_out() {
        assert_eq!(visible("a\u{1b}[31mb"), "a\\u{1b}[31mb");
        assert_eq!(visible("x\u{202e}y"), "x\\u{202e}y");
        assert_eq!(visible("two\nlines\t!"), "two\\nlines\\t!");
        assert!(matches!(visible("plain 日本語 e\u{301}"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn nothing_deceptive_is_left(text in any::<String>()) {
            prop_assert!(!visible(&text).chars().any(is_deceptive));
            prop_assert!(visible_lines(&text).iter().all(|line| !line.chars().any(is_deceptive)));
        }
    }
}
