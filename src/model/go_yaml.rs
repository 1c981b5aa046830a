//! YAML as go-yaml v2 reads it: the first document of a text, as a tree of nodes, and what its scalars mean.
//!
//! aws-iam-authenticator reads aws-auth with go-yaml v2 (`gopkg.in/yaml.v2` v2.4.0 and `go.yaml.in/yaml/v2` v2.4.4, whose
//! code is the same). go-yaml v2 is a translation of libyaml 0.1 with changes of its own, and accepts other texts than
//! libyaml 0.2 and YAML 1.2 readers do: `{a?b}` ends a scalar at the question mark, `"\/"` is an error and `"\'"` none, a
//! comment may follow a quoted scalar at once, and only version 1.1 may be declared. No reader of another grammar can
//! stand in for it, so this module keeps its grammar and limits: `reader` its blocks and characters, `scanner`, `scalar`
//! and `tag` its tokens, `parser` its grammar, `resolve` its types, `walk` its aliases, merges and limits.
//!
//! Nothing here recurses, so that no depth of nesting can exhaust the stack. What becomes of the values is `aws_auth`'s.

mod parser;
mod reader;
mod resolve;
mod scalar;
mod scanner;
mod tag;
mod timestamp;
mod walk;

use std::borrow::Cow;

pub(crate) use parser::parse_first_document;
pub(crate) use resolve::Resolved;
pub(crate) use walk::{MapKey, YamlWalk};

/// A place in [`YamlDocument::nodes`].
pub(crate) type NodeId = usize;

/// The first document of a text.
#[derive(Debug, Default)]
pub(crate) struct YamlDocument {
    /// All nodes, in the order in which they start.
    nodes: Vec<YamlNode>,
    /// `None` when the text holds no document at all.
    pub(crate) root: Option<NodeId>,
    /// How many bytes of the text come before whatever follows the document.
    pub(crate) end: usize,
}

/// A node of a document.
#[derive(Debug)]
pub(crate) struct YamlNode {
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) kind: YamlKind,
}

/// What a node is.
#[derive(Debug)]
pub(crate) enum YamlKind {
    Scalar(YamlScalar),
    Sequence(Vec<NodeId>),
    Mapping(Vec<(NodeId, NodeId)>),
    /// Stands for the node that carries the anchor.
    Alias(NodeId),
}

/// A scalar as written.
#[derive(Debug, Default)]
pub(crate) struct YamlScalar {
    pub(crate) text: String,
    /// Spelled out: `tag:yaml.org,2002:str`. Empty when there is none.
    tag: Vec<u8>,
    /// Plain and without a tag, or with the tag `!`.
    is_implicit: bool,
}

/// Why go-yaml refuses a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct YamlFault {
    /// Counted from 1.
    pub(crate) line: usize,
    /// In plain words, without the line.
    pub(crate) message: Cow<'static, str>,
}

impl YamlFault {
    /// A fault at a line that is counted from 0, as marks count.
    fn at(line: usize, message: impl Into<Cow<'static, str>>) -> Self {
        YamlFault { line: line + 1, message: message.into() }
    }
}

impl YamlDocument {
    /// The node itself, aliases followed.
    pub(crate) fn follow(&self, id: NodeId) -> Option<(NodeId, &YamlNode)> {
        let node = self.nodes.get(id)?;
        match node.kind {
            YamlKind::Alias(target) => self.nodes.get(target).map(|node| (target, node)),
            _ => Some((id, node)),
        }
    }
}

#[cfg(test)]
mod tests;
