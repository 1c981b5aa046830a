//! Tables: one row for each operator, principal form and action form, with the section of the workload identity reference
//! that it is built from. The requests of the program, documents as they come, and the laws stand beside this.

mod documents;
mod laws;
mod requests;

use serde_json::{Value, json};

use super::{Document, Got, Request, TrustDecision, evaluate, outcome};
use crate::access::Verdict;
use crate::access::Verdict::{No, Unknown, Yes};

const HOST: &str = "oidc.eks.eu-west-1.amazonaws.com/id/C3D8";
const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/C3D8";
const ROLE: &str = "arn:aws:iam::111122223333:role/teams/blue/deployer";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/deployer/jane@corp.com";
const USER: &str = "arn:aws:iam::111122223333:user/ops/ann";

fn policy(statements: &Value) -> Document {
    Document::from_value(&json!({"Version": "2012-10-17", "Statement": statements})).unwrap()
}

fn request(value: &Value) -> Request {
    Request::parse(&value.to_string()).unwrap()
}

fn ask(statements: &Value, asked: &Value) -> TrustDecision {
    let (document, request) = (policy(statements), request(asked));
    let verdict = evaluate(&document, &request);
    assert_eq!(outcome(&document, &request), verdict.verdict, "{statements} {asked}");
    assert!(!verdict.because.is_empty());
    verdict
}

/// A service's request under one condition, in an Allow.
fn condition(operator: &str, wanted: &Value, context: &Value) -> Verdict {
    let statement = json!({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole",
        "Condition": {operator: {"test:Key": wanted}}});
    let asked = json!({"principal": {"Service": "ec2.amazonaws.com"}, "action": "sts:AssumeRole", "context": context});
    ask(&statement, &asked).verdict
}

