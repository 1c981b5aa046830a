//! What the IAM role of each part of a cluster must have, and whether it has it: who may assume it, and its policies.
//!
//! Decides by the service that takes the role on (EKS user guide, the pages on IAM roles). Policies are known by ARN, since four
//! IAM policies have access policies for namesakes and an account may give its own the same name. As whom the role gets
//! into the cluster is [`super::identity`]'s. A new kind of part is a variant of [`RoleUse`] and an arm in each function here.

mod policies;
mod wide;

pub(crate) use policies::{ASSIGN_IPV6, LIST_ACCESS_ENTRIES};
pub use policies::{Covered, MissingPolicy, OpenPolicy, PolicyCheck, WiderPolicy};

use super::role_use::RoleUse;
use super::trust::{Document, PodIdentity, Request, evaluate};
use crate::access::Verdict;
use crate::model::policy::{Effect, NamedPrincipal, PrincipalForm, Principals};
use crate::model::principal::{Arn, Principal};
use crate::model::role::RoleDetail;
use crate::model::snapshot::{ClusterFacts, Gap, IamFacts, Lookup};
use crate::model::workload::{SYSTEM, oidc_provider_arn};
use policies::Required;

/// The service account of the CNI plugin, in `kube-system`.
pub(crate) const CNI_ACCOUNT: &str = "aws-node";

/// May the service assume the role?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustCheck {
    /// Who must be able to: `ec2.amazonaws.com`.
    pub who: String,
    /// The answer.
    pub verdict: Verdict,
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
            let trust = TrustCheck { who, verdict: Verdict::Unknown, because: because.clone() };
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
        RoleUse::AddonPodIdentity(_) => vec!["pods.eks.amazonaws.com"],
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
    let unknown = |because: String| Some(TrustCheck { who: who(), verdict: Verdict::Unknown, because });
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
                RoleUse::AddonPodIdentity(_) => return pod_identities(name, principal, facts),
            };
            vec![(name.to_owned(), request)]
        })
        .collect()
}

/// The service accounts that are annotated with the role, as they ask for it.
fn web_identities(principal: &Principal, facts: &ClusterFacts, _iam: &IamFacts) -> Vec<(String, Request)> {
    let Some(issuer) = facts.cluster.value().and_then(|it| it.issuer()) else { return Vec::new() };
    let host = issuer.trim_start_matches("https://");
    let provider = oidc_provider_arn(&principal.partition, &principal.account, host);
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

/// The associations that name the role, as EKS asks for it.
fn pod_identities(service: &str, principal: &Principal, facts: &ClusterFacts) -> Vec<(String, Request)> {
    let Some(cluster_arn) = facts.cluster.value().and_then(|it| it.arn.as_deref()) else { return Vec::new() };
    let own = principal.arn();
    let named =
        facts.pod_identity_associations.items().iter().filter(|it| it.role_arn.as_deref() == Some(own.as_str()));
    named
        .map(|it| {
            let tags = PodIdentity {
                cluster_arn,
                namespace: &it.namespace,
                service_account: &it.service_account,
                pod_name: None,
                pod_uid: None,
                disable_session_tags: it.disable_session_tags == Some(true),
            };
            (service.to_owned(), Request::pod_identity(&tags))
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
        AUTO_MODE_CLUSTER, CLUSTER, DESCRIBE_CLUSTER, FARGATE, LIST_ENTRIES, MINIMAL_WORKER, PULL, SSM_CORE, WORKER,
    };
    match used_by {
        RoleUse::Cluster if auto_mode(facts) => AUTO_MODE_CLUSTER.to_vec(),
        RoleUse::Cluster => vec![CLUSTER],
        RoleUse::AutoMode | RoleUse::NodeClass(_) => vec![MINIMAL_WORKER, PULL],
        RoleUse::Nodegroup(_) | RoleUse::SelfManaged(_) if node_needs_cni(facts) => vec![WORKER, PULL, cni(facts)],
        RoleUse::Nodegroup(_) | RoleUse::SelfManaged(_) => vec![WORKER, PULL],
        RoleUse::FargateProfile(_) => vec![FARGATE],
        RoleUse::Hybrid(_) if ways == Ways::Ssm => vec![DESCRIBE_CLUSTER, LIST_ENTRIES, PULL, SSM_CORE],
        RoleUse::Hybrid(_) => vec![DESCRIBE_CLUSTER, LIST_ENTRIES, PULL],
        RoleUse::Addon(name) | RoleUse::AddonPodIdentity(name) => addon_policies(name, facts),
        RoleUse::Capability(_) => Vec::new(),
    }
}

/// Which policies an add-on needs, of those of which AWS says that ("AWS add-ons", EKS User Guide). What others need depends
/// on what they are set up to do.
fn addon_policies(name: &str, facts: &ClusterFacts) -> Vec<Required> {
    match name {
        "vpc-cni" => vec![cni(facts)],
        "aws-ebs-csi-driver" => vec![policies::EBS_CSI],
        "aws-efs-csi-driver" => vec![policies::EFS_CSI],
        _ => Vec::new(),
    }
}

/// The service account, in `kube-system`, that needs the role of an add-on.
pub(crate) fn addon_account(name: &str) -> Option<&'static str> {
    match name {
        "vpc-cni" => Some(CNI_ACCOUNT),
        "aws-ebs-csi-driver" => Some("ebs-csi-controller-sa"),
        "aws-efs-csi-driver" => Some("efs-csi-controller-sa"),
        _ => None,
    }
}

/// What the CNI plugin needs: AWS's policy, or with IPv6 one of one's own ("Configure Amazon VPC CNI plugin to use IRSA", EKS
/// User Guide).
fn cni(facts: &ClusterFacts) -> Required {
    if is_ipv6(facts) { policies::CNI_IPV6 } else { policies::CNI }
}

fn is_ipv6(facts: &ClusterFacts) -> bool {
    let network = facts.cluster.value().and_then(|it| it.kubernetes_network_config.as_ref());
    network.and_then(|it| it.get("ipFamily")?.as_str()).is_some_and(|it| it == "ipv6")
}

/// Whether the nodes' role must hold the CNI's policy. Not where the CNI's service account has a role of its own; and not where
/// that is not known, or where there is no such CNI.
fn node_needs_cni(facts: &ClusterFacts) -> bool {
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

/// Whether nobody but EKS itself can become it: a service-linked role, or one whose trust policy names services of EKS alone.
/// What it may do helps no person.
pub(crate) fn is_of_eks(principal: &Principal, iam: &IamFacts) -> bool {
    if principal.path.starts_with("/aws-service-role/") {
        return true;
    }
    let Lookup::Found(role) = iam.role(&principal.account, &principal.name) else { return false };
    let Some(Ok(policy)) = role.assume_role_policy_document.as_ref().map(Document::from_value) else { return false };
    let allows: Vec<_> = policy.statements.iter().filter(|it| it.effect == Some(Effect::Allow)).collect();
    let of_eks = |it: &NamedPrincipal| {
        it.form == PrincipalForm::Service && it.text.split('.').any(|part| part == "eks" || part.starts_with("eks-"))
    };
    !allows.is_empty()
        && allows.iter().all(|it| match &it.principals {
            Principals::AnyOf(named) => !named.is_empty() && named.iter().all(of_eks),
            Principals::Unclear(_) => false,
        })
}
