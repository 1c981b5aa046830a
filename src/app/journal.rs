//! The journal on the screen: its list, a batch opened, and the reminder of what was left open.
//!
//! Decides which batches belong here, what may be done with each and why not, and what is said at the start. It never
//! acts by itself: what is left of a batch, or what undoes it, is reviewed and confirmed like every other change. The file
//! is read by the rim. Another key on a batch is a command, its reason in a `can_…` here, and what it does.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::App;
use super::change::{can_write, open_plan};
use super::effect::Effect;
use super::message::{Answer, Slot, Ticket};
use super::overlay::Overlay;
use super::overlay::batch::{BatchView, is_to_be_read};
use super::overlay::journal::JournalView;
use super::overlay::plan::PlanView;
use super::perform::push;
use super::update::page;
use super::words::count;
use crate::edit::record::{BatchHead, Book, History, Pin, Seen, Standing};
use crate::model::cluster::ClusterId;
use crate::model::time::Time;

/// The journal as it was last read, with what is asked about it.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    /// All of it, or why it could not be read; `None` before it was.
    pub book: Option<Result<Arc<Book>, String>>,
    /// How many batches that belong here somebody has to decide about.
    pub open: usize,
    slot: Slot,
    pub(super) undoing: Slot,
    pub(super) noting: Slot,
    /// For which cluster, and by how much knowledge of it, the open ones were counted.
    counted: Option<(ClusterId, bool)>,
    /// The clusters of whose open batches was told.
    reminded: BTreeSet<ClusterId>,
}

impl Shelf {
    /// Is the journal being read?
    pub(super) fn is_being_read(&self) -> bool {
        self.slot.is_under_way()
    }
}

/// Asks for the journal, anew if need be.
pub(super) fn read(app: &mut App, effects: &mut Vec<Effect>) {
    let ticket = app.shelf.slot.restart(&mut app.tickets);
    effects.push(Effect::Journal { ticket });
}

/// The same after a batch was applied here: how that ended is told already.
pub(super) fn read_after(app: &mut App, effects: &mut Vec<Effect>) {
    app.shelf.reminded.extend(app.cluster.clone());
    read(app, effects);
}

/// Opens the list, as it was last read; it is read again.
pub(super) fn open(app: &mut App, effects: &mut Vec<Effect>) {
    app.overlays.retain(|it| !matches!(it, Overlay::Journal(_) | Overlay::Batch(_)));
    push(app, Overlay::Journal(Box::default()));
    fill(app);
    read(app, effects);
}

/// In what a batch belongs elsewhere, as far as is known; nothing if it belongs here. The rim makes sure before it acts.
fn elsewhere(app: &App, pin: &Pin) -> Vec<String> {
    let Some(id) = &app.cluster else { return vec!["no cluster is chosen".to_owned()] };
    let facts = app.facts();
    let cluster = facts.cluster.value();
    let is_it = id.name == pin.cluster && id.region == pin.region;
    let unknown = || if is_it { pin.cluster_arn.clone() } else { id.to_string() };
    let account = app.snapshot.caller.value().map(|it| it.account.clone());
    let here = Pin {
        cluster_arn: cluster.and_then(|it| it.arn.clone()).unwrap_or_else(unknown),
        cluster: id.name.clone(),
        account: account.or_else(|| cluster.and_then(|it| it.account())).unwrap_or_else(|| pin.account.clone()),
        region: id.region.clone(),
        // A file does not say where it was read.
        endpoint: if app.is_live() { app.endpoint.clone() } else { pin.endpoint.clone() },
    };
    let differences = pin.differences(&here);
    if is_it || differences.is_empty() {
        return differences;
    }
    // Names are told apart sooner than ARNs, which stand in the batch itself.
    let other = Pin { cluster_arn: pin.cluster_arn.clone(), region: pin.region.clone(), ..here };
    let of = format!("it is of cluster {} in {}, and {id} is looked at (C chooses another)", pin.cluster, pin.region);
    std::iter::once(of).chain(pin.differences(&other)).collect()
}

/// Puts what was read into whatever shows it.
fn fill(app: &mut App) {
    let Some(Ok(book)) = app.shelf.book.clone() else { return };
    let home = app.home().map(str::to_owned);
    let mut overlays = std::mem::take(&mut app.overlays);
    for overlay in &mut overlays {
        match overlay {
            Overlay::Journal(view) => {
                let rows = usize::from(super::layout::sheet(super::layout::layout(app).body).rows.height);
                view.take(book.clone(), home.as_deref(), |pin| elsewhere(app, pin), rows);
            }
            Overlay::Batch(view) => view.renew(&book),
            _ => {}
        }
    }
    app.overlays = overlays;
}

