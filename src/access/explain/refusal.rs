//! Refusals that are not the authorizers': AWS IAM's, admission's, the authenticator's, and a client's without
//! credentials.

use super::forbidden::object;
use super::message::{Admission, By, Iam};
use super::scan::{around, compact, has, line, literal, quoted, value, word};
use crate::model::principal::{Asked, Query, parse_query};

/// `User: arn:… is not authorized to perform: ACTION on resource: RESOURCE because …`
pub(super) fn iam(text: &str) -> Option<Iam> {
    let (head, rest) = around(text, "is not authorized to perform:")
        .or_else(|| around(text, "Not authorized to perform:"))
        .or_else(|| around(text, "Not authorized to perform "))?;
    let user = match head.rfind("User:").and_then(|at| head.get(at..)).and_then(|it| it.strip_prefix("User:")) {
        Some(user) => compact(user),
        None => String::new(),
    };
    let named = match parse_query(&user) {
        Ok(Query::Arn(asked)) => Some(asked),
        _ => Asked::from_arn(&user).ok().map(Box::new),
    };
    let (action, rest) = match around(rest, "on resource:") {
        // However it is wrapped; but a whole other sentence between them is none of it.
        Some((action, rest)) if compact(action).len() <= 128 => (compact(action), rest),
        _ => word(rest).unwrap_or_default(),
    };
    let (resource, rest) = word(rest).unwrap_or_default();
    let (resource, rest) = match resource.as_str() {
        "because" | "with" => (String::new(), format!("{resource} {rest}")),
        _ => (resource, rest.to_owned()),
    };
    let because = match around(&rest, "because").or_else(|| around(&rest, "with an explicit deny")) {
        Some((before, after)) if before.trim().is_empty() => {
            let deny = has(&rest, "with an explicit deny") && !has(&rest, "because");
            let after = line(&super::scan::in_one_line(after.split("\n\n").next().unwrap_or_default()));
            if deny { format!("with an explicit deny {after}") } else { format!("because {after}") }
        }
        _ => String::new(),
    };
    let trim = |text: String| text.trim_end_matches(['.', ',', ';', '"', '\'']).to_owned();
    let action = trim(action);
    action.contains(':').then(|| Iam { asked: named, user, action, resource: trim(resource), because: trim(because) })
}

/// A refusal of what a request holds, after it was authorised.
pub(super) fn admission(text: &str) -> Option<Admission> {
    let forbidden = around(text, "is forbidden:");
    let object = forbidden.map(|(head, _)| object(head)).unwrap_or_default();
    let said = |rest: &str| line(rest.trim_start().trim_start_matches(':'));
    let admission = |by, said| Some(Admission { by, object: object.clone(), said });
    if let Some((_, rest)) = around(text, "violates PodSecurity") {
        let (level, rest) = quoted(rest).unwrap_or_default();
        return admission(By::PodSecurity { level }, said(rest));
    }
    for words in ["exceeded quota:", "failed quota:"] {
        if let Some((_, rest)) = around(text, words) {
            let (name, rest) = word(rest).unwrap_or_default();
            return admission(By::Quota { name: name.trim_end_matches([',', ':']).to_owned() }, said(rest));
        }
    }
    if let Some((_, rest)) = around(text, "admission webhook")
        && let Some((name, rest)) = value(rest)
        && let Some(rest) = literal(rest, "denied the request")
    {
        return admission(By::Webhook { name }, said(rest));
    }
    if let Some((_, rest)) = around(text, "failed calling webhook") {
        let (name, rest) = value(rest).unwrap_or_default();
        let name = name.trim_end_matches([':', ',']).to_owned();
        return admission(By::WebhookFailed { name }, said(rest));
    }
    if let Some((_, rest)) = around(text, "ValidatingAdmissionPolicy") {
        let (name, rest) = value(rest).unwrap_or_default();
        let bound = literal(rest, "with binding").and_then(value);
        let (binding, rest) = bound.unwrap_or((String::new(), rest));
        let rest = literal(rest, "denied request").unwrap_or(rest);
        return admission(By::Policy { name, binding }, said(rest));
    }
    if let Some((_, rest)) = around(text, "unable to create new content in namespace") {
        let (namespace, _) = value(rest).unwrap_or_default();
        return admission(By::Terminating { namespace }, "it is being terminated".to_owned());
    }
    if let Some((_, rest)) = around(text, "error looking up service account") {
        let (name, rest) = value(rest).unwrap_or_default();
        return admission(By::ServiceAccount { name: name.trim_end_matches(':').to_owned() }, said(rest));
    }
    let (_, rest) = forbidden?;
    let said = said(rest);
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
    admission(by, said)
}

/// What keeps a client from having credentials at all, and what it says then.
const WITHOUT_CREDENTIALS: &[(&str, &str)] = &[
    ("Unable to locate credentials", "the client finds no AWS credentials"),
    ("The security token included in the request is expired", "the AWS credentials have expired"),
    ("The security token included in the request is invalid", "AWS does not know the access key"),
    ("ExpiredToken", "the AWS credentials have expired"),
    ("InvalidClientTokenId", "AWS does not know the access key"),
    ("SignatureDoesNotMatch", "the secret key does not belong to the access key, or the clock is wrong"),
    ("The SSO session associated with this profile has expired", "the IAM Identity Center session has expired"),
    ("Error loading SSO Token", "there is no session of IAM Identity Center"),
    ("could not be found", "the AWS profile does not exist"),
    ("getting credentials: exec", "the program that fetches a token for kubectl failed"),
];

/// Did the client have no credentials to send?
pub(super) fn credentials(text: &str) -> Option<&'static str> {
    let (_, because) = WITHOUT_CREDENTIALS
        .iter()
        .find(|(words, _)| has(text, words) && (*words != "could not be found" || has(text, "The config profile")))?;
    Some(because)
}

/// Did the API server not know who asked?
pub(super) fn is_unauthorized(text: &str) -> bool {
    if has(text, "You must be logged in to the server")
        || has(text, "the server has asked for the client to provide credentials")
    {
        return true;
    }
    text.match_indices("nauthorized").any(|(at, it)| {
        let before = text.get(..at).unwrap_or_default();
        let first = before.chars().next_back();
        let word_begins = before.chars().rev().nth(1).is_none_or(|c| !c.is_alphanumeric());
        let after = text.get(at + it.len()..).and_then(|it| it.chars().next());
        matches!(first, Some('U' | 'u')) && word_begins && after.is_none_or(|c| !c.is_alphanumeric())
    })
}
