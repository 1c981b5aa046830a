//! The real API server: finding it, starting it once for all tests of the process, and reaching it.
//!
//! Decides nothing about what is asked. It is built by `tests/oracle/build` and run by `tests/oracle/start`, which ends it
//! when this process ends, however it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use eksplorer::cloud::kubernetes::Kubernetes;
use eksplorer::cloud::{Credentials, Endpoint, Options, Session};
use eksplorer::model::cluster::ClusterId;
use http::{Method, Request};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::Value;

/// Set to `require` where the oracle must be there.
pub(crate) const MUST: &str = "EKSPLORER_ORACLE";
/// Users beside `admin`, with their groups.
const USERS: [&str; 2] = ["reader:readers", "nobody"];

/// A server that runs.
pub(crate) struct Server {
    directory: PathBuf,
    /// `v1.34.0`
    pub(crate) version: String,
    // Its stdin is what keeps the server alive.
    _child: Child,
}

/// Prints a line even where the test passes: what is printed by macros, the test harness keeps to itself.
pub(crate) fn say(line: &str) {
    let _ = std::io::stderr().write_all(format!("oracle: {line}\n").as_bytes());
}

/// A script beside these tests.
pub(crate) fn script(name: &str) -> Command {
    Command::new(format!("{}/tests/oracle/{name}", env!("CARGO_MANIFEST_DIR")))
}

/// The server, started by whoever asks first. `None`, and said so, if it is not built; then it must not be required.
pub(crate) fn server(left_out: &str) -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        let programs = script("build").args(["--where", "servers"]).output().unwrap();
        programs.status.success().then(|| Server::start(String::from_utf8(programs.stdout).unwrap().trim()))
    });
    if server.is_none() {
        let line = format!("not built; run tests/oracle/build — {left_out} left out");
        assert!(!std::env::var(MUST).is_ok_and(|it| it == "require"), "oracle: {line}, but {MUST}=require");
        say(&line);
    }
    server.as_ref()
}

impl Server {
    fn start(programs: &str) -> Server {
        let directory = std::env::temp_dir().join(format!("eksplorer-oracle-{}", std::process::id()));
        // Left by another process of the same number that was killed together with its children.
        let _ = std::fs::remove_dir_all(&directory);
        let mut child = script("start")
            .arg(programs)
            .arg(&directory)
            .args(USERS)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        if !ready.starts_with("ready ") {
            let mut why = String::new();
            child.stderr.take().unwrap().read_to_string(&mut why).unwrap();
            panic!("the oracle did not start:\n{why}");
        }
        let version = Command::new(PathBuf::from(programs).join("kube-apiserver")).arg("--version").output().unwrap();
        let version = String::from_utf8(version.stdout).unwrap();
        let version = version.split_whitespace().last().unwrap_or_default().to_owned();
        Server { directory, version, _child: child }
    }

    /// Is it Kubernetes 1.`minor` or newer? Another one than the pinned may stand in.
    pub(crate) fn is_at_least(&self, minor: u32) -> bool {
        let own = self.version.split('.').nth(1).and_then(|it| it.parse::<u32>().ok());
        own.is_some_and(|own| own >= minor)
    }

    /// A kubeconfig with a context for each user.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.directory.join("kubeconfig")
    }

    /// A client of one of the users. It belongs to the runtime that it was made in.
    pub(crate) async fn client(&self, user: &str) -> Client {
        let kubeconfig = Kubeconfig::read_from(self.kubeconfig()).unwrap();
        let options = KubeConfigOptions { context: Some(user.to_owned()), ..KubeConfigOptions::default() };
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
        Client(kube::Client::try_from(config).unwrap())
    }

    /// The program's own door to the server, through a context of a kubeconfig.
    pub(crate) async fn door(&self, kubeconfig: PathBuf, context: &str) -> Kubernetes {
        let credentials =
            Credentials { access_key_id: "AKIANONE".into(), secret_access_key: "none".into(), session_token: None };
        let options = Options {
            context: Some(context.to_owned()),
            kubeconfig: Some(kubeconfig),
            regions: vec!["eu-west-1".into()],
            // Nobody listens there: AWS has no part in this.
            endpoint: Some(Endpoint { url: "http://127.0.0.1:9".into(), credentials }),
            ..Options::default()
        };
        let session = Session::open(options, None).await.unwrap();
        let id = ClusterId { region: "eu-west-1".into(), name: "oracle".into() };
        session.kubernetes(&id, None).await.unwrap()
    }
}

/// Speaks JSON with the server.
#[derive(Clone)]
pub(crate) struct Client(kube::Client);

impl Client {
    pub(crate) async fn get(&self, path: &str) -> Result<Value, kube::Error> {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, kube::Error> {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Whether somebody may, as `kubectl auth can-i --as … --as-group …` asks; the error is what the server said.
    pub(crate) async fn can_i(&self, user: &str, groups: &[&str], attributes: &Value) -> Result<bool, String> {
        let review = serde_json::json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": attributes,
        });
        let mut request = Request::builder()
            .method(Method::POST)
            .uri("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
            .header(http::header::CONTENT_TYPE, "application/json")
            .header("Impersonate-User", user);
        for group in groups {
            request = request.header("Impersonate-Group", *group);
        }
        let request = request.body(serde_json::to_vec(&review).unwrap()).unwrap();
        match self.0.request::<Value>(request).await {
            Ok(said) => Ok(said["status"]["allowed"].as_bool().unwrap_or_default()),
            // Those without credentials may not even ask; then it is asked about them.
            Err(kube::Error::Api(status)) if status.code == 403 => {
                let mut spec = attributes.clone();
                spec["user"] = user.into();
                spec["groups"] = serde_json::json!(["system:unauthenticated"]);
                let review = serde_json::json!({
                    "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec,
                });
                let said = self.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", &review).await;
                said.map(|it| it["status"]["allowed"].as_bool().unwrap_or_default()).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, kube::Error> {
        let body = body.map(|it| serde_json::to_vec(it).unwrap()).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(kube::Error::HttpError)?;
        self.0.request(request).await
    }
}
