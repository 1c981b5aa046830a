//! The whole answer for one pod or one service account: which identity is in force, whether it works, and what else there is.
//!
//! Decides what is told of either: [`super::pod`] says what a pod has, [`super::new_pod`] what a new one gets, which is a
//! service account's answer; of a pod that runs, both, and which change explains a difference. The findings come with it, those of other pods left out.

use super::credential_chain::{self as chain, ContainerIdentity, InForce};
use super::irsa::subject;
use super::pod::PodIdentities;
use super::webhook;
use super::{Account, Answer, ChainLink, NewPod, Step, Workloads, place};
use crate::access::Verdict;
use crate::access::findings::{Finding, Remedy, of_workload};
use crate::model::principal::Arn;
use crate::model::snapshot::{DocumentRef, Evidence};
use crate::model::workload::{Pod, ROLE_ARN_ANNOTATION};

/// Why an identity that a workload could have is not the one in effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnusedState {
    /// It would be used if the one in effect went.
    Shadowed,
    /// A new pod would use it.
    Pending,
    /// The service account has it, and the webhook would not give it to this pod.
    Ignored,
    /// It is for a service account of the same name in another namespace, and gives nothing here.
    Elsewhere,
}

impl UnusedState {
    /// `shadowed`, `pending`, `ignored`, `elsewhere`
    pub fn as_str(self) -> &'static str {
        match self {
            UnusedState::Shadowed => "shadowed",
            UnusedState::Pending => "pending",
            UnusedState::Ignored => "ignored",
            UnusedState::Elsewhere => "elsewhere",
        }
    }
}

/// Another identity that the workload could have, and does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// By which mechanism.
    pub mechanism: InForce,
    /// Why it is not in effect.
    pub state: UnusedState,
    /// Its role.
    pub role_arn: Option<String>,
    /// Why it is not used.
    pub because: String,
    /// Where it stands.
    pub evidence: Option<Evidence>,
}

/// The whole answer.
#[derive(Clone, Debug)]
pub struct Why<'a> {
    /// The namespace.
    pub namespace: String,
    /// The service account's name.
    pub service_account: String,
    /// The pod; `None` for a service account as such.
    pub pod: Option<&'a Pod>,
    /// The identity in force.
    pub in_force: InForce,
    /// Its role.
    pub role_arn: Option<String>,
    /// For whom its token is made out, where that is known.
    pub audience: Option<String>,
    /// The role that this one then assumes (Pod Identity's target role).
    pub target: Option<String>,
    /// The session policy of the association in force, and whether its session tags are off, without which EKS takes none.
    pub session_policy: Option<(String, bool)>,
    /// Does it work?
    pub answer: Answer,
    /// Link by link.
    pub steps: Vec<Step>,
    /// What else there is.
    pub others: Vec<Other>,
    /// Of a pod: what it would get if it were recreated now.
    pub new_pod: Option<NewPod>,
    /// The pod's containers; those of a service account's pods are in `pods`.
    pub containers: Vec<ContainerIdentity>,
    /// Do they differ?
    pub differ: bool,
    /// Of a service account: its pods, each with its identity.
    pub pods: Vec<PodIdentities<'a>>,
    /// Why not all pods are known, if so.
    pub pods_unread: Option<String>,
    /// What could only reveal a rare defect.
    pub unverified: Vec<String>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// How to ask for what the answer hangs on and nothing here reads.
    pub ask: Option<Remedy>,
}

/// The field of a pod that holds a container's environment.
pub(super) fn of_container(pod: &Pod, at: usize) -> Evidence {
    let own = pod.spec.containers.len();
    let path =
        if at < own { format!("spec.containers[{at}].env") } else { format!("spec.initContainers[{}].env", at - own) };
    let namespace = pod.metadata.namespace.clone().unwrap_or_default();
    Evidence::new(DocumentRef::Pod(namespace, pod.metadata.name.clone()), path)
}

fn of_annotation(namespace: &str, name: &str) -> Evidence {
    let document = DocumentRef::ServiceAccount(namespace.to_owned(), name.to_owned());
    Evidence::new(document, format!("metadata.annotations.{ROLE_ARN_ANNOTATION}"))
}

pub(super) fn of_association(id: &str) -> Evidence {
    Evidence::new(DocumentRef::PodIdentityAssociation(id.to_owned()), "")
}

