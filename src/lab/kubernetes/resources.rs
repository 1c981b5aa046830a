//! What the API serves, and how discovery tells of it.
//!
//! The world holds objects of ten kinds. Beside them stand common kinds that it holds none of, so that asking for
//! them is allowed or refused as in a real cluster, and finds nothing. A new kind is a line of [`KINDS`].

use serde_json::{Value, json};

use super::super::keys::uuid;
use crate::model::document::{ClusterDocument, Manifest};
use crate::model::rbac::Metadata;

/// The one resource version there is, while nothing changes.
pub(super) const VERSION: &str = "1";

const RBAC: &str = "rbac.authorization.k8s.io";

/// A kind of object that is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) group: &'static str,
    pub(super) resource: &'static str,
    pub(super) kind: &'static str,
    pub(super) namespaced: bool,
    short: &'static str,
    /// The section of the snapshot that holds it; `None` if the world holds none.
    pub(super) section: Option<&'static str>,
    /// Is it among those that `kubectl get all` means?
    of_all: bool,
}

impl Kind {
    const fn new(group: &'static str, resource: &'static str, kind: &'static str, short: &'static str) -> Kind {
        Kind { group, resource, kind, namespaced: true, short, section: None, of_all: false }
    }

    const fn held(self, section: &'static str) -> Kind {
        Kind { section: Some(section), ..self }
    }

    const fn of_all(self) -> Kind {
        Kind { of_all: true, ..self }
    }

    const fn cluster_wide(self) -> Kind {
        Kind { namespaced: false, ..self }
    }

    /// `v1`, `rbac.authorization.k8s.io/v1`
    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() { "v1".to_owned() } else { format!("{}/v1", self.group) }
    }
}

const KINDS: &[Kind] = &[
    Kind::new("", "configmaps", "ConfigMap", "cm").held("awsAuth"),
    Kind::new("", "namespaces", "Namespace", "ns").held("namespaces").cluster_wide(),
    Kind::new("", "nodes", "Node", "no").held("nodes").cluster_wide(),
    Kind::new("", "pods", "Pod", "po").held("pods").of_all(),
    Kind::new("", "serviceaccounts", "ServiceAccount", "sa").held("serviceAccounts"),
    Kind::new(RBAC, "clusterrolebindings", "ClusterRoleBinding", "").held("clusterRoleBindings").cluster_wide(),
    Kind::new(RBAC, "clusterroles", "ClusterRole", "").held("clusterRoles").cluster_wide(),
    Kind::new(RBAC, "rolebindings", "RoleBinding", "").held("roleBindings"),
    Kind::new(RBAC, "roles", "Role", "").held("roles"),
    Kind::new("", "endpoints", "Endpoints", "ep"),
    Kind::new("", "events", "Event", "ev"),
    Kind::new("", "persistentvolumeclaims", "PersistentVolumeClaim", "pvc"),
    Kind::new("", "persistentvolumes", "PersistentVolume", "pv").cluster_wide(),
    Kind::new("", "secrets", "Secret", ""),
    Kind::new("", "services", "Service", "svc").of_all(),
    Kind::new("apps", "daemonsets", "DaemonSet", "ds").held("daemonSets").of_all(),
    Kind::new("apps", "deployments", "Deployment", "deploy").of_all(),
    Kind::new("apps", "replicasets", "ReplicaSet", "rs").of_all(),
    Kind::new("apps", "statefulsets", "StatefulSet", "sts").of_all(),
    Kind::new("batch", "cronjobs", "CronJob", "cj").of_all(),
    Kind::new("batch", "jobs", "Job", "").of_all(),
    Kind::new("networking.k8s.io", "ingresses", "Ingress", "ing"),
    Kind::new("networking.k8s.io", "networkpolicies", "NetworkPolicy", "netpol").held("networkPolicies"),
];

/// Reviews are made, never read.
const REVIEWS: &[Kind] = &[
    Kind::new("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview", "").cluster_wide(),
    Kind::new("authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview", "").cluster_wide(),
    Kind::new("authorization.k8s.io", "selfsubjectrulesreviews", "SelfSubjectRulesReview", "").cluster_wide(),
    Kind::new("authorization.k8s.io", "subjectaccessreviews", "SubjectAccessReview", "").cluster_wide(),
];

