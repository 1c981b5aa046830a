//! What the journal writes and reads: batches, and what became of each of their calls.
//!
//! Decides the shape of a line ([`Line`]), and what a batch's lines amount to ([`History`]): what was done, what was not,
//! and of what nobody knows whether it was. A call is begun before it is made: so a beginning without an end is a doubt,
//! never a "no". Knows no file and no clock. All batches together are a [`Book`]. A new kind of line is a variant of [`Event`];
//! older programs then refuse the journal by its [`VERSION`].

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::draft::{Change, Draft};
use super::plan::Step;
use super::state::{State, Subject};
use crate::model::mapping::AccessEntry;
use crate::model::time::Time;
use crate::model::workload::PodIdentityAssociation;

/// The version of the lines.
pub const VERSION: u32 = 1;

/// Where a batch belongs. It is never applied, resumed or undone anywhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pin {
    /// The cluster's ARN.
    pub cluster_arn: String,
    /// Its name.
    pub cluster: String,
    /// The account that is asked.
    pub account: String,
    /// The region.
    pub region: String,
    /// The endpoint of EKS; `None` is AWS's own.
    pub endpoint: Option<String>,
}

impl Pin {
    /// In what another place differs from this, as sentences.
    pub fn differences(&self, other: &Pin) -> Vec<String> {
        let own = || Some("AWS's own".to_owned());
        [
            ("cluster", Some(self.cluster_arn.clone()), Some(other.cluster_arn.clone())),
            ("account", Some(self.account.clone()), Some(other.account.clone())),
            ("region", Some(self.region.clone()), Some(other.region.clone())),
            ("endpoint", self.endpoint.clone().or_else(own), other.endpoint.clone().or_else(own)),
        ]
        .into_iter()
        .filter(|(_, is, here)| is != here)
        .map(|(what, is, here)| {
            format!("its {what} is {}, and here it is {}", is.unwrap_or_default(), here.unwrap_or_default())
        })
        .collect()
    }
}

/// A plan that was agreed to: what is to be done, where, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// Its name.
    pub id: String,
    /// When it was agreed to.
    pub made_at: Time,
    /// By whom: the caller's ARN.
    pub caller: String,
    /// Where.
    pub pin: Pin,
    /// What each thing was and is to be.
    pub draft: Draft,
    /// The calls, in order.
    pub steps: Vec<Step>,
    /// A client token for each of them.
    pub tokens: Vec<String>,
    /// What it is for, if somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The batch that it undoes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
}

/// What a thing was when it was last read, whole, with what no edit can give back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Image {
    /// An access entry with its policies.
    Entry(AccessEntry),
    /// A Pod Identity association.
    Association(PodIdentityAssociation),
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "camelCase")]
#[allow(missing_docs)]
pub enum Outcome {
    /// It was answered, and done.
    Done,
    /// Its answer was lost; what it was to do was found done.
    FoundDone,
    /// Its answer was lost; what it was to do was found not done.
    FoundNotDone,
    /// It certainly did nothing.
    Failed { code: Option<String>, because: String },
    /// Nobody answered: it may have been done.
    InDoubt { code: Option<String>, because: String },
}

/// What a line tells.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event {
    /// A batch was agreed to; nothing of it was begun.
    Planned {
        /// All of it.
        plan: Box<Batch>,
    },
    /// A call is about to be made.
    Intent {
        /// Counted from 1.
        step: usize,
        /// Its client token.
        token: String,
        /// What is there before it.
        before: Option<State>,
        /// The same, whole.
        #[serde(skip_serializing_if = "Option::is_none")]
        image: Option<Box<Image>>,
    },
    /// What became of it.
    Outcome {
        /// Counted from 1.
        step: usize,
        /// What.
        outcome: Outcome,
    },
    /// All calls are done, and all was compared.
    Ended {
        /// Is everything as it was planned?
        as_planned: bool,
        /// In what it is not.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        differences: Vec<String>,
    },
    /// Somebody chose to leave the rest undone.
    Abandoned,
}

/// A line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// [`VERSION`]
    pub v: u32,
    /// When.
    pub at: Time,
    /// Of which batch.
    pub batch: String,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

impl Line {
    /// As it stands in the journal, without its line end.
    pub fn text(&self) -> Result<String, String> {
        serde_json::to_string(self).map_err(|error| error.to_string())
    }

    /// Reads a line as it stands in the journal.
    pub fn parse(text: &str) -> Result<Line, String> {
        serde_json::from_str::<WrittenLine<'_>>(text).map_err(|error| error.to_string())?.into_line()
    }
}

