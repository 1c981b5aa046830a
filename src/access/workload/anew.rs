//! What a pod gets that is made now: the one answer behind a service account's own and its rows in the panes.
//!
//! Decides from the binding, and from what meets every new pod of the namespace: a Fargate profile, the agent, network
//! policies. Where a pod will run and what its template says is in no fact here; that of the pods that run now none surely
//! gets the role makes the answer not known.

use std::borrow::Cow;

use super::place::{Presence, unread};
use super::pod::PodIdentities;
use super::reach::barred;
use super::{Account, Answer, Association, InForce, Irsa, Workloads};
use crate::access::trust::Outcome;
use crate::model::cluster::FargateProfile;
use crate::model::snapshot::Gap;
use crate::model::wildcard::glob;

/// The answer for a pod that is made now.
pub(crate) struct Anew {
    /// Does it get the role?
    pub(crate) answer: Answer,
    /// What could only reveal a rare defect.
    pub(crate) unverified: Vec<String>,
}

impl<'a> Workloads<'a> {
    /// By an annotation, unless an association that was not read takes over.
    pub(crate) fn anew_by_irsa(&self, it: &Irsa) -> Answer {
        let gap = self.associations_gap();
        Answer::worst([it.answer.clone()].into_iter().chain(gap)).unwrap_or_else(|| it.answer.clone())
    }

    /// Why it is not known whether there is an association, if so.
    pub(super) fn associations_gap(&self) -> Option<Answer> {
        let gap = self.facts.pod_identity_associations.gap()?;
        Some(Answer::gap("whether it has a Pod Identity association is not known", &gap))
    }

    /// By an association. The pods are looked at only where all else is well.
    pub(crate) fn anew_by_association<'p>(
        &self,
        (namespace, name): (&str, &str),
        account: &Account<'_>,
        judged: &Association,
        pods: impl Iterator<Item = Cow<'p, PodIdentities<'a>>>,
    ) -> Anew
    where
        'a: 'p,
    {
        let mut unverified = judged.unverified.clone();
        let mut links = Vec::new();
        if account.itself.is_none() && self.facts.service_accounts.gap().is_none() {
            let why = format!("the cluster has no service account {namespace}/{name}; EKS does not check");
            links.push(Answer::no(why));
        }
        links.push(judged.answer.clone());
        match &self.ground.agent {
            Presence::Present => {}
            Presence::Absent(text) => links.push(Answer::no(text.clone())),
            Presence::Unknown(text) => links.push(Answer::open(text.clone())),
        }
        links.extend(self.on_fargate(namespace));
        if let Some(gap) = self.facts.fargate_profiles.gap() {
            let what = unread("the Fargate profiles", &gap);
            unverified.push(format!("that none of them takes its pods, where Pod Identity does not work: {what}"));
        }
        let well = links.iter().all(|it| it.outcome == Outcome::Allowed);
        match well.then(|| fare(pods)) {
            None | Some(Fare::Well) => {}
            Some(Fare::Ill { because, loading }) => links.push(Answer { loading, ..Answer::open(because) }),
            Some(Fare::Unseen) => match self.barred_anew(namespace) {
                Ok(why) => links.extend(why.map(Answer::open)),
                Err(gap) => {
                    unverified.push(format!("that no network policy keeps its pods from the agent: {gap}"));
                }
            },
        }
        let answer = Answer::worst(links).unwrap_or_else(|| judged.answer.clone());
        Anew { answer, unverified }
    }

    /// Does a Fargate profile take the new pods of a namespace? Pod Identity does not work there.
    fn on_fargate(&self, namespace: &str) -> Option<Answer> {
        // One that is made or taken away just now may or may not.
        let settled = |it: &FargateProfile| it.status.as_deref().is_none_or(|it| it == "ACTIVE");
        let gone = |it: &FargateProfile| it.status.as_deref().is_some_and(|it| it.ends_with("_FAILED"));
        let mut perhaps = None;
        for profile in self.facts.fargate_profiles.items().iter().filter(|it| !gone(it)) {
            let here = |it: &str| glob(it, namespace);
            let of_it = profile.selectors.iter().filter(|it| it.namespace.as_deref().is_some_and(here));
            for selector in of_it {
                let which = &profile.fargate_profile_name;
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
    fn barred_anew(&self, namespace: &str) -> Result<Option<String>, Gap> {
        if let Some(gap) = self.facts.network_policies.gap() {
            return Err(gap);
        }
        let all = self.policies.get(namespace).map(Vec::as_slice).unwrap_or_default();
        let everybodys: Vec<_> = all.iter().copied().filter(|it| it.limits_everybody()).collect();
        let address = self.agent_anew();
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

fn fare<'p, 'a: 'p>(pods: impl Iterator<Item = Cow<'p, PodIdentities<'a>>>) -> Fare {
    let mut first: Option<Answer> = None;
    let mut all_denied = true;
    for pod in pods.filter(|it| it.in_force == InForce::PodIdentity) {
        match pod.answer.outcome {
            Outcome::Allowed => return Fare::Well,
            Outcome::Denied => {}
            Outcome::Unknown => all_denied = false,
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
