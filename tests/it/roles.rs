//! The roles of a cluster's parts: each defect on a world that shows it, and a near miss that does not. Rows name the
//! section of the reference on EKS identity that they are of.

use eksplorer::access::Mark;
use eksplorer::access::Verdict;
use eksplorer::access::findings::Severity::{self, High, Low, Medium};
use eksplorer::access::inventory::{RoleRow, RoleUse, inventory};
use eksplorer::model::document::read;
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::failure::{Failure, FailureKind};
use eksplorer::model::snapshot::{Section, Snapshot, Source};
use std::sync::Arc;

/// A cluster of which every part has a role that is as it should be.
const WORLD: &str = r#"
eksplorer: 1
takenAt: 2026-11-24T06:00:00Z
caller: {Account: "111122223333", Arn: "arn:aws:iam::111122223333:user/ann", UserId: AIDAX}
region: eu-west-1
clusters:
- cluster:
    name: c1
    arn: arn:aws:eks:eu-west-1:111122223333:cluster/c1
    version: "1.34"
    roleArn: arn:aws:iam::111122223333:role/cluster
    status: ACTIVE
    identity: {oidc: {issuer: "https://oidc.eks.eu-west-1.amazonaws.com/id/AA"}}
    accessConfig: {authenticationMode: API}
  accessEntries:
  - {principalArn: "arn:aws:iam::111122223333:role/node", type: EC2_LINUX, username: "system:node:{{EC2PrivateDNSName}}", kubernetesGroups: ["system:nodes"], createdAt: 2025-01-01T00:00:00Z}
  - {principalArn: "arn:aws:iam::111122223333:role/own", type: EC2_LINUX, username: "system:node:{{EC2PrivateDNSName}}", kubernetesGroups: ["system:nodes"], createdAt: 2025-01-01T00:00:00Z}
  - {principalArn: "arn:aws:iam::111122223333:role/fargate", type: FARGATE_LINUX, username: "system:node:{{SessionName}}", kubernetesGroups: ["system:nodes"], createdAt: 2025-01-01T00:00:00Z}
  - {principalArn: "arn:aws:iam::111122223333:role/hybrid", type: HYBRID_LINUX, username: "system:node:{{SessionName}}", kubernetesGroups: ["system:nodes"], createdAt: 2025-01-01T00:00:00Z}
  - {principalArn: "arn:aws:iam::111122223333:role/argo", type: STANDARD, username: argo, createdAt: 2025-01-01T00:00:00Z}
  podIdentityAssociations: []
  nodegroups: [{nodegroupName: general, nodeRole: "arn:aws:iam::111122223333:role/node", amiType: AL2023_x86_64_STANDARD, status: ACTIVE}]
  fargateProfiles:
  - {fargateProfileName: batch, podExecutionRoleArn: "arn:aws:iam::111122223333:role/fargate", fargateProfileArn: "arn:aws:eks:eu-west-1:111122223333:fargateprofile/c1/batch/1"}
  addons: [{addonName: vpc-cni, serviceAccountRoleArn: "arn:aws:iam::111122223333:role/cni"}]
  capabilities: [{capabilityName: argo, type: ARGOCD, roleArn: "arn:aws:iam::111122223333:role/argo", arn: "arn:aws:eks:eu-west-1:111122223333:capability/c1/argo/1"}]
  updates: []
  identityProviderConfigs: []
  kubernetes:
  - apiVersion: v1
    kind: ServiceAccount
    metadata: {name: aws-node, namespace: kube-system, annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::111122223333:role/cni"}}
iam:
  RoleDetailList:
  - RoleName: cluster
    Arn: arn:aws:iam::111122223333:role/cluster
    AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: eks.amazonaws.com}, Action: "sts:AssumeRole"}]}
    AttachedManagedPolicies: [{PolicyArn: "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"}]
  - RoleName: node
    Arn: arn:aws:iam::111122223333:role/node
    AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: "sts:AssumeRole"}]}
    AttachedManagedPolicies: [{PolicyArn: "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"}, {PolicyArn: "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"}]
  - RoleName: own
    Arn: arn:aws:iam::111122223333:role/own
    AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: "sts:AssumeRole"}]}
    AttachedManagedPolicies: [{PolicyArn: "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"}, {PolicyArn: "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"}]
  - RoleName: fargate
    Arn: arn:aws:iam::111122223333:role/fargate
    AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: eks-fargate-pods.amazonaws.com}, Action: "sts:AssumeRole", Condition: {ArnLike: {"aws:SourceArn": "arn:aws:eks:eu-west-1:111122223333:fargateprofile/c1/*"}}}]}
    AttachedManagedPolicies: [{PolicyArn: "arn:aws:iam::aws:policy/AmazonEKSFargatePodExecutionRolePolicy"}]
  - RoleName: hybrid
    Arn: arn:aws:iam::111122223333:role/hybrid
    AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: ssm.amazonaws.com}, Action: "sts:AssumeRole", Condition: {StringEquals: {"aws:SourceAccount": "111122223333"}, ArnEquals: {"aws:SourceArn": "arn:aws:ssm:eu-west-1:111122223333:*"}}}]}
    RolePolicyList: [{PolicyName: describe, PolicyDocument: {Statement: [{Effect: Allow, Action: ["eks:DescribeCluster", "eks:ListAccessEntries"], Resource: "*"}]}}]
    AttachedManagedPolicies: [{PolicyArn: "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"}, {PolicyArn: "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"}]
  - RoleName: argo
    Arn: arn:aws:iam::111122223333:role/argo
    AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: capabilities.eks.amazonaws.com}, Action: ["sts:AssumeRole", "sts:TagSession"]}]}
  - RoleName: cni
    Arn: arn:aws:iam::111122223333:role/cni
    AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Federated: "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AA"}, Action: "sts:AssumeRoleWithWebIdentity", Condition: {StringEquals: {"oidc.eks.eu-west-1.amazonaws.com/id/AA:sub": "system:serviceaccount:kube-system:aws-node", "oidc.eks.eu-west-1.amazonaws.com/id/AA:aud": sts.amazonaws.com}}}]}
    AttachedManagedPolicies: [{PolicyArn: "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"}]
  UserDetailList: []
  Policies: []
  OpenIDConnectProviders: []
  InstanceProfiles:
  - {InstanceProfileName: eks-1, Arn: "arn:aws:iam::111122223333:instance-profile/eks-1", Roles: [{RoleName: node}]}
  - {InstanceProfileName: karpenter, Arn: "arn:aws:iam::111122223333:instance-profile/karpenter", Roles: [{RoleName: own}]}
