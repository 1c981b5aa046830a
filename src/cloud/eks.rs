//! What EKS is asked: clusters, access entries with their policies, Pod Identity associations, node groups, Fargate
//! profiles, add-ons, capabilities, identity provider configurations, updates of the cluster.
//!
//! One method per operation, one page per call; those that write are in `write`. "Not there" is an answer where the caller can do something with it.
//! Whether an answer is complete is `answer`'s to judge, before it is converted here.

mod convert;
mod write;

pub(super) use convert::time;
pub use write::{Given, NewEntry, NotWritten};

use aws_sdk_eks::Client;

use super::lanes::{Rank, Service};
use super::session::{Request, Session};
use super::{Page, PageTurns, failure};
use crate::model::cluster::{
    Addon, Capability, Cluster, ClusterChange, FargateProfile, IdentityProviderConfig, Nodegroup,
};
use crate::model::failure::{Failure, FailureKind};
use crate::model::mapping::{AccessEntry, AssociatedPolicy};
use crate::model::workload::PodIdentityAssociation;

/// What CONFIG_MAP clusters say to every request about access entries.
const WRONG_MODE: &str = "authentication mode must be set to";

/// What the list of Pod Identity associations says of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedAssociation {
    /// `a-…`
    pub id: String,
    /// Namespace and name of its service account, if the list has both.
    pub account: Option<(String, String)>,
}

/// EKS in one region.
#[derive(Clone, Debug)]
pub struct Eks {
    session: Session,
    client: Client,
    region: String,
}

impl Session {
    /// EKS in a region.
    pub fn eks(&self, region: &str) -> Eks {
        Eks { session: self.clone(), client: self.eks_client(region), region: region.to_owned() }
    }
}

/// Is this EKS saying that the cluster's authentication mode has no access entries?
pub fn has_no_entries(failure: &Failure) -> bool {
    failure.kind == FailureKind::Invalid && failure.message.contains(WRONG_MODE)
}

fn of(cluster: &str) -> String {
    format!("cluster {cluster}")
}

/// `None` if the answer was that the item itself is not there; a missing cluster stays a failure.
fn unless_gone<T>(result: Result<Option<T>, Failure>) -> Result<Option<T>, Failure> {
    match result {
        Ok(None) => Err(nothing()),
        Err(failure) if failure.kind == FailureKind::Missing && !speaks_of_cluster(&failure.message) => Ok(None),
        result => result,
    }
}

/// An answer of success with nothing in it, which the answer's check should have seen.
fn nothing() -> Failure {
    Failure {
        kind: FailureKind::Unexpected,
        doing: "read the answer of EKS".to_owned(),
        on: String::new(),
        code: None,
        message: "the answer does not hold what was asked for".to_owned(),
    }
}

/// Is it the cluster that EKS does not find? Its code is the same for all that is not there.
fn speaks_of_cluster(message: &str) -> bool {
    let message = message.to_lowercase();
    message.contains("no cluster") || message.starts_with("cluster") || message.contains("specified cluster")
}

impl Eks {
    fn request(&self, operation: &str, doing: &'static str, on: impl Into<String>, rank: Rank) -> Request {
        Request::aws(Service::Eks, operation, doing, on, rank).in_region(&self.region)
    }

    /// A page of a list.
    fn page<T>(&self, items: Vec<T>, next: Option<String>, about: &Request) -> Page<T> {
        Page { weight: self.session.weigh(about), ..Page::new(items, next) }
    }

    /// ListClusters: names.
    pub async fn list_clusters(&self, next: Option<String>) -> Result<Page<String>, Failure> {
        let on = format!("region {}", self.region);
        let request = self.request("ListClusters", "list the clusters", on, Rank::Page);
        let call = self.client.list_clusters().set_next_token(next).customize().interceptor(request.check()).send();
        let about = request.clone();
        let said = self.session.perform(request, call, failure::aws).await?;
        Ok(self.page(said.clusters.unwrap_or_default(), said.next_token, &about))
    }

    /// DescribeCluster.
    pub async fn describe_cluster(&self, cluster: &str) -> Result<Cluster, Failure> {
        let request = self
            .request("DescribeCluster", "describe the cluster", cluster, Rank::Page)
            .naming(&["cluster", "name"], cluster);
        let call = self.client.describe_cluster().name(cluster).customize().interceptor(request.check()).send();
        let check = request.check();
        let said = self.session.perform(request.clone(), call, failure::aws).await?;
        said.cluster
            .map(|it| convert::cluster(it, |pointer| check.has(pointer)))
            .ok_or_else(|| request.failure(FailureKind::Unexpected, None, "the answer holds no cluster"))
    }

