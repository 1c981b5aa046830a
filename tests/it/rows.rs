//! Rows that open with all that they say: controls, findings, and rows of nobody that could be traced.

use crate::keys::{notice, top};
use crate::stage::{Stage, cluster, facts, file, inventory, time};
use eksplorer::app::effect::Effect;
use eksplorer::app::message::Msg;
use eksplorer::app::overlay::Overlay;
use eksplorer::app::overlay::row::RowView;
use eksplorer::app::pane::Pane;
use eksplorer::model::snapshot::{Section, Source};
use eksplorer::model::update::{ClusterUpdate, Update};

fn acme() -> Stage {
    Stage::acme(file()).resize(80, 24)
}

fn opened(stage: &Stage) -> &RowView {
    match stage.app.overlays.last() {
        Some(Overlay::Row(view)) => view,
        _ => panic!("no row: {}", top(stage)),
    }
}

fn texts(view: &RowView, part: &str) -> Vec<String> {
    view.facts.iter().filter(|it| it.part.heading() == part).map(|it| format!("{} {}", it.text, it.note)).collect()
}

#[test]
fn a_control_opens_with_its_command_and_what_that_may_break() {
    let stage = acme().keys("8 /").text("pod security").keys("Enter Enter");
    let view = opened(&stage);
    assert!(!view.row.because.is_empty() && !texts(view, "read from").is_empty(), "{view:?}");
    let [command] = texts(view, "command").try_into().unwrap_or_else(|it| panic!("{it:?}"));
    assert_eq!(texts(view, "danger").len(), 1);
    let danger = view.row.danger.clone();
    let stage = stage.keys("c");
    assert_eq!(stage.effects, [Effect::Copy(command.trim().to_owned())]);
    assert!(notice(&stage).contains("Careful: ") && notice(&stage).contains(&danger), "{}", notice(&stage));
    // The line under the cursor is what is copied, and of a dry run there is nothing to fear.
    let dry = acme().keys("8 /").text("pod security").keys("Enter Enter j c");
    let [Effect::Copy(text)] = dry.effects.as_slice() else { panic!("{:?}", dry.effects) };
    assert!(text.contains("--dry-run=server") && !notice(&dry).contains("Careful"), "{text}");
    assert_eq!(top(&stage.keys("y")), "document");
}

#[test]
fn out_of_the_list_a_command_is_copied_with_the_same_warning() {
    let stage = acme().keys("8 /").text("pod security").keys("Enter c");
    assert!(notice(&stage).contains("Careful: "), "{}", notice(&stage));
    let stage = acme().keys("9 /").text("pod-security").keys("Enter c");
    assert!(notice(&stage).contains("Careful: "), "{}", notice(&stage));
    let entry = acme().keys("1 c");
    assert!(!notice(&entry).contains("Careful"), "{}", notice(&entry));
}

#[test]
fn a_finding_is_read_first_and_leads_on() {
    let stage = acme().keys("9 /").text("irsa-no-subject").keys("Enter Enter");
    let view = opened(&stage);
    for part in ["subject", "finding", "severity", "rule", "follows", "read from"] {
        assert!(!texts(view, part).is_empty(), "{part}: {view:?}");
    }
    let stage = stage.keys("Enter");
    assert_eq!((top(&stage), stage.app.overlays.len()), ("workload", 2));
    let stage = stage.keys("Esc");
    assert_eq!((top(&stage), stage.app.pane), ("row", Pane::Findings));
    assert_eq!(top(&stage.keys("t")), "workload");
}

#[test]
fn a_remedy_opens_whole_and_is_copied() {
    let mut stage = acme().keys("9 /").text("irsa").keys("Enter");
    for _ in 0..40 {
        stage = stage.keys("Enter G");
        let Some(remedy) = opened(&stage).remedy() else {
            stage = stage.keys("Esc j");
            continue;
        };
        let stage = stage.keys("c");
        assert_eq!(stage.effects, [Effect::Copy(remedy.text.trim_end().to_owned())]);
        assert_eq!(top(&stage.keys("Enter")), "document");
        return;
    }
    panic!("no finding has a remedy");
}

#[test]
fn a_row_of_nobody_opens_instead_of_being_refused() {
    let stage = Stage::new().keys("2 G Enter");
    let view = opened(&stage);
    assert!(!view.leads() && !view.row.because.is_empty(), "{view:?}");
    assert_eq!(notice(&stage), "");
    assert_eq!(top(&stage.keys("Enter")), "document");
    assert_eq!(top(&Stage::new().keys("1 Enter")), "trace", "whoever can be traced is");
}

#[test]
fn an_open_row_says_what_is_so_now() {
    let mut stage = Stage::on(facts(Source::Live)).keys("2 G Enter");
    assert_eq!(stage.app.overlays.len(), 1);
    let mut rows = inventory();
    rows.aws_auth.iter_mut().for_each(|it| it.because = "it was mended".to_owned());
    stage.rows = rows;
    let news = ClusterUpdate::AwsAuth(Section::known(None, time("2026-11-24T06:20:00Z")));
    stage.send(Msg::Update(Box::new(Update::Cluster(cluster(), news))));
    assert_eq!(opened(&stage).row.because, "it was mended");
}
