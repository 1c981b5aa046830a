//! Which requests each command of kubectl makes, as a table.

use super::Object;

/// The commands that are translated. API verbs that kubectl has a command for (`get`, `create`, `delete`, `patch`) are
/// none of them.
pub(super) const COMMANDS: [&str; 24] = [
    "annotate",
    "apply",
    "attach",
    "auth",
    "autoscale",
    "cordon",
    "cp",
    "debug",
    "describe",
    "drain",
    "edit",
    "exec",
    "expose",
    "label",
    "logs",
    "port-forward",
    "replace",
    "rollout",
    "run",
    "scale",
    "taint",
    "top",
    "uncordon",
    "wait",
];

/// In which namespace a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the one that was named.
    Own,
    /// In all at once.
    Everywhere,
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) verb: &'static str,
    /// The group and the resource, where the command has one of its own; else the object's.
    pub(super) fixed: Option<(&'static str, &'static str)>,
    pub(super) subresource: &'static str,
    pub(super) place: Place,
    /// Whether it is about the object that was named.
    pub(super) is_named: bool,
}

/// On the object itself.
fn own(verb: &'static str, subresource: &'static str) -> Step {
    Step { verb, fixed: None, subresource, place: Place::Own, is_named: true }
}

/// On the objects of its type.
fn own_type(verb: &'static str) -> Step {
    Step { is_named: false, ..own(verb, "") }
}

/// On something else.
fn fixed(verb: &'static str, group: &'static str, resource: &'static str) -> Step {
    Step { verb, fixed: Some((group, resource)), subresource: "", place: Place::Own, is_named: false }
}

/// The requests of a command, and which of them it is named for. `None` where the command needs what was not given.
pub(super) fn steps(command: &str, action: &str, object: &Object) -> Option<(Vec<Step>, usize)> {
    let has_object = !object.resource.is_empty();
    let steps = match command {
        "exec" | "cp" => on_pod(object, "create", "exec", command),
        "attach" => on_pod(object, "create", "attach", command),
        "port-forward" => on_pod(object, "create", "portforward", command),
        "logs" => on_pod(object, "get", "log", command),
        // A copy of a node's namespaces is a pod: kubernetes/kubectl pkg/cmd/debug/debug.go.
        "debug" if object.plural == "nodes" => vec![own("get", ""), fixed("create", "", "pods")],
        "debug" => vec![own("get", ""), own("patch", "ephemeralcontainers")],
        "run" => vec![fixed("create", "", "pods")],
        "drain" => drain(),
        "cordon" | "uncordon" | "taint" => vec![own("get", ""), own("patch", "")],
        "top" => return top(object),
        "auth" => match action {
            "can-i" => vec![fixed("create", "authorization.k8s.io", "selfsubjectaccessreviews")],
            "whoami" => vec![fixed("create", "authentication.k8s.io", "selfsubjectreviews")],
            _ => return None,
        },
        _ if !has_object => return None,
        "rollout" => return rollout(action, object),
        "scale" => vec![own("get", ""), own("patch", "scale")],
        "edit" | "label" | "annotate" => vec![own("get", ""), own("patch", "")],
        "replace" => vec![own("get", ""), own("update", "")],
        "apply" => vec![own("get", ""), own_type("create"), own("patch", "")],
        "expose" => vec![own("get", ""), fixed("create", "", "services")],
        "autoscale" => vec![own("get", ""), fixed("create", "autoscaling", "horizontalpodautoscalers")],
        "describe" => return Some((vec![own("get", ""), fixed("list", "", "events")], 0)),
        "wait" => vec![own("get", ""), own_type("list"), own_type("watch")],
        _ => return None,
    };
    let main = if command == "drain" { EVICTION } else { steps.len().saturating_sub(1) };
    Some((steps, main))
}

/// A pod, or the first pod of what was named (pkg/polymorphichelpers/attachablepodforobject.go, logsforobject.go).
fn on_pod(object: &Object, verb: &'static str, subresource: &'static str, command: &str) -> Vec<Step> {
    let main = Step { subresource, ..fixed(verb, "", "pods") };
    if object.plural == "pods" {
        return vec![own("get", ""), Step { is_named: true, ..main }];
    }
    let mut all = vec![own("get", ""), fixed("list", "", "pods")];
    if command == "port-forward" {
        all.push(fixed("get", "", "pods"));
    }
    all.push(main);
    all
}

/// The place of the eviction in [`drain`].
const EVICTION: usize = 4;

/// Cordons, looks through the node's pods in all namespaces (those of DaemonSets stay, which is looked up), evicts them,
/// and waits until they are gone: kubernetes/kubectl pkg/drain/drain.go, filters.go and cordon.go.
fn drain() -> Vec<Step> {
    let everywhere = |step: Step| Step { place: Place::Everywhere, ..step };
    vec![
        own("get", ""),
        own("patch", ""),
        everywhere(fixed("list", "", "pods")),
        everywhere(fixed("get", "apps", "daemonsets")),
        everywhere(Step { subresource: "eviction", ..fixed("create", "", "pods") }),
        everywhere(fixed("get", "", "pods")),
    ]
}

/// What metrics-server serves; of nodes, also what they can hold (pkg/cmd/top/top_node.go).
fn top(object: &Object) -> Option<(Vec<Step>, usize)> {
    const METRICS: &str = "metrics.k8s.io";
    let verb = if object.name.is_empty() { "list" } else { "get" };
    let named = |step: Step| Step { is_named: true, ..step };
    match object.plural.as_str() {
        "pods" => Some((vec![named(fixed(verb, METRICS, "pods"))], 0)),
        "nodes" => Some((vec![named(fixed(verb, METRICS, "nodes")), named(fixed(verb, "", "nodes"))], 0)),
        _ => None,
    }
}

/// pkg/cmd/rollout/; the history of a Deployment is in its ReplicaSets, of others in ControllerRevisions
/// (pkg/polymorphichelpers/history.go, rollback.go).
fn rollout(action: &str, object: &Object) -> Option<(Vec<Step>, usize)> {
    let history = match object.plural.as_str() {
        "deployments" => "replicasets",
        _ => "controllerrevisions",
    };
    let steps = match action {
        "restart" | "pause" | "resume" => vec![own("get", ""), own("patch", "")],
        "undo" => vec![own("get", ""), fixed("list", "apps", history), own("patch", "")],
        "history" => vec![own("get", ""), fixed("list", "apps", history)],
        "status" => vec![own("get", ""), own_type("list"), own_type("watch")],
        _ => return None,
    };
    let last = steps.len() - 1;
    Some((steps, last))
}
