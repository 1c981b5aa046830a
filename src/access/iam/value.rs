//! Values that are not text: numbers, times, addresses, booleans, binary.
//!
//! Decides which forms are read, and how two of them compare. A form that IAM does not document is not read (`None`), so
//! that the comparison stays unknown. A new form of a value goes here.

use core::cmp::Ordering;
use core::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

use crate::access::Verdict;
use crate::model::network::Cidr;
use crate::model::policy::Base;
use crate::model::policy::operator::Order;

/// Compares a request's value with a wanted one; unknown where either cannot be read as what the operator compares.
pub(crate) fn compare(base: Base, wanted: &str, got: &str) -> Verdict {
    let result = match base {
        Base::Bool => boolean(wanted).zip(boolean(got)).map(|(a, b)| a == b),
        Base::Number(order) => {
            Decimal::parse(got).zip(Decimal::parse(wanted)).map(|(got, wanted)| holds(order, got.compare(&wanted)))
        }
        Base::Date(order) => moment(got).zip(moment(wanted)).map(|(got, wanted)| holds(order, got.cmp(&wanted))),
        Base::IpAddress => return within(wanted, got),
        Base::BinaryEquals => binary(wanted).zip(binary(got)).map(|(a, b)| a == b),
        // Text is compared elsewhere, and Null asks for no value.
        _ => None,
    };
    result.map_or(Verdict::Unknown, Verdict::from)
}

/// `got` stands to `wanted` as `ordering` says.
fn holds(order: Order, ordering: Ordering) -> bool {
    match order {
        Order::Equal => ordering.is_eq(),
        Order::Less => ordering.is_lt(),
        Order::LessOrEqual => ordering.is_le(),
        Order::Greater => ordering.is_gt(),
        Order::GreaterOrEqual => ordering.is_ge(),
    }
}

pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// An integer or decimal of any length, compared digit by digit: a float would take large neighbors for equal.
struct Decimal<'a> {
    negative: bool,
    /// Without leading zeros.
    whole: &'a str,
    /// Without trailing zeros.
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (digits, None),
        };
        let are_digits = |it: &str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit());
        if !are_digits(whole) || !fraction.is_none_or(are_digits) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.unwrap_or_default().trim_end_matches('0'));
        // There is one zero.
        let negative = negative && !(whole.is_empty() && fraction.is_empty());
        Some(Decimal { negative, whole, fraction })
    }

    fn compare(&self, other: &Decimal<'_>) -> Ordering {
        let size = |it: &Decimal<'_>| it.whole.len();
        let magnitude = || {
            let whole = size(self).cmp(&size(other)).then_with(|| self.whole.cmp(other.whole));
            whole.then_with(|| self.fraction.cmp(other.fraction))
        };
        match (self.negative, other.negative) {
            (false, false) => magnitude(),
            (true, true) => magnitude().reverse(),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

/// A time in one of the forms of W3C's profile of ISO 8601 (`2026-11`, `2026-11-24`, `2026-11-24T06:00Z`,
/// `2026-11-24T06:00:00.5+01:00`), or epoch seconds. Without a zone it is UTC, and a date alone is its first moment. Four
/// digits could be a year or an epoch.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    if !text.is_empty() && text.len() != 4 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Timestamp::from_second(text.parse().ok()?).ok();
    }
    let (date, rest) = match text.split_once('T') {
        Some((date, rest)) => (date, Some(rest)),
        None => (text, None),
    };
    let date = civil_date(date, rest.is_some())?;
    let (time, offset) = match rest {
        Some(rest) => clock(rest)?,
        None => (Time::midnight(), Offset::UTC),
    };
    offset.to_timestamp(DateTime::from_parts(date, time)).ok()
}

/// `2026-11-24`; `2026-11` where no time follows.
fn civil_date(text: &str, has_time: bool) -> Option<Date> {
    let parts: Vec<&str> = text.split('-').collect();
    let (year, month, day) = match parts.as_slice() {
        [year, month, day] => (year, month, *day),
        [year, month] if !has_time => (year, month, "01"),
        _ => return None,
    };
    let year = fixed_digits(year, 4)?;
    let (month, day) = (fixed_digits(month, 2)?, fixed_digits(day, 2)?);
    Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()
}

