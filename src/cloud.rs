//! The door to AWS and Kubernetes: plain calls whose answers are `model` values. SDK types stop here.
//!
//! Decides how a request is made: with which credentials, in which lane ([`lanes`]), how long it may take, how a failure
//! reads ([`failure`]), what counts as an answer ([`answer`]), and that each request is recorded ([`Call`](crate::model::update::Call)). Refuses to know what
//! to ask, in which order, and what follows from the answers: that is `run/load`'s and `access`'s. A new call is a method
//! of [`eks::Eks`], [`iam::Iam`] or [`kubernetes::Kubernetes`], with its conversion beside it.

mod answer;
mod authorities;
mod credentials;
pub mod eks;
mod failure;
pub mod iam;
pub mod kubernetes;
mod lanes;
mod programs;
pub mod session;
mod sts;
mod token;

pub use programs::{SignalsHandled, end_programs};
pub use session::{Credentials, Endpoint, Options, Session};

use std::collections::HashSet;

use crate::model::failure::{Failure, FailureKind};
use crate::model::snapshot::Missing;

/// No list has so many pages: one that goes on after them goes on for ever.
const MOST_PAGES: usize = 10_000;

/// One page of a list, and how to ask for the next.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The items of this page, in the order in which they came.
    pub items: Vec<T>,
    /// The items of this page that are there and could not be read.
    pub missing: Vec<Missing>,
    /// What to ask the next page with; `None` at the end.
    pub next: Option<String>,
    /// How many items follow after this page, where the server tells.
    pub remaining: Option<usize>,
}

impl<T> Page<T> {
    fn new(items: Vec<T>, next: Option<String>) -> Self {
        Page { items, missing: Vec::new(), next, remaining: None }
    }
}

/// The tokens that a list's pages were asked with, so that a list that never ends is noticed.
#[derive(Debug, Default)]
pub struct PageTurns {
    seen: HashSet<String>,
}

impl PageTurns {
    /// The token of the next page, or a failure where it was given before.
    pub fn follow(&mut self, next: Option<String>) -> Result<Option<String>, Failure> {
        let Some(next) = next else { return Ok(None) };
        let why = if self.seen.len() >= MOST_PAGES {
            format!("the list has more than {MOST_PAGES} pages")
        } else if self.seen.insert(next.clone()) {
            return Ok(Some(next));
        } else {
            "the server gave the same page token twice, so the list would never end".to_owned()
        };
        Err(Failure {
            kind: FailureKind::Unexpected,
            doing: "read the list to its end".to_owned(),
            on: String::new(),
            code: None,
            message: why,
        })
    }
}