#[test]
fn operators() {
    // Section, operator, wanted, a value that fits, one that does not, and what an absent key means.
    let rows: Vec<(&str, &str, Value, Value, Value, bool)> = vec![
        ("5.3", "StringEquals", json!("a"), json!("a"), json!("A"), false),
        ("5.3 *", "StringEquals", json!("a*"), json!("a*"), json!("ab"), false),
        ("5.3 or", "StringEquals", json!(["a", "b"]), json!("b"), json!("c"), false),
        ("5.3", "StringNotEquals", json!("a"), json!("A"), json!("a"), true),
        ("5.3 none", "StringNotEquals", json!(["a", "b"]), json!("c"), json!("b"), true),
        ("5.3", "StringEqualsIgnoreCase", json!("Ab"), json!("aB"), json!("b"), false),
        ("5.3", "StringNotEqualsIgnoreCase", json!("Ab"), json!("b"), json!("aB"), true),
        ("5.3", "StringLike", json!("a*c"), json!("a/:c"), json!("A/c"), false),
        ("5.3 ?", "StringLike", json!("a?"), json!("ab"), json!("a"), false),
        ("5.3 empty run", "StringLike", json!("a*"), json!("a"), json!("b"), false),
        ("5.3", "StringNotLike", json!("a*"), json!("b"), json!("abc"), true),
        (
            "5.3",
            "ArnEquals",
            json!("arn:aws:iam::1:role/*"),
            json!("arn:aws:iam::1:role/a/b"),
            json!("arn:aws:iam::2:role/a"),
            false,
        ),
        (
            "5.3",
            "ArnNotEquals",
            json!("arn:aws:iam::1:role/a"),
            json!("arn:aws:iam::1:role/b"),
            json!("arn:aws:iam::1:role/a"),
            true,
        ),
        (
            "5.3",
            "ArnNotLike",
            json!("arn:aws:iam::*:role/a"),
            json!("arn:aws:iam::1:role/b"),
            json!("arn:aws:iam::1:role/a"),
            true,
        ),
        ("5.3", "Bool", json!("true"), json!("true"), json!("false"), false),
        ("5.3 boolean", "Bool", json!(true), json!("True"), json!(false), false),
        ("5.3", "NumericEquals", json!("5"), json!("5.0"), json!("6"), false),
        ("5.3 number", "NumericEquals", json!(5), json!(5), json!(6), false),
        ("5.3", "NumericNotEquals", json!("5"), json!("6"), json!("5"), true),
        ("5.3", "NumericLessThan", json!("5"), json!("4"), json!("5"), false),
        ("5.3", "NumericLessThanEquals", json!("5"), json!("5"), json!("5.1"), false),
        ("5.3", "NumericGreaterThan", json!("5"), json!("6"), json!("5"), false),
        ("5.3", "NumericGreaterThanEquals", json!("5"), json!("5"), json!("-5"), false),
        (
            "5.3",
            "DateEquals",
            json!("2026-11-24T06:00:00Z"),
            json!("2026-11-24T07:00:00+01:00"),
            json!("2026-11-24"),
            false,
        ),
        ("5.3 epoch", "DateEquals", json!("1700000000"), json!("2023-11-14T22:13:20Z"), json!(1_700_000_001), false),
        ("5.3", "DateNotEquals", json!("2026-11-24"), json!("2026-11-25"), json!("2026-11-24T00:00Z"), true),
        ("5.3", "DateLessThan", json!("2026-11-24"), json!("2026-11-23T23:59:59Z"), json!("2026-11-24"), false),
        ("5.3", "DateLessThanEquals", json!("2026-11-24"), json!("2026-11-24"), json!("2026-11-24T00:00:01Z"), false),
        ("5.3", "DateGreaterThan", json!("2026-11-24"), json!("2026-11-24T00:00:01Z"), json!("2026-11-24"), false),
        ("5.3", "DateGreaterThanEquals", json!("2026-11-24"), json!("2026-11-24"), json!("2026-11-23"), false),
        ("5.3", "IpAddress", json!("10.0.0.0/8"), json!("10.255.0.1"), json!("11.0.0.1"), false),
        ("5.3 one", "IpAddress", json!("10.0.0.1"), json!("10.0.0.1"), json!("10.0.0.2"), false),
        ("5.3 all", "IpAddress", json!("0.0.0.0/0"), json!("1.2.3.4"), json!("::1"), false),
        ("5.3 v6", "IpAddress", json!("2001:db8::/32"), json!("2001:db8:1::1"), json!("2001:db9::1"), false),
        ("5.3", "NotIpAddress", json!("10.0.0.0/8"), json!("11.0.0.1"), json!("10.0.0.1"), true),
        ("5.3", "BinaryEquals", json!("QmFzZTY0"), json!("QmFzZTY0"), json!("QmFzZTY1"), false),
    ];
    let yes = |it: bool| if it { Yes } else { No };
    for (section, operator, wanted, fits, not, absent) in rows {
        let with = |value: &Value| json!({"test:key": value});
        assert_eq!(condition(operator, &wanted, &with(&fits)), Yes, "§{section} {operator} fits {fits}");
        let none = json!({"test:Key": []});
        for name in [operator.to_owned(), operator.to_uppercase()] {
            assert_eq!(condition(&name, &wanted, &with(&not)), No, "§{section} {name} does not fit {not}");
            assert_eq!(condition(&name, &wanted, &none), yes(absent), "§{section} {name} absent");
            assert_eq!(condition(&name, &wanted, &json!({})), Unknown, "§{section} {name} not known");
        }
        // IfExists: a missing key holds, and nothing else changes.
        let if_exists = format!("{operator}IfExists");
        assert_eq!(condition(&if_exists, &wanted, &with(&fits)), Yes, "§{section} {if_exists}");
        assert_eq!(condition(&if_exists, &wanted, &with(&not)), No, "§{section} {if_exists}");
        assert_eq!(condition(&if_exists, &wanted, &none), Yes, "§{section} {if_exists} absent");
        assert_eq!(condition(&if_exists, &wanted, &json!({})), Unknown, "§{section} {if_exists} not known");
        // ForAllValues: all of them; none is all.
        let all = format!("ForAllValues:{operator}");
        assert_eq!(condition(&all, &wanted, &with(&json!([fits, fits]))), Yes, "§{section} {all}");
        assert_eq!(condition(&all, &wanted, &with(&json!([fits, not]))), No, "§{section} {all}");
        assert_eq!(condition(&all, &wanted, &none), Yes, "§{section} {all} absent");
        // ForAnyValue: one of them, negated or not.
        let any = format!("ForAnyValue:{operator}");
        assert_eq!(condition(&any, &wanted, &with(&json!([not, fits]))), Yes, "§{section} {any}");
        assert_eq!(condition(&any, &wanted, &with(&json!([not, not]))), No, "§{section} {any}");
        assert_eq!(condition(&any, &wanted, &none), No, "§{section} {any} absent");
        // Of no values none fits, and IfExists changes nothing about that.
        assert_eq!(condition(&format!("{any}IfExists"), &wanted, &none), No, "§{section} {any}IfExists absent");
        assert_eq!(condition(&format!("{all}IfExists"), &wanted, &none), Yes, "§{section} {all}IfExists absent");
        // Several values without a test of sets: certain only where they agree.
        assert_eq!(condition(operator, &wanted, &with(&json!([fits, not]))), Unknown, "§{section} {operator} several");
        assert_eq!(condition(operator, &wanted, &with(&json!([fits, fits]))), Yes, "§{section} {operator} several");
    }
}

