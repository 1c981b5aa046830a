//! What kubelets and controllers write into objects: statuses and labels that a world does not record.
//!
//! Decides how they follow from what is recorded: containers run in a pod that runs, every node is ready, and a pod carries the labels
//! of the controller that owns it. Nothing here changes an answer of this program: phases, conditions and labels that the
//! world has are left as they are. What is not recorded and does not follow, addresses of pods for one, stays absent.

use serde_json::{Value, json};

use super::discovery::git_version;
use crate::model::document::{ClusterDocument, Manifest};
use crate::model::workload::{DaemonSet, Node, Pod};

/// Completes an object as it is sent.
pub(super) fn complete(manifest: &Manifest, object: &mut Value, cluster: &ClusterDocument) {
    match manifest {
        Manifest::Pod(pod) => complete_pod(pod, object),
        Manifest::Node(node) => complete_node(node, object, cluster),
        Manifest::DaemonSet(set) => complete_daemon_set(set, object),
        _ => {}
    }
}

fn complete_pod(pod: &Pod, object: &mut Value) {
    let labels: Vec<(String, String)> =
        controller_labels(pod).into_iter().filter(|(key, _)| !pod.metadata.labels.contains_key(key)).collect();
    if !labels.is_empty()
        && let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
        && let Some(all) = metadata.entry("labels").or_insert_with(|| json!({})).as_object_mut()
    {
        all.extend(labels.into_iter().map(|(key, value)| (key, Value::from(value))));
    }
    let phase = pod.status.as_ref().and_then(|it| it.phase.as_deref());
    let state = match phase {
        Some("Running") => json!({ "running": {} }),
        Some("Succeeded") => json!({ "terminated": { "exitCode": 0, "reason": "Completed" } }),
        // Why a pod waits or failed is not recorded.
        _ => return,
    };
    let is_ready = pod.is_ready() == Some(true);
    let statuses: Vec<Value> = pod
        .spec
        .containers
        .iter()
        .map(|it| {
            json!({
                "name": it.name, "image": it.image.as_deref().unwrap_or_default(), "imageID": "", "ready": is_ready,
                "started": is_ready, "restartCount": 0, "state": state,
            })
        })
        .collect();
    if let Some(Value::Object(status)) = object.get_mut("status") {
        status.insert("containerStatuses".to_owned(), Value::from(statuses));
    }
}

/// The labels that the controller which owns a pod gives it.
fn controller_labels(pod: &Pod) -> Vec<(String, String)> {
    let metadata = &pod.metadata;
    let Some(owner) = metadata.owner_references.iter().find(|it| it.controller == Some(true)) else {
        return Vec::new();
    };
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    match owner.kind.as_str() {
        // Their names end in the hash of the template.
        "ReplicaSet" => {
            owner.name.rsplit_once('-').map(|(_, hash)| label("pod-template-hash", hash)).into_iter().collect()
        }
        "StatefulSet" => {
            let index = metadata.name.rsplit_once('-').map(|(_, index)| label("apps.kubernetes.io/pod-index", index));
            index.into_iter().chain([label("statefulset.kubernetes.io/pod-name", &metadata.name)]).collect()
        }
        "DaemonSet" => vec![label("pod-template-generation", "1")],
        "Job" => vec![label("batch.kubernetes.io/job-name", &owner.name), label("job-name", &owner.name)],
        _ => Vec::new(),
    }
}

