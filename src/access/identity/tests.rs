//! One row for every fact that identity depends on.

use super::*;
use crate::model::cluster::AccessConfig;
use crate::model::document::read;
use crate::model::facts::snapshot_of;
use crate::model::failure::{Failure, FailureKind};
use crate::model::snapshot::{Snapshot, Source};

const ROLE: &str = "arn:aws:iam::111122223333:role/teams/blue/deployer";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/deployer/jane@corp.com";
const NODE_SESSION: &str = "arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0";

/// Roles and users that exist; `remade` was made again after every entry of the table.
const IAM: &str = r#"
iam:
  RoleDetailList:
  - {RoleName: deployer, Path: /teams/blue/, Arn: "arn:aws:iam::111122223333:role/teams/blue/deployer", CreateDate: 2024-01-01T00:00:00Z}
  - {RoleName: plain, Path: /, Arn: "arn:aws:iam::111122223333:role/plain", CreateDate: 2024-01-01T00:00:00Z}
  - {RoleName: remade, Path: /, Arn: "arn:aws:iam::111122223333:role/remade", CreateDate: 2025-06-01T00:00:00Z}
  - {RoleName: node, Path: /, Arn: "arn:aws:iam::111122223333:role/node", CreateDate: 2024-01-01T00:00:00Z}
  - {RoleName: AWSReservedSSO_Admins_0123456789abcdef, Path: /aws-reserved/sso.amazonaws.com/eu-west-1/, Arn: "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admins_0123456789abcdef", CreateDate: 2024-01-01T00:00:00Z}
  UserDetailList:
  - {UserName: ann, Path: /ops/, Arn: "arn:aws:iam::111122223333:user/ops/ann", CreateDate: 2024-01-01T00:00:00Z}
"#;

/// A world of one cluster. `entries` are `arn | type | username | groups`, one a line; `aws_auth` is the ConfigMap's
/// `data`, or empty for none.
fn world(mode: &str, entries: &str, aws_auth: &str) -> Snapshot {
    let entries: String = entries
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let mut field = line.split('|').map(str::trim);
            let mut next = || field.next().unwrap_or_default();
            let (arn, kind, username, groups) = (next(), next(), next(), next());
            let kind = if kind.is_empty() { "STANDARD" } else { kind };
            let username = if username.is_empty() { String::new() } else { format!("username: {username:?}, ") };
            format!(
                "  - {{principalArn: {arn:?}, type: {kind}, {username}kubernetesGroups: [{groups}], \
                 createdAt: 2025-01-01T00:00:00Z, associatedAccessPolicies: []}}\n"
            )
        })
        .collect();
    let entries =
        if entries.is_empty() { "  accessEntries: []\n".to_owned() } else { format!("  accessEntries:\n{entries}") };
    let data: serde_json::Value = serde_saphyr::from_str(aws_auth).expect(aws_auth);
    let none = if aws_auth.trim().is_empty() { "sections: {c/awsAuth: {state: empty}}\n" } else { "" };
    let config_map = if aws_auth.trim().is_empty() {
        String::new()
    } else {
        format!("  - {{kind: ConfigMap, metadata: {{name: aws-auth, namespace: kube-system}}, data: {data}}}\n")
    };
    let text = format!(
        "eksplorer: 1\ntakenAt: 2026-11-24T06:00:00Z\nregion: eu-west-1\n\
         caller: {{Account: '111122223333', Arn: 'arn:aws:iam::111122223333:user/ops/ann'}}\nclusters:\n\
         - cluster: {{name: c, arn: 'arn:aws:eks:eu-west-1:111122223333:cluster/c', accessConfig: {{authenticationMode: {mode}}}}}\n{entries}  kubernetes:\n{config_map}\
         \x20 - {{kind: Node, metadata: {{name: ip-10-0-0-7.eu-west-1.compute.internal}}, spec: {{providerID: 'aws:///eu-west-1a/i-0123456789abcdef0'}}}}\n{IAM}{none}"
    );
    snapshot_of(&read(&text).unwrap_or_else(|error| panic!("{error}\n{text}")), Source::default())
}

fn resolve(snapshot: &Snapshot, ask: &str) -> Resolution {
    let facts = snapshot.facts.values().next().expect("one cluster");
    Resolver::new(facts, &snapshot.iam).resolve(&Asked::from_arn(ask).expect(ask))
}

/// A resolution in one line: what it maps to, then every other mapping with its state.
fn told(resolution: &Resolution) -> String {
    let mut out = match (&resolution.verdict, &resolution.mapping, &resolution.identity) {
        (Verdict::Yes, Some(mapping), Some(identity)) => {
            format!("{} as {:?} in {:?}", mapping.source, identity.username, identity.groups.join(","))
        }
        (Verdict::Yes, Some(mapping), None) => mapping.source.to_string(),
        (Verdict::No, ..) => "nobody".to_owned(),
        _ => "unknown".to_owned(),
    };
    for other in &resolution.others {
        out.push_str(&format!("; {} {}", other.source, other.state));
    }
    out
}

struct Row {
    /// Section of the reference and the fact.
    fact: &'static str,
    mode: &'static str,
    entries: &'static str,
    aws_auth: &'static str,
    ask: &'static str,
    told: &'static str,
    /// Must occur in the reason, the others' reasons, or what is unverified.
    says: &'static str,
}

const BOTH: &str = "API_AND_CONFIG_MAP";
const API: &str = "API";
const CM: &str = "CONFIG_MAP";

