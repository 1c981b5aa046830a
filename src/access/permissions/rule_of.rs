//! The rule behind an answer, for those who want to read it.

use super::{Allowing, Grant, NearMiss, Permissions, Who};
use crate::access::catalog;
use crate::model::rbac::Rule;
use crate::model::snapshot::Evidence;

impl Permissions {
    /// The rule by which a grant allows; `None` for what has no rules, and what an identity does not hold.
    pub fn rule_of(&self, who: &Who, allowing: &Allowing) -> Option<&Rule> {
        let at = allowing.rule?;
        match &allowing.grant {
            Grant::Masters | Grant::Node => None,
            Grant::Policy { policy_arn, .. } => Some(&catalog::policy(policy_arn)?.rules.as_ref()?.get(at)?.rule),
            Grant::Binding { .. } => {
                let mut held = self.all_bindings(who).into_iter();
                let binding = held.find(|it| self.grant(*it, who).as_ref() == Some(&allowing.grant))?;
                self.index.rules(self.index.role_of(binding)).get(at)
            }
        }
    }
}

impl NearMiss {
    /// The rule that falls short: the role or the catalogue's policy, at that rule.
    pub fn evidence(&self) -> Option<Evidence> {
        Some(Evidence::new(self.grant.rules_document()?, format!("rules[{}]", self.rule)))
    }
}
