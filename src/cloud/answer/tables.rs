//! What each operation of EKS, IAM and STS answers: the members that are always there, and the types of those that are read.
//!
//! From the services' API models (botocore: `eks/2017-11-01`, `iam/2010-05-08`, `sts/2011-06-15`) and the answers that their
//! API references show. The models mark hardly any output as required; what stands here as always there is what the
//! references' answers always have and an answer of this program depends on. In EKS's JSON an absent value may be null.

use super::super::lanes::Service;
use super::shape::Shape::{
    AnyText, Choice, Count, Filled, Flag, Items, List, Map, Moment, Object, Seconds, Text, Where,
};
use super::shape::{Shape, WireMember, WireNode, always, nullable, optional};

/// What an operation answers; `None` for one whose answer is not read.
pub(super) fn shape_of(service: Service, operation: &str) -> Option<&'static Shape> {
    let table = match service {
        Service::Eks => EKS,
        Service::Iam => IAM,
        Service::Sts => STS,
        Service::Kubernetes => &[],
    };
    table.iter().find(|(name, _)| *name == operation).map(|(_, shape)| shape)
}

/// Whether there is a next page: `null` at the end, never an empty token.
const NEXT: WireMember = nullable("nextToken", Text);
const TAGS: WireMember = nullable("tags", Map(&AnyText));

const EKS: &[(&str, Shape)] = &[
    ("ListClusters", Object(&[always("clusters", List(&Text)), NEXT])),
    ("DescribeCluster", Object(&[always("cluster", Object(CLUSTER))])),
    ("ListAccessPolicies", Object(&[always("accessPolicies", List(&Object(&[always("arn", Text)]))), NEXT])),
    ("ListAccessEntries", Object(&[always("accessEntries", List(&Text)), NEXT])),
    ("DescribeAccessEntry", Object(&[always("accessEntry", Object(ACCESS_ENTRY))])),
    (
        "ListAssociatedAccessPolicies",
        Object(&[
            nullable("clusterName", Text),
            nullable("principalArn", Text),
            always("associatedAccessPolicies", List(&Object(ASSOCIATED_POLICY))),
            NEXT,
        ]),
    ),
    ("ListPodIdentityAssociations", Object(&[always("associations", List(&Object(ASSOCIATION_SUMMARY))), NEXT])),
    ("DescribePodIdentityAssociation", Object(&[always("association", Object(ASSOCIATION))])),
    ("ListNodegroups", Object(&[always("nodegroups", List(&Text)), NEXT])),
    ("DescribeNodegroup", Object(&[always("nodegroup", Object(NODEGROUP))])),
    ("ListFargateProfiles", Object(&[always("fargateProfileNames", List(&Text)), NEXT])),
    ("DescribeFargateProfile", Object(&[always("fargateProfile", Object(FARGATE_PROFILE))])),
    ("ListAddons", Object(&[always("addons", List(&Text)), NEXT])),
    ("DescribeAddon", Object(&[always("addon", Object(ADDON))])),
    ("ListCapabilities", Object(&[always("capabilities", List(&Object(&[always("capabilityName", Text)]))), NEXT])),
    ("DescribeCapability", Object(&[always("capability", Object(CAPABILITY))])),
    ("ListUpdates", Object(&[always("updateIds", List(&Text)), NEXT])),
    ("DescribeUpdate", Object(&[always("update", Object(UPDATE))])),
    (
        "ListIdentityProviderConfigs",
        Object(&[always("identityProviderConfigs", List(&Object(&[always("name", Text)]))), NEXT]),
    ),
    (
        "DescribeIdentityProviderConfig",
        Object(&[always("identityProviderConfig", Object(&[always("oidc", Object(OIDC_CONFIG))]))]),
    ),
];

