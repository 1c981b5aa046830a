//! The reverse: a request → the identities that may make it → the principals, service accounts and pods behind them.
//!
//! Decides who is listed, in which order, and through which path each may do it; whether somebody may is
//! [`super::permissions`]'s, and `can` and `who-can` never disagree (a test holds them together). Also the groups and
//! users that bindings name: who carries each, and those that nobody here carries. Who can *become* a principal is
//! [`super::workload`]'s.

pub(crate) mod bound;
mod commands;
mod subjects;

use std::collections::{BTreeMap, BTreeSet};

use bound::{OF_NAMESPACE, stands_for_many};
pub use commands::{who_can_by_bindings, who_can_question};
pub use subjects::{Carrier, SubjectRow, subjects};

use super::Mark;
use super::findings::MASTERS;
use super::identity::groups::{AUTHENTICATED, SERVICE_ACCOUNTS, UNAUTHENTICATED};
use super::inventory::PrincipalRow;
use super::permissions::index::BindingAt;
use super::permissions::rule::allows;
use super::permissions::{Allowing, ByPolicy, Decision, Permissions, Via, Who, by_policy};
use super::resources::Meant;
use crate::access::Verdict;
use crate::model::cluster::{Cluster, HiddenCreator};
use crate::model::principal::Principal;
use crate::model::request::Request;
use crate::model::snapshot::{ClusterFacts, DocumentRef, Evidence, Gap};
use crate::model::words::count;
use crate::model::workload::{ServiceAccount, account_of, account_username};

/// Somebody who may.
#[derive(Clone, Debug, PartialEq)]
pub struct Holder {
    /// Who.
    pub subject: Holding,
    /// Allowed, or unknown.
    pub verdict: Verdict,
    /// Through what; the first is the one the API server would name.
    pub paths: Vec<Allowing>,
    /// Why it is not known, if it is not; what is to be said beside it.
    pub notes: Vec<String>,
}

impl Holder {
    /// Its sign.
    pub fn mark(&self) -> Mark {
        if self.verdict == Verdict::Unknown { Mark::Unknown } else { Mark::InForce }
    }
}

/// Who may.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holding {
    /// An IAM principal that maps to the identity.
    Principal {
        /// Who.
        principal: Box<Principal>,
        /// As whom it gets in.
        username: String,
    },
    /// A service account, with the pods that run as it.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// The pods, by name; `None` when pods could not be read.
        pods: Option<Vec<String>>,
    },
    /// A group that nobody known here carries, or that too many do to list them.
    Group(String),
    /// A user that no principal known here is.
    User(String),
    /// A user or group of Kubernetes itself: the control plane's components.
    System(Via),
    /// The creator of a cluster in mode CONFIG_MAP, whom no API names.
    HiddenCreator,
}

impl Holding {
    /// Who it is, in one cell: `sa payments/reaper`, `group devs`. How a principal is told in short is the caller's.
    pub fn tell(&self, principal: impl FnOnce(&Principal) -> String) -> String {
        match self {
            Holding::Principal { principal: it, .. } => principal(it),
            Holding::ServiceAccount { namespace, name, .. } => format!("sa {namespace}/{name}"),
            Holding::Group(name) => Via::Group(name.clone()).to_string(),
            Holding::User(name) => Via::User(name.clone()).to_string(),
            Holding::System(via) => via.to_string(),
            Holding::HiddenCreator => "the cluster's creator".to_owned(),
        }
    }

