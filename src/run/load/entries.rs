//! The access entries that a question rests on, read when it is known which those are.
//!
//! Decides, of entries whose names were read, which are described, and of which the policies are read: those of principals
//! that aws-auth names, or all, with the policies that could allow what is asked. Which policies those are is
//! `access::permissions`'s to say; which entries have one is EKS's, in one list for each policy.

use std::collections::HashSet;

use futures::future::join_all;
use tokio::sync::mpsc;

use super::add;
use super::cluster::{access_entry, slot};
use super::crew::Crew;
use super::sweep::{Read, sweep, whole_list};
use crate::access::catalog;
use crate::access::identity;
use crate::access::permissions::may_allow;
use crate::cloud::eks::Eks;
use crate::cloud::{Page, Session};
use crate::model::cluster::ClusterId;
use crate::model::mapping::AccessEntry;
use crate::model::principal::PrincipalKey;
use crate::model::request::Request;
use crate::model::section::SectionId;
use crate::model::snapshot::{Missing, Section, Snapshot};
use crate::model::update::{ClusterUpdate, Update};

/// Which of the entries that were listed are read, and how much of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListedEntries {
    /// Those of principals that aws-auth names, without their policies.
    OfAwsAuth,
    /// All; of their policies those that could allow one of these requests.
    Allowing(Vec<Request>),
}

/// Reads entries of which the snapshot has the names only.
pub async fn listed_entries(session: &Session, id: &ClusterId, which: &ListedEntries, snapshot: &mut Snapshot) {
    let facts = snapshot.cluster(id);
    let names: Vec<String> = facts.access_entries.missing().iter().filter_map(|it| it.item.clone()).collect();
    if names.is_empty() {
        return;
    }
    match which {
        ListedEntries::OfAwsAuth => {
            let rows = facts.aws_auth.value().and_then(|it| it.as_ref()).map(|(_, auth)| auth.rows.as_slice());
            let keys: HashSet<PrincipalKey> = (rows.unwrap_or_default().iter())
                .filter_map(|row| Some(identity::meant(row.arn.as_deref()?)?.key()))
                .collect();
            // Under one name there may be entries of several paths, of which one is alive.
            let is_needed = |arn: &String| identity::meant(arn).is_some_and(|it| keys.contains(&it.key()));
            let needed = names.into_iter().filter(is_needed).collect();
            let others = facts.access_entries.missing().to_vec();
            add(snapshot, |tx| described(session, id, (needed, others), tx)).await;
        }
        ListedEntries::Allowing(requests) => {
            let unlisted: Vec<Missing> =
                facts.access_entries.missing().iter().filter(|it| it.item.is_none()).cloned().collect();
            let partition = id_partition(&names);
            add(snapshot, |tx| allowing(session, id, requests, (names, unlisted, partition), tx)).await;
        }
    }
}

/// Describes some entries, without their policies; of the others stays what is known of them.
async fn described(
    session: &Session,
    id: &ClusterId,
    (names, others): (Vec<String>, Vec<Missing>),
    tx: mpsc::Sender<Update>,
) {
    let (eks, width) = (session.for_section(SectionId::AccessEntries).eks(&id.region), session.concurrency());
    let cluster = id.name.clone();
    let others: Vec<Missing> =
        others.into_iter().filter(|it| it.item.as_ref().is_none_or(|item| !names.contains(item))).collect();
    let mut crew = Crew::new(tx);
    crew.bring(slot(id, ClusterUpdate::AccessEntries), |feed| async move {
        let list = |_| {
            let names = names.clone();
            async move { Ok(Page::new(names, None)) }
        };
        let read = |arn: String| {
            let (eks, cluster) = (&eks, &cluster);
            async move { eks.describe_access_entry(cluster, &arn).await.into() }
        };
        let section = sweep(feed, width, list, read).await;
        let missing = section.missing().iter().cloned().chain(others).collect();
        Section::partial(section.items().to_vec(), super::now(), missing)
    });
    crew.finish().await;
}

/// `aws`, `aws-cn`, …: of the first ARN that tells.
fn id_partition(arns: &[String]) -> String {
    arns.iter().find_map(|arn| Some(identity::meant(arn)?.partition)).unwrap_or_else(|| "aws".to_owned())
}

async fn allowing(
    session: &Session,
    id: &ClusterId,
    requests: &[Request],
    (names, unlisted, partition): (Vec<String>, Vec<Missing>, String),
    tx: mpsc::Sender<Update>,
) {
    let (eks, cluster, width) =
        (session.for_section(SectionId::AccessEntries).eks(&id.region), id.name.clone(), session.concurrency());
    let holders = with_policies(&eks, &cluster, requests, names.len(), &partition).await;
    let mut crew = Crew::new(tx);
    crew.bring(slot(id, ClusterUpdate::AccessEntries), |feed| async move {
        let list = |_| {
            let names = names.clone();
            async move { Ok(Page::new(names, None)) }
        };
        let read = |arn: String| {
            let (eks, cluster, holders) = (&eks, &cluster, &holders);
            async move {
                match holders {
                    Some(holders) if !holders.contains(&arn) && !arn.contains(OF_SERVICE) => {
                        without_policies(eks, cluster, &arn).await
                    }
                    _ => access_entry(eks, cluster, &arn).await,
                }
            }
        };
        let section = sweep(feed, width, list, read).await;
        let missing = section.missing().iter().cloned().chain(unlisted).collect();
        Section::partial(section.items().to_vec(), super::now(), missing)
    });
    crew.finish().await;
}

/// In the ARN of a service's own role, whose policies are the service's: EKS need not offer them, and this program's table may
/// lack them.
const OF_SERVICE: &str = ":role/aws-service-role/";

/// An entry that has none of the policies that matter: whichever others it has, none is among those it is shown with.
async fn without_policies(eks: &Eks, cluster: &str, arn: &str) -> Read<AccessEntry> {
    let bare = |entry| AccessEntry { associated_access_policies: Some(Vec::new()), ..entry };
    eks.describe_access_entry(cluster, arn).await.map(|entry| entry.map(bare)).into()
}

/// The principals whose entries have a policy that could allow one of the requests; `None` where asking each of `count`
/// entries is as cheap, or where EKS does not say.
async fn with_policies(
    eks: &Eks,
    cluster: &str,
    requests: &[Request],
    count: usize,
    partition: &str,
) -> Option<HashSet<String>> {
    let (listed, missing) = whole_list(|next| eks.list_access_policies(next)).await;
    if !missing.is_empty() {
        return None;
    }
    // EKS may stop to offer a policy that entries still have.
    let in_table = catalog::policies().map(|it| it.arn.replacen("arn:aws:", &format!("arn:{partition}:"), 1));
    let mut arns: Vec<String> = listed.into_iter().chain(in_table).collect();
    arns.sort_unstable();
    arns.dedup();
    arns.retain(|arn| requests.iter().any(|request| may_allow(arn, request)));
    if arns.len() >= count {
        return None;
    }
    let lists = arns.iter().map(|arn| whole_list(|next| eks.list_access_entries(cluster, Some(arn), next)));
    let mut holders = HashSet::new();
    for (found, missing) in join_all(lists).await {
        if !missing.is_empty() {
            return None;
        }
        holders.extend(found);
    }
    Some(holders)
}
