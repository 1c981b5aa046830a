//! A role's policies against what its part needs: each on a role that shows it, beside one that nearly does.

use super::*;
use crate::model::role::{AttachedPolicy, InlinePolicy, ManagedPolicy, PermissionsBoundary, PolicyVersion};
use crate::model::snapshot::Section;
use crate::model::time::Time;
use crate::model::words::last_part;
use rstest::rstest;
use serde_json::{Value, json};

fn role(attached: &[&str], inline: &[Value]) -> RoleDetail {
    RoleDetail {
        attached_managed_policies: attached
            .iter()
            .map(|arn| AttachedPolicy { policy_arn: (*arn).to_owned(), ..AttachedPolicy::default() })
            .collect(),
        role_policy_list: inline
            .iter()
            .map(|it| InlinePolicy { policy_name: "own".into(), policy_document: Some(it.clone()) })
            .collect(),
        ..RoleDetail::default()
    }
}

fn of(attached: &[&str], inline: &[Value], wanted: &[Required]) -> PolicyCheck {
    check(&role(attached, inline), &swept(&[]), "aws", Some(CLUSTER_ARN), wanted)
}

/// Facts of a sweep that found these policies.
fn swept(policies: &[(&str, Value)]) -> IamFacts {
    let version = |document: &Value| PolicyVersion {
        document: Some(document.clone()),
        is_default_version: true,
        ..PolicyVersion::default()
    };
    let policy = |(arn, document): &(&str, Value)| ManagedPolicy {
        arn: (*arn).to_owned(),
        policy_version_list: vec![version(document)],
        ..ManagedPolicy::default()
    };
    let policies = policies.iter().map(policy).collect();
    IamFacts { policies: Section::known(policies, Time::default()), ..IamFacts::default() }
}

const CLUSTER_ARN: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/c1";
const AWS: &str = "arn:aws:iam::aws:policy/";

fn aws(name: &str) -> String {
    format!("{AWS}{name}")
}

#[test]
fn policies_are_known_by_arn_and_not_by_name() {
    let own = "arn:aws:iam::111122223333:policy/AmazonEKSClusterPolicy";
    let found = of(&[own], &[], &[CLUSTER]);
    assert_eq!(found.missing[0].required, aws("AmazonEKSClusterPolicy"));
    assert_eq!(found.missing[0].namesake.as_deref(), Some(own));
    assert_eq!(found.missing[0].perhaps_by, [own], "what it gives was not read");
    assert!(of(&[&aws("AmazonEKSClusterPolicy")], &[], &[CLUSTER]).missing.is_empty());
    let access_policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSComputePolicy";
    assert_eq!(of(&[access_policy], &[], &AUTO_MODE_CLUSTER[1..2]).present, []);
    assert_eq!(managed::name_of_aws("arn:aws:iam::aws:policy/service-role/X"), Some("X"));
}

#[test]
fn another_policy_may_give_the_same_or_part_of_it() {
    let old =
        json!({"Statement": {"Effect": "Allow", "Action": ["ec2:Describe*", "eks:DescribeCluster"], "Resource": "*"}});
    let found = of(&[], std::slice::from_ref(&old), &[WORKER]);
    assert_eq!(found.missing[0].lacks, ["eks-auth:AssumeRoleForPodIdentity"]);
    assert!(!found.missing[0].wholly);
    let whole =
        json!({"Statement": [old["Statement"], {"Effect": "Allow", "Action": "eks-auth:*", "Resource": CLUSTER_ARN}]});
    let found = of(&[], &[whole.to_string().into()], &[WORKER]);
    assert_eq!((found.present[0].by.as_str(), found.missing.len()), ("own", 0));
    assert!(of(&[], &[], &[WORKER]).missing[0].wholly);
}

#[test]
fn what_aws_s_known_policies_give_is_no_guess() {
    let found = of(&[&aws("AmazonEKSClusterPolicy"), &aws("AmazonSSMFullAccess")], &[], &[WORKER]);
    assert_eq!(found.missing[0].perhaps_by, [aws("AmazonSSMFullAccess")]);
}

/// An inline policy, what its worker policy then is, and what is said of it.
#[rstest]
#[case::whole(json!({"Effect": "Allow", "Action": ["ec2:*", "eks:*", "eks-auth:*"], "Resource": "*"}), "given", "own")]
#[case::other_cluster(
    json!([{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"},
        {"Effect": "Allow", "Action": ["eks:*", "eks-auth:*"], "Resource": "arn:aws:eks:eu-west-1:111122223333:cluster/c2"}]),
    "missing",
    "eks:DescribeCluster, eks-auth:AssumeRoleForPodIdentity"
)]
#[case::on_a_condition(
    json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}),
    "open",
    "ec2:DescribeInstances: own allows it on a condition or for some resources only"
)]
#[case::empty_condition(json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {}}), "given", "own")]
#[case::some_resources(
    json!({"Effect": "Allow", "Action": "*", "Resource": ["arn:aws:ec2:*:*:instance/*", CLUSTER_ARN]}),
    "open",
    "ec2:DescribeInstances: own allows it on a condition or for some resources only"
)]
#[case::all_but(
    json!({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::x"}),
    "open",
    "ec2:DescribeInstances: own allows it on a condition or for some resources only"
)]
fn what_stands_in_for_a_required_policy(#[case] statement: Value, #[case] state: &str, #[case] said: &str) {
    assert_eq!(state_of(&of(&[], &[json!({"Statement": statement})], &[WORKER])), (state, said.to_owned()));
}

