//! Pod Identity associations being made or changed: for which service accounts, which role, which role after it.
//!
//! Decides who and what is offered, in which order, and what is staged after the last step.

use std::collections::BTreeMap;

use super::on_ground;
use super::staging::{stage_each, state};
use crate::access::Verdict;
use crate::access::workload::candidates::{Candidate, candidates};
use crate::app::App;
use crate::app::columns::named as short_of;
use crate::app::effect::Effect;
use crate::app::overlay::Overlay;
use crate::app::overlay::associate::{Account, AssociateView, OfferedRole, Step};
use crate::app::overlay::picker::Choice;
use crate::app::pane::Pane;
use crate::app::perform::push;
use crate::app::staged::association;
use crate::edit::draft::Edit;
use crate::edit::judge::Word;
use crate::edit::state::{AssociationState, EntryState, State, Subject, now};
use crate::model::principal::Principal;
use crate::model::words::last_part;

/// Opens the steps: of a row of IRSA for its service account, else for one that is asked for.
pub(super) fn open(app: &mut App) {
    let account = app.selected_row().filter(|_| app.pane == Pane::Irsa).and_then(association);
    match account {
        Some(Subject::Association(namespace, name)) => open_for(app, vec![(namespace, name)]),
        _ if app.pane == Pane::Irsa && app.selected_row().is_some() => {
            app.warn("This role belongs to no service account yet: a in the pane Pod Identity asks for one.");
        }
        _ => {
            let view = AssociateView::asking(everybody(app));
            push(app, Overlay::Associate(Box::new(view)));
            super::adding::judge(app);
        }
    }
}

/// Opens the choice of the role for these accounts.
pub(super) fn open_for(app: &mut App, accounts: Vec<Account>) {
    let target = match accounts.as_slice() {
        [] => return,
        [one] => target_of(app, one),
        _ => None,
    };
    let roles = roles(app, &accounts);
    push(app, Overlay::Associate(Box::new(AssociateView::of(accounts, roles, target))));
    super::adding::judge(app);
}

fn subject(account: &Account) -> Subject {
    Subject::Association(account.0.clone(), account.1.clone())
}

fn association_of(app: &App, account: &Account) -> Option<AssociationState> {
    match state(app, &subject(account)) {
        Ok(Some(State::Association(it))) => Some(it),
        _ => None,
    }
}

fn target_of(app: &App, account: &Account) -> Option<String> {
    association_of(app, account)?.target_role_arn
}

/// The service accounts of the cluster, with what gives them a role now.
fn everybody(app: &App) -> Vec<Choice<Account>> {
    let facts = app.facts();
    let mut roles: BTreeMap<Account, (String, &str)> = BTreeMap::new();
    for it in facts.service_accounts.items() {
        let account = (it.metadata.namespace.clone().unwrap_or_default(), it.metadata.name.clone());
        let irsa = it.role_arn().map(|role| (last_part(role).to_owned(), "IRSA"));
        roles.insert(account, irsa.unwrap_or_default());
    }
    for it in facts.pod_identity_associations.items() {
        let role = it.role_arn.as_deref().map_or_else(|| "?".to_owned(), |it| last_part(it).to_owned());
        roles.insert((it.namespace.clone(), it.service_account.clone()), (role, "Pod Identity"));
    }
    let choice = |(what, (role, by)): (Account, (String, &str))| Choice {
        note: if role.is_empty() { String::new() } else { format!("has role {role}") },
        right: by.to_owned(),
        ..Choice::new(format!("{}/{}", what.0, what.1), what)
    };
    roles.into_iter().map(choice).collect()
}

/// The roles of the account: those first whose trust policy lets the accounts in, all of them; the others say why theirs
/// would not.
fn roles(app: &App, accounts: &[Account]) -> Vec<Choice<OfferedRole>> {
    let (home, facts) = (app.home(), app.facts());
    let now = match accounts {
        [one] => association_of(app, one).map(|it| it.role_arn),
        _ => None,
    };
    let mut worst: BTreeMap<String, Candidate> = BTreeMap::new();
    for (namespace, name) in accounts {
        for it in candidates(&facts, &app.snapshot.iam, namespace, name) {
            match worst.get_mut(&it.arn) {
                Some(known) if known.outcome <= it.outcome => {}
                Some(known) => *known = it,
                None => drop(worst.insert(it.arn.clone(), it)),
            }
        }
    }
    let mut all: Vec<Candidate> = worst.into_values().collect();
    all.sort_by(|a, b| (b.outcome, &a.arn).cmp(&(a.outcome, &b.arn)));
    let one = |it: Candidate| {
        let (right, note) = match it.outcome {
            Verdict::Yes if Some(&it.arn) == now.as_ref() => ("has it now", String::new()),
            Verdict::Yes if accounts.len() > 1 => ("lets all in", String::new()),
            Verdict::Yes => ("lets it in", String::new()),
            Verdict::Unknown => ("not known", it.because),
            Verdict::No => ("would refuse it", it.because),
        };
        Choice {
            note,
            right: right.to_owned(),
            also: it.arn.clone(),
            ..Choice::new(
                Principal::from_arn(&it.arn).map_or_else(|_| it.arn.clone(), |(role, _)| short_of(&role, home)),
                OfferedRole { arn: it.arn, outcome: it.outcome },
            )
        }
    };
    all.into_iter().map(one).collect()
}

