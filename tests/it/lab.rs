//! The lab, driven by the ordinary clients. Where a client is not installed its test says so and is left out.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use eksplorer::cloud::{self, Session};
use eksplorer::lab::{Credentials, Lab, LabError, Options, generate};
use eksplorer::model::cluster::ClusterId;
use eksplorer::model::document::{Document, MissingNote, SectionNote, SectionState, read};
use eksplorer::model::failure::{Failure, FailureKind};
use eksplorer::model::snapshot::{Missing, Section, State};
use eksplorer::run::load;
use serde_json::{Value, json};

use crate::aws::aws;

pub(crate) fn small() -> Document {
    read(include_str!("../worlds/small.yaml")).unwrap()
}

/// The demo's world.
fn acme() -> Document {
    read(include_str!("../../assets/worlds/acme.yaml")).unwrap()
}

pub(crate) async fn start(document: Document, options: Options) -> Lab {
    Lab::start(document, options).await.unwrap()
}

fn acting_as(caller: &str) -> Options {
    Options { caller: Some(caller.to_owned()), ..Options::default() }
}

/// A directory of a test's own, gone when it ends.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(test: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("eksplorer-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Is the client installed and working?
#[allow(clippy::print_stderr)] // To be seen when a test passes for want of its client.
pub(crate) fn have(program: &str, arguments: &[&str]) -> bool {
    let there = Command::new(program).args(arguments).output().is_ok_and(|it| it.status.success());
    if !there {
        eprintln!("left out: `{program} {}` does not work here", arguments.join(" "));
    }
    there
}

/// Runs a command, off the threads that serve the lab.
pub(crate) async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// Runs a line in a shell that has sourced the lab's exports, with a kubeconfig of the lab's.
pub(crate) async fn shell(lab: &Lab, scratch: &Path, line: &str) -> (String, String) {
    let kubeconfig = scratch.join("kubeconfig");
    std::fs::write(&kubeconfig, lab.kubeconfig()).unwrap();
    let exports = scratch.join("exports");
    std::fs::write(&exports, lab.exports(&kubeconfig)).unwrap();
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!(". {}\n{line}", exports.display()));
    // kubectl keeps what it discovered, by host and port: another test's cluster may have had the port before.
    if let Some(aws) = aws().await {
        command.env("PATH", aws.path());
    }
    command.env("KUBECACHEDIR", scratch.join("cache")).env("AWS_PROFILE", "not-there");
    let out = run(command).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    (text(&out.stdout), text(&out.stderr))
}

