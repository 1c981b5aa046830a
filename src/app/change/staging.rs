//! Edits of access entries and associations, staged on the rows that they are about: all that are marked, else the one
//! under the cursor.
//!
//! Decides what each key means on which row: whose entry it is, and what is asked before it is staged. What cannot be
//! staged for one row is staged for none, and every reason is told by name. Knows nothing of what follows from an edit:
//! that is the review's.

use super::associating;
use super::{on_ground, stage};
use crate::app::App;
use crate::app::overlay::Overlay;
use crate::app::overlay::identity::IdentityView;
use crate::app::overlay::picker::{Choice, Picker};
use crate::app::overlay::plan::named;
use crate::app::pane::Pane;
use crate::app::perform::push;
use crate::app::staged::association;
use crate::app::table::Row;
use crate::app::words::count;
use crate::edit::draft::{Draft, Edit, Refusal};
use crate::edit::state::{EntryState, State, Subject, now};
use crate::edit::wish::Ground;
use crate::model::words::last_part;

/// All of them, or every reason against it by name.
pub(super) fn all<T, U>(
    these: Vec<T>,
    name: impl Fn(&T) -> String,
    mut with: impl FnMut(&T) -> Result<U, String>,
) -> Result<Vec<U>, String> {
    let (mut out, mut against) = (Vec::new(), Vec::new());
    for it in &these {
        match with(it) {
            Ok(it) => out.push(it),
            Err(why) => against.push((name(it), why)),
        }
    }
    match (against.as_slice(), these.len()) {
        ([], _) => Ok(out),
        ([(_, why)], 1) => Err(why.clone()),
        (several, of) => {
            let told: Vec<String> = several.iter().map(|(name, why)| format!("{name}: {why}")).collect();
            Err(format!("{} of {of} cannot be done, and so none is. {}", several.len(), told.join("; ")))
        }
    }
}

/// The entry that a row is about. In Entries it is the row's own, even if it is dead under its old path.
fn subject(app: &App, row: &Row) -> Result<Subject, String> {
    match app.pane {
        Pane::Entries => Ok(Subject::Entry(row.arn.clone())),
        Pane::AwsAuth => Err(on_ground(app, |ground| ground.of_row(&row.arn))),
        Pane::PodIdentity => association(row).ok_or_else(|| "it could not be read: it is not changed".to_owned()),
        _ => {
            let arn = row.asked.as_ref().map(|it| it.principal.arn()).unwrap_or_default();
            let principal = on_ground(app, |ground| ground.principal(&arn)).map_err(|it| it.to_string())?;
            let subject = Subject::Entry(principal.arn());
            if state(app, &subject).is_ok_and(|it| it.is_none())
                && let Some(why) = on_ground(app, |ground| ground.of_aws_auth(&subject))
            {
                return Err(why);
            }
            Ok(subject)
        }
    }
}

/// A thing as it is staged, else as it is.
pub(super) fn state(app: &App, subject: &Subject) -> Result<Option<State>, String> {
    match app.staging().and_then(|it| it.draft().change(subject)) {
        Some(change) => Ok(change.after.clone()),
        None => now(&app.facts(), subject).known(),
    }
}

/// What rows are called in a list of reasons.
pub(super) fn name_of(app: &App, row: &Row) -> String {
    let home = app.home().map(str::to_owned);
    match association(row).filter(|_| app.pane == Pane::PodIdentity) {
        Some(it) => named(&it, home.as_deref()),
        None => named(&Subject::Entry(row.arn.clone()), home.as_deref()),
    }
}

