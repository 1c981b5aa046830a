//! AWS credentials, as the `aws` command comes by them.
//!
//! Decides when they are asked for: once per session of use, by one task for all that wait, and again shortly before they
//! end. A failure is kept, so that the first error is the one that is shown everywhere, until [`AwsCredentials::forget`]
//! starts afresh. Which source gives them is decided in [`chain`], from the files as [`files`] reads them; asking the source
//! is [`resolve`]'s.

mod chain;
mod code;
pub(super) mod files;
mod ignored;
mod resolve;
mod sso;
mod token_cache;
mod words;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::Credentials as SdkCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_types::os_shim_internal::Env;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::task::AbortHandle;

use chain::{ChosenProfile, CredentialSource, choose_profile, choose_source};
pub(super) use code::CodeAsker;
use files::AwsFiles;
pub(super) use ignored::ignored_settings;
pub(super) use resolve::Reach;
use resolve::Resolver;

use super::lanes::{Rank, Service};
use super::session::Request;
use crate::model::failure::{Failure, FailureKind};

/// Credentials are renewed so long before they end.
const RENEWED_BEFORE: Duration = Duration::from_secs(5 * 60);

/// Why there are no credentials.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub(in crate::cloud) struct CredentialTrouble {
    pub(super) kind: FailureKind,
    pub(super) code: Option<String>,
    pub(super) message: String,
}

impl CredentialTrouble {
    fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        CredentialTrouble { kind, code: None, message: message.into() }
    }

    /// As a failure of a request that needed them.
    pub(super) fn failure(&self, request: &Request) -> Failure {
        request.failure(self.kind.clone(), self.code.as_deref(), &self.message)
    }

    /// Whether asking again at once may help: the network may be back.
    fn passes(&self) -> bool {
        matches!(self.kind, FailureKind::Unreachable | FailureKind::Throttled)
    }
}

/// Which profile of which files.
#[derive(Clone, Debug)]
pub(super) struct AwsSetup {
    pub(super) files: AwsFiles,
    pub(super) profile: ChosenProfile,
}

impl AwsSetup {
    /// Reads the files and chooses the profile.
    pub(super) fn read(given: Option<&str>, env: &Env) -> Result<AwsSetup, String> {
        let files = AwsFiles::read(env)?;
        let profile = choose_profile(given, &files, env)?;
        Ok(AwsSetup { files, profile })
    }

    /// A setting of the profile.
    pub(super) fn setting(&self, name: &str) -> Option<String> {
        self.files.profile(&self.profile.name)?.get(name).cloned()
    }
}

type Outcome = Result<SdkCredentials, CredentialTrouble>;

/// A task that asks for credentials, and what all wait for.
struct Pending {
    outcome: Shared<BoxFuture<'static, Outcome>>,
    task: AbortHandle,
}

struct State {
    /// Counts how often everything was forgotten: what was begun before does not count any more.
    generation: u64,
    /// Where credentials come from, or why that cannot be told.
    source: Result<CredentialSource, String>,
    reach: Reach,
    /// The credentials at hand, and when to renew them; `None` for those that never end.
    kept: Option<(SdkCredentials, Option<SystemTime>)>,
    /// AWS itself has refused the credentials at hand, whatever the clock here says of their end.
    are_refused: bool,
    failed: Option<CredentialTrouble>,
    pending: Option<Pending>,
}

struct Inner {
    /// The profile that was named to this program itself.
    given: Option<String>,
    env: Env,
    asker: CodeAsker,
    state: Mutex<State>,
}

/// The credentials of a session. Clones share them.
#[derive(Clone)]
pub(super) struct AwsCredentials(Arc<Inner>);

impl std::fmt::Debug for AwsCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AwsCredentials").finish_non_exhaustive()
    }
}

