//! The requests that this program asks about: IRSA, Pod Identity and its chaining, services, IAM principals.

use serde_json::{Value, json};

use super::super::{Document, Got, PodIdentity, Request, evaluate, outcome};
use super::{HOST, PROVIDER, ROLE, SESSION, USER, ask, policy, request};
use crate::access::Verdict::{No, Unknown, Yes};

#[test]
fn what_is_told_of_the_caller_settles_what_its_account_decides() {
    let root = json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "*"});
    let direct = json!({"Effect": "Allow", "Principal": {"AWS": USER}, "Action": "*"});
    // §5.1: the account delegates, a direct name is enough within the account, and across accounts both must allow.
    for (statement, account, own, expected) in [
        (&root, None, Some(true), Yes),
        (&root, None, Some(false), No),
        (&root, Some("111122223333"), None, Unknown),
        (&direct, Some("111122223333"), None, Yes),
        (&direct, Some("111122223333"), Some(false), Yes),
        (&direct, Some("999988887777"), None, Unknown),
        (&direct, Some("999988887777"), Some(true), Yes),
        (&direct, Some("999988887777"), Some(false), No),
        (&direct, None, None, Yes),
        (&direct, None, Some(false), Unknown),
    ] {
        let asked = json!({"principal": {"AWS": USER}, "action": "sts:AssumeRole",
                           "ownPoliciesAllow": own, "roleAccount": account});
        assert_eq!(ask(statement, &asked).verdict, expected, "§5.1 {statement} {asked}");
    }
    let id = json!({"Effect": "Allow", "Principal": {"AWS": "AIDAVO4L6LHEW4FGMS4CS"}, "Action": "*"});
    let request = Request::iam(USER).unwrap();
    assert_eq!(outcome(&policy(&id), &request.clone().with_unique_id("AIDAVO4L6LHEW4FGMS4CS")), Yes);
    assert_eq!(outcome(&policy(&id), &request.with_unique_id("AIDAZZZZZZZZZZZZZZZZZ")), No);
    // §5.2: aws:PrincipalArn is the role's ARN with its path, which a session's ARN does not tell.
    let arn = json!({"Effect": "Allow", "Principal": "*", "Action": "*",
                     "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/teams/*"}}});
    for (caller, context, expected) in [
        (ROLE, json!({}), Yes),
        (USER, json!({}), No),
        (SESSION, json!({}), Unknown),
        (SESSION, json!({"AWS:principalarn": ROLE}), Yes),
        (SESSION, json!({"aws:PrincipalArn": "arn:aws:iam::111122223333:role/deployer"}), No),
    ] {
        let asked = json!({"principal": {"AWS": caller}, "action": "sts:AssumeRole", "context": context});
        assert_eq!(ask(&arn, &asked).verdict, expected, "§5.2 {caller} {context}");
    }
}

fn irsa(condition: Value) -> Value {
    json!({"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": "sts:AssumeRoleWithWebIdentity",
           "Condition": condition})
}

#[test]
fn irsa_and_its_misconfigurations() {
    let key = |claim: &str| format!("{HOST}:{claim}");
    let (sub, aud) = (key("sub"), key("aud"));
    let me = "system:serviceaccount:payments:api";
    let request = Request::web_identity(PROVIDER, &format!("https://{HOST}"), me, &["sts.amazonaws.com".to_owned()]);
    for (section, condition, expected, said) in [
        ("1.5", json!({"StringEquals": {&aud: "sts.amazonaws.com", &sub: me}}), Yes, "Statement[0] allows"),
        (
            "1.5",
            json!({"StringEquals": {&aud: "sts.amazonaws.com"}, "StringLike": {&sub: "system:serviceaccount:payments:*"}}),
            Yes,
            "",
        ),
        ("1.6 #1", json!({"StringEquals": {&aud: "sts.amazonaws.com"}}), Yes, ""),
        ("1.6 #2", json!({"StringLike": {&sub: "*"}}), Yes, ""),
        ("1.6 #3", json!({"ForAllValues:StringEquals": {"other.example/id/1:sub": me}}), Yes, ""),
        ("1.6 #4", json!({"StringEqualsIfExists": {"other.example/id/1:sub": me}}), Yes, ""),
        ("1.6 #6", json!({"StringEquals": {&sub: "system:serviceaccount:payments:*"}}), No, "StringLike would not"),
        ("1.6 #10", json!({"StringEquals": {&aud: "other"}}), No, "the request has \"sts.amazonaws.com\""),
        ("1.6 #11", json!({"StringEquals": {"oidc.eks.eu-west-1.amazonaws.com/id/OLD:sub": me}}), No, "another issuer"),
        ("1.6 #13", json!({"StringEquals": {&sub: "system:serviceaccount:Payments:api"}}), No, "differ in case only"),
        (
            "1.6 #13",
            json!({"StringEquals": {&sub: "system:serviceaccount:payments:ap"}}),
            No,
            "wants \"system:serviceaccount:payments:ap\"",
        ),
        ("1.6 #21", json!({"StringEquals": {format!("https://{sub}"): me}}), No, "does not have it"),
        ("1.5 amr", json!({"ForAnyValue:StringEquals": {key("amr"): "authenticated"}}), No, "does not have it"),
        ("5.3 key case", json!({"StringEquals": {sub.to_uppercase(): me}}), Yes, ""),
        ("5.6", json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), Unknown, "aws:SourceIp, which is not known"),
        ("5.6", json!({"StringEquals": {"aws:PrincipalOrgID": "o-1", &sub: "x"}}), No, ":sub wants \"x\""),
    ] {
        let verdict = evaluate(&policy(&irsa(condition.clone())), &request);
        assert_eq!(verdict.verdict, expected, "§{section} {condition}: {}", verdict.because);
        assert!(verdict.because.contains(said), "§{section} {condition}: {}", verdict.because);
    }
    let verdict =
        evaluate(&policy(&irsa(json!({"StringEquals": {&sub: "system:serviceaccount:payments:web"}}))), &request);
    assert_eq!(verdict.passes.as_deref(), Some("\"system:serviceaccount:payments:web\""));
    let clause = verdict.clause.unwrap();
    assert_eq!((clause.key, clause.got), (sub, Got::Values(vec![me.to_owned()])));
    // §1.6 #12 and #7: the wrong action, the wrong provider.
    let wrong = json!({"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": "sts:AssumeRole"});
    let clause = evaluate(&policy(&wrong), &request).clause.unwrap();
    assert_eq!((clause.operator.as_str(), clause.wanted), ("Action", vec!["sts:AssumeRole".to_owned()]));
    let gone = format!("{PROVIDER}0");
    let wrong = json!({"Effect": "Allow", "Principal": {"Federated": gone}, "Action": "sts:AssumeRoleWithWebIdentity"});
    let verdict = evaluate(&policy(&wrong), &request);
    assert_eq!(verdict.clause.map(|it| it.operator).as_deref(), Some("Principal"));
    assert_eq!(verdict.passes, Some(format!("\"{gone}\"")));
}

