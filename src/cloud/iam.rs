//! What IAM is asked: the whole account in one sweep, single roles and users, OIDC providers, instance profiles, and what
//! a principal's policies say to an action.
//!
//! IAM is one service per partition: there is no region here.

mod convert;

use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, EntityType};

use super::answer::AnswerCheck;
use super::answer::shape::Unreadable;
use super::lanes::{Rank, Service};
use super::page_size::PageSizes;
use super::session::{Request, Session};
use super::{Page, PageTurns, PageWeight, failure};
use crate::model::failure::{Failure, FailureKind};
use crate::model::role::{
    GroupDetail, InstanceProfile, ManagedPolicy, OpenIdConnectProvider, RoleDetail, RolePolicies, Simulated, UserDetail,
};
use crate::model::snapshot::Missing;

/// The most that IAM gives at once.
const PAGE: i32 = 1000;
/// What is asked for of the whole account, and in place of a page that is too large.
const SIZES: &[usize] = &[1000, 100, 10];

/// Not AWS's own managed policies: there are more than a thousand of them.
const WHOLE: [EntityType; 4] = [EntityType::Role, EntityType::User, EntityType::Group, EntityType::LocalManagedPolicy];

/// One page of GetAccountAuthorizationDetails.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct AccountDetails {
    pub roles: Vec<RoleDetail>,
    pub users: Vec<UserDetail>,
    pub groups: Vec<GroupDetail>,
    pub policies: Vec<ManagedPolicy>,
    /// What is there of each and could not be read.
    pub missing: AccountMissing,
    /// What to ask the next page with; `None` at the end.
    pub next: Option<String>,
    /// What the page weighs.
    pub weight: PageWeight,
}

impl AccountDetails {
    /// How many items the page has, those that could not be read included.
    pub fn count(&self) -> usize {
        let AccountMissing { roles, users, groups, policies } = &self.missing;
        let missing = roles.len() + users.len() + groups.len() + policies.len();
        self.roles.len() + self.users.len() + self.groups.len() + self.policies.len() + missing
    }
}

/// Items of the account's details that could not be read.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct AccountMissing {
    pub roles: Vec<Missing>,
    pub users: Vec<Missing>,
    pub groups: Vec<Missing>,
    pub policies: Vec<Missing>,
}

/// IAM of the caller's account.
#[derive(Clone, Debug)]
pub struct Iam {
    session: Session,
    sizes: PageSizes,
}

impl Session {
    /// IAM of the caller's account.
    pub fn iam(&self) -> Iam {
        Iam { session: self.clone(), sizes: PageSizes::new(SIZES) }
    }
}

fn request(operation: &str, doing: &'static str, on: &str) -> Request {
    Request::aws(Service::Iam, operation, doing, on, Rank::Page)
}

/// `None` if there is no such thing.
fn unless_gone<T>(result: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.kind == FailureKind::Missing => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The marker of the next page, if there is one: a page may be short and still not the last.
fn next(truncated: bool, marker: Option<String>) -> Option<String> {
    if truncated { marker } else { None }
}

/// The items of a list that can be read, and those that cannot, by name where they have one.
struct Sorter<'a> {
    request: &'a Request,
    unreadable: Vec<Unreadable>,
    weight: PageWeight,
}

impl<'a> Sorter<'a> {
    fn new(session: &Session, request: &'a Request, check: &AnswerCheck) -> Self {
        Sorter { request, unreadable: check.unreadable(), weight: session.weigh(request) }
    }

    fn sort<A, B>(&self, list: &str, items: Vec<A>, convert: impl Fn(A) -> B) -> (Vec<B>, Vec<Missing>) {
        let aside = |index: usize| self.unreadable.iter().find(|it| it.list == list && it.index == index);
        let (mut read, mut missing) = (Vec::with_capacity(items.len()), Vec::new());
        for (index, item) in items.into_iter().enumerate() {
            match aside(index) {
                None => read.push(convert(item)),
                Some(it) => {
                    let which = it.name.as_deref().unwrap_or("an item without a name");
                    let why = format!("{which} of {list} {}", it.fault);
                    let failure = self.request.failure(FailureKind::Unexpected, None, &why);
                    missing.push(Missing { item: it.name.clone(), failure });
                }
            }
        }
        (read, missing)
    }

