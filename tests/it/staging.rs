//! Staging on the screen: marks, associations, copies, where a policy holds, single changes of a review, and what is said
//! of a value while it is typed.

use eksplorer::app::overlay::Overlay;
use eksplorer::edit::judge::Word;
use eksplorer::edit::state::{AssociationState, EntryState, State, Subject};
use eksplorer::model::cluster::ClusterId;
use eksplorer::model::mapping::ScopeKind;
use eksplorer::model::snapshot::Source;

use crate::keys::{notice, top};
use crate::screens::check;
use crate::stage::Stage;

fn lab() -> Stage {
    Stage::acme(Source::Lab).writing()
}

fn on(pane: &str, name: &str) -> Stage {
    lab().keys(pane).keys("/").text(name).keys("Enter")
}

fn after(stage: &Stage, wanted: &str) -> Option<State> {
    let draft = stage.app.staging().expect("staged").draft();
    let mut found = draft.changes().filter(|(subject, _)| subject.to_string().contains(wanted));
    found.next().unwrap_or_else(|| panic!("{wanted} is not staged: {}", notice(stage))).1.after.clone()
}

fn entry(stage: &Stage, wanted: &str) -> EntryState {
    match after(stage, wanted) {
        Some(State::Entry(it)) => it,
        other => panic!("{other:?}"),
    }
}

fn association(stage: &Stage, wanted: &str) -> AssociationState {
    match after(stage, wanted) {
        Some(State::Association(it)) => it,
        other => panic!("{other:?}"),
    }
}

fn marked(stage: &Stage) -> usize {
    stage.app.marked_rows().len()
}

fn word(stage: &Stage) -> (&'static str, String) {
    let word = match stage.app.overlays.last() {
        Some(Overlay::Add(view)) => &view.word,
        Some(Overlay::Identity(view)) => &view.word,
        Some(Overlay::Associate(view)) => &view.word,
        Some(Overlay::CopyAccess(view)) => &view.word,
        _ => panic!("no prompt: {}", top(stage)),
    };
    match word {
        Word::Fine => ("fine", String::new()),
        Word::Known(text) => ("known", text.clone()),
        Word::Open(text) => ("open", text.clone()),
        Word::Wrong(text) => ("wrong", text.clone()),
    }
}

#[test]
fn marks_are_kept_by_row_through_filter_and_panes_and_esc_takes_them_away() {
    let stage = on("1", "teams/").keys("Space Space");
    assert_eq!((marked(&stage), stage.app.state().at()), (2, 2), "a mark goes on to the next row");
    let stage = stage.keys("k Space");
    assert_eq!(marked(&stage), 1, "once more takes it away");
    let stage = stage.keys("/").text("blue").keys("Enter 6");
    assert_eq!(marked(&stage), 0, "each pane has its own");
    let stage = stage.keys("1 Esc");
    assert_eq!((marked(&stage), stage.app.state().filter.value()), (1, ""), "one level: the filter goes first");
    let stage = stage.keys("Esc");
    assert_eq!(marked(&stage), 0);
}

#[test]
fn the_cursor_stays_on_the_row_that_is_seen_under_it_whatever_becomes_of_the_filter() {
    let (on_row, name) = (|stage: &Stage| stage.row().to_owned(), "breakglass");
    for pane in ["1", "2", "3", "4", "5", "6", "7", "8", "9"] {
        // Any row but the first.
        let stage = lab().keys(pane).keys("G");
        let last = on_row(&stage);
        let word = last.rsplit(['/', ' ', ':']).next().expect("a word").to_owned();
        let moved = stage.keys("g /").text(&word).keys("Enter");
        let seen = on_row(&moved);
        for keys in ["Esc", "/ Esc", "s", "s s Esc", "S Esc"] {
            let stage = lab().keys(pane).keys("g /").text(&word).keys("Enter");
            assert_eq!(on_row(&stage), seen, "{pane} {keys}");
            assert_eq!(on_row(&stage.keys(keys)), seen, "{pane} {keys}");
        }
    }
    for typed in ["Enter Esc", "Esc", "Enter s Esc", "Enter Esc ctrl-r", "Enter / Esc"] {
        let stage = lab().keys("1 g /").text(name).keys(typed).keys("D");
        let draft = stage.app.staging().expect("staged").draft();
        let all: Vec<String> = draft.changes().map(|(subject, _)| subject.to_string()).collect();
        assert_eq!((all.len(), all[0].ends_with("role/breakglass")), (1, true), "{typed}: {all:?}");
    }
}