/// What the rows at hand are about, with what each is; tells why not.
fn at_hand(app: &mut App) -> Option<Vec<(Subject, State)>> {
    let rows: Vec<Row> = app.chosen_rows().into_iter().cloned().collect();
    let found = all(
        rows,
        |row| name_of(app, row),
        |row| {
            let subject = subject(app, row)?;
            match state(app, &subject)? {
                Some(state) => Ok((subject, state)),
                None => Err(format!("There is no {subject}: a adds access.")),
            }
        },
    );
    match found {
        Ok(mut found) => {
            found.sort_by(|(a, _), (b, _)| a.cmp(b));
            found.dedup_by(|(a, _), (b, _)| a == b);
            Some(found).filter(|it| !it.is_empty())
        }
        Err(why) => {
            app.warn(why);
            None
        }
    }
}

/// What the rows at hand are about, as entries.
fn entries_at_hand(app: &mut App) -> Option<Vec<(Subject, EntryState)>> {
    let all = at_hand(app)?.into_iter().filter_map(|(subject, state)| match state {
        State::Entry(it) => Some((subject, it)),
        State::Association(_) => None,
    });
    Some(all.collect())
}

/// The one entry at hand; of several, tells that one is edited at a time.
fn entry_at_hand(app: &mut App) -> Option<(Subject, EntryState)> {
    let found = entries_at_hand(app)?;
    if found.len() > 1 {
        app.warn("One entry at a time is edited so: Esc takes the marks away.");
        return None;
    }
    found.into_iter().next()
}

/// So many are named; the others are counted.
const NAMED: usize = 3;

