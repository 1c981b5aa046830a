//! News of facts, as values: what a source sends while it reads, and how it enters a snapshot.
//!
//! The screen and the headless commands take the same updates, so that both answer from the same facts. A new section
//! adds a variant here.

use std::sync::Arc;

use super::cluster::{
    Addon, Capability, Cluster, ClusterChange, ClusterId, FargateProfile, IdentityProviderConfig, Nodegroup,
};
use super::discovery::ApiResource;
use super::failure::Failure;
use super::mapping::AccessEntry;
use super::network::NetworkPolicy;
use super::principal::PrincipalKey;
use super::rbac::{Binding, Namespace, Role};
use super::role::{
    Caller, GroupDetail, InstanceProfile, ManagedPolicy, OpenIdConnectProvider, RoleDetail, RolePolicies, UserDetail,
};
use super::snapshot::{AwsAuthFact, Section, Snapshot};
use super::time::Time;
use super::workload::{DaemonSet, Node, Pod, PodIdentityAssociation, ServiceAccount};

/// One request that was made, for the list of calls. Holds no credentials and no answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// `eks`, `iam`, `sts` or `kubernetes`.
    pub service: &'static str,
    /// `DescribeAccessEntry`, `GET /api/v1/pods`.
    pub operation: String,
    /// On what: an ARN, a name, a region.
    pub on: String,
    /// When it began.
    pub at: Time,
    /// How long it took, retries included, in milliseconds.
    pub millis: u64,
    /// `None` if it succeeded, else what was said.
    pub failure: Option<Failure>,
    /// How many calls the service is asked at once when this one ends, where that is fewer than usual because it throttles.
    pub pace: Option<usize>,
}

/// A piece of news.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Update {
    Caller(Section<Caller>),
    Clusters(Section<Vec<ClusterId>>),
    Cluster(ClusterId, ClusterUpdate),
    Iam(IamUpdate),
    /// What follows is of another place (another endpoint): of what was known before, nothing holds there.
    Elsewhere,
}

/// News of one cluster.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum ClusterUpdate {
    Cluster(Section<Cluster>),
    AccessEntries(Section<Vec<AccessEntry>>),
    AskedEntry(PrincipalKey, Result<Option<Arc<AccessEntry>>, Failure>),
    PodIdentityAssociations(Section<Vec<PodIdentityAssociation>>),
    Nodegroups(Section<Vec<Nodegroup>>),
    FargateProfiles(Section<Vec<FargateProfile>>),
    Addons(Section<Vec<Addon>>),
    IdentityProviderConfigs(Section<Vec<IdentityProviderConfig>>),
    Capabilities(Section<Vec<Capability>>),
    Updates(Section<Vec<ClusterChange>>),
    AwsAuth(Section<AwsAuthFact>),
    Namespaces(Section<Vec<Namespace>>),
    ServiceAccounts(Section<Vec<ServiceAccount>>),
    Pods(Section<Vec<Pod>>),
    Nodes(Section<Vec<Node>>),
    DaemonSets(Section<Vec<DaemonSet>>),
    NetworkPolicies(Section<Vec<NetworkPolicy>>),
    Roles(Section<Vec<Role>>),
    ClusterRoles(Section<Vec<Role>>),
    RoleBindings(Section<Vec<Binding>>),
    ClusterRoleBindings(Section<Vec<Binding>>),
    ApiResources(Section<Vec<ApiResource>>),
}

/// News of the account's IAM.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum IamUpdate {
    /// Whose IAM it is.
    Account(String),
    Roles(Section<Vec<RoleDetail>>),
    /// By role name.
    AskedRole(String, Result<Option<Arc<RoleDetail>>, Failure>),
    Users(Section<Vec<UserDetail>>),
    /// By user name.
    AskedUser(String, Result<Option<Arc<UserDetail>>, Failure>),
    Groups(Section<Vec<GroupDetail>>),
    Policies(Section<Vec<ManagedPolicy>>),
    /// A role's policies, by its name.
    AskedPoliciesOf(String, Result<RolePolicies, Failure>),
    /// By ARN.
    AskedPolicy(String, Result<Option<Arc<ManagedPolicy>>, Failure>),
    OidcProviders(Section<Vec<OpenIdConnectProvider>>),
    InstanceProfiles(Section<Vec<InstanceProfile>>),
}

