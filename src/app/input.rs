//! Text, pastes and the mouse: what they mean where they arrive. Keys with a meaning of their own are the keymap's.

use ratatui::layout::{Position, Rect};

use super::change;
use super::command::Command;
use super::effect::Effect;
use super::journal;
use super::keymap::{Chord, Context};
use super::layout::{layout, sheet, tabs};
use super::message::Mouse;
use super::overlay::Overlay;
use super::overlay::add::Step;
use super::overlay::associate;
use super::overlay::jump::Jump;
use super::overlay::picker::Picker;
use super::pane::Motion;
use super::perform::{self, open_jump, perform};
use super::permits;
use super::update::{arrange, attempt, page};
use super::{App, prompt};
use crate::model::snapshot::ClusterFacts;

/// A key that edits the text of the prompt on top.
pub(super) fn typed(app: &mut App, chord: Chord) {
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
        Some(Overlay::Namespaces(picker)) => retype(picker, chord),
        Some(Overlay::Subject { picker, .. }) => retype(picker, chord),
        Some(Overlay::Policies { picker, .. }) => retype(picker, chord),
        Some(Overlay::EditChange { picker, .. }) => retype(picker, chord),
        Some(Overlay::Add(view)) => {
            // Where several are chosen among, the blank marks one.
            let marked = chord.typed() == Some(' ') && view.pick();
            if !marked && prompt::edit(view.input_mut(), chord) {
                view.rank();
            }
            change::judge(app);
        }
        Some(Overlay::Associate(view)) => {
            if prompt::edit(view.input_mut(), chord) {
                view.rank();
            }
            change::judge(app);
        }
        Some(Overlay::CopyAccess(view)) => {
            retype(&mut view.picker, chord);
            change::judge(app);
        }
        Some(Overlay::Identity(view)) => {
            prompt::edit(&mut view.input, chord);
            change::judge(app);
        }
        Some(Overlay::Plan(view)) => {
            prompt::edit(&mut view.input, chord);
        }
        Some(Overlay::AskWho(ask)) => {
            if prompt::edit(&mut ask.input, chord) {
                permits::read_question(app);
            }
        }
        Some(Overlay::Matrix(view)) => {
            if prompt::edit(&mut view.filter, chord) {
                permits::arrange(app);
            }
        }
        Some(Overlay::WhoCan(view)) => {
            if prompt::edit(&mut view.filter, chord) {
                permits::arrange(app);
            }
        }
        Some(Overlay::Journal(view)) => {
            if prompt::edit(&mut view.filter, chord) {
                journal::arrange(app);
            }
        }
        Some(Overlay::Exports(exports)) => retype(&mut exports.picker, chord),
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
        Some(Overlay::Code(view)) => view.type_key(chord),
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
pub(super) fn paste(app: &mut App, text: &str) {
    let page = page(app);
    let filtering = app.state().editing;
    let App { overlays, keymap, .. } = app;
    match overlays.last_mut() {
        Some(Overlay::Jump(jump)) => {
            let empty = jump.picker.input.value().is_empty();
            if empty {
                **jump = std::mem::replace(&mut **jump, Jump::new(None, &ClusterFacts::default(), &app.snapshot.iam))
                    .with_text(text);
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
        Some(Overlay::AskWho(ask)) => {
            prompt::paste(&mut ask.input, text);
            permits::read_question(app);
        }
        Some(Overlay::Namespaces(picker)) => {
            prompt::paste(&mut picker.input, text);
            picker.rank();
        }
        Some(Overlay::Policies { picker, .. }) => {
            prompt::paste(&mut picker.input, text);
            picker.rank();
        }
        Some(Overlay::EditChange { picker, .. }) => {
            prompt::paste(&mut picker.input, text);
            picker.rank();
        }
        Some(Overlay::Add(view)) => {
            prompt::paste(view.input_mut(), text);
            view.rank();
            change::judge(app);
        }
        Some(Overlay::Associate(view)) => {
            prompt::paste(view.input_mut(), text);
            view.rank();
            change::judge(app);
        }
        Some(Overlay::CopyAccess(view)) => {
            prompt::paste(&mut view.picker.input, text);
            view.picker.rank();
            change::judge(app);
        }
        Some(Overlay::Identity(view)) => {
            prompt::paste(&mut view.input, text);
            change::judge(app);
        }
        Some(Overlay::Plan(view)) if view.typing => prompt::paste(&mut view.input, text),
        Some(Overlay::Code(view)) => view.paste(text),
        Some(Overlay::Subject { picker, .. }) => {
            prompt::paste(&mut picker.input, text);
            picker.rank();
        }
        Some(Overlay::Matrix(view)) if view.editing => {
            prompt::paste(&mut view.filter, text);
            permits::arrange(app);
        }
        Some(Overlay::WhoCan(view)) if view.editing => {
            prompt::paste(&mut view.filter, text);
            permits::arrange(app);
        }
        Some(Overlay::Journal(view)) if view.editing => {
            prompt::paste(&mut view.filter, text);
            journal::arrange(app);
        }
        Some(Overlay::Exports(exports)) => {
            prompt::paste(&mut exports.picker.input, text);
            exports.picker.rank();
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
        Some(
            Overlay::Trace(_)
            | Overlay::Explain(_)
            | Overlay::Workload(_)
            | Overlay::Row(_)
            | Overlay::Document(_)
            | Overlay::Matrix(_)
            | Overlay::WhoCan(_)
            | Overlay::Plan(_)
            | Overlay::Journal(_)
            | Overlay::Batch(_)
            | Overlay::SignIn
            | Overlay::Apply { .. },
        )
        | None => open_jump(app, Some(text)),
    }
}

const WHEEL: usize = 3;

pub(super) fn mouse(app: &mut App, mouse: Mouse, effects: &mut Vec<Effect>) {
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
            } else if matches!(app.overlays.last(), Some(Overlay::Matrix(_) | Overlay::WhoCan(_))) {
                permits::click(app, point, effects);
            } else if matches!(app.overlays.last(), Some(Overlay::Journal(_))) {
                let rows = sheet(at.body).rows;
                if let Some(line) = line(rows) {
                    click_batch(app, line, usize::from(rows.height), effects);
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
    if let Some(lines) = app.lines() {
        let pane = app.pane;
        app.state_mut().put(wanted, lines.table(pane), page);
    }
}

/// A click selects a batch; a click on the selected one opens it.
fn click_batch(app: &mut App, line: usize, page: usize, effects: &mut Vec<Effect>) {
    let Some(view) = journal::list(app) else { return };
    let wanted = view.scroll.top + line;
    if wanted >= view.counts().0 {
        return;
    }
    if view.scroll.at == wanted {
        return attempt(app, Command::OpenBatch, Context::Journal, effects);
    }
    view.put(wanted, page);
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
        Some(Overlay::Namespaces(picker)) => pick(picker, line, page),
        Some(Overlay::Subject { picker, .. }) => pick(picker, line, page),
        Some(Overlay::Policies { picker, .. }) => pick(picker, line, page),
        Some(Overlay::EditChange { picker, .. }) => pick(picker, line, page),
        Some(Overlay::CopyAccess(view)) => pick(&mut view.picker, line, page),
        Some(Overlay::Associate(view)) => match &mut view.step {
            associate::Step::Account(picker) => pick(picker, line, page),
            associate::Step::Role(picker) => pick(picker, line, page),
            associate::Step::Target(picker) => pick(picker, line, page),
        },
        Some(Overlay::Exports(exports)) => pick(&mut exports.picker, line, page),
        Some(Overlay::Add(view)) => match &mut view.step {
            Step::Principal(picker) => pick(picker, line, page),
            Step::Give(picker) => pick(picker, line, page),
            Step::Scope(picker) => pick(picker, line, page),
            Step::Groups(_) => false,
        },
        _ => false,
    };
    if chosen {
        perform(app, Command::Accept, effects);
    }
}
