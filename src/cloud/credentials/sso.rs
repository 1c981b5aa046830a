//! Signing in by IAM Identity Center: a device code that a person confirms in a browser, and the token that follows.
//!
//! Decides what is registered and asked, how often the service is asked whether the code was confirmed, and what each end
//! of it says. Every step is told by the session's status. Where the token is kept is [`token_cache`](super::token_cache)'s.

use std::path::PathBuf;
use std::time::Duration;

use aws_config::Region;
use aws_config::retry::RetryConfig;
use aws_sdk_ssooidc::Client;
use aws_sdk_ssooidc::config::http::HttpResponse;
use aws_sdk_ssooidc::error::{ProvideErrorMetadata, SdkError};
use aws_types::os_shim_internal::Env;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::chain::{CredentialSource, SsoSource};
use super::resolve::Reach;
use super::token_cache::{SsoToken, save_token, token_path};
use crate::cloud::failure;
use crate::cloud::lanes::{Rank, Service};
use crate::cloud::session::Request;
use crate::cloud::status_board::StatusBoard;
use crate::model::failure::FailureKind;
use crate::model::sign_in::{DeviceCode, SignInPhase, SsoSignIn};
use crate::model::time::Time;

const DEVICE_CODE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const REFRESH_GRANT: &str = "refresh_token";
/// How often the service is asked, where it does not say: RFC 8628.
const USUAL_INTERVAL: u64 = 5;
/// By how much it is asked more rarely when it says that it was asked too often.
const SLOWER: Duration = Duration::from_secs(5);

/// Signs in; what becomes of it is in the status. Dropping this gives the sign-in up.
pub(super) async fn sign_in(source: Result<CredentialSource, String>, reach: &Reach, env: &Env) {
    let sso = match &source {
        Ok(source) => source.sso().ok_or_else(|| "the profile no longer signs in by IAM Identity Center".to_owned()),
        Err(why) => Err(why.clone()),
    };
    let mut shown = Shown { board: reach.board.clone(), ended: false };
    match sso {
        Ok(sso) => {
            shown.show(Some(sso), SignInPhase::Starting);
            let phase = match fetch_token(sso, reach, env, &mut shown).await {
                Ok(until) => SignInPhase::Done { until: Time(until) },
                Err(why) => SignInPhase::Failed(why),
            };
            shown.show(Some(sso), phase);
        }
        Err(why) => shown.show(None, SignInPhase::Failed(why)),
    }
    shown.ended = true;
}

/// The sign-in in the status; if it ends before its end, it was given up.
struct Shown {
    board: StatusBoard,
    ended: bool,
}

impl Shown {
    fn show(&mut self, sso: Option<&SsoSource>, phase: SignInPhase) {
        let (profile, start_url) = sso.map(|it| (it.profile.clone(), it.start_url.clone())).unwrap_or_default();
        self.board.change(|status| status.sign_in = Some(SsoSignIn { profile, start_url, phase }));
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if !self.ended {
            self.board.change(|status| {
                if let Some(sign_in) = &mut status.sign_in {
                    sign_in.phase = SignInPhase::Canceled;
                }
            });
        }
    }
}

/// A client that was registered, and the code that it was given.
struct Registration {
    client_id: String,
    client_secret: String,
    expires_at: Timestamp,
}

async fn fetch_token(sso: &SsoSource, reach: &Reach, env: &Env, shown: &mut Shown) -> Result<Timestamp, String> {
    let home = env.get("HOME").map(PathBuf::from).map_err(|_| "HOME is not set: the token has no place".to_owned())?;
    let sdk = reach.sdk.to_builder().region(Region::new(sso.region.clone())).build();
    let registration = register(&Client::new(&sdk), sso).await?;
    let started = Instant::now();
    let request = about("StartDeviceAuthorization");
    let device = Client::new(&sdk)
        .start_device_authorization()
        .client_id(&registration.client_id)
        .client_secret(&registration.client_secret)
        .start_url(&sso.start_url)
        .send()
        .await
        .map_err(|error| describe_error(&request, error))?;
    let absent = |name: &str| incomplete("StartDeviceAuthorization", name);
    let device_code = device.device_code.ok_or_else(|| absent("device code"))?;
    let life = Duration::from_secs(u64::try_from(device.expires_in).unwrap_or_default());
    let code = DeviceCode {
        code: device.user_code.ok_or_else(|| absent("user code"))?,
        address: device.verification_uri.ok_or_else(|| absent("verification address"))?,
        whole_address: device.verification_uri_complete,
        until: Time(after(life)),
    };
    let word = code.code.clone();
    shown.show(Some(sso), SignInPhase::Waiting(code));

    // Retried by the asking itself, at the pace that the service wants.
    let sdk = sdk.to_builder().retry_config(RetryConfig::disabled()).build();
    let interval = match u64::try_from(device.interval) {
        Ok(seconds @ 1..) => seconds,
        _ => USUAL_INTERVAL,
    };
    let poll = Poll { client: Client::new(&sdk), registration: &registration, device_code: &device_code };
    let answer = timeout_at(started + life, poll.wait(Duration::from_secs(interval))).await;
    let (access_token, refresh_token, life) =
        answer.unwrap_or_else(|_| Err(format!("the code {word} was not confirmed while it was good")))?;
    let expires_at = after(life);
    let Registration { client_id, client_secret, expires_at: registration_expires_at } = registration;
    let token = SsoToken {
        start_url: sso.start_url.clone(),
        region: sso.region.clone(),
        access_token,
        expires_at,
        client_id,
        client_secret,
        registration_expires_at,
        refresh_token,
    };
    let path = token_path(&home, sso.session.as_deref(), &sso.start_url);
    let place = path.display().to_string();
    let saved = tokio::task::spawn_blocking(move || save_token(&path, &token)).await;
    match saved {
        Ok(Ok(())) => Ok(expires_at),
        Ok(Err(error)) => Err(format!("signed in, but the token could not be written to {place}: {error}")),
        Err(_) => Err("writing the token was broken off".to_owned()),
    }
}

