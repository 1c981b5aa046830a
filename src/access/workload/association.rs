//! One Pod Identity association: its role, the role after it, and every link between.
//!
//! Decides whether EKS could assume the role for a pod of the service account, and with it the target role. Whether the
//! pod can reach the agent depends on where it runs: that is [`super::place`]'s, and joined in [`super::why`].

use super::irsa::{of_role, role_named};
use super::{Answer, ChainLink, Step, Workloads};
use crate::access::Verdict;
use crate::access::iam::request::{ASSUME_ROLE, SOURCE_ARN, TAG_SESSION};
use crate::access::trust::{Bar, PodIdentity, Request, evaluate, outcome};
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
    /// What the target role's trust policy says, if it was judged.
    pub then: Option<Answer>,
    /// That the first role's own policies do not let it assume the target role, where that is so.
    pub lacks: Option<Lacks>,
    /// What the answer rests on that AWS does not document.
    pub unverified: Vec<String>,
    /// Link by link.
    pub steps: Vec<Step>,
}

/// What the first role may not do.
#[derive(Clone, Debug, PartialEq)]
pub struct Lacks {
    /// As a sentence.
    pub because: String,
    /// What it needs.
    pub actions: &'static [&'static str],
    /// Does a policy of it deny that, so that one more would not help?
    pub denied: bool,
}

type Links = Vec<(ChainLink, Answer, Option<Evidence>)>;

