//! Message scripts: given facts and keys, this is the state and these are the effects.

use eksplorer::access::inventory::Inventory;
use eksplorer::app::effect::Effect;
use eksplorer::app::keymap::Context;
use eksplorer::app::message::{Mouse, Msg};
use eksplorer::app::overlay::Overlay;
use eksplorer::app::pane::Pane;
use eksplorer::model::snapshot::{Section, Source};
use eksplorer::model::update::{ClusterUpdate, Update};

use crate::stage::{SESSION, Stage, cluster, facts, file, inventory, time};

pub(crate) fn top(stage: &Stage) -> &'static str {
    match stage.app.overlays.last() {
        None => "list",
        Some(Overlay::Trace(_)) => "trace",
        Some(Overlay::Explain(_)) => "explain",
        Some(Overlay::Document(_)) => "document",
        Some(Overlay::Matrix(_)) => "matrix",
        Some(Overlay::WhoCan(_)) => "who-can",
        Some(Overlay::AskWho(_)) => "ask-who",
        Some(Overlay::Add(_)) => "add",
        Some(Overlay::Identity(_)) => "identity",
        Some(Overlay::Policies { rescope: false, .. }) => "take-policy",
        Some(Overlay::Policies { .. }) => "re-scope",
        Some(Overlay::EditChange { .. }) => "edit-change",
        Some(Overlay::CopyAccess(_)) => "copy-access",
        Some(Overlay::Associate(_)) => "associate",
        Some(Overlay::Plan(_)) => "plan",
        Some(Overlay::Apply { .. }) => "apply",
        Some(Overlay::Journal(_)) => "journal",
        Some(Overlay::Batch(_)) => "batch",
        Some(Overlay::Exports(_)) => "exports",
        Some(Overlay::Namespaces(_)) => "namespaces",
        Some(Overlay::Subject { .. }) => "subject",
        Some(Overlay::Jump(_)) => "jump",
        Some(Overlay::Palette(_)) => "palette",
        Some(Overlay::Help(_)) => "help",
        Some(Overlay::Calls { .. }) => "calls",
        Some(Overlay::Clusters(_)) => "clusters",
        Some(Overlay::Code(_)) => "code",
        Some(Overlay::SignIn) => "sign-in",
        Some(Overlay::Workload(_)) => "workload",
        Some(Overlay::Row(_)) => "row",
    }
}

pub(crate) fn notice(stage: &Stage) -> &str {
    stage.app.notice.as_ref().map_or("", |notice| &notice.text)
}

#[test]
fn a_pasted_session_is_traced_with_one_key_beside_the_paste() {
    let stage = Stage::new().paste(SESSION).keys("Enter");
    let Some(Overlay::Trace(view)) = stage.app.overlays.last() else { panic!("no trace: {}", top(&stage)) };
    assert_eq!(view.asked.given, SESSION);
    assert!(view.trace.as_ref().is_some_and(|trace| trace.answer.starts_with("gets in as")));
}

#[test]
fn a_whole_error_message_can_be_pasted_over_a_trace_and_esc_goes_back_to_it() {
    let message = format!("An error occurred:\n User: {SESSION} is not authorized to perform: eks:Describe");
    let stage = Stage::new().keys("Enter").paste(&message);
    assert_eq!(top(&stage), "jump");
    let stage = stage.keys("Enter");
    assert_eq!((top(&stage), stage.app.overlays.len()), ("explain", 2));
    let stage = stage.keys("Esc");
    assert_eq!((top(&stage), stage.app.overlays.len()), ("trace", 1));
    let stage = stage.paste(&message).keys("Down Enter");
    assert_eq!((top(&stage), stage.app.overlays.len()), ("trace", 2), "whom it names can be traced instead");
}

#[test]
fn a_named_principal_is_asked_about_ahead_of_the_sweep_while_facts_are_missing() {
    let mut snapshot = facts(Source::Live);
    let own = std::sync::Arc::make_mut(snapshot.facts.get_mut(&cluster()).expect("the cluster"));
    own.access_entries = Section::loading(Some(vec![]), 0, None);
    let stage = Stage::on(snapshot).paste(SESSION).keys("Enter");
    assert!(
        stage.effects.iter().any(|it| matches!(it, Effect::Ask { asked, .. } if asked.given == SESSION)),
        "{:?}",
        stage.effects
    );
    let from_file = Stage::new().paste(SESSION).keys("Enter");
    assert!(from_file.effects.is_empty(), "a file has nobody to ask: {:?}", from_file.effects);
}

