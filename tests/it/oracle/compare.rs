//! The comparison: the server's answer and the program's to each request, and the rules of aggregated ClusterRoles.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Instant;

use eksplorer::access::Verdict;
use eksplorer::access::permissions::{Decision, Grant, Permissions, Rules, Who};
use eksplorer::access::resources::built_in;
use eksplorer::model::rbac::{Binding, Role, Subject};
use eksplorer::model::request::{Request, Target};
use eksplorer::model::snapshot::{ClusterFacts, Section};
use eksplorer::model::time::Time;

use super::ask::{Asked, requests};
use super::server::{say, server};
use super::world::World;
use super::{number, stage, subjects};

/// How many requests a world is good for.
const PER_WORLD: usize = 800;
/// Fewer would not show all kinds of aggregation.
const FEWEST_WORLDS: usize = 8;
/// How many disagreements are told in full.
const TOLD: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rbac_decides_as_the_api_server_does() {
    let n = usize::try_from(number("EKSPLORER_ORACLE_REQUESTS", 2_000)).unwrap();
    let seed = number("EKSPLORER_ORACLE_SEED", 7);
    let Some(server) = server(&format!("{n} comparisons")) else { return };
    let (client, door) = (server.client("admin").await, server.door(server.kubeconfig(), "admin").await);

    let worlds: Vec<World> =
        (0..n.div_ceil(PER_WORLD).max(FEWEST_WORLDS)).map(|number| World::new(seed, number)).collect();
    subjects::put(&client).await;
    stage::put(&client, &door, &worlds).await;
    let facts = stage::facts(&door).await;

    let share = n.div_ceil(worlds.len());
    let mut all: Vec<Asked> = worlds.iter().flat_map(|world| requests(world, seed, share)).collect();
    all.truncate(n);
    let since = Instant::now();
    let theirs = stage::reviews(&client, &all).await;
    let took = since.elapsed();

    let permissions = Permissions::of(&facts);
    let unaggregated = Permissions::of(&without_aggregated_rules(&facts));
    let mut wrong = Vec::new();
    for (asked, reason) in all.iter().zip(&theirs) {
        let ours = decide(&permissions, asked);
        if let Some(why) = disagreement(&ours, reason.as_deref()) {
            wrong.push(told(&facts, asked, reason.as_deref(), &why));
        }
        // What the program puts together by itself where a snapshot has no rules of aggregated roles.
        let (with, without) = (held(&permissions, asked), held(&unaggregated, asked));
        if with != without {
            let why = format!("rules by the controller: {with:?}\n   rules by us alone: {without:?}");
            wrong.push(told(&facts, asked, reason.as_deref(), &why));
        }
    }
    let allowed = theirs.iter().flatten().count();
    say(&format!(
        "kube-apiserver {} · {} worlds · {} requests · {} disagreements · seed {seed} · {} % allowed · {:.0} requests/s",
        server.version,
        worlds.len(),
        all.len(),
        wrong.len(),
        allowed * 100 / all.len().max(1),
        all.len() as f64 / took.as_secs_f64(),
    ));
    assert!(wrong.is_empty(), "{} disagreements:\n{}", wrong.len(), wrong[..wrong.len().min(TOLD)].join("\n"));
    // Else the comparison would say little.
    assert!((20..80).contains(&(allowed * 100 / all.len().max(1))), "{allowed} of {} allowed", all.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_are_decided_about_as_the_api_server_does() {
    const VERBS: [&str; 9] =
        ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "impersonate"];
    let Some(server) = server("the Node authorizer") else { return };
    // What nodes may do changes from version to version; ours is the pinned one's.
    if !server.is_at_least(37) {
        return say(&format!("kube-apiserver {} has another Node authorizer: its comparison left out", server.version));
    }
    let (client, door) = (server.client("admin").await, server.door(server.kubeconfig(), "admin").await);
    subjects::put(&client).await;
    let permissions = Permissions::of(&stage::facts(&door).await);
    let mut all = Vec::new();
    for resource in built_in() {
        let subresources = std::iter::once("").chain(resource.subresources.keys().map(String::as_str));
        for (subresource, verb) in subresources.flat_map(|sub| VERBS.map(|verb| (sub, verb))) {
            // The leases of nodes have a namespace of their own.
            let namespace = match (resource.namespaced, resource.plural.as_str()) {
                (true, "leases") => "kube-node-lease",
                (true, _) => "default",
                (false, _) => "",
            };
            for name in ["", "x", "here"] {
                let target = Target::Resource {
                    group: resource.group.clone(),
                    resource: resource.plural.clone(),
                    subresource: subresource.into(),
                    namespace: namespace.into(),
                    name: name.into(),
                };
                all.push(Asked {
                    username: "system:node:here".into(),
                    groups: vec!["system:nodes".into(), "system:authenticated".into()],
                    request: Request { verb: verb.into(), target },
                });
            }
        }
    }
    let theirs = stage::reviews(&client, &all).await;
    let mut wrong = String::new();
    for (asked, theirs) in all.iter().zip(theirs) {
        let ours = decide(&permissions, asked).verdict;
        // What depends on the node and its pods is not known here. There, it has no pods.
        let agree = match (theirs.is_some(), ours) {
            (true, Verdict::Yes) | (false, Verdict::No | Verdict::Unknown) => true,
            (true, Verdict::Unknown) => asked.request.to_string().contains(" here"),
            _ => false,
        };
        if !agree {
            let _ = writeln!(wrong, "{}: {theirs:?}, ours {ours:?}", asked.request);
        }
    }
    assert!(wrong.is_empty(), "of {} requests of a node:\n{wrong}", all.len());
}

fn decide(permissions: &Permissions, asked: &Asked) -> Decision {
    let groups: Vec<&str> = asked.groups.iter().map(String::as_str).collect();
    permissions.decide(&Who::named(&asked.username, &groups), &asked.request)
}

/// The rules that somebody holds, by what gives them.
fn held(permissions: &Permissions, asked: &Asked) -> BTreeSet<String> {
    let groups: Vec<&str> = asked.groups.iter().map(String::as_str).collect();
    let mut out = BTreeSet::new();
    for held in permissions.grants(&Who::named(&asked.username, &groups)) {
        match held.rules {
            Rules::Known(rules) => out.extend(rules.iter().map(|rule| format!("{} {rule:?}", held.grant.object()))),
            other => out.extend([format!("{} {other:?}", held.grant.object())]),
        }
    }
    out
}

/// What is wrong with our answer, if anything is.
fn disagreement(ours: &Decision, reason: Option<&str>) -> Option<String> {
    match (ours.verdict, reason) {
        (Verdict::No, None) => None,
        // What the Node authorizer allows depends on the node's pods, and no node of these worlds has any.
        (Verdict::Unknown, None) if ours.unknown.iter().all(|it| it.contains("Node authorizer")) => None,
        (Verdict::Yes, Some("")) if ours.by.iter().any(|it| it.grant == Grant::Node) => None,
        (Verdict::Yes, Some(reason)) => {
            let named: Vec<String> = ours.by.iter().map(|it| named(&it.grant)).collect();
            // The server names the first that it finds; ours are all there are.
            let ok = match reason.strip_prefix("RBAC: allowed by ") {
                Some(binding) => named.iter().any(|it| binding.starts_with(&format!("{it} of "))),
                // Of system:masters it says nothing.
                None => reason.is_empty() && ours.by.iter().any(|it| it.grant == Grant::Masters),
            };
            (!ok).then(|| format!("ours: allowed, but by {named:?}"))
        }
        (verdict, _) => Some(format!("ours: {verdict:?} {:?}", ours.unknown)),
    }
}

/// A binding as the server writes it in a reason: `RoleBinding "name/namespace"`.
fn named(grant: &Grant) -> String {
    match grant {
        Grant::Binding { namespace: Some(namespace), name, .. } => format!("RoleBinding \"{name}/{namespace}\""),
        Grant::Binding { namespace: None, name, .. } => format!("ClusterRoleBinding \"{name}\""),
        other => format!("{other:?}"),
    }
}

/// The facts as they would be if no controller had ever run.
fn without_aggregated_rules(facts: &ClusterFacts) -> ClusterFacts {
    let roles: Vec<Role> = facts
        .cluster_roles
        .items()
        .iter()
        .map(|role| {
            let rules = if role.aggregation_rule.is_some() { Vec::new() } else { role.rules.clone() };
            Role { rules, ..role.clone() }
        })
        .collect();
    ClusterFacts { cluster_roles: Section::known(roles, Time::default()), ..facts.clone() }
}

/// A disagreement with all that a person needs to see who is right.
fn told(facts: &ClusterFacts, asked: &Asked, reason: Option<&str>, why: &str) -> String {
    let theirs = reason.map_or_else(|| "denied".to_owned(), |reason| format!("allowed ({reason})"));
    let mut out = format!(
        "-- {} as {} in {:?}: {:?}\n   server: {theirs}\n   {why}\n",
        asked.request, asked.username, asked.groups, asked.request
    );
    let concerns = |subject: &Subject| {
        subject.name == asked.username
            || asked.groups.contains(&subject.name)
            || subject.kind == "ServiceAccount" && asked.username.ends_with(&format!(":{}", subject.name))
    };
    let here = |binding: &&Binding| {
        binding.metadata.namespace.as_deref().is_none_or(|own| own == asked.request.namespace())
            && binding.subjects.iter().any(concerns)
    };
    let mut roles = BTreeSet::new();
    for binding in facts.cluster_role_bindings.items().iter().chain(facts.role_bindings.items()).filter(here) {
        let _ = writeln!(out, "   {}", serde_json::to_string(&plain(binding)).unwrap());
        roles.insert((binding.role_ref.kind.as_str(), binding.role_ref.name.as_str()));
    }
    for role in facts.cluster_roles.items().iter().chain(facts.roles.items()) {
        let kind = if role.metadata.namespace.is_some() { "Role" } else { "ClusterRole" };
        let own = role.metadata.namespace.as_deref().is_none_or(|own| own == asked.request.namespace());
        if own && roles.contains(&(kind, role.metadata.name.as_str())) && !role.metadata.labels.contains_key(BOOTSTRAP)
        {
            let role = Role { metadata: bare(&role.metadata), ..role.clone() };
            let _ = writeln!(out, "   {kind} {}", serde_json::to_string(&role).unwrap());
        }
    }
    out
}

/// The label of what every server has.
const BOOTSTRAP: &str = "kubernetes.io/bootstrapping";

fn plain(binding: &Binding) -> Binding {
    Binding { metadata: bare(&binding.metadata), ..binding.clone() }
}

fn bare(metadata: &eksplorer::model::rbac::Metadata) -> eksplorer::model::rbac::Metadata {
    eksplorer::model::rbac::Metadata {
        name: metadata.name.clone(),
        namespace: metadata.namespace.clone(),
        labels: metadata.labels.clone(),
        ..Default::default()
    }
}
