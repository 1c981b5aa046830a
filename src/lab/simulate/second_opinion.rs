//! The law that two evaluators of IAM statements agree: the lab's own, and the program's engine (`access::iam`).
//!
//! They share no code but the matching of wildcards. Where the engine gives a definite answer, the lab gives the same; what
//! the engine leaves unknown, and what the lab does not evaluate, decides nothing.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::super::policy::{Decision, decide_document};
use super::{Asked, Policies, Policy, simulate};
use crate::access::Verdict;
use crate::access::iam::{ActionDecision, Bar, PolicyDecision, PolicyOwner, PolicyReader, Request};
use crate::model::role::{InlinePolicy, RoleDetail};
use crate::model::snapshot::IamFacts;

const KEYS: [&str; 3] = ["k:a", "k:b", "aws:PrincipalTag/Team"];
const ROLE: &str = "arn:aws:iam::111122223333:role/x";

/// How many policies are tried: more where the environment says so.
fn cases() -> u32 {
    std::env::var("EKSPLORER_IAM_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(2_500)
}

fn one_or_list(all: Vec<&'static str>) -> Value {
    match all.as_slice() {
        [one] => json!(one),
        more => json!(more),
    }
}

fn some_of(all: &'static [&'static str]) -> impl Strategy<Value = Value> {
    subsequence(all.to_vec(), 1..=2).prop_map(one_or_list)
}

fn condition() -> impl Strategy<Value = Value> {
    const OPERATORS: [&str; 17] = [
        "StringEquals",
        "StringNotEquals",
        "StringEqualsIfExists",
        "StringNotEqualsIfExists",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
        "StringLike",
        "StringNotLike",
        "StringLikeIfExists",
        "Bool",
        "BoolIfExists",
        "Null",
        "ArnLike",
        "ArnEquals",
        "ArnNotLike",
        "ArnNotEqualsIfExists",
        "NumericLessThan",
    ];
    const VALUES: &[&str] =
        &["a", "A", "b", "a*", "?", "*", "true", "false", ROLE, "arn:aws:iam::*:role/x", "arn:*:role/x"];
    let key = select(vec!["k:a", "K:A", "k:b", "aws:principaltag/team"]);
    prop::collection::vec((select(OPERATORS.to_vec()), key, some_of(VALUES)), 0..3).prop_map(|all| {
        let mut out = json!({});
        for (operator, key, values) in all {
            out[operator][key] = values;
        }
        out
    })
}

fn statement() -> impl Strategy<Value = Value> {
    const ACTIONS: &[&str] =
        &["*", "s3:*", "s3:Get*", "S3:getobject", "s3:GetObjec?", "sts:AssumeRole", "sts:*", "eks-auth:*", "s3:Put*"];
    const RESOURCES: &[&str] =
        &["*", "arn:aws:s3:::logs/*", "arn:aws:s3:::logs/a", "arn:aws:s3:::l?gs/a", "arn:aws:iam::*:role/*", "arn:*"];
    let effect = select(vec!["Allow", "Allow", "Deny"]);
    let names = (any::<bool>(), some_of(ACTIONS), prop::bool::weighted(0.8), some_of(RESOURCES));
    (effect, names, condition()).prop_map(|(effect, (plain, actions, own, resources), condition)| {
        let action = if plain { "Action" } else { "NotAction" };
        let resource = if own { "Resource" } else { "NotResource" };
        let mut out = json!({"Effect": effect, action: actions, resource: resources});
        if condition != json!({}) {
            out["Condition"] = condition;
        }
        out
    })
}

fn policies() -> impl Strategy<Value = Vec<Value>> {
    let document = prop::collection::vec(statement(), 0..4).prop_map(|all| match all.as_slice() {
        [one] => json!({"Statement": one}),
        _ => json!({"Version": "2012-10-17", "Statement": all}),
    });
    prop::collection::vec(document, 1..3)
}

type Context = Vec<(String, Vec<String>)>;

