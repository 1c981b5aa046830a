//! Characters to tokens: indentation, simple keys and flow brackets as go-yaml v2 handles them.
//!
//! Scalars, tags, anchors and directives are read in `scalar` and `tag`.

use std::collections::{HashMap, VecDeque};

use super::YamlFault;
use super::reader::{YamlMark, YamlReader};

/// go-yaml's limit of nested flow collections, and of nested block collections.
const MAX_DEPTH: usize = 10_000;
/// A key that is not marked with `?` may be this many characters long.
const MAX_KEY: usize = 1024;
const TOO_SOON: &str = "the text ends too soon";

/// A token and where it starts.
#[derive(Clone, Debug)]
pub(super) struct YamlToken {
    pub(super) kind: YamlTokenKind,
    pub(super) start: YamlMark,
}

/// The kinds of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum YamlTokenKind {
    StreamEnd,
    VersionDirective(u8, u8),
    TagDirective { handle: Vec<u8>, prefix: Vec<u8> },
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(String),
    Anchor(String),
    Tag { handle: Vec<u8>, suffix: Vec<u8> },
    Scalar { text: String, is_plain: bool },
}

/// A place where a key without `?` may start.
#[derive(Clone, Copy, Debug, Default)]
struct SimpleKey {
    possible: bool,
    /// In the block context at the current indentation, nothing but a key may stand.
    required: bool,
    token: usize,
    mark: YamlMark,
}

/// Reads tokens one by one.
#[derive(Debug)]
pub(super) struct YamlScanner<'a> {
    pub(super) reader: YamlReader<'a>,
    tokens: VecDeque<YamlToken>,
    /// How many tokens have left the queue.
    taken: usize,
    /// The column of the current block collection; -1 outside.
    pub(super) indent: isize,
    indents: Vec<isize>,
    /// The possible key of each open flow collection, and of the block context at the bottom.
    simple_keys: Vec<SimpleKey>,
    /// The tokens at which a key may start, with the level of that key.
    key_tokens: HashMap<usize, usize>,
    pub(super) simple_key_allowed: bool,
    ended: bool,
}

