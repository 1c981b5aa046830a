//! Every section of one cluster, side by side.

use std::collections::HashSet;
use std::future::Future;
use std::sync::{Mutex, PoisonError};

use futures::future::{join, join_all};
use tokio::sync::mpsc;

use super::crew::{Crew, Slot};
use super::iam;
use super::needs::{AccountName, EntryScope, Needs};
use super::now;
use super::sweep::{Feed, Read, pages, sweep, whole_list};
use crate::cloud::eks::{Eks, has_no_entries};
use crate::cloud::kubernetes::{
    CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, Kubernetes, ListFilter, NAMESPACES, NETWORK_POLICIES, NODES, PODS,
    READ_AWS_AUTH, READ_DISCOVERY, ROLE_BINDINGS, ROLES, SERVICE_ACCOUNTS, SYSTEM_DAEMON_SETS,
};
use crate::cloud::{Page, Session};
use crate::model::cluster::{Cluster, ClusterId};
use crate::model::discovery::ApiResource;
use crate::model::facts::{aws_auth_fact, no_entries};
use crate::model::failure::{Failure, FailureKind};
use crate::model::mapping::AccessEntry;
use crate::model::section::SectionId;
use crate::model::snapshot::{AwsAuthFact, Missing, Section};
use crate::model::update::{ClusterUpdate, IamUpdate, Update};
use crate::model::workload::PodIdentityAssociation;

/// Why a connected cluster's access entries are not applicable.
const CONNECTED: &str = "a connected cluster, which EKS does not run, has no access entries";

/// Brings Kubernetes lists side by side, each into its section; where the cluster cannot be reached, that is each one's
/// failure.
macro_rules! bring_listed {
    ($crew:expr, $id:expr, $kubernetes:expr, $tx:expr, $needs:expr; $($section:ident, $listed:ident;)*) => {$(
        match $kubernetes {
            _ if !$needs.sections.has(SectionId::$section) => {}
            Ok(kubernetes) => {
                let kubernetes = kubernetes.for_section(SectionId::$section);
                let filters = $needs.filters(SectionId::$section);
                $crew.bring(slot($id, ClusterUpdate::$section), |feed| async move {
                    match filters.as_slice() {
                        [] => pages(feed, |next| kubernetes.list($listed, next)).await,
                        filters => {
                            let list = |filter, next| kubernetes.list_some($listed, filter, next);
                            some_lists(filters, list, |it| it.metadata.full_name()).await
                        }
                    }
                });
            }
            Err(failure) => {
                let failure = for_all(failure, $listed.doing());
                send($tx, $id, ClusterUpdate::$section(Section::failed(failure))).await;
            }
        }
    )*};
}

/// Reads all there is to know of a cluster.
pub async fn cluster(session: &Session, id: ClusterId, tx: mpsc::Sender<Update>) {
    sections(session, id, &Needs::ALL, None, tx).await;
}

