//! Bindings by subject, roles by name: made once per snapshot, read by every answer.
//!
//! Decides which bindings concern a username or group, what a roleRef points at, and the rules of aggregated ClusterRoles
//! that stand there without any. Holds the sections themselves, shared, so that it can outlive the borrow of the facts.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::Deserialize;

use super::grant::RoleName;
use crate::model::rbac::{Binding, Metadata, Role, Rule};
use crate::model::snapshot::{ClusterFacts, Gap, Section};
use crate::model::workload::account_username;

/// A binding, as a place in its section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum BindingAt {
    /// A ClusterRoleBinding.
    Cluster(u32),
    /// A RoleBinding.
    Namespaced(u32),
}

/// What a roleRef points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RoleAt {
    /// A Role.
    Role(u32),
    /// A ClusterRole.
    ClusterRole(u32),
    /// Nothing: no such role exists, and the binding grants nothing.
    Dangling,
    /// It may be among what was not read.
    Unread(What),
}

/// The four kinds of RBAC objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum What {
    /// Roles.
    Roles,
    /// ClusterRoles.
    ClusterRoles,
    /// RoleBindings.
    RoleBindings,
    /// ClusterRoleBindings.
    ClusterRoleBindings,
}

impl What {
    /// As Kubernetes writes the kind, in the plural.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            What::Roles => "Roles",
            What::ClusterRoles => "ClusterRoles",
            What::RoleBindings => "RoleBindings",
            What::ClusterRoleBindings => "ClusterRoleBindings",
        }
    }
}

/// The bindings that name one subject, in the order of their sections.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Bound {
    pub(crate) cluster: Vec<u32>,
    pub(crate) namespaced: HashMap<String, Vec<u32>>,
}

/// The RBAC objects of a cluster, indexed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Index {
    roles: Arc<Vec<Role>>,
    cluster_roles: Arc<Vec<Role>>,
    role_bindings: Arc<Vec<Binding>>,
    cluster_role_bindings: Arc<Vec<Binding>>,
    /// By username; a service account's is its username too.
    pub(crate) users: BTreeMap<String, Bound>,
    pub(crate) groups: BTreeMap<String, Bound>,
    /// RoleBindings by namespace.
    pub(crate) by_namespace: BTreeMap<String, Vec<u32>>,
    roles_by_name: HashMap<String, HashMap<String, u32>>,
    cluster_roles_by_name: HashMap<String, u32>,
    /// Of each RoleBinding.
    role_of: Vec<RoleAt>,
    /// Of each ClusterRoleBinding.
    cluster_role_of: Vec<RoleAt>,
    /// Rules of aggregated ClusterRoles that stand there without any, as the controller would fill them in.
    aggregated: HashMap<u32, Vec<Rule>>,
    gaps: BTreeMap<What, Gap>,
}

/// Whether the controller fills in the rules of a ClusterRole, and has not yet.
fn is_filled_in(role: &Role) -> bool {
    role.rules.is_empty() && role.aggregation_rule.is_some()
}

impl Index {
    pub(crate) fn new(facts: &ClusterFacts) -> Self {
        let mut index = Index {
            roles: facts.roles.shared().unwrap_or_default(),
            cluster_roles: facts.cluster_roles.shared().unwrap_or_default(),
            role_bindings: facts.role_bindings.shared().unwrap_or_default(),
            cluster_role_bindings: facts.cluster_role_bindings.shared().unwrap_or_default(),
            ..Index::default()
        };
        let mut note = |what, gap: Option<Gap>| gap.map(|gap| index.gaps.insert(what, gap));
        note(What::Roles, gap(&facts.roles));
        note(What::ClusterRoles, gap(&facts.cluster_roles));
        note(What::RoleBindings, gap(&facts.role_bindings));
        note(What::ClusterRoleBindings, gap(&facts.cluster_role_bindings));
        index.find_roles();
        index.aggregate();
        index.find_subjects();
        index
    }

