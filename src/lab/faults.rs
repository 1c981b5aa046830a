//! What goes wrong on purpose.
//!
//! Decides which call is struck, and how: each call is counted under its operation's name as it comes in, whoever makes
//! it and however it ends, and the first fault that fits it strikes. Knows no service: how a refusal is worded, each
//! protocol says. A new way to break a call is a variant of [`Kind`], a word in `KINDS`, and an arm in `lab::Site`.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use super::{eks, iam, kubernetes, sso, sts};

/// How a call is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Throttled, and not done.
    Throttle,
    /// Fails within the service, and is not done.
    Fail,
    /// Refused for want of a permission, and not done.
    Refuse,
    /// Done; then the connection is dropped without an answer.
    DropAfter,
    /// Never answered, and not done.
    Timeout,
    /// Held before it is done, until it is released; not done at all if whoever made it goes away.
    Hold,
    /// Done, and held before it is answered, until it is released.
    HoldAfter,
}

const KINDS: [(&str, Kind); 7] = [
    ("throttle", Kind::Throttle),
    ("500", Kind::Fail),
    ("refuse", Kind::Refuse),
    ("drop-after", Kind::DropAfter),
    ("timeout", Kind::Timeout),
    ("hold", Kind::Hold),
    ("hold-after", Kind::HoldAfter),
];

/// A fault: which calls, and how they are broken. Written `CreateAccessEntry:2=throttle`; without a number, every call of
/// the operation. Calls of Kubernetes are named `VERB/RESOURCE`, as in `list/pods`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `CreateAccessEntry`, `list/pods`
    pub operation: String,
    /// The first is 1; `None` is every call.
    pub number: Option<u32>,
    /// How.
    pub kind: Kind,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.operation)?;
        if let Some(number) = self.number {
            write!(f, ":{number}")?;
        }
        let word = KINDS.iter().find(|(_, kind)| *kind == self.kind).map_or("", |(word, _)| word);
        write!(f, "={word}")
    }
}

/// Why a text is no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// It has no `=`, or nothing on one side of it.
    #[error("{0:?} is no fault: write OPERATION[:N]=KIND, as in CreateAccessEntry:2=throttle")]
    Shape(String),
    /// The number of the call is none.
    #[error("{fault:?} is no fault: {number:?} is not the number of a call; the first is 1")]
    Number {
        /// As given.
        fault: String,
        /// Its number.
        number: String,
    },
    /// The kind is not known.
    #[error("{fault:?} is no fault: {kind:?} is not one of {}", kinds())]
    Kind {
        /// As given.
        fault: String,
        /// Its kind.
        kind: String,
    },
    /// The lab has no such operation.
    #[error(
        "{fault:?} is no fault: the lab has no operation {operation:?}{}; calls of Kubernetes are named VERB/RESOURCE, as \
         in list/pods",
        meant.map(|it| format!(" (is {it} meant?)")).unwrap_or_default()
    )]
    Operation {
        /// As given.
        fault: String,
        /// Its operation.
        operation: String,
        /// The one that differs only in case.
        meant: Option<&'static str>,
    },
}

fn kinds() -> String {
    KINDS.map(|(word, _)| word).join(", ")
}

fn operations() -> impl Iterator<Item = &'static str> {
    eks::OPERATIONS.iter().chain(&iam::ACTIONS).chain(&sts::ACTIONS).chain(&sso::OPERATIONS).copied()
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let fault = text.to_owned();
        let (call, kind) = text.split_once('=').ok_or_else(|| FaultError::Shape(fault.clone()))?;
        let (operation, number) = match call.split_once(':') {
            Some((operation, number)) => (operation, Some(number)),
            None => (call, None),
        };
        if operation.is_empty() || kind.is_empty() {
            return Err(FaultError::Shape(fault));
        }
        let number = match number.map(|it| (it, it.parse::<u32>())) {
            None => None,
            Some((_, Ok(number @ 1..))) => Some(number),
            Some((number, _)) => return Err(FaultError::Number { fault, number: number.to_owned() }),
        };
        let Some((_, kind)) = KINDS.iter().find(|(word, _)| *word == kind) else {
            return Err(FaultError::Kind { fault, kind: kind.to_owned() });
        };
        let known = operations().any(|it| it == operation) || kubernetes::is_call(operation);
        if !known {
            let meant = operations().find(|it| it.eq_ignore_ascii_case(operation));
            return Err(FaultError::Operation { fault, operation: operation.to_owned(), meant });
        }
        Ok(Fault { operation: operation.to_owned(), number, kind: *kind })
    }
}

/// The faults of a lab, and the calls that it counted and holds. Clones are the same faults, so that whoever starts a lab
/// can go on breaking and mending it.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    /// Told of each call that is held.
    held: Notify,
}

#[derive(Debug, Default)]
struct State {
    faults: Vec<Fault>,
    calls: BTreeMap<String, u32>,
    held: VecDeque<Held>,
}

/// A call that is held. It goes on when this is released or dropped.
#[derive(Debug)]
#[must_use = "a call goes on as soon as what holds it is dropped"]
pub struct Held {
    operation: String,
    number: u32,
    going_on: oneshot::Sender<()>,
}

impl Held {
    /// `CreateAccessEntry`
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Which call of the operation it is; the first is 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Is whoever made the call still waiting for its answer?
    pub fn is_awaited(&self) -> bool {
        !self.going_on.is_closed()
    }

    /// Lets it go on.
    pub fn release(self) {
        let _ = self.going_on.send(());
    }
}

impl From<Vec<Fault>> for Faults {
    fn from(faults: Vec<Fault>) -> Self {
        Faults(Arc::new(Inner { state: Mutex::new(State { faults, ..State::default() }), held: Notify::default() }))
    }
}

