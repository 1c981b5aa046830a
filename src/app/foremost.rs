//! Which keys the footer shows.
//!
//! Decides what matters most where; how many there is room for is the view's. A new context begins here, after its
//! commands.

use super::command::Command;
use super::keymap::Context;
use super::pane::Pane;

/// The keys that matter most in a context, in order; the footer shows as many as there is room for.
pub fn foremost(context: Context, pane: Pane) -> &'static [Command] {
    match context {
        // A control is nobody's: it has a command.
        Context::List if pane == Pane::Posture => &[
            Command::Trace,
            Command::CopyArn,
            Command::Document,
            Command::Filter,
            Command::Jump,
            Command::Sort,
            Command::Palette,
        ],
        Context::Global => &[Command::Back, Command::Jump, Command::Palette],
        Context::List => &[
            Command::Trace,
            Command::Filter,
            Command::Jump,
            Command::Matrix,
            Command::WhoCan,
            Command::Add,
            Command::Review,
            Command::Document,
            Command::Sort,
            Command::Palette,
        ],
        Context::Trace => &[
            Command::Document,
            Command::Matrix,
            Command::WhoCan,
            Command::Become,
            Command::CopyArn,
            Command::Jump,
            Command::Back,
        ],
        Context::Workload => &[
            Command::Follow,
            Command::Policies,
            Command::Trace,
            Command::Become,
            Command::CopyDocument,
            Command::Jump,
            Command::Back,
        ],
        Context::Row => &[
            Command::Follow,
            Command::CopyArn,
            Command::Document,
            Command::Trace,
            Command::Become,
            Command::Jump,
            Command::Back,
        ],
        Context::Matrix => &[
            Command::Rule,
            Command::Namespace,
            Command::WhoCan,
            Command::CrossCheck,
            Command::Filter,
            Command::Document,
            Command::Back,
        ],
        Context::WhoCan => &[
            Command::Trace,
            Command::Document,
            Command::Matrix,
            Command::CrossCheck,
            Command::Become,
            Command::Filter,
            Command::WhoCan,
            Command::Back,
        ],
        Context::Review => &[
            Command::Apply,
            Command::Answer,
            Command::UnstageChange,
            Command::EditChange,
            Command::Export,
            Command::Note,
            Command::Undo,
            Command::Back,
        ],
        Context::Journal => &[
            Command::OpenBatch,
            Command::Undo,
            Command::Resume,
            Command::Export,
            Command::Note,
            Command::Filter,
            Command::Back,
        ],
        Context::Batch => &[
            Command::Resume,
            Command::Undo,
            Command::Export,
            Command::Note,
            Command::CopyDocument,
            Command::Down,
            Command::Back,
        ],
        Context::SignIn => &[Command::OpenAddress, Command::CopyArn, Command::SignIn, Command::Back],
        Context::Document => {
            &[Command::Search, Command::CopyDocument, Command::NextMatch, Command::Right, Command::Back]
        }
        Context::Prompt => &[Command::Accept, Command::Down, Command::Up, Command::Back],
    }
}
