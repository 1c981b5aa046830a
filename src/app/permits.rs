//! What somebody may do, and who may do something: opening the matrix and who-can, asking for their answers, taking
//! them in, and asking the API server.
//!
//! Decides what each of these screens is opened with and what is asked anew when facts come. What the screens hold is
//! theirs ([`super::overlay::matrix`], [`super::overlay::who`]); the answers are `access`'s.

use ratatui::layout::Position;

use super::App;
use super::command::Command;
use super::effect::Effect;
use super::keymap::Context;
use super::layout::{layout, sheet};
use super::message::{Answer, Ticket};
use super::overlay::ask::{AskWho, in_words, request_in_words};
use super::overlay::matrix::{Columns, MatrixView};
use super::overlay::picker::{Choice, Picker};
use super::overlay::told::Check;
use super::overlay::who::WhoView;
use super::overlay::{Lead, Overlay};
use super::perform::push;
use super::update::attempt;
use super::words::count;
use crate::access::crosscheck::reviewee;
use crate::access::kubectl::Question;
use crate::access::matrix::own_grants;
use crate::access::permissions::{Grant, Permissions, Who};
use crate::model::principal::Asked;
use crate::model::review::Review;
use crate::model::snapshot::ClusterFacts;

/// How many rows a sheet shows at once, and how wide it is.
pub(super) fn room(app: &App) -> (usize, u16) {
    let rows = sheet(layout(app).body).rows;
    (usize::from(rows.height).max(1), rows.width)
}

fn permissions(app: &App) -> Permissions {
    // Before the first answer nothing was read: no name is unknown then.
    app.analysis.as_ref().map_or_else(|| Permissions::of(&ClusterFacts::default()), |it| it.permissions.clone())
}

/// Opens the matrix of whom the cursor is on.
pub(super) fn open_matrix(app: &mut App, effects: &mut Vec<Effect>) {
    let selection = app.selection();
    let (Some(asked), Some(cluster)) = (selection.principal, app.cluster.clone()) else { return };
    // Somebody who asks who can delete in payments then wants to see payments.
    let namespace = match selection.request {
        Some(request) => Some(request.namespace().to_owned()),
        None => app.namespace.clone(),
    };
    let mut view = MatrixView::new(asked.clone(), namespace.clone());
    let ticket = view.slot.restart(&mut app.tickets);
    effects.push(Effect::Matrix { ticket, cluster, asked: Box::new(asked), namespace });
    push(app, Overlay::Matrix(Box::new(view)));
}

/// Asks who else can do what the cell under the cursor is about, or opens the prompt.
pub(super) fn open_who_can(app: &mut App, effects: &mut Vec<Effect>) {
    let text = match (app.selection().request, app.top_place()) {
        (Some(request), Some(Overlay::Matrix(_))) => return show_who_can(app, Question::literal(request), effects),
        // The question that is answered here is the beginning of the next one.
        (_, Some(Overlay::WhoCan(view))) => in_words(&view.question),
        (Some(request), _) => request_in_words(&request),
        (None, _) => String::new(),
    };
    let ask = AskWho::new(&text, &permissions(app), app.assume_exists);
    push(app, Overlay::AskWho(Box::new(ask)));
}

fn show_who_can(app: &mut App, question: Question, effects: &mut Vec<Effect>) {
    let Some(cluster) = app.cluster.clone() else { return };
    let mut view = WhoView::new(question.clone());
    let ticket = view.slot.restart(&mut app.tickets);
    effects.push(Effect::WhoCan { ticket, cluster, question: Box::new(question) });
    push(app, Overlay::WhoCan(Box::new(view)));
}

/// What was typed is read anew.
pub(super) fn read_question(app: &mut App) {
    let permissions = permissions(app);
    if let Some(Overlay::AskWho(ask)) = app.overlays.last_mut() {
        ask.read(&permissions);
    }
}

/// What was typed is asked. What is wrong with it stands in the prompt already.
pub(super) fn accept_question(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(Overlay::AskWho(ask)) = app.overlays.last() else { return };
    let Ok(question) = ask.question.clone() else { return };
    app.overlays.pop();
    // The prompt that was opened from an answer leads to the next one in its place.
    if matches!(app.overlays.last(), Some(Overlay::WhoCan(_))) {
        app.overlays.pop();
    }
    show_who_can(app, question, effects);
}