#[rustfmt::skip]
const TABLE: &[Row] = &[
    // authentication modes and precedence
    Row { fact: "CONFIG_MAP reads aws-auth", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: u, groups: [g]}]'", ask: SESSION, told: "aws-auth mapRoles[0] as \"u\" in \"g\"", says: "creator" },
    Row { fact: "CONFIG_MAP does not read entries", mode: CM, entries: "arn:aws:iam::111122223333:role/teams/blue/deployer || u | g", aws_auth: "", ask: SESSION, told: "nobody; access entry ignored", says: "does not read access entries" },
    Row { fact: "API reads entries", mode: API, entries: "arn:aws:iam::111122223333:role/teams/blue/deployer || u | g", aws_auth: "", ask: SESSION, told: "access entry as \"u\" in \"g\"", says: "its access entry is in force" },
    Row { fact: "API ignores aws-auth", mode: API, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: u}]'", ask: SESSION, told: "nobody; aws-auth mapRoles[0] ignored", says: "does not read aws-auth" },
    Row { fact: "API ignores malformed aws-auth rows too", mode: API, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/teams/blue/deployer, username: u}]'", ask: SESSION, told: "nobody; aws-auth mapRoles[0] ignored", says: "does not read aws-auth" },
    Row { fact: "both modes: the entry wins", mode: BOTH, entries: "arn:aws:iam::111122223333:role/teams/blue/deployer || u | g", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: m, groups: [system:masters]}]'", ask: SESSION, told: "access entry as \"u\" in \"g\"; aws-auth mapRoles[0] shadowed", says: "an access entry wins in this mode" },
    Row { fact: "both modes: aws-auth is the fallback", mode: BOTH, entries: "arn:aws:iam::111122223333:role/plain || u |", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: m, groups: [x]}]'", ask: SESSION, told: "aws-auth mapRoles[0] as \"m\" in \"x\"", says: "" },
    Row { fact: "nobody at all", mode: BOTH, entries: "", aws_auth: "", ask: SESSION, told: "nobody", says: "no access entry, and no row of aws-auth" },
    Row { fact: "creator: the hidden admin of a CONFIG_MAP cluster is unverified, not unknown", mode: CM, entries: "", aws_auth: "", ask: SESSION, told: "nobody", says: "hidden member of system:masters" },
    // types and default usernames
    Row { fact: "role: STS-style username without path, per session, @ → -", mode: API, entries: "arn:aws:iam::111122223333:role/teams/blue/deployer", aws_auth: "", ask: SESSION, told: "access entry as \"arn:aws:sts::111122223333:assumed-role/deployer/jane-corp.com\" in \"\"", says: "" },
    Row { fact: "role without a session: the template stays", mode: API, entries: "arn:aws:iam::111122223333:role/teams/blue/deployer", aws_auth: "", ask: ROLE, told: "access entry as \"arn:aws:sts::111122223333:assumed-role/deployer/{{SessionName}}\" in \"\"", says: "" },
    Row { fact: "user: its ARN", mode: API, entries: "arn:aws:iam::111122223333:user/ops/ann", aws_auth: "", ask: "arn:aws:iam::111122223333:user/ops/ann", told: "access entry as \"arn:aws:iam::111122223333:user/ops/ann\" in \"\"", says: "" },
    Row { fact: "custom username with {{SessionName}}", mode: API, entries: "arn:aws:iam::111122223333:role/teams/blue/deployer || adm:{{SessionName}} | g", aws_auth: "", ask: SESSION, told: "access entry as \"adm:jane-corp.com\" in \"g\"", says: "" },
    Row { fact: "{{SessionNameRaw}} leaves the @", mode: API, entries: "arn:aws:iam::111122223333:role/teams/blue/deployer || adm:{{SessionNameRaw}} | g", aws_auth: "", ask: SESSION, told: "access entry as \"adm:jane@corp.com\" in \"g\"", says: "" },
    Row { fact: "EC2_LINUX: node username by instance, groups of the type", mode: API, entries: "arn:aws:iam::111122223333:role/node | EC2_LINUX | |", aws_auth: "", ask: NODE_SESSION, told: "access entry as \"system:node:ip-10-0-0-7.eu-west-1.compute.internal\" in \"system:nodes\"", says: "" },
    Row { fact: "EC2_WINDOWS: groups of the type are unverified", mode: API, entries: "arn:aws:iam::111122223333:role/node | EC2_WINDOWS | |", aws_auth: "", ask: NODE_SESSION, told: "access entry as \"system:node:ip-10-0-0-7.eu-west-1.compute.internal\" in \"system:nodes,eks:kube-proxy-windows\"", says: "groups that EKS sets" },
    Row { fact: "FARGATE_LINUX: username by session", mode: API, entries: "arn:aws:iam::111122223333:role/node | FARGATE_LINUX | |", aws_auth: "", ask: "arn:aws:sts::111122223333:assumed-role/node/fargate-1", told: "access entry as \"system:node:fargate-1\" in \"system:nodes,system:node-proxier\"", says: "groups that EKS sets" },
    Row { fact: "HYBRID_LINUX: groups undocumented", mode: API, entries: "arn:aws:iam::111122223333:role/node | HYBRID_LINUX | |", aws_auth: "", ask: "arn:aws:sts::111122223333:assumed-role/node/mi-1", told: "access entry as \"system:node:mi-1\" in \"\"", says: "EKS does not document those of type HYBRID_LINUX" },
    Row { fact: "EC2 (own NodeClass): username undocumented", mode: API, entries: "arn:aws:iam::111122223333:role/node | EC2 | |", aws_auth: "", ask: "arn:aws:sts::111122223333:assumed-role/node/x", told: "access entry", says: "EKS does not document it" },
    Row { fact: "HYPERPOD_LINUX: username undocumented", mode: API, entries: "arn:aws:iam::111122223333:role/node | HYPERPOD_LINUX | |", aws_auth: "", ask: "arn:aws:sts::111122223333:assumed-role/node/x", told: "access entry", says: "EKS does not document it" },
    // principals
    Row { fact: "an entry matches by principal, whatever the session ARN lacks of the path", mode: API, entries: "arn:aws:iam::111122223333:role/teams/blue/deployer || u |", aws_auth: "", ask: "arn:aws:sts::111122223333:assumed-role/Deployer/x", told: "access entry as \"u\" in \"\"", says: "" },
    Row { fact: "recreated principal: the entry is dead", mode: API, entries: "arn:aws:iam::111122223333:role/remade || u | g", aws_auth: "", ask: "arn:aws:iam::111122223333:role/remade", told: "nobody; access entry dead", says: "deleted and made again on 2025-06-01" },
    Row { fact: "recreated principal: an aws-auth row takes over", mode: BOTH, entries: "arn:aws:iam::111122223333:role/remade || u | g", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/remade, username: m, groups: [x]}]'", ask: "arn:aws:iam::111122223333:role/remade", told: "aws-auth mapRoles[0] as \"m\" in \"x\"; access entry dead", says: "upstream does, EKS does not say" },
    Row { fact: "vanished principal: nobody can sign as it", mode: BOTH, entries: "arn:aws:iam::111122223333:role/gone || u | g", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/gone, username: m}]'", ask: "arn:aws:iam::111122223333:role/gone", told: "nobody; access entry dead; aws-auth mapRoles[0] dead", says: "has no role gone" },
    Row { fact: "a role made again under another path: the old entry is dead", mode: API, entries: "arn:aws:iam::111122223333:role/old/deployer || u | g", aws_auth: "", ask: SESSION, told: "nobody; access entry dead", says: "another path" },
    Row { fact: "of two entries under one name, the one of the present path decides", mode: API, entries: "arn:aws:iam::111122223333:role/old/deployer || o | g\narn:aws:iam::111122223333:role/teams/blue/deployer || n | g", aws_auth: "", ask: SESSION, told: "access entry as \"n\" in \"g\"; access entry dead", says: "another path" },
    Row { fact: "an ARN with a wrong path is nobody's", mode: API, entries: "arn:aws:iam::111122223333:role/teams/blue/deployer || u | g", aws_auth: "", ask: "arn:aws:iam::111122223333:role/teams/red/deployer", told: "nobody", says: "the one of that name is arn:aws:iam::111122223333:role/teams/blue/deployer" },
    Row { fact: "an entry of another path is not this foreign principal's", mode: API, entries: "arn:aws:iam::555566667777:role/b/partner || u | g", aws_auth: "", ask: "arn:aws:iam::555566667777:role/a/partner", told: "nobody; access entry dead", says: "which has another path" },
    Row { fact: "of two foreign entries under one name, the one of the asked path decides", mode: API, entries: "arn:aws:iam::555566667777:role/a/partner || a | g\narn:aws:iam::555566667777:role/b/partner || b | g", aws_auth: "", ask: "arn:aws:iam::555566667777:role/b/partner", told: "access entry as \"b\" in \"g\"; access entry dead", says: "" },
    Row { fact: "of two foreign entries under one name, a session's is not known", mode: API, entries: "arn:aws:iam::555566667777:role/a/partner || a | g\narn:aws:iam::555566667777:role/b/partner || b | g", aws_auth: "", ask: "arn:aws:sts::555566667777:assumed-role/partner/x", told: "unknown; access entry possible; access entry possible", says: "the path of role partner of account 555566667777" },
    Row { fact: "a role ARN without its path means the role of that name", mode: API, entries: "arn:aws:iam::111122223333:role/teams/blue/deployer || u | g", aws_auth: "", ask: "arn:aws:iam::111122223333:role/deployer", told: "access entry as \"u\" in \"g\"", says: "" },
    Row { fact: "cross-account entry: its unique id is unverified", mode: API, entries: "arn:aws:iam::555566667777:role/partner || u | g", aws_auth: "", ask: "arn:aws:sts::555566667777:assumed-role/partner/x", told: "access entry as \"u\" in \"g\"", says: "unique id of a role in account 555566667777" },
    Row { fact: "root has no entry", mode: API, entries: "arn:aws:iam::111122223333:role/plain || u |", aws_auth: "", ask: "arn:aws:iam::111122223333:root", told: "nobody", says: "no access entry" },
    // Identity Center
    Row { fact: "Identity Center: the entry has the whole path", mode: API, entries: "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admins_0123456789abcdef || a:{{SessionName}} | g", aws_auth: "", ask: "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admins_0123456789abcdef/jo@corp.com", told: "access entry as \"a:jo-corp.com\" in \"g\"", says: "" },
    Row { fact: "Identity Center: aws-auth has the ARN without path", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/AWSReservedSSO_Admins_0123456789abcdef, username: a}]'", ask: "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admins_0123456789abcdef/jo@corp.com", told: "aws-auth mapRoles[0] as \"a\" in \"\"", says: "" },
    Row { fact: "Identity Center: a stale suffix is another role", mode: BOTH, entries: "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admins_00000000deadbeef || a | g", aws_auth: "", ask: "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admins_0123456789abcdef/jo", told: "nobody", says: "" },
    // token and canonical form
    Row { fact: "a session is compared under its role's ARN, without path", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: u}]'", ask: SESSION, told: "aws-auth mapRoles[0] as \"u\" in \"\"", says: "" },
    Row { fact: "a rolearn with a path never matches", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/teams/blue/deployer, username: u}]'", ask: SESSION, told: "nobody; aws-auth mapRoles[0] dead", says: "has a path" },
    Row { fact: "a userarn keeps its path", mode: CM, entries: "", aws_auth: "mapUsers: '[{userarn: arn:aws:iam::111122223333:user/ops/ann, username: u}]'", ask: "arn:aws:iam::111122223333:user/ops/ann", told: "aws-auth mapUsers[0] as \"u\" in \"\"", says: "" },
    Row { fact: "a userarn without the user's path never matches", mode: CM, entries: "", aws_auth: "mapUsers: '[{userarn: arn:aws:iam::111122223333:user/ann, username: u}]'", ask: "arn:aws:iam::111122223333:user/ops/ann", told: "nobody; aws-auth mapUsers[0] dead", says: "path and all" },
    Row { fact: "root is unchanged", mode: CM, entries: "", aws_auth: "mapUsers: '[{userarn: arn:aws:iam::111122223333:root, username: root}]'", ask: "arn:aws:iam::111122223333:root", told: "aws-auth mapUsers[0] as \"root\" in \"\"", says: "" },
    Row { fact: "a federated user is unchanged", mode: CM, entries: "", aws_auth: "mapUsers: '[{userarn: arn:aws:sts::111122223333:federated-user/bob, username: b}]'", ask: "arn:aws:sts::111122223333:federated-user/bob", told: "aws-auth mapUsers[0] as \"b\" in \"\"", says: "" },
    Row { fact: "token.go: STS of another partition than the cluster's is refused", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws-cn:iam::555566667777:role/x, username: u}]'", ask: "arn:aws-cn:sts::555566667777:assumed-role/x/s", told: "nobody; aws-auth mapRoles[0] dead", says: "accepts no token for STS of partition aws-cn" },
    Row { fact: "token.go: the account of another partition's principal does not let it in", mode: CM, entries: "", aws_auth: "mapAccounts: '[\"555566667777\"]'", ask: "arn:aws-us-gov:sts::555566667777:assumed-role/x/s", told: "nobody; aws-auth mapAccounts[0] dead", says: "another partition" },
    Row { fact: "token.go: nor does an access entry", mode: API, entries: "arn:aws-cn:iam::555566667777:role/x || u | g", aws_auth: "", ask: "arn:aws-cn:sts::555566667777:assumed-role/x/s", told: "nobody; access entry dead", says: "another partition" },
    Row { fact: "the partition is part of the ARN", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws-cn:iam::555566667777:role/x, username: u}]'", ask: "arn:aws:sts::555566667777:assumed-role/x/s", told: "nobody", says: "" },
    Row { fact: "an account of the same number in another partition is another account", mode: API, entries: "arn:aws:iam::111122223333:role/teams/blue/deployer || u | g", aws_auth: "", ask: "arn:aws-cn:sts::111122223333:assumed-role/deployer/jane", told: "nobody", says: "" },
    Row { fact: "an unknown partition is refused", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws-moon:iam::555566667777:role/x, username: u}]'", ask: "arn:aws-moon:sts::555566667777:assumed-role/x/s", told: "nobody", says: "knows no partition" },
    // matching
    Row { fact: "comparison ignores case", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: ARN:aws:IAM::111122223333:Role/DEPLOYER, username: u}]'", ask: SESSION, told: "aws-auth mapRoles[0] as \"u\" in \"\"", says: "" },
    Row { fact: "a session ARN in the row never matches", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:sts::111122223333:assumed-role/deployer/jane, username: u}]'", ask: SESSION, told: "nobody; aws-auth mapRoles[0] dead", says: "names a session" },
    Row { fact: "trailing blank", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: \"arn:aws:iam::111122223333:role/deployer \", username: u}]'", ask: SESSION, told: "nobody; aws-auth mapRoles[0] dead", says: "blanks" },
    Row { fact: "wildcard", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: \"arn:aws:iam::111122223333:role/dep*\", username: u}]'", ask: SESSION, told: "nobody; aws-auth mapRoles[0] dead", says: "wildcard" },
    Row { fact: "mapRoles before mapUsers; a user ARN works in mapRoles", mode: CM, entries: "", aws_auth: "{mapRoles: '[{rolearn: arn:aws:iam::111122223333:user/ops/ann, username: r}]', mapUsers: '[{userarn: arn:aws:iam::111122223333:user/ops/ann, username: u}]'}", ask: "arn:aws:iam::111122223333:user/ops/ann", told: "aws-auth mapRoles[0] as \"r\" in \"\"; aws-auth mapUsers[0] shadowed", says: "mapRoles is read first" },
    Row { fact: "mapAccounts: username is the canonical ARN, no groups", mode: CM, entries: "", aws_auth: "mapAccounts: '[\"111122223333\"]'", ask: SESSION, told: "aws-auth mapAccounts[0] as \"arn:aws:iam::111122223333:role/deployer\" in \"\"", says: "every principal of account" },
    Row { fact: "mapAccounts only when no row matches", mode: CM, entries: "", aws_auth: "{mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: r}]', mapAccounts: '[\"111122223333\"]'}", ask: SESSION, told: "aws-auth mapRoles[0] as \"r\" in \"\"; aws-auth mapAccounts[0] shadowed", says: "" },
    Row { fact: "mapAccounts lets dead rows' principals in", mode: CM, entries: "", aws_auth: "{mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/teams/blue/deployer, username: r}]', mapAccounts: '[\"111122223333\"]'}", ask: SESSION, told: "aws-auth mapAccounts[0] as \"arn:aws:iam::111122223333:role/deployer\" in \"\"; aws-auth mapRoles[0] dead", says: "" },
    Row { fact: "a template error after a match is final", mode: CM, entries: "", aws_auth: "{mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: \"n:{{EC2PrivateDNSName}}\"}]', mapAccounts: '[\"111122223333\"]'}", ask: SESSION, told: "nobody; aws-auth mapRoles[0] dead; aws-auth mapAccounts[0] shadowed", says: "nothing else is tried" },
    Row { fact: "the sso form never matches", mode: CM, entries: "", aws_auth: "mapRoles: '[{sso: {permissionSetName: Admins, accountID: \"111122223333\"}, username: u}]'", ask: "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admins_0123456789abcdef/jo", told: "nobody", says: "" },
    // parsing
    Row { fact: "a key in the wrong case is ignored", mode: CM, entries: "", aws_auth: "maproles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: u}]'", ask: SESSION, told: "nobody; aws-auth mapRoles dead", says: "case-sensitive" },
    Row { fact: "inner keys in any case", mode: CM, entries: "", aws_auth: "mapRoles: '[{RoleARN: arn:aws:iam::111122223333:role/deployer, userName: u, GROUPS: [g]}]'", ask: SESSION, told: "aws-auth mapRoles[0] as \"u\" in \"g\"", says: "" },
    Row { fact: "broken YAML empties the whole key", mode: CM, entries: "", aws_auth: "mapRoles: \"- rolearn: arn:aws:iam::111122223333:role/deployer\\n  username: u\\n groups: [\"", ask: SESSION, told: "nobody; aws-auth mapRoles dead", says: "the whole key is empty" },
    Row { fact: "broken YAML leaves the other keys", mode: CM, entries: "", aws_auth: "{mapUsers: '- [', mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: u}]'}", ask: SESSION, told: "aws-auth mapRoles[0] as \"u\" in \"\"", says: "" },
    Row { fact: "an element without rolearn is dropped, the rest stands", mode: CM, entries: "", aws_auth: "mapRoles: '[{username: x}, {rolearn: arn:aws:iam::111122223333:role/deployer, username: u}]'", ask: SESSION, told: "aws-auth mapRoles[1] as \"u\" in \"\"", says: "" },
    Row { fact: "groups of the wrong type are empty", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: u, groups: system:masters}]'", ask: SESSION, told: "aws-auth mapRoles[0] as \"u\" in \"\"", says: "" },
    Row { fact: "a username of the wrong type is empty, which is unverified", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: 7, groups: [g]}]'", ask: SESSION, told: "aws-auth mapRoles[0] as \"\" in \"g\"", says: "empty username" },
    Row { fact: "folded items are one odd group", mode: CM, entries: "", aws_auth: "mapRoles: \"- rolearn: arn:aws:iam::111122223333:role/deployer\\n  username: u\\n  groups:\\n    - a\\n      - b\\n\"", ask: SESSION, told: "aws-auth mapRoles[0] as \"u\" in \"a - b\"", says: "" },
    Row { fact: "a map instead of a list yields nothing", mode: CM, entries: "", aws_auth: "mapRoles: '{rolearn: arn:aws:iam::111122223333:role/deployer, username: u}'", ask: SESSION, told: "nobody; aws-auth mapRoles dead", says: "not a list" },
    Row { fact: "duplicate rolearn ignoring case: the last wins, groups are not merged", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: a, groups: [x]}, {rolearn: arn:aws:iam::111122223333:role/DEPLOYER, username: b, groups: [z]}]'", ask: SESSION, told: "aws-auth mapRoles[1] as \"b\" in \"z\"; aws-auth mapRoles[0] shadowed", says: "the last one wins" },
    Row { fact: "identical userarn: the last wins", mode: CM, entries: "", aws_auth: "mapUsers: '[{userarn: arn:aws:iam::111122223333:user/ops/ann, username: a}, {userarn: arn:aws:iam::111122223333:user/ops/ann, username: b}]'", ask: "arn:aws:iam::111122223333:user/ops/ann", told: "aws-auth mapUsers[1] as \"b\" in \"\"; aws-auth mapUsers[0] shadowed", says: "the last one wins" },
    Row { fact: "userarns that differ in case: which one is picked is random", mode: CM, entries: "", aws_auth: "mapUsers: '[{userarn: arn:aws:iam::111122223333:user/ops/ann, username: a}, {userarn: arn:aws:iam::111122223333:user/ops/Ann, username: b}]'", ask: "arn:aws:iam::111122223333:user/ops/ann", told: "unknown; aws-auth mapUsers[0] possible; aws-auth mapUsers[1] possible", says: "random" },
    Row { fact: "userarns that differ in case but say the same leave the answer", mode: CM, entries: "", aws_auth: "mapUsers: '[{userarn: arn:aws:iam::111122223333:user/ops/ann, username: a}, {userarn: arn:aws:iam::111122223333:user/ops/Ann, username: a}]'", ask: "arn:aws:iam::111122223333:user/ops/ann", told: "aws-auth mapUsers[0] as \"a\" in \"\"; aws-auth mapUsers[1] shadowed", says: "either is picked" },
    Row { fact: "userarn may hold a role's ARN", mode: CM, entries: "", aws_auth: "mapUsers: '[{userarn: arn:aws:iam::111122223333:role/deployer, username: u}]'", ask: SESSION, told: "aws-auth mapUsers[0] as \"u\" in \"\"", says: "" },
    Row { fact: "both rolearn and sso: dropped", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, sso: {permissionSetName: x}, username: u}]'", ask: SESSION, told: "nobody", says: "" },
    Row { fact: "a broken key is told to whom it lets nobody in", mode: CM, entries: "", aws_auth: "{mapRoles: '- [', mapAccounts: '- ['}", ask: SESSION, told: "nobody", says: "mapAccounts does not parse and counts as empty; mapRoles does not parse" },
    Row { fact: "a broken mapAccounts that names the account", mode: CM, entries: "", aws_auth: "{mapAccounts: \"- '111122223333'\\n- [\"}", ask: SESSION, told: "nobody; aws-auth mapAccounts dead", says: "the whole key is empty" },
    Row { fact: "EqualFold: the long s is an s, and the Kelvin sign a k", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:awſ:iam::111122223333:role/deployer, username: u}]'", ask: SESSION, told: "aws-auth mapRoles[0] as \"u\" in \"\"", says: "" },
    Row { fact: "EqualFold: rows under two keys of Go's map both match, and the pick is random", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:awſ:iam::111122223333:role/deployer, username: a}, {rolearn: arn:aws:iam::111122223333:role/deployer, username: b}]'", ask: SESSION, told: "unknown; aws-auth mapRoles[0] possible; aws-auth mapRoles[1] possible", says: "random" },
    Row { fact: "ToLower: of rows under one key of Go's map the last wins", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: a}, {rolearn: arn:AWS:iam::111122223333:role/deployer, username: b}]'", ask: SESSION, told: "aws-auth mapRoles[1] as \"b\" in \"\"; aws-auth mapRoles[0] shadowed", says: "the last one wins" },
    Row { fact: "ToLower: a row under the same key of Go's map replaces one that would match, though it matches nobody", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: a}, {rolearn: arn:aws:İam::111122223333:role/deployer, username: b}]'", ask: SESSION, told: "nobody; aws-auth mapRoles[0] shadowed", says: "it replaces this row" },
    Row { fact: "ToLower: then mapUsers is read", mode: CM, entries: "", aws_auth: "{mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: a}, {rolearn: arn:aws:İam::111122223333:role/deployer, username: b}]', mapUsers: '[{userarn: arn:aws:iam::111122223333:role/deployer, username: c}]'}", ask: SESSION, told: "aws-auth mapUsers[0] as \"c\" in \"\"; aws-auth mapRoles[0] shadowed", says: "" },
    Row { fact: "ToLower: the order counts", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:İam::111122223333:role/deployer, username: b}, {rolearn: arn:aws:iam::111122223333:role/deployer, username: a}]'", ask: SESSION, told: "aws-auth mapRoles[1] as \"a\" in \"\"", says: "" },
    Row { fact: "only the first YAML document is read", mode: CM, entries: "", aws_auth: "mapRoles: \"- rolearn: arn:aws:iam::111122223333:role/other\\n  username: u\\n---\\n- rolearn: arn:aws:iam::111122223333:role/deployer\\n  username: u\\n\"", ask: SESSION, told: "nobody; aws-auth mapRoles dead", says: "ends for the cluster before line 4" },
    Row { fact: "an empty first YAML document empties the key", mode: CM, entries: "", aws_auth: "mapRoles: \"---\\n---\\n- rolearn: arn:aws:iam::111122223333:role/deployer\\n  username: u\\n\"", ask: SESSION, told: "nobody; aws-auth mapRoles dead", says: "empty first YAML document" },
    Row { fact: "what Go picks at random is unknown", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: u}, {1: .nan, \"1\": a}]'", ask: SESSION, told: "unknown", says: "random" },
    Row { fact: "mapUsers at random does not matter where mapRoles answers", mode: CM, entries: "", aws_auth: "{mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: u}]', mapUsers: '[{1: .nan, \"1\": a}]'}", ask: SESSION, told: "aws-auth mapRoles[0] as \"u\" in \"\"", says: "" },
    Row { fact: "mapUsers at random matters where mapAccounts would answer", mode: CM, entries: "", aws_auth: "{mapAccounts: '[\"111122223333\"]', mapUsers: '[{1: .nan, \"1\": a}]'}", ask: SESSION, told: "unknown; aws-auth mapAccounts[0] possible", says: "random" },
    Row { fact: "an access entry decides before a key at random", mode: BOTH, entries: "arn:aws:iam::111122223333:role/teams/blue/deployer || u | g", aws_auth: "mapRoles: '[{1: .nan, \"1\": a}]'", ask: SESSION, told: "access entry as \"u\" in \"g\"", says: "" },
    Row { fact: "a list of accounts that breaks off counts up to there", mode: CM, entries: "", aws_auth: "mapAccounts: '[\"111122223333\", !!int x]'", ask: SESSION, told: "aws-auth mapAccounts[0] as \"arn:aws:iam::111122223333:role/deployer\" in \"\"", says: "" },
    Row { fact: "a deleted ConfigMap empties all maps", mode: CM, entries: "", aws_auth: "", ask: "arn:aws:iam::111122223333:user/ops/ann", told: "nobody", says: "no row of aws-auth matches" },
    Row { fact: "no groups: only the implicit one", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: u}]'", ask: SESSION, told: "aws-auth mapRoles[0] as \"u\" in \"\"", says: "" },
    Row { fact: "an unknown inner key is ignored", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: u, usernmae: x, userid: y}]'", ask: SESSION, told: "aws-auth mapRoles[0] as \"u\" in \"\"", says: "" },
    Row { fact: "a value of only quotes is skipped", mode: CM, entries: "", aws_auth: "{mapUsers: '``', mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: u}]'}", ask: SESSION, told: "aws-auth mapRoles[0] as \"u\" in \"\"", says: "" },
    Row { fact: "a mapUsers element without userarn is dropped", mode: CM, entries: "", aws_auth: "mapUsers: '[{username: x}, {userarn: arn:aws:iam::111122223333:user/ops/ann, username: u}]'", ask: "arn:aws:iam::111122223333:user/ops/ann", told: "aws-auth mapUsers[1] as \"u\" in \"\"", says: "" },
    Row { fact: "unquoted account ids keep leading zeros", mode: CM, entries: "", aws_auth: "mapAccounts: '[012345678901]'", ask: "arn:aws:sts::012345678901:assumed-role/x/s", told: "aws-auth mapAccounts[0] as \"arn:aws:iam::012345678901:role/x\" in \"\"", says: "" },
    Row { fact: "a service-linked role's entry", mode: API, entries: "arn:aws:iam::555566667777:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS || slr |", aws_auth: "", ask: "arn:aws:sts::555566667777:assumed-role/AWSServiceRoleForAmazonEKS/x", told: "access entry as \"slr\" in \"\"", says: "" },
    Row { fact: "Identity Center in us-east-1: no region in the path", mode: API, entries: "arn:aws:iam::555566667777:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_0011223344556677 || d:{{SessionName}} |", aws_auth: "", ask: "arn:aws:sts::555566667777:assumed-role/AWSReservedSSO_Dev_0011223344556677/jo@corp.com", told: "access entry as \"d:jo-corp.com\" in \"\"", says: "" },
    // templates
    Row { fact: "templates in username and groups", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: \"{{AccountID}}:{{SessionNameRaw}}\", groups: [\"team-{{SessionName}}\"]}]'", ask: SESSION, told: "aws-auth mapRoles[0] as \"111122223333:jane@corp.com\" in \"team-jane-corp.com\"", says: "" },
    Row { fact: "blanks in the braces and unknown placeholders stay text", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: \"{{ SessionName }}-{{Team}}\"}]'", ask: SESSION, told: "aws-auth mapRoles[0] as \"{{ SessionName }}-{{Team}}\" in \"\"", says: "" },
    Row { fact: "server.go: placeholders are replaced in the authenticator's order", mode: CM, entries: "", aws_auth: "mapUsers: '[{userarn: arn:aws:iam::111122223333:user/ops/ann, username: \"{{SessionName{{SessionNameRaw}}}}\", groups: [\"{{SessionNameRaw{{SessionName}}}}\"]}]'", ask: "arn:aws:iam::111122223333:user/ops/ann", told: "aws-auth mapUsers[0] as \"{{SessionName}}\" in \"\"", says: "" },
    Row { fact: "{{EC2PrivateDNSName}} needs an instance id", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/node, username: \"system:node:{{EC2PrivateDNSName}}\", groups: [system:nodes]}]'", ask: "arn:aws:sts::111122223333:assumed-role/node/i-short", told: "nobody; aws-auth mapRoles[0] dead", says: "instance id" },
    Row { fact: "{{EC2PrivateDNSName}} of an instance that no node shows stays open", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/node, username: \"system:node:{{EC2PrivateDNSName}}\"}]'", ask: "arn:aws:sts::111122223333:assumed-role/node/i-01234567", told: "aws-auth mapRoles[0] as \"system:node:{{EC2PrivateDNSName}}\" in \"\"", says: "the value of {{EC2PrivateDNSName}}: no fact here tells it; if EC2 does not know" },
    Row { fact: "a role with an instance template gets in only with instance sessions", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/node, username: \"system:node:{{EC2PrivateDNSName}}\"}]'", ask: "arn:aws:iam::111122223333:role/node", told: "aws-auth mapRoles[0] as \"system:node:{{EC2PrivateDNSName}}\" in \"\"", says: "only sessions named like an EC2 instance id" },
    Row { fact: "for users the session placeholders render empty", mode: CM, entries: "", aws_auth: "mapUsers: '[{userarn: arn:aws:iam::111122223333:user/ops/ann, username: \"u:{{SessionName}}\"}]'", ask: "arn:aws:iam::111122223333:user/ops/ann", told: "aws-auth mapUsers[0] as \"u:\" in \"\"", says: "" },
    Row { fact: "{{AccessKeyID}} is not known here", mode: CM, entries: "", aws_auth: "mapUsers: '[{userarn: arn:aws:iam::111122223333:user/ops/ann, username: \"k:{{AccessKeyID}}\"}]'", ask: "arn:aws:iam::111122223333:user/ops/ann", told: "aws-auth mapUsers[0] as \"k:{{AccessKeyID}}\" in \"\"", says: "the value of {{AccessKeyID}}" },
    // nodes
    Row { fact: "Windows nodes through aws-auth", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/node, username: \"system:node:{{EC2PrivateDNSName}}\", groups: [system:bootstrappers, system:nodes, eks:kube-proxy-windows]}]'", ask: NODE_SESSION, told: "aws-auth mapRoles[0] as \"system:node:ip-10-0-0-7.eu-west-1.compute.internal\" in \"system:bootstrappers,system:nodes,eks:kube-proxy-windows\"", says: "" },
    Row { fact: "Fargate through aws-auth", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/node, username: \"system:node:{{SessionName}}\", groups: [system:bootstrappers, system:nodes, system:node-proxier]}]'", ask: "arn:aws:sts::111122223333:assumed-role/node/fargate-ip-10-0-0-9", told: "aws-auth mapRoles[0] as \"system:node:fargate-ip-10-0-0-9\" in \"system:bootstrappers,system:nodes,system:node-proxier\"", says: "" },
    Row { fact: "hybrid nodes through aws-auth", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/node, username: \"system:node:{{SessionName}}\", groups: [system:bootstrappers, system:nodes]}]'", ask: "arn:aws:sts::111122223333:assumed-role/node/mi-0a", told: "aws-auth mapRoles[0] as \"system:node:mi-0a\" in \"system:bootstrappers,system:nodes\"", says: "" },
    Row { fact: "EC2 nodes through aws-auth", mode: CM, entries: "", aws_auth: "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/node, username: \"system:node:{{EC2PrivateDNSName}}\", groups: [system:bootstrappers, system:nodes]}]'", ask: NODE_SESSION, told: "aws-auth mapRoles[0] as \"system:node:ip-10-0-0-7.eu-west-1.compute.internal\" in \"system:bootstrappers,system:nodes\"", says: "" },
];