fn request() -> impl Strategy<Value = (&'static str, &'static str, Context)> {
    let action = select(vec!["s3:GetObject", "s3:PutObject", "sts:AssumeRole", "eks-auth:AssumeRoleForPodIdentity"]);
    let resource = select(vec!["*", "arn:aws:s3:::logs/a", "arn:aws:s3:::other/a", ROLE]);
    let value = || prop::option::of(select(vec!["a", "A", "b", "true", "false", ROLE]));
    (action, resource, [value(), value(), value()]).prop_map(|(action, resource, values)| {
        let told = KEYS.iter().zip(values);
        let context = told.filter_map(|(key, value)| Some(((*key).to_owned(), vec![value?.to_owned()])));
        (action, resource, context.collect())
    })
}

/// The role with these policies, and a request of which all is known.
fn engine_verdict(documents: &[Value], action: &str, resource: &str, context: &Context) -> PolicyDecision {
    let inline = |(at, document): (usize, &Value)| InlinePolicy {
        policy_name: format!("p{at}"),
        policy_document: Some(document.clone()),
    };
    let role = RoleDetail {
        arn: ROLE.to_owned(),
        role_policy_list: documents.iter().enumerate().map(inline).collect(),
        ..RoleDetail::default()
    };
    let iam = IamFacts::default();
    let reader = PolicyReader::new(&iam);
    let mut request = Request::iam(ROLE).unwrap();
    for key in KEYS {
        request = request.without(key);
    }
    for (key, values) in context {
        request = request.with(key, values.clone());
    }
    PolicyOwner::role(&role, &reader).with_request(request).decide(action, resource)
}

#[test]
fn the_engine_and_the_lab_agree_on_policies_and_requests() {
    let (agreed, open) = (Cell::new(0_u32), Cell::new(0_u32));
    let mut runner = TestRunner::new(Config { cases: cases(), failure_persistence: None, ..Config::default() });
    let law = runner.run(&(policies(), request()), |(documents, (action, resource, context))| {
        let lab = Policies {
            all: documents.iter().map(|it| Policy { name: "p".into(), document: Some(it.clone()) }).collect(),
            boundary: None,
        };
        let Ok(simulated) = simulate(&lab, Asked { action, resource, context: &context }) else { return Ok(()) };
        let engine = engine_verdict(&documents, action, resource, &context);
        let own = match engine.allows.verdict {
            Verdict::Yes => "allowed",
            Verdict::No if engine.allows.is_denied => "explicitDeny",
            // Nothing allows it, and something may deny it besides.
            Verdict::No if engine.bar != Bar::None && simulated.decision == "explicitDeny" => return Ok(()),
            Verdict::No => "implicitDeny",
            Verdict::Unknown => {
                open.set(open.get() + 1);
                return Ok(());
            }
        };
        prop_assert_eq!(own, simulated.decision);
        agreed.set(agreed.get() + 1);
        Ok(())
    });

    assert_eq!(law, Ok(()));
    // Unknown for all would agree with anything.
    assert!(agreed.get() > cases() / 3 && agreed.get() > open.get(), "{} agree of {}", agreed.get(), cases());
}

/// `lab::policy` looks at actions alone: on policies of every resource without conditions it is a third opinion.
#[test]
fn the_engine_and_the_lab_agree_on_actions() {
    let mut runner = TestRunner::new(Config { cases: cases(), failure_persistence: None, ..Config::default() });
    let law = runner.run(&(policies(), request()), |(mut documents, (action, _, context))| {
        for document in &mut documents {
            let statements = match &mut document["Statement"] {
                Value::Array(all) => all.as_mut_slice(),
                one => std::slice::from_mut(one),
            };
            for statement in statements.iter_mut().filter_map(Value::as_object_mut) {
                statement.retain(|name, _| !matches!(name.as_str(), "Condition" | "NotResource"));
                statement.insert("Resource".to_owned(), json!("*"));
            }
        }
        for document in &documents {
            let own = engine_verdict(std::slice::from_ref(document), action, "*", &context).allows;
            let lab = decide_document(document, action);
            let same = match lab {
                Decision::Allowed => own == ActionDecision::allowed(),
                Decision::Denied => own.is_denied,
                Decision::NotAllowed => own == ActionDecision::not_allowed(),
            };
            prop_assert!(same, "{document} {action}: {own:?}, and the lab says {lab:?}");
        }
        Ok(())
    });
    assert_eq!(law, Ok(()));
}
