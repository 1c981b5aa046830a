//! What IAM is asked before a plan is applied: may the caller make these calls, on these things, with these values?
//!
//! Decides which actions a plan takes, on which resources and with which condition keys, and what the answers come to: a
//! denial *asks*, since what was asked is not all that decides (session and organisation policies were not); an answer
//! that is not to be had is *noted*, never taken for a yes. The asking is the rim's. A new call is an arm in [`asks`].

use std::collections::{BTreeMap, BTreeSet};

use super::check::{Check, CheckId};
use super::plan::{Call, Step};
use super::state::{State, Subject};
use crate::access::identity::Resolver;
use crate::model::mapping::ScopeKind;
use crate::model::principal::{Asked, Principal, PrincipalKind};
use crate::model::role::{Decision, Simulated};
use crate::model::snapshot::{ClusterFacts, IamFacts};

/// Keys of a request's context, with their values.
pub type Context = Vec<(String, Vec<String>)>;

/// One question to IAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// `eks:CreateAccessEntry`
    pub action: String,
    /// The ARN of what it is done to.
    pub resource: String,
    /// What the request would carry.
    pub context: Context,
    /// The steps that need it.
    pub steps: BTreeSet<usize>,
}

/// Whose policies are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// A role's or user's, by its ARN with its path.
    Principal(String),
    /// The account's root, whom no policy of the account holds back.
    Root,
    /// Nobody's, and why not.
    Nobody(String),
}

/// All that IAM is to be asked of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preflight {
    /// Whose policies.
    pub whom: Whom,
    /// What.
    pub asks: Vec<Ask>,
}

/// An id that stands for one that EKS has yet to give.
const NOT_YET: &str = "00000000-0000-0000-0000-000000000000";

impl Preflight {
    /// What is to be asked of these steps.
    pub fn of(facts: &ClusterFacts, iam: &IamFacts, caller: Option<&Asked>, steps: &[Step]) -> Self {
        let whom = match caller {
            None => Whom::Nobody("who you are is not known".to_owned()),
            Some(asked) => {
                // A session's ARN does not have its role's path, and IAM knows the role by nothing less.
                let principal = Resolver::new(facts, iam).resolve(asked).asked.principal;
                match principal.kind {
                    PrincipalKind::Root => Whom::Root,
                    PrincipalKind::Role | PrincipalKind::User => Whom::Principal(principal.arn()),
                    kind @ PrincipalKind::FederatedUser => {
                        Whom::Nobody(format!("you are {kind}, of whom IAM has no policies to ask"))
                    }
                }
            }
        };
        Preflight { whom, asks: asks(facts, steps) }
    }
}

/// The questions of a plan, each once.
fn asks(facts: &ClusterFacts, steps: &[Step]) -> Vec<Ask> {
    let Some(cluster) = facts.cluster.value().and_then(|it| it.arn.as_deref()) else { return Vec::new() };
    let mut out: Vec<Ask> = Vec::new();
    for step in steps {
        let mut add = |action: &str, resource: String, context: Context| match out
            .iter_mut()
            .find(|it| it.action == action && it.resource == resource && it.context == context)
        {
            Some(same) => drop(same.steps.insert(step.n)),
            None => out.push(Ask { action: action.to_owned(), resource, context, steps: [step.n].into() }),
        };
        let action = format!("eks:{}", step.call.operation());
        let thing = || thing(facts, cluster, &step.subject);
        match &step.call {
            Call::CreateAccessEntry { principal_arn, kind, .. } => {
                add(&action, cluster.to_owned(), context(step));
                if matches!(kind.as_str(), "EC2_LINUX" | "EC2_WINDOWS") {
                    add("iam:PassRole", principal_arn.clone(), Vec::new());
                }
            }
            Call::CreatePodIdentityAssociation { role_arn, .. } => {
                add(&action, cluster.to_owned(), context(step));
                add("iam:PassRole", role_arn.clone(), Vec::new());
            }
            Call::UpdatePodIdentityAssociation { role_arn, .. } => {
                add(&action, thing(), context(step));
                let is_another = !matches!(&step.before, Some(State::Association(it)) if it.role_arn == *role_arn);
                if is_another {
                    add("iam:PassRole", role_arn.clone(), Vec::new());
                }
            }
            _ => add(&action, thing(), context(step)),
        }
    }
    out
}

/// The ARN of what is changed; of what is only made by the plan, one of its form.
fn thing(facts: &ClusterFacts, cluster: &str, subject: &Subject) -> String {
    let (place, name) = cluster.split_once(":cluster/").unwrap_or((cluster, ""));
    match subject {
        Subject::Entry(arn) => {
            let known = facts.access_entries.items().iter().find(|it| it.principal_arn == *arn);
            known.and_then(|it| it.access_entry_arn.clone()).unwrap_or_else(|| {
                let whose = Principal::from_arn(arn)
                    .map_or_else(|_| "*/*/*".to_owned(), |(it, _)| format!("{}/{}/{}", it.kind, it.account, it.name));
                format!("{place}:access-entry/{name}/{whose}/{NOT_YET}")
            })
        }
        Subject::Association(namespace, account) => {
            let all = facts.pod_identity_associations.items();
            let known = all.iter().find(|it| it.namespace == *namespace && it.service_account == *account);
            let id = known.map_or("a-0", |it| it.association_id.as_str());
            known
                .and_then(|it| it.association_arn.clone())
                .unwrap_or_else(|| format!("{place}:podidentityassociation/{name}/{id}"))
        }
    }
}

