//! How many requests run at once, and which goes first.
//!
//! Each service has a fixed number of slots, and whoever waits for one stands in a lane. A slot that becomes free goes to
//! the first lane in which somebody waits: what a person is waiting for, pages of lists, access entries, all other
//! items. So a sweep of thousands never stands in front of the next page, nor node groups and add-ons in front of the
//! access entries. Where there are slots enough, sweeps leave one free, so that a person need not even wait for one of
//! their requests to end. Knows nothing of what is requested.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

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

/// Those whom somebody waits for, and one for each [`Rank`].
const LANES: usize = 4;

/// The lanes of one service.
#[derive(Debug)]
pub(crate) struct Lanes(Arc<Mutex<Slots>>);

#[derive(Debug)]
struct Slots {
    free: usize,
    /// How many must be free for a sweep to take one.
    left_by_sweeps: usize,
    waiting: [VecDeque<oneshot::Sender<Permit>>; LANES],
}

impl Slots {
    /// Whose turn it is, if there is a slot for them.
    fn next(&mut self) -> Option<oneshot::Sender<Permit>> {
        for (lane, waiting) in self.waiting.iter_mut().enumerate() {
            let kept = if lane == 0 { 0 } else { self.left_by_sweeps };
            while self.free > kept
                && let Some(next) = waiting.pop_front()
            {
                // Others have stopped waiting.
                if !next.is_closed() {
                    self.free -= 1;
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
        locked(&self.0).free += 1;
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
        let free = concurrency.max(1);
        let left_by_sweeps = usize::from(free >= ENOUGH);
        Lanes(Arc::new(Mutex::new(Slots { free, left_by_sweeps, waiting: Default::default() })))
    }

    /// Waits for a slot.
    pub(crate) async fn permit(&self, rank: Rank, ahead: bool) -> Option<Permit> {
        let (turn, waits) = oneshot::channel();
        let lane = if ahead { 0 } else { 1 + rank as usize };
        locked(&self.0).waiting[lane].push_back(turn);
        hand_out(&self.0);
        // Nobody is sent away, so there always is a permit in the end.
        waits.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use futures::future::BoxFuture;

    /// Stands in a lane until it is polled with success.
    fn wait(lanes: &Arc<Lanes>, rank: Rank, ahead: bool) -> BoxFuture<'static, Option<Permit>> {
        let lanes = Arc::clone(lanes);
        let mut waits = async move { lanes.permit(rank, ahead).await }.boxed();
        assert!(waits.as_mut().now_or_never().is_none(), "there is no slot left");
        waits
    }

    fn take(lanes: &Lanes, rank: Rank, ahead: bool) -> Option<Permit> {
        lanes.permit(rank, ahead).now_or_never().flatten()
    }

    #[test]
    fn the_next_free_slot_goes_to_the_first_lane_and_in_it_to_the_first_in_line() {
        let lanes = Arc::new(Lanes::new(1));
        let mut slot = take(&lanes, Rank::Detail, false);
        let order = [
            ("detail 1", wait(&lanes, Rank::Detail, false)),
            ("detail 2", wait(&lanes, Rank::Detail, false)),
            ("entry 1", wait(&lanes, Rank::Entry, false)),
            ("gave up", wait(&lanes, Rank::Page, false)),
            ("page", wait(&lanes, Rank::Page, false)),
            ("entry 2", wait(&lanes, Rank::Entry, false)),
            ("ahead", wait(&lanes, Rank::Detail, true)),
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
        assert_eq!(served, ["ahead", "page", "entry 1", "entry 2", "detail 1", "detail 2"]);
        drop(slot);
        assert!(take(&lanes, Rank::Page, false).is_some());
    }

    #[test]
    fn sweeps_leave_a_slot_where_there_are_enough_and_nobody_gets_more_than_there_are() {
        for (concurrency, for_sweeps) in [(0, 1), (1, 1), (3, 3), (4, 3), (8, 7)] {
            let lanes = Lanes::new(concurrency);
            let all = |ahead| std::iter::from_fn(|| take(&lanes, Rank::Page, ahead)).collect::<Vec<_>>();
            let sweeps = all(false);
            let ahead = all(true);
            assert_eq!(sweeps.len(), for_sweeps, "{concurrency}");
            assert_eq!(sweeps.len() + ahead.len(), concurrency.max(1));
            drop((sweeps, ahead));
            assert_eq!(all(true).len(), concurrency.max(1), "they are given back");
        }
    }

    #[test]
    fn a_slot_that_came_for_somebody_who_had_gone_goes_on_to_the_next() {
        let lanes = Arc::new(Lanes::new(1));
        let slot = take(&lanes, Rank::Page, false);
        let (first, mut second) = (wait(&lanes, Rank::Page, false), wait(&lanes, Rank::Page, false));
        drop(slot);
        drop(first);
        assert!(second.as_mut().now_or_never().flatten().is_some());
    }
}
