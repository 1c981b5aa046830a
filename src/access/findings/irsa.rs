//! What is wrong with a service account's role by IRSA.
//!
//! Each rule pushes one finding per cause and says nothing where a fact that it needs was not read. What depends on the
//! trust policy's shape alone is in `trust_shape`.

use super::Severity::{Low, Medium};
use super::trust_shape::{SLIP, asks, host, of_claim, of_trust, ours, takes};
use super::{Finding, FindingId};
use crate::access::Verdict;
use crate::access::trust::{Clause, Got};
use crate::access::workload::credential_chain::{self as chain, InForce};
use crate::access::workload::token::IRSA_TOKEN;
use crate::access::workload::webhook::{SKIP_CONTAINERS, SKIP_LABEL, has_skip_label, skipped_containers};
use crate::access::workload::{Account, Answer, ChainLink, Irsa, Trust, Workloads, remedy};
use crate::model::policy::Effect;
use crate::model::principal::Principal;
use crate::model::snapshot::{DocumentRef, Evidence, Lookup};
use crate::model::wildcard::glob;
use crate::model::workload::{DEFAULT_AUDIENCE, Pod, ROLE_ARN_ANNOTATION};

pub(super) fn of_annotation(namespace: &str, name: &str) -> Evidence {
    let document = DocumentRef::ServiceAccount(namespace.to_owned(), name.to_owned());
    Evidence::new(document, format!("metadata.annotations.{ROLE_ARN_ANNOTATION}"))
}

pub(super) fn of_pod(pod: &Pod, path: &str) -> Evidence {
    let namespace = pod.metadata.namespace.clone().unwrap_or_default();
    Evidence::new(DocumentRef::Pod(namespace, pod.metadata.name.clone()), path)
}

/// `a, b and 3 more`
pub(super) fn names(pods: &[&Pod]) -> String {
    const MOST: usize = 3;
    let shown: Vec<&str> = pods.iter().take(MOST).map(|it| it.metadata.name.as_str()).collect();
    match pods.len().checked_sub(MOST).filter(|it| *it > 0) {
        Some(more) => format!("{} and {more} more", shown.join(", ")),
        None => shown.join(", "),
    }
}

/// Whether it is refused because an Allow asks for a key that no such request has. `Null` asks for no key, and a Deny that
/// applies because the key is absent is another matter.
pub(super) fn lacks_key(denied: &Answer, trust: &Trust<'_>) -> bool {
    let allows = denied.statement.as_ref().and_then(|it| trust.policy().ok()?.statements.get(it.index)?.effect)
        == Some(Effect::Allow);
    let lacks = |it: &Clause| it.got == Got::Absent && !it.operator.eq_ignore_ascii_case("Null");
    allows && denied.clause.as_ref().is_some_and(lacks)
}

/// The findings of an annotated service account.
pub(super) fn of_account(
    workloads: &Workloads<'_>,
    (namespace, name): (&str, &str),
    account: &Account<'_>,
    pods: &[&Pod],
) -> Vec<Finding> {
    let mut out = Vec::new();
    if account.itself.is_some_and(|it| it.has_empty_role_arn()) {
        let why = "its annotation is empty: the webhook takes that for none, and new pods get no role by it";
        out.push(Finding::new(Medium, FindingId::IrsaAnnotationNoArn, why, &of_annotation(namespace, name)));
    }
    if let Some(irsa) = &account.irsa {
        let evidence = of_annotation(namespace, name);
        of_binding(workloads, (namespace, name), irsa, &evidence, &mut out);
        if account.association.is_some() {
            let why = "a Pod Identity association of the same service account takes over in pods made after it; pods made \
                       before keep IRSA until they are recreated";
            let key = ROLE_ARN_ANNOTATION;
            let mend = remedy::drop_annotation(namespace, name, key);
            out.push(Finding::new(Low, FindingId::IrsaAndPodIdentity, why, &evidence).with([mend]));
        }
    }
    of_pods(workloads, (namespace, name), account, pods, &mut out);
    out
}

