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
use super::sweep::{sweep, whole_list};
use crate::access::catalog;
use crate::access::identity;
use crate::access::permissions::may_allow;
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
pub async fn read_listed_entries(session: &Session, id: &ClusterId, which: &ListedEntries, snapshot: &mut Snapshot) {
    let facts = snapshot.cluster(id);
    let names: Vec<String> = facts.access_entries.missing().iter().filter_map(|it| it.item.clone()).collect();
    if names.is_empty() {
        return;
    }
    let unread = facts.access_entries.missing().to_vec();
    match which {
        ListedEntries::OfAwsAuth => {
            let rows = facts.aws_auth.value().and_then(|it| it.as_ref()).map(|(_, auth)| auth.rows.as_slice());
            let keys: HashSet<PrincipalKey> = (rows.unwrap_or_default().iter())
                .filter_map(|row| Some(identity::meant(row.arn.as_deref()?)?.key()))
                .collect();
            // Under one name there may be entries of several paths, of which one is alive.
            let is_needed = |arn: &String| identity::meant(arn).is_some_and(|it| keys.contains(&it.key()));
            let needed = names.into_iter().filter(is_needed).collect();
            add(snapshot, |tx| read_entries(session, id, (needed, unread), PoliciesRead::NoneOf, tx)).await;
        }
        ListedEntries::Allowing(requests) => {
            let policies = match find_holders(session, id, requests, &names).await {
                Some(holders) => PoliciesRead::Of(holders),
                None => PoliciesRead::OfAll,
            };
            add(snapshot, |tx| read_entries(session, id, (names, unread), policies, tx)).await;
        }
    }
}

/// Of which entries the policies are read.
enum PoliciesRead {
    OfAll,
    /// Of these. Whichever policies another entry has, none is one that matters: it is shown with none.
    Of(HashSet<String>),
    /// Of none: that they were not read stays known.
    NoneOf,
}

/// Reads the entries of these names. Of the others stays what is known of them.
async fn read_entries(
    session: &Session,
    id: &ClusterId,
    (names, unread): (Vec<String>, Vec<Missing>),
    policies: PoliciesRead,
    tx: mpsc::Sender<Update>,
) {
    let (eks, width) = (session.for_section(SectionId::AccessEntries).eks(&id.region), session.concurrency());
    let cluster = id.name.clone();
    let read: HashSet<&String> = names.iter().collect();
    let others = unread.into_iter().filter(|it| it.item.as_ref().is_none_or(|item| !read.contains(item)));
    let others: Vec<Missing> = others.collect();
    let mut crew = Crew::new(tx);
    crew.bring(slot(id, ClusterUpdate::AccessEntries), |feed| async move {
        let list = |_| {
            let names = names.clone();
            async move { Ok(Page::new(names, None)) }
        };
        let read = |arn: String| {
            let (eks, cluster, policies) = (&eks, &cluster, &policies);
            async move {
                let bare = match policies {
                    PoliciesRead::OfAll => None,
                    PoliciesRead::Of(holders) if holders.contains(&arn) || arn.contains(OF_SERVICE) => None,
                    PoliciesRead::Of(_) => Some(Some(Vec::new())),
                    PoliciesRead::NoneOf => Some(None),
                };
                match bare {
                    None => access_entry(eks, cluster, &arn).await,
                    Some(associated_access_policies) => {
                        let entry = eks.describe_access_entry(cluster, &arn).await;
                        entry.map(|it| it.map(|it| AccessEntry { associated_access_policies, ..it })).into()
                    }
                }
            }
        };
        let section = sweep(feed, width, list, read).await;
        let missing = section.missing().iter().cloned().chain(others).collect();
        Section::partial(section.items().to_vec(), super::now(), missing)
    });
    crew.finish().await;
}

/// `aws`, `aws-cn`, …: of the first ARN that tells.
fn partition_of(arns: &[String]) -> String {
    arns.iter().find_map(|arn| Some(identity::meant(arn)?.partition)).unwrap_or_else(|| "aws".to_owned())
}

/// In the ARN of a service's own role, whose policies are the service's: EKS need not offer them, and this program's table may
/// lack them.
const OF_SERVICE: &str = ":role/aws-service-role/";

/// The principals whose entries have a policy that could allow one of the requests; `None` where asking each of the entries
/// that were listed is as cheap, or where EKS does not say.
async fn find_holders(
    session: &Session,
    id: &ClusterId,
    requests: &[Request],
    names: &[String],
) -> Option<HashSet<String>> {
    let (eks, cluster) = (session.for_section(SectionId::AccessEntries).eks(&id.region), id.name.as_str());
    let partition = partition_of(names);
    let (listed, missing) = whole_list(|next| eks.list_access_policies(next)).await;
    if !missing.is_empty() {
        return None;
    }
    // EKS may no longer offer a policy that entries still have.
    let in_table = catalog::policies().map(|it| it.arn.replacen("arn:aws:", &format!("arn:{partition}:"), 1));
    let mut arns: Vec<String> = listed.into_iter().chain(in_table).collect();
    arns.sort_unstable();
    arns.dedup();
    arns.retain(|arn| requests.iter().any(|request| may_allow(arn, request)));
    if arns.len() >= names.len() {
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
