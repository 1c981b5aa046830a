//! The authorizers' own words: `User "…" cannot …`, in every form that API servers have used, and RBAC's check against
//! escalation.

use super::message::{Escalation, Forbidden, Unrecognised};
use super::scan::{
    around, before_last, compact, in_one_line, is_quote, last_quoted, last_word, line, literal, quoted, value, word,
};
use crate::model::rbac::Rule;
use crate::model::request::{Request, Target};

/// The first refusal in the text; what is missing if none is whole; `None` if there is nothing like one.
pub(super) fn forbidden(text: &str) -> Option<Result<Forbidden, Unrecognised>> {
    let mut partial = None;
    let starts = text.char_indices().filter(|(_, c)| *c == 'U').map(|(at, _)| at);
    for at in starts {
        let Some((username, rest)) = text.get(at..).and_then(|it| literal(it, "User")).and_then(value) else {
            continue;
        };
        let Some(rest) = literal(rest, "cannot") else { continue };
        match one(text.get(..at).unwrap_or_default(), username, rest) {
            Ok(it) => return Some(Ok(it)),
            Err(it) => partial = partial.or(Some(it)),
        }
    }
    partial.or_else(|| cut_short(text)).map(Err)
}

/// `… is forbidden: User "jane"`, and no more.
fn cut_short(text: &str) -> Option<Unrecognised> {
    let (head, rest) = around(text, "is forbidden:")?;
    let rest = literal(rest, "User")?;
    let mut recognised = vec![format!("a refusal on {}", in_one_line(object(head).as_str()))];
    let mut missing = ["a verb", "a resource", "a namespace or the cluster's scope"].map(str::to_owned).to_vec();
    match value(rest) {
        Some((username, _)) => recognised.push(format!("a user {username:?}")),
        None => missing.insert(0, "a user".to_owned()),
    }
    Some(Unrecognised { recognised, missing })
}

/// `pods "web-1"` before `is forbidden`.
pub(super) fn object(head: &str) -> String {
    match last_quoted(head) {
        Some(name) => {
            let head = head.trim_end().trim_end_matches(is_quote).trim_end();
            let kind = head.strip_suffix(name.as_str()).unwrap_or(head).trim_end().trim_end_matches(is_quote);
            format!("{} {name:?}", last_word(kind))
        }
        None => last_word(head).trim_matches(is_quote).to_owned(),
    }
}

fn one(before: &str, username: String, rest: &str) -> Result<Forbidden, Unrecognised> {
    let mut known = vec![format!("a user {username:?}")];
    let fails = |recognised: Vec<String>, missing: &[&str]| {
        Err(Unrecognised { recognised, missing: missing.iter().map(|&it| it.to_owned()).collect() })
    };
    let Some((verb, what, rest)) = what(rest) else {
        return fails(known, &["a verb", "a resource"]);
    };
    known.push(format!("a verb {verb:?}"));
    let (target, rest) = match what {
        What::Path(path) => (Target::Path(path), rest),
        What::Resource { resource, group } => {
            known.push(format!("a resource {resource:?}"));
            let (group, rest) = match group {
                Some(group) => (group, rest),
                None => match api_group(rest) {
                    Some(found) => found,
                    None => return fails(known, &["an API group", "a namespace or the cluster's scope"]),
                },
            };
            let Some((namespace, rest)) = place(rest) else {
                return fails(known, &["a namespace or the cluster's scope"]);
            };
            let (resource, subresource) = resource.split_once('/').unwrap_or((resource.as_str(), ""));
            let (resource, subresource) = (resource.to_owned(), subresource.to_owned());
            let name = before_last(before, "is forbidden:").and_then(last_quoted).unwrap_or_default();
            (Target::Resource { group, resource, subresource, namespace, name }, rest)
        }
    };
    let reason = literal(rest, ":").map(line).unwrap_or_default();
    let dangling = if literal(&reason, "RBAC:").is_some() { dangling(rest) } else { Vec::new() };
    Ok(Forbidden { username, request: Request { verb, target }, reason, dangling })
}

enum What {
    Resource { resource: String, group: Option<String> },
    Path(String),
}

/// So many letters a verb may have, and the word behind it.
const LONGEST: usize = 48;

