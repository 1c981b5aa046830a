//! What an identity may do in one namespace, or in the whole cluster, as a table of resources and verbs.
//!
//! Decides which resources get a row and what stands in a cell; every cell is what [`Permissions::decide`] would answer
//! (a test holds them together), only that all cells together read the grants once. Resources: the built-in ones and
//! those that a rule names. Rows where nothing is allowed are left out, but for the ones people look for.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::catalog;
use super::permissions::rule::{Respect, allows, lacks};
use super::permissions::{Grant, Held, Permissions, Rules, Who};
use super::resources::ServedResources;
use crate::access::Verdict;
use crate::model::mapping::ScopeKind;
use crate::model::rbac::Rule;
use crate::model::request::{Request, Target};

/// The verbs that have a column.
pub const VERBS: [&str; 8] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

/// These have a row whether or not anything is allowed, in this order, before all others.
const FIRST: [(&str, &str); 12] = [
    ("", "secrets"),
    ("", "pods"),
    ("", "configmaps"),
    ("", "services"),
    ("", "serviceaccounts"),
    ("apps", "deployments"),
    ("apps", "statefulsets"),
    ("batch", "jobs"),
    ("rbac.authorization.k8s.io", "roles"),
    ("rbac.authorization.k8s.io", "rolebindings"),
    ("", "namespaces"),
    ("", "nodes"),
];

/// What lets it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cell {
    /// An access policy.
    pub policy: bool,
    /// RBAC, `system:masters` and the Node authorizer included.
    pub rbac: bool,
    /// Only objects of some names.
    pub some_names: bool,
    /// Nothing that is known allows it, and something that is not known may.
    pub unknown: bool,
}

impl Cell {
    /// Nothing allows it.
    pub fn is_no(self) -> bool {
        self == Cell::default()
    }

    /// Allowed whatever the object's name.
    pub fn is_allowed(self) -> bool {
        (self.policy || self.rbac) && !self.some_names
    }

    /// `PR`, `P`, `R`; in small letters where only some names are allowed; `?`; `·`.
    pub fn sign(self) -> &'static str {
        match (self.policy, self.rbac, self.some_names) {
            (true, true, false) => "PR",
            (true, false, false) => "P",
            (false, true, false) => "R",
            (true, true, true) => "pr",
            (true, false, true) => "p",
            (false, true, true) => "r",
            (false, false, _) if self.unknown => "?",
            (false, false, _) => "·",
        }
    }
}

/// A resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its API group; empty is the core group.
    pub group: String,
    /// Its plural.
    pub resource: String,
    /// Whether its objects are in no namespace.
    pub cluster_wide: bool,
    /// Of the verbs of [`VERBS`], in order.
    pub cells: [Cell; VERBS.len()],
    /// Subresources and further verbs, where anything is allowed: the words and the request's verb and subresource.
    pub others: Vec<Other>,
}

/// A subresource, or a verb without a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// `exec`, `scale`, `impersonate`.
    pub label: String,
    /// The verb.
    pub verb: String,
    /// Empty for a verb of the resource itself.
    pub subresource: String,
    /// What lets it.
    pub cell: Cell,
}

/// The table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// The namespace; empty for the whole cluster.
    pub namespace: String,
    /// Its rows.
    pub rows: Vec<Row>,
    /// Paths that are allowed: verbs and path.
    pub paths: Vec<String>,
    /// Why cells are unknown.
    pub unknown: Vec<String>,
}

impl Matrix {
    /// The request that a cell answers.
    pub fn request(&self, row: &Row, verb: &str, subresource: &str) -> Request {
        let target = Target::Resource {
            group: row.group.clone(),
            resource: row.resource.clone(),
            subresource: subresource.to_owned(),
            namespace: if row.cluster_wide { String::new() } else { self.namespace.clone() },
            name: String::new(),
        };
        Request { verb: verb.to_owned(), target }
    }
}

/// A rule, whether it is a policy's, whether it reaches what has no namespace.
type Counted<'a> = (&'a Rule, bool, bool);

