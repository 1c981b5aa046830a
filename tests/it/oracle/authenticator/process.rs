//! The program around the server of aws-iam-authenticator: finding it, starting it, and asking it.
//!
//! `tests/oracle/build authenticator` builds it. A question is a ConfigMap and the sessions to ask about under it; the
//! answers are what the server said to TokenReviews.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::server::{MUST, say, script};

/// The data of an aws-auth ConfigMap; `None` if there is none.
pub(crate) type Data = Option<BTreeMap<String, String>>;

/// What STS says about the signer of a token.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session {
    pub(crate) arn: String,
    pub(crate) account: String,
    pub(crate) user_id: String,
    pub(crate) access_key_id: String,
    /// The STS endpoint that the token is for.
    pub(crate) host: String,
    /// The name that EC2 knows the instance by that the session is named after; empty if EC2 knows none.
    pub(crate) private_dns_name: String,
}

/// Who a session is for Kubernetes; `denied` says why it is nobody.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Identity {
    pub(crate) username: String,
    pub(crate) groups: Vec<String>,
    #[serde(default)]
    pub(crate) denied: String,
}

/// The server's answers to one question.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Answer {
    /// For each session the distinct answers: several where the server chooses at random.
    pub(crate) sessions: Vec<Vec<Identity>>,
    /// What the server logged about the ConfigMap.
    #[serde(default)]
    pub(crate) log: Option<Vec<String>>,
}

/// The running program.
pub(crate) struct Authenticator {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// `v0.7.18`
    pub(crate) version: String,
}

impl Authenticator {
    /// Starts it. `None`, after a line that says so, if it is not built and not required.
    pub(crate) fn start(left_out: &str) -> Option<Authenticator> {
        let found = script("build").args(["--where", "authenticator"]).output().unwrap();
        if !found.status.success() {
            let line = format!(
                "aws-iam-authenticator is not built; run tests/oracle/build authenticator — {left_out} left out"
            );
            assert!(!std::env::var(MUST).is_ok_and(|it| it == "require"), "oracle: {line}, but {MUST}=require");
            say(&line);
            return None;
        }
        let directory = String::from_utf8(found.stdout).unwrap();
        let mut child = std::process::Command::new(format!("{}/authenticator", directory.trim()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut it = Authenticator { child, stdin, stdout, version: String::new() };
        let first: Value = serde_json::from_str(&it.read_line("it started")).unwrap();
        it.version = first["version"].as_str().unwrap().to_owned();
        Some(it)
    }

    /// Asks about each session `times` times, since the server picks some rows at random.
    pub(crate) fn ask(&mut self, data: &Data, sessions: &[Session], times: usize) -> Answer {
        let sessions: Vec<Value> = sessions
            .iter()
            .map(|session| {
                let mut session = serde_json::to_value(session).unwrap();
                session["times"] = times.into();
                session
            })
            .collect();
        let question = serde_json::json!({ "data": data, "sessions": sessions });
        let stdin = self.stdin.as_mut().unwrap();
        let sent = writeln!(stdin, "{question}").and_then(|()| stdin.flush());
        let answer = self.read_line(&format!("{data:?}"));
        sent.unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    fn read_line(&mut self, doing: &str) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the authenticator ended (its reason is on stderr) when asked about {doing}");
        line
    }
}

impl Drop for Authenticator {
    fn drop(&mut self) {
        // The end of its stdin ends it.
        self.stdin = None;
        let _ = self.child.wait();
    }
}
