//! Fitting text into columns: by display width, never through the middle of a grapheme.
//!
//! Wide (CJK) and combining characters keep columns aligned; a text of ten thousand letters is cut like any other.
//! Works on text that is safe to draw already; see [`super::canvas`].

use ratatui::text::Span;
use unicode_segmentation::UnicodeSegmentation;

/// How many columns it takes.
pub(super) fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { Span::raw(text).width() }
}

/// The text cut to that many columns, with … where something was cut off.
pub(super) fn fit(text: &str, columns: usize) -> String {
    if text.len() <= columns || (text.len() <= columns * 8 && width(text) <= columns) {
        return text.to_owned();
    }
    let (head, whole) = take(text, columns);
    if whole {
        return head.to_owned();
    }
    match columns {
        0 => String::new(),
        columns => format!("{}…", take(text, columns - 1).0),
    }
}

/// The longest beginning of at most that many columns, and whether it is the whole text.
fn take(text: &str, columns: usize) -> (&str, bool) {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += width(grapheme);
        if used > columns {
            return (text.get(..at).unwrap_or_default(), false);
        }
    }
    (text, true)
}

/// As [`fit`], but a path loses its middle first: `role/…/deployer`.
pub(super) fn fit_path(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    match (text.split_once('/'), text.rsplit_once('/')) {
        (Some((head, _)), Some((front, tail))) if front.len() > head.len() => fit(&format!("{head}/…/{tail}"), columns),
        _ => fit(text, columns),
    }
}

/// The text in lines of at most that many columns, broken at blanks where possible, then after a slash, colon or comma.
/// At most `most` lines; the last says … if there would be more.
pub(super) fn wrap(text: &str, columns: usize, most: usize) -> Vec<String> {
    if columns == 0 || most == 0 {
        return Vec::new();
    }
    let mut lines = Vec::new();
    let mut rest = text.trim_end();
    loop {
        let (head, whole) = take(rest, columns);
        if whole {
            lines.push(rest.to_owned());
            return lines;
        }
        if lines.len() + 1 == most {
            lines.push(fit(rest, columns));
            return lines;
        }
        // A single grapheme wider than the line still has to go somewhere.
        let head = if head.is_empty() { rest.graphemes(true).next().unwrap_or(rest) } else { head };
        let next_is_blank = rest.get(head.len()..).is_some_and(|after| after.starts_with(' '));
        let blank = head.rfind(' ').filter(|at| *at > 0);
        let after =
            |joints: &[char]| head.rfind(joints).map(|at| at + 1).filter(|at| *at * 2 > head.len() && *at < rest.len());
        let joint = after(&['/', ':', ',']).or_else(|| after(&['_', '-', '.', '@']));
        let end = match (next_is_blank, blank) {
            (true, _) => head.len(),
            (false, Some(at)) => at,
            (false, None) => joint.unwrap_or(head.len()),
        };
        lines.push(rest.get(..end).unwrap_or(rest).trim_end().to_owned());
        rest = rest.get(end..).unwrap_or_default().trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("deployer", 8, "deployer")]
    #[case("deployer", 5, "depl…")]
    #[case("日本語", 6, "日本語")]
    #[case("日本語", 5, "日本…")]
    #[case("日本語", 4, "日…")]
    #[case("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…")]
    #[case("x", 0, "")]
    fn texts_are_cut_by_width(#[case] text: &str, #[case] columns: usize, #[case] cut: &str) {
        assert_eq!(fit(text, columns), cut);
    }

    #[rstest]
    #[case("role/teams/blue/deployer", 24, "role/teams/blue/deployer")]
    #[case("role/teams/blue/deployer", 20, "role/…/deployer")]
    #[case("role/teams/blue/deployer", 9, "role/…/d…")]
    #[case("role/deployer", 9, "role/dep…")]
    fn paths_lose_their_middle_first(#[case] text: &str, #[case] columns: usize, #[case] cut: &str) {
        assert_eq!(fit_path(text, columns), cut);
    }

    #[rstest]
    #[case("", &[""])]
    #[case("one two three", &["one two", "three"])]
    #[case("onetwothree", &["onetwoth", "ree"])]
    #[case("a b/c/d:efgh", &["a", "b/c/d:", "efgh"])]
    #[case("aa/bbb/cccc", &["aa/bbb/", "cccc"])]
    fn sentences_break_at_blanks_and_arns_at_joints(#[case] text: &str, #[case] lines: &[&str]) {
        assert_eq!(wrap(text, 8, 9), lines);
    }

    proptest! {
        #[test]
        fn what_was_fitted_fits(text in ".{0,40}", columns in 0usize..20) {
            let text = crate::model::visible::visible(&text).into_owned();
            prop_assert!(width(&fit(&text, columns)) <= columns);
            prop_assert!(width(&fit_path(&text, columns)) <= columns);
        }

        #[test]
        fn what_was_wrapped_fits_and_loses_nothing_but_blanks(text in ".{0,60}", columns in 2usize..20) {
            let text = crate::model::visible::visible(&text).into_owned();
            let lines = wrap(&text, columns, usize::MAX);
            prop_assert!(lines.iter().all(|line| width(line) <= columns), "{:?}", lines);
            let dense = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(dense(&lines.concat()).replace(char::is_whitespace, ""), dense(&text).replace(char::is_whitespace, ""));
        }
    }
}
