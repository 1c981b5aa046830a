//! The whole answer for one pod or one service account: which identity is in force, whether it works, and what else there is.
//!
//! Decides which binding a pod really uses (its own environment says) and joins what depends on where it runs: the agent,
//! the node's role. For a service account the answer is that of a pod made now. The findings come with it, those of other
//! pods left out.

use std::borrow::Cow;

use super::container::{self, ContainerIdentity, InForce};
use super::irsa::subject;
use super::place::{self, NodeRole, Place, Presence};
use super::policies::{ASSUME_FOR_POD, Allows};
use super::reach::{Reach, barred, of_policy};
use super::{Account, Answer, Association, Irsa, Step, Workloads};
use crate::access::findings::{Finding, Remedy, of_workload};
use crate::access::trust::Outcome;
use crate::model::principal::{Arn, Principal};
use crate::model::snapshot::{DocumentRef, Evidence, Lookup};
use crate::model::workload::{Pod, ROLE_ARN_ANNOTATION};

/// Another identity that the workload could have, and does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// By which mechanism.
    pub mechanism: InForce,
    /// `shadowed`: it would be used if the one in force went; `pending`: pods made anew would use it.
    pub state: &'static str,
    /// Its role.
    pub role_arn: Option<String>,
    /// Why it is not used.
    pub because: String,
    /// Where it stands.
    pub evidence: Option<Evidence>,
}

/// What a pod's containers have, and whether the identity in force works.
#[derive(Clone, Debug)]
pub struct PodIdentities<'a> {
    /// The pod.
    pub pod: &'a Pod,
    /// Each container, init containers last.
    pub containers: Vec<ContainerIdentity>,
    /// Which of them stands for the pod.
    pub main: usize,
    /// Where it runs.
    pub place: Place<'a>,
    /// The identity of the one that stands for the pod.
    pub in_force: InForce,
    /// Its role.
    pub role_arn: Option<String>,
    /// Does it work?
    pub answer: Answer,
    /// Link by link.
    pub steps: Vec<Step>,
    /// What could only reveal a rare defect.
    pub unverified: Vec<String>,
}

impl PodIdentities<'_> {
    /// Do its containers have different identities?
    pub fn differ(&self) -> bool {
        self.containers.iter().any(|it| it.in_force != self.in_force)
    }
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
fn of_container(pod: &Pod, at: usize) -> Evidence {
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

/// Why an association works for none of the pods that use it, if there are such and it is so: they run where it cannot.
pub(crate) fn on_no_pod<'a>(pods: impl Iterator<Item = Cow<'a, PodIdentities<'a>>>) -> Option<String> {
    let mut uses = pods.filter(|it| it.in_force == InForce::PodIdentity).peekable();
    let first = uses.peek()?.answer.because.clone();
    uses.all(|it| it.answer.outcome == Outcome::Denied).then_some(first)
}

fn of_association(id: &str) -> Evidence {
    Evidence::new(DocumentRef::PodIdentityAssociation(id.to_owned()), "")
}

