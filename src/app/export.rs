//! Taking a plan or a batch along: as a script, as what takes it back, for Terraform, as a note.
//!
//! Decides of what, and what is opened; the forms are `edit::export`'s. The note is written beside the screen, since it
//! computes who gains and loses what.

use std::borrow::Cow;

use super::App;
use super::effect::Effect;
use super::journal;
use super::layout::layout;
use super::message::Ticket;
use super::overlay::Overlay;
use super::overlay::document::{Document, DocumentView};
use super::overlay::picker::{Choice, Picker};
use super::perform::push;
use crate::edit::export::{Place, Told};
use crate::model::cluster::ClusterId;

/// A form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Form {
    Script,
    Inverse,
    Terraform,
    Note,
}

/// The choice among the forms.
#[derive(Clone, Debug)]
pub struct Exports {
    /// Of what.
    pub told: Box<Told>,
    /// The cluster whose facts are at hand, if they are its.
    here: Option<ClusterId>,
    /// To choose among.
    pub picker: Picker<Form>,
}

impl Exports {
    /// What is taken along, in a few words.
    pub fn title(&self) -> String {
        match &self.told.batch {
            Some(it) => format!("Export batch {}", it.0.batch.id),
            None => "Export the plan".to_owned(),
        }
    }
}

/// What is at hand to be taken along, and the cluster whose facts tell of it; or why nothing is.
pub(super) fn told(app: &App) -> Result<(Told, Option<ClusterId>), Cow<'static, str>> {
    let facts = app.facts();
    match app.top_place() {
        Some(Overlay::Plan(view)) => {
            let Some(review) = &view.review else { return Err("The review is still being computed.".into()) };
            let told = Told::planned(place(app), &view.draft, &review.steps, &facts);
            let by = app.snapshot.caller.value().map(|it| it.arn.clone());
            Ok((Told { by, undoes: view.undoes.is_some(), ..told }, app.cluster.clone()))
        }
        Some(Overlay::Apply { .. }) => {
            let Some(it) = &app.applying else { return Err("Nothing was applied here yet.".into()) };
            let receipt = match &it.ended {
                None => return Err("It is still being applied.".into()),
                Some(Err(_)) => return Err("Nothing was done that could be told.".into()),
                Some(Ok(receipt)) => receipt,
            };
            let here = app.cluster.clone().filter(|id| *id == it.cluster);
            let own = here.is_some().then_some(&*facts);
            match &app.shelf.book {
                // What is at hand may be of before it was gone on with.
                _ if app.shelf.is_being_read() => {
                    Err("The journal, which knows what was done, is being read again: once more in a moment.".into())
                }
                Some(Ok(book)) if let Some(history) = book.history(&receipt.batch) => {
                    Ok((Told::of(history, book.standing(history), own), here))
                }
                Some(Err(why)) => Err(format!("What was done is not known: {why}").into()),
                _ => {
                    Err("The journal does not hold the batch: somebody has moved it, or it is another folder's.".into())
                }
            }
        }
        _ => {
            let (history, standing) = journal::at_hand(app)?;
            let here = app.cluster.clone().filter(|_| journal::is_here(app, history));
            let own = here.is_some().then_some(&*facts);
            Ok((Told::of(history, standing, own), here))
        }
    }
}

fn place(app: &App) -> Place {
    let account = app.facts().cluster.value().and_then(|it| it.account()).or(app.snapshot.iam.account.clone());
    let (cluster, region) = app.cluster.clone().map(|id| (id.name, id.region)).unwrap_or_default();
    Place { cluster, region, account }
}

/// May a note be written of what is at hand?
pub(super) fn can_note(app: &App) -> Result<(), Cow<'static, str>> {
    if app.shelf.noting.is_under_way() {
        return Err("The note is being written.".into());
    }
    told(app).map(drop)
}

/// Opens the choice among the forms.
pub(super) fn open(app: &mut App) {
    let Ok((told, here)) = told(app) else { return };
    let choice = |what, text: &str, note: &str, disabled: Option<&str>| Choice {
        note: note.to_owned(),
        disabled: disabled.map(str::to_owned),
        ..Choice::new(text, what)
    };
    let done = |why: &'static str| told.draft.is_empty().then_some(why);
    let choices = vec![
        choice(Form::Script, "aws CLI script", "the calls, for a shell", None),
        choice(Form::Inverse, "script that undoes it", "what takes it back, for a shell", done("nothing was done")),
        choice(Form::Terraform, "Terraform", "resources, with import blocks for what exists", done("nothing was done")),
        choice(Form::Note, "incident note", "Markdown: what changed, who gains and loses what, and why", None),
    ];
    let exports = Exports { told: Box::new(told), here, picker: Picker::new(choices) };
    push(app, Overlay::Exports(Box::new(exports)));
}

/// Opens the form chosen.
pub(super) fn accept(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(Overlay::Exports(exports)) = app.overlays.last() else { return };
    let Some(chosen) = exports.picker.chosen() else { return };
    if let Some(why) = &chosen.disabled {
        let text = format!("There is no {}: {why}.", chosen.text);
        return app.warn(text);
    }
    let form = chosen.what;
    let Some(Overlay::Exports(exports)) = app.overlays.pop() else { return };
    let told = exports.told;
    match form {
        Form::Script => show(app, title("AWS CLI script", &told), told.script()),
        Form::Inverse => show(app, title("What takes it back, as an AWS CLI script", &told), told.inverse()),
        Form::Terraform => show(app, title("Terraform", &told), told.terraform()),
        Form::Note => write_note(app, told, exports.here, effects),
    }
}

/// Has the note of what is at hand written.
pub(super) fn note(app: &mut App, effects: &mut Vec<Effect>) {
    if let Ok((told, here)) = told(app) {
        write_note(app, Box::new(told), here, effects);
    }
}

fn write_note(app: &mut App, told: Box<Told>, here: Option<ClusterId>, effects: &mut Vec<Effect>) {
    match here {
        Some(cluster) => {
            let ticket = app.shelf.noting.restart(&mut app.tickets);
            effects.push(Effect::Note { ticket, cluster, told });
            app.tell("Writing the note …");
        }
        None => show(app, "Incident note".to_owned(), told.note_without_facts()),
    }
}

/// Takes in the note.
pub(super) fn take(app: &mut App, ticket: Ticket, note: String) {
    if app.shelf.noting.take(ticket) {
        app.notice = None;
        show(app, "Incident note".to_owned(), note);
    }
}

fn title(form: &str, told: &Told) -> String {
    match &told.batch {
        Some(it) => format!("{form} · batch {}", it.0.batch.id),
        None => form.to_owned(),
    }
}

fn show(app: &mut App, title: String, text: String) {
    let view = DocumentView::new(Document::new(title, text, ""), usize::from(layout(app).place.height));
    push(app, Overlay::Document(Box::new(view)));
}
