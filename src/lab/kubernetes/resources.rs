//! What the API serves: every resource of the world's discovery, and the objects of those kinds that the world holds.
//!
//! Objects of eleven kinds are held. The others are served without any object, so that asking for them is allowed or
//! refused as in a real cluster, and finds nothing. A new kind that is held is a line of [`HELD`]. How discovery tells of
//! resources is [`super::discovery`]'s.

use serde_json::Value;

use super::super::keys::uuid;
use super::discovery::version_of;
use crate::model::discovery::{ApiResource, join_group_version};
use crate::model::document::{ClusterDocument, Manifest};
use crate::model::rbac::Metadata;

/// The one resource version there is, while nothing changes.
pub(super) const VERSION: &str = "1";

const RBAC: &str = "rbac.authorization.k8s.io";

/// A kind of object that is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind<'a> {
    pub(super) group: &'a str,
    version: &'a str,
    pub(super) resource: &'a str,
    pub(super) kind: &'a str,
    pub(super) namespaced: bool,
    /// The section of the snapshot that holds it; `None` if the world holds none.
    pub(super) section: Option<&'static str>,
}

impl Kind<'_> {
    /// `v1`, `rbac.authorization.k8s.io/v1`
    pub(super) fn api_version(&self) -> String {
        join_group_version(self.group, self.version)
    }
}

/// Group, resource and the section of the snapshot that holds the objects.
const HELD: &[(&str, &str, &str)] = &[
    ("", "configmaps", "awsAuth"),
    ("", "namespaces", "namespaces"),
    ("", "nodes", "nodes"),
    ("", "pods", "pods"),
    ("", "serviceaccounts", "serviceAccounts"),
    (RBAC, "clusterrolebindings", "clusterRoleBindings"),
    (RBAC, "clusterroles", "clusterRoles"),
    (RBAC, "rolebindings", "roleBindings"),
    (RBAC, "roles", "roles"),
    ("apps", "daemonsets", "daemonSets"),
    ("networking.k8s.io", "networkpolicies", "networkPolicies"),
];

/// The kind of a resource, if discovery lists it in this version and it can be read.
pub(super) fn find<'a>(all: &'a [ApiResource], group: &str, version: &str, resource: &str) -> Option<Kind<'a>> {
    let is_it = |it: &&ApiResource| it.group == group && it.plural == resource && version_of(it) == version;
    let it = all.iter().find(is_it).filter(|it| it.verbs.iter().any(|verb| verb == "get" || verb == "list"))?;
    let held = HELD.iter().find(|(its_group, its_resource, _)| *its_group == group && *its_resource == resource);
    Some(Kind {
        group: &it.group,
        version: version_of(it),
        resource: &it.plural,
        kind: &it.kind,
        namespaced: it.namespaced,
        section: held.map(|(_, _, section)| *section),
    })
}

/// The objects of a kind with their metadata, of one namespace or (if that is empty) of all.
pub(super) fn objects<'a>(
    cluster: &'a ClusterDocument,
    kind: &'a Kind<'a>,
    namespace: &'a str,
) -> impl Iterator<Item = (&'a Metadata, &'a Manifest)> {
    let all = cluster.kubernetes.iter().flatten().filter(|_| kind.section.is_some());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::document::read;
    use serde_json::json;

    #[test]
    fn typed_clients_read_every_object_of_the_demo() {
        use k8s_openapi::api::{core::v1 as core, rbac::v1 as rbac};
        let document = read(include_str!("../../../assets/worlds/acme.yaml")).unwrap();
        for cluster in &document.clusters {
            let served = super::super::discovery::served(cluster);
            for (group, resource, _) in HELD {
                let kind = &find(served, group, "v1", resource).unwrap();
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
}
