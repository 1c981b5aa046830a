//! The IAM of a generated world: the roles of people and machines, of workloads, nodes and the cluster, and users.
//!
//! Decides whom each role trusts, and which workload's role trusts wrongly: that is what a trace of a workload is to
//! find. Who of them may enter the cluster is `mappings`'. A new mistake is a variant of [`Web`].

use serde_json::{Value, json};

use super::dice::Dice;
use super::workloads::Workloads;
use super::{ACCOUNT, CLUSTER, ISSUER, Land, OLD_ISSUER, moment, names};
use crate::lab::keys;
use crate::model::role::{InstanceProfile, OpenIdConnectProvider, ProfileRole, RoleDetail, UserDetail};

/// Where roles live that belong to the cluster itself.
pub(super) const EKS_PATH: &str = "/eks/";
/// The name of the cluster's role, and of its nodes'.
pub(super) const CLUSTER_ROLE: &str = "generated-cluster";
/// The role of the nodes.
pub(super) const NODE_ROLE: &str = "generated-node";

/// What a role is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    /// The caller's: may do everything.
    Platform,
    /// What people and machines of a team do.
    Admin,
    Developer,
    Reader,
    Oncall,
    Deployer,
    Auditor,
    Support,
    Ci,
}

impl Function {
    const OF_A_TEAM: [Function; 8] = [
        Function::Developer,
        Function::Deployer,
        Function::Reader,
        Function::Oncall,
        Function::Ci,
        Function::Admin,
        Function::Auditor,
        Function::Support,
    ];

    fn name(self) -> &'static str {
        match self {
            Function::Platform => "platform-admin",
            Function::Admin => "admin",
            Function::Developer => "developer",
            Function::Reader => "reader",
            Function::Oncall => "oncall",
            Function::Deployer => "deployer",
            Function::Auditor => "auditor",
            Function::Support => "support",
            Function::Ci => "ci",
        }
    }

    /// The group of those who do it.
    pub(super) fn group(self) -> &'static str {
        match self {
            Function::Platform => "platform",
            Function::Admin => "admins",
            Function::Developer => "developers",
            Function::Reader => "readers",
            Function::Oncall => "oncall",
            Function::Deployer => "deployers",
            Function::Auditor => "auditors",
            Function::Support => "support",
            Function::Ci => "ci",
        }
    }
}

/// Whose a role is that people or machines take.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) team: &'static str,
    pub(super) function: Function,
    /// Is the role younger than the entries that name it?
    pub(super) made_again: bool,
}

/// An account.
pub(super) struct Account {
    /// The caller's first, then those of `holders`, then the cluster's and the workloads'.
    pub(super) roles: Vec<RoleDetail>,
    pub(super) users: Vec<UserDetail>,
    pub(super) profiles: Vec<InstanceProfile>,
    /// In the order of `roles`, the caller first.
    pub(super) holders: Vec<Holder>,
}

/// How many roles so many workloads have of their own: the annotation of some names a role that is not there.
pub(super) fn workload_roles(workloads: usize) -> usize {
    (0..workloads).filter(|number| !is_missing(*number)).count()
}

fn is_missing(workload: usize) -> bool {
    workload % 16 == 15
}

/// The account of a world; what runs with a role of its own is given that role's ARN.
pub(super) fn account(land: &Land, workloads: &mut Workloads) -> Account {
    let mut of_workloads = of_irsa(land, workloads);
    of_workloads.extend(of_associations(land, workloads));
    let mut of_cluster = vec![role(EKS_PATH, CLUSTER_ROLE, service_trust("eks.amazonaws.com", &["sts:AssumeRole"]))];
    let mut profiles = Vec::new();
    if land.sizes.nodes > 0 {
        let node = role(EKS_PATH, NODE_ROLE, service_trust("ec2.amazonaws.com", &["sts:AssumeRole"]));
        profiles.push(profile(&node));
        of_cluster.push(node);
    }
    let left = land.sizes.roles.saturating_sub(of_workloads.len() + of_cluster.len()).max(1);
    let mut dice = land.dice("roles");
    let (mut roles, mut holders) = (Vec::with_capacity(land.sizes.roles), Vec::with_capacity(left));
    for number in 0..left {
        let (role, holder) = of_people(land, number, &mut dice);
        roles.push(role);
        holders.push(holder);
    }
    roles.extend(of_cluster);
    roles.extend(of_workloads);
    Account { roles, users: (0..land.sizes.users).map(user).collect(), profiles, holders }
}

