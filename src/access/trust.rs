//! An IAM role's trust policy, evaluated for one concrete request.
//!
//! Decides as IAM does, as far as the trust policy reaches: a Deny that applies wins, an Allow that applies allows, and
//! otherwise it is no. What is not known stays so and never turns an answer: a Deny that may apply makes an Allow *not
//! known*; an Allow that may apply makes a no *not known*. Organisation policies, boundaries and session policies are not
//! in the document and not looked at; the caller's own policies count where the statement leaves it to its account.
//!
//! - [`request`]: who asks, and what is known of the context; a new kind of request goes there;
//! - `principal`, `condition`, `value`, `variable`: the parts of a statement, each held against a request;
//! - `because`: the sentence for people.
//!
//! Parse a [`Document`] once, evaluate it often.

mod because;
mod condition;
mod file;
mod principal;
pub mod request;
mod truth;
mod value;
mod variable;

#[cfg(test)]
mod tests;

use truth::{Truth, all, any};

use crate::model::policy::{Actions, Effect, Statement};
use crate::model::wildcard::glob;

pub use crate::model::policy::Document;
pub use request::{Bar, Caller, PodIdentity, Request};
pub(crate) use variable::like;

/// May the request assume the role?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// No.
    Denied,
    /// Something that is not known could change it.
    Unknown,
    /// Yes.
    Allowed,
}

/// The answer, and what decides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The answer.
    pub verdict: Outcome,
    /// One sentence for a person.
    pub because: String,
    /// The statement that decides: the one that allows or denies, or the one that comes nearest.
    pub statement: Option<StatementRef>,
    /// The part of it that decides; `None` where the whole statement does, or there is none.
    pub clause: Option<Clause>,
    /// What would pass that clause.
    pub passes: Option<String>,
}

/// Names a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementRef {
    /// Its place in the document, from 0.
    pub index: usize,
    /// Its `Sid`.
    pub sid: Option<String>,
}

/// One part of a statement, held against the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// Where it stands.
    pub statement: StatementRef,
    /// The condition's operator; `Principal`, `Action` or `NotAction` for those elements.
    pub operator: String,
    /// The condition's key; for `Principal` the type (`AWS`, `Service`, `Federated`), for `Action` the word itself.
    pub key: String,
    /// The values that it wants.
    pub wanted: Vec<String>,
    /// What the request has.
    pub got: Got,
}

/// What the request has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Got {
    /// These values.
    Values(Vec<String>),
    /// It does not have the key.
    Absent,
    /// Nobody told.
    Unknown,
}

/// Which part of a statement is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Principal,
    Action,
    /// The caller's own policies, to which the statement leaves it.
    OwnPolicies,
    Condition(usize),
    /// What in it cannot be made out.
    Unclear,
}

/// A statement, held against the request part by part.
struct Judged<'a> {
    statement: &'a Statement,
    principal: Truth,
    action: Truth,
    own_policies: Truth,
    conditions: Vec<Truth>,
}

impl<'a> Judged<'a> {
    /// `action` is lowered. What cannot matter to the outcome is left out unless the reasons are wanted too.
    fn new(document: &Document, statement: &'a Statement, request: &Request, action: &str, reasons: bool) -> Self {
        let principal = principal::named(&statement.principals, request);
        let covered = covers(&statement.actions, action);
        let no = principal == Truth::No || covered == Truth::No;
        let conditions = if no && !reasons { &[][..] } else { &statement.conditions };
        Judged {
            statement,
            principal,
            action: covered,
            // A Deny needs nobody's consent.
            own_policies: match statement.effect {
                Some(Effect::Deny) => Truth::Yes,
                _ => principal::enough(&statement.principals, request),
            },
            conditions: conditions.iter().map(|it| condition::holds(it, document.variables, request)).collect(),
        }
    }

    fn parts(&self) -> impl Iterator<Item = (Part, Truth)> {
        let unclear = if self.statement.unclear.is_empty() { Truth::Yes } else { Truth::Unknown };
        let conditions = self.conditions.iter().enumerate().map(|(at, it)| (Part::Condition(at), *it));
        [(Part::Principal, self.principal), (Part::Action, self.action)]
            .into_iter()
            .chain(conditions)
            .chain([(Part::OwnPolicies, self.own_policies), (Part::Unclear, unclear)])
    }

    fn applies(&self) -> Truth {
        all(self.parts().map(|(_, truth)| truth))
    }

    /// The first part of which this is true.
    fn first(&self, wanted: Truth) -> Option<Part> {
        self.parts().find(|(_, truth)| *truth == wanted).map(|(part, _)| part)
    }

    /// How far it is from applying: the number of parts that fail; among equals the one that names the caller and the
    /// action is nearer, then the one with less that is not known.
    fn distance(&self) -> (usize, bool, bool, usize) {
        let count = |wanted| self.parts().filter(|(_, truth)| *truth == wanted).count();
        (count(Truth::No), self.principal == Truth::No, self.action == Truth::No, count(Truth::Unknown))
    }
}

