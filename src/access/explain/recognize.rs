//! From a pasted text to the message in it: who speaks first, then what was refused.
//!
//! Each reader finds its own messages by their fixed words, with their place in the text:
//!
//! - `forbidden`: the authorizers of the API server and the kubelet, and RBAC's check against escalation;
//! - `aws`: IAM, STS, EKS Auth, and a client without AWS credentials;
//! - `http`: a 401 and its like, which is nobody's until the words around it name the speaker;
//! - `admission`: after authorization;
//! - `can_i`: `kubectl auth can-i`;
//! - `paste` and `scan`: decoration, wrapped lines, fixed words and values.
//!
//! Decides which of several messages a person would mean: the first one that says what failed, before those that only
//! say that something failed. A text without any is not explained, and says what was made out. A new form of message is
//! a place in one of the readers and a row in the table of `tests/it/explain/messages.rs`.

mod admission;
mod aws;
mod can_i;
mod forbidden;
mod http;
mod paste;
mod scan;

use super::message::{CredentialFault, Message, Reading, Sender, Unrecognized};
use crate::model::principal::{Asked, Query, parse_query};
use scan::Text;

/// So many other messages are told of.
const MOST_OTHERS: usize = 8;

/// A message and where it stands.
#[derive(Clone, Debug)]
struct Found {
    start: usize,
    end: usize,
    message: Message,
    /// It only says that something failed, or may be said by anybody.
    vague: bool,
}

impl Found {
    fn new(start: usize, end: usize, message: Message) -> Found {
        Found { start, end: end.max(start + 1), message, vague: false }
    }

    fn vague(mut self) -> Found {
        self.vague = true;
        self
    }

    fn overlaps(&self, other: &Found) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// Reads a pasted text.
pub fn read_message(text: &str) -> Result<Reading, Unrecognized> {
    let text = Text::new(paste::clean(text));
    let (refused, mut partial) = forbidden::refusals(&text);
    let (asked, unasked) = can_i::questions(&text);
    // Of two that overlap, the one that comes first in this list is meant.
    let mut all = forbidden::escalations(&text);
    all.extend(refused);
    all.extend(admission::refusals(&text));
    all.extend(asked);
    all.extend(http::refusals(&text));
    all.extend(forbidden::by_kubelet(&text));
    all.extend(aws::refusals(&text));
    all.extend(http::unauthorized(&text));
    all.extend(aws::vague(&text));
    if partial.is_none() {
        all.extend(admission::others(&text));
    }
    let mut found = choose(all);
    partial = partial.or(unasked);
    if found.is_empty() && partial.is_none() {
        found.extend(http::bare_with_principal(&text));
    }
    let only_vague = found.iter().all(|it| it.vague);
    if let Some(partial) = partial.filter(|_| only_vague) {
        return Err(partial);
    }
    let arn = || match parse_query(text.plain()) {
        Ok(Query::Arn(asked)) => Some(asked),
        _ => None,
    };
    let alone = found.len() == 1;
    let mut messages = found.into_iter().map(|it| it.message);
    let Some(mut message) = messages.next() else { return Err(unrecognized(&text, arn())) };
    // Beside another message, an ARN may be the other's.
    if alone && let Message::Unauthorized { asked, .. } | Message::Credentials { asked, .. } = &mut message {
        *asked = asked.take().or_else(arn);
    }
    Ok(Reading { message, others: messages.take(MOST_OTHERS).collect() })
}

/// The messages that count, the one that a person would mean first.
fn choose(all: Vec<Found>) -> Vec<Found> {
    let mut kept: Vec<Found> = Vec::new();
    for it in all {
        if !kept.iter().any(|other| other.overlaps(&it)) {
            kept.push(it);
        }
    }
    kept.sort_by_key(|it| it.start);
    let mut different: Vec<Found> = Vec::new();
    for it in kept {
        match different.iter_mut().find(|other| is_same(&other.message, &it.message)) {
            Some(other) => merge(&mut other.message, it.message),
            None => different.push(it),
        }
    }
    // What only says that something failed counts where nothing says what.
    if different.iter().any(|it| !it.vague) {
        different.retain(|it| !it.vague);
    }
    different
}

/// Whether two say the same, as clients that try again do.
fn is_same(one: &Message, other: &Message) -> bool {
    match (one, other) {
        (Message::Unauthorized { .. }, Message::Unauthorized { .. }) => true,
        (Message::Credentials { fault: one, .. }, Message::Credentials { fault: other, .. }) => one == other,
        (Message::Kubelet(one), Message::Kubelet(other)) => one.peer == other.peer,
        (Message::PodIdentity(one), Message::PodIdentity(other)) => one == other,
        (Message::WebIdentity(one), Message::WebIdentity(other)) => {
            one.fault == other.fault && (one.issuer == other.issuer || one.issuer.is_none() || other.issuer.is_none())
        }
        (Message::Forbidden(one), Message::Forbidden(other)) => {
            one.username == other.username && one.request == other.request
        }
        (Message::Iam(one), Message::Iam(other)) => {
            let said = |a: &str, b: &str| a == b || a.is_empty() || b.is_empty();
            one.action == other.action && said(&one.user, &other.user) && said(&one.resource, &other.resource)
        }
        (one, other) => one == other,
    }
}

/// Fills in what the same message says elsewhere in the text.
fn merge(kept: &mut Message, again: Message) {
    match (kept, again) {
        (
            Message::Unauthorized { sender, node, asked, .. },
            Message::Unauthorized { sender: other, node: other_node, asked: other_asked, .. },
        ) => {
            // A line that knows its sender says more than one that may be anybody's.
            if *sender == Sender::Program {
                *sender = other;
            }
            *node = node.take().or(other_node);
            *asked = asked.take().or(other_asked);
        }
        (Message::WebIdentity(kept), Message::WebIdentity(again)) => kept.issuer = kept.issuer.take().or(again.issuer),
        (Message::Iam(kept), Message::Iam(again)) => {
            if kept.user.is_empty() {
                kept.user = again.user;
                kept.asked = again.asked;
            }
            if kept.resource.is_empty() {
                kept.resource = again.resource;
            }
            if kept.because.is_empty() {
                kept.because = again.because;
            }
            kept.account = kept.account.take().or(again.account);
            kept.encoded |= again.encoded;
        }
        _ => {}
    }
}

/// What was made out of a text without a message.
fn unrecognized(text: &Text, asked: Option<Box<Asked>>) -> Unrecognized {
    let mut nothing = Unrecognized::default();
    if let Some(word) = http::status_word(text) {
        nothing.recognized.push(format!("the word {word}"));
        nothing
            .missing
            .push("who refused: paste the whole line with the name of the program that printed it".to_owned());
    }
    if let Some(asked) = asked {
        nothing.recognized.push(format!("a principal {}", asked.arn()));
        if nothing.missing.is_empty() {
            nothing.missing.push("what was refused".to_owned());
        }
    }
    nothing
}

/// The text in one line, for a prompt: decoration and line ends gone, values that were wrapped in one again.
pub fn tidy(text: &str) -> String {
    scan::in_one_line(&scan::rejoined(&paste::clean(text)))
}

/// Credentials whose fault was found; whose they are the text may say elsewhere.
fn credentials(start: usize, end: usize, fault: CredentialFault, speaker: super::message::Speaker) -> Found {
    let found = Found::new(start, end, Message::Credentials { asked: None, fault, speaker });
    if fault.is_vague() { found.vague() } else { found }
}
