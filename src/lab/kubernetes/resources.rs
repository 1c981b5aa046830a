//! What the API serves, and how discovery tells of it.
//!
//! The world holds objects of nine kinds. Beside them stand common kinds that it holds none of, so that asking for
//! them is allowed or refused as in a real cluster, and finds nothing. A new kind is a line of [`KINDS`].

use serde_json::{Value, json};

use super::super::keys::uuid;
use crate::model::document::{ClusterDocument, Manifest};

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
}

impl Kind {
    const fn new(group: &'static str, resource: &'static str, kind: &'static str, short: &'static str) -> Kind {
        Kind { group, resource, kind, namespaced: true, short, section: None }
    }

    const fn held(self, section: &'static str) -> Kind {
        Kind { section: Some(section), ..self }
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
    Kind::new("", "pods", "Pod", "po").held("pods"),
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
    Kind::new("", "services", "Service", "svc"),
    Kind::new("apps", "daemonsets", "DaemonSet", "ds"),
    Kind::new("apps", "deployments", "Deployment", "deploy"),
    Kind::new("apps", "replicasets", "ReplicaSet", "rs"),
    Kind::new("apps", "statefulsets", "StatefulSet", "sts"),
    Kind::new("batch", "cronjobs", "CronJob", "cj"),
    Kind::new("batch", "jobs", "Job", ""),
    Kind::new("networking.k8s.io", "ingresses", "Ingress", "ing"),
    Kind::new("networking.k8s.io", "networkpolicies", "NetworkPolicy", "netpol"),
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

/// The objects of a kind, of one namespace or (if that is empty) of all.
pub(super) fn objects(cluster: &ClusterDocument, kind: &Kind, namespace: &str) -> Vec<Value> {
    let of_kind = |manifest: &&Manifest| match manifest {
        Manifest::ConfigMap(_) => kind.resource == "configmaps",
        Manifest::Namespace(_) => kind.resource == "namespaces",
        Manifest::ServiceAccount(_) => kind.resource == "serviceaccounts",
        Manifest::Pod(_) => kind.resource == "pods",
        Manifest::Node(_) => kind.resource == "nodes",
        Manifest::Role(_) => kind.resource == "roles",
        Manifest::ClusterRole(_) => kind.resource == "clusterroles",
        Manifest::RoleBinding(_) => kind.resource == "rolebindings",
        Manifest::ClusterRoleBinding(_) => kind.resource == "clusterrolebindings",
        Manifest::List(_) | Manifest::Other => false,
    };
    // Manifests are plain data: they always become JSON.
    let found = cluster.kubernetes.iter().flatten().filter(of_kind);
    found
        .map(|manifest| complete(serde_json::to_value(manifest).unwrap_or_default(), &cluster.cluster.name))
        .filter(|it| !kind.namespaced || namespace.is_empty() || text(it, "/metadata/namespace") == namespace)
        .collect()
}

fn text<'a>(of: &'a Value, at: &str) -> &'a str {
    of.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

/// An object with what every stored object has.
fn complete(mut object: Value, cluster: &str) -> Value {
    let identity = ["/kind", "/metadata/namespace", "/metadata/name"].map(|at| text(&object, at).to_owned());
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.entry("uid").or_insert_with(|| Value::from(uuid(&format!("{cluster}/{}", identity.join("/")))));
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
        assert_eq!(discovery("/openapi/v2", &cluster), None);
    }
}
