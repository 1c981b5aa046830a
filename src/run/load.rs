//! What is asked of AWS and Kubernetes, in which order, and how the answers become news.
//!
//! Decides: all sections of a cluster side by side, each ending known, partial, refused, failed or not applicable while
//! the rest goes on; rows as they come ([`sweep`]); a principal's own facts ahead of any sweep ([`ask`]); one failed
//! connection decides for all of a cluster's Kubernetes sections. Refuses to know what follows from the facts. A new
//! section is a line in [`cluster`] or [`iam`], beside its call in `cloud`.
//!
//! News go to a bounded channel of [`Update`]s that the caller reads; calls made go to the session's own channel.
//! Dropping a future of this module cancels all that it started.

mod ask;
mod cluster;
mod crew;
mod entries;
mod iam;
mod needs;
mod sweep;

use std::future::Future;
use std::sync::Arc;

use futures::future::{join, join_all, join3};
use futures::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::cloud::Session;
use crate::model::cluster::ClusterId;
use crate::model::failure::Failure;
use crate::model::principal::Asked;
use crate::model::review::{Review, Reviewed};
use crate::model::section::SectionId;
use crate::model::snapshot::{Missing, Section, Snapshot};
use crate::model::time::Time;
use crate::model::update::{IamUpdate, Update};

pub use ask::{AlreadyRead, ask, policies};
pub use cluster::{cluster, rbac};
pub use entries::{ListedEntries, read_listed_entries};
pub use iam::iam;
pub use needs::{AccountName, EntryScope, Needs};

/// How many news may wait to be read.
pub const WAITING: usize = 256;

fn now() -> Time {
    Time(Timestamp::now())
}

/// Who the caller is, and the clusters of the session's regions.
pub async fn overview(session: &Session, tx: mpsc::Sender<Update>) {
    join(caller(session, &tx), clusters(session, &tx)).await;
}

async fn caller(session: &Session, tx: &mpsc::Sender<Update>) {
    match session.caller().await {
        Ok(caller) => {
            let _ = tx.send(Update::Iam(IamUpdate::Account(caller.account.clone()))).await;
            let _ = tx.send(Update::Caller(Section::known(caller, now()))).await;
        }
        Err(failure) => {
            let _ = tx.send(Update::Caller(Section::failed(failure))).await;
        }
    }
}

async fn clusters(session: &Session, tx: &mpsc::Sender<Update>) {
    let asked = session.regions();
    let mut regions: FuturesUnordered<_> = asked
        .iter()
        .map(|region| async move {
            let eks = session.eks(region);
            let (names, missing) = sweep::whole_list(|next| eks.list_clusters(next)).await;
            let ids: Vec<_> = names.into_iter().map(|name| ClusterId { region: region.clone(), name }).collect();
            (ids, missing.into_iter().map(|it| it.failure).next())
        })
        .collect();
    let mut found: Vec<ClusterId> = Vec::new();
    let mut failures: Vec<Failure> = Vec::new();
    while let Some((ids, failure)) = regions.next().await {
        found.extend(ids);
        failures.extend(failure);
        if !regions.is_empty() {
            let so_far = Section::loading(Some(found.clone()), found.len(), None);
            let _ = tx.send(Update::Clusters(so_far)).await;
        }
    }
    // Regions answer in any order; they are shown in one.
    found.sort();
    let section = if found.is_empty() && failures.len() == asked.len() {
        Section::failed(failures.swap_remove(0))
    } else {
        let missing = failures.into_iter().map(|failure| Missing { item: None, failure }).collect();
        Section::partial(found, now(), missing)
    };
    let _ = tx.send(Update::Clusters(section)).await;
}

/// The facts that loading brings, when it has ended. `source` and time stay for the caller to say.
pub async fn collect<F: Future<Output = ()>>(load: impl FnOnce(mpsc::Sender<Update>) -> F) -> Snapshot {
    let mut snapshot = Snapshot::default();
    add(&mut snapshot, load).await;
    snapshot
}

/// The facts at hand with those that loading brings.
pub async fn add<F: Future<Output = ()>>(snapshot: &mut Snapshot, load: impl FnOnce(mpsc::Sender<Update>) -> F) {
    let (tx, mut rx) = mpsc::channel(WAITING);
    let apply = async {
        while let Some(update) = rx.recv().await {
            snapshot.apply(update);
        }
    };
    join(load(tx), apply).await;
}

/// What the API server of a cluster says to a request.
pub async fn review(session: &Session, id: &ClusterId, review: &Review) -> Result<Reviewed, Failure> {
    let session = session.ahead();
    let described = session.eks(&id.region).describe_cluster(&id.name).await;
    cluster::reach(&session, id, described.as_ref()).await?.review(review).await
}

/// Everything about one cluster, the account and the caller.
pub async fn whole(session: &Session, id: ClusterId) -> Snapshot {
    snapshot(session, vec![id]).await
}

/// What a question about one cluster rests on, and nothing else.
pub async fn facts(session: &Session, id: ClusterId, needs: &Needs) -> Snapshot {
    collect(|tx| read(session, id, needs, tx)).await
}

/// What a question about one cluster rests on, as news.
pub async fn read(session: &Session, id: ClusterId, needs: &Needs, tx: mpsc::Sender<Update>) {
    // Of one service account's cluster the issuer's provider is enough, and who that is, the cluster says.
    let of_iam = match needs.account {
        Some(_) => needs.sections.without(SectionId::OidcProviders),
        None => needs.sections,
    };
    let is_account_told = needs.account.is_some();
    let of_account = iam::sections(session, of_iam, is_account_told, tx.clone());
    join(of_account, cluster::sections(session, id, needs, None, tx)).await;
}

/// Reads more of a cluster of which something was read already.
pub async fn read_more(session: &Session, id: &ClusterId, needs: &Needs, snapshot: &mut Snapshot) {
    let known = snapshot.cluster(id).cluster.value().cloned();
    add(snapshot, |tx| cluster::sections(session, id.clone(), needs, known, tx)).await;
}

/// Everything about some clusters, the account and the caller.
pub async fn snapshot(session: &Session, ids: Vec<ClusterId>) -> Snapshot {
    collect(|tx| async move {
        let clusters = ids.into_iter().map(|id| cluster(session, id, tx.clone()));
        join3(overview(session, tx.clone()), iam(session, tx.clone()), join_all(clusters)).await;
    })
    .await
}

/// What one principal's access to one cluster depends on, and what its identity may do there; nothing else.
pub async fn answer(session: &Session, id: ClusterId, asked: Asked) -> Snapshot {
    collect(|tx| async move {
        let eks = session.ahead().eks(&id.region);
        let described = cluster::describe(&eks, &id, &tx).await.map(Arc::new);
        let read = AlreadyRead { cluster: Some(described.clone()), names: false };
        let grants = cluster::grants(session, &id, described.as_deref(), &tx);
        join(ask(session, id.clone(), asked, read, tx.clone()), grants).await;
    })
    .await
}
