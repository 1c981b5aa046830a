//! The IAM policies among the facts: those that a sweep brought, and those asked for one by one.
//!
//! Decides where a policy's text is looked up and when a role without policies has none. A sweep brings the account's own
//! policies; AWS's own, and those of roles that were only listed, are asked for when somebody wants to read them.

use std::sync::Arc;

use super::failure::Failure;
use super::role::{ManagedPolicy, RoleDetail, RolePolicies};
use super::snapshot::IamFacts;

impl IamFacts {
    /// A managed policy by its ARN, if it was read.
    pub fn policy(&self, arn: &str) -> Option<&ManagedPolicy> {
        let swept = self.policies.items().iter().find(|it| it.arn == arn);
        swept.or_else(|| self.asked_policies.get(arn)?.as_ref().ok()?.as_deref())
    }

    /// The text of a managed policy, in the version that counts, if it was read.
    pub fn policy_document(&self, arn: &str) -> Option<&serde_json::Value> {
        self.policy(arn)?.policy_version_list.iter().find(|it| it.is_default_version)?.document.as_ref()
    }

    /// Were the role's own policies read, so that a role without any has none?
    pub fn knows_policies_of(&self, role: &RoleDetail) -> bool {
        let some = !role.attached_managed_policies.is_empty() || !role.role_policy_list.is_empty();
        let asked = || self.asked_policies_of.get(&role.role_name.to_lowercase()).is_some_and(Option::is_none);
        some || self.policies.gap().is_none() || asked()
    }

    /// Takes in what was asked of a role's policies: they stand with the role.
    pub(super) fn take_policies_of(&mut self, name: &str, answer: Result<RolePolicies, Failure>) {
        let lower = name.to_lowercase();
        let policies = match answer {
            Ok(policies) => policies,
            Err(failure) => {
                self.asked_policies_of.insert(lower, Some(failure));
                return;
            }
        };
        let give = |role: &mut RoleDetail| {
            role.role_policy_list.clone_from(&policies.inline);
            role.attached_managed_policies.clone_from(&policies.attached);
        };
        let swept = self.roles.items().iter().position(|it| it.role_name.to_lowercase() == lower);
        self.roles.change(|all| {
            if let Some(role) = swept.and_then(|at| all.get_mut(at)) {
                give(role);
            }
        });
        if let Some(Ok(Some(role))) = self.asked_roles.get_mut(&lower) {
            give(Arc::make_mut(role));
        }
        self.asked_policies_of.insert(lower, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::role::AttachedPolicy;
    use crate::model::snapshot::Section;
    use crate::model::time::Time;

    fn role(name: &str) -> RoleDetail {
        RoleDetail { role_name: name.to_owned(), ..RoleDetail::default() }
    }

    fn refused() -> Failure {
        Failure::not_recorded("policies")
    }

    #[test]
    fn policies_asked_for_stand_with_the_role_until_roles_are_read_again() {
        let since = Time::from_epoch(1.0).expect("a time");
        let mut iam = IamFacts {
            roles: Section::known(vec![role("a"), role("B")], since),
            policies: Section::failed(refused()),
            ..IamFacts::default()
        };
        let knows = |iam: &IamFacts, at: usize| iam.roles.items().get(at).is_some_and(|it| iam.knows_policies_of(it));
        assert!(!knows(&iam, 0), "a list of roles comes without their policies");
        iam.take_policies_of("b", Err(refused()));
        assert!(!knows(&iam, 1));
        let attached = vec![AttachedPolicy { policy_name: "P".to_owned(), policy_arn: "arn:p".to_owned() }];
        iam.take_policies_of("b", Ok(RolePolicies { attached: attached.clone(), ..RolePolicies::default() }));
        assert_eq!(iam.roles.items().get(1).map(|it| &it.attached_managed_policies), Some(&attached));
        iam.take_policies_of("a", Ok(RolePolicies::default()));
        assert!(knows(&iam, 0) && knows(&iam, 1), "none is an answer too");
    }
}
