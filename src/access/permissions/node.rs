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
    username.starts_with("system:node:") && groups.iter().any(|group| group == "system:nodes")
}

const READ: &[&str] = &["get", "list", "watch"];

/// Group, resource, subresource (`None`: any), verbs: allowed whatever is named.
const ANY: &[(&str, &str, &[&str])] = &[
    ("authentication.k8s.io", "tokenreviews", &["create"]),
    ("authorization.k8s.io", "subjectaccessreviews", &["create"]),
    ("authorization.k8s.io", "localsubjectaccessreviews", &["create"]),
    ("", "services", READ),
    ("", "nodes", &["create", "get", "list", "watch", "update", "patch"]),
    ("", "nodes/status", &["update", "patch"]),
    ("", "events", &["create", "update", "patch"]),
    ("", "pods", &["get", "list", "watch", "create", "delete"]),
    ("", "pods/status", &["update", "patch"]),
    ("", "pods/eviction", &["create"]),
    ("certificates.k8s.io", "certificatesigningrequests", &["create", "get", "list", "watch"]),
    ("storage.k8s.io", "csidrivers", READ),
    ("node.k8s.io", "runtimeclasses", READ),
];

/// The same, for what belongs to the node and its pods.
const OWN: &[(&str, &str, &[&str])] = &[
    ("", "secrets", READ),
    ("", "configmaps", READ),
    ("", "persistentvolumeclaims", &["get"]),
    ("", "persistentvolumeclaims/status", &["get", "update", "patch"]),
    ("", "persistentvolumes", &["get"]),
    ("", "serviceaccounts", &["get"]),
    ("", "serviceaccounts/token", &["create"]),
    ("storage.k8s.io", "volumeattachments", &["get"]),
    ("storage.k8s.io", "csinodes", &["get", "create", "update", "patch", "delete"]),
    ("coordination.k8s.io", "leases", &["get", "create", "update", "patch", "delete"]),
    ("resource.k8s.io", "resourceclaims", &["get"]),
    (
        "resource.k8s.io",
        "resourceslices",
        &["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"],
    ),
];

/// What the authorizer says to a request of a node.
pub(super) fn says(request: &Request) -> Node {
    let Target::Resource { group, .. } = &request.target else { return Node::Silent };
    let what = request.what();
    let within = |table: &[(&str, &str, &[&str])]| {
        table.iter().any(|(g, r, verbs)| g == group && *r == what && verbs.contains(&request.verb.as_str()))
    };
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
    fn a_node_reads_pods_and_only_the_secrets_of_its_own() {
        assert_eq!(says(&Request::core("list", "pods", "")), Node::Allows);
        assert_eq!(says(&Request::core("get", "secrets", "a")), Node::Depends);
        assert_eq!(says(&Request::core("create", "serviceaccounts/token", "a")), Node::Depends);
        assert_eq!(says(&Request::core("delete", "nodes", "")), Node::Silent);
        assert!(is_node("system:node:x", &["system:nodes".into()]) && !is_node("x", &["system:nodes".into()]));
        assert!(!is_node("system:node:x", &[]));
    }
}
