//! The RBAC of a generated world: Roles, ClusterRoles, and the bindings that give them to somebody.
//!
//! Decides who is bound to what: mostly to groups that somebody has, with some that nobody has, some bindings to a role
//! that is not there, and now and then more than anybody should have. What every cluster holds is `builtin`'s. A new
//! pattern of rules is a row of [`PATTERNS`].

use std::collections::{BTreeMap, HashMap, HashSet};

use super::builtin::{self, AGGREGATE_TO, RBAC_GROUP, role_ref, rule};
use super::dice::Dice;
use super::mappings::Given;
use super::workloads::Workloads;
use super::{Land, TAKEN, metadata, names};
use crate::model::document::Manifest;
use crate::model::rbac::{Binding, Role, RoleRef, Rule, Subject};

/// What own roles allow: name, API groups, resources, verbs, and the one name that it is about, if any.
const PATTERNS: [(&str, &str, &str, &str, &str); 20] = [
    ("pod-reader", "core", "pods pods/log", "get list watch", ""),
    ("secret-reader", "core", "secrets", "get list", ""),
    ("config-editor", "core", "configmaps", "get list watch create update patch", ""),
    ("deployer", "apps", "deployments replicasets statefulsets", "get list watch create update patch delete", ""),
    ("scaler", "apps", "deployments/scale statefulsets/scale", "get update patch", ""),
    ("debugger", "core", "pods/exec pods/attach pods/portforward", "create get", ""),
    ("job-runner", "batch", "jobs cronjobs", "*", ""),
    ("leader-election", "coordination.k8s.io", "leases", "get create update", ""),
    ("one-secret", "core", "secrets", "get", "tls"),
    ("one-config", "core", "configmaps", "get update patch", "settings"),
    ("ingress-editor", "networking.k8s.io", "ingresses networkpolicies", "*", ""),
    ("event-writer", "core events.k8s.io", "events", "create patch", ""),
    ("token-maker", "core", "serviceaccounts/token", "create", ""),
    ("binder", RBAC_GROUP, "roles rolebindings", "get list watch create update patch delete bind", ""),
    ("everything", "*", "*", "*", ""),
    ("all-reader", "*", "*", "get list watch", ""),
    ("status-writer", "*", "*/status", "update patch", ""),
    ("backup", "core apps", "persistentvolumeclaims pods deployments", "get list", ""),
    ("impersonator", "core", "users groups serviceaccounts", "impersonate", ""),
    ("promoter", "promotions.example.com", "promotions promotions/status", "get list watch create update", ""),
];

/// Roles of these places in the table are seldom made: each gives very much away.
const RARE: [usize; 4] = [13, 14, 15, 18];

/// The label of what the aggregated role of the platform's monitoring takes in.
const MONITORING: &str = "example.com/aggregate-to-monitoring";

/// All manifests of RBAC: roles, then cluster roles, then their bindings.
pub(super) fn rbac(land: &Land, workloads: &Workloads, given: &Given) -> Vec<Manifest> {
    let sizes = &land.sizes;
    let (roles, names) = roles(land);
    let cluster_roles = cluster_roles(land);
    let own: Vec<String> =
        cluster_roles.iter().skip(builtin::cluster_roles().len()).map(|it| it.metadata.name.clone()).collect();
    let (groups, users) = (given.groups(), given.users());
    let hall = Hall { land, workloads, groups, users, roles: names, cluster_roles: own };
    let role_bindings = hall.role_bindings();
    let cluster_role_bindings = hall.cluster_role_bindings();
    let count = sizes.k8s_roles + sizes.cluster_roles + sizes.role_bindings + sizes.cluster_role_bindings;
    let mut manifests = Vec::with_capacity(count);
    manifests.extend(roles.into_iter().map(Manifest::Role));
    manifests.extend(cluster_roles.into_iter().map(Manifest::ClusterRole));
    manifests.extend(role_bindings.into_iter().map(Manifest::RoleBinding));
    manifests.extend(cluster_role_bindings.into_iter().map(Manifest::ClusterRoleBinding));
    manifests
}

/// Gives each name once: where it is taken, with a number.
#[derive(Default)]
struct Once {
    taken: HashSet<String>,
    rounds: HashMap<String, usize>,
}

impl Once {
    fn name(&mut self, space: &str, name: &str) -> String {
        let round = self.rounds.entry(format!("{space}/{name}")).or_default();
        loop {
            let numbered = names::numbered(name, *round);
            *round += 1;
            if self.taken.insert(format!("{space}/{numbered}")) {
                return numbered;
            }
        }
    }
}

