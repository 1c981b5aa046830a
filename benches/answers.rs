//! How long answers take, on generated worlds: all rows of a cluster, one trace, and reading a document.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use eksplorer::access::identity::Resolver;
use eksplorer::access::inventory::inventory;
use eksplorer::access::permissions::Permissions;
use eksplorer::access::trace::trace;
use eksplorer::lab::generate;
use eksplorer::model::document::{read, to_yaml};
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::principal::Asked;
use eksplorer::model::snapshot::Source;

fn answers(criterion: &mut Criterion) {
    for entries in [60, 3_000] {
        let document = generate::entries(entries);
        let snapshot = snapshot_of(&document, Source::Lab);
        let facts = snapshot.facts.values().next().unwrap();
        criterion.bench_with_input(BenchmarkId::new("all rows of a cluster", entries), &entries, |bench, _| {
            bench.iter(|| inventory(black_box(facts), &snapshot.iam));
        });
        let arn = document.clusters[0].access_entries.iter().flatten().last().unwrap().principal_arn.clone();
        let asked = Asked::from_arn(&arn).unwrap();
        criterion.bench_with_input(BenchmarkId::new("one trace, index included", entries), &entries, |bench, _| {
            bench.iter(|| trace(&Resolver::new(black_box(facts), &snapshot.iam), &Permissions::of(facts), &asked));
        });
        let text = to_yaml(&document).unwrap();
        criterion.bench_with_input(BenchmarkId::new("read a document", entries), &entries, |bench, _| {
            bench.iter(|| read(black_box(&text)).unwrap());
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = answers
}
criterion_main!(benches);