#[test]
fn every_fact_that_identity_depends_on() {
    let mut wrong = Vec::new();
    for row in TABLE {
        let resolution = resolve(&world(row.mode, row.entries, row.aws_auth), row.ask);
        let told = told(&resolution);
        let said = format!("{resolution:?}").replace("\\\"", "\"");
        if told != row.told || !said.contains(row.says) {
            wrong.push(format!(
                "{}\n  wanted {} [{}]\n  got    {told}\n  because {}",
                row.fact, row.told, row.says, resolution.because
            ));
        }
        if let Some(identity) = &resolution.identity {
            assert_eq!(identity.implicit_groups, ["system:authenticated"], "§1 {}", row.fact);
        }
    }
    assert!(wrong.is_empty(), "{} of {} facts are not kept:\n{}", wrong.len(), TABLE.len(), wrong.join("\n"));
}

fn refused(permission: &str) -> Failure {
    Failure {
        kind: FailureKind::Refused { permission: permission.into() },
        doing: "read it".into(),
        on: String::new(),
        code: None,
        message: String::new(),
    }
}

/// The world with one section replaced.
fn without(
    mode: &str,
    entries: &str,
    aws_auth: &str,
    spoil: impl FnOnce(&mut ClusterFacts, &mut IamFacts),
) -> Snapshot {
    let mut snapshot = world(mode, entries, aws_auth);
    let mut facts = (**snapshot.facts.values().next().expect("one")).clone();
    let mut iam = (*snapshot.iam).clone();
    spoil(&mut facts, &mut iam);
    snapshot.facts.values_mut().for_each(|it| *it = std::sync::Arc::new(facts.clone()));
    snapshot.iam = std::sync::Arc::new(iam);
    snapshot
}

