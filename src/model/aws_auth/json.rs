//! YAML values as JSON (`sigs.k8s.io/yaml`, YAMLToJSON): what JSON cannot hold makes the key unreadable.

use std::borrow::Cow;
use std::collections::HashMap;

use super::KeyProblem;
use crate::model::go_yaml::{MapKey, NodeId, Resolved, YamlDocument, YamlKind, YamlWalk};

/// How deep Go's JSON reader follows lists and maps.
const MAX_DEPTH: usize = 10_000;

/// Whether the document becomes JSON that Go reads back.
pub(super) fn check_json(document: &YamlDocument, walk: &YamlWalk<'_>, root: NodeId) -> Result<(), KeyProblem> {
    let mut by_chance = None;
    // A node, how many lists and maps it stands in, and whether chance decides if it is there at all.
    let mut pending = vec![(root, 0, false)];
    while let Some((id, depth, is_chance)) = pending.pop() {
        let Some((id, node)) = document.follow(id) else { continue };
        let problem = match &node.kind {
            YamlKind::Scalar(_) => match walk.value(id) {
                Resolved::Float(number) if !number.is_finite() => Some("a number is not finite"),
                _ => None,
            },
            _ if depth == MAX_DEPTH => Some("lists and maps are nested more than 10,000 deep"),
            YamlKind::Sequence(items) => {
                pending.extend(items.iter().map(|item| (*item, depth + 1, is_chance)));
                None
            }
            YamlKind::Mapping(_) => {
                let entries = walk.entries(id);
                let clash = clashing_keys(entries.iter().map(|entry| &entry.key));
                for (at, entry) in entries.iter().enumerate() {
                    if matches!(entry.key, MapKey::Null | MapKey::Uint(_)) {
                        let message = "a key is a null or a number that is too large, and JSON keys are texts";
                        return Err(KeyProblem::Broken { line: walk.line(entry.value), message: message.into() });
                    }
                    pending.push((entry.value, depth + 1, is_chance || clash.get(at).copied().unwrap_or(false)));
                }
                None
            }
            YamlKind::Alias(_) => None,
        };
        match problem {
            Some(message) if is_chance => by_chance = by_chance.or(Some((node.line, message))),
            Some(message) => return Err(KeyProblem::Broken { line: node.line, message: message.into() }),
            None => {}
        }
    }
    match by_chance {
        None => Ok(()),
        Some((line, message)) => Err(KeyProblem::Undetermined {
            message: format!(
                "line {line}: {message}, and whether that value counts is random, since its key is there twice"
            ),
        }),
    }
}

/// Which keys become the same text in JSON as another key: Go picks one of them at random. Floats, whose text is not
/// worked out here, clash with all others.
fn clashing_keys<'k>(keys: impl Iterator<Item = &'k MapKey<'k>>) -> Vec<bool> {
    let keys: Vec<&MapKey<'_>> = keys.collect();
    if keys.iter().all(|key| matches!(key, MapKey::Text(_))) {
        return Vec::new();
    }
    let is_float = |key: &MapKey<'_>| matches!(key, MapKey::Float(_) | MapKey::NotANumber(_));
    if keys.len() > 1 && keys.iter().any(|key| is_float(key)) {
        return vec![true; keys.len()];
    }
    let mut counts: HashMap<Cow<'_, [u8]>, usize> = HashMap::new();
    for key in &keys {
        *counts.entry(json_key(key)).or_default() += 1;
    }
    keys.iter().map(|key| counts.get(&json_key(key)).is_some_and(|count| *count > 1)).collect()
}

/// The key as JSON has it.
pub(super) fn json_key<'k>(key: &'k MapKey<'_>) -> Cow<'k, [u8]> {
    match key {
        MapKey::Text(text) => Cow::Borrowed(text.as_ref()),
        MapKey::Bool(value) => Cow::Owned(value.to_string().into_bytes()),
        MapKey::Int(value) => Cow::Owned(value.to_string().into_bytes()),
        MapKey::Uint(value) => Cow::Owned(value.to_string().into_bytes()),
        MapKey::Float(bits) => Cow::Owned(f64::from_bits(*bits).to_string().into_bytes()),
        MapKey::NotANumber(_) => Cow::Borrowed(b".nan"),
        MapKey::Null => Cow::Borrowed(b"null"),
    }
}

/// A text as Go's JSON writes it: each byte that is not UTF-8 becomes U+FFFD.
pub(super) fn json_text(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    out
}
