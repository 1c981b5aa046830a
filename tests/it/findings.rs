//! Every finding on the demo world where the story says it is, and none where its facts are not known.

use std::collections::BTreeSet;
use std::sync::Arc;

use eksplorer::access::findings::{Finding, Severity};
use eksplorer::access::inventory::{Inventory, inventory};
use eksplorer::model::failure::{Failure, FailureKind};
use eksplorer::model::snapshot::{ClusterFacts, Section, Snapshot};
use rstest::rstest;

use crate::worlds::ACME;

fn facts(snapshot: &Snapshot, cluster: &str) -> Arc<ClusterFacts> {
    snapshot.facts.iter().find(|(id, _)| id.name == cluster).unwrap().1.clone()
}

/// The findings of the row whose name ends so.
fn of<'a>(rows: &'a Inventory, name: &str) -> &'a [Finding] {
    let found: Vec<&[Finding]> = (rows.entries.iter())
        .filter(|it| it.principal_arn.ends_with(name))
        .map(|it| it.findings.as_slice())
        .chain(rows.aws_auth.iter().filter(|it| it.place == name).map(|it| it.findings.as_slice()))
        .chain(
            (rows.irsa.iter().filter(|it| format!("irsa {}/{}", it.namespace, it.service_account) == name))
                .map(|it| it.findings.as_slice()),
        )
        .chain(
            (rows.pod_identity.iter().filter(|it| format!("pod {}/{}", it.namespace, it.service_account) == name))
                .map(|it| it.findings.as_slice()),
        )
        .chain(
            (rows.roles.iter().filter(|it| format!("role {}", it.used_by.name()) == name))
                .map(|it| it.findings.as_slice()),
        )
        .collect();
    assert_eq!(found.len(), 1, "{name}");
    found[0]
}

