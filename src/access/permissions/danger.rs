//! What is dangerous in what an identity may do.
//!
//! Decides which permissions lead further than they look, or to secrets: each is a probe, a request that a rule allows
//! or allows for some names. Judged grant by grant, so that it costs the same however many namespaces there are. What is
//! dangerous in this cluster alone (aws-auth where the mode reads it, GET where it runs commands) is [`DangerProbes`]'.
//! A new danger is a variant of [`Danger`] with its probes; `audit` reports those that have a finding in
//! [`crate::access::findings`].

use std::collections::{BTreeMap, BTreeSet};

use super::rule::{Respect, allows, lacks};
use super::{Grant, Held, Permissions, Rules, Who};
use crate::access::catalog;
use crate::model::aws_auth::AWS_AUTH;
use crate::model::cluster::AuthenticationMode;
use crate::model::mapping::ScopeKind;
use crate::model::rbac::Rule;
use crate::model::request::{Request, Target};
use crate::model::snapshot::ClusterFacts;

/// A kind of danger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Danger {
    /// Every verb on every resource.
    Everything,
    /// Acting as somebody else.
    Impersonate,
    /// Writing roles beyond what one holds.
    Escalate,
    /// Binding roles beyond what one holds.
    Bind,
    /// Writing aws-auth, where the cluster reads it: whoever does, maps any IAM principal to any group.
    AwsAuth,
    /// Reaching the kubelet, and through it every pod of a node, around admission and audit.
    NodesProxy,
    /// Making tokens of service accounts.
    Token,
    /// Reading Secrets.
    Secrets,
    /// Running commands in containers.
    Exec,
    /// Attaching to the processes of containers.
    Attach,
    /// Reaching the ports of pods.
    PortForward,
}

const RBAC: &str = "rbac.authorization.k8s.io";

impl Danger {
    /// All, the worst first.
    pub const ALL: [Danger; 11] = [
        Danger::Everything,
        Danger::Impersonate,
        Danger::Escalate,
        Danger::Bind,
        Danger::AwsAuth,
        Danger::NodesProxy,
        Danger::Token,
        Danger::Secrets,
        Danger::Exec,
        Danger::Attach,
        Danger::PortForward,
    ];

    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Danger::Everything => "everything",
            Danger::Impersonate => "impersonate",
            Danger::Escalate => "escalate",
            Danger::Bind => "bind",
            Danger::AwsAuth => "aws-auth",
            Danger::NodesProxy => "nodes/proxy",
            Danger::Token => "tokens",
            Danger::Secrets => "secrets",
            Danger::Exec => "exec",
            Danger::Attach => "attach",
            Danger::PortForward => "port-forward",
        }
    }

    /// What it lets one do, as a sentence without its subject: in some namespaces, or in the whole cluster.
    pub fn sentence(self, in_namespaces: bool) -> &'static str {
        match self {
            Danger::Everything => "may do everything",
            Danger::Impersonate if in_namespaces => "may act as service accounts",
            Danger::Impersonate => "may act as other users, groups or service accounts",
            Danger::Escalate => "may write roles that allow more than it holds itself",
            Danger::Bind => "may bind roles that allow more than it holds itself",
            Danger::AwsAuth => "may map any IAM principal to any group, by writing aws-auth",
            Danger::NodesProxy => "reaches the kubelet, and so every pod of a node, unseen by admission and audit",
            Danger::Token => "may make tokens of service accounts and act as them",
            Danger::Secrets => "reads Secrets",
            Danger::Exec => "runs commands in containers",
            Danger::Attach => "attaches to the processes of containers",
            Danger::PortForward => "reaches the ports of pods past network policies",
        }
    }

    /// The danger that a request is one probe of, if any. Every verb on every resource is no single request, and aws-auth is
    /// one object of many.
    pub fn of(request: &Request) -> Option<Danger> {
        let Target::Resource { group, .. } = &request.target else { return None };
        let what = request.what();
        let is_it = |(verb, of, probed): &(&str, &str, &str)| *verb == request.verb && of == group && *probed == what;
        Danger::ALL.into_iter().skip(1).find(|it| it.probes().iter().any(is_it))
    }

    /// Requests of which any is the danger: verb, group, resource with subresource. The object of [`Danger::AwsAuth`] is
    /// [`aws_auth_writes`]' affair.
    fn probes(self) -> &'static [(&'static str, &'static str, &'static str)] {
        match self {
            Danger::Everything => &[("*", "*", "*")],
            Danger::Impersonate => &[
                ("impersonate", "", "users"),
                ("impersonate", "", "groups"),
                ("impersonate", "", "serviceaccounts"),
                ("impersonate", "authentication.k8s.io", "uids"),
            ],
            Danger::Escalate => &[("escalate", RBAC, "clusterroles"), ("escalate", RBAC, "roles")],
            Danger::Bind => &[("bind", RBAC, "clusterroles"), ("bind", RBAC, "roles")],
            Danger::AwsAuth => &[],
            Danger::NodesProxy => &[("get", "", "nodes/proxy"), ("create", "", "nodes/proxy")],
            Danger::Token => &[("create", "", "serviceaccounts/token")],
            Danger::Secrets => &[("get", "", "secrets"), ("list", "", "secrets"), ("watch", "", "secrets")],
            Danger::Exec => &[("create", "", "pods/exec"), ("get", "", "pods/exec")],
            Danger::Attach => &[("create", "", "pods/attach"), ("get", "", "pods/attach")],
            Danger::PortForward => &[("create", "", "pods/portforward"), ("get", "", "pods/portforward")],
        }
    }
}

