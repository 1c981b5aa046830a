//! What is sent to the terminal's clipboard: the ARN, command or document at hand.
//!
//! Decides which that is; the rim sends it. Another thing to copy is a function here and a command.

use super::App;
use super::effect::Effect;
use super::opening::{evidence, remedy};
use super::overlay::Overlay;
use super::overlay::document::Document;
use super::pane::Pane;
use crate::model::principal::Asked;

/// Sends the ARN at hand, or the command that would mend what is explained.
pub(super) fn copy_arn(app: &mut App, effects: &mut Vec<Effect>) {
    if let Some(Overlay::Explain(view)) = app.overlays.last()
        && let Some(command) = view.command()
    {
        let lines = super::words::count(command.lines().count(), "command", "commands");
        app.tell(format!("Sent to your terminal's clipboard, to be looked at before it is run: {lines}"));
        effects.push(Effect::Copy(command));
        return;
    }
    // Whoever copies a command out of a list has perhaps not read what it may break.
    let of_row = match app.top_place() {
        Some(Overlay::Row(view)) => Some(view.command()),
        None => app.selected_row().map(|row| (row.copied().to_owned(), row.danger.clone())),
        Some(_) => None,
    };
    if let Some((text, danger)) = of_row.filter(|(text, danger)| !text.is_empty() && !danger.is_empty()) {
        app.tell(format!("Copied to your terminal's clipboard. Careful: {danger}."));
        effects.push(Effect::Copy(text));
        return;
    }
    let trace = app.overlays.iter().rev().find_map(|overlay| match overlay {
        Overlay::Trace(view) => Some(view.asked.arn()),
        Overlay::Matrix(view) => Some(view.asked.arn()),
        Overlay::WhoCan(view) => Some(view.line().map(|it| it.arn.clone()).unwrap_or_default()),
        Overlay::Explain(view) => view.arn(),
        Overlay::Workload(view) => view.role().map(Asked::arn),
        Overlay::Row(view) => Some(view.command().0),
        // Of a batch, its name is what one wants elsewhere: for resume and undo.
        Overlay::Journal(view) => view.line().map(|it| it.id.clone()),
        Overlay::Batch(view) => Some(view.history.batch.id.clone()),
        _ => None,
    });
    let text = trace.or_else(|| app.selected_row().map(|row| row.copied().to_owned())).filter(|text| !text.is_empty());
    match text {
        Some(text) => {
            app.tell(format!("Sent to your terminal's clipboard: {text}"));
            effects.push(Effect::Copy(text));
        }
        None if app.pane == Pane::Posture => app.warn("There is no command here: nothing is to be changed."),
        None => app.warn("This line has no ARN."),
    }
}

/// Sends the document at hand.
pub(super) fn copy_document(app: &mut App, effects: &mut Vec<Effect>) {
    let open = match app.overlays.last() {
        Some(Overlay::Document(view)) => Some(view.document.clone()),
        Some(Overlay::Batch(view)) => {
            let lines = view.lines().into_iter().map(|it| it.text + "\n");
            Some(Document::new(view.title(), lines.collect(), ""))
        }
        Some(Overlay::Journal(_)) => return app.warn("There is no document here: Enter opens a batch, E exports it."),
        _ => None,
    };
    let document = open.or_else(|| remedy(app)).or_else(|| evidence(app).map(|evidence| app.document_at(&evidence)));
    match document {
        Some(document) => {
            let lines = super::words::count(document.lines.len(), "line", "lines");
            app.tell(format!("Sent to your terminal's clipboard: {} ({lines})", document.title));
            effects.push(Effect::Copy(document.text));
        }
        None => app.warn("This line was read from no document."),
    }
}
