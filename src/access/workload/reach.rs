//! Do network policies let a pod reach the Pod Identity agent?
//!
//! Decides from the policies of the pod's namespace. Whether the cluster enforces them is its CNI's affair, so that a
//! policy that is in the way makes an answer not known, and never a no.

use core::net::IpAddr;

use super::Workloads;
use super::credential_chain::FULL_URI;
use crate::model::network::NetworkPolicy;
use crate::model::snapshot::{DocumentRef, Evidence, Gap};
use crate::model::workload::Pod;

/// Where the agent answers, and on which port.
const AGENT_V4: [u8; 4] = [169, 254, 170, 23];
const AGENT_V6: [u16; 8] = [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23];
pub(crate) const AGENT_PORT: u16 = 80;

/// Is the way to the agent open?
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reach<'a> {
    /// No policy is in the way.
    Open,
    /// These limit what the pod reaches, and none of them lets it through.
    Barred(Vec<&'a NetworkPolicy>),
    /// They were not read.
    Unread(Gap),
}

/// The address at which a pod asks the agent.
pub(crate) fn agent_address(pod: &Pod) -> IpAddr {
    let uri = pod.spec.containers.iter().flat_map(|it| &it.env).find(|it| it.name == FULL_URI);
    match uri.and_then(|it| it.value.as_deref()).is_some_and(|it| it.contains('[')) {
        true => IpAddr::from(AGENT_V6),
        false => IpAddr::from(AGENT_V4),
    }
}

impl<'a> Workloads<'a> {
    /// The way from a pod to the agent.
    pub(crate) fn reach(&self, pod: &Pod) -> Reach<'a> {
        // Policies are about pods with an address of their own.
        if pod.spec.host_network == Some(true) {
            return Reach::Open;
        }
        if let Some(gap) = self.facts.network_policies.gap() {
            return Reach::Unread(gap);
        }
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        let all = self.policies.get(namespace).map(Vec::as_slice).unwrap_or_default();
        let address = agent_address(pod);
        let mut barring = Vec::new();
        for policy in all.iter().copied() {
            // One whose selector cannot be made out may be in the way, and is not known to let through.
            match policy.limits(&pod.metadata.labels) {
                Some(true) if self.lets_ask(policy, address) => return Reach::Open,
                Some(false) => {}
                None if self.lets_ask(policy, address) => {}
                Some(true) | None => barring.push(policy),
            }
        }
        if barring.is_empty() { Reach::Open } else { Reach::Barred(barring) }
    }

    /// Does a policy let whom it selects ask the agent?
    pub(super) fn lets_ask(&self, policy: &NetworkPolicy, agent: IpAddr) -> bool {
        policy.lets_reach(agent, AGENT_PORT)
    }

    /// The address at which a new pod asks the agent.
    pub(super) fn agent_for_new_pods(&self) -> IpAddr {
        let network = self.facts.cluster.value().and_then(|it| it.kubernetes_network_config.as_ref());
        match network.and_then(|it| it.get("ipFamily")?.as_str()) {
            Some("ipv6") => IpAddr::from(AGENT_V6),
            _ => IpAddr::from(AGENT_V4),
        }
    }
}

pub(crate) fn of_policy(it: &NetworkPolicy) -> Evidence {
    let namespace = it.metadata.namespace.clone().unwrap_or_default();
    Evidence::new(DocumentRef::NetworkPolicy(namespace, it.metadata.name.clone()), "spec.egress")
}

/// Why a pod may not reach the agent, as a sentence.
pub(crate) fn barred(policies: &[&NetworkPolicy], agent: IpAddr) -> String {
    let names: Vec<&str> = policies.iter().map(|it| it.metadata.name.as_str()).collect();
    let (word, do_) = if names.len() == 1 { ("NetworkPolicy", "does") } else { ("NetworkPolicies", "do") };
    format!(
        "{word} {} {do_} not let it reach {agent} port {AGENT_PORT}, where the agent answers: it gets no credentials, if the \
         cluster enforces network policies",
        names.join(", ")
    )
}
