//! SimulatePrincipalPolicy: what a principal's identity policies say to an action on a resource.
//!
//! Unlike `policy`, which lets callers of the lab in by action alone, it looks at resources and conditions, as IAM
//! does. What it cannot evaluate (a permissions boundary, a policy whose document the world does not hold, an operator
//! or a policy variable that is not among those here) it says so and guesses nothing. A new operator is a line of
//! [`Test::read`].
//!
//! This evaluator and the one in `policy` stay apart from the program's engine (`access::iam`) on purpose: they are a second
//! opinion, and `second_opinion` holds the two against each other on random policies and requests.

use serde_json::Value;

use super::policy::{Policies, Policy, items, matches_action, texts};
use crate::model::wildcard::glob;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) action: &'a str,
    /// `*` stands for no resource in particular.
    pub(super) resource: &'a str,
    /// The keys of the context that are there.
    pub(super) context: &'a [(String, Vec<String>)],
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Simulation {
    /// `allowed`, `explicitDeny`, `implicitDeny`.
    pub(super) decision: &'static str,
    /// The policies whose statements decided.
    pub(super) matched: Vec<String>,
    /// Keys that conditions name and the context lacks.
    pub(super) missing: Vec<String>,
}

/// Evaluates; the error says what cannot be evaluated here.
pub(super) fn simulate(policies: &Policies, asked: Asked<'_>) -> Result<Simulation, String> {
    if let Some(boundary) = &policies.boundary {
        return Err(format!("the permissions boundary {boundary} is not evaluated here"));
    }
    let (mut allows, mut denies, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for Policy { name, document } in &policies.all {
        let Some(document) = document else { return Err(format!("the document of policy {name} is not at hand")) };
        for statement in document.get("Statement").map(items).unwrap_or_default() {
            if !names(statement, "Action", |it| matches_action(it, asked.action))
                || !names(statement, "Resource", |it| matches_resource(it, asked.resource))
            {
                continue;
            }
            if !conditions(statement, asked.context, &mut missing)? {
                continue;
            }
            match statement.get("Effect").and_then(Value::as_str) {
                Some("Deny") => denies.push(name.clone()),
                Some("Allow") => allows.push(name.clone()),
                _ => return Err(format!("a statement of policy {name} says neither Allow nor Deny")),
            }
        }
    }
    missing.sort();
    missing.dedup();
    let (decision, matched) = match (denies.is_empty(), allows.is_empty()) {
        (false, _) => ("explicitDeny", denies),
        (true, false) => ("allowed", allows),
        (true, true) => ("implicitDeny", Vec::new()),
    };
    Ok(Simulation { decision, matched, missing })
}

/// Does a statement name it, by the element or by its `Not…`?
fn names(statement: &Value, element: &str, is_it: impl Fn(&str) -> bool) -> bool {
    match (statement.get(element), statement.get(format!("Not{element}"))) {
        (Some(own), _) => texts(own).any(is_it),
        (None, Some(but)) => !texts(but).any(is_it),
        (None, None) => false,
    }
}

/// What is asked of no resource in particular is allowed where the statement holds for all.
fn matches_resource(pattern: &str, resource: &str) -> bool {
    if resource == "*" { pattern == "*" } else { glob(pattern, resource) }
}

fn conditions(statement: &Value, context: &[(String, Vec<String>)], missing: &mut Vec<String>) -> Result<bool, String> {
    let Some(Value::Object(operators)) = statement.get("Condition") else { return Ok(true) };
    let mut holds = true;
    for (operator, keys) in operators {
        let test =
            Test::read(operator).ok_or_else(|| format!("the condition operator {operator} is not evaluated here"))?;
        let Value::Object(keys) = keys else { return Err(format!("the condition {operator} names no keys")) };
        for (key, wanted) in keys {
            let wanted: Vec<&str> = match wanted {
                Value::Bool(true) => vec!["true"],
                Value::Bool(false) => vec!["false"],
                other => texts(other).collect(),
            };
            if wanted.iter().any(|it| it.contains("${")) {
                return Err(format!("the policy variable in {wanted:?} is not evaluated here"));
            }
            let got = context.iter().find(|(own, _)| own.eq_ignore_ascii_case(key)).map(|(_, values)| values);
            if got.is_none() && !test.null {
                missing.push(key.clone());
            }
            holds &= test.holds(&wanted, got);
        }
    }
    Ok(holds)
}

/// A condition operator.
#[derive(Clone, Copy)]
struct Test {
    negated: bool,
    /// A key that is not there passes.
    if_exists: bool,
    /// Asks only whether the key is there.
    null: bool,
    same: fn(&str, &str) -> bool,
}

impl Test {
    fn read(operator: &str) -> Option<Test> {
        let (base, if_exists) = match operator.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (operator, false),
        };
        let exact: fn(&str, &str) -> bool = |wanted, got| wanted == got;
        let any_case: fn(&str, &str) -> bool = |wanted, got| wanted.to_lowercase() == got.to_lowercase();
        let (negated, null, same): (bool, bool, fn(&str, &str) -> bool) = match base {
            "StringEquals" => (false, false, exact),
            "StringNotEquals" => (true, false, exact),
            "StringEqualsIgnoreCase" | "Bool" => (false, false, any_case),
            "StringNotEqualsIgnoreCase" => (true, false, any_case),
            "StringLike" => (false, false, glob),
            "StringNotLike" => (true, false, glob),
            "ArnLike" | "ArnEquals" => (false, false, same_arn),
            "ArnNotLike" | "ArnNotEquals" => (true, false, same_arn),
            "Null" if !if_exists => (false, true, exact),
            _ => return None,
        };
        Some(Test { negated, if_exists, null, same })
    }

    fn holds(self, wanted: &[&str], got: Option<&Vec<String>>) -> bool {
        if self.null {
            let absent = if got.is_none_or(Vec::is_empty) { "true" } else { "false" };
            return wanted.contains(&absent);
        }
        match got {
            // A negated test of a key that is not there holds, as IAM has it.
            None => self.if_exists || self.negated,
            Some(got) => got.iter().any(|got| wanted.iter().any(|wanted| (self.same)(wanted, got))) != self.negated,
        }
    }
}

