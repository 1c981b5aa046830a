//! What all policies of a role or a user say of one action on one resource; and what a session policy leaves of it.
//!
//! Decides how policies add up: a Deny wins, an Allow allows within the boundary, and what was not read leaves open what
//! it could change. That no policy allows and that one denies are told apart, since a trust policy that names the caller
//! makes up for the first alone. Organization policies are not looked at. That a policy of AWS's own whose text was not
//! read denies is so rare that it is left out, but for those that [`super::managed`] names.

use std::sync::Arc;

use serde_json::Value;

use super::managed::name_of_aws;
use super::policy::{ActionQuery, PolicyReader, PolicyText, Target, ask_policy};
use super::request::{Bar, Request};
use super::variable::never_filled;
use crate::access::Verdict;
use crate::model::policy::Resources;
use crate::model::role::{PermissionsBoundary, RoleDetail, UserDetail};
use crate::model::snapshot::{IamFacts, Lookup};
use crate::model::words::last_part;

/// What it takes to ask for the credentials of a pod.
pub(crate) const ASSUME_FOR_POD: &str = "eks-auth:AssumeRoleForPodIdentity";

/// Whether policies allow an action, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ActionDecision {
    /// Whether a statement allows it, and none denies it.
    pub(crate) verdict: Verdict,
    /// Of a no, whether a statement denies it or a boundary leaves it out, rather than no statement allowing it.
    pub(crate) is_denied: bool,
    /// What denies it, or what was not read or what it depends on; else empty.
    pub(crate) because: String,
}

impl ActionDecision {
    /// A statement allows it, and none denies it.
    pub(crate) fn allowed() -> Self {
        ActionDecision { verdict: Verdict::Yes, is_denied: false, because: String::new() }
    }

    /// No statement allows it, and all were read.
    pub(crate) fn not_allowed() -> Self {
        ActionDecision { verdict: Verdict::No, is_denied: false, because: String::new() }
    }

    /// A statement denies it, or a boundary leaves it out; and which.
    pub(crate) fn denied(because: String) -> Self {
        ActionDecision { verdict: Verdict::No, is_denied: true, because }
    }

    /// Something was not read or depends on more; and what.
    pub(crate) fn unknown(because: String) -> Self {
        ActionDecision { verdict: Verdict::Unknown, is_denied: false, because }
    }
}

/// What a caller's own policies say of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyDecision {
    /// Do they allow it?
    pub(crate) allows: ActionDecision,
    /// Do they bar it, whoever else allows it?
    pub(crate) bar: Bar,
    /// Is it only that the boundary leaves it out?
    left_out: bool,
}

impl PolicyDecision {
    /// Of a caller who has no policies.
    pub(crate) fn nothing() -> PolicyDecision {
        PolicyDecision { allows: ActionDecision::not_allowed(), bar: Bar::None, left_out: false }
    }

    /// The same where one session is named, and not its role: what a boundary leaves out may be given to it directly.
    pub(crate) fn of_session(mut self) -> PolicyDecision {
        if let (Bar::Surely(why), true) = (&self.bar, self.left_out) {
            self.bar = Bar::Perhaps(format!("{why}, and {UNSAID} one session is not known"));
        }
        self
    }

    /// Nothing is known of them, and why.
    pub(crate) fn unread(why: String) -> PolicyDecision {
        PolicyDecision { allows: ActionDecision::unknown(why.clone()), bar: Bar::Perhaps(why), left_out: false }
    }
}

const UNSAID: &str = "whether that limits what a trust policy gives to";

/// One policy of an identity.
struct HeldText<'a> {
    /// Of a managed one.
    arn: Option<&'a str>,
    name: &'a str,
    text: Arc<PolicyText>,
}

/// A role or user with its policies, read.
pub(crate) struct PolicyOwner<'a> {
    /// `role x`, `user y`.
    whose: String,
    is_user: bool,
    policies: Vec<HeldText<'a>>,
    /// Its boundary: an ARN, which is empty where that was not read.
    boundary: Option<(&'a str, Arc<PolicyText>)>,
    /// What of it was not read.
    unread: Vec<String>,
    /// What is known of a request of its.
    request: Request,
}

fn boundary<'a>(it: Option<&'a PermissionsBoundary>, reader: &PolicyReader<'a>) -> Option<(&'a str, Arc<PolicyText>)> {
    let arn = it?.permissions_boundary_arn.as_deref().unwrap_or_default();
    Some((arn, reader.managed(arn)))
}

fn request_of(arn: &str) -> Request {
    Request::iam(arn).unwrap_or_else(|_| Request::unknown_identity())
}

