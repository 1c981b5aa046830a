//! A batch that is being applied, or was applied last: what is known of each step, and how it ended.
//!
//! The state holds it, not the overlay that shows it: leaving the overlay stops nothing. Decides in which words it is told
//! and what of it can be undone; how applying goes is the rim's.

use super::plan::{Kind, PlanLine, step};
use crate::app::message::{Slot, Ticket};
use crate::edit::draft::Draft;
use crate::edit::plan::{Step, plan};
use crate::edit::receipt::{Doing, End, Progress, Receipt};
use crate::edit::record::{History, Progressed};
use crate::model::cluster::ClusterId;

/// The batch.
#[derive(Clone, Debug)]
pub struct Applying {
    /// In which cluster.
    pub cluster: ClusterId,
    /// What is applied.
    pub draft: Draft,
    /// Does it undo another batch?
    pub undoes: bool,
    /// Does it go on with a batch?
    pub resumes: bool,
    steps: Vec<Step>,
    doing: Vec<Option<Doing>>,
    /// What is done beside the steps: reading back, comparing.
    beside: Option<String>,
    /// How it ended, or why it was not begun.
    pub ended: Option<Result<Box<Receipt>, String>>,
    /// Under which it is told.
    pub ticket: Ticket,
    /// For the answer to what would undo it.
    pub undoing: Slot,
}

impl Applying {
    /// Before anything is known of it.
    pub fn new(cluster: ClusterId, draft: Draft, undoes: bool, ticket: Ticket) -> Self {
        let steps = plan(&draft);
        let doing = vec![None; steps.len()];
        Applying {
            cluster,
            draft,
            undoes,
            resumes: false,
            steps,
            doing,
            beside: Some("beginning".to_owned()),
            ended: None,
            ticket,
            undoing: Slot::default(),
        }
    }

    /// A batch that is gone on with: of its steps is known what the journal knows.
    pub fn resuming(cluster: ClusterId, history: &History, ticket: Ticket) -> Self {
        let batch = &history.batch;
        let known = history.steps.iter().map(|it| Some(Doing::Known(it.clone()))).collect();
        let new = Applying::new(cluster, batch.draft.clone(), batch.undoes.is_some(), ticket);
        Applying { steps: batch.steps.clone(), doing: known, resumes: true, ..new }
    }

    /// How many steps it has.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Has it no steps?
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Takes in news.
    pub fn take(&mut self, progress: &Progress) {
        match progress {
            Progress::Step { n, doing, .. } => {
                self.beside = None;
                if let Some(known) = n.checked_sub(1).and_then(|at| self.doing.get_mut(at)) {
                    *known = Some(doing.clone());
                }
            }
            Progress::Comparing => self.beside = Some("comparing all with what was planned".to_owned()),
            Progress::Waiting { subject, millis, at_most } => {
                let seconds = |millis: &u64| *millis as f64 / 1000.0;
                self.beside = Some(format!(
                    "waiting for {subject} to be seen: {:.1} s of at most {:.0} s",
                    seconds(millis),
                    seconds(at_most)
                ));
            }
            Progress::Ended(_) => {}
        }
    }

    /// Takes in the end.
    pub fn end(&mut self, ended: Result<Box<Receipt>, String>) {
        self.beside = None;
        if let Ok(receipt) = &ended {
            for (known, step) in self.doing.iter_mut().zip(&receipt.steps) {
                *known = Some(Doing::Known(step.progressed.clone()));
            }
        }
        self.ended = Some(ended);
    }

    /// Did it come so far that what it was to do is no longer merely staged?
    pub fn left_its_mark(&self) -> bool {
        matches!(&self.ended, Some(Ok(receipt)) if receipt.end != End::Blocked)
    }

