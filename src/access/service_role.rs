//! What the IAM role of each part of a cluster must have, and whether it has it: who may assume it, and its policies.
//!
//! Decides by the service that takes the role on (`reference`: EKS identity, §7). Policies are known by ARN, since four
//! IAM policies have access policies for namesakes and an account may give its own the same name. As whom the role gets
//! into the cluster is [`super::identity`]'s. A new kind of part is a variant of [`RoleUse`] and an arm in each function here.

mod policies;
mod wide;

pub use policies::{Covered, MissingPolicy, OpenPolicy, PolicyCheck, WiderPolicy};

use super::role_use::RoleUse;
use super::trust::{Document, Outcome, Request, evaluate};
use crate::model::policy::{Effect, Principals};
use crate::model::principal::{Arn, Principal};
use crate::model::role::RoleDetail;
use crate::model::snapshot::{ClusterFacts, Gap, IamFacts, Lookup};
use crate::model::workload::SYSTEM;
use policies::Required;

/// The service account of the CNI plugin, in `kube-system`.
pub(crate) const CNI_ACCOUNT: &str = "aws-node";

/// May the service assume the role?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustCheck {
    /// Who must be able to: `ec2.amazonaws.com`.
    pub who: String,
    /// The answer.
    pub verdict: Outcome,
    /// Why.
    pub because: String,
}

/// What a role has of what its part needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleCheck {
    /// `None` where nobody in particular must be able to assume it.
    pub trust: Option<TrustCheck>,
    /// Its policies.
    pub policies: PolicyCheck,
    /// Is the role still being read?
    pub loading: bool,
}

/// Checks the role of a part.
pub fn check(used_by: &RoleUse, principal: &Principal, facts: &ClusterFacts, iam: &IamFacts) -> RoleCheck {
    match iam.role(&principal.account, &principal.name) {
        Lookup::Found(role) => {
            let ways = Ways::into(used_by, role);
            let trust = trust(used_by, principal, role, ways, facts, iam);
            let policies = match policies_gap(role, iam) {
                Some(gap) => PolicyCheck { unknown: format!("its policies are not known: {gap}"), ..unneeded() },
                None => {
                    let cluster = facts.cluster.value().and_then(|it| it.arn.as_deref());
                    let wanted = required(used_by, facts, ways);
                    policies::check(role, iam, &principal.partition, cluster, &wanted)
                }
            };
            RoleCheck { trust, policies, loading: false }
        }
        Lookup::Absent => RoleCheck { trust: None, policies: unneeded(), loading: false },
        Lookup::Unknown(gap) => {
            let (loading, because) = match gap {
                Gap::Loading => (true, "IAM is still being read".to_owned()),
                gap => (false, format!("the role was not read: {gap}")),
            };
            let who = services(used_by, &principal.partition, Ways::Either).join(" or ");
            let trust = TrustCheck { who, verdict: Outcome::Unknown, because: because.clone() };
            let policies = PolicyCheck { unknown: because, ..unneeded() };
            RoleCheck { trust: Some(trust), policies, loading }
        }
    }
}

/// By which of two services the machines of hybrid nodes get their role: the one that its trust policy names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ways {
    Ssm,
    RolesAnywhere,
    /// Both, neither, or not known.
    Either,
}

const SSM: &str = "ssm.amazonaws.com";
const ROLES_ANYWHERE: &str = "rolesanywhere.amazonaws.com";

impl Ways {
    fn into(used_by: &RoleUse, role: &RoleDetail) -> Ways {
        let document = role.assume_role_policy_document.as_ref().filter(|_| matches!(used_by, RoleUse::Hybrid(_)));
        let Some(document) = document.and_then(|it| Document::from_value(it).ok()) else { return Ways::Either };
        let names = |service: &str| {
            let allows = document.statements.iter().filter(|it| it.effect != Some(Effect::Deny));
            allows.into_iter().any(|it| match &it.principals {
                Principals::AnyOf(named) => named.iter().any(|it| it.kind == "*" || it.text == service),
                Principals::Unclear(_) => true,
            })
        };
        match (names(SSM), names(ROLES_ANYWHERE)) {
            (true, false) => Ways::Ssm,
            (false, true) => Ways::RolesAnywhere,
            _ => Ways::Either,
        }
    }
}

fn unneeded() -> PolicyCheck {
    PolicyCheck::default()
}

/// Why a role's policies may be more than those that are at hand: lists of roles come without them, and where the sweep
/// that has them was refused, policies are not known either.
fn policies_gap(role: &RoleDetail, iam: &IamFacts) -> Option<Gap> {
    if iam.knows_policies_of(role) { None } else { iam.policies.gap() }
}

