//! Refusals of what a request holds, after it was authorized: Pod Security, quotas, webhooks, policies and the like.
//!
//! Decides who refused, by the words that each of them uses. `… is forbidden: …` with words of nobody known counts only
//! in the form that the API server gives it: a kind and a quoted name, or kubectl's `Error from server` before it.

use super::super::message::{Admission, By, Message};
use super::Found;
use super::forbidden::object;
use super::scan::{Text, before_last, has, last_quoted, line, literal, quoted, value, word};

/// So far before the words the object stands, and so far after them what was said.
const REACH: usize = 2 * 1024;

/// What admission refuses in the text.
pub(super) fn refusals(text: &Text) -> Vec<Found> {
    let mut found = Vec::new();
    let mut add = |words: &str, read: &dyn Fn(&str) -> Option<(By, String)>| {
        for (at, after) in text.places(words) {
            let body = text.after(after, REACH);
            let Some((by, said)) = read(body) else { continue };
            let (object, start) = object_before(text, at);
            // What was said, to the end of its line, is part of the message whatever it quotes.
            let end = after + body.find('\n').unwrap_or(body.len());
            found.push(Found::new(start, end, Message::Admission(Admission { by, object, said })));
        }
    };
    let said = |rest: &str| line(rest.trim_start().trim_start_matches(':'));
    add("violates PodSecurity", &|rest| {
        let (level, rest) = quoted(rest)?;
        Some((By::PodSecurity { level }, said(rest)))
    });
    for words in ["exceeded quota:", "failed quota:"] {
        add(words, &|rest| {
            let (name, rest) = word(rest)?;
            Some((By::Quota { name: name.trim_end_matches([',', ':']).to_owned() }, said(rest)))
        });
    }
    add("admission webhook", &|rest| {
        let (name, rest) = value(rest)?;
        let rest = literal(rest, "denied the request")?;
        Some((By::Webhook { name }, said(rest)))
    });
    add("failed calling webhook", &|rest| {
        let (name, rest) = value(rest)?;
        Some((By::WebhookFailed { name: name.trim_end_matches([':', ',']).to_owned() }, said(rest)))
    });
    add("ValidatingAdmissionPolicy '", &|rest| {
        let (name, rest) = rest.split_once('\'')?;
        let bound = literal(rest, "with binding").and_then(value);
        let (binding, rest) = bound.unwrap_or((String::new(), rest));
        let rest = literal(rest, "denied request").unwrap_or(rest);
        Some((By::Policy { name: name.trim().to_owned(), binding }, said(rest)))
    });
    add("unable to create new content in namespace", &|rest| {
        let (namespace, _) = value(rest)?;
        Some((By::Terminating { namespace }, "it is being terminated".to_owned()))
    });
    add("error looking up service account", &|rest| {
        let (name, rest) = value(rest)?;
        Some((By::ServiceAccount { name: name.trim_end_matches(':').to_owned() }, said(rest)))
    });
    found
}

/// `pods "web-1" is forbidden:` directly before a place, and where it begins.
fn object_before(text: &Text, at: usize) -> (String, usize) {
    let head = text.before(at, REACH);
    match before_last(head, "is forbidden:") {
        Some(before) => (object(before), at - (head.len() - before.trim_end().len())),
        None => (String::new(), at),
    }
}

/// `… is forbidden: …` in words of none of those above.
pub(super) fn others(text: &Text) -> Vec<Found> {
    let read = |(at, after): (usize, usize)| {
        let (head, body) = (text.before(at, REACH), text.after(after, REACH));
        let (whole, start, _) = text.line(at);
        let from_server = has(super::scan::tail(head, at - start), "Error from server");
        let named = last_quoted(head).is_some_and(|it| !it.is_empty()) && is_kind(head);
        if !named && !from_server
            || literal(body, "User").is_some()
            || literal(body, "user").is_some()
            || whole.is_empty()
        {
            return None;
        }
        let said = line(body.trim_start().trim_start_matches(':'));
        if said.is_empty() {
            return None;
        }
        let limits = ["maximum ", "minimum "].iter().any(|it| said.contains(it)) && said.contains(" usage per ");
        let by = if limits {
            By::LimitRange
        } else if said.starts_with("node ") && said.contains("not allowed to") {
            By::NodeRestriction
        } else {
            By::Other
        };
        let end = after + body.find('\n').unwrap_or(body.len());
        let message = Message::Admission(Admission { by, object: object(head), said });
        Some(Found::new(at, end, message).vague())
    };
    text.places("is forbidden:").into_iter().filter_map(read).collect()
}

/// Whether the word before the quoted name that ends a text is a kind as the API server writes it: `deployments.apps`.
fn is_kind(head: &str) -> bool {
    let object = object(head);
    let kind = object.split(' ').next().unwrap_or_default();
    kind.len() > 1
        && kind.ends_with(|c: char| c.is_ascii_lowercase())
        && kind.chars().all(|c| c.is_ascii_lowercase() || c == '.' || c.is_ascii_digit())
}
