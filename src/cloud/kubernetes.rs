//! What a cluster's Kubernetes API is asked: lists of objects, the aws-auth ConfigMap, and who it takes us for.
//!
//! Decides how requests and answers look: pages, retries on overload, objects read straight into the model's types. How
//! the cluster is reached and the request authenticated is [`link`]'s. A new kind of object is a [`Listed`].

mod answer;
mod discovery;
mod kubeconfig;
mod link;
mod shapes;
mod user;

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use answer::{ApiAnswer, AskedObject};
pub use discovery::READ_DISCOVERY;
use link::Link;
pub(super) use link::Links;

use super::answer::shape::Shape;
use super::limits::seconds;
use super::page_size::PageSizes;
use super::progress::{BoundedBody, Progress};
use super::session::{Request, Session};
use super::{AnswerLimits, Page, PageWeight, failure};
use crate::model::aws_auth::{AWS_AUTH, AwsAuthKey};
use crate::model::cluster::{Cluster, ClusterId};
use crate::model::failure::{Failure, FailureKind};
use crate::model::network::NetworkPolicy;
use crate::model::rbac::{Binding, ConfigMap, Namespace, Role};
use crate::model::request::Target;
use crate::model::review::{Review, Reviewed, Reviewee};
use crate::model::section::SectionId;
use crate::model::snapshot::Missing;
use crate::model::workload::{DaemonSet, Node, Pod, ServiceAccount};

/// How many objects a page has, as kubectl asks for, and in place of one that is too large.
const SIZES: &[usize] = &[500, 50, 5];
/// The pause before the second try; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// A kind of object and where it is listed, in all namespaces unless the path names one.
#[derive(Debug)]
pub struct Listed<T> {
    path: &'static str,
    kind: &'static str,
    shape: &'static Shape,
    permission: &'static str,
    doing: &'static str,
    /// Fills in what the API server leaves out.
    as_served: fn(&mut T),
    of: PhantomData<fn() -> T>,
}

// By hand, for derive would ask it of the objects too.
impl<T> Clone for Listed<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Listed<T> {}

impl<T> Listed<T> {
    const fn new(
        (kind, shape): (&'static str, &'static Shape),
        path: &'static str,
        permission: &'static str,
        doing: &'static str,
    ) -> Self {
        Listed { path, kind, shape, permission, doing, as_served: |_| {}, of: PhantomData }
    }

    /// `v1`, `apps/v1`: what the path leads to.
    fn version(&self) -> &'static str {
        let core = self.path.strip_prefix("/api/").and_then(|it| it.split('/').next());
        let rest = self.path.strip_prefix("/apis/").unwrap_or_default();
        let end = rest.match_indices('/').nth(1).map_or(rest.len(), |(at, _)| at);
        core.unwrap_or(&rest[..end])
    }

    /// `list the pods`
    pub fn doing(&self) -> &'static str {
        self.doing
    }

    /// The path of the list in one namespace, or in all.
    fn path_in(&self, namespace: Option<&str>) -> String {
        match (namespace, self.path.rsplit_once('/')) {
            (Some(namespace), Some((group, plural))) => {
                format!("{group}/namespaces/{}/{plural}", percent_encoded(namespace))
            }
            _ => self.path.to_owned(),
        }
    }
}

/// Which objects of a kind are listed; by default all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// Those of this namespace; `None` for all namespaces.
    namespace: Option<String>,
    /// `fieldSelector` or `labelSelector`, and what it selects.
    selector: Option<(&'static str, String)>,
}

impl ListFilter {
    /// The objects of a namespace.
    pub fn in_namespace(namespace: &str) -> Self {
        ListFilter { namespace: Some(namespace.to_owned()), selector: None }
    }

    /// The object of that name.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        ListFilter { selector: Some(("fieldSelector", format!("metadata.name={name}"))), ..self }
    }

    /// The pods of a service account.
    #[must_use]
    pub fn of_account(self, name: &str) -> Self {
        ListFilter { selector: Some(("fieldSelector", format!("spec.serviceAccountName={name}"))), ..self }
    }

    /// The objects, in any namespace, of which a label has that value.
    pub fn labeled(label: &str, value: &str) -> Self {
        ListFilter { namespace: None, selector: Some(("labelSelector", format!("{label}={value}"))) }
    }
}