fn complete_node(node: &Node, object: &mut Value, cluster: &ClusterDocument) {
    let labels = &node.metadata.labels;
    let label = |key: &str| labels.get(key).map_or("", String::as_str);
    let name = &node.metadata.name;
    let condition =
        |kind: &str, status: &str, reason: &str| json!({ "type": kind, "status": status, "reason": reason });
    let address = ip_address(name).map(|it| json!({ "type": "InternalIP", "address": it }));
    let host = json!({ "type": "Hostname", "address": name });
    let status = json!({
        "conditions": [
            condition("MemoryPressure", "False", "KubeletHasSufficientMemory"),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure"),
            condition("PIDPressure", "False", "KubeletHasSufficientPID"),
            condition("Ready", "True", "KubeletReady"),
        ],
        "addresses": address.into_iter().chain([host]).collect::<Vec<_>>(),
        "nodeInfo": {
            "kubeletVersion": git_version(cluster),
            "operatingSystem": label("kubernetes.io/os"),
            "architecture": label("kubernetes.io/arch"),
            "osImage": "", "kernelVersion": "", "containerRuntimeVersion": "", "kubeProxyVersion": "",
            "machineID": "", "systemUUID": "", "bootID": "",
        },
    });
    if let Value::Object(members) = object {
        members.insert("status".to_owned(), status);
    }
}

/// The address in the name that EC2 gives: `ip-10-20-11-12.eu-west-1.compute.internal`, `fargate-ip-10-20-41-7…`.
fn ip_address(name: &str) -> Option<String> {
    let host = name.split('.').next()?;
    let digits = host.strip_prefix("fargate-").unwrap_or(host).strip_prefix("ip-")?;
    let address = digits.replace('-', ".");
    address.parse::<std::net::Ipv4Addr>().ok().map(|it| it.to_string())
}

fn complete_daemon_set(set: &DaemonSet, object: &mut Value) {
    if let (Some(its), Some(Value::Object(status))) = (&set.status, object.get_mut("status")) {
        let all = [
            ("updatedNumberScheduled", its.current_number_scheduled),
            ("numberAvailable", its.number_ready),
            ("numberMisscheduled", 0),
        ];
        status.extend(all.map(|(name, count)| (name.to_owned(), Value::from(count))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(value: Value) -> Value {
        let pod: Pod = serde_json::from_value(value).unwrap();
        let mut object = serde_json::to_value(&pod).unwrap();
        complete_pod(&pod, &mut object);
        object
    }

    #[test]
    fn a_pod_has_the_labels_of_its_controller_and_containers_as_its_phase_says() {
        let owned = |name: &str, kind: &str, owner: &str, phase: &str| {
            pod(json!({
                "metadata": { "name": name, "labels": { "app": "x" }, "ownerReferences": [{ "kind": kind, "name": owner, "controller": true }] },
                "spec": { "containers": [{ "name": "c", "image": "i" }] },
                "status": { "phase": phase },
            }))
        };
        let web = owned("web-6d7f-abc", "ReplicaSet", "web-6d7f", "Running");
        assert_eq!(web["metadata"]["labels"], json!({ "app": "x", "pod-template-hash": "6d7f" }));
        assert_eq!(web["status"]["containerStatuses"][0]["ready"], true);
        let db = owned("db-0", "StatefulSet", "db", "Pending");
        assert_eq!(db["metadata"]["labels"]["apps.kubernetes.io/pod-index"], "0");
        assert_eq!(db["status"].get("containerStatuses"), None, "why it waits is not known");
        let job = owned("j-1-x", "Job", "j-1", "Succeeded");
        assert_eq!(job["metadata"]["labels"]["job-name"], "j-1");
        assert_eq!(job["status"]["containerStatuses"][0]["state"]["terminated"]["reason"], "Completed");
        let bare = pod(json!({ "metadata": { "name": "p" } }));
        assert_eq!((bare["metadata"].get("labels"), bare.get("status")), (None, None));
    }

    #[test]
    fn a_name_of_ec2_tells_the_address() {
        assert_eq!(ip_address("ip-10-20-11-12.eu-west-1.compute.internal").as_deref(), Some("10.20.11.12"));
        assert_eq!(ip_address("fargate-ip-10-0-0-1.x").as_deref(), Some("10.0.0.1"));
        for none in ["i-0f1e2d3c4b5a69788", "ip-10-0-0", "mi-1"] {
            assert_eq!(ip_address(none), None, "{none}");
        }
    }
}
