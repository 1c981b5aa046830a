//! The door to AWS and Kubernetes: plain calls whose answers are `model` values. SDK types stop here.
//!
//! Decides how a request is made: with which credentials, in which lane ([`lanes`]), how long it may take, how a failure
//! reads ([`failure`]), and that each request is recorded ([`Call`](crate::model::update::Call)). Refuses to know what
//! to ask, in which order, and what follows from the answers: that is `run/load`'s and `access`'s. A new call is a method
//! of [`eks::Eks`], [`iam::Iam`] or [`kubernetes::Kubernetes`], with its conversion beside it.

pub mod eks;
mod failure;
pub mod iam;
pub mod kubernetes;
mod lanes;
pub mod session;
mod sts;
mod token;

pub use session::{Credentials, Endpoint, Options, Session};

/// One page of a list, and how to ask for the next.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The items of this page, in the order in which they came.
    pub items: Vec<T>,
    /// What to ask the next page with; `None` at the end.
    pub next: Option<String>,
    /// How many items follow after this page, where the server tells.
    pub remaining: Option<usize>,
}

impl<T> Page<T> {
    fn new(items: Vec<T>, next: Option<String>) -> Self {
        // Some services end a list with an empty token instead of none.
        Page { items, next: next.filter(|token| !token.is_empty()), remaining: None }
    }
}
