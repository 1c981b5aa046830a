//! Lists read to their end, and the content of what they name.
//!
//! Decides how a list becomes a section: pages one after the other, the items of the first being read while the second
//! is fetched; rows shown as they come, but not more often than an eye can follow; what is missing at the end, and when
//! to give up. Knows nothing of what is listed.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::future::Future;

use futures::future::{BoxFuture, FutureExt};
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, sleep_until};

use super::crew::Slot;
use super::now;
use crate::cloud::{Page, PageTurns, PageWeight};
use crate::model::failure::{Failure, FailureKind};
use crate::model::snapshot::{Missing, Section};
use crate::model::update::Update;

/// Rows are sent no more often than this.
const SHOWN_EVERY: Duration = Duration::from_millis(50);
/// So many rows cost a millisecond more, for each news holds all of them.
const ROWS_PER_MILLISECOND: usize = 10;
/// Of longer lists the news say only how far they are: each is held here until it is whole, and a copy of all that came
/// would be a second one for a moment's look.
const MOST_SHOWN: usize = 5_000;
/// Nor do they bring rows while so much news is unread: each would wait with a copy of its own for a reader that is behind.
const MOST_UNREAD: usize = 8;

/// No name is longer, and the SDK panics at a URL that is.
const LONGEST_NAME: usize = 4096;

fn unusable_name(name: &str, weight: &PageWeight) -> Failure {
    Failure {
        kind: FailureKind::Unexpected,
        doing: weight.doing.to_owned(),
        on: weight.on.clone(),
        code: None,
        message: format!("one of the names has {} bytes ({} answered)", name.len(), weight.host),
    }
}

/// Rows on their way to the reader of the news.
pub(super) struct Feed<T> {
    tx: mpsc::Sender<Update>,
    slot: Slot<Vec<T>>,
    due: Option<Instant>,
}

impl<T> Feed<T> {
    pub(super) fn new(tx: mpsc::Sender<Update>, slot: Slot<Vec<T>>) -> Self {
        Feed { tx, slot, due: None }
    }

    /// From when on new rows may be sent; the first ones at once.
    fn due(&self) -> Instant {
        self.due.unwrap_or_else(Instant::now)
    }

    /// Shows what came so far, or only how much that is.
    async fn show(&mut self, done: usize, total: Option<usize>, rows: impl FnOnce() -> Vec<T>) {
        let is_behind = self.tx.max_capacity() - self.tx.capacity() > MOST_UNREAD;
        let rows = (done <= MOST_SHOWN && !is_behind).then(rows);
        let copied = rows.as_ref().map_or(0, Vec::len);
        let pause = SHOWN_EVERY + Duration::from_millis((copied / ROWS_PER_MILLISECOND) as u64);
        let _ = self.tx.send(self.slot.put(Section::loading(rows, done, total))).await;
        self.due = Some(Instant::now() + pause);
    }

    /// Shows what came so far of a list of unknown length, unless it was shown a moment ago.
    pub(super) async fn show_when_due(&mut self, done: usize, rows: impl FnOnce() -> Vec<T>) {
        if self.due() <= Instant::now() {
            self.show(done, None, rows).await;
        }
    }
}

/// What became of reading one listed item.
pub(super) enum Read<T> {
    /// It is there.
    Whole(T),
    /// It is there, but for a part of it.
    Partly(T, Failure),
    /// It went away after it was listed.
    Gone,
    /// It is there, but could not be read.
    Failed(Failure),
}

impl<T> From<Result<Option<T>, Failure>> for Read<T> {
    fn from(result: Result<Option<T>, Failure>) -> Self {
        match result {
            Ok(Some(it)) => Read::Whole(it),
            Ok(None) => Read::Gone,
            Err(failure) => Read::Failed(failure),
        }
    }
}

/// After such a failure the next request would fail in the same way, perhaps after a long wait.
fn is_hopeless(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Expired | FailureKind::NoCredentials | FailureKind::Unreachable)
}

enum Done<T> {
    Page(Result<Page<String>, Failure>),
    Item(usize, String, Read<T>),
}

