//! Somebody remains who may do everything, at the end and between the calls.

use super::*;
use crate::edit::check::{Check, CheckId};
use crate::model::mapping::AccessEntry;
use crate::model::snapshot::Section;

/// A world without aws-auth rows whose administrators are these, by ARN, besides whoever the change makes one.
fn world_with(admins: &[&str]) -> World {
    let mut world = world_of("[]");
    let mut entries = world.facts.access_entries.items().to_vec();
    let pattern = entries[0].clone();
    entries.remove(0);
    entries.extend(admins.iter().map(|&arn| AccessEntry { principal_arn: arn.to_owned(), ..pattern.clone() }));
    world.facts.access_entries = Section::known(entries, Time::default());
    world.permissions = Permissions::of(&world.facts);
    world
}

const ADMIN: &str = "arn:aws:iam::111122223333:role/admin";
const FRESH: &str = "arn:aws:iam::111122223333:role/fresh";
const PARTNER: &str = "arn:aws:iam::555566667777:role/hub-admin";
const OTHER: &str = "arn:aws:iam::555566667777:role/other";
const LINKED: &str = "arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS";

fn entry_of(arn: &str) -> Subject {
    Subject::Entry(arn.to_owned())
}

/// What is said of administrators: `blocks last-admin`.
fn said(world: &World, edits: &[(Subject, Edit)]) -> Vec<String> {
    let of_admins = |it: &&Check| matches!(it.id, CheckId::AdminsUnknown | CheckId::AdminsGap | CheckId::LastAdmin);
    let review = reviewed(world, edits);
    review.checks.iter().filter(of_admins).map(|it| format!("{} {}", it.level.word(), it.id)).collect()
}

fn narrowed() -> Edit {
    give("ClusterAdmin", &["blue"])
}

#[test]
fn whoever_the_last_admin_is_it_is_not_removed_unsaid() {
    let removed = |arn: &str| vec![(entry_of(arn), Edit::Remove)];
    type Row<'a> = (&'a [&'a str], Vec<(Subject, Edit)>, &'a [&'a str]);
    let rows: [Row<'_>; 7] = [
        (&[ADMIN, FRESH], removed(ADMIN), &[]),
        (&[ADMIN], removed(ADMIN), &["blocks last-admin"]),
        // The only one is of another account: whether it exists nobody here knows, and it is the last all the same.
        (&[PARTNER], removed(PARTNER), &["blocks last-admin"]),
        (&[PARTNER, OTHER], removed(PARTNER), &["asks admins-unknown"]),
        (&[ADMIN, PARTNER], removed(ADMIN), &["blocks last-admin"]),
        // What EKS alone can become helps nobody.
        (&[ADMIN, LINKED], removed(ADMIN), &["blocks last-admin"]),
        (&[PARTNER], vec![(role("dev"), Edit::Remove)], &[]),
    ];
    for (admins, edits, wanted) in rows {
        assert_eq!(said(&world_with(admins), &edits), wanted, "{admins:?} {edits:?}");
    }
}

#[test]
fn a_role_that_services_of_eks_alone_may_become_is_no_admin() {
    for (service, wanted) in [("capabilities.eks.amazonaws.com", true), ("ec2.amazonaws.com", false)] {
        let mut world = world_with(&[ADMIN, FRESH]);
        let mut roles = world.iam.roles.items().to_vec();
        let it = roles.iter_mut().find(|it| it.arn == FRESH).unwrap();
        it.assume_role_policy_document = Some(serde_json::json!({"Version": "2012-10-17", "Statement":
            [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}));
        world.iam.roles = Section::known(roles, Time::default());
        let blocks = said(&world, &[(entry_of(ADMIN), Edit::Remove)]) == ["blocks last-admin"];
        assert_eq!(blocks, wanted, "{service}");
    }
}

#[test]
fn an_admin_who_may_be_one_by_a_session_alone_is_a_question() {
    let mut world = world_with(&[]);
    let mut entries = world.facts.access_entries.items().to_vec();
    let dev = entries.iter_mut().find(|it| it.principal_arn.ends_with("/dev")).unwrap();
    dev.username = Some("adm:{{SessionName}}".into());
    world.facts.access_entries = Section::known(entries, Time::default());
    let mut bindings = world.facts.cluster_role_bindings.items().to_vec();
    bindings[0].subjects[0].kind = "User".into();
    bindings[0].subjects[0].name = "adm:jane".into();
    world.facts.cluster_role_bindings = Section::known(bindings, Time::default());
    world.permissions = Permissions::of(&world.facts);
    assert_eq!(said(&world, &[(role("dev"), Edit::Remove)]), ["asks admins-unknown"]);
}

#[test]
fn what_takes_comes_after_what_gives_so_that_no_admin_is_missing_between() {
    let calls = |world: &World, edits: &[(Subject, Edit)]| -> Vec<String> {
        let review = reviewed(world, edits);
        let told = |it: &crate::edit::plan::Step| {
            let Subject::Entry(arn) = &it.subject else { panic!() };
            format!(
                "{} {} {}",
                it.call.operation(),
                crate::model::words::last_part(arn),
                crate::edit::told::call(&it.call)
            )
        };
        review.steps.iter().map(told).collect()
    };
    let world = world_with(&[ADMIN]);
    // Another becomes admin before this one is narrowed, whatever their names.
    let edits = [(entry_of(ADMIN), narrowed()), (role("over"), give("ClusterAdmin", &[]))];
    assert_eq!(
        calls(&world, &edits),
        [
            "AssociateAccessPolicy over AmazonEKSClusterAdminPolicy @ cluster",
            "AssociateAccessPolicy admin AmazonEKSClusterAdminPolicy @ blue",
        ]
    );
    assert_eq!(said(&world, &edits), Vec::<String>::new());
    // Groups that come are given first, those that go are taken last; a scope is first both.
    let edits = [
        (role("dev"), Edit::TakeGroups(vec!["devs".into()])),
        (role("dev"), Edit::GiveGroups(vec!["roots".into()])),
        (role("dev"), Edit::TakePolicy { policy_arn: policy("View") }),
        (role("dev"), give("Edit", &["blue"])),
    ];
    let told = calls(&world_with(&[ADMIN, FRESH]), &edits);
    let operations: Vec<&str> = told.iter().filter_map(|it| it.split(' ').next()).collect();
    assert_eq!(
        operations,
        ["AssociateAccessPolicy", "UpdateAccessEntry", "UpdateAccessEntry", "DisassociateAccessPolicy"],
        "{told:#?}"
    );
    assert!(told[1].contains("devs, roots") && told[2].contains("groups roots"), "{told:#?}");
    let moved = [(role("dev"), give("View", &["green"]))];
    let told = calls(&world_with(&[ADMIN, FRESH]), &moved);
    assert_eq!(
        told,
        [
            "AssociateAccessPolicy dev AmazonEKSViewPolicy @ blue,green",
            "AssociateAccessPolicy dev AmazonEKSViewPolicy @ green",
        ]
    );
    // One that is made again is gone in between: that is asked.
    assert_eq!(said(&world, &[(entry_of(ADMIN), Edit::Again)]), ["asks admins-gap"]);
}
