//! Worlds of RBAC objects, and requests to ask in them, by seed.
//!
//! Small alphabets, so that rules and requests meet often; biased towards the corners of RBAC: wildcards of all kinds and
//! what only looks like one, names where no name is asked, dangling and equal names, subjects without a namespace. Each
//! world's names carry its number, so that many stand side by side on one server.

use std::collections::BTreeMap;

use eksplorer::model::document::Manifest;
use eksplorer::model::rbac::{Binding, Metadata, Namespace, Role, RoleRef, Rule, Subject};
use serde_json::{Value, json};

pub(crate) use crate::dice::Dice;

pub(crate) const VERBS: [&str; 9] =
    ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "impersonate"];
pub(crate) const GROUPS: [&str; 3] = ["", "apps", "example.com"];
pub(crate) const RESOURCES: [&str; 4] = ["pods", "deployments", "secrets", "namespaces"];
pub(crate) const SUBRESOURCES: [&str; 3] = ["log", "scale", "status"];
pub(crate) const NAMES: [&str; 2] = ["x", "y"];
pub(crate) const PATHS: [&str; 9] =
    ["/healthz", "/healthz/etcd", "/metrics", "/metrics/slis", "/logs/a", "/logs", "/", "/apis/apps", "/api*"];
const URLS: [&str; 12] = [
    "*",
    "/*",
    "/healthz",
    "/healthz*",
    "/healthz/*",
    "/metrics",
    "/metrics**",
    "/logs/*",
    "/logs",
    "/l*s",
    "/apis/*",
    "/",
];
/// The roles that every server has, with the share of bindings that are to one.
const BUILT_IN: [&str; 4] = ["view", "edit", "admin", "cluster-admin"];
const EVERYONE: &str = "system:authenticated";
pub(crate) const SERVICE_ACCOUNTS: &str = "system:serviceaccounts";
pub(crate) const MASTERS: &str = "system:masters";
const RBAC: &str = "rbac.authorization.k8s.io";

/// Everything of one world.
pub(crate) struct World {
    number: usize,
    /// What its names begin with.
    pub(crate) prefix: String,
    /// In the order in which they are to be made: namespaces, roles, aggregated roles, bindings.
    pub(crate) namespaces: Vec<Manifest>,
    pub(crate) roles: Vec<Manifest>,
    pub(crate) aggregated: Vec<Manifest>,
    pub(crate) bindings: Vec<Manifest>,
}

fn texts(from: &[&str]) -> Vec<String> {
    from.iter().map(|&it| it.to_owned()).collect()
}

fn metadata(namespace: Option<&str>, name: &str) -> Metadata {
    Metadata { name: name.to_owned(), namespace: namespace.map(str::to_owned), ..Metadata::default() }
}

impl World {
    /// World number so-and-so of a seed.
    pub(crate) fn new(seed: u64, number: usize) -> World {
        let mut dice = Dice::new(seed, number as u64);
        let mut world = World {
            number,
            prefix: format!("w{number}"),
            namespaces: Vec::new(),
            roles: Vec::new(),
            aggregated: Vec::new(),
            bindings: Vec::new(),
        };
        for namespace in world.names(&["a", "b", "c"]) {
            world
                .namespaces
                .push(Manifest::Namespace(Namespace { metadata: metadata(None, &namespace), status: None }));
            for name in ["reader", "writer"] {
                // Sometimes not there, so that bindings dangle, or mean the ClusterRole of the same name.
                if dice.percent(75) {
                    let role = Role {
                        metadata: metadata(Some(&namespace), &world.name(name)),
                        rules: (0..1 + dice.below(3)).map(|_| resource_rule(&mut dice)).collect(),
                        ..Role::default()
                    };
                    world.roles.push(Manifest::Role(role));
                }
            }
        }
        for name in ["reader", "writer", "health", "part-1", "part-2", "part-3"] {
            let mut role = world.cluster_role(&mut dice, name);
            if name == "writer" {
                role.rules.push(impersonation_rule(&mut dice));
            }
            world.roles.push(Manifest::ClusterRole(role));
        }
        for name in ["sum", "sum-of-sums"] {
            let role = world.aggregated_role(&mut dice, name);
            world.aggregated.push(Manifest::ClusterRole(role));
        }
        world.clear_what_would_last();
        for namespace in ["a", "b", "c"] {
            for n in 0..3 + dice.below(3) {
                let binding = world.role_binding(&mut dice, namespace, n);
                world.bindings.push(Manifest::RoleBinding(binding));
            }
        }
        for n in 0..4 {
            let binding = world.cluster_role_binding(&mut dice, n);
            world.bindings.push(Manifest::ClusterRoleBinding(binding));
        }
        world
    }