    fn page<A, B>(&self, list: &str, items: Vec<A>, next: Option<String>, convert: impl Fn(A) -> B) -> Page<B> {
        let (items, missing) = self.sort(list, items, convert);
        Page { missing, weight: self.weight.clone(), ..Page::new(items, next) }
    }
}

impl Iam {
    /// GetAccountAuthorizationDetails: roles, users, groups, and the account's own managed policies.
    pub async fn account_details(&self, next_page: Option<String>) -> Result<AccountDetails, Failure> {
        let page = |count| self.account_details_page(next_page.clone(), count);
        self.sizes.ask("GetAccountAuthorizationDetails", page).await
    }

    async fn account_details_page(&self, next_page: Option<String>, count: usize) -> Result<AccountDetails, Failure> {
        let request = request("GetAccountAuthorizationDetails", "read the roles, users, groups and policies", "");
        let check = request.check();
        let call = self
            .session
            .iam_client()
            .get_account_authorization_details()
            .set_filter(Some(WHOLE.to_vec()))
            .max_items(i32::try_from(count).unwrap_or(PAGE))
            .set_marker(next_page)
            .customize()
            .interceptor(check.clone())
            .send();
        let said = self.session.perform(request.clone(), call, failure::aws).await?;
        let sorter = Sorter::new(&self.session, &request, &check);
        let all = said.role_detail_list.unwrap_or_default();
        let (roles, no_roles) = sorter.sort("RoleDetailList", all, convert::role_detail);
        let all = said.user_detail_list.unwrap_or_default();
        let (users, no_users) = sorter.sort("UserDetailList", all, convert::user_detail);
        let all = said.group_detail_list.unwrap_or_default();
        let (groups, no_groups) = sorter.sort("GroupDetailList", all, convert::group_detail);
        let all = said.policies.unwrap_or_default();
        let (policies, no_policies) = sorter.sort("Policies", all, convert::managed_policy);
        let missing = AccountMissing { roles: no_roles, users: no_users, groups: no_groups, policies: no_policies };
        let (next, weight) = (next(said.is_truncated, said.marker), sorter.weight.clone());
        Ok(AccountDetails { roles, users, groups, policies, missing, next, weight })
    }

    /// ListRoles: with trust policies, without attached policies.
    pub async fn list_roles(&self, next_page: Option<String>) -> Result<Page<RoleDetail>, Failure> {
        let request = request("ListRoles", "list the roles", "");
        let check = request.check();
        let call = self.session.iam_client().list_roles().max_items(PAGE).set_marker(next_page);
        let call = call.customize().interceptor(check.clone()).send();
        let said = self.session.perform(request.clone(), call, failure::aws).await?;
        let next = next(said.is_truncated, said.marker);
        Ok(Sorter::new(&self.session, &request, &check).page("Roles", said.roles, next, convert::role))
    }

    /// ListUsers.
    pub async fn list_users(&self, next_page: Option<String>) -> Result<Page<UserDetail>, Failure> {
        let request = request("ListUsers", "list the users", "");
        let check = request.check();
        let call = self.session.iam_client().list_users().max_items(PAGE).set_marker(next_page);
        let call = call.customize().interceptor(check.clone()).send();
        let said = self.session.perform(request.clone(), call, failure::aws).await?;
        let next = next(said.is_truncated, said.marker);
        Ok(Sorter::new(&self.session, &request, &check).page("Users", said.users, next, convert::user))
    }

    /// GetRole, by name.
    pub async fn role(&self, name: &str) -> Result<Option<RoleDetail>, Failure> {
        let request = request("GetRole", "read the role", name).naming(&["Role", "RoleName"], name);
        let call = self.session.iam_client().get_role().role_name(name).customize().interceptor(request.check()).send();
        let said = unless_gone(self.session.perform(request, call, failure::aws).await)?;
        Ok(said.and_then(|said| said.role).map(convert::role))
    }

