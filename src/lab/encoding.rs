//! Percent-encoding as RFC 3986 and AWS have it, and the forms of the query protocol.

pub(super) use crate::model::percent::decode;

/// Everything but the unreserved characters is encoded, byte by byte.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The pairs of a query string, decoded, in order. A `+` stays a plus: that is how AWS canonicalises.
pub(super) fn query(text: &str) -> Option<Vec<(String, String)>> {
    pairs(text, decode)
}

/// The pairs of a form body, decoded, in order. A `+` is a blank.
pub(super) fn form(text: &str) -> Option<Vec<(String, String)>> {
    pairs(text, |it| decode(&it.replace('+', " ")))
}

fn pairs(text: &str, decode: impl Fn(&str) -> Option<String>) -> Option<Vec<(String, String)>> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name)?, decode(value)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_unreserved_characters_stay() {
        assert_eq!(encode("a-z_0.9~/:+ ü"), "a-z_0.9~%2F%3A%2B%20%C3%BC");
        assert_eq!(
            form("a=b+c&d=%2B&e"),
            Some(vec![("a".into(), "b c".into()), ("d".into(), "+".into()), ("e".into(), String::new())])
        );
        assert_eq!(query("a=b+c").unwrap(), [("a".to_owned(), "b+c".to_owned())]);
        for broken in ["%", "%2", "%zz", "%+1", "%ff"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(text in any::<String>()) {
            prop_assert_eq!(decode(&encode(&text)), Some(text));
        }
    }
}
