//! The staged edits: what each changed thing was and is to be.
//!
//! Decides how edits fold (what ends as it began is no edit), and what can be undone and redone while staging. A draft
//! says what is wanted, never in which calls: that is [`super::plan`]'s. The inverse of a draft is a draft.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::state::{AssociationState, EntryState, State, Subject, now};
use crate::model::mapping::AccessScope;
use crate::model::snapshot::ClusterFacts;
use crate::model::words::last_part;

/// One changed thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// As it was when it was staged; `None` if there was none.
    pub before: Option<State>,
    /// As it is to be; `None` if there is to be none.
    pub after: Option<State>,
    /// Delete it and make it again although nothing about it changes: that binds the entry to the principal that has the
    /// name now.
    #[serde(default)]
    pub again: bool,
}

impl Change {
    /// `+` made, `~` changed, `-` removed.
    pub fn sign(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "+",
            (_, None) => "-",
            _ => "~",
        }
    }
}

/// All staged changes, by subject. Written as a list: a subject is no text that JSON takes for a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Changed>", into = "Vec<Changed>")]
pub struct Draft {
    changes: BTreeMap<Subject, Change>,
}

#[derive(Serialize, Deserialize)]
struct Changed {
    subject: Subject,
    #[serde(flatten)]
    change: Change,
}

impl From<Vec<Changed>> for Draft {
    fn from(all: Vec<Changed>) -> Self {
        Draft::of(all.into_iter().map(|it| (it.subject, it.change)))
    }
}

impl From<Draft> for Vec<Changed> {
    fn from(draft: Draft) -> Self {
        draft.changes.into_iter().map(|(subject, change)| Changed { subject, change }).collect()
    }
}

/// What a person wants done to one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Give a policy at a scope, replacing the scope it has. Makes the entry if there is none.
    GivePolicy {
        /// Its ARN.
        policy_arn: String,
        /// Where.
        scope: AccessScope,
    },
    /// Take a policy away.
    TakePolicy {
        /// Its ARN.
        policy_arn: String,
    },
    /// Add groups. Makes the entry if there is none.
    GiveGroups(Vec<String>),
    /// Take groups away.
    TakeGroups(Vec<String>),
    /// Add tags to an entry that is there; of one key, the new value counts.
    GiveTags(BTreeMap<String, String>),
    /// Set groups and username; `None` leaves the username as it is.
    Identity {
        /// All of them.
        groups: Vec<String>,
        /// The Kubernetes username.
        username: Option<String>,
    },
    /// Be as this.
    Be(Box<EntryState>),
    /// Remove the entry, with its policies.
    Remove,
    /// Delete the entry and make it again, as it is.
    Again,
    /// Make or change a Pod Identity association.
    Associate(AssociationState),
    /// Remove the association.
    Dissociate,
}

/// Why an edit is not staged, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

impl Draft {
    /// A draft of these changes; what ends as it began is left out.
    pub fn of(changes: impl IntoIterator<Item = (Subject, Change)>) -> Self {
        let mut draft = Draft::default();
        for (subject, change) in changes {
            draft.put(subject, change);
        }
        draft
    }

    /// The changes, by subject.
    pub fn changes(&self) -> impl Iterator<Item = (&Subject, &Change)> {
        self.changes.iter()
    }

    /// The change of one thing.
    pub fn change(&self, subject: &Subject) -> Option<&Change> {
        self.changes.get(subject)
    }

    /// Is nothing staged?
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many things are changed.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Takes a change back.
    pub fn unstage(&mut self, subject: &Subject) {
        self.changes.remove(subject);
    }

    fn put(&mut self, subject: Subject, change: Change) {
        if change.before == change.after && !change.again {
            self.changes.remove(&subject);
        } else {
            self.changes.insert(subject, change);
        }
    }

