//! Reviews and objects as kubectl sends them: in Kubernetes' protobuf envelope.
//!
//! Read this way are the reviews, and the kinds that kubectl creates by typed clients and the lab keeps, with the fields that matter
//! here; what is answered is JSON, which every client takes. Field numbers are those of `k8s.io/api`'s generated.proto
//! files. A new kind is an arm of [`object`].

use serde_json::{Map, Value};

const MAGIC: &[u8] = b"k8s\0";

/// A message's length-delimited fields, in order: number and bytes; of a number, the bytes that stand for it. `None` if it
/// cannot be read.
fn fields(mut message: &[u8]) -> Option<Vec<(u64, &[u8])>> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message)?;
        match key & 7 {
            0 => {
                let before = message;
                varint(&mut message)?;
                found.push((key >> 3, before.get(..before.len() - message.len())?));
            }
            1 => message = message.get(8..)?,
            2 => {
                let length = usize::try_from(varint(&mut message)?).ok()?;
                let (content, rest) = message.split_at_checked(length)?;
                found.push((key >> 3, content));
                message = rest;
            }
            5 => message = message.get(4..)?,
            _ => return None,
        }
    }
    Some(found)
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// How a field stands in JSON.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    Texts,
    Flag,
    /// Of texts, each an entry with a key and a value.
    Map,
    Message(&'static [(u64, &'static str, Shape)]),
    Messages(&'static [(u64, &'static str, Shape)]),
}

const RESOURCE: &[(u64, &str, Shape)] = &[
    (1, "namespace", Shape::Text),
    (2, "verb", Shape::Text),
    (3, "group", Shape::Text),
    (4, "version", Shape::Text),
    (5, "resource", Shape::Text),
    (6, "subresource", Shape::Text),
    (7, "name", Shape::Text),
];
const NON_RESOURCE: &[(u64, &str, Shape)] = &[(1, "path", Shape::Text), (2, "verb", Shape::Text)];
const SUBJECT: &[(u64, &str, Shape)] = &[
    (1, "resourceAttributes", Shape::Message(RESOURCE)),
    (2, "nonResourceAttributes", Shape::Message(NON_RESOURCE)),
    (3, "user", Shape::Text),
    (4, "groups", Shape::Texts),
];
const RULES: &[(u64, &str, Shape)] = &[(1, "namespace", Shape::Text)];

const ENTRY: &[(u64, &str, Shape)] = &[(1, "key", Shape::Text), (2, "value", Shape::Text)];
const METADATA: &[(u64, &str, Shape)] = &[
    (1, "name", Shape::Text),
    (2, "generateName", Shape::Text),
    (3, "namespace", Shape::Text),
    (6, "resourceVersion", Shape::Text),
    (11, "labels", Shape::Map),
    (12, "annotations", Shape::Map),
];
const POLICY_RULE: &[(u64, &str, Shape)] = &[
    (1, "verbs", Shape::Texts),
    (2, "apiGroups", Shape::Texts),
    (3, "resources", Shape::Texts),
    (4, "resourceNames", Shape::Texts),
    (5, "nonResourceURLs", Shape::Texts),
];
const BOUND_SUBJECT: &[(u64, &str, Shape)] =
    &[(1, "kind", Shape::Text), (2, "apiGroup", Shape::Text), (3, "name", Shape::Text), (4, "namespace", Shape::Text)];
const ROLE_REF: &[(u64, &str, Shape)] =
    &[(1, "apiGroup", Shape::Text), (2, "kind", Shape::Text), (3, "name", Shape::Text)];
const OBJECT: (u64, &str, Shape) = (1, "metadata", Shape::Message(METADATA));

/// The object in an envelope, as JSON; `None` if it is of a kind that is not read this way, or broken.
pub(super) fn object(body: &[u8]) -> Option<Value> {
    const ROLE: &[(u64, &str, Shape)] = &[OBJECT, (2, "rules", Shape::Messages(POLICY_RULE))];
    const BINDING: &[(u64, &str, Shape)] =
        &[OBJECT, (2, "subjects", Shape::Messages(BOUND_SUBJECT)), (3, "roleRef", Shape::Message(ROLE_REF))];
    let envelope = fields(body.strip_prefix(MAGIC)?)?;
    let field = |number: u64| envelope.iter().find(|(it, _)| *it == number).map(|(_, content)| *content);
    let head = message(field(1)?, &[(1, "apiVersion", Shape::Text), (2, "kind", Shape::Text)])?;
    let shape: &[_] = match head.get("kind")?.as_str()? {
        "Namespace" => &[OBJECT],
        "ServiceAccount" => &[OBJECT, (4, "automountServiceAccountToken", Shape::Flag)],
        "ConfigMap" => &[OBJECT, (2, "data", Shape::Map)],
        "Role" | "ClusterRole" => ROLE,
        "RoleBinding" | "ClusterRoleBinding" => BINDING,
        _ => return None,
    };
    let mut object = head;
    object.as_object_mut()?.extend(message(field(2).unwrap_or_default(), shape)?.as_object()?.clone());
    Some(object)
}

