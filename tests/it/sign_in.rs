//! What stands between the session and its credentials, on the screen: given a status and keys, this is what happens.

use eksplorer::app::effect::Effect;
use eksplorer::app::message::{Answer, Msg};
use eksplorer::model::failure::{Failure, FailureKind};
use eksplorer::model::sign_in::{
    CodeRequest, DeviceCode, RunningProgram, SessionStatus, SignInPhase, SignInWay, SsoSignIn,
};
use eksplorer::model::snapshot::{Section, Source};
use eksplorer::model::update::{IamUpdate, Update};

use crate::keys::{notice, top};
use crate::screens::check;
use crate::stage::{Stage, cluster, facts, time};

const START: &str = "https://corp.awsapps.com/start";

fn sso() -> SessionStatus {
    let way = SignInWay::Sso { profile: "prod".into() };
    SessionStatus { regions: vec!["eu-west-1".into()], way, ..SessionStatus::default() }
}

fn with_phase(phase: SignInPhase) -> SessionStatus {
    let sign_in = SsoSignIn { profile: "prod".into(), start_url: START.into(), phase };
    SessionStatus { sign_in: Some(sign_in), ..sso() }
}

fn device_code() -> DeviceCode {
    let address = "https://device.sso.eu-west-1.amazonaws.com/";
    DeviceCode {
        code: "QKBM-TZRW".into(),
        address: address.into(),
        whole_address: Some(format!("{address}?user_code=QKBM-TZRW")),
        until: time("2026-11-24T06:21:58Z"),
    }
}

fn with_code(number: u64) -> SessionStatus {
    let serial = "arn:aws:iam::111122223333:mfa/jane".into();
    let code = CodeRequest { number, serial, profile: "admin".into() };
    SessionStatus { code: Some(code), way: SignInWay::Code, ..sso() }
}

fn live() -> Stage {
    Stage::on(facts(Source::Live))
}

fn send(mut stage: Stage, status: SessionStatus) -> Stage {
    stage.send(Msg::Session(Box::new(status)));
    stage
}

/// Who one is, is not known, since the token has expired.
fn expired(mut stage: Stage) -> Stage {
    let failure = Failure {
        kind: FailureKind::Expired,
        doing: "find out who you are".into(),
        on: String::new(),
        code: None,
        message: "the SSO token has expired. Sign in: aws sso login --profile prod".into(),
    };
    stage.send(Msg::Update(Box::new(Update::Caller(Section::failed(failure)))));
    stage
}

fn line(stage: &Stage) -> Option<String> {
    eksplorer::app::waiting(&stage.app).map(|it| it.1)
}

fn is_refresh(stage: &Stage) -> bool {
    matches!(stage.effects.as_slice(), [Effect::Refresh { cluster: Some(it), .. }] if *it == cluster())
}

#[test]
fn a_sign_in_is_begun_once_shown_and_followed_by_a_refresh() {
    let mut stage = send(live(), sso());
    stage.effects.clear();
    let stage = stage.keys("L");
    assert_eq!((top(&stage), stage.effects.as_slice()), ("sign-in", &[Effect::SignIn][..]));
    let stage = send(stage, with_phase(SignInPhase::Starting)).keys("y");
    assert_eq!(notice(&stage), "There is no address yet.");
    let mut stage = send(stage, with_phase(SignInPhase::Waiting(device_code())));
    stage.effects.clear();
    let stage = stage.keys("Enter y c");
    let address = device_code().whole_address.unwrap();
    let open = || Effect::OpenAddress(address.clone());
    assert_eq!(stage.effects, [open(), open(), Effect::Copy(address.clone())]);
    let mut stage = stage.keys("2 L");
    assert_eq!(top(&stage), "sign-in", "the same one, with the same code");
    assert!(!stage.effects.contains(&Effect::SignIn));
    stage.effects.clear();
    let until = time("2026-11-24T14:00:00Z");
    let stage = send(stage, with_phase(SignInPhase::Done { until }));
    assert_eq!(top(&stage), "list");
    assert!(is_refresh(&stage), "{:?}", stage.effects);
    assert!(notice(&stage).starts_with("Signed in until 2026-11-24T14:00:00Z."), "{}", notice(&stage));
    let mut stage = send(stage, with_phase(SignInPhase::Done { until }));
    stage.effects.clear();
    let stage = send(stage, SessionStatus { program: None, ..with_phase(SignInPhase::Done { until }) });
    assert_eq!(stage.effects, [], "once");
}

#[test]
fn a_sign_in_that_is_left_is_given_up_and_one_that_fails_says_why() {
    let waiting = || send(send(live(), sso()).keys("L"), with_phase(SignInPhase::Waiting(device_code())));
    for key in ["Esc", "q"] {
        let mut stage = waiting();
        stage.effects.clear();
        let stage = stage.keys(key);
        assert_eq!((top(&stage), stage.effects.as_slice()), ("list", &[Effect::CancelSignIn][..]), "{key}");
    }
    let failed = SignInPhase::Failed("it was denied (AccessDeniedException)".into());
    let stage = send(waiting(), with_phase(failed.clone()));
    assert_eq!((top(&stage), notice(&stage)), ("sign-in", ""), "it is said there");
    let mut stage = stage;
    stage.effects.clear();
    assert_eq!(stage.keys("L").effects, [Effect::SignIn]);
    let stage = send(waiting().keys("2"), with_phase(failed));
    assert_eq!(notice(&stage), "Not signed in: it was denied (AccessDeniedException).");
}