impl<'a> YamlScanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        YamlScanner {
            reader: YamlReader::new(text),
            tokens: VecDeque::new(),
            taken: 0,
            indent: -1,
            indents: Vec::new(),
            simple_keys: vec![SimpleKey::default()],
            key_tokens: HashMap::new(),
            simple_key_allowed: true,
            ended: false,
        }
    }

    pub(super) fn is_in_flow(&self) -> bool {
        self.simple_keys.len() > 1
    }

    /// The next token, which stays in the queue.
    pub(super) fn peek(&mut self) -> Result<&YamlToken, YamlFault> {
        // The token at the head may yet turn out to be a key, which puts a token before it.
        while self.tokens.is_empty() || self.may_be_key()? {
            if self.ended {
                break;
            }
            self.fetch()?;
        }
        self.tokens.front().ok_or_else(|| YamlFault::at(self.reader.mark.line, TOO_SOON))
    }

    /// Takes the next token out of the queue.
    pub(super) fn next(&mut self) -> Result<YamlToken, YamlFault> {
        self.peek()?;
        let token = self.tokens.pop_front();
        self.taken += 1;
        token.ok_or_else(|| YamlFault::at(self.reader.mark.line, TOO_SOON))
    }

    fn may_be_key(&mut self) -> Result<bool, YamlFault> {
        match self.key_tokens.get(&self.taken) {
            Some(level) => self.valid_key(*level).map(|key| key.is_some()),
            None => Ok(false),
        }
    }

    /// The possible key of a level, if it still is one: it may not reach over a line's end, nor be longer than the limit.
    fn valid_key(&mut self, level: usize) -> Result<Option<SimpleKey>, YamlFault> {
        let Some(key) = self.simple_keys.get(level).copied().filter(|key| key.possible) else { return Ok(None) };
        let mark = self.reader.mark;
        if key.mark.line >= mark.line && key.mark.index + MAX_KEY >= mark.index {
            return Ok(Some(key));
        }
        if key.required {
            return Err(missing_colon(key));
        }
        self.forget_key(level);
        Ok(None)
    }

    fn forget_key(&mut self, level: usize) {
        if let Some(key) = self.simple_keys.get_mut(level) {
            key.possible = false;
            self.key_tokens.remove(&key.token);
        }
    }

    fn fault<T>(&self, message: &'static str) -> Result<T, YamlFault> {
        Err(YamlFault::at(self.reader.mark.line, message))
    }

    fn push(&mut self, kind: YamlTokenKind, start: YamlMark) {
        self.tokens.push_back(YamlToken { kind, start });
    }

    /// Moves past an indicator of so many characters and queues its token.
    fn push_indicator(&mut self, kind: YamlTokenKind, characters: usize) {
        let start = self.reader.mark;
        for _ in 0..characters {
            self.reader.skip();
        }
        self.push(kind, start);
    }

    fn fetch(&mut self) -> Result<(), YamlFault> {
        self.reader.ensure(1)?;
        self.skip_to_token()?;
        self.unroll_indent(self.column());
        self.reader.ensure(4)?;
        let in_flow = self.is_in_flow();
        let at_line_start = self.reader.mark.column == 0;
        match self.reader.byte(0) {
            0 => self.fetch_stream_end(),
            b'%' if at_line_start => self.fetch_directive(),
            b'-' if self.reader.is_document_marker() => self.fetch_marker(YamlTokenKind::DocumentStart),
            b'.' if self.reader.is_document_marker() => self.fetch_marker(YamlTokenKind::DocumentEnd),
            b'[' => self.fetch_flow_start(YamlTokenKind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(YamlTokenKind::FlowMappingStart),
            b']' => self.fetch_flow_end(YamlTokenKind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(YamlTokenKind::FlowMappingEnd),
            b',' => {
                self.remove_key()?;
                self.simple_key_allowed = true;
                self.push_indicator(YamlTokenKind::FlowEntry, 1);
                Ok(())
            }
            b'-' if self.reader.ends_word(1) => self.fetch_block_entry(),
            b'?' if in_flow || self.reader.ends_word(1) => self.fetch_key(),
            b':' if in_flow || self.reader.ends_word(1) => self.fetch_value(),
            b'*' => self.fetch_anchor(false),
            b'&' => self.fetch_anchor(true),
            b'!' => self.fetch_tag(),
            b'|' if !in_flow => self.fetch_block_scalar(true),
            b'>' if !in_flow => self.fetch_block_scalar(false),
            b'\'' => self.fetch_quoted(true),
            b'"' => self.fetch_quoted(false),
            _ if self.starts_plain() => self.fetch_plain(),
            b'\t' => self.fault("a tab stands where only spaces may stand"),
            _ => self.fault("a character stands here that cannot start any token"),
        }
    }

    fn starts_plain(&self) -> bool {
        match self.reader.byte(0) {
            b'-' => !self.reader.is_blank(1),
            b'?' | b':' => !self.is_in_flow() && !self.reader.ends_word(1),
            b'#' | b'|' | b'>' | b'%' | b'@' | b'`' => false,
            _ => !self.reader.ends_word(0),
        }
    }

    fn column(&self) -> isize {
        isize::try_from(self.reader.mark.column).unwrap_or(isize::MAX)
    }

    /// Moves past blanks, comments and line breaks.
    fn skip_to_token(&mut self) -> Result<(), YamlFault> {
        loop {
            self.reader.ensure(1)?;
            if self.reader.is_at_byte_order_mark() {
                self.reader.skip();
            }
            self.reader.ensure(1)?;
            // A tab may not stand where a key may start.
            while self.reader.byte(0) == b' '
                || (self.reader.byte(0) == b'\t' && (self.is_in_flow() || !self.simple_key_allowed))
            {
                self.reader.skip();
                self.reader.ensure(1)?;
            }
            if self.reader.byte(0) == b'#' {
                self.skip_comment()?;
            }
            if !self.reader.is_break(0) {
                return Ok(());
            }
            self.reader.ensure(2)?;
            self.reader.skip_break();
            if !self.is_in_flow() {
                self.simple_key_allowed = true;
            }
        }
    }

    pub(super) fn skip_comment(&mut self) -> Result<(), YamlFault> {
        while !self.reader.ends_line(0) {
            self.reader.skip();
            self.reader.ensure(1)?;
        }
        Ok(())
    }

    /// Opens a block collection if the column is further in than the current one. Its token goes before the token of
    /// number `before`, or at the end.
    fn roll_indent(
        &mut self,
        column: isize,
        before: Option<usize>,
        kind: YamlTokenKind,
        start: YamlMark,
    ) -> Result<(), YamlFault> {
        if self.is_in_flow() || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > MAX_DEPTH {
            return self.fault("block collections are nested more than 10,000 deep");
        }
        self.insert(before, YamlToken { kind, start });
        Ok(())
    }

    fn insert(&mut self, before: Option<usize>, token: YamlToken) {
        match before.and_then(|number| number.checked_sub(self.taken)) {
            Some(place) if place <= self.tokens.len() => self.tokens.insert(place, token),
            _ => self.tokens.push_back(token),
        }
    }

    /// Closes the block collections that are further in than the column.
    fn unroll_indent(&mut self, column: isize) {
        if self.is_in_flow() {
            return;
        }
        while self.indent > column {
            self.push(YamlTokenKind::BlockEnd, self.reader.mark);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    /// Notes that a key may start here.
    pub(super) fn save_key(&mut self) -> Result<(), YamlFault> {
        if !self.simple_key_allowed {
            return Ok(());
        }
        let required = !self.is_in_flow() && self.indent == self.column();
        let key = SimpleKey { possible: true, required, token: self.next_number(), mark: self.reader.mark };
        self.remove_key()?;
        self.key_tokens.insert(key.token, self.simple_keys.len() - 1);
        if let Some(slot) = self.simple_keys.last_mut() {
            *slot = key;
        }
        Ok(())
    }

    /// The number of the token that is queued next.
    fn next_number(&self) -> usize {
        self.taken + self.tokens.len()
    }

    /// No key can start any more at the current level.
    pub(super) fn remove_key(&mut self) -> Result<(), YamlFault> {
        match self.simple_keys.last().copied().filter(|key| key.possible) {
            Some(key) if key.required => Err(missing_colon(key)),
            Some(_) => {
                self.forget_key(self.simple_keys.len() - 1);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn fetch_stream_end(&mut self) -> Result<(), YamlFault> {
        self.reader.force_new_line();
        self.unroll_indent(-1);
        self.remove_key()?;
        self.simple_key_allowed = false;
        self.ended = true;
        self.push(YamlTokenKind::StreamEnd, self.reader.mark);
        Ok(())
    }

    fn fetch_directive(&mut self) -> Result<(), YamlFault> {
        self.unroll_indent(-1);
        self.remove_key()?;
        self.simple_key_allowed = false;
        let start = self.reader.mark;
        let kind = self.scan_directive()?;
        self.push(kind, start);
        Ok(())
    }

    fn fetch_marker(&mut self, kind: YamlTokenKind) -> Result<(), YamlFault> {
        self.unroll_indent(-1);
        self.remove_key()?;
        self.simple_key_allowed = false;
        self.push_indicator(kind, 3);
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: YamlTokenKind) -> Result<(), YamlFault> {
        self.save_key()?;
        self.simple_keys.push(SimpleKey { token: self.next_number(), ..SimpleKey::default() });
        if self.simple_keys.len() > MAX_DEPTH + 1 {
            return self.fault("brackets are nested more than 10,000 deep");
        }
        self.simple_key_allowed = true;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: YamlTokenKind) -> Result<(), YamlFault> {
        self.remove_key()?;
        // Where the brackets are empty, this is the number of the opening bracket, which go-yaml therefore no longer
        // takes for the start of a key: `[]: x` is an empty list.
        if self.is_in_flow()
            && let Some(key) = self.simple_keys.pop()
        {
            self.key_tokens.remove(&key.token);
        }
        self.simple_key_allowed = false;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Result<(), YamlFault> {
        if !self.is_in_flow() {
            if !self.simple_key_allowed {
                return self.fault("a list item may not start here");
            }
            self.roll_indent(self.column(), None, YamlTokenKind::BlockSequenceStart, self.reader.mark)?;
        }
        self.remove_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(YamlTokenKind::BlockEntry, 1);
        Ok(())
    }

    fn fetch_key(&mut self) -> Result<(), YamlFault> {
        if !self.is_in_flow() {
            if !self.simple_key_allowed {
                return self.fault("a key may not start here");
            }
            self.roll_indent(self.column(), None, YamlTokenKind::BlockMappingStart, self.reader.mark)?;
        }
        self.remove_key()?;
        self.simple_key_allowed = !self.is_in_flow();
        self.push_indicator(YamlTokenKind::Key, 1);
        Ok(())
    }

    fn fetch_value(&mut self) -> Result<(), YamlFault> {
        let level = self.simple_keys.len() - 1;
        if let Some(key) = self.valid_key(level)? {
            self.insert(Some(key.token), YamlToken { kind: YamlTokenKind::Key, start: key.mark });
            let column = isize::try_from(key.mark.column).unwrap_or(isize::MAX);
            self.roll_indent(column, Some(key.token), YamlTokenKind::BlockMappingStart, key.mark)?;
            self.forget_key(level);
            self.simple_key_allowed = false;
        } else {
            if !self.is_in_flow() {
                if !self.simple_key_allowed {
                    return self.fault("a value may not start here");
                }
                self.roll_indent(self.column(), None, YamlTokenKind::BlockMappingStart, self.reader.mark)?;
            }
            self.simple_key_allowed = !self.is_in_flow();
        }
        self.push_indicator(YamlTokenKind::Value, 1);
        Ok(())
    }

    fn fetch_anchor(&mut self, is_anchor: bool) -> Result<(), YamlFault> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let start = self.reader.mark;
        let name = self.scan_anchor_name()?;
        self.push(if is_anchor { YamlTokenKind::Anchor(name) } else { YamlTokenKind::Alias(name) }, start);
        Ok(())
    }

    fn fetch_tag(&mut self) -> Result<(), YamlFault> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let start = self.reader.mark;
        let kind = self.scan_tag()?;
        self.push(kind, start);
        Ok(())
    }

    fn fetch_block_scalar(&mut self, is_literal: bool) -> Result<(), YamlFault> {
        self.remove_key()?;
        self.simple_key_allowed = true;
        let start = self.reader.mark;
        let text = self.scan_block_scalar(is_literal)?;
        self.push(YamlTokenKind::Scalar { text, is_plain: false }, start);
        Ok(())
    }

    fn fetch_quoted(&mut self, is_single: bool) -> Result<(), YamlFault> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let start = self.reader.mark;
        let text = self.scan_quoted(is_single)?;
        self.push(YamlTokenKind::Scalar { text, is_plain: false }, start);
        Ok(())
    }

    fn fetch_plain(&mut self) -> Result<(), YamlFault> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let start = self.reader.mark;
        let text = self.scan_plain()?;
        self.push(YamlTokenKind::Scalar { text, is_plain: true }, start);
        Ok(())
    }
}

fn missing_colon(key: SimpleKey) -> YamlFault {
    YamlFault::at(key.mark.line, "a key has no ':' after it")
}
