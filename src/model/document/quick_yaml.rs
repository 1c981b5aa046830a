//! YAML that means the same to everybody, read without keeping track of where it is.
//!
//! The reader of all other YAML names line and field of a fault and knows tags, anchors, merge keys and a dozen ways to write
//! a number, which costs more than parsing does. This one takes the events of the same parser straight to the model. Decides
//! what is plain enough for that; everything else is an error here ([`NotPlain`]), which says nothing of the document: it
//! must then be read with care. So whatever is taken here has to come out as it does there.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use granit_parser::{Event, Parser, ScalarStyle, StrInput};
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};

/// Deeper documents are read with care.
const MOST_LEVELS: usize = 64;

/// So many keys are compared one by one; more are looked up.
const FEW_KEYS: usize = 16;

/// A text that is not plain enough.
#[derive(Debug)]
pub(super) struct NotPlain;

impl fmt::Display for NotPlain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is to be read with care")
    }
}

impl std::error::Error for NotPlain {}

impl serde::de::Error for NotPlain {
    fn custom<T: fmt::Display>(_: T) -> Self {
        NotPlain
    }
}

/// Reads a text of one plain document.
pub(super) fn read_plain<T: DeserializeOwned>(text: &str) -> Result<T, NotPlain> {
    let mut events = PlainEvents { parser: Parser::new_from_str(text), peeked: None, levels: 0 };
    let begins = matches!(events.next()?, Event::StreamStart) && matches!(events.next()?, Event::DocumentStart(..));
    if !begins {
        return Err(NotPlain);
    }
    let read = T::deserialize(&mut events)?;
    let ends = matches!(events.next()?, Event::DocumentEnd) && matches!(events.next()?, Event::StreamEnd);
    if ends { Ok(read) } else { Err(NotPlain) }
}

/// The events of a document, without comments.
struct PlainEvents<'de> {
    parser: Parser<'de, StrInput<'de>>,
    peeked: Option<Event<'de>>,
    levels: usize,
}

/// A scalar, and whether it stands there without quotes.
struct PlainScalar<'de> {
    text: Cow<'de, str>,
    is_bare: bool,
}

impl<'de> PlainEvents<'de> {
    fn next(&mut self) -> Result<Event<'de>, NotPlain> {
        if let Some(event) = self.peeked.take() {
            return Ok(event);
        }
        loop {
            match self.parser.next_event() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok((event, _))) => return Ok(event),
                Some(Err(_)) | None => return Err(NotPlain),
            }
        }
    }

    fn scalar(&mut self) -> Result<PlainScalar<'de>, NotPlain> {
        match self.next()? {
            Event::Scalar(text, style, 0, None) => Ok(PlainScalar { text, is_bare: style == ScalarStyle::Plain }),
            _ => Err(NotPlain),
        }
    }

    /// A scalar that is a text wherever a text is wanted.
    fn text(&mut self) -> Result<Cow<'de, str>, NotPlain> {
        let PlainScalar { text, is_bare } = self.scalar()?;
        if is_bare && is_null_like(&text) { Err(NotPlain) } else { Ok(text) }
    }

    /// A whole number as everybody writes it.
    fn number(&mut self) -> Result<i64, NotPlain> {
        let PlainScalar { text, is_bare } = self.scalar()?;
        if is_bare { whole_number(&text).ok_or(NotPlain) } else { Err(NotPlain) }
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, NotPlain>) -> Result<T, NotPlain> {
        self.levels += 1;
        if self.levels > MOST_LEVELS {
            return Err(NotPlain);
        }
        let read = read(self)?;
        self.levels -= 1;
        Ok(read)
    }

    fn sequence<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, NotPlain> {
        self.nested(|events| {
            let mut items = PlainItems { events, has_ended: false };
            let read = visitor.visit_seq(&mut items)?;
            if items.has_ended { Ok(read) } else { Err(NotPlain) }
        })
    }

    fn mapping<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, NotPlain> {
        self.nested(|events| {
            let mut members = PlainMembers { events, keys: Vec::new(), many: HashSet::new(), has_ended: false };
            let read = visitor.visit_map(&mut members)?;
            if members.has_ended { Ok(read) } else { Err(NotPlain) }
        })
    }
}

fn is_null_like(text: &str) -> bool {
    text.is_empty() || text == "~" || text.eq_ignore_ascii_case("null")
}

