//! Loading, against a lab: what is asked, in which order, and how each section ends.

mod gate;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use eksplorer::access::Verdict;
use eksplorer::access::identity::Resolver;
use eksplorer::cloud::{Credentials, Endpoint, Options, Session};
use eksplorer::lab::{self, Lab};
use eksplorer::model::cluster::{
    AccessConfig, AuthenticationMode, Cluster, ClusterId, FargateProfile, FargateSelector, Nodegroup,
};
use eksplorer::model::document::{ClusterDocument, Document, FORMAT, IamDocument, Manifest};
use eksplorer::model::facts::{aws_auth_fact, snapshot_of};
use eksplorer::model::failure::{Failure, FailureKind};
use eksplorer::model::mapping::{AccessEntry, AssociatedPolicy};
use eksplorer::model::principal::Asked;
use eksplorer::model::rbac::{ConfigMap, Metadata, Namespace};
use eksplorer::model::request::{Request, Target};
use eksplorer::model::role::{Caller, InstanceProfile, ManagedPolicy, OpenIdConnectProvider, RoleDetail, UserDetail};
use eksplorer::model::section::{SectionId, SectionSet};
use eksplorer::model::snapshot::{ClusterFacts, Section, Source, State};
use eksplorer::model::time::Time;
use eksplorer::model::update::{Call, ClusterUpdate, Update};
use eksplorer::model::workload::PodIdentityAssociation;
use eksplorer::run::load::{self, EntryScope, ListedEntries, Needs};
use gate::{Fault, Gate};
use serde_json::json;
use tokio::sync::mpsc;

const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-west-1";

fn role_arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/teams/{name}")
}

fn id(name: &str) -> ClusterId {
    ClusterId { region: REGION.into(), name: name.into() }
}

fn entry(n: usize) -> AccessEntry {
    let policy = AssociatedPolicy {
        policy_arn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy".into(),
        ..AssociatedPolicy::default()
    };
    AccessEntry {
        principal_arn: role_arn(&format!("r{n:03}")),
        kind: "STANDARD".into(),
        kubernetes_groups: vec![format!("g{n}")],
        username: Some(format!("u{n}")),
        associated_access_policies: Some(vec![policy]),
        ..AccessEntry::default()
    }
}

fn cluster(name: &str, mode: AuthenticationMode, entries: usize) -> ClusterDocument {
    let access_config = AccessConfig { authentication_mode: Some(mode), ..AccessConfig::default() };
    let named = |n: usize, what: &str| format!("{what}{n}");
    ClusterDocument {
        cluster: Cluster {
            name: name.into(),
            arn: Some(format!("arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{name}")),
            access_config: Some(access_config),
            ..Cluster::default()
        },
        access_entries: Some((0..entries).map(entry).collect()),
        nodegroups: Some(
            (0..5)
                .map(|n| Nodegroup {
                    nodegroup_name: named(n, "ng"),
                    node_role: Some(role_arn("node")),
                    ..Nodegroup::default()
                })
                .collect(),
        ),
        fargate_profiles: Some(vec![FargateProfile {
            fargate_profile_name: "fp".into(),
            pod_execution_role_arn: Some(role_arn("pods")),
            selectors: vec![FargateSelector { namespace: Some("batch".into()), ..FargateSelector::default() }],
            ..FargateProfile::default()
        }]),
        pod_identity_associations: Some(vec![]),
        addons: Some(vec![]),
        api_resources: None,
        identity_provider_configs: Some(vec![]),
        capabilities: Some(vec![]),
        updates: Some(vec![]),
        kubernetes: Some(vec![]),
    }
}

fn role(name: &str) -> RoleDetail {
    RoleDetail {
        path: "/teams/".into(),
        role_name: name.into(),
        role_id: Some(format!("AROA{name}")),
        arn: role_arn(name),
        create_date: Some("2024-01-03T00:00:00Z".parse().map(Time).unwrap()),
        ..RoleDetail::default()
    }
}

fn world(clusters: Vec<ClusterDocument>) -> Document {
    let user = UserDetail {
        path: "/".into(),
        user_name: "eve".into(),
        arn: format!("arn:aws:iam::{ACCOUNT}:user/eve"),
        user_id: Some("AIDAEVE".into()),
        create_date: role("x").create_date,
        ..UserDetail::default()
    };
    let provider = OpenIdConnectProvider {
        arn: format!("arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"),
        url: Some("token.actions.githubusercontent.com".into()),
        ..OpenIdConnectProvider::default()
    };
    let profile = InstanceProfile {
        path: "/".into(),
        instance_profile_name: "node".into(),
        arn: format!("arn:aws:iam::{ACCOUNT}:instance-profile/node"),
        create_date: role("x").create_date,
        ..InstanceProfile::default()
    };
    let on_call = RoleDetail { path: "/".into(), arn: format!("arn:aws:iam::{ACCOUNT}:role/oncall"), ..role("oncall") };
    Document {
        eksplorer: FORMAT,
        caller: Some(Caller {
            account: ACCOUNT.into(),
            arn: format!("arn:aws:sts::{ACCOUNT}:assumed-role/oncall/ana"),
            user_id: "AROAONCALL:ana".into(),
        }),
        region: Some(REGION.into()),
        clusters,
        iam: Some(IamDocument {
            role_detail_list: Some((0..250).map(|n| role(&format!("r{n:03}"))).chain([on_call]).collect()),
            user_detail_list: Some(vec![user]),
            group_detail_list: Some(vec![]),
            policies: Some(vec![]),
            open_id_connect_providers: Some(vec![provider]),
            instance_profiles: Some(vec![profile]),
        }),
        ..Document::default()
    }
}

/// A lab behind a gate, and a session that goes through it.
struct Bed {
    gate: Gate,
    lab: Lab,
    session: Session,
    calls: mpsc::Receiver<Call>,
}

fn credentials(lab: &Lab) -> Credentials {
    let lab::Credentials { access_key_id, secret_access_key, session_token } = lab.credentials();
    Credentials { access_key_id, secret_access_key, session_token }
}

impl Bed {
    async fn of(document: Document) -> Bed {
        let options = lab::Options { page_size: Some(100), latency: Duration::from_millis(2), ..Default::default() };
        Bed::with(document, options, |_| {}).await
    }

    async fn with(document: Document, options: lab::Options, change: impl FnOnce(&mut Options)) -> Bed {
        let lab = Lab::start(document, options).await.unwrap();
        let gate = Gate::before(lab.endpoint()).await;
        let mut options = Options {
            regions: vec![REGION.into()],
            attempts: 1,
            endpoint: Some(Endpoint { url: gate.url.clone(), credentials: credentials(&lab) }),
            ..Options::default()
        };
        change(&mut options);
        let (tx, calls) = mpsc::channel(10_000);
        let session = Session::open(options, Some(tx)).await.unwrap();
        Bed { gate, lab, session, calls }
    }

    async fn load(&self, name: &str) -> Arc<ClusterFacts> {
        let snapshot = load::collect(|tx| load::cluster(&self.session, id(name), tx)).await;
        snapshot.cluster(&id(name))
    }