/// Namespaces.
pub const NAMESPACES: Listed<Namespace> =
    Listed::new(("Namespace", &shapes::NAMESPACE), "/api/v1/namespaces", "list namespaces", "list the namespaces");
/// Service accounts.
pub const SERVICE_ACCOUNTS: Listed<ServiceAccount> = Listed::new(
    ("ServiceAccount", &shapes::SERVICE_ACCOUNT),
    "/api/v1/serviceaccounts",
    "list serviceaccounts",
    "list the service accounts",
);
/// Pods.
pub const PODS: Listed<Pod> = Listed {
    as_served: Pod::as_served,
    ..Listed::new(("Pod", &shapes::POD), "/api/v1/pods", "list pods", "list the pods")
};
/// Nodes.
pub const NODES: Listed<Node> = Listed::new(("Node", &shapes::NODE), "/api/v1/nodes", "list nodes", "list the nodes");
/// DaemonSets of kube-system: what brings identity to nodes and pods runs there.
pub const SYSTEM_DAEMON_SETS: Listed<DaemonSet> = Listed::new(
    ("DaemonSet", &shapes::DAEMON_SET),
    "/apis/apps/v1/namespaces/kube-system/daemonsets",
    "list daemonsets in kube-system",
    "list the DaemonSets of kube-system",
);
/// Network policies: they may keep a pod from the Pod Identity agent.
pub const NETWORK_POLICIES: Listed<NetworkPolicy> = Listed::new(
    ("NetworkPolicy", &shapes::NETWORK_POLICY),
    "/apis/networking.k8s.io/v1/networkpolicies",
    "list networkpolicies.networking.k8s.io",
    "list the network policies",
);
/// Roles.
pub const ROLES: Listed<Role> =
    Listed::new(("Role", &shapes::ROLE), "/apis/rbac.authorization.k8s.io/v1/roles", "list roles", "list the Roles");
/// ClusterRoles.
pub const CLUSTER_ROLES: Listed<Role> = Listed::new(
    ("ClusterRole", &shapes::CLUSTER_ROLE),
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "list clusterroles",
    "list the ClusterRoles",
);
/// RoleBindings.
pub const ROLE_BINDINGS: Listed<Binding> = Listed::new(
    ("RoleBinding", &shapes::ROLE_BINDING),
    "/apis/rbac.authorization.k8s.io/v1/rolebindings",
    "list rolebindings",
    "list the RoleBindings",
);
/// ClusterRoleBindings.
pub const CLUSTER_ROLE_BINDINGS: Listed<Binding> = Listed::new(
    ("ClusterRoleBinding", &shapes::CLUSTER_ROLE_BINDING),
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "list clusterrolebindings",
    "list the ClusterRoleBindings",
);

/// What reading the aws-auth ConfigMap is called in failures.
pub const READ_AWS_AUTH: &str = "read the aws-auth ConfigMap";