/// Which services take the role on.
fn services(used_by: &RoleUse, partition: &str, ways: Ways) -> Vec<&'static str> {
    match used_by {
        RoleUse::Cluster => vec!["eks.amazonaws.com"],
        RoleUse::AutoMode | RoleUse::NodeClass(_) | RoleUse::Nodegroup(_) | RoleUse::SelfManaged(_) => {
            if partition == "aws-cn" { vec!["ec2.amazonaws.com.cn"] } else { vec!["ec2.amazonaws.com"] }
        }
        RoleUse::FargateProfile(_) => vec!["eks-fargate-pods.amazonaws.com"],
        RoleUse::Hybrid(_) => match ways {
            Ways::Ssm => vec![SSM],
            Ways::RolesAnywhere => vec![ROLES_ANYWHERE],
            Ways::Either => vec![SSM, ROLES_ANYWHERE],
        },
        RoleUse::Capability(_) => vec!["capabilities.eks.amazonaws.com"],
        RoleUse::Addon(_) => vec!["the add-on's service account"],
    }
}

/// May the service that takes the role on for a part assume it? `None` where nobody in particular must.
pub(crate) fn trust_for(
    used_by: &RoleUse,
    principal: &Principal,
    role: &RoleDetail,
    facts: &ClusterFacts,
    iam: &IamFacts,
) -> Option<TrustCheck> {
    trust(used_by, principal, role, Ways::into(used_by, role), facts, iam)
}

fn trust(
    used_by: &RoleUse,
    principal: &Principal,
    role: &RoleDetail,
    ways: Ways,
    facts: &ClusterFacts,
    iam: &IamFacts,
) -> Option<TrustCheck> {
    let requests = requests(used_by, principal, ways, facts, iam);
    let who = || services(used_by, &principal.partition, ways).join(" or ");
    if requests.is_empty() {
        return None;
    }
    let unknown = |because: String| Some(TrustCheck { who: who(), verdict: Outcome::Unknown, because });
    let Some(value) = &role.assume_role_policy_document else {
        return unknown("its trust policy was not read".to_owned());
    };
    let document = match Document::from_value(value) {
        Ok(document) => document,
        Err(error) => return unknown(format!("its trust policy cannot be made out: {error}")),
    };
    let answers = requests.into_iter().map(|(who, request)| {
        let verdict = evaluate(&document, &request.to_account(&principal.account));
        TrustCheck { who, verdict: verdict.verdict, because: verdict.because }
    });
    // One way in is enough; of two that are closed the first is the common one.
    answers.reduce(|best, it| if it.verdict > best.verdict { it } else { best })
}

/// The requests of which one must be allowed, each with who makes it.
fn requests(
    used_by: &RoleUse,
    principal: &Principal,
    ways: Ways,
    facts: &ClusterFacts,
    iam: &IamFacts,
) -> Vec<(String, Request)> {
    let cluster = facts.cluster.value();
    let arn: Option<Arn> = cluster.and_then(|it| it.arn.as_deref()?.parse().ok());
    let account = |request: Request| match &arn {
        Some(arn) => request.with("aws:SourceAccount", [arn.account.clone()]),
        None => request,
    };
    let from = |request: Request, source: Option<String>| match source {
        Some(source) => account(request).with("aws:SourceArn", [source]),
        None => account(request),
    };
    let service = |name: &str, actions: &[&str]| {
        let mut request = Request::service(name);
        request.actions = actions.iter().map(|it| (*it).to_owned()).collect();
        request
    };
    const ASSUME: &str = "sts:AssumeRole";
    const TAG: &str = "sts:TagSession";
    services(used_by, &principal.partition, ways)
        .into_iter()
        .flat_map(|name| {
            let request = match used_by {
                RoleUse::Cluster => {
                    let auto = auto_mode(facts);
                    let actions: &[&str] = if auto { &[ASSUME, TAG] } else { &[ASSUME] };
                    from(service(name, actions), cluster.and_then(|it| it.arn.clone()))
                }
                RoleUse::AutoMode | RoleUse::NodeClass(_) | RoleUse::Nodegroup(_) | RoleUse::SelfManaged(_) => {
                    service(name, &[ASSUME])
                }
                RoleUse::FargateProfile(profile) => {
                    let found = facts.fargate_profiles.items().iter().find(|it| it.fargate_profile_name == *profile);
                    from(service(name, &[ASSUME]), found.and_then(|it| it.fargate_profile_arn.clone()))
                }
                RoleUse::Hybrid(_) if name == SSM => {
                    // Any one machine: which they are, nobody asked Systems Manager.
                    let machine = arn.as_ref().map(|it| {
                        format!("arn:{}:ssm:{}:{}:managed-instance/mi-0", it.partition, it.region, it.account)
                    });
                    from(service(name, &[ASSUME]), machine)
                }
                RoleUse::Hybrid(_) => {
                    // A node's session has the name in its certificate, whatever that is. Through which trust anchor it
                    // comes nobody asked Roles Anywhere.
                    let request = account(service(name, &[ASSUME, TAG, "sts:SetSourceIdentity"]));
                    let request = request.with("sts:RoleSessionName", ["node-0".to_owned()]);
                    request.with("aws:PrincipalTag/x509Subject/CN", ["node-0".to_owned()])
                }
                RoleUse::Capability(capability) => {
                    let found = facts.capabilities.items().iter().find(|it| it.capability_name == *capability);
                    from(service(name, &[ASSUME, TAG]), found.and_then(|it| it.arn.clone()))
                }
                RoleUse::Addon(_) => return web_identities(principal, facts, iam),
            };
            vec![(name.to_owned(), request)]
        })
        .collect()
}

