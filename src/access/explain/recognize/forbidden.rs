//! The authorizers' own words: `User "…" cannot …`, in every form that API servers have used, and RBAC's check against
//! escalation.

use super::super::message::{Escalation, Forbidden, Message, Speaker, Unrecognized};
use super::Found;
use super::scan::{
    Text, around, before_last, compact, in_one_line, is_quote, last_quoted, last_word, line, literal, quoted, value,
    word,
};
use crate::model::rbac::Rule;
use crate::model::request::{Request, Target};

/// So far before `User` the object stands.
const HEAD: usize = 1024;
/// So long is what follows.
const BODY: usize = 8 * 1024;

/// The refusals in the text; what is missing of one that is not whole.
pub(super) fn refusals(text: &Text) -> (Vec<Found>, Option<Unrecognized>) {
    let (mut found, mut partial) = (Vec::new(), None);
    for (at, after) in text.many_places("User") {
        let body = text.after(after, BODY);
        let Some((username, rest)) = value(body) else { continue };
        let Some(rest) = literal(rest, "cannot") else { continue };
        let head = text.before(at, HEAD);
        match one(head, username, rest) {
            Ok((it, rest)) => {
                // The object before it is part of the message.
                let start = at - object_length(head);
                found.push(Found::new(start, after + body.len() - rest.len(), Message::Forbidden(it)));
            }
            Err(it) => partial = partial.or(Some(it)),
        }
    }
    let partial = partial.or_else(|| text.places("is forbidden:").first().and_then(|(at, _)| cut_short(text, *at)));
    (found, partial)
}

/// How long `pods "web-1" is forbidden:` is, at the end of what stands before `User`.
fn object_length(head: &str) -> usize {
    let Some(before) = before_last(head, "is forbidden:") else { return 0 };
    let name = last_quoted(before).map_or(0, |it| it.len() + 2);
    let rest = super::scan::tail(before, before.len()).len().saturating_sub(name);
    let kind = last_word(before.get(..rest).unwrap_or_default()).len();
    (head.len() - before.len() + name + kind + 1).min(head.len())
}

/// A kubelet's own refusals: `Forbidden (user=…, verb=get, resource=nodes, subresource=proxy)`.
pub(super) fn by_kubelet(text: &Text) -> Vec<Found> {
    let mut found = Vec::new();
    for words in ["Forbidden (user=", "Authorization error (user="] {
        for (at, after) in text.places(words) {
            let body = text.after(after, 1024);
            let Some(end) = closing(body) else { continue };
            let fields = format!("user={}", in_one_line(body.get(..end).unwrap_or_default()));
            let field = |name: &str| {
                let (_, rest) = fields.split_once(&format!("{name}="))?;
                let end = rest.find(", ").unwrap_or(rest.len());
                Some(rest.get(..end)?.trim().to_owned())
            };
            let (Some(username), Some(verb), Some(resource)) = (field("user"), field("verb"), field("resource")) else {
                continue;
            };
            let several = field("subresource(s)").map(|it| it.trim_matches(['[', ']']).to_owned());
            let subresource = several.or_else(|| field("subresource")).unwrap_or_default();
            // Of several, any one is enough; the first is the finest.
            let subresource = subresource.split([' ', ',']).next().unwrap_or_default().to_owned();
            let target = Target::Resource {
                group: String::new(),
                resource,
                subresource,
                namespace: String::new(),
                name: String::new(),
            };
            let it = Forbidden {
                speaker: Speaker::Kubelet,
                username,
                request: Request { verb, target },
                reason: String::new(),
                dangling: Vec::new(),
            };
            found.push(Found::new(at, after + end, Message::Forbidden(it)));
        }
    }
    found
}

/// The bracket that closes what is open.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => open += 1,
            ')' if open == 0 => return Some(at),
            ')' => open -= 1,
            _ => {}
        }
    }
    None
}

/// `… is forbidden: User "jane"`, and no more.
fn cut_short(text: &Text, at: usize) -> Option<Unrecognized> {
    let head = text.before(at, HEAD);
    let rest = literal(literal(text.after(at, BODY), "is forbidden:")?, "User")?;
    let mut recognized = vec![format!("a refusal on {}", in_one_line(object(head).as_str()))];
    let mut missing = ["a verb", "a resource", "a namespace or the cluster's scope"].map(str::to_owned).to_vec();
    match value(rest) {
        Some((username, _)) => recognized.push(format!("a user {username:?}")),
        None => missing.insert(0, "a user".to_owned()),
    }
    Some(Unrecognized { recognized, missing })
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

fn one<'t>(before: &str, username: String, rest: &'t str) -> Result<(Forbidden, &'t str), Unrecognized> {
    let mut known = vec![format!("a user {username:?}")];
    let fails = |recognized: Vec<String>, missing: &[&str]| {
        Err(Unrecognized { recognized, missing: missing.iter().map(|&it| it.to_owned()).collect() })
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
    let reason = literal(rest, ":").map(reason).unwrap_or_default();
    let is_rbac = literal(&reason, "RBAC:").is_some();
    let dangling = if is_rbac { dangling(rest) } else { Vec::new() };
    let rest = if reason.is_empty() { rest } else { rest.find('\n').and_then(|at| rest.get(at..)).unwrap_or_default() };
    Ok((Forbidden { speaker: Speaker::ApiServer, username, request: Request { verb, target }, reason, dangling }, rest))
}

/// What the authorizers added, without the members that follow in JSON.
fn reason(text: &str) -> String {
    let text = line(text);
    text.split("\",\"").next().unwrap_or_default().to_owned()
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
pub(super) fn escalations(text: &Text) -> Vec<Found> {
    const WORDS: &str = "is attempting to grant RBAC permissions not currently held";
    let places = text.places(WORDS);
    places
        .into_iter()
        .filter_map(|(at, after)| escalation(text.before(at, BODY), text.after(after, BODY), at, after))
        .collect()
}

fn escalation(head: &str, body: &str, start: usize, end: usize) -> Option<Found> {
    let at = head.rfind("user")?;
    let (username, groups) = value(literal(head.get(at..)?, "user")?)?;
    let before = head.get(..at)?;
    let object = before_last(before, "is forbidden:").map(object).unwrap_or_default();
    let groups = literal(groups, "(groups=[").map(list).unwrap_or_default();
    let mut missing = Vec::new();
    let mut rest = body;
    // Rules follow one another, each on a line of its own.
    while let Some((between, inside)) = rest.split_once('{') {
        if between.chars().any(|c| c.is_alphanumeric()) && !missing.is_empty() || between.len() > 80 {
            break;
        }
        let (rule, after) = inside.split_once('}').unwrap_or((inside, ""));
        let of = |name: &str| around(rule, &format!("{name}:[")).map(|(_, it)| list(it)).unwrap_or_default();
        let rule = Rule {
            api_groups: of("APIGroups"),
            resources: of("Resources"),
            verbs: of("Verbs"),
            resource_names: of("ResourceNames"),
            non_resource_urls: of("NonResourceURLs"),
        };
        if rule.verbs.is_empty() {
            break;
        }
        missing.push(rule);
        rest = after;
    }
    let start = start - (head.len() - at) - object_length(before);
    let message = Message::Escalation(Escalation { username, groups, object, missing });
    Some(Found::new(start, end + body.len() - rest.len(), message))
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
