//! Scalars: plain, quoted, and block, with their line folding and escapes.

use super::YamlFault;
use super::scanner::YamlScanner;

/// What happens to the line breaks at the end of a block scalar.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomping {
    Strip,
    Clip,
    Keep,
}

/// Blanks and line breaks that are joined to the scalar once more text follows.
#[derive(Default)]
struct Gap {
    blanks: String,
    first_break: String,
    more_breaks: String,
    has_break: bool,
}

impl Gap {
    /// Appends what the gap counts as, and empties it.
    fn join(&mut self, out: &mut String) {
        if self.has_break {
            fold(&self.first_break, &self.more_breaks, out);
        } else {
            out.push_str(&self.blanks);
        }
        *self = Gap::default();
    }

    fn is_empty(&self) -> bool {
        !self.has_break && self.blanks.is_empty()
    }
}

/// One line feed becomes a space; of several the first is dropped; the separators U+2028 and U+2029 stay.
fn fold(first: &str, more: &str, out: &mut String) {
    if !first.starts_with('\n') {
        out.push_str(first);
        out.push_str(more);
    } else if more.is_empty() {
        out.push(' ');
    } else {
        out.push_str(more);
    }
}

impl YamlScanner<'_> {
    fn fault_in<T>(&self, message: &'static str) -> Result<T, YamlFault> {
        Err(YamlFault::at(self.reader.mark.line, message))
    }

    /// A run of blanks and line breaks within a plain or quoted scalar.
    fn scan_gap(&mut self, gap: &mut Gap, least_indent: Option<isize>) -> Result<(), YamlFault> {
        while self.reader.is_blank(0) || self.reader.is_break(0) {
            if self.reader.is_blank(0) {
                if gap.has_break
                    && self.reader.byte(0) == b'\t'
                    && least_indent.is_some_and(|least| self.is_left_of(least))
                {
                    return self.fault_in("a tab stands where the indentation has to be of spaces");
                }
                if gap.has_break { self.reader.skip() } else { self.reader.take(&mut gap.blanks) }
            } else {
                self.reader.ensure(2)?;
                if gap.has_break {
                    self.reader.take_break(&mut gap.more_breaks);
                } else {
                    gap.blanks.clear();
                    self.reader.take_break(&mut gap.first_break);
                    gap.has_break = true;
                }
            }
            self.reader.ensure(1)?;
        }
        Ok(())
    }

    fn is_left_of(&self, column: isize) -> bool {
        isize::try_from(self.reader.mark.column).is_ok_and(|here| here < column)
    }

    pub(super) fn scan_plain(&mut self) -> Result<String, YamlFault> {
        let least_indent = self.indent + 1;
        let mut text = String::new();
        let mut gap = Gap::default();
        loop {
            self.reader.ensure(4)?;
            if self.reader.is_document_marker() || self.reader.byte(0) == b'#' {
                break;
            }
            while !self.reader.ends_word(0) && !self.ends_plain() {
                if !gap.is_empty() {
                    gap.join(&mut text);
                }
                self.reader.take(&mut text);
                self.reader.ensure(2)?;
            }
            if !(self.reader.is_blank(0) || self.reader.is_break(0)) {
                break;
            }
            self.reader.ensure(1)?;
            self.scan_gap(&mut gap, Some(least_indent))?;
            if !self.is_in_flow() && self.is_left_of(least_indent) {
                break;
            }
        }
        if gap.has_break {
            self.simple_key_allowed = true;
        }
        Ok(text)
    }

    /// Whether an indicator ends a plain scalar here.
    fn ends_plain(&self) -> bool {
        match self.reader.byte(0) {
            b':' => self.reader.ends_word(1),
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => self.is_in_flow(),
            _ => false,
        }
    }

    pub(super) fn scan_quoted(&mut self, is_single: bool) -> Result<String, YamlFault> {
        let quote = if is_single { b'\'' } else { b'"' };
        let opened_at = self.reader.mark.line;
        self.reader.skip();
        let mut text = String::new();
        loop {
            self.reader.ensure(4)?;
            if self.reader.is_document_marker() {
                return self.fault_in("a document marker stands inside a quoted text");
            }
            if self.reader.byte(0) == 0 {
                return Err(YamlFault::at(opened_at, "a quoted text starts here and does not end"));
            }
            let mut gap = Gap::default();
            while !self.reader.ends_word(0) {
                if is_single && self.reader.starts_with(b"''") {
                    text.push('\'');
                    self.reader.skip();
                    self.reader.skip();
                } else if self.reader.byte(0) == quote {
                    break;
                } else if !is_single && self.reader.byte(0) == b'\\' {
                    if self.reader.is_break(1) {
                        // The line goes on in the next one, without the blanks at its start.
                        self.reader.ensure(3)?;
                        self.reader.skip();
                        self.reader.skip_break();
                        gap.has_break = true;
                        break;
                    }
                    self.scan_escape(&mut text)?;
                } else {
                    self.reader.take(&mut text);
                }
                self.reader.ensure(2)?;
            }
            self.reader.ensure(1)?;
            if self.reader.byte(0) == quote {
                break;
            }
            self.scan_gap(&mut gap, None)?;
            gap.join(&mut text);
        }
        self.reader.skip();
        Ok(text)
    }

    fn scan_escape(&mut self, text: &mut String) -> Result<(), YamlFault> {
        let digits = match self.reader.byte(1) {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            letter => {
                let Some(c) = escaped(letter) else {
                    return self.fault_in("a quoted text holds an escape that YAML 1.1 does not know");
                };
                text.push(c);
                0
            }
        };
        self.reader.skip();
        self.reader.skip();
        if digits == 0 {
            return Ok(());
        }
        self.reader.ensure(digits)?;
        let mut value: u32 = 0;
        for offset in 0..digits {
            let Some(digit) = (self.reader.byte(offset) as char).to_digit(16) else {
                return self.fault_in("a quoted text holds an escape without its hexadecimal digits");
            };
            value = (value << 4) | digit;
        }
        let Some(c) = char::from_u32(value) else {
            return self
                .fault_in("a quoted text holds an escape for a character that does not exist, or half of a pair");
        };
        text.push(c);
        for _ in 0..digits {
            self.reader.skip();
        }
        Ok(())
    }

    pub(super) fn scan_block_scalar(&mut self, is_literal: bool) -> Result<String, YamlFault> {
        self.reader.skip();
        self.reader.ensure(1)?;
        let (chomping, increment) = self.scan_block_header()?;
        let mut indent = match (increment, self.indent) {
            (0, _) => 0,
            (increment, outer) => outer.max(0) + increment,
        };
        let mut text = String::new();
        let mut first_break = String::new();
        let mut more_breaks = String::new();
        self.scan_block_breaks(&mut indent, &mut more_breaks)?;
        self.reader.ensure(1)?;
        let mut was_blank = false;
        while usize::try_from(indent) == Ok(self.reader.mark.column) && self.reader.byte(0) != 0 {
            let is_blank = self.reader.is_blank(0);
            if !is_literal && !was_blank && !is_blank && first_break.starts_with('\n') {
                if more_breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(&first_break);
            }
            text.push_str(&more_breaks);
            first_break.clear();
            more_breaks.clear();
            was_blank = is_blank;
            while !self.reader.ends_line(0) {
                self.reader.take(&mut text);
                self.reader.ensure(1)?;
            }
            self.reader.ensure(2)?;
            self.reader.take_break(&mut first_break);
            self.scan_block_breaks(&mut indent, &mut more_breaks)?;
        }
        if chomping != Chomping::Strip {
            text.push_str(&first_break);
        }
        if chomping == Chomping::Keep {
            text.push_str(&more_breaks);
        }
        Ok(text)
    }

    /// What stands after `|` or `>`, up to the end of the line: a chomping sign and an indentation, in any order.
    fn scan_block_header(&mut self) -> Result<(Chomping, isize), YamlFault> {
        let mut chomping = Chomping::Clip;
        let mut increment = 0;
        if self.scan_chomping(&mut chomping) {
            self.reader.ensure(1)?;
            self.scan_increment(&mut increment)?;
        } else if self.scan_increment(&mut increment)? {
            self.reader.ensure(1)?;
            self.scan_chomping(&mut chomping);
        }
        self.reader.ensure(1)?;
        while self.reader.is_blank(0) {
            self.reader.skip();
            self.reader.ensure(1)?;
        }
        if self.reader.byte(0) == b'#' {
            self.skip_comment()?;
        }
        if !self.reader.ends_line(0) {
            return self.fault_in("the first line of a block text holds more than its indicators");
        }
        if self.reader.is_break(0) {
            self.reader.ensure(2)?;
            self.reader.skip_break();
        }
        Ok((chomping, increment))
    }

    fn scan_chomping(&mut self, chomping: &mut Chomping) -> bool {
        *chomping = match self.reader.byte(0) {
            b'+' => Chomping::Keep,
            b'-' => Chomping::Strip,
            _ => return false,
        };
        self.reader.skip();
        true
    }

    fn scan_increment(&mut self, increment: &mut isize) -> Result<bool, YamlFault> {
        match self.reader.byte(0) {
            b'0' => self.fault_in("a block text has an indentation of 0"),
            digit @ b'1'..=b'9' => {
                *increment = isize::from(digit - b'0');
                self.reader.skip();
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Indentation and empty lines of a block scalar; finds the indentation out where it was not given.
    fn scan_block_breaks(&mut self, indent: &mut isize, breaks: &mut String) -> Result<(), YamlFault> {
        let mut deepest = 0;
        loop {
            self.reader.ensure(1)?;
            while (*indent == 0 || self.is_left_of(*indent)) && self.reader.byte(0) == b' ' {
                self.reader.skip();
                self.reader.ensure(1)?;
            }
            deepest = deepest.max(isize::try_from(self.reader.mark.column).unwrap_or(isize::MAX));
            if (*indent == 0 || self.is_left_of(*indent)) && self.reader.byte(0) == b'\t' {
                return self.fault_in("a tab stands where the indentation of a block text has to be of spaces");
            }
            if !self.reader.is_break(0) {
                break;
            }
            self.reader.ensure(2)?;
            self.reader.take_break(breaks);
        }
        if *indent == 0 {
            *indent = deepest.max(self.indent + 1).max(1);
        }
        Ok(())
    }
}

fn escaped(letter: u8) -> Option<char> {
    Some(match letter {
        b'0' => '\0',
        b'a' => '\u{07}',
        b'b' => '\u{08}',
        b't' | b'\t' => '\t',
        b'n' => '\n',
        b'v' => '\u{0B}',
        b'f' => '\u{0C}',
        b'r' => '\r',
        b'e' => '\u{1B}',
        b' ' => ' ',
        b'"' => '"',
        b'\'' => '\'',
        b'\\' => '\\',
        b'N' => '\u{85}',
        b'_' => '\u{A0}',
        b'L' => '\u{2028}',
        b'P' => '\u{2029}',
        _ => return None,
    })
}
