//! What it takes to bend the document of a generated world into a corner.

use eksplorer::lab::generate::CLUSTER;
use eksplorer::model::document::{ClusterDocument, Document, Manifest};
use eksplorer::model::workload::{DaemonSet, Node, Pod, ServiceAccount};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Dice;

pub(super) const ACCOUNT: &str = "111122223333";
pub(super) const AGENT: &str = "eks-pod-identity-agent";
pub(super) const COMPUTE: &str = "eks.amazonaws.com/compute-type";

pub(super) fn value<T: DeserializeOwned>(it: Value) -> T {
    serde_json::from_value(it).unwrap()
}

pub(super) fn cluster(document: &mut Document) -> &mut ClusterDocument {
    &mut document.clusters[0]
}

pub(super) fn manifests(document: &mut Document) -> &mut Vec<Manifest> {
    cluster(document).kubernetes.get_or_insert_default()
}

/// Changes IAM as a value, which is shorter than its types.
pub(super) fn iam_value(document: &mut Document, change: impl FnOnce(&mut Value)) {
    let mut iam = serde_json::to_value(&document.iam).unwrap();
    change(&mut iam);
    document.iam = value(iam);
}

pub(super) fn of_roles(document: &mut Document, mut change: impl FnMut(&mut Value)) {
    iam_value(document, |iam| iam["RoleDetailList"].as_array_mut().unwrap().iter_mut().for_each(&mut change));
}

/// Changes trust policies as texts.
pub(super) fn trusts(document: &mut Document, change: impl Fn(&mut String)) {
    of_roles(document, |role| {
        let mut text = role["AssumeRolePolicyDocument"].to_string();
        change(&mut text);
        role["AssumeRolePolicyDocument"] = serde_json::from_str(&text).unwrap();
    });
}

pub(super) fn role_arns(document: &mut Document) -> Vec<String> {
    let roles = document.iam.iter().flat_map(|it| &it.role_detail_list).flatten();
    roles.map(|it| it.arn.clone()).collect()
}

pub(super) fn of_accounts(document: &mut Document, mut change: impl FnMut(&mut ServiceAccount)) {
    for manifest in manifests(document) {
        if let Manifest::ServiceAccount(account) = manifest {
            change(account);
        }
    }
}

pub(super) fn accounts(document: &mut Document) -> Vec<(String, String)> {
    let mut all = Vec::new();
    of_accounts(document, |it| {
        all.push((it.metadata.namespace.clone().unwrap_or_default(), it.metadata.name.clone()));
    });
    all
}

pub(super) fn some_namespace(document: &mut Document, dice: &mut Dice) -> String {
    let all = accounts(document);
    if all.is_empty() { "default".to_owned() } else { dice.pick(&all).0.clone() }
}

pub(super) fn of_nodes(document: &mut Document, mut change: impl FnMut(&mut Node)) {
    for manifest in manifests(document) {
        if let Manifest::Node(node) = manifest {
            change(node);
        }
    }
}

pub(super) fn of_pods(document: &mut Document, mut change: impl FnMut(&mut Pod, usize)) {
    let mut number = 0;
    for manifest in manifests(document) {
        if let Manifest::Pod(pod) = manifest {
            change(pod, number);
            number += 1;
        }
    }
}

pub(super) fn without_agent(document: &mut Document) {
    manifests(document).retain(|it| match it {
        Manifest::DaemonSet(it) => it.metadata.name != AGENT,
        Manifest::Pod(it) => !it.metadata.name.starts_with(AGENT),
        _ => true,
    });
    if let Some(addons) = &mut cluster(document).addons {
        addons.retain(|it| it.addon_name != AGENT);
    }
}

pub(super) fn add_on(document: &mut Document, name: &str, status: &str) {
    cluster(document).addons.get_or_insert_default().push(value(json!({"addonName": name, "status": status})));
}

