//! Who gets into the cluster, as whom, to do what: situations from issue trackers.

use super::{Case, NO, UNKNOWN, YES, ask, case, not};

const NODES: &str = "Error from server (Forbidden): nodes is forbidden: User \
                     \"arn:aws:sts::111122223333:assumed-role/lead/ann\" cannot list resource \"nodes\" in API group \"\" at \
                     the cluster scope";
const LEAD: &str = "arn:aws:iam::111122223333:role/squads/lead";

pub(super) const CASES: &[Case] = &[
    case(
        "w02-nodes",
        "aws/containers-roadmap issue 2472: Provide list/get nodes permissions to AmazonEKSAdminPolicy",
        "neither AmazonEKSAdminPolicy nor AmazonEKSViewPolicy has nodes (EKS User Guide, access policy permissions); the \
         narrowest fix is a ClusterRole with list on nodes, then the group that exists; a wide policy is folded away",
        &[
            ask(&["can", LEAD, "list", "nodes"], NO, &["denied"]),
            ask(&["can", LEAD, "get", "nodes"], NO, &["denied"]),
            ask(&["can", LEAD, "list", "pods", "-n", "docks"], YES, &["AmazonEKS"]),
            ask(
                &["explain", NODES],
                NO,
                &[
                    "fix            Create ClusterRole",
                    "or             Add group node-listers",
                    "broader        Associate AmazonEKSAdminViewPolicy",
                ],
            ),
        ],
    ),
    case(
        "w02b-nodes-no-group",
        "aws/containers-roadmap issue 2472, without a group that can",
        "as with the group, and no group is proposed; the wide policies stay folded away",
        &[not(
            &["explain", NODES],
            NO,
            &["fix            Create ClusterRole", "broader        Associate AmazonEKSAdminViewPolicy"],
            &["Add group"],
        )],
    ),
    case(
        "w04-recreated-entry",
        "kubernetes-sigs/cluster-api-provider-aws issue 6176: Stop recreating EKS access entries when username is unset",
        "the entry is in force and gives no rights; the row that it hides has no effect, and would have given edit",
        &[
            ask(
                &["trace", "squad", "-o", "json"],
                YES,
                &["\"access-entry\"", "\"shadowed\"", "\"accessPolicies\": []"],
            ),
            ask(&["list", "aws-auth", "-o", "json"], YES, &["\"shadowed\"", "\"aws-auth-shadowed\""]),
            ask(&["audit"], YES, &["entry-and-row-differ", "entry-grants-nothing"]),
        ],
    ),
    case(
        "w04-recreated-entry",
        "kubernetes-sigs/cluster-api-provider-aws issue 6176; its tag is kubernetes.io/cluster/NAME=owned (accessentry.go)",
        "a plan that changes the entry says that Cluster API manages it",
        &[ask(&["revoke", "squad"], YES, &["managed-elsewhere"])],
    ),
    case(
        "w06-pipeline",
        "adorsys/status-list-server issue 434: Deploy to EKS fails: deploy IAM role not mapped",
        "the role has no mapping; an entry with AmazonEKSEditPolicy in the namespace is enough (helm keeps its releases in \
         Secrets, which it has); ClusterAdmin is asked about",
        &[
            ask(
                &["trace", "arn:aws:sts::111122223333:assumed-role/pipeline-production/github"],
                NO,
                &["no access entry"],
            ),
            not(
                &[
                    "grant",
                    "arn:aws:iam::111122223333:role/pipeline-production",
                    "--policy",
                    "Edit",
                    "-n",
                    "status-list",
                ],
                YES,
                &["CreateAccessEntry", "AmazonEKSEditPolicy"],
                &["cluster-admin", "blocks  "],
            ),
            ask(
                &[
                    "grant",
                    "arn:aws:iam::111122223333:role/pipeline-production",
                    "--policy",
                    "ClusterAdmin",
                    "--cluster-wide",
                ],
                YES,
                &["asks   cluster-admin"],
            ),
        ],
    ),
    // RBAC is not in the world, so that who else may do everything stays unknown.
    case(
        "w08-no-creator",
        "pulumi/pulumi-aws issues 4096 and 3997: bootstrapClusterCreatorAdminPermissions set to false",
        "there is no hidden creator: nobody is an administrator, and the mode must be changed to make one",
        &[
            not(&["who-can", "*", "*"], UNKNOWN, &[], &["creator"]),
            not(&["list", "posture"], YES, &[], &["in system:masters for good"]),
        ],
    ),
    case(
        "w08-no-creator",
        "pulumi/pulumi-aws issues 4096 and 3997",
        "the node role alone gets in, by its row",
        &[
            ask(&["trace", "arn:aws:iam::111122223333:role/orphan-node"], YES, &["mapRoles[0]"]),
            ask(&["list", "posture"], YES, &["CONFIG_MAP"]),
        ],
    ),
    case(
        "w11-api-only",
        "aws-samples/eks-workshop-v2 issue 1863: the lab assumes aws-auth, and the cluster is API only",
        "the row is ignored, and the administrators are locked out (high); an entry with AmazonEKSClusterAdminPolicy mends it, \
         since system:masters cannot be a group of an entry",
        &[
            ask(&["trace", "arn:aws:iam::111122223333:role/course-admins"], NO, &["ignored"]),
            ask(&["audit"], NO, &["high aws-auth-ignored", "create-access-entry", "AmazonEKSClusterAdminPolicy"]),
        ],
    ),
    case(
        "w13-bare-braces",
        "kubernetes-sigs/metrics-server issue 58 (comment of 2022), and ParseMap of aws-iam-authenticator",
        "`username: {{SessionName}}` without quotes is no key that YAML takes: all of mapRoles is empty; mapUsers stands",
        &[
            ask(
                &["audit"],
                NO,
                &["high aws-auth-key", "high node-role-unmapped", "aws-auth-masters  aws-auth mapUsers[0]"],
            ),
            ask(&["list", "aws-auth", "-o", "json"], YES, &["\"dead\"", "\"in-force\""]),
        ],
    ),
    case(
        "w15-node-role-name",
        "aws/karpenter-provider-aws issues 3557 and 6627",
        "the row names a role that does not exist; the role of the instance profile needs an entry of type EC2_LINUX",
        &[
            ask(&["audit"], NO, &["high node-role-unmapped", "role/raft-nodes --type EC2_LINUX"]),
            ask(&["trace", "arn:aws:iam::111122223333:role/raft-nodes"], NO, &[]),
        ],
    ),
    case(
        "w15b-nodes-after-api",
        "aws/karpenter-provider-aws issue 3557, and pull request 2439",
        "mode API does not read the row: the nodes are locked out (high), and need an EC2_LINUX entry, never STANDARD",
        &[
            not(&["audit"], NO, &["high aws-auth-ignored", "--type EC2_LINUX"], &["--type STANDARD"]),
            not(
                &[
                    "explain",
                    "error: You must be logged in to the server (Unauthorized): \
                     arn:aws:sts::111122223333:assumed-role/raft-nodes/i-0123456789abcdef0",
                ],
                NO,
                &["--type EC2_LINUX"],
                &["--type STANDARD"],
            ),
        ],
    ),
    case(
        "w15c-nodes-by-row",
        "aws/karpenter-provider-aws issue 6627",
        "the row lets the nodes in, and mode API would lock them out",
        &[
            ask(&["trace", "arn:aws:iam::111122223333:role/raft-nodes"], YES, &["mapRoles[0]"]),
            ask(&["list", "posture"], YES, &["(1 of them nodes)"]),
            not(&["audit"], YES, &[], &["node-role-unmapped", "high "]),
        ],
    ),
    case(
        "w17-root-entry",
        "kubernetes-sigs/aws-iam-authenticator issue 797: accepts yet ignores :root",
        "EKS takes the entry, and it is the root user's alone; it can be revoked",
        &[
            ask(&["trace", "arn:aws:iam::111122223333:root"], YES, &[]),
            ask(&["trace", "arn:aws:iam::111122223333:role/anybody"], NO, &[]),
            ask(&["audit"], YES, &["entry-root-user"]),
            ask(&["revoke", "arn:aws:iam::111122223333:root"], YES, &["DeleteAccessEntry"]),
        ],
    ),
    case(
        "w18-migrate",
        "kubernetes/k8s.io issue 7062: eks-prow-build-cluster: Enable EKS Access Entries",
        "mode API would lock out the rows without an entry: spot-node, admin and byname (rows 1, 3 and 4)",
        &[
            ask(&["list", "posture"], YES, &["3 rows", "mapRoles[1], mapRoles[3], mapRoles[4]"]),
            ask(
                &["plan", "tests/worlds/cases/plan18.yaml"],
                YES,
                &[
                    "CreateAccessEntry      role/spot-node  EC2_LINUX",
                    "asks   aws-auth-shadowed  role/admin",
                    "asks   aws-auth-shadowed  role/byname",
                    "asks   aws-auth-shadowed  role/spot-node",
                ],
            ),
            ask(
                &["can", "arn:aws:iam::111122223333:role/byname", "get", "pods", "-n", "jobs"],
                YES,
                &["ClusterRoleBinding viewers"],
            ),
            ask(
                &["can", "arn:aws:iam::111122223333:role/byname", "delete", "pods", "-n", "jobs"],
                UNKNOWN,
                &["RoleBindings"],
            ),
        ],
    ),
];
