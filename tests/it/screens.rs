//! Every screen as text and styles. The styles are the theme's roles, so that a change of theme changes no snapshot.

use eksplorer::app::App;
use eksplorer::model::cluster::ClusterId;
use eksplorer::model::failure::{Failure, FailureKind};
use eksplorer::model::snapshot::{Missing, Section, Snapshot, Source};
use eksplorer::model::time::Time;
use eksplorer::view::draw;
use eksplorer::view::theme::{Role, Theme};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Style};
use std::sync::Arc;

use crate::stage::{SESSION, Stage, cluster, facts, file, inventory, refused, time};
use crate::worlds::ACME;
use eksplorer::access::inventory::Inventory;
use eksplorer::model::snapshot::ClusterFacts;

/// A theme in which every role can be told from every other.
fn distinct() -> Theme {
    Theme::of(|role| Style::new().fg(Color::Indexed(role as u8)))
}

fn role_of(color: Color) -> &'static str {
    match color {
        Color::Indexed(n) => Role::ALL.get(usize::from(n)).map_or("?", |role| role.as_str()),
        _ => "",
    }
}

/// The screen's text, then its runs of styles by line: `3: 2..17 selected`. Ordinary text is not listed.
fn print(app: &App) -> String {
    let size = app.size;
    let mut terminal = Terminal::new(TestBackend::new(size.width, size.height)).expect("a terminal");
    terminal.draw(|frame| draw(frame, app, &distinct())).expect("draws");
    let buffer = terminal.backend().buffer();
    format!("{}\n{}", text(buffer), runs(buffer))
}

fn text(buffer: &Buffer) -> String {
    let area = buffer.area();
    let line = |y| {
        let mut line = String::new();
        let mut x = 0;
        while x < area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            // A wide character hides the cell behind it.
            x += (ratatui::text::Span::raw(symbol).width() as u16).max(1);
        }
        format!("{}\n", line.trim_end())
    };
    (0..area.height).map(line).collect()
}

fn runs(buffer: &Buffer) -> String {
    let area = buffer.area();
    let mut out = String::new();
    for y in 0..area.height {
        let mut runs: Vec<(u16, u16, &str)> = Vec::new();
        for x in 0..area.width {
            let cell = &buffer[(x, y)];
            let role = role_of(cell.fg);
            let plain = role.is_empty() || role == "text" || (cell.symbol() == " " && role != "selected");
            if plain {
                continue;
            }
            match runs.last_mut() {
                // Blanks within a run belong to it.
                Some((_, end, last)) if *last == role && x <= *end + 1 => *end = x + 1,
                _ => runs.push((x, x + 1, role)),
            }
        }
        if !runs.is_empty() {
            let runs: Vec<String> = runs.iter().map(|(from, to, role)| format!("{from}..{to} {role}")).collect();
            out.push_str(&format!("{y}: {}\n", runs.join(", ")));
        }
    }
    out
}

/// A text as a snapshot beside the screens.
pub(crate) fn check_text(name: &str, text: &str) {
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "../snapshots", omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

pub(crate) fn check(name: &str, stage: &Stage) {
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "../snapshots", omit_expression => true }, {
        insta::assert_snapshot!(name, print(&stage.app));
    });
}

/// The small world, with something changed in its cluster's facts.
fn with(source: Source, change: impl FnOnce(&mut ClusterFacts)) -> Snapshot {
    let mut snapshot = facts(source);
    let id: ClusterId = cluster();
    change(Arc::make_mut(snapshot.facts.get_mut(&id).expect("the cluster")));
    snapshot
}

fn list_refused() -> Failure {
    refused("eks:ListAccessEntries", "list the access entries")
}

fn unreachable() -> Failure {
    Failure { kind: FailureKind::Unreachable, message: "connection timed out".into(), code: None, ..list_refused() }
}

fn none() -> Inventory {
    Inventory::default()
}

fn six() -> Time {
    time("2026-11-24T06:00:00Z")
}

