//! A draft being applied: begun once the cluster's name is typed, followed by its news, undone by another batch.
//!
//! Decides when it may begin and what is told of its end. The calls are the rim's, and go on wherever the screen is.

use std::sync::Arc;

use super::can_write;
use super::review::{asked_anew, open_plan};
use crate::app::App;
use crate::app::effect::{Effect, Work};
use crate::app::message::{Answer, Ticket};
use crate::app::overlay::Overlay;
use crate::app::overlay::applying::Applying;
use crate::app::overlay::plan::PlanView;
use crate::app::perform::push;
use crate::edit::record::Batch;

/// Applies, if the name typed is the cluster's.
pub(in crate::app) fn accept_name(app: &mut App, effects: &mut Vec<Effect>) {
    let (Some(cluster), Some(Overlay::Plan(view))) = (app.cluster.clone(), app.overlays.last()) else { return };
    // What was asked meanwhile is answered first.
    let against = view.against().or_else(|| match (can_write(app), &app.applying) {
        (Err(why), _) => Some(why.into_owned()),
        (_, Some(it)) if it.ended.is_none() => Some("Another batch is being applied: wait for its end.".to_owned()),
        _ => None,
    });
    if let Some(why) = against {
        return app.warn(why);
    }
    if view.input.value().trim() != cluster.name {
        let typed = view.input.value().trim().to_owned();
        return app.warn(format!("{typed:?} is not the cluster's name. Nothing was done."));
    }
    let (draft, undoes) = (view.draft.clone(), view.undoes.clone());
    app.overlays.pop();
    let ticket = app.tickets.another();
    app.applying = Some(Applying::new(cluster.clone(), draft.clone(), undoes.is_some(), ticket));
    let work = match undoes {
        Some(batch) => Work::Batch(batch),
        None => Work::Draft(Box::new(draft)),
    };
    effects.push(Effect::Apply { ticket, cluster, work });
    show_progress(app);
}

/// Shows what is being applied, or was applied last.
pub(in crate::app) fn show_progress(app: &mut App) {
    app.overlays.retain(|it| !matches!(it, Overlay::Apply { .. }));
    push(app, Overlay::Apply { top: 0 });
}

/// Asks what would undo the batch that was applied.
pub(in crate::app) fn undo(app: &mut App, effects: &mut Vec<Effect>) {
    let App { applying: Some(applying), tickets, .. } = app else { return };
    let Ok(batch) = applying.undoable().map(str::to_owned) else { return };
    let ticket = applying.undoing.restart(tickets);
    effects.push(Effect::Undo { ticket, batch });
    app.tell("Looking for what would undo it …");
}

/// Leaves the program; while something is applied, when the step at hand has ended.
pub(in crate::app) fn leave(app: &mut App, effects: &mut Vec<Effect>) {
    let applying = app.applying.as_ref().is_some_and(|it| it.ended.is_none());
    if applying && !app.leaving {
        app.leaving = true;
        effects.push(Effect::StopApplying);
        app.tell("A batch is being applied: leaving when the step at hand has ended. Again: leave at once, in doubt.");
    } else {
        effects.push(Effect::Quit);
    }
}

/// Takes in an answer.
pub(in crate::app) fn take(app: &mut App, ticket: Ticket, answer: Answer, effects: &mut Vec<Effect>) {
    match answer {
        Answer::Plan(review) => {
            let mut again = false;
            for overlay in &mut app.overlays {
                if let Overlay::Plan(view) = overlay
                    && view.slot.take(ticket)
                {
                    view.take(Arc::clone(&review));
                    again |= view.slot.again();
                }
            }
            if again {
                asked_anew(app, effects);
            }
        }
        Answer::Progress(progress) => {
            if let Some(applying) = app.applying.as_mut().filter(|it| it.ticket == ticket) {
                applying.take(&progress);
            }
        }
        Answer::Applied(ended) => {
            let Some(applying) = app.applying.as_mut().filter(|it| it.ticket == ticket) else { return };
            applying.end(ended);
            let (cluster, draft) = (applying.cluster.clone(), applying.draft.clone());
            let (changed, told) = (applying.left_its_mark(), applying.outcome());
            if changed {
                app.staged.entry(cluster.clone()).or_default().applied(&draft);
                effects.push(Effect::Load(cluster));
            }
            if app.leaving {
                effects.push(Effect::Quit);
            }
            // Where the batch is looked at, it says this itself.
            if !matches!(app.overlays.last(), Some(Overlay::Apply { .. }))
                && let Some((good, text)) = told
            {
                let text = format!("{text} P shows it.");
                if good { app.tell(text) } else { app.warn(text) }
            }
        }
        Answer::Undo(found) => {
            let awaited = app.applying.as_mut().is_some_and(|it| it.undoing.take(ticket));
            if !awaited {
                return;
            }
            app.notice = None;
            match found {
                Ok(Some(batch)) => open_undo(app, batch, effects),
                Ok(None) => app.tell("There is nothing to undo: the batch has changed nothing."),
                Err(why) => app.warn(why),
            }
        }
        _ => {}
    }
}

fn open_undo(app: &mut App, batch: Box<Batch>, effects: &mut Vec<Effect>) {
    let here = app.cluster.as_ref().is_some_and(|it| it.name == batch.pin.cluster && it.region == batch.pin.region);
    if !here {
        return app.warn(format!("The batch belongs to cluster {}: choose that first.", batch.pin.cluster));
    }
    open_plan(app, PlanView::new(batch.draft.clone(), Some(batch)), effects);
}
