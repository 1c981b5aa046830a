//! Access being added: the choice of the principal, what it is given, and where; and where a policy holds instead.
//!
//! Decides who is offered, and what is staged after the last step. A grant adds to what is there; where a policy holds is
//! set, and so can be narrowed too.

use std::collections::BTreeSet;

use super::staging::{all, edit, name_of, stage_each, state, whose};
use super::{associating, on_ground};
use crate::app::App;
use crate::app::columns::named as short_of;
use crate::app::effect::Effect;
use crate::app::overlay::Overlay;
use crate::app::overlay::add::{AddView, Scope, Step, names};
use crate::app::overlay::copy::To;
use crate::app::overlay::picker::Choice;
use crate::app::overlay::plan::named;
use crate::app::pane::Pane;
use crate::app::perform::push;
use crate::app::table::Row;
use crate::edit::draft::Edit;
use crate::edit::judge::Word;
use crate::edit::state::{State, Subject};
use crate::edit::wish::Wish;
use crate::model::mapping::{AccessScope, ScopeKind};
use crate::model::principal::Principal;
use crate::model::words::last_part;

/// The ARNs of those looked at: of the trace on top, else of the rows at hand.
fn arns_at_hand(app: &App) -> Vec<(String, String)> {
    let of_row = |row: &Row| Some((name_of(app, row), row.asked.as_ref()?.principal.arn()));
    match app.top_place() {
        Some(Overlay::Trace(view)) => {
            vec![(view.asked.principal.short(app.home()), view.asked.principal.arn())]
        }
        Some(_) => Vec::new(),
        None if matches!(app.pane, Pane::Entries | Pane::AwsAuth | Pane::Principals) => {
            app.chosen_rows().into_iter().filter_map(of_row).collect()
        }
        None => Vec::new(),
    }
}

/// The namespaces that are known.
fn namespaces(app: &App) -> Vec<String> {
    app.analysis.iter().flat_map(|it| it.permissions.namespaces()).map(str::to_owned).collect()
}

/// Everybody who could be let in: whom the panes know first, then the account's roles and users. Of a role that IAM
/// Identity Center made, the permission set is what it is called by.
pub(super) fn everybody(app: &App) -> Vec<Choice<String>> {
    let home = app.home();
    let mut people: Vec<Choice<String>> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut offer = |principal: &Principal, right: &str| {
        if !seen.insert(principal.key()) {
            return;
        }
        let note = principal.permission_set().map(|set| format!("permission set {set}")).unwrap_or_default();
        people.push(Choice {
            note,
            right: right.to_owned(),
            also: principal.arn(),
            ..Choice::new(short_of(principal, home), principal.arn())
        });
    };
    for row in app.table(Pane::Principals).into_iter().flat_map(|it| it.rows()) {
        if let Some(asked) = &row.asked {
            offer(&asked.principal, crate::app::words::state(row.mark));
        }
    }
    let iam = &app.snapshot.iam;
    // The entries of a service's own roles are that service's business.
    let roles = iam.roles.items().iter().filter(|it| !it.path.starts_with("/aws-service-role/")).map(|it| &it.arn);
    for arn in roles.chain(iam.users.items().iter().map(|it| &it.arn)) {
        if let Ok((principal, _)) = Principal::from_arn(arn) {
            offer(&principal, "");
        }
    }
    people
}

/// Opens the steps that give access: the principals at hand are taken, or one is asked for.
pub(in crate::app) fn open_add(app: &mut App) {
    if app.top_place().is_none() && matches!(app.pane, Pane::PodIdentity | Pane::Irsa) {
        return associating::open(app);
    }
    // Whom the row names may be a session's role, or no role at all: then the refusal says so at once.
    let found = all(
        arns_at_hand(app),
        |(name, _)| name.clone(),
        |(_, arn)| on_ground(app, |ground| ground.principal(arn)).map_err(|it| it.to_string()),
    );
    let mut principals: Vec<String> = match found {
        Ok(found) => found.iter().map(Principal::arn).collect(),
        Err(why) => return app.warn(format!("Nothing can be given to it: {why}")),
    };
    principals.sort();
    principals.dedup();
    let view = AddView::new(principals, everybody(app), namespaces(app));
    push(app, Overlay::Add(Box::new(view)));
}

/// Opens the choice of where a policy of an entry is to hold.
pub(super) fn open_rescope(app: &mut App, subjects: &[Subject], policy_arn: String) {
    let [subject] = subjects else { return };
    let scope = match state(app, subject) {
        Ok(Some(State::Entry(it))) => it.policies.get(&policy_arn).cloned(),
        _ => None,
    };
    let Some(scope) = scope else { return };
    let view = AddView::rescope(subject.clone(), policy_arn, &scope, namespaces(app));
    push(app, Overlay::Add(Box::new(view)));
    judge(app);
}

/// Opens the steps that give more to a staged entry.
pub(super) fn open_give(app: &mut App, subject: &Subject) {
    if let Subject::Entry(arn) = subject {
        let view = AddView::new(vec![arn.clone()], Vec::new(), namespaces(app));
        push(app, Overlay::Add(Box::new(view)));
    }
}