fn pattern(dice: &mut Dice) -> (&'static str, Rule) {
    let mut at = dice.below(PATTERNS.len());
    if RARE.contains(&at) && !dice.percent(20) {
        at = dice.below(8);
    }
    let (name, groups, resources, verbs, only) = PATTERNS.get(at).copied().unwrap_or_default();
    let mut rule = rule(groups, resources, verbs);
    rule.resource_names.extend(Some(only.to_owned()).filter(|it| !it.is_empty()));
    (name, rule)
}

fn rules(dice: &mut Dice) -> (&'static str, Vec<Rule>) {
    let (name, first) = pattern(dice);
    let mut rules = vec![first];
    for _ in 0..dice.below(3) {
        let (_, more) = pattern(dice);
        if !rules.contains(&more) {
            rules.push(more);
        }
    }
    (name, rules)
}

/// The Roles, and their names by namespace.
fn roles(land: &Land) -> (Vec<Role>, Vec<Vec<String>>) {
    let mut dice = land.dice("kubernetes roles");
    let mut once = Once::default();
    let mut by_space = vec![Vec::new(); land.namespaces.len()];
    let roles = (0..land.sizes.k8s_roles)
        .map(|number| {
            let at = land.turn(number);
            let (name, rules) = rules(&mut dice);
            let name = once.name(land.space(at), name);
            if let Some(own) = by_space.get_mut(at) {
                own.push(name.clone());
            }
            let made = 1 + dice.below(TAKEN - 100);
            Role { metadata: metadata(name, Some(land.space(at)), made), rules, ..Role::default() }
        })
        .collect();
    (roles, by_space)
}

fn cluster_roles(land: &Land) -> Vec<Role> {
    let mut dice = land.dice("cluster roles");
    let mut once = Once::default();
    let mut roles = builtin::cluster_roles();
    for number in roles.len()..land.sizes.cluster_roles {
        let made = 1 + dice.below(TAKEN - 100);
        let mut role = Role { metadata: metadata("", None, made), ..Role::default() };
        let (name, rules) = rules(&mut dice);
        let team = names::team(dice.below(land.teams));
        if number == builtin::cluster_roles().len() {
            role.metadata.name = "platform-monitoring".to_owned();
            role.aggregation_rule = Some(builtin::aggregation(MONITORING));
        } else if dice.percent(12) {
            // Rules for a custom resource, taken into a role that everybody uses.
            let into = ["view", "edit", "admin"].get(dice.below(3)).copied().unwrap_or("view");
            let group = format!("{team}.example.com");
            let verbs = if into == "view" { "get list watch" } else { "create delete patch update" };
            role.metadata.name = once.name("", &format!("{team}-aggregate-to-{into}"));
            role.metadata.labels.insert(format!("{AGGREGATE_TO}{into}"), "true".to_owned());
            role.rules = vec![rule(&group, "releases releases/status", verbs)];
        } else {
            role.metadata.name = once.name("", &format!("{team}-{name}"));
            if dice.percent(10) {
                role.metadata.labels.insert(MONITORING.to_owned(), "true".to_owned());
            }
            role.rules = rules;
        }
        roles.push(role);
    }
    builtin::aggregate(&mut roles);
    roles.truncate(land.sizes.cluster_roles);
    roles
}

/// Whom there is to bind, and to what.
struct Hall<'a> {
    land: &'a Land,
    workloads: &'a Workloads,
    groups: BTreeMap<&'static str, Vec<&'a str>>,
    users: Vec<&'a str>,
    /// By namespace.
    roles: Vec<Vec<String>>,
    /// Those that only this cluster has.
    cluster_roles: Vec<String>,
}