    /// ListAttachedRolePolicies, all pages; ListRolePolicies and GetRolePolicy for each.
    pub async fn role_policies(&self, name: &str) -> Result<RolePolicies, Failure> {
        let mut found = RolePolicies::default();
        let (mut marker, mut turns) = (None, PageTurns::default());
        loop {
            let request = request("ListAttachedRolePolicies", "list the policies of the role", name);
            let call = self
                .session
                .iam_client()
                .list_attached_role_policies()
                .role_name(name)
                .set_marker(marker)
                .customize()
                .interceptor(request.check())
                .send();
            let about = request.clone();
            let said = self.session.perform(request, call, failure::aws).await?;
            let attached = said.attached_policies.unwrap_or_default();
            let (next, count) = (next(said.is_truncated, said.marker), attached.len());
            found.attached.extend(attached.into_iter().map(convert::attached_policy));
            marker = turns.follow_token(next.as_deref(), count, &self.session.weigh(&about))?;
            if marker.is_none() {
                break;
            }
        }
        let (mut names, mut turns) = (Vec::new(), PageTurns::default());
        loop {
            let request = request("ListRolePolicies", "list the inline policies of the role", name);
            let call = self
                .session
                .iam_client()
                .list_role_policies()
                .role_name(name)
                .set_marker(marker)
                .customize()
                .interceptor(request.check())
                .send();
            let about = request.clone();
            let said = self.session.perform(request, call, failure::aws).await?;
            let (next, count) = (next(said.is_truncated, said.marker), said.policy_names.len());
            names.extend(said.policy_names);
            marker = turns.follow_token(next.as_deref(), count, &self.session.weigh(&about))?;
            if marker.is_none() {
                break;
            }
        }
        for policy in names {
            let on = format!("{name}/{policy}");
            let request = Request::aws(Service::Iam, "GetRolePolicy", "read the inline policy", on, Rank::Detail);
            let request = request.naming(&["RoleName"], name).naming(&["PolicyName"], &policy);
            let call = self
                .session
                .iam_client()
                .get_role_policy()
                .role_name(name)
                .policy_name(&policy)
                .customize()
                .interceptor(request.check())
                .send();
            let said = self.session.perform(request, call, failure::aws).await?;
            found.inline.push(convert::own_policy(said.policy_name, said.policy_document));
        }
        Ok(found)
    }

    /// GetPolicy and GetPolicyVersion: a managed policy with the version that counts, by ARN.
    pub async fn managed_policy(&self, arn: &str) -> Result<Option<ManagedPolicy>, Failure> {
        let request = |operation: &str| Request::aws(Service::Iam, operation, "read the policy", arn, Rank::Detail);
        let of_policy = request("GetPolicy").naming(&["Policy", "Arn"], arn);
        let call = self.session.iam_client().get_policy().policy_arn(arn);
        let call = call.customize().interceptor(of_policy.check()).send();
        let said = unless_gone(self.session.perform(of_policy, call, failure::aws).await)?;
        let Some(policy) = said.and_then(|it| it.policy) else { return Ok(None) };
        let version = policy.default_version_id.clone().unwrap_or_default();
        let of_version = request("GetPolicyVersion").naming(&["PolicyVersion", "VersionId"], &version);
        let call = self.session.iam_client().get_policy_version().policy_arn(arn).version_id(version);
        let call = call.customize().interceptor(of_version.check()).send();
        let said = unless_gone(self.session.perform(of_version, call, failure::aws).await)?;
        Ok(Some(convert::policy(policy, said.and_then(|it| it.policy_version))))
    }

    /// GetUser, by name.
    pub async fn user(&self, name: &str) -> Result<Option<UserDetail>, Failure> {
        let request = request("GetUser", "read the user", name).naming(&["User", "UserName"], name);
        let call = self.session.iam_client().get_user().user_name(name).customize().interceptor(request.check()).send();
        let said = unless_gone(self.session.perform(request, call, failure::aws).await)?;
        Ok(said.and_then(|said| said.user).map(convert::user))
    }

