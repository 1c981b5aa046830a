//! What a role's policy gives beyond what any part of a cluster needs.
//!
//! Decides by what is given on all resources of a kind, in whatever form they are named: whole services, and those
//! actions by which whoever has them takes what he was not given. A Deny or a boundary takes it back, or part of it.
//! A new action of that sort is a line in [`GRASPING`]; a policy of AWS that is wide is one in [`of_aws`].

use serde_json::Value;

use super::policies::{Held, Holds, WiderPolicy};
use super::said::{Say, is_conditional, says, speaks_of, statements, texts};
use crate::access::findings::Severity;

/// By these one becomes another, or gives oneself more: with any of them on everything, all the rest follows.
const GRASPING: [&str; 14] = [
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

/// Gives the first thing that is too wide, the worst first.
pub(super) fn wider(it: &Held<'_>, holds: &Holds<'_>) -> Option<WiderPolicy> {
    let (severity, gives) = match (it.of_aws, &it.document) {
        (Some(name), _) => of_aws(name)?,
        (None, Some(document)) => of_document(document, holds)?,
        (None, None) => return None,
    };
    // Everything that is given was denied again.
    if holds.denied("*").0 == Say::Surely {
        return None;
    }
    let (severity, gives) = match &holds.boundary {
        Some(it) if !is_no_boundary(it, holds) => {
            let limited = format!("{gives}, as far as its permissions boundary {} lets it", it.name);
            (severity.max(Severity::Medium), limited)
        }
        _ => (severity, gives),
    };
    Some(WiderPolicy { policy: it.name.to_owned(), severity, gives })
}

/// A boundary that allows everything and denies nothing bounds nothing.
fn is_no_boundary(it: &Held<'_>, holds: &Holds<'_>) -> bool {
    match &it.document {
        Some(document) => {
            let allows = says(document, "Allow", "*", &holds.ground) == Say::Surely;
            allows && statements(document).all(|it| it.get("Effect").and_then(Value::as_str) == Some("Allow"))
        }
        None => it.of_aws == Some("AdministratorAccess"),
    }
}

/// What AWS's own policies give that are wide; of the others their names tell.
fn of_aws(name: &str) -> Option<(Severity, String)> {
    let (severity, gives) = match name {
        "AdministratorAccess" => (Severity::High, "everything in the account"),
        "PowerUserAccess" => (Severity::High, "everything in the account but IAM"),
        "IAMFullAccess" => (Severity::High, "all of IAM, and with it whatever it does not give at once"),
        "ReadOnlyAccess" => (Severity::Medium, "everything in the account to read, what is in its buckets included"),
        "SecretsManagerReadWrite" => (Severity::Medium, "every secret of Secrets Manager, to read and to write"),
        _ => return name.ends_with("FullAccess").then(|| (Severity::Medium, "all that its name says".to_owned())),
    };
    Some((severity, gives.to_owned()))
}

fn of_document(document: &Value, holds: &Holds<'_>) -> Option<(Severity, String)> {
    let found = statements(document).filter(|it| it.get("Effect").and_then(Value::as_str) == Some("Allow"));
    let found = found.filter_map(|it| of_statement(it, holds)).collect::<Vec<_>>();
    let worst = found.iter().map(|it| it.0).min()?;
    let mut gives: Vec<String> = found.into_iter().filter(|it| it.0 == worst).map(|it| it.1).collect();
    gives.dedup();
    Some((worst, gives.join("; ")))
}

fn of_statement(statement: &Value, holds: &Holds<'_>) -> Option<(Severity, String)> {
    let (severity, what) = match (statement.get("Action"), statement.get("NotAction")) {
        (None, Some(_)) => (Severity::High, "everything but what it names".to_owned()),
        (actions, _) => of_actions(&texts(actions).collect::<Vec<_>>(), statement, holds)?,
    };
    let on = whole(statement)?;
    if is_conditional(statement) {
        return Some((severity.max(Severity::Medium), format!("{what} on {on}, on a condition")));
    }
    Some((severity, format!("{what} on {on}")))
}

/// The worst of what the actions are.
fn of_actions(actions: &[&str], statement: &Value, holds: &Holds<'_>) -> Option<(Severity, String)> {
    let is_all = |it: &&&str| it.chars().all(|it| it == '*') || matches!(it.split_once(':'), Some(("*", "*")));
    if actions.iter().any(|it| is_all(&it)) {
        return Some((Severity::High, "every action".to_owned()));
    }
    let denied = |action: &str| holds.denied(action).0 == Say::Surely;
    let services = actions.iter().filter_map(|it| it.split_once(':')).filter(|(_, verb)| is_star(verb));
    let mut services: Vec<String> = services.map(|(service, _)| service.to_lowercase()).collect();
    services.retain(|it| !denied(&format!("{it}:*")));
    services.sort_unstable();
    services.dedup();
    let whole = |services: &[String]| format!("every action of {}", services.join(", "));
    if services.iter().any(|it| it == "iam") {
        return Some((Severity::High, whole(&services)));
    }
    let grasping: Vec<&str> = GRASPING.iter().copied().filter(|it| speaks_of(statement, it) && !denied(it)).collect();
    match (grasping.as_slice(), services.as_slice()) {
        ([], []) => None,
        ([], services) => Some((Severity::Medium, whole(services))),
        (grasping, _) => Some((Severity::High, grasping.join(", "))),
    }
}

fn is_star(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|it| it == '*')
}

/// On what a statement gives, if that is everything, or everything of a kind: in words.
fn whole(statement: &Value) -> Option<String> {
    match (statement.get("Resource"), statement.get("NotResource")) {
        (None, Some(_)) => Some("every resource but those it names".to_owned()),
        (named, _) if texts(named).any(is_star) => Some("every resource".to_owned()),
        (named, _) => texts(named).find(|it| is_whole_kind(it)).map(str::to_owned),
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
