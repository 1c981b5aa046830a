//! Names of resources, against what kubectl makes of them on the same server: with custom resources whose names and short
//! names collide with each other and with Kubernetes' own.

use std::process::Command;

use eksplorer::access::permissions::Permissions;
use eksplorer::access::resources::meant;
use eksplorer::model::request::Target;
use eksplorer::model::snapshot::{ClusterFacts, Section};
use eksplorer::model::time::Time;
use serde_json::{Value, json};

use super::number;
use super::server::{Client, say, server};
use super::stage::until;

/// Group, kind, plural, singular, short names, whether namespaced, versions.
type CustomResource =
    (&'static str, &'static str, &'static str, &'static str, &'static [&'static str], bool, &'static [&'static str]);

const CUSTOM: [CustomResource; 8] = [
    ("db.names.example", "DatabaseUser", "users", "user", &["u", "dbu"], false, &["v1"]),
    ("iam.names.example", "User", "users", "user", &["u"], true, &["v1"]),
    ("db.names.example", "Group", "groups", "group", &["grp"], true, &["v1"]),
    ("fake.names.example", "Pod", "pods", "pod", &["po", "fpo"], true, &["v1"]),
    ("fake.names.example", "Deployment", "deployments", "deployment", &["deploy"], true, &["v1beta1", "v1"]),
    ("shop.names.example", "Widget", "widgets", "widget", &["wg", "svc"], true, &["v1beta1", "v1"]),
    ("zoo.names.example", "Gadget", "gadgets", "gadget", &["wg"], false, &["v1alpha1"]),
    ("zoo.names.example", "Signer", "signers", "signer", &["sg"], false, &["v1"]),
];

/// Every kind of name: full, singular, short, kind, by group, by version, by the beginning of a group, and none at all.
const NAMES: [&str; 76] = [
    "pods",
    "pod",
    "po",
    "Pod",
    "PODS",
    "pods.",
    "pods.v1.",
    "pods.fake.names.example",
    "po.fake.names.example",
    "fpo",
    "pods.fake",
    "pods.v1.fake.names.example",
    "pods.v9.fake.names.example",
    "deploy",
    "deployments",
    "deployment",
    "Deployment",
    "deployments.apps",
    "deployment.apps",
    "deployments.v1.apps",
    "deploy.v1.apps",
    "deploy.apps",
    "deploy.fake.names.example",
    "deployments.fake.names.example",
    "deployments.v1beta1.fake.names.example",
    "deployments.app",
    "users",
    "user",
    "User",
    "u",
    "dbu",
    "users.iam.names.example",
    "users.db.names.example",
    "users.iam",
    "u.iam.names.example",
    "u.iam",
    "users.v1.iam.names.example",
    "groups",
    "group",
    "grp",
    "groups.db.names.example",
    "widgets",
    "widget",
    "Widget",
    "wg",
    "svc",
    "services",
    "service",
    "gadgets",
    "wg.zoo",
    "wg.zoo.names.example",
    "gadget",
    "wg.shop.names.example",
    "widgets.v1beta1.shop.names.example",
    "events",
    "event",
    "ev",
    "events.events.k8s.io",
    "events.events",
    "ing",
    "ingresses",
    "ingress.networking.k8s.io",
    "netpol",
    "hpa",
    "hpa.v1.autoscaling",
    "hpa.v2.autoscaling",
    "sa",
    "ns",
    "no",
    "cm",
    "ep",
    "endpoints",
    "crd",
    "clusterrole",
    "nothing",
    "nothing.names.example",
];

