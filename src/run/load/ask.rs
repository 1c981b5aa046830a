//! One principal's own facts, ahead of any sweep.
//!
//! Decides which few requests answer "as whom does it get in": the cluster, the role or user under its name (for its
//! path), the access entry under its whole ARN, and aws-auth. They go before those of any sweep, so that
//! thousands of them are no reason to wait.

use std::sync::Arc;

use futures::future::{FutureExt, join, join_all, join3};
use tokio::sync::mpsc;

use super::cluster::{access_entry, aws_auth, describe, reach, send, without_entries};
use super::now;
use super::sweep::{Read, whole_list};
use crate::cloud::Session;
use crate::cloud::eks::{Eks, has_no_entries};
use crate::cloud::kubernetes::NODES;
use crate::model::cluster::{Cluster, ClusterId};
use crate::model::facts::no_entries;
use crate::model::failure::Failure;
use crate::model::mapping::AccessEntry;
use crate::model::principal::{Asked, Principal, PrincipalKey, PrincipalKind};
use crate::model::snapshot::{Missing, Section};
use crate::model::update::{ClusterUpdate, IamUpdate, Update};

/// What was read already, and is not asked for again.
#[derive(Clone, Debug, Default)]
pub struct AlreadyRead {
    /// What the cluster's description is, or why there is none.
    pub cluster: Option<Result<Arc<Cluster>, Failure>>,
    /// Whether aws-auth and the account's roles and users were read.
    pub names: bool,
}

/// Reads what one principal's access depends on.
pub async fn ask(session: &Session, id: ClusterId, asked: Asked, read: AlreadyRead, tx: mpsc::Sender<Update>) {
    let session = session.ahead();
    let eks = session.eks(&id.region);
    let AlreadyRead { cluster, names } = read;
    let described = async {
        match cluster {
            Some(described) => described,
            None => describe(&eks, &id, &tx).await.map(Arc::new),
        }
    };
    let described = described.shared();
    let config_map = async {
        if names {
            return;
        }
        let described = described.clone().await;
        let read = match reach(&session, &id, described.as_ref().map(Arc::as_ref)).await {
            Ok(kubernetes) => aws_auth(&kubernetes).await,
            Err(failure) => Err(failure),
        };
        let section = match read {
            Ok(found) => Section::known(found, now()),
            Err(failure) => Section::failed(failure),
        };
        send(&tx, &id, ClusterUpdate::AwsAuth(section)).await;
    };
    let entry = async {
        let arn = async {
            match names && asked.path_known {
                true => Some(asked.principal.arn()),
                false => whole_arn(&session, &asked, &tx).await,
            }
        };
        let (described, arn) = join(described.clone(), arn).await;
        let update = match described.ok().as_deref().and_then(without_entries) {
            Some(why) => ClusterUpdate::AccessEntries(Section::not_applicable(why)),
            None => asked_entry(&eks, &id.name, &asked.principal.key(), arn).await,
        };
        send(&tx, &id, update).await;
    };
    // An instance's session is named after the instance, and only its node tells the name that it gets in under.
    let instance = asked.session.as_deref().is_some_and(|session| session.starts_with("i-"));
    let nodes = async {
        if !instance {
            return;
        }
        let described = described.clone().await;
        let section = match reach(&session, &id, described.as_ref().map(Arc::as_ref)).await {
            Ok(kubernetes) => {
                let (nodes, mut missing) = whole_list(|next| kubernetes.list(NODES, next)).await;
                match missing.pop() {
                    Some(Missing { item: None, failure }) if nodes.is_empty() && missing.is_empty() => {
                        Section::failed(failure)
                    }
                    last => Section::partial(nodes, now(), missing.into_iter().chain(last).collect()),
                }
            }
            Err(failure) => Section::failed(failure),
        };
        send(&tx, &id, ClusterUpdate::Nodes(section)).await;
    };
    join3(config_map, entry, nodes).await;
}

