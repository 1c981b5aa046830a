//! A plan in other words: for a shell, for Terraform, for an incident's notes.
//!
//! Decides what each form says, and quotes so that a shell or Terraform reads every value as it is. Nothing here is run.
//! All forms are made from a [`Told`]; a new form is a file here and a method there.

mod aws_cli;
mod note;
mod terraform;
mod told;

pub(super) use aws_cli::command_lines;
use aws_cli::script;
pub use note::Traced;
use note::note;
use terraform::terraform;
pub use told::Told;

use crate::model::aws_command::quote_word;
use crate::model::visible::visible;

/// For which cluster a plan is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its name.
    pub cluster: String,
    /// Its region.
    pub region: String,
    /// Its account, if that is known.
    pub account: Option<String>,
}

/// A text that stands in a comment of one line.
fn remark(text: &str) -> String {
    visible(text).into_owned()
}

/// One word of a shell: quoted unless it is plain.
pub fn quoted(word: &str) -> String {
    quote_word(word).into_owned()
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_shell_reads_every_word_as_it_is() {
        for (word, expected) in [
            ("plain-1.2/x:y@z", "plain-1.2/x:y@z"),
            ("", "''"),
            ("two words", "'two words'"),
            ("a'b", "'a'\\''b'"),
            ("$HOME;`ls`", "'$HOME;`ls`'"),
            ("{{SessionName}}", "'{{SessionName}}'"),
            ("green-*", "'green-*'"),
            ("a\u{1b}[2J'\\1", "$'a\\033[2J\\'\\\\1'"),
            ("b\u{202e}7", "$'b\\342\\200\\2567'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
