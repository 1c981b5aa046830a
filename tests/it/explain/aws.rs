//! Refusals by IAM, held against the policies of the demo world and of roles that are put into it.

use std::sync::Arc;

use eksplorer::access::Verdict;
use eksplorer::access::explain::{Explanation, StepName, StepState};
use eksplorer::model::role::RoleDetail;
use eksplorer::model::snapshot::{Section, Snapshot};
use eksplorer::model::time::Time;
use serde_json::{Value, json};

use super::{ACME, explain_on, session};

fn now() -> Time {
    Time::from_epoch(1_763_964_000.0).expect("a time")
}

fn role(name: &str, trust: Option<Value>, inline: &Value) -> RoleDetail {
    let mut detail = json!({
        "RoleName": name,
        "Arn": format!("arn:aws:iam::111122223333:role/{name}"),
        "RolePolicyList": [{"PolicyName": "own", "PolicyDocument": inline}],
    });
    if let Some(trust) = trust {
        detail["AssumeRolePolicyDocument"] = trust;
    }
    serde_json::from_value(detail).expect("a role")
}

fn allow(action: &str, resource: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]})
}

/// The demo world with these roles beside its own.
fn world(roles: Vec<RoleDetail>) -> Snapshot {
    let mut snapshot = (*ACME).clone();
    let iam = Arc::make_mut(&mut snapshot.iam);
    let mut all = iam.roles.items().to_vec();
    all.extend(roles);
    iam.roles = Section::known(all, now());
    snapshot
}

fn runner() -> RoleDetail {
    role("runner", None, &allow("logs:PutLogEvents", "*"))
}

/// The trust policy of `automation`, with these statements.
fn automation(statements: Value) -> Vec<RoleDetail> {
    let trust = json!({"Version": "2012-10-17", "Statement": statements});
    vec![runner(), role("automation", Some(trust), &allow("s3:GetObject", "*"))]
}

fn trusts(action: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/runner"}, "Action": action})
}

fn refused(action: &str) -> String {
    let user = session("runner", "eks-reef-runner-0-77");
    format!(
        "User: {user} is not authorized to perform: {action} on resource: arn:aws:iam::111122223333:role/automation"
    )
}

fn on(roles: Vec<RoleDetail>, text: &str) -> Explanation {
    explain_on(&world(roles), "prod-eu1", text).explained.explanation
}

/// terrapod#1546: a role chain whose target lets the first role assume it, and not tag the session.
#[test]
fn a_call_that_assumes_a_role_is_judged_by_the_roles_trust_policy() {
    let it = on(automation(json!([trusts("sts:AssumeRole")])), &refused("sts:TagSession"));
    assert_eq!((it.verdict, it.cause().map(|it| it.name)), (Verdict::No, Some(StepName::Trust)));
    assert!(it.answer.contains("the trust policy of role automation"), "{}", it.answer);
    assert!(
        it.closest_statement.as_ref().is_some_and(|it| it.starts_with("Statement[0]")),
        "{:?}",
        it.closest_statement
    );
    let least = it.least.expect("a statement");
    assert_eq!(
        (least.policy.as_str(), &least.statement),
        ("the trust policy of role automation", &trusts("sts:TagSession"))
    );
    // With it, the refusal does not hold any more.
    let mended = json!([trusts("sts:AssumeRole"), least.statement]);
    let it = on(automation(mended), &refused("sts:TagSession"));
    assert_eq!((it.verdict, it.least), (Verdict::Yes, None));
    // Each of the four calls is asked for by itself.
    for action in ["sts:TagSession", "sts:SetSourceIdentity", "sts:AssumeRole"] {
        let it = on(automation(json!([trusts("sts:AssumeRole*")])), &refused(action));
        assert_eq!(it.verdict == Verdict::Yes, action == "sts:AssumeRole", "{action}: {}", it.answer);
    }
}

