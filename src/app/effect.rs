//! What the application wants done, as values. The rim does it; here is only the wish.
//!
//! Kept apart from messages (what happened) and commands (what a person asked for), so that each can be compared,
//! logged and asserted. A new wish is a variant here and an arm in `run::effects`.

use super::message::Ticket;
use super::pane::Pane;
use crate::access::explain::message::Reading;
use crate::access::kubectl::Question;
use crate::access::workload::Subject;
use crate::edit::draft::Draft;
use crate::edit::export::Told;
use crate::edit::record::{Batch, History};
use crate::model::cluster::ClusterId;
use crate::model::principal::Asked;
use crate::model::review::Review;

/// What is to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// What was staged.
    Draft(Box<Draft>),
    /// What undoes a batch.
    Batch(Box<Batch>),
    /// What is left of a batch of the journal, by its name.
    Resume(String),
}

/// A wish.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Read first what the rows of this pane rest on.
    LookAtPane(Pane),
    /// Compute the rows of all panes from the facts at hand.
    Analyse {
        /// To answer under.
        ticket: Ticket,
        /// Of which cluster.
        cluster: ClusterId,
    },
    /// Compute the chain of one principal from the facts at hand.
    Trace {
        /// To answer under.
        ticket: Ticket,
        /// In which cluster.
        cluster: ClusterId,
        /// Of whom.
        asked: Box<Asked>,
    },
    /// Hold a message against the facts at hand.
    Explain {
        /// To answer under.
        ticket: Ticket,
        /// In which cluster.
        cluster: ClusterId,
        /// Which.
        message: Box<Reading>,
    },
    /// Compute what one principal may do, as a table.
    Matrix {
        /// To answer under.
        ticket: Ticket,
        /// In which cluster.
        cluster: ClusterId,
        /// Who.
        asked: Box<Asked>,
        /// In which namespace, empty being the whole cluster; `None`: where it is best looked at first.
        namespace: Option<String>,
    },
    /// Compute who may make a request, or all requests of a command.
    WhoCan {
        /// To answer under.
        ticket: Ticket,
        /// In which cluster.
        cluster: ClusterId,
        /// Which.
        question: Box<Question>,
    },
    /// Ask the API server itself.
    Review {
        /// To answer under.
        ticket: Ticket,
        /// In which cluster.
        cluster: ClusterId,
        /// What.
        review: Box<Review>,
    },
    /// Compute which AWS role a workload gets, from the facts at hand.
    Workload {
        /// To answer under.
        ticket: Ticket,
        /// In which cluster.
        cluster: ClusterId,
        /// Of what.
        subject: Subject,
    },
    /// Review a draft against the facts at hand.
    Plan {
        /// To answer under.
        ticket: Ticket,
        /// In which cluster.
        cluster: ClusterId,
        /// Which.
        draft: Box<Draft>,
    },
    /// Apply what was agreed to.
    Apply {
        /// To answer under, again and again.
        ticket: Ticket,
        /// In which cluster.
        cluster: ClusterId,
        /// What.
        work: Work,
    },
    /// Find out what would undo a batch.
    Undo {
        /// To answer under.
        ticket: Ticket,
        /// Its name.
        batch: String,
    },
    /// Read the journal.
    Journal {
        /// To answer under.
        ticket: Ticket,
    },
    /// Find out what is so now of a batch, by reading alone.
    Look {
        /// To answer under.
        ticket: Ticket,
        /// Which, as the journal knows it.
        history: Box<History>,
    },
    /// Write the note of a plan or a batch.
    Note {
        /// To answer under.
        ticket: Ticket,
        /// In which cluster.
        cluster: ClusterId,
        /// Of what.
        told: Box<Told>,
    },
    /// Stop applying when the step at hand has ended.
    StopApplying,
    /// Read the caller, the clusters and the account's IAM.
    Overview,
    /// Read a cluster's facts, for the first time or again.
    Load(ClusterId),
    /// Read everything again, configuration and credentials first, and the facts of this cluster. What is being read is
    /// read from its beginning.
    Refresh {
        /// To tell the end under.
        ticket: Ticket,
        /// Whose facts; `None` where none was chosen yet.
        cluster: Option<ClusterId>,
    },
    /// Sign in by IAM Identity Center.
    SignIn,
    /// Give up signing in.
    CancelSignIn,
    /// Answer a request for a code.
    GiveCode {
        /// The number of the request.
        number: u64,
        /// The code; `None` gives none.
        code: Option<String>,
    },
    /// End the program that credentials are waited for from.
    StopProgram,
    /// Open an address in a browser, beside the screen.
    OpenAddress(String),
    /// Read a principal's own facts, ahead of any sweep.
    Ask {
        /// In which cluster.
        cluster: ClusterId,
        /// Whose.
        asked: Box<Asked>,
    },
    /// Read the policies of a role that no sweep brought.
    Policies {
        /// The role, by name.
        role: String,
        /// Are its policies to be listed, since it is not known which it has?
        list: bool,
        /// Managed policies whose text is missing, by ARN.
        arns: Vec<String>,
    },
    /// Send a text to the terminal's clipboard.
    Copy(String),
    /// Stop, and give the terminal back to the shell for a while.
    Suspend,
    /// End the program.
    Quit,
}
