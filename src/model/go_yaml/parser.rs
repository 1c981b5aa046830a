//! Tokens to the nodes of the first document: go-yaml v2's grammar as a machine with a stack of states.

use std::collections::HashMap;

use super::reader::YamlMark;
use super::scanner::{YamlScanner, YamlToken, YamlTokenKind as Kind};
use super::{NodeId, YamlDocument, YamlFault, YamlKind, YamlNode, YamlScalar};

/// What the grammar expects next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    BlockNode,
    /// Like `BlockNode`, but `-` may start a list that is not indented.
    BlockNodeOrList,
    FlowNode,
    BlockSequence {
        first: bool,
    },
    /// A list at the indentation of the key that it belongs to.
    IndentlessSequence,
    BlockMappingKey {
        first: bool,
    },
    BlockMappingValue,
    FlowSequence {
        first: bool,
    },
    /// The key of `[key: value]`, a map of one entry within a list.
    FlowPairKey,
    FlowPairValue,
    FlowPairEnd,
    FlowMappingKey {
        first: bool,
    },
    FlowMappingValue,
    FlowMappingNoValue,
}

/// A collection that is not complete yet.
#[derive(Debug)]
struct OpenNode {
    id: NodeId,
    /// The children of a list, or the keys and values of a map in turn.
    children: Vec<NodeId>,
}

#[derive(Debug)]
struct YamlParser<'a> {
    scanner: YamlScanner<'a>,
    expected: Vec<Expect>,
    /// Handles of tags and what they stand for.
    handles: HashMap<Vec<u8>, Vec<u8>>,
    anchors: HashMap<String, NodeId>,
    document: YamlDocument,
    open: Vec<OpenNode>,
}

/// The tag and anchor that stand before a node.
#[derive(Default)]
struct Properties {
    tag: Vec<u8>,
    anchor: Option<String>,
}

/// Reads the first document of a text. What follows it is not read, but for what go-yaml looks at to see the end.
pub(crate) fn parse_first_document(text: &str) -> Result<YamlDocument, YamlFault> {
    parse_document(text).map_err(|fault| YamlFault { line: fault.line.min(count_lines(text)), ..fault })
}

/// The end of a text counts as a line of its own, which nobody can look up.
fn count_lines(text: &str) -> usize {
    let is_break = |c: char| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
    text.matches(is_break).count() + usize::from(!text.ends_with(is_break))
}

fn parse_document(text: &str) -> Result<YamlDocument, YamlFault> {
    let mut parser = YamlParser {
        scanner: YamlScanner::new(text),
        expected: Vec::new(),
        handles: HashMap::new(),
        anchors: HashMap::new(),
        document: YamlDocument::default(),
        open: Vec::new(),
    };
    if parser.parse_document_start()? {
        while let Some(expected) = parser.expected.pop() {
            parser.step(expected)?;
        }
        let after = parser.scanner.peek()?;
        parser.document.end = after.start.offset;
        if after.kind == Kind::DocumentEnd {
            parser.document.end += 3;
        }
    } else {
        parser.document.end = text.len();
    }
    Ok(parser.document)
}

