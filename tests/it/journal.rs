//! The journal on the screen: its list, batches opened, the reminder at the start, undo and resume, and what is taken
//! along. No test here writes a file; what the rim reads is in `tests/it/apply`.

use eksplorer::app::effect::{Effect, Work};
use eksplorer::app::message::{Answer, Msg, Ticket};
use eksplorer::app::overlay::Overlay;
use eksplorer::edit::draft::{Change, Draft};
use eksplorer::edit::plan::plan;
use eksplorer::edit::record::{Batch, Book, Event, Image, Line, Outcome, Pin, Seen, VERSION};
use eksplorer::edit::state::{AssociationState, EntryState, State, Subject};
use eksplorer::model::mapping::{AccessEntry, AccessScope, ScopeKind};
use eksplorer::model::snapshot::Source;
use eksplorer::model::time::Time;

use crate::keys::{notice, top};
use crate::screens::check;
use crate::stage::{Stage, cluster, file, time};

const ANA: &str = "arn:aws:sts::111122223333:assumed-role/oncall/ana@acme.example";

fn pin() -> Pin {
    Pin {
        cluster_arn: "arn:aws:eks:eu-west-1:111122223333:cluster/prod-eu1".into(),
        cluster: "prod-eu1".into(),
        account: "111122223333".into(),
        region: "eu-west-1".into(),
        endpoint: None,
    }
}

fn role(name: &str) -> Subject {
    Subject::Entry(format!("arn:aws:iam::111122223333:role/{name}"))
}

fn entry(policies: &[(&str, &[&str])], groups: &[&str]) -> Option<State> {
    let policy = |(name, namespaces): &(&str, &[&str])| {
        let kind = if namespaces.is_empty() { ScopeKind::Cluster } else { ScopeKind::Namespace };
        let scope = AccessScope { kind, namespaces: namespaces.iter().map(|&it| it.into()).collect() };
        (format!("arn:aws:eks::aws:cluster-access-policy/AmazonEKS{name}Policy"), scope)
    };
    Some(State::Entry(EntryState {
        kind: "STANDARD".into(),
        policies: policies.iter().map(policy).collect(),
        groups: groups.iter().map(|&it| it.into()).collect(),
        ..EntryState::default()
    }))
}

fn change(before: Option<State>, after: Option<State>) -> Change {
    Change { before, after, again: false }
}

/// A journal being written.
#[derive(Default)]
struct Writer {
    book: Book,
}

impl Writer {
    fn line(&mut self, batch: &str, at: &str, event: Event) {
        self.book.take(Line { v: VERSION, at: time(at), batch: batch.into(), event });
    }

    /// A batch of which so many steps are done.
    fn batch(&mut self, at: &str, id: &str, draft: Draft, done: usize, with: impl FnOnce(&mut Batch)) -> String {
        let steps = plan(&draft);
        let tokens = steps.iter().map(|it| format!("token-{}", it.n)).collect();
        let mut batch = Batch {
            id: id.into(),
            made_at: time(at),
            caller: ANA.into(),
            pin: pin(),
            draft,
            steps,
            tokens,
            note: None,
            undoes: None,
        };
        with(&mut batch);
        let (all, id) = (batch.steps.len(), batch.id.clone());
        self.line(&id, at, Event::Planned { plan: Box::new(batch) });
        for step in 1..=done {
            self.begin(&id, at, step, None);
            self.line(&id, at, Event::Outcome { step, outcome: Outcome::Done });
        }
        if done == all {
            self.line(&id, at, Event::Ended { as_planned: true, differences: Vec::new() });
        }
        id
    }

    fn begin(&mut self, id: &str, at: &str, step: usize, image: Option<Image>) {
        let event = Event::Intent { step, token: "token".into(), before: None, image: image.map(Box::new) };
        self.line(id, at, event);
    }
}

/// View in payments for somebody who had nothing.
fn newcomer(name: &str) -> Draft {
    Draft::of([(role(name), change(None, entry(&[("View", &["payments"])], &[])))])
}

