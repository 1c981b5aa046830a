//! An explanation, line by line: what the screen and the text report show, in the same order.

use super::message::{KubeletPeer, Message, Sender, Speaker};
use super::{Explanation, StepState};
use crate::access::Mark;
use crate::access::answer_line::{AnswerLine, AnswerPart, LineLink, LineSign};

impl Explanation {
    /// What the message says, the steps, the principals, and what came closest, in this order.
    pub fn step_lines(&self) -> Vec<AnswerLine> {
        let plain = AnswerLine::new;
        let mut lines = Vec::new();
        // What a Forbidden says stands in the title and at the username.
        if !matches!(self.message, Message::Forbidden(_)) || self.principals.len() != 1 {
            lines.push(plain(AnswerPart::Message, told(&self.message)));
        }
        lines.extend(self.steps.iter().map(|it| AnswerLine {
            evidence: it.evidence.clone(),
            ..AnswerLine::marked(AnswerPart::Step(it.name), it.state.mark(), &it.because)
        }));
        if self.principals.len() > 1 {
            lines.extend(self.principals.iter().map(|it| AnswerLine {
                note: it.because.clone(),
                ..AnswerLine::marked(AnswerPart::Principals, it.verdict.mark(), it.asked.arn())
            }));
        }
        if let Some(miss) = &self.nearest {
            let note = format!("would allow it but for the {}: it has {}", miss.respect.as_str(), miss.has);
            let evidence = miss.grant.evidence();
            lines.push(AnswerLine { note, evidence, ..plain(AnswerPart::Nearest, miss.grant.to_string()) });
        }
        if let Some(closest) = &self.closest_statement {
            lines.push(plain(AnswerPart::Closest, closest.clone()));
        }
        if let Some(least) = &self.least {
            lines.push(plain(AnswerPart::Statement, format!("add to {}:", least.policy)));
            lines.push(plain(AnswerPart::Statement, least.statement.to_string()));
        }
        lines
    }

    /// The fixes that are texts.
    pub fn text_fix_lines(&self, heading: AnswerPart) -> Vec<AnswerLine> {
        let lines = self.text_fixes.iter().flat_map(|fix| {
            let link = Some(LineLink::Fix(fix.command.clone())).filter(|_| !fix.command.is_empty());
            let title = AnswerLine { note: fix.note.clone(), link, ..AnswerLine::new(heading, &fix.title) };
            let command = |it| AnswerLine { link: Some(LineLink::Command), ..AnswerLine::new(heading, it) };
            std::iter::once(title).chain(fix.command.lines().map(command))
        });
        lines.collect()
    }

    /// The line on which the eye should land: the step that fails, or that is not known, or the last one.
    pub fn foremost(&self) -> usize {
        let lines = self.step_lines();
        let of = |state: StepState| {
            let step = self.steps.iter().find(|it| it.state == state)?;
            lines.iter().position(|it| it.part == AnswerPart::Step(step.name))
        };
        of(StepState::Failed)
            .or_else(|| of(StepState::Unknown))
            .or_else(|| lines.iter().rposition(|it| it.sign == LineSign::Mark(Mark::InForce)))
            .unwrap_or_default()
    }
}

impl Message {
    /// What it says, in one line.
    pub fn told(&self) -> String {
        told(self)
    }
}

fn told(message: &Message) -> String {
    match message {
        Message::Forbidden(it) => {
            let by = if it.speaker == Speaker::Kubelet { "Forbidden by the kubelet" } else { "Forbidden" };
            format!("{by}: {} cannot {}", it.username, super::walk::told(&it.request))
        }
        Message::Unauthorized { speaker: Speaker::Unnamed, .. } => {
            "Unauthorized, by a party that the text does not name".to_owned()
        }
        Message::Unauthorized { sender: Sender::Node, node, .. } => {
            let node = node.as_deref().map(|it| format!(" {it}")).unwrap_or_default();
            format!("Unauthorized: the API server did not accept the kubelet of node{node}")
        }
        Message::Unauthorized { .. } => "Unauthorized: the API server did not know who asked".to_owned(),
        Message::Kubelet(it) => {
            let peer = match it.peer {
                KubeletPeer::ApiServer => "the API server",
                KubeletPeer::Scraper => "a scraper of metrics",
            };
            let node = it.node.as_deref().map(|it| format!(" of {it}")).unwrap_or_default();
            format!("Unauthorized: the kubelet{node} did not accept {peer}")
        }
        Message::Credentials { fault, speaker, .. } => format!("{}: {}", speaker.noun(), fault.sentence()),
        Message::Connection(fault) => format!("no answer of the API server: {}", fault.as_str().replace('-', " ")),
        Message::CanI(it) => {
            let who = it.as_user.as_deref().map(|it| format!(" as {it}")).unwrap_or_default();
            let groups = if it.as_groups.is_empty() {
                String::new()
            } else {
                format!(" with groups {}", it.as_groups.join(", "))
            };
            let answer = match it.answer {
                Some(true) => "yes",
                Some(false) => "no",
                None => "no answer was pasted",
            };
            let slash = if it.subresource.is_empty() { "" } else { "/" };
            let within = it.namespace.as_deref().map(|it| format!(" in {it}")).unwrap_or_default();
            format!(
                "kubectl auth can-i {} {}{slash}{}{within}{who}{groups}: {answer}",
                it.verb, it.resource, it.subresource
            )
        }
        Message::Iam(it) => {
            let user = if it.user.is_empty() { "the caller" } else { it.user.as_str() };
            let action = if it.action.is_empty() { "the call" } else { it.action.as_str() };
            let on = if it.resource.is_empty() { String::new() } else { format!(" on {}", it.resource) };
            format!("{}: {user} is not authorized to perform {action}{on}", message.speaker().noun())
        }
        Message::WebIdentity(it) => {
            let issuer = it.issuer.as_deref().map(|it| format!(" of {it}")).unwrap_or_default();
            format!("AWS STS refused a web identity token{issuer}: {}", it.fault.as_str().replace('-', " "))
        }
        Message::PodIdentity(fault) => {
            format!("EKS Auth gave the Pod Identity agent no credentials: {}", fault.as_str().replace('-', " "))
        }
        Message::ImagePull(it) => {
            format!("the image registry refused {}", if it.image.is_empty() { "an image" } else { &it.image })
        }
        Message::Admission(_) => "refused after it was authorized".to_owned(),
        Message::Escalation(it) => format!("Forbidden: {} would grant more than it holds", it.username),
    }
}
