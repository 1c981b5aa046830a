//! What EKS is told: the writing calls.
//!
//! Decides that a write is made once: the SDK's own retries are off, for a write that may have happened is not repeated
//! without looking; and whether a failed one certainly did nothing ([`NotWritten::may_have_happened`]). What to write, in
//! which order, and what to do about a failure is not decided here.

use std::collections::BTreeMap;
use std::future::Future;

use aws_sdk_eks::config::Builder;
use aws_sdk_eks::config::http::HttpResponse;
use aws_sdk_eks::config::retry::RetryConfig;
use aws_sdk_eks::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_eks::types::{AccessScope as SdkScope, AccessScopeType};

use super::Eks;
use crate::cloud::failure;
use crate::cloud::lanes::Rank;
use crate::model::failure::{Failure, FailureKind};
use crate::model::mapping::{AccessScope, ScopeKind};

/// A write that did not end well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotWritten {
    /// What was said.
    pub failure: Failure,
    /// It may have been done: the answer was lost, or was no clear one. False: it certainly was not.
    pub may_have_happened: bool,
}

/// An access entry that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewEntry<'a> {
    /// Whose.
    pub principal_arn: &'a str,
    /// `STANDARD`, …
    pub kind: &'a str,
    /// `None` is EKS's default.
    pub username: Option<&'a str>,
    /// The Kubernetes groups.
    pub groups: &'a [String],
    /// The tags.
    pub tags: &'a BTreeMap<String, String>,
}

/// What a Pod Identity association gives. An empty text takes away what was there.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The role.
    pub role_arn: &'a str,
    /// The role that the first one goes on to.
    pub target_role_arn: Option<&'a str>,
    /// No session tags.
    pub disable_session_tags: bool,
    /// A policy that narrows it.
    pub policy: Option<&'a str>,
}

/// A fluent builder's call, made once.
macro_rules! once {
    ($call:expr) => {
        $call.customize().config_override(Builder::new().retry_config(RetryConfig::disabled())).send()
    };
}

fn scope(of: &AccessScope) -> SdkScope {
    let kind = match of.kind {
        ScopeKind::Cluster => AccessScopeType::Cluster,
        ScopeKind::Namespace => AccessScopeType::Namespace,
    };
    let namespaces = Some(of.namespaces.clone()).filter(|it| !it.is_empty());
    SdkScope::builder().r#type(kind).set_namespaces(namespaces).build()
}

impl Eks {
    async fn write<T, E>(
        &self,
        operation: &str,
        doing: &'static str,
        on: &str,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, NotWritten>
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let request = self.request(operation, doing, on, Rank::Page).that_writes();
        let mut may_have_happened = true;
        let said = self.session.perform(request, call, |request, error| {
            may_have_happened = failure::may_have_happened(&error);
            failure::aws(request, error)
        });
        let said = said.await;
        said.map_err(|failure| NotWritten { failure, may_have_happened })
    }

    /// CreateAccessEntry.
    pub async fn create_access_entry(&self, cluster: &str, new: NewEntry<'_>, token: &str) -> Result<(), NotWritten> {
        let tags = new.tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        let call = self
            .client
            .create_access_entry()
            .cluster_name(cluster)
            .principal_arn(new.principal_arn)
            .r#type(new.kind)
            .set_username(new.username.map(str::to_owned))
            .set_kubernetes_groups(Some(new.groups.to_vec()).filter(|it| !it.is_empty()))
            .set_tags(Some(tags).filter(|it: &std::collections::HashMap<_, _>| !it.is_empty()))
            .client_request_token(token);
        self.write("CreateAccessEntry", "create the access entry", new.principal_arn, once!(call)).await.map(drop)
    }

    /// UpdateAccessEntry: replaces groups and username. No username resets it to EKS's default.
    pub async fn update_access_entry(
        &self,
        cluster: &str,
        arn: &str,
        username: Option<&str>,
        groups: &[String],
        token: &str,
    ) -> Result<(), NotWritten> {
        let call = self
            .client
            .update_access_entry()
            .cluster_name(cluster)
            .principal_arn(arn)
            .set_username(username.map(str::to_owned))
            .set_kubernetes_groups(Some(groups.to_vec()))
            .client_request_token(token);
        self.write("UpdateAccessEntry", "update the access entry", arn, once!(call)).await.map(drop)
    }

    /// DeleteAccessEntry; its policies go with it.
    pub async fn delete_access_entry(&self, cluster: &str, arn: &str) -> Result<(), NotWritten> {
        let call = self.client.delete_access_entry().cluster_name(cluster).principal_arn(arn);
        self.write("DeleteAccessEntry", "delete the access entry", arn, once!(call)).await.map(drop)
    }

