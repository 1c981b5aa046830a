//! What an API server says that it serves: its discovery document, resource by resource.
//!
//! The order of a list of resources is the server's own: API groups by priority, within a group the preferred version
//! first. kubectl decides by that order which resource a short name stands for, so nothing here sorts. How a typed name is
//! resolved is `access::resources`'s; how discovery is asked for, `cloud`'s.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A resource in one version of its API group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiResource {
    /// The API group; empty is the core group.
    #[serde(default)]
    pub group: String,
    /// The version of the group: `v1`, `v1beta1`. Empty in this program's own table, which has one row for all versions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// `deployments`
    pub plural: String,
    /// `deployment`; some servers leave it empty.
    #[serde(default)]
    pub singular: String,
    /// `deploy`
    #[serde(default)]
    pub short_names: Vec<String>,
    /// `Deployment`
    pub kind: String,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
    /// The verbs that are served.
    #[serde(default)]
    pub verbs: Vec<String>,
    /// By name, `scale`, the verbs that are served.
    #[serde(default)]
    pub subresources: BTreeMap<String, Vec<String>>,
    /// `all`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
}

impl ApiResource {
    /// `apps/v1`; `v1` in the core group.
    pub fn group_version(&self) -> String {
        join_group_version(&self.group, &self.version)
    }
}

/// `apps/v1`; `v1` in the core group.
pub fn join_group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}
