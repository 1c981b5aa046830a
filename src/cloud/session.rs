//! With which credentials, in which region, how patiently, and with how many requests at once AWS is asked.
//!
//! Decides the configuration of all clients: region and `AWS_ENDPOINT_URL*` of environment and profile with the credentials
//! of [`credentials`](super::credentials), or an endpoint and credentials given as values, and then nothing of the
//! environment is used. Every request of this room passes [`Session::perform`], which waits for credentials and a slot,
//! measures, names the failure and records the call.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::config::{IdentityCache, SharedHttpClient};
use aws_types::os_shim_internal::Env;
use aws_types::service_config::ServiceConfigKey;
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::answer::AnswerCheck;
use super::authorities::{client_trusting, client_trusting_system};
use super::bounded::bounded;
use super::credentials::{AwsCredentials, AwsSetup, Mfa, Reach, ignored_settings};
use super::failure::without_userinfo;
use super::kubernetes::Links;
use super::lanes::{Lanes, Rank, Service, Urgency};
use super::limits::{AnswerLimits, Limits};
use super::patience::Patience;
use super::progress::{CallTimes, Progress};
use super::{PageWeight, programs};
use crate::model::failure::{Failure, FailureKind};
use crate::model::section::{SectionId, SectionSet};
use crate::model::time::Time;
use crate::model::update::Call;

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
    /// Asks a person for such a code; `None` if nobody can be asked.
    pub ask_for_code: Option<fn(&str) -> Option<String>>,
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
            ask_for_code: None,
            endpoint: None,
        }
    }
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
#[derive(Clone)]
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
    sdk: SdkConfig,
    options: Options,
    regions: Vec<String>,
    lanes: [Lanes; 4],
    patience: Patience,
    /// The sections that what is looked at rests on.
    in_view: Mutex<SectionSet>,
    calls: Option<mpsc::Sender<Call>>,
    eks: Mutex<BTreeMap<String, aws_sdk_eks::Client>>,
    iam: aws_sdk_iam::Client,
    sts: aws_sdk_sts::Client,
    links: Links,
    /// `None` where they were given as values.
    credentials: Option<AwsCredentials>,
    notes: Vec<String>,
    account: Mutex<Option<String>>,
}

