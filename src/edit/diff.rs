//! Who gains and loses what by a draft.
//!
//! Decides by computing twice, before and after, with the same `access` that answers every other question; a draft has no
//! rules of its own about what follows. Scopes in which nothing can differ are answered once for all of them.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use super::state::Subject;
use crate::access::Verdict;
use crate::access::Verdict::Yes;
use crate::access::catalog;
use crate::access::identity::{Resolution, Resolver};
use crate::access::matrix::{Matrix, VERBS, matrix};
use crate::access::permissions::{Grant, Permissions, Who};
use crate::access::resources::find;
use crate::model::mapping::ScopeKind;
use crate::model::principal::{Asked, Principal};
use crate::model::request::{Request, Target};
use crate::model::snapshot::{ClusterFacts, IamFacts};

/// Verbs on resources in namespaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access {
    /// Where: `None` for the whole cluster.
    pub namespaces: Option<BTreeSet<String>>,
    /// Of the whole cluster, the namespaces where nothing changes: something else gives it there before and after.
    pub except: BTreeSet<String>,
    /// The verbs.
    pub verbs: BTreeSet<String>,
    /// The resources, as kubectl writes them: `deployments.apps/scale`.
    pub resources: BTreeSet<String>,
}

impl Access {
    /// `get list watch   58 kinds in 3 namespaces`
    pub fn tell(&self) -> String {
        if self.is_everything() {
            return format!("everything {}", self.place());
        }
        let verbs = self.verbs.iter().cloned().collect::<Vec<_>>().join(" ");
        let resources: Vec<&str> = self.resources.iter().map(String::as_str).collect();
        let what = match resources.as_slice() {
            few if few.len() <= 3 => few.join(", "),
            [first, second, ..] => format!("{first}, {second} and {} more", resources.len() - 2),
            _ => String::new(),
        };
        format!("{verbs}: {what} {}", self.place())
    }

    /// Whether this is every verb on every resource.
    pub(super) fn is_everything(&self) -> bool {
        self.resources.contains(EVERYTHING)
    }

    /// How much it weighs, the weightiest least: everything, what leads to more than it says, what changes something,
    /// what only reads.
    pub(super) fn weight(&self) -> u8 {
        const DANGEROUS: [&str; 3] = ["impersonate", "escalate", "bind"];
        const OPENS: [&str; 4] = ["secrets", "pods/exec", "nodes/proxy", "serviceaccounts/token"];
        const READS: [&str; 3] = ["get", "list", "watch"];
        let verbs = |of: &[&str]| self.verbs.iter().any(|it| of.contains(&it.as_str()));
        match () {
            () if self.is_everything() => 0,
            () if verbs(&DANGEROUS) || self.resources.iter().any(|it| OPENS.contains(&it.as_str())) => 1,
            () if self.verbs.iter().any(|it| !READS.contains(&it.as_str())) => 2,
            () => 3,
        }
    }

    /// `everywhere`, `in blue, green`, `everywhere but in blue`
    fn place(&self) -> String {
        let few = |all: &BTreeSet<String>| match all.len() {
            0..=3 => all.iter().cloned().collect::<Vec<_>>().join(", "),
            n => format!("{n} namespaces"),
        };
        match &self.namespaces {
            None if self.except.is_empty() => "everywhere".to_owned(),
            None => format!("everywhere but in {}", few(&self.except)),
            Some(all) => format!("in {}", few(all)),
        }
    }
}

/// What a draft changes for one principal.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Who.
    pub principal: Principal,
    /// How it gets in before.
    pub before: Resolution,
    /// How it gets in after.
    pub after: Resolution,
    /// What it may do then, and not now.
    pub gains: Vec<Access>,
    /// What it may do now, and not then.
    pub loses: Vec<Access>,
    /// What is not known of either.
    pub unknown: Vec<String>,
}

impl Difference {
    /// Does it get in before or after, and not both?
    pub fn turns(&self) -> Option<bool> {
        let gets_in = |it: &Resolution| it.verdict == Verdict::Yes;
        (gets_in(&self.before) != gets_in(&self.after)).then(|| gets_in(&self.after))
    }
}

/// Before and after, ready to be asked.
pub struct Sides<'a> {
    /// The facts before.
    pub before: Resolver<'a>,
    /// The facts after.
    pub after: Resolver<'a>,
    /// RBAC, which no draft changes.
    pub permissions: &'a Permissions,
}

impl<'a> Sides<'a> {
    /// Of facts and their projection.
    pub fn new(
        before: &'a ClusterFacts,
        after: &'a ClusterFacts,
        iam: &'a IamFacts,
        permissions: &'a Permissions,
    ) -> Self {
        Sides { before: Resolver::new(before, iam), after: Resolver::new(after, iam), permissions }
    }