fn state_of(found: &PolicyCheck) -> (&'static str, String) {
    match (found.present.as_slice(), found.missing.as_slice(), found.open.as_slice()) {
        ([it], [], []) => ("given", last_part(&it.by).to_owned()),
        ([], [it], []) => ("missing", it.taken.clone().unwrap_or_else(|| it.lacks.join(", "))),
        ([], [], [it]) => ("open", it.because.clone()),
        _ => ("several", format!("{found:?}")),
    }
}

#[rstest]
#[case::everything(json!({"Effect": "Deny", "Action": "*", "Resource": "*"}), "missing", "own denies it")]
#[case::one_of_it(json!({"Effect": "Deny", "Action": "eks:Describe*", "Resource": "*"}), "missing", "own denies it")]
#[case::all_but_others(json!({"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}), "missing", "own denies it")]
#[case::all_but_these(json!({"Effect": "Deny", "NotAction": ["ec2:*", "eks:*", "eks-auth:*"], "Resource": "*"}), "given", "AmazonEKSWorkerNodePolicy")]
#[case::another_cluster(
    json!({"Effect": "Deny", "Action": "eks:*", "Resource": "arn:aws:eks:eu-west-1:111122223333:cluster/c2"}),
    "given",
    "AmazonEKSWorkerNodePolicy"
)]
#[case::elsewhere(json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"}), "given", "AmazonEKSWorkerNodePolicy")]
#[case::on_a_condition(
    json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}}),
    "open",
    "ec2:DescribeInstances: own denies it on a condition or for some resources"
)]
fn what_another_policy_denies_is_not_given(#[case] statement: Value, #[case] state: &str, #[case] said: &str) {
    let attached = aws("AmazonEKSWorkerNodePolicy");
    let found = of(&[&attached], &[json!({"Statement": statement})], &[WORKER]);
    assert_eq!(state_of(&found), (state, said.to_owned()));
}

#[test]
fn nothing_is_left_by_the_policy_that_denies_all() {
    let found = of(&[&aws("AmazonEKSWorkerNodePolicy"), &aws("AWSDenyAll")], &[], &[WORKER]);
    assert_eq!(state_of(&found), ("missing", format!("{AWS}AWSDenyAll denies it")));
}

const BOUNDARY: &str = "arn:aws:iam::111122223333:policy/bound";

#[rstest]
#[case::unread(BOUNDARY, None, "open", "ec2:DescribeInstances: its permissions boundary {} was not read")]
#[case::allows_all(BOUNDARY, Some(json!({"Effect": "Allow", "Action": "*", "Resource": "*"})), "given", "AmazonEKSWorkerNodePolicy")]
#[case::not_that(
    BOUNDARY,
    Some(json!({"Effect": "Allow", "Action": ["s3:*", "ec2:*"], "Resource": "*"})),
    "missing",
    "its permissions boundary {} does not allow it"
)]
#[case::denies(
    BOUNDARY,
    Some(json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "ec2:*", "Resource": "*"}])),
    "missing",
    "its permissions boundary {} denies it"
)]
#[case::on_a_condition(
    BOUNDARY,
    Some(json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"a": "true"}}})),
    "open",
    "ec2:DescribeInstances: its permissions boundary {} limits it to a condition or to some resources"
)]
#[case::of_aws("arn:aws:iam::aws:policy/AdministratorAccess", None, "given", "AmazonEKSWorkerNodePolicy")]
#[case::the_same("arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy", None, "given", "AmazonEKSWorkerNodePolicy")]
#[case::another_of_aws(
    "arn:aws:iam::aws:policy/X",
    None,
    "open",
    "ec2:DescribeInstances: its permissions boundary {} was not read"
)]
fn beyond_a_boundary_nothing_is_given(
    #[case] arn: &str,
    #[case] document: Option<Value>,
    #[case] state: &str,
    #[case] said: &str,
) {
    let mut role = role(&[&aws("AmazonEKSWorkerNodePolicy")], &[]);
    role.permissions_boundary =
        Some(PermissionsBoundary { permissions_boundary_arn: Some(arn.into()), ..PermissionsBoundary::default() });
    let documents: Vec<(&str, Value)> = document.map(|it| (arn, json!({"Statement": it}))).into_iter().collect();
    let found = check(&role, &swept(&documents), "aws", Some(CLUSTER_ARN), &[WORKER]);
    assert_eq!(state_of(&found), (state, said.replace("{}", arn)));
}

