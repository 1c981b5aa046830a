//! The prompts that stage changes: access added, associations, groups, policies, copies. Each says under what is typed what
//! would be said against it.

use ratatui::layout::Position;

use super::canvas::Canvas;
use super::overlay::{pick, prompt};
use super::theme::Role;
use crate::app::App;
use crate::app::layout::Layout;
use crate::app::overlay::Overlay;
use crate::app::overlay::add::{AddView, Step};
use crate::app::overlay::associate::{self, AssociateView};
use crate::app::overlay::copy::{CopyView, To};
use crate::app::overlay::plan::named;
use crate::edit::judge::Word;
use crate::edit::state::Subject;
use crate::model::words::last_part;

/// Draws one. Gives where the text cursor is.
pub(super) fn draw(canvas: &mut Canvas<'_>, at: &Layout, app: &App, overlay: &Overlay) -> Option<Position> {
    match overlay {
        Overlay::Add(view) => add(canvas, at, app, view),
        Overlay::Associate(view) => associate(canvas, at, app, view),
        Overlay::CopyAccess(view) => copy(canvas, at, app, view),
        Overlay::Identity(view) => {
            canvas.frame(at.popup, &format!("Groups of {}", named(&view.subject, app.home())));
            let hint = "groups, with commas between; then username: and the username";
            let (hint, role) = word(&view.word).unwrap_or((hint.to_owned(), Role::Dim));
            prompt(canvas, at, &view.input, &hint, role)
        }
        Overlay::Policies { subjects, rescope, picker } => {
            let whose = match subjects.as_slice() {
                [one] => named(one, app.home()),
                several => format!("{} access entries", several.len()),
            };
            let (title, hint) = match rescope {
                true => (format!("Which policy of {whose}?"), "Enter goes on to where it is to hold"),
                false => (format!("Take a policy from {whose}"), "Enter stages it; nothing is done yet"),
            };
            canvas.frame(at.popup, &title);
            pick(canvas, at, picker, (hint, Role::Dim))
        }
        Overlay::EditChange { subject, picker } => {
            canvas.frame(at.popup, &format!("Edit what is staged for {}", named(subject, app.home())));
            pick(canvas, at, picker, ("what of it?", Role::Dim))
        }
        _ => None,
    }
}

/// What is said of what is typed, and how; nothing where there is nothing to say.
fn word(word: &Word) -> Option<(String, Role)> {
    sign_and_text(word).map(|(sign, text, role)| (format!("{sign} {text}"), role))
}

fn sign_and_text(word: &Word) -> Option<(&'static str, &str, Role)> {
    match word {
        Word::Fine => None,
        Word::Known(text) => Some(("→", text, Role::Accent)),
        Word::Open(text) => Some(("?", text, Role::Unknown)),
        Word::Wrong(text) => Some(("!", text, Role::Warn)),
    }
}

/// The step at hand, with what was chosen before it in the title.
fn add(canvas: &mut Canvas<'_>, at: &Layout, app: &App, view: &AddView) -> Option<Position> {
    let home = app.home();
    let mut title = match (&view.rescoped, view.principals.as_slice()) {
        (Some((subject, _)), _) => format!("Where it holds · {}", named(subject, home)),
        (None, []) => format!("Add access · {} of 3", view.number()),
        (None, [one]) => {
            format!("Add access · {} of 3 · {}", view.number(), named(&Subject::Entry(one.clone()), home))
        }
        (None, several) => format!("Add access · {} of 3 · {} principals", view.number(), several.len()),
    };
    if let Some(policy) = &view.policy {
        title.push_str(&format!(" · {}", last_part(policy)));
    }
    canvas.frame(at.popup, &title);
    let said = word(&view.word);
    match &view.step {
        Step::Principal(picker) => {
            let hint = match view.whom() {
                Some(_) if picker.hits.is_empty() => ("→ this, as it is typed".to_owned(), Role::Accent),
                _ => ("to whom? a name or an ARN of a role, a user, or a permission set's role".to_owned(), Role::Dim),
            };
            let (text, role) = said.unwrap_or(hint);
            pick(canvas, at, picker, (&text, role))
        }
        Step::Give(picker) => {
            let (text, role) = said.unwrap_or(("what is given?".to_owned(), Role::Dim));
            pick(canvas, at, picker, (&text, role))
        }
        Step::Scope(picker) => {
            let how = "Space marks several; a-* is a pattern; cluster is everywhere";
            let says = view.says().unwrap_or_else(|| "where?".to_owned());
            let (text, role) = match sign_and_text(&view.word) {
                None if picker.input.value().is_empty() => (format!("{says}. {how}"), Role::Accent),
                Some((_, text, role)) => (format!("{says}. {text}"), role),
                None => (says, Role::Accent),
            };
            pick(canvas, at, picker, (&text, role))
        }
        Step::Groups(input) => {
            let (text, role) = said.unwrap_or((view.says().unwrap_or_default(), Role::Accent));
            prompt(canvas, at, input, &text, role)
        }
    }
}

fn associate(canvas: &mut Canvas<'_>, at: &Layout, app: &App, view: &AssociateView) -> Option<Position> {
    let mut title = format!("Pod Identity · {} of 3", view.number());
    if let Some(whose) = view.whose() {
        title.push_str(&format!(" · {whose}"));
    }
    if let Some(role) = &view.role {
        title.push_str(&format!(" · {}", named(&Subject::Entry(role.clone()), app.home())));
    }
    canvas.frame(at.popup, &title);
    let said = |hint: &str| word(&view.word).unwrap_or((hint.to_owned(), Role::Dim));
    match &view.step {
        associate::Step::Account(picker) => {
            let (text, role) = said("which service account? NAMESPACE/NAME");
            pick(canvas, at, picker, (&text, role))
        }
        associate::Step::Role(picker) => {
            let (text, role) = said("which role? those whose trust policy lets it in come first");
            pick(canvas, at, picker, (&text, role))
        }
        associate::Step::Target(picker) => {
            let (text, role) = said("which role after it, if any? one of another account by its ARN");
            pick(canvas, at, picker, (&text, role))
        }
    }
}

fn copy(canvas: &mut Canvas<'_>, at: &Layout, app: &App, view: &CopyView) -> Option<Position> {
    let (title, mut says) = match view.from.as_slice() {
        [one] => (format!("Copy the access of {} to …", one.principal.short(app.home())), one.tell()),
        several => (format!("Copy the access of {} principals to …", several.len()), String::new()),
    };
    canvas.frame(at.popup, &title);
    let left: Vec<&str> = view.from.iter().flat_map(|it| it.left.iter().map(String::as_str)).collect();
    if !left.is_empty() {
        says = format!("{says}; {}", left.join("; ")).trim_start_matches("; ").to_owned();
    }
    if let Some(To::Cluster(id)) = view.to() {
        says = format!("in cluster {}: {says}", id.name).trim_end_matches(": ").to_owned();
    }
    let (text, role) = word(&view.word).unwrap_or((format!("→ {says}"), Role::Accent));
    pick(canvas, at, &view.picker, (&text, role))
}