    fn find_roles(&mut self) {
        let mut roles: HashMap<String, HashMap<String, u32>> = HashMap::new();
        for (at, role) in (0..).zip(self.roles.iter()) {
            let here = roles.entry(namespace(&role.metadata).to_owned()).or_default();
            here.entry(role.metadata.name.clone()).or_insert(at);
        }
        let mut cluster_roles: HashMap<String, u32> = HashMap::new();
        for (at, role) in (0..).zip(self.cluster_roles.iter()) {
            cluster_roles.entry(role.metadata.name.clone()).or_insert(at);
        }
        let or_unread = |found: Option<RoleAt>, what| match found {
            Some(found) => found,
            None if self.gaps.contains_key(&what) => RoleAt::Unread(what),
            None => RoleAt::Dangling,
        };
        let of = |binding: &Binding, own: Option<&str>| match (binding.role_ref.kind.as_str(), own) {
            ("ClusterRole", _) => {
                let found = cluster_roles.get(binding.role_ref.name.as_str());
                or_unread(found.map(|at| RoleAt::ClusterRole(*at)), What::ClusterRoles)
            }
            ("Role", Some(own)) => {
                let found = roles.get(own).and_then(|it| it.get(binding.role_ref.name.as_str()));
                or_unread(found.map(|at| RoleAt::Role(*at)), What::Roles)
            }
            // A ClusterRoleBinding cannot point at a Role, and there are no other kinds.
            _ => RoleAt::Dangling,
        };
        let role_of = self.role_bindings.iter().map(|it| of(it, Some(namespace(&it.metadata)))).collect();
        let cluster_role_of = self.cluster_role_bindings.iter().map(|it| of(it, None)).collect();
        (self.role_of, self.cluster_role_of) = (role_of, cluster_role_of);
        (self.roles_by_name, self.cluster_roles_by_name) = (roles, cluster_roles);
    }

    fn find_subjects(&mut self) {
        let (mut users, mut groups) = (BTreeMap::new(), BTreeMap::new());
        let bindings = self.cluster_role_bindings.iter().zip(0..).map(|(it, at)| (it, at, None));
        let namespaced = self.role_bindings.iter().zip(0..).map(|(it, at)| (it, at, Some(namespace(&it.metadata))));
        // A RoleBinding without a namespace is in none, and no request meets it.
        for (binding, at, own) in bindings.chain(namespaced).filter(|(_, _, own)| *own != Some("")) {
            if let Some(own) = own {
                self.by_namespace.entry(own.to_owned()).or_default().push(at);
            }
            for subject in &binding.subjects {
                let (map, key): (&mut BTreeMap<String, Bound>, String) = match subject.kind.as_str() {
                    "User" => (&mut users, subject.name.clone()),
                    "Group" => (&mut groups, subject.name.clone()),
                    "ServiceAccount" => {
                        let named = subject.namespace.as_deref().filter(|it| !it.is_empty());
                        let Some(its) = named.or(own) else { continue };
                        (&mut users, account_username(its, &subject.name))
                    }
                    _ => continue,
                };
                let bound = map.entry(key).or_default();
                let list = match own {
                    None => &mut bound.cluster,
                    Some(own) => bound.namespaced.entry(own.to_owned()).or_default(),
                };
                if list.last() != Some(&at) {
                    list.push(at);
                }
            }
        }
        (self.users, self.groups) = (users, groups);
    }

    /// Fills in the rules of aggregated ClusterRoles that have none, as the controller does: the union of those that its
    /// selectors choose, of which some may be aggregated themselves.
    fn aggregate(&mut self) {
        let rules: Vec<(u32, Vec<Rule>)> = (0..)
            .zip(self.cluster_roles.iter())
            .filter(|(_, role)| is_filled_in(role))
            .map(|(at, _)| {
                let mut rules = Vec::new();
                self.gather(at, &mut BTreeSet::new(), &mut rules);
                (at, rules)
            })
            .collect();
        self.aggregated = rules.into_iter().collect();
    }

    fn gather(&self, at: u32, seen: &mut BTreeSet<u32>, rules: &mut Vec<Rule>) {
        let Some(role) = self.cluster_roles.get(at as usize).filter(|_| seen.insert(at)) else { return };
        let fresh: Vec<&Rule> = role.rules.iter().filter(|it| !rules.contains(it)).collect();
        rules.extend(fresh.into_iter().cloned());
        if !role.rules.is_empty() {
            return;
        }
        let Some(selectors) = role.aggregation_rule.as_ref().map(selectors) else { return };
        for (other, role) in (0..).zip(self.cluster_roles.iter()) {
            if selectors.iter().any(|selector| selector.chooses(&role.metadata.labels)) {
                self.gather(other, seen, rules);
            }
        }
    }

    pub(crate) fn binding(&self, at: BindingAt) -> Option<&Binding> {
        match at {
            BindingAt::Cluster(at) => self.cluster_role_bindings.get(at as usize),
            BindingAt::Namespaced(at) => self.role_bindings.get(at as usize),
        }
    }

