//! What IAM is asked: the whole account in one sweep, single roles and users, OIDC providers, instance profiles, and what
//! a principal's policies say to an action.
//!
//! IAM is one service per partition: there is no region here.

mod convert;

use std::time::Duration;

use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_iam::config::timeout::TimeoutConfig;
use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, EntityType};

use super::lanes::{Rank, Service};
use super::session::{Request, Session};
use super::{Page, failure};
use crate::model::failure::{Failure, FailureKind};
use crate::model::role::{
    GroupDetail, InstanceProfile, ManagedPolicy, OpenIdConnectProvider, RoleDetail, RolePolicies, Simulated, UserDetail,
};

/// The most that IAM gives at once.
const PAGE: i32 = 1000;

/// A page of the whole account has megabytes of policies, which take their time on a slow line.
const WHOLE_PAGE: Duration = Duration::from_secs(60);

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
    /// What to ask the next page with; `None` at the end.
    pub next: Option<String>,
}

/// IAM of the caller's account.
#[derive(Clone, Debug)]
pub struct Iam {
    session: Session,
}

impl Session {
    /// IAM of the caller's account.
    pub fn iam(&self) -> Iam {
        Iam { session: self.clone() }
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

impl Iam {
    /// GetAccountAuthorizationDetails: roles, users, groups, and the account's own managed policies.
    pub async fn account_details(&self, next_page: Option<String>) -> Result<AccountDetails, Failure> {
        let request = request("GetAccountAuthorizationDetails", "read the roles, users, groups and policies", "");
        let patience = TimeoutConfig::builder().operation_timeout(WHOLE_PAGE).build();
        let call = self
            .session
            .iam_client()
            .get_account_authorization_details()
            .set_filter(Some(WHOLE.to_vec()))
            .max_items(PAGE)
            .set_marker(next_page)
            .customize()
            .config_override(aws_sdk_iam::Config::builder().timeout_config(patience))
            .send();
        let said = self.session.perform(request, call, failure::aws).await?;
        Ok(AccountDetails {
            roles: said.role_detail_list.unwrap_or_default().into_iter().map(convert::role_detail).collect(),
            users: said.user_detail_list.unwrap_or_default().into_iter().map(convert::user_detail).collect(),
            groups: said.group_detail_list.unwrap_or_default().into_iter().map(convert::group_detail).collect(),
            policies: said.policies.unwrap_or_default().into_iter().map(convert::managed_policy).collect(),
            next: next(said.is_truncated, said.marker),
        })
    }

    /// ListRoles: with trust policies, without attached policies.
    pub async fn list_roles(&self, next_page: Option<String>) -> Result<Page<RoleDetail>, Failure> {
        let call = self.session.iam_client().list_roles().max_items(PAGE).set_marker(next_page).send();
        let said = self.session.perform(request("ListRoles", "list the roles", ""), call, failure::aws).await?;
        Ok(Page::new(said.roles.into_iter().map(convert::role).collect(), next(said.is_truncated, said.marker)))
    }

    /// ListUsers.
    pub async fn list_users(&self, next_page: Option<String>) -> Result<Page<UserDetail>, Failure> {
        let call = self.session.iam_client().list_users().max_items(PAGE).set_marker(next_page).send();
        let said = self.session.perform(request("ListUsers", "list the users", ""), call, failure::aws).await?;
        Ok(Page::new(said.users.into_iter().map(convert::user).collect(), next(said.is_truncated, said.marker)))
    }

    /// GetRole, by name.
    pub async fn role(&self, name: &str) -> Result<Option<RoleDetail>, Failure> {
        let request = request("GetRole", "read the role", name);
        let call = self.session.iam_client().get_role().role_name(name).send();
        let said = unless_gone(self.session.perform(request, call, failure::aws).await)?;
        Ok(said.and_then(|said| said.role).map(convert::role))
    }

    /// ListAttachedRolePolicies, all pages; ListRolePolicies and GetRolePolicy for each.
    pub async fn role_policies(&self, name: &str) -> Result<RolePolicies, Failure> {
        let mut found = RolePolicies::default();
        let mut marker = None;
        loop {
            let request = request("ListAttachedRolePolicies", "list the policies of the role", name);
            let call =
                self.session.iam_client().list_attached_role_policies().role_name(name).set_marker(marker).send();
            let said = self.session.perform(request, call, failure::aws).await?;
            found.attached.extend(said.attached_policies.unwrap_or_default().into_iter().map(convert::attached_policy));
            marker = next(said.is_truncated, said.marker);
            if marker.is_none() {
                break;
            }
        }
        let mut names = Vec::new();
        loop {
            let request = request("ListRolePolicies", "list the inline policies of the role", name);
            let call = self.session.iam_client().list_role_policies().role_name(name).set_marker(marker).send();
            let said = self.session.perform(request, call, failure::aws).await?;
            names.extend(said.policy_names);
            marker = next(said.is_truncated, said.marker);
            if marker.is_none() {
                break;
            }
        }
        for policy in names {
            let on = format!("{name}/{policy}");
            let request = Request::aws(Service::Iam, "GetRolePolicy", "read the inline policy", on, Rank::Detail);
            let call = self.session.iam_client().get_role_policy().role_name(name).policy_name(&policy).send();
            let said = self.session.perform(request, call, failure::aws).await?;
            found.inline.push(convert::own_policy(said.policy_name, said.policy_document));
        }
        Ok(found)
    }

    /// GetPolicy and GetPolicyVersion: a managed policy with the version that counts, by ARN.
    pub async fn managed_policy(&self, arn: &str) -> Result<Option<ManagedPolicy>, Failure> {
        let request = |operation: &str| Request::aws(Service::Iam, operation, "read the policy", arn, Rank::Detail);
        let call = self.session.iam_client().get_policy().policy_arn(arn).send();
        let said = unless_gone(self.session.perform(request("GetPolicy"), call, failure::aws).await)?;
        let Some(policy) = said.and_then(|it| it.policy) else { return Ok(None) };
        let version = policy.default_version_id.clone().unwrap_or_default();
        let call = self.session.iam_client().get_policy_version().policy_arn(arn).version_id(version).send();
        let said = unless_gone(self.session.perform(request("GetPolicyVersion"), call, failure::aws).await)?;
        Ok(Some(convert::policy(policy, said.and_then(|it| it.policy_version))))
    }

    /// GetUser, by name.
    pub async fn user(&self, name: &str) -> Result<Option<UserDetail>, Failure> {
        let request = request("GetUser", "read the user", name);
        let call = self.session.iam_client().get_user().user_name(name).send();
        let said = unless_gone(self.session.perform(request, call, failure::aws).await)?;
        Ok(said.and_then(|said| said.user).map(convert::user))
    }

    /// ListOpenIDConnectProviders: ARNs, always all of them.
    pub async fn list_oidc_providers(&self) -> Result<Page<String>, Failure> {
        let request = request("ListOpenIDConnectProviders", "list the OIDC providers", "");
        let call = self.session.iam_client().list_open_id_connect_providers().send();
        let said = self.session.perform(request, call, failure::aws).await?;
        let arns = said.open_id_connect_provider_list.unwrap_or_default().into_iter().filter_map(|it| it.arn);
        Ok(Page::new(arns.collect(), None))
    }

    /// GetOpenIDConnectProvider.
    pub async fn oidc_provider(&self, arn: &str) -> Result<Option<OpenIdConnectProvider>, Failure> {
        let doing = "read the OIDC provider";
        let request = Request::aws(Service::Iam, "GetOpenIDConnectProvider", doing, arn, Rank::Detail);
        let call = self.session.iam_client().get_open_id_connect_provider().open_id_connect_provider_arn(arn).send();
        let said = unless_gone(self.session.perform(request, call, failure::aws).await)?;
        Ok(said.map(|said| convert::oidc_provider(arn, said)))
    }

    /// ListInstanceProfiles.
    pub async fn list_instance_profiles(&self, next_page: Option<String>) -> Result<Page<InstanceProfile>, Failure> {
        let request = request("ListInstanceProfiles", "list the instance profiles", "");
        let call = self.session.iam_client().list_instance_profiles().max_items(PAGE).set_marker(next_page).send();
        let said = self.session.perform(request, call, failure::aws).await?;
        let profiles = said.instance_profiles.into_iter().map(convert::instance_profile).collect();
        Ok(Page::new(profiles, next(said.is_truncated, said.marker)))
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
        let mut marker = None;
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
                .config_override(aws_sdk_iam::Config::builder().retry_config(patience.clone()))
                .send();
            let said = self.session.perform(request.clone(), call, failure::aws).await?;
            found.extend(said.evaluation_results.unwrap_or_default().into_iter().flat_map(convert::simulated));
            marker = next(said.is_truncated, said.marker);
            if marker.is_none() {
                return Ok(found);
            }
        }
    }
}