impl Snapshot {
    /// Takes in a piece of news. A refresh never loses what was known: see [`Section::refreshed`].
    pub fn apply(&mut self, update: Update) {
        fn take<T>(old: &mut Section<T>, fresh: Section<T>) {
            *old = std::mem::take(old).refreshed(fresh);
        }
        match update {
            Update::Elsewhere => {
                let source = std::mem::take(&mut self.source);
                *self = Snapshot { source, ..Snapshot::default() };
            }
            Update::Caller(fresh) => take(&mut self.caller, fresh),
            Update::Clusters(fresh) => take(&mut self.clusters, fresh),
            Update::Cluster(id, update) => {
                let facts = Arc::make_mut(self.facts.entry(id).or_default());
                match update {
                    ClusterUpdate::Cluster(fresh) => take(&mut facts.cluster, fresh),
                    ClusterUpdate::AccessEntries(fresh) => {
                        // A sweep that ended well is newer than the single answers that came ahead of it; one that was
                        // refused or failed knows nothing that would replace them.
                        if fresh.gap().is_none() {
                            facts.asked_entries.clear();
                        }
                        let old = std::mem::take(&mut facts.access_entries);
                        facts.access_entries = old.refreshed_items(fresh, |it| it.principal_arn.as_str());
                    }
                    ClusterUpdate::AskedEntry(key, answer) => {
                        facts.asked_entries.insert(key, answer);
                    }
                    ClusterUpdate::PodIdentityAssociations(fresh) => {
                        let old = std::mem::take(&mut facts.pod_identity_associations);
                        facts.pod_identity_associations = old.refreshed_items(fresh, |it| it.association_id.as_str());
                    }
                    ClusterUpdate::Nodegroups(fresh) => take(&mut facts.nodegroups, fresh),
                    ClusterUpdate::FargateProfiles(fresh) => take(&mut facts.fargate_profiles, fresh),
                    ClusterUpdate::Addons(fresh) => take(&mut facts.addons, fresh),
                    ClusterUpdate::IdentityProviderConfigs(fresh) => take(&mut facts.identity_provider_configs, fresh),
                    ClusterUpdate::Capabilities(fresh) => take(&mut facts.capabilities, fresh),
                    ClusterUpdate::Updates(fresh) => {
                        let old = std::mem::take(&mut facts.updates);
                        facts.updates = old.refreshed_items(fresh, |it| it.id.as_str());
                    }
                    ClusterUpdate::AwsAuth(fresh) => take(&mut facts.aws_auth, fresh),
                    ClusterUpdate::Namespaces(fresh) => take(&mut facts.namespaces, fresh),
                    ClusterUpdate::ServiceAccounts(fresh) => take(&mut facts.service_accounts, fresh),
                    ClusterUpdate::Pods(fresh) => take(&mut facts.pods, fresh),
                    ClusterUpdate::Nodes(fresh) => take(&mut facts.nodes, fresh),
                    ClusterUpdate::DaemonSets(fresh) => take(&mut facts.daemon_sets, fresh),
                    ClusterUpdate::NetworkPolicies(fresh) => take(&mut facts.network_policies, fresh),
                    ClusterUpdate::Roles(fresh) => take(&mut facts.roles, fresh),
                    ClusterUpdate::ClusterRoles(fresh) => take(&mut facts.cluster_roles, fresh),
                    ClusterUpdate::RoleBindings(fresh) => take(&mut facts.role_bindings, fresh),
                    ClusterUpdate::ClusterRoleBindings(fresh) => take(&mut facts.cluster_role_bindings, fresh),
                    ClusterUpdate::ApiResources(fresh) => take(&mut facts.api_resources, fresh),
                }
            }
            Update::Iam(update) => {
                let iam = Arc::make_mut(&mut self.iam);
                match update {
                    IamUpdate::Account(account) => iam.account = Some(account),
                    IamUpdate::Roles(fresh) => {
                        // A list of roles brings none of the policies that were asked for, a whole sweep all.
                        iam.asked_policies_of.clear();
                        if fresh.gap().is_none() {
                            iam.asked_roles.clear();
                        }
                        take(&mut iam.roles, fresh);
                    }
                    IamUpdate::AskedRole(name, answer) => {
                        iam.asked_roles.insert(name.to_lowercase(), answer);
                    }
                    IamUpdate::Users(fresh) => {
                        if fresh.gap().is_none() {
                            iam.asked_users.clear();
                        }
                        take(&mut iam.users, fresh);
                    }
                    IamUpdate::AskedUser(name, answer) => {
                        iam.asked_users.insert(name.to_lowercase(), answer);
                    }
                    IamUpdate::Groups(fresh) => take(&mut iam.groups, fresh),
                    IamUpdate::AskedPoliciesOf(name, answer) => iam.take_policies_of(&name, answer),
                    IamUpdate::AskedPolicy(arn, answer) => {
                        iam.asked_policies.insert(arn, answer);
                    }
                    IamUpdate::Policies(fresh) => take(&mut iam.policies, fresh),
                    IamUpdate::OidcProviders(fresh) => take(&mut iam.oidc_providers, fresh),
                    IamUpdate::InstanceProfiles(fresh) => take(&mut iam.instance_profiles, fresh),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::failure::FailureKind;
    use crate::model::principal::Principal;
    use crate::model::snapshot::Lookup;

    #[test]
    fn a_refused_sweep_does_not_take_away_what_was_answered_by_itself() {
        let id = ClusterId { region: "r".into(), name: "c".into() };
        let key = Principal::role("111122223333", "/", "a").key();
        let arn = "arn:aws:iam::111122223333:role/a";
        let entry = AccessEntry { principal_arn: arn.into(), ..AccessEntry::default() };
        let mut snapshot = Snapshot::default();
        let mut apply = |update| snapshot.apply(Update::Cluster(id.clone(), update));
        apply(ClusterUpdate::AskedEntry(key.clone(), Ok(Some(Arc::new(entry)))));
        let failure = Failure {
            kind: FailureKind::Refused { permission: "eks:ListAccessEntries".into() },
            doing: "list".into(),
            on: String::new(),
            code: None,
            message: String::new(),
        };
        apply(ClusterUpdate::AccessEntries(Section::failed(failure)));
        assert!(matches!(snapshot.cluster(&id).access_entry(&key), Lookup::Found(_)));
        snapshot
            .apply(Update::Cluster(id.clone(), ClusterUpdate::AccessEntries(Section::known(vec![], Time::default()))));
        assert_eq!(snapshot.cluster(&id).access_entry(&key), Lookup::Absent, "a whole sweep is newer");
    }
}
