//! The journal's batches on the whole body, a line for each, the newest first.
//!
//! Decides in which words a batch is told on its line and how it stands, and which can be gone on with or undone from
//! here. How a batch stands is `edit::record`'s; the journal itself is read by the rim. The lines are made once for each
//! reading, so that thousands of batches cost nothing when keys are pressed.

use std::sync::Arc;

use tui_input::Input;

use super::scroll::Scroll;
use crate::app::filter::Filter;
use crate::app::pane::Motion;
use crate::app::table;
use crate::app::words::count;
use crate::edit::record::{BatchHead, Book, History, Pin, Progressed, Standing};
use crate::edit::told::sentences::sentences;
use crate::model::principal::Asked;
use crate::model::time::Time;

/// How a batch stands, for its sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Done, as planned as far as is known.
    Good,
    /// Done otherwise than planned, or being undone: to be looked at.
    Look,
    /// Stopped part-way.
    Stopped,
    /// Nobody knows whether a step was done.
    InDoubt,
    /// Of no effect: undone, or nothing was done.
    Spent,
}

/// A batch, as a line.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalLine {
    /// Its place in the book.
    at: usize,
    /// Its name.
    pub id: String,
    /// How it stands, in a sign.
    pub sign: Sign,
    /// `2026-11-24 06:00`
    pub when: String,
    /// Who: the telling part of the caller.
    pub who: String,
    /// In which cluster.
    pub cluster: String,
    /// What it does.
    pub what: String,
    /// How it stands, in a few words.
    pub state: String,
    /// In what it belongs elsewhere; empty if it belongs here.
    pub elsewhere: Vec<String>,
}

/// The journal on the screen.
#[derive(Clone, Debug, Default)]
pub struct JournalView {
    lines: Vec<JournalLine>,
    /// Narrows the lines.
    pub filter: Input,
    /// Is the filter being typed?
    pub editing: bool,
    shown: Vec<usize>,
    /// The line under the cursor, among those shown.
    pub scroll: Scroll,
    /// What is said of it.
    pub told: Vec<String>,
    book: Arc<Book>,
}

impl JournalView {
    /// Takes in a reading; the cursor stays on its batch. `elsewhere` says in what a batch belongs elsewhere.
    pub fn take(&mut self, book: Arc<Book>, home: Option<&str>, elsewhere: impl Fn(&Pin) -> Vec<String>, page: usize) {
        let before = self.line().map(|it| it.id.clone());
        let all = book.heads().enumerate().rev();
        self.lines = all.map(|(at, it)| line(at, it, &book.standing_of(it), home, elsewhere(&it.pin))).collect();
        self.book = book;
        self.narrow();
        let at = self.shown.iter().position(|at| self.lines.get(*at).map(|it| &it.id) == before.as_ref());
        self.put(at.unwrap_or(self.scroll.at), page);
    }

    /// Takes in another filter; the cursor stays on its batch.
    pub fn arrange(&mut self, page: usize) {
        let before = self.shown.get(self.scroll.at).copied();
        self.narrow();
        let at = self.shown.iter().position(|it| Some(*it) == before);
        self.put(at.unwrap_or(self.scroll.at), page);
    }

    fn narrow(&mut self) {
        let filter = Filter::parse(self.filter.value(), &[]);
        let kept = |it: &JournalLine| {
            let cells = vec![
                it.when.clone(),
                it.state.clone(),
                it.cluster.clone(),
                it.who.clone(),
                it.what.clone(),
                it.id.clone(),
            ];
            filter.keeps(&table::Row { cells, ..table::Row::default() })
        };
        let all = self.lines.iter().enumerate();
        self.shown = if self.filter.value().is_empty() {
            all.map(|(at, _)| at).collect()
        } else {
            all.filter(|(_, it)| kept(it)).map(|(at, _)| at).collect()
        };
    }

    /// The lines shown, from the `top`-th on.
    pub fn lines(&self, top: usize) -> impl Iterator<Item = &JournalLine> {
        self.shown.iter().skip(top).filter_map(|at| self.lines.get(*at))
    }

    /// How many are shown, and how many there are.
    pub fn counts(&self) -> (usize, usize) {
        (self.shown.len(), self.lines.len())
    }

    /// The line under the cursor.
    pub fn line(&self) -> Option<&JournalLine> {
        self.lines.get(*self.shown.get(self.scroll.at)?)
    }

    /// The batch under the cursor.
    pub fn history(&self) -> Option<&History> {
        self.book.history_at(self.line()?.at)
    }

    /// Moves the cursor.
    pub fn go(&mut self, motion: Motion, page: usize) {
        self.put(motion.from(self.scroll.at, self.shown.len(), page), page);
    }

    /// Puts the cursor on a line, among those shown.
    pub fn put(&mut self, at: usize, page: usize) {
        self.scroll.put(at, self.shown.len(), page);
        self.told = match (self.line(), self.history()) {
            (Some(line), Some(history)) => told(line, history, &self.book.standing(history)),
            _ => Vec::new(),
        };
    }
}