/// From this version of Kubernetes on, a WebSocket to a container needs `create`; before, its GET was enough.
const CREATE_FOR_WEBSOCKETS: (u32, u32) = (1, 35);

/// What of one cluster decides whether a permission is dangerous there. What is not known of it is `None`.
#[derive(Clone, Copy, Debug, Default)]
struct DangerFacts {
    /// Whether a GET opens a WebSocket to a container.
    connects_by_get: Option<bool>,
    /// Whether the cluster reads aws-auth.
    reads_aws_auth: Option<bool>,
    /// Whether there is an aws-auth: where there is none, whoever creates one writes it.
    has_aws_auth: Option<bool>,
}

/// One request that is a danger, and what that rests on, if on anything.
#[derive(Clone, Debug, PartialEq)]
struct Probe {
    request: Request,
    note: Option<&'static str>,
}

/// The requests that are dangers in one cluster.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DangerProbes(Vec<(Danger, Vec<Probe>)>);

impl DangerProbes {
    /// Of a cluster.
    pub(super) fn of(facts: &ClusterFacts) -> Self {
        let cluster = facts.cluster.value();
        let mode = cluster.filter(|_| !facts.mode_is_unreported()).map(|it| it.authentication_mode());
        let mode = mode.filter(|it| *it != AuthenticationMode::Unknown);
        DangerProbes::from_facts(DangerFacts {
            connects_by_get: cluster.and_then(|it| it.kubernetes_version()).map(|it| it < CREATE_FOR_WEBSOCKETS),
            reads_aws_auth: mode.map(AuthenticationMode::reads_aws_auth),
            has_aws_auth: facts.aws_auth.value().map(Option::is_some),
        })
    }

    fn from_facts(facts: DangerFacts) -> Self {
        DangerProbes(Danger::ALL.into_iter().map(|it| (it, facts.probes(it))).collect())
    }
}

/// Of a cluster of which nothing is known.
impl Default for DangerProbes {
    fn default() -> Self {
        DangerProbes::from_facts(DangerFacts::default())
    }
}

impl DangerFacts {
    fn probes(self, danger: Danger) -> Vec<Probe> {
        if danger == Danger::AwsAuth {
            return self.of_aws_auth();
        }
        let by_get = matches!(danger, Danger::Exec | Danger::Attach | Danger::PortForward);
        let probes = danger.probes().iter().filter_map(|(verb, group, what)| {
            let note = match self.connects_by_get {
                _ if !by_get || *verb != "get" => None,
                Some(true) => Some("get is enough before Kubernetes 1.35"),
                None => Some("get is enough before Kubernetes 1.35; the cluster's version is not known"),
                Some(false) => return None,
            };
            Some(Probe { request: probe(verb, group, what), note })
        });
        probes.collect()
    }

