//! On the screen: somebody else was there first, and what is done about it.

use std::sync::Arc;

use eksplorer::app::effect::Effect;
use eksplorer::app::message::{Answer, Msg};
use eksplorer::app::overlay::Overlay;
use eksplorer::edit::check::drift::drift;
use eksplorer::edit::preflight::{Ask, checks, not_known};
use eksplorer::edit::review;
use eksplorer::edit::state::State;
use eksplorer::model::mapping::AccessEntry;
use eksplorer::model::role::{Decision, Simulated};
use eksplorer::model::snapshot::{Section, Source};
use eksplorer::model::update::{ClusterUpdate, Update};

use crate::keys::{notice, top};
use crate::screens::check;
use crate::stage::{Stage, cluster, time};

const DEPLOYER: &str = "blue/deployer";

fn staged() -> Stage {
    let stage = Stage::acme(Source::Lab).writing().keys("1").keys("/").text(DEPLOYER).keys("Enter");
    stage.keys("e").text(", more").keys("Enter")
}

/// Somebody else changes the entries, and they are read again.
fn read_again(stage: &mut Stage, with: impl FnOnce(&mut Vec<AccessEntry>)) {
    let mut all = stage.app.facts().access_entries.items().to_vec();
    with(&mut all);
    let news = ClusterUpdate::AccessEntries(Section::known(all, time("2026-11-24T06:20:00Z")));
    stage.send(Msg::Update(Box::new(Update::Cluster(cluster(), news))));
}

fn theirs(all: &mut [AccessEntry]) {
    let it = all.iter_mut().find(|it| it.principal_arn.ends_with(DEPLOYER)).expect("there is one");
    it.kubernetes_groups.push("theirs".to_owned());
}

fn groups(stage: &Stage) -> (Vec<String>, Vec<String>) {
    let Some(Overlay::Plan(view)) = stage.app.overlays.last() else { panic!("{}", top(stage)) };
    let (_, change) = view.draft.changes().next().expect("one");
    let of = |it: &Option<State>| match it {
        Some(State::Entry(it)) => it.groups.iter().cloned().collect(),
        other => panic!("{other:?}"),
    };
    (of(&change.before), of(&change.after))
}

#[test]
fn what_is_staged_stands_on_what_is_there_as_the_review_is_opened() {
    let (before, after) = groups(&staged().keys("r"));
    let mut stage = staged();
    read_again(&mut stage, |all| theirs(all));
    let stage = stage.keys("r");
    assert!(notice(&stage).contains("1 thing changed by somebody else meanwhile"), "{}", notice(&stage));
    let with = |all: &[String]| {
        let mut all = [all, &["theirs".to_owned()]].concat();
        all.sort();
        all
    };
    assert_eq!(groups(&stage), (with(&before), with(&after)), "theirs stays, ours is done on top of it");
    // What is taken back is what was staged, at once.
    assert_eq!(stage.keys("Esc z").app.staged(), 0);
}

#[test]
fn a_review_that_is_open_stays_as_it_was_read() {
    let mut stage = staged().keys("r");
    let before = groups(&stage);
    read_again(&mut stage, |all| theirs(all));
    assert_eq!(groups(&stage), before);
}

/// The review with what AWS would say to it.
#[test]
fn a_review_that_somebody_was_ahead_of_and_iam_speaks_against() {
    let mut stage = staged().resize(100, 24);
    stage.answers = false;
    stage = stage.keys("r");
    let asked = stage.effects.iter().rev().find_map(|it| match it {
        Effect::Plan { ticket, draft, .. } => Some((*ticket, draft.clone())),
        _ => None,
    });
    let (ticket, draft) = asked.expect("it is asked for");
    let (facts, iam) = (stage.app.facts(), stage.app.snapshot.iam.clone());
    let permissions = stage.app.analysis.as_ref().map(|it| it.permissions.clone()).unwrap_or_default();
    let review = review(&facts, &iam, &permissions, stage.app.caller().as_ref(), &draft, Some(stage.app.now));
    let mut all = facts.access_entries.items().to_vec();
    theirs(&mut all);
    let (subject, change) = draft.changes().next().expect("one");
    let is = all.iter().find(|it| it.principal_arn.ends_with(DEPLOYER)).expect("there is one");
    let is = State::Entry(eksplorer::edit::state::EntryState::of(is).expect("known"));
    let ask = Ask { action: "eks:UpdateAccessEntry".into(), resource: "r".into(), context: vec![], steps: [1].into() };
    let denied = Simulated { decision: Decision::NotAllowed, ..Simulated::default() };
    let mut found = checks("arn:aws:iam::111122223333:role/oncall", &[(ask, Ok(vec![denied]))]);
    found.extend(drift(subject, change, Ok(Some(&is))));
    found.push(not_known("eks:TagResource: too many requests"));
    stage.send(Msg::Answer(ticket, Answer::Plan(Arc::new(review.with(found)))));
    check("review_overtaken", &stage);
    let mut stage = stage.keys("Enter");
    assert!(notice(&stage).contains("check blocks it"), "{}", notice(&stage));
    // What came by a refresh is what it stands on from then on, without leaving it.
    stage.answers = true;
    let (before, _) = groups(&stage);
    read_again(&mut stage, |all| theirs(all));
    let (now, after) = groups(&stage);
    assert_eq!((now.len(), after.len()), (before.len() + 1, before.len() + 2));
    let Some(Overlay::Plan(view)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
    let review = view.review.as_ref().expect("it is computed anew");
    assert!(review.draft == view.draft && review.counts().0 == 0, "{:#?}", review.checks);
}
