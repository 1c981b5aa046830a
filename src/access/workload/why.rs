//! The whole answer for one pod or one service account: which identity is in force, whether it works, and what else there is.
//!
//! Decides what is told of either: [`super::pod`] says what a pod has, `anew` what one gets that is made now, which is a
//! service account's answer. The findings come with it, those of other pods left out.

use std::borrow::Cow;

use super::container::{self, ContainerIdentity, InForce};
use super::irsa::subject;
use super::pod::PodIdentities;
use super::{Account, Answer, Step, Workloads, place};
use crate::access::findings::{Finding, Remedy, of_workload};
use crate::access::trust::Outcome;
use crate::model::principal::Arn;
use crate::model::snapshot::{DocumentRef, Evidence};
use crate::model::workload::{Pod, ROLE_ARN_ANNOTATION};

/// Another identity that the workload could have, and does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// By which mechanism.
    pub mechanism: InForce,
    /// `shadowed`: it would be used if the one in force went; `pending`: new pods would use it; `elsewhere`: it is for a
    /// service account of the same name in another namespace, and gives nothing here.
    pub state: &'static str,
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
                        .and_then(|it| container::value(it, container::ROLE_ARN))
                        .map(str::to_owned),
                    _ => None,
                };
                others.push(Other {
                    mechanism: *mechanism,
                    state: "shadowed",
                    role_arn,
                    because: format!("{} comes first in the SDKs' chain", it.in_force.words()),
                    evidence: Some(of_container(pod, it.main)),
                });
            }
        }
        if let Some(account) = account {
            self.pending(account, &it, &namespace, &name, &mut others);
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
            target,
            session_policy,
            answer: it.answer.clone(),
            steps: it.steps.clone(),
            others,
            differ: it.differ(),
            unverified: it.unverified.clone(),
            findings: of_workload(self, &namespace, &name, account, &[pod]),
            ask: self.ask(&it),
            containers: it.containers,
            pods: Vec::new(),
            pods_unread: None,
            namespace,
            service_account: name,
        }
    }

    /// How to ask whether the pod reaches its node's metadata, where the answer hangs on that.
    fn ask(&self, it: &PodIdentities<'_>) -> Option<Remedy> {
        let open = it.in_force == InForce::NodeRole && it.answer.outcome == Outcome::Unknown;
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
            state: "elsewhere",
            role_arn: it.role_arn.clone(),
            because: format!(
                "the association is for {}/{name}; {namespace}/{name} has the same name and needs one of its own",
                it.namespace
            ),
            evidence: Some(of_association(&it.association_id)),
        };
        elsewhere.into_iter().map(other).collect()
    }

    /// What the service account has and the pod has not.
    fn pending(
        &self,
        account: &Account<'_>,
        it: &PodIdentities<'_>,
        namespace: &str,
        name: &str,
        others: &mut Vec<Other>,
    ) {
        let has = |mechanism| it.in_force == mechanism || others_have(others, mechanism);
        let main = it.containers.get(it.main).map_or("", |it| it.name.as_str());
        let without = if container::is_skipped(it.pod, main) {
            "the pod asks the webhook to leave it alone"
        } else {
            "the pod was made without it: the webhook writes the environment once, when a pod is made"
        };
        let association = account.association.as_ref().filter(|_| !has(InForce::PodIdentity));
        let irsa = account.irsa.as_ref().filter(|_| !has(InForce::Irsa));
        let takes_over = association.is_some() || it.in_force == InForce::PodIdentity;
        if let Some(association) = association {
            others.push(Other {
                mechanism: InForce::PodIdentity,
                state: "pending",
                role_arn: association.role_arn.clone(),
                because: without.to_owned(),
                evidence: Some(of_association(&association.id)),
            });
        }
        if let Some(irsa) = irsa {
            let (state, because) = if takes_over {
                ("shadowed", "the Pod Identity association comes first when a pod is made")
            } else {
                ("pending", without)
            };
            others.push(Other {
                mechanism: InForce::Irsa,
                state,
                role_arn: Some(irsa.role_arn.clone()),
                because: because.to_owned(),
                evidence: Some(of_annotation(namespace, name)),
            });
        }
    }

    /// The answer for a service account: that of a pod made now. `None` where nothing of that name is known.
    pub fn why_account(&self, namespace: &str, name: &str) -> Option<Why<'a>> {
        let account = self.account(namespace, name)?;
        let mut why = Why {
            namespace: namespace.to_owned(),
            service_account: name.to_owned(),
            pod: None,
            in_force: InForce::NodeRole,
            role_arn: None,
            target: None,
            session_policy: None,
            answer: Answer::open(
                "it has neither an annotation nor an association: its pods fall back to their node's role, if they reach it",
            ),
            steps: Vec::new(),
            others: Vec::new(),
            containers: Vec::new(),
            differ: false,
            pods: account.pods.iter().map(|pod| self.identities(pod)).collect(),
            pods_unread: self.pods_gap().map(|gap| place::unread("pods", &gap)),
            unverified: Vec::new(),
            findings: of_workload(self, namespace, name, Some(account), &account.pods),
            ask: None,
        };
        match (&account.association, &account.irsa) {
            (Some(it), irsa) => {
                why.in_force = InForce::PodIdentity;
                why.role_arn.clone_from(&it.role_arn);
                why.target.clone_from(&it.target);
                why.session_policy = session_policy(account);
                why.steps.push(Step {
                    label: "association",
                    outcome: None,
                    text: format!("Pod Identity association {}", it.id),
                    evidence: Some(of_association(&it.id)),
                });
                why.steps.extend(it.steps.iter().cloned());
                let pods = why.pods.iter().map(Cow::Borrowed);
                let anew = self.anew_by_association((namespace, name), account, it, pods);
                (why.answer, why.unverified) = (anew.answer, anew.unverified);
                if let Some(irsa) = irsa {
                    why.others.push(Other {
                        mechanism: InForce::Irsa,
                        state: "shadowed",
                        role_arn: Some(irsa.role_arn.clone()),
                        because:
                            "the Pod Identity association comes first when a pod is made; pods made before it keep IRSA"
                                .to_owned(),
                        evidence: Some(of_annotation(namespace, name)),
                    });
                }
            }
            (None, Some(it)) => {
                why.in_force = InForce::Irsa;
                why.role_arn = Some(it.role_arn.clone());
                why.steps.push(Step {
                    label: "annotation",
                    outcome: None,
                    text: format!("{ROLE_ARN_ANNOTATION}: {}", it.role_arn),
                    evidence: Some(of_annotation(namespace, name)),
                });
                why.steps.push(Step {
                    label: "token",
                    outcome: None,
                    text: format!(
                        "subject {}, audience {}",
                        subject(namespace, name),
                        it.audience.as_deref().unwrap_or("?")
                    ),
                    evidence: None,
                });
                why.steps.extend(it.steps.iter().cloned());
                why.answer = self.anew_by_irsa(it);
            }
            (None, None) => {
                why.others.extend(self.same_name_elsewhere(namespace, name));
                if account.itself.is_none() && self.facts.service_accounts.gap().is_none() {
                    why.in_force = InForce::None;
                    why.answer = Answer::no(format!("the cluster has no service account {namespace}/{name}"));
                } else if let Some(gap) = self.associations_gap() {
                    why.in_force = InForce::Unknown;
                    why.answer = gap;
                } else if let Some(gap) = self.facts.service_accounts.gap().filter(|_| account.itself.is_none()) {
                    why.in_force = InForce::Unknown;
                    why.answer = Answer::gap("the service account was not read", &gap);
                }
            }
        }
        Some(why)
    }
}

fn session_policy(account: &Account<'_>) -> Option<(String, bool)> {
    let it = account.associations.first()?;
    Some((it.policy.clone()?, it.disable_session_tags == Some(true)))
}

fn others_have(others: &[Other], mechanism: InForce) -> bool {
    others.iter().any(|it| it.mechanism == mechanism)
}