    fn of_aws_auth(self) -> Vec<Probe> {
        let note = match (self.reads_aws_auth, self.has_aws_auth) {
            (Some(false), _) => return Vec::new(),
            (None, _) => Some("if the cluster reads aws-auth: its authentication mode is not known"),
            (Some(true), None) => Some("if there is an aws-auth: it was not read"),
            (Some(true), Some(_)) => None,
        };
        aws_auth_writes(self.has_aws_auth == Some(false)).map(|request| Probe { request, note }).collect()
    }
}

/// A request that only a rule for everything allows.
pub(crate) fn everything() -> Request {
    probe("*", "*", "*")
}

/// The requests of which any writes aws-auth. A rule cannot limit `create` to a name, and it helps only where there is none.
pub(crate) fn aws_auth_writes(is_absent: bool) -> impl Iterator<Item = Request> {
    let (namespace, name) = AWS_AUTH;
    let verbs = [("update", name), ("patch", name), ("create", "")];
    verbs.into_iter().filter(move |(verb, _)| is_absent == (*verb == "create")).map(|(verb, name)| Request {
        verb: verb.to_owned(),
        target: Target::Resource {
            group: String::new(),
            resource: "configmaps".to_owned(),
            subresource: String::new(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        },
    })
}

/// A danger of one identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What.
    pub danger: Danger,
    /// Where: `None` for the whole cluster, else the namespaces (or the patterns of an access scope).
    pub namespaces: Option<BTreeSet<String>>,
    /// The names it is limited to; `None` for no limit.
    pub names: Option<BTreeSet<String>>,
    /// What it rests on: a version of Kubernetes, a mode that is not known. `None` where it is one in any case.
    pub note: Option<&'static str>,
    /// Through which grants, without repetition.
    pub by: Vec<Grant>,
}

impl Found {
    /// Does it hold in this namespace? Empty is the whole cluster.
    pub fn is_in(&self, namespace: &str) -> bool {
        let within = |all: &BTreeSet<String>| all.iter().any(|it| catalog::namespace_matches(it, namespace));
        self.namespaces.as_ref().is_none_or(|all| !namespace.is_empty() && within(all))
    }

