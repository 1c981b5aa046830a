//! What an association's session policy leaves of an action.
//!
//! Decides whether the session policy counts: EKS takes one only with session tags off. What it says to the action is
//! [`crate::access::iam`]'s.

use super::Why;
use crate::access::Verdict;
use crate::access::iam::identity::session_leaves;

impl Why<'_> {
    /// What the association's session policy leaves of an action for the role, if there is one: `*` is any resource.
    pub fn session_allows(&self, action: &str, resource: &str) -> Option<(Verdict, String)> {
        let (policy, tags_off) = self.session_policy.as_ref()?;
        let role = self.target.as_deref().or(self.role_arn.as_deref()).unwrap_or_default();
        let left = session_leaves(policy, role, action, resource);
        Some(match left.verdict {
            Verdict::Yes => (Verdict::Yes, "the association's session policy allows it too".to_owned()),
            Verdict::No if *tags_off => (Verdict::No, left.because),
            Verdict::No => (
                Verdict::Unknown,
                format!(
                    "{}; EKS takes a session policy only with session tags off, and whether this one counts is not known",
                    left.because
                ),
            ),
            Verdict::Unknown => (Verdict::Unknown, left.because),
        })
    }
}