/// The batch at hand, with how it stands.
pub(super) fn at_hand(app: &App) -> Result<(&History, Standing), Cow<'static, str>> {
    match app.top_place() {
        Some(Overlay::Journal(view)) => {
            let (Some(history), Some(Ok(book))) = (view.history(), &app.shelf.book) else {
                return Err("No batch is selected.".into());
            };
            Ok((history, book.standing(history)))
        }
        Some(Overlay::Batch(view)) => Ok((&view.history, view.standing.clone())),
        _ => Err("No batch is shown here: J lists them.".into()),
    }
}

/// Does the batch belong to the cluster looked at?
pub(super) fn is_here(app: &App, history: &History) -> bool {
    elsewhere(app, &history.batch.pin).is_empty()
}

/// May the batch at hand be acted on, here and now?
fn can_act(app: &App) -> Result<(&History, Standing), Cow<'static, str>> {
    let (history, standing) = at_hand(app)?;
    can_write(app)?;
    let elsewhere = elsewhere(app, &history.batch.pin);
    if !elsewhere.is_empty() {
        return Err(format!("It belongs elsewhere: {}.", elsewhere.join("; ")).into());
    }
    if app.applying.as_ref().is_some_and(|it| it.ended.is_none()) {
        return Err("Another batch is being applied: wait for its end.".into());
    }
    if matches!(&app.shelf.book, Some(Ok(book)) if book.held) {
        return Err(
            "Another eksplorer is applying a batch right now: wait for its end; J reads the journal again.".into()
        );
    }
    match &standing {
        Standing::UndoneBy(by) => Err(format!("Batch {by} has undone it already.").into()),
        Standing::BeingUndoneBy(by) => {
            Err(format!("Batch {by} was to undo it and has not come to its end: resume that one.").into())
        }
        _ => Ok((history, standing)),
    }
}

/// May what undoes the batch at hand be looked for?
pub(super) fn can_undo(app: &App) -> Result<(), Cow<'static, str>> {
    match can_act(app)?.1 {
        Standing::Refused | Standing::Abandoned { done: 0 } => {
            Err("It has changed nothing: there is nothing to undo.".into())
        }
        _ if app.shelf.undoing.is_under_way() => Err("What would undo it is being looked for.".into()),
        _ => Ok(()),
    }
}

