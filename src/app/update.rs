//! A message and the state give the next state and effects. Nothing else changes the state, and nothing here waits.

use std::sync::Arc;

use ratatui::layout::{Position, Rect};

use super::command::{Availability, Command};
use super::detail::{Detail, of_row};
use super::effect::Effect;
use super::keymap::{Chord, Context};
use super::layout::{layout, tabs};
use super::message::{Answer, Mouse, Msg, Ticket};
use super::overlay::Overlay;
use super::overlay::jump::Jump;
use super::overlay::picker::{Choice, Picker};
use super::pane::{Motion, Pane};
use super::perform::{self, open_jump, perform};
use super::table::heads;
use super::{App, MOST_CALLS, You, prompt};
use crate::model::cluster::ClusterId;
use crate::model::snapshot::{Snapshot, State};
use crate::model::update::Update;

/// Takes in a message; gives what is to be done.
pub fn update(app: &mut App, msg: Msg) -> Vec<Effect> {
    let mut effects = Vec::new();
    match msg {
        Msg::Key(chord) => {
            app.notice = None;
            key(app, chord, &mut effects);
        }
        Msg::Paste(text) => {
            app.notice = None;
            paste(app, &text);
        }
        Msg::Mouse(mouse) => self::mouse(app, mouse, &mut effects),
        Msg::Resize(size) => {
            app.size = size;
            resized(app);
        }
        Msg::Clock(now) => app.now = now,
        Msg::Update(news) => take_news(app, *news, &mut effects),
        Msg::Call(call) => {
            if app.calls.len() >= MOST_CALLS {
                app.calls.pop_front();
            }
            app.calls.push_back(call);
        }
        Msg::Answer(ticket, answer) => take_answer(app, ticket, answer, &mut effects),
        Msg::Failed(failure) => app.warn(format!("{failure}. {}", failure.hint())),
    }
    settle(app, &mut effects);
    effects
}

fn key(app: &mut App, chord: Chord, effects: &mut Vec<Effect>) {
    let context = app.context();
    match app.keymap.command(context, chord) {
        Some(command) => attempt(app, command, context, effects),
        None if context == Context::Prompt => typed(app, chord),
        None => {}
    }
}

/// Does a command if it can act here and now; otherwise says why not.
pub(super) fn attempt(app: &mut App, command: Command, context: Context, effects: &mut Vec<Effect>) {
    match command.availability(app, context) {
        Availability::Ready => perform(app, command, effects),
        Availability::Disabled(why) => app.warn(why),
    }
}

/// A key that edits the text of the prompt on top.
fn typed(app: &mut App, chord: Chord) {
    let page = page(app);
    let App { overlays, keymap, .. } = app;
    match overlays.last_mut() {
        Some(Overlay::Jump(jump)) => {
            if prompt::edit(&mut jump.picker.input, chord) {
                jump.rank();
            }
        }
        Some(Overlay::Palette(picker)) => retype(picker, chord),
        Some(Overlay::Clusters(picker)) => retype(picker, chord),
        Some(Overlay::Help(help)) => {
            if prompt::edit(&mut help.input, chord) {
                help.narrow(keymap);
            }
        }
        Some(Overlay::Document(view)) => {
            if prompt::edit(&mut view.search, chord) {
                view.find(view.top, true, page);
            }
        }
        Some(Overlay::Trace(_) | Overlay::Calls { .. }) => {}
        None => {
            if prompt::edit(&mut app.state_mut().filter, chord) {
                arrange(app);
            }
        }
    }
}

fn retype<T>(picker: &mut Picker<T>, chord: Chord) {
    if prompt::edit(&mut picker.input, chord) {
        picker.rank();
    }
}

/// A pasted text goes where text is being typed; anywhere else it is something to jump to.
fn paste(app: &mut App, text: &str) {
    let page = page(app);
    let filtering = app.state().editing;
    let App { overlays, keymap, .. } = app;
    match overlays.last_mut() {
        Some(Overlay::Jump(jump)) => {
            let empty = jump.picker.input.value().is_empty();
            if empty {
                **jump = std::mem::replace(&mut **jump, Jump::new(None, &app.snapshot.iam)).with_text(text);
            } else {
                prompt::paste(&mut jump.picker.input, text);
                jump.rank();
            }
        }
        Some(Overlay::Palette(picker)) => {
            prompt::paste(&mut picker.input, text);
            picker.rank();
        }
        Some(Overlay::Help(help)) => {
            prompt::paste(&mut help.input, text);
            help.narrow(keymap);
        }
        Some(Overlay::Document(view)) if view.editing => {
            prompt::paste(&mut view.search, text);
            view.find(view.top, true, page);
        }
        None if filtering => {
            prompt::paste(&mut app.state_mut().filter, text);
            arrange(app);
        }
        // The clusters are chosen first; until then there is nothing to jump into.
        Some(Overlay::Clusters(picker)) if app.cluster.is_none() => {
            prompt::paste(&mut picker.input, text);
            picker.rank();
        }
        Some(Overlay::Clusters(_) | Overlay::Calls { .. }) => {
            app.overlays.pop();
            open_jump(app, Some(text));
        }
        Some(Overlay::Trace(_) | Overlay::Document(_)) | None => open_jump(app, Some(text)),
    }
}