    fn calls(&mut self) -> Vec<Call> {
        std::iter::from_fn(|| self.calls.try_recv().ok()).collect()
    }
}

fn is_known<T>(section: &Section<T>) -> bool {
    matches!(section.state(), State::Known { .. })
}

fn access_entries(line: &str) -> bool {
    line.starts_with("eks GET /clusters/c/access-entries")
}

/// ListAccessEntries: of the first page, or with a token of a later one.
fn is_list(line: &str) -> bool {
    access_entries(line) && !line.contains("access-entries/")
}

#[tokio::test(flavor = "multi_thread")]
async fn all_pages_and_all_items_eight_at_a_time() {
    let mut bed = Bed::of(world(vec![cluster("c", AuthenticationMode::Api, 250)])).await;
    let (tx, mut rx) = mpsc::channel(load::WAITING);
    let mut counts = Vec::new();
    let mut facts = ClusterFacts::default();
    let watch = async {
        while let Some(update) = rx.recv().await {
            let Update::Cluster(_, update) = update else { continue };
            match update {
                ClusterUpdate::AccessEntries(section) => {
                    counts.push((section.is_loading(), section.items().len()));
                    facts.access_entries = section;
                }
                ClusterUpdate::Nodegroups(section) => facts.nodegroups = section,
                ClusterUpdate::FargateProfiles(section) => facts.fargate_profiles = section,
                ClusterUpdate::Addons(section) => facts.addons = section,
                _ => {}
            }
        }
    };
    tokio::join!(load::cluster(&bed.session, id("c"), tx), watch);

    assert!(is_known(&facts.access_entries), "{:?}", facts.access_entries.state());
    let expected: Vec<AccessEntry> =
        (0..250).map(|n| AccessEntry { cluster_name: Some("c".into()), ..entry(n) }).collect();
    for (got, wanted) in facts.access_entries.items().iter().zip(&expected) {
        assert_eq!(got.principal_arn, wanted.principal_arn, "in the order listed");
        assert_eq!(got.kubernetes_groups, wanted.kubernetes_groups);
        assert_eq!(got.username, wanted.username);
        let names = |it: &AccessEntry| -> Vec<String> {
            it.associated_access_policies.iter().flatten().map(|p| p.policy_arn.clone()).collect()
        };
        assert_eq!(names(got), names(wanted));
    }
    assert_eq!(facts.access_entries.items().len(), 250);
    assert_eq!((facts.nodegroups.items().len(), facts.fargate_profiles.items().len()), (5, 1));
    assert!(is_known(&facts.addons) && facts.addons.items().is_empty());

    let (loading, first) = counts[0];
    assert!(loading && (1..100).contains(&first), "the first rows come before the first page is read: {counts:?}");
    assert!(counts.len() >= 3 && counts.is_sorted_by_key(|(_, rows)| *rows), "rows come as they are read: {counts:?}");
    assert_eq!(bed.gate.peak("eks"), 7, "slots are used, all but the one left for what a person asks meanwhile");
    assert_eq!(bed.gate.seen().iter().filter(|line| is_list(line)).count(), 3);
    assert_eq!(bed.gate.seen().iter().filter(|line| line.contains("access-entries/")).count(), 500);

    let calls = bed.calls();
    assert_eq!(calls.iter().filter(|call| call.operation == "DescribeAccessEntry").count(), 250);
    assert!(calls.iter().filter(|call| call.service == "eks").all(|call| call.failure.is_none()));
    let (told, secrets) = (format!("{calls:?} {:?}", bed.session), credentials(&bed.lab));
    assert!(!told.contains(&secrets.secret_access_key));
    assert!(!secrets.session_token.is_some_and(|token| told.contains(&token)));
}