fn of_binding(
    workloads: &Workloads<'_>,
    (namespace, name): (&str, &str),
    irsa: &Irsa,
    evidence: &Evidence,
    out: &mut Vec<Finding>,
) {
    let from = out.len();
    let step = |link, outcome| irsa.steps.iter().find(|it| it.link == link && it.outcome == Some(outcome));
    let Some(role) = &irsa.role else {
        let why = format!("{}; the webhook hands it to pods all the same, and STS refuses it", irsa.answer.because);
        out.push(Finding::new(Medium, FindingId::IrsaAnnotationNoArn, why, evidence));
        return;
    };
    if let Some(step) = step(ChainLink::Role, Verdict::No) {
        let (id, mend) = match workloads.trust(role) {
            Lookup::Found(it) => (FindingId::IrsaRolePath, vec![remedy::annotate(namespace, name, &it.detail.arn)]),
            _ => (FindingId::IrsaRoleMissing, Vec::new()),
        };
        out.push(Finding::new(Medium, id, step.text.clone(), evidence).with(mend));
        return;
    }
    let (_, iam) = workloads.facts();
    if iam.account.as_ref().is_some_and(|own| *own != role.account) {
        let mut twin = role.clone();
        twin.account = iam.account.clone().unwrap_or_default();
        if let Lookup::Found(it) = workloads.trust(&twin) {
            let why = format!(
                "the role is of account {}, and this account has one of the same name, {}: is that the one that is meant?",
                role.account, it.detail.arn
            );
            let mend = remedy::annotate(namespace, name, &it.detail.arn);
            out.push(Finding::new(SLIP, FindingId::IrsaRoleAccount, why, evidence).with([mend]));
        }
    }
    of_partition(workloads, (namespace, name), irsa, role, evidence, out);
    if let Lookup::Found(trust) = workloads.trust(role) {
        out.extend(of_trust(workloads, trust, role));
        of_claims(irsa, trust, evidence, out);
    }
    let cluster = workloads.facts().0.cluster.value();
    if let (Some(step), Some(cluster)) = (step(ChainLink::Provider, Verdict::No), cluster) {
        let region = cluster.arn.as_deref().and_then(|it| it.split(':').nth(3)).unwrap_or_default();
        let issuer = cluster.issuer().unwrap_or_default();
        let audience = irsa.audience.as_deref().unwrap_or(DEFAULT_AUDIENCE);
        let provider = irsa.provider.as_deref().unwrap_or_default();
        let mend = remedy::provider(&cluster.name, region, issuer, provider, audience);
        out.push(Finding::new(Medium, FindingId::IrsaProviderMissing, step.text.clone(), evidence).with(mend));
    }
    if let (Some(step), Some(provider), Some(audience)) =
        (step(ChainLink::Audience, Verdict::No), &irsa.provider, &irsa.audience)
    {
        let mend = remedy::client_id(provider, audience);
        out.push(Finding::new(Medium, FindingId::IrsaProviderAudience, step.text.clone(), evidence).with([mend]));
    }
    let denied = irsa.trust.as_ref().filter(|it| it.outcome == Verdict::No);
    if let (Some(denied), Lookup::Found(trust)) = (denied, workloads.trust(role)) {
        let effect = denied.statement.as_ref().and_then(|it| trust.policy().ok()?.statements.get(it.index)?.effect);
        let by_deny = effect == Some(Effect::Deny);
        if by_deny {
            out.push(Finding::new(Medium, FindingId::IrsaExplicitDeny, denied.because.clone(), evidence));
        }
        if lacks_key(denied, trust) && !out.iter().skip(from).any(|it| MISWRITTEN_KEY.contains(&it.id)) {
            let why = format!(
                "{}: no request of a service account has that key, so that the statement never applies",
                denied.because
            );
            out.push(Finding::new(Medium, FindingId::IrsaKeyAbsent, why, evidence));
        }
        let explained = out.iter().skip(from).any(|it| it.severity <= Medium);
        if !explained {
            out.push(Finding::new(Medium, FindingId::IrsaDenied, denied.because.clone(), evidence));
        }
        // What would let it in goes with the first that says why it is not.
        let mend = irsa.provider.as_ref().filter(|_| !by_deny).map(|provider| {
            let audience = irsa.audience.as_deref().unwrap_or(DEFAULT_AUDIENCE);
            [remedy::irsa_statement(provider, &irsa.subject, audience), remedy::update_trust(&role.name)]
        });
        if let (Some(first), Some(mend)) = (out.iter_mut().skip(from).find(|it| it.remedy.is_empty()), mend) {
            first.remedy.extend(mend);
        }
    }
    // A role that lets in too many is mended by the same statement.
    for finding in out.iter_mut().skip(from).filter(|it| it.remedy.is_empty() && WIDE.contains(&it.id)) {
        if let (Some(provider), Some(audience)) = (&irsa.provider, &irsa.audience) {
            finding.remedy =
                vec![remedy::irsa_statement(provider, &irsa.subject, audience), remedy::update_trust(&role.name)];
        }
    }
}