    /// `reader` of this world.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    pub(crate) fn names(&self, names: &[&str]) -> Vec<String> {
        names.iter().map(|it| self.name(it)).collect()
    }

    /// The key of the label by which this world's roles are aggregated.
    fn label(&self, what: &str) -> String {
        format!("{}.example.com/{what}", self.prefix)
    }

    fn cluster_role(&self, dice: &mut Dice, name: &str) -> Role {
        let paths = if name == "health" { 100 } else { 20 };
        let rules = (0..1 + dice.below(3))
            .map(|_| if dice.percent(paths) { path_rule(dice) } else { resource_rule(dice) })
            .collect();
        let mut role = Role { metadata: metadata(None, &self.name(name)), rules, ..Role::default() };
        if name.starts_with("part") {
            let value = dice.pick(&["true", "false", ""]);
            role.metadata.labels.insert(self.label("sum"), value.to_owned());
            if name == "part-2" {
                role.metadata.labels.insert(self.label("apart"), String::new());
            }
            if dice.percent(30) {
                // Into one of the roles that every server has. That concerns all worlds, so it is little.
                role.metadata
                    .labels
                    .insert(format!("{RBAC}/aggregate-to-{}", dice.pick(&["view", "edit"])), "true".into());
                role.rules = vec![Rule {
                    api_groups: texts(&["example.com"]),
                    resources: texts(dice.pick(&[&["pods"][..], &["secrets/status"], &["*/scale"]])),
                    verbs: texts(dice.pick(&[&["get"][..], &["list", "watch"], &["*"]])),
                    ..Rule::default()
                }];
            }
        }
        role
    }

    /// Takes the rules that stand there by hand from aggregated roles that nothing is aggregated into: the controller,
    /// which owns no rule of theirs, would leave them.
    fn clear_what_would_last(&mut self) {
        let all = self.roles.iter().chain(&self.aggregated);
        let roles: Vec<Role> = all
            .filter_map(|it| match it {
                Manifest::ClusterRole(role) => Some(role.clone()),
                _ => None,
            })
            .collect();
        let sums = aggregated(&roles);
        for manifest in &mut self.aggregated {
            if let Manifest::ClusterRole(role) = manifest
                && sums[&role.metadata.name].is_empty()
            {
                role.rules.clear();
            }
        }
    }

    fn aggregated_role(&self, dice: &mut Dice, name: &str) -> Role {
        let sum = self.label("sum");
        let selectors: Vec<Value> = match name {
            // By number: few worlds show them all.
            "sum" => vec![match self.number % 6 {
                0 => json!({ "matchLabels": { sum: "true" } }),
                1 => json!({ "matchExpressions": [{ "key": sum, "operator": "Exists" }] }),
                2 => json!({ "matchExpressions": [{ "key": sum, "operator": "In", "values": ["true", ""] }] }),
                3 => json!({ "matchExpressions": [
                    { "key": sum, "operator": "Exists" },
                    { "key": sum, "operator": "NotIn", "values": ["false"] },
                    { "key": self.label("apart"), "operator": "NotIn", "values": ["", "x"] },
                ] }),
                4 => json!({ "matchExpressions": [
                    { "key": sum, "operator": "Exists" }, { "key": self.label("apart"), "operator": "DoesNotExist" },
                ] }),
                _ => {
                    json!({ "matchLabels": { sum.clone(): "" }, "matchExpressions": [{ "key": sum, "operator": "Exists" }] })
                }
            }],
            // Takes the other one, and sometimes some of its parts again.
            _ => {
                let mut all = vec![json!({ "matchLabels": { self.label("sums"): "true" } })];
                if dice.percent(50) {
                    all.push(json!({ "matchLabels": { sum: "false" } }));
                }
                all
            }
        };
        let mut role = Role {
            metadata: metadata(None, &self.name(name)),
            aggregation_rule: Some(json!({ "clusterRoleSelectors": selectors })),
            // What stands there by hand does not last, where there is anything to aggregate.
            rules: if dice.percent(30) { vec![resource_rule(dice)] } else { Vec::new() },
        };
        if name == "sum" {
            role.metadata.labels.insert(self.label("sums"), "true".into());
        }
        role
    }

    fn role_binding(&self, dice: &mut Dice, namespace: &str, n: usize) -> Binding {
        let (kind, name) = match dice.below(100) {
            0..40 => ("Role", self.name(dice.pick(&["reader", "writer"]))),
            40..75 => {
                ("ClusterRole", self.name(dice.pick(&["reader", "writer", "health", "part-1", "sum", "sum-of-sums"])))
            }
            75..90 => ("ClusterRole", dice.pick(&BUILT_IN).to_owned()),
            90..95 => ("Role", dice.pick(&BUILT_IN).to_owned()),
            _ => ("ClusterRole", self.name("not-there")),
        };
        Binding {
            metadata: metadata(Some(&self.name(namespace)), &self.name(&format!("rb-{n}"))),
            role_ref: RoleRef { api_group: Some(RBAC.into()), kind: kind.into(), name },
            subjects: (0..dice.below(4)).map(|_| self.subject(dice, true)).collect(),
        }
    }

    fn cluster_role_binding(&self, dice: &mut Dice, n: usize) -> Binding {
        let name = if n == 0 {
            self.name("sum-of-sums")
        } else if dice.percent(10) {
            dice.pick(&BUILT_IN).to_owned()
        } else {
            self.name(dice.pick(&["reader", "writer", "health", "part-2", "sum", "sum-of-sums", "not-there"]))
        };
        Binding {
            metadata: metadata(None, &self.name(&format!("crb-{n}"))),
            role_ref: RoleRef { api_group: Some(RBAC.into()), kind: "ClusterRole".into(), name },
            subjects: (0..1 + dice.below(3)).map(|_| self.subject(dice, false)).collect(),
        }
    }

    fn subject(&self, dice: &mut Dice, namespaced: bool) -> Subject {
        let of_rbac = |kind: &str, name: String| Subject {
            kind: kind.into(),
            api_group: Some(RBAC.into()),
            name,
            namespace: None,
        };
        match dice.below(100) {
            0..35 => of_rbac("User", self.name(dice.pick(&["ann", "bob", "Ann", "devs"]))),
            35..65 => of_rbac("Group", self.name(dice.pick(&["devs", "ops", "ann"]))),
            65..69 => of_rbac("User", self.service_account_user(dice.pick(&["a", "b"]), "bot")),
            // In the whole cluster, all worlds would share it.
            69..75 if namespaced => of_rbac(
                "Group",
                dice.pick(&[EVERYONE, SERVICE_ACCOUNTS, "system:unauthenticated", "system:nodes"]).into(),
            ),
            75..80 => of_rbac("Group", format!("{SERVICE_ACCOUNTS}:{}", self.name(dice.pick(&["a", "b"])))),
            roll => Subject {
                kind: "ServiceAccount".into(),
                api_group: None,
                name: dice.pick(&["bot", "runner"]).into(),
                // Without one, in a RoleBinding, the server takes it and then finds nobody, or not? It is asked.
                namespace: (!namespaced || roll < 94).then(|| self.name(dice.pick(&["a", "b"]))),
            },
        }
    }

    pub(crate) fn service_account_user(&self, namespace: &str, name: &str) -> String {
        format!("system:serviceaccount:{}:{name}", self.name(namespace))
    }

    /// All its objects.
    pub(crate) fn manifests(&self) -> impl Iterator<Item = &Manifest> {
        self.namespaces.iter().chain(&self.roles).chain(&self.aggregated).chain(&self.bindings)
    }
}