/// The rules that count for one view.
struct Counting<'a> {
    rules: Vec<Counted<'a>>,
    masters: bool,
    /// Something unknown may allow anything, in the namespace or beyond it.
    unknown: bool,
    unknown_beyond: bool,
}

/// The table of one identity.
pub fn matrix(permissions: &Permissions, who: &Who, namespace: &str) -> Matrix {
    let grants = permissions.grants(who);
    let mut unknown = Vec::new();
    let mut counting = Counting { rules: Vec::new(), masters: false, unknown: false, unknown_beyond: false };
    for held in &grants {
        let (here, beyond) = reach(&held.grant, namespace);
        if !here && !beyond {
            continue;
        }
        match &held.rules {
            Rules::All => counting.masters = true,
            Rules::Dangling => {}
            Rules::Known(rules) => {
                counting.rules.extend(rules.iter().map(|rule| (*rule, held.grant.is_policy(), beyond)))
            }
            Rules::Unknown(why) => {
                unknown.push(why.clone());
                counting.unknown = true;
                counting.unknown_beyond |= beyond;
            }
        }
        let limited = restricted(held);
        counting.unknown |= !limited.is_empty();
        counting.unknown_beyond |= beyond && !limited.is_empty();
        unknown.extend(limited);
    }
    let open = permissions.open_questions(who);
    if who.outside.is_none() && !open.is_empty() {
        // What the sessions or bindings not read could add is asked cell by cell, where it costs most.
        unknown.extend(open);
        counting.unknown = true;
        counting.unknown_beyond = true;
    }
    unknown.sort();
    unknown.dedup();
    // One role may be bound many times; each of its rules is looked at once.
    let mut seen = HashSet::new();
    counting.rules.retain(|(rule, policy, beyond)| seen.insert((std::ptr::from_ref::<Rule>(rule), *policy, *beyond)));
    let exact = counting.unknown.then_some((permissions, who));
    let mut rows: Vec<Row> = Vec::new();
    let served = permissions.served();
    for (group, resource) in resources(served, &counting, namespace) {
        let row = row(served, &counting, exact, group, resource, namespace);
        let wanted = FIRST.contains(&(row.group.as_str(), row.resource.as_str()));
        if wanted || row.cells.iter().any(|cell| cell.policy || cell.rbac) || !row.others.is_empty() {
            rows.push(row);
        }
    }
    let rank = |row: &Row| {
        FIRST.iter().position(|it| *it == (row.group.as_str(), row.resource.as_str())).unwrap_or(FIRST.len())
    };
    rows.sort_by(|a, b| (rank(a), &a.group, &a.resource).cmp(&(rank(b), &b.group, &b.resource)));
    Matrix { namespace: namespace.to_owned(), rows, paths: paths(&counting), unknown }
}

/// Where an identity's table is best looked at first: the namespace in which it has most grants of its own, the whole
/// cluster (empty) if it has none or may do everything. Patterns of access scopes stand for the namespaces they match.
pub fn first_namespace(permissions: &Permissions, who: &Who) -> String {
    let grants: Vec<Grant> = permissions.grants(who).into_iter().map(|held| held.grant).collect();
    let everywhere = |grant: &Grant| match grant {
        Grant::Masters | Grant::Node => true,
        Grant::Policy { scope, .. } => scope.kind == ScopeKind::Cluster,
        Grant::Binding { .. } => false,
    };
    if grants.iter().any(everywhere) {
        return String::new();
    }
    let counted = permissions.namespaces().map(|it| (own_grants(&grants, it), it)).filter(|(count, _)| *count > 0);
    // Of as many, the first by name.
    counted
        .min_by_key(|(count, name)| (std::cmp::Reverse(*count), *name))
        .map(|(_, it)| it.to_owned())
        .unwrap_or_default()
}

/// How many of the grants are of this namespace and not of the whole cluster.
pub fn own_grants(grants: &[Grant], namespace: &str) -> usize {
    grants.iter().filter(|grant| reach(grant, namespace) == (true, false)).count()
}

