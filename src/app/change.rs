//! Changing access: staging edits on rows, reviewing what is staged, applying it, undoing it.
//!
//! Decides who may stage here and now, and what becomes of a staged edit: it is told, or why it is refused. What each key
//! means on which row is `staging`'s, with the steps that give access in `adding`, those of Pod Identity in `associating` and
//! the copying of access in `copying`; what is done with the draft `review`'s, and what happens once it is applied
//! `applying`'s. What an edit is and whether it is refused is `edit`'s; making the calls is the rim's. A new way to stage
//! is a function in `staging` or a file beside it, and a command.

mod adding;
mod applying;
mod associating;
mod copying;
mod review;
mod staging;

pub(super) use adding::{accept_add, judge, open_add};
pub(super) use applying::{accept_name, leave, show_progress, take, undo};
pub(super) use associating::accept_association;
pub(super) use copying::{accept_copy, open_copy};
pub(super) use review::{
    accept_edit, answer, asked_anew, confirm, edit_change, has_change, open_plan, open_review, unstage_change,
};
pub(super) use staging::{accept_identity, accept_policy, open_identity, open_policies, recreate, remove};

use std::borrow::Cow;

use super::App;
use super::keymap::Context;
use super::pane::Pane;
use super::words::count;
use crate::edit::draft::{Draft, Refusal};
use crate::edit::wish::Ground;
use crate::model::snapshot::Source;

/// May changes be staged here?
pub(super) fn can_write(app: &App) -> Result<(), Cow<'static, str>> {
    match &app.snapshot.source {
        Source::File { .. } => Err("This is a file: it is looked at, and never changed.".into()),
        _ if let Some((key, false)) = app.rule() => Err(format!(
            "The configuration forbids it: write = false under [clusters.{key:?}]. Nothing is changed in this cluster, even \
             with --write."
        )
        .into()),
        _ if !app.may_write() => {
            Err("This is READ-ONLY: start with --write to stage changes; eksplorer grant shows a plan without it."
                .into())
        }
        _ if app.cluster.is_none() => Err("Choose a cluster first: C lists them.".into()),
        _ => Ok(()),
    }
}

/// Are all marked rows seen? Nobody should change what is not before their eyes.
pub(super) fn all_seen(app: &App) -> Result<(), Cow<'static, str>> {
    let hidden = app.hidden_marks();
    if hidden.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = hidden.iter().map(|row| staging::name_of(app, row)).collect();
    let not_shown = count(names.len(), "marked row is", "marked rows are");
    Err(format!(
        "{not_shown} hidden by the filter: {}. Nothing was done: Esc shows all rows, and once more takes the marks away.",
        staging::names(&names)
    )
    .into())
}

/// Is there a row whose entry could be changed?
pub(super) fn has_entry(app: &App, context: Context) -> Result<(), Cow<'static, str>> {
    if context == Context::List {
        all_seen(app)?;
    }
    match (context, app.pane) {
        (Context::List, Pane::Entries | Pane::AwsAuth | Pane::Principals) if !app.chosen_rows().is_empty() => Ok(()),
        (Context::List, Pane::Entries | Pane::AwsAuth | Pane::Principals) => Err("No row is selected.".into()),
        (Context::List, Pane::PodIdentity) => {
            Err("An association has one role and no policies of its own: e gives it another role, D removes it.".into())
        }
        _ => Err("Access entries are changed from the panes Entries, aws-auth and Principals.".into()),
    }
}

/// Is there a row whose entry or association could be changed?
pub(super) fn has_subject(app: &App, context: Context) -> Result<(), Cow<'static, str>> {
    if context == Context::List {
        all_seen(app)?;
    }
    match (context, app.pane) {
        (Context::List, Pane::PodIdentity) if !app.chosen_rows().is_empty() => Ok(()),
        (Context::List, Pane::PodIdentity) => Err("No row is selected: a makes an association.".into()),
        _ => has_entry(app, context),
    }
}

fn on_ground<T>(app: &App, with: impl FnOnce(&Ground<'_>) -> T) -> T {
    let facts = app.facts();
    with(&Ground { facts: &facts, iam: &app.snapshot.iam })
}

/// Stages; tells what is staged now, or why not. True if it was staged.
fn stage(app: &mut App, what: &str, with: impl FnOnce(&Ground<'_>, &mut Draft) -> Result<(), Refusal>) -> bool {
    let Some(cluster) = app.cluster.clone() else { return false };
    let (facts, snapshot) = (app.facts(), app.snapshot.clone());
    let ground = Ground { facts: &facts, iam: &snapshot.iam };
    let staging = app.staged.entry(cluster).or_default();
    let before = staging.draft().clone();
    let staged = staging.change(|draft| with(&ground, draft));
    let (same, n) = (*staging.draft() == before, staging.draft().len());
    match staged {
        Ok(()) if same => {
            app.tell(format!("{what}: it is so already; nothing was staged."));
            true
        }
        // Made and removed is nothing, and so is there and back.
        Ok(()) if n < before.len() => {
            let left = count(n, "change is", "changes are");
            app.tell(format!("{what}: that takes back what was staged. {left} staged now."));
            true
        }
        Ok(()) => {
            app.tell(format!("Staged: {what}. Nothing was done yet: r reviews {}.", count(n, "change", "changes")));
            true
        }
        Err(refusal) => {
            app.warn(format!("Not staged: {refusal}"));
            false
        }
    }
}

/// Takes back what was staged last, or stages it again.
pub(super) fn step_back(app: &mut App, forward: bool) {
    let Some(staging) = app.cluster.clone().and_then(|id| app.staged.get_mut(&id)) else { return };
    if forward {
        staging.redo()
    } else {
        staging.undo()
    };
    let n = staging.draft().len();
    app.tell(format!("{} staged now.", count(n, "change is", "changes are")));
}

/// Can rows be marked here?
pub(super) fn markable(app: &App, context: Context) -> Result<(), Cow<'static, str>> {
    match (context, app.pane) {
        (Context::List, Pane::Entries | Pane::AwsAuth | Pane::Principals | Pane::PodIdentity) => {
            match app.selected_row() {
                Some(_) => Ok(()),
                None => Err("No row is selected.".into()),
            }
        }
        _ => Err("Rows are marked in the panes Entries, aws-auth, Pod Identity and Principals.".into()),
    }
}
