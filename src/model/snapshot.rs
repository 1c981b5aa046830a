//! The facts at one moment, in sections, each with how complete it is.
//!
//! A section is one source's part: it may be loading, known, partial, stale, refused, failed or not applicable, and
//! lookups into it are three-valued ([`Lookup`]): found, absent, or *unknown because* — ignorance never reads as
//! absence. Decides nothing about access. A new source of facts is a new field here, in [`super::document`] (how it
//! is written) and in `run/load` (how it is fetched).

mod authentication;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::aws_auth::AwsAuth;
use super::cluster::{
    Addon, Capability, Cluster, ClusterChange, ClusterId, FargateProfile, IdentityProviderConfig, Nodegroup,
};
use super::discovery::ApiResource;
use super::failure::Failure;
use super::mapping::AccessEntry;
use super::network::NetworkPolicy;
use super::principal::{Principal, PrincipalKey, PrincipalKind};
use super::rbac::{Binding, ConfigMap, Namespace, Role};
use super::role::{Caller, GroupDetail, InstanceProfile, ManagedPolicy, OpenIdConnectProvider, RoleDetail, UserDetail};
use super::time::Time;
use super::workload::{DaemonSet, Node, Pod, PodIdentityAssociation, ServiceAccount};

pub use super::evidence::{DocumentRef, Evidence};

/// Something that is there (it was listed) but could not be read, or the unread rest of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Its name or ARN; `None` for the rest of a list whose end was not reached.
    pub item: Option<String>,
    /// Why it is missing.
    pub failure: Failure,
}

/// How complete a section is.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum State {
    /// Nobody has asked yet.
    #[default]
    Waiting,
    /// Being read; what came so far is in the value.
    Loading {
        /// Items read so far.
        done: usize,
        /// Items to read, once it is known how many.
        total: Option<usize>,
    },
    /// Read whole.
    Known {
        /// When.
        since: Time,
    },
    /// Read, but for some items.
    Partial {
        /// When.
        since: Time,
        /// Which, and why.
        missing: Vec<Missing>,
    },
    /// Was known; the last refresh failed and the older value stands.
    Stale {
        /// When it was known.
        since: Time,
        /// Items that were missing even then.
        missing: Vec<Missing>,
        /// Why the refresh failed.
        failure: Failure,
    },
    /// The caller may not read it (401 and 403, AccessDenied).
    Refused(Failure),
    /// It could not be read for another reason.
    Failed(Failure),
    /// There is nothing to read, and why: access entries of a CONFIG_MAP cluster.
    NotApplicable(String),
}

/// One source's part of the snapshot: a value of its own and how complete it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Section<T> {
    value: Option<Arc<T>>,
    state: State,
}

impl<T> Default for Section<T> {
    fn default() -> Self {
        Section { value: None, state: State::Waiting }
    }
}

impl<T> Section<T> {
    /// Read whole.
    pub fn known(value: T, since: Time) -> Self {
        Section { value: Some(Arc::new(value)), state: State::Known { since } }
    }

    /// Read but for `missing`; known whole if that is empty.
    pub fn partial(value: T, since: Time, missing: Vec<Missing>) -> Self {
        let state = if missing.is_empty() { State::Known { since } } else { State::Partial { since, missing } };
        Section { value: Some(Arc::new(value)), state }
    }

    /// Being read, with what came so far.
    pub fn loading(value: Option<T>, done: usize, total: Option<usize>) -> Self {
        Section { value: value.map(Arc::new), state: State::Loading { done, total } }
    }

    /// Not read: refused if the failure is a refusal, else failed.
    pub fn failed(failure: Failure) -> Self {
        use super::failure::FailureKind::{Refused, Unauthenticated};
        let state = match failure.kind {
            Refused { .. } | Unauthenticated => State::Refused(failure),
            _ => State::Failed(failure),
        };
        Section { value: None, state }
    }

    /// There is nothing to read.
    pub fn not_applicable(why: impl Into<String>) -> Self {
        Section { value: None, state: State::NotApplicable(why.into()) }
    }

    /// How complete it is.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What there is, complete or not.
    pub fn value(&self) -> Option<&T> {
        self.value.as_deref()
    }

    /// What there is, shared.
    pub fn shared(&self) -> Option<Arc<T>> {
        self.value.clone()
    }

    /// True while it is waiting or being read for the first time.
    pub fn is_loading(&self) -> bool {
        matches!(self.state, State::Waiting | State::Loading { .. })
    }

    /// Why not all of the section is known, be it an item that could not be read; `None` when whatever is not in the value
    /// is absent.
    pub fn gap(&self) -> Option<Gap> {
        self.unnamed_gap().or_else(|| self.missing().first().map(|it| Gap::Item(it.failure.clone())))
    }