/// The review in an envelope, as JSON; `None` if it is no review, or broken.
pub(super) fn review(body: &[u8]) -> Option<Value> {
    let envelope = fields(body.strip_prefix(MAGIC)?)?;
    let field = |number: u64| envelope.iter().find(|(it, _)| *it == number).map(|(_, content)| *content);
    let kind = fields(field(1)?)?.into_iter().find(|(number, _)| *number == 2)?.1;
    let spec: &[_] = match kind {
        b"SelfSubjectReview" => &[],
        // A review of oneself has no user, and is otherwise the same.
        b"SelfSubjectAccessReview" | b"SubjectAccessReview" => &[(2, "spec", Shape::Message(SUBJECT))],
        b"SelfSubjectRulesReview" => &[(2, "spec", Shape::Message(RULES))],
        _ => return None,
    };
    message(field(2).unwrap_or_default(), spec)
}

fn message(content: &[u8], shape: &[(u64, &'static str, Shape)]) -> Option<Value> {
    let mut members = Map::new();
    for (number, content) in fields(content)? {
        let Some((_, name, shape)) = shape.iter().find(|(it, ..)| *it == number) else { continue };
        let text = || std::str::from_utf8(content).ok().map(Value::from);
        match shape {
            // Go writes empty texts out.
            Shape::Text if content.is_empty() => {}
            Shape::Text => {
                members.insert((*name).to_owned(), text()?);
            }
            Shape::Texts => {
                let texts = members.entry(*name).or_insert_with(|| Value::Array(Vec::new()));
                texts.as_array_mut()?.push(text()?);
            }
            Shape::Flag => {
                members.insert((*name).to_owned(), Value::from(content != [0]));
            }
            Shape::Map => {
                let entry = message(content, ENTRY)?;
                let key = entry.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
                let value = entry.get("value").cloned().unwrap_or_else(|| Value::from(""));
                let all = members.entry(*name).or_insert_with(|| Value::Object(Map::new()));
                all.as_object_mut()?.insert(key, value);
            }
            Shape::Message(shape) => {
                members.insert((*name).to_owned(), message(content, shape)?);
            }
            Shape::Messages(shape) => {
                let all = members.entry(*name).or_insert_with(|| Value::Array(Vec::new()));
                all.as_array_mut()?.push(message(content, shape)?);
            }
        }
    }
    Some(Value::Object(members))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn delimited(number: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2];
        let mut length = content.len();
        while length >= 0x80 {
            out.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        out.push(length as u8);
        out.extend(content);
        out
    }

    fn envelope(kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [delimited(1, b"authorization.k8s.io/v1"), delimited(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), delimited(1, &meta), delimited(2, raw), delimited(4, b"")].concat()
    }

    #[test]
    fn a_review_is_read() {
        let resource =
            [delimited(1, b"payments"), delimited(2, b"get"), delimited(3, b""), delimited(5, b"pods")].concat();
        let long = "g".repeat(300);
        let spec =
            [delimited(1, &resource), delimited(3, b"jane"), delimited(4, b"devs"), delimited(4, long.as_bytes())]
                .concat();
        // Metadata first, and a number that is not looked at.
        let raw = [delimited(1, b"\x0a\x00"), vec![0x38, 0x96, 0x01], delimited(2, &spec)].concat();
        assert_eq!(
            review(&envelope("SubjectAccessReview", &raw)).unwrap(),
            json!({"spec": {
                "resourceAttributes": {"namespace": "payments", "verb": "get", "resource": "pods"},
                "user": "jane",
                "groups": ["devs", long],
            }})
        );
        assert_eq!(review(&envelope("SelfSubjectReview", &delimited(1, b""))), Some(json!({})));
        assert_eq!(review(&envelope("Pod", b"")), None);
        assert_eq!(review(b"{}"), None);
    }

    #[test]
    fn an_object_is_read() {
        let entry = [delimited(1, b"app"), delimited(2, b"web")].concat();
        let metadata = [delimited(1, b"x"), delimited(3, b"a"), delimited(11, &entry)].concat();
        let subject = [delimited(1, b"User"), delimited(3, b"ann")].concat();
        let role = [delimited(2, b"Role"), delimited(3, b"r")].concat();
        let raw =
            [delimited(1, &metadata), delimited(2, &subject), delimited(2, &subject), delimited(3, &role)].concat();
        let subject = json!({"kind": "User", "name": "ann"});
        assert_eq!(
            object(&envelope("RoleBinding", &raw)).unwrap(),
            json!({
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "RoleBinding",
                "metadata": {"name": "x", "namespace": "a", "labels": {"app": "web"}},
                "subjects": [subject, subject],
                "roleRef": {"kind": "Role", "name": "r"},
            })
        );
        let account = [delimited(1, &delimited(1, b"x")), vec![0x20, 0]].concat();
        assert_eq!(object(&envelope("ServiceAccount", &account)).unwrap()["automountServiceAccountToken"], false);
        assert_eq!(object(&envelope("Secret", &raw)), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = review(&envelope("SubjectAccessReview", &bytes));
            let _ = object(&envelope("RoleBinding", &bytes));
            let _ = review(&[MAGIC.to_vec(), bytes].concat());
        }
    }
}
