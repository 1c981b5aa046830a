//! What the API server's objects look like, as far as they are read.
//!
//! From the Go types of `k8s.io/api` (which members are `omitempty`, and so never null or empty) and from what the API
//! server's validation lets nobody store (`pkg/apis/rbac/validation`, `pkg/apis/core/validation`): a rule without verbs or a
//! binding without its role was not written by it. An absent member that the types call optional means what they say.

use super::super::answer::shape::Shape::{
    AnyText, Choice, Count, Filled, Flag, List, Map, Moment, Object, Text, Where,
};
use super::super::answer::shape::{Shape, WireMember, WireNode, always, always_or_null, nullable, optional};

const OWNER: Shape = Object(&[always("kind", Text), always("name", Text), optional("controller", Flag)]);

const LABELS: WireMember = optional("labels", Map(&AnyText));
const ANNOTATIONS: WireMember = optional("annotations", Map(&AnyText));
const OWNERS: WireMember = optional("ownerReferences", List(&OWNER));
// Go writes a moment that was never set as null.
const MADE: WireMember = nullable("creationTimestamp", Moment);

const OF_CLUSTER: WireMember =
    always("metadata", Object(&[always("name", Text), optional("uid", Text), LABELS, ANNOTATIONS, OWNERS, MADE]));

const OF_NAMESPACE: WireMember = always(
    "metadata",
    Object(&[
        always("name", Text),
        always("namespace", Text),
        optional("uid", Text),
        LABELS,
        ANNOTATIONS,
        OWNERS,
        MADE,
    ]),
);

/// `metadata` of a list. A list without it could hide that there is more.
pub(super) const LIST: Shape = Object(&[
    always("kind", Text),
    always("apiVersion", Text),
    always(
        "metadata",
        Where(
            &[always("resourceVersion", Text), optional("continue", Text), optional("remainingItemCount", Count)],
            |node| {
                let there = |name: &str| node.member(name).ok().flatten().is_some();
                (there("remainingItemCount") && !there("continue"))
                    .then_some("tells of more items, and not how to get them")
            },
        ),
    ),
    always("items", List(&Shape::Any)),
]);

pub(super) const CONFIG_MAP: Shape = Object(&[OF_NAMESPACE, optional("data", Map(&AnyText))]);

pub(super) const NAMESPACE: Shape =
    Object(&[OF_CLUSTER, optional("status", Object(&[optional("phase", Choice(&["Active", "Terminating"]))]))]);

pub(super) const SERVICE_ACCOUNT: Shape = Object(&[OF_NAMESPACE, optional("automountServiceAccountToken", Flag)]);

const VARIABLE: Shape =
    Where(&[always("name", Text), optional("value", AnyText), optional("valueFrom", Object(&[]))], |node| {
        let there = |name: &str| node.member(name).ok().flatten().is_some();
        (there("value") && there("valueFrom")).then_some("has both a value and a source of one")
    });

const SOURCE: Shape = Object(&[optional("name", Text)]);

const CONTAINER: Shape = Object(&[
    always("name", Text),
    optional("image", Text),
    optional("env", List(&VARIABLE)),
    optional(
        "envFrom",
        List(&Object(&[optional("prefix", AnyText), optional("configMapRef", SOURCE), optional("secretRef", SOURCE)])),
    ),
]);

const TOKEN: Shape = Object(&[optional("serviceAccountToken", Object(&[optional("audience", Text)]))]);

const VOLUME: Shape =
    Object(&[always("name", Text), optional("projected", Object(&[optional("sources", List(&TOKEN))]))]);

const CONDITION: Shape = Object(&[always("type", Text), always("status", Choice(&["True", "False", "Unknown"]))]);

pub(super) const POD: Shape = Object(&[
    OF_NAMESPACE,
    always(
        "spec",
        Object(&[
            optional("serviceAccountName", Text),
            optional("nodeName", Text),
            optional("hostNetwork", Flag),
            optional("nodeSelector", Map(&AnyText)),
            optional("initContainers", List(&CONTAINER)),
            always("containers", Filled(&CONTAINER)),
            optional("volumes", List(&VOLUME)),
        ]),
    ),
    optional(
        "status",
        Object(&[
            optional("phase", Choice(&["Pending", "Running", "Succeeded", "Failed", "Unknown"])),
            optional("conditions", List(&CONDITION)),
        ]),
    ),
]);

pub(super) const NODE: Shape = Object(&[OF_CLUSTER, optional("spec", Object(&[optional("providerID", Text)]))]);

pub(super) const DAEMON_SET: Shape = Object(&[
    OF_NAMESPACE,
    optional("status", Object(&[always("desiredNumberScheduled", Count), always("numberReady", Count)])),
]);

const SELECTOR: Shape = Object(&[
    optional("matchLabels", Map(&AnyText)),
    optional(
        "matchExpressions",
        List(&Object(&[
            always("key", Text),
            always("operator", Choice(&["In", "NotIn", "Exists", "DoesNotExist"])),
            optional("values", Filled(&AnyText)),
        ])),
    ),
]);