#[test]
fn operators_at_their_edges() {
    let arn = "arn:aws-us-gov:iam::111122223333:role/a:b/c";
    for (section, operator, wanted, context, expected) in [
        ("5.3 null", "Null", json!("true"), json!({"test:key": []}), Yes),
        ("5.3 null", "Null", json!("true"), json!({"test:key": null}), Yes),
        ("5.3 null", "Null", json!("true"), json!({"test:key": "x"}), No),
        ("5.3 null", "Null", json!("false"), json!({"test:key": "x"}), Yes),
        ("5.3 null", "Null", json!(false), json!({"test:key": null}), No),
        ("5.3 null", "Null", json!("true"), json!({}), Unknown),
        ("5.3 null", "Null", json!(["true", "false"]), json!({}), Yes),
        ("5.3 null", "Null", json!("maybe"), json!({"test:key": "x"}), Unknown),
        ("5.3 set", "NullIfExists", json!("true"), json!({"test:key": null}), Unknown),
        // The six parts of an ARN are compared one by one.
        ("5.3 arn", "ArnLike", json!("arn:*:iam::*:role/*"), json!({"test:key": arn}), Yes),
        ("5.3 arn", "ArnLike", json!("arn:aws:iam::*:role/*"), json!({"test:key": arn}), No),
        ("5.3 arn", "ArnLike", json!("arn:*:111122223333:role/*"), json!({"test:key": arn}), Unknown),
        ("5.3 arn", "ArnLike", json!("arn:*:*:role/a:b/c:d:e"), json!({"test:key": arn}), No),
        ("5.3 arn", "ArnLike", json!("arn:aws-us-gov:iam::111122223333"), json!({"test:key": arn}), No),
        ("5.3 arn", "ArnLike", json!("arn:aws:iam::1:role/a"), json!({"test:key": "role/a"}), No),
        ("5.3 like", "StringLike", json!("arn:*:role/*"), json!({"test:key": arn}), Yes),
        // What cannot be read as what is compared.
        ("5.6", "NumericEquals", json!("five"), json!({"test:key": "5"}), Unknown),
        ("5.6", "NumericEquals", json!("5"), json!({"test:key": "nan"}), Unknown),
        ("5.6", "IpAddress", json!("10.0.0.0/40"), json!({"test:key": "10.0.0.1"}), Unknown),
        ("5.6", "IpAddress", json!(["10.0.0.0/40", "10.0.0.0/8"]), json!({"test:key": "10.0.0.1"}), Yes),
        ("5.6", "DateLessThan", json!("tomorrow"), json!({"test:key": "2026-01-01"}), Unknown),
        ("5.6", "Bool", json!("yes"), json!({"test:key": "true"}), Unknown),
        ("5.6", "BinaryEquals", json!("%"), json!({"test:key": "QQ=="}), Unknown),
        ("5.6", "StringResembles", json!("a"), json!({"test:key": "a"}), Unknown),
        ("5.6", "StringEquals", json!({"a": 1}), json!({"test:key": "a"}), Unknown),
        ("5.6", "StringEquals", json!([]), json!({"test:key": "a"}), Unknown),
        // A bare star takes whatever it is, so that only the key's presence could matter.
        ("5.6", "StringLike", json!("*"), json!({}), Unknown),
        ("5.6", "StringLikeIfExists", json!("*"), json!({}), Yes),
        ("5.6", "ForAllValues:StringLike", json!("*"), json!({}), Yes),
        ("5.6", "StringNotLike", json!("*"), json!({}), Unknown),
        ("5.6", "ForAnyValue:StringNotLike", json!("*"), json!({}), No),
        ("5.6", "ForAnyValue:StringLikeIfExists", json!("*"), json!({}), Unknown),
        // A time without a zone is UTC; what is in no documented form decides nothing.
        ("W3C", "DateLessThan", json!("2026-11-24T12:00:00"), json!({"test:key": "2026-11-24T06:00:00Z"}), Yes),
        ("W3C", "DateLessThan", json!("2026-11-24T12:00:00"), json!({"test:key": "2026-11-24T12:00:00Z"}), No),
        ("W3C", "DateLessThan", json!("2026-11-24T12:00"), json!({"test:key": "2026-11-24T12:59:59+01:00"}), Yes),
        ("W3C", "DateGreaterThan", json!("2026-11-24T12:00:00"), json!({"test:key": "1795521600"}), No),
        ("W3C", "DateGreaterThan", json!("2026-11-24T12:00:00"), json!({"test:key": "1795521601"}), Yes),
        ("W3C", "DateLessThan", json!("2026-11-24 12:00:00"), json!({"test:key": "2020-01-01"}), Unknown),
        ("W3C", "DateLessThanIfExists", json!("2026-11-24Z"), json!({"test:key": "2020-01-01"}), Unknown),
        ("W3C", "DateLessThan", json!(["soon", "2026-11"]), json!({"test:key": "2020-01-01"}), Yes),
        ("W3C", "DateNotEquals", json!("soon"), json!({"test:key": "2020-01-01"}), Unknown),
        // "a null dataset, such as an empty string" is to set operators as no key.
        ("null", "ForAllValues:StringEquals", json!("a"), json!({"test:key": ""}), Yes),
        ("null", "ForAllValues:StringEquals", json!("a"), json!({"test:key": ["", "b"]}), No),
        ("null", "ForAnyValue:StringEquals", json!("a"), json!({"test:key": ""}), No),
        ("null", "ForAnyValue:StringEquals", json!(""), json!({"test:key": ""}), Unknown),
        ("null", "StringEquals", json!(""), json!({"test:key": ""}), Yes),
        ("null", "StringLike", json!(""), json!({"test:key": "a"}), No),
        ("null", "StringLike", json!("*"), json!({"test:key": ""}), Yes),
        ("null", "Null", json!("true"), json!({"test:key": ""}), Unknown),
        ("null", "Null", json!("false"), json!({"test:key": ["", "a"]}), Yes),
        ("null", "NumericEquals", json!("0"), json!({"test:key": ""}), Unknown),
        // Booleans, numbers, and what stands on neither side as one.
        ("bool", "BoolIfExists", json!("true"), json!({"test:key": null}), Yes),
        ("bool", "BoolIfExists", json!("true"), json!({"test:key": "false"}), No),
        ("bool", "Bool", json!("${test:other}"), json!({"test:key": "true", "test:other": "true"}), Yes),
        ("bool", "Bool", json!("${test:other}"), json!({"test:key": "true", "test:other": "x"}), Unknown),
        ("number", "NumericEquals", json!("9007199254740993"), json!({"test:key": "9007199254740992"}), No),
        ("number", "NumericEquals", json!("1e3"), json!({"test:key": "1000"}), Unknown),
        ("number", "NumericEquals", json!("${test:other}"), json!({"test:key": "1", "test:other": "1"}), Unknown),
        ("binary", "BinaryEquals", json!("QmFzZTY0"), json!({"test:key": "Base64"}), Unknown),
        // An ARN operator on what is no ARN.
        ("arn", "ArnNotLike", json!("arn:aws:iam::1:role/a"), json!({"test:key": "role/a"}), Unknown),
        ("arn", "ArnNotEquals", json!("role/a"), json!({"test:key": arn}), Unknown),
        ("arn", "ArnLike", json!("arn:aws-us-gov:iam:*:role/*"), json!({"test:key": arn}), Unknown),
        ("arn", "ArnLike", json!("arn:aws-us-gov:iam::1111*:role/a?b/*"), json!({"test:key": arn}), Yes),
        ("arn", "ArnEquals", json!("arn:aws-us-gov:iam::111122223333:ROLE/a:b/c"), json!({"test:key": arn}), No),
        // Letters beyond ASCII.
        ("case", "StringEqualsIgnoreCase", json!("\u{212a}a"), json!({"test:key": "KA"}), Unknown),
        ("case", "StringNotEqualsIgnoreCase", json!("\u{17f}"), json!({"test:key": "s"}), Unknown),
        ("case", "StringEqualsIgnoreCase", json!("\u{fc}a"), json!({"test:key": "\u{fc}A"}), Yes),
    ] {
        assert_eq!(condition(operator, &wanted, &context), expected, "§{section} {operator} {wanted} {context}");
    }
}

