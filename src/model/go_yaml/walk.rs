//! Nodes to values: go-yaml v2's limits of aliases, its merges, and which of several equal keys counts.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::resolve::Resolved;
use super::{NodeId, YamlDocument, YamlFault, YamlKind};

/// Up to so many values, 99 of 100 may come from aliases.
const FEW_VALUES: usize = 400_000;
/// From so many values on, 10 of 100 may come from aliases.
const MANY_VALUES: usize = 4_000_000;

/// A document with the values of its scalars, and go-yaml's count of what it has decoded.
#[derive(Debug)]
pub(crate) struct YamlWalk<'a> {
    document: &'a YamlDocument,
    /// By node; lists and maps have a null here.
    values: Vec<Result<Resolved, YamlFault>>,
    decoded: usize,
    decoded_in_alias: usize,
    alias_depth: usize,
}

/// A key of a map. Two keys are one if Go's map holds them as one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum MapKey<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    /// The bits of a float; 0 and -0 are one.
    Float(u64),
    /// Not a number, and so not even equal to itself: the node makes it differ.
    NotANumber(NodeId),
    Text(Cow<'a, [u8]>),
}

/// A key of a map and its value.
#[derive(Clone, Debug)]
pub(crate) struct MapEntry<'a> {
    pub(crate) key: MapKey<'a>,
    pub(crate) value: NodeId,
}

/// A step that is left to do.
enum Step {
    Visit(NodeId),
    LeaveAlias(NodeId),
    /// A key, once its own value is decoded.
    CheckKey(NodeId),
    /// What `<<` merges in.
    Merge(NodeId),
    Refuse(NodeId, &'static str),
}

impl<'a> YamlWalk<'a> {
    pub(crate) fn new(document: &'a YamlDocument) -> Self {
        let values = document
            .nodes
            .iter()
            .map(|node| match &node.kind {
                YamlKind::Scalar(scalar) => scalar.resolve(node.line),
                _ => Ok(Resolved::Null),
            })
            .collect();
        // The document counts as a value too.
        YamlWalk { document, values, decoded: 1, decoded_in_alias: 0, alias_depth: 0 }
    }

    /// The value of a scalar; a null for all else and for what does not resolve.
    pub(crate) fn value(&self, id: NodeId) -> &Resolved {
        self.values.get(id).and_then(|value| value.as_ref().ok()).unwrap_or(&Resolved::Null)
    }

