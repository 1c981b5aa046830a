//! What each command does. Whether it may was asked before.

use super::App;
use super::change;
use super::clusters::{choose_cluster, open_clusters};
use super::command::{Availability, Command};
use super::copy::{copy_arn, copy_document};
use super::effect::Effect;
use super::export;
use super::journal;
use super::opening::{
    open_document, open_document_at, open_explain, open_policies, open_row, open_trace, open_workload,
};
use super::overlay::help::Help;
use super::overlay::jump::{Jump, Target};
use super::overlay::picker::{Choice, Picker};
use super::overlay::{DEEPEST, Lead, Overlay};
use super::pane::{Motion, Pane, Sort};
use super::permits;
use super::selection::Selection;
use super::sign_in;
use super::table::heads;
use super::update::{arrange, attempt, page};
use crate::access::find::{Found, find, unknown_principal};
use crate::access::workload::Subject;

/// Does it.
pub(super) fn perform(app: &mut App, command: Command, effects: &mut Vec<Effect>) {
    match command {
        Command::Trace => trace(app, effects),
        Command::Matrix => permits::open_matrix(app, effects),
        Command::WhoCan => permits::open_who_can(app, effects),
        Command::Follow => {
            let selection = app.selection();
            match app.top_place() {
                Some(Overlay::Workload(_)) if selection.workload.is_some() => follow(app, selection, effects),
                // A remedy is to be read and copied; else what the row is about says more than where it stands.
                Some(Overlay::Row(_)) if selection.remedy.is_none() && selection.leads_on() => {
                    follow(app, selection, effects);
                }
                _ => open_document(app),
            }
        }
        Command::Become => {
            if let Ok(role) = app.selection().assumable_role() {
                open_workload(app, Subject::Role(role.arn()), effects);
            }
        }
        Command::Namespace => permits::open_namespaces(app),
        Command::CrossCheck => permits::cross_check(app, effects),
        Command::Rule => {
            let rule = match app.overlays.last() {
                Some(Overlay::Matrix(view)) => view.told.as_ref().and_then(|it| it.rule.clone()),
                _ => None,
            };
            if let Some(rule) = rule {
                open_document_at(app, &rule);
            }
        }
        Command::Whoami => {
            if let Some(asked) = app.caller() {
                open_trace(app, asked, Vec::new(), effects);
            }
        }
        Command::Jump => open_jump(app, None),
        Command::Document => open_document(app),
        Command::Policies => open_policies(app, effects),
        Command::CopyArn => copy_arn(app, effects),
        Command::CopyDocument => copy_document(app, effects),
        Command::Add => change::open_add(app),
        Command::Identity => change::open_identity(app),
        Command::TakePolicy => change::open_policies(app, false),
        Command::Rescope => change::open_policies(app, true),
        Command::CopyAccess => change::open_copy(app),
        Command::EditChange => change::edit_change(app),
        Command::UnstageChange => change::unstage_change(app, effects),
        Command::Mark => mark(app),
        Command::Remove => change::remove(app),
        Command::Recreate => change::recreate(app),
        Command::Unstage => change::step_back(app, false),
        Command::Restage => change::step_back(app, true),
        Command::Review => change::open_review(app, effects),
        Command::Answer => change::answer(app),
        Command::Apply => change::confirm(app),
        Command::Export => export::open(app),
        Command::Note => export::note(app, effects),
        Command::Undo if matches!(app.top_place(), Some(Overlay::Apply { .. })) => change::undo(app, effects),
        Command::Undo => journal::undo(app, effects),
        Command::Journal => journal::open(app, effects),
        Command::OpenBatch => journal::open_batch(app, effects),
        Command::Resume => journal::resume(app, effects),
        Command::Progress => change::show_progress(app),
        Command::Calls => push(app, Overlay::Calls { top: 0 }),
        Command::Clusters => open_clusters(app),
        Command::Entries => show(app, Pane::Entries),
        Command::AwsAuth => show(app, Pane::AwsAuth),
        Command::Irsa => show(app, Pane::Irsa),
        Command::PodIdentity => show(app, Pane::PodIdentity),
        Command::Roles => show(app, Pane::Roles),
        Command::Principals => show(app, Pane::Principals),
        Command::Groups => show(app, Pane::Groups),
        Command::Posture => show(app, Pane::Posture),
        Command::Findings => show(app, Pane::Findings),
        Command::NextPane => show(app, app.pane.step(1)),
        Command::PreviousPane => show(app, app.pane.step(-1)),
        Command::Filter => match app.overlays.last_mut() {
            Some(Overlay::Matrix(view)) => view.editing = true,
            Some(Overlay::WhoCan(view)) => view.editing = true,
            Some(Overlay::Journal(view)) => view.editing = true,
            _ => app.state_mut().editing = true,
        },
        Command::Sort => sort(app, 1),
        Command::SortBack => sort(app, -1),
        Command::SortReverse => {
            let state = app.state_mut();
            let sort = state.sort.unwrap_or(Sort { column: 0, descending: false });
            state.sort = Some(Sort { descending: !sort.descending, ..sort });
            arrange(app);
        }
        Command::Search => {
            if let Some(Overlay::Document(view)) = app.overlays.last_mut() {
                view.search.reset();
                view.editing = true;
            }
        }
        Command::NextMatch => find_again(app, true),
        Command::PreviousMatch => find_again(app, false),
        Command::Left | Command::Right => {
            let width = permits::room(app).1;
            match app.overlays.last_mut() {
                Some(Overlay::Document(view)) => view.sideways(command == Command::Right),
                Some(Overlay::Matrix(view)) => view.sideways(command == Command::Right, width),
                _ => {}
            }
        }
        Command::Up => go(app, Motion::Up),
        Command::Down => go(app, Motion::Down),
        Command::HalfPageUp => go(app, Motion::HalfPageUp),
        Command::HalfPageDown => go(app, Motion::HalfPageDown),
        Command::PageUp => go(app, Motion::PageUp),
        Command::PageDown => go(app, Motion::PageDown),
        Command::First => go(app, Motion::First),
        Command::Last => go(app, Motion::Last),
        Command::Accept => accept(app, effects),
        Command::Leave if app.overlays.is_empty() => change::leave(app, effects),
        Command::Back | Command::Leave => {
            sign_in::leave(app, effects);
            back(app);
        }
        Command::SignIn => sign_in::sign_in(app, effects),
        Command::OpenAddress => sign_in::open_address(app, effects),
        Command::StopWaiting => effects.push(Effect::StopProgram),
        Command::Palette => open_palette(app),
        Command::Help => push(app, Overlay::Help(Box::new(Help::new(&app.keymap)))),
        Command::Refresh => sign_in::refresh(app, effects),
        Command::Suspend => effects.push(Effect::Suspend),
        Command::Quit => change::leave(app, effects),
    }
}

