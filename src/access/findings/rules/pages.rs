//! The public pages that findings rest on, by title and address.
//!
//! A page is cited where it states the rule or the behavior; where only source code does, that repository's page stands.

/// A public page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferencePage {
    /// Who says it, and its heading.
    pub title: &'static str,
    /// Its address.
    pub url: &'static str,
}

const fn page(title: &'static str, url: &'static str) -> ReferencePage {
    ReferencePage { title, url }
}

pub(super) const ACCESS_ENTRIES: ReferencePage = page(
    "Amazon EKS: Grant IAM users access to Kubernetes with EKS access entries",
    "https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html",
);
pub(super) const ACCESS_MODES: ReferencePage = page(
    "Amazon EKS: Change authentication mode to use access entries",
    "https://docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html",
);
pub(super) const ACCESS_POLICIES: ReferencePage = page(
    "Amazon EKS: Associate access policies with access entries",
    "https://docs.aws.amazon.com/eks/latest/userguide/access-policies.html",
);
pub(super) const ARNS: ReferencePage = page(
    "IAM: Identify AWS resources with Amazon Resource Names (ARNs)",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html",
);
pub(super) const AUTHENTICATOR: ReferencePage = page(
    "aws-iam-authenticator: Full configuration format",
    "https://github.com/kubernetes-sigs/aws-iam-authenticator#full-configuration-format",
);
pub(super) const AUTO_NODE_ROLE: ReferencePage = page(
    "Amazon EKS: Amazon EKS Auto Mode node IAM role",
    "https://docs.aws.amazon.com/eks/latest/userguide/auto-create-node-role.html",
);
pub(super) const AWS_AUTH: ReferencePage = page(
    "Amazon EKS: Grant IAM users access to Kubernetes with a ConfigMap",
    "https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html",
);
pub(super) const CAPABILITY_ROLE: ReferencePage = page(
    "Amazon EKS: Amazon EKS capability IAM role",
    "https://docs.aws.amazon.com/eks/latest/userguide/capability-role.html",
);
pub(super) const CLUSTER_HEALTH: ReferencePage = page(
    "Amazon EKS: Troubleshoot problems with Amazon EKS clusters and nodes: Cluster health FAQs and error codes with resolution paths",
    "https://docs.aws.amazon.com/eks/latest/userguide/troubleshooting.html#cluster-health-status",
);
pub(super) const CONDITION_OPERATORS: ReferencePage = page(
    "IAM: IAM JSON policy elements: Condition operators",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html",
);
pub(super) const CONTEXT_KEYS: ReferencePage = page(
    "IAM: AWS global condition context keys",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html",
);
pub(super) const CREATE_ENTRIES: ReferencePage = page(
    "Amazon EKS: Create access entries",
    "https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html",
);
pub(super) const ENCRYPTION: ReferencePage = page(
    "Amazon EKS: Encrypt Kubernetes secrets with KMS on existing clusters",
    "https://docs.aws.amazon.com/eks/latest/userguide/enable-kms.html",
);
pub(super) const ENDPOINT: ReferencePage = page(
    "Amazon EKS: Control network access to cluster API server endpoint",
    "https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html",
);
pub(super) const EVALUATION: ReferencePage = page(
    "IAM: Policy evaluation logic",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html",
);
pub(super) const FARGATE_ROLE: ReferencePage = page(
    "Amazon EKS: Amazon EKS Pod execution IAM role",
    "https://docs.aws.amazon.com/eks/latest/userguide/pod-execution-role.html",
);
pub(super) const IDENTITY_PRACTICES: ReferencePage = page(
    "Amazon EKS best practices: Identity and access management",
    "https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html",
);
pub(super) const IRSA_PODS: ReferencePage = page(
    "Amazon EKS: Configure Pods to use a Kubernetes service account",
    "https://docs.aws.amazon.com/eks/latest/userguide/pod-configuration.html",
);
pub(super) const IRSA_ROLE: ReferencePage = page(
    "Amazon EKS: Assign IAM roles to Kubernetes service accounts",
    "https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html",
);
pub(super) const LOGS: ReferencePage = page(
    "Amazon EKS: Send control plane logs to CloudWatch Logs",
    "https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html",
);
pub(super) const MANAGED_POLICIES: ReferencePage = page(
    "Amazon EKS: AWS managed policies for Amazon Elastic Kubernetes Service",
    "https://docs.aws.amazon.com/eks/latest/userguide/security-iam-awsmanpol.html",
);
pub(super) const MULTIVALUED_KEYS: ReferencePage = page(
    "IAM: Single-valued vs. multivalued context keys",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html",
);
pub(super) const NODE_ROLE: ReferencePage = page(
    "Amazon EKS: Amazon EKS node IAM role",
    "https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html",
);
pub(super) const OIDC_PROVIDER: ReferencePage = page(
    "Amazon EKS: Create an IAM OIDC provider for your cluster",
    "https://docs.aws.amazon.com/eks/latest/userguide/enable-iam-roles-for-service-accounts.html",
);
pub(super) const PERMISSION_SETS: ReferencePage = page(
    "IAM Identity Center: Referencing permission sets in resource policies, Amazon EKS cluster config maps, and AWS KMS key policies",
    "https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html",
);
pub(super) const POD_IDENTITY: ReferencePage = page(
    "Amazon EKS: Learn how EKS Pod Identity grants pods access to AWS services",
    "https://docs.aws.amazon.com/eks/latest/userguide/pod-identities.html",
);
pub(super) const POD_IDENTITY_ADDONS: ReferencePage = page(
    "Amazon EKS: Use Pod Identities to assign an IAM role to an Amazon EKS add-on",
    "https://docs.aws.amazon.com/eks/latest/userguide/update-addon-role.html",
);
pub(super) const POD_IDENTITY_AGENT: ReferencePage = page(
    "Amazon EKS: Set up the Amazon EKS Pod Identity Agent",
    "https://docs.aws.amazon.com/eks/latest/userguide/pod-id-agent-setup.html",
);
pub(super) const POD_IDENTITY_ASSOCIATION: ReferencePage = page(
    "Amazon EKS: Assign an IAM role to a Kubernetes service account",
    "https://docs.aws.amazon.com/eks/latest/userguide/pod-id-association.html",
);
pub(super) const POD_IDENTITY_ROLE: ReferencePage = page(
    "Amazon EKS: Create IAM role with trust policy required by EKS Pod Identity",
    "https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html",
);
pub(super) const POD_IDENTITY_TAGS: ReferencePage = page(
    "Amazon EKS: Grant Pods access to AWS resources based on tags",
    "https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html",
);
pub(super) const POD_IDENTITY_TARGET: ReferencePage = page(
    "Amazon EKS: Access AWS Resources using EKS Pod Identity Target IAM Roles",
    "https://docs.aws.amazon.com/eks/latest/userguide/pod-id-assign-target-role.html",
);
pub(super) const POD_SECURITY: ReferencePage =
    page("Kubernetes: Pod Security Standards", "https://kubernetes.io/docs/concepts/security/pod-security-standards/");