impl<'a> Workloads<'a> {
    /// The answer for a pod.
    pub fn why_pod(&self, pod: &'a Pod) -> Why<'a> {
        let it = self.identities(pod);
        let namespace = pod.metadata.namespace.clone().unwrap_or_default();
        let name = pod.service_account().to_owned();
        let account = self.account(&namespace, &name);
        let mut others = Vec::new();
        if let Some(own) = it.containers.get(it.main) {
            for mechanism in &own.besides {
                let role_arn = match mechanism {
                    InForce::PodIdentity => account.and_then(|it| it.association.as_ref()?.role_arn.clone()),
                    InForce::Irsa => pod
                        .spec
                        .containers
                        .get(it.main)
                        .and_then(|it| chain::value(it, chain::ROLE_ARN))
                        .map(str::to_owned),
                    _ => None,
                };
                others.push(Other {
                    mechanism: *mechanism,
                    state: UnusedState::Shadowed,
                    role_arn,
                    because: comes_first(it.in_force),
                    evidence: Some(of_container(pod, it.main)),
                });
            }
        }
        let new_pod = account.map(|account| self.new_pod((&namespace, &name), account, Some(pod)));
        if let (Some(account), Some(new)) = (account, &new_pod) {
            add_new_identity(account, &it, new, &mut others);
            add_unused(account, &it, new, &mut others);
        }
        if matches!(it.in_force, InForce::NodeRole | InForce::None) {
            others.extend(self.same_name_elsewhere(&namespace, &name));
        }
        let target = account
            .and_then(|it| it.association.as_ref())
            .filter(|_| it.in_force == InForce::PodIdentity)
            .and_then(|it| it.target.clone());
        let session_policy = account.filter(|_| it.in_force == InForce::PodIdentity).and_then(session_policy);
        Why {
            pod: Some(pod),
            in_force: it.in_force,
            role_arn: it.role_arn.clone(),
            audience: it.audience.clone(),
            target,
            session_policy,
            answer: it.answer.clone(),
            steps: it.steps.clone(),
            others,
            differ: it.differ(),
            unverified: it.unverified.clone(),
            findings: of_workload(self, &namespace, &name, account, &[pod]),
            ask: self.ask(&it),
            new_pod,
            containers: it.containers,
            pods: Vec::new(),
            pods_unread: None,
            namespace,
            service_account: name,
        }
    }

    /// How to ask whether the pod reaches its node's metadata, where the answer hangs on that.
    fn ask(&self, it: &PodIdentities<'_>) -> Option<Remedy> {
        let open = it.in_force == InForce::NodeRole && it.answer.outcome == Verdict::Unknown;
        let name = it.place.node.filter(|_| open)?;
        let node = self.facts.nodes.items().iter().find(|it| it.metadata.name == name)?;
        let instance = node.spec.provider_id.as_deref()?.rsplit('/').next().filter(|it| it.starts_with("i-"))?;
        let arn: Arn = self.facts.cluster.value()?.arn.as_deref()?.parse().ok()?;
        Some(super::remedy::metadata_options(instance, &arn.region))
    }

    /// The associations of service accounts of the same name in other namespaces, where this one has none: an association is
    /// for one namespace, and pods that a driver or operator creates may run in another ("mount pods" of a CSI driver).
    fn same_name_elsewhere(&self, namespace: &str, name: &str) -> Vec<Other> {
        let own = self.account(namespace, name).is_some_and(|it| it.association.is_some() || it.irsa.is_some());
        if own || name == "default" {
            return Vec::new();
        }
        let all = self.facts.pod_identity_associations.items().iter();
        let mut elsewhere: Vec<_> = all.filter(|it| it.service_account == name && it.namespace != namespace).collect();
        elsewhere.sort_by(|a, b| (&a.namespace, &a.association_id).cmp(&(&b.namespace, &b.association_id)));
        let other = |it: &crate::model::workload::PodIdentityAssociation| Other {
            mechanism: InForce::PodIdentity,
            state: UnusedState::Elsewhere,
            role_arn: it.role_arn.clone(),
            because: format!(
                "the association is for {}/{name}; {namespace}/{name} has the same name and needs one of its own",
                it.namespace
            ),
            evidence: Some(of_association(&it.association_id)),
        };
        elsewhere.into_iter().map(other).collect()
    }

    /// The answer for a service account: that of a new pod. `None` where nothing of that name is known.
    pub fn why_account(&self, namespace: &str, name: &str) -> Option<Why<'a>> {
        let account = self.account(namespace, name)?;
        let new = self.new_pod((namespace, name), account, None);
        let mut why = Why {
            namespace: namespace.to_owned(),
            service_account: name.to_owned(),
            pod: None,
            in_force: new.in_force,
            role_arn: None,
            audience: new.audience,
            target: None,
            session_policy: None,
            answer: new.answer,
            steps: Vec::new(),
            others: Vec::new(),
            new_pod: None,
            containers: Vec::new(),
            differ: false,
            pods: account.pods.iter().map(|pod| self.identities(pod)).collect(),
            pods_unread: self.pods_gap().map(|gap| place::unread("pods", &gap)),
            unverified: new.unverified,
            findings: of_workload(self, namespace, name, Some(account), &account.pods),
            ask: None,
        };
        match (&account.association, &account.irsa) {
            (Some(it), irsa) => {
                why.role_arn.clone_from(&it.role_arn);
                why.target.clone_from(&it.target);
                why.session_policy = session_policy(account);
                why.steps.push(Step {
                    link: ChainLink::Association,
                    outcome: None,
                    text: format!("Pod Identity association {}", it.id),
                    evidence: Some(of_association(&it.id)),
                });
                why.steps.extend(it.steps.iter().cloned());
                if let Some(irsa) = irsa {
                    why.others.push(Other {
                        mechanism: InForce::Irsa,
                        state: UnusedState::Shadowed,
                        role_arn: Some(irsa.role_arn.clone()),
                        because:
                            "the Pod Identity association comes first when a pod is created; pods created before it keep IRSA"
                                .to_owned(),
                        evidence: Some(of_annotation(namespace, name)),
                    });
                }
            }
            (None, Some(it)) => {
                why.role_arn = Some(it.role_arn.clone());
                why.steps.push(Step {
                    link: ChainLink::Annotation,
                    outcome: None,
                    text: format!("{ROLE_ARN_ANNOTATION}: {}", it.role_arn),
                    evidence: Some(of_annotation(namespace, name)),
                });
                why.steps.push(Step {
                    link: ChainLink::Token,
                    outcome: None,
                    text: format!(
                        "subject {}, audience {}",
                        subject(namespace, name),
                        it.audience.as_deref().unwrap_or("?")
                    ),
                    evidence: None,
                });
                why.steps.extend(it.steps.iter().cloned());
            }
            (None, None) => why.others.extend(self.same_name_elsewhere(namespace, name)),
        }
        Some(why)
    }
}