impl<'a> PolicyOwner<'a> {
    pub(crate) fn role(role: &'a RoleDetail, reader: &PolicyReader<'a>) -> Self {
        let iam = reader.iam;
        // A role with neither kind of policy may only have been listed without them.
        let known = iam.knows_policies_of(role) || details_are_whole(iam);
        let mut this = PolicyOwner {
            whose: format!("role {}", role.role_name),
            is_user: false,
            policies: Vec::new(),
            boundary: boundary(role.permissions_boundary.as_ref(), reader),
            unread: if known { Vec::new() } else { vec!["its policies".to_owned()] },
            request: request_of(&role.arn),
        };
        this.add(&role.role_policy_list, &role.attached_managed_policies, reader);
        this
    }

    /// With the policies of the groups it is in.
    pub(crate) fn user(user: &'a UserDetail, reader: &PolicyReader<'a>) -> Self {
        let iam = reader.iam;
        let bare =
            user.user_policy_list.is_empty() && user.attached_managed_policies.is_empty() && user.group_list.is_empty();
        // The sweep that brings the groups brings users with their policies; a list of users brings neither.
        let listed = iam.groups.gap();
        let mut this = PolicyOwner {
            whose: format!("user {}", user.user_name),
            is_user: true,
            policies: Vec::new(),
            boundary: boundary(user.permissions_boundary.as_ref(), reader),
            unread: listed.filter(|_| bare).map(|gap| format!("its policies: {gap}")).into_iter().collect(),
            request: request_of(&user.arn),
        };
        this.add(&user.user_policy_list, &user.attached_managed_policies, reader);
        for name in &user.group_list {
            match iam.groups.lookup(|it| it.group_name == *name, |it| it == name) {
                Lookup::Found(group) => {
                    this.add(&group.group_policy_list, &group.attached_managed_policies, reader);
                }
                Lookup::Absent => this.unread.push(format!("group {name}, which is not among the groups")),
                Lookup::Unknown(gap) => this.unread.push(format!("group {name}: {gap}")),
            }
        }
        this
    }

    fn add(
        &mut self,
        inline: &'a [crate::model::role::InlinePolicy],
        attached: &'a [crate::model::role::AttachedPolicy],
        reader: &PolicyReader<'a>,
    ) {
        self.policies.extend(inline.iter().map(|it| HeldText {
            arn: None,
            name: &it.policy_name,
            text: reader.inline(it.policy_document.as_ref()),
        }));
        self.policies.extend(attached.iter().map(|it| HeldText {
            arn: Some(&it.policy_arn),
            name: last_part(&it.policy_arn),
            text: reader.managed(&it.policy_arn),
        }));
    }

    /// What is known of a request, instead of what follows from its ARN.
    #[cfg(test)]
    pub(crate) fn with_request(mut self, request: Request) -> Self {
        self.request = request;
        self
    }

    /// The variables in resources that are no context key, with policy, statement and resource.
    pub(crate) fn unfilled_variables(&self) -> Vec<(String, usize, String, String)> {
        let mut found = Vec::new();
        for policy in &self.policies {
            let Some(document) = policy.text.document().filter(|it| it.variables) else { continue };
            for statement in &document.statements {
                let (Resources::AnyOf(named) | Resources::AllBut(named)) = &statement.resources else { continue };
                for resource in named {
                    for variable in never_filled(resource) {
                        let own = (policy.name.to_owned(), statement.index, resource.clone(), variable.to_owned());
                        found.push(own);
                    }
                }
            }
        }
        found
    }

    /// What they say of the action on the resource; `*` is any.
    pub(crate) fn decide(&self, action: &str, resource: &str) -> PolicyDecision {
        let target = if resource == "*" { Target::ANY } else { Target::Named(resource) };
        let query = ActionQuery::new(action, target, &self.request);
        let whose = &self.whose;
        // Of AWS's own, it is only what they may allow that is missed.
        let (mut unread, mut of_aws_unread) = (self.unread.clone(), Vec::new());
        let mut tally = Tally::default();
        for HeldText { arn, name, text } in &self.policies {
            let says = ask_policy(*arn, text, &query);
            match (&**text, arn) {
                (PolicyText::Unread, None) => unread.push(format!("inline policy {name}")),
                (PolicyText::Unread, Some(arn)) if name_of_aws(arn).is_none() => unread.push(format!("policy {arn}")),
                (PolicyText::Unread, Some(arn)) if says.allows.truth == Verdict::Unknown => {
                    of_aws_unread.push(format!("policy {arn}"));
                    tally.add_denies(&format!("policy {name} of {whose}"), &says, &query);
                }
                _ => tally.add(&format!("policy {name} of {whose}"), &says, &query),
            }
        }
        let limit = self.limit(&query);
        let not_read = |what: &[String]| format!("not read of {whose}: {}", what.join(", "));
        let may_deny = tally.may_deny.clone().or_else(|| (!unread.is_empty()).then(|| not_read(&unread)));
        let bar = match (&tally.deny, &limit) {
            (Some(why), _) => Bar::Surely(why.clone()),
            (None, BoundaryEffect::Denies(why)) => Bar::Surely(why.clone()),
            (None, BoundaryEffect::LeavesOut(why)) if !self.is_user => Bar::Surely(why.clone()),
            (None, BoundaryEffect::LeavesOut(why)) => Bar::Perhaps(format!("{why}, and {UNSAID} a user is not known")),
            (None, BoundaryEffect::Unknown(why)) => Bar::Perhaps(why.clone()),
            (None, BoundaryEffect::None) => may_deny.clone().map_or(Bar::None, Bar::Perhaps),
        };
        let left_out = tally.deny.is_none() && matches!(limit, BoundaryEffect::LeavesOut(_));
        unread.extend(of_aws_unread);
        let allows = match (tally.deny, limit, may_deny) {
            (Some(why), ..) => ActionDecision::denied(why),
            (None, BoundaryEffect::Denies(why) | BoundaryEffect::LeavesOut(why), _) => ActionDecision::denied(why),
            _ if !tally.allow && tally.may_allow.is_none() && unread.is_empty() => ActionDecision::not_allowed(),
            (None, BoundaryEffect::Unknown(why), _) => ActionDecision::unknown(why),
            (None, BoundaryEffect::None, Some(why)) => ActionDecision::unknown(why),
            (None, BoundaryEffect::None, None) if tally.allow => ActionDecision::allowed(),
            (None, BoundaryEffect::None, None) => {
                ActionDecision::unknown(tally.may_allow.unwrap_or_else(|| not_read(&unread)))
            }
        };
        PolicyDecision { allows, bar, left_out }
    }

