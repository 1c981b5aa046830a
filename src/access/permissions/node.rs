//! What the Node authorizer adds for nodes.
//!
//! Decides whether a request of a node is allowed by that authorizer whatever it names, or depends on what runs on the
//! node (the secrets of its pods, its own lease), which no fact here tells. It acts on usernames `system:node:…` in the
//! group `system:nodes`; that EKS runs the upstream one is an inference. Admission (NodeRestriction) narrows what nodes
//! may write further, and is not an authorizer.

use crate::model::request::{Request, Target};

/// What the Node authorizer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// Allowed, whatever is named.
    Allows,
    /// Allowed for what belongs to the node and its pods only.
    Depends,
    /// It has no opinion.
    Silent,
}

/// Does the authorizer act on this identity?
pub(super) fn is_node(username: &str, groups: &[String]) -> bool {
    username.strip_prefix("system:node:").is_some_and(|name| !name.is_empty())
        && groups.iter().any(|group| group == "system:nodes")
}

const READ: &[&str] = &["get", "list", "watch"];

const WRITE_STATUS: &[&str] = &["update", "patch"];

/// Group, resource (with its subresource), verbs: allowed whatever is named. As upstream has it since 1.32; before, nodes
/// could read all nodes and pods.
const ANY: &[(&str, &str, &[&str])] = &[
    ("authentication.k8s.io", "tokenreviews", &["create"]),
    ("authorization.k8s.io", "subjectaccessreviews", &["create"]),
    ("authorization.k8s.io", "localsubjectaccessreviews", &["create"]),
    ("", "services", READ),
    ("", "endpoints", &["get"]),
    ("", "nodes", &["create", "update", "patch"]),
    ("", "nodes/status", WRITE_STATUS),
    ("", "events", &["create", "update", "patch"]),
    ("events.k8s.io", "events", &["create", "update", "patch"]),
    ("", "pods", &["create", "delete"]),
    ("", "pods/status", WRITE_STATUS),
    ("", "pods/eviction", &["create"]),
    ("certificates.k8s.io", "certificatesigningrequests", &["create", "get", "list", "watch"]),
    ("certificates.k8s.io", "clustertrustbundles", READ),
    ("certificates.k8s.io", "podcertificaterequests", &["create"]),
    ("storage.k8s.io", "csidrivers", READ),
    ("node.k8s.io", "runtimeclasses", READ),
    ("resource.k8s.io", "resourceslices", &["create"]),
];

/// The same, for what belongs to the node and its pods.
const OWN: &[(&str, &str, &[&str])] = &[
    ("", "nodes", READ),
    ("", "pods", READ),
    ("", "secrets", READ),
    ("", "configmaps", READ),
    ("", "persistentvolumeclaims", &["get"]),
    ("", "persistentvolumeclaims/status", WRITE_STATUS),
    ("", "persistentvolumes", &["get"]),
    ("", "serviceaccounts", &["get"]),
    ("", "serviceaccounts/token", &["create"]),
    ("certificates.k8s.io", "podcertificaterequests", READ),
    ("storage.k8s.io", "volumeattachments", &["get"]),
    ("storage.k8s.io", "csinodes", &["get", "create", "update", "patch", "delete"]),
    // Of the kubelet that reports how its volumes are, where that feature is on.
    ("storage.k8s.io", "csinodes/status", &["get", "update", "patch"]),
    ("coordination.k8s.io", "leases", &["get", "create", "update", "patch", "delete"]),
    ("resource.k8s.io", "resourceclaims", &["get"]),
    ("resource.k8s.io", "resourceslices", &["get", "list", "watch", "update", "patch", "delete", "deletecollection"]),
];

/// Where the kubelets keep their leases.
const LEASES: &str = "kube-node-lease";

/// What the authorizer says to a request of a node.
pub(super) fn says(request: &Request) -> Node {
    let Target::Resource { group, namespace, .. } = &request.target else { return Node::Silent };
    let what = request.what();
    let within = |table: &[(&str, &str, &[&str])]| {
        table.iter().any(|(g, r, verbs)| g == group && *r == what && verbs.contains(&request.verb.as_str()))
    };
    // Whose the new object is to be shows only in its body, which is admission's to look at.
    let new = request.verb == "create";
    match (group.as_str(), what.as_str()) {
        ("storage.k8s.io", "csinodes") if new => return Node::Allows,
        ("coordination.k8s.io", "leases") if namespace != LEASES => return Node::Silent,
        ("coordination.k8s.io", "leases") if new => return Node::Allows,
        _ => {}
    }
    match () {
        () if within(ANY) => Node::Allows,
        () if within(OWN) => Node::Depends,
        () => Node::Silent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_reads_services_and_only_the_pods_and_secrets_of_its_own() {
        assert_eq!(says(&Request::core("list", "services", "")), Node::Allows);
        assert_eq!(says(&Request::core("list", "pods", "")), Node::Depends);
        assert_eq!(says(&Request::core("get", "secrets", "a")), Node::Depends);
        assert_eq!(says(&Request::core("create", "serviceaccounts/token", "a")), Node::Depends);
        assert_eq!(says(&Request::core("delete", "nodes", "")), Node::Silent);
        assert!(is_node("system:node:x", &["system:nodes".into()]) && !is_node("x", &["system:nodes".into()]));
        assert!(!is_node("system:node:x", &[]) && !is_node("system:node:", &["system:nodes".into()]));
    }
}
