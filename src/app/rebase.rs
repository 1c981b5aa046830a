//! What is staged, brought onto the facts that came since.
//!
//! Decides when: as a review is opened, so that nothing changes under one that is being read. How is `edit::rebase`'s.

use super::App;
use super::words::count;

/// Puts the staged changes on top of what is there now, and says so if that made a difference.
pub(super) fn onto_facts(app: &mut App) {
    let Some(cluster) = app.cluster.clone() else { return };
    let facts = app.facts();
    let Some(staging) = app.staged.get_mut(&cluster) else { return };
    let before = staging.draft().clone();
    let moved = staging.change(|draft| {
        *draft = draft.onto(&facts);
        Ok::<_, std::convert::Infallible>(())
    });
    let n = before.changes().filter(|(subject, change)| staging.draft().change(subject) != Some(*change)).count();
    if moved.is_ok() && n > 0 {
        let things = count(n, "thing", "things");
        app.tell(format!("{things} changed by somebody else meanwhile: what is staged stands on what is there now."));
    }
}
