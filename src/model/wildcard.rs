//! Wildcards as IAM writes them.
//!
//! Decides what `*` and `?` stand for; whether case matters is the caller's, who lowers both sides where it does not.

/// `*` stands for any run of characters, `?` for one.
pub fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // Where the last star was, and up to where in the text it reaches so far.
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || text.get(t) == Some(c) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, reach)) => {
                    star = Some((at, reach + 1));
                    p = at + 1;
                    t = reach + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::glob;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_text_matches_itself_and_any_part_of_it_may_be_a_star(text in "[a-z/:-]{0,12}", from in 0usize..13, to in 0usize..13) {
            prop_assert!(glob(&text, &text) && glob("*", &text));
            let (from, to) = (from.min(to).min(text.len()), from.max(to).min(text.len()));
            let pattern = format!("{}*{}", &text[..from], &text[to..]);
            prop_assert!(glob(&pattern, &text));
            let longer = format!("{text}?");
            prop_assert!(!glob(&longer, &text));
        }
    }
}
