//! Worlds made by number: always the same for the same seed and sizes, for tests, benches and looking at size itself.
//!
//! Decides how much of everything there is ([`Sizes`]) and puts the parts together; what each part looks like is a file
//! below: `account` (IAM), `mappings` (access entries, aws-auth), `rbac` and `builtin` (roles and bindings), `workloads`
//! (service accounts, pods, nodes, Pod Identity). Names come from `names`, chance from `dice`. Nothing here knows a
//! clock or real randomness. A new size is a field of [`Sizes`], a flag of `eksplorer lab generate` and the part that
//! makes so many.

use std::collections::BTreeMap;

use crate::model::cluster::{AccessConfig, Addon, AuthenticationMode, Cluster, ClusterIdentity, Nodegroup, Oidc};
use crate::model::document::{ClusterDocument, Document, FORMAT, IamDocument, Manifest, SectionNote, SectionState};
use crate::model::rbac::{Metadata, Namespace, Phase};
use crate::model::role::{Caller, RoleDetail};
use crate::model::time::Time;

mod account;
mod builtin;
mod dice;
mod mappings;
mod names;
mod rbac;
mod workloads;

const ACCOUNT: &str = "111122223333";
/// A partner's, whose roles this account cannot read.
const PARTNER: &str = "222233334444";
const REGION: &str = "eu-west-1";
/// The name of the one cluster of a generated world.
pub const CLUSTER: &str = "generated";
/// Its OIDC issuer, without the scheme; and one of a cluster that is gone.
const ISSUER: &str = "oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF";
const OLD_ISSUER: &str = "oidc.eks.eu-west-1.amazonaws.com/id/FEDCBA9876543210FEDCBA9876543210";
/// The hour of a generated world's year in which it was taken; whatever is in it was made before.
const TAKEN: usize = 7_854;

/// How many of each kind a generated world holds. Where others need more of a kind, there are more: see
/// [`Sizes::fitted`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Access entries. The first is the caller's, who is an administrator.
    pub entries: usize,
    /// Rows of the aws-auth ConfigMap (mapRoles and mapUsers); without any, there is no such ConfigMap.
    pub aws_auth_rows: usize,
    /// IAM roles, of people and machines, workloads, nodes and the cluster.
    pub roles: usize,
    /// IAM users.
    pub users: usize,
    /// RoleBindings.
    pub role_bindings: usize,
    /// ClusterRoleBindings, those that every cluster has first.
    pub cluster_role_bindings: usize,
    /// Kubernetes Roles.
    pub k8s_roles: usize,
    /// ClusterRoles, those that every cluster has first.
    pub cluster_roles: usize,
    /// Namespaces: `kube-system`, `default`, then those of teams.
    pub namespaces: usize,
    /// Service accounts, those with a role included.
    pub service_accounts: usize,
    /// Pods.
    pub pods: usize,
    /// Nodes, all of one node group.
    pub nodes: usize,
    /// Pod Identity associations.
    pub associations: usize,
    /// Service accounts with the annotation of IRSA.
    pub irsa: usize,
}

impl Default for Sizes {
    /// A world that can be read from beginning to end.
    fn default() -> Self {
        Sizes {
            entries: 16,
            aws_auth_rows: 8,
            roles: 30,
            users: 6,
            role_bindings: 20,
            cluster_role_bindings: 24,
            k8s_roles: 12,
            cluster_roles: 40,
            namespaces: 8,
            service_accounts: 24,
            pods: 30,
            nodes: 3,
            associations: 4,
            irsa: 6,
        }
    }
}

impl Sizes {
    /// A cluster with nothing in it.
    pub const NONE: Sizes = Sizes {
        entries: 0,
        aws_auth_rows: 0,
        roles: 0,
        users: 0,
        role_bindings: 0,
        cluster_role_bindings: 0,
        k8s_roles: 0,
        cluster_roles: 0,
        namespaces: 0,
        service_accounts: 0,
        pods: 0,
        nodes: 0,
        associations: 0,
        irsa: 0,
    };

    /// The sizes that a world of these has: what is annotated is a service account, a pod runs as one, what lives in a
    /// namespace has one, and workloads, nodes, the cluster and the caller have IAM roles.
    #[must_use]
    pub fn fitted(self) -> Sizes {
        let service_accounts = self.service_accounts.max(self.irsa).max(self.pods.min(1));
        let namespaced =
            self.aws_auth_rows + self.role_bindings + self.k8s_roles + service_accounts + self.associations;
        let needed =
            2 + self.nodes.min(1) + account::workload_roles(self.irsa) + account::workload_roles(self.associations);
        Sizes {
            service_accounts,
            namespaces: self.namespaces.max(namespaced.min(1)),
            roles: self.roles.max(needed),
            ..self
        }
    }
}

