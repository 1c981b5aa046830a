//! Where the Pod Identity agent runs: on each node, and for a pod whose node is not known yet.
//!
//! The only decider: why-pod, why-sa, why-role, the Pod Identity pane, the control of the posture, the findings and the checks
//! of a plan ask it. It reads, in this order:
//!
//! 1. The kind of node. Auto Mode's nodes have the agent built in; Fargate and Windows nodes cannot run it ("Understand how
//!    EKS Pod Identity works" and "Set up the Amazon EKS Pod Identity Agent", EKS User Guide).
//! 2. The agent's pods, in any namespace. A pod is one when a container runs the image `…/eks-pod-identity-agent`, or when its
//!    DaemonSet or its label `app.kubernetes.io/name` is called so, as the chart in aws/eks-pod-identity-agent sets them
//!    (`charts/eks-pod-identity-agent`: `fullnameOverride`, `nameOverride`, a suffix for hybrid nodes). A pod that is merely
//!    called so may be anybody's, unless it runs in `kube-system`.
//! 3. The agent's DaemonSets: of facts, those of `kube-system`; of a document, those of any namespace.
//! 4. The add-on, which says only that the agent should be there.
//!
//! What was not read never makes a yes or a no: it stays unknown where it could change the answer.

use std::collections::HashMap;

use super::place::{Kind, Presence, kind_of_node};
use crate::access::node_roles::{NodeJoin, NodeRoles};
use crate::model::cluster::Addon;
use crate::model::snapshot::{ClusterFacts, Gap, Lookup};
use crate::model::workload::{DaemonSet, Pod, SYSTEM};

/// The name of the add-on, of its DaemonSet and of its image.
pub(crate) const AGENT: &str = "eks-pod-identity-agent";

/// The label that the agent's chart sets on its DaemonSet and pods, and its value (with a suffix on hybrid nodes).
pub(crate) const AGENT_LABEL: &str = "app.kubernetes.io/name";

/// Where the agent runs.
pub(crate) struct PodIdentityAgent<'a> {
    facts: &'a ClusterFacts,
    /// Nodes with a pod of the agent, and whether one is ready there.
    pods: HashMap<&'a str, Option<bool>>,
    kinds: HashMap<&'a str, Kind>,
    /// How many nodes its DaemonSet could run on.
    nodes_for_pods: usize,
    /// All DaemonSets of the agent, summed up.
    sets: SetStatus<'a>,
    /// Whether nodes may come that are not Auto Mode's.
    more_nodes: bool,
    /// Whether Auto Mode runs nodes.
    auto: bool,
    presence: Presence,
}

/// The agent's DaemonSets together.
#[derive(Clone, Debug, PartialEq)]
struct SetStatus<'a> {
    first: Lookup<&'a DaemonSet>,
    /// Pods that should run and that are ready; `None` where a status was not recorded.
    counts: Option<(u32, u32)>,
}

/// How many nodes have the agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AgentCoverage<'a> {
    /// Nodes with it.
    pub(crate) with: usize,
    /// Of these, nodes of Auto Mode, which bring it.
    pub(crate) built_in: usize,
    /// Nodes that could run it and do not, in order.
    pub(crate) without: Vec<&'a str>,
    /// Nodes of which that is not known.
    pub(crate) unknown: usize,
}

impl AgentCoverage<'_> {
    /// How many nodes could run it.
    pub(crate) fn nodes(&self) -> usize {
        self.with + self.without.len() + self.unknown
    }
}

impl<'a> PodIdentityAgent<'a> {
    /// Reads the facts.
    pub(crate) fn new(facts: &'a ClusterFacts, roles: &NodeRoles<'a>) -> Self {
        let mut pods: HashMap<&str, Option<bool>> = HashMap::new();
        for pod in facts.pods.items().iter().filter(|it| is_agent_pod(it)) {
            let Some(node) = pod.spec.node_name.as_deref() else { continue };
            let (ready, known) = (pod.is_ready(), pods.entry(node).or_insert(Some(false)));
            // One that is ready is enough.
            if *known != Some(true) && ready != Some(false) {
                *known = ready;
            }
        }
        let config = facts.cluster.value().and_then(|it| it.compute_config.as_ref());
        let node_groups = &facts.nodegroups;
        let kinds: HashMap<&str, Kind> =
            facts.nodes.items().iter().map(|it| (it.metadata.name.as_str(), kind_of_node(it))).collect();
        let mut this = PodIdentityAgent {
            facts,
            pods,
            nodes_for_pods: kinds.values().filter(|it| matches!(it, Kind::Ec2 | Kind::Hybrid)).count(),
            kinds,
            sets: daemon_sets(facts),
            more_nodes: !node_groups.items().is_empty()
                || node_groups.gap().is_some()
                || roles.unread.is_some()
                || !roles.joining(NodeJoin::Linux).is_empty(),
            auto: config.is_some_and(|it| it.enabled == Some(true)),
            presence: Presence::Present,
        };
        this.presence = this.in_cluster();
        this
    }

