//! What lies over the list: a stack, of which the top has the keys, and Esc takes off exactly one.
//!
//! The set is closed, hence an enum: a new overlay is a variant here, a file beside the others, and a file in `view`.

pub mod document;
pub mod explain;
pub mod help;
pub mod jump;
pub mod picker;
pub mod trace;

use super::command::Command;
use super::keymap::Context;
use crate::model::cluster::ClusterId;
use document::DocumentView;
use explain::ExplainView;
use help::Help;
use jump::Jump;
use picker::Picker;
use trace::TraceView;

/// The stack holds at most so many; beyond, the oldest goes.
pub const DEEPEST: usize = 16;

/// Something over the list.
#[derive(Clone, Debug)]
pub enum Overlay {
    /// The chain of one principal, on the whole body.
    Trace(Box<TraceView>),
    /// A message explained, on the whole body.
    Explain(Box<ExplainView>),
    /// A document, on the whole body.
    Document(Box<DocumentView>),
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
            Overlay::Document(it) if it.editing => Context::Prompt,
            Overlay::Document(_) => Context::Document,
            Overlay::Jump(_) | Overlay::Palette(_) | Overlay::Help(_) | Overlay::Clusters(_) => Context::Prompt,
            Overlay::Calls { .. } => Context::Global,
        }
    }

    /// Does it take the whole body, as a place to be in, or lie over it for a moment?
    pub fn is_place(&self) -> bool {
        matches!(self, Overlay::Trace(_) | Overlay::Explain(_) | Overlay::Document(_))
    }
}
