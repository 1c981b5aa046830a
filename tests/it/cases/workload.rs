//! Which AWS role a workload gets: situations from issue trackers, and texts as programs print them.

use super::{Case, NO, UNKNOWN, YES, ask, case, not};

pub(super) const CASES: &[Case] = &[
    case(
        "b01b-source-arn-cluster",
        "terraform-aws-modules/terraform-aws-eks pull request 3743: validated against a live cluster",
        "aws:SourceArn of Pod Identity is the cluster's ARN: handed out",
        &[
            ask(&["why-sa", "studio/thumbs"], YES, &["aws:SourceArn"]),
            ask(&["why-pod", "studio/thumbs-0"], YES, &[]),
            not(&["audit"], YES, &[], &["pod-identity-no-trust"]),
        ],
    ),
    case(
        "b01d-source-account-other",
        "terraform-aws-modules/terraform-aws-eks-pod-identity issue 11, varied",
        "another account in aws:SourceAccount: refused",
        &[
            ask(&["why-sa", "studio/thumbs"], NO, &["aws:SourceAccount"]),
            ask(&["audit"], YES, &["pod-identity-no-trust"]),
        ],
    ),
    case(
        "b01e-source-arn-other-cluster",
        "terraform-aws-modules/terraform-aws-eks-pod-identity issue 11, varied",
        "another cluster in aws:SourceArn: refused",
        &[ask(&["why-sa", "studio/thumbs"], NO, &["cluster/lagoon"])],
    ),
    case(
        "b01g-principal-arn",
        "zalando-incubator/cluster-lifecycle-manager pull request 937",
        "aws:PrincipalArn of a service that calls is not documented: unknown",
        &[ask(&["why-sa", "studio/thumbs"], UNKNOWN, &["aws:PrincipalARN"])],
    ),
    case(
        "b02b-karpenter-fargate-irsa",
        "EKS User Guide, \"Learn how EKS Pod Identity grants pods access to AWS services\": not on Fargate",
        "the role trusts Pod Identity alone: by IRSA it is refused",
        &[ask(&["why-sa", "karp/scaler"], NO, &["pods.eks.amazonaws.com"]), ask(&["audit"], YES, &["irsa-denied"])],
    ),
    case(
        "b02c-karpenter-fargate-mended",
        "EKS User Guide, \"IAM roles for service accounts\": a trust policy of both mechanisms",
        "the role trusts both mechanisms: handed out by IRSA",
        &[ask(&["why-sa", "karp/scaler"], YES, &[]), not(&["audit"], YES, &[], &["irsa-"])],
    ),
    case(
        "b03b-target-no-tagsession-tags-off",
        "aws/eks-pod-identity-agent issue 80: disableSessionTags",
        "without session tags the target role needs no sts:TagSession: handed out",
        &[ask(&["why-sa", "infra/runner"], YES, &["role/automation"])],
    ),
    case(
        "b03b-target-no-tagsession-tags-off",
        "aws/eks-pod-identity-agent issue 80; the message of a runner that assumes the role itself",
        "the trust policy of the role that is named lacks sts:TagSession for the caller",
        &[
            ask(
                &["explain", "@tag-session.txt"],
                NO,
                &["trust policy  ✗", "role automation", "\"Action\":\"sts:TagSession\""],
            ),
            ask(&["explain", "@pod-identity.txt"], UNKNOWN, &["sts:AssumeRole and sts:TagSession"]),
        ],
    ),
    case(
        "b05-ipv6-cni",
        "eksctl-io/eksctl issue 8388; EKS User Guide, \"Configure Amazon VPC CNI plugin to use IRSA\": IPv6 policy",
        "the CNI's role lacks ec2:AssignIpv6Addresses",
        &[ask(&["audit"], YES, &["role-policy-missing", "ec2:AssignIpv6Addresses"])],
    ),
    case(
        "b05b-ipv6-cni-irsa",
        "eksctl-io/eksctl issue 8388, by IRSA",
        "the CNI's role lacks ec2:AssignIpv6Addresses",
        &[ask(&["audit"], YES, &["role-policy-missing", "ec2:AssignIpv6Addresses"])],
    ),
    case(
        "b06b-auto-no-entry",
        "terraform-aws-modules/terraform-aws-eks issues 3578 and 3711; EKS User Guide, \"Create a Node Class for Amazon EKS\"",
        "no built-in pools and no entry of type EC2: no node can join",
        &[ask(&["audit"], NO, &["high auto-mode-nodes"])],
    ),
    case(
        "b06d-auto-noderole-no-entry",
        "terraform-aws-modules/terraform-aws-eks issue 3711",
        "the role of Auto Mode's pools has no entry: high",
        &[
            ask(&["audit"], NO, &["high node-role-unmapped"]),
            ask(&["trace", "arn:aws:iam::111122223333:role/own-nodes"], NO, &[]),
        ],
    ),
    case(
        "b06e-auto-entry-standard",
        "terraform-aws-modules/terraform-aws-eks issue 3711",
        "an entry of type STANDARD lets no node join: high",
        &[ask(&["audit"], NO, &["high node-role-unmapped", "STANDARD"])],
    ),
    case(
        "b08-passrole-literal-variable",
        "aws/karpenter-provider-aws issue 6298",
        "the role is handed out; its policy names a variable that nothing fills in",
        &[
            ask(&["why-sa", "karp/scaler"], YES, &[]),
            ask(&["audit"], YES, &["role-policy-variable", "${CLUSTER_NAME}"]),
        ],
    ),
    case(
        "b10-mount-pods-elsewhere",
        "awslabs/mountpoint-s3-csi-driver issue 677",
        "the pods run as mounts/s3-driver, which has no association: the node's role; the one of kube-system is pointed at",
        &[
            ask(&["why-pod", "mounts/mnt-7k", "-o", "json"], UNKNOWN, &["\"node-role\"", "\"elsewhere\""]),
            ask(&["why-sa", "kube-system/s3-driver"], YES, &[]),
        ],
    ),
    case(
        "b11b-china-trust-audience",
        "eksctl-io/eksctl issue 1910",
        "the audience is sts.amazonaws.com in China too: refused",
        &[
            ask(&["why-sa", "ops/backup"], NO, &["sts.amazonaws.com.cn"]),
            ask(&["audit"], YES, &["irsa-audience-mismatch"]),
        ],
    ),
    case(
        "b11d-china-right",
        "eksctl-io/eksctl issue 1910, done right",
        "handed out; nodes may be assumed by ec2.amazonaws.com.cn",
        &[ask(&["why-sa", "ops/backup"], YES, &[]), not(&["audit"], YES, &[], &["role-trust", "irsa-"])],
    ),
    case(
        "b12-agent-no-node",
        "aws/karpenter-provider-aws issue 5784",
        "the agent runs on no node: no pod gets credentials by Pod Identity, and nobody becomes the role so",
        &[
            ask(&["why-sa", "karp/scaler"], NO, &["wants no node"]),
            ask(&["list", "pod-identity", "-o", "json"], YES, &["\"dead\""]),
            ask(&["audit"], NO, &["high pod-identity-agent  cluster", "high pod-identity-agent-missing"]),
        ],
    ),
    case(
        "b12-agent-no-node",
        "aws/karpenter-provider-aws issue 5784",
        "nobody becomes the role: only the service could, and there is no agent that asks it",
        &[not(&["why-role", "arn:aws:iam::111122223333:role/scaler"], NO, &[], &["can become it"])],
    ),
    case(
        "b14-association-foreign-role",
        "aws/eks-pod-identity-agent issue 51",
        "Pod Identity takes roles of the cluster's account alone; another account's is a target role",
        &[
            ask(&["why-sa", "infra/runner"], NO, &["targetRoleArn"]),
            ask(&["audit"], YES, &["pod-identity-role-account"]),
        ],
    ),
    case(
        "b16-irsa-foreign-role",
        "aws/amazon-eks-pod-identity-webhook issue 24, kubernetes-sigs/external-dns issue 1608",
        "another account's role cannot be looked at from here: unknown",
        &[ask(&["why-sa", "dns/records"], UNKNOWN, &["444455556666"]), not(&["audit"], YES, &[], &["irsa-"])],
    ),
    case(
        "b17-scheme-in-aud-key",
        "trust policies in public repositories: https:// in the condition key",
        "the key is none that a token has: refused",
        &[ask(&["why-sa", "kube-ops/lb"], NO, &[]), ask(&["audit"], YES, &["irsa-key-malformed"])],
    ),
    case(
        "b17c-empty-key",
        "trust policies in public repositories: an issuer that was empty when the document was rendered",
        "a provider without a name is none: refused",
        &[ask(&["why-sa", "kube-ops/lb"], NO, &[]), ask(&["audit"], YES, &["irsa-denied"])],
    ),
    case(
        "b17e-doubled-issuer",
        "trust policies in public repositories: the issuer with its scheme behind /id/",
        "no provider has that ARN: refused",
        &[ask(&["why-sa", "kube-ops/lb"], NO, &[])],
    ),
    case(
        "b17e-doubled-issuer",
        "trust policies in public repositories: the issuer with its scheme behind /id/",
        "the provider's ARN is malformed: it is no other cluster's, and none that is gone",
        &[not(&["audit"], YES, &["irsa-"], &["irsa-other-issuer", "irsa-stale-provider"])],
    ),
    case(
        "b18-no-agent",
        "aws/karpenter-provider-aws issue 5784, comments",
        "without an agent nobody gets the role by Pod Identity: why-sa, why-role and list agree",
        &[
            ask(&["why-sa", "studio/thumbs"], NO, &[]),
            ask(&["audit"], NO, &["high pod-identity-agent-missing", "high pod-identity-agent  cluster"]),
        ],
    ),
    case(
        "b18-no-agent",
        "aws/karpenter-provider-aws issue 5784",
        "nobody becomes the role: only the service could, and there is no agent that asks it",
        &[not(&["why-role", "arn:aws:iam::111122223333:role/thumbs"], NO, &[], &["can become it"])],
    ),
    case(
        "b19b-auto-on-only-node-group",
        "EKS User Guide, \"Set up the Amazon EKS Pod Identity Agent\": built in on Auto Mode's nodes alone",
        "no node here has the agent, and one of Auto Mode may come: unknown",
        &[
            ask(&["why-sa", "shop/cart"], UNKNOWN, &[]),
            not(&["list", "posture"], YES, &["unknown  pod-identity-agent"], &["high     pod-identity-agent"]),
        ],
    ),
    case(
        "b21-ebs-csi-role-empty",
        "upbound/configuration-aws-eks pull request 142, kubernetes-sigs/aws-ebs-csi-driver issue 1870",
        "the role of the EBS CSI driver has no policy",
        &[ask(&["audit"], YES, &["role-policy-missing"])],
    ),
    case(
        "b22-static-keys-secret",
        "AWS SDKs and Tools Reference Guide, \"Standardized credential providers\": environment variables come first",
        "keys from a Secret would win over IRSA, and what is in the Secret is not known",
        &[
            ask(&["why-pod", "ci/build-0", "-o", "json"], UNKNOWN, &["\"irsa\""]),
            ask(&["why-sa", "ci/build"], YES, &[]),
        ],
    ),
    case(
        "b24-dual-stack-issuer",
        "EKS User Guide, \"Create an IAM OIDC provider for your cluster\": the issuer of a dual-stack endpoint",
        "the provider is registered under the old name: refused",
        &[ask(&["why-sa", "ops/backup"], NO, &[]), ask(&["audit"], YES, &["irsa-provider-missing"])],
    ),
    case(
        "b26-role-path",
        "IAM User Guide, \"IAM identifiers\": a path is a part of the ARN",
        "the annotation without the path names no role; the association with it works",
        &[
            ask(&["why-sa", "ops/backup"], NO, &["role/eks/backup"]),
            ask(&["why-sa", "ops/store"], YES, &[]),
            ask(&["audit"], YES, &["irsa-role-path"]),
        ],
    ),
    case(
        "b28-irsa-annotation-pi-trust",
        "aws-controllers-k8s/community issue 2678",
        "Pod Identity comes first, and the role trusts the OIDC provider alone: refused",
        &[
            ask(&["why-sa", "logs/ship", "-o", "json"], NO, &["\"inForce\": \"pod-identity\""]),
            ask(&["audit"], YES, &["pod-identity-no-trust"]),
            // EKS Auth's refusal is the association's role's.
            ask(&["explain", "@pod-identity.txt"], NO, &["service account logs/ship", "pods.eks.amazonaws.com"]),
        ],
    ),
    case(
        "b28-irsa-annotation-pi-trust",
        "sentry-kubernetes/charts issue 514, aws/aws-node-termination-handler issue 373",
        "a refused AssumeRoleWithWebIdentity is the role's trust policy's, not a policy of the principal",
        &[not(
            &["explain", "@web-identity.txt"],
            UNKNOWN,
            &["trust policy"],
            &["a policy of the principal must allow"],
        )],
    ),
    case(
        "b29-partition-slip",
        "IAM User Guide, \"IAM ARNs\": each partition has its own",
        "most likely a slip: a role of that name is in this partition and names this service account",
        &[ask(&["audit"], YES, &["  service-account ops/backup", "partition"])],
    ),
    case(
        "b29-partition-slip",
        "IAM User Guide, \"IAM ARNs\": each partition has its own",
        "no token of GovCloud is taken by a role of the commercial partition that can be looked at from here",
        &[ask(&["why-sa", "ops/backup"], UNKNOWN, &["partition aws"])],
    ),
    case(
        "agent-elsewhere",
        "aws/eks-pod-identity-agent, charts/eks-pod-identity-agent: any namespace",
        "the agent runs on the node, in a namespace of its own: handed out",
        &[
            ask(&["why-pod", "shop/api-0"], YES, &[]),
            ask(&["list", "posture"], YES, &["good     pod-identity-agent"]),
            not(&["audit"], YES, &[], &["pod-identity-agent"]),
        ],
    ),
    case(
        "agent-orphaned-pod",
        "Kubernetes documentation, \"DaemonSet\": pods of a DaemonSet deleted with --cascade=orphan stay",
        "the pod of the agent is ready on the node: handed out, and nothing replaces it",
        &[ask(&["why-pod", "shop/api-0"], YES, &[]), ask(&["list", "posture"], YES, &["note     pod-identity-agent"])],
    ),
    case(
        "node-role-two-deciders",
        "EKS User Guide, \"Change authentication mode to use access entries\": mode API reads no aws-auth",
        "the left-over row lets no node join; the entry of node does",
        &[
            ask(&["trace", "arn:aws:iam::111122223333:role/old-node"], NO, &["does not read aws-auth"]),
            ask(&["trace", "arn:aws:iam::111122223333:role/node"], YES, &[]),
            not(&["list", "roles"], YES, &["self-managed  node"], &["old-node"]),
        ],
    ),
    case(
        "two-evaluators-poweruser",
        "AWS Managed Policy Reference Guide, \"PowerUserAccess\"",
        "PowerUserAccess gives nodes what they need, and is too wide",
        &[ask(&["list", "roles"], YES, &["2/2 +PowerUserAccess"]), ask(&["why-pod", "shop/api-0"], YES, &[])],
    ),
    case(
        "two-evaluators-strange",
        "IAM User Guide, \"Grammar of the IAM JSON policy language\"",
        "an element that is none cannot be made out: unknown in both answers",
        &[ask(&["list", "roles"], YES, &["1/2 ?AmazonEKSWorkerNodePolicy"])],
    ),
    case(
        "two-evaluators-twice",
        "IAM User Guide, \"Grammar of the IAM JSON policy language\"",
        "a member twice cannot be made out: unknown in both answers",
        &[ask(&["list", "roles"], YES, &["1/2 ?AmazonEKSWorkerNodePolicy"])],
    ),
];
