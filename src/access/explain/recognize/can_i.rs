//! `kubectl auth can-i …` as it was typed, and what it answered.
//!
//! Decides what kubectl made of the line: that `pods/web` is the pod web, which flags take a value, and which line is the
//! answer. What the words for resources stand for is [`crate::access::resources`]'s.

use super::super::message::{CanI, Message, Unrecognized};
use super::Found;
use super::scan::{Text, around, is_quote};

/// The answer stands within so many lines.
const MOST_LINES: usize = 12;
/// Over so many lines a command may be wrapped.
const MOST_WRAPPED: usize = 2;
/// A command is shorter.
const LONGEST: usize = 4 * 1024;

/// Every such line; what is missing of one that is not whole.
pub(super) fn questions(text: &Text) -> (Vec<Found>, Option<Unrecognized>) {
    let (mut found, mut partial) = (Vec::new(), None);
    let places = text.places("auth can-i");
    for (at, (start, _)) in places.iter().enumerate() {
        let (_, line, _) = text.line(*start);
        // Up to the line of the next one.
        let until = places.get(at + 1).map_or(usize::MAX, |(next, _)| text.line(*next).1);
        let most = LONGEST.min(until.saturating_sub(line)).max(1);
        match read(text.after(line, most)) {
            Ok((it, length)) => found.push(Found::new(line, line + length, Message::CanI(it))),
            Err(it) => partial = partial.or(Some(it)),
        }
    }
    (found, partial)
}

/// Flags of kubectl that take a value and do not matter here.
const WITH_VALUE: &[&str] = &[
    "--context",
    "--kubeconfig",
    "--cluster",
    "--user",
    "--as-uid",
    "--token",
    "--server",
    "-s",
    "--request-timeout",
    "-v",
    "--v",
    "--cache-dir",
    "--tls-server-name",
    "--certificate-authority",
    "--profile",
];

/// Reads the first such line, and says how far it and its answer reach.
fn read(text: &str) -> Result<(CanI, usize), Unrecognized> {
    let (before, after) = around(text, "auth can-i").unwrap_or_default();
    let mut it = CanI::default();
    let mut lines = after.lines();
    let first = lines.next().unwrap_or_default();
    let mut typed = vec![before.lines().next_back().unwrap_or_default().to_owned()];
    let mut words = vec![first.to_owned()];
    let following: Vec<&str> = lines.take(MOST_LINES).collect();
    let answered = following.iter().position(|line| answer(line).is_some()).filter(|at| {
        // A command that goes on over more lines than that ends each with a backslash.
        let plain = |line: &&&str| !line.trim_end().ends_with('\\') && !line.trim_start().starts_with("Warning:");
        following.iter().take(*at).filter(plain).count() <= MOST_WRAPPED
    });
    let mut reach = 1 + answered.map_or(0, |at| at + 1);
    // Without an answer below, only a backslash says that the line goes on.
    let mut goes_on = answered.is_some() || first.trim_end().ends_with('\\');
    for line in following.iter().take(answered.unwrap_or(following.len())) {
        if !goes_on {
            break;
        }
        goes_on = answered.is_some() || line.trim_end().ends_with('\\');
        reach += usize::from(answered.is_none());
        if !line.trim_start().starts_with("Warning:") {
            words.push((*line).to_owned());
        }
    }
    if let Some((yes, reason)) = answered.and_then(|at| answer(following.get(at)?)) {
        it.answer = Some(yes);
        it.reason = reason;
    }
    typed.extend(words);
    let (before, typed) = typed.split_first().map(|(a, b)| (a.as_str(), b.join("\n"))).unwrap_or_default();
    // Flags may stand before the command; all else there is the shell's.
    flags(&mut it, split(before).into_iter());
    let mut said = flags(&mut it, split(&typed).into_iter());
    if said.list {
        return Err(Unrecognized {
            recognized: vec!["kubectl auth can-i --list".to_owned()],
            missing: vec!["one request: a verb and a resource".to_owned()],
        });
    }
    said.words.reverse();
    let mut missing = Vec::new();
    match said.words.pop() {
        Some(verb) => it.verb = verb,
        None => missing.push("a verb".to_owned()),
    }
    match said.words.pop() {
        Some(resource) if resource.starts_with('/') => it.resource = resource,
        Some(resource) => {
            let (resource, name) = resource.split_once('/').unwrap_or((resource.as_str(), ""));
            it.resource = resource.to_owned();
            it.name = name.to_owned();
        }
        None => missing.push("a resource".to_owned()),
    }
    // Where something put all in one line, the answer stands behind the question.
    if it.answer.is_none()
        && let Some(at) = said.words.iter().rposition(|word| answer(word).is_some())
    {
        it.answer = said.words.get(at).and_then(|word| answer(word)).map(|(yes, _)| yes);
        let reason: Vec<&str> = said.words.iter().take(at).rev().map(String::as_str).collect();
        it.reason = reason.join(" ").trim_start_matches(['-', ' ']).to_owned();
        said.words.drain(..=at);
    }
    if it.name.is_empty() {
        it.name = said.words.pop().unwrap_or_default();
    }
    if missing.is_empty() {
        let length: usize = after.split_inclusive('\n').take(reach).map(str::len).sum();
        return Ok((it, text.len() - after.len() + length));
    }
    let mut recognized = vec!["kubectl auth can-i".to_owned()];
    if !it.verb.is_empty() {
        recognized.push(format!("a verb {:?}", it.verb));
    }
    Err(Unrecognized { recognized, missing })
}

