//! Requests to ask in a world, by seed: made from its own bindings and rules, as often spoilt in one thing as not, and
//! some from nowhere.

use eksplorer::access::permissions::Who;
use eksplorer::model::document::Manifest;
use eksplorer::model::rbac::{Binding, Rule};
use eksplorer::model::request::{Request, Target};
use serde_json::{Value, json};

use super::world::{Dice, GROUPS, MASTERS, NAMES, PATHS, RESOURCES, SERVICE_ACCOUNTS, SUBRESOURCES, VERBS, World};

/// Who asks for what.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) username: String,
    /// All of them, the implicit ones included where the identity is meant to have them.
    pub(crate) groups: Vec<String>,
    pub(crate) request: Request,
}

impl Asked {
    /// As a SubjectAccessReview to send.
    pub(crate) fn review(&self) -> Value {
        let mut spec = json!({ "user": self.username, "groups": self.groups });
        match &self.request.target {
            Target::Path(path) => {
                spec["nonResourceAttributes"] = json!({ "verb": self.request.verb, "path": path });
            }
            Target::Resource { group, resource, subresource, namespace, name } => {
                spec["resourceAttributes"] = json!({
                    "verb": self.request.verb,
                    "group": group,
                    "resource": resource,
                    "subresource": subresource,
                    "namespace": namespace,
                    "name": name,
                });
            }
        }
        json!({ "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec })
    }
}

/// So many requests for a world.
pub(crate) fn requests(world: &World, seed: u64, n: usize) -> Vec<Asked> {
    let mut dice = Dice::new(seed ^ 0x5eed, world.prefix.bytes().fold(0, |sum, byte| sum * 31 + u64::from(byte)));
    (0..n)
        .map(|_| {
            let mut asked = match dice.below(100) {
                0..80 => from_binding(world, &mut dice),
                80..92 => from_nowhere(world, &mut dice),
                _ => on_a_path(world, &mut dice),
            };
            if dice.percent(45) {
                spoil(world, &mut dice, &mut asked);
            }
            asked
        })
        .collect()
}

fn rules<'a>(world: &'a World, binding: &Binding, namespaced: bool) -> &'a [Rule] {
    let found = world.manifests().find_map(|it| match it {
        Manifest::Role(role)
            if namespaced
                && binding.role_ref.kind == "Role"
                && role.metadata.namespace == binding.metadata.namespace
                && role.metadata.name == binding.role_ref.name =>
        {
            Some(role)
        }
        Manifest::ClusterRole(role)
            if binding.role_ref.kind == "ClusterRole" && role.metadata.name == binding.role_ref.name =>
        {
            Some(role)
        }
        _ => None,
    });
    found.map(|role| role.rules.as_slice()).unwrap_or_default()
}

/// What a binding of the world gives to one of its subjects.
fn from_binding(world: &World, dice: &mut Dice) -> Asked {
    let (binding, namespaced) = match dice.choose(&world.bindings) {
        Manifest::RoleBinding(binding) => (binding, true),
        Manifest::ClusterRoleBinding(binding) => (binding, false),
        other => panic!("no binding: {other:?}"),
    };
    let (username, groups) = subject_of(world, dice, binding);
    let mut asked = match rules(world, binding, namespaced) {
        // Dangling, of the server's own, or aggregated: what could it allow?
        [] => Asked { username: String::new(), groups: Vec::new(), ..from_nowhere(world, dice) },
        rules => {
            let rule = dice.choose(rules).clone();
            Asked { username: String::new(), groups: Vec::new(), request: instance(dice, &rule) }
        }
    };
    let here = binding.metadata.namespace.clone().unwrap_or_default();
    if let Target::Resource { namespace, .. } = &mut asked.request.target {
        *namespace = match (namespaced, dice.below(3)) {
            (true, _) => here,
            (false, 0) => String::new(),
            (false, _) => world.name(dice.pick(&["a", "b", "c"])),
        };
    }
    Asked { username, groups, ..asked }
}

