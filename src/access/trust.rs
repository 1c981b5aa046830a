//! An IAM role's trust policy, evaluated for one concrete request.
//!
//! Decides as IAM does, as far as the trust policy reaches: a Deny that applies wins, an Allow that applies allows, and
//! otherwise it is no. What is not known stays so and never turns an answer: a Deny that may apply makes an Allow *not
//! known*; an Allow that may apply makes a no *not known*. Organisation policies, boundaries and session policies are not
//! in the document and not looked at; the caller's own policies count where the statement leaves it to its account.
//!
//! Statements are held against the request by the engine ([`super::iam`]); `because` is the sentence for people, and
//! `file` a request as a file holds it.
//!
//! Parse a [`Document`] once, evaluate it often.

mod because;
mod file;

#[cfg(test)]
mod tests;

use super::iam::JudgedStatement;
use crate::access::Verdict;
use crate::model::policy::Effect;

pub use super::iam::request;
pub use super::iam::{Bar, Caller, PodIdentity, Request};
pub use crate::model::policy::Document;

/// The answer, and what decides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustDecision {
    /// Whether the request may assume the role.
    pub verdict: Verdict,
    /// One sentence for a person.
    pub because: String,
    /// The statement that decides: the one that allows or denies, or the one that comes nearest.
    pub statement: Option<StatementRef>,
    /// The part of it that decides; `None` where the whole statement does, or there is none.
    pub clause: Option<Clause>,
    /// What would pass that clause.
    pub passes: Option<String>,
    /// The action that decides: of several, the one that fares worst; `None` where the request asks for none.
    pub action: Option<String>,
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

/// What decides about one action.
enum Decided<'a> {
    /// This statement allows.
    Allowed(JudgedStatement<'a>),
    /// This one denies.
    Denied(JudgedStatement<'a>),
    /// The first allows, and the second, which may deny, is not decided.
    HeldBack(JudgedStatement<'a>, JudgedStatement<'a>),
    /// This one allows, in a document that has elements which no policy has.
    Strange(JudgedStatement<'a>),
    /// The document as a whole cannot be made out.
    Unclear,
    /// This one may allow.
    MayAllow(JudgedStatement<'a>),
    /// None allows; this one comes nearest, if there is any that could.
    NotAllowed(Option<JudgedStatement<'a>>),
}

impl Decided<'_> {
    fn outcome(&self) -> Verdict {
        match self {
            Decided::Allowed(_) => Verdict::Yes,
            Decided::Denied(_) | Decided::NotAllowed(_) => Verdict::No,
            Decided::HeldBack(..) | Decided::Strange(_) | Decided::MayAllow(_) | Decided::Unclear => Verdict::Unknown,
        }
    }
}

fn decide<'a>(document: &'a Document, request: &Request, action: &str, reasons: bool) -> Decided<'a> {
    let mut allows: Option<JudgedStatement<'a>> = None;
    let mut may_deny: Option<JudgedStatement<'a>> = None;
    let mut may_allow: Option<JudgedStatement<'a>> = None;
    let mut nearest: Option<JudgedStatement<'a>> = None;
    let keep_nearer = |kept: &mut Option<JudgedStatement<'a>>, it: JudgedStatement<'a>| {
        if kept.as_ref().is_none_or(|kept| it.distance() < kept.distance()) {
            *kept = Some(it);
        }
    };
    if !document.unclear.is_empty() {
        return Decided::Unclear;
    }
    let action = action.to_ascii_lowercase();
    for statement in &document.statements {
        let judged = JudgedStatement::of_trust(document, statement, request, &action, reasons);
        match (statement.effect, judged.applies()) {
            (Some(Effect::Deny), Verdict::Yes) => return Decided::Denied(judged),
            (Some(Effect::Deny), Verdict::Unknown) => {
                may_deny.get_or_insert(judged);
            }
            (Some(Effect::Deny), Verdict::No) | (None, Verdict::No) => {}
            (Some(Effect::Allow), Verdict::Yes) => {
                allows.get_or_insert(judged);
            }
            (Some(Effect::Allow), Verdict::Unknown) => keep_nearer(&mut may_allow, judged),
            (Some(Effect::Allow), Verdict::No) => keep_nearer(&mut nearest, judged),
            // It has no effect that is known: it may be either.
            (None, _) => {
                may_deny
                    .get_or_insert_with(|| JudgedStatement::of_trust(document, statement, request, &action, reasons));
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
pub fn outcome(document: &Document, request: &Request) -> Verdict {
    let each = request.actions.iter().map(|action| decide(document, request, action, false).outcome());
    each.min().unwrap_or(Verdict::Unknown)
}

/// The answer with its reason. All actions of the request must be allowed; the reason names the one that is not.
pub fn evaluate(document: &Document, request: &Request) -> TrustDecision {
    let mut worst: Option<(&str, Decided<'_>)> = None;
    for action in &request.actions {
        let decided = decide(document, request, action, true);
        if worst.as_ref().is_none_or(|(_, it)| decided.outcome() < it.outcome()) {
            worst = Some((action, decided));
        }
    }
    match worst {
        Some((action, decided)) => because::verdict(document, request, action, &decided),
        None => TrustDecision {
            verdict: Verdict::Unknown,
            because: "the request asks for no action".to_owned(),
            statement: None,
            clause: None,
            passes: None,
            action: None,
        },
    }
}
