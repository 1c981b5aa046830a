//! Kubeconfigs as `kubectl` has them: each user and cluster beside the `kubectl` on this machine, where there is one.
// Says what was compared, and what was left out.
#![allow(clippy::print_stderr)]

use std::convert::Infallible;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use eksplorer::cloud::{Credentials, Endpoint, Options, Session};
use eksplorer::model::cluster::ClusterId;
use eksplorer::model::failure::{Failure, FailureKind};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::credentials::Home;
use crate::lab::{have, run};

/// An API server that says who asked; whose token is `old`, it does not know.
struct WhoAsksServer {
    url: String,
    _server: JoinSet<()>,
}

async fn who_asks_server() -> WhoAsksServer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // Whom it is said to be is sent over TLS only, by `kubectl` at least.
    let url = format!("https://{}", listener.local_addr().unwrap());
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let mut server = JoinSet::new();
    server.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            connections.spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let http = hyper::server::conn::http1::Builder::new();
                let _ = http.serve_connection(TokioIo::new(stream), service_fn(say_who)).await;
            });
        }
    });
    WhoAsksServer { url, _server: server }
}

async fn say_who(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let header =
        |name: &str| request.headers().get(name).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    let sent = header("authorization");
    let mut who = match (sent.strip_prefix("Bearer "), sent.strip_prefix("Basic ")) {
        (Some(token), _) => token.to_owned(),
        (_, Some(pair)) => String::from_utf8(BASE64_STANDARD.decode(pair).unwrap()).unwrap(),
        _ => "nobody".to_owned(),
    };
    if !header("impersonate-user").is_empty() {
        who.push_str(&format!(" as {}", header("impersonate-user")));
    }
    let (status, kind, said) = match request.uri().path() {
        _ if who == "old" => {
            let said = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Unauthorized", "code": 401});
            (401, "application/json", said.to_string())
        }
        "/whoami" => (200, "text/plain", who),
        _ => {
            let said = json!({"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1", "metadata": {},
                "status": {"userInfo": {"username": who}}});
            (201, "application/json", said.to_string())
        }
    };
    Ok(Response::builder().status(status).header("content-type", kind).body(Full::from(said)).unwrap())
}

impl WhoAsksServer {
    /// As a kubeconfig says how to reach it.
    fn cluster(&self) -> Value {
        json!({"server": self.url, "insecure-skip-tls-verify": true})
    }
}

/// A kubeconfig with one context.
fn kubeconfig(cluster: &Value, user: Option<&Value>) -> String {
    let users: Vec<Value> = user.iter().map(|it| json!({"name": "u", "user": it})).collect();
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "k", "cluster": cluster}],
        "users": users,
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
    })
    .to_string()
}

async fn session(kubeconfig: &Path, context: &str) -> Session {
    let credentials = Credentials { access_key_id: "AKIA".into(), secret_access_key: "s".into(), session_token: None };
    let options = Options {
        regions: vec!["eu-west-1".into()],
        context: Some(context.into()),
        kubeconfig: Some(kubeconfig.to_owned()),
        endpoint: Some(Endpoint { url: "http://127.0.0.1:9".into(), credentials }),
        ..Options::default()
    };
    Session::open(options, None).await.unwrap()
}

async fn who(session: &Session) -> Result<String, Failure> {
    let id = ClusterId { region: "eu-west-1".into(), name: "c".into() };
    Ok(session.kubernetes(&id, None).await?.who_am_i().await?.username)
}

const V1: &str = "client.authentication.k8s.io/v1";
const BETA: &str = "client.authentication.k8s.io/v1beta1";

/// A user whose plugin runs this.
fn exec(version: &str, script: &str, more: Value) -> Value {
    let mut exec = json!({"apiVersion": version, "command": "sh", "args": ["-c", script]});
    exec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "exec": exec })
}

/// A script that prints a token: `$T` is whatever the shell makes of it.
fn prints(version: &str, status: &str) -> String {
    format!("cat <<E\n{{\"kind\":\"ExecCredential\",\"apiVersion\":\"{version}\",\"status\":{status}}}\nE")
}

