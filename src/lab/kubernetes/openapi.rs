//! OpenAPI: what fields the resources have, version 3 by API group and version 2 as a whole.
//!
//! Decides which schemas belong to a document: those of the resources that discovery lists, and what they refer to. Schemas are
//! Kubernetes' own (`assets/openapi.json`, made by `tests/oracle/openapi`) with the first sentence of each description; of a custom
//! resource nothing but its metadata is known. Only JSON is served: old clients that read version 2 as protobuf alone get a
//! 406, from which they fall back. Paths tell which resources there are and which verbs they take, not every parameter.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::super::keys::uuid;
use super::discovery::{git_version, served, version_of};
use crate::model::discovery::{ApiResource, join_group_version};
use crate::model::document::ClusterDocument;

const GVK: &str = "x-kubernetes-group-version-kind";
const REFERENCE: &str = "#/components/schemas/";
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// Kubernetes' own schemas, by name.
static SCHEMAS: LazyLock<BTreeMap<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../assets/openapi.json")).unwrap_or_default());

/// The names of schemas by the group and kind that they are of.
static NAMES: LazyLock<BTreeMap<(&str, &str), &str>> = LazyLock::new(|| {
    let of = |(name, schema): (&'static String, &'static Value)| {
        let of = schema.get(GVK)?.get(0)?;
        Some(((of.get("group")?.as_str()?, of.get("kind")?.as_str()?), name.as_str()))
    };
    SCHEMAS.iter().filter_map(of).collect()
});

/// What a path below `/openapi` answers; `None` is no such path.
pub(super) fn answer(cluster: &ClusterDocument, path: &str) -> Option<Value> {
    let rest = path.strip_prefix("/openapi/")?;
    match rest.split_once('/') {
        None if rest == "v3" => Some(index(cluster)),
        None if rest == "v2" => Some(version_2(cluster)),
        Some(("v3", of)) => document(cluster, of),
        _ => None,
    }
}

/// `api/v1`, `apis/apps/v1`
fn root_of(it: &ApiResource) -> String {
    let prefix = if it.group.is_empty() { "api" } else { "apis" };
    format!("{prefix}/{}", join_group_version(&it.group, version_of(it)))
}

/// The documents that there are, each with the hash of what it says.
fn index(cluster: &ClusterDocument) -> Value {
    let version = git_version(cluster);
    let roots: BTreeSet<String> = served(cluster).iter().map(root_of).collect();
    let paths: Map<String, Value> = roots
        .into_iter()
        .map(|root| {
            let its = served(cluster).iter().filter(|it| root_of(it) == root);
            let hash = uuid(&its.fold(version.clone(), |all, it| format!("{all} {} {:?}", it.plural, it.verbs)));
            let url = json!({ "serverRelativeURL": format!("/openapi/v3/{root}?hash={hash}") });
            (root, url)
        })
        .collect();
    json!({ "paths": paths })
}

/// The document of one group version.
fn document(cluster: &ClusterDocument, root: &str) -> Option<Value> {
    let its: Vec<&ApiResource> = served(cluster).iter().filter(|it| root_of(it) == root).collect();
    if its.is_empty() {
        return None;
    }
    Some(json!({
        "openapi": "3.0.0",
        "info": { "title": "Kubernetes", "version": git_version(cluster) },
        "paths": paths(&its),
        "components": { "schemas": schemas(&its) },
    }))
}

/// All of it in version 2.
fn version_2(cluster: &ClusterDocument) -> Value {
    let its: Vec<&ApiResource> = served(cluster).iter().collect();
    let definitions = Value::from(schemas(&its)).to_string().replace(REFERENCE, "#/definitions/");
    json!({
        "swagger": "2.0",
        "info": { "title": "Kubernetes", "version": git_version(cluster) },
        "paths": paths(&its),
        "definitions": serde_json::from_str::<Value>(&definitions).unwrap_or_default(),
    })
}

/// The schemas of resources, and what they refer to.
fn schemas(its: &[&ApiResource]) -> Map<String, Value> {
    let mut found = BTreeMap::new();
    let mut waiting: Vec<String> = vec![OBJECT_META.to_owned()];
    for it in its {
        match NAMES.get(&(it.group.as_str(), it.kind.as_str())) {
            Some(name) => waiting.push((*name).to_owned()),
            None => drop(found.insert(custom_name(it), custom_schema(it))),
        }
    }
    while let Some(name) = waiting.pop() {
        if let Some(schema) = SCHEMAS.get(&name).filter(|_| !found.contains_key(&name)) {
            add_references(schema, &mut waiting);
            found.insert(name, schema.clone());
        }
    }
    found.into_iter().collect()
}

fn add_references(schema: &Value, names: &mut Vec<String>) {
    match schema {
        Value::Object(members) => {
            let name = members.get("$ref").and_then(Value::as_str).and_then(|it| it.strip_prefix(REFERENCE));
            names.extend(name.map(str::to_owned));
            members.values().for_each(|it| add_references(it, names));
        }
        Value::Array(all) => all.iter().for_each(|it| add_references(it, names)),
        _ => {}
    }
}

fn gvk(it: &ApiResource) -> Value {
    json!({ "group": it.group, "version": version_of(it), "kind": it.kind })
}

/// `io.shop.v1.Widget`
fn custom_name(it: &ApiResource) -> String {
    let group: Vec<&str> = it.group.rsplit('.').collect();
    format!("{}.{}.{}", group.join("."), version_of(it), it.kind)
}