fn all_refused(facts: &mut ClusterFacts) {
    facts.access_entries = Section::failed(list_refused());
    facts.aws_auth = Section::failed(refused("get configmaps in kube-system", "read aws-auth"));
    facts.service_accounts = Section::failed(refused("list serviceaccounts", "list the service accounts"));
    facts.pods = Section::failed(refused("list pods", "list the pods"));
    facts.pod_identity_associations =
        Section::failed(refused("eks:ListPodIdentityAssociations", "list the Pod Identity associations"));
    facts.nodegroups = Section::failed(refused("eks:ListNodegroups", "list the node groups"));
    facts.fargate_profiles = Section::failed(refused("eks:ListFargateProfiles", "list the Fargate profiles"));
    facts.addons = Section::failed(refused("eks:ListAddons", "list the add-ons"));
    facts.role_bindings = Section::failed(refused("list rolebindings", "list the RoleBindings"));
    facts.cluster_role_bindings = Section::failed(refused("list clusterrolebindings", "list the ClusterRoleBindings"));
}

#[test]
fn entries() {
    check("entries_full", &Stage::new().keys("j j j j"));
    check("entries_60x16", &Stage::new().resize(60, 16).keys("G"));
    check("entries_80x24", &Stage::new().resize(80, 24).keys("j j j j"));
    check("entries_160x50", &Stage::new().resize(160, 50).keys("j j j j j"));
    check("entries_200x60", &Stage::new().resize(200, 60).keys("j j j j j j"));
    check("entries_sorted_and_filtered", &Stage::new().keys("s s S /").text("-partner standard"));
    check("entries_filter_without_a_match", &Stage::new().keys("/").text("zzz").keys("Enter"));
}

#[test]
fn entries_not_whole() {
    let snapshot = with(file(), |facts| facts.access_entries = Section::known(vec![], six()));
    check("entries_empty", &Stage::with(snapshot, none(), true));

    let snapshot = with(Source::Live, |facts| facts.access_entries = Section::loading(None, 0, None));
    check("entries_loading_nothing_yet", &Stage::with(snapshot, none(), true));

    let snapshot = with(Source::Live, |facts| {
        facts.access_entries = Section::loading(Some(vec![]), 8, Some(62));
        facts.pods = Section::default();
    });
    let mut stage = Stage::on(snapshot);
    check("entries_loading", &stage);
    // A service that throttles is asked less, and that takes longer: it is said which and how much.
    stage.send(eksplorer::app::message::Msg::Call(eksplorer::model::update::Call { pace: Some(2), ..call() }));
    check("entries_throttled", &stage);

    let snapshot = with(Source::Live, |facts| {
        facts.access_entries = Section::known(vec![], six()).refreshed(Section::failed(unreachable()));
    });
    check("entries_stale", &Stage::on(snapshot));

    let snapshot = with(Source::Live, |facts| {
        let failure = refused("eks:DescribeAccessEntry", "describe the access entry");
        let item = Some("arn:aws:iam::111122223333:role/unread".to_owned());
        facts.access_entries = Section::partial(vec![], six(), vec![Missing { item, failure }]);
    });
    check("entries_partial", &Stage::on(snapshot).resize(80, 24));

    let snapshot = with(Source::Live, |facts| facts.access_entries = Section::failed(list_refused()));
    check("entries_refused", &Stage::with(snapshot, none(), true).resize(80, 24));

    let snapshot = with(file(), |facts| {
        let mut cluster = facts.cluster.value().cloned().expect("the cluster");
        cluster.access_config = None;
        facts.cluster = Section::known(cluster, six());
        facts.access_entries = Section::not_applicable("authentication mode CONFIG_MAP has no access entries");
    });
    check("entries_not_applicable", &Stage::with(snapshot, none(), true).resize(80, 24));
}

#[test]
fn other_panes() {
    for (key, name) in [
        ("2", "aws_auth"),
        ("3", "irsa"),
        ("4", "pod_identity"),
        ("5", "roles"),
        ("6", "principals"),
        ("7", "groups"),
        ("8", "posture"),
        ("9", "findings"),
    ] {
        check(&format!("{name}_full"), &Stage::new().keys(key));
        let snapshot = with(Source::Live, all_refused);
        check(&format!("{name}_refused"), &Stage::with(snapshot, none(), true).keys(key).resize(80, 24));
    }
}

