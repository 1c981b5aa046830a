//! What is wrong with a Pod Identity association.
//!
//! Each rule pushes one finding per cause and says nothing where a fact that it needs was not read. Of what may keep a pod
//! from the agent a proxy and network policies are seen; firewalls on the node are not.

use std::collections::BTreeMap;

use super::Severity::{High, Low, Medium};
use super::irsa::{lacks_key, names, of_pod};
use super::{Finding, FindingId};
use crate::access::Verdict;
use crate::access::iam::request::TAG_SESSION;
use crate::access::workload::agent::AGENT;
use crate::access::workload::credential_chain::{self as chain, InForce};
use crate::access::workload::place::{Kind, NodeRole, Presence};
use crate::access::workload::reach::{self, Reach};
use crate::access::workload::{Account, Answer, Association, ChainLink, Workloads, remedy};
use crate::model::aws_command::{AssociationChanges, EksCommands};
use crate::model::cluster::Cluster;
use crate::model::network::NetworkPolicy;
use crate::model::principal::Principal;
use crate::model::snapshot::{DocumentRef, Evidence, Lookup};
use crate::model::workload::{Pod, PodIdentityAssociation};

pub(super) fn of_document(it: &PodIdentityAssociation, path: &str) -> Evidence {
    Evidence::new(DocumentRef::PodIdentityAssociation(it.association_id.clone()), path)
}

/// The findings of one association, judged.
pub(super) fn of_association(
    workloads: &Workloads<'_>,
    it: &PodIdentityAssociation,
    judged: &Association,
    account: &Account<'_>,
    pods: &[&Pod],
) -> Vec<Finding> {
    let mut out = Vec::new();
    let cluster = workloads.facts().0.cluster.value();
    of_role(workloads, it, judged, cluster, &mut out);
    of_names(workloads, it, account, cluster, &mut out);
    of_itself(workloads, it, cluster, &mut out);
    of_pods(workloads, it, account, pods, cluster, &mut out);
    out
}

fn eks(cluster: Option<&Cluster>) -> EksCommands<'_> {
    cluster.map_or(EksCommands { region: "", cluster: "" }, Cluster::commands)
}

