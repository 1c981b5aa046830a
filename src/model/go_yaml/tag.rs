//! Directives, anchors and tags.

use super::YamlFault;
use super::scanner::{YamlScanner, YamlTokenKind};

impl YamlScanner<'_> {
    fn fault_here<T>(&self, message: &'static str) -> Result<T, YamlFault> {
        Err(YamlFault::at(self.reader.mark.line, message))
    }

    fn skip_blanks(&mut self) -> Result<(), YamlFault> {
        self.reader.ensure(1)?;
        while self.reader.is_blank(0) {
            self.reader.skip();
            self.reader.ensure(1)?;
        }
        Ok(())
    }

    fn scan_word(&mut self, word: &mut String) -> Result<(), YamlFault> {
        self.reader.ensure(1)?;
        while is_word(self.reader.byte(0)) {
            self.reader.take(word);
            self.reader.ensure(1)?;
        }
        Ok(())
    }

    /// `%YAML 1.1` or `%TAG !h! prefix`.
    pub(super) fn scan_directive(&mut self) -> Result<YamlTokenKind, YamlFault> {
        self.reader.skip();
        let mut name = String::new();
        self.scan_word(&mut name)?;
        if name.is_empty() {
            return self.fault_here("a directive has no name");
        }
        if !self.reader.ends_word(0) {
            return self.fault_here("the name of a directive holds a character that it may not hold");
        }
        let kind = match name.as_str() {
            "YAML" => {
                self.skip_blanks()?;
                let major = self.scan_version_number()?;
                if self.reader.byte(0) != b'.' {
                    return self.fault_here("the version of a %YAML directive has no '.'");
                }
                self.reader.skip();
                YamlTokenKind::VersionDirective(major, self.scan_version_number()?)
            }
            "TAG" => {
                self.skip_blanks()?;
                let handle = self.scan_tag_handle(true)?;
                self.reader.ensure(1)?;
                if !self.reader.is_blank(0) {
                    return self.fault_here("a %TAG directive has no blank after its handle");
                }
                self.skip_blanks()?;
                let prefix = self.scan_tag_text(b"")?;
                self.reader.ensure(1)?;
                if !self.reader.ends_word(0) {
                    return self.fault_here("a %TAG directive has no blank after its prefix");
                }
                YamlTokenKind::TagDirective { handle, prefix }
            }
            _ => return self.fault_here("a line starts with '%' and is no known directive"),
        };
        self.skip_blanks()?;
        if self.reader.byte(0) == b'#' {
            self.skip_comment()?;
        }
        if !self.reader.ends_line(0) {
            return self.fault_here("a directive has more text after it");
        }
        if self.reader.is_break(0) {
            self.reader.ensure(2)?;
            self.reader.skip_break();
        }
        Ok(kind)
    }

    /// One or two digits.
    fn scan_version_number(&mut self) -> Result<u8, YamlFault> {
        let mut digits = 0;
        let mut number = 0;
        self.reader.ensure(1)?;
        while let digit @ b'0'..=b'9' = self.reader.byte(0) {
            digits += 1;
            if digits > 2 {
                return self.fault_here("the version of a %YAML directive is too long");
            }
            number = number * 10 + (digit - b'0');
            self.reader.skip();
            self.reader.ensure(1)?;
        }
        if digits == 0 { self.fault_here("a %YAML directive has no version") } else { Ok(number) }
    }

    /// The name after `&` or `*`.
    pub(super) fn scan_anchor_name(&mut self) -> Result<String, YamlFault> {
        self.reader.skip();
        let mut name = String::new();
        self.scan_word(&mut name)?;
        let ends = self.reader.ends_word(0)
            || matches!(self.reader.byte(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !ends {
            return self
                .fault_here("the name of an anchor or alias is missing or holds a character that it may not hold");
        }
        Ok(name)
    }

    pub(super) fn scan_tag(&mut self) -> Result<YamlTokenKind, YamlFault> {
        self.reader.ensure(2)?;
        let (handle, suffix) = if self.reader.byte(1) == b'<' {
            self.reader.skip();
            self.reader.skip();
            let suffix = self.scan_tag_text(b"")?;
            if self.reader.byte(0) != b'>' {
                return self.fault_here("a tag that starts with '!<' does not end with '>'");
            }
            self.reader.skip();
            (Vec::new(), suffix)
        } else {
            let handle = self.scan_tag_handle(false)?;
            if handle.len() > 1 && handle.ends_with(b"!") {
                let suffix = self.scan_tag_text(b"")?;
                (handle, suffix)
            } else {
                // What looked like a handle is the start of the tag itself.
                let suffix = self.scan_tag_text(&handle)?;
                if suffix.is_empty() { (Vec::new(), b"!".to_vec()) } else { (b"!".to_vec(), suffix) }
            }
        };
        self.reader.ensure(1)?;
        if !self.reader.ends_word(0) {
            return self.fault_here("a tag has no blank after it");
        }
        Ok(YamlTokenKind::Tag { handle, suffix })
    }

    fn scan_tag_handle(&mut self, is_directive: bool) -> Result<Vec<u8>, YamlFault> {
        self.reader.ensure(1)?;
        if self.reader.byte(0) != b'!' {
            return self.fault_here("the handle of a tag does not start with '!'");
        }
        let mut handle = String::new();
        self.reader.take(&mut handle);
        self.scan_word(&mut handle)?;
        if self.reader.byte(0) == b'!' {
            self.reader.take(&mut handle);
        } else if is_directive && handle != "!" {
            return self.fault_here("the handle of a %TAG directive does not end with '!'");
        }
        Ok(handle.into_bytes())
    }

    /// The rest of a tag, after what of it was already read with its `!`.
    fn scan_tag_text(&mut self, head: &[u8]) -> Result<Vec<u8>, YamlFault> {
        let mut text = head.get(1..).unwrap_or_default().to_vec();
        let mut found = !head.is_empty();
        self.reader.ensure(1)?;
        while is_word(self.reader.byte(0)) || b";/?:@&=+$,.!~*'()[]%".contains(&self.reader.byte(0)) {
            if self.reader.byte(0) == b'%' {
                self.scan_percent_escape(&mut text)?;
            } else {
                text.push(self.reader.byte(0));
                self.reader.skip();
            }
            self.reader.ensure(1)?;
            found = true;
        }
        if found { Ok(text) } else { self.fault_here("a tag has no text") }
    }

    /// One character, as so many `%XX` as it has bytes.
    fn scan_percent_escape(&mut self, text: &mut Vec<u8>) -> Result<(), YamlFault> {
        let mut left = None;
        loop {
            self.reader.ensure(3)?;
            let digit = |offset| (self.reader.byte(offset) as char).to_digit(16).and_then(|it| u8::try_from(it).ok());
            let (b'%', Some(high), Some(low)) = (self.reader.byte(0), digit(1), digit(2)) else {
                return self.fault_here("a '%' in a tag has no two hexadecimal digits after it");
            };
            let byte = (high << 4) | low;
            let more = match (left, byte) {
                (Some(left), 0x80..=0xBF) => left,
                (None, 0..=0x7F) => 1,
                (None, 0xC0..=0xDF) => 2,
                (None, 0xE0..=0xEF) => 3,
                (None, 0xF0..=0xF7) => 4,
                _ => return self.fault_here("the '%' escapes in a tag are no UTF-8"),
            };
            text.push(byte);
            for _ in 0..3 {
                self.reader.skip();
            }
            if more == 1 {
                return Ok(());
            }
            left = Some(more - 1);
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