fn line(at: usize, batch: &BatchHead, standing: &Standing, home: Option<&str>, elsewhere: Vec<String>) -> JournalLine {
    // Of another account everything is named with it.
    let home = home.filter(|it| *it == batch.pin.account).or(Some(batch.pin.account.as_str()));
    let undoes = if batch.undoes.is_some() { "undo: " } else { "" };
    JournalLine {
        at,
        id: batch.id.clone(),
        sign: sign(standing),
        when: minute(batch.made_at),
        who: who(&batch.caller, home),
        cluster: batch.pin.cluster.clone(),
        what: format!("{undoes}{}", batch.summary),
        state: state(standing, batch.steps),
        elsewhere,
    }
}

/// `2026-11-24 06:00`
pub fn minute(at: Time) -> String {
    at.0.strftime("%Y-%m-%d %H:%M").to_string()
}

/// The telling part of a caller's ARN: `admin / ana`.
pub fn who(arn: &str, home: Option<&str>) -> String {
    let Ok(asked) = Asked::from_arn(arn) else { return arn.to_owned() };
    match &asked.session {
        Some(session) => format!("{} / {session}", asked.principal.name),
        None => asked.principal.short(home),
    }
}

/// The sign of how a batch stands.
pub fn sign(standing: &Standing) -> Sign {
    match standing {
        Standing::Done { as_planned: Some(false) }
        | Standing::BeingUndoneBy(_)
        | Standing::BeingApplied
        | Standing::NotBegun => Sign::Look,
        Standing::Done { .. } => Sign::Good,
        Standing::Stopped { .. } => Sign::Stopped,
        Standing::InDoubt { .. } => Sign::InDoubt,
        Standing::UndoneBy(_) | Standing::Refused | Standing::Abandoned { .. } => Sign::Spent,
    }
}

/// The last part of a batch's name, which tells it from those of the same second.
fn tail(id: &str) -> &str {
    id.rsplit('-').next().unwrap_or(id)
}

/// How a batch stands, in a few words.
pub fn state(standing: &Standing, steps: usize) -> String {
    match standing {
        Standing::NotBegun => "nothing done yet".to_owned(),
        Standing::Refused | Standing::Abandoned { done: 0 } => "nothing done".to_owned(),
        Standing::Stopped { done } => format!("stopped at step {} of {steps}", done + 1),
        Standing::Abandoned { done } => format!("left at step {} of {steps}", done + 1),
        Standing::BeingApplied => "being applied".to_owned(),
        Standing::InDoubt { step } => format!("in doubt: step {step} of {steps}"),
        Standing::UndoneBy(by) => format!("undone by {}", tail(by)),
        Standing::BeingUndoneBy(by) => format!("being undone by {}", tail(by)),
        other => other.word().to_owned(),
    }
}

/// How a batch stands, in a sentence.
pub fn stands(history: &History, standing: &Standing) -> String {
    let of = history.steps.len();
    match standing {
        Standing::NotBegun => "It was agreed to, and nothing of it was begun.".to_owned(),
        Standing::Done { as_planned: Some(true) } => "Done, and all is as it was planned.".to_owned(),
        Standing::Done { as_planned: Some(false) } => "Done, but not all is as it was planned.".to_owned(),
        Standing::Done { as_planned: None } => {
            "All steps are done; whether all is as planned was not read in the end.".to_owned()
        }
        Standing::Refused => {
            let why = history.steps.iter().find_map(|it| match it {
                Progressed::Failed { because, .. } => Some(format!(": {because}")),
                _ => None,
            });
            format!("Its first step failed, and nothing was done{}", why.unwrap_or_else(|| ".".to_owned()))
        }
        Standing::Stopped { done } => format!("It stopped at step {} of {of}; those before it are done.", done + 1),
        Standing::InDoubt { step } => format!("Whether step {step} of {of} was done is not known."),
        Standing::Abandoned { done: 0 } => "Nothing of it was done, and it was left so.".to_owned(),
        Standing::Abandoned { done } => format!("{} done, and it was left so.", count(*done, "step is", "steps are")),
        Standing::BeingApplied => {
            "It is being applied right now; P shows it, unless another eksplorer does it.".to_owned()
        }
        Standing::UndoneBy(by) => format!("Batch {by} has undone it."),
        Standing::BeingUndoneBy(by) => {
            format!("Batch {by} was to undo it and has not come to its end: resume that one.")
        }
    }
}

/// What is said of the line under the cursor.
fn told(line: &JournalLine, history: &History, standing: &Standing) -> Vec<String> {
    let batch = &history.batch;
    let mut lines = vec![stands(history, standing)];
    if !line.elsewhere.is_empty() {
        lines.push(format!("It cannot be resumed or undone here: {}.", line.elsewhere.join("; ")));
    }
    lines.push(sentences(&batch.draft, Some(&batch.pin.account)).join(" · "));
    lines.push(format!("batch {} by {}", batch.id, batch.caller));
    lines
}