#[test]
fn pod_identity_needs_both_actions_and_its_tags() {
    let pod = PodIdentity {
        cluster_arn: "arn:aws:eks:eu-west-1:111122223333:cluster/prod-eu1",
        namespace: "payments",
        service_account: "api",
        pod_name: None,
        pod_uid: None,
        disable_session_tags: false,
    };
    let untagged = PodIdentity { disable_session_tags: true, ..pod };
    let trust = |actions: Value, condition: Value| json!({"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"}, "Action": actions, "Condition": condition});
    let both = json!(["sts:AssumeRole", "sts:TagSession"]);
    let tag = |name: &str, value: &str| json!({"StringEquals": {format!("aws:RequestTag/{name}"): value}});
    for (section, statement, pod, expected) in [
        ("2.3", trust(both.clone(), json!({})), pod, Yes),
        ("2.3 TagSession", trust(json!("sts:AssumeRole"), json!({})), pod, No),
        ("2.3 TagSession", trust(json!("sts:AssumeRole"), json!({})), untagged, Yes),
        ("2.3 tag", trust(both.clone(), tag("kubernetes-namespace", "payments")), pod, Yes),
        ("2.3 tag", trust(both.clone(), tag("kubernetes-namespace", "web")), pod, No),
        ("2.3 tag", trust(both.clone(), tag("eks-cluster-name", "prod-eu1")), pod, Yes),
        ("2.4 no tags", trust(both.clone(), tag("kubernetes-namespace", "payments")), untagged, No),
        ("2.4 any pod", trust(both.clone(), tag("kubernetes-pod-name", "api-1")), pod, Unknown),
        (
            "2.4 any pod",
            trust(both.clone(), tag("kubernetes-pod-name", "api-1")),
            PodIdentity { pod_name: Some("api-1"), ..pod },
            Yes,
        ),
        ("2.4 no custom ones", trust(both.clone(), tag("team", "blue")), pod, No),
        (
            "2.4 keys",
            trust(both.clone(), json!({"ForAllValues:StringLike": {"aws:TagKeys": ["eks-*", "kubernetes-*"]}})),
            pod,
            Yes,
        ),
        ("2.4 keys", trust(both.clone(), json!({"ForAllValues:StringLike": {"aws:TagKeys": "eks-*"}})), pod, No),
        ("5.6", trust(both.clone(), json!({"StringEquals": {"aws:SourceOrgID": "o-1"}})), pod, Unknown),
    ] {
        let verdict = evaluate(&policy(&statement), &Request::pod_identity(&pod));
        assert_eq!(verdict.verdict, expected, "§{section} {statement}: {}", verdict.because);
    }
    let verdict = evaluate(&policy(&trust(json!("sts:AssumeRole"), json!({}))), &Request::pod_identity(&pod));
    assert!(verdict.because.starts_with("sts:TagSession is not allowed"), "{}", verdict.because);

    // §2.5: the target trusts the first role and may ask for the external id.
    let first = "arn:aws:iam::111122223333:role/first";
    let target =
        Request::pod_identity_target(first, &pod, Some("eu-west-1/111122223333/prod-eu1/payments/api")).unwrap();
    let trust = |principal: &str, id: &str| {
        json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": both,
               "Condition": {"StringEquals": {"sts:ExternalId": id}}})
    };
    let id = "eu-west-1/111122223333/prod-eu1/payments/api";
    for (statement, expected) in [
        (trust(first, id), Yes),
        (trust(first, "other"), No),
        (trust("arn:aws:iam::111122223333:role/second", id), No),
        (trust("111122223333", id), Unknown),
    ] {
        assert_eq!(outcome(&policy(&statement), &target), expected, "§2.5 {statement}");
    }
    assert_eq!(outcome(&policy(&trust(first, id)), &target.to_account("999988887777")), Unknown);
}

