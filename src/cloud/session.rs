//! With which credentials, in which region, how patiently, and with how many requests at once AWS is asked.
//!
//! Decides the configuration of all clients: the default credential chain with its profiles, SSO and `AWS_ENDPOINT_URL*`,
//! or an endpoint and credentials given as values, and then nothing of the environment is used. Every request of this
//! room passes [`Session::perform`], which waits for a slot, measures, names the failure and records the call.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::os_shim_internal::{Env, Fs};
use aws_types::service_config::ServiceConfigKey;
use jiff::Timestamp;
use tokio::sync::{OnceCell, mpsc};

use super::answer::AnswerCheck;
use super::failure::{causes, without_userinfo};
use super::kubernetes::Links;
use super::lanes::{Lanes, Rank, Service};
use crate::model::failure::{Failure, FailureKind};
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
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long a request may take, retries included.
    pub operation_timeout: Duration,
    /// How long the exec plugin of a kubeconfig's context may take to give credentials.
    pub plugin_timeout: Duration,
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
            // A lost SYN is sent again after one and after three seconds.
            connect_timeout: Duration::from_millis(3100),
            operation_timeout: Duration::from_secs(15),
            // `aws eks get-token` takes a second or two, and three with a slow STS.
            plugin_timeout: Duration::from_secs(20),
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
        Request { service, operation: operation.to_owned(), permission, doing, on: on.into(), rank, check }
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
        Request {
            service: Service::Kubernetes,
            operation: operation.to_owned(),
            permission: permission.to_owned(),
            doing,
            on: on.into(),
            rank: Rank::Page,
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
}

#[derive(Debug)]
struct Inner {
    sdk: SdkConfig,
    options: Options,
    regions: Vec<String>,
    lanes: [Lanes; 4],
    calls: Option<mpsc::Sender<Call>>,
    eks: Mutex<BTreeMap<String, aws_sdk_eks::Client>>,
    iam: aws_sdk_iam::Client,
    sts: aws_sdk_sts::Client,
    links: Links,
    account: OnceCell<String>,
}

impl Session {
    /// Finds out region and credentials; asks nobody yet. Finished requests are sent to `calls`, whose receiver must
    /// be read as long as requests are made.
    pub async fn open(options: Options, calls: Option<mpsc::Sender<Call>>) -> Result<Session, Failure> {
        match (&options.endpoint, &options.profile) {
            (Some(_), _) => {}
            (None, Some(profile)) => check_profile(profile, "", &Fs::real(), &Env::real()).await?,
            (None, None) => check_environment(&Fs::real(), &Env::real()).await?,
        }
        let sdk = sdk_config(&options).await;
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
                eks: Mutex::default(),
                iam: aws_sdk_iam::Client::new(&sdk),
                sts: aws_sdk_sts::Client::new(&sdk),
                links: Links::default(),
                account: OnceCell::new(),
                regions,
                sdk,
                options,
                calls,
            }),
            ahead: false,
        })
    }

    /// The same session, whose requests go before those of the sweeps: for what a person is waiting for.
    #[must_use]
    pub fn ahead(&self) -> Session {
        Session { inner: Arc::clone(&self.inner), ahead: true }
    }

    /// The regions looked into, at least one.
    pub fn regions(&self) -> &[String] {
        &self.inner.regions
    }

    /// How many requests may run at once per service.
    pub fn concurrency(&self) -> usize {
        self.inner.options.concurrency.max(1)
    }

    /// The caller's account, asked for once.
    pub async fn account(&self) -> Result<String, Failure> {
        let ask = || async { self.caller().await.map(|caller| caller.account) };
        self.inner.account.get_or_try_init(ask).await.cloned()
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
        let permit = self.inner.lanes[request.service as usize].permit(request.rank, self.ahead).await;
        let (at, began) = (Time(Timestamp::now()), Instant::now());
        let result = call.await.map_err(|error| classify(&request, error));
        drop(permit);
        let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let failure = result.as_ref().err().cloned();
        tracing::debug!(service = request.service.as_str(), request.operation, request.on, millis, ?failure, "call");
        if let Some(calls) = &self.inner.calls {
            let Request { service, operation, on, .. } = request;
            // A receiver that is gone no longer wants to know.
            let _ = calls.send(Call { service: service.as_str(), operation, on, at, millis, failure }).await;
        }
        result
    }
}

fn invalid(doing: &str, message: String) -> Failure {
    Failure { kind: FailureKind::Invalid, doing: doing.to_owned(), on: String::new(), code: None, message }
}

