//! Every control on a cluster that shows it, and on one that nearly does.

use super::*;
use crate::access::inventory::inventory;
use crate::model::document::read;
use crate::model::facts::snapshot_of;
use crate::model::failure::{Failure, FailureKind};
use crate::model::snapshot::{Section, Snapshot, Source};
use std::sync::Arc;

/// A cluster on which every control is good.
const GOOD: &str = r#"
eksplorer: 1
takenAt: 2026-11-24T06:00:00Z
caller: {Account: "111122223333", Arn: "arn:aws:iam::111122223333:user/ann", UserId: AIDAX}
region: eu-west-1
clusters:
- cluster:
    name: c1
    arn: arn:aws:eks:eu-west-1:111122223333:cluster/c1
    version: "1.34"
    health: {issues: []}
    resourcesVpcConfig: {endpointPublicAccess: false, endpointPrivateAccess: true, publicAccessCidrs: []}
    logging: {clusterLogging: [{types: [api, audit, authenticator], enabled: true}]}
    identity: {oidc: {issuer: "https://oidc.eks.eu-west-1.amazonaws.com/id/AA"}}
    accessConfig: {authenticationMode: API}
    encryptionConfig: [{resources: [secrets], provider: {keyArn: "arn:aws:kms:eu-west-1:111122223333:key/k"}}]
  accessEntries: []
  podIdentityAssociations: []
  nodegroups: []
  fargateProfiles: []
  addons: []
  identityProviderConfigs: []
  capabilities: []
  updates: []
  kubernetes:
  - {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: restricted}}}
  - apiVersion: apps/v1
    kind: DaemonSet
    metadata: {name: eks-pod-identity-agent, namespace: kube-system}
    status: {desiredNumberScheduled: 2, currentNumberScheduled: 2, numberReady: 2}
iam:
  RoleDetailList: []
  UserDetailList: []
  Policies: []
  OpenIDConnectProviders:
  - Arn: arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AA
    ClientIDList: [sts.amazonaws.com]
sections:
  c1/serviceAccounts: {state: empty}
  c1/awsAuth: {state: empty}
"#;

const MODE: &str = "authenticationMode: API}";
const BOTH: &str = "authenticationMode: API_AND_CONFIG_MAP}";
const NO_ROWS: &str = "  c1/awsAuth: {state: empty}\n";
/// Pods and DaemonSets were read, and there are none.
const NO_PODS: &str = "  c1/awsAuth: {state: empty}\n  c1/daemonSets: {state: empty}\n  c1/pods: {state: empty}\n";
const DAEMON_SET: &str = "  - apiVersion: apps/v1\n    kind: DaemonSet\n    metadata: {name: eks-pod-identity-agent, \
                          namespace: kube-system}\n    status: {desiredNumberScheduled: 2, currentNumberScheduled: 2, \
                          numberReady: 2}\n";

fn world(changes: &[(&str, &str)]) -> Snapshot {
    let mut text = GOOD.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    snapshot_of(&read(&text).unwrap_or_else(|error| panic!("{error}\n{text}")), Source::Lab)
}

fn controls(snapshot: &Snapshot) -> Vec<Control> {
    inventory(snapshot.facts.values().next().unwrap(), &snapshot.iam).posture
}

fn of<'a>(all: &'a [Control], id: &str) -> &'a Control {
    let mut found = all.iter().filter(|it| it.id.as_str() == id);
    let one = found.next().unwrap_or_else(|| panic!("{id}"));
    assert!(found.next().is_none(), "{id}");
    one
}

/// A ConfigMap with such rows of mapRoles, in place of the note that there is none.
fn rows(rows: &str) -> (&'static str, String) {
    let rows = rows.replace('\n', "\n        ");
    let map = format!(
        "  - apiVersion: v1\n    kind: ConfigMap\n    metadata: {{name: aws-auth, namespace: kube-system}}\n    data:\n      \
         mapRoles: |\n        {rows}\niam:\n"
    );
    ("iam:\n", map)
}