/// Which part of the calls had been made when the last Pod Identity association was described.
async fn last_association(in_view: &[SectionId]) -> f64 {
    let association = |n: usize| PodIdentityAssociation {
        association_id: format!("a-{n}"),
        namespace: "batch".into(),
        service_account: format!("sa{n}"),
        ..PodIdentityAssociation::default()
    };
    let document = ClusterDocument {
        pod_identity_associations: Some((0..90).map(association).collect()),
        ..cluster("c", AuthenticationMode::Api, 90)
    };
    let bed = Bed::of(world(vec![document])).await;
    bed.session.look_at(SectionSet::of(in_view));
    bed.load("c").await;
    let seen = bed.gate.seen();
    let items: Vec<&String> = seen.iter().filter(|it| it.contains("access-entries/") || it.contains("/a-")).collect();
    let last = items.iter().rposition(|line| line.contains("/a-")).unwrap();
    last as f64 / items.len() as f64
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_looked_at_is_read_first() {
    for (in_view, from, to) in [(SectionId::AccessEntries, 0.9, 1.0), (SectionId::PodIdentityAssociations, 0.3, 0.6)] {
        let last = last_association(&[in_view]).await;
        assert!((from..to).contains(&last), "{in_view:?}: {last}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_throttles_is_asked_less_and_nothing_is_lost() {
    let options = lab::Options { page_size: Some(100), latency: Duration::from_millis(2), ..Default::default() };
    let document = world(vec![cluster("c", AuthenticationMode::Api, 250)]);
    let mut bed = Bed::with(document, options, |it| it.attempts = 4).await;
    let refused = AtomicUsize::new(0);
    bed.gate.rule(move |line| {
        let is_one = line.contains("access-entries/") && refused.fetch_add(1, Ordering::Relaxed) < 4;
        is_one.then_some(Fault::Error(429, "ThrottlingException", "Rate exceeded"))
    });
    let facts = bed.load("c").await;
    assert!(is_known(&facts.access_entries), "{:?}", facts.access_entries.state());
    assert_eq!(facts.access_entries.items().len(), 250);
    let paces: Vec<Option<usize>> = bed.calls().iter().filter(|it| it.service == "eks").map(|it| it.pace).collect();
    assert!(paces.iter().flatten().any(|pace| *pace <= 4), "{paces:?}");
    assert_eq!(paces.last(), Some(&None), "as many as before in the end");
}

#[tokio::test]
async fn a_refused_section_names_the_permission_and_the_rest_goes_on() {
    let bed = Bed::of(world(vec![cluster("c", AuthenticationMode::Api, 3)])).await;
    bed.gate
        .rule(|line| is_list(line).then_some(Fault::Error(403, "AccessDeniedException", "User: x is not authorized")));
    let facts = bed.load("c").await;
    let State::Refused(failure) = facts.access_entries.state() else { panic!("{:?}", facts.access_entries) };
    assert_eq!(failure.kind, FailureKind::Refused { permission: "eks:ListAccessEntries".into() });
    assert!(is_known(&facts.cluster) && is_known(&facts.nodegroups) && is_known(&facts.addons));
}

#[tokio::test]
async fn what_could_not_be_read_is_named() {
    let bed = Bed::of(world(vec![cluster("c", AuthenticationMode::Api, 5)])).await;
    bed.gate.rule(|line| {
        let throttled = line.ends_with("r001") || line.ends_with("r002/access-policies");
        throttled.then_some(Fault::Error(429, "ThrottlingException", "Rate exceeded"))
    });
    bed.gate.rule(|line| {
        let gone = "The specified principalArn could not be found";
        line.ends_with("r003").then_some(Fault::Error(404, "ResourceNotFoundException", gone))
    });
    let section = bed.load("c").await.access_entries.clone();
    let State::Partial { missing, .. } = section.state() else { panic!("{section:?}") };
    let mut items: Vec<_> = missing.iter().map(|it| (it.item.clone().unwrap(), it.failure.kind.clone())).collect();
    items.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(items, [(role_arn("r001"), FailureKind::Throttled), (role_arn("r002"), FailureKind::Throttled)]);
    let rows: Vec<_> =
        section.items().iter().map(|it| (it.principal_arn.as_str(), it.associated_access_policies.is_some())).collect();
    let (r0, r2, r4) = (role_arn("r000"), role_arn("r002"), role_arn("r004"));
    assert_eq!(rows, [(r0.as_str(), true), (r2.as_str(), false), (r4.as_str(), true)], "r003 went away meanwhile");
}

#[tokio::test]
async fn a_list_that_breaks_off_is_partial() {
    let bed = Bed::of(world(vec![cluster("c", AuthenticationMode::Api, 150)])).await;
    bed.gate.rule(|line| {
        (is_list(line) && line.contains("nextToken")).then_some(Fault::Error(500, "ServerException", "no"))
    });
    let section = bed.load("c").await.access_entries.clone();
    let State::Partial { missing, .. } = section.state() else { panic!("{:?}", section.state()) };
    assert_eq!((section.items().len(), missing.len()), (100, 1));
    assert_eq!(missing[0].item, None, "the rest of the list has no name");
}

#[tokio::test]
async fn config_map_clusters_are_not_asked_for_entries() {
    let bed = Bed::of(world(vec![cluster("c", AuthenticationMode::ConfigMap, 0)])).await;
    let facts = bed.load("c").await;
    assert!(matches!(facts.access_entries.state(), State::NotApplicable(_)), "{:?}", facts.access_entries);
    assert!(!bed.gate.seen().iter().any(|line| access_entries(line)));
    assert!(is_known(&facts.nodegroups));

    // Nor are connected ones.
    let connected = json!({ "cluster": { "name": "c", "connectorConfig": { "provider": "OTHER" },
        "accessConfig": { "authenticationMode": "API" } } });
    bed.gate.rule(move |line| (line == "eks GET /clusters/c").then(|| Fault::Json(connected.clone())));
    let facts = bed.load("c").await;
    assert!(matches!(facts.access_entries.state(), State::NotApplicable(_)), "{:?}", facts.access_entries);
    assert!(!bed.gate.seen().iter().any(|line| access_entries(line)));
}

#[tokio::test]
async fn without_the_description_the_list_says_that_there_are_no_entries() {
    let bed = Bed::of(world(vec![cluster("c", AuthenticationMode::ConfigMap, 0)])).await;
    bed.gate.rule(|line| {
        (line == "eks GET /clusters/c").then_some(Fault::Error(403, "AccessDeniedException", "not authorized"))
    });
    let facts = bed.load("c").await;
    assert!(matches!(facts.cluster.state(), State::Refused(_)));
    assert!(matches!(facts.access_entries.state(), State::NotApplicable(_)), "{:?}", facts.access_entries);
    let State::Refused(failure) = facts.pods.state() else { panic!("{:?}", facts.pods) };
    assert_eq!(failure.doing, "list the pods");
    assert_eq!(failure.kind, FailureKind::Refused { permission: "eks:DescribeCluster".into() });
}

#[tokio::test]
async fn a_sweep_gives_up_on_expired_credentials() {
    let bed = Bed::of(world(vec![cluster("c", AuthenticationMode::Api, 100)])).await;
    bed.gate.rule(|line| {
        let expired = "The security token included in the request is expired";
        line.contains("access-entries/").then_some(Fault::Error(403, "ExpiredTokenException", expired))
    });
    let section = bed.load("c").await.access_entries.clone();
    let State::Partial { missing, .. } = section.state() else { panic!("{:?}", section.state()) };
    assert_eq!(missing.len(), 100);
    assert!(missing.iter().all(|it| it.failure.kind == FailureKind::Expired && it.item.is_some()));
    let asked = bed.gate.seen().iter().filter(|line| line.contains("access-entries/")).count();
    assert!(asked <= 2 * 8 + 2, "{asked}");
}

#[tokio::test]
async fn a_sweep_gives_up_on_a_key_that_is_not_accepted() {
    let bed = Bed::of(world(vec![cluster("c", AuthenticationMode::Api, 100)])).await;
    bed.gate.rule(|line| {
        let invalid = "The security token included in the request is invalid.";
        line.contains("access-entries/").then_some(Fault::Error(403, "UnrecognizedClientException", invalid))
    });
    let section = bed.load("c").await.access_entries.clone();
    let State::Partial { missing, .. } = section.state() else { panic!("{:?}", section.state()) };
    assert_eq!(missing.len(), 100);
    assert!(missing.iter().all(|it| it.failure.message.contains("opt-in")), "{:?}", missing[0]);
    let asked = bed.gate.seen().iter().filter(|line| line.contains("access-entries/")).count();
    assert!(asked <= 2 * 8 + 2, "{asked}");
}

/// The API server presents a certificate that another authority has signed.
#[tokio::test]
async fn a_server_that_is_not_trusted_is_there_all_the_same() {
    let bed = Bed::of(world(vec![cluster("c", AuthenticationMode::Api, 0)])).await;
    let mut described = bed.session.eks(REGION).describe_cluster("c").await.unwrap();
    described.certificate_authority.as_mut().unwrap().data = Some(other_ca());
    let kubernetes = bed.session.kubernetes(&id("c"), Some(&described)).await.unwrap();
    let failure = kubernetes.aws_auth().await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unexpected, "{failure}");
    assert!(failure.message.contains("not trusted by the cluster's certificate authority"), "{failure}");
}

#[tokio::test]
async fn throttling_is_waited_out() {
    let options = lab::Options::default();
    let document = world(vec![cluster("c", AuthenticationMode::Api, 1)]);
    let mut bed = Bed::with(document, options, |options| options.attempts = 3).await;
    let left = std::sync::atomic::AtomicUsize::new(1);
    bed.gate.rule(move |line| {
        use std::sync::atomic::Ordering::SeqCst;
        let again = is_list(line) && left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        again.then_some(Fault::Error(429, "ThrottlingException", "Rate exceeded"))
    });
    let facts = bed.load("c").await;
    assert!(is_known(&facts.access_entries), "{:?}", facts.access_entries);
    let lists = bed.gate.seen().iter().filter(|line| is_list(line)).count();
    let calls = bed.calls().iter().filter(|call| call.operation == "ListAccessEntries").count();
    assert_eq!((lists, calls), (2, 1), "tried twice, one call");
}

#[tokio::test]
async fn a_principal_is_answered_while_a_sweep_stands_still() {
    let bed = Bed::of(world(vec![cluster("c", AuthenticationMode::Api, 100)])).await;
    bed.gate.rule(|line| (line.contains("access-entries/") && !line.contains("r042")).then_some(Fault::Hold));
    let (tx, mut rx) = mpsc::channel(10_000);
    let sweep = load::cluster(&bed.session, id("c"), tx);
    let asked = Asked::from_arn(&format!("arn:aws:sts::{ACCOUNT}:assumed-role/r042/jane")).unwrap();
    let ask = async {
        bed.gate.wait_for("eks", 7).await;
        let snapshot = load::answer(&bed.session, id("c"), asked.clone()).await;
        bed.gate.open();
        snapshot
    };
    let ((), snapshot) = tokio::join!(sweep, ask);
    let facts = snapshot.cluster(&id("c"));
    assert!(is_known(&facts.cluster));
    let key = asked.principal.key();
    let Some(Ok(Some(entry))) = facts.asked_entries.get(&key) else { panic!("{:?}", facts.asked_entries) };
    assert_eq!(entry.principal_arn, role_arn("r042"), "under its path, which the session ARN leaves out");
    assert_eq!(entry.associated_access_policies.as_ref().unwrap().len(), 1);
    assert_eq!(snapshot.iam.asked_roles["r042"].as_ref().unwrap().as_ref().unwrap().arn, role_arn("r042"));
    assert!(facts.access_entry(&key).found().is_some());
    assert_eq!(bed.gate.peak("eks"), 8, "all together");
    while rx.recv().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn with_one_slot_a_principal_takes_the_next_one() {
    let document = world(vec![cluster("c", AuthenticationMode::Api, 250)]);
    let bed = Bed::with(document, lab::Options::default(), |options| options.concurrency = 1).await;
    let (tx, mut rx) = mpsc::channel(10_000);
    let asked = Asked::from_arn(&format!("arn:aws:sts::{ACCOUNT}:assumed-role/r249/jane")).unwrap();
    let read = |gate: &Gate| gate.seen().iter().filter(|line| line.contains("access-entries/")).count();
    bed.gate.rule(|line| line.contains("access-entries/").then_some(Fault::Hold));
    let sweep = load::cluster(&bed.session, id("c"), tx);
    let ask = async {
        // Of the content of the entries the first is held: now everything else waits behind it.
        bed.gate.wait_until(|line| line.contains("access-entries/")).await;
        let answer = load::answer(&bed.session, id("c"), asked.clone());
        let (snapshot, ()) = tokio::join!(answer, async { bed.gate.open() });
        (snapshot, read(&bed.gate))
    };
    let ((), (snapshot, read_meanwhile)) = tokio::join!(sweep, ask);
    assert!(snapshot.cluster(&id("c")).access_entry(&asked.principal.key()).found().is_some());
    assert!(read_meanwhile < 100, "{read_meanwhile} of 500 requests of the sweep went before");
    assert_eq!((bed.gate.peak("eks"), read(&bed.gate)), (1, 502));
    while rx.recv().await.is_some() {}
}

#[tokio::test]
async fn a_foreign_role_is_found_by_name_and_nobody_is_nobody() {
    let mut it = cluster("c", AuthenticationMode::Api, 120);
    let foreign = "arn:aws:iam::555566667777:role/partners/acme";
    it.access_entries.as_mut().unwrap().push(AccessEntry { principal_arn: foreign.into(), ..entry(0) });
    let bed = Bed::of(world(vec![it])).await;
    let answer = async |arn: &str| {
        let asked = Asked::from_arn(arn).unwrap();
        let snapshot = load::answer(&bed.session, id("c"), asked.clone()).await;
        snapshot.cluster(&id("c")).asked_entries[&asked.principal.key()].clone()
    };
    let found = answer("arn:aws:sts::555566667777:assumed-role/acme/bob").await;
    assert_eq!(found.unwrap().unwrap().principal_arn, foreign);
    assert!(!bed.gate.seen().iter().any(|line| line.contains("GetRole")), "its account cannot be read from here");
    assert_eq!(answer("arn:aws:iam::555566667777:role/nobody").await, Ok(None));
    assert_eq!(answer(&format!("arn:aws:iam::{ACCOUNT}:user/eve")).await, Ok(None));
    assert_eq!(answer(&format!("arn:aws:iam::{ACCOUNT}:root")).await, Ok(None));

    bed.gate.rule(|line| is_list(line).then_some(Fault::Error(403, "AccessDeniedException", "no")));
    let unknown = answer("arn:aws:iam::555566667777:role/nobody").await.unwrap_err();
    assert_eq!(unknown.kind, FailureKind::Refused { permission: "eks:ListAccessEntries".into() });
}

#[tokio::test]
async fn a_private_endpoint_fails_fast_and_the_aws_half_goes_on() {
    // Accepts connections and never says a word.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ca = other_ca();
    let document = world(vec![cluster("c", AuthenticationMode::ApiAndConfigMap, 20)]);
    let quick = |options: &mut Options| options.limits.connect = Duration::from_millis(300);
    let began = Instant::now();
    let mut bed = Bed::with(document, lab::Options::default(), quick).await;
    let described = json!({ "cluster": {
        "name": "c",
        "endpoint": format!("https://{}", silent.local_addr().unwrap()),
        "certificateAuthority": { "data": ca },
        "accessConfig": { "authenticationMode": "API_AND_CONFIG_MAP" },
    } });
    bed.gate.rule(move |line| (line == "eks GET /clusters/c").then(|| Fault::Json(described.clone())));
    let facts = bed.load("c").await;
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert!(is_known(&facts.access_entries) && is_known(&facts.nodegroups));
    let failures: BTreeMap<&str, Option<&Failure>> = [
        ("aws-auth", facts.aws_auth.failure()),
        ("namespaces", facts.namespaces.failure()),
        ("service accounts", facts.service_accounts.failure()),
        ("pods", facts.pods.failure()),
        ("nodes", facts.nodes.failure()),
        ("roles", facts.roles.failure()),
        ("cluster roles", facts.cluster_roles.failure()),
        ("role bindings", facts.role_bindings.failure()),
        ("cluster role bindings", facts.cluster_role_bindings.failure()),
    ]
    .into();
    for (section, failure) in failures {
        assert_eq!(failure.map(|it| &it.kind), Some(&FailureKind::Unreachable), "{section}: {failure:?}");
    }
    let calls = bed.calls();
    assert_eq!(calls.iter().filter(|call| call.service == "kubernetes").count(), 1, "one attempt decides for all");
}

/// Base64 of the PEM of some certificate.
fn other_ca() -> String {
    use base64::Engine;
    let made = rcgen::generate_simple_self_signed(["ca".to_owned()]).unwrap();
    base64::prelude::BASE64_STANDARD.encode(made.cert.pem())
}

#[tokio::test]
async fn iam_in_one_sweep_and_without_it_by_lists() {
    let bed = Bed::of(world(vec![])).await;
    let iam = load::collect(|tx| load::iam(&bed.session, tx)).await.iam;
    assert_eq!(iam.account.as_deref(), Some(ACCOUNT));
    assert!(is_known(&iam.roles) && is_known(&iam.groups) && is_known(&iam.policies));
    assert_eq!((iam.roles.items().len(), iam.users.items().len()), (251, 1));
    assert_eq!(iam.oidc_providers.items()[0].url.as_deref(), Some("token.actions.githubusercontent.com"));
    assert_eq!(iam.instance_profiles.items()[0].instance_profile_name, "node");
    assert!(!bed.gate.seen().iter().any(|line| line.contains("ListRoles")));

    bed.gate.rule(|line| {
        line.contains("GetAccountAuthorizationDetails").then_some(Fault::Error(403, "AccessDenied", "no"))
    });
    bed.gate.rule(|line| line.contains("ListUsers").then_some(Fault::Error(403, "AccessDenied", "no")));
    let iam = load::collect(|tx| load::iam(&bed.session, tx)).await.iam;
    assert!(is_known(&iam.roles));
    assert_eq!(iam.roles.items().len(), 251);
    let permission = |section: Option<&Failure>| match section.map(|it| it.kind.clone()) {
        Some(FailureKind::Refused { permission }) => permission,
        other => panic!("{other:?}"),
    };
    assert_eq!(permission(iam.users.failure()), "iam:ListUsers");
    assert_eq!(permission(iam.groups.failure()), "iam:GetAccountAuthorizationDetails");
    assert_eq!(permission(iam.policies.failure()), "iam:GetAccountAuthorizationDetails");
}

#[tokio::test]
async fn policies_that_no_sweep_brings_are_asked_for_by_themselves() {
    const AWS_OWN: &str = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    let mut world = world(vec![]);
    let iam = world.iam.as_mut().unwrap();
    let roles = iam.role_detail_list.as_mut().unwrap();
    roles[0].attached_managed_policies = serde_json::from_value(json!([
        {"PolicyName": "AmazonS3ReadOnlyAccess", "PolicyArn": AWS_OWN},
        {"PolicyName": "gone", "PolicyArn": "arn:aws:iam::aws:policy/gone"},
    ]))
    .unwrap();
    roles[0].role_policy_list =
        serde_json::from_value(json!([{"PolicyName": "own", "PolicyDocument": {"Statement": []}}])).unwrap();
    let reads =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]});
    iam.policies = serde_json::from_value(json!([{"PolicyName": "AmazonS3ReadOnlyAccess", "Arn": AWS_OWN, "DefaultVersionId": "v2",
        "PolicyVersionList": [{"VersionId": "v1", "Document": {}}, {"VersionId": "v2", "IsDefaultVersion": true, "Document": reads}]}]))
    .unwrap();
    let bed = Bed::of(world).await;
    let asked = |list: bool| {
        let session = bed.session.clone();
        load::collect(move |tx| async move {
            load::iam(&session, tx.clone()).await;
            let arns = if list { vec![] } else { vec![AWS_OWN.to_owned()] };
            load::policies(&session, "r000", list, arns, tx).await;
        })
    };
    // The sweep brings whatever the role has, and not the text of AWS's own.
    let iam = asked(false).await.iam;
    assert_eq!(iam.policies.items(), []);
    assert_eq!(iam.policy_document(AWS_OWN), Some(&reads));

    bed.gate.rule(|line| {
        line.contains("GetAccountAuthorizationDetails").then_some(Fault::Error(403, "AccessDenied", "no"))
    });
    let iam = asked(true).await.iam;
    let role = iam.roles.items().iter().find(|it| it.role_name == "r000").unwrap();
    assert!(iam.knows_policies_of(role));
    assert_eq!((role.attached_managed_policies.len(), role.role_policy_list.len()), (2, 1));
    assert_eq!(iam.policy_document(AWS_OWN), Some(&reads));
    assert_eq!(iam.asked_policies.get("arn:aws:iam::aws:policy/gone"), Some(&Ok(None)));
    let other = iam.roles.items().iter().find(|it| it.role_name == "r001").unwrap();
    assert!(!iam.knows_policies_of(other));

    bed.gate.rule(|line| line.contains("ListRolePolicies").then_some(Fault::Error(403, "AccessDenied", "no")));
    let iam = asked(true).await.iam;
    let why = iam.asked_policies_of.get("r000").and_then(Option::as_ref).unwrap();
    assert_eq!(why.kind, FailureKind::Refused { permission: "iam:ListRolePolicies".to_owned() });
}

