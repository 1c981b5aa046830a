//! Where a pod runs, as far as its AWS identity depends on it: the kind of node, the node's role, the agent.
//!
//! Decides the kind of node from its labels and provider. Where the agent runs is [`PodIdentityAgent`]'s, with which roles
//! nodes join [`NodeRoles`]'. Whether a container reaches the instance's metadata depends on the hop limit, which is in no
//! fact here: only pods on the host's network surely do.

use std::collections::HashMap;

use super::agent::PodIdentityAgent;
use crate::access::identity::Resolver;
use crate::access::node_roles::{NodeJoin, NodeRoles};
use crate::model::snapshot::{ClusterFacts, Gap, Lookup};
use crate::model::workload::{Node, Pod};

/// What a pod stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// One of these: the roles by which nodes join that no node group manages.
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
    roles: NodeRoles<'a>,
    /// Where the agent runs.
    pub(crate) agent_places: PodIdentityAgent<'a>,
    /// The agent for a pod of which the node is not known.
    pub(crate) agent: Presence,
}

impl<'a> Ground<'a> {
    pub(super) fn new(resolver: &Resolver<'a>) -> Self {
        let facts = resolver.facts().0;
        let groups: HashMap<&str, &str> = (facts.nodegroups.items().iter())
            .filter_map(|it| Some((it.nodegroup_name.as_str(), it.node_role.as_deref()?)))
            .collect();
        let roles = NodeRoles::new(resolver);
        let agent_places = PodIdentityAgent::new(facts, &roles);
        Ground {
            facts,
            nodes: facts.nodes.items().iter().map(|it| (it.metadata.name.as_str(), it)).collect(),
            groups,
            roles,
            agent: agent_places.presence().clone(),
            agent_places,
        }
    }

    /// The roles that nodes may have.
    pub(super) fn node_roles(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.groups.values().copied().chain(self.roles.all_joining())
    }

    /// Whether there is a pod of the agent on a node, ready or not.
    pub(crate) fn has_agent(&self, node: &str) -> bool {
        self.agent_places.has_pod(node)
    }

    pub(super) fn of(&self, pod: &Pod) -> Place<'a> {
        let name = pod.spec.node_name.as_deref();
        let node = name.and_then(|name| self.nodes.get(name)).copied();
        let kind = kind_of_pod(pod, node);
        Place {
            kind,
            node: node.map(|it| it.metadata.name.as_str()),
            role: self.role(kind, name, node),
            agent: self.agent_places.on_node(kind, name),
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
            _ => match (&self.roles.unread, self.roles.joining(node_join(kind))) {
                (Some(why), _) => NodeRole::Unknown(why.clone()),
                // Nodes join by a mapping of their role, so that the only one left is this node's.
                (None, [only]) => NodeRole::Known(only),
                (None, []) => {
                    NodeRole::Unknown("the node is in no managed node group, and nothing names its role".to_owned())
                }
                (None, several) => NodeRole::OneOf(several.to_vec()),
            },
        }
    }
}

/// As which kind of node one joins that EKS runs on EC2.
fn node_join(kind: Kind) -> NodeJoin {
    match kind {
        Kind::Auto => NodeJoin::Auto,
        Kind::Windows => NodeJoin::Windows,
        Kind::Hybrid => NodeJoin::Hybrid,
        Kind::Ec2 | Kind::Fargate | Kind::Unknown => NodeJoin::Linux,
    }
}

/// What kind of node this is.
pub(super) fn kind_of_node(node: &Node) -> Kind {
    let label = |key: &str| node.metadata.labels.get(key).map(String::as_str);
    let provider = node.spec.provider_id.as_deref().unwrap_or_default();
    match label("eks.amazonaws.com/compute-type") {
        Some("fargate") => Kind::Fargate,
        Some("hybrid") => Kind::Hybrid,
        _ if provider.starts_with("eks-hybrid:") => Kind::Hybrid,
        _ if label("kubernetes.io/os") == Some("windows") => Kind::Windows,
        Some("auto") => Kind::Auto,
        _ => Kind::Ec2,
    }
}

/// The kind of node that a pod runs on, or will: what the pod itself says comes before a node that was not read.
fn kind_of_pod(pod: &Pod, node: Option<&Node>) -> Kind {
    let selects = |key: &str| pod.spec.node_selector.get(key).map(String::as_str) == Some("windows");
    match node.map(kind_of_node) {
        Some(Kind::Fargate) => Kind::Fargate,
        _ if pod.metadata.labels.contains_key("eks.amazonaws.com/fargate-profile") => Kind::Fargate,
        Some(Kind::Hybrid) => Kind::Hybrid,
        _ if selects("kubernetes.io/os") || selects("beta.kubernetes.io/os") => Kind::Windows,
        Some(kind) => kind,
        None => Kind::Unknown,
    }
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