/// Members that only clusters of some age, kind or setting have are absent there; what that means is the readers' affair.
const CLUSTER: &[WireMember] = &[
    always("name", Text),
    nullable("arn", Text),
    nullable("createdAt", Seconds),
    nullable("version", Text),
    nullable("platformVersion", Text),
    nullable("status", Text),
    nullable("endpoint", Text),
    nullable("roleArn", Text),
    nullable(
        "resourcesVpcConfig",
        Object(&[
            nullable("endpointPublicAccess", Flag),
            nullable("endpointPrivateAccess", Flag),
            nullable("publicAccessCidrs", List(&Text)),
        ]),
    ),
    nullable(
        "logging",
        Object(&[always("clusterLogging", List(&Object(&[always("types", List(&Text)), always("enabled", Flag)])))]),
    ),
    nullable("identity", Object(&[nullable("oidc", Object(&[nullable("issuer", Text)]))])),
    nullable("certificateAuthority", Object(&[nullable("data", Text)])),
    nullable(
        "encryptionConfig",
        List(&Object(&[nullable("resources", List(&Text)), always("provider", Object(&[always("keyArn", Text)]))])),
    ),
    nullable(
        "accessConfig",
        Object(&[nullable("bootstrapClusterCreatorAdminPermissions", Flag), nullable("authenticationMode", Text)]),
    ),
    nullable(
        "computeConfig",
        Object(&[always("enabled", Flag), nullable("nodePools", List(&Text)), nullable("nodeRoleArn", Text)]),
    ),
    nullable("connectorConfig", Object(&[])),
    nullable(
        "health",
        Object(&[nullable(
            "issues",
            List(&Object(&[nullable("code", Text), nullable("message", Text), nullable("resourceIds", List(&Text))])),
        )]),
    ),
    TAGS,
];

const ACCESS_ENTRY: &[WireMember] = &[
    nullable("clusterName", Text),
    always("principalArn", Text),
    always("kubernetesGroups", List(&Text)),
    nullable("accessEntryArn", Text),
    nullable("createdAt", Seconds),
    nullable("modifiedAt", Seconds),
    TAGS,
    always("username", Text),
    always("type", Text),
];

const ASSOCIATED_POLICY: &[WireMember] = &[
    always("policyArn", Text),
    always(
        "accessScope",
        Where(&[always("type", Choice(&["cluster", "namespace"])), nullable("namespaces", List(&Text))], scope),
    ),
    nullable("associatedAt", Seconds),
    nullable("modifiedAt", Seconds),
];

