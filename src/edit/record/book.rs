//! The journal, read: every batch in short, and each one whole when it is asked for.
//!
//! Decides what of a batch is at hand at once ([`BatchHead`]: enough for a line of a list and for what is open) and what only
//! when somebody looks at it ([`History`], read again from its lines). What was read of a long journal can be kept beside it
//! ([`BookIndex`]), so that the next reading goes on where that one ended; whether it still fits is for who keeps it to
//! prove. A new member of a head is a reason to raise `journal`'s version of the index.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::{Batch, Event, History, Line, Pin, Standing, VERSION};
use crate::edit::draft::Draft;
use crate::edit::state::Subject;
use crate::edit::told::sentences::in_short;
use crate::model::time::Time;

/// So many batches are held whole while a journal is read; those before them are dropped once they are known in short.
const MOST_WHOLE: usize = 256;

/// A batch in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchHead {
    /// Its name.
    pub id: String,
    /// When it was agreed to.
    pub made_at: Time,
    /// By whom: the caller's ARN.
    pub caller: String,
    /// Where.
    pub pin: Pin,
    /// What it is for, if somebody said so.
    pub note: Option<String>,
    /// The batch that it undoes.
    pub undoes: Option<String>,
    /// The things that it changes, each with the change's sign (`+`, `~` or `-`), by subject.
    pub changes: Vec<(String, Subject)>,
    /// What it does, for one line of a list.
    pub summary: String,
    /// How many steps it has.
    pub steps: usize,
    /// When something was last written of it.
    pub last: Time,
    /// The batches that undo it, the oldest first.
    pub undone_by: Vec<String>,
    /// What became of it by itself, whatever other batches did.
    own: Standing,
}

impl BatchHead {
    fn of(history: &History) -> BatchHead {
        let Batch { id, made_at, caller, pin, draft, note, undoes, .. } = &history.batch;
        BatchHead {
            id: id.clone(),
            made_at: *made_at,
            caller: caller.clone(),
            pin: pin.clone(),
            note: note.clone(),
            undoes: undoes.clone(),
            changes: signed(draft),
            summary: in_short(draft, Some(&pin.account)),
            steps: history.steps.len(),
            last: history.last,
            undone_by: history.undone_by.clone(),
            own: history.own_standing(),
        }
    }
}

fn signed(draft: &Draft) -> Vec<(String, Subject)> {
    draft.changes().map(|(subject, change)| (change.sign().to_owned(), subject.clone())).collect()
}

/// Where a line of a batch is.
#[derive(Clone, Debug)]
enum LineSource {
    /// In the journal's text: the first byte, and how many.
    Text(usize, usize),
    /// It was written since.
    Taken(Box<Line>),
}

/// A batch as the book keeps it.
#[derive(Clone, Debug)]
struct KeptBatch {
    head: BatchHead,
    /// Its lines, the plan's first.
    lines: Vec<LineSource>,
    whole: OnceLock<Option<Box<History>>>,
}

impl KeptBatch {
    fn whole(&self, text: &str) -> Option<&History> {
        self.whole.get_or_init(|| self.read(text).map(Box::new)).as_deref()
    }

    fn whole_mut(&mut self, text: &str) -> Option<&mut History> {
        if self.whole.get().is_none() {
            let _ = self.whole(text);
        }
        self.whole.get_mut()?.as_deref_mut()
    }

    /// From its lines, each of which was read before.
    fn read(&self, text: &str) -> Option<History> {
        let mut history: Option<History> = None;
        for line in &self.lines {
            let Line { at, event, .. } = match line {
                LineSource::Text(from, bytes) => Line::parse(text.get(*from..from.checked_add(*bytes)?)?).ok()?,
                LineSource::Taken(line) => (**line).clone(),
            };
            match (&mut history, event) {
                (None, Event::Planned { plan }) => history = Some(History::new(*plan)),
                (None, _) => return None,
                (Some(it), event) => it.add(at, event),
            }
        }
        let mut history = history?;
        history.undone_by.clone_from(&self.head.undone_by);
        Some(history)
    }

    /// Brings the head up to date.
    fn settle(&mut self) {
        if let Some(Some(history)) = self.whole.get() {
            self.head = BatchHead::of(history);
        }
    }
}