/// Whom the API server takes us for: SelfSubjectReview's `status.userInfo`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct UserInfo {
    pub username: String,
    pub uid: String,
    pub groups: Vec<String>,
    pub extra: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Recognised {
    status: RecognisedStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecognisedStatus {
    user_info: UserInfo,
}

#[derive(Deserialize)]
struct Decided {
    status: DecidedStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DecidedStatus {
    allowed: bool,
    denied: bool,
    reason: String,
    evaluation_error: String,
}

impl From<DecidedStatus> for Reviewed {
    fn from(it: DecidedStatus) -> Self {
        let DecidedStatus { allowed, denied, reason, evaluation_error } = it;
        Reviewed { allowed, denied, reason, evaluation_error, as_user: None }
    }
}

/// What a review is about, as the API writes it.
fn spec(review: &Review) -> serde_json::Value {
    let verb = &review.request.verb;
    let mut spec = match &review.request.target {
        Target::Resource { group, resource, subresource, namespace, name } => serde_json::json!({
            "resourceAttributes": {"verb": verb, "group": group, "resource": resource, "subresource": subresource,
                "namespace": namespace, "name": name},
        }),
        Target::Path(path) => serde_json::json!({"nonResourceAttributes": {"verb": verb, "path": path}}),
    };
    if let (Reviewee::Named { username, groups }, Some(spec)) = (&review.of, spec.as_object_mut()) {
        spec.insert("user".to_owned(), username.as_str().into());
        spec.insert("groups".to_owned(), groups.as_slice().into());
    }
    spec
}

/// Why a request came to nothing.
enum Trouble {
    Token(link::TokenError),
    Kube(kube::Error),
    /// The answer broke off.
    Broken(Box<dyn std::error::Error + Send + Sync>),
    /// Answered, but not with success.
    Refused(ApiAnswer),
    /// Answered with success, but not with what was asked for.
    Unreadable(ApiAnswer, String),
}

impl From<kube::Error> for Trouble {
    fn from(error: kube::Error) -> Self {
        Trouble::Kube(error)
    }
}

impl Trouble {
    fn failure(self, request: &Request, asked: Option<AskedObject>) -> Failure {
        match self {
            Trouble::Token(error) => error.failure(request),
            Trouble::Kube(error) => failure::kubernetes(request, &error),
            Trouble::Broken(error) => failure::kubernetes_broken(request, &*error),
            Trouble::Refused(answer) => {
                let mut failure = match answer.refusal() {
                    Some(status) => {
                        let names_it = asked.is_some_and(|it| answer::speaks_of(&status, it));
                        failure::kubernetes_status(request, &status, names_it)
                    }
                    None => unreadable(request, &answer, None),
                };
                if let Some(pause) = answer.retry_after {
                    failure.message.push_str(&format!(". Try again in {}", seconds(pause)));
                }
                failure
            }
            Trouble::Unreadable(answer, why) => unreadable(request, &answer, Some(&why)),
        }
    }
}

fn unreadable(request: &Request, answer: &ApiAnswer, why: Option<&str>) -> Failure {
    let ApiAnswer { status, content_type, body, .. } = answer;
    failure::kubernetes_unreadable(request, *status, content_type.as_deref(), body, why)
}

/// Whatever else somebody put into aws-auth is none of ours, and may be a secret: only its name is kept.
fn keep_own_keys(aws_auth: &mut ConfigMap) {
    let is_own = |key: &str| AwsAuthKey::ALL.iter().any(|own| own.as_str().eq_ignore_ascii_case(key));
    aws_auth.data.iter_mut().filter(|(key, _)| !is_own(key)).for_each(|(_, value)| value.clear());
}

/// The Kubernetes API of one cluster.
#[derive(Clone)]
pub struct Kubernetes {
    session: Session,
    link: Arc<Link>,
    on: String,
    sizes: PageSizes,
}

impl Session {
    /// Prepares to reach a cluster's API: at its endpoint with a token of our own, or through the context of the
    /// kubeconfig that was asked for. No connection is made yet.
    pub async fn kubernetes(&self, id: &ClusterId, cluster: Option<&Cluster>) -> Result<Kubernetes, Failure> {
        let on = format!("cluster {}", id.name);
        let link = self.links().find(self, id, cluster, &on).await?;
        Ok(Kubernetes { session: self.clone(), link, on, sizes: PageSizes::new(SIZES) })
    }
}

impl Kubernetes {
    /// The same API, whose requests are made for a section.
    #[must_use]
    pub fn for_section(&self, section: SectionId) -> Kubernetes {
        Kubernetes { session: self.session.for_section(section), ..self.clone() }
    }

    /// One page of a list.
    pub async fn list<T: DeserializeOwned>(&self, listed: Listed<T>, next: Option<String>) -> Result<Page<T>, Failure> {
        self.list_some(listed, &ListFilter::default(), next).await
    }

    /// One page of a list of the objects that a filter lets through.
    pub async fn list_some<T: DeserializeOwned>(
        &self,
        listed: Listed<T>,
        filter: &ListFilter,
        next: Option<String>,
    ) -> Result<Page<T>, Failure> {
        self.sizes.ask(listed.path, |count| self.list_page(listed, filter, next.as_deref(), count)).await
    }

    async fn list_page<T: DeserializeOwned>(
        &self,
        listed: Listed<T>,
        filter: &ListFilter,
        next: Option<&str>,
        count: usize,
    ) -> Result<Page<T>, Failure> {
        let mut path = listed.path_in(filter.namespace.as_deref());
        let permission = match &filter.namespace {
            Some(namespace) => format!("{} in {namespace}", listed.permission),
            None => listed.permission.to_owned(),
        };
        let request = Request::kubernetes(&format!("GET {path}"), &permission, listed.doing, &*self.on);
        path.push_str(&format!("?limit={count}"));
        if let Some((kind, selector)) = &filter.selector {
            path.push_str(&format!("&{kind}={}", percent_encoded(selector)));
        }
        if let Some(token) = next {
            path.push_str("&continue=");
            path.push_str(&percent_encoded(token));
        }
        let about = request.clone();
        let read = |answer: &ApiAnswer| {
            let found = answer::read_list(answer, (listed.kind, listed.version()), listed.shape)?;
            Ok((found, answer.body.len()))
        };
        let (found, bytes) = self.send(request, None, http::Method::GET, &path, Vec::new(), read).await?;
        let mut items = found.items;
        items.iter_mut().for_each(listed.as_served);
        let missing = |(item, why): (Option<String>, String)| Missing {
            item,
            failure: about.failure(FailureKind::Unexpected, None, &why),
        };
        let missing = found.unreadable.into_iter().map(missing).collect();
        let weight = PageWeight { bytes, ..self.session.weigh(&about) };
        Ok(Page { missing, remaining: found.remaining, weight, ..Page::new(items, found.next) })
    }

    /// The aws-auth ConfigMap; `None` if the cluster has none.
    pub async fn aws_auth(&self) -> Result<Option<ConfigMap>, Failure> {
        let (namespace, name) = AWS_AUTH;
        let path = format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
        let permission = format!("get configmaps in {namespace}");
        let request = Request::kubernetes(&format!("GET {path}"), &permission, READ_AWS_AUTH, &*self.on);
        let asked = AskedObject { resource: "configmaps", namespace, name };
        let read = |answer: &ApiAnswer| {
            let found: ConfigMap = answer.object("ConfigMap", "v1", &shapes::CONFIG_MAP)?;
            let same = found.metadata.name == name && found.metadata.namespace.as_deref() == Some(asked.namespace);
            if same { Ok(found) } else { Err("it is another ConfigMap than the one asked for".to_owned()) }
        };
        match self.send(request, Some(asked), http::Method::GET, &path, Vec::new(), read).await {
            Ok(mut config_map) => {
                keep_own_keys(&mut config_map);
                Ok(Some(config_map))
            }
            Err(failure) if failure.kind == FailureKind::Missing => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// SelfSubjectReview: whom the API server takes us for.
    pub async fn who_am_i(&self) -> Result<UserInfo, Failure> {
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let permission = "create selfsubjectreviews";
        let request = Request::kubernetes(&format!("POST {path}"), permission, "ask who you are", &*self.on);
        let body = br#"{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}"#;
        let read = |answer: &ApiAnswer| {
            answer.object::<Recognised>("SelfSubjectReview", "authentication.k8s.io/v1", &shapes::SELF_REVIEW)
        };
        let said = self.send(request, None, http::Method::POST, path, body.to_vec(), read).await?;
        Ok(said.status.user_info)
    }

    /// SubjectAccessReview, or SelfSubjectAccessReview for ourselves: what the API server's own authorizers say.
    pub async fn review(&self, review: &Review) -> Result<Reviewed, Failure> {
        let kind = match &review.of {
            Reviewee::Caller => "SelfSubjectAccessReview",
            Reviewee::Named { .. } => "SubjectAccessReview",
        };
        let plural = format!("{}s", kind.to_lowercase());
        let path = format!("/apis/authorization.k8s.io/v1/{plural}");
        let permission = format!("create {plural}.authorization.k8s.io");
        let doing = "ask the API server whether it is allowed";
        // Credentials of a kubeconfig may be somebody else's than those that AWS knows us by.
        let as_user = match &review.of {
            Reviewee::Caller => Some(self.who_am_i().await?.username),
            Reviewee::Named { .. } => None,
        };
        let request = Request::kubernetes(&format!("POST {path}"), &permission, doing, &*self.on);
        let body = serde_json::json!({"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec(review)});
        let read =
            |answer: &ApiAnswer| answer.object::<Decided>(kind, "authorization.k8s.io/v1", &shapes::ACCESS_REVIEW);
        let said = self.send(request, None, http::Method::POST, &path, body.to_string().into_bytes(), read).await?;
        Ok(Reviewed { as_user, ..said.status.into() })
    }

    async fn send<T>(
        &self,
        request: Request,
        asked: Option<AskedObject>,
        method: http::Method,
        path: &str,
        body: Vec<u8>,
        read: impl FnOnce(&ApiAnswer) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let exchange = Exchange { method, path, body, accept: "application/json" };
        self.send_exchange(request, asked, exchange, read).await
    }

    async fn send_exchange<T>(
        &self,
        request: Request,
        asked: Option<AskedObject>,
        exchange: Exchange<'_>,
        read: impl FnOnce(&ApiAnswer) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let call = async {
            let answer = self.answer(exchange).await?;
            read(&answer).map_err(|why| Trouble::Unreadable(answer, why))
        };
        if self.link.is_signed_by_us() {
            self.session.wait_for_credentials().await;
        }
        let request = request.asked_of(self.link.host());
        self.session.perform(request, call, |request, trouble| trouble.failure(request, asked)).await
    }

    /// Sends until the server is not overloaded. (The retries of kube's own client go on for minutes.)
    async fn answer(&self, exchange: Exchange<'_>) -> Result<ApiAnswer, Trouble> {
        let Exchange { method, path, body, accept } = exchange;
        let limits = &self.session.options().limits;
        let mut left = self.session.options().attempts.saturating_sub(1);
        let mut pause = FIRST_PAUSE;
        let mut fresh = false;
        loop {
            let mut request = http::Request::builder()
                .method(&method)
                .uri(path)
                .header(http::header::ACCEPT, accept)
                .header(http::header::CONTENT_TYPE, "application/json");
            let token = self.link.authorization(&self.session).await.map_err(Trouble::Token)?;
            if let Some(token) = &token {
                request = request.header(http::header::AUTHORIZATION, &token.header);
            }
            let request = request.body(body.clone().into()).map_err(kube::Error::HttpError)?;
            if let Some(progress) = Progress::current() {
                progress.attempt(self.link.host());
            }
            let answer = collected(self.link.client().send(request).await?, limits.large).await?;
            match answer.status {
                200..300 => return Ok(answer),
                // Who wants to be left alone for longer is not asked again.
                429 | 503 | 504 if left > 0 && answer.retry_after.is_none_or(|it| it <= limits.retry_after) => {
                    left -= 1;
                    tokio::time::sleep(answer.retry_after.unwrap_or_default().max(pause)).await;
                    pause *= 2;
                }
                401 => {
                    let Some(token) = token else { return Err(Trouble::Refused(answer)) };
                    self.link.forget(&token).await;
                    // One that was kept may have died before its time; a new one that is refused is an answer.
                    if !token.kept || fresh {
                        return Err(Trouble::Refused(answer));
                    }
                    fresh = true;
                }
                _ => return Err(Trouble::Refused(answer)),
            }
        }
    }
}

/// One request over HTTP, and which forms of an answer are accepted.
struct Exchange<'a> {
    method: http::Method,
    path: &'a str,
    body: Vec<u8>,
    accept: &'static str,
}

/// The whole of an answer. It is read here and not in kube's client, which logs answers that it cannot read, whatever is in
/// them, and takes any error page for the API server's word.
async fn collected(answer: http::Response<kube::client::Body>, limits: AnswerLimits) -> Result<ApiAnswer, Trouble> {
    let (parts, body) = answer.into_parts();
    let status = parts.status.as_u16();
    if let Some(progress) = Progress::current() {
        progress.head(status);
    }
    let text = |name: http::HeaderName| parts.headers.get(name).and_then(|it| it.to_str().ok());
    let content_type = text(http::header::CONTENT_TYPE).map(str::to_owned);
    let retry_after = text(http::header::RETRY_AFTER).and_then(|it| it.trim().parse().ok()).map(Duration::from_secs);
    let body = BoundedBody::new(body, limits).collect().await.map_err(Trouble::Broken)?.to_bytes().to_vec();
    Ok(ApiAnswer { status, content_type, retry_after, body })
}

/// Text as it may stand in any part of a URL.
fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers 401 so many times, then 200, and tells whose turn it was.
    async fn server(refusals: usize) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
        use http_body_util::Full;
        use hyper_util::rt::TokioIo;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (seen, tokens) = tokio::sync::mpsc::unbounded_channel();
        let left = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(refusals));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, left) = (seen.clone(), left.clone());
                let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                    let token = request.headers()[http::header::AUTHORIZATION].to_str().unwrap().to_owned();
                    seen.send(token).unwrap();
                    use std::sync::atomic::Ordering::SeqCst;
                    let refused = left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
                    let answer = if refused {
                        let body = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","code":401,
                            "reason":"Unauthorized","message":"Unauthorized"}"#;
                        http::Response::builder().status(401).body(Full::new(hyper::body::Bytes::from(body)))
                    } else {
                        http::Response::builder().body(Full::new(
                            r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}"#
                                .into(),
                        ))
                    };
                    std::future::ready(answer)
                });
                tokio::spawn(async move {
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        (url, tokens)
    }

    #[test]
    fn of_aws_auth_only_its_own_keys_keep_their_values() {
        let data = [("mapRoles", "[]"), ("maproles", "[]"), ("mapUsers", "x"), ("password", "hunter2")];
        let data = data.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let mut config_map = ConfigMap { metadata: crate::model::rbac::Metadata::default(), data };
        keep_own_keys(&mut config_map);
        let kept: Vec<_> = config_map.data.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(kept, [("mapRoles", "[]"), ("mapUsers", "x"), ("maproles", "[]"), ("password", "")]);
    }

    #[tokio::test]
    async fn a_kept_token_that_is_refused_is_replaced_once() {
        for (kept, refusals, known, asked) in [(true, 1, true, 2), (true, 9, false, 2), (false, 9, false, 1)] {
            let (url, mut tokens) = server(refusals).await;
            let session = link::tests::session(crate::cloud::Options::default()).await;
            let link = Arc::new(link::tests::link(&session, &url, kept));
            let kubernetes = Kubernetes { session, link, on: "cluster c".into(), sizes: PageSizes::new(SIZES) };
            let answer = kubernetes.list(PODS, None).await;
            assert_eq!(answer.as_ref().map_err(|it| &it.kind).err(), (!known).then_some(&FailureKind::Unauthenticated));
            let seen: Vec<String> = std::iter::from_fn(|| tokens.try_recv().ok()).collect();
            assert_eq!(seen.len(), asked, "{seen:?}");
            assert_eq!(seen[0] == "Bearer old", kept);
            assert!(seen.last().unwrap().starts_with("Bearer k8s-aws-v1."), "{seen:?}");
        }
    }

    #[test]
    fn a_review_is_written_as_the_api_has_it() {
        let resource = Target::Resource {
            group: "apps".into(),
            resource: "deployments".into(),
            subresource: "scale".into(),
            namespace: "pay".into(),
            name: "api".into(),
        };
        let request = |target| crate::model::request::Request { verb: "update".into(), target };
        let of = Reviewee::Named { username: "jane".into(), groups: vec!["g".into()] };
        assert_eq!(
            spec(&Review { of, request: request(resource) }),
            serde_json::json!({"user": "jane", "groups": ["g"], "resourceAttributes": {"verb": "update",
                "group": "apps", "resource": "deployments", "subresource": "scale", "namespace": "pay", "name": "api"}})
        );
        assert_eq!(
            spec(&Review { of: Reviewee::Caller, request: request(Target::Path("/x".into())) }),
            serde_json::json!({"nonResourceAttributes": {"verb": "update", "path": "/x"}})
        );
        let said: Decided = serde_json::from_str(r#"{"status": {"allowed": true, "reason": "RBAC: x"}}"#).unwrap();
        assert_eq!(
            Reviewed::from(said.status),
            Reviewed { allowed: true, reason: "RBAC: x".into(), ..Reviewed::default() }
        );
    }

    #[test]
    fn continue_tokens_are_encoded() {
        assert_eq!(percent_encoded("eyJ2-_.~Zg=="), "eyJ2-_.~Zg%3D%3D");
        assert_eq!(percent_encoded("a&b=é"), "a%26b%3D%C3%A9");
    }

    fn list(body: &str) -> Result<answer::ApiListing<Pod>, String> {
        let answer = ApiAnswer { status: 200, content_type: None, retry_after: None, body: body.as_bytes().to_vec() };
        answer::read_list(&answer, ("Pod", PODS.version()), &shapes::POD)
    }

    #[test]
    fn an_item_that_cannot_be_read_is_named_and_the_others_stay() {
        let item =
            |metadata: &str| format!(r#"{{"metadata": {metadata}, "spec": {{"containers": [{{"name": "c"}}]}}}}"#);
        let items = [
            item(r#"{"name": "a", "namespace": "n"}"#),
            item(r#"{"name": ["hunter2"], "namespace": "n"}"#),
            item(r#"{"name": "b", "namespace": "n", "labels": {"x": null}}"#),
        ];
        let found = list(&format!(
            r#"{{"kind": "PodList", "apiVersion": "v1", "metadata": {{"resourceVersion": "1"}}, "items": [{}]}}"#,
            items.join(",")
        ))
        .unwrap();
        assert_eq!(found.items.len(), 1);
        let [(None, nameless), (Some(b), named)] = &found.unreadable[..] else { panic!("{:?}", found.unreadable) };
        assert!(nameless.contains("metadata.name") && !nameless.contains("hunter2"), "{nameless}");
        assert_eq!((b.as_str(), named.contains("metadata.labels.x")), ("n/b", true), "{named}");
    }

    #[test]
    fn items_are_read_wherever_they_stand_and_the_last_ones_count() {
        let pod = |name: &str| {
            format!(r#"{{"metadata":{{"name":"{name}","namespace":"n"}},"spec":{{"containers":[{{"name":"c"}}]}}}}"#)
        };
        let (one, other) = (pod("one"), pod("other"));
        let body = format!(
            r#"{{"items":[{one},{one},5],"metadata":{{"resourceVersion":"1"}},"items":[{other}],"apiVersion":"v1","kind":"PodList"}}"#
        );
        let found = list(&body).unwrap();
        assert_eq!(found.items.iter().map(|it| it.metadata.name.as_str()).collect::<Vec<_>>(), ["other"]);
        assert_eq!(found.unreadable, []);
    }

    #[test]
    fn a_list_says_itself_that_it_is_one() {
        for (body, wanted) in [
            ("", "empty"),
            ("<html>", "no whole JSON"),
            (r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":["#, "no whole JSON"),
            ("{}", "kind is missing"),
            (r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"}}"#, "items is missing"),
            (
                r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":null}"#,
                "items is null",
            ),
            (
                r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":{"a":[1]}}"#,
                "items is no list",
            ),
            (
                r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":7}"#,
                "items is no list",
            ),
            ("[]", "is no object"),
            (r#"{"items":[{"metadata":{"name":"p"}}],"kind":"NodeList"}"#, "apiVersion is missing"),
            (r#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]}"#, "resourceVersion is missing"),
            (r#"{"kind":"PodList","apiVersion":"v1","items":[]}"#, "metadata is missing"),
            (r#"{"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}"#, "no PodList"),
            (
                r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1","remainingItemCount":3},"items":[]}"#,
                "tells of more items",
            ),
        ] {
            let Err(why) = list(body) else { panic!("{body} must not be read") };
            assert!(why.contains(wanted), "{body}: {why}");
        }
        assert_eq!(
            (ROLES.version(), PODS.version(), SYSTEM_DAEMON_SETS.version()),
            ("rbac.authorization.k8s.io/v1", "v1", "apps/v1")
        );
    }

    #[test]
    fn only_a_status_that_names_the_object_says_that_it_is_not_there() {
        let asked = AskedObject { resource: "configmaps", namespace: "kube-system", name: "aws-auth" };
        let status = |details: &str| {
            format!(
                r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","message":"m","code":404,"details":{details}}}"#
            )
        };
        let named = status(r#"{"name":"aws-auth","kind":"configmaps"}"#);
        for (body, kind) in [
            (named.as_str(), FailureKind::Missing),
            (&status(r#"{"name":"aws-auth"}"#), FailureKind::Missing),
            (&status(r#"{"name":"other","kind":"configmaps"}"#), FailureKind::Unexpected),
            (&status(r#"{"name":"aws-auth","kind":"secrets"}"#), FailureKind::Unexpected),
            (&status("{}"), FailureKind::Unexpected),
            (&named.replace("NotFound", "Gone"), FailureKind::Unexpected),
            (&named.replace("\"code\":404", "\"code\":403"), FailureKind::Unexpected),
            ("<html><body>404 page of a load balancer</body></html>", FailureKind::Unexpected),
            ("", FailureKind::Unexpected),
            ("{}", FailureKind::Unexpected),
            ("404 page not found", FailureKind::Unexpected),
        ] {
            let request = Request::kubernetes("GET x", "get configmaps", READ_AWS_AUTH, "cluster c");
            let answer = ApiAnswer {
                status: 404,
                content_type: Some("text/html".into()),
                retry_after: None,
                body: body.as_bytes().to_vec(),
            };
            let failure = Trouble::Refused(answer).failure(&request, Some(asked));
            assert_eq!(failure.kind, kind, "{body}: {failure}");
        }
    }
}
