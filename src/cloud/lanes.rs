//! How many requests run at once, and which goes first.
//!
//! Each service has a fixed number of slots. Requests for the pages of a list go straight for them; requests for the
//! content of single items pass a turnstile first, one at a time, so that a sweep of thousands never stands in front
//! of the next page, nor node groups and add-ons in front of the access entries. What a person is waiting for has
//! slots of its own. Knows nothing of what is requested.

use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

/// Slots for what a person is waiting for, beside those of the sweeps.
const AHEAD: usize = 4;

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

/// The lanes of one service.
#[derive(Debug)]
pub(crate) struct Lanes {
    slots: Semaphore,
    entries: Mutex<()>,
    details: Mutex<()>,
    ahead: Semaphore,
}

impl Lanes {
    pub(crate) fn new(concurrency: usize) -> Self {
        Lanes {
            slots: Semaphore::new(concurrency.max(1)),
            entries: Mutex::new(()),
            details: Mutex::new(()),
            ahead: Semaphore::new(AHEAD),
        }
    }

    /// Waits for a slot; it is given back when the permit is dropped.
    pub(crate) async fn permit(&self, rank: Rank, ahead: bool) -> Option<SemaphorePermit<'_>> {
        // The semaphores are never closed, so there always is a permit in the end.
        if ahead {
            return self.ahead.acquire().await.ok();
        }
        let _details = if rank == Rank::Detail { Some(self.details.lock().await) } else { None };
        let _entries = if rank >= Rank::Entry { Some(self.entries.lock().await) } else { None };
        self.slots.acquire().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn a_page_stands_behind_at_most_one_item_and_entries_before_details() {
        let lanes = Lanes::new(1);
        let first = lanes.permit(Rank::Detail, false).now_or_never().flatten();
        assert!(first.is_some());
        let mut details: Vec<_> = (0..3).map(|_| Box::pin(lanes.permit(Rank::Detail, false))).collect();
        let mut entries: Vec<_> = (0..3).map(|_| Box::pin(lanes.permit(Rank::Entry, false))).collect();
        let mut page = Box::pin(lanes.permit(Rank::Page, false));
        for waiting in details.iter_mut().chain(&mut entries) {
            assert!(waiting.as_mut().now_or_never().is_none());
        }
        assert!(page.as_mut().now_or_never().is_none());
        assert!(lanes.permit(Rank::Detail, true).now_or_never().flatten().is_some(), "ahead has slots of its own");

        drop(first);
        let second = details[0].as_mut().now_or_never().flatten();
        assert!(second.is_some(), "the one that had passed the turnstiles");
        assert!(entries[0].as_mut().now_or_never().is_none(), "passes the turnstile, stands behind the page");
        drop(second);
        let third = page.as_mut().now_or_never().flatten();
        assert!(third.is_some(), "the page, before all the items that came earlier");
        assert!(details[1].as_mut().now_or_never().is_none());
        drop(third);
        assert!(entries[0].as_mut().now_or_never().flatten().is_some(), "entries before details");
    }
}