#[tokio::test]
async fn the_clusters_of_all_regions_and_which_region_is_missing() {
    let clusters = (0..130).map(|n| cluster(&format!("c{n:03}"), AuthenticationMode::Api, 0)).collect();
    let document = world(clusters);
    let options = lab::Options { page_size: Some(100), ..Default::default() };
    let regions = |options: &mut Options| options.regions = vec![REGION.into(), "us-east-1".into()];
    let bed = Bed::with(document, options, regions).await;
    let snapshot = load::collect(|tx| load::overview(&bed.session, tx)).await;
    assert_eq!(snapshot.caller.value().map(|it| it.account.as_str()), Some(ACCOUNT));
    assert_eq!(snapshot.iam.account.as_deref(), Some(ACCOUNT));
    assert!(is_known(&snapshot.clusters), "{:?}", snapshot.clusters.state());
    assert_eq!(snapshot.clusters.items().len(), 130);
    assert!(snapshot.clusters.items().is_sorted());

    bed.gate.rule(|line| {
        (line.starts_with("eks GET /clusters") && line.contains("nextToken")).then_some(Fault::Error(
            403,
            "AccessDeniedException",
            "no",
        ))
    });
    let snapshot = load::collect(|tx| load::overview(&bed.session, tx)).await;
    let State::Partial { missing, .. } = snapshot.clusters.state() else { panic!("{:?}", snapshot.clusters.state()) };
    assert_eq!((snapshot.clusters.items().len(), missing[0].failure.on.as_str()), (100, "region eu-west-1"));
}

