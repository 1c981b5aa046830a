//! Words for marks and ages, used by filters and the screen alike.

use crate::access::Mark;
use crate::model::time::Time;
pub use crate::model::words::count;

/// The state that a mark stands for, in words.
pub fn state(mark: Mark) -> &'static str {
    mark.word()
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How long ago it was, roughly, and in how many seconds that text will be another one.
pub fn age(now: Time, since: Time) -> (String, u64) {
    let seconds = (now.0.as_second() - since.0.as_second()).max(0);
    let (unit, name) = match seconds {
        ..MINUTE => return ("just now".to_owned(), (MINUTE - seconds).unsigned_abs()),
        MINUTE..HOUR => (MINUTE, "min"),
        HOUR..DAY => (HOUR, "h"),
        _ => (DAY, "d"),
    };
    (format!("{} {name} ago", seconds / unit), (unit - seconds % unit).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_says_when_it_will_read_otherwise() {
        let at = |seconds: f64| Time::from_epoch(seconds).unwrap();
        for (seconds, text, next) in [
            (0.0, "just now", 60),
            (59.0, "just now", 1),
            (60.0, "1 min ago", 60),
            (150.0, "2 min ago", 30),
            (7200.0, "2 h ago", 3600),
            (200_000.0, "2 d ago", 59_200),
        ] {
            assert_eq!(age(at(1e9 + seconds), at(1e9)), (text.to_owned(), next));
        }
        assert_eq!(age(at(1.0), at(5.0)).0, "just now", "clocks differ");
    }
}
