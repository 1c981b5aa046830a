//! What a role's or a user's own policies say of one action on one resource, as far as that can be told from here.
//!
//! Decides the plain cases: a statement without conditions that names action and resource, its variables filled in from
//! what is known of the caller. What carries a condition, cannot be made out, or was not read is not known. That no policy
//! allows and that one denies are told apart, since a trust policy that names the caller makes up for the first alone. A
//! boundary counts where its text is read. Organisation policies are not looked at. What AWS's own policies say where
//! their text was not read is known of a few, and a new one goes into [`of_aws`]; that any other of them denies is so
//! rare that it is left out.

use serde_json::{Map, Value};

use super::Why;
use crate::access::trust::{Bar, Outcome, Request, like};
use crate::model::policy::decoded;
use crate::model::role::{AttachedPolicy, InlinePolicy, RoleDetail, UserDetail};
use crate::model::snapshot::{IamFacts, Lookup};
use crate::model::wildcard::glob;

/// May it?
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Allows {
    /// A statement says so, and none denies it.
    Yes,
    /// No statement says so, and all were read.
    No,
    /// A statement denies it, or a boundary leaves it out; and which.
    Denied(String),
    /// Something was not read or depends on more; and what.
    Unknown(String),
}

impl Allows {
    /// For a request: `None` is not known.
    pub(crate) fn known(&self) -> Option<bool> {
        match self {
            Allows::Yes => Some(true),
            Allows::No | Allows::Denied(_) => Some(false),
            Allows::Unknown(_) => None,
        }
    }
}

/// What a caller's own policies say of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Own {
    /// Do they allow it?
    pub(crate) allows: Allows,
    /// Do they bar it, whoever else allows it?
    pub(crate) bar: Bar,
    /// Is it only that the boundary leaves it out?
    left_out: bool,
}

impl Own {
    /// Of a caller who has no policies.
    pub(crate) fn nothing() -> Own {
        Own { allows: Allows::No, bar: Bar::None, left_out: false }
    }

    /// The same where one session is named, and not its role: what a boundary leaves out may be given to it directly.
    pub(super) fn of_session(mut self) -> Own {
        if let (Bar::Surely(why), true) = (&self.bar, self.left_out) {
            self.bar = Bar::Perhaps(format!("{why}, and {UNSAID} one session is not known"));
        }
        self
    }

    /// Nothing is known of them, and why.
    pub(crate) fn unread(why: String) -> Own {
        Own { allows: Allows::Unknown(why.clone()), bar: Bar::Perhaps(why), left_out: false }
    }
}

const UNSAID: &str = "whether that limits what a trust policy gives to";

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

/// AWS's own policies that deny, all or much.
const DENY_ALL: &str = "AWSDenyAll";
const QUARANTINE: &str = "AWSCompromisedKeyQuarantine";

/// The name of a policy of AWS's own.
fn name_of_aws(arn: &str) -> Option<&str> {
    arn.split_once(":iam::aws:policy/").map(|(_, path)| crate::model::words::last_part(path))
}

/// Does a policy of AWS's own allow the action, where its text is missing? `None`: not known.
fn of_aws(arn: &str, action: &str) -> Option<bool> {
    let name = name_of_aws(arn)?;
    match () {
        () if name == "AdministratorAccess" => Some(true),
        () if action != ASSUME_FOR_POD && action != ASSUME_ROLE => None,
        () if WORKER_POLICIES.contains(&name) => Some(action == ASSUME_FOR_POD),
        () if OTHERS.contains(&name) => Some(false),
        () => None,
    }
}

/// What is asked of them.
struct Asked<'a> {
    action: &'a str,
    /// `None`: on any.
    resource: Option<&'a str>,
    /// What is known of the caller, for variables.
    caller: Option<Request>,
}

impl<'a> Asked<'a> {
    fn new(action: &'a str, resource: &'a str, caller_arn: &str) -> Self {
        Asked { action, resource: (resource != "*").then_some(resource), caller: Request::iam(caller_arn).ok() }
    }
}