pub(crate) fn keys(credentials: &Credentials) -> Value {
    json!({
        "id": credentials.access_key_id,
        "secret": credentials.secret_access_key,
        "token": credentials.session_token,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn boto3_parses_every_answer_and_every_refusal() {
    if !have("python3", &["-c", "import boto3"]) {
        return;
    }
    let small = start(small(), Options { page_size: Some(2), ..Options::default() }).await;
    let acme = start(acme(), Options::default()).await;
    let of = |who: &str| keys(&small.credentials_for(who).unwrap());
    let setup = json!({
        "small": {
            "endpoint": small.endpoint(),
            "keys": { "admin": keys(&small.credentials()), "limited": of("limited"), "ann": of("user/ann") },
        },
        "acme": { "endpoint": acme.endpoint(), "keys": { "caller": keys(&acme.credentials()) } },
    });
    let mut python = Command::new("python3");
    python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/lab_boto3.py")).arg(setup.to_string());
    python.env_remove("AWS_PROFILE");
    let out = run(python).await;
    let (said, failed) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{said}\n{failed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_aws_command_line_reads_the_demo() {
    if !have("aws", &["--version"]) {
        return;
    }
    let (lab, scratch) = (start(acme(), Options::default()).await, Scratch::new("aws"));
    let line = "aws sts get-caller-identity --query Arn --output text && \
                aws eks list-access-entries --cluster-name prod-eu1 --query 'length(accessEntries)' && \
                aws iam list-roles --query 'length(Roles)'";
    let (out, err) = shell(&lab, &scratch.0, line).await;
    let lines: Vec<&str> = out.lines().collect();
    let [who, entries, roles] = lines[..] else { panic!("{out}\n{err}") };
    assert_eq!(who, "arn:aws:sts::111122223333:assumed-role/oncall/ana@acme.example");
    let document = acme();
    assert_eq!(entries, document.clusters[0].access_entries.as_ref().unwrap().len().to_string());
    assert_eq!(roles, document.iam.unwrap().role_detail_list.unwrap().len().to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_gets_in_as_the_world_has_it() {
    if !have("kubectl", &["version", "--client"]) || !have("aws", &["--version"]) {
        return;
    }
    let scratch = Scratch::new("kubectl-admin");
    let admin = start(small(), Options { page_size: Some(2), ..Options::default() }).await;
    let line = "kubectl get pods -A -o name; kubectl get clusterrolebindings -o name; kubectl auth whoami -o json; \
                kubectl get pods -n a -l app=web --field-selector metadata.name=web-2 -o name; \
                kubectl auth can-i delete nodes 2>/dev/null; kubectl get pod nothing";
    let (out, err) = shell(&admin, &scratch.0, line).await;
    let expected = ["pod/web-1", "pod/web-2", "pod/job-1", "clusterrolebinding.rbac.authorization.k8s.io/partners"];
    assert!(out.starts_with(&expected.join("\n")), "all pages of a list\n{out}\n{err}");
    assert!(out.contains("arn:aws:sts::111122223333:assumed-role/admin/kim-corp.example"), "{out}");
    assert!(out.contains("aws-iam-authenticator:111122223333:AROAADMIN"), "{out}");
    assert!(out.ends_with("pod/web-2\nyes"), "{out}");
    assert!(err.contains(r#"pods "nothing" not found"#), "{err}");

    let scratch = Scratch::new("kubectl-ann");
    let ann = start(small(), acting_as("user/ann")).await;
    let line = "kubectl get pods -n a -o name; kubectl get pods -n b-1; kubectl get nodes; kubectl auth can-i get pods -n a; \
                kubectl auth can-i get pods -n b-1";
    let (out, err) = shell(&ann, &scratch.0, line).await;
    assert_eq!(out, "pod/web-1\npod/web-2\nyes\nno", "{err}");
    for said in [
        r#"pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "b-1""#,
        r#"nodes is forbidden: User "ann" cannot list resource "nodes" in API group "" at the cluster scope"#,
    ] {
        assert!(err.contains(said), "{err}");
    }

    let scratch = Scratch::new("kubectl-nobody");
    let nobody = start(small(), acting_as("nobody")).await;
    let (out, err) = shell(&nobody, &scratch.0, "kubectl auth whoami").await;
    assert!(out.is_empty() && err.contains("You must be logged in to the server (Unauthorized)"), "{out}\n{err}");
}

#[tokio::test]
async fn the_rust_sdk_is_understood_and_understands() {
    let lab = start(generate::entries(3), Options { page_size: Some(1), ..Options::default() }).await;
    let eks = crate::lab_write::client(lab.endpoint(), lab.credentials());
    let mut pages = eks.list_access_entries().cluster_name(generate::CLUSTER).into_paginator().items().send();
    let mut entries = Vec::new();
    while let Some(entry) = pages.next().await {
        entries.push(entry.unwrap());
    }
    assert_eq!(entries.len(), 3);
    let one =
        eks.describe_access_entry().cluster_name(generate::CLUSTER).principal_arn(&entries[1]).send().await.unwrap();
    let one = one.access_entry.unwrap();
    assert_eq!(one.principal_arn.as_deref(), Some(entries[1].as_str()));
    assert_eq!(one.created_at.unwrap().secs(), 1_767_225_600 + 2 * 3600);
    let gone = eks.describe_access_entry().cluster_name("none").principal_arn(&entries[1]).send().await.unwrap_err();
    assert!(gone.into_service_error().is_resource_not_found_exception());
}

/// A request with no signature, as plain text.
async fn bare_request(endpoint: &str, path: &str) -> String {
    let (host, path) = (endpoint.strip_prefix("http://").unwrap().to_owned(), path.to_owned());
    let ask = move || {
        let mut stream = TcpStream::connect(&host).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    tokio::task::spawn_blocking(ask).await.unwrap()
}

#[tokio::test]
async fn an_unsigned_request_is_refused_in_the_services_own_words_and_no_sooner_than_told() {
    let latency = Duration::from_millis(80);
    let lab = start(small(), Options { latency, ..Options::default() }).await;
    let begun = Instant::now();
    let eks = bare_request(lab.endpoint(), "/clusters").await;
    assert!(begun.elapsed() >= latency);
    assert!(eks.starts_with("HTTP/1.1 403"), "{eks}");
    assert!(eks.contains("x-amzn-errortype: MissingAuthenticationTokenException"), "{eks}");
    assert!(eks.contains("x-amzn-requestid: "), "{eks}");
    let iam = bare_request(lab.endpoint(), "/?Action=ListRoles&Version=2010-05-08").await;
    assert!(iam.contains("<Code>MissingAuthenticationToken</Code>"), "{iam}");
}

#[tokio::test]
async fn a_stopped_lab_gives_its_port_back_and_the_next_one_hands_out_the_same_keys() {
    // Below the range from which systems give out ports, so that nobody else comes by one just now.
    let mut port = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let lab = loop {
        match Lab::start(small(), Options { port, ..Options::default() }).await {
            Ok(lab) => break lab,
            Err(LabError::Listen { .. }) => port += 1,
            Err(error) => panic!("{error}"),
        }
    };
    let first = (lab.endpoint().to_owned(), lab.credentials());
    assert_eq!(first.0, format!("http://127.0.0.1:{port}"));
    let taken = Lab::start(small(), Options { port, ..Options::default() }).await;
    assert!(matches!(taken, Err(LabError::Listen { .. })), "{taken:?}");
    lab.stop().await;
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    let again = start(small(), Options { port, ..Options::default() }).await;
    assert_eq!((again.endpoint().to_owned(), again.credentials()), first);
}

#[tokio::test]
async fn a_principal_is_named_by_its_arn_or_its_name() {
    let lab = start(small(), Options::default()).await;
    let name = |who: &str| lab.credentials_for(who).map(|it| it.access_key_id).map_err(|it| it.to_string());
    let viewer = name("viewer").unwrap();
    for same in [
        "role/viewer",
        "role/teams/blue/viewer",
        "arn:aws:iam::111122223333:role/teams/blue/viewer",
        "arn:aws:sts::111122223333:assumed-role/viewer/lab",
    ] {
        assert_eq!(name(same), Ok(viewer.clone()), "{same}");
    }
    assert!(name("ann").unwrap().starts_with("AKIA"));
    assert!(name("arn:aws:iam::111122223333:root").unwrap().starts_with("AKIA"));
    assert!(name("arn:aws:iam::555566667777:role/partner").unwrap().starts_with("ASIA"), "a stranger may come");
    for none in
        ["none", "user/viewer", "role/ann", "arn:aws:iam::111122223333:role/none", "arn:aws:iam::555566667777:user/x"]
    {
        assert!(name(none).unwrap_err().contains("no principal"), "{none}");
    }
    assert!(name("arn:aws:s3:::bucket").unwrap_err().contains("not the ARN of a principal"));
}

/// How a section was left: what was read, and what stopped it.
fn left<T>(section: &Section<Vec<T>>) -> (usize, Option<FailureKind>) {
    let rest = |missing: &[Missing]| missing.iter().find(|it| it.item.is_none()).map(|it| it.failure.kind.clone());
    let stopped = match section.state() {
        State::Refused(failure) | State::Failed(failure) => Some(failure.kind.clone()),
        State::Partial { missing, .. } => rest(missing),
        _ => None,
    };
    (section.items().len(), stopped)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_world_fails_again_as_it_did_when_it_was_taken() {
    use FailureKind::{Throttled, Unauthenticated, Unexpected, Unreachable};
    let mut world = small();
    let failure =
        |kind| Failure { kind, doing: "read it".into(), on: String::new(), code: None, message: "it broke".into() };
    let mut note = |section: &str, state, kind: FailureKind| {
        let (whole, missing) = match state {
            SectionState::Partial => (None, vec![MissingNote { item: None, failure: failure(kind) }]),
            _ => (Some(failure(kind)), Vec::new()),
        };
        let note = SectionNote { state, failure: whole, because: None, missing };
        world.sections.insert(format!("eu-west-1/new/{section}"), note);
    };
    note("accessEntries", SectionState::Partial, Throttled);
    note("pods", SectionState::Partial, Unreachable);
    note("nodegroups", SectionState::Failed, Throttled);
    note("addons", SectionState::Failed, Unreachable);
    note("fargateProfiles", SectionState::Failed, Unexpected);
    note("nodes", SectionState::Failed, Throttled);
    note("roles", SectionState::Refused, Unauthenticated);
    note("roleBindings", SectionState::Failed, Unreachable);
    note("serviceAccounts", SectionState::Failed, Unexpected);

    let lab = start(world, Options { page_size: Some(2), ..Options::default() }).await;
    let Credentials { access_key_id, secret_access_key, session_token } = lab.credentials();
    let credentials = cloud::Credentials { access_key_id, secret_access_key, session_token };
    let session = cloud::Options {
        regions: vec![lab.region().to_owned()],
        attempts: 1,
        endpoint: Some(cloud::Endpoint { url: lab.endpoint().to_owned(), credentials }),
        ..cloud::Options::default()
    };
    let session = Session::open(session, None).await.unwrap();
    let id = ClusterId { region: lab.region().to_owned(), name: "new".to_owned() };
    let facts = load::collect(|tx| load::cluster(&session, id.clone(), tx)).await.cluster(&id);

    assert_eq!(left(&facts.access_entries), (5, Some(Throttled)), "all that was read, and then the failure");
    assert_eq!(left(&facts.pods), (3, Some(Unreachable)));
    assert_eq!(left(&facts.nodegroups), (0, Some(Throttled)));
    let addons = facts.addons.failure().unwrap();
    assert_eq!(addons.kind, Unreachable, "nothing answers: {addons}");
    assert_eq!(left(&facts.fargate_profiles), (0, Some(Unexpected)));
    assert_eq!(left(&facts.nodes), (0, Some(Throttled)));
    assert_eq!(left(&facts.roles), (0, Some(Unauthenticated)));
    assert_eq!(left(&facts.role_bindings), (0, Some(Unreachable)));
    assert_eq!(left(&facts.service_accounts), (0, Some(Unexpected)));
    assert_eq!(left(&facts.namespaces), (3, None), "what was read is whole");
}
