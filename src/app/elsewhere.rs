//! Another account or endpoint after a refresh: facts of two places are never shown, or compared, as those of one.
//!
//! Decides what is forgotten then, and that what was staged is kept for the place that it was staged in: it comes back with
//! that place, and is never reviewed or applied in another one.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::detail::Detail;
use super::effect::Effect;
use super::overlay::Overlay;
use super::sign_in::refresh;
use super::update::facts_changed;
use super::words::count;
use super::{App, You};
use crate::edit::draft::Staging;
use crate::model::cluster::ClusterId;
use crate::model::update::Update;

/// An account at an endpoint of EKS; `None` is AWS's own.
type Place = (String, Option<String>);

/// Where the facts at hand are from, and what was staged elsewhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// `None` before the account is known.
    here: Option<Place>,
    /// The endpoint of the facts that come in now, which the session's status may be ahead of; `None`: the status's.
    endpoint: Option<Option<String>>,
    parked: BTreeMap<Place, BTreeMap<ClusterId, Staging>>,
}

/// The endpoint is another one: what follows is of another place.
pub(super) fn move_on(app: &mut App, effects: &mut Vec<Effect>) {
    app.places.endpoint = None;
    if let Some(here) = app.places.here.take() {
        let staged = std::mem::take(&mut app.staged);
        app.places.parked.insert(here, staged);
    }
    forget_facts(app, effects);
}

/// The account of the facts that follow. If it is not the one of before, everything is read again: some of it may have come
/// already, and was taken for the other account's.
pub(super) fn take_account(app: &mut App, account: &str, effects: &mut Vec<Effect>) {
    let endpoint = app.places.endpoint.get_or_insert_with(|| app.endpoint.clone()).clone();
    let fresh = (account.to_owned(), endpoint);
    match app.places.here.replace(fresh.clone()) {
        Some(old) if old == fresh => return,
        Some(old) => {
            let staged = std::mem::take(&mut app.staged);
            let kept: usize = staged.values().map(|it| it.draft().len()).sum();
            app.places.parked.insert(old.clone(), staged);
            forget_facts(app, effects);
            refresh(app, effects);
            let kept = match kept {
                0 => String::new(),
                n => format!(" {} kept for {}.", count(n, "staged change is", "staged changes are"), old.0),
            };
            app.warn(format!("These are credentials of account {account}, no longer of {}.{kept}", old.0));
        }
        None => {}
    }
    for (cluster, staging) in app.places.parked.remove(&fresh).unwrap_or_default() {
        app.staged.entry(cluster).or_insert(staging);
    }
}

/// Forgets every fact and what was answered from it.
fn forget_facts(app: &mut App, effects: &mut Vec<Effect>) {
    Arc::make_mut(&mut app.snapshot).apply(Update::Elsewhere);
    app.analysis = None;
    app.you = You::default();
    app.detail = Detail::default();
    app.overlays.retain(|it| {
        use Overlay::{Apply, Batch, Calls, Code, Help, Journal, SignIn};
        matches!(it, Apply { .. } | Batch(_) | Calls { .. } | Code(_) | Help(_) | Journal(_) | SignIn)
    });
    // An answer that is under way was made from the facts of before.
    let ticket = app.slot.restart(&mut app.tickets);
    if let Some(cluster) = app.cluster.clone() {
        effects.push(Effect::Analyse { ticket, cluster });
    }
    facts_changed(app, effects);
}
