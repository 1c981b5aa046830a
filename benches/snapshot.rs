//! How long a snapshot of a large cluster takes: 3,000 access entries, 20,000 service accounts, 30,000 pods. To read its text
//! (27 MB of YAML, 45 MB of JSON), and to list the entries from it.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use eksplorer::access::inventory::inventory;
use eksplorer::lab::generate::{Sizes, world};
use eksplorer::model::document::{Document, read, to_json, to_yaml};
use eksplorer::model::facts::into_snapshot;
use eksplorer::model::snapshot::Source;

fn large() -> Document {
    let sizes =
        Sizes { entries: 3_000, role_bindings: 4_491, service_accounts: 20_000, pods: 30_000, ..Sizes::default() };
    world(&sizes, 1)
}

fn snapshots(criterion: &mut Criterion) {
    let document = large();
    let texts = [("YAML", to_yaml(&document).unwrap()), ("JSON", to_json(&document).unwrap())];
    let mut group = criterion.benchmark_group("snapshot of 3,000 entries, 20,000 service accounts, 30,000 pods");
    group.sample_size(10);
    for (name, text) in &texts {
        group.bench_function(format!("read {} MB of {name}", text.len() / 1_000_000), |it| {
            it.iter_with_large_drop(|| read(black_box(text)).unwrap());
        });
    }
    group.bench_function("list the entries", |it| {
        it.iter_batched(
            || document.clone(),
            |document| {
                let snapshot = into_snapshot(document, Source::default());
                let facts = snapshot.facts.values().next().unwrap();
                inventory(facts, &snapshot.iam).entries.len()
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, snapshots);
criterion_main!(benches);