    /// AssociateAccessPolicy: gives a policy, or another scope to one that is there.
    pub async fn associate_access_policy(
        &self,
        cluster: &str,
        arn: &str,
        policy_arn: &str,
        at: &AccessScope,
    ) -> Result<(), NotWritten> {
        let call = self.client.associate_access_policy().cluster_name(cluster).principal_arn(arn);
        let call = call.policy_arn(policy_arn).access_scope(scope(at));
        self.write("AssociateAccessPolicy", "give an access policy to the entry", arn, once!(call)).await.map(drop)
    }

    /// DisassociateAccessPolicy.
    pub async fn disassociate_access_policy(
        &self,
        cluster: &str,
        arn: &str,
        policy_arn: &str,
    ) -> Result<(), NotWritten> {
        let call = self.client.disassociate_access_policy().cluster_name(cluster).principal_arn(arn);
        let call = call.policy_arn(policy_arn);
        let doing = "take an access policy from the entry";
        self.write("DisassociateAccessPolicy", doing, arn, once!(call)).await.map(drop)
    }

    /// TagResource.
    pub async fn tag_resource(&self, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), NotWritten> {
        let tags = tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        let call = self.client.tag_resource().resource_arn(arn).set_tags(Some(tags));
        self.write("TagResource", "set the tags", arn, once!(call)).await.map(drop)
    }

    /// UntagResource.
    pub async fn untag_resource(&self, arn: &str, keys: &[String]) -> Result<(), NotWritten> {
        let call = self.client.untag_resource().resource_arn(arn).set_tag_keys(Some(keys.to_vec()));
        self.write("UntagResource", "take tags away", arn, once!(call)).await.map(drop)
    }

    /// CreatePodIdentityAssociation, for a service account: namespace, name.
    pub async fn create_pod_identity_association(
        &self,
        cluster: &str,
        (namespace, account): (&str, &str),
        given: Given<'_>,
        tags: &BTreeMap<String, String>,
        token: &str,
    ) -> Result<(), NotWritten> {
        let tags = tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        let call = self
            .client
            .create_pod_identity_association()
            .cluster_name(cluster)
            .namespace(namespace)
            .service_account(account)
            .role_arn(given.role_arn)
            .set_target_role_arn(given.target_role_arn.map(str::to_owned))
            .disable_session_tags(given.disable_session_tags)
            .set_policy(given.policy.map(str::to_owned))
            .set_tags(Some(tags).filter(|it: &std::collections::HashMap<_, _>| !it.is_empty()))
            .client_request_token(token);
        let on = format!("{namespace}/{account}");
        let doing = "create the Pod Identity association";
        self.write("CreatePodIdentityAssociation", doing, &on, once!(call)).await.map(drop)
    }

    /// UpdatePodIdentityAssociation.
    pub async fn update_pod_identity_association(
        &self,
        cluster: &str,
        id: &str,
        given: Given<'_>,
        token: &str,
    ) -> Result<(), NotWritten> {
        let call = self
            .client
            .update_pod_identity_association()
            .cluster_name(cluster)
            .association_id(id)
            .role_arn(given.role_arn)
            .set_target_role_arn(given.target_role_arn.map(str::to_owned))
            .disable_session_tags(given.disable_session_tags)
            .set_policy(given.policy.map(str::to_owned))
            .client_request_token(token);
        let doing = "update the Pod Identity association";
        self.write("UpdatePodIdentityAssociation", doing, id, once!(call)).await.map(drop)
    }

    /// DeletePodIdentityAssociation.
    pub async fn delete_pod_identity_association(&self, cluster: &str, id: &str) -> Result<(), NotWritten> {
        let call = self.client.delete_pod_identity_association().cluster_name(cluster).association_id(id);
        let doing = "delete the Pod Identity association";
        self.write("DeletePodIdentityAssociation", doing, id, once!(call)).await.map(drop)
    }

    /// The id of a service account's association, if it has one: ListPodIdentityAssociations, narrowed to it.
    pub async fn pod_identity_association_of(
        &self,
        cluster: &str,
        namespace: &str,
        account: &str,
    ) -> Result<Option<String>, Failure> {
        let on = format!("{namespace}/{account}");
        let request = self.request("ListPodIdentityAssociations", "find the Pod Identity association", on, Rank::Entry);
        let call = self.client.list_pod_identity_associations().cluster_name(cluster);
        let call = call.namespace(namespace).service_account(account);
        let call = call.customize().interceptor(request.check()).send();
        let said = self.session.perform(request, call, failure::aws).await?;
        let is_it = |namespace_of: Option<&str>, account_of: Option<&str>| {
            namespace_of == Some(namespace) && account_of == Some(account)
        };
        let found = said.associations.unwrap_or_default().into_iter();
        Ok(found.filter(|it| is_it(it.namespace(), it.service_account())).find_map(|it| it.association_id))
    }
}

impl NotWritten {
    /// What could not even be asked for.
    pub fn impossible(doing: &str, on: &str, message: &str) -> Self {
        let (doing, on, message) = (doing.to_owned(), on.to_owned(), message.to_owned());
        let failure = Failure { kind: FailureKind::Missing, doing, on, code: None, message };
        NotWritten { failure, may_have_happened: false }
    }
}
