//! Objects as rows of a table: the columns of `kubectl get`.
//!
//! Decides the columns of the kinds that the world holds, as the API server's printers have them; every other kind of
//! Kubernetes has its name and when it was created, a custom one its name and age. A new kind with columns of its own is a row of
//! [`PRINTERS`]. What an object says of itself is `resources`' and `fill`'s; here it is only read.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::age::{UNKNOWN, age};
use super::form::{Include, metadata_alone};
use super::resources::Kind;

/// A column: its head, its format, and whether `-o wide` alone shows it.
struct TableColumn(&'static str, &'static str, u8);

/// The columns of one resource, and what stands in them.
struct Printer {
    group: &'static str,
    resource: &'static str,
    columns: &'static [TableColumn],
    cells: fn(&Value, Timestamp) -> Vec<Value>,
}

const RBAC: &str = "rbac.authorization.k8s.io";
const NONE: &str = "<none>";
const NAME: TableColumn = TableColumn("Name", "name", 0);
const AGE: TableColumn = TableColumn("Age", "", 0);
const BINDING: &[TableColumn] = &[
    NAME,
    TableColumn("Role", "", 0),
    AGE,
    TableColumn("Users", "", 1),
    TableColumn("Groups", "", 1),
    TableColumn("ServiceAccounts", "", 1),
];

const PRINTERS: &[Printer] = &[
    Printer {
        group: "",
        resource: "pods",
        columns: &[
            NAME,
            TableColumn("Ready", "", 0),
            TableColumn("Status", "", 0),
            TableColumn("Restarts", "", 0),
            AGE,
            TableColumn("IP", "", 1),
            TableColumn("Node", "", 1),
            TableColumn("Nominated Node", "", 1),
            TableColumn("Readiness Gates", "", 1),
        ],
        cells: pod,
    },
    Printer {
        group: "",
        resource: "nodes",
        columns: &[
            NAME,
            TableColumn("Status", "", 0),
            TableColumn("Roles", "", 0),
            AGE,
            TableColumn("Version", "", 0),
            TableColumn("Internal-IP", "", 1),
            TableColumn("External-IP", "", 1),
            TableColumn("OS-Image", "", 1),
            TableColumn("Kernel-Version", "", 1),
            TableColumn("Container-Runtime", "", 1),
        ],
        cells: node,
    },
    Printer {
        group: "",
        resource: "namespaces",
        columns: &[NAME, TableColumn("Status", "", 0), AGE],
        cells: |it, now| vec![name(it), Value::from(text(it, "/status/phase")), Value::from(age(it, now))],
    },
    Printer {
        group: "",
        resource: "serviceaccounts",
        columns: &[NAME, TableColumn("Secrets", "", 0), AGE],
        cells: |it, now| vec![name(it), Value::from(count(it, "/secrets")), Value::from(age(it, now))],
    },
    Printer {
        group: "",
        resource: "configmaps",
        columns: &[NAME, TableColumn("Data", "", 0), AGE],
        cells: |it, now| vec![name(it), Value::from(count(it, "/data")), Value::from(age(it, now))],
    },
    Printer { group: RBAC, resource: "rolebindings", columns: BINDING, cells: binding },
    Printer { group: RBAC, resource: "clusterrolebindings", columns: BINDING, cells: binding },
    Printer {
        group: "apps",
        resource: "daemonsets",
        columns: &[
            NAME,
            TableColumn("Desired", "", 0),
            TableColumn("Current", "", 0),
            TableColumn("Ready", "", 0),
            TableColumn("Up-to-date", "", 0),
            TableColumn("Available", "", 0),
            TableColumn("Node Selector", "", 0),
            AGE,
            TableColumn("Containers", "", 1),
            TableColumn("Images", "", 1),
            TableColumn("Selector", "", 1),
        ],
        cells: daemon_set,
    },
    Printer {
        group: "networking.k8s.io",
        resource: "networkpolicies",
        columns: &[NAME, TableColumn("Pod-Selector", "", 0), AGE],
        cells: |it, now| {
            vec![name(it), Value::from(labels(it.pointer("/spec/podSelector/matchLabels"))), Value::from(age(it, now))]
        },
    },
    Printer {
        group: "coordination.k8s.io",
        resource: "leases",
        columns: &[NAME, TableColumn("Holder", "", 0), AGE],
        cells: |it, now| vec![name(it), Value::from(text(it, "/spec/holderIdentity")), Value::from(age(it, now))],
    },
];

