//! What a new pod gets: the pod identity webhook's patch of the pod under today's annotations and associations, then the
//! SDKs' credential chain on each of its containers.
//!
//! The one function behind a service account's answer, its rows in the panes, what a running pod would get if it were
//! recreated, and the findings about pods that differ from that. A new pod of a service account as such has one container
//! without variables of its own; one that is recreated is as its stored pod was written ([`super::webhook::strip`]).
//!
//! Decides besides from what meets every new pod of the namespace: a Fargate profile, the agent, network policies. Where a
//! pod will run is in no fact here; that of the pods that run now none surely gets the role makes the answer not known.

use core::net::IpAddr;
use std::borrow::Cow;

use super::credential_chain::{self as chain, ContainerIdentity};
use super::place::{NodeRole, Presence, unread};
use super::pod::PodIdentities;
use super::reach::barred;
use super::webhook::{self, Patch};
use super::{Account, AccountKey, Answer, Association, InForce, Workloads};
use crate::access::Verdict;
use crate::model::cluster::FargateProfile;
use crate::model::snapshot::Gap;
use crate::model::wildcard::glob;
use crate::model::workload::{Container, Pod};

/// What a new pod gets.
#[derive(Clone, Debug)]
pub struct NewPod {
    /// Each container, init containers last.
    pub containers: Vec<ContainerIdentity>,
    /// Which of them stands for the pod.
    pub main: usize,
    /// The identity in effect for that one.
    pub in_force: InForce,
    /// Its role.
    pub role_arn: Option<String>,
    /// For whom its token is made out, where that is known.
    pub audience: Option<String>,
    /// Does it get the role?
    pub answer: Answer,
    /// What could only reveal a rare defect.
    pub unverified: Vec<String>,
    /// By which mechanism the webhook patched the stored pod when it was created, as far as its spec shows.
    pub patched_before: Option<InForce>,
    /// By which mechanism it would patch it now.
    pub patched_now: Option<InForce>,
    /// Whether it is not known what the webhook would do.
    pub unknown: bool,
    /// Whether the API server would refuse the pod, since its service account does not exist.
    pub refused: bool,
}

impl NewPod {
    /// Do its containers have different identities?
    pub fn differ(&self) -> bool {
        let Some(main) = self.containers.get(self.main) else { return false };
        self.containers.iter().any(|it| it.in_force != self.in_force || !it.is_same_as(main))
    }

    /// The identity of the container that stands for the pod.
    pub fn main(&self) -> Option<&ContainerIdentity> {
        self.containers.get(self.main)
    }
}

/// What the webhook does with new pods of a service account.
struct Today {
    patch: Option<Patch>,
    /// Why that is not known.
    doubt: Option<Answer>,
    /// Why no new pod can be created.
    refused: Option<Answer>,
}

/// The answer about an association, for a new pod.
struct ByAssociation {
    answer: Answer,
    unverified: Vec<String>,
}

/// A pod of a service account of which nothing else is known.
fn bare_pod() -> Pod {
    let mut pod = Pod::default();
    pod.spec.containers.push(Container { volume_mounts: Some(Vec::new()), ..Container::default() });
    pod
}

impl<'a> Workloads<'a> {
    fn today(&self, (namespace, name): AccountKey<'_>, account: &Account<'_>) -> Today {
        let accounts = &self.facts.service_accounts;
        let cluster = self.facts.cluster.value().and_then(|it| it.arn.as_deref());
        let region = cluster.and_then(|it| it.split(':').nth(3));
        let gone = account.itself.is_none() && accounts.gap().is_none();
        let refused = gone.then(|| {
            Answer::no(format!(
                "the cluster has no service account {namespace}/{name}, and the API server refuses new pods of one that \
                 does not exist"
            ))
        });
        if !account.associations.is_empty() {
            let host = match self.agent_for_new_pods() {
                IpAddr::V4(it) => it.to_string(),
                IpAddr::V6(it) => format!("[{it}]"),
            };
            return Today { patch: Some(Patch::pod_identity(&host, account.itself, region)), doubt: None, refused };
        }
        let unread = accounts.gap().filter(|_| account.itself.is_none());
        let unread = unread.map(|gap| Answer::gap("the service account was not read", &gap));
        let patch = account.itself.and_then(|it| Some(Patch::irsa(it.role_arn()?, it, region)));
        Today { patch, doubt: self.associations_gap().or(unread), refused }
    }

