//! Changing access: staging edits on rows, reviewing what is staged, applying it, undoing it.
//!
//! Decides who may stage here and now, what each key means on which row, and what becomes of the draft in the end. What an
//! edit is and whether it is refused is `edit`'s; applying is the rim's. A new way to stage is a function here and a
//! command.

use std::borrow::Cow;
use std::sync::Arc;

use super::App;
use super::effect::{Effect, Work};
use super::keymap::Context;
use super::layout::layout;
use super::message::{Answer, Ticket};
use super::overlay::Overlay;
use super::overlay::add::{AddView, IdentityView, Scope, Step, names};
use super::overlay::applying::Applying;
use super::overlay::document::{Document, DocumentView};
use super::overlay::picker::{Choice, Picker};
use super::overlay::plan::{PlanView, named};
use super::pane::Pane;
use super::perform::push;
use super::rebase;
use super::words::count;
use crate::edit::draft::{Draft, Edit, Refusal};
use crate::edit::export::{Place, quoted, script};
use crate::edit::record::Batch;
use crate::edit::state::{EntryState, State, Subject, now};
use crate::edit::wish::{Ground, Wish};
use crate::model::principal::Principal;
use crate::model::snapshot::Source;
use crate::model::words::last_part;

/// May changes be staged here?
pub(super) fn can_write(app: &App) -> Result<(), Cow<'static, str>> {
    match &app.snapshot.source {
        Source::File { .. } => Err("This is a file: it is looked at, and never changed.".into()),
        _ if !app.write => {
            Err("This is READ-ONLY: start with --write to stage changes; eksplorer grant shows a plan without it."
                .into())
        }
        _ if app.cluster.is_none() => Err("Choose a cluster first: C lists them.".into()),
        _ => Ok(()),
    }
}

/// Is there a row whose entry could be changed?
pub(super) fn has_subject(app: &App, context: Context) -> Result<(), Cow<'static, str>> {
    match (context, app.pane) {
        (Context::List, Pane::Entries | Pane::AwsAuth | Pane::Principals) if app.selected_row().is_some() => Ok(()),
        (Context::List, Pane::Entries | Pane::AwsAuth | Pane::Principals) => Err("No row is selected.".into()),
        _ => Err("Access entries are changed from the panes Entries, aws-auth and Principals.".into()),
    }
}

