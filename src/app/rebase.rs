//! What is staged, brought onto the facts that came since.
//!
//! Decides when: as a review is opened, so that nothing changes under one that is being read; and under one that says that
//! somebody was ahead, which cannot be applied as it is. How is `edit::rebase`'s.

use super::App;
use super::overlay::Overlay;
use super::words::count;
use crate::edit::check::CheckId;

/// Puts the staged changes on top of what is there now, and says so if that made a difference.
pub(super) fn onto_facts(app: &mut App) {
    let Some(cluster) = app.cluster.clone() else { return };
    let facts = app.facts();
    let Some(staging) = app.staged.get_mut(&cluster) else { return };
    let before = staging.draft().clone();
    let after = before.onto(&facts);
    let n = before.changes().filter(|(subject, change)| after.change(subject) != Some(*change)).count();
    if n > 0 {
        staging.replace(after);
        let things = count(n, "thing", "things");
        app.tell(format!("{things} changed by somebody else meanwhile: what is staged stands on what is there now."));
    }
}

/// Does the same where the review that is open is blocked for that very reason: facts have come that may end it.
pub(super) fn where_blocked(app: &mut App) {
    let is_blocked = |it: &Overlay| match it {
        Overlay::Plan(view) => {
            view.undoes.is_none() && view.review.iter().flat_map(|it| &it.checks).any(|it| it.id == CheckId::Drift)
        }
        _ => false,
    };
    if !app.overlays.iter().any(is_blocked) {
        return;
    }
    onto_facts(app);
    let Some(draft) = app.staging().map(|it| it.draft().clone()) else { return };
    for overlay in app.overlays.iter_mut().filter(|it| is_blocked(it)) {
        if let Overlay::Plan(view) = overlay {
            view.draft = draft.clone();
        }
    }
}