impl AwsCredentials {
    /// Decides on the source; asks nobody yet.
    pub(super) fn new(
        given: Option<String>,
        env: Env,
        setup: &AwsSetup,
        reach: Reach,
        asker: CodeAsker,
    ) -> Result<AwsCredentials, String> {
        let source = choose_source(&setup.profile, &setup.files, &env)?;
        reach.board.change(|status| status.way = source.sign_in_way());
        let state = Mutex::new(State {
            generation: 0,
            source: Ok(source),
            reach,
            kept: None,
            are_refused: false,
            failed: None,
            pending: None,
        });
        Ok(AwsCredentials(Arc::new(Inner { given, env, asker, state })))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for the code of an MFA device now, while the terminal is free to ask on, if one is needed and is asked for there.
    pub(super) async fn ask_on_terminal(&self) -> Result<(), Failure> {
        if self.0.asker.asks_on_terminal() && self.state().source.as_ref().is_ok_and(|it| it.mfa().is_some()) {
            let request = Request::aws(Service::Sts, "AssumeRole", "find credentials", "", Rank::Page);
            self.provide().await.map_err(|trouble| trouble.failure(&request))?;
        }
        self.0.asker.leave_terminal();
        Ok(())
    }

    /// Starts afresh from a configuration that was read again, or that cannot be read any more: programs and services are
    /// asked again. What a code was given for stays as long as it is good, if it is still asked for in the same way.
    pub(super) fn start_over(&self, fresh: Result<(AwsSetup, SdkConfig), String>) {
        let fresh = fresh.and_then(|(setup, sdk)| {
            let source = choose_source(&setup.profile, &setup.files, &self.0.env)?;
            Ok((source, sdk))
        });
        let mut state = self.state();
        if let Some(pending) = &state.pending {
            // With it a program that it waits for is ended.
            pending.task.abort();
        }
        let mut reach = state.reach.clone();
        let source = fresh.map(|(source, sdk)| {
            reach.sdk = sdk;
            source
        });
        let is_same = |source: &CredentialSource| source.mfa().is_some() && state.source.as_ref() == Ok(source);
        let stays = source.as_ref().is_ok_and(is_same) && !state.are_refused;
        let kept = state.kept.take().filter(|(credentials, _)| stays && is_good(credentials));
        let way = source.as_ref().map(CredentialSource::sign_in_way).unwrap_or_default();
        reach.board.change(|status| status.way = way);
        let generation = state.generation + 1;
        *state = State { generation, source, reach, kept, are_refused: false, failed: None, pending: None };
    }

    /// AWS says that the credentials at hand have ended or are none: a fresh start does not keep them.
    pub(super) fn refused(&self) {
        self.state().are_refused = true;
    }

    /// The credentials. A wait that is given up does not break off the asking.
    pub(super) async fn provide(&self) -> Outcome {
        loop {
            let (waiting, generation) = {
                let mut state = self.state();
                match (&state.kept, &state.failed, &state.pending) {
                    (Some((credentials, renewal)), _, _) if renewal.is_none_or(|at| SystemTime::now() < at) => {
                        return Ok(credentials.clone());
                    }
                    // Nobody waits for a person as long as nobody must.
                    (Some((credentials, _)), _, pending) if state.asks_a_person() && is_good(credentials) => {
                        let credentials = credentials.clone();
                        if pending.is_none() {
                            // The task goes on by itself.
                            drop(self.begin(&mut state));
                        }
                        return Ok(credentials);
                    }
                    (_, Some(failed), _) => return Err(failed.clone()),
                    (_, _, Some(pending)) => (pending.outcome.clone(), state.generation),
                    _ => (self.begin(&mut state), state.generation),
                }
            };
            let outcome = waiting.await;
            // Broken off to start afresh: then the new asking is waited for.
            if outcome.is_ok() || self.state().generation == generation {
                return outcome;
            }
        }
    }

    fn begin(&self, state: &mut State) -> Shared<BoxFuture<'static, Outcome>> {
        let task = tokio::spawn(self.clone().fetch(state.generation, state.source.clone(), state.reach.clone()));
        let abort = task.abort_handle();
        let broken_off = || CredentialTrouble::new(FailureKind::Unexpected, "asking for credentials was broken off");
        let outcome = task.map(move |ended| ended.unwrap_or_else(|_| Err(broken_off()))).boxed().shared();
        state.pending = Some(Pending { outcome: outcome.clone(), task: abort });
        outcome
    }

    async fn fetch(self, generation: u64, source: Result<CredentialSource, String>, reach: Reach) -> Outcome {
        let outcome = match &source {
            Ok(source) => Resolver::new(&reach, &self.0.asker).resolve(source).await,
            Err(why) => Err(CredentialTrouble::new(FailureKind::Invalid, why.clone())),
        };
        let mut state = self.state();
        if state.generation != generation {
            return outcome;
        }
        state.pending = None;
        match outcome {
            Ok(credentials) => {
                let now = SystemTime::now();
                state.kept = Some((credentials.clone(), credentials.expiry().map(|end| renewal(now, end))));
                state.are_refused = false;
                Ok(credentials)
            }
            // Those at hand are good to their end.
            Err(trouble) => match state.kept.as_ref().filter(|(credentials, _)| is_good(credentials)) {
                Some((credentials, _)) => {
                    let credentials = credentials.clone();
                    tracing::warn!(%trouble, "the credentials could not be renewed");
                    // Whoever was asked for a code and gave none is not asked again and again.
                    let again = match state.asks_a_person() {
                        true => credentials.expiry(),
                        false => Some(SystemTime::now() + Duration::from_secs(30)),
                    };
                    state.kept = Some((credentials.clone(), again));
                    Ok(credentials)
                }
                None => {
                    if !trouble.passes() {
                        state.failed = Some(trouble.clone());
                    }
                    Err(trouble)
                }
            },
        }
    }

    /// Signs in by IAM Identity Center: see [`sso`].
    pub(super) async fn sign_in(&self) {
        let reach = self.state().reach.clone();
        // The profile may have been repaired since.
        let fresh = AwsSetup::read(self.0.given.as_deref(), &self.0.env);
        let source = fresh.and_then(|setup| choose_source(&setup.profile, &setup.files, &self.0.env));
        sso::sign_in(source, &reach, &self.0.env).await;
    }
}

