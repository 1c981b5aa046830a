//! How the user of a kubeconfig's context proves who he is.
//!
//! Decides, as `kubectl` does, which of a user's settings count: a token, a file with one, a client certificate, or an exec
//! plugin, which is run once, away from the terminal, and again when what it gave has ended. What cannot be used is refused
//! with its reason.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use jiff::Timestamp;
use kube::config::{AuthInfo, ExecAuthCluster, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::kubeconfig::{certificates, is_version_1};
use crate::cloud::programs::{Program, ProgramError, run_program};
use crate::cloud::status_board::StatusBoard;
use crate::model::failure::FailureKind;

/// A token file is read again so often: it is replaced before the token ends.
const FILE_READ_AGAIN: Duration = Duration::from_secs(60);
/// Until when something is good that names no end.
const WITHOUT_END: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
const VERSIONS: [&str; 2] = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

/// Why a user cannot prove who he is.
#[derive(Clone, Debug)]
pub(in crate::cloud) struct UserTrouble {
    pub(super) kind: FailureKind,
    pub(super) message: String,
}

impl UserTrouble {
    fn invalid(message: String) -> Self {
        UserTrouble { kind: FailureKind::Invalid, message }
    }
}

/// Where a bearer token comes from.
#[derive(Clone, Debug)]
pub(super) enum BearerSource {
    /// A file, and the token that counts if the file cannot be read.
    File(String, Option<String>),
    /// The exec plugin of a user.
    Exec(Box<ExecPlugin>),
}

/// An exec plugin, ready to be run.
#[derive(Clone, Debug)]
pub(super) struct ExecPlugin {
    user: String,
    version: String,
    program: Program,
    install_hint: Option<String>,
}

/// What a plugin gave.
pub(super) struct Given {
    pub(super) token: Option<String>,
    certificate: Option<(String, String)>,
    pub(super) until: SystemTime,
}

/// A user, ready for use.
pub(super) struct ReadyUser {
    /// What kube sends by itself: certificates, passwords, whom to impersonate.
    pub(super) auth: AuthInfo,
    /// Where the token comes from that we send; `None` if kube sends one or there is none.
    pub(super) bearer: Option<BearerSource>,
    /// A token at hand, and until when it is good.
    pub(super) first: Option<(HeaderValue, SystemTime)>,
    /// When the client certificate that a plugin gave ends.
    pub(super) until: Option<SystemTime>,
}

/// Makes a user ready; runs the exec plugin, if there is one.
pub(super) async fn prepare_user(
    name: &str,
    auth: AuthInfo,
    cluster: Option<ExecAuthCluster>,
    (patience, board): (Duration, &StatusBoard),
) -> Result<ReadyUser, UserTrouble> {
    let of_user = |why: String| UserTrouble::invalid(format!("user {name:?} of the kubeconfig: {why}"));
    if let Some(provider) = auth.auth_provider.as_ref().filter(|it| it.name != "oidc") {
        let why =
            format!("auth-provider {:?} is no longer supported, by kubectl neither: use an exec plugin", provider.name);
        return Err(of_user(why));
    }
    check_certificate(&auth).map_err(of_user)?;
    // As JSON: the secrets in it are of types that cannot be read otherwise.
    let mut plain = serde_json::to_value(&auth).map_err(|error| of_user(error.to_string()))?;
    let take = |plain: &mut Value, key: &str| {
        let taken = plain.as_object_mut().and_then(|it| it.remove(key));
        taken.and_then(|it| it.as_str().map(str::to_owned)).filter(|it| !it.is_empty())
    };
    let file = take(&mut plain, "tokenFile");
    let mut ready = ReadyUser { auth: AuthInfo::default(), bearer: None, first: None, until: None };
    if let Some(file) = file {
        ready.bearer = Some(BearerSource::File(file, take(&mut plain, "token")));
    } else if auth.token.is_none()
        && let Some(exec) = &auth.exec
    {
        let plugin = ExecPlugin::new(name, exec, cluster, (patience, board)).map_err(of_user)?;
        let given = plugin.run().await?;
        if let Some((certificate, key)) = &given.certificate {
            check_pem(certificate.as_bytes())
                .map_err(|why| of_user(format!("the certificate of its exec plugin {why}")))?;
            plain["client-certificate-data"] = BASE64_STANDARD.encode(certificate).into();
            plain["client-key-data"] = BASE64_STANDARD.encode(key).into();
            ready.until = Some(given.until);
        }
        if let Some(token) = &given.token {
            ready.first = Some((header(token).map_err(of_user)?, given.until));
            ready.bearer = Some(BearerSource::Exec(Box::new(plugin)));
        }
    }
    take(&mut plain, "exec");
    ready.auth = serde_json::from_value(plain).map_err(|error| of_user(error.to_string()))?;
    Ok(ready)
}

impl BearerSource {
    /// A token as a header, and until when it is good.
    pub(super) async fn token(&self, now: SystemTime) -> Result<(HeaderValue, SystemTime), UserTrouble> {
        match self {
            BearerSource::File(path, fallback) => {
                let read = tokio::fs::read_to_string(path).await.map_err(|error| error.to_string());
                let read = read.and_then(|text| match text.trim() {
                    "" => Err("it is empty".to_owned()),
                    token => Ok(token.to_owned()),
                });
                let token = match (read, fallback) {
                    (Ok(token), _) => token,
                    (Err(_), Some(token)) => token.clone(),
                    (Err(why), None) => {
                        return Err(UserTrouble::invalid(format!(
                            "the tokenFile {path} of the kubeconfig cannot be read: {why}"
                        )));
                    }
                };
                Ok((header(&token).map_err(UserTrouble::invalid)?, now + FILE_READ_AGAIN))
            }
            BearerSource::Exec(plugin) => {
                let given = plugin.run().await?;
                let token = given.token.ok_or_else(|| plugin.trouble("gave no token this time"))?;
                Ok((header(&token).map_err(|why| plugin.trouble(&why))?, given.until))
            }
        }
    }
}

fn header(token: &str) -> Result<HeaderValue, String> {
    let mut header = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| "the token holds characters that no token has".to_owned())?;
    header.set_sensitive(true);
    Ok(header)
}