#[tokio::test]
async fn dropping_a_load_ends_its_requests() {
    let bed = Bed::of(world(vec![cluster("c", AuthenticationMode::Api, 100)])).await;
    bed.gate.rule(|line| line.contains("access-entries/").then_some(Fault::Hold));
    let (tx, _rx) = mpsc::channel(10_000);
    {
        let load = load::cluster(&bed.session, id("c"), tx);
        tokio::select! {
            () = load => panic!("it must be held"),
            () = bed.gate.wait_for("eks", 7) => {}
        }
    }
    bed.gate.wait_for("eks", 0).await;
}

/// A session that asks where nobody listens.
async fn nowhere(regions: Vec<String>) -> Result<Session, Failure> {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let credentials =
        Credentials { access_key_id: "AKIA".into(), secret_access_key: "secret".into(), session_token: None };
    let endpoint = Some(Endpoint { url: format!("http://{free}"), credentials });
    Session::open(Options { regions, attempts: 1, endpoint, ..Options::default() }, None).await
}

#[tokio::test]
async fn no_region_is_said_before_anything_is_asked() {
    let failure = nowhere(vec![]).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Invalid);
    assert!(failure.to_string().contains("--region"), "{failure}");
}

#[tokio::test]
async fn nothing_listens() {
    let session = nowhere(vec![REGION.into()]).await.unwrap();
    let snapshot = load::whole(&session, id("c")).await;
    let unreachable = Some(&FailureKind::Unreachable);
    assert_eq!(snapshot.caller.failure().map(|it| &it.kind), unreachable);
    assert_eq!(snapshot.clusters.failure().map(|it| &it.kind), unreachable);
    assert_eq!(snapshot.iam.roles.failure().map(|it| &it.kind), unreachable);
    let facts = snapshot.cluster(&id("c"));
    assert!(facts.progress().is_empty(), "no section is left loading: {:?}", facts.progress());
    let pods = facts.pods.failure().unwrap();
    assert_eq!((&pods.kind, pods.doing.as_str()), (&FailureKind::Unreachable, "list the pods"));
}

