//! The review of what is staged: asked for, asked anew as facts come, answered, exported.
//!
//! Decides nothing about a draft: what speaks against it is `edit::check`'s, and what a line says the overlay's.

use crate::app::App;
use crate::app::effect::Effect;
use crate::app::layout::layout;
use crate::app::overlay::Overlay;
use crate::app::overlay::document::{Document, DocumentView};
use crate::app::overlay::plan::PlanView;
use crate::app::perform::push;
use crate::edit::export::{Place, script};

/// Opens the review of what is staged.
pub(in crate::app) fn open_review(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(draft) = app.staging().map(|it| it.draft().clone()) else { return };
    open_plan(app, PlanView::new(draft, None), effects);
}

pub(super) fn open_plan(app: &mut App, mut view: PlanView, effects: &mut Vec<Effect>) {
    let Some(cluster) = app.cluster.clone() else { return };
    let ticket = view.slot.restart(&mut app.tickets);
    effects.push(Effect::Plan { ticket, cluster, draft: Box::new(view.draft.clone()) });
    push(app, Overlay::Plan(Box::new(view)));
}

/// Asks anew for the reviews that are open, for facts have come.
pub(in crate::app) fn asked_anew(app: &mut App, effects: &mut Vec<Effect>) {
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

/// Opens the script of what is reviewed.
pub(in crate::app) fn export(app: &mut App) {
    let (Some(id), Some(Overlay::Plan(view))) = (app.cluster.clone(), app.overlays.last()) else { return };
    let Some(review) = view.review.clone() else { return };
    let account = app.facts().cluster.value().and_then(|it| it.account()).or(app.snapshot.iam.account.clone());
    let title = if view.undoes.is_some() { "Undo of an access change" } else { "Access change" };
    let place = Place { cluster: id.name, region: id.region, account };
    let text = script(&place, &review.steps, title);
    let document = Document::new("AWS CLI script".to_owned(), text, "");
    let view = DocumentView::new(document, usize::from(layout(app).place.height));
    push(app, Overlay::Document(Box::new(view)));
}
