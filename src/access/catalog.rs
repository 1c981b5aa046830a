//! What each EKS access policy grants: AWS's own tables, since no API returns them.
//!
//! Decides which policy an ARN means, whether its rules are published, and which namespaces a scope covers. A policy
//! that is not in the table, or whose rules AWS does not publish, grants something unknown — never nothing. AWS may
//! change a policy at any time; the table (`assets/access-policies.json`) names its sources.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::model::mapping::{AccessScope, ScopeKind};
use crate::model::rbac::Rule;

/// The table as it is shipped.
pub const TABLE: &str = include_str!("../../assets/access-policies.json");

/// How much AWS says of a policy's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RulesStatus {
    /// A table of rules.
    Published,
    /// Words only.
    ProseOnly,
    /// Nothing.
    Unpublished,
}

/// An access policy.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Policy {
    pub name: String,
    pub arn: String,
    pub rules_status: RulesStatus,
    /// `customer`, or whoever else gives it.
    #[serde(default)]
    pub assignable_to: Option<String>,
    #[serde(default)]
    pub kubernetes_equivalent: Option<String>,
    /// `None` where AWS publishes none.
    pub rules: Option<Vec<PolicyRule>>,
    #[serde(default)]
    pub prose: Vec<String>,
    #[serde(default)]
    pub notes: Vec<String>,
}

/// A rule of an access policy.
#[derive(Clone, Debug, Deserialize)]
pub struct PolicyRule {
    /// What is allowed.
    #[serde(flatten)]
    pub rule: Rule,
    /// AWS limits the rule to object names that it does not publish: what the rule gives of them is not known.
    #[serde(default)]
    pub restricted: Option<String>,
}

static POLICIES: LazyLock<BTreeMap<String, Policy>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Table {
        policies: Vec<Policy>,
    }
    // A test reads the table; it cannot fail where the program runs.
    let all = serde_json::from_str::<Table>(TABLE).map(|it| it.policies).unwrap_or_default();
    all.into_iter().map(|policy| (policy.name.clone(), policy)).collect()
});

/// All policies, by name.
pub fn policies() -> impl Iterator<Item = &'static Policy> {
    POLICIES.values()
}

/// The policy of an ARN, in whatever partition; `None` for one that this table lacks, and for what is no access policy
/// (IAM has policies of the same names).
pub fn policy(arn: &str) -> Option<&'static Policy> {
    let mut parts = arn.splitn(6, ':');
    let (scheme, _partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let of_eks = scheme == "arn" && service == "eks" && region.is_empty() && account == "aws";
    of_eks.then_some(())?;
    POLICIES.get(resource.strip_prefix("cluster-access-policy/")?)
}

/// The catalogue's entry of a policy, for people who want to see what an answer rests on.
pub fn document(name: &str) -> Option<String> {
    let table: serde_json::Value = serde_json::from_str(TABLE).ok()?;
    let all = table.get("policies")?.as_array()?;
    let it = all.iter().find(|it| it.get("name").and_then(|it| it.as_str()) == Some(name))?;
    crate::model::document::to_yaml(it).ok()
}

/// Does a scope cover a request in this namespace? Empty is a request for all namespaces, for a resource that has none,
/// or for a path: only the cluster's scope covers those.
pub fn covers(scope: &AccessScope, namespace: &str) -> bool {
    match scope.kind {
        ScopeKind::Cluster => true,
        ScopeKind::Namespace => {
            !namespace.is_empty() && scope.namespaces.iter().any(|it| namespace_matches(it, namespace))
        }
    }
}

/// Is the scope's meaning beyond what AWS documents (`dev-*`)?
pub fn is_fancy(namespace: &str) -> bool {
    let stars = namespace.matches('*').count();
    stars > 1 || namespace.contains(['?', '[', '{']) || stars == 1 && !namespace.ends_with('*') || namespace == "*"
}

/// `*` matches any run of characters; all else is literal. The grammar beyond the documented `dev-*` is unverified.
pub fn namespace_matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    let mut rest = rest;
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_and_knows_what_is_not_published() {
        let all: Vec<_> = policies().collect();
        assert!(all.len() >= 30, "{}", all.len());
        for policy in all {
            let published = policy.rules.as_ref().is_some_and(|rules| !rules.is_empty());
            assert_eq!(published, policy.rules_status == RulesStatus::Published, "{}", policy.name);
        }
    }

    #[test]
    fn a_policy_is_named_by_its_whole_arn() {
        let named = |arn: &str| policy(arn).map(|it| it.name.as_str());
        let view = Some("AmazonEKSViewPolicy");
        assert_eq!(named("arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"), view);
        assert_eq!(named("arn:aws-us-gov:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"), view);
        assert_eq!(named("arn:aws:iam::aws:policy/AmazonEKSComputePolicy"), None, "IAM's, of the same name");
        assert_eq!(named("arn:aws:eks::aws:cluster-access-policy/Unheard"), None);
        assert!(document("AmazonEKSViewPolicy").is_some_and(|it| it.contains("rules:")));
    }

    #[test]
    fn a_star_matches_any_run() {
        let yes =
            [("dev-*", "dev-"), ("dev-*", "dev-a"), ("*", "x"), ("a*b*c", "a1b2c"), ("prod", "prod"), ("*-x", "a-x")];
        let no = [("dev-*", "prod-dev-a"), ("prod", "prod2"), ("a*b*c", "acb"), ("a*a", "a"), ("prod", "PROD")];
        for (pattern, name) in yes {
            assert!(namespace_matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in no {
            assert!(!namespace_matches(pattern, name), "{pattern} {name}");
        }
        assert!(is_fancy("*") && is_fancy("a*b") && is_fancy("a?") && !is_fancy("dev-*") && !is_fancy("dev"));
    }

    #[test]
    fn a_scope_of_namespaces_covers_nothing_without_one() {
        let scope = AccessScope { kind: ScopeKind::Namespace, namespaces: vec!["dev-*".into(), "ops".into()] };
        assert!(covers(&scope, "dev-a") && covers(&scope, "ops"));
        assert!(!covers(&scope, "") && !covers(&scope, "prod"));
        assert!(covers(&AccessScope::default(), ""));
    }
}