/// The ARN of a role of the account.
pub(super) fn arn(path: &str, name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role{path}{name}")
}

/// The issuers that the account trusts: the cluster's, and the one that pipelines sign in with.
pub(super) fn providers() -> Vec<OpenIdConnectProvider> {
    let provider = |issuer: &str| OpenIdConnectProvider {
        arn: provider_arn(issuer),
        url: Some(issuer.to_owned()),
        client_id_list: vec![AUDIENCE.to_owned()],
        create_date: moment(1),
        ..OpenIdConnectProvider::default()
    };
    vec![provider(ISSUER), provider(PIPELINES)]
}

fn provider_arn(issuer: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}")
}

fn role(path: &str, name: impl Into<String>, trust: Value) -> RoleDetail {
    let role_name = name.into();
    let arn = arn(path, &role_name);
    RoleDetail {
        path: path.to_owned(),
        role_id: Some(keys::unique_id("AROA", &arn)),
        create_date: moment(0),
        assume_role_policy_document: Some(trust),
        max_session_duration: Some(3600),
        arn,
        role_name,
        ..RoleDetail::default()
    }
}

fn profile(role: &RoleDetail) -> InstanceProfile {
    let arn = role.arn.replacen(":role/", ":instance-profile/", 1);
    InstanceProfile {
        path: role.path.clone(),
        instance_profile_name: role.role_name.clone(),
        instance_profile_id: Some(keys::unique_id("AIPA", &arn)),
        arn,
        create_date: moment(1),
        roles: vec![ProfileRole { path: role.path.clone(), role_name: role.role_name.clone(), arn: role.arn.clone() }],
    }
}

fn user(number: usize) -> UserDetail {
    let user_name = names::person(number);
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/{user_name}");
    UserDetail {
        path: "/".to_owned(),
        user_id: Some(keys::unique_id("AIDA", &arn)),
        create_date: moment(0),
        user_name,
        arn,
        ..UserDetail::default()
    }
}

fn of_people(land: &Land, number: usize, dice: &mut Dice) -> (RoleDetail, Holder) {
    let (path, name, team, function) = match number.checked_sub(1) {
        None => ("/platform/".to_owned(), Function::Platform.name().to_owned(), "platform", Function::Platform),
        Some(number) => {
            let (team, number) = (names::team(number % land.teams), number / land.teams);
            let functions = Function::OF_A_TEAM;
            let function = functions.get(number % functions.len()).copied().unwrap_or(Function::Reader);
            let name = names::numbered(&format!("{team}-{}", function.name()), number / functions.len());
            (format!("/teams/{team}/"), name, team, function)
        }
    };
    let made_again = number > 0 && dice.percent(3);
    let trusted = match function {
        Function::Ci => json!({
            "Effect": "Allow",
            "Principal": {"Federated": provider_arn(PIPELINES)},
            "Action": WEB_IDENTITY,
            "Condition": {
                "StringEquals": {format!("{PIPELINES}:aud"): AUDIENCE},
                "StringLike": {format!("{PIPELINES}:sub"): format!("repo:acme/{team}:*")},
            },
        }),
        _ => json!({
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")},
            "Action": "sts:AssumeRole",
        }),
    };
    let mut role = role(&path, name, trust(trusted));
    if made_again {
        role.create_date = moment(super::TAKEN - 1);
    }
    let holder = Holder { name: role.role_name.clone(), arn: role.arn.clone(), team, function, made_again };
    (role, holder)
}

const AUDIENCE: &str = "sts.amazonaws.com";
/// The issuer of pipelines' tokens.
const PIPELINES: &str = "token.actions.githubusercontent.com";
const WEB_IDENTITY: &str = "sts:AssumeRoleWithWebIdentity";

