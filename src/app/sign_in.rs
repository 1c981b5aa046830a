//! What stands between the session and its credentials, on the screen: a code that is needed, a sign-in, a program that is
//! waited for.
//!
//! Decides when a prompt for a code opens by itself (only where no key could go astray), what is said while something is
//! waited for, what another status means, and what `L` does. What is waited for comes as
//! [`SessionStatus`](crate::model::sign_in::SessionStatus).

use std::borrow::Cow;

use super::App;
use super::condition::Tone;
use super::effect::Effect;
use super::keymap::Context;
use super::overlay::Overlay;
use super::overlay::code::CodeView;
use super::perform::push;
use crate::app::command::Command;
use crate::model::failure::{Failure, FailureKind};
use crate::model::sign_in::{DeviceCode, SessionStatus, SignInPhase, SignInWay};
use crate::model::snapshot::Source;

/// A program that has run for so many seconds is worth a word.
const WORTH_A_WORD: i64 = 1;

/// Takes in what the session waits for now.
pub(super) fn take_status(app: &mut App, mut fresh: SessionStatus, effects: &mut Vec<Effect>) {
    // A sign-in that was left for another one is over, even where the session has yet to begin the other.
    match &app.left_sign_in {
        Some(left) if fresh.sign_in.as_ref() == Some(left) => fresh.sign_in = None,
        _ => app.left_sign_in = None,
    }
    let old = std::mem::replace(&mut app.session, fresh);
    let fresh = app.session.clone();
    app.endpoint.clone_from(&fresh.endpoint);
    let is_first = old.regions.is_empty();
    if let Some(changes) = changes(&old, &fresh).filter(|_| !is_first) {
        app.tell(format!("The AWS configuration has changed: {changes}."));
    }
    let news: Vec<&str> = fresh.notes.iter().filter(|it| !old.notes.contains(it)).map(String::as_str).collect();
    if !news.is_empty() {
        app.warn(format!("{}.", news.join(". ")));
    }
    take_code(app, &fresh);
    if old.sign_in != fresh.sign_in {
        take_phase(app, &fresh, effects);
    }
}

/// Where the session asks now that it did not before.
fn changes(old: &SessionStatus, fresh: &SessionStatus) -> Option<String> {
    let endpoint = |it: &SessionStatus| it.endpoint.clone().unwrap_or_else(|| "AWS's own".to_owned());
    let mut changes = Vec::new();
    if old.regions != fresh.regions {
        changes.push(format!("region {} → {}", old.regions.join(", "), fresh.regions.join(", ")));
    }
    if old.endpoint != fresh.endpoint {
        changes.push(format!("endpoint of EKS {} → {}", endpoint(old), endpoint(fresh)));
    }
    (!changes.is_empty()).then(|| changes.join("; "))
}

fn take_code(app: &mut App, fresh: &SessionStatus) {
    let number = fresh.code.as_ref().map(|it| it.number);
    let is_open = |it: &Overlay| matches!(it, Overlay::Code(view) if Some(view.request.number) == number);
    // One that nobody waits for any more takes no keys.
    app.overlays.retain(|it| !matches!(it, Overlay::Code(_)) || is_open(it));
    let is_new = app.asked_code != number;
    app.asked_code = number;
    // Whoever is typing or reading something else is told by the status line, and opens the prompt.
    let is_free = app.overlays.is_empty() && !app.state().editing;
    if let Some(request) = fresh.code.clone().filter(|_| is_new && is_free) {
        app.overlays.push(Overlay::Code(Box::new(CodeView::new(request))));
    }
}

fn take_phase(app: &mut App, fresh: &SessionStatus, effects: &mut Vec<Effect>) {
    let Some(sign_in) = &fresh.sign_in else { return };
    match &sign_in.phase {
        SignInPhase::Done { until } => {
            app.overlays.retain(|it| !matches!(it, Overlay::SignIn));
            refresh(app, effects);
            app.tell(format!("Signed in until {until}. Reading everything again."));
        }
        SignInPhase::Failed(why) if !app.overlays.iter().any(|it| matches!(it, Overlay::SignIn)) => {
            app.warn(format!("Not signed in: {why}."));
        }
        SignInPhase::Failed(_) | SignInPhase::Starting | SignInPhase::Waiting(_) | SignInPhase::Canceled => {}
    }
}