#[test]
fn findings_across_everything() {
    check("findings_demo", &demo(|_| {}).keys("9"));
    check("findings_demo_80x24", &demo(|_| {}).keys("9 j j").resize(80, 24));
    check("findings_filtered", &demo(|_| {}).keys("9 /").text("severity:high subject:role"));
    check("finding_opened", &demo(|_| {}).keys("9 /").text("irsa-no-subject").keys("Enter Enter"));
    let led = demo(|_| {}).keys("9 /").text("irsa-no-subject").keys("Enter Enter Enter");
    check("finding_led_on", &led);
    let narrow = demo(|_| {}).keys("9 /").text("irsa-no-subject").keys("Enter Enter");
    check("finding_opened_80x24", &narrow.resize(80, 24));
    let without_pods = demo(|snapshot| {
        let facts = Arc::make_mut(snapshot.facts.get_mut(&cluster()).expect("the cluster"));
        facts.pods = Section::failed(refused("list pods", "list the pods"));
    });
    check("findings_without_pods", &without_pods.keys("9"));
    let blind = demo(|snapshot| {
        as_intern(Arc::make_mut(snapshot.facts.get_mut(&cluster()).expect("the cluster")));
    });
    check("findings_not_judged", &blind.keys("9"));
}

/// The demo's facts, read as the intern of the world may: no cluster, no IAM policies, no namespaces.
fn as_intern(facts: &mut ClusterFacts) {
    all_refused(facts);
    facts.cluster = Section::failed(refused("eks:DescribeCluster", "describe the cluster"));
    facts.namespaces = Section::failed(refused("list namespaces", "list the namespaces"));
    facts.daemon_sets = Section::failed(refused("list daemonsets in kube-system", "list the DaemonSets"));
    facts.capabilities = Section::failed(refused("eks:ListCapabilities", "list the capabilities"));
}

/// The demo's biggest cluster, whole.
fn demo(change: impl FnOnce(&mut Snapshot)) -> Stage {
    let mut snapshot = Snapshot { source: file(), ..(*crate::worlds::ACME).clone() };
    snapshot.facts.retain(|id, _| *id == cluster());
    snapshot.clusters = Section::known(vec![cluster()], six());
    change(&mut snapshot);
    let rows = eksplorer::access::inventory::inventory(&snapshot.cluster(&cluster()), &snapshot.iam);
    Stage::with(snapshot, rows, true)
}

#[test]
fn roles_and_posture() {
    check("posture_demo", &demo(|_| {}).keys("8"));
    check("posture_demo_80x24", &demo(|_| {}).keys("8 j").resize(80, 24));
    check("posture_opened_80x24", &demo(|_| {}).keys("8 j Enter").resize(80, 24));
    check("posture_opened_60x16", &demo(|_| {}).keys("8 j Enter j j").resize(60, 16));
    check("posture_copied_80x24", &demo(|_| {}).keys("8 j c").resize(80, 24));
    check("posture_of_a_namespace", &demo(|_| {}).keys("8 j j j"));
    check("roles_demo", &demo(|_| {}).keys("5"));
    check("roles_demo_80x24", &demo(|_| {}).keys("5").resize(80, 24));
    check("roles_missing_a_policy", &demo(|_| {}).keys("5 j j j j j j j"));
    let unknown = || {
        demo(|snapshot| {
            let id: ClusterId = cluster();
            as_intern(Arc::make_mut(snapshot.facts.get_mut(&id).expect("the cluster")));
            let iam = Arc::make_mut(&mut snapshot.iam);
            let refused =
                || refused("iam:GetAccountAuthorizationDetails", "read the roles, users, groups and policies");
            iam.roles = Section::failed(refused());
            iam.policies = Section::failed(refused());
        })
    };
    check("posture_unknown", &unknown().keys("8"));
    check("posture_unknown_80x24", &unknown().keys("8").resize(80, 24));
    let without_iam = || {
        demo(|snapshot| {
            let iam = Arc::make_mut(&mut snapshot.iam);
            let refused =
                || refused("iam:GetAccountAuthorizationDetails", "read the roles, users, groups and policies");
            iam.roles = Section::failed(refused());
            iam.policies = Section::failed(refused());
        })
    };
    check("roles_without_iam", &without_iam().keys("5"));
    check("roles_without_iam_80x24", &without_iam().keys("5").resize(80, 24));
}

