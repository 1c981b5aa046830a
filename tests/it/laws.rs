//! Laws that hold whatever the facts: ignorance never reads as "no", order does not matter, panes and traces agree.

use std::sync::{Arc, LazyLock};

use eksplorer::access::Mark;
use eksplorer::access::Verdict;
use eksplorer::access::identity::{MappingSource, Resolver};
use eksplorer::access::inventory::{Inventory, inventory};
use eksplorer::access::permissions::Permissions;
use eksplorer::access::trace::trace;
use eksplorer::model::document::read;
use eksplorer::model::facts::{document_of, snapshot_of};
use eksplorer::model::failure::{Failure, FailureKind};
use eksplorer::model::principal::{Asked, Principal};
use eksplorer::model::snapshot::{ClusterFacts, IamFacts, Missing, Section, Source};
use eksplorer::model::time::Time;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::worlds::ACME;

/// Every principal of the demo world, and for roles a session of it.
static ASKED: LazyLock<Vec<Asked>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for facts in ACME.facts.values() {
        for row in inventory(facts, &ACME.iam).principals {
            let Principal { account, name, partition, .. } = &row.principal;
            all.push(Asked::principal(row.principal.clone()));
            let session = format!("arn:{partition}:sts::{account}:assumed-role/{name}/jane@acme.example");
            all.extend(Asked::from_arn(&session).ok());
        }
    }
    all
});

fn failure(permission: &str) -> Failure {
    Failure {
        kind: FailureKind::Refused { permission: permission.into() },
        doing: "read it".into(),
        on: String::new(),
        code: None,
        message: String::new(),
    }
}

/// The ways in which the facts that decide may be incomplete.
fn spoilt(facts: &ClusterFacts, how: usize, at: Index) -> ClusterFacts {
    let mut facts = facts.clone();
    match how {
        0 => facts.access_entries = Section::failed(failure("eks:ListAccessEntries")),
        1 => facts.aws_auth = Section::failed(failure("get configmaps in kube-system")),
        2 => facts.cluster = Section::failed(failure("eks:DescribeCluster")),
        3 => facts.access_entries = Section::loading(facts.access_entries.shared().map(|all| (*all).clone()), 1, None),
        4 => facts.access_entries = Section::loading(None, 0, None),
        _ => {
            // Some of the entries could not be read.
            let mut entries = facts.access_entries.items().to_vec();
            if !entries.is_empty() {
                let gone = entries.swap_remove(at.index(entries.len()));
                let missing = Missing { item: Some(gone.principal_arn), failure: failure("eks:DescribeAccessEntry") };
                facts.access_entries = Section::partial(entries, Time::default(), vec![missing]);
            }
        }
    }
    facts
}

fn clusters() -> Vec<Arc<ClusterFacts>> {
    ACME.facts.values().cloned().collect()
}

proptest! {
    #[test]
    fn a_missing_fact_makes_an_answer_unknown_and_never_turns_it(
        facts in select(clusters()), asked in select(ASKED.clone()), how in 0usize..6, at: Index,
    ) {
        let whole = Resolver::new(&facts, &ACME.iam).resolve(&asked);
        let spoilt = spoilt(&facts, how, at);
        let now = Resolver::new(&spoilt, &ACME.iam).resolve(&asked);
        prop_assert!(
            now.verdict == Verdict::Unknown || now.verdict == whole.verdict,
            "{} turned from {:?} to {:?}: {}", asked.given, whole.verdict, now.verdict, now.because
        );
        if now.verdict == Verdict::Unknown {
            prop_assert!(!now.unknown.is_empty(), "{}: an unknown answer names the missing fact", asked.given);
        } else {
            prop_assert_eq!(now.mapping, whole.mapping);
            prop_assert_eq!(now.identity, whole.identity);
        }
    }

    #[test]
    fn without_iam_an_answer_that_differs_says_what_it_did_not_verify(
        facts in select(clusters()), asked in select(ASKED.clone()),
    ) {
        let iam = IamFacts {
            account: ACME.iam.account.clone(),
            roles: Section::failed(failure("iam:ListRoles")),
            users: Section::failed(failure("iam:ListUsers")),
            ..IamFacts::default()
        };
        let whole = Resolver::new(&facts, &ACME.iam).resolve(&asked);
        let now = Resolver::new(&facts, &iam).resolve(&asked);
        // A recreated or vanished principal is the rare defect that only IAM reveals. A user's path is in the ARN that
        // was asked for, so nothing else may change the verdict.
        if now.verdict != whole.verdict {
            prop_assert!(!now.unverified.is_empty() || !now.unknown.is_empty(), "{}: {:?}", asked.given, now);
        }
    }

}

