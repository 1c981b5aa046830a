//! The lab's own time: when a write is seen, and what stands in `createdAt`.
//!
//! Either the machine's, or one that a test moves on by itself. How old a signature or a session is, the machine's clock
//! alone tells, as with the clients that made them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::model::time::Time;

/// A lab's clock. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct Clock(Hands);

#[derive(Clone, Debug)]
enum Hands {
    Machine { since: Instant },
    Stepped { start: Time, passed: Arc<Mutex<Duration>> },
}

impl Default for Clock {
    fn default() -> Self {
        Clock(Hands::Machine { since: Instant::now() })
    }
}

impl Clock {
    /// One that stands still at a moment until it is told to go on.
    pub fn stepped(start: Time) -> Self {
        Clock(Hands::Stepped { start, passed: Arc::default() })
    }

    /// Moves a stepped clock on; the machine's is not to be moved.
    pub fn step(&self, by: Duration) {
        if let Hands::Stepped { passed, .. } = &self.0 {
            let mut passed = passed.lock().unwrap_or_else(PoisonError::into_inner);
            *passed = passed.saturating_add(by);
        }
    }

    /// What it shows.
    pub fn now(&self) -> Time {
        match &self.0 {
            Hands::Machine { .. } => Time(Timestamp::now()),
            Hands::Stepped { start, .. } => {
                let passed = SignedDuration::try_from(self.passed()).unwrap_or(SignedDuration::MAX);
                Time(start.0.saturating_add(passed).unwrap_or(Timestamp::MAX))
            }
        }
    }

    /// How long it has been going, which never goes back.
    pub(super) fn passed(&self) -> Duration {
        match &self.0 {
            Hands::Machine { since } => since.elapsed(),
            Hands::Stepped { passed, .. } => *passed.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stepped_clock_goes_when_it_is_told_to() {
        let clock = Clock::stepped(Time::from_epoch(1_700_000_000.0).unwrap());
        let same = clock.clone();
        assert_eq!((clock.now().epoch(), clock.passed()), (1_700_000_000.0, Duration::ZERO));
        same.step(Duration::from_millis(1_500));
        assert_eq!((clock.now().epoch(), clock.passed()), (1_700_000_001.5, Duration::from_millis(1_500)));
        clock.step(Duration::MAX);
        assert_eq!(clock.now(), Time(Timestamp::MAX));
    }
}
