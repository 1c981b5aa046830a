//! The state of the lab: the document it serves, and who may sign in it.
//!
//! Decides what a world's silence means here: of a *cluster*, what the document does not hold does not exist, unless
//! a section is noted as refused or failed, and then asking for it is refused or fails just so. IAM that is absent as
//! a whole stays unknown: it is refused, and any principal may sign. What a real account fills in by itself (ARNs,
//! default usernames) is filled in once, here. A world is never changed in place: a write makes the next one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::LabError;
use super::keys::{self, Credentials, Session};
use super::policy;
use crate::access::identity::{Resolution, Resolver};
use crate::model::cluster::ClusterId;
use crate::model::document::{ClusterDocument, Document, IamDocument, SectionState};
use crate::model::facts::{cluster_id, snapshot_of};
use crate::model::failure::{Failure, FailureKind};
use crate::model::mapping::AccessEntry;
use crate::model::principal::{Arn, Asked, Principal, PrincipalKind};
use crate::model::role::{Caller, InstanceProfile, ProfileRole, RoleDetail, UserDetail};
use crate::model::snapshot::{Snapshot, Source};

/// The name of the session that is made for a role when only the role was named.
const SESSION: &str = "lab";
/// The account of a world that names none.
const NOWHERE: &str = "123456789012";

/// A world, at one moment.
#[derive(Debug)]
pub(super) struct World {
    pub(super) document: Document,
    pub(super) account: String,
    /// `aws`, `aws-cn`, …
    pub(super) partition: String,
    pub(super) region: String,
    clusters: BTreeMap<ClusterId, usize>,
    long_term: HashMap<String, (Caller, Credentials)>,
    snapshot: Snapshot,
    /// As whom a principal gets into a cluster, once asked. Lives and dies with this moment of the world.
    resolved: Mutex<HashMap<(ClusterId, String), Arc<Resolution>>>,
}

/// Why an access key opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoKey {
    Unknown,
    Expired,
}

/// How an answer is withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Withheld<'a> {
    Refused,
    /// Kubernetes knew nobody.
    Unauthenticated,
    Throttled,
    /// Nothing answered.
    Unreachable,
    /// With what was said.
    Failed(&'a str),
}

impl<'a> Withheld<'a> {
    fn by(failure: &'a Failure) -> Withheld<'a> {
        match failure.kind {
            FailureKind::Refused { .. } => Withheld::Refused,
            FailureKind::Unauthenticated => Withheld::Unauthenticated,
            FailureKind::Throttled => Withheld::Throttled,
            FailureKind::Unreachable => Withheld::Unreachable,
            _ => Withheld::Failed(&failure.message),
        }
    }
}

impl World {
    pub(super) fn new(mut document: Document) -> World {
        let region = region_of(&document);
        let account = account_of(&document);
        let partition = partition_of(&document);
        for cluster in &mut document.clusters {
            let id =
                ClusterId { region: cluster_id(cluster, Some(&region)).region, name: cluster.cluster.name.clone() };
            complete_cluster(cluster, &format!("arn:{partition}:eks:{}:{account}:cluster/{}", id.region, id.name));
        }
        if let Some(iam) = &mut document.iam {
            complete_iam(iam, &partition, &account);
        }
        let clusters = document.clusters.iter().enumerate().map(|(n, it)| (cluster_id(it, Some(&region)), n)).collect();
        let snapshot = snapshot_of(&document, Source::Lab);
        let users = document.iam.iter().flat_map(|iam| iam.user_detail_list.iter().flatten());
        let long_term = users
            .map(|user| user_caller(user, &account))
            .chain([root_caller(&partition, &account)])
            .map(|caller| {
                let credentials = keys::long_term(&caller);
                (credentials.access_key_id.clone(), (caller, credentials))
            })
            .collect();
        World { document, account, partition, region, clusters, long_term, snapshot, resolved: Mutex::default() }
    }

    pub(super) fn cluster(&self, id: &ClusterId) -> Option<&ClusterDocument> {
        self.clusters.get(id).and_then(|n| self.document.clusters.get(*n))
    }

    pub(super) fn clusters(&self) -> impl Iterator<Item = (&ClusterId, &ClusterDocument)> {
        self.clusters.iter().filter_map(|(id, n)| Some((id, self.document.clusters.get(*n)?)))
    }

    pub(super) fn roles(&self) -> &[RoleDetail] {
        self.iam().and_then(|iam| iam.role_detail_list.as_deref()).unwrap_or_default()
    }

