//! Where a pod runs, as far as its AWS identity depends on it: the kind of node, the node's role, the agent.
//!
//! Decides from the node's labels and name, the node groups, the agent's own pods and its DaemonSet. Whether a container reaches the
//! instance's metadata depends on the hop limit, which is in no fact here: only pods on the host's network surely do.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use crate::model::aws_auth::AwsAuthKey;
use crate::model::cluster::ComputeConfig;
use crate::model::snapshot::{ClusterFacts, Gap, IamFacts, Lookup};
use crate::model::workload::{DaemonSet, Node, Pod, SYSTEM};

/// The add-on that brings the Pod Identity agent.
pub(crate) const AGENT: &str = "eks-pod-identity-agent";

/// What a pod stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An EC2 instance with Linux.
    Ec2,
    /// An instance of EKS Auto Mode.
    Auto,
    /// Fargate.
    Fargate,
    /// An EC2 instance with Windows.
    Windows,
    /// A hybrid node, outside of AWS.
    Hybrid,
    /// It was not read, or the pod is not scheduled yet.
    Unknown,
}

/// Is there something?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Yes.
    Present,
    /// No, and why that is known.
    Absent(String),
    /// Nobody can say, and why.
    Unknown(String),
}

/// The role of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeRole<'a> {
    /// This one.
    Known(&'a str),
    /// One of these: the roles of nodes that no node group manages.
    OneOf(Vec<&'a str>),
    /// There is none that a container could get.
    None,
    /// It is not known, and why.
    Unknown(String),
}

/// Where a pod runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// What it stands on.
    pub kind: Kind,
    /// The node's name.
    pub node: Option<&'a str>,
    /// The node's role.
    pub role: NodeRole<'a>,
    /// The agent on the node.
    pub agent: Presence,
}

/// What the places of all pods follow from.
pub(crate) struct Ground<'a> {
    facts: &'a ClusterFacts,
    nodes: HashMap<&'a str, &'a Node>,
    groups: HashMap<&'a str, &'a str>,
    /// Nodes with a pod of the agent, and whether one is ready there.
    agents: HashMap<&'a str, Option<bool>>,
    /// Roles of nodes that are in no node group, by kind.
    of_linux: Vec<&'a str>,
    of_windows: Vec<&'a str>,
    of_auto: Vec<&'a str>,
    /// Why there may be more of them.
    others_unread: Option<String>,
    auto: Option<&'a ComputeConfig>,
    pub(crate) agent: Presence,
}

/// The agent's DaemonSet. Only those of `kube-system` are read.
pub(crate) fn daemon_set(facts: &ClusterFacts) -> Lookup<&DaemonSet> {
    let is_it = |it: &DaemonSet| it.metadata.name == AGENT && it.metadata.namespace.as_deref() == Some(SYSTEM);
    facts.daemon_sets.lookup(is_it, |name| name == AGENT)
}

impl<'a> Ground<'a> {
    pub(super) fn new(facts: &'a ClusterFacts, iam: &IamFacts) -> Self {
        let auto =
            facts.cluster.value().and_then(|it| it.compute_config.as_ref()).filter(|it| it.enabled == Some(true));
        let mut agents: HashMap<&str, Option<bool>> = HashMap::new();
        for pod in facts.pods.items().iter().filter(|it| is_agent(it)) {
            let Some(node) = pod.spec.node_name.as_deref() else { continue };
            let (ready, known) = (pod.is_ready(), agents.entry(node).or_insert(Some(false)));
            // One that is ready is enough.
            if *known != Some(true) && ready != Some(false) {
                *known = ready;
            }
        }
        let groups: HashMap<&str, &str> = (facts.nodegroups.items().iter())
            .filter_map(|it| Some((it.nodegroup_name.as_str(), it.node_role.as_deref()?)))
            .collect();
        let mut this = Ground {
            facts,
            nodes: facts.nodes.items().iter().map(|it| (it.metadata.name.as_str(), it)).collect(),
            agents,
            of_linux: others(facts, iam, groups.values().copied().collect(), Joins::Linux),
            of_windows: others(facts, iam, groups.values().copied().collect(), Joins::Windows),
            of_auto: others(facts, iam, HashSet::new(), Joins::Auto),
            others_unread: (facts.access_entries.gap().or_else(|| facts.aws_auth.gap()))
                .map(|gap| unread("the mappings that name nodes' roles", &gap)),
            groups,
            auto,
            agent: Presence::Present,
        };
        this.agent = this.agent_of_cluster();
        this
    }

