//! Worlds made by number: as large as asked for, the same each time, read back as written, with nothing left unknown, and
//! with what fits and what does not fit in them.

use std::collections::{BTreeMap, BTreeSet};

use eksplorer::access::Mark;
use eksplorer::access::inventory::inventory;
use eksplorer::lab::generate::{self, Sizes, world};
use eksplorer::lab::{Lab, Options};
use eksplorer::model::aws_auth::read_aws_auth;
use eksplorer::model::document::{Document, Manifest, read, to_json, to_yaml};
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::mapping::ScopeKind;
use eksplorer::model::snapshot::{ClusterFacts, Section, Snapshot, Source, State};
use proptest::prelude::*;

/// A world of some size: tenfold the default.
const LARGER: Sizes = Sizes {
    entries: 160,
    aws_auth_rows: 80,
    roles: 300,
    users: 20,
    role_bindings: 200,
    cluster_role_bindings: 120,
    k8s_roles: 120,
    cluster_roles: 120,
    namespaces: 30,
    service_accounts: 240,
    pods: 600,
    nodes: 20,
    associations: 40,
    irsa: 60,
};

/// Sizes small enough to look at many worlds of them, with none of some kinds.
fn sizes() -> impl Strategy<Value = Sizes> {
    proptest::collection::vec(prop_oneof![Just(0_usize), 1_usize..40], 14).prop_map(|it| Sizes {
        entries: it[0],
        aws_auth_rows: it[1],
        roles: it[2],
        users: it[3],
        role_bindings: it[4],
        cluster_role_bindings: it[5],
        k8s_roles: it[6],
        cluster_roles: it[7],
        namespaces: it[8],
        service_accounts: it[9],
        pods: it[10],
        nodes: it[11],
        associations: it[12],
        irsa: it[13],
    })
}

/// How much a document holds.
fn counted(document: &Document) -> Sizes {
    let cluster = &document.clusters[0];
    let iam = document.iam.as_ref().unwrap();
    let manifests = || cluster.kubernetes.iter().flatten();
    let of = |is: fn(&Manifest) -> bool| manifests().filter(|it| is(it)).count();
    let rows = manifests().find_map(|it| match it {
        Manifest::ConfigMap(it) => Some(read_aws_auth(it)),
        _ => None,
    });
    assert!(rows.iter().all(|it| it.problems.is_empty() && it.rows.iter().all(|row| row.defects.is_empty())));
    Sizes {
        entries: cluster.access_entries.as_ref().unwrap().len(),
        aws_auth_rows: rows.map_or(0, |it| it.rows.len()),
        roles: iam.role_detail_list.as_ref().unwrap().len(),
        users: iam.user_detail_list.as_ref().unwrap().len(),
        role_bindings: of(|it| matches!(it, Manifest::RoleBinding(_))),
        cluster_role_bindings: of(|it| matches!(it, Manifest::ClusterRoleBinding(_))),
        k8s_roles: of(|it| matches!(it, Manifest::Role(_))),
        cluster_roles: of(|it| matches!(it, Manifest::ClusterRole(_))),
        namespaces: of(|it| matches!(it, Manifest::Namespace(_))),
        service_accounts: of(|it| matches!(it, Manifest::ServiceAccount(_))),
        pods: of(|it| matches!(it, Manifest::Pod(_))),
        nodes: of(|it| matches!(it, Manifest::Node(_))),
        associations: cluster.pod_identity_associations.as_ref().unwrap().len(),
        irsa: of(|it| matches!(it, Manifest::ServiceAccount(it) if it.role_arn().is_some())),
    }
}