#[test]
fn who_cannot_sign_in_here_is_told_what_else_to_do() {
    let stage = Stage::new().keys("L");
    assert_eq!(notice(&stage), "This is a file: there is nothing to sign in to.");
    for (way, said) in [
        (
            SignInWay::Command("aws login --profile x".into()),
            "run aws login --profile x in another terminal, then ctrl-r",
        ),
        (SignInWay::Code, "No MFA code is needed now"),
        (SignInWay::Nothing, "come without a sign-in"),
    ] {
        let mut stage = send(live(), SessionStatus { way, ..sso() });
        stage.effects.clear();
        let stage = stage.keys("L");
        assert!(notice(&stage).contains(said), "{}", notice(&stage));
        assert_eq!(stage.effects, []);
    }
}

#[test]
fn a_code_that_was_not_given_is_asked_for_again_by_the_same_key() {
    let mut stage = expired(send(live(), SessionStatus { way: SignInWay::Code, ..sso() }));
    assert_eq!(line(&stage).as_deref(), Some("L asks for the MFA code again"));
    stage.effects.clear();
    let stage = stage.keys("L");
    assert!(is_refresh(&stage), "{:?}", stage.effects);
}

#[test]
fn a_code_is_asked_for_where_no_key_can_go_astray() {
    let mut stage = send(live(), with_code(1));
    assert_eq!(top(&stage), "code");
    stage.effects.clear();
    let stage = stage.text("12x3").keys("Enter");
    assert_eq!((top(&stage), notice(&stage)), ("code", "A code has six digits."));
    let stage = stage.text("456").keys("Enter");
    assert_eq!(stage.effects, [Effect::GiveCode { number: 1, code: Some("123456".into()) }]);
    assert_eq!(top(&stage), "list");
    // The same request once more, since something else of the status has changed, opens nothing.
    let stage = send(stage, SessionStatus { notes: vec!["x has no effect here".into()], ..with_code(1) });
    assert_eq!(top(&stage), "list");
    let mut stage = send(stage, with_code(2));
    assert_eq!(top(&stage), "code", "another one does");
    stage.effects.clear();
    let stage = stage.keys("Esc");
    assert_eq!(stage.effects, [Effect::GiveCode { number: 2, code: None }]);

    for busy in [live().keys("/").text("1"), live().keys("Enter"), live().keys("ctrl-p")] {
        let before = top(&busy);
        let stage = send(busy, with_code(1));
        assert_eq!(top(&stage), before);
    }
    let stage = send(live().keys("Enter"), with_code(1)).keys("L");
    assert_eq!(top(&stage), "code");
    let stage = send(stage.text("1"), sso());
    assert_eq!(top(&stage), "trace", "nobody waits for it any more");
}

#[test]
fn what_is_waited_for_is_said_after_a_second_and_can_be_stopped() {
    let program = |since: &str| {
        let name = "credential_process of profile \"prod\"".into();
        SessionStatus { program: Some(RunningProgram { name, since: time(since) }), ..sso() }
    };
    let stage = send(live().keys("ctrl-r"), program("2026-11-24T06:12:00Z"));
    assert_eq!(line(&stage), None, "most are quick");
    assert_eq!(stage.app.wakes_in(), Some(1));
    let mut stage = stage;
    stage.send(Msg::Clock(time("2026-11-24T06:12:07Z")));
    let said = "waiting for credential_process of profile \"prod\", 7 s; ctrl-g stops it";
    assert_eq!(line(&stage).as_deref(), Some(said));
    stage.effects.clear();
    let stage = stage.keys("ctrl-g");
    assert_eq!(stage.effects, [Effect::StopProgram]);
    let stage = send(stage, sso()).keys("ctrl-g");
    assert_eq!(notice(&stage), "No program is waited for.");
}

#[test]
fn a_second_refresh_starts_over_and_says_so() {
    let again = |mut stage: Stage| {
        stage.effects.clear();
        stage.keys("ctrl-r")
    };
    let stage = again(live());
    assert!(notice(&stage).starts_with("Reading everything again"), "{}", notice(&stage));
    let Some(Effect::Refresh { ticket: first, .. }) = stage.effects.first().cloned() else { panic!() };
    let mut stage = again(stage);
    assert!(notice(&stage).starts_with("Started over"), "{}", notice(&stage));
    let Some(Effect::Refresh { ticket: second, .. }) = stage.effects.first().cloned() else { panic!() };
    stage.send(Msg::Answer(first, Answer::Refreshed));
    let mut stage = again(stage);
    assert!(notice(&stage).starts_with("Started over"), "the end of the first one says nothing of the second");
    let Some(Effect::Refresh { ticket: third, .. }) = stage.effects.first().cloned() else { panic!() };
    assert!(third != second);
    stage.send(Msg::Answer(third, Answer::Refreshed));
    let stage = again(stage);
    assert!(notice(&stage).starts_with("Reading everything again"), "{}", notice(&stage));
    assert!(is_refresh(&stage), "{:?}", stage.effects);
}

