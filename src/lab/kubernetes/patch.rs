//! Patches: a merge, a strategic merge, or steps of JSON Patch.
//!
//! Decides what becomes of an object. A strategic merge joins the lists of the kinds that the lab holds by the key that Kubernetes
//! gives them, and replaces all others. Server-side apply is not served.

use serde_json::{Map, Value};

/// In which language a patch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PatchKind {
    Merge,
    Strategic,
    Json,
}

/// What is accepted, as a refusal names it.
pub(super) const PATCH_TYPES: &str =
    "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json";

/// The lists that a strategic merge joins, and by which member.
const MERGED: [(&str, &str); 6] = [
    ("containers", "name"),
    ("initContainers", "name"),
    ("env", "name"),
    ("volumes", "name"),
    ("ownerReferences", "uid"),
    ("conditions", "type"),
];

impl PatchKind {
    pub(super) fn parse(content_type: &str) -> Option<PatchKind> {
        match content_type.split(';').next().unwrap_or_default().trim() {
            "application/merge-patch+json" => Some(PatchKind::Merge),
            "application/strategic-merge-patch+json" => Some(PatchKind::Strategic),
            "application/json-patch+json" => Some(PatchKind::Json),
            _ => None,
        }
    }

    /// The object after the patch; the error says what is wrong with the patch.
    pub(super) fn apply(self, mut object: Value, patch: Value) -> Result<Value, String> {
        match self {
            PatchKind::Merge => merge(&mut object, patch),
            PatchKind::Strategic => merge_strategically(&mut object, patch),
            PatchKind::Json => {
                let Value::Array(steps) = patch else { return Err("a JSON patch is a list of operations".to_owned()) };
                for step in &steps {
                    perform_step(&mut object, step)?;
                }
            }
        }
        Ok(object)
    }
}

/// RFC 7396.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    let mut members = take_members(target);
    for (name, value) in patch {
        if value.is_null() {
            members.shift_remove(&name);
        } else {
            merge(members.entry(name).or_insert(Value::Null), value);
        }
    }
    *target = Value::Object(members);
}