/// Kubernetes' own kinds without a printer.
const CREATED: Printer =
    Printer { group: "", resource: "", columns: &[NAME, TableColumn("Created At", "date", 0)], cells: created };
/// Custom resources, whose definitions name no columns here.
const CUSTOM: Printer = Printer {
    group: "",
    resource: "",
    columns: &[NAME, AGE],
    cells: |it, now| vec![name(it), Value::from(age(it, now))],
};

/// The table of objects of one kind.
pub(super) fn render(kind: &Kind, objects: Vec<Value>, include: Include, metadata: Value, heads: bool) -> Value {
    let printer = PRINTERS.iter().find(|it| it.group == kind.group && it.resource == kind.resource);
    let printer = printer.unwrap_or(if kind.is_custom { &CUSTOM } else { &CREATED });
    let now = Timestamp::now();
    let rows: Vec<Value> = objects
        .into_iter()
        .map(|object| {
            let cells = (printer.cells)(&object, now);
            let object = match include {
                Include::Nothing => Value::Null,
                Include::Metadata => metadata_alone(&object),
                Include::Object => object,
            };
            json!({ "cells": cells, "object": object })
        })
        .collect();
    let mut table = json!({ "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata });
    if let Value::Object(members) = &mut table {
        let columns = if heads { printer.columns.iter().map(head).collect() } else { Value::Null };
        members.insert("columnDefinitions".to_owned(), columns);
        members.insert("rows".to_owned(), Value::from(rows));
    }
    table
}

fn head(TableColumn(name, format, priority): &TableColumn) -> Value {
    let is_count = matches!(*name, "Desired" | "Current" | "Up-to-date" | "Available" | "Secrets");
    let kind = if is_count { "integer" } else { "string" };
    json!({ "name": name, "type": kind, "format": format, "description": "", "priority": priority })
}

fn pod(it: &Value, now: Timestamp) -> Vec<Value> {
    let statuses = it.pointer("/status/containerStatuses").and_then(Value::as_array).map(Vec::as_slice);
    let statuses = statuses.unwrap_or_default();
    let is_ready = |status: &&Value| status.get("ready").and_then(Value::as_bool) == Some(true);
    let restarts: i64 = statuses.iter().filter_map(|status| status.get("restartCount")?.as_i64()).sum();
    let reason = statuses.iter().find_map(|status| status.pointer("/state/terminated/reason")?.as_str());
    let gates = count(it, "/spec/readinessGates");
    vec![
        name(it),
        Value::from(format!("{}/{}", statuses.iter().filter(is_ready).count(), count(it, "/spec/containers"))),
        Value::from(reason.map_or_else(|| or(text(it, "/status/phase"), "Unknown"), str::to_owned)),
        Value::from(restarts.to_string()),
        Value::from(age(it, now)),
        Value::from(or(text(it, "/status/podIP"), NONE)),
        Value::from(or(text(it, "/spec/nodeName"), NONE)),
        Value::from(or(text(it, "/status/nominatedNodeName"), NONE)),
        Value::from(if gates == 0 { NONE.to_owned() } else { format!("0/{gates}") }),
    ]
}

fn node(it: &Value, now: Timestamp) -> Vec<Value> {
    let conditions = it.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    let mut ready = conditions.filter(|it| text(it, "/type") == "Ready");
    let status = match ready.next().map(|it| text(it, "/status")).as_deref() {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    let cordoned = it.pointer("/spec/unschedulable").and_then(Value::as_bool) == Some(true);
    let all = it.pointer("/metadata/labels").and_then(Value::as_object);
    let mut roles: Vec<&str> =
        all.into_iter().flat_map(|it| it.keys()).filter_map(|it| it.strip_prefix("node-role.kubernetes.io/")).collect();
    roles.sort_unstable();
    let address = |kind: &str| {
        let mut all = it.pointer("/status/addresses").and_then(Value::as_array).into_iter().flatten();
        or(all.find(|it| text(it, "/type") == kind).map(|it| text(it, "/address")).unwrap_or_default(), NONE)
    };
    let info = |member: &str| or(text(it, &format!("/status/nodeInfo/{member}")), UNKNOWN);
    vec![
        name(it),
        Value::from(if cordoned { format!("{status},SchedulingDisabled") } else { status.to_owned() }),
        Value::from(or(roles.join(","), NONE)),
        Value::from(age(it, now)),
        Value::from(text(it, "/status/nodeInfo/kubeletVersion")),
        Value::from(address("InternalIP")),
        Value::from(address("ExternalIP")),
        Value::from(info("osImage")),
        Value::from(info("kernelVersion")),
        Value::from(info("containerRuntimeVersion")),
    ]
}

fn daemon_set(it: &Value, now: Timestamp) -> Vec<Value> {
    let number = |member: &str| it.pointer(&format!("/status/{member}")).and_then(Value::as_u64).unwrap_or_default();
    let containers = it.pointer("/spec/template/spec/containers").and_then(Value::as_array).into_iter().flatten();
    let each = |member: &str| containers.clone().map(|it| text(it, member)).collect::<Vec<_>>().join(",");
    vec![
        name(it),
        Value::from(number("desiredNumberScheduled")),
        Value::from(number("currentNumberScheduled")),
        Value::from(number("numberReady")),
        Value::from(number("updatedNumberScheduled")),
        Value::from(number("numberAvailable")),
        Value::from(labels(it.pointer("/spec/template/spec/nodeSelector"))),
        Value::from(age(it, now)),
        Value::from(each("/name")),
        Value::from(each("/image")),
        Value::from(labels(it.pointer("/spec/selector/matchLabels"))),
    ]
}

fn binding(it: &Value, now: Timestamp) -> Vec<Value> {
    let subjects = it.get("subjects").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let named = |kind: &str| -> Value {
        let its = subjects.iter().filter(|it| text(it, "/kind") == kind);
        let names = its.map(|it| match text(it, "/namespace") {
            namespace if kind == "ServiceAccount" => format!("{namespace}/{}", text(it, "/name")),
            _ => text(it, "/name"),
        });
        Value::from(names.collect::<Vec<_>>().join(", "))
    };
    let role = format!("{}/{}", text(it, "/roleRef/kind"), text(it, "/roleRef/name"));
    let age = Value::from(age(it, now));
    vec![name(it), Value::from(role), age, named("User"), named("Group"), named("ServiceAccount")]
}

fn created(it: &Value, _: Timestamp) -> Vec<Value> {
    vec![name(it), Value::from(or(text(it, "/metadata/creationTimestamp"), UNKNOWN))]
}

fn name(it: &Value) -> Value {
    Value::from(text(it, "/metadata/name"))
}

fn text(it: &Value, at: &str) -> String {
    it.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn or(text: String, otherwise: &str) -> String {
    if text.is_empty() { otherwise.to_owned() } else { text }
}

/// How many elements a list has, or members an object.
fn count(it: &Value, at: &str) -> usize {
    match it.pointer(at) {
        Some(Value::Array(all)) => all.len(),
        Some(Value::Object(all)) => all.len(),
        _ => 0,
    }
}

/// `a=1,b=2`
fn labels(of: Option<&Value>) -> String {
    let all = of.and_then(Value::as_object).into_iter().flatten();
    let all: Vec<String> = all.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    or(all.join(","), NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_cell_for_every_column() {
        let object = json!({ "metadata": { "name": "x" } });
        for printer in PRINTERS.iter().chain([&CREATED, &CUSTOM]) {
            let cells = (printer.cells)(&object, Timestamp::UNIX_EPOCH);
            assert_eq!(cells.len(), printer.columns.len(), "{}", printer.resource);
            assert_eq!(cells[0], "x");
        }
    }

    #[test]
    fn a_pod_is_as_its_containers_are() {
        let mut pod = json!({
            "metadata": { "name": "p", "creationTimestamp": "2026-11-24T06:00:00Z" },
            "spec": { "nodeName": "n", "containers": [{ "name": "a" }, { "name": "b" }] },
            "status": { "phase": "Running", "containerStatuses": [{ "ready": true, "restartCount": 2 }, { "ready": false }] },
        });
        let row = |it: &Value| super::pod(it, "2026-11-24T07:00:00Z".parse().unwrap());
        let expected = ["p", "1/2", "Running", "2", "60m", NONE, "n", NONE, NONE];
        assert_eq!(row(&pod), expected);
        pod["status"] = json!({ "phase": "Succeeded", "containerStatuses": [{ "state": { "terminated": { "reason": "Completed" } } }] });
        assert_eq!(row(&pod)[1..3], ["0/2", "Completed"]);
        pod["status"] = Value::Null;
        assert_eq!(row(&pod)[1..3], ["0/2", "Unknown"]);
    }
}
