//! What one pod has: each container's identity, the one in force, and whether that works where the pod runs.
//!
//! Decides which binding is the pod's, since its own environment says so (of a pod that runs, or of one as it would be
//! created now), and joins what depends on the place: the agent, the way to it, the node's role. What else the pod could
//! have is [`super::why`]'s.

use std::borrow::Cow;

use super::credential_chain::{self as chain, ContainerIdentity, InForce};
use super::place::{self, NodeRole, Place, Presence};
use super::reach::{Reach, agent_address, barred, of_policy};
use super::token::Token;
use super::why::{of_association, of_container};
use super::{Answer, Association, ChainLink, Step, Workloads};
use crate::access::Verdict;
use crate::access::iam::ActionDecision;
use crate::access::iam::identity::ASSUME_FOR_POD;
use crate::model::principal::Principal;
use crate::model::snapshot::Lookup;
use crate::model::workload::{Container, DEFAULT_AUDIENCE, IRSA_VOLUME, Pod};

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
    /// For whom its token is made out, where that is known.
    pub audience: Option<String>,
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
        let Some(main) = self.containers.get(self.main) else { return false };
        self.containers.iter().any(|it| it.in_force != self.in_force || !it.is_same_as(main))
    }
}

impl<'a> Workloads<'a> {
    /// A pod's identities, each container's and the one in force.
    pub fn identities<'p>(&self, pod: &'p Pod) -> PodIdentities<'p>
    where
        'a: 'p,
    {
        self.identities_at(pod, self.place(pod))
    }

    /// The identities of a pod at a place.
    pub(super) fn identities_at<'p>(&self, pod: &'p Pod, place: Place<'p>) -> PodIdentities<'p>
    where
        'a: 'p,
    {
        let (containers, main) = chain::identities(pod);
        let mut it = PodIdentities {
            pod,
            main,
            place,
            in_force: InForce::None,
            role_arn: None,
            audience: None,
            answer: Answer::no("the pod has no container"),
            steps: Vec::new(),
            unverified: Vec::new(),
            containers: Vec::new(),
        };
        it.containers = containers;
        let Some(own) = it.containers.get(main).cloned() else { return it };
        it.in_force = own.in_force;
        it.audience = own.audience().map(str::to_owned);
        it.unverified.extend(own.unverified.iter().cloned());
        let which = if it.containers.len() > 1 { format!("container {}: ", own.name) } else { String::new() };
        it.steps.push(Step {
            link: ChainLink::Environment,
            outcome: None,
            text: format!("{which}{}", own.because),
            evidence: Some(of_container(pod, main)),
        });
        match own.in_force {
            InForce::Irsa => self.by_irsa(&mut it, &own),
            InForce::PodIdentity => self.by_association(&mut it, &own),
            InForce::NodeRole => self.by_node(&mut it),
            InForce::StaticKeys => {
                it.answer =
                    Answer::open("whose access keys they are is not in the pod, and what they may do is theirs");
            }
            InForce::Unknown | InForce::None => it.answer = Answer::open(own.because.clone()),
        }
        self.fall_back(&mut it);
        self.name_roles(&mut it);
        it
    }

    /// The role of each container, where its environment does not name it.
    fn name_roles(&self, it: &mut PodIdentities<'_>) {
        let namespace = it.pod.metadata.namespace.as_deref().unwrap_or_default();
        let account = self.account(namespace, it.pod.service_account());
        let associated = account.and_then(|it| it.association.as_ref()?.role_arn.clone());
        let node = match &it.place.role {
            NodeRole::Known(role) => Some((*role).to_owned()),
            _ => None,
        };
        for container in &mut it.containers {
            match container.in_force {
                InForce::PodIdentity => container.role_arn.clone_from(&associated),
                InForce::NodeRole => container.role_arn.clone_from(&node),
                _ => {}
            }
        }
    }

    fn by_irsa(&self, it: &mut PodIdentities<'_>, own: &ContainerIdentity) {
        let namespace = it.pod.metadata.namespace.as_deref().unwrap_or_default();
        let name = it.pod.service_account();
        it.role_arn.clone_from(&own.role_arn);
        let Some(role_arn) = own.role_arn.as_deref() else {
            it.answer =
                Answer::open(format!("{} is set from elsewhere, and its value is not in the pod", chain::ROLE_ARN));
            return;
        };
        let account = self.account(namespace, name);
        let asked = account.and_then(|it| it.itself).map_or(DEFAULT_AUDIENCE, |it| it.audience());
        let unrecorded = own.token == Some(Token::Unrecorded);
        let audience = if unrecorded { Some(asked) } else { own.audience() };
        let judged = account.and_then(|it| it.irsa.as_deref());
        let irsa = match judged.filter(|it| it.role_arn == role_arn && it.audience.as_deref() == audience) {
            Some(irsa) => Cow::Borrowed(irsa),
            None => Cow::Owned(self.irsa_of(namespace, name, role_arn, audience)),
        };
        it.steps.extend(irsa.steps.iter().cloned());
        it.answer = irsa.answer.clone();
        // What the service account asks for may be newer than the pod, whose token stays as it was made.
        if unrecorded {
            let volume = format!("the audience of its volume {IRSA_VOLUME} was not recorded");
            let before = || self.irsa_of(namespace, name, role_arn, Some(DEFAULT_AUDIENCE)).answer.outcome;
            if asked == DEFAULT_AUDIENCE {
                it.unverified.push(format!("that its token is made out for {DEFAULT_AUDIENCE}: {volume}"));
            } else if before() != it.answer.outcome {
                it.answer = Answer::open(format!(
                    "the service account asks for tokens for {asked:?}, and whether the pod was created after that is not \
                     known: {volume}"
                ));
            }
        }
        let open = match &own.token {
            Some(Token::Foreign(why)) => {
                format!("{why}: whose token it is, and for which audience, is not known")
            }
            Some(Token::Projected { audience: None }) => {
                "its token is made out for the API server's own audience, which is not known here".to_owned()
            }
            _ => return,
        };
        // Whatever the audience, a sure no stays one where the token is the service account's.
        let gone = irsa.steps.iter().any(|it| it.link == ChainLink::Role && it.outcome == Some(Verdict::No));
        let own_token = matches!(own.token, Some(Token::Projected { .. }));
        let sure = gone || own_token && it.answer.outcome == Verdict::No;
        if !sure {
            it.answer = Answer::open(open);
        }
    }

    fn by_association(&self, it: &mut PodIdentities<'_>, own: &ContainerIdentity) {
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
        // What depends on the pod itself is asked with its name and uid, which a new pod does not have yet.
        let made;
        let judged: &Association = match judged.answer.outcome {
            Verdict::Unknown if !it.pod.metadata.name.is_empty() => {
                made = self.association_of(association, Some(it.pod));
                &made
            }
            _ => judged,
        };
        it.role_arn.clone_from(&judged.role_arn);
        it.steps.push(Step {
            link: ChainLink::Association,
            outcome: None,
            text: format!("Pod Identity association {} of {namespace}/{name}", judged.id),
            evidence: Some(of_association(&judged.id)),
        });
        it.steps.extend(judged.steps.iter().cloned());
        it.unverified.extend(judged.unverified.iter().cloned());
        let mut links = vec![judged.answer.clone()];
        let agent = match &it.place.agent {
            Presence::Present => Answer::yes("the Pod Identity agent runs on its node"),
            Presence::Absent(why) => Answer::no(why.clone()),
            Presence::Unknown(why) => Answer::open(why.clone()),
        };
        it.steps.push(Step {
            link: ChainLink::Agent,
            outcome: Some(agent.outcome),
            text: agent.because.clone(),
            evidence: None,
        });
        for hindrance in &own.hindrances {
            let outcome = hindrance.outcome.unwrap_or(Verdict::Unknown);
            links.push(Answer::new(outcome, hindrance.text.clone()));
            it.steps.push(Step { evidence: Some(of_container(it.pod, it.main)), ..hindrance.clone() });
        }
        let has_agent = agent.outcome == Verdict::Yes;
        links.push(agent);
        if has_agent {
            let may_ask = self.node_may_ask(&it.place);
            match may_ask.verdict {
                Verdict::No => {
                    let why = format!("the role of its node may not call {ASSUME_FOR_POD}, which the agent needs");
                    it.steps.push(Step {
                        link: ChainLink::NodeRole,
                        outcome: Some(Verdict::No),
                        text: why.clone(),
                        evidence: None,
                    });
                    links.push(Answer::no(why));
                }
                Verdict::Unknown => {
                    it.unverified.push(format!("that the node may call {ASSUME_FOR_POD}: {}", may_ask.because));
                }
                Verdict::Yes => {}
            }
        }
        match self.reach(it.pod) {
            Reach::Open => {}
            Reach::Barred(policies) => {
                let why = barred(&policies, agent_address(it.pod));
                let evidence = policies.first().map(|it| of_policy(it));
                let outcome = Some(Verdict::Unknown);
                it.steps.push(Step { link: ChainLink::Network, outcome, text: why.clone(), evidence });
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
    pub(crate) fn node_may_ask(&self, place: &Place<'_>) -> ActionDecision {
        match &place.role {
            NodeRole::Known(role) => self.may_ask(role),
            NodeRole::OneOf(roles) => {
                let each: Vec<ActionDecision> = roles.iter().map(|role| self.may_ask(role)).collect();
                match each.as_slice() {
                    [first, rest @ ..] if rest.iter().all(|it| it.verdict == first.verdict) => first.clone(),
                    _ => ActionDecision::unknown(format!("which of {} it is", roles.join(", "))),
                }
            }
            NodeRole::None => ActionDecision::unknown("it has none".to_owned()),
            NodeRole::Unknown(why) => ActionDecision::unknown(why.clone()),
        }
    }

    fn may_ask(&self, role_arn: &str) -> ActionDecision {
        if let Some(known) = self.node_allows.get(role_arn) {
            return known.clone();
        }
        self.judge_node(role_arn)
    }

    pub(super) fn judge_node(&self, role_arn: &str) -> ActionDecision {
        let cluster = self.facts.cluster.value().and_then(|it| it.arn.as_deref()).unwrap_or("*");
        match Principal::from_arn(role_arn) {
            Ok((role, None)) => self.own_policies(&role, ASSUME_FOR_POD, cluster).allows,
            _ => ActionDecision::unknown(format!("{role_arn:?} is not the ARN of a role")),
        }
    }

    fn by_node(&self, it: &mut PodIdentities<'_>) {
        let Some(own) = chain::of(it.pod, it.main) else { return };
        let (in_force, answer) = self.fallback(it.pod, own, &it.place);
        it.in_force = in_force;
        if let (NodeRole::Known(role), InForce::NodeRole) = (&it.place.role, in_force) {
            it.role_arn = Some((*role).to_owned());
        }
        it.steps.push(Step {
            link: ChainLink::NodeRole,
            outcome: Some(answer.outcome),
            text: answer.because.clone(),
            evidence: None,
        });
        it.answer = answer;
        if let Some(main) = it.containers.get_mut(it.main) {
            main.in_force = in_force;
        }
    }

    /// A container beside the main one without anything of its own gets what its place gives.
    fn fall_back(&self, it: &mut PodIdentities<'_>) {
        let main = it.main;
        for (at, container) in it.containers.iter_mut().enumerate() {
            if at != main
                && container.in_force == InForce::NodeRole
                && let Some(own) = chain::of(it.pod, at)
            {
                container.in_force = self.fallback(it.pod, own, &it.place).0;
            }
        }
    }

    /// What a container without any identity of its own gets.
    pub(super) fn fallback(&self, pod: &Pod, container: &Container, place: &Place<'_>) -> (InForce, Answer) {
        let shuns = chain::shuns_metadata(container);
        if shuns == Some(true) {
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
            Presence::Present if shuns.is_none() => (
                InForce::NodeRole,
                Answer::open(format!(
                    "it has no AWS identity of its own and falls back to {whose}, unless AWS_EC2_METADATA_DISABLED, whose \
                     value is not known here, keeps SDKs from asking"
                )),
            ),
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
}
