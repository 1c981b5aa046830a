//! What a role's or a user's own policies say of one action on one resource, as far as that can be told from here.
//!
//! Decides only the plain cases: a statement without conditions that names action and resource. What carries a condition,
//! names by exclusion, or was not read is not known. Boundaries and organisation policies are not looked at; a boundary
//! makes a yes not known. What AWS's own policies say where their text was not read is known of a few, and a new one goes
//! into [`of_aws`].

use serde_json::Value;

use crate::model::percent::decode;
use crate::model::role::{AttachedPolicy, InlinePolicy, RoleDetail, UserDetail};
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
const WORKER_POLICIES: [&str; 2] = ["AmazonEKSWorkerNodePolicy", "AmazonEKSWorkerNodeMinimalPolicy"];
/// AWS's own policies that nodes and parts of a cluster usually have, of which none speaks of EKS's credentials or of
/// assuming a role. Their text is not read with an account's own.
const OTHERS: [&str; 6] = [
    "AmazonEKS_CNI_Policy",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonSSMManagedInstanceCore",
    "CloudWatchAgentServerPolicy",
    "AmazonEKSFargatePodExecutionRolePolicy",
];
/// What the policies of workers allow.
pub(crate) const ASSUME_FOR_POD: &str = "eks-auth:AssumeRoleForPodIdentity";
/// What it takes to become a role.
pub(super) const ASSUME_ROLE: &str = "sts:AssumeRole";

/// Does a policy of AWS's own allow the action, where its text is missing? `None`: not known.
fn of_aws(arn: &str, action: &str) -> Option<bool> {
    let name = arn.split_once(":iam::aws:policy/").map(|(_, path)| crate::model::words::last_part(path))?;
    match () {
        () if name == "AdministratorAccess" => Some(true),
        () if action != ASSUME_FOR_POD && action != ASSUME_ROLE => None,
        () if WORKER_POLICIES.contains(&name) => Some(action == ASSUME_FOR_POD),
        () if OTHERS.contains(&name) => Some(false),
        () => None,
    }
}

/// Whose policies they are, all in one place.
pub(super) struct Owner<'a> {
    /// `role x`, `user y`.
    whose: String,
    inline: Vec<&'a InlinePolicy>,
    attached: Vec<&'a AttachedPolicy>,
    has_boundary: bool,
    /// What of it was not read.
    unread: Vec<String>,
}

impl<'a> Owner<'a> {
    pub(super) fn role(role: &'a RoleDetail, iam: &IamFacts) -> Self {
        // A role with neither kind of policy may only have been listed without them.
        let asked = iam.asked_policies_of.contains_key(&role.role_name.to_lowercase()) && iam.knows_policies_of(role);
        let bare = role.role_policy_list.is_empty() && role.attached_managed_policies.is_empty() && !asked;
        let unread = if bare && !details_are_whole(iam) { vec!["its policies".to_owned()] } else { Vec::new() };
        Owner {
            whose: format!("role {}", role.role_name),
            inline: role.role_policy_list.iter().collect(),
            attached: role.attached_managed_policies.iter().collect(),
            has_boundary: role.permissions_boundary.is_some(),
            unread,
        }
    }

    /// With the policies of the groups it is in.
    pub(super) fn user(user: &'a UserDetail, iam: &'a IamFacts) -> Self {
        let bare =
            user.user_policy_list.is_empty() && user.attached_managed_policies.is_empty() && user.group_list.is_empty();
        // The sweep that brings the groups brings users with their policies; a list of users brings neither.
        let listed = iam.groups.gap();
        let mut this = Owner {
            whose: format!("user {}", user.user_name),
            inline: user.user_policy_list.iter().collect(),
            attached: user.attached_managed_policies.iter().collect(),
            has_boundary: user.permissions_boundary.is_some(),
            unread: listed.filter(|_| bare).map(|gap| format!("its policies: {gap}")).into_iter().collect(),
        };
        for name in &user.group_list {
            match iam.groups.lookup(|it| it.group_name == *name, |it| it == name) {
                Lookup::Found(group) => {
                    this.inline.extend(&group.group_policy_list);
                    this.attached.extend(&group.attached_managed_policies);
                }
                Lookup::Absent => this.unread.push(format!("group {name}, which is not among the groups")),
                Lookup::Unknown(gap) => this.unread.push(format!("group {name}: {gap}")),
            }
        }
        this
    }

    /// Does it allow the action on the resource?
    pub(super) fn allows(&self, iam: &IamFacts, action: &str, resource: &str) -> Allows {
        let (said, unread) = self.hear(iam, action, resource);
        let whose = &self.whose;
        match () {
            () if said.deny => Allows::No,
            () if said.may_deny => Allows::Unknown(format!("a policy of {whose} may deny {action}")),
            () if said.allow && self.has_boundary => {
                Allows::Unknown(format!("{whose} has a permissions boundary, which is not looked at"))
            }
            () if said.allow => Allows::Yes,
            () if said.may_allow => Allows::Unknown(format!("a policy of {whose} allows {action} on a condition")),
            () if !unread.is_empty() => Allows::Unknown(format!("not read of {whose}: {}", unread.join(", "))),
            () => Allows::No,
        }
    }

    /// Does a policy deny it outright, so that no other helps?
    pub(super) fn denies(&self, iam: &IamFacts, action: &str, resource: &str) -> bool {
        self.hear(iam, action, resource).0.deny
    }

    /// What its policies say, and which were not read.
    fn hear(&self, iam: &IamFacts, action: &str, resource: &str) -> (Said, Vec<String>) {
        let mut unread = self.unread.clone();
        let mut said = Said::default();
        for policy in &self.inline {
            match &policy.policy_document {
                Some(document) => said.take(document, action, resource),
                None => unread.push(format!("inline policy {}", policy.policy_name)),
            }
        }
        for attached in &self.attached {
            let arn = &attached.policy_arn;
            match (iam.policy_document(arn), of_aws(arn, action)) {
                (Some(document), _) => said.take(document, action, resource),
                (None, Some(allows)) => said.allow |= allows,
                (None, None) => unread.push(format!("policy {arn}")),
            }
        }
        (said, unread)
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