#[tokio::test]
async fn a_profile_that_does_not_exist_is_said_so() {
    let profile = Some("eksplorer-test-no-such-profile".to_owned());
    let options = Options { profile, regions: vec![REGION.into()], ..Options::default() };
    let failure = Session::open(options, None).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Invalid);
    assert!(failure.to_string().contains("no profile \"eksplorer-test-no-such-profile\""), "{failure}");
}

/// A cluster that gives the caller these policies, cluster-wide.
fn cluster_for_the_caller(policies: &[&str]) -> ClusterDocument {
    let mut it = cluster("c", AuthenticationMode::ApiAndConfigMap, 0);
    let policy = |name: &&str| AssociatedPolicy {
        policy_arn: format!("arn:aws:eks::aws:cluster-access-policy/{name}"),
        ..AssociatedPolicy::default()
    };
    it.access_entries = Some(vec![AccessEntry {
        principal_arn: format!("arn:aws:iam::{ACCOUNT}:role/oncall"),
        associated_access_policies: Some(policies.iter().map(policy).collect()),
        ..entry(0)
    }]);
    let kubernetes = (0..20).map(|n| {
        let metadata = Metadata { name: format!("ns{n:02}"), ..Metadata::default() };
        Manifest::Namespace(Namespace { metadata, ..Namespace::default() })
    });
    it.kubernetes = Some(kubernetes.collect());
    it
}

#[tokio::test]
async fn kubernetes_refusals_name_verb_and_resource() {
    let options = lab::Options { page_size: Some(7), ..Default::default() };
    let mut bed = Bed::with(world(vec![cluster_for_the_caller(&["AmazonEKSViewPolicy"])]), options, |_| {}).await;
    let facts = bed.load("c").await;
    assert!(is_known(&facts.namespaces) && is_known(&facts.pods), "{:?} {:?}", facts.namespaces, facts.pods);
    assert_eq!(facts.namespaces.items().len(), 20);
    assert!(matches!(facts.aws_auth.state(), State::Known { .. }), "{:?}", facts.aws_auth);
    assert_eq!(facts.aws_auth.value(), Some(&None), "the cluster has none");
    let State::Refused(failure) = facts.nodes.state() else { panic!("{:?}", facts.nodes) };
    assert_eq!(failure.kind, FailureKind::Refused { permission: "list nodes".into() });
    assert!(failure.message.contains("cannot list resource \"nodes\""), "{failure}");
    let pages = bed.calls().iter().filter(|call| call.operation == "GET /api/v1/namespaces").count();
    assert_eq!(pages, 3);

    let kubernetes = bed.session.kubernetes(&id("c"), facts.cluster.value()).await.unwrap();
    let who = kubernetes.who_am_i().await.unwrap();
    assert_eq!((who.username.as_str(), &who.groups[..]), ("u0", &["g0".to_owned(), "system:authenticated".into()][..]));
}

#[tokio::test]
async fn whom_the_cluster_does_not_know_it_asks_once() {
    let mut bed = Bed::of(world(vec![cluster("c", AuthenticationMode::Api, 3)])).await;
    let facts = bed.load("c").await;
    assert!(is_known(&facts.access_entries));
    for failure in [facts.aws_auth.failure(), facts.pods.failure(), facts.cluster_role_bindings.failure()] {
        assert_eq!(failure.map(|it| &it.kind), Some(&FailureKind::Unauthenticated), "{failure:?}");
    }
    assert!(matches!(facts.pods.state(), State::Refused(_)));
    assert_eq!(bed.calls().iter().filter(|call| call.service == "kubernetes").count(), 1);
}

/// A session that reaches Kubernetes through the context of a kubeconfig.
async fn through(kubeconfig: String, bed: &Bed, dir: &Path) -> Session {
    Session::open(through_options(kubeconfig, bed, dir), None).await.unwrap()
}

fn through_options(kubeconfig: String, bed: &Bed, dir: &Path) -> Options {
    let path = dir.join("kubeconfig");
    std::fs::write(&path, kubeconfig).unwrap();
    Options {
        regions: vec![REGION.into()],
        context: Some("c".into()),
        kubeconfig: Some(path),
        endpoint: Some(Endpoint { url: bed.gate.url.clone(), credentials: credentials(&bed.lab) }),
        ..Options::default()
    }
}

#[tokio::test]
async fn a_context_is_used_as_it_is_but_never_for_another_cluster() {
    let bed = Bed::of(world(vec![cluster_for_the_caller(&["AmazonEKSViewPolicy"])])).await;
    let described = bed.session.eks(REGION).describe_cluster("c").await.unwrap();
    let ca = described.certificate_authority.clone().unwrap().data.unwrap();
    let kubeconfig = |ca: &str, script: &str| kubeconfig(described.endpoint.as_deref(), Some(ca), script);
    let dir = Scratch::new("context");
    let given = r#"echo '{"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1",
        "status": {"token": "k8s-aws-v1.bm9ib2R5"}}'"#;
    let session = through(kubeconfig(&ca, given), &bed, &dir.0).await;
    let asked = session.kubernetes(&id("c"), Some(&described)).await.unwrap().aws_auth().await;
    assert_eq!(asked.unwrap_err().kind, FailureKind::Unauthenticated, "the context's own token was sent, not ours");

    let signed_out = "echo 'Error: the SSO session has expired' >&2; exit 1";
    let session = through(kubeconfig(&ca, signed_out), &bed, &dir.0).await;
    let failure = session.kubernetes(&id("c"), Some(&described)).await.map(|_| ()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Expired);
    assert!(failure.message.contains("the SSO session has expired"), "{failure}");

    let session = through(kubeconfig(&other_ca(), given), &bed, &dir.0).await;
    let failure = session.kubernetes(&id("c"), Some(&described)).await.map(|_| ()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Invalid);
    assert!(failure.message.contains("another cluster's"), "{failure}");

    // Without anything to compare by it is refused, too, unless EKS does not tell.
    let elsewhere = self::kubeconfig(Some("https://127.0.0.1:9"), None, given);
    let session = through(elsewhere, &bed, &dir.0).await;
    let failure = session.kubernetes(&id("c"), Some(&described)).await.map(|_| ()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Invalid);
    assert!(failure.message.contains("could not be verified"), "{failure}");
    assert!(session.kubernetes(&id("c"), None).await.is_ok(), "it was named on purpose");
}

