//! What a caller's own IAM policies allow.
//!
//! Decides on actions alone: resources and conditions are not looked at, nor boundaries and organisation policies, so
//! that a world can show a refused section without being a whole IAM. An explicit deny wins; a caller whose policies
//! the world does not hold may do everything.
//!
//! It shares no code with the program's engine (`access::iam`) on purpose: a lab that judged with the engine under test would
//! agree with its mistakes. `simulate::second_opinion` holds the two against each other.

use serde_json::Value;

use super::encoding::decode;
use super::world::{World, same_name};
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::role::{AttachedPolicy, Caller, InlinePolicy};
use crate::model::wildcard::glob;

/// What the policies say to an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Allowed,
    /// A statement denies it.
    Denied,
    /// No statement allows it.
    NotAllowed,
}

impl Decision {
    /// The end of the sentence in which IAM refuses; `None` if it does not.
    pub(super) fn refusal(self, action: &str) -> Option<String> {
        match self {
            Decision::Allowed => None,
            Decision::Denied => Some("with an explicit deny in an identity-based policy".to_owned()),
            Decision::NotAllowed => Some(format!("because no identity-based policy allows the {action} action")),
        }
    }
}

/// May the caller perform `action` (`eks:ListClusters`)?
pub(super) fn decide(world: &World, caller: &Caller, action: &str) -> Decision {
    let Ok((principal, _)) = Principal::from_arn(&caller.arn) else { return Decision::Allowed };
    let policies = policies_of(world, &principal);
    if policies.is_empty() {
        return Decision::Allowed;
    }
    let mut decision = Decision::NotAllowed;
    for policy in policies {
        // A policy that is attached but whose document is not there: it may allow anything.
        let Some(document) = policy.document else {
            decision = Decision::Allowed;
            continue;
        };
        match decide_document(&document, action) {
            Decision::Denied => return Decision::Denied,
            Decision::Allowed => decision = Decision::Allowed,
            Decision::NotAllowed => {}
        }
    }
    decision
}

/// A policy that a principal has.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    /// The ARN of a managed one, the name of one that is inline.
    pub(super) name: String,
    /// `None` if it is not in the world.
    pub(super) document: Option<Value>,
}

/// All that bears on what a principal's own policies allow.
#[derive(Clone, Debug, Default)]
pub(super) struct Policies {
    pub(super) all: Vec<Policy>,
    /// The ARN of its permissions boundary.
    pub(super) boundary: Option<String>,
}

/// The identity policies of a role or user of the world; `None` if there is no such principal.
pub(super) fn policies_of_principal(world: &World, principal: &Principal) -> Option<Policies> {
    let bound = |it: &Option<crate::model::role::PermissionsBoundary>| {
        it.as_ref().map(|it| it.permissions_boundary_arn.clone().unwrap_or_default())
    };
    let boundary = match principal.kind {
        PrincipalKind::Role => bound(&world.role(&principal.name)?.permissions_boundary),
        PrincipalKind::User => bound(&world.user(&principal.name)?.permissions_boundary),
        PrincipalKind::Root | PrincipalKind::FederatedUser => return None,
    };
    Some(Policies { all: policies_of(world, principal), boundary })
}

fn policies_of(world: &World, principal: &Principal) -> Vec<Policy> {
    let mut found = Vec::new();
    match principal.kind {
        PrincipalKind::Role => {
            if let Some(role) = world.role(&principal.name) {
                collect(world, &role.role_policy_list, &role.attached_managed_policies, &mut found);
            }
        }
        PrincipalKind::User => {
            if let Some(user) = world.user(&principal.name) {
                collect(world, &user.user_policy_list, &user.attached_managed_policies, &mut found);
                let groups = world.iam().and_then(|iam| iam.group_detail_list.as_deref()).unwrap_or_default();
                for group in groups.iter().filter(|it| user.group_list.iter().any(|g| same_name(g, &it.group_name))) {
                    collect(world, &group.group_policy_list, &group.attached_managed_policies, &mut found);
                }
            }
        }
        PrincipalKind::Root | PrincipalKind::FederatedUser => {}
    }
    found
}

fn collect(world: &World, inline: &[InlinePolicy], attached: &[AttachedPolicy], found: &mut Vec<Policy>) {
    found.extend(inline.iter().map(|policy| Policy {
        name: policy.policy_name.clone(),
        document: policy.policy_document.as_ref().and_then(read),
    }));
    let managed = world.iam().and_then(|iam| iam.policies.as_deref()).unwrap_or_default();
    let document = |arn: &str| {
        let policy = managed.iter().find(|policy| policy.arn == arn)?;
        let version = policy.policy_version_list.iter().find(|version| version.is_default_version)?;
        version.document.as_ref().and_then(read)
    };
    found.extend(attached.iter().map(|it| Policy { name: it.policy_arn.clone(), document: document(&it.policy_arn) }));
}

