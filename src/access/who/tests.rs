//! Who is listed, and that `can` and `who-can` agree.

use proptest::prelude::*;

use super::*;
use crate::access::inventory::inventory;
use crate::access::permissions::tests::{a_request, some_facts};
use crate::model::cluster::ClusterId;
use crate::model::document::read;
use crate::model::facts::snapshot_of;
use crate::model::snapshot::{IamFacts, Section, Source};
use crate::model::time::Time;

const WORLD: &str = r#"
eksplorer: 1
region: r
caller: {Account: "111122223333", Arn: "arn:aws:iam::111122223333:role/a", UserId: "X"}
clusters:
- cluster: {name: c, accessConfig: {authenticationMode: API_AND_CONFIG_MAP}}
  accessEntries:
  - {principalArn: "arn:aws:iam::111122223333:role/admin", type: STANDARD, username: admin, associatedAccessPolicies: [{policyArn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", accessScope: {type: cluster}}]}
  - {principalArn: "arn:aws:iam::111122223333:role/dev", type: STANDARD, username: "aws:dev:{{SessionName}}", kubernetesGroups: [devs, lonely], associatedAccessPolicies: []}
  - {principalArn: "arn:aws:iam::111122223333:role/odd", type: STANDARD, username: odd, associatedAccessPolicies: [{policyArn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEventPolicy", accessScope: {type: cluster}}]}
  - {principalArn: "arn:aws:iam::111122223333:role/idle", type: STANDARD, username: idle, associatedAccessPolicies: []}
  kubernetes:
  - kind: ConfigMap
    metadata: {name: aws-auth, namespace: kube-system}
    data: {mapRoles: "- {rolearn: 'arn:aws:iam::111122223333:role/root', username: root, groups: ['system:masters']}", mapAccounts: "['444455556666']"}
  - {kind: Namespace, metadata: {name: pay}}
  - {kind: ServiceAccount, metadata: {name: reaper, namespace: pay}}
  - {kind: ServiceAccount, metadata: {name: quiet, namespace: pay}}
  - {kind: Pod, metadata: {name: reaper-1, namespace: pay}, spec: {serviceAccountName: reaper}}
  - {kind: Pod, metadata: {name: reaper-2, namespace: pay}, spec: {serviceAccountName: reaper}}
  - {kind: ClusterRole, metadata: {name: edit}, rules: [{apiGroups: [""], resources: [pods], verbs: [delete]}]}
  - {kind: Role, metadata: {name: unused, namespace: pay}}
  - {kind: ClusterRoleBinding, metadata: {name: jane}, roleRef: {kind: ClusterRole, name: edit}, subjects: [{kind: User, name: "aws:dev:jane"}, {kind: User, name: "arn:aws:iam::444455556666:user/x"}, {kind: User, name: "system:kube-scheduler"}]}
  - kind: RoleBinding
    metadata: {name: reaper, namespace: pay}
    roleRef: {kind: ClusterRole, name: edit}
    subjects: [{kind: ServiceAccount, name: reaper}, {kind: ServiceAccount, name: gone}, {kind: Group, name: devs}, {kind: Group, name: ghosts}]
iam:
  RoleDetailList: [{RoleName: admin, Arn: "arn:aws:iam::111122223333:role/admin"}, {RoleName: dev, Arn: "arn:aws:iam::111122223333:role/dev"}, {RoleName: odd, Arn: "arn:aws:iam::111122223333:role/odd"}, {RoleName: idle, Arn: "arn:aws:iam::111122223333:role/idle"}, {RoleName: root, Arn: "arn:aws:iam::111122223333:role/root"}]
"#;

fn world() -> (ClusterFacts, IamFacts) {
    let document = read(WORLD).unwrap_or_else(|error| panic!("{error}"));
    let snapshot = snapshot_of(&document, Source::default()).settled();
    let facts = (*snapshot.cluster(&ClusterId { region: "r".into(), name: "c".into() })).clone();
    (facts, (*snapshot.iam).clone())
}

fn told(answer: &WhoCan) -> Vec<String> {
    let one = |it: &Holder| {
        let who = match &it.subject {
            Holding::Principal { principal, .. } => principal.name.clone(),
            Holding::ServiceAccount { namespace, name, pods } => {
                format!("sa {namespace}/{name} {}", pods.as_ref().map_or("?".into(), |it| it.join("+")))
            }
            other => format!("{other:?}"),
        };
        let path = it.paths.first().map(|it| it.grant.to_string()).unwrap_or_default();
        format!("{:?} {who}: {path} ({})", it.verdict, it.notes.join("; "))
    };
    answer.holders.iter().map(one).collect()
}

#[test]
fn everybody_who_may_is_listed_with_a_path() {
    let (facts, iam) = world();
    let permissions = Permissions::of(&facts);
    let rows = inventory(&facts, &iam).principals;
    let answer = who_can(&facts, &permissions, &rows, &Request::core("delete", "pods", "pay"));
    let told = told(&answer);
    for expected in [
        "Yes admin: AmazonEKSClusterAdminPolicy @ cluster ()",
        "Yes dev: RoleBinding pay/reaper → ClusterRole edit, via group devs ()",
        "Yes root: group system:masters ()",
        "Unknown odd:  (what AmazonEKSEventPolicy grants: AWS does not publish the rules)",
        "Yes sa pay/reaper reaper-1+reaper-2: RoleBinding pay/reaper → ClusterRole edit, via service account pay/reaper ()",
        "Yes sa pay/gone : RoleBinding pay/reaper → ClusterRole edit, via service account pay/gone (this service account does not exist; whoever makes it may)",
        "no principal known here carries it",
        "aws-auth mapAccounts lets arn:aws:iam::444455556666:user/x in as it",
        "a session of arn:aws:iam::111122223333:role/dev may be this user",
        "System(User(\"system:kube-scheduler\"))",
    ] {
        assert!(told.iter().any(|it| it.contains(expected)), "{expected}\n{}", told.join("\n"));
    }
    assert!(!told.iter().any(|it| it.contains("idle") || it.contains("quiet")), "{told:?}");
    assert!(told[0].contains("admin") && told.last().is_some_and(|it| it.contains("kube-scheduler")));
    assert_eq!(answer.counts(), (3, 2, 4, 1));
    // For the whole cluster, only jane's session is left of dev.
    let all = who_can(&facts, &permissions, &rows, &Request::core("delete", "pods", ""));
    let told = self::told(&all);
    assert!(told.iter().any(|it| it.starts_with("Unknown dev:") && it.contains("session jane")), "{told:?}");
    assert_eq!(all.verdict(), Verdict::Yes);
}

#[test]
fn bindings_that_were_not_read_may_hide_anybody() {
    let (mut facts, iam) = world();
    facts.role_bindings = Section::failed(crate::model::failure::Failure::not_recorded("RoleBindings"));
    let permissions = Permissions::of(&facts);
    let rows = inventory(&facts, &iam).principals;
    let answer = who_can(&facts, &permissions, &rows, &Request::core("list", "configmaps", "pay"));
    assert!(answer.unknown[0].starts_with("RoleBindings: "), "{answer:?}");
    assert_eq!(told(&answer).len(), 3, "only those who may whatever the bindings say: {:?}", told(&answer));
}

#[test]
fn mappings_that_were_not_read_may_hide_anybody() {
    let (world, _) = world();
    let refused = || crate::model::failure::Failure::not_recorded("it");
    let unheard = Request::core("frob", "unheard", "pay");
    let ask = |facts: &ClusterFacts| {
        let rows: Vec<PrincipalRow> = Vec::new();
        who_can(facts, &Permissions::of(facts), &rows, &unheard)
    };
    assert_eq!(ask(&world).verdict(), Verdict::No);
    let blind = ClusterFacts { access_entries: Section::failed(refused()), ..world.clone() };
    let answer = ask(&blind);
    assert_eq!((answer.verdict(), answer.summary().as_str()), (Verdict::Unknown, "nobody"));
    assert!(answer.unknown[0].starts_with("access entries: "), "{answer:?}");
    let blind = ClusterFacts { aws_auth: Section::failed(refused()), ..world.clone() };
    assert!(ask(&blind).unknown[0].starts_with("aws-auth: "));
    // A mode that does not read aws-auth cannot hide anybody in it.
    let mut cluster = world.cluster.value().cloned().unwrap();
    if let Some(config) = &mut cluster.access_config {
        config.authentication_mode = Some(crate::model::cluster::AuthenticationMode::Api);
    }
    let api = ClusterFacts { cluster: Section::known(cluster, Time::default()), ..blind };
    assert_eq!(ask(&api).verdict(), Verdict::No);
}

#[test]
fn groups_that_lead_nowhere_are_told() {
    let (facts, iam) = world();
    let rows = subjects(&facts, &Permissions::of(&facts), &inventory(&facts, &iam).principals);
    let row = |name: &str| rows.iter().find(|it| it.name() == name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!((row("devs").mark, row("devs").carriers.len(), row("devs").bindings.len()), (Mark::InForce, 1, 1));
    assert_eq!(
        (row("lonely").mark, row("lonely").because.as_str()),
        (Mark::Dead, "no binding names it: it gives nothing")
    );
    assert!(row("ghosts").because.starts_with("no principal known here carries it"));
    assert_eq!(row("aws:dev:jane").carriers.len(), 1, "dev is jane in some session");
    assert_eq!(row("system:kube-scheduler").mark, Mark::InForce);
}

proptest! {
    /// Whoever `can` says may is in `who-can`'s answer, and the other way round.
    #[test]
    fn can_and_who_can_agree(rbac in some_facts(), request in a_request()) {
        let (facts, iam) = world();
        let facts = ClusterFacts {
            roles: rbac.roles, cluster_roles: rbac.cluster_roles,
            role_bindings: rbac.role_bindings, cluster_role_bindings: rbac.cluster_role_bindings,
            service_accounts: Section::known(Vec::new(), Time::default()),
            ..facts
        };
        let permissions = Permissions::of(&facts);
        let mut rows = inventory(&facts, &iam).principals;
        // The generated bindings name these.
        for (row, (user, group)) in rows.iter_mut().zip([("u", "g"), ("x", "u"), ("{{SessionName}}", "g")]) {
            if let Some(identity) = &mut row.resolution.identity {
                identity.username = user.into();
                identity.groups = vec![group.into()];
            }
        }
        let answer = who_can(&facts, &permissions, &rows, &request);
        for row in &rows {
            let expected = permissions.decide(&Who::of(&row.resolution), &request);
            let listed = answer.holders.iter().find(|it| matches!(&it.subject, Holding::Principal { principal, .. } if **principal == row.principal));
            match expected.verdict {
                Verdict::Yes => {
                    prop_assert_eq!(listed.map(|it| it.verdict), Some(Verdict::Yes));
                    prop_assert_eq!(&listed.unwrap().paths, &expected.by);
                }
                Verdict::No => prop_assert!(listed.is_none(), "{:?}", listed),
                Verdict::Unknown => prop_assert!(listed.is_some_and(|it| it.verdict == Verdict::Unknown) || !answer.unknown.is_empty()),
            }
        }
        let sa = permissions.decide(&Who::service_account("n1", "sa"), &request);
        let is_it = |it: &&Holder| matches!(&it.subject, Holding::ServiceAccount { namespace, name, .. } if namespace == "n1" && name == "sa");
        let by_group = answer.holders.iter().any(|it| matches!(&it.subject, Holding::Group(_)));
        match sa.verdict {
            Verdict::Yes => prop_assert!(by_group || answer.holders.iter().find(is_it).is_some_and(|it| it.verdict == Verdict::Yes)),
            Verdict::No => prop_assert!(answer.holders.iter().find(is_it).is_none()),
            Verdict::Unknown => {}
        }
    }
}
