//! The review of a draft on the whole body: its calls, who gains and loses what, what speaks against it, and the prompt
//! that the cluster's name is typed into before it is applied.
//!
//! Decides in which lines it is told and when it may be applied: nothing blocks, every question was answered. What the
//! checks are is `edit::check`'s.

use std::collections::BTreeSet;
use std::sync::Arc;

use tui_input::Input;

use crate::app::message::Slot;
use crate::app::pane::Motion;
use crate::app::words::count;
use crate::edit::Review;
use crate::edit::check::{Check, Level};
use crate::edit::draft::{Change, Draft};
use crate::edit::plan::Step;
use crate::edit::record::{Batch, History, Seen};
use crate::edit::state::{State, Subject};
pub use crate::edit::told::sentences::named;
use crate::edit::told::{Piece, call, pieces};

/// What a line says, for its sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    Head,
    Plain,
    /// Something that is there becomes another.
    Change,
    Gain,
    Lose,
    Unknown,
    Blocks,
    Asks,
    Answered,
    Note,
    /// Being done.
    Doing,
    Done,
    Failed,
    InDoubt,
}

/// A line of the review, or of what is being applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanLine {
    /// What it says.
    pub kind: Kind,
    /// In words.
    pub text: String,
}

impl PlanLine {
    /// A line.
    pub fn new(kind: Kind, text: impl Into<String>) -> Self {
        PlanLine { kind, text: text.into() }
    }
}

/// `1  CreateAccessEntry  role/x  STANDARD`
pub fn step(step: &Step, home: Option<&str>) -> String {
    let note = step.note.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
    let text = format!(
        "{}  {:<24}  {}  {}{note}",
        step.n,
        step.call.operation(),
        named(&step.subject, home),
        call(&step.call)
    );
    text.trim_end().to_owned()
}

/// The line of the first change.
const FIRST: usize = 1;

/// What a change does, in a line; what is new need not say so of each of its parts.
fn told(change: &Change) -> String {
    let pieces = pieces(change);
    let same = pieces.iter().all(|(sign, _)| *sign == change.sign());
    let piece = |(sign, text): &Piece| if same { text.clone() } else { format!("{sign} {text}") };
    pieces.iter().map(piece).collect::<Vec<_>>().join(" · ")
}

/// A batch that is gone on with.
#[derive(Clone, Debug)]
pub struct Resumed {
    /// As the journal knows it.
    pub history: History,
    /// The steps that are not done.
    pub left: Vec<Step>,
}

/// The review on the screen.
#[derive(Clone, Debug)]
pub struct PlanView {
    /// What is reviewed.
    pub draft: Draft,
    /// The batch that it is, if it undoes another.
    pub undoes: Option<Box<Batch>>,
    /// The batch that it goes on with, if it does.
    pub resumes: Option<Box<Resumed>>,
    /// The answer, once it is there.
    pub review: Option<Arc<Review>>,
    /// The questions answered with yes.
    answered: BTreeSet<Check>,
    /// Is the cluster's name being typed?
    pub typing: bool,
    /// As far as it is.
    pub input: Input,
    /// The change under the cursor, by its place.
    pub at: usize,
    /// The first line shown.
    pub top: usize,
    /// For the answer.
    pub slot: Slot,
}

impl PlanView {
    /// Before the answer.
    pub fn new(draft: Draft, undoes: Option<Box<Batch>>) -> Self {
        PlanView {
            draft,
            undoes,
            resumes: None,
            review: None,
            answered: BTreeSet::new(),
            typing: false,
            input: Input::default(),
            at: 0,
            top: 0,
            slot: Slot::default(),
        }
    }

    /// Of what is left of a batch, by what was read of its steps.
    pub fn resuming(history: History, seen: &[Seen]) -> Self {
        let draft = history.rest(seen);
        let left = history.batch.steps.iter().zip(seen).filter(|(_, seen)| **seen != Seen::Done);
        let left = left.map(|(step, _)| step.clone()).collect();
        let resumes = Some(Box::new(Resumed { history, left }));
        PlanView { resumes, ..PlanView::new(draft, None) }
    }