/// The members of an object; of what is none, no members.
fn take_members(target: &mut Value) -> Map<String, Value> {
    match target.take() {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn merge_strategically(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    let replaces = patch.get("$patch").and_then(Value::as_str) == Some("replace");
    let mut members = if replaces { Map::new() } else { take_members(target) };
    for (name, value) in patch.into_iter().filter(|(name, _)| !name.starts_with('$')) {
        let key = MERGED.iter().find(|(list, _)| *list == name).map(|(_, key)| *key);
        match (value, key) {
            (Value::Null, _) => drop(members.shift_remove(&name)),
            (Value::Array(items), Some(key)) => merge_list(members.entry(name).or_insert(Value::Null), items, key),
            (value, _) => merge_strategically(members.entry(name).or_insert(Value::Null), value),
        }
    }
    *target = Value::Object(members);
}

fn merge_list(target: &mut Value, items: Vec<Value>, key: &str) {
    let mut all = match target.take() {
        Value::Array(all) => all,
        _ => Vec::new(),
    };
    for item in items {
        let at = all.iter().position(|it| it.get(key).is_some() && it.get(key) == item.get(key));
        let deletes = item.get("$patch").and_then(Value::as_str) == Some("delete");
        match (at.and_then(|at| Some((at, all.get_mut(at)?))), deletes) {
            (Some((at, _)), true) => drop(all.remove(at)),
            (None, true) => {}
            (Some((_, held)), false) => merge_strategically(held, item),
            (None, false) => all.push(item),
        }
    }
    *target = Value::Array(all);
}

/// One operation of RFC 6902. `move` and `copy` are not served.
fn perform_step(object: &mut Value, step: &Value) -> Result<(), String> {
    let text = |name: &str| step.get(name).and_then(Value::as_str).unwrap_or_default();
    let (operation, path) = (text("op"), text("path"));
    let value = || step.get("value").cloned().ok_or_else(|| format!("{operation} operation misses its value"));
    let missing = || format!("{operation} operation does not apply: doc is missing path: {path:?}");
    if operation == "test" {
        let is_so = object.pointer(path) == Some(&value()?);
        return if is_so { Ok(()) } else { Err(format!("testing value {path} failed")) };
    }
    let (parent, last) = path.rsplit_once('/').ok_or_else(missing)?;
    let last = last.replace("~1", "/").replace("~0", "~");
    let parent = object.pointer_mut(parent).ok_or_else(missing)?;
    match (operation, parent) {
        ("add", Value::Object(members)) => drop(members.insert(last, value()?)),
        ("replace", Value::Object(members)) => *members.get_mut(&last).ok_or_else(missing)? = value()?,
        ("remove", Value::Object(members)) => drop(members.shift_remove(&last).ok_or_else(missing)?),
        ("add", Value::Array(all)) if last == "-" => all.push(value()?),
        (_, Value::Array(all)) => {
            let at: usize = last.parse().map_err(|_| missing())?;
            let most = if operation == "add" { all.len() + 1 } else { all.len() };
            match operation {
                _ if at >= most => return Err(missing()),
                "add" => all.insert(at, value()?),
                "replace" => *all.get_mut(at).ok_or_else(missing)? = value()?,
                "remove" => drop(all.remove(at)),
                _ => return Err(format!("Unexpected kind: {operation}")),
            }
        }
        ("add" | "replace" | "remove", _) => return Err(missing()),
        _ => return Err(format!("Unexpected kind: {operation}")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_language_does_what_it_says() {
        let object = json!({
            "metadata": { "labels": { "a": "1", "b": "2" } },
            "spec": { "containers": [{ "name": "x", "image": "i" }, { "name": "y" }] },
            "subjects": [{ "name": "ann" }],
        });
        let merge = json!({ "metadata": { "labels": { "a": null, "c": "3" } }, "spec": { "containers": [] } });
        let strategic = json!({
            "$setElementOrder/containers": [],
            "spec": { "containers": [{ "name": "x", "image": "j" }, { "name": "y", "$patch": "delete" }, { "name": "z" }] },
            "subjects": [{ "name": "bob" }],
        });
        let steps = json!([
            { "op": "test", "path": "/metadata/labels/a", "value": "1" },
            { "op": "add", "path": "/metadata/labels/x~1y", "value": "z" },
            { "op": "remove", "path": "/metadata/labels/b" },
            { "op": "add", "path": "/subjects/-", "value": { "name": "bob" } },
            { "op": "replace", "path": "/spec/containers/1", "value": { "name": "w" } },
        ]);
        for (kind, patch, at, expected) in [
            (PatchKind::Merge, &merge, "/metadata/labels", json!({ "b": "2", "c": "3" })),
            (PatchKind::Merge, &merge, "/spec/containers", json!([])),
            (
                PatchKind::Strategic,
                &strategic,
                "/spec/containers",
                json!([{ "name": "x", "image": "j" }, { "name": "z" }]),
            ),
            (PatchKind::Strategic, &strategic, "/subjects", json!([{ "name": "bob" }])),
            (PatchKind::Json, &steps, "/metadata/labels", json!({ "a": "1", "x/y": "z" })),
            (PatchKind::Json, &steps, "/subjects", json!([{ "name": "ann" }, { "name": "bob" }])),
            (PatchKind::Json, &steps, "/spec/containers/1", json!({ "name": "w" })),
        ] {
            let patched = kind.apply(object.clone(), patch.clone()).unwrap();
            assert_eq!(patched.pointer(at), Some(&expected), "{kind:?} {at}");
        }
        for wrong in [
            json!({}),
            json!([{ "op": "test", "path": "/metadata/labels/a", "value": "9" }]),
            json!([{ "op": "remove", "path": "/metadata/none" }]),
            json!([{ "op": "replace", "path": "/subjects/7", "value": 1 }]),
            json!([{ "op": "move", "path": "/subjects/0", "from": "/spec" }]),
        ] {
            assert!(PatchKind::Json.apply(object.clone(), wrong.clone()).is_err(), "{wrong}");
        }
    }
}
