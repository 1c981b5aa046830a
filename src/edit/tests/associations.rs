//! What speaks against Pod Identity associations.

use super::*;
use crate::edit::state::AssociationState;
use crate::model::snapshot::Section;

/// A world with service accounts, pods, and roles that let Pod Identity in or not.
fn world() -> World {
    let document = WORLD
        .replace("MAPROLES", ROWS)
        .replace(
            "  - {kind: Namespace, metadata: {name: blue}}",
            "  - {kind: Namespace, metadata: {name: blue}}
  - {apiVersion: v1, kind: ServiceAccount, metadata: {name: api, namespace: blue}}
  - {apiVersion: v1, kind: ServiceAccount, metadata: {name: web, namespace: blue, annotations: {eks.amazonaws.com/role-arn: \"arn:aws:iam::111122223333:role/row\"}}}
  - {apiVersion: v1, kind: Pod, metadata: {name: api-1, namespace: blue}, spec: {serviceAccountName: api, containers: [{name: c}]}}
  - {apiVersion: v1, kind: Pod, metadata: {name: web-1, namespace: blue}, spec: {serviceAccountName: web, containers: [{name: c}]}}",
        )
        .replace("  kubernetes:", "  addons: []\n  kubernetes:")
        .replace("  UserDetailList", "  - {RoleName: pods, Arn: \"arn:aws:iam::111122223333:role/pods\", AssumeRolePolicyDocument: {Version: \"2012-10-17\", Statement: [{Effect: Allow, Principal: {Service: pods.eks.amazonaws.com}, Action: [\"sts:AssumeRole\", \"sts:TagSession\"]}]}}
  - {RoleName: greens, Arn: \"arn:aws:iam::111122223333:role/greens\", AssumeRolePolicyDocument: {Version: \"2012-10-17\", Statement: [{Effect: Allow, Principal: {Service: pods.eks.amazonaws.com}, Action: [\"sts:AssumeRole\", \"sts:TagSession\"], Condition: {StringEquals: {\"aws:RequestTag/kubernetes-namespace\": green}}}]}}
  - {RoleName: ec2, Arn: \"arn:aws:iam::111122223333:role/ec2\", AssumeRolePolicyDocument: {Version: \"2012-10-17\", Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: \"sts:AssumeRole\"}]}}
  UserDetailList");
    let snapshot = snapshot_of(&read(&document).unwrap_or_else(|error| panic!("{error}")), Source::default()).settled();
    let facts = (*snapshot.cluster(&ClusterId { region: "r".into(), name: "c".into() })).clone();
    let permissions = Permissions::of(&facts);
    World { facts, iam: (*snapshot.iam).clone(), permissions }
}

fn to(role: &str, target: Option<&str>) -> Edit {
    Edit::Associate(AssociationState {
        role_arn: format!("arn:aws:iam::{role}"),
        target_role_arn: target.map(|it| format!("arn:aws:iam::{it}")),
        ..Default::default()
    })
}

fn account(name: &str) -> Subject {
    Subject::Association("blue".into(), name.into())
}

fn own(name: &str) -> String {
    format!("111122223333:role/{name}")
}

const PARTNER: &str = "555566667777:role/partner";

#[test]
fn what_speaks_against_an_association_is_said() {
    let world = world();
    let cases: Vec<(&str, Edit, &str, Option<&str>)> = vec![
        ("new", to(&own("pods"), None), "notes service-account-absent: there is no service account blue/new", None),
        ("new", to(&own("pods"), None), "notes no-agent", Some("role-not-trusting")),
        ("new", to(&own("nobody"), None), "blocks no-role: EKS would refuse it", None),
        ("new", to(&own("ec2"), None), "blocks role-not-trusting: EKS would refuse it", None),
        (
            "new",
            to(&own("greens"), None),
            "asks trust-refuses: its pods would not get the role",
            Some("role-not-trusting"),
        ),
        ("new", to(&own("dev"), None), "notes trust-unknown", Some("trust-refuses")),
        ("new", to(PARTNER, None), "blocks needs-target-role", None),
        ("new", to(&own("pods"), Some(PARTNER)), "notes target-unknown", Some("needs-target-role")),
        ("web", to(&own("pods"), None), "notes irsa-shadowed: its annotation names role row (IRSA)", None),
        ("web", to(&own("pods"), None), "asks irsa-lost", None),
        ("web", to(&own("pods"), None), "notes pods-restart: 1 pod runs as it and keeps", None),
        (
            "api",
            to(&own("pods"), None),
            "notes pods-restart: 1 pod runs as it and keeps the old role",
            Some("irsa-shadowed"),
        ),
        ("api", Edit::Dissociate, "asks association-in-use: 1 pod runs as it", Some("no-agent")),
    ];
    for (name, edit, said, unsaid) in cases {
        let told = told(&reviewed(&world, &[(account(name), edit.clone())]));
        assert!(told.iter().any(|it| it.starts_with(said)), "{said}: {told:#?}");
        assert!(unsaid.is_none_or(|id| told.iter().all(|it| !it.contains(id))), "{unsaid:?}: {told:#?}");
    }
}

type Change = fn(&mut World);

fn as_it_is(_: &mut World) {}

/// The agent runs.
fn agent(world: &mut World) {
    let addon = crate::model::cluster::Addon { addon_name: "eks-pod-identity-agent".into(), ..Default::default() };
    world.facts.addons = Section::known(vec![addon], Time::default());
    let set = serde_json::json!({"metadata": {"name": "eks-pod-identity-agent", "namespace": "kube-system"},
        "status": {"desiredNumberScheduled": 1, "currentNumberScheduled": 1, "numberReady": 1}});
    let set = serde_json::from_value(set).expect("a DaemonSet");
    world.facts.daemon_sets = Section::known(vec![set], Time::default());
}

fn without_pods(world: &mut World) {
    world.facts.pods = Section::known(Vec::new(), Time::default());
}

fn pods_refused(world: &mut World) {
    agent(world);
    world.facts.pods = Section::failed(refused("list pods"));
}

fn roles_refused(world: &mut World) {
    world.iam.roles = Section::failed(refused("iam:ListRoles"));
}

/// The service account of the association carries an annotation too.
fn annotated(world: &mut World) {
    let mut all = world.facts.service_accounts.items().to_vec();
    for it in &mut all {
        it.metadata.annotations.insert("eks.amazonaws.com/role-arn".into(), format!("arn:aws:iam::{}", own("row")));
    }
    world.facts.service_accounts = Section::known(all, Time::default());
}

/// A target role that lets the first in, or another one alone.
fn target(world: &mut World, lets: &str) {
    let mut all = world.iam.roles.items().to_vec();
    let statement = serde_json::json!({"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Principal": {"AWS": format!("arn:aws:iam::{}", own(lets))}});
    all.push(crate::model::role::RoleDetail {
        role_name: "vault".into(),
        arn: format!("arn:aws:iam::{}", own("vault")),
        assume_role_policy_document: Some(serde_json::json!({"Version": "2012-10-17", "Statement": [statement]})),
        ..Default::default()
    });
    world.iam.roles = Section::known(all, Time::default());
    // The roles came with their policies, so that no Deny of their own is missed.
    world.iam.policies = Section::known(Vec::new(), Time::default());
}

/// A world, and what is staged on it.
pub(super) type Staged = (World, Vec<(Subject, Edit)>);

/// For each check: where it speaks, and one step away.
pub(super) fn cases() -> Vec<(&'static str, [Staged; 2])> {
    let of = |name: &str, edit: Edit, change: Change| {
        let mut world = world();
        change(&mut world);
        (world, vec![(account(name), edit)])
    };
    let pods = || to(&own("pods"), None);
    vec![
        (
            "needs-target-role",
            [of("new", to(PARTNER, None), as_it_is), of("new", to(&own("pods"), Some(PARTNER)), as_it_is)],
        ),
        ("no-role", [of("new", to(&own("nobody"), None), as_it_is), of("new", pods(), as_it_is)]),
        ("role-not-trusting", [of("new", to(&own("ec2"), None), as_it_is), of("new", pods(), as_it_is)]),
        ("trust-refuses", [of("new", to(&own("greens"), None), as_it_is), of("new", pods(), as_it_is)]),
        (
            "target-refuses",
            [
                of("new", to(&own("pods"), Some(&own("vault"))), |it| target(it, "ec2")),
                of("new", to(&own("pods"), Some(&own("vault"))), |it| target(it, "pods")),
            ],
        ),
        ("irsa-lost", [of("web", pods(), as_it_is), of("web", pods(), agent)]),
        ("association-in-use", [of("api", Edit::Dissociate, as_it_is), of("api", Edit::Dissociate, without_pods)]),
        ("role-unknown", [of("new", pods(), roles_refused), of("new", pods(), as_it_is)]),
        ("trust-unknown", [of("new", to(&own("dev"), None), as_it_is), of("new", pods(), as_it_is)]),
        (
            "target-unknown",
            [
                of("new", to(&own("pods"), Some(PARTNER)), as_it_is),
                of("new", to(&own("pods"), Some(&own("vault"))), |it| target(it, "pods")),
            ],
        ),
        ("irsa-shadowed", [of("web", pods(), as_it_is), of("new", pods(), as_it_is)]),
        ("irsa-in-force", [of("api", Edit::Dissociate, annotated), of("api", Edit::Dissociate, as_it_is)]),
        ("service-account-absent", [of("new", pods(), as_it_is), of("web", pods(), as_it_is)]),
        ("no-agent", [of("new", pods(), as_it_is), of("new", pods(), agent)]),
        ("pods-unknown", [of("new", pods(), pods_refused), of("new", pods(), as_it_is)]),
        ("pods-restart", [of("web", pods(), as_it_is), of("web", pods(), without_pods)]),
    ]
}

#[test]
fn what_was_taken_away_and_is_made_anew_begins_anew() {
    use crate::edit::state::AssociationState;
    use crate::edit::wish::{Ground, parse};
    let mut world = world();
    let target = Some("arn:aws:iam::111122223333:role/far".to_owned());
    let is = AssociationState {
        role_arn: "arn:aws:iam::111122223333:role/api".into(),
        target_role_arn: target.clone(),
        tags: [("a".to_owned(), "1".to_owned())].into(),
        ..AssociationState::default()
    };
    world.facts.pod_identity_associations =
        world.facts.pod_identity_associations.clone().map(|_| vec![is.association("blue", "api", None)]);
    let role = "role: 'arn:aws:iam::111122223333:role/fresh'";
    for (asked, wanted, tags) in [
        (format!("- {{associate: blue/api, {role}, tags: {{b: '2'}}}}"), target, 2),
        (format!("- {{associate: blue/api, {role}, targetRole: ''}}"), None, 1),
        (format!("- {{dissociate: blue/api}}\n- {{associate: blue/api, {role}, tags: {{b: '2'}}}}"), None, 1),
    ] {
        let mut draft = Draft::default();
        let ground = Ground { facts: &world.facts, iam: &world.iam };
        for wish in parse(&format!("changes:\n{asked}\n")).unwrap().changes {
            ground.stage(&mut draft, &wish).unwrap();
        }
        let (_, change) = draft.changes().next().unwrap();
        let Some(State::Association(after)) = &change.after else { panic!("{asked}") };
        assert_eq!((&after.target_role_arn, after.tags.len()), (&wanted, tags), "{asked}");
    }
}
