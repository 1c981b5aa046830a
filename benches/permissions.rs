//! How long permissions take on a generated world as large as a real platform's: the index, one `can`, `who-can`, the
//! matrix, all groups. The limits that the program is built for stand beside each.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use eksplorer::access::Verdict;
use eksplorer::access::inventory::inventory;
use eksplorer::access::matrix::matrix;
use eksplorer::access::permissions::{Permissions, Who};
use eksplorer::access::resources::meant;
use eksplorer::access::who::{subjects, who_can};
use eksplorer::lab::generate::{Sizes, world};
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::snapshot::Source;

fn permissions(criterion: &mut Criterion) {
    let sizes = Sizes {
        role_bindings: 4_491,
        cluster_role_bindings: 676,
        k8s_roles: 1_374,
        cluster_roles: 721,
        entries: 3_000,
        service_accounts: 20_000,
        namespaces: 400,
        ..Sizes::default()
    };
    let snapshot = snapshot_of(&world(&sizes, 1), Source::Lab);
    let facts = snapshot.facts.values().next().unwrap();
    criterion.bench_function("index of permissions (limit 300 ms)", |bench| {
        bench.iter(|| Permissions::of(black_box(facts)));
    });
    let permissions = Permissions::of(facts);
    let rows = inventory(facts, &snapshot.iam).principals;
    let whos: Vec<Who> = rows.iter().map(|row| Who::of(&row.resolution)).filter(|who| who.outside.is_none()).collect();
    let namespace = permissions.namespaces().nth(7).unwrap().to_owned();
    let request = meant(&permissions, "delete", "pods", &namespace, "").request;
    // One of each kind: allowed at once, and denied after everything was looked at.
    let strange = meant(&permissions, "frob", "unheard.of.io", &namespace, "").request;
    for (name, verdict, request) in [("allowed", Verdict::Yes, &request), ("denied", Verdict::No, &strange)] {
        let of = |who: &&Who| permissions.decide(who, request).verdict == verdict;
        let who = whos.iter().filter(of).max_by_key(|who| permissions.grants(who).len()).unwrap();
        criterion.bench_function(&format!("can, {name} (limit 50 µs)"), |bench| {
            bench.iter(|| permissions.decide(black_box(who), request));
        });
    }
    criterion.bench_function("can, over all principals, each", |bench| {
        let mut all = whos.iter().cycle();
        bench.iter(|| permissions.decide(black_box(all.next().unwrap()), &request));
    });
    criterion.bench_function("who-can to identities (limit 5 ms)", |bench| {
        bench.iter(|| permissions.identities(black_box(&request)));
    });
    criterion.bench_function("who-can to 3,000 principals", |bench| {
        bench.iter(|| who_can(facts, &permissions, &rows, black_box(&request)));
    });
    let widest = whos.iter().max_by_key(|who| permissions.grants(who).len()).unwrap();
    criterion.bench_function("matrix of a namespace (limit 20 ms)", |bench| {
        bench.iter(|| matrix(&permissions, black_box(widest), &namespace));
    });
    criterion.bench_function("all groups and users", |bench| {
        bench.iter(|| subjects(facts, &permissions, black_box(&rows)));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = permissions
}
criterion_main!(benches);
