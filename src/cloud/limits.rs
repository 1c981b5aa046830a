//! What one call, one list and one question may cost: the only place where those limits are stated.
//!
//! | what | at most | then |
//! |---|---|---|
//! | a connection | 3.1 s | the attempt fails; it is repeated within the call's time |
//! | the first byte of an answer | 10 s; of pages of megabytes and of a call that writes 15 s | the call fails: "no answer to OPERATION from HOST" |
//! | all unanswered waiting of one question | 15 s | later calls to who is silent are given half of what is left, at least 2.5 s if not asked before |
//! | the pause within an answer | 16 KiB in each 5 s | the call fails: "HOST stopped in the middle of the answer" |
//! | a call, its attempts and their pauses | 15 s; 40 s for pages of megabytes | the call fails: "not answered to its end" |
//! | attempts of a call | 4 (`Options::attempts`) | the last refusal counts |
//! | a Retry-After | 5 s | the call is given up at once, and says for how long the server wants to be left alone |
//! | an answer | 4 MiB, 100,000 values; pages of lists 16 MiB, 500,000 values | smaller pages are asked for, then the call fails |
//! | a list | 2,000 pages, 50 empty ones in a row, no page token twice; of Kubernetes 500,000 items, 1 GiB, 300 s; of AWS 50,000 items, 256 MiB, 120 s | what was read is kept, the list is not whole |
//!
//! Answers are counted as they arrive, before anything is made of them: values are bounded too, since a byte of JSON or
//! XML can become a hundred bytes of memory. Who enforces: `progress` for calls, `patience` for questions, `PageTurns` for
//! lists. Nothing here is a setting of the user's; tests shorten the times through [`Options::limits`](super::Options::limits).

use std::time::Duration;

use super::lanes::Service;

/// How large one answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerLimits {
    /// Bytes of the body.
    pub bytes: usize,
    /// Values in it, counted by the signs that begin or separate them.
    pub values: usize,
}

/// How long one list may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListLimits {
    /// Pages.
    pub pages: usize,
    /// Pages without an item, one after the other.
    pub empty_pages: usize,
    /// Items of all pages.
    pub items: usize,
    /// Bytes of all pages.
    pub bytes: usize,
    /// From the first page to the last.
    pub time: Duration,
}

/// The limits of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a connection may take to come about.
    pub connect: Duration,
    /// How long the first byte of an answer may take.
    pub silence: Duration,
    /// How long one question may wait for calls that nobody answers.
    pub question: Duration,
    /// How long after the last unanswered call the next question begins.
    pub forgotten: Duration,
    /// In each such time `stall_bytes` of an answer must arrive.
    pub stall: Duration,
    /// See `stall`.
    pub stall_bytes: usize,
    /// How long a call may take, its attempts and the pauses between them included.
    pub call: Duration,
    /// The same for calls whose answers have megabytes.
    pub large_call: Duration,
    /// How long a server may ask to be left alone before the next attempt.
    pub retry_after: Duration,
    /// Answers about one object, and lists of names.
    pub small: AnswerLimits,
    /// Pages of whole objects.
    pub large: AnswerLimits,
    /// Lists.
    pub list: ListLimits,
}

impl Limits {
    /// The limits of the program. Tests shorten the times.
    pub const STANDARD: Limits = Limits {
        // A lost SYN is sent again after one and after three seconds.
        connect: Duration::from_millis(3100),
        silence: Duration::from_secs(10),
        question: Duration::from_secs(15),
        forgotten: Duration::from_secs(30),
        stall: Duration::from_secs(5),
        stall_bytes: 16 << 10,
        call: Duration::from_secs(15),
        large_call: Duration::from_secs(40),
        retry_after: Duration::from_secs(5),
        small: AnswerLimits { bytes: 4 << 20, values: 100_000 },
        large: AnswerLimits { bytes: 16 << 20, values: 500_000 },
        list: ListLimits::STANDARD,
    };

    /// Whether the answers of an operation are pages of whole objects.
    fn is_large(service: Service, operation: &str) -> bool {
        match service {
            Service::Kubernetes => true,
            Service::Iam => matches!(
                operation,
                "GetAccountAuthorizationDetails" | "ListRoles" | "ListUsers" | "ListInstanceProfiles"
            ),
            Service::Eks | Service::Sts => false,
        }
    }

    /// How large an answer to this operation may be.
    pub(super) fn answer(&self, service: Service, operation: &str) -> AnswerLimits {
        if Limits::is_large(service, operation) { self.large } else { self.small }
    }

    /// How long the first byte of an answer to this operation may take. What is put together before it is sent takes half
    /// as long again.
    pub(super) fn silence(&self, service: Service, operation: &str) -> Duration {
        if Limits::is_large(service, operation) { self.silence * 3 / 2 } else { self.silence }
    }

    /// How long a list of this service may be: what AWS lists is limited by quotas, the largest is an account's five
    /// thousand roles with their policies.
    pub(super) fn list_of(&self, service: Service) -> ListLimits {
        let list = self.list;
        match service {
            Service::Kubernetes => list,
            Service::Eks | Service::Iam | Service::Sts => {
                ListLimits { items: list.items / 10, bytes: list.bytes / 4, time: list.time * 2 / 5, ..list }
            }
        }
    }

    /// How long a call of this operation may take.
    pub(super) fn time(&self, service: Service, operation: &str) -> Duration {
        if Limits::is_large(service, operation) { self.large_call } else { self.call }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits::STANDARD
    }
}

impl ListLimits {
    /// The limits of the program.
    pub const STANDARD: ListLimits =
        ListLimits { pages: 2_000, empty_pages: 50, items: 500_000, bytes: 1 << 30, time: Duration::from_secs(300) };
}

impl Default for ListLimits {
    fn default() -> Self {
        ListLimits::STANDARD
    }
}

/// `10 s`, `0.3 s`
pub(super) fn seconds(time: Duration) -> String {
    if time.subsec_millis() == 0 { format!("{} s", time.as_secs()) } else { format!("{:.1} s", time.as_secs_f64()) }
}

/// `16 MiB`, `4 KiB`, `12 bytes`
pub(super) fn size(bytes: usize) -> String {
    match bytes {
        n if n >= 1 << 30 && n.is_multiple_of(1 << 30) => format!("{} GiB", n >> 30),
        n if n >= 1 << 20 => format!("{} MiB", n >> 20),
        n if n >= 1 << 10 => format!("{} KiB", n >> 10),
        n => format!("{n} bytes"),
    }
}
