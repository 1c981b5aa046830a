//! One key under one operator, held against a request.
//!
//! Decides what each operator compares and what a missing key means to it. A value that cannot be read as what the
//! operator compares (a number, a time, an address: see `value`) makes the answer unknown.

use super::request::{Lookup, Request};
use super::value::{boolean, compare};
use super::variable::{Wanted, fill};
use crate::access::Verdict;
use crate::model::policy::{Base, Condition, Operator, SetTest};
use crate::model::wildcard::{Sign, fits, glob};

/// Does the condition hold?
pub(crate) fn holds(condition: &Condition, variables: bool, request: &Request) -> Verdict {
    let (Some(operator), None) = (condition.operator, &condition.unclear) else { return Verdict::Unknown };
    let got = request.lookup(&condition.lower_key);
    if operator.base == Base::Null {
        return null(&condition.values, got);
    }
    match got {
        Lookup::Absent => operator.without_key().into(),
        Lookup::Present(values) => present(condition, operator, variables, request, values),
        Lookup::Unknown => {
            // A bare star takes every value, so that only the key's presence is open.
            let star = operator.base == Base::StringLike && condition.values.iter().any(|it| it == "*");
            if star && operator.without_key() != operator.negated {
                Verdict::from(!operator.negated)
            } else {
                Verdict::Unknown
            }
        }
    }
}

/// Whether one of the condition's values fits a value as it stands: policy variables are not filled in, and whether the
/// operator is negated does not count.
pub(crate) fn takes_value(condition: &Condition, value: &str) -> Verdict {
    let (Some(operator), None) = (condition.operator, &condition.unclear) else { return Verdict::Unknown };
    Verdict::any(condition.values.iter().map(|wanted| match operator.base {
        Base::StringEquals | Base::StringEqualsIgnoreCase | Base::StringLike | Base::Arn => {
            text_fits(operator, &Wanted::Plain(wanted), value)
        }
        Base::Null => Verdict::Unknown,
        base => compare(base, wanted, value),
    }))
}

/// `true` asks that the key be absent, `false` that it be there.
fn null(wanted: &[String], got: Lookup<'_>) -> Verdict {
    Verdict::any(wanted.iter().map(|text| match (boolean(text), got) {
        (None, _) => Verdict::Unknown,
        (Some(_), Lookup::Unknown) if wants_both(wanted) => Verdict::Yes,
        (Some(_), Lookup::Unknown) => Verdict::Unknown,
        // A key that is there with nothing in it: whether that is null, IAM's documents leave open.
        (Some(_), Lookup::Present(values)) if is_null(values) && !wants_both(wanted) => Verdict::Unknown,
        (Some(absent), got) => (absent == (got == Lookup::Absent)).into(),
    }))
}

fn wants_both(wanted: &[String]) -> bool {
    [true, false].iter().all(|it| wanted.iter().any(|text| boolean(text) == Some(*it)))
}

/// Whether all values are empty: to set operators "a null dataset, such as an empty string" is as no key at all.
fn is_null(values: &[String]) -> bool {
    values.iter().all(String::is_empty)
}

fn present(condition: &Condition, operator: Operator, variables: bool, request: &Request, got: &[String]) -> Verdict {
    let uses_signs =
        matches!(operator.base, Base::StringEquals | Base::StringEqualsIgnoreCase | Base::StringLike | Base::Arn);
    let tests: Vec<Verdict> = if uses_signs {
        let wanted: Vec<Wanted<'_>> = condition.values.iter().map(|it| fill(it, variables, request)).collect();
        got.iter().map(|value| Verdict::any(wanted.iter().map(|it| text_fits(operator, it, value)))).collect()
    } else {
        let wanted: Vec<Option<String>> = match operator.base {
            // Of these, Bool alone takes policy variables.
            Base::Bool => condition.values.iter().map(|it| fill(it, variables, request).into_text()).collect(),
            _ => condition.values.iter().cloned().map(Some).collect(),
        };
        let one = |wanted: &Option<String>, value: &str| match wanted {
            Some(wanted) => compare(operator.base, wanted, value),
            None => Verdict::Unknown,
        };
        got.iter().map(|value| Verdict::any(wanted.iter().map(|it| one(it, value)))).collect()
    };
    let tests = tests.into_iter().map(|it| if operator.negated { !it } else { it });
    match operator.set {
        Some(SetTest::ForAllValues) if is_null(got) => Verdict::Yes,
        Some(SetTest::ForAllValues) => Verdict::all(tests),
        Some(SetTest::ForAnyValue) if is_null(got) => Verdict::any(tests).min(Verdict::Unknown),
        Some(SetTest::ForAnyValue) => Verdict::any(tests),
        // Which of several values an operator without a test of sets looks at is not documented.
        None => Verdict::agreed(tests),
    }
}

fn text_fits(operator: Operator, wanted: &Wanted<'_>, got: &str) -> Verdict {
    let signs = match wanted {
        Wanted::Plain(text) => {
            return match operator.base {
                Base::StringLike => glob(text, got).into(),
                Base::Arn => arn_fits(&text.chars().map(Sign::of).collect::<Vec<_>>(), got, operator.negated),
                Base::StringEqualsIgnoreCase => same_but_case(text, got),
                _ => (*text == got).into(),
            };
        }
        Wanted::Signs(signs) => signs,
        Wanted::Unknown => return Verdict::Unknown,
        // "Not equal to nothing" is not documented to hold.
        Wanted::Nothing => return if operator.negated { Verdict::Unknown } else { Verdict::No },
    };
    match operator.base {
        Base::StringLike => fits(signs, got).into(),
        Base::Arn => arn_fits(signs, got, operator.negated),
        Base::StringEqualsIgnoreCase => same_but_case(&plain(signs), got),
        _ => signs.iter().map(|it| plain_sign(*it)).eq(got.chars()).into(),
    }
}

fn plain_sign(sign: Sign) -> char {
    match sign {
        Sign::Run => '*',
        Sign::One => '?',
        Sign::Char(c) => c,
    }
}

fn plain(signs: &[Sign]) -> String {
    signs.iter().map(|it| plain_sign(*it)).collect()
}

/// Which letters beyond ASCII are the same but for case, IAM does not document.
fn same_but_case(wanted: &str, got: &str) -> Verdict {
    match wanted.eq_ignore_ascii_case(got) {
        true => Verdict::Yes,
        false if wanted.is_ascii() && got.is_ascii() => Verdict::No,
        false if wanted.to_lowercase() == got.to_lowercase() || wanted.to_uppercase() == got.to_uppercase() => {
            Verdict::Unknown
        }
        false => Verdict::No,
    }
}

/// The six parts are compared one by one, so that a wildcard stays within its part; the last holds all the rest.
///
/// Where either side is no ARN, they do not match; whether a negated operator then holds is not documented.
fn arn_fits(pattern: &[Sign], got: &str, negated: bool) -> Verdict {
    let malformed = if negated { Verdict::Unknown } else { Verdict::No };
    let parts: Vec<&[Sign]> = pattern.splitn(6, |sign| *sign == Sign::Char(':')).collect();
    let texts: Vec<&str> = got.splitn(6, ':').collect();
    match (parts.len(), texts.len()) {
        (6, 6) => parts.iter().zip(texts).all(|(part, text)| fits(part, text)).into(),
        (6, _) => malformed,
        // Fewer parts than an ARN has: without wildcards it is the ARN of nothing.
        _ if !pattern.iter().any(|it| matches!(it, Sign::Run | Sign::One)) => malformed,
        _ => Verdict::Unknown,
    }
}
