//! One batch of the journal on the whole body: its steps, what is so now, what was there before, where it belongs.
//!
//! Decides in which lines it is told. What is so now is read when it is opened and something is open about it; opening it
//! acts on nothing.

use super::applying::told as step_told;
use super::journal::{minute, stands, state};
use super::plan::{Kind, PlanLine, step};
use crate::app::message::Slot;
use crate::app::pane::Motion;
use crate::edit::receipt::Doing;
use crate::edit::record::{Book, History, Image, Progressed, Seen, Standing};
use crate::edit::state::State;
use crate::edit::told::sentences::{named, sentences};

/// The batch on the screen.
#[derive(Clone, Debug)]
pub struct BatchView {
    /// What the journal knows of it.
    pub history: History,
    /// How it stands, what other batches did included.
    pub standing: Standing,
    /// In what it belongs elsewhere; empty if it belongs here.
    pub elsewhere: Vec<String>,
    /// What is so now of each step, once that was read; or why it is not known.
    pub seen: Option<Result<Vec<Seen>, String>>,
    /// Is what is left to be reviewed as soon as what is so now was read?
    pub resume: bool,
    /// The first line shown.
    pub top: usize,
    /// For the answer.
    pub slot: Slot,
}

impl BatchView {
    /// Of the journal.
    pub fn new(history: History, standing: Standing, elsewhere: Vec<String>) -> Self {
        BatchView { history, standing, elsewhere, seen: None, resume: false, top: 0, slot: Slot::default() }
    }

    /// Takes in another reading of the journal.
    pub fn renew(&mut self, book: &Book) {
        let Some(history) = book.history(&self.history.batch.id) else { return };
        let standing = book.standing(history);
        if (&self.history, &self.standing) != (history, &standing) {
            // What was read belongs to what the journal knew then.
            self.seen = None;
            self.slot = Slot::default();
        }
        (self.history, self.standing) = (history.clone(), standing);
    }

    /// The title: which batch, of which cluster, how it stands.
    pub fn title(&self) -> String {
        let batch = &self.history.batch;
        let what = if batch.undoes.is_some() { "Undo" } else { "Batch" };
        format!("{what} {} · {} · {}", batch.id, batch.pin.cluster, state(&self.standing, self.history.steps.len()))
    }

    /// Scrolls.
    pub fn go(&mut self, motion: Motion, page: usize) {
        let lines = self.lines().len();
        self.top = motion.from(self.top, lines, page).min(lines.saturating_sub(1));
    }

    /// The lines.
    pub fn lines(&self) -> Vec<PlanLine> {
        let batch = &self.history.batch;
        let home = Some(batch.pin.account.as_str());
        let mut lines = Vec::new();
        let kind = match &self.standing {
            Standing::InDoubt { .. } => Kind::InDoubt,
            Standing::Stopped { .. } | Standing::BeingUndoneBy(_) => Kind::Failed,
            Standing::Done { as_planned: Some(false) } => Kind::Asks,
            Standing::Done { .. } => Kind::Done,
            _ => Kind::Note,
        };
        lines.push(PlanLine::new(kind, stands(&self.history, &self.standing)));
        self.now(&mut lines);
        if !self.elsewhere.is_empty() {
            let text = format!("It cannot be resumed or undone here: {}.", self.elsewhere.join("; "));
            lines.push(PlanLine::new(Kind::Blocks, text));
        }
        lines.push(PlanLine::new(Kind::Head, "Steps"));
        let seen = self.seen.as_ref().and_then(|it| it.as_ref().ok());
        for (at, (it, progressed)) in batch.steps.iter().zip(&self.history.steps).enumerate() {
            let (kind, note) = step_told(Some(&Doing::Known(progressed.clone())));
            lines.push(PlanLine::new(kind, format!("{}{note}", step(it, home))));
            lines.extend(seen.and_then(|it| it.get(at)).map(now_line));
        }
        lines.push(PlanLine::new(Kind::Head, "What it changes"));
        lines.extend(sentences(&batch.draft, home).into_iter().map(|it| PlanLine::new(Kind::Plain, it)));
        self.before(&mut lines);
        self.origin(&mut lines);
        lines
    }

