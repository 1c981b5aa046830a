//! Every check speaks when it should, and is silent one step away from that.

use super::*;
use crate::edit::check::drift::drift;
use crate::edit::check::{Check, CheckId};
use crate::edit::draft::Change;
use crate::edit::preflight::{Ask, checks};
use crate::edit::state::AssociationState;
use crate::model::role::{Decision, Simulated};
use crate::model::snapshot::Section;

/// A world, what is staged on it, and who stages.
struct Case {
    world: World,
    edits: Vec<(Subject, Edit)>,
    anonymous: bool,
    /// What AWS would add.
    found: Vec<Check>,
}

fn on(subject: Subject, edit: Edit) -> Case {
    Case { world: world(), edits: vec![(subject, edit)], anonymous: false, found: Vec::new() }
}

fn found(found: impl IntoIterator<Item = Check>) -> Case {
    Case { found: found.into_iter().collect(), ..on(role("fresh"), give("AdminView", &["blue"])) }
}

impl Case {
    fn and(mut self, subject: Subject, edit: Edit) -> Case {
        self.edits.push((subject, edit));
        self
    }

    fn with(mut self, change: impl FnOnce(&mut World)) -> Case {
        change(&mut self.world);
        self
    }

    fn rows(self, rows: &str) -> Case {
        Case { world: world_of(rows), ..self }
    }

    fn checks(&self) -> Vec<Check> {
        let draft = drafted(&self.world, &self.edits);
        let caller = Asked::from_arn("arn:aws:sts::111122223333:assumed-role/admin/ana").unwrap();
        let caller = (!self.anonymous).then_some(&caller);
        let World { facts, iam, permissions } = &self.world;
        review(facts, iam, permissions, caller, &draft, None).with(self.found.iter().cloned()).checks
    }
}

fn no_aws_auth(world: &mut World) {
    world.facts.aws_auth = Section::failed(refused("get configmaps in kube-system"));
}

fn cluster(world: &mut World, with: impl FnOnce(&mut crate::model::cluster::Cluster)) {
    let mut it = world.facts.cluster.value().unwrap().clone();
    with(&mut it);
    world.facts.cluster = Section::known(it, Time::default());
}

fn config_map_only(world: &mut World) {
    let mode = crate::model::cluster::AuthenticationMode::ConfigMap;
    cluster(world, |it| it.access_config.as_mut().unwrap().authentication_mode = Some(mode));
}

fn entries(world: &mut World, with: impl FnOnce(&mut Vec<crate::model::mapping::AccessEntry>)) {
    let mut all = world.facts.access_entries.items().to_vec();
    with(&mut all);
    world.facts.access_entries = Section::known(all, Time::default());
}

fn tagged(world: &mut World, name: &str, key: &str, value: &str) {
    let arn = format!("arn:aws:iam::111122223333:role/{name}");
    entries(world, |all| {
        let it = all.iter_mut().find(|it| it.principal_arn == arn).unwrap();
        it.tags = [(key.to_owned(), value.to_owned())].into();
    });
}

/// So many entries in all.
fn filled(world: &mut World, up_to: usize) {
    entries(world, |all| {
        let one = all[1].clone();
        for n in all.len()..up_to {
            let principal_arn = format!("arn:aws:iam::555566667777:role/r{n}");
            all.push(crate::model::mapping::AccessEntry { principal_arn, ..one.clone() });
        }
    });
}

fn without_role(world: &mut World, name: &str) {
    let mut all = world.iam.roles.items().to_vec();
    all.retain(|it| it.role_name != name);
    world.iam.roles = Section::known(all, Time::default());
}

fn be(name: &str, with: impl FnOnce(&mut EntryState)) -> (Subject, Edit) {
    let Some(State::Entry(mut it)) = now(&world().facts, &role(name)).known().unwrap() else { panic!("{name}") };
    with(&mut it);
    (role(name), Edit::Be(Box::new(it)))
}

fn be_on(name: &str, with: impl FnOnce(&mut EntryState)) -> Case {
    let (subject, edit) = be(name, with);
    on(subject, edit)
}

