//! How many requests run at once, and which goes first.
//!
//! Each service has a number of slots, and whoever waits for one stands in a lane. A slot that becomes free goes to the
//! first lane in which somebody waits: what a person is waiting for, pages of lists, what the pane in view shows, access
//! entries, all other items. So a sweep of thousands never stands in front of the next page, nor node groups and add-ons in
//! front of the access entries. Where there are slots enough, sweeps leave one free, so that a person need not even wait for
//! one of their requests to end.
//!
//! A service that throttles is asked less at once by all: half as much after each refusal, and one more after a while
//! without. Knows nothing of what is requested.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::{Duration, Instant};

/// From so many slots on, sweeps leave one of them free.
const ENOUGH: usize = 4;

/// To whom a request goes; each service has lanes of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Eks,
    Iam,
    Sts,
    Kubernetes,
}

impl Service {
    /// As it is written in IAM actions and in the list of calls.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Service::Eks => "eks",
            Service::Iam => "iam",
            Service::Sts => "sts",
            Service::Kubernetes => "kubernetes",
        }
    }
}

/// Which of the waiting requests goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// A page of a list, or something asked once: others depend on it.
    Page,
    /// The content of an access entry: the rows seen first.
    Entry,
    /// The content of any other item.
    Detail,
}

/// For whom a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// A person waits for just this.
    Ahead,
    /// What is looked at rests on it.
    InView,
    /// It will be wanted.
    Later,
}

/// Ahead; pages in view, other pages; entries and other items in view; entries and other items.
const LANES: usize = 7;

fn lane(rank: Rank, urgency: Urgency) -> usize {
    match (urgency, rank) {
        (Urgency::Ahead, _) => 0,
        (Urgency::InView, Rank::Page) => 1,
        (Urgency::Later, Rank::Page) => 2,
        (Urgency::InView, Rank::Entry) => 3,
        (Urgency::InView, Rank::Detail) => 4,
        (Urgency::Later, Rank::Entry) => 5,
        (Urgency::Later, Rank::Detail) => 6,
    }
}

/// Refusals that come so close to each other are of requests that ran at once, and count as one.
const ONE_REFUSAL: Duration = Duration::from_secs(1);
/// After so long without a refusal it is as if there had been none.
const FORGOTTEN: Duration = Duration::from_secs(60);
/// After so many answers for each slot without a refusal there is one slot more.
const ANSWERS_PER_SLOT: usize = 8;

/// The lanes of one service. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Lanes(Arc<Mutex<Slots>>);

#[derive(Debug)]
struct Slots {
    /// How many requests run at once where nothing is throttled.
    most: usize,
    /// How many may run at once now; at least one.
    limit: usize,
    running: usize,
    /// How many slots must be free for a sweep to take one.
    left_by_sweeps: usize,
    /// Answers since the limit was last changed.
    answers: usize,
    refused: Option<Instant>,
    waiting: [VecDeque<oneshot::Sender<Permit>>; LANES],
}

impl Slots {
    /// What was refused long ago says nothing of now.
    fn forget(&mut self, now: Instant) {
        if self.refused.is_some_and(|at| now.saturating_duration_since(at) >= FORGOTTEN) {
            (self.limit, self.answers, self.refused) = (self.most, 0, None);
        }
    }

    /// Whose turn it is, if there is a slot for them.
    fn next(&mut self) -> Option<oneshot::Sender<Permit>> {
        for (lane, waiting) in self.waiting.iter_mut().enumerate() {
            // Where few run at once, a slot that is kept would be all there are.
            let kept = if lane == 0 || self.limit < ENOUGH { 0 } else { self.left_by_sweeps };
            while self.limit.saturating_sub(self.running) > kept
                && let Some(next) = waiting.pop_front()
            {
                // Others have stopped waiting.
                if !next.is_closed() {
                    self.running += 1;
                    return Some(next);
                }
            }
        }
        None
    }
}

