//! What is sent to the terminal's clipboard: the ARN, command or document at hand.
//!
//! Decides which that is; the rim sends it. Another thing to copy is a function here and a command.

use super::App;
use super::effect::Effect;
use super::overlay::Overlay;
use super::overlay::document::Document;
use super::selection::{CopyKind, Copyable};

/// Sends the ARN or command that the cursor is on.
pub(super) fn copy_arn(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(Copyable { text, kind, danger }) = app.selection().copyable else { return };
    app.tell(match kind {
        CopyKind::Commands => {
            let lines = super::words::count(text.lines().count(), "command", "commands");
            format!("Sent to your terminal's clipboard, to be looked at before it is run: {lines}")
        }
        // Whoever copies a command out of a list has perhaps not read what it may break.
        CopyKind::Name if !danger.is_empty() => format!("Copied to your terminal's clipboard. Careful: {danger}."),
        CopyKind::Name => format!("Sent to your terminal's clipboard: {text}"),
    });
    effects.push(Effect::Copy(text));
}

/// Sends the document at hand.
pub(super) fn copy_document(app: &mut App, effects: &mut Vec<Effect>) {
    let open = match app.overlays.last() {
        Some(Overlay::Document(view)) => Some(view.document.clone()),
        Some(Overlay::Batch(view)) => {
            let lines = view.lines().into_iter().map(|it| it.text + "\n");
            Some(Document::new(view.title(), lines.collect(), ""))
        }
        _ => None,
    };
    let selection = app.selection();
    let document = open.or(selection.remedy).or_else(|| selection.evidence.map(|evidence| app.document_at(&evidence)));
    match document {
        Some(document) => {
            let lines = super::words::count(document.lines.len(), "line", "lines");
            app.tell(format!("Sent to your terminal's clipboard: {} ({lines})", document.title));
            effects.push(Effect::Copy(document.text));
        }
        None => app.warn("This line was read from no document."),
    }
}