fn session_policy(account: &Account<'_>) -> Option<(String, bool)> {
    let it = account.associations.first()?;
    Some((it.policy.clone()?, it.disable_session_tags == Some(true)))
}

/// What the pod would get if it were recreated, where that is not what it has.
fn add_new_identity(account: &Account<'_>, it: &PodIdentities<'_>, new: &NewPod, others: &mut Vec<Other>) {
    let (Some(has), Some(gets)) = (it.containers.get(it.main), new.main()) else { return };
    let refused = new.refused && it.in_force != InForce::None;
    if new.unknown || (has.is_same_as(gets) && !refused) {
        return;
    }
    let namespace = it.pod.metadata.namespace.as_deref().unwrap_or_default();
    let evidence = match new.in_force {
        InForce::PodIdentity => account.association.as_ref().map(|it| of_association(&it.id)),
        InForce::Irsa => Some(of_annotation(namespace, it.pod.service_account())),
        _ => None,
    };
    others.push(Other {
        mechanism: new.in_force,
        state: UnusedState::Pending,
        role_arn: new.role_arn.clone(),
        because: if refused { new.answer.because.clone() } else { explain_change(account, it, has, new, gets) },
        evidence,
    });
}

/// Which change since the pod was created explains that a new pod gets something else.
fn explain_change(
    account: &Account<'_>,
    it: &PodIdentities<'_>,
    has: &ContainerIdentity,
    new: &NewPod,
    gets: &ContainerIdentity,
) -> String {
    let since = account.associations.first().and_then(|it| it.created_at);
    let created = it.pod.metadata.creation_timestamp;
    let by_association = new.patched_now == Some(InForce::PodIdentity);
    match (new.patched_before, new.patched_now) {
        (None, Some(_)) => {
            let once = "the webhook writes the environment once, when a pod is created";
            match (since.filter(|_| by_association), created) {
                (Some(since), Some(created)) if created < since => {
                    format!("the pod was created before the Pod Identity association ({}): {once}", since.date())
                }
                _ => format!("the pod was created without it, before it was set or while the webhook was out: {once}"),
            }
        }
        (Some(InForce::Irsa), Some(InForce::Irsa)) if has.role_arn != gets.role_arn => {
            let to = gets.role_arn.as_deref().unwrap_or("a role that is not known");
            format!("the annotation of the service account changed after the pod was created: a new pod would get {to}")
        }
        (Some(InForce::Irsa), Some(InForce::Irsa)) => {
            let to = gets.audience().map_or("the API server itself".to_owned(), |it| format!("{it:?}"));
            format!("the audience changed after the pod was created: a new pod's token would be made out for {to}")
        }
        (Some(InForce::Irsa), Some(_)) => {
            "a Pod Identity association was made after the pod was created, and comes first in \
                                           a new pod"
                .to_owned()
        }
        (Some(InForce::PodIdentity), Some(InForce::Irsa)) => {
            "the Pod Identity association that the pod was created with was \
                                                              deleted: a new pod would use the annotation"
                .to_owned()
        }
        (Some(InForce::PodIdentity), None) => {
            "the Pod Identity association that the pod was created with was deleted: a new \
                                               pod would have none"
                .to_owned()
        }
        (Some(_), None) => {
            "the annotation that the pod was created with was removed: a new pod would have none".to_owned()
        }
        _ => "the webhook would write something else into a new pod".to_owned(),
    }
}

