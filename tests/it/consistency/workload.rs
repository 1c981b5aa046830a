//! Which AWS role a workload gets: the panes, why-sa, why-pod, why-role, trust, posture, and the roles of nodes.

use std::collections::BTreeSet;

use eksplorer::access::Mark;
use eksplorer::access::Verdict;
use eksplorer::access::findings::{Finding, Severity};
use eksplorer::access::posture::Standing;
use eksplorer::access::role_use::RoleUse;
use eksplorer::access::trust::{Document, PodIdentity, Request, evaluate};
use eksplorer::access::workload::place::NodeRole;
use eksplorer::access::workload::role::HolderKind;
use eksplorer::access::workload::{ChainLink, InForce, Step, Why, webhook};
use eksplorer::model::principal::{Asked, Principal};

use super::{Dice, Ground, Suite};

pub(super) fn ask(ground: &Ground<'_>, dice: &mut Dice, suite: &mut Suite) {
    panes(ground, suite);
    for ((namespace, name), _) in ground.engines.workloads().accounts() {
        let Some(why) = ground.engines.workloads().why_account(namespace, name) else { continue };
        account(ground, &why, suite);
        trust(ground, &why, suite);
    }
    for pod in dice.some(ground.facts.pods.items(), 24) {
        if !pod.has_ended() {
            let why = ground.engines.workloads().why_pod(pod);
            of_pod(ground, &why, suite);
        }
    }
    roles(ground, suite);
}

fn panes(ground: &Ground<'_>, suite: &mut Suite) {
    let workloads = ground.engines.workloads();
    for row in ground.rows.irsa.iter().filter(|it| it.annotated && !it.role_arn.is_empty()) {
        let about = format!("{}/{}", row.namespace, row.service_account);
        let Some(why) = workloads.why_account(&row.namespace, &row.service_account) else {
            suite.holds("list irsa ↔ why-sa", false, || format!("{about} is not known to why-sa"));
            continue;
        };
        let wanted = match why.others.iter().any(|it| it.mechanism == InForce::Irsa) {
            true => Mark::Shadowed,
            false => why.answer.outcome.mark(),
        };
        suite.same("list irsa ↔ why-sa", &about, row.mark, wanted);
        suite.same("list pods ↔ why-sa", &about, row.pods, why.pods_unread.is_none().then_some(why.pods.len()));
    }
    let mut first = BTreeSet::new();
    for row in ground.rows.pod_identity.iter().filter(|it| !it.namespace.is_empty()) {
        let about = format!("{}/{}", row.namespace, row.service_account);
        // Of several, new pods use the first.
        if !first.insert(about.clone()) {
            continue;
        }
        let why = workloads.why_account(&row.namespace, &row.service_account);
        let outcome = why.as_ref().map(|it| it.answer.outcome.mark());
        suite.same("list pod-identity ↔ why-sa", &about, Some(row.mark), outcome);
        let role = why.as_ref().and_then(|it| it.role_arn.clone());
        suite.same("list pod-identity ↔ why-sa", &about, row.role_arn.clone(), role);
        let pods = why.as_ref().filter(|it| it.pods_unread.is_none()).map(|it| it.pods.len());
        suite.same("list pods ↔ why-sa", &about, row.pods, pods);
    }
    let agent = ground.rows.posture.iter().find(|it| it.id.to_string() == "pod-identity-agent");
    let agent = agent.expect("the control").standing;
    for row in ground.rows.pod_identity.iter().filter(|it| !it.namespace.is_empty()) {
        // With an association, the highest is only told where the agent runs nowhere.
        let agree = agent != Standing::Finding(Severity::High) || row.mark == Mark::Dead;
        suite.holds("posture ↔ list pod-identity", agree, || format!("{agent} and {row:?}"));
    }
}

/// A link of a chain.
fn link(steps: &[Step], link: ChainLink) -> Option<&Step> {
    steps.iter().find(|it| it.link == link)
}

fn known(ground: &Ground<'_>, finding: &Finding) -> bool {
    ground.audit.items.iter().any(|it| it.id == finding.id && it.because == finding.sentence)
}