/// One that stopped in doubt at its second step of two.
fn in_doubt(writer: &mut Writer, at: &str, id: &str) -> String {
    let before = entry(&[("View", &["blue"])], &["blue-oncall"]);
    let after = entry(&[("Edit", &["blue"]), ("View", &["blue"])], &["blue-oncall", "blue-leads"]);
    let draft = Draft::of([(role("teams/blue/blue-oncall"), change(before, after))]);
    let id = writer.batch(at, id, draft, 1, |_| {});
    let image = AccessEntry {
        principal_arn: "arn:aws:iam::111122223333:role/teams/blue/blue-oncall".into(),
        access_entry_arn: Some(
            "arn:aws:eks:eu-west-1:111122223333:access-entry/prod-eu1/role/111122223333/blue-oncall/e2".into(),
        ),
        created_at: Some(time("2024-05-06T07:08:09Z")),
        ..AccessEntry::default()
    };
    writer.begin(&id, at, 1, Some(Image::Entry(image)));
    writer.line(&id, at, Event::Outcome { step: 1, outcome: Outcome::FoundDone });
    writer.begin(&id, at, 2, None);
    id
}

/// Done, undone, stopped, elsewhere, of several things, refused, in doubt.
fn full() -> Book {
    let mut writer = Writer::default();
    let first = writer.batch("2026-11-20T10:15:00Z", "20261120-101500-0a0a0a", newcomer("nightly-report"), 2, |_| {});
    let back = newcomer("nightly-report").inverse();
    writer.batch("2026-11-20T11:30:00Z", "20261120-113000-0b0b0b", back, 1, |it| it.undoes = Some(first));
    writer.batch("2026-11-21T08:00:00Z", "20261121-080000-0c0c0c", newcomer("release-captain"), 2, |it| {
        it.pin.cluster = "legacy".into();
        it.pin.cluster_arn = "arn:aws:eks:eu-west-1:111122223333:cluster/legacy".into();
    });
    writer.batch("2026-11-22T16:20:00Z", "20261122-162000-0d0d0d", newcomer("ci-canary"), 2, |it| {
        it.pin.endpoint = Some("http://127.0.0.1:41817".into());
        it.caller = "arn:aws:iam::111122223333:user/people/omar".into();
    });
    let association = |name: &str| {
        Some(State::Association(AssociationState {
            role_arn: format!("arn:aws:iam::111122223333:role/{name}"),
            ..AssociationState::default()
        }))
    };
    let several = Draft::of([
        (
            Subject::Association("payments".into(), "ledger".into()),
            change(association("ledger"), association("ledger-v2")),
        ),
        (Subject::Association("blue".into(), "new".into()), change(None, association("blue-new"))),
        (role("ci"), change(entry(&[], &["builders"]), entry(&[("Admin", &[])], &[]))),
        (role("breakglass"), change(entry(&[("ClusterAdmin", &[])], &[]), None)),
    ]);
    let steps = plan(&several).len();
    writer.batch("2026-11-23T09:00:00Z", "20261123-090000-0e0e0e", several, steps, |it| {
        it.note = Some("INC-4711".into());
    });
    let refused = writer.batch("2026-11-23T22:40:00Z", "20261123-224000-0f0f0f", newcomer("intern"), 0, |_| {});
    writer.begin(&refused, "2026-11-23T22:40:01Z", 1, None);
    let because = "AccessDeniedException: not authorized to perform eks:CreateAccessEntry".to_owned();
    let failed = Outcome::Failed { code: Some("AccessDeniedException".into()), because };
    writer.line(&refused, "2026-11-23T22:40:02Z", Event::Outcome { step: 1, outcome: failed });
    let stopped =
        writer.batch("2026-11-24T01:05:00Z", "20261124-010500-1a1a1a", newcomer("teams/green/green-oncall"), 1, |_| {});
    writer.begin(&stopped, "2026-11-24T01:05:02Z", 2, None);
    let because = "ThrottlingException: Rate exceeded".to_owned();
    let failed = Outcome::Failed { code: Some("ThrottlingException".into()), because };
    writer.line(&stopped, "2026-11-24T01:05:03Z", Event::Outcome { step: 2, outcome: failed });
    in_doubt(&mut writer, "2026-11-24T02:14:00Z", "20261124-021400-1b1b1b");
    writer.book
}

