//! What is asked of the API server's own authorizers, and what they say.
//!
//! The plain values of SubjectAccessReview and SelfSubjectAccessReview. Asking is `cloud`'s; what an answer means beside
//! our own is `access::crosscheck`'s.

use super::request::Request;

/// A question to the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// About whom.
    pub of: Reviewee,
    /// May it?
    pub request: Request,
}

/// About whom a review is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reviewee {
    /// Whoever asks: the review then has all that the API server knows of them.
    Caller,
    /// Somebody else, by name and groups: whatever else stands behind an identity is not part of the question.
    Named {
        /// Their username.
        username: String,
        /// Their groups, the implicit ones included.
        groups: Vec<String>,
    },
}

/// What the API server says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reviewed {
    /// Something allows it.
    pub allowed: bool,
    /// Something denies it outright.
    pub denied: bool,
    /// Which, in its own words; may be empty.
    pub reason: String,
    /// What kept an authorizer from answering; may be empty.
    pub evaluation_error: String,
    /// As whom it took the caller, where the review was about the caller.
    pub as_user: Option<String>,
}