impl Session {
    /// Finds out region and credentials; asks nobody yet. Finished requests are sent to `calls`, whose receiver must
    /// be read as long as requests are made.
    pub async fn open(options: Options, calls: Option<mpsc::Sender<Call>>) -> Result<Session, Failure> {
        let Opened { sdk, credentials, notes } = open_aws(&options).await?;
        let regions = match (options.regions.is_empty(), sdk.region()) {
            (false, _) => options.regions.clone(),
            (true, Some(region)) => vec![region.to_string()],
            (true, None) => {
                let why = "no region is configured; name one (--region) or set AWS_REGION";
                return Err(invalid("choose a region", why.to_owned()));
            }
        };
        Ok(Session {
            inner: Arc::new(Inner {
                lanes: std::array::from_fn(|_| Lanes::new(options.concurrency)),
                patience: Patience::default(),
                in_view: Mutex::new(SectionSet::of(&[])),
                eks: Mutex::default(),
                iam: aws_sdk_iam::Client::new(&sdk),
                sts: aws_sdk_sts::Client::new(&sdk),
                links: Links::default(),
                account: Mutex::default(),
                credentials,
                notes,
                regions,
                sdk,
                options,
                calls,
            }),
            ahead: false,
            section: None,
        })
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

    /// The regions looked into, at least one.
    pub fn regions(&self) -> &[String] {
        &self.inner.regions
    }

    /// How many requests may run at once per service.
    pub fn concurrency(&self) -> usize {
        self.inner.options.concurrency.max(1)
    }

    /// What of the AWS configuration has no effect here: sentences.
    pub fn notes(&self) -> &[String] {
        &self.inner.notes
    }

    /// Forgets credentials, tokens and who the caller is, so that rotated keys, repaired files and a new sign-in count.
    pub fn start_afresh(&self) {
        if let Some(credentials) = &self.inner.credentials {
            credentials.forget();
        }
        self.inner.links.forget();
        self.inner.patience.forget();
        *self.inner.account.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The caller's account, asked for once.
    pub async fn account(&self) -> Result<String, Failure> {
        let known = self.inner.account.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(account) = known {
            return Ok(account);
        }
        let account = self.caller().await?.account;
        *self.inner.account.lock().unwrap_or_else(PoisonError::into_inner) = Some(account.clone());
        Ok(account)
    }

    /// The endpoint of EKS, if it is not AWS's own.
    pub fn endpoint(&self) -> Option<String> {
        let sdk = &self.inner.sdk;
        let key =
            ServiceConfigKey::builder().service_id("EKS").env("AWS_ENDPOINT_URL").profile("endpoint_url").build().ok();
        let of_eks = key.and_then(|key| sdk.service_config()?.load_config(key));
        of_eks.or_else(|| sdk.endpoint_url().map(str::to_owned)).map(|it| without_userinfo(&it))
    }

    pub(super) fn options(&self) -> &Options {
        &self.inner.options
    }

    pub(super) fn sdk(&self) -> &SdkConfig {
        &self.inner.sdk
    }

    pub(super) fn links(&self) -> &Links {
        &self.inner.links
    }

    pub(super) fn eks_client(&self, region: &str) -> aws_sdk_eks::Client {
        let mut clients = self.inner.eks.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let region = Region::new(region.to_owned());
            aws_sdk_eks::Client::from_conf(aws_sdk_eks::config::Builder::from(&self.inner.sdk).region(region).build())
        };
        clients.entry(region.to_owned()).or_insert_with(make).clone()
    }

    pub(super) fn iam_client(&self) -> &aws_sdk_iam::Client {
        &self.inner.iam
    }

    pub(super) fn sts_client(&self) -> &aws_sdk_sts::Client {
        &self.inner.sts
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
            Ok(_) => lanes.answered(),
            Err(failure) if failure.kind == FailureKind::Throttled => lanes.throttled(tokio::time::Instant::now()),
            Err(_) => {}
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

fn invalid(doing: &str, message: String) -> Failure {
    Failure { kind: FailureKind::Invalid, doing: doing.to_owned(), on: String::new(), code: None, message }
}

/// What a session rests on.
struct Opened {
    sdk: SdkConfig,
    credentials: Option<AwsCredentials>,
    notes: Vec<String>,
}

async fn open_aws(options: &Options) -> Result<Opened, Failure> {
    let retry = RetryConfig::standard().with_max_attempts(options.attempts.max(1));
    let timeout = TimeoutConfig::builder()
        .connect_timeout(options.limits.connect)
        // `Progress` is to be the first to give up, since it knows what came until then.
        .operation_timeout(options.limits.large_call + Duration::from_secs(1))
        .build();
    let region = options.regions.first().cloned().map(Region::new);
    if let Some(endpoint) = &options.endpoint {
        let sdk = of_endpoint(endpoint, region, retry, timeout, options.limits.small);
        return Ok(Opened { sdk, credentials: None, notes: Vec::new() });
    }
    let env = Env::real();
    let wrong = |why: String| invalid("use the AWS configuration", why);
    let setup = AwsSetup::read(options.profile.as_deref(), &env).map_err(wrong)?;
    let sdk = client_config(&setup, &env, region, retry, timeout, options.limits.small).await.map_err(wrong)?;
    let reach = Reach { sdk, patience: options.plugin_timeout };
    let sdk = reach.sdk.to_builder();
    let mfa = Mfa::new(options.mfa_code.clone(), options.ask_for_code);
    let notes = ignored_settings(&setup, &env);
    let credentials = AwsCredentials::new(options.profile.clone(), env, &setup, reach, mfa).map_err(wrong)?;
    if credentials.needs_code() {
        // Now, while the terminal is free to ask on.
        let request = Request::aws(Service::Sts, "AssumeRole", "find credentials", "", Rank::Page);
        credentials.provide().await.map_err(|trouble| trouble.failure(&request))?;
    }
    credentials.ask_no_more();
    let sdk = sdk.credentials_provider(SharedCredentialsProvider::new(credentials.clone())).build();
    Ok(Opened { sdk, credentials: Some(credentials), notes })
}

/// The configuration of the clients, but for the credentials. The SDK is given the profile as we read it; its own reading
/// of the files differs from that of `aws`.
async fn client_config(
    setup: &AwsSetup,
    env: &Env,
    region: Option<Region>,
    retry: RetryConfig,
    timeout: TimeoutConfig,
    unwatched: AnswerLimits,
) -> Result<SdkConfig, String> {
    let files = one_profile(setup.files.normalized(&setup.profile.name));
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .retry_config(retry)
        .timeout_config(timeout)
        .no_credentials()
        // Credentials are kept by us: once they are forgotten, nobody else must still have them.
        .identity_cache(IdentityCache::no_cache())
        .profile_files(files)
        .profile_name("default");
    if let Ok(name) = AppName::new(env!("CARGO_PKG_NAME")) {
        loader = loader.app_name(name);
    }
    if let Some(region) = region {
        loader = loader.region(region);
    }
    loader = loader.http_client(bounded(trusting_client(setup, env)?, unwatched));
    Ok(loader.load().await)
}

/// A configuration file that is only thought of.
#[allow(deprecated)] // The names that the SDK wants instead are in a crate that it says is its own.
fn one_profile(text: String) -> aws_config::profile::profile_file::ProfileFiles {
    use aws_config::profile::profile_file::{ProfileFileKind, ProfileFiles};
    ProfileFiles::builder().with_contents(ProfileFileKind::Config, text).build()
}

/// A client for the authorities that environment or profile name, or for the system's.
fn trusting_client(setup: &AwsSetup, env: &Env) -> Result<SharedHttpClient, String> {
    let of_env = env.get("AWS_CA_BUNDLE").ok().map(|path| (path, "AWS_CA_BUNDLE"));
    let named = of_env.or_else(|| Some((setup.setting("ca_bundle")?, "ca_bundle of the profile")));
    match named.filter(|(path, _)| !path.is_empty()) {
        Some((path, from)) => client_trusting(&PathBuf::from(path), from),
        None => Ok(client_trusting_system()),
    }
}

fn of_endpoint(
    endpoint: &Endpoint,
    region: Option<Region>,
    retry: RetryConfig,
    timeout: TimeoutConfig,
    unwatched: AnswerLimits,
) -> SdkConfig {
    let Credentials { access_key_id, secret_access_key, session_token } = endpoint.credentials.clone();
    let credentials =
        aws_credential_types::Credentials::new(access_key_id, secret_access_key, session_token, None, "endpoint");
    let client = match endpoint.url.starts_with("http://") {
        // The usual client would go through HTTP_PROXY, even to loopback.
        true => aws_smithy_http_client::Builder::new().build_http(),
        false => client_trusting_system(),
    };
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(region)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(&endpoint.url)
        .retry_config(retry)
        .timeout_config(timeout)
        .http_client(bounded(client, unwatched))
        .build()
}