#[test]
fn what_was_not_read_may_only_take_away() {
    let worker = aws("AmazonEKSWorkerNodePolicy");
    let own = "arn:aws:iam::111122223333:policy/own";
    let found = of(&[&worker, own], &[], &[WORKER]);
    assert_eq!((found.present.len(), found.unverified.contains(own)), (1, true), "{found:?}");
    let read = swept(&[(own, json!({"Statement": []}))]);
    assert_eq!(check(&role(&[&worker, own], &[]), &read, "aws", None, &[WORKER]).unverified, "");
    // Where the sweep was refused, a role that was only listed is without its boundary.
    let listed = check(&role(&[&worker], &[]), &IamFacts::default(), "aws", None, &[WORKER]);
    assert!(listed.unverified.contains("boundary"), "{listed:?}");
}

#[test]
fn what_is_wider_than_needed() {
    let one = |attached: &[&str], statement: Option<Value>| {
        let inline: Vec<Value> = statement.map(|it| json!({"Statement": it})).into_iter().collect();
        of(attached, &inline, &[PULL]).wider.first().map(|it| it.severity)
    };
    let allow = |actions: &[&str], on: &str| Some(json!({"Effect": "Allow", "Action": actions, "Resource": on}));
    for (severity, attached, statement) in [
        (None, "AmazonEC2ContainerRegistryPullOnly", None),
        (Some(Severity::Low), READ_ONLY, None),
        (Some(Severity::High), "AdministratorAccess", None),
        (Some(Severity::High), "PowerUserAccess", None),
        (Some(Severity::High), "X", allow(&["*"], "*")),
        (Some(Severity::Medium), "X", allow(&["s3:*"], "*")),
        (None, "X", allow(&["s3:*"], "arn:aws:s3:::logs/*")),
        (None, "X", allow(&["s3:Get*"], "*")),
        (None, "X", Some(json!({"Effect": "Deny", "Action": "*", "Resource": "*"}))),
        (Some(Severity::High), "X", Some(json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}))),
        // In whatever form everything is named.
        (Some(Severity::High), "X", allow(&["iam:*"], "arn:aws:iam::*:*")),
        (Some(Severity::High), "X", allow(&["iam:*"], "arn:aws:iam::111122223333:role/*")),
        (Some(Severity::High), "X", allow(&["IAM:*"], "arn:*:iam::*")),
        (None, "X", allow(&["iam:*"], "arn:aws:iam::111122223333:role/team/*")),
        (None, "X", allow(&["iam:*"], "arn:aws:iam::111122223333:role/x")),
        (Some(Severity::Medium), "X", allow(&["s3:*"], "arn:aws:s3:::*")),
        (Some(Severity::Medium), "X", allow(&["s3:*"], "arn:aws:s3:::*/*")),
        (Some(Severity::Medium), "X", allow(&["dynamodb:**"], "arn:aws:dynamodb:*:*:table/*")),
        (Some(Severity::High), "X", allow(&["**"], "**")),
        (Some(Severity::High), "X", Some(json!({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::x"}))),
        // What lets one take the rest.
        (Some(Severity::High), "X", allow(&["sts:AssumeRole"], "*")),
        (Some(Severity::High), "X", allow(&["sts:*"], "*")),
        (Some(Severity::High), "X", allow(&["sts:Assume*"], "arn:aws:iam::111122223333:role/*")),
        (None, "X", allow(&["sts:AssumeRole"], "arn:aws:iam::111122223333:role/x")),
        (Some(Severity::High), "X", allow(&["iam:Put*"], "*")),
        (None, "X", allow(&["iam:Get*", "sts:GetCallerIdentity"], "*")),
        // On a condition it matters less.
        (
            Some(Severity::Medium),
            "X",
            Some(json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"a": "true"}}})),
        ),
        // What was denied again is not given.
        (
            None,
            "X",
            Some(json!([{"Effect": "Allow", "Action": "iam:*", "Resource": "*"},
                {"Effect": "Deny", "Action": "*", "Resource": "*"}])),
        ),
        (
            None,
            "X",
            Some(json!([{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"},
                {"Effect": "Deny", "Action": "sts:*", "Resource": "*"}])),
        ),
        (Some(Severity::Medium), "AmazonS3FullAccess", None),
        (None, "AmazonS3ReadOnlyAccess", None),
    ] {
        assert_eq!(one(&[&aws(attached)], statement.clone()), severity, "{attached} {statement:?}");
    }
}