struct Row {
    name: &'static str,
    /// Joined with the server's URL.
    cluster: Value,
    user: Option<Value>,
    want: Result<&'static str, &'static [&'static str]>,
    /// The same can be asked of `kubectl`.
    beside_kubectl: bool,
}

fn row(name: &'static str, user: Value, want: Result<&'static str, &'static [&'static str]>) -> Row {
    Row { name, cluster: json!({}), user: Some(user), want, beside_kubectl: true }
}

fn users() -> Vec<Row> {
    let never = json!({"interactiveMode": "Never"});
    let none = json!({});
    let token = |text: &str| prints(BETA, &format!(r#"{{"token":"{text}"}}"#));
    vec![
        row("a token", json!({"token": "tok"}), Ok("tok")),
        row("a file with a newline", json!({"tokenFile": "token"}), Ok("jwt")),
        row("a file before a token", json!({"token": "tok", "tokenFile": "token"}), Ok("jwt")),
        row("a file that is not there", json!({"tokenFile": "none"}), Err(&["tokenFile", "none", "cannot be read"])),
        row("a token for a file that is not there", json!({"token": "tok", "tokenFile": "none"}), Ok("tok")),
        row("an empty file", json!({"tokenFile": "empty"}), Err(&["tokenFile", "it is empty"])),
        row("a password", json!({"username": "jane", "password": "pw"}), Ok("jane:pw")),
        row("somebody else", json!({"token": "tok", "as": "jane"}), Ok("tok as jane")),
        Row { user: None, ..row("no such user", none.clone(), Err(&["its user \"u\" is not in the kubeconfig"])) },
        row("a plugin", exec(BETA, &token("tok"), none.clone()), Ok("tok")),
        row("a plugin of v1", exec(V1, &prints(V1, r#"{"token":"tok"}"#), never.clone()), Ok("tok")),
        row(
            "v1 without interactiveMode",
            exec(V1, &prints(V1, r#"{"token":"tok"}"#), none.clone()),
            Err(&["needs interactiveMode"]),
        ),
        row(
            "v1alpha1",
            exec("client.authentication.k8s.io/v1alpha1", "true", none.clone()),
            Err(&["v1alpha1\"; only", "aws eks update-kubeconfig"]),
        ),
        row(
            "a terminal is wanted",
            exec(BETA, &token("tok"), json!({"interactiveMode": "Always"})),
            Err(&["interactiveMode: Always"]),
        ),
        row(
            "a variable for the plugin",
            exec(BETA, &token("$T"), json!({"env": [{"name": "T", "value": "given"}]})),
            Ok("given"),
        ),
        row(
            "what a plugin is told",
            exec(
                V1,
                &format!(
                    "echo $KUBERNETES_EXEC_INFO | grep -q '\"server\":\"http' || exit 9; {}",
                    prints(V1, r#"{"token":"told"}"#)
                ),
                json!({"interactiveMode": "Never", "provideClusterInfo": true}),
            ),
            Ok("told"),
        ),
        row(
            "what a plugin is not told",
            exec(
                V1,
                &format!(
                    "echo $KUBERNETES_EXEC_INFO | grep -q '\"server\"' && exit 9; {}",
                    prints(V1, r#"{"token":"told"}"#)
                ),
                never.clone(),
            ),
            Ok("told"),
        ),
        row(
            "a plugin that fails",
            exec(BETA, "echo first sign in >&2; exit 3", none.clone()),
            Err(&["the exec plugin sh of user \"u\" in the kubeconfig failed (exit status 3): first sign in"]),
        ),
        row(
            "a plugin that is not there",
            json!({"exec": {"apiVersion": BETA, "command": "no-such-plugin", "installHint": "brew it"}}),
            Err(&["no-such-plugin", "could not be started", "How to install it: brew it"]),
        ),
        row(
            "another version in the answer",
            exec(V1, &token("tok"), never),
            Err(&["answered with apiVersion", BETA, V1]),
        ),
        row("no status", exec(BETA, &prints(BETA, "null"), none.clone()), Err(&["printed no status"])),
        row("no token", exec(BETA, &prints(BETA, "{}"), none.clone()), Err(&["neither a token nor a certificate"])),
        row(
            "half a certificate",
            exec(BETA, &prints(BETA, r#"{"clientKeyData":"x"}"#), none.clone()),
            Err(&["not both"]),
        ),
        row("no JSON", exec(BETA, "echo hunter2", none.clone()), Err(&["something else than an ExecCredential"])),
        row(
            "a provider of old",
            json!({"auth-provider": {"name": "gcp"}}),
            Err(&["auth-provider \"gcp\"", "exec plugin"]),
        ),
        row("a certificate without key", json!({"client-certificate": "empty"}), Err(&["no client key"])),
        Row { cluster: json!({"server": ""}), ..row("no server", json!({"token": "t"}), Err(&["it has no server"])) },
        Row {
            cluster: json!({"server": "https://127.0.0.1:9", "insecure-skip-tls-verify": true, "certificate-authority-data": "Zm9v"}),
            ..row("trusted and not", json!({"token": "t"}), Err(&["both insecure-skip-tls-verify and"]))
        },
        Row {
            cluster: json!({"server": "https://127.0.0.1:9", "certificate-authority": "none"}),
            ..row("an authority that is not there", json!({"token": "t"}), Err(&["certificate-authority", "none"]))
        },
    ]
}

/// Whether the `kubectl` here reads kubeconfigs as today's does: client.authentication.k8s.io/v1 came with 1.22, and v1alpha1
/// went with 1.24.
fn is_recent_kubectl() -> bool {
    const FIRST: u32 = 24;
    let version = Command::new("kubectl").args(["version", "--client", "-o", "json"]).output();
    let version: serde_json::Value =
        version.ok().and_then(|it| serde_json::from_slice(&it.stdout).ok()).unwrap_or_default();
    let minor = version["clientVersion"]["minor"].as_str().unwrap_or_default();
    let minor: String = minor.chars().take_while(char::is_ascii_digit).collect();
    let is_recent = minor.parse::<u32>().is_ok_and(|it| it >= FIRST);
    if !is_recent {
        eprintln!("left out: kubectl here is older than 1.{FIRST}");
    }
    is_recent
}

#[tokio::test(flavor = "multi_thread")]
async fn every_user_is_whom_kubectl_would_be() {
    let server = who_asks_server().await;
    let kubectl = have("kubectl", &["version", "--client"]) && is_recent_kubectl();
    let (rows, mut differences, mut beside) = (users(), Vec::new(), 0);
    for Row { name, mut cluster, user, want, beside_kubectl } in rows {
        let home = Home::new();
        home.write("token", "jwt\n");
        home.write("empty", "");
        if cluster.get("server").is_none() {
            cluster = server.cluster();
        }
        home.write("kubeconfig", &kubeconfig(&cluster, user.as_ref()));
        let path = home.0.join("kubeconfig");
        let ours = who(&session(&path, "c").await).await;
        let is_wanted = match (&want, &ours) {
            (Ok(wanted), Ok(who)) => who == wanted,
            (Err(wanted), Err(failure)) => {
                let said = failure.advised();
                // None of this is AWS's fault, and no secret is quoted.
                let elsewhere = ["AWS", "aws sso", "--profile", "hunter2"].iter().any(|it| said.contains(it));
                wanted.iter().all(|it| said.contains(it)) && !elsewhere && failure.kind == FailureKind::Invalid
            }
            _ => false,
        };
        if !is_wanted {
            differences.push(format!("{name}: wanted {want:?}, got {ours:?}"));
        }
        if kubectl && beside_kubectl {
            beside += 1;
            let mut command = Command::new("kubectl");
            command
                .args(["get", "--raw", "/whoami", "--kubeconfig"])
                .arg(&path)
                .stdin(Stdio::null())
                .current_dir(&home.0);
            command.env_remove("KUBECONFIG").env("HOME", &home.0);
            let out = run(command).await;
            let theirs = out.status.success().then(|| String::from_utf8(out.stdout).unwrap().trim().to_owned());
            if ours.as_ref().ok() != theirs.as_ref() {
                let said = String::from_utf8_lossy(&out.stderr).into_owned();
                differences.push(format!("{name}: we {ours:?}, kubectl {theirs:?} {said}"));
            }
        }
    }
    eprintln!(
        "kubeconfigs: {} set-ups, {beside} of them beside kubectl, {} differences",
        users().len(),
        differences.len()
    );
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_is_run_once_and_again_when_its_token_has_ended_or_is_refused() {
    let server = who_asks_server().await;
    let home = Home::new();
    let path = home.0.join("kubeconfig");
    let script = |status: &str| {
        let file = home.0.join("runs");
        format!("echo run >>{0}; T=$(wc -l <{0}); {1}", file.display(), prints(BETA, status))
    };
    let open = async |status: &str| {
        let _ = std::fs::remove_file(home.0.join("runs"));
        let user = exec(BETA, &script(status), json!({}));
        home.write("kubeconfig", &kubeconfig(&server.cluster(), Some(&user)));
        session(&path, "c").await
    };
    let lasting = open(r#"{"token":"tok","expirationTimestamp":"2099-01-01T00:00:00Z"}"#).await;
    let all = futures::future::join_all((0..5).map(|_| who(&lasting))).await;
    assert!(all.iter().all(|it| it.as_deref() == Ok("tok")), "{all:?}");
    assert_eq!(home.read("runs"), "run\n");
    lasting.start_afresh().await;
    assert_eq!(who(&lasting).await.as_deref(), Ok("tok"));
    assert_eq!(home.read("runs"), "run\nrun\n", "it was wished for");

    let ended = open(r#"{"token":"tok$T","expirationTimestamp":"2020-01-01T00:00:00Z"}"#).await;
    assert_eq!(who(&ended).await.as_deref(), Ok("tok2"), "the first had ended before it was used");

    let refused = open(r#"{"token":"$([ $T = 1 ] && echo old || echo new)"}"#).await;
    assert_eq!(who(&refused).await.as_deref(), Ok("new"), "one that is refused is asked for again");
    assert_eq!(home.read("runs"), "run\nrun\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_version_1_is_refused_with_its_reason() {
    let home = Home::new();
    let path = home.0.join("kubeconfig");
    if !have("openssl", &["version"]) {
        return;
    }
    let mut made = Command::new("sh");
    made.current_dir(&home.0).args(["-c", "openssl req -newkey rsa:2048 -nodes -keyout key -out csr -subj /CN=jane 2>err && \
        openssl x509 -req -in csr -signkey key -out crt -days 9 2>>err && openssl x509 -in crt -noout -text | grep Version"]);
    let out = run(made).await;
    if !String::from_utf8_lossy(&out.stdout).contains("Version: 1") {
        eprintln!("left out: this openssl makes no certificates of version 1");
        return;
    }
    let user = json!({"client-certificate": "crt", "client-key": "key"});
    home.write("kubeconfig", &kubeconfig(&json!({"server": "https://127.0.0.1:9"}), Some(&user)));
    let failure = who(&session(&path, "c").await).await.unwrap_err();
    assert!(failure.kind == FailureKind::Invalid && failure.message.contains("X.509 version 1"), "{failure}");
    assert!(!failure.message.contains("certificate authority"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_not_there_are_passed_over_and_the_first_word_counts() {
    let server = who_asks_server().await;
    let aws = crate::credentials::WhoAsked::start().await;
    let home = Home::new();
    home.write(".aws/credentials", "[default]\naws_access_key_id = AKIADEF\naws_secret_access_key = s\n");
    let context = |cluster: &str, user: &str| json!({"apiVersion": "v1", "kind": "Config", "contexts": [{"name": "c", "context": {"cluster": cluster, "user": user}}]});
    let mut first = context("k", "u");
    first["users"] = json!([{"name": "u", "user": {"token": "first"}}]);
    let mut second = context("none", "none");
    second["users"] = json!([{"name": "u", "user": {"token": "second"}}]);
    second["clusters"] = json!([{"name": "k", "cluster": server.cluster()}]);
    home.write("a", &first.to_string());
    home.write("b", &second.to_string());
    let ours = async |files: &str, context: &str| {
        let mut command = home.eksplorer(&aws.url, &["list", "aws-auth", "-c", "c", "--context", context]);
        command.env("KUBECONFIG", files);
        let out = run(command).await;
        String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned()
    };
    // All is found; that it leads elsewhere than the cluster is another matter.
    let said = ours("none:a::b", "c").await;
    assert!(said.contains("could not be verified to be this cluster"), "{said}");
    for (files, context, wanted) in [
        ("none", "c", "no context at all"),
        ("a", "c", "its cluster \"k\" is not in the kubeconfig"),
        ("b:a", "c", "its cluster \"none\" is not in the kubeconfig"),
        ("a:b", "cc", "did you mean \"c\"?"),
    ] {
        let said = ours(files, context).await;
        assert!(said.contains(wanted), "{files} {context}: {said}");
    }
}