/// Where a role's own policies stand.
fn of_policies(role: &Principal) -> Evidence {
    Evidence::new(DocumentRef::IamRole(role.name.clone()), "RolePolicyList")
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
            lacks: None,
            unverified: Vec::new(),
            steps: Vec::new(),
        };
        let mut links: Links = Vec::new();
        let Some(arn) = it.role_arn.as_deref() else {
            let why = "the association's role was not read: that takes eks:DescribePodIdentityAssociation";
            out.answer = Answer::open(why);
            return out;
        };
        match role_named(arn) {
            Err(why) => links.push((ChainLink::Role, Answer::no(why), Some(Evidence::new(document(), "roleArn")))),
            Ok(role) => {
                out.role = Some(role.clone());
                out.unverified.extend(self.first(it, arn, &role, pod, &mut links));
                if let Some(target) = it.target_role_arn.as_deref() {
                    out.lacks = self.then(it, arn, &role, target, pod, &mut links);
                    let target = |(link, answer, _): &(ChainLink, Answer, _)| {
                        (*link == ChainLink::TargetRole).then(|| answer.clone())
                    };
                    out.then = links.iter().find_map(target);
                }
            }
        }
        for (link, answer, evidence) in &links {
            out.steps.push(Step {
                link: *link,
                outcome: Some(answer.outcome),
                text: answer.because.clone(),
                evidence: evidence.clone(),
            });
        }
        out.trust = links.iter().find(|(link, ..)| *link == ChainLink::Trust).map(|(_, answer, _)| answer.clone());
        let all_well = links.iter().all(|(_, answer, _)| answer.outcome == Verdict::Yes);
        let worst = Answer::worst(links.into_iter().map(|(_, answer, _)| answer));
        if let Some(answer) = out.trust.clone().filter(|_| all_well).or(worst) {
            out.answer = answer;
        }
        out
    }

    /// The first role: of the cluster's account, there, and trusting EKS. Returns what its answer rests on that is not
    /// documented.
    fn first(
        &self,
        it: &PodIdentityAssociation,
        arn: &str,
        role: &Principal,
        pod: Option<&Pod>,
        links: &mut Links,
    ) -> Option<String> {
        let own = self.facts.cluster.value().and_then(|it| it.account());
        if own.as_ref().is_some_and(|own| *own != role.account) {
            let why = format!(
                "role {arn} is of account {}, and Pod Identity takes only roles of the cluster's own account; \
                 another account's belongs in targetRoleArn",
                role.account
            );
            links.push((ChainLink::Role, Answer::no(why), None));
            return None;
        }
        let found = match self.existing(arn, role) {
            Ok(found) => found,
            Err(answer) => {
                links.push((ChainLink::Role, *answer, None));
                return None;
            }
        };
        let mut unverified = None;
        links.push((ChainLink::Role, Answer::yes(format!("role {arn} exists")), None));
        let answer = match found.policy() {
            Err(why) => Answer::open(why),
            Ok(document) => {
                let request = Request::pod_identity(&self.tags(it, pod)).to_account(&role.account);
                let verdict = evaluate(document, &request);
                if outcome(document, &request.forgetting(SOURCE_ARN)) != verdict.verdict {
                    unverified = Some(format!(
                        "that {SOURCE_ARN} is the cluster's ARN when EKS assumes a role for a pod: trials show it, AWS does \
                         not document it"
                    ));
                }
                Answer::of(verdict, &format!("role {}", role.name))
            }
        };
        links.push((ChainLink::Trust, answer, Some(of_role(role))));
        if own.is_none() {
            let why = "the cluster's ARN is not known, and so not whether the role is of its account";
            links.push((ChainLink::Account, Answer::open(why), None));
        }
        unverified
    }

    /// The role after it; and what the first lacks for that.
    fn then(
        &self,
        it: &PodIdentityAssociation,
        arn: &str,
        first: &Principal,
        target: &str,
        pod: Option<&Pod>,
        links: &mut Links,
    ) -> Option<Lacks> {
        let role = match role_named(target) {
            Ok(role) => role,
            Err(why) => {
                links.push((ChainLink::TargetRole, Answer::no(why), None));
                return None;
            }
        };
        let tags = self.tags(it, pod);
        let actions: &'static [&'static str] =
            if tags.disable_session_tags { &[ASSUME_ROLE] } else { &[ASSUME_ROLE, TAG_SESSION] };
        // All must be allowed; what denies counts before what is not known.
        let each: Vec<_> = actions.iter().map(|action| (*action, self.own_policies(first, action, target))).collect();
        let bars = || each.iter().map(|(_, it)| &it.bar);
        let bar = bars().find(|it| matches!(it, Bar::Surely(_))).or_else(|| bars().find(|it| **it != Bar::None));
        let bar = bar.cloned().unwrap_or_default();
        let refused = each.iter().find(|(_, it)| it.allows.verdict == Verdict::No);
        let lacks = refused.map(|(action, own)| {
            let denied = matches!(bar, Bar::Surely(_));
            let because = match own.allows.is_denied {
                true => own.allows.because.clone(),
                false => format!("no policy of role {} allows {action} on {target}", first.name),
            };
            Lacks { because, actions, denied }
        });
        let open = each.iter().find(|(_, it)| it.allows.verdict == Verdict::Unknown);
        let open = open.map(|(_, it)| it.allows.because.clone());
        let own = match (&lacks, &open) {
            (Some(_), _) => Some(false),
            (None, Some(_)) => None,
            (None, None) => Some(true),
        };
        let no = |it: &Lacks| (ChainLink::OwnPolicies, Answer::no(it.because.clone()), Some(of_policies(first)));
        // Within an account, a trust policy that names the role is enough; a Deny of its own never is.
        let needed = role.account != first.account || lacks.as_ref().is_some_and(|it| it.denied);
        if let Some(lacks) = lacks.as_ref().filter(|_| needed) {
            links.push(no(lacks));
        }
        let found = match self.existing(target, &role) {
            Ok(found) => found,
            Err(answer) => {
                links.push((ChainLink::TargetRole, *answer, None));
                return lacks.filter(|_| needed);
            }
        };
        let request = match (found.policy(), Request::pod_identity_target(arn, &tags, it.external_id.as_deref())) {
            (Err(why), _) => Err(Answer::open(why)),
            (_, Err(error)) => Err(Answer::no(error.to_string())),
            (Ok(policy), Ok(request)) => {
                let mut request = request.to_account(&role.account);
                request.bar = bar;
                Ok((policy, if it.external_id.is_none() { request.forgetting("sts:ExternalId") } else { request }))
            }
        };
        let mut left_to_it = false;
        let answer = request.map_or_else(std::convert::identity, |(policy, mut request)| {
            request.own_policies = own;
            let mut verdict = evaluate(policy, &request);
            // What the trust policy itself says is told of it, and what the role lacks of the role.
            if own == Some(false) && verdict.verdict == Verdict::No {
                request.own_policies = Some(true);
                let otherwise = evaluate(policy, &request);
                left_to_it = otherwise.verdict != Verdict::No;
                if left_to_it {
                    verdict = otherwise;
                }
            }
            Answer::of(verdict, &format!("target role {}", role.name))
        });
        let lacks = lacks.filter(|_| needed || left_to_it);
        if let Some(lacks) = lacks.as_ref().filter(|_| !needed) {
            links.push(no(lacks));
        }
        links.push((ChainLink::TargetRole, answer, Some(of_role(&role))));
        if let (Some(why), true) = (open, role.account != first.account) {
            links.push((ChainLink::OwnPolicies, Answer::open(why), Some(of_policies(first))));
        }
        lacks
    }

    fn tags<'t>(&'t self, it: &'t PodIdentityAssociation, pod: Option<&'t Pod>) -> PodIdentity<'t> {
        PodIdentity {
            cluster_arn: self.facts.cluster.value().and_then(|it| it.arn.as_deref()).unwrap_or_default(),
            namespace: &it.namespace,
            service_account: &it.service_account,
            pod_name: pod.map(|it| it.metadata.name.as_str()),
            pod_uid: pod.and_then(|it| it.metadata.uid.as_deref()),
            disable_session_tags: it.disable_session_tags == Some(true),
        }
    }
}