/// One batch in doubt, nothing else.
fn doubtful() -> Book {
    let mut writer = Writer::default();
    in_doubt(&mut writer, "2026-11-24T02:14:00Z", "20261124-021400-1b1b1b");
    writer.book
}

fn lab(book: Book) -> Stage {
    Stage::acme_with(Source::Lab, book).writing()
}

/// On the line of the batch whose name ends so.
fn on(book: Book, tail: &str) -> Stage {
    lab(book).keys("J /").text(tail).keys("Enter")
}

fn looked(stage: &Stage) -> Option<Ticket> {
    stage.effects.iter().rev().find_map(|it| match it {
        Effect::Look { ticket, .. } => Some(*ticket),
        _ => None,
    })
}

fn answer(stage: &mut Stage, seen: Result<Vec<Seen>, String>) {
    let ticket = looked(stage).expect("it is looked at");
    stage.send(Msg::Answer(ticket, Answer::Looked(seen)));
}

#[test]
fn the_start_tells_once_of_what_was_left_in_doubt_and_which_key_shows_it() {
    let stage = lab(doubtful());
    assert_eq!(
        notice(&stage),
        "A batch of 02:14 UTC stopped at step 2 of 2, and whether that step was done is not known: J shows it."
    );
    assert_eq!(stage.app.shelf.open, 1);
    check("journal_start_in_doubt", &stage);
    check("journal_start_in_doubt_80x24", &lab(doubtful()).resize(80, 24));
    // It is told once; the header keeps it.
    let stage = stage.keys("j");
    assert_eq!((notice(&stage), stage.app.shelf.open), ("", 1));
    let stage = lab(full());
    assert!(notice(&stage).starts_with("2 batches have not come to an end here; the last, of 02:14 UTC, stopped"));
    assert!(!stage.effects.iter().any(|it| matches!(it, Effect::Apply { .. } | Effect::Undo { .. })), "it never acts");
}

#[test]
fn a_batch_that_another_process_is_at_is_told_as_that_and_left_to_it() {
    let mut book = doubtful();
    book.held = true;
    let stage = lab(book);
    assert_eq!(notice(&stage), "A batch is being applied by another eksplorer right now: J shows it.");
    assert_eq!(stage.app.shelf.open, 0);
    let stage = stage.keys("J");
    check(
        "journal_held_80x24",
        &lab({
            let mut book = doubtful();
            book.held = true;
            book
        })
        .resize(80, 24)
        .keys("J Enter"),
    );
    for key in ["u", "R"] {
        let stage = Stage { app: stage.app.clone(), ..lab(doubtful()) }.keys(key);
        assert!(notice(&stage).starts_with("Another eksplorer is applying a batch right now"), "{}", notice(&stage));
        assert!(looked(&stage).is_none(), "nothing is read for it");
    }
}

#[test]
fn nothing_is_told_of_other_places_or_of_a_file() {
    let elsewhere = |with: &dyn Fn(&mut Pin)| {
        let mut writer = Writer::default();
        writer.batch("2026-11-24T02:14:00Z", "b", newcomer("x"), 1, |it| with(&mut it.pin));
        let stage = lab(writer.book);
        (notice(&stage).to_owned(), stage.app.shelf.open)
    };
    assert_eq!(elsewhere(&|_| {}).1, 1);
    for with in [
        (&|pin: &mut Pin| pin.endpoint = Some("http://127.0.0.1:1".into())) as &dyn Fn(&mut Pin),
        &|pin| pin.account = "999999999999".into(),
        &|pin| pin.cluster_arn = "arn:aws:eks:eu-west-1:111122223333:cluster/other".into(),
        &|pin| pin.region = "us-east-1".into(),
    ] {
        assert_eq!(elsewhere(with), (String::new(), 0));
    }
    let stage = Stage::acme_with(file(), doubtful());
    assert_eq!((notice(&stage), stage.app.shelf.open), ("", 0));
}