    /// ListAccessPolicies: the ARNs of the access policies that there are.
    pub async fn list_access_policies(&self, next: Option<String>) -> Result<Page<String>, Failure> {
        let request = self.request("ListAccessPolicies", "list the access policies that there are", "", Rank::Page);
        let call = self.client.list_access_policies().set_next_token(next).customize().interceptor(request.check());
        let about = request.clone();
        let said = self.session.perform(request, call.send(), failure::aws).await?;
        let arns = said.access_policies.unwrap_or_default().into_iter().filter_map(|it| it.arn).collect();
        Ok(self.page(arns, said.next_token, &about))
    }

    /// ListAccessEntries: principal ARNs; with a policy's ARN those of the entries that have it.
    pub async fn list_access_entries(
        &self,
        cluster: &str,
        policy: Option<&str>,
        next: Option<String>,
    ) -> Result<Page<String>, Failure> {
        let doing = match policy {
            Some(_) => "list the access entries that have an access policy",
            None => "list the access entries",
        };
        let request = self.request("ListAccessEntries", doing, of(cluster), Rank::Page);
        let call = self
            .client
            .list_access_entries()
            .cluster_name(cluster)
            .set_associated_policy_arn(policy.map(str::to_owned))
            .set_next_token(next)
            .customize()
            .interceptor(request.check())
            .send();
        let about = request.clone();
        let said = self.session.perform(request, call, failure::aws).await?;
        Ok(self.page(said.access_entries.unwrap_or_default(), said.next_token, &about))
    }

    /// DescribeAccessEntry, without its policies; `None` if there is no entry for exactly this ARN.
    pub async fn describe_access_entry(&self, cluster: &str, arn: &str) -> Result<Option<AccessEntry>, Failure> {
        let request = self
            .request("DescribeAccessEntry", "describe the access entry", arn, Rank::Entry)
            .naming(&["accessEntry", "principalArn"], arn);
        let call = self
            .client
            .describe_access_entry()
            .cluster_name(cluster)
            .principal_arn(arn)
            .customize()
            .interceptor(request.check())
            .send();
        let said = self.session.perform(request, call, failure::aws).await;
        unless_gone(said.map(|said| said.access_entry.and_then(convert::access_entry)))
    }

    /// ListAssociatedAccessPolicies, all pages.
    pub async fn associated_access_policies(
        &self,
        cluster: &str,
        arn: &str,
    ) -> Result<Option<Vec<AssociatedPolicy>>, Failure> {
        let (mut policies, mut next, mut turns) = (Vec::new(), None, PageTurns::default());
        loop {
            let request = self
                .request("ListAssociatedAccessPolicies", "list the access policies of the entry", arn, Rank::Entry)
                .naming(&["principalArn"], arn);
            let call = self
                .client
                .list_associated_access_policies()
                .cluster_name(cluster)
                .principal_arn(arn)
                .set_next_token(next)
                .customize()
                .interceptor(request.check())
                .send();
            let about = request.clone();
            let said = match self.session.perform(request, call, failure::aws).await {
                Ok(said) => said,
                Err(failure) => return unless_gone(Err(failure)),
            };
            let found = said.associated_access_policies.unwrap_or_default();
            let count = found.len();
            let found: Option<Vec<AssociatedPolicy>> = found.into_iter().map(convert::associated_policy).collect();
            policies.extend(found.ok_or_else(|| {
                let why = "the scope of one of them is of a kind that is not known here";
                about.failure(FailureKind::Unexpected, None, why)
            })?);
            let weight = self.session.weigh(&about);
            next = turns.follow_token(said.next_token.as_deref(), count, &weight)?;
            if next.is_none() {
                return Ok(Some(policies));
            }
        }
    }

    /// ListPodIdentityAssociations: ids and whose each is; of a service account, by namespace and name, or of those of a
    /// name in any namespace.
    pub async fn list_pod_identity_associations(
        &self,
        cluster: &str,
        (namespace, service_account): (Option<&str>, Option<&str>),
        next: Option<String>,
    ) -> Result<Page<ListedAssociation>, Failure> {
        let doing = "list the Pod Identity associations";
        let request = self.request("ListPodIdentityAssociations", doing, of(cluster), Rank::Page);
        let call = self
            .client
            .list_pod_identity_associations()
            .cluster_name(cluster)
            .set_namespace(namespace.map(str::to_owned))
            .set_service_account(service_account.map(str::to_owned))
            .set_next_token(next)
            .customize()
            .interceptor(request.check())
            .send();
        let about = request.clone();
        let said = self.session.perform(request, call, failure::aws).await?;
        let named = said.associations.unwrap_or_default().into_iter().filter_map(|it| {
            let account = it.namespace.zip(it.service_account);
            Some(ListedAssociation { id: it.association_id?, account })
        });
        Ok(self.page(named.collect(), said.next_token, &about))
    }