    /// The agent for a pod whose node is not known: one that is pending, or not created yet.
    pub(crate) fn presence(&self) -> &Presence {
        &self.presence
    }

    /// Whether there is a pod of the agent on a node, ready or not.
    pub(crate) fn has_pod(&self, node: &str) -> bool {
        self.pods.contains_key(node)
    }

    /// The agent's DaemonSet: the first of them.
    pub(crate) fn daemon_set(&self) -> &Lookup<&'a DaemonSet> {
        &self.sets.first
    }

    /// How many pods the DaemonSets want and how many are ready; `None` where that was not recorded.
    pub(crate) fn daemon_set_counts(&self) -> Option<(u32, u32)> {
        self.sets.counts
    }

    /// Whether a pod of the agent is known to be ready on some node.
    pub(crate) fn has_ready_pod(&self) -> bool {
        self.pods.values().any(|it| *it == Some(true))
    }

    /// Whether a pod of the agent runs in `kube-system` that no DaemonSet there owns any more: nothing replaces it.
    pub(crate) fn is_orphaned(&self) -> bool {
        let orphan = |it: &Pod| is_agent_pod(it) && it.metadata.namespace.as_deref() == Some(SYSTEM);
        self.sets.first == Lookup::Absent && self.facts.pods.items().iter().any(orphan)
    }

    /// The add-on.
    pub(crate) fn add_on(&self) -> Lookup<&'a Addon> {
        self.facts.addons.lookup(|it| it.addon_name == AGENT, |name| name == AGENT)
    }

    /// The nodes that could run it, counted; `None` where the nodes were not read.
    pub(crate) fn coverage(&self) -> Option<AgentCoverage<'a>> {
        if self.facts.nodes.gap().is_some() {
            return None;
        }
        let mut all = AgentCoverage::default();
        for (&name, &kind) in self.kinds.iter().filter(|(_, kind)| runs_agent(**kind)) {
            match self.on_node(kind, Some(name)) {
                Presence::Present => {
                    all.with += 1;
                    all.built_in += usize::from(kind == Kind::Auto);
                }
                Presence::Absent(_) => all.without.push(name),
                Presence::Unknown(_) => all.unknown += 1,
            }
        }
        all.without.sort_unstable();
        Some(all)
    }

    /// The agent on one node; without a name, the answer for the cluster.
    pub(crate) fn on_node(&self, kind: Kind, name: Option<&str>) -> Presence {
        match kind {
            Kind::Fargate => return Presence::Absent("Pod Identity does not work on Fargate".to_owned()),
            Kind::Windows => return Presence::Absent("Pod Identity does not work on Windows nodes".to_owned()),
            Kind::Auto => return Presence::Present,
            Kind::Ec2 | Kind::Hybrid | Kind::Unknown => {}
        }
        let Some(name) = name else { return self.presence.clone() };
        match self.pods.get(name) {
            Some(Some(true)) => return Presence::Present,
            Some(Some(false)) => return Presence::Absent(format!("the pod of {AGENT} on node {name} is not ready")),
            Some(None) => {
                return Presence::Unknown(format!("whether the pod of {AGENT} on node {name} is ready is not known"));
            }
            None => {}
        }
        let by_set = self.by_daemon_set();
        match (self.facts.pods.gap(), self.kinds.contains_key(name)) {
            // The DaemonSet's own count says where its pods are when it has one ready on each node that it could run on.
            (_, true) if self.pods.is_empty() && by_set == Some(SetReach::EveryNode) => Presence::Present,
            (None, true) if self.pods.is_empty() && by_set == Some(SetReach::SomeNodes) => {
                Presence::Unknown(format!("the DaemonSet {AGENT} has pods ready, and on which nodes is not recorded"))
            }
            (None, true) => match &self.presence {
                Presence::Absent(why) => Presence::Absent(why.clone()),
                _ if kind == Kind::Hybrid => Presence::Absent(format!(
                    "no pod of {AGENT} runs on the hybrid node {name}, which needs the agent's hybrid DaemonSet"
                )),
                _ => Presence::Absent(format!("no pod of {AGENT} runs on node {name}")),
            },
            (None, false) => match &self.presence {
                Presence::Present => Presence::Unknown(format!("node {name} was not read")),
                other => other.clone(),
            },
            (Some(gap), _) => match &self.presence {
                Presence::Present => Presence::Unknown(format!("whether the agent runs on node {name}: {gap}")),
                other => other.clone(),
            },
        }
    }

    /// How far the DaemonSets' own counts say that their pods reach; `None` where they say nothing.
    fn by_daemon_set(&self) -> Option<SetReach> {
        let (_, ready) = self.sets.counts?;
        let could = self.nodes_for_pods;
        match usize::try_from(ready).unwrap_or(usize::MAX) {
            0 => None,
            ready if self.facts.nodes.gap().is_none() && ready >= could => Some(SetReach::EveryNode),
            _ => Some(SetReach::SomeNodes),
        }
    }

    /// The agent in the cluster as a whole: yes where a node has it that a pod may come to.
    fn in_cluster(&self) -> Presence {
        if self.has_ready_pod() || self.kinds.values().any(|it| *it == Kind::Auto) {
            return Presence::Present;
        }
        let elsewhere = self.outside_auto_mode();
        if !self.auto || elsewhere == Presence::Present {
            return elsewhere;
        }
        // Auto Mode's nodes bring it; there is none now.
        match self.facts.nodes.gap() {
            _ if !self.more_nodes && self.kinds.values().all(|it| !runs_agent(*it)) => Presence::Present,
            Some(gap) => Presence::Unknown(format!(
                "nodes of Auto Mode bring the agent, others do not have it, and which nodes there are is not known: {gap}"
            )),
            None => Presence::Unknown(
                "nodes of Auto Mode bring the agent and there is none now; no other node has it".to_owned(),
            ),
        }
    }

    /// The agent on nodes that do not bring it. A pod of it says most; then its DaemonSet; the add-on alone only that it
    /// should be there.
    fn outside_auto_mode(&self) -> Presence {
        let stalled = self.pods.values().all(|it| *it == Some(false));
        match (&self.sets.first, self.add_on(), self.facts.pods.gap()) {
            (Lookup::Found(_), _, gap) => self.by_status(gap),
            (_, _, None) if !self.pods.is_empty() && stalled => {
                Presence::Absent(format!("of the pods of {AGENT} none is ready"))
            }
            _ if !self.pods.is_empty() => Presence::Unknown(format!("whether a pod of {AGENT} is ready is not known")),
            (Lookup::Absent, Lookup::Found(it), None) => Presence::Absent(format!(
                "the add-on {AGENT} is {}, but neither its DaemonSet in kube-system nor a pod of it is there",
                installed(it)
            )),
            (Lookup::Absent, Lookup::Found(it), Some(gap)) => Presence::Unknown(format!(
                "the add-on {AGENT} is {}, but kube-system has no DaemonSet of it; whether it runs elsewhere is not \
                 known: {gap}",
                installed(it)
            )),
            (Lookup::Unknown(gap), Lookup::Found(it), _) => Presence::Unknown(format!(
                "the add-on {AGENT} is {}, and whether its DaemonSet runs is not known: {gap}",
                installed(it)
            )),
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

    /// What the DaemonSets' status says, where no pod of the agent is known to be ready.
    fn by_status(&self, pods_gap: Option<Gap>) -> Presence {
        let elsewhere = |why: String| match &pods_gap {
            None => Presence::Absent(why),
            Some(gap) => Presence::Unknown(format!("{why}; whether it runs elsewhere is not known: {gap}")),
        };
        let could = self.nodes_for_pods;
        match (self.sets.counts, self.facts.nodes.gap()) {
            (Some((0, _)), Some(gap)) => Presence::Unknown(format!(
                "the DaemonSet {AGENT} wants no node, and which nodes there are is not known: {gap}"
            )),
            (Some((0, _)), None) if could > 0 => {
                elsewhere(format!("the DaemonSet {AGENT} wants none of the {could} nodes that could run it"))
            }
            (Some((0, _)), None) if self.more_nodes => Presence::Unknown(format!(
                "there is no node now on which {AGENT} could run; its DaemonSet would run on one that comes"
            )),
            (Some((0, _)), None) => {
                elsewhere(format!("the DaemonSet {AGENT} wants no node: none of the cluster's can run it"))
            }
            (Some((n, 0)), _) => elsewhere(format!("the DaemonSet {AGENT} has none of its {n} pods ready")),
            (Some(_), _) => Presence::Present,
            (None, _) if !self.pods.is_empty() && self.pods.values().all(|it| *it == Some(false)) => {
                elsewhere(format!("of the pods of {AGENT} none is ready"))
            }
            (None, _) if pods_gap.is_none() && self.pods.is_empty() && self.ran_anywhere() => {
                Presence::Absent(format!("the DaemonSet {AGENT} is there, but no pod of it"))
            }
            (None, _) => Presence::Present,
        }
    }

    /// Whether a node is known on which a pod of the agent would be, if the agent ran.
    fn ran_anywhere(&self) -> bool {
        self.nodes_for_pods > 0
    }
}

/// `installed`, with the status that EKS gives it unless all is well.
fn installed(addon: &Addon) -> String {
    match addon.status.as_deref() {
        None | Some("ACTIVE") => "installed".to_owned(),
        Some(status) => format!("installed ({status})"),
    }
}

/// How far a DaemonSet's pods reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SetReach {
    EveryNode,
    SomeNodes,
}

