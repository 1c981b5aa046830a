//! Worlds put on the server, and read back through the program's own door.
//!
//! Nobody is asked before the server's authorizer knows everything: the controller has filled in what is aggregated, and
//! objects made after all others are seen to work, one of each kind.

use std::future::Future;
use std::time::{Duration, Instant};

use eksplorer::cloud::kubernetes::{
    CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, Kubernetes, Listed, NAMESPACES, ROLE_BINDINGS, ROLES, SERVICE_ACCOUNTS,
};
use eksplorer::model::document::Manifest;
use eksplorer::model::rbac::Role;
use eksplorer::model::request::{Request, Target};
use eksplorer::model::snapshot::{ClusterFacts, Section};
use eksplorer::model::time::Time;
use futures::{StreamExt, TryStreamExt};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::ask::Asked;
use super::server::Client;
use super::world::{World, aggregated};

/// How many objects are made at once.
const MAKERS: usize = 16;
/// How many reviews are asked at once.
const ASKERS: usize = 32;
const PATIENCE: Duration = Duration::from_secs(60);
const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";
/// Who is allowed what the objects made last allow.
const SENTINEL: &str = "sentinel";

/// Asks again and again until nothing is left to wait for.
pub(crate) async fn until<F: Future<Output = Result<(), String>>>(mut ask: impl FnMut() -> F) {
    let since = Instant::now();
    loop {
        let Err(why) = ask().await else { return };
        assert!(since.elapsed() < PATIENCE, "not in {PATIENCE:?}: {why}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// Where an object is made.
fn path(manifest: &Manifest) -> String {
    let (namespace, plural) = match manifest {
        Manifest::Namespace(_) => return "/api/v1/namespaces".into(),
        Manifest::ConfigMap(it) => {
            return format!("/api/v1/namespaces/{}/configmaps", it.metadata.namespace.as_deref().unwrap_or_default());
        }
        Manifest::Role(it) => (it.metadata.namespace.as_deref(), "roles"),
        Manifest::RoleBinding(it) => (it.metadata.namespace.as_deref(), "rolebindings"),
        Manifest::ClusterRole(_) => (None, "clusterroles"),
        Manifest::ClusterRoleBinding(_) => (None, "clusterrolebindings"),
        other => panic!("not made here: {other:?}"),
    };
    let within = namespace.map(|it| format!("/namespaces/{it}")).unwrap_or_default();
    format!("{RBAC}{within}/{plural}")
}

/// Makes objects, many at once, in no order.
pub(crate) async fn make(client: &Client, manifests: impl IntoIterator<Item = &Manifest>) {
    let making = manifests.into_iter().map(|it| async move {
        let body = serde_json::to_value(it).unwrap();
        client.post(&path(it), &body).await.map_err(|error| format!("{error}: {body}"))
    });
    futures::stream::iter(making).buffer_unordered(MAKERS).try_collect::<Vec<_>>().await.unwrap();
}

/// Puts the worlds there and waits until the server knows them.
pub(crate) async fn put(client: &Client, door: &Kubernetes, worlds: &[World]) {
    make(client, worlds.iter().flat_map(|it| &it.namespaces)).await;
    make(client, worlds.iter().flat_map(|it| &it.roles)).await;
    make(client, worlds.iter().flat_map(|it| &it.aggregated)).await;
    make(client, worlds.iter().flat_map(|it| &it.bindings)).await;
    until(|| async {
        let roles = all(door, CLUSTER_ROLES).await;
        let expected = aggregated(&roles);
        let wrong = |it: &&Role| expected.get(&it.metadata.name).is_some_and(|rules| *rules != it.rules);
        match roles.iter().find(wrong) {
            None => Ok(()),
            Some(role) => {
                let expected = &expected[&role.metadata.name];
                Err(format!("the aggregated rules are not what they should be, {expected:?}, in {role:?}"))
            }
        }
    })
    .await;
    sentinels(client).await;
}

/// Makes one object of each kind and waits until they have an effect.
async fn sentinels(client: &Client) {
    let name = json!({ "name": SENTINEL });
    let role = |what: &str| json!({ "metadata": name, "rules": [{ "apiGroups": [SENTINEL], "resources": [what], "verbs": ["get"] }] });
    let binding = |kind: &str| {
        json!({
            "metadata": name,
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": SENTINEL },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": SENTINEL }],
        })
    };
    for (path, body) in [
        ("/namespaces/default/roles", role("local")),
        ("/clusterroles", role("everywhere")),
        ("/namespaces/default/rolebindings", binding("Role")),
        ("/clusterrolebindings", binding("ClusterRole")),
    ] {
        match client.post(&format!("{RBAC}{path}"), &body).await {
            Ok(_) => {}
            Err(error) => panic!("{path}: {error}"),
        }
    }
    for (resource, namespace) in [("local", "default"), ("everywhere", "")] {
        let target = Target::Resource {
            group: SENTINEL.into(),
            resource: resource.into(),
            subresource: String::new(),
            namespace: namespace.into(),
            name: String::new(),
        };
        let asked =
            Asked { username: SENTINEL.into(), groups: Vec::new(), request: Request { verb: "get".into(), target } };
        until(|| async {
            let allowed = review(client, &asked).await;
            allowed.map(|_| ()).ok_or_else(|| format!("what was made last has no effect: {asked:?}"))
        })
        .await;
    }
}

/// The server's reason if it allows a request.
pub(crate) async fn review(client: &Client, asked: &Asked) -> Option<String> {
    let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    let said = client.post(path, &asked.review()).await.unwrap_or_else(|error| panic!("{asked:?}: {error}"));
    let status = &said["status"];
    status["allowed"].as_bool().unwrap().then(|| status["reason"].as_str().unwrap_or_default().to_owned())
}

/// What the server says to each, in the same order.
pub(crate) async fn reviews(client: &Client, all: &[Asked]) -> Vec<Option<String>> {
    futures::stream::iter(all).map(|asked| review(client, asked)).buffered(ASKERS).collect().await
}

/// All objects of a kind, page by page.
pub(crate) async fn all<T: DeserializeOwned>(door: &Kubernetes, listed: Listed<T>) -> Vec<T> {
    let (mut items, mut next) = (Vec::new(), None);
    loop {
        let page = door.list(listed, next).await.unwrap();
        // An object that the server keeps is one that this program reads.
        assert!(page.missing.is_empty(), "{:#?}", page.missing);
        items.extend(page.items);
        next = page.next;
        if next.is_none() {
            return items;
        }
    }
}

/// All that decides, as the program reads it.
pub(crate) async fn facts(door: &Kubernetes) -> ClusterFacts {
    let since = Time::default();
    let (resources, missing) = door.api_resources().await.unwrap();
    ClusterFacts {
        api_resources: Section::partial(resources, since, missing),
        namespaces: Section::known(all(door, NAMESPACES).await, since),
        service_accounts: Section::known(all(door, SERVICE_ACCOUNTS).await, since),
        roles: Section::known(all(door, ROLES).await, since),
        cluster_roles: Section::known(all(door, CLUSTER_ROLES).await, since),
        role_bindings: Section::known(all(door, ROLE_BINDINGS).await, since),
        cluster_role_bindings: Section::known(all(door, CLUSTER_ROLE_BINDINGS).await, since),
        ..ClusterFacts::default()
    }
}
