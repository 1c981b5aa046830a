//! Edits of access entries, staged on the rows that they are about.
//!
//! Decides what each key means on which row: whose entry it is, and what is asked before it is staged. Knows nothing of
//! what follows from an edit: that is the review's.

use super::{on_ground, stage};
use crate::app::App;
use crate::app::overlay::Overlay;
use crate::app::overlay::add::{AddView, IdentityView, Scope, Step, names};
use crate::app::overlay::picker::{Choice, Picker};
use crate::app::overlay::plan::named;
use crate::app::pane::Pane;
use crate::app::perform::push;
use crate::edit::draft::Edit;
use crate::edit::export::quoted;
use crate::edit::state::{EntryState, State, Subject, now};
use crate::edit::wish::Wish;
use crate::model::principal::Principal;
use crate::model::words::last_part;

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
pub(in crate::app) fn open_add(app: &mut App) {
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
            offer(asked.principal.arn(), asked.principal.short(home.as_deref()), crate::app::words::state(row.mark));
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
pub(in crate::app) fn accept_add(app: &mut App) {
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
pub(in crate::app) fn remove(app: &mut App) {
    if let Some((subject, _)) = entry_at_hand(app) {
        let what = format!("{subject} is removed");
        edit(app, &subject, &what, Edit::Remove);
    }
}

/// Stages that the row's entry is deleted and made again.
pub(in crate::app) fn recreate(app: &mut App) {
    if let Some((subject, _)) = entry_at_hand(app) {
        let what = format!("{subject} is deleted and made again");
        edit(app, &subject, &what, Edit::Again);
    }
}

/// Opens the prompt for the entry's groups and username.
pub(in crate::app) fn open_identity(app: &mut App) {
    if let Some((subject, state)) = entry_at_hand(app) {
        push(app, Overlay::Identity(Box::new(IdentityView::new(subject, &state))));
    }
}

/// Stages groups and username as typed.
pub(in crate::app) fn accept_identity(app: &mut App) {
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
pub(in crate::app) fn open_take(app: &mut App) {
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
pub(in crate::app) fn accept_take(app: &mut App) {
    let Some(Overlay::TakePolicy { subject, picker }) = app.overlays.last() else { return };
    let Some(policy_arn) = picker.chosen().map(|it| it.what.clone()) else { return };
    let subject = subject.clone();
    let what = format!("{subject} loses {}", last_part(&policy_arn));
    if edit(app, &subject, &what, Edit::TakePolicy { policy_arn }) {
        app.overlays.pop();
    }
}