/// Opens the choice among the namespaces: those first in which the identity has grants of its own.
pub(super) fn open_namespaces(app: &mut App) {
    let Some(Overlay::Matrix(view)) = app.overlays.last() else { return };
    let Some(permitted) = &view.permitted else { return };
    let shown = permitted.matrix.namespace.clone();
    let choice = |text: &str, note: String, what: &str| Choice {
        note,
        right: if what == shown { "shown".to_owned() } else { String::new() },
        ..Choice::new(text, what.to_owned())
    };
    let own = |namespace: &str| own_grants(&permitted.grants, namespace);
    let mut named: Vec<(usize, &str)> = permitted.permissions.namespaces().map(|it| (own(it), it)).collect();
    named.sort_by_key(|(grants, name)| (*grants == 0, *name));
    let wide = permitted.grants.iter().filter(|it| it.is_cluster_wide()).count();
    let mut choices = vec![choice("cluster", format!("everywhere at once · {}", count(wide, "grant", "grants")), "")];
    choices.extend(named.into_iter().map(|(grants, name)| match grants {
        0 => choice(name, String::new(), name),
        n => choice(name, format!("● {} of its own", count(n, "grant", "grants")), name),
    }));
    let mut picker = Picker::new(choices);
    picker.at = picker
        .hits
        .iter()
        .position(|hit| picker.choices.get(hit.choice).is_some_and(|it| it.what == shown))
        .unwrap_or(0);
    push(app, Overlay::Namespaces(Box::new(picker)));
}

/// Shows the matrix of the namespace chosen, which is remembered for the next matrix.
pub(super) fn accept_namespace(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(Overlay::Namespaces(picker)) = app.overlays.last() else { return };
    let Some(namespace) = picker.chosen().map(|choice| choice.what.clone()) else { return };
    app.overlays.pop();
    app.namespace = Some(namespace.clone());
    let App { overlays, tickets, cluster, .. } = app;
    if let (Some(Overlay::Matrix(view)), Some(cluster)) = (overlays.last_mut(), cluster.clone()) {
        view.namespace = Some(namespace.clone());
        view.check = None;
        let ticket = view.slot.restart(tickets);
        let asked = Box::new(view.asked.clone());
        effects.push(Effect::Matrix { ticket, cluster, asked, namespace: Some(namespace) });
    }
}

/// Opens who carries a group and which bindings name it.
pub(super) fn open_subject(app: &mut App) {
    let Some(at) = app.state().selected() else { return };
    let Some(row) = app.analysis.as_ref().and_then(|it| it.inventory.subjects.get(at)) else { return };
    let title = format!("{} {}", row.kind(), row.name());
    let home = app.home();
    let carriers = row.carriers.iter().map(|it| Choice {
        note: "carries it: Enter traces".to_owned(),
        right: "principal".to_owned(),
        also: it.principal.arn(),
        ..Choice::new(
            super::columns::named(&it.principal, home),
            Lead::Trace(Box::new(Asked::principal(it.principal.clone()))),
        )
    });
    let bindings = row.bindings.iter().filter_map(|it| {
        let note = match it {
            Grant::Binding { role, .. } => format!("→ {role}"),
            _ => String::new(),
        };
        let what = Lead::Document(Box::new(it.evidence()?));
        Some(Choice { text: it.object(), note, right: "binding".to_owned(), also: String::new(), disabled: None, what })
    });
    let picker = Box::new(Picker::new(carriers.chain(bindings).collect()));
    push(app, Overlay::Subject { title, picker });
}

/// What is to be reviewed: the request under the cursor, of the identity under it. The error says why there is nothing.
pub(super) fn to_review(app: &App) -> Result<(Review, Who), String> {
    let nothing = || "There is no request here to ask about: m and w lead to some.".to_owned();
    let (who, request, asked) = match app.top_place() {
        Some(Overlay::Matrix(view)) => {
            let permitted = view.permitted.as_ref().ok_or("The matrix is still being computed.")?;
            let told = view.told.as_ref().ok_or("No cell is selected.")?;
            (permitted.who.clone(), told.request.clone(), Some(view.asked.clone()))
        }
        Some(Overlay::WhoCan(view)) => {
            let who = view.who(app.analysis.as_deref());
            let who = who.ok_or("Only a principal or a service account can be reviewed: this line is neither.")?;
            (who, view.request.clone(), view.principal())
        }
        _ => return Err(nothing()),
    };
    let own = app.caller().zip(asked).is_some_and(|(caller, asked)| {
        let session = asked.session.is_none() || asked.session == caller.session;
        caller.principal.key() == asked.principal.key() && session
    });
    Ok((Review { of: reviewee(&who, own)?, request }, who))
}

/// Asks the API server.
pub(super) fn cross_check(app: &mut App, effects: &mut Vec<Effect>) {
    let (Ok((review, who)), Some(cluster)) = (to_review(app), app.cluster.clone()) else { return };
    let mut check = Check::new(review.clone(), who, &permissions(app));
    let ticket = check.slot.restart(&mut app.tickets);
    match app.overlays.last_mut() {
        Some(Overlay::Matrix(view)) => view.check = Some(check),
        Some(Overlay::WhoCan(view)) => view.check = Some(check),
        _ => return,
    }
    effects.push(Effect::Review { ticket, cluster, review: Box::new(review) });
}

