//! One key under one operator, held against a request.
//!
//! Decides what each operator compares and what a missing key means to it. A value that cannot be read as what the
//! operator compares (a number, a time, an address) makes the answer not known.

use core::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::request::{Lookup, Request};
use super::truth::{Truth, agreed, all, any};
use super::variable::{Wanted, fill};
use crate::model::network::Cidr;
use crate::model::policy::operator::Order;
use crate::model::policy::{Base, Condition, Operator, SetTest};
use crate::model::wildcard::{Sign, fits, glob};

/// Does the condition hold?
pub(super) fn holds(condition: &Condition, variables: bool, request: &Request) -> Truth {
    let (Some(operator), None) = (condition.operator, &condition.unclear) else { return Truth::Unknown };
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
                Truth::from(!operator.negated)
            } else {
                Truth::Unknown
            }
        }
    }
}

/// `true` asks that the key be absent, `false` that it be there.
fn null(wanted: &[String], got: Lookup<'_>) -> Truth {
    any(wanted.iter().map(|text| match (boolean(text), got) {
        (None, _) => Truth::Unknown,
        (Some(_), Lookup::Unknown) if wants_both(wanted) => Truth::Yes,
        (Some(_), Lookup::Unknown) => Truth::Unknown,
        (Some(absent), got) => (absent == (got == Lookup::Absent)).into(),
    }))
}

fn wants_both(wanted: &[String]) -> bool {
    [true, false].iter().all(|it| wanted.iter().any(|text| boolean(text) == Some(*it)))
}

fn present(condition: &Condition, operator: Operator, variables: bool, request: &Request, got: &[String]) -> Truth {
    let uses_signs =
        matches!(operator.base, Base::StringEquals | Base::StringEqualsIgnoreCase | Base::StringLike | Base::Arn);
    let tests: Vec<Truth> = if uses_signs {
        let wanted: Vec<Wanted<'_>> = condition.values.iter().map(|it| fill(it, variables, request)).collect();
        got.iter().map(|value| any(wanted.iter().map(|it| text_fits(operator, it, value)))).collect()
    } else {
        got.iter().map(|value| any(condition.values.iter().map(|it| compares(operator.base, it, value)))).collect()
    };
    let tests = tests.into_iter().map(|it| if operator.negated { !it } else { it });
    match operator.set {
        Some(SetTest::ForAllValues) => all(tests),
        Some(SetTest::ForAnyValue) => any(tests),
        // Which of several values an operator without a test of sets looks at is not documented.
        None => agreed(tests),
    }
}

fn text_fits(operator: Operator, wanted: &Wanted<'_>, got: &str) -> Truth {
    let signs = match wanted {
        Wanted::Plain(text) => {
            return match operator.base {
                Base::StringLike => glob(text, got).into(),
                Base::Arn => arn_fits(&text.chars().map(Sign::of).collect::<Vec<_>>(), got),
                Base::StringEqualsIgnoreCase => (text.to_lowercase() == got.to_lowercase()).into(),
                _ => (*text == got).into(),
            };
        }
        Wanted::Signs(signs) => signs,
        Wanted::Unknown => return Truth::Unknown,
        // "Not equal to nothing" is not documented to hold.
        Wanted::Nothing => return if operator.negated { Truth::Unknown } else { Truth::No },
    };
    match operator.base {
        Base::StringLike => fits(signs, got).into(),
        Base::Arn => arn_fits(signs, got),
        Base::StringEqualsIgnoreCase => (plain(signs).to_lowercase() == got.to_lowercase()).into(),
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

/// The six parts are compared one by one, so that a wildcard stays within its part; the last holds all the rest.
fn arn_fits(pattern: &[Sign], got: &str) -> Truth {
    let parts: Vec<&[Sign]> = pattern.splitn(6, |sign| *sign == Sign::Char(':')).collect();
    let texts: Vec<&str> = got.splitn(6, ':').collect();
    match (parts.len(), texts.len()) {
        (6, 6) => parts.iter().zip(texts).all(|(part, text)| fits(part, text)).into(),
        (6, _) => Truth::No,
        // Fewer parts than an ARN has: without wildcards it is the ARN of nothing.
        _ if !pattern.iter().any(|it| matches!(it, Sign::Run | Sign::One)) => Truth::No,
        _ => Truth::Unknown,
    }
}

/// Comparisons of what is not text; not known where either side is none.
fn compares(base: Base, wanted: &str, got: &str) -> Truth {
    let result = match base {
        Base::Bool => boolean(wanted).zip(boolean(got)).map(|(a, b)| a == b),
        Base::Number(order) => number(wanted).zip(number(got)).map(|(wanted, got)| ordered(order, got, wanted)),
        Base::Date(order) => moment(wanted).zip(moment(got)).map(|(wanted, got)| ordered(order, got, wanted)),
        Base::IpAddress => Cidr::parse(wanted).zip(address(got)).map(|(net, got)| net.contains(got)),
        Base::BinaryEquals => binary(wanted).zip(binary(got)).map(|(a, b)| a == b),
        // Text is compared elsewhere, and Null asks for no value.
        _ => None,
    };
    result.map_or(Truth::Unknown, Truth::from)
}

fn ordered<T: PartialOrd>(order: Order, got: T, wanted: T) -> bool {
    match order {
        Order::Equal => got == wanted,
        Order::Less => got < wanted,
        Order::LessOrEqual => got <= wanted,
        Order::Greater => got > wanted,
        Order::GreaterOrEqual => got >= wanted,
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn number(text: &str) -> Option<f64> {
    // Rust would read "inf" and "nan" too.
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    text.parse::<f64>().ok().filter(|it| plain && it.is_finite())
}

/// ISO 8601, a date alone being its midnight in UTC, or epoch seconds; four digits could be a year or an epoch.
fn moment(text: &str) -> Option<Timestamp> {
    let civil = |at: DateTime| at.to_zoned(TimeZone::UTC).ok().map(|it| it.timestamp());
    if text.len() > 4 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Timestamp::from_second(text.parse().ok()?).ok();
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if let Some(start) = text.strip_suffix(['Z', 'z']) {
        return start.parse::<DateTime>().ok().and_then(civil);
    }
    if let Ok(day) = text.parse::<Date>() {
        return civil(day.at(0, 0, 0, 0));
    }
    text.parse::<DateTime>().ok().and_then(civil)
}

fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

fn binary(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}