/// Whether a pod that runs on such a node can be served by the agent.
fn runs_agent(kind: Kind) -> bool {
    matches!(kind, Kind::Ec2 | Kind::Hybrid | Kind::Auto)
}

fn daemon_sets(facts: &ClusterFacts) -> SetStatus<'_> {
    let is_agent = |it: &&DaemonSet| {
        let named = it.metadata.name.starts_with(AGENT);
        named || labelled(&it.metadata.labels)
    };
    let mut all: Vec<&DaemonSet> = facts.daemon_sets.items().iter().filter(is_agent).collect();
    // That of kube-system comes first, the cloud's before the hybrid one's.
    let place = |it: &DaemonSet| (it.metadata.namespace.as_deref() != Some(SYSTEM), it.metadata.namespace.clone());
    all.sort_by_cached_key(|it| (place(it), it.metadata.name.clone()));
    let counts = all.iter().try_fold((0_u32, 0_u32), |(wanted, ready), it| {
        let status = it.status.as_ref()?;
        Some((wanted.saturating_add(status.desired_number_scheduled), ready.saturating_add(status.number_ready)))
    });
    let first = match all.first() {
        Some(first) => Lookup::Found(*first),
        None => facts.daemon_sets.absent_unless_missing(|name| name.starts_with(AGENT)),
    };
    SetStatus { counts: counts.filter(|_| matches!(first, Lookup::Found(_))), first }
}

