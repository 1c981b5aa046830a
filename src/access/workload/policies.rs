//! What a role's own policies say of one action on one resource, as far as that can be told from here.
//!
//! Decides only the plain cases: a statement without conditions that names action and resource. What carries a condition,
//! names by exclusion, or was not read is not known. Boundaries and organisation policies are not looked at; a boundary
//! makes a yes not known.

use serde_json::Value;

use crate::model::percent::decode;
use crate::model::role::RoleDetail;
use crate::model::snapshot::{IamFacts, Lookup};
use crate::model::wildcard::glob;

/// May it?
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Allows {
    /// A statement says so, and none denies it.
    Yes,
    /// No statement says so, and all were read; or one denies it.
    No,
    /// Something was not read or depends on more; and what.
    Unknown(String),
}

impl Allows {
    /// For a request: `None` is not known.
    pub(crate) fn known(&self) -> Option<bool> {
        match self {
            Allows::Yes => Some(true),
            Allows::No => Some(false),
            Allows::Unknown(_) => None,
        }
    }
}

/// AWS's own policies that are known to allow a node to ask for the credentials of its pods, should their text be missing.
const WORKER_POLICIES: [&str; 2] = ["policy/AmazonEKSWorkerNodePolicy", "policy/AmazonEKSWorkerNodeMinimalPolicy"];
/// AWS's own policies that nodes usually have, of which none speaks of EKS's credentials. Their text is not read with an
/// account's own.
const OTHERS: [&str; 5] = [
    "policy/AmazonEKS_CNI_Policy",
    "policy/AmazonEC2ContainerRegistryReadOnly",
    "policy/AmazonEC2ContainerRegistryPullOnly",
    "policy/AmazonSSMManagedInstanceCore",
    "policy/CloudWatchAgentServerPolicy",
];
/// What they allow.
pub(crate) const ASSUME_FOR_POD: &str = "eks-auth:AssumeRoleForPodIdentity";

pub(super) fn allows(role: &RoleDetail, iam: &IamFacts, action: &str, resource: &str) -> Allows {
    let mut unread = Vec::new();
    let mut said = Said::default();
    for policy in &role.role_policy_list {
        match &policy.policy_document {
            Some(document) => said.take(document, action, resource),
            None => unread.push(format!("inline policy {}", policy.policy_name)),
        }
    }
    for attached in &role.attached_managed_policies {
        let arn = &attached.policy_arn;
        let found = iam.policies.lookup(|it| it.arn == *arn, |name| name == arn);
        let document = match &found {
            Lookup::Found(policy) => {
                policy.policy_version_list.iter().find(|it| it.is_default_version).and_then(|it| it.document.as_ref())
            }
            _ => None,
        };
        let known = |names: &[&str]| {
            arn.contains(":iam::aws:")
                && action == ASSUME_FOR_POD
                && names.iter().any(|it| arn.ends_with(&format!(":{it}")))
        };
        match document {
            Some(document) => said.take(document, action, resource),
            None if known(&WORKER_POLICIES) => said.allow = true,
            None if known(&OTHERS) => {}
            None => unread.push(format!("policy {arn}")),
        }
    }
    // A role with neither kind of policy may only have been listed without them.
    let bare = role.role_policy_list.is_empty() && role.attached_managed_policies.is_empty();
    let name = &role.role_name;
    match () {
        () if said.deny => Allows::No,
        () if said.may_deny => Allows::Unknown(format!("a policy of role {name} may deny {action}")),
        () if said.allow && role.permissions_boundary.is_some() => {
            Allows::Unknown(format!("role {name} has a permissions boundary, which is not looked at"))
        }
        () if said.allow => Allows::Yes,
        () if said.may_allow => Allows::Unknown(format!("a policy of role {name} allows {action} on a condition")),
        () if !unread.is_empty() => Allows::Unknown(format!("not read of role {name}: {}", unread.join(", "))),
        () if bare && !details_are_whole(iam) => Allows::Unknown(format!("the policies of role {name} were not read")),
        () => Allows::No,
    }
}

/// Some role shows policies, so that silence means there are none.
fn details_are_whole(iam: &IamFacts) -> bool {
    iam.roles.gap().is_none()
        && iam
            .roles
            .items()
            .iter()
            .any(|it| !it.role_policy_list.is_empty() || !it.attached_managed_policies.is_empty())
}

#[derive(Default)]
struct Said {
    allow: bool,
    may_allow: bool,
    deny: bool,
    may_deny: bool,
}

impl Said {
    fn take(&mut self, document: &Value, action: &str, resource: &str) {
        let text = document.as_str().map(|text| decode(text).unwrap_or_else(|| text.to_owned()));
        let parsed = text.and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let document = parsed.as_ref().unwrap_or(document);
        for statement in list(document.get("Statement")) {
            let named = |positive: &str, negative: &str, what: &str, lower: bool| {
                let fits = |it: &&Value| {
                    it.as_str().is_some_and(|it| {
                        if lower { glob(&it.to_lowercase(), &what.to_lowercase()) } else { glob(it, what) }
                    })
                };
                match (statement.get(positive), statement.get(negative)) {
                    (Some(_), _) => list(statement.get(positive)).iter().any(fits),
                    (None, Some(_)) => !list(statement.get(negative)).iter().any(fits),
                    (None, None) => false,
                }
            };
            if !named("Action", "NotAction", action, true) || !named("Resource", "NotResource", resource, false) {
                continue;
            }
            // A variable in the resource, or a condition, depends on more than is known here.
            let plain = statement.get("Condition").is_none_or(|it| it.as_object().is_some_and(|it| it.is_empty()));
            match (statement.get("Effect").and_then(Value::as_str), plain) {
                (Some("Allow"), true) => self.allow = true,
                (Some("Allow"), false) => self.may_allow = true,
                (Some("Deny"), true) => self.deny = true,
                (Some("Deny"), false) => self.may_deny = true,
                _ => (self.may_allow, self.may_deny) = (true, true),
            }
        }
    }
}

fn list(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items.iter().collect(),
        Some(one) => vec![one],
    }
}
