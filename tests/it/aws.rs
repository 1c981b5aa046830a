//! The aws command line as a client of a lab, started once for the many commands of all tests. Where it is not installed, a
//! test says so and is left out.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{LazyLock, Mutex};

use eksplorer::lab::Lab;
use serde_json::Value;

use crate::lab::{have, run};

/// The program, ready to be called.
pub(crate) struct Aws {
    /// Where it stands as `aws`.
    folder: PathBuf,
    /// Its standard input is closed when the tests end, which ends it.
    _server: Mutex<Child>,
}

static AWS: LazyLock<Option<Aws>> = LazyLock::new(|| {
    if !have("python3", &["-c", "import awscli.clidriver"]) {
        return None;
    }
    let folder = std::env::temp_dir().join(format!("eksplorer-{}-aws-often", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let mut server = Command::new("python3");
    server.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/aws_often.py")).arg(&folder);
    let mut server = server.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let ready = BufReader::new(server.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    assert_eq!(ready, "ready");
    Some(Aws { folder, _server: Mutex::new(server) })
});

/// `None` where it is not installed.
pub(crate) async fn aws() -> Option<&'static Aws> {
    tokio::task::spawn_blocking(|| AWS.as_ref()).await.unwrap()
}

impl Aws {
    /// The search path on which it comes first.
    pub(crate) fn path(&self) -> String {
        format!("{}:{}", self.folder.display(), std::env::var("PATH").unwrap_or_default())
    }

    /// A command for which `aws` is this one, with a lab as its AWS and nothing else of the environment.
    pub(crate) fn command(&self, lab: &Lab, program: &str) -> Command {
        let mut command = Command::new(program);
        let keys = lab.credentials();
        command.env_clear().env("PATH", self.path());
        command.env("HOME", &self.folder).env("LC_ALL", "C.UTF-8").env("AWS_CONFIG_FILE", "/dev/null");
        command.env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null").env("AWS_EC2_METADATA_DISABLED", "true");
        command.env("AWS_ENDPOINT_URL", lab.endpoint()).env("AWS_DEFAULT_REGION", lab.region());
        command.env("AWS_ACCESS_KEY_ID", keys.access_key_id).env("AWS_SECRET_ACCESS_KEY", keys.secret_access_key);
        if let Some(token) = keys.session_token {
            command.env("AWS_SESSION_TOKEN", token);
        }
        command.current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    /// `aws eks OPERATION ARGUMENTS`, which must go well.
    pub(crate) async fn eks(&self, lab: &Lab, arguments: &[&str]) -> Value {
        let mut command = self.command(lab, "aws");
        command.arg("eks").args(arguments).args(["--output", "json"]);
        let out = run(command).await;
        assert!(out.status.success(), "aws eks {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice(&out.stdout).unwrap_or_default()
    }

    /// Runs a script with bash, to its end.
    pub(crate) async fn bash(&self, lab: &Lab, script: &str) -> Output {
        let mut command = self.command(lab, "bash");
        command.arg("-c").arg(script);
        run(command).await
    }
}