    /// Its document, if it has one.
    pub fn document(&self) -> Option<DocumentRef> {
        match self {
            Holding::Principal { principal, .. } => {
                use crate::model::principal::PrincipalKind;
                match principal.kind {
                    PrincipalKind::Role => Some(DocumentRef::IamRole(principal.name.clone())),
                    PrincipalKind::User => Some(DocumentRef::IamUser(principal.name.clone())),
                    _ => None,
                }
            }
            Holding::ServiceAccount { namespace, name, .. } => {
                Some(DocumentRef::ServiceAccount(namespace.clone(), name.clone()))
            }
            _ => None,
        }
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct WhoCan {
    /// What was asked.
    pub request: Request,
    /// Who may, the principals first.
    pub holders: Vec<Holder>,
    /// What was not read, and could add others.
    pub unknown: Vec<String>,
}

impl WhoCan {
    /// Allowed if anybody may; unknown if nobody known may, and not all is known.
    pub fn verdict(&self) -> Verdict {
        let is = |verdict| self.holders.iter().any(|it| it.verdict == verdict);
        match () {
            () if is(Verdict::Yes) => Verdict::Yes,
            () if is(Verdict::Unknown) || !self.unknown.is_empty() => Verdict::Unknown,
            () => Verdict::No,
        }
    }

    /// Who may for sure.
    fn surely(&self) -> impl Iterator<Item = &Holding> {
        self.holders.iter().filter(|it| it.verdict == Verdict::Yes).map(|it| &it.subject)
    }

    /// `9 principals · 4 service accounts · 2 others · 1 unknown`; `nobody`.
    pub fn summary(&self) -> String {
        let (principals, accounts, others, unknown) = self.counts();
        let told = [
            (principals > 0).then(|| count(principals, "principal", "principals")),
            (accounts > 0).then(|| count(accounts, "service account", "service accounts")),
            (others > 0).then(|| count(others, "other", "others")),
            (unknown > 0).then(|| format!("{unknown} unknown")),
        ];
        let told: Vec<String> = told.into_iter().flatten().collect();
        if told.is_empty() { "nobody".to_owned() } else { told.join(" · ") }
    }

    /// How many principals, service accounts and others may, and of how many it is not known.
    pub fn counts(&self) -> (usize, usize, usize, usize) {
        let mut counts = (0, 0, 0, 0);
        for holder in &self.holders {
            match (holder.verdict, &holder.subject) {
                (Verdict::Unknown, _) => counts.3 += 1,
                (_, Holding::Principal { .. } | Holding::HiddenCreator) => counts.0 += 1,
                (_, Holding::ServiceAccount { .. }) => counts.1 += 1,
                (_, _) => counts.2 += 1,
            }
        }
        counts
    }
}

/// The users and groups that bindings let make a request.
#[derive(Clone, Debug, Default)]
pub struct Identities {
    /// By username; a service account's is its username.
    users: BTreeMap<String, Vec<(BindingAt, usize)>>,
    /// By group.
    groups: BTreeMap<String, Vec<(BindingAt, usize)>>,
    /// The same for bindings whose rules were not read.
    maybe: BTreeMap<Via, Vec<String>>,
}

impl Identities {
    /// Those that bindings surely let, without the control plane's own: groups first, by name.
    pub fn subjects(&self) -> Vec<Via> {
        // Whoever aws-auth maps to system:masters has it too.
        let is_of_people =
            |it: &&String| !is_system(it) || *it == MASTERS || stands_for_many(&Via::Group((*it).clone()));
        let groups = self.groups.keys().filter(is_of_people);
        let groups = groups.map(|it| Via::Group(it.clone()));
        let users = self.users.keys().filter_map(|name| match account_of(name) {
            Some((namespace, name)) => {
                Some(Via::ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() })
            }
            None => (!is_system(name)).then(|| Via::User(name.clone())),
        });
        groups.chain(users).collect()
    }
}

impl Permissions {
    /// The users and groups that bindings let make a request. Access policies name principals, not identities.
    pub fn identities(&self, request: &Request) -> Identities {
        let index = self.index();
        // By the role's place: the rule that allows it, once it was looked for.
        let mut known: Vec<Option<Option<usize>>> = vec![None; index.slots()];
        let mut found = Identities::default();
        let here = index.by_namespace.get(request.namespace()).into_iter().flatten();
        for at in index.cluster_wide().chain(here.map(|at| BindingAt::Namespaced(*at))) {
            let role = index.role_of(at);
            let rule = index.slot(role).and_then(|slot| known.get_mut(slot)).and_then(|known| {
                *known.get_or_insert_with(|| index.rules(role).iter().position(|it| allows(it, request)))
            });
            let unread = if rule.is_none() { self.unread(at, role) } else { None };
            if rule.is_none() && unread.is_none() {
                continue;
            }
            let Some(binding) = index.binding(at) else { continue };
            let own = binding.metadata.namespace.as_deref().filter(|_| matches!(at, BindingAt::Namespaced(_)));
            for subject in &binding.subjects {
                let via = match subject.kind.as_str() {
                    "User" => Via::User(subject.name.clone()),
                    "Group" => Via::Group(subject.name.clone()),
                    "ServiceAccount" => {
                        let Some(its) = subject.namespace.as_deref().filter(|it| !it.is_empty()).or(own) else {
                            continue;
                        };
                        Via::User(account_username(its, &subject.name))
                    }
                    _ => continue,
                };
                match (rule, &unread, via) {
                    (Some(rule), _, Via::User(name)) => push(found.users.entry(name).or_default(), (at, rule)),
                    (Some(rule), _, Via::Group(name)) => push(found.groups.entry(name).or_default(), (at, rule)),
                    (None, Some(why), via) => found.maybe.entry(via).or_default().push(why.clone()),
                    _ => {}
                }
            }
        }
        found
    }

