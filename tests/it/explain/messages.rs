//! Messages in the formats of the programs that print them, each with its public source: who speaks, of what kind it is,
//! whom it names, what was refused, and how the command ends on the demo world.
//!
//! Account numbers, names and request ids are invented; the words and the layout are those of the source. A row that
//! expects 2 is a near miss: it looks like a refusal of the cluster's, and is none.

mod laws;
mod rows;

use eksplorer::access::Verdict;
use eksplorer::access::explain::message::{Message, Reading};
use eksplorer::access::explain::read_message;

use super::{ACME, explain_on};
use rows::{Row, rows};

/// Whom and what a message names: `PRINCIPAL | REQUEST`.
fn named(message: &Message) -> String {
    let arn =
        |asked: &Option<Box<eksplorer::model::principal::Asked>>| asked.as_ref().map_or("-".to_owned(), |it| it.arn());
    match message {
        Message::Forbidden(it) => format!("{} | {}", it.username, it.request),
        Message::Unauthorized { asked, sender, node, .. } => {
            let node = node.as_deref().map(|it| format!(" {it}")).unwrap_or_default();
            format!("{} | {}{node}", arn(asked), sender.as_str())
        }
        Message::Kubelet(it) => format!("- | {:?} {}", it.peer, it.node.as_deref().unwrap_or("-")),
        Message::Credentials { asked, fault, .. } => format!("{} | {fault:?}", arn(asked)),
        Message::Connection(fault) => format!("- | {}", fault.as_str()),
        Message::CanI(it) => {
            format!("{} | {} {} {:?}", it.as_user.as_deref().unwrap_or("-"), it.verb, it.resource, it.answer)
        }
        Message::Iam(it) => {
            let user = it.asked.as_ref().map_or_else(|| it.user.clone(), |it| it.arn());
            let user = if user.is_empty() { "-".to_owned() } else { user };
            let because = if it.because.is_empty() { String::new() } else { format!(" {}", it.because) };
            let encoded = if it.encoded { " encoded" } else { "" };
            format!("{user} | {} on {}{because}{encoded}", it.action, it.resource)
        }
        Message::WebIdentity(it) => format!("- | {} {}", it.fault.as_str(), it.issuer.as_deref().unwrap_or("-")),
        Message::PodIdentity(fault) => format!("- | {}", fault.as_str()),
        Message::ImagePull(it) => format!("- | {} {:?}", it.image, it.status),
        Message::Admission(it) => format!("- | {:?} {}", it.by, it.object),
        Message::Escalation(it) => format!("{} | {} {}", it.username, it.object, it.missing.len()),
    }
}

/// Without the end of the command, which depends on the facts.
fn brief(text: &str) -> String {
    match read_message(text) {
        Err(_) => "no known error message".to_owned(),
        Ok(Reading { message, .. }) => format!("{} {} {}", message.speaker().as_str(), message.kind(), named(&message)),
    }
}

/// The status that the command ends with.
fn status(text: &str) -> u8 {
    if read_message(text).is_err() {
        return 2;
    }
    match explain_on(&ACME, "prod-eu1", text).verdict {
        Verdict::Yes => 0,
        Verdict::No => 3,
        Verdict::Unknown => 4,
    }
}

#[test]
fn every_message_is_recognized_as_what_it_is_or_not_at_all() {
    let all = rows();
    let wrong: Vec<String> = all
        .iter()
        .filter_map(|Row { tool, source, text, ends, expected }| {
            let got = brief(text);
            let (got, expected) = (format!("{} {got}", status(text)), format!("{ends} {expected}"));
            (got != expected).then(|| format!("{tool} ({source}):\n{text}\n  gave   {got}\n  wanted {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), all.len(), wrong.join("\n\n"));
    assert!(all.len() >= 90, "{} rows", all.len());
}

#[test]
fn a_message_that_names_nobody_says_so_first_and_a_kubelets_is_never_about_the_caller() {
    let caller = "ana@acme.example";
    for Row { text, .. } in rows() {
        let Ok(reading) = read_message(text) else { continue };
        let it = explain_on(&ACME, "prod-eu1", text);
        let nobody = match &reading.message {
            Message::Unauthorized { asked, .. } | Message::Credentials { asked, .. } => asked.is_none(),
            Message::Iam(it) => it.user.is_empty() && it.account.is_none(),
            Message::WebIdentity(_) | Message::PodIdentity(_) | Message::Kubelet(_) => true,
            _ => continue,
        };
        assert_eq!(it.answer.starts_with("this message names no principal"), nobody, "{text}\n{}", it.answer);
        let may_be_caller = matches!(&reading.message, Message::Unauthorized { sender, .. } if sender.may_be_caller());
        if nobody && !may_be_caller {
            assert!(it.principals.iter().all(|it| it.asked.session.as_deref() != Some(caller)), "{text}");
            assert!(!it.answer.contains(caller), "{text}\n{}", it.answer);
        }
    }
}

#[test]
fn every_answer_of_an_aws_message_names_the_speaker() {
    for Row { text, .. } in rows() {
        let Ok(reading) = read_message(text) else { continue };
        let it = explain_on(&ACME, "prod-eu1", text);
        let words = match reading.message.speaker().as_str() {
            "sts" => ["STS", "AWS"],
            "eks-auth" => ["EKS Auth", "EKS Auth"],
            "kubelet" if !matches!(reading.message, Message::Forbidden(_)) => ["kubelet", "kubelet"],
            "eks-api" => ["EKS API", "AWS"],
            "iam" => ["AWS IAM", "AWS"],
            _ => continue,
        };
        assert!(words.iter().any(|word| it.answer.contains(word)), "{text}\n{}", it.answer);
    }
}