fn what(rest: &str) -> Option<(String, What, &str)> {
    // The words before the first quotation mark, however they are wrapped.
    if let Some(at) = rest.find(is_quote) {
        let head = compact(rest.get(..at)?);
        let value = || rest.get(at..).and_then(quoted);
        if let Some(verb) = head.strip_suffix("resource").filter(|it| is_verb(it) && head.len() <= LONGEST) {
            let (resource, rest) = value()?;
            return Some((verb.to_owned(), What::Resource { resource, group: None }, rest));
        }
        if let Some(verb) = head.strip_suffix("path").filter(|it| is_verb(it) && head.len() <= LONGEST) {
            let (path, rest) = value()?;
            return Some((verb.to_owned(), What::Path(path), rest));
        }
    }
    let (verb, rest) = word(rest).filter(|(it, _)| is_verb(it))?;
    if let Some((resource, rest)) = literal(rest, "resource ").filter(|it| it.starts_with(' ')).and_then(word) {
        return Some((verb, What::Resource { resource, group: None }, rest));
    }
    if let Some((path, rest)) = literal(rest, "path").filter(|it| it.starts_with(' ')).and_then(word) {
        return Some((verb, What::Path(path), rest));
    }
    // As API servers before 1.12 wrote: the group behind the resource, if it has one.
    let (written, rest) = word(rest).filter(|(it, _)| !it.contains(is_quote))?;
    if written.starts_with('/') {
        return Some((verb, What::Path(written), rest));
    }
    let (written, subresource) = written.split_once('/').unwrap_or((written.as_str(), ""));
    let (resource, group) = written.split_once('.').unwrap_or((written, ""));
    let slash = if subresource.is_empty() { "" } else { "/" };
    let resource = format!("{resource}{slash}{subresource}");
    Some((verb, What::Resource { resource, group: Some(group.to_owned()) }, rest))
}

fn is_verb(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-*_".contains(c))
}

fn api_group(rest: &str) -> Option<(String, &str)> {
    let rest = literal(rest, "in API group")?;
    match quoted(rest) {
        Some(found) => Some(found),
        // Where something took the quotation marks away, the core group is nothing at all.
        None if place(rest).is_some() => Some((String::new(), rest)),
        None => word(rest),
    }
}

/// The namespace; empty for the cluster's scope.
fn place(rest: &str) -> Option<(String, &str)> {
    if let Some(rest) = literal(rest, "at the cluster scope") {
        return Some((String::new(), rest));
    }
    let rest = literal(rest, "in the namespace")?;
    quoted(rest).or_else(|| {
        let (namespace, _) = word(rest)?;
        let end = namespace.trim_end_matches([':', '.', ',']).len();
        let rest = rest.trim_start();
        Some((namespace.get(..end)?.to_owned(), rest.get(end..)?))
    })
}

/// `clusterrole.rbac.authorization.k8s.io "x" not found`, each.
fn dangling(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((head, after)) = around(rest, "not found") {
        rest = after;
        let Some(name) = last_quoted(head) else { continue };
        let kind = object(head);
        let kind = match kind.trim_start_matches('[').split('.').next() {
            Some("clusterrole") => "ClusterRole",
            Some("role") => "Role",
            _ => continue,
        };
        found.push((kind.to_owned(), name));
    }
    found
}

/// RBAC's check that nobody hands out more than they hold.
pub(super) fn escalation(text: &str) -> Option<Escalation> {
    let (head, rest) = around(text, "is attempting to grant RBAC permissions not currently held")?;
    let at = head.rfind("user")?;
    let (username, groups) = value(literal(head.get(at..)?, "user")?)?;
    let object = before_last(head.get(..at)?, "is forbidden:").map(object).unwrap_or_default();
    let groups = literal(groups, "(groups=[").map(list).unwrap_or_default();
    let mut missing = Vec::new();
    let mut rest = rest;
    while let Some((_, body)) = rest.split_once('{') {
        let (rule, after) = body.split_once('}').unwrap_or((body, ""));
        let of = |name: &str| around(rule, &format!("{name}:[")).map(|(_, it)| list(it)).unwrap_or_default();
        let rule = Rule {
            api_groups: of("APIGroups"),
            resources: of("Resources"),
            verbs: of("Verbs"),
            resource_names: of("ResourceNames"),
            non_resource_urls: of("NonResourceURLs"),
        };
        if !rule.verbs.is_empty() {
            missing.push(rule);
        }
        rest = after;
    }
    Some(Escalation { username, groups, object, missing })
}

/// Quoted values up to a closing bracket, separated by commas or blanks.
fn list(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((value, after)) = quoted(rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace())) {
        found.push(value);
        rest = after;
    }
    found
}
