//! What lies over the body for a moment: jump, palette, clusters, namespaces, a group, who-can's prompt, help, calls. The
//! prompts that stage changes are [`super::staging`]'s.

use ratatui::layout::{Position, Rect};

use super::canvas::Canvas;
use super::sign;
use super::status::typed;
use super::text::width;
use super::theme::Role;
use crate::app::App;
use crate::app::condition::said;
use crate::app::layout::Layout;
use crate::app::overlay::Overlay;
use crate::app::overlay::ask::AskWho;
use crate::app::overlay::help::{Help, Line};
use crate::app::overlay::picker::Picker;
use crate::app::words::count;
use crate::model::request::Target;
use crate::model::update::Call;

/// Draws it. Gives where the text cursor is, if text is typed.
pub(super) fn draw(canvas: &mut Canvas<'_>, at: &Layout, app: &App, overlay: &Overlay) -> Option<Position> {
    match overlay {
        Overlay::Trace(_)
        | Overlay::Explain(_)
        | Overlay::Workload(_)
        | Overlay::Row(_)
        | Overlay::Document(_)
        | Overlay::Matrix(_)
        | Overlay::WhoCan(_)
        | Overlay::Plan(_)
        | Overlay::Journal(_)
        | Overlay::Batch(_)
        | Overlay::Apply { .. } => None,
        Overlay::Exports(exports) => {
            canvas.frame(at.popup, &exports.title());
            let why = exports.picker.chosen().and_then(|it| it.disabled.clone());
            let (text, role) = match &why {
                Some(why) => (why.as_str(), Role::Warn),
                None => ("Enter shows it; Y then copies it", Role::Dim),
            };
            pick(canvas, at, &exports.picker, (text, role))
        }
        Overlay::Add(_)
        | Overlay::Identity(_)
        | Overlay::Associate(_)
        | Overlay::Policies { .. }
        | Overlay::EditChange { .. }
        | Overlay::CopyAccess(_) => super::staging::draw(canvas, at, app, overlay),
        Overlay::Code(view) => super::sign_in::code(canvas, at, view),
        Overlay::SignIn => {
            super::sign_in::draw(canvas, at, app);
            None
        }
        Overlay::AskWho(ask) => ask_who(canvas, at, ask),
        Overlay::Namespaces(picker) => {
            canvas.frame(at.popup, "Namespace");
            pick(canvas, at, picker, ("where to look; those with grants of their own come first", Role::Dim))
        }
        Overlay::Subject { title, picker } => {
            canvas.frame(at.popup, title);
            let text = match picker.choices.len() {
                0 => "nobody known here carries it, and no binding names it".to_owned(),
                _ => "who carries it, and the bindings that name it".to_owned(),
            };
            pick(canvas, at, picker, (&text, Role::Dim))
        }
        Overlay::Jump(jump) => {
            let picker = &jump.picker;
            canvas.frame(at.popup, "Jump");
            if let Some(problem) = &jump.problem {
                let area = Rect { x: at.choices.x + 3, width: at.choices.width.saturating_sub(5), ..at.choices };
                canvas.paragraph(area, problem, Role::Danger);
            }
            let hint = match &jump.problem {
                Some(_) => ("this can be neither traced nor explained:".to_owned(), Role::Dim),
                None if picker.hits.is_empty() && !picker.input.value().is_empty() => {
                    ("nothing here is called that; Enter looks further".to_owned(), Role::Unknown)
                }
                None => ("a name, an ARN, or a whole error message".to_owned(), Role::Dim),
            };
            pick(canvas, at, picker, (&hint.0, hint.1))
        }
        Overlay::Palette(picker) => {
            canvas.frame(at.popup, "Commands");
            let why = picker.chosen().and_then(|choice| choice.disabled.clone());
            let (text, role) = match why {
                Some(why) => (why, Role::Warn),
                None => ("Enter does it".to_owned(), Role::Dim),
            };
            pick(canvas, at, picker, (&text, role))
        }
        Overlay::Clusters(picker) => {
            canvas.frame(at.popup, "Clusters");
            let text = count(picker.choices.len(), "cluster", "clusters");
            pick(canvas, at, picker, (&text, Role::Dim))
        }
        Overlay::Help(help) => self::help(canvas, at, help),
        Overlay::Calls { top } => {
            calls(canvas, at, app, *top);
            None
        }
    }
}

