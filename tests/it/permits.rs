//! What somebody may do, and who may do something: the screens, the keys, and the API server's word.

use eksplorer::app::effect::Effect;
use eksplorer::app::message::{Answer, Msg, Ticket};
use eksplorer::app::overlay::Overlay;
use eksplorer::app::overlay::matrix::MatrixView;
use eksplorer::cloud::{Credentials, Endpoint, Options, Session};
use eksplorer::lab::{self, Lab};
use eksplorer::model::cluster::ClusterId;
use eksplorer::model::document::read;
use eksplorer::model::failure::Failure;
use eksplorer::model::request::{Request, Target};
use eksplorer::model::review::{Review, Reviewed, Reviewee};
use eksplorer::model::snapshot::{Section, Source};
use eksplorer::model::update::{ClusterUpdate, Update};
use eksplorer::run::load;
use eksplorer::view::draw;
use eksplorer::view::theme::Theme;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Modifier;

use crate::keys::{notice, top};
use crate::screens::check;
use crate::stage::{Stage, cluster, file, refused};

/// The demo world, with the cursor on the one row of this name.
fn on(source: Source, name: &str) -> Stage {
    Stage::acme(source).keys("6 /").text(name).keys("Enter")
}

fn matrix(stage: &Stage) -> &MatrixView {
    match stage.app.overlays.last() {
        Some(Overlay::Matrix(view)) => view,
        _ => panic!("no matrix: {}", top(stage)),
    }
}

fn who_can(text: &str) -> Stage {
    Stage::acme(file()).keys("w").text(text).keys("Enter")
}

#[test]
fn matrices() {
    check("matrix_namespace", &on(file(), "blue/deployer").keys("m j l"));
    check("matrix_80x24", &on(file(), "payments-oncall").resize(80, 24).keys("m j l l l l l l l"));
    check("matrix_60x16", &on(file(), "blue/deployer").resize(60, 16).keys("m j l l l l l l l l"));
    check("matrix_200x60", &on(file(), "blue/deployer").resize(200, 60).keys("m G"));
    check("matrix_cluster", &on(file(), "blue/deployer").keys("m n").text("cluster").keys("Enter j l l l"));
    check("matrix_unknown", &on(file(), "event-relay").keys("m"));
    check("matrix_masters", &on(file(), "terraform").keys("m j"));
    check("matrix_of_nobody", &on(file(), "green-deployer").resize(100, 20).keys("m"));
    check("matrix_filtered", &on(file(), "blue/deployer").resize(80, 24).keys("m /").text("rbac"));
    check("matrix_not_answered_yet", &{
        let mut stage = on(file(), "blue/deployer").resize(80, 20);
        stage.answers = false;
        stage.keys("m")
    });
    check("namespaces", &on(file(), "payments-oncall").resize(80, 24).keys("m n"));
}

#[test]
fn who_can_screens() {
    check("who_can", &who_can("delete pods -n payments"));
    check("who_can_80x24", &who_can("delete pods -n payments").resize(80, 24).keys("j j j"));
    check("who_can_filtered", &who_can("delete pods -n payments").resize(100, 24).keys("/").text("sa").keys("Enter j"));
    check("who_can_by_a_path", &who_can("get /metrics").resize(100, 24));
    check("who_can_nobody", &{
        let unread = |stage: &mut Stage| {
            let failure = refused("list rolebindings", "list the RoleBindings");
            let news = ClusterUpdate::RoleBindings(Section::failed(failure));
            stage.send(Msg::Update(Box::new(Update::Cluster(cluster(), news))));
        };
        let mut stage = who_can("promote widgets.shop.io -n payments").resize(100, 24).keys("/").text("zzz");
        unread(&mut stage);
        stage
    });
    check("who_can_prompt", &Stage::acme(file()).resize(80, 24).keys("w"));
    check("who_can_prompt_with_a_note", &Stage::acme(file()).resize(80, 24).keys("w").text("get pods -n nowhere"));
    let asked_back = Stage::acme(file()).resize(80, 24).keys("w").text("delete pods -n paymnets").keys("Enter");
    check("who_can_prompt_asked_back", &asked_back);
    let command = Stage::acme(file()).resize(80, 24).keys("w").text("exec deploy/api -n payments");
    check("who_can_prompt_command", &command);
    check("who_can_command", &command.keys("Enter"));
    check("who_can_prompt_unfinished", &Stage::acme(file()).resize(80, 24).keys("w").text("delete"));
}

