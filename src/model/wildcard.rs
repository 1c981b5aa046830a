//! Wildcards as IAM writes them.
//!
//! Decides what `*` and `?` stand for; whether case matters is the caller's, who lowers both sides where it does not.

/// One sign of a pattern. What a policy variable brought is all [`Sign::Char`], whatever it looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// `*`: any run of characters, the empty one included.
    Run,
    /// `?`: one character.
    One,
    /// Itself.
    Char(char),
}

impl Sign {
    /// What a character of a pattern stands for.
    pub fn of(c: char) -> Sign {
        match c {
            '*' => Sign::Run,
            '?' => Sign::One,
            c => Sign::Char(c),
        }
    }
}

/// Does the text fit the signs?
pub fn fits(pattern: &[Sign], text: &str) -> bool {
    // Where the last star was, and up to where in the text it reaches so far.
    let (mut p, mut rest, mut star) = (0, text.chars(), None);
    loop {
        let mut tail = rest.clone();
        let Some(c) = tail.next() else { break };
        match pattern.get(p) {
            Some(Sign::Run) => {
                star = Some((p, rest.clone()));
                p += 1;
            }
            Some(sign) if *sign == Sign::One || *sign == Sign::Char(c) => {
                p += 1;
                rest = tail;
            }
            _ => match star {
                Some((at, mut reach)) => {
                    reach.next();
                    p = at + 1;
                    rest = reach.clone();
                    star = Some((at, reach));
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|sign| *sign == Sign::Run)
}

/// `*` stands for any run of characters, `?` for one.
pub fn glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<Sign> = pattern.chars().map(Sign::of).collect();
    fits(&pattern, text)
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