/// A profile that does not exist would only be passed over, with a word about the last place that was tried.
async fn check_profile(profile: &str, from: &str, fs: &Fs, env: &Env) -> Result<(), Failure> {
    let doing = "use the profile";
    match aws_config::profile::load(fs, env, &Default::default(), None).await {
        Ok(profiles) if profiles.get_profile(profile).is_some() => Ok(()),
        Ok(_) => Err(invalid(doing, format!("the AWS configuration files have no profile {profile:?}{from}"))),
        Err(error) => Err(invalid(doing, causes(&error))),
    }
}

/// The profile that the environment names, unless its keys are used anyway.
async fn check_environment(fs: &Fs, env: &Env) -> Result<(), Failure> {
    let set = |name: &str| env.get(name).ok().filter(|value| !value.is_empty());
    let keys = set("AWS_ACCESS_KEY_ID").is_some() && set("AWS_SECRET_ACCESS_KEY").is_some();
    match set("AWS_PROFILE") {
        // Of the default profile nobody expects that it is written anywhere.
        Some(profile) if !keys && profile != "default" => check_profile(&profile, " (AWS_PROFILE)", fs, env).await,
        _ => Ok(()),
    }
}

async fn sdk_config(options: &Options) -> SdkConfig {
    let version = BehaviorVersion::v2026_01_12();
    let retry = RetryConfig::standard().with_max_attempts(options.attempts.max(1));
    let timeout = TimeoutConfig::builder()
        .connect_timeout(options.connect_timeout)
        .operation_timeout(options.operation_timeout)
        .build();
    let region = options.regions.first().cloned().map(Region::new);
    if let Some(endpoint) = &options.endpoint {
        return of_endpoint(endpoint, region, version, retry, timeout);
    }
    let mut loader = aws_config::defaults(version).retry_config(retry).timeout_config(timeout);
    if let Ok(name) = AppName::new(env!("CARGO_PKG_NAME")) {
        loader = loader.app_name(name);
    }
    let region = match (region, &options.profile) {
        (Some(region), _) => Some(region),
        (None, Some(profile)) => DefaultRegionChain::builder().profile_name(profile).build().region().await,
        (None, None) => DefaultRegionChain::builder().build().region().await,
    };
    if let Some(profile) = &options.profile {
        // The default chain would still prefer the environment's keys to a profile that was asked for.
        let within = ProviderConfig::default().with_region(region.clone());
        let provider = ProfileFileCredentialsProvider::builder().configure(&within).profile_name(profile).build();
        loader = loader.profile_name(profile).credentials_provider(provider);
    }
    loader.region(region).load().await
}

fn of_endpoint(
    endpoint: &Endpoint,
    region: Option<Region>,
    version: BehaviorVersion,
    retry: RetryConfig,
    timeout: TimeoutConfig,
) -> SdkConfig {
    let Credentials { access_key_id, secret_access_key, session_token } = endpoint.credentials.clone();
    let credentials =
        aws_credential_types::Credentials::new(access_key_id, secret_access_key, session_token, None, "endpoint");
    let mut builder = SdkConfig::builder()
        .behavior_version(version)
        .region(region)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(&endpoint.url)
        .retry_config(retry)
        .timeout_config(timeout);
    if endpoint.url.starts_with("http://") {
        // The default client would go through HTTP_PROXY, even to loopback.
        builder = builder.http_client(aws_smithy_http_client::Builder::new().build_http());
    }
    builder.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_profile_of_the_environment_must_exist_where_it_is_used() {
        let files = [("/home/.aws/config", "[profile work]\nregion = eu-west-1\n")];
        let fs = Fs::from_map(files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).into());
        let check = async |vars: &[(&str, &str)]| {
            let vars: Vec<_> = [("HOME", "/home")].iter().chain(vars).copied().collect();
            check_environment(&fs, &Env::from_slice(&vars)).await.map_err(|failure| failure.to_string())
        };
        assert_eq!(check(&[]).await, Ok(()));
        assert_eq!(check(&[("AWS_PROFILE", "work")]).await, Ok(()));
        assert_eq!(check(&[("AWS_PROFILE", "default")]).await, Ok(()));
        assert_eq!(check(&[("AWS_PROFILE", "")]).await, Ok(()));
        let keys = [("AWS_PROFILE", "typo"), ("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "s")];
        assert_eq!(check(&keys).await, Ok(()), "the keys go first");
        let said = check(&[("AWS_PROFILE", "typo")]).await.unwrap_err();
        assert!(said.contains("no profile \"typo\" (AWS_PROFILE)"), "{said}");
        let half = [("AWS_PROFILE", "typo"), ("AWS_ACCESS_KEY_ID", "AKIA")];
        assert!(check(&half).await.is_err());
    }
}
