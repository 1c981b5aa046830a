//! Addresses and the policies about them: networks in CIDR notation, and Kubernetes' NetworkPolicy.
//!
//! Decides what a policy says of one address and port, as the API's documentation has it. Whether a cluster enforces
//! network policies at all is its CNI's affair and not known here; nor are the policies of other makers (Cilium, Calico).

use core::net::IpAddr;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::rbac::{Metadata, null_is_default};

/// A network: an address and how many of its bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    start: IpAddr,
    bits: u32,
}

impl Cidr {
    /// `10.0.0.0/8`, `fd00::/8`; an address alone is a network of one.
    pub fn parse(text: &str) -> Option<Cidr> {
        let (start, bits) = match text.split_once('/') {
            Some((start, bits)) => (start.parse::<IpAddr>().ok()?, Some(bits.parse::<u32>().ok()?)),
            None => (text.parse().ok()?, None),
        };
        let most = if start.is_ipv4() { 32 } else { 128 };
        Some(Cidr { start, bits: bits.unwrap_or(most) }).filter(|it| it.bits <= most)
    }

    /// Is the address in it? One of the other family never is.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.start, address) {
            (IpAddr::V4(start), IpAddr::V4(it)) => {
                (start.to_bits() ^ it.to_bits()).checked_shr(32 - self.bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(start), IpAddr::V6(it)) => {
                (start.to_bits() ^ it.to_bits()).checked_shr(128 - self.bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// A label selector; one that says nothing selects everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct LabelSelector {
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<LabelExpression>,
}

/// One expression of a selector.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct LabelExpression {
    pub key: String,
    pub operator: String,
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

impl LabelSelector {
    /// Does it select what has these labels? `None`: an operator that is not known here.
    pub fn selects(&self, labels: &BTreeMap<String, String>) -> Option<bool> {
        let mut all = self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value));
        let mut unknown = false;
        for it in &self.match_expressions {
            let has = labels.get(&it.key);
            let among = has.is_some_and(|value| it.values.contains(value));
            match it.operator.as_str() {
                "In" => all &= among,
                "NotIn" => all &= !among,
                "Exists" => all &= has.is_some(),
                "DoesNotExist" => all &= has.is_none(),
                _ => unknown = true,
            }
        }
        if unknown && all { None } else { Some(all) }
    }
}

/// A NetworkPolicy (`networking.k8s.io/v1`), as far as it is about what pods may reach.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct NetworkPolicy {
    pub metadata: Metadata,
    #[serde(default, deserialize_with = "null_is_default")]
    pub spec: NetworkPolicySpec,
}

/// Its `spec`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct NetworkPolicySpec {
    #[serde(default, deserialize_with = "null_is_default")]
    pub pod_selector: LabelSelector,
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub policy_types: Vec<String>,
    /// Absent is no rule; so is an empty list, but it makes a policy without `policyTypes` one of egress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress: Option<Vec<EgressRule>>,
}

/// One rule of what may be reached.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct EgressRule {
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<Peer>,
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<PolicyPort>,
}

/// To whom: pods and namespaces, of which only that they are meant is kept, or a network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Peer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_selector: Option<LabelSelector>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_block: Option<IpBlock>,
}

/// A network without some of its parts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct IpBlock {
    pub cidr: String,
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}

/// Which ports; without one, all of the protocol.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct PolicyPort {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_port: Option<u16>,
}

/// By number, or by the name that the pods reached give it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[allow(missing_docs)]
pub enum Port {
    Number(u16),
    Name(String),
}

impl NetworkPolicy {
    /// Does it limit what pods with these labels may reach? `None`: it cannot be made out.
    pub fn limits(&self, labels: &BTreeMap<String, String>) -> Option<bool> {
        let types = &self.spec.policy_types;
        // The API server fills the types in; a document may leave them out.
        let egress = types.iter().any(|it| it == "Egress") || types.is_empty() && self.spec.egress.is_some();
        if egress { self.spec.pod_selector.selects(labels) } else { Some(false) }
    }

    /// Does it limit what every pod of its namespace may reach, whatever its labels?
    pub fn limits_everybody(&self) -> bool {
        self.spec.pod_selector == LabelSelector::default() && self.limits(&BTreeMap::new()) == Some(true)
    }

