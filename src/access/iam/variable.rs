//! Policy variables: `${aws:username}` and its like in the values of conditions.
//!
//! Decides what a value wants once its variables are filled in. What a variable brings is plain text, never a wildcard.

use std::collections::BTreeSet;

use super::request::{Lookup, Request};
use crate::access::Verdict;
use crate::model::wildcard::{Sign, fits, glob};

/// A value of a condition, its variables filled in.
pub(crate) enum Wanted<'a> {
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
    pub(crate) fn into_text(self) -> Option<String> {
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

/// Why a variable cannot be filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unfilled {
    /// It is no context key at all (`${CLUSTER_NAME}`): every key has a prefix. A template was never filled in.
    NoKey,
    /// The request is known to lack the key.
    Absent,
    /// Nobody told of the key, or it has several values.
    Unknown,
}

/// The signs of a value, its variables filled in; what stands for one that cannot be is the caller's; an error ends it.
fn filled<E>(
    value: &str,
    request: &Request,
    mut otherwise: impl FnMut(Unfilled) -> Result<Sign, E>,
) -> Result<Vec<Sign>, E> {
    let mut signs = Vec::new();
    for piece in pieces(value) {
        match piece {
            Piece::Text(text) => signs.extend(text.chars().map(Sign::of)),
            Piece::Odd(_) => signs.push(otherwise(Unfilled::Unknown)?),
            Piece::Variable(sign @ ("*" | "?" | "$"), None) => signs.extend(sign.chars().map(Sign::Char)),
            Piece::Variable(name, default) => match (request.lookup(&name.to_lowercase()), default) {
                (Lookup::Present([one]), _) => signs.extend(one.chars().map(Sign::Char)),
                (Lookup::Absent, Some(default)) => signs.extend(default.chars().map(Sign::Char)),
                (Lookup::Unknown, None) if !name.contains(':') => signs.push(otherwise(Unfilled::NoKey)?),
                (Lookup::Absent, None) => signs.push(otherwise(Unfilled::Absent)?),
                _ => signs.push(otherwise(Unfilled::Unknown)?),
            },
        }
    }
    Ok(signs)
}

/// The value with its variables filled in, where the document knows variables.
pub(crate) fn fill<'a>(value: &'a str, variables: bool, request: &Request) -> Wanted<'a> {
    if !variables || !value.contains("${") {
        return Wanted::Plain(value);
    }
    let otherwise = |why| {
        Err(match why {
            Unfilled::NoKey | Unfilled::Absent => Wanted::Nothing,
            Unfilled::Unknown => Wanted::Unknown,
        })
    };
    filled(value, request, otherwise).map_or_else(|it| it, Wanted::Signs)
}

/// Whether a text fits a pattern outside of conditions, as a resource does. Unknown where that depends on a variable that
/// is not known: then no value of it may rule the text out. A variable that is no context key fits nothing.
pub(crate) fn like(pattern: &str, variables: bool, request: &Request, text: &str) -> Verdict {
    if !variables || !pattern.contains("${") {
        return glob(pattern, text).into();
    }
    let mut known = true;
    // What comes of a key that the request lacks is nowhere said for resources: it may be anything.
    let otherwise = |why| match why {
        Unfilled::NoKey => Err(()),
        Unfilled::Absent | Unfilled::Unknown => {
            known = false;
            Ok(Sign::Run)
        }
    };
    match filled(pattern, request, otherwise) {
        Err(()) => Verdict::No,
        Ok(signs) if !fits(&signs, text) => Verdict::No,
        Ok(_) if known => Verdict::Yes,
        Ok(_) => Verdict::Unknown,
    }
}

/// The variables of a text that are no context key: what a template was to fill in, and did not.
pub(crate) fn never_filled(text: &str) -> Vec<&str> {
    let names = pieces(text).into_iter().filter_map(|piece| match piece {
        Piece::Variable("*" | "?" | "$", None) | Piece::Text(_) | Piece::Odd(_) => None,
        Piece::Variable(name, default) => (default.is_none() && !name.contains(':')).then_some(name),
    });
    names.collect()
}

/// The keys that a value's variables need and that are not known.
pub(crate) fn unknown_keys(values: &[String], variables: bool, request: &Request) -> BTreeSet<String> {
    let names = values.iter().filter(|_| variables).flat_map(|value| pieces(value));
    let unknown = |name: &str| !matches!(request.lookup(&name.to_lowercase()), Lookup::Present([_]) | Lookup::Absent);
    names
        .filter_map(|piece| match piece {
            Piece::Variable("*" | "?" | "$", None) | Piece::Text(_) => None,
            Piece::Odd(inside) => Some(inside.to_owned()),
            Piece::Variable(name, _) => (unknown(name) && name.contains(':')).then(|| name.to_owned()),
        })
        .collect()
}