async fn install(client: &Client) {
    for (group, kind, plural, singular, short, namespaced, versions) in CUSTOM {
        let versions: Vec<Value> = versions
            .iter()
            .enumerate()
            .map(|(at, version)| {
                json!({"name": version, "served": true, "storage": at == 0, "schema": {"openAPIV3Schema": {
                    "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                }}})
            })
            .collect();
        let body = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.{group}")},
            "spec": {
                "group": group, "scope": if namespaced { "Namespaced" } else { "Cluster" }, "versions": versions,
                "names": {"kind": kind, "plural": plural, "singular": singular, "shortNames": short},
            },
        });
        client.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &body).await.unwrap();
    }
}

/// The group and resource that kubectl asks about.
fn of_kubectl(kubeconfig: &std::path::Path, cache: &std::path::Path, verb: &str, typed: &str) -> (String, String) {
    let output = Command::new("kubectl")
        .args(["auth", "can-i", verb, typed, "--all-namespaces", "-v=9", "--context=admin"])
        .arg(format!("--kubeconfig={}", kubeconfig.display()))
        .arg(format!("--cache-dir={}", cache.display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    // Older ones speak JSON.
    if let Some((_, json)) = said.rsplit_once("Request Body: ") {
        let body = serde_json::Deserializer::from_str(json).into_iter::<Value>().next().unwrap().unwrap();
        let text = |name: &str| body["spec"]["resourceAttributes"][name].as_str().unwrap_or_default().to_owned();
        return (text("group"), text("resource"));
    }
    let body = request_body(&said).unwrap_or_else(|| panic!("{typed}: no request in {said}"));
    // runtime.Unknown.raw, SelfSubjectAccessReview.spec, its resourceAttributes, and of those group and resource
    // (k8s.io/api authorization/v1/generated.proto).
    let attributes =
        [2, 2, 1].into_iter().try_fold(body.as_slice(), member).unwrap_or_else(|| panic!("{typed}: {said}"));
    let text = |number: u64| String::from_utf8(member(attributes, number).unwrap_or_default().to_vec()).unwrap();
    (text(3), text(5))
}

/// The last request's body, from the dump that kubectl logs, without the four bytes before the message.
fn request_body(log: &str) -> Option<Vec<u8>> {
    let dump = log.rsplit_once("\"Request Body\" body=<")?.1;
    let lines = dump.lines().skip(1).take_while(|it| it.contains('|'));
    let hex =
        lines.filter_map(|it| it.split('|').next()?.trim().split_once("  ")).flat_map(|(_, it)| it.split_whitespace());
    let bytes: Vec<u8> = hex.map(|it| u8::from_str_radix(it, 16)).collect::<Result<_, _>>().ok()?;
    Some(bytes.strip_prefix(b"k8s\0")?.to_vec())
}

/// A member of a protobuf message that is itself a message or a text.
fn member(message: &[u8], wanted: u64) -> Option<&[u8]> {
    fn varint(bytes: &mut &[u8]) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (first, rest) = bytes.split_first()?;
            *bytes = rest;
            value |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
    let mut rest = message;
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        if key & 7 != 2 {
            varint(&mut rest)?;
            continue;
        }
        let length = usize::try_from(varint(&mut rest)?).ok()?;
        let (value, after) = rest.split_at_checked(length)?;
        if key >> 3 == wanted {
            return Some(value);
        }
        rest = after;
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_stand_for_what_kubectl_takes_them_for() {
    let Some(server) = server("names of resources as kubectl takes them") else { return };
    if Command::new("kubectl").arg("version").arg("--client").output().is_err() {
        return say("there is no kubectl: names of resources as kubectl takes them left out");
    }
    let (client, door) = (server.client("admin").await, server.door(server.kubeconfig(), "admin").await);
    install(&client).await;
    let found = || async {
        let (resources, missing) = door.api_resources().await.unwrap();
        let served = |it: &CustomResource| {
            it.6.iter().all(|version| {
                resources.iter().any(|own| {
                    (own.group.as_str(), own.version.as_str(), own.plural.as_str()) == (it.0, *version, it.2)
                })
            })
        };
        (CUSTOM.iter().all(served) && missing.is_empty()).then_some(resources)
    };
    until(|| async { found().await.map(|_| ()).ok_or_else(|| "the custom resources are not in discovery".to_owned()) })
        .await;
    let resources = found().await.unwrap();
    let permissions = Permissions::of(&ClusterFacts {
        api_resources: Section::known(resources, Time::default()),
        ..ClusterFacts::default()
    });

    // A process for each takes its time: every third where little is asked.
    let whole = number("EKSPLORER_ORACLE_REQUESTS", 2_000) >= 10_000;
    let names: Vec<&str> =
        NAMES.into_iter().enumerate().filter(|(at, _)| whole || at % 3 == 0).map(|(_, it)| it).collect();
    let cache = server.kubeconfig().with_extension("cache");
    let mut wrong = Vec::new();
    for typed in &names {
        let Target::Resource { group, resource, .. } = meant(&permissions, "get", typed, "", "").request.target else {
            panic!("{typed} is no path")
        };
        let theirs = of_kubectl(&server.kubeconfig(), &cache, "get", typed);
        if (group.clone(), resource.clone()) != theirs {
            wrong.push(format!("{typed}: kubectl asks for {theirs:?}, we for {:?}", (group, resource)));
        }
    }
    say(&format!("kubectl · {} names of resources · {} disagreements", names.len(), wrong.len()));
    assert!(wrong.is_empty(), "{wrong:#?}");
}