const PEER: Shape = Where(
    &[
        optional("podSelector", SELECTOR),
        optional("namespaceSelector", SELECTOR),
        optional("ipBlock", Object(&[always("cidr", Text), optional("except", Filled(&Text))])),
    ],
    |node| {
        let there = |name: &&str| node.member(name).ok().flatten().is_some();
        (!["podSelector", "namespaceSelector", "ipBlock"].iter().any(there)).then_some("names nobody")
    },
);

const PORT: Shape = Object(&[
    optional("protocol", Choice(&["TCP", "UDP", "SCTP"])),
    optional("port", Shape::Any),
    optional("endPort", Count),
]);

pub(super) const NETWORK_POLICY: Shape = Object(&[
    OF_NAMESPACE,
    always(
        "spec",
        Object(&[
            optional("podSelector", SELECTOR),
            optional("policyTypes", Filled(&Choice(&["Ingress", "Egress"]))),
            optional("egress", List(&Object(&[optional("to", Filled(&PEER)), optional("ports", Filled(&PORT))]))),
        ]),
    ),
]);

const RULE: Shape = Where(
    &[
        always("verbs", Filled(&Text)),
        optional("apiGroups", Filled(&AnyText)),
        optional("resources", Filled(&Text)),
        optional("resourceNames", Filled(&AnyText)),
        optional("nonResourceURLs", Filled(&Text)),
    ],
    |node| {
        let there = |name: &str| node.member(name).ok().flatten().is_some();
        match (there("resources"), there("apiGroups"), there("nonResourceURLs")) {
            (true, true, false) | (false, false, true) if !(there("nonResourceURLs") && there("resourceNames")) => None,
            _ => Some("names neither API groups with resources nor paths alone"),
        }
    },
);

const AGGREGATION: WireMember =
    optional("aggregationRule", Object(&[optional("clusterRoleSelectors", List(&SELECTOR))]));

pub(super) const ROLE: Shape = Object(&[OF_NAMESPACE, always_or_null("rules", List(&RULE))]);
pub(super) const CLUSTER_ROLE: Shape = Object(&[OF_CLUSTER, AGGREGATION, always_or_null("rules", List(&RULE))]);

const RBAC: &str = "rbac.authorization.k8s.io";

const SUBJECT_MEMBERS: &[WireMember] = &[
    always("kind", Choice(&["User", "Group", "ServiceAccount"])),
    always("name", Text),
    optional("namespace", Text),
    optional("apiGroup", AnyText),
];

/// A subject of a ClusterRoleBinding: a service account names its namespace.
const SUBJECT: Shape = Where(SUBJECT_MEMBERS, |node| {
    let namespace = node.member("namespace").ok().flatten().and_then(WireNode::text).unwrap_or_default();
    let kind = node.member("kind").ok().flatten().and_then(WireNode::text).unwrap_or_default();
    match (kind, namespace) {
        ("ServiceAccount", "") => Some("is a service account of no namespace"),
        _ => wrong_group(node),
    }
});

/// A subject of a RoleBinding: a service account without a namespace is in the binding's own.
const NAMESPACED_SUBJECT: Shape = Where(SUBJECT_MEMBERS, wrong_group);

fn wrong_group(node: WireNode<'_>) -> Option<&'static str> {
    let text = |name: &str| node.member(name).ok().flatten().and_then(WireNode::text).unwrap_or_default();
    match (text("kind"), text("apiGroup")) {
        ("ServiceAccount", "") | ("User" | "Group", "" | RBAC) => None,
        _ => Some("is of an API group that has none of its kind"),
    }
}

const GROUP: WireMember = optional("apiGroup", Choice(&[RBAC]));

pub(super) const ROLE_BINDING: Shape = Object(&[
    OF_NAMESPACE,
    optional("subjects", Filled(&NAMESPACED_SUBJECT)),
    always("roleRef", Object(&[GROUP, always("kind", Choice(&["Role", "ClusterRole"])), always("name", Text)])),
]);

pub(super) const CLUSTER_ROLE_BINDING: Shape = Object(&[
    OF_CLUSTER,
    optional("subjects", Filled(&SUBJECT)),
    always("roleRef", Object(&[GROUP, always("kind", Choice(&["ClusterRole"])), always("name", Text)])),
]);

pub(super) const SELF_REVIEW: Shape = Object(&[always(
    "status",
    Object(&[always(
        "userInfo",
        Object(&[
            always("username", Text),
            optional("uid", AnyText),
            optional("groups", List(&Text)),
            optional("extra", Map(&List(&AnyText))),
        ]),
    )]),
)]);

pub(super) const ACCESS_REVIEW: Shape = Object(&[always(
    "status",
    Object(&[
        always("allowed", Flag),
        optional("denied", Flag),
        optional("reason", AnyText),
        optional("evaluationError", AnyText),
    ]),
)]);