/// The world of a seed. Its one cluster is [`CLUSTER`]; every section of it is known.
///
/// It is as a cluster comes to be: most of it fits together, and some of it does not. Entries of roles that are gone
/// or were made again, rows that an entry shadows, groups that nobody has, bindings to roles that are not there, trust
/// policies that name another issuer, pods older than their association.
pub fn world(sizes: &Sizes, seed: u64) -> Document {
    let sizes = sizes.fitted();
    let land = Land::new(sizes, seed);
    let mut workloads = workloads::workloads(&land);
    let account = account::account(&land, &mut workloads);
    let mappings = mappings::mappings(&land, &account);

    let mut manifests: Vec<Manifest> = mappings.aws_auth.map(Manifest::ConfigMap).into_iter().collect();
    manifests.extend(land.namespaces.iter().map(|space| Manifest::Namespace(namespace(&space.name))));
    manifests.extend(workloads.service_accounts().map(Manifest::ServiceAccount));
    manifests.extend(workloads::pods(&land, &workloads).map(Manifest::Pod));
    manifests.extend(workloads::nodes(&land).map(Manifest::Node));
    manifests.extend(workloads::daemon_sets(&sizes).map(Manifest::DaemonSet));
    manifests.extend(rbac::rbac(&land, &workloads, &mappings.given));

    let caller = account.roles.first().map(caller);
    Document {
        eksplorer: FORMAT,
        taken_at: moment(TAKEN),
        caller,
        region: Some(REGION.to_owned()),
        clusters: vec![ClusterDocument {
            cluster: cluster(),
            access_entries: Some(mappings.entries),
            pod_identity_associations: Some(workloads.associations()),
            nodegroups: Some(nodegroups(&sizes)),
            fargate_profiles: Some(Vec::new()),
            addons: Some(addons(&sizes)),
            identity_provider_configs: Some(Vec::new()),
            capabilities: Some(Vec::new()),
            api_resources: None,
            updates: Some(Vec::new()),
            kubernetes: Some(manifests),
        }],
        iam: Some(IamDocument {
            role_detail_list: Some(account.roles),
            user_detail_list: Some(account.users),
            group_detail_list: Some(Vec::new()),
            policies: Some(Vec::new()),
            open_id_connect_providers: Some(account::providers()),
            instance_profiles: Some(account.profiles),
        }),
        sections: empty_sections(&sizes),
    }
}

/// A world of one cluster with `n` access entries, a role behind nearly each, and the little that goes with them.
pub fn entries(n: usize) -> Document {
    let sizes = Sizes {
        entries: n,
        roles: n + n / 4 + 8,
        cluster_roles: 24,
        cluster_role_bindings: 24,
        namespaces: 42,
        ..Sizes::NONE
    };
    world(&sizes, 0)
}

/// What all parts of a world stand on.
struct Land {
    sizes: Sizes,
    seed: u64,
    namespaces: Vec<Space>,
    /// How many teams share it.
    teams: usize,
}

/// A namespace.
struct Space {
    name: String,
    team: Option<&'static str>,
}

impl Land {
    fn new(sizes: Sizes, seed: u64) -> Land {
        let space = |number| {
            let (name, team) = names::namespace(number);
            Space { name, team }
        };
        Land {
            sizes,
            seed,
            namespaces: (0..sizes.namespaces).map(space).collect(),
            teams: names::teams(sizes.namespaces),
        }
    }

    fn dice(&self, part: &str) -> dice::Dice {
        dice::Dice::new(self.seed, part)
    }

    /// The namespace of what has this number: they take turns.
    fn turn(&self, number: usize) -> usize {
        number % self.namespaces.len().max(1)
    }

    fn space(&self, number: usize) -> &str {
        self.namespaces.get(number).map(|it| it.name.as_str()).unwrap_or_default()
    }

    /// The team whose namespace it is; those of the cluster itself are everybody's.
    fn team(&self, space: usize, dice: &mut dice::Dice) -> &'static str {
        let own = self.namespaces.get(space).and_then(|it| it.team);
        own.unwrap_or_else(|| names::team(dice.below(self.teams)))
    }
}

/// A moment so many hours into 2026.
fn moment(hours: usize) -> Option<Time> {
    const START: f64 = 1_767_225_600.0;
    Time::from_epoch(START + hours as f64 * 3600.0)
}

fn metadata(name: impl Into<String>, namespace: Option<&str>, made: usize) -> Metadata {
    Metadata {
        name: name.into(),
        namespace: namespace.map(str::to_owned),
        creation_timestamp: moment(made),
        ..Metadata::default()
    }
}

fn namespace(name: &str) -> Namespace {
    let labels = BTreeMap::from([("kubernetes.io/metadata.name".to_owned(), name.to_owned())]);
    Namespace {
        metadata: Metadata { labels, ..metadata(name, None, 0) },
        status: Some(Phase { phase: Some("Active".to_owned()) }),
    }
}

fn caller(role: &RoleDetail) -> Caller {
    Caller {
        account: ACCOUNT.to_owned(),
        arn: format!("arn:aws:sts::{ACCOUNT}:assumed-role/{}/generator", role.role_name),
        user_id: format!("{}:generator", role.role_id.as_deref().unwrap_or_default()),
    }
}