/// Whose policies they are, all in one place.
pub(super) struct Owner<'a> {
    /// `role x`, `user y`.
    whose: String,
    arn: &'a str,
    is_user: bool,
    inline: Vec<&'a InlinePolicy>,
    attached: Vec<&'a AttachedPolicy>,
    /// The ARN of the boundary; empty where that was not read.
    boundary: Option<&'a str>,
    /// What of it was not read.
    unread: Vec<String>,
}

fn boundary(it: &Option<crate::model::role::PermissionsBoundary>) -> Option<&str> {
    it.as_ref().map(|it| it.permissions_boundary_arn.as_deref().unwrap_or_default())
}

impl<'a> Owner<'a> {
    pub(super) fn role(role: &'a RoleDetail, iam: &IamFacts) -> Self {
        // A role with neither kind of policy may only have been listed without them.
        let known = iam.knows_policies_of(role) || details_are_whole(iam);
        let unread = if known { Vec::new() } else { vec!["its policies".to_owned()] };
        Owner {
            whose: format!("role {}", role.role_name),
            arn: &role.arn,
            is_user: false,
            inline: role.role_policy_list.iter().collect(),
            attached: role.attached_managed_policies.iter().collect(),
            boundary: boundary(&role.permissions_boundary),
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
            arn: &user.arn,
            is_user: true,
            inline: user.user_policy_list.iter().collect(),
            attached: user.attached_managed_policies.iter().collect(),
            boundary: boundary(&user.permissions_boundary),
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

    /// What they say of the action on the resource; `*` is any.
    pub(super) fn says(&self, iam: &IamFacts, action: &str, resource: &str) -> Own {
        let asked = Asked::new(action, resource, self.arn);
        let whose = &self.whose;
        // Of AWS's own, it is only what they may allow that is missed.
        let (mut unread, mut of_aws_unread) = (self.unread.clone(), Vec::new());
        let mut said = Said::default();
        for policy in &self.inline {
            let name = format!("policy {} of {whose}", policy.policy_name);
            match &policy.policy_document {
                Some(document) => said.take(&name, document, &asked),
                None => unread.push(format!("inline policy {}", policy.policy_name)),
            }
        }
        for attached in &self.attached {
            let arn = &attached.policy_arn;
            let name = format!("policy {} of {whose}", crate::model::words::last_part(arn));
            match (iam.policy_document(arn), of_aws(arn, action), name_of_aws(arn)) {
                (Some(document), ..) => said.take(&name, document, &asked),
                (None, _, Some(DENY_ALL)) => said.deny(&name, &asked),
                (None, _, Some(it)) if it.starts_with(QUARANTINE) => {
                    said.may(&name, &asked, Some(false), "its text was not read");
                }
                (None, Some(allows), _) => said.allow |= allows,
                (None, None, Some(_)) => of_aws_unread.push(format!("policy {arn}")),
                (None, None, None) => unread.push(format!("policy {arn}")),
            }
        }
        let limit = self.limit(iam, &asked);
        let not_read = |what: &[String]| format!("not read of {whose}: {}", what.join(", "));
        let may_deny = said.may_deny.clone().or_else(|| (!unread.is_empty()).then(|| not_read(&unread)));
        let bar = match (&said.deny, &limit) {
            (Some(why), _) => Bar::Surely(why.clone()),
            (None, Limit::Denies(why)) => Bar::Surely(why.clone()),
            (None, Limit::LeavesOut(why)) if !self.is_user => Bar::Surely(why.clone()),
            (None, Limit::LeavesOut(why)) => Bar::Perhaps(format!("{why}, and {UNSAID} a user is not known")),
            (None, Limit::Unknown(why)) => Bar::Perhaps(why.clone()),
            (None, Limit::None) => may_deny.clone().map_or(Bar::None, Bar::Perhaps),
        };
        let left_out = said.deny.is_none() && matches!(limit, Limit::LeavesOut(_));
        unread.extend(of_aws_unread);
        let allows = match (said.deny, limit, may_deny) {
            (Some(why), ..) => Allows::Denied(why),
            (None, Limit::Denies(why) | Limit::LeavesOut(why), _) => Allows::Denied(why),
            _ if !said.allow && said.may_allow.is_none() && unread.is_empty() => Allows::No,
            (None, Limit::Unknown(why), _) => Allows::Unknown(why),
            (None, Limit::None, Some(why)) => Allows::Unknown(why),
            (None, Limit::None, None) if said.allow => Allows::Yes,
            (None, Limit::None, None) => Allows::Unknown(said.may_allow.unwrap_or_else(|| not_read(&unread))),
        };
        Own { allows, bar, left_out }
    }

    /// What the permissions boundary leaves of the action.
    fn limit(&self, iam: &IamFacts, asked: &Asked<'_>) -> Limit {
        let Some(arn) = self.boundary else { return Limit::None };
        let name = format!("the permissions boundary {arn} of {}", self.whose);
        let Some(document) = iam.policy_document(arn) else {
            return match of_aws(arn, asked.action) {
                Some(true) => Limit::None,
                _ => Limit::Unknown(format!("the text of {name} was not read")),
            };
        };
        let mut said = Said::default();
        said.take(&name, document, asked);
        match said {
            Said { deny: Some(why), .. } => Limit::Denies(why),
            Said { may_deny: Some(why), .. } => Limit::Unknown(why),
            Said { allow: true, .. } => Limit::None,
            Said { may_allow: Some(why), .. } => Limit::Unknown(why),
            _ => Limit::LeavesOut(format!("{name} does not allow {}", asked.action)),
        }
    }
}

/// What a boundary does to an action.
enum Limit {
    /// It lets it through, or there is none.
    None,
    /// A statement of it denies it.
    Denies(String),
    /// None of it allows it.
    LeavesOut(String),
    /// Nobody can say.
    Unknown(String),
}

impl Why<'_> {
    /// What the association's session policy leaves of an action for the role, if there is one: `*` is any resource.
    pub fn session_allows(&self, action: &str, resource: &str) -> Option<(Outcome, String)> {
        let (policy, tags_off) = self.session_policy.as_ref()?;
        let role = self.target.as_deref().or(self.role_arn.as_deref()).unwrap_or_default();
        Some(match session(policy, role, action, resource) {
            Allows::Yes => (Outcome::Allowed, "the association's session policy allows it too".to_owned()),
            Allows::No => (Outcome::Denied, format!("the association's session policy does not allow {action}")),
            Allows::Denied(why) if *tags_off => (Outcome::Denied, why),
            Allows::Denied(why) => (
                Outcome::Unknown,
                format!(
                    "{why}; EKS takes a session policy only with session tags off, and whether this one counts is not known"
                ),
            ),
            Allows::Unknown(why) => (Outcome::Unknown, why),
        })
    }
}

/// What a session policy leaves of an action for a session of a role.
fn session(policy: &str, role_arn: &str, action: &str, resource: &str) -> Allows {
    let name = "the association's session policy";
    let mut said = Said::default();
    said.take(name, &Value::String(policy.to_owned()), &Asked::new(action, resource, role_arn));
    match said {
        Said { deny: Some(why), .. } => Allows::Denied(why),
        Said { may_deny: Some(why), .. } => Allows::Unknown(why),
        Said { allow: true, .. } => Allows::Yes,
        Said { may_allow: Some(why), .. } => Allows::Unknown(why),
        _ => Allows::Denied(format!("{name} does not allow {action}")),
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

/// What statements say, each with its policy in a sentence.
#[derive(Default)]
struct Said {
    allow: bool,
    may_allow: Option<String>,
    deny: Option<String>,
    may_deny: Option<String>,
}

impl Said {
    fn deny(&mut self, name: &str, asked: &Asked<'_>) {
        self.deny.get_or_insert_with(|| format!("{name} denies {}", asked.action));
    }

    /// It may allow (`Some(true)`), deny, or either, and why that is open.
    fn may(&mut self, name: &str, asked: &Asked<'_>, effect: Option<bool>, why: &str) {
        if effect != Some(false) {
            self.may_allow.get_or_insert_with(|| format!("{name} may allow {}: {why}", asked.action));
        }
        if effect != Some(true) {
            self.may_deny.get_or_insert_with(|| format!("{name} may deny {}: {why}", asked.action));
        }
    }

    fn take(&mut self, name: &str, document: &Value, asked: &Asked<'_>) {
        let made;
        let document = match document {
            Value::Object(_) => document,
            other => match decoded(other) {
                Ok(it) => {
                    made = it;
                    &made
                }
                Err(error) => return self.may(name, asked, None, &format!("it cannot be made out ({error})")),
            },
        };
        let variables = document.get("Version").and_then(Value::as_str) == Some("2012-10-17");
        let statements = match document.get("Statement") {
            Some(Value::Array(items)) => items.as_slice(),
            Some(one @ Value::Object(_)) => std::slice::from_ref(one),
            _ => return self.may(name, asked, None, "it has no statements that can be made out"),
        };
        for statement in statements {
            match statement.as_object() {
                Some(statement) => self.statement(name, statement, variables, asked),
                None => self.may(name, asked, None, "a statement of it is none"),
            }
        }
    }

    fn statement(&mut self, name: &str, it: &Map<String, Value>, variables: bool, asked: &Asked<'_>) {
        const ELEMENTS: [&str; 7] = ["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"];
        let action = asked.action.to_lowercase();
        let covers = element(it, "Action", "NotAction", |pattern| Some(glob(&pattern.to_lowercase(), &action)));
        let on = element(it, "Resource", "NotResource", |pattern| match (asked.resource, &asked.caller) {
            (None, _) => (pattern == "*").then_some(true),
            (Some(resource), Some(caller)) => like(pattern, variables, caller, resource),
            (Some(resource), None) => (!variables || !pattern.contains("${")).then(|| glob(pattern, resource)),
        });
        if covers == Some(false) || on == Some(false) {
            return;
        }
        let effect = match it.get("Effect").and_then(Value::as_str) {
            Some("Allow") => Some(true),
            Some("Deny") => Some(false),
            _ => None,
        };
        let free = it.get("Condition").is_none_or(|it| it.as_object().is_some_and(Map::is_empty));
        let plain = it.keys().all(|name| ELEMENTS.contains(&name.as_str()));
        match (effect, covers, on) {
            (Some(effect), Some(_), Some(_)) if plain && free => match effect {
                true => self.allow = true,
                false => self.deny(name, asked),
            },
            (_, Some(_), Some(_)) if plain && effect.is_some() => {
                self.may(name, asked, effect, "that depends on a condition");
            }
            (_, Some(_), None) if plain && effect.is_some() && asked.resource.is_none() => {
                self.may(name, asked, effect, "that depends on the resource");
            }
            (_, Some(_), None) if plain && effect.is_some() && names_resources(it) => {
                self.may(name, asked, effect, "what a variable in its resource stands for is not known");
            }
            _ => self.may(name, asked, effect, "a statement of it cannot be made out"),
        }
    }
}

fn names_resources(it: &Map<String, Value>) -> bool {
    it.contains_key("Resource") != it.contains_key("NotResource")
}

/// Does a statement's element, or the one that excludes, speak of it? `None`: not known.
fn element(
    it: &Map<String, Value>,
    positive: &str,
    negative: &str,
    fits: impl Fn(&str) -> Option<bool>,
) -> Option<bool> {
    let any = |value: &Value| {
        let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let mut all = Some(false);
        for item in items {
            match item.as_str().and_then(&fits) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => all = None,
            }
        }
        all
    };
    match (it.get(positive), it.get(negative)) {
        (Some(value), None) => any(value),
        (None, Some(value)) => any(value).map(|it| !it),
        _ => None,
    }
}