    /// The batch to undo, or why there is none.
    pub fn undoable(&self) -> Result<&str, &'static str> {
        match &self.ended {
            None => Err("It is still being applied."),
            Some(Err(_)) => Err("Nothing was done that could be undone."),
            Some(Ok(receipt)) if receipt.end == End::Blocked => Err("Nothing was done that could be undone."),
            Some(Ok(_)) if self.undoing.is_under_way() => Err("What would undo it is being looked for."),
            Some(Ok(receipt)) => Ok(&receipt.batch),
        }
    }

    /// In one sentence how it ended; `None` while it goes on.
    pub fn outcome(&self) -> Option<(bool, String)> {
        Some(match self.ended.as_ref()? {
            Err(why) => (false, format!("Not applied: {why}")),
            Ok(receipt) => {
                let done = receipt.steps.iter().filter(|it| it.progressed.is_done()).count();
                let of = receipt.steps.len();
                match (receipt.end, receipt.as_planned) {
                    (End::Done, Some(true)) => {
                        (true, "As planned, by the EKS API; the authorizer may lag some seconds behind.".to_owned())
                    }
                    (End::Done, _) => (false, "All is done, but not all is as planned.".to_owned()),
                    (End::Blocked, _) => (false, "Nothing was done.".to_owned()),
                    (End::Stopped, _) => (false, format!("It stopped with {done} of {of} steps done.")),
                    (End::InDoubt, _) => {
                        (false, format!("It stopped with {done} of {of} steps done and one in doubt."))
                    }
                }
            }
        })
    }

    /// The lines.
    pub fn lines(&self, home: Option<&str>) -> Vec<PlanLine> {
        let mut lines = Vec::new();
        for (it, doing) in self.steps.iter().zip(&self.doing) {
            let (kind, note) = told(doing.as_ref());
            lines.push(PlanLine::new(kind, format!("{}{note}", step(it, home))));
        }
        if let Some(beside) = &self.beside {
            lines.push(PlanLine::new(Kind::Doing, beside));
        }
        if let Some((good, text)) = self.outcome() {
            lines.push(PlanLine::new(Kind::Plain, ""));
            lines.push(PlanLine::new(if good { Kind::Done } else { Kind::Failed }, text));
        }
        if let Some(Ok(receipt)) = &self.ended {
            lines.extend(receipt.because.iter().map(|it| PlanLine::new(Kind::Note, it)));
            // What the receipt says is for a shell; here there are keys.
            let next = match receipt.end {
                End::Stopped => {
                    Some("mend the cause; then J and R review what is left, u what takes back what was done")
                }
                End::InDoubt => Some("J and R review what is left, u what takes it back: what is there is read first"),
                End::Done | End::Blocked => receipt.next.as_deref(),
            };
            lines.extend(next.map(|it| PlanLine::new(Kind::Plain, format!("next: {it}"))));
            lines.push(PlanLine::new(Kind::Plain, format!("batch {}, in the journal: J", receipt.batch)));
        }
        lines
    }
}

pub(super) fn told(doing: Option<&Doing>) -> (Kind, String) {
    let (kind, note) = match doing {
        None | Some(Doing::Known(Progressed::NotBegun)) => return (Kind::Plain, String::new()),
        Some(Doing::Reading) => (Kind::Doing, "reading what is there".to_owned()),
        Some(Doing::Calling) => (Kind::Doing, "calling".to_owned()),
        Some(Doing::Known(Progressed::Done { seen: true, .. })) => (Kind::Done, "done, read back".to_owned()),
        Some(Doing::Known(Progressed::Done { .. })) => (Kind::Done, "done".to_owned()),
        Some(Doing::Known(Progressed::Failed { because, .. })) => (Kind::Failed, because.clone()),
        Some(Doing::Known(Progressed::InDoubt { said, .. })) => {
            let said = said.as_ref().map(|(_, because)| format!(": {because}")).unwrap_or_default();
            (Kind::InDoubt, format!("in doubt{said}"))
        }
    };
    (kind, format!("  · {note}"))
}