    /// DescribePodIdentityAssociation.
    pub async fn describe_pod_identity_association(
        &self,
        cluster: &str,
        id: &str,
    ) -> Result<Option<PodIdentityAssociation>, Failure> {
        let doing = "describe the Pod Identity association";
        let request = self
            .request("DescribePodIdentityAssociation", doing, id, Rank::Detail)
            .naming(&["association", "associationId"], id);
        let call = self
            .client
            .describe_pod_identity_association()
            .cluster_name(cluster)
            .association_id(id)
            .customize()
            .interceptor(request.check())
            .send();
        let said = self.session.perform(request, call, failure::aws).await;
        unless_gone(said.map(|said| said.association.map(convert::pod_identity_association)))
    }

    /// ListNodegroups: names.
    pub async fn list_nodegroups(&self, cluster: &str, next: Option<String>) -> Result<Page<String>, Failure> {
        let request = self.request("ListNodegroups", "list the node groups", of(cluster), Rank::Page);
        let call = self
            .client
            .list_nodegroups()
            .cluster_name(cluster)
            .set_next_token(next)
            .customize()
            .interceptor(request.check())
            .send();
        let about = request.clone();
        let said = self.session.perform(request, call, failure::aws).await?;
        Ok(self.page(said.nodegroups.unwrap_or_default(), said.next_token, &about))
    }

    /// DescribeNodegroup.
    pub async fn describe_nodegroup(&self, cluster: &str, name: &str) -> Result<Option<Nodegroup>, Failure> {
        let request = self
            .request("DescribeNodegroup", "describe the node group", name, Rank::Detail)
            .naming(&["nodegroup", "nodegroupName"], name);
        let call = self
            .client
            .describe_nodegroup()
            .cluster_name(cluster)
            .nodegroup_name(name)
            .customize()
            .interceptor(request.check())
            .send();
        let said = self.session.perform(request, call, failure::aws).await;
        unless_gone(said.map(|said| said.nodegroup.map(convert::nodegroup)))
    }

    /// ListFargateProfiles: names.
    pub async fn list_fargate_profiles(&self, cluster: &str, next: Option<String>) -> Result<Page<String>, Failure> {
        let request = self.request("ListFargateProfiles", "list the Fargate profiles", of(cluster), Rank::Page);
        let call = self
            .client
            .list_fargate_profiles()
            .cluster_name(cluster)
            .set_next_token(next)
            .customize()
            .interceptor(request.check())
            .send();
        let about = request.clone();
        let said = self.session.perform(request, call, failure::aws).await?;
        Ok(self.page(said.fargate_profile_names.unwrap_or_default(), said.next_token, &about))
    }

    /// DescribeFargateProfile.
    pub async fn describe_fargate_profile(&self, cluster: &str, name: &str) -> Result<Option<FargateProfile>, Failure> {
        let request = self
            .request("DescribeFargateProfile", "describe the Fargate profile", name, Rank::Detail)
            .naming(&["fargateProfile", "fargateProfileName"], name);
        let call = self
            .client
            .describe_fargate_profile()
            .cluster_name(cluster)
            .fargate_profile_name(name)
            .customize()
            .interceptor(request.check())
            .send();
        let said = self.session.perform(request, call, failure::aws).await;
        unless_gone(said.map(|said| said.fargate_profile.map(convert::fargate_profile)))
    }

    /// ListAddons: names.
    pub async fn list_addons(&self, cluster: &str, next: Option<String>) -> Result<Page<String>, Failure> {
        let request = self.request("ListAddons", "list the add-ons", of(cluster), Rank::Page);
        let call = self
            .client
            .list_addons()
            .cluster_name(cluster)
            .set_next_token(next)
            .customize()
            .interceptor(request.check())
            .send();
        let about = request.clone();
        let said = self.session.perform(request, call, failure::aws).await?;
        Ok(self.page(said.addons.unwrap_or_default(), said.next_token, &about))
    }

