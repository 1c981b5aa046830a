//! What a role's policy gives beyond what any part of a cluster needs.
//!
//! Decides by what is given on all resources of a kind, in whatever form they are named: whole services, and those
//! actions by which whoever has them takes what he was not given. A Deny or a boundary takes it back, or part of it.
//! A new action of that sort is a line in [`PRIVILEGE_ESCALATION_ACTIONS`]; a policy of AWS that is wide is one in `access::iam::managed`.

use super::policies::{HeldPolicy, PolicySet, WiderPolicy};
use crate::access::Verdict;
use crate::access::findings::Severity;
use crate::access::iam::managed::{self, Breadth};
use crate::access::iam::names_actions;
use crate::model::policy::{Actions, Document, Effect, Resources, Statement};

/// By these one becomes another, or gives oneself more: with any of them on everything, all the rest follows.
const PRIVILEGE_ESCALATION_ACTIONS: [&str; 14] = [
    "iam:AddUserToGroup",
    "iam:AttachGroupPolicy",
    "iam:AttachRolePolicy",
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreatePolicyVersion",
    "iam:PutGroupPolicy",
    "iam:PutRolePolicy",
    "iam:PutUserPolicy",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateLoginProfile",
    "sts:AssumeRole",
];

/// With it on everything, whoever may also start something under a role starts it under any.
const PASS_ROLE: &str = "iam:PassRole";

/// Gives the first thing that is too wide, the worst first.
pub(super) fn wider(it: &HeldPolicy<'_>, holds: &PolicySet<'_>) -> Option<WiderPolicy> {
    let (severity, gives) = match (it.of_aws, it.text.document()) {
        (Some(name), _) => describe_breadth(managed::breadth(name)?),
        (None, Some(document)) => of_document(document, holds)?,
        (None, None) => return None,
    };
    // Everything that is given was denied again.
    if holds.denied("*").0.truth == Verdict::Yes {
        return None;
    }
    let (severity, gives) = match &holds.boundary {
        Some(it) if !is_no_boundary(it) => {
            let limited = format!("{gives}, as far as its permissions boundary {} lets it", it.name);
            (severity.max(Severity::Medium), limited)
        }
        _ => (severity, gives),
    };
    Some(WiderPolicy { policy: it.name.to_owned(), severity, gives })
}

/// A boundary that allows everything and denies nothing bounds nothing.
fn is_no_boundary(it: &HeldPolicy<'_>) -> bool {
    match it.text.document() {
        Some(document) => {
            let all = |it: &Statement| {
                is_plain(it)
                    && !is_conditional(it)
                    && is_every_resource(it)
                    && names_actions(&it.actions, "*") == Verdict::Yes
            };
            let statements = &document.statements;
            statements.iter().all(|it| it.effect == Some(Effect::Allow)) && statements.iter().any(all)
        }
        None => it.of_aws.is_some_and(managed::gives_everything),
    }
}

/// What AWS's own policies give that are wide.
fn describe_breadth(breadth: Breadth) -> (Severity, String) {
    let (severity, gives) = match breadth {
        Breadth::Everything => (Severity::High, "everything in the account"),
        Breadth::AllButIam => (Severity::High, "everything in the account but IAM"),
        Breadth::Iam => (Severity::High, "all of IAM, and with it whatever it does not give at once"),
        Breadth::ReadsEverything => {
            (Severity::Medium, "everything in the account to read, what is in its buckets included")
        }
        Breadth::Secrets => (Severity::Medium, "every secret of Secrets Manager, to read and to write"),
        Breadth::Service => (Severity::Medium, "all that its name says"),
    };
    (severity, gives.to_owned())
}

fn of_document(document: &Document, holds: &PolicySet<'_>) -> Option<(Severity, String)> {
    let is_read = document.unclear.is_empty() && document.strange.is_empty();
    let allows = document.statements.iter().filter(|it| is_read && it.effect == Some(Effect::Allow) && is_plain(it));
    let found = allows.filter_map(|it| of_statement(it, holds)).collect::<Vec<_>>();
    let worst = found.iter().map(|it| it.0).min()?;
    let mut gives: Vec<String> = found.into_iter().filter(|it| it.0 == worst).map(|it| it.1).collect();
    gives.dedup();
    Some((worst, gives.join("; ")))
}

