//! What a scalar means to go-yaml v2: YAML 1.1's types by its own table, and explicit tags.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::timestamp::is_timestamp;
use super::{YamlFault, YamlScalar};

const PREFIX: &[u8] = b"tag:yaml.org,2002:";

/// A scalar's value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Resolved {
    Null,
    Bool(bool),
    Int(i64),
    /// Too large for [`Resolved::Int`].
    Uint(u64),
    Float(f64),
    /// The text as written.
    Text,
    /// What `!!binary` decodes to.
    Bytes(Vec<u8>),
}

impl Resolved {
    /// The name of its type.
    fn tag_name(&self) -> &'static str {
        match self {
            Resolved::Null => "null",
            Resolved::Bool(_) => "bool",
            Resolved::Int(_) | Resolved::Uint(_) => "int",
            Resolved::Float(_) => "float",
            Resolved::Text => "str",
            Resolved::Bytes(_) => "binary",
        }
    }
}

impl YamlScalar {
    fn short_tag(&self) -> Option<&[u8]> {
        self.tag.strip_prefix(PREFIX)
    }

    /// Whether go-yaml takes the key for the sign that another map is merged in here.
    pub(super) fn is_merge(&self) -> bool {
        self.text == "<<" && (self.is_implicit || self.short_tag() == Some(b"merge"))
    }

    /// The value, or why the tag and the text do not go together.
    pub(super) fn resolve(&self, line: usize) -> Result<Resolved, YamlFault> {
        if self.tag.is_empty() {
            return Ok(if self.is_implicit { resolve_plain(&self.text) } else { Resolved::Text });
        }
        let Some(tag) = self.short_tag() else { return Ok(Resolved::Text) };
        match tag {
            b"str" => Ok(Resolved::Text),
            b"binary" => decode_base64(&self.text)
                .map(Resolved::Bytes)
                .ok_or(YamlFault { line, message: "a !!binary value is not base64".into() }),
            b"bool" | b"int" | b"float" | b"null" | b"timestamp" => self.resolve_as(tag, line),
            _ => Ok(Resolved::Text),
        }
    }

    fn resolve_as(&self, tag: &[u8], line: usize) -> Result<Resolved, YamlFault> {
        if tag == b"timestamp" && is_timestamp(&self.text) {
            return Ok(Resolved::Text);
        }
        match resolve_plain(&self.text) {
            #[allow(clippy::cast_precision_loss)]
            Resolved::Int(number) if tag == b"float" => Ok(Resolved::Float(number as f64)),
            value if value.tag_name().as_bytes() == tag => Ok(value),
            value => {
                let tag = String::from_utf8_lossy(tag);
                let message = format!("{:?} is tagged !!{tag}, and is a !!{}", shorten(&self.text), value.tag_name());
                Err(YamlFault { line, message: message.into() })
            }
        }
    }
}

fn shorten(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()).into(),
        None => text.into(),
    }
}

/// The type of a scalar without a tag. Dates are texts here.
fn resolve_plain(text: &str) -> Resolved {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Resolved::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Resolved::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Resolved::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Resolved::Float(f64::NEG_INFINITY),
        _ => {}
    }
    match text.as_bytes().first() {
        Some(b'.') => parse_point_float(text).map_or(Resolved::Text, Resolved::Float),
        Some(b'+' | b'-' | b'0'..=b'9') => parse_number(text),
        _ => Resolved::Text,
    }
}

/// A number that starts with a point: Go's own floats, whose underscores stand between digits.
fn parse_point_float(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let digit_at = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'_' && !(at > 0 && digit_at(at - 1) && digit_at(at + 1)) {
            return None;
        }
    }
    parse_float(&text.replace('_', ""))
}

/// A sign, digits with a point, an exponent; nothing that is too large.
fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (unsigned.get(..at)?, Some(unsigned.get(at + 1..)?)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    if let Some(exponent) = exponent {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if unsigned.is_empty() || !digits(unsigned) {
            return None;
        }
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// Integers in Go's notations, and floats; underscores may stand anywhere but at the start.
fn parse_number(text: &str) -> Resolved {
    let plain: Cow<'_, str> = if text.contains('_') { text.replace('_', "").into() } else { text.into() };
    if let Some(number) = parse_int(&plain).or_else(|| parse_uint(&plain)) {
        return number;
    }
    if let Some(number) = parse_float(&plain) {
        return Resolved::Float(number);
    }
    // go-yaml's own binary notation, which takes a sign after the prefix too.
    if let Some(digits) = plain.strip_prefix("0b") {
        if let Ok(number) = i64::from_str_radix(digits, 2) {
            return Resolved::Int(number);
        }
    } else if let Some(digits) = plain.strip_prefix("-0b")
        && let Ok(number) = i64::from_str_radix(&format!("-{digits}"), 2)
    {
        return Resolved::Int(number);
    }
    Resolved::Text
}

/// The digits of an integer and their base, by its prefix: `0x`, `0o`, `0b`, or `0` for octal.
fn base_of(unsigned: &str) -> (&str, u32) {
    let mut bytes = unsigned.bytes();
    let prefixed = unsigned.get(2..).unwrap_or_default();
    match (bytes.next(), bytes.next()) {
        (Some(b'0'), Some(b'x' | b'X')) if !prefixed.is_empty() => (prefixed, 16),
        (Some(b'0'), Some(b'o' | b'O')) if !prefixed.is_empty() => (prefixed, 8),
        (Some(b'0'), Some(b'b' | b'B')) if !prefixed.is_empty() => (prefixed, 2),
        (Some(b'0'), Some(_)) => (unsigned.get(1..).unwrap_or_default(), 8),
        _ => (unsigned, 10),
    }
}

fn parse_digits(unsigned: &str) -> Option<u64> {
    let (digits, base) = base_of(unsigned);
    // The standard library would take a sign here.
    let is_number = digits.bytes().all(|byte| (byte as char).is_digit(base));
    if is_number { u64::from_str_radix(digits, base).ok() } else { None }
}

fn parse_int(plain: &str) -> Option<Resolved> {
    let (unsigned, negative) = match plain.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (plain.strip_prefix('+').unwrap_or(plain), false),
    };
    let number = i128::from(parse_digits(unsigned)?);
    i64::try_from(if negative { -number } else { number }).ok().map(Resolved::Int)
}

fn parse_uint(plain: &str) -> Option<Resolved> {
    parse_digits(plain).map(Resolved::Uint)
}

/// Base64 as Go's standard encoding reads it: line breaks are skipped, padding is required, and the bits that are left
/// over at the end may be anything.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    GeneralPurpose::new(&STANDARD, config).decode(text).ok()
}
