//! Tasks that each bring one section, joined to the last one.
//!
//! Decides that a task which ends without its section, by a panic, leaves a failed section and not one that loads for
//! ever. Dropping the crew ends its tasks.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::{Id, JoinSet};

use super::sweep::Feed;
use crate::model::failure::{Failure, FailureKind};
use crate::model::snapshot::Section;
use crate::model::update::Update;

/// Where a section goes in the news.
pub(super) struct Slot<T>(Arc<dyn Fn(Section<T>) -> Update + Send + Sync>);

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Slot(Arc::clone(&self.0))
    }
}

impl<T> Slot<T> {
    pub(super) fn new(put: impl Fn(Section<T>) -> Update + Send + Sync + 'static) -> Self {
        Slot(Arc::new(put))
    }

    pub(super) fn put(&self, section: Section<T>) -> Update {
        (self.0)(section)
    }
}

/// The tasks of one load.
pub(super) struct Crew {
    tasks: JoinSet<()>,
    lost: HashMap<Id, Box<dyn FnOnce(Failure) -> Update + Send>>,
    tx: mpsc::Sender<Update>,
}

impl Crew {
    pub(super) fn new(tx: mpsc::Sender<Update>) -> Self {
        Crew { tasks: JoinSet::new(), lost: HashMap::new(), tx }
    }

    /// Starts a task that fills a slot: it feeds the rows as they come and returns the section as it stands at last.
    pub(super) fn bring<T, F>(&mut self, slot: Slot<Vec<T>>, work: impl FnOnce(Feed<T>) -> F)
    where
        T: Send + Sync + 'static,
        F: Future<Output = Section<Vec<T>>> + Send + 'static,
    {
        let work = work(Feed::new(self.tx.clone(), slot.clone()));
        let (tx, last) = (self.tx.clone(), slot.clone());
        let task = self.tasks.spawn(async move {
            let section = work.await;
            // A receiver that is gone no longer wants to know.
            let _ = tx.send(last.put(section)).await;
        });
        self.lost.insert(task.id(), Box::new(move |failure| slot.put(Section::failed(failure))));
    }

    /// Waits for all tasks.
    pub(super) async fn finish(mut self) {
        while let Some(ended) = self.tasks.join_next_with_id().await {
            let Err(error) = ended else { continue };
            tracing::error!(%error, "a task that loads a section has ended early");
            if let Some(lost) = self.lost.remove(&error.id()) {
                let failure = Failure {
                    kind: FailureKind::Unexpected,
                    doing: "load this section".to_owned(),
                    on: String::new(),
                    code: None,
                    message: "the program failed in reading it; the log file says where".to_owned(),
                };
                let _ = self.tx.send(lost(failure)).await;
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
    async fn a_task_that_panics_leaves_a_failed_section() {
        let (tx, mut rx) = mpsc::channel(4);
        let mut crew = Crew::new(tx);
        crew.bring(Slot::new(Update::Clusters), |_: Feed<ClusterId>| async { panic!("on purpose") });
        crew.finish().await;
        let Some(Update::Clusters(section)) = rx.recv().await else { panic!("no section") };
        assert!(matches!(section.state(), State::Failed(_)), "{section:?}");
        assert_eq!(rx.recv().await, None);
    }
}