#[rstest]
#[case::recreated("prod-eu1", ":role/platform/terraform", "entry-recreated-principal", Severity::Medium)]
#[case::vanished("prod-eu1", ":user/ci/jenkins", "entry-vanished-principal", Severity::Medium)]
#[case::reprovisioned(
    "prod-eu1",
    "AWSReservedSSO_DataScientist_99887766554433ff",
    "entry-permission-set-reprovisioned",
    Severity::Medium
)]
#[case::row_differs("prod-eu1", "/blue/deployer", "entry-and-row-differ", Severity::Medium)]
#[case::unbound_group("prod-eu1", "/airflow", "entry-group-unbound", Severity::Low)]
#[case::grants_nothing("prod-eu1", "/forensics", "entry-grants-nothing", Severity::Low)]
#[case::no_such_namespace("prod-eu1", "/pci-scanner", "scope-namespace-missing", Severity::Medium)]
#[case::stale_node_entry("prod-eu1", "/prod-eu1-spot-node", "node-entry-unused", Severity::Low)]
#[case::windows("prod-eu1", "/prod-eu1-windows-node", "node-entry-windows-on-linux", Severity::High)]
#[case::masters("prod-eu1", "mapRoles[5]", "aws-auth-masters", Severity::High)]
#[case::path("prod-eu1", "mapRoles[8]", "aws-auth-never-matches", Severity::Medium)]
#[case::session("prod-eu1", "mapRoles[9]", "aws-auth-never-matches", Severity::Medium)]
#[case::wildcard("prod-eu1", "mapRoles[10]", "aws-auth-never-matches", Severity::Medium)]
#[case::blanks("prod-eu1", "mapRoles[11]", "aws-auth-never-matches", Severity::Medium)]
#[case::duplicate("prod-eu1", "mapRoles[13]", "aws-auth-shadowed", Severity::Low)]
#[case::wrong_type("prod-eu1", "mapRoles[14]", "aws-auth-row-defect", Severity::Medium)]
#[case::unknown_key("prod-eu1", "mapRoles[18]", "aws-auth-row-defect", Severity::Low)]
#[case::instance_template("prod-eu1", "mapRoles[20]", "aws-auth-instance-template", Severity::Medium)]
#[case::map_accounts("prod-eu1", "mapAccounts[0]", "aws-auth-map-accounts", Severity::High)]
#[case::broken_key("legacy", "mapUsers", "aws-auth-key", Severity::High)]
#[case::not_a_list("sandbox", "mapUsers", "aws-auth-key", Severity::High)]
#[case::wrong_case("sandbox", "maproles", "aws-auth-key", Severity::Medium)]
#[case::ignored("sandbox", "mapRoles[0]", "aws-auth-ignored", Severity::Low)]
#[case::node_role_unmapped("prod-eu1", "role gpu", "node-role-unmapped", Severity::High)]
#[case::node_in_one_group("prod-eu1", "role edge-nodes", "node-role-unmapped", Severity::High)]
#[case::old_worker_policy(
    "prod-eu1",
    "role KarpenterNodeInstanceProfile-prod-eu1",
    "role-policy-missing",
    Severity::Medium
)]
#[case::trusts_a_provider_that_is_gone("prod-eu1", "role aws-efs-csi-driver", "role-trust", Severity::Medium)]
#[case::all_of_s3("prod-eu1", "role ack", "role-too-wide", Severity::Medium)]
#[case::any_service_account("prod-eu1", "irsa ingress/external-dns", "irsa-no-subject", Severity::High)]
#[case::whole_cluster("prod-eu1", "irsa data-platform/spark-driver", "irsa-subject-wide", Severity::High)]
#[case::for_all_values("prod-eu1", "irsa blue/importer", "irsa-for-all-values", Severity::High)]
#[case::if_exists("prod-eu1", "irsa green/canary", "irsa-if-exists", Severity::High)]
#[case::no_audience("prod-eu1", "irsa ci/builder", "irsa-no-audience", Severity::Medium)]
#[case::star("prod-eu1", "irsa blue/thumbnailer", "irsa-literal-wildcard", Severity::Medium)]
#[case::old_cluster("prod-eu1", "irsa kube-system/efs-csi-controller-sa", "irsa-other-issuer", Severity::Medium)]
#[case::gone_cluster("prod-eu1", "irsa kube-system/efs-csi-controller-sa", "irsa-stale-provider", Severity::Medium)]
#[case::client_id("prod-eu1", "irsa monitoring/thanos-store", "irsa-provider-audience", Severity::Medium)]
#[case::audience("prod-eu1", "irsa monitoring/grafana", "irsa-audience-mismatch", Severity::Medium)]
#[case::old_keys("prod-eu1", "irsa data-platform/airflow-scheduler", "irsa-key-other-issuer", Severity::Medium)]
#[case::action("prod-eu1", "irsa argocd/argocd-application-controller", "irsa-action", Severity::Medium)]
#[case::near_miss("prod-eu1", "irsa green-api/api", "irsa-subject-mismatch", Severity::Medium)]
#[case::no_path("prod-eu1", "irsa green-web/web", "irsa-role-path", Severity::Medium)]
#[case::annotated_later("prod-eu1", "irsa blue/uploader", "irsa-pod-older", Severity::Medium)]
#[case::on_the_pod("prod-eu1", "irsa blue/session-store", "irsa-annotation-on-pod", Severity::Medium)]
#[case::by_hand("prod-eu1", "pod green/legacy-worker", "irsa-env-preset", Severity::Medium)]
#[case::label("prod-eu1", "irsa cert-manager/cert-manager", "irsa-skipped", Severity::Medium)]
#[case::container("prod-eu1", "irsa ci/builder", "irsa-skipped", Severity::Medium)]
#[case::deny("prod-eu1", "irsa ci/runner", "irsa-explicit-deny", Severity::Medium)]
#[case::https("prod-eu1", "irsa data-platform/notebook", "irsa-key-malformed", Severity::Medium)]
#[case::role_gone("prod-eu1", "irsa green-web/renderer", "irsa-role-missing", Severity::Medium)]
#[case::both_mechanisms("prod-eu1", "irsa monitoring/fluent-bit", "irsa-and-pod-identity", Severity::Low)]
#[case::no_tag_session("prod-eu1", "pod payments/refunds", "pod-identity-no-tag-session", Severity::Medium)]
#[case::no_such_service_account("prod-eu1", "pod payments/ledgr", "pod-identity-no-service-account", Severity::Medium)]
#[case::no_agent_there(
    "prod-eu1",
    "pod data-platform/feature-store",
    "pod-identity-agent-not-on-node",
    Severity::Medium
)]
#[case::pod_role_gone("prod-eu1", "pod data-platform/model-registry", "pod-identity-role-missing", Severity::Medium)]
#[case::pod_too_old("prod-eu1", "pod payments/ledger", "pod-identity-pod-older", Severity::Medium)]
#[case::node_may_not("prod-eu1", "pod blue/promo-engine", "pod-identity-node-role", Severity::Medium)]
#[case::renamed("prod-eu1", "pod fraud/scorer", "pod-identity-tag-condition", Severity::Medium)]
#[case::fargate("prod-eu1", "pod payments-batch/reconciler", "pod-identity-inert", Severity::Medium)]
#[case::windows_pod("prod-eu1", "pod partner-gateway/edi-translator", "pod-identity-inert", Severity::Medium)]
#[case::external_id("prod-eu1", "pod payments/payouts", "pod-identity-target", Severity::Medium)]
fn the_story_of_the_demo_world_is_found(
    #[case] cluster: &str,
    #[case] row: &str,
    #[case] id: &str,
    #[case] severity: Severity,
) {
    let acme = &*ACME;
    let rows = inventory(&facts(acme, cluster), &acme.iam);
    let findings = of(&rows, row);
    assert!(findings.iter().any(|it| it.id.as_str() == id && it.severity == severity), "{row}: {findings:#?}");
    for finding in findings {
        assert!(finding.sentence.len() > 20 && !finding.evidence.to_string().is_empty(), "{finding:?}");
    }
}

#[rstest]
#[case::healthy_entry(":role/ci")]
#[case::healthy_row("mapRoles[4]")]
#[case::healthy_node_role("role general")]
fn what_is_well_has_no_findings(#[case] row: &str) {
    let acme = &*ACME;
    let rows = inventory(&facts(acme, "prod-eu1"), &acme.iam);
    assert_eq!(of(&rows, row), []);
}

#[test]
fn rules_say_nothing_when_their_facts_are_not_known() {
    let acme = &*ACME;
    let failure = || Failure {
        kind: FailureKind::Refused { permission: "list them".into() },
        doing: "list them".into(),
        on: String::new(),
        code: None,
        message: String::new(),
    };
    let ids = |facts: &ClusterFacts| -> BTreeSet<&'static str> {
        let rows = inventory(facts, &acme.iam);
        rows.entries.iter().flat_map(|it| &it.findings).map(|it| it.id.as_str()).collect()
    };
    let whole = facts(acme, "prod-eu1");
    let mut blind = (*whole).clone();
    blind.namespaces = Section::failed(failure());
    assert!(ids(&whole).contains("scope-namespace-missing") && !ids(&blind).contains("scope-namespace-missing"));
    blind.role_bindings = Section::failed(failure());
    assert!(ids(&whole).contains("entry-group-unbound") && !ids(&blind).contains("entry-group-unbound"));
    blind.nodegroups = Section::failed(failure());
    assert!(ids(&whole).contains("node-entry-unused") && !ids(&blind).contains("node-entry-unused"));
}
