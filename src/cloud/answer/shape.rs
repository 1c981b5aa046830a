//! Shapes: which members a document has, of which types, and which of them are always there.
//!
//! One walker for JSON and XML. Decides what counts as there: in JSON, `null` is as absent where the service writes it so
//! ([`Need::Nullable`]) and a fault elsewhere; a text that must be there is not empty. Unknown members are passed over, since
//! services grow. Knows no operation: the tables are the callers'.

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use super::xml::Element;

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
    Object(&'static [Member]),
    /// An object for which more holds than its members tell; the function says what is wrong.
    Where(&'static [Member], fn(Node<'_>) -> Option<&'static str>),
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
pub(in crate::cloud) struct Member {
    name: &'static str,
    shape: Shape,
    need: Need,
}

pub(in crate::cloud) const fn always(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, need: Need::Always }
}

pub(in crate::cloud) const fn always_or_null(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, need: Need::AlwaysOrNull }
}

pub(in crate::cloud) const fn optional(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, need: Need::Optional }
}

pub(in crate::cloud) const fn nullable(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, need: Need::Nullable }
}

/// Where a document is not as it should be, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cloud) struct Fault {
    at: String,
    why: String,
}

impl Fault {
    pub(in crate::cloud) fn new(at: &str, why: String) -> Self {
        Fault { at: at.to_owned(), why }
    }

    fn within(self, name: &str) -> Self {
        let at = match self.at.as_str() {
            "" => name.to_owned(),
            rest if rest.starts_with('[') => format!("{name}{rest}"),
            rest => format!("{name}.{rest}"),
        };
        Fault { at, ..self }
    }
}

impl fmt::Display for Fault {
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
    pub(in crate::cloud) fault: Fault,
}

/// A value of a document.
#[derive(Clone, Copy, Debug)]
pub(in crate::cloud) enum Node<'a> {
    Json(&'a Value),
    Xml(&'a Element),
}

impl<'a> Node<'a> {
    /// A member that is there and not null.
    pub(in crate::cloud) fn member(self, name: &str) -> Result<Option<Node<'a>>, Fault> {
        match self {
            Node::Json(value) => Ok(value.get(name).filter(|it| !it.is_null()).map(Node::Json)),
            Node::Xml(element) => {
                let mut found = element.children.iter().filter(|it| it.name == name);
                match (found.next(), found.next()) {
                    (_, Some(_)) => Err(Fault::new(name, "is there twice".to_owned())),
                    (first, None) => Ok(first.map(Node::Xml)),
                }
            }
        }
    }

    fn is_null_member(self, name: &str) -> bool {
        matches!(self, Node::Json(value) if value.get(name).is_some_and(Value::is_null))
    }

    /// A text, or an element with nothing but text.
    pub(in crate::cloud) fn text(self) -> Option<&'a str> {
        match self {
            Node::Json(value) => value.as_str(),
            Node::Xml(element) if element.children.is_empty() => Some(&element.text),
            Node::Xml(_) => None,
        }
    }

    pub(in crate::cloud) fn flag(self) -> Option<bool> {
        match self {
            Node::Json(value) => value.as_bool(),
            Node::Xml(_) => match self.text()?.trim() {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            },
        }
    }

    fn count(self) -> Option<i64> {
        match self {
            Node::Json(value) => value.as_i64(),
            Node::Xml(_) => self.text()?.trim().parse().ok(),
        }
    }

    /// The items of a list; in XML all children are called `member`.
    pub(in crate::cloud) fn items(self) -> Option<Vec<Node<'a>>> {
        match self {
            Node::Json(value) => Some(value.as_array()?.iter().map(Node::Json).collect()),
            Node::Xml(element) => {
                let list = element.text.trim().is_empty() && element.children.iter().all(|it| it.name == "member");
                list.then(|| element.children.iter().map(Node::Xml).collect())
            }
        }
    }

    fn is_object(self) -> bool {
        match self {
            Node::Json(value) => value.is_object(),
            Node::Xml(element) => element.text.trim().is_empty(),
        }
    }
}

