//! The text of a YAML stream, handed out as go-yaml's reader does.
//!
//! go-yaml reads its input in blocks of 512 bytes and checks the characters of a block when it loads the block. Both
//! facts can be seen from outside: a control character after the first document is an error only if its block was
//! loaded, and the check for a byte order mark at the start of a line looks at the start of the buffer, wherever the
//! line starts. So this reader keeps the same blocks and the same start of the buffer.

use super::YamlFault;

/// How many bytes go-yaml loads at a time.
const BLOCK: usize = 512;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A place in the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct YamlMark {
    /// Characters before it.
    pub(super) index: usize,
    /// Lines before it.
    pub(super) line: usize,
    /// Characters before it in its line.
    pub(super) column: usize,
    /// Bytes before it.
    pub(super) offset: usize,
}

/// The input and the cursor in it.
#[derive(Debug)]
pub(super) struct YamlReader<'a> {
    text: &'a str,
    /// The byte under the cursor; at or past the end of the text, the byte counts as NUL.
    at: usize,
    /// How many bytes have been loaded.
    loaded: usize,
    /// How many bytes have been checked and may be looked at.
    checked: usize,
    /// Characters between the cursor and `checked`; NULs past the end of the text included.
    unread: usize,
    /// Where go-yaml's buffer starts.
    buffer_start: usize,
    started: bool,
    ended: bool,
    pub(super) mark: YamlMark,
}

impl<'a> YamlReader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        YamlReader {
            text,
            at: 0,
            loaded: 0,
            checked: 0,
            unread: 0,
            buffer_start: 0,
            started: false,
            ended: false,
            mark: YamlMark::default(),
        }
    }

    /// Makes at least `count` characters available.
    pub(super) fn ensure(&mut self, count: usize) -> Result<(), YamlFault> {
        if self.unread >= count { Ok(()) } else { self.load(count) }
    }

    fn load(&mut self, count: usize) -> Result<(), YamlFault> {
        if !self.started {
            self.started = true;
            while !self.ended && self.loaded < BYTE_ORDER_MARK.len() {
                self.load_block();
            }
            if self.text.as_bytes().starts_with(BYTE_ORDER_MARK) {
                self.checked = BYTE_ORDER_MARK.len();
                self.at = self.checked;
                self.mark.offset = self.at;
            }
        }
        self.buffer_start = self.at;
        let mut again = false;
        while self.unread < count {
            if again || self.checked == self.loaded {
                self.load_block();
            }
            again = true;
            self.check_block()?;
            if self.ended {
                self.unread += 1;
                break;
            }
        }
        Ok(())
    }

    fn load_block(&mut self) {
        if self.ended {
            return;
        }
        let end = self.text.len().min(self.checked + BLOCK);
        if self.loaded == self.text.len() {
            self.ended = true;
        }
        self.loaded = self.loaded.max(end);
    }

    fn check_block(&mut self) -> Result<(), YamlFault> {
        let rest = self.text.get(self.checked..).unwrap_or_default();
        for c in rest.chars() {
            if self.checked + c.len_utf8() > self.loaded {
                break;
            }
            if !is_allowed(c) {
                let before = self.text.get(..self.checked).unwrap_or_default();
                let line = before.bytes().filter(|byte| *byte == b'\n').count();
                return Err(YamlFault::at(line, format!("the control character {c:?} is not allowed")));
            }
            self.checked += c.len_utf8();
            self.unread += 1;
        }
        Ok(())
    }

    /// The byte `offset` bytes after the cursor.
    #[inline]
    pub(super) fn byte(&self, offset: usize) -> u8 {
        let at = self.at + offset;
        if at < self.checked { self.text.as_bytes().get(at).copied().unwrap_or(0) } else { 0 }
    }

    /// Whether the bytes at the cursor are these.
    pub(super) fn starts_with(&self, bytes: &[u8]) -> bool {
        bytes.iter().enumerate().all(|(offset, byte)| self.byte(offset) == *byte)
    }

    #[inline]
    pub(super) fn is_blank(&self, offset: usize) -> bool {
        matches!(self.byte(offset), b' ' | b'\t')
    }

    #[inline]
    pub(super) fn is_break(&self, offset: usize) -> bool {
        match self.byte(offset) {
            b'\r' | b'\n' => true,
            0xC2 => self.byte(offset + 1) == 0x85,
            0xE2 => self.byte(offset + 1) == 0x80 && matches!(self.byte(offset + 2), 0xA8 | 0xA9),
            _ => false,
        }
    }

    /// A line break or the end of the text.
    #[inline]
    pub(super) fn ends_line(&self, offset: usize) -> bool {
        self.byte(offset) == 0 || self.is_break(offset)
    }

    /// A blank, a line break, or the end of the text.
    #[inline]
    pub(super) fn ends_word(&self, offset: usize) -> bool {
        self.is_blank(offset) || self.ends_line(offset)
    }

    /// Whether `---` or `...` stands here at the start of a line.
    pub(super) fn is_document_marker(&self) -> bool {
        self.mark.column == 0 && (self.starts_with(b"---") || self.starts_with(b"...")) && self.ends_word(3)
    }

    /// Whether go-yaml takes the start of this line for a byte order mark: it looks at the start of its buffer.
    pub(super) fn is_at_byte_order_mark(&self) -> bool {
        let buffer = self.text.as_bytes().get(self.buffer_start..self.checked).unwrap_or_default();
        self.mark.column == 0 && buffer.starts_with(BYTE_ORDER_MARK)
    }

    fn width(&self) -> usize {
        match self.byte(0) {
            0..=0x7F => 1,
            0x80..=0xDF => 2,
            0xE0..=0xEF => 3,
            _ => 4,
        }
    }

    fn advance(&mut self, bytes: usize) {
        self.at += bytes;
        self.unread = self.unread.saturating_sub(1);
        self.mark.index += 1;
        self.mark.offset = self.at;
    }

    /// Moves past one character.
    pub(super) fn skip(&mut self) {
        self.advance(self.width());
        self.mark.column += 1;
    }

    /// Moves past one character and appends it.
    pub(super) fn take(&mut self, out: &mut String) {
        let width = self.width();
        out.push_str(self.text.get(self.at..self.at + width).unwrap_or_default());
        self.advance(width);
        self.mark.column += 1;
    }

    /// Moves past a line break, if there is one.
    pub(super) fn skip_break(&mut self) {
        self.take_break(&mut String::new());
    }

    /// Moves past a line break and appends what it counts as: a line feed, but for the separators U+2028 and U+2029.
    pub(super) fn take_break(&mut self, out: &mut String) {
        match self.byte(0) {
            b'\r' if self.byte(1) == b'\n' => {
                self.advance(1);
                self.advance(1);
                out.push('\n');
            }
            b'\r' | b'\n' => {
                self.advance(1);
                out.push('\n');
            }
            0xC2 if self.is_break(0) => {
                self.advance(2);
                out.push('\n');
            }
            0xE2 if self.is_break(0) => {
                out.push_str(self.text.get(self.at..self.at + 3).unwrap_or_default());
                self.advance(3);
            }
            _ => return,
        }
        self.mark.column = 0;
        self.mark.line += 1;
    }

    /// The end of the text counts as the start of a new line.
    pub(super) fn force_new_line(&mut self) {
        if self.mark.column != 0 {
            self.mark.column = 0;
            self.mark.line += 1;
        }
    }
}

fn is_allowed(c: char) -> bool {
    matches!(c,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}'
        | '\u{10000}'..='\u{10FFFF}')
}
