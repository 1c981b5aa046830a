//! One row per finding: the section of the reference, a world that shows it, and a near miss that does not.

use serde_json::{Value, json};

use super::world::*;

pub(super) struct Case {
    pub(super) section: &'static str,
    pub(super) id: &'static str,
    pub(super) shows: fn(&mut World),
    pub(super) misses: fn(&mut World),
}

const fn case(section: &'static str, id: &'static str, shows: fn(&mut World), misses: fn(&mut World)) -> Case {
    Case { section, id, shows, misses }
}

fn nothing(_: &mut World) {}

fn sub() -> String {
    format!("{HOST}:sub")
}

fn aud() -> String {
    format!("{HOST}:aud")
}

fn condition(world: &mut World, value: Value) {
    world.set(&format!("{TRUST}/Condition"), value);
}

/// Subject under an operator; the audience as it should be.
fn subject(world: &mut World, operator: &str, value: &str) {
    let mut all = json!({"StringEquals": {aud(): "sts.amazonaws.com"}});
    all[operator][sub()] = json!(value);
    condition(world, all);
}

fn annotate(world: &mut World, key: &str, value: &str) {
    let path = format!("{API_SA_META}/annotations/eks.amazonaws.com~1{key}");
    world.set(&path, json!(value));
}

/// A policy that limits what the ledger's pods reach to this.
fn network_policy(world: &mut World, egress: Value) {
    world.push(
        "/clusters/0/kubernetes",
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "egress", "namespace": "payments"},
        "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": egress}}),
    );
}

fn old_provider(world: &mut World) {
    world.push(
        PROVIDERS,
        json!({"Arn": PROVIDER.replace("AAAA", "BBBB"), "Url": OLD, "ClientIDList": ["sts.amazonaws.com"]}),
    );
}

fn tag(world: &mut World, key: &str, value: &str) {
    world.set(&format!("{LEDGER_TRUST}/Condition"), json!({"StringEquals": {format!("aws:RequestTag/{key}"): value}}));
}

fn target_for(world: &mut World, external_id: &str) {
    world.target(json!({"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/pods/ledger"},
        "Action": ["sts:AssumeRole", "sts:TagSession"], "Condition": {"StringEquals": {"sts:ExternalId": external_id}}}]}));
}

/// The ledger's role may pass this role.
fn role_policy(world: &mut World, resource: &str) {
    world.set(
        &format!("{LEDGER}/RolePolicyList"),
        json!([{"PolicyName": "pass", "PolicyDocument": {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "iam:PassRole", "Resource": resource}]}}]),
    );
}

/// The node's role has this policy and no other.
fn node_policy(world: &mut World, action: &str) {
    world.set(&format!("{NODE_ROLE}/AttachedManagedPolicies"), json!([]));
    world.set(
        &format!("{NODE_ROLE}/RolePolicyList"),
        json!([{"PolicyName": "own", "PolicyDocument": {"Statement": [
            {"Effect": "Allow", "Action": action, "Resource": "arn:aws:eks:*:*:cluster/c"}]}}]),
    );
}

fn owned(world: &mut World, modified: &str) {
    let arn = "arn:aws:eks:eu-west-1:111122223333:addon/c/driver/1";
    world.set(&format!("{ASSOCIATION}/ownerArn"), json!(arn));
    world.set(&format!("{ASSOCIATION}/modifiedAt"), json!(modified));
    world.push(
        ADDONS,
        json!({"addonName": "driver", "addonArn": arn, "modifiedAt": "2026-04-01T00:00:00Z",
        "podIdentityAssociations": ["arn:aws:eks:eu-west-1:111122223333:podidentityassociation/c/a-1"]}),
    );
}

