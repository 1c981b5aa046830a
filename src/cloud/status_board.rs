//! What a session waits for, hung out for a person: the program that runs, the code that is needed, the sign-in under way.
//!
//! Decides that only the present state counts, so that nobody who looks rarely holds anything up; that one code is asked
//! for at a time; and that an answer counts only for the request that it answers. What is shown how is the screen's.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::{Notify, oneshot, watch};

use crate::model::sign_in::{CodeRequest, RunningProgram, SessionStatus};
use crate::model::time::Time;

/// The board of one session. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct StatusBoard(Arc<Board>);

#[derive(Debug, Default)]
struct Board {
    status: watch::Sender<SessionStatus>,
    answer: Mutex<Awaited>,
    /// Woken when a person no longer wants to wait for the program that runs.
    stop: Notify,
}

/// The code that is waited for.
#[derive(Debug, Default)]
struct Awaited {
    /// The number of the last request.
    last: u64,
    answer: Option<oneshot::Sender<Option<String>>>,
}

impl StatusBoard {
    /// The status, and news of it.
    pub(super) fn watch(&self) -> watch::Receiver<SessionStatus> {
        self.0.status.subscribe()
    }

    /// Changes the status; whoever watches is told if it is another one then.
    pub(super) fn change(&self, change: impl FnOnce(&mut SessionStatus)) {
        self.0.status.send_if_modified(|status| {
            let before = status.clone();
            change(status);
            *status != before
        });
    }

    /// Shows a program until the answer is dropped.
    pub(super) fn show_program(&self, name: &str) -> ShownProgram {
        let since = Time(Timestamp::now());
        self.change(|status| status.program = Some(RunningProgram { name: name.to_owned(), since }));
        ShownProgram(self.clone())
    }

    /// Ends when a person no longer wants to wait for the program shown.
    pub(super) fn stopped(&self) -> impl Future<Output = ()> + '_ {
        self.0.stop.notified()
    }

    /// A person no longer wants to wait for the program shown.
    pub(super) fn stop_program(&self) {
        self.0.stop.notify_waiters();
    }

    /// Asks for a code and waits for it; `None` if the person gives none.
    pub(super) async fn ask_for_code(&self, serial: &str, profile: &str) -> Option<String> {
        let (give, given) = oneshot::channel();
        let number = {
            let mut awaited = self.awaited();
            awaited.last += 1;
            awaited.answer = Some(give);
            awaited.last
        };
        let request = CodeRequest { number, serial: serial.to_owned(), profile: profile.to_owned() };
        self.change(|status| status.code = Some(request));
        let _shown = ShownRequest { board: self, number };
        given.await.ok().flatten()
    }

    /// The answer to a request for a code; `None` gives none. One to an older request does not count.
    pub(super) fn give_code(&self, number: u64, code: Option<String>) {
        let mut awaited = self.awaited();
        if awaited.last == number
            && let Some(answer) = awaited.answer.take()
        {
            // Whoever asked may have been broken off.
            let _ = answer.send(code);
        }
    }

    fn awaited(&self) -> std::sync::MutexGuard<'_, Awaited> {
        self.0.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A program is shown as long as this lives.
#[derive(Debug)]
pub(super) struct ShownProgram(StatusBoard);

impl Drop for ShownProgram {
    fn drop(&mut self) {
        self.0.change(|status| status.program = None);
    }
}

/// A request for a code is shown as long as this lives, unless another one has taken its place.
struct ShownRequest<'a> {
    board: &'a StatusBoard,
    number: u64,
}

impl Drop for ShownRequest<'_> {
    fn drop(&mut self) {
        self.board.change(|status| {
            if status.code.as_ref().is_some_and(|it| it.number == self.number) {
                status.code = None;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn an_answer_counts_for_the_request_that_it_answers() {
        let board = StatusBoard::default();
        let number = || board.watch().borrow().code.as_ref().map(|it| it.number);
        let mut first = Box::pin(board.ask_for_code("mfa/jane", "a"));
        assert!(first.as_mut().now_or_never().is_none());
        assert_eq!(number(), Some(1));
        board.give_code(7, Some("000000".to_owned()));
        assert!(first.as_mut().now_or_never().is_none(), "to another request");
        board.give_code(1, Some("123456".to_owned()));
        assert_eq!(first.as_mut().now_or_never().unwrap().as_deref(), Some("123456"));
        drop(first);
        assert_eq!(number(), None);

        let mut broken_off = Box::pin(board.ask_for_code("mfa/jane", "a"));
        assert!(broken_off.as_mut().now_or_never().is_none());
        let mut next = Box::pin(board.ask_for_code("mfa/jane", "a"));
        assert!(next.as_mut().now_or_never().is_none());
        drop(broken_off);
        assert_eq!(number(), Some(3), "the newer request is still shown");
        board.give_code(2, Some("123456".to_owned()));
        assert!(next.as_mut().now_or_never().is_none());
        board.give_code(3, None);
        assert_eq!(next.as_mut().now_or_never().unwrap(), None);
    }

    #[test]
    fn a_program_is_shown_while_it_runs_and_can_be_stopped() {
        let board = StatusBoard::default();
        let mut news = board.watch();
        let shown = board.show_program("credential_process of profile \"a\"");
        assert!(news.has_changed().unwrap());
        assert!(news.borrow_and_update().program.as_ref().is_some_and(|it| it.name.ends_with("profile \"a\"")));
        let mut stopped = Box::pin(board.stopped());
        assert!(stopped.as_mut().now_or_never().is_none());
        board.stop_program();
        assert!(stopped.now_or_never().is_some());
        assert!(board.stopped().now_or_never().is_none(), "the next program is another one");
        drop(shown);
        assert_eq!(news.borrow_and_update().program, None);
        board.change(|_| ());
        assert!(!news.has_changed().unwrap(), "nothing has changed");
    }
}
