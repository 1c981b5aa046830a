//! A change that may fix a refusal, before it is proved, and how much it seems to give.
//!
//! The estimate only chooses which few of many candidates are worth proving; the order in which fixes are shown rests on
//! what was measured ([`super`]).

use super::change::FixChange;
use crate::access::explain::fix::FixKind;
use crate::access::permissions::RoleName;
use crate::model::mapping::AccessScope;
use crate::model::rbac::Rule;
use crate::model::snapshot::Evidence;

/// A change that may fix it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) kind: FixKind,
    /// Imperative: `Associate AmazonEKSViewPolicy in namespace payments`.
    pub(super) title: String,
    pub(super) note: String,
    pub(super) change: FixChange,
    /// About how much it gives; only compared with other estimates.
    pub(super) estimate: u64,
    /// The policy that is associated, and where.
    pub(super) policy: Option<(String, AccessScope)>,
    /// The group that is given or bound.
    pub(super) group: Option<String>,
    /// The role that is bound.
    pub(super) role: Option<RoleName>,
    /// What can be looked at: the policy's rules, the group's binding, the role.
    pub(super) evidence: Option<Evidence>,
}

impl Candidate {
    pub(super) fn new(
        kind: FixKind,
        title: impl Into<String>,
        note: impl Into<String>,
        change: FixChange,
        estimate: u64,
    ) -> Self {
        let (title, note) = (title.into(), note.into());
        Candidate { kind, title, note, change, estimate, policy: None, group: None, role: None, evidence: None }
    }
}

/// How much rules seem to give: groups by resources by verbs, a wildcard counting as many.
pub(super) fn estimate_rules(rules: &[Rule]) -> u64 {
    rules.iter().map(estimate_rule).sum()
}

pub(super) fn estimate_rule(rule: &Rule) -> u64 {
    let count =
        |list: &[String], star: u64| -> u64 { list.iter().map(|it| if it.contains('*') { star } else { 1 }).sum() };
    if !rule.non_resource_urls.is_empty() {
        return count(&rule.non_resource_urls, 50) * count(&rule.verbs, 10);
    }
    count(&rule.api_groups, 30) * count(&rule.resources, 100) * count(&rule.verbs, 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::catalog;

    #[test]
    fn published_policies_are_estimated_in_the_order_of_what_they_give() {
        let of = |name: &str| -> u64 {
            let arn = format!("arn:aws:eks::aws:cluster-access-policy/{name}");
            let rules = catalog::policy(&arn).and_then(|it| it.rules.as_ref()).expect(name);
            rules.iter().map(|it| estimate_rule(&it.rule)).sum()
        };
        let order = ["SecretReader", "SecretAdmin", "View", "Edit", "Admin", "AdminView", "ClusterAdmin"];
        let widths: Vec<u64> = order.iter().map(|it| of(&format!("AmazonEKS{it}Policy"))).collect();
        assert!(widths.is_sorted(), "{order:?} {widths:?}");
    }
}