#[test]
fn what_a_statement_does_not_help_with_gets_none() {
    let deny = json!({"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:TagSession"});
    let it = on(automation(json!([trusts("sts:AssumeRole"), deny])), &refused("sts:TagSession"));
    assert_eq!((it.verdict, it.least), (Verdict::No, None));
    // A trust policy that was not read.
    let unread = vec![runner(), role("automation", None, &allow("s3:GetObject", "*"))];
    let it = on(unread, &refused("sts:TagSession"));
    assert_eq!((it.verdict, it.least, it.closest_statement), (Verdict::Unknown, None, None));
    // No such role, and no such caller.
    let it = on(vec![runner()], &refused("sts:AssumeRole"));
    assert!(it.verdict == Verdict::No && it.answer.contains("has no role automation"), "{}", it.answer);
    let it = on(Vec::new(), &refused("sts:AssumeRole"));
    assert!(it.verdict == Verdict::No && it.answer.contains("no role runner"), "{}", it.answer);
}

#[test]
fn every_other_call_is_judged_by_the_callers_own_policies() {
    let call = |action: &str, because: &str| {
        let user = session("runner", "x");
        on(
            vec![runner()],
            &format!("User: {user} is not authorized to perform: {action} on resource: arn:aws:s3:::b/k{because}"),
        )
    };
    let it = call("s3:GetObject", "");
    assert_eq!((it.verdict, it.cause().map(|it| it.name)), (Verdict::No, Some(StepName::Iam)));
    let least = it.least.expect("a statement");
    assert_eq!(least.statement, json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/k"}));
    // Its policies allow it today: what else may refuse is known only where AWS says that it was they.
    let it = call("logs:PutLogEvents", " because no identity-based policy allows the logs:PutLogEvents action");
    assert_eq!((it.verdict, it.least), (Verdict::Yes, None));
    let it = call("logs:PutLogEvents", "");
    assert_eq!(it.verdict, Verdict::Unknown, "{}", it.answer);
    let it = call("logs:PutLogEvents", " with an explicit deny in a service control policy");
    assert!(it.verdict == Verdict::No && it.answer.contains("service control policy"), "{}", it.answer);
}

/// external-dns and the like without a role of their own (eksctl-io/eksctl#427).
#[test]
fn a_node_role_session_lists_the_pods_of_that_node_that_have_nothing_of_their_own() {
    let facts = ACME.cluster(&super::id("prod-eu1"));
    let group = facts.nodegroups.items().iter().find(|it| it.nodegroup_name == "general").expect("the group");
    let arn = group.node_role.clone().expect("its role");
    let name = arn.rsplit('/').next().expect("a name");
    let user = session(name, "i-01a2b3c4d5e6f7081");
    let it = explain_on(
        &ACME,
        "prod-eu1",
        &format!("AccessDenied: User: {user} is not authorized to perform: route53:ListHostedZones"),
    );
    let notes = it.notes.join("\n");
    assert!(notes.contains("is node ip-10-20-11-12.eu-west-1.compute.internal"), "{notes}");
    assert!(notes.contains("nothing of their own: ") || notes.contains("has an identity of its own"), "{notes}");
    assert!(notes.contains("rather than widening the node's role"), "{notes}");
    // A session that no instance has.
    let it = explain_on(
        &ACME,
        "prod-eu1",
        &format!("User: {} is not authorized to perform: route53:ListHostedZones", session(name, "jane")),
    );
    assert!(!it.notes.join("\n").contains("instance's metadata"), "{:?}", it.notes);
}

#[test]
fn tokens_are_judged_by_service_account_and_only_the_one_that_is_named_is_meant() {
    let bare =
        explain_on(&ACME, "prod-eu1", "Not authorized to perform sts:AssumeRoleWithWebIdentity\n\tstatus code: 403");
    assert!(bare.answer.contains("the trust policy of the role"), "{}", bare.answer);
    assert!(bare.steps.iter().all(|it| it.state != StepState::Passed), "{:?}", bare.steps);
    let one = "arn:aws:iam::111122223333:role/no-such-role";
    let text = format!(
        "Error calling AssumeRole for role {one}\n ---> Not authorized to perform sts:AssumeRoleWithWebIdentity"
    );
    let it = explain_on(&ACME, "prod-eu1", &text);
    assert!(it.answer.contains(one) && it.verdict == Verdict::Unknown, "{}", it.answer);
}

#[test]
fn a_missing_provider_is_looked_for_and_another_clusters_issuer_is_said_to_be() {
    let facts = ACME.cluster(&super::id("prod-eu1"));
    let issuer = facts.cluster.value().and_then(|it| it.issuer()).expect("an issuer").to_owned();
    let text =
        |issuer: &str| format!("InvalidIdentityToken: No OpenIDConnect provider found in your account for {issuer}");
    let it = explain_on(&ACME, "prod-eu1", &text(&issuer));
    assert_eq!(it.verdict, Verdict::Yes, "{}", it.answer);
    let mut without = (*ACME).clone();
    Arc::make_mut(&mut without.iam).oidc_providers = Section::known(Vec::new(), now());
    let it = explain_on(&without, "prod-eu1", &text(&issuer));
    assert_eq!(it.verdict, Verdict::No, "{}", it.answer);
    assert!(it.notes.iter().any(|it| it.contains("associate-iam-oidc-provider --cluster prod-eu1")), "{:?}", it.notes);
    let other = "https://oidc.eks.eu-west-1.amazonaws.com/id/00000000000000000000000000000000";
    let it = explain_on(&without, "prod-eu1", &text(other));
    assert_eq!(it.verdict, Verdict::Unknown);
    assert!(it.notes.iter().any(|it| it.contains("not that of prod-eu1")), "{:?}", it.notes);
}

#[test]
fn a_commands_name_is_translated_into_the_request_that_it_makes() {
    let it = explain_on(
        &ACME,
        "prod-eu1",
        "kubectl auth can-i exec pods -n payments --as system:serviceaccount:payments:reaper\nno",
    );
    assert!(
        it.notes[0].contains("exec is no verb of the API") && it.notes[0].contains("create pods/exec"),
        "{:?}",
        it.notes
    );
    let text = super::cannot(&session("blue-reader", "ann"), "get", "pods/exec", "", "blue");
    let it = explain_on(&ACME, "prod-eu1", &text);
    assert!(it.notes.iter().any(|it| it.contains("1.35")), "{:?}", it.notes);
}

/// Where the message names nobody, that one is refused and another is not leaves open which one is meant.
#[test]
fn of_several_that_may_be_meant_a_definite_answer_takes_all_of_them() {
    let audience = "An error occurred (InvalidIdentityToken): Incorrect token audience";
    let role = "(AccessDeniedException): Unauthorized Exception! EKS does not have permissions to assume the associated role., fault: client";
    for (text, one) in [(audience, "monitoring/grafana"), (role, "payments/refunds")] {
        let it = explain_on(&ACME, "prod-eu1", text);
        assert_eq!(it.verdict, Verdict::Unknown, "{}", it.answer);
        assert!(it.answer.contains(one) && it.answer.contains("which one is meant is not known"), "{}", it.answer);
    }
    // Only those that are refused are left.
    let mut snapshot = (*ACME).clone();
    let id = super::id("prod-eu1");
    let mut facts = (*snapshot.cluster(&id)).clone();
    let kept = |it: &eksplorer::model::workload::PodIdentityAssociation| {
        ["refunds", "scorer"].contains(&it.service_account.as_str())
    };
    let kept: Vec<_> = facts.pod_identity_associations.items().iter().filter(|it| kept(it)).cloned().collect();
    assert_eq!(kept.len(), 2);
    facts.pod_identity_associations = Section::known(kept, now());
    snapshot.facts.insert(id, Arc::new(facts));
    let it = explain_on(&snapshot, "prod-eu1", role);
    assert_eq!(it.verdict, Verdict::No, "{}", it.answer);
}
