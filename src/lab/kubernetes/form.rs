//! In which form a client wants objects: whole, as rows of a table, or their metadata alone.
//!
//! Decides it by the `Accept` header, the first form that is served, as the API server does. Only JSON is served: protobuf, CBOR
//! and YAML are passed over, and clients that take nothing else get a 406. What stands in the columns is `table`'s.

use http::HeaderMap;
use http::header::ACCEPT;
use serde_json::{Value, json};

use super::resources::Kind;
use super::table;

const META: &str = "meta.k8s.io/v1";

/// A form in which objects are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObjectForm {
    Whole,
    /// `as=Table`, each row with this of its object.
    Table(Include),
    /// `as=PartialObjectMetadata`, or a list of those.
    Metadata,
}

/// How much of its object goes with the row of a table: `includeObject`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Include {
    Nothing,
    Metadata,
    Object,
}

impl ObjectForm {
    /// The form that a request wants; `None` if none that it takes is served.
    pub(super) fn wanted(headers: &HeaderMap, include: Option<&str>) -> Option<ObjectForm> {
        let include = match include {
            Some("None") => Include::Nothing,
            Some("Object") => Include::Object,
            _ => Include::Metadata,
        };
        let accepted: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|it| it.to_str().ok()).collect();
        let mut clauses = accepted.iter().flat_map(|it| it.split(',')).map(str::trim).filter(|it| !it.is_empty());
        let first = clauses.next();
        let Some(first) = first else { return Some(ObjectForm::Whole) };
        std::iter::once(first).chain(clauses).find_map(|clause| {
            let mut parts = clause.split(';').map(str::trim);
            let is_json = matches!(parts.next()?, "application/json" | "application/*" | "*/*");
            let parameter = |name: &str| {
                clause
                    .split(';')
                    .filter_map(|it| it.trim().split_once('='))
                    .find(|(it, _)| *it == name)
                    .map(|(_, it)| it)
            };
            let is_meta = parameter("g").is_none_or(|it| it == "meta.k8s.io") && parameter("v") == Some("v1");
            let form = match parameter("as") {
                None => ObjectForm::Whole,
                Some("Table") if is_meta => ObjectForm::Table(include),
                Some("PartialObjectMetadata" | "PartialObjectMetadataList") if is_meta => ObjectForm::Metadata,
                Some(_) => return None,
            };
            is_json.then_some(form)
        })
    }

    /// One object. A watch sends the heads of the columns once: `heads` says whether they are to be there.
    pub(super) fn one(self, kind: &Kind, object: Value, heads: bool) -> Value {
        match self {
            ObjectForm::Whole => object,
            ObjectForm::Metadata => metadata_alone(&object),
            ObjectForm::Table(include) => {
                let version = object.pointer("/metadata/resourceVersion").cloned().unwrap_or_default();
                table::render(kind, vec![object], include, json!({ "resourceVersion": version }), heads)
            }
        }
    }

    /// Objects, with the metadata of their list.
    pub(super) fn list(self, kind: &Kind, objects: Vec<Value>, metadata: Value) -> Value {
        let headed = |kind: String, api_version: String, items: Vec<Value>| json!({ "kind": kind, "apiVersion": api_version, "metadata": metadata, "items": items });
        match self {
            ObjectForm::Table(include) => table::render(kind, objects, include, metadata, true),
            ObjectForm::Metadata => {
                let items = objects.iter().map(metadata_alone).collect();
                headed("PartialObjectMetadataList".to_owned(), META.to_owned(), items)
            }
            ObjectForm::Whole => {
                let without_head = |mut item: Value| {
                    // Items of a typed list carry no kind of their own.
                    if let Value::Object(members) = &mut item {
                        members.shift_remove("apiVersion");
                        members.shift_remove("kind");
                    }
                    item
                };
                headed(
                    format!("{}List", kind.kind),
                    kind.api_version(),
                    objects.into_iter().map(without_head).collect(),
                )
            }
        }
    }

    /// A bookmark of a watch: how far it has come, and nothing else.
    pub(super) fn bookmark(self, kind: &Kind, version: u64, is_end_of_initial: bool) -> Value {
        let mut metadata = json!({ "resourceVersion": version.to_string(), "creationTimestamp": null });
        if let (Value::Object(members), true) = (&mut metadata, is_end_of_initial) {
            members.insert("annotations".to_owned(), json!({ "k8s.io/initial-events-end": "true" }));
        }
        match self {
            ObjectForm::Whole => json!({ "kind": kind.kind, "apiVersion": kind.api_version(), "metadata": metadata }),
            ObjectForm::Metadata => {
                json!({ "kind": "PartialObjectMetadata", "apiVersion": META, "metadata": metadata })
            }
            ObjectForm::Table(include) => table::render(kind, Vec::new(), include, metadata, false),
        }
    }
}

/// An object's metadata, as an object of its own.
pub(super) fn metadata_alone(object: &Value) -> Value {
    let metadata = object.get("metadata").cloned().unwrap_or_default();
    json!({ "kind": "PartialObjectMetadata", "apiVersion": META, "metadata": metadata })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn the_first_form_that_is_served_is_taken() {
        const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
        const PARTIAL: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
        for (accept, wanted) in [
            ("", Some(ObjectForm::Whole)),
            ("*/*", Some(ObjectForm::Whole)),
            ("application/json", Some(ObjectForm::Whole)),
            (
                &format!("{TABLE},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"),
                Some(ObjectForm::Table(Include::Metadata)),
            ),
            ("application/json;as=Table;v=v1beta1;g=meta.k8s.io, application/json", Some(ObjectForm::Whole)),
            (
                &format!(
                    "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,{PARTIAL}"
                ),
                Some(ObjectForm::Metadata),
            ),
            ("application/vnd.kubernetes.protobuf,application/json", Some(ObjectForm::Whole)),
            ("application/vnd.kubernetes.protobuf", None),
            ("application/json;as=Odd;v=v1;g=meta.k8s.io", None),
        ] {
            let mut headers = HeaderMap::new();
            if !accept.is_empty() {
                headers.insert(ACCEPT, HeaderValue::from_str(accept).unwrap());
            }
            assert_eq!(ObjectForm::wanted(&headers, None), wanted, "{accept}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(TABLE));
        assert_eq!(ObjectForm::wanted(&headers, Some("Object")), Some(ObjectForm::Table(Include::Object)));
    }
}