/// The facts changed: all that is shown is asked anew.
pub(super) fn asked_anew(app: &mut App, effects: &mut Vec<Effect>) {
    let permissions = permissions(app);
    let App { overlays, tickets, cluster, .. } = app;
    let Some(cluster) = cluster else { return };
    for overlay in overlays {
        match overlay {
            Overlay::Matrix(view) => {
                if let Some(ticket) = view.slot.want(tickets) {
                    let (asked, namespace) = (Box::new(view.asked.clone()), view.namespace.clone());
                    effects.push(Effect::Matrix { ticket, cluster: cluster.clone(), asked, namespace });
                }
            }
            Overlay::WhoCan(view) => {
                if let Some(ticket) = view.slot.want(tickets) {
                    let question = Box::new(view.question.clone());
                    effects.push(Effect::WhoCan { ticket, cluster: cluster.clone(), question });
                }
            }
            Overlay::AskWho(ask) => ask.read(&permissions),
            _ => {}
        }
    }
}

/// Takes in an answer.
pub(super) fn take(app: &mut App, ticket: Ticket, answer: &Answer, effects: &mut Vec<Effect>) {
    let room = room(app);
    let (analysis, home) = (app.analysis.clone(), app.home().map(str::to_owned));
    let mut again = false;
    for overlay in &mut app.overlays {
        match overlay {
            Overlay::Matrix(view) => {
                take_review(view.check.as_mut(), ticket, answer);
                if let Answer::Matrix(permitted) = answer
                    && view.slot.take(ticket)
                {
                    view.take(permitted.clone(), room);
                    again |= view.slot.again();
                }
            }
            Overlay::WhoCan(view) => {
                take_review(view.check.as_mut(), ticket, answer);
                if let Answer::WhoCan(answer) = answer
                    && view.slot.take(ticket)
                {
                    view.take(answer.clone(), analysis.as_deref(), home.as_deref(), room.0);
                    again |= view.slot.again();
                }
            }
            _ => {}
        }
    }
    if again {
        asked_anew(app, effects);
    }
}

fn take_review(check: Option<&mut Check>, ticket: Ticket, answer: &Answer) {
    if let (Some(check), Answer::Review(said)) = (check, answer)
        && check.slot.take(ticket)
    {
        check.take(said);
    }
}

/// Another filter.
pub(super) fn arrange(app: &mut App) {
    let room = room(app);
    let analysis = app.analysis.clone();
    match app.overlays.last_mut() {
        Some(Overlay::Matrix(view)) => view.arrange(room),
        Some(Overlay::WhoCan(view)) => view.arrange(analysis.as_deref(), room.0),
        _ => {}
    }
}

/// Another size: the cursors stay in sight, and on cells that are there.
pub(super) fn resized(app: &mut App) {
    let room = room(app);
    let analysis = app.analysis.clone();
    for overlay in &mut app.overlays {
        match overlay {
            Overlay::Matrix(view) => view.put(view.scroll.at, room),
            Overlay::WhoCan(view) => view.put(view.scroll.at, analysis.as_deref(), room.0),
            _ => {}
        }
    }
}

/// A click puts the cursor on a cell or line; a click where it is opens what Enter would.
pub(super) fn click(app: &mut App, point: Position, effects: &mut Vec<Effect>) {
    let rows = sheet(layout(app).body).rows;
    if !rows.contains(point) {
        return;
    }
    let (line, room) = (usize::from(point.y - rows.y), room(app));
    let analysis = app.analysis.clone();
    match app.overlays.last_mut() {
        Some(Overlay::Matrix(view)) => {
            let at = view.scroll.top + line;
            if at >= view.len() {
                return;
            }
            let columns = Columns::of(rows.width);
            let x = point.x - rows.x;
            let column = columns.verbs.iter().rposition(|begin| *begin <= x).filter(|_| x < columns.others);
            let before = (view.scroll.at, view.column);
            view.put(at, room);
            if let Some(column) = column {
                view.put_column(column, rows.width);
            }
            if before == (view.scroll.at, view.column) {
                attempt(app, Command::Rule, Context::Matrix, effects);
            }
        }
        Some(Overlay::WhoCan(view)) => {
            let at = view.scroll.top + line;
            if at >= view.counts().0 {
                return;
            }
            let before = view.scroll.at;
            view.put(at, analysis.as_deref(), room.0);
            if before == at {
                attempt(app, Command::Trace, Context::WhoCan, effects);
            }
        }
        _ => {}
    }
}