    /// What the permissions boundary leaves of the action.
    fn limit(&self, query: &ActionQuery<'_>) -> BoundaryEffect {
        let Some((arn, text)) = &self.boundary else { return BoundaryEffect::None };
        let name = format!("the permissions boundary {arn} of {}", self.whose);
        let says = ask_policy(Some(arn), text, query);
        if matches!(**text, PolicyText::Unread) && says.allows.truth != Verdict::Yes {
            return BoundaryEffect::Unknown(format!("the text of {name} was not read"));
        }
        let mut tally = Tally::default();
        tally.add(&name, &says, query);
        match tally {
            Tally { deny: Some(why), .. } => BoundaryEffect::Denies(why),
            Tally { may_deny: Some(why), .. } => BoundaryEffect::Unknown(why),
            Tally { allow: true, .. } => BoundaryEffect::None,
            Tally { may_allow: Some(why), .. } => BoundaryEffect::Unknown(why),
            _ => BoundaryEffect::LeavesOut(format!("{name} does not allow {}", query.action)),
        }
    }
}

/// What a boundary does to an action.
enum BoundaryEffect {
    /// It lets it through, or there is none.
    None,
    /// A statement of it denies it.
    Denies(String),
    /// None of it allows it.
    LeavesOut(String),
    /// Nobody can say.
    Unknown(String),
}

/// What a session policy leaves of an action for a session of a role.
pub(crate) fn session_leaves(policy: &str, role_arn: &str, action: &str, resource: &str) -> ActionDecision {
    let name = "the association's session policy";
    let text = PolicyText::new(Some(&Value::String(policy.to_owned())));
    let request = request_of(role_arn);
    let target = if resource == "*" { Target::ANY } else { Target::Named(resource) };
    let query = ActionQuery::new(action, target, &request);
    let mut tally = Tally::default();
    tally.add(name, &ask_policy(None, &text, &query), &query);
    match tally {
        Tally { deny: Some(why), .. } => ActionDecision::denied(why),
        Tally { may_deny: Some(why), .. } => ActionDecision::unknown(why),
        Tally { allow: true, .. } => ActionDecision::allowed(),
        Tally { may_allow: Some(why), .. } => ActionDecision::unknown(why),
        _ => ActionDecision::denied(format!("{name} does not allow {action}")),
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

/// What policies say, each with its policy in a sentence.
#[derive(Default)]
struct Tally {
    allow: bool,
    may_allow: Option<String>,
    deny: Option<String>,
    may_deny: Option<String>,
}

impl Tally {
    fn add(&mut self, name: &str, says: &super::policy::PolicySays, query: &ActionQuery<'_>) {
        match says.allows.truth {
            Verdict::No => {}
            Verdict::Yes => self.allow = true,
            Verdict::Unknown => {
                self.may_allow.get_or_insert_with(|| format!("{name} may allow {}: {}", query.action, says.allows.why));
            }
        }
        self.add_denies(name, says, query);
    }

    fn add_denies(&mut self, name: &str, says: &super::policy::PolicySays, query: &ActionQuery<'_>) {
        match says.denies.truth {
            Verdict::No => {}
            Verdict::Yes => {
                self.deny.get_or_insert_with(|| format!("{name} denies {}", query.action));
            }
            Verdict::Unknown => {
                self.may_deny.get_or_insert_with(|| format!("{name} may deny {}: {}", query.action, says.denies.why));
            }
        }
    }
}