    /// The roles that nodes may have.
    pub(super) fn node_roles(&self) -> impl Iterator<Item = &'a str> + '_ {
        let others = self.of_linux.iter().chain(&self.of_windows).chain(&self.of_auto);
        self.groups.values().copied().chain(others.copied())
    }

    /// Is there a pod of the agent on a node, ready or not?
    pub(crate) fn has_agent(&self, node: &str) -> bool {
        self.agents.contains_key(node)
    }

    /// The agent in the cluster as a whole. A pod of it says most; then its DaemonSet; the add-on alone only that it should
    /// be there.
    fn agent_of_cluster(&self) -> Presence {
        if self.agents.values().any(|it| *it == Some(true)) || self.auto.is_some() {
            return Presence::Present;
        }
        let stalled = self.agents.values().all(|it| *it == Some(false));
        let addon = self.facts.addons.lookup(|it| it.addon_name == AGENT, |name| name == AGENT);
        match (daemon_set(self.facts), addon, self.facts.pods.gap()) {
            (Lookup::Found(it), ..) => match &it.status {
                Some(status) if status.desired_number_scheduled > 0 && status.number_ready == 0 => {
                    let n = status.desired_number_scheduled;
                    Presence::Absent(format!("the DaemonSet {AGENT} has none of its {n} pods ready"))
                }
                _ => Presence::Present,
            },
            (_, _, None) if !self.agents.is_empty() && stalled => {
                Presence::Absent(format!("of the pods of {AGENT} none is ready"))
            }
            _ if !self.agents.is_empty() => {
                Presence::Unknown(format!("whether a pod of {AGENT} is ready is not known"))
            }
            (Lookup::Absent, Lookup::Found(_), None) => Presence::Absent(format!(
                "the add-on {AGENT} is installed, but neither its DaemonSet in kube-system nor a pod of it is there"
            )),
            (Lookup::Absent, Lookup::Found(_), Some(gap)) => Presence::Unknown(format!(
                "the add-on {AGENT} is installed, but kube-system has no DaemonSet of it; whether it runs elsewhere is not \
                 known: {gap}"
            )),
            (Lookup::Unknown(_), Lookup::Found(_), _) => Presence::Present,
            (_, Lookup::Absent, None) => {
                Presence::Absent(format!("the cluster has neither the add-on {AGENT} nor a pod of it"))
            }
            (Lookup::Absent, Lookup::Absent, Some(gap)) => Presence::Unknown(format!(
                "neither the add-on {AGENT} nor a DaemonSet of it in kube-system is there, and whether it runs elsewhere is \
                 not known: {gap}"
            )),
            (Lookup::Unknown(_), Lookup::Absent, Some(gap)) => Presence::Unknown(format!(
                "the add-on {AGENT} is not installed, and whether it runs without is not known: {gap}"
            )),
            (Lookup::Absent, Lookup::Unknown(_), None) => {
                Presence::Absent(format!("no pod of {AGENT} runs, and kube-system has no DaemonSet of it"))
            }
            (_, Lookup::Unknown(gap), _) => {
                Presence::Unknown(format!("whether the add-on {AGENT} is installed: {gap}"))
            }
        }
    }