/// Leave to act as others, in the groups that the server asks for and in another one.
fn impersonation_rule(dice: &mut Dice) -> Rule {
    Rule {
        api_groups: texts(&[dice.pick(&["", "", "authentication.k8s.io", "example.com", "*"])]),
        resources: texts(
            &dice.some(&["users", "groups", "serviceaccounts", "uids", "userextras", "userextras/scopes"], 3),
        ),
        verbs: texts(&["impersonate"]),
        resource_names: if dice.percent(30) { texts(&["bot"]) } else { Vec::new() },
        ..Rule::default()
    }
}

fn resource_rule(dice: &mut Dice) -> Rule {
    let groups = match dice.below(100) {
        0..20 => texts(&["*"]),
        20..25 => texts(&["*", "apps"]),
        _ => texts(&dice.some(&GROUPS, 2)),
    };
    let verbs = match dice.below(100) {
        0..15 => texts(&["*"]),
        15..20 => texts(&["get", "*"]),
        20..23 => texts(&["GET"]),
        _ => texts(&dice.some(&VERBS, 4)),
    };
    let resources = (0..1 + dice.below(2)).map(|_| resource(dice)).collect();
    let resource_names = match dice.below(100) {
        0..20 => texts(&dice.some(&NAMES, 2)),
        20..23 => texts(&["*"]),
        23..25 => texts(&[""]),
        25..28 => texts(&["", "x"]),
        _ => Vec::new(),
    };
    Rule { api_groups: groups, resources, verbs, resource_names, non_resource_urls: Vec::new() }
}