impl<'a> Workloads<'a> {
    /// A pod's identities, each container's and the one in force.
    pub fn identities(&self, pod: &'a Pod) -> PodIdentities<'a> {
        let (containers, main) = container::identities(pod);
        let place = self.place(pod);
        let mut it = PodIdentities {
            pod,
            main,
            place,
            in_force: InForce::None,
            role_arn: None,
            answer: Answer::no("the pod has no container"),
            steps: Vec::new(),
            unverified: Vec::new(),
            containers: Vec::new(),
        };
        it.containers = containers;
        let Some(own) = it.containers.get(main).cloned() else { return it };
        it.in_force = own.in_force;
        let which = if it.containers.len() > 1 { format!("container {}: ", own.name) } else { String::new() };
        it.steps.push(Step {
            label: "environment",
            outcome: None,
            text: format!("{which}{}", own.because),
            evidence: Some(of_container(pod, main)),
        });
        match own.in_force {
            InForce::Irsa => self.by_irsa(&mut it, &own),
            InForce::PodIdentity => self.by_association(&mut it),
            InForce::NodeRole => self.by_node(&mut it),
            InForce::StaticKeys => {
                it.answer =
                    Answer::open("whose access keys they are is not in the pod, and what they may do is theirs");
            }
            InForce::Unknown | InForce::None => it.answer = Answer::open(own.because.clone()),
        }
        // A container without anything of its own gets what its place gives.
        if own.in_force != InForce::NodeRole && it.containers.iter().any(|it| it.in_force == InForce::NodeRole) {
            let (fallback, _) = self.fallback(pod, &it.place);
            for container in it.containers.iter_mut().filter(|it| it.in_force == InForce::NodeRole) {
                container.in_force = fallback;
            }
        }
        it
    }

    fn by_irsa(&self, it: &mut PodIdentities<'a>, own: &ContainerIdentity) {
        let namespace = it.pod.metadata.namespace.as_deref().unwrap_or_default();
        let name = it.pod.service_account();
        it.role_arn.clone_from(&own.role_arn);
        let Some(role_arn) = own.role_arn.as_deref() else {
            it.answer =
                Answer::open(format!("{} is set from elsewhere, and its value is not in the pod", container::ROLE_ARN));
            return;
        };
        let account = self.account(namespace, name);
        let judged = account.and_then(|it| it.irsa.as_ref()).filter(|it| it.role_arn == role_arn && own.webhook_token);
        let made;
        let irsa: &Irsa = match judged {
            Some(irsa) => irsa,
            None => {
                let known = account
                    .and_then(|it| it.itself)
                    .map_or(crate::model::workload::DEFAULT_AUDIENCE, |it| it.audience());
                made = self.irsa_of(namespace, name, role_arn, own.webhook_token.then_some(known));
                &made
            }
        };
        it.steps.extend(irsa.steps.iter().cloned());
        it.answer = irsa.answer.clone();
        if !own.webhook_token {
            let gone = irsa.steps.iter().any(|it| it.label == "role" && it.outcome == Some(Outcome::Denied));
            if !gone {
                it.answer = Answer::open(
                    "its token file is not the one that the webhook mounts: whose token it is, and for which audience, is \
                     not known",
                );
            }
        }
    }

    fn by_association(&self, it: &mut PodIdentities<'a>) {
        let namespace = it.pod.metadata.namespace.as_deref().unwrap_or_default();
        let name = it.pod.service_account();
        let account = self.account(namespace, name);
        let Some((association, judged)) =
            account.and_then(|it| Some((*it.associations.first()?, it.association.as_ref()?)))
        else {
            it.answer = match self.facts.pod_identity_associations.absent_unless_missing::<()>(|_| true) {
                Lookup::Unknown(gap) => Answer::gap("the pod's Pod Identity association was not read", &gap),
                _ => Answer::no(format!(
                    "{namespace}/{name} has no Pod Identity association any more: the pod keeps what it was given until \
                     that expires, and gets no more"
                )),
            };
            return;
        };
        // What depends on the pod itself is asked anew with its name and uid.
        let made;
        let judged: &Association = match judged.answer.outcome {
            Outcome::Unknown => {
                made = self.association_of(association, Some(it.pod));
                &made
            }
            _ => judged,
        };
        it.role_arn.clone_from(&judged.role_arn);
        it.steps.push(Step {
            label: "association",
            outcome: None,
            text: format!("Pod Identity association {} of {namespace}/{name}", judged.id),
            evidence: Some(of_association(&judged.id)),
        });
        it.steps.extend(judged.steps.iter().cloned());
        let mut links = vec![judged.answer.clone()];
        let agent = match &it.place.agent {
            Presence::Present => Answer::yes("the Pod Identity agent runs on its node"),
            Presence::Absent(why) => Answer::no(why.clone()),
            Presence::Unknown(why) => Answer::open(why.clone()),
        };
        it.steps.push(Step {
            label: "agent",
            outcome: Some(agent.outcome),
            text: agent.because.clone(),
            evidence: None,
        });
        let has_agent = agent.outcome == Outcome::Allowed;
        links.push(agent);
        if has_agent {
            match self.node_may_ask(&it.place) {
                Allows::No | Allows::Denied(_) => {
                    let why = format!("the role of its node may not call {ASSUME_FOR_POD}, which the agent needs");
                    it.steps.push(Step {
                        label: "node role",
                        outcome: Some(Outcome::Denied),
                        text: why.clone(),
                        evidence: None,
                    });
                    links.push(Answer::no(why));
                }
                Allows::Unknown(why) => it.unverified.push(format!("that the node may call {ASSUME_FOR_POD}: {why}")),
                Allows::Yes => {}
            }
        }
        match self.reach(it.pod) {
            Reach::Open => {}
            Reach::Barred(policies) => {
                let why = barred(&policies, it.pod);
                let evidence = policies.first().map(|it| of_policy(it));
                let outcome = Some(Outcome::Unknown);
                it.steps.push(Step { label: "network", outcome, text: why.clone(), evidence });
                links.push(Answer::open(why));
            }
            Reach::Unread(gap) => {
                it.unverified.push(format!("that no network policy keeps the pod from the agent: {gap}"));
            }
        }
        // Where all is well, the role's own sentence comes first.
        if let Some(answer) = Answer::worst(links) {
            it.answer = answer;
        }
    }

    /// May the node's role ask for the credentials of its pods?
    pub(crate) fn node_may_ask(&self, place: &Place<'_>) -> Allows {
        match &place.role {
            NodeRole::Known(role) => self.may_ask(role),
            NodeRole::OneOf(roles) => {
                let each: Vec<Allows> = roles.iter().map(|role| self.may_ask(role)).collect();
                match each.as_slice() {
                    [first, rest @ ..] if rest.iter().all(|it| it.known() == first.known()) => first.clone(),
                    _ => Allows::Unknown(format!("which of {} it is", roles.join(", "))),
                }
            }
            NodeRole::None => Allows::Unknown("it has none".to_owned()),
            NodeRole::Unknown(why) => Allows::Unknown(why.clone()),
        }
    }

    fn may_ask(&self, role_arn: &str) -> Allows {
        if let Some(known) = self.node_allows.get(role_arn) {
            return known.clone();
        }
        self.judge_node(role_arn)
    }

    pub(super) fn judge_node(&self, role_arn: &str) -> Allows {
        let cluster = self.facts.cluster.value().and_then(|it| it.arn.as_deref()).unwrap_or("*");
        match Principal::from_arn(role_arn) {
            Ok((role, None)) => self.own_policies(&role, ASSUME_FOR_POD, cluster).allows,
            _ => Allows::Unknown(format!("{role_arn:?} is not the ARN of a role")),
        }
    }

    fn by_node(&self, it: &mut PodIdentities<'a>) {
        let (in_force, answer) = self.fallback(it.pod, &it.place);
        it.in_force = in_force;
        if let (NodeRole::Known(role), InForce::NodeRole) = (&it.place.role, in_force) {
            it.role_arn = Some((*role).to_owned());
        }
        it.steps.push(Step {
            label: "node role",
            outcome: Some(answer.outcome),
            text: answer.because.clone(),
            evidence: None,
        });
        it.answer = answer;
        for container in it.containers.iter_mut().filter(|it| it.in_force == InForce::NodeRole) {
            container.in_force = in_force;
        }
    }

    /// What a container without any identity of its own gets.
    pub(super) fn fallback(&self, pod: &Pod, place: &Place<'_>) -> (InForce, Answer) {
        let disabled = |it: &crate::model::workload::Container| {
            container::value(it, "AWS_EC2_METADATA_DISABLED").is_some_and(|it| it.eq_ignore_ascii_case("true"))
        };
        if !pod.spec.containers.is_empty() && pod.spec.containers.iter().all(disabled) {
            let why = "it has no AWS identity of its own, and AWS_EC2_METADATA_DISABLED keeps SDKs from asking for the node's";
            return (InForce::None, Answer::no(why));
        }
        let whose = match &place.role {
            NodeRole::Known(role) => format!("the node's role {role}"),
            NodeRole::OneOf(roles) => format!("the node's role, which is one of {}", roles.join(", ")),
            NodeRole::None | NodeRole::Unknown(_) => "the node's role".to_owned(),
        };
        match place::reaches_node(pod, place) {
            Presence::Absent(why) => {
                (InForce::None, Answer::no(format!("it has no AWS identity of its own, and {why}")))
            }
            Presence::Present => (
                InForce::NodeRole,
                Answer::yes(format!(
                    "it has no AWS identity of its own, and on the host's network it reaches {whose} through the instance's metadata"
                )),
            ),
            Presence::Unknown(why) => (
                InForce::NodeRole,
                Answer::open(format!("it has no AWS identity of its own and falls back to {whose}, if it can: {why}")),
            ),
        }
    }

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
        let associations = &self.facts.pod_identity_associations;
        let gap =
            associations.gap().map(|gap| Answer::gap("whether it has a Pod Identity association is not known", &gap));
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
                let mut links = vec![it.answer.clone()];
                match &self.ground.agent {
                    Presence::Present => {}
                    Presence::Absent(text) => links.push(Answer::no(text.clone())),
                    Presence::Unknown(text) => links.push(Answer::open(text.clone())),
                }
                if account.itself.is_none() && self.facts.service_accounts.gap().is_none() {
                    links.push(Answer::no(format!(
                        "the cluster has no service account {namespace}/{name}; EKS does not check"
                    )));
                }
                // What runs where it cannot work is likely to come to such a place again.
                if let Some(first) = on_no_pod(why.pods.iter().map(Cow::Borrowed)) {
                    links.push(Answer::open(format!(
                        "none of its pods gets it now ({first}); whether a new one does depends on where it comes to run"
                    )));
                }
                why.answer = Answer::worst(links).unwrap_or(why.answer);
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
                why.answer = Answer::worst([it.answer.clone()].into_iter().chain(gap)).unwrap_or(why.answer);
            }
            (None, None) => {
                if account.itself.is_none() && self.facts.service_accounts.gap().is_none() {
                    why.in_force = InForce::None;
                    why.answer = Answer::no(format!("the cluster has no service account {namespace}/{name}"));
                } else if let Some(gap) = gap {
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
