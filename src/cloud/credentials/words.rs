//! A line cut into words as a POSIX shell does, quotes and backslashes heeded, nothing expanded: section names of the AWS
//! configuration and the command of `credential_process`.

/// The words; `None` if a quote is not closed or a backslash stands at the end.
pub(super) fn split_words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('"'), '\\') if matches!(rest.peek(), Some('"' | '\\')) => {
                word.get_or_insert_default().extend(rest.next())
            }
            (None, '\\') => word.get_or_insert_default().push(rest.next()?),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_ascii_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// A text as one word of a shell's line.
pub(super) fn shell_word(text: &str) -> String {
    match text.is_empty() || text.contains(|c: char| !c.is_ascii_alphanumeric() && !"-_.@+/".contains(c)) {
        true => format!("'{}'", text.replace('\'', r"'\''")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_read_more_into_it() {
        for (text, wanted) in [("prod-eu/a.b@c", "prod-eu/a.b@c"), ("two words", "'two words'"), ("it's", r"'it'\''s'")]
        {
            assert_eq!(shell_word(text), wanted);
            assert_eq!(split_words(wanted).unwrap(), [text]);
        }
    }

    #[test]
    fn words_are_those_of_a_shell() {
        for (line, wanted) in [
            ("profile a", &["profile", "a"][..]),
            ("profile \"two words\"", &["profile", "two words"]),
            ("profile 'it''s' ", &["profile", "its"]),
            (r#"a\ b "c\"d" 'e\f'"#, &["a b", "c\"d", r"e\f"]),
            ("x ''", &["x", ""]),
            ("", &[]),
        ] {
            assert_eq!(split_words(line).unwrap(), wanted, "{line}");
        }
        assert_eq!(split_words("profile \"a"), None);
        assert_eq!(split_words("a\\"), None);
    }
}
