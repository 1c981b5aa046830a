//! Who the caller is.

use super::failure;
use super::lanes::{Rank, Service};
use super::session::{Request, Session};
use crate::model::failure::Failure;
use crate::model::role::Caller;

impl Session {
    /// GetCallerIdentity, which needs no permission.
    pub async fn caller(&self) -> Result<Caller, Failure> {
        let request = Request::aws(Service::Sts, "GetCallerIdentity", "find out who you are", "", Rank::Page);
        let call = self.sts_client().get_caller_identity().customize().interceptor(request.check()).send();
        let said = self.perform(request, call, failure::aws).await?;
        Ok(Caller {
            account: said.account.unwrap_or_default(),
            arn: said.arn.unwrap_or_default(),
            user_id: said.user_id.unwrap_or_default(),
        })
    }
}
