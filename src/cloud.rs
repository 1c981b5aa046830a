//! The door to AWS and Kubernetes: plain calls whose answers are `model` values. SDK types stop here.
//!
//! Decides how a request is made: with which credentials, in which lane ([`lanes`]), how long it may take, how a failure
//! reads ([`failure`]), what counts as an answer ([`answer`]), and that each request is recorded ([`Call`](crate::model::update::Call)). Refuses to know what
//! to ask, in which order, and what follows from the answers: that is `run/load`'s and `access`'s. A new call is a method
//! of [`eks::Eks`], [`iam::Iam`] or [`kubernetes::Kubernetes`], with its conversion beside it.

mod answer;
mod authorities;
mod bounded;
mod credentials;
pub mod eks;
mod failure;
pub mod iam;
pub mod kubernetes;
mod lanes;
mod limits;
mod page_size;
mod patience;
mod programs;
mod progress;
pub mod session;
mod status_board;
mod sts;
mod token;

pub use limits::{AnswerLimits, Limits, ListLimits};
pub use programs::{SignalsHandled, end_programs};
pub use session::{CodePrompt, Credentials, Endpoint, Options, Session};

use std::collections::HashSet;
use std::time::Instant;

use crate::model::failure::{Failure, FailureKind};
use crate::model::snapshot::Missing;

/// No service gives longer ones, and none could be asked with them.
const LONGEST_TOKEN: usize = 16 << 10;

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
    /// What the page weighs.
    pub weight: PageWeight,
}

/// How large a page was, how large its list may become, and whose list it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageWeight {
    /// Bytes of the answer.
    pub bytes: usize,
    /// The limits of its list.
    pub limits: ListLimits,
    /// What was being done: `list the access entries`.
    pub doing: &'static str,
    /// On what.
    pub on: String,
    /// Who answered.
    pub host: String,
}

impl<T> Page<T> {
    pub(crate) fn new(items: Vec<T>, next: Option<String>) -> Self {
        Page { items, missing: Vec::new(), next, remaining: None, weight: PageWeight::default() }
    }

    /// The same page with something else for each item.
    pub fn map<U>(self, of: impl FnMut(T) -> U) -> Page<U> {
        let Page { items, missing, next, remaining, weight } = self;
        Page { items: items.into_iter().map(of).collect(), missing, next, remaining, weight }
    }
}

/// The pages of a list that were read, so that a list that never ends is noticed.
#[derive(Debug)]
pub struct PageTurns {
    seen: HashSet<String>,
    began: Instant,
    empty: usize,
    items: usize,
    bytes: usize,
}

impl Default for PageTurns {
    fn default() -> Self {
        PageTurns { seen: HashSet::new(), began: Instant::now(), empty: 0, items: 0, bytes: 0 }
    }
}

impl PageTurns {
    /// The token of the page after this one, or a failure where the list is longer than any list is.
    pub fn follow<T>(&mut self, page: &Page<T>) -> Result<Option<String>, Failure> {
        self.follow_token(page.next.as_deref(), page.items.len() + page.missing.len(), &page.weight)
    }

    /// The same, of a page with so many items.
    pub fn follow_token(
        &mut self,
        next: Option<&str>,
        items: usize,
        PageWeight { bytes, limits, doing, on, host }: &PageWeight,
    ) -> Result<Option<String>, Failure> {
        self.items += items;
        self.bytes = self.bytes.saturating_add(*bytes);
        self.empty = if items == 0 { self.empty + 1 } else { 0 };
        let Some(next) = next else { return Ok(None) };
        let pages = self.seen.len() + 1;
        let more = |what: String| format!("the list goes on after {what}, and was not read any further");
        let why = if self.seen.contains(next) {
            "the server gave the same page token twice, so the list would never end".to_owned()
        } else if next.len() > LONGEST_TOKEN {
            format!("the token of the next page has {} bytes", next.len())
        } else if pages >= limits.pages {
            more(format!("{pages} pages"))
        } else if self.empty >= limits.empty_pages {
            more(format!("{} empty pages in a row", self.empty))
        } else if self.items > limits.items {
            more(format!("{} items", self.items))
        } else if self.bytes > limits.bytes {
            more(limits::size(self.bytes))
        } else if self.began.elapsed() > limits.time {
            more(limits::seconds(limits.time))
        } else {
            self.seen.insert(next.to_owned());
            return Ok(Some(next.to_owned()));
        };
        Err(Failure {
            kind: FailureKind::Unexpected,
            doing: format!("{doing} to the end"),
            on: on.clone(),
            code: None,
            message: format!("{why} ({host} answered)"),
        })
    }
}
