//! Whom a principal's access is copied to: another principal of this cluster, or itself in another cluster.
//!
//! Decides what is offered; what can be carried over is `edit::carry`'s.

use super::picker::{Choice, Picker};
use crate::edit::carry::Carried;
use crate::edit::judge::Word;
use crate::model::cluster::ClusterId;

/// Where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// Another principal, by ARN.
    Principal(String),
    /// The same one in another cluster of the account.
    Cluster(ClusterId),
}

/// Access being copied.
#[derive(Clone, Debug)]
pub struct CopyView {
    /// Whose access: several only go to another cluster.
    pub from: Vec<Carried>,
    /// Where to.
    pub picker: Picker<To>,
    /// What is said of what is typed.
    pub word: Word,
}

impl CopyView {
    /// To one of these.
    pub fn new(from: Vec<Carried>, choices: Vec<Choice<To>>) -> Self {
        CopyView { from, picker: Picker::new(choices), word: Word::Fine }
    }

    /// Where to: an ARN that is typed, else what is chosen.
    pub fn to(&self) -> Option<To> {
        let typed = self.picker.input.value().trim();
        if typed.starts_with("arn:") && self.from.len() == 1 {
            return Some(To::Principal(typed.to_owned()));
        }
        self.picker.chosen().map(|it| it.what.clone())
    }
}
