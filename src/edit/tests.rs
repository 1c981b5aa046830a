//! The laws of drafts and plans, and the checks one by one.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::draft::Edit;
use super::plan::{Call, plan};
use super::project::project;
use super::state::{EntryState, State, Subject, now};
use super::*;
use crate::access::Verdict;
use crate::access::identity::Resolver;
use crate::access::permissions::Who;
use crate::model::cluster::ClusterId;
use crate::model::document::read;
use crate::model::facts::snapshot_of;
use crate::model::failure::{Failure, FailureKind};
use crate::model::mapping::{AccessScope, ScopeKind};
use crate::model::request::{Request, Target};
use crate::model::snapshot::Source;

const WORLD: &str = r#"
eksplorer: 1
region: r
caller: {Account: "111122223333", Arn: "arn:aws:sts::111122223333:assumed-role/admin/ana", UserId: "AROAX:ana"}
clusters:
- cluster: {name: c, arn: "arn:aws:eks:r:111122223333:cluster/c", status: ACTIVE, accessConfig: {authenticationMode: API_AND_CONFIG_MAP}}
  accessEntries:
  - {principalArn: "arn:aws:iam::111122223333:role/admin", type: STANDARD, username: admin, createdAt: 2025-01-01T00:00:00Z, associatedAccessPolicies: [{policyArn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", accessScope: {type: cluster}}]}
  - {principalArn: "arn:aws:iam::111122223333:role/dev", type: STANDARD, username: "arn:aws:sts::111122223333:assumed-role/dev/{{SessionName}}", kubernetesGroups: [devs], createdAt: 2025-01-01T00:00:00Z, tags: {managed-by: terraform}, associatedAccessPolicies: [{policyArn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy", accessScope: {type: namespace, namespaces: [blue]}}]}
  - {principalArn: "arn:aws:iam::111122223333:role/over", type: STANDARD, username: over, kubernetesGroups: [devs], createdAt: 2025-01-01T00:00:00Z, associatedAccessPolicies: []}
  - {principalArn: "arn:aws:iam::111122223333:role/node", type: EC2_LINUX, username: "system:node:{{EC2PrivateDNSName}}", kubernetesGroups: ["system:nodes"], createdAt: 2025-01-01T00:00:00Z, associatedAccessPolicies: []}
  - {principalArn: "arn:aws:iam::111122223333:role/again", type: STANDARD, username: again, createdAt: 2025-01-01T00:00:00Z, associatedAccessPolicies: []}
  podIdentityAssociations:
  - {namespace: blue, serviceAccount: api, associationId: a-1, roleArn: "arn:aws:iam::111122223333:role/api"}
  kubernetes:
  - kind: ConfigMap
    metadata: {name: aws-auth, namespace: kube-system}
    data: {mapRoles: "MAPROLES"}
  - {kind: Namespace, metadata: {name: blue}}
  - {kind: Namespace, metadata: {name: green}}
  - {kind: Namespace, metadata: {name: green-api}}
  - {kind: ClusterRole, metadata: {name: view}, rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]}
  - {kind: ClusterRole, metadata: {name: cluster-admin}, rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]}
  - {kind: Role, metadata: {name: r, namespace: blue}}
  - {kind: RoleBinding, metadata: {name: devs, namespace: green}, roleRef: {kind: ClusterRole, name: view}, subjects: [{kind: Group, name: devs}]}
  - {kind: ClusterRoleBinding, metadata: {name: roots}, roleRef: {kind: ClusterRole, name: cluster-admin}, subjects: [{kind: Group, name: roots}]}
  - {kind: ClusterRole, metadata: {name: probe}, rules: [{nonResourceURLs: ["/api/*", /healthz], verbs: [get]}, {apiGroups: [widgets.example.com], resources: [widgets], verbs: [get]}]}
  - {kind: ClusterRoleBinding, metadata: {name: probers}, roleRef: {kind: ClusterRole, name: probe}, subjects: [{kind: Group, name: probers}]}
iam:
  RoleDetailList:
  - {RoleName: admin, Arn: "arn:aws:iam::111122223333:role/admin", CreateDate: 2024-01-01T00:00:00Z}
  - {RoleName: dev, Arn: "arn:aws:iam::111122223333:role/dev", CreateDate: 2024-01-01T00:00:00Z}
  - {RoleName: over, Arn: "arn:aws:iam::111122223333:role/over", CreateDate: 2024-01-01T00:00:00Z}
  - {RoleName: node, Arn: "arn:aws:iam::111122223333:role/node", CreateDate: 2024-01-01T00:00:00Z}
  - {RoleName: again, Arn: "arn:aws:iam::111122223333:role/again", CreateDate: 2025-06-01T00:00:00Z}
  - {RoleName: fresh, Arn: "arn:aws:iam::111122223333:role/fresh", CreateDate: 2024-01-01T00:00:00Z}
  - {RoleName: row, Arn: "arn:aws:iam::111122223333:role/row", CreateDate: 2024-01-01T00:00:00Z}
  - {RoleName: api, Arn: "arn:aws:iam::111122223333:role/api", CreateDate: 2024-01-01T00:00:00Z}
  UserDetailList: []
"#;

const ROWS: &str = "- {rolearn: 'arn:aws:iam::111122223333:role/row', username: row, groups: [devs]}\\n- {rolearn: 'arn:aws:iam::111122223333:role/over', username: over, groups: ['system:masters']}";

pub(super) struct World {
    pub(super) facts: ClusterFacts,
    pub(super) iam: IamFacts,
    permissions: Permissions,
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

pub(super) fn world_of(rows: &str) -> World {
    let document = read(&WORLD.replace("MAPROLES", rows)).unwrap_or_else(|error| panic!("{error}"));
    let snapshot = snapshot_of(&document, Source::default()).settled();
    let facts = (*snapshot.cluster(&ClusterId { region: "r".into(), name: "c".into() })).clone();
    let permissions = Permissions::of(&facts);
    World { facts, iam: (*snapshot.iam).clone(), permissions }
}

fn world() -> World {
    world_of(ROWS)
}

pub(super) fn role(name: &str) -> Subject {
    Subject::Entry(format!("arn:aws:iam::111122223333:role/{name}"))
}

fn policy(name: &str) -> String {
    format!("arn:aws:eks::aws:cluster-access-policy/AmazonEKS{name}Policy")
}

fn scope(namespaces: &[&str]) -> AccessScope {
    let kind = if namespaces.is_empty() { ScopeKind::Cluster } else { ScopeKind::Namespace };
    AccessScope { kind, namespaces: namespaces.iter().map(|&it| it.into()).collect() }
}

fn fresh() -> EntryState {
    EntryState {
        kind: "STANDARD".into(),
        username: Some("arn:aws:sts::111122223333:assumed-role/fresh/{{SessionName}}".into()),
        ..EntryState::default()
    }
}

fn give(name: &str, namespaces: &[&str]) -> Edit {
    Edit::GivePolicy { policy_arn: policy(name), scope: scope(namespaces) }
}

fn drafted(world: &World, edits: &[(Subject, Edit)]) -> Draft {
    let mut draft = Draft::default();
    for (subject, edit) in edits {
        draft.stage(&world.facts, subject, edit.clone(), fresh).unwrap();
    }
    draft
}

fn reviewed(world: &World, edits: &[(Subject, Edit)]) -> Review {
    let caller = Asked::from_arn("arn:aws:sts::111122223333:assumed-role/admin/ana").unwrap();
    let now = "2026-01-01T00:00:00Z".parse().ok().map(Time);
    review(&world.facts, &world.iam, &world.permissions, Some(&caller), &drafted(world, edits), now)
}

fn told(review: &Review) -> Vec<String> {
    review.checks.iter().map(|it| format!("{} {}: {}", it.level.word(), it.id, it.because)).collect()
}

#[test]
fn edits_fold_and_what_ends_as_it_began_is_none() {
    let world = world();
    let none = drafted(&world, &[(role("fresh"), give("View", &["blue"])), (role("fresh"), Edit::Remove)]);
    assert!(none.is_empty(), "made and removed is nothing");
    let back = drafted(
        &world,
        &[
            (role("dev"), Edit::TakeGroups(vec!["devs".into()])),
            (role("dev"), give("View", &["blue", "green"])),
            (role("dev"), Edit::GiveGroups(vec!["devs".into()])),
            (role("dev"), give("View", &["blue"])),
        ],
    );
    assert!(back.is_empty(), "{back:?}");
    let again = drafted(&world, &[(role("again"), Edit::Again)]);
    assert_eq!(again.len(), 1, "made again is something, although nothing about it changes");
    let mut draft = Draft::default();
    for (edit, why) in [
        (Edit::TakePolicy { policy_arn: policy("Edit") }, "does not have AmazonEKSEditPolicy"),
        (Edit::TakeGroups(vec!["x".into()]), "does not give the group"),
    ] {
        let refused = draft.stage(&world.facts, &role("dev"), edit, fresh).unwrap_err();
        assert!(refused.to_string().contains(why), "{refused}");
    }
    assert!(draft.stage(&world.facts, &role("fresh"), Edit::Remove, fresh).is_err() && draft.is_empty());
}

#[test]
fn staging_is_undone_and_redone() {
    let world = world();
    let mut staging = draft::Staging::default();
    let stage = |staging: &mut draft::Staging, name: &str| {
        staging.change(|draft| draft.stage(&world.facts, &role(name), Edit::Remove, fresh)).unwrap();
    };
    stage(&mut staging, "dev");
    stage(&mut staging, "over");
    assert!(staging.undo() && staging.draft().len() == 1);
    assert!(staging.redo() && staging.draft().len() == 2);
    assert!(staging.undo());
    stage(&mut staging, "again");
    assert!(!staging.redo(), "a new edit forgets what was undone");
    assert!(staging.undo() && staging.undo() && !staging.undo());
}

#[test]
fn what_adds_comes_before_what_removes() {
    let world = world();
    let review = reviewed(
        &world,
        &[
            (role("over"), Edit::Remove),
            (role("dev"), Edit::TakePolicy { policy_arn: policy("View") }),
            (role("dev"), give("Edit", &["blue"])),
            (role("fresh"), give("View", &["green", "green-*"])),
            (role("fresh"), Edit::GiveGroups(vec!["devs".into()])),
        ],
    );
    let steps: Vec<String> = review
        .steps
        .iter()
        .map(|it| format!("{} {} {}", it.n, it.call.operation(), crate::edit::told::call(&it.call)))
        .collect();
    assert_eq!(
        steps,
        [
            "1 CreateAccessEntry STANDARD, groups devs",
            "2 AssociateAccessPolicy AmazonEKSViewPolicy @ green,green-*",
            "3 AssociateAccessPolicy AmazonEKSEditPolicy @ blue",
            "4 DisassociateAccessPolicy AmazonEKSViewPolicy",
            "5 DeleteAccessEntry ",
        ]
    );
    let Call::CreateAccessEntry { username, .. } = &review.steps[0].call else { panic!() };
    assert_eq!(*username, None, "EKS's own default is left to it");
    let again = reviewed(&world, &[(role("again"), Edit::Again)]);
    assert_eq!(
        again.steps.iter().map(|it| it.call.operation()).collect::<Vec<_>>(),
        ["DeleteAccessEntry", "CreateAccessEntry"]
    );
    assert!(again.steps[0].note.as_deref().is_some_and(|it| it.contains("gone in between")));
    let Call::CreateAccessEntry { username, .. } = &again.steps[1].call else { panic!() };
    assert_eq!(username.as_deref(), Some("again"));
}

#[test]
fn who_gains_and_loses_is_told_by_verbs_and_places() {
    let world = world();
    let review = reviewed(&world, &[(role("fresh"), give("View", &["green", "green-*"]))]);
    let it = &review.differences[0];
    assert_eq!(it.turns(), Some(true));
    let places: Vec<_> = it.gains.iter().filter_map(|it| it.namespaces.clone()).collect();
    assert!(
        places.iter().all(|it| it.contains("green") && it.contains("green-api") && !it.contains("blue")),
        "{:?}",
        it.gains
    );
    assert!(it.gains.iter().any(|it| it.resources.contains("pods") && it.verbs.len() == 3), "{:?}", it.gains);
    assert!(it.loses.is_empty() && it.unknown.is_empty());
    // dev keeps what the group gives in green, and loses the policy in blue.
    let less = reviewed(&world, &[(role("dev"), Edit::TakePolicy { policy_arn: policy("View") })]);
    let it = &less.differences[0];
    assert!(
        it.gains.is_empty() && it.loses.iter().all(|it| it.namespaces == Some(["blue".to_owned()].into())),
        "{:?}",
        it.loses
    );
}

#[test]
fn checks_say_what_speaks_against_it() {
    let world = world();
    let other = |subject: &str, edit: Edit| told(&reviewed(&world, &[(role(subject), edit)]));
    let has = |told: Vec<String>, wanted: &str| {
        assert!(told.iter().any(|it| it.starts_with(wanted)), "{wanted}\n{}", told.join("\n"))
    };
    let has_not =
        |told: Vec<String>, id: &str| assert!(!told.iter().any(|it| it.contains(id)), "{id}\n{}", told.join("\n"));

    has(
        other("over", Edit::Remove),
        "asks aws-auth-in-force: aws-auth mapRoles[1] comes into force, which the entry hid: it then gets in as user over with system:masters",
    );
    has(
        other("row", give("View", &["blue"])),
        "asks aws-auth-shadowed: it gets in through aws-auth mapRoles[0] now, as user row with devs",
    );
    has(other("again", Edit::Again), "asks recreated-principal: the principal was deleted and made again");
    has_not(other("over", Edit::Again), "recreated-principal");
    has(other("node", Edit::Remove), "asks nodes: nodes get in through it, and it is the last of type EC2_LINUX");
    has(other("node", Edit::GiveGroups(vec!["x".into()])), "blocks node-type-edited");
    has(other("fresh", give("ClusterAdmin", &[])), "asks cluster-admin");
    has(
        other("fresh", Edit::GiveGroups(vec!["roots".into()])),
        "asks cluster-admin: the group roots may do everything",
    );
    has(
        other("fresh", Edit::GiveGroups(vec!["nobodys".into()])),
        "notes group-unbound: no binding names the group nobodys",
    );
    has(
        other("fresh", Edit::GiveGroups(vec!["system:masters".into()])),
        "blocks invalid: The kubernetes group name system:masters is invalid, it cannot start with system:",
    );
    has(
        other("fresh", give("View", &["blue", "green-*"])),
        "asks wildcard: AmazonEKSViewPolicy @ green-* covers 1 namespace now",
    );
    has(other("fresh", give("View", &["nowhere"])), "notes namespace-absent: there is no namespace nowhere");
    has(other("fresh", give("Edit", &["blue"])), "notes no-custom-resources");
    has_not(other("fresh", give("AdminView", &["blue"])), "no-custom-resources");
    has(other("fresh", give("Event", &["blue"])), "notes policy-unpublished");
    has(other("dev", give("Edit", &["blue"])), "notes managed-elsewhere: its tags tell of Terraform");
    has(
        other("never-made", give("View", &["blue"])),
        "blocks invalid: The specified principalArn is invalid: invalid principal.",
    );
    has(other("admin", Edit::TakePolicy { policy_arn: policy("ClusterAdmin") }), "asks caller-loses-access");
    has(
        told(&reviewed(
            &world,
            &[(Subject::Entry("arn:aws:iam::555566667777:role/partner".into()), give("View", &["blue"]))],
        )),
        "asks foreign-principal",
    );
    has(
        told(&reviewed(
            &world,
            &[(Subject::Entry("arn:aws:iam::111122223333:role/aws-service-role/x/y".into()), give("View", &["blue"]))],
        )),
        "blocks service-linked",
    );
    assert_eq!(
        reviewed(&world, &[(role("fresh"), give("AdminView", &["blue"]))]).counts(),
        (0, 0, 0),
        "a clean grant is clean"
    );
}

#[test]
fn who_is_not_known_is_not_said_to_lose_nothing() {
    let world = world();
    let draft = drafted(&world, &[(role("dev"), Edit::Remove)]);
    let review = review(&world.facts, &world.iam, &world.permissions, None, &draft, None);
    assert!(told(&review).iter().any(|it| it.starts_with("notes caller-unknown")), "{:?}", told(&review));
}

#[test]
fn the_last_admin_cannot_be_removed_in_any_form() {
    let only = world_of("[]");
    for edits in [
        vec![(role("admin"), Edit::Remove)],
        vec![(role("admin"), Edit::TakePolicy { policy_arn: policy("ClusterAdmin") })],
        vec![(role("admin"), give("ClusterAdmin", &["blue"]))],
        vec![
            (role("admin"), give("View", &[])),
            (role("admin"), Edit::TakePolicy { policy_arn: policy("ClusterAdmin") }),
        ],
    ] {
        let review = reviewed(&only, &edits);
        assert!(
            review.checks.iter().any(|it| it.id.as_str() == "last-admin" && it.level == Level::Blocks),
            "{edits:?}: {:?}",
            told(&review)
        );
    }
    // The only admin is a row of aws-auth; an entry would hide it.
    let by_row =
        world_of("- {rolearn: 'arn:aws:iam::111122223333:role/row', username: row, groups: ['system:masters']}");
    let mut rowed = by_row;
    let first = drafted(&rowed, &[(role("admin"), Edit::Remove)]);
    rowed.facts = project(&rowed.facts, &first, None);
    let review = reviewed(&rowed, &[(role("row"), give("View", &["blue"]))]);
    assert!(review.checks.iter().any(|it| it.id.as_str() == "last-admin"), "{:?}", told(&review));
    // By a group: taking it away takes the admin away.
    let mut grouped = world_of("[]");
    let first =
        drafted(&grouped, &[(role("fresh"), Edit::GiveGroups(vec!["roots".into()])), (role("admin"), Edit::Remove)]);
    grouped.facts = project(&grouped.facts, &first, None);
    let review = reviewed(&grouped, &[(role("fresh"), Edit::TakeGroups(vec!["roots".into()]))]);
    assert!(review.checks.iter().any(|it| it.id.as_str() == "last-admin"), "{:?}", told(&review));
    // With another who stays, it may go.
    let review = reviewed(&only, &[(role("fresh"), give("ClusterAdmin", &[])), (role("admin"), Edit::Remove)]);
    assert!(!review.checks.iter().any(|it| it.id.as_str() == "last-admin"), "{:?}", told(&review));
}

fn an_edit() -> impl Strategy<Value = (Subject, Edit)> {
    let name = prop::sample::select(vec!["admin", "dev", "over", "again", "fresh", "row"]);
    let policies = prop::sample::select(vec!["View", "Edit", "ClusterAdmin", "AdminView"]);
    let places = prop::sample::select(vec![&[][..], &["blue"], &["green", "green-*"], &["nowhere"]]);
    let group = prop::sample::select(vec!["devs", "roots", "none", "probers"]);
    (name, 0..7usize, policies, places, group).prop_map(|(name, kind, policies, places, group)| {
        let edit = match kind {
            0 | 1 => give(policies, places),
            2 => Edit::TakePolicy { policy_arn: policy(policies) },
            3 => Edit::GiveGroups(vec![group.into()]),
            4 => Edit::TakeGroups(vec![group.into()]),
            5 => Edit::Remove,
            _ => Edit::Again,
        };
        (role(name), edit)
    })
}

fn stage_all(world: &World, edits: Vec<(Subject, Edit)>) -> Draft {
    let mut draft = Draft::default();
    for (subject, edit) in edits {
        // What cannot be done is refused, and leaves the draft as it is.
        let _ = draft.stage(&world.facts, &subject, edit, fresh);
    }
    draft
}

fn states(facts: &ClusterFacts) -> Vec<(Subject, Option<State>)> {
    let names = ["admin", "dev", "over", "again", "fresh", "row", "node"];
    names.into_iter().map(|name| (role(name), now(facts, &role(name)).known().unwrap())).collect()
}

mod admins;
mod ahead;
mod associations;
mod checks;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_inverse_after_the_change_is_identity(edits in prop::collection::vec(an_edit(), 0..6)) {
        let world = world();
        let draft = stage_all(&world, edits);
        let after = project(&world.facts, &draft, None);
        let back = project(&after, &draft.inverse(), None);
        prop_assert_eq!(states(&back), states(&world.facts));
    }

    /// Each step begins where the one before it of the same thing ended, and the last ends where the draft does.
    #[test]
    fn steps_lead_from_what_is_to_what_is_wanted(edits in prop::collection::vec(an_edit(), 0..6)) {
        let world = world();
        let draft = stage_all(&world, edits);
        let steps = plan(&draft);
        for (subject, change) in draft.changes() {
            let mut at = change.before.clone();
            for step in steps.iter().filter(|it| it.subject == *subject) {
                prop_assert_eq!(&step.before, &at);
                at = step.after.clone();
            }
            prop_assert_eq!(&at, &change.after);
        }
        // Nothing is taken from anybody before everything was given to everybody, but where a thing is replaced.
        let groups = |state: &Option<State>| match state {
            Some(State::Entry(it)) => it.groups.clone(),
            _ => BTreeSet::new(),
        };
        // An update that only takes groups away gives nothing.
        let gives = |step: &Step| match &step.call {
            Call::AssociateAccessPolicy { .. } | Call::CreateAccessEntry { .. } => true,
            Call::UpdateAccessEntry { .. } => !groups(&step.after).is_subset(&groups(&step.before)),
            _ => false,
        };
        let replaced = |subject: &Subject| draft.change(subject).is_some_and(|it| it.again);
        let last_given = steps.iter().rposition(|it| gives(it) && !replaced(&it.subject));
        let first_taken = steps.iter().position(|it| matches!(it.call, Call::DisassociateAccessPolicy { .. } | Call::DeleteAccessEntry { .. }) && !replaced(&it.subject));
        if let (Some(given), Some(taken)) = (last_given, first_taken) {
            prop_assert!(given < taken);
        }
    }

    /// The access diff is the difference of two full computations.
    #[test]
    fn the_difference_is_that_of_two_computations(
        edits in prop::collection::vec(an_edit(), 1..5),
        verb in prop::sample::select(vec!["get", "list", "create", "delete", "impersonate"]),
        what in prop::sample::select(vec![("", "pods", ""), ("", "secrets", ""), ("apps", "deployments", "scale"), ("", "nodes", ""), ("", "serviceaccounts", ""), ("", "pods", "exec")]),
        namespace in prop::sample::select(vec!["", "blue", "green", "green-api", "nowhere"]),
    ) {
        let world = world();
        let draft = stage_all(&world, edits);
        let after = project(&world.facts, &draft, None);
        let sides = Sides::new(&world.facts, &after, &world.iam, &world.permissions);
        let (group, resource, subresource) = what;
        // What has no namespace is asked for everywhere or nowhere.
        let namespace = if resource == "nodes" { "" } else { namespace };
        let target = Target::Resource { group: group.into(), resource: resource.into(), subresource: subresource.into(), namespace: namespace.into(), name: String::new() };
        let request = Request { verb: verb.into(), target };
        for it in sides.differences(&draft) {
            let allowed = |facts: &ClusterFacts| {
                let resolution = Resolver::new(facts, &world.iam).resolve(&Asked::principal(it.principal.clone()));
                world.permissions.decide(&Who::of(&resolution), &request).verdict == Verdict::Yes
            };
            let (before, later) = (allowed(&world.facts), allowed(&after));
            let names = |it: &diff::Access, what: &str| {
                it.verbs.contains(verb) && it.resources.contains(what)
                    && it.namespaces.as_ref().map_or(!it.except.contains(namespace), |all| all.contains(namespace))
            };
            let everything = |list: &[diff::Access]| list.iter().any(|it| {
                it.resources.contains(diff::EVERYTHING)
                    && it.namespaces.as_ref().map_or(!it.except.contains(namespace), |all| all.contains(namespace))
            });
            let named = |list: &[diff::Access]| list.iter().any(|it| names(it, &request.qualified()));
            // Everything stands for what it covers, whether or not a part of it was there before.
            if everything(&it.gains) {
                prop_assert!(later && !named(&it.gains), "gains {}: {:?}", &request, &it.gains);
                continue;
            }
            if everything(&it.loses) {
                prop_assert!(before && !named(&it.loses), "loses {}: {:?}", &request, &it.loses);
                continue;
            }
            // What no API serves is nobody's to gain.
            let known = crate::access::resources::find(group, resource).unwrap();
            let verbs = if subresource.is_empty() { &known.verbs } else { &known.subresources[subresource] };
            if verbs.iter().any(|it| it == verb) {
                prop_assert_eq!(named(&it.gains), !before && later, "gains {}: {:?}", &request, &it.gains);
                prop_assert_eq!(named(&it.loses), before && !later, "loses {}: {:?}", &request, &it.loses);
            }
        }
    }

    /// Of paths too, where wildcards and `system:masters` cover what the other side names.
    #[test]
    fn a_path_is_gained_or_lost_only_where_the_other_side_does_not_cover_it(
        edits in prop::collection::vec(an_edit(), 1..5),
        path in prop::sample::select(vec!["/api", "/api/v1", "/healthz", "/version", "/logs", "/x"]),
        verb in prop::sample::select(vec!["get", "post"]),
    ) {
        let world = world();
        let draft = stage_all(&world, edits);
        let after = project(&world.facts, &draft, None);
        let sides = Sides::new(&world.facts, &after, &world.iam, &world.permissions);
        let request = Request { verb: verb.into(), target: Target::Path(path.into()) };
        for it in sides.differences(&draft) {
            let allowed = |facts: &ClusterFacts| {
                let resolution = Resolver::new(facts, &world.iam).resolve(&Asked::principal(it.principal.clone()));
                world.permissions.decide(&Who::of(&resolution), &request).verdict == Verdict::Yes
            };
            let (before, later) = (allowed(&world.facts), allowed(&after));
            for (list, is, was) in [(&it.gains, later, before), (&it.loses, before, later)] {
                let covers = |own: &str| own == path || own.strip_suffix('*').is_some_and(|it| path.starts_with(it));
                let lines = || list.iter().filter(|it| it.verbs.contains(verb) || it.verbs.contains("*"));
                prop_assert!(lines().all(|it| it.resources.iter().all(|it| !it.starts_with('/') || !covers(it) || is)), "{}: {:?}", path, list);
                if is && !was {
                    prop_assert!(lines().any(|it| it.resources.iter().any(|it| it.starts_with('/') && covers(it))), "{}: {:?}", path, list);
                }
                if is && was {
                    prop_assert!(!lines().any(|it| it.resources.contains(path)), "{}: {:?}", path, list);
                }
            }
        }
    }
}

#[test]
fn what_everything_covers_is_neither_lost_nor_gained_nor_told_again() {
    let world = world();
    let tells = |edits: &[(Subject, Edit)]| -> (Vec<String>, Vec<String>) {
        let review = reviewed(&world, edits);
        let it = &review.differences[0];
        (it.gains.iter().map(diff::Access::tell).collect(), it.loses.iter().map(diff::Access::tell).collect())
    };
    let (gains, loses) = tells(&[(role("over"), Edit::Remove)]);
    assert_eq!((gains, loses), (vec!["everything everywhere".to_owned()], vec![]), "the row gives system:masters");
    let (gains, loses) = tells(&[(role("dev"), give("ClusterAdmin", &[]))]);
    assert_eq!((gains, loses), (vec!["everything everywhere".to_owned()], vec![]));
    let (gains, loses) = tells(&[(role("fresh"), give("ClusterAdmin", &[]))]);
    assert_eq!((gains, loses), (vec!["everything everywhere".to_owned()], vec![]));
}