fn custom_schema(it: &ApiResource) -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    json!({
        "type": "object",
        "properties": {
            "apiVersion": text("APIVersion defines the versioned schema of this representation of an object."),
            "kind": text("Kind is a string value representing the REST resource this object represents."),
            "metadata": {
                "description": "Standard object's metadata.",
                "allOf": [{ "$ref": format!("{REFERENCE}{OBJECT_META}") }],
            },
        },
        "x-kubernetes-preserve-unknown-fields": true,
        GVK: [gvk(it)],
    })
}

/// Where resources are, and what can be done there.
fn paths(its: &[&ApiResource]) -> Map<String, Value> {
    const COLLECTION: [(&str, &str, &str); 3] =
        [("list", "get", "list"), ("create", "post", "post"), ("deletecollection", "delete", "deletecollection")];
    const ITEM: [(&str, &str, &str); 4] =
        [("get", "get", "get"), ("update", "put", "put"), ("patch", "patch", "patch"), ("delete", "delete", "delete")];
    let mut paths = Map::new();
    for it in its {
        let root = format!("/{}", root_of(it));
        let place = if it.namespaced { format!("{root}/namespaces/{{namespace}}") } else { root.clone() };
        let operations = |verbs: &[(&str, &str, &str)]| -> Map<String, Value> {
            let has = |verb: &str| it.verbs.iter().any(|it| it == verb);
            let served = verbs.iter().filter(|(verb, ..)| has(verb));
            served.map(|(_, method, action)| ((*method).to_owned(), operation(it, action))).collect()
        };
        if it.namespaced && it.verbs.iter().any(|verb| verb == "list") {
            paths.insert(format!("{root}/{}", it.plural), json!({ "get": operation(it, "list") }));
        }
        for (path, operations) in [
            (format!("{place}/{}", it.plural), operations(&COLLECTION)),
            (format!("{place}/{}/{{name}}", it.plural), operations(&ITEM)),
        ] {
            if !operations.is_empty() {
                paths.insert(path, Value::from(operations));
            }
        }
    }
    paths
}

fn operation(it: &ApiResource, action: &str) -> Value {
    let parameter =
        |name: &str| json!({ "name": name, "in": "query", "schema": { "type": "string", "uniqueItems": true } });
    let mut operation = json!({ "x-kubernetes-action": action, GVK: gvk(it), "responses": {} });
    // By these on `patch`, kubectl knows that it need not check objects itself.
    if let (Value::Object(members), "post" | "put" | "patch") = (&mut operation, action) {
        let all = ["dryRun", "fieldManager", "fieldValidation"].map(parameter);
        members.insert("parameters".to_owned(), Value::from(all.to_vec()));
    }
    operation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resource_has_a_schema_and_every_reference_leads_somewhere() {
        let cluster = ClusterDocument::default();
        let index = answer(&cluster, "/openapi/v3").unwrap();
        let mut kinds = 0;
        for (root, url) in index["paths"].as_object().unwrap() {
            let url = url["serverRelativeURL"].as_str().unwrap();
            assert!(url.starts_with(&format!("/openapi/v3/{root}?hash=")), "{url}");
            let document = answer(&cluster, &format!("/openapi/v3/{root}")).unwrap();
            let schemas = document["components"]["schemas"].as_object().unwrap();
            kinds += schemas.values().filter(|it| it.get(GVK).is_some()).count();
            let mut names = Vec::new();
            schemas.values().for_each(|it| add_references(it, &mut names));
            assert_eq!(names.iter().find(|it| !schemas.contains_key(*it)), None, "{root}");
            for path in document["paths"].as_object().unwrap().keys() {
                assert!(path.starts_with(&format!("/{root}/")), "{path}");
            }
        }
        let all: BTreeSet<_> = served(&cluster).iter().map(|it| (&it.group, &it.kind)).collect();
        assert!(kinds >= all.len(), "{kinds}");
        for it in served(&cluster) {
            assert!(NAMES.contains_key(&(it.group.as_str(), it.kind.as_str())), "{}", it.kind);
        }
        let whole = answer(&cluster, "/openapi/v2").unwrap();
        assert_eq!(
            whole["definitions"]["io.k8s.api.core.v1.Pod"]["properties"]["spec"]["allOf"][0]["$ref"],
            "#/definitions/io.k8s.api.core.v1.PodSpec"
        );
        assert!(["/openapi", "/openapi/v3/api/v9", "/openapi/v4"].iter().all(|it| answer(&cluster, it).is_none()));
    }

    #[test]
    fn of_a_custom_resource_the_metadata_is_known() {
        let widget = ApiResource {
            group: "shop.io".into(),
            version: "v1".into(),
            plural: "widgets".into(),
            kind: "Widget".into(),
            namespaced: true,
            verbs: vec!["get".into(), "list".into()],
            ..ApiResource::default()
        };
        let cluster = ClusterDocument { api_resources: Some(vec![widget]), ..ClusterDocument::default() };
        let document = answer(&cluster, "/openapi/v3/apis/shop.io/v1").unwrap();
        assert_eq!(document["components"]["schemas"]["io.shop.v1.Widget"][GVK][0]["kind"], "Widget");
        assert!(document["components"]["schemas"].get(OBJECT_META).is_some());
        assert_eq!(
            document["paths"]["/apis/shop.io/v1/namespaces/{namespace}/widgets/{name}"]["get"][GVK]["group"],
            "shop.io"
        );
    }
}
