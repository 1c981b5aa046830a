//! Which cluster is looked at, and the choice among them.

use super::detail::Detail;
use super::effect::Effect;
use super::overlay::Overlay;
use super::overlay::picker::{Choice, Hit, Picker};
use super::words::count;
use super::{App, You};
use crate::model::cluster::ClusterId;
use crate::model::snapshot::State;

/// Looks at another cluster. Filters and orders stay; where the cursor was belongs to the old one.
pub(super) fn choose_cluster(app: &mut App, id: ClusterId, effects: &mut Vec<Effect>) {
    if app.cluster.as_ref() == Some(&id) {
        return;
    }
    app.cluster = Some(id.clone());
    app.analysis = None;
    app.namespace = None;
    app.overlays.clear();
    app.you = You::default();
    app.detail = Detail::default();
    for state in &mut app.panes {
        state.forget_place();
    }
    if app.is_live() && app.facts().cluster.value().is_none() {
        effects.push(Effect::Load(id.clone()));
    }
    let ticket = app.slot.restart(&mut app.tickets);
    effects.push(Effect::Analyse { ticket, cluster: id.clone() });
    if let Some(asked) = app.caller() {
        let ticket = app.you.slot.restart(&mut app.tickets);
        effects.push(Effect::Trace { ticket, cluster: id, asked: Box::new(asked) });
    }
}

/// The cluster asked for, or the only one; with several, the choice is the user's.
pub(super) fn choose_first_cluster(app: &mut App, effects: &mut Vec<Effect>) {
    let snapshot = app.snapshot.clone();
    let whole = !snapshot.clusters.is_loading();
    let all = snapshot.clusters.items();
    let named = |name: &String| snapshot.clusters_named(name);
    match (&app.wanted, all) {
        (Some(name), _) if named(name).len() == 1 => {
            if let Some(id) = named(name).first() {
                choose_cluster(app, id.clone(), effects);
            }
        }
        (Some(name), [_, ..]) if whole => {
            let text = match named(name).len() {
                0 => format!("There is no cluster {name:?} in the regions asked for; these are there."),
                n => format!("There are {n} clusters named {name:?}, in different regions: choose one."),
            };
            open_clusters(app);
            app.warn(text);
        }
        (None, [only]) if whole => choose_cluster(app, only.clone(), effects),
        (None, [_, _, ..]) if whole => open_clusters(app),
        _ => {}
    }
}

/// Opens the choice among the clusters.
pub(super) fn open_clusters(app: &mut App) {
    app.overlays.retain(|overlay| !matches!(overlay, Overlay::Clusters(_)));
    let picker = Picker::new(cluster_choices(app));
    app.overlays.push(Overlay::Clusters(Box::new(picker)));
}

/// The choice that is open, among the clusters that there are now; what is typed and chosen stays.
pub(super) fn renew_clusters(app: &mut App) {
    let choices = cluster_choices(app);
    for overlay in &mut app.overlays {
        if let Overlay::Clusters(picker) = overlay {
            let chosen = picker.chosen().map(|it| it.what.clone());
            picker.choices = choices;
            picker.rank();
            let same = |hit: &Hit| picker.choices.get(hit.choice).map(|it| &it.what) == chosen.as_ref();
            picker.at = picker.hits.iter().position(same).unwrap_or(0);
            return;
        }
    }
}

fn cluster_choices(app: &App) -> Vec<Choice<ClusterId>> {
    let snapshot = &app.snapshot;
    let choice = |id: &ClusterId| {
        let facts = snapshot.cluster(id);
        let mut note = vec![id.region.clone()];
        if let Some(cluster) = facts.cluster.value() {
            note.push(cluster.mode_text());
            note.extend(cluster.version.clone());
        }
        let right = match facts.access_entries.state() {
            State::Waiting | State::NotApplicable(_) => String::new(),
            _ => count(facts.access_entries.items().len(), "entry", "entries"),
        };
        // What was copied into another cluster is found again here.
        let right = match app.staged.get(id).map_or(0, |it| it.draft().len()) {
            0 => right,
            staged => format!("staged {staged} · {right}"),
        };
        Choice { note: note.join(" · "), right, ..Choice::new(id.name.clone(), id.clone()) }
    };
    snapshot.clusters.items().iter().map(choice).collect()
}