fn service_account(name: &str) -> Subject {
    Subject::Association("blue".into(), name.into())
}

fn associate() -> Edit {
    let role_arn = "arn:aws:iam::111122223333:role/dev".to_owned();
    Edit::Associate(AssociationState { role_arn, ..AssociationState::default() })
}

fn owner(world: &mut World, arn: Option<&str>) {
    let mut all = world.facts.pod_identity_associations.items().to_vec();
    all[0].owner_arn = arn.map(str::to_owned);
    world.facts.pod_identity_associations = Section::known(all, Time::default());
}

/// `dev` as read again.
fn dev_again(with: impl FnOnce(&mut EntryState)) -> Option<Check> {
    let draft = drafted(&world(), &[(role("dev"), give("Edit", &["blue"]))]);
    let change: Change = draft.change(&role("dev")).unwrap().clone();
    let Some(State::Entry(mut is)) = change.before.clone() else { panic!() };
    with(&mut is);
    drift(&role("dev"), &change, Ok(Some(&State::Entry(is))))
}

fn said(decision: Decision, missing: &[&str]) -> Vec<Check> {
    let ask = Ask { action: "eks:CreateAccessEntry".into(), resource: "c".into(), context: vec![], steps: [1].into() };
    let missing_context = missing.iter().map(|&it| it.into()).collect();
    let one = Simulated { decision, missing_context, ..Simulated::default() };
    checks("role/admin", &[(ask, Ok(vec![one]))])
}

