//! The line that every answer is made of: a trace, an explanation, a workload's chain, a row's detail.
//!
//! Decides which members a line has, which headings there are and how they read. Logic compares these members; nothing
//! compares the words, which are for people. How a line looks is `view::detail`'s on the screen and `report::lines`' in
//! text: one function each. A new heading is a variant of [`AnswerPart`], a new thing to do with a line one of
//! [`LineLink`].

use super::Mark;
use super::explain::StepName;
use super::findings::{Finding, FindingId, Severity};
use super::workload::role::HolderKind;
use super::workload::{ChainLink, Subject, UnusedState};
use crate::model::snapshot::Evidence;

/// One line of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerLine {
    /// To which part of the answer it belongs; the heading stands before the part's first line.
    pub part: AnswerPart,
    /// What it is within the part, where the part does not say it all.
    pub label: Option<LineLabel>,
    /// Its sign.
    pub sign: LineSign,
    /// The fact.
    pub text: String,
    /// Beside it, less prominent: why, when, from where; may be empty.
    pub note: String,
    /// Whether the sentence above the lines has said the note already.
    pub is_note_said: bool,
    /// Of a finding, which one.
    pub finding: Option<FindingId>,
    /// Where it was read; opens the document.
    pub evidence: Option<Evidence>,
    /// What else can be done with it.
    pub link: Option<LineLink>,
}

/// The sign before a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineSign {
    /// None.
    Blank,
    /// A state, or what an answer comes to.
    Mark(Mark),
    /// A defect or risk.
    Finding(Severity),
}

/// What can be done with a line, beside opening where it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineLink {
    /// It is a command, to be copied as it stands.
    Command,
    /// It is about a fix, which is done by these commands, one a line.
    Fix(String),
    /// It is of one of the answer's remedies, by its place among them.
    Remedy(usize),
    /// It is about a workload, a role or a namespace that can be opened in its turn.
    Workload(Subject),
}

impl AnswerLine {
    /// A line of text alone.
    pub fn new(part: AnswerPart, text: impl Into<String>) -> Self {
        AnswerLine {
            part,
            label: None,
            sign: LineSign::Blank,
            text: text.into(),
            note: String::new(),
            is_note_said: false,
            finding: None,
            evidence: None,
            link: None,
        }
    }

    /// A line with a state's sign.
    pub fn marked(part: AnswerPart, mark: Mark, text: impl Into<String>) -> Self {
        AnswerLine { sign: LineSign::Mark(mark), ..AnswerLine::new(part, text) }
    }

    /// The line of a finding, its id beside it.
    pub fn of_finding(finding: &Finding) -> Self {
        AnswerLine {
            sign: LineSign::Finding(finding.severity),
            note: finding.id.to_string(),
            finding: Some(finding.id),
            evidence: Some(finding.evidence.clone()),
            ..AnswerLine::new(AnswerPart::Findings, &finding.sentence)
        }
    }

    /// Whether it says the same as another, in the same place.
    pub fn is_same_as(&self, other: &AnswerLine) -> bool {
        (self.part, self.label, &self.text) == (other.part, other.label, &other.text)
    }

    /// Whether it can be copied as a command.
    pub fn is_command(&self) -> bool {
        self.link == Some(LineLink::Command)
    }

    /// The remedy that it is of, by its place among the answer's.
    pub fn remedy(&self) -> Option<usize> {
        match &self.link {
            Some(LineLink::Remedy(at)) => Some(*at),
            _ => None,
        }
    }

    /// Whom it is about, to go on to.
    pub fn about(&self) -> Option<&Subject> {
        match &self.link {
            Some(LineLink::Workload(subject)) => Some(subject),
            _ => None,
        }
    }

    /// What a shell is given for it: the line itself, or the commands of the fix that it is about.
    pub fn commands(&self) -> Option<&str> {
        match &self.link {
            Some(LineLink::Command) => Some(&self.text),
            Some(LineLink::Fix(commands)) => Some(commands),
            _ => None,
        }
    }
}

/// The heading of a line. Lines of one part follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnswerPart {
    /// Of a trace: what is dangerous in what the principal may do.
    Danger,
    /// Of a trace: the session and the principal it belongs to.
    Principal,
    /// Of a trace: the mapping in effect and the others.
    Mapping,
    /// Of a trace: username and groups.
    Identity,
    /// Of a trace: access policies and bindings, each with its rules.
    Grants,
    /// Of a trace: what the grants come to.
    Can,
    /// What is missing that could change the answer.
    Unknown,
    /// What could only reveal a rare defect.
    Unverified,
    /// What is wrong.
    Findings,
    /// Of an explanation: what the message says.
    Message,
    /// Of an explanation: one step of the walk.
    Step(StepName),
    /// Of an explanation: the principals that may be behind the message.
    Principals,
    /// Of an explanation: the grant that comes closest to allowing the request.
    Nearest,
    /// Of an explanation: the statement of a trust policy that comes closest.
    Closest,
    /// Of an explanation: the least statement to add, and the policy that it belongs in.
    Statement,
    /// The first fix.
    Fix,
    /// Another fix, enough by itself.
    OrFix,
    /// Yet another; parts alternate, so that each fix has a heading.
    OrElseFix,
    /// A fix that gives much more than is needed.
    BroaderFix,
    /// What else is to be known.
    Notes,
    /// Of a workload: one link of the chain to its role.
    Link(ChainLink),
    /// Of a workload: the clause of the trust policy that decides.
    Clause,
    /// What that clause wants.
    ClauseWants,
    /// What the request has.
    RequestHas,
    /// What would pass the clause.
    Passes,
    /// How to ask for what is missing.
    Ask,
    /// What each container of a new pod would get.
    NewPod,
    /// Containers with different identities.
    Containers,
    /// An identity that the workload has beside the one in effect.
    Unused(UnusedState),
    /// The pods of a service account.
    Pods,
    /// A service account of a namespace.
    Account,
    /// A pod that has something else than its service account gives.
    Pod,
    /// Somebody or something that can assume a role.
    Holder(HolderKind),
    /// Of a row: its state.
    State,
    /// Of a row: the workload that it is about.
    Workload,
    /// Of a row: whether the role itself gets in.
    Here,
    /// A remedy's title, and below it its text line by line.
    Remedy,
    /// Of a role: the part of the cluster that uses it.
    UsedBy,
    /// Of a role: other parts that use it too.
    AlsoUsedBy,
    /// Of a role: who can assume it.
    Trust,
    /// Of a role: its policies against what its part needs.
    Policies,
    /// Of a group or user: what binds it.
    Bindings,
    /// Of a group or user: the principals that are members of it.
    Members,
    /// Of a principal: where it occurs.
    SeenIn,
    /// Of a finding: what it is about.
    Subject,
    /// Of a finding: its id.
    FindingId,
    /// Of a finding: its severity.
    Severity,
    /// Of a finding: its rule.
    Rule,
    /// Of a finding: what follows from it.
    Follows,
    /// Of a finding: the page that its rule rests on.
    See,
    /// Where it was read.
    ReadFrom,
    /// Of a control: which one.
    Control,
    /// Of a control: a command that only looks.
    DryRun,
    /// Of a control: the command that changes it.
    Command,
    /// Of a control: what changing it may break.
    ChangeDanger,
    /// What is staged for a row.
    Staged,
}

