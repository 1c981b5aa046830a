//! Asking a source for credentials.
//!
//! Decides what each kind of source is asked and what its failure says: which profile, which service, and what to do. The
//! sources of IAM Identity Center, `aws login`, containers and instances are the SDK's own.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::login::LoginCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::sso::SsoCredentialsProvider;
use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials as SdkCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::Deserialize;

use super::chain::{CredentialSource, RoleSource, SsoSource, WebIdentitySource};
use super::code::CodeAsker;
use super::token_cache::token_path;
use super::words::shell_word;
use super::{CredentialTrouble, Outcome};
use crate::cloud::failure;
use crate::cloud::lanes::{Rank, Service};
use crate::cloud::programs::{Program, ProgramError, run_program};
use crate::cloud::session::Request;
use crate::cloud::status_board::StatusBoard;
use crate::model::failure::{Failure, FailureKind};

/// How the services that give credentials are reached.
#[derive(Clone, Debug)]
pub(in crate::cloud) struct Reach {
    /// The configuration of the clients, without credentials.
    pub(in crate::cloud) sdk: SdkConfig,
    /// How long a program may take.
    pub(in crate::cloud) patience: Duration,
    /// Where a person sees what is waited for.
    pub(in crate::cloud) board: StatusBoard,
}

pub(super) struct Resolver<'a> {
    reach: &'a Reach,
    asker: &'a CodeAsker,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(reach: &'a Reach, asker: &'a CodeAsker) -> Self {
        Resolver { reach, asker }
    }

    /// Asks a source, and first the sources that it rests on.
    pub(super) fn resolve<'s>(&'s self, source: &'s CredentialSource) -> BoxFuture<'s, Outcome> {
        Box::pin(async move {
            match source {
                CredentialSource::Keys(keys) => Ok(SdkCredentials::new(
                    &keys.access_key_id,
                    &keys.secret_access_key,
                    keys.session_token.clone(),
                    None,
                    "keys",
                )),
                CredentialSource::Role(role) => {
                    let by = self.resolve(&role.by).await?;
                    self.assume_role(role, by).await
                }
                CredentialSource::WebIdentity(web) => self.assume_role_with_token(web).await,
                CredentialSource::Sso(sso) => self.ask_sso(sso).await,
                CredentialSource::Login { profile, session } => self.ask_login(profile, session).await,
                CredentialSource::Process { profile, words } => self.run_process(profile, words).await,
                CredentialSource::Container => {
                    let provider = EcsCredentialsProvider::builder().configure(&self.provider_config()).build();
                    provider.provide_credentials().await.map_err(|error| refused("the container's endpoint", &error))
                }
                CredentialSource::Instance => {
                    let provider = ImdsCredentialsProvider::builder().configure(&self.provider_config()).build();
                    provider.provide_credentials().await.map_err(|error| refused("the instance", &error))
                }
                CredentialSource::Nowhere => {
                    Err(CredentialTrouble::new(FailureKind::NoCredentials, failure::NO_CREDENTIALS_ANYWHERE))
                }
            }
        })
    }

    fn provider_config(&self) -> ProviderConfig {
        let sdk = &self.reach.sdk;
        let mut config = ProviderConfig::default().with_region(sdk.region().cloned()).with_use_fips(sdk.use_fips());
        config = config.with_use_dual_stack(sdk.use_dual_stack());
        if let Some(client) = sdk.http_client() {
            config = config.with_http_client(client);
        }
        if let Some(timeouts) = sdk.timeout_config() {
            config = config.with_timeout_config(timeouts.clone());
        }
        config
    }

    async fn assume_role(&self, role: &RoleSource, by: SdkCredentials) -> Outcome {
        let code = match &role.mfa_serial {
            Some(serial) => Some(self.asker.code(role, serial).await?),
            None => None,
        };
        let sdk = self.reach.sdk.to_builder().credentials_provider(SharedCredentialsProvider::new(by)).build();
        let answer = aws_sdk_sts::Client::new(&sdk)
            .assume_role()
            .role_arn(&role.arn)
            .role_session_name(role.session_name.clone().unwrap_or_else(session_name))
            .set_external_id(role.external_id.clone())
            .set_duration_seconds(role.seconds)
            .set_serial_number(role.mfa_serial.clone())
            .set_token_code(code)
            .send()
            .await;
        let request = about_role("AssumeRole", &role.arn);
        let answer = answer.map_err(|error| {
            let mut trouble = with_place(&role.place, &role.arn, failure::aws(&request, error));
            // STS calls this, too, a denial, whoever may assume the role.
            if role.mfa_serial.is_some() && trouble.message.contains("MultiFactorAuthentication failed") {
                trouble.kind = FailureKind::NoCredentials;
                trouble.message.push_str(" A refresh asks for another one.");
            }
            trouble
        })?;
        of_sts(answer.credentials, &format!("profile {:?}", role.profile))
    }

    async fn assume_role_with_token(&self, web: &WebIdentitySource) -> Outcome {
        let file = web.token_file.display();
        let token = tokio::fs::read_to_string(&web.token_file).await.map_err(|error| {
            CredentialTrouble::new(
                FailureKind::Invalid,
                format!("the web identity token file {file} cannot be read: {error}"),
            )
        })?;
        let sdk = self.reach.sdk.to_builder().build();
        let answer = aws_sdk_sts::Client::new(&sdk)
            .assume_role_with_web_identity()
            .role_arn(&web.role)
            .role_session_name(web.session_name.clone().unwrap_or_else(session_name))
            .web_identity_token(token)
            .send()
            .await;
        let request = about_role("AssumeRoleWithWebIdentity", &web.role);
        let place = format!("the token of {file}");
        let answer = answer.map_err(|error| with_place(&place, &web.role, failure::aws(&request, error)))?;
        of_sts(answer.credentials, &place)
    }

    async fn ask_sso(&self, sso: &SsoSource) -> Outcome {
        if !has_token(sso) {
            let (url, profile) = (&sso.start_url, &sso.profile);
            let why = format!(
                "nobody is signed in to {url} (profile {profile:?}). Sign in: aws sso login --profile {}",
                shell_word(profile)
            );
            return Err(CredentialTrouble::new(FailureKind::NoCredentials, why));
        }
        let mut builder = SsoCredentialsProvider::builder()
            .configure(&self.provider_config())
            .account_id(&sso.account)
            .role_name(&sso.role)
            .start_url(&sso.start_url)
            .region(Region::new(sso.region.clone()));
        builder.set_session_name(sso.session.clone());
        let found = builder.build().provide_credentials().await;
        found.map_err(|error| {
            let who = format!("IAM Identity Center (profile {:?}, role {} of {})", sso.profile, sso.role, sso.account);
            sign_in(refused(&who, &error), "aws sso login", &sso.profile)
        })
    }

    async fn ask_login(&self, profile: &str, session: &str) -> Outcome {
        let provider = LoginCredentialsProvider::builder(session).configure(&self.provider_config()).build();
        provider.provide_credentials().await.map_err(|error| {
            sign_in(refused(&format!("the session of aws login (profile {profile:?})"), &error), "aws login", profile)
        })
    }

    async fn run_process(&self, profile: &str, words: &[String]) -> Outcome {
        let what = format!("credential_process of profile {profile:?}");
        let Some((command, arguments)) = words.split_first() else {
            return Err(CredentialTrouble::new(FailureKind::Invalid, format!("{what} is empty")));
        };
        let program = Program {
            name: what.clone(),
            command: command.into(),
            arguments: arguments.to_vec(),
            variables: Vec::new(),
            patience: Some(self.reach.patience),
            board: self.reach.board.clone(),
        };
        tracing::info!(profile, "waiting for credential_process");
        let out = run_program(&program).await.map_err(|error| {
            let kind = match &error {
                ProgramError::NotStarted(_) => FailureKind::Invalid,
                error if error.said().to_lowercase().contains("expired") => FailureKind::Expired,
                _ => FailureKind::NoCredentials,
            };
            CredentialTrouble::new(kind, format!("{what} {}", error.said()))
        })?;
        read_process_output(&out, Timestamp::now())
            .map_err(|(kind, why)| CredentialTrouble::new(kind, format!("{what} {why}")))
    }
}

