//! One Pod Identity association: its role, the role after it, and every link between.
//!
//! Decides whether EKS could assume the role for a pod of the service account, and with it the target role. Whether the
//! pod can reach the agent depends on where it runs: that is [`super::place`]'s, and joined in [`super::why`].

use super::irsa::{of_role, role_named};
use super::{Allows, Answer, Step, Workloads};
use crate::access::trust::{Bar, Outcome, PodIdentity, Request, evaluate};
use crate::model::principal::Principal;
use crate::model::snapshot::{DocumentRef, Evidence};
use crate::model::workload::{Pod, PodIdentityAssociation};

/// A service account's binding to a role by Pod Identity.
#[derive(Clone, Debug, PartialEq)]
pub struct Association {
    /// Its id.
    pub id: String,
    /// The role; `None` when it was not read.
    pub role_arn: Option<String>,
    /// The role's, if it is a role's ARN.
    pub role: Option<Principal>,
    /// The role that the first one assumes.
    pub target: Option<String>,
    /// May it?
    pub answer: Answer,
    /// What the first role's trust policy says, if it was judged.
    pub trust: Option<Answer>,
    /// What the target role's trust policy and the first role's own policies say, if they were judged.
    pub then: Option<Answer>,
    /// Is it the first role's own policies or boundary that bar it from the target, whatever that trusts?
    pub barred: bool,
    /// Link by link.
    pub steps: Vec<Step>,
}