/// Reads everything again, credentials and configuration first.
pub(super) fn refresh(app: &mut App, effects: &mut Vec<Effect>) {
    let starts_over = app.refreshing.is_under_way() || is_reading(app);
    let ticket = app.refreshing.restart(&mut app.tickets);
    effects.push(Effect::Refresh { ticket, cluster: app.cluster.clone() });
    // A principal looked at is asked about again by itself: a sweep may be refused where its own facts are not.
    let open = app.overlays.iter().filter(|it| it.is_place());
    let open = open.filter_map(|it| app.selection_in(Some(it)).principal);
    if let Some(cluster) = &app.cluster {
        effects.extend(open.map(|asked| Effect::Ask { cluster: cluster.clone(), asked: Box::new(asked) }));
    }
    app.tell_passing(match starts_over {
        true => "Started over: what was still being read is read from its beginning.",
        false => "Reading everything again; what is shown stays until something newer has come.",
    });
}

/// Is something still being read for the first time?
fn is_reading(app: &App) -> bool {
    app.snapshot.clusters.is_loading() || (app.cluster.is_some() && !app.facts().progress().is_empty())
}

/// Signs in, or shows what is waited for.
pub(super) fn sign_in(app: &mut App, effects: &mut Vec<Effect>) {
    app.overlays.retain(|it| !matches!(it, Overlay::SignIn | Overlay::Code(_)));
    if let Some(request) = app.session.code.clone() {
        return push(app, Overlay::Code(Box::new(CodeView::new(request))));
    }
    if app.session.way == SignInWay::Code {
        return refresh(app, effects);
    }
    if !app.session.sign_in.as_ref().is_some_and(|it| it.is_under_way()) {
        app.left_sign_in = app.session.sign_in.take();
        effects.push(Effect::SignIn);
    }
    push(app, Overlay::SignIn);
}

/// Whether there is something to sign in to; else why not.
pub(super) fn can_sign_in(app: &App) -> Result<(), Cow<'static, str>> {
    match (&app.snapshot.source, &app.session.way) {
        (Source::File { .. }, _) => Err("This is a file: there is nothing to sign in to.".into()),
        _ if app.session.code.is_some() => Ok(()),
        _ if shows_sign_in(app) && device_code(app).is_some() => Err("The code above is waited for.".into()),
        (_, SignInWay::Sso { .. }) => Ok(()),
        (_, SignInWay::Command(command)) => Err(format!(
            "This profile is signed in elsewhere: run {command} in another terminal, then {} here.",
            key_of(app, Command::Refresh)
        )
        .into()),
        (_, SignInWay::Code) if needs_sign_in(app) => Ok(()),
        (_, SignInWay::Code) => Err("No MFA code is needed now: it is asked for when it is.".into()),
        (Source::Lab, _) => Err("This is a lab: nobody signs in to it.".into()),
        (_, SignInWay::Nothing) => {
            Err("The credentials of this profile come without a sign-in: a refresh asks for them again.".into())
        }
    }
}

/// Leaves the code or the sign-in on top of everything, if one is there.
pub(super) fn leave(app: &App, effects: &mut Vec<Effect>) {
    match app.overlays.last() {
        Some(Overlay::Code(view)) => effects.push(Effect::GiveCode { number: view.request.number, code: None }),
        Some(Overlay::SignIn) => effects.push(Effect::CancelSignIn),
        _ => {}
    }
}

/// Sends the code that is typed.
pub(super) fn accept_code(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(Overlay::Code(view)) = app.overlays.last() else { return };
    match view.code() {
        Some(code) => {
            effects.push(Effect::GiveCode { number: view.request.number, code: Some(code) });
            app.overlays.pop();
            // It is on its way: nobody is to type it again.
            app.session.code = None;
        }
        None => app.warn("A code has six digits."),
    }
}