/// A slot, which is given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Permit(Arc<Mutex<Slots>>);

impl Drop for Permit {
    fn drop(&mut self) {
        locked(&self.0).running -= 1;
        hand_out(&self.0);
    }
}

fn locked(slots: &Mutex<Slots>) -> MutexGuard<'_, Slots> {
    slots.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hand_out(slots: &Arc<Mutex<Slots>>) {
    loop {
        let next = locked(slots).next();
        let Some(next) = next else { return };
        // Whoever stops waiting just now drops it, and so gives it back.
        let _ = next.send(Permit(Arc::clone(slots)));
    }
}

impl Lanes {
    pub(crate) fn new(concurrency: usize) -> Self {
        let most = concurrency.max(1);
        let left_by_sweeps = usize::from(most >= ENOUGH);
        let (limit, running, answers, refused) = (most, 0, 0, None);
        let waiting = Default::default();
        Lanes(Arc::new(Mutex::new(Slots { most, limit, running, left_by_sweeps, answers, refused, waiting })))
    }

    /// Waits for a slot.
    pub(crate) async fn permit(&self, rank: Rank, urgency: Urgency) -> Option<Permit> {
        let (turn, waits) = oneshot::channel();
        {
            let mut slots = locked(&self.0);
            slots.forget(Instant::now());
            slots.waiting[lane(rank, urgency)].push_back(turn);
        }
        hand_out(&self.0);
        // Nobody is sent away, so there always is a permit in the end.
        waits.await.ok()
    }

    /// The service has refused a request because there were too many.
    pub(crate) fn throttled(&self, now: Instant) {
        let mut slots = locked(&self.0);
        slots.answers = 0;
        if slots.refused.is_none_or(|at| now.duration_since(at) >= ONE_REFUSAL) {
            slots.refused = Some(now);
            slots.limit = (slots.limit / 2).max(1);
        }
    }

    /// A request was answered.
    pub(crate) fn answered(&self) {
        let mut slots = locked(&self.0);
        slots.answers += 1;
        if slots.limit < slots.most && slots.answers >= slots.limit * ANSWERS_PER_SLOT {
            (slots.limit, slots.answers) = (slots.limit + 1, 0);
            drop(slots);
            hand_out(&self.0);
        }
    }

