//! With which credentials, in which region, how patiently, and with how many requests at once AWS is asked.
//!
//! Decides the configuration of all clients: region and `AWS_ENDPOINT_URL*` of environment and profile with the credentials
//! of [`credentials`](super::credentials), or an endpoint and credentials given as values, and then nothing of the
//! environment is used. Every request of this room passes [`Session::perform`], which waits for credentials and a slot,
//! measures, names the failure and records the call.

mod clients;

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::os_shim_internal::Env;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use super::answer::AnswerCheck;
use super::credentials::{AwsCredentials, CodeAsker, Reach};
use super::failure::without_userinfo;
use super::kubernetes::Links;
use super::lanes::{Lanes, Rank, Service, Urgency};
use super::limits::Limits;
use super::patience::Patience;
use super::progress::{CallTimes, Progress};
use super::status_board::StatusBoard;
use super::{PageWeight, programs};
use crate::model::failure::{Failure, FailureKind};
use crate::model::section::{SectionId, SectionSet};
use crate::model::sign_in::SessionStatus;
use crate::model::time::Time;
use crate::model::update::Call;
use clients::{Clients, Ground, of_endpoint, regions, unusable};

/// How to reach AWS and Kubernetes.
#[derive(Clone, Debug)]
pub struct Options {
    /// A profile of the AWS configuration files, instead of `AWS_PROFILE`.
    pub profile: Option<String>,
    /// The regions to look into; the first is also the one that STS and IAM are asked in. None: the configured one.
    pub regions: Vec<String>,
    /// A context of the kubeconfig to reach Kubernetes by, instead of what DescribeCluster says.
    pub context: Option<String>,
    /// The kubeconfig that has the context, instead of `KUBECONFIG` and the one in the home directory.
    pub kubeconfig: Option<PathBuf>,
    /// How many requests may run at once per service.
    pub concurrency: usize,
    /// How often a request is tried before it counts as failed.
    pub attempts: u32,
    /// What calls, lists and questions may cost.
    pub limits: Limits,
    /// How long a program that gives credentials may take: a profile's `credential_process`, an exec plugin.
    pub plugin_timeout: Duration,
    /// A code of the MFA device that a role of the profile asks for.
    pub mfa_code: Option<String>,
    /// Where a person is asked for such a code.
    pub code_prompt: CodePrompt,
    /// An endpoint for all AWS services with credentials for it, instead of everything that the environment says.
    pub endpoint: Option<Endpoint>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            profile: None,
            regions: Vec::new(),
            context: None,
            kubeconfig: None,
            concurrency: 8,
            attempts: 4,
            limits: Limits::STANDARD,
            plugin_timeout: programs::PATIENCE,
            mfa_code: None,
            code_prompt: CodePrompt::Nowhere,
            endpoint: None,
        }
    }
}

/// Where a person is asked for the code of an MFA device.
#[derive(Clone, Copy, Debug, Default)]
pub enum CodePrompt {
    /// Nobody can be asked.
    #[default]
    Nowhere,
    /// On the terminal, before the session is open: given a question, the answer, or `None` if nobody gives one.
    Terminal(fn(&str) -> Option<String>),
    /// By the session's status, at any time: see [`Session::give_code`].
    Status,
}

/// One URL at which all AWS services answer.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// `http://127.0.0.1:4321`
    pub url: String,
    /// What to sign with.
    pub credentials: Credentials,
}

/// AWS credentials, which are never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `AKIA…` or `ASIA…`
    pub access_key_id: String,
    /// Signs; is not sent.
    pub secret_access_key: String,
    /// For temporary credentials.
    pub session_token: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// What a request is and what it is for, before it is made.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) service: Service,
    pub(crate) operation: String,
    pub(crate) permission: String,
    pub(crate) doing: &'static str,
    pub(crate) on: String,
    pub(crate) rank: Rank,
    /// Which of the service's kind is asked: a region, a host. Empty where there is one only.
    place: String,
    /// Whether something may be done by it, so that giving it up leaves a doubt.
    writes: bool,
    check: AnswerCheck,
}

impl Request {
    /// A call of an AWS operation, which is also the name of the IAM action that it needs.
    pub(crate) fn aws(
        service: Service,
        operation: &str,
        doing: &'static str,
        on: impl Into<String>,
        rank: Rank,
    ) -> Self {
        let permission = format!("{}:{operation}", service.as_str());
        let check = AnswerCheck::new(service, operation);
        let (operation, place) = (operation.to_owned(), String::new());
        Request { service, operation, permission, doing, on: on.into(), rank, place, writes: false, check }
    }