/// Whether the statement can be made out; one that cannot is no ground for a finding.
fn is_plain(statement: &Statement) -> bool {
    statement.unclear.is_empty()
}

fn is_conditional(statement: &Statement) -> bool {
    !statement.conditions.is_empty()
}

fn is_every_resource(statement: &Statement) -> bool {
    matches!(&statement.resources, Resources::AnyOf(named) if named.iter().any(|it| is_star(it)))
}

fn of_statement(statement: &Statement, holds: &PolicySet<'_>) -> Option<(Severity, String)> {
    let (severity, what) = match &statement.actions {
        Actions::AllBut(..) => (Severity::High, "everything but what it names".to_owned()),
        Actions::AnyOf(written, _) => of_actions(written, statement, holds)?,
        Actions::Unclear(_) => return None,
    };
    let on = whole(statement)?;
    if is_conditional(statement) {
        return Some((severity.max(Severity::Medium), format!("{what} on {on}, on a condition")));
    }
    Some((severity, format!("{what} on {on}")))
}

/// The worst of what the actions are.
fn of_actions(actions: &[String], statement: &Statement, holds: &PolicySet<'_>) -> Option<(Severity, String)> {
    let is_all = |it: &String| {
        !it.is_empty() && it.chars().all(|it| it == '*') || matches!(it.split_once(':'), Some(("*", "*")))
    };
    if actions.iter().any(is_all) {
        return Some((Severity::High, "every action".to_owned()));
    }
    let denied = |action: &str| holds.denied(action).0.truth == Verdict::Yes;
    let services = actions.iter().filter_map(|it| it.split_once(':')).filter(|(_, verb)| is_star(verb));
    let mut services: Vec<String> = services.map(|(service, _)| service.to_lowercase()).collect();
    services.retain(|it| !denied(&format!("{it}:*")));
    services.sort_unstable();
    services.dedup();
    let whole = |services: &[String]| format!("every action of {}", services.join(", "));
    if services.iter().any(|it| it == "iam") {
        return Some((Severity::High, whole(&services)));
    }
    let names = |action: &str| names_actions(&statement.actions, &action.to_ascii_lowercase()) == Verdict::Yes;
    let grasping: Vec<&str> =
        PRIVILEGE_ESCALATION_ACTIONS.iter().copied().filter(|it| names(it) && !denied(it)).collect();
    let passes = names(PASS_ROLE) && !denied(PASS_ROLE);
    match (grasping.as_slice(), services.as_slice()) {
        ([], []) => passes.then(|| (Severity::Medium, PASS_ROLE.to_owned())),
        ([], services) => Some((Severity::Medium, whole(services))),
        (grasping, _) => Some((Severity::High, grasping.join(", "))),
    }
}

fn is_star(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|it| it == '*')
}

/// On what a statement gives, if that is everything, or everything of a kind: in words.
fn whole(statement: &Statement) -> Option<String> {
    match &statement.resources {
        Resources::AllBut(_) => Some("every resource but those it names".to_owned()),
        Resources::AnyOf(_) if is_every_resource(statement) => Some("every resource".to_owned()),
        Resources::AnyOf(named) => named.iter().find(|it| is_whole_kind(it)).cloned(),
        Resources::OfTrust | Resources::Unclear(_) => None,
    }
}

/// `arn:aws:iam::*:*`, `arn:aws:s3:::*`, `arn:aws:iam::111122223333:role/*`: nothing in it names one thing.
fn is_whole_kind(pattern: &str) -> bool {
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    let ["arn", _, service, _, _, resource] = parts.as_slice() else {
        // A star that stands for the rest of the ARN: `arn:aws:iam:*`.
        return parts.len() > 1 && parts.len() < 6 && parts.last().is_some_and(|it| is_star(it));
    };
    let (kind, rest) = resource.split_once(['/', ':']).unwrap_or(("*", *resource));
    let of_kind = !rest.is_empty() && rest.chars().all(|it| matches!(it, '*' | '/' | ':'));
    // What stands first in a resource of S3 is a bucket's name, and no kind.
    of_kind && (is_star(kind) || *service != "s3")
}