/// Each check, a case in which it speaks, and one a step away in which it does not.
fn cases() -> Vec<(&'static str, Case, Case)> {
    let fresh_view = || on(role("fresh"), give("View", &["blue"]));
    let foreign = |account: &str| Subject::Entry(format!("arn:aws:iam::{account}:role/fresh"));
    let at = |path: &str| Subject::Entry(format!("arn:aws:iam::111122223333:role/{path}/fresh"));
    let grouped = |group: &str| on(role("fresh"), Edit::GiveGroups(vec![group.into()]));
    vec![
        (
            "last-admin",
            on(role("admin"), Edit::Remove).rows("[]"),
            on(role("admin"), Edit::Remove).rows("[]").and(role("fresh"), give("ClusterAdmin", &[])),
        ),
        (
            "drift",
            found(dev_again(|it| it.groups.extend(["theirs".to_owned()]))),
            // What means nothing is no change.
            found(dev_again(|it| {
                let scope = it.policies.values_mut().next().unwrap();
                scope.namespaces = vec!["blue".into(), "blue".into()];
            })),
        ),
        ("mode", fresh_view().with(config_map_only), on(service_account("new"), associate()).with(config_map_only)),
        (
            "cluster-status",
            fresh_view().with(|it| cluster(it, |it| it.status = Some("DELETING".into()))),
            fresh_view().with(|it| cluster(it, |it| it.status = Some("UPDATING".into()))),
        ),
        (
            "cluster-unknown",
            fresh_view().with(|it| it.facts.cluster = Section::failed(refused("eks:DescribeCluster"))),
            fresh_view(),
        ),
        (
            "node-type-edited",
            be_on("node", |it| it.username = Some("other".into())),
            be_on("node", |it| drop(it.tags.insert("a".into(), "b".into()))),
        ),
        (
            "service-linked",
            on(at("aws-service-role/x"), give("View", &["blue"])),
            on(at("service-role"), give("View", &["blue"])),
        ),
        (
            "owned-by-addon",
            on(service_account("api"), Edit::Dissociate)
                .with(|it| owner(it, Some("arn:aws:eks:r:111122223333:addon/c/x/1"))),
            on(service_account("api"), Edit::Dissociate).with(|it| owner(it, None)),
        ),
        ("limit", fresh_view().with(|it| filled(it, 3_000)), fresh_view().with(|it| filled(it, 2_999))),
        ("invalid", grouped("system:masters"), grouped("systems:masters")),
        (
            "admins-unknown",
            on(role("admin"), Edit::Remove).with(no_aws_auth),
            on(role("admin"), Edit::Remove).and(role("fresh"), give("ClusterAdmin", &[])).with(no_aws_auth),
        ),
        (
            "admins-gap",
            on(role("admin"), Edit::Again).rows("[]"),
            on(role("admin"), Edit::Again).rows("[]").and(role("fresh"), give("ClusterAdmin", &[])),
        ),
        (
            "caller-loses-access",
            on(role("admin"), Edit::TakePolicy { policy_arn: policy("ClusterAdmin") }),
            on(role("dev"), Edit::TakePolicy { policy_arn: policy("View") }),
        ),
        ("caller-may-not", found(said(Decision::NotAllowed, &[])), found(said(Decision::Allowed, &[]))),
        ("aws-auth-in-force", on(role("over"), Edit::Remove), on(role("dev"), Edit::Remove)),
        ("aws-auth-shadowed", on(role("row"), give("View", &["blue"])), fresh_view()),
        (
            "afterwards-unknown",
            on(role("dev"), Edit::Remove).with(no_aws_auth),
            on(role("dev"), Edit::TakePolicy { policy_arn: policy("View") }).with(no_aws_auth),
        ),
        ("recreated-principal", on(role("again"), Edit::Again), on(role("over"), Edit::Again)),
        (
            "nodes",
            be_on("node", |it| it.kind = "STANDARD".into()),
            be_on("node", |it| drop(it.tags.insert("a".into(), "b".into()))),
        ),
        (
            "cluster-admin",
            on(role("fresh"), give("ClusterAdmin", &[])),
            on(role("fresh"), give("ClusterAdmin", &["blue"])),
        ),
        ("wildcard", on(role("fresh"), give("View", &["green-*"])), on(role("fresh"), give("View", &["green-api"]))),
        (
            "foreign-principal",
            on(foreign("555566667777"), give("View", &["blue"])),
            on(foreign("111122223333"), give("View", &["blue"])),
        ),
        (
            "undo-impossible",
            on(role("dev"), Edit::Remove).with(|it| without_role(it, "dev")),
            on(role("dev"), Edit::Remove),
        ),
        (
            "undo-partial",
            on(role("dev"), Edit::Remove),
            on(role("dev"), Edit::TakePolicy { policy_arn: policy("View") }),
        ),
        ("namespace-absent", on(role("fresh"), give("View", &["nowhere"])), fresh_view()),
        ("group-unbound", grouped("nobodys"), grouped("devs")),
        ("no-custom-resources", fresh_view(), on(role("fresh"), give("AdminView", &["blue"]))),
        ("policy-unpublished", on(role("fresh"), give("Event", &["blue"])), fresh_view()),
        (
            "managed-elsewhere",
            on(role("over"), Edit::Remove).with(|it| tagged(it, "over", "aws:cloudformation:stack-name", "s")),
            on(role("over"), Edit::Remove).with(|it| tagged(it, "over", "stack", "cloud")),
        ),
        ("caller-unknown", Case { anonymous: true, ..fresh_view() }, fresh_view()),
        (
            "caller-not-simulated",
            // A denial is known whatever else is missing.
            found(said(Decision::NotAllowed, &["aws:SourceVpc"])),
            found(said(Decision::Denied, &["aws:SourceVpc"])),
        ),
        (
            "drift-unknown",
            found({
                let draft = drafted(&world(), &[(role("dev"), Edit::Remove)]);
                drift(
                    &role("dev"),
                    draft.change(&role("dev")).unwrap(),
                    Err("eks:DescribeAccessEntry is refused to you"),
                )
            }),
            found(dev_again(|_| {})),
        ),
        ("unknown", on(role("fresh"), give("Event", &["blue"])), fresh_view()),
    ]
}

