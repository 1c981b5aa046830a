//! The lab's writing side, driven by the ordinary clients. Where a client is not installed its test says so and is left
//! out.

use std::future::Future;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use aws_sdk_eks::error::ProvideErrorMetadata;
use aws_sdk_eks::types::{AccessScope, AccessScopeType};
use clap::Parser;
use eksplorer::cli::Cli;
use eksplorer::lab::{Clock, Credentials, Fault, Faults, Lab, Options, in_order};
use eksplorer::model::document::Document;
use eksplorer::model::failure::FailureKind;
use eksplorer::model::time::Time;
use eksplorer::run::load;
use eksplorer::run::source::Source;
use serde_json::json;

use crate::lab::{Scratch, have, keys, run, shell, small, start};

const NOBODY: &str = "arn:aws:iam::111122223333:role/nobody";
const NODE: &str = "arn:aws:iam::111122223333:role/node";
const VIEW: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";

fn fault(text: &str) -> Fault {
    text.parse().unwrap()
}

/// A client that tries once, so that each call is one.
pub(crate) fn client(endpoint: &str, keys: Credentials) -> aws_sdk_eks::Client {
    let config = aws_sdk_eks::Config::builder()
        .behavior_version(aws_sdk_eks::config::BehaviorVersion::latest())
        .region(aws_sdk_eks::config::Region::new("eu-west-1"))
        .endpoint_url(endpoint)
        .retry_config(aws_sdk_eks::config::retry::RetryConfig::disabled())
        .credentials_provider(aws_credential_types::Credentials::new(
            keys.access_key_id,
            keys.secret_access_key,
            keys.session_token,
            None,
            "test",
        ))
        .build();
    aws_sdk_eks::Client::from_conf(config)
}

fn admin(lab: &Lab) -> aws_sdk_eks::Client {
    client(lab.endpoint(), lab.credentials())
}

fn noon() -> Time {
    Time("2026-11-24T12:00:00Z".parse().unwrap())
}

/// The principals that have an entry in a document's first cluster.
fn principals(document: &Document) -> Vec<&str> {
    document.clusters[0].access_entries.iter().flatten().map(|it| it.principal_arn.as_str()).collect()
}

