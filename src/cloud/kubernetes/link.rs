//! How a cluster's API is reached and its requests authenticated.
//!
//! At the endpoint and with the CA of DescribeCluster, each request with a token that is renewed before it dies; or
//! through a context of the kubeconfig ([`kubeconfig`](super::kubeconfig)) as its user ([`user`](super::user)). Links are
//! kept until they are forgotten, so that a person's questions find their connections open.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use kube::config::Config;
use tokio::sync::Mutex;

use super::kubeconfig::{self, ContextParts, read_context};
use super::percent_encoded;
use super::user::{BearerSource, ReadyUser, UserTrouble, prepare_user};
use crate::cloud::bounded::host_of;
use crate::cloud::failure;
use crate::cloud::session::{Request, Session};
use crate::cloud::token::{cluster_token, sts_endpoint};
use crate::model::cluster::{Cluster, ClusterId};
use crate::model::failure::{Failure, FailureKind};

/// When a token is renewed; the authenticator lets it live for 15 minutes.
const RENEWED_AFTER: Duration = Duration::from_secs(13 * 60);

const REACH: &str = "reach the Kubernetes API";

/// One way to one cluster's API.
pub(in crate::cloud) struct Link {
    client: kube::Client,
    /// `host:port`, for people.
    host: String,
    /// `None` if the context takes care of it.
    tokens: Option<Tokens>,
    /// When a client certificate ends that a plugin gave.
    until: Option<SystemTime>,
}

struct Tokens {
    from: TokenSource,
    latest: Mutex<Option<(HeaderValue, SystemTime)>>,
}

/// Where a token comes from.
enum TokenSource {
    /// We make one for this cluster.
    OurOwn(ClusterId),
    /// The user of a context has it.
    Context(BearerSource),
}

/// What goes into the Authorization header.
pub(super) struct Token {
    pub(super) header: HeaderValue,
    /// It was made for an earlier request.
    pub(super) kept: bool,
}

/// Why there is no token.
#[derive(Debug)]
pub(in crate::cloud) enum TokenError {
    Credentials(CredentialsError),
    User(UserTrouble),
    Other(String),
}

impl TokenError {
    pub(super) fn failure(&self, request: &Request) -> Failure {
        match self {
            TokenError::Credentials(error) => failure::credentials(request, error),
            TokenError::User(trouble) => request.failure(trouble.kind.clone(), None, &trouble.message),
            TokenError::Other(why) => request.failure(FailureKind::Unexpected, None, why),
        }
    }
}

impl Link {
    pub(super) fn client(&self) -> &kube::Client {
        &self.client
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Whether its token is made of AWS credentials, by us.
    pub(super) fn is_signed_by_us(&self) -> bool {
        self.tokens.as_ref().is_some_and(|it| matches!(it.from, TokenSource::OurOwn(_)))
    }

    /// The token, if it is ours to set.
    pub(super) async fn authorization(&self, session: &Session) -> Result<Option<Token>, TokenError> {
        let Some(tokens) = &self.tokens else { return Ok(None) };
        // Held while a new one is made, so that one is made for all that wait. By the clock on the wall: the other one
        // stands still while a laptop sleeps, the token's life does not.
        let mut latest = tokens.latest.lock().await;
        let now = SystemTime::now();
        match &*latest {
            Some((header, until)) if now < *until => Ok(Some(Token { header: header.clone(), kept: true })),
            _ => {
                let fresh = match &tokens.from {
                    TokenSource::OurOwn(id) => token(session, id, now).await?,
                    TokenSource::Context(bearer) => bearer.token(now).await.map_err(TokenError::User)?,
                };
                Ok(Some(Token { header: latest.insert(fresh).0.clone(), kept: false }))
            }
        }
    }

    /// Makes the next request take another token than this one.
    pub(super) async fn forget(&self, token: &Token) {
        if let Some(tokens) = &self.tokens {
            let mut latest = tokens.latest.lock().await;
            if latest.as_ref().is_some_and(|(header, _)| *header == token.header) {
                *latest = None;
            }
        }
    }
}

/// A token as a header, and until when it is good: it dies with the credentials that signed it.
async fn token(session: &Session, id: &ClusterId, now: SystemTime) -> Result<(HeaderValue, SystemTime), TokenError> {
    let other = |error: &dyn std::fmt::Display| TokenError::Other(error.to_string());
    let sdk = session.sdk();
    let Some(provider) = sdk.credentials_provider() else {
        return Err(TokenError::Credentials(CredentialsError::not_loaded_no_source()));
    };
    let credentials = provider.provide_credentials().await.map_err(TokenError::Credentials)?;
    let endpoint = sts_endpoint(&sdk, &id.region).await.map_err(|error| other(&error))?;
    let token = cluster_token(&credentials, &endpoint, &id.region, &id.name, now).map_err(|error| other(&error))?;
    let mut header = HeaderValue::try_from(format!("Bearer {token}")).map_err(|error| other(&error))?;
    header.set_sensitive(true);
    Ok((header, good_until(&credentials, now)))
}

fn good_until(credentials: &aws_credential_types::Credentials, now: SystemTime) -> SystemTime {
    let renewed = now + RENEWED_AFTER;
    credentials.expiry().map_or(renewed, |expiry| expiry.min(renewed))
}

/// The links of a session, by cluster.
#[derive(Default)]
pub(in crate::cloud) struct Links {
    kept: std::sync::Mutex<BTreeMap<ClusterId, Kept>>,
    /// How often all were forgotten: a link that was begun before is not kept.
    forgotten: AtomicU64,
    /// Held while one is made, so that a plugin is run once for all that wait.
    making: Mutex<()>,
}

/// A link, and what DescribeCluster said when it was made; `None` if it said nothing.
struct Kept {
    target: Option<Target>,
    link: Arc<Link>,
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Links").finish_non_exhaustive()
    }
}