#[test]
fn a_trace_is_answered_anew_when_facts_come() {
    let mut stage = Stage::with(facts(Source::Live), inventory(), false).paste(SESSION).keys("Enter");
    stage.effects.clear();
    let news = || Msg::Update(Box::new(Update::Cluster(cluster(), ClusterUpdate::AwsAuth(Section::default()))));
    stage.send(news());
    assert!(stage.effects.is_empty(), "all is under way already: {:?}", stage.effects);
    // Answered at once from here on: whatever is asked again shows.
    stage.answers = true;
    let Some(Overlay::Trace(view)) = stage.app.overlays.last() else { panic!("no trace") };
    assert!(view.slot.is_under_way() && view.trace.is_none());
}

#[test]
fn a_refresh_moves_neither_cursor_nor_filter_nor_order() {
    let mut stage = Stage::on(facts(Source::Live)).keys("/").text("role/").keys("Enter s s S j j");
    let before = stage.row().to_owned();
    let sort = stage.app.state().sort;
    // Rows come before and after, and the row itself changes.
    let mut rows = inventory();
    let mut first = rows.entries[0].clone();
    first.principal_arn = "arn:aws:iam::111122223333:role/aaa".into();
    rows.entries.insert(0, first.clone());
    rows.entries.push(first);
    stage.rows = rows;
    let news = ClusterUpdate::AccessEntries(Section::known(vec![], time("2026-11-24T06:20:00Z")));
    stage.send(Msg::Update(Box::new(Update::Cluster(cluster(), news))));
    assert_eq!(stage.app.analysis.as_ref().map(|it| it.inventory.entries.len()), Some(10), "the refresh came");
    assert_eq!(stage.row(), before);
    assert_eq!(stage.app.state().filter.value(), "role/");
    assert_eq!(stage.app.state().sort, sort);
}

#[test]
fn a_refresh_that_finds_nothing_keeps_the_filter_and_can_be_done_again() {
    let mut stage = Stage::on(facts(Source::Live)).keys("/").text("ci").keys("Enter");
    stage.rows = Inventory::default();
    let news = ClusterUpdate::AccessEntries(Section::known(vec![], time("2026-11-24T06:20:00Z")));
    stage.send(Msg::Update(Box::new(Update::Cluster(cluster(), news))));
    assert_eq!(stage.row(), "");
    assert_eq!(stage.app.state().filter.value(), "ci");
    stage.effects.clear();
    let stage = stage.keys("ctrl-r");
    assert!(matches!(stage.effects.as_slice(), [Effect::Refresh { cluster: Some(it), .. }] if *it == cluster()));
}

#[test]
fn esc_leaves_exactly_one_level() {
    let stage = Stage::new().keys("/").text("role").keys("Enter Enter y /").text("x");
    assert_eq!((top(&stage), stage.app.context()), ("document", Context::Prompt));
    let stage = stage.keys("Esc");
    assert_eq!((top(&stage), stage.app.context()), ("document", Context::Document));
    let stage = stage.keys("Esc");
    assert_eq!(top(&stage), "trace");
    let stage = stage.keys("Esc");
    assert_eq!((top(&stage), stage.app.state().filter.value()), ("list", "role"));
    let stage = stage.keys("Esc");
    assert_eq!(stage.app.state().filter.value(), "");
    let stage = stage.keys("Esc");
    assert!(stage.effects.is_empty(), "at the root it does nothing");
    assert_eq!(stage.keys("q").effects, [Effect::Quit]);
}

#[test]
fn q_leaves_a_level_and_then_the_program_and_is_a_letter_where_text_is_typed() {
    assert_eq!(top(&Stage::new().keys("Enter q")), "list");
    let stage = Stage::new().keys("/ q");
    assert_eq!(stage.app.state().filter.value(), "q");
    assert_eq!(stage.keys("ctrl-c").effects, [Effect::Quit]);
}

#[test]
fn a_command_that_cannot_act_says_why() {
    assert_eq!(notice(&Stage::new().keys("ctrl-r")), "This is a file; there is nothing to refresh.");
    assert!(notice(&Stage::new().keys("2 G Enter t")).starts_with("What this is about is no principal"));
    let stage = Stage::new().keys(":").text("search").keys("Enter");
    assert_eq!(notice(&stage), "No document is open: y opens it.");
    let nothing = Stage::with(facts(file()), Inventory::default(), true);
    assert!(notice(&nothing.keys("Enter")).contains("nothing to trace"));
}

