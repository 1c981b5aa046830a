//! Policy variables: `${aws:username}` and its like in the values of conditions.
//!
//! Decides what a value wants once its variables are filled in. What a variable brings is plain text, never a wildcard.

use std::collections::BTreeSet;

use super::request::{Lookup, Request};
use crate::model::wildcard::{Sign, fits, glob};

/// A value of a condition, its variables filled in.
pub(super) enum Wanted<'a> {
    /// As written: it has no variables.
    Plain(&'a str),
    /// Signs; `*` and `?` are wildcards for those operators that know them, and themselves for the others.
    Signs(Vec<Sign>),
    /// It uses a key that the request lacks, and has no default: it fits nothing.
    Nothing,
    /// It uses a key that is not known, or that has several values.
    Unknown,
}

impl Wanted<'_> {
    /// As plain text, wildcards standing for themselves; `None` where it is not known, or fits nothing.
    pub(super) fn into_text(self) -> Option<String> {
        let plain = |sign: Sign| match sign {
            Sign::Run => '*',
            Sign::One => '?',
            Sign::Char(c) => c,
        };
        match self {
            Wanted::Plain(text) => Some(text.to_owned()),
            Wanted::Signs(signs) => Some(signs.into_iter().map(plain).collect()),
            Wanted::Nothing | Wanted::Unknown => None,
        }
    }
}

/// One piece of a value.
enum Piece<'a> {
    Text(&'a str),
    /// The name, and the default.
    Variable(&'a str, Option<&'a str>),
    /// What stands in the braces in no documented form: nobody can say what it becomes.
    Odd(&'a str),
}

/// Takes a value apart. What is opened and never closed is text.
fn pieces(value: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let mut rest = value;
    while let Some((before, inside, after)) = rest
        .split_once("${")
        .and_then(|(before, tail)| tail.split_once('}').map(|(inside, after)| (before, inside, after)))
    {
        out.push(Piece::Text(before));
        out.push(match inside.split_once(',') {
            Some((name, default)) => {
                let quoted = default.strip_prefix(" '").and_then(|it| it.strip_suffix('\''));
                let default = quoted.filter(|it| !it.contains('\''));
                default.map_or(Piece::Odd(inside), |default| Piece::Variable(name, Some(default)))
            }
            None => Piece::Variable(inside, None),
        });
        if let Some(Piece::Variable(name, _)) = out.last()
            && (name.is_empty() || name.contains(char::is_whitespace) || name.contains("${"))
        {
            out.pop();
            out.push(Piece::Odd(inside));
        }
        rest = after;
    }
    out.push(Piece::Text(rest));
    out
}

/// The signs of a value, its variables filled in; what stands for one that cannot be is the caller's, by whether the
/// request is known to lack it; an error ends it.
fn filled<E>(
    value: &str,
    request: &Request,
    mut otherwise: impl FnMut(bool) -> Result<Sign, E>,
) -> Result<Vec<Sign>, E> {
    let mut signs = Vec::new();
    for piece in pieces(value) {
        match piece {
            Piece::Text(text) => signs.extend(text.chars().map(Sign::of)),
            Piece::Odd(_) => signs.push(otherwise(false)?),
            Piece::Variable(sign @ ("*" | "?" | "$"), None) => signs.extend(sign.chars().map(Sign::Char)),
            Piece::Variable(name, default) => match (request.lookup(&name.to_lowercase()), default) {
                (Lookup::Present([one]), _) => signs.extend(one.chars().map(Sign::Char)),
                (Lookup::Absent, Some(default)) => signs.extend(default.chars().map(Sign::Char)),
                (it, _) => signs.push(otherwise(matches!(it, Lookup::Absent))?),
            },
        }
    }
    Ok(signs)
}

/// The value with its variables filled in, where the document knows variables.
pub(super) fn fill<'a>(value: &'a str, variables: bool, request: &Request) -> Wanted<'a> {
    if !variables || !value.contains("${") {
        return Wanted::Plain(value);
    }
    let otherwise = |is_absent| Err(if is_absent { Wanted::Nothing } else { Wanted::Unknown });
    filled(value, request, otherwise).map_or_else(|it| it, Wanted::Signs)
}

/// Does a text fit a pattern outside of conditions, as a resource does? `None` where that depends on a variable that is
/// not known: then no value of it may rule the text out.
pub(crate) fn like(pattern: &str, variables: bool, request: &Request, text: &str) -> Option<bool> {
    if !variables || !pattern.contains("${") {
        return Some(glob(pattern, text));
    }
    let mut known = true;
    // What comes of a variable that is not there is nowhere said for resources: it may be anything.
    let anything = |_| {
        known = false;
        Ok::<_, core::convert::Infallible>(Sign::Run)
    };
    let Ok(signs) = filled(pattern, request, anything);
    match fits(&signs, text) {
        false => Some(false),
        true => known.then_some(true),
    }
}

/// The keys that a value's variables need and that are not known.
pub(super) fn unknown_keys(values: &[String], variables: bool, request: &Request) -> BTreeSet<String> {
    let names = values.iter().filter(|_| variables).flat_map(|value| pieces(value));
    let unknown = |name: &str| !matches!(request.lookup(&name.to_lowercase()), Lookup::Present([_]) | Lookup::Absent);
    names
        .filter_map(|piece| match piece {
            Piece::Variable("*" | "?" | "$", None) | Piece::Text(_) => None,
            Piece::Odd(inside) => Some(inside.to_owned()),
            Piece::Variable(name, _) => unknown(name).then(|| name.to_owned()),
        })
        .collect()
}