fn unless(good: bool, why: &str) -> Result<(), Fault> {
    if good { Ok(()) } else { Err(Fault::new("", why.to_owned())) }
}

impl Shape {
    /// Holds a document against the shape. Items that are read each for themselves are set aside.
    pub(in crate::cloud) fn check(&self, node: Node<'_>, aside: &mut Vec<Unreadable>) -> Result<(), Fault> {
        self.walk(node, "", aside)
    }

    fn walk(&self, node: Node<'_>, name: &'static str, aside: &mut Vec<Unreadable>) -> Result<(), Fault> {
        match self {
            Shape::Text => unless(node.text().is_some_and(|it| !it.trim().is_empty()), "is no text, or an empty one"),
            Shape::AnyText => unless(node.text().is_some(), "is no text"),
            Shape::Flag => unless(node.flag().is_some(), "is neither true nor false"),
            Shape::Count => unless(node.count().is_some(), "is no whole number"),
            Shape::Seconds => {
                unless(matches!(node, Node::Json(value) if value.is_number()), "is no time in seconds since 1970")
            }
            Shape::Moment => {
                unless(node.text().is_some_and(|it| it.trim().parse::<Timestamp>().is_ok()), "is no date and time")
            }
            Shape::Choice(known) => {
                let text = node.text().ok_or_else(|| Fault::new("", "is no text".to_owned()))?;
                if known.contains(&text) {
                    return Ok(());
                }
                let text: String = text.chars().take(40).collect();
                Err(Fault::new("", format!("is {text:?}, which is not one of {}", known.join(", "))))
            }
            Shape::List(of) | Shape::Filled(of) => {
                let items = node.items().ok_or_else(|| Fault::new("", "is no list".to_owned()))?;
                unless(!items.is_empty() || matches!(self, Shape::List(_)), "is an empty list")?;
                for (index, item) in items.into_iter().enumerate() {
                    of.walk(item, name, aside).map_err(|it| it.within(&format!("[{index}]")))?;
                }
                Ok(())
            }
            Shape::Items(of, named) => {
                let items = node.items().ok_or_else(|| Fault::new("", "is no list".to_owned()))?;
                for (index, item) in items.into_iter().enumerate() {
                    if let Err(fault) = of.walk(item, name, aside) {
                        let text = item.member(named).ok().flatten().and_then(Node::text);
                        let item = text.filter(|it| !it.trim().is_empty()).map(str::to_owned);
                        aside.push(Unreadable { list: name, index, name: item, fault });
                    }
                }
                Ok(())
            }
            Shape::Map(of) => {
                let Node::Json(Value::Object(members)) = node else { return unless(false, "is no object") };
                for (key, value) in members {
                    of.walk(Node::Json(value), name, aside).map_err(|it| it.within(key))?;
                }
                Ok(())
            }
            Shape::Object(members) => members_of(node, members, aside),
            Shape::Where(members, wrong) => {
                members_of(node, members, aside)?;
                match wrong(node) {
                    None => Ok(()),
                    Some(why) => Err(Fault::new("", why.to_owned())),
                }
            }
            Shape::Any => Ok(()),
        }
    }
}

fn members_of(node: Node<'_>, members: &[Member], aside: &mut Vec<Unreadable>) -> Result<(), Fault> {
    unless(node.is_object(), "is no object")?;
    for Member { name, shape, need } in members {
        match (node.member(name)?, need) {
            (Some(value), _) => shape.walk(value, name, aside).map_err(|it| it.within(name))?,
            (None, Need::Nullable) => {}
            (None, Need::Optional) if !node.is_null_member(name) => {}
            (None, Need::AlwaysOrNull) if node.is_null_member(name) => {}
            (None, _) if node.is_null_member(name) => return Err(Fault::new(name, "is null".to_owned())),
            (None, _) => return Err(Fault::new(name, "is missing".to_owned())),
        }
    }
    Ok(())
}