/// Where a cluster's API is, as DescribeCluster says; one that is being created has none yet.
#[derive(Clone, PartialEq, Eq)]
struct Target {
    endpoint: Option<String>,
    ca: Option<String>,
}

impl Links {
    /// Forgets all links, and with them tokens and what plugins gave.
    pub(in crate::cloud) fn forget(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The link to a cluster, a new one if its endpoint or CA has changed.
    pub(super) async fn find(
        &self,
        session: &Session,
        id: &ClusterId,
        cluster: Option<&Cluster>,
        on: &str,
    ) -> Result<Arc<Link>, Failure> {
        let request = Request::kubernetes("connect", "connect", REACH, on);
        let target = cluster.map(target);
        let kept = |links: &BTreeMap<ClusterId, Kept>| {
            let good = |kept: &&Kept| kept.link.until.is_none_or(|until| SystemTime::now() < until);
            links.get(id).filter(|kept| kept.target == target).filter(good).map(|kept| Arc::clone(&kept.link))
        };
        if let Some(link) = kept(&self.kept.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(link);
        }
        let _making = self.making.lock().await;
        if let Some(link) = kept(&self.kept.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(link);
        }
        let forgotten = self.forgotten.load(Ordering::SeqCst);
        let link = Arc::new(match (&session.options().context, &target) {
            (Some(context), target) => through_context(session, context, target.as_ref(), &request).await?,
            (None, Some(Target { endpoint: Some(endpoint), ca: Some(ca) })) => {
                direct(session, id, endpoint, ca, &request)?
            }
            (None, _) => {
                let why = "the cluster has no API endpoint (yet)";
                return Err(request.failure(FailureKind::Unexpected, None, why));
            }
        });
        let mut links = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if self.forgotten.load(Ordering::SeqCst) == forgotten {
            links.insert(id.clone(), Kept { target, link: Arc::clone(&link) });
        }
        Ok(link)
    }
}

fn target(cluster: &Cluster) -> Target {
    let ca = cluster.certificate_authority.as_ref().and_then(|it| it.data.clone());
    Target { endpoint: cluster.endpoint.clone(), ca }
}

fn direct(session: &Session, id: &ClusterId, endpoint: &str, ca: &str, request: &Request) -> Result<Link, Failure> {
    let bad = |why: String| request.failure(FailureKind::Unexpected, None, &why);
    let endpoint: Uri = endpoint.parse().map_err(|error| bad(format!("endpoint {endpoint}: {error}")))?;
    let roots = certificates(ca).map_err(|why| bad(format!("certificate authority: {why}")))?;
    // Given an endpoint as a value, nothing of the environment is used.
    let proxy = match session.options().endpoint {
        Some(_) => None,
        None => proxy_of_environment(&endpoint).map_err(bad)?,
    };
    check_proxy(proxy.as_ref()).map_err(|why| request.failure(FailureKind::Invalid, None, &why))?;
    let mut config = Config::new(endpoint);
    config.root_cert = Some(roots);
    config.proxy_url = proxy;
    let host = host_of(&config.cluster_url);
    let client = client(session, config).map_err(|error| failure::kubernetes(request, &error))?;
    let tokens = Tokens { from: TokenSource::OurOwn(id.clone()), latest: Mutex::default() };
    Ok(Link { client, host, tokens: Some(tokens), until: None })
}

async fn through_context(
    session: &Session,
    context: &str,
    target: Option<&Target>,
    request: &Request,
) -> Result<Link, Failure> {
    let bad = |why: String| request.failure(FailureKind::Invalid, None, &format!("context {context}: {why}"));
    let ContextParts { mut config, proxy, user, auth, cluster } =
        read_context(session.options().kubeconfig.as_deref(), context).map_err(bad)?;
    config.proxy_url = match proxy {
        Some(proxy) => Some(proxy),
        None => proxy_of_environment(&config.cluster_url).map_err(bad)?,
    };
    check_proxy(config.proxy_url.as_ref()).map_err(|why| request.failure(FailureKind::Invalid, None, &why))?;
    match target {
        Some(target) => check_same(&config, target)
            .map_err(|why| request.failure(FailureKind::Invalid, None, &format!("context {context} {why}")))?,
        // It was named on purpose, and there is nothing to compare it with.
        None => tracing::warn!(context, on = request.on, "the context could not be verified to be this cluster"),
    }
    let ready = prepare_user(&user, auth, cluster, (session.options().plugin_timeout, session.board())).await;
    let ReadyUser { auth, bearer, first, until } =
        ready.map_err(|trouble| Failure { kind: trouble.kind, ..bad(trouble.message) })?;
    let has_certificate = auth.client_certificate.is_some() || auth.client_certificate_data.is_some();
    config.auth_info = auth;
    let host = host_of(&config.cluster_url);
    let client = client(session, config).map_err(|error| match has_certificate {
        true => {
            bad(format!("the client certificate or key of user {user:?} cannot be used: {}", failure::causes(&error)))
        }
        false => failure::kubernetes(request, &error),
    })?;
    let tokens = bearer.map(|it| Tokens { from: TokenSource::Context(it), latest: Mutex::new(first) });
    Ok(Link { client, host, tokens, until })
}

/// Refuses a context that is another cluster's: by its certificate authority, or else by its endpoint.
fn check_same(config: &Config, target: &Target) -> Result<(), String> {
    let ca = target.ca.as_deref().and_then(|ca| certificates(ca).ok());
    if let (Some(theirs), Some(ours)) = (&config.root_cert, &ca) {
        return if theirs == ours {
            Ok(())
        } else {
            Err("is another cluster's: its certificate authority differs".to_owned())
        };
    }
    match &target.endpoint {
        Some(endpoint) if place(&config.cluster_url) == endpoint.parse().ok().as_ref().and_then(place) => Ok(()),
        Some(endpoint) => Err(format!(
            "could not be verified to be this cluster: it has no certificate authority to compare, and leads to {}, \
             not to {endpoint}",
            config.cluster_url
        )),
        None => Err("could not be verified to be this cluster: EKS tells neither its endpoint nor its certificate \
                     authority"
            .to_owned()),
    }
}

/// Host and port.
fn place(url: &Uri) -> Option<(String, u16)> {
    let usual = if url.scheme_str() == Some("http") { 80 } else { 443 };
    Some((url.host()?.to_lowercase(), url.port_u16().unwrap_or(usual)))
}

fn client(session: &Session, mut config: Config) -> Result<kube::Client, kube::Error> {
    config.connect_timeout = Some(session.options().limits.connect);
    // How long it may be silent is for `Progress` to say.
    config.read_timeout = None;
    config.default_retry = false;
    kube::Client::try_from(config)
}

/// The certificates of base64 of PEM.
fn certificates(data: &str) -> Result<Vec<Vec<u8>>, String> {
    let pem = BASE64_STANDARD.decode(data.trim()).map_err(|error| error.to_string())?;
    kubeconfig::certificates(&pem)
}

/// The proxy that the environment names for an endpoint.
fn proxy_of_environment(endpoint: &Uri) -> Result<Option<Uri>, String> {
    let excepted = ["NO_PROXY", "no_proxy"].iter().find_map(|name| std::env::var(name).ok());
    // The matcher takes the star for a name, which no address has.
    if excepted.is_some_and(|it| it.split(',').any(|it| it.trim() == "*")) {
        return Ok(None);
    }
    proxy(&Matcher::from_env(), endpoint)
}

/// The proxy among these that is responsible, NO_PROXY heeded, with its credentials. (kube's loader compares NO_PROXY
/// with the proxy itself.)
fn proxy(matcher: &Matcher, endpoint: &Uri) -> Result<Option<Uri>, String> {
    let Some(intercept) = matcher.intercept(endpoint) else { return Ok(None) };
    let userinfo = match (intercept.raw_auth(), intercept.basic_auth()) {
        (Some((user, password)), _) => Some(format!("{user}:{password}")),
        // A header already; kube makes one again from what is in the URL.
        (None, Some(basic)) => Some(decoded(basic).ok_or("the credentials of the proxy cannot be read")?),
        (None, None) => None,
    };
    let mut parts = intercept.uri().clone().into_parts();
    if let (Some(userinfo), Some(authority)) = (userinfo, &parts.authority) {
        let (user, password) = userinfo.split_once(':').unwrap_or((&userinfo, ""));
        let with = format!("{}:{}@{authority}", percent_encoded(user), percent_encoded(password));
        // The error is not passed on: it might quote a password.
        parts.authority = Some(with.parse().map_err(|_| "the credentials of the proxy cannot be sent")?);
    }
    Uri::from_parts(parts).map(Some).map_err(|_| "the URL of the proxy cannot be read".to_owned())
}

/// What stands in a header of basic authentication.
fn decoded(basic: &HeaderValue) -> Option<String> {
    let encoded = basic.to_str().ok()?.strip_prefix("Basic ")?;
    String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()
}

/// A proxy that kube would refuse is refused before kube sees it, and with it the password in its URL.
fn check_proxy(proxy: Option<&Uri>) -> Result<(), String> {
    match proxy.map(|proxy| proxy.scheme_str().unwrap_or_default()) {
        None | Some("http" | "https") => Ok(()),
        Some(scheme) => Err(format!(
            "a {scheme} proxy is asked for (HTTPS_PROXY, ALL_PROXY or the proxy-url of the kubeconfig), and only http \
             and https ones can be used; name such a one, or except the endpoint (NO_PROXY)"
        )),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::cloud::{Credentials, Endpoint, Options};

    pub(in crate::cloud::kubernetes) async fn session(options: Options) -> Session {
        let credentials =
            Credentials { access_key_id: "AKIA".into(), secret_access_key: "secret".into(), session_token: None };
        let endpoint = Some(Endpoint { url: "http://127.0.0.1:9".into(), credentials });
        let regions = vec!["eu-west-1".into()];
        Session::open(Options { regions, endpoint, ..options }, None).await.unwrap()
    }

    /// A link that has a token already, or none yet.
    pub(in crate::cloud::kubernetes) fn link(session: &Session, url: &str, kept: bool) -> Link {
        let id = ClusterId { region: "eu-west-1".into(), name: "c".into() };
        let old = || (HeaderValue::from_static("Bearer old"), SystemTime::now() + Duration::from_secs(60));
        let latest = Mutex::new(kept.then(old));
        let client = client(session, Config::new(url.parse().unwrap())).unwrap();
        let tokens = Some(Tokens { from: TokenSource::OurOwn(id), latest });
        Link { client, host: "test".to_owned(), tokens, until: None }
    }

    #[tokio::test]
    async fn a_token_is_kept_until_it_is_due() {
        let session = session(Options::default()).await;
        let old = HeaderValue::from_static("Bearer old");
        let link = link(&session, "https://127.0.0.1:9", true);
        let header = async || link.authorization(&session).await.unwrap().unwrap().header;

        assert_eq!(header().await, old);
        if let Some(tokens) = &link.tokens {
            *tokens.latest.lock().await = Some((old.clone(), SystemTime::now()));
        }
        let renewed = header().await;
        assert!(renewed.to_str().unwrap().starts_with("Bearer k8s-aws-v1."));
        assert!(renewed.is_sensitive(), "else it would be seen in a log");
        assert_eq!(header().await, renewed);
        link.forget(&Token { header: old, kept: true }).await;
        assert_eq!(header().await, renewed, "it was replaced already");

        let expiring = aws_credential_types::Credentials::new(
            "AKIA",
            "secret",
            None,
            Some(SystemTime::UNIX_EPOCH + Duration::from_secs(600)),
            "test",
        );
        assert_eq!(good_until(&expiring, SystemTime::UNIX_EPOCH), SystemTime::UNIX_EPOCH + Duration::from_secs(600));
    }

    fn matcher(url: &str) -> Matcher {
        Matcher::builder().https(url.to_owned()).no("10.0.0.1").build()
    }

    #[tokio::test]
    async fn a_proxy_gets_its_credentials() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://corp:hunter2%40%3A%2F@{}", listener.local_addr().unwrap());
        let target = Uri::from_static("https://abc.eks.amazonaws.com");
        let mut config = Config::new(target.clone());
        config.proxy_url = proxy(&matcher(&url), &target).unwrap();
        let client = client(&session(Options::default()).await, config).unwrap();
        let asked = tokio::spawn(async move {
            let request = http::Request::get("/version").body(Vec::new()).unwrap();
            client.request_text(request).await
        });
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut said = Vec::new();
        while !said.ends_with(b"\r\n\r\n") {
            use tokio::io::AsyncReadExt;
            assert_ne!(stream.read_buf(&mut said).await.unwrap(), 0);
        }
        asked.abort();
        let said = String::from_utf8(said).unwrap();
        assert!(said.starts_with("CONNECT abc.eks.amazonaws.com:443"), "{said}");
        let wanted = format!("proxy-authorization: basic {}", BASE64_STANDARD.encode("corp:hunter2@:/"));
        assert!(said.lines().any(|line| line.eq_ignore_ascii_case(&wanted)), "{said}");
    }

    #[test]
    fn a_proxy_is_responsible_unless_excepted_and_only_http_ones_can_be_used() {
        let target = Uri::from_static("https://abc.eks.amazonaws.com");
        let found = |url: &str| proxy(&matcher(url), &target).unwrap();
        assert_eq!(found("http://proxy:3128").unwrap(), "http://proxy:3128/");
        let excepted = Uri::from_static("https://10.0.0.1");
        assert_eq!(proxy(&matcher("http://proxy:3128"), &excepted).unwrap(), None);
        assert_eq!(check_proxy(found("http://corp:hunter2@proxy:3128").as_ref()), Ok(()));
        for scheme in ["socks5", "socks5h", "socks4"] {
            let proxy = found(&format!("{scheme}://corp:hunter2@proxy:1080"));
            let why = check_proxy(proxy.as_ref()).unwrap_err();
            assert!(why.contains(&format!("a {scheme} proxy")) && !why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn a_context_is_the_cluster_by_authority_or_else_by_endpoint() {
        let ca = || {
            let made = rcgen::generate_simple_self_signed(["ca".to_owned()]).unwrap();
            BASE64_STANDARD.encode(made.cert.pem())
        };
        let (ours, other) = (ca(), ca());
        let check = |url: &'static str, theirs: Option<&str>, endpoint: Option<&str>, known: bool| {
            let mut config = Config::new(Uri::from_static(url));
            config.root_cert = theirs.map(|ca| certificates(ca).unwrap());
            let ca = known.then(|| ours.clone());
            check_same(&config, &Target { endpoint: endpoint.map(str::to_owned), ca })
        };
        let here = Some("https://ABC.eks.amazonaws.com");
        assert_eq!(check("https://localhost:8443", Some(&ours), here, true), Ok(()), "through a tunnel");
        let differs = check("https://abc.eks.amazonaws.com", Some(&other), here, true).unwrap_err();
        assert!(differs.contains("another cluster's"), "{differs}");
        assert_eq!(check("https://abc.eks.amazonaws.com:443/", None, here, true), Ok(()));
        assert_eq!(check("https://abc.eks.amazonaws.com", Some(&other), here, false), Ok(()));
        for (url, theirs, endpoint, known) in [
            ("https://def.eks.amazonaws.com", None, here, true),
            ("https://abc.eks.amazonaws.com:8443", None, here, false),
            ("https://abc.eks.amazonaws.com", None, None, true),
            ("https://abc.eks.amazonaws.com", Some(ours.as_str()), None, false),
        ] {
            let why = check(url, theirs, endpoint, known).unwrap_err();
            assert!(why.contains("could not be verified to be this cluster"), "{url}: {why}");
        }
    }

    #[test]
    fn the_ca_is_base64_of_pem() {
        let key = rcgen::generate_simple_self_signed(["ca".to_owned()]).unwrap();
        let data = BASE64_STANDARD.encode(key.cert.pem());
        assert_eq!(certificates(&data).unwrap(), [key.cert.der().to_vec()]);
        assert!(certificates("%%").is_err());
        assert!(certificates(&BASE64_STANDARD.encode("nothing")).is_err());
    }
}