pub(super) fn daemon_set(document: &mut Document, namespace: &str, wanted: usize, ready: usize) {
    let status = json!({"desiredNumberScheduled": wanted, "currentNumberScheduled": wanted, "numberReady": ready});
    let set: DaemonSet = value(json!({"metadata": {"name": AGENT, "namespace": namespace}, "status": status}));
    manifests(document).push(Manifest::DaemonSet(set));
}

/// Pods of the agent on the first nodes.
pub(super) fn agent_pods(document: &mut Document, namespace: &str, most: usize, ready: &str) {
    without_agent(document);
    let mut nodes = Vec::new();
    of_nodes(document, |node| nodes.push(node.metadata.name.clone()));
    let taken: Vec<&String> = nodes.iter().take(most).collect();
    daemon_set(document, namespace, nodes.len(), if ready == "True" { taken.len() } else { 0 });
    for (number, node) in taken.into_iter().enumerate() {
        let owner = json!([{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": AGENT, "controller": true}]);
        let pod = json!({
            "metadata": {"name": format!("{AGENT}-{number}"), "namespace": namespace, "ownerReferences": owner},
            "spec": {"nodeName": node, "hostNetwork": true, "serviceAccountName": AGENT,
                "containers": [{"name": AGENT, "image": format!("602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/{AGENT}:v0.1.33")}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]},
        });
        manifests(document).push(Manifest::Pod(value(pod)));
    }
}

pub(super) fn auto_mode(document: &mut Document, pools: &[&str]) {
    let role = "arn:aws:iam::111122223333:role/eks/generated-node";
    let config = json!({"enabled": true, "nodePools": pools, "nodeRoleArn": role});
    cluster(document).cluster.compute_config = Some(value(config));
}

pub(super) fn no_node_groups(document: &mut Document) {
    cluster(document).nodegroups = Some(Vec::new());
    of_nodes(document, |node| drop_label(node, "eks.amazonaws.com/nodegroup"));
}

pub(super) fn fargate(document: &mut Document, namespace: &str) {
    let profile = json!({"fargateProfileName": "all", "podExecutionRoleArn": "arn:aws:iam::111122223333:role/eks/generated-node",
        "selectors": [{"namespace": namespace}], "status": "ACTIVE"});
    cluster(document).fargate_profiles = Some(vec![value(profile)]);
}

/// An access entry of the nodes' role.
pub(super) fn node_entry(document: &mut Document, kind: &str) {
    let arn = "arn:aws:iam::111122223333:role/eks/generated-node";
    let entries = cluster(document).access_entries.get_or_insert_default();
    entries.retain(|it| it.principal_arn != arn);
    let groups = if kind == "STANDARD" { json!([]) } else { json!(["system:nodes"]) };
    let entry = json!({"principalArn": arn, "type": kind, "kubernetesGroups": groups, "createdAt": "2026-03-01T00:00:00Z",
        "username": if kind == "STANDARD" { "node" } else { "system:node:{{EC2PrivateDNSName}}" },
        "associatedAccessPolicies": []});
    entries.push(value(entry));
}

pub(super) fn mode(document: &mut Document, mode: &str) {
    cluster(document).cluster.access_config = Some(value(json!({"authenticationMode": mode})));
}

pub(super) fn aws_auth(document: &mut Document, key: &str, text: &str) {
    for manifest in manifests(document) {
        if let Manifest::ConfigMap(map) = manifest {
            map.data.insert(key.to_owned(), text.to_owned());
        }
    }
}

pub(super) fn associate(document: &mut Document, namespace: &str, name: &str, role: &str, number: usize) {
    let id = format!("a-corner{number:011}");
    let association = json!({"namespace": namespace, "serviceAccount": name, "roleArn": role, "associationId": id,
        "clusterName": CLUSTER, "createdAt": "2026-05-01T00:00:00Z", "modifiedAt": "2026-05-01T00:00:00Z",
        "associationArn": format!("arn:aws:eks:eu-west-1:{ACCOUNT}:podidentityassociation/{CLUSTER}/{id}")});
    cluster(document).pod_identity_associations.get_or_insert_default().push(value(association));
}

pub(super) fn drop_label(node: &mut Node, key: &str) {
    node.metadata.labels.remove(key);
}
