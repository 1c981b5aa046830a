//! Records as they are written and read, and what a history of them means.

use super::*;
use crate::edit::plan::plan;
use crate::edit::state::EntryState;

fn role(name: &str) -> Subject {
    Subject::Entry(format!("arn:aws:iam::1:role/{name}"))
}

/// An entry with a tag of this value, which one call sets.
fn entry(value: &str) -> Option<State> {
    let tags = [("of".to_owned(), value.to_owned())].into();
    Some(State::Entry(EntryState { kind: "STANDARD".into(), tags, ..EntryState::default() }))
}

/// Of two things: `a` is changed, `b` is removed.
fn batch(id: &str, undoes: Option<&str>) -> Batch {
    let change = |before, after| Change { before, after, again: false };
    let draft = Draft::of([(role("a"), change(entry("x"), entry("y"))), (role("b"), change(entry("x"), None))]);
    let steps = plan(&draft);
    let (region, account) = ("r".to_owned(), "1".to_owned());
    let pin = Pin { cluster_arn: "arn".into(), cluster: "c".into(), account, region, endpoint: None };
    Batch {
        id: id.into(),
        made_at: Time::default(),
        caller: "me".into(),
        pin,
        draft,
        tokens: steps.iter().map(|it| format!("t{}", it.n)).collect(),
        steps,
        note: None,
        undoes: undoes.map(str::to_owned),
    }
}

fn line(id: &str, event: Event) -> Line {
    Line { v: VERSION, at: Time::default(), batch: id.into(), event }
}

fn planned(id: &str, undoes: Option<&str>) -> Line {
    line(id, Event::Planned { plan: Box::new(batch(id, undoes)) })
}

fn intent(id: &str, step: usize) -> Line {
    line(id, Event::Intent { step, token: format!("t{step}"), before: entry("x"), image: None })
}

fn outcome(id: &str, step: usize, outcome: Outcome) -> Line {
    line(id, Event::Outcome { step, outcome })
}

fn ended(id: &str) -> Line {
    line(id, Event::Ended { as_planned: true, differences: Vec::new() })
}

fn standing(lines: &[Line], id: &str) -> Standing {
    let text: Vec<String> = lines.iter().map(|it| it.text().unwrap()).collect();
    let book = Book::read(text.join("\n"));
    assert!(book.unreadable.is_empty());
    let mut taken = Book::default();
    lines.iter().for_each(|line| taken.take(line.clone()));
    assert_eq!(taken.histories(), book.histories(), "what is written is what is read");
    let standing = book.standing(book.history(id).unwrap());
    assert_eq!(book.standing_of(book.head(id).unwrap()), standing, "in short and whole");
    assert_eq!(taken.standing_of(taken.head(id).unwrap()), standing);
    standing
}

#[test]
fn a_batch_stands_as_its_lines_tell() {
    let failed = || Outcome::Failed { code: Some("X".into()), because: "no".into() };
    let doubt = || Outcome::InDoubt { code: None, because: "lost".into() };
    let mut lines = vec![planned("a", None)];
    let mut then = |line: Line, wanted: Standing| {
        lines.push(line);
        assert_eq!(standing(&lines, "a"), wanted, "{:?}", lines.last());
    };
    then(intent("a", 1), Standing::InDoubt { step: 1 });
    then(outcome("a", 1, failed()), Standing::Refused);
    then(intent("a", 1), Standing::InDoubt { step: 1 });
    then(outcome("a", 1, doubt()), Standing::InDoubt { step: 1 });
    then(outcome("a", 1, Outcome::FoundNotDone), Standing::NotBegun);
    then(intent("a", 1), Standing::InDoubt { step: 1 });
    then(outcome("a", 1, Outcome::Done), Standing::Stopped { done: 1 });
    then(line("a", Event::Abandoned), Standing::Abandoned { done: 1 });
    then(intent("a", 2), Standing::InDoubt { step: 2 });
    then(outcome("a", 2, Outcome::FoundDone), Standing::Done { as_planned: None });
    then(ended("a"), Standing::Done { as_planned: Some(true) });
    then(planned("b", Some("a")), Standing::Done { as_planned: Some(true) });
    then(intent("b", 1), Standing::BeingUndoneBy("b".into()));
    then(outcome("b", 1, Outcome::Done), Standing::BeingUndoneBy("b".into()));
    then(outcome("b", 2, Outcome::Done), Standing::UndoneBy("b".into()));
    then(planned("c", Some("b")), Standing::UndoneBy("b".into()));
    then(outcome("c", 1, Outcome::Done), Standing::BeingUndoneBy("b".into()));
    then(outcome("c", 2, Outcome::Done), Standing::Done { as_planned: Some(true) });
}

#[test]
fn a_journal_cut_at_any_byte_is_read_up_to_there() {
    let lines = [planned("a", None), intent("a", 1), outcome("a", 1, Outcome::Done), intent("a", 2), ended("a")];
    let text: String = lines.iter().map(|it| it.text().unwrap() + "\n").collect();
    for cut in 0..=text.len() {
        let read = Book::read(&text[..cut]);
        let whole = text[..cut].matches('\n').count();
        let mut wanted = Book::default();
        // The last line may be whole but for its end.
        let last = lines.get(whole).is_some_and(|it| text[..cut].ends_with(&it.text().unwrap()));
        lines.iter().take(whole + usize::from(last)).for_each(|line| wanted.take(line.clone()));
        assert_eq!(read.histories(), wanted.histories(), "at {cut}");
    }
}

