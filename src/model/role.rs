//! What IAM says of an account: roles, users, groups, policies, OIDC providers, instance profiles.
//!
//! Field names of `get-account-authorization-details` and its neighbours. Policy documents stay JSON values;
//! evaluating them is `access::trust`'s.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::time::Time;

/// `RoleDetailList[]`; also what GetRole and ListRoles give, with fewer members.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct RoleDetail {
    #[serde(default = "root_path")]
    pub path: String,
    pub role_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_id: Option<String>,
    pub arn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_date: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assume_role_policy_document: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_session_duration: Option<i32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instance_profile_list: Vec<InstanceProfile>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub role_policy_list: Vec<InlinePolicy>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attached_managed_policies: Vec<AttachedPolicy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<PermissionsBoundary>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_last_used: Option<RoleLastUsed>,
}

fn root_path() -> String {
    "/".to_owned()
}

/// A role's policies, asked for by themselves.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct RolePolicies {
    pub inline: Vec<InlinePolicy>,
    pub attached: Vec<AttachedPolicy>,
}

/// `UserDetailList[]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct UserDetail {
    #[serde(default = "root_path")]
    pub path: String,
    pub user_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    pub arn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_date: Option<Time>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user_policy_list: Vec<InlinePolicy>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_list: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attached_managed_policies: Vec<AttachedPolicy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<PermissionsBoundary>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
}

/// `GroupDetailList[]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct GroupDetail {
    #[serde(default = "root_path")]
    pub path: String,
    pub group_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    #[serde(default)]
    pub arn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_date: Option<Time>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_policy_list: Vec<InlinePolicy>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attached_managed_policies: Vec<AttachedPolicy>,
}

/// `Policies[]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct ManagedPolicy {
    #[serde(default)]
    pub policy_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_id: Option<String>,
    pub arn: String,
    #[serde(default = "root_path")]
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_version_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment_count: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_attachable: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_date: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_date: Option<Time>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy_version_list: Vec<PolicyVersion>,
}

/// `Policies[].PolicyVersionList[]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct PolicyVersion {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Value>,
    #[serde(default)]
    pub version_id: String,
    #[serde(default)]
    pub is_default_version: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_date: Option<Time>,
}

/// An inline policy of a role, user or group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct InlinePolicy {
    pub policy_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_document: Option<Value>,
}

/// A managed policy attached to a role, user or group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AttachedPolicy {
    #[serde(default)]
    pub policy_name: String,
    pub policy_arn: String,
}

/// `PermissionsBoundary`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct PermissionsBoundary {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary_arn: Option<String>,
}

/// `RoleLastUsed`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct RoleLastUsed {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_date: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

/// An IAM tag.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Tag {
    pub key: String,
    #[serde(default)]
    pub value: String,
}

/// `InstanceProfiles[]`, and `RoleDetailList[].InstanceProfileList[]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct InstanceProfile {
    #[serde(default = "root_path")]
    pub path: String,
    pub instance_profile_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_profile_id: Option<String>,
    #[serde(default)]
    pub arn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_date: Option<Time>,
    /// The roles in it (at most one); within a role's own details it may be left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<ProfileRole>,
}

/// `InstanceProfiles[].Roles[]`, by what identifies it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct ProfileRole {
    #[serde(default = "root_path")]
    pub path: String,
    pub role_name: String,
    #[serde(default)]
    pub arn: String,
}

/// `get-open-id-connect-provider`, with its ARN.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct OpenIdConnectProvider {
    pub arn: String,
    /// Without scheme, as IAM gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, rename = "ClientIDList", skip_serializing_if = "Vec::is_empty")]
    pub client_id_list: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thumbprint_list: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_date: Option<Time>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
}

/// `simulate-principal-policy`: what is said of one action on one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simulated {
    /// `s3:GetObject`
    pub action: String,
    /// An ARN, or `*`.
    pub resource: String,
    /// What the policies say.
    pub decision: Decision,
    /// Keys of the context that a condition asks for and the request did not tell.
    pub missing_context: Vec<String>,
}

/// What policies say to an action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it, and none denies it.
    Allowed,
    /// A statement denies it.
    Denied,
    /// None allows it.
    #[default]
    NotAllowed,
}

/// `get-caller-identity`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Caller {
    pub account: String,
    pub arn: String,
    #[serde(default)]
    pub user_id: String,
}