#[test]
fn what_is_done_to_marked_rows_is_one_step_and_the_marks_have_done_their_work() {
    let stage = on("1", "teams/").keys("Space Space Space D");
    assert_eq!((stage.app.staged(), marked(&stage)), (3, 0), "{}", notice(&stage));
    assert!(notice(&stage).starts_with("Staged: 3 access entries ("), "{}", notice(&stage));
    assert_eq!(stage.keys("z").app.staged(), 0);
    let stage = on("1", "teams/").keys("Space Space a").text("view").keys("Enter").text("payments").keys("Enter");
    assert_eq!(stage.app.staged(), 2, "{}", notice(&stage));
    assert_eq!(stage.keys("z").app.staged(), 0);
    let stage = on("1", "teams/").keys("Space Space R");
    assert_eq!(stage.app.staged(), 2, "{}", notice(&stage));
}

#[test]
fn marks_that_a_filter_hides_are_not_acted_upon_and_are_told_by_name() {
    let stage = on("1", "teams/").keys("Space Space Space Space Space Esc /").text("breakglass").keys("Enter Space");
    for key in ["D", "t", "R", "e", "n", "a", "A"] {
        let stage = Stage {
            app: stage.app.clone(),
            rows: stage.rows.clone(),
            effects: Vec::new(),
            answers: true,
            real: true,
            book: stage.book.clone(),
        }
        .keys(key);
        let text = notice(&stage);
        assert!(stage.app.overlays.is_empty(), "{key}");
        {
            assert!(text.starts_with("5 marked rows are hidden by the filter: role/"), "{key}: {text}");
            assert!(text.contains(" and 2 more. Nothing was done: Esc shows all rows"), "{key}: {text}");
        }
        assert_eq!(stage.app.staged(), 0, "{key}");
    }
    let stage = stage.keys("Esc D");
    let text = notice(&stage);
    assert_eq!(stage.app.staged(), 6, "{text}");
    assert!(text.starts_with("Staged: 6 access entries (role/") && text.contains(" and 3 more) are removed"), "{text}");
}

#[test]
fn a_cluster_that_the_configuration_forbids_is_not_changed_and_the_key_says_why() {
    let mut stage = lab();
    stage.app.writes = [("prod-eu1".to_owned(), false)].into();
    let stage = stage.keys("D");
    assert_eq!(stage.app.staged(), 0);
    assert!(notice(&stage).contains("write = false under [clusters.\"prod-eu1\"]"), "{}", notice(&stage));
    let mut stage = Stage::acme(Source::Lab);
    stage.app.writes = [("eu-west-1/prod-eu1".to_owned(), true), ("prod-eu1".to_owned(), false)].into();
    let stage = stage.keys("D");
    assert_eq!(stage.app.staged(), 1, "allowed without --write: {}", notice(&stage));
}

#[test]
fn a_policy_is_taken_from_all_marked_that_have_it() {
    let stage = on("1", "teams/").keys("Space Space Space Space Space Space t");
    assert_eq!(top(&stage), "take-policy", "{}", notice(&stage));
    let Some(Overlay::Policies { picker, .. }) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
    let chosen = picker.chosen().expect("a policy").clone();
    assert!(chosen.note.contains(" of 6 have it"), "{}", chosen.note);
    let stage = stage.keys("Enter");
    let staged = stage.app.staging().expect("staged").draft().clone();
    assert!(!staged.is_empty() && chosen.note.starts_with(&staged.len().to_string()), "{}", notice(&stage));
}

#[test]
fn what_is_refused_for_one_marked_row_is_done_for_none_and_told_by_name() {
    let stage = on("2", "green").keys("Space Space D");
    assert_eq!((stage.app.staged(), marked(&stage)), (0, 2));
    let text = notice(&stage);
    assert!(text.starts_with("2 of 2 cannot be done, and so none is."), "{text}");
    assert!(text.matches("eksctl delete iamidentitymapping").count() == 2, "{text}");
    let stage = on("1", "teams/").keys("Space Space e");
    assert!(notice(&stage).contains("One entry at a time"), "{}", notice(&stage));
}