impl State {
    fn asks_a_person(&self) -> bool {
        self.source.as_ref().is_ok_and(|it| it.mfa().is_some())
    }
}

fn is_good(credentials: &SdkCredentials) -> bool {
    credentials.expiry().is_none_or(|end| SystemTime::now() < end)
}

/// When to renew: before the end, but no sooner than half the life of those that live shortly.
fn renewal(now: SystemTime, end: SystemTime) -> SystemTime {
    let life = end.duration_since(now).unwrap_or_default();
    end - RENEWED_BEFORE.min(life / 2)
}

impl ProvideCredentials for AwsCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async { self.provide().await.map_err(CredentialsError::provider_error) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::session::CodePrompt;
    use crate::cloud::status_board::StatusBoard;
    use std::path::Path;

    /// Credentials of profile `a`, whose role asks for a code, with a session at hand that is due for renewal.
    fn due(home: &Path, board: &StatusBoard) -> AwsCredentials {
        let env = Env::from_slice(&[("HOME", home.to_str().unwrap())]);
        let setup = AwsSetup::read(Some("a"), &env).unwrap();
        let reach = Reach { sdk: SdkConfig::builder().build(), patience: RENEWED_BEFORE, board: board.clone() };
        let asker = CodeAsker::new(None, CodePrompt::Status, board.clone());
        let credentials = AwsCredentials::new(Some("a".to_owned()), env, &setup, reach, asker).unwrap();
        let now = SystemTime::now();
        let kept = SdkCredentials::new("AKIAKEPT", "s", None, Some(now + RENEWED_BEFORE), "test");
        credentials.state().kept = Some((kept, Some(now)));
        credentials
    }

    fn write_role(home: &Path, role: &str) {
        std::fs::create_dir_all(home.join(".aws")).unwrap();
        let keys = "[profile b]\naws_access_key_id = AKIAB\naws_secret_access_key = s\n";
        let role = format!("[profile a]\nrole_arn = {role}\nsource_profile = b\nmfa_serial = mfa/jane\n{keys}");
        std::fs::write(home.join(".aws/config"), role).unwrap();
    }

    #[tokio::test]
    async fn a_code_is_waited_for_by_nobody_while_what_it_renews_is_good() {
        let home = std::env::temp_dir().join(format!("eksplorer-renewal-{}", std::process::id()));
        write_role(&home, "arn:aws:iam::111122223333:role/a");
        let board = StatusBoard::default();
        let credentials = due(&home, &board);
        let key = async || credentials.provide().await.map(|it| it.access_key_id().to_owned());
        let mut news = board.watch();
        assert_eq!(key().await.unwrap(), "AKIAKEPT");
        let request = news.wait_for(|it| it.code.is_some()).await.unwrap().code.clone().unwrap();
        assert_eq!((request.profile.as_str(), request.serial.as_str()), ("a", "mfa/jane"));
        assert_eq!(key().await.unwrap(), "AKIAKEPT", "once more, with the code still asked for");
        board.give_code(request.number, None);
        while credentials.state().pending.is_some() {
            tokio::task::yield_now().await;
        }
        assert_eq!(key().await.unwrap(), "AKIAKEPT");
        assert!(credentials.state().pending.is_none(), "whoever gave none is not asked again and again");
        std::fs::remove_dir_all(home).unwrap();
    }

    #[tokio::test]
    async fn a_session_outlives_a_fresh_start_only_with_the_same_source() {
        let home = std::env::temp_dir().join(format!("eksplorer-afresh-{}", std::process::id()));
        write_role(&home, "arn:aws:iam::111122223333:role/a");
        let credentials = due(&home, &StatusBoard::default());
        let start_over = || {
            let setup = AwsSetup::read(Some("a"), &credentials.0.env);
            credentials.start_over(setup.map(|setup| (setup, SdkConfig::builder().build())));
        };
        start_over();
        assert!(credentials.state().kept.is_some());
        let kept = credentials.state().kept.clone();
        credentials.refused();
        start_over();
        assert!(credentials.state().kept.is_none(), "AWS refused them, though by the clock here they are good");
        credentials.state().kept = kept;
        start_over();
        assert!(credentials.state().kept.is_some());
        write_role(&home, "arn:aws:iam::111122223333:role/other");
        start_over();
        assert!(credentials.state().kept.is_none(), "they were another role's");
        std::fs::write(home.join(".aws/config"), "[profile b]\n").unwrap();
        start_over();
        let trouble = credentials.provide().await.unwrap_err();
        assert!(trouble.kind == FailureKind::Invalid && trouble.message.contains("no profile \"a\""), "{trouble}");
        std::fs::remove_dir_all(home).unwrap();
    }

    #[test]
    fn what_lives_shortly_is_not_asked_for_all_the_time() {
        let now = SystemTime::UNIX_EPOCH;
        for (life, wanted) in [(3600, 3300), (600, 300), (300, 150), (2, 1)] {
            let at = renewal(now, now + Duration::from_secs(life));
            assert_eq!(at.duration_since(now).unwrap().as_secs(), wanted);
        }
    }
}