    /// Does it undo or go on with a batch of the journal?
    pub fn is_of_the_journal(&self) -> bool {
        self.undoes.is_some() || self.resumes.is_some()
    }

    /// The calls: of a batch that is gone on with, its own with their numbers.
    pub fn steps(&self) -> &[Step] {
        match (&self.resumes, &self.review) {
            (Some(it), _) => &it.left,
            (None, Some(review)) => &review.steps,
            (None, None) => &[],
        }
    }

    /// Takes in the answer. What was answered stays so only for the very same question.
    pub fn take(&mut self, review: Arc<Review>) {
        self.answered.retain(|it| review.checks.contains(it));
        self.review = Some(review);
        if self.against().is_some() {
            self.typing = false;
        }
    }

    fn checks(&self) -> impl Iterator<Item = &Check> {
        self.review.iter().flat_map(|it| &it.checks)
    }

    /// The questions that nobody answered yet.
    pub fn open(&self) -> impl Iterator<Item = &Check> {
        self.checks().filter(|it| it.level == Level::Asks && !self.answered.contains(*it))
    }

    /// Answers the first open question with yes.
    pub fn answer(&mut self) {
        let first = self.open().next().cloned();
        self.answered.extend(first);
    }

    /// Why it cannot be applied now, if it cannot.
    pub fn against(&self) -> Option<String> {
        let Some(review) = &self.review else { return Some("The review is still being computed.".to_owned()) };
        let blocks = review.counts().0;
        let open = self.open().count();
        match (blocks, open) {
            // Of a batch whose steps are all done, the end is still to be compared and written down.
            _ if review.steps.is_empty() && self.resumes.is_none() => {
                Some("There is nothing to do: all is as asked already.".to_owned())
            }
            (1.., _) => Some(format!("It is not applied: {}.", count(blocks, "check blocks it", "checks block it"))),
            (0, 1..) => {
                Some(format!("{} to be answered first: y says yes.", count(open, "question is", "questions are")))
            }
            (0, 0) => None,
        }
    }

    /// The subject of the change under the cursor.
    pub fn chosen(&self) -> Option<&Subject> {
        self.draft.changes().nth(self.at).map(|(subject, _)| subject)
    }

    /// The line that the cursor is on; an undo has none, since it is done as a whole.
    pub fn cursor(&self) -> Option<usize> {
        (!self.is_of_the_journal() && self.review.is_some() && !self.draft.is_empty()).then_some(self.at + FIRST)
    }

    /// Another draft: what was answered stays until the review says that it is another question.
    pub fn renew(&mut self, draft: Draft) {
        self.at = self.at.min(draft.len().saturating_sub(1));
        self.draft = draft;
        self.review = None;
        self.typing = false;
        self.top = 0;
    }

    /// Moves along the changes, and scrolls where they end.
    pub fn go(&mut self, motion: Motion, lines: usize, page: usize) {
        let last = self.draft.len().saturating_sub(1);
        match (motion, self.cursor()) {
            (Motion::Down, Some(line)) if self.at < last && line >= self.top => {
                self.at += 1;
                if line + 2 > self.top + page {
                    self.top += 1;
                }
                return;
            }
            (Motion::Up, Some(line)) if self.at > 0 && line > self.top => {
                self.at -= 1;
                return;
            }
            (Motion::First, _) => self.at = 0,
            _ => {}
        }
        self.top = motion.from(self.top, lines, page).min(lines.saturating_sub(1));
    }

