//! Watches: what becomes of the objects of a kind, sent as it happens.
//!
//! Decides what a watch begins with (everything, or what changed after the version that it names), which event a change is for
//! whoever selects by labels or fields, when bookmarks are sent, and when it ends. A watch reads the world as every
//! other reader does, so what is written is seen after the lab's lag. What was allowed at its start stays so until its end, as
//! with the API server. Which changes there were is `world::history`'s.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{Stream, unfold};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::super::State;
use super::super::world::World;
use super::form::ObjectForm;
use super::resources::{self, Kind};
use super::selector::Selection;
use super::status::Status;
use crate::model::cluster::ClusterId;
use crate::model::document::Manifest;

/// How often a watch that takes bookmarks gets one though nothing happens.
const BOOKMARK_INTERVAL: Duration = Duration::from_secs(60);
/// How long a watch lasts that does not say so. The API server takes 30 to 60 minutes.
const DEFAULT_DURATION: Duration = Duration::from_secs(30 * 60);
/// How often a lagging lab is looked at while a write is on its way.
const LAG_STEP: Duration = Duration::from_millis(20);

/// What a watch asks for.
#[derive(Debug)]
pub(super) struct WatchRequest {
    pub(super) kind: Kind,
    /// Empty is all.
    pub(super) namespace: String,
    pub(super) selection: Selection,
    pub(super) form: ObjectForm,
    /// Events after this version; `None` begins with all objects.
    pub(super) after: Option<u64>,
    /// All objects first, then a bookmark that says so.
    pub(super) sends_initial: bool,
    pub(super) bookmarks: bool,
    pub(super) duration: Option<Duration>,
}

impl WatchRequest {
    /// Reads the parameters of a watch.
    pub(super) fn read(
        kind: Kind,
        namespace: &str,
        selection: Selection,
        form: ObjectForm,
        value: impl Fn(&str) -> Option<String>,
    ) -> Result<WatchRequest, Status> {
        let is_true = |name: &str| value(name).is_some_and(|it| it == "true" || it == "1");
        let number = |name: &str| match value(name).map(|it| it.parse::<u64>()) {
            None => Ok(None),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(_)) => Err(Status::bad_request(&format!("{name} must be a number"))),
        };
        let sends_initial = is_true("sendInitialEvents");
        if sends_initial && value("resourceVersionMatch").as_deref() != Some("NotOlderThan") {
            return Err(Status::bad_request("sendInitialEvents requires resourceVersionMatch=NotOlderThan"));
        }
        // Version 0 is any: what there is now will do.
        let after = number("resourceVersion")?.filter(|it| *it != 0 && !sends_initial);
        let duration = number("timeoutSeconds")?.filter(|it| *it != 0).map(Duration::from_secs);
        let (namespace, bookmarks) = (namespace.to_owned(), is_true("allowWatchBookmarks"));
        Ok(WatchRequest { kind, namespace, selection, form, after, sends_initial, bookmarks, duration })
    }
}

/// The events of a watch, each a line of JSON.
pub(super) fn events(state: Arc<State>, id: ClusterId, request: WatchRequest) -> impl Stream<Item = String> + Send {
    let deadline = Instant::now() + request.duration.unwrap_or(DEFAULT_DURATION);
    // Whatever is written from here on wakes it.
    let written = state.written.subscribe();
    let next_bookmark = Instant::now() + BOOKMARK_INTERVAL;
    let watching = Watching {
        cursor: request.after,
        heads: true,
        state,
        id,
        request,
        written,
        deadline,
        next_bookmark,
        queue: VecDeque::new(),
        has_ended: false,
    };
    unfold(watching, |mut it| async move {
        loop {
            if let Some(line) = it.queue.pop_front() {
                return Some((line, it));
            }
            if it.has_ended {
                return None;
            }
            it.catch_up();
            if it.queue.is_empty() && !it.has_ended {
                it.wait().await;
            }
        }
    })
}

/// A watch that goes on.
struct Watching {
    state: Arc<State>,
    id: ClusterId,
    request: WatchRequest,
    written: watch::Receiver<u64>,
    /// All up to this version was sent; `None` is nothing yet.
    cursor: Option<u64>,
    deadline: Instant,
    next_bookmark: Instant,
    /// Lines that are to be sent.
    queue: VecDeque<String>,
    /// Of a table, the heads of the columns are still to be sent.
    heads: bool,
    has_ended: bool,
}

impl Watching {
    /// Queues what has happened since the last time.
    fn catch_up(&mut self) {
        let world = self.state.world();
        let (Some(history), Some(cluster)) = (world.history(&self.id), world.kubernetes(&self.id)) else {
            self.has_ended = true;
            return;
        };
        let version = history.version();
        match self.cursor {
            None => {
                let objects = resources::objects(cluster, &self.request.kind, &self.request.namespace);
                let objects: Vec<Value> = objects.map(|it| it.render(cluster)).collect();
                for object in objects.into_iter().filter(|it| self.request.selection.fits(it)).collect::<Vec<_>>() {
                    self.send("ADDED", object);
                }
                if self.request.sends_initial && self.request.bookmarks {
                    self.send_bookmark(version, true);
                }
            }
            Some(cursor) => {
                let Some(changes) = history.since(cursor) else {
                    let gone = Status::expired(&format!("too old resource version: {cursor} ({version})"));
                    self.queue.push_back(line("ERROR", &gone.body()));
                    self.has_ended = true;
                    return;
                };
                let all: Vec<_> = changes
                    .map(|it| (it.version, self.seen(&world, &it.before), self.seen(&world, &it.after)))
                    .collect();
                for (version, before, after) in all {
                    match (before, after) {
                        (None, Some(after)) => self.send("ADDED", after),
                        (Some(_), Some(after)) => self.send("MODIFIED", after),
                        (Some(mut before), None) => {
                            // As it was last, under the version of its end.
                            if let Some(at) = before.pointer_mut("/metadata/resourceVersion") {
                                *at = Value::from(version.to_string());
                            }
                            self.send("DELETED", before);
                        }
                        (None, None) => {}
                    }
                }
            }
        }
        // A version that is still to come, as one from before a restart, is waited for.
        self.cursor = Some(version.max(self.cursor.unwrap_or_default()));
    }