impl Faults {
    /// Breaks calls that come from now on.
    pub fn add(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Breaks nothing any more. What is held stays so, and what was counted too.
    pub fn mend(&self) {
        self.state().faults.clear();
    }

    /// How many calls of an operation came so far.
    pub fn calls(&self, operation: &str) -> u32 {
        self.state().calls.get(operation).copied().unwrap_or_default()
    }

    /// How many came of each operation.
    pub fn all_calls(&self) -> BTreeMap<String, u32> {
        self.state().calls.clone()
    }

    /// The next call that is held, once there is one. Each is told once.
    pub async fn held(&self) -> Held {
        loop {
            let told = self.0.held.notified();
            if let Some(held) = self.state().held.pop_front() {
                return held;
            }
            told.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call: which of its operation it is, and how it is to be broken.
    pub(super) fn strike(&self, operation: &str) -> (u32, Option<Kind>) {
        let mut state = self.state();
        let number = match state.calls.get_mut(operation) {
            Some(calls) => {
                *calls = calls.saturating_add(1);
                *calls
            }
            None => {
                state.calls.insert(operation.to_owned(), 1);
                1
            }
        };
        let fits = |fault: &&Fault| fault.operation == operation && fault.number.is_none_or(|it| it == number);
        (number, state.faults.iter().find(fits).map(|fault| fault.kind))
    }

    /// Holds a call until it is released.
    pub(super) async fn hold(&self, operation: &str, number: u32) {
        let (going_on, released) = oneshot::channel();
        self.state().held.push_back(Held { operation: operation.to_owned(), number, going_on });
        self.0.held.notify_one();
        // Dropped is released.
        let _ = released.await;
    }
}

/// Waits as long as every answer has to wait.
pub(super) async fn wait(latency: Duration) {
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_read_back_as_they_are_written() {
        for (text, operation, number, kind) in [
            ("CreateAccessEntry:2=throttle", "CreateAccessEntry", Some(2), Kind::Throttle),
            ("CreateAccessEntry=500", "CreateAccessEntry", None, Kind::Fail),
            ("GetRole:1=refuse", "GetRole", Some(1), Kind::Refuse),
            ("AssumeRole=drop-after", "AssumeRole", None, Kind::DropAfter),
            ("list/pods:3=timeout", "list/pods", Some(3), Kind::Timeout),
            ("patch/configmaps=hold", "patch/configmaps", None, Kind::Hold),
            ("DeleteAccessEntry:1=hold-after", "DeleteAccessEntry", Some(1), Kind::HoldAfter),
        ] {
            let fault: Fault = text.parse().unwrap();
            assert_eq!(fault, Fault { operation: operation.into(), number, kind });
            assert_eq!(fault.to_string(), text);
        }
    }

    #[test]
    fn what_is_wrong_with_a_fault_is_said() {
        for (text, said) in [
            ("", "write OPERATION[:N]=KIND"),
            ("CreateAccessEntry", "write OPERATION[:N]=KIND"),
            ("CreateAccessEntry=", "write OPERATION[:N]=KIND"),
            (":1=500", "write OPERATION[:N]=KIND"),
            ("CreateAccessEntry:0=500", "\"0\" is not the number of a call; the first is 1"),
            ("CreateAccessEntry:=500", "\"\" is not the number of a call"),
            ("CreateAccessEntry:2nd=500", "\"2nd\" is not the number of a call"),
            (
                "CreateAccessEntry:1=503",
                "\"503\" is not one of throttle, 500, refuse, drop-after, timeout, hold, hold-after",
            ),
            ("createaccessentry=500", "no operation \"createaccessentry\" (is CreateAccessEntry meant?)"),
            ("CreateCluster=500", "no operation \"CreateCluster\"; calls of Kubernetes"),
            ("eat/pods=500", "no operation \"eat/pods\""),
            ("list/=500", "no operation \"list/\""),
        ] {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn calls_are_counted_each_under_its_name_and_the_first_fault_that_fits_strikes() {
        let fault = |text: &str| text.parse::<Fault>().unwrap();
        let faults = Faults::from(vec![fault("GetRole:2=throttle"), fault("GetRole=500")]);
        let kinds: Vec<_> = (0..3).map(|_| faults.strike("GetRole")).collect();
        assert_eq!(kinds, [(1, Some(Kind::Fail)), (2, Some(Kind::Throttle)), (3, Some(Kind::Fail))]);
        assert_eq!(faults.strike("ListRoles"), (1, None));
        faults.clone().mend();
        assert_eq!(faults.strike("GetRole"), (4, None));
        faults.add(fault("GetRole:5=refuse"));
        assert_eq!(faults.strike("GetRole"), (5, Some(Kind::Refuse)));
        assert_eq!((faults.calls("GetRole"), faults.calls("none")), (5, 0));
        assert_eq!(
            faults.all_calls().into_iter().collect::<Vec<_>>(),
            [("GetRole".into(), 5), ("ListRoles".into(), 1)]
        );
    }

    #[tokio::test]
    async fn a_call_is_held_until_it_is_released() {
        let faults = Faults::default();
        let call = |number| {
            let faults = faults.clone();
            tokio::spawn(async move { faults.hold("GetRole", number).await })
        };
        let (one, two) = (call(1), call(2));
        let (first, second) = (faults.held().await, faults.held().await);
        assert_eq!((first.operation(), first.number() + second.number()), ("GetRole", 3));
        assert!(!one.is_finished() && !two.is_finished() && first.is_awaited());
        first.release();
        drop(second);
        one.await.unwrap();
        two.await.unwrap();

        let gone = call(3);
        let third = faults.held().await;
        gone.abort();
        let _ = gone.await;
        assert!(!third.is_awaited());
    }
}