    /// What the containers of a pod would get if it were created now; nothing of whether that works. `None`: that is not
    /// known, or no such pod can be created.
    pub(crate) fn identities_if_recreated(
        &self,
        key: AccountKey<'_>,
        account: &Account<'_>,
        pod: &Pod,
    ) -> Option<Vec<ContainerIdentity>> {
        let Today { patch, doubt: None, refused: None } = self.today(key, account) else { return None };
        let written = webhook::strip(pod).pod;
        Some(chain::identities(&patch.map_or_else(|| written.clone(), |it| webhook::apply(&it, &written))).0)
    }

    /// What a new pod of a service account gets; one as the template was written, or one of which nothing else is known.
    pub fn new_pod(&self, key: AccountKey<'_>, account: &Account<'_>, template: Option<&Pod>) -> NewPod {
        let today = self.today(key, account);
        let written = template.map(webhook::strip);
        let patched_before = written.as_ref().and_then(|it| it.patched);
        let mut written = written.map_or_else(bare_pod, |it| it.pod);
        // It has neither a name nor an id yet, and no node.
        (written.metadata.name, written.metadata.uid) = (String::new(), None);
        written.metadata.namespace = Some(key.0.to_owned());
        written.spec.service_account_name = Some(key.1.to_owned());
        written.spec.node_name = None;
        let patched = today.patch.as_ref().map(|it| webhook::apply(it, &written));
        let patched_now = today.patch.as_ref().filter(|_| patched.as_ref() != Some(&written)).map(Patch::mechanism);
        let pod = patched.as_ref().unwrap_or(&written);
        let mut place = self.place(pod);
        if matches!(place.role, NodeRole::Unknown(_)) {
            place.role = NodeRole::Unknown("which node a new pod would run on is not known".to_owned());
        }
        let it = self.identities_at(pod, place);
        let mut new = NewPod {
            main: it.main,
            in_force: it.in_force,
            role_arn: it.role_arn.clone(),
            audience: it.audience.clone(),
            answer: it.answer.clone(),
            unverified: it.unverified.clone(),
            patched_before,
            patched_now,
            unknown: false,
            refused: false,
            containers: it.containers.clone(),
        };
        match (template, &account.association, &account.irsa) {
            (None, Some(judged), _) => {
                let pods = account.pods.iter().map(|pod| Cow::Owned(self.identities(pod)));
                let by = self.by_association_if_new(key, account, judged, pods);
                (new.answer, new.unverified) = (by.answer, by.unverified);
                return new;
            }
            (None, None, Some(irsa)) => new.answer = irsa.answer.clone(),
            (None, None, None) => {
                new.answer = Answer::open(
                    "it has neither an annotation nor an association: its pods fall back to their node's role, if they reach it",
                );
            }
            (Some(_), ..) if it.in_force == InForce::PodIdentity => self.join_new_place(&mut new, key, account, pod),
            (Some(_), ..) => {}
        }
        if let Some(why) = today.refused {
            (new.in_force, new.role_arn, new.audience, new.answer) = (InForce::None, None, None, why);
            new.containers.iter_mut().for_each(|it| withdraw(it, InForce::None));
            new.refused = true;
        } else if let Some(doubt) = today.doubt {
            let open = |at: &usize| depends_on_webhook(&written, *at);
            // Without an annotation, not even the mechanism is known.
            for at in (0..new.containers.len()).filter(open).filter(|_| today.patch.is_none()) {
                new.containers.get_mut(at).into_iter().for_each(|it| withdraw(it, InForce::Unknown));
            }
            if open(&new.main) {
                if today.patch.is_none() {
                    (new.in_force, new.role_arn, new.audience) = (InForce::Unknown, None, None);
                }
                (new.answer, new.unknown) = (doubt, true);
            }
        }
        new
    }