/// An ARN of another partition, where the cluster's partition has a role of that name that lets this service account in: the
/// partition is a slip.
fn of_partition(
    workloads: &Workloads<'_>,
    (namespace, name): (&str, &str),
    irsa: &Irsa,
    role: &Principal,
    evidence: &Evidence,
    out: &mut Vec<Finding>,
) {
    let Some(own) = workloads.cluster_partition().filter(|own| *own != role.partition) else { return };
    let twin = Principal { partition: own.to_owned(), ..role.clone() };
    let Lookup::Found(found) = workloads.trust(&twin) else { return };
    let arn = &found.detail.arn;
    if workloads.irsa_of(namespace, name, arn, irsa.audience.as_deref()).answer.outcome != Verdict::Yes {
        return;
    }
    let why = format!(
        "the annotation names a role of partition {}, and the cluster is in {own}, where {arn} lets this service account in: \
         that one is most likely meant",
        role.partition
    );
    let mend = remedy::annotate(namespace, name, arn);
    out.push(Finding::new(Medium, FindingId::IrsaRolePartition, why, evidence).with([mend]));
}

/// A key that is absent because it is written wrongly is told so.
const MISWRITTEN_KEY: [FindingId; 2] = [FindingId::IrsaKeyMalformed, FindingId::IrsaKeyOtherIssuer];

const WIDE: [FindingId; 5] = [
    FindingId::IrsaNoSubject,
    FindingId::IrsaSubjectWide,
    FindingId::IrsaForAllValues,
    FindingId::IrsaIfExists,
    FindingId::IrsaNoAudience,
];

/// Audience and subject against what the statements for this cluster ask.
fn of_claims(irsa: &Irsa, trust: &Trust<'_>, evidence: &Evidence, out: &mut Vec<Finding>) {
    let Some(provider) = irsa.provider.as_deref() else { return };
    let Some(own) = host(provider) else { return };
    let statements: Vec<_> = ours(trust, provider).collect();
    let refuses = |claim: &'static str, value: &str| {
        !statements.is_empty()
            && statements.iter().all(|it| of_claim(it, own, claim).any(|it| asks(it) && !takes(it, value)))
    };
    let wanted = |claim: &'static str| -> Vec<String> {
        let all = statements.iter().flat_map(|it| of_claim(it, own, claim)).filter(|it| asks(it));
        all.flat_map(|it| it.values.iter().cloned()).collect()
    };
    let list = |all: &[String]| all.iter().map(|it| format!("{it:?}")).collect::<Vec<_>>().join(", ");
    if let Some(audience) = irsa.audience.as_deref().filter(|it| refuses("aud", it)) {
        let why =
            format!("its token is made out for {audience:?}, and the trust policy asks for {}", list(&wanted("aud")));
        out.push(Finding::new(Medium, FindingId::IrsaAudienceMismatch, why, evidence));
    }
    let all = wanted("sub");
    // A star that is taken literally has a finding of its own.
    if refuses("sub", &irsa.subject) && !all.iter().any(|it| glob(it, &irsa.subject)) {
        let case = all.iter().find(|it| it.to_lowercase() == irsa.subject.to_lowercase());
        let near = all.iter().find(|it| distance(it, &irsa.subject) <= 2);
        let why = match (case, near) {
            (Some(other), _) => format!(
                "the trust policy names {other:?}, which differs from {:?} in case only, and case counts",
                irsa.subject
            ),
            (None, Some(other)) => {
                format!(
                    "the trust policy names {other:?}, nearly but not quite {:?}: a slip in one of them",
                    irsa.subject
                )
            }
            (None, None) => format!("the trust policy names {}, and not {:?}", list(&all), irsa.subject),
        };
        out.push(Finding::new(Medium, FindingId::IrsaSubjectMismatch, why, evidence));
    }
}

