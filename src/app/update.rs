//! A message and the state give the next state and effects. Nothing else changes the state, and nothing here waits.

use std::sync::Arc;

use super::clusters::{choose_first_cluster, renew_clusters};
use super::command::{Availability, Command};
use super::detail::{Detail, of_row, remedies};
use super::effect::Effect;
use super::input::{mouse, paste, typed};
use super::keymap::{Chord, Context};
use super::layout::{layout, sheet};
use super::message::{Answer, Msg, Slot, Ticket, Tickets};
use super::overlay::Overlay;
use super::pane::Pane;
use super::perform::perform;
use super::table::heads;
use super::{App, MOST_CALLS};
use crate::model::principal::Asked;
use crate::model::update::{IamUpdate, Update};

/// Takes in a message; gives what is to be done.
pub fn update(app: &mut App, msg: Msg) -> Vec<Effect> {
    let mut effects = Vec::new();
    match msg {
        Msg::Key(chord) => {
            app.notice = None;
            // While a filter is typed the list runs ahead of the eye; how it ends is what was seen.
            if !app.state().editing || app.keymap.command(Context::Prompt, chord).is_some() {
                hold(app);
            }
            key(app, chord, &mut effects);
        }
        Msg::Paste(text) => {
            app.notice = None;
            if !app.state().editing {
                hold(app);
            }
            paste(app, &text);
        }
        Msg::Mouse(it) => mouse(app, it, &mut effects),
        Msg::Resize(size) => {
            app.size = size;
            resized(app);
        }
        Msg::Clock(now) => app.now = now,
        Msg::Update(news) => take_news(app, *news, &mut effects),
        Msg::Call(call) => {
            app.pace.insert(call.service, call.pace);
            if app.calls.len() >= MOST_CALLS {
                app.calls.pop_front();
            }
            app.calls.push_back(call);
        }
        Msg::Answer(ticket, answer) => take_answer(app, ticket, answer, &mut effects),
        Msg::Session(status) => super::sign_in::take_status(app, *status, &mut effects),
        Msg::AddressOpened(opened) => super::sign_in::take_opened(app, opened),
        Msg::Failed(failure) => app.warn(format!("{failure}. {}", failure.hint())),
    }
    settle(app, &mut effects);
    if app.is_live() && app.looked_at != app.pane {
        app.looked_at = app.pane;
        effects.push(Effect::LookAtPane(app.pane));
    }
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

/// How many lines are seen at once of what has the keys.
pub(super) fn page(app: &App) -> usize {
    let at = layout(app);
    let area = match app.overlays.last() {
        None => at.rows,
        Some(Overlay::Matrix(_) | Overlay::WhoCan(_) | Overlay::Journal(_)) => sheet(at.body).rows,
        Some(overlay) if overlay.is_place() => at.place,
        Some(_) => at.choices,
    };
    usize::from(area.height).max(1)
}

/// The rows of the pane shown, anew: another filter, order or table.
pub(super) fn arrange(app: &mut App) {
    let page = usize::from(layout(app).rows.height);
    let pane = app.pane;
    if let Some(lines) = app.lines() {
        app.state_mut().arrange(lines.table(pane), &heads(pane), page);
    }
}

/// Whoever presses a key has seen which row is under the cursor: that is the one meant, whatever becomes of filter, order
/// and rows.
fn hold(app: &mut App) {
    if !app.overlays.is_empty() {
        return;
    }
    let pane = app.pane;
    if let Some(lines) = app.lines() {
        app.state_mut().hold(lines.table(pane));
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
    super::permits::resized(app);
}

fn take_news(app: &mut App, news: Update, effects: &mut Vec<Effect>) {
    match &news {
        Update::Elsewhere => return super::elsewhere::move_on(app, effects),
        Update::Iam(IamUpdate::Account(account)) => super::elsewhere::take_account(app, account, effects),
        Update::Iam(_) | Update::Caller(_) | Update::Clusters(_) | Update::Cluster(..) => {}
    }
    let concerns = match &news {
        Update::Cluster(id, _) => Some(id) == app.cluster.as_ref(),
        Update::Clusters(_) | Update::Elsewhere => false,
        Update::Caller(_) | Update::Iam(_) => true,
    };
    let clusters = matches!(news, Update::Clusters(_));
    Arc::make_mut(&mut app.snapshot).apply(news);
    if clusters && app.cluster.is_none() {
        choose_first_cluster(app, effects);
    }
    if clusters {
        renew_clusters(app);
    }
    if let Some(Overlay::Document(view)) = app.overlays.last()
        && let Some(evidence) = view.grows.clone()
    {
        let document = app.document_at(&evidence);
        if let Some(Overlay::Document(view)) = app.overlays.last_mut() {
            view.document = document;
        }
    }
    if concerns {
        facts_changed(app, effects);
    }
}

/// Asks anew for all that follows from the facts.
pub(super) fn facts_changed(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(cluster) = app.cluster.clone() else { return };
    let caller = app.caller();
    let App { slot, tickets, you, detail, overlays, .. } = app;
    if let Some(ticket) = slot.want(tickets) {
        effects.push(Effect::Analyse { ticket, cluster: cluster.clone() });
    }
    let trace = |slot: &mut Slot, asked: &Asked, tickets: &mut Tickets, effects: &mut Vec<Effect>| {
        if let Some(ticket) = slot.want(tickets) {
            effects.push(Effect::Trace { ticket, cluster: cluster.clone(), asked: Box::new(asked.clone()) });
        }
    };
    if let Some(asked) = &caller {
        trace(&mut you.slot, asked, tickets, effects);
    }
    if let Some(asked) = &detail.asked {
        trace(&mut detail.slot, asked, tickets, effects);
    }
    for overlay in overlays {
        match overlay {
            Overlay::Trace(view) => trace(&mut view.slot, &view.asked, tickets, effects),
            Overlay::Explain(view) => {
                if let Some(ticket) = view.slot.want(tickets) {
                    let message = Box::new(view.message.clone());
                    effects.push(Effect::Explain { ticket, cluster: cluster.clone(), message });
                }
            }
            Overlay::Workload(view) => {
                if let Some(ticket) = view.slot.want(tickets) {
                    let subject = view.subject.clone();
                    effects.push(Effect::Workload { ticket, cluster: cluster.clone(), subject });
                }
            }
            _ => {}
        }
    }
}

fn take_answer(app: &mut App, ticket: Ticket, answer: Answer, effects: &mut Vec<Effect>) {
    let again = match answer {
        Answer::Analysis(analysis) => {
            if !app.slot.take(ticket) {
                return;
            }
            let (snapshot, facts) = (app.snapshot.clone(), app.facts());
            for overlay in &mut app.overlays {
                if let Overlay::Jump(jump) = overlay {
                    jump.renew(&analysis, &facts, &snapshot.iam);
                }
            }
            app.analysis = Some(analysis);
            super::staged::refresh(app);
            super::permits::asked_anew(app, effects);
            super::change::asked_anew(app, effects);
            // What the row says may have changed though its key has not.
            app.detail.about.clear();
            app.detail.document = None;
            arrange_all(app);
            refill_detail(app);
            refill_rows(app);
            app.slot.again()
        }
        Answer::Matrix(_) | Answer::WhoCan(_) | Answer::Review(_) => {
            super::permits::take(app, ticket, &answer, effects);
            false
        }
        answer @ (Answer::Plan(_) | Answer::Progress(_) | Answer::Applied(_) | Answer::Undo(_)) => {
            super::change::take(app, ticket, answer, effects);
            false
        }
        answer @ (Answer::Journal(_) | Answer::Looked(_)) => {
            super::journal::take(app, ticket, answer, effects);
            false
        }
        Answer::Refreshed => {
            let begun = app.notice.as_ref().is_some_and(|it| it.passes);
            if app.refreshing.take(ticket) && begun {
                app.tell_passing("Everything was read again.");
            }
            false
        }
        Answer::Note(note) => {
            super::export::take(app, ticket, note);
            false
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
        Answer::Workload(shown) => {
            let mut again = false;
            for overlay in &mut app.overlays {
                if let Overlay::Workload(view) = overlay
                    && view.slot.take(ticket)
                {
                    view.take(shown.clone());
                    again |= view.slot.again();
                }
            }
            again
        }
        Answer::Explain(explanation) => {
            let mut again = false;
            for overlay in &mut app.overlays {
                if let Overlay::Explain(view) = overlay
                    && view.slot.take(ticket)
                {
                    view.take(explanation.clone());
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
    let Some(row) = app.table(app.pane).and_then(|table| table.row(at)) else { return };
    if app.detail.key.as_ref() == Some(&(app.pane, row.key.clone())) {
        app.detail.about = [super::staged::facts(app, row), of_row(app.pane, at, row, &analysis)].concat();
    }
}

/// Rows that are open say what is so now; one that is there no more stays as it was.
fn refill_rows(app: &mut App) {
    let Some(analysis) = app.analysis.clone() else { return };
    let home = app.home().map(str::to_owned);
    let mut overlays = std::mem::take(&mut app.overlays);
    for overlay in &mut overlays {
        let Overlay::Row(view) = overlay else { continue };
        let Some(table) = app.table(view.pane) else { continue };
        let Some(at) = table.rows().iter().position(|it| it.key == view.row.key) else { continue };
        let Some(row) = table.row(at).cloned() else { continue };
        let about = [super::staged::facts(app, &row), of_row(view.pane, at, &row, &analysis)].concat();
        view.renew(row, about, remedies(view.pane, at, &analysis), home.as_deref());
    }
    app.overlays = overlays;
}

/// Lets what depends on the selection follow it: the detail, its trace, and the document where there is room.
pub(super) fn settle(app: &mut App, effects: &mut Vec<Effect>) {
    if super::staged::refresh(app) {
        arrange_all(app);
        refill_detail(app);
    }
    super::journal::remind(app);
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