#[test]
fn every_check_speaks_and_is_silent_a_step_away() {
    let mut tried = std::collections::BTreeSet::new();
    let of = |(world, edits)| Case { world, edits, anonymous: false, found: Vec::new() };
    let associations = associations::cases().into_iter().map(|(id, [fires, misses])| (id, of(fires), of(misses)));
    for (id, fires, misses) in cases().into_iter().chain(associations) {
        let id: CheckId = id.parse().unwrap_or_else(|_| panic!("{id} is registered"));
        let level = id.level();
        let said = fires.checks();
        assert!(said.iter().any(|it| it.id == id && it.level == level), "{id} does not speak: {said:#?}");
        let silent = misses.checks();
        assert!(!silent.iter().any(|it| it.id == id), "{id} speaks a step away: {silent:#?}");
        tried.insert(id);
    }
    let all: std::collections::BTreeSet<CheckId> = CheckId::ALL.iter().copied().collect();
    assert_eq!(tried, all, "every check is tried");
}

#[test]
fn what_was_not_read_makes_the_last_admin_a_question_and_names_it() {
    type Unread = fn(&mut World);
    let cases: [(&str, Unread); 3] = [
        ("aws-auth", no_aws_auth),
        ("cluster roles", |it| it.facts.cluster_roles = Section::failed(refused("list clusterroles"))),
        ("cluster role bindings", |it| it.facts.cluster_role_bindings = Section::failed(refused("list bindings"))),
    ];
    for (what, unread) in cases {
        let reread = |it: &mut World| {
            unread(it);
            it.permissions = Permissions::of(&it.facts);
        };
        let said = on(role("admin"), Edit::Remove).with(reread).checks();
        let told = said.iter().find(|it| it.id.as_str() == "admins-unknown").map(|it| it.because.clone());
        assert!(told.as_ref().is_some_and(|it| it.contains(&format!("Not read: {what}: "))), "{what}: {said:#?}");
        assert!(!said.iter().any(|it| it.id.as_str() == "last-admin"), "{what}: {said:#?}");
        // Taking from whoever cannot be an admin raises no such question.
        let said = on(role("dev"), Edit::TakePolicy { policy_arn: policy("View") }).with(reread).checks();
        assert!(!said.iter().any(|it| it.id.as_str() == "admins-unknown"), "{what}: {said:#?}");
    }
}

/// IAM's lists let nobody in, unless mapAccounts does: they only tell whether a role is the one that its entry was made for.
#[test]
fn iam_that_was_not_read_lets_nobody_else_be_an_admin() {
    let roles = |it: &mut World| it.iam.roles = Section::failed(refused("iam:ListRoles"));
    let said = on(role("admin"), Edit::Remove).with(roles).checks();
    let told = said.iter().find(|it| it.id == CheckId::AdminsUnknown).map(|it| it.because.as_str()).unwrap_or_default();
    assert!(told.contains("role/admin may be one now and would be none, and nobody else may"), "{said:#?}");
    let users = |it: &mut World| it.iam.users = Section::failed(refused("iam:ListUsers"));
    let said = on(role("admin"), Edit::Remove).with(users).checks();
    assert!(said.iter().any(|it| it.id == CheckId::LastAdmin), "{said:#?}");
}

#[test]
fn tags_of_every_tool_are_told_and_by_its_name() {
    for (key, value, tool) in [
        ("aws:cloudformation:stack-id", "x", Some("CloudFormation")),
        ("alpha.eksctl.io/cluster-name", "c", Some("eksctl")),
        ("eksctl.cluster.k8s.io/v1alpha1/cluster-name", "c", Some("eksctl")),
        ("services.k8s.aws/controller-version", "eks-1", Some("ACK")),
        ("terraform", "true", Some("Terraform")),
        ("tf-module", "x", Some("Terraform")),
        ("managed-by", "Terraform Cloud", Some("Terraform")),
        ("ManagedBy", "eksctl", Some("eksctl")),
        ("managed-by", "ack", Some("ACK")),
        ("tool", "terraform", Some("Terraform")),
        ("managed-by", "hand, with a backpack", None),
        ("team", "tf", None),
    ] {
        let said = on(role("over"), Edit::Remove).with(|it| tagged(it, "over", key, value)).checks();
        let told = said.iter().find(|it| it.id.as_str() == "managed-elsewhere").map(|it| &it.because);
        assert_eq!(told.is_some(), tool.is_some(), "{key}={value}: {told:?}");
        assert!(tool.is_none_or(|tool| told.unwrap().contains(&format!("tell of {tool},"))), "{key}={value}: {told:?}");
    }
}