#[test]
fn a_journal_that_cannot_be_read_is_not_taken_for_an_empty_one() {
    let mut stage = Stage::acme(Source::Lab);
    stage.answers = false;
    // What the rim answers, by hand.
    let mut stage = stage.keys("J");
    let mut ticket = stage.app.begin().into_iter().find_map(|it| match it {
        Effect::Journal { ticket } => Some(ticket),
        _ => None,
    });
    let why = "could not read the journal /x/journal.jsonl: Permission denied".to_owned();
    stage.send(Msg::Answer(ticket.take().expect("it is read"), Answer::Journal(Err(why))));
    assert!(notice(&stage).starts_with("What was left open here is not known: "), "{}", notice(&stage));
    check("journal_unreadable", &stage.resize(100, 24));
}

#[test]
fn lists() {
    check("journal_list", &lab(full()).keys("J"));
    check("journal_list_80x24", &lab(full()).resize(80, 24).keys("J j j j j j"));
    check("journal_list_200x60", &lab(full()).resize(200, 60).keys("J"));
    check("journal_list_filtered", &lab(full()).keys("J /").text("undo"));
    check("journal_empty", &lab(Book::default()).resize(100, 24).keys("J"));
    check("journal_empty_read_only", &Stage::acme(file()).resize(80, 24).keys("J"));
}

#[test]
fn batches() {
    check("journal_batch_done", &on(full(), "0e0e0e").keys("Enter"));
    check("journal_batch_undone", &on(full(), "0a0a0a").resize(100, 30).keys("Enter"));
    check("journal_batch_elsewhere", &on(full(), "0d0d0d").resize(100, 30).keys("Enter"));
    let mut stage = on(full(), "1b1b1b").keys("Enter");
    check("journal_batch_being_read", &stage);
    answer(&mut stage, Ok(vec![Seen::Done, Seen::Done]));
    check("journal_batch_in_doubt", &stage);
    check("journal_batch_in_doubt_80x24", &stage.resize(80, 24));
}