/// Reads what is needed of a cluster; its description too unless it is known, for it says where the API is.
pub(super) async fn sections(
    session: &Session,
    id: ClusterId,
    needs: &Needs,
    known: Option<Cluster>,
    tx: mpsc::Sender<Update>,
) {
    let eks = session.eks(&id.region);
    let width = session.concurrency();
    let mut crew = Crew::new(tx.clone());
    // The lists that need nothing else go out at once; the content of what they name ranks after the access entries.
    macro_rules! bring {
        ($($section:ident, $list:ident, $describe:ident;)*) => {$(if needs.sections.has(SectionId::$section) {
            let (eks, name) = (session.for_section(SectionId::$section).eks(&id.region), id.name.clone());
            crew.bring(slot(&id, ClusterUpdate::$section), |feed| async move {
                let list = |next| eks.$list(&name, next);
                let read = |item: String| {
                    let (eks, name) = (&eks, &name);
                    async move { eks.$describe(name, &item).await.into() }
                };
                sweep(feed, width, list, read).await
            });
        })*};
    }
    bring! {
        Nodegroups, list_nodegroups, describe_nodegroup;
        FargateProfiles, list_fargate_profiles, describe_fargate_profile;
        IdentityProviderConfigs, list_identity_provider_configs, describe_identity_provider_config;
        Capabilities, list_capabilities, describe_capability;
        Updates, list_updates, describe_update;
    }
    if needs.sections.has(SectionId::Addons) {
        let eks = session.for_section(SectionId::Addons).eks(&id.region);
        let (name, wanted) = (id.name.clone(), needs.addons.clone());
        crew.bring(slot(&id, ClusterUpdate::Addons), |feed| async move {
            let list = |next| eks.list_addons(&name, next);
            let read = |item: String| {
                let (eks, name) = (&eks, &name);
                let is_needed = wanted.as_ref().is_none_or(|all| all.contains(&item));
                async move {
                    if is_needed { eks.describe_addon(name, &item).await.into() } else { Read::Failed(not_needed()) }
                }
            };
            sweep(feed, width, list, read).await
        });
    }
    if needs.sections.has(SectionId::PodIdentityAssociations) {
        let eks = session.for_section(SectionId::PodIdentityAssociations).eks(&id.region);
        let (name, needs) = (id.name.clone(), needs.clone());
        crew.bring(slot(&id, ClusterUpdate::PodIdentityAssociations), |feed| async move {
            associations(&eks, &name, &needs, feed, width).await
        });
    }
    let described = match known {
        Some(cluster) => Ok(cluster),
        None => describe(&eks, &id, &tx).await,
    };
    if needs.account.is_some() {
        if described.as_ref().ok().and_then(Cluster::account).is_none() {
            iam::account(session, &tx).await;
        }
        iam::provider_of(session, described.as_ref().ok(), &mut crew);
    }
    let eks = session.for_section(SectionId::AccessEntries).eks(&id.region);
    match described.as_ref().ok().and_then(without_entries) {
        _ if !needs.sections.has(SectionId::AccessEntries) => {}
        Some(why) => send(&tx, &id, ClusterUpdate::AccessEntries(Section::not_applicable(why))).await,
        None if matches!(needs.entries, EntryScope::All | EntryScope::WithoutPolicies) => {
            let (name, policies) = (id.name.clone(), needs.entries == EntryScope::All);
            let entries = |feed| async move { access_entries(&eks, &name, policies, feed, width).await };
            crew.bring(slot(&id, ClusterUpdate::AccessEntries), entries);
        }
        // Those of aws-auth are read when it is.
        None => {
            let name = id.name.clone();
            crew.bring(slot(&id, ClusterUpdate::AccessEntries), |_: Feed<AccessEntry>| async move {
                entry_names(&eks, &name).await
            });
        }
    }
    if needs.sections.iter().any(is_of_kubernetes) {
        kubernetes(session, &id, described, needs, &mut crew, &tx).await;
    }
    crew.finish().await;
}

/// Whether the API server holds it.
fn is_of_kubernetes(section: SectionId) -> bool {
    use SectionId::{
        ApiResources, AwsAuth, ClusterRoleBindings, ClusterRoles, DaemonSets, Namespaces, NetworkPolicies, Nodes, Pods,
        RoleBindings, Roles, ServiceAccounts,
    };
    matches!(
        section,
        ApiResources
            | AwsAuth
            | ClusterRoleBindings
            | ClusterRoles
            | DaemonSets
            | Namespaces
            | NetworkPolicies
            | Nodes
            | Pods
            | RoleBindings
            | Roles
            | ServiceAccounts
    )
}

/// Reads who may do what in a cluster: the RBAC objects and the namespaces.
pub async fn rbac(session: &Session, id: ClusterId, tx: mpsc::Sender<Update>) {
    let described = describe(&session.eks(&id.region), &id, &tx).await;
    grants(session, &id, described.as_ref(), &tx).await;
}