/// What the request would carry that a policy may make its answer depend on.
fn context(step: &Step) -> Context {
    let mut out = Context::new();
    let mut put = |key: &str, values: Vec<String>| out.push((key.to_owned(), values));
    let kind = |it: &Option<State>| match it {
        Some(State::Entry(it)) => Some(it.kind.clone()),
        _ => None,
    };
    if let Subject::Entry(arn) = &step.subject {
        put("eks:principalArn", vec![arn.clone()]);
    }
    if let Some(kind) = kind(&step.before).or_else(|| kind(&step.after)) {
        put("eks:accessEntryType", vec![kind]);
    }
    let mut requested: Option<&BTreeMap<String, String>> = None;
    match &step.call {
        Call::CreateAccessEntry { username, kubernetes_groups, tags, .. } => {
            put("eks:kubernetesGroups", kubernetes_groups.clone());
            username.iter().for_each(|it| put("eks:username", vec![it.clone()]));
            requested = Some(tags);
        }
        Call::UpdateAccessEntry { username, kubernetes_groups, .. } => {
            put("eks:kubernetesGroups", kubernetes_groups.clone());
            username.iter().for_each(|it| put("eks:username", vec![it.clone()]));
        }
        Call::AssociateAccessPolicy { policy_arn, access_scope, .. } => {
            put("eks:policyArn", vec![policy_arn.clone()]);
            let scope = if access_scope.kind == ScopeKind::Cluster { "cluster" } else { "namespace" };
            put("eks:accessScope", vec![scope.to_owned()]);
            put("eks:namespaces", access_scope.namespaces.clone());
        }
        Call::DisassociateAccessPolicy { policy_arn, .. } => put("eks:policyArn", vec![policy_arn.clone()]),
        Call::TagResource { tags } | Call::CreatePodIdentityAssociation { tags, .. } => requested = Some(tags),
        Call::UntagResource { tag_keys } => put("aws:TagKeys", tag_keys.clone()),
        Call::DeleteAccessEntry { .. }
        | Call::UpdatePodIdentityAssociation { .. }
        | Call::DeletePodIdentityAssociation {} => {}
    }
    if let Some(tags) = requested.filter(|it| !it.is_empty()) {
        put("aws:TagKeys", tags.keys().cloned().collect());
        tags.iter().for_each(|(key, value)| put(&format!("aws:RequestTag/{key}"), vec![value.clone()]));
    }
    let own = match &step.before {
        Some(State::Entry(it)) => Some(&it.tags),
        Some(State::Association(it)) => Some(&it.tags),
        None => None,
    };
    for (key, value) in own.into_iter().flatten() {
        put(&format!("aws:ResourceTag/{key}"), vec![value.clone()]);
    }
    // A key without a value is one that the request does not have.
    out.retain(|(_, values)| !values.is_empty());
    out
}

/// What the answers come to. `Err` is why there is none.
pub fn checks(whom: &str, answers: &[(Ask, Result<Vec<Simulated>, String>)]) -> Vec<Check> {
    // By what is said, so that ten calls that are refused for one reason are one question.
    let mut refused: BTreeMap<(String, String), BTreeSet<usize>> = BTreeMap::new();
    let mut unknown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (ask, answer) in answers {
        let why = match answer {
            Err(why) => Err(why.clone()),
            Ok(all) => judged(whom, all),
        };
        match why {
            Ok(None) => {}
            Ok(Some(why)) => refused.entry((ask.action.clone(), why)).or_default().extend(&ask.steps),
            Err(why) => drop(unknown.entry(why).or_default().insert(ask.action.clone())),
        }
    }
    let denied = refused.into_iter().map(|((action, why), steps)| {
        let calls: Vec<String> = steps.iter().map(usize::to_string).collect();
        let call = if calls.len() == 1 { "call" } else { "calls" };
        let because =
            format!("{action} will be refused to you, as far as IAM tells ({call} {}): {why}", calls.join(", "));
        Check::new(CheckId::CallerMayNot, None, because)
    });
    let unsaid = unknown.into_iter().map(|(why, actions)| {
        let actions: Vec<String> = actions.into_iter().collect();
        not_known(&format!("{}: {why}", actions.join(", ")))
    });
    denied.chain(unsaid).collect()
}

/// That it is not known whether the caller may.
pub fn not_known(why: &str) -> Check {
    let because = format!("whether you may make these calls is not known: {why}");
    Check::new(CheckId::CallerNotSimulated, None, because)
}

/// `Some` says why it would be refused, `None` that it would not; the error, why neither is known.
fn judged(whom: &str, all: &[Simulated]) -> Result<Option<String>, String> {
    let missing: BTreeSet<&str> = all.iter().flat_map(|it| &it.missing_context).map(String::as_str).collect();
    let decided = |decision| all.iter().any(|it| it.decision == decision);
    if all.is_empty() {
        Err("IAM said nothing of it".to_owned())
    } else if decided(Decision::Denied) {
        Ok(Some(format!("a policy of {whom} denies it")))
    } else if !missing.is_empty() {
        let keys: Vec<&str> = missing.into_iter().collect();
        Err(format!("the policies of {whom} make it depend on {}", keys.join(", ")))
    } else if decided(Decision::NotAllowed) {
        Ok(Some(format!("no policy of {whom} allows it")))
    } else {
        Ok(None)
    }
}
