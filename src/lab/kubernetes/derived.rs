//! Objects that no world records, since they follow from others: the leases of nodes, and the definitions of custom resources.
//!
//! Decides that every node holds its lease, and that a resource of discovery is custom where its API group is neither
//! Kubernetes' own nor one that an aggregated server serves. A definition's schema is not known here: it allows everything.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::discovery::{served, version_of};
use super::resources::{Kind, is_custom};
use crate::model::discovery::ApiResource;
use crate::model::document::{ClusterDocument, Manifest};

/// How long a kubelet's lease holds.
const LEASE_SECONDS: i32 = 40;
/// Groups that are served by an API server beside Kubernetes' own, not from definitions.
const AGGREGATED: [&str; 2] = ["metrics.k8s.io", "metrics.eks.amazonaws.com"];

/// The objects of a kind that follow from others.
pub(super) fn objects(cluster: &ClusterDocument, kind: &Kind) -> Vec<Value> {
    match (kind.group.as_str(), kind.resource.as_str()) {
        ("coordination.k8s.io", "leases") => leases(cluster, Timestamp::now()),
        ("apiextensions.k8s.io", "customresourcedefinitions") => definitions(cluster),
        _ => Vec::new(),
    }
}

fn leases(cluster: &ClusterDocument, now: Timestamp) -> Vec<Value> {
    let renewed = now.strftime("%Y-%m-%dT%H:%M:%S.000000Z").to_string();
    let nodes = cluster.kubernetes.iter().flatten().filter_map(|it| match it {
        Manifest::Node(node) => Some(&node.metadata),
        _ => None,
    });
    nodes
        .map(|node| {
            let mut metadata = json!({ "name": node.name, "namespace": "kube-node-lease" });
            if let (Value::Object(metadata), Some(created)) = (&mut metadata, node.creation_timestamp) {
                metadata.insert("creationTimestamp".to_owned(), Value::from(created.to_string()));
            }
            json!({
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": metadata,
                "spec": { "holderIdentity": node.name, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": renewed },
            })
        })
        .collect()
}

fn definitions(cluster: &ClusterDocument) -> Vec<Value> {
    let is_defined = |it: &&ApiResource| {
        let is_aggregated = AGGREGATED.iter().any(|of| it.group == *of || it.group.ends_with(&format!(".{of}")));
        is_custom(&it.group) && !is_aggregated
    };
    let mut all: Vec<(&ApiResource, Vec<&ApiResource>)> = Vec::new();
    for it in served(cluster).iter().filter(is_defined) {
        match all.iter_mut().find(|(first, _)| first.group == it.group && first.plural == it.plural) {
            Some((_, versions)) => versions.push(it),
            None => all.push((it, vec![it])),
        }
    }
    all.into_iter().map(|(it, versions)| definition(it, &versions)).collect()
}

/// A definition with its versions: the preferred one comes first, and is the one that is stored.
fn definition(it: &ApiResource, versions: &[&ApiResource]) -> Value {
    let mut names = json!({
        "plural": it.plural, "singular": it.singular, "kind": it.kind, "listKind": format!("{}List", it.kind),
    });
    if let Value::Object(names) = &mut names {
        for (name, all) in [("shortNames", &it.short_names), ("categories", &it.categories)] {
            if !all.is_empty() {
                names.insert(name.to_owned(), json!(all));
            }
        }
    }
    let schema = json!({ "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } });
    let of_version = |(index, version): (usize, &&ApiResource)| {
        let mut of = json!({ "name": version_of(version), "served": true, "storage": index == 0, "schema": schema });
        let has = |name: &str| version.subresources.contains_key(name);
        let all = [("status", json!({})), ("scale", json!({ "specReplicasPath": ".spec.replicas" }))];
        let subresources: serde_json::Map<String, Value> =
            all.into_iter().filter(|(name, _)| has(name)).map(|(name, value)| (name.to_owned(), value)).collect();
        if let (Value::Object(of), false) = (&mut of, subresources.is_empty()) {
            of.insert("subresources".to_owned(), Value::from(subresources));
        }
        of
    };
    let condition = |kind: &str, reason: &str| json!({ "type": kind, "status": "True", "reason": reason });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{}.{}", it.plural, it.group) },
        "spec": {
            "group": it.group,
            "names": names,
            "scope": if it.namespaced { "Namespaced" } else { "Cluster" },
            "versions": versions.iter().enumerate().map(of_version).collect::<Vec<_>>(),
        },
        "status": {
            "acceptedNames": names,
            "conditions": [condition("NamesAccepted", "NoConflicts"), condition("Established", "InitialNamesAccepted")],
            "storedVersions": versions.first().map(|it| version_of(it)).into_iter().collect::<Vec<_>>(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::document::read;
    use k8s_openapi::api::coordination::v1::Lease;
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

    const CLUSTER: &str = r#"
eksplorer: 1
clusters:
- cluster: {name: c}
  apiResources:
  - {group: "", version: v1, plural: pods, kind: Pod, namespaced: true, verbs: [get]}
  - {group: shop.io, version: v2, plural: widgets, singular: widget, kind: Widget, namespaced: true, shortNames: [w], verbs: [get, list], subresources: {status: [get]}}
  - {group: shop.io, version: v1, plural: widgets, singular: widget, kind: Widget, namespaced: true, verbs: [get, list]}
  - {group: custom.metrics.k8s.io, version: v1, plural: nodes, kind: MetricValueList, namespaced: false, verbs: [get]}
  kubernetes:
  - {kind: Node, metadata: {name: n, creationTimestamp: "2026-11-24T06:00:00Z"}}
"#;

    #[test]
    fn a_definition_has_the_versions_of_its_resource_and_a_node_has_a_lease() {
        let document = read(CLUSTER).unwrap();
        let all = definitions(&document.clusters[0]);
        let [definition] = &all[..] else { panic!("{all:?}") };
        let definition: CustomResourceDefinition = serde_json::from_value(definition.clone()).unwrap();
        assert_eq!(definition.metadata.name.as_deref(), Some("widgets.shop.io"));
        let versions: Vec<_> = definition.spec.versions.iter().map(|it| (it.name.as_str(), it.storage)).collect();
        assert_eq!(versions, [("v2", true), ("v1", false)]);
        let all = leases(&document.clusters[0], Timestamp::UNIX_EPOCH);
        let lease: Lease = serde_json::from_value(all[0].clone()).unwrap();
        assert_eq!(lease.spec.unwrap().holder_identity.as_deref(), Some("n"));
    }
}
