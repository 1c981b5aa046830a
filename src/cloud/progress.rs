//! How one call is getting on: whether its server answers at all, goes on answering, and how much it has sent.
//!
//! Decides when a call is given up ([`Progress::watch`]) and when an answer is cut off ([`BoundedBody`]), by the limits of
//! [`limits`](super::limits), and how either reads. Connectors report to the progress of the call they are made for
//! ([`Progress::current`]): what began, which status came, each piece of the body. Knows no operation and no service.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use hyper::body::{Body, Buf, Bytes, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::{Duration, Instant, sleep_until};

use super::lanes::Lanes;
use super::limits::{AnswerLimits, Limits, seconds, size};
use super::session::Request;
use crate::model::failure::{Failure, FailureKind};

/// The code of a failure for an answer that was cut off since it was too large.
pub(super) const TOO_LARGE: &str = "AnswerTooLarge";

tokio::task_local! {
    static CURRENT: Progress;
}

/// Where a call stands.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// A request was sent.
    Waiting { since: Instant },
    /// The answer is arriving: since when the window is open, and how much came in it.
    Receiving { since: Instant, bytes: usize },
    /// No request was sent yet, or the answer is here and another attempt may follow.
    Resting,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// `host:port` of the last attempt.
    host: Option<String>,
    attempts: usize,
    status: Option<u16>,
    bytes: usize,
    too_large: Option<AnswerTooLarge>,
}

/// The times that a call is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallTimes {
    pub(super) silence: Duration,
    pub(super) stall: Duration,
    pub(super) stall_bytes: usize,
    pub(super) whole: Duration,
}

impl CallTimes {
    pub(super) fn new(limits: &Limits, silence: Duration, whole: Duration) -> Self {
        CallTimes { silence, stall: limits.stall, stall_bytes: limits.stall_bytes, whole }
    }
}

#[derive(Debug)]
struct Inner {
    began: Instant,
    times: CallTimes,
    answer: AnswerLimits,
    state: Mutex<State>,
    changed: Notify,
    lanes: Option<Lanes>,
}

/// The progress of one call. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Progress(Arc<Inner>);

/// Why a call was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GivenUp {
    /// Not a byte came.
    Silent,
    /// The answer stopped.
    Stalled,
    /// It went on for too long.
    Late,
}

impl Progress {
    /// Of a call that may take so long and whose answer may be so large; the lanes are those of its service.
    pub(super) fn new(times: CallTimes, answer: AnswerLimits, lanes: Option<Lanes>) -> Self {
        let began = Instant::now();
        // Until the first request is sent nobody is waited for: credentials may be made meanwhile.
        let phase = Phase::Resting;
        let state = State { phase, host: None, attempts: 0, status: None, bytes: 0, too_large: None };
        Progress(Arc::new(Inner { began, times, answer, state: Mutex::new(state), changed: Notify::new(), lanes }))
    }

    /// The progress of the call that this code runs for, if it is watched.
    pub(super) fn current() -> Option<Progress> {
        CURRENT.try_with(Clone::clone).ok()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, phase: Phase) {
        self.state().phase = phase;
        self.0.changed.notify_one();
    }

    /// The service refused a request because there were too many.
    pub(super) fn throttled(&self) {
        if let Some(lanes) = &self.0.lanes {
            lanes.throttled(Instant::now());
        }
    }

    /// A request is sent.
    pub(super) fn attempt(&self, host: &str) {
        let mut state = self.state();
        state.attempts += 1;
        state.host = Some(host.to_owned());
        // What came before the first request (credentials) and the pause after a refusal were not the server's silence.
        if state.attempts == 1 || state.status.is_some() {
            state.phase = Phase::Waiting { since: Instant::now() };
        }
        drop(state);
        self.0.changed.notify_one();
    }

    /// What of the call was cut off, if its answer was: it would be as large again.
    pub(super) fn too_large(&self) -> Option<AnswerTooLarge> {
        self.state().too_large
    }

    /// An answer begins.
    pub(super) fn head(&self, status: u16) {
        let mut state = self.state();
        state.status = Some(status);
        state.bytes = 0;
        state.phase = Phase::Receiving { since: Instant::now(), bytes: 0 };
        drop(state);
        self.0.changed.notify_one();
    }

    fn received(&self, more: usize) {
        let mut state = self.state();
        state.bytes += more;
        if let Phase::Receiving { bytes, .. } = &mut state.phase {
            *bytes += more;
        }
    }

    /// How large an answer may be.
    pub(super) fn answer_limits(&self) -> AnswerLimits {
        self.0.answer
    }

    /// `host:port` of the last attempt.
    pub(super) fn host(&self) -> Option<String> {
        self.state().host.clone()
    }

    /// Whether an answer began.
    pub(super) fn was_answered(&self) -> bool {
        self.state().status.is_some()
    }

    pub(super) fn began(&self) -> Instant {
        self.0.began
    }

    /// When the call is to be looked at next.
    fn due(&self) -> Instant {
        let Inner { began, times, .. } = &*self.0;
        let end = *began + times.whole;
        match self.state().phase {
            Phase::Waiting { since } => end.min(since + times.silence),
            Phase::Receiving { since, .. } => end.min(since + times.stall),
            Phase::Resting => end,
        }
    }

