//! What runs in a generated world: service accounts, pods, nodes, Pod Identity associations.
//!
//! Decides who has a role by IRSA or Pod Identity, and what the webhook put into each pod when it was made. Which roles
//! those are and whom they trust is `account`'s. A new variable of the environment goes into [`environment`].

use std::collections::BTreeMap;

use super::dice::Dice;
use super::{ACCOUNT, CLUSTER, Land, REGION, Sizes, TAKEN, metadata, moment, names};
use crate::model::rbac::{Metadata, OwnerReference};
use crate::model::workload::{
    Container, DEFAULT_AUDIENCE, DaemonSet, DaemonSetStatus, EnvVar, IRSA_VOLUME, Node, NodeSpec, Pod,
    PodIdentityAssociation, PodSpec, PodStatus, Projected, ProjectedToken, ROLE_ARN_ANNOTATION, SYSTEM, ServiceAccount,
    TokenSource, Volume,
};

/// The one node group.
pub(super) const NODEGROUP: &str = "general";
/// The letters that Kubernetes makes names of.
const LETTERS: &str = "bcdfghjklmnpqrstvwxz2456789";

/// A service account.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) space: usize,
    pub(super) name: String,
    /// By its annotation.
    pub(super) role: Option<String>,
    annotated: bool,
    /// The hour in which its association was made.
    associated: Option<usize>,
}

/// Who runs, and with which role.
pub(super) struct Workloads {
    pub(super) accounts: Vec<Account>,
    /// By namespace, positions in `accounts`.
    pub(super) by_space: Vec<Vec<usize>>,
    pub(super) associations: Vec<PodIdentityAssociation>,
    spaces: Vec<String>,
}

impl Workloads {
    /// Those with an annotation.
    pub(super) fn annotated(&mut self) -> impl Iterator<Item = &mut Account> {
        self.accounts.iter_mut().filter(|it| it.annotated)
    }

    /// As manifests.
    pub(super) fn service_accounts(&self) -> impl Iterator<Item = ServiceAccount> {
        self.accounts.iter().enumerate().map(|(number, it)| {
            let space = self.spaces.get(it.space).map(String::as_str);
            let annotations = it.role.iter().map(|role| (ROLE_ARN_ANNOTATION.to_owned(), role.clone())).collect();
            ServiceAccount {
                metadata: Metadata { annotations, ..metadata(it.name.as_str(), space, number % 100) },
                ..ServiceAccount::default()
            }
        })
    }

    /// As EKS describes them.
    pub(super) fn associations(self) -> Vec<PodIdentityAssociation> {
        self.associations
    }
}

/// The service accounts of a world and their associations, still without roles.
pub(super) fn workloads(land: &Land) -> Workloads {
    let sizes = &land.sizes;
    let mut by_space = vec![Vec::new(); land.namespaces.len()];
    let mut accounts: Vec<Account> = Vec::with_capacity(sizes.service_accounts);
    for number in 0..sizes.service_accounts {
        let space = land.turn(number);
        if let Some(own) = by_space.get_mut(space) {
            own.push(number);
        }
        accounts.push(Account {
            space,
            name: names::service_account(space == 0, number / land.namespaces.len().max(1)),
            role: None,
            // The last ones: the first of each namespace is `default`, which has none.
            annotated: number >= sizes.service_accounts - sizes.irsa,
            associated: None,
        });
    }
    let associations = associations(land, &mut accounts);
    let spaces = land.namespaces.iter().map(|it| it.name.clone()).collect();
    Workloads { accounts, by_space, associations, spaces }
}

