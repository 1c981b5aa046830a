//! What is wrong with a workload's role, as far as names, existence and the shape of the trust policy tell. Trust
//! conditions are not evaluated here.

use serde_json::Value;

use super::Finding;
use super::Severity::{Low, Medium};
use crate::access::Mark;
use crate::model::snapshot::Evidence;

/// The findings of a service account with an IRSA annotation.
pub(crate) fn of_irsa(mark: Mark, because: &str, pods: Option<usize>, evidence: &Evidence) -> Vec<Finding> {
    let mut out = broken("irsa-broken", mark, because, evidence);
    if mark == Mark::Shadowed {
        out.push(Finding::new(Low, "irsa-and-pod-identity", because, evidence));
    }
    if pods == Some(0) {
        out.push(Finding::new(Low, "workload-unused", "no running pod uses this service account", evidence));
    }
    out
}

/// The findings of a Pod Identity association.
pub(crate) fn of_association(mark: Mark, because: &str, pods: Option<usize>, evidence: &Evidence) -> Vec<Finding> {
    let mut out = broken("pod-identity-broken", mark, because, evidence);
    if pods == Some(0) && out.is_empty() {
        out.push(Finding::new(Low, "workload-unused", "no running pod uses its service account", evidence));
    }
    out
}

fn broken(id: &'static str, mark: Mark, because: &str, evidence: &Evidence) -> Vec<Finding> {
    if mark == Mark::Dead { vec![Finding::new(Medium, id, because, evidence)] } else { Vec::new() }
}

/// Does a statement of the trust policy allow the action to that principal (`("Service", "pods.eks.amazonaws.com")`)?
/// Conditions are not looked at.
pub(crate) fn trust_names(document: &Value, kind: &str, principal: &str, action: &str) -> bool {
    // A trust policy pasted as a text of JSON is read as what it says.
    let parsed = document.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let document = parsed.as_ref().unwrap_or(document);
    each(document.get("Statement").unwrap_or(&Value::Null)).any(|statement| {
        let allows = statement.get("Effect").and_then(Value::as_str) == Some("Allow");
        let who = statement.get("Principal").unwrap_or(&Value::Null);
        let named = who.as_str() == Some("*")
            || each(who.get(kind).unwrap_or(&Value::Null)).any(|it| it.as_str() == Some(principal));
        allows && named && each(statement.get("Action").unwrap_or(&Value::Null)).any(|it| covers(it, action))
    })
}

fn each(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(items) => Box::new(items.iter()),
        Value::Null => Box::new(std::iter::empty()),
        one => Box::new(std::iter::once(one)),
    }
}

fn covers(pattern: &Value, action: &str) -> bool {
    let Some(pattern) = pattern.as_str() else { return false };
    crate::access::catalog::namespace_matches(&pattern.to_lowercase(), &action.to_lowercase())
}
