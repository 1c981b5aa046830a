//! Every section of the account's IAM.

use futures::future::join;
use tokio::sync::mpsc;

use super::cluster::{for_all, not_needed};
use super::crew::{Crew, Slot};
use super::now;
use super::sweep::{Feed, pages, sweep};
use crate::cloud::iam::{AccountDetails, AccountMissing, Iam};
use crate::cloud::{PageTurns, Session};
use crate::model::cluster::Cluster;
use crate::model::failure::{Failure, FailureKind};
use crate::model::role::{RoleDetail, UserDetail};
use crate::model::section::{SectionId, SectionSet};
use crate::model::snapshot::{Missing, Section};
use crate::model::update::{IamUpdate, Update};
use crate::model::workload::oidc_provider_arn;

/// Reads all there is to know of the account: roles, users, groups, policies, OIDC providers, instance profiles.
pub async fn iam(session: &Session, tx: mpsc::Sender<Update>) {
    sections(session, SectionSet::ALL, false, tx).await;
}

/// Reads what is needed of the account. Roles, users, groups and policies come from one list.
/// `is_account_told`: the cluster's description says whose account this is.
pub(super) async fn sections(session: &Session, needed: SectionSet, is_account_told: bool, tx: mpsc::Sender<Update>) {
    use SectionId::{IamGroups, IamPolicies, IamRoles, IamUsers, InstanceProfiles, OidcProviders};
    let iam = session.iam();
    let width = session.concurrency();
    let mut crew = Crew::new(tx.clone());
    if needed.has(OidcProviders) {
        let it = iam.clone();
        crew.bring(slot(IamUpdate::OidcProviders), |feed| async move {
            let read = |arn: String| {
                let it = &it;
                async move { it.oidc_provider(&arn).await.into() }
            };
            sweep(feed, width, |_| it.list_oidc_providers(), read).await
        });
    }
    if needed.has(InstanceProfiles) {
        let it = iam.clone();
        crew.bring(slot(IamUpdate::InstanceProfiles), |feed| async move {
            pages(feed, |next| it.list_instance_profiles(next)).await
        });
    }
    if [IamRoles, IamUsers, IamGroups, IamPolicies].into_iter().any(|id| needed.has(id)) {
        let account = async {
            if !is_account_told {
                account(session, &tx).await;
            }
        };
        join(account, details(&iam, &mut crew, &tx)).await;
    }
    crew.finish().await;
}

/// Brings the OIDC provider of a cluster's issuer, which is asked for by its name; all of them where that is not known, or
/// not there.
pub(super) fn provider_of(session: &Session, cluster: Option<&Cluster>, crew: &mut Crew) {
    let (it, width) = (session.iam(), session.concurrency());
    let name = cluster.and_then(|it| {
        let partition = it.arn.as_deref()?.split(':').nth(1)?;
        let host = it.issuer()?.trim_start_matches("https://");
        Some(oidc_provider_arn(partition, &it.account()?, host))
    });
    crew.bring(slot(IamUpdate::OidcProviders), |feed| async move {
        if let Some(arn) = name
            && let Ok(Some(provider)) = it.oidc_provider(&arn).await
        {
            return Section::partial(vec![provider], now(), vec![Missing { item: None, failure: not_needed() }]);
        }
        let read = |arn: String| {
            let it = &it;
            async move { it.oidc_provider(&arn).await.into() }
        };
        sweep(feed, width, |_| it.list_oidc_providers(), read).await
    });
}

fn slot<T: 'static>(put: fn(Section<T>) -> IamUpdate) -> Slot<T> {
    Slot::new(move |section| Update::Iam(put(section)))
}

async fn send(tx: &mpsc::Sender<Update>, update: IamUpdate) {
    // A receiver that is gone no longer wants to know.
    let _ = tx.send(Update::Iam(update)).await;
}

pub(super) async fn account(session: &Session, tx: &mpsc::Sender<Update>) {
    // Its failure is the caller's section's to show.
    if let Ok(account) = session.account().await {
        send(tx, IamUpdate::Account(account)).await;
    }
}

/// One sweep for roles, users, groups and policies; roles and users one by one where that is refused.
async fn details(iam: &Iam, crew: &mut Crew, tx: &mpsc::Sender<Update>) {
    let mut sum = AccountDetails::default();
    let mut roles = Feed::new(tx.clone(), Slot::new(|section| Update::Iam(IamUpdate::Roles(section))));
    let mut users = Feed::new(tx.clone(), Slot::new(|section| Update::Iam(IamUpdate::Users(section))));
    let (mut next, mut turns) = (None, PageTurns::default());
    let broken = loop {
        match iam.account_details(next).await {
            Ok(page) => {
                let count = page.count();
                sum.roles.extend(page.roles);
                sum.users.extend(page.users);
                sum.groups.extend(page.groups);
                sum.policies.extend(page.policies);
                sum.missing.roles.extend(page.missing.roles);
                sum.missing.users.extend(page.missing.users);
                sum.missing.groups.extend(page.missing.groups);
                sum.missing.policies.extend(page.missing.policies);
                next = match turns.follow_token(page.next.as_deref(), count, &page.weight) {
                    Ok(None) => break None,
                    Ok(next) => next,
                    Err(failure) => break Some(failure),
                };
                roles.show_when_due(sum.roles.len(), || sum.roles.clone()).await;
                users.show_when_due(sum.users.len(), || sum.users.clone()).await;
            }
            Err(failure) => break Some(failure),
        }
    };
    match broken {
        Some(failure) if sum == AccountDetails::default() => without_details(iam, failure, crew, tx).await,
        broken => {
            let missing = |mut items: Vec<Missing>| {
                items.extend(broken.iter().map(|failure| Missing { item: None, failure: failure.clone() }));
                items
            };
            let AccountMissing { roles, users, groups, policies } = sum.missing;
            send(tx, IamUpdate::Roles(Section::partial(sum.roles, now(), missing(roles)))).await;
            send(tx, IamUpdate::Users(Section::partial(sum.users, now(), missing(users)))).await;
            send(tx, IamUpdate::Groups(Section::partial(sum.groups, now(), missing(groups)))).await;
            send(tx, IamUpdate::Policies(Section::partial(sum.policies, now(), missing(policies)))).await;
        }
    }
}

async fn without_details(iam: &Iam, failure: Failure, crew: &mut Crew, tx: &mpsc::Sender<Update>) {
    let refused = matches!(failure.kind, FailureKind::Refused { .. });
    send(tx, IamUpdate::Groups(Section::failed(for_all(&failure, "read the IAM groups")))).await;
    send(tx, IamUpdate::Policies(Section::failed(for_all(&failure, "read the managed policies")))).await;
    if refused {
        let it = iam.clone();
        crew.bring(slot(IamUpdate::Roles), |feed: Feed<RoleDetail>| async move {
            pages(feed, |next| it.list_roles(next)).await
        });
        let it = iam.clone();
        crew.bring(slot(IamUpdate::Users), |feed: Feed<UserDetail>| async move {
            pages(feed, |next| it.list_users(next)).await
        });
    } else {
        send(tx, IamUpdate::Roles(Section::failed(for_all(&failure, "read the roles")))).await;
        send(tx, IamUpdate::Users(Section::failed(for_all(&failure, "read the users")))).await;
    }
}