#[test]
fn principals() {
    let aws = |arn: &str| json!({"AWS": arn});
    let root = "arn:aws:iam::111122223333:root";
    let other = "arn:aws:iam::999988887777:user/eve";
    let session = |name: &str| format!("arn:aws:sts::111122223333:assumed-role/deployer/{name}");
    for (section, named, caller, expected) in [
        ("5.2 star", json!("*"), aws(other), Yes),
        ("5.2 star", json!({"AWS": "*"}), aws(other), Yes),
        ("5.2 star", json!("*"), json!({"Service": "ec2.amazonaws.com"}), Yes),
        ("5.2 star", json!({"AWS": "*"}), json!({"Federated": PROVIDER}), Yes),
        ("5.2 account", aws(root), aws(USER), Unknown),
        ("5.2 account", aws("111122223333"), aws(SESSION), Unknown),
        ("5.2 account", aws(root), aws(other), No),
        ("5.2 account", aws("999988887777"), aws(USER), No),
        ("5.2 partition", aws("arn:aws-us-gov:iam::111122223333:root"), aws(USER), No),
        ("5.2 partition", aws("111122223333"), aws("arn:aws-us-gov:iam::111122223333:role/r"), Unknown),
        (
            "5.2 partition",
            aws("arn:aws-us-gov:iam::111122223333:role/r"),
            aws("arn:aws-us-gov:iam::111122223333:role/r"),
            Yes,
        ),
        ("5.2 partition", aws("arn:aws-cn:iam::111122223333:role/r"), aws("arn:aws:iam::111122223333:role/r"), No),
        ("5.2 role", aws(ROLE), aws(ROLE), Yes),
        ("5.2 role", aws(ROLE), aws(SESSION), Yes),
        ("5.2 role", aws(ROLE), aws("arn:aws:iam::111122223333:role/deployer"), No),
        ("5.2 role", aws(ROLE), aws("arn:aws:iam::111122223333:user/teams/blue/deployer"), No),
        ("5.2 user", aws(USER), aws(USER), Yes),
        ("5.2 user case", aws(USER), aws("arn:aws:iam::111122223333:user/ops/Ann"), No),
        ("5.2 session", aws(SESSION), aws(SESSION), Yes),
        ("5.2 session", aws(SESSION), aws(&session("kim")), No),
        ("5.2 session", aws(SESSION), aws("arn:aws:iam::111122223333:role/deployer"), Unknown),
        ("5.2 session", aws(SESSION), aws("arn:aws:iam::111122223333:role/other"), No),
        ("5.2 id", aws("AROAVO4L6LHEW4FGMS4CS"), aws(ROLE), No),
        ("5.2 id", aws("AIDAVO4L6LHEW4FGMS4CS"), aws(USER), No),
        (
            "5.2 federated user",
            aws("arn:aws:sts::111122223333:federated-user/f"),
            aws("arn:aws:sts::111122223333:federated-user/f"),
            Yes,
        ),
        ("5.2 wildcard", aws("arn:aws:iam::111122223333:role/teams/*"), aws(ROLE), No),
        ("5.2 wildcard", aws("arn:aws:iam::*:root"), aws(ROLE), No),
        ("5.2 group", aws("arn:aws:iam::111122223333:group/ops"), aws(USER), No),
        ("5.2 unheard of", aws("somebody"), aws(USER), Unknown),
        ("5.2 unheard of", aws("somebody"), json!({"Service": "ec2.amazonaws.com"}), No),
        ("5.2 service", json!({"Service": "ec2.amazonaws.com"}), json!({"Service": "ec2.amazonaws.com"}), Yes),
        (
            "5.2 service",
            json!({"Service": ["eks.amazonaws.com", "ec2.amazonaws.com"]}),
            json!({"Service": "ec2.amazonaws.com"}),
            Yes,
        ),
        (
            "5.2 service",
            json!({"Service": "eks.amazonaws.com"}),
            json!({"Service": "eks-fargate-pods.amazonaws.com"}),
            No,
        ),
        ("5.2 service", json!({"Service": "eks.amazonaws.com"}), json!({"Service": "pods.eks.amazonaws.com"}), No),
        ("5.2 service", json!({"Service": "*"}), json!({"Service": "ec2.amazonaws.com"}), No),
        ("5.2 service", json!({"Service": "ec2.amazonaws.com.cn"}), json!({"Service": "ec2.amazonaws.com"}), Unknown),
        (
            "5.2 service",
            json!({"Service": "ec2.eu-west-1.amazonaws.com"}),
            json!({"Service": "ec2.amazonaws.com"}),
            Unknown,
        ),
        ("5.2 oidc", json!({"Federated": PROVIDER}), json!({"Federated": PROVIDER}), Yes),
        ("1.4 case", json!({"Federated": PROVIDER.to_lowercase()}), json!({"Federated": PROVIDER}), No),
        ("5.2 oidc", json!({"AWS": PROVIDER}), json!({"Federated": PROVIDER}), No),
        (
            "5.2 saml",
            json!({"Federated": "arn:aws:iam::111122223333:saml-provider/p"}),
            json!({"Federated": "arn:aws:iam::111122223333:saml-provider/p"}),
            Yes,
        ),
        ("5.2 built in", json!({"Federated": "accounts.google.com"}), json!({"Federated": "accounts.google.com"}), Yes),
        ("5.2 built in", json!({"Federated": "*"}), json!({"Federated": "accounts.google.com"}), Unknown),
        ("5.2 types", json!({"Service": "ec2.amazonaws.com", "AWS": [ROLE, USER]}), aws(USER), Yes),
        ("5.2 types", json!({"Service": "ec2.amazonaws.com", "AWS": [ROLE, root]}), aws(USER), Unknown),
        ("5.2 none", json!({}), aws(USER), No),
        ("5.2 unheard of", json!({"Machine": "x"}), aws(USER), Unknown),
        ("5.2 unheard of", json!(["*"]), aws(USER), Unknown),
        ("5.2 unheard of", Value::Null, aws(USER), Unknown),
    ] {
        let statement = json!({"Effect": "Allow", "Principal": named, "Action": "*"});
        let asked = json!({"principal": caller, "action": "sts:AssumeRole"});
        assert_eq!(ask(&statement, &asked).verdict, expected, "§{section} {named} {caller}");
        // The same in a Deny that follows an Allow for everybody: delegation is no question there.
        let deny = json!([{"Effect": "Allow", "Principal": "*", "Action": "*"},
                          {"Effect": "Deny", "Principal": named, "Action": "*"}]);
        let account = matches!(section, "5.2 account" | "5.2 partition" | "5.2 types") && expected == Unknown;
        let mirrored = match expected {
            Unknown if !account => Unknown,
            Yes | Unknown => No,
            No => Yes,
        };
        assert_eq!(ask(&deny, &asked).verdict, mirrored, "§{section} Deny {named} {caller}");
    }
    // NotPrincipal, and no principal at all.
    for statement in [
        json!({"Effect": "Allow", "NotPrincipal": {"AWS": "*"}, "Action": "*"}),
        json!({"Effect": "Allow", "Action": "*"}),
    ] {
        assert_eq!(ask(&statement, &json!({"principal": aws(USER), "action": "sts:AssumeRole"})).verdict, Unknown);
    }
}