/// Opens what `Enter` on a line means: the trace of whom it is about, a workload's answer, or the row with all that it says.
fn trace(app: &mut App, effects: &mut Vec<Effect>) {
    let (selection, about) = (app.selection(), app.detail.about.clone());
    match app.top_place() {
        Some(Overlay::Row(_)) => follow(app, selection, effects),
        Some(_) => match selection.principal {
            Some(asked) => open_trace(app, asked, Vec::new(), effects),
            None => open_document(app),
        },
        None if app.shows_row() => open_row(app),
        None if app.pane == Pane::Groups && selection.workload.is_none() => permits::open_subject(app),
        None => match (selection.workload, selection.principal) {
            (Some(subject), _) => open_workload(app, subject, effects),
            (None, Some(asked)) => open_trace(app, asked, about, effects),
            (None, None) => {}
        },
    }
}

/// Opens what the cursor is on: a workload's answer, or a principal's trace.
fn follow(app: &mut App, selection: Selection, effects: &mut Vec<Effect>) {
    match (selection.workload, selection.principal) {
        (Some(subject), _) => open_workload(app, subject, effects),
        (None, Some(asked)) => open_trace(app, asked, Vec::new(), effects),
        (None, None) => {}
    }
}

/// Puts something on the stack; beyond its depth the oldest goes.
pub(super) fn push(app: &mut App, overlay: Overlay) {
    if app.overlays.len() >= DEEPEST {
        app.overlays.remove(0);
    }
    app.overlays.push(overlay);
}

