//! One IRSA binding: a service account, the role that its annotation names, and every link between.
//!
//! Decides whether STS would hand out the role for this service account's token: the role exists under that ARN, its
//! trust policy lets the token in, the account has the issuer's provider, and the provider takes the audience. The trust
//! policy comes first, since it names the clause to mend.

use super::{Answer, ChainLink, Step, Trust, Workloads};
use crate::access::Verdict;
use crate::access::trust::{Request, evaluate};
use crate::model::principal::{Principal, PrincipalKind};
use crate::model::role::OpenIdConnectProvider;
use crate::model::snapshot::{DocumentRef, Evidence, Gap, Lookup};

/// A service account's binding to a role by IRSA.
#[derive(Clone, Debug, PartialEq)]
pub struct Irsa {
    /// The role, as the annotation (or the pod's environment) names it.
    pub role_arn: String,
    /// The same, read; `None` where it is no role's ARN.
    pub role: Option<Principal>,
    /// The token's audience; `None` for a token of which nothing is known.
    pub audience: Option<String>,
    /// The token's subject.
    pub subject: String,
    /// The provider that the role's account needs; `None` while the issuer or the role is not known.
    pub provider: Option<String>,
    /// What STS is asked.
    pub request: Option<Request>,
    /// May it?
    pub answer: Answer,
    /// What the trust policy alone says, if it was judged.
    pub trust: Option<Answer>,
    /// Link by link.
    pub steps: Vec<Step>,
}

/// `system:serviceaccount:NAMESPACE:NAME`
pub(crate) fn subject(namespace: &str, name: &str) -> String {
    format!("system:serviceaccount:{namespace}:{name}")
}

/// The role that an ARN names; else why it names none.
pub(super) fn role_named(arn: &str) -> Result<Principal, String> {
    match Principal::from_arn(arn) {
        Ok((role, None)) if role.kind == PrincipalKind::Role => Ok(role),
        Ok((_, Some(_))) => Err(format!("{arn:?} is a session's ARN, and only a role can be assumed")),
        Ok((other, None)) => Err(format!("{arn:?} names a {}, and only roles can be assumed", other.kind)),
        Err(_) => Err(format!("{arn:?} is not the ARN of a role")),
    }
}

pub(super) fn of_role(role: &Principal) -> Evidence {
    Evidence::new(DocumentRef::IamRole(role.name.clone()), "AssumeRolePolicyDocument")
}

