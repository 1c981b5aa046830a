//! What an association's session policy leaves of an action.
//!
//! Decides whether the session policy counts: EKS takes one only with session tags off. What it says to the action is
//! [`crate::access::iam`]'s.

use super::Why;
use crate::access::iam::ActionVerdict;
use crate::access::iam::identity::session_leaves;
use crate::access::trust::Outcome;

impl Why<'_> {
    /// What the association's session policy leaves of an action for the role, if there is one: `*` is any resource.
    pub fn session_allows(&self, action: &str, resource: &str) -> Option<(Outcome, String)> {
        let (policy, tags_off) = self.session_policy.as_ref()?;
        let role = self.target.as_deref().or(self.role_arn.as_deref()).unwrap_or_default();
        Some(match session_leaves(policy, role, action, resource) {
            ActionVerdict::Yes => (Outcome::Allowed, "the association's session policy allows it too".to_owned()),
            ActionVerdict::No => (Outcome::Denied, format!("the association's session policy does not allow {action}")),
            ActionVerdict::Denied(why) if *tags_off => (Outcome::Denied, why),
            ActionVerdict::Denied(why) => (
                Outcome::Unknown,
                format!(
                    "{why}; EKS takes a session policy only with session tags off, and whether this one counts is not known"
                ),
            ),
            ActionVerdict::Unknown(why) => (Outcome::Unknown, why),
        })
    }
}