    pub(crate) fn cluster_wide(&self) -> impl Iterator<Item = BindingAt> + '_ {
        (0..).take(self.cluster_role_bindings.len()).map(BindingAt::Cluster)
    }

    pub(crate) fn role_of(&self, at: BindingAt) -> RoleAt {
        let found = match at {
            BindingAt::Cluster(at) => self.cluster_role_of.get(at as usize),
            BindingAt::Namespaced(at) => self.role_of.get(at as usize),
        };
        found.copied().unwrap_or(RoleAt::Dangling)
    }

    /// The rules of a role; none for one that is not there or was not read.
    pub(crate) fn rules(&self, role: RoleAt) -> &[Rule] {
        match role {
            RoleAt::Role(at) => self.roles.get(at as usize).map(|it| it.rules.as_slice()).unwrap_or_default(),
            RoleAt::ClusterRole(at) => match self.cluster_roles.get(at as usize) {
                Some(role) if is_filled_in(role) => self.aggregated.get(&at).map(Vec::as_slice).unwrap_or_default(),
                role => role.map(|it| it.rules.as_slice()).unwrap_or_default(),
            },
            RoleAt::Dangling | RoleAt::Unread(_) => &[],
        }
    }

    /// The place of a role among all Roles and ClusterRoles; `None` for one that is not there or was not read.
    pub(crate) fn slot(&self, role: RoleAt) -> Option<usize> {
        match role {
            RoleAt::Role(at) => Some(at as usize),
            RoleAt::ClusterRole(at) => Some(self.roles.len() + at as usize),
            RoleAt::Dangling | RoleAt::Unread(_) => None,
        }
    }

    /// How many places there are.
    pub(crate) fn slots(&self) -> usize {
        self.roles.len() + self.cluster_roles.len()
    }

    /// Were the rules of this role put together here, since it stands there without any?
    pub(crate) fn is_computed(&self, role: RoleAt) -> bool {
        let RoleAt::ClusterRole(at) = role else { return false };
        self.cluster_roles.get(at as usize).is_some_and(is_filled_in)
            && self.aggregated.get(&at).is_some_and(|rules| !rules.is_empty())
    }

    /// The role of a name.
    pub(crate) fn named(&self, role: &RoleName) -> Option<RoleAt> {
        match role {
            RoleName::Role(namespace, name) => self.roles_by_name.get(namespace)?.get(name).map(|at| RoleAt::Role(*at)),
            RoleName::ClusterRole(name) => self.cluster_roles_by_name.get(name).map(|at| RoleAt::ClusterRole(*at)),
        }
    }

    /// Why a kind of object is not known whole.
    pub(crate) fn gap(&self, what: What) -> Option<&Gap> {
        self.gaps.get(&what)
    }

    /// Every rule that stands anywhere.
    pub(crate) fn all_rules(&self) -> impl Iterator<Item = &Rule> {
        self.cluster_roles.iter().chain(self.roles.iter()).flat_map(|role| &role.rules)
    }
}

fn namespace(metadata: &Metadata) -> &str {
    metadata.namespace.as_deref().unwrap_or_default()
}

/// The gap of a section, or of an item of it: either may hide what is looked for.
fn gap<T>(section: &Section<Vec<T>>) -> Option<Gap> {
    section.gap().or_else(|| section.missing().first().map(|it| Gap::Item(it.failure.clone())))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Selector {
    match_labels: BTreeMap<String, String>,
    match_expressions: Vec<Expression>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Expression {
    key: String,
    operator: String,
    values: Vec<String>,
}

fn selectors(aggregation_rule: &serde_json::Value) -> Vec<Selector> {
    let listed = aggregation_rule.get("clusterRoleSelectors").and_then(|it| it.as_array());
    listed.into_iter().flatten().filter_map(|it| Selector::deserialize(it).ok()).collect()
}

impl Selector {
    /// An empty selector chooses everything.
    fn chooses(&self, labels: &BTreeMap<String, String>) -> bool {
        let label = |key: &str| labels.get(key);
        self.match_labels.iter().all(|(key, value)| label(key) == Some(value))
            && self.match_expressions.iter().all(|it| {
                let held = label(&it.key);
                match it.operator.as_str() {
                    "In" => held.is_some_and(|value| it.values.contains(value)),
                    "NotIn" => held.is_none_or(|value| !it.values.contains(value)),
                    "Exists" => held.is_some(),
                    "DoesNotExist" => held.is_none(),
                    _ => false,
                }
            })
    }
}