const WHEEL: usize = 3;

fn mouse(app: &mut App, mouse: Mouse, effects: &mut Vec<Effect>) {
    let at = layout(app);
    if at.too_small {
        return;
    }
    match mouse {
        Mouse::WheelUp { .. } => (0..WHEEL).for_each(|_| perform::go(app, Motion::Up)),
        Mouse::WheelDown { .. } => (0..WHEEL).for_each(|_| perform::go(app, Motion::Down)),
        Mouse::Click { column, row } => {
            app.notice = None;
            let point = Position { x: column, y: row };
            let line = |area: Rect| area.contains(point).then(|| usize::from(row - area.y));
            if at.tabs.contains(point) {
                let tabs = tabs(app, at.tabs.width);
                let hit = tabs.iter().find(|tab| (tab.x..tab.x + tab.width()).contains(&column)).map(|tab| tab.pane);
                if let Some(pane) = hit {
                    perform::show(app, pane);
                }
            } else if app.overlays.is_empty() {
                if let Some(line) = line(at.rows) {
                    click_row(app, line, usize::from(at.rows.height), effects);
                }
            } else if let Some(line) = line(at.choices) {
                click_choice(app, line, usize::from(at.choices.height), effects);
            }
        }
    }
}

/// A click selects a row; a click on the selected row opens it, and so does a double click.
fn click_row(app: &mut App, line: usize, page: usize, effects: &mut Vec<Effect>) {
    let wanted = app.state().top() + line;
    if wanted >= app.state().shown().len() {
        return;
    }
    if app.state().at() == wanted {
        return attempt(app, Command::Trace, Context::List, effects);
    }
    if let Some(analysis) = app.analysis.clone() {
        let pane = app.pane;
        app.state_mut().put(wanted, analysis.tables.table(pane), page);
    }
}

fn click_choice(app: &mut App, line: usize, page: usize, effects: &mut Vec<Effect>) {
    fn pick<T>(picker: &mut Picker<T>, line: usize, page: usize) -> bool {
        let wanted = picker.top(page) + line;
        let chosen = wanted < picker.hits.len();
        if chosen {
            picker.at = wanted;
        }
        chosen
    }
    let chosen = match app.overlays.last_mut() {
        Some(Overlay::Jump(jump)) => pick(&mut jump.picker, line, page),
        Some(Overlay::Palette(picker)) => pick(picker, line, page),
        Some(Overlay::Clusters(picker)) => pick(picker, line, page),
        _ => false,
    };
    if chosen {
        perform(app, Command::Accept, effects);
    }
}

/// How many lines are seen at once of what has the keys.
pub(super) fn page(app: &App) -> usize {
    let at = layout(app);
    let area = match app.overlays.last() {
        None => at.rows,
        Some(overlay) if overlay.is_place() => at.place,
        Some(_) => at.choices,
    };
    usize::from(area.height).max(1)
}

/// The rows of the pane shown, anew: another filter, order or table.
pub(super) fn arrange(app: &mut App) {
    let page = usize::from(layout(app).rows.height);
    let pane = app.pane;
    if let Some(analysis) = app.analysis.clone() {
        app.state_mut().arrange(analysis.tables.table(pane), &heads(pane), page);
    }
}

fn arrange_all(app: &mut App) {
    let shown = app.pane;
    for pane in Pane::ALL {
        app.pane = pane;
        arrange(app);
    }
    app.pane = shown;
}

fn resized(app: &mut App) {
    let shown = app.pane;
    for pane in Pane::ALL {
        app.pane = pane;
        let page = usize::from(layout(app).rows.height);
        app.state_mut().keep_in_sight(page);
    }
    app.pane = shown;
    // The document beside the detail comes and goes with the width.
    app.detail.document = None;
    let page = page(app);
    if let Some(Overlay::Document(view)) = app.overlays.last_mut() {
        view.clamp(page);
    }
}

fn take_news(app: &mut App, news: Update, effects: &mut Vec<Effect>) {
    let concerns = match &news {
        Update::Cluster(id, _) => Some(id) == app.cluster.as_ref(),
        Update::Clusters(_) => false,
        Update::Caller(_) | Update::Iam(_) => true,
    };
    let clusters = matches!(news, Update::Clusters(_));
    Arc::make_mut(&mut app.snapshot).apply(news);
    if clusters && app.cluster.is_none() {
        choose_first_cluster(app, effects);
    }
    if concerns {
        facts_changed(app, effects);
    }
}

