//! What IAM's policies say, asked of two places that must agree: the Roles pane (what a role has of what its part needs) and
//! `why-pod` (what a pod gets). And condition keys that follow from the facts. Each world is a situation from a public
//! report, named beside it.

use std::path::Path;
use std::sync::Arc;

use eksplorer::access::Verdict::{self, No, Unknown, Yes};
use eksplorer::access::inventory::{Inventory, inventory};
use eksplorer::access::workload::{Why, Workloads};
use eksplorer::model::document::read;
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::snapshot::{Snapshot, Source};
use rstest::rstest;

fn world(name: &str) -> Snapshot {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/worlds/cases/{name}.yaml"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    snapshot_of(&read(&text).unwrap_or_else(|error| panic!("{name}: {error}")), Source::Lab)
}

/// The rows of all panes, and why the pod gets what it gets.
fn answers(snapshot: &Snapshot, namespace: &str, pod: &str) -> (Inventory, Why<'static>) {
    let facts = Box::leak(Box::new(Arc::clone(snapshot.facts.values().next().expect("a cluster"))));
    let iam = Box::leak(Box::new(Arc::clone(&snapshot.iam)));
    let workloads = Box::leak(Box::new(Workloads::new(facts, iam)));
    let pod = workloads.pod(namespace, pod).found().expect("a pod");
    (inventory(facts, iam), workloads.why_pod(pod))
}

/// "list roles" and "why-pod" on one question: may the node's role ask for the credentials of its pods?
#[rstest]
// "JSON syntax: duplicate keys" and "unsupported element" are errors of IAM's policy grammar (IAM user guide, "Grammar of
// the IAM JSON policy language"): such a document was never saved, and what it gives cannot be made out.
#[case::a_member_twice("two-evaluators-twice", None)]
#[case::an_unknown_element("two-evaluators-strange", None)]
// AWS Managed Policy Reference Guide, "PowerUserAccess": everything but iam, organizations and account.
#[case::power_user("two-evaluators-poweruser", Some(true))]
fn the_roles_pane_and_why_pod_agree(#[case] name: &str, #[case] expected: Option<bool>) {
    let snapshot = world(name);
    let (rows, why) = answers(&snapshot, "shop", "api-0");
    let row = rows.roles.iter().find(|it| it.used_by.to_string() == "node group ng").expect("the node group");
    let policies = &row.check.as_ref().expect("a check").policies;
    let is_worker = |required: &str| required.ends_with("/AmazonEKSWorkerNodePolicy");
    let pane = match (
        policies.present.iter().any(|it| is_worker(&it.required)),
        policies.missing.iter().any(|it| is_worker(&it.required)),
        policies.open.iter().any(|it| is_worker(&it.required)),
    ) {
        (true, false, false) => Some(true),
        (false, true, false) => Some(false),
        (false, false, true) => None,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(pane, expected, "{name}: {policies:#?}");
    let of_node = why.unverified.iter().any(|it| it.contains("eks-auth:AssumeRoleForPodIdentity"));
    let refused = why.answer.outcome == No;
    let pod = match (refused, of_node) {
        (true, _) => Some(false),
        (false, true) => None,
        (false, false) => Some(true),
    };
    assert_eq!(pod, expected, "{name}: {:?} {:?}", why.answer, why.unverified);
}

/// Condition keys of Pod Identity's requests that follow from the facts.
#[rstest]
// terraform-aws-modules/terraform-aws-eks, pull request 3743: "validated against a live cluster".
#[case::the_clusters_arn("b01b-source-arn-cluster", Yes, true)]
// terraform-aws-modules/terraform-aws-eks-pod-identity, issue 11, varied: another account, another cluster.
#[case::another_account("b01d-source-account-other", No, false)]
#[case::another_cluster("b01e-source-arn-other-cluster", No, true)]
// zalando-incubator/cluster-lifecycle-manager, pull request 937: not documented for a service that calls.
#[case::principal_arn("b01g-principal-arn", Unknown, false)]
fn condition_keys_that_follow_from_the_facts(
    #[case] name: &str,
    #[case] expected: Verdict,
    #[case] rests_on_trials: bool,
) {
    let snapshot = world(name);
    let (rows, why) = answers(&snapshot, "studio", "thumbs-0");
    assert_eq!(why.answer.outcome, expected, "{name}: {}", why.answer.because);
    let unverified = |all: &[String]| all.iter().any(|it| it.contains("aws:SourceArn"));
    assert_eq!(unverified(&why.unverified), rests_on_trials, "{name}: {:?}", why.unverified);
    let row = rows.pod_identity.first().expect("a row");
    let found = row.findings.iter().any(|it| it.id.as_str() == "pod-identity-no-trust");
    assert_eq!(found, expected == No, "{name}: {:#?}", row.findings);
}

/// aws/karpenter-provider-aws, issue 6298: a template's variable was left in the policy, and PassRole was denied.
#[test]
fn a_variable_that_nothing_fills_in_is_pointed_out() {
    let snapshot = world("b08-passrole-literal-variable");
    let (rows, why) = answers(&snapshot, "karp", "scaler-0");
    let row = rows.pod_identity.first().expect("a row");
    for findings in [&row.findings, &why.findings] {
        let found = findings.iter().find(|it| it.id.as_str() == "role-policy-variable").expect("pointed out");
        assert!(found.sentence.contains("Nodes-${CLUSTER_NAME}"), "{}", found.sentence);
    }
    // A context key is none.
    let text = std::fs::read_to_string("tests/worlds/cases/b08-passrole-literal-variable.yaml").unwrap();
    let other = text.replace("${CLUSTER_NAME}", "${aws:PrincipalTag/eks-cluster-name}");
    let (rows, _) = answers(&snapshot_of(&read(&other).unwrap(), Source::Lab), "karp", "scaler-0");
    assert!(rows.pod_identity.iter().flat_map(|it| &it.findings).all(|it| it.id.as_str() != "role-policy-variable"));
}