/// A line with the members of all events side by side: serde's flattened enums keep a copy of each line before they read it,
/// which takes most of the time of reading a long journal.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenLine<'a> {
    v: u32,
    at: Time,
    batch: String,
    #[serde(borrow)]
    event: Cow<'a, str>,
    plan: Option<Box<Batch>>,
    step: Option<usize>,
    token: Option<String>,
    before: Option<State>,
    image: Option<Box<Image>>,
    outcome: Option<Outcome>,
    as_planned: Option<bool>,
    #[serde(default)]
    differences: Vec<String>,
}

impl WrittenLine<'_> {
    fn into_line(self) -> Result<Line, String> {
        fn given<T>(member: Option<T>, name: &str) -> Result<T, String> {
            member.ok_or_else(|| format!("the line lacks {name:?}"))
        }
        let event = match &*self.event {
            "planned" => Event::Planned { plan: given(self.plan, "plan")? },
            "intent" => Event::Intent {
                step: given(self.step, "step")?,
                token: given(self.token, "token")?,
                before: self.before,
                image: self.image,
            },
            "outcome" => Event::Outcome { step: given(self.step, "step")?, outcome: given(self.outcome, "outcome")? },
            "ended" => Event::Ended { as_planned: given(self.as_planned, "asPlanned")?, differences: self.differences },
            "abandoned" => Event::Abandoned,
            other => return Err(format!("no event is called {other:?}")),
        };
        Ok(Line { v: self.v, at: self.at, batch: self.batch, event })
    }
}

/// How far a step has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progressed {
    /// Not begun, or certainly not done.
    NotBegun,
    /// It may have been done: begun at this time, with what was said, if anything.
    InDoubt {
        /// When it was begun.
        since: Time,
        /// The error's code and text.
        said: Option<(Option<String>, String)>,
    },
    /// Done. `found`: its answer was lost, and it was read back.
    Done {
        /// By reading back?
        found: bool,
        /// Was what it did seen?
        seen: bool,
    },
    /// Certainly not done.
    Failed {
        /// The error's code.
        code: Option<String>,
        /// What was said.
        because: String,
    },
}

impl Progressed {
    /// Is it done?
    pub fn is_done(&self) -> bool {
        matches!(self, Progressed::Done { .. })
    }
}

/// How a batch stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// Agreed to, and nothing of it done.
    NotBegun,
    /// All calls done. `as_planned`: what was read in the end; `None` if it was not read.
    Done {
        /// Is everything as it was planned?
        as_planned: Option<bool>,
    },
    /// The first call failed: nothing is done.
    Refused,
    /// Stopped: so many of the steps are done.
    Stopped {
        /// How many.
        done: usize,
    },
    /// Whether this step was done is not known.
    InDoubt {
        /// Counted from 1.
        step: usize,
    },
    /// Left as it was, with so many of the steps done.
    Abandoned {
        /// How many.
        done: usize,
    },
    /// Another process is doing it right now.
    BeingApplied,
    /// Another batch has brought everything back.
    UndoneBy(String),
    /// Another batch was to bring everything back, and has not come to its end.
    BeingUndoneBy(String),
}

impl Standing {
    /// In a word or two.
    pub fn word(&self) -> &'static str {
        match self {
            Standing::NotBegun => "not begun",
            Standing::Done { as_planned: Some(false) } => "done, not as planned",
            Standing::Done { .. } => "done",
            Standing::Refused => "refused",
            Standing::Stopped { .. } => "stopped",
            Standing::InDoubt { .. } => "in doubt",
            Standing::Abandoned { .. } => "abandoned",
            Standing::BeingApplied => "being applied by another eksplorer",
            Standing::UndoneBy(_) => "undone",
            Standing::BeingUndoneBy(_) => "being undone",
        }
    }

    /// Is there something that a person has to decide?
    pub fn is_open(&self) -> bool {
        matches!(self, Standing::NotBegun | Standing::Stopped { .. } | Standing::InDoubt { .. })
    }
}

/// A batch and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// What was agreed to.
    pub batch: Batch,
    /// How far each step has come.
    pub steps: Vec<Progressed>,
    /// What was compared in the end: as planned?, differences.
    pub ended: Option<(bool, Vec<String>)>,
    /// Somebody chose to leave it.
    pub abandoned: bool,
    /// When something was last written of it.
    pub last: Time,
    /// The batches that undo it, the oldest first.
    pub undone_by: Vec<String>,
    /// What was there before each step that was begun, whole, with what no edit can give back; by step, from 1.
    pub images: BTreeMap<usize, Image>,
}

impl History {
    /// Of a batch that was just agreed to.
    pub fn new(batch: Batch) -> Self {
        let steps = vec![Progressed::NotBegun; batch.steps.len()];
        let last = batch.made_at;
        History { batch, steps, ended: None, abandoned: false, last, undone_by: Vec::new(), images: BTreeMap::new() }
    }

