//! Which pods get a role as that of their node.
//!
//! Decides from where a pod runs and what its containers have of their own: on the host's network it surely reaches the
//! node's role, even where SDKs come to another identity first; elsewhere only containers with nothing of their own count,
//! and whether they reach it depends on a limit that is in no fact here. Such pods are many, so that of more than a few
//! only the number and some names are told.

use super::super::credential_chain::{self as chain, InForce};
use super::super::place::{self, Kind, NodeRole, Presence};
use super::super::{Place, Workloads};
use super::{Holder, HolderKind, WhyRole};
use crate::access::Verdict;
use crate::model::principal::Principal;
use crate::model::snapshot::{DocumentRef, Evidence};
use crate::model::workload::Pod;

/// How many that surely get it stand one by one.
const MOST: usize = 20;
/// How many are named of those that are told together.
const NAMED: usize = 3;

/// A pod that may get it, whether it does, and why.
type Found<'a> = (&'a Pod, Verdict, String);

impl<'a> Workloads<'a> {
    /// The pods on nodes with the role.
    pub(super) fn pods_on_nodes(&self, role: &Principal, out: &mut WhyRole) {
        // aws-auth leaves the path out: a role is the same by its name.
        let same = |arn: &str| Principal::from_arn(arn).is_ok_and(|(it, _)| it.key() == role.key());
        let names: Vec<&str> = self.ground.node_roles().filter(|it| same(it)).collect();
        if names.is_empty() {
            return;
        }
        let mut found: Vec<Found<'a>> = Vec::new();
        let mut adrift = 0;
        for pod in self.facts.pods.items().iter().filter(|it| !it.has_ended()) {
            let place = self.place(pod);
            let surely = match &place.role {
                NodeRole::Known(it) => names.contains(it).then_some(true),
                NodeRole::OneOf(all) => all.iter().any(|it| names.contains(it)).then_some(false),
                NodeRole::Unknown(_) => {
                    adrift += usize::from(self.gets_node(pod, &place).is_some());
                    None
                }
                NodeRole::None => None,
            };
            let Some(surely) = surely else { continue };
            let Some((outcome, why)) = self.gets_node(pod, &place) else { continue };
            let outcome = if surely { outcome } else { outcome.min(Verdict::Unknown) };
            let why = if surely { why } else { format!("its node may have this role or another; {why}") };
            found.push((pod, outcome, why));
        }
        let name = |pod: &Pod| (pod.metadata.namespace.clone(), pod.metadata.name.clone());
        found.sort_by_cached_key(|(pod, ..)| name(pod));
        let (sure, perhaps): (Vec<_>, Vec<_>) = found.into_iter().partition(|it| it.1 == Verdict::Yes);
        let rest = sure.split_at_checked(MOST).map_or(&[][..], |(_, rest)| rest);
        out.holders.extend(sure.iter().take(sure.len() - rest.len()).map(one));
        out.holders.extend(together(rest));
        out.holders.extend(together(&perhaps));
        if adrift > 0 {
            out.unknown.push(format!("{adrift} pods that fall back to their node's role run where that is not known"));
        }
    }

    /// Whether a container of the pod gets its node's role, or may.
    pub(crate) fn gets_node_role(&self, pod: &Pod) -> bool {
        self.gets_node(pod, &self.place(pod)).is_some_and(|(outcome, _)| outcome != Verdict::No)
    }

    /// Does the pod get its node's role, and why? `None`: it does not, or has an identity of its own that comes first.
    fn gets_node(&self, pod: &Pod, place: &Place<'a>) -> Option<(Verdict, String)> {
        // One container that gets it is enough, whatever the others have.
        let all = pod.spec.containers.iter().chain(&pod.spec.init_containers);
        let bare = all.filter(|it| chain::identity(pod, it, false).in_force == InForce::NodeRole);
        let gets = bare.map(|it| self.fallback(pod, it, place)).find(|(in_force, _)| *in_force == InForce::NodeRole);
        match (gets, pod.spec.host_network == Some(true)) {
            (Some((_, answer)), _) => Some((answer.outcome, answer.because)),
            (None, true) if place::reaches_node(pod, place) == Presence::Present && place.kind != Kind::Unknown => {
                let why = "on the host's network it reaches the instance's metadata, though SDKs come to an identity of its \
                           own first";
                Some((Verdict::Yes, why.to_owned()))
            }
            _ => None,
        }
    }
}

fn one((pod, outcome, because): &Found<'_>) -> Holder {
    let namespace = pod.metadata.namespace.clone().unwrap_or_default();
    Holder {
        kind: HolderKind::Pod,
        name: format!("{namespace}/{}", pod.metadata.name),
        count: 1,
        mechanism: Some(InForce::NodeRole),
        outcome: *outcome,
        because: because.clone(),
        evidence: Some(Evidence::new(DocumentRef::Pod(namespace, pod.metadata.name.clone()), "spec")),
    }
}

/// Several in one line; a single one stands for itself.
fn together(all: &[Found<'_>]) -> Option<Holder> {
    let (_, outcome, because) = match all {
        [] => return None,
        [only] => return Some(one(only)),
        [first, ..] => first,
    };
    let name = |(pod, ..): &Found<'_>| {
        format!("{}/{}", pod.metadata.namespace.as_deref().unwrap_or_default(), pod.metadata.name)
    };
    let named: Vec<String> = all.iter().take(NAMED).map(name).collect();
    let more = all.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(Holder {
        kind: HolderKind::Pod,
        name: match outcome {
            Verdict::Yes => format!("{} more pods on the host's network", all.len()),
            _ => format!("{} pods without an identity of their own", all.len()),
        },
        count: all.len(),
        mechanism: Some(InForce::NodeRole),
        outcome: *outcome,
        because: match all.iter().all(|it| it.2 == *because) {
            true => format!("{}{more}: {because}", named.join(", ")),
            false => format!("{}{more}, of which the first: {because}", named.join(", ")),
        },
        evidence: None,
    })
}