#[test]
fn panes_are_reached_by_digit_and_tab_and_remember_where_they_were() {
    let stage = Stage::new().keys("j j 3 G");
    assert_eq!((stage.app.pane, stage.row()), (Pane::Irsa, "payments/reaper"));
    let stage = stage.keys("1");
    assert_eq!(stage.app.state().at(), 2);
    let stage = stage.keys("BackTab");
    assert_eq!(stage.app.pane, Pane::Findings);
    let stage = stage.keys("Tab Tab");
    assert_eq!(stage.app.pane, Pane::AwsAuth);
    let stage = stage.keys("Enter 3");
    assert_eq!((top(&stage), stage.app.pane, stage.row()), ("list", Pane::Irsa, "payments/reaper"));
}

#[test]
fn the_jump_finds_rows_in_other_panes_even_behind_a_filter() {
    let stage = Stage::new().keys("3 /").text("ebs").keys("Enter 1 ctrl-p").text("reaper").keys("Enter");
    assert_eq!((top(&stage), stage.app.pane, stage.row()), ("list", Pane::Irsa, "payments/reaper"));
}

#[test]
fn the_jump_finds_what_only_iam_knows() {
    let stage = Stage::new().keys("ctrl-p").text("nightly").keys("Enter");
    let Some(Overlay::Trace(view)) = stage.app.overlays.last() else { panic!("no trace: {}", top(&stage)) };
    assert_eq!(view.asked.principal.name, "nightly-report");
}

#[test]
fn a_malformed_arn_is_explained_and_nothing_is_lost() {
    let stage = Stage::new().keys("j").paste("arn:aws:iam::12:role/x");
    let Some(Overlay::Jump(jump)) = stage.app.overlays.last() else { panic!("no jump") };
    assert!(jump.problem.as_ref().is_some_and(|it| it.contains("not twelve digits")), "{:?}", jump.problem);
    let stage = stage.keys("Enter");
    assert_eq!(top(&stage), "jump");
    let stage = stage.keys("Esc");
    assert_eq!((top(&stage), stage.app.state().at()), ("list", 1));
}

#[test]
fn copies_are_sent_by_the_loop_and_shown() {
    let stage = Stage::new().keys("j c");
    assert_eq!(stage.effects, [Effect::Copy("arn:aws:iam::111122223333:role/ci".into())]);
    assert!(notice(&stage).contains("role/ci"));
    let stage = Stage::new().keys("2 Y");
    assert!(matches!(&stage.effects[..], [Effect::Copy(text)] if text.contains("kind: ConfigMap")));
    let stage = Stage::new().paste(SESSION).keys("Enter c");
    assert_eq!(stage.effects, [Effect::Copy(SESSION.into())]);
    // Of a control, what changes it; of one that stands as it should, nothing.
    let stage = Stage::new().keys("8 /").text("encryption").keys("Enter c");
    assert!(matches!(&stage.effects[..], [Effect::Copy(text)] if text.contains("associate-encryption-config")));
    let stage = Stage::new().keys("8 /").text("creator").keys("Enter c");
    assert!(stage.effects.is_empty() && notice(&stage).contains("nothing is to be changed"));
}

#[test]
fn documents_open_at_the_field_that_was_read() {
    let stage = Stage::new().paste(SESSION).keys("Enter j Enter");
    let Some(Overlay::Document(view)) = stage.app.overlays.last() else { panic!("no document: {}", top(&stage)) };
    let (first, _) = view.document.lit.expect("the field is lit");
    assert_eq!(view.document.lines[first].trim(), "groups:");
    assert!(view.document.title.contains("mapRoles[0]"));
}

#[test]
fn the_palette_does_what_the_key_would() {
    let stage = Stage::new().keys(":").text("whoami").keys("Enter");
    let Some(Overlay::Trace(view)) = stage.app.overlays.last() else { panic!("no trace: {}", top(&stage)) };
    assert_eq!(view.asked.principal.name, "oncall");
}

