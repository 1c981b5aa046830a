//! The HTTP client of the AWS SDK, whose answers are bounded.
//!
//! Decides nothing of its own: it tells the progress of the call that it is used for ([`Progress`]) whom it asks and
//! what comes back, and cuts off answers that grow too large ([`BoundedBody`]). Calls that nobody watches, those for credentials,
//! are bounded by the limits of small answers.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;

use super::limits::AnswerLimits;
use super::progress::{BoundedBody, Progress};

/// Bounds what a client reads.
pub(super) fn bounded(inner: SharedHttpClient, unwatched: AnswerLimits) -> SharedHttpClient {
    SharedHttpClient::new(BoundedClient { inner, unwatched })
}

#[derive(Debug)]
struct BoundedClient {
    inner: SharedHttpClient,
    unwatched: AnswerLimits,
}

impl HttpClient for BoundedClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(BoundedConnector { inner, unwatched: self.unwatched })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.inner.validate_base_client_config(components, config)
    }

    fn validate_final_config(&self, components: &RuntimeComponents, config: &ConfigBag) -> Result<(), BoxError> {
        self.inner.validate_final_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.inner.connector_metadata()
    }
}

#[derive(Debug)]
struct BoundedConnector {
    inner: SharedHttpConnector,
    unwatched: AnswerLimits,
}

/// `host:port`, or the host where the port is the usual one.
pub(super) fn host_of(uri: &http::Uri) -> String {
    let host = uri.host().unwrap_or("the server");
    uri.port_u16().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

impl HttpConnector for BoundedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let progress = Progress::current();
        // The SDK takes an answer that was cut off for one that broke off, and would ask again.
        if let Some(found) = progress.as_ref().and_then(Progress::too_large) {
            return HttpConnectorFuture::ready(Err(ConnectorError::user(Box::new(found))));
        }
        if let (Some(progress), Ok(uri)) = (&progress, request.uri().parse::<http::Uri>()) {
            progress.attempt(&host_of(&uri));
        }
        let answer = self.inner.call(request);
        let unwatched = self.unwatched;
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            if let Some(progress) = &progress {
                progress.head(answer.status().as_u16());
            }
            Ok(answer.map(|body| SdkBody::from_body_1_x(BoundedBody::new(body, unwatched))))
        })
    }
}
