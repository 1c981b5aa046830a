//! The sign-in by IAM Identity Center, and the code of an MFA device: what lies over the body until they are done.

use ratatui::layout::{Position, Rect};

use super::canvas::Canvas;
use super::overlay::prompt;
use super::theme::Role;
use crate::app::command::Command;
use crate::app::layout::Layout;
use crate::app::overlay::code::CodeView;
use crate::app::{App, key_of};
use crate::model::sign_in::{DeviceCode, SignInPhase};

/// The code being typed. Gives where the text cursor is.
pub(super) fn code(canvas: &mut Canvas<'_>, at: &Layout, view: &CodeView) -> Option<Position> {
    canvas.frame(at.popup, &format!("MFA code · profile {}", view.request.profile));
    let hint = format!("the six digits that {} shows now, good once; Esc goes on without", view.request.serial);
    prompt(canvas, at, &view.input, &hint, Role::Dim)
}

/// How far the sign-in is.
pub(super) fn draw(canvas: &mut Canvas<'_>, at: &Layout, app: &App) {
    let sign_in = app.session.sign_in.as_ref();
    let title = match sign_in.map(|it| it.profile.as_str()) {
        None | Some("") => "Sign in".to_owned(),
        Some(profile) => format!("Sign in · profile {profile}"),
    };
    canvas.frame(at.popup, &title);
    let area = Rect {
        x: at.popup.x + 3,
        y: at.popup.y + 2,
        width: at.popup.width.saturating_sub(6),
        height: at.popup.height.saturating_sub(3),
    };
    let center = sign_in.map(|it| it.start_url.as_str()).filter(|it| !it.is_empty()).unwrap_or("IAM Identity Center");
    match sign_in.map(|it| &it.phase) {
        None | Some(SignInPhase::Starting) => {
            canvas.paragraph(area, &format!("⟳ Asking {center} for a code …"), Role::Accent);
        }
        Some(SignInPhase::Waiting(code)) => waiting(canvas, area, app, code),
        Some(SignInPhase::Done { until }) => {
            canvas.paragraph(area, &format!("Signed in until {until}."), Role::Good);
        }
        Some(SignInPhase::Failed(why)) => {
            let y = area.y + canvas.paragraph(area, &format!("Not signed in: {why}."), Role::Danger) + 1;
            let below = Rect { y, height: area.bottom().saturating_sub(y), ..area };
            canvas.paragraph(below, &again(app), Role::Dim);
        }
        Some(SignInPhase::Canceled) => {
            canvas.paragraph(area, &format!("Not signed in: it was given up. {}", again(app)), Role::Dim);
        }
    }
}

/// How to go on after a sign-in that failed.
fn again(app: &App) -> String {
    format!("{} asks for another code, Esc goes back.", key_of(app, Command::SignIn))
}

/// The code first and spaced out, since it must be compared; then where, and for how long.
fn waiting(canvas: &mut Canvas<'_>, area: Rect, app: &App, code: &DeviceCode) {
    let spaced: String = code.code.chars().flat_map(|c| [c, ' ']).collect();
    canvas.put(area.x, area.y, area.width, spaced.trim_end(), Role::Title);
    let mut y = area.y + 2;
    let mut say = |canvas: &mut Canvas<'_>, text: &str, role: Role| {
        let height = area.bottom().saturating_sub(y);
        y += canvas.paragraph(Rect { y, height, ..area }, text, role);
    };
    say(canvas, "Confirm this code, and only this one, at", Role::Text);
    say(canvas, code.best_address(), Role::Link);
    let seconds = (code.until.0.as_second() - app.now.0.as_second()).max(0);
    let good = format!("⟳ Waiting for that. The code is good for {} min {:02} s more.", seconds / 60, seconds % 60);
    say(canvas, "", Role::Text);
    say(canvas, &good, Role::Accent);
    let how = "Enter opens the address in a browser of this machine, c copies it; Esc gives the sign-in up.";
    say(canvas, how, Role::Dim);
}