fn subject_of(world: &World, dice: &mut Dice, binding: &Binding) -> (String, Vec<String>) {
    if binding.subjects.is_empty() {
        return identity(world, dice);
    }
    let subject = dice.choose(&binding.subjects).clone();
    match subject.kind.as_str() {
        "User" => (subject.name, identity(world, dice).1),
        "Group" => {
            let (username, mut groups) = identity(world, dice);
            groups.push(subject.name);
            (username, groups)
        }
        _ => {
            let namespace = subject.namespace.or(binding.metadata.namespace.clone()).unwrap_or_default();
            service_account(dice, &namespace, &subject.name)
        }
    }
}

/// With the groups that the API server gives it, or now and then without.
fn service_account(dice: &mut Dice, namespace: &str, name: &str) -> (String, Vec<String>) {
    let groups = if dice.percent(70) {
        vec![SERVICE_ACCOUNTS.to_owned(), format!("{SERVICE_ACCOUNTS}:{namespace}"), "system:authenticated".to_owned()]
    } else {
        Vec::new()
    };
    (format!("system:serviceaccount:{namespace}:{name}"), groups)
}

/// Somebody whose groups Kubernetes adds, with all that this program says they are.
fn named_subject(world: &World, dice: &mut Dice) -> (String, Vec<String>) {
    let namespace = world.name(dice.pick(&["a", "b", "c"]));
    let text = match dice.below(8) {
        0 => "user:system:anonymous".to_owned(),
        1 => "group:system:unauthenticated".to_owned(),
        2 => format!("user:system:serviceaccount:{namespace}:bot"),
        3 => format!("group:system:serviceaccounts:{namespace}"),
        4 => "group:system:serviceaccounts".to_owned(),
        5 => "user:system:node:here".to_owned(),
        6 => "group:system:nodes".to_owned(),
        _ => format!("user:{}", world.name("ann")),
    };
    let (_, who) = Who::subject(&text).unwrap();
    // A review needs a user; a group's members have some name that nothing is bound to.
    let username = if who.username.is_empty() { "somebody".to_owned() } else { who.username };
    (username, who.groups)
}

fn identity(world: &World, dice: &mut Dice) -> (String, Vec<String>) {
    if dice.percent(20) {
        let namespace = world.name(dice.pick(&["a", "b", "c"]));
        let name = dice.pick(&["bot", "runner"]);
        return service_account(dice, &namespace, name);
    }
    if dice.percent(8) {
        return named_subject(world, dice);
    }
    let username = world.name(dice.pick(&["ann", "bob", "Ann", "devs", "eve"]));
    let mut groups: Vec<String> =
        (0..dice.below(2)).map(|_| world.name(dice.pick(&["devs", "ops", "ann", "Devs"]))).collect();
    if dice.percent(60) {
        groups.push("system:authenticated".to_owned());
    }
    if dice.percent(1) {
        groups.push(MASTERS.to_owned());
    }
    (username, groups)
}

/// A request that a rule allows, or would if the namespace were right.
fn instance(dice: &mut Dice, rule: &Rule) -> Request {
    let verb = dice.choose(&rule.verbs).clone();
    if let [_, ..] = rule.non_resource_urls.as_slice() {
        let url = dice.choose(&rule.non_resource_urls).clone();
        let path = match url.strip_suffix('*') {
            Some("") => dice.pick(&PATHS).to_owned(),
            Some(start) => format!("{start}{}", dice.pick(&["", "a", "/a", "*"])),
            None => url,
        };
        return Request { verb: if verb == "*" { "get".into() } else { verb }, target: Target::Path(path) };
    }
    // A literal star may be asked for, too.
    let filled = |dice: &mut Dice, text: String, from: &[&str]| match text.as_str() {
        "*" if !dice.percent(8) => dice.pick(from).to_owned(),
        _ => text,
    };
    let verb = filled(dice, verb, &VERBS);
    let group = dice.choose(&rule.api_groups).clone();
    let group = filled(dice, group, &GROUPS);
    let whole = dice.choose(&rule.resources).clone();
    let (resource, subresource) = match whole.split_once('/') {
        Some((resource, subresource)) => {
            let subresource = filled(dice, subresource.to_owned(), &SUBRESOURCES);
            (resource.to_owned(), subresource)
        }
        None if whole == "*" && dice.percent(30) => (whole, dice.pick(&SUBRESOURCES).to_owned()),
        None => (whole, String::new()),
    };
    let resource = filled(dice, resource, &RESOURCES);
    let name = match rule.resource_names.as_slice() {
        [] if dice.percent(50) => String::new(),
        [] => dice.pick(&NAMES).to_owned(),
        names => dice.choose(names).clone(),
    };
    let target = Target::Resource { group, resource, subresource, namespace: String::new(), name };
    Request { verb, target }
}