    /// The bytes of a scalar that is a text.
    pub(crate) fn text(&self, id: NodeId) -> Option<&[u8]> {
        let YamlKind::Scalar(scalar) = &self.document.nodes.get(id)?.kind else { return None };
        match self.value(id) {
            Resolved::Text => Some(scalar.text.as_bytes()),
            Resolved::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(crate) fn line(&self, id: NodeId) -> usize {
        self.document.nodes.get(id).map_or(1, |node| node.line)
    }

    fn fault<T>(&self, id: NodeId, message: impl Into<Cow<'static, str>>) -> Result<T, YamlFault> {
        Err(YamlFault { line: self.line(id), message: message.into() })
    }

    /// Counts a value, and refuses a document that mostly consists of aliases.
    fn count(&mut self, id: NodeId) -> Result<(), YamlFault> {
        self.decoded += 1;
        if self.alias_depth > 0 {
            self.decoded_in_alias += 1;
        }
        #[allow(clippy::cast_precision_loss)]
        let ratio = self.decoded_in_alias as f64 / self.decoded as f64;
        if self.decoded_in_alias > 100 && self.decoded > 1000 && ratio > allowed_ratio(self.decoded) {
            return self.fault(id, "the aliases expand to too many values");
        }
        Ok(())
    }

    /// Decodes a node into values of any type, as go-yaml does where it is given no type. Finds what it refuses.
    pub(crate) fn decode_any(&mut self, root: NodeId) -> Result<(), YamlFault> {
        let mut active = HashSet::new();
        let mut steps = vec![Step::Visit(root)];
        while let Some(step) = steps.pop() {
            match step {
                Step::Visit(id) => self.visit(id, &mut steps, &mut active)?,
                Step::LeaveAlias(id) => {
                    active.remove(&id);
                    self.alias_depth -= 1;
                }
                Step::CheckKey(id) => {
                    if !matches!(self.kind_behind(id), Some(YamlKind::Scalar(_))) {
                        return self.fault(id, "a list or a map stands where a key has to be (braces without quotes?)");
                    }
                }
                Step::Merge(id) => self.merge(id, &mut steps),
                Step::Refuse(id, message) => return self.fault(id, message),
            }
        }
        Ok(())
    }

    fn visit(&mut self, id: NodeId, steps: &mut Vec<Step>, active: &mut HashSet<NodeId>) -> Result<(), YamlFault> {
        self.count(id)?;
        match self.document.nodes.get(id).map(|node| &node.kind) {
            Some(YamlKind::Alias(target)) => {
                if !active.insert(id) {
                    return self.fault(id, "what an anchor names contains itself");
                }
                self.alias_depth += 1;
                steps.push(Step::LeaveAlias(id));
                steps.push(Step::Visit(*target));
            }
            Some(YamlKind::Scalar(_)) => {
                if let Some(Err(fault)) = self.values.get(id) {
                    return Err(fault.clone());
                }
            }
            Some(YamlKind::Sequence(items)) => steps.extend(items.iter().rev().map(|item| Step::Visit(*item))),
            Some(YamlKind::Mapping(entries)) => {
                for (key, value) in entries.iter().rev() {
                    if self.is_merge(*key) {
                        steps.push(Step::Merge(*value));
                    } else {
                        steps.extend([Step::Visit(*value), Step::CheckKey(*key), Step::Visit(*key)]);
                    }
                }
            }
            None => {}
        }
        Ok(())
    }

    fn merge(&self, id: NodeId, steps: &mut Vec<Step>) {
        const NO_MAP: &str = "what '<<' merges in is neither a map nor a list of maps";
        for source in self.merge_sources(id).into_iter().rev() {
            steps.push(source.map_or(Step::Refuse(id, NO_MAP), Step::Visit));
        }
    }

    /// The maps that `<<` merges in, the one that counts least first; `None` ends them where something else stands.
    fn merge_sources(&self, id: NodeId) -> Vec<Option<NodeId>> {
        let map = |id: NodeId| matches!(self.kind_behind(id), Some(YamlKind::Mapping(_))).then_some(id);
        match self.document.nodes.get(id).map(|node| &node.kind) {
            Some(YamlKind::Sequence(items)) => items.iter().rev().map(|item| map(*item)).collect(),
            _ => vec![map(id)],
        }
    }

    fn is_merge(&self, key: NodeId) -> bool {
        match self.document.nodes.get(key).map(|node| &node.kind) {
            Some(YamlKind::Scalar(scalar)) => scalar.is_merge(),
            _ => false,
        }
    }

    fn kind_behind(&self, id: NodeId) -> Option<&'a YamlKind> {
        self.document.follow(id).map(|(_, node)| &node.kind)
    }

    /// The entries of a map once merges and equal keys are settled: the last to be set counts. Only for documents that
    /// [`YamlWalk::decode_any`] accepts.
    pub(crate) fn entries(&self, map: NodeId) -> Vec<MapEntry<'_>> {
        let mut out: Vec<MapEntry<'_>> = Vec::new();
        let mut places: HashMap<MapKey<'_>, usize> = HashMap::new();
        let mut pending: Vec<(NodeId, NodeId, bool)> = Vec::new();
        let push_map = |id: NodeId, pending: &mut Vec<(NodeId, NodeId, bool)>| {
            if let Some(YamlKind::Mapping(entries)) = self.kind_behind(id) {
                pending.extend(entries.iter().rev().map(|(key, value)| (*key, *value, self.is_merge(*key))));
            }
        };
        push_map(map, &mut pending);
        while let Some((key, value, is_merge)) = pending.pop() {
            if is_merge {
                for source in self.merge_sources(value).into_iter().rev().flatten() {
                    push_map(source, &mut pending);
                }
                continue;
            }
            let key = self.key(key);
            match places.get(&key).and_then(|place| out.get_mut(*place)) {
                Some(entry) => entry.value = value,
                None => {
                    places.insert(key.clone(), out.len());
                    out.push(MapEntry { key, value });
                }
            }
        }
        out
    }

    fn key(&self, written: NodeId) -> MapKey<'_> {
        let id = self.document.follow(written).map_or(written, |(target, _)| target);
        match self.value(id) {
            Resolved::Null => MapKey::Null,
            Resolved::Bool(it) => MapKey::Bool(*it),
            Resolved::Int(it) => MapKey::Int(*it),
            Resolved::Uint(it) => MapKey::Uint(*it),
            Resolved::Float(it) if it.is_nan() => MapKey::NotANumber(written),
            // Adding 0 turns -0 into 0.
            Resolved::Float(it) => MapKey::Float((it + 0.0).to_bits()),
            Resolved::Text | Resolved::Bytes(_) => MapKey::Text(self.text(id).unwrap_or_default().into()),
        }
    }

    /// Decodes a node into a text, as go-yaml does where a text is wanted: `None` for a list or a map, which it leaves
    /// out. A scalar of any type keeps its text as written, and a null is empty.
    pub(crate) fn decode_text(&mut self, id: NodeId) -> Result<Option<String>, YamlFault> {
        self.count(id)?;
        let mut id = id;
        if let Some(YamlKind::Alias(target)) = self.document.nodes.get(id).map(|node| &node.kind) {
            id = *target;
            self.alias_depth += 1;
            let counted = self.count(id);
            self.alias_depth -= 1;
            counted?;
        }
        let Some(YamlKind::Scalar(scalar)) = self.document.nodes.get(id).map(|node| &node.kind) else {
            return Ok(None);
        };
        match self.values.get(id) {
            Some(Err(fault)) => Err(fault.clone()),
            Some(Ok(Resolved::Null)) => Ok(Some(String::new())),
            Some(Ok(Resolved::Bytes(bytes))) => Ok(Some(String::from_utf8_lossy(bytes).into_owned())),
            _ => Ok(Some(scalar.text.clone())),
        }
    }
}

#[allow(clippy::cast_precision_loss)]
fn allowed_ratio(decoded: usize) -> f64 {
    if decoded <= FEW_VALUES {
        0.99
    } else if decoded >= MANY_VALUES {
        0.10
    } else {
        0.99 - 0.89 * ((decoded - FEW_VALUES) as f64 / (MANY_VALUES - FEW_VALUES) as f64)
    }
}
