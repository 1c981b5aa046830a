//! Which texts go-yaml v2 takes for a date or time: what a `!!timestamp` must be.

/// Go's four layouts: `2006-1-2T15:4:5.999999999Z07:00`, the same with `t`, `2006-1-2 15:4:5.999999999`, `2006-1-2`.
pub(super) fn is_timestamp(text: &str) -> bool {
    ends_well(text).is_some()
}

fn ends_well(text: &str) -> Option<()> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits != 4 {
        return None;
    }
    let (year, rest) = text.split_at_checked(4)?;
    let (month, rest) = number(rest.strip_prefix('-')?, 1..=12)?;
    let (day, rest) = number(rest.strip_prefix('-')?, 0..=99)?;
    if day == 0 || day > days_in(month, year.parse().ok()?) {
        return None;
    }
    if rest.is_empty() {
        return Some(());
    }
    if let Some(time) = rest.strip_prefix(' ') {
        return clock(time.trim_start_matches(' '))?.is_empty().then_some(());
    }
    let zone = clock(rest.strip_prefix(['T', 't'])?)?;
    if zone == "Z" {
        return Some(());
    }
    let offset = zone.strip_prefix(['+', '-'])?;
    let (hours, minutes) = offset.split_once(':')?;
    let two = |text: &str, most: u32| {
        text.len() == 2
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && text.parse::<u32>().is_ok_and(|n| n <= most)
    };
    (two(hours, 24) && two(minutes, 60)).then_some(())
}

/// `15:4:5.999`, and what follows it.
fn clock(text: &str) -> Option<&str> {
    let (_, rest) = number(text, 0..=23)?;
    let (_, rest) = number(rest.strip_prefix(':')?, 0..=59)?;
    let (_, rest) = number(rest.strip_prefix(':')?, 0..=59)?;
    match rest.strip_prefix(['.', ',']) {
        Some(fraction) if fraction.starts_with(|c: char| c.is_ascii_digit()) => {
            Some(fraction.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        _ => Some(rest),
    }
}

/// One or two digits.
fn number(text: &str, range: std::ops::RangeInclusive<u32>) -> Option<(u32, &str)> {
    let count = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(count)?;
    let value = digits.parse().ok()?;
    range.contains(&value).then_some((value, rest))
}

fn days_in(month: u32, year: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