/// The kind of a resource.
pub(super) fn find(group: &str, version: &str, resource: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|it| version == "v1" && it.group == group && it.resource == resource)
}

/// The objects of a kind with their metadata, of one namespace or (if that is empty) of all.
pub(super) fn objects<'a>(
    cluster: &'a ClusterDocument,
    kind: &'a Kind,
    namespace: &'a str,
) -> impl Iterator<Item = (&'a Metadata, &'a Manifest)> {
    let all = cluster.kubernetes.iter().flatten();
    all.filter_map(|manifest| Some((metadata(manifest, kind.resource)?, manifest))).filter(move |(metadata, _)| {
        !kind.namespaced || namespace.is_empty() || metadata.namespace.as_deref() == Some(namespace)
    })
}

/// The metadata of a manifest, if it is one of the resource.
fn metadata<'a>(manifest: &'a Manifest, resource: &str) -> Option<&'a Metadata> {
    match (manifest, resource) {
        (Manifest::ConfigMap(it), "configmaps") => Some(&it.metadata),
        (Manifest::Namespace(it), "namespaces") => Some(&it.metadata),
        (Manifest::ServiceAccount(it), "serviceaccounts") => Some(&it.metadata),
        (Manifest::Pod(it), "pods") => Some(&it.metadata),
        (Manifest::Node(it), "nodes") => Some(&it.metadata),
        (Manifest::DaemonSet(it), "daemonsets") => Some(&it.metadata),
        (Manifest::NetworkPolicy(it), "networkpolicies") => Some(&it.metadata),
        (Manifest::Role(it), "roles") | (Manifest::ClusterRole(it), "clusterroles") => Some(&it.metadata),
        (Manifest::RoleBinding(it), "rolebindings") | (Manifest::ClusterRoleBinding(it), "clusterrolebindings") => {
            Some(&it.metadata)
        }
        _ => None,
    }
}

/// An object as it is sent, with what every stored object has.
pub(super) fn render(manifest: &Manifest, cluster: &str) -> Value {
    // Manifests are plain data: they always become JSON.
    let mut object = serde_json::to_value(manifest).unwrap_or_default();
    let part = |at: &str| object.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let identity = ["/kind", "/metadata/namespace", "/metadata/name"].map(part).join("/");
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.entry("uid").or_insert_with(|| Value::from(uuid(&format!("{cluster}/{identity}"))));
        metadata.entry("resourceVersion").or_insert_with(|| Value::from(VERSION));
    }
    object
}

/// What a path that is no resource answers, if it is one of discovery's.
pub(super) fn discovery(path: &str, cluster: &ClusterDocument) -> Option<Value> {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts[..] {
        ["version"] => Some(version(cluster)),
        ["healthz" | "livez" | "readyz"] => Some(Value::from("ok")),
        ["api"] => Some(json!({ "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [] })),
        ["apis"] => {
            let groups: Vec<Value> = groups().into_iter().map(group).collect();
            Some(json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups }))
        }
        ["apis", name] => {
            let mut group = groups().into_iter().find(|it| *it == name).map(group)?;
            if let Value::Object(members) = &mut group {
                members.insert("kind".to_owned(), Value::from("APIGroup"));
                members.insert("apiVersion".to_owned(), Value::from("v1"));
            }
            Some(group)
        }
        ["api", "v1"] => Some(resource_list("")),
        ["apis", name, "v1"] if groups().contains(&name) => Some(resource_list(name)),
        _ => None,
    }
}

fn served() -> impl Iterator<Item = (&'static Kind, &'static [&'static str])> {
    const READ: &[&str] = &["get", "list"];
    const MADE: &[&str] = &["create"];
    KINDS.iter().map(|kind| (kind, READ)).chain(REVIEWS.iter().map(|kind| (kind, MADE)))
}

fn groups() -> Vec<&'static str> {
    let mut groups: Vec<&str> = served().map(|(kind, _)| kind.group).filter(|it| !it.is_empty()).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

fn group(name: &str) -> Value {
    let version = json!({ "groupVersion": format!("{name}/v1"), "version": "v1" });
    json!({ "name": name, "versions": [version], "preferredVersion": version })
}

fn resource_list(group: &str) -> Value {
    let resources: Vec<Value> = served()
        .filter(|(kind, _)| kind.group == group)
        .map(|(kind, verbs)| {
            let mut resource = json!({
                "name": kind.resource,
                "singularName": kind.kind.to_lowercase(),
                "namespaced": kind.namespaced,
                "kind": kind.kind,
                "verbs": verbs,
            });
            if let (Value::Object(members), false) = (&mut resource, kind.short.is_empty()) {
                members.insert("shortNames".to_owned(), json!([kind.short]));
            }
            if let (Value::Object(members), true) = (&mut resource, kind.of_all) {
                members.insert("categories".to_owned(), json!(["all"]));
            }
            resource
        })
        .collect();
    let version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
    json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources })
}

