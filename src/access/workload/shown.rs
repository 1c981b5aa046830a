//! An answer as lines: what is said first, the chain with its evidence, what else there is, what is wrong, what mends it.
//!
//! Decides on the order and the words, for the screen and for text alike; how a line looks is theirs. Owns all it says, so
//! that it outlives the facts that it was made from.

use super::role::WhyRole;
use super::{InForce, Why, Workloads};
use crate::access::Mark;
use crate::access::Verdict;
use crate::access::answer_line::{AnswerLine, AnswerPart, LineLink, LineSign};
use crate::access::findings::{Finding, Remedy};
use crate::access::trust::{Clause, Got};
use crate::model::principal::{Asked, Principal};
use crate::model::snapshot::{DocumentRef, Evidence, Lookup};

/// Whose identity is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A service account, by namespace and name.
    ServiceAccount(String, String),
    /// A pod, by namespace and name.
    Pod(String, String),
    /// A role, by its ARN: who becomes it.
    Role(String),
    /// A namespace: its workloads.
    Namespace(String),
}

impl Subject {
    /// `payments/api`, or the ARN.
    pub fn name(&self) -> String {
        match self {
            Subject::ServiceAccount(namespace, name) | Subject::Pod(namespace, name) => format!("{namespace}/{name}"),
            Subject::Role(arn) => arn.clone(),
            Subject::Namespace(name) => name.clone(),
        }
    }

    /// `service account`, `pod`, `role`.
    pub fn kind(&self) -> &'static str {
        match self {
            Subject::ServiceAccount(..) => "service account",
            Subject::Pod(..) => "pod",
            Subject::Role(_) => "role",
            Subject::Namespace(_) => "namespace",
        }
    }
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Whose.
    pub title: String,
    /// What is so, as a sentence.
    pub headline: String,
    /// Why, as another.
    pub because: String,
    /// Does it work?
    pub outcome: Verdict,
    /// The role that it is about, to go on to.
    pub role: Option<Asked>,
    /// All else.
    pub lines: Vec<AnswerLine>,
    /// What mends it, each once.
    pub remedies: Vec<Remedy>,
}

/// How many pods are named one by one.
const MOST_PODS: usize = 20;

#[derive(Default)]
pub(super) struct Lines(Vec<AnswerLine>);

impl Lines {
    pub(super) fn into_vec(self) -> Vec<AnswerLine> {
        self.0
    }

    pub(super) fn say(&mut self, part: AnswerPart, mark: Option<Mark>, text: impl Into<String>) -> &mut AnswerLine {
        let sign = mark.map_or(LineSign::Blank, LineSign::Mark);
        let line = AnswerLine { sign, ..AnswerLine::new(part, text) };
        self.0.push_mut(line)
    }

    fn clause(&mut self, it: &Clause, passes: Option<&String>) {
        let key = if it.operator == it.key { it.key.clone() } else { format!("{} {}", it.operator, it.key) };
        self.say(AnswerPart::Clause, Some(Mark::Dead), format!("Statement[{}] {key}", it.statement.index));
        self.say(AnswerPart::ClauseWants, None, it.wanted.join(" or "));
        let got = match &it.got {
            Got::Values(values) => values.join(" and "),
            Got::Absent => "(the request does not have it)".to_owned(),
            Got::Unknown => "(not known)".to_owned(),
        };
        self.say(AnswerPart::RequestHas, None, got);
        if let Some(passes) = passes {
            self.say(AnswerPart::Passes, None, passes.clone());
        }
    }

    /// The findings, and below them what mends them; first how to ask for what is missing.
    fn findings(&mut self, findings: &[Finding], ask: Option<&Remedy>) -> Vec<Remedy> {
        let mut remedies: Vec<Remedy> = ask.cloned().into_iter().collect();
        for it in findings {
            self.0.push(AnswerLine::of_finding(it));
            for remedy in &it.remedy {
                if !remedies.contains(remedy) {
                    remedies.push(remedy.clone());
                }
            }
        }
        for (at, it) in remedies.iter().enumerate() {
            let part = if ask == Some(it) { AnswerPart::Ask } else { AnswerPart::Remedy };
            self.say(part, None, format!("{}:", it.title)).link = Some(LineLink::Remedy(at));
            for text in it.text.lines() {
                self.say(part, None, text).link = Some(LineLink::Remedy(at));
            }
        }
        remedies
    }
}

