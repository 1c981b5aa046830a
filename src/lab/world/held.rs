//! One cluster of the world, and what a write makes of it.
//!
//! Decides which facts are derived again: after a write to EKS those that EKS holds, after a write to Kubernetes all of them. Which
//! writes are allowed, their own callers decide.

use std::sync::{Arc, OnceLock};

use super::Base;
use super::history::{History, is_same_object, metadata_mut};
use crate::access::permissions::Permissions;
use crate::model::cluster::{Cluster, ClusterId};
use crate::model::document::{ClusterDocument, Document, Manifest};
use crate::model::facts::snapshot_of;
use crate::model::snapshot::{ClusterFacts, Source};

/// A cluster at one moment, in two parts: what is changed through EKS is small, and copied by each write; the manifests
/// are many, and shared.
#[derive(Debug)]
pub(super) struct Held {
    /// Without manifests.
    pub(super) of_eks: ClusterDocument,
    /// The cluster's name and version with its manifests and its discovery, and nothing else.
    pub(super) of_kubernetes: Arc<ClusterDocument>,
    /// What was written to the manifests.
    pub(super) history: Arc<History>,
    pub(super) facts: Arc<ClusterFacts>,
    /// Who may do what by RBAC, once asked; no write of EKS changes it.
    pub(super) permissions: Arc<OnceLock<Permissions>>,
}

impl Held {
    pub(super) fn new(mut document: ClusterDocument, facts: Arc<ClusterFacts>) -> Held {
        let of_kubernetes = ClusterDocument {
            cluster: Cluster {
                name: document.cluster.name.clone(),
                version: document.cluster.version.clone(),
                ..Cluster::default()
            },
            api_resources: document.api_resources.take(),
            kubernetes: document.kubernetes.take(),
            ..ClusterDocument::default()
        };
        let history = History::new(of_kubernetes.kubernetes.as_deref().unwrap_or_default());
        Held {
            of_eks: document,
            of_kubernetes: Arc::new(of_kubernetes),
            history: Arc::new(history),
            facts,
            permissions: Arc::default(),
        }
    }

    /// Derives the facts from the manifests again; what the world could not read stays unread.
    pub(super) fn rewritten(
        &self,
        base: &Base,
        id: &ClusterId,
        changes: Vec<(Option<Manifest>, Option<Manifest>)>,
    ) -> Held {
        let mut history = History::clone(&self.history);
        let mut manifests = self.of_kubernetes.kubernetes.clone().unwrap_or_default();
        for (before, mut after) in changes {
            let version = Some((history.version() + 1).to_string());
            if let Some(metadata) = after.as_mut().and_then(metadata_mut) {
                metadata.resource_version = version;
            }
            let at = before.as_ref().and_then(|before| manifests.iter().position(|it| is_same_object(it, before)));
            match (at.and_then(|at| Some((at, manifests.get_mut(at)?))), &after) {
                (Some((_, held)), Some(after)) => *held = after.clone(),
                (Some((at, _)), None) => drop(manifests.remove(at)),
                (None, Some(after)) => manifests.push(after.clone()),
                (None, None) => {}
            }
            history.push(before, after);
        }
        let of_kubernetes = ClusterDocument {
            cluster: self.of_kubernetes.cluster.clone(),
            api_resources: self.of_kubernetes.api_resources.clone(),
            kubernetes: Some(manifests),
            ..ClusterDocument::default()
        };
        let ClusterDocument { api_resources, kubernetes, .. } = of_kubernetes.clone();
        let document = Document {
            eksplorer: base.head.eksplorer,
            taken_at: base.head.taken_at,
            region: base.head.region.clone(),
            clusters: vec![ClusterDocument { api_resources, kubernetes, ..self.of_eks.clone() }],
            sections: base.head.sections.clone(),
            ..Document::default()
        };
        let facts = snapshot_of(&document, Source::Lab).facts.remove(id).unwrap_or_default();
        Held {
            of_eks: self.of_eks.clone(),
            of_kubernetes: Arc::new(of_kubernetes),
            history: Arc::new(history),
            facts,
            permissions: Arc::default(),
        }
    }

    /// Sections that were read in part stay so: what a write does not touch is no better known than before.
    pub(super) fn changed(&self, of_eks: ClusterDocument) -> Held {
        let mut facts = ClusterFacts::clone(&self.facts);
        facts.access_entries = facts.access_entries.map(|_| of_eks.access_entries.clone().unwrap_or_default());
        facts.pod_identity_associations =
            facts.pod_identity_associations.map(|_| of_eks.pod_identity_associations.clone().unwrap_or_default());
        Held {
            of_eks,
            of_kubernetes: self.of_kubernetes.clone(),
            history: self.history.clone(),
            facts: Arc::new(facts),
            permissions: self.permissions.clone(),
        }
    }
}
