//! Shapes: which members a document has, of which types, and which of them are always there.
//!
//! One walker for JSON and XML. Decides what counts as there: in JSON, `null` is as absent where the service writes it so
//! ([`Need::Nullable`]) and a fault elsewhere; a text that must be there is not empty. Unknown members are passed over, since
//! services grow. Knows no operation: the tables are the callers'.

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use super::xml::XmlElement;

/// What a value must be.
#[derive(Debug)]
pub(in crate::cloud) enum Shape {
    /// A text that is not empty.
    Text,
    /// A text, empty or not.
    AnyText,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Count,
    /// A moment as seconds since 1970.
    Seconds,
    /// A moment as RFC 3339 has it.
    Moment,
    /// One of these texts; any other is not known here.
    Choice(&'static [&'static str]),
    /// A list of any length.
    List(&'static Shape),
    /// A list with something in it.
    Filled(&'static Shape),
    /// A list whose items are read each for itself: one that cannot be read is set aside under the text of this member.
    Items(&'static Shape, &'static str),
    /// Texts by names.
    Map(&'static Shape),
    /// An object with these members, among others.
    Object(&'static [WireMember]),
    /// An object for which more holds than its members tell; the function says what is wrong.
    Where(&'static [WireMember], fn(WireNode<'_>) -> Option<&'static str>),
    /// Whatever it is.
    Any,
}

/// Whether a member is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cloud) enum Need {
    /// In every answer.
    Always,
    /// In every answer; an empty list is written as null, as Go does.
    AlwaysOrNull,
    /// May be absent, but is never null.
    Optional,
    /// May be absent or null.
    Nullable,
}

/// A member of an object.
#[derive(Debug)]
pub(in crate::cloud) struct WireMember {
    name: &'static str,
    shape: Shape,
    need: Need,
}

pub(in crate::cloud) const fn always(name: &'static str, shape: Shape) -> WireMember {
    WireMember { name, shape, need: Need::Always }
}

pub(in crate::cloud) const fn always_or_null(name: &'static str, shape: Shape) -> WireMember {
    WireMember { name, shape, need: Need::AlwaysOrNull }
}

pub(in crate::cloud) const fn optional(name: &'static str, shape: Shape) -> WireMember {
    WireMember { name, shape, need: Need::Optional }
}

pub(in crate::cloud) const fn nullable(name: &'static str, shape: Shape) -> WireMember {
    WireMember { name, shape, need: Need::Nullable }
}

/// Where a document is not as it should be, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cloud) struct ShapeFault {
    at: String,
    why: String,
}

impl ShapeFault {
    pub(in crate::cloud) fn new(at: &str, why: String) -> Self {
        ShapeFault { at: at.to_owned(), why }
    }

    fn within(self, name: &str) -> Self {
        let at = match self.at.as_str() {
            "" => name.to_owned(),
            rest if rest.starts_with('[') => format!("{name}{rest}"),
            rest => format!("{name}.{rest}"),
        };
        ShapeFault { at, ..self }
    }
}

impl fmt::Display for ShapeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at.is_empty() { f.write_str(&self.why) } else { write!(f, "is not readable: {} {}", self.at, self.why) }
    }
}

/// An item of a list that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cloud) struct Unreadable {
    /// The list's member.
    pub(in crate::cloud) list: &'static str,
    /// Counted from 0.
    pub(in crate::cloud) index: usize,
    /// Its name, where that can be read.
    pub(in crate::cloud) name: Option<String>,
    /// What is wrong with it.
    pub(in crate::cloud) fault: ShapeFault,
}

/// A value of a document.
#[derive(Clone, Copy, Debug)]
pub(in crate::cloud) enum WireNode<'a> {
    Json(&'a Value),
    Xml(&'a XmlElement),
}

impl<'a> WireNode<'a> {
    /// A member that is there and not null.
    pub(in crate::cloud) fn member(self, name: &str) -> Result<Option<WireNode<'a>>, ShapeFault> {
        match self {
            WireNode::Json(value) => Ok(value.get(name).filter(|it| !it.is_null()).map(WireNode::Json)),
            WireNode::Xml(element) => {
                let mut found = element.children.iter().filter(|it| it.name == name);
                match (found.next(), found.next()) {
                    (_, Some(_)) => Err(ShapeFault::new(name, "is there twice".to_owned())),
                    (first, None) => Ok(first.map(WireNode::Xml)),
                }
            }
        }
    }

    fn is_null_member(self, name: &str) -> bool {
        matches!(self, WireNode::Json(value) if value.get(name).is_some_and(Value::is_null))
    }

    /// A text, or an element with nothing but text.
    pub(in crate::cloud) fn text(self) -> Option<&'a str> {
        match self {
            WireNode::Json(value) => value.as_str(),
            WireNode::Xml(element) if element.children.is_empty() => Some(&element.text),
            WireNode::Xml(_) => None,
        }
    }

    pub(in crate::cloud) fn flag(self) -> Option<bool> {
        match self {
            WireNode::Json(value) => value.as_bool(),
            WireNode::Xml(_) => match self.text()?.trim() {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            },
        }
    }

    fn count(self) -> Option<i64> {
        match self {
            WireNode::Json(value) => value.as_i64(),
            WireNode::Xml(_) => self.text()?.trim().parse().ok(),
        }
    }

    /// The items of a list; in XML all children are called `member`.
    pub(in crate::cloud) fn items(self) -> Option<Vec<WireNode<'a>>> {
        match self {
            WireNode::Json(value) => Some(value.as_array()?.iter().map(WireNode::Json).collect()),
            WireNode::Xml(element) => {
                let list = element.text.trim().is_empty() && element.children.iter().all(|it| it.name == "member");
                list.then(|| element.children.iter().map(WireNode::Xml).collect())
            }
        }
    }

    fn is_object(self) -> bool {
        match self {
            WireNode::Json(value) => value.is_object(),
            WireNode::Xml(element) => element.text.trim().is_empty(),
        }
    }
}