"#;

fn world(changes: &[(&str, &str)]) -> Snapshot {
    let mut text = WORLD.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    snapshot_of(&read(&text).unwrap_or_else(|error| panic!("{error}\n{text}")), Source::Lab)
}

fn rows(snapshot: &Snapshot) -> Vec<RoleRow> {
    inventory(snapshot.facts.values().next().unwrap(), &snapshot.iam).roles
}

fn row<'a>(rows: &'a [RoleRow], name: &str) -> &'a RoleRow {
    rows.iter().find(|it| it.used_by.to_string() == name).unwrap_or_else(|| panic!("{name}: {rows:#?}"))
}

#[test]
fn roles_that_are_as_they_should_be() {
    let all = rows(&world(&[]));
    let names: Vec<String> = all.iter().map(|it| it.used_by.to_string()).collect();
    assert_eq!(
        names,
        [
            "cluster",
            "node group general",
            "self-managed karpenter",
            "Fargate profile batch",
            "hybrid nodes hybrid",
            "add-on vpc-cni",
            "capability argo"
        ]
    );
    for it in &all {
        assert_eq!(
            (it.mark, it.findings.as_slice(), it.shared_with.as_slice()),
            (Mark::InForce, &[][..], &[][..]),
            "{it:#?}"
        );
        let check = it.check.as_ref().unwrap();
        assert_eq!(check.trust.as_ref().map(|it| it.verdict), Some(Verdict::Yes), "{it:#?}");
        assert!(check.policies.missing.is_empty() && check.policies.wider.is_empty(), "{it:#?}");
    }
}

/// Changes, the row, its mark, and its findings.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, Mark, &'a [(&'a str, Severity)]);