fn of_role(
    workloads: &Workloads<'_>,
    it: &PodIdentityAssociation,
    judged: &Association,
    cluster: Option<&Cluster>,
    out: &mut Vec<Finding>,
) {
    let evidence = of_document(it, "roleArn");
    let tags = it.disable_session_tags != Some(true);
    let statement = || {
        let arn = cluster.and_then(|it| it.arn.as_deref())?;
        let role = judged.role.as_ref()?;
        let statement = remedy::pod_identity_statement(arn, &it.namespace, &it.service_account, tags);
        Some([statement, remedy::update_trust(&role.name)])
    };
    let role_step = judged.steps.iter().find(|step| step.link == ChainLink::Role && step.outcome == Some(Verdict::No));
    if let Some(step) = role_step {
        let own = cluster.and_then(|it| it.account());
        let foreign = judged.role.as_ref().is_some_and(|role| own.is_some_and(|own| own != role.account));
        let id = if foreign { FindingId::PodIdentityRoleAccount } else { FindingId::PodIdentityRoleMissing };
        out.push(Finding::new(Medium, id, step.text.clone(), &evidence));
    }
    let found = judged.role.as_ref().map(|role| workloads.trust(role));
    if let Some(Lookup::Found(trust)) = &found
        && let (Some(made), Some(set)) = (trust.detail.create_date, it.modified_at.or(it.created_at))
        && made > set
    {
        let why = format!(
            "its role was made on {}, after the association was last set on {}: a role made again under an old name; whether \
             EKS goes on using it is not documented, so save the association once more if pods are refused",
            made.date(),
            set.date()
        );
        let mend = judged.role_arn.as_deref().map(|arn| {
            let changes = AssociationChanges { role_arn: Some(arn), ..AssociationChanges::default() };
            remedy::update_association(eks(cluster), &it.association_id, &changes)
        });
        out.push(Finding::new(Low, FindingId::PodIdentityRoleRecreated, why, &evidence).with(mend));
    }
    // Where the cluster's account is not known, the role may be another's, and that is told instead.
    let own = cluster.is_some_and(|it| it.arn.is_some());
    if let Some(denied) = judged.trust.as_ref().filter(|it| own && it.outcome == Verdict::No) {
        let on_tag =
            |it: &Answer| it.clause.as_ref().is_some_and(|it| it.key.to_lowercase().starts_with("aws:requesttag/"));
        let tagging = denied.action.as_deref() == Some(TAG_SESSION);
        let absent = matches!(&found, Some(Lookup::Found(trust)) if lacks_key(denied, trust));
        let (id, why) = if absent && !on_tag(denied) {
            let why = format!(
                "{}: no request of Pod Identity has that key, so that the statement never applies",
                denied.because
            );
            (FindingId::PodIdentityKeyAbsent, why)
        } else if on_tag(denied) {
            (FindingId::PodIdentityTagCondition, denied.because.clone())
        } else if tagging {
            (
                FindingId::PodIdentityNoTagSession,
                format!("{}: Pod Identity tags every session, unless the association turns that off", denied.because),
            )
        } else {
            (FindingId::PodIdentityNoTrust, denied.because.clone())
        };
        out.push(Finding::new(Medium, id, why, &evidence).with(statement().into_iter().flatten()));
    }
    // What a policy of the first role's own bars is said of that role, below; no trust policy would give it.
    let barred = judged.lacks.as_ref().is_some_and(|it| it.denied);
    if let Some(denied) = judged.then.as_ref().filter(|it| it.outcome == Verdict::No && !barred) {
        let first = judged.role_arn.as_deref().unwrap_or_default();
        let mend = [remedy::target_statement(first, tags, it.external_id.as_deref())];
        let why = denied.because.clone();
        out.push(Finding::new(Medium, FindingId::PodIdentityTarget, why, &of_document(it, "targetRoleArn")).with(mend));
    }
    if let (Some(lacks), Some(first), Some(target)) = (&judged.lacks, &judged.role, judged.target.as_deref()) {
        // Where a policy denies it, that one is to be looked at; another would change nothing.
        let mend = (!lacks.denied).then(|| remedy::assume_policy(&first.name, target, lacks.actions));
        let evidence = Evidence::new(DocumentRef::IamRole(first.name.clone()), "RolePolicyList");
        out.push(Finding::new(Medium, FindingId::PodIdentityTarget, lacks.because.clone(), &evidence).with(mend));
    }
}

fn of_names(
    workloads: &Workloads<'_>,
    it: &PodIdentityAssociation,
    account: &Account<'_>,
    cluster: Option<&Cluster>,
    out: &mut Vec<Finding>,
) {
    let (facts, _) = workloads.facts();
    let (namespace, service_account) = (&it.namespace, &it.service_account);
    let delete = || remedy::delete_association(eks(cluster), &it.association_id);
    if facts.namespaces.lookup(|it| it.metadata.name == *namespace, |it| it == namespace) == Lookup::Absent {
        let why =
            format!("the cluster has no namespace {namespace}; EKS does not check, and the association does nothing");
        out.push(
            Finding::new(Medium, FindingId::PodIdentityNoNamespace, why, &of_document(it, "namespace"))
                .with([delete()]),
        );
    } else if account.itself.is_none() && facts.service_accounts.gap().is_none() {
        let why = format!(
            "the cluster has no service account {namespace}/{service_account}; EKS does not check, and the association does \
             nothing"
        );
        let mend = [remedy::create_service_account(namespace, service_account), delete()];
        out.push(
            Finding::new(Medium, FindingId::PodIdentityNoServiceAccount, why, &of_document(it, "serviceAccount"))
                .with(mend),
        );
    }
    if account.irsa.is_some() {
        let why = "the service account carries an IRSA annotation too: pods made after the association use Pod Identity, those \
                   made before keep IRSA until they are recreated";
        let mend = remedy::drop_annotation(namespace, service_account, crate::model::workload::ROLE_ARN_ANNOTATION);
        out.push(Finding::new(Low, FindingId::IrsaAndPodIdentity, why, &of_document(it, "")).with([mend]));
    }
}