#[derive(Default)]
struct Said {
    words: Vec<String>,
    list: bool,
}

fn flags(it: &mut CanI, mut words: impl Iterator<Item = String>) -> Said {
    let mut said = Said::default();
    while let Some(word) = words.next() {
        let (flag, mut value) = match word.split_once('=') {
            Some((flag, value)) if flag.starts_with('-') => (flag.to_owned(), Some(value.to_owned())),
            _ => (word, None),
        };
        let mut take = || value.take().or_else(|| words.next()).unwrap_or_default();
        match flag.as_str() {
            "-n" | "--namespace" => it.namespace = Some(take()),
            "--as" => it.as_user = Some(take()),
            "--as-group" => it.as_groups.push(take()),
            "--subresource" => it.subresource = take(),
            "-A" | "--all-namespaces" => it.all_namespaces = true,
            "--list" => said.list = true,
            other if WITH_VALUE.contains(&other) => drop(take()),
            other if other.starts_with("-n") && !other.starts_with("--") => {
                it.namespace = other.get(2..).map(str::to_owned);
            }
            other if other.starts_with('-') && other.len() > 1 => {}
            _ => said.words.push(flag),
        }
    }
    said
}

/// `no`, `yes`, `no - because`.
fn answer(line: &str) -> Option<(bool, String)> {
    let line = line.trim();
    let (head, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let yes = match head.trim_end_matches(['.', ',']) {
        "yes" => true,
        "no" => false,
        _ => return None,
    };
    Some((yes, rest.trim_start_matches(['-', ' ']).to_owned()))
}

/// Into words, as a shell does: quotation marks hold blanks together, a backslash before a line's end means nothing.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut open) = (Vec::new(), String::new(), None);
    let mut begun = false;
    for c in line.chars() {
        match (c, open) {
            (c, Some(quote)) if c == quote => open = None,
            (c, Some(_)) => word.push(c),
            (c, None) if is_quote(c) => {
                open = Some(closing(c));
                begun = true;
            }
            ('#' | ';', None) if !begun && word.is_empty() => break,
            ('\\', None) => {}
            (c, None) if c.is_whitespace() => {
                if begun || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                    begun = false;
                }
            }
            (c, None) => word.push(c),
        }
    }
    if begun || !word.is_empty() {
        words.push(word);
    }
    words
}

fn closing(open: char) -> char {
    match open {
        '\u{201c}' => '\u{201d}',
        '\u{2018}' => '\u{2019}',
        '\u{ab}' => '\u{bb}',
        other => other,
    }
}