#[test]
fn each_defect_and_its_near_miss() {
    const NODE_ENTRY: &str = "  - {principalArn: \"arn:aws:iam::111122223333:role/node\", type: EC2_LINUX, username: \"system:node:{{EC2PrivateDNSName}}\", kubernetesGroups: [\"system:nodes\"], createdAt: 2025-01-01T00:00:00Z}\n";
    const ARGO_ENTRY: &str = "  - {principalArn: \"arn:aws:iam::111122223333:role/argo\", type: STANDARD, username: argo, createdAt: 2025-01-01T00:00:00Z}\n";
    const NODE_ROW: &str = "  kubernetes:\n  - apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: aws-auth, namespace: kube-system}\n    data: {mapRoles: '[{rolearn: \"arn:aws:iam::111122223333:role/node\", username: \"system:node:{{EC2PrivateDNSName}}\", groups: [\"system:nodes\"]}]'}\n";
    const WORKER: &str = "{PolicyArn: \"arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy\"}, ";
    const GENERAL: &str = "node group general";
    const EC2: &str = "{Service: ec2.amazonaws.com}";
    let instead = |action: &'static str| format!("{{PolicyArn: \"arn:aws:iam::{action}\"}}, ");
    let admin = instead("aws:policy/AdministratorAccess") + WORKER;
    let namesake = instead("111122223333:policy/AmazonEKSWorkerNodePolicy");
    let other = instead("aws:policy/SomethingOfAws");
    let annotation = ", annotations: {eks.amazonaws.com/role-arn: \"arn:aws:iam::111122223333:role/cni\"}";
    let inline = "RoleName: node\n    RolePolicyList: [{PolicyName: own, PolicyDocument: {Statement: {Effect: Allow, Action: ACTION, Resource: ON}}}]";
    let wide = inline.replace("ACTION", "\"*\"").replace("ON", "\"*\"");
    let narrow = inline.replace("ACTION", "\"s3:*\"").replace("ON", "\"arn:aws:s3:::logs/*\"");
    let every_role = inline.replace("ACTION", "\"sts:AssumeRole\"").replace("ON", "\"arn:aws:iam::*:role/*\"");
    let one_role = inline.replace("ACTION", "\"sts:AssumeRole\"").replace("ON", "\"arn:aws:iam::111122223333:role/x\"");
    let denied = wide.replace("Allow", "Deny");
    let denied_elsewhere = narrow.replace("Allow", "Deny");
    let denied_perhaps =
        denied.replace("Resource:", "Condition: {Bool: {\"aws:SecureTransport\": \"false\"}}, Resource:");
    let needs = "[\"ec2:DescribeInstances\", \"eks:DescribeCluster\", \"eks-auth:AssumeRoleForPodIdentity\"]";
    let whole = inline.replace("ACTION", needs).replace("ON", "\"*\"");
    let scoped = inline
        .replace("ACTION", needs)
        .replace("ON", "[\"arn:aws:ec2:eu-west-1:111122223333:instance/*\", \"arn:aws:eks:*:*:cluster/c1\"]");
    const BOUND: &str =
        "RoleName: node\n    PermissionsBoundary: {PermissionsBoundaryArn: \"arn:aws:iam::111122223333:policy/bound\"}";
    const BOUND_READ: (&str, &str) = (
        "Policies: []",
        "Policies: [{PolicyName: bound, Arn: \"arn:aws:iam::111122223333:policy/bound\", DefaultVersionId: v1, PolicyVersionList: [{VersionId: v1, IsDefaultVersion: true, Document: {Statement: [{Effect: Allow, Action: \"s3:*\", Resource: \"*\"}]}}]}]",
    );
    const SSM_CORE: &str = "{PolicyArn: \"arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore\"}, ";
    const SSM_TRUST: &str = "{Effect: Allow, Principal: {Service: ssm.amazonaws.com}, Action: \"sts:AssumeRole\", Condition: {StringEquals: {\"aws:SourceAccount\": \"111122223333\"}, ArnEquals: {\"aws:SourceArn\": \"arn:aws:ssm:eu-west-1:111122223333:*\"}}}";
    const ANYWHERE: &str = "{Effect: Allow, Principal: {Service: rolesanywhere.amazonaws.com}, Action: [\"sts:TagSession\", \"sts:SetSourceIdentity\"]}, {Effect: Allow, Principal: {Service: rolesanywhere.amazonaws.com}, Action: \"sts:AssumeRole\", Condition: {StringEquals: {\"sts:RoleSessionName\": \"${aws:PrincipalTag/x509Subject/CN}\"}}}";
    let auto = "    computeConfig: {enabled: true, nodePools: []}\n    accessConfig";
    let cases: &[Case<'_>] = &[
        // §8, 11: a node role without a node's entry or row
        (&[(NODE_ENTRY, "")], GENERAL, Mark::Dead, &[("node-role-unmapped", High)]),
        (
            &[
                (NODE_ENTRY, ""),
                ("authenticationMode: API}", "authenticationMode: API_AND_CONFIG_MAP}"),
                ("  kubernetes:\n", NODE_ROW),
            ],
            GENERAL,
            Mark::InForce,
            &[],
        ),
        (
            &[(
                "role/node\", type: EC2_LINUX, username: \"system:node:{{EC2PrivateDNSName}}\"",
                "role/node\", type: STANDARD, username: node",
            )],
            GENERAL,
            Mark::Dead,
            &[("node-role-unmapped", High)],
        ),
        (
            &[(
                "role/fargate\", type: FARGATE_LINUX, username: \"system:node:{{SessionName}}\"",
                "role/fargate\", type: EC2_LINUX, username: \"system:node:{{EC2PrivateDNSName}}\"",
            )],
            "Fargate profile batch",
            Mark::Dead,
            &[("fargate-role-unmapped", High)],
        ),
        (&[(ARGO_ENTRY, "")], "capability argo", Mark::Dead, &[("capability-role-unmapped", Medium)]),
        // §7: who may assume it
        (&[(EC2, "{Service: eks.amazonaws.com}")], GENERAL, Mark::Dead, &[("role-trust", High)]),
        (&[(EC2, "{Service: [lambda.amazonaws.com, ec2.amazonaws.com]}")], GENERAL, Mark::InForce, &[]),
        (
            &[("fargateprofile/c1/*", "fargateprofile/c2/*")],
            "Fargate profile batch",
            Mark::Dead,
            &[("role-trust", High)],
        ),
        (&[("fargateprofile/c1/*", "fargateprofile/c?/*")], "Fargate profile batch", Mark::InForce, &[]),
        (
            &[("Action: [\"sts:AssumeRole\", \"sts:TagSession\"]", "Action: \"sts:AssumeRole\"")],
            "capability argo",
            Mark::Dead,
            &[("role-trust", Medium)],
        ),
        (
            &[("    accessConfig", auto)],
            "cluster",
            Mark::Dead,
            &[("role-trust", High), ("role-policy-missing", Medium)],
        ),
        (&[("kube-system:aws-node", "kube-system:other")], "add-on vpc-cni", Mark::Dead, &[("role-trust", Medium)]),
        (
            &[("ssm.amazonaws.com", "rolesanywhere.amazonaws.com")],
            "hybrid nodes hybrid",
            Mark::Dead,
            &[("role-trust", High)],
        ),
        // Its machines need nothing of Systems Manager.
        (&[(SSM_TRUST, ANYWHERE), (SSM_CORE, "")], "hybrid nodes hybrid", Mark::InForce, &[]),
        (
            &[
                (SSM_TRUST, ANYWHERE),
                ("\"sts:TagSession\", \"sts:SetSourceIdentity\"]", "\"sts:TagSession\"]"),
                (SSM_CORE, ""),
            ],
            "hybrid nodes hybrid",
            Mark::Dead,
            &[("role-trust", High)],
        ),
        (&[(SSM_CORE, "")], "hybrid nodes hybrid", Mark::Dead, &[("role-policy-missing", Medium)]),
        // §7: policies, by ARN
        (&[(WORKER, "")], GENERAL, Mark::Dead, &[("role-policy-missing", Medium)]),
        (&[(WORKER, &namesake)], GENERAL, Mark::Unknown, &[("role-policy-namesake", Low)]),
        (&[(WORKER, &other)], GENERAL, Mark::Unknown, &[]),
        (
            &[(annotation, ""), (", serviceAccountRoleArn: \"arn:aws:iam::111122223333:role/cni\"", "")],
            GENERAL,
            Mark::Dead,
            &[("role-policy-missing", Medium)],
        ),
        (&[(annotation, "")], GENERAL, Mark::InForce, &[]),
        (
            &[
                ("    accessConfig", "    kubernetesNetworkConfig: {ipFamily: ipv6}\n    accessConfig"),
                (annotation, ""),
                (", serviceAccountRoleArn: \"arn:aws:iam::111122223333:role/cni\"", ""),
            ],
            GENERAL,
            Mark::Dead,
            &[("role-policy-missing", Medium)],
        ),
        (
            // "Prepare credentials for hybrid nodes" (EKS User Guide): without it nodeadm has to skip a check.
            &[("[\"eks:DescribeCluster\", \"eks:ListAccessEntries\"]", "\"eks:DescribeCluster\"")],
            "hybrid nodes hybrid",
            Mark::InForce,
            &[("role-policy-missing", Low)],
        ),
        (
            &[("[\"eks:DescribeCluster\", \"eks:ListAccessEntries\"]", "\"eks:ListAccessEntries\"")],
            "hybrid nodes hybrid",
            Mark::Dead,
            &[("role-policy-missing", Medium)],
        ),
        // wider than needed
        (&[(WORKER, &admin)], GENERAL, Mark::InForce, &[("role-too-wide", High)]),
        (&[("RoleName: node", &wide)], GENERAL, Mark::InForce, &[("role-too-wide", High)]),
        (&[("RoleName: node", &narrow)], GENERAL, Mark::InForce, &[]),
        (&[("RoleName: node", &every_role)], GENERAL, Mark::InForce, &[("role-too-wide", High)]),
        (&[("RoleName: node", &one_role)], GENERAL, Mark::InForce, &[]),
        // given, and taken again
        (&[("RoleName: node", &denied)], GENERAL, Mark::Dead, &[("role-policy-missing", Medium)]),
        (&[("RoleName: node", &denied_elsewhere)], GENERAL, Mark::InForce, &[]),
        (&[("RoleName: node", &denied_perhaps)], GENERAL, Mark::Unknown, &[]),
        (&[("RoleName: node", BOUND)], GENERAL, Mark::Unknown, &[]),
        (&[("RoleName: node", BOUND), BOUND_READ], GENERAL, Mark::Dead, &[("role-policy-missing", Medium)]),
        (&[("RoleName: node", BOUND), BOUND_READ, ("Action: \"s3:*\"", "Action: \"*\"")], GENERAL, Mark::InForce, &[]),
        // a policy of its own, for some resources or on a condition
        (&[("RoleName: node", &scoped), (WORKER, "")], GENERAL, Mark::Unknown, &[]),
        (&[("RoleName: node", &whole), (WORKER, "")], GENERAL, Mark::InForce, &[]),
        (
            &[("AmazonEC2ContainerRegistryPullOnly", "AmazonEC2ContainerRegistryReadOnly")],
            GENERAL,
            Mark::InForce,
            &[("role-registry-wide", Low)],
        ),
        // §7: one role for two things
        (
            &[(
                "nodeRole: \"arn:aws:iam::111122223333:role/node\"",
                "nodeRole: \"arn:aws:iam::111122223333:role/fargate\"",
            )],
            "Fargate profile batch",
            Mark::InForce,
            &[("role-shared", Medium)],
        ),
        (
            &[(
                "nodegroups: [",
                "nodegroups: [{nodegroupName: other, nodeRole: \"arn:aws:iam::111122223333:role/node\"}, ",
            )],
            GENERAL,
            Mark::InForce,
            &[],
        ),
        // the role itself
        (
            &[("roleArn: arn:aws:iam::111122223333:role/cluster", "roleArn: arn:aws:iam::111122223333:role/gone")],
            "cluster",
            Mark::Dead,
            &[("role-missing", Medium)],
        ),
        // §8, 12: no machine can have it
        (&[("Roles: [{RoleName: own}]", "Roles: []")], "self-managed own", Mark::Unverified, &[]),
    ];
    for (changes, name, mark, findings) in cases {
        let all = rows(&world(changes));
        let found = row(&all, name);
        assert_eq!(found.mark, *mark, "{changes:?}: {found:#?}");
        let mut ids: Vec<_> = found.findings.iter().map(|it| (it.id.as_str(), it.severity)).collect();
        ids.dedup();
        assert_eq!(ids, *findings, "{changes:?}: {:#?}", found.findings);
        for finding in &found.findings {
            assert!(finding.sentence.len() > 20 && !finding.evidence.to_string().is_empty(), "{finding:?}");
        }
    }
}