fn labelled(labels: &std::collections::BTreeMap<String, String>) -> bool {
    let name = labels.get(AGENT_LABEL).map(String::as_str);
    name.is_some_and(|it| it == AGENT || it.strip_prefix(AGENT).is_some_and(|suffix| suffix.starts_with("-hybrid")))
}

/// Whether a pod is one of the agent's that may answer.
fn is_agent_pod(pod: &Pod) -> bool {
    if pod.has_ended() {
        return false;
    }
    let mut owners = pod.metadata.owner_references.iter().filter(|it| it.controller == Some(true));
    let set = owners.find(|it| it.kind == "DaemonSet");
    let by_image = pod.spec.containers.iter().filter_map(|it| it.image.as_deref()).any(is_agent_image);
    let in_system = pod.metadata.namespace.as_deref() == Some(SYSTEM);
    let by_name = pod.metadata.name.starts_with(AGENT) && in_system;
    by_image || by_name || set.is_some_and(|it| it.name.starts_with(AGENT) || labelled(&pod.metadata.labels))
}

/// `602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/eks-pod-identity-agent:v0.1.33`: the repository's last part counts.
fn is_agent_image(image: &str) -> bool {
    let repository = image.split('@').next().unwrap_or_default();
    let last = repository.rsplit('/').next().unwrap_or_default();
    last.split(':').next() == Some(AGENT)
}