/// The journal, read.
#[derive(Clone, Debug, Default)]
pub struct Book {
    text: Arc<String>,
    batches: Vec<KeptBatch>,
    /// Where each batch is, by its name.
    places: HashMap<String, usize>,
    /// The lines that could not be read, counted from 1: a crash may cut the line that it falls into.
    pub unreadable: Vec<usize>,
    /// The highest version met.
    pub version: u32,
    /// Another process has the journal open for writing.
    pub held: bool,
    /// The batch of the last line that was read: the one that whoever writes is at.
    last: String,
    lines: usize,
}

impl PartialEq for Book {
    fn eq(&self, other: &Self) -> bool {
        let rest = |it: &Book| (it.version, it.held, it.last.clone(), it.unreadable.clone());
        rest(self) == rest(other) && self.heads().eq(other.heads()) && self.histories() == other.histories()
    }
}

/// What was read of the first bytes of a journal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BookIndex {
    /// How many bytes that are; the last of them ends a line.
    pub bytes: usize,
    lines: usize,
    version: u32,
    last: String,
    unreadable: Vec<usize>,
    /// Each batch in short, with where its lines are: the first byte, and how many.
    batches: Vec<(BatchHead, Vec<(usize, usize)>)>,
}

impl Book {
    /// Reads a journal. What a crash cut short is left out: nothing was done on the strength of it.
    pub fn read(text: impl Into<String>) -> Book {
        Book::read_on(BookIndex::default(), text.into())
    }

    /// Reads what an index does not know of a journal. The index must be of this very text.
    pub fn read_on(index: BookIndex, text: String) -> Book {
        let BookIndex { bytes, lines, version, last, unreadable, batches } = index;
        let mut places = HashMap::with_capacity(batches.len());
        for (at, (head, _)) in batches.iter().enumerate() {
            places.entry(head.id.clone()).or_insert(at);
        }
        let batches = batches.into_iter().map(|(head, lines)| {
            let lines = lines.into_iter().map(|(from, bytes)| LineSource::Text(from, bytes)).collect();
            KeptBatch { head, lines, whole: OnceLock::new() }
        });
        let text = Arc::new(text);
        let mut book = Book {
            text: text.clone(),
            batches: batches.collect(),
            places,
            unreadable,
            version,
            held: false,
            last,
            lines,
        };
        let (mut from, mut touched) = (bytes, BTreeSet::new());
        for whole in text.get(bytes..).unwrap_or_default().split_inclusive('\n') {
            let line = whole.strip_suffix('\n').map_or(whole, |it| it.strip_suffix('\r').unwrap_or(it));
            book.read_line(line, from, &mut touched);
            from += whole.len();
            if touched.len() >= MOST_WHOLE {
                book.settle(std::mem::take(&mut touched));
            }
        }
        book.settle(touched);
        book
    }

    fn read_line(&mut self, line: &str, from: usize, touched: &mut BTreeSet<usize>) {
        self.lines += 1;
        if line.is_empty() {
            return;
        }
        match Line::parse(line) {
            Ok(read) => touched.extend(self.put(read, |_| LineSource::Text(from, line.len()))),
            Err(_) => {
                #[derive(Deserialize)]
                struct Versioned {
                    v: u32,
                }
                // What a newer program wrote is whole, though not for us.
                match serde_json::from_str::<Versioned>(line) {
                    Ok(Versioned { v }) if v > VERSION => self.version = self.version.max(v),
                    _ => self.unreadable.push(self.lines),
                }
            }
        }
    }

    /// Knows these batches in short, and drops what was held of them for it.
    fn settle(&mut self, touched: BTreeSet<usize>) {
        for at in touched {
            if let Some(it) = self.batches.get_mut(at) {
                it.settle();
                it.whole = OnceLock::new();
            }
        }
    }

    /// Takes in a line that was written.
    pub fn take(&mut self, line: Line) {
        if let Some(at) = self.put(line, |line| LineSource::Taken(Box::new(line.clone())))
            && let Some(it) = self.batches.get_mut(at)
        {
            it.settle();
        }
    }

