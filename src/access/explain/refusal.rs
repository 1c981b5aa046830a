//! A refusal by AWS IAM, as a message: whose call, which one, on what, and what refused it.
//!
//! Decides which calls a role's trust policy has a say in. What IAM's words mean is `recognize`'s to decide; here stands
//! what it found, as types.

use crate::model::principal::{Asked, Principal, PrincipalKind};

/// `User: arn:… is not authorized to perform: …`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Iam {
    /// Whose call, if the message says so with an ARN that can be read.
    pub asked: Option<Box<Asked>>,
    /// The same as it stands there.
    pub user: String,
    /// `eks:DescribeCluster`; empty if the message does not say.
    pub action: String,
    /// On which resource; empty if the message does not say.
    pub resource: String,
    /// Why, in IAM's words; empty if the message does not say.
    pub because: String,
    /// The same, recognized.
    pub refusal: PolicyRefusal,
    /// Whether an encoded authorization message stands behind it.
    pub encoded: bool,
    /// The service account that the text names beside it: namespace and name.
    pub account: Option<(String, String)>,
}

/// What refused a call, as far as IAM's words tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyRefusal {
    /// Whether a statement denies the call, rather than none allowing it.
    pub explicit_deny: bool,
    /// Of which kind the policy is; `None` if the message does not say.
    pub by: Option<RefusingPolicy>,
}

/// Of which kind a policy is that refused a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusingPolicy {
    /// A service control policy of the organization.
    ServiceControl,
    /// A resource control policy of the organization.
    ResourceControl,
    /// The policy that the session was made with.
    Session,
    /// The policy of the VPC endpoint.
    VpcEndpoint,
    /// The resource's own policy.
    Resource,
    /// The principal's permissions boundary.
    Boundary,
    /// The principal's own policies.
    Identity,
}

impl Iam {
    /// The role that the call was to assume, where it is one of the four calls that a trust policy decides.
    pub fn target_role(&self) -> Option<Principal> {
        if !self.is_assume() {
            return None;
        }
        let (role, session) = Principal::from_arn(&self.resource).ok()?;
        (session.is_none() && role.kind == PrincipalKind::Role).then_some(role)
    }

    /// Whether a role's trust policy has a say.
    pub fn is_assume(&self) -> bool {
        const CALLS: [&str; 4] = ["AssumeRole", "TagSession", "SetSourceIdentity", "AssumeRoleWithWebIdentity"];
        let call = self.action.strip_prefix("sts:");
        call.is_some_and(|call| CALLS.iter().any(|it| it.eq_ignore_ascii_case(call)))
    }

    /// Whether a service account's token was to be exchanged.
    pub fn is_web_identity(&self) -> bool {
        self.action.eq_ignore_ascii_case("sts:AssumeRoleWithWebIdentity")
    }
}
