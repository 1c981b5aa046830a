//! The state of the lab: the document it serves, and who may sign in it.
//!
//! Decides what a world's silence means here: of a *cluster*, what the document does not hold does not exist, unless
//! a section is noted as refused or failed, and then asking for it is refused or fails just so. IAM that is absent as
//! a whole stays unknown: it is refused, and any principal may sign. What a real account fills in by itself (ARNs,
//! default usernames) is filled in once, by `complete`. A world is never changed in place: a write makes the next one,
//! and who sees it when is `timeline`'s.

mod complete;
mod held;
pub(super) mod history;
pub(super) mod timeline;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::LabError;
use super::keys::{self, Credentials, Session};
use super::policy;
use crate::access::did_you_mean::suggest_names;
use crate::access::identity::{Resolution, Resolver};
use crate::access::permissions::Permissions;
use crate::model::cluster::ClusterId;
use crate::model::document::{ClusterDocument, Document, IamDocument, Manifest, SectionState};
use crate::model::facts::{cluster_id, snapshot_of};
use crate::model::failure::{Failure, FailureKind};
use crate::model::principal::{Arn, Asked, Principal, PrincipalKind};
use crate::model::role::{Caller, RoleDetail, UserDetail};
use crate::model::snapshot::{IamFacts, Lookup, Snapshot, Source};
use crate::model::time::Time;
use crate::model::validation::Home;
pub(super) use complete::default_username;
use complete::{complete_cluster, complete_iam};
use held::Held;
use history::History;

/// The name of the session that is made for a role when only the role was named.
const SESSION: &str = "lab";
/// The account of a world that names none.
const NOWHERE: &str = "123456789012";

/// A world, at one moment. The parts that a write leaves as they are, it shares with the moment before.
#[derive(Debug)]
pub(super) struct World {
    pub(super) base: Arc<Base>,
    clusters: BTreeMap<ClusterId, Arc<Held>>,
    /// As whom a principal gets into a cluster, once asked. Lives and dies with this moment of the world.
    resolved: Mutex<HashMap<(ClusterId, String), Arc<Resolution>>>,
}