/// Shows a pane; what lay over the list goes.
pub(super) fn show(app: &mut App, pane: Pane) {
    // Before a cluster was chosen there is nothing below the choice.
    if app.cluster.is_some() {
        app.overlays.clear();
    }
    app.state_mut().editing = false;
    app.pane = pane;
    arrange(app);
}

/// Moves in whatever has the keys.
pub(super) fn go(app: &mut App, motion: Motion) {
    let page = page(app);
    let calls = app.calls.len();
    let (room, analysis) = (permits::room(app), app.analysis.clone());
    let home = app.home().map(str::to_owned);
    let applied = app.applying.as_ref().map_or(0, |it| it.lines(home.as_deref()).len());
    match app.overlays.last_mut() {
        Some(Overlay::Add(view)) => {
            view.go(motion, page);
            change::judge(app);
        }
        Some(Overlay::Associate(view)) => {
            view.go(motion, page);
            change::judge(app);
        }
        Some(Overlay::CopyAccess(view)) => {
            view.picker.go(motion, page);
            change::judge(app);
        }
        Some(Overlay::Policies { picker, .. }) => picker.go(motion, page),
        Some(Overlay::EditChange { picker, .. }) => picker.go(motion, page),
        Some(Overlay::Identity(_)) => {}
        Some(Overlay::Plan(view)) => {
            let lines = view.lines(home.as_deref()).len();
            view.go(motion, lines, page);
        }
        Some(Overlay::Apply { top }) => *top = motion.from(*top, applied, page).min(applied.saturating_sub(1)),
        Some(Overlay::Journal(view)) => view.go(motion, page),
        Some(Overlay::Batch(view)) => view.go(motion, page),
        Some(Overlay::Exports(exports)) => exports.picker.go(motion, page),
        Some(Overlay::Trace(view)) => view.go(motion, page),
        Some(Overlay::Explain(view)) => view.go(motion, page),
        Some(Overlay::Workload(view)) => view.go(motion, page),
        Some(Overlay::Row(view)) => view.go(motion, page),
        Some(Overlay::Document(view)) => view.go(motion, page),
        Some(Overlay::Jump(jump)) => jump.picker.go(motion, page),
        Some(Overlay::Palette(picker)) => picker.go(motion, page),
        Some(Overlay::Clusters(picker)) => picker.go(motion, page),
        Some(Overlay::Namespaces(picker)) => picker.go(motion, page),
        Some(Overlay::Subject { picker, .. }) => picker.go(motion, page),
        Some(Overlay::Matrix(view)) => view.go(motion, room),
        Some(Overlay::WhoCan(view)) => view.go(motion, analysis.as_deref(), room.0),
        Some(Overlay::AskWho(_) | Overlay::Code(_) | Overlay::SignIn) => {}
        Some(Overlay::Help(help)) => help.go(motion, page),
        Some(Overlay::Calls { top }) => *top = motion.from(*top, calls, page).min(calls.saturating_sub(page)),
        None => {
            let pane = app.pane;
            if let Some(lines) = app.lines() {
                app.state_mut().go(motion, lines.table(pane), page);
            }
        }
    }
}

/// Marks the row, or takes its mark away, and goes on to the next.
fn mark(app: &mut App) {
    if let Some(key) = app.selected_row().map(|row| row.key.clone()) {
        app.state_mut().mark(&key);
        go(app, Motion::Down);
    }
}

/// The next column (or the one before); past the last, as the facts stand.
fn sort(app: &mut App, steps: isize) {
    let columns = heads(app.pane).len() as isize;
    let state = app.state_mut();
    let at = state.sort.map_or(-1, |sort| sort.column as isize);
    let next = (at + 1 + steps).rem_euclid(columns + 1) - 1;
    state.sort = usize::try_from(next).ok().map(|column| Sort { column, descending: false });
    arrange(app);
}

