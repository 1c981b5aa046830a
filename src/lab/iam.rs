//! IAM, the reading calls, as the query protocol's results.
//!
//! Decides what each call gives and omits (`ListRoles` has no tags, `GetAccountAuthorizationDetails` no description),
//! and its pages. How a result becomes XML is `xml`'s.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::aws::{Call, Parameters, Refusal, Service};
use super::page::{NoPage, Page, page};
use super::policy::policies_of_principal;
use super::simulate::{Asked, simulate};
use super::world::{Withheld, same_name};
use crate::model::document::IamDocument;
use crate::model::principal::Principal;
use crate::model::role::{GroupDetail, InstanceProfile, ManagedPolicy, RoleDetail, UserDetail};

/// Which members of a role or user a list gives, and which only the full answer.
const ROLE: &[&str] = &[
    "Path",
    "RoleName",
    "RoleId",
    "Arn",
    "CreateDate",
    "AssumeRolePolicyDocument",
    "Description",
    "MaxSessionDuration",
];
const ROLE_WHOLE: &[&str] = &["PermissionsBoundary", "Tags", "RoleLastUsed"];
const USER: &[&str] = &["Path", "UserName", "UserId", "Arn", "CreateDate", "PasswordLastUsed"];
const USER_WHOLE: &[&str] = &["PermissionsBoundary", "Tags"];
const PROFILE: &[&str] = &["Path", "InstanceProfileName", "InstanceProfileId", "Arn", "CreateDate"];

/// The actions that are answered.
pub(super) const ACTIONS: [&str; 14] = [
    "ListRoles",
    "GetRole",
    "ListUsers",
    "GetUser",
    "ListAttachedRolePolicies",
    "ListRolePolicies",
    "GetRolePolicy",
    "GetPolicy",
    "GetPolicyVersion",
    "ListOpenIDConnectProviders",
    "GetOpenIDConnectProvider",
    "ListInstanceProfiles",
    "GetAccountAuthorizationDetails",
    "SimulatePrincipalPolicy",
];

/// The result of a call.
pub(super) fn perform(call: &Call<'_>, action: &str, parameters: &Parameters) -> Result<Value, Refusal> {
    let iam = Iam { call, parameters };
    match action {
        "ListRoles" => iam.list_roles(),
        "GetRole" => iam.get_role(),
        "ListUsers" => iam.list_users(),
        "GetUser" => iam.get_user(),
        "ListAttachedRolePolicies" => iam.list_attached_role_policies(),
        "ListRolePolicies" => iam.list_role_policies(),
        "GetRolePolicy" => iam.get_role_policy(),
        "GetPolicy" => iam.get_policy(),
        "GetPolicyVersion" => iam.get_policy_version(),
        "ListOpenIDConnectProviders" => iam.list_oidc_providers(),
        "GetOpenIDConnectProvider" => iam.get_oidc_provider(),
        "ListInstanceProfiles" => iam.list_instance_profiles(),
        "GetAccountAuthorizationDetails" => iam.get_account_authorization_details(),
        "SimulatePrincipalPolicy" => iam.simulate_principal_policy(),
        _ => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "InvalidAction",
            format!("Could not find operation {action} for version 2010-05-08"),
        )),
    }
}

struct Iam<'a> {
    call: &'a Call<'a>,
    parameters: &'a Parameters,
}

