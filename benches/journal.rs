//! How long a journal of 10,000 batches takes: to read it the first time, to read it by its index, as every later start does,
//! and to list it.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use eksplorer::edit::draft::{Change, Draft};
use eksplorer::edit::plan::plan;
use eksplorer::edit::record::{Batch, Book, Event, Line, Outcome, Pin, VERSION};
use eksplorer::edit::state::{EntryState, State, Subject};
use eksplorer::model::time::Time;
use eksplorer::report::journal;

const BATCHES: usize = 10_000;

fn batch(number: usize) -> Batch {
    let entry = |groups: &[&str]| {
        let groups = groups.iter().map(|it| (*it).to_owned()).collect();
        let tags = [("team".to_owned(), format!("team-{}", number % 40))].into();
        State::Entry(EntryState { kind: "STANDARD".to_owned(), groups, tags, ..EntryState::default() })
    };
    let change =
        Change { before: Some(entry(&["viewers"])), after: Some(entry(&["deployers", "viewers"])), again: false };
    let subject = |part: &str| Subject::Entry(format!("arn:aws:iam::111122223333:role/teams/{part}-{number}"));
    let draft = Draft::of([(subject("oncall"), change.clone()), (subject("release"), change)]);
    let steps = plan(&draft);
    let pin = Pin {
        cluster_arn: "arn:aws:eks:eu-west-1:111122223333:cluster/prod-eu1".to_owned(),
        cluster: "prod-eu1".to_owned(),
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        endpoint: None,
    };
    Batch {
        id: format!("2026-11-30T03-{number:05}"),
        made_at: Time::default(),
        caller: "arn:aws:sts::111122223333:assumed-role/platform/jane@corp.com".to_owned(),
        pin,
        draft,
        tokens: steps.iter().map(|it| format!("token-{number}-{}", it.n)).collect(),
        steps,
        note: None,
        undoes: None,
    }
}

/// The lines of batches that all went well.
fn journal_text() -> String {
    let mut text = String::new();
    for number in 0..BATCHES {
        let plan = batch(number);
        let id = plan.id.clone();
        let steps: Vec<_> = plan.steps.iter().map(|it| (it.n, it.before.clone())).collect();
        let mut events = vec![Event::Planned { plan: Box::new(plan) }];
        for (step, before) in steps {
            events.push(Event::Intent { step, token: format!("token-{number}-{step}"), before, image: None });
            events.push(Event::Outcome { step, outcome: Outcome::Done });
        }
        events.push(Event::Ended { as_planned: true, differences: Vec::new() });
        for event in events {
            let line = Line { v: VERSION, at: Time::default(), batch: id.clone(), event };
            text.push_str(&line.text().unwrap());
            text.push('\n');
        }
    }
    text
}

fn journals(criterion: &mut Criterion) {
    let text = journal_text();
    let book = Book::read(&text);
    assert!(book.histories().len() == BATCHES && book.unreadable.is_empty());
    let mut group = criterion.benchmark_group(format!("journal of {BATCHES} batches, {} MB", text.len() / 1_000_000));
    group.sample_size(10);
    group.bench_function("read the first time", |it| it.iter_with_large_drop(|| Book::read(black_box(&text))));
    let folder = std::env::temp_dir().join(format!("eksplorer-bench-journal-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(eksplorer::journal::FILE), &text).unwrap();
    // The first reading leaves the index behind.
    assert_eq!(eksplorer::journal::read(&folder).unwrap(), book);
    group.bench_function("read by its index", |it| {
        it.iter_with_large_drop(|| eksplorer::journal::read(&folder).unwrap());
    });
    std::fs::remove_dir_all(&folder).unwrap();
    group.bench_function("list", |it| it.iter(|| journal::text(black_box(&book), None)));
    group.bench_function("what is open", |it| it.iter(|| black_box(&book).open().count()));
    group.finish();
}

criterion_group!(benches, journals);
criterion_main!(benches);