/// `06:00`, `06:00:00` or `06:00:00.5`, and the zone: `Z`, `+01:00`, or none.
fn clock(text: &str) -> Option<(Time, Offset)> {
    let (time, offset) = match text.find(['Z', '+', '-']) {
        None => (text, Offset::UTC),
        Some(at) => {
            let (time, zone) = text.split_at_checked(at)?;
            (time, zone_offset(zone)?)
        }
    };
    let (clock, fraction) = match time.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (time, None),
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let (hour, minute, second) = match (parts.as_slice(), fraction) {
        ([hour, minute, second], _) => (hour, minute, *second),
        ([hour, minute], None) => (hour, minute, "00"),
        _ => return None,
    };
    let nanoseconds = match fraction {
        None => 0,
        Some(digits) if (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{digits:0<9}").parse::<i32>().ok()?
        }
        Some(_) => return None,
    };
    let part = |text: &str| fixed_digits(text, 2).and_then(|it| i8::try_from(it).ok());
    Time::new(part(hour)?, part(minute)?, part(second)?, nanoseconds).ok().map(|time| (time, offset))
}

fn zone_offset(text: &str) -> Option<Offset> {
    if text == "Z" {
        return Some(Offset::UTC);
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes) = (i32::from(fixed_digits(hours, 2)?), i32::from(fixed_digits(minutes, 2)?));
    let in_a_day = hours < 24 && minutes < 60;
    in_a_day.then(|| Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()).flatten()
}