    /// The object of a change, if this watch sees it.
    fn seen(&self, world: &World, manifest: &Option<Manifest>) -> Option<Value> {
        let manifest = manifest.as_ref()?;
        let WatchRequest { kind, namespace, selection, .. } = &self.request;
        let metadata = resources::metadata_if(manifest, kind)?;
        let is_here = !kind.namespaced || namespace.is_empty() || metadata.namespace.as_ref() == Some(namespace);
        let object = is_here.then(|| Some(resources::render(manifest, world.kubernetes(&self.id)?)))??;
        selection.fits(&object).then_some(object)
    }

    fn send(&mut self, kind: &str, object: Value) {
        let object = self.request.form.one(&self.request.kind, object, self.heads);
        self.heads = false;
        self.queue.push_back(line(kind, &object));
    }

    fn send_bookmark(&mut self, version: u64, is_end_of_initial: bool) {
        let object = self.request.form.bookmark(&self.request.kind, version, is_end_of_initial);
        self.queue.push_back(line("BOOKMARK", &object));
    }

    /// Waits until something was written, or it is time for a bookmark or for the end.
    async fn wait(&mut self) {
        let lags = self.state.has_unseen_writes();
        let mut is_due = false;
        tokio::select! {
            changed = self.written.changed() => self.has_ended |= changed.is_err(),
            () = sleep(LAG_STEP), if lags => {}
            () = sleep_until(self.next_bookmark), if self.request.bookmarks => is_due = true,
            () = sleep_until(self.deadline) => {
                is_due = true;
                self.has_ended = true;
            }
        }
        if is_due {
            self.next_bookmark = Instant::now() + BOOKMARK_INTERVAL;
            if let Some(version) = self.cursor.filter(|_| self.request.bookmarks) {
                self.send_bookmark(version, false);
            }
        }
    }
}

fn line(kind: &str, object: &Value) -> String {
    let mut line = json!({ "type": kind, "object": object }).to_string();
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::clock::Clock;
    use crate::lab::faults::Faults;
    use crate::lab::world::timeline::Timeline;
    use crate::model::document::read;
    use crate::model::rbac::{Metadata, Namespace};
    use crate::model::time::Time;
    use futures::stream::StreamExt as _;
    use std::pin::pin;

    const LAG: Duration = Duration::from_secs(3);

    fn id() -> ClusterId {
        ClusterId { region: "eu-west-1".into(), name: "c".into() }
    }

    fn state() -> Arc<State> {
        let world = World::new(read("eksplorer: 1\nregion: eu-west-1\nclusters: [{cluster: {name: c}}]").unwrap());
        Arc::new(State {
            timeline: Timeline::new(world, LAG),
            faults: Faults::default(),
            clock: Clock::stepped(Time::from_epoch(1_700_000_000.0).unwrap()),
            latency: Duration::ZERO,
            seed: 0,
            page_size: None,
            desk: Default::default(),
            requests: 1.into(),
            written: watch::Sender::new(0),
        })
    }

    fn create(state: &State, names: impl Iterator<Item = String>) {
        let created = |name| {
            let metadata = Metadata { name, ..Metadata::default() };
            (None, Some(Manifest::Namespace(Namespace { metadata, ..Namespace::default() })))
        };
        let changes = names.map(created).collect();
        let done: Result<(), ()> = state.write_objects(|world| Ok(((), Some(world.with_objects(&id(), changes)))));
        assert_eq!(done, Ok(()));
    }

    fn events_after(state: &Arc<State>, version: &str) -> impl Stream<Item = Value> {
        let world = state.world();
        let served = super::super::discovery::served(world.kubernetes(&id()).unwrap());
        let kind = resources::find(served, "", "v1", "namespaces").unwrap();
        let version = version.to_owned();
        let value = |name: &str| (name == "resourceVersion").then(|| version.clone());
        let request = WatchRequest::read(kind, "", Selection::default(), ObjectForm::Whole, value).unwrap();
        events(state.clone(), id(), request).map(|line| serde_json::from_str(&line).unwrap())
    }

    #[tokio::test]
    async fn a_write_is_seen_after_the_lag() {
        let state = state();
        let mut events = pin!(events_after(&state, "1"));
        create(&state, ["a".to_owned()].into_iter());
        tokio::select! {
            biased;
            event = events.next() => panic!("{event:?} is seen too soon"),
            () = tokio::task::yield_now() => {}
        }
        state.clock.step(LAG);
        let event = events.next().await.unwrap();
        let metadata = &event["object"]["metadata"];
        assert_eq!(
            (&event["type"], &metadata["name"], &metadata["resourceVersion"]),
            (&json!("ADDED"), &json!("a"), &json!("2"))
        );
    }

    #[tokio::test]
    async fn a_watch_from_long_ago_is_told_that_it_is_too_old() {
        let state = state();
        create(&state, (0..1100).map(|it| format!("n{it}")));
        state.clock.step(LAG);
        let all: Vec<Value> = events_after(&state, "5").collect().await;
        let [event] = &all[..] else { panic!("{} events", all.len()) };
        assert_eq!(
            (&event["type"], &event["object"]["code"], &event["object"]["reason"]),
            (&json!("ERROR"), &json!(410), &json!("Expired"))
        );
    }
}