/// Looks at what is typed or chosen, and says what would be said against it.
pub(in crate::app) fn judge(app: &mut App) {
    let word = match app.overlays.last() {
        Some(Overlay::Add(view)) => {
            let typed = view.input().value().trim();
            match &view.step {
                Step::Principal(picker)
                    if typed.starts_with("arn:") || (picker.hits.is_empty() && !typed.is_empty()) =>
                {
                    on_ground(app, |ground| ground.judge_principal(typed))
                }
                // Whom something names may be gone.
                Step::Principal(picker) if !typed.is_empty() => match picker.chosen() {
                    Some(it) => on_ground(app, |ground| ground.judge_principal(&it.what)),
                    None => Word::Fine,
                },
                Step::Give(picker) if picker.hits.is_empty() && !typed.is_empty() => {
                    on_ground(app, |ground| ground.judge_policy(typed))
                }
                Step::Groups(_) => on_ground(app, |ground| ground.judge_identity("STANDARD", &names(typed), None)),
                Step::Scope(_) => match view.scope() {
                    Some(Scope::Namespaces(all)) => on_ground(app, |ground| ground.judge_namespaces(&all)),
                    _ => Word::Fine,
                },
                Step::Principal(_) | Step::Give(_) => Word::Fine,
            }
        }
        Some(Overlay::Identity(view)) => {
            let (groups, username) = view.read();
            let arn = match &view.subject {
                Subject::Entry(arn) => arn.clone(),
                Subject::Association(..) => String::new(),
            };
            // What EKS gives by itself is not judged as if somebody had chosen it.
            let default = Principal::from_arn(&arn).ok().and_then(|(principal, _)| {
                crate::model::validation::entry::EntryType::of(&view.kind)?.default_username(&principal)
            });
            let own = username.filter(|it| Some(it) != default.as_ref());
            on_ground(app, |ground| ground.judge_identity(&view.kind, &groups, own.as_deref()))
        }
        Some(Overlay::Associate(_)) => associating::judged(app),
        Some(Overlay::CopyAccess(view)) => {
            let typed = view.picker.input.value().trim();
            match view.picker.hits.is_empty() && !typed.is_empty() {
                _ if typed.starts_with("arn:") && view.from.len() > 1 => {
                    Word::Wrong("several are copied only into another cluster".to_owned())
                }
                _ if typed.starts_with("arn:") => on_ground(app, |ground| ground.judge_principal(typed)),
                true => Word::Wrong("no principal or cluster is called that: a name, or a whole ARN".to_owned()),
                false => match view.to() {
                    Some(To::Principal(arn)) if !typed.is_empty() => {
                        on_ground(app, |ground| ground.judge_principal(&arn))
                    }
                    _ => Word::Fine,
                },
            }
        }
        _ => return,
    };
    match app.overlays.last_mut() {
        Some(Overlay::Add(view)) => view.word = word,
        Some(Overlay::Identity(view)) => view.word = word,
        Some(Overlay::Associate(view)) => view.word = word,
        Some(Overlay::CopyAccess(view)) => view.word = word,
        _ => {}
    }
}

/// Takes what is chosen or typed at a step; stages after the last.
pub(in crate::app) fn accept_add(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(Overlay::Add(view)) = app.overlays.last() else { return };
    let mut wish = Wish { policy: view.policy.clone(), ..Wish::default() };
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
            return judge(app);
        }
        Step::Give(picker) => {
            let typed = view.input().value().trim();
            let give = match picker.chosen() {
                Some(it) => Some(it.what.clone()),
                None if typed.starts_with("arn:") && !view.word.is_wrong() => {
                    Some(crate::app::overlay::add::Give::Policy(typed.to_owned()))
                }
                None => None,
            };
            if let (Some(give), Some(Overlay::Add(view))) = (give, app.overlays.last_mut()) {
                view.to_last(give);
            }
            return judge(app);
        }
        Step::Groups(input) => wish.groups = names(input.value()),
        Step::Scope(_) => match view.scope() {
            Some(Scope::Cluster) => wish.cluster_wide = true,
            Some(Scope::Namespaces(all)) => wish.namespaces = all,
            None => return,
        },
    }
    let (principals, rescoped) = (view.principals.clone(), view.rescoped.clone());
    let place = if wish.cluster_wide { "the whole cluster".to_owned() } else { wish.namespaces.join(", ") };
    let staged = match rescoped {
        Some((subject, policy_arn)) => {
            let what = format!("{} of {subject} holds in {place}", last_part(&policy_arn));
            let scope = match wish.cluster_wide {
                true => AccessScope::default(),
                false => AccessScope { kind: ScopeKind::Namespace, namespaces: wish.namespaces },
            };
            edit(app, &[subject], &what, &Edit::GivePolicy { policy_arn, scope })
        }
        None => {
            let given = match &wish.policy {
                Some(policy) => format!("{} in {place}", last_part(policy)),
                None => format!("groups {}", wish.groups.join(", ")),
            };
            let subjects: Vec<Subject> = principals.into_iter().map(Subject::Entry).collect();
            let (whom, verb) = match subjects.as_slice() {
                [one] => (named(one, app.home()), "gets"),
                several => (whose(app, several, "principals"), "get"),
            };
            let what = format!("{whom} {verb} {given}");
            stage_each(app, &subjects, &what, |ground, draft, subject| {
                let Subject::Entry(arn) = subject else { return Ok(()) };
                ground.stage(draft, &Wish { grant: Some(arn.clone()), ..wish.clone() })
            })
        }
    };
    if staged {
        app.overlays.pop();
        super::review::staged_anew(app, effects);
    }
}