#[test]
fn facts_of_two_accounts_are_never_shown_as_those_of_one() {
    let account = |account: &str| Msg::Update(Box::new(Update::Iam(IamUpdate::Account(account.into()))));
    let mut stage = Stage::acme(Source::Live).writing().keys("6 /").text("green-oncall").keys("Enter a").text("view");
    stage.send(account("111122223333"));
    let mut stage = stage.keys("Enter").text("payments").keys("Enter");
    assert_eq!(stage.app.staged(), 1, "{}", notice(&stage));
    stage.effects.clear();
    stage.send(account("111122223333"));
    assert_eq!((stage.app.staged(), stage.effects.len()), (1, 0), "the same account");
    stage.send(account("444455556666"));
    assert!(stage.app.snapshot.caller.value().is_none() && stage.app.facts().access_entries.items().is_empty());
    assert_eq!((stage.app.staged(), stage.app.home()), (0, Some("444455556666")));
    assert!(stage.effects.iter().any(|it| matches!(it, Effect::Refresh { .. })), "{:?}", stage.effects);
    let said = "These are credentials of account 444455556666, no longer of 111122223333. 1 staged change is kept";
    assert!(notice(&stage).starts_with(said), "{}", notice(&stage));
    stage.send(account("111122223333"));
    assert_eq!(stage.app.staged(), 1, "it comes back with its account");
    let mut stage = send(stage, SessionStatus { endpoint: Some("http://127.0.0.1:1".into()), ..sso() });
    stage.send(account("111122223333"));
    assert_eq!(stage.app.staged(), 1, "that was still of the endpoint of before");
    stage.send(Msg::Update(Box::new(Update::Elsewhere)));
    assert_eq!((stage.app.staged(), stage.app.home()), (0, None), "another endpoint is another place, too");
    stage.send(account("111122223333"));
    assert_eq!(stage.app.staged(), 0, "even with the same account");
    let mut stage = send(stage, sso());
    stage.send(Msg::Update(Box::new(Update::Elsewhere)));
    stage.send(account("111122223333"));
    assert_eq!(stage.app.staged(), 1, "until one is back");
}

#[test]
fn another_configuration_and_settings_without_effect_are_said() {
    let stage = send(live(), sso());
    assert_eq!(notice(&stage), "", "what it is at the start is no change");
    let moved =
        SessionStatus { regions: vec!["us-east-1".into()], endpoint: Some("http://127.0.0.1:1".into()), ..sso() };
    let stage = send(stage, moved.clone());
    let said = "The AWS configuration has changed: region eu-west-1 → us-east-1; endpoint of EKS AWS's own → http://127.0.0.1:1.";
    assert_eq!(notice(&stage), said);
    let notes = vec!["AWS_MAX_ATTEMPTS has no effect here: each request is tried 4 times at most".to_owned()];
    let stage = send(stage, SessionStatus { notes, ..moved });
    assert!(notice(&stage).starts_with("AWS_MAX_ATTEMPTS has no effect here"));
}

#[test]
fn screens() {
    let waiting = || send(send(live(), sso()).keys("L"), with_phase(SignInPhase::Waiting(device_code())));
    check("sign_in_waiting", &waiting());
    check("sign_in_waiting_80x24", &waiting().resize(80, 24));
    check("sign_in_waiting_60x16", &waiting().resize(60, 16));
    check("sign_in_starting_80x24", &send(live(), sso()).keys("L").resize(80, 24));
    let failed = SignInPhase::Failed("the code QKBM-TZRW was not confirmed while it was good".into());
    check("sign_in_failed_80x24", &send(waiting(), with_phase(failed)).resize(80, 24));
    check("sign_in_elsewhere_80x24", &waiting().keys("2").resize(80, 24));
    check("sign_in_needed_80x24", &expired(send(live(), sso())).resize(80, 24));
    check("sign_in_needed", &expired(send(live(), sso())));
    check("mfa_code_80x24", &send(live(), with_code(1)).text("123").resize(80, 24));
    check("mfa_code", &send(live(), with_code(1)));
    check("mfa_code_needed_60x16", &send(live().keys("Enter"), with_code(1)).resize(60, 16));
    let name = "credential_process of profile \"prod\"".into();
    let program = RunningProgram { name, since: time("2026-11-24T06:11:48Z") };
    let status = SessionStatus { program: Some(program), ..sso() };
    check("program_waited_for_80x24", &send(live(), status.clone()).resize(80, 24));
    check("program_waited_for_over_a_trace_60x16", &send(live().keys("Enter"), status).resize(60, 16));
}