/// An ARN's six parts match one by one.
fn same_arn(wanted: &str, got: &str) -> bool {
    let (wanted, got): (Vec<&str>, Vec<&str>) = (wanted.splitn(6, ':').collect(), got.splitn(6, ':').collect());
    wanted.len() == 6 && got.len() == 6 && wanted.iter().zip(got).all(|(wanted, got)| glob(wanted, got))
}

#[cfg(test)]
mod second_opinion;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn policies(statements: Value) -> Policies {
        let policy = Policy { name: "p".into(), document: Some(json!({ "Statement": statements })) };
        Policies { all: vec![policy], boundary: None }
    }

    fn ask(statements: Value, resource: &str, context: &[(&str, &str)]) -> Result<Simulation, String> {
        let context: Vec<_> =
            context.iter().map(|(key, value)| ((*key).to_owned(), vec![(*value).to_owned()])).collect();
        simulate(&policies(statements), Asked { action: "s3:GetObject", resource, context: &context })
    }

    #[test]
    fn resources_and_conditions_count() {
        let bucket = "arn:aws:s3:::logs/a";
        let own = json!({"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::logs/*"});
        let not_others = json!({"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::logs/*"});
        let tagged = json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*",
                            "Condition": {"StringEquals": {"aws:PrincipalTag/team": ["blue", "green"]}}});
        let not_outside = json!({"Effect": "Deny", "NotAction": "iam:*", "Resource": "*",
                                 "Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}});
        let blue = ("aws:principaltag/Team", "blue");
        for (statements, resource, context, decision, missing) in [
            (json!([own]), bucket, vec![], "allowed", 0),
            (json!([own]), "arn:aws:s3:::other/a", vec![], "implicitDeny", 0),
            (json!([own]), "*", vec![], "implicitDeny", 0),
            (json!([own, not_others]), bucket, vec![], "allowed", 0),
            (json!([tagged, not_others]), "arn:aws:s3:::other/a", vec![blue], "explicitDeny", 0),
            (json!([tagged]), bucket, vec![], "implicitDeny", 1),
            (json!([tagged]), bucket, vec![blue], "allowed", 0),
            (json!([own, not_outside]), bucket, vec![], "explicitDeny", 1),
            (json!([own, not_outside]), bucket, vec![("aws:SourceVpc", "vpc-1")], "allowed", 0),
            (json!([]), bucket, vec![], "implicitDeny", 0),
        ] {
            let got = ask(statements.clone(), resource, &context).unwrap();
            assert_eq!((got.decision, got.missing.len()), (decision, missing), "{statements} {resource} {context:?}");
        }
    }

    #[test]
    fn what_cannot_be_evaluated_is_said_and_never_guessed() {
        let odd =
            |condition: Value| json!([{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}]);
        for condition in [
            json!({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}),
            json!({"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}),
            json!({"StringLike": {"s3:prefix": "${aws:username}/*"}}),
        ] {
            let said = ask(odd(condition), "*", &[]).unwrap_err();
            assert!(said.contains("not evaluated here"), "{said}");
        }
        let unread = Policies { all: vec![Policy { name: "x".into(), document: None }], boundary: None };
        assert!(simulate(&unread, Asked { action: "a:b", resource: "*", context: &[] }).is_err());
        let bounded = Policies { all: vec![], boundary: Some("b".into()) };
        assert!(simulate(&bounded, Asked { action: "a:b", resource: "*", context: &[] }).is_err());
    }
}
