//! What pods are refused by AWS: a token that STS or EKS Auth does not take, and calls that a pod makes as its node.
//!
//! Such messages seldom name the pod. Decides which service accounts of this cluster would be refused in that way today,
//! each judged by [`crate::access::workload`]; none is taken for the one that is meant unless the message says so.

use serde_json::json;

use super::aws::with;
use super::fix::FixTarget;
use super::message::{Iam, Message, PodIdentityFault, TokenFault, WebIdentity};
use super::others::NO_PRINCIPAL;
use super::walk::{Walk, finish};
use super::{Explanation, Ground, LeastStatement, StepName, StepState};
use crate::access::Verdict;
use crate::access::trust::evaluate;
use crate::access::workload::place::NodeRole;
use crate::access::workload::{InForce, Irsa, Workloads};
use crate::model::principal::{Asked, Principal};
use crate::model::snapshot::{DocumentRef, Evidence, Lookup};
use crate::model::workload::{DEFAULT_AUDIENCE, Pod, oidc_provider_arn};

/// So many service accounts are listed, and so many pods.
const MOST: usize = 12;
const MOST_PODS: usize = 6;

/// A service account that may be meant, and what would come of it today.
struct Suspect<'a> {
    name: String,
    outcome: Verdict,
    because: String,
    evidence: Option<Evidence>,
    irsa: Option<&'a Irsa>,
}