impl Why<'_> {
    /// Who gets which role by what, or not, in one sentence.
    pub fn headline(&self) -> String {
        let who = match self.pod {
            Some(pod) => format!("pod {}/{}", self.namespace, pod.metadata.name),
            None => format!("a new pod of {}/{}", self.namespace, self.service_account),
        };
        let role = match (&self.role_arn, &self.target) {
            (Some(role), Some(target)) => format!("{role} and with it {target}"),
            (Some(role), None) => role.clone(),
            (None, _) => "a role".to_owned(),
        };
        let by = self.in_force.words();
        let its = self.role_arn.as_ref().map(|it| format!(" {it}")).unwrap_or_default();
        match (self.in_force, self.answer.outcome) {
            (InForce::PodIdentity | InForce::Irsa, Verdict::Yes) => format!("{who} gets {role} by {by}"),
            (InForce::PodIdentity | InForce::Irsa, Verdict::No) => format!("{who} does not get {role} by {by}"),
            (InForce::PodIdentity | InForce::Irsa, Verdict::Unknown) => {
                format!("whether {who} gets {role} by {by} is not known")
            }
            (InForce::NodeRole, Verdict::Yes) => format!("{who} gets the node's role{its}"),
            (InForce::NodeRole, _) => {
                format!("{who} has no role of its own; whether it gets the node's role{its} is not known")
            }
            (InForce::StaticKeys, _) => format!("{who} uses access keys of its own; whose they are is not known"),
            (InForce::None, _) => format!("{who} has no AWS identity"),
            (InForce::Unknown, _) => format!("which AWS identity {who} has is not known"),
        }
    }

    /// What a new pod would give each container, where that is not what they have.
    fn say_new_containers(&self, lines: &mut Lines) {
        let Some(new) = self.new_pod.as_ref().filter(|it| !it.unknown && !it.refused) else { return };
        let changed = self.containers.iter().zip(&new.containers).filter(|(has, gets)| !has.is_same_as(gets));
        for (_, it) in changed.filter(|_| self.differ || new.differ()) {
            let role = it.role_arn.as_ref().map(|it| format!(", {it}")).unwrap_or_default();
            let kind = if it.init { "init container " } else { "" };
            let text = format!("{kind}{}: {}{role}", it.name, it.in_force.words());
            lines.say(AnswerPart::NewPod, Some(Mark::Shadowed), text).note.clone_from(&it.because);
        }
    }

    /// As lines.
    pub fn shown(&self) -> Shown {
        let mut lines = Lines(Vec::new());
        for step in &self.steps {
            // What was said first need not be said again where it comes from.
            let said = step.text == self.answer.because && step.outcome != Some(Verdict::Yes);
            let text = if said { "this decides" } else { step.text.as_str() };
            lines
                .say(AnswerPart::Link(step.link), step.outcome.map(Verdict::mark), text)
                .evidence
                .clone_from(&step.evidence);
        }
        if let Some(it) = &self.answer.clause {
            lines.clause(it, self.answer.passes.as_ref());
        }
        for it in self.containers.iter().filter(|_| self.differ) {
            let kind = if it.init { "init container " } else { "" };
            lines.say(AnswerPart::Containers, None, format!("{kind}{}: {}", it.name, it.in_force.words())).note =
                it.because.clone();
        }
        for it in &self.others {
            let role = it.role_arn.as_deref().unwrap_or("a role that is not known");
            let line = lines.say(
                AnswerPart::Unused(it.state),
                Some(Mark::Shadowed),
                format!("{}, {role}", it.mechanism.words()),
            );
            line.note.clone_from(&it.because);
            line.evidence.clone_from(&it.evidence);
        }
        self.say_new_containers(&mut lines);
        for it in self.pods.iter().take(MOST_PODS) {
            let role = it.role_arn.as_ref().map(|it| format!(", {it}")).unwrap_or_default();
            let text = format!("{}: {}{role}", it.pod.metadata.name, it.in_force.words());
            let document = DocumentRef::Pod(self.namespace.clone(), it.pod.metadata.name.clone());
            let line = lines.say(AnswerPart::Pods, Some(it.answer.outcome.mark()), text);
            line.evidence = Some(Evidence::new(document, "spec"));
            line.link = Some(LineLink::Workload(Subject::Pod(self.namespace.clone(), it.pod.metadata.name.clone())));
        }
        if let Some(more) = self.pods.len().checked_sub(MOST_PODS).filter(|it| *it > 0) {
            lines.say(AnswerPart::Pods, None, format!("and {more} more"));
        }
        if let Some(why) = &self.pods_unread {
            lines.say(AnswerPart::Pods, Some(Mark::Unknown), why.clone());
        }
        for it in &self.unverified {
            lines.say(AnswerPart::Unverified, Some(Mark::Unverified), it.clone());
        }
        let remedies = lines.findings(&self.findings, self.ask.as_ref());
        Shown {
            title: match self.pod {
                Some(pod) => format!("pod {}/{}", self.namespace, pod.metadata.name),
                None => format!("service account {}/{}", self.namespace, self.service_account),
            },
            headline: self.headline(),
            because: self.answer.because.clone(),
            outcome: self.answer.outcome,
            role: self.role_arn.as_deref().and_then(|arn| Asked::from_arn(arn).ok()),
            lines: lines.0,
            remedies,
        }
    }
}