/// The same of a cluster that was described, or not.
pub(super) async fn grants(
    session: &Session,
    id: &ClusterId,
    described: Result<&Cluster, &Failure>,
    tx: &mpsc::Sender<Update>,
) {
    let needs = &Needs::ALL;
    let kubernetes = reach(session, id, described).await;
    let mut crew = Crew::new(tx.clone());
    bring_listed! { &mut crew, id, &kubernetes, tx, needs;
        ClusterRoleBindings, CLUSTER_ROLE_BINDINGS;
        RoleBindings, ROLE_BINDINGS;
        ClusterRoles, CLUSTER_ROLES;
        Roles, ROLES;
        Namespaces, NAMESPACES;
    }
    api_resources(&mut crew, id, &kubernetes, tx).await;
    crew.finish().await;
}

/// Brings discovery: which resources the API server serves.
async fn api_resources(
    crew: &mut Crew,
    id: &ClusterId,
    kubernetes: &Result<Kubernetes, Failure>,
    tx: &mpsc::Sender<Update>,
) {
    match kubernetes {
        Ok(kubernetes) => {
            let kubernetes = kubernetes.clone();
            crew.bring(slot(id, ClusterUpdate::ApiResources), |_: Feed<ApiResource>| async move {
                match kubernetes.api_resources().await {
                    Ok((resources, missing)) => Section::partial(resources, now(), missing),
                    Err(failure) => Section::failed(failure),
                }
            });
        }
        Err(failure) => {
            let failure = for_all(failure, READ_DISCOVERY);
            send(tx, id, ClusterUpdate::ApiResources(Section::failed(failure))).await;
        }
    }
}

/// The cluster itself, and with it whose account this is: EKS describes none of another account.
pub(super) async fn describe(eks: &Eks, id: &ClusterId, tx: &mpsc::Sender<Update>) -> Result<Cluster, Failure> {
    let described = eks.describe_cluster(&id.name).await;
    if let Some(account) = described.as_ref().ok().and_then(Cluster::account) {
        let _ = tx.send(Update::Iam(IamUpdate::Account(account))).await;
    }
    let section = match &described {
        Ok(cluster) => Section::known(cluster.clone(), now()),
        Err(failure) => Section::failed(failure.clone()),
    };
    send(tx, id, ClusterUpdate::Cluster(section)).await;
    described
}

/// Why a cluster has no access entries that could be read, if it has none. One that reports no mode is asked: EKS itself
/// refuses where the mode is CONFIG_MAP, and an answer shows that it is another.
pub(super) fn without_entries(cluster: &Cluster) -> Option<&'static str> {
    if cluster.connector_config.is_some() {
        Some(CONNECTED)
    } else if cluster.authentication_mode().reads_entries() || cluster.mode_is_inferred() {
        None
    } else {
        Some(no_entries())
    }
}

pub(super) async fn send(tx: &mpsc::Sender<Update>, id: &ClusterId, update: ClusterUpdate) {
    // A receiver that is gone no longer wants to know.
    let _ = tx.send(Update::Cluster(id.clone(), update)).await;
}

pub(super) fn slot<T: 'static>(id: &ClusterId, put: fn(Section<T>) -> ClusterUpdate) -> Slot<T> {
    let id = id.clone();
    Slot::new(move |section| Update::Cluster(id.clone(), put(section)))
}

async fn access_entries(
    eks: &Eks,
    cluster: &str,
    policies: bool,
    feed: Feed<AccessEntry>,
    width: usize,
) -> Section<Vec<AccessEntry>> {
    let list = |next| eks.list_access_entries(cluster, None, next);
    let read = |arn: String| async move {
        match policies {
            true => access_entry(eks, cluster, &arn).await,
            false => eks.describe_access_entry(cluster, &arn).await.into(),
        }
    };
    let section = sweep(feed, width, list, read).await;
    // Where the cluster itself could not be described, the list says it.
    if section.failure().is_some_and(has_no_entries) { Section::not_applicable(no_entries()) } else { section }
}