#[test]
fn trace() {
    check("trace_full", &Stage::new().paste(SESSION).keys("Enter"));
    check("trace_60x16", &Stage::new().resize(60, 16).paste(SESSION).keys("Enter"));
    check("trace_160x50", &Stage::new().resize(160, 50).paste(SESSION).keys("Enter"));
    check("trace_of_nobody", &Stage::new().paste("arn:aws:iam::111122223333:role/nobody").keys("Enter"));
    check("trace_of_a_workload", &Stage::new().resize(80, 24).keys("5 G Enter"));
}

/// The demo world's facts behind the two panes of workloads, and a workload of each kind on the full screen.
#[test]
fn workloads() {
    let acme = || {
        let mut snapshot = ACME.clone();
        snapshot.source = file();
        snapshot.facts.retain(|id, _| id.name == "prod-eu1");
        snapshot.clusters = Section::known(snapshot.facts.keys().cloned().collect(), six());
        snapshot
    };
    let rows = |snapshot: &Snapshot| {
        eksplorer::access::inventory::inventory(snapshot.facts.values().next().expect("a cluster"), &snapshot.iam)
    };
    let on = |snapshot: Snapshot| {
        let rows = rows(&snapshot);
        Stage::with(snapshot, rows, true)
    };
    check("workloads_irsa", &on(acme()).keys("3 j j j j j j j"));
    check("workloads_pod_identity", &on(acme()).keys("4 G"));
    let mut blind = acme();
    let failure = || refused("iam:GetAccountAuthorizationDetails", "read the roles, users, groups and policies");
    let iam = Arc::make_mut(&mut blind.iam);
    iam.roles = Section::failed(failure());
    iam.policies = Section::failed(failure());
    iam.oidc_providers = Section::failed(failure());
    check("workloads_irsa_unknown", &on(blind.clone()).keys("3").resize(80, 24));
    check("workloads_pod_identity_unknown", &on(blind).keys("4").resize(80, 24));
    let open = |text: &str| on(acme()).keys("ctrl-p").text(text).keys("Enter");
    check("jump_to_a_namespace", &on(acme()).keys("ctrl-p").text("fraud"));
    check("workload_namespace", &open("fraud"));
    check("workload_denied", &on(acme()).keys("3 /").text("green-api").keys("Enter Enter"));
    check("workload_allowed_80x24", &on(acme()).resize(80, 24).keys("4 /").text("sa:ledger").keys("Enter Enter"));
    check("workload_pod", &open("ledger-1"));
    check("workload_both", &on(acme()).keys("4 /").text("fluent-bit").keys("Enter Enter"));
    check("workload_role", &on(acme()).keys("3 G Enter"));
    check("workload_policies", &on(acme()).keys("4 /").text("refunds").keys("Enter Enter p"));
    check("workload_remedy", &on(acme()).keys("4 /").text("refunds").keys("Enter Enter G Enter"));
    check("workload_looking", &Stage::with(acme(), rows(&acme()), false).keys("ctrl-p").text("refunds").keys("Enter"));
}

#[test]
fn trace_not_whole() {
    let unread = "arn:aws:iam::111122223333:role/unread";
    let waiting = || with(Source::Live, |facts| facts.access_entries = Section::loading(None, 12, Some(62)));
    check("trace_loading", &Stage::on(waiting()).paste(unread).keys("Enter"));
    check("trace_not_answered_yet", &Stage::with(waiting(), none(), false).paste(SESSION).keys("Enter"));
    let stale = with(Source::Live, |facts| {
        facts.access_entries = Section::known(vec![], six()).refreshed(Section::failed(unreachable()));
    });
    check("trace_stale", &Stage::on(stale).paste(SESSION).keys("Enter"));
    let refused = with(Source::Live, all_refused);
    check("trace_refused", &Stage::on(refused).paste(unread).keys("Enter").resize(80, 24));
    let partial = with(Source::Live, |facts| {
        let failure = refused_item();
        facts.access_entries =
            Section::partial(vec![], six(), vec![Missing { item: Some(unread.to_owned()), failure }]);
    });
    check("trace_partial", &Stage::on(partial).paste(unread).keys("Enter"));
}

fn refused_item() -> Failure {
    refused("eks:DescribeAccessEntry", "describe the access entry")
}

const FORBIDDEN: &str = r#"Error from server (Forbidden): pods is forbidden: User "arn:aws:sts::111122223333:assumed-role/deployer/jane-corp.com" cannot list resource "pods" in API group "" in the namespace "payments""#;