/// A policy document, whether it stands in the world as JSON or as text (URL-encoded, as IAM sends it).
pub(super) fn read(document: &Value) -> Option<Value> {
    match document {
        Value::String(text) => serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&decode(text)?).ok()),
        other => Some(other.clone()),
    }
}

pub(super) fn decide_document(document: &Value, action: &str) -> Decision {
    let applies = |statement: &Value| match (statement.get("Action"), statement.get("NotAction")) {
        (Some(actions), _) => texts(actions).any(|it| matches_action(it, action)),
        (None, Some(but)) => !texts(but).any(|it| matches_action(it, action)),
        (None, None) => false,
    };
    let mut decision = Decision::NotAllowed;
    let statements = document.get("Statement").map(items).unwrap_or_default();
    for statement in statements.iter().filter(|it| applies(it)) {
        match statement.get("Effect").and_then(Value::as_str) {
            Some("Deny") => return Decision::Denied,
            Some("Allow") => decision = Decision::Allowed,
            _ => {}
        }
    }
    decision
}

/// IAM takes one thing for a list of one.
pub(super) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

pub(super) fn texts(value: &Value) -> impl Iterator<Item = &str> {
    items(value).iter().filter_map(Value::as_str)
}

/// Actions match in any case.
pub(super) fn matches_action(pattern: &str, action: &str) -> bool {
    glob(&pattern.to_lowercase(), &action.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::document::read as read_document;

    const WORLD: &str = r#"
eksplorer: 1
caller: {Account: "111122223333", Arn: "arn:aws:iam::111122223333:root"}
iam:
  RoleDetailList:
  - {RoleName: none, Arn: "arn:aws:iam::111122223333:role/none"}
  - RoleName: reader
    Arn: arn:aws:iam::111122223333:role/reader
    RolePolicyList:
    - {PolicyName: p, PolicyDocument: {Statement: {Effect: Allow, Action: ["eks:List*", "eks:describe?luster"]}}}
    AttachedManagedPolicies: [{PolicyArn: "arn:aws:iam::111122223333:policy/no-pods"}]
  - RoleName: opaque
    Arn: arn:aws:iam::111122223333:role/opaque
    AttachedManagedPolicies:
    - {PolicyArn: "arn:aws:iam::aws:policy/NotInTheWorld"}
    - {PolicyArn: "arn:aws:iam::111122223333:policy/no-pods"}
  - RoleName: but
    Arn: arn:aws:iam::111122223333:role/but
    RolePolicyList:
    - {PolicyName: p, PolicyDocument: "%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22NotAction%22%3A%22iam%3A%2A%22%7D%5D%7D"}
  UserDetailList:
  - {UserName: ann, Arn: "arn:aws:iam::111122223333:user/ann", GroupList: [Ops]}
  GroupDetailList:
  - {GroupName: ops, GroupPolicyList: [{PolicyName: p, PolicyDocument: {Statement: [{Effect: Allow, Action: "iam:Get*"}]}}]}
  Policies:
  - Arn: arn:aws:iam::111122223333:policy/no-pods
    PolicyVersionList:
    - {VersionId: v1, IsDefaultVersion: true, Document: {Statement: [{Effect: Deny, Action: "eks:ListPod*"}]}}
"#;

    #[test]
    fn policies_decide_on_actions_and_a_deny_wins() {
        let world = World::new(read_document(WORLD).unwrap());
        let decide = |who: &str, action: &str| decide(&world, &world.find(who).unwrap(), action);
        for (who, action, decision) in [
            ("none", "iam:ListRoles", Decision::Allowed),
            ("reader", "eks:ListClusters", Decision::Allowed),
            ("reader", "eks:DescribeCluster", Decision::Allowed),
            ("reader", "eks:DescribeAccessEntry", Decision::NotAllowed),
            ("reader", "eks:ListPodIdentityAssociations", Decision::Denied),
            ("opaque", "iam:ListRoles", Decision::Allowed),
            ("opaque", "eks:ListPodIdentityAssociations", Decision::Denied),
            ("but", "eks:ListClusters", Decision::Allowed),
            ("but", "iam:ListRoles", Decision::NotAllowed),
            ("user/ann", "iam:GetRole", Decision::Allowed),
            ("user/ann", "iam:ListRoles", Decision::NotAllowed),
        ] {
            assert_eq!(decide(who, action), decision, "{who} {action}");
        }
    }

    #[test]
    fn globs() {
        for (pattern, text, is) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("*b*", "abc", true),
            ("a?c", "ac", false),
            ("dev-*", "dev-", true),
            ("dev-*", "dev", false),
            ("", "a", false),
            ("a**", "a", true),
        ] {
            assert_eq!(glob(pattern, text), is, "{pattern} {text}");
        }
    }
}
