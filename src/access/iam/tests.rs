//! Tables: what the policies of one role say of one action, each beside a case a step away. Trust policies have theirs in
//! `access::trust`; the law that the lab agrees stands in `lab::simulate`.

use serde_json::{Value, json};

use super::identity::session_leaves;
use super::{Bar, PolicyOwner, PolicyReader, managed};
use crate::access::Verdict;
use crate::model::role::{AttachedPolicy, InlinePolicy, ManagedPolicy, PermissionsBoundary, PolicyVersion, RoleDetail};
use crate::model::snapshot::{IamFacts, Section};
use crate::model::time::Time;

const ROLE: &str = "arn:aws:iam::111122223333:role/teams/x";
const TARGET: &str = "arn:aws:iam::111122223333:role/target";
const OWN: &str = "arn:aws:iam::111122223333:policy/own";

/// `yes`, `no`, `denied`, or why it is unknown; with `!` where a Deny or a boundary bars it, `?` where one may.
fn verdict(attached: &[&str], inline: &[Value], boundary: Option<&str>, action: &str) -> String {
    let version = |document: Value| PolicyVersion {
        document: Some(document),
        is_default_version: true,
        ..PolicyVersion::default()
    };
    let read = |arn: &str, statement: Value| ManagedPolicy {
        arn: arn.to_owned(),
        policy_version_list: vec![version(json!({"Version": "2012-10-17", "Statement": statement}))],
        ..ManagedPolicy::default()
    };
    let iam = IamFacts {
        policies: Section::known(
            vec![
                read(OWN, json!([{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": TARGET}])),
                read(&format!("{OWN}-s3"), json!([{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}])),
            ],
            Time::default(),
        ),
        ..IamFacts::default()
    };
    let role = RoleDetail {
        role_name: "x".into(),
        arn: ROLE.into(),
        role_policy_list: inline
            .iter()
            .map(|it| InlinePolicy { policy_name: "p".into(), policy_document: Some(it.clone()) })
            .collect(),
        attached_managed_policies: attached
            .iter()
            .map(|arn| AttachedPolicy { policy_arn: (*arn).to_owned(), ..AttachedPolicy::default() })
            .collect(),
        permissions_boundary: boundary.map(|arn| PermissionsBoundary {
            permissions_boundary_arn: Some(arn.into()),
            ..PermissionsBoundary::default()
        }),
        ..RoleDetail::default()
    };
    let reader = PolicyReader::new(&iam);
    let decision = PolicyOwner::role(&role, &reader).decide(action, TARGET);
    let bar = match decision.bar {
        Bar::None => "",
        Bar::Perhaps(_) => "?",
        Bar::Surely(_) => "!",
    };
    let said = match decision.allows.verdict {
        Verdict::Yes => "yes".to_owned(),
        Verdict::No if decision.allows.is_denied => "denied".to_owned(),
        Verdict::No => "no".to_owned(),
        Verdict::Unknown => decision.allows.because,
    };
    format!("{said}{bar}")
}

fn document(statement: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statement})
}

fn allow(on: Value) -> Value {
    let mut statement = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": TARGET});
    for (name, value) in on.as_object().unwrap() {
        statement[name] = value.clone();
    }
    document(statement)
}

fn without(mut document: Value, element: &str) -> Value {
    document["Statement"].as_object_mut().unwrap().remove(element);
    document
}

#[test]
fn statements_of_a_role_on_one_resource() {
    let own = |of: &str| format!("policy p of role x {of}");
    let rows: Vec<(Value, String)> = vec![
        (allow(json!({})), "yes".into()),
        (allow(json!({"Resource": "arn:aws:iam::111122223333:role/t*"})), "yes".into()),
        (allow(json!({"Resource": "arn:aws:iam::111122223333:role/other"})), "no".into()),
        (allow(json!({"Resource": []})), "no".into()),
        (allow(json!({"Action": "STS:assume*"})), "yes".into()),
        (allow(json!({"Action": "*:AssumeRole"})), "no".into()),
        (without(allow(json!({"NotAction": "iam:*"})), "Action"), "yes".into()),
        (without(allow(json!({"NotAction": ["sts:*", "iam:*"]})), "Action"), "no".into()),
        (without(allow(json!({"NotResource": TARGET})), "Resource"), "no".into()),
        (without(allow(json!({"NotResource": "arn:aws:s3:::*"})), "Resource"), "yes".into()),
        // Conditions are held against what is known of the role.
        (allow(json!({"Condition": {"ArnEquals": {"aws:PrincipalArn": ROLE}}})), "yes".into()),
        (
            allow(json!({"Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/y"}}})),
            "no".into(),
        ),
        (allow(json!({"Condition": {"StringEquals": {"aws:PrincipalAccount": "111122223333"}}})), "yes".into()),
        (
            allow(json!({"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}})),
            own("may allow sts:AssumeRole: that depends on a condition"),
        ),
        // Variables in resources.
        (allow(json!({"Resource": "arn:aws:iam::${aws:PrincipalAccount}:role/target"})), "yes".into()),
        (allow(json!({"Resource": "arn:aws:iam::111122223333:role/${TARGET}"})), "no".into()),
        (
            allow(json!({"Resource": "arn:aws:iam::111122223333:role/${aws:PrincipalTag/t}"})),
            own("may allow sts:AssumeRole: what a variable in its resource stands for is not known"),
        ),
        // What IAM would not have saved.
        (
            allow(json!({"Comment": "x"})),
            own(
                "may allow sts:AssumeRole: Statement[0] cannot be made out (Comment has no place in an identity's policy)",
            ),
        ),
        (
            allow(json!({"Principal": "*"})),
            own(
                "may allow sts:AssumeRole: Statement[0] cannot be made out (Principal has no place in an identity's policy)",
            ),
        ),
        (without(allow(json!({})), "Resource"), own("may allow sts:AssumeRole: Statement[0] cannot be made out")),
        (
            json!(r#"{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Action": "sts:*", "Resource": "*"}]}"#),
            own(
                "may allow sts:AssumeRole: Statement[0] cannot be made out (Statement[0].Action stands there twice, with \
                 different values)",
            ),
        ),
        (
            json!({"Version": "2012-10-17", "Statement": allow(json!({}))["Statement"], "Comment": "x"}),
            own("may allow sts:AssumeRole: it cannot be made out (Comment is no element of a policy)"),
        ),
    ];
    for (document, expected) in rows {
        assert_eq!(verdict(&[], std::slice::from_ref(&document), None, "sts:AssumeRole"), expected, "{document}");
    }
    // What may deny as well as allow.
    for document in [
        json!("no policy"),
        json!({"Version": "2026-01-01", "Statement": []}),
        document(json!({"Effect": "deny", "Action": "*", "Resource": "*"})),
        json!(r#"{"Statement": [], "Statement": [{}]}"#),
    ] {
        let said = verdict(&[OWN], std::slice::from_ref(&document), None, "sts:AssumeRole");
        assert!(said.contains("may deny") && said.ends_with('?'), "{document}: {said}");
    }
}

#[test]
fn policies_add_up_and_a_boundary_limits_them() {
    const AWS: &str = "arn:aws:iam::aws:policy/";
    let aws = |name: &str| format!("{AWS}{name}");
    let deny = document(json!({"Effect": "Deny", "Action": "sts:*", "Resource": "*"}));
    let deny_on_condition = document(json!({"Effect": "Deny", "Action": "sts:*", "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}}));
    let (admin, power, unknown) = (aws("AdministratorAccess"), aws("PowerUserAccess"), aws("SomethingNew"));
    let (worker, denies_all, quarantine) =
        (aws("AmazonEKSWorkerNodePolicy"), aws("AWSDenyAll"), aws("AWSCompromisedKeyQuarantineV3"));
    let s3 = format!("{OWN}-s3");
    let unread = "arn:aws:iam::111122223333:policy/unread";
    for (attached, inline, boundary, expected) in [
        (vec![OWN], vec![], None, "yes"),
        (vec![s3.as_str()], vec![], None, "no"),
        (vec![OWN], vec![deny.clone()], None, "denied!"),
        (
            vec![OWN],
            vec![deny_on_condition.clone()],
            None,
            "policy p of role x may deny sts:AssumeRole: that depends on a condition?",
        ),
        // AWS's own, by the table.
        (vec![&admin], vec![], None, "yes"),
        (vec![&power], vec![], None, "yes"),
        (vec![&worker], vec![], None, "no"),
        (vec![&unknown], vec![], None, "not read of role x: policy arn:aws:iam::aws:policy/SomethingNew"),
        (vec![&unknown, OWN], vec![], None, "yes"),
        (vec![OWN, &denies_all], vec![], None, "denied!"),
        (
            vec![OWN, &quarantine],
            vec![],
            None,
            "policy AWSCompromisedKeyQuarantineV3 of role x may deny sts:AssumeRole: its text was not read?",
        ),
        // One of the account's own that was not read may deny as well.
        (vec![OWN, unread], vec![], None, "not read of role x: policy arn:aws:iam::111122223333:policy/unread?"),
        // Boundaries.
        (vec![&admin], vec![], Some(OWN), "yes"),
        (vec![&admin], vec![], Some(s3.as_str()), "denied!"),
        (vec![&admin], vec![], Some(power.as_str()), "yes"),
        (
            vec![&admin],
            vec![],
            Some(unread),
            "the text of the permissions boundary arn:aws:iam::111122223333:policy/unread of role x was not read?",
        ),
        (vec![s3.as_str()], vec![], Some(unread), "no?"),
        (vec![s3.as_str()], vec![], Some(OWN), "no"),
    ] {
        assert_eq!(verdict(&attached, &inline, boundary, "sts:AssumeRole"), expected, "{attached:?} {boundary:?}");
    }
}

#[test]
fn a_session_policy_leaves_what_it_allows() {
    let text = |statement: Value| document(statement).to_string();
    let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let no_s3 = json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"});
    for (policy, resource, expected) in [
        (text(all.clone()), "*", Some(true)),
        (text(json!([all, no_s3])), "*", Some(false)),
        (
            text(json!({"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::a/*"})),
            "arn:aws:s3:::a/b",
            Some(true),
        ),
        (
            text(json!({"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::a/*"})),
            "arn:aws:s3:::b/b",
            Some(false),
        ),
        (text(json!({"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::a/*"})), "*", None),
        (text(json!([])), "*", Some(false)),
        ("{".to_owned(), "*", None),
    ] {
        assert_eq!(
            session_leaves(&policy, ROLE, "s3:GetObject", resource).verdict.known(),
            expected,
            "{policy} {resource}"
        );
    }
}

/// AWS Managed Policy Reference Guide.
#[test]
fn what_is_known_of_aws_s_own_policies() {
    for (name, action, expected) in [
        ("AdministratorAccess", "iam:createrole", Verdict::Yes),
        ("PowerUserAccess", "eks-auth:assumeroleforpodidentity", Verdict::Yes),
        // Some of IAM it gives all the same (iam:ListRoles, service-linked roles).
        ("PowerUserAccess", "iam:listroles", Verdict::Unknown),
        ("AmazonEKSWorkerNodePolicy", "eks-auth:assumeroleforpodidentity", Verdict::Yes),
        ("AmazonEKSWorkerNodePolicy", "sts:assumerole", Verdict::No),
        ("AmazonEKSWorkerNodePolicy", "ec2:describevolumes", Verdict::Unknown),
        ("AmazonEKS_CNI_Policy", "eks-auth:assumeroleforpodidentity", Verdict::No),
        ("ReadOnlyAccess", "sts:assumerole", Verdict::Unknown),
        ("AWSDenyAll", "s3:getobject", Verdict::No),
        ("AmazonS3FullAccess", "s3:getobject", Verdict::Unknown),
    ] {
        assert_eq!(managed::allows(name, action), expected, "{name} {action}");
    }
    assert_eq!(managed::denies("AWSDenyAll"), Verdict::Yes);
    assert_eq!(managed::denies("AWSCompromisedKeyQuarantineV2"), Verdict::Unknown);
    assert_eq!(managed::denies("AdministratorAccess"), Verdict::No);
    for (arn, expected) in [
        ("arn:aws:iam::aws:policy/AdministratorAccess", Some("AdministratorAccess")),
        ("arn:aws-cn:iam::aws:policy/service-role/X", Some("X")),
        ("arn:aws:iam::111122223333:policy/AdministratorAccess", None),
        ("arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy", None),
    ] {
        assert_eq!(managed::name_of_aws(arn), expected, "{arn}");
    }
}