/// The sections that are not wholly known.
fn unknown(snapshot: &Snapshot) -> Vec<&'static str> {
    fn look<T>(name: &'static str, section: &Section<T>) -> Option<&'static str> {
        (!matches!(section.state(), State::Known { .. })).then_some(name)
    }
    let facts: &ClusterFacts = snapshot.facts.values().next().unwrap();
    let iam = &snapshot.iam;
    [
        look("caller", &snapshot.caller),
        look("clusters", &snapshot.clusters),
        look("cluster", &facts.cluster),
        look("access entries", &facts.access_entries),
        look("associations", &facts.pod_identity_associations),
        look("node groups", &facts.nodegroups),
        look("Fargate profiles", &facts.fargate_profiles),
        look("add-ons", &facts.addons),
        look("identity providers", &facts.identity_provider_configs),
        look("capabilities", &facts.capabilities),
        look("updates", &facts.updates),
        look("daemon sets", &facts.daemon_sets),
        look("aws-auth", &facts.aws_auth),
        look("namespaces", &facts.namespaces),
        look("service accounts", &facts.service_accounts),
        look("pods", &facts.pods),
        look("nodes", &facts.nodes),
        look("roles", &facts.roles),
        look("cluster roles", &facts.cluster_roles),
        look("role bindings", &facts.role_bindings),
        look("cluster role bindings", &facts.cluster_role_bindings),
        look("IAM roles", &iam.roles),
        look("IAM users", &iam.users),
        look("IAM groups", &iam.groups),
        look("IAM policies", &iam.policies),
        look("OIDC providers", &iam.oidc_providers),
        look("instance profiles", &iam.instance_profiles),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Names that some kind of manifest, entry or role has twice.
fn twice(document: &Document) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut names = Vec::new();
    let cluster = &document.clusters[0];
    for manifest in cluster.kubernetes.iter().flatten() {
        let (kind, it) = match manifest {
            Manifest::ConfigMap(it) => ("ConfigMap", &it.metadata),
            Manifest::Namespace(it) => ("Namespace", &it.metadata),
            Manifest::ServiceAccount(it) => ("ServiceAccount", &it.metadata),
            Manifest::Pod(it) => ("Pod", &it.metadata),
            Manifest::Node(it) => ("Node", &it.metadata),
            Manifest::DaemonSet(it) => ("DaemonSet", &it.metadata),
            Manifest::NetworkPolicy(it) => ("NetworkPolicy", &it.metadata),
            Manifest::Role(it) => ("Role", &it.metadata),
            Manifest::ClusterRole(it) => ("ClusterRole", &it.metadata),
            Manifest::RoleBinding(it) => ("RoleBinding", &it.metadata),
            Manifest::ClusterRoleBinding(it) => ("ClusterRoleBinding", &it.metadata),
            Manifest::List(_) | Manifest::Other => panic!("{manifest:?}"),
        };
        names.push(format!("{kind} {}/{}", it.namespace.as_deref().unwrap_or_default(), it.name));
    }
    names.extend(cluster.access_entries.iter().flatten().map(|it| format!("entry {}", it.principal_arn)));
    let associations = cluster.pod_identity_associations.iter().flatten();
    names.extend(associations.map(|it| format!("association {}/{}", it.namespace, it.service_account)));
    let iam = document.iam.as_ref().unwrap();
    names.extend(iam.role_detail_list.iter().flatten().map(|it| format!("role {}", it.role_name)));
    names.extend(iam.user_detail_list.iter().flatten().map(|it| format!("user {}", it.user_name)));
    names.into_iter().filter(|name| !seen.insert(name.clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_world_is_as_large_as_asked_for_the_same_each_time_and_wholly_known(sizes in sizes(), seed: u64) {
        let document = world(&sizes, seed);
        prop_assert_eq!(counted(&document), sizes.fitted());
        prop_assert_eq!(twice(&document), Vec::<String>::new());
        prop_assert_eq!(unknown(&snapshot_of(&document, Source::Lab)), Vec::<&str>::new());

        let yaml = to_yaml(&document).unwrap();
        prop_assert_eq!(&to_yaml(&world(&sizes, seed)).unwrap(), &yaml);
        prop_assert_eq!(&read(&yaml).unwrap(), &document);
        prop_assert_eq!(&read(&to_json(&document).unwrap()).unwrap(), &document);
    }
}

#[test]
fn another_seed_is_another_world_of_the_same_size() {
    let (one, other) = (world(&Sizes::default(), 1), world(&Sizes::default(), 2));
    assert_eq!(counted(&one), counted(&other));
    assert_ne!(one, other);
}

#[test]
fn one_size_does_not_shuffle_what_has_nothing_to_do_with_it() {
    let entries = |sizes| world(&sizes, 3).clusters.remove(0).access_entries;
    assert_eq!(entries(Sizes { pods: 500, role_bindings: 90, ..LARGER }), entries(LARGER));
}

/// What a world of some size holds of what an explorer of access is to find, whatever the seed.
#[test]
fn some_of_a_world_fits_and_some_does_not() {
    for seed in 0..4 {
        let document = world(&LARGER, seed);
        assert_eq!(counted(&document), LARGER);
        assert_eq!(twice(&document), Vec::<String>::new());
        let snapshot = snapshot_of(&document, Source::Lab);
        let facts = snapshot.facts.values().next().unwrap();
        let rows = inventory(facts, &snapshot.iam);
        let tally = |marks: Vec<Mark>| {
            let mut tally: BTreeMap<Mark, usize> = BTreeMap::new();
            marks.into_iter().for_each(|mark| *tally.entry(mark).or_default() += 1);
            tally
        };
        let entries = tally(rows.entries.iter().map(|it| it.mark).collect());
        let most = |tally: &BTreeMap<Mark, usize>, mark, of: usize| tally.get(&mark).is_some_and(|n| 2 * n > of);
        assert!(most(&entries, Mark::InForce, LARGER.entries) && entries.contains_key(&Mark::Dead), "{entries:?}");
        let aws_auth = tally(rows.aws_auth.iter().map(|it| it.mark).collect());
        for mark in [Mark::InForce, Mark::Shadowed, Mark::Dead] {
            assert!(aws_auth.contains_key(&mark), "{aws_auth:?}");
        }
        let irsa = tally(rows.irsa.iter().map(|it| it.mark).collect());
        assert!(irsa.contains_key(&Mark::Dead) && irsa.contains_key(&Mark::Shadowed), "{irsa:?}");
        assert!(irsa.values().sum::<usize>() > 2 * irsa[&Mark::Dead], "{irsa:?}");
        let pod_identity = tally(rows.pod_identity.iter().map(|it| it.mark).collect());
        assert!(pod_identity.len() > 1 && pod_identity.contains_key(&Mark::Dead), "{pod_identity:?}");

        let scopes: Vec<_> =
            facts.access_entries.items().iter().flat_map(|it| it.associated_access_policies.iter().flatten()).collect();
        assert!(scopes.iter().any(|it| it.access_scope.kind == ScopeKind::Cluster));
        assert!(scopes.iter().any(|it| it.access_scope.namespaces.iter().any(|it| it.contains('*'))));

        bindings(facts);
        pods(facts);
    }
}

fn bindings(facts: &ClusterFacts) {
    let entries = facts.access_entries.items().iter().flat_map(|it| &it.kubernetes_groups);
    let aws_auth = facts.aws_auth.value().unwrap().as_ref().unwrap();
    let given: BTreeSet<&String> = entries.chain(aws_auth.1.rows.iter().flat_map(|it| &it.groups)).collect();
    let roles: BTreeSet<_> = facts.roles.items().iter().map(|it| (&it.metadata.namespace, &it.metadata.name)).collect();
    let cluster_roles: BTreeSet<_> = facts.cluster_roles.items().iter().map(|it| &it.metadata.name).collect();
    let (mut held, mut nobodys, mut dangling, mut whole) = (0, 0, 0, 0);
    let mut kinds = BTreeSet::new();
    let all = || facts.role_bindings.items().iter().chain(facts.cluster_role_bindings.items());
    for binding in all() {
        let there = match binding.role_ref.kind.as_str() {
            "Role" => roles.contains(&(&binding.metadata.namespace, &binding.role_ref.name)),
            _ => cluster_roles.contains(&binding.role_ref.name),
        };
        *(if there { &mut whole } else { &mut dangling }) += 1;
        for subject in &binding.subjects {
            kinds.insert(subject.kind.as_str());
            if subject.kind == "Group" && !subject.name.starts_with("system:") {
                *(if given.contains(&subject.name) { &mut held } else { &mut nobodys }) += 1;
            }
            if subject.kind == "ServiceAccount" && !binding.metadata.name.starts_with("system:") {
                assert!(subject.namespace.is_some(), "{binding:?}");
            }
        }
    }
    assert!(whole > 10 * dangling && dangling > 0, "{whole} whole, {dangling} dangling");
    assert!(held > nobodys && nobodys > 0, "{held} of somebody, {nobodys} of nobody");
    assert_eq!(kinds, ["Group", "ServiceAccount", "User"].into());

    let aggregated: Vec<_> = facts.cluster_roles.items().iter().filter(|it| it.aggregation_rule.is_some()).collect();
    assert!(aggregated.len() >= 4 && aggregated.iter().all(|it| !it.rules.is_empty()), "{aggregated:?}");
}

/// The webhook's variables are those of the mechanism that the pod's service account has.
fn pods(facts: &ClusterFacts) {
    let accounts: BTreeMap<_, _> = facts
        .service_accounts
        .items()
        .iter()
        .map(|it| ((it.metadata.namespace.as_deref().unwrap(), it.metadata.name.as_str()), it.role_arn()))
        .collect();
    let associated: BTreeSet<_> = facts
        .pod_identity_associations
        .items()
        .iter()
        .map(|it| (it.namespace.as_str(), it.service_account.as_str()))
        .collect();
    let nodes: BTreeSet<_> = facts.nodes.items().iter().map(|it| it.metadata.name.as_str()).collect();
    let (mut web, mut container, mut stale) = (0, 0, 0);
    for pod in facts.pods.items() {
        let who = (pod.metadata.namespace.as_deref().unwrap(), pod.spec.service_account_name.as_deref().unwrap());
        let role = accounts.get(&who).unwrap_or_else(|| panic!("no service account {who:?}"));
        assert!(nodes.contains(pod.spec.node_name.as_deref().unwrap()));
        for it in &pod.spec.containers {
            let value = |name: &str| it.env.iter().find(|env| env.name == name).map(|env| env.value.as_deref());
            match (value("AWS_ROLE_ARN"), value("AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
                (Some(own), None) => {
                    assert_eq!(own, *role, "{who:?}");
                    web += 1;
                }
                (None, Some(_)) => {
                    assert!(associated.contains(&who), "{who:?}");
                    container += 1;
                }
                (None, None) => stale += usize::from(role.is_some() || associated.contains(&who)),
                (Some(_), Some(_)) => panic!("{who:?} has both"),
            }
        }
    }
    assert!(
        web > stale && container > 0 && stale > 0,
        "{web} by web identity, {container} by container, {stale} neither"
    );
}

#[tokio::test]
async fn the_lab_serves_a_generated_world_and_the_program_reads_all_of_it() {
    use eksplorer::cloud::{self, Session};
    use eksplorer::model::cluster::ClusterId;
    use eksplorer::run::load;

    let document = world(&Sizes::default(), 0);
    let lab = Lab::start(document.clone(), Options::default()).await.unwrap();
    let keys = lab.credentials();
    let endpoint = cloud::Endpoint {
        url: lab.endpoint().to_owned(),
        credentials: cloud::Credentials {
            access_key_id: keys.access_key_id,
            secret_access_key: keys.secret_access_key,
            session_token: keys.session_token,
        },
    };
    let options = cloud::Options {
        endpoint: Some(endpoint),
        regions: vec![lab.region().to_owned()],
        ..cloud::Options::default()
    };
    let session = Session::open(options, None).await.unwrap();
    let id = ClusterId { region: lab.region().to_owned(), name: generate::CLUSTER.to_owned() };
    let live = load::whole(&session, id.clone()).await;
    let file = snapshot_of(&document, Source::Lab);
    assert_eq!(inventory(&live.cluster(&id), &live.iam), inventory(&file.cluster(&id), &file.iam));
    assert_eq!(live.cluster(&id).pods.items().len(), Sizes::default().pods);
}