impl<'a> Workloads<'a> {
    /// The role is there under this very ARN; else what follows.
    pub(super) fn existing(&self, arn: &str, role: &Principal) -> Result<&Trust<'a>, Box<Answer>> {
        let answer = match self.trust(role) {
            Lookup::Found(found) if found.detail.arn == arn => return Ok(found),
            Lookup::Found(found) => {
                Answer::no(format!("no role has the ARN {arn}; the one of that name is {}", found.detail.arn))
            }
            Lookup::Absent => Answer::no(format!("account {} has no role {}", role.account, role.name)),
            Lookup::Unknown(gap @ Gap::Foreign(_)) => {
                let whose = match self.cluster_partition() {
                    Some(own) if own != role.partition => {
                        format!("of partition {}, and the cluster of {own}", role.partition)
                    }
                    _ => "another account's".to_owned(),
                };
                let what = format!("role {arn} is {whose}, so that its trust policy cannot be verified");
                Answer::gap(&what, &gap)
            }
            Lookup::Unknown(gap) => Answer::gap(&format!("role {} was not read", role.name), &gap),
        };
        Err(Box::new(answer))
    }

    /// The provider of an account, if that account's IAM was read.
    pub(crate) fn provider(&self, arn: &str, account: &str) -> Lookup<&'a OpenIdConnectProvider> {
        if self.iam.account.as_deref() != Some(account) {
            return Lookup::Unknown(Gap::Foreign(account.to_owned()));
        }
        self.iam.oidc_providers.lookup(|it| it.arn == arn, |it| it == arn)
    }

    /// The cluster's partition, from its ARN.
    pub(crate) fn cluster_partition(&self) -> Option<&'a str> {
        self.facts.cluster.value()?.arn.as_deref()?.split(':').nth(1)
    }

    /// Judges a binding. Without an audience, nothing is known of the token.
    pub(crate) fn irsa_of(&self, namespace: &str, name: &str, role_arn: &str, audience: Option<&str>) -> Irsa {
        let subject = subject(namespace, name);
        let mut it = Irsa {
            role_arn: role_arn.to_owned(),
            role: None,
            audience: audience.map(str::to_owned),
            provider: None,
            request: None,
            answer: Answer::open("nothing was looked at"),
            trust: None,
            steps: Vec::new(),
            subject,
        };
        let mut links = Vec::new();
        match role_named(role_arn) {
            Err(why) => links.push((ChainLink::Role, Answer::no(why), None)),
            Ok(role) => {
                it.role = Some(role.clone());
                self.links(&mut it, &role, &mut links);
            }
        }
        for (link, answer, evidence) in &links {
            let step = Step {
                link: *link,
                outcome: Some(answer.outcome),
                text: answer.because.clone(),
                evidence: evidence.clone(),
            };
            it.steps.push(step);
        }
        let own = |(link, answer, _): &(ChainLink, Answer, _)| (*link == ChainLink::Trust).then(|| answer.clone());
        it.trust = links.iter().find_map(own);
        // Where all is well, the trust policy's own sentence says the most.
        let all_well = links.iter().all(|(_, answer, _)| answer.outcome == Verdict::Yes);
        let worst = Answer::worst(links.into_iter().map(|(_, answer, _)| answer));
        it.answer = match it.trust.clone().filter(|_| all_well).or(worst) {
            Some(answer) => answer,
            None => it.answer,
        };
        it
    }

    fn links(&self, it: &mut Irsa, role: &Principal, links: &mut Vec<(ChainLink, Answer, Option<Evidence>)>) {
        let at = Evidence::new(DocumentRef::IamRole(role.name.clone()), "Arn");
        let found = match self.existing(&it.role_arn, role) {
            Ok(found) => {
                links.push((ChainLink::Role, Answer::yes(format!("role {} exists", it.role_arn)), Some(at)));
                found
            }
            Err(answer) => {
                links.push((ChainLink::Role, *answer, None));
                return;
            }
        };
        let (Some(issuer), Some(provider)) = (self.issuer, self.provider_in(&role.partition, &role.account)) else {
            let why = match self.facts.cluster.gap() {
                Some(gap) => Answer::gap("the cluster's OIDC issuer is not known", &gap),
                None => Answer::open("the cluster's OIDC issuer is not known: the cluster shows none"),
            };
            links.push((ChainLink::Provider, why, Some(Evidence::new(DocumentRef::Cluster, "identity.oidc.issuer"))));
            return;
        };
        it.provider = Some(provider.clone());
        let audiences: Vec<String> = it.audience.iter().cloned().collect();
        let mut request = Request::web_identity(&provider, issuer, &it.subject, &audiences).to_account(&role.account);
        if it.audience.is_none() {
            let host = issuer.trim_start_matches("https://");
            request = request.forgetting(&format!("{host}:aud"));
        }
        let whose = format!("role {}", role.name);
        let trust = match found.policy() {
            Ok(document) => Answer::of(evaluate(document, &request), &whose),
            Err(why) => Answer::open(why),
        };
        it.request = Some(request);
        links.push((ChainLink::Trust, trust, Some(of_role(role))));
        let account = &role.account;
        let host = issuer.trim_start_matches("https://");
        match self.provider(&provider, account) {
            Lookup::Found(found) => {
                links.push((
                    ChainLink::Provider,
                    Answer::yes(format!("account {account} has the provider {host}")),
                    None,
                ));
                if let Some(audience) = &it.audience {
                    let listed = found.client_id_list.contains(audience);
                    let answer = match listed {
                        true => Answer::yes(format!("the provider takes tokens for {audience:?}")),
                        // IAM may be read by a caller whose answer left the list out.
                        false if found.client_id_list.is_empty() => Answer::open(
                            "the provider's client ids were not read: that takes iam:GetOpenIDConnectProvider",
                        ),
                        false => Answer::no(format!(
                            "the provider in account {account} takes no tokens for {audience:?}, only for {}",
                            found.client_id_list.iter().map(|it| format!("{it:?}")).collect::<Vec<_>>().join(", ")
                        )),
                    };
                    links.push((ChainLink::Audience, answer, None));
                }
            }
            Lookup::Absent => links.push((
                ChainLink::Provider,
                Answer::no(format!("account {account} has no OIDC provider for this cluster's issuer ({host})")),
                None,
            )),
            Lookup::Unknown(gap) => links.push((
                ChainLink::Provider,
                Answer::gap(&format!("whether account {account} has this cluster's OIDC provider is not known"), &gap),
                None,
            )),
        }
    }
}
