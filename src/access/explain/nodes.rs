//! A kubelet that the API server does not accept: whether the role of its node is mapped.
//!
//! Decides which roles the node may have (its node group's, where the node is known, else all of them) and what each of
//! them is mapped to today. It is never about the caller: the kubelet sent the request.

use super::carriers::{MOST, named};
use super::fix::FixTarget;
use super::message::Message;
use super::others::NO_PRINCIPAL;
use super::walk::{Walk, finish, mode};
use super::{Candidate, Explanation, Ground, StepName, StepState};
use crate::access::Verdict;
use crate::access::identity::Resolution;
use crate::model::principal::Asked;

/// The group that makes an identity a node for the Node authorizer.
const NODES: &str = "system:nodes";

/// A kubelet that the API server does not know: the role of its node, if that can be told, has no mapping.
pub(super) fn unauthorized(ground: &Ground<'_>, message: &Message, node: Option<&str>) -> Explanation {
    let facts = ground.facts;
    let found = node.and_then(|name| facts.nodes.items().iter().find(|it| it.metadata.name == name));
    let group = found.and_then(|it| it.metadata.labels.get("eks.amazonaws.com/nodegroup"));
    let groups = facts.nodegroups.items().iter().filter(|it| group.is_none_or(|name| *name == it.nodegroup_name));
    let mut roles: Vec<String> = groups.filter_map(|it| it.node_role.clone()).collect();
    if group.is_none() {
        let auto = facts.cluster.value().and_then(|it| it.compute_config.as_ref());
        roles.extend(auto.and_then(|it| it.node_role_arn.clone()));
    }
    roles.sort();
    roles.dedup();
    let mut walk = Walk::default();
    let name = node.map_or_else(|| "the node".to_owned(), |it| format!("node {it}"));
    walk.say(
        StepName::Credentials,
        StepState::NotChecked,
        "a kubelet sent it, with its instance's role: not you",
        None,
    );
    mode(ground, &mut walk);
    let mut candidates = Vec::new();
    for arn in roles.iter().take(MOST) {
        let Ok(asked) = Asked::from_arn(arn) else { continue };
        let resolution = ground.resolver.resolve(&asked);
        let stranger = lacks_node_identity(&resolution);
        let (state, verdict) = match resolution.verdict {
            Verdict::Yes if stranger => (StepState::Failed, Verdict::No),
            Verdict::Yes => (StepState::Passed, Verdict::Yes),
            Verdict::No => (StepState::Failed, Verdict::No),
            Verdict::Unknown => (StepState::Unknown, Verdict::Unknown),
        };
        let evidence = resolution.mapping.as_ref().map(|it| it.evidence.clone());
        let so = if stranger { ", but not as a node: it lacks group system:nodes" } else { "" };
        let text = format!("{}: {}{so}", named(ground, &resolution.asked), resolution.because);
        walk.say(StepName::Mapping, state, text, evidence);
        candidates.push(Candidate { asked, because: "a role of nodes".to_owned(), verdict });
    }
    let count = |verdict| candidates.iter().filter(|it| it.verdict == verdict).count();
    let (denied, open, all) = (count(Verdict::No), count(Verdict::Unknown), candidates.len());
    let gap = facts.nodegroups.gap();
    let (verdict, text) = match (denied, open, all) {
        (_, _, 0) => (Verdict::Unknown, "which role its nodes have is not in the facts: look at the instance's profile".to_owned()),
        (denied, 0, all) if denied == all && gap.is_none() => {
            (Verdict::No, "the role of its nodes is not mapped as one of nodes, so nodes cannot join".to_owned())
        }
        (0, 0, 1) if gap.is_none() => (
            Verdict::Yes,
            "the role of the node groups is mapped now; a node with another role, or with the wrong cluster's name, would still fail".to_owned(),
        ),
        (0, 0, _) => (Verdict::Unknown, "every role of a node group is mapped now, and which role this node has is not known".to_owned()),
        _ => (Verdict::Unknown, "which of the roles of nodes this node has is not known; some are not mapped as roles of nodes".to_owned()),
    };
    walk.notes.push(
        "a role of nodes needs an access entry of type EC2_LINUX (EC2_WINDOWS, HYBRID_LINUX, or EC2 for Auto Mode), or an aws-auth row \
         with groups system:bootstrappers and system:nodes; an entry of type STANDARD does not let nodes join"
            .to_owned(),
    );
    if gap.is_some() || all == 0 {
        walk.notes.push("nodes that no node group manages get their role from their instance profile".to_owned());
    }
    let mut explanation = finish(ground, message, &name, None, walk, candidates, &FixTarget::Nobody);
    explanation.title = format!("unauthorized: {name}");
    explanation.verdict = verdict;
    explanation.answer =
        format!("{NO_PRINCIPAL}, and you did not send it: the kubelet of {name} did. {}", capitalized(&text));
    explanation
}

/// Whether a principal is mapped, and as somebody who is no node: by an entry of type STANDARD, or by a row without the
/// group of nodes. Other types are for nodes, whatever EKS shows of their groups.
fn lacks_node_identity(resolution: &Resolution) -> bool {
    let Some(mapping) = resolution.mapping.as_ref() else { return false };
    let has_group = || resolution.identity.as_ref().is_some_and(|it| it.groups.iter().any(|it| it == NODES));
    match mapping.kind.as_deref() {
        Some(kind) => kind == "STANDARD",
        None => !has_group(),
    }
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