#[tokio::test]
async fn the_password_of_a_context_s_proxy_is_not_told() {
    let bed = Bed::of(world(vec![])).await;
    let dir = Scratch::new("proxy");
    for (proxy, wanted) in
        [("socks5://corp:hunter2@p:1080", "a socks5 proxy"), ("http://corp:hunter2 @p:1", "context c")]
    {
        let server = "\"server\":\"https://127.0.0.1:9\"";
        let kubeconfig = kubeconfig(Some("https://127.0.0.1:9"), None, "exit 1");
        let kubeconfig = kubeconfig.replace(server, &format!("{server},\"proxy-url\":\"{proxy}\""));
        let session = through(kubeconfig, &bed, &dir.0).await;
        let failure = session.kubernetes(&id("c"), None).await.map(|_| ()).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Invalid, "{failure}");
        assert!(failure.message.contains(wanted) && !failure.message.contains("hunter2"), "{failure}");
    }
}

/// A kubeconfig whose one context has an exec plugin that runs this.
fn kubeconfig(server: Option<&str>, ca: Option<&str>, script: &str) -> String {
    json!({
        "apiVersion": "v1", "kind": "Config",
        "clusters": [{ "name": "k", "cluster": { "server": server, "certificate-authority-data": ca } }],
        "users": [{ "name": "u", "user": { "exec": { "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never",
            "command": "sh", "args": ["-c", script] } } }],
        "contexts": [{ "name": "c", "context": { "cluster": "k", "user": "u" } }],
    })
    .to_string()
}