    /// The differences of all principals whose entries a draft touches.
    pub fn differences(&self, draft: &Draft) -> Vec<Difference> {
        let arns = draft.changes().filter_map(|(subject, _)| match subject {
            Subject::Entry(arn) => Some(arn),
            Subject::Association(..) => None,
        });
        let principals = arns.filter_map(|arn| Principal::from_arn(arn).ok()).map(|(principal, _)| principal);
        // An entry under an old path and one under the new are of one principal's name, and are told once.
        let mut seen = BTreeSet::new();
        principals.filter(|it| seen.insert(it.key())).map(|it| self.difference(it)).collect()
    }

    /// The difference of one principal.
    pub fn difference(&self, principal: Principal) -> Difference {
        let asked = Asked::principal(principal.clone());
        let (before, after) = (self.before.resolve(&asked), self.after.resolve(&asked));
        let (who_before, who_after) = (Who::of(&before), Who::of(&after));
        let side = |who| Side { permissions: self.permissions, who };
        let AccessDelta { gains, loses, unknown } = access_delta(side(&who_before), side(&who_after));
        Difference { principal, before, after, gains, loses, unknown }
    }
}

/// One identity under one set of RBAC objects.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) permissions: &'a Permissions,
    pub(super) who: &'a Who,
}

/// What an identity may do on one side and not on the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct AccessDelta {
    /// Yes after, and not before.
    pub(super) gains: Vec<Access>,
    /// Yes before, and not after.
    pub(super) loses: Vec<Access>,
    /// What is not known of either side.
    pub(super) unknown: Vec<String>,
}

/// Compares two sides, verb by verb and namespace by namespace.
pub(super) fn access_delta(before: Side<'_>, after: Side<'_>) -> AccessDelta {
    let mut gains = Cells::default();
    let mut loses = Cells::default();
    let mut unknown = BTreeSet::new();
    let all_scopes = scopes(before, after);
    let namespaces: BTreeSet<String> = all_scopes.iter().flatten().filter(|it| !it.is_empty()).cloned().collect();
    for scopes in all_scopes {
        let Some(first) = scopes.first() else { continue };
        let (then, later) =
            (matrix(before.permissions, before.who, first), matrix(after.permissions, after.who, first));
        unknown.extend(then.unknown.iter().chain(&later.unknown).cloned());
        let (mut then, mut later) = (allowed(&then, first), allowed(&later, first));
        for (side, cells) in [(before, &mut then), (after, &mut later)] {
            // Beyond all that is known by name.
            if side.permissions.decide(side.who, &everything(first)).verdict == Yes {
                cells.insert((EVERYTHING.to_owned(), EVERYTHING.to_owned()));
            }
        }
        let new = |other: Side<'_>, its: &Set, others: &Set| -> Set {
            its.difference(others).filter(|cell| !covers(other, cell, first)).cloned().collect()
        };
        gains.add(&scopes, new(before, &later, &then));
        loses.add(&scopes, new(after, &then, &later));
    }
    AccessDelta {
        gains: gains.told(&namespaces),
        loses: loses.told(&namespaces),
        unknown: unknown.into_iter().collect(),
    }
}

