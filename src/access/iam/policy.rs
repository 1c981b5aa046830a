//! One policy of an identity: how its text is read, and what it says to one action.
//!
//! Decides what is known of a policy: its text, that the text cannot be made out, or, where it was not read, what AWS's
//! own policies are known for ([`super::managed`]). Adding several policies up is [`super::identity`]'s.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::managed;
use super::request::Request;
use super::statement::{JudgedStatement, StatementPart};
use super::variable::like;
use crate::access::Verdict;
use crate::model::policy::{Document, Effect, Resources};
use crate::model::snapshot::IamFacts;
use crate::model::wildcard::glob;

/// What is known of a policy's text.
#[derive(Debug)]
pub(crate) enum PolicyText {
    /// It was not read.
    Unread,
    /// It was read, and is none that IAM would have saved; why.
    Unreadable(String),
    Read(Document),
}

impl PolicyText {
    pub(crate) fn new(value: Option<&Value>) -> PolicyText {
        match value.map(Document::identity_policy) {
            None => PolicyText::Unread,
            Some(Ok(document)) => PolicyText::Read(document),
            Some(Err(error)) => PolicyText::Unreadable(format!("it cannot be made out ({error})")),
        }
    }

    pub(crate) fn document(&self) -> Option<&Document> {
        match self {
            PolicyText::Read(document) => Some(document),
            PolicyText::Unread | PolicyText::Unreadable(_) => None,
        }
    }
}

/// Reads the policies of an account, each once.
pub(crate) struct PolicyReader<'a> {
    pub(crate) iam: &'a IamFacts,
    managed: Mutex<HashMap<&'a str, Arc<PolicyText>>>,
    /// By address: the facts do not move while they are borrowed.
    inline: Mutex<HashMap<usize, Arc<PolicyText>>>,
}

impl<'a> PolicyReader<'a> {
    pub(crate) fn new(iam: &'a IamFacts) -> Self {
        PolicyReader { iam, managed: Mutex::default(), inline: Mutex::default() }
    }

    /// A managed policy by its ARN.
    pub(crate) fn managed(&self, arn: &'a str) -> Arc<PolicyText> {
        let mut known = self.managed.lock().unwrap_or_else(PoisonError::into_inner);
        let read = || Arc::new(PolicyText::new(self.iam.policy_document(arn)));
        Arc::clone(known.entry(arn).or_insert_with(read))
    }

    /// The text of an inline policy.
    pub(crate) fn inline(&self, text: Option<&'a Value>) -> Arc<PolicyText> {
        let Some(value) = text else { return Arc::new(PolicyText::Unread) };
        let mut known = self.inline.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(std::ptr::from_ref(value).addr()).or_insert_with(|| Arc::new(PolicyText::new(text))))
    }
}

/// On what an action is used.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'a> {
    /// This resource, by its ARN.
    Named(&'a str),
    /// Something, and it is not known what: only what names all of its kind surely names it.
    Unnamed {
        /// An ARN of its kind with a name that nobody gave: only a wildcard fits it.
        sample: Option<&'a str>,
        /// The service whose resources alone the action is used on.
        service: Option<&'a str>,
    },
}

impl Target<'_> {
    /// Anything at all.
    pub(crate) const ANY: Target<'static> = Target::Unnamed { sample: None, service: None };

    /// Whether a statement's resources include it.
    pub(super) fn is_named_by(&self, resources: &Resources, variables: bool, request: &Request) -> Verdict {
        let named = |patterns: &[String]| Verdict::any(patterns.iter().map(|it| self.fits(it, variables, request)));
        match resources {
            Resources::OfTrust => Verdict::Yes,
            Resources::AnyOf(patterns) => named(patterns),
            Resources::AllBut(patterns) => match self {
                Target::Named(_) => !named(patterns),
                // Whether what is used is among those left out is not known.
                Target::Unnamed { .. } => (!named(patterns)).min(Verdict::Unknown),
            },
            Resources::Unclear(_) => Verdict::Unknown,
        }
    }

    fn fits(&self, pattern: &str, variables: bool, request: &Request) -> Verdict {
        if !pattern.is_empty() && pattern.bytes().all(|b| b == b'*') {
            return Verdict::Yes;
        }
        match self {
            Target::Named(resource) => like(pattern, variables, request, resource),
            Target::Unnamed { .. } if variables && pattern.contains("${") => Verdict::Unknown,
            Target::Unnamed { sample: Some(sample), .. } if glob(pattern, sample) => Verdict::Yes,
            Target::Unnamed { service: Some(service), .. } if is_of_another(pattern, service) => Verdict::No,
            Target::Unnamed { .. } => Verdict::Unknown,
        }
    }
}

/// An ARN of another service than this one.
fn is_of_another(pattern: &str, service: &str) -> bool {
    let named = pattern.split(':').nth(2);
    named.is_some_and(|named| !named.contains(['*', '?']) && named != service)
}

