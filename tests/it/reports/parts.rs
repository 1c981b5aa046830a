//! What the cluster and its parts need: the roles of add-ons, the CNI on IPv6, what EKS says of its health.

use eksplorer::access::Mark;
use eksplorer::access::Verdict;
use eksplorer::access::findings::Severity::{High, Medium};
use eksplorer::access::inventory::RoleRow;
use eksplorer::access::posture::Standing;

use super::{Report, report, world};

impl Report {
    fn addon(&self, name: &str) -> Option<&RoleRow> {
        self.rows.roles.iter().find(|it| it.used_by.kind() == "add-on" && it.used_by.name() == name)
    }

    fn lacks(&self, name: &str) -> Vec<String> {
        let row = self.addon(name).expect(name);
        row.findings.iter().filter(|it| it.id.as_str() == "role-policy-missing").map(|it| it.sentence.clone()).collect()
    }
}

const EMPTY: &str =
    "    AttachedManagedPolicies: []\n    RolePolicyList: []\n    InstanceProfileList: []\n  UserDetailList";

fn attached(policies: &str) -> String {
    format!(
        "    AttachedManagedPolicies: [{policies}]\n    RolePolicyList: []\n    InstanceProfileList: []\n  UserDetailList"
    )
}

/// upbound configuration-aws-eks pull request 142 and aws-ebs-csi-driver issue 1870: the role is there, and has no policy. What it
/// needs: "Store Kubernetes volumes with Amazon EBS" (EKS User Guide).
#[test]
fn the_role_of_an_add_on_by_association_must_have_its_policy() {
    const WORLD: &str = world!("b21-ebs-csi-role-empty");
    const EBS: &str = "aws-ebs-csi-driver";
    let it = report(WORLD, &[]);
    let row = it.addon(EBS).expect("its row");
    assert_eq!((row.mark, row.role_arn.as_str()), (Mark::Dead, "arn:aws:iam::111122223333:role/ebs"));
    let trust = row.check.as_ref().and_then(|it| it.trust.as_ref()).expect("its trust");
    assert_eq!((trust.who.as_str(), trust.verdict), ("pods.eks.amazonaws.com", Verdict::Yes));
    assert!(
        it.lacks(EBS)[0].starts_with("it lacks AmazonEBSCSIDriverPolicy, and no other policy"),
        "{:?}",
        it.lacks(EBS)
    );
    assert_eq!(it.subjects("role-policy-missing"), ["role ebs"]);
    // Each of AWS's policies for it is enough; another's is not.
    for (policy, is_enough) in [
        ("service-role/AmazonEBSCSIDriverPolicy", true),
        ("AmazonEBSCSIDriverPolicyV2", true),
        ("AmazonEBSCSIDriverEKSClusterScopedPolicy", true),
        ("service-role/AmazonEFSCSIDriverPolicy", false),
    ] {
        let it = report(WORLD, &[(EMPTY, &attached(&format!("{{PolicyArn: 'arn:aws:iam::aws:policy/{policy}'}}")))]);
        assert_eq!(it.lacks(EBS).is_empty(), is_enough, "{policy}");
        assert_eq!(it.addon(EBS).expect("it").mark == Mark::InForce, is_enough, "{policy}");
    }
    // The association is for the service account, whoever made it; one of another service account is not.
    let owner = "\n    ownerArn: 'arn:aws:eks:eu-north-1:111122223333:addon/reef/aws-ebs-csi-driver/3'}";
    let listed =
        "\n    podIdentityAssociations: ['arn:aws:eks:eu-north-1:111122223333:podidentityassociation/reef/a-ebs']";
    let by_hand = [(owner, "}"), (listed, "")];
    assert!(report(WORLD, &by_hand).addon(EBS).is_some());
    let another = [by_hand[0], by_hand[1], ("serviceAccount: ebs-csi-controller-sa", "serviceAccount: other")];
    assert!(report(WORLD, &another).addon(EBS).is_none());
}