/// What the account's details are made of.
#[derive(Clone, Copy)]
enum Detail<'a> {
    User(&'a UserDetail),
    Group(&'a GroupDetail),
    Role(&'a RoleDetail),
    Policy(&'a ManagedPolicy),
}

/// What a caller who may gets to read.
struct Held<'a> {
    iam: &'a IamDocument,
    /// Why the end of it was not read, if only its beginning was.
    unread: Option<Refusal>,
}

impl Held<'_> {
    /// Says that something is not there, unless it may be in the part that was not read.
    fn missing(self, message: String) -> Refusal {
        self.unread.unwrap_or_else(|| missing(message))
    }
}

impl<'a> Iam<'a> {
    /// IAM, if the caller may perform the action and the world holds the sections that it reads.
    fn allowed(&self, action: &str, resource: &str, sections: &[&str]) -> Result<Held<'a>, Refusal> {
        let world = self.call.world;
        let action = format!("iam:{action}");
        let denied = |message: String| Refusal::new(StatusCode::FORBIDDEN, "AccessDenied", message);
        if let Some(message) = world.refusal(self.call.caller, &action, resource) {
            return Err(denied(message));
        }
        let refused = || {
            let who = &self.call.caller.arn;
            denied(format!(
                "User: {who} is not authorized to perform: {action} on resource: {resource} because the world does not \
                 hold it"
            ))
        };
        let again = |withheld: Withheld<'_>| Refusal::again(withheld, Service::Iam, refused);
        let names = || sections.iter().map(|section| format!("iam/{section}"));
        if let Some(refusal) = names().find_map(|section| world.withheld(&section, None).map(again)) {
            return Err(refusal);
        }
        let unread = names().find_map(|section| world.rest(&section).map(again));
        Ok(Held { iam: world.iam().ok_or_else(refused)?, unread })
    }

    fn resource(&self, of: &str) -> String {
        format!("arn:{}:iam::{}:{of}", self.call.world.base.partition, self.call.world.base.account)
    }

    fn needed(&self, name: &str) -> Result<&'a str, Refusal> {
        self.parameters.get(name).ok_or_else(|| {
            let member = format!("{}{}", name[..1].to_lowercase(), &name[1..]);
            invalid(format!(
                "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must not be null"
            ))
        })
    }

    /// A page of items under a member's name, with `IsTruncated` and `Marker`.
    fn page<T>(
        &self,
        member: &str,
        items: impl Iterator<Item = T>,
        unread: Option<Refusal>,
        render: impl Fn(T) -> Value,
    ) -> Result<Value, Refusal> {
        let (items, marker) = self.page_of(items.collect(), unread)?;
        let items = items.into_iter().map(render).collect();
        Ok(self.paged(Map::from_iter([(member.to_owned(), Value::Array(items))]), marker))
    }

    fn page_of<T>(&self, items: Vec<T>, unread: Option<Refusal>) -> Result<Page<T>, Refusal> {
        let asked = match self.parameters.get("MaxItems").map(str::parse::<usize>) {
            None => None,
            Some(Ok(asked @ 1..=1000)) => Some(asked),
            Some(_) => return Err(invalid("1 validation error detected: Value at 'maxItems' failed to satisfy constraint: Member must have value from 1 to 1000".to_owned())),
        };
        let limit = self.call.page_limit(asked, 100);
        page(items, limit, self.parameters.get("Marker"), unread).map_err(|why| match why {
            NoPage::BadToken => invalid("Invalid Marker.".to_owned()),
            NoPage::Unread(refusal) => refusal,
        })
    }

    fn paged(&self, mut result: Map<String, Value>, marker: Option<String>) -> Value {
        result.insert("IsTruncated".to_owned(), Value::Bool(marker.is_some()));
        result.extend(marker.map(|marker| ("Marker".to_owned(), Value::String(marker))));
        Value::Object(result)
    }

    fn role(&self, action: &str, section: &str) -> Result<&'a RoleDetail, Refusal> {
        let name = self.needed("RoleName")?;
        let found = self.call.world.role(name);
        let resource = found.map_or_else(|| self.resource(&format!("role/{name}")), |role| role.arn.clone());
        let held = self.allowed(action, &resource, &[section])?;
        found.ok_or_else(|| held.missing(format!("The role with name {name} cannot be found.")))
    }

    fn list_roles(&self) -> Result<Value, Refusal> {
        let Held { iam, unread } = self.allowed("ListRoles", &self.resource("role/"), &["roles"])?;
        let prefix = self.parameters.get("PathPrefix").unwrap_or("/");
        let roles = iam.role_detail_list.iter().flatten().filter(|role| role.path.starts_with(prefix));
        self.page("Roles", roles, unread, |role| members(&whole_role(role), &[ROLE]))
    }

    fn get_role(&self) -> Result<Value, Refusal> {
        let role = self.role("GetRole", "roles")?;
        Ok(json!({ "Role": members(&whole_role(role), &[ROLE, ROLE_WHOLE]) }))
    }

    fn list_users(&self) -> Result<Value, Refusal> {
        let Held { iam, unread } = self.allowed("ListUsers", &self.resource("user/"), &["users"])?;
        let prefix = self.parameters.get("PathPrefix").unwrap_or("/");
        let users = iam.user_detail_list.iter().flatten().filter(|user| user.path.starts_with(prefix));
        self.page("Users", users, unread, |user| members(&value(user), &[USER]))
    }

    fn get_user(&self) -> Result<Value, Refusal> {
        // Without a name, the user who asks.
        let own = self.call.caller.arn.rsplit('/').next().unwrap_or_default();
        let name = self.parameters.get("UserName").unwrap_or(own);
        let found = self.call.world.user(name);
        let resource = found.map_or_else(|| self.resource(&format!("user/{name}")), |user| user.arn.clone());
        let held = self.allowed("GetUser", &resource, &["users"])?;
        let user = found.ok_or_else(|| held.missing(format!("The user with name {name} cannot be found.")))?;
        Ok(json!({ "User": members(&value(user), &[USER, USER_WHOLE]) }))
    }

    fn list_attached_role_policies(&self) -> Result<Value, Refusal> {
        let role = self.role("ListAttachedRolePolicies", "roles")?;
        self.page("AttachedPolicies", role.attached_managed_policies.iter(), None, value)
    }

    fn list_role_policies(&self) -> Result<Value, Refusal> {
        let role = self.role("ListRolePolicies", "roles")?;
        self.page("PolicyNames", role.role_policy_list.iter(), None, |it| Value::from(it.policy_name.as_str()))
    }

    fn get_role_policy(&self) -> Result<Value, Refusal> {
        let role = self.role("GetRolePolicy", "roles")?;
        let name = self.needed("PolicyName")?;
        let policy = role.role_policy_list.iter().find(|it| it.policy_name == name);
        let policy = policy.ok_or_else(|| missing(format!("The role policy with name {name} cannot be found.")))?;
        let document = policy.policy_document.clone().unwrap_or_default();
        Ok(json!({ "RoleName": role.role_name, "PolicyName": policy.policy_name, "PolicyDocument": document }))
    }

    fn policy(&self, action: &str) -> Result<&'a ManagedPolicy, Refusal> {
        let arn = self.needed("PolicyArn")?;
        let held = self.allowed(action, arn, &["policies"])?;
        let found = held.iam.policies.iter().flatten().find(|policy| policy.arn == arn);
        found.ok_or_else(|| held.missing(format!("Policy {arn} does not exist or is not attachable.")))
    }

    fn get_policy(&self) -> Result<Value, Refusal> {
        let mut policy = value(self.policy("GetPolicy")?);
        if let Value::Object(members) = &mut policy {
            members.shift_remove("PolicyVersionList");
        }
        Ok(json!({ "Policy": policy }))
    }

    fn get_policy_version(&self) -> Result<Value, Refusal> {
        let policy = self.policy("GetPolicyVersion")?;
        let id = self.needed("VersionId")?;
        let version = policy.policy_version_list.iter().find(|version| version.version_id == id);
        let gone = || missing(format!("Policy {} version {id} does not exist or is not attachable.", policy.arn));
        Ok(json!({ "PolicyVersion": value(version.ok_or_else(gone)?) }))
    }

    fn list_oidc_providers(&self) -> Result<Value, Refusal> {
        let held = self.allowed("ListOpenIDConnectProviders", &self.resource("oidc-provider/*"), &["oidcProviders"])?;
        // There are no pages here whose last could fail.
        let iam = held.unread.map_or(Ok(held.iam), Err)?;
        let providers = iam.open_id_connect_providers.iter().flatten();
        Ok(json!({ "OpenIDConnectProviderList": providers.map(|it| json!({ "Arn": it.arn })).collect::<Vec<_>>() }))
    }

    fn get_oidc_provider(&self) -> Result<Value, Refusal> {
        let arn = self.needed("OpenIDConnectProviderArn")?;
        let held = self.allowed("GetOpenIDConnectProvider", arn, &["oidcProviders"])?;
        let found = held.iam.open_id_connect_providers.iter().flatten().find(|provider| provider.arn == arn);
        let mut provider =
            value(found.ok_or_else(|| held.missing(format!("OpenIDConnect Provider not found for arn {arn}")))?);
        if let Value::Object(members) = &mut provider {
            members.shift_remove("Arn");
        }
        Ok(with_lists(provider, &["ClientIDList", "ThumbprintList", "Tags"]))
    }

    fn list_instance_profiles(&self) -> Result<Value, Refusal> {
        let Held { iam, unread } =
            self.allowed("ListInstanceProfiles", &self.resource("instance-profile/"), &["instanceProfiles"])?;
        let prefix = self.parameters.get("PathPrefix").unwrap_or("/");
        let profiles = iam.instance_profiles.iter().flatten().filter(|profile| profile.path.starts_with(prefix));
        self.page("InstanceProfiles", profiles, unread, |profile| self.profile(profile))
    }

    /// A profile with its roles as IAM tells them there.
    fn profile(&self, profile: &InstanceProfile) -> Value {
        let roles: Vec<Value> = profile
            .roles
            .iter()
            .map(|it| match self.call.world.role(&it.role_name) {
                Some(role) => members(&whole_role(role), &[ROLE]),
                None => value(it),
            })
            .collect();
        let mut profile = members(&value(profile), &[PROFILE]);
        if let Value::Object(members) = &mut profile {
            members.insert("Roles".to_owned(), Value::Array(roles));
        }
        profile
    }

    fn role_detail(&self, role: &RoleDetail) -> Value {
        let mut detail = value(role);
        if let Value::Object(members) = &mut detail {
            members.shift_remove("Description");
            members.shift_remove("MaxSessionDuration");
            let profiles = role.instance_profile_list.iter().map(|it| {
                let all = self.call.world.iam().and_then(|iam| iam.instance_profiles.as_deref()).unwrap_or_default();
                let same =
                    |other: &&InstanceProfile| same_name(&other.instance_profile_name, &it.instance_profile_name);
                self.profile(all.iter().find(same).unwrap_or(it))
            });
            members.insert("InstanceProfileList".to_owned(), profiles.collect());
        }
        with_lists(detail, &["RolePolicyList", "AttachedManagedPolicies", "Tags"])
    }

    /// The list that an item of the details stands in, and how it stands there.
    fn detail(&self, item: Detail<'_>) -> (&'static str, Value) {
        const ATTACHED: &str = "AttachedManagedPolicies";
        match item {
            Detail::User(it) => {
                ("UserDetailList", with_lists(value(it), &["UserPolicyList", "GroupList", ATTACHED, "Tags"]))
            }
            Detail::Group(it) => ("GroupDetailList", with_lists(value(it), &["GroupPolicyList", ATTACHED])),
            Detail::Role(it) => ("RoleDetailList", self.role_detail(it)),
            Detail::Policy(it) => ("Policies", with_lists(value(it), &["PolicyVersionList"])),
        }
    }

    fn simulate_principal_policy(&self) -> Result<Value, Refusal> {
        let arn = self.needed("PolicySourceArn")?;
        let Held { unread, .. } =
            self.allowed("SimulatePrincipalPolicy", arn, &["roles", "users", "groups", "policies"])?;
        // What was not read may hold a policy that denies.
        unread.map_or(Ok(()), Err)?;
        let principal = Principal::from_arn(arn).map_err(|_| invalid_input(format!("Invalid Entity Arn: {arn}")))?.0;
        let policies = policies_of_principal(self.call.world, &principal)
            .ok_or_else(|| missing(format!("Entity with arn {arn} does not exist")))?;
        let context: Vec<(String, Vec<String>)> = (1..)
            .map_while(|n| {
                let entry = format!("ContextEntries.member.{n}");
                let key = self.parameters.get(&format!("{entry}.ContextKeyName"))?;
                let values = self.parameters.list(&format!("{entry}.ContextKeyValues"));
                Some((key.to_owned(), values.into_iter().map(str::to_owned).collect()))
            })
            .collect();
        let resources = Some(self.parameters.list("ResourceArns")).filter(|it| !it.is_empty());
        let resources = resources.unwrap_or_else(|| vec!["*"]);
        let mut results = Vec::new();
        for action in self.parameters.list("ActionNames") {
            for resource in &resources {
                let found = simulate(&policies, Asked { action, resource, context: &context }).map_err(|why| {
                    let said = format!("A policy could not be evaluated: {why}");
                    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "PolicyEvaluation", said)
                })?;
                let matched = found.matched.iter().map(|name| json!({ "SourcePolicyId": name }));
                results.push(json!({
                    "EvalActionName": action,
                    "EvalResourceName": resource,
                    "EvalDecision": found.decision,
                    "MatchedStatements": matched.collect::<Vec<_>>(),
                    "MissingContextValues": found.missing,
                }));
            }
        }
        self.page("EvaluationResults", results.into_iter(), None, |it| it)
    }

    fn get_account_authorization_details(&self) -> Result<Value, Refusal> {
        const ALL: [&str; 5] = ["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"];
        let filter = self.parameters.list("Filter");
        if let Some(odd) = filter.iter().find(|it| !ALL.contains(it)) {
            return Err(invalid(format!(
                "1 validation error detected: Value '[{odd}]' at 'filter' failed to satisfy constraint"
            )));
        }
        let wanted = |kind: &str| filter.is_empty() || filter.contains(&kind);
        let policies = wanted("LocalManagedPolicy") || wanted("AWSManagedPolicy");
        let sections: Vec<&str> =
            [("users", wanted("User")), ("roles", wanted("Role")), ("groups", wanted("Group")), ("policies", policies)]
                .into_iter()
                .filter_map(|(section, wanted)| wanted.then_some(section))
                .collect();
        let Held { iam, unread } = self.allowed("GetAccountAuthorizationDetails", "*", &sections)?;

        let of_aws = |policy: &ManagedPolicy| policy.arn.split(':').nth(4) == Some("aws");
        let policy_kind =
            |policy: &&ManagedPolicy| wanted(if of_aws(policy) { "AWSManagedPolicy" } else { "LocalManagedPolicy" });
        let users = iam.user_detail_list.iter().flatten().filter(|_| wanted("User")).map(Detail::User);
        let groups = iam.group_detail_list.iter().flatten().filter(|_| wanted("Group")).map(Detail::Group);
        let roles = iam.role_detail_list.iter().flatten().filter(|_| wanted("Role")).map(Detail::Role);
        let policies = iam.policies.iter().flatten().filter(policy_kind).map(Detail::Policy);
        let items = users.chain(groups).chain(roles).chain(policies).collect();

        let (items, marker) = self.page_of(items, unread)?;
        let lists = ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"];
        let mut result = Map::from_iter(lists.map(|list| (list.to_owned(), Value::Array(Vec::new()))));
        for item in items {
            let (list, item) = self.detail(item);
            if let Some(Value::Array(list)) = result.get_mut(list) {
                list.push(item);
            }
        }
        Ok(self.paged(result, marker))
    }
}

fn invalid(message: String) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "ValidationError", message)
}

fn invalid_input(message: String) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "InvalidInput", message)
}

fn missing(message: String) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "NoSuchEntity", message)
}

/// The model's types are plain data: they always become JSON.
fn value(of: &impl Serialize) -> Value {
    serde_json::to_value(of).unwrap_or_default()
}

/// A role with the members that every role has.
fn whole_role(role: &RoleDetail) -> Value {
    let mut role = value(role);
    if let Value::Object(members) = &mut role {
        members.entry("MaxSessionDuration").or_insert(Value::from(3600));
    }
    role
}

/// The members of these names, in this order.
fn members(of: &Value, names: &[&[&str]]) -> Value {
    let names = names.iter().copied().flatten();
    Value::Object(names.filter_map(|name| Some(((*name).to_owned(), of.get(name)?.clone()))).collect())
}

/// IAM writes empty lists out.
fn with_lists(mut of: Value, names: &[&str]) -> Value {
    if let Value::Object(members) = &mut of {
        for name in names {
            members.entry(*name).or_insert_with(|| Value::Array(Vec::new()));
        }
    }
    of
}
