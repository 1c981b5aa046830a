//! One thing that is edited: how it is read, and how a step changes it.
//!
//! Decides which calls read an access entry or an association, and which one call a step is; what is compared and when is
//! the loop's.

use futures::future::join;

use crate::cloud::eks::{Eks, Given, NewEntry, NotWritten};
use crate::edit::plan::{Call, Step};
use crate::edit::record::Image;
use crate::edit::state::{AssociationState, EntryState, State, Subject};
use crate::model::failure::{Failure, FailureKind};
use crate::model::mapping::AccessEntry;

/// What is there of a thing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::run) struct There {
    /// As far as it can be chosen; `None` if there is none.
    pub(in crate::run) state: Option<State>,
    /// All of it.
    pub(super) image: Option<Image>,
}

impl There {
    fn arn(&self) -> Option<&str> {
        match self.image.as_ref()? {
            Image::Entry(it) => it.access_entry_arn.as_deref(),
            Image::Association(it) => it.association_arn.as_deref(),
        }
    }

    fn id(&self) -> Option<&str> {
        match self.image.as_ref()? {
            Image::Entry(_) => None,
            Image::Association(it) => Some(&it.association_id),
        }
    }
}

/// Reads a thing, whole.
pub(in crate::run) async fn read(eks: &Eks, cluster: &str, subject: &Subject) -> Result<There, Failure> {
    match subject {
        Subject::Entry(arn) => {
            let read = join(eks.describe_access_entry(cluster, arn), eks.associated_access_policies(cluster, arn));
            let (Some(entry), Some(policies)) = ({
                let (entry, policies) = read.await;
                match entry? {
                    // Without an entry nothing depends on what was said of its policies.
                    None => (None, None),
                    entry => (entry, policies?),
                }
            }) else {
                return Ok(There::default());
            };
            let entry = AccessEntry { associated_access_policies: Some(policies), ..entry };
            Ok(There { state: EntryState::of(&entry).map(State::Entry), image: Some(Image::Entry(entry)) })
        }
        Subject::Association(namespace, account) => {
            let Some(id) = eks.pod_identity_association_of(cluster, namespace, account).await? else {
                return Ok(There::default());
            };
            let Some(it) = eks.describe_pod_identity_association(cluster, &id).await? else {
                return Ok(There::default());
            };
            let state = AssociationState::of(&it).ok_or_else(|| Failure {
                kind: FailureKind::Unexpected,
                doing: "describe the Pod Identity association".to_owned(),
                on: id,
                code: None,
                message: "the answer names no role".to_owned(),
            })?;
            Ok(There { state: Some(State::Association(state)), image: Some(Image::Association(it)) })
        }
    }
}

/// Makes the one call of a step.
pub(super) async fn perform(
    eks: &Eks,
    cluster: &str,
    step: &Step,
    there: &There,
    token: &str,
) -> Result<(), NotWritten> {
    let on = step.subject.to_string();
    let gone = |doing: &str| NotWritten::impossible(doing, &on, "it is not there");
    match &step.call {
        Call::CreateAccessEntry { principal_arn, kind, username, kubernetes_groups, tags } => {
            let username = username.as_deref();
            let new = NewEntry { principal_arn, kind, username, groups: kubernetes_groups, tags };
            eks.create_access_entry(cluster, new, token).await
        }
        Call::UpdateAccessEntry { principal_arn, username, kubernetes_groups } => {
            let username = username.as_deref();
            eks.update_access_entry(cluster, principal_arn, username, kubernetes_groups, token).await
        }
        Call::DeleteAccessEntry { principal_arn } => eks.delete_access_entry(cluster, principal_arn).await,
        Call::AssociateAccessPolicy { principal_arn, policy_arn, access_scope } => {
            eks.associate_access_policy(cluster, principal_arn, policy_arn, access_scope).await
        }
        Call::DisassociateAccessPolicy { principal_arn, policy_arn } => {
            eks.disassociate_access_policy(cluster, principal_arn, policy_arn).await
        }
        Call::TagResource { tags } => {
            let arn = there.arn().ok_or_else(|| gone("set the tags"))?;
            eks.tag_resource(arn, tags).await
        }
        Call::UntagResource { tag_keys } => {
            let arn = there.arn().ok_or_else(|| gone("take tags away"))?;
            eks.untag_resource(arn, tag_keys).await
        }
        Call::CreatePodIdentityAssociation {
            namespace,
            service_account,
            role_arn,
            target_role_arn,
            disable_session_tags,
            policy,
            tags,
        } => {
            let given = Given {
                role_arn,
                target_role_arn: target_role_arn.as_deref(),
                disable_session_tags: *disable_session_tags,
                policy: policy.as_deref(),
            };
            eks.create_pod_identity_association(cluster, (namespace, service_account), given, tags, token).await
        }
        Call::UpdatePodIdentityAssociation { role_arn, target_role_arn, disable_session_tags, policy } => {
            let id = there.id().ok_or_else(|| gone("update the Pod Identity association"))?;
            let was = match &there.state {
                Some(State::Association(it)) => it.clone(),
                _ => AssociationState::default(),
            };
            let given = Given {
                role_arn,
                target_role_arn: or_taken_away(target_role_arn.as_deref(), was.target_role_arn.as_deref()),
                disable_session_tags: *disable_session_tags,
                policy: or_taken_away(policy.as_deref(), was.policy.as_deref()),
            };
            eks.update_pod_identity_association(cluster, id, given, token).await
        }
        Call::DeletePodIdentityAssociation {} => {
            let id = there.id().ok_or_else(|| gone("delete the Pod Identity association"))?;
            eks.delete_pod_identity_association(cluster, id).await
        }
    }
}

/// What is left out of an update stays as it was, so what is to go has to be said: by an empty text.
fn or_taken_away<'a>(wanted: Option<&'a str>, was: Option<&str>) -> Option<&'a str> {
    wanted.or(was.map(|_| ""))
}