/// One action of somebody on something.
pub(crate) struct ActionQuery<'a> {
    /// As written.
    pub(crate) action: &'a str,
    lowered: String,
    pub(crate) target: Target<'a>,
    /// What is known of the caller and the context.
    pub(crate) request: &'a Request,
}

impl<'a> ActionQuery<'a> {
    pub(crate) fn new(action: &'a str, target: Target<'a>, request: &'a Request) -> Self {
        ActionQuery { action, lowered: action.to_ascii_lowercase(), target, request }
    }
}

/// Whether some statement of one effect applies, and what decides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Applies {
    pub(crate) truth: Verdict,
    /// Of an unknown: the part that keeps it open.
    pub(crate) part: Option<StatementPart>,
    /// Of an unknown: why, as a clause.
    pub(crate) why: String,
}

impl Applies {
    pub(crate) const NOT: Applies = Applies { truth: Verdict::No, part: None, why: String::new() };
    pub(crate) const SURELY: Applies = Applies { truth: Verdict::Yes, part: None, why: String::new() };

    fn open(part: StatementPart, why: impl Into<String>) -> Applies {
        Applies { truth: Verdict::Unknown, part: Some(part), why: why.into() }
    }

    fn or(&mut self, other: &Applies) {
        if other.truth > self.truth {
            *self = other.clone();
        }
    }

    /// Whether only a condition or the resources keep it open, and not that it cannot be made out.
    pub(crate) fn is_limited(&self) -> bool {
        matches!(self.part, Some(StatementPart::Condition(_) | StatementPart::Resource))
    }
}

/// What one policy says to one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicySays {
    pub(crate) allows: Applies,
    pub(crate) denies: Applies,
}

impl PolicySays {
    fn open(why: &str) -> PolicySays {
        let open = || Applies::open(StatementPart::Unclear, why);
        PolicySays { allows: open(), denies: open() }
    }
}

/// What a policy says to an action, by its text; where that was not read, by what is known of it if it is AWS's own.
pub(crate) fn ask_policy(arn: Option<&str>, text: &PolicyText, query: &ActionQuery<'_>) -> PolicySays {
    match text {
        PolicyText::Read(document) => ask_document(document, query),
        PolicyText::Unreadable(why) => PolicySays::open(why),
        PolicyText::Unread => match arn.and_then(managed::name_of_aws) {
            Some(name) => {
                let known = |truth| match truth {
                    Verdict::Yes => Applies::SURELY,
                    Verdict::No => Applies::NOT,
                    Verdict::Unknown => Applies::open(StatementPart::Unclear, "its text was not read"),
                };
                PolicySays {
                    allows: known(managed::allows(name, &query.lowered)),
                    denies: known(managed::denies(name)),
                }
            }
            None => PolicySays::open("its text was not read"),
        },
    }
}

fn ask_document(document: &Document, query: &ActionQuery<'_>) -> PolicySays {
    if let Some(why) = document.unclear.first() {
        return PolicySays::open(&format!("it cannot be made out ({why})"));
    }
    let mut says = PolicySays { allows: Applies::NOT, denies: Applies::NOT };
    for statement in &document.statements {
        let judged = JudgedStatement::of_identity(document, statement, query.request, &query.lowered, &query.target);
        let applies = match judged.applies() {
            Verdict::No => continue,
            Verdict::Yes => Applies::SURELY,
            Verdict::Unknown => describe_open(&judged, query),
        };
        if statement.effect != Some(Effect::Deny) {
            says.allows.or(&applies);
        }
        if statement.effect != Some(Effect::Allow) {
            says.denies.or(&applies);
        }
    }
    if let (Some(why), Verdict::Yes) = (document.strange.first(), says.allows.truth) {
        says.allows = Applies::open(StatementPart::Unclear, format!("it cannot be made out ({why})"));
    }
    says
}

fn describe_open(judged: &JudgedStatement<'_>, query: &ActionQuery<'_>) -> Applies {
    let statement = judged.statement;
    let place = format!("Statement[{}]", statement.index);
    // What cannot be made out comes first: no other fact would settle it.
    let unclear = statement.unclear.first().map(|_| StatementPart::Unclear);
    let part = unclear.or_else(|| judged.first_part(Verdict::Unknown)).unwrap_or(StatementPart::Unclear);
    let why = match part {
        StatementPart::Condition(_) => "that depends on a condition".to_owned(),
        StatementPart::Resource if matches!(statement.resources, Resources::Unclear(_)) => {
            return Applies::open(StatementPart::Unclear, format!("{place} cannot be made out"));
        }
        StatementPart::Resource => match query.target {
            Target::Named(_) => "what a variable in its resource stands for is not known".to_owned(),
            Target::Unnamed { .. } => "that depends on the resource".to_owned(),
        },
        _ => match statement.unclear.first() {
            Some(why) => format!("{place} cannot be made out ({why})"),
            None => format!("{place} cannot be made out"),
        },
    };
    Applies::open(part, why)
}