fn scope(node: WireNode<'_>) -> Option<&'static str> {
    let kind = node.member("type").ok().flatten().and_then(WireNode::text);
    let named = node.member("namespaces").ok().flatten().and_then(WireNode::items).is_some_and(|it| !it.is_empty());
    match (kind, named) {
        (Some("namespace"), false) => Some("is of type namespace and names none"),
        (Some("cluster"), true) => Some("is of type cluster and names namespaces"),
        _ => None,
    }
}

const ASSOCIATION_SUMMARY: &[WireMember] =
    &[always("associationId", Text), always("namespace", Text), always("serviceAccount", Text)];

const ASSOCIATION: &[WireMember] = &[
    nullable("clusterName", Text),
    always("namespace", Text),
    always("serviceAccount", Text),
    always("roleArn", Text),
    nullable("associationArn", Text),
    always("associationId", Text),
    TAGS,
    nullable("createdAt", Seconds),
    nullable("modifiedAt", Seconds),
    nullable("ownerArn", AnyText),
    nullable("disableSessionTags", Flag),
    nullable("targetRoleArn", AnyText),
    nullable("externalId", AnyText),
    nullable("policy", AnyText),
];

const NODEGROUP: &[WireMember] = &[
    always("nodegroupName", Text),
    nullable("createdAt", Seconds),
    nullable("status", Text),
    nullable("amiType", Text),
    always("nodeRole", Text),
    nullable("labels", Map(&AnyText)),
    TAGS,
];

const FARGATE_PROFILE: &[WireMember] = &[
    always("fargateProfileName", Text),
    nullable("createdAt", Seconds),
    always("podExecutionRoleArn", Text),
    always("selectors", Filled(&Object(&[always("namespace", Text), nullable("labels", Map(&AnyText))]))),
    nullable("status", Text),
    TAGS,
];

const ADDON: &[WireMember] = &[
    always("addonName", Text),
    nullable("status", Text),
    nullable("addonVersion", Text),
    nullable("createdAt", Seconds),
    nullable("modifiedAt", Seconds),
    nullable("serviceAccountRoleArn", Text),
    nullable("podIdentityAssociations", List(&Text)),
    TAGS,
];

const CAPABILITY: &[WireMember] = &[
    always("capabilityName", Text),
    nullable("type", Text),
    nullable("roleArn", Text),
    nullable("status", Text),
    nullable("createdAt", Seconds),
    nullable("modifiedAt", Seconds),
    TAGS,
];

const UPDATE: &[WireMember] = &[
    always("id", Text),
    always("status", Text),
    always("type", Text),
    nullable("params", List(&Object(&[always("type", Text), nullable("value", AnyText)]))),
    nullable("createdAt", Seconds),
    nullable("errors", List(&Object(&[nullable("errorCode", Text), nullable("errorMessage", AnyText)]))),
];

const OIDC_CONFIG: &[WireMember] = &[
    always("identityProviderConfigName", Text),
    nullable("issuerUrl", Text),
    nullable("clientId", Text),
    nullable("usernameClaim", Text),
    nullable("usernamePrefix", AnyText),
    nullable("groupsClaim", Text),
    nullable("groupsPrefix", AnyText),
    nullable("requiredClaims", Map(&AnyText)),
    TAGS,
    nullable("status", Text),
];

const TRUNCATED: WireMember = always("IsTruncated", Flag);
const MARKER: WireMember = optional("Marker", AnyText);

const IAM: &[(&str, Shape)] = &[
    (
        "GetAccountAuthorizationDetails",
        Object(&[
            always("UserDetailList", Items(&Object(USER_DETAIL), "UserName")),
            always("GroupDetailList", Items(&Object(GROUP_DETAIL), "GroupName")),
            always("RoleDetailList", Items(&Object(ROLE_DETAIL), "RoleName")),
            always("Policies", Items(&Object(MANAGED_POLICY), "Arn")),
            TRUNCATED,
            MARKER,
        ]),
    ),
    ("ListRoles", Object(&[always("Roles", Items(&Object(ROLE), "RoleName")), TRUNCATED, MARKER])),
    ("ListUsers", Object(&[always("Users", Items(&Object(USER), "UserName")), TRUNCATED, MARKER])),
    ("GetRole", Object(&[always("Role", Object(ROLE))])),
    ("GetUser", Object(&[always("User", Object(USER))])),
    (
        "ListAttachedRolePolicies",
        Object(&[always("AttachedPolicies", List(&Object(ATTACHED_POLICY))), TRUNCATED, MARKER]),
    ),
    ("ListRolePolicies", Object(&[always("PolicyNames", List(&Text)), TRUNCATED, MARKER])),
    ("GetRolePolicy", Object(INLINE_POLICY)),
    ("GetPolicy", Object(&[always("Policy", Object(&[always("Arn", Text), always("DefaultVersionId", Text)]))])),
    ("GetPolicyVersion", Object(&[always("PolicyVersion", Object(POLICY_VERSION))])),
    (
        "ListOpenIDConnectProviders",
        Object(&[always("OpenIDConnectProviderList", List(&Object(&[always("Arn", Text)])))]),
    ),
    (
        "GetOpenIDConnectProvider",
        Object(&[
            optional("Url", Text),
            always("ClientIDList", List(&Text)),
            optional("ThumbprintList", List(&Text)),
            optional("CreateDate", Moment),
            optional("Tags", List(&Object(TAG))),
        ]),
    ),
    (
        "ListInstanceProfiles",
        Object(&[always("InstanceProfiles", Items(&Object(PROFILE), "InstanceProfileName")), TRUNCATED, MARKER]),
    ),
    ("SimulatePrincipalPolicy", Object(&[always("EvaluationResults", List(&Object(EVALUATION))), TRUNCATED, MARKER])),
];

const STS: &[(&str, Shape)] =
    &[("GetCallerIdentity", Object(&[always("Arn", Text), always("UserId", Text), always("Account", Text)]))];

const TAG: &[WireMember] = &[always("Key", Text), always("Value", AnyText)];

const BOUNDARY: WireMember = optional(
    "PermissionsBoundary",
    Object(&[optional("PermissionsBoundaryType", Text), always("PermissionsBoundaryArn", Text)]),
);

const ATTACHED_POLICY: &[WireMember] = &[always("PolicyName", AnyText), always("PolicyArn", Text)];

const INLINE_POLICY: &[WireMember] = &[always("PolicyName", Text), always("PolicyDocument", Text)];

const POLICY_VERSION: &[WireMember] = &[
    optional("Document", Text),
    always("VersionId", AnyText),
    always("IsDefaultVersion", Flag),
    optional("CreateDate", Moment),
];

const LAST_USED: WireMember =
    optional("RoleLastUsed", Object(&[optional("LastUsedDate", Moment), optional("Region", Text)]));

const ROLE_IN_PROFILE: &[WireMember] = &[always("Path", Text), always("RoleName", Text), always("Arn", AnyText)];

const PROFILE: &[WireMember] = &[
    always("Path", Text),
    always("InstanceProfileName", Text),
    optional("Arn", Text),
    optional("CreateDate", Moment),
    always("Roles", List(&Object(ROLE_IN_PROFILE))),
];

const ROLE: &[WireMember] = &[
    always("Path", Text),
    always("RoleName", Text),
    always("RoleId", Text),
    always("Arn", Text),
    optional("CreateDate", Moment),
    optional("AssumeRolePolicyDocument", Text),
    optional("MaxSessionDuration", Count),
    BOUNDARY,
    optional("Tags", List(&Object(TAG))),
    LAST_USED,
];

const ROLE_DETAIL: &[WireMember] = &[
    always("Path", Text),
    always("RoleName", Text),
    always("RoleId", Text),
    always("Arn", Text),
    optional("CreateDate", Moment),
    optional("AssumeRolePolicyDocument", Text),
    always("InstanceProfileList", List(&Object(PROFILE))),
    always("RolePolicyList", List(&Object(INLINE_POLICY))),
    always("AttachedManagedPolicies", List(&Object(ATTACHED_POLICY))),
    BOUNDARY,
    optional("Tags", List(&Object(TAG))),
    LAST_USED,
];

const USER: &[WireMember] = &[
    always("Path", Text),
    always("UserName", Text),
    always("UserId", Text),
    always("Arn", Text),
    optional("CreateDate", Moment),
    BOUNDARY,
    optional("Tags", List(&Object(TAG))),
];

/// The reference's own answer shows users without UserPolicyList where they have no inline policy.
const USER_DETAIL: &[WireMember] = &[
    always("Path", Text),
    always("UserName", Text),
    always("UserId", Text),
    always("Arn", Text),
    optional("CreateDate", Moment),
    optional("UserPolicyList", List(&Object(INLINE_POLICY))),
    always("GroupList", List(&Text)),
    always("AttachedManagedPolicies", List(&Object(ATTACHED_POLICY))),
    BOUNDARY,
    optional("Tags", List(&Object(TAG))),
];

const GROUP_DETAIL: &[WireMember] = &[
    always("Path", Text),
    always("GroupName", Text),
    optional("Arn", Text),
    optional("CreateDate", Moment),
    always("GroupPolicyList", List(&Object(INLINE_POLICY))),
    always("AttachedManagedPolicies", List(&Object(ATTACHED_POLICY))),
];

const MANAGED_POLICY: &[WireMember] = &[
    optional("PolicyName", AnyText),
    always("Arn", Text),
    optional("DefaultVersionId", Text),
    optional("AttachmentCount", Count),
    optional("IsAttachable", Flag),
    optional("CreateDate", Moment),
    optional("UpdateDate", Moment),
    always("PolicyVersionList", List(&Object(POLICY_VERSION))),
];

const DECISION: Shape = Choice(&["allowed", "explicitDeny", "implicitDeny"]);

const EVALUATION: &[WireMember] = &[
    always("EvalActionName", Text),
    optional("EvalResourceName", Text),
    always("EvalDecision", DECISION),
    optional("MissingContextValues", List(&Text)),
    optional(
        "ResourceSpecificResults",
        List(&Object(&[
            always("EvalResourceName", Text),
            always("EvalResourceDecision", DECISION),
            optional("MissingContextValues", List(&Text)),
        ])),
    ),
];