#[test]
fn groups() {
    check("groups_of_acme", &Stage::acme(file()).keys("7 /").text("builders").keys("Enter"));
    check("groups_80x24", &Stage::acme(file()).resize(80, 24).keys("7 j j j"));
    check("group_opened", &Stage::acme(file()).resize(80, 24).keys("7 /").text("builders").keys("Enter Enter"));
}

#[test]
fn without_colours_signs_and_the_cursor_say_the_same() {
    let stage = on(file(), "blue/deployer").keys("m l");
    let theme = Theme::standard().expect("the theme").without_color();
    let mut terminal = Terminal::new(TestBackend::new(120, 36)).expect("a terminal");
    terminal.draw(|frame| draw(frame, &stage.app, &theme)).expect("draws");
    let buffer = terminal.backend().buffer();
    let plain = |it: &ratatui::buffer::Cell| {
        use ratatui::style::Color::Reset;
        it.fg == Reset && it.bg == Reset
    };
    assert!(buffer.content().iter().all(plain), "no colour at all");
    let text: String = buffer.content().iter().map(|it| it.symbol()).collect();
    assert!(text.contains("secrets") && text.contains("P!") && text.contains("‼ "));
    let reversed = buffer.content().iter().filter(|it| it.modifier.contains(Modifier::REVERSED));
    assert_eq!(reversed.map(|it| it.symbol()).collect::<String>().trim(), "P!", "the cell under the cursor");
}

