//! Which facts a question rests on, so that no other call is made for it.
//!
//! Decides, per question, the sections that can change its answer; a law holds every set against the answer from all facts.
//! A section that is not read stays unread: were an answer to rest on it after all, it would be unknown, never wrong. How a
//! section is read is decided in [`super::cluster`] and [`super::iam`]. A new question has its set here.

use std::collections::BTreeSet;

use crate::access::workload::agent::{AGENT, AGENT_LABEL};
use crate::cloud::kubernetes::ListFilter;
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
    /// Their names: whose they are. More of some may be read later: [`super::read_listed_entries`].
    Names,
}

/// What is read for a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// The sections.
    pub sections: SectionSet,
    /// Of the access entries, if they are among these.
    pub entries: EntryScope,
    /// The one service account that is asked about, where it is one: of the rest only what could change its answer is read.
    pub account: Option<AccountName>,
    /// Of the service accounts and pods, those of these namespaces; `None` for all.
    pub namespaces: Option<BTreeSet<String>>,
    /// Of the Pod Identity associations, those of these service accounts, by namespace and name; `None` for all.
    pub associations_of: Option<BTreeSet<(String, String)>>,
    /// Of the add-ons, the content of these alone; `None` for all.
    pub addons: Option<Vec<String>>,
}

/// A service account by namespace and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl AccountName {
    /// From both.
    pub fn new(namespace: &str, name: &str) -> Self {
        AccountName { namespace: namespace.to_owned(), name: name.to_owned() }
    }
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

/// In so many namespaces service accounts and pods are listed namespace by namespace.
const MOST_NAMESPACES: usize = 16;

impl Needs {
    /// The lists that a section of Kubernetes is read from; empty for one list of all there is.
    pub(super) fn filters(&self, section: SectionId) -> Vec<ListFilter> {
        if let (Some(namespaces), ServiceAccounts | Pods) = (&self.namespaces, section) {
            return namespaces.iter().map(|it| ListFilter::in_namespace(it)).collect();
        }
        let Some(AccountName { namespace, name }) = &self.account else { return Vec::new() };
        let here = ListFilter::in_namespace(namespace);
        match section {
            ServiceAccounts => vec![here.named(name)],
            // The agent's pods tell on which nodes it runs; its chart labels them so.
            Pods => {
                // A mirror pod names no service account, and counts as the default one's.
                let own = if name == "default" { here } else { here.of_account(name) };
                vec![own, ListFilter::labeled(AGENT_LABEL, AGENT)]
            }
            NetworkPolicies => vec![here],
            _ => Vec::new(),
        }
    }

    /// Everything.
    pub const ALL: Needs = Needs::whole(SectionSet::ALL);

    const fn whole(sections: SectionSet) -> Needs {
        Needs {
            sections,
            entries: EntryScope::All,
            account: None,
            namespaces: None,
            associations_of: None,
            addons: None,
        }
    }

    /// Who may stand behind a name. What the principal found may do is read when it is known.
    pub fn name() -> Needs {
        Needs { entries: EntryScope::Names, ..Needs::whole(MAPPINGS.and(GRANTS)) }
    }

    /// Whom bindings let do something, and the names of access entries. [`super::read_listed_entries`] and
    /// [`Needs::accounts_in`] come after.
    pub fn grants() -> Needs {
        Needs {
            entries: EntryScope::Names,
            ..Needs::whole(MAPPINGS.and(GRANTS).and(SectionSet::of(&[IdentityProviderConfigs])))
        }
    }

    /// The Pod Identity associations of some service accounts, by namespace and name.
    pub fn associations_of(accounts: BTreeSet<(String, String)>) -> Needs {
        Needs { associations_of: Some(accounts), ..Needs::whole(SectionSet::of(&[PodIdentityAssociations])) }
    }

    /// Whom bindings let do something, and nothing of who that is.
    pub fn rbac() -> Needs {
        Needs::whole(GRANTS.and(SectionSet::of(&[Cluster])))
    }

    /// The service accounts and pods of some namespaces; of all for `None`.
    pub fn accounts_in(namespaces: Option<BTreeSet<String>>) -> Needs {
        // So many lists cost no more than the pages of one of all.
        let namespaces = namespaces.filter(|it| it.len() <= MOST_NAMESPACES);
        Needs { namespaces, ..Needs::whole(SectionSet::of(&[Pods, ServiceAccounts])) }
    }

    /// Who is a member of a group or is a user, and what such a subject may do.
    pub fn subject() -> Needs {
        Needs { entries: EntryScope::WithoutPolicies, ..Needs::grants() }
    }

    /// Who may do something.
    pub fn who_can() -> Needs {
        Needs::whole(MAPPINGS.and(GRANTS).and(SectionSet::of(&[IdentityProviderConfigs, Pods, ServiceAccounts])))
    }

    /// Who may do something, and which workloads can assume the roles among them.
    pub fn who_can_and_workloads() -> Needs {
        Needs::whole(Needs::who_can().sections.and(WORKLOADS))
    }

    /// Which role the pods of a service account get. Access entries tell of nodes' roles, the other pods where the Pod Identity
    /// agent runs, and both matter to few: [`Needs::entry_names`], [`Needs::entries`] and [`Needs::every_pod`] come after.
    pub fn workload(account: AccountName) -> Needs {
        let (account, addons) = (Some(account), Some(vec![AGENT.to_owned()]));
        Needs { account, addons, ..Needs::whole(WORKLOADS.without(AccessEntries)) }
    }

    /// All pods.
    pub fn every_pod() -> Needs {
        Needs::whole(SectionSet::of(&[Pods]))
    }

    /// All pods and service accounts: where the one that was asked about is not there.
    pub fn every_account() -> Needs {
        Needs::whole(SectionSet::of(&[Pods, ServiceAccounts]))
    }

    /// Of the add-ons the content of some.
    pub fn addons(names: Vec<String>) -> Needs {
        Needs { addons: Some(names), ..Needs::whole(SectionSet::of(&[Addons])) }
    }

    /// For whom there are access entries.
    pub fn entry_names() -> Needs {
        Needs { entries: EntryScope::Names, ..Needs::entries() }
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

    /// What is left to read of access entries where their types matter, which tell of nodes.
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
                entries: EntryScope::Names,
                ..Needs::whole(MAPPINGS.and(SectionSet::of(&[IamPolicies, InstanceProfiles])))
            },
            // Those of the service accounts in its rows are read when these are known.
            Pane::Irsa => Needs::whole(IRSA.without(PodIdentityAssociations)),
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
