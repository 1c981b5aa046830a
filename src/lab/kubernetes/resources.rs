//! What the API serves: every resource of the world's discovery, and the objects of those kinds that the world holds.
//!
//! Objects of eleven kinds are held, those of two more follow from them (`derived`). The others are served without any object,
//! so that asking for them is allowed or refused as in a real cluster, and finds nothing. A new kind that is held is a line of
//! [`HELD`]. How discovery tells of resources is [`super::discovery`]'s; what a kubelet or a controller adds to an object, `fill`'s.

use serde_json::Value;

use super::super::keys::uuid;
use super::super::world::history::metadata_of;
use super::discovery::version_of;
use super::{derived, fill};
use crate::access::resources::built_in;
use crate::model::discovery::{ApiResource, join_group_version};
use crate::model::document::{ClusterDocument, Manifest};
use crate::model::rbac::Metadata;

const RBAC: &str = "rbac.authorization.k8s.io";

/// A kind of object that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) group: String,
    version: String,
    pub(super) resource: String,
    pub(super) kind: String,
    pub(super) namespaced: bool,
    /// It is none of Kubernetes' own.
    pub(super) is_custom: bool,
    /// The section of the snapshot that holds it; `None` if the world holds none.
    pub(super) section: Option<&'static str>,
}

impl Kind {
    /// `v1`, `rbac.authorization.k8s.io/v1`
    pub(super) fn api_version(&self) -> String {
        join_group_version(&self.group, &self.version)
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
pub(super) fn find(all: &[ApiResource], group: &str, version: &str, resource: &str) -> Option<Kind> {
    let is_it = |it: &&ApiResource| it.group == group && it.plural == resource && version_of(it) == version;
    let it = all.iter().find(is_it).filter(|it| it.verbs.iter().any(|verb| verb == "get" || verb == "list"))?;
    let held = HELD.iter().find(|(its_group, its_resource, _)| *its_group == group && *its_resource == resource);
    Some(Kind {
        group: it.group.clone(),
        version: version_of(it).to_owned(),
        resource: it.plural.clone(),
        kind: it.kind.clone(),
        namespaced: it.namespaced,
        is_custom: is_custom(group),
        section: held.map(|(_, _, section)| *section),
    })
}

/// Is the API group none of Kubernetes' own?
pub(super) fn is_custom(group: &str) -> bool {
    built_in().iter().all(|it| it.group != group)
}

/// An object that is served.
pub(super) enum StoredObject<'a> {
    Held(&'a Metadata, &'a Manifest),
    /// It follows from the others.
    Derived(Value),
}

impl StoredObject<'_> {
    pub(super) fn name(&self) -> &str {
        match self {
            StoredObject::Held(metadata, _) => &metadata.name,
            StoredObject::Derived(object) => {
                object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
            }
        }
    }

    fn is_in(&self, namespace: &str) -> bool {
        match self {
            StoredObject::Held(metadata, _) => metadata.namespace.as_deref() == Some(namespace),
            StoredObject::Derived(object) => {
                object.pointer("/metadata/namespace").and_then(Value::as_str) == Some(namespace)
            }
        }
    }

    /// The object as it is sent.
    pub(super) fn render(&self, cluster: &ClusterDocument) -> Value {
        match self {
            StoredObject::Held(_, manifest) => render(manifest, cluster),
            StoredObject::Derived(object) => complete(object.clone(), cluster),
        }
    }
}

/// The objects of a kind, of one namespace or (if that is empty) of all.
pub(super) fn objects<'a>(
    cluster: &'a ClusterDocument,
    kind: &'a Kind,
    namespace: &'a str,
) -> impl Iterator<Item = StoredObject<'a>> {
    let all = cluster.kubernetes.iter().flatten().filter(|_| kind.section.is_some());
    let held = all.filter_map(|it| Some(StoredObject::Held(metadata_if(it, kind)?, it)));
    let derived = derived::objects(cluster, kind).into_iter().map(StoredObject::Derived);
    held.chain(derived).filter(move |it| !kind.namespaced || namespace.is_empty() || it.is_in(namespace))
}

/// The metadata of a manifest, if it is one of the kind.
pub(super) fn metadata_if<'a>(manifest: &'a Manifest, kind: &Kind) -> Option<&'a Metadata> {
    metadata_of(manifest).filter(|(it, _)| *it == kind.kind).map(|(_, metadata)| metadata)
}

/// An object as it is sent, with what every stored object has.
pub(super) fn render(manifest: &Manifest, cluster: &ClusterDocument) -> Value {
    // Manifests are plain data: they always become JSON.
    let mut object = serde_json::to_value(manifest).unwrap_or_default();
    fill::complete(manifest, &mut object, cluster);
    complete(object, cluster)
}

/// Adds what no stored object lacks: a UID and a resource version.
fn complete(mut object: Value, cluster: &ClusterDocument) -> Value {
    let part = |at: &str| object.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let identity = ["/kind", "/metadata/namespace", "/metadata/name"].map(part).join("/");
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        let uid = || Value::from(uuid(&format!("{}/{identity}", cluster.cluster.name)));
        metadata.entry("uid").or_insert_with(uid);
        metadata.entry("resourceVersion").or_insert_with(|| Value::from("1"));
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
                for object in objects(cluster, kind, "") {
                    let (name, object) = (object.name().to_owned(), object.render(cluster));
                    assert_eq!(
                        (&object["kind"], &object["apiVersion"]),
                        (&json!(kind.kind), &json!(kind.api_version()))
                    );
                    let read = match kind.kind.as_str() {
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
                    assert_eq!(read.name, Some(name));
                    assert!(read.uid.is_some());
                }
            }
        }
    }
}
