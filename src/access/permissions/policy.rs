//! One associated access policy and one request.
//!
//! Decides whether the association allows the request, in which scope and by which rule of AWS's table; what of that is an
//! inference; and that rules which are not published, or are limited to names that are not, leave the answer open.

use super::rule::allows;
use super::{Grant, Who};
use crate::access::catalog;
use crate::model::mapping::{AccessScope, AssociatedPolicy, ScopeKind};
use crate::model::request::{Request, Target};

pub(super) fn policies(who: &Who) -> impl Iterator<Item = (Grant, &AssociatedPolicy)> {
    who.policies.iter().flat_map(|(entry, policies)| {
        policies.iter().enumerate().map(move |(index, policy)| (policy_grant(entry, index, policy), policy))
    })
}

pub(super) fn policy_grant(entry: &str, index: usize, policy: &AssociatedPolicy) -> Grant {
    Grant::Policy {
        entry: entry.to_owned(),
        index,
        policy_arn: policy.policy_arn.clone(),
        scope: policy.access_scope.clone(),
    }
}

/// What one association says to a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ByPolicy {
    /// Allowed by this rule.
    Allows(usize),
    /// Not known: its rules are not at hand.
    Unpublished,
    /// Not known, and why.
    Unknown(String),
    /// It does not allow it.
    Silent,
}

pub(crate) fn by_policy(policy: &AssociatedPolicy, request: &Request) -> ByPolicy {
    if !catalog::covers(&policy.access_scope, request.namespace()) {
        return ByPolicy::Silent;
    }
    let Some(rules) = catalog::policy(&policy.policy_arn).and_then(|it| it.rules.as_ref()) else {
        return ByPolicy::Unpublished;
    };
    let mut restricted = None;
    for (at, it) in rules.iter().enumerate() {
        if allows(&it.rule, request) {
            match &it.restricted {
                None => return ByPolicy::Allows(at),
                Some(how) => restricted = Some(format!("the names that {} is limited to: {how}", policy.name())),
            }
        }
    }
    restricted.map_or(ByPolicy::Silent, ByPolicy::Unknown)
}

/// Whether an association of a policy, in whatever scope, could allow a request.
pub(crate) fn may_allow(policy_arn: &str, request: &Request) -> bool {
    let access_scope = AccessScope { kind: ScopeKind::Cluster, namespaces: Vec::new() };
    let widest =
        AssociatedPolicy { policy_arn: policy_arn.to_owned(), access_scope, associated_at: None, modified_at: None };
    by_policy(&widest, request) != ByPolicy::Silent
}

/// What of an association's meaning AWS does not document, as far as this request rests on it.
pub(super) fn inference(policy: &AssociatedPolicy, request: &Request) -> Option<String> {
    let (scope, namespace) = (&policy.access_scope, request.namespace());
    if scope.kind == ScopeKind::Cluster {
        return None;
    }
    let covering = scope.namespaces.iter().filter(|it| catalog::namespace_matches(it, namespace));
    let mut fancy = covering.clone().filter(|it| catalog::is_fancy(it));
    if let (Some(it), true) = (fancy.next(), covering.clone().all(|it| catalog::is_fancy(it))) {
        return Some(format!("what the namespace {it:?} of {} covers: AWS documents only a trailing *", policy.name()));
    }
    matches!(&request.target, Target::Resource { group, resource, name, .. } if group.is_empty() && resource == "namespaces" && name == namespace)
        .then(|| "that a request which names a Namespace counts as being in it, for access policies too".to_owned())
}

/// That what these policies grant is not known, and why, in one sentence; `None` for no policies.
pub(super) fn unpublished(policies: &[&AssociatedPolicy]) -> Option<String> {
    let (listed, unheard): (Vec<&str>, Vec<&str>) = {
        let (listed, unheard): (Vec<&&AssociatedPolicy>, Vec<&&AssociatedPolicy>) =
            policies.iter().partition(|it| catalog::policy(&it.policy_arn).is_some());
        (listed.iter().map(|it| it.name()).collect(), unheard.iter().map(|it| it.name()).collect())
    };
    let one = |names: &[&str], why: &str| {
        let verb = if names.len() == 1 { "grants" } else { "grant" };
        let names = match names {
            [first, second, rest @ ..] if rest.len() > 1 => format!("{first}, {second} and {} more", rest.len()),
            names => names.join(", "),
        };
        (!names.is_empty()).then(|| format!("what {names} {verb}: {why}"))
    };
    let told = [
        one(&listed, "AWS does not publish the rules"),
        one(&unheard, "this program's table of access policies does not have it"),
    ];
    let told: Vec<String> = told.into_iter().flatten().collect();
    (!told.is_empty()).then(|| told.join("; "))
}