const ROW: &str = "mapRoles: '[{rolearn: arn:aws:iam::111122223333:role/deployer, username: u, groups: [g]}]'";

#[test]
fn unread_entries_keep_the_answer_open_and_name_the_permission() {
    let spoil = |facts: &mut ClusterFacts, _: &mut IamFacts| {
        facts.access_entries = Section::failed(refused("eks:ListAccessEntries"))
    };
    let it = resolve(&without(BOTH, "", ROW, spoil), SESSION);
    assert_eq!(told(&it), "unknown; aws-auth mapRoles[0] possible");
    assert!(it.unknown[0].contains("eks:ListAccessEntries"), "{:?}", it.unknown);
    let it = resolve(&without(API, "", ROW, spoil), SESSION);
    assert_eq!(told(&it), "unknown; aws-auth mapRoles[0] ignored");
    let it = resolve(&without(CM, "", ROW, spoil), SESSION);
    assert_eq!(told(&it), "aws-auth mapRoles[0] as \"u\" in \"g\"", "CONFIG_MAP does not read entries");
}

#[test]
fn unread_aws_auth_matters_only_without_a_live_entry() {
    let spoil = |facts: &mut ClusterFacts, _: &mut IamFacts| {
        facts.aws_auth = Section::failed(refused("get configmaps in kube-system"))
    };
    let it = resolve(&without(BOTH, "", ROW, spoil), SESSION);
    assert_eq!(told(&it), "unknown");
    assert!(it.because.contains("get configmaps in kube-system"), "{}", it.because);
    let it = resolve(&without(BOTH, &format!("{ROLE} || u | g"), ROW, spoil), SESSION);
    assert_eq!(told(&it), "access entry as \"u\" in \"g\"");
    assert!(it.unknown.is_empty());
    assert!(it.unverified.iter().any(|it| it.contains("shadows")), "{:?}", it.unverified);
    let it = resolve(&without(API, "", ROW, spoil), SESSION);
    assert_eq!(told(&it), "nobody", "API does not read aws-auth");
}

