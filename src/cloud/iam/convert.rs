//! From the IAM SDK's types to the model's. Policy documents come percent-encoded and leave as JSON; one that does not
//! parse is kept as the text it is.

use aws_sdk_iam::operation::get_open_id_connect_provider::GetOpenIdConnectProviderOutput;
use aws_sdk_iam::primitives::DateTime;
use aws_sdk_iam::types as sdk;
use serde_json::Value;

use crate::cloud::eks::time;
use crate::model::role::{
    AttachedPolicy, Decision, GroupDetail, InlinePolicy, InstanceProfile, ManagedPolicy, OpenIdConnectProvider,
    PermissionsBoundary, PolicyVersion, ProfileRole, RoleDetail, RoleLastUsed, Simulated, Tag, UserDetail,
};
use crate::model::time::Time;

const ROOT_PATH: &str = "/";

fn path(path: Option<String>) -> String {
    path.unwrap_or_else(|| ROOT_PATH.to_owned())
}

/// The JSON of a policy document as IAM sends it.
fn document(encoded: String) -> Value {
    let text = percent_decoded(&encoded);
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

/// RFC 3986: every `%XX` is a byte, everything else is itself, `+` included.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits = text.get(at + 1..at + 3).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) if byte == b'%' => {
                out.push(decoded);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// When something was made. The SDK fills in 1970 where the answer does not say.
fn made(at: DateTime) -> Option<Time> {
    time(at).filter(|_| at.secs() != 0)
}

fn all<A, B>(list: Option<Vec<A>>, convert: impl Fn(A) -> B) -> Vec<B> {
    list.unwrap_or_default().into_iter().map(convert).collect()
}

fn tag(it: sdk::Tag) -> Tag {
    Tag { key: it.key, value: it.value }
}

fn inline_policy(it: sdk::PolicyDetail) -> InlinePolicy {
    InlinePolicy { policy_name: it.policy_name.unwrap_or_default(), policy_document: it.policy_document.map(document) }
}

pub(super) fn own_policy(name: String, text: String) -> InlinePolicy {
    InlinePolicy { policy_name: name, policy_document: Some(document(text)) }
}

pub(super) fn attached_policy(it: sdk::AttachedPolicy) -> AttachedPolicy {
    AttachedPolicy { policy_name: it.policy_name.unwrap_or_default(), policy_arn: it.policy_arn.unwrap_or_default() }
}

fn boundary(it: sdk::AttachedPermissionsBoundary) -> PermissionsBoundary {
    PermissionsBoundary {
        permissions_boundary_type: it.permissions_boundary_type.map(|kind| kind.as_str().to_owned()),
        permissions_boundary_arn: it.permissions_boundary_arn,
    }
}

/// IAM gives an empty object for a role that was never used.
fn last_used(it: sdk::RoleLastUsed) -> Option<RoleLastUsed> {
    let used = RoleLastUsed { last_used_date: it.last_used_date.and_then(time), region: it.region };
    (used != RoleLastUsed::default()).then_some(used)
}

pub(super) fn role_detail(it: sdk::RoleDetail) -> RoleDetail {
    RoleDetail {
        path: path(it.path),
        role_name: it.role_name.unwrap_or_default(),
        role_id: it.role_id,
        arn: it.arn.unwrap_or_default(),
        create_date: it.create_date.and_then(time),
        assume_role_policy_document: it.assume_role_policy_document.map(document),
        description: None,
        max_session_duration: None,
        instance_profile_list: all(it.instance_profile_list, instance_profile),
        role_policy_list: all(it.role_policy_list, inline_policy),
        attached_managed_policies: all(it.attached_managed_policies, attached_policy),
        permissions_boundary: it.permissions_boundary.map(boundary),
        tags: all(it.tags, tag),
        role_last_used: it.role_last_used.and_then(last_used),
    }
}

/// As GetRole and ListRoles give it: without policies and instance profiles.
pub(super) fn role(it: sdk::Role) -> RoleDetail {
    RoleDetail {
        path: it.path,
        role_name: it.role_name,
        role_id: Some(it.role_id),
        arn: it.arn,
        create_date: made(it.create_date),
        assume_role_policy_document: it.assume_role_policy_document.map(document),
        description: it.description.filter(|text| !text.is_empty()),
        max_session_duration: it.max_session_duration,
        permissions_boundary: it.permissions_boundary.map(boundary),
        tags: all(it.tags, tag),
        role_last_used: it.role_last_used.and_then(last_used),
        ..RoleDetail::default()
    }
}

pub(super) fn user_detail(it: sdk::UserDetail) -> UserDetail {
    UserDetail {
        path: path(it.path),
        user_name: it.user_name.unwrap_or_default(),
        user_id: it.user_id,
        arn: it.arn.unwrap_or_default(),
        create_date: it.create_date.and_then(time),
        user_policy_list: all(it.user_policy_list, inline_policy),
        group_list: it.group_list.unwrap_or_default(),
        attached_managed_policies: all(it.attached_managed_policies, attached_policy),
        permissions_boundary: it.permissions_boundary.map(boundary),
        tags: all(it.tags, tag),
    }
}

/// As GetUser and ListUsers give it: without policies and groups.
pub(super) fn user(it: sdk::User) -> UserDetail {
    UserDetail {
        path: it.path,
        user_name: it.user_name,
        user_id: Some(it.user_id),
        arn: it.arn,
        create_date: made(it.create_date),
        permissions_boundary: it.permissions_boundary.map(boundary),
        tags: all(it.tags, tag),
        ..UserDetail::default()
    }
}

pub(super) fn group_detail(it: sdk::GroupDetail) -> GroupDetail {
    GroupDetail {
        path: path(it.path),
        group_name: it.group_name.unwrap_or_default(),
        group_id: it.group_id,
        arn: it.arn.unwrap_or_default(),
        create_date: it.create_date.and_then(time),
        group_policy_list: all(it.group_policy_list, inline_policy),
        attached_managed_policies: all(it.attached_managed_policies, attached_policy),
    }
}

fn version(it: sdk::PolicyVersion) -> PolicyVersion {
    PolicyVersion {
        document: it.document.map(document),
        version_id: it.version_id.unwrap_or_default(),
        is_default_version: it.is_default_version,
        create_date: it.create_date.and_then(time),
    }
}

/// The SDK has a type of its own for each way to ask for a managed policy, with these members in common.
macro_rules! managed_policy {
    ($it:ident, $versions:expr) => {
        ManagedPolicy {
            policy_name: $it.policy_name.unwrap_or_default(),
            policy_id: $it.policy_id,
            arn: $it.arn.unwrap_or_default(),
            path: path($it.path),
            default_version_id: $it.default_version_id,
            attachment_count: $it.attachment_count,
            is_attachable: Some($it.is_attachable),
            create_date: $it.create_date.and_then(time),
            update_date: $it.update_date.and_then(time),
            policy_version_list: $versions,
        }
    };
}

/// A policy by itself, with one version of it.
pub(super) fn policy(it: sdk::Policy, of: Option<sdk::PolicyVersion>) -> ManagedPolicy {
    managed_policy!(it, of.into_iter().map(version).collect())
}

pub(super) fn managed_policy(it: sdk::ManagedPolicyDetail) -> ManagedPolicy {
    managed_policy!(it, all(it.policy_version_list, version))
}

pub(super) fn instance_profile(it: sdk::InstanceProfile) -> InstanceProfile {
    let role = |it: sdk::Role| ProfileRole { path: it.path, role_name: it.role_name, arn: it.arn };
    InstanceProfile {
        path: it.path,
        instance_profile_name: it.instance_profile_name,
        instance_profile_id: Some(it.instance_profile_id),
        arn: it.arn,
        create_date: made(it.create_date),
        roles: it.roles.into_iter().map(role).collect(),
    }
}

pub(super) fn oidc_provider(arn: &str, it: GetOpenIdConnectProviderOutput) -> OpenIdConnectProvider {
    OpenIdConnectProvider {
        arn: arn.to_owned(),
        url: it.url,
        client_id_list: it.client_id_list.unwrap_or_default(),
        thumbprint_list: it.thumbprint_list.unwrap_or_default(),
        create_date: it.create_date.and_then(time),
        tags: all(it.tags, tag),
    }
}

/// One result for each resource.
pub(super) fn simulated(it: sdk::EvaluationResult) -> Vec<Simulated> {
    let of = |decision: &sdk::PolicyEvaluationDecisionType| match decision {
        sdk::PolicyEvaluationDecisionType::Allowed => Decision::Allowed,
        sdk::PolicyEvaluationDecisionType::ExplicitDeny => Decision::Denied,
        _ => Decision::NotAllowed,
    };
    let own = Simulated {
        action: it.eval_action_name.clone(),
        resource: it.eval_resource_name.unwrap_or_else(|| "*".to_owned()),
        decision: of(&it.eval_decision),
        missing_context: it.missing_context_values.unwrap_or_default(),
    };
    let each = it.resource_specific_results.unwrap_or_default();
    if each.is_empty() {
        return vec![own];
    }
    let specific = |it: sdk::ResourceSpecificResult| Simulated {
        action: own.action.clone(),
        resource: it.eval_resource_name,
        decision: of(&it.eval_resource_decision),
        missing_context: it.missing_context_values.unwrap_or_default(),
    };
    each.into_iter().map(specific).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn policy_documents_are_decoded() {
        let encoded = "%7B%22Version%22%3A%222012-10-17%22%2C%22Sid%22%3A%22a%20%2B+b%20%C3%A9%22%7D";
        assert_eq!(document(encoded.to_owned()), json!({ "Version": "2012-10-17", "Sid": "a ++b é" }));
        assert_eq!(document("%7Bnot json".to_owned()), json!("{not json"));
        for odd in ["%", "%4", "100%", "%zz", "%é", "%+1"] {
            assert_eq!(percent_decoded(odd), odd);
        }
    }

    proptest! {
        #[test]
        fn every_text_survives(text in any::<String>()) {
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            prop_assert_eq!(percent_decoded(&encoded), text);
        }

        #[test]
        fn nothing_upsets_it(text in any::<String>()) {
            percent_decoded(&text);
        }
    }

    #[test]
    fn a_role_never_used_has_no_last_use() {
        let never = sdk::RoleDetail::builder().role_name("r").role_last_used(sdk::RoleLastUsed::builder().build());
        let role = role_detail(never.build());
        assert_eq!((role.role_last_used, role.path.as_str()), (None, "/"));
    }
}