    /// Why the section as a whole, or a part of it that cannot be named, is not known; `None` when whatever is not in the
    /// value is absent, except for the items of [`Section::missing`].
    pub fn unnamed_gap(&self) -> Option<Gap> {
        match &self.state {
            State::Waiting | State::Loading { .. } => Some(Gap::Loading),
            State::Known { .. } | State::NotApplicable(_) => None,
            State::Partial { missing, .. } | State::Stale { missing, .. } => {
                missing.iter().find(|m| m.item.is_none()).map(|m| Gap::Failure(m.failure.clone()))
            }
            State::Refused(failure) | State::Failed(failure) => Some(Gap::Failure(failure.clone())),
        }
    }

    /// The items that are there but could not be read.
    pub fn missing(&self) -> &[Missing] {
        match &self.state {
            State::Partial { missing, .. } | State::Stale { missing, .. } => missing,
            _ => &[],
        }
    }

    /// The failure behind a section that has none of its facts, or only old ones.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.state {
            State::Refused(failure) | State::Failed(failure) | State::Stale { failure, .. } => Some(failure),
            _ => None,
        }
    }

    /// The section after a refresh gave `fresh`: a failed refresh keeps the older value, marked stale, and a refresh
    /// under way keeps the older value until something better has come. News of a first reading that say only how far it
    /// is keep the rows that came before.
    #[must_use]
    pub fn refreshed(self, fresh: Section<T>) -> Section<T> {
        let (since, missing) = match &self.state {
            State::Known { since } => (*since, Vec::new()),
            State::Partial { since, missing } | State::Stale { since, missing, .. } => (*since, missing.clone()),
            State::Loading { .. } if matches!(fresh, Section { value: None, state: State::Loading { .. } }) => {
                return Section { value: self.value, state: fresh.state };
            }
            _ => return fresh,
        };
        match fresh.state {
            State::Failed(failure) | State::Refused(failure) => {
                Section { value: self.value, state: State::Stale { since, missing, failure } }
            }
            State::Waiting | State::Loading { .. } => self,
            _ => fresh,
        }
    }

    /// The same completeness around another view of the value.
    pub fn map<U>(&self, f: impl FnOnce(&T) -> U) -> Section<U> {
        Section { value: self.value.as_deref().map(|v| Arc::new(f(v))), state: self.state.clone() }
    }
}

impl<T: Clone> Section<Vec<T>> {
    /// Changes the items that there are; how complete they are stays.
    pub(super) fn change(&mut self, with: impl FnOnce(&mut Vec<T>)) {
        if let Some(value) = &mut self.value {
            with(Arc::make_mut(value));
        }
    }

    /// As [`Section::refreshed`]; besides, an item that was read before and could not be read this time keeps what was
    /// read before. It stays among the missing, so that what depends on it says so.
    #[must_use]
    pub fn refreshed_items(self, fresh: Self, name: impl Fn(&T) -> &str) -> Self {
        let kept: Vec<T> = match &fresh.state {
            State::Partial { missing, .. } => {
                let lost = |it: &&T| missing.iter().any(|m| m.item.as_deref() == Some(name(it)));
                let read = |it: &&T| fresh.items().iter().any(|new| name(new) == name(it));
                self.items().iter().filter(lost).filter(|it| !read(it)).cloned().collect()
            }
            _ => Vec::new(),
        };
        let mut out = self.refreshed(fresh);
        if !kept.is_empty() {
            let items = out.items().iter().cloned().chain(kept).collect();
            out.value = Some(Arc::new(items));
        }
        out
    }
}

impl<T> Section<Vec<T>> {
    /// What came so far, or nothing.
    pub fn items(&self) -> &[T] {
        self.value.as_deref().map(Vec::as_slice).unwrap_or_default()
    }

    /// Looks for an item: found, absent, or unknown when it may be among what was not read. `named` tells whether
    /// a missing item's name is the one sought.
    pub fn lookup(&self, is_it: impl Fn(&T) -> bool, named: impl Fn(&str) -> bool) -> Lookup<&T> {
        match self.items().iter().find(|item| is_it(item)) {
            Some(item) => Lookup::Found(item),
            None => self.absent_unless_missing(named),
        }
    }