/// A decimal number without sign, leading zero, exponent or separators.
fn whole_number(text: &str) -> Option<i64> {
    let is_plain =
        text.len() <= 15 && text.bytes().all(|it| it.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if is_plain { text.parse().ok() } else { None }
}

/// A bare scalar that is a text even where anything may stand: it can be no number, and is no word for one or for a truth.
fn is_word(text: &str) -> bool {
    const WORDS: [&str; 11] = ["y", "n", "yes", "no", "on", "off", "true", "false", "nan", "inf", "infinity"];
    let is_worded = |it: &&str| it.eq_ignore_ascii_case(text);
    let begins_so = text.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_' || it == '/');
    begins_so && !is_null_like(text) && !WORDS.iter().any(is_worded)
}

/// A bare moment as this program writes it: `2026-11-24T06:00:00Z`.
fn is_moment(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 20 && bytes.get(10) == Some(&b'T') && text.ends_with('Z')
}

fn visit_text<'de, V: Visitor<'de>>(text: Cow<'de, str>, visitor: V) -> Result<V::Value, NotPlain> {
    match text {
        Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
        Cow::Owned(text) => visitor.visit_string(text),
    }
}

impl<'de> Deserializer<'de> for &mut PlainEvents<'de> {
    type Error = NotPlain;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        match self.next()? {
            Event::Scalar(text, ScalarStyle::Plain, 0, None) => match &*text {
                "null" => visitor.visit_unit(),
                "true" => visitor.visit_bool(true),
                "false" => visitor.visit_bool(false),
                word if is_word(word) || is_moment(word) => visit_text(text, visitor),
                number => visitor.visit_i64(whole_number(number).ok_or(NotPlain)?),
            },
            Event::Scalar(text, _, 0, None) => visit_text(text, visitor),
            Event::SequenceStart(_, 0, None) => self.sequence(visitor),
            Event::MappingStart(_, 0, None) => self.mapping(visitor),
            _ => Err(NotPlain),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        let event = self.next()?;
        match &event {
            Event::Scalar(text, ScalarStyle::Plain, 0, None) if text == "null" => visitor.visit_none(),
            Event::Scalar(text, ScalarStyle::Plain, ..) if is_null_like(text) => Err(NotPlain),
            _ => {
                self.peeked = Some(event);
                visitor.visit_some(self)
            }
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        let text = self.text()?;
        visit_text(text, visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        let PlainScalar { text, is_bare } = self.scalar()?;
        match &*text {
            "true" if is_bare => visitor.visit_bool(true),
            "false" if is_bare => visitor.visit_bool(false),
            _ => Err(NotPlain),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        let number = self.number()?;
        visitor.visit_i64(number)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        match self.next()? {
            Event::SequenceStart(_, 0, None) => self.sequence(visitor),
            _ => Err(NotPlain),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        match self.next()? {
            Event::MappingStart(_, 0, None) => self.mapping(visitor),
            _ => Err(NotPlain),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NotPlain> {
        self.deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, NotPlain> {
        visitor.visit_newtype_struct(self)
    }

    /// Of the names of an enum without content alone.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NotPlain> {
        let text = self.text()?;
        if !is_word(&text) {
            return Err(NotPlain);
        }
        let name: StrDeserializer<'_, NotPlain> = (*text).into_deserializer();
        visitor.visit_enum(name)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i128 u8 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct
    }
}

/// The items of a sequence.
struct PlainItems<'p, 'de> {
    events: &'p mut PlainEvents<'de>,
    has_ended: bool,
}

impl<'de> SeqAccess<'de> for &mut PlainItems<'_, 'de> {
    type Error = NotPlain;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, NotPlain> {
        match self.events.next()? {
            Event::SequenceEnd => {
                self.has_ended = true;
                Ok(None)
            }
            event => {
                self.events.peeked = Some(event);
                seed.deserialize(&mut *self.events).map(Some)
            }
        }
    }
}

/// The members of a mapping, none of which may be there twice.
struct PlainMembers<'p, 'de> {
    events: &'p mut PlainEvents<'de>,
    keys: Vec<Cow<'de, str>>,
    /// The same, where there are many.
    many: HashSet<Cow<'de, str>>,
    has_ended: bool,
}

impl<'de> PlainMembers<'_, 'de> {
    fn is_new(&mut self, key: Cow<'de, str>) -> bool {
        if self.keys.len() < FEW_KEYS {
            let is_new = !self.keys.contains(&key);
            self.keys.push(key);
            return is_new;
        }
        if self.many.is_empty() {
            self.many.extend(self.keys.iter().cloned());
        }
        self.many.insert(key)
    }
}

impl<'de> MapAccess<'de> for &mut PlainMembers<'_, 'de> {
    type Error = NotPlain;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, NotPlain> {
        let key = match self.events.next()? {
            Event::MappingEnd => {
                self.has_ended = true;
                return Ok(None);
            }
            Event::Scalar(key, style, 0, None) if style != ScalarStyle::Plain || is_word(&key) => key,
            _ => return Err(NotPlain),
        };
        if !self.is_new(key.clone()) {
            return Err(NotPlain);
        }
        match key {
            Cow::Borrowed(key) => seed.deserialize(serde::de::value::BorrowedStrDeserializer::new(key)).map(Some),
            Cow::Owned(key) => seed.deserialize(key.into_deserializer()).map(Some),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, NotPlain> {
        seed.deserialize(&mut *self.events)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;
    use crate::model::document::from_yaml;

    /// As this reader reads a text, and as the careful one does.
    fn both<T: DeserializeOwned + PartialEq + fmt::Debug>(text: &str) -> Option<T> {
        let quick = read_plain::<T>(text).ok();
        if let Some(quick) = &quick {
            assert_eq!(from_yaml::<T>(text).as_ref(), Ok(quick), "{text}");
        }
        quick
    }

    /// Scalars of every kind that somebody may take for something else.
    const SCALARS: [&str; 62] = [
        "word",
        "two words",
        "/path",
        "_x",
        "null",
        "Null",
        "NULL",
        "~",
        "\"\"",
        "''",
        "",
        "true",
        "True",
        "TRUE",
        "false",
        "yes",
        "No",
        "on",
        "OFF",
        "y",
        "n",
        "0",
        "7",
        "-7",
        "+7",
        "007",
        "0o7",
        "0x1f",
        "0b1",
        "1_000",
        "1.5",
        "1e3",
        "1.",
        ".5",
        ".inf",
        "-.inf",
        ".nan",
        "nan",
        "inf",
        "Infinity",
        "1:30",
        "2026-11-24",
        "2026-11-24T06:00:00Z",
        "10.0.0.0/8",
        "111122223333",
        "99999999999999999999",
        "\"quoted\"",
        "'single'",
        "\"esc\\n\\u00e9\"",
        "\"7\"",
        "\"null\"",
        "é",
        "*",
        "{{x}}",
        "[a, 1]",
        "{a: b}",
        "!!str 7",
        "!x y",
        "&a b",
        "- x",
        "a: b",
        "<<",
    ];

    #[test]
    fn whatever_is_taken_comes_out_as_with_care() {
        let mut taken = 0;
        for scalar in SCALARS {
            for text in
                [format!("a: {scalar}\nb: x\n"), format!("{scalar}: 1\n"), format!("- {scalar}\n"), scalar.to_owned()]
            {
                taken += usize::from(both::<Value>(&text).is_some());
                taken += usize::from(both::<BTreeMap<String, Value>>(&text).is_some());
                taken += usize::from(both::<BTreeMap<String, String>>(&text).is_some());
                taken += usize::from(both::<BTreeMap<String, Option<String>>>(&text).is_some());
                taken += usize::from(both::<BTreeMap<String, Option<u32>>>(&text).is_some());
                taken += usize::from(both::<BTreeMap<String, bool>>(&text).is_some());
                taken += usize::from(both::<Vec<Option<String>>>(&text).is_some());
                taken += usize::from(both::<Vec<i64>>(&text).is_some());
            }
        }
        assert!(taken > 250, "too few are taken to tell anything: {taken}");
    }

    #[test]
    fn what_has_more_to_it_is_left_to_care() {
        for text in [
            "a: 1\na: 2\n",
            "a: &x b\nc: *x\n",
            "a: !!str b\n",
            "x: &x {a: 1}\ny: {<<: *x}\n",
            "a: 1\n---\nb: 2\n",
            "a: 1\n...\nb\n",
            "? [a]\n: b\n",
            "a: [1\n",
            "",
            "# nothing\n",
        ] {
            assert!(read_plain::<Value>(text).is_err(), "{text}");
        }
        let many: String = (0..40).map(|n| format!("k{n}: x\n")).collect();
        assert!(both::<BTreeMap<String, String>>(&many).is_some());
        assert!(
            read_plain::<BTreeMap<String, String>>(&(many + "k39: y\n")).is_err(),
            "of many keys one is there twice"
        );
        let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert!(both::<Value>(&deep(MOST_LEVELS)).is_some());
        assert!(read_plain::<Value>(&deep(MOST_LEVELS + 1)).is_err());
        assert_eq!(both::<Value>("# a note\na: b # another\n"), Some(serde_json::json!({"a": "b"})));
    }

    #[test]
    fn texts_of_several_lines_are_one() {
        for text in ["a: |\n  one\n  two\n", "a: >-\n  one\n  two\n", "a: one\n  two\n", "a: \"one\n  two\"\n"] {
            assert!(both::<BTreeMap<String, String>>(text).is_some(), "{text}");
        }
    }
}