fn account<'a>(ground: &Ground<'a>, why: &Why<'a>, suite: &mut Suite) {
    let workloads = ground.engines.workloads();
    let about = format!("{}/{}", why.namespace, why.service_account);
    for it in &why.pods {
        let pod = workloads.why_pod(it.pod);
        let left = (it.in_force, &it.role_arn, it.answer.outcome);
        suite.same("why-sa pods ↔ why-pod", &about, left, (pod.in_force, &pod.role_arn, pod.answer.outcome));
    }
    for finding in &why.findings {
        suite.holds("why-sa findings ↔ audit", known(ground, finding), || format!("{about}: {finding:?}"));
    }
    let Some(arn) = &why.role_arn else { return };
    let Ok((role, None)) = Principal::from_arn(arn) else { return };
    let holders = workloads.why_role(&role).holders;
    let is_it = |kind, name: &str, mechanism: Option<InForce>| {
        kind == HolderKind::ServiceAccount && name == about && mechanism == Some(why.in_force)
    };
    let found = holders.iter().find(|it| is_it(it.kind, &it.name, it.mechanism)).map(|it| it.outcome);
    // A role of a pod that is in no fact of the mechanism (keys, nodes) is not the service account's.
    // A role lets an annotated account in whatever association comes first for new pods; without them that is not known.
    let unread = ground.facts.pod_identity_associations.gap().is_some();
    if !unread && matches!(why.in_force, InForce::Irsa | InForce::PodIdentity) {
        suite.same("why-sa ↔ why-role", &about, found, Some(why.answer.outcome));
    }
}

/// What `trust` says of the request that a pod's token makes, against the link of the chain.
fn trust(ground: &Ground<'_>, why: &Why<'_>, suite: &mut Suite) {
    let about = format!("{}/{}", why.namespace, why.service_account);
    let (Some(arn), Some(step)) = (&why.role_arn, link(&why.steps, ChainLink::Trust)) else { return };
    let role = ground.iam.roles.items().iter().find(|it| it.arn == *arn);
    let Some(Ok(policy)) = role.and_then(|it| it.assume_role_policy_document.as_ref()).map(Document::from_value) else {
        return;
    };
    let account = arn.split(':').nth(4).unwrap_or_default();
    let cluster = ground.facts.cluster.value();
    let request = match why.in_force {
        InForce::Irsa => {
            let (Some(issuer), Some(audience)) = (cluster.and_then(|it| it.issuer()), &why.audience) else { return };
            let partition = arn.split(':').nth(1).unwrap_or_default();
            let host = issuer.trim_start_matches("https://");
            let provider = format!("arn:{partition}:iam::{account}:oidc-provider/{host}");
            let sub = format!("system:serviceaccount:{}:{}", why.namespace, why.service_account);
            Request::web_identity(&provider, issuer, &sub, std::slice::from_ref(audience))
        }
        InForce::PodIdentity => {
            let Some(cluster_arn) = cluster.and_then(|it| it.arn.as_deref()) else { return };
            let of = ground.facts.pod_identity_associations.items().iter();
            let mut of: Vec<_> =
                of.filter(|it| it.namespace == why.namespace && it.service_account == why.service_account).collect();
            of.sort_by(|a, b| a.association_id.cmp(&b.association_id));
            Request::pod_identity(&PodIdentity {
                cluster_arn,
                namespace: &why.namespace,
                service_account: &why.service_account,
                pod_name: None,
                pod_uid: None,
                disable_session_tags: of[0].disable_session_tags == Some(true),
            })
        }
        _ => return,
    };
    let verdict = evaluate(&policy, &request.to_account(account)).verdict;
    suite.same("trust ↔ why-sa", &about, Some(verdict), step.outcome);
}