fn on_ground<T>(app: &App, with: impl FnOnce(&Ground<'_>) -> T) -> T {
    let facts = app.facts();
    with(&Ground { facts: &facts, iam: &app.snapshot.iam })
}

/// Stages; tells what is staged now, or why not. True if it was staged.
fn stage(app: &mut App, what: &str, with: impl FnOnce(&Ground<'_>, &mut Draft) -> Result<(), Refusal>) -> bool {
    let Some(cluster) = app.cluster.clone() else { return false };
    let (facts, snapshot) = (app.facts(), app.snapshot.clone());
    let ground = Ground { facts: &facts, iam: &snapshot.iam };
    let staging = app.staged.entry(cluster).or_default();
    let before = staging.draft().clone();
    let staged = staging.change(|draft| with(&ground, draft));
    let (same, n) = (*staging.draft() == before, staging.draft().len());
    match staged {
        Ok(()) if same => {
            app.tell(format!("{what}: it is so already; nothing was staged."));
            true
        }
        Ok(()) => {
            app.tell(format!("Staged: {what}. Nothing was done yet: r reviews {}.", count(n, "change", "changes")));
            true
        }
        Err(refusal) => {
            app.warn(format!("Not staged: {refusal}"));
            false
        }
    }
}

/// The principal that is looked at, by its ARN.
fn principal_at_hand(app: &App) -> Option<String> {
    match app.top_place() {
        Some(Overlay::Trace(view)) => Some(view.asked.principal.arn()),
        Some(_) => None,
        None if matches!(app.pane, Pane::Entries | Pane::AwsAuth | Pane::Principals) => {
            Some(app.selected_row()?.asked.as_ref()?.principal.arn())
        }
        None => None,
    }
}

/// Opens the steps that give access: the principal at hand is taken, or asked for.
pub(super) fn open_add(app: &mut App) {
    let mut people: Vec<Choice<String>> = Vec::new();
    let mut offer = |arn: String, text: String, right: &str| {
        people.push(Choice {
            text,
            note: String::new(),
            right: right.to_owned(),
            also: arn.clone(),
            disabled: None,
            what: arn,
        });
    };
    let mut seen = std::collections::BTreeSet::new();
    let home = app.home().map(str::to_owned);
    for row in app.table(Pane::Principals).into_iter().flat_map(|it| it.rows()) {
        if let Some(asked) = &row.asked
            && seen.insert(asked.principal.key())
        {
            offer(asked.principal.arn(), asked.principal.short(home.as_deref()), super::words::state(row.mark));
        }
    }
    let iam = app.snapshot.iam.clone();
    for arn in iam.roles.items().iter().map(|it| &it.arn).chain(iam.users.items().iter().map(|it| &it.arn)) {
        if let Ok((principal, _)) = Principal::from_arn(arn)
            && seen.insert(principal.key())
        {
            offer(arn.clone(), principal.short(home.as_deref()), "");
        }
    }
    let namespaces = app.analysis.iter().flat_map(|it| it.permissions.namespaces()).map(str::to_owned).collect();
    // Whom the row names may be a session's role, or no role at all: then the refusal says so at once.
    let principal = match principal_at_hand(app).map(|arn| on_ground(app, |ground| ground.principal(&arn))) {
        Some(Ok(principal)) => Some(principal.arn()),
        Some(Err(refusal)) => return app.warn(format!("Nothing can be given to it: {refusal}")),
        None => None,
    };
    push(app, Overlay::Add(Box::new(AddView::new(principal, people, namespaces))));
}

/// Takes what is chosen or typed at a step; stages after the last.
pub(super) fn accept_add(app: &mut App) {
    let Some(Overlay::Add(view)) = app.overlays.last() else { return };
    let mut wish = Wish { grant: view.principal.clone(), policy: view.policy.clone(), ..Wish::default() };
    match &view.step {
        Step::Principal(_) => {
            let Some(text) = view.whom() else { return };
            match on_ground(app, |ground| ground.principal(&text)) {
                Ok(principal) => {
                    if let Some(Overlay::Add(view)) = app.overlays.last_mut() {
                        view.to_give(principal.arn());
                    }
                }
                Err(refusal) => app.warn(refusal.to_string()),
            }
            return;
        }
        Step::Give(picker) => {
            let give = picker.chosen().map(|it| it.what.clone());
            if let (Some(give), Some(Overlay::Add(view))) = (give, app.overlays.last_mut()) {
                view.to_last(give);
            }
            return;
        }
        Step::Groups(input) => wish.groups = names(input.value()),
        Step::Scope(_) => match view.scope() {
            Some(Scope::Cluster) => wish.cluster_wide = true,
            Some(Scope::Namespaces(all)) => wish.namespaces = all,
            None => return,
        },
    }
    let what = match &wish.policy {
        Some(policy) if wish.cluster_wide => format!("{policy} in the whole cluster"),
        Some(policy) => format!("{policy} in {}", wish.namespaces.join(", ")),
        None => format!("groups {}", wish.groups.join(", ")),
    };
    let whom = wish.grant.clone().map(Subject::Entry).map(|it| named(&it, app.home())).unwrap_or_default();
    if stage(app, &format!("{whom} gets {what}"), |ground, draft| ground.stage(draft, &wish)) {
        app.overlays.pop();
    }
}

/// The entry that the row is about. In Entries it is the row's own, even if it is dead under its old path.
fn subject(app: &App) -> Result<Subject, String> {
    let Some(row) = app.selected_row() else { return Err("No row is selected.".to_owned()) };
    match app.pane {
        Pane::Entries => Ok(Subject::Entry(row.arn.clone())),
        Pane::AwsAuth => Err(eksctl(app, &row.arn)),
        _ => {
            let arn = row.asked.as_ref().map(|it| it.principal.arn()).unwrap_or_default();
            let principal = on_ground(app, |ground| ground.principal(&arn)).map_err(|it| it.to_string())?;
            let subject = Subject::Entry(principal.arn());
            if entry(app, &subject).is_ok_and(|it| it.is_none())
                && let Some(why) = on_ground(app, |ground| ground.of_aws_auth(&subject))
            {
                return Err(why);
            }
            Ok(subject)
        }
    }
}

/// How a row of aws-auth is removed, which this program does not do.
fn eksctl(app: &App, arn: &str) -> String {
    let Some(id) = &app.cluster else { return String::new() };
    // aws-auth knows no paths.
    let arn = Principal::from_arn(arn).map_or_else(|_| arn.to_owned(), |(it, _)| it.canonical());
    format!(
        "This program does not change aws-auth. Nothing was done. To remove the row: eksctl delete iamidentitymapping \
         --cluster {} --region {} --arn {}",
        quoted(&id.name),
        quoted(&id.region),
        quoted(&arn)
    )
}

/// The entry as it is staged, else as it is.
fn entry(app: &App, subject: &Subject) -> Result<Option<EntryState>, String> {
    let staged = app.staging().and_then(|it| it.draft().change(subject));
    let state = match staged {
        Some(change) => change.after.clone(),
        None => now(&app.facts(), subject).known()?,
    };
    Ok(match state {
        Some(State::Entry(it)) => Some(it),
        _ => None,
    })
}

/// The row's entry, with what it is; tells why there is none.
fn entry_at_hand(app: &mut App) -> Option<(Subject, EntryState)> {
    let found = subject(app).and_then(|subject| match entry(app, &subject)? {
        Some(state) => Ok((subject, state)),
        None => Err(format!("There is no {subject}: a adds access.")),
    });
    found.map_err(|why| app.warn(why)).ok()
}

fn edit(app: &mut App, subject: &Subject, what: &str, edit: Edit) -> bool {
    stage(app, what, |ground, draft| draft.stage(ground.facts, subject, edit, EntryState::default))
}

/// Stages the removal of the row's entry.
pub(super) fn remove(app: &mut App) {
    if let Some((subject, _)) = entry_at_hand(app) {
        let what = format!("{subject} is removed");
        edit(app, &subject, &what, Edit::Remove);
    }
}

/// Stages that the row's entry is deleted and made again.
pub(super) fn recreate(app: &mut App) {
    if let Some((subject, _)) = entry_at_hand(app) {
        let what = format!("{subject} is deleted and made again");
        edit(app, &subject, &what, Edit::Again);
    }
}

/// Opens the prompt for the entry's groups and username.
pub(super) fn open_identity(app: &mut App) {
    if let Some((subject, state)) = entry_at_hand(app) {
        push(app, Overlay::Identity(Box::new(IdentityView::new(subject, &state))));
    }
}

/// Stages groups and username as typed.
pub(super) fn accept_identity(app: &mut App) {
    let Some(Overlay::Identity(view)) = app.overlays.last() else { return };
    let (subject, (groups, username)) = (view.subject.clone(), view.read());
    let what = match groups.as_slice() {
        [] => format!("{subject} gives no groups"),
        some => format!("{subject} gives groups {}", some.join(", ")),
    };
    if edit(app, &subject, &what, Edit::Identity { groups, username }) {
        app.overlays.pop();
    }
}

/// Opens the choice of the policy to take away.
pub(super) fn open_take(app: &mut App) {
    let Some((subject, state)) = entry_at_hand(app) else { return };
    if state.policies.is_empty() {
        return app.warn(format!("{subject} has no access policies."));
    }
    let choices = state.policies.iter().map(|(arn, scope)| Choice {
        text: last_part(arn).to_owned(),
        note: scope.to_string(),
        right: String::new(),
        also: arn.clone(),
        disabled: None,
        what: arn.clone(),
    });
    let picker = Box::new(Picker::new(choices.collect()));
    push(app, Overlay::TakePolicy { subject, picker });
}

/// Stages that it is taken away.
pub(super) fn accept_take(app: &mut App) {
    let Some(Overlay::TakePolicy { subject, picker }) = app.overlays.last() else { return };
    let Some(policy_arn) = picker.chosen().map(|it| it.what.clone()) else { return };
    let subject = subject.clone();
    let what = format!("{subject} loses {}", last_part(&policy_arn));
    if edit(app, &subject, &what, Edit::TakePolicy { policy_arn }) {
        app.overlays.pop();
    }
}

/// Takes back what was staged last, or stages it again.
pub(super) fn step_back(app: &mut App, forward: bool) {
    let Some(staging) = app.cluster.clone().and_then(|id| app.staged.get_mut(&id)) else { return };
    if forward {
        staging.redo()
    } else {
        staging.undo()
    };
    let n = staging.draft().len();
    app.tell(format!("{} staged now.", count(n, "change is", "changes are")));
}

/// Opens the review of what is staged.
pub(super) fn open_review(app: &mut App, effects: &mut Vec<Effect>) {
    rebase::onto_facts(app);
    let Some(draft) = app.staging().map(|it| it.draft().clone()) else { return };
    open_plan(app, PlanView::new(draft, None), effects);
}

fn open_plan(app: &mut App, mut view: PlanView, effects: &mut Vec<Effect>) {
    let Some(cluster) = app.cluster.clone() else { return };
    let ticket = view.slot.restart(&mut app.tickets);
    effects.push(Effect::Plan { ticket, cluster, draft: Box::new(view.draft.clone()) });
    push(app, Overlay::Plan(Box::new(view)));
}

/// Asks anew for the reviews that are open, for facts have come.
pub(super) fn asked_anew(app: &mut App, effects: &mut Vec<Effect>) {
    rebase::where_blocked(app);
    let Some(cluster) = app.cluster.clone() else { return };
    let App { overlays, tickets, .. } = app;
    for overlay in overlays {
        if let Overlay::Plan(view) = overlay
            && let Some(ticket) = view.slot.want(tickets)
        {
            effects.push(Effect::Plan { ticket, cluster: cluster.clone(), draft: Box::new(view.draft.clone()) });
        }
    }
}

/// Answers the first open question with yes.
pub(super) fn answer(app: &mut App) {
    if let Some(Overlay::Plan(view)) = app.overlays.last_mut() {
        view.answer();
    }
}

/// Begins to type the cluster's name.
pub(super) fn confirm(app: &mut App) {
    if let Some(Overlay::Plan(view)) = app.overlays.last_mut() {
        view.input.reset();
        view.typing = true;
    }
}

/// Applies, if the name typed is the cluster's.
pub(super) fn accept_name(app: &mut App, effects: &mut Vec<Effect>) {
    let (Some(cluster), Some(Overlay::Plan(view))) = (app.cluster.clone(), app.overlays.last()) else { return };
    // What was asked meanwhile is answered first.
    let against = view.against().or_else(|| match (can_write(app), &app.applying) {
        (Err(why), _) => Some(why.into_owned()),
        (_, Some(it)) if it.ended.is_none() => Some("Another batch is being applied: wait for its end.".to_owned()),
        _ => None,
    });
    if let Some(why) = against {
        return app.warn(why);
    }
    if view.input.value().trim() != cluster.name {
        let typed = view.input.value().trim().to_owned();
        return app.warn(format!("{typed:?} is not the cluster's name. Nothing was done."));
    }
    let (draft, undoes) = (view.draft.clone(), view.undoes.clone());
    app.overlays.pop();
    let ticket = app.tickets.another();
    app.applying = Some(Applying::new(cluster.clone(), draft.clone(), undoes.is_some(), ticket));
    let work = match undoes {
        Some(batch) => Work::Batch(batch),
        None => Work::Draft(Box::new(draft)),
    };
    effects.push(Effect::Apply { ticket, cluster, work });
    show_progress(app);
}

/// Shows what is being applied, or was applied last.
pub(super) fn show_progress(app: &mut App) {
    app.overlays.retain(|it| !matches!(it, Overlay::Apply { .. }));
    push(app, Overlay::Apply { top: 0 });
}

/// Opens the script of what is reviewed.
pub(super) fn export(app: &mut App) {
    let (Some(id), Some(Overlay::Plan(view))) = (app.cluster.clone(), app.overlays.last()) else { return };
    let Some(review) = view.review.clone() else { return };
    let account = app.facts().cluster.value().and_then(|it| it.account()).or(app.snapshot.iam.account.clone());
    let title = if view.undoes.is_some() { "Undo of an access change" } else { "Access change" };
    let place = Place { cluster: id.name, region: id.region, account };
    let text = script(&place, &review.steps, title);
    let document = Document::new("AWS CLI script".to_owned(), text, "");
    let view = DocumentView::new(document, usize::from(layout(app).place.height));
    push(app, Overlay::Document(Box::new(view)));
}

/// Asks what would undo the batch that was applied.
pub(super) fn undo(app: &mut App, effects: &mut Vec<Effect>) {
    let App { applying: Some(applying), tickets, .. } = app else { return };
    let Ok(batch) = applying.undoable().map(str::to_owned) else { return };
    let ticket = applying.undoing.restart(tickets);
    effects.push(Effect::Undo { ticket, batch });
    app.tell("Looking for what would undo it …");
}

/// Leaves the program; while something is applied, when the step at hand has ended.
pub(super) fn leave(app: &mut App, effects: &mut Vec<Effect>) {
    let applying = app.applying.as_ref().is_some_and(|it| it.ended.is_none());
    if applying && !app.leaving {
        app.leaving = true;
        effects.push(Effect::StopApplying);
        app.tell("A batch is being applied: leaving when the step at hand has ended. Again: leave at once, in doubt.");
    } else {
        effects.push(Effect::Quit);
    }
}

/// Takes in an answer.
pub(super) fn take(app: &mut App, ticket: Ticket, answer: Answer, effects: &mut Vec<Effect>) {
    match answer {
        Answer::Plan(review) => {
            let mut again = false;
            for overlay in &mut app.overlays {
                if let Overlay::Plan(view) = overlay
                    && view.slot.take(ticket)
                {
                    view.take(Arc::clone(&review));
                    again |= view.slot.again();
                }
            }
            if again {
                asked_anew(app, effects);
            }
        }
        Answer::Progress(progress) => {
            if let Some(applying) = app.applying.as_mut().filter(|it| it.ticket == ticket) {
                applying.take(&progress);
            }
        }
        Answer::Applied(ended) => {
            let Some(applying) = app.applying.as_mut().filter(|it| it.ticket == ticket) else { return };
            applying.end(ended);
            let (cluster, draft) = (applying.cluster.clone(), applying.draft.clone());
            let (changed, told) = (applying.left_its_mark(), applying.outcome());
            if changed {
                app.staged.entry(cluster.clone()).or_default().applied(&draft);
                effects.push(Effect::Load(cluster));
            }
            if app.leaving {
                effects.push(Effect::Quit);
            }
            // Where the batch is looked at, it says this itself.
            if !matches!(app.overlays.last(), Some(Overlay::Apply { .. }))
                && let Some((good, text)) = told
            {
                let text = format!("{text} P shows it.");
                if good { app.tell(text) } else { app.warn(text) }
            }
        }
        Answer::Undo(found) => {
            let awaited = app.applying.as_mut().is_some_and(|it| it.undoing.take(ticket));
            if !awaited {
                return;
            }
            app.notice = None;
            match found {
                Ok(Some(batch)) => open_undo(app, batch, effects),
                Ok(None) => app.tell("There is nothing to undo: the batch has changed nothing."),
                Err(why) => app.warn(why),
            }
        }
        _ => {}
    }
}

fn open_undo(app: &mut App, batch: Box<Batch>, effects: &mut Vec<Effect>) {
    let here = app.cluster.as_ref().is_some_and(|it| it.name == batch.pin.cluster && it.region == batch.pin.region);
    if !here {
        return app.warn(format!("The batch belongs to cluster {}: choose that first.", batch.pin.cluster));
    }
    open_plan(app, PlanView::new(batch.draft.clone(), Some(batch)), effects);
}