pub(super) const RBAC_ESCALATION: ReferencePage = page(
    "Kubernetes: Using RBAC Authorization: Privilege escalation prevention and bootstrapping",
    "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping",
);
pub(super) const RBAC_PRACTICES: ReferencePage = page(
    "Kubernetes: Role Based Access Control Good Practices",
    "https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
);
pub(super) const ROLE_NAMES: ReferencePage =
    page("IAM: IAM identifiers", "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html");
pub(super) const SERVICE_ROLES: ReferencePage = page(
    "Amazon EKS: How Amazon EKS works with IAM",
    "https://docs.aws.amazon.com/eks/latest/userguide/security-iam-service-with-iam.html",
);
pub(super) const TRUST_OIDC: ReferencePage = page(
    "IAM: Create a role for OpenID Connect federation",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html",
);
pub(super) const VARIABLES: ReferencePage = page(
    "IAM: IAM policy elements: Variables and tags",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html",
);
pub(super) const WEBHOOK: ReferencePage =
    page("Amazon EKS Pod Identity Webhook", "https://github.com/aws/amazon-eks-pod-identity-webhook");
pub(super) const WINDOWS: ReferencePage = page(
    "Amazon EKS: Deploy Windows nodes on EKS clusters",
    "https://docs.aws.amazon.com/eks/latest/userguide/windows-support.html",
);