#[test]
fn panes_show_what_will_be_and_what_is_new_has_a_row() {
    let stage = on("6", "green-oncall").keys("a").text("view").keys("Enter").text("payments").keys("Enter");
    let stage = stage.keys("1 /").text("green-oncall").keys("Enter");
    let row = stage.app.selected_row().expect("a row of the new entry");
    assert_eq!(stage.app.sign_of(row), Some("+"));
    assert!(row.cells.iter().any(|it| it == "View@payments"), "{:?}", row.cells);
    let told: Vec<String> = stage.app.detail.facts().into_iter().map(|it| it.text).collect();
    assert!(told.iter().any(|it| it == "+ AmazonEKSViewPolicy @ payments"), "{told:?}");
    let stage = stage.keys("6 Esc /").text("green-oncall").keys("Enter");
    let row = stage.app.selected_row().expect("the principal");
    assert_eq!((stage.app.sign_of(row), row.cells[1].as_str()), (Some("~"), "access entry"));
    let stage = stage.keys("2 /").text("green-oncall").keys("Enter");
    let row = stage.app.selected_row().expect("its row of aws-auth");
    assert_eq!(stage.app.sign_of(row), Some("~"), "the entry will hide it");
    let stage = stage.keys("1 D");
    assert!(stage.app.selected_row().is_none(), "what is taken back has no row");
    assert!(notice(&stage).contains("takes back what was staged"), "{}", notice(&stage));
    assert_eq!(stage.app.staged(), 0);
}

#[test]
fn groups_are_shown_as_they_will_be() {
    let stage = on("1", "blue/deployer").keys("e").text(", more").keys("Enter");
    let row = stage.app.selected_row().expect("a row");
    assert!(row.cells[2].contains("more"), "{:?}", row.cells);
    assert_eq!(stage.app.sign_of(row), Some("~"));
    let stage = stage.keys("D");
    let row = stage.app.selected_row().expect("a row");
    assert_eq!(stage.app.sign_of(row), Some("-"), "what goes keeps its row until it is gone");
}