#[test]
fn the_last_of_a_kind_of_node_and_map_accounts_are_named() {
    let because = |case: Case, id: &str| {
        let said = case.checks();
        said.iter().find(|it| it.id.as_str() == id).unwrap_or_else(|| panic!("{id}: {said:#?}")).because.clone()
    };
    assert!(because(on(role("node"), Edit::Remove), "nodes").contains("it is the last of type EC2_LINUX"));
    let another = on(role("node"), Edit::Remove).with(|it| {
        entries(it, |all| {
            let mut other = all.iter().find(|it| it.kind == "EC2_LINUX").unwrap().clone();
            other.principal_arn = "arn:aws:iam::111122223333:role/fresh".into();
            all.push(other);
        });
    });
    assert!(!because(another, "nodes").contains("the last"));
    let accounts = on(role("over"), Edit::Remove).with(|it| {
        let document = read(&WORLD.replace("mapRoles: \"MAPROLES\"", "mapAccounts: '[\"111122223333\"]'")).unwrap();
        let facts = snapshot_of(&document, Source::default()).settled();
        it.facts = (*facts.cluster(&ClusterId { region: "r".into(), name: "c".into() })).clone();
    });
    let told = because(accounts, "aws-auth-in-force");
    assert!(told.contains("mapAccounts") && told.contains("arn:aws:iam::111122223333:role/over"), "{told}");
}