fn shows_sign_in(app: &App) -> bool {
    matches!(app.overlays.last(), Some(Overlay::SignIn))
}

/// The code that a person is to confirm, while one is.
pub(super) fn device_code(app: &App) -> Option<&DeviceCode> {
    match &app.session.sign_in.as_ref()?.phase {
        SignInPhase::Waiting(code) => Some(code),
        _ => None,
    }
}

/// Whether an address is at hand that could be opened; else why not.
pub(super) fn has_address(app: &App) -> Result<(), Cow<'static, str>> {
    match (app.overlays.last(), device_code(app)) {
        (Some(Overlay::SignIn), Some(_)) => Ok(()),
        (Some(Overlay::SignIn), None) => Err("There is no address yet.".into()),
        _ => Err("Nobody signs in here.".into()),
    }
}

/// Has the address opened.
pub(super) fn open_address(app: &mut App, effects: &mut Vec<Effect>) {
    if let Some(code) = device_code(app) {
        effects.push(Effect::OpenAddress(code.best_address().to_owned()));
    }
}

/// An address was handed to a browser, or not.
pub(super) fn take_opened(app: &mut App, opened: Result<(), String>) {
    match opened {
        Ok(()) => app.tell("Handed to your browser: confirm the code there."),
        Err(why) => app.warn(format!("No browser was opened: {why}. Open the address yourself.")),
    }
}

/// Would signing in again help, since there are no credentials or none that are still good?
pub fn needs_sign_in(app: &App) -> bool {
    let lacks = |failure: &Failure| matches!(failure.kind, FailureKind::Expired | FailureKind::NoCredentials);
    app.session.way != SignInWay::Nothing && app.snapshot.caller.failure().is_some_and(lacks)
}

/// What is waited for, or what a person could do about it, in a line; `None` where there is nothing to say.
pub fn waiting(app: &App) -> Option<(Tone, String)> {
    let shows = |what: fn(&Overlay) -> bool| app.overlays.last().is_some_and(what);
    let (sign_in, stop) = (key_of(app, Command::SignIn), key_of(app, Command::StopWaiting));
    if let Some(code) = app.session.code.as_ref().filter(|_| !shows(|it| matches!(it, Overlay::Code(_)))) {
        let profile = &code.profile;
        return Some((Tone::Unknown, format!("An MFA code is needed for profile {profile}: {sign_in} asks for it")));
    }
    if let Some(code) = device_code(app).filter(|_| !shows(|it| matches!(it, Overlay::SignIn))) {
        return Some((Tone::Loading, format!("The sign-in waits for the code {}: {sign_in} shows it", code.code)));
    }
    if let Some(program) = &app.session.program {
        let seconds = app.now.0.as_second() - program.since.0.as_second();
        if seconds >= WORTH_A_WORD {
            return Some((Tone::Loading, format!("waiting for {}, {seconds} s; {stop} stops it", program.name)));
        }
    }
    let advice = match &app.session.way {
        SignInWay::Sso { profile } => format!("{sign_in}: sign in (profile {profile})"),
        SignInWay::Command(command) => format!("sign in elsewhere ({command}), then {}", key_of(app, Command::Refresh)),
        SignInWay::Code => format!("{sign_in} asks for the MFA code again"),
        SignInWay::Nothing => return None,
    };
    (needs_sign_in(app) && app.overlays.is_empty()).then_some((Tone::Unknown, advice))
}

/// In how many seconds what is waited for will read otherwise.
pub(super) fn wakes_in(app: &App) -> Option<u64> {
    let counts = app.session.program.is_some() || device_code(app).is_some();
    counts.then_some(1)
}

/// The key of a command in the list, as the keymap has it; `:NAME` where it has none.
pub fn key_of(app: &App, command: Command) -> String {
    let chord = app.keymap.chords(Context::List, command).next();
    chord.map_or_else(|| format!(":{}", command.name()), |it| it.to_string())
}