/// Refuses a client certificate that the TLS library would refuse with a misleading word.
fn check_certificate(auth: &AuthInfo) -> Result<(), String> {
    let filled = |it: &Option<String>| it.clone().filter(|it| !it.is_empty());
    let has_key = filled(&auth.client_key).is_some() || auth.client_key_data.is_some();
    let (pem, from) = match (filled(&auth.client_certificate_data), filled(&auth.client_certificate)) {
        (Some(data), _) => {
            let wrong = |error| format!("client-certificate-data is not base64: {error}");
            (BASE64_STANDARD.decode(data.trim()).map_err(wrong)?, "client-certificate-data".to_owned())
        }
        (None, Some(path)) => {
            let wrong = |error| format!("client-certificate {path} cannot be read: {error}");
            (std::fs::read(&path).map_err(wrong)?, format!("client-certificate {path}"))
        }
        (None, None) if has_key => return Err("it has a client key, but no client certificate".to_owned()),
        (None, None) => return Ok(()),
    };
    if !has_key {
        return Err("it has a client certificate, but no client key".to_owned());
    }
    check_pem(&pem).map_err(|why| format!("{from} {why}"))
}

fn check_pem(pem: &[u8]) -> Result<(), String> {
    let found = certificates(pem).map_err(|why| format!("cannot be read: {why}"))?;
    if found.first().is_some_and(|it| is_version_1(it)) {
        return Err(
            "is of X.509 version 1, which cannot be used here, though kubectl takes it: make one of version 3 \
                    (with extensions)"
                .to_owned(),
        );
    }
    Ok(())
}

/// What a plugin prints.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential {
    kind: Option<String>,
    api_version: Option<String>,
    status: Option<ExecStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecStatus {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
    expiration_timestamp: Option<String>,
}

impl ExecPlugin {
    fn new(
        user: &str,
        exec: &ExecConfig,
        cluster: Option<ExecAuthCluster>,
        (patience, board): (Duration, &StatusBoard),
    ) -> Result<Self, String> {
        let command = exec.command.clone().filter(|it| !it.is_empty()).ok_or("its exec plugin has no command")?;
        let version = exec.api_version.clone().unwrap_or_default();
        if !VERSIONS.contains(&version.as_str()) {
            return Err(format!(
                "its exec plugin {command} speaks apiVersion {version:?}; only {} are supported. Write the kubeconfig again, \
                 for example with aws eks update-kubeconfig",
                VERSIONS.join(" and ")
            ));
        }
        match exec.interactive_mode {
            None if version == VERSIONS[0] => {
                return Err(format!(
                    "its exec plugin {command} needs interactiveMode, which apiVersion {version} demands"
                ));
            }
            Some(ExecInteractiveMode::Always) => {
                return Err(format!(
                    "its exec plugin {command} wants a terminal to ask on (interactiveMode: Always), which it cannot have here"
                ));
            }
            _ => {}
        }
        let mut spec = json!({ "interactive": false });
        if exec.provide_cluster_info {
            spec["cluster"] = serde_json::to_value(cluster).map_err(|error| error.to_string())?;
        }
        let info = json!({ "kind": "ExecCredential", "apiVersion": version, "spec": spec });
        let set = exec.env.iter().flatten();
        let mut variables: Vec<(String, String)> = set
            .filter_map(|it| Some((it.get("name")?.clone(), it.get("value").cloned().unwrap_or_default())))
            .collect();
        variables.push(("KUBERNETES_EXEC_INFO".to_owned(), info.to_string()));
        let program = Program {
            name: format!("the exec plugin of user {user:?}"),
            command: command.into(),
            arguments: exec.args.clone().unwrap_or_default(),
            variables,
            patience: Some(patience),
            board: board.clone(),
        };
        Ok(ExecPlugin { user: user.to_owned(), version, program, install_hint: exec.install_hint.clone() })
    }