fn fixed_digits(text: &str, length: usize) -> Option<i16> {
    let fits = text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// Whether an address is in a network. IAM documents `/32` for an address without a prefix, and not whether that is meant
/// of IPv6 too; nor whether an IPv4 address inside an IPv6 one is in a network of IPv4.
fn within(wanted: &str, got: &str) -> Verdict {
    let (Some(network), Ok(address)) = (Cidr::parse(wanted), got.parse::<IpAddr>()) else { return Verdict::Unknown };
    let inside = Verdict::from(network.contains(address));
    if let (IpAddr::V6(six), false) = (address, wanted.contains(':'))
        && six.to_ipv4_mapped().is_some()
    {
        return Verdict::Unknown;
    }
    let is_bare_v6 = wanted.contains(':') && !wanted.contains('/');
    match Cidr::parse(&format!("{wanted}/32")) {
        Some(wide) if is_bare_v6 && inside == Verdict::No && wide.contains(address) => Verdict::Unknown,
        _ => inside,
    }
}

fn binary(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Forms of W3C's "Date and Time Formats" (<https://www.w3.org/TR/NOTE-datetime>), which the IAM user guide names for
    /// its date condition operators, and of epoch seconds; what has no zone is UTC.
    #[test]
    fn times() {
        for (text, expected) in [
            ("2026-11-24T12:00:00Z", "2026-11-24T12:00:00Z"),
            ("2026-11-24T12:00:00", "2026-11-24T12:00:00Z"),
            ("2026-11-24T12:00", "2026-11-24T12:00:00Z"),
            ("2026-11-24T12:00Z", "2026-11-24T12:00:00Z"),
            ("2026-11-24T12:00:00.25", "2026-11-24T12:00:00.25Z"),
            ("2026-11-24T12:00:00.123456789Z", "2026-11-24T12:00:00.123456789Z"),
            ("2026-11-24T12:00:00+01:00", "2026-11-24T11:00:00Z"),
            ("2026-11-24T12:00-09:30", "2026-11-24T21:30:00Z"),
            ("2026-11-24", "2026-11-24T00:00:00Z"),
            ("2026-11", "2026-11-01T00:00:00Z"),
            ("2024-02-29", "2024-02-29T00:00:00Z"),
            ("1700000000", "2023-11-14T22:13:20Z"),
            ("0", "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(moment(text), Some(expected.parse().expect(expected)), "{text}");
        }
        for text in [
            "",
            "2026",
            "2026-11-24Z",
            "2026-11-24T",
            "2026-11-24T12",
            "2026-11-24T12Z",
            "2026-11T12:00Z",
            "2026-11-24 12:00:00",
            "2026-11-24t12:00:00z",
            "2026-11-24T12:00:00z",
            "2026-11-24T12:00:00+0100",
            "2026-11-24T12:00:00+01",
            "2026-11-24T12:00:00Z[UTC]",
            "2026-11-24T12:00:00 Z",
            "2026-11-24T12:00:60Z",
            "2026-11-24T24:00:00Z",
            "2026-11-24T12:00.5Z",
            "2026-11-24T12:00:00.Z",
            "2026-11-24T12:00:00,5Z",
            "2026-02-30",
            "2026-1-2",
            "20261124T120000Z",
            "26-11-24",
            "2026-W48-2",
            "2026-328",
            " 2026-11-24",
            "2026-11-24T12:00:00+1:00",
            "2026-11-24T12:00:00+24:00",
            "-5",
            "1700000000.5",
            "1700000000000000",
            "tomorrow",
            "${aws:CurrentTime}",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn numbers() {
        for (a, b, expected) in [
            ("5", "5.0", Ordering::Equal),
            ("-0", "0.00", Ordering::Equal),
            ("007", "7", Ordering::Equal),
            ("9007199254740993", "9007199254740992", Ordering::Greater),
            ("10", "9", Ordering::Greater),
            ("-10", "-9", Ordering::Less),
            ("0.10", "0.1", Ordering::Equal),
            ("0.09", "0.1", Ordering::Less),
            ("-0.5", "0.25", Ordering::Less),
        ] {
            let read = |text: &'static str| Decimal::parse(text).expect(text);
            assert_eq!(read(a).compare(&read(b)), expected, "{a} {b}");
            assert_eq!(read(b).compare(&read(a)), expected.reverse(), "{b} {a}");
        }
        for text in ["", "-", "five", "nan", "inf", "1e5", "0x10", "+5", "5.", ".5", " 5", "1,000", "1_000", "--5", "٥"]
        {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn addresses() {
        for (wanted, got, expected) in [
            ("203.0.113.0/24", "203.0.113.255", Verdict::Yes),
            ("203.0.113.0/24", "203.0.114.0", Verdict::No),
            ("203.0.113.7", "203.0.113.7", Verdict::Yes),
            ("203.0.113.7", "203.0.113.8", Verdict::No),
            ("2001:DB8:1234:5678::/64", "2001:db8:1234:5678::1", Verdict::Yes),
            ("2001:db8::1", "2001:db8::1", Verdict::Yes),
            ("2001:db8::1", "2001:db8::2", Verdict::Unknown),
            ("2001:db8::1", "2001:db9::2", Verdict::No),
            ("0.0.0.0/0", "::1", Verdict::No),
            ("10.0.0.0/8", "::ffff:10.0.0.1", Verdict::Unknown),
            ("10.0.0.0/33", "10.0.0.1", Verdict::Unknown),
            ("10.*", "10.0.0.1", Verdict::Unknown),
            ("10.0.0.0/8", "10.0.0.1/32", Verdict::Unknown),
            ("010.0.0.1", "10.0.0.1", Verdict::Unknown),
        ] {
            assert_eq!(compare(Base::IpAddress, wanted, got), expected, "{wanted} {got}");
        }
    }

    proptest! {
        #[test]
        fn decimals_compare_as_integers_do(a: i64, b: i64) {
            let (x, y) = (a.to_string(), b.to_string());
            let both = Decimal::parse(&x).zip(Decimal::parse(&y));
            prop_assert_eq!(both.map(|(x, y)| x.compare(&y)), Some(a.cmp(&b)));
        }
    }
}