#[test]
fn a_cluster_on_which_all_is_good() {
    let all = controls(&world(&[]));
    let wrong: Vec<_> = all.iter().filter(|it| it.standing != Standing::Good).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let ids: Vec<&str> = all.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "cluster-health",
            "encryption",
            "endpoint-public",
            "endpoint-private",
            "logs-audit",
            "logs-authenticator",
            "authentication-mode",
            "hidden-creator",
            "map-accounts",
            "aws-auth-writers",
            "oidc-provider",
            "pod-identity-agent",
            "pod-security"
        ]
    );
}

use Severity::{High, Low, Medium};
use Standing::{Finding, Good, Note, Unknown};

/// Changes to the good world, the control, how it stands, and what its sentence and its command say.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, Standing, &'a str, &'a str);

#[test]
fn each_control_and_its_near_misses() {
    const KEY: &str = "    encryptionConfig: [{resources: [secrets], provider: {keyArn: \"arn:aws:kms:eu-west-1:111122223333:key/k\"}}]\n";
    const ENDPOINT: &str = "{endpointPublicAccess: false, endpointPrivateAccess: true, publicAccessCidrs: []}";
    const PROVIDER: &str = "  - Arn: arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AA\n    \
                            ClientIDList: [sts.amazonaws.com]\n";
    const LABEL: &str = "labels: {pod-security.kubernetes.io/enforce: restricted}";
    const ASSOCIATION: &str = "podIdentityAssociations: [{namespace: shop, serviceAccount: s, associationId: a-1}]";
    let cases: &[Case<'_>] = &[
        // posture, Envelope encryption
        (
            &[(KEY, "")],
            "encryption",
            Note,
            "a key that AWS owns",
            "aws eks associate-encryption-config --region eu-west-1 --cluster-name c1",
        ),
        (
            &[(KEY, ""), ("\"1.34\"", "\"1.28\"")],
            "encryption",
            Note,
            "AWS owns",
            "aws kms create-key --region eu-west-1",
        ),
        (
            &[(KEY, ""), ("\"1.34\"", "\"1.27\"")],
            "encryption",
            Finding(Medium),
            "1.27",
            "kubectl get secrets -A -o json | kubectl replace -f -",
        ),
        (&[("\"1.34\"", "\"1.27\"")], "encryption", Good, "until they are written again", ""),
        (&[(KEY, ""), ("    version: \"1.34\"\n", "")], "encryption", Unknown, "version is not known", ""),
        (
            &[(
                "updates: []",
                "updates: [{id: u, type: AssociateEncryptionConfig, status: Successful, createdAt: 2023-02-07T00:00:00Z}]",
            )],
            "encryption",
            Good,
            "since 2023-02-07",
            "",
        ),
        (
            &[(
                "updates: []",
                "updates: [{id: u, type: AssociateEncryptionConfig, status: Failed, createdAt: 2023-02-07T00:00:00Z}]",
            )],
            "encryption",
            Good,
            "with the key arn",
            "",
        ),
        // posture, API endpoint
        (
            &[(ENDPOINT, "{endpointPublicAccess: true, endpointPrivateAccess: true, publicAccessCidrs: [0.0.0.0/0]}")],
            "endpoint-public",
            Finding(Medium),
            "every address",
            "publicAccessCidrs=$(curl",
        ),
        (
            &[(ENDPOINT, "{endpointPublicAccess: true, endpointPrivateAccess: true}")],
            "endpoint-public",
            Finding(Medium),
            "every address",
            "endpointPrivateAccess=true",
        ),
        (
            &[(
                ENDPOINT,
                "{endpointPublicAccess: true, endpointPrivateAccess: true, publicAccessCidrs: [198.51.100.0/24]}",
            )],
            "endpoint-public",
            Note,
            "198.51.100.0/24",
            "endpointPublicAccess=false,endpointPrivateAccess=true",
        ),
        (
            &[(
                ENDPOINT,
                "{endpointPublicAccess: true, endpointPrivateAccess: false, publicAccessCidrs: [198.51.100.0/24]}",
            )],
            "endpoint-private",
            Finding(Low),
            "must do so from 198.51.100.0/24",
            "--resources-vpc-config endpointPrivateAccess=true",
        ),
        (&[(ENDPOINT, "{endpointPrivateAccess: true}")], "endpoint-public", Unknown, "does not say", ""),
        (
            &[(&format!("    resourcesVpcConfig: {ENDPOINT}\n"), "")],
            "endpoint-private",
            Unknown,
            "resourcesVpcConfig",
            "",
        ),
        (
            &[(
                "updates: []",
                "updates: [{id: u, type: EndpointAccessUpdate, status: Failed, errors: [{errorMessage: no DNS}]}]",
            )],
            "endpoint-public",
            Good,
            "failed: no DNS",
            "",
        ),
        // posture, Logs
        (
            &[("[api, audit, authenticator]", "[api, authenticator]")],
            "logs-audit",
            Finding(Medium),
            "who did what",
            "\"types\":[\"audit\"],\"enabled\":true",
        ),
        (
            &[("[api, audit, authenticator]", "[api, audit]")],
            "logs-authenticator",
            Finding(Medium),
            "401",
            "\"authenticator\"",
        ),
        (&[("enabled: true", "enabled: false")], "logs-audit", Finding(Medium), "off", "--logging"),
        (
            &[("    logging: {clusterLogging: [{types: [api, audit, authenticator], enabled: true}]}\n", "")],
            "logs-audit",
            Unknown,
            "says nothing",
            "",
        ),
        // EKS identity, §2
        (
            &[(MODE, "authenticationMode: CONFIG_MAP}")],
            "authentication-mode",
            Finding(Medium),
            "takes no row away",
            "aws eks update-cluster-config --region eu-west-1 --name c1 --access-config authenticationMode=API_AND_CONFIG_MAP",
        ),
        (&[(MODE, BOTH)], "authentication-mode", Note, "nothing keeps it from API", "authenticationMode=API"),
        (&[(MODE, BOTH), (NO_ROWS, "")], "authentication-mode", Unknown, "not known", ""),
        (&[(MODE, "authenticationMode: SOMETHING}")], "authentication-mode", Unknown, "not known", ""),
        (
            &[(
                "updates: []",
                "updates: [{id: u, type: AccessConfigUpdate, status: InProgress, params: [{type: AuthenticationMode, value: API}]}]",
            )],
            "authentication-mode",
            Good,
            "a change to API is under way",
            "",
        ),
        (
            &[(MODE, "authenticationMode: CONFIG_MAP}")],
            "hidden-creator",
            Finding(Medium),
            "system:masters",
            "API_AND_CONFIG_MAP",
        ),
        (&[(MODE, BOTH)], "hidden-creator", Good, "none is hidden", ""),
        (
            &[(MODE, "authenticationMode: CONFIG_MAP, bootstrapClusterCreatorAdminPermissions: true}")],
            "hidden-creator",
            Finding(Medium),
            "system:masters",
            "API_AND_CONFIG_MAP",
        ),
        (
            &[(MODE, "authenticationMode: CONFIG_MAP, bootstrapClusterCreatorAdminPermissions: false}")],
            "hidden-creator",
            Good,
            "created without an administrator for its creator",
            "",
        ),
        (&[(MODE, "authenticationMode: SOMETHING}")], "hidden-creator", Unknown, "not known", ""),
        // workload identity: OIDC provider
        (
            &[(PROVIDER, ""), ("OpenIDConnectProviders:", "OpenIDConnectProviders: []")],
            "oidc-provider",
            Note,
            "no service account",
            "aws iam create-open-id-connect-provider --url https://oidc.eks.eu-west-1.amazonaws.com/id/AA --client-id-list sts.amazonaws.com",
        ),
        (
            &[("[sts.amazonaws.com]", "[sandbox]")],
            "oidc-provider",
            Finding(Medium),
            "not for the audience",
            "add-client-id-to-open-id-connect-provider",
        ),
        (&[(PROVIDER, ""), ("  OpenIDConnectProviders:\n", "")], "oidc-provider", Unknown, "not known", ""),
        (
            &[("Account: \"111122223333\"", "Account: \"222222222222\"")],
            "oidc-provider",
            Unknown,
            "cannot be read from here",
            "",
        ),
        // Pod Identity agent
        (&[("numberReady: 2", "numberReady: 1")], "pod-identity-agent", Finding(Medium), "ready on 1 of 2", "kubectl"),
        // Where pods were not read, it may run in another namespace.
        (
            &[(DAEMON_SET, ""), (NO_ROWS, "  c1/awsAuth: {state: empty}\n  c1/daemonSets: {state: empty}\n")],
            "pod-identity-agent",
            Unknown,
            "whether it runs elsewhere is not known",
            "",
        ),
        (
            &[(DAEMON_SET, ""), (NO_ROWS, NO_PODS)],
            "pod-identity-agent",
            Note,
            "no Pod Identity association",
            "aws eks create-addon --region eu-west-1 --cluster-name c1 --addon-name eks-pod-identity-agent",
        ),
        (
            &[(DAEMON_SET, ""), (NO_ROWS, NO_PODS), ("podIdentityAssociations: []", ASSOCIATION)],
            "pod-identity-agent",
            Finding(High),
            "1 Pod Identity association",
            "create-addon",
        ),
        (&[(DAEMON_SET, "")], "pod-identity-agent", Unknown, "not known", ""),
        (
            &[(DAEMON_SET, ""), ("addons: []", "addons: [{addonName: eks-pod-identity-agent, status: ACTIVE}]")],
            "pod-identity-agent",
            Unknown,
            "whether it runs is not known",
            "",
        ),
        (
            &[
                (DAEMON_SET, ""),
                (NO_ROWS, NO_PODS),
                ("addons: []", "addons: [{addonName: eks-pod-identity-agent, status: DEGRADED}]"),
            ],
            "pod-identity-agent",
            Finding(Medium),
            "DEGRADED",
            "describe daemonset",
        ),
        (
            &[
                (DAEMON_SET, ""),
                ("    accessConfig", "    computeConfig: {enabled: true, nodePools: [system]}\n    accessConfig"),
            ],
            "pod-identity-agent",
            Good,
            "Auto Mode",
            "",
        ),
        // posture, Pod Security Standards
        (
            &[(LABEL, "labels: {}")],
            "pod-security",
            Finding(Medium),
            "no level is enforced",
            "kubectl label --overwrite ns shop pod-security.kubernetes.io/enforce=baseline",
        ),
        (
            &[(LABEL, "labels: {pod-security.kubernetes.io/warn: baseline}")],
            "pod-security",
            Finding(Medium),
            "warns of baseline",
            "enforce=baseline",
        ),
        (
            &[("enforce: restricted", "enforce: privileged")],
            "pod-security",
            Finding(Low),
            "privileged",
            "enforce=baseline",
        ),
        (
            &[("enforce: restricted", "enforce: baseline, pod-security.kubernetes.io/enforce-version: v1.29")],
            "pod-security",
            Good,
            "baseline as of v1.29",
            "enforce=restricted",
        ),
        (
            &[("enforce: restricted", "enforce: strict")],
            "pod-security",
            Finding(Medium),
            "none of privileged",
            "enforce=baseline",
        ),
        (
            &[("name: shop, labels: {pod-security.kubernetes.io/enforce: restricted}", "name: kube-system")],
            "pod-security",
            Note,
            "Kubernetes' own",
            "",
        ),
    ];
    for (changes, id, standing, says, does) in cases {
        let all = controls(&world(changes));
        let found = of(&all, id);
        assert_eq!(found.standing, *standing, "{changes:?}: {found:#?}");
        assert!(found.because.contains(says), "{changes:?}: {found:#?}");
        let command = found.change.as_ref().map(|it| it.command.as_str()).unwrap_or_default();
        assert!(command.contains(does) && (command.is_empty() || !does.is_empty()), "{changes:?}: {found:#?}");
        assert!(found.change.iter().all(|it| !it.danger.is_empty()));
    }
}