/// What `credential_process` prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessOutput {
    version: Option<serde_json::Value>,
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    session_token: Option<String>,
    expiration: Option<String>,
}

fn read_process_output(out: &[u8], now: Timestamp) -> Result<SdkCredentials, (FailureKind, String)> {
    let bad = |why: String| (FailureKind::Invalid, why);
    // The output is not quoted: it may hold a secret.
    let said: ProcessOutput = serde_json::from_slice(out).map_err(|error| {
        bad(match out.trim_ascii() {
            [] => "printed nothing".to_owned(),
            _ => format!(
                "printed something else than credentials in JSON (line {}, column {})",
                error.line(),
                error.column()
            ),
        })
    })?;
    if said.version.as_ref().and_then(serde_json::Value::as_i64) != Some(1) {
        let version = said.version.map_or_else(|| "none".to_owned(), |it| it.to_string());
        return Err(bad(format!("printed Version {version}; only 1 is supported")));
    }
    let needed = |value: Option<String>, name: &str| value.ok_or_else(|| bad(format!("printed no {name}")));
    let end = match said.expiration {
        None => None,
        Some(text) => {
            let end: Timestamp =
                text.parse().map_err(|_| bad(format!("printed the Expiration {text:?}, which is no time")))?;
            if end <= now {
                let why = format!(
                    "printed credentials that have expired already (at {end}; it is {})",
                    now.strftime("%FT%TZ")
                );
                return Err((FailureKind::Expired, why));
            }
            Some(SystemTime::from(end))
        }
    };
    let (id, secret) = (needed(said.access_key_id, "AccessKeyId")?, needed(said.secret_access_key, "SecretAccessKey")?);
    Ok(SdkCredentials::new(id, secret, said.session_token.filter(|it| !it.is_empty()), end, "process"))
}

