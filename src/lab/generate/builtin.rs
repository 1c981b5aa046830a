//! The ClusterRoles and ClusterRoleBindings that a cluster on EKS has before anybody adds to them.
//!
//! A table, the best known first: a world that holds few of them holds those. Aggregated roles stand here without rules;
//! `rbac` fills them in, as a cluster's controller does. A new one is a row.

use std::collections::BTreeMap;

use super::metadata;
use crate::model::rbac::{Binding, Metadata, Role, RoleRef, Rule, Subject};

/// The API group of RBAC itself.
pub(super) const RBAC_GROUP: &str = "rbac.authorization.k8s.io";
/// What the label begins with that says into which role another is taken.
pub(super) const AGGREGATE_TO: &str = "rbac.authorization.k8s.io/aggregate-to-";

const READ: &str = "get list watch";
const WRITE: &str = "create delete deletecollection patch update";
const ALL: &str = "create delete deletecollection get list patch update watch";

/// API groups (`core` is the nameless one, `url` says that paths follow), resources or paths, verbs.
type Line = (&'static str, &'static str, &'static str);

/// Name, the role that it is taken into, and its rules.
type Row = (&'static str, Option<&'static str>, &'static [Line]);

const ROLES: [Row; 31] = [
    ("cluster-admin", None, &[("*", "*", "*"), ("url", "*", "*")]),
    ("admin", None, &[]),
    ("edit", Some("admin"), &[]),
    ("view", Some("edit"), &[]),
    (
        "system:aggregate-to-admin",
        Some("admin"),
        &[("authorization.k8s.io", "localsubjectaccessreviews", "create"), (RBAC_GROUP, "rolebindings roles", ALL)],
    ),
    (
        "system:aggregate-to-edit",
        Some("edit"),
        &[
            ("core", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy", READ),
            ("core", "serviceaccounts", "impersonate"),
            ("core", "pods pods/attach pods/exec pods/portforward pods/proxy", WRITE),
            ("core", "pods/eviction", "create"),
            (
                "core",
                "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets \
                 serviceaccounts services services/proxy",
                WRITE,
            ),
            ("core", "serviceaccounts/token", "create"),
            (
                "apps",
                "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale \
                 statefulsets statefulsets/scale",
                WRITE,
            ),
            ("autoscaling", "horizontalpodautoscalers", WRITE),
            ("batch", "cronjobs jobs", WRITE),
            ("policy", "poddisruptionbudgets", WRITE),
            ("networking.k8s.io", "ingresses networkpolicies", WRITE),
            ("coordination.k8s.io", "leases", ALL),
        ],
    ),
    (
        "system:aggregate-to-view",
        Some("view"),
        &[
            (
                "core",
                "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers \
                 replicationcontrollers/scale serviceaccounts services services/status",
                READ,
            ),
            (
                "core",
                "bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status \
                 resourcequotas resourcequotas/status",
                READ,
            ),
            ("core", "namespaces", READ),
            ("discovery.k8s.io", "endpointslices", READ),
            (
                "apps",
                "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status \
                 replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status",
                READ,
            ),
            ("autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status", READ),
            ("batch", "cronjobs cronjobs/status jobs jobs/status", READ),
            ("policy", "poddisruptionbudgets poddisruptionbudgets/status", READ),
            ("networking.k8s.io", "ingresses ingresses/status networkpolicies", READ),
        ],
    ),
    (
        "system:basic-user",
        None,
        &[
            ("authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews", "create"),
            ("authentication.k8s.io", "selfsubjectreviews", "create"),
        ],
    ),
    (
        "system:discovery",
        None,
        &[("url", "/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/", "get")],
    ),
    ("system:public-info-viewer", None, &[("url", "/healthz /livez /readyz /version /version/", "get")]),
    (
        "system:monitoring",
        None,
        &[("url", "/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*", "get")],
    ),
    (
        "system:node",
        None,
        &[
            ("authentication.k8s.io", "tokenreviews", "create"),
            ("authorization.k8s.io", "localsubjectaccessreviews subjectaccessreviews", "create"),
            ("core", "services", READ),
            ("core", "nodes", "create get list watch"),
            ("core", "nodes nodes/status", "patch update"),
            ("core", "events", "create patch update"),
            ("core", "pods", READ),
            ("core", "pods", "create delete"),
            ("core", "pods/status", "patch update"),
            ("core", "pods/eviction", "create"),
            ("core", "configmaps secrets", READ),
            ("core", "persistentvolumeclaims persistentvolumes", "get"),
            ("core", "serviceaccounts/token", "create"),
            ("certificates.k8s.io", "certificatesigningrequests", "create get list watch"),
            ("coordination.k8s.io", "leases", "create delete get patch update"),
            ("storage.k8s.io", "volumeattachments", "get"),
            ("storage.k8s.io", "csinodes", "create delete get patch update"),
            ("node.k8s.io", "runtimeclasses", READ),
        ],
    ),
    (
        "system:node-bootstrapper",
        None,
        &[("certificates.k8s.io", "certificatesigningrequests", "create get list watch")],
    ),
    (
        "system:node-proxier",
        None,
        &[
            ("core", "endpoints services", "list watch"),
            ("core", "nodes", READ),
            ("core events.k8s.io", "events", "create patch update"),
            ("discovery.k8s.io", "endpointslices", "list watch"),
        ],
    ),
    (
        "system:kube-scheduler",
        None,
        &[
            ("core events.k8s.io", "events", "create patch update"),
            ("coordination.k8s.io", "leases", "create get list patch update watch"),
            ("core", "nodes", READ),
            ("core", "pods", "delete get list watch"),
            ("core", "bindings pods/binding", "create"),
            ("core", "pods/status", "patch update"),
            ("apps", "replicasets statefulsets", READ),
            ("policy", "poddisruptionbudgets", READ),
        ],
    ),
    (
        "system:kube-controller-manager",
        None,
        &[
            ("core events.k8s.io", "events", "create patch update"),
            ("coordination.k8s.io", "leases", "create get update"),
            ("core", "secrets serviceaccounts", "create delete get update"),
            ("core", "serviceaccounts/token", "create"),
            ("authentication.k8s.io", "tokenreviews", "create"),
            ("authorization.k8s.io", "subjectaccessreviews", "create"),
            ("*", "*", "list watch"),
        ],
    ),
    (
        "system:auth-delegator",
        None,
        &[
            ("authentication.k8s.io", "tokenreviews", "create"),
            ("authorization.k8s.io", "subjectaccessreviews", "create"),
        ],
    ),
    (
        "system:kubelet-api-admin",
        None,
        &[("core", "nodes", "get list watch proxy"), ("core", "nodes/log nodes/metrics nodes/proxy nodes/stats", "*")],
    ),
    (
        "system:persistent-volume-provisioner",
        None,
        &[
            ("core", "persistentvolumes", "create delete get list watch"),
            ("core", "persistentvolumeclaims", "get list update watch"),
            ("storage.k8s.io", "storageclasses", READ),
            ("core", "events", "create patch update watch"),
        ],
    ),
    (
        "system:service-account-issuer-discovery",
        None,
        &[(
            "url",
            "/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/",
            "get",
        )],
    ),
    (
        "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
        None,
        &[("certificates.k8s.io", "certificatesigningrequests/nodeclient", "create")],
    ),
    (
        "system:controller:deployment-controller",
        None,
        &[
            ("apps", "deployments", "get list update watch"),
            ("apps", "deployments/finalizers deployments/status", "update"),
            ("apps", "replicasets", "create delete get list patch update watch"),
            ("core", "pods", "get list update watch"),
            ("core events.k8s.io", "events", "create patch update"),
        ],
    ),
    (
        "system:controller:generic-garbage-collector",
        None,
        &[("*", "*", "delete get list patch update watch"), ("core events.k8s.io", "events", "create patch update")],
    ),
    (
        "system:controller:namespace-controller",
        None,
        &[
            ("core", "namespaces", "delete get list watch"),
            ("core", "namespaces/finalize namespaces/status", "update"),
            ("*", "*", "delete deletecollection get list"),
        ],
    ),
    (
        "system:controller:clusterrole-aggregation-controller",
        None,
        &[(RBAC_GROUP, "clusterroles", "escalate get list patch update watch")],
    ),
    (
        "system:coredns",
        None,
        &[
            ("core", "endpoints namespaces pods services", "list watch"),
            ("discovery.k8s.io", "endpointslices", "list watch"),
        ],
    ),
    (
        "aws-node",
        None,
        &[
            ("core", "namespaces", READ),
            ("core", "pods", READ),
            ("core", "nodes", READ),
            ("core events.k8s.io", "events", "create list patch"),
            ("networking.k8s.aws", "policyendpoints", READ),
            ("vpcresources.k8s.aws", "cninodes", "get list patch watch"),
        ],
    ),
    (
        "eks:addon-manager",
        None,
        &[
            ("core", "configmaps namespaces serviceaccounts services", "create delete get list patch watch"),
            ("apps", "daemonsets deployments", "create delete get list patch watch"),
            (
                RBAC_GROUP,
                "clusterrolebindings clusterroles rolebindings roles",
                "bind create delete escalate get list patch watch",
            ),
        ],
    ),
    (
        "eks:node-manager",
        None,
        &[("core", "pods", READ), ("core", "nodes", "get list patch watch"), ("core", "pods/eviction", "create")],
    ),
    ("eks:node-bootstrapper", None, &[("certificates.k8s.io", "certificatesigningrequests/selfnodeserver", "create")]),
    (
        "eks:pod-identity-mutating-webhook",
        None,
        &[
            ("core", "serviceaccounts", READ),
            ("certificates.k8s.io", "certificatesigningrequests", "create get list watch"),
        ],
    ),
];

/// Name, role, and subjects: `Group/x`, `User/x`, or `ServiceAccount/x` of `kube-system`.
const BINDINGS: [(&str, &str, &str); 19] = [
    ("cluster-admin", "cluster-admin", "Group/system:masters"),
    ("system:basic-user", "system:basic-user", "Group/system:authenticated"),
    ("system:discovery", "system:discovery", "Group/system:authenticated"),
    (
        "system:public-info-viewer",
        "system:public-info-viewer",
        "Group/system:authenticated Group/system:unauthenticated",
    ),
    ("system:monitoring", "system:monitoring", "Group/system:monitoring"),
    // Nodes are let through by an authoriser of their own.
    ("system:node", "system:node", ""),
    ("system:node-proxier", "system:node-proxier", "User/system:kube-proxy"),
    ("system:kube-scheduler", "system:kube-scheduler", "User/system:kube-scheduler"),
    ("system:kube-controller-manager", "system:kube-controller-manager", "User/system:kube-controller-manager"),
    (
        "system:service-account-issuer-discovery",
        "system:service-account-issuer-discovery",
        "Group/system:serviceaccounts",
    ),
    (
        "system:controller:deployment-controller",
        "system:controller:deployment-controller",
        "ServiceAccount/deployment-controller",
    ),
    (
        "system:controller:generic-garbage-collector",
        "system:controller:generic-garbage-collector",
        "ServiceAccount/generic-garbage-collector",
    ),
    (
        "system:controller:namespace-controller",
        "system:controller:namespace-controller",
        "ServiceAccount/namespace-controller",
    ),
    ("system:coredns", "system:coredns", "ServiceAccount/coredns"),
    ("aws-node", "aws-node", "ServiceAccount/aws-node"),
    ("eks:addon-manager", "eks:addon-manager", "User/eks:addon-manager"),
    ("eks:kube-proxy", "system:node-proxier", "ServiceAccount/kube-proxy"),
    ("eks:node-manager", "eks:node-manager", "User/eks:node-manager"),
    ("eks:node-bootstrapper", "eks:node-bootstrapper", "Group/system:bootstrappers Group/system:nodes"),
];

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(|word| if word == "core" { String::new() } else { word.to_owned() }).collect()
}

/// A rule from the words of a line.
pub(super) fn rule(groups: &str, resources: &str, verbs: &str) -> Rule {
    let verbs = words(verbs);
    if groups == "url" {
        return Rule { non_resource_urls: words(resources), verbs, ..Rule::default() };
    }
    Rule { api_groups: words(groups), resources: words(resources), verbs, ..Rule::default() }
}

/// What each API server makes by itself, and mends at each start.
fn by_default(name: &str, namespace: Option<&str>) -> Metadata {
    let mut it = metadata(name, namespace, 0);
    if !name.starts_with("eks:") && name != "aws-node" {
        it.labels.insert("kubernetes.io/bootstrapping".to_owned(), "rbac-defaults".to_owned());
    }
    it
}

/// An aggregated role's rule: which label takes another into it.
pub(super) fn aggregation(label: &str) -> serde_json::Value {
    serde_json::json!({"clusterRoleSelectors": [{"matchLabels": {label: "true"}}]})
}

/// The ClusterRoles; those that are aggregated have no rules yet.
pub(super) fn cluster_roles() -> Vec<Role> {
    let role = |(name, into, rules): &Row| {
        let mut metadata = by_default(name, None);
        metadata.labels.extend(into.map(|into| (format!("{AGGREGATE_TO}{into}"), "true".to_owned())));
        Role {
            metadata,
            aggregation_rule: rules.is_empty().then(|| aggregation(&format!("{AGGREGATE_TO}{name}"))),
            rules: rules.iter().map(|(groups, resources, verbs)| rule(groups, resources, verbs)).collect(),
        }
    };
    ROLES.iter().map(role).collect()
}

/// The ClusterRoleBindings.
pub(super) fn cluster_role_bindings() -> Vec<Binding> {
    let subject = |text: &str| {
        let (kind, name) = text.split_once('/').unwrap_or_default();
        let account = kind == "ServiceAccount";
        Subject {
            kind: kind.to_owned(),
            api_group: (!account).then(|| RBAC_GROUP.to_owned()),
            name: name.to_owned(),
            namespace: account.then(|| "kube-system".to_owned()),
        }
    };
    let binding = |(name, role, subjects): &(&str, &str, &str)| Binding {
        metadata: by_default(name, None),
        role_ref: role_ref("ClusterRole", *role),
        subjects: subjects.split_whitespace().map(subject).collect(),
    };
    BINDINGS.iter().map(binding).collect()
}

/// What a binding names.
pub(super) fn role_ref(kind: &str, name: impl Into<String>) -> RoleRef {
    RoleRef { api_group: Some(RBAC_GROUP.to_owned()), kind: kind.to_owned(), name: name.into() }
}

/// Fills in the rules of aggregated roles: those of the roles that carry the label, each rule once, in the order of the
/// roles' names. A role that is itself aggregated must come after those that take it, as `view` after `edit`.
pub(super) fn aggregate(roles: &mut [Role]) {
    let mut by_label: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, role) in roles.iter().enumerate() {
        for label in role.metadata.labels.keys().filter(|it| it.contains("/aggregate-to-")) {
            by_label.entry(label.clone()).or_default().push(at);
        }
    }
    for at in (0..roles.len()).rev() {
        let label = |role: &Role| {
            let selectors = role.aggregation_rule.as_ref()?.get("clusterRoleSelectors")?;
            selectors.get(0)?.get("matchLabels")?.as_object()?.keys().next().cloned()
        };
        let Some(label) = roles.get(at).and_then(label) else { continue };
        let mut taken: Vec<&Role> =
            by_label.get(&label).into_iter().flatten().filter_map(|from| roles.get(*from)).collect();
        taken.sort_by_key(|role| &role.metadata.name);
        let mut rules: Vec<Rule> = Vec::new();
        for rule in taken.into_iter().flat_map(|role| &role.rules) {
            if !rules.contains(rule) {
                rules.push(rule.clone());
            }
        }
        if let Some(role) = roles.get_mut(at) {
            role.rules = rules;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_knows_of_the_roles_of_a_cluster() {
        let mut roles = cluster_roles();
        aggregate(&mut roles);
        let allows = |name: &str, resource: &str, verb: &str| {
            let role = roles.iter().find(|it| it.metadata.name == name).unwrap();
            let has = |list: &[String], it: &str| list.iter().any(|own| own == it || own == "*");
            role.rules.iter().any(|rule| has(&rule.resources, resource) && has(&rule.verbs, verb))
        };
        for (name, resource, verb, allowed) in [
            ("view", "pods", "list", true),
            ("view", "secrets", "get", false),
            ("view", "pods", "delete", false),
            ("edit", "pods", "list", true),
            ("edit", "secrets", "get", true),
            ("edit", "rolebindings", "create", false),
            ("admin", "pods", "list", true),
            ("admin", "rolebindings", "create", true),
            ("admin", "nodes", "get", false),
            ("cluster-admin", "nodes", "delete", true),
        ] {
            assert_eq!(allows(name, resource, verb), allowed, "{name} {verb} {resource}");
        }
    }

    #[test]
    fn bindings_name_roles_that_are_there() {
        let roles = cluster_roles();
        for binding in cluster_role_bindings() {
            assert!(roles.iter().any(|it| it.metadata.name == binding.role_ref.name), "{binding:?}");
        }
    }
}