    /// Something may be done by it.
    pub(super) fn that_writes(self) -> Self {
        Request { writes: true, ..self }
    }

    /// The region that is asked.
    pub(super) fn in_region(mut self, region: &str) -> Self {
        region.clone_into(&mut self.place);
        self
    }

    /// The server that is asked: clusters of one name may be several.
    pub(super) fn asked_of(mut self, host: &str) -> Self {
        host.clone_into(&mut self.place);
        self
    }

    /// The answer must say that it is about this object: the members on the way to its name.
    pub(super) fn naming(mut self, path: &'static [&'static str], name: &str) -> Self {
        self.check.names(path, name);
        self
    }

    /// The check that the answer must pass.
    pub(super) fn check(&self) -> AnswerCheck {
        self.check.clone()
    }

    /// A request to a Kubernetes API server; the permission is verb and resource.
    pub(crate) fn kubernetes(operation: &str, permission: &str, doing: &'static str, on: impl Into<String>) -> Self {
        let on = on.into();
        Request {
            service: Service::Kubernetes,
            operation: operation.to_owned(),
            permission: permission.to_owned(),
            doing,
            place: on.clone(),
            on,
            rank: Rank::Page,
            writes: false,
            check: AnswerCheck::new(Service::Kubernetes, operation),
        }
    }

    pub(crate) fn failure(&self, kind: FailureKind, code: Option<&str>, message: &str) -> Failure {
        Failure {
            kind,
            doing: self.doing.to_owned(),
            on: self.on.clone(),
            code: code.map(str::to_owned),
            message: without_userinfo(message),
        }
    }
}

/// Access to one account as one caller. Clones share connections, slots and credentials.
#[derive(Clone, Debug)]
pub struct Session {
    inner: Arc<Inner>,
    ahead: bool,
    /// The section that requests are made for, where it is one.
    section: Option<SectionId>,
}

#[derive(Debug)]
struct Inner {
    /// Replaced by others when the configuration is read again.
    clients: Mutex<Arc<Clients>>,
    options: Options,
    lanes: [Lanes; 4],
    patience: Patience,
    /// The sections that what is looked at rests on.
    in_view: Mutex<SectionSet>,
    calls: Option<mpsc::Sender<Call>>,
    links: Links,
    /// `None` where they were given as values.
    credentials: Option<AwsCredentials>,
    board: StatusBoard,
}

impl Session {
    /// Finds out region and credentials; asks nobody yet. Finished requests are sent to `calls`, whose receiver must
    /// be read as long as requests are made.
    pub async fn open(options: Options, calls: Option<mpsc::Sender<Call>>) -> Result<Session, Failure> {
        let board = StatusBoard::default();
        let (clients, credentials) = match &options.endpoint {
            Some(endpoint) => {
                let sdk = of_endpoint(endpoint, &options);
                let regions = regions(&options, &sdk)?;
                (Clients::new(sdk, regions), None)
            }
            None => {
                let Ground { setup, sdk, regions, notes } = Ground::read(&options, &Env::real()).await?;
                let asker = CodeAsker::new(options.mfa_code.clone(), options.code_prompt, board.clone());
                let reach = Reach { sdk: sdk.clone(), patience: options.plugin_timeout, board: board.clone() };
                let credentials = AwsCredentials::new(options.profile.clone(), Env::real(), &setup, reach, asker)
                    .map_err(unusable)?;
                board.change(|status| status.notes = notes);
                (Clients::new(with_credentials(&sdk, &credentials), regions), Some(credentials))
            }
        };
        let session = Session {
            inner: Arc::new(Inner {
                lanes: std::array::from_fn(|_| Lanes::new(options.concurrency)),
                patience: Patience::default(),
                in_view: Mutex::new(SectionSet::of(&[])),
                links: Links::default(),
                clients: Mutex::new(Arc::new(clients)),
                credentials,
                board,
                options,
                calls,
            }),
            ahead: false,
            section: None,
        };
        session.show_clients();
        if let Some(credentials) = &session.inner.credentials {
            credentials.ask_on_terminal().await?;
        }
        Ok(session)
    }

    /// The same session, whose requests go before those of the sweeps: for what a person is waiting for.
    #[must_use]
    pub fn ahead(&self) -> Session {
        Session { ahead: true, ..self.clone() }
    }

    /// The same session, whose requests are made for a section.
    #[must_use]
    pub fn for_section(&self, section: SectionId) -> Session {
        Session { section: Some(section), ..self.clone() }
    }