#[test]
fn undoing_brings_back_what_was_really_done() {
    let mut history = History::new(batch("a", None));
    assert!(history.undo().is_empty() && history.irrecoverable().is_empty());
    history.add(Time::default(), outcome("a", 1, Outcome::Done).event);
    let undo = history.undo();
    assert_eq!(undo.len(), 1);
    let change = undo.change(&role("a")).unwrap();
    assert_eq!((change.before.clone(), change.after.clone()), (entry("y"), entry("x")));
    history.add(Time::default(), outcome("a", 2, Outcome::FoundDone).event);
    assert_eq!(history.undo(), history.batch.draft.inverse());
    assert_eq!(history.irrecoverable().len(), 1);
    assert!(history.irrecoverable()[0].contains("bound to whoever"));
}

#[test]
fn another_place_differs_in_sentences() {
    let here = batch("a", None).pin;
    assert!(here.differences(&here.clone()).is_empty());
    let lab = Pin { endpoint: Some("http://127.0.0.1:1".into()), account: "2".into(), ..here.clone() };
    assert_eq!(
        lab.differences(&here),
        ["its account is 2, and here it is 1", "its endpoint is http://127.0.0.1:1, and here it is AWS's own"]
    );
}

#[test]
fn a_batch_is_meant_by_its_beginning_or_as_the_last() {
    let mut book = Book::default();
    [planned("one", None), planned("other", None)].into_iter().for_each(|line| book.take(line));
    let named = |word: &str| book.named(word).iter().map(|it| it.id.clone()).collect::<Vec<_>>();
    assert_eq!(named("on"), ["one"]);
    assert_eq!(named("o"), ["one", "other"]);
    assert_eq!(named("last"), ["other"]);
    assert!(named("").is_empty() && named("x").is_empty());
}

/// A journal with all that may happen to one: batches that undo each other, lines between each other, of nobody, cut, glued,
/// doubled, empty, of NULs, of a newer program, and with the line ends of another system.
fn rough_journal() -> String {
    let text = |line: Line| line.text().unwrap();
    let whole = [
        text(planned("a", None)),
        text(intent("a", 1)),
        text(planned("b", Some("a"))),
        text(outcome("a", 1, Outcome::Done)),
        text(intent("b", 1)),
        text(planned("a", None)),
        text(outcome("nobody", 1, Outcome::Done)),
        text(intent("a", 2)),
        text(outcome("b", 1, Outcome::Failed { code: None, because: "é".into() })),
        text(ended("a")),
        text(line("b", Event::Abandoned)),
    ];
    let mut all: Vec<String> = whole.to_vec();
    all.insert(3, whole[0][..whole[0].len() / 2].to_owned());
    all.insert(5, format!("{}{}", whole[1], whole[3]));
    all.insert(6, String::new());
    all.insert(7, "\0".repeat(100));
    all.insert(8, "{\"v\":2,\"event\":\"dreamt\"}".to_owned());
    all.insert(9, format!("{}\r", whole[1]));
    all.join("\n") + "\n"
}

#[test]
fn a_journal_is_the_same_with_an_index_of_any_part_of_it() {
    let text = rough_journal();
    let whole = Book::read(text.as_str());
    assert_eq!((whole.heads().len(), whole.unreadable.as_slice(), whole.version), (2, &[4, 6, 8][..], 2));
    for (at, _) in text.match_indices('\n') {
        let index = Book::read(&text[..=at]).index().expect("it ends with a line");
        assert_eq!(index.bytes, at + 1);
        let kept = serde_json::to_string(&index).unwrap();
        assert_eq!(serde_json::from_str::<BookIndex>(&kept).unwrap(), index);
        let known = Book::read_on(index, text.clone());
        assert_eq!(known, whole, "at {at}");
        assert_eq!(known.index(), whole.index(), "at {at}");
    }
    assert_eq!(Book::read(&text[..text.len() - 1]).index(), None, "a line that may be cut is in no index");
    let mut written = whole.clone();
    written.take(intent("b", 2));
    assert_eq!(written.index(), None, "what was written since is not in the text");
    assert_eq!(written.histories(), Book::read(text + &intent("b", 2).text().unwrap()).histories());
}

#[test]
fn what_is_listed_of_a_batch_needs_none_of_its_lines() {
    let text = rough_journal();
    let index = Book::read(text.as_str()).index().unwrap();
    // Were a line of the text looked at, it would not be found.
    let blank = Book::read_on(index, " ".repeat(text.len()));
    let book = Book::read(text.as_str());
    assert!(blank.heads().eq(book.heads()));
    assert!(blank.open().map(|it| &it.id).eq(book.open().map(|it| &it.id)));
    assert_eq!(blank.named("last"), book.named("last"));
    assert_eq!(blank.history("a"), None, "whole, it is read from its lines");
}