/// What no write changes.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) account: String,
    /// `aws`, `aws-cn`, …
    pub(super) partition: String,
    pub(super) region: String,
    /// The document without its clusters.
    head: Document,
    /// The clusters, in the order in which they were written.
    order: Vec<ClusterId>,
    long_term: HashMap<String, (Caller, Credentials)>,
    iam: Arc<IamFacts>,
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
        let Snapshot { mut facts, iam, .. } = snapshot_of(&document, Source::Lab);
        let mut order = Vec::new();
        let mut clusters = BTreeMap::new();
        for it in std::mem::take(&mut document.clusters) {
            // Each has an ARN by now, which tells its region.
            let id = cluster_id(&it, Some(&region));
            let facts = facts.remove(&id).unwrap_or_default();
            order.push(id.clone());
            clusters.insert(id, Arc::new(Held::new(it, facts)));
        }
        let users = document.iam.iter().flat_map(|iam| iam.user_detail_list.iter().flatten());
        let long_term = users
            .map(|user| user_caller(user, &account))
            .chain([root_caller(&partition, &account)])
            .map(|caller| {
                let credentials = keys::long_term(&caller);
                (credentials.access_key_id.clone(), (caller, credentials))
            })
            .collect();
        let base = Base { account, partition, region, head: document, order, long_term, iam };
        World { base: Arc::new(base), clusters, resolved: Mutex::default() }
    }

    /// The world after a write: the cluster is as EKS now has it.
    pub(super) fn with_cluster(&self, id: &ClusterId, of_eks: ClusterDocument) -> World {
        let mut clusters = self.clusters.clone();
        if let Some(held) = clusters.get_mut(id) {
            *held = Arc::new(held.changed(of_eks));
        }
        World { base: self.base.clone(), clusters, resolved: Mutex::default() }
    }

    /// The world after a write to Kubernetes: each object as it was becomes what it is now, under a version of its own.
    pub(super) fn with_objects(&self, id: &ClusterId, changes: Vec<(Option<Manifest>, Option<Manifest>)>) -> World {
        let mut clusters = self.clusters.clone();
        if let Some(held) = clusters.get_mut(id) {
            *held = Arc::new(held.rewritten(&self.base, id, changes));
        }
        World { base: self.base.clone(), clusters, resolved: Mutex::default() }
    }

    /// What was written to a cluster's objects.
    pub(super) fn history(&self, id: &ClusterId) -> Option<&History> {
        self.clusters.get(id).map(|held| held.history.as_ref())
    }

    /// The whole of it, as one would write it down.
    pub(super) fn document(&self) -> Document {
        let whole = |id: &ClusterId| {
            let held = self.clusters.get(id)?;
            let ClusterDocument { api_resources, kubernetes, .. } = held.of_kubernetes.as_ref().clone();
            Some(ClusterDocument { api_resources, kubernetes, ..held.of_eks.clone() })
        };
        Document { clusters: self.base.order.iter().filter_map(whole).collect(), ..self.base.head.clone() }
    }

    /// A cluster as EKS has it, without manifests.
    pub(super) fn cluster(&self, id: &ClusterId) -> Option<&ClusterDocument> {
        self.clusters.get(id).map(|held| &held.of_eks)
    }

    /// A cluster as its API server has it: its manifests.
    pub(super) fn kubernetes(&self, id: &ClusterId) -> Option<&ClusterDocument> {
        self.clusters.get(id).map(|held| held.of_kubernetes.as_ref())
    }

    /// Who may do what in a cluster.
    pub(super) fn permissions(&self, id: &ClusterId) -> Option<&Permissions> {
        self.clusters.get(id).map(|held| held.permissions.get_or_init(|| Permissions::of(&held.facts)))
    }

    pub(super) fn clusters(&self) -> impl Iterator<Item = (&ClusterId, &ClusterDocument)> {
        self.clusters.iter().map(|(id, held)| (id, &held.of_eks))
    }

    /// The cluster that was written first.
    pub(super) fn first(&self) -> Option<&ClusterId> {
        self.base.order.first()
    }

    /// Where the world is at home.
    pub(super) fn home(&self) -> Home<'_> {
        Home { partition: &self.base.partition, account: &self.base.account }
    }

    /// What IAM has of a principal's name: its ARN, and when it was made.
    pub(super) fn existing(&self, principal: &Principal) -> Lookup<(&str, Option<Time>)> {
        self.base.iam.existing(principal)
    }

    pub(super) fn roles(&self) -> &[RoleDetail] {
        self.iam().and_then(|iam| iam.role_detail_list.as_deref()).unwrap_or_default()
    }

    pub(super) fn users(&self) -> &[UserDetail] {
        self.iam().and_then(|iam| iam.user_detail_list.as_deref()).unwrap_or_default()
    }

    pub(super) fn iam(&self) -> Option<&IamDocument> {
        self.base.head.iam.as_ref()
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
        let note = self.base.head.sections.get(section)?;
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

    /// Why discovery must not answer: so it was when the world was taken. That the world does not hold it is no reason.
    pub(super) fn withheld_discovery(&self, cluster: &ClusterId) -> Option<Withheld<'_>> {
        let section = section_of(cluster, DISCOVERY);
        let failure = self.base.head.sections.get(&section)?.failure.as_ref();
        let not_recorded = failure.is_some_and(|it| it.kind == FailureKind::NotRecorded);
        if not_recorded { None } else { self.withheld(&section, None) }
    }

    /// Why the rest of a section's list was not read, if only its beginning was.
    pub(super) fn rest(&self, section: &str) -> Option<Withheld<'_>> {
        let note = self.base.head.sections.get(section).filter(|note| note.state == SectionState::Partial)?;
        note.missing.iter().find(|it| it.item.is_none()).map(|it| Withheld::by(&it.failure))
    }

    /// The items of a section that are known by name alone.
    pub(super) fn missing(&self, section: &str) -> impl Iterator<Item = &str> {
        let note = self.base.head.sections.get(section).filter(|note| note.state == SectionState::Partial);
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
            return self.base.long_term.get(key).cloned().ok_or(NoKey::Unknown);
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
        match &self.base.head.caller {
            // Even when the world's IAM does not hold it, since it was there when the snapshot was taken.
            Some(caller) => self.find(&caller.arn).unwrap_or_else(|_| caller.clone()),
            None => root_caller(&self.base.partition, &self.base.account),
        }
    }

    /// The caller that a person names: an ARN, `role/NAME`, `user/NAME` or a bare name.
    pub(super) fn find(&self, named: &str) -> Result<Caller, LabError> {
        let unknown = || {
            let name = named.rsplit('/').next().unwrap_or(named);
            let roles = self.roles().iter().map(|it| it.role_name.as_str());
            let users = self.users().iter().map(|it| it.user_name.as_str());
            let near = suggest_names(name, roles.chain(users).map(|it| (it, it)));
            let asked = if near.is_empty() { String::new() } else { format!(" (did you mean {}?)", near.join(" or ")) };
            LabError::NoSuchPrincipal(named.to_owned(), asked)
        };
        if !named.starts_with("arn:") {
            let (kind, name) = named.rsplit_once('/').unwrap_or(("", named));
            let role = || self.role(name).map(|role| self.role_caller(role, SESSION));
            let user = || self.user(name).map(|user| user_caller(user, &self.base.account));
            return match kind.split('/').next().unwrap_or_default() {
                "user" => user(),
                "role" => role(),
                _ => role().or_else(user),
            }
            .ok_or_else(unknown);
        }
        let (principal, session) = Principal::from_arn(named).map_err(LabError::Arn)?;
        let own = principal.account == self.base.account && self.iam().is_some();
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
                Some(user) if own => Ok(user_caller(user, &self.base.account)),
                // Long-term keys are known by the users of the world; a stranger has none.
                _ => Err(unknown()),
            },
            PrincipalKind::Root if principal.account == self.base.account => {
                Ok(root_caller(&self.base.partition, &self.base.account))
            }
            PrincipalKind::Root => Err(unknown()),
            PrincipalKind::FederatedUser => Ok(Caller {
                account: principal.account.clone(),
                arn: principal.arn(),
                user_id: format!("{}:{}", principal.account, principal.name),
            }),
        }
    }

    pub(super) fn role_caller(&self, role: &RoleDetail, session: &str) -> Caller {
        let principal = Principal::role(&self.base.account, &role.path, &role.role_name);
        let principal = Principal { partition: self.base.partition.clone(), ..principal };
        session_caller(&principal, role.role_id.as_deref(), session)
    }

    /// The credentials of a caller, without an end.
    pub(super) fn credentials(&self, caller: &Caller) -> Credentials {
        let own = self.base.long_term.values().find(|(it, _)| it.arn == caller.arn).map(|(_, credentials)| credentials);
        own.cloned().unwrap_or_else(|| {
            keys::temporary(&Session { arn: caller.arn.clone(), user_id: caller.user_id.clone(), expires: None })
        })
    }

    /// May the caller perform the action, and if not, why; `None` if it may.
    pub(super) fn refusal(&self, caller: &Caller, action: &str, resource: &str) -> Option<String> {
        let because = if caller.account == self.base.account {
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
        let facts = &self.clusters.get(cluster)?.facts;
        let resolution = Arc::new(Resolver::new(facts, &self.base.iam).resolve(&asked));
        self.resolved.lock().unwrap_or_else(PoisonError::into_inner).insert(key, resolution.clone());
        Some(resolution)
    }
}

/// The section that discovery is in.
pub(super) const DISCOVERY: &str = "apiResources";

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