    /// What a reading says of the step in doubt, or of the whole.
    fn now(&self, lines: &mut Vec<PlanLine>) {
        let id = &self.history.batch.id;
        let doubt = self.history.doubt();
        match &self.seen {
            None if self.slot.is_under_way() => lines.push(PlanLine::new(Kind::Doing, "reading what is so now …")),
            None => {}
            Some(Err(why)) => lines.push(PlanLine::new(Kind::Unknown, format!("What is so now is not known: {why}"))),
            Some(Ok(seen)) => {
                let at = |n: usize| seen.get(n.saturating_sub(1));
                let line = match (doubt, doubt.and_then(at)) {
                    (Some(n), Some(Seen::Done)) => (Kind::Done, format!("Read just now: step {n} was done.")),
                    (Some(n), Some(Seen::NotDone)) => {
                        (Kind::Answered, format!("Read just now: step {n} was not done; all is as before it."))
                    }
                    (Some(n), Some(Seen::Changed(_))) => (
                        Kind::Failed,
                        format!(
                            "Read just now: whether step {n} was done cannot be told, for somebody has changed it since. \
                             To leave all as it is: eksplorer journal --abandon {id}"
                        ),
                    ),
                    _ if seen.iter().any(|it| matches!(it, Seen::Changed(_))) => {
                        (Kind::Failed, "Read just now: somebody has changed something since.".to_owned())
                    }
                    _ => (Kind::Answered, "Read just now: all is as the journal says.".to_owned()),
                };
                lines.push(PlanLine::new(line.0, line.1));
            }
        }
    }

    /// What was there before, in words; with what no edit can give back.
    fn before(&self, lines: &mut Vec<PlanLine>) {
        let batch = &self.history.batch;
        let home = Some(batch.pin.account.as_str());
        lines.push(PlanLine::new(Kind::Head, "What was there before"));
        for (subject, change) in batch.draft.changes() {
            let name = named(subject, home);
            let was = change.before.as_ref().map_or_else(|| "nothing".to_owned(), State::tell);
            lines.push(PlanLine::new(Kind::Plain, format!("{name}  {was}")));
            let first = batch.steps.iter().find(|it| it.subject == *subject);
            if let Some(image) = first.and_then(|it| self.history.images.get(&it.n)) {
                let (made, arn) = match image {
                    Image::Entry(it) => (it.created_at, it.access_entry_arn.clone()),
                    Image::Association(it) => (it.created_at, it.association_arn.clone()),
                };
                let made = made.map(|it| format!("made {}", minute(it)));
                let all: Vec<String> = made.into_iter().chain(arn).collect();
                if !all.is_empty() {
                    lines.push(PlanLine::new(Kind::Note, format!("{name}  {}", all.join(" · "))));
                }
            }
        }
        let lost = self.history.irrecoverable();
        lines.extend(lost.into_iter().map(|it| PlanLine::new(Kind::Note, format!("no undo brings back of {it}"))));
    }

    /// Who, when, where; what undoes what; how it was compared in the end.
    fn origin(&self, lines: &mut Vec<PlanLine>) {
        let batch = &self.history.batch;
        let mut put = |kind, text: String| lines.push(PlanLine::new(kind, text));
        put(Kind::Head, "Receipt".to_owned());
        put(Kind::Plain, format!("agreed to {} UTC by {}", minute(batch.made_at), batch.caller));
        if self.history.last > batch.made_at {
            put(Kind::Plain, format!("last news of it {} UTC", minute(self.history.last)));
        }
        match &self.history.ended {
            Some((true, _)) => put(Kind::Done, "as planned, by the EKS API".to_owned()),
            Some((false, differences)) => {
                put(Kind::Failed, "not as planned:".to_owned());
                differences.iter().for_each(|it| put(Kind::Failed, it.clone()));
            }
            None => put(Kind::Note, "it was not compared in the end".to_owned()),
        }
        if let Some(undone) = &batch.undoes {
            put(Kind::Note, format!("it undoes batch {undone}"));
        }
        for by in &self.history.undone_by {
            put(Kind::Note, format!("batch {by} was to undo it"));
        }
        if let Some(note) = &batch.note {
            put(Kind::Note, format!("note: {note}"));
        }
        let pin = &batch.pin;
        put(Kind::Head, "Where it belongs: it is applied, resumed and undone nowhere else".to_owned());
        put(Kind::Plain, format!("cluster   {}", pin.cluster_arn));
        put(Kind::Plain, format!("account   {}", pin.account));
        put(Kind::Plain, format!("region    {}", pin.region));
        put(Kind::Plain, format!("endpoint  {}", pin.endpoint.as_deref().unwrap_or("AWS's own")));
    }
}

fn now_line(seen: &Seen) -> PlanLine {
    match seen {
        Seen::Done => PlanLine::new(Kind::Note, "   now: what it does is there"),
        Seen::NotDone => PlanLine::new(Kind::Note, "   now: what it does is not there"),
        Seen::Changed(why) => {
            PlanLine::new(Kind::Failed, format!("   now: neither before nor after it: {}", why.join("; ")))
        }
        Seen::Unread(why) => PlanLine::new(Kind::Unknown, format!("   now: not known: {why}")),
    }
}

/// Is there something of it that a reading could tell?
pub fn is_to_be_read(history: &History, standing: &Standing) -> bool {
    let failed = history.steps.iter().any(|it| matches!(it, Progressed::Failed { .. }));
    standing.is_open() || (failed && !matches!(standing, Standing::UndoneBy(_) | Standing::BeingUndoneBy(_)))
}