    /// What is looked at rests on these sections: requests for them go before those for others.
    pub fn look_at(&self, sections: SectionSet) {
        *self.inner.in_view.lock().unwrap_or_else(PoisonError::into_inner) = sections;
    }

    fn urgency(&self) -> Urgency {
        let in_view = |section| self.inner.in_view.lock().unwrap_or_else(PoisonError::into_inner).has(section);
        match self.section {
            _ if self.ahead => Urgency::Ahead,
            Some(section) if in_view(section) => Urgency::InView,
            _ => Urgency::Later,
        }
    }

    fn clients(&self) -> Arc<Clients> {
        Arc::clone(&self.inner.clients.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The regions looked into, at least one.
    pub fn regions(&self) -> Vec<String> {
        self.clients().regions.clone()
    }

    /// How many requests may run at once per service.
    pub fn concurrency(&self) -> usize {
        self.inner.options.concurrency.max(1)
    }

    /// What the session waits for, and where it asks: the present state, and news of it.
    pub fn status(&self) -> watch::Receiver<SessionStatus> {
        self.inner.board.watch()
    }

    /// Answers a request for a code, by its number; `None` gives none.
    pub fn give_code(&self, number: u64, code: Option<String>) {
        self.inner.board.give_code(number, code);
    }

    /// Ends the program that gives credentials, if one runs. What waits for it fails.
    pub fn stop_program(&self) {
        self.inner.board.stop_program();
    }

    /// Reads the configuration again and forgets credentials, tokens and who the caller is, so that rotated keys, repaired
    /// files, another region or endpoint, and a new sign-in count. Where the configuration cannot be used any more, that is
    /// the failure of every request from now on.
    pub async fn start_afresh(&self) {
        let Inner { credentials, options, board, .. } = &*self.inner;
        if let Some(credentials) = credentials {
            let fresh = match Ground::read(options, &Env::real()).await {
                Ok(ground) => {
                    let sdk = with_credentials(&ground.sdk, credentials);
                    self.replace_clients(Clients::new(sdk, ground.regions));
                    board.change(|status| status.notes = ground.notes);
                    Ok((ground.setup, ground.sdk))
                }
                Err(failure) => Err(failure.message),
            };
            credentials.start_over(fresh);
        } else {
            let known = self.clients();
            self.replace_clients(Clients::new(known.sdk.clone(), known.regions.clone()));
        }
        self.inner.links.forget();
        self.inner.patience.forget();
    }

    fn replace_clients(&self, clients: Clients) {
        *self.inner.clients.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(clients);
        self.show_clients();
    }

    fn show_clients(&self) {
        let clients = self.clients();
        self.inner.board.change(|status| {
            status.endpoint = clients.endpoint();
            status.regions.clone_from(&clients.regions);
        });
    }

    /// Signs in by IAM Identity Center, if the profile does so: asks for a device code, shows it in the status, waits for a
    /// person to confirm it, and keeps the token where `aws` finds it, too. How it ended is in the status. Dropping this
    /// gives the sign-in up.
    pub async fn sign_in(&self) {
        if let Some(credentials) = &self.inner.credentials {
            credentials.sign_in().await;
        }
    }

    /// The caller's account, asked for once.
    pub async fn account(&self) -> Result<String, Failure> {
        let clients = self.clients();
        if let Some(account) = clients.known_account() {
            return Ok(account);
        }
        let account = self.caller().await?.account;
        clients.keep_account(&account);
        Ok(account)
    }

    /// The endpoint of EKS, if it is not AWS's own.
    pub fn endpoint(&self) -> Option<String> {
        self.clients().endpoint()
    }

    pub(super) fn options(&self) -> &Options {
        &self.inner.options
    }

    pub(super) fn sdk(&self) -> SdkConfig {
        self.clients().sdk.clone()
    }

    pub(super) fn board(&self) -> &StatusBoard {
        &self.inner.board
    }

    pub(super) fn links(&self) -> &Links {
        &self.inner.links
    }

    pub(super) fn eks_client(&self, region: &str) -> aws_sdk_eks::Client {
        self.clients().eks(region)
    }

    pub(super) fn iam_client(&self) -> aws_sdk_iam::Client {
        self.clients().iam.clone()
    }

    pub(super) fn sts_client(&self) -> aws_sdk_sts::Client {
        self.clients().sts.clone()
    }

    /// Waits until there are AWS credentials to sign with: a person may be looking for a code meanwhile, which is not the
    /// time of the call that needs them. That there are none is that call's to say.
    pub(super) async fn wait_for_credentials(&self) {
        if let Some(credentials) = &self.inner.credentials {
            let _ = credentials.provide().await;
        }
    }

    /// Makes a request when its turn has come, and records it.
    pub(super) async fn perform<T, E>(
        &self,
        request: Request,
        call: impl Future<Output = Result<T, E>>,
        classify: impl FnOnce(&Request, E) -> Failure,
    ) -> Result<T, Failure> {
        // A call's state is large, and would be part of each future that waits for it.
        let call = Box::pin(call);
        // Waited for ahead of the call, whose time is short: a person may be looking for a code meanwhile.
        let credentials = match &self.inner.credentials {
            Some(credentials) if request.service != Service::Kubernetes => credentials.provide().await.err(),
            _ => None,
        };
        let (at, began, result);
        if let Some(trouble) = credentials {
            (at, began) = (Time(Timestamp::now()), Instant::now());
            result = Err(trouble.failure(&request));
        } else {
            let permit = self.lanes(&request).permit(request.rank, self.urgency()).await;
            (at, began) = (Time(Timestamp::now()), Instant::now());
            result = self.watch(&request, call, classify).await;
            drop(permit);
        }
        if let (Some(credentials), Err(failure)) = (&self.inner.credentials, &result)
            && matches!(failure.kind, FailureKind::Expired | FailureKind::NoCredentials)
            && request.service != Service::Kubernetes
        {
            credentials.refused();
        }
        let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (failure, pace) = (result.as_ref().err().cloned(), self.lanes(&request).pace());
        tracing::debug!(service = request.service.as_str(), request.operation, request.on, millis, ?failure, "call");
        if let Some(calls) = &self.inner.calls {
            let Request { service, operation, on, .. } = request;
            // A receiver that is gone no longer wants to know.
            let _ = calls.send(Call { service: service.as_str(), operation, on, at, millis, failure, pace }).await;
        }
        result
    }
}

impl Session {
    fn lanes(&self, request: &Request) -> &Lanes {
        &self.inner.lanes[request.service as usize]
    }

    /// Runs a call for as long as it may take.
    async fn watch<T, E>(
        &self,
        request: &Request,
        call: impl Future<Output = Result<T, E>>,
        classify: impl FnOnce(&Request, E) -> Failure,
    ) -> Result<T, Failure> {
        let (limits, patience) = (&self.inner.options.limits, &self.inner.patience);
        let place = (request.service.as_str(), request.place.clone());
        let silence = match request.writes {
            true => limits.call,
            false => {
                let full = limits.silence(request.service, &request.operation);
                patience.allow(&place, full, limits, tokio::time::Instant::now())
            }
        };
        let times = CallTimes::new(limits, silence, limits.time(request.service, &request.operation));
        let lanes = self.lanes(request);
        let answer = limits.answer(request.service, &request.operation);
        let progress = Progress::new(times, answer, Some(lanes.clone()));
        let result = match progress.watch(call).await {
            Ok(result) => result.map_err(|error| progress.attribute(classify(request, error))),
            Err(why) => Err(progress.failure(request, why)),
        };
        match &result {
            Err(failure) if failure.kind == FailureKind::Throttled => lanes.throttled(tokio::time::Instant::now()),
            // A refusal of another kind shows as well that the service has time.
            Ok(_) | Err(_) if progress.was_answered() => lanes.answered(),
            Ok(_) | Err(_) => {}
        }
        if let Some(host) = progress.host() {
            request.check.answered_by(host);
        }
        let lost = !progress.was_answered()
            && result.as_ref().err().is_some_and(|failure| failure.kind == FailureKind::Unreachable);
        // A write that was not answered is read back, and that must be waited for.
        if lost && !request.writes || progress.was_answered() {
            patience.note(place, !lost, progress.began(), tokio::time::Instant::now());
        }
        result
    }

    /// What a page of a list weighs that was the answer to this.
    pub(super) fn weigh(&self, request: &Request) -> PageWeight {
        let (check, limits) = (&request.check, self.inner.options.limits.list_of(request.service));
        let (doing, on) = (request.doing, request.on.clone());
        PageWeight { bytes: check.bytes(), limits, doing, on, host: check.host() }
    }
}

fn with_credentials(sdk: &SdkConfig, credentials: &AwsCredentials) -> SdkConfig {
    sdk.to_builder().credentials_provider(SharedCredentialsProvider::new(credentials.clone())).build()
}