#[test]
fn an_entry_that_is_there_but_was_not_read_is_unknown_for_its_principal_alone() {
    let spoil = |facts: &mut ClusterFacts, _: &mut IamFacts| {
        let missing =
            crate::model::snapshot::Missing { item: Some(ROLE.into()), failure: refused("eks:DescribeAccessEntry") };
        facts.access_entries = Section::partial(vec![], Time::default(), vec![missing]);
    };
    let snapshot = without(BOTH, "", "", spoil);
    let it = resolve(&snapshot, SESSION);
    assert_eq!(told(&it), "unknown");
    assert!(it.because.contains("exists"), "{}", it.because);
    assert_eq!(told(&resolve(&snapshot, "arn:aws:iam::111122223333:role/plain")), "nobody");
}

#[test]
fn unread_iam_leaves_the_answer_and_is_unverified() {
    let spoil = |_: &mut ClusterFacts, iam: &mut IamFacts| iam.roles = Section::failed(refused("iam:ListRoles"));
    let it = resolve(&without(BOTH, &format!("{ROLE} || u | g"), "", spoil), SESSION);
    assert_eq!(told(&it), "access entry as \"u\" in \"g\"");
    assert!(it.unknown.is_empty());
    assert!(it.unverified.iter().any(|it| it.contains("iam:ListRoles")), "{:?}", it.unverified);
}

