//! The engines over one set of facts: who gets in as whom, what that allows, which AWS role a workload gets.
//!
//! Each is built once, when it is first asked for, and shared by whatever answers from the same facts: an answer that needs
//! several takes an [`Engines`] instead of indexing the facts again. It decides nothing by itself.

use std::cell::OnceCell;

use super::identity::Resolver;
use super::permissions::Permissions;
use super::workload::Workloads;
use crate::model::snapshot::{ClusterFacts, IamFacts};

/// The engines over the facts of one cluster and its account.
pub struct Engines<'a> {
    facts: &'a ClusterFacts,
    iam: &'a IamFacts,
    resolver: OnceCell<Resolver<'a>>,
    permissions: OnceCell<Permissions>,
    workloads: OnceCell<Workloads<'a>>,
}

impl<'a> Engines<'a> {
    /// Over these facts; nothing is built yet.
    pub fn new(facts: &'a ClusterFacts, iam: &'a IamFacts) -> Self {
        let (resolver, permissions, workloads) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Engines { facts, iam, resolver, permissions, workloads }
    }

    /// The same, with permissions that were indexed from these facts already.
    pub fn with_permissions(facts: &'a ClusterFacts, iam: &'a IamFacts, permissions: Permissions) -> Self {
        Engines { permissions: OnceCell::from(permissions), ..Engines::new(facts, iam) }
    }

    /// The facts that they answer from.
    pub fn facts(&self) -> (&'a ClusterFacts, &'a IamFacts) {
        (self.facts, self.iam)
    }

    /// Who gets in as whom.
    pub fn resolver(&self) -> &Resolver<'a> {
        self.resolver.get_or_init(|| Resolver::new(self.facts, self.iam))
    }

    /// What an identity may do.
    pub fn permissions(&self) -> &Permissions {
        self.permissions.get_or_init(|| Permissions::of(self.facts))
    }

    /// Which AWS role a workload gets.
    pub fn workloads(&self) -> &Workloads<'a> {
        self.workloads.get_or_init(|| Workloads::with_resolver(self.resolver()))
    }
}