    /// The answer for an item that is not among those read: absent, or unknown when it may be among what was not.
    pub fn absent_unless_missing<U>(&self, named: impl Fn(&str) -> bool) -> Lookup<U> {
        if let Some(gap) = self.unnamed_gap() {
            return Lookup::Unknown(gap);
        }
        // An object of a namespace is missing as `namespace/name`.
        let is_it = |item: &str| named(item) || item.rsplit_once('/').is_some_and(|(_, name)| named(name));
        match self.missing().iter().find(|m| m.item.as_deref().is_some_and(is_it)) {
            Some(missing) => Lookup::Unknown(Gap::Item(missing.failure.clone())),
            None => Lookup::Absent,
        }
    }
}

/// Why a fact is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// It is still being read.
    Loading,
    /// The request for the list failed.
    Failure(Failure),
    /// The thing exists, but the request for its content failed.
    Item(Failure),
    /// It belongs to another account, whose IAM cannot be read from here.
    Foreign(String),
}

impl Gap {
    /// In a few words, for a sentence that has more to say.
    pub fn briefly(&self) -> String {
        match self {
            Gap::Failure(failure) | Gap::Item(failure) => failure.briefly(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Gap::Loading => f.write_str("still loading"),
            Gap::Failure(failure) | Gap::Item(failure) => failure.fmt(f),
            Gap::Foreign(account) => write!(f, "account {account} cannot be read from here"),
        }
    }
}

/// The answer to "is it there?".
#[derive(Clone, Debug, PartialEq)]
pub enum Lookup<T> {
    /// Yes.
    Found(T),
    /// No: the list was read, and it is not in it.
    Absent,
    /// Nobody can say, and why.
    Unknown(Gap),
}

impl<T> Lookup<T> {
    /// What was found.
    pub fn found(self) -> Option<T> {
        match self {
            Lookup::Found(it) => Some(it),
            _ => None,
        }
    }

    /// Another view of what was found.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Lookup<U> {
        match self {
            Lookup::Found(it) => Lookup::Found(f(it)),
            Lookup::Absent => Lookup::Absent,
            Lookup::Unknown(gap) => Lookup::Unknown(gap),
        }
    }
}

/// The aws-auth ConfigMap as it stands and as the authenticator holds it; `None` when the cluster has none.
pub type AwsAuthFact = Option<(ConfigMap, AwsAuth)>;

/// The facts of one cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterFacts {
    /// DescribeCluster.
    pub cluster: Section<Cluster>,
    /// ListAccessEntries, DescribeAccessEntry, ListAssociatedAccessPolicies.
    pub access_entries: Section<Vec<AccessEntry>>,
    /// Entries asked for one by one, ahead of the sweep: the entry, its absence, or the failure.
    pub asked_entries: BTreeMap<PrincipalKey, Result<Option<Arc<AccessEntry>>, Failure>>,
    /// Pod Identity associations.
    pub pod_identity_associations: Section<Vec<PodIdentityAssociation>>,
    /// Managed node groups.
    pub nodegroups: Section<Vec<Nodegroup>>,
    /// Fargate profiles.
    pub fargate_profiles: Section<Vec<FargateProfile>>,
    /// Add-ons.
    pub addons: Section<Vec<Addon>>,
    /// External OIDC identity providers.
    pub identity_provider_configs: Section<Vec<IdentityProviderConfig>>,
    /// Argo CD, ACK and kro, as EKS runs them.
    pub capabilities: Section<Vec<Capability>>,
    /// What EKS changed of the cluster, changes, or failed to change.
    pub updates: Section<Vec<ClusterChange>>,
    /// ConfigMap kube-system/aws-auth.
    pub aws_auth: Section<AwsAuthFact>,
    /// Namespaces.
    pub namespaces: Section<Vec<Namespace>>,
    /// Service accounts.
    pub service_accounts: Section<Vec<ServiceAccount>>,
    /// Pods.
    pub pods: Section<Vec<Pod>>,
    /// Nodes.
    pub nodes: Section<Vec<Node>>,
    /// DaemonSets of `kube-system`.
    pub daemon_sets: Section<Vec<DaemonSet>>,
    /// Network policies.
    pub network_policies: Section<Vec<NetworkPolicy>>,
    /// Roles.
    pub roles: Section<Vec<Role>>,
    /// ClusterRoles.
    pub cluster_roles: Section<Vec<Role>>,
    /// RoleBindings.
    pub role_bindings: Section<Vec<Binding>>,
    /// ClusterRoleBindings.
    pub cluster_role_bindings: Section<Vec<Binding>>,
    /// The resources that the API server serves, from its discovery. Missing items are group versions (`shop.io/v1`).
    pub api_resources: Section<Vec<ApiResource>>,
}