/// A prompt, a line that explains, and the choices.
pub(super) fn pick<T>(
    canvas: &mut Canvas<'_>,
    at: &Layout,
    picker: &Picker<T>,
    (hint, role): (&str, Role),
) -> Option<Position> {
    let cursor = prompt(canvas, at, &picker.input, hint, role);
    let area = Rect { x: at.choices.x + 1, width: at.choices.width.saturating_sub(2), ..at.choices };
    let top = picker.top(usize::from(area.height));
    // Where things are explained, the explanations stand in a column of their own.
    let explained = picker.choices.iter().any(|choice| !choice.note.is_empty());
    let longest = picker.choices.iter().map(|choice| width(&choice.text)).max().unwrap_or(0);
    let names = if explained { (longest as u16).min(area.width / 3) } else { area.width };
    for ((place, hit), y) in picker.hits.iter().enumerate().skip(top).zip(area.top()..area.bottom()) {
        let Some(choice) = picker.choices.get(hit.choice) else { continue };
        let whole = Rect { x: at.choices.x, y, width: at.choices.width, height: 1 };
        let selected = (place == picker.at).then_some(Role::Selected);
        let text = if choice.disabled.is_some() { Role::Dim } else { Role::Text };
        canvas.over(whole, selected, |canvas| {
            let right = canvas.put_right(area.x + area.width / 3, area.right(), y, &choice.right, Role::Dim);
            let room = right.saturating_sub(area.x + 2);
            // What needs no explanation has the room for its name.
            let names = if choice.note.is_empty() { area.width } else { names };
            canvas.put_lit((area.x, y), names.min(room), &choice.text, &hit.letters, (text, Role::Focus));
            canvas.put(area.x + names + 2, y, room.saturating_sub(names + 2), &choice.note, Role::Dim);
            if picker.marked.contains(&hit.choice) {
                canvas.put(whole.x, y, 1, sign::MARKED, Role::Focus);
            }
        });
    }
    cursor
}

/// A prompt and what is said of what is typed, in as many lines as there are before the choices.
pub(super) fn prompt(
    canvas: &mut Canvas<'_>,
    at: &Layout,
    input: &tui_input::Input,
    hint: &str,
    role: Role,
) -> Option<Position> {
    let popup = at.popup;
    let (x, y) = (popup.x + 2, popup.y + 1);
    let columns = popup.width.saturating_sub(4);
    canvas.put(x, y, 1, "›", Role::Focus);
    let cursor = typed(canvas, (x + 2, y), columns.saturating_sub(2), input, Role::Text);
    let height = at.choices.y.saturating_sub(y + 1);
    match height {
        0 | 1 => drop(canvas.put(x + 2, y + 1, columns.saturating_sub(2), hint, role)),
        _ => drop(canvas.paragraph(Rect { x: x + 2, y: y + 1, width: columns.saturating_sub(2), height }, hint, role)),
    }
    cursor
}