/// eksctl issue 8388; "Configure Amazon VPC CNI plugin to use IRSA" (EKS User Guide): a cluster of the IPv6 family needs a policy of
/// one's own.
#[test]
fn on_ipv6_the_policy_of_aws_is_not_enough_for_the_cni() {
    for (world, case) in [(world!("b05-ipv6-cni"), "by association"), (world!("b05b-ipv6-cni-irsa"), "by IRSA")] {
        let it = report(world, &[]);
        let lacks = it.lacks("vpc-cni");
        assert!(
            matches!(lacks.as_slice(), [it] if it.contains("ec2:AssignIpv6Addresses") && it.contains("AmazonEKS_CNI_Policy")),
            "{case}: {lacks:?}"
        );
        assert_eq!(it.addon("vpc-cni").expect(case).mark, Mark::Dead, "{case}");
        // Near misses: the other family, and a policy that gives it.
        let ipv4 = report(world, &[("ipFamily: ipv6", "ipFamily: ipv4")]);
        assert_eq!(ipv4.lacks("vpc-cni"), [""; 0], "{case}");
        let cni = "PolicyArn: 'arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy'}\n    RolePolicyList: []";
        let own = "PolicyArn: 'arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy'}\n    RolePolicyList: [{PolicyName: six, PolicyDocument: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: 'ec2:AssignIpv6Addresses', Resource: '*'}]}}]";
        let given = report(world, &[(cni, own)]);
        assert_eq!(given.lacks("vpc-cni"), [""; 0], "{case}");
    }
    // Where the CNI has no role of its own, the nodes' role needs it.
    let on_nodes = report(
        world!("b05-ipv6-cni"),
        &[
            ("serviceAccount: aws-node, roleArn", "serviceAccount: other, roleArn"),
            (
                "\n    podIdentityAssociations: ['arn:aws:eks:eu-north-1:111122223333:podidentityassociation/reef/a-cni']",
                "",
            ),
            ("\n    ownerArn: 'arn:aws:eks:eu-north-1:111122223333:addon/reef/vpc-cni/2'", "\n    "),
        ],
    );
    let nodes = on_nodes.found("role-policy-missing");
    assert!(
        nodes.iter().any(|(it, item)| it == "role workers" && item.because.contains("AssignIpv6Addresses")),
        "{nodes:?}"
    );
}

/// "Cluster health FAQs and error codes with resolution paths" (EKS User Guide).
#[test]
fn what_eks_reports_of_the_clusters_health_is_found() {
    const WORLD: &str = world!("b21-ebs-csi-role-empty");
    const AT: &str = "    createdAt: '2025-01-10T08:00:00Z'\n";
    let with = |health: &str| report(WORLD, &[(AT, &format!("{AT}    health: {health}\n"))]);
    let it = with(
        "{issues: [{code: KmsKeyDisabled, message: The key is disabled., resourceIds: ['arn:aws:kms:eu-north-1:111122223333:key/k']}, {code: InsufficientFreeAddresses, message: Few are left., resourceIds: [subnet-1, subnet-2]}]}",
    );
    let found: Vec<_> = it
        .found("cluster-health")
        .into_iter()
        .map(|(subject, it)| (subject, it.severity, it.because.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (
                "part health KmsKeyDisabled arn:aws:kms:eu-north-1:111122223333:key/k".to_owned(),
                High,
                "Cluster health: EKS reports KmsKeyDisabled (arn:aws:kms:eu-north-1:111122223333:key/k): The key is disabled.",
            ),
            (
                "part health InsufficientFreeAddresses subnet-1 subnet-2".to_owned(),
                Medium,
                "Cluster health: EKS reports InsufficientFreeAddresses (subnet-1, subnet-2): Few are left.",
            ),
        ]
    );
    let well = with("{issues: []}");
    assert_eq!((well.control("cluster-health").standing, well.subjects("cluster-health").len()), (Standing::Good, 0));
    assert_eq!(report(WORLD, &[]).control("cluster-health").standing, Standing::Unknown);
}