    /// Takes in what a line tells.
    pub fn add(&mut self, at: Time, event: Event) {
        self.last = self.last.max(at);
        match event {
            Event::Planned { .. } => {}
            Event::Intent { step, image, .. } => {
                // Whoever goes on with it has not left it.
                self.abandoned = false;
                self.images.extend(image.map(|it| (step, *it)));
                self.set(step, Progressed::InDoubt { since: at, said: None });
            }
            Event::Outcome { step, outcome } => {
                let to = match outcome {
                    Outcome::Done => Progressed::Done { found: false, seen: false },
                    Outcome::FoundDone => Progressed::Done { found: true, seen: true },
                    Outcome::FoundNotDone => Progressed::NotBegun,
                    Outcome::Failed { code, because } => Progressed::Failed { code, because },
                    Outcome::InDoubt { code, because } => {
                        let since = match self.step(step) {
                            Some(Progressed::InDoubt { since, .. }) => *since,
                            _ => at,
                        };
                        Progressed::InDoubt { since, said: Some((code, because)) }
                    }
                };
                self.set(step, to);
            }
            Event::Ended { as_planned, differences } => {
                self.ended = Some((as_planned, differences));
                if as_planned {
                    (1..=self.steps.len()).for_each(|step| self.see(step));
                }
            }
            Event::Abandoned => self.abandoned = true,
        }
    }

    /// What a step did was seen.
    pub fn see(&mut self, step: usize) {
        if let Some(Progressed::Done { seen, .. }) = step.checked_sub(1).and_then(|at| self.steps.get_mut(at)) {
            *seen = true;
        }
    }

    fn set(&mut self, step: usize, to: Progressed) {
        if let Some(at) = step.checked_sub(1).and_then(|at| self.steps.get_mut(at)) {
            *at = to;
        }
    }

    /// How far a step has come, counted from 1.
    pub fn step(&self, step: usize) -> Option<&Progressed> {
        step.checked_sub(1).and_then(|at| self.steps.get(at))
    }

    /// How many steps are done.
    pub fn done(&self) -> usize {
        self.steps.iter().filter(|it| it.is_done()).count()
    }

    /// The first step of which nobody knows whether it was done.
    pub fn doubt(&self) -> Option<usize> {
        self.steps.iter().position(|it| matches!(it, Progressed::InDoubt { .. })).map(|at| at + 1)
    }

    /// What became of it by itself, whatever other batches did.
    pub fn own_standing(&self) -> Standing {
        let done = self.done();
        if self.abandoned {
            Standing::Abandoned { done }
        } else if let Some(step) = self.doubt() {
            Standing::InDoubt { step }
        } else if done == self.steps.len() {
            Standing::Done { as_planned: self.ended.as_ref().map(|(as_planned, _)| *as_planned) }
        } else if done > 0 {
            Standing::Stopped { done }
        } else if self.steps.iter().any(|it| matches!(it, Progressed::Failed { .. })) {
            Standing::Refused
        } else {
            Standing::NotBegun
        }
    }

    /// What would bring back what its steps have done: each thing as it was before the first of them. Steps in doubt count
    /// as not done, so these have to be settled before.
    pub fn undo(&self) -> Draft {
        let mut changes: BTreeMap<&Subject, (Option<State>, Option<State>)> = BTreeMap::new();
        for (step, progressed) in self.batch.steps.iter().zip(&self.steps) {
            if progressed.is_done() {
                let change = changes.entry(&step.subject).or_insert_with(|| (step.before.clone(), None));
                change.1.clone_from(&step.after);
            }
        }
        let back = |(subject, (first, last)): (&Subject, (Option<State>, Option<State>))| {
            (subject.clone(), Change { before: last, after: first, again: false })
        };
        Draft::of(changes.into_iter().map(back))
    }

    /// What undoing what was done cannot bring back, as sentences.
    pub fn irrecoverable(&self) -> Vec<String> {
        let done = self.batch.steps.iter().zip(&self.steps).filter(|(_, it)| it.is_done());
        let gone: BTreeSet<&Subject> = done
            .filter(|(step, _)| step.before.is_some() && step.after.is_none())
            .map(|(step, _)| &step.subject)
            .collect();
        gone.into_iter().map(|subject| format!("{subject}: {}", not_brought_back(subject))).collect()
    }
}

/// What no undo of a delete brings back.
pub fn not_brought_back(subject: &Subject) -> &'static str {
    match subject {
        Subject::Entry(_) => {
            "its createdAt and the UUID in its ARN are new, and it is bound to whoever has the principal's name by then"
        }
        Subject::Association(..) => "its createdAt, its id and its ARN are new",
    }
}

mod book;
mod seen;

pub use book::{BatchHead, Book, BookIndex};
pub use seen::{Seen, There, seen};

#[cfg(test)]
mod tests;
