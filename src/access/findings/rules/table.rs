//! The table of all findings: one row each.
//!
//! A row: the variant, its id, how much it matters at most (`..` and at least, where the case decides), the page that it
//! rests on (`pages`), what is wrong, what follows. A new finding is a row in its family.

use super::Family;
use super::Severity::{High, Low, Medium};
use super::{FindingRule, pages};

finding_rules! {
    Entries {
        EntryAndRowDiffer "entry-and-row-differ" Medium .. Low, ACCESS_MODES:
            "An access entry and a row of aws-auth give the same principal different groups."
            "The entry wins; the groups of the row have no effect unless the entry goes, and then they come back.";
        EntryGrantsNothing "entry-grants-nothing" Low, ACCESS_ENTRIES:
            "An access entry has neither groups nor access policies."
            "It lets the principal in, to do no more than any authenticated user may.";
        EntryGroupUnbound "entry-group-unbound" Low, CREATE_ENTRIES:
            "A group of an access entry stands in no binding of the cluster."
            "The group grants nothing.";
        EntryPermissionSetReprovisioned "entry-permission-set-reprovisioned" Medium, PERMISSION_SETS:
            "An access entry names a role of a permission set that was provisioned again under another name."
            "People with the permission set have the new role and are not let in by the entry.";
        EntryRecreatedPrincipal "entry-recreated-principal" Medium, CREATE_ENTRIES:
            "The principal of an access entry was deleted and recreated, or has another path."
            "An entry is tied to the id of the principal for which it was made; the new one of the same name is not \
             let in.";
        EntryRootUser "entry-root-user" Low, CREATE_ENTRIES:
            "An access entry is for the root user of an account."
            "No role or user of the account gets in by it: it does not stand for the account.";
        EntryVanishedPrincipal "entry-vanished-principal" Medium, CREATE_ENTRIES:
            "The principal of an access entry no longer exists."
            "The entry lets nobody in, and whoever makes a principal of that name may expect that it does.";
        NodeEntryUnused "node-entry-unused" Low, CREATE_ENTRIES:
            "No managed node group uses the role of a node entry."
            "A node group that is gone left it behind, or nodes that EKS does not manage join with it.";
        NodeEntryWindowsOnLinux "node-entry-windows-on-linux" High, WINDOWS:
            "Windows nodes join through an access entry of type EC2_LINUX."
            "Without the group of Windows nodes, kube-proxy there cannot work, and DNS fails.";
        ScopeNamespaceMissing "scope-namespace-missing" Medium, ACCESS_POLICIES:
            "The scope of an access policy names a namespace that does not exist."
            "EKS does not check it: the policy grants nothing there until somebody makes a namespace of that name.";
    }
    AwsAuth {
        AwsAuthDead "aws-auth-dead" Low, AUTHENTICATOR:
            "A row of aws-auth lets nobody in."
            "It has no effect, whatever it seems to say.";
        AwsAuthIgnored "aws-auth-ignored" High .. Low, ACCESS_MODES:
            "aws-auth has rows, and the authentication mode of the cluster does not read them."
            "They have no effect: administrators and nodes that have no access entry are locked out.";
        AwsAuthInstanceTemplate "aws-auth-instance-template" Medium, AUTHENTICATOR:
            "The username of a row needs the id of an instance, and no instance can assume the role."
            "The template cannot be filled in for anybody who can: authentication fails.";
        AwsAuthKey "aws-auth-key" High .. Low, AWS_AUTH:
            "A key of aws-auth yields no rows, or fewer than it holds: it cannot be parsed, is no list, starts with an \
             empty YAML document, has text after its first document, or is misspelled."
            "What is not read counts as absent, so the principals there have no access. Earlier rows are not kept.";
        AwsAuthMapAccounts "aws-auth-map-accounts" High, AUTHENTICATOR:
            "mapAccounts lets every principal of an account in."
            "Whoever runs that account decides who gets in, and names of its principals count as user names.";
        AwsAuthMasters "aws-auth-masters" High, RBAC_PRACTICES:
            "A row of aws-auth gives system:masters."
            "The group may do everything, and no binding, policy or admission rule of RBAC restricts it.";
        AwsAuthNeverMatches "aws-auth-never-matches" Medium, AWS_AUTH:
            "A row of aws-auth names an ARN that no caller has: with a path, of a session, with a wildcard or blanks."
            "Callers are compared by the ARN of their role without its path: the row lets nobody in.";
        AwsAuthRowDefect "aws-auth-row-defect" Medium .. Low, AUTHENTICATOR:
            "A row of aws-auth has a field that is missing, of the wrong type or not known."
            "The row does not say what its writer meant.";
        AwsAuthShadowed "aws-auth-shadowed" Low, ACCESS_MODES:
            "An access entry or another row overrides a row of aws-auth."
            "The row has no effect while the other stands.";
    }
    Irsa {
        IrsaAction "irsa-action" Medium, TRUST_OIDC:
            "A trust policy lets the OIDC provider do sts:AssumeRole."
            "Tokens are exchanged with sts:AssumeRoleWithWebIdentity: the statement never applies.";
        IrsaAndPodIdentity "irsa-and-pod-identity" Low, POD_IDENTITY:
            "A service account has both an IRSA annotation and a Pod Identity association."
            "Pods use the one or the other by when they were made.";
        IrsaAnnotationNoArn "irsa-annotation-no-arn" Medium, WEBHOOK:
            "The annotation of a service account is not the ARN of a role."
            "Pods get it all the same, and STS refuses it.";
        IrsaAnnotationOnPod "irsa-annotation-on-pod" Medium, WEBHOOK:
            "Pods carry the annotation that belongs on the service account."
            "Nothing reads it there: they run without the role.";
        IrsaAudienceMismatch "irsa-audience-mismatch" Medium, WEBHOOK:
            "The token is made out for another audience than the trust policy asks for."
            "STS refuses it.";
        IrsaDenied "irsa-denied" Medium, IRSA_ROLE:
            "The trust policy of the role does not let the service account in."
            "STS refuses its token.";
        IrsaEnvPreset "irsa-env-preset" Medium, WEBHOOK:
            "Pods set the variables of web identity by hand."
            "The webhook leaves such containers alone; what was written by hand decides, also over Pod Identity.";
        IrsaExplicitDeny "irsa-explicit-deny" Medium, EVALUATION:
            "A statement of the trust policy denies a service account its role."
            "STS refuses its token, whatever else allows it.";
        IrsaForAllValues "irsa-for-all-values" High, MULTIVALUED_KEYS:
            "A condition on the subject or the audience uses ForAllValues."
            "It also holds where the token has no such key: it narrows nothing for sure.";
        IrsaIfExists "irsa-if-exists" High, CONDITION_OPERATORS:
            "A condition on the subject uses IfExists."
            "It also holds where the token has no such key: it narrows nothing for sure.";
        IrsaKeyAbsent "irsa-key-absent" Medium, CONTEXT_KEYS:
            "A trust policy asks a service account's token for a condition key that such requests never have."
            "The statement never applies: STS refuses the token.";
        IrsaKeyMalformed "irsa-key-malformed" Medium, IRSA_ROLE:
            "A condition of a trust policy has a key with a scheme or a slash too many."
            "No token has that key: the statement never applies.";
        IrsaKeyOtherIssuer "irsa-key-other-issuer" Medium, IRSA_ROLE:
            "A condition of a trust policy has a key of another issuer than the principal."
            "No token of the cluster has that key: the statement never applies.";
        IrsaLiteralWildcard "irsa-literal-wildcard" Medium, CONDITION_OPERATORS:
            "A condition compares literally with a value that has a wildcard."
            "No token has that value: the statement never applies.";
        IrsaNoAudience "irsa-no-audience" Medium, TRUST_OIDC:
            "A trust policy does not ask for the audience of the token."
            "Tokens that were made out for somebody else count too, as far as the client ids of the provider allow.";
        IrsaNoSubject "irsa-no-subject" High, IRSA_ROLE:
            "A trust policy does not ask for the subject of the token."
            "Every service account of the cluster may assume the role.";
        IrsaOtherIssuer "irsa-other-issuer" Medium, IRSA_ROLE:
            "A trust policy names the issuer of another cluster, and not that of this one."
            "No service account of this cluster gets the role, and those of the other one may.";
        IrsaPodOlder "irsa-pod-older" Medium, IRSA_PODS:
            "Pods run that have none of the variables of IRSA though their service account is annotated."
            "They run without the role until they are recreated.";
        IrsaProviderAudience "irsa-provider-audience" Medium, OIDC_PROVIDER:
            "The OIDC provider does not list the audience of the token among its client ids."
            "STS refuses the token.";
        IrsaProviderMalformed "irsa-provider-malformed" Medium, IRSA_ROLE:
            "A trust policy names an OIDC provider by an ARN that has the scheme of the issuer in it, or the issuer twice."
            "No provider has that ARN: the statement never applies.";
        IrsaProviderMissing "irsa-provider-missing" Medium, OIDC_PROVIDER:
            "The account of the role has no OIDC provider for the issuer of the cluster."
            "STS refuses every token of the cluster.";
        IrsaRoleAccount "irsa-role-account" Low, IRSA_ROLE:
            "The annotated role is of another account, and this account has one of the same name."
            "The account may be a slip.";
        IrsaRoleMissing "irsa-role-missing" Medium, IRSA_ROLE:
            "The role in the annotation of a service account does not exist."
            "STS refuses its tokens, and whoever makes a role of that name decides what its pods may do.";
        IrsaRolePartition "irsa-role-partition" Medium, ARNS:
            "The annotation of a service account names a role of another partition, and the partition of the cluster has one of \
             that name that lets the service account in."
            "Nobody gets a role of another partition by STS of this one; the partition is most likely a slip.";
        IrsaRolePath "irsa-role-path" Medium, ROLE_NAMES:
            "The annotation of a service account leaves out the path of the role."
            "No role has that ARN: STS refuses its tokens.";
        IrsaSkipped "irsa-skipped" Medium, WEBHOOK:
            "Pods ask the webhook to leave them or a container alone, and their service account has a role."
            "They run without the role.";
        IrsaStaleProvider "irsa-stale-provider" Medium, OIDC_PROVIDER:
            "A trust policy names an OIDC provider that the account no longer has."
            "Whoever makes a provider of that name again is let in.";
        IrsaSubjectMismatch "irsa-subject-mismatch" Medium, IRSA_ROLE:
            "The trust policy names other service accounts than the one that asks for the role."
            "STS refuses its token; case counts.";
        IrsaSubjectWide "irsa-subject-wide" High, IDENTITY_PRACTICES:
            "A trust policy takes subjects of any namespace, or only rules some out."
            "Service accounts of other namespaces may assume the role.";
        RolePolicyVariable "role-policy-variable" Medium, VARIABLES:
            "A policy of a workload's role has a variable in its resources that is no context key of IAM."
            "Nothing fills it in: the statement names no resource that exists.";
        WorkloadUnused "workload-unused" Low, IRSA_PODS:
            "A service account has a role, and no running pod uses it."
            "Whoever may make pods in its namespace may have the role; nobody needs it now.";
    }
    PodIdentity {
        PodIdentityAddonDrift "pod-identity-addon-drift" Low, POD_IDENTITY_ADDONS:
            "An association of an add-on was changed by hand, or its add-on is gone."
            "The next update of the add-on undoes the change; without the add-on nothing looks after it.";
        PodIdentityAgentMissing "pod-identity-agent-missing" High, POD_IDENTITY_AGENT:
            "There are associations, and the Pod Identity agent does not run."
            "No pod gets credentials by Pod Identity.";
        PodIdentityAgentNotOnNode "pod-identity-agent-not-on-node" Medium, POD_IDENTITY_AGENT:
            "Pods with an association run on a node without an agent that is ready."
            "They get no credentials there.";
        PodIdentityBlocked "pod-identity-blocked" Medium, POD_IDENTITY:
            "Pods with an association have a proxy, and nothing keeps the calls to the agent from it."
            "Where the SDK takes a proxy for link-local addresses, the calls fail: they get no credentials.";
        PodIdentityInert "pod-identity-inert" Medium, POD_IDENTITY:
            "Pods with an association run on Fargate or Windows."
            "There is no agent there: they get no credentials.";
        PodIdentityKeyAbsent "pod-identity-key-absent" Medium, CONTEXT_KEYS:
            "A trust policy asks Pod Identity for a condition key that its requests never have."
            "The statement never applies: EKS cannot assume the role for pods.";
        PodIdentityNetworkPolicy "pod-identity-network-policy" Medium, POD_IDENTITY_AGENT:
            "A network policy keeps pods with an association from the agent."
            "Where the cluster enforces network policies, they get no credentials.";
        PodIdentityNoNamespace "pod-identity-no-namespace" Medium, POD_IDENTITY_ASSOCIATION:
            "An association names a namespace that the cluster does not have."
            "EKS does not check it: the association does nothing until somebody makes that namespace.";
        PodIdentityNoServiceAccount "pod-identity-no-service-account" Medium, POD_IDENTITY_ASSOCIATION:
            "An association names a service account that the cluster does not have."
            "EKS does not check it: the association does nothing until somebody makes that service account.";
        PodIdentityNoTagSession "pod-identity-no-tag-session" Medium, POD_IDENTITY_ROLE:
            "The trust policy of the role does not allow sts:TagSession."
            "Pod Identity tags every session, unless the association turns that off: its pods get no credentials.";
        PodIdentityNoTrust "pod-identity-no-trust" Medium, POD_IDENTITY_ROLE:
            "The trust policy of the role does not let Pod Identity in."
            "Its pods get no credentials.";
        PodIdentityNodeRole "pod-identity-node-role" Medium, POD_IDENTITY_AGENT:
            "The role of a node does not allow eks-auth:AssumeRoleForPodIdentity."
            "Pods with an association get no credentials on that node.";
        PodIdentityPodOlder "pod-identity-pod-older" Medium, POD_IDENTITY_ASSOCIATION:
            "Pods run that were made before the association."
            "They have no variables of Pod Identity: they run without the role until they are recreated.";
        PodIdentityPolicyWithTags "pod-identity-policy-with-tags" Medium, POD_IDENTITY_TAGS:
            "An association has a session policy while session tags are on."
            "EKS does not take the two together.";
        PodIdentityRoleAccount "pod-identity-role-account" Medium, POD_IDENTITY_TARGET:
            "The role of an association is of another account than the cluster."
            "EKS takes roles of its own account alone; others are reached through a target role.";
        PodIdentityRoleMissing "pod-identity-role-missing" Medium, POD_IDENTITY_ASSOCIATION:
            "The role of an association does not exist."
            "Its pods get no credentials.";
        PodIdentityRoleRecreated "pod-identity-role-recreated" Low, POD_IDENTITY_ASSOCIATION:
            "The role of an association was made after the association was last set."
            "It is a new role under an old name, and whether it works is not documented.";
        PodIdentityTagCondition "pod-identity-tag-condition" Medium, POD_IDENTITY_TAGS:
            "A condition of the trust policy asks for tags of another cluster, namespace or service account."
            "Its pods get no credentials.";
        PodIdentityTarget "pod-identity-target" Medium, POD_IDENTITY_TARGET:
            "The first role of an association may not assume the target role, by that one's trust policy or by its own \
             policies."
            "Its pods get no credentials.";
    }
    Roles {
        CapabilityRoleUnmapped "capability-role-unmapped" Medium, CAPABILITY_ROLE:
            "The role of a capability is not let into the cluster."
            "The capability can do nothing there.";
        FargateRoleUnmapped "fargate-role-unmapped" High, FARGATE_ROLE:
            "The role of a Fargate profile has neither an access entry nor a row that lets it in."
            "Its pods cannot start.";
        NodeRoleUnmapped "node-role-unmapped" High, ACCESS_ENTRIES:
            "The role of nodes has neither an access entry nor a row that lets nodes in."
            "Its nodes cannot join the cluster.";
        RoleMissing "role-missing" Medium, SERVICE_ROLES:
            "A part of the cluster names a role that is not there."
            "It has no credentials, and whoever makes a role of that name decides what it may do.";
        RolePolicyMissing "role-policy-missing" Medium .. Low, MANAGED_POLICIES:
            "A role lacks what the part of the cluster that uses it needs."
            "That part does not work, wholly or in some of what it does.";
        RolePolicyNamesake "role-policy-namesake" Low, MANAGED_POLICIES:
            "A role has a policy of the account that has the name of one of AWS."
            "It looks like the policy that is needed, and nobody but the account keeps what it says.";
        RoleRegistryWide "role-registry-wide" Low, NODE_ROLE:
            "A role may pull images from every registry of the account, where less would do."
            "Its nodes read images that their workloads do not use.";
        RoleShared "role-shared" Medium, IDENTITY_PRACTICES:
            "One role serves parts of the cluster that need roles of their own."
            "One of them has what only the other should, or does not work.";
        RoleTooWide "role-too-wide" High .. Medium, IDENTITY_PRACTICES:
            "A role of the cluster has far more than the part that uses it needs."
            "Whoever takes over a node, or reaches its metadata service, has all of it.";
        RoleTrust "role-trust" High .. Medium, SERVICE_ROLES:
            "The part of the cluster that uses a role cannot assume it."
            "It has no AWS credentials.";
    }
    Rbac {
        RbacBind "rbac-bind" High .. Medium, RBAC_ESCALATION:
            "A binding lets its subjects bind roles that allow more than they hold themselves."
            "They can bind cluster-admin to themselves.";
        RbacEscalate "rbac-escalate" High .. Medium, RBAC_ESCALATION:
            "A binding lets its subjects write roles that allow more than they hold themselves."
            "They can give their own role everything.";
        RbacEverything "rbac-everything" High .. Low, RBAC_PRACTICES:
            "A binding gives its subjects everything, in the cluster or in kube-system."
            "Whoever has one of them, a pod that was taken over included, has the cluster.";
        RbacImpersonate "rbac-impersonate" High .. Medium, RBAC_PRACTICES:
            "A binding lets its subjects act as others: users, groups or service accounts."
            "They have what the most powerful of those has.";
        RbacNodesProxy "rbac-nodes-proxy" High .. Medium, RBAC_PRACTICES:
            "A binding lets its subjects reach the kubelets through nodes/proxy."
            "They run commands in every pod of a node, past admission and the audit log.";
        RbacSecrets "rbac-secrets" High .. Medium, RBAC_PRACTICES:
            "A binding lets its subjects read Secrets in the whole cluster, or in kube-system."
            "They have every password, key and service account token that is stored there.";
        RbacTokens "rbac-tokens" High .. Medium, RBAC_PRACTICES:
            "A binding lets its subjects make tokens of service accounts, in the cluster or in kube-system."
            "They have what the most powerful of those service accounts has.";
    }
    Posture {
        AuthenticationMode "authentication-mode" Medium .. Low, ACCESS_MODES:
            "The cluster still reads aws-auth."
            "Who gets in stands in one ConfigMap, where a slip of the pen locks everybody out.";
        AutoModeNodes "auto-mode-nodes" High, AUTO_NODE_ROLE:
            "EKS Auto Mode is on, and no role of its nodes is let in: it has no built-in node pools and no access \
             entry of type EC2."
            "No node of Auto Mode joins the cluster.";
        AwsAuthWriters "aws-auth-writers" High .. Medium, AWS_AUTH:
            "The cluster reads aws-auth, and somebody who is no administrator may write it."
            "Whoever may writes a row that gives system:masters to any IAM principal.";
        ClusterHealth "cluster-health" High .. Medium, CLUSTER_HEALTH:
            "EKS reports an issue of the cluster: a key, role, subnet, security group or VPC that it needs is gone, disabled or \
             out of reach."
            "EKS cannot update the cluster, and where the key is lost, nobody can start it again.";
        Encryption "encryption" Medium, ENCRYPTION:
            "Secrets are stored without envelope encryption."
            "Whoever reads the storage of the API server reads them.";
        EndpointPrivate "endpoint-private" Low, ENDPOINT:
            "The endpoint is not open within the VPC."
            "Nodes and Fargate pods reach the API server from outside, or not at all.";
        EndpointPublic "endpoint-public" Medium, ENDPOINT:
            "The endpoint of the API server is open to every address."
            "Only authentication stands between the internet and the API server.";
        HiddenCreator "hidden-creator" Medium, ACCESS_ENTRIES:
            "Whoever made the cluster is an administrator for good and stands in no list."
            "No API tells who it is, and nothing takes it away while the mode is CONFIG_MAP.";
        LogsAudit "logs-audit" Medium, LOGS:
            "The audit log is off."
            "Nobody can say afterwards who did what.";
        LogsAuthenticator "logs-authenticator" Medium, LOGS:
            "The log of the authenticator is off."
            "Why somebody was refused is not seen from the side of the cluster.";
        MapAccounts "map-accounts" High, AUTHENTICATOR:
            "mapAccounts lets every principal of an account in."
            "Whoever runs that account decides who gets in.";
        OidcProvider "oidc-provider" Medium, OIDC_PROVIDER:
            "The account has no OIDC provider for the cluster though service accounts ask for roles, or it lacks the \
             audience."
            "Those service accounts get no role.";
        PodIdentityAgent "pod-identity-agent" High .. Medium, POD_IDENTITY_AGENT:
            "The Pod Identity agent does not run, or not on every node, though there is an add-on or associations."
            "Pods with an association get no credentials.";
        PodSecurity "pod-security" Medium .. Low, POD_SECURITY:
            "A namespace enforces no level of Pod Security, or privileged."
            "Any pod there may take over its node, and with it the role of the node.";
    }
}