/// The service accounts that are annotated with the role, as they ask for it.
fn web_identities(principal: &Principal, facts: &ClusterFacts, _iam: &IamFacts) -> Vec<(String, Request)> {
    let Some(issuer) = facts.cluster.value().and_then(|it| it.issuer()) else { return Vec::new() };
    let host = issuer.trim_start_matches("https://");
    let provider = format!("arn:{}:iam::{}:oidc-provider/{host}", principal.partition, principal.account);
    let own = principal.arn();
    let annotated = facts.service_accounts.items().iter().filter(|it| it.role_arn() == Some(own.as_str()));
    annotated
        .map(|it| {
            let namespace = it.metadata.namespace.as_deref().unwrap_or_default();
            let name = format!("{namespace}/{}", it.metadata.name);
            let audience = it.metadata.annotations.get("eks.amazonaws.com/audience");
            let audience = audience.cloned().unwrap_or_else(|| "sts.amazonaws.com".to_owned());
            let sub = format!("system:serviceaccount:{namespace}:{}", it.metadata.name);
            (format!("service account {name}"), Request::web_identity(&provider, issuer, &sub, &[audience]))
        })
        .collect()
}

fn auto_mode(facts: &ClusterFacts) -> bool {
    let config = facts.cluster.value().and_then(|it| it.compute_config.as_ref());
    config.is_some_and(|it| it.enabled == Some(true))
}

/// Which policies the role needs.
fn required(used_by: &RoleUse, facts: &ClusterFacts, ways: Ways) -> Vec<Required> {
    use policies::{
        AUTO_MODE_CLUSTER, CLUSTER, CNI, DESCRIBE_CLUSTER, FARGATE, MINIMAL_WORKER, PULL, SSM_CORE, WORKER,
    };
    match used_by {
        RoleUse::Cluster if auto_mode(facts) => AUTO_MODE_CLUSTER.to_vec(),
        RoleUse::Cluster => vec![CLUSTER],
        RoleUse::AutoMode | RoleUse::NodeClass(_) => vec![MINIMAL_WORKER, PULL],
        RoleUse::Nodegroup(_) | RoleUse::SelfManaged(_) if node_needs_cni(facts) => vec![WORKER, PULL, CNI],
        RoleUse::Nodegroup(_) | RoleUse::SelfManaged(_) => vec![WORKER, PULL],
        RoleUse::FargateProfile(_) => vec![FARGATE],
        RoleUse::Hybrid(_) if ways == Ways::Ssm => vec![DESCRIBE_CLUSTER, PULL, SSM_CORE],
        RoleUse::Hybrid(_) => vec![DESCRIBE_CLUSTER, PULL],
        RoleUse::Addon(name) if name == "vpc-cni" && !is_ipv6(facts) => vec![CNI],
        RoleUse::Addon(_) | RoleUse::Capability(_) => Vec::new(),
    }
}

fn is_ipv6(facts: &ClusterFacts) -> bool {
    let network = facts.cluster.value().and_then(|it| it.kubernetes_network_config.as_ref());
    network.and_then(|it| it.get("ipFamily")?.as_str()).is_some_and(|it| it == "ipv6")
}

/// Must the nodes' role hold the CNI's policy? Not with IPv6, which needs a policy of one's own; not where the CNI's
/// service account has a role of its own; and not where that is not known, or where there is no such CNI.
fn node_needs_cni(facts: &ClusterFacts) -> bool {
    if is_ipv6(facts) {
        return false;
    }
    let known = facts.service_accounts.gap().is_none()
        && facts.addons.gap().is_none()
        && facts.addons.missing().is_empty()
        && facts.pod_identity_associations.gap().is_none()
        && facts.pod_identity_associations.missing().is_empty();
    let account = facts
        .service_accounts
        .items()
        .iter()
        .find(|it| it.metadata.namespace.as_deref() == Some(SYSTEM) && it.metadata.name == CNI_ACCOUNT);
    let Some(account) = account.filter(|_| known) else { return false };
    let addon = facts.addons.items().iter().find(|it| it.addon_name == "vpc-cni");
    let associated = facts
        .pod_identity_associations
        .items()
        .iter()
        .any(|it| it.namespace == SYSTEM && it.service_account == CNI_ACCOUNT);
    account.role_arn().is_none() && !associated && addon.is_none_or(|it| it.service_account_role_arn.is_none())
}