    pub(super) fn users(&self) -> &[UserDetail] {
        self.iam().and_then(|iam| iam.user_detail_list.as_deref()).unwrap_or_default()
    }

    pub(super) fn iam(&self) -> Option<&IamDocument> {
        self.document.iam.as_ref()
    }

    pub(super) fn role(&self, name: &str) -> Option<&RoleDetail> {
        self.roles().iter().find(|role| same_name(&role.role_name, name))
    }

    pub(super) fn user(&self, name: &str) -> Option<&UserDetail> {
        self.users().iter().find(|user| same_name(&user.user_name, name))
    }

    /// Why a section, or an item of it, must not answer: so it was when the world was taken. A list that was read in
    /// part answers; why its end does not is [`World::rest`].
    pub(super) fn withheld(&self, section: &str, item: Option<&str>) -> Option<Withheld<'_>> {
        let note = self.document.sections.get(section)?;
        match (note.state, &note.failure) {
            (SectionState::Refused | SectionState::Failed, Some(failure)) => Some(Withheld::by(failure)),
            (SectionState::Refused, None) => Some(Withheld::Refused),
            (SectionState::Failed, None) => Some(Withheld::Failed("")),
            (SectionState::Partial, _) => {
                let item = item?;
                note.missing.iter().find(|it| it.item.as_deref() == Some(item)).map(|it| Withheld::by(&it.failure))
            }
            (SectionState::Empty | SectionState::Stale | SectionState::NotApplicable, _) => None,
        }
    }

    /// Why the rest of a section's list was not read, if only its beginning was.
    pub(super) fn rest(&self, section: &str) -> Option<Withheld<'_>> {
        let note = self.document.sections.get(section).filter(|note| note.state == SectionState::Partial)?;
        note.missing.iter().find(|it| it.item.is_none()).map(|it| Withheld::by(&it.failure))
    }

    /// The items of a section that are known by name alone.
    pub(super) fn missing(&self, section: &str) -> impl Iterator<Item = &str> {
        let note = self.document.sections.get(section).filter(|note| note.state == SectionState::Partial);
        note.into_iter().flat_map(|note| &note.missing).filter_map(|it| it.item.as_deref())
    }

    /// Whose an access key is, with its secret.
    pub(super) fn bearer(
        &self,
        key: &str,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<(Caller, Credentials), NoKey> {
        let Some(token) = token else {
            return self.long_term.get(key).cloned().ok_or(NoKey::Unknown);
        };
        let (session, credentials) = keys::open(token).ok_or(NoKey::Unknown)?;
        if credentials.access_key_id != key {
            return Err(NoKey::Unknown);
        }
        if session.has_expired(now) {
            return Err(NoKey::Expired);
        }
        let account = Principal::from_arn(&session.arn).map_err(|_| NoKey::Unknown)?.0.account;
        Ok((Caller { account, arn: session.arn, user_id: session.user_id }, credentials))
    }

    /// The default caller: the one that took the snapshot, else the root user.
    pub(super) fn own_caller(&self) -> Caller {
        match &self.document.caller {
            // Even when the world's IAM does not hold it, since it was there when the snapshot was taken.
            Some(caller) => self.find(&caller.arn).unwrap_or_else(|_| caller.clone()),
            None => root_caller(&self.partition, &self.account),
        }
    }

    /// The caller that a person names: an ARN, `role/NAME`, `user/NAME` or a bare name.
    pub(super) fn find(&self, named: &str) -> Result<Caller, LabError> {
        let unknown = || LabError::NoSuchPrincipal(named.to_owned());
        if !named.starts_with("arn:") {
            let (kind, name) = named.rsplit_once('/').unwrap_or(("", named));
            let role = || self.role(name).map(|role| self.role_caller(role, SESSION));
            let user = || self.user(name).map(|user| user_caller(user, &self.account));
            return match kind.split('/').next().unwrap_or_default() {
                "user" => user(),
                "role" => role(),
                _ => role().or_else(user),
            }
            .ok_or_else(unknown);
        }
        let (principal, session) = Principal::from_arn(named).map_err(LabError::Arn)?;
        let own = principal.account == self.account && self.iam().is_some();
        match principal.kind {
            PrincipalKind::Role => {
                let session = session.as_deref().unwrap_or(SESSION);
                match self.role(&principal.name).filter(|_| own) {
                    Some(role) => Ok(self.role_caller(role, session)),
                    None if own => Err(unknown()),
                    None => Ok(session_caller(&principal, None, session)),
                }
            }
            PrincipalKind::User => match self.user(&principal.name) {
                Some(user) if own => Ok(user_caller(user, &self.account)),
                // Long-term keys are known by the users of the world; a stranger has none.
                _ => Err(unknown()),
            },
            PrincipalKind::Root if principal.account == self.account => Ok(root_caller(&self.partition, &self.account)),
            PrincipalKind::Root => Err(unknown()),
            PrincipalKind::FederatedUser => Ok(Caller {
                account: principal.account.clone(),
                arn: principal.arn(),
                user_id: format!("{}:{}", principal.account, principal.name),
            }),
        }
    }

    pub(super) fn role_caller(&self, role: &RoleDetail, session: &str) -> Caller {
        let principal = Principal::role(&self.account, &role.path, &role.role_name);
        let principal = Principal { partition: self.partition.clone(), ..principal };
        session_caller(&principal, role.role_id.as_deref(), session)
    }

    /// The credentials of a caller, without an end.
    pub(super) fn credentials(&self, caller: &Caller) -> Credentials {
        let own = self.long_term.values().find(|(it, _)| it.arn == caller.arn).map(|(_, credentials)| credentials);
        own.cloned().unwrap_or_else(|| {
            keys::temporary(&Session { arn: caller.arn.clone(), user_id: caller.user_id.clone(), expires: None })
        })
    }

    /// May the caller perform the action, and if not, why; `None` if it may.
    pub(super) fn refusal(&self, caller: &Caller, action: &str, resource: &str) -> Option<String> {
        let because = if caller.account == self.account {
            policy::decide(self, caller, action).refusal(action)?
        } else {
            format!("because no resource-based policy allows the {action} action")
        };
        Some(format!("User: {} is not authorized to perform: {action} on resource: {resource} {because}", caller.arn))
    }

    /// As whom a caller gets into a cluster.
    pub(super) fn resolve(&self, cluster: &ClusterId, arn: &str) -> Option<Arc<Resolution>> {
        let key = (cluster.clone(), arn.to_owned());
        if let Some(known) = self.resolved.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Some(known.clone());
        }
        let asked = Asked::from_arn(arn).ok()?;
        let facts = self.snapshot.facts.get(cluster)?;
        let resolution = Arc::new(Resolver::new(facts, &self.snapshot.iam).resolve(&asked));
        self.resolved.lock().unwrap_or_else(PoisonError::into_inner).insert(key, resolution.clone());
        Some(resolution)
    }
}