    /// The namespaces of the service accounts that bindings let make one of the requests; `None` where it is those of all.
    pub fn account_namespaces(&self, requests: &[&Request]) -> Option<BTreeSet<String>> {
        let mut namespaces = BTreeSet::new();
        for request in requests {
            let found = self.identities(request);
            if found.groups.contains_key(SERVICE_ACCOUNTS) {
                return None;
            }
            let maybe = found.maybe.keys().filter_map(|via| if let Via::User(name) = via { Some(name) } else { None });
            let users = found.users.keys().chain(maybe).filter_map(|name| account_of(name)).map(|(space, _)| space);
            let groups = found.groups.keys().filter_map(|it| it.strip_prefix(OF_NAMESPACE));
            namespaces.extend(users.chain(groups).filter(|it| !it.is_empty()).map(str::to_owned));
        }
        Some(namespaces)
    }

    fn paths(&self, via: &Via, bindings: &[(BindingAt, usize)]) -> Vec<Allowing> {
        let one = |(at, rule): &(BindingAt, usize)| {
            let grant = self.grant_via(*at, self.index().binding(*at)?, via.clone());
            Some(Allowing { grant, rule: Some(*rule) })
        };
        bindings.iter().filter_map(one).collect()
    }
}

fn push(list: &mut Vec<(BindingAt, usize)>, it: (BindingAt, usize)) {
    if list.last() != Some(&it) {
        list.push(it);
    }
}

/// Who may make a request. `principals` are those of the inventory, with their mappings resolved.
pub fn who_can(
    facts: &ClusterFacts,
    permissions: &Permissions,
    principals: &[PrincipalRow],
    request: &Request,
) -> WhoCan {
    let identities = permissions.identities(request);
    let mut holders = Vec::new();
    let mut general = permissions.unread_bindings(request.namespace());
    let mut carried: BTreeSet<&str> = BTreeSet::new();
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut open: Vec<(String, String)> = Vec::new();
    for row in principals {
        let who = Who::of(&row.resolution);
        if who.outside.is_some() {
            continue;
        }
        if who.username.contains("{{") {
            open.push((who.username.clone(), row.principal.arn()));
        }
        names.insert(who.username.clone());
        carried.extend(row.resolution.identity.iter().flat_map(|it| &it.groups).map(String::as_str));
        if !may_concern(&who, &identities, request, !general.is_empty()) {
            continue;
        }
        let mut decision = permissions.decide(&who, request);
        // What was not read at all is said once, not of everybody.
        decision.unknown.retain(|why| !general.contains(why));
        if decision.verdict == Verdict::No || decision.by.is_empty() && decision.unknown.is_empty() {
            continue;
        }
        let subject = Holding::Principal { principal: Box::new(row.principal.clone()), username: who.username };
        holders.push(holder(subject, decision));
    }
    service_accounts(facts, permissions, &identities, request, &mut holders);
    let is_open = !unread_mappings(facts).is_empty();
    for (name, bindings) in &identities.groups {
        let via = Via::Group(name.clone());
        let Some((subject, note)) = nobodys_group(name, &carried, facts) else { continue };
        let note = if is_open && matches!(subject, Holding::Group(_)) && !stands_for_many(&via) {
            Some(NOT_READ.to_owned())
        } else {
            note
        };
        let paths = permissions.paths(&via, bindings);
        holders.push(Holder { subject, verdict: Verdict::Yes, paths, notes: note.into_iter().collect() });
    }
    for (name, bindings) in &identities.users {
        if names.contains(name) || account_of(name).is_some() {
            continue;
        }
        let via = Via::User(name.clone());
        let (subject, note) = if is_system(name) {
            (Holding::System(via.clone()), None)
        } else {
            let in_session = open.iter().filter(|(open, _)| super::permissions::fits(open, name));
            let several: Vec<&str> = in_session.map(|(_, arn)| arn.as_str()).collect();
            let note = if several.is_empty() && is_open {
                NOT_READ.to_owned()
            } else if several.is_empty() {
                let may =
                    by_account(facts, name).unwrap_or_else(|| oidc(facts, |it| it.username_prefix.as_deref(), name));
                format!("no principal known here is this user{may}")
            } else {
                format!("a session of {} may be this user", several.join(", "))
            };
            (Holding::User(name.clone()), Some(note))
        };
        let paths = permissions.paths(&via, bindings);
        holders.push(Holder { subject, verdict: Verdict::Yes, paths, notes: note.into_iter().collect() });
    }
    hidden_creator(facts, &mut holders);
    // What a binding gives whose role was not read may be anybody's who is not listed by himself: every service account's.
    let unlisted = |via: &Via| match via {
        Via::Group(name) => !carried.contains(name.as_str()),
        Via::User(name) => !names.contains(name) && account_of(name).is_none(),
        Via::ServiceAccount { .. } => false,
    };
    let maybe: BTreeSet<&String> =
        identities.maybe.iter().filter(|(via, _)| unlisted(via)).flat_map(|(_, why)| why).collect();
    general.extend(maybe.into_iter().filter(|it| !general.contains(it)).cloned().collect::<Vec<_>>());
    general.extend(unread_mappings(facts));
    holders.sort_by(|a, b| (rank(a), &a.subject).cmp(&(rank(b), &b.subject)));
    WhoCan { request: request.clone(), holders, unknown: general }
}

/// So many meanings of one request are compared; more than that is no help to anybody.
const MOST_ALTERNATIVES: usize = 32;

/// As [`who_can`], for a request in words. Where the words may mean something else, whoever may do one and not the other
/// is listed as unknown.
pub fn who_can_meant(
    facts: &ClusterFacts,
    permissions: &Permissions,
    principals: &[PrincipalRow],
    meant: &Meant,
) -> WhoCan {
    let mut answer = who_can(facts, permissions, principals, &meant.request);
    if meant.alternatives.is_empty() {
        return answer;
    }
    let mut surely: BTreeSet<Holding> = answer.surely().cloned().collect();
    let others: Vec<WhoCan> = (meant.alternatives.iter().take(MOST_ALTERNATIVES))
        .map(|it| who_can(facts, permissions, principals, it))
        .collect();
    for other in &others {
        let these: BTreeSet<&Holding> = other.surely().collect();
        surely.retain(|it| these.contains(it));
    }
    if meant.alternatives.len() > MOST_ALTERNATIVES {
        surely.clear();
    }
    for holder in others.into_iter().flat_map(|it| it.holders) {
        if !answer.holders.iter().any(|it| it.subject == holder.subject) {
            answer.holders.push(holder);
        }
    }
    for holder in answer.holders.iter_mut().filter(|it| !surely.contains(&it.subject)) {
        holder.verdict = Verdict::Unknown;
        holder.paths.clear();
        holder.notes = vec![meant.open.clone()];
    }
    answer.unknown.push(meant.open.clone());
    answer.holders.sort_by(|a, b| (rank(a), &a.subject).cmp(&(rank(b), &b.subject)));
    answer
}

/// What is said of a service account where pods were not read.
const PODS_NOT_READ: &str = "its pods could not be read";

/// What is said of a group or user where mappings were not read.
const NOT_READ: &str = "which principals that is was not read";

/// The mappings that were not read: whom they let in is not among the principals.
fn unread_mappings(facts: &ClusterFacts) -> Vec<String> {
    let mode = facts.cluster.value().map(Cluster::authentication_mode);
    let of = |name: &str, gap: Option<Gap>| gap.map(|gap| format!("{name}: {gap}"));
    let entries = of("access entries", facts.access_entries.gap()).filter(|_| mode.is_none_or(|it| it.reads_entries()));
    let rows = of("aws-auth", facts.aws_auth.gap()).filter(|_| mode.is_none_or(|it| it.reads_aws_auth()));
    entries.into_iter().chain(rows).collect()
}

fn rank(holder: &Holder) -> (u8, bool) {
    let of_node = |it: &Allowing| it.grant == super::permissions::Grant::Node;
    let kind = match holder.subject {
        // Nodes may for their own sake; whoever asks who may means others.
        Holding::Principal { .. } if !holder.paths.is_empty() && holder.paths.iter().all(of_node) => 5,
        Holding::Principal { .. } => 0,
        Holding::HiddenCreator => 1,
        Holding::ServiceAccount { .. } => 2,
        Holding::Group(_) => 3,
        Holding::User(_) => 4,
        Holding::System(_) => 6,
    };
    (kind, holder.verdict != Verdict::Yes)
}

fn holder(subject: Holding, decision: Decision) -> Holder {
    let notes = if decision.verdict == Verdict::Unknown { decision.unknown } else { decision.unverified };
    Holder { subject, verdict: decision.verdict, paths: decision.by, notes }
}

/// Could the answer be anything but no? A quick look, so that only those are asked for whom it matters.
fn may_concern(who: &Who, identities: &Identities, request: &Request, unread: bool) -> bool {
    let policies = who.policies.iter().flat_map(|(_, policies)| policies);
    unread
        || who.is_master()
        || !who.unknown.is_empty()
        || who.username.starts_with("system:node:")
        || who.username.contains("{{")
        || identities.users.contains_key(&who.username)
        || identities.maybe.contains_key(&Via::User(who.username.clone()))
        || who.groups.iter().any(|it| {
            it.contains("{{")
                || identities.groups.contains_key(it)
                || identities.maybe.contains_key(&Via::Group(it.clone()))
        })
        || policies.into_iter().any(|policy| by_policy(policy, request) != ByPolicy::Silent)
}

/// The service accounts that bindings name, and those of a namespace that a binding names as a whole.
fn service_accounts<'f>(
    facts: &'f ClusterFacts,
    permissions: &Permissions,
    identities: &'f Identities,
    request: &Request,
    holders: &mut Vec<Holder>,
) {
    let maybe = identities.maybe.keys().filter_map(|via| match via {
        Via::User(name) => Some(name),
        _ => None,
    });
    let mut wanted: BTreeSet<(&str, &str)> =
        identities.users.keys().chain(maybe).filter_map(|name| account_of(name)).collect();
    let of_namespace: BTreeSet<&str> =
        identities.groups.keys().filter_map(|it| it.strip_prefix(OF_NAMESPACE)).collect();
    let key_of =
        |it: &'f ServiceAccount| (it.metadata.namespace.as_deref().unwrap_or_default(), it.metadata.name.as_str());
    let all = || facts.service_accounts.items().iter().map(key_of);
    wanted.extend(all().filter(|(namespace, _)| of_namespace.contains(namespace)));
    let exist: BTreeSet<(&str, &str)> = all().filter(|key| wanted.contains(key)).collect();
    let mut pods: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for pod in facts.pods.items().iter().filter(|_| !wanted.is_empty()) {
        let key = (pod.metadata.namespace.as_deref().unwrap_or_default(), pod.service_account());
        if wanted.contains(&key) {
            pods.entry(key).or_default().push(pod.metadata.name.clone());
        }
    }
    for key in wanted {
        let (namespace, name) = key;
        let decision = permissions.decide(&Who::service_account(namespace, name), request);
        if decision.verdict == Verdict::No || decision.by.is_empty() && decision.unknown.is_empty() {
            continue;
        }
        let its = match pods.get(&key) {
            Some(its) => Some(its.clone()),
            None => facts.pods.gap().is_none().then(Vec::new),
        };
        let missing = facts.service_accounts.gap().is_none() && !exist.contains(&key);
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        let subject = Holding::ServiceAccount { namespace, name, pods: its };
        let mut holder = holder(subject, decision);
        if matches!(holder.subject, Holding::ServiceAccount { pods: None, .. }) {
            holder.notes.insert(0, PODS_NOT_READ.to_owned());
        }
        if missing {
            holder.notes.push("this service account does not exist; whoever makes it may".to_owned());
        }
        holders.push(holder);
    }
}

