//! The code of an MFA device: given beforehand, or asked of a person. It is good once.
//!
//! Decides who is asked: before the session is open, on the terminal; afterwards, by the session's status, which the screen
//! shows and answers. Nobody is asked where nobody would see it.

use std::sync::{Mutex, PoisonError};

use super::CredentialTrouble;
use super::chain::RoleSource;
use crate::cloud::session::CodePrompt;
use crate::cloud::status_board::StatusBoard;
use crate::model::failure::FailureKind;

/// Asks for codes.
#[derive(Debug)]
pub(in crate::cloud) struct CodeAsker {
    given: Mutex<Option<String>>,
    prompt: Mutex<CodePrompt>,
    board: StatusBoard,
}

impl CodeAsker {
    /// With a code that was given beforehand.
    pub(in crate::cloud) fn new(given: Option<String>, prompt: CodePrompt, board: StatusBoard) -> Self {
        CodeAsker { given: Mutex::new(given), prompt: Mutex::new(prompt), board }
    }

    /// Whether the terminal is asked on.
    pub(super) fn asks_on_terminal(&self) -> bool {
        !matches!(self.prompt(), CodePrompt::Status)
    }

    /// From now on the terminal is somebody else's.
    pub(super) fn leave_terminal(&self) {
        let mut prompt = self.prompt.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*prompt, CodePrompt::Terminal(_)) {
            *prompt = CodePrompt::Nowhere;
        }
    }

    fn prompt(&self) -> CodePrompt {
        *self.prompt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A code for the device of a role.
    pub(super) async fn code(&self, role: &RoleSource, serial: &str) -> Result<String, CredentialTrouble> {
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner).take();
        let prompt = self.prompt();
        let code = match (given, prompt) {
            (Some(code), _) => Some(code),
            (None, CodePrompt::Nowhere) => None,
            (None, CodePrompt::Terminal(ask)) => ask(&format!("Enter MFA code for {serial}: ")),
            (None, CodePrompt::Status) => self.board.ask_for_code(serial, &role.profile).await,
        };
        code.map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).ok_or_else(|| {
            let how = match prompt {
                CodePrompt::Status => "none was given. A refresh asks for the code again",
                _ => "start eksplorer in a terminal, where it asks for the code, or give it with --mfa-code",
            };
            let place = &role.place;
            let why = format!("{place} needs a code of the MFA device {serial}: {how}");
            CredentialTrouble::new(FailureKind::NoCredentials, why)
        })
    }
}
