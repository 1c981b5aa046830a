//! Groups and username of an entry, being edited in one line.
//!
//! Decides how the two are written in one line and read from it. What is wrong with them is `edit::judge`'s.

use tui_input::Input;

use super::add::names;
use crate::edit::judge::Word;
use crate::edit::state::{EntryState, Subject};

/// Between the groups and the username of the prompt.
const USERNAME: &str = "username:";

/// Groups and username of an entry, being edited in one line.
#[derive(Clone, Debug)]
pub struct IdentityView {
    /// Of which entry.
    pub subject: Subject,
    /// Of which type the entry is.
    pub kind: String,
    /// `a, b  username: x`
    pub input: Input,
    /// What is said of what is typed.
    pub word: Word,
}

impl IdentityView {
    /// As they are.
    pub fn new(subject: Subject, entry: &EntryState) -> Self {
        let groups: Vec<&str> = entry.groups.iter().map(String::as_str).collect();
        let mut text = groups.join(", ");
        let cursor = text.chars().count();
        if let Some(username) = &entry.username {
            text.push_str(&format!("  {USERNAME} {username}"));
        }
        IdentityView {
            subject,
            kind: entry.kind.clone(),
            input: Input::new(text).with_cursor(cursor),
            word: Word::Fine,
        }
    }

    /// What is typed, as groups and username.
    pub fn read(&self) -> (Vec<String>, Option<String>) {
        let text = self.input.value();
        let (groups, username) = match text.split_once(USERNAME) {
            Some((groups, username)) => (groups, Some(username.trim().to_owned()).filter(|it| !it.is_empty())),
            None => (text, None),
        };
        (names(groups), username)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_reads_as_it_is_written() {
        let entry = EntryState {
            groups: ["a".to_owned(), "b".to_owned()].into(),
            username: Some("u:{{SessionName}}".to_owned()),
            ..EntryState::default()
        };
        let view = IdentityView::new(Subject::Entry("x".to_owned()), &entry);
        assert_eq!(view.read(), (vec!["a".to_owned(), "b".to_owned()], entry.username.clone()));
    }
}