/// A group that stands for itself in the answer, and what is to be said of it; `None` for one whose carriers are listed.
fn nobodys_group(name: &str, carried: &BTreeSet<&str>, facts: &ClusterFacts) -> Option<(Holding, Option<String>)> {
    let accounts = facts.service_accounts.items().len();
    match name {
        AUTHENTICATED => Some((
            Holding::Group(name.to_owned()),
            Some("everybody who gets in, every service account included".into()),
        )),
        UNAUTHENTICATED => Some((Holding::Group(name.to_owned()), Some("anybody at all, without credentials".into()))),
        SERVICE_ACCOUNTS => {
            Some((Holding::Group(name.to_owned()), Some(format!("every service account ({accounts} known)"))))
        }
        _ if name.starts_with(OF_NAMESPACE) => {
            Some((Holding::Group(name.to_owned()), Some("every service account of the namespace".into())))
        }
        _ if carried.contains(name) => None,
        _ if is_system(name) => Some((Holding::System(Via::Group(name.to_owned())), None)),
        _ => {
            let oidc = oidc(facts, |it| it.groups_prefix.as_deref(), name);
            Some((Holding::Group(name.to_owned()), Some(format!("no principal known here carries it{oidc}"))))
        }
    }
}

/// mapAccounts lets every principal of an account in under its own ARN, whether anything here names it or not.
fn by_account(facts: &ClusterFacts, name: &str) -> Option<String> {
    let (principal, session) = Principal::from_arn(name).ok()?;
    let (_, auth) = facts.aws_auth.value()?.as_ref()?;
    let mapped = session.is_none() && auth.accounts.contains(&principal.account);
    mapped.then(|| format!("; aws-auth mapAccounts lets {} in as it, if it exists", principal.arn()))
}