/// Rules that AWS limits to names it does not publish leave their cells unknown.
fn restricted(held: &Held<'_>) -> Vec<String> {
    let Grant::Policy { policy_arn, .. } = &held.grant else { return Vec::new() };
    let Some(policy) = catalog::policy(policy_arn) else { return Vec::new() };
    let limited = policy.rules.iter().flatten().filter_map(|it| it.restricted.as_ref());
    limited.map(|how| format!("the names that {} is limited to: {how}", policy.name)).collect()
}

/// Does a grant count in the namespace, and for what has none?
fn reach(grant: &Grant, namespace: &str) -> (bool, bool) {
    match grant {
        Grant::Masters | Grant::Node | Grant::Binding { namespace: None, .. } => (true, true),
        Grant::Binding { namespace: Some(own), .. } => (!namespace.is_empty() && own == namespace, false),
        Grant::Policy { scope, .. } => (catalog::covers(scope, namespace), scope.kind == ScopeKind::Cluster),
    }
}

/// The resources that are served and those that a rule names.
fn resources(served: &ServedResources, counting: &Counting<'_>, namespace: &str) -> BTreeSet<(String, String)> {
    let namespaced = |group: &str, plural: &str| served.find(group, plural).is_none_or(|it| it.namespaced);
    let mut all: BTreeSet<(String, String)> = served.iter().map(|it| (it.group.clone(), it.plural.clone())).collect();
    for (rule, _, _) in &counting.rules {
        for group in &rule.api_groups {
            for resource in &rule.resources {
                let plural = resource.split('/').next().unwrap_or_default();
                if plural != "*" && group != "*" && !plural.is_empty() {
                    all.insert((group.clone(), plural.to_owned()));
                }
            }
        }
    }
    // In the view of a namespace, what has none is shown only where people look for it.
    all.retain(|(group, plural)| {
        namespace.is_empty() || namespaced(group, plural) || FIRST.contains(&(group.as_str(), plural.as_str()))
    });
    all
}

fn row(
    served: &ServedResources,
    counting: &Counting<'_>,
    exact: Option<(&Permissions, &Who)>,
    group: String,
    resource: String,
    namespace: &str,
) -> Row {
    let known = served.find(&group, &resource);
    let beyond = known.is_some_and(|it| !it.namespaced);
    let about: Vec<&Counted<'_>> = counting
        .rules
        .iter()
        .filter(|(rule, _, reaches_beyond)| (!beyond || *reaches_beyond) && names(rule, &group, &resource))
        .collect();
    let ask = |verb: &str, subresource: &str| {
        let target = Target::Resource {
            group: group.clone(),
            resource: resource.clone(),
            subresource: subresource.to_owned(),
            namespace: if beyond { String::new() } else { namespace.to_owned() },
            name: String::new(),
        };
        counting.cell(&about, exact, &Request { verb: verb.to_owned(), target }, beyond)
    };
    let cells = VERBS.map(|verb| ask(verb, ""));
    let mut wanted: BTreeMap<(String, String), ()> = BTreeMap::new();
    for (subresource, verbs) in known.iter().flat_map(|it| &it.subresources) {
        for verb in verbs {
            wanted.insert((subresource.clone(), verb.clone()), ());
        }
    }
    // Rules often give all verbs on a subresource; those that the API does not serve are nothing to be asked for.
    let is_served = |subresource: &str, verb: &str| {
        let verbs = known.and_then(|it| it.subresources.get(subresource));
        verbs.is_none_or(|verbs| verbs.iter().any(|it| it == verb))
    };
    for (rule, _, _) in &about {
        let subresources = rule.resources.iter().filter_map(|it| it.split_once('/')).filter(|(it, _)| *it == resource);
        for (_, subresource) in subresources.filter(|(_, it)| *it != "*") {
            let verbs = rule.verbs.iter().filter(|it| *it != "*" && is_served(subresource, it));
            wanted.extend(verbs.map(|it| ((subresource.to_owned(), it.clone()), ())));
        }
        if rule.resources.contains(&resource) {
            let further = rule.verbs.iter().filter(|it| *it != "*" && !VERBS.contains(&it.as_str()));
            wanted.extend(further.map(|verb| ((String::new(), verb.clone()), ())));
        }
    }
    let mut others: Vec<Other> = Vec::new();
    for ((subresource, verb), ()) in wanted {
        let cell = ask(&verb, &subresource);
        if !cell.policy && !cell.rbac {
            continue;
        }
        let label = match (subresource.as_str(), verb.as_str()) {
            ("", verb) => verb.to_owned(),
            // Reading a subresource that is there to be read, and doing one that is there to be done, go without saying.
            ("log" | "metrics", "get")
            | ("exec" | "attach" | "portforward" | "proxy" | "eviction" | "binding" | "token", "create") => {
                subresource.clone()
            }
            (subresource, verb) => format!("{subresource}:{verb}"),
        };
        others.push(Other { label, verb, subresource, cell });
    }
    Row { cells, others, group, resource, cluster_wide: beyond }
}