async fn register(client: &Client, sso: &SsoSource) -> Result<Registration, String> {
    let mut call = client.register_client().client_name(env!("CARGO_PKG_NAME")).client_type("public");
    // The older form has neither scopes nor a token that renews itself.
    if sso.session.is_some() {
        call = call.set_scopes(Some(sso.scopes.clone())).grant_types(DEVICE_CODE_GRANT).grant_types(REFRESH_GRANT);
    }
    let answer = call.send().await.map_err(|error| describe_error(&about("RegisterClient"), error))?;
    let absent = |name: &str| incomplete("RegisterClient", name);
    Ok(Registration {
        client_id: answer.client_id.ok_or_else(|| absent("client id"))?,
        client_secret: answer.client_secret.ok_or_else(|| absent("client secret"))?,
        expires_at: Timestamp::from_second(answer.client_secret_expires_at)
            .map_err(|_| absent("valid end of the registration"))?,
    })
}

/// Asking whether a code was confirmed.
struct Poll<'a> {
    client: Client,
    registration: &'a Registration,
    device_code: &'a str,
}

type TokenAnswer = (String, Option<String>, Duration);

impl Poll<'_> {
    /// Asks until the service has decided.
    async fn wait(&self, mut interval: Duration) -> Result<TokenAnswer, String> {
        loop {
            sleep(interval).await;
            match self.ask().await {
                Answered::Token(token) => return Ok(token),
                Answered::Failed(why) => return Err(why),
                Answered::Pending => {}
                Answered::TooOften => interval += SLOWER,
            }
        }
    }

    async fn ask(&self) -> Answered {
        let Registration { client_id, client_secret, .. } = self.registration;
        let answer = self
            .client
            .create_token()
            .client_id(client_id)
            .client_secret(client_secret)
            .grant_type(DEVICE_CODE_GRANT)
            .device_code(self.device_code)
            .send()
            .await;
        match answer {
            Ok(token) => match (token.access_token, u64::try_from(token.expires_in)) {
                (Some(access), Ok(seconds @ 1..)) => {
                    Answered::Token((access, token.refresh_token, Duration::from_secs(seconds)))
                }
                (None, _) => Answered::Failed(incomplete("CreateToken", "access token")),
                (Some(_), _) => Answered::Failed(incomplete("CreateToken", "valid end of the token")),
            },
            Err(error) => self.read_error(error),
        }
    }

    fn read_error<E>(&self, error: SdkError<E, HttpResponse>) -> Answered
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        match error.code() {
            Some("AuthorizationPendingException") => return Answered::Pending,
            Some("SlowDownException") => return Answered::TooOften,
            Some("ExpiredTokenException") => {
                return Answered::Failed(format!("the code has expired ({})", words(&error)));
            }
            Some("AccessDeniedException") => return Answered::Failed(format!("it was denied ({})", words(&error))),
            _ => {}
        }
        let request = about("CreateToken");
        let said = words(&error);
        let found = failure::aws(&request, error);
        match found.kind {
            // The person may still be typing: what passes is waited for as long as the code is good.
            FailureKind::Unreachable => Answered::Pending,
            FailureKind::Throttled => Answered::TooOften,
            _ if said.is_empty() => Answered::Failed(found.to_string()),
            _ => Answered::Failed(format!("CreateToken failed ({said})")),
        }
    }
}

enum Answered {
    Pending,
    TooOften,
    Token(TokenAnswer),
    Failed(String),
}

fn about(operation: &str) -> Request {
    Request::aws(Service::Sts, operation, "ask IAM Identity Center", "", Rank::Page)
}

/// A failure of a step before the code is confirmed.
fn describe_error<E>(request: &Request, error: SdkError<E, HttpResponse>) -> String
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    match words(&error) {
        said if said.is_empty() => failure::aws(request, error).to_string(),
        said => format!("{} failed ({said})", request.operation),
    }
}

/// The service's own words: the code, and the description that only it has.
fn words<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> String {
    let (Some(code), SdkError::ServiceError(context)) = (error.code(), error) else { return String::new() };
    let body: Value = context.raw().body().bytes().and_then(|it| serde_json::from_slice(it).ok()).unwrap_or_default();
    let description = body.get("error_description").and_then(Value::as_str).or(error.message()).unwrap_or_default();
    match description.trim().trim_end_matches('.') {
        "" => code.to_owned(),
        description => format!("{code}: {description}"),
    }
}

fn incomplete(operation: &str, name: &str) -> String {
    format!("IAM Identity Center answered {operation} without a {name}")
}

fn after(life: Duration) -> Timestamp {
    let now = Timestamp::now();
    SignedDuration::try_from(life).ok().and_then(|life| now.checked_add(life).ok()).unwrap_or(now)
}
