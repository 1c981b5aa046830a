//! How long answers take, on generated worlds: all rows of a cluster, one trace, and reading a document.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use eksplorer::access::Verdict;
use eksplorer::access::explain::{Ground, read_message};
use eksplorer::access::identity::Resolver;
use eksplorer::access::inventory::inventory;
use eksplorer::access::permissions::Permissions;
use eksplorer::access::trace::trace;
use eksplorer::access::trust::{Document, Request, evaluate, outcome};
use eksplorer::edit::fix::Explained;
use eksplorer::lab::generate;
use eksplorer::model::aws_auth::read_aws_auth;
use eksplorer::model::document::{read, to_yaml};
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::principal::Asked;
use eksplorer::model::rbac::ConfigMap;
use eksplorer::model::snapshot::Source;
use serde_json::json;

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
        let id = snapshot.facts.keys().next().unwrap();
        let resolver = Resolver::new(facts, &snapshot.iam);
        let user = resolver.resolve(&asked).identity.unwrap().username;
        let refused = format!(
            "Error from server (Forbidden): pods \"api-0\" is forbidden: User \"{user}\" cannot delete resource \"pods\" in API \
             group \"\" in the namespace \"default\""
        );
        let message = read_message(&refused).unwrap();
        criterion.bench_with_input(
            BenchmarkId::new("explain a refusal, fixes included", entries),
            &entries,
            |bench, _| {
                bench.iter(|| Explained::new(&Ground::new(black_box(facts), &snapshot.iam, id, None), &message));
            },
        );
        let text = to_yaml(&document).unwrap();
        criterion.bench_with_input(BenchmarkId::new("read a document", entries), &entries, |bench, _| {
            bench.iter(|| read(black_box(&text)).unwrap());
        });
    }
}

/// The aws-auth ConfigMap of a large cluster.
fn aws_auth(criterion: &mut Criterion) {
    let row = |n: usize| {
        format!(
            "- rolearn: arn:aws:iam::111122223333:role/team-{n}\n  username: team-{n}:{{{{SessionName}}}}\n  groups:\n    \
             - team-{n}\n    - \"viewers\"\n"
        )
    };
    let data = [("mapRoles".to_owned(), (0..3_000).map(row).collect())].into();
    let config_map = ConfigMap { data, ..ConfigMap::default() };
    criterion.bench_function("read aws-auth, 3000 rows", |bench| {
        bench.iter(|| read_aws_auth(black_box(&config_map)));
    });
}

/// The account whose roles are searched for one that a service account may assume.
fn trust(criterion: &mut Criterion) {
    const HOST: &str = "oidc.eks.eu-west-1.amazonaws.com/id/C3D8F1A2B4E596078192A3B4C5D6E7F0";
    let provider = format!("arn:aws:iam::111122223333:oidc-provider/{HOST}");
    let policy = |i: usize| {
        json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
             "Condition": {"StringEquals": {format!("{HOST}:aud"): "sts.amazonaws.com"},
                           "StringLike": {format!("{HOST}:sub"): format!("system:serviceaccount:team-{i}:*")}}},
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole",
             "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/platform/*"}}},
        ]})
    };
    let policies: Vec<_> = (0..1_500).map(policy).collect();
    let audience = ["sts.amazonaws.com".to_owned()];
    let request =
        Request::web_identity(&provider, &format!("https://{HOST}"), "system:serviceaccount:team-7:api", &audience);
    let read = || policies.iter().map(|it| Document::from_value(it).unwrap()).collect::<Vec<_>>();
    criterion.bench_function("read 1500 trust policies", |bench| bench.iter(read));
    let documents = read();
    criterion.bench_function("one request, 1500 trust policies", |bench| {
        bench.iter(|| documents.iter().filter(|it| outcome(it, black_box(&request)) == Verdict::Yes).count());
    });
    criterion.bench_function("one request, 1500 trust policies, with reasons", |bench| {
        bench.iter(|| documents.iter().map(|it| evaluate(it, black_box(&request))).collect::<Vec<_>>());
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = answers, aws_auth, trust
}
criterion_main!(benches);