/// What the service account has, and neither the pod nor a new one uses.
fn add_unused(account: &Account<'_>, it: &PodIdentities<'_>, new: &NewPod, others: &mut Vec<Other>) {
    let namespace = it.pod.metadata.namespace.as_deref().unwrap_or_default();
    let used = |others: &[Other], mechanism| {
        it.in_force == mechanism || new.in_force == mechanism || others_have(others, mechanism)
    };
    let own = |mechanism| -> (UnusedState, String) {
        let main = it.containers.get(it.main).map_or("", |it| it.name.as_str());
        let loses = new.main().is_some_and(|it| it.besides.contains(&mechanism));
        if loses {
            (UnusedState::Shadowed, comes_first(new.in_force))
        } else if webhook::has_skip_label(it.pod) {
            (UnusedState::Ignored, format!("the pod asks the webhook to leave it alone ({})", webhook::SKIP_LABEL))
        } else if webhook::skipped_containers(it.pod).iter().any(|it| it == main) {
            (
                UnusedState::Ignored,
                format!("the pod asks the webhook to leave the container alone ({})", webhook::SKIP_CONTAINERS),
            )
        } else if new.refused {
            (UnusedState::Ignored, new.answer.because.clone())
        } else {
            (
                UnusedState::Ignored,
                "the container sets one of the variables itself, and the webhook leaves both as they are".to_owned(),
            )
        }
    };
    if let Some(association) = account.association.as_ref().filter(|_| !used(others, InForce::PodIdentity)) {
        let (state, because) = own(InForce::PodIdentity);
        others.push(Other {
            mechanism: InForce::PodIdentity,
            state,
            role_arn: association.role_arn.clone(),
            because,
            evidence: Some(of_association(&association.id)),
        });
    }
    if let Some(irsa) = account.irsa.as_ref().filter(|_| !used(others, InForce::Irsa)) {
        let (state, because) = if account.association.is_some() {
            (UnusedState::Shadowed, "the Pod Identity association comes first when a pod is created".to_owned())
        } else {
            own(InForce::Irsa)
        };
        others.push(Other {
            mechanism: InForce::Irsa,
            state,
            role_arn: Some(irsa.role_arn.clone()),
            because,
            evidence: Some(of_annotation(namespace, it.pod.service_account())),
        });
    }
}

fn comes_first(in_force: InForce) -> String {
    match in_force {
        InForce::Unknown => "what comes first in the SDKs' chain is not known".to_owned(),
        it => format!("{} comes first in the SDKs' chain", it.words()),
    }
}

fn others_have(others: &[Other], mechanism: InForce) -> bool {
    others.iter().any(|it| it.mechanism == mechanism)
}