fn of_pod<'a>(ground: &Ground<'a>, why: &Why<'a>, suite: &mut Suite) {
    let workloads = ground.engines.workloads();
    let pod = why.pod.expect("a pod");
    let about = format!("{}/{}", why.namespace, pod.metadata.name);
    if let (Some(arn), true) = (&why.role_arn, matches!(why.in_force, InForce::Irsa | InForce::PodIdentity))
        && let Ok((role, None)) = Principal::from_arn(arn)
    {
        let holders = workloads.why_role(&role).holders;
        let found = holders
            .iter()
            .find(|it| it.kind == HolderKind::Pod && it.name == about && it.mechanism == Some(why.in_force));
        suite.same("why-pod ↔ why-role", &about, found.map(|it| it.outcome), Some(why.answer.outcome));
    }
    if let (Some(new), Some(account)) = (&why.new_pod, workloads.why_account(&why.namespace, &why.service_account)) {
        // A pod whose spec is its own affair may get something else than a bare one.
        let plain = !webhook::has_skip_label(pod)
            && pod.spec.containers.len() == 1
            && pod.spec.host_network != Some(true)
            && pod.spec.node_selector.is_empty()
            && webhook::strip(pod).pod.spec.containers[0]
                .env
                .iter()
                .all(|it| !it.name.starts_with("AWS_") && !it.name.ends_with("PROXY"))
            && pod.spec.containers[0].env_from.is_empty();
        if plain && new.in_force == account.in_force && new.patched_now.is_some() {
            let (left, right) = (&new.role_arn, &account.role_arn);
            suite.same("why-pod, recreated ↔ why-sa", &about, left, right);
            suite.same("why-pod, recreated ↔ why-sa", &about, new.answer.outcome, account.answer.outcome);
        }
    }
    // The agent on the pod's node, against the control.
    let control = ground.rows.posture.iter().find(|it| it.id.to_string() == "pod-identity-agent").expect("the control");
    if let Some(step) = link(&why.steps, ChainLink::Agent) {
        let absent = control.standing == Standing::Finding(Severity::High);
        let agree = !(absent && step.outcome == Some(Verdict::Yes));
        suite.holds("posture ↔ why-pod", agree, || format!("{about}: {} and {step:?}", control.because));
        let everywhere = control.standing == Standing::Good && control.because.starts_with("ready on all");
        let place = workloads.place(pod);
        use eksplorer::access::workload::place::Kind;
        let able = matches!(place.kind, Kind::Ec2 | Kind::Auto) && place.node.is_some();
        let agree = !(everywhere && able && step.outcome == Some(Verdict::No));
        suite.holds("posture ↔ why-pod", agree, || format!("{about}: {} and {step:?}", control.because));
    }
    // Its node's role is one of those that the Roles pane has.
    let arns: Vec<&str> = match workloads.place(pod).role {
        NodeRole::Known(arn) => vec![arn],
        NodeRole::OneOf(all) => all,
        NodeRole::None | NodeRole::Unknown(_) => Vec::new(),
    };
    for arn in arns {
        let name = arn.rsplit('/').next();
        let row = ground.rows.roles.iter().any(|it| it.role_arn.rsplit('/').next() == name);
        suite.holds("list roles ↔ why-pod", row, || format!("{about}: {arn} is in no row"));
    }
}

fn roles(ground: &Ground<'_>, suite: &mut Suite) {
    let workloads = ground.engines.workloads();
    for row in &ground.rows.roles {
        let Some(principal) = &row.principal else { continue };
        let about = format!("{} {}", row.used_by, row.role_arn);
        let resolution = ground.engines.resolver().resolve(&Asked::listed(principal.clone()));
        if row.used_by.must_get_in() && !matches!(row.used_by, RoleUse::Capability(_)) {
            let agree = match (row.mark, resolution.verdict) {
                (Mark::InForce | Mark::Unverified, verdict) => verdict == Verdict::Yes,
                (Mark::Unknown, verdict) => verdict != Verdict::No,
                _ => true,
            };
            let told = || format!("{about}: {:?} {} and {:?}", row.mark, row.because, resolution.verdict);
            suite.holds("list roles ↔ trace", agree, told);
        }
        let trust = row.check.as_ref().and_then(|it| it.trust.as_ref());
        if let (RoleUse::Nodegroup(name), Some(trust)) = (&row.used_by, trust) {
            let holders = workloads.why_role(principal).holders;
            let found = holders.iter().find(|it| it.kind == HolderKind::Nodegroup && it.name == *name);
            suite.same("list roles ↔ why-role", &about, found.map(|it| it.outcome), Some(trust.verdict));
        }
    }
}