fn find_again(app: &mut App, forward: bool) {
    let page = page(app);
    if let Some(Overlay::Document(view)) = app.overlays.last_mut()
        && !view.find_again(forward, page)
    {
        let text = format!("{:?} is not in this document.", view.search.value());
        app.warn(text);
    }
}

/// Leaves exactly one level: a prompt, an overlay, a filter.
fn back(app: &mut App) {
    let narrowed = app.state().editing || !app.state().filter.value().is_empty();
    let marked = app.state().has_marks();
    match app.overlays.last_mut() {
        Some(Overlay::Document(view)) if view.editing => {
            view.editing = false;
            view.search.reset();
            view.found = None;
        }
        Some(Overlay::Plan(view)) if view.typing => view.typing = false,
        Some(Overlay::Add(view)) => {
            if !view.back() {
                app.overlays.pop();
            }
            change::judge(app);
        }
        Some(Overlay::Associate(view)) => {
            if !view.back() {
                app.overlays.pop();
            }
            change::judge(app);
        }
        Some(Overlay::Matrix(view)) if view.editing || !view.filter.value().is_empty() => {
            view.editing = false;
            view.filter.reset();
            permits::arrange(app);
        }
        Some(Overlay::WhoCan(view)) if view.editing || !view.filter.value().is_empty() => {
            view.editing = false;
            view.filter.reset();
            permits::arrange(app);
        }
        Some(Overlay::Journal(view)) if view.editing || !view.filter.value().is_empty() => {
            view.editing = false;
            view.filter.reset();
            journal::arrange(app);
        }
        // Without a cluster there is nothing to go back to but the shell.
        Some(Overlay::Clusters(_)) if app.cluster.is_none() => {
            app.tell("Choose a cluster with Enter; ctrl-c leaves the program.");
        }
        Some(_) => {
            app.overlays.pop();
        }
        None if narrowed => {
            let state = app.state_mut();
            state.editing = false;
            state.filter.reset();
            arrange(app);
        }
        None if marked => app.state_mut().unmark(),
        None => {}
    }
}

/// Takes what is chosen or typed.
fn accept(app: &mut App, effects: &mut Vec<Effect>) {
    match app.overlays.last_mut() {
        Some(Overlay::Jump(_)) => accept_jump(app, effects),
        Some(Overlay::Palette(picker)) => {
            let Some(command) = picker.chosen().map(|choice| choice.what) else { return };
            app.overlays.pop();
            let context = app.context();
            attempt(app, command, context, effects);
        }
        Some(Overlay::Clusters(picker)) => {
            let Some(id) = picker.chosen().map(|choice| choice.what.clone()) else { return };
            app.overlays.pop();
            choose_cluster(app, id, effects);
        }
        Some(Overlay::Document(view)) => view.editing = false,
        Some(Overlay::Matrix(view)) => view.editing = false,
        Some(Overlay::WhoCan(view)) => view.editing = false,
        Some(Overlay::Journal(view)) => view.editing = false,
        Some(Overlay::Exports(_)) => export::accept(app, effects),
        Some(Overlay::AskWho(_)) => permits::accept_question(app, effects),
        Some(Overlay::Namespaces(_)) => permits::accept_namespace(app, effects),
        Some(Overlay::Subject { picker, .. }) => match picker.chosen().map(|choice| choice.what.clone()) {
            Some(Lead::Trace(asked)) => open_trace(app, *asked, Vec::new(), effects),
            Some(Lead::Document(evidence)) => open_document_at(app, &evidence),
            None => {}
        },
        Some(Overlay::Help(_)) => {
            app.overlays.pop();
        }
        Some(Overlay::Add(_)) => change::accept_add(app, effects),
        Some(Overlay::Associate(_)) => change::accept_association(app, effects),
        Some(Overlay::CopyAccess(_)) => change::accept_copy(app, effects),
        Some(Overlay::Identity(_)) => change::accept_identity(app, effects),
        Some(Overlay::Policies { .. }) => change::accept_policy(app),
        Some(Overlay::EditChange { .. }) => change::accept_edit(app),
        Some(Overlay::Plan(_)) => change::accept_name(app, effects),
        Some(Overlay::Code(_)) => sign_in::accept_code(app, effects),
        Some(
            Overlay::Trace(_)
            | Overlay::Explain(_)
            | Overlay::Workload(_)
            | Overlay::Row(_)
            | Overlay::Calls { .. }
            | Overlay::SignIn
            | Overlay::Batch(_)
            | Overlay::Apply { .. },
        ) => {}
        None => app.state_mut().editing = false,
    }
}