/// Does a rule say anything about a resource or a subresource of it?
fn names(rule: &Rule, group: &str, resource: &str) -> bool {
    let of_it = |it: &String| it.split('/').next().is_some_and(|parent| parent == resource || parent == "*");
    rule.api_groups.iter().any(|it| it == "*" || it == group) && rule.resources.iter().any(of_it)
}

impl Counting<'_> {
    /// What the rules about its resource give to a request.
    fn cell(
        &self,
        about: &[&Counted<'_>],
        exact: Option<(&Permissions, &Who)>,
        request: &Request,
        beyond: bool,
    ) -> Cell {
        if self.masters {
            return Cell { rbac: true, ..Cell::default() };
        }
        let mut cell = Cell::default();
        let mut limited = Cell { some_names: true, ..Cell::default() };
        for (rule, policy, _) in about {
            let into = if allows(rule, request) {
                &mut cell
            } else if lacks(rule, request) == Some(Respect::Name) {
                &mut limited
            } else {
                continue;
            };
            into.policy |= policy;
            into.rbac |= !policy;
        }
        if cell.policy || cell.rbac {
            return cell;
        }
        let may_be = if beyond { self.unknown_beyond } else { self.unknown };
        match exact.filter(|_| may_be).map(|(permissions, who)| permissions.decide(who, request).verdict) {
            // By the Node authorizer, whose rules are not among those counted.
            Some(Verdict::Yes) => return Cell { rbac: true, ..Cell::default() },
            Some(Verdict::Unknown) => cell.unknown = true,
            Some(Verdict::No) | None => {}
        }
        if limited.policy || limited.rbac { Cell { unknown: cell.unknown, ..limited } } else { cell }
    }
}