/// Asks anew for all that follows from the facts.
fn facts_changed(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(cluster) = app.cluster.clone() else { return };
    let caller = app.caller();
    let App { slot, tickets, you, detail, overlays, .. } = app;
    if let Some(ticket) = slot.want(tickets) {
        effects.push(Effect::Analyse { ticket, cluster: cluster.clone() });
    }
    let mut trace = |slot: &mut super::message::Slot, asked: &crate::model::principal::Asked| {
        if let Some(ticket) = slot.want(tickets) {
            effects.push(Effect::Trace { ticket, cluster: cluster.clone(), asked: Box::new(asked.clone()) });
        }
    };
    if let Some(asked) = &caller {
        trace(&mut you.slot, asked);
    }
    if let Some(asked) = &detail.asked {
        trace(&mut detail.slot, asked);
    }
    for overlay in overlays {
        if let Overlay::Trace(view) = overlay {
            trace(&mut view.slot, &view.asked);
        }
    }
}

fn take_answer(app: &mut App, ticket: Ticket, answer: Answer, effects: &mut Vec<Effect>) {
    let again = match answer {
        Answer::Analysis(analysis) => {
            if !app.slot.take(ticket) {
                return;
            }
            let snapshot = app.snapshot.clone();
            for overlay in &mut app.overlays {
                if let Overlay::Jump(jump) = overlay {
                    jump.renew(&analysis, &snapshot.iam);
                }
            }
            app.analysis = Some(analysis);
            // What the row says may have changed though its key has not.
            app.detail.about.clear();
            app.detail.document = None;
            arrange_all(app);
            refill_detail(app);
            app.slot.again()
        }
        Answer::Trace(trace) => {
            let mut again = false;
            if app.you.slot.take(ticket) {
                app.you.trace = Some(trace.clone());
                again |= app.you.slot.again();
            }
            if app.detail.slot.take(ticket) {
                app.detail.trace = Some(trace.clone());
                again |= app.detail.slot.again();
            }
            for overlay in &mut app.overlays {
                if let Overlay::Trace(view) = overlay
                    && view.slot.take(ticket)
                {
                    view.take(trace.clone());
                    again |= view.slot.again();
                }
            }
            again
        }
    };
    if again {
        facts_changed(app, effects);
    }
}

fn refill_detail(app: &mut App) {
    let Some(analysis) = app.analysis.clone() else { return };
    let Some(at) = app.state().selected() else { return };
    let Some(row) = analysis.tables.table(app.pane).row(at) else { return };
    if app.detail.key.as_ref() == Some(&(app.pane, row.key.clone())) {
        app.detail.about = of_row(app.pane, at, row, &analysis);
    }
}

/// Lets what depends on the selection follow it: the detail, its trace, and the document where there is room.
pub(super) fn settle(app: &mut App, effects: &mut Vec<Effect>) {
    let selected = app.selected_row().map(|row| (app.pane, row.key.clone()));
    if app.detail.key != selected {
        app.detail = Detail { key: selected, ..Detail::default() };
        app.detail.asked = app.selected_row().and_then(|row| row.asked.clone());
        refill_detail(app);
        if let (Some(cluster), Some(asked)) = (app.cluster.clone(), app.detail.asked.clone()) {
            let ticket = app.detail.slot.restart(&mut app.tickets);
            effects.push(Effect::Trace { ticket, cluster, asked: Box::new(asked) });
        }
    }
    if app.detail.document.is_none() && layout(app).document.is_some() {
        let evidence = app.selected_row().and_then(|row| row.evidence.clone());
        app.detail.document = evidence.map(|evidence| app.document_at(&evidence));
    }
}

/// Looks at another cluster. Filters and orders stay; where the cursor was belongs to the old one.
pub(super) fn choose_cluster(app: &mut App, id: ClusterId, effects: &mut Vec<Effect>) {
    if app.cluster.as_ref() == Some(&id) {
        return;
    }
    app.cluster = Some(id.clone());
    app.analysis = None;
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
    let picker = Picker::new(cluster_choices(&app.snapshot));
    app.overlays.push(Overlay::Clusters(Box::new(picker)));
}

fn cluster_choices(snapshot: &Snapshot) -> Vec<Choice<ClusterId>> {
    let choice = |id: &ClusterId| {
        let facts = snapshot.cluster(id);
        let mut note = vec![id.region.clone()];
        if let Some(cluster) = facts.cluster.value() {
            note.push(cluster.authentication_mode().as_str().to_owned());
            note.extend(cluster.version.clone());
        }
        let right = match facts.access_entries.state() {
            State::Waiting | State::NotApplicable(_) => String::new(),
            _ => super::words::count(facts.access_entries.items().len(), "entry", "entries"),
        };
        Choice {
            text: id.name.clone(),
            note: note.join(" · "),
            right,
            also: String::new(),
            disabled: None,
            what: id.clone(),
        }
    };
    snapshot.clusters.items().iter().map(choice).collect()
}
