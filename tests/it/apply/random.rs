//! Drafts made at random, applied through HTTP: the world that was projected is the lab's world afterwards, and the one
//! before comes back with undo.

use eksplorer::access::identity::Resolver;
use eksplorer::edit::draft::{Draft, Edit};
use eksplorer::edit::plan::plan;
use eksplorer::edit::project::project;
use eksplorer::edit::receipt::End;
use eksplorer::edit::state::{AssociationState, EntryState, State, Subject, now};
use eksplorer::lab::Options;
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::principal::{Asked, Principal};
use eksplorer::model::snapshot::{ClusterFacts, IamFacts, Snapshot, Source};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::bench::{Bench, View, association, fresh, give, id, policy, role};

const ROLES: [&str; 6] = ["dev", "old", "fresh", "node", "api", "web"];
/// How many drafts are tried, of the same ones each time. Four hundred were, once: they found nothing that these do not.
const DRAFTS: usize = 24;

fn words() -> impl Strategy<Value = Vec<String>> {
    let word = prop::sample::select(vec!["devs", "ops", "it's $x", "дев", "a b"]);
    prop::collection::btree_set(word, 0..3).prop_map(|all| all.into_iter().map(str::to_owned).collect())
}

fn tags() -> impl Strategy<Value = Vec<(String, String)>> {
    words().prop_map(|all| all.into_iter().map(|it| (it.clone(), format!("of {it}"))).collect())
}

fn an_edit() -> impl Strategy<Value = (Subject, Edit)> {
    let policies = prop::sample::select(vec!["View", "Edit", "AdminView"]);
    let places = prop::sample::select(vec![&[][..], &["blue"], &["green", "blue"], &["b*"]]);
    let kind = prop::sample::select(vec!["STANDARD", "STANDARD", "EC2_LINUX", "FARGATE_LINUX"]);
    let name = prop::sample::select(ROLES.to_vec());
    let of_entry = (name, 0..8usize, policies, places, words(), tags(), kind).prop_map(
        |(name, which, policies, places, groups, tags, kind)| {
            let subject = role(name);
            let username = (groups.len() == 1).then(|| format!("{name}:{{{{SessionName}}}}"));
            let edit = match which {
                0 | 1 => give(policies, places),
                2 => Edit::TakePolicy { policy_arn: policy(policies) },
                3 => Edit::GiveGroups(groups),
                4 => Edit::Identity { groups, username },
                5 => Edit::Remove,
                6 => Edit::Again,
                _ => {
                    let mut it = EntryState { kind: kind.into(), tags: tags.into_iter().collect(), ..fresh(&subject) };
                    if kind == "STANDARD" {
                        it.groups = groups.into_iter().collect();
                        let Edit::GivePolicy { policy_arn, scope } = give(policies, places) else { unreachable!() };
                        it.policies.insert(policy_arn, scope);
                    } else {
                        it.username = None;
                    }
                    Edit::Be(Box::new(it))
                }
            };
            (subject, edit)
        },
    );
    let place = prop::sample::select(vec![("blue", "api"), ("blue", "new"), ("green", "job")]);
    let given = prop::sample::select(vec!["api", "web"]);
    let target = prop::option::of(Just("arn:aws:iam::555566667777:role/far".to_owned()));
    let of_association = (place, given, target, tags(), any::<bool>(), 0..4usize).prop_map(
        |((namespace, account), given, target_role_arn, tags, disable_session_tags, which)| {
            let edit = match which {
                0 => Edit::Dissociate,
                _ => Edit::Associate(AssociationState {
                    role_arn: format!("arn:aws:iam::111122223333:role/{given}"),
                    target_role_arn,
                    disable_session_tags,
                    tags: tags.into_iter().collect(),
                    policy: None,
                }),
            };
            (association(namespace, account), edit)
        },
    );
    prop_oneof![3 => of_entry, 1 => of_association]
}

fn snapshot(bench: &Bench) -> Snapshot {
    snapshot_of(&bench.lab.watch().document(), Source::default()).settled()
}