fn accept_jump(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(Overlay::Jump(jump)) = app.overlays.last() else { return };
    match jump.picker.chosen().map(|choice| choice.what.clone()) {
        Some(Target::Row(pane, key)) => {
            show(app, pane);
            let page = page(app);
            if let Some(lines) = app.lines() {
                app.state_mut().put_on(&key, lines.table(pane), &heads(pane), page);
            }
        }
        Some(Target::Trace(asked)) => {
            app.overlays.pop();
            open_trace(app, *asked, Vec::new(), effects);
        }
        Some(Target::Workload(subject)) => {
            app.overlays.pop();
            open_workload(app, subject, effects);
        }
        Some(Target::Explain(message)) => {
            app.overlays.pop();
            open_explain(app, *message, effects);
        }
        None if jump.problem.is_some() => {}
        None => find_name(app, effects),
    }
}

/// A name that no choice is like: perhaps it is known elsewhere.
fn find_name(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(Overlay::Jump(jump)) = app.overlays.last() else { return };
    let text = jump.picker.input.value().trim().to_owned();
    if text.is_empty() {
        return;
    }
    match find(&text, &app.facts(), &app.snapshot.iam) {
        Ok(Found::One(asked)) => {
            app.overlays.pop();
            open_trace(app, *asked, Vec::new(), effects);
        }
        Ok(Found::Many(all)) => {
            let names: Vec<String> = all.iter().take(3).map(|it| it.short(app.home())).collect();
            app.warn(format!("There are {} of that name: {} …; type more of it.", all.len(), names.join(", ")));
        }
        Ok(Found::None { complete: true }) => {
            let near = unknown_principal(&text, &app.facts(), &app.snapshot.iam).suggestions;
            let asked = if near.is_empty() { String::new() } else { format!("Did you mean {}? ", near.join(" or ")) };
            app.warn(format!(
                "Nothing of that name is known here. {asked}An ARN can be traced whether it exists or not."
            ));
        }
        Ok(Found::None { complete: false }) => {
            app.warn(
                "Nothing of that name is known so far, but not all names could be read. An ARN can always be traced.",
            );
        }
        Err(error) => app.warn(error.to_string()),
    }
}

/// Opens the jump, with a text in its prompt if one was pasted.
pub(super) fn open_jump(app: &mut App, text: Option<&str>) {
    app.state_mut().editing = false;
    let jump = Jump::new(app.analysis.as_deref(), &app.facts(), &app.snapshot.iam);
    let jump = match text {
        Some(text) => jump.with_text(text),
        None => jump,
    };
    push(app, Overlay::Jump(Box::new(jump)));
}

fn open_palette(app: &mut App) {
    let place = app.place();
    let choices = (Command::ALL.iter())
        .filter(|command| !command.is_for_keys_only())
        .map(|command| {
            let spec = command.spec();
            let disabled = match command.availability(app, place) {
                Availability::Ready => None,
                Availability::Disabled(why) => Some(why.into_owned()),
            };
            Choice {
                note: spec.sentence.to_owned(),
                right: super::overlay::help::keys(&app.keymap, *command),
                disabled,
                ..Choice::new(spec.name.to_owned(), *command)
            }
        })
        .collect();
    push(app, Overlay::Palette(Box::new(Picker::new(choices))));
}
