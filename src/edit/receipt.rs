//! What applying a plan tells while it goes on, and in the end.
//!
//! Decides the words for what became of each step and of the whole; how it is shown or printed is for the screen and the
//! reports. Plain values: the screen takes them in as messages.

use super::plan::Call;
use super::record::{History, Progressed};
use super::state::Subject;
use crate::model::cluster::ClusterId;

/// News from applying a plan.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// It goes about this step, counted from 1.
    Step {
        /// Counted from 1.
        n: usize,
        /// Of how many.
        of: usize,
        /// What is being done.
        doing: Doing,
    },
    /// All calls are done; everything is compared with what was planned.
    Comparing,
    /// It waits for what was written to be seen.
    Waiting {
        /// Of what.
        subject: Subject,
        /// For so many milliseconds.
        millis: u64,
        /// Of at most so many.
        at_most: u64,
    },
    /// It has come to its end.
    Ended(Box<Receipt>),
}

/// What is being done about a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Doing {
    /// What is there is read, and compared with what must be.
    Reading,
    /// The call was begun.
    Calling,
    /// This is known of it now.
    Known(Progressed),
}

/// How applying ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All was done.
    Done,
    /// Nothing was done, for something speaks against it.
    Blocked,
    /// It stopped part-way.
    Stopped,
    /// It stopped, and whether its last call was done is not known.
    InDoubt,
}

impl End {
    /// `done`, `blocked`, `stopped`, `in-doubt`.
    pub fn word(self) -> &'static str {
        match self {
            End::Done => "done",
            End::Blocked => "blocked",
            End::Stopped => "stopped",
            End::InDoubt => "in-doubt",
        }
    }
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepReceipt {
    /// Counted from 1.
    pub n: usize,
    /// The call.
    pub call: Call,
    /// Of what.
    pub subject: Subject,
    /// How far it came.
    pub progressed: Progressed,
}

impl StepReceipt {
    /// `done`, `found-done`, `failed`, `in-doubt`, `not-begun`.
    pub fn word(&self) -> &'static str {
        match &self.progressed {
            Progressed::NotBegun => "not-begun",
            Progressed::InDoubt { .. } => "in-doubt",
            Progressed::Done { found: true, .. } => "found-done",
            Progressed::Done { found: false, .. } => "done",
            Progressed::Failed { .. } => "failed",
        }
    }

    /// What was said: code and text.
    pub fn said(&self) -> (Option<&str>, Option<&str>) {
        match &self.progressed {
            Progressed::Failed { code, because } => (code.as_deref(), Some(because)),
            Progressed::InDoubt { said: Some((code, because)), .. } => (code.as_deref(), Some(because)),
            _ => (None, None),
        }
    }

    /// Was what it did seen?
    pub fn read_back(&self) -> bool {
        matches!(self.progressed, Progressed::Done { seen: true, .. })
    }
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt {
    /// Its name.
    pub batch: String,
    /// The cluster.
    pub cluster: ClusterId,
    /// How it ended.
    pub end: End,
    /// Its steps.
    pub steps: Vec<StepReceipt>,
    /// Is everything as it was planned? `None` if it was not compared.
    pub as_planned: Option<bool>,
    /// Why it stopped, or in what it is not as planned.
    pub because: Vec<String>,
    /// What to do next, if anything.
    pub next: Option<String>,
}

impl Receipt {
    /// Of what the journal knows.
    pub fn of(history: &History, end: End, as_planned: Option<bool>, because: Vec<String>) -> Self {
        let batch = &history.batch;
        let steps = batch.steps.iter().zip(&history.steps).map(|(step, progressed)| StepReceipt {
            n: step.n,
            call: step.call.clone(),
            subject: step.subject.clone(),
            progressed: progressed.clone(),
        });
        let id = &batch.id;
        let next = match end {
            End::Done if as_planned == Some(true) => None,
            End::Done => Some("look at what differs, and at who else writes to this cluster".to_owned()),
            End::Blocked => Some("look at what is there now, and plan anew".to_owned()),
            End::Stopped => Some(format!(
                "mend the cause and go on with: eksplorer resume {id}; or take back what was done with: eksplorer undo {id}"
            )),
            End::InDoubt => Some(format!(
                "what is there is read first, whichever you choose: eksplorer resume {id}, or eksplorer undo {id}"
            )),
        };
        Receipt {
            batch: id.clone(),
            cluster: ClusterId { region: batch.pin.region.clone(), name: batch.pin.cluster.clone() },
            end,
            steps: steps.collect(),
            as_planned,
            because,
            next,
        }
    }
}