/// What stages; what cannot be is left out. Who holds a policy that a node may not have is no node.
fn staged(facts: &ClusterFacts, edits: Vec<(Subject, Edit)>) -> Draft {
    let mut draft = Draft::default();
    for (subject, edit) in edits {
        let mut next = draft.clone();
        if next.stage(facts, &subject, edit, || fresh(&subject)).is_err() {
            continue;
        }
        let is_possible = match next.change(&subject) {
            Some(change) => match (&change.before, &change.after) {
                // What EKS would refuse is another test's: nodes have no groups, names or policies of their own.
                (before, Some(State::Entry(it))) if it.kind != "STANDARD" => match before {
                    Some(State::Entry(was)) if was.kind == it.kind && !change.again => {
                        (&was.groups, &was.username, &was.policies) == (&it.groups, &it.username, &it.policies)
                    }
                    _ => it.groups.is_empty() && it.policies.is_empty() && it.username.is_none(),
                },
                _ => true,
            },
            None => true,
        };
        if is_possible {
            draft = next;
        }
    }
    draft
}

fn of(facts: &ClusterFacts) -> View {
    let entries = facts.access_entries.items().iter().map(|it| Subject::Entry(it.principal_arn.clone()));
    let associations = facts.pod_identity_associations.items().iter();
    let all = entries.chain(associations.map(|it| association(&it.namespace, &it.service_account)));
    all.map(|it| (it.clone(), now(facts, &it).known().unwrap().unwrap())).collect()
}

/// As whom everybody gets in.
fn identities(facts: &ClusterFacts, iam: &IamFacts) -> Vec<String> {
    let resolver = Resolver::new(facts, iam);
    let asked = |name: &&str| {
        let (principal, _) = Principal::from_arn(&format!("arn:aws:iam::111122223333:role/{name}")).unwrap();
        let it = resolver.resolve(&Asked::principal(principal));
        format!("{name}: {:?} {:?}", it.verdict, it.identity.map(|it| (it.username, it.groups)))
    };
    ROLES.iter().map(asked).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_projected_world_is_the_labs_world_after_apply() {
    let bench = Bench::start("random", Options::default()).await;
    let mut runner = TestRunner::deterministic();
    let strategy = (prop::collection::vec(an_edit(), 1..7), any::<bool>());
    let (mut drafts, mut steps, mut undone, mut calls) = (0, 0, 0, std::collections::BTreeSet::new());
    while drafts < DRAFTS {
        let (edits, undo) = strategy.new_tree(&mut runner).unwrap().current();
        let before = snapshot(&bench);
        let facts = before.cluster(&id());
        let draft = staged(&facts, edits);
        if draft.is_empty() {
            continue;
        }
        drafts += 1;
        let planned = plan(&draft);
        steps += planned.len();
        calls.extend(planned.iter().map(|it| it.call.operation()));
        let told = format!("draft {drafts}: {draft:#?}");
        let projected = project(&facts, &draft, None);
        let view_before = bench.view();
        let batch = bench.batch_of(draft.clone()).await;
        let receipt = bench.apply(batch.clone(), None).await.unwrap();
        assert_eq!((receipt.end, receipt.as_planned), (End::Done, Some(true)), "{told}\n{receipt:#?}");
        let after = snapshot(&bench);
        same(&of(&projected), &bench.view(), &told);
        let lab = after.cluster(&id());
        assert_eq!(identities(&projected, &before.iam), identities(&lab, &after.iam), "{told}");
        if undo {
            undone += 1;
            let back = project(&lab, &draft.inverse(), None);
            let receipt = bench.undo(&batch.id, None).await.unwrap();
            assert!(receipt.is_none_or(|it| (it.end, it.as_planned) == (End::Done, Some(true))), "{told}");
            same(&of(&back), &bench.view(), &told);
            same(&view_before, &bench.view(), &told);
        }
    }
    assert!(steps >= 2 * DRAFTS && undone >= DRAFTS / 4, "{steps} steps, {undone} undone");
    assert_eq!(calls.len(), 10, "every call that writes: {calls:?}");
}

/// Equal, as far as a thing can be chosen.
fn same(expected: &View, is: &View, told: &str) {
    for subject in expected.keys().chain(is.keys()) {
        let wrong = eksplorer::edit::compare::differences(expected.get(subject), is.get(subject));
        assert!(wrong.is_empty(), "{subject}: {wrong:?}\n{told}");
    }
}