    /// `secrets in blue, green`
    pub fn tell(&self) -> String {
        let names = match &self.names {
            Some(names) => format!(" {}", names.iter().cloned().collect::<Vec<_>>().join(", ")),
            None => String::new(),
        };
        match &self.namespaces {
            None => format!("{}{names} everywhere", self.danger.word()),
            Some(it) => {
                format!("{}{names} in {}", self.danger.word(), it.iter().cloned().collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// How far one grant reaches a danger.
struct Reach {
    namespaces: Option<BTreeSet<String>>,
    names: Option<Vec<String>>,
    note: Option<&'static str>,
}

impl Permissions {
    /// What is dangerous in what an identity may do, the worst first.
    pub fn dangers(&self, who: &Who) -> Vec<Found> {
        self.dangers_of(&self.grants(who))
    }

    /// What is dangerous in these grants, the worst first.
    pub fn dangers_of(&self, grants: &[Held<'_>]) -> Vec<Found> {
        let found =
            self.probes.0.iter().flat_map(|(danger, probes)| found_in(grants, *danger, probes).into_iter().flatten());
        let found: BTreeMap<(Danger, bool), Found> = found.map(|it| ((it.danger, it.names.is_some()), it)).collect();
        // Who may do everything everywhere need not be told the parts.
        if let Some(all) = found.get(&(Danger::Everything, false)).filter(|it| it.namespaces.is_none()) {
            return vec![all.clone()];
        }
        // A limit to names says nothing beside the same without.
        let free: BTreeSet<Danger> =
            found.values().filter(|it| it.names.is_none() && it.namespaces.is_none()).map(|it| it.danger).collect();
        found.into_values().filter(|it| it.names.is_none() || !free.contains(&it.danger)).collect()
    }

    /// One danger in these grants, not limited to names, whatever else there is.
    pub(crate) fn danger_of(&self, danger: Danger, grants: &[Held<'_>]) -> Option<Found> {
        let (_, probes) = self.probes.0.iter().find(|(it, _)| *it == danger)?;
        let [free, _] = found_in(grants, danger, probes);
        free
    }
}

/// One danger in some grants: what of it is free, and what is limited to names.
fn found_in(grants: &[Held<'_>], danger: Danger, probes: &[Probe]) -> [Option<Found>; 2] {
    let (mut free, mut named) = (None, None);
    for held in grants {
        let Some(reach) = reached_by(held, danger, probes) else { continue };
        let found = if reach.names.is_some() { &mut named } else { &mut free };
        let it = found.get_or_insert_with(|| Found {
            danger,
            namespaces: Some(BTreeSet::new()),
            names: reach.names.as_ref().map(|_| BTreeSet::new()),
            note: reach.note,
            by: Vec::new(),
        });
        it.add(reach, &held.grant);
    }
    [free, named]
}

impl Found {
    fn add(&mut self, reach: Reach, grant: &Grant) {
        match (&mut self.namespaces, reach.namespaces) {
            (Some(all), Some(more)) => all.extend(more),
            (all, None) => *all = None,
            (None, Some(_)) => {}
        }
        if let (Some(all), Some(more)) = (&mut self.names, reach.names) {
            all.extend(more);
        }
        // What holds in any case through one grant does.
        self.note = self.note.and(reach.note);
        if !self.by.contains(grant) {
            self.by.push(grant.clone());
        }
    }
}

fn reached_by(held: &Held<'_>, danger: Danger, probes: &[Probe]) -> Option<Reach> {
    let namespaces = namespaces_of(&held.grant);
    let (namespaces, is_one_object) = match (danger, namespaces) {
        (Danger::AwsAuth, Some(all)) if !all.iter().any(|it| catalog::namespace_matches(it, AWS_AUTH.0)) => {
            return None;
        }
        (Danger::AwsAuth, _) => (Some(BTreeSet::from([AWS_AUTH.0.to_owned()])), true),
        (_, namespaces) => (namespaces, false),
    };
    let (names, note) = match &held.rules {
        Rules::All => (None, None),
        Rules::Known(rules) => reached(rules, probes, namespaces.is_some())?,
        Rules::Dangling | Rules::Unknown(_) => return None,
    };
    // A rule that is limited to other names does not reach the one object.
    if is_one_object && names.is_some() { None } else { Some(Reach { namespaces, names, note }) }
}

fn namespaces_of(grant: &Grant) -> Option<BTreeSet<String>> {
    match grant {
        Grant::Masters | Grant::Node | Grant::Binding { namespace: None, .. } => None,
        Grant::Binding { namespace: Some(namespace), .. } => Some(BTreeSet::from([namespace.clone()])),
        Grant::Policy { scope, .. } => match scope.kind {
            ScopeKind::Cluster => None,
            ScopeKind::Namespace => Some(scope.namespaces.iter().cloned().collect()),
        },
    }
}

/// Some: the rules reach the danger, limited to the names in the inner list, if any, and resting on the note. In namespaces,
/// what has none is out of reach.
#[allow(clippy::type_complexity)]
fn reached(
    rules: &[&Rule],
    probes: &[Probe],
    in_namespaces: bool,
) -> Option<(Option<Vec<String>>, Option<&'static str>)> {
    let mut names: Option<Vec<String>> = None;
    let mut noted = None;
    for Probe { request, note } in probes.iter().filter(|it| !in_namespaces || !is_beyond(&it.request.what())) {
        for rule in rules {
            match (allows(rule, request), note) {
                (true, None) => return Some((None, None)),
                (true, Some(note)) => noted = noted.or(Some(*note)),
                (false, _) if lacks(rule, request) == Some(Respect::Name) => {
                    names.get_or_insert_default().extend(rule.resource_names.iter().cloned());
                }
                (false, _) => {}
            }
        }
    }
    match noted {
        Some(note) => Some((None, Some(note))),
        None => names.map(|names| (Some(names), None)),
    }
}

/// Is it in no namespace? Users, groups and uids are known to authorizers alone, and are in none.
fn is_beyond(what: &str) -> bool {
    matches!(what, "users" | "groups" | "uids" | "clusterroles" | "nodes/proxy")
}

fn probe(verb: &str, group: &str, what: &str) -> Request {
    let (resource, subresource) = what.split_once('/').unwrap_or((what, ""));
    let target = Target::Resource {
        group: group.to_owned(),
        resource: resource.to_owned(),
        subresource: subresource.to_owned(),
        namespace: String::new(),
        name: String::new(),
    };
    Request { verb: verb.to_owned(), target }
}

#[cfg(test)]
mod tests;