fn trust(statement: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

fn service_trust(service: &str, actions: &[&str]) -> Value {
    trust(json!({"Effect": "Allow", "Principal": {"Service": service}, "Action": actions}))
}

/// How the trust policy of an IRSA role is written.
#[derive(Clone, Copy, Debug)]
enum Web {
    Right,
    /// All service accounts of the namespace, as a pattern: right as well.
    Namespace,
    /// That pattern where `*` is a plain character: never matches.
    PlainStar,
    /// No condition on who asks: any pod of the cluster may take the role.
    Anybody,
    /// The issuer of a cluster that is gone.
    OtherIssuer,
    /// The name that the service account had before.
    OtherAccount,
    /// The wrong action.
    PlainAssume,
    /// The audience of another partition.
    OtherAudience,
}

impl Web {
    fn thrown(dice: &mut Dice) -> Web {
        match dice.below(100) {
            0..70 => Web::Right,
            70..78 => Web::Namespace,
            78..82 => Web::PlainStar,
            82..86 => Web::Anybody,
            86..91 => Web::OtherIssuer,
            91..95 => Web::OtherAccount,
            95..98 => Web::PlainAssume,
            _ => Web::OtherAudience,
        }
    }

    fn trust(self, namespace: &str, name: &str) -> Value {
        let issuer = if matches!(self, Web::OtherIssuer) { OLD_ISSUER } else { ISSUER };
        let (sub, aud) = (format!("{issuer}:sub"), format!("{issuer}:aud"));
        let audience = if matches!(self, Web::OtherAudience) { "sts.amazonaws.com.cn" } else { AUDIENCE };
        let all = format!("system:serviceaccount:{namespace}:*");
        let condition = match self {
            Web::Anybody => json!({"StringEquals": {aud: audience}}),
            Web::Namespace => json!({"StringEquals": {aud: audience}, "StringLike": {sub: all}}),
            Web::PlainStar => json!({"StringEquals": {aud: audience, sub: all}}),
            Web::OtherAccount => {
                json!({"StringEquals": {aud: audience, sub: format!("system:serviceaccount:{namespace}:{name}-old")}})
            }
            Web::Right | Web::OtherIssuer | Web::PlainAssume | Web::OtherAudience => {
                json!({"StringEquals": {aud: audience, sub: format!("system:serviceaccount:{namespace}:{name}")}})
            }
        };
        trust(json!({
            "Effect": "Allow",
            "Principal": {"Federated": provider_arn(issuer)},
            "Action": if matches!(self, Web::PlainAssume) { "sts:AssumeRole" } else { WEB_IDENTITY },
            "Condition": condition,
        }))
    }
}

fn of_irsa(land: &Land, workloads: &mut Workloads) -> Vec<RoleDetail> {
    let mut dice = land.dice("irsa");
    let path = format!("/irsa/{CLUSTER}/");
    let mut roles = Vec::new();
    for (number, account) in workloads.annotated().enumerate() {
        let namespace = land.space(account.space);
        let name = format!("irsa-{namespace}-{}", account.name);
        account.role = Some(arn(&path, &name));
        let web = Web::thrown(&mut dice);
        if !is_missing(number) {
            roles.push(role(&path, name, web.trust(namespace, &account.name)));
        }
    }
    roles
}

fn of_associations(land: &Land, workloads: &mut Workloads) -> Vec<RoleDetail> {
    const PODS: &str = "pods.eks.amazonaws.com";
    const BOTH: [&str; 2] = ["sts:AssumeRole", "sts:TagSession"];
    let mut dice = land.dice("pod identity");
    let path = format!("/pods/{CLUSTER}/");
    let mut roles = Vec::new();
    for (number, association) in workloads.associations.iter_mut().enumerate() {
        let name = format!("pods-{}-{}", association.namespace, association.service_account);
        association.role_arn = Some(arn(&path, &name));
        let trust = match dice.below(100) {
            0..80 => service_trust(PODS, &BOTH),
            80..90 => trust(json!({
                "Effect": "Allow",
                "Principal": {"Service": PODS},
                "Action": BOTH,
                "Condition": {"StringEquals": {
                    "aws:RequestTag/kubernetes-namespace": association.namespace,
                    "aws:RequestTag/kubernetes-service-account": association.service_account,
                }},
            })),
            // Without the tags' action the service cannot take the role.
            90..95 => service_trust(PODS, &["sts:AssumeRole"]),
            _ => service_trust("ec2.amazonaws.com", &["sts:AssumeRole"]),
        };
        if !is_missing(number) {
            roles.push(role(&path, name, trust));
        }
    }
    roles
}