fn resource(dice: &mut Dice) -> String {
    let (resource, sub) = (dice.pick(&RESOURCES), dice.pick(&SUBRESOURCES));
    match dice.below(100) {
        0..12 => "*".into(),
        12..55 => resource.into(),
        55..80 => format!("{resource}/{sub}"),
        80..90 => format!("*/{sub}"),
        90..93 => "*/*".into(),
        93..97 => format!("{resource}/*"),
        97..99 => format!("{resource}/"),
        _ => format!("/{sub}"),
    }
}

fn path_rule(dice: &mut Dice) -> Rule {
    Rule {
        verbs: if dice.percent(15) { texts(&["*"]) } else { texts(&dice.some(&["get", "head", "post"], 2)) },
        non_resource_urls: texts(&dice.some(&URLS, 2)),
        ..Rule::default()
    }
}

/// The rules that the controller fills into every aggregated ClusterRole: selector by selector the roles that it matches,
/// by name, each rule once; over and over until nothing changes.
pub(crate) fn aggregated(roles: &[Role]) -> BTreeMap<String, Vec<Rule>> {
    let mut sorted: Vec<Role> = roles.to_vec();
    sorted.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    loop {
        let before = sorted.clone();
        for at in 0..sorted.len() {
            let Some(rule) = sorted[at].aggregation_rule.clone() else { continue };
            let mut rules: Vec<Rule> = Vec::new();
            for selector in rule["clusterRoleSelectors"].as_array().into_iter().flatten() {
                for other in sorted.iter().filter(|it| it.metadata.name != sorted[at].metadata.name) {
                    if selected(selector, &other.metadata.labels) {
                        let fresh: Vec<Rule> = other.rules.iter().filter(|it| !rules.contains(it)).cloned().collect();
                        rules.extend(fresh);
                    }
                }
            }
            sorted[at].rules = rules;
        }
        if sorted == before {
            break;
        }
    }
    sorted.retain(|it| it.aggregation_rule.is_some());
    sorted.into_iter().map(|it| (it.metadata.name, it.rules)).collect()
}

fn selected(selector: &Value, labels: &BTreeMap<String, String>) -> bool {
    let equal = selector["matchLabels"].as_object().into_iter().flatten();
    let expressions = selector["matchExpressions"].as_array().into_iter().flatten();
    equal.into_iter().all(|(key, value)| labels.get(key).map(String::as_str) == value.as_str())
        && expressions.into_iter().all(|it| {
            let own = labels.get(it["key"].as_str().unwrap());
            let listed = || own.is_some_and(|own| it["values"].as_array().unwrap().iter().any(|one| one == own));
            match it["operator"].as_str().unwrap() {
                "Exists" => own.is_some(),
                "DoesNotExist" => own.is_none(),
                "In" => listed(),
                _ => !listed(),
            }
        })
}
