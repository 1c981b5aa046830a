//! The sections of facts: one row each in a table, under the name that documents, reports and notes use.
//!
//! Decides how a section is called and which it is of a cluster's or an account's facts. A new section is a row here, a
//! field in [`ClusterFacts`] or [`IamFacts`], and its call in `run::load`. [`SectionSet`] is what a question rests on.

use super::failure::Failure;
use super::snapshot::{ClusterFacts, IamFacts, Section};

/// Makes the enum, its names and what is done to the field of each from the rows.
macro_rules! sections {
    (cluster { $($cluster:ident $cluster_field:ident $cluster_name:literal $cluster_title:literal;)* }
     iam { $($iam:ident $iam_field:ident $iam_name:literal $iam_title:literal;)* }) => {
        /// A section of a cluster's or an account's facts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "each one's title says what it holds")]
        #[repr(u8)]
        pub enum SectionId {
            $($cluster,)*
            $($iam,)*
        }

        impl SectionId {
            /// Those of a cluster, in the order of a document.
            pub const CLUSTER: &[SectionId] = &[$(SectionId::$cluster,)*];
            /// Those of an account's IAM, in the order of a document.
            pub const IAM: &[SectionId] = &[$(SectionId::$iam,)*];

            /// The name in documents and reports, unique among a cluster's and among an account's: `accessEntries`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(SectionId::$cluster => $cluster_name,)*
                    $(SectionId::$iam => $iam_name,)*
                }
            }

            /// In a sentence: `access entries`.
            pub const fn title(self) -> &'static str {
                match self {
                    $(SectionId::$cluster => $cluster_title,)*
                    $(SectionId::$iam => $iam_title,)*
                }
            }

            /// Makes the facts of this section unread, for that reason.
            pub fn withhold(self, facts: &mut ClusterFacts, iam: &mut IamFacts, failure: Failure) {
                match self {
                    $(SectionId::$cluster => facts.$cluster_field = Section::failed(failure),)*
                    $(SectionId::$iam => iam.$iam_field = Section::failed(failure),)*
                }
            }
        }
    };
}

sections! {
    cluster {
        Cluster cluster "cluster" "the cluster";
        AccessEntries access_entries "accessEntries" "access entries";
        PodIdentityAssociations pod_identity_associations "podIdentityAssociations" "Pod Identity associations";
        Nodegroups nodegroups "nodegroups" "node groups";
        FargateProfiles fargate_profiles "fargateProfiles" "Fargate profiles";
        Addons addons "addons" "add-ons";
        IdentityProviderConfigs identity_provider_configs "identityProviderConfigs" "identity provider configs";
        Capabilities capabilities "capabilities" "capabilities";
        Updates updates "updates" "updates";
        AwsAuth aws_auth "awsAuth" "aws-auth";
        Namespaces namespaces "namespaces" "namespaces";
        ServiceAccounts service_accounts "serviceAccounts" "service accounts";
        Pods pods "pods" "pods";
        Nodes nodes "nodes" "nodes";
        DaemonSets daemon_sets "daemonSets" "DaemonSets of kube-system";
        NetworkPolicies network_policies "networkPolicies" "network policies";
        Roles roles "roles" "Roles";
        ClusterRoles cluster_roles "clusterRoles" "ClusterRoles";
        RoleBindings role_bindings "roleBindings" "RoleBindings";
        ClusterRoleBindings cluster_role_bindings "clusterRoleBindings" "ClusterRoleBindings";
        ApiResources api_resources "apiResources" "API resources";
    }
    iam {
        IamRoles roles "roles" "IAM roles";
        IamUsers users "users" "IAM users";
        IamGroups groups "groups" "IAM groups";
        IamPolicies policies "policies" "IAM policies";
        OidcProviders oidc_providers "oidcProviders" "OIDC providers";
        InstanceProfiles instance_profiles "instanceProfiles" "instance profiles";
    }
}

/// Some sections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SectionSet(u32);

impl SectionSet {
    /// No section.
    pub const NONE: SectionSet = SectionSet(0);
    /// Every section.
    pub const ALL: SectionSet = SectionSet::of(SectionId::CLUSTER).and(SectionSet::of(SectionId::IAM));

    /// These.
    pub const fn of(ids: &[SectionId]) -> SectionSet {
        let (mut bits, mut at) = (0, 0);
        while at < ids.len() {
            bits |= 1 << ids[at] as u8;
            at += 1;
        }
        SectionSet(bits)
    }

    /// Those of both.
    #[must_use]
    pub const fn and(self, other: SectionSet) -> SectionSet {
        SectionSet(self.0 | other.0)
    }

    /// The same without this one.
    #[must_use]
    pub const fn without(self, id: SectionId) -> SectionSet {
        SectionSet(self.0 & !(1 << id as u8))
    }

    /// Whether it holds this one.
    pub const fn has(self, id: SectionId) -> bool {
        self.0 & (1 << id as u8) != 0
    }

    /// All that it holds, in order.
    pub fn iter(self) -> impl Iterator<Item = SectionId> {
        SectionId::CLUSTER.iter().chain(SectionId::IAM).copied().filter(move |id| self.has(*id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_it_was_made_of() {
        assert_eq!(SectionSet::ALL.iter().count(), SectionId::CLUSTER.len() + SectionId::IAM.len());
        let set = SectionSet::of(&[SectionId::Pods, SectionId::InstanceProfiles]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [SectionId::Pods, SectionId::InstanceProfiles]);
        assert_eq!(SectionSet::NONE.and(set), set);
    }
}
