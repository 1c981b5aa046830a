//! Listening, and the plain shapes of a request and an answer.
//!
//! Knows no service: a [`Site`] answers. Dropping a listener's task drops its connections with it. A body is whole, or a
//! stream that lasts until the client goes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{Stream, StreamExt as _};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::Site;

/// The longest body that is read; nothing that is asked for here comes near it.
const MAX_BODY: usize = 4 << 20;

/// A request, read whole.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    /// Raw, percent-encoding and all.
    pub(super) path: String,
    /// Raw, without the question mark.
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Request {
    /// A header's text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// An answer: its body is whole, or a stream.
pub(super) type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// An answer of a status, a content type and a text.
pub(super) fn answer(status: StatusCode, content_type: &'static str, body: String) -> Answer {
    with_body(status, content_type, Full::new(Bytes::from(body)).boxed_unsync())
}

/// An answer of texts that are sent one by one as they come. It ends with the stream, or when the client goes.
pub(super) fn stream_answer(content_type: &'static str, texts: impl Stream<Item = String> + Send + 'static) -> Answer {
    let frames = texts.map(|it| Ok(Frame::data(Bytes::from(it))));
    with_body(StatusCode::OK, content_type, StreamBody::new(frames).boxed_unsync())
}

fn with_body(status: StatusCode, content_type: &'static str, body: UnsyncBoxBody<Bytes, Infallible>) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// In place of an answer: the connection is dropped, as where nothing answers.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("left without an answer")]
struct Unanswered;

/// No answer at all.
pub(super) fn unanswered() -> Answer {
    let mut answer = answer(StatusCode::SERVICE_UNAVAILABLE, "text/plain", String::new());
    answer.extensions_mut().insert(Unanswered);
    answer
}

/// Serves a site on a port until the future is dropped.
pub(super) async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, site: Site) {
    let site = Arc::new(site);
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, tls.clone(), site.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                // Out of file descriptors, most likely: some have to be given back first.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, site: Arc<Site>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "nodelay");
    }
    match tls {
        None => exchange(stream, site).await,
        Some(tls) => match tls.accept(stream).await {
            Ok(stream) => exchange(stream, site).await,
            Err(error) => tracing::debug!(%error, "a TLS handshake failed"),
        },
    }
}

async fn exchange(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, site: Arc<Site>) {
    let service = service_fn(move |request| {
        let site = site.clone();
        async move {
            let answer = one(request, &site).await;
            match answer.extensions().get::<Unanswered>() {
                Some(unanswered) => Err(*unanswered),
                None => Ok(answer),
            }
        }
    });
    if let Err(error) = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(error, "a connection broke off");
    }
}

async fn one(request: http::Request<Incoming>, site: &Site) -> Answer {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return answer(StatusCode::PAYLOAD_TOO_LARGE, "text/plain", "the request is too long".to_owned());
        }
        Err(_) => return answer(StatusCode::BAD_REQUEST, "text/plain", "the request broke off".to_owned()),
    };
    let mut headers = head.headers;
    // HTTP/2 has the host in the request line's place.
    if let (None, Some(authority)) = (headers.get(http::header::HOST), head.uri.authority())
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        headers.insert(http::header::HOST, host);
    }
    let request = Request {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers,
        body,
    };
    site.respond(request).await
}