#[test]
fn actions() {
    for (section, element, wanted, action, expected) in [
        ("5.4", "Action", json!("sts:AssumeRole"), json!("sts:AssumeRole"), Yes),
        ("5.4 case", "Action", json!("STS:assumerole"), json!("sts:AssumeRole"), Yes),
        ("5.4 wildcard", "Action", json!("sts:*"), json!("sts:TagSession"), Yes),
        ("5.4 wildcard", "Action", json!("sts:AssumeRole*"), json!("sts:AssumeRoleWithWebIdentity"), Yes),
        ("5.4 wildcard", "Action", json!("*"), json!("sts:SetSourceIdentity"), Yes),
        ("1.6 #12", "Action", json!("sts:AssumeRole"), json!("sts:AssumeRoleWithWebIdentity"), No),
        ("5.4 list", "Action", json!(["sts:TagSession", "sts:AssumeRole"]), json!("sts:AssumeRole"), Yes),
        ("5.4", "NotAction", json!("sts:TagSession"), json!("sts:AssumeRole"), Yes),
        ("5.4", "NotAction", json!("sts:*"), json!("sts:AssumeRole"), No),
        ("5.4", "NotAction", json!(["sts:tagsession", "iam:*"]), json!("sts:TagSession"), No),
        ("5.4", "Action", json!({"a": 1}), json!("sts:AssumeRole"), Unknown),
        ("5.4 ?", "Action", json!("sts:AssumeRol?"), json!("sts:AssumeRole"), Yes),
        // "Action vendors must not contain wildcards": IAM refuses these, and they name nothing.
        ("vendor", "Action", json!("*:AssumeRole"), json!("sts:AssumeRole"), No),
        ("vendor", "Action", json!("s*:AssumeRole"), json!("sts:AssumeRole"), No),
        ("vendor", "Action", json!("?ts:*"), json!("sts:AssumeRole"), No),
        ("vendor", "Action", json!("*AssumeRole"), json!("sts:AssumeRole"), No),
        ("vendor", "Action", json!("AssumeRole"), json!("sts:AssumeRole"), No),
        ("vendor", "Action", json!("sts*"), json!("sts:AssumeRole"), No),
        ("vendor", "Action", json!(["*:AssumeRole", "sts:*"]), json!("sts:AssumeRole"), Yes),
        ("vendor", "NotAction", json!("*:AssumeRole"), json!("sts:AssumeRole"), Yes),
        ("vendor", "Action", json!("*:*"), json!("sts:AssumeRole"), Unknown),
        ("vendor", "NotAction", json!("*:*"), json!("sts:AssumeRole"), Unknown),
        ("vendor", "Action", json!("**"), json!("sts:AssumeRole"), Unknown),
        ("vendor", "Action", json!(["*:*", "*"]), json!("sts:AssumeRole"), Yes),
        ("5.4 ascii", "Action", json!("\u{17f}ts:AssumeRole"), json!("sts:AssumeRole"), No),
        ("5.4 none", "Action", json!([]), json!("sts:AssumeRole"), No),
        ("5.4 none", "NotAction", json!([]), json!("sts:AssumeRole"), Unknown),
        ("2.3 both", "Action", json!("sts:AssumeRole"), json!(["sts:AssumeRole", "sts:TagSession"]), No),
        (
            "2.3 both",
            "Action",
            json!(["sts:AssumeRole", "sts:TagSession"]),
            json!(["sts:AssumeRole", "sts:TagSession"]),
            Yes,
        ),
    ] {
        let statement = json!({"Effect": "Allow", "Principal": "*", element: wanted});
        let asked = json!({"principal": {"Service": "x.amazonaws.com"}, "action": action});
        assert_eq!(ask(&statement, &asked).verdict, expected, "§{section} {element} {wanted} {action}");
    }
}