#[test]
fn from_the_list_to_who_can_delete_pods_is_one_key_the_words_and_enter() {
    let stage = who_can("delete pods -n payments");
    let Some(Overlay::WhoCan(view)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
    assert_eq!(view.request.to_string(), "delete pods in payments");
    let answer = view.answer.as_ref().expect("an answer");
    assert!(answer.counts().0 > 9 && answer.counts().1 > 0, "{:?}", answer.counts());
    let who: Vec<&str> = view.lines().map(|it| it.who.as_str()).collect();
    assert!(who.contains(&"sa payments/reaper") && who.contains(&"role/ci"), "{who:?}");
    let first_system = view.lines().position(|it| it.is_system).expect("nodes");
    assert!(view.lines().skip(first_system).all(|it| it.is_system), "what is of the system comes last");
    let stage = stage.keys("Enter");
    assert_eq!((top(&stage), stage.app.overlays.len()), ("trace", 2));
    let stage = stage.keys("Esc Esc");
    assert_eq!(top(&stage), "list");
}

#[test]
fn a_question_that_is_not_one_stays_in_the_prompt() {
    for text in ["", "delete", "get pods a b", "delete pods -n paymnets", "rollout deploy/api"] {
        assert_eq!(top(&who_can(text)), "ask-who", "{text}");
    }
    let stage = who_can("delete pods -n paymnets");
    let Some(Overlay::AskWho(ask)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
    let asked = ask.question.clone().expect_err("nobody knows that namespace");
    assert_eq!(asked, "no namespace \"paymnets\" is known; did you mean payments?");
    let mut assumed = Stage::acme(file());
    assumed.app.assume_exists = true;
    assert_eq!(top(&assumed.keys("w").text("delete pods -n paymnets").keys("Enter")), "who-can");
    let stage = who_can("delete pods").keys("w");
    let Some(Overlay::AskWho(ask)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
    assert_eq!(ask.input.value(), "delete pods", "to be asked otherwise");
    let stage = stage.text(" -n blue").keys("Enter");
    assert_eq!((top(&stage), stage.app.overlays.len()), ("who-can", 1), "in the place of the first");
}

#[test]
fn a_cell_leads_to_its_rule_its_grant_and_to_everybody_who_can() {
    let stage = on(file(), "blue/deployer").keys("m");
    assert_eq!(matrix(&stage).shown_namespace(), Some("blue"), "where it has most grants");
    let told = matrix(&stage).told.clone().expect("a cell");
    assert_eq!(told.request.to_string(), "get secrets in blue");
    assert!(told.lines[0].starts_with("AmazonEKSEditPolicy @ blue · rules["), "{:?}", told.lines);
    let stage = stage.keys("Enter");
    let Some(Overlay::Document(view)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
    let (from, to) = view.document.lit.expect("the rule is lit");
    assert!(view.document.title.starts_with("access policy AmazonEKSEditPolicy"));
    assert!(view.document.lines[from..to].iter().any(|line| line.contains("secrets")));
    let stage = stage.keys("Esc y");
    let Some(Overlay::Document(view)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
    assert!(view.document.title.contains("associatedAccessPolicies[0]"), "{}", view.document.title);
    let stage = stage.keys("Esc j Enter");
    let Some(Overlay::Document(view)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
    assert_eq!(view.document.title, "ClusterRole view · rules[0]", "RBAC is asked first");
    assert!(view.document.lit.is_some());
    let stage = stage.keys("Esc w");
    let Some(Overlay::WhoCan(view)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
    assert_eq!(view.request.to_string(), "get pods in blue");
    let stage = stage.keys("m");
    assert_eq!(matrix(&stage).shown_namespace(), Some("blue"), "the matrix of a holder is where it was asked about");
    let stage = stage.keys("Esc Esc Esc");
    assert_eq!(top(&stage), "list");
}

#[test]
fn what_is_not_allowed_says_what_comes_nearest_and_what_is_not_known_why() {
    let stage = on(file(), "blue/deployer").keys("m / ").text("nodes").keys("Enter");
    let told = matrix(&stage).told.clone().expect("a cell");
    assert_eq!(told.request.to_string(), "get nodes");
    let near = &told.lines[0];
    assert!(near.contains("would allow it but for") || near.contains("comes near"), "{near}");
    let stage = on(file(), "event-relay").keys("m");
    assert!(matrix(&stage).told.as_ref().is_some_and(|it| it.lines[0].contains("does not publish")));
    assert_eq!(notice(&stage.keys("Enter")), "It is not known by which rule, if by any.");
}

#[test]
fn the_namespace_chosen_is_remembered_and_the_cursor_stays_on_its_resource() {
    let stage = on(file(), "payments-oncall").keys("m j j n");
    assert_eq!(top(&stage), "namespaces");
    let stage = stage.text("batch").keys("Enter");
    assert_eq!(matrix(&stage).shown_namespace(), Some("payments-batch"));
    assert_eq!(matrix(&stage).row().map(|it| it.resource.as_str()), Some("configmaps"));
    let stage = stage.keys("Esc Esc /").text("blue/deployer").keys("Enter m");
    assert_eq!(matrix(&stage).shown_namespace(), Some("payments-batch"), "for the next one too");
    let stage = stage.keys("n Esc Esc");
    assert_eq!(top(&stage), "list");
}

#[test]
fn a_filter_narrows_and_esc_clears_it_before_it_leaves() {
    let stage = on(file(), "blue/deployer").keys("m /").text("apps");
    assert!(matrix(&stage).rows().all(|it| it.is_some_and(|row| row.group.contains("apps"))));
    let stage = stage.keys("Enter Esc");
    assert!(matrix(&stage).len() > 20);
    assert_eq!(top(&stage.keys("Esc")), "list");
    let stage = who_can("delete pods -n payments").keys("/").text("reaper").keys("Enter Enter");
    assert_eq!(top(&stage), "document", "a service account is no principal: its grant is shown");
    let stage = who_can("delete pods -n payments").keys("c");
    assert!(
        matches!(&stage.effects[..], [Effect::Copy(arn)] if arn.starts_with("arn:aws:iam::")),
        "{:?}",
        stage.effects
    );
}

#[test]
fn keys_that_cannot_act_say_why() {
    for (name, keys, why) in [
        ("blue/deployer", "m x", "This is a file: there is no API server to ask."),
        ("blue/deployer", "m m", "This is the matrix: n chooses another namespace."),
        ("blue/deployer", "x", "This is a file"),
    ] {
        let stage = on(file(), name).keys(keys);
        assert!(notice(&stage).starts_with(why) || keys == "x", "{keys}: {}", notice(&stage));
    }
    let stage = on(Source::Lab, "blue/deployer").keys("m x");
    assert!(notice(&stage).contains("depends on the session"), "{}", notice(&stage));
    let stage = Stage::acme(file()).keys("7 m");
    assert!(notice(&stage).contains("Enter lists who carries it"), "{}", notice(&stage));
    let stage = on(file(), "blue/deployer").keys(":").text("cross-check").keys("Enter");
    assert!(notice(&stage).starts_with("This is a file"), "{}", notice(&stage));
}

#[test]
fn a_group_leads_to_who_carries_it_and_to_its_bindings() {
    let stage = Stage::acme(file()).keys("7 /").text("builders").keys("Enter Enter");
    assert_eq!(top(&stage), "subject");
    let stage = stage.keys("Enter");
    let Some(Overlay::Trace(view)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
    assert_eq!(view.asked.principal.name, "ci");
    let stage = stage.keys("Esc Down Down Enter");
    assert_eq!(top(&stage), "document");
    let stage = stage.keys("Esc Esc y");
    let Some(Overlay::Document(view)) = stage.app.overlays.last() else { panic!("{}", top(&stage)) };
    assert!(view.document.title.contains("RoleBinding"), "{}", view.document.title);
}

#[test]
fn what_is_shown_is_asked_anew_when_facts_come_and_older_answers_are_dropped() {
    let mut stage = on(Source::Lab, "blue/deployer").keys("m w");
    stage.answers = false;
    stage.effects.clear();
    let news = || Msg::Update(Box::new(Update::Cluster(cluster(), ClusterUpdate::ClusterRoles(Section::default()))));
    stage.send(news());
    let tickets: Vec<Ticket> = stage
        .effects
        .iter()
        .filter_map(|it| if let Effect::Analyse { ticket, .. } = it { Some(*ticket) } else { None })
        .collect();
    let [ticket] = tickets[..] else { panic!("{:?}", stage.effects) };
    stage.effects.clear();
    let analysis = stage.app.analysis.clone().expect("an analysis");
    stage.send(Msg::Answer(ticket, Answer::Analysis(analysis)));
    let asked = |effect: &Effect| matches!(effect, Effect::Matrix { namespace: Some(it), .. } if it == "blue");
    assert!(stage.effects.iter().any(asked), "{:?}", stage.effects);
    assert!(stage.effects.iter().any(|it| matches!(it, Effect::WhoCan { .. })), "{:?}", stage.effects);
}

/// What the API server is asked when x is pressed, and what is said when it answers so.
fn checked(stage: Stage, said: Result<Reviewed, Failure>) -> Stage {
    let mut stage = stage.keys("x");
    let Some(Effect::Review { ticket, .. }) = stage.effects.last().cloned() else { panic!("{:?}", stage.effects) };
    stage.send(Msg::Answer(ticket, Answer::Review(said)));
    stage
}

#[test]
fn the_api_server_agrees_differs_or_cannot_tell() {
    let said = |allowed, reason: &str| Ok(Reviewed { allowed, reason: reason.into(), ..Reviewed::default() });
    // A user's name needs no session; its groups are asked about with it.
    let stage = on(Source::Lab, "people/carol").resize(100, 30).keys("m x");
    let Some(Effect::Review { review, .. }) = stage.effects.last() else { panic!("{:?}", stage.effects) };
    let Reviewee::Named { username, groups } = &review.of else { panic!("{review:?}") };
    assert_eq!(username, "carol");
    assert!(groups.iter().any(|it| it == "system:authenticated"), "{groups:?}");
    check("crosscheck_asked", &stage);
    let carol = || on(Source::Lab, "people/carol").resize(100, 30).keys("m j");
    let reason = "RBAC: allowed by ClusterRoleBinding \"x\" of ClusterRole \"y\" to Group \"z\"";
    check("crosscheck_agrees", &checked(carol(), said(true, reason)));
    check("crosscheck_differs", &checked(carol(), said(false, "")));
    let refusal = refused("create subjectaccessreviews.authorization.k8s.io", "ask the API server");
    check("crosscheck_refused", &checked(carol(), Err(refusal)));
    // Its own policies stand behind a plain username: a review of the name alone cannot know of them.
    let stage = who_can_live("create events -n payments").keys("/").text("AmazonEKS");
    check("crosscheck_inconclusive", &checked(first_reviewable(stage.keys("Enter")), said(false, "")));
    // The caller is asked about with all that stands behind it.
    let stage = Stage::acme(Source::Lab).keys("i m x");
    let Some(Effect::Review { review, .. }) = stage.effects.last() else { panic!("{:?}", stage.effects) };
    assert_eq!(review.of, Reviewee::Caller);
}

fn who_can_live(text: &str) -> Stage {
    Stage::acme(Source::Lab).resize(100, 30).keys("w").text(text).keys("Enter")
}

/// With the cursor on the first line that can be reviewed by its name.
fn first_reviewable(mut stage: Stage) -> Stage {
    for _ in 0..60 {
        stage = stage.keys("x");
        let named = |it: &Effect| matches!(it, Effect::Review { review, .. } if review.of != Reviewee::Caller);
        if stage.effects.iter().any(named) {
            return stage;
        }
        stage.effects.clear();
        stage = stage.keys("j");
    }
    panic!("nobody can be reviewed: {}", notice(&stage));
}

/// A lab of the demo world, and a session with it as this principal.
async fn lab(as_principal: Option<&str>) -> (Lab, Session) {
    let world = read(include_str!("../../assets/worlds/acme.yaml")).unwrap();
    let lab = Lab::start(world, lab::Options { caller: as_principal.map(str::to_owned), ..lab::Options::default() })
        .await
        .unwrap();
    let lab::Credentials { access_key_id, secret_access_key, session_token } = lab.credentials();
    let credentials = Credentials { access_key_id, secret_access_key, session_token };
    let endpoint = Some(Endpoint { url: lab.endpoint().to_owned(), credentials });
    let options = Options { regions: vec!["eu-west-1".into()], endpoint, ..Options::default() };
    (lab, Session::open(options, None).await.unwrap())
}

fn delete_pods() -> Request {
    let [group, subresource, name] = [(); 3].map(|()| String::new());
    let target = Target::Resource { group, resource: "pods".into(), subresource, namespace: "payments".into(), name };
    Request { verb: "delete".into(), target }
}

#[tokio::test]
async fn reviews_are_asked_over_the_wire() {
    let (_lab, session) = lab(Some("breakglass")).await;
    let id: ClusterId = cluster();
    let named = |username: &str, groups: &[&str]| Reviewee::Named {
        username: username.into(),
        groups: groups.iter().map(|&it| it.into()).collect(),
    };
    let ask = |of| Review { of, request: delete_pods() };
    let carol = load::review(&session, &id, &ask(named("carol", &["oncall-legacy"]))).await.unwrap();
    assert!(carol.allowed && carol.reason.contains("oncall-legacy"), "{carol:?}");
    let nobody = load::review(&session, &id, &ask(named("nobody", &[]))).await.unwrap();
    assert_eq!((nobody.allowed, nobody.as_user), (false, None));
    let own = load::review(&session, &id, &ask(Reviewee::Caller)).await.unwrap();
    assert!(own.allowed, "its policy stands behind its own review");
    // The demo's own caller may read, and so ask about itself only.
    let (_lab, session) = lab(None).await;
    let own = load::review(&session, &id, &ask(Reviewee::Caller)).await.unwrap();
    assert!(!own.allowed && own.as_user.is_some_and(|it| it.contains("oncall")), "who was asked about is told");
    let refused = load::review(&session, &id, &ask(named("carol", &[]))).await.unwrap_err();
    assert!(refused.to_string().contains("subjectaccessreviews.authorization.k8s.io"), "{refused}");
}
