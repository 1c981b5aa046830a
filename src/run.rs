//! The rim: what touches clock, terminal, network and disk, and what the screen and the headless commands share.
//!
//! - [`source`]: where the facts come from; [`load`]: what is asked, in which order;
//! - [`screen`]: the loop that owns the state of the screen; [`effects`]: what that state wants done, as tasks;
//!   [`feed`]: live facts for it; [`terminal`]: the terminal, given back whatever happens;
//! - [`apply`]: plans applied, gone on with, and undone; [`change`]: the same for the screen;
//!   [`preflight`]: what AWS is asked before that; [`calls`]: the calls that a command makes, summed up;
//! - `browser`: an address opened beside the screen;
//! - [`headless`]: the commands without a screen, [`trust`] one of them; [`files`]: files that are read and written.
//!
//! Decides nothing about access or about what is shown: the answers are `access`'s. A new effect is an arm in
//! [`effects`], a new command a function in [`headless`].

pub mod apply;
mod browser;
pub mod calls;
pub mod change;
pub mod effects;
pub mod feed;
pub mod files;
pub mod headless;
pub mod load;
pub mod preflight;
pub mod screen;
pub mod secret;
pub mod source;
pub mod terminal;
pub mod trust;

use crate::model::failure::{Failure, FailureKind};
use crate::report::Exit;

/// Why a command ends without an answer: what to say, and the exit status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Trouble {
    /// Bad input or a failure.
    pub exit: Exit,
    /// What to say, with what to try.
    pub message: String,
}

impl Trouble {
    /// What was given can't be used.
    pub fn bad_input(message: impl Into<String>) -> Self {
        Trouble { exit: Exit::BadInput, message: message.into() }
    }

    /// It is not done, for something speaks against it.
    pub fn refused(message: impl Into<String>) -> Self {
        Trouble { exit: Exit::No, message: message.into() }
    }

    /// Credentials, network, disk.
    pub fn failure(message: impl Into<String>) -> Self {
        Trouble { exit: Exit::Failure, message: message.into() }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        let message = failure.advised();
        match failure.kind {
            FailureKind::Missing | FailureKind::Invalid => Trouble::bad_input(message),
            _ => Trouble::failure(message),
        }
    }
}