impl WhyRole {
    /// As lines.
    pub fn shown(&self) -> Shown {
        let mut lines = Lines(Vec::new());
        for it in &self.holders {
            let by = it.mechanism.map(|it| format!(" by {}", it.words())).unwrap_or_default();
            let line = lines.say(AnswerPart::Holder(it.kind), Some(it.outcome.mark()), format!("{}{by}", it.name));
            line.note.clone_from(&it.because);
            line.evidence.clone_from(&it.evidence);
            line.link = it.subject().map(LineLink::Workload);
        }
        for it in &self.unknown {
            lines.say(AnswerPart::Unknown, Some(Mark::Unknown), it.clone());
        }
        let remedies = lines.findings(&self.findings, None);
        Shown {
            title: self.role_arn.clone(),
            headline: self.answer.because.clone(),
            because: String::new(),
            outcome: self.answer.outcome,
            role: Asked::from_arn(&self.role_arn).ok(),
            lines: lines.0,
            remedies,
        }
    }
}

impl Workloads<'_> {
    /// The answer for whatever is asked about.
    pub fn shown(&self, subject: &Subject) -> Shown {
        let nothing = |outcome, headline: String| Shown {
            title: format!("{} {}", subject.kind(), subject.name()),
            headline,
            because: String::new(),
            outcome,
            role: None,
            lines: Vec::new(),
            remedies: Vec::new(),
        };
        match subject {
            Subject::ServiceAccount(namespace, name) => match self.why_account(namespace, name) {
                Some(why) => why.shown(),
                None => match self.facts.service_accounts.gap() {
                    Some(gap) => nothing(Verdict::Unknown, format!("the service accounts were not read: {gap}")),
                    None => nothing(Verdict::No, "the cluster has no such service account".to_owned()),
                },
            },
            Subject::Pod(namespace, name) => match self.pod(namespace, name) {
                Lookup::Found(pod) => self.why_pod(pod).shown(),
                Lookup::Absent => nothing(Verdict::No, "the cluster has no such pod any more".to_owned()),
                Lookup::Unknown(gap) => nothing(Verdict::Unknown, format!("the pod was not read: {gap}")),
            },
            Subject::Namespace(name) => self.shown_namespace(name),
            Subject::Role(arn) => match Principal::from_arn(arn) {
                Ok((role, None)) => self.why_role(&role).shown(),
                _ => nothing(Verdict::No, "it is not the ARN of a role".to_owned()),
            },
        }
    }
}
