//! What the facts of a cluster tell of how it authenticates.
//!
//! Decides whether the authentication mode is known, and whether the cluster's creator is an administrator whom no list
//! shows. As whom a principal gets in is `access::identity`'s.

use super::{ClusterFacts, State};
use crate::model::cluster::{AuthenticationMode, Cluster, HiddenCreator};

impl ClusterFacts {
    /// Whether nothing tells the authentication mode: the cluster reports none, and its access entries do not show that there
    /// are none to read, as those of mode CONFIG_MAP do.
    pub fn mode_is_unreported(&self) -> bool {
        let inferred = self.cluster.value().is_some_and(Cluster::mode_is_inferred);
        inferred && !matches!(self.access_entries.state(), State::NotApplicable(_))
    }

    /// Whether the cluster's creator is a hidden administrator: in mode CONFIG_MAP, unless the cluster was created without one.
    pub fn hidden_creator(&self) -> HiddenCreator {
        let Some(cluster) = self.cluster.value() else { return HiddenCreator::Unknown };
        match cluster.authentication_mode() {
            // EKS does not authenticate for a connected cluster.
            _ if cluster.connector_config.is_some() || cluster.refuses_creator_admin() => HiddenCreator::Absent,
            _ if self.mode_is_unreported() => HiddenCreator::Unknown,
            AuthenticationMode::ConfigMap => HiddenCreator::Present,
            AuthenticationMode::Api | AuthenticationMode::ApiAndConfigMap => HiddenCreator::Absent,
            AuthenticationMode::Unknown => HiddenCreator::Unknown,
        }
    }
}