/// `role/a, role/b, role/c and 2 more`
pub(super) fn names(all: &[String]) -> String {
    let first = all.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// Whom an edit is about, in words.
pub(super) fn whose(app: &App, subjects: &[Subject], things: &str) -> String {
    match subjects {
        [one] => one.to_string(),
        several => {
            let all: Vec<String> = several.iter().map(|it| named(it, app.home())).collect();
            format!("{} {things} ({})", several.len(), names(&all))
        }
    }
}

/// Stages one edit of each, or none; all in one step. The marks have then done their work.
pub(super) fn stage_each(
    app: &mut App,
    subjects: &[Subject],
    what: &str,
    mut with: impl FnMut(&Ground<'_>, &mut Draft, &Subject) -> Result<(), Refusal>,
) -> bool {
    let home = app.home().map(str::to_owned);
    let staged = stage(app, what, |ground, draft| {
        let name = |it: &Subject| named(it, home.as_deref());
        let each = |it: &Subject| with(ground, draft, it).map_err(|it| it.to_string());
        all(subjects.to_vec(), name, each).map(drop).map_err(Refusal)
    });
    if staged {
        app.state_mut().unmark();
    }
    staged
}

pub(super) fn edit(app: &mut App, subjects: &[Subject], what: &str, edit: &Edit) -> bool {
    stage_each(app, subjects, what, |ground, draft, subject| {
        draft.stage(ground.facts, subject, edit.clone(), EntryState::default)
    })
}

fn things(app: &App) -> &'static str {
    if app.pane == Pane::PodIdentity { "Pod Identity associations" } else { "access entries" }
}

/// Stages the removal of what the rows are about.
pub(in crate::app) fn remove(app: &mut App) {
    let Some(found) = at_hand(app) else { return };
    let subjects: Vec<Subject> = found.into_iter().map(|(it, _)| it).collect();
    let verb = if subjects.len() == 1 { "is removed" } else { "are removed" };
    let what = format!("{} {verb}", whose(app, &subjects, things(app)));
    edit(app, &subjects, &what, &Edit::Remove);
}

/// Stages that the rows' entries are deleted and made again.
pub(in crate::app) fn recreate(app: &mut App) {
    let Some(found) = entries_at_hand(app) else { return };
    let subjects: Vec<Subject> = found.into_iter().map(|(it, _)| it).collect();
    let verb = if subjects.len() == 1 { "is deleted and made again" } else { "are deleted and made again" };
    let what = format!("{} {verb}", whose(app, &subjects, "access entries"));
    edit(app, &subjects, &what, &Edit::Again);
}

/// Opens the prompt for the entry's groups and username; of an association, the choice of its role.
pub(in crate::app) fn open_identity(app: &mut App) {
    if app.pane == Pane::PodIdentity {
        let Some(found) = at_hand(app) else { return };
        let accounts = found.into_iter().filter_map(|(subject, _)| match subject {
            Subject::Association(namespace, name) => Some((namespace, name)),
            Subject::Entry(_) => None,
        });
        return associating::open_for(app, accounts.collect());
    }
    if let Some((subject, state)) = entry_at_hand(app) {
        push(app, Overlay::Identity(Box::new(IdentityView::new(subject, &state))));
    }
}

/// Stages groups and username as typed.
pub(in crate::app) fn accept_identity(app: &mut App, effects: &mut Vec<crate::app::effect::Effect>) {
    let Some(Overlay::Identity(view)) = app.overlays.last() else { return };
    let (subject, (groups, username)) = (view.subject.clone(), view.read());
    let what = match groups.as_slice() {
        [] => format!("{subject} gives no groups"),
        some => format!("{subject} gives groups {}", some.join(", ")),
    };
    if edit(app, &[subject], &what, &Edit::Identity { groups, username }) {
        app.overlays.pop();
        super::review::staged_anew(app, effects);
    }
}

/// Opens the choice of the policy to take away, or to hold elsewhere.
pub(in crate::app) fn open_policies(app: &mut App, rescope: bool) {
    let found = if rescope { entry_at_hand(app).map(|it| vec![it]) } else { entries_at_hand(app) };
    let Some(found) = found else { return };
    let subjects: Vec<Subject> = found.iter().map(|(it, _)| it.clone()).collect();
    let mut choices: Vec<Choice<String>> = Vec::new();
    for (_, state) in &found {
        for (arn, scope) in &state.policies {
            if choices.iter().any(|it| it.what == *arn) {
                continue;
            }
            let have = found.iter().filter(|(_, it)| it.policies.contains_key(arn)).count();
            let note = match found.len() {
                1 => scope.to_string(),
                of => format!("{have} of {of} have it"),
            };
            choices.push(Choice { note, also: arn.clone(), ..Choice::new(last_part(arn).to_owned(), arn.clone()) });
        }
    }
    match choices.as_slice() {
        [] => {
            let verb = if subjects.len() == 1 { "has" } else { "have" };
            app.warn(format!("{} {verb} no access policies: a adds access.", whose(app, &subjects, "access entries")));
        }
        // Where there is one there is nothing to choose.
        [only] if rescope => {
            let arn = only.what.clone();
            super::adding::open_rescope(app, &subjects, arn);
        }
        _ => push(app, Overlay::Policies { subjects, rescope, picker: Box::new(Picker::new(choices)) }),
    }
}

/// Stages that it is taken away from all that have it, or asks where it is to hold.
pub(in crate::app) fn accept_policy(app: &mut App) {
    let Some(Overlay::Policies { subjects, rescope, picker }) = app.overlays.last() else { return };
    let Some(policy_arn) = picker.chosen().map(|it| it.what.clone()) else { return };
    let (subjects, rescope) = (subjects.clone(), *rescope);
    if rescope {
        app.overlays.pop();
        return super::adding::open_rescope(app, &subjects, policy_arn);
    }
    let has = |it: &Subject| matches!(state(app, it), Ok(Some(State::Entry(state))) if state.policies.contains_key(&policy_arn));
    let having: Vec<Subject> = subjects.iter().filter(|it| has(it)).cloned().collect();
    let verb = if having.len() == 1 { "loses" } else { "lose" };
    let mut what = format!("{} {verb} {}", whose(app, &having, "access entries"), last_part(&policy_arn));
    if having.len() < subjects.len() {
        let others = subjects.len() - having.len();
        what.push_str(&format!(" ({} without it)", count(others, "other is", "others are")));
    }
    if edit(app, &having, &what, &Edit::TakePolicy { policy_arn }) {
        app.overlays.pop();
    }
}