fn cluster() -> Cluster {
    Cluster {
        name: CLUSTER.to_owned(),
        arn: Some(format!("arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{CLUSTER}")),
        created_at: moment(0),
        version: Some("1.34".to_owned()),
        platform_version: Some("eks.14".to_owned()),
        status: Some("ACTIVE".to_owned()),
        role_arn: Some(account::arn(account::EKS_PATH, account::CLUSTER_ROLE)),
        identity: Some(ClusterIdentity { oidc: Some(Oidc { issuer: Some(format!("https://{ISSUER}")) }) }),
        access_config: Some(AccessConfig {
            authentication_mode: Some(AuthenticationMode::ApiAndConfigMap),
            bootstrap_cluster_creator_admin_permissions: Some(false),
        }),
        ..Cluster::default()
    }
}

fn nodegroups(sizes: &Sizes) -> Vec<Nodegroup> {
    let group = || Nodegroup {
        nodegroup_name: workloads::NODEGROUP.to_owned(),
        nodegroup_arn: Some(format!(
            "arn:aws:eks:{REGION}:{ACCOUNT}:nodegroup/{CLUSTER}/{}/{}",
            workloads::NODEGROUP,
            super::keys::uuid(workloads::NODEGROUP)
        )),
        cluster_name: Some(CLUSTER.to_owned()),
        version: Some("1.34".to_owned()),
        created_at: moment(1),
        status: Some("ACTIVE".to_owned()),
        capacity_type: Some("ON_DEMAND".to_owned()),
        instance_types: vec!["m7i.2xlarge".to_owned()],
        ami_type: Some("AL2023_x86_64_STANDARD".to_owned()),
        node_role: Some(account::arn(account::EKS_PATH, account::NODE_ROLE)),
        ..Nodegroup::default()
    };
    if sizes.nodes > 0 { vec![group()] } else { Vec::new() }
}

fn addons(sizes: &Sizes) -> Vec<Addon> {
    let addon = |name: &str, version: &str| Addon {
        addon_name: name.to_owned(),
        cluster_name: Some(CLUSTER.to_owned()),
        status: Some("ACTIVE".to_owned()),
        addon_version: Some(version.to_owned()),
        addon_arn: Some(format!("arn:aws:eks:{REGION}:{ACCOUNT}:addon/{CLUSTER}/{name}/{}", super::keys::uuid(name))),
        created_at: moment(1),
        modified_at: moment(1),
        ..Addon::default()
    };
    let mut addons = Vec::new();
    if sizes.nodes > 0 {
        addons.push(addon("coredns", "v1.12.4-eksbuild.1"));
        addons.push(addon("kube-proxy", "v1.34.1-eksbuild.1"));
        addons.push(addon("vpc-cni", "v1.20.4-eksbuild.1"));
    }
    if sizes.associations > 0 {
        addons.push(addon("eks-pod-identity-agent", "v1.3.9-eksbuild.1"));
    }
    addons
}

/// Of manifests, silence does not say that there are none.
fn empty_sections(sizes: &Sizes) -> BTreeMap<String, SectionNote> {
    let counts = [
        ("awsAuth", sizes.aws_auth_rows),
        ("namespaces", sizes.namespaces),
        ("serviceAccounts", sizes.service_accounts),
        ("pods", sizes.pods),
        ("nodes", sizes.nodes),
        ("networkPolicies", 0),
        ("daemonSets", workloads::daemon_sets(sizes).count()),
        ("roles", sizes.k8s_roles),
        ("clusterRoles", sizes.cluster_roles),
        ("roleBindings", sizes.role_bindings),
        ("clusterRoleBindings", sizes.cluster_role_bindings),
    ];
    let note = || SectionNote { state: SectionState::Empty, failure: None, because: None, missing: Vec::new() };
    let empty = counts.into_iter().filter(|(_, count)| *count == 0);
    empty.map(|(name, _)| (format!("{REGION}/{CLUSTER}/{name}"), note())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_need_is_there() {
        assert_eq!(Sizes::default().fitted(), Sizes::default());
        assert_eq!(Sizes::NONE.fitted(), Sizes { roles: 2, ..Sizes::NONE });
        let pods = Sizes { pods: 5, nodes: 1, ..Sizes::NONE };
        assert_eq!(pods.fitted(), Sizes { service_accounts: 1, namespaces: 1, roles: 3, ..pods });
        let irsa = Sizes { irsa: 17, service_accounts: 3, ..Sizes::NONE };
        assert_eq!(irsa.fitted(), Sizes { service_accounts: 17, namespaces: 1, roles: 18, ..irsa });
    }

    #[test]
    fn as_many_entries_as_asked_for_each_of_another_principal() {
        for n in [0, 1, 250] {
            let mut world = entries(n);
            assert_eq!(world, entries(n));
            let entries = world.clusters.remove(0).access_entries.unwrap();
            let arns: std::collections::BTreeSet<_> = entries.iter().map(|it| &it.principal_arn).collect();
            assert_eq!((entries.len(), arns.len()), (n, n));
        }
    }
}