async fn python(script: &str, setup: serde_json::Value) {
    let mut python = Command::new("python3");
    python.arg(format!("{}/tests/it/{script}", env!("CARGO_MANIFEST_DIR"))).arg(setup.to_string());
    python.env_remove("AWS_PROFILE");
    let out = run(python).await;
    let (said, failed) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{said}\n{failed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn boto3_writes_and_raises_each_error_as_its_class() {
    if !have("python3", &["-c", "import boto3"]) {
        return;
    }
    let lab = start(small(), Options::default()).await;
    let of = |who: &str| keys(&lab.credentials_for(who).unwrap());
    let setup =
        json!({"endpoint": lab.endpoint(), "keys": {"admin": keys(&lab.credentials()), "limited": of("limited")}});
    python("lab_write_boto3.py", setup).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_aws_command_line_drives_every_write_and_reads_it_back() {
    // Its own driver in one process, which is the same program without its start each time.
    if !have("python3", &["-c", "import awscli.clidriver"]) {
        return;
    }
    let lab = start(small(), Options::default()).await;
    let before = lab.watch().document();
    python("lab_write_cli.py", json!({"endpoint": lab.endpoint(), "keys": keys(&lab.credentials())})).await;
    assert_eq!(in_order(lab.watch().document()), in_order(before), "it took away again all that it made");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_given_an_entry_and_a_policy_gets_in_when_the_lag_is_over() {
    if !have("kubectl", &["version", "--client"]) || !have("aws", &["--version"]) {
        return;
    }
    let (clock, scratch) = (Clock::stepped(noon()), Scratch::new("kubectl-granted"));
    let lag = Duration::from_secs(3);
    let options = Options { caller: Some("nobody".into()), lag, clock: clock.clone(), ..Options::default() };
    let lab = start(small(), options).await;
    let (out, err) = shell(&lab, &scratch.0, "kubectl get pods -n a -o name").await;
    assert!(out.is_empty() && err.contains("must be logged in to the server"), "{out}\n{err}");

    let eks = client(lab.endpoint(), lab.credentials_for("role/admin").unwrap());
    eks.create_access_entry().cluster_name("new").principal_arn(NOBODY).send().await.unwrap();
    let scope = AccessScope::builder().r#type(AccessScopeType::Namespace).namespaces("a").build();
    let associate = eks.associate_access_policy().cluster_name("new").principal_arn(NOBODY).policy_arn(VIEW);
    associate.access_scope(scope).send().await.expect("writes see each other at once");
    let described = eks.describe_access_entry().cluster_name("new").principal_arn(NOBODY).send().await.unwrap_err();
    assert!(described.into_service_error().is_resource_not_found_exception(), "not seen yet");
    let (out, err) = shell(&lab, &scratch.0, "kubectl get pods -n a -o name").await;
    assert!(out.is_empty() && err.contains("must be logged in to the server"), "{out}\n{err}");

    clock.step(lag);
    let line = "kubectl get pods -n a -o name; kubectl get pods -n b-1 -o name";
    let (out, err) = shell(&lab, &scratch.0, line).await;
    assert_eq!(out, "pod/web-1\npod/web-2", "{err}");
    assert!(err.contains("pods is forbidden") && err.contains("in the namespace \"b-1\""), "{err}");
    let entry = eks.describe_access_entry().cluster_name("new").principal_arn(NOBODY).send().await.unwrap();
    assert_eq!(entry.access_entry.unwrap().created_at.unwrap().secs(), noon().0.as_second());
}

#[tokio::test]
async fn the_rust_sdk_knows_each_error_by_its_type() {
    let lab = start(small(), Options::default()).await;
    let eks = admin(&lab);
    let create = |cluster: &str, arn: &str| eks.create_access_entry().cluster_name(cluster).principal_arn(arn).send();
    let made = create("new", NOBODY).await.unwrap().access_entry.unwrap();
    assert_eq!(made.r#type.as_deref(), Some("STANDARD"));
    let error = |result: Result<_, aws_sdk_eks::error::SdkError<_>>| result.unwrap_err().into_service_error();
    assert!(error(create("new", NOBODY).await).is_resource_in_use_exception());
    assert!(error(create("new", "arn:aws:iam::111122223333:role/none").await).is_invalid_parameter_exception());
    assert!(error(create("old", NOBODY).await).is_invalid_request_exception());
    assert!(error(create("none", NOBODY).await).is_resource_not_found_exception());
    let refused = client(lab.endpoint(), lab.credentials_for("limited").unwrap());
    let refused = refused.create_access_entry().cluster_name("new").principal_arn(NOBODY).send().await;
    let refused = refused.unwrap_err().into_service_error();
    assert_eq!(refused.code(), Some("AccessDeniedException"));
    assert!(refused.message().unwrap().contains("is not authorized to perform: eks:CreateAccessEntry"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_at_once_lose_nothing_and_one_principal_has_one_entry() {
    let lab = start(small(), Options::default()).await;
    let eks = admin(&lab);
    let (all, same): (Vec<_>, Vec<_>) = (0..20)
        .map(|n| {
            let create = |arn: String| {
                let create = eks.create_access_entry().cluster_name("new").principal_arn(arn);
                tokio::spawn(create.send())
            };
            (create(format!("arn:aws:iam::555566667777:role/r{n:02}")), create(NOBODY.to_owned()))
        })
        .unzip();
    for one in all {
        one.await.unwrap().unwrap();
    }
    let mut made = 0;
    for one in same {
        match one.await.unwrap() {
            Ok(_) => made += 1,
            Err(error) => assert!(error.into_service_error().is_resource_in_use_exception()),
        }
    }
    assert_eq!(made, 1);
    let document = lab.watch().document();
    assert_eq!(principals(&document).iter().filter(|arn| arn.contains(":555566667777:role/r")).count(), 20);
}

#[tokio::test]
async fn each_fault_breaks_the_call_that_it_names() {
    let faults = Faults::default();
    let lab = start(small(), Options { faults: faults.clone(), ..Options::default() }).await;
    let eks = admin(&lab);
    let create = || eks.create_access_entry().cluster_name("new").principal_arn(NOBODY).send();
    let is_there = || principals(&lab.watch().document()).contains(&NOBODY);

    for (kind, code) in
        [("throttle", "ThrottlingException"), ("500", "ServerException"), ("refuse", "AccessDeniedException")]
    {
        faults.add(fault(&format!("CreateAccessEntry={kind}")));
        let error = create().await.unwrap_err().into_service_error();
        assert_eq!(error.code(), Some(code));
        assert!(!is_there(), "{kind} does nothing");
        faults.mend();
    }
    assert_eq!(faults.calls("CreateAccessEntry"), 3);

    faults.add(fault("CreateAccessEntry:4=timeout"));
    let waiting = tokio::spawn(create());
    while faults.calls("CreateAccessEntry") < 4 {
        tokio::task::yield_now().await;
    }
    assert!(!waiting.is_finished() && !is_there(), "it came in, and that is all");
    waiting.abort();

    faults.add(fault("CreateAccessEntry:5=drop-after"));
    let lost = create().await.unwrap_err();
    assert!(lost.as_service_error().is_none(), "nothing was answered: {lost:?}");
    assert!(is_there(), "and yet it is done");
    assert!(
        create().await.unwrap_err().into_service_error().is_resource_in_use_exception(),
        "the sixth is as it should be"
    );

    faults.add(fault("DeleteAccessEntry:1=hold"));
    faults.add(fault("DeleteAccessEntry:2=hold-after"));
    let delete = || tokio::spawn(eks.delete_access_entry().cluster_name("new").principal_arn(NOBODY).send());
    let first = delete();
    let held = faults.held().await;
    assert_eq!((held.operation(), held.number(), held.is_awaited()), ("DeleteAccessEntry", 1, true));
    assert!(is_there() && !first.is_finished());
    held.release();
    first.await.unwrap().unwrap();
    assert!(!is_there());

    create().await.unwrap();
    let second = delete();
    let held = faults.held().await;
    assert!(!is_there() && !second.is_finished(), "done, but not answered");
    held.release();
    second.await.unwrap().unwrap();

    create().await.unwrap();
    faults.add(fault("DeleteAccessEntry:3=hold"));
    let third = delete();
    let held = faults.held().await;
    third.abort();
    while held.is_awaited() {
        tokio::task::yield_now().await;
    }
    held.release();
    assert!(delete().await.unwrap().is_ok(), "whoever went away while it was held had nothing done");
}

#[tokio::test]
async fn a_lost_answer_is_found_again_under_its_token() {
    let faults = Faults::from(vec![fault("CreatePodIdentityAssociation:1=drop-after")]);
    let lab = start(small(), Options { faults: faults.clone(), ..Options::default() }).await;
    let eks = admin(&lab);
    let create = || {
        let create = eks.create_pod_identity_association().cluster_name("new").namespace("a").service_account("x");
        create.role_arn(NODE).client_request_token("mine").send()
    };
    assert!(create().await.unwrap_err().as_service_error().is_none());
    let made = create().await.unwrap().association.unwrap();
    let again = create().await.unwrap().association.unwrap();
    assert_eq!(made, again);
    let all = eks.list_pod_identity_associations().cluster_name("new").service_account("x").send().await.unwrap();
    assert_eq!(all.associations().len(), 1);
    assert_eq!(faults.calls("CreatePodIdentityAssociation"), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_calls_of_a_world_in_process_can_be_broken_in_every_protocol() {
    let cli = Cli::parse_from(["eksplorer", "--world", "tests/worlds/small.yaml"]);
    let faults =
        ["ListAccessEntries=refuse", "list/pods=refuse", "list/nodes=throttle", "GetAccountAuthorizationDetails=500"];
    let faults = Faults::from(faults.map(fault).to_vec());
    let serve = Options { faults: faults.clone(), ..Options::default() };
    let source = Source::open_with(&cli.options, serve, None).await.unwrap();
    let Source::Live { session, lab: Some((_, clusters)) } = &source else { panic!("no lab") };
    let id = clusters[0].clone();
    let facts = load::collect(|tx| load::cluster(session, id.clone(), tx)).await.cluster(&id);
    let refused = |permission: &str| FailureKind::Refused { permission: permission.to_owned() };
    assert_eq!(facts.access_entries.failure().unwrap().kind, refused("eks:ListAccessEntries"));
    assert_eq!(facts.pods.failure().unwrap().kind, refused("list pods"));
    assert_eq!(facts.nodes.failure().unwrap().kind, FailureKind::Throttled);
    assert!(facts.namespaces.failure().is_none());
    assert_eq!(faults.calls("ListAccessEntries"), 1);
    assert!(faults.all_calls().contains_key("list/namespaces"), "{:?}", faults.all_calls());
}

/// A program that is ended with the test, however that ends.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lab_of_its_own_tells_what_it_holds_and_lets_it_go_when_told() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_eksplorer"));
    program.args(["lab", "--world", "tests/worlds/small.yaml", "--fault", "CreateAccessEntry:1=hold", "--lag", "0ms"]);
    program.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = Running(program.spawn().unwrap());
    let (out, err) = (program.0.stdout.take().unwrap(), program.0.stderr.take().unwrap());
    // It ends its lines for a shell with the kubeconfig.
    let lines: Vec<String> = blocking(move || {
        let lines = BufReader::new(out).lines().map(Result::unwrap);
        let mut all = Vec::new();
        for line in lines {
            let last = line.contains("KUBECONFIG");
            all.push(line);
            if last {
                break;
            }
        }
        all
    })
    .await;
    let value = |name: &str| {
        let line = lines.iter().find_map(|line| line.strip_prefix(&format!("export {name}=")));
        line.map(|it| it.trim_matches('\'').to_owned())
    };
    let keys = Credentials {
        access_key_id: value("AWS_ACCESS_KEY_ID").unwrap(),
        secret_access_key: value("AWS_SECRET_ACCESS_KEY").unwrap(),
        session_token: value("AWS_SESSION_TOKEN"),
    };
    let eks = client(&value("AWS_ENDPOINT_URL").unwrap(), keys);
    let call = tokio::spawn(eks.create_access_entry().cluster_name("new").principal_arn(NOBODY).send());
    let told = blocking(move || {
        let mut line = String::new();
        BufReader::new(err).read_line(&mut line).unwrap();
        line
    })
    .await;
    let id = program.0.id().to_string();
    assert_eq!(told, format!("held: call 1 of CreateAccessEntry; release it with: kill -USR1 {id}\n"));
    assert!(!call.is_finished());
    let mut kill = Command::new("kill");
    kill.args(["-USR1", &id]);
    assert!(run(kill).await.status.success());
    call.await.unwrap().unwrap();
}

fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> {
    let task = tokio::task::spawn_blocking(work);
    async move { task.await.unwrap() }
}

#[test]
fn a_fault_that_is_none_is_bad_input() {
    for (given, said) in [
        ("CreateAccessEntry", "--fault: \"CreateAccessEntry\" is no fault: write OPERATION[:N]=KIND"),
        ("createaccessentry=500", "is CreateAccessEntry meant?"),
        ("CreateAccessEntry:x=500", "\"x\" is not the number of a call"),
        ("CreateAccessEntry=explode", "\"explode\" is not one of throttle, 500,"),
    ] {
        let out = Command::new(env!("CARGO_BIN_EXE_eksplorer")).args(["lab", "--fault", given]).output().unwrap();
        let err = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{given}: {err}");
        assert!(err.contains(said), "{given}: {err}");
    }
}