impl AnswerPart {
    /// The words before its first line.
    pub fn heading(self) -> &'static str {
        match self {
            AnswerPart::Danger => "dangerous",
            AnswerPart::Principal => "principal",
            AnswerPart::Mapping => "mapping",
            AnswerPart::Identity => "identity",
            AnswerPart::Grants => "grants",
            AnswerPart::Can => "can",
            AnswerPart::Unknown => "unknown",
            AnswerPart::Unverified => "unverified",
            AnswerPart::Findings => "findings",
            AnswerPart::Message => "message",
            AnswerPart::Step(step) => step.as_str(),
            AnswerPart::Principals => "principals",
            AnswerPart::Nearest => "nearest",
            AnswerPart::Closest => "closest",
            AnswerPart::Statement => "statement",
            AnswerPart::Fix => "fix",
            AnswerPart::OrFix => "or",
            AnswerPart::OrElseFix => "or else",
            AnswerPart::BroaderFix => "broader",
            AnswerPart::Notes => "notes",
            AnswerPart::Link(link) => link.as_str(),
            AnswerPart::Clause => "clause",
            AnswerPart::ClauseWants => "wants",
            AnswerPart::RequestHas => "has",
            AnswerPart::Passes => "passes",
            AnswerPart::Ask => "ask",
            AnswerPart::NewPod => "new pod",
            AnswerPart::Containers => "containers",
            AnswerPart::Unused(state) => state.as_str(),
            AnswerPart::Pods => "pods",
            AnswerPart::Account => "account",
            AnswerPart::Pod => "pod",
            AnswerPart::Holder(kind) => kind.heading(),
            AnswerPart::State => "state",
            AnswerPart::Workload => "workload",
            AnswerPart::Here => "here",
            AnswerPart::Remedy => "remedy",
            AnswerPart::UsedBy => "used by",
            AnswerPart::AlsoUsedBy => "and by",
            AnswerPart::Trust => "trust",
            AnswerPart::Policies => "policies",
            AnswerPart::Bindings => "bindings",
            AnswerPart::Members => "members",
            AnswerPart::SeenIn => "seen in",
            AnswerPart::Subject => "subject",
            AnswerPart::FindingId => "finding",
            AnswerPart::Severity => "severity",
            AnswerPart::Rule => "rule",
            AnswerPart::Follows => "follows",
            AnswerPart::See => "see",
            AnswerPart::ReadFrom => "read from",
            AnswerPart::Control => "control",
            AnswerPart::DryRun => "dry run",
            AnswerPart::Command => "command",
            AnswerPart::ChangeDanger => "danger",
            AnswerPart::Staged => "staged",
        }
    }
}

/// What a line is within its part, where the part does not say it all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineLabel {
    /// A session's ARN.
    Session,
    /// A role.
    Role,
    /// An IAM user, or a Kubernetes username.
    User,
    /// The root user of an account.
    Root,
    /// A federated user.
    Federated,
    /// Groups.
    Groups,
    /// An access policy.
    Policy,
    /// A binding.
    Binding,
    /// A group that grants by itself.
    Group,
    /// The Node authorizer.
    Node,
    /// The rules of the grant above it.
    Rules,
    /// A service account.
    Account,
    /// The role that the first one assumes.
    Then,
    /// Who owns an association.
    Owner,
}

impl LineLabel {
    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            LineLabel::Session => "session",
            LineLabel::Role => "role",
            LineLabel::User => "user",
            LineLabel::Root => "root",
            LineLabel::Federated => "federated",
            LineLabel::Groups => "groups",
            LineLabel::Policy => "policy",
            LineLabel::Binding => "binding",
            LineLabel::Group => "group",
            LineLabel::Node => "node",
            LineLabel::Rules => "rules",
            LineLabel::Account => "account",
            LineLabel::Then => "then",
            LineLabel::Owner => "owner",
        }
    }

    /// Whether the line belongs to the one above it.
    pub fn is_nested(self) -> bool {
        self == LineLabel::Rules
    }

    /// As it is drawn: a nested one with its branch.
    pub fn drawn(self) -> String {
        if self.is_nested() { format!("└ {}", self.as_str()) } else { self.as_str().to_owned() }
    }
}
