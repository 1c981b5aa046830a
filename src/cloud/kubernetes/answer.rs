//! Answers of a Kubernetes API server: what counts as one.
//!
//! Decides that an object is of the kind, version and shape that was asked for, that a list says so itself and each of its
//! items is read by itself, and that a refusal is the API server's only as a `Status`. What else answers at that address (a
//! load balancer, a proxy, a portal) says nothing about the cluster.

use std::time::Duration;

use kube::core::Status;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::answer::shape::{Shape, WireNode};
use super::shapes;

/// A whole answer.
pub(super) struct ApiAnswer {
    pub(super) status: u16,
    pub(super) content_type: Option<String>,
    /// For how long the server wants to be left alone.
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

/// An object that is asked for by its name.
#[derive(Clone, Copy)]
pub(super) struct AskedObject {
    pub(super) resource: &'static str,
    pub(super) namespace: &'static str,
    pub(super) name: &'static str,
}

impl ApiAnswer {
    /// The API server's own word, if this is one: a Status of the same code.
    pub(super) fn refusal(&self) -> Option<Status> {
        let value: Value = serde_json::from_slice(&self.body).ok()?;
        let own =
            is_of(&value, "Status", "v1") && value.get("code").and_then(Value::as_u64) == Some(self.status.into());
        if own { serde_json::from_value(value).ok() } else { None }
    }

    /// The object of this kind and shape.
    pub(super) fn object<T: DeserializeOwned>(&self, kind: &str, version: &str, shape: &Shape) -> Result<T, String> {
        let value = self.json()?;
        if !is_of(&value, kind, version) {
            return Err(format!("it is no {kind} of {version}"));
        }
        read(&value, shape)
    }

    /// The answer as a JSON document, whole.
    pub(super) fn json(&self) -> Result<Value, String> {
        if self.body.trim_ascii().is_empty() {
            return Err("it is empty".to_owned());
        }
        serde_json::from_slice(&self.body).map_err(|error| format!("it is no whole JSON document ({error})"))
    }
}

/// Does the Status say that this very object is not there? Another API server's says nothing of it, nor does one that
/// knows no such path.
pub(super) fn speaks_of(status: &Status, object: AskedObject) -> bool {
    status.details.as_ref().is_some_and(|it| {
        it.name == object.name && (it.kind.is_empty() || it.kind == object.resource) && it.group.is_empty()
    })
}

fn is_of(value: &Value, kind: &str, version: &str) -> bool {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    text("kind") == Some(kind) && text("apiVersion") == Some(version)
}

/// Reads an object. What is wrong is told by its place, never by its content.
fn read<T: DeserializeOwned>(value: &Value, shape: &Shape) -> Result<T, String> {
    shape.check(WireNode::Json(value), &mut Vec::new()).map_err(|fault| fault.to_string())?;
    serde_path_to_error::deserialize(value).map_err(|error| error.to_string())
}

/// A page of a list as it was read.
pub(super) struct ApiListing<T> {
    pub(super) items: Vec<T>,
    /// Those that are there and could not be read: `namespace/name` where that can be told, and why.
    pub(super) unreadable: Vec<(Option<String>, String)>,
    pub(super) next: Option<String>,
    pub(super) remaining: Option<usize>,
}

/// Reads a list, item by item.
pub(super) fn read_list<T: DeserializeOwned>(
    answer: &ApiAnswer,
    (kind, version): (&str, &str),
    shape: &Shape,
) -> Result<ApiListing<T>, String> {
    let value = answer.json()?;
    shapes::LIST.check(WireNode::Json(&value), &mut Vec::new()).map_err(|fault| fault.to_string())?;
    let list = format!("{kind}List");
    if !is_of(&value, &list, version) {
        return Err(format!("it is no {list} of {version}"));
    }
    let all = value.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut listing = ApiListing {
        items: Vec::with_capacity(all.len()),
        unreadable: Vec::new(),
        next: value.pointer("/metadata/continue").and_then(Value::as_str).map(str::to_owned),
        remaining: value
            .pointer("/metadata/remainingItemCount")
            .and_then(Value::as_u64)
            .and_then(|it| it.try_into().ok()),
    };
    for (index, item) in all.iter().enumerate() {
        // Items of a typed list carry no kind of their own; where one does, it is the list's.
        let own = |name: &str, wanted: &str| item.get(name).is_none_or(|it| it.as_str() == Some(wanted));
        let found = if own("kind", kind) && own("apiVersion", version) {
            read(item, shape)
        } else {
            Err(format!("it is no {kind} of {version}"))
        };
        match found {
            Ok(found) => listing.items.push(found),
            Err(why) => {
                let name = name_of(item, kind);
                let which = name.clone().unwrap_or_else(|| format!("items[{index}]"));
                listing.unreadable.push((name, format!("{which} cannot be read: {why}")));
            }
        }
    }
    Ok(listing)
}

/// `namespace/name`, or the name of what is in no namespace.
fn name_of(item: &Value, kind: &str) -> Option<String> {
    let part = |name: &str| item.get("metadata")?.get(name)?.as_str().filter(|it| !it.is_empty());
    let name = part("name")?;
    match kind {
        "Namespace" | "Node" | "ClusterRole" | "ClusterRoleBinding" => Some(name.to_owned()),
        // Without its namespace it may be any of that name.
        _ => Some(format!("{}/{name}", part("namespace")?)),
    }
}