#[test]
fn rows_of_aws_auth_that_would_stop_are_counted_and_named() {
    let role = "{Path: /, RoleName: NAME, Arn: \"arn:aws:iam::111122223333:role/NAME\"}";
    let roles = format!("RoleDetailList: [{}, {}]", role.replace("NAME", "node"), role.replace("NAME", "ops"));
    let node = "- {rolearn: \"arn:aws:iam::111122223333:role/node\", username: \"system:node:{{EC2PrivateDNSName}}\", groups: \
                [\"system:nodes\"]}";
    let ops = "- {rolearn: \"arn:aws:iam::111122223333:role/ops\", username: ops, groups: [ops]}";
    let with = |text: &str, entries: &str| {
        let (from, to) = rows(text);
        let changes = [
            (MODE, BOTH),
            (NO_ROWS, ""),
            ("RoleDetailList: []", roles.as_str()),
            ("accessEntries: []", entries),
            (from, to.as_str()),
        ];
        of(&controls(&world(&changes)), "authentication-mode").clone()
    };
    let both = with(&format!("{node}\n{ops}"), "accessEntries: []");
    assert_eq!(both.standing, Finding(Low));
    assert!(
        both.because.contains("2 rows of aws-auth let somebody in") && both.because.contains("(1 of them nodes)"),
        "{both:#?}"
    );
    assert!(both.change.unwrap().danger.contains("mapRoles[0], mapRoles[1], and nodes"));
    // A row that an entry shadows stops nothing.
    let entry =
        "accessEntries: [{principalArn: \"arn:aws:iam::111122223333:role/ops\", username: ops, type: STANDARD}]";
    let shadowed = with(ops, entry);
    assert_eq!(shadowed.standing, Note, "{shadowed:#?}");
}

