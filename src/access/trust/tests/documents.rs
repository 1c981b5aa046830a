//! Documents and requests as they come: forgiven, noted, or refused with the place.

use serde_json::{Value, json};

use super::super::{Document, Request, evaluate, outcome};
use super::{HOST, PROVIDER, ask, request};
use crate::access::Verdict::{Unknown, Yes};

#[test]
fn documents_of_many_shapes() {
    let plain = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole", "Condition": {"Bool": {"test:Key": true}, "NumericEquals": {"test:N": 5}}}]})
    .to_string();
    let encode = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    let asked = request(&json!({"principal": {"Service": "ec2.amazonaws.com"}, "action": "sts:AssumeRole",
                               "context": {"test:key": "true", "test:n": "5"}}));
    let single = plain.replace(['[', ']'], "");
    let role = format!("{{\"Role\": {{\"RoleName\": \"r\", \"AssumeRolePolicyDocument\": {plain}}}}}");
    let row = format!("{{\"AssumeRolePolicyDocument\": {:?}}}", encode(&plain));
    let long = plain.replace("\"Statement\"", &format!("\"Id\": \"{}\", \"Statement\"", "x".repeat(20_000)));
    for text in [
        &plain,
        &encode(&plain),
        &encode(&encode(&plain)),
        &format!("\u{feff} {plain}\n"),
        &format!("{plain:?}"),
        &single,
        &role,
        &row,
        &long,
    ] {
        let document = Document::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(outcome(&document, &asked), Yes, "{text}");
        assert_eq!(Document::from_value(&Value::String(text.clone())), Ok(document));
    }
    for (text, said) in [
        ("", "line 1, column 0: it is not JSON"),
        ("Statement: []", "it is not JSON"),
        ("{\"Statement\": [}", "line 1, column 16: it is not JSON"),
        ("{\n \"Statement\": [],\n", "line 3"),
        ("{\"Statement\": []} x", "it is not JSON: trailing"),
        ("[]", "there is a list"),
        ("7", "there is a number"),
        ("{}", "Statement: there is none"),
        ("{\"Statement\": 7}", "Statement: expected a list of statements, and there is a number"),
        ("%7B%2", "an escape in it is broken"),
        ("%7B%22", "it is not JSON"),
        ("\"\\\"x\\\"\"", "it is not JSON"),
    ] {
        let error = Document::parse(text).unwrap_err().to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
}

#[test]
fn what_stands_there_twice_or_has_no_place_makes_the_answer_open() {
    let asked = request(&json!({"principal": {"Service": "a"}, "action": "sts:AssumeRole", "context": {"k": "v"}}));
    let allow = r#""Effect": "Allow", "Principal": {"Service": "a"}, "Action": "*""#;
    for (text, expected, said) in [
        (format!(r#"{{"Statement": [{{{allow}, "Action": "*"}}]}}"#), Yes, ""),
        (
            format!(r#"{{"Statement": [{{{allow}, "Action": "sts:*"}}]}}"#),
            Unknown,
            "Statement[0].Action stands there twice",
        ),
        (
            format!(
                r#"{{"Statement": {{{allow}, "Condition": {{"StringEquals": {{"k": "w"}}, "StringEquals": {{"k": "v"}}}}}}}}"#
            ),
            Unknown,
            "Statement.Condition.StringEquals stands there twice",
        ),
        (format!(r#"{{"Statement": [], "Statement": [{{{allow}}}]}}"#), Unknown, "Statement stands there twice"),
        (format!(r#"{{"Version": "2011-01-01", "Statement": [{{{allow}}}]}}"#), Unknown, "Version"),
        (format!(r#"{{"Statement": [{{{allow}}}], "Statement": []}}"#), Unknown, "Statement stands there twice"),
        (
            format!(
                r#"{{"Statement": [{{{allow}}}, {{"Effect": "Deny", "Principal": "*", "Action": "*", "Action": "iam:*"}}]}}"#
            ),
            Unknown,
            "Statement[1].Action stands there twice",
        ),
        (
            format!(
                r#"{{"Statement": [{{{allow}}}, {{"Effect": "Deny", "Principal": "*", "Action": "*", "Condition": {{}}, "Condition": {{"Null": {{"k": true}}}}}}]}}"#
            ),
            Unknown,
            "Statement[1].Condition stands there twice",
        ),
        (format!(r#"{{"Id": "a", "Id": "b", "Statement": [{{{allow}, "Sid": "a", "Sid": "b"}}]}}"#), Yes, ""),
        (format!(r#"{{"Version": "2008-10-17", "Id": "x", "Statement": [{{{allow}}}]}}"#), Yes, ""),
        (format!(r#"{{"Comment": "x", "Statement": [{{{allow}}}]}}"#), Unknown, "Comment is no element"),
        (format!(r#"{{"Statement": [{{{allow}, "Resource": "*"}}]}}"#), Unknown, "Resource has no place"),
        (format!(r#"{{"Statement": [{{{allow}, "NotAction": "iam:*"}}]}}"#), Unknown, "both Action and NotAction"),
        (format!(r#"{{"Statement": [{{{allow}, "Sid": 7}}, 8, null]}}"#), Unknown, "where an object is expected"),
    ] {
        let verdict = evaluate(&Document::parse(&text).unwrap(), &asked);
        assert_eq!(verdict.verdict, expected, "{text}: {}", verdict.because);
        assert!(verdict.because.contains(said), "{text}: {}", verdict.because);
    }
}

#[test]
fn requests_from_files() {
    for (text, said) in [
        ("", "line 1"),
        ("{", "line 1"),
        ("{\"principal\": {\"Service\": \"a\"}}", "missing field `action`"),
        ("{\"action\": \"sts:AssumeRole\"}", "missing field `principal`"),
        ("{\"principal\": {\"Machine\": \"a\"}, \"action\": \"x\"}", "principal"),
        ("{\"principal\": {\"AWS\": \"arn:aws:iam::1:role/x\"}, \"action\": \"x\"}", "twelve digits"),
        ("{\"principal\": \"*\", \"action\": \"x\"}", "principal"),
        ("{\"principal\": {\"Service\": \"a\"}, \"action\": []}", "name the action"),
        ("{\"principal\": {\"Service\": \"a\"}, \"action\": \"x\", \"contexts\": {}}", "contexts"),
        ("{\"principal\": {\"Service\": \"a\"},\n \"action\": \"x\",\n \"context\": {\"a\": {}}}", "line 3"),
        ("{\"principal\": {\"Service\": \"a\"}, \"action\": \"x\", \"context\": {\"a\": {}}}", "context.a"),
        ("{\"principal\": {\"Service\": \"a\"}, \"action\": \"x\", \"context\": {\"a\": 1, \"A\": 2}}", "given twice"),
        ("{\"principal\": {\"Service\": \"a\"}, \"action\": \"x\"} y", "trailing"),
    ] {
        let error = Request::parse(text).unwrap_err().to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
    // What the kind of request fixes is absent where it is not listed; all else is not known.
    let allow = |condition: Value| json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": condition});
    let web = json!({"principal": {"Federated": PROVIDER}, "action": "sts:AssumeRoleWithWebIdentity"});
    let pod =
        json!({"principal": {"Service": "pods.eks.amazonaws.com"}, "action": ["sts:AssumeRole", "sts:TagSession"]});
    let ec2 = json!({"principal": {"Service": "ec2.amazonaws.com"}, "action": "sts:AssumeRole"});
    let google = json!({"principal": {"Federated": "accounts.google.com"}, "action": "sts:AssumeRoleWithWebIdentity"});
    for (asked, key, expected) in [
        (&web, format!("{HOST}:sub"), Yes),
        (&web, format!("{HOST}:amr"), Yes),
        (&web, "aws:SourceIp".to_owned(), Unknown),
        (&web, "aws:MultiFactorAuthPresent".to_owned(), Unknown),
        (&google, "accounts.google.com:sub".to_owned(), Yes),
        (&pod, "aws:RequestTag/kubernetes-pod-uid".to_owned(), Yes),
        (&pod, "aws:TagKeys".to_owned(), Yes),
        (&pod, "aws:PrincipalOrgID".to_owned(), Unknown),
        (&ec2, "aws:RequestTag/kubernetes-pod-uid".to_owned(), Unknown),
    ] {
        assert_eq!(ask(&allow(json!({"Null": {&key: "true"}})), asked).verdict, expected, "{key} {asked}");
    }
}