    /// DescribeAddon.
    pub async fn describe_addon(&self, cluster: &str, name: &str) -> Result<Option<Addon>, Failure> {
        let request = self
            .request("DescribeAddon", "describe the add-on", name, Rank::Detail)
            .naming(&["addon", "addonName"], name);
        let call = self
            .client
            .describe_addon()
            .cluster_name(cluster)
            .addon_name(name)
            .customize()
            .interceptor(request.check())
            .send();
        let said = self.session.perform(request, call, failure::aws).await;
        unless_gone(said.map(|said| said.addon.map(convert::addon)))
    }

    /// ListCapabilities: names.
    pub async fn list_capabilities(&self, cluster: &str, next: Option<String>) -> Result<Page<String>, Failure> {
        let request = self.request("ListCapabilities", "list the capabilities", of(cluster), Rank::Page);
        let call = self
            .client
            .list_capabilities()
            .cluster_name(cluster)
            .set_next_token(next)
            .customize()
            .interceptor(request.check())
            .send();
        let about = request.clone();
        let said = self.session.perform(request, call, failure::aws).await?;
        let names = said.capabilities.unwrap_or_default().into_iter().filter_map(|it| it.capability_name);
        Ok(self.page(names.collect(), said.next_token, &about))
    }

    /// DescribeCapability.
    pub async fn describe_capability(&self, cluster: &str, name: &str) -> Result<Option<Capability>, Failure> {
        let request = self
            .request("DescribeCapability", "describe the capability", name, Rank::Detail)
            .naming(&["capability", "capabilityName"], name);
        let call = self
            .client
            .describe_capability()
            .cluster_name(cluster)
            .capability_name(name)
            .customize()
            .interceptor(request.check())
            .send();
        let said = self.session.perform(request, call, failure::aws).await;
        unless_gone(said.map(|said| said.capability.map(convert::capability)))
    }

    /// ListUpdates of the cluster itself: ids.
    pub async fn list_updates(&self, cluster: &str, next: Option<String>) -> Result<Page<String>, Failure> {
        let request = self.request("ListUpdates", "list the updates of the cluster", of(cluster), Rank::Page);
        let call = self
            .client
            .list_updates()
            .name(cluster)
            .set_next_token(next)
            .customize()
            .interceptor(request.check())
            .send();
        let about = request.clone();
        let said = self.session.perform(request, call, failure::aws).await?;
        Ok(self.page(said.update_ids.unwrap_or_default(), said.next_token, &about))
    }

    /// DescribeUpdate.
    pub async fn describe_update(&self, cluster: &str, id: &str) -> Result<Option<ClusterChange>, Failure> {
        let request =
            self.request("DescribeUpdate", "describe the update", id, Rank::Detail).naming(&["update", "id"], id);
        let call =
            self.client.describe_update().name(cluster).update_id(id).customize().interceptor(request.check()).send();
        let said = self.session.perform(request, call, failure::aws).await;
        unless_gone(said.map(|said| said.update.map(convert::update)))
    }

    /// ListIdentityProviderConfigs: names.
    pub async fn list_identity_provider_configs(
        &self,
        cluster: &str,
        next: Option<String>,
    ) -> Result<Page<String>, Failure> {
        let doing = "list the identity provider configurations";
        let request = self.request("ListIdentityProviderConfigs", doing, of(cluster), Rank::Page);
        let call = self
            .client
            .list_identity_provider_configs()
            .cluster_name(cluster)
            .set_next_token(next)
            .customize()
            .interceptor(request.check())
            .send();
        let about = request.clone();
        let said = self.session.perform(request, call, failure::aws).await?;
        let names = said.identity_provider_configs.unwrap_or_default().into_iter().map(|it| it.name);
        Ok(self.page(names.collect(), said.next_token, &about))
    }

    /// DescribeIdentityProviderConfig.
    pub async fn describe_identity_provider_config(
        &self,
        cluster: &str,
        name: &str,
    ) -> Result<Option<IdentityProviderConfig>, Failure> {
        let doing = "describe the identity provider configuration";
        let request = self
            .request("DescribeIdentityProviderConfig", doing, name, Rank::Detail)
            .naming(&["identityProviderConfig", "oidc", "identityProviderConfigName"], name);
        // There is no other type.
        let config = aws_sdk_eks::types::IdentityProviderConfig::builder().r#type("oidc").name(name).build();
        let config = config.map_err(|error| request.failure(FailureKind::Invalid, None, &error.to_string()))?;
        let call =
            self.client.describe_identity_provider_config().cluster_name(cluster).identity_provider_config(config);
        let call = call.customize().interceptor(request.check()).send();
        let said = self.session.perform(request, call, failure::aws).await;
        unless_gone(said.map(|said| said.identity_provider_config.map(convert::identity_provider_config)))
    }
}