    /// Stages an edit on top of what is staged. `new_entry` is what an entry made for the principal would begin as.
    pub fn stage(
        &mut self,
        facts: &ClusterFacts,
        subject: &Subject,
        edit: Edit,
        new_entry: impl FnOnce() -> EntryState,
    ) -> Result<(), Refusal> {
        let (before, staged, again) = match self.changes.get(subject) {
            Some(change) => (change.before.clone(), change.after.clone(), change.again),
            None => {
                let before = now(facts, subject).known().map_err(Refusal)?;
                (before.clone(), before, false)
            }
        };
        let missing = || Refusal(format!("there is no {subject}"));
        let entry = |it: Option<State>| match it {
            Some(State::Entry(it)) => Some(it),
            _ => None,
        };
        let mut again = again;
        let after = match edit {
            Edit::GivePolicy { policy_arn, scope } => {
                let mut it = entry(staged).unwrap_or_else(new_entry);
                it.policies.insert(policy_arn, super::state::sorted(&scope));
                Some(State::Entry(it))
            }
            Edit::TakePolicy { policy_arn } => {
                let mut it = entry(staged).ok_or_else(missing)?;
                if it.policies.remove(&policy_arn).is_none() {
                    return Err(Refusal(format!("it does not have {}", last_part(&policy_arn))));
                }
                Some(State::Entry(it))
            }
            Edit::GiveGroups(groups) => {
                let mut it = entry(staged).unwrap_or_else(new_entry);
                it.groups.extend(groups);
                Some(State::Entry(it))
            }
            Edit::TakeGroups(groups) => {
                let mut it = entry(staged).ok_or_else(missing)?;
                for group in groups {
                    if !it.groups.remove(&group) {
                        return Err(Refusal(format!("its entry does not give the group {group:?}")));
                    }
                }
                Some(State::Entry(it))
            }
            Edit::GiveTags(tags) => {
                let mut it = entry(staged).ok_or_else(missing)?;
                it.tags.extend(tags);
                Some(State::Entry(it))
            }
            Edit::Identity { groups, username } => {
                let mut it = entry(staged).ok_or_else(missing)?;
                it.groups = groups.into_iter().collect();
                it.username = username.or(it.username);
                Some(State::Entry(it))
            }
            Edit::Be(state) => Some(State::Entry(*state)),
            Edit::Remove | Edit::Dissociate => {
                staged.ok_or_else(missing)?;
                again = false;
                None
            }
            Edit::Again => {
                let it = entry(before.clone()).and(entry(staged)).ok_or_else(missing)?;
                again = true;
                Some(State::Entry(it))
            }
            Edit::Associate(state) => Some(State::Association(state)),
        };
        self.put(subject.clone(), Change { before, after, again });
        Ok(())
    }

    /// What would bring everything back: each thing as it was.
    pub fn inverse(&self) -> Draft {
        let back = |(subject, change): (&Subject, &Change)| {
            let change = Change { before: change.after.clone(), after: change.before.clone(), again: false };
            (subject.clone(), change)
        };
        Draft::of(self.changes.iter().map(back))
    }
}

/// A draft with what was staged before and after, for undo and redo while staging.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staging {
    draft: Draft,
    past: Vec<Draft>,
    future: Vec<Draft>,
}

impl Staging {
    /// What is staged now.
    pub fn draft(&self) -> &Draft {
        &self.draft
    }

    /// Changes what is staged; nothing is remembered of a change that failed or did nothing.
    pub fn change<E>(&mut self, with: impl FnOnce(&mut Draft) -> Result<(), E>) -> Result<(), E> {
        let mut next = self.draft.clone();
        with(&mut next)?;
        if next != self.draft {
            self.past.push(std::mem::replace(&mut self.draft, next));
            self.future.clear();
        }
        Ok(())
    }

    /// Puts another draft in the place of what is staged. That is nothing a person did, and so nothing to take back.
    pub fn replace(&mut self, draft: Draft) {
        self.draft = draft;
    }

    /// Is there something to take back?
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Was something taken back that can be done again?
    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }

    /// What was applied is no longer staged; nor is there a way back to it by undo.
    pub fn applied(&mut self, draft: &Draft) {
        for (subject, change) in draft.changes() {
            if self.draft.change(subject) == Some(change) {
                self.draft.unstage(subject);
            }
        }
        self.past.clear();
        self.future.clear();
    }

    /// Takes the last change back. False if there is none.
    pub fn undo(&mut self) -> bool {
        let Some(before) = self.past.pop() else { return false };
        self.future.push(std::mem::replace(&mut self.draft, before));
        true
    }

    /// Does again what was taken back. False if there is nothing.
    pub fn redo(&mut self) -> bool {
        let Some(after) = self.future.pop() else { return false };
        self.past.push(std::mem::replace(&mut self.draft, after));
        true
    }
}