/// Reads all pages of a list of names, and what each name stands for, `width` of them at once.
pub(super) async fn sweep<'a, T, L, R>(
    mut feed: Feed<T>,
    width: usize,
    list: impl Fn(Option<String>) -> L,
    read: impl Fn(String) -> R,
) -> Section<Vec<T>>
where
    T: Clone + Send + 'a,
    L: Future<Output = Result<Page<String>, Failure>> + Send + 'a,
    R: Future<Output = Read<T>> + Send + 'a,
{
    let mut work: FuturesUnordered<BoxFuture<'a, Done<T>>> = FuturesUnordered::new();
    let mut waiting: VecDeque<(usize, String)> = VecDeque::new();
    let mut found: BTreeMap<usize, T> = BTreeMap::new();
    let mut missing: Vec<Missing> = Vec::new();
    let (mut listed, mut reading, mut listing, mut unseen) = (0, 0, true, false);
    let mut hopeless: Option<Failure> = None;
    let (mut turns, mut known) = (PageTurns::default(), HashSet::new());
    work.push(list(None).map(Done::Page).boxed());
    loop {
        while reading < width
            && hopeless.is_none()
            && let Some((at, name)) = waiting.pop_front()
        {
            reading += 1;
            let item = read(name.clone());
            work.push(async move { Done::Item(at, name, item.await) }.boxed());
        }
        let done = tokio::select! {
            done = work.next() => done,
            () = sleep_until(feed.due()), if unseen => {
                unseen = false;
                let total = (!listing).then_some(listed);
                feed.show(found.len(), total, || found.values().cloned().collect()).await;
                continue;
            }
        };
        match done {
            None => break,
            Some(Done::Page(Ok(page))) => {
                let next = turns.follow(&page);
                missing.extend(page.missing);
                for name in page.items {
                    if name.len() > LONGEST_NAME {
                        missing.push(Missing { item: None, failure: unusable_name(&name, &page.weight) });
                        continue;
                    }
                    // What pages name twice is there once.
                    if known.insert(name.clone()) {
                        waiting.push_back((listed, name));
                        listed += 1;
                    }
                }
                match next {
                    Ok(Some(next)) => work.push(list(Some(next)).map(Done::Page).boxed()),
                    Ok(None) => listing = false,
                    Err(failure) => missing.push(Missing { item: None, failure }),
                }
            }
            Some(Done::Page(Err(failure))) if listed == 0 => return Section::failed(failure),
            Some(Done::Page(Err(failure))) => missing.push(Missing { item: None, failure }),
            Some(Done::Item(at, name, read)) => {
                reading -= 1;
                let failure = match read {
                    Read::Whole(it) => {
                        found.insert(at, it);
                        unseen = true;
                        continue;
                    }
                    Read::Partly(it, failure) => {
                        found.insert(at, it);
                        unseen = true;
                        failure
                    }
                    Read::Gone => continue,
                    Read::Failed(failure) => failure,
                };
                if is_hopeless(&failure) {
                    hopeless.get_or_insert_with(|| failure.clone());
                }
                missing.push(Missing { item: Some(name), failure });
            }
        }
    }
    if let Some(failure) = hopeless {
        missing.extend(waiting.into_iter().map(|(_, name)| Missing { item: Some(name), failure: failure.clone() }));
    }
    Section::partial(found.into_values().collect(), now(), missing)
}

/// Reads all pages of a list that holds its items whole.
pub(super) async fn pages<T, L>(mut feed: Feed<T>, list: impl Fn(Option<String>) -> L) -> Section<Vec<T>>
where
    T: Clone,
    L: Future<Output = Result<Page<T>, Failure>>,
{
    let (mut items, mut missing) = (Vec::new(), Vec::new());
    let (mut next, mut turns) = (None, PageTurns::default());
    loop {
        match list(next).await {
            Ok(page) => {
                let follows = turns.follow(&page);
                items.extend(page.items);
                missing.extend(page.missing);
                next = match follows {
                    Ok(next) => next,
                    Err(failure) => {
                        missing.push(Missing { item: None, failure });
                        None
                    }
                };
                if next.is_none() {
                    items.shrink_to_fit();
                    return Section::partial(items, now(), missing);
                }
                if feed.due() <= Instant::now() {
                    let total = page.remaining.map(|remaining| items.len() + remaining);
                    feed.show(items.len(), total, || items.clone()).await;
                }
            }
            Err(failure) if items.is_empty() && missing.is_empty() => return Section::failed(failure),
            Err(failure) => {
                missing.push(Missing { item: None, failure });
                return Section::partial(items, now(), missing);
            }
        }
    }
}

/// All pages of a list, and what is missing of it: items that could not be read, or its end.
pub(super) async fn whole_list<T, L>(list: impl Fn(Option<String>) -> L) -> (Vec<T>, Vec<Missing>)
where
    L: Future<Output = Result<Page<T>, Failure>>,
{
    let (mut items, mut missing) = (Vec::new(), Vec::new());
    let (mut next, mut turns) = (None, PageTurns::default());
    loop {
        let page = list(next).await.and_then(|page| {
            let next = turns.follow(&page);
            items.extend(page.items);
            missing.extend(page.missing);
            next
        });
        match page {
            Ok(Some(token)) => next = Some(token),
            Ok(None) => return (items, missing),
            Err(failure) => {
                missing.push(Missing { item: None, failure });
                return (items, missing);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cluster::ClusterId;
    use crate::model::snapshot::State;

    #[tokio::test]
    async fn of_a_long_list_the_news_say_only_how_far_it_is() {
        let (tx, mut rx) = mpsc::channel(4);
        let mut feed = Feed::new(tx, Slot::new(Update::Clusters));
        let id = ClusterId { region: "r".into(), name: "c".into() };
        feed.show(MOST_SHOWN, None, || vec![id; MOST_SHOWN]).await;
        feed.show(MOST_SHOWN + 1, Some(9_000), || panic!("a long list is not copied")).await;
        let mut next = || match rx.try_recv() {
            Ok(Update::Clusters(section)) => section,
            other => panic!("{other:?}"),
        };
        assert_eq!(next().items().len(), MOST_SHOWN);
        let further = next();
        assert_eq!(*further.state(), State::Loading { done: MOST_SHOWN + 1, total: Some(9_000) });
        assert_eq!(further.value(), None);
    }

    #[tokio::test]
    async fn a_reader_that_is_behind_is_sent_no_copies() {
        let (tx, mut rx) = mpsc::channel(4 * MOST_UNREAD);
        let mut feed = Feed::new(tx, Slot::new(Update::Clusters));
        let id = ClusterId { region: "r".into(), name: "c".into() };
        for done in 1..=2 * MOST_UNREAD {
            feed.show(done, None, || vec![id.clone(); done]).await;
        }
        let mut next = || match rx.try_recv() {
            Ok(Update::Clusters(section)) => Some(section),
            _ => None,
        };
        let with_rows = std::iter::from_fn(&mut next).filter(|it| it.value().is_some()).count();
        assert_eq!(with_rows, MOST_UNREAD + 1);
        feed.show(99, None, || vec![id; 99]).await;
        let Ok(Update::Clusters(section)) = rx.try_recv() else { panic!("it has caught up") };
        assert_eq!(section.items().len(), 99);
    }
}