/// Does a rule of somebody cover what the other side names? A table has a row for what a rule names, and of a rule
/// with a wildcard that is the wildcard alone; so what no table lists by itself is asked.
fn covers(side: Side<'_>, (resource, verb): &(String, String), namespace: &str) -> bool {
    if resource == EVERYTHING {
        return false;
    }
    let target = if resource.starts_with('/') {
        Target::Path(resource.clone())
    } else {
        let (name, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let (plural, group) = name.split_once('.').unwrap_or((name, ""));
        if subresource.is_empty() && VERBS.contains(&verb.as_str()) && find(group, plural).is_some() {
            return false;
        }
        let [group, resource, subresource, namespace] = [group, plural, subresource, namespace].map(str::to_owned);
        Target::Resource { group, resource, subresource, namespace, name: String::new() }
    };
    side.permissions.decide(side.who, &Request { verb: verb.clone(), target }).verdict == Yes
}

/// The scopes in which something can differ, those that cannot differ from each other together: the whole cluster
/// (the empty text) by itself, and namespaces by the grants that reach them.
fn scopes(before: Side<'_>, after: Side<'_>) -> Vec<Vec<String>> {
    let grants: Vec<Grant> =
        [before, after].into_iter().flat_map(|side| side.permissions.grants(side.who)).map(|held| held.grant).collect();
    let both = before.permissions.namespaces().chain(after.permissions.namespaces());
    let mut namespaces: BTreeSet<String> = both.map(str::to_owned).collect();
    for grant in &grants {
        if let Grant::Policy { scope, .. } = grant
            && scope.kind == ScopeKind::Namespace
        {
            // A pattern stands for itself too: for the namespaces that may come.
            namespaces.extend(scope.namespaces.iter().cloned());
        }
    }
    let mut by_reach: BTreeMap<Vec<bool>, Vec<String>> = BTreeMap::new();
    for namespace in namespaces {
        let reach = grants.iter().map(|grant| match grant {
            Grant::Binding { namespace: Some(own), .. } => *own == namespace,
            Grant::Policy { scope, .. } => catalog::covers(scope, &namespace),
            _ => true,
        });
        by_reach.entry(reach.collect()).or_default().push(namespace);
    }
    std::iter::once(vec![String::new()]).chain(by_reach.into_values()).collect()
}

/// Every verb on every resource, whatever it is called: stands among the resources and among the verbs.
pub const EVERYTHING: &str = "*";

/// A request that only a rule for everything allows.
pub fn everything(namespace: &str) -> Request {
    let all = || EVERYTHING.to_owned();
    let (subresource, name) = (String::new(), String::new());
    let target = Target::Resource { group: all(), resource: all(), subresource, namespace: namespace.to_owned(), name };
    Request { verb: all(), target }
}

/// What a table allows, whatever the object's name: resource and verb.
fn allowed(table: &Matrix, namespace: &str) -> Set {
    let mut all = Set::new();
    for row in &table.rows {
        let name = |subresource: &str| {
            let dot = if row.group.is_empty() { "" } else { "." };
            let slash = if subresource.is_empty() { "" } else { "/" };
            format!("{}{dot}{}{slash}{subresource}", row.resource, row.group)
        };
        for (verb, cell) in VERBS.iter().zip(row.cells) {
            if cell.is_allowed() {
                all.insert((name(""), (*verb).to_owned()));
            }
        }
        for other in row.others.iter().filter(|it| it.cell.is_allowed()) {
            all.insert((name(&other.subresource), other.verb.clone()));
        }
    }
    // Paths are in no namespace, and are told with the whole cluster.
    for path in table.paths.iter().filter(|_| namespace.is_empty()) {
        if let Some((verbs, path)) = path.split_once(' ') {
            // All paths are not everything: that is asked by itself.
            let path = if path.ends_with('*') && !path.starts_with('/') { ALL_PATHS } else { path };
            all.extend(verbs.split(',').map(|verb| (path.to_owned(), verb.to_owned())));
        }
    }
    all
}

/// Resources with verbs.
type Set = BTreeSet<(String, String)>;

/// All paths, which a rule for every resource does not cover.
const ALL_PATHS: &str = "/*";

/// Without what a wildcard beside it covers: everything, and all paths.
fn weighty(cells: Set) -> Set {
    let has = |resource: &str| cells.contains(&(resource.to_owned(), EVERYTHING.to_owned()));
    let (everything, all_paths) = (has(EVERYTHING), has(ALL_PATHS));
    let stays = |(resource, verb): &(String, String)| match resource.starts_with('/') {
        true => !all_paths || resource == ALL_PATHS && verb == EVERYTHING,
        false => !everything || resource == EVERYTHING,
    };
    cells.into_iter().filter(stays).collect()
}

/// Resource and verb, with the namespaces where; the empty one is the whole cluster.
#[derive(Default)]
struct Cells(BTreeMap<(String, String), BTreeSet<String>>);

impl Cells {
    fn add(&mut self, scopes: &[String], cells: Set) {
        for cell in weighty(cells) {
            self.0.entry(cell).or_default().extend(scopes.iter().cloned());
        }
    }

    /// Put together: the resources that share verbs and places, told once.
    fn told(self, namespaces: &BTreeSet<String>) -> Vec<Access> {
        type Place = (Option<BTreeSet<String>>, BTreeSet<String>);
        let mut by_resource: BTreeMap<(String, Place), BTreeSet<String>> = BTreeMap::new();
        for ((resource, verb), places) in self.0 {
            let place = if places.contains("") {
                // What has no namespace is in none of them.
                let beyond = is_beyond(&resource);
                let except = namespaces.iter().filter(|it| !beyond && !places.contains(*it)).cloned().collect();
                (None, except)
            } else {
                (Some(places), BTreeSet::new())
            };
            by_resource.entry((resource, place)).or_default().insert(verb);
        }
        let mut by_verbs: BTreeMap<(Place, BTreeSet<String>), BTreeSet<String>> = BTreeMap::new();
        for ((resource, place), verbs) in by_resource {
            by_verbs.entry((place, verbs)).or_default().insert(resource);
        }
        by_verbs
            .into_iter()
            .map(|(((namespaces, except), verbs), resources)| Access { namespaces, except, verbs, resources })
            .collect()
    }
}

/// Is it a path, or a resource that is in no namespace?
fn is_beyond(resource: &str) -> bool {
    let name = resource.split('/').next().unwrap_or_default();
    let (plural, group) = name.split_once('.').unwrap_or((name, ""));
    resource.starts_with('/') || find(group, plural).is_some_and(|it| !it.namespaced)
}