#[test]
fn an_exec_plugin_that_hangs_is_given_up_on() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let began = Instant::now();
    let dir = Scratch::new("hangs");
    let failure = runtime.block_on(async {
        let bed = Bed::of(world(vec![cluster_for_the_caller(&[])])).await;
        let described = bed.session.eks(REGION).describe_cluster("c").await.unwrap();
        let ca = described.certificate_authority.clone().unwrap().data.unwrap();
        let script = "exec sleep 60 >/dev/null 2>&1";
        let options = through_options(kubeconfig(described.endpoint.as_deref(), Some(&ca), script), &bed, &dir.0);
        let options = Options { plugin_timeout: Duration::from_millis(300), ..options };
        let session = Session::open(options, None).await.unwrap();
        session.kubernetes(&id("c"), Some(&described)).await.map(|_| ()).unwrap_err()
    });
    runtime.shutdown_background();
    assert_eq!(failure.kind, FailureKind::Unreachable);
    let said = "exec plugin sh of user \"u\" in the kubeconfig gave no answer in 0.3 s";
    assert!(failure.message.contains(said), "{failure}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

/// A folder that is gone after the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("eksplorer-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The rows of a section as JSON, sorted, without what a server adds by itself or XML cannot carry.
fn rows<T: serde::Serialize>(section: &Section<Vec<T>>) -> Vec<String> {
    let mut rows: Vec<String> = section
        .items()
        .iter()
        .map(|item| {
            let mut item = serde_json::to_value(item).unwrap();
            if let Some(metadata) = item.pointer_mut("/metadata").and_then(serde_json::Value::as_object_mut) {
                metadata.shift_remove("uid");
                metadata.shift_remove("resourceVersion");
            }
            // A role's instance profiles repeat the role.
            for profile in
                item.pointer_mut("/InstanceProfileList").and_then(|it| it.as_array_mut()).into_iter().flatten()
            {
                profile.as_object_mut().unwrap().shift_remove("Roles");
            }
            item.to_string().replace("\\u001b", "\u{fffd}")
        })
        .collect();
    rows.sort();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_loaded_from_a_lab_is_the_world_that_it_serves() {
    let text = std::fs::read_to_string("assets/worlds/acme.yaml").unwrap();
    let document = eksplorer::model::document::read(&text).unwrap();
    let mut wanted = snapshot_of(&document, Source::Lab);
    let own = |policy: &ManagedPolicy| !policy.arn.contains(":aws:policy/");
    let policies = wanted.iam.policies.items().iter().filter(|it| own(it)).cloned().collect();
    Arc::make_mut(&mut wanted.iam).policies = Section::known(policies, Time::default());
    let options = lab::Options { page_size: Some(20), ..Default::default() };
    let bed = Bed::with(document, options, |_| {}).await;

    let ids: Vec<ClusterId> = wanted.facts.keys().cloned().collect();
    let loaded = load::snapshot(&bed.session, ids.clone()).await;
    assert_eq!(loaded.caller.value(), wanted.caller.value());
    assert_eq!(loaded.clusters.items(), wanted.clusters.items());
    assert_eq!(loaded.iam.account, wanted.iam.account);
    macro_rules! same {
        ($on:expr, $loaded:expr, $wanted:expr; $($section:ident)*) => {$(
            let place = format!("{} of {}", stringify!($section), $on);
            assert!(is_known(&$loaded.$section), "{place}: {:?}", $loaded.$section.state());
            similar_rows(&place, &rows(&$loaded.$section), &rows(&$wanted.$section));
        )*};
    }
    for id in &ids {
        let (loaded, wanted) = (loaded.cluster(id), wanted.cluster(id));
        if matches!(wanted.access_entries.state(), State::NotApplicable(_)) {
            assert_eq!(loaded.access_entries, wanted.access_entries);
        } else {
            same! { id, loaded, wanted; access_entries }
        }
        same! { id, loaded, wanted;
            pod_identity_associations nodegroups fargate_profiles addons identity_provider_configs capabilities updates
            namespaces service_accounts pods nodes daemon_sets roles cluster_roles role_bindings cluster_role_bindings
        }
        let parsed = |facts: &ClusterFacts| facts.aws_auth.value().map(|it| it.clone().map(|(_, parsed)| parsed));
        assert!(parsed(&wanted).is_some());
        assert_eq!(parsed(&loaded), parsed(&wanted), "aws-auth of {id}");
    }
    same! { "iam", loaded.iam, wanted.iam; roles users groups policies oidc_providers }
}

fn similar_rows(place: &str, loaded: &[String], wanted: &[String]) {
    for (loaded, wanted) in loaded.iter().zip(wanted) {
        assert_eq!(loaded, wanted, "{place}");
    }
    assert_eq!(loaded.len(), wanted.len(), "{place}");
}

#[tokio::test]
async fn what_policies_say_to_an_action_is_simulated_by_resource_and_condition() {
    use eksplorer::model::role::{Decision, InlinePolicy};
    let mut document = world(vec![]);
    let inline = |statement: serde_json::Value| InlinePolicy {
        policy_name: "own".into(),
        policy_document: Some(json!({ "Version": "2012-10-17", "Statement": statement })),
    };
    let roles = document.iam.as_mut().unwrap().role_detail_list.as_mut().unwrap();
    let mut reader = role("reader");
    reader.role_policy_list = vec![inline(json!([
        { "Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::logs/*" },
        { "Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": { "Bool": { "aws:SecureTransport": "false" } } },
    ]))];
    let mut odd = role("odd");
    odd.role_policy_list = vec![inline(
        json!({ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": { "DateLessThan": { "aws:CurrentTime": "2030-01-01T00:00:00Z" } } }),
    )];
    roles.extend([reader, odd]);
    let bed = Bed::of(document).await;
    let iam = bed.session.iam();
    let texts = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let actions = texts(&["s3:GetObject", "s3:PutObject"]);
    let resources = texts(&["arn:aws:s3:::logs/a", "arn:aws:s3:::other/a"]);
    let secure = |is: &str| vec![("aws:SecureTransport".to_owned(), vec![is.to_owned()])];
    let found = iam.simulate(&role_arn("reader"), &actions, &resources, &secure("true")).await.unwrap();
    let decisions: Vec<_> = found.iter().map(|it| (it.action.as_str(), it.resource.as_str(), it.decision)).collect();
    use Decision::{Allowed, Denied, NotAllowed};
    assert_eq!(
        decisions,
        [
            ("s3:GetObject", "arn:aws:s3:::logs/a", Allowed),
            ("s3:GetObject", "arn:aws:s3:::other/a", NotAllowed),
            ("s3:PutObject", "arn:aws:s3:::logs/a", NotAllowed),
            ("s3:PutObject", "arn:aws:s3:::other/a", NotAllowed),
        ]
    );
    let found = iam.simulate(&role_arn("reader"), &actions[..1], &resources[..1], &secure("false")).await.unwrap();
    assert_eq!(found[0].decision, Denied);
    let found = iam.simulate(&role_arn("reader"), &actions[..1], &[], &[]).await.unwrap();
    assert_eq!((found[0].resource.as_str(), found[0].decision), ("*", NotAllowed));
    assert_eq!(found[0].missing_context, ["aws:SecureTransport"]);

    let failure = iam.simulate(&role_arn("odd"), &actions, &resources, &[]).await.unwrap_err();
    assert!(failure.message.contains("DateLessThan is not evaluated here"), "{failure:?}");
    let failure = iam.simulate(&role_arn("nobody"), &actions, &resources, &[]).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Missing);
}

/// A role that was made again under another path, of an account whose IAM cannot be read from here.
const AGAIN: [&str; 2] = ["arn:aws:iam::555566667777:role/old/ops", "arn:aws:iam::555566667777:role/new/ops"];

fn cluster_with(more: &[(&str, &str)]) -> ClusterDocument {
    let mut it = cluster("c", AuthenticationMode::Api, 60);
    let policy = |name: &str| AssociatedPolicy {
        policy_arn: format!("arn:aws:eks::aws:cluster-access-policy/{name}"),
        ..AssociatedPolicy::default()
    };
    let entries = more.iter().map(|(arn, name)| AccessEntry {
        principal_arn: (*arn).to_owned(),
        associated_access_policies: Some(vec![policy(name)]),
        ..entry(0)
    });
    it.access_entries.as_mut().unwrap().extend(entries);
    it
}

#[tokio::test]
async fn a_name_that_entries_of_several_paths_have_is_not_one_of_them() {
    let names = [(AGAIN[0], "AmazonEKSClusterAdminPolicy"), (AGAIN[1], "AmazonEKSViewPolicy")];
    let bed = Bed::of(world(vec![cluster_with(&names)])).await;
    let asked = Asked::from_arn("arn:aws:sts::555566667777:assumed-role/ops/bob").unwrap();
    let snapshot = load::answer(&bed.session, id("c"), asked.clone()).await;
    let facts = snapshot.cluster(&id("c"));
    let failure = facts.asked_entries[&asked.principal.key()].clone().unwrap_err();
    assert!(failure.message.contains("entries of several paths name it"), "{failure}");
    let resolution = Resolver::new(&facts, &snapshot.iam).resolve(&asked);
    assert_eq!(resolution.verdict, Verdict::Unknown, "{}", resolution.because);
}

#[tokio::test]
async fn all_entries_of_a_name_that_aws_auth_has_are_read() {
    let names = [(AGAIN[0], "AmazonEKSViewPolicy"), (AGAIN[1], "AmazonEKSViewPolicy")];
    let bed = Bed::of(world(vec![cluster_with(&names)])).await;
    let needs = Needs { entries: EntryScope::Names, ..Needs::entries() };
    let mut snapshot = load::facts(&bed.session, id("c"), &needs).await;
    let rows =
        format!("- rolearn: {}\n  username: ops\n  groups: [system:masters]\n", "arn:aws:iam::555566667777:role/ops");
    let data = BTreeMap::from([("mapRoles".to_owned(), rows)]);
    let fact = aws_auth_fact(&ConfigMap { data, ..ConfigMap::default() });
    let update = ClusterUpdate::AwsAuth(Section::known(Some(fact), Time::default()));
    snapshot.apply(Update::Cluster(id("c"), update));
    load::read_listed_entries(&bed.session, &id("c"), &ListedEntries::OfAwsAuth, &mut snapshot).await;
    let facts = snapshot.cluster(&id("c"));
    let read: Vec<&str> = facts.access_entries.items().iter().map(|it| it.principal_arn.as_str()).collect();
    assert_eq!(read, AGAIN);
    assert_eq!(facts.access_entries.missing().len(), 60, "of the others the names are known");
}

#[tokio::test]
async fn policies_of_a_services_own_role_are_read_though_nothing_lists_them() {
    let service = "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
    let bed = Bed::of(world(vec![cluster_with(&[(service, "AmazonEKSNewServicePolicy")])])).await;
    let needs = Needs { entries: EntryScope::Names, ..Needs::entries() };
    let mut snapshot = load::facts(&bed.session, id("c"), &needs).await;
    let target = Target::Resource {
        group: String::new(),
        resource: "secrets".into(),
        subresource: String::new(),
        namespace: String::new(),
        name: String::new(),
    };
    let which = ListedEntries::Allowing(vec![Request { verb: "delete".into(), target }]);
    load::read_listed_entries(&bed.session, &id("c"), &which, &mut snapshot).await;
    let facts = snapshot.cluster(&id("c"));
    assert_eq!(facts.access_entries.items().len(), 61);
    let policies = |arn: &str| {
        let entry = facts.access_entries.items().iter().find(|it| it.principal_arn == arn).unwrap();
        entry.associated_access_policies.as_ref().unwrap().len()
    };
    assert_eq!((policies(service), policies(&role_arn("r001"))), (1, 0), "viewers cannot delete secrets");
}