fn associations(land: &Land, accounts: &mut [Account]) -> Vec<PodIdentityAssociation> {
    let mut dice = land.dice("associations");
    let order = dice.order(accounts.len());
    let of = |annotated: bool| {
        let fit = |it: &Account| it.name != "default" && it.annotated == annotated;
        let fit: Vec<usize> = order.iter().copied().filter(|at| accounts.get(*at).is_some_and(fit)).collect();
        fit.into_iter()
    };
    // Few have both mechanisms.
    let (mut plain, mut both) = (of(false), of(true));
    (0..land.sizes.associations)
        .map(|number| {
            let made = 200 + dice.below(TAKEN - 1_000);
            let (first, second) = if dice.percent(15) { (&mut both, &mut plain) } else { (&mut plain, &mut both) };
            let at = first.next().or_else(|| second.next());
            let (space, name) = match at.and_then(|at| accounts.get_mut(at)) {
                Some(account) => {
                    account.associated = Some(made);
                    (account.space, account.name.clone())
                }
                // EKS takes any name, whether or not it is there.
                None => (land.turn(number), format!("retired-{number}")),
            };
            let association_id = format!("a-{}", dice.letters("abcdefghijklmnopqrstuvwxyz0123456789", 17));
            PodIdentityAssociation {
                cluster_name: Some(CLUSTER.to_owned()),
                namespace: land.space(space).to_owned(),
                service_account: name,
                association_arn: Some(format!(
                    "arn:aws:eks:{REGION}:{ACCOUNT}:podidentityassociation/{CLUSTER}/{association_id}"
                )),
                association_id,
                created_at: moment(made),
                modified_at: moment(made),
                disable_session_tags: Some(false),
                ..PodIdentityAssociation::default()
            }
        })
        .collect()
}

/// The pods of a world.
pub(super) fn pods(land: &Land, workloads: &Workloads) -> impl Iterator<Item = Pod> {
    let mut dice = land.dice("pods");
    (0..land.sizes.pods).filter_map(move |number| {
        let space = land.turn(number);
        let own = workloads.by_space.get(space).map(Vec::as_slice).unwrap_or_default();
        // Where a namespace has none, the pod runs elsewhere.
        let at = dice.pick(own).copied().unwrap_or_else(|| dice.below(workloads.accounts.len()));
        let account = workloads.accounts.get(at)?;
        Some(pod(land, account, number, &mut dice))
    })
}

fn pod(land: &Land, account: &Account, number: usize, dice: &mut Dice) -> Pod {
    let made = 100 + dice.below(TAKEN - 200);
    let program = if account.name == "default" { "shell" } else { account.name.as_str() };
    let set = format!("{program}-{}", dice.letters(LETTERS, 9));
    let on_host = account.space == 0 && matches!(program, "aws-node" | "kube-proxy" | "eks-pod-identity-agent");
    let image = format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{program}:1.{}", dice.below(40));
    let mut containers = vec![Container {
        name: program.to_owned(),
        image: Some(image),
        env: environment(account, made, dice),
        ..Container::default()
    }];
    if dice.percent(15) {
        let env = identity(account, made);
        containers.push(Container {
            name: "sidecar".to_owned(),
            image: Some("envoyproxy/envoy:v1.36".to_owned()),
            env,
            ..Container::default()
        });
    }
    let owner = OwnerReference {
        api_version: Some("apps/v1".to_owned()),
        kind: "ReplicaSet".to_owned(),
        name: set.clone(),
        controller: Some(true),
        ..OwnerReference::default()
    };
    let node = number.checked_rem(land.sizes.nodes).map(node_name);
    let phase = if node.is_some() { "Running" } else { "Pending" };
    Pod {
        metadata: Metadata {
            labels: BTreeMap::from([("app.kubernetes.io/name".to_owned(), program.to_owned())]),
            owner_references: vec![owner],
            ..metadata(format!("{set}-{}", suffix(number)), Some(land.space(account.space)), made)
        },
        spec: PodSpec {
            service_account_name: Some(account.name.clone()),
            node_name: node,
            host_network: on_host.then_some(true),
            volumes: has_token(&containers).then(|| vec![token_volume()]),
            containers,
            ..PodSpec::default()
        },
        status: Some(PodStatus { phase: Some(phase.to_owned()), ..PodStatus::default() }),
    }
}

/// The end of a pod's name, for each number another.
fn suffix(number: usize) -> String {
    let letters: Vec<char> = LETTERS.chars().collect();
    let base = letters.len();
    // The step shares no factor with 27^5, so no two numbers below that meet.
    let mixed = number.wrapping_mul(5_555_111) % base.pow(5);
    let digit = |place: u32| letters.get(mixed / base.pow(place) % base).copied();
    (0..5).filter_map(digit).collect()
}

