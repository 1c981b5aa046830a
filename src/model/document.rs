//! The one document: the snapshot that a user saves, the file opened offline, the world that the lab serves, the
//! start state of a test.
//!
//! Decides how facts are written and read (design: "One document"). Fields carry the names that the AWS CLI and
//! kubectl print; unknown ones are ignored; a wrong type or a missing required field is an error with line and field
//! path. A part that is absent was *not recorded*, which is not the same as empty.
//!
//! How the text becomes values, and which kinds of manifests there are, is [`manifest`]'s and [`read`]'s.

mod manifest;
mod quick_yaml;
mod read;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use manifest::Manifest;
pub use read::{DocumentError, from_json, from_yaml, read, region_of};

use super::cluster::{Addon, Capability, Cluster, ClusterChange, FargateProfile, IdentityProviderConfig, Nodegroup};
use super::discovery::ApiResource;
use super::failure::Failure;
use super::mapping::AccessEntry;
use super::role::{Caller, GroupDetail, InstanceProfile, ManagedPolicy, OpenIdConnectProvider, RoleDetail, UserDetail};
use super::time::Time;
use super::visible::visible_json;
use super::workload::PodIdentityAssociation;

/// The version of the format that this program writes and reads.
pub const FORMAT: u32 = 1;

/// The whole document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Document {
    /// The format's version.
    pub eksplorer: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Caller>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default)]
    pub clusters: Vec<ClusterDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iam: Option<IamDocument>,
    /// What was empty, refused, failed or partial when it was taken, by `REGION/CLUSTER/section` (the region may be left
    /// out), `iam/section` or `account/clusters`; the names are those of [`SectionId`](super::section::SectionId).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sections: BTreeMap<String, SectionNote>,
}

/// One cluster with all that is known of it. `None` is "not recorded".
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct ClusterDocument {
    pub cluster: Cluster,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_entries: Option<Vec<AccessEntry>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_identity_associations: Option<Vec<PodIdentityAssociation>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodegroups: Option<Vec<Nodegroup>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fargate_profiles: Option<Vec<FargateProfile>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addons: Option<Vec<Addon>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_provider_configs: Option<Vec<IdentityProviderConfig>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Vec<Capability>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updates: Option<Vec<ClusterChange>>,
    /// The API server's discovery, in its own order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_resources: Option<Vec<ApiResource>>,
    /// Manifests of all kinds; lists are flattened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<Vec<Manifest>>,
}

/// The account's IAM, as `get-account-authorization-details` prints it, with providers and profiles beside it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct IamDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_detail_list: Option<Vec<RoleDetail>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_detail_list: Option<Vec<UserDetail>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_detail_list: Option<Vec<GroupDetail>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<Vec<ManagedPolicy>>,
    #[serde(default, rename = "OpenIDConnectProviders", skip_serializing_if = "Option::is_none")]
    pub open_id_connect_providers: Option<Vec<OpenIdConnectProvider>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_profiles: Option<Vec<InstanceProfile>>,
}

/// How complete a section was when the document was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct SectionNote {
    pub state: SectionState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingNote>,
}

/// The states that a document can hold; a section that is not noted was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub enum SectionState {
    /// Read, and there is nothing: of manifests, silence about a kind does not say so.
    Empty,
    Partial,
    Stale,
    Refused,
    Failed,
    NotApplicable,
}

/// An item that is there but was not read; without a name, the rest of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct MissingNote {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    pub failure: Failure,
}

/// Writes a document as YAML.
pub fn to_yaml<T: Serialize>(value: &T) -> Result<String, String> {
    // Long texts stay on their line, as the AWS CLI and kubectl leave them; only those of several lines are blocks.
    let options = serde_saphyr::ser_options! {
        compact_list_indent: true,
        prefer_block_scalars: true,
        folded_wrap_chars: 1_000_000,
    };
    serde_saphyr::to_string_with_options(value, options).map_err(|error| error.to_string())
}

/// Writes a document as JSON, indented; a terminal may show it.
pub fn to_json<T: Serialize>(value: &T) -> Result<String, String> {
    serde_json::to_string_pretty(value).map(visible_json).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
