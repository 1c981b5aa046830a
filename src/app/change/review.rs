//! The review of what is staged: asked for, asked anew as facts come and as single changes are edited or taken back,
//! answered.
//!
//! Decides nothing about a draft: what speaks against it is `edit::check`'s, and what a line says the overlay's.

use crate::app::App;
use crate::app::effect::Effect;
use crate::app::overlay::identity::IdentityView;
use crate::app::overlay::picker::{Choice, Picker};
use crate::app::overlay::plan::PlanView;
use crate::app::overlay::{EditWhat, Overlay};
use crate::app::perform::push;
use crate::app::rebase;
use crate::app::words::count;
use crate::edit::draft::{Change, Refusal};
use crate::edit::state::{State, Subject, now};
use crate::model::words::last_part;

/// Opens the review of what is staged.
pub(in crate::app) fn open_review(app: &mut App, effects: &mut Vec<Effect>) {
    rebase::onto_facts(app);
    let Some(draft) = app.staging().map(|it| it.draft().clone()) else { return };
    open_plan(app, PlanView::new(draft, None), effects);
}

pub(in crate::app) fn open_plan(app: &mut App, mut view: PlanView, effects: &mut Vec<Effect>) {
    let Some(cluster) = app.cluster.clone() else { return };
    let ticket = view.slot.restart(&mut app.tickets);
    // What undoes or goes on with a batch begins with what was read for it, which may be newer than the facts at hand.
    let facts = app.facts();
    let is_old =
        |(subject, change): (&Subject, &Change)| !matches!(now(&facts, subject).known(), Ok(it) if it == change.before);
    let old = view.is_of_the_journal() && view.draft.changes().any(is_old);
    // Whether somebody remains who may do everything rests on what others have, which may have changed as well.
    let takes = view.draft.changes().any(|(_, change)| change.before.is_some());
    if (old || takes) && app.is_live() {
        effects.push(Effect::Load(cluster.clone()));
    }
    effects.push(Effect::Plan { ticket, cluster, draft: Box::new(view.draft.clone()) });
    push(app, Overlay::Plan(Box::new(view)));
}

/// Asks anew for the reviews that are open, for facts have come.
pub(in crate::app) fn asked_anew(app: &mut App, effects: &mut Vec<Effect>) {
    rebase::where_blocked(app);
    let Some(cluster) = app.cluster.clone() else { return };
    let App { overlays, tickets, .. } = app;
    for overlay in overlays {
        if let Overlay::Plan(view) = overlay
            && let Some(ticket) = view.slot.want(tickets)
        {
            effects.push(Effect::Plan { ticket, cluster: cluster.clone(), draft: Box::new(view.draft.clone()) });
        }
    }
}

/// Answers the first open question with yes.
pub(in crate::app) fn answer(app: &mut App) {
    if let Some(Overlay::Plan(view)) = app.overlays.last_mut() {
        view.answer();
    }
}

/// Begins to type the cluster's name.
pub(in crate::app) fn confirm(app: &mut App) {
    if let Some(Overlay::Plan(view)) = app.overlays.last_mut() {
        view.input.reset();
        view.typing = true;
    }
}

/// The change under the review's cursor, if it is one that can be edited.
fn change_at_hand(app: &App) -> Result<Subject, &'static str> {
    match app.overlays.last() {
        Some(Overlay::Plan(view)) if view.is_of_the_journal() => {
            Err("What is of the journal is done as a whole, or not at all.")
        }
        Some(Overlay::Plan(view)) => view.chosen().cloned().ok_or("Nothing is staged."),
        _ => Err("There is no review here: r opens it."),
    }
}

/// Is there a change in the review that can be edited?
pub(in crate::app) fn has_change(app: &App) -> Result<(), &'static str> {
    change_at_hand(app).map(drop)
}

/// Takes the one change back; the others stay, and the step back brings it again.
pub(in crate::app) fn unstage_change(app: &mut App, effects: &mut Vec<Effect>) {
    let (Some(cluster), Ok(subject)) = (app.cluster.clone(), change_at_hand(app)) else { return };
    let staging = app.staged.entry(cluster).or_default();
    let taken = staging.change(|draft| {
        draft.unstage(&subject);
        Ok::<(), Refusal>(())
    });
    let n = staging.draft().len();
    if taken.is_ok() {
        app.tell(format!(
            "Taken back: {subject}. {} staged now; z brings it back.",
            count(n, "change is", "changes are")
        ));
        staged_anew(app, effects);
    }
}

/// Opens what of the one change is to be edited.
pub(in crate::app) fn edit_change(app: &mut App) {
    let Ok(subject) = change_at_hand(app) else { return };
    match super::staging::state(app, &subject) {
        Ok(Some(State::Association(_))) => {
            if let Subject::Association(namespace, name) = subject {
                super::associating::open_for(app, vec![(namespace, name)]);
            }
        }
        Ok(Some(State::Entry(entry))) => {
            let choice = |text: &str, note: String, what: EditWhat| Choice::noted(text, note, what);
            let groups: Vec<&str> = entry.groups.iter().map(String::as_str).collect();
            let groups = if groups.is_empty() { "none".to_owned() } else { groups.join(", ") };
            let mut choices = vec![choice("groups and username", groups, EditWhat::Identity)];
            choices.extend(entry.policies.iter().map(|(arn, scope)| {
                choice(&format!("where {} holds", last_part(arn)), scope.to_string(), EditWhat::Scope(arn.clone()))
            }));
            choices.push(choice("give more", "another policy, or groups".to_owned(), EditWhat::Give));
            push(app, Overlay::EditChange { subject, picker: Box::new(Picker::new(choices)) });
        }
        _ => app.warn("It is removed: there is nothing to edit. x takes that back."),
    }
}

/// Goes on to edit what was chosen of a change.
pub(in crate::app) fn accept_edit(app: &mut App) {
    let Some(Overlay::EditChange { subject, picker }) = app.overlays.last() else { return };
    let (Some(what), subject) = (picker.chosen().map(|it| it.what.clone()), subject.clone()) else { return };
    app.overlays.pop();
    match (what, super::staging::state(app, &subject)) {
        (EditWhat::Identity, Ok(Some(State::Entry(entry)))) => {
            push(app, Overlay::Identity(Box::new(IdentityView::new(subject, &entry))));
        }
        (EditWhat::Scope(arn), _) => super::adding::open_rescope(app, &[subject], arn),
        (EditWhat::Give, _) => super::adding::open_give(app, &subject),
        _ => {}
    }
}

/// Reviews what is staged now, if the review is what was gone back to. Nothing staged needs no review.
pub(super) fn staged_anew(app: &mut App, effects: &mut Vec<Effect>) {
    let draft = app.staging().map(|it| it.draft().clone()).unwrap_or_default();
    let Some(cluster) = app.cluster.clone() else { return };
    let App { overlays, tickets, .. } = app;
    let Some(Overlay::Plan(view)) = overlays.last_mut() else { return };
    if draft.is_empty() {
        overlays.pop();
        return;
    }
    view.renew(draft);
    let ticket = view.slot.restart(tickets);
    effects.push(Effect::Plan { ticket, cluster, draft: Box::new(view.draft.clone()) });
}