/// The name of a cluster's section among the notes of a document.
pub(super) fn section_of(cluster: &ClusterId, section: &str) -> String {
    format!("{}/{}/{section}", cluster.region, cluster.name)
}

/// IAM holds names to be the same whatever their case.
pub(super) fn same_name(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

fn region_of(document: &Document) -> String {
    let of_cluster = || document.clusters.first().map(|it| cluster_id(it, None).region).filter(|it| !it.is_empty());
    document.region.clone().or_else(of_cluster).unwrap_or_else(|| "us-east-1".to_owned())
}

fn account_of(document: &Document) -> String {
    let of_caller = document.caller.as_ref().map(|caller| caller.account.clone());
    let of_cluster = || document.clusters.iter().find_map(|it| it.cluster.account());
    let roles = document.iam.iter().flat_map(|iam| iam.role_detail_list.iter().flatten());
    let mut of_roles = roles.filter_map(|role| Some(Principal::from_arn(&role.arn).ok()?.0.account));
    of_caller.or_else(of_cluster).or_else(|| of_roles.next()).unwrap_or_else(|| NOWHERE.to_owned())
}

fn partition_of(document: &Document) -> String {
    let arns = document
        .caller
        .iter()
        .map(|it| Some(&it.arn))
        .chain(document.clusters.iter().map(|it| it.cluster.arn.as_ref()));
    let mut partitions = arns.flatten().filter_map(|arn| arn.parse::<Arn>().ok()).map(|arn| arn.partition);
    partitions.next().unwrap_or_else(|| "aws".to_owned())
}

fn root_caller(partition: &str, account: &str) -> Caller {
    Caller {
        account: account.to_owned(),
        arn: format!("arn:{partition}:iam::{account}:root"),
        user_id: account.to_owned(),
    }
}

fn user_caller(user: &UserDetail, account: &str) -> Caller {
    let user_id = user.user_id.clone().unwrap_or_else(|| keys::unique_id("AIDA", &user.arn));
    Caller { account: account.to_owned(), arn: user.arn.clone(), user_id }
}

fn session_caller(role: &Principal, role_id: Option<&str>, session: &str) -> Caller {
    let role_id = role_id.map_or_else(|| keys::unique_id("AROA", &role.canonical()), str::to_owned);
    let asked = Asked { session: Some(session.to_owned()), ..Asked::principal(role.clone()) };
    Caller { account: role.account.clone(), arn: asked.arn(), user_id: format!("{role_id}:{session}") }
}

fn complete_cluster(it: &mut ClusterDocument, arn: &str) {
    let cluster = it.cluster.name.clone();
    let arn = it.cluster.arn.get_or_insert_with(|| arn.to_owned()).clone();
    for entry in it.access_entries.get_or_insert_default() {
        complete_entry(entry, &cluster, &arn);
    }
    for association in it.pod_identity_associations.get_or_insert_default() {
        let id = &association.association_id;
        association.cluster_name.get_or_insert_with(|| cluster.clone());
        association
            .association_arn
            .get_or_insert_with(|| arn.replacen(":cluster/", ":podidentityassociation/", 1) + "/" + id);
    }
    it.nodegroups.get_or_insert_default();
    it.fargate_profiles.get_or_insert_default();
    it.addons.get_or_insert_default();
    it.identity_provider_configs.get_or_insert_default();
    it.capabilities.get_or_insert_default();
    it.updates.get_or_insert_default();
    it.kubernetes.get_or_insert_default();
}

fn complete_entry(entry: &mut AccessEntry, cluster: &str, cluster_arn: &str) {
    entry.cluster_name.get_or_insert_with(|| cluster.to_owned());
    entry.associated_access_policies.get_or_insert_default();
    let Ok((principal, _)) = Principal::from_arn(&entry.principal_arn) else { return };
    let Principal { kind, account, name, .. } = &principal;
    entry.access_entry_arn.get_or_insert_with(|| {
        let parent = cluster_arn.replacen(":cluster/", ":access-entry/", 1);
        format!("{parent}/{kind}/{account}/{name}/{}", keys::uuid(&entry.principal_arn))
    });
    entry.username.get_or_insert_with(|| default_username(&entry.kind, &principal));
}

/// The username that EKS gives an entry which was made without one.
fn default_username(kind: &str, principal: &Principal) -> String {
    match (kind, principal.kind) {
        ("EC2_LINUX" | "EC2_WINDOWS", _) => "system:node:{{EC2PrivateDNSName}}".to_owned(),
        ("FARGATE_LINUX" | "HYBRID_LINUX", _) => "system:node:{{SessionName}}".to_owned(),
        (_, PrincipalKind::Role) => {
            let session = "{{SessionName}}".to_owned();
            Asked { session: Some(session), ..Asked::principal(principal.clone()) }.arn()
        }
        _ => principal.arn(),
    }
}

fn complete_iam(iam: &mut IamDocument, partition: &str, account: &str) {
    let roles = iam.role_detail_list.get_or_insert_default();
    for role in &mut *roles {
        role.role_id.get_or_insert_with(|| keys::unique_id("AROA", &role.arn));
    }
    // A world without the list still holds each role's own profiles.
    if iam.instance_profiles.is_none() {
        let with_role = |role: &RoleDetail, profile: &InstanceProfile| {
            let roles =
                vec![ProfileRole { path: role.path.clone(), role_name: role.role_name.clone(), arn: role.arn.clone() }];
            InstanceProfile { roles, ..profile.clone() }
        };
        let of =
            |role: &RoleDetail| role.instance_profile_list.iter().map(|it| with_role(role, it)).collect::<Vec<_>>();
        iam.instance_profiles = Some(roles.iter().flat_map(of).collect());
    }
    for user in iam.user_detail_list.get_or_insert_default() {
        user.user_id.get_or_insert_with(|| keys::unique_id("AIDA", &user.arn));
    }
    for group in iam.group_detail_list.get_or_insert_default() {
        if group.arn.is_empty() {
            group.arn = format!("arn:{partition}:iam::{account}:group{}{}", group.path, group.group_name);
        }
    }
    iam.policies.get_or_insert_default();
    iam.open_id_connect_providers.get_or_insert_default();
}
