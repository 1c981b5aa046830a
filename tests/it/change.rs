//! Changing access on the screen: staged by keys, reviewed, confirmed by the cluster's name, applied, undone.

use eksplorer::app::effect::{Effect, Work};
use eksplorer::app::message::{Answer, Msg, Ticket};
use eksplorer::app::overlay::Overlay;
use eksplorer::edit::plan::plan;
use eksplorer::edit::receipt::{Doing, End, Progress, Receipt, StepReceipt};
use eksplorer::edit::record::{Batch, Book, Event, Line, Outcome, Pin, Progressed, VERSION};
use eksplorer::edit::state::Subject;
use eksplorer::model::snapshot::Source;

use crate::keys::{notice, top};
use crate::screens::check;
use crate::stage::{Stage, cluster, file};

const NEWCOMER: &str = "green-oncall";

fn lab() -> Stage {
    Stage::acme(Source::Lab).writing()
}

fn on(pane: &str, name: &str) -> Stage {
    lab().keys(pane).keys("/").text(name).keys("Enter")
}

/// View in payments for somebody: three keys beside the two words.
fn granted(name: &str) -> Stage {
    on("6", name).keys("a").text("view").keys("Enter").text("payments").keys("Enter")
}

/// All questions answered, the cluster's name typed.
fn confirmed(mut stage: Stage) -> Stage {
    stage = stage.keys("r");
    for _ in 0..9 {
        let Some(Overlay::Plan(view)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
        if view.open().next().is_none() {
            break;
        }
        stage = stage.keys("y");
    }
    stage.effects.clear();
    stage.keys("Enter").text("prod-eu1").keys("Enter")
}

fn applied(stage: &Stage) -> (Ticket, Work) {
    let found = stage.effects.iter().find_map(|it| match it {
        Effect::Apply { ticket, work, .. } => Some((*ticket, work.clone())),
        _ => None,
    });
    found.expect("it is applied")
}

fn receipt(stage: &Stage, end: End, progressed: &Progressed) -> Box<Receipt> {
    let it = stage.app.applying.as_ref().expect("something is applied");
    let steps = plan(&it.draft).into_iter().map(|step| StepReceipt {
        n: step.n,
        call: step.call,
        subject: step.subject,
        progressed: progressed.clone(),
    });
    Box::new(Receipt {
        batch: "20261124-061200-abcdef".into(),
        cluster: cluster(),
        account: "111122223333".into(),
        end,
        steps: steps.collect(),
        as_planned: (end == End::Done).then_some(true),
        because: Vec::new(),
        next: None,
    })
}

fn done() -> Progressed {
    Progressed::Done { found: false, seen: true }
}

#[test]
fn without_write_every_key_that_stages_says_why_not() {
    for key in ["a", "e", "t", "n", "D", "R", "A", "z", "Z", "r", "Space"] {
        let stage = Stage::acme(Source::Lab).keys(key);
        assert!(notice(&stage).contains("--write"), "{key}: {}", notice(&stage));
        assert_eq!(top(&stage), "list", "{key}");
        let stage = Stage::acme(file()).writing().keys(key);
        assert!(notice(&stage).contains("file"), "{key}: {}", notice(&stage));
    }
}

#[test]
fn access_is_staged_in_three_keys_beside_the_words_and_taken_back_and_staged_again() {
    let stage = granted(NEWCOMER);
    assert!(notice(&stage).starts_with("Staged: "), "{}", notice(&stage));
    assert_eq!((top(&stage), stage.app.staged()), ("list", 1));
    let stage = stage.keys("z");
    assert_eq!(stage.app.staged(), 0);
    let stage = stage.keys("Z");
    assert_eq!(stage.app.staged(), 1);
    let staging = stage.app.staging().expect("staged");
    let (subject, change) = staging.draft().changes().next().expect("one");
    assert!(matches!(subject, Subject::Entry(arn) if arn.ends_with("green-oncall")), "{subject}");
    assert_eq!(change.sign(), "+");
}

#[test]
fn a_row_with_a_staged_change_carries_its_sign() {
    let stage = on("1", "blue/deployer").keys("D");
    let row = stage.app.selected_row().expect("a row");
    assert_eq!(stage.app.staged_of(row).map(|it| it.sign()), Some("-"));
    let stage = on("1", "blue/deployer").keys("e").text(", more").keys("Enter");
    let row = stage.app.selected_row().expect("a row");
    assert_eq!(stage.app.staged_of(row).map(|it| it.sign()), Some("~"), "{}", notice(&stage));
    let stage = on("1", "blue/deployer").keys("R");
    assert_eq!(stage.app.staged(), 1, "{}", notice(&stage));
}

#[test]
fn a_policy_is_taken_away_by_its_name() {
    let stage = on("1", "payments-oncall").keys("t");
    assert_eq!(top(&stage), "take-policy", "{}", notice(&stage));
    let stage = stage.keys("Enter");
    assert_eq!((top(&stage), stage.app.staged()), ("list", 1), "{}", notice(&stage));
}

#[test]
fn a_row_of_aws_auth_is_not_changed_and_the_command_that_would_is_told() {
    let stage = on("2", "green-oncall").keys("D");
    let text = notice(&stage);
    assert!(text.contains("Nothing was done") && text.contains("eksctl delete iamidentitymapping"), "{text}");
    assert_eq!(stage.app.staged(), 0);
}

#[test]
fn nothing_is_applied_under_another_name_or_before_questions_are_answered() {
    let mut stage = confirmed(granted(NEWCOMER));
    assert_eq!(top(&stage), "apply");
    let (_, work) = applied(&stage);
    assert!(matches!(work, Work::Draft(_)));
    stage = granted(NEWCOMER).keys("r");
    stage.effects.clear();
    for _ in 0..9 {
        stage = stage.keys("y");
    }
    stage = stage.keys("Enter").text("prod-eu2").keys("Enter");
    assert!(stage.effects.is_empty(), "{:?}", stage.effects);
    assert!(notice(&stage).contains("not the cluster's name"), "{}", notice(&stage));
    assert_eq!(top(&stage), "plan");
}

#[test]
fn what_was_applied_is_no_longer_staged_and_leaving_the_screen_stops_nothing() {
    let mut stage = confirmed(granted(NEWCOMER)).keys("Esc");
    let (ticket, _) = applied(&stage);
    assert_eq!(stage.app.staged(), 1, "until it is done");
    assert!(!stage.effects.contains(&Effect::StopApplying));
    let end = receipt(&stage, End::Done, &done());
    stage.send(Msg::Answer(ticket, Answer::Applied(Ok(end))));
    assert_eq!(stage.app.staged(), 0);
    assert!(stage.effects.contains(&Effect::Load(cluster())), "what was changed is read again");
    assert!(notice(&stage).starts_with("As planned"), "{}", notice(&stage));
    let stage = stage.keys("P u");
    assert_eq!(top(&stage), "apply");
    let wanted = |it: &Effect| matches!(it, Effect::Undo { batch, .. } if batch == "20261124-061200-abcdef");
    assert!(stage.effects.iter().any(wanted), "{:?}", stage.effects);
}

#[test]
fn from_where_a_batch_was_applied_its_note_is_one_key_away_and_its_exports_two() {
    let mut stage = confirmed(granted(NEWCOMER));
    let (ticket, _) = applied(&stage);
    stage = stage.keys("N");
    assert_eq!(notice(&stage), "It is still being applied.");
    let end = receipt(&stage, End::Done, &done());
    // The journal is read again when a batch has ended.
    let it = stage.app.applying.as_ref().expect("something is applied");
    let (id, draft) = (end.batch.clone(), it.draft.clone());
    let pin = Pin {
        cluster_arn: "arn:aws:eks:eu-west-1:111122223333:cluster/prod-eu1".into(),
        cluster: "prod-eu1".into(),
        account: "111122223333".into(),
        region: "eu-west-1".into(),
        endpoint: None,
    };
    let (steps, made_at, caller) = (plan(&draft), stage.app.now, "arn:aws:iam::111122223333:user/ana".to_owned());
    let batch = Batch { id: id.clone(), made_at, caller, pin, draft, steps, tokens: vec![], note: None, undoes: None };
    let mut book = Book::default();
    let line = |event| Line { v: VERSION, at: made_at, batch: id.clone(), event };
    book.take(line(Event::Planned { plan: Box::new(batch) }));
    for step in 1..=2 {
        book.take(line(Event::Outcome { step, outcome: Outcome::Done }));
    }
    stage.book = std::sync::Arc::new(book);
    stage.send(Msg::Answer(ticket, Answer::Applied(Ok(end))));
    let stage = stage.keys("N");
    let text = document(&stage);
    assert!(text.contains("**done**") && text.contains("## Who gains and loses what"), "{text}");
    assert!(text.contains("Gets in from now on.") || text.contains("- `+`"), "{text}");
    assert!(text.contains("**mapping**"), "the trace is there: {text}");
    let stage = stage.keys("Esc E Down Enter");
    assert!(document(&stage).contains("aws eks delete-access-entry"), "{}", document(&stage));
    assert_eq!(top(&stage.keys("Esc")), "apply");
}

fn document(stage: &Stage) -> String {
    let Some(Overlay::Document(view)) = stage.app.overlays.last() else { panic!("{}: {}", top(stage), notice(stage)) };
    view.document.text.clone()
}

#[test]
fn what_was_not_begun_stays_staged() {
    let mut stage = confirmed(granted(NEWCOMER));
    let (ticket, _) = applied(&stage);
    stage.send(Msg::Answer(ticket, Answer::Applied(Err("nobody answers".into()))));
    assert_eq!(stage.app.staged(), 1);
    let stage = stage.keys("u");
    assert!(notice(&stage).contains("Nothing was done"), "{}", notice(&stage));
}

#[test]
fn quitting_waits_for_the_step_at_hand_and_a_second_time_does_not() {
    let mut stage = confirmed(granted(NEWCOMER));
    let (ticket, _) = applied(&stage);
    stage = stage.keys("ctrl-c");
    assert!(stage.effects.contains(&Effect::StopApplying) && !stage.effects.contains(&Effect::Quit));
    let again = confirmed(granted(NEWCOMER)).keys("ctrl-c ctrl-c");
    assert!(again.effects.contains(&Effect::Quit));
    let end = receipt(&stage, End::Stopped, &done());
    stage.send(Msg::Answer(ticket, Answer::Applied(Ok(end))));
    assert!(stage.effects.contains(&Effect::Quit));
}

#[test]
fn steps() {
    check("add_principal", &lab().resize(100, 24).keys("5 a").text("green"));
    check("add_policy", &on("6", NEWCOMER).resize(100, 24).keys("a"));
    check("add_scope", &on("6", NEWCOMER).resize(100, 24).keys("a Enter").text("green, green-*"));
    check("add_groups", &on("6", NEWCOMER).resize(100, 24).keys("a").text("groups").keys("Enter").text("devs, ops"));
    check("edit_groups", &on("1", "blue/deployer").resize(100, 24).keys("e"));
    check("take_policy", &on("1", "payments-oncall").resize(100, 24).keys("t"));
    check("staged", &on("1", "deployer").keys("D j"));
}

#[test]
fn reviews() {
    check("review_asks", &granted("green-oncall").keys("r"));
    check("review_answered", &granted("green-oncall").resize(80, 24).keys("r y y y y y y"));
    check("review_typing", &{
        let stage = granted(NEWCOMER).resize(100, 30).keys("r y y y y y Enter");
        stage.text("prod-e")
    });
    check("review_clean", &granted("role/ci").resize(100, 24).keys("r"));
    check("review_blocked", &{
        let stage = on("6", "role/ci").resize(100, 24).keys("a").text("groups").keys("Enter");
        stage.text("system:masters").keys("Enter r Enter")
    });
    check("review_of_oneself", &on("1", "role/oncall").keys("D r"));
    check("review_script", &granted(NEWCOMER).resize(110, 30).keys("r E Enter"));
}

#[test]
fn applying() {
    let mut stage = confirmed(granted(NEWCOMER));
    let (ticket, _) = applied(&stage);
    let step = |n, doing| Msg::Answer(ticket, Answer::Progress(Box::new(Progress::Step { n, of: 2, doing })));
    stage.send(step(1, Doing::Known(done())));
    stage.send(step(2, Doing::Calling));
    check("apply_running", &stage);
    let because = "AccessDeniedException: not authorized to perform eks:AssociateAccessPolicy".to_owned();
    let failed = Progressed::Failed { code: Some("AccessDeniedException".into()), because };
    let mut end = receipt(&stage, End::Stopped, &failed);
    end.steps[0].progressed = done();
    end.next = Some("mend the cause and go on with: eksplorer resume 20261124-061200-abcdef".into());
    stage.send(Msg::Answer(ticket, Answer::Applied(Ok(end))));
    check("apply_failed", &stage);
    let mut stage = confirmed(granted(NEWCOMER));
    let (ticket, _) = applied(&stage);
    let end = receipt(&stage, End::Done, &done());
    stage.send(Msg::Answer(ticket, Answer::Applied(Ok(end))));
    check("apply_done", &stage);
}