    /// Does a rule let TCP through to an address that is no pod's?
    pub fn lets_reach(&self, address: IpAddr, port: u16) -> bool {
        self.spec.egress.iter().flatten().any(|rule| {
            let to =
                rule.to.is_empty() || rule.to.iter().filter_map(|it| it.ip_block.as_ref()).any(|it| it.has(address));
            to && (rule.ports.is_empty() || rule.ports.iter().any(|it| it.covers(port)))
        })
    }
}

impl IpBlock {
    fn has(&self, address: IpAddr) -> bool {
        let within = |text: &str| Cidr::parse(text).is_some_and(|it| it.contains(address));
        within(&self.cidr) && !self.except.iter().any(|it| within(it))
    }
}

impl PolicyPort {
    fn covers(&self, port: u16) -> bool {
        let tcp = self.protocol.as_deref().is_none_or(|it| it == "TCP");
        tcp && match (&self.port, self.end_port) {
            (None, _) => true,
            (Some(Port::Number(first)), None) => *first == port,
            (Some(Port::Number(first)), Some(last)) => (*first..=last).contains(&port),
            (Some(Port::Name(_)), _) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn policy(spec: Value) -> NetworkPolicy {
        serde_json::from_value(json!({"metadata": {"name": "x", "namespace": "a"}, "spec": spec})).expect("a policy")
    }

    #[test]
    fn a_policy_limits_the_pods_that_it_selects_if_it_is_of_egress() {
        let labels = BTreeMap::from([("app".to_owned(), "api".to_owned())]);
        let rows = [
            (json!({"podSelector": {}, "policyTypes": ["Egress"]}), Some(true)),
            (json!({"podSelector": {}, "policyTypes": ["Ingress"]}), Some(false)),
            (json!({"podSelector": {}, "policyTypes": ["Ingress"], "egress": [{}]}), Some(false)),
            (json!({"podSelector": {}, "egress": []}), Some(true)),
            (json!({"podSelector": {}}), Some(false)),
            (json!({"podSelector": {"matchLabels": {"app": "api"}}, "policyTypes": ["Ingress", "Egress"]}), Some(true)),
            (json!({"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Egress"]}), Some(false)),
            (one("In", &["api", "web"]), Some(true)),
            (one("In", &["web"]), Some(false)),
            (one("NotIn", &["web"]), Some(true)),
            (one("NotIn", &["api"]), Some(false)),
            (one("Exists", &[]), Some(true)),
            (one("DoesNotExist", &[]), Some(false)),
            (one("Gt", &["1"]), None),
        ];
        fn one(operator: &str, values: &[&str]) -> Value {
            json!({"podSelector": {"matchExpressions": [{"key": "app", "operator": operator, "values": values}]},
                "policyTypes": ["Egress"]})
        }
        for (spec, wanted) in rows {
            assert_eq!(policy(spec.clone()).limits(&labels), wanted, "{spec}");
        }
    }

    #[test]
    fn a_rule_lets_an_address_be_reached_by_network_and_port() {
        let agent: IpAddr = "169.254.170.23".parse().expect("an address");
        let block = |cidr: &str, except: &[&str]| json!({"ipBlock": {"cidr": cidr, "except": except}});
        let rows = [
            (json!([]), false),
            (json!([{}]), true),
            (json!([{"to": [block("0.0.0.0/0", &[])]}]), true),
            (json!([{"to": [block("0.0.0.0/0", &["169.254.0.0/16"])]}]), false),
            (json!([{"to": [block("169.254.170.23/32", &[])], "ports": [{"port": 80}]}]), true),
            (json!([{"to": [block("169.254.170.23/32", &[])], "ports": [{"port": 443}]}]), false),
            (json!([{"to": [block("10.0.0.0/8", &[])]}]), false),
            (json!([{"to": [block("::/0", &[])]}]), false),
            (json!([{"to": [{"namespaceSelector": {}}]}]), false),
            (json!([{"to": [{"podSelector": {}}, block("169.254.170.0/24", &[])]}]), true),
            (json!([{"ports": [{"protocol": "UDP", "port": 53}]}]), false),
            (json!([{"ports": [{"protocol": "TCP"}]}]), true),
            (json!([{"ports": [{"port": 79, "endPort": 81}]}]), true),
            (json!([{"ports": [{"port": 81, "endPort": 90}]}]), false),
            (json!([{"ports": [{"port": "http"}]}]), false),
            (json!([{"to": [block("not a network", &[])]}]), false),
        ];
        for (egress, wanted) in rows {
            let it = policy(json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": egress}));
            assert_eq!(it.lets_reach(agent, 80), wanted, "{egress}");
        }
    }
}
