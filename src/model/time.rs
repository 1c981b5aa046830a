//! Moments, as the documents write them.
//!
//! ISO 8601 is written; ISO 8601 with any offset and epoch seconds (as the AWS CLI prints them without a timestamp
//! format) are read.

use std::fmt;

use jiff::Timestamp;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub Timestamp);

impl Time {
    /// From epoch seconds with a fraction, as on the EKS wire; `None` when out of range.
    pub fn from_epoch(seconds: f64) -> Option<Self> {
        let whole = seconds.floor();
        // A fraction of a second is at most 999,999,999 ns, so neither cast loses anything that a Timestamp holds.
        let nanos = ((seconds - whole) * 1e9).round().min(999_999_999.0);
        Timestamp::new(whole as i64, nanos as i32).ok().map(Time)
    }

    /// Epoch seconds with a fraction, as on the EKS wire.
    pub fn epoch(self) -> f64 {
        self.0.as_second() as f64 + f64::from(self.0.subsec_nanosecond()) / 1e9
    }

    /// The date alone: `2025-06-01`.
    pub fn date(self) -> String {
        self.0.strftime("%Y-%m-%d").to_string()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // People read seconds; documents keep what was given.
        write!(f, "{}", self.0.strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TimeVisitor;
        impl Visitor<'_> for TimeVisitor {
            type Value = Time;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time such as 2025-02-01T09:30:00Z, or epoch seconds")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Time, E> {
                let epoch = || text.parse::<f64>().ok().and_then(Time::from_epoch);
                text.parse::<Timestamp>()
                    .ok()
                    .map(Time)
                    .or_else(epoch)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }

            fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Time, E> {
                Time::from_epoch(seconds).ok_or_else(|| E::invalid_value(de::Unexpected::Float(seconds), &self))
            }

            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Time, E> {
                self.visit_f64(seconds as f64)
            }

            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Time, E> {
                self.visit_f64(seconds as f64)
            }
        }
        deserializer.deserialize_any(TimeVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_with_any_offset_and_epoch_seconds_are_the_same_moment() {
        for text in ["\"2023-11-14T22:13:20.5Z\"", "\"2023-11-14T23:13:20.500000+01:00\"", "1700000000.5"] {
            let time: Time = serde_json::from_str(text).expect(text);
            assert_eq!(serde_json::to_string(&time).expect("writes"), "\"2023-11-14T22:13:20.5Z\"");
            assert_eq!(time.to_string(), "2023-11-14T22:13:20Z");
            assert_eq!(time.epoch(), 1_700_000_000.5);
        }
        assert!(serde_json::from_str::<Time>("\"yesterday\"").is_err());
    }
}