    /// ListOpenIDConnectProviders: ARNs, always all of them.
    pub async fn list_oidc_providers(&self) -> Result<Page<String>, Failure> {
        let request = request("ListOpenIDConnectProviders", "list the OIDC providers", "");
        let call =
            self.session.iam_client().list_open_id_connect_providers().customize().interceptor(request.check()).send();
        let said = self.session.perform(request, call, failure::aws).await?;
        let arns = said.open_id_connect_provider_list.unwrap_or_default().into_iter().filter_map(|it| it.arn);
        Ok(Page::new(arns.collect(), None))
    }

    /// GetOpenIDConnectProvider.
    pub async fn oidc_provider(&self, arn: &str) -> Result<Option<OpenIdConnectProvider>, Failure> {
        let doing = "read the OIDC provider";
        let request = Request::aws(Service::Iam, "GetOpenIDConnectProvider", doing, arn, Rank::Detail);
        let url = arn.split_once(":oidc-provider/").map_or(arn, |(_, url)| url);
        let request = request.naming(&["Url"], url);
        let call = self
            .session
            .iam_client()
            .get_open_id_connect_provider()
            .open_id_connect_provider_arn(arn)
            .customize()
            .interceptor(request.check())
            .send();
        let said = unless_gone(self.session.perform(request, call, failure::aws).await)?;
        Ok(said.map(|said| convert::oidc_provider(arn, said)))
    }

    /// ListInstanceProfiles.
    pub async fn list_instance_profiles(&self, next_page: Option<String>) -> Result<Page<InstanceProfile>, Failure> {
        let request = request("ListInstanceProfiles", "list the instance profiles", "");
        let check = request.check();
        let call = self.session.iam_client().list_instance_profiles().max_items(PAGE).set_marker(next_page);
        let call = call.customize().interceptor(check.clone()).send();
        let said = self.session.perform(request.clone(), call, failure::aws).await?;
        let next = next(said.is_truncated, said.marker);
        let sorter = Sorter::new(&self.session, &request, &check);
        Ok(sorter.page("InstanceProfiles", said.instance_profiles, next, convert::instance_profile))
    }

    /// SimulatePrincipalPolicy, all pages: what the identity policies of a role or user (and its boundary) say to each
    /// action on each resource (`*` where none is given), with these keys in the context. Trust policies, organisation
    /// policies and the resources' own policies are not part of it.
    pub async fn simulate(
        &self,
        principal_arn: &str,
        actions: &[String],
        resources: &[String],
        context: &[(String, Vec<String>)],
    ) -> Result<Vec<Simulated>, Failure> {
        let request = request("SimulatePrincipalPolicy", "simulate what its policies allow", principal_arn);
        let entry = |(key, values): &(String, Vec<String>)| {
            let kind = if values.len() == 1 { ContextKeyTypeEnum::String } else { ContextKeyTypeEnum::StringList };
            ContextEntry::builder()
                .context_key_name(key)
                .set_context_key_values(Some(values.clone()))
                .context_key_type(kind)
                .build()
        };
        // What IAM cannot evaluate it answers as a failure of its own, and again as often as it is asked.
        let patience = RetryConfig::standard().with_max_attempts(2);
        let mut found = Vec::new();
        let (mut marker, mut turns) = (None, PageTurns::default());
        loop {
            let call = self
                .session
                .iam_client()
                .simulate_principal_policy()
                .policy_source_arn(principal_arn)
                .set_action_names(Some(actions.to_vec()))
                .set_resource_arns((!resources.is_empty()).then(|| resources.to_vec()))
                .set_context_entries(Some(context.iter().map(entry).collect()))
                .set_marker(marker)
                .customize()
                .interceptor(request.check())
                .config_override(aws_sdk_iam::Config::builder().retry_config(patience.clone()))
                .send();
            let said = self.session.perform(request.clone(), call, failure::aws).await?;
            let results = said.evaluation_results.unwrap_or_default();
            let (next, count) = (next(said.is_truncated, said.marker), results.len());
            found.extend(results.into_iter().flat_map(convert::simulated));
            marker = turns.follow_token(next.as_deref(), count, &self.session.weigh(&request))?;
            if marker.is_none() {
                return Ok(found);
            }
        }
    }
}