    /// Adds a line to its batch; gives the place of a batch whose head is out of date by it.
    fn put(&mut self, line: Line, source: impl FnOnce(&Line) -> LineSource) -> Option<usize> {
        let source = source(&line);
        let Line { v, at, batch, event } = line;
        self.version = self.version.max(v);
        let place = self.places.get(&batch).copied();
        self.last = batch;
        match (event, place) {
            (Event::Planned { plan }, None) => {
                let undone = plan.undoes.as_ref().and_then(|it| self.places.get(it).copied());
                if let Some(it) = undone.and_then(|at| self.batches.get_mut(at)) {
                    it.head.undone_by.push(plan.id.clone());
                    if let Some(Some(history)) = it.whole.get_mut() {
                        history.undone_by.push(plan.id.clone());
                    }
                }
                // A batch is found by the name that it has itself.
                let place = self.batches.len();
                self.places.entry(plan.id.clone()).or_insert(place);
                let history = History::new(*plan);
                let head = BatchHead::of(&history);
                self.batches.push(KeptBatch { head, lines: vec![source], whole: Some(Box::new(history)).into() });
                Some(place)
            }
            (event, Some(place)) => {
                let text = self.text.clone();
                let it = self.batches.get_mut(place)?;
                it.whole_mut(&text)?.add(at, event);
                it.lines.push(source);
                Some(place)
            }
            (_, None) => None,
        }
    }

    /// The text that it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What can be kept, so that the next reading of the same journal goes on from here; `None` where its end is no line's
    /// end, or lines were written since.
    pub fn index(&self) -> Option<BookIndex> {
        let places = |it: &KeptBatch| {
            it.lines
                .iter()
                .map(|line| match line {
                    LineSource::Text(from, bytes) => Some((*from, *bytes)),
                    LineSource::Taken(_) => None,
                })
                .collect::<Option<Vec<_>>>()
        };
        let batches = self.batches.iter().map(|it| Some((it.head.clone(), places(it)?))).collect::<Option<Vec<_>>>()?;
        self.text.ends_with('\n').then(|| BookIndex {
            bytes: self.text.len(),
            lines: self.lines,
            version: self.version,
            last: self.last.clone(),
            unreadable: self.unreadable.clone(),
            batches,
        })
    }

    /// All batches in short, the oldest first.
    pub fn heads(&self) -> impl DoubleEndedIterator<Item = &BatchHead> + ExactSizeIterator {
        self.batches.iter().map(|it| &it.head)
    }

    /// All batches whole, the oldest first: of a long journal, much to read.
    pub fn histories(&self) -> Vec<&History> {
        self.batches.iter().filter_map(|it| it.whole(&self.text)).collect()
    }

    /// The one at a place among [`Book::heads`].
    pub fn history_at(&self, place: usize) -> Option<&History> {
        self.batches.get(place)?.whole(&self.text)
    }

    /// One of them.
    pub fn history(&self, id: &str) -> Option<&History> {
        self.history_at(*self.places.get(id)?)
    }

    /// One of them, in short.
    pub fn head(&self, id: &str) -> Option<&BatchHead> {
        Some(&self.batches.get(*self.places.get(id)?)?.head)
    }

    /// The batches that a word may mean: a name, the beginning of one, or `last`.
    pub fn named(&self, word: &str) -> Vec<&BatchHead> {
        match self.head(word) {
            Some(it) => vec![it],
            None if word == "last" => self.heads().next_back().into_iter().collect(),
            None => self.heads().filter(|it| !word.is_empty() && it.id.starts_with(word)).collect(),
        }
    }

    /// How a batch stands, what other batches did included.
    pub fn standing(&self, history: &History) -> Standing {
        self.among_others(&history.batch.id, history.own_standing(), &history.undone_by)
    }

    /// The same of a batch in short.
    pub fn standing_of(&self, head: &BatchHead) -> Standing {
        self.among_others(&head.id, head.own.clone(), &head.undone_by)
    }

    fn among_others(&self, id: &str, own: Standing, undone_by: &[String]) -> Standing {
        // What looks like a crash is a step under way, as long as its writer lives.
        if self.held && id == self.last && own.is_open() {
            return Standing::BeingApplied;
        }
        for id in undone_by.iter().rev() {
            let Some(by) = self.head(id) else { continue };
            match self.standing_of(by) {
                Standing::Done { .. } => return Standing::UndoneBy(id.clone()),
                Standing::Stopped { .. }
                | Standing::InDoubt { .. }
                | Standing::BeingApplied
                | Standing::BeingUndoneBy(_) => {
                    return Standing::BeingUndoneBy(id.clone());
                }
                // It did nothing, or was left, or was undone itself.
                _ => {}
            }
        }
        own
    }

    /// The batches of which somebody has to decide what becomes of them.
    pub fn open(&self) -> impl Iterator<Item = &BatchHead> {
        self.heads().filter(|it| self.standing_of(it).is_open())
    }
}