/// May what is left of the batch at hand be reviewed?
pub(super) fn can_resume(app: &App) -> Result<(), Cow<'static, str>> {
    match can_act(app)?.1 {
        Standing::Done { as_planned: Some(true) } => return Err("It is done: nothing of it is left.".into()),
        Standing::Done { as_planned: Some(false) } => {
            return Err("All its steps are done; what is not as planned takes a new change.".into());
        }
        _ => {}
    }
    match app.top_place() {
        Some(Overlay::Batch(view)) => match &view.seen {
            Some(Err(why)) => Err(format!("What is so now is not known: {why}").into()),
            Some(Ok(seen)) => against(seen).map_or(Ok(()), |why| Err(why.into())),
            None if view.resume => Err("What is so now is still being read.".into()),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Why what is left cannot be done, by what was read.
fn against(seen: &[Seen]) -> Option<String> {
    seen.iter().enumerate().find_map(|(at, it)| match it {
        Seen::Changed(why) => Some(format!(
            "It cannot be gone on with: somebody has changed what step {} is about: {}.",
            at + 1,
            why.join("; ")
        )),
        Seen::Unread(why) => {
            Some(format!("It cannot be gone on with: what step {} is about is not known: {why}", at + 1))
        }
        _ => None,
    })
}

/// Opens the batch under the cursor, and reads what is so now if something is open about it.
pub(super) fn open_batch(app: &mut App, effects: &mut Vec<Effect>) {
    let Ok((history, standing)) = at_hand(app).map(|(history, standing)| (history.clone(), standing)) else { return };
    let elsewhere = elsewhere(app, &history.batch.pin);
    let mut view = BatchView::new(history, standing, elsewhere);
    if app.is_live() && view.elsewhere.is_empty() && is_to_be_read(&view.history, &view.standing) {
        look(&mut view, app, effects);
    }
    push(app, Overlay::Batch(Box::new(view)));
}

fn look(view: &mut BatchView, app: &mut App, effects: &mut Vec<Effect>) {
    let ticket = view.slot.restart(&mut app.tickets);
    effects.push(Effect::Look { ticket, history: Box::new(view.history.clone()) });
}

/// Asks what would undo the batch at hand.
pub(super) fn undo(app: &mut App, effects: &mut Vec<Effect>) {
    let Ok(batch) = at_hand(app).map(|(history, _)| history.batch.id.clone()) else { return };
    let ticket = app.shelf.undoing.restart(&mut app.tickets);
    effects.push(Effect::Undo { ticket, batch });
    app.tell("Looking for what would undo it …");
}

/// Opens the review of what is left of the batch at hand; what is so now is read before.
pub(super) fn resume(app: &mut App, effects: &mut Vec<Effect>) {
    if matches!(app.top_place(), Some(Overlay::Journal(_))) {
        open_batch(app, effects);
    }
    let Some(Overlay::Batch(mut view)) = app.overlays.pop() else { return };
    let known = view.seen.is_some();
    view.resume = !known;
    if !known && !view.slot.is_under_way() {
        look(&mut view, app, effects);
    }
    push(app, Overlay::Batch(view));
    if known {
        open_rest(app, effects);
    }
}

/// The review of what is left, in the light of what was read.
fn open_rest(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(Overlay::Batch(view)) = app.overlays.last() else { return };
    let Some(Ok(seen)) = &view.seen else { return };
    if let Some(why) = against(seen) {
        return app.warn(why);
    }
    let rest = PlanView::resuming(view.history.clone(), seen);
    open_plan(app, rest, effects);
}

/// Takes in an answer.
pub(super) fn take(app: &mut App, ticket: Ticket, answer: Answer, effects: &mut Vec<Effect>) {
    match answer {
        Answer::Journal(read) => {
            if !app.shelf.slot.take(ticket) {
                return;
            }
            if let Err(why) = &read {
                let text = format!("What was left open here is not known: {why}");
                app.warn(text);
            }
            // Whoever holds it while a batch is applied here is this program.
            let busy = app.applying.as_ref().is_some_and(|it| it.ended.is_none());
            let read = read.map(|mut book| {
                if busy && book.held {
                    Arc::make_mut(&mut book).held = false;
                }
                book
            });
            app.shelf.book = Some(read);
            app.shelf.counted = None;
            fill(app);
        }
        Answer::Looked(seen) => {
            let mut resume = false;
            for overlay in &mut app.overlays {
                if let Overlay::Batch(view) = overlay
                    && view.slot.take(ticket)
                {
                    resume = std::mem::take(&mut view.resume) && seen.is_ok();
                    view.seen = Some(seen.clone());
                }
            }
            if resume && matches!(app.overlays.last(), Some(Overlay::Batch(_))) {
                open_rest(app, effects);
            }
        }
        _ => {}
    }
}

/// Tells once of what was left open in the cluster looked at, as soon as enough is known to say that it belongs here.
pub(super) fn remind(app: &mut App) {
    let (Some(cluster), Some(Ok(book))) = (app.cluster.clone(), app.shelf.book.clone()) else { return };
    if app.shelf.counted.as_ref().is_some_and(|(counted, _)| *counted != cluster) {
        // Those of the cluster looked at before.
        (app.shelf.counted, app.shelf.open) = (None, 0);
    }
    let whole = app.facts().cluster.value().is_some();
    let known = whole || app.snapshot.caller.value().is_some();
    let busy = app.applying.as_ref().is_some_and(|it| it.ended.is_none());
    let counted = Some((cluster.clone(), whole));
    if !app.is_live() || !known || busy || app.shelf.counted == counted {
        return;
    }
    let is_here = |pin: &Pin| elsewhere(app, pin).is_empty();
    let open: Vec<&BatchHead> = book.open().filter(|it| is_here(&it.pin)).collect();
    app.shelf.open = open.len();
    app.shelf.counted = counted;
    if let Some(last) = open.last()
        && app.shelf.reminded.insert(cluster)
    {
        app.warn(reminder(last, &book.standing_of(last), open.len(), app.now));
    } else if let Some(it) = book.heads().find(|it| book.standing_of(it) == Standing::BeingApplied)
        && elsewhere(app, &it.pin).is_empty()
        && app.notice.is_none()
    {
        app.tell("A batch is being applied by another eksplorer right now: J shows it.");
    }
}

/// `The batch of 02:14 stopped at step 2 of 4, and whether that step was done is not known: J shows it.`
fn reminder(last: &BatchHead, standing: &Standing, all: usize, now: Time) -> String {
    let made = last.made_at;
    let format = if made.date() == now.date() { "%H:%M UTC" } else { "%Y-%m-%d %H:%M UTC" };
    let when = made.0.strftime(format);
    let of = last.steps;
    let what = match standing {
        Standing::InDoubt { step } => {
            format!("stopped at step {step} of {of}, and whether that step was done is not known")
        }
        Standing::Stopped { done } => format!("stopped at step {} of {of}", done + 1),
        _ => "was agreed to, and nothing of it was done".to_owned(),
    };
    match all {
        1 => format!("A batch of {when} {what}: J shows it."),
        several => format!(
            "{} not come to an end here; the last, of {when}, {what}: J shows them.",
            count(several, "batch has", "batches have")
        ),
    }
}

/// Narrows the list as typed.
pub(super) fn arrange(app: &mut App) {
    let page = page(app);
    if let Some(Overlay::Journal(view)) = app.overlays.last_mut() {
        view.arrange(page);
    }
}

/// The list, if it has the keys.
pub(super) fn list(app: &mut App) -> Option<&mut JournalView> {
    match app.overlays.last_mut() {
        Some(Overlay::Journal(view)) => Some(view),
        _ => None,
    }
}
