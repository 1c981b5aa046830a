//! What lies over the list: a stack, of which the top has the keys, and Esc takes off exactly one.
//!
//! The set is closed, hence an enum: a new overlay is a variant here, a file beside the others, and a file in `view`.

pub mod add;
pub mod applying;
pub mod ask;
pub mod associate;
pub mod batch;
pub mod code;
pub mod copy;
pub mod document;
pub mod explain;
pub mod help;
pub mod identity;
pub mod journal;
pub mod jump;
pub mod matrix;
pub mod picker;
pub mod plan;
pub mod row;
pub mod scroll;
pub mod told;
pub mod trace;
pub mod who;
pub mod workload;

use super::command::Command;
use super::export::Exports;
use super::keymap::Context;
use crate::edit::state::Subject;
use crate::model::cluster::ClusterId;
use crate::model::principal::Asked;
use crate::model::snapshot::Evidence;
use add::AddView;
use ask::AskWho;
use associate::AssociateView;
use batch::BatchView;
use code::CodeView;
use copy::CopyView;
use document::DocumentView;
use explain::ExplainView;
use help::Help;
use identity::IdentityView;
use journal::JournalView;
use jump::Jump;
use matrix::MatrixView;
use picker::Picker;
use plan::PlanView;
use row::RowView;
use trace::TraceView;
use who::WhoView;
use workload::WorkloadView;

/// The stack holds at most so many; beyond, the oldest goes.
pub const DEEPEST: usize = 16;

/// Where a line of a group leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lead {
    /// To the trace of who carries it.
    Trace(Box<Asked>),
    /// To the binding that names it.
    Document(Box<Evidence>),
}

/// What of a staged change is edited again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditWhat {
    /// Groups and username of the entry.
    Identity,
    /// Where its policy of that ARN holds.
    Scope(String),
    /// Another policy, or groups, for it.
    Give,
}

/// Something over the list.
#[derive(Clone, Debug)]
pub enum Overlay {
    /// The chain of one principal, on the whole body.
    Trace(Box<TraceView>),
    /// A message explained, on the whole body.
    Explain(Box<ExplainView>),
    /// Which AWS role a workload gets, or who becomes a role, on the whole body.
    Workload(Box<WorkloadView>),
    /// A row with all that it says, on the whole body.
    Row(Box<RowView>),
    /// A document, on the whole body.
    Document(Box<DocumentView>),
    /// What one identity may do, on the whole body.
    Matrix(Box<MatrixView>),
    /// Who may make a request, on the whole body.
    WhoCan(Box<WhoView>),
    /// Access being added, step by step.
    Add(Box<AddView>),
    /// The groups and the username of an entry, being edited.
    Identity(Box<IdentityView>),
    /// A Pod Identity association being made or changed, step by step.
    Associate(Box<AssociateView>),
    /// The policies of entries, of which one is to be taken away, or to hold elsewhere.
    Policies {
        /// Of which entries.
        subjects: Vec<Subject>,
        /// Is it to hold elsewhere?
        rescope: bool,
        /// Their ARNs, to choose among.
        picker: Box<Picker<String>>,
    },
    /// What of a staged change is to be edited.
    EditChange {
        /// Of what.
        subject: Subject,
        /// To choose among.
        picker: Box<Picker<EditWhat>>,
    },
    /// To whom, or into which cluster, access is copied.
    CopyAccess(Box<CopyView>),
    /// The review of a draft, on the whole body.
    Plan(Box<PlanView>),
    /// What is being applied, on the whole body; the state has it, and goes on without this.
    Apply {
        /// The first line shown.
        top: usize,
    },
    /// The journal's batches, on the whole body.
    Journal(Box<JournalView>),
    /// One of them, on the whole body.
    Batch(Box<BatchView>),
    /// The forms in which a plan or a batch can be taken along, to choose among.
    Exports(Box<Exports>),
    /// The code of an MFA device, being typed.
    Code(Box<CodeView>),
    /// The sign-in by IAM Identity Center; the state has it, and it goes on without this.
    SignIn,
    /// The prompt that asks who can.
    AskWho(Box<AskWho>),
    /// The namespaces of the matrix below to choose among; empty is the whole cluster.
    Namespaces(Box<Picker<String>>),
    /// Who carries a group and which bindings name it.
    Subject {
        /// `group deployers`
        title: String,
        /// Both, to choose among.
        picker: Box<Picker<Lead>>,
    },
    /// The global jump.
    Jump(Box<Jump>),
    /// The commands, by name.
    Palette(Box<Picker<Command>>),
    /// The commands with their keys.
    Help(Box<Help>),
    /// The calls made.
    Calls {
        /// The first line shown, from the newest.
        top: usize,
    },
    /// The clusters to choose among.
    Clusters(Box<Picker<ClusterId>>),
}

impl Overlay {
    /// Which keys are looked at.
    pub fn context(&self) -> Context {
        match self {
            Overlay::Trace(_) | Overlay::Explain(_) => Context::Trace,
            Overlay::Workload(_) => Context::Workload,
            Overlay::Row(_) => Context::Row,
            Overlay::Document(it) if it.editing => Context::Prompt,
            Overlay::Document(_) => Context::Document,
            Overlay::Matrix(it) if it.editing => Context::Prompt,
            Overlay::Matrix(_) => Context::Matrix,
            Overlay::WhoCan(it) if it.editing => Context::Prompt,
            Overlay::WhoCan(_) => Context::WhoCan,
            Overlay::Plan(it) if it.typing => Context::Prompt,
            Overlay::Plan(_) | Overlay::Apply { .. } => Context::Review,
            Overlay::Journal(it) if it.editing => Context::Prompt,
            Overlay::Journal(_) => Context::Journal,
            Overlay::Batch(_) => Context::Batch,
            Overlay::Jump(_)
            | Overlay::Add(_)
            | Overlay::Identity(_)
            | Overlay::Associate(_)
            | Overlay::Policies { .. }
            | Overlay::EditChange { .. }
            | Overlay::CopyAccess(_)
            | Overlay::Code(_)
            | Overlay::Exports(_)
            | Overlay::Palette(_)
            | Overlay::Help(_)
            | Overlay::Clusters(_)
            | Overlay::AskWho(_)
            | Overlay::Namespaces(_)
            | Overlay::Subject { .. } => Context::Prompt,
            Overlay::SignIn => Context::SignIn,
            Overlay::Calls { .. } => Context::Global,
        }
    }

    /// Does it take the whole body, as a place to be in, or lie over it for a moment?
    pub fn is_place(&self) -> bool {
        matches!(
            self,
            Overlay::Trace(_)
                | Overlay::Explain(_)
                | Overlay::Workload(_)
                | Overlay::Row(_)
                | Overlay::Document(_)
                | Overlay::Matrix(_)
                | Overlay::WhoCan(_)
                | Overlay::Plan(_)
                | Overlay::Apply { .. }
                | Overlay::Journal(_)
                | Overlay::Batch(_)
        )
    }
}