/// Whether there is a token at all, good or not; also where that cannot be told.
fn has_token(sso: &SsoSource) -> bool {
    let Some(home) = std::env::var_os("HOME").map(PathBuf::from) else { return true };
    token_path(&home, sso.session.as_deref(), &sso.start_url).try_exists().unwrap_or(true)
}

/// A name for a session that nobody named.
fn session_name() -> String {
    format!("eksplorer-session-{}", Timestamp::now().as_second())
}

fn about_role(operation: &str, arn: &str) -> Request {
    Request::aws(Service::Sts, operation, "assume the role", arn, Rank::Page)
}

fn with_place(place: &str, arn: &str, failure: Failure) -> CredentialTrouble {
    let message = format!("{place}: the role {arn} could not be assumed: {}", failure.message);
    CredentialTrouble { kind: failure.kind, code: failure.code, message }
}

fn of_sts(credentials: Option<aws_sdk_sts::types::Credentials>, place: &str) -> Outcome {
    let Some(it) = credentials else {
        let why = format!("{place}: STS answered without credentials");
        return Err(CredentialTrouble::new(FailureKind::Unexpected, why));
    };
    let end = SystemTime::try_from(it.expiration).ok();
    Ok(SdkCredentials::new(it.access_key_id, it.secret_access_key, Some(it.session_token), end, "role"))
}

/// What an SDK's source of credentials says.
fn refused(who: &str, error: &CredentialsError) -> CredentialTrouble {
    let request = Request::aws(Service::Sts, "GetCallerIdentity", "find credentials", "", Rank::Page);
    let Failure { kind, code, message, .. } = failure::credentials(&request, error);
    let message = if message == failure::NO_CREDENTIALS_ANYWHERE { message } else { format!("{who}: {message}") };
    CredentialTrouble { kind, code, message }
}

/// Says how to sign in, where that would help.
fn sign_in(trouble: CredentialTrouble, command: &str, profile: &str) -> CredentialTrouble {
    let text = trouble.message.to_lowercase();
    let elsewhere = ["forbidden", "no access"].iter().any(|it| text.contains(it));
    match trouble.kind {
        FailureKind::Expired | FailureKind::NoCredentials if !elsewhere => {
            let quoted = shell_word(profile);
            CredentialTrouble {
                kind: FailureKind::Expired,
                message: format!("{}. Sign in: {command} --profile {quoted}", trouble.message.trim_end_matches('.')),
                code: trouble.code,
            }
        }
        _ => trouble,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_a_process_is_credentials_or_an_error_that_does_not_quote_it() {
        let now: Timestamp = "2026-11-30T00:00:00Z".parse().unwrap();
        let read = |out: &str| read_process_output(out.as_bytes(), now).map_err(|(kind, why)| (kind.clone(), why));
        let good = |more: &str| format!(r#"{{"Version":1,"AccessKeyId":"AKIA","SecretAccessKey":"hunter2"{more}}}"#);
        let found = read(&good(r#","SessionToken":"","Expiration":"2026-11-30T01:00:00+00:00""#)).unwrap();
        assert_eq!((found.access_key_id(), found.session_token()), ("AKIA", None));
        assert!(found.expiry().is_some() && read(&good("")).unwrap().expiry().is_none());
        for (out, kind, wanted) in [
            (good(r#","Expiration":"2026-11-29T00:00:00Z""#), FailureKind::Expired, "have expired already"),
            (good(r#","Expiration":"soon""#), FailureKind::Invalid, "no time"),
            (good("").replace(":1,", ":2,"), FailureKind::Invalid, "Version 2"),
            (good("").replace("\"Version\":1,", ""), FailureKind::Invalid, "Version none"),
            (good("").replace("AccessKeyId", "x"), FailureKind::Invalid, "no AccessKeyId"),
            ("hunter2".to_owned(), FailureKind::Invalid, "something else"),
            ("\n".to_owned(), FailureKind::Invalid, "nothing"),
        ] {
            let (is, why) = read(&out).unwrap_err();
            assert!(is == kind && why.contains(wanted) && !why.contains("hunter2"), "{out}: {why}");
        }
    }
}