#[test]
fn explanations() {
    check("explain_pasted", &Stage::new().resize(80, 24).paste(FORBIDDEN));
    check("explain_forbidden", &Stage::new().paste(FORBIDDEN).keys("Enter"));
    check("explain_forbidden_80x24", &Stage::new().resize(80, 24).paste(FORBIDDEN).keys("Enter"));
    check("explain_mend_80x24", &Stage::new().resize(80, 24).paste(FORBIDDEN).keys("Enter j j c"));
    let unauthorized =
        "error: You must be logged in to the server (Unauthorized)\n# arn:aws:iam::111122223333:role/nightly-report";
    check("explain_unauthorized", &Stage::new().paste(unauthorized).keys("Enter"));
    let refused = with(Source::Live, all_refused);
    check("explain_unknown", &Stage::on(refused.clone()).paste(FORBIDDEN).keys("Enter"));
    check("explain_unknown_80x24", &Stage::on(refused).resize(80, 24).paste(FORBIDDEN).keys("Enter"));
    check("explain_not_answered_yet", &Stage::with(facts(file()), none(), false).paste(FORBIDDEN).keys("Enter"));
    let admission =
        "pods \"web\" is forbidden: violates PodSecurity \"restricted:latest\": privileged (container \"c\")";
    check("explain_admission_80x24", &Stage::new().resize(80, 24).paste(admission).keys("Enter"));
}

#[test]
fn overlays() {
    check("jump", &Stage::new().keys("ctrl-p").text("deploy"));
    check("jump_to_a_pasted_message", &Stage::new().paste(&format!("error: {SESSION} is not authorized\n to do it")));
    check("jump_to_what_is_no_principal", &Stage::new().resize(80, 24).paste("arn:aws:s3:::bucket"));
    check("palette", &Stage::new().resize(80, 24).keys(":").text("copy"));
    check("palette_disabled", &Stage::new().resize(80, 24).keys(":").text("refresh"));
    check("help", &Stage::new().keys("?"));
    check("help_narrowed", &Stage::new().resize(60, 16).keys("?").text("sort"));
    check("document", &Stage::new().keys("2 y"));
    check("document_searched", &Stage::new().resize(80, 24).keys("2 y /").text("batch").keys("Enter n"));
    check("clusters", &Stage::new().keys("C"));
    check("calls_of_a_file", &Stage::new().resize(60, 16).keys("@"));
    check("notice_disabled", &Stage::new().resize(80, 24).keys("ctrl-r"));
    check("notice_copied", &Stage::new().resize(60, 16).keys("G k c"));
    check("too_small", &Stage::new().resize(40, 8));
}

fn call() -> eksplorer::model::update::Call {
    eksplorer::model::update::Call {
        service: "eks",
        operation: "DescribeCluster".into(),
        on: "prod-eu1".into(),
        at: six(),
        millis: 120,
        failure: None,
        pace: None,
    }
}

#[test]
fn calls() {
    let mut stage = Stage::on(facts(Source::Live)).keys("@");
    let call = |operation: &str, millis, failure| {
        let operation = operation.to_owned();
        eksplorer::model::update::Call { operation, millis, failure, ..call() }
    };
    for call in [call("DescribeCluster", 120, None), call("ListAccessEntries", 2_310, Some(list_refused()))] {
        stage.send(eksplorer::app::message::Msg::Call(call));
    }
    check("calls", &stage);
}

#[test]
fn columns_stay_aligned_whatever_the_names_are() {
    let rows = inventory();
    let stage = Stage::with(facts(file()), rows, true).resize(100, 20);
    let mut terminal = Terminal::new(TestBackend::new(100, 20)).expect("a terminal");
    terminal.draw(|frame| draw(frame, &stage.app, &distinct())).expect("draws");
    let buffer = terminal.backend().buffer();
    let lines: Vec<String> = text(buffer).lines().map(str::to_owned).collect();
    assert!(lines.iter().all(|line| !line.contains(['\u{1b}', '\u{202e}'])), "nothing a terminal would obey");
    let split = (0..100).find(|x| buffer[(*x, 5)].symbol() == "│").expect("the line beside the list");
    for y in 4..17 {
        assert_eq!(buffer[(split, y)].symbol(), "│", "line {y}");
    }
}
