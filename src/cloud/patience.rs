//! How long one question may wait for servers that do not answer.
//!
//! A question asks several services one after the other. If none of them answers, each is waited for less: what one
//! unanswered call has used up of [`Limits::question`] is gone for the next one, which is given half of what is left. A
//! service that has answered since is waited for in full, since another one's silence says nothing about it. A while
//! after the last unanswered call all is forgotten: that was another question.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::{Duration, Instant};

use super::limits::Limits;

/// Nobody is given less than this.
const LEAST: Duration = Duration::from_millis(250);

/// Who was not asked before is given at least this: nothing is known against it, and a connection over a long line takes
/// a second.
const FIRST: Duration = Duration::from_millis(2500);

/// Who is asked: a service, and which one of its kind.
pub(super) type Place = (&'static str, String);

#[derive(Debug, Default)]
struct Waited {
    /// The time spent for nothing, that of calls side by side counted once.
    spent: Duration,
    until: Option<Instant>,
    /// Whether the last call to a place was answered.
    answers: BTreeMap<Place, bool>,
}

/// What a session's calls have waited for in vain.
#[derive(Debug, Default)]
pub(super) struct Patience(Mutex<Waited>);

impl Patience {
    /// How long the first byte of the next answer may take, of a call that is otherwise given `full`.
    pub(super) fn allow(&self, place: &Place, full: Duration, limits: &Limits, now: Instant) -> Duration {
        let mut waited = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waited.until.is_some_and(|until| now.saturating_duration_since(until) > limits.forgotten) {
            *waited = Waited::default();
        }
        let least = match waited.answers.get(place) {
            _ if waited.spent.is_zero() => return full,
            Some(true) => return full,
            Some(false) => LEAST,
            None => FIRST,
        };
        (limits.question.saturating_sub(waited.spent) / 2).max(least).min(full)
    }

    /// A call has ended: with an answer of some kind, or with nothing after so long a time.
    pub(super) fn note(&self, place: Place, answered: bool, began: Instant, now: Instant) {
        let mut waited = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !answered {
            let from = waited.until.map_or(began, |until| until.max(began));
            waited.spent += now.saturating_duration_since(from);
            waited.until = Some(waited.until.map_or(now, |until| until.max(now)));
        }
        waited.answers.insert(place, answered);
    }

    /// Forgets the silence so far.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Waited::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_silent_servers_is_waited_for_no_longer_than_a_question_may() {
        let (limits, patience) = (Limits::STANDARD, Patience::default());
        let began = Instant::now();
        let mut now = began;
        for place in ["sts", "iam", "eks", "eks", "kubernetes", "kubernetes"] {
            let place = (place, String::new());
            let from = now;
            now += patience.allow(&place, limits.silence, &limits, now);
            patience.note(place, false, from, now);
        }
        // Two of the four are asked for the first time when the rest of the question's time is used up.
        assert!(now - began <= limits.question + 2 * FIRST, "{:?}", now - began);
    }

    #[test]
    fn calls_side_by_side_wait_once_and_who_answers_is_waited_for_in_full() {
        let (limits, patience) = (Limits::STANDARD, Patience::default());
        let (eks, iam) = (("eks", "a".to_owned()), ("iam", String::new()));
        let began = Instant::now();
        let late = began + limits.silence;
        assert_eq!(patience.allow(&iam, limits.silence, &limits, began), limits.silence);
        for _ in 0..8 {
            patience.note(eks.clone(), false, began, late);
        }
        let left = (limits.question - limits.silence) / 2;
        assert_eq!(patience.allow(&eks, limits.silence, &limits, late), left);
        assert_eq!(patience.allow(&iam, limits.silence, &limits, late), left);
        patience.note(iam.clone(), true, late, late);
        assert_eq!(patience.allow(&iam, limits.silence, &limits, late), limits.silence);
        assert_eq!(patience.allow(&eks, limits.silence, &limits, late), left);
        let later = late + limits.forgotten + LEAST;
        assert_eq!(patience.allow(&eks, limits.silence, &limits, later), limits.silence, "another question");
        patience.note(eks.clone(), false, began, late);
        patience.forget();
        assert_eq!(patience.allow(&eks, limits.silence, &limits, late), limits.silence);
    }
}
