//! A gate before the AWS port of a lab: what passes is counted, and can be answered wrongly, held back, or both.
//!
//! The requests that it lets through are not touched, so their signatures stay good.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What the gate does instead of letting a request through.
#[derive(Clone)]
pub(crate) enum Fault {
    /// An error in the service's own words.
    Error(u16, &'static str, &'static str),
    /// This JSON, as EKS would answer.
    Json(serde_json::Value),
    /// Lets it through when the gate is opened.
    Hold,
}

type Rule = Box<dyn Fn(&str) -> Option<Fault> + Send + Sync>;

#[derive(Default)]
struct Traffic {
    seen: Vec<String>,
    now: BTreeMap<String, usize>,
    peak: BTreeMap<String, usize>,
}

struct State {
    upstream: String,
    client: Client<HttpConnector, Full<Bytes>>,
    rules: Mutex<Vec<Rule>>,
    traffic: watch::Sender<Traffic>,
    open: watch::Sender<bool>,
}

/// The running gate.
pub(crate) struct Gate {
    pub(crate) url: String,
    state: Arc<State>,
    _server: JoinSet<()>,
}

impl Gate {
    pub(crate) async fn before(upstream: &str) -> Gate {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            upstream: upstream.to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            rules: Mutex::default(),
            traffic: watch::Sender::default(),
            open: watch::Sender::new(false),
        });
        let mut server = JoinSet::new();
        let shared = Arc::clone(&state);
        server.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&shared);
                connections.spawn(async move {
                    let service = service_fn(|request| respond(&state, request));
                    // A client that goes away ends its connection; that is no fault here.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Gate { url, state, _server: server }
    }

    /// From now on requests for which `rule` has a fault meet it. A request reads `eks GET /clusters?nextToken=a` or
    /// `iam Action=GetRole&RoleName=x`.
    pub(crate) fn rule(&self, rule: impl Fn(&str) -> Option<Fault> + Send + Sync + 'static) {
        self.state.rules.lock().unwrap().push(Box::new(rule));
    }

    /// Lets go all that is held and will be.
    pub(crate) fn open(&self) {
        self.state.open.send_replace(true);
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.state.traffic.borrow().seen.clone()
    }

    /// How many requests of a service were under way at once at most.
    pub(crate) fn peak(&self, service: &str) -> usize {
        self.state.traffic.borrow().peak.get(service).copied().unwrap_or_default()
    }

    /// Waits until so many requests of a service are under way.
    pub(crate) async fn wait_for(&self, service: &str, count: usize) {
        let mut traffic = self.state.traffic.subscribe();
        traffic.wait_for(|traffic| traffic.now.get(service).copied().unwrap_or_default() == count).await.unwrap();
    }
}

impl Gate {
    /// Waits until such a request has come.
    pub(crate) async fn wait_until(&self, is_it: impl Fn(&str) -> bool) {
        let mut traffic = self.state.traffic.subscribe();
        traffic.wait_for(|traffic| traffic.seen.iter().any(|line| is_it(line))).await.unwrap();
    }
}

/// Counts a request for as long as it lives, however it ends.
struct UnderWay<'a>(&'a State, String);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.traffic.send_modify(|traffic| *traffic.now.entry(self.1.clone()).or_default() -= 1);
    }
}

async fn respond(state: &State, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let signed_for = parts.headers[http::header::AUTHORIZATION].to_str().unwrap();
    let service = signed_for.split('/').nth(3).unwrap().to_owned();
    let line = match service.as_str() {
        "eks" => format!("eks {} {}", parts.method, parts.uri),
        _ => format!("{service} {}", String::from_utf8_lossy(&body)),
    };
    state.traffic.send_modify(|traffic| {
        traffic.seen.push(line.clone());
        let now = traffic.now.entry(service.clone()).or_default();
        *now += 1;
        let now = *now;
        let peak = traffic.peak.entry(service.clone()).or_default();
        *peak = now.max(*peak);
    });
    let _under_way = UnderWay(state, service.clone());
    let fault = state.rules.lock().unwrap().iter().find_map(|rule| rule(&line));
    match fault {
        Some(Fault::Error(status, code, message)) => return Ok(error(&service, status, code, message)),
        Some(Fault::Json(value)) => return Ok(Response::new(Full::from(value.to_string()))),
        Some(Fault::Hold) => {
            state.open.subscribe().wait_for(|open| *open).await.unwrap();
        }
        None => {}
    }
    let mut onward = Request::builder().method(parts.method).uri(format!("{}{}", state.upstream, parts.uri));
    *onward.headers_mut().unwrap() = parts.headers;
    let answer = state.client.request(onward.body(Full::new(body)).unwrap()).await.unwrap();
    let (parts, body) = answer.into_parts();
    Ok(Response::from_parts(parts, Full::new(body.collect().await.unwrap().to_bytes())))
}

fn error(service: &str, status: u16, code: &str, message: &str) -> Response<Full<Bytes>> {
    let body = match service {
        "eks" => serde_json::json!({ "message": message }).to_string(),
        _ => format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             </ErrorResponse>"
        ),
    };
    let answer = Response::builder().status(StatusCode::from_u16(status).unwrap()).header("x-amzn-errortype", code);
    answer.body(Full::from(body)).unwrap()
}