impl ClusterFacts {
    /// The access entry of a principal. A principal has at most one, and its name is unique in its account whatever
    /// the path, so the path is left to the caller to compare.
    pub fn access_entry(&self, key: &PrincipalKey) -> Lookup<&AccessEntry> {
        let is_it = |arn: &str| Principal::from_arn(arn).is_ok_and(|(p, session)| session.is_none() && p.key() == *key);
        let in_sweep = self.access_entries.lookup(|entry| is_it(&entry.principal_arn), is_it);
        one_by_one(in_sweep, &self.access_entries, self.asked_entries.get(key))
    }

    /// Which sections are still to come, and how far they are: `(name, done, total)`.
    pub fn progress(&self) -> Vec<(&'static str, usize, Option<usize>)> {
        fn of<T>(name: &'static str, section: &Section<T>) -> Option<(&'static str, usize, Option<usize>)> {
            match section.state() {
                State::Loading { done, total } => Some((name, *done, *total)),
                State::Waiting => Some((name, 0, None)),
                _ => None,
            }
        }
        [
            of("cluster", &self.cluster),
            of("access entries", &self.access_entries),
            of("aws-auth", &self.aws_auth),
            of("pod identity", &self.pod_identity_associations),
            of("node groups", &self.nodegroups),
            of("fargate profiles", &self.fargate_profiles),
            of("add-ons", &self.addons),
            of("identity providers", &self.identity_provider_configs),
            of("capabilities", &self.capabilities),
            of("updates", &self.updates),
            of("namespaces", &self.namespaces),
            of("service accounts", &self.service_accounts),
            of("pods", &self.pods),
            of("nodes", &self.nodes),
            of("daemon sets", &self.daemon_sets),
            of("network policies", &self.network_policies),
            of("roles", &self.roles),
            of("cluster roles", &self.cluster_roles),
            of("role bindings", &self.role_bindings),
            of("cluster role bindings", &self.cluster_role_bindings),
            of("API resources", &self.api_resources),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The facts of the account's IAM.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IamFacts {
    /// Whose IAM it is: twelve digits, from the caller.
    pub account: Option<String>,
    /// GetAccountAuthorizationDetails or ListRoles.
    pub roles: Section<Vec<RoleDetail>>,
    /// Roles asked for one by one, by lower-cased name, ahead of the sweep.
    pub asked_roles: BTreeMap<String, Result<Option<Arc<RoleDetail>>, Failure>>,
    /// GetAccountAuthorizationDetails or ListUsers.
    pub users: Section<Vec<UserDetail>>,
    /// Users asked for one by one, by lower-cased name, ahead of the sweep.
    pub asked_users: BTreeMap<String, Result<Option<Arc<UserDetail>>, Failure>>,
    /// IAM groups; they cannot be mapped, but users get rights through them.
    pub groups: Section<Vec<GroupDetail>>,
    /// Managed policies with their documents.
    pub policies: Section<Vec<ManagedPolicy>>,
    /// Policies of roles asked for one by one since no sweep brought them, by lower-cased name; `None` is read well, and
    /// stands with the role.
    pub asked_policies_of: BTreeMap<String, Option<Failure>>,
    /// Managed policies asked for one by one, by ARN: AWS's own are in no sweep.
    pub asked_policies: BTreeMap<String, Result<Option<Arc<ManagedPolicy>>, Failure>>,
    /// OIDC providers.
    pub oidc_providers: Section<Vec<OpenIdConnectProvider>>,
    /// Instance profiles.
    pub instance_profiles: Section<Vec<InstanceProfile>>,
}

impl IamFacts {
    /// A role of the account by name, whatever its path.
    pub fn role(&self, account: &str, name: &str) -> Lookup<&RoleDetail> {
        if let Some(gap) = self.foreign(account) {
            return Lookup::Unknown(gap);
        }
        let lower = name.to_lowercase();
        let same = |other: &str| is_name(other, &lower);
        one_by_one(self.roles.lookup(|r| same(&r.role_name), same), &self.roles, self.asked_roles.get(&lower))
    }

    /// A user of the account by name, whatever its path.
    pub fn user(&self, account: &str, name: &str) -> Lookup<&UserDetail> {
        if let Some(gap) = self.foreign(account) {
            return Lookup::Unknown(gap);
        }
        let lower = name.to_lowercase();
        let same = |other: &str| is_name(other, &lower);
        one_by_one(self.users.lookup(|u| same(&u.user_name), same), &self.users, self.asked_users.get(&lower))
    }

    /// The ARN and creation time that IAM has for a principal's name, if it is a role or a user.
    pub fn existing(&self, principal: &Principal) -> Lookup<(&str, Option<Time>)> {
        match principal.kind {
            PrincipalKind::Role => {
                self.role(&principal.account, &principal.name).map(|r| (r.arn.as_str(), r.create_date))
            }
            PrincipalKind::User => {
                self.user(&principal.account, &principal.name).map(|u| (u.arn.as_str(), u.create_date))
            }
            // The root user always exists, and federated users are made by the call that names them.
            PrincipalKind::Root | PrincipalKind::FederatedUser => Lookup::Found(("", None)),
        }
    }

    fn foreign(&self, account: &str) -> Option<Gap> {
        match self.account.as_deref() {
            Some(own) if own == account => None,
            Some(_) => Some(Gap::Foreign(account.to_owned())),
            None if self.roles.is_loading() => Some(Gap::Loading),
            None => Some(Gap::Failure(Failure::not_recorded("whose account this is"))),
        }
    }
}

/// Whether a name in lower case is this one. Thousands are compared, and IAM's names are ASCII.
fn is_name(name: &str, lower: &str) -> bool {
    name.eq_ignore_ascii_case(lower) || !name.is_ascii() && name.to_lowercase() == lower
}

/// What was asked for by itself, beside the sweep: it fills what the sweep does not know, and is newer than a sweep that
/// could not be repeated. (A sweep that ended well is newer than all single answers before it, and drops them.)
fn one_by_one<'a, T, S>(
    in_sweep: Lookup<&'a T>,
    sweep: &Section<S>,
    asked: Option<&'a Result<Option<Arc<T>>, Failure>>,
) -> Lookup<&'a T> {
    let older = matches!(sweep.state(), State::Stale { .. });
    match (in_sweep, asked) {
        (Lookup::Unknown(_), Some(Ok(Some(it)))) => Lookup::Found(it),
        (Lookup::Unknown(_), Some(Ok(None))) => Lookup::Absent,
        (Lookup::Unknown(_), Some(Err(failure))) => Lookup::Unknown(Gap::Failure(failure.clone())),
        (_, Some(Ok(Some(it)))) if older => Lookup::Found(it),
        (_, Some(Ok(None))) if older => Lookup::Absent,
        (in_sweep, _) => in_sweep,
    }
}