#[test]
fn the_mouse_selects_opens_scrolls_and_changes_panes() {
    let mut stage = Stage::new();
    // The first row stands below header, tabs, rule and titles.
    stage.send(Msg::Mouse(Mouse::Click { column: 10, row: 6 }));
    assert_eq!(stage.app.state().at(), 2);
    stage.send(Msg::Mouse(Mouse::Click { column: 10, row: 6 }));
    assert_eq!(top(&stage), "trace");
    let mut stage = stage.keys("Esc");
    stage.send(Msg::Mouse(Mouse::WheelDown { column: 10, row: 6 }));
    assert_eq!(stage.app.state().at(), 5);
    stage.send(Msg::Mouse(Mouse::Click { column: 10, row: 30 }));
    assert_eq!(stage.app.state().at(), 5, "below the rows there is nothing");
    stage.send(Msg::Mouse(Mouse::Click { column: 20, row: 1 }));
    assert_eq!(stage.app.pane, Pane::AwsAuth);
}

#[test]
fn live_facts_are_asked_for_at_the_start_and_for_the_one_cluster_there_is() {
    let empty = eksplorer::model::snapshot::Snapshot::default();
    let mut stage = Stage::with(empty, inventory(), false);
    assert_eq!(stage.effects, [Effect::LookAtPane(Pane::Entries), Effect::Overview]);
    stage.effects.clear();
    stage.send(Msg::Update(Box::new(Update::Clusters(Section::known(vec![cluster()], time("2026-11-24T06:00:00Z"))))));
    assert_eq!(stage.app.cluster, Some(cluster()));
    assert!(stage.effects.contains(&Effect::Load(cluster())), "{:?}", stage.effects);
    stage.effects.clear();
    let stage = stage.keys("4");
    assert!(stage.effects.contains(&Effect::LookAtPane(Pane::PodIdentity)), "{:?}", stage.effects);
}

#[test]
fn with_several_clusters_the_choice_is_the_users() {
    let mut snapshot = facts(file());
    let other = eksplorer::model::cluster::ClusterId { region: "us-east-1".into(), name: "other".into() };
    snapshot.clusters = Section::known(vec![cluster(), other.clone()], time("2026-11-24T06:00:00Z"));
    let stage = Stage::on(snapshot);
    assert_eq!((top(&stage), &stage.app.cluster), ("clusters", &None));
    let stage = stage.keys("Esc");
    assert_eq!(top(&stage), "clusters", "there is nothing to go back to");
    let stage = stage.text("oth").keys("Enter");
    assert_eq!((top(&stage), &stage.app.cluster), ("list", &Some(other)));
    let stage = stage.keys("C").text("prod").keys("Enter");
    assert_eq!(stage.app.cluster, Some(cluster()));
    assert!(stage.app.selected_row().is_some());
}

#[test]
fn an_answer_to_an_older_question_is_dropped() {
    let mut stage = Stage::with(facts(file()), inventory(), false);
    let Some(Effect::Analyse { ticket, .. }) = stage.effects.first().cloned() else { panic!("{:?}", stage.effects) };
    stage.answers = true;
    let other = eksplorer::model::cluster::ClusterId { region: "us-east-1".into(), name: "other".into() };
    let clusters = Section::known(vec![cluster(), other], time("2026-11-24T06:00:00Z"));
    stage.send(Msg::Update(Box::new(Update::Clusters(clusters))));
    stage.rows = Inventory::default();
    let mut stage = stage.keys("C").text("other").keys("Enter");
    let late = std::sync::Arc::new(eksplorer::app::message::Analysis { inventory: inventory(), ..Default::default() });
    stage.send(Msg::Answer(ticket, eksplorer::app::message::Answer::Analysis(late)));
    assert!(stage.app.analysis.as_ref().is_some_and(|it| it.inventory.entries.is_empty()));
}

#[test]
fn only_live_facts_have_an_age_that_wakes_the_loop() {
    assert_eq!(Stage::new().app.wakes_in(), None);
    assert_eq!(Stage::on(facts(Source::Live)).app.wakes_in(), Some(60), "12 min ago turns into 13 min ago");
}

#[test]
fn the_readme_has_the_keys_as_they_are() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).expect("the README");
    let (_, rest) = readme.split_once("<!-- keys: kept by a test -->\n").expect("where the keys begin");
    let (written, _) = rest.split_once("<!-- /keys -->").expect("where the keys end");
    let keymap = eksplorer::app::keymap::Keymap::standard().expect("the keymap");
    let wanted = eksplorer::app::overlay::help::markdown(&keymap);
    assert!(written.trim() == wanted.trim(), "put this between the marks in README.md:\n\n{wanted}");
}