    /// What meets a pod with Pod Identity wherever it comes to run.
    fn join_new_place(&self, new: &mut NewPod, (namespace, _): AccountKey<'_>, account: &Account<'_>, pod: &Pod) {
        let mut links = vec![new.answer.clone()];
        links.extend(self.on_fargate(namespace, Some(pod)));
        if let Some(gap) = self.facts.fargate_profiles.gap() {
            let what = unread("the Fargate profiles", &gap);
            new.unverified.push(format!("that none of them takes it, where Pod Identity does not work: {what}"));
        }
        if links.iter().all(|it| it.outcome == Verdict::Yes) {
            let pods = account.pods.iter().map(|pod| Cow::Owned(self.identities(pod)));
            if let Fare::Ill { because, loading } = fare(pods) {
                links.push(Answer { loading, ..Answer::open(because) });
            }
        }
        if let Some(answer) = Answer::worst(links) {
            new.answer = answer;
        }
    }

    /// Why it is not known whether there is an association, if so.
    fn associations_gap(&self) -> Option<Answer> {
        let gap = self.facts.pod_identity_associations.gap()?;
        Some(Answer::gap("whether it has a Pod Identity association is not known", &gap))
    }

    /// The answer about an association of a service account, for its new pods.
    pub(crate) fn association_for_new_pods(
        &self,
        key: AccountKey<'_>,
        account: &Account<'_>,
        judged: &Association,
    ) -> Answer {
        match &account.association {
            Some(first) if first.id == judged.id => self.new_pod(key, account, None).answer,
            _ => {
                let pods = account.pods.iter().map(|pod| Cow::Owned(self.identities(pod)));
                self.by_association_if_new(key, account, judged, pods).answer
            }
        }
    }

    /// By an association. The pods are looked at only where all else is well.
    fn by_association_if_new<'p>(
        &self,
        (namespace, name): AccountKey<'_>,
        account: &Account<'_>,
        judged: &Association,
        pods: impl Iterator<Item = Cow<'p, PodIdentities<'p>>>,
    ) -> ByAssociation {
        let mut unverified = judged.unverified.clone();
        let mut links = Vec::new();
        if account.itself.is_none() && self.facts.service_accounts.gap().is_none() {
            let why = format!("the cluster has no service account {namespace}/{name}; EKS does not check");
            links.push(Answer::no(why));
        }
        if let Some(gap) = self.facts.service_accounts.gap().filter(|_| account.itself.is_none()) {
            unverified.push(format!("that the service account exists: {}", unread("the service accounts", &gap)));
        }
        links.push(judged.answer.clone());
        match &self.ground.agent {
            Presence::Present => {}
            Presence::Absent(text) => links.push(Answer::no(text.clone())),
            Presence::Unknown(text) => links.push(Answer::open(text.clone())),
        }
        links.extend(self.on_fargate(namespace, None));
        if let Some(gap) = self.facts.fargate_profiles.gap() {
            let what = unread("the Fargate profiles", &gap);
            unverified.push(format!("that none of them takes its pods, where Pod Identity does not work: {what}"));
        }
        let well = links.iter().all(|it| it.outcome == Verdict::Yes);
        match well.then(|| fare(pods)) {
            None | Some(Fare::Well) => {}
            Some(Fare::Ill { because, loading }) => links.push(Answer { loading, ..Answer::open(because) }),
            Some(Fare::Unseen) => match self.barred_for_new_pods(namespace) {
                Ok(why) => links.extend(why.map(Answer::open)),
                Err(gap) => {
                    unverified.push(format!("that no network policy keeps its pods from the agent: {gap}"));
                }
            },
        }
        let answer = Answer::worst(links).unwrap_or_else(|| judged.answer.clone());
        ByAssociation { answer, unverified }
    }

    /// Why new pods of a namespace run on Fargate, where Pod Identity does not work, or may; `None` where they do not.
    pub(crate) fn fargate_for_new_pods(&self, namespace: &str) -> Option<Answer> {
        self.on_fargate(namespace, None)
    }

    /// Does a Fargate profile take the new pods of a namespace, or one that is as this pod? Pod Identity does not work there.
    fn on_fargate(&self, namespace: &str, pod: Option<&Pod>) -> Option<Answer> {
        // One that is made or taken away just now may or may not.
        let settled = |it: &FargateProfile| it.status.as_deref().is_none_or(|it| it == "ACTIVE");
        let gone = |it: &FargateProfile| it.status.as_deref().is_some_and(|it| it.ends_with("_FAILED"));
        let mut perhaps = None;
        for profile in self.facts.fargate_profiles.items().iter().filter(|it| !gone(it)) {
            let here = |it: &str| glob(it, namespace);
            let of_it = profile.selectors.iter().filter(|it| it.namespace.as_deref().is_some_and(here));
            for selector in of_it {
                let which = &profile.fargate_profile_name;
                // Labels of a pod that is known are asked for; one that takes it may still not be the one that does.
                let fits =
                    |pod: &Pod| selector.labels.iter().all(|(key, value)| pod.metadata.labels.get(key) == Some(value));
                if pod.is_some_and(|it| !fits(it)) {
                    continue;
                }
                if selector.labels.is_empty() && settled(profile) {
                    return Some(Answer::no(format!(
                        "Fargate profile {which} takes every new pod of the namespace, and Pod Identity does not work on Fargate"
                    )));
                }
                let why = if selector.labels.is_empty() {
                    format!("Fargate profile {which}, which is not active now, is for every pod of the namespace")
                } else {
                    let labels: Vec<String> =
                        selector.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
                    format!(
                        "Fargate profile {which} takes new pods of the namespace that are labelled {}",
                        labels.join(", ")
                    )
                };
                perhaps.get_or_insert_with(|| {
                    Answer::open(format!(
                        "{why}: whether a new one comes to run there, where Pod Identity does not work, is not known"
                    ))
                });
            }
        }
        perhaps
    }

    /// What keeps every new pod of a namespace from the agent, if anything does.
    fn barred_for_new_pods(&self, namespace: &str) -> Result<Option<String>, Gap> {
        if let Some(gap) = self.facts.network_policies.gap() {
            return Err(gap);
        }
        let all = self.policies.get(namespace).map(Vec::as_slice).unwrap_or_default();
        let everybodys: Vec<_> = all.iter().copied().filter(|it| it.limits_everybody()).collect();
        let address = self.agent_for_new_pods();
        if everybodys.is_empty() || everybodys.iter().any(|it| self.lets_ask(it, address)) {
            return Ok(None);
        }
        let other = all.iter().find(|it| !it.limits_everybody() && self.lets_ask(it, address));
        let but =
            other.map(|it| format!("; {} does, for the pods that it selects", it.metadata.name)).unwrap_or_default();
        Ok(Some(format!("of every pod of the namespace: {}{but}", barred(&everybodys, address))))
    }
}

