//! The world through time: who writes comes one after the other, and who reads sees what has come through by then.
//!
//! Decides that a write is judged by the newest world, and is seen by every protocol at once, after the lag. Readers hold
//! a moment of the world and never wait for a writer.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use serde_json::Value;

use super::World;

/// The moments of a world that somebody may still see.
#[derive(Debug)]
pub(in crate::lab) struct Timeline {
    lag: Duration,
    moments: RwLock<Moments>,
    /// Held by whoever writes.
    memory: Mutex<Memory>,
}

#[derive(Debug)]
struct Moments {
    /// Seen by everybody whose time has not come for any later one.
    oldest: Arc<World>,
    /// With when each is seen, the oldest first.
    later: VecDeque<(Duration, Arc<World>)>,
}

/// What writers remember beside the world itself.
#[derive(Debug, Default)]
pub(in crate::lab) struct Memory {
    /// What was answered to which request token, for what.
    tokens: BTreeMap<(String, String), (Value, Value)>,
    /// How many ids were given out.
    ids: u64,
}

/// How many request tokens are remembered at most. AWS forgets them too, after a day.
const MOST_TOKENS: usize = 10_000;

impl Memory {
    /// What was asked and answered under a request token.
    pub(in crate::lab) fn answered(&self, account: &str, token: &str) -> Option<&(Value, Value)> {
        self.tokens.get(&(account.to_owned(), token.to_owned()))
    }

    /// Remembers what was asked and answered under a request token.
    pub(in crate::lab) fn remember(&mut self, account: &str, token: &str, asked: Value, answer: Value) {
        if self.tokens.len() >= MOST_TOKENS {
            self.tokens.clear();
        }
        self.tokens.insert((account.to_owned(), token.to_owned()), (asked, answer));
    }

    /// A number that was not given before.
    pub(in crate::lab) fn next_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }
}

impl Timeline {
    pub(in crate::lab) fn new(world: World, lag: Duration) -> Timeline {
        let moments = Moments { oldest: Arc::new(world), later: VecDeque::new() };
        Timeline { lag, moments: RwLock::new(moments), memory: Mutex::default() }
    }

    /// The world that is seen at a time: whoever holds it sees no later write.
    pub(in crate::lab) fn seen(&self, at: Duration) -> Arc<World> {
        let moments = self.moments.read().unwrap_or_else(PoisonError::into_inner);
        let come = moments.later.iter().rev().find(|(seen, _)| *seen <= at);
        come.map_or(&moments.oldest, |(_, world)| world).clone()
    }

    /// The world after all that was written.
    pub(in crate::lab) fn newest(&self) -> Arc<World> {
        self.seen(Duration::MAX)
    }

    /// Writes: judges by the newest world, and puts the next one after it if there is to be one. `now` is asked when it is
    /// this writer's turn.
    pub(in crate::lab) fn write<T, E>(
        &self,
        now: impl FnOnce() -> Duration,
        change: impl FnOnce(&World, &mut Memory) -> Result<(T, Option<World>), E>,
    ) -> Result<T, E> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = self.newest();
        let (answer, next) = change(&newest, &mut memory)?;
        if let Some(next) = next {
            let now = now();
            let mut moments = self.moments.write().unwrap_or_else(PoisonError::into_inner);
            // What nobody can see any more is let go.
            while let Some((_, come)) = moments.later.pop_front_if(|(seen, _)| *seen <= now) {
                moments.oldest = come;
            }
            moments.later.push_back((now.saturating_add(self.lag), Arc::new(next)));
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cluster::ClusterId;
    use crate::model::document::read;

    const SECOND: Duration = Duration::from_secs(1);

    fn id() -> ClusterId {
        ClusterId { region: "eu-west-1".into(), name: "c".into() }
    }

    fn timeline(lag: Duration) -> Timeline {
        Timeline::new(
            World::new(read("eksplorer: 1\nregion: eu-west-1\nclusters: [{cluster: {name: c}}]").unwrap()),
            lag,
        )
    }

    /// Writes a tag at a time.
    fn tag(timeline: &Timeline, at: Duration, key: &str) {
        let written = timeline.write(
            || at,
            |world, _| {
                let mut next = world.cluster(&id()).unwrap().clone();
                next.cluster.tags.insert(key.to_owned(), String::new());
                Ok::<_, ()>(((), Some(world.with_cluster(&id(), next))))
            },
        );
        assert_eq!(written, Ok(()));
    }

    fn tags(world: &World) -> String {
        world.cluster(&id()).unwrap().cluster.tags.keys().cloned().collect::<Vec<_>>().join(",")
    }

    #[test]
    fn without_a_lag_a_write_is_seen_at_once() {
        let timeline = timeline(Duration::ZERO);
        let before = timeline.seen(SECOND);
        tag(&timeline, SECOND, "a");
        assert_eq!((tags(&before).as_str(), tags(&timeline.seen(SECOND)).as_str()), ("", "a"));
    }

    #[test]
    fn with_a_lag_each_write_comes_through_in_its_turn() {
        let timeline = timeline(3 * SECOND);
        tag(&timeline, SECOND, "a");
        tag(&timeline, 2 * SECOND, "b");
        for (at, expected) in [(1, ""), (3, ""), (4, "a"), (5, "a,b"), (9, "a,b")] {
            assert_eq!(tags(&timeline.seen(at * SECOND)), expected, "at {at}");
        }
        assert_eq!(tags(&timeline.newest()), "a,b", "writers see all of it");
        tag(&timeline, 4 * SECOND, "c");
        assert_eq!(tags(&timeline.seen(4 * SECOND)), "a");
        tag(&timeline, 9 * SECOND, "d");
        assert_eq!(timeline.moments.read().unwrap().later.len(), 1, "what nobody can see is let go");
        assert_eq!(tags(&timeline.seen(9 * SECOND)), "a,b,c");
    }

    #[test]
    fn writers_from_many_threads_lose_nothing() {
        let timeline = timeline(Duration::ZERO);
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let timeline = &timeline;
                scope.spawn(move || (0..25).for_each(|n| tag(timeline, SECOND, &format!("{writer}-{n}"))));
            }
        });
        assert_eq!(timeline.newest().cluster(&id()).unwrap().cluster.tags.len(), 100);
    }

    #[test]
    fn a_write_that_fails_changes_nothing() {
        let timeline = timeline(Duration::ZERO);
        assert_eq!(timeline.write(|| SECOND, |_, _| Err::<((), Option<World>), _>("no")), Err("no"));
        assert!(timeline.moments.read().unwrap().later.is_empty());
    }
}