/// The cluster's own version, as EKS words it.
fn version(cluster: &ClusterDocument) -> Value {
    let version = cluster.cluster.version.as_deref().unwrap_or("1.34");
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    json!({
        "major": major,
        "minor": minor,
        "gitVersion": format!("v{major}.{minor}.0-eks-1ab0000"),
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "2026-11-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "linux/amd64",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::document::read;

    #[test]
    fn typed_clients_read_every_object_of_the_demo() {
        use k8s_openapi::api::{core::v1 as core, rbac::v1 as rbac};
        let document = read(include_str!("../../../assets/worlds/acme.yaml")).unwrap();
        for cluster in &document.clusters {
            for kind in KINDS {
                for (metadata, object) in objects(cluster, kind, "") {
                    let object = render(object, &cluster.cluster.name);
                    assert_eq!(
                        (&object["kind"], &object["apiVersion"]),
                        (&json!(kind.kind), &json!(kind.api_version()))
                    );
                    let read = match kind.kind {
                        "ConfigMap" => serde_json::from_value::<core::ConfigMap>(object).map(|it| it.metadata),
                        "Namespace" => serde_json::from_value::<core::Namespace>(object).map(|it| it.metadata),
                        "DaemonSet" => serde_json::from_value::<k8s_openapi::api::apps::v1::DaemonSet>(object)
                            .map(|it| it.metadata),
                        "NetworkPolicy" => {
                            serde_json::from_value::<k8s_openapi::api::networking::v1::NetworkPolicy>(object)
                                .map(|it| it.metadata)
                        }
                        "Node" => serde_json::from_value::<core::Node>(object).map(|it| it.metadata),
                        "Pod" => serde_json::from_value::<core::Pod>(object).map(|it| it.metadata),
                        "ServiceAccount" => {
                            serde_json::from_value::<core::ServiceAccount>(object).map(|it| it.metadata)
                        }
                        "ClusterRole" => serde_json::from_value::<rbac::ClusterRole>(object).map(|it| it.metadata),
                        "ClusterRoleBinding" => {
                            serde_json::from_value::<rbac::ClusterRoleBinding>(object).map(|it| it.metadata)
                        }
                        "Role" => serde_json::from_value::<rbac::Role>(object).map(|it| it.metadata),
                        "RoleBinding" => serde_json::from_value::<rbac::RoleBinding>(object).map(|it| it.metadata),
                        other => panic!("the world holds no {other}"),
                    };
                    let read = read.unwrap();
                    assert_eq!(read.name.as_ref(), Some(&metadata.name));
                    assert!(read.uid.is_some());
                }
            }
        }
    }

    #[test]
    fn discovery_names_every_kind_once() {
        let cluster = ClusterDocument::default();
        let groups = discovery("/apis", &cluster).unwrap();
        let names: Vec<&str> =
            groups["groups"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
        let mut found = discovery("/api/v1", &cluster).unwrap()["resources"].as_array().unwrap().len();
        for name in names {
            assert!(discovery(&format!("/apis/{name}"), &cluster).is_some());
            found += discovery(&format!("/apis/{name}/v1"), &cluster).unwrap()["resources"].as_array().unwrap().len();
        }
        assert_eq!(found, KINDS.len() + REVIEWS.len());
        assert_eq!(discovery("/apis/none/v1", &cluster), None);
        let core = discovery("/api/v1", &cluster).unwrap();
        let all = core["resources"].as_array().unwrap().iter().filter(|it| it["categories"] == json!(["all"]));
        assert_eq!(all.map(|it| it["name"].clone()).collect::<Vec<_>>(), ["pods", "services"]);
        assert_eq!(discovery("/openapi/v2", &cluster), None);
    }
}