impl<'a> Workloads<'a> {
    /// Judges an association: for one pod, or for any.
    pub(super) fn association_of(&self, it: &PodIdentityAssociation, pod: Option<&Pod>) -> Association {
        let document = || DocumentRef::PodIdentityAssociation(it.association_id.clone());
        let mut out = Association {
            id: it.association_id.clone(),
            role_arn: it.role_arn.clone(),
            role: None,
            target: it.target_role_arn.clone(),
            answer: Answer::open("nothing was looked at"),
            trust: None,
            then: None,
            barred: false,
            steps: Vec::new(),
        };
        let mut links: Vec<(&'static str, Answer, Option<Evidence>)> = Vec::new();
        let Some(arn) = it.role_arn.as_deref() else {
            let why = "the association's role was not read: that takes eks:DescribePodIdentityAssociation";
            out.answer = Answer::open(why);
            return out;
        };
        match role_named(arn) {
            Err(why) => links.push(("role", Answer::no(why), Some(Evidence::new(document(), "roleArn")))),
            Ok(role) => {
                out.role = Some(role.clone());
                self.first(it, arn, &role, pod, &mut links);
                if let Some(target) = it.target_role_arn.as_deref() {
                    let from = links.len();
                    out.barred = self.then(it, arn, &role, target, pod, &mut links);
                    out.then = Answer::worst(links.iter().skip(from).map(|(_, answer, _)| answer.clone()));
                }
            }
        }
        for (label, answer, evidence) in &links {
            out.steps.push(Step {
                label,
                outcome: Some(answer.outcome),
                text: answer.because.clone(),
                evidence: evidence.clone(),
            });
        }
        out.trust = links.iter().find(|(label, ..)| *label == "trust").map(|(_, answer, _)| answer.clone());
        let all_well = links.iter().all(|(_, answer, _)| answer.outcome == Outcome::Allowed);
        let worst = Answer::worst(links.into_iter().map(|(_, answer, _)| answer));
        if let Some(answer) = out.trust.clone().filter(|_| all_well).or(worst) {
            out.answer = answer;
        }
        out
    }

    /// The first role: of the cluster's account, there, and trusting EKS.
    fn first(
        &self,
        it: &PodIdentityAssociation,
        arn: &str,
        role: &Principal,
        pod: Option<&Pod>,
        links: &mut Vec<(&'static str, Answer, Option<Evidence>)>,
    ) {
        let own = self.facts.cluster.value().and_then(|it| it.account());
        if own.as_ref().is_some_and(|own| *own != role.account) {
            let why = format!(
                "role {arn} is of account {}, and Pod Identity takes only roles of the cluster's own account; \
                 another account's belongs in targetRoleArn",
                role.account
            );
            links.push(("role", Answer::no(why), None));
            return;
        }
        let found = match self.existing(arn, role) {
            Ok(found) => found,
            Err(answer) => {
                links.push(("role", *answer, None));
                return;
            }
        };
        links.push(("role", Answer::yes(format!("role {arn} exists")), None));
        let answer = match (self.tags(it, pod), found.policy()) {
            (_, Err(why)) => Answer::open(why),
            (None, _) => Answer::open("the cluster's ARN is not known, and so not the session tags"),
            (Some(tags), Ok(document)) => {
                let request = Request::pod_identity(&tags).to_account(&role.account);
                Answer::of(evaluate(document, &request), &format!("role {}", role.name))
            }
        };
        links.push(("trust", answer, Some(of_role(role))));
    }

    /// The target role; `true` where the first role's own policies bar it.
    fn then(
        &self,
        it: &PodIdentityAssociation,
        arn: &str,
        first: &Principal,
        target: &str,
        pod: Option<&Pod>,
        links: &mut Vec<(&'static str, Answer, Option<Evidence>)>,
    ) -> bool {
        let role = match role_named(target) {
            Ok(role) => role,
            Err(why) => {
                links.push(("target role", Answer::no(why), None));
                return false;
            }
        };
        let Some(tags) = self.tags(it, pod) else { return false };
        let actions: &[&str] =
            if tags.disable_session_tags { &["sts:AssumeRole"] } else { &["sts:AssumeRole", "sts:TagSession"] };
        // All must be allowed; what denies counts before what is not known.
        let each: Vec<_> = actions.iter().map(|action| (*action, self.own_policies(first, action, target))).collect();
        let denied = each.iter().find(|(_, it)| it.allows.known() == Some(false));
        let open = each.iter().find_map(|(_, it)| match &it.allows {
            Allows::Unknown(why) => Some(why.clone()),
            _ => None,
        });
        let bars = || each.iter().map(|(_, it)| &it.bar);
        let bar = bars().find(|it| matches!(it, Bar::Surely(_))).or_else(|| bars().find(|it| **it != Bar::None));
        let bar = bar.cloned().unwrap_or_default();
        let barred = matches!(bar, Bar::Surely(_));
        let own = match (denied, &open) {
            (Some(_), _) => Some(false),
            (None, Some(_)) => None,
            (None, None) => Some(true),
        };
        if let Some((action, own)) = denied
            && role.account != first.account
        {
            let why = match &own.allows {
                Allows::Denied(why) => why.clone(),
                _ => format!("no policy of role {} allows {action} on {target}", first.name),
            };
            links.push(("own policies", Answer::no(why), Some(of_role(first))));
        }
        let found = match self.existing(target, &role) {
            Ok(found) => found,
            Err(answer) => {
                links.push(("target role", *answer, None));
                return barred;
            }
        };
        let answer = match (found.policy(), Request::pod_identity_target(arn, &tags, it.external_id.as_deref())) {
            (Err(why), _) => Answer::open(why),
            (_, Err(error)) => Answer::no(error.to_string()),
            (Ok(policy), Ok(request)) => {
                let mut request = request.to_account(&role.account);
                request.own_policies = own;
                request.bar = bar;
                if it.external_id.is_none() {
                    request = request.forgetting("sts:ExternalId");
                }
                Answer::of(evaluate(policy, &request), &format!("target role {}", role.name))
            }
        };
        links.push(("target role", answer, Some(of_role(&role))));
        if let (Some(why), true) = (open, role.account != first.account) {
            links.push(("own policies", Answer::open(why), Some(of_role(first))));
        }
        barred
    }

    fn tags<'t>(&'t self, it: &'t PodIdentityAssociation, pod: Option<&'t Pod>) -> Option<PodIdentity<'t>> {
        Some(PodIdentity {
            cluster_arn: self.facts.cluster.value()?.arn.as_deref()?,
            namespace: &it.namespace,
            service_account: &it.service_account,
            pod_name: pod.map(|it| it.metadata.name.as_str()),
            pod_uid: pod.and_then(|it| it.metadata.uid.as_deref()),
            disable_session_tags: it.disable_session_tags == Some(true),
        })
    }
}