    pub(super) fn of(&self, pod: &Pod) -> Place<'a> {
        let name = pod.spec.node_name.as_deref();
        let node = name.and_then(|name| self.nodes.get(name)).copied();
        let kind = self.kind(pod, node);
        Place {
            kind,
            node: node.map(|it| it.metadata.name.as_str()),
            role: self.role(kind, name, node),
            agent: self.agent_at(kind, name, node),
        }
    }

    fn kind(&self, pod: &Pod, node: Option<&Node>) -> Kind {
        let labels = node.map(|it| &it.metadata.labels);
        let label = |key: &str| labels.and_then(|it| it.get(key)).map(String::as_str);
        let windows = |os: Option<&str>| os == Some("windows");
        let selects = |key: &str| pod.spec.node_selector.get(key).map(String::as_str);
        let provider = node.and_then(|it| it.spec.provider_id.as_deref()).unwrap_or_default();
        match label("eks.amazonaws.com/compute-type") {
            Some("fargate") => Kind::Fargate,
            _ if pod.metadata.labels.contains_key("eks.amazonaws.com/fargate-profile") => Kind::Fargate,
            Some("hybrid") => Kind::Hybrid,
            _ if provider.starts_with("eks-hybrid:") => Kind::Hybrid,
            _ if windows(label("kubernetes.io/os")) || windows(selects("kubernetes.io/os")) => Kind::Windows,
            _ if windows(selects("beta.kubernetes.io/os")) => Kind::Windows,
            Some("auto") => Kind::Auto,
            _ if node.is_some() => Kind::Ec2,
            _ => Kind::Unknown,
        }
    }

    fn role(&self, kind: Kind, name: Option<&str>, node: Option<&Node>) -> NodeRole<'a> {
        let group = node.and_then(|it| it.metadata.labels.get("eks.amazonaws.com/nodegroup"));
        match (kind, group) {
            (Kind::Fargate, _) => NodeRole::None,
            (Kind::Hybrid, _) => NodeRole::Unknown("a hybrid node has no instance metadata".to_owned()),
            (Kind::Unknown, _) => NodeRole::Unknown(match (name, self.facts.nodes.gap()) {
                (None, _) => "the pod is on no node yet".to_owned(),
                (Some(name), Some(gap)) => format!("node {name} was not read: {gap}"),
                (Some(name), None) => format!("node {name} is not among the nodes"),
            }),
            (_, Some(group)) => match self.groups.get(group.as_str()) {
                Some(role) => NodeRole::Known(role),
                None => NodeRole::Unknown(match self.facts.nodegroups.absent_unless_missing::<()>(|it| it == group) {
                    Lookup::Unknown(gap) => format!("node group {group} was not read: {gap}"),
                    _ => format!("node group {group} is not among the cluster's"),
                }),
            },
            _ => match self.joining(kind) {
                _ if self.others_unread.is_some() => NodeRole::Unknown(self.others_unread.clone().unwrap_or_default()),
                // Nodes join by a mapping of their role, so that the only one left is this node's.
                [only] => NodeRole::Known(only),
                [] => NodeRole::Unknown("the node is in no managed node group, and nothing names its role".to_owned()),
                others => NodeRole::OneOf(others.to_vec()),
            },
        }
    }

    /// The roles by which a node of this kind joins that is in no node group.
    fn joining(&self, kind: Kind) -> &[&'a str] {
        match kind {
            Kind::Auto => &self.of_auto,
            Kind::Windows => &self.of_windows,
            _ => &self.of_linux,
        }
    }

    fn agent_at(&self, kind: Kind, name: Option<&str>, node: Option<&Node>) -> Presence {
        match kind {
            Kind::Fargate => return Presence::Absent("Pod Identity does not work on Fargate".to_owned()),
            Kind::Windows => return Presence::Absent("Pod Identity does not work on Windows nodes".to_owned()),
            Kind::Auto => return Presence::Present,
            _ => {}
        }
        let Some(name) = name else { return self.agent.clone() };
        match self.agents.get(name) {
            Some(Some(true)) => return Presence::Present,
            Some(Some(false)) => return Presence::Absent(format!("the pod of {AGENT} on node {name} is not ready")),
            Some(None) => {
                return Presence::Unknown(format!("whether the pod of {AGENT} on node {name} is ready is not known"));
            }
            None => {}
        }
        match (&self.agent, self.facts.pods.gap(), node) {
            (Presence::Present, None, Some(_)) => Presence::Absent(match kind {
                Kind::Hybrid => format!(
                    "no pod of {AGENT} runs on the hybrid node {name}, which needs the agent's hybrid DaemonSet"
                ),
                _ => format!("no pod of {AGENT} runs on node {name}"),
            }),
            (Presence::Present, Some(gap), _) => {
                Presence::Unknown(format!("whether the agent runs on node {name}: {gap}"))
            }
            (Presence::Present, None, None) => Presence::Unknown(format!("node {name} was not read")),
            (other, ..) => other.clone(),
        }
    }
}

/// Is it a pod of the agent? One that is merely called so may be anybody's, unless it is where the add-on's are.
fn is_agent(pod: &Pod) -> bool {
    let of_its_set = || {
        let mut owners = pod.metadata.owner_references.iter().filter(|it| it.controller == Some(true));
        owners.any(|it| it.kind == "DaemonSet" && it.name.starts_with(AGENT))
    };
    let called = pod.metadata.name.starts_with(AGENT);
    called && (pod.metadata.namespace.as_deref() == Some(SYSTEM) || of_its_set()) && !pod.has_ended()
}