#[test]
fn what_is_still_loading_is_unknown_and_never_no() {
    let spoil =
        |facts: &mut ClusterFacts, _: &mut IamFacts| facts.access_entries = Section::loading(Some(vec![]), 0, Some(60));
    assert_eq!(told(&resolve(&without(API, "", "", spoil), SESSION)), "unknown");
    let spoil = |facts: &mut ClusterFacts, _: &mut IamFacts| facts.cluster = Section::default();
    assert_eq!(told(&resolve(&without(API, "", "", spoil), SESSION)), "unknown");
}

#[test]
fn unread_policies_leave_the_mapping_and_are_named() {
    let spoil = |facts: &mut ClusterFacts, _: &mut IamFacts| {
        let mut entries = facts.access_entries.items().to_vec();
        entries.iter_mut().for_each(|entry| entry.associated_access_policies = None);
        facts.access_entries = Section::known(entries, Time::default());
    };
    let it = resolve(&without(API, &format!("{ROLE} || u | g"), "", spoil), SESSION);
    assert_eq!((it.verdict, it.access_policies), (Verdict::Yes, None));
    assert!(it.unknown[0].contains("access policies"));
}

#[test]
fn a_cluster_that_does_not_say_what_it_reads_is_not_guessed_at() {
    let mode = |mode: Option<AuthenticationMode>| {
        move |facts: &mut ClusterFacts, _: &mut IamFacts| {
            let mut cluster = facts.cluster.value().expect("is there").clone();
            let config = |it| AccessConfig { authentication_mode: Some(it), ..AccessConfig::default() };
            cluster.access_config = mode.map(config);
            facts.cluster = Section::known(cluster, Time::default());
        }
    };
    let refuses_entries = |facts: &mut ClusterFacts, iam: &mut IamFacts| {
        mode(None)(facts, iam);
        facts.access_entries = Section::not_applicable("it has none");
    };
    let hides_entries = |facts: &mut ClusterFacts, iam: &mut IamFacts| {
        mode(None)(facts, iam);
        facts.access_entries = Section::failed(refused("eks:ListAccessEntries"));
    };
    let empty_config = |facts: &mut ClusterFacts, iam: &mut IamFacts| {
        refuses_entries(facts, iam);
        let mut cluster = facts.cluster.value().expect("is there").clone();
        cluster.access_config = Some(AccessConfig::default());
        facts.cluster = Section::known(cluster, Time::default());
    };
    let entry = format!("{ROLE} || u | g");
    assert_eq!(
        told(&resolve(&without(API, &entry, "", mode(None)), SESSION)),
        "unknown",
        "§2 it has entries, so the mode is not CONFIG_MAP"
    );
    assert_eq!(told(&resolve(&without(API, "", ROW, mode(None)), SESSION)), "unknown", "it answers for entries");
    assert_eq!(told(&resolve(&without(API, "", ROW, hides_entries), SESSION)), "unknown", "it may have entries");
    assert_eq!(told(&resolve(&without(API, "", ROW, empty_config), SESSION)), "unknown", "a mode without a name");
    let it = resolve(&without(API, "", ROW, refuses_entries), SESSION);
    assert_eq!(told(&it), "aws-auth mapRoles[0] as \"u\" in \"g\"", "§2 a cluster older than access entries");
    assert!(it.unverified.iter().any(|it| it.contains("CONFIG_MAP")), "{:?}", it.unverified);
    assert_eq!(told(&resolve(&without(API, &entry, "", mode(Some(AuthenticationMode::Unknown))), SESSION)), "unknown");
    let connected = |facts: &mut ClusterFacts, _: &mut IamFacts| {
        let mut cluster = facts.cluster.value().expect("is there").clone();
        cluster.connector_config = Some(serde_json::json!({"provider": "EKS_ANYWHERE"}));
        facts.cluster = Section::known(cluster, Time::default());
    };
    assert_eq!(told(&resolve(&without(API, "", "", connected), SESSION)), "unknown");
}

#[test]
fn older_facts_still_answer_and_say_since_when() {
    let spoil = |facts: &mut ClusterFacts, _: &mut IamFacts| {
        facts.access_entries =
            std::mem::take(&mut facts.access_entries).refreshed(Section::failed(refused("eks:ListAccessEntries")));
    };
    let it = resolve(&without(API, &format!("{ROLE} || u | g"), "", spoil), SESSION);
    assert_eq!(it.verdict, Verdict::Yes);
    assert!(it.unverified.iter().any(|it| it.contains("since 2026-11-24")), "{:?}", it.unverified);
}