/// What is said of what is typed or chosen.
pub(super) fn judged(app: &App) -> Word {
    let Some(Overlay::Associate(view)) = app.overlays.last() else { return Word::Fine };
    let typed = view.input().value().trim();
    match &view.step {
        Step::Account(_) => match view.whom() {
            None if typed.is_empty() => Word::Fine,
            None => Word::Wrong("write NAMESPACE/NAME".to_owned()),
            Some(account) => account_word(app, &account),
        },
        Step::Role(_) if typed.starts_with("arn:") => on_ground(app, |ground| ground.judge_role(typed, false)),
        Step::Target(_) if typed.starts_with("arn:") => on_ground(app, |ground| ground.judge_role(typed, true)),
        Step::Role(picker) => match picker.chosen() {
            Some(it) if it.what.outcome == Verdict::No => Word::Wrong(it.note.clone()),
            Some(it) if !it.note.is_empty() => Word::Open(it.note.clone()),
            Some(_) => Word::Fine,
            None => Word::Wrong("no role is called that: a name, or a whole ARN".to_owned()),
        },
        Step::Target(picker) if picker.hits.is_empty() => {
            Word::Wrong("no role is called that: a name, or a whole ARN".to_owned())
        }
        Step::Target(_) => Word::Fine,
    }
}

fn account_word(app: &App, account: &Account) -> Word {
    let facts = app.facts();
    let is_it = |it: &crate::model::workload::ServiceAccount| {
        it.metadata.namespace.as_deref() == Some(&account.0) && it.metadata.name == account.1
    };
    use crate::model::snapshot::Lookup;
    if association_of(app, account).is_some() {
        return Word::Known("it has an association: its role is changed".to_owned());
    }
    match facts.service_accounts.lookup(is_it, |_| true) {
        Lookup::Found(it) if it.role_arn().is_some() => {
            Word::Known("it has a role by IRSA: new pods will get this one instead".to_owned())
        }
        Lookup::Found(_) => Word::Fine,
        Lookup::Absent => Word::Known("there is no such service account today: EKS does not ask".to_owned()),
        Lookup::Unknown(gap) => Word::Open(format!("whether there is such a service account is not known: {gap}")),
    }
}

/// Takes what is chosen or typed at a step; stages after the last.
pub(in crate::app) fn accept_association(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(Overlay::Associate(view)) = app.overlays.last() else { return };
    let typed_wrong = view.word.is_wrong() && view.input().value().trim().starts_with("arn:");
    match &view.step {
        Step::Account(_) => {
            let Some(account) = view.whom() else { return };
            let (roles, target) = (roles(app, std::slice::from_ref(&account)), target_of(app, &account));
            if let Some(Overlay::Associate(view)) = app.overlays.last_mut() {
                view.to_role(account, roles, target);
            }
            super::adding::judge(app);
        }
        _ if typed_wrong => {
            if let Word::Wrong(why) = view.word.clone() {
                app.warn(format!("Not taken: {why}"));
            }
        }
        Step::Role(_) => {
            let Some(role) = view.which() else { return };
            if let Some(Overlay::Associate(view)) = app.overlays.last_mut() {
                view.to_target(role);
            }
            super::adding::judge(app);
        }
        Step::Target(picker) => {
            if picker.hits.is_empty() && view.which().is_none() {
                return;
            }
            let target = view.which();
            let (Some(role_arn), accounts) = (view.role.clone(), view.accounts.clone()) else { return };
            let whom = view.whose().unwrap_or_default();
            let verb = if accounts.len() == 1 { "gets" } else { "get" };
            let then = target.as_deref().map(|it| format!(", then {}", last_part(it))).unwrap_or_default();
            let what = format!("{whom} {verb} role {}{then}", last_part(&role_arn));
            let subjects: Vec<Subject> = accounts.iter().map(subject).collect();
            let staged = stage_each(app, &subjects, &what, |ground, draft, subject| {
                let old = match draft.change(subject) {
                    Some(change) => change.after.clone(),
                    None => now(ground.facts, subject).known().map_err(crate::edit::draft::Refusal)?,
                };
                let old = match old {
                    Some(State::Association(it)) => it,
                    _ => AssociationState::default(),
                };
                let new = AssociationState { role_arn: role_arn.clone(), target_role_arn: target.clone(), ..old };
                draft.stage(ground.facts, subject, Edit::Associate(new), EntryState::default)
            });
            if staged {
                app.overlays.pop();
                super::review::staged_anew(app, effects);
            }
        }
    }
}