fn from_nowhere(world: &World, dice: &mut Dice) -> Asked {
    let (username, groups) = identity(world, dice);
    if dice.percent(12) {
        return Asked { username, groups, request: impersonation(world, dice) };
    }
    let target = Target::Resource {
        group: dice.pick(&["", "", "apps", "example.com", "rbac.authorization.k8s.io"]).into(),
        resource: dice
            .pick(&["pods", "pods", "deployments", "secrets", "configmaps", "namespaces", "roles", "services"])
            .into(),
        subresource: if dice.percent(25) { dice.pick(&SUBRESOURCES).into() } else { String::new() },
        namespace: if dice.percent(20) { String::new() } else { world.name(dice.pick(&["a", "b", "c"])) },
        name: if dice.percent(50) { dice.pick(&NAMES).into() } else { String::new() },
    };
    Asked { username, groups, request: Request { verb: dice.pick(&VERBS).into(), target } }
}

/// To act as another: of the kinds that the server asks for, and of those that are only called the same.
fn impersonation(world: &World, dice: &mut Dice) -> Request {
    let resource = dice.pick(&["users", "groups", "serviceaccounts", "uids", "userextras"]);
    let group = dice.pick(&["", "", "authentication.k8s.io", "example.com"]);
    let name = match resource {
        "users" => world.name(dice.pick(&["ann", "bob"])),
        "groups" => world.name(dice.pick(&["devs", "ops"])),
        _ => dice.pick(&["bot", "x"]).to_owned(),
    };
    let target = Target::Resource {
        group: group.into(),
        resource: resource.into(),
        subresource: if resource == "userextras" { dice.pick(&["scopes", ""]).into() } else { String::new() },
        namespace: if resource == "serviceaccounts" { world.name(dice.pick(&["a", "b"])) } else { String::new() },
        name: if dice.percent(40) { String::new() } else { name },
    };
    Request { verb: "impersonate".into(), target }
}

fn on_a_path(world: &World, dice: &mut Dice) -> Asked {
    let (username, groups) = identity(world, dice);
    let path =
        dice.pick(&["/healthz", "/livez", "/version", "/version/", "/openapi/v3", "/apis", "/api/v1", "/metrics"]);
    let verb = dice.pick(&["get", "get", "head", "post"]).to_owned();
    Asked { username, groups, request: Request { verb, target: Target::Path(path.to_owned()) } }
}

/// Changes one thing.
fn spoil(world: &World, dice: &mut Dice, asked: &mut Asked) {
    let what = dice.below(7);
    match (&mut asked.request.target, what) {
        (_, 0) => asked.request.verb = dice.pick(&VERBS).into(),
        (_, 1) => {
            let (username, groups) = identity(world, dice);
            if dice.percent(50) {
                asked.username = username;
            } else {
                asked.groups = groups;
            }
        }
        (Target::Path(path), 2) => path.push('/'),
        (Target::Path(path), 3) => {
            path.pop();
        }
        (Target::Path(path), _) => *path = dice.pick(&PATHS).to_owned(),
        (Target::Resource { group, .. }, 2) => *group = dice.pick(&GROUPS).into(),
        (Target::Resource { resource, .. }, 3) => *resource = dice.pick(&RESOURCES).into(),
        (Target::Resource { subresource, .. }, 4) => {
            *subresource = if subresource.is_empty() { dice.pick(&SUBRESOURCES).into() } else { String::new() };
        }
        (Target::Resource { name, .. }, 5) => *name = dice.pick(&["", "x", "y", "z"]).into(),
        (Target::Resource { namespace, .. }, _) => {
            *namespace = if dice.percent(30) { String::new() } else { world.name(dice.pick(&["a", "b", "c"])) };
        }
    }
}