    /// How many requests run at once at most, where that is fewer than usual because the service throttles.
    pub(crate) fn pace(&self) -> Option<usize> {
        let slots = locked(&self.0);
        (slots.limit < slots.most).then_some(slots.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::Urgency::{Ahead, InView, Later};
    use super::*;
    use futures::FutureExt;
    use futures::future::BoxFuture;

    /// Stands in a lane until it is polled with success.
    fn wait(lanes: &Arc<Lanes>, rank: Rank, urgency: Urgency) -> BoxFuture<'static, Option<Permit>> {
        let lanes = Arc::clone(lanes);
        let mut waits = async move { lanes.permit(rank, urgency).await }.boxed();
        assert!(waits.as_mut().now_or_never().is_none(), "there is no slot left");
        waits
    }

    fn take(lanes: &Lanes, rank: Rank, urgency: Urgency) -> Option<Permit> {
        lanes.permit(rank, urgency).now_or_never().flatten()
    }

    #[test]
    fn the_next_free_slot_goes_to_the_first_lane_and_in_it_to_the_first_in_line() {
        let lanes = Arc::new(Lanes::new(1));
        let mut slot = take(&lanes, Rank::Detail, Later);
        let order = [
            ("detail 1", wait(&lanes, Rank::Detail, Later)),
            ("detail 2", wait(&lanes, Rank::Detail, Later)),
            ("entry 1", wait(&lanes, Rank::Entry, Later)),
            ("gave up", wait(&lanes, Rank::Page, Later)),
            ("page", wait(&lanes, Rank::Page, Later)),
            ("entry 2", wait(&lanes, Rank::Entry, Later)),
            ("detail in view", wait(&lanes, Rank::Detail, InView)),
            ("page in view", wait(&lanes, Rank::Page, InView)),
            ("ahead", wait(&lanes, Rank::Detail, Ahead)),
        ];
        let mut waiting: Vec<_> = order.into_iter().filter(|(name, _)| *name != "gave up").collect();
        let mut served = Vec::new();
        while !waiting.is_empty() {
            assert!(slot.take().is_some(), "one at a time");
            waiting.retain_mut(|(name, waits)| match waits.as_mut().now_or_never() {
                Some(permit) => {
                    assert!(slot.is_none(), "one at a time");
                    slot = permit;
                    served.push(*name);
                    false
                }
                None => true,
            });
        }
        assert_eq!(
            served,
            ["ahead", "page in view", "page", "detail in view", "entry 1", "entry 2", "detail 1", "detail 2"]
        );
        drop(slot);
        assert!(take(&lanes, Rank::Page, Later).is_some());
    }

    #[test]
    fn sweeps_leave_a_slot_where_there_are_enough_and_nobody_gets_more_than_there_are() {
        for (concurrency, for_sweeps) in [(0, 1), (1, 1), (3, 3), (4, 3), (8, 7)] {
            let lanes = Lanes::new(concurrency);
            let all = |urgency| std::iter::from_fn(|| take(&lanes, Rank::Page, urgency)).collect::<Vec<_>>();
            let sweeps = all(Later);
            let ahead = all(Ahead);
            assert_eq!(sweeps.len(), for_sweeps, "{concurrency}");
            assert_eq!(sweeps.len() + ahead.len(), concurrency.max(1));
            drop((sweeps, ahead));
            assert_eq!(all(Ahead).len(), concurrency.max(1), "they are given back");
        }
    }

    #[test]
    fn a_slot_that_came_for_somebody_who_had_gone_goes_on_to_the_next() {
        let lanes = Arc::new(Lanes::new(1));
        let slot = take(&lanes, Rank::Page, Later);
        let (first, mut second) = (wait(&lanes, Rank::Page, Later), wait(&lanes, Rank::Page, Later));
        drop(slot);
        drop(first);
        assert!(second.as_mut().now_or_never().flatten().is_some());
    }

    #[test]
    fn a_service_that_throttles_is_asked_less_at_once_and_then_more_again() {
        let (lanes, mut now) = (Lanes::new(8), Instant::now());
        let all = || std::iter::from_fn(|| take(&lanes, Rank::Page, Later)).collect::<Vec<_>>();
        let running = all();
        assert_eq!((running.len(), lanes.pace()), (7, None));
        // Requests that ran at once are refused at once.
        for _ in &running {
            lanes.throttled(now);
        }
        assert_eq!(lanes.pace(), Some(4));
        drop(running);
        assert_eq!(all().len(), 3);
        for pace in [2, 1, 1] {
            now += ONE_REFUSAL;
            lanes.throttled(now);
            assert_eq!(lanes.pace(), Some(pace));
        }
        let last = take(&lanes, Rank::Detail, Later);
        assert!(last.is_some() && all().is_empty(), "one goes on, and none beside it");
        drop(last);
        for pace in 2..8 {
            for _ in 0..(pace - 1) * ANSWERS_PER_SLOT {
                assert_eq!(lanes.pace(), Some(pace - 1));
                lanes.answered();
            }
        }
        assert_eq!(lanes.pace(), Some(7));
        (0..7 * ANSWERS_PER_SLOT).for_each(|_| lanes.answered());
        assert_eq!((lanes.pace(), all().len()), (None, 7));
        now += ONE_REFUSAL;
        lanes.throttled(now);
        locked(&lanes.0).forget(now + FORGOTTEN / 2);
        assert_eq!(lanes.pace(), Some(4));
        locked(&lanes.0).forget(now + FORGOTTEN);
        assert_eq!((lanes.pace(), all().len()), (None, 7), "even where nothing was answered since");
    }
}