/// Every way that was thought of to take away what the last admin has.
#[test]
fn the_last_admin_stays_whatever_is_tried() {
    let only = || world_of("[]");
    let masters = "- {rolearn: 'arn:aws:iam::111122223333:role/row', username: row, groups: ['system:masters']}";
    // `row` gets in by aws-auth alone, and is the only admin.
    let by_row = || {
        let mut it = world_of(masters);
        let draft = drafted(&it, &[(role("admin"), Edit::Remove)]);
        it.facts = project(&it.facts, &draft, None);
        it
    };
    // `fresh` is the only admin, by a group that is bound.
    let by_group = || {
        let mut it = only();
        let draft =
            drafted(&it, &[(role("fresh"), Edit::GiveGroups(vec!["roots".into()])), (role("admin"), Edit::Remove)]);
        it.facts = project(&it.facts, &draft, None);
        it
    };
    // `admin` is the only admin, by its username.
    let by_name = || {
        let text = WORLD
            .replace("MAPROLES", "[]")
            .replace("subjects: [{kind: Group, name: roots}]", "subjects: [{kind: User, name: admin}]");
        let snapshot = snapshot_of(&read(&text).unwrap(), Source::default()).settled();
        let facts = (*snapshot.cluster(&ClusterId { region: "r".into(), name: "c".into() })).clone();
        let permissions = Permissions::of(&facts);
        let mut it = World { facts, iam: (*snapshot.iam).clone(), permissions };
        let draft = drafted(&it, &[(role("admin"), Edit::TakePolicy { policy_arn: policy("ClusterAdmin") })]);
        it.facts = project(&it.facts, &draft, None);
        it
    };
    let take = |name: &str| Edit::TakePolicy { policy_arn: policy(name) };
    let kind = |kind: &str| be("admin", |it| (it.kind, it.policies) = (kind.into(), Default::default())).1;
    let bare = || Edit::GiveGroups(vec![]);
    type Tried = (&'static str, World, Vec<(Subject, Edit)>);
    let cases: Vec<Tried> = vec![
        ("removed", only(), vec![(role("admin"), Edit::Remove)]),
        ("its policy taken", only(), vec![(role("admin"), take("ClusterAdmin"))]),
        ("re-scoped to a namespace", only(), vec![(role("admin"), give("ClusterAdmin", &["blue"]))]),
        ("re-scoped to all namespaces", only(), vec![(role("admin"), give("ClusterAdmin", &["*"]))]),
        ("replaced by less", only(), vec![(role("admin"), give("View", &[])), (role("admin"), take("ClusterAdmin"))]),
        (
            "replaced by what has no custom resources",
            only(),
            vec![(role("admin"), give("Admin", &[])), (role("admin"), take("ClusterAdmin"))],
        ),
        ("made a node", only(), vec![(role("admin"), kind("EC2_LINUX"))]),
        ("made Fargate's", only(), vec![(role("admin"), kind("FARGATE_LINUX"))]),
        (
            "handed to a principal that does not exist",
            only(),
            vec![(role("never-made"), give("ClusterAdmin", &[])), (role("admin"), Edit::Remove)],
        ),
        (
            "handed to one whose entry is dead",
            only(),
            vec![(role("again"), give("ClusterAdmin", &[])), (role("admin"), Edit::Remove)],
        ),
        (
            "handed to another account's",
            only(),
            vec![
                (Subject::Entry("arn:aws:iam::555566667777:role/x".into()), give("ClusterAdmin", &[])),
                (role("admin"), Edit::Remove),
            ],
        ),
        ("its row of aws-auth hidden by an entry", by_row(), vec![(role("row"), give("View", &["blue"]))]),
        ("its row hidden by an entry without anything", by_row(), vec![(role("row"), bare())]),
        ("its row hidden by a group of less", by_row(), vec![(role("row"), Edit::GiveGroups(vec!["devs".into()]))]),
        ("its group taken", by_group(), vec![(role("fresh"), Edit::TakeGroups(vec!["roots".into()]))]),
        (
            "its groups set to others",
            by_group(),
            vec![(role("fresh"), Edit::Identity { groups: vec!["devs".into()], username: None })],
        ),
        (
            "its username changed",
            by_name(),
            vec![(role("admin"), Edit::Identity { groups: vec![], username: Some("somebody".into()) })],
        ),
    ];
    for (what, world, edits) in cases {
        let review = reviewed(&world, &edits);
        let blocks = review.checks.iter().any(|it| it.id.as_str() == "last-admin" && it.level == Level::Blocks);
        assert!(blocks, "{what}: {:#?}", told(&review));
        // What changes nothing for the admin passes.
        let review = reviewed(&world, &[(role("dev"), give("AdminView", &["blue"]))]);
        assert!(!review.checks.iter().any(|it| it.id.as_str() == "last-admin"), "{what}: {:#?}", told(&review));
    }
}

/// EKS user guide, "Review access policy permissions": of these, "for use by service-linked roles only".
#[test]
fn a_policy_of_service_linked_roles_blocks_where_a_plan_would_associate_it() {
    let hold = |it: &mut World, name: &str| {
        entries(it, |all| {
            let dev = all.iter_mut().find(|it| it.principal_arn.ends_with("role/dev")).unwrap();
            let held = crate::model::mapping::AssociatedPolicy {
                policy_arn: policy(name),
                access_scope: scope(&[]),
                ..Default::default()
            };
            dev.associated_access_policies.get_or_insert_default().push(held);
        });
    };
    let blocked = |case: Case| {
        let said = case.checks();
        let invalid = said.into_iter().find(|it| it.id.as_str() == "invalid");
        invalid.map(|it| it.because)
    };
    for name in ["PodIdentity", "Hybrid", "ClusterInsights", "Compute", "ComputeCluster", "BlockStorage"] {
        for subject in ["fresh", "dev"] {
            let why = blocked(on(role(subject), give(name, &[]))).unwrap_or_default();
            assert!(why.contains("is for service linked roles alone"), "{name} {subject}: {why}");
        }
        // What EKS has associated by itself stays, whatever else changes; not with another scope, nor in a new entry.
        let held = |edit: Edit| blocked(on(role("dev"), edit).with(|it| hold(it, name)));
        assert_eq!(held(Edit::GiveGroups(vec!["readers".into()])), None, "{name}");
        assert!(held(give(name, &["blue"])).is_some(), "{name}");
        assert!(held(Edit::Again).is_some(), "{name}");
    }
    for name in ["View", "AutoNode", "ACK", "Event"] {
        let why = blocked(on(role("fresh"), give(name, &[]))).unwrap_or_default();
        assert!(!why.contains("service linked"), "{name}: {why}");
    }
}