/// What is typed, what it is taken for, and what is to be said of that.
fn ask_who(canvas: &mut Canvas<'_>, at: &Layout, ask: &AskWho) -> Option<Position> {
    canvas.frame(at.popup, "Who can …");
    let hint = "VERB RESOURCE [NAME] [-n NAMESPACE], or a path";
    let cursor = prompt(canvas, at, &ask.input, hint, Role::Dim);
    let area = Rect { x: at.choices.x + 3, width: at.choices.width.saturating_sub(5), ..at.choices };
    let below = |y: u16| Rect { y, height: area.bottom().saturating_sub(y), ..area };
    let mut y = area.y + 1;
    match &ask.question {
        Ok(question) => {
            let beyond = match &question.meant.request.target {
                Target::Resource { namespace, .. } if namespace.is_empty() => ", in all namespaces",
                _ => "",
            };
            canvas.put(area.x - 2, y, 1, "→", Role::Accent);
            y += canvas.paragraph(below(y), &format!("who can {}{beyond}?", question.title()), Role::Title);
            if let Some(translation) = question.translation() {
                y += canvas.paragraph(below(y), &translation, Role::Dim);
            }
            for note in &question.meant.notes {
                canvas.put(area.x - 2, y, 1, "!", Role::Warn);
                y += canvas.paragraph(below(y), note, Role::Text);
            }
        }
        Err(why) if why.is_empty() => {
            for example in
                ["delete pods -n payments", "get secrets db-password -n payments", "create pods/exec", "get /metrics"]
            {
                y += canvas.paragraph(below(y), example, Role::Dim);
            }
        }
        Err(why) => {
            canvas.paragraph(below(y), why, Role::Warn);
        }
    }
    cursor
}

fn help(canvas: &mut Canvas<'_>, at: &Layout, help: &Help) -> Option<Position> {
    canvas.frame(at.popup, "Help");
    let cursor = prompt(canvas, at, &help.input, "type to narrow; Esc goes back", Role::Dim);
    let area = Rect { x: at.choices.x + 1, width: at.choices.width.saturating_sub(2), ..at.choices };
    let keys_width = 17;
    for (line, y) in help.lines.iter().skip(help.top).zip(area.top()..area.bottom()) {
        match line {
            Line::Group(group) => {
                canvas.put(area.x, y, area.width, group.title(), Role::Title);
            }
            Line::Command { command, keys } => {
                let spec = command.spec();
                canvas.put(area.x + 2, y, keys_width - 1, keys, Role::Key);
                let x = area.x + 2 + keys_width;
                canvas.put(x, y, area.right().saturating_sub(x), spec.sentence, Role::Text);
            }
        }
    }
    cursor
}

fn calls(canvas: &mut Canvas<'_>, at: &Layout, app: &App, top: usize) {
    canvas.frame(at.popup, "Calls");
    let area = Rect { x: at.choices.x + 1, width: at.choices.width.saturating_sub(2), ..at.choices };
    let failed = app.calls.iter().filter(|call| call.failure.is_some()).count();
    let summary = match (app.calls.len(), app.is_live()) {
        (0, false) => "this is a file: no call was made".to_owned(),
        (0, true) => "no call was made yet".to_owned(),
        (n, _) => format!("{}, {failed} failed; the newest first", count(n, "call", "calls")),
    };
    canvas.put(area.x, at.popup.y + 1, area.width, &summary, Role::Dim);
    for (call, y) in app.calls.iter().rev().skip(top).zip(area.top()..area.bottom()) {
        draw_call(canvas, Rect { y, height: 1, ..area }, call);
    }
}

/// `06:00:01   120 ms  eks  DescribeAccessEntry  arn:…      ok`
fn draw_call(canvas: &mut Canvas<'_>, area: Rect, call: &Call) {
    let at = call.at.to_string();
    let clock = at.get(11..19).unwrap_or_default();
    let mut x = area.x;
    canvas.put(x, area.y, 8, clock, Role::Dim);
    x += 9;
    canvas.put_right(x, x + 8, area.y, &format!("{} ms", call.millis), Role::Dim);
    x += 10;
    let (result, role) = match &call.failure {
        None => ("ok".to_owned(), Role::Good),
        Some(failure) => (failure.code.clone().unwrap_or_else(|| failure.word().to_owned()), Role::Danger),
    };
    let end = canvas.put_right(x, area.right(), area.y, &result, role).saturating_sub(1);
    canvas.put(x, area.y, 10, call.service, Role::Dim);
    x += 11;
    let operation = (end.saturating_sub(x) * 3 / 5).min(30);
    canvas.put(x, area.y, operation, &call.operation, Role::Text);
    x += operation + 2;
    let on = match &call.failure {
        Some(failure) => said(failure),
        None => call.on.clone(),
    };
    canvas.put(x, area.y, end.saturating_sub(x), &on, Role::Dim);
}