pub(super) const CASES: &[Case] = &[
    case(
        "1.6.1",
        "irsa-no-subject",
        |it| condition(it, json!({"StringEquals": {aud(): "sts.amazonaws.com"}})),
        nothing,
    ),
    case(
        "1.6.2",
        "irsa-subject-wide",
        |it| subject(it, "StringLike", "system:serviceaccount:*"),
        |it| subject(it, "StringLike", "system:serviceaccount:payments:*"),
    ),
    case(
        "1.6.2",
        "irsa-subject-wide",
        |it| subject(it, "StringLike", "system:serviceaccount:pay*:api"),
        |it| subject(it, "StringLike", "system:serviceaccount:payments:a*"),
    ),
    case(
        "1.6.2",
        "irsa-subject-wide",
        |it| subject(it, "StringNotEquals", "system:serviceaccount:default:default"),
        // A narrow condition beside a wide one keeps the statement narrow.
        |it| {
            condition(
                it,
                json!({"StringLike": {sub(): "*"}, "StringEquals": {sub(): "system:serviceaccount:payments:api", aud(): "sts.amazonaws.com"}}),
            )
        },
    ),
    case(
        "1.6.3",
        "irsa-for-all-values",
        |it| subject(it, "ForAllValues:StringEquals", "system:serviceaccount:payments:api"),
        |it| subject(it, "ForAnyValue:StringEquals", "system:serviceaccount:payments:api"),
    ),
    case(
        "1.6.4",
        "irsa-if-exists",
        |it| subject(it, "StringEqualsIfExists", "system:serviceaccount:payments:api"),
        |it| {
            condition(
                it,
                json!({"StringEquals": {sub(): "system:serviceaccount:payments:api"}, "StringEqualsIfExists": {aud(): "sts.amazonaws.com"}}),
            )
        },
    ),
    case(
        "1.6.5",
        "irsa-no-audience",
        |it| condition(it, json!({"StringEquals": {sub(): "system:serviceaccount:payments:api"}})),
        nothing,
    ),
    case(
        "1.6.6",
        "irsa-literal-wildcard",
        |it| subject(it, "StringEquals", "system:serviceaccount:payments:*"),
        |it| subject(it, "StringLike", "system:serviceaccount:payments:*"),
    ),
    case(
        "1.6.7",
        "irsa-other-issuer",
        |it| {
            old_provider(it);
            it.set(&format!("{TRUST}/Principal"), json!({"Federated": PROVIDER.replace("AAAA", "BBBB")}));
        },
        |it| {
            old_provider(it);
            it.set(&format!("{TRUST}/Principal"), json!({"Federated": [PROVIDER, PROVIDER.replace("AAAA", "BBBB")]}));
        },
    ),
    case(
        "1.6.8",
        "irsa-provider-missing",
        |it| {
            it.set(
                PROVIDERS,
                json!([{"Arn": PROVIDER.replace("AAAA", "CCCC"), "Url": "x", "ClientIDList": ["sts.amazonaws.com"]}]),
            )
        },
        |it| it.remove(PROVIDERS),
    ),
    case(
        "1.6.9",
        "irsa-provider-audience",
        |it| it.set(CLIENTS, json!(["sandbox"])),
        |it| it.set(CLIENTS, json!(["sandbox", "sts.amazonaws.com"])),
    ),
    case(
        "1.6.10",
        "irsa-audience-mismatch",
        |it| annotate(it, "audience", "payments"),
        |it| {
            annotate(it, "audience", "payments");
            it.set(CLIENTS, json!(["payments"]));
            condition(
                it,
                json!({"StringEquals": {sub(): "system:serviceaccount:payments:api", aud(): ["sts.amazonaws.com", "payments"]}}),
            );
        },
    ),
    case(
        "1.6.11",
        "irsa-key-other-issuer",
        |it| condition(it, json!({"StringEquals": {format!("{OLD}:sub"): "system:serviceaccount:payments:api"}})),
        // The names of keys have no case.
        |it| {
            condition(
                it,
                json!({"StringEquals": {sub().to_uppercase(): "system:serviceaccount:payments:api", aud(): "sts.amazonaws.com"}}),
            )
        },
    ),
    case(
        "1.6.12",
        "irsa-action",
        |it| it.set(&format!("{TRUST}/Action"), json!("sts:AssumeRole")),
        |it| it.set(&format!("{TRUST}/Action"), json!(["sts:AssumeRole*"])),
    ),
    case(
        "1.6.13",
        "irsa-subject-mismatch",
        |it| subject(it, "StringEquals", "system:serviceaccount:Payments:api"),
        |it| subject(it, "StringEqualsIgnoreCase", "system:serviceaccount:Payments:api"),
    ),
    case(
        "1.6.13",
        "irsa-subject-mismatch",
        |it| subject(it, "StringEquals", "system:serviceaccount:payment:api"),
        |it| subject(it, "StringLike", "system:serviceaccount:payment?:api"),
    ),
    case(
        "1.6.14",
        "irsa-role-missing",
        |it| annotate(it, "role-arn", "arn:aws:iam::111122223333:role/gone"),
        |it| {
            annotate(it, "role-arn", "arn:aws:iam::111122223333:role/gone");
            it.remove("/iam/RoleDetailList");
        },
    ),
    case(
        "1.6.14",
        "irsa-role-path",
        |it| annotate(it, "role-arn", "arn:aws:iam::111122223333:role/teams/api"),
        nothing,
    ),
    case(
        "1.6.14",
        "irsa-role-account",
        |it| annotate(it, "role-arn", "arn:aws:iam::999988887777:role/api"),
        |it| annotate(it, "role-arn", "arn:aws:iam::999988887777:role/theirs"),
    ),
    case("1.6.14", "irsa-annotation-no-arn", |it| annotate(it, "role-arn", "api"), nothing),
    case(
        "1.6.15",
        "irsa-pod-older",
        |it| it.set(ENV, json!([{"name": "AWS_REGION", "value": "eu-west-1"}])),
        // Ended pods are past mending.
        |it| {
            it.set(ENV, json!([]));
            it.set("/clusters/0/kubernetes/4/status", json!({"phase": "Succeeded"}));
        },
    ),
    case(
        "1.6.16",
        "irsa-annotation-on-pod",
        |it| {
            it.set(&format!("{API_POD_META}/annotations"), json!({"eks.amazonaws.com/role-arn": API}));
            it.set(API_SA_META, json!({"name": "api", "namespace": "payments"}));
        },
        // On both, it is of no use and does no harm.
        |it| it.set(&format!("{API_POD_META}/annotations"), json!({"eks.amazonaws.com/role-arn": API})),
    ),
    case(
        "1.6.17",
        "irsa-env-preset",
        |it| it.set(ENV, json!([{"name": "AWS_ROLE_ARN", "value": API}])),
        |it| it.set(&format!("{ENV}/2"), json!({"name": "AWS_REGION", "value": "eu-west-1"})),
    ),
    case(
        "1.6.17",
        "irsa-env-preset",
        |it| it.set(&format!("{ENV}/1/value"), json!("/etc/own/token")),
        |it| {
            it.set(&format!("{ENV}/1/value"), json!("C:\\var\\run\\secrets\\eks.amazonaws.com\\serviceaccount\\token"))
        },
    ),
    case(
        "1.6.18",
        "irsa-skipped",
        |it| {
            it.set(ENV, json!([]));
            it.set(&format!("{API_POD_META}/labels"), json!({"eks.amazonaws.com/skip-pod-identity-webhook": ""}));
        },
        |it| it.set(&format!("{API_POD_META}/labels"), json!({"eks.amazonaws.com/skip-pod-identity-webhook": ""})),
    ),
    case(
        "1.6.18",
        "irsa-skipped",
        |it| {
            it.set(ENV, json!([]));
            it.set(&format!("{API_POD_META}/annotations"), json!({"eks.amazonaws.com/skip-containers": "other,app"}));
        },
        |it| {
            it.set(ENV, json!([]));
            it.set(&format!("{API_POD_META}/annotations"), json!({"eks.amazonaws.com/skip-containers": "other, app"}));
        },
    ),
    case(
        "1.6.19",
        "irsa-explicit-deny",
        |it| {
            it.set(
                "/iam/RoleDetailList/0/AssumeRolePolicyDocument/Statement/1",
                json!({"Effect": "Deny", "Principal": "*", "Action": "sts:*"}),
            )
        },
        |it| {
            it.set(
                "/iam/RoleDetailList/0/AssumeRolePolicyDocument/Statement/1",
                json!({"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}),
            )
        },
    ),
    case(
        "1.6.20",
        "irsa-and-pod-identity",
        |it| it.set(&format!("{ASSOCIATION}/serviceAccount"), json!("api")),
        nothing,
    ),
    case(
        "1.6.21",
        "irsa-key-malformed",
        |it| {
            condition(
                it,
                json!({"StringEquals": {format!("https://{HOST}:sub"): "system:serviceaccount:payments:api"}}),
            )
        },
        nothing,
    ),
    case(
        "1.6.21",
        "irsa-key-malformed",
        |it| condition(it, json!({"StringEquals": {format!("{HOST}/:sub"): "system:serviceaccount:payments:api"}})),
        |it| condition(it, json!({"StringEquals": {format!("{OLD}:sub"): "system:serviceaccount:payments:api"}})),
    ),
    case(
        "1.6.22",
        "irsa-stale-provider",
        |it| it.set(&format!("{TRUST}/Principal"), json!({"Federated": [PROVIDER, PROVIDER.replace("AAAA", "BBBB")]})),
        |it| {
            old_provider(it);
            it.set(&format!("{TRUST}/Principal"), json!({"Federated": [PROVIDER, PROVIDER.replace("AAAA", "BBBB")]}));
        },
    ),
    case(
        "2.8.1",
        "pod-identity-agent-missing",
        |it| {
            it.set(ADDONS, json!([]));
            it.remove(AGENT_POD);
        },
        // Installed by other means than the add-on.
        |it| it.set(ADDONS, json!([])),
    ),
    case(
        "2.8.1",
        "pod-identity-agent-not-on-node",
        |it| it.set(&format!("{AGENT_POD}/spec/nodeName"), json!("n2")),
        |it| {
            it.set(&format!("{AGENT_POD}/spec/nodeName"), json!("n2"));
            it.set(&format!("{NODE_LABELS}/eks.amazonaws.com~1compute-type"), json!("auto"));
        },
    ),
    case(
        "2.8.2",
        "pod-identity-no-trust",
        |it| it.set(&format!("{LEDGER_TRUST}/Principal"), json!({"Service": "ec2.amazonaws.com"})),
        |it| {
            it.set(
                &format!("{LEDGER_TRUST}/Principal"),
                json!({"Service": ["ec2.amazonaws.com", "pods.eks.amazonaws.com"]}),
            )
        },
    ),
    case(
        "2.8.2",
        "pod-identity-no-tag-session",
        |it| it.set(&format!("{LEDGER_TRUST}/Action"), json!("sts:AssumeRole")),
        |it| {
            it.set(&format!("{LEDGER_TRUST}/Action"), json!("sts:AssumeRole"));
            it.set(&format!("{ASSOCIATION}/disableSessionTags"), json!(true));
        },
    ),
    case(
        "2.8.3",
        "pod-identity-role-missing",
        |it| it.set(&format!("{ASSOCIATION}/roleArn"), json!("arn:aws:iam::111122223333:role/gone")),
        |it| {
            it.set(&format!("{ASSOCIATION}/roleArn"), json!("arn:aws:iam::111122223333:role/gone"));
            it.remove("/iam/RoleDetailList");
        },
    ),
    case(
        "2.8.3",
        "pod-identity-role-account",
        |it| it.set(&format!("{ASSOCIATION}/roleArn"), json!("arn:aws:iam::999988887777:role/theirs")),
        nothing,
    ),
    case(
        "2.8.3",
        "pod-identity-role-recreated",
        |it| it.set(&format!("{LEDGER}/CreateDate"), json!("2026-05-01T00:00:00Z")),
        |it| {
            it.set(&format!("{LEDGER}/CreateDate"), json!("2026-05-01T00:00:00Z"));
            it.set(&format!("{ASSOCIATION}/modifiedAt"), json!("2026-05-02T00:00:00Z"));
        },
    ),
    case(
        "2.8.4",
        "pod-identity-pod-older",
        |it| {
            it.set(LEDGER_ENV, json!([]));
            it.set(&format!("{LEDGER_POD_META}/creationTimestamp"), json!("2026-02-01T00:00:00Z"));
        },
        |it| it.set(LEDGER_ENV, json!([])),
    ),
    case(
        "2.8.5",
        "pod-identity-no-service-account",
        |it| it.set(&format!("{ASSOCIATION}/serviceAccount"), json!("ledgr")),
        nothing,
    ),
    case(
        "2.8.5",
        "pod-identity-no-namespace",
        |it| it.set(&format!("{ASSOCIATION}/namespace"), json!("payment")),
        nothing,
    ),
    case(
        "2.8.6",
        "irsa-and-pod-identity",
        |it| it.set(&format!("{LEDGER_SA_META}/annotations"), json!({"eks.amazonaws.com/role-arn": API})),
        nothing,
    ),
    case(
        "2.8.7",
        "pod-identity-node-role",
        |it| node_policy(it, "s3:*"),
        |it| {
            node_policy(it, "eks-auth:*");
        },
    ),
    case(
        "2.8.8",
        "pod-identity-key-absent",
        |it| {
            let wanted = json!({"StringEquals": {sub(): "system:serviceaccount:payments:ledger"}});
            it.set(&format!("{LEDGER_TRUST}/Condition"), wanted);
        },
        |it| {
            let wanted = json!({"StringEquals": {"aws:SourceAccount": "111122223333"}});
            it.set(&format!("{LEDGER_TRUST}/Condition"), wanted);
        },
    ),
    case(
        "2.8.8",
        "pod-identity-key-absent",
        |it| it.set(&format!("{LEDGER_TRUST}/Condition"), json!({"StringLike": {"eks:clusterName": "c"}})),
        // A Deny that applies because the key is absent is told as a Deny.
        |it| {
            let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "*",
                "Condition": {"StringNotEquals": {"eks:clusterName": "c"}}});
            it.push("/iam/RoleDetailList/1/AssumeRolePolicyDocument/Statement", deny);
        },
    ),
    case(
        "1.6.11",
        "irsa-key-absent",
        |it| {
            let mut all =
                json!({"StringEquals": {aud(): "sts.amazonaws.com", sub(): "system:serviceaccount:payments:api"}});
            all["StringEquals"]["aws:SourceAccount"] = json!("111122223333");
            condition(it, all);
        },
        |it| subject(it, "StringLike", "system:serviceaccount:payments:a*"),
    ),
    case(
        "2.8.2",
        "role-policy-variable",
        |it| role_policy(it, "arn:aws:iam::111122223333:role/Nodes-${CLUSTER_NAME}"),
        |it| role_policy(it, "arn:aws:iam::111122223333:role/Nodes-${aws:PrincipalTag/eks-cluster-name}"),
    ),
    case(
        "2.8.8",
        "pod-identity-tag-condition",
        |it| tag(it, "kubernetes-namespace", "payment"),
        |it| tag(it, "kubernetes-namespace", "payments"),
    ),
    case(
        "2.8.8",
        "pod-identity-tag-condition",
        |it| tag(it, "eks-cluster-arn", "arn:aws:eks:eu-west-1:111122223333:cluster/old"),
        |it| tag(it, "eks-cluster-arn", "arn:aws:eks:eu-west-1:111122223333:cluster/c"),
    ),
    case(
        "2.8.9",
        "pod-identity-inert",
        |it| it.set(&format!("{LEDGER_POD_META}/labels"), json!({"eks.amazonaws.com/fargate-profile": "p"})),
        nothing,
    ),
    case(
        "2.8.9",
        "pod-identity-inert",
        |it| it.set(&format!("{LEDGER_POD_SPEC}/nodeSelector"), json!({"kubernetes.io/os": "windows"})),
        |it| it.set(&format!("{LEDGER_POD_SPEC}/nodeSelector"), json!({"kubernetes.io/os": "linux"})),
    ),
    case(
        "2.8.10",
        "pod-identity-target",
        |it| target_for(it, "eu-west-1/111122223333/old/payments/ledger"),
        |it| target_for(it, "eu-west-1/111122223333/c/payments/ledger"),
    ),
    case(
        "2.8.11",
        "pod-identity-policy-with-tags",
        |it| it.set(&format!("{ASSOCIATION}/policy"), json!("{}")),
        |it| {
            it.set(&format!("{ASSOCIATION}/policy"), json!("{}"));
            it.set(&format!("{ASSOCIATION}/disableSessionTags"), json!(true));
        },
    ),
    case(
        "2.8.12",
        "pod-identity-network-policy",
        |it| network_policy(it, json!([{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}]}])),
        |it| network_policy(it, json!([{"to": [{"ipBlock": {"cidr": "169.254.170.23/32"}}], "ports": [{"port": 80}]}])),
    ),
    case(
        "2.8.12",
        "pod-identity-blocked",
        |it| it.set(&format!("{LEDGER_ENV}/2"), json!({"name": "HTTP_PROXY", "value": "http://proxy"})),
        |it| {
            it.set(&format!("{LEDGER_ENV}/2"), json!({"name": "HTTP_PROXY", "value": "http://proxy"}));
            it.set(&format!("{LEDGER_ENV}/3"), json!({"name": "NO_PROXY", "value": "169.254.170.23"}));
        },
    ),
    case(
        "2.8.13",
        "pod-identity-addon-drift",
        |it| owned(it, "2026-05-01T00:00:00Z"),
        |it| owned(it, "2026-03-01T00:00:00Z"),
    ),
];