fn environment(account: &Account, made: usize, dice: &mut Dice) -> Vec<EnvVar> {
    const OWN: [&str; 6] = ["LOG_LEVEL", "PORT", "DATABASE_URL", "REDIS_HOST", "API_TOKEN", "FEATURE_FLAGS"];
    let own = dice.below(3);
    let start = dice.below(OWN.len());
    let plain = (0..own).filter_map(|n| OWN.get((start + n) % OWN.len()));
    let mut all: Vec<EnvVar> = plain.map(|name| EnvVar { name: (*name).to_owned(), ..EnvVar::default() }).collect();
    all.extend(identity(account, made));
    all
}

/// What the webhook puts in: for Pod Identity if there is an association by then, else for the annotation, if there is
/// one by then.
fn identity(account: &Account, made: usize) -> Vec<EnvVar> {
    let values: Vec<(&str, &str)> = if account.associated.is_some_and(|since| since <= made) {
        vec![
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"),
            (
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token",
            ),
        ]
    } else if let Some(role) = account.role.as_deref().filter(|_| made >= ANNOTATED) {
        vec![
            ("AWS_ROLE_ARN", role),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"),
        ]
    } else {
        return Vec::new();
    };
    let region = [("AWS_STS_REGIONAL_ENDPOINTS", "regional"), ("AWS_DEFAULT_REGION", REGION), ("AWS_REGION", REGION)];
    let set = |(name, value): (&str, &str)| EnvVar {
        name: name.to_owned(),
        value: Some(value.to_owned()),
        ..EnvVar::default()
    };
    region.into_iter().chain(values).map(set).collect()
}

fn has_token(containers: &[Container]) -> bool {
    containers.iter().flat_map(|it| &it.env).any(|it| it.name == "AWS_WEB_IDENTITY_TOKEN_FILE")
}

/// Where the token of IRSA comes from.
fn token_volume() -> Volume {
    let token = ProjectedToken { audience: Some(DEFAULT_AUDIENCE.to_owned()), path: Some("token".to_owned()) };
    let sources = vec![TokenSource { service_account_token: Some(token) }];
    Volume { name: IRSA_VOLUME.to_owned(), projected: Projected { sources } }
}

/// The hour in which service accounts were annotated; pods made before know nothing of it.
const ANNOTATED: usize = 400;

fn node_name(number: usize) -> String {
    let (a, b, c) = (number / 62_500 % 250, number / 250 % 250, number % 250);
    format!("ip-10-{a}-{b}-{c}.{REGION}.compute.internal")
}

/// The nodes of a world.
pub(super) fn nodes(land: &Land) -> impl Iterator<Item = Node> {
    let mut dice = land.dice("nodes");
    (0..land.sizes.nodes).map(move |number| {
        let name = node_name(number);
        let zone = format!("{REGION}{}", dice.letters("abc", 1));
        let instance = dice.letters("0123456789abcdef", 17);
        let labels = [
            ("eks.amazonaws.com/nodegroup", NODEGROUP),
            ("kubernetes.io/arch", "amd64"),
            ("kubernetes.io/hostname", name.as_str()),
            ("kubernetes.io/os", "linux"),
            ("node.kubernetes.io/instance-type", "m7i.2xlarge"),
            ("topology.kubernetes.io/zone", zone.as_str()),
        ];
        let labels = labels.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Node {
            metadata: Metadata { labels, ..metadata(name.as_str(), None, 1 + dice.below(TAKEN - 100)) },
            spec: NodeSpec { provider_id: Some(format!("aws:///{zone}/i-{instance}")) },
        }
    })
}

/// What runs on every node to bring it a network and its pods an identity.
pub(super) fn daemon_sets(sizes: &Sizes) -> impl Iterator<Item = DaemonSet> {
    let nodes = u32::try_from(sizes.nodes).unwrap_or(u32::MAX);
    let names = [
        ("aws-node", nodes > 0),
        ("kube-proxy", nodes > 0),
        ("eks-pod-identity-agent", nodes > 0 && sizes.associations > 0),
    ];
    names.into_iter().filter(|(_, there)| *there).map(move |(name, _)| DaemonSet {
        metadata: metadata(name, Some(SYSTEM), 1),
        status: Some(DaemonSetStatus {
            desired_number_scheduled: nodes,
            current_number_scheduled: nodes,
            number_ready: nodes,
        }),
    })
}
