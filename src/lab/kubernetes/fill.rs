//! What kubelets and controllers write into objects: statuses that a world does not record.
//!
//! Decides how they follow from what is recorded: containers run in a pod that runs, every node is ready, a namespace is active
//! unless it says otherwise, and a node is as large as the name of its instance type says. Nothing here changes an answer of this program: phases, conditions and labels that the world
//! has are left as they are. What is not recorded and does not follow, addresses of pods for one, stays absent.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::discovery::git_version;
use crate::model::document::{ClusterDocument, Manifest};
use crate::model::rbac::OwnerReference;
use crate::model::workload::{Container, DaemonSet, Node, Pod};

/// Completes an object as it is sent.
pub(super) fn complete(manifest: &Manifest, object: &mut Value, cluster: &ClusterDocument) {
    match manifest {
        Manifest::Pod(pod) => complete_pod(pod, object),
        Manifest::Node(node) => complete_node(node, object, cluster),
        Manifest::DaemonSet(set) => complete_daemon_set(set, object, cluster),
        Manifest::Namespace(namespace) if namespace.status.is_none() => {
            if let Value::Object(members) = object {
                members.insert("status".to_owned(), json!({ "phase": "Active" }));
            }
        }
        _ => {}
    }
}

fn complete_pod(pod: &Pod, object: &mut Value) {
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

fn complete_node(node: &Node, object: &mut Value, cluster: &ClusterDocument) {
    let labels = &node.metadata.labels;
    let label = |key: &str| labels.get(key).map_or("", String::as_str);
    let name = &node.metadata.name;
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let since = node.metadata.creation_timestamp.map_or_else(|| now.clone(), |it| it.to_string());
    let condition = |kind: &str, status: &str, reason: &str| {
        json!({
            "type": kind, "status": status, "reason": reason, "lastHeartbeatTime": now, "lastTransitionTime": since,
        })
    };
    let (cpus, gibibytes) = instance_size(label("node.kubernetes.io/instance-type"));
    let size = json!({ "cpu": cpus.to_string(), "memory": format!("{gibibytes}Gi"), "pods": "110" });
    let address = ip_address(name).map(|it| json!({ "type": "InternalIP", "address": it }));
    let host = json!({ "type": "Hostname", "address": name });
    let status = json!({
        "capacity": size,
        "allocatable": size,
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

/// The CPUs and the GiB of memory of an EC2 instance type, by its name; of one that does not tell, those of a `large`.
fn instance_size(instance_type: &str) -> (u32, u32) {
    let (family, size) = instance_type.split_once('.').unwrap_or(("m", "large"));
    let cpus = match size.strip_suffix("xlarge") {
        Some("") => 4,
        Some(times) => times.parse::<u32>().map_or(2, |it| it.saturating_mul(4)),
        None => 2,
    };
    let per_cpu = match family.chars().next() {
        Some('c') => 2,
        Some('r' | 'x') => 8,
        _ => 4,
    };
    (cpus, cpus.saturating_mul(per_cpu))
}

/// The address in the name that EC2 gives: `ip-10-20-11-12.eu-west-1.compute.internal`, `fargate-ip-10-20-41-7…`.
fn ip_address(name: &str) -> Option<String> {
    let host = name.split('.').next()?;
    let digits = host.strip_prefix("fargate-").unwrap_or(host).strip_prefix("ip-")?;
    let address = digits.replace('-', ".");
    address.parse::<std::net::Ipv4Addr>().ok().map(|it| it.to_string())
}

/// Its template is as the first of its pods is.
fn complete_daemon_set(set: &DaemonSet, object: &mut Value, cluster: &ClusterDocument) {
    if let (Some(its), Some(Value::Object(status))) = (&set.status, object.get_mut("status")) {
        let all = [
            ("updatedNumberScheduled", its.current_number_scheduled),
            ("numberAvailable", its.number_ready),
            ("numberMisscheduled", 0),
        ];
        status.extend(all.map(|(name, count)| (name.to_owned(), Value::from(count))));
    }
    let is_owner = |it: &OwnerReference| it.kind == "DaemonSet" && it.name == set.metadata.name;
    let mut pods = cluster.kubernetes.iter().flatten().filter_map(|it| match it {
        Manifest::Pod(pod) => Some(pod),
        _ => None,
    });
    let pod = pods.find(|it| {
        it.metadata.namespace == set.metadata.namespace && it.metadata.owner_references.iter().any(is_owner)
    });
    let own_label =
        |(key, _): &(&String, &String)| *key != "pod-template-generation" && *key != "controller-revision-hash";
    let labels: BTreeMap<&str, &str> = pod
        .iter()
        .flat_map(|it| &it.metadata.labels)
        .filter(own_label)
        .map(|(key, value)| (&**key, &**value))
        .collect();
    let labels = if labels.is_empty() { BTreeMap::from([("k8s-app", set.metadata.name.as_str())]) } else { labels };
    let container = |it: &Container| json!({ "name": it.name, "image": it.image.as_deref().unwrap_or_default() });
    let containers: Vec<Value> = pod.iter().flat_map(|it| &it.spec.containers).map(container).collect();
    let account = pod.map_or("default", |it| it.service_account());
    if let Value::Object(members) = object {
        let template = json!({
            "metadata": { "labels": labels },
            "spec": { "serviceAccountName": account, "containers": containers },
        });
        members.insert("spec".to_owned(), json!({ "selector": { "matchLabels": labels }, "template": template }));
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
    fn containers_are_as_the_phase_of_their_pod_says() {
        let of_phase = |phase: &str| {
            pod(json!({
                "metadata": { "name": "p" },
                "spec": { "containers": [{ "name": "c", "image": "i" }] },
                "status": { "phase": phase },
            }))
        };
        assert_eq!(of_phase("Running")["status"]["containerStatuses"][0]["ready"], true);
        let ended = &of_phase("Succeeded")["status"]["containerStatuses"][0];
        assert_eq!((&ended["ready"], &ended["state"]["terminated"]["reason"]), (&json!(false), &json!("Completed")));
        assert_eq!(of_phase("Pending")["status"].get("containerStatuses"), None, "why it waits is not known");
        assert_eq!(pod(json!({ "metadata": { "name": "p" } })).get("status"), None);
    }

    #[test]
    fn a_daemon_set_is_as_its_pods_are() {
        let set: DaemonSet =
            serde_json::from_value(json!({ "metadata": { "name": "agent", "namespace": "a" } })).unwrap();
        let pod: Pod = serde_json::from_value(json!({
            "metadata": {
                "name": "agent-x", "namespace": "a", "labels": { "app": "agent", "pod-template-generation": "1" },
                "ownerReferences": [{ "kind": "DaemonSet", "name": "agent" }],
            },
            "spec": { "serviceAccountName": "bot", "containers": [{ "name": "c", "image": "i:1" }] },
        }))
        .unwrap();
        let spec = |kubernetes| {
            let mut object = serde_json::to_value(&set).unwrap();
            let cluster = ClusterDocument { kubernetes: Some(kubernetes), ..ClusterDocument::default() };
            complete_daemon_set(&set, &mut object, &cluster);
            object["spec"].take()
        };
        let like_pod = spec(vec![Manifest::Pod(pod)]);
        assert_eq!(like_pod["selector"]["matchLabels"], json!({ "app": "agent" }));
        assert_eq!(
            like_pod["template"]["spec"],
            json!({ "serviceAccountName": "bot", "containers": [{ "name": "c", "image": "i:1" }] })
        );
        assert_eq!(spec(Vec::new())["selector"]["matchLabels"], json!({ "k8s-app": "agent" }));
    }

    #[test]
    fn an_instance_type_tells_its_size() {
        let sizes = ["m7i.2xlarge", "c6g.xlarge", "r5.large", "t3.medium", "", "m5.metal"].map(instance_size);
        assert_eq!(sizes, [(8, 32), (4, 8), (2, 16), (2, 8), (2, 8), (2, 8)]);
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