fn is_system(name: &str) -> bool {
    name.starts_with("system:") || name.starts_with("eks:")
}

/// What an OIDC provider may have to do with a name that nobody here has.
fn oidc(
    facts: &ClusterFacts,
    prefix: impl Fn(&crate::model::cluster::OidcProviderConfig) -> Option<&str>,
    name: &str,
) -> String {
    let section = &facts.identity_provider_configs;
    if let Some(gap) = section.gap() {
        return format!("; an OIDC provider may ({})", gap.briefly());
    }
    let mut may =
        section.items().iter().filter_map(|it| it.oidc.as_ref()).filter(|it| {
            prefix(it).is_none_or(|prefix| prefix.is_empty() || prefix == "-" || name.starts_with(prefix))
        });
    match may.next() {
        Some(it) => format!(
            "; the OIDC provider {} may",
            it.identity_provider_config_name.as_deref().unwrap_or("of this cluster")
        ),
        None => String::new(),
    }
}

fn hidden_creator(facts: &ClusterFacts, holders: &mut Vec<Holder>) {
    let (verdict, note) = match facts.hidden_creator() {
        HiddenCreator::Absent => return,
        HiddenCreator::Present => (
            Verdict::Yes,
            "in mode CONFIG_MAP the cluster's creator is a hidden member of system:masters; no API names it",
        ),
        HiddenCreator::Unknown => (
            Verdict::Unknown,
            "whether the cluster's creator is a hidden member of system:masters: the authentication mode is not known",
        ),
    };
    let grant = super::permissions::Grant::Masters;
    let paths = if verdict == Verdict::Yes { vec![Allowing { grant, rule: None }] } else { Vec::new() };
    holders.push(Holder { subject: Holding::HiddenCreator, verdict, paths, notes: vec![note.to_owned()] });
}

/// Where a holder was read.
pub fn evidence(holder: &Holder) -> Option<Evidence> {
    let of_path = || holder.paths.first().and_then(|it| it.grant.evidence().or_else(|| it.evidence()));
    of_path().or_else(|| holder.subject.document().map(|document| Evidence::new(document, "")))
}

#[cfg(test)]
mod tests;