#[test]
fn map_accounts_is_a_finding_where_it_is_read() {
    let (from, to) = rows("[]");
    let to = to.replace("iam:", "      mapAccounts: |\n        - \"222233334444\"\niam:");
    let found = |mode: &str| of(&controls(&world(&[(MODE, mode), (NO_ROWS, ""), (from, &to)])), "map-accounts").clone();
    let read = found(BOTH);
    assert_eq!(read.standing, Finding(High), "{read:#?}");
    assert!(read.because.contains("222233334444") && read.change.unwrap().command.contains("/data/mapAccounts"));
    assert_eq!(found(MODE).standing, Good, "mode API reads no aws-auth");
}

#[test]
fn what_is_refused_is_unknown_and_names_the_permission() {
    let mut snapshot = world(&[(MODE, BOTH)]);
    let refused = |permission: &str| Failure {
        kind: FailureKind::Refused { permission: permission.into() },
        doing: "read it".into(),
        on: "c1".into(),
        code: Some("AccessDeniedException".into()),
        message: permission.into(),
    };
    let facts = snapshot.facts.values_mut().next().unwrap();
    let facts = Arc::make_mut(facts);
    facts.cluster = Section::failed(refused("eks:DescribeCluster"));
    facts.namespaces = Section::failed(refused("list namespaces"));
    facts.aws_auth = Section::failed(refused("get configmaps"));
    facts.daemon_sets = Section::failed(refused("list daemonsets in kube-system"));
    facts.addons = Section::failed(refused("eks:ListAddons"));
    let all = controls(&snapshot);
    assert_eq!(all.len(), 13);
    for control in &all {
        assert_eq!((control.standing, &control.change), (Unknown, &None), "{control:#?}");
        assert!(
            control.because.contains("list") || control.because.contains("eks:") || control.because.contains("get"),
            "{control:#?}"
        );
    }
}

#[test]
fn names_are_quoted_for_a_shell() {
    for (word, safe) in
        [("prod-eu1", "prod-eu1"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("", "''"), ("$(x)", "'$(x)'")]
    {
        assert_eq!(quoted(word), safe);
    }
    let found =
        controls(&world(&[("name: shop, labels: {pod-security.kubernetes.io/enforce: restricted}", "name: \"a;b\"")]));
    assert!(of(&found, "pod-security").change.as_ref().unwrap().command.contains("ns 'a;b' "));
}
