//! What is so now of a batch, step by step: the journal's word held against what was read.
//!
//! Decides what a reading says of each step: done, not done, or changed by somebody else since; and what is left of a
//! batch to be done in the light of it. Reads nothing itself, and writes nothing: finding out changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{History, Progressed};
use crate::edit::compare::{differences, same};
use crate::edit::draft::{Change, Draft};
use crate::edit::state::{State, Subject};

/// What a reading says of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// What it does is there.
    Done,
    /// It is as before it.
    NotDone,
    /// It is neither: somebody has changed the thing since. In what it differs.
    Changed(Vec<String>),
    /// It could not be read, and why.
    Unread(String),
}

/// What is there of each thing of a batch; an error says why it could not be read.
pub type There = BTreeMap<Subject, Result<Option<State>, String>>;

/// What a reading says of each step, in order.
pub fn seen(history: &History, there: &There) -> Vec<Seen> {
    let steps = || history.batch.steps.iter().zip(&history.steps);
    let subjects: BTreeSet<&Subject> = steps().map(|(step, _)| &step.subject).collect();
    let mut out = vec![Seen::NotDone; history.batch.steps.len()];
    for subject in subjects {
        let own: Vec<usize> =
            (0..out.len()).filter(|at| history.batch.steps.get(*at).is_some_and(|it| it.subject == *subject)).collect();
        let all = match there.get(subject) {
            Some(Ok(is)) => of_one(history, &own, is.as_ref()),
            Some(Err(why)) => vec![Seen::Unread(why.clone()); own.len()],
            None => vec![Seen::Unread("it was not read".to_owned()); own.len()],
        };
        for (at, seen) in own.into_iter().zip(all) {
            if let Some(slot) = out.get_mut(at) {
                *slot = seen;
            }
        }
    }
    out
}

/// The steps of one thing, of which each begins where the one before it ends.
fn of_one(history: &History, own: &[usize], is: Option<&State>) -> Vec<Seen> {
    let step = |nth: usize| own.get(nth).and_then(|at| history.batch.steps.get(*at));
    let progressed = |nth: usize| own.get(nth).and_then(|at| history.steps.get(*at));
    let done = (0..own.len()).take_while(|nth| progressed(*nth).is_some_and(Progressed::is_done)).count();
    // What must be there by what the journal knows: after the last step that is done, or before the first.
    let expected = match done.checked_sub(1).and_then(step) {
        Some(last) => last.after.as_ref(),
        None => step(0).and_then(|it| it.before.as_ref()),
    };
    let doubted = matches!(progressed(done), Some(Progressed::InDoubt { .. }));
    let reached = match step(done) {
        Some(next) if doubted && same(next.after.as_ref(), is) => Some(done + 1),
        _ if same(expected, is) => Some(done),
        _ => None,
    };
    (0..own.len())
        .map(|nth| match reached {
            Some(reached) if nth < reached => Seen::Done,
            Some(_) => Seen::NotDone,
            None => Seen::Changed(differences(expected, is)),
        })
        .collect()
}

impl History {
    /// What is left to be done, as each thing is now: from what the steps that are seen to be done have left, to what was
    /// planned.
    pub fn rest(&self, seen: &[Seen]) -> Draft {
        let mut changes: BTreeMap<&Subject, Change> = BTreeMap::new();
        for (step, _) in self.batch.steps.iter().zip(seen).filter(|(_, seen)| **seen != Seen::Done) {
            let left = changes.entry(&step.subject).or_insert_with(|| Change {
                before: step.before.clone(),
                after: None,
                again: false,
            });
            left.after.clone_from(&step.after);
        }
        for change in changes.values_mut() {
            // Deleted and made again, it ends as it began.
            change.again = change.before.is_some() && change.before == change.after;
        }
        Draft::of(changes.into_iter().map(|(subject, change)| (subject.clone(), change)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::record::{Book, Event, Outcome};

    const IN_DOUBT: &str = include_str!("../../../tests/it/journals/in_doubt.jsonl");

    fn history() -> History {
        Book::read(IN_DOUBT).histories()[0].clone()
    }

    fn there(history: &History, state: Option<State>) -> There {
        [(history.batch.steps[0].subject.clone(), Ok(state))].into()
    }

    #[test]
    fn a_step_in_doubt_was_done_or_not_or_cannot_be_told() {
        let history = history();
        let (before, after) = (history.batch.steps[1].before.clone(), history.batch.steps[1].after.clone());
        assert_eq!(seen(&history, &there(&history, after)), [Seen::Done, Seen::Done]);
        assert_eq!(seen(&history, &there(&history, before)), [Seen::Done, Seen::NotDone]);
        let gone = seen(&history, &there(&history, None));
        assert!(gone.iter().all(|it| matches!(it, Seen::Changed(why) if why == &["it is not there"])), "{gone:?}");
        let unread = [(history.batch.steps[0].subject.clone(), Err("refused".to_owned()))].into();
        assert!(seen(&history, &unread).iter().all(|it| matches!(it, Seen::Unread(_))));
        assert!(seen(&history, &There::new()).iter().all(|it| matches!(it, Seen::Unread(_))));
    }

    #[test]
    fn a_step_that_certainly_was_not_done_is_never_taken_for_done() {
        let mut history = history();
        let failed = Outcome::Failed { code: None, because: "no".into() };
        history.add(history.last, Event::Outcome { step: 2, outcome: failed });
        let after = history.batch.steps[1].after.clone();
        let all = seen(&history, &there(&history, after));
        assert!(all.iter().all(|it| matches!(it, Seen::Changed(_))), "somebody else did it: {all:?}");
    }

    #[test]
    fn what_is_left_begins_where_the_done_steps_end() {
        let history = history();
        let rest = history.rest(&[Seen::Done, Seen::NotDone]);
        let (_, change) = rest.changes().next().unwrap();
        assert_eq!((&change.before, &change.after), (&history.batch.steps[0].after, &history.batch.steps[1].after));
        let all = history.rest(&[Seen::NotDone, Seen::NotDone]);
        assert_eq!(all, history.batch.draft);
        assert!(history.rest(&[Seen::Done, Seen::Done]).is_empty());
    }
}
