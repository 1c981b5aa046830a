//! A cluster's Kubernetes API.

use std::sync::Arc;

use super::State;
use super::http::{Answer, Request, Site, answer};
use crate::model::cluster::ClusterId;

/// The site of one cluster's port.
#[derive(Debug)]
pub(super) struct ApiServer {
    state: Arc<State>,
    id: ClusterId,
}

impl ApiServer {
    pub(super) fn new(state: Arc<State>, id: ClusterId) -> ApiServer {
        ApiServer { state, id }
    }
}

impl Site for ApiServer {
    async fn respond(&self, _: Request) -> Answer {
        let _ = (self.state.world().cluster(&self.id), &self.state.faults);
        answer(http::StatusCode::SERVICE_UNAVAILABLE, "application/json", "{}".to_owned())
    }
}
