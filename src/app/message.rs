//! What can happen to the application, as values: input, news of facts, answers to what it asked for.
//!
//! A message says what happened, never what to do about it; that is for [`super::update`]. Input arrives already
//! translated from the terminal's own events, so nothing here depends on a terminal.

use std::sync::Arc;

use ratatui::layout::Size;

use super::keymap::Chord;
use super::table::Tables;
use crate::access::inventory::Inventory;
use crate::access::matrix::Matrix;
use crate::access::permissions::danger::Found;
use crate::access::permissions::{Grant, Permissions, Who};
use crate::access::trace::Trace;
use crate::access::who::WhoCan;
use crate::access::workload::Shown;
use crate::edit;
use crate::edit::fix::Explained;
use crate::edit::receipt::{Progress, Receipt};
use crate::edit::record::{Batch, Book, Seen};
use crate::model::failure::Failure;
use crate::model::review::Reviewed;
use crate::model::sign_in::SessionStatus;
use crate::model::time::Time;
use crate::model::update::{Call, Update};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Msg {
    /// A key was pressed.
    Key(Chord),
    /// A text was pasted.
    Paste(String),
    /// The mouse did something.
    Mouse(Mouse),
    /// The terminal has this size now.
    Resize(Size),
    /// It is this late now.
    Clock(Time),
    /// A fact came in.
    Update(Box<Update>),
    /// A request was made.
    Call(Call),
    /// What was asked for under a ticket.
    Answer(Ticket, Answer),
    /// What the session waits for, and where it asks.
    Session(Box<SessionStatus>),
    /// An address was handed to a browser; or why not.
    AddressOpened(Result<(), String>),
    /// Something failed outside the sections, which carry their own failures.
    Failed(Failure),
}

/// What the mouse did, at a cell counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Mouse {
    Click { column: u16, row: u16 },
    WheelUp { column: u16, row: u16 },
    WheelDown { column: u16, row: u16 },
}

/// An answer to an [`super::effect::Effect`] that carried a ticket.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To `Analyse`.
    Analysis(Arc<Analysis>),
    /// To `Trace`.
    Trace(Arc<Trace>),
    /// To `Matrix`.
    Matrix(Arc<Permitted>),
    /// To `WhoCan`.
    WhoCan(Arc<WhoCan>),
    /// To `Review`.
    Review(Result<Reviewed, Failure>),
    /// To `Explain`.
    Explain(Arc<Explained>),
    /// To `Plan`.
    Plan(Arc<edit::Review>),
    /// To `Apply`: news of it.
    Progress(Box<Progress>),
    /// To `Apply`: its end, or why it was not begun.
    Applied(Result<Box<Receipt>, String>),
    /// To `Undo`: what undoes the batch, if anything; or why that is not known.
    Undo(Result<Option<Box<Batch>>, String>),
    /// To `Workload`.
    Workload(Arc<Shown>),
    /// To `Journal`: all of it, or why it could not be read.
    Journal(Result<Arc<Book>, String>),
    /// To `Look`: what is so of each step; or why that is not known.
    Looked(Result<Vec<Seen>, String>),
    /// To `Refresh`: everything was read again.
    Refreshed,
    /// To `Note`: in Markdown.
    Note(String),
}

/// Everything derived from one cluster's facts that the panes show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Analysis {
    /// The rows with all they hold.
    pub inventory: Inventory,
    /// The same as lines of the panes' tables.
    pub tables: Tables,
    /// What identities may do.
    pub permissions: Permissions,
}

/// What one identity may do in one namespace, with all that its cells are explained from.
#[derive(Clone, Debug, PartialEq)]
pub struct Permitted {
    /// As whom it gets in, and with which policies.
    pub who: Who,
    /// The table.
    pub matrix: Matrix,
    /// What is dangerous in what it may do, wherever.
    pub dangers: Vec<Found>,
    /// All that authorises it, wherever.
    pub grants: Vec<Grant>,
    /// What the table was made from.
    pub permissions: Permissions,
}

/// Ties an answer to its question: an answer under an older ticket is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// Gives out tickets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tickets(u64);

impl Tickets {
    /// One that was never given out.
    pub fn another(&mut self) -> Ticket {
        self.0 += 1;
        Ticket(self.0)
    }
}

/// One question that is asked again and again as facts come: at most one is under way, and what changes meanwhile
/// is asked once more afterwards. So a stream of news neither floods the machine nor starves the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    under_way: Option<Ticket>,
    again: bool,
}

impl Slot {
    /// Asks anew unless the question is under way; then it will be asked again.
    pub fn want(&mut self, tickets: &mut Tickets) -> Option<Ticket> {
        if self.under_way.is_some() {
            self.again = true;
            return None;
        }
        Some(self.restart(tickets))
    }

    /// Asks anew whatever is under way, whose answer no longer counts.
    pub fn restart(&mut self, tickets: &mut Tickets) -> Ticket {
        let ticket = tickets.another();
        *self = Slot { under_way: Some(ticket), again: false };
        ticket
    }

    /// True if this answer is the one awaited. Afterwards [`Slot::again`] tells whether to ask once more.
    pub fn take(&mut self, ticket: Ticket) -> bool {
        let awaited = self.under_way == Some(ticket);
        if awaited {
            self.under_way = None;
        }
        awaited
    }

    /// Were facts taken in since the question was asked? Says so once.
    pub fn again(&mut self) -> bool {
        std::mem::take(&mut self.again)
    }

    /// Is an answer awaited?
    pub fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_under_way_is_asked_once_more_however_much_changed() {
        let mut tickets = Tickets::default();
        let mut slot = Slot::default();
        let first = slot.want(&mut tickets).expect("asked");
        assert_eq!(slot.want(&mut tickets), None);
        assert_eq!(slot.want(&mut tickets), None);
        assert!(slot.take(first));
        assert!(slot.again());
        assert!(!slot.again());
    }

    #[test]
    fn the_answer_to_an_older_question_is_dropped() {
        let mut tickets = Tickets::default();
        let mut slot = Slot::default();
        let old = slot.restart(&mut tickets);
        let new = slot.restart(&mut tickets);
        assert!(!slot.take(old));
        assert!(slot.is_under_way());
        assert!(slot.take(new));
        assert!(!slot.take(new));
    }
}
