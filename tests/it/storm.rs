//! No sequence of messages at any size breaks the state or the drawing.

use eksplorer::app::effect::Effect;
use eksplorer::app::keymap::{Chord, Key};
use eksplorer::app::message::{Answer, Mouse, Msg};
use eksplorer::app::overlay::{DEEPEST, Overlay};
use eksplorer::model::review::Reviewed;
use eksplorer::model::snapshot::{Section, Source};
use eksplorer::model::update::{ClusterUpdate, Update};
use eksplorer::view::draw;
use eksplorer::view::theme::Theme;
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Size;

use crate::stage::{SESSION, Stage, cluster, facts, inventory, refused, time};

fn keys() -> impl Strategy<Value = Msg> {
    let named = prop::sample::select(vec![
        Key::Enter,
        Key::Esc,
        Key::Tab,
        Key::BackTab,
        Key::Backspace,
        Key::Up,
        Key::Down,
        Key::Left,
        Key::Right,
        Key::Home,
        Key::End,
        Key::PageUp,
        Key::PageDown,
    ]);
    let character = prop_oneof![
        3 => prop::sample::select("jkgG1234567/?:@CyYcisS<>nNhlqmwxmw  aaepDRAxzZrEu".chars().collect::<Vec<_>>()),
        1 => any::<char>(),
    ];
    prop_oneof![
        4 => character.prop_map(Chord::from),
        4 => named.prop_map(Chord::plain),
        2 => prop::sample::select("pudbfnrwk".chars().collect::<Vec<_>>()).prop_map(|c| Chord { ctrl: true, ..Chord::from(c) }),
    ]
    .prop_map(Msg::Key)
}

fn messages() -> impl Strategy<Value = Msg> {
    let place = || (0u16..210, 0u16..65);
    let section = prop_oneof![
        Just(Section::default()),
        Just(Section::known(vec![], time("2026-11-24T06:00:00Z"))),
        Just(Section::loading(Some(vec![]), 3, Some(9))),
        Just(Section::failed(refused("eks:ListAccessEntries", "list the access entries"))),
    ];
    prop_oneof![
        20 => keys(),
        1 => prop::sample::select(vec!["delete pods -n blue", "get", "get /metrics", "list secrets x"]).prop_map(|it| Msg::Paste(it.to_owned())),
        1 => prop_oneof![Just(SESSION.to_owned()), Just(format!("User: {SESSION} is not authorized to perform: eks:X")), Just(format!("pods is forbidden: User {SESSION:?} cannot list resource \"pods\" in API group \"\" in the namespace \"a\"")), "\\PC{0,40}", Just("arn:aws:iam::1:role/x".to_owned())].prop_map(Msg::Paste),
        2 => place().prop_map(|(column, row)| Msg::Mouse(Mouse::Click { column, row })),
        1 => place().prop_map(|(column, row)| Msg::Mouse(Mouse::WheelDown { column, row })),
        1 => place().prop_map(|(column, row)| Msg::Mouse(Mouse::WheelUp { column, row })),
        2 => (1u16..=200, 1u16..=60).prop_map(|(width, height)| Msg::Resize(Size { width, height })),
        2 => section.prop_map(|section| {
            Msg::Update(Box::new(Update::Cluster(cluster(), ClusterUpdate::AccessEntries(section))))
        }),
        1 => Just(Msg::Failed(refused("eks:ListClusters", "list the clusters"))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn nothing_breaks_it(script in prop::collection::vec(messages(), 1..120), rows in 0usize..9) {
        let mut own = inventory();
        own.entries.truncate(rows);
        let mut stage = Stage::with(facts(Source::Live), own, true);
        let theme = Theme::standard().expect("the theme");
        let mut terminal = Terminal::new(TestBackend::new(120, 36)).expect("a terminal");
        for (step, msg) in script.into_iter().enumerate() {
            if step % 7 == 6 {
                // Rows come and go under the cursor.
                stage.rows.entries.reverse();
                stage.rows.entries.truncate(rows.saturating_sub(step % 4));
            }
            stage.send(msg);
            let app = &stage.app;
            let state = app.state();
            prop_assert!(state.at() < state.shown().len().max(1));
            prop_assert!(state.top() <= state.at());
            prop_assert!(app.overlays.len() <= DEEPEST);
            prop_assert_eq!(app.selected_row().is_some(), !state.shown().is_empty());
            terminal.backend_mut().resize(app.size.width, app.size.height);
            terminal.draw(|frame| draw(frame, app, &theme)).expect("draws");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, ..ProptestConfig::default() })]
    #[test]
    fn nothing_breaks_what_is_said_of_permissions(
        script in prop::collection::vec(messages(), 1..60),
        place in prop::sample::select(vec!["m", "m n", "w", "6 j j m w", "7 Enter", "i m l l l l l l l l l", "a Enter Enter r", "6 j a Enter Enter r y y Enter", "D j D r", "e", "Space Space D r j x", "4 a Enter Enter Enter r e", "n", "Space Space t", "A", "6 Space Space a Enter Space j Space", "D r x"]),
    ) {
        let mut stage = Stage::acme(Source::Lab).writing().keys(place);
        let theme = Theme::standard().expect("the theme");
        let mut terminal = Terminal::new(TestBackend::new(120, 36)).expect("a terminal");
        for msg in script {
            stage.send(msg);
            // Whatever the API server is asked, it answers.
            let asked = stage.effects.iter().rev().find_map(|it| match it {
                Effect::Review { ticket, .. } => Some(*ticket),
                _ => None,
            });
            stage.effects.clear();
            if let Some(ticket) = asked {
                stage.send(Msg::Answer(ticket, Answer::Review(Ok(Reviewed::default()))));
            }
            let app = &stage.app;
            for overlay in &app.overlays {
                if let Overlay::Matrix(view) = overlay {
                    prop_assert!(view.scroll.at < view.len().max(1));
                    prop_assert_eq!(view.told.is_some(), view.row().is_some());
                }
                if let Overlay::WhoCan(view) = overlay {
                    prop_assert!(view.scroll.at < view.counts().0.max(1));
                }
            }
            terminal.backend_mut().resize(app.size.width, app.size.height);
            terminal.draw(|frame| draw(frame, app, &theme)).expect("draws");
        }
    }
}