#[test]
fn a_reading_says_of_a_step_in_doubt_what_is_so_and_never_guesses() {
    for (seen, said) in [
        (Ok(vec![Seen::Done, Seen::Done]), "step 2 was done"),
        (Ok(vec![Seen::Done, Seen::NotDone]), "step 2 was not done"),
        (Ok(vec![Seen::Changed(vec!["it is not there".into()]); 2]), "cannot be told, for somebody has changed it"),
        (Ok(vec![Seen::Unread("refused".into()); 2]), "now: not known: refused"),
        (Err("nobody answers".to_owned()), "What is so now is not known: nobody answers"),
    ] {
        let mut stage = on(full(), "1b1b1b").keys("Enter");
        answer(&mut stage, seen);
        let Some(Overlay::Batch(view)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
        let text: String = view.lines().into_iter().map(|it| it.text + "\n").collect();
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn what_is_left_of_a_batch_is_read_reviewed_and_confirmed_before_it_is_gone_on_with() {
    // From the list: read first, then the review.
    let mut stage = on(full(), "1a1a1a").keys("R");
    assert_eq!(top(&stage), "batch");
    assert!(!stage.effects.iter().any(|it| matches!(it, Effect::Apply { .. })));
    answer(&mut stage, Ok(vec![Seen::Done, Seen::NotDone]));
    assert_eq!(top(&stage), "plan");
    let Some(Overlay::Plan(view)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
    assert_eq!(view.steps().iter().map(|it| it.n).collect::<Vec<_>>(), [2], "its own number");
    // The entry that the first step made is not among the facts at hand: they are read again, and until then it blocks.
    assert!(stage.effects.contains(&Effect::Load(cluster())), "{:?}", stage.effects);
    check("journal_resume_blocked", &stage);
}

#[test]
fn a_batch_whose_rest_fits_the_facts_is_resumed_under_its_own_name() {
    let mut writer = Writer::default();
    let id =
        writer.batch("2026-11-24T02:14:00Z", "20261124-021400-2b2b2b", newcomer("teams/green/green-oncall"), 0, |_| {});
    writer.begin(&id, "2026-11-24T02:14:01Z", 1, None);
    let mut stage = on(writer.book, "2b2b2b").keys("Enter");
    answer(&mut stage, Ok(vec![Seen::NotDone, Seen::NotDone]));
    stage = stage.keys("R");
    check("journal_resume", &stage);
    let stage = all_answered(stage).keys("Enter").text("prod-eu2").keys("Enter");
    let applied = |it: &Effect| matches!(it, Effect::Apply { work: Work::Resume(batch), .. } if *batch == id);
    assert!(!stage.effects.iter().any(applied), "{}", notice(&stage));
    let stage = stage.keys("Esc Enter").text("prod-eu1").keys("Enter");
    assert!(stage.effects.iter().any(applied), "{:?}", stage.effects);
    assert_eq!(top(&stage), "apply");
}

fn all_answered(mut stage: Stage) -> Stage {
    for _ in 0..9 {
        let Some(Overlay::Plan(view)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
        if view.open().next().is_none() {
            break;
        }
        stage = stage.keys("y");
    }
    stage
}

#[test]
fn a_batch_whose_steps_turn_out_done_is_still_brought_to_its_end() {
    let mut stage = on(full(), "1b1b1b").keys("Enter");
    answer(&mut stage, Ok(vec![Seen::Done, Seen::Done]));
    let stage = stage.keys("R Enter").text("prod-eu1").keys("Enter");
    let resumed = |it: &Effect| matches!(it, Effect::Apply { work: Work::Resume(id), .. } if id.ends_with("1b1b1b"));
    assert!(stage.effects.iter().any(resumed), "{}: {:?}", notice(&stage), stage.effects);
}

#[test]
fn undo_of_a_batch_takes_the_same_road_as_ever() {
    let mut stage = on(full(), "0e0e0e").keys("u");
    let asked = stage.effects.iter().find_map(|it| match it {
        Effect::Undo { ticket, batch } if batch.ends_with("0e0e0e") => Some(*ticket),
        _ => None,
    });
    let ticket = asked.expect("it is asked for");
    let book = full();
    let history = book.histories().into_iter().find(|it| it.batch.id.ends_with("0e0e0e")).expect("there");
    let batch = Batch { draft: history.undo(), undoes: Some(history.batch.id.clone()), ..history.batch.clone() };
    stage.send(Msg::Answer(ticket, Answer::Undo(Ok(Some(Box::new(batch))))));
    let Some(Overlay::Plan(view)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
    assert!(view.undoes.is_some());
}

#[test]
fn what_cannot_be_done_says_why() {
    for (tail, key, said) in [
        ("0a0a0a", "u", "Batch 20261120-113000-0b0b0b has undone it already."),
        ("0a0a0a", "R", "has undone it already"),
        ("0c0c0c", "u", "It belongs elsewhere: it is of cluster legacy in eu-west-1"),
        ("0d0d0d", "u", "its endpoint is http://127.0.0.1:41817, and here it is AWS's own"),
        ("0d0d0d", "R", "It belongs elsewhere"),
        ("0e0e0e", "R", "It is done: nothing of it is left."),
        ("0f0f0f", "u", "It has changed nothing"),
    ] {
        let stage = on(full(), tail).keys(key);
        assert!(notice(&stage).contains(said), "{tail} {key}: {}", notice(&stage));
        assert_eq!(top(&stage), "journal", "{tail} {key}");
        let opened = on(full(), tail).keys("Enter").keys(key);
        assert!(notice(&opened).contains(said), "{tail} {key}, opened: {}", notice(&opened));
    }
    for key in ["u", "R"] {
        let read_only = Stage::acme_with(Source::Lab, full()).keys("J").keys(key);
        assert!(notice(&read_only).contains("--write"), "{}", notice(&read_only));
        let of_file = Stage::acme_with(file(), full()).writing().keys("J").keys(key);
        assert!(notice(&of_file).contains("file"), "{}", notice(&of_file));
        let empty = lab(Book::default()).keys("J").keys(key);
        assert_eq!(notice(&empty), "No batch is selected.");
    }
    let mut changed = on(full(), "1b1b1b").keys("Enter");
    answer(&mut changed, Ok(vec![Seen::Changed(vec!["it is not there".into()]); 2]));
    assert!(notice(&changed.keys("R")).contains("somebody has changed"));
}

#[test]
fn esc_leaves_filter_batch_and_journal_one_at_a_time() {
    let stage = on(full(), "0e0e0e").keys("Enter");
    assert_eq!(top(&stage), "batch");
    let stage = stage.keys("Esc");
    assert_eq!(top(&stage), "journal");
    let Some(Overlay::Journal(view)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
    assert_eq!(view.counts(), (1, 8));
    let stage = stage.keys("Esc");
    let Some(Overlay::Journal(view)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
    assert_eq!(view.counts(), (8, 8));
    assert_eq!(top(&stage.keys("Esc")), "list");
}

#[test]
fn another_reading_keeps_the_cursor_on_its_batch() {
    let mut stage = lab(doubtful()).keys("J");
    stage.book = std::sync::Arc::new(full());
    let before = stage.app.overlays.len();
    stage = stage.keys("J");
    assert_eq!(stage.app.overlays.len(), before, "there is one journal");
    let Some(Overlay::Journal(view)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
    assert!(view.line().is_some_and(|it| it.id.ends_with("1b1b1b")));
}

#[test]
fn exports() {
    check("export_choice", &on(full(), "0e0e0e").resize(100, 24).keys("E"));
    check("export_script", &on(full(), "0e0e0e").resize(150, 40).keys("E Enter"));
    check("export_inverse", &on(full(), "0e0e0e").resize(150, 40).keys("E Down Enter"));
    check("export_terraform", &on(full(), "0e0e0e").resize(120, 90).keys("E Down Down Enter"));
    check("export_note", &on(full(), "0e0e0e").resize(130, 110).keys("N"));
    check("export_note_elsewhere", &on(full(), "0d0d0d").resize(110, 50).keys("Enter N"));
    let undone = on(full(), "0f0f0f").keys("E Down Enter");
    assert_eq!(notice(&undone), "There is no script that undoes it: nothing was done.");
}

#[test]
fn ten_thousand_lines_are_read_and_listed_in_no_time() {
    let mut text = String::new();
    let mut writer = Writer::default();
    let mut lines = 0;
    while lines < 10_000 {
        let id = format!("20261120-{lines:06}-0a0a0a");
        writer.batch("2026-11-20T10:15:00Z", &id, newcomer("nightly-report"), 2, |_| {});
        lines += 6;
    }
    for history in writer.book.histories() {
        let id = &history.batch.id;
        let plan = Event::Planned { plan: Box::new(history.batch.clone()) };
        let line =
            |event| Line { v: VERSION, at: Time::default(), batch: id.clone(), event }.text().expect("a line") + "\n";
        text.push_str(&line(plan));
        for step in 1..=2 {
            text.push_str(&line(Event::Intent { step, token: "t".into(), before: None, image: None }));
            text.push_str(&line(Event::Outcome { step, outcome: Outcome::Done }));
        }
        text.push_str(&line(Event::Ended { as_planned: true, differences: Vec::new() }));
    }
    assert!(text.lines().count() >= 10_000);
    let began = std::time::Instant::now();
    let book = Book::read(&text);
    let read = began.elapsed();
    let stage = lab(book).keys("J");
    let began = std::time::Instant::now();
    let stage = stage.keys("j j j j j j j j j j");
    let Some(Overlay::Journal(view)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
    assert_eq!((view.scroll.at, view.counts().0), (10, 1667));
    // Generous, for a machine that is busy and a program that is not optimised.
    let keys = began.elapsed();
    assert!(read.as_secs() < 10 && keys.as_secs() < 5, "read in {read:?}, ten keys in {keys:?}");
}