/// Where a snapshot's facts come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// AWS and Kubernetes, as the caller.
    #[default]
    Live,
    /// The embedded lab.
    Lab,
    /// A file; nothing is fetched.
    File {
        /// As it was given.
        path: String,
    },
}

/// All the facts at one moment. Cheap to clone: each section shares its value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Where from.
    pub source: Source,
    /// When a document was taken; `None` for live facts, whose sections have times of their own.
    pub taken_at: Option<Time>,
    /// GetCallerIdentity.
    pub caller: Section<Caller>,
    /// The clusters of the regions asked for.
    pub clusters: Section<Vec<ClusterId>>,
    /// The facts of those clusters that were looked at.
    pub facts: BTreeMap<ClusterId, Arc<ClusterFacts>>,
    /// The account's IAM.
    pub iam: Arc<IamFacts>,
}

impl Snapshot {
    /// The facts of a cluster; empty ones if it was never looked at.
    pub fn cluster(&self, id: &ClusterId) -> Arc<ClusterFacts> {
        self.facts.get(id).cloned().unwrap_or_default()
    }

    /// The facts when no more will come: what nobody asked for is not recorded, instead of still loading.
    #[must_use]
    pub fn settled(mut self) -> Self {
        macro_rules! settle {
            ($of:expr; $($field:ident),*) => {
                $(if $of.$field.is_loading() {
                    let mut failure = Failure::not_recorded(&stringify!($field).replace('_', " "));
                    "it was not asked for".clone_into(&mut failure.message);
                    $of.$field = Section { value: $of.$field.value.take(), state: State::Failed(failure) };
                })*
            };
        }
        for facts in self.facts.values_mut() {
            let facts = Arc::make_mut(facts);
            settle!(facts; cluster, access_entries, pod_identity_associations, nodegroups, fargate_profiles, addons,
                identity_provider_configs, capabilities, updates, aws_auth, namespaces, service_accounts, pods, nodes,
                daemon_sets, network_policies, roles, cluster_roles, role_bindings, cluster_role_bindings, api_resources);
        }
        let iam = Arc::make_mut(&mut self.iam);
        settle!(iam; roles, users, groups, policies, oidc_providers, instance_profiles);
        self
    }

    /// The clusters of that name (several regions may have one of the same name).
    pub fn clusters_named(&self, name: &str) -> Vec<ClusterId> {
        self.clusters.items().iter().filter(|id| id.name == name).cloned().collect()
    }
}

#[cfg(test)]
mod tests;
