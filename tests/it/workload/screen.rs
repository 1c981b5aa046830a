//! The screen's way to a workload's role: from a row, from the jump, to documents and policies, and onward.

use eksplorer::access::inventory::inventory;
use eksplorer::access::workload::Subject;
use eksplorer::app::effect::Effect;
use eksplorer::app::overlay::Overlay;
use std::sync::Arc;

use eksplorer::app::message::Msg;
use eksplorer::model::role::ManagedPolicy;
use eksplorer::model::snapshot::Source;
use eksplorer::model::update::{IamUpdate, Update};

use super::world::{LEDGER_TRUST, World};
use crate::keys::{notice, top};
use crate::stage::{Stage, file};

fn stage(world: &World, source: Source) -> Stage {
    let mut snapshot = world.snapshot();
    snapshot.source = source;
    let rows = inventory(&world.facts(), &snapshot.iam);
    Stage::with(snapshot, rows, true)
}

fn subject(stage: &Stage) -> Subject {
    match stage.app.overlays.last() {
        Some(Overlay::Workload(view)) => view.subject.clone(),
        _ => panic!("{}", top(stage)),
    }
}

fn document(stage: &Stage) -> &str {
    match stage.app.overlays.last() {
        Some(Overlay::Document(view)) => &view.document.text,
        _ => panic!("{}", top(stage)),
    }
}

#[test]
fn enter_on_a_row_opens_its_workload_and_keys_lead_on() {
    let stage = stage(&World::new(), file()).keys("3 Enter");
    assert_eq!(subject(&stage), Subject::ServiceAccount("payments".into(), "api".into()));
    let stage = stage.keys("g Enter");
    assert!(document(&stage).contains("kind: ServiceAccount"), "{}", document(&stage));
    let stage = stage.keys("Esc p");
    assert!(document(&stage).contains("RoleName: api"), "the role with its policies");
    let stage = stage.keys("Esc t");
    assert_eq!((top(&stage), stage.app.overlays.len()), ("trace", 2), "the role's own trace");
    assert_eq!(top(&stage.keys("Esc Esc")), "list");
}

#[test]
fn who_becomes_a_role_is_one_key_away_and_leads_on() {
    let role = |name: &str| Subject::Role(format!("arn:aws:iam::111122223333:role/{name}"));
    let acme = || Stage::acme(file()).keys("1 /").text("blue/deployer").keys("Enter");
    let opened = acme().keys("b");
    assert_eq!(subject(&opened), role("teams/blue/deployer"));
    // The line of a role leads on to who becomes that one; any other asks about the role itself again.
    let onward = opened.keys("g b");
    assert_eq!(
        subject(&onward),
        role("aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_PlatformEngineer_aa11bb22cc33dd44")
    );
    assert_eq!(top(&onward.keys("Esc Esc")), "list");
    assert_eq!(subject(&acme().keys("Enter b")), role("teams/blue/deployer"), "from the trace");
    let user = Stage::acme(file()).keys("6 /").text("user/people/carol").keys("Enter b");
    assert!(notice(&user).contains("Nobody becomes a user"), "{}", notice(&user));
    let who =
        Stage::acme(file()).keys("w").text("delete pods -n payments").keys("Enter / ").text("role/ci").keys("Enter b");
    assert_eq!(subject(&who), role("ci"), "from who can");
}

#[test]
fn policies_that_were_not_read_are_asked_for_and_come_into_the_open_document() {
    const AWS_OWN: &str = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    let world = World::with(|it| {
        let attached = serde_json::json!([{"PolicyName": "AmazonS3ReadOnlyAccess", "PolicyArn": AWS_OWN}]);
        it.set("/iam/RoleDetailList/0/AttachedManagedPolicies", attached);
    });
    let asks = |stage: &Stage| {
        stage.effects.iter().any(|it| {
            matches!(it, Effect::Policies { role, list: false, arns } if role == "api" && arns == &[AWS_OWN.to_owned()])
        })
    };
    let mut live = stage(&world, Source::Live).keys("3 Enter p");
    assert!(asks(&live), "{:?}", live.effects);
    assert!(document(&live).contains("Its text is not among the facts"), "{}", document(&live));
    let policy: ManagedPolicy = serde_json::from_value(serde_json::json!({"Arn": AWS_OWN, "PolicyVersionList":
        [{"VersionId": "v1", "IsDefaultVersion": true, "Document": {"Statement": [{"Action": "s3:Get*"}]}}]}))
    .unwrap();
    let news = IamUpdate::AskedPolicy(AWS_OWN.to_owned(), Ok(Some(Arc::new(policy))));
    live.send(Msg::Update(Box::new(Update::Iam(news))));
    assert!(document(&live).contains("s3:Get*"), "{}", document(&live));
    // A file holds what it holds.
    assert!(!asks(&stage(&world, file()).keys("3 Enter p")));
}

#[test]
fn the_jump_finds_service_accounts_and_pods_by_name() {
    let typed = stage(&World::new(), file()).keys("ctrl-p").text("payments/ledger-0");
    let found = typed.keys("Enter");
    assert_eq!(subject(&found), Subject::Pod("payments".into(), "ledger-0".into()));
    let found = stage(&World::new(), file()).keys("ctrl-p").text("kube-system/agent");
    assert_ne!(top(&found.keys("Enter")), "workload", "nothing is called that");
}

#[test]
fn what_mends_is_opened_and_copied_as_it_is_to_be_pasted() {
    let world = World::with(|it| it.set(&format!("{LEDGER_TRUST}/Action"), serde_json::json!("sts:AssumeRole")));
    let stage = stage(&world, file()).keys("4 Enter G Enter");
    assert!(
        document(&stage).starts_with("aws iam update-assume-role-policy --role-name ledger"),
        "{}",
        document(&stage)
    );
    let stage = stage.keys("Esc Y");
    let copied = stage.effects.iter().find_map(|it| match it {
        Effect::Copy(text) => Some(text.as_str()),
        _ => None,
    });
    assert!(copied.is_some_and(|it| it.starts_with("aws iam update-assume-role-policy")), "{copied:?}");
}

#[test]
fn policies_of_nobody_are_refused_in_words() {
    let stage = stage(&World::new(), file()).keys("1 p");
    assert_eq!((top(&stage), notice(&stage)), ("list", "Nothing here names an IAM role."));
}