/// Does it speak of the action? Actions have no case: both sides are lowered.
fn covers(actions: &Actions, action: &str) -> Truth {
    match actions {
        Actions::AnyOf(_, patterns) => any(patterns.iter().map(|it| names_action(it, action))),
        Actions::AllBut(_, patterns) => !any(patterns.iter().map(|it| names_action(it, action))),
        Actions::Unclear(_) => Truth::Unknown,
    }
}

/// Whether a pattern names an action. Wildcards stand in the name behind the service alone: IAM refuses to save
/// `*:AssumeRole` ("Action vendors must not contain wildcards") and what has no service ("must be prefaced by a
/// vendor"), and neither names anything. The lone star names everything; of `*:*` and `**`, which IAM refuses too
/// and which are widely taken for the star, it is not known.
fn names_action(pattern: &str, action: &str) -> Truth {
    if pattern == "*" || pattern == action {
        return Truth::Yes;
    }
    if pattern.contains('*') && pattern.bytes().all(|b| matches!(b, b'*' | b':')) {
        return Truth::Unknown;
    }
    let (Some((service, name)), Some((own_service, own_name))) = (pattern.split_once(':'), action.split_once(':'))
    else {
        return Truth::No;
    };
    (service == own_service && glob(name, own_name)).into()
}

/// What decides about one action.
enum Decided<'a> {
    /// This statement allows.
    Allowed(Judged<'a>),
    /// This one denies.
    Denied(Judged<'a>),
    /// The first allows, and the second, which may deny, is not decided.
    HeldBack(Judged<'a>, Judged<'a>),
    /// This one allows, in a document that has elements which no policy has.
    Strange(Judged<'a>),
    /// The document as a whole cannot be made out.
    Unclear,
    /// This one may allow.
    MayAllow(Judged<'a>),
    /// None allows; this one comes nearest, if there is any that could.
    NotAllowed(Option<Judged<'a>>),
}

impl Decided<'_> {
    fn outcome(&self) -> Outcome {
        match self {
            Decided::Allowed(_) => Outcome::Allowed,
            Decided::Denied(_) | Decided::NotAllowed(_) => Outcome::Denied,
            Decided::HeldBack(..) | Decided::Strange(_) | Decided::MayAllow(_) | Decided::Unclear => Outcome::Unknown,
        }
    }
}

fn decide<'a>(document: &'a Document, request: &Request, action: &str, reasons: bool) -> Decided<'a> {
    let mut allows: Option<Judged<'a>> = None;
    let mut may_deny: Option<Judged<'a>> = None;
    let mut may_allow: Option<Judged<'a>> = None;
    let mut nearest: Option<Judged<'a>> = None;
    let keep_nearer = |kept: &mut Option<Judged<'a>>, it: Judged<'a>| {
        if kept.as_ref().is_none_or(|kept| it.distance() < kept.distance()) {
            *kept = Some(it);
        }
    };
    if !document.unclear.is_empty() {
        return Decided::Unclear;
    }
    let action = action.to_ascii_lowercase();
    for statement in &document.statements {
        let judged = Judged::new(document, statement, request, &action, reasons);
        match (statement.effect, judged.applies()) {
            (Some(Effect::Deny), Truth::Yes) => return Decided::Denied(judged),
            (Some(Effect::Deny), Truth::Unknown) => {
                may_deny.get_or_insert(judged);
            }
            (Some(Effect::Deny), Truth::No) | (None, Truth::No) => {}
            (Some(Effect::Allow), Truth::Yes) => {
                allows.get_or_insert(judged);
            }
            (Some(Effect::Allow), Truth::Unknown) => keep_nearer(&mut may_allow, judged),
            (Some(Effect::Allow), Truth::No) => keep_nearer(&mut nearest, judged),
            // It has no effect that is known: it may be either.
            (None, _) => {
                may_deny.get_or_insert_with(|| Judged::new(document, statement, request, &action, reasons));
                keep_nearer(&mut may_allow, judged);
            }
        }
    }
    match (allows, may_deny, may_allow) {
        (Some(allows), _, _) if !document.strange.is_empty() => Decided::Strange(allows),
        (Some(allows), Some(may_deny), _) => Decided::HeldBack(allows, may_deny),
        (Some(allows), None, _) => Decided::Allowed(allows),
        (None, _, Some(may_allow)) => Decided::MayAllow(may_allow),
        (None, _, None) => Decided::NotAllowed(nearest),
    }
}

/// The answer alone, for those who ask often.
pub fn outcome(document: &Document, request: &Request) -> Outcome {
    let each = request.actions.iter().map(|action| decide(document, request, action, false).outcome());
    each.min().unwrap_or(Outcome::Unknown)
}

/// The answer with its reason. All actions of the request must be allowed; the reason names the one that is not.
pub fn evaluate(document: &Document, request: &Request) -> Verdict {
    let mut worst: Option<(&str, Decided<'_>)> = None;
    for action in &request.actions {
        let decided = decide(document, request, action, true);
        if worst.as_ref().is_none_or(|(_, it)| decided.outcome() < it.outcome()) {
            worst = Some((action, decided));
        }
    }
    match worst {
        Some((action, decided)) => because::verdict(document, request, action, &decided),
        None => Verdict {
            verdict: Outcome::Unknown,
            because: "the request asks for no action".to_owned(),
            statement: None,
            clause: None,
            passes: None,
        },
    }
}