#[test]
fn a_deny_wins_and_what_is_open_in_it_holds_back() {
    let allow = json!({"Effect": "Allow", "Principal": "*", "Action": "*"});
    let deny = |condition: Value| json!({"Sid": "No", "Effect": "Deny", "Principal": "*", "Action": "*", "Condition": condition});
    let own = json!({"aws:SourceAccount": "111122223333"});
    let strange = json!({"aws:SourceAccount": "999988887777"});
    let none = json!({"aws:SourceAccount": null});
    let open = json!({});
    let only = json!({"StringNotEquals": {"aws:SourceAccount": "111122223333"}});
    let equals = json!({"StringEquals": {"aws:SourceAccount": "999988887777"}});
    for (section, statement, context, expected) in [
        ("5.3 negated", deny(only.clone()), &own, Yes),
        ("5.3 negated", deny(only.clone()), &strange, No),
        ("5.3 missing key", deny(only.clone()), &none, No),
        ("5.6", deny(only.clone()), &open, Unknown),
        ("5.3", deny(equals.clone()), &own, Yes),
        ("5.3", deny(equals.clone()), &strange, No),
        ("5.3 missing key", deny(equals.clone()), &none, Yes),
        ("5.6", deny(equals.clone()), &open, Unknown),
        ("5.6 operator", deny(json!({"StringSounds": {"a:b": "c"}})), &own, Unknown),
        ("5.6 condition", deny(json!("x")), &own, Unknown),
        ("5.2 NotPrincipal", json!({"Effect": "Deny", "NotPrincipal": {"AWS": "*"}, "Action": "*"}), &own, Unknown),
        ("5.2 NotPrincipal", json!({"Effect": "Deny", "NotPrincipal": {"AWS": "*"}, "Action": "iam:*"}), &own, Yes),
        ("5.6 statement", json!("Deny"), &own, Unknown),
        ("5.6 element", json!({"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}), &own, Unknown),
        ("5.6 effect", json!({"Effect": "deny", "Principal": "*", "Action": "*"}), &own, Unknown),
        ("5.6 effect", json!({"Effect": "deny", "Principal": "*", "Action": "iam:*"}), &own, Yes),
    ] {
        let asked =
            json!({"principal": {"Service": "x.amazonaws.com"}, "action": "sts:AssumeRole", "context": context});
        for statements in [json!([allow, statement]), json!([statement, allow])] {
            assert_eq!(ask(&statements, &asked).verdict, expected, "§{section} {statement} {context}");
        }
        // Without the Allow it is no, whatever the Deny: unless what it is cannot be made out at all.
        let alone = ask(&json!([statement]), &asked).verdict;
        let effect = statement.get("Effect");
        assert_eq!(alone == No, effect == Some(&json!("Deny")) || expected == Yes, "§{section} {statement} alone");
    }
    let asked = json!({"principal": {"Service": "x.amazonaws.com"}, "action": "sts:AssumeRole", "context": strange});
    let verdict = ask(&json!([allow, deny(only)]), &asked);
    let clause = verdict.clause.unwrap();
    assert_eq!((clause.statement.index, clause.statement.sid.as_deref()), (1, Some("No")));
    assert_eq!((clause.operator.as_str(), clause.key.as_str()), ("StringNotEquals", "aws:SourceAccount"));
    assert!(verdict.because.starts_with("Statement[1] \"No\" denies sts:AssumeRole"), "{}", verdict.because);
}

#[test]
fn an_allow_that_cannot_apply_hides_no_clear_answer() {
    let service = json!({"Service": "ec2.amazonaws.com"});
    let asked = json!({"principal": service, "action": "sts:AssumeRole"});
    let open = json!({"Effect": "Allow", "Principal": service, "Action": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}});
    let other =
        json!({"Effect": "Allow", "Principal": {"Service": "x"}, "Action": "*", "Condition": {"Odd": {"a": "b"}}});
    let plain = json!({"Effect": "Allow", "Principal": service, "Action": "*"});
    for (section, statements, expected) in [
        ("5.6", json!([open, plain]), Yes),
        ("5.6", json!([open]), Unknown),
        ("5.6", json!([other]), No),
        ("5.6", json!([other, open]), Unknown),
        ("5.1", json!([]), No),
    ] {
        assert_eq!(ask(&statements, &asked).verdict, expected, "§{section} {statements}");
    }
    let verdict = ask(&json!([other, open]), &asked);
    assert!(verdict.because.contains("aws:MultiFactorAuthPresent, which is not known"), "{}", verdict.because);
    assert_eq!(verdict.clause.unwrap().got, Got::Unknown);
}

#[test]
fn the_nearest_statement_is_the_one_with_the_fewest_failing_parts() {
    let near = |sid: &str, service: &str, action: &str, value: &str| {
        json!({"Sid": sid, "Effect": "Allow", "Principal": {"Service": service}, "Action": action,
               "Condition": {"StringEquals": {"k:a": value, "k:b": "2"}}})
    };
    let asked = json!({"principal": {"Service": "a"}, "action": "sts:AssumeRole", "context": {"k:a": "1", "k:b": "2"}});
    for (statements, sid, operator, key) in [
        (json!([near("three", "b", "sts:X", "9"), near("one", "a", "sts:*", "9")]), "one", "StringEquals", "k:a"),
        (json!([near("who", "b", "sts:*", "1"), near("what", "a", "sts:*", "9")]), "what", "StringEquals", "k:a"),
        (json!([near("who", "b", "sts:*", "1"), near("do", "a", "sts:X", "1")]), "do", "Action", "Action"),
        (json!([near("who", "b", "sts:*", "1"), near("both", "a", "sts:X", "9")]), "who", "Principal", "Service"),
        (json!([near("first", "a", "sts:*", "8"), near("second", "a", "sts:*", "9")]), "first", "StringEquals", "k:a"),
    ] {
        let verdict = ask(&statements, &asked);
        let clause = verdict.clause.unwrap();
        assert_eq!(verdict.verdict, No);
        assert_eq!(
            (clause.statement.sid.as_deref(), clause.operator.as_str(), clause.key.as_str()),
            (Some(sid), operator, key)
        );
    }
}
