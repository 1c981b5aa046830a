//! The clients of a session, and the configuration that they rest on.
//!
//! Decides what of environment and profile counts for them: region, `AWS_ENDPOINT_URL*`, authorities, timeouts. Made when a
//! session is opened, and again when it starts afresh: then the whole configuration is read again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::config::{IdentityCache, SharedHttpClient};
use aws_types::os_shim_internal::Env;
use aws_types::service_config::ServiceConfigKey;

use super::{Credentials, Endpoint, Options};
use crate::cloud::authorities::{client_trusting, client_trusting_system};
use crate::cloud::bounded::bounded;
use crate::cloud::credentials::{AwsSetup, ignored_settings};
use crate::cloud::failure::without_userinfo;
use crate::model::failure::{Failure, FailureKind};

/// The clients of one reading of the configuration.
#[derive(Debug)]
pub(super) struct Clients {
    pub(super) sdk: SdkConfig,
    /// The regions looked into, at least one.
    pub(super) regions: Vec<String>,
    pub(super) iam: aws_sdk_iam::Client,
    pub(super) sts: aws_sdk_sts::Client,
    eks: Mutex<BTreeMap<String, aws_sdk_eks::Client>>,
    account: Mutex<Option<String>>,
}

impl Clients {
    pub(super) fn new(sdk: SdkConfig, regions: Vec<String>) -> Clients {
        let (iam, sts) = (aws_sdk_iam::Client::new(&sdk), aws_sdk_sts::Client::new(&sdk));
        Clients { sdk, regions, iam, sts, eks: Mutex::default(), account: Mutex::default() }
    }

    pub(super) fn eks(&self, region: &str) -> aws_sdk_eks::Client {
        let mut clients = self.eks.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let region = Region::new(region.to_owned());
            aws_sdk_eks::Client::from_conf(aws_sdk_eks::config::Builder::from(&self.sdk).region(region).build())
        };
        clients.entry(region.to_owned()).or_insert_with(make).clone()
    }

    /// The account that these clients are of, once it was found out.
    pub(super) fn known_account(&self) -> Option<String> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn keep_account(&self, account: &str) {
        *self.account.lock().unwrap_or_else(PoisonError::into_inner) = Some(account.to_owned());
    }

    /// The endpoint of EKS, if it is not AWS's own.
    pub(super) fn endpoint(&self) -> Option<String> {
        let key =
            ServiceConfigKey::builder().service_id("EKS").env("AWS_ENDPOINT_URL").profile("endpoint_url").build().ok();
        let of_eks = key.and_then(|key| self.sdk.service_config()?.load_config(key));
        of_eks.or_else(|| self.sdk.endpoint_url().map(str::to_owned)).map(|it| without_userinfo(&it))
    }
}

/// The AWS configuration, read.
pub(super) struct Ground {
    pub(super) setup: AwsSetup,
    /// What the clients are made from, but for the credentials.
    pub(super) sdk: SdkConfig,
    pub(super) regions: Vec<String>,
    /// What of it has no effect here.
    pub(super) notes: Vec<String>,
}

impl Ground {
    /// Reads environment and files.
    pub(super) async fn read(options: &Options, env: &Env) -> Result<Ground, Failure> {
        let setup = AwsSetup::read(options.profile.as_deref(), env).map_err(unusable)?;
        let sdk = client_config(&setup, env, options).await.map_err(unusable)?;
        let regions = regions(options, &sdk)?;
        let notes = ignored_settings(&setup, env);
        Ok(Ground { setup, sdk, regions, notes })
    }
}

/// A configuration that cannot be used.
pub(super) fn unusable(why: String) -> Failure {
    invalid("use the AWS configuration", why)
}

fn invalid(doing: &str, message: String) -> Failure {
    Failure { kind: FailureKind::Invalid, doing: doing.to_owned(), on: String::new(), code: None, message }
}

/// The regions that are asked for, or the configured one.
pub(super) fn regions(options: &Options, sdk: &SdkConfig) -> Result<Vec<String>, Failure> {
    match (options.regions.is_empty(), sdk.region()) {
        (false, _) => Ok(options.regions.clone()),
        (true, Some(region)) => Ok(vec![region.to_string()]),
        (true, None) => {
            let why = "no region is configured; name one (--region) or set AWS_REGION";
            Err(invalid("choose a region", why.to_owned()))
        }
    }
}

fn first_region(options: &Options) -> Option<Region> {
    options.regions.first().cloned().map(Region::new)
}

fn retries(options: &Options) -> RetryConfig {
    RetryConfig::standard().with_max_attempts(options.attempts.max(1))
}

fn timeouts(options: &Options) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(options.limits.connect)
        // `Progress` is to be the first to give up, since it knows what came until then.
        .operation_timeout(options.limits.large_call + Duration::from_secs(1))
        .build()
}

/// The configuration of the clients, but for the credentials. The SDK is given the profile as we read it; its own reading
/// of the files differs from that of `aws`.
async fn client_config(setup: &AwsSetup, env: &Env, options: &Options) -> Result<SdkConfig, String> {
    let files = one_profile(setup.files.normalized(&setup.profile.name));
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .retry_config(retries(options))
        .timeout_config(timeouts(options))
        .no_credentials()
        // Credentials are kept by us: once they are forgotten, nobody else must still have them.
        .identity_cache(IdentityCache::no_cache())
        .profile_files(files)
        .profile_name("default");
    if let Ok(name) = AppName::new(env!("CARGO_PKG_NAME")) {
        loader = loader.app_name(name);
    }
    if let Some(region) = first_region(options) {
        loader = loader.region(region);
    }
    loader = loader.http_client(bounded(trusting_client(setup, env)?, options.limits.small));
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
    // The last to count, as `aws` has it.
    let named = named.or_else(|| Some((env.get("REQUESTS_CA_BUNDLE").ok()?, "REQUESTS_CA_BUNDLE")));
    match named.filter(|(path, _)| !path.is_empty()) {
        Some((path, from)) => client_trusting(&PathBuf::from(path), from),
        None => Ok(client_trusting_system()),
    }
}

/// The configuration for an endpoint that is given with its credentials.
pub(super) fn of_endpoint(endpoint: &Endpoint, options: &Options) -> SdkConfig {
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
        .region(first_region(options))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(&endpoint.url)
        .retry_config(retries(options))
        .timeout_config(timeouts(options))
        .http_client(bounded(client, options.limits.small))
        .build()
}