    /// The lines.
    pub fn lines(&self, home: Option<&str>) -> Vec<PlanLine> {
        let Some(review) = &self.review else { return Vec::new() };
        let mut lines = vec![PlanLine::new(Kind::Head, "Changes")];
        lines.extend(self.draft.changes().map(|(subject, change)| {
            let kind = match change.sign() {
                "+" => Kind::Gain,
                "-" => Kind::Lose,
                _ => Kind::Change,
            };
            PlanLine::new(kind, format!("{}  {}", named(subject, home), told(change)))
        }));
        lines.push(PlanLine::new(Kind::Head, "Calls, in this order"));
        lines.extend(self.steps().iter().map(|it| PlanLine::new(Kind::Plain, step(it, home))));
        if let Some(it) = &self.resumes {
            if it.left.is_empty() {
                lines.push(PlanLine::new(
                    Kind::Plain,
                    "none is left: all is compared with the plan, and that is written down",
                ));
            }
            let done = it.history.steps.len() - it.left.len();
            let text = format!(
                "this goes on with batch {}; {}",
                it.history.batch.id,
                count(done, "step is done", "steps are done")
            );
            lines.push(PlanLine::new(Kind::Note, text));
        }
        if let Some(batch) = &self.undoes {
            let undone = batch.undoes.as_deref().unwrap_or("another batch");
            lines.push(PlanLine::new(Kind::Note, format!("this undoes batch {undone}")));
        }
        // Before the differences, which may be many: a question is to be seen before it is answered.
        lines.push(PlanLine::new(Kind::Head, "Checks"));
        if review.checks.is_empty() {
            lines.push(PlanLine::new(Kind::Plain, "nothing speaks against it"));
        }
        for check in &review.checks {
            let kind = match check.level {
                Level::Blocks => Kind::Blocks,
                Level::Asks if self.answered.contains(check) => Kind::Answered,
                Level::Asks => Kind::Asks,
                Level::Notes => Kind::Note,
            };
            // Of one change alone there is no need to say whose it is.
            let whose = match &check.subject {
                Some(subject) if self.draft.len() > 1 => format!("{}: ", named(subject, home)),
                _ => String::new(),
            };
            lines.push(PlanLine::new(kind, format!("{}  {}: {whose}{}", check.level.word(), check.id, check.because)));
        }
        lines.push(PlanLine::new(Kind::Head, "Who gains and loses what"));
        for it in &review.differences {
            let who = it.principal.short(home);
            let before = lines.len();
            match it.turns() {
                Some(true) => lines.push(PlanLine::new(Kind::Gain, format!("{who}  gets in"))),
                Some(false) => lines.push(PlanLine::new(Kind::Lose, format!("{who}  no longer gets in"))),
                None => {}
            }
            let of = |kind, text: String| PlanLine::new(kind, format!("{who}  {text}"));
            lines.extend(it.gains.iter().map(|it| of(Kind::Gain, it.tell())));
            lines.extend(it.loses.iter().map(|it| of(Kind::Lose, it.tell())));
            lines.extend(it.unknown.iter().map(|it| of(Kind::Unknown, it.clone())));
            if lines.len() == before {
                lines.push(of(Kind::Plain, "its permissions do not change".to_owned()));
            }
        }
        lines.extend(self.draft.changes().flat_map(|(subject, change)| roles_of_pods(subject, change)));
        lines
    }
}

/// What the pods of a service account gain and lose: roles, whatever these may do.
fn roles_of_pods(subject: &Subject, change: &Change) -> Vec<PlanLine> {
    let Subject::Association(namespace, name) = subject else { return Vec::new() };
    // The last of a chain is the one that they act as.
    let role = |it: &Option<State>| match it {
        Some(State::Association(it)) => Some(it.target_role_arn.clone().unwrap_or_else(|| it.role_arn.clone())),
        _ => None,
    };
    let (before, after) = (role(&change.before), role(&change.after));
    if before == after {
        return Vec::new();
    }
    let line = |kind, text: &str, arn: &str| PlanLine::new(kind, format!("pods of {namespace}/{name}  {text} {arn}"));
    let gains = after.iter().map(|it| line(Kind::Gain, "get role", it));
    gains.chain(before.iter().map(|it| line(Kind::Lose, "no longer get role", it))).collect()
}
