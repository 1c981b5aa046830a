//! What goes wrong on purpose.
//!
//! Every request passes here before it is answered. For now a lab can only be slow; throttling, refusing and failing
//! belong beside it.

use std::time::Duration;

/// How the lab misbehaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Faults {
    /// How long every answer takes at least.
    pub(super) latency: Duration,
}

impl Faults {
    /// Waits as long as a request has to wait.
    pub(super) async fn before_answer(&self) {
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
    }
}