/// How the pods fare that have an association's variables.
enum Fare {
    /// There is none.
    Unseen,
    /// One of them surely gets the role.
    Well,
    /// None of them surely does.
    Ill { because: String, loading: bool },
}

fn fare<'p>(pods: impl Iterator<Item = Cow<'p, PodIdentities<'p>>>) -> Fare {
    let mut first: Option<Answer> = None;
    let mut all_denied = true;
    for pod in pods.filter(|it| it.in_force == InForce::PodIdentity) {
        match pod.answer.outcome {
            Verdict::Yes => return Fare::Well,
            Verdict::No => {}
            Verdict::Unknown => all_denied = false,
        }
        first.get_or_insert_with(|| pod.answer.clone());
    }
    let Some(Answer { because, loading, .. }) = first else { return Fare::Unseen };
    let text = match all_denied {
        true => {
            format!("none of its pods gets it now ({because}); whether a new one does depends on where it comes to run")
        }
        false => format!("none of its pods surely gets it now ({because}), and neither would a new one"),
    };
    Fare::Ill { because: text, loading }
}

/// Takes back what was said of a container's identity.
fn withdraw(it: &mut ContainerIdentity, in_force: InForce) {
    (it.in_force, it.role_arn, it.token) = (in_force, None, None);
    (it.besides, it.hindrances, it.unverified) = (Vec::new(), Vec::new(), Vec::new());
}

/// Whether what the webhook writes can change the identity of a container.
fn depends_on_webhook(written: &Pod, main: usize) -> bool {
    if webhook::has_skip_label(written) {
        return false;
    }
    let Some(container) = chain::of(written, main) else { return false };
    !webhook::skipped_containers(written).contains(&container.name)
        && chain::identity(written, container, false).in_force != InForce::StaticKeys
}