    fn overdue(&self, now: Instant) -> Option<GivenUp> {
        let Inner { began, times, .. } = &*self.0;
        let mut state = self.state();
        match &mut state.phase {
            Phase::Waiting { since } if now >= *since + times.silence => Some(GivenUp::Silent),
            Phase::Receiving { since, bytes } if now >= *since + times.stall => {
                if *bytes < times.stall_bytes {
                    return Some(GivenUp::Stalled);
                }
                (*since, *bytes) = (now, 0);
                (now >= *began + times.whole).then_some(GivenUp::Late)
            }
            _ => (now >= *began + times.whole).then_some(GivenUp::Late),
        }
    }

    /// Runs the call until it ends or is to be given up.
    pub(super) async fn watch<T>(&self, call: impl Future<Output = T>) -> Result<T, GivenUp> {
        let mut call = pin!(CURRENT.scope(self.clone(), call));
        loop {
            tokio::select! {
                biased;
                done = &mut call => return Ok(done),
                () = self.0.changed.notified() => {}
                () = sleep_until(self.due()) => if let Some(why) = self.overdue(Instant::now()) {
                    return Err(why);
                },
            }
        }
    }

    /// Names who answered, or was asked, where a failure is not in the service's own words.
    pub(super) fn attribute(&self, mut failure: Failure) -> Failure {
        let state = self.state();
        let own = failure.code.as_deref().is_some_and(|code| !code.starts_with("HTTP ") && code != TOO_LARGE);
        let Some(host) = state.host.as_deref().filter(|host| !own && !failure.message.contains(host)) else {
            return failure;
        };
        let what = match (&failure.kind, state.status) {
            (FailureKind::Unexpected | FailureKind::Throttled, Some(_)) => "answered",
            (FailureKind::Unreachable, Some(_)) => "broke off",
            (FailureKind::Unexpected | FailureKind::Unreachable, None) => "was asked",
            _ => return failure,
        };
        failure.message = format!("{} ({host} {what})", failure.message.trim_end_matches('.'));
        failure
    }

    /// What is said of a call that was given up: what was waited for, and who did or did not answer.
    pub(super) fn failure(&self, request: &Request, why: GivenUp) -> Failure {
        let state = self.state();
        let host = state.host.as_deref().unwrap_or("the server");
        let (operation, times) = (&request.operation, &self.0.times);
        let said = match why {
            GivenUp::Silent => format!("no answer to {operation} from {host} within {}", seconds(times.silence)),
            GivenUp::Stalled => format!(
                "{host} stopped in the middle of the answer to {operation}: {} came, less than {} of them in the last {}",
                size(state.bytes),
                size(times.stall_bytes),
                seconds(times.stall)
            ),
            GivenUp::Late => {
                let last = match state.status {
                    Some(status) if (200..300).contains(&status) => format!("{} had come", size(state.bytes)),
                    Some(status) => format!("{} attempts, the last answer was HTTP {status}", state.attempts),
                    None => "nothing had come".to_owned(),
                };
                format!("{host} did not answer {operation} to its end within {} ({last})", seconds(times.whole))
            }
        };
        request.failure(FailureKind::Unreachable, None, &said)
    }
}

/// An answer was cut off: it is larger than any that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AnswerTooLarge {
    limits: AnswerLimits,
    by_values: bool,
}

impl fmt::Display for AnswerTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AnswerLimits { bytes, values } = self.limits;
        match self.by_values {
            false => write!(f, "the answer is larger than {}, and was not read any further", size(bytes)),
            true => write!(f, "the answer holds more than {values} values, and was not read any further"),
        }
    }
}

impl Error for AnswerTooLarge {}

/// A body that ends with an error where it grows too large, and tells its progress.
pub(super) struct BoundedBody<B> {
    body: B,
    limits: AnswerLimits,
    left: AnswerLimits,
    progress: Option<Progress>,
}

impl<B> BoundedBody<B> {
    /// Bounds the body of an answer to the call that this code runs for; without one, by these limits.
    pub(super) fn new(body: B, otherwise: AnswerLimits) -> Self {
        let progress = Progress::current();
        let limits = progress.as_ref().map_or(otherwise, Progress::answer_limits);
        BoundedBody { body, limits, left: limits, progress }
    }

    fn count(&mut self, piece: &[u8]) -> Result<(), AnswerTooLarge> {
        let counted = self.count_piece(piece);
        if let Some(progress) = &self.progress {
            progress.received(piece.len());
            progress.state().too_large = counted.err();
        }
        counted
    }

    fn count_piece(&mut self, piece: &[u8]) -> Result<(), AnswerTooLarge> {
        let values = piece.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{' | b'<')).count();
        let too_large = |by_values| AnswerTooLarge { limits: self.limits, by_values };
        self.left.bytes = self.left.bytes.checked_sub(piece.len()).ok_or_else(|| too_large(false))?;
        self.left.values = self.left.values.checked_sub(values).ok_or_else(|| too_large(true))?;
        Ok(())
    }
}

impl<B> Drop for BoundedBody<B> {
    fn drop(&mut self) {
        if let Some(progress) = &self.progress {
            progress.enter(Phase::Resting);
        }
    }
}

type BoxError = Box<dyn Error + Send + Sync>;

impl<B> Body for BoundedBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        Poll::Ready(match std::task::ready!(polled) {
            None => {
                if let Some(progress) = this.progress.take() {
                    progress.enter(Phase::Resting);
                }
                None
            }
            Some(Err(error)) => Some(Err(error.into())),
            Some(Ok(frame)) => {
                let counted = frame.data_ref().map_or(Ok(()), |data| this.count(data.chunk()));
                Some(counted.map(|()| frame).map_err(BoxError::from))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