/// Whose the entries are, without what is in them: each stands among the section's missing, by name.
async fn entry_names(eks: &Eks, cluster: &str) -> Section<Vec<AccessEntry>> {
    let (arns, mut missing) = whole_list(|next| eks.list_access_entries(cluster, None, next)).await;
    match missing.first() {
        Some(first) if has_no_entries(&first.failure) => return Section::not_applicable(no_entries()),
        Some(_) if arns.is_empty() => return Section::failed(missing.swap_remove(0).failure),
        _ => {}
    }
    let unread = |arn: String| Missing { item: Some(arn), failure: not_needed() };
    Section::partial(Vec::new(), now(), arns.into_iter().map(unread).chain(missing).collect())
}

/// Of an item that was listed only.
pub(super) fn not_needed() -> Failure {
    let mut failure = Failure::not_recorded("it");
    "only its name was read: the question needs no more".clone_into(&mut failure.message);
    failure
}

/// The Pod Identity associations; of one service account its own, and only if it has none those of its namesakes, which are
/// for another namespace; of some service accounts theirs, as if there were no others.
async fn associations(
    eks: &Eks,
    cluster: &str,
    needs: &Needs,
    feed: Feed<PodIdentityAssociation>,
    width: usize,
) -> Section<Vec<PodIdentityAssociation>> {
    // What is listed and not needed stays in its page, which is not to count as an empty one.
    let others = Mutex::new(HashSet::new());
    let read = |item: String| {
        let is_needed = !others.lock().unwrap_or_else(PoisonError::into_inner).contains(&item);
        async move {
            match is_needed {
                true => eks.describe_pod_identity_association(cluster, &item).await.into(),
                false => Read::Gone,
            }
        }
    };
    let list = |(space, name), next| {
        let (page, others) = (eks.list_pod_identity_associations(cluster, (space, name), next), &others);
        async move {
            let page = page.await?;
            if let Some(of) = &needs.associations_of {
                let unneeded = page.items.iter().filter(|it| it.account.as_ref().is_some_and(|its| !of.contains(its)));
                let mut others = others.lock().unwrap_or_else(PoisonError::into_inner);
                others.extend(unneeded.map(|it| it.id.clone()));
            }
            Ok(page.map(|it| it.id))
        }
    };
    let (own, named) = match &needs.account {
        Some(AccountName { namespace, name }) => (Some(namespace.as_str()), Some(name.as_str())),
        None => (None, None),
    };
    if own.is_some() {
        let (ids, missing) = whole_list(|next| list((own, named), next)).await;
        if !ids.is_empty() {
            let ids = &ids;
            let list = |_| async move { Ok(Page::new(ids.clone(), None)) };
            let found = sweep(feed, width, list, read).await;
            let missing = found.missing().iter().cloned().chain(missing).collect();
            return Section::partial(found.items().to_vec(), now(), missing);
        }
    }
    sweep(feed, width, |next| list((None, named), next), read).await
}

/// An entry with its policies: two calls, side by side.
pub(super) async fn access_entry(eks: &Eks, cluster: &str, arn: &str) -> Read<AccessEntry> {
    match join(eks.describe_access_entry(cluster, arn), eks.associated_access_policies(cluster, arn)).await {
        (Ok(Some(entry)), Ok(Some(policies))) => {
            Read::Whole(AccessEntry { associated_access_policies: Some(policies), ..entry })
        }
        (Ok(Some(entry)), Err(failure)) => Read::Partly(entry, failure),
        (Ok(_), Ok(_)) | (Ok(None), Err(_)) => Read::Gone,
        (Err(failure), _) => Read::Failed(failure),
    }
}

