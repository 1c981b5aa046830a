//! How long it takes to tell which AWS role every service account and every pod of a large platform gets: 1,500 roles,
//! 20,000 service accounts, 30,000 pods. To be had in half a second at most.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use eksplorer::access::Verdict;
use eksplorer::access::inventory::inventory;
use eksplorer::access::workload::Workloads;
use eksplorer::lab::generate::{Sizes, world};
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::snapshot::Source;

fn workload(criterion: &mut Criterion) {
    let sizes = Sizes {
        roles: 1_500,
        service_accounts: 20_000,
        irsa: 1_100,
        associations: 250,
        pods: 30_000,
        nodes: 600,
        namespaces: 400,
        ..Sizes::default()
    };
    let snapshot = snapshot_of(&world(&sizes, 7), Source::Lab);
    let facts = snapshot.facts.values().next().unwrap();
    let pods = facts.pods.items();
    assert!(pods.len() >= 30_000 && snapshot.iam.roles.items().len() >= 1_500);
    let mut group = criterion.benchmark_group("workload");
    group.sample_size(10);
    group.bench_function("every binding", |it| {
        it.iter(|| black_box(Workloads::new(facts, &snapshot.iam)).accounts().len())
    });
    group.bench_function("every verdict, of bindings and pods", |it| {
        it.iter(|| {
            let workloads = Workloads::new(facts, &snapshot.iam);
            pods.iter().filter(|pod| workloads.identities(pod).answer.outcome == Verdict::Yes).count()
        });
    });
    group.bench_function("all rows of all panes", |it| {
        it.iter(|| black_box(inventory(facts, &snapshot.iam)).irsa.len())
    });
    group.finish();
}

criterion_group!(benches, workload);
criterion_main!(benches);
