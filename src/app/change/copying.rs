//! A principal's access, copied to another, or to itself in another cluster of the account.
//!
//! Decides whose access is at hand, whom it is offered to, and into which draft it goes. What can be carried is
//! `edit::carry`'s.

use super::staging::{all, name_of, stage_each, state};
use super::{adding, on_ground};
use crate::access::identity::MappingSource;
use crate::app::App;
use crate::app::effect::Effect;
use crate::app::overlay::Overlay;
use crate::app::overlay::copy::{CopyView, To};
use crate::app::overlay::picker::Choice;
use crate::app::overlay::plan::named;
use crate::app::pane::Pane;
use crate::app::perform::push;
use crate::app::table::Row;
use crate::app::words::count;
use crate::edit::carry::{Carried, of_entry, of_row};
use crate::edit::draft::Refusal;
use crate::edit::state::{State, Subject};
use crate::edit::wish::Ground;
use crate::model::principal::Principal;

/// What a row's access is, as far as it can be carried.
fn carried(app: &App, row: &Row) -> Result<Carried, String> {
    let asked = row.asked.as_ref().ok_or("this row names no principal")?;
    let principal = match app.pane {
        Pane::Entries => asked.principal.clone(),
        _ => on_ground(app, |ground| ground.principal(&asked.principal.arn())).map_err(|it| it.to_string())?,
    };
    if app.pane == Pane::AwsAuth {
        // The row itself, whether it is in force or not.
        let at = app.table(Pane::AwsAuth).and_then(|it| it.rows().iter().position(|it| it.key == row.key));
        let line = at.and_then(|at| app.analysis.as_ref()?.inventory.aws_auth.get(at));
        return line
            .map(|it| of_row(&principal, &it.username, &it.groups))
            .ok_or_else(|| "the row could not be read".to_owned());
    }
    if let Some(State::Entry(it)) = state(app, &Subject::Entry(principal.arn()))? {
        return of_entry(&principal, &it);
    }
    // Without an entry, what gets it in is a row of aws-auth, if anything.
    let known = app.analysis.as_ref().map(|it| &it.inventory);
    let resolution = known.and_then(|it| it.principals.iter().find(|it| it.principal.key() == principal.key()));
    let place = resolution.and_then(|it| it.resolution.mapping.as_ref()).and_then(|it| match &it.source {
        MappingSource::AwsAuth { key, index: Some(index) } => Some(format!("{key}[{index}]")),
        _ => None,
    });
    let line = place.and_then(|place| known?.aws_auth.iter().find(|it| it.place == place));
    line.map(|it| of_row(&principal, &it.username, &it.groups))
        .ok_or_else(|| format!("{} gets in by nothing that could be copied", principal.short(app.home())))
}

/// Opens the choice of whom the access of the rows at hand is copied to.
pub(in crate::app) fn open_copy(app: &mut App) {
    let rows: Vec<Row> = app.chosen_rows().into_iter().cloned().collect();
    let from = match all(rows, |row| name_of(app, row), |row| carried(app, row)) {
        Ok(from) => from,
        Err(why) => return app.warn(format!("Not copied: {why}.")),
    };
    if let Some(nothing) = from.iter().find(|it| it.is_empty()) {
        let (whose, left) = (nothing.principal.short(app.home()), nothing.left.join("; "));
        let left = if left.is_empty() { "it gives neither policies nor groups".to_owned() } else { left };
        return app.warn(format!("Not copied: nothing of {whose} could be carried: {left}."));
    }
    let mut choices: Vec<Choice<To>> = Vec::new();
    if let [one] = from.as_slice() {
        let own = one.principal.key();
        let others = adding::everybody(app)
            .into_iter()
            .filter(|it| Principal::from_arn(&it.what).is_ok_and(|(principal, _)| principal.key() != own));
        choices.extend(others.map(|it| Choice {
            note: it.note,
            right: "principal".to_owned(),
            also: it.also,
            ..Choice::new(it.text, To::Principal(it.what))
        }));
    }
    let here = app.cluster.clone();
    let clusters = app.snapshot.clusters.items().iter().filter(|it| Some(*it) != here.as_ref());
    choices.extend(clusters.map(|id| Choice {
        note: format!("the same in cluster {} · {}", id.name, id.region),
        right: "cluster".to_owned(),
        ..Choice::new(id.name.clone(), To::Cluster(id.clone()))
    }));
    if choices.is_empty() {
        return app.warn("Not copied: several are copied only into another cluster, and there is none here.");
    }
    push(app, Overlay::CopyAccess(Box::new(CopyView::new(from, choices))));
}

/// What stays behind, told after what was staged.
fn with_left(what: String, from: &[Carried]) -> String {
    let left: Vec<String> = from.iter().flat_map(|it| it.left.iter().cloned()).collect();
    if left.is_empty() { what } else { format!("{what} ({})", left.join("; ")) }
}

/// Stages the copy.
pub(in crate::app) fn accept_copy(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(Overlay::CopyAccess(view)) = app.overlays.last() else { return };
    let Some(to) = view.to() else { return };
    let from = view.from.clone();
    match to {
        To::Principal(arn) => {
            let (Some(one), principal) = (from.first(), on_ground(app, |ground| ground.principal(&arn))) else {
                return;
            };
            let principal = match principal {
                Ok(it) => it,
                Err(refusal) => return app.warn(format!("Not copied: {refusal}.")),
            };
            let subject = Subject::Entry(principal.arn());
            let what = format!("{} gets what {} has", named(&subject, app.home()), one.principal.short(app.home()));
            let what = with_left(what, &from);
            if stage_each(app, &[subject], &what, |ground, draft, _| one.stage(ground, draft, &principal)) {
                app.overlays.pop();
            }
        }
        To::Cluster(id) => {
            let snapshot = app.snapshot.clone();
            let facts = snapshot.cluster(&id);
            let name = &id.name;
            if let Some(failure) = facts.cluster.failure().or_else(|| facts.access_entries.failure()) {
                return app.warn(format!("Not copied: what cluster {name} has could not be read: {failure}."));
            }
            let unread = facts.cluster.value().is_none() || facts.access_entries.is_loading();
            if unread && !app.is_live() {
                return app.warn(format!("Not copied: nothing is known here of cluster {name}."));
            }
            if unread {
                effects.push(Effect::Load(id.clone()));
                return app.warn(format!(
                    "Not copied yet: cluster {name} was not read so far. It is being read now; Enter tries again."
                ));
            }
            let home = app.home().map(str::to_owned);
            let ground = Ground { facts: &facts, iam: &snapshot.iam };
            let staging = app.staged.entry(id.clone()).or_default();
            let staged = staging.change(|draft| {
                let name = |it: &Carried| it.principal.short(home.as_deref());
                let each = |it: &Carried| it.stage(&ground, draft, &it.principal).map_err(|it| it.to_string());
                all(from.clone(), name, each).map(drop).map_err(Refusal)
            });
            let n = staging.draft().len();
            match staged {
                Ok(()) => {
                    app.overlays.pop();
                    app.state_mut().unmark();
                    let whose = count(from.len(), "principal's access", "principals' access");
                    let what = with_left(format!("{whose} in cluster {}", id.name), &from);
                    let changes = count(n, "change is", "changes are");
                    app.tell(format!(
                        "Staged: {what}. Nothing was done yet: {changes} staged there; C goes to it, r reviews it."
                    ));
                }
                Err(refusal) => app.warn(format!("Not staged: {refusal}")),
            }
        }
    }
}