impl YamlParser<'_> {
    /// Reads directives and `---`; `false` when there is no document.
    fn parse_document_start(&mut self) -> Result<bool, YamlFault> {
        let first = self.scanner.peek()?.kind.clone();
        if first == Kind::StreamEnd {
            return Ok(false);
        }
        self.parse_directives()?;
        let is_explicit = matches!(first, Kind::DocumentStart | Kind::VersionDirective(..) | Kind::TagDirective { .. });
        if !is_explicit {
            self.expected.push(Expect::BlockNode);
            return Ok(true);
        }
        let token = self.scanner.next()?;
        if token.kind != Kind::DocumentStart {
            return fault(&token, "no '---' follows the directives");
        }
        let next = self.scanner.peek()?;
        if is_outside_document(&next.kind) {
            let mark = next.start;
            self.add_empty_scalar(mark);
        } else {
            self.expected.push(Expect::BlockNode);
        }
        Ok(true)
    }

    fn parse_directives(&mut self) -> Result<(), YamlFault> {
        let mut has_version = false;
        loop {
            let token = self.scanner.peek()?;
            match &token.kind {
                Kind::VersionDirective(..) if has_version => return fault(token, "there are two %YAML directives"),
                Kind::VersionDirective(1, 1) => has_version = true,
                Kind::VersionDirective(..) => {
                    return fault(token, "the %YAML directive names another version than 1.1");
                }
                Kind::TagDirective { handle, .. } if self.handles.contains_key(handle) => {
                    return fault(token, "two %TAG directives have the same handle");
                }
                Kind::TagDirective { handle, prefix } => {
                    self.handles.insert(handle.clone(), prefix.clone());
                }
                _ => break,
            }
            self.scanner.next()?;
        }
        for (handle, prefix) in [(&b"!"[..], &b"!"[..]), (b"!!", b"tag:yaml.org,2002:")] {
            self.handles.entry(handle.to_vec()).or_insert_with(|| prefix.to_vec());
        }
        Ok(())
    }

    fn step(&mut self, expected: Expect) -> Result<(), YamlFault> {
        match expected {
            Expect::BlockNode => self.parse_node(true, false),
            Expect::BlockNodeOrList => self.parse_node(true, true),
            Expect::FlowNode => self.parse_node(false, false),
            Expect::BlockSequence { first } => self.parse_block_sequence(first),
            Expect::IndentlessSequence => self.parse_indentless_sequence(),
            Expect::BlockMappingKey { first } => self.parse_block_key(first),
            Expect::BlockMappingValue => self.parse_block_value(),
            Expect::FlowSequence { first } => self.parse_flow_sequence(first),
            Expect::FlowPairKey => self.parse_flow_pair_key(),
            Expect::FlowPairValue => self.parse_flow_value(Expect::FlowPairEnd, &Kind::FlowSequenceEnd),
            Expect::FlowPairEnd => {
                self.scanner.peek()?;
                self.close();
                self.expected.push(Expect::FlowSequence { first: false });
                Ok(())
            }
            Expect::FlowMappingKey { first } => self.parse_flow_key(first),
            Expect::FlowMappingValue => {
                self.parse_flow_value(Expect::FlowMappingKey { first: false }, &Kind::FlowMappingEnd)
            }
            Expect::FlowMappingNoValue => {
                let mark = self.scanner.peek()?.start;
                self.empty_then(mark, Expect::FlowMappingKey { first: false })
            }
        }
    }

    /// An empty scalar here, and then what is expected next.
    fn empty_then(&mut self, mark: YamlMark, next: Expect) -> Result<(), YamlFault> {
        self.add_empty_scalar(mark);
        self.expected.push(next);
        Ok(())
    }

    /// A node here, and then what is expected next.
    fn node_then(&mut self, node: Expect, next: Expect) -> Result<(), YamlFault> {
        self.expected.push(next);
        self.expected.push(node);
        Ok(())
    }

    fn parse_node(&mut self, is_block: bool, list_may_be_indentless: bool) -> Result<(), YamlFault> {
        let first = self.scanner.peek()?;
        let mark = first.start;
        if let Kind::Alias(name) = &first.kind {
            let Some(target) = self.anchors.get(name).copied() else {
                return Err(YamlFault::at(mark.line, format!("the alias *{name} has no anchor &{name} before it")));
            };
            self.scanner.next()?;
            self.add(mark, YamlKind::Alias(target));
            return Ok(());
        }
        let properties = self.parse_properties()?;
        let token = self.scanner.peek()?;
        match &token.kind {
            Kind::BlockEntry if list_may_be_indentless => {
                self.open(mark, properties, YamlKind::Sequence(Vec::new()), Expect::IndentlessSequence);
            }
            Kind::Scalar { .. } => {
                let Kind::Scalar { text, is_plain } = self.scanner.next()?.kind else { return Ok(()) };
                let is_implicit = (properties.tag.is_empty() && is_plain) || properties.tag == b"!";
                self.add_scalar(mark, properties, text, is_implicit);
            }
            Kind::FlowSequenceStart => {
                self.open(mark, properties, YamlKind::Sequence(Vec::new()), Expect::FlowSequence { first: true });
            }
            Kind::FlowMappingStart => {
                self.open(mark, properties, YamlKind::Mapping(Vec::new()), Expect::FlowMappingKey { first: true });
            }
            Kind::BlockSequenceStart if is_block => {
                self.open(mark, properties, YamlKind::Sequence(Vec::new()), Expect::BlockSequence { first: true });
            }
            Kind::BlockMappingStart if is_block => {
                self.open(mark, properties, YamlKind::Mapping(Vec::new()), Expect::BlockMappingKey { first: true });
            }
            _ if properties.anchor.is_some() || !properties.tag.is_empty() => {
                let is_implicit = properties.tag.is_empty();
                self.add_scalar(mark, properties, String::new(), is_implicit);
            }
            _ => return fault(token, "no value stands where one is expected"),
        }
        Ok(())
    }

    /// An anchor and a tag, in any order.
    fn parse_properties(&mut self) -> Result<Properties, YamlFault> {
        let mut properties = Properties::default();
        let mut has_tag = false;
        loop {
            let token = self.scanner.peek()?;
            match &token.kind {
                Kind::Anchor(name) if properties.anchor.is_none() => properties.anchor = Some(name.clone()),
                Kind::Tag { handle, suffix } if !has_tag => {
                    has_tag = true;
                    let prefix = match self.handles.get(handle) {
                        _ if handle.is_empty() => &[][..],
                        Some(prefix) => prefix,
                        None => return fault(token, "the handle of a tag is not declared"),
                    };
                    properties.tag = [prefix, suffix].concat();
                    if properties.tag.is_empty() && !handle.is_empty() {
                        return fault(token, "the handle of a tag is not declared");
                    }
                }
                _ => return Ok(properties),
            }
            self.scanner.next()?;
        }
    }

    fn parse_block_sequence(&mut self, first: bool) -> Result<(), YamlFault> {
        if first {
            self.scanner.next()?;
        }
        let token = self.scanner.peek()?;
        match token.kind {
            Kind::BlockEntry => {
                let mark = self.scanner.next()?.start;
                let next = Expect::BlockSequence { first: false };
                match self.scanner.peek()?.kind {
                    Kind::BlockEntry | Kind::BlockEnd => self.empty_then(mark, next),
                    _ => self.node_then(Expect::BlockNode, next),
                }
            }
            Kind::BlockEnd => self.take_and_close(),
            _ => fault(token, "a list goes on without a '-', or with another indentation"),
        }
    }

    fn parse_indentless_sequence(&mut self) -> Result<(), YamlFault> {
        if self.scanner.peek()?.kind != Kind::BlockEntry {
            self.close();
            return Ok(());
        }
        let mark = self.scanner.next()?.start;
        match self.scanner.peek()?.kind {
            Kind::BlockEntry | Kind::Key | Kind::Value | Kind::BlockEnd => {
                self.empty_then(mark, Expect::IndentlessSequence)
            }
            _ => self.node_then(Expect::BlockNode, Expect::IndentlessSequence),
        }
    }

    fn parse_block_key(&mut self, first: bool) -> Result<(), YamlFault> {
        if first {
            self.scanner.next()?;
        }
        let token = self.scanner.peek()?;
        match token.kind {
            Kind::Key => {
                let mark = self.scanner.next()?.start;
                match self.scanner.peek()?.kind {
                    Kind::Key | Kind::Value | Kind::BlockEnd => self.empty_then(mark, Expect::BlockMappingValue),
                    _ => self.node_then(Expect::BlockNodeOrList, Expect::BlockMappingValue),
                }
            }
            Kind::BlockEnd => self.take_and_close(),
            _ => fault(token, "a map goes on without a key, or with another indentation"),
        }
    }

    fn parse_block_value(&mut self) -> Result<(), YamlFault> {
        let next = Expect::BlockMappingKey { first: false };
        let token = self.scanner.peek()?;
        let mark = token.start;
        if token.kind != Kind::Value {
            return self.empty_then(mark, next);
        }
        self.scanner.next()?;
        match self.scanner.peek()?.kind {
            Kind::Key | Kind::Value | Kind::BlockEnd => self.empty_then(mark, next),
            _ => self.node_then(Expect::BlockNodeOrList, next),
        }
    }

    fn parse_flow_sequence(&mut self, first: bool) -> Result<(), YamlFault> {
        if first {
            self.scanner.next()?;
        }
        let token = self.scanner.peek()?;
        if token.kind != Kind::FlowSequenceEnd && !first {
            if token.kind != Kind::FlowEntry {
                return fault(token, "a list in brackets goes on without ',' or ']'");
            }
            self.scanner.next()?;
        }
        let token = self.scanner.peek()?;
        match token.kind {
            Kind::FlowSequenceEnd => self.take_and_close(),
            Kind::Key => {
                let mark = self.scanner.next()?.start;
                self.open(mark, Properties::default(), YamlKind::Mapping(Vec::new()), Expect::FlowPairKey);
                Ok(())
            }
            _ => self.node_then(Expect::FlowNode, Expect::FlowSequence { first: false }),
        }
    }

    fn parse_flow_pair_key(&mut self) -> Result<(), YamlFault> {
        let token = self.scanner.peek()?;
        let mark = token.start;
        match token.kind {
            Kind::Value | Kind::FlowEntry | Kind::FlowSequenceEnd => {
                // go-yaml drops this token, so that `[? , a]` loses its comma.
                self.scanner.next()?;
                self.empty_then(mark, Expect::FlowPairValue)
            }
            _ => self.node_then(Expect::FlowNode, Expect::FlowPairValue),
        }
    }

    /// The value of an entry in brackets, which may be missing.
    fn parse_flow_value(&mut self, next: Expect, end: &Kind) -> Result<(), YamlFault> {
        let token = self.scanner.peek()?;
        let mut mark = token.start;
        if token.kind == Kind::Value {
            self.scanner.next()?;
            let token = self.scanner.peek()?;
            mark = token.start;
            if token.kind != Kind::FlowEntry && token.kind != *end {
                return self.node_then(Expect::FlowNode, next);
            }
        }
        self.empty_then(mark, next)
    }

    fn parse_flow_key(&mut self, first: bool) -> Result<(), YamlFault> {
        if first {
            self.scanner.next()?;
        }
        let token = self.scanner.peek()?;
        if token.kind != Kind::FlowMappingEnd && !first {
            if token.kind != Kind::FlowEntry {
                return fault(token, "a map in braces goes on without ',' or '}'");
            }
            self.scanner.next()?;
        }
        match self.scanner.peek()?.kind {
            Kind::FlowMappingEnd => self.take_and_close(),
            Kind::Key => {
                self.scanner.next()?;
                let token = self.scanner.peek()?;
                let mark = token.start;
                match token.kind {
                    Kind::Value | Kind::FlowEntry | Kind::FlowMappingEnd => {
                        self.empty_then(mark, Expect::FlowMappingValue)
                    }
                    _ => self.node_then(Expect::FlowNode, Expect::FlowMappingValue),
                }
            }
            _ => self.node_then(Expect::FlowNode, Expect::FlowMappingNoValue),
        }
    }

    fn take_and_close(&mut self) -> Result<(), YamlFault> {
        self.scanner.next()?;
        self.close();
        Ok(())
    }

    fn add_empty_scalar(&mut self, mark: YamlMark) {
        self.add_scalar(mark, Properties::default(), String::new(), true);
    }

    fn add_scalar(&mut self, mark: YamlMark, properties: Properties, text: String, is_implicit: bool) {
        let id = self.add(mark, YamlKind::Scalar(YamlScalar { text, tag: properties.tag, is_implicit }));
        self.set_anchor(properties.anchor, id);
    }

    fn set_anchor(&mut self, anchor: Option<String>, id: NodeId) {
        if let Some(name) = anchor {
            self.anchors.insert(name, id);
        }
    }

    fn open(&mut self, mark: YamlMark, properties: Properties, kind: YamlKind, inside: Expect) {
        let id = self.add(mark, kind);
        self.set_anchor(properties.anchor, id);
        self.open.push(OpenNode { id, children: Vec::new() });
        self.expected.push(inside);
    }

    fn close(&mut self) {
        let Some(OpenNode { id, children }) = self.open.pop() else { return };
        match self.document.nodes.get_mut(id).map(|node| &mut node.kind) {
            Some(YamlKind::Sequence(items)) => *items = children,
            Some(YamlKind::Mapping(entries)) => {
                *entries = children.as_chunks::<2>().0.iter().map(|[key, value]| (*key, *value)).collect();
            }
            _ => {}
        }
    }

    fn add(&mut self, mark: YamlMark, kind: YamlKind) -> NodeId {
        let id = self.document.nodes.len();
        self.document.nodes.push(YamlNode { line: mark.line + 1, kind });
        match self.open.last_mut() {
            Some(parent) => parent.children.push(id),
            None => self.document.root = Some(id),
        }
        id
    }
}

/// A token that cannot belong to a document's content.
fn is_outside_document(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::VersionDirective(..)
            | Kind::TagDirective { .. }
            | Kind::DocumentStart
            | Kind::DocumentEnd
            | Kind::StreamEnd
    )
}

fn fault<T>(token: &YamlToken, message: &'static str) -> Result<T, YamlFault> {
    Err(YamlFault::at(token.start.line, message))
}