#[test]
fn an_association_is_made_re_roled_and_removed() {
    let stage = lab().keys("4 a").text("payments/").keys("Enter");
    let Some(Overlay::Associate(view)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
    let whose = view.whose().expect("an account was chosen");
    let stage = stage.keys("Enter Enter");
    assert_eq!((top(&stage), stage.app.staged()), ("list", 1), "{}", notice(&stage));
    let made = association(&stage, &whose);
    assert!(made.role_arn.contains(":role/") && made.target_role_arn.is_none());
    let stage = stage.keys("/").text(whose.split('/').next_back().unwrap_or_default()).keys("Enter");
    let row = stage.app.selected_row().expect("a row of what is new");
    assert!(stage.app.sign_of(row).is_some(), "{}", row.key);

    let stage = lab().keys("4 e Enter Down Enter");
    assert_eq!(stage.app.staged(), 1, "{}", notice(&stage));
    let row = stage.app.selected_row().expect("the row");
    assert_eq!(stage.app.sign_of(row), Some("~"));
    let stage = lab().keys("4 Space Space D");
    assert_eq!(stage.app.staged(), 2, "{}", notice(&stage));
    let stage = lab().keys("4 t");
    assert!(notice(&stage).contains("one role and no policies"), "{}", notice(&stage));
}

#[test]
fn a_service_account_with_irsa_is_given_pod_identity_from_its_row() {
    let stage = on("3", "green-web").keys("a");
    assert_eq!(top(&stage), "associate", "{}", notice(&stage));
    let Some(Overlay::Associate(view)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
    assert_eq!(view.number(), 2, "the account is the row's");
    let stage = stage.keys("Enter Enter");
    let row = stage.app.selected_row().expect("the row of IRSA");
    assert_eq!(stage.app.sign_of(row), Some("~"), "new pods will have the other");
    let stage = stage.keys("r");
    let Some(Overlay::Plan(view)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
    let ids: Vec<&str> = view.review.iter().flat_map(|it| it.checks.iter().map(|it| it.id.as_str())).collect();
    assert!(ids.contains(&"irsa-shadowed"), "{ids:?}");
}

#[test]
fn a_role_of_another_account_can_only_be_the_target() {
    let foreign = "arn:aws:iam::555566667777:role/elsewhere";
    let stage = lab().keys("4 a Enter").text(foreign);
    let (kind, text) = word(&stage);
    assert!(kind == "wrong" && text.contains("target role"), "{kind} {text}");
    let stage = stage.keys("Enter");
    assert_eq!((top(&stage), stage.app.staged()), ("associate", 0));
    let stage = lab().keys("4 a Enter Enter").text(foreign);
    assert_eq!(word(&stage).0, "open");
    let stage = stage.keys("Enter");
    let staged = stage.app.staging().expect("staged").draft().clone();
    let target = staged.changes().find_map(|(_, it)| match &it.after {
        Some(State::Association(it)) => it.target_role_arn.clone(),
        _ => None,
    });
    assert_eq!(target.as_deref(), Some(foreign));
}

#[test]
fn where_a_policy_holds_can_be_narrowed_and_widened() {
    let stage = on("1", "payments-oncall").keys("n");
    let stage = if top(&stage) == "re-scope" { stage.keys("Enter") } else { stage };
    let Some(Overlay::Add(view)) = stage.app.overlays.last() else { panic!("{}", notice(&stage)) };
    let (_, arn) = view.rescoped.clone().expect("re-scoped");
    let stage = stage.text("payments").keys("Space").text("green-*").keys("Space Enter");
    let stage = if stage.app.staged() == 0 { panic!("{}", notice(&stage)) } else { stage };
    let wide = entry(&stage, "payments-oncall").policies[&arn].clone();
    assert!(wide.namespaces.iter().any(|it| it == "green-*"), "{wide:?}");
    let stage = stage.keys("n");
    let stage = if top(&stage) == "re-scope" { stage.keys("Enter") } else { stage };
    let stage = stage.text("green-*").keys("Space Enter");
    let narrow = entry(&stage, "payments-oncall").policies[&arn].clone();
    assert!(narrow.namespaces.iter().all(|it| it != "green-*"), "{narrow:?}");
    assert_eq!(narrow.kind, ScopeKind::Namespace);
}

#[test]
fn one_change_of_a_review_is_taken_back_and_another_edited() {
    let staged = || {
        let stage = on("1", "blue/deployer").keys("D Esc /").text("payments-oncall");
        stage.keys("Enter e").text(", more").keys("Enter")
    };
    let stage = staged().keys("r");
    let Some(Overlay::Plan(view)) = stage.app.overlays.last() else { panic!("{}", notice(&stage)) };
    assert_eq!((view.draft.len(), view.at), (2, 0));
    let first = view.chosen().cloned().expect("a change");
    let stage = stage.keys("x");
    assert_eq!((top(&stage), stage.app.staged()), ("plan", 1), "{}", notice(&stage));
    let staging = stage.app.staging().expect("staged").draft();
    assert!(staging.change(&first).is_none(), "just that one");
    let stage = stage.keys("Esc z");
    assert_eq!(stage.app.staged(), 2, "it comes back as any other step");
    let stage = staged().keys("r j");
    let Some(Overlay::Plan(view)) = stage.app.overlays.last() else { panic!("{}", notice(&stage)) };
    assert!(matches!(view.chosen(), Some(Subject::Entry(arn)) if arn.ends_with("payments-oncall")));
    let stage = stage.keys("e");
    assert_eq!(top(&stage), "edit-change");
    let stage = stage.keys("Enter").text(", most").keys("Enter");
    assert_eq!(top(&stage), "plan", "back in the review: {}", notice(&stage));
    assert!(entry(&stage, "payments-oncall").groups.contains("most"));
    let Some(Overlay::Plan(view)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
    assert!(view.review.is_some(), "the review is of what is staged now");
    let stage = stage.keys("x x");
    assert_eq!((top(&stage), stage.app.staged()), ("list", 0), "nothing staged needs no review");
    let stage = on("1", "blue/deployer").keys("D r e");
    assert!(notice(&stage).contains("nothing to edit"), "{}", notice(&stage));
}

#[test]
fn access_is_copied_to_another_principal_without_what_is_the_old_ones_own() {
    let stage = on("1", "blue/deployer").keys("A").text("green-oncall").keys("Enter");
    assert_eq!(stage.app.staged(), 1, "{}", notice(&stage));
    let (old, new) = (on("1", "blue/deployer").keys("e").text(", x").keys("Enter"), entry(&stage, "green-oncall"));
    let old = entry(&old, "blue/deployer");
    assert_eq!(new.policies, old.policies);
    assert!(new.groups.iter().all(|it| old.groups.contains(it)));
    assert!(new.username.as_deref().is_some_and(|it| it.contains("assumed-role/green-oncall/")), "{:?}", new.username);
}

#[test]
fn of_a_row_of_aws_auth_what_an_entry_cannot_hold_is_told() {
    let stage = on("2", "system:masters").keys("A");
    assert_eq!(top(&stage), "list", "there is nothing else on the row");
    let text = notice(&stage);
    assert!(text.contains("system:masters") && text.contains("AmazonEKSClusterAdminPolicy"), "{text}");
}

#[test]
fn access_is_copied_into_another_cluster_of_the_account() {
    let stage = on("1", "blue/deployer");
    let other = stage.app.snapshot.clusters.items().iter().find(|it| it.name != "prod-eu1").expect("another").clone();
    let stage = stage.keys("A").text(&other.name).keys("Enter");
    assert!(notice(&stage).contains(&other.name), "{}", notice(&stage));
    assert_eq!(stage.app.staged(), 0, "not in this cluster");
    let ClusterId { name, .. } = other;
    let stage = stage.keys("C").text(&name).keys("Enter");
    let (staged, said) = (stage.app.staged(), notice(&stage).to_owned());
    assert_eq!(staged, 1, "{said}");
}

#[test]
fn what_is_wrong_is_said_under_what_is_typed_before_enter() {
    let principal = |text: &str| word(&lab().keys("5 a").text(text));
    assert_eq!(principal("arn:aws:iam::111122223333:role/nobody-there").0, "wrong");
    assert_eq!(principal("arn:aws:iam::555566667777:role/partner-x").0, "open");
    let groups = |text: &str| word(&on("6", "role/ci").keys("a").text("groups").keys("Enter").text(text));
    assert_eq!(groups("devs").0, "fine");
    assert!(groups("system:masters").1.contains("cannot start with system:"));
    let username = word(&on("1", "blue/deployer").keys("e").text("  username: system:admin"));
    assert_eq!(username.0, "wrong", "{}", username.1);
    let policy = word(&on("6", "role/ci").keys("a").text("zzzz"));
    assert_eq!(policy.0, "wrong");
    let scope = word(&on("6", "role/ci").keys("a Enter").text("green-*"));
    assert!(scope.1.contains("any later one"), "{}", scope.1);
    let scope = word(&on("6", "role/ci").keys("a Enter").text("nowhere,"));
    assert!(scope.1.contains("no namespace nowhere"), "{}", scope.1);
}

#[test]
fn screens() {
    check("marked", &on("1", "teams/").keys("j D Esc Space j Space"));
    check("marked_narrow", &on("1", "teams/").resize(80, 24).keys("Space Space"));
    check("staged_new", &{
        let stage = on("6", "green-oncall").keys("a").text("view").keys("Enter").text("payments").keys("Enter");
        stage.keys("1 /").text("green").keys("Enter j")
    });
    let associating = || lab().resize(100, 24).keys("4 a").text("reaper");
    check("associate_account", &associating());
    check("associate_role", &associating().keys("Enter Down Down Down Down Down Down"));
    check("associate_target", &associating().keys("Enter Enter"));
    check("associate_staged", &associating().resize(80, 24).keys("Enter Enter Enter"));
    check("associate_review", &associating().resize(120, 36).keys("Enter Enter Enter r"));
    check("re_scope", &on("1", "payments-oncall").resize(100, 24).keys("n Enter").text("green-*").keys("Space"));
    check("copy_access", &on("1", "blue/deployer").resize(100, 24).keys("A").text("green"));
    check("copy_aws_auth", &on("2", "green-oncall").resize(80, 24).keys("A"));
    check("say_wrong_principal", &lab().resize(100, 24).keys("5 a").text("arn:aws:iam::111122223333:role/nobody"));
    check("say_wrong_group", &on("1", "blue/deployer").resize(80, 24).keys("e").text(", system:masters"));
    check("edit_change", &on("1", "payments-oncall").resize(100, 24).keys("e").text(", more").keys("Enter r e"));
    check("review_changes", &{
        let stage = on("1", "teams/").keys("Space Space D Esc /").text("payments-oncall");
        stage.resize(80, 24).keys("Enter e").text(", more").keys("Enter r j")
    });
}