fn paths(counting: &Counting<'_>) -> Vec<String> {
    if counting.masters {
        return vec!["* on *".to_owned()];
    }
    let reaching = counting.rules.iter().filter(|(_, _, beyond)| *beyond).map(|(rule, _, _)| rule);
    let mut all: Vec<String> = reaching
        .filter(|rule| !rule.non_resource_urls.is_empty())
        .flat_map(|rule| rule.non_resource_urls.iter().map(|url| format!("{} {url}", rule.verbs.join(","))))
        .collect();
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::access::permissions::tests::{a_who, facts, some_facts, with_policy};

    fn by_decision(permissions: &Permissions, who: &Who, request: &Request) -> Cell {
        let decision = permissions.decide(who, request);
        let policy = decision.by.iter().any(|it| it.grant.is_policy());
        Cell {
            policy,
            rbac: decision.by.iter().any(|it| !it.grant.is_policy()),
            some_names: false,
            unknown: decision.verdict == Verdict::Unknown,
        }
    }

    fn agree(permissions: &Permissions, who: &Who, namespace: &str) {
        let table = matrix(permissions, who, namespace);
        for row in &table.rows {
            let cells = VERBS.iter().zip(row.cells).map(|(verb, cell)| (*verb, "", cell));
            let others = row.others.iter().map(|it| (it.verb.as_str(), it.subresource.as_str(), it.cell));
            for (verb, subresource, cell) in cells.chain(others) {
                let request = table.request(row, verb, subresource);
                let expected = by_decision(permissions, who, &request);
                let got = if cell.some_names { Cell { unknown: cell.unknown, ..Cell::default() } } else { cell };
                assert_eq!(got, expected, "{request} of {who:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_cell_is_what_would_be_answered(facts in some_facts(), who in a_who(), namespace in prop::sample::select(vec!["", "n1"])) {
            agree(&Permissions::of(&facts), &who, namespace);
        }
    }

    #[test]
    fn policies_and_bindings_stand_side_by_side() {
        let permissions = Permissions::of(&facts(
            r#"
  - {kind: ClusterRole, metadata: {name: view}, rules: [{apiGroups: [""], resources: [pods], verbs: [get, list, watch]}, {nonResourceURLs: [/healthz], verbs: [get]}]}
  - {kind: ClusterRole, metadata: {name: odd}, rules: [{apiGroups: [shop.io], resources: [widgets, widgets/status], verbs: [promote, get]}, {apiGroups: [""], resources: [secrets], resourceNames: [db], verbs: [get]}]}
  - {kind: ClusterRoleBinding, metadata: {name: v}, roleRef: {kind: ClusterRole, name: view}, subjects: [{kind: Group, name: "system:authenticated"}]}
  - {kind: RoleBinding, metadata: {name: o, namespace: blue}, roleRef: {kind: ClusterRole, name: odd}, subjects: [{kind: User, name: x}]}
"#,
        ));
        let who = with_policy("AmazonEKSEditPolicy", ScopeKind::Namespace, &["blue"]);
        agree(&permissions, &who, "blue");
        agree(&permissions, &who, "");
        let table = matrix(&permissions, &who, "blue");
        let row = |name: &str| table.rows.iter().find(|it| it.resource == name).unwrap_or_else(|| panic!("{name}"));
        let signs = |name: &str| row(name).cells.iter().map(|it| it.sign()).collect::<Vec<_>>().join(" ");
        assert_eq!(signs("pods"), "PR PR PR P P P P P");
        assert_eq!(signs("nodes"), "· · · · · · · ·");
        assert_eq!(signs("secrets"), "P P P P P P P P");
        assert_eq!(signs("widgets"), "R · · · · · · ·");
        let others = |name: &str| row(name).others.iter().map(|it| it.label.as_str()).collect::<Vec<_>>().join(" ");
        assert_eq!(others("widgets"), "promote status:get status:promote");
        assert!(others("pods").contains("exec") && others("pods").contains("portforward"), "{}", others("pods"));
        assert!(others("serviceaccounts").contains("impersonate"));
        let all = matrix(&permissions, &who, "");
        assert_eq!(all.paths, ["get /healthz"]);
        let named = matrix(&permissions, &Who::named("x", &[]), "blue");
        assert_eq!(named.rows[0].cells[0].sign(), "r");
    }

    #[test]
    fn what_is_not_published_leaves_questions() {
        let permissions = Permissions::of(&facts(
            "  - {kind: ClusterRole, metadata: {name: a}}\n  - {kind: Role, metadata: {name: a, namespace: a}}\n  \
             - {kind: ClusterRoleBinding, metadata: {name: a}, roleRef: {kind: ClusterRole, name: a}}\n  \
             - {kind: RoleBinding, metadata: {name: a, namespace: a}, roleRef: {kind: ClusterRole, name: a}}",
        ));
        let who = with_policy("AmazonEKSEventPolicy", ScopeKind::Cluster, &[]);
        let table = matrix(&permissions, &who, "a");
        assert!(table.rows[0].cells.iter().all(|it| it.sign() == "?"));
        assert!(table.unknown[0].contains("does not publish"), "{:?}", table.unknown);
        agree(&permissions, &with_policy("AmazonEKSACKPolicy", ScopeKind::Cluster, &[]), "a");
        agree(&permissions, &Who::named("system:node:x", &["system:nodes"]), "a");
        agree(&permissions, &Who::named("x", &["system:masters"]), "a");
    }
}