fn of_itself(
    workloads: &Workloads<'_>,
    it: &PodIdentityAssociation,
    cluster: Option<&Cluster>,
    out: &mut Vec<Finding>,
) {
    if let Presence::Absent(why) = &workloads.ground().agent {
        let why = format!("{why}: no pod gets credentials by Pod Identity");
        let (addon, set) = (workloads.agent().add_on(), workloads.agent().daemon_set());
        let mend = match addon == Lookup::Absent && *set == Lookup::Absent {
            true => vec![remedy::agent(eks(cluster))],
            false => {
                let installed = matches!(addon, Lookup::Found(_));
                remedy::look_at_agent(eks(cluster), installed, *set != Lookup::Absent)
            }
        };
        out.push(Finding::new(High, FindingId::PodIdentityAgentMissing, why, &of_document(it, "")).with(mend));
    }
    if it.policy.is_some() && it.disable_session_tags != Some(true) {
        let why = "it has a session policy, which EKS takes only with session tags turned off (disableSessionTags)";
        let mend = {
            let changes = AssociationChanges { disable_session_tags: Some(true), ..AssociationChanges::default() };
            remedy::update_association(eks(cluster), &it.association_id, &changes)
        };
        out.push(
            Finding::new(Medium, FindingId::PodIdentityPolicyWithTags, why, &of_document(it, "policy")).with([mend]),
        );
    }
    let Some(owner) = it.owner_arn.as_deref() else { return };
    let addons = &workloads.facts().0.addons;
    let own = it.association_arn.as_deref().unwrap_or_default();
    let addon = addons.lookup(|it| it.addon_arn.as_deref() == Some(owner), |name| it.is_owned_by(name));
    let evidence = of_document(it, "ownerArn");
    match addon {
        Lookup::Found(addon) => {
            let listed = addon.pod_identity_associations.iter().any(|it| it == own);
            let edited = (it.modified_at.zip(addon.modified_at)).is_some_and(|(mine, its)| mine > its);
            if !listed || edited {
                let how = if listed {
                    "and was changed after the add-on last was"
                } else {
                    "which does not list it among its own"
                };
                let why = format!(
                    "it is owned by the add-on {}, {how}: edits by hand are lost with the add-on's next update; change it \
                     through the add-on",
                    addon.addon_name
                );
                out.push(Finding::new(Low, FindingId::PodIdentityAddonDrift, why, &evidence));
            }
        }
        Lookup::Absent => {
            let why =
                format!("it is owned by {owner}, and the cluster has no such add-on: nothing looks after it any more");
            out.push(Finding::new(Low, FindingId::PodIdentityAddonDrift, why, &evidence));
        }
        Lookup::Unknown(_) => {}
    }
}