fn unless(good: bool, why: &str) -> Result<(), ShapeFault> {
    if good { Ok(()) } else { Err(ShapeFault::new("", why.to_owned())) }
}

impl Shape {
    /// Holds a document against the shape. Items that are read each for themselves are set aside.
    pub(in crate::cloud) fn check(&self, node: WireNode<'_>, aside: &mut Vec<Unreadable>) -> Result<(), ShapeFault> {
        self.walk(node, "", aside)
    }

    fn walk(&self, node: WireNode<'_>, name: &'static str, aside: &mut Vec<Unreadable>) -> Result<(), ShapeFault> {
        match self {
            Shape::Text => unless(node.text().is_some_and(|it| !it.trim().is_empty()), "is no text, or an empty one"),
            Shape::AnyText => unless(node.text().is_some(), "is no text"),
            Shape::Flag => unless(node.flag().is_some(), "is neither true nor false"),
            Shape::Count => unless(node.count().is_some(), "is no whole number"),
            Shape::Seconds => {
                unless(matches!(node, WireNode::Json(value) if value.is_number()), "is no time in seconds since 1970")
            }
            Shape::Moment => {
                unless(node.text().is_some_and(|it| it.trim().parse::<Timestamp>().is_ok()), "is no date and time")
            }
            Shape::Choice(known) => {
                let text = node.text().ok_or_else(|| ShapeFault::new("", "is no text".to_owned()))?;
                if known.contains(&text) {
                    return Ok(());
                }
                let text: String = text.chars().take(40).collect();
                Err(ShapeFault::new("", format!("is {text:?}, which is not one of {}", known.join(", "))))
            }
            Shape::List(of) | Shape::Filled(of) => {
                let items = node.items().ok_or_else(|| ShapeFault::new("", "is no list".to_owned()))?;
                unless(!items.is_empty() || matches!(self, Shape::List(_)), "is an empty list")?;
                for (index, item) in items.into_iter().enumerate() {
                    of.walk(item, name, aside).map_err(|it| it.within(&format!("[{index}]")))?;
                }
                Ok(())
            }
            Shape::Items(of, named) => {
                let items = node.items().ok_or_else(|| ShapeFault::new("", "is no list".to_owned()))?;
                for (index, item) in items.into_iter().enumerate() {
                    if let Err(fault) = of.walk(item, name, aside) {
                        let text = item.member(named).ok().flatten().and_then(WireNode::text);
                        let item = text.filter(|it| !it.trim().is_empty()).map(str::to_owned);
                        aside.push(Unreadable { list: name, index, name: item, fault });
                    }
                }
                Ok(())
            }
            Shape::Map(of) => {
                let WireNode::Json(Value::Object(members)) = node else { return unless(false, "is no object") };
                for (key, value) in members {
                    of.walk(WireNode::Json(value), name, aside).map_err(|it| it.within(key))?;
                }
                Ok(())
            }
            Shape::Object(members) => members_of(node, members, aside),
            Shape::Where(members, wrong) => {
                members_of(node, members, aside)?;
                match wrong(node) {
                    None => Ok(()),
                    Some(why) => Err(ShapeFault::new("", why.to_owned())),
                }
            }
            Shape::Any => Ok(()),
        }
    }
}

fn members_of(node: WireNode<'_>, members: &[WireMember], aside: &mut Vec<Unreadable>) -> Result<(), ShapeFault> {
    unless(node.is_object(), "is no object")?;
    for WireMember { name, shape, need } in members {
        match (node.member(name)?, need) {
            (Some(value), _) => shape.walk(value, name, aside).map_err(|it| it.within(name))?,
            (None, Need::Nullable) => {}
            (None, Need::Optional) if !node.is_null_member(name) => {}
            (None, Need::AlwaysOrNull) if node.is_null_member(name) => {}
            (None, _) if node.is_null_member(name) => return Err(ShapeFault::new(name, "is null".to_owned())),
            (None, _) => return Err(ShapeFault::new(name, "is missing".to_owned())),
        }
    }
    Ok(())
}