impl Hall<'_> {
    fn role_bindings(&self) -> Vec<Binding> {
        let mut dice = self.land.dice("role bindings");
        let mut once = Once::default();
        (0..self.land.sizes.role_bindings)
            .map(|number| {
                let space = self.land.turn(number);
                let team = self.land.team(space, &mut dice);
                let role_ref = self.role(space, team, &mut dice);
                let subjects = self.subjects(space, team, &mut dice);
                let name = once.name(self.land.space(space), &binding_name(team, &role_ref));
                let made = 1 + dice.below(TAKEN - 100);
                Binding { metadata: metadata(name, Some(self.land.space(space)), made), role_ref, subjects }
            })
            .collect()
    }

    fn cluster_role_bindings(&self) -> Vec<Binding> {
        let mut dice = self.land.dice("cluster role bindings");
        let mut once = Once::default();
        let mut bindings = builtin::cluster_role_bindings();
        for _ in bindings.len()..self.land.sizes.cluster_role_bindings {
            let space = dice.below(self.land.namespaces.len());
            let team = self.land.team(space, &mut dice);
            let role_ref = self.cluster_role(team, &mut dice);
            let subjects = self.subjects(space, team, &mut dice);
            let name = once.name("", &binding_name(team, &role_ref));
            let made = 1 + dice.below(TAKEN - 100);
            bindings.push(Binding { metadata: metadata(name, None, made), role_ref, subjects });
        }
        bindings.truncate(self.land.sizes.cluster_role_bindings);
        bindings
    }

    fn role(&self, space: usize, team: &str, dice: &mut Dice) -> RoleRef {
        let own = self.roles.get(space).map(Vec::as_slice).unwrap_or_default();
        match dice.below(100) {
            0..45 => {
                let name = ["view", "view", "edit", "edit", "admin"].get(dice.below(5)).copied().unwrap_or("view");
                role_ref("ClusterRole", name)
            }
            45..80 if !own.is_empty() => role_ref("Role", dice.pick(own).cloned().unwrap_or_default()),
            45..95 if !self.cluster_roles.is_empty() => {
                role_ref("ClusterRole", dice.pick(&self.cluster_roles).cloned().unwrap_or_default())
            }
            45..95 => role_ref("ClusterRole", "view"),
            // It was deleted, and the binding stayed.
            _ => role_ref("Role", format!("{team}-retired")),
        }
    }

    fn cluster_role(&self, team: &str, dice: &mut Dice) -> RoleRef {
        match dice.below(100) {
            0..4 => role_ref("ClusterRole", "cluster-admin"),
            4..30 => role_ref("ClusterRole", "view"),
            30..36 => role_ref("ClusterRole", "edit"),
            36..40 => role_ref("ClusterRole", "admin"),
            40..95 if !self.cluster_roles.is_empty() => {
                role_ref("ClusterRole", dice.pick(&self.cluster_roles).cloned().unwrap_or_default())
            }
            40..95 => role_ref("ClusterRole", "view"),
            _ => role_ref("ClusterRole", format!("{team}-retired")),
        }
    }

    fn subjects(&self, space: usize, team: &'static str, dice: &mut Dice) -> Vec<Subject> {
        let count = 1 + dice.below(100).saturating_sub(60) / 15;
        let mut subjects: Vec<Subject> = Vec::with_capacity(count);
        for _ in 0..count {
            let subject = self.subject(space, team, dice);
            if !subjects.contains(&subject) {
                subjects.push(subject);
            }
        }
        subjects
    }

    fn subject(&self, space: usize, team: &'static str, dice: &mut Dice) -> Subject {
        match dice.below(100) {
            0..22 => self.service_account(space, dice),
            22..34 => dice.pick(&self.users).map(|name| named("User", name)),
            34..40 => None,
            40..43 => Some(named("Group", &format!("system:serviceaccounts:{}", self.land.space(space)))),
            43..44 => Some(named("Group", "system:authenticated")),
            44..52 => self.groups.values().nth(dice.below(self.groups.len())).and_then(|it| dice.pick(it)).map(group),
            _ => self.groups.get(team).and_then(|it| dice.pick(it)).map(group),
        }
        // A group that nobody has.
        .unwrap_or_else(|| named("Group", &format!("{team}-alumni")))
    }

    fn service_account(&self, space: usize, dice: &mut Dice) -> Option<Subject> {
        let own = self.workloads.by_space.get(space)?;
        let anywhere = || self.workloads.accounts.len();
        let at = if dice.percent(85) { dice.pick(own).copied()? } else { dice.below(anywhere()) };
        let account = self.workloads.accounts.get(at)?;
        Some(Subject {
            kind: "ServiceAccount".to_owned(),
            api_group: None,
            name: account.name.clone(),
            namespace: Some(self.land.space(account.space).to_owned()),
        })
    }
}

fn group(name: &&str) -> Subject {
    named("Group", name)
}

fn named(kind: &str, name: &str) -> Subject {
    Subject { kind: kind.to_owned(), api_group: Some(RBAC_GROUP.to_owned()), name: name.to_owned(), namespace: None }
}

fn binding_name(team: &str, role: &RoleRef) -> String {
    match role.name.strip_prefix(team) {
        Some(rest) => format!("{team}{rest}"),
        None => format!("{team}-{}", role.name),
    }
}
