//! Subjects named in every way, against the API server's own answer to `kubectl auth can-i --as`.
//!
//! The objects of `tests/worlds/subjects.yaml` stand on the server from before any facts are read, so that the other
//! comparisons see them too.

use std::collections::BTreeMap;

use eksplorer::access::Verdict;
use eksplorer::access::permissions::{Permissions, Who};
use eksplorer::access::resources::meant;
use eksplorer::model::document::{Manifest, read};
use eksplorer::model::request::{Request, Target};
use serde_json::json;
use tokio::sync::OnceCell;

use super::ask::Asked;
use super::server::{Client, say, server};
use super::stage::{facts, make, review, until};

const BOT: &str = "system:serviceaccount:pay:api";

/// Puts the objects there, once for all tests of the process, and waits until they have an effect.
pub(crate) async fn put(client: &Client) {
    static DONE: OnceCell<()> = OnceCell::const_new();
    DONE.get_or_init(|| async {
        let document = read(include_str!("../../worlds/subjects.yaml")).unwrap();
        let all: Vec<Manifest> =
            document.clusters.into_iter().flat_map(|it| it.kubernetes.unwrap_or_default()).collect();
        let is_namespace = |it: &&Manifest| matches!(it, Manifest::Namespace(_));
        make(client, all.iter().filter(is_namespace)).await;
        make(client, all.iter().filter(|it| !is_namespace(it) && !matches!(it, Manifest::ServiceAccount(_)))).await;
        for (username, groups, verb, resource) in [
            (BOT, vec![], "impersonate", "users"),
            ("somebody", vec!["system:authenticated"], "list", "services"),
            ("somebody", vec!["system:serviceaccounts"], "list", "endpoints"),
        ] {
            let target = Target::Resource {
                group: String::new(),
                resource: resource.into(),
                subresource: String::new(),
                namespace: String::new(),
                name: String::new(),
            };
            let asked = Asked {
                username: username.into(),
                groups: groups.into_iter().map(str::to_owned).collect(),
                request: Request { verb: verb.into(), target },
            };
            until(|| async {
                review(client, &asked).await.map(|_| ()).ok_or_else(|| format!("no effect yet: {asked:?}"))
            })
            .await;
        }
    })
    .await;
}

/// The subject as it is given to this program, and the `--as` and `--as-group` that mean it.
const SUBJECTS: [(&str, &str, &[&str]); 22] = [
    ("user:system:anonymous", "system:anonymous", &[]),
    ("system:anonymous", "system:anonymous", &[]),
    ("group:system:unauthenticated", "somebody", &["system:unauthenticated"]),
    ("system:unauthenticated", "somebody", &["system:unauthenticated"]),
    ("group:system:authenticated", "somebody", &["system:authenticated"]),
    ("system:authenticated", "somebody", &["system:authenticated"]),
    ("user:somebody", "somebody", &[]),
    ("group:somebodies", "somebody", &["somebodies"]),
    ("sa/pay/api", BOT, &[]),
    (BOT, BOT, &[]),
    ("user:system:serviceaccount:pay:api", BOT, &[]),
    ("sa/pay/other", "system:serviceaccount:pay:other", &[]),
    ("user:system:serviceaccount:pay:other", "system:serviceaccount:pay:other", &[]),
    ("user:system:serviceaccount:Pay:api", "system:serviceaccount:Pay:api", &[]),
    ("user:system:serviceaccount:pay:api:x", "system:serviceaccount:pay:api:x", &[]),
    ("user:system:serviceaccount:pay", "system:serviceaccount:pay", &[]),
    ("group:system:serviceaccounts", "system:serviceaccount:a:b", &[]),
    ("group:system:serviceaccounts:pay", "system:serviceaccount:pay:other", &[]),
    ("group:system:masters", "somebody", &["system:masters"]),
    // Without groups the server's answer would depend on its past: constrained impersonation adds the nodes' group, the
    // older one does not, and the one that last succeeded is tried first (impersonationModesTracker).
    ("user:system:node:n1", "system:node:n1", &["system:nodes"]),
    ("system:node:n1", "system:node:n1", &["system:nodes"]),
    ("user:system:node:", "system:node:", &[]),
];

const REQUESTS: [(&str, &str); 26] = [
    ("list", "services"),
    ("list", "svc"),
    ("get", "services"),
    ("list", "endpoints"),
    ("list", "ep"),
    ("create", "endpoints"),
    ("get", "pods"),
    ("list", "secrets"),
    ("get", "users"),
    ("list", "users"),
    ("list", "groups"),
    ("impersonate", "users"),
    ("impersonate", "groups"),
    ("impersonate", "serviceaccounts"),
    ("impersonate", "sa"),
    ("impersonate", "uids"),
    ("impersonate", "userextras"),
    ("impersonate", "userextras/scopes"),
    ("impersonate:user-info", "users"),
    ("list", "nodes"),
    ("create", "pods/eviction"),
    ("create", "tokenreviews"),
    ("get", "/healthz"),
    ("get", "/api"),
    ("get", "/version"),
    ("get", "/metrics"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subjects_are_answered_as_kubectl_auth_can_i_is() {
    let Some(server) = server("subjects named in every way") else { return };
    // What nodes may do changes from version to version.
    if !server.is_at_least(37) {
        return say(&format!("kube-apiserver {} has another Node authorizer: subjects left out", server.version));
    }
    let (client, door) = (server.client("admin").await, server.door(server.kubeconfig(), "admin").await);
    put(&client).await;
    let permissions = Permissions::of(&facts(&door).await);
    let (mut wrong, mut count): (BTreeMap<String, String>, usize) = (BTreeMap::new(), 0);
    for (subject, as_user, as_groups) in SUBJECTS {
        let (_, who) = Who::subject(subject).unwrap_or_else(|| panic!("{subject} is no subject"));
        for (verb, word) in REQUESTS {
            let meant = meant(&permissions, verb, word, "", "");
            let ours = permissions.decide_meant(&who, &meant).verdict;
            let attributes = match &meant.request.target {
                Target::Path(path) => json!({"nonResourceAttributes": {"verb": verb, "path": path}}),
                Target::Resource { group, resource, subresource, namespace, name } => json!({"resourceAttributes": {
                    "verb": verb, "group": group, "resource": resource, "subresource": subresource,
                    "namespace": namespace, "name": name,
                }}),
            };
            let theirs = client.can_i(as_user, as_groups, &attributes).await;
            count += 1;
            let agree = match ours {
                Verdict::Yes => theirs == Ok(true),
                Verdict::No => theirs == Ok(false),
                // The Node authorizer's answer depends on the pods of the node. The test's nodes have none.
                Verdict::Unknown => subject.contains("system:node") && theirs == Ok(false),
            };
            if !agree {
                wrong.insert(format!("{subject}: {}", meant.request), format!("ours {ours:?}, the server {theirs:?}"));
            }
        }
    }
    say(&format!(
        "kube-apiserver {} · {count} requests of named subjects · {} disagreements",
        server.version,
        wrong.len()
    ));
    assert!(wrong.is_empty(), "{wrong:#?}");
}