/// Of every cluster, its facts and all that its panes show of them.
static ROWS: LazyLock<Vec<(Arc<ClusterFacts>, Inventory)>> =
    LazyLock::new(|| clusters().into_iter().map(|it| (it.clone(), inventory(&it, &ACME.iam))).collect());

proptest! {
    // Each case computes all rows of a cluster.
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn rows_do_not_depend_on_the_order_in_which_facts_came(at: Index, seed: u64) {
        let (facts, rows) = at.get(&ROWS);
        let shuffled = |len: usize| -> Vec<usize> {
            let mut order: Vec<usize> = (0..len).collect();
            let mut state = seed | 1;
            for i in (1..len).rev() {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                order.swap(i, (state >> 33) as usize % (i + 1));
            }
            order
        };
        fn reordered<T: Clone>(section: &Section<Vec<T>>, order: impl Fn(usize) -> Vec<usize>) -> Section<Vec<T>> {
            section.map(|items| order(items.len()).into_iter().map(|i| items[i].clone()).collect())
        }
        let mut other = (**facts).clone();
        other.access_entries = reordered(&facts.access_entries, shuffled);
        other.service_accounts = reordered(&facts.service_accounts, shuffled);
        other.pod_identity_associations = reordered(&facts.pod_identity_associations, shuffled);
        other.nodegroups = reordered(&facts.nodegroups, shuffled);
        other.pods = reordered(&facts.pods, shuffled);
        let mut iam = (*ACME.iam).clone();
        iam.roles = reordered(&iam.roles, shuffled);
        prop_assert_eq!(&inventory(&other, &iam), rows);
    }
}

#[test]
fn panes_and_traces_agree() {
    for facts in clusters() {
        let resolver = Resolver::new(&facts, &ACME.iam);
        let permissions = Permissions::of(&facts);
        let rows = inventory(&facts, &ACME.iam);
        for row in &rows.entries {
            let Some(principal) = &row.principal else { continue };
            let trace = trace(&resolver, &permissions, &Asked::principal(principal.clone()));
            let source = MappingSource::AccessEntry { principal_arn: row.principal_arn.clone() };
            let decides = trace.resolution.mapping.as_ref().is_some_and(|it| it.source == source);
            assert_eq!(decides, row.mark == Mark::InForce, "{}: {}", row.principal_arn, trace.answer);
        }
        for row in &rows.aws_auth {
            let Some(principal) = &row.principal else { continue };
            let trace = trace(&resolver, &permissions, &Asked::principal(principal.clone()));
            let here = trace.resolution.mapping.as_ref().is_some_and(|it| it.evidence == row.evidence);
            assert_eq!(here, row.mark == Mark::InForce, "{} {}: {}", row.place, row.arn, trace.answer);
        }
        for row in &rows.principals {
            let trace = trace(&resolver, &permissions, &Asked::principal(row.principal.clone()));
            assert_eq!(trace.resolution.verdict, row.resolution.verdict, "{}", row.principal.arn());
            assert!(!trace.answer.is_empty() && !trace.lines.is_empty());
        }
    }
}

#[test]
fn the_demo_world_reads_back_as_it_was() {
    let document = document_of(&ACME, Time::default());
    let text = eksplorer::model::document::to_yaml(&document).unwrap();
    let again = snapshot_of(&read(&text).unwrap(), Source::Lab);
    assert_eq!(again.facts, ACME.facts);
    assert_eq!(again.iam, ACME.iam);
}

#[test]
fn the_demo_world_shows_every_kind_of_row() {
    let marks = |name: &str| {
        let facts = ACME.facts.iter().find(|(id, _)| id.name == name).unwrap().1;
        let rows = inventory(facts, &ACME.iam);
        let mut marks: Vec<Mark> = rows.entries.iter().map(|it| it.mark).collect();
        marks.extend(rows.aws_auth.iter().map(|it| it.mark));
        marks
    };
    let prod = marks("prod-eu1");
    for mark in [Mark::InForce, Mark::Shadowed, Mark::Dead, Mark::Unknown] {
        assert!(prod.contains(&mark), "prod-eu1 shows no {mark:?}");
    }
    assert!(marks("sandbox").contains(&Mark::Ignored));
}