    fn trouble(&self, what: &str) -> UserTrouble {
        let (command, user) = (self.program.command.to_string_lossy(), &self.user);
        UserTrouble::invalid(format!("the exec plugin {command} of user {user:?} in the kubeconfig {what}"))
    }

    async fn run(&self) -> Result<Given, UserTrouble> {
        tracing::info!(user = self.user, "waiting for the exec plugin");
        let out = run_program(&self.program).await.map_err(|error| self.failed(&error))?;
        read_answer(&out, &self.version, SystemTime::now()).map_err(|why| self.trouble(&why))
    }

    fn failed(&self, error: &ProgramError) -> UserTrouble {
        let said = error.said();
        let mut trouble = self.trouble(&said);
        let is_of_aws = said.contains("SSO") || self.program.command.to_string_lossy().contains("aws");
        match error {
            ProgramError::NotStarted(_) => {
                if let Some(hint) = self.install_hint.as_deref().map(str::trim).filter(|it| !it.is_empty()) {
                    trouble.message.push_str(&format!(". How to install it: {hint}"));
                }
            }
            ProgramError::Late(..) => {
                trouble.kind = FailureKind::Unreachable;
                trouble.message.push_str("; run it by hand to see what it waits for, or do without --context");
            }
            ProgramError::Failed(..) if is_of_aws && said.to_lowercase().contains("expired") => {
                trouble.kind = FailureKind::Expired;
            }
            ProgramError::Failed(..) | ProgramError::Stopped(_) => {}
        }
        trouble
    }
}

fn read_answer(out: &[u8], version: &str, now: SystemTime) -> Result<Given, String> {
    // The output is not quoted: it may hold a secret.
    let said: ExecCredential = serde_json::from_slice(out).map_err(|error| match out.trim_ascii() {
        [] => "printed nothing".to_owned(),
        _ => {
            format!("printed something else than an ExecCredential (line {}, column {})", error.line(), error.column())
        }
    })?;
    if said.kind.as_deref() != Some("ExecCredential") {
        return Err(format!("printed a {:?}, not an ExecCredential", said.kind.unwrap_or_default()));
    }
    if said.api_version.as_deref() != Some(version) {
        let other = said.api_version.unwrap_or_default();
        return Err(format!("answered with apiVersion {other:?}; the kubeconfig asks for {version:?}"));
    }
    let status = said.status.ok_or("printed no status")?;
    let filled = |it: Option<String>| it.filter(|it| !it.is_empty());
    let token = filled(status.token);
    let certificate = match (filled(status.client_certificate_data), filled(status.client_key_data)) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => return Err("printed a certificate or a key, but not both".to_owned()),
    };
    if token.is_none() && certificate.is_none() {
        return Err("printed neither a token nor a certificate with its key".to_owned());
    }
    let until = match status.expiration_timestamp {
        None => now + WITHOUT_END,
        Some(text) => {
            let end: Timestamp =
                text.parse().map_err(|_| format!("printed the expirationTimestamp {text:?}, which is no time"))?;
            SystemTime::from(end)
        }
    };
    Ok(Given { token, certificate, until })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_gives_a_token_or_says_what_is_wrong_without_quoting_it() {
        let read = |out: &str| read_answer(out.as_bytes(), VERSIONS[1], SystemTime::UNIX_EPOCH);
        let of = |status: &str| {
            format!(
                r#"{{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","status":{status}}}"#
            )
        };
        let given = read(&of(r#"{"token":"hunter2","expirationTimestamp":"1970-01-01T00:01:00Z"}"#)).unwrap();
        assert_eq!(given.token.as_deref(), Some("hunter2"));
        assert_eq!(given.until, SystemTime::UNIX_EPOCH + Duration::from_secs(60));
        let version1 = of(r#"{"token":"hunter2"}"#).replace("v1beta1", "v1");
        for (out, wanted) in [
            ("hunter2", "something else"),
            ("", "nothing"),
            (r#"{"kind":"Status"}"#, "\"Status\""),
            (version1.as_str(), "asks for \"client.authentication.k8s.io/v1beta1\""),
            (&of("null"), "no status"),
            (&of("{}"), "neither"),
            (&of(r#"{"clientKeyData":"hunter2"}"#), "not both"),
            (&of(r#"{"token":"hunter2","expirationTimestamp":"soon"}"#), "no time"),
        ] {
            let why = read(out).err().unwrap();
            assert!(why.contains(wanted) && !why.contains("hunter2"), "{out}: {why}");
        }
    }
}