#[test]
fn services_and_fargate() {
    let fargate = json!({"Effect": "Allow", "Principal": {"Service": "eks-fargate-pods.amazonaws.com"}, "Action": "sts:AssumeRole",
        "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:eks:eu-west-1:111122223333:fargateprofile/prod-eu1/*"}}});
    let request = Request::service("eks-fargate-pods.amazonaws.com");
    let of = |cluster: &str| format!("arn:aws:eks:eu-west-1:111122223333:fargateprofile/{cluster}/p/1-2");
    assert_eq!(outcome(&policy(&fargate), &request), Unknown);
    assert_eq!(outcome(&policy(&fargate), &request.clone().with("aws:SourceArn", [of("prod-eu1")])), Yes);
    assert_eq!(outcome(&policy(&fargate), &request.clone().with("aws:SourceArn", [of("staging")])), No);
    assert_eq!(outcome(&policy(&fargate), &request.without("aws:SourceArn")), No);
    assert_eq!(outcome(&policy(&fargate), &Request::service("ec2.amazonaws.com")), No);
}

#[test]
fn policy_variables() {
    let asked = |context: Value| json!({"principal": {"AWS": USER}, "action": "sts:AssumeRole", "context": context});
    let trust = |version: Value, operator: &str, wanted: &str| {
        let mut document = json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": USER}, "Action": "*",
            "Condition": {operator: {"test:Key": wanted}}}});
        if !version.is_null() {
            document["Version"] = version;
        }
        Document::from_value(&document).unwrap()
    };
    let new = json!("2012-10-17");
    for (section, version, operator, wanted, context, expected) in [
        ("5.3", new.clone(), "StringEquals", "${aws:username}", json!({"test:key": "ann"}), Yes),
        ("5.3", new.clone(), "StringEquals", "${aws:username}", json!({"test:key": "bob"}), No),
        ("5.3 older", json!("2008-10-17"), "StringEquals", "${aws:username}", json!({"test:key": "ann"}), No),
        ("5.3 none", Value::Null, "StringEquals", "${aws:username}", json!({"test:key": "${aws:username}"}), Yes),
        ("5.3 case", new.clone(), "StringLike", "x-${AWS:UserName}-*", json!({"test:key": "x-ann-1"}), Yes),
        (
            "5.3 tag",
            new.clone(),
            "StringEquals",
            "${aws:PrincipalTag/team}",
            json!({"test:key": "b", "aws:PrincipalTag/team": "b"}),
            Yes,
        ),
        ("5.6 tag", new.clone(), "StringEquals", "${aws:PrincipalTag/team}", json!({"test:key": "b"}), Unknown),
        (
            "5.3 no tag",
            new.clone(),
            "StringEquals",
            "${aws:PrincipalTag/team}",
            json!({"test:key": "b", "aws:PrincipalTag/team": null}),
            No,
        ),
        (
            "5.3 default",
            new.clone(),
            "StringEquals",
            "${aws:PrincipalTag/team, 'b'}",
            json!({"test:key": "b", "aws:PrincipalTag/team": null}),
            Yes,
        ),
        (
            "5.3 default",
            new.clone(),
            "StringEquals",
            "${aws:PrincipalTag/team, 'b'}",
            json!({"test:key": "b", "aws:PrincipalTag/team": "c"}),
            No,
        ),
        ("5.3 literals", new.clone(), "StringLike", "${*}${?}${$}", json!({"test:key": "*?$"}), Yes),
        ("5.3 literals", new.clone(), "StringLike", "${*}", json!({"test:key": "x"}), No),
        (
            "5.3 no wildcards",
            new.clone(),
            "StringLike",
            "${aws:PrincipalTag/t}",
            json!({"test:key": "ab", "aws:PrincipalTag/t": "a*"}),
            No,
        ),
        ("5.3 unclosed", new.clone(), "StringEquals", "${aws", json!({"test:key": "${aws"}), Yes),
        (
            "5.3 arn",
            new.clone(),
            "ArnLike",
            "arn:aws:iam::${aws:PrincipalAccount}:role/*",
            json!({"test:key": ROLE}),
            Yes,
        ),
        (
            "5.3 several",
            new,
            "StringEquals",
            "${test:other}",
            json!({"test:key": "a", "test:other": ["a", "b"]}),
            Unknown,
        ),
    ] {
        let verdict = evaluate(&trust(version, operator, wanted), &request(&asked(context)));
        assert_eq!(verdict.verdict, expected, "§{section} {wanted}: {}", verdict.because);
    }
}