fn of_pods(
    workloads: &Workloads<'_>,
    it: &PodIdentityAssociation,
    account: &Account<'_>,
    pods: &[&Pod],
    cluster: Option<&Cluster>,
    out: &mut Vec<Finding>,
) {
    let (mut older, mut inert, mut agentless, mut refused, mut proxied) = (vec![], vec![], vec![], vec![], vec![]);
    // By the policies that bar, since each set of them is mended by itself.
    let mut barred: BTreeMap<Vec<&str>, (Vec<&Pod>, Vec<&NetworkPolicy>)> = BTreeMap::new();
    let (mut node_role, mut stalling) = (None, vec![]);
    for pod in pods.iter().copied() {
        let (identities, _) = chain::identities(pod);
        let place = workloads.place(pod);
        let uses = identities.iter().any(|it| it.in_force == InForce::PodIdentity);
        let before = (pod.metadata.creation_timestamp.zip(it.created_at)).is_some_and(|(pod, it)| pod < it);
        if matches!(place.kind, Kind::Fargate | Kind::Windows) {
            inert.push((pod, place.kind));
            continue;
        }
        let key = (it.namespace.as_str(), it.service_account.as_str());
        let would = || {
            let new = workloads.identities_if_recreated(key, account, pod).unwrap_or_default();
            new.iter().any(|it| it.in_force == InForce::PodIdentity)
        };
        // Where the pod runs and whether its service account is still there decide what it would get.
        let (facts, _) = workloads.facts();
        let known = (account.itself.is_some() || facts.service_accounts.gap().is_none())
            && (place.kind != Kind::Unknown || facts.nodes.gap().is_none());
        if before && !uses && known && would() {
            older.push(pod);
        }
        if !uses {
            continue;
        }
        let absent = matches!(&place.agent, Presence::Absent(_));
        if absent && !matches!(workloads.ground().agent, Presence::Absent(_)) {
            let stalled = pod.spec.node_name.as_deref().is_some_and(|it| workloads.ground().has_agent(it));
            if stalled { &mut stalling } else { &mut agentless }.push(pod);
        }
        if !absent && workloads.node_may_ask(&place).verdict == Verdict::No {
            node_role = node_role.or(match &place.role {
                NodeRole::Known(role) => Some(*role),
                NodeRole::OneOf(all) => all.first().copied(),
                _ => None,
            });
            refused.push(pod);
        }
        if let Reach::Barred(policies) = workloads.reach(pod) {
            let names = policies.iter().map(|it| it.metadata.name.as_str()).collect();
            barred.entry(names).or_insert_with(|| (Vec::new(), policies)).0.push(pod);
        }
        let own = pod.spec.containers.iter().zip(&identities);
        let mut asking = own.filter(|(_, it)| it.in_force == InForce::PodIdentity);
        if let Some((container, _)) = asking.find(|(it, _)| chain::is_proxied(it)) {
            proxied.push((pod, container));
        }
    }
    if let [first, ..] = older.as_slice() {
        let why = format!(
            "{} was created before the association and has none of its variables: until it is recreated, it runs without this \
             role",
            names(&older)
        );
        let mend = remedy::restart(first);
        out.push(
            Finding::new(Medium, FindingId::PodIdentityPodOlder, why, &of_pod(first, "metadata.creationTimestamp"))
                .with([mend]),
        );
    }
    if let [(first, kind), ..] = inert.as_slice() {
        let all: Vec<&Pod> = inert.iter().map(|(pod, _)| *pod).collect();
        let on = if *kind == Kind::Fargate { "Fargate" } else { "a Windows node" };
        let why = format!(
            "{} runs on {on}, where Pod Identity does not work: the association does nothing for it, and IRSA would",
            names(&all)
        );
        out.push(Finding::new(Medium, FindingId::PodIdentityInert, why, &of_pod(first, "spec.nodeName")));
    }
    let of_node = [
        (agentless, "without a pod of", "the agent's tolerations and node selector"),
        (stalling, "that has no ready pod of", "why that pod is not"),
    ];
    for (pods, whose, look) in &of_node {
        let Some(first) = pods.first() else { continue };
        let node = first.spec.node_name.as_deref().unwrap_or_default();
        let why = format!(
            "{} runs on a node {whose} {AGENT} ({node}): its calls for credentials fail; look at {look}",
            names(pods)
        );
        out.push(Finding::new(Medium, FindingId::PodIdentityAgentNotOnNode, why, &of_pod(first, "spec.nodeName")));
    }
    if let [first, ..] = refused.as_slice() {
        let role = node_role.unwrap_or_default();
        let partition = cluster.and_then(|it| it.arn.as_deref()?.split(':').nth(1)).unwrap_or("aws");
        let why = format!(
            "{} runs on a node whose role ({role}) may not call eks-auth:AssumeRoleForPodIdentity: the agent gets no \
             credentials there",
            names(&refused)
        );
        let named = Principal::from_arn(role).ok().map(|(role, _)| role.name);
        let mend = named.map(|name| remedy::worker_policy(partition, &name));
        out.push(Finding::new(Medium, FindingId::PodIdentityNodeRole, why, &of_pod(first, "spec.nodeName")).with(mend));
    }
    for (pods, policies) in barred.values() {
        let ([first, ..], [policy, ..]) = (pods.as_slice(), policies.as_slice()) else { continue };
        let agent = reach::agent_address(first);
        let why = format!("{}: {}", names(pods), reach::barred(policies, agent));
        let mend = remedy::open_way(policy, agent);
        let evidence = reach::of_policy(policy);
        out.push(Finding::new(Medium, FindingId::PodIdentityNetworkPolicy, why, &evidence).with([mend]));
    }
    if let [(first, container), ..] = proxied.as_slice() {
        let all: Vec<&Pod> = proxied.iter().map(|(pod, _)| *pod).collect();
        let why = format!(
            "{} sets HTTP_PROXY without NO_PROXY: its calls to the agent (169.254.170.23, [fd00:ec2::23]) go to the proxy and \
             fail, if its SDK takes a proxy for link-local addresses",
            names(&all)
        );
        let mend = remedy::spare_agent(first, &container.name);
        out.push(
            Finding::new(Medium, FindingId::PodIdentityBlocked, why, &of_pod(first, "spec.containers")).with(mend),
        );
    }
}
