//! Why somebody may make a request, may not, or why it is not known, in a few lines; and what the API server says to it.
//!
//! Said of the matrix's cell and of a line of who-can alike. The answer is `access::permissions`'s, the comparison with
//! the API server's `access::crosscheck`'s.

use crate::access::Mark;
use crate::access::Verdict;
use crate::access::crosscheck::{Checked, compare};
use crate::access::permissions::{Allowing, Decision, Grant, Permissions, Who};
use crate::app::condition::said;
use crate::app::message::Slot;
use crate::model::failure::Failure;
use crate::model::request::Request;
use crate::model::review::{Review, Reviewed};
use crate::model::snapshot::Evidence;

/// What is said of one request of one identity.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Which request.
    pub request: Request,
    /// Yes, no, unknown.
    pub mark: Mark,
    /// By what, or why not: the first line says most.
    pub lines: Vec<String>,
    /// The rule that decides, or comes nearest.
    pub rule: Option<Evidence>,
    /// The grant that it belongs to.
    pub grant: Option<Evidence>,
}

impl Told {
    /// Of a request.
    pub fn of(permissions: &Permissions, who: &Who, request: Request) -> Self {
        let decision = permissions.decide(who, &request);
        let mut told = Told { request, mark: Mark::InForce, lines: Vec::new(), rule: None, grant: None };
        match decision.verdict {
            Verdict::Yes => {
                told.lines = decision.by.iter().map(|it| path(permissions, it)).collect();
                told.lines.extend(decision.unverified.iter().map(|it| format!("unverified: {it}")));
                told.rule = decision.by.iter().find_map(Allowing::evidence);
                told.grant = decision.by.iter().find_map(|it| it.grant.evidence());
            }
            Verdict::No => {
                told.mark = Mark::Dead;
                let nearest = permissions.nearest(who, &told.request);
                told.rule = nearest.as_ref().and_then(|it| it.evidence());
                told.grant = nearest.as_ref().and_then(|it| it.grant.evidence());
                told.lines.push(match (decision.outside, nearest) {
                    (Some(outside), _) => format!("it gets no identity here: {outside}"),
                    (None, Some(miss)) => miss.sentence(),
                    (None, None) => "nothing that it holds comes near".to_owned(),
                });
            }
            Verdict::Unknown => {
                told.mark = Mark::Unknown;
                told.lines = decision.unknown;
            }
        }
        told
    }
}

/// `AmazonEKSEditPolicy @ blue · rules[16]: get list watch on secrets`
pub fn path(permissions: &Permissions, allowing: &Allowing) -> String {
    match (&allowing.grant, allowing.rule, allowing.told(permissions)) {
        (Grant::Masters, _, _) => "group system:masters: everything, whatever the bindings say".to_owned(),
        (grant, Some(at), rule) if rule.is_empty() => format!("{grant} · rules[{at}]"),
        (grant, Some(at), rule) => format!("{grant} · rules[{at}]: {rule}"),
        (grant, None, _) => grant.to_string(),
    }
}

/// A question to the API server, and what came of it.
#[derive(Clone, Debug)]
pub struct Check {
    /// What was asked.
    pub review: Review,
    /// Of whom.
    who: Who,
    /// What was decided here.
    decision: Decision,
    /// The outcome, or why there is none; `None` while it is awaited.
    pub outcome: Option<Result<Checked, String>>,
    /// For the answer.
    pub slot: Slot,
}

impl Check {
    /// Before the answer.
    pub fn new(review: Review, who: Who, permissions: &Permissions) -> Self {
        let decision = permissions.decide(&who, &review.request);
        Check { review, who, decision, outcome: None, slot: Slot::default() }
    }

    /// Takes in the answer.
    pub fn take(&mut self, answer: &Result<Reviewed, Failure>) {
        self.outcome = Some(match answer {
            Ok(reviewed) => Ok(compare(&self.who, &self.decision, &self.review.of, reviewed)),
            Err(failure) => Err(format!("not reviewed: {}", said(failure))),
        });
    }

    /// Is it about this request of this identity?
    pub fn is_about(&self, who: &Who, request: &Request) -> bool {
        self.review.request == *request && self.who == *who
    }
}