/// In how many letters two texts differ (insertions, deletions, replacements); beyond a few it does not matter.
fn distance(a: &str, b: &str) -> usize {
    if a.len().abs_diff(b.len()) > 2 || a.len() > 512 {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let next = (left + 1).min(*cell + 1).min(diagonal + usize::from(x != *y));
            diagonal = *cell;
            *cell = next;
            left = next;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

/// The findings that are about pods: what they have against what a new pod would get.
fn of_pods(workloads: &Workloads<'_>, key: (&str, &str), account: &Account<'_>, pods: &[&Pod], out: &mut Vec<Finding>) {
    let annotated = account.itself.and_then(|it| it.role_arn());
    let (mut without, mut hand, mut labelled, mut skipping, mut on_pod) = (vec![], vec![], vec![], vec![], vec![]);
    for pod in pods.iter().copied() {
        let (identities, _) = chain::identities(pod);
        let bare = |it: &&chain::ContainerIdentity| it.in_force == InForce::NodeRole;
        let own: Vec<_> = identities.iter().filter(|it| !it.init).collect();
        let expects = annotated.is_some() || account.association.is_some();
        let names = skipped_containers(pod);
        let bare_own = || own.iter().copied().filter(bare);
        let skipped: Vec<&str> =
            bare_own().map(|it| it.name.as_str()).filter(|it| names.iter().any(|n| n == it)).collect();
        if has_skip_label(pod) && expects && bare_own().next().is_some() {
            labelled.push(pod);
        } else if !skipped.is_empty() && expects {
            skipping.push((pod, skipped.join(", ")));
        } else if annotated.is_some()
            && account.association.is_none()
            && bare_own().next().is_some()
            && let Some(new) = workloads.identities_if_recreated(key, account, pod)
            && identities
                .iter()
                .zip(&new)
                .any(|(has, gets)| !has.init && has.in_force == InForce::NodeRole && gets.in_force == InForce::Irsa)
        {
            without.push(pod);
        }
        // The webhook leaves a container alone that has either variable already.
        let by_hand = |it: &crate::model::workload::Container| {
            let role = chain::has(it, chain::ROLE_ARN);
            let token = chain::has(it, chain::TOKEN_FILE);
            let other_token = chain::value(it, chain::TOKEN_FILE).is_none_or(|it| !IRSA_TOKEN.is_at(it));
            (role != token) || (role && token && other_token)
        };
        let all = pod.spec.containers.iter().chain(&pod.spec.init_containers);
        if all.into_iter().any(by_hand) {
            hand.push(pod);
        }
        let theirs = pod.metadata.annotations.get(ROLE_ARN_ANNOTATION).map(String::as_str);
        if theirs.is_some() && theirs != annotated {
            on_pod.push((pod, theirs.unwrap_or_default()));
        }
    }
    if let [first, ..] = without.as_slice() {
        let why = format!(
            "{} has none of the variables that the webhook writes: created before the annotation, or while the webhook was out; \
             it runs without the role until it is recreated",
            names(&without)
        );
        let mend = remedy::restart(first);
        out.push(Finding::new(Medium, FindingId::IrsaPodOlder, why, &of_pod(first, "spec.containers")).with([mend]));
    }
    if let [first, ..] = hand.as_slice() {
        let wins = if account.association.is_some() {
            "; web identity comes first in every SDK, so that the Pod Identity association never gets its turn"
        } else {
            ""
        };
        let why = format!(
            "{} sets web identity's variables by hand: the webhook leaves such a container as it is{wins}",
            names(&hand)
        );
        let mend = remedy::drop_variables(first);
        out.push(Finding::new(Medium, FindingId::IrsaEnvPreset, why, &of_pod(first, "spec.containers")).with(mend));
    }
    if let [first, ..] = labelled.as_slice() {
        let why = format!(
            "{} carries the label {SKIP_LABEL}, so that the webhook leaves it alone: it runs without the role",
            names(&labelled)
        );
        out.push(Finding::new(Medium, FindingId::IrsaSkipped, why, &of_pod(first, "metadata.labels")));
    }
    if let [(first, which), ..] = skipping.as_slice() {
        let why = format!(
            "{} asks the webhook to skip container {which} ({SKIP_CONTAINERS}): that runs without the role",
            first.metadata.name
        );
        out.push(Finding::new(Medium, FindingId::IrsaSkipped, why, &of_pod(first, "metadata.annotations")));
    }
    if let [(first, arn), ..] = on_pod.as_slice() {
        let why = format!(
            "{} carries {ROLE_ARN_ANNOTATION} itself, where nothing reads it: it belongs on the service account",
            first.metadata.name
        );
        let namespace = first.metadata.namespace.as_deref().unwrap_or_default();
        let mend = remedy::annotate(namespace, first.service_account(), arn);
        out.push(
            Finding::new(Medium, FindingId::IrsaAnnotationOnPod, why, &of_pod(first, "metadata.annotations"))
                .with([mend]),
        );
    }
}
