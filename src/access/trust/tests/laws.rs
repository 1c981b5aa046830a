//! Laws that hold for any document and any request.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::super::{Document, Request, evaluate, outcome};
use super::{PROVIDER, SESSION, USER, policy, request};
use crate::access::Verdict::Unknown;

/// Parts of statements, of which the laws make documents.
fn statements() -> impl Strategy<Value = Value> {
    let effect = select(vec![json!("Allow"), json!("Allow"), json!("Deny"), json!("deny")]);
    let principal = select(vec![
        json!("*"),
        json!({"AWS": USER}),
        json!({"AWS": "111122223333"}),
        json!({"AWS": "somebody"}),
        json!({"Service": "ec2.amazonaws.com"}),
        json!({"Federated": PROVIDER}),
        Value::Null,
    ]);
    let action = select(vec![json!("sts:*"), json!("sts:AssumeRole"), json!(["sts:TagSession"]), json!({"x": 1})]);
    let operator = select(vec![
        "StringEquals",
        "StringNotEquals",
        "StringLike",
        "StringLikeIfExists",
        "Null",
        "Bool",
        "NumericLessThan",
        "ForAllValues:StringEquals",
        "ForAnyValue:StringNotEquals",
        "ArnLike",
        "Strange",
        "StringNotLike",
        "IpAddress",
    ]);
    let key = select(vec!["k:a", "k:b", "aws:username", "aws:RequestTag/x"]);
    let wanted = select(vec![
        json!("1"),
        json!("*"),
        json!("true"),
        json!(["1", "2"]),
        json!("${k:b}"),
        json!([]),
        json!("arn:*"),
        json!("${k:a, '1'}"),
    ]);
    let conditions = prop::collection::vec((operator, key, wanted), 0..3);
    (effect, principal, action, conditions).prop_map(|(effect, principal, action, conditions)| {
        let mut out = json!({"Effect": effect, "Principal": principal, "Action": action, "Condition": {}});
        for (operator, key, wanted) in conditions {
            out["Condition"][operator][key] = wanted;
        }
        out
    })
}

fn requests() -> impl Strategy<Value = Request> {
    let caller = select(vec![
        json!({"AWS": USER}),
        json!({"AWS": SESSION}),
        json!({"Service": "ec2.amazonaws.com"}),
        json!({"Federated": PROVIDER}),
    ]);
    let value =
        || select(vec![None, Some(json!(null)), Some(json!("1")), Some(json!("true")), Some(json!(["1", "3"]))]);
    let action = select(vec![json!("sts:AssumeRole"), json!(["sts:AssumeRole", "sts:TagSession"])]);
    (caller, action, value(), value(), value()).prop_map(|(caller, action, a, b, tag)| {
        let mut context = json!({});
        for (key, value) in [("k:a", a), ("k:b", b), ("aws:RequestTag/x", tag)] {
            if let Some(value) = value {
                context[key] = value;
            }
        }
        request(&json!({"principal": caller, "action": action, "context": context}))
    })
}

fn any_json() -> impl Strategy<Value = Value> {
    let word = select(vec![
        "Statement",
        "Effect",
        "Allow",
        "Deny",
        "Principal",
        "AWS",
        "*",
        "Action",
        "Condition",
        "StringEquals",
        "Null",
        "x",
        "${a}",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..5)
                .prop_map(|all| Value::Object(all.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())),
        ]
    })
}

fn with(all: &[Value], more: Value, at: usize) -> Document {
    let mut all = all.to_vec();
    all.insert(at.min(all.len()), more);
    policy(&Value::Array(all))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn no_json_makes_it_panic(any in any_json(), request in requests()) {
        for value in [any.clone(), json!({"Statement": any})] {
            if let Ok(document) = Document::from_value(&value) {
                let verdict = evaluate(&document, &request);
                prop_assert_eq!(verdict.verdict, outcome(&document, &request));
            }
            let _ = Document::parse(&value.to_string());
            let _ = Request::parse(&value.to_string());
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}") {
        let _ = (Document::parse(&text), Request::parse(&text));
        let document = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": &text}, "Action": &text,
            "Condition": {&text: {&text: &text}, "ArnLike": {"a": &text}, "DateEquals": {"a": &text}, "IpAddress": {"a": &text}}}});
        let asked = json!({"principal": {"Service": &text}, "action": &text, "context": {"a": &text}});
        let _ = evaluate(&Document::from_value(&document).unwrap(), &request(&asked));
    }

    #[test]
    fn a_deny_more_never_allows(all in prop::collection::vec(statements(), 0..4), more in statements(), at in 0usize..4, request in requests()) {
        let mut more = more;
        more["Effect"] = json!("Deny");
        let before = outcome(&policy(&Value::Array(all.clone())), &request);
        let after = outcome(&with(&all, more, at), &request);
        prop_assert!(after <= before, "{before:?} became {after:?}");
    }

    #[test]
    fn an_allow_more_never_takes(all in prop::collection::vec(statements(), 0..4), more in statements(), at in 0usize..4, request in requests()) {
        let mut more = more;
        more["Effect"] = json!("Allow");
        let before = outcome(&policy(&Value::Array(all.clone())), &request);
        let after = outcome(&with(&all, more, at), &request);
        prop_assert!(after >= before, "{before:?} became {after:?}");
    }

    #[test]
    fn a_key_that_nobody_tells_of_never_turns_an_answer(all in prop::collection::vec(statements(), 0..5), request in requests(), which: prop::sample::Index) {
        let keys: Vec<String> = request.keys().map(str::to_owned).collect();
        prop_assume!(!keys.is_empty());
        let document = policy(&Value::Array(all));
        let before = outcome(&document, &request);
        prop_assert_eq!(evaluate(&document, &request).verdict, before, "with reasons and without");
        let after = outcome(&document, &request.forgetting(which.get::<String>(&keys)));
        prop_assert!(after == before || after == Unknown, "{before:?} became {after:?}");
    }
}
