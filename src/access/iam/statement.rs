//! One statement held against one request, part by part.
//!
//! Decides whether each part (principal, action, resource, conditions) holds, and from that whether the statement applies.
//! Which of several statements counts is the caller's: a trust policy's (`access::trust`) or a set of policies'
//! ([`super::identity`]).

use super::condition;
use super::policy::Target;
use super::principal;
use super::request::Request;
use crate::access::Verdict;
use crate::model::policy::{Actions, Document, Effect, Statement};
use crate::model::wildcard::glob;

/// Which part of a statement is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatementPart {
    Principal,
    Action,
    Resource,
    /// The caller's own policies, to which the statement leaves it.
    OwnPolicies,
    Condition(usize),
    /// What in it cannot be made out.
    Unclear,
}

/// A statement, held against the request part by part.
pub(crate) struct JudgedStatement<'a> {
    pub(crate) statement: &'a Statement,
    pub(crate) principal: Verdict,
    pub(crate) action: Verdict,
    resource: Verdict,
    own_policies: Verdict,
    pub(crate) conditions: Vec<Verdict>,
}

impl<'a> JudgedStatement<'a> {
    /// A statement of a trust policy. `action` is lowered. What cannot matter to the outcome is left out unless the
    /// `reasons` are wanted too.
    pub(crate) fn of_trust(
        document: &Document,
        statement: &'a Statement,
        request: &Request,
        action: &str,
        reasons: bool,
    ) -> Self {
        let principal = principal::named(&statement.principals, request);
        let action = names_actions(&statement.actions, action);
        let skipped = !reasons && (principal == Verdict::No || action == Verdict::No);
        JudgedStatement {
            statement,
            principal,
            action,
            resource: Verdict::Yes,
            // A Deny needs nobody's consent.
            own_policies: match statement.effect {
                Some(Effect::Deny) => Verdict::Yes,
                _ => principal::enough(&statement.principals, request),
            },
            conditions: hold_conditions(document, statement, request, skipped),
        }
    }

    /// A statement of an identity's own policy: whose it is, it is about. `action` is lowered.
    pub(crate) fn of_identity(
        document: &Document,
        statement: &'a Statement,
        request: &Request,
        action: &str,
        target: &Target<'_>,
    ) -> Self {
        let action = names_actions(&statement.actions, action);
        let resource = match action {
            Verdict::No => Verdict::Yes,
            _ => target.is_named_by(&statement.resources, document.variables, request),
        };
        let skipped = resource == Verdict::No || action == Verdict::No;
        JudgedStatement {
            statement,
            principal: Verdict::Yes,
            action,
            resource,
            own_policies: Verdict::Yes,
            conditions: hold_conditions(document, statement, request, skipped),
        }
    }

    /// All parts, in the order in which a person asks for them.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (StatementPart, Verdict)> {
        let unclear = if self.statement.unclear.is_empty() { Verdict::Yes } else { Verdict::Unknown };
        let conditions = self.conditions.iter().enumerate().map(|(at, it)| (StatementPart::Condition(at), *it));
        [
            (StatementPart::Principal, self.principal),
            (StatementPart::Action, self.action),
            (StatementPart::Resource, self.resource),
        ]
        .into_iter()
        .chain(conditions)
        .chain([(StatementPart::OwnPolicies, self.own_policies), (StatementPart::Unclear, unclear)])
    }

    /// Whether the statement applies to the request.
    pub(crate) fn applies(&self) -> Verdict {
        Verdict::all(self.parts().map(|(_, truth)| truth))
    }

    /// The first part of which this is true.
    pub(crate) fn first_part(&self, wanted: Verdict) -> Option<StatementPart> {
        self.parts().find(|(_, truth)| *truth == wanted).map(|(part, _)| part)
    }

    /// How far it is from applying: the number of parts that fail; among equals the one that names the caller and the
    /// action is nearer, then the one with less that is unknown.
    pub(crate) fn distance(&self) -> (usize, bool, bool, usize) {
        let count = |wanted| self.parts().filter(|(_, truth)| *truth == wanted).count();
        (count(Verdict::No), self.principal == Verdict::No, self.action == Verdict::No, count(Verdict::Unknown))
    }
}

fn hold_conditions(document: &Document, statement: &Statement, request: &Request, skipped: bool) -> Vec<Verdict> {
    let conditions = if skipped { &[][..] } else { &statement.conditions };
    conditions.iter().map(|it| condition::holds(it, document.variables, request)).collect()
}

/// Whether the statement speaks of the action, which is lowered: actions have no case. An action may be a whole service's
/// (`iam:*`) or every one (`*`): then all of them must be spoken of.
pub(crate) fn names_actions(actions: &Actions, action: &str) -> Verdict {
    match actions {
        Actions::AnyOf(_, patterns) => Verdict::any(patterns.iter().map(|it| names_action(it, action))),
        Actions::AllBut(_, patterns) => {
            let is_left_out = Verdict::any(patterns.iter().map(|it| names_action(it, action)));
            let service = action.split_once(':').map(|(service, _)| service);
            let shares = |pattern: &String| match (service, pattern.split_once(':')) {
                (Some(service), Some((own, _))) => own == service,
                _ => true,
            };
            match action.contains('*') && patterns.iter().any(shares) {
                // Some of them are left out, perhaps.
                true => (!is_left_out).min(Verdict::Unknown),
                false => !is_left_out,
            }
        }
        Actions::Unclear(_) => Verdict::Unknown,
    }
}

/// Whether a pattern names an action. Wildcards stand in the name behind the service alone: IAM refuses to save
/// `*:AssumeRole` ("Action vendors must not contain wildcards") and what has no service ("must be prefaced by a
/// vendor"), and neither names anything. The lone star names everything; of `*:*` and `**`, which IAM refuses too
/// and which are widely taken for the star, it is not known.
fn names_action(pattern: &str, action: &str) -> Verdict {
    if pattern == "*" || pattern == action {
        return Verdict::Yes;
    }
    if pattern.contains('*') && pattern.bytes().all(|b| matches!(b, b'*' | b':')) {
        return Verdict::Unknown;
    }
    let (Some((service, name)), Some((own_service, own_name))) = (pattern.split_once(':'), action.split_once(':'))
    else {
        return Verdict::No;
    };
    (service == own_service && glob(name, own_name)).into()
}
