//! A small HTTP server on loopback that answers as a test tells it, for AWS and Kubernetes alike; it can first record what a
//! real lab answers.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// One answer: status, content type, body.
#[derive(Clone, Debug)]
pub(crate) struct Said(pub(crate) u16, pub(crate) &'static str, pub(crate) Vec<u8>);

pub(crate) const JSON: &str = "application/json";
pub(crate) const XML: &str = "text/xml";
pub(crate) const HTML: &str = "text/html";

/// A request reads `GET /clusters/c?nextToken=a`, or `POST / Action=GetRole&RoleName=x`.
pub(crate) type Answers = Box<dyn Fn(&str) -> Said + Send + Sync>;

struct State {
    answers: Mutex<Answers>,
    upstream: Mutex<Option<String>>,
    recorded: Mutex<BTreeMap<String, Said>>,
}

pub(crate) struct Fake {
    pub(crate) url: String,
    state: Arc<State>,
    _server: JoinSet<()>,
}

impl Fake {
    pub(crate) async fn start(answers: impl Fn(&str) -> Said + Send + Sync + 'static) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers: Answers = Box::new(answers);
        let state =
            Arc::new(State { answers: Mutex::new(answers), upstream: Mutex::default(), recorded: Mutex::default() });
        let shared = Arc::clone(&state);
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&shared);
                connections.spawn(async move {
                    let service = service_fn(|request| respond(&state, request));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Fake { url, state, _server: server }
    }

    /// Answers so from now on.
    pub(crate) fn answer(&self, answers: impl Fn(&str) -> Said + Send + Sync + 'static) {
        *self.state.answers.lock().unwrap() = Box::new(answers);
    }

    /// Passes everything on to another server, and keeps what it answers.
    pub(crate) fn record(&self, upstream: &str) {
        *self.state.upstream.lock().unwrap() = Some(upstream.to_owned());
    }

    /// What was recorded; from now on it answers by itself.
    pub(crate) fn recorded(&self) -> BTreeMap<String, Said> {
        *self.state.upstream.lock().unwrap() = None;
        std::mem::take(&mut self.state.recorded.lock().unwrap())
    }
}

async fn respond(state: &State, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let key = format!("{} {} {}", parts.method, parts.uri, String::from_utf8_lossy(&body)).trim_end().to_owned();
    let upstream = state.upstream.lock().unwrap().clone();
    let Said(status, kind, body) = match upstream {
        None => (state.answers.lock().unwrap())(&key),
        Some(upstream) => {
            let mut onward = Request::builder().method(parts.method).uri(format!("{upstream}{}", parts.uri));
            *onward.headers_mut().unwrap() = parts.headers;
            let client = Client::builder(TokioExecutor::new()).build_http();
            let answer = client.request(onward.body(Full::new(body)).unwrap()).await.unwrap();
            let (parts, body) = answer.into_parts();
            let body = body.collect().await.unwrap().to_bytes().to_vec();
            let said = Said(parts.status.as_u16(), if body.starts_with(b"<") { XML } else { JSON }, body);
            state.recorded.lock().unwrap().insert(key, said.clone());
            said
        }
    };
    let answer = Response::builder().status(status).header("content-type", kind);
    Ok(answer.body(Full::from(body)).unwrap())
}
