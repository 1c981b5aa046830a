//! Answers of a Kubernetes API server: what counts as one.
//!
//! Decides that an object is of the kind, version and shape that was asked for, that a list says so itself and each of its
//! items is read by itself, and that a refusal is the API server's only as a `Status`. What else answers at that address (a
//! load balancer, a proxy, a portal) says nothing about the cluster.

use std::fmt;
use std::time::Duration;

use kube::core::Status;
use serde::de::{DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize as _, Deserializer};
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
            return Err(EMPTY.to_owned());
        }
        serde_json::from_slice(&self.body).map_err(not_whole)
    }
}

/// Why an answer without content is none.
const EMPTY: &str = "it is empty";

fn not_whole(error: serde_json::Error) -> String {
    format!("it is no whole JSON document ({error})")
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

/// Reads a list, item by item: of a page of hundreds of pods, one at a time is held as JSON.
pub(super) fn read_list<T: DeserializeOwned>(
    answer: &ApiAnswer,
    (kind, version): (&str, &str),
    shape: &Shape,
) -> Result<ApiListing<T>, String> {
    if answer.body.trim_ascii().is_empty() {
        return Err(EMPTY.to_owned());
    }
    // What is no object is no list, and that is said of it.
    let is_object = answer.body.trim_ascii_start().starts_with(b"{");
    let mut all = ListedItems { kind, version, shape, found: Vec::new(), unreadable: Vec::new() };
    let mut deserializer = serde_json::Deserializer::from_slice(&answer.body);
    let head = if is_object {
        ListSeed(&mut all).deserialize(&mut deserializer)
    } else {
        Value::deserialize(&mut deserializer)
    };
    let head = head.and_then(|head| deserializer.end().map(|()| head)).map_err(not_whole)?;
    shapes::LIST.check(WireNode::Json(&head), &mut Vec::new()).map_err(|fault| fault.to_string())?;
    let list = format!("{kind}List");
    if !is_of(&head, &list, version) {
        return Err(format!("it is no {list} of {version}"));
    }
    Ok(ApiListing {
        items: all.found,
        unreadable: all.unreadable,
        next: head.pointer("/metadata/continue").and_then(Value::as_str).map(str::to_owned),
        remaining: head
            .pointer("/metadata/remainingItemCount")
            .and_then(Value::as_u64)
            .and_then(|it| it.try_into().ok()),
    })
}

/// The items of a list as they are read, each for itself.
struct ListedItems<'a, T> {
    kind: &'a str,
    version: &'a str,
    shape: &'a Shape,
    found: Vec<T>,
    unreadable: Vec<(Option<String>, String)>,
}

impl<T: DeserializeOwned> ListedItems<'_, T> {
    fn take(&mut self, item: &Value, index: usize) {
        let (kind, version) = (self.kind, self.version);
        // Items of a typed list carry no kind of their own; where one does, it is the list's.
        let own = |name: &str, wanted: &str| item.get(name).is_none_or(|it| it.as_str() == Some(wanted));
        let found = if own("kind", kind) && own("apiVersion", version) {
            read(item, self.shape)
        } else {
            Err(format!("it is no {kind} of {version}"))
        };
        match found {
            Ok(found) => self.found.push(found),
            Err(why) => {
                let name = name_of(item, kind);
                let which = name.clone().unwrap_or_else(|| format!("items[{index}]"));
                self.unreadable.push((name, format!("{which} cannot be read: {why}")));
            }
        }
    }
}

/// Reads a list: gives all but its items, which are taken in as they come.
struct ListSeed<'v, 'a, T>(&'v mut ListedItems<'a, T>);

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for ListSeed<'_, '_, T> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for ListSeed<'_, '_, T> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut head = serde_json::Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = if name == "items" {
                members.next_value_seed(ItemsSeed(&mut *self.0))?
            } else {
                members.next_value()?
            };
            head.insert(name, value);
        }
        Ok(Value::Object(head))
    }
}

/// Reads `items`. An empty list stands for those that were taken in; what is neither a list nor null, for any of its like.
struct ItemsSeed<'v, 'a, T>(&'v mut ListedItems<'a, T>);

const NO_LIST: Value = Value::Bool(false);

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for ItemsSeed<'_, '_, T> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for ItemsSeed<'_, '_, T> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        // Of members of one name the last one counts.
        self.0.found.clear();
        self.0.unreadable.clear();
        let mut index = 0;
        while let Some(item) = items.next_element::<Value>()? {
            self.0.take(&item, index);
            index += 1;
        }
        Ok(Value::Array(Vec::new()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(NO_LIST)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(NO_LIST)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
        Ok(NO_LIST)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(NO_LIST)
    }

    fn visit_str<E>(self, _: &str) -> Result<Value, E> {
        Ok(NO_LIST)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        while members.next_entry::<String, Value>()?.is_some() {}
        Ok(NO_LIST)
    }
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