#[test]
fn a_stale_node_entry_is_one_that_no_machine_can_have() {
    let of = |changes: &[(&str, &str)]| -> Vec<&'static str> {
        let snapshot = world(changes);
        let rows = inventory(snapshot.facts.values().next().unwrap(), &snapshot.iam);
        let entry = rows.entries.iter().find(|it| it.principal_arn.ends_with("role/own")).unwrap();
        entry.findings.iter().map(|it| it.id.as_str()).collect()
    };
    assert_eq!(of(&[("Roles: [{RoleName: own}]", "Roles: []")]), ["node-entry-unused"]);
    assert_eq!(of(&[]), [""; 0], "Karpenter's");
}

#[test]
fn a_template_that_needs_an_instance_on_a_role_that_none_can_assume() {
    let row = |trusted: &str| {
        let text = concat!(
            "  kubernetes:\n  - apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: aws-auth, namespace: kube-system}\n",
            "    data: {mapRoles: '[{rolearn: \"arn:aws:iam::111122223333:role/person\", ",
            "username: \"p:{{EC2PrivateDNSName}}\", groups: [a]}]'}\n",
        );
        let role = format!(
            "  RoleDetailList:\n  - RoleName: person\n    Arn: arn:aws:iam::111122223333:role/person\n    \
             AssumeRolePolicyDocument: {{Version: \"2012-10-17\", Statement: [{{Effect: Allow, Principal: {trusted}, Action: \
             \"sts:AssumeRole\"}}]}}\n"
        );
        let mode = ("authenticationMode: API}", "authenticationMode: API_AND_CONFIG_MAP}");
        let snapshot = world(&[mode, ("  kubernetes:\n", text), ("  RoleDetailList:\n", &role)]);
        let rows = inventory(snapshot.facts.values().next().unwrap(), &snapshot.iam);
        rows.aws_auth[0].findings.iter().map(|it| it.id.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(row("{AWS: \"arn:aws:iam::111122223333:root\"}"), ["aws-auth-instance-template"]);
    assert_eq!(row("{Service: ec2.amazonaws.com}"), [""; 0]);
    assert_eq!(row("{AWS: \"arn:aws:iam::111122223333:user/ec2.amazonaws.com\"}"), ["aws-auth-instance-template"]);
}

#[test]
fn what_could_not_be_read_is_unknown_and_no_defect() {
    let refused = |permission: &str| Failure {
        kind: FailureKind::Refused { permission: permission.into() },
        doing: "read it".into(),
        on: String::new(),
        code: None,
        message: String::new(),
    };
    // Roles come without their policies from a list.
    let mut listed = world(&[]);
    let iam = Arc::make_mut(&mut listed.iam);
    let bare = iam.roles.items().iter().cloned().map(|mut role| {
        role.attached_managed_policies.clear();
        role.role_policy_list.clear();
        role
    });
    iam.roles = Section::known(bare.collect(), eksplorer::model::time::Time::default());
    iam.policies = Section::failed(refused("iam:GetAccountAuthorizationDetails"));
    for it in rows(&listed) {
        assert_eq!(it.findings, [], "{it:#?}");
        let unneeded = matches!(it.used_by, RoleUse::Addon(_) | RoleUse::Capability(_));
        assert_eq!(it.mark, if unneeded { Mark::InForce } else { Mark::Unknown }, "{it:#?}");
        assert!(unneeded || it.because.contains("GetAccountAuthorizationDetails"), "{it:#?}");
    }
    let mut blind = world(&[]);
    let iam = Arc::make_mut(&mut blind.iam);
    iam.roles = Section::failed(refused("iam:ListRoles"));
    iam.policies = Section::failed(refused("iam:ListRoles"));
    for it in rows(&blind) {
        assert_eq!(it.findings, [], "{it:#?}");
        assert!(matches!(it.mark, Mark::Unknown), "{it:#?}");
        assert!(it.because.contains("iam:ListRoles"), "{it:#?}");
    }
}