/// What kind of node a role is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Joins {
    Linux,
    Windows,
    Auto,
}

/// The group of aws-auth without which a Windows node does not work.
const WINDOWS_GROUP: &str = "eks:kube-proxy-windows";

/// The roles by which nodes of a kind join that no node group has: those of Karpenter and of self-managed nodes, or those
/// of Auto Mode. A role in no instance profile is on no instance; those of hybrid nodes are on none.
fn others<'a>(facts: &'a ClusterFacts, iam: &IamFacts, of_groups: HashSet<&str>, joins: Joins) -> Vec<&'a str> {
    let (kind, group) = match joins {
        Joins::Linux => ("EC2_LINUX", "system:nodes"),
        Joins::Windows => ("EC2_WINDOWS", WINDOWS_GROUP),
        Joins::Auto => ("EC2", ""),
    };
    let auto = joins == Joins::Auto;
    let entries = facts.access_entries.items().iter().filter(|it| it.kind == kind).map(|it| it.principal_arn.as_str());
    let rows =
        facts.aws_auth.value().and_then(Option::as_ref).map(|(_, auth)| auth.rows.as_slice()).unwrap_or_default();
    let rows = (rows.iter())
        .filter(|it| !auto && it.key == AwsAuthKey::MapRoles && it.groups.iter().any(|it| it == group))
        .filter_map(|it| it.arn.as_deref());
    let built_in = facts.cluster.value().and_then(|it| it.compute_config.as_ref()?.node_role_arn.as_deref());
    let fargate = facts.fargate_profiles.items().iter().filter_map(|it| it.pod_execution_role_arn.as_deref());
    // aws-auth leaves the path out: a role is the same by its name.
    let name = |arn: &str| crate::model::words::last_part(arn).to_owned();
    let known: HashSet<String> = of_groups.into_iter().chain(fargate).map(name).collect();
    // Profiles are listed by themselves, or stand with their roles where these were read in full.
    let by_role = || {
        let with = iam.roles.items().iter().filter(|it| !it.instance_profile_list.is_empty());
        let names: HashSet<String> = with.map(|it| it.role_name.clone()).collect();
        (iam.roles.gap().is_none() && !names.is_empty()).then_some(names)
    };
    let listed = match iam.instance_profiles.gap() {
        None => {
            let roles = iam.instance_profiles.items().iter().flat_map(|it| &it.roles);
            Some(roles.map(|it| it.role_name.clone()).collect::<HashSet<String>>())
        }
        Some(_) => by_role(),
    };
    // Auto Mode makes the profiles of its nodes itself, out of sight.
    let profiled = |arn: &&str| auto || listed.as_ref().is_none_or(|it| it.contains(&name(arn)));
    let all = entries.chain(rows).chain(built_in.filter(|_| auto));
    let mut all: Vec<&str> = all.filter(|arn| !known.contains(&name(arn))).filter(profiled).collect();
    all.sort_by_key(|arn| (name(arn), Reverse(arn.len())));
    all.dedup_by_key(|arn| name(arn));
    all
}

/// Does a container of the pod reach the node's role through the instance's metadata?
pub fn reaches_node(pod: &Pod, place: &Place<'_>) -> Presence {
    match place.kind {
        Kind::Fargate => Presence::Absent("Fargate exposes no role to containers".to_owned()),
        Kind::Hybrid => Presence::Absent("a hybrid node has no instance metadata".to_owned()),
        _ if pod.spec.host_network == Some(true) => Presence::Present,
        Kind::Auto => Presence::Unknown(
            "whether the pod reaches the instance's metadata depends on the node's IMDS hop limit, which was not read \
             (ec2:DescribeInstances); nodes of Auto Mode are said to have 1, which keeps pods out"
                .to_owned(),
        ),
        _ => Presence::Unknown(
            "whether the pod reaches the instance's metadata depends on the node's IMDS hop limit and on whether it \
             requires IMDSv2, which were not read (ec2:DescribeInstances)"
                .to_owned(),
        ),
    }
}

/// Why a section was not read, in a sentence.
pub(crate) fn unread(what: &str, gap: &Gap) -> String {
    format!("{what} could not be read: {gap}")
}
