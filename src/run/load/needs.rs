//! Which facts a question rests on, so that no other call is made for it.
//!
//! Decides, per question, the sections that can change its answer; a law holds every set against the answer from all facts.
//! A section that is not read stays unread: were an answer to rest on it after all, it would be unknown, never wrong. How a
//! section is read is decided in [`super::cluster`] and [`super::iam`]. A new question has its set here.

use crate::model::section::SectionId::{
    AccessEntries, Addons, ApiResources, AwsAuth, Capabilities, Cluster, ClusterRoleBindings, ClusterRoles, DaemonSets,
    FargateProfiles, IamPolicies, IamRoles, IamUsers, IdentityProviderConfigs, InstanceProfiles, Namespaces,
    NetworkPolicies, Nodegroups, Nodes, OidcProviders, PodIdentityAssociations, Pods, RoleBindings, Roles,
    ServiceAccounts, Updates,
};
use crate::model::section::{SectionId, SectionSet};
use crate::report::list::Pane;

/// How much of the access entries is read. Each is two calls beside the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryScope {
    /// All of each.
    All,
    /// All but their access policies, which is one call less for each.
    WithoutPolicies,
    /// Their names: whose they are.
    Names,
    /// Their names, and those of principals that aws-auth names.
    OfAwsAuth,
}

/// What is read for a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// The sections.
    pub sections: SectionSet,
    /// Of the access entries, if they are among these.
    pub entries: EntryScope,
    /// Of the Pod Identity associations those of service accounts of this name, in any namespace; else all.
    pub service_account: Option<String>,
}

/// What says as whom a principal gets in.
const MAPPINGS: SectionSet = SectionSet::of(&[Cluster, AccessEntries, AwsAuth, IamRoles, IamUsers]);
/// What says what an identity may do.
const GRANTS: SectionSet =
    SectionSet::of(&[ClusterRoles, Roles, ClusterRoleBindings, RoleBindings, Namespaces, ApiResources]);
/// Which roles nodes have.
const NODE_ROLES: SectionSet =
    SectionSet::of(&[Cluster, AccessEntries, AwsAuth, Nodegroups, FargateProfiles, InstanceProfiles, IamRoles]);
/// Which roles the annotations of service accounts give.
const IRSA: SectionSet =
    SectionSet::of(&[Cluster, IamPolicies, IamRoles, OidcProviders, PodIdentityAssociations, Pods, ServiceAccounts]);
/// Which AWS role pods get.
const WORKLOADS: SectionSet = NODE_ROLES.and(SectionSet::of(&[
    Addons,
    DaemonSets,
    IamPolicies,
    Namespaces,
    NetworkPolicies,
    Nodes,
    OidcProviders,
    PodIdentityAssociations,
    Pods,
    ServiceAccounts,
]));

impl Needs {
    /// Everything.
    pub const ALL: Needs = Needs::whole(SectionSet::ALL);

    const fn whole(sections: SectionSet) -> Needs {
        Needs { sections, entries: EntryScope::All, service_account: None }
    }

    /// Who may stand behind a name. What the principal found may do is read when it is known.
    pub fn name() -> Needs {
        Needs { entries: EntryScope::Names, ..Needs::whole(MAPPINGS.and(GRANTS)) }
    }

    /// Who may do something.
    pub fn who_can() -> Needs {
        Needs::whole(MAPPINGS.and(GRANTS).and(SectionSet::of(&[IdentityProviderConfigs, Pods, ServiceAccounts])))
    }

    /// Who may do something, and which workloads can assume the roles among them.
    pub fn who_can_and_workloads() -> Needs {
        Needs::whole(Needs::who_can().sections.and(WORKLOADS))
    }

    /// Which role the pods of a service account of that name get; without a name, those of all. Entries tell of nodes'
    /// roles, which matter only where a pod has nothing of its own: then [`Needs::entries`] come after.
    pub fn workload(service_account: Option<&str>) -> Needs {
        let service_account = service_account.map(str::to_owned);
        Needs { service_account, entries: EntryScope::Names, ..Needs::whole(WORKLOADS) }
    }

    /// The pods, to find one.
    pub fn pods() -> Needs {
        Needs::whole(SectionSet::of(&[Cluster, Pods]))
    }

    /// The same but for one section, which was read already.
    #[must_use]
    pub fn without(self, section: SectionId) -> Needs {
        Needs { sections: self.sections.without(section), ..self }
    }

    /// What is left to read of access entries where only their names are known: their types tell of nodes.
    pub fn entries() -> Needs {
        Needs { entries: EntryScope::WithoutPolicies, ..Needs::whole(SectionSet::of(&[AccessEntries])) }
    }

    /// The rows of a pane.
    pub fn rows(pane: Pane) -> Needs {
        let bindings = SectionSet::of(&[ClusterRoleBindings, RoleBindings]);
        match pane {
            Pane::Entries => Needs::whole(MAPPINGS.and(NODE_ROLES).and(bindings).and(SectionSet::of(&[
                IamPolicies,
                Namespaces,
                Nodes,
            ]))),
            Pane::AwsAuth => Needs {
                entries: EntryScope::OfAwsAuth,
                ..Needs::whole(MAPPINGS.and(SectionSet::of(&[IamPolicies, InstanceProfiles])))
            },
            Pane::Irsa => Needs::whole(IRSA),
            Pane::PodIdentity => Needs::whole(WORKLOADS),
            Pane::Roles => Needs::whole(WORKLOADS.and(SectionSet::of(&[Capabilities]))),
            Pane::Principals => {
                Needs::whole(WORKLOADS.and(MAPPINGS).and(bindings).and(SectionSet::of(&[Capabilities])))
            }
            Pane::Groups => Needs {
                entries: EntryScope::WithoutPolicies,
                ..Needs::whole(MAPPINGS.and(bindings).and(SectionSet::of(&[IdentityProviderConfigs])))
            },
            // Who may write aws-auth is a matter of roles and bindings.
            Pane::Posture => Needs::whole(WORKLOADS.and(MAPPINGS).and(bindings).and(SectionSet::of(&[
                Capabilities,
                ClusterRoles,
                Roles,
                Updates,
            ]))),
        }
    }
}