/// What the suspects come to: the verdict, and whom the answer names. `whole`: nobody else can be meant.
///
/// Where one of them is refused and another is not, it is not known whether the one that is meant still is.
fn settle(suspects: &[Suspect<'_>], named: bool, whole: bool) -> (Verdict, String) {
    let of = |outcome| suspects.iter().filter(move |it| it.outcome == outcome).map(|it| it.name.as_str());
    let list = |names: Vec<&str>| {
        let more = names.len().saturating_sub(4);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{more}", names.into_iter().take(4).collect::<Vec<_>>().join(", "))
    };
    let (denied, open): (Vec<&str>, Vec<&str>) = (of(Verdict::No).collect(), of(Verdict::Unknown).collect());
    let allowed = of(Verdict::Yes).count();
    match (denied.is_empty(), open.is_empty()) {
        (false, true) if whole && allowed == 0 => (Verdict::No, format!("refused today: {}", list(denied))),
        (false, _) => (Verdict::Unknown, format!("refused today: {}; which one is meant is not known", list(denied))),
        (true, false) => (Verdict::Unknown, format!("not known of {}", list(open))),
        (true, true) if named && whole && allowed > 0 => (Verdict::Yes, "it works today".to_owned()),
        (true, true) if allowed > 0 => {
            (Verdict::Unknown, "no service account of this cluster that was read is refused today".to_owned())
        }
        (true, true) => {
            (Verdict::Unknown, "no service account of this cluster that was read is set up for it".to_owned())
        }
    }
}

fn answer(
    ground: &Ground<'_>,
    message: &Message,
    step: StepName,
    suspects: &[Suspect<'_>],
    outcome: (Verdict, String),
    notes: Vec<String>,
) -> Explanation {
    let mut walk = Walk::default();
    for it in suspects.iter().filter(|it| it.outcome != Verdict::Yes).take(MOST) {
        walk.say(step, it.outcome.into(), format!("{}: {}", it.name, it.because), it.evidence.clone());
    }
    if walk.steps.is_empty() {
        let state = if outcome.0 == Verdict::No { StepState::Failed } else { StepState::Unknown };
        walk.say(step, state, outcome.1.clone(), None);
    }
    walk.notes = notes;
    let mut explanation = finish(ground, message, "a pod", None, walk, Vec::new(), &FixTarget::Nobody);
    explanation.title = format!("{} · a pod's credentials", message.speaker().noun());
    explanation.verdict = outcome.0;
    explanation.answer = outcome.1;
    explanation
}

/// `Not authorized to perform sts:AssumeRoleWithWebIdentity`: a trust policy does not take a service account's token.
pub(super) fn refused_tokens(
    ground: &Ground<'_>,
    workloads: &Workloads<'_>,
    message: &Message,
    it: &Iam,
) -> Explanation {
    let role = (!it.resource.is_empty()).then_some(it.resource.as_str());
    let named = role.is_some() || it.account.is_some();
    let accounts = workloads.accounts();
    let suspects: Vec<Suspect<'_>> = accounts
        .iter()
        .filter_map(|((namespace, name), account)| {
            let irsa = account.irsa.as_ref()?;
            let is_it = role.is_none_or(|it| irsa.role_arn == it)
                && it.account.as_ref().is_none_or(|(one, other)| one == namespace && other == name);
            if !is_it {
                return None;
            }
            let answer = irsa.trust.as_ref().unwrap_or(&irsa.answer);
            Some(Suspect {
                name: format!("service account {namespace}/{name}"),
                outcome: answer.outcome,
                because: answer.because.clone(),
                evidence: irsa
                    .role
                    .as_ref()
                    .map(|it| Evidence::new(DocumentRef::IamRole(it.name.clone()), "AssumeRolePolicyDocument")),
                irsa: Some(irsa),
            })
        })
        .collect();
    let whole = it.account.is_some() || ground.facts.service_accounts.gap().is_none();
    let (verdict, whom) = settle(&suspects, named, whole);
    let which = match role {
        Some(role) => format!("the trust policy of {role}"),
        None => "the trust policy of the role that the pod asked for (AWS_ROLE_ARN)".to_owned(),
    };
    let start = if it.account.is_some() { String::new() } else { format!("{NO_PRINCIPAL}. ") };
    let text =
        format!("{start}AWS STS did not hand out the role: {which} does not take the service account's token; {whom}");
    let mut notes = vec![
        "a trust policy decides this, not the policies of the principal: it must name this cluster's OIDC provider, and the conditions \
         on sub and aud must fit the service account"
            .to_owned(),
    ];
    if !named {
        notes.push("`eksplorer why-sa NAMESPACE/NAME` judges one service account link by link".to_owned());
    }
    let denied: Vec<&Suspect<'_>> = suspects.iter().filter(|it| it.outcome == Verdict::No).collect();
    let least = match denied.as_slice() {
        [only] if verdict == Verdict::No => only.irsa.and_then(|it| least(workloads, it)),
        _ => None,
    };
    let mut explanation = answer(ground, message, StepName::Trust, &suspects, (verdict, text), notes);
    explanation.least = least;
    explanation
}

/// The statement that takes the token of exactly this service account, if it would.
fn least(workloads: &Workloads<'_>, irsa: &Irsa) -> Option<LeastStatement> {
    let (provider, request, role) = (irsa.provider.as_ref()?, irsa.request.as_ref()?, irsa.role.as_ref()?);
    let host = provider.split_once(":oidc-provider/")?.1;
    let audience = irsa.audience.as_deref().unwrap_or(DEFAULT_AUDIENCE);
    let statement = json!({
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {
            (format!("{host}:sub")): irsa.subject,
            (format!("{host}:aud")): audience,
        }},
    });
    let found = workloads.trust(role).found()?;
    let document = with(found.policy().ok()?, &statement)?;
    let policy = format!("the trust policy of role {}", role.name);
    (evaluate(&document, request).verdict == Verdict::Yes).then_some(LeastStatement { policy, statement })
}

/// STS refused the token itself.
pub(super) fn web_identity(ground: &Ground<'_>, message: &Message, it: &WebIdentity) -> Explanation {
    let workloads = Workloads::with_resolver(&ground.resolver);
    let start = format!("{NO_PRINCIPAL}. AWS STS refused the token itself, before any trust policy: ");
    let host = it.issuer.as_deref().map(|it| it.trim_start_matches("https://"));
    let own = workloads.issuer_host();
    // Whose issuer it is: people leave the id out of what they paste.
    let redacted = host.is_some_and(|it| !is_whole_issuer(it) && it.starts_with("oidc"));
    let is_own = host.is_none() || redacted || host == own;
    let arn = ground.facts.cluster.value().and_then(|it| it.arn.clone()).unwrap_or_default();
    let partition = arn.split(':').nth(1).unwrap_or("aws").to_owned();
    let account = ground.iam.account.clone();
    let provider = |host: &str| account.as_ref().map(|it| oidc_provider_arn(&partition, it, host));
    let judged = if is_own { own } else { host };
    let cluster = &ground.cluster.name;
    let (outcome, notes) = match (it.fault, judged.and_then(provider), &account) {
        (TokenFault::ProviderMissing, Some(arn), Some(account)) => {
            let whose =
                if is_own { format!("cluster {cluster}") } else { format!("https://{}", judged.unwrap_or_default()) };
            let foreign = (!is_own).then(|| format!("the issuer in the message is not that of {cluster}"));
            let (verdict, text) = match workloads.provider(&arn, account) {
                Lookup::Absent => (Verdict::No, format!("account {account} has no OIDC provider for {whose} today")),
                Lookup::Found(_) => (
                    Verdict::Yes,
                    format!("account {account} has an OIDC provider for {whose} today, so the message is older"),
                ),
                Lookup::Unknown(gap) => (
                    Verdict::Unknown,
                    format!("whether account {account} has an OIDC provider for {whose} is not known: {gap}"),
                ),
            };
            // The pod is another cluster's, and the account may be another too.
            let verdict = if is_own { verdict } else { Verdict::Unknown };
            let mut notes: Vec<String> = foreign.into_iter().collect();
            if is_own && verdict != Verdict::Yes {
                notes
                    .push(format!("create it: eksctl utils associate-iam-oidc-provider --cluster {cluster} --approve"));
            }
            notes.push(
                "the provider must be in the account of the role, which may be another than the cluster's".to_owned(),
            );
            ((verdict, format!("{start}{text}")), notes)
        }
        (TokenFault::Audience, Some(arn), Some(account)) => {
            let (verdict, text) = audience(&workloads, &arn, account);
            let notes = vec![
                "the token's audience is the annotation eks.amazonaws.com/audience of the service account, or sts.amazonaws.com; the \
                 provider's client ids must list it"
                    .to_owned(),
            ];
            ((verdict, format!("{start}its audience is none that the provider takes; {text}")), notes)
        }
        (TokenFault::Expired, ..) => {
            let text =
                "it has expired: the program read the token once and kept it, or the kubelet did not renew the file";
            let notes = vec![
                "the file of AWS_WEB_IDENTITY_TOKEN_FILE is renewed by the kubelet: use an SDK that reads it again, and check the \
                 clocks"
                    .to_owned(),
                "the trust policy has no part in it".to_owned(),
            ];
            ((Verdict::No, format!("{start}{text}")), notes)
        }
        (TokenFault::Keys, ..) => {
            let text = "AWS could not check its signature with the issuer's keys";
            let notes = vec![
                "the issuer must be this cluster's: a token of another cluster, or of a cluster that was created again, has another key"
                    .to_owned(),
            ];
            ((Verdict::Unknown, format!("{start}{text}")), notes)
        }
        _ => {
            let text =
                "whether that would happen today is not known: what is wrong with it, or the account, is not known";
            ((Verdict::Unknown, format!("{start}{text}")), Vec::new())
        }
    };
    answer(ground, message, StepName::Token, &[], outcome, notes)
}

/// Whether an issuer of EKS has its whole id.
fn is_whole_issuer(host: &str) -> bool {
    let id = host.rsplit('/').next().unwrap_or_default();
    id.len() == 32 && id.bytes().all(|it| it.is_ascii_hexdigit())
}

fn audience(workloads: &Workloads<'_>, arn: &str, account: &str) -> (Verdict, String) {
    let ids = match workloads.provider(arn, account) {
        Lookup::Found(found) if !found.client_id_list.is_empty() => found.client_id_list.clone(),
        Lookup::Found(_) => return (Verdict::Unknown, "the provider's client ids were not read".to_owned()),
        Lookup::Absent => {
            return (Verdict::No, format!("account {account} has no OIDC provider for the cluster at all"));
        }
        Lookup::Unknown(gap) => return (Verdict::Unknown, format!("the provider was not read: {gap}")),
    };
    let listed = ids.join(", ");
    let accounts = workloads.accounts();
    let annotated = accounts.iter().filter_map(|(key, account)| Some((key, account.irsa.as_ref()?)));
    let all: Vec<_> = annotated.map(|(key, irsa)| (key, irsa.audience.as_deref())).collect();
    let odd = |(namespace, name): &(&str, &str), audience: &str| {
        (!ids.iter().any(|it| it == audience)).then(|| format!("{namespace}/{name} ({audience})"))
    };
    let odd: Vec<String> = all.iter().filter_map(|(key, audience)| odd(key, (*audience)?)).collect();
    if !odd.is_empty() {
        // One whose audience fits may have been meant, and put right since.
        let whole = odd.len() == all.len() && workloads.facts().0.service_accounts.gap().is_none();
        let verdict = if whole { Verdict::No } else { Verdict::Unknown };
        let which = if whole { "" } else { "; which one is meant is not known" };
        let some: Vec<String> = odd.into_iter().take(MOST).collect();
        return (
            verdict,
            format!("it takes {listed}, and these service accounts have another: {}{which}", some.join(", ")),
        );
    }
    (Verdict::Unknown, format!("it takes {listed} today, which fits every annotated service account that was read"))
}

/// EKS Auth gave the agent nothing.
pub(super) fn pod_identity(ground: &Ground<'_>, message: &Message, fault: PodIdentityFault) -> Explanation {
    let workloads = Workloads::with_resolver(&ground.resolver);
    let start = format!("{NO_PRINCIPAL}. EKS Auth gave the Pod Identity agent no credentials: ");
    match fault {
        PodIdentityFault::Role => {
            let accounts = workloads.accounts();
            let suspects: Vec<Suspect<'_>> = accounts.iter().filter_map(associated).collect();
            let whole = ground.facts.pod_identity_associations.gap().is_none();
            let (verdict, whom) = settle(&suspects, false, whole);
            let text = format!(
                "{start}EKS may not assume the association's role: its trust policy must let pods.eks.amazonaws.com call both \
                 sts:AssumeRole and sts:TagSession; {whom}"
            );
            let mut notes = vec![
                "`eksplorer why-sa NAMESPACE/NAME` judges one service account link by link".to_owned(),
                "a trust policy that was changed takes a minute to count; so does a new association".to_owned(),
            ];
            if verdict != Verdict::No {
                notes.push(
                    "a pod on the host's network may be taken for another: see whether the same pod works without hostNetwork".to_owned(),
                );
            }
            answer(ground, message, StepName::Trust, &suspects, (verdict, text), notes)
        }
        PodIdentityFault::NoAssociation => {
            let pods = ground.facts.pods.items().iter().filter(|it| !it.has_ended());
            let asking = pods.filter(|pod| {
                workloads.identities(pod).containers.iter().any(|it| it.in_force == InForce::PodIdentity)
            });
            let (associated, bare): (Vec<&Pod>, Vec<&Pod>) = asking.partition(|pod| {
                let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
                workloads.account(namespace, pod.service_account()).is_some_and(|it| it.association.is_some())
            });
            let bare: Vec<String> = bare.into_iter().map(full_name).collect();
            let gap = ground.facts.pod_identity_associations.gap().or_else(|| ground.facts.pods.gap());
            let (verdict, whom) = match (bare.is_empty(), gap) {
                (_, Some(gap)) => (Verdict::Unknown, format!("which pods that concerns is not known: {gap}")),
                (false, None) if associated.is_empty() => (Verdict::No, format!("such pods today: {}", few(&bare))),
                (false, None) => {
                    (Verdict::Unknown, format!("such pods today: {}; which one is meant is not known", few(&bare)))
                }
                (true, None) => (
                    Verdict::Unknown,
                    "no pod of this cluster is set up for Pod Identity without an association today".to_owned(),
                ),
            };
            let text = format!("{start}there is no association for the pod's service account; {whom}");
            let notes = vec![
                "create the association for the pod's own namespace and service account, then restart the pod"
                    .to_owned(),
            ];
            answer(ground, message, StepName::Credentials, &[], (verdict, text), notes)
        }
        PodIdentityFault::TokenExpired | PodIdentityFault::TokenInvalid | PodIdentityFault::Unreachable => {
            let (text, note) = match fault {
                PodIdentityFault::TokenExpired => (
                    "the pod's token has expired",
                    "the program must read AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE again for every request; where everything works, the \
                     agent only drops an entry of its cache",
                ),
                PodIdentityFault::TokenInvalid => (
                    "the pod's token cannot be read, or is not one of this cluster",
                    "the Authorization header must hold the token of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE and nothing before it",
                ),
                _ => (
                    "EKS Auth did not answer in time, or the pod gave up before",
                    "the node must reach eks-auth.REGION.amazonaws.com: by the internet, or by the VPC endpoint com.amazonaws.REGION.eks-auth",
                ),
            };
            answer(
                ground,
                message,
                StepName::Credentials,
                &[],
                (Verdict::No, format!("{start}{text}")),
                vec![note.to_owned(), "no association or trust policy has a part in it".to_owned()],
            )
        }
    }
}

type Accounts<'a, 'w> = ((&'a str, &'a str), &'w crate::access::workload::Account<'a>);

fn associated<'w>(((namespace, name), account): &Accounts<'_, 'w>) -> Option<Suspect<'w>> {
    let association = account.association.as_ref()?;
    let answer = association.trust.as_ref().unwrap_or(&association.answer);
    Some(Suspect {
        name: format!("service account {namespace}/{name}"),
        outcome: answer.outcome,
        because: answer.because.clone(),
        evidence: Some(Evidence::new(DocumentRef::PodIdentityAssociation(association.id.clone()), "")),
        irsa: None,
    })
}

/// What it means that the caller is an instance: the node, or a pod on it that has nothing of its own.
pub(super) fn fallen_through(ground: &Ground<'_>, workloads: &Workloads<'_>, asked: &Asked) -> Vec<String> {
    let Some(instance) = asked.session.as_deref().filter(|it| is_instance(it)) else { return Vec::new() };
    let nodes = &ground.facts.nodes;
    let is_it = |id: &str| id.rsplit('/').next() == Some(instance);
    let node = nodes.items().iter().find(|it| it.spec.provider_id.as_deref().is_some_and(is_it));
    let bare = |pod: &&Pod| !pod.has_ended() && falls_back(workloads, pod);
    let pods = ground.facts.pods.items().iter();
    let (place, found): (String, Vec<String>) = match node {
        Some(node) => {
            let name = &node.metadata.name;
            let on_it = pods.filter(|it| it.spec.node_name.as_ref() == Some(name)).filter(bare);
            (format!("node {name}"), on_it.map(full_name).collect())
        }
        None => {
            let key = asked.principal.key();
            let same = |arn: &str| Principal::from_arn(arn).is_ok_and(|(it, _)| it.key() == key);
            let on_role = pods.filter(|it| match workloads.place(it).role {
                NodeRole::Known(arn) => same(arn),
                NodeRole::OneOf(all) => all.iter().any(|it| same(it)),
                NodeRole::None | NodeRole::Unknown(_) => false,
            });
            ("a node with this role".to_owned(), on_role.filter(bare).map(full_name).collect())
        }
    };
    let mut notes = Vec::new();
    let which = match (node, nodes.gap()) {
        (Some(node), _) => format!("node {}", node.metadata.name),
        (None, Some(gap)) => format!("an instance of which it is not known whether it is a node here: {gap}"),
        (None, None) => "an instance that is no node of this cluster today".to_owned(),
    };
    notes.push(format!(
        "the session {instance} is {which}: the caller is the node itself, or a pod that has no AWS identity of its own and fell back \
         to the instance's metadata"
    ));
    notes.push(match (found.is_empty(), ground.facts.pods.gap()) {
        (false, _) => format!("pods on {place} with nothing of their own: {}", few(&found)),
        (true, Some(gap)) => format!("which pods on {place} have nothing of their own is not known: {gap}"),
        (true, None) => {
            format!("every pod on {place} that was read has an identity of its own or does not reach the node's")
        }
    });
    notes.push(
        "give the pod's service account a role of its own (a Pod Identity association, or IRSA) and restart the pod, rather than \
         widening the node's role for every pod on it"
            .to_owned(),
    );
    notes
}

/// `i-` and hexadecimal digits: the name that EC2 gives the session of an instance.
fn is_instance(session: &str) -> bool {
    session.strip_prefix("i-").is_some_and(|it| matches!(it.len(), 8..=17) && it.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether a container of the pod gets what its node has.
fn falls_back(workloads: &Workloads<'_>, pod: &Pod) -> bool {
    workloads.gets_node_role(pod)
}

fn full_name(pod: &Pod) -> String {
    format!("{}/{}", pod.metadata.namespace.as_deref().unwrap_or_default(), pod.metadata.name)
}

fn few(names: &[String]) -> String {
    let more = names.len().saturating_sub(MOST_PODS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let first: Vec<&str> = names.iter().take(MOST_PODS).map(String::as_str).collect();
    format!("{}{more}", first.join(", "))
}