/// Reads a role's policies: which it has, if that is to be listed, and the text of each managed one, beside those given.
pub async fn policies(session: &Session, role: &str, list: bool, mut arns: Vec<String>, tx: mpsc::Sender<Update>) {
    let iam = session.ahead().iam();
    if list {
        let answer = iam.role_policies(role).await;
        if let Ok(found) = &answer {
            arns.extend(found.attached.iter().map(|it| it.policy_arn.clone()));
        }
        let _ = tx.send(Update::Iam(IamUpdate::AskedPoliciesOf(role.to_owned(), answer))).await;
    }
    arns.sort_unstable();
    arns.dedup();
    let each = arns.into_iter().map(|arn| async {
        let answer = iam.managed_policy(&arn).await.map(|it| it.map(Arc::new));
        let _ = tx.send(Update::Iam(IamUpdate::AskedPolicy(arn, answer))).await;
    });
    join_all(each).await;
}

/// The principal's ARN with its path, if it can be known without looking through the entries. Brings what IAM has of a
/// role or user of the own account.
async fn whole_arn(session: &Session, asked: &Asked, tx: &mpsc::Sender<Update>) -> Option<String> {
    let Principal { account, kind, name, .. } = &asked.principal;
    let given = asked.path_known.then(|| asked.principal.arn());
    // Its failure is the caller's section's to show.
    let Ok(own) = session.account().await else { return given };
    let _ = tx.send(Update::Iam(IamUpdate::Account(own.clone()))).await;
    if own != *account {
        return given;
    }
    let iam = session.iam();
    let (update, found) = match kind {
        PrincipalKind::Role => {
            let role = iam.role(name).await.map(|role| role.map(Arc::new));
            let found = role.as_ref().ok().and_then(|role| role.as_ref()).map(|role| role.arn.clone());
            (IamUpdate::AskedRole(name.clone(), role), found)
        }
        PrincipalKind::User => {
            let user = iam.user(name).await.map(|user| user.map(Arc::new));
            let found = user.as_ref().ok().and_then(|user| user.as_ref()).map(|user| user.arn.clone());
            (IamUpdate::AskedUser(name.clone(), user), found)
        }
        PrincipalKind::Root | PrincipalKind::FederatedUser => return given,
    };
    let _ = tx.send(Update::Iam(update)).await;
    // An ARN that was given with its path is asked for as given: the entry is bound to that, whatever IAM has now.
    given.or(found)
}

async fn asked_entry(eks: &Eks, cluster: &str, key: &PrincipalKey, arn: Option<String>) -> ClusterUpdate {
    let answer = match arn {
        Some(arn) => one_entry(eks, cluster, &arn).await,
        // Nobody can say under which path it is: the entries can.
        None => entry_by_name(eks, cluster, key).await,
    };
    match answer {
        Err(failure) if has_no_entries(&failure) => ClusterUpdate::AccessEntries(Section::not_applicable(no_entries())),
        answer => ClusterUpdate::AskedEntry(key.clone(), answer.map(|entry| entry.map(Arc::new))),
    }
}

async fn one_entry(eks: &Eks, cluster: &str, arn: &str) -> Result<Option<AccessEntry>, Failure> {
    match access_entry(eks, cluster, arn).await {
        // Policies that could not be read are `None` in the entry.
        Read::Whole(entry) | Read::Partly(entry, _) => Ok(Some(entry)),
        Read::Gone => Ok(None),
        Read::Failed(failure) => Err(failure),
    }
}

async fn entry_by_name(eks: &Eks, cluster: &str, key: &PrincipalKey) -> Result<Option<AccessEntry>, Failure> {
    let (arns, missing) = whole_list(|next| eks.list_access_entries(cluster, None, next)).await;
    let is_it =
        |arn: &String| Principal::from_arn(arn).is_ok_and(|(it, session)| session.is_none() && it.key() == *key);
    let found: Vec<&String> = arns.iter().filter(|arn| is_it(arn)).collect();
    match (found.as_slice(), missing.into_iter().map(|it| it.failure).next()) {
        ([arn], _) => one_entry(eks, cluster, arn).await,
        ([], None) => Ok(None),
        ([], Some(failure)) => Err(failure),
        ([first, ..], _) => {
            let mut failure = Failure::not_recorded("its access entry");
            failure.message = format!(
                "entries of several paths name it, and its path is not known: {first} and {} more",
                found.len() - 1
            );
            Err(failure)
        }
    }
}
