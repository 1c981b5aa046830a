//! How many items a page of a list is asked for.
//!
//! Decides that a list whose page was too large goes on with smaller ones: a page that is cut off costs as much as one that
//! is read. What is too large is decided in [`super::limits`]. A list that can be asked for in smaller pages has its sizes
//! beside its call.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use super::progress::TOO_LARGE;
use crate::model::failure::Failure;

/// The sizes that pages have, the usual one first, and which lists have come to a smaller one. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct PageSizes {
    sizes: &'static [usize],
    reduced: Arc<Mutex<HashMap<String, usize>>>,
}

impl PageSizes {
    pub(super) fn new(sizes: &'static [usize]) -> Self {
        PageSizes { sizes, reduced: Arc::default() }
    }

    /// Asks for a page of a list, and for a smaller one where it is too large.
    pub(super) async fn ask<T, F>(&self, list: &str, page: impl Fn(usize) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        loop {
            let at = self.reduced.lock().unwrap_or_else(PoisonError::into_inner).get(list).copied().unwrap_or_default();
            let answer = page(self.sizes.get(at).copied().unwrap_or(1)).await;
            let is_too_large = answer.as_ref().is_err_and(|failure| failure.code.as_deref() == Some(TOO_LARGE));
            if !is_too_large || at + 1 >= self.sizes.len() {
                return answer;
            }
            self.reduced.lock().unwrap_or_else(PoisonError::into_inner).insert(list.to_owned(), at + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::failure::FailureKind;

    #[tokio::test]
    async fn a_list_goes_on_with_the_size_that_went_well_and_others_are_not_touched() {
        let sizes = PageSizes::new(&[500, 50, 5]);
        let asked = Mutex::new(Vec::new());
        let page = |most: usize| {
            let asked = &asked;
            move |count: usize| async move {
                asked.lock().unwrap().push(count);
                let failure = || Failure {
                    kind: FailureKind::Unexpected,
                    doing: "list".into(),
                    on: String::new(),
                    code: Some(TOO_LARGE.into()),
                    message: String::new(),
                };
                if count <= most { Ok(count) } else { Err(failure()) }
            }
        };
        assert_eq!(sizes.ask("pods", page(60)).await.unwrap(), 50);
        assert_eq!(sizes.clone().ask("pods", page(60)).await.unwrap(), 50);
        assert_eq!(sizes.ask("nodes", page(1000)).await.unwrap(), 500);
        assert!(sizes.ask("pods", page(1)).await.is_err());
        assert_eq!(*asked.lock().unwrap(), [500, 50, 50, 500, 50, 5]);
    }
}