async fn kubernetes(
    session: &Session,
    id: &ClusterId,
    described: Result<Cluster, Failure>,
    needs: &Needs,
    crew: &mut Crew,
    tx: &mpsc::Sender<Update>,
) {
    let kubernetes = reach(session, id, described.as_ref()).await;
    let kubernetes = if needs.sections.has(SectionId::AwsAuth) {
        // This first request goes alone: if nothing answers, or it is not even known who we are, the others need not
        // find out, each after a wait of its own.
        let aws_auth = match &kubernetes {
            Ok(kubernetes) => aws_auth(kubernetes).await,
            Err(failure) => Err(for_all(failure, READ_AWS_AUTH)),
        };
        let decided = match &aws_auth {
            Err(failure) if kubernetes.is_ok() && decides_for_all(&failure.kind) => Err(failure.clone()),
            _ => kubernetes,
        };
        let section = match aws_auth {
            Ok(found) => Section::known(found, now()),
            Err(failure) => Section::failed(failure),
        };
        send(tx, id, ClusterUpdate::AwsAuth(section)).await;
        decided
    } else {
        kubernetes
    };
    bring_listed! { crew, id, &kubernetes, tx, needs;
        ServiceAccounts, SERVICE_ACCOUNTS;
        Namespaces, NAMESPACES;
        ClusterRoleBindings, CLUSTER_ROLE_BINDINGS;
        RoleBindings, ROLE_BINDINGS;
        ClusterRoles, CLUSTER_ROLES;
        Roles, ROLES;
        Nodes, NODES;
        DaemonSets, SYSTEM_DAEMON_SETS;
        NetworkPolicies, NETWORK_POLICIES;
        Pods, PODS;
    }
    if needs.sections.has(SectionId::ApiResources) {
        api_resources(crew, id, &kubernetes, tx).await;
    }
}

/// One section of several lists, each object once. A list that fails fails them all: what is missing has no name.
async fn some_lists<'a, T, L>(
    filters: &'a [ListFilter],
    list: impl Fn(&'a ListFilter, Option<String>) -> L,
    name: impl Fn(&T) -> String,
) -> Section<Vec<T>>
where
    L: Future<Output = Result<Page<T>, Failure>>,
{
    let (mut items, mut missing, mut known) = (Vec::new(), Vec::new(), HashSet::new());
    for (found, lost) in join_all(filters.iter().map(|filter| whole_list(|next| list(filter, next)))).await {
        match lost.first() {
            Some(Missing { item: None, failure }) if found.is_empty() => return Section::failed(failure.clone()),
            _ => missing.extend(lost),
        }
        items.extend(found.into_iter().filter(|it| known.insert(name(it))));
    }
    Section::partial(items, now(), missing)
}

/// The way to a cluster's API, as far as it is known.
pub(super) async fn reach(
    session: &Session,
    id: &ClusterId,
    described: Result<&Cluster, &Failure>,
) -> Result<Kubernetes, Failure> {
    match session.kubernetes(id, described.ok()).await {
        Ok(kubernetes) => Ok(kubernetes),
        // Without the description there is no endpoint; why there is none says more.
        Err(failure) => Err(described.err().cloned().unwrap_or(failure)),
    }
}

/// The aws-auth ConfigMap, beside what the authenticator makes of it.
pub(super) async fn aws_auth(kubernetes: &Kubernetes) -> Result<AwsAuthFact, Failure> {
    Ok(kubernetes.aws_auth().await?.as_ref().map(aws_auth_fact))
}

fn decides_for_all(kind: &FailureKind) -> bool {
    use FailureKind::{Expired, NoCredentials, Unauthenticated, Unreachable};
    matches!(kind, Unreachable | Unauthenticated | Expired | NoCredentials)
}

/// The failure of one request as that of another one, which was not made for its sake.
pub(super) fn for_all(failure: &Failure, doing: &str) -> Failure {
    Failure { doing: doing.to_owned(), ..failure.clone() }
}
