//! Draws the README's pictures: the real screens over the demo world, as SVG, into `assets/screens/`.
//!
//! `cargo run --example pictures` draws them all. Nothing is fetched and nothing depends on the day: the facts are the
//! demo world's, and the clock stands at the moment when that was taken.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::fmt::Write as _;
use std::sync::Arc;

use eksplorer::access::identity::Resolver;
use eksplorer::access::permissions::Permissions;
use eksplorer::access::trace::trace;
use eksplorer::app::effect::Effect;
use eksplorer::app::keymap::{Chord, Keymap};
use eksplorer::app::message::{Answer, Msg};

use eksplorer::access::who::who_can_question;
use eksplorer::app::{App, Setup, update};
use eksplorer::model::document::read;
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::snapshot::Source;
use eksplorer::run::effects::{analysis, permitted};
use eksplorer::view::draw;
use eksplorer::view::theme::Theme;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Size;
use ratatui::style::{Color, Modifier};

/// What somebody pasted.
const MESSAGE: &str = "User: arn:aws:sts::111122223333:assumed-role/deployer/jane@corp.com is not authorized";

enum Do<'a> {
    Keys(&'a str),
    Paste(&'a str),
}

fn main() {
    use Do::{Keys, Paste};
    picture("entries-wide", 132, 30, &[Keys("/ d e p l o y Enter j")]);
    picture("entries", 80, 24, &[Keys("j j j")]);
    picture("trace", 110, 22, &[Paste(MESSAGE), Keys("Enter")]);
    picture("aws-auth", 132, 34, &[Keys("2 j j j j j j j j")]);
    picture("jump", 100, 24, &[Keys("ctrl-p t e r r a")]);
    picture("matrix", 120, 30, &[Keys("6 / b l u e / d e p l o y e r Enter m j")]);
    picture("who-can", 120, 30, &[Keys("w d e l e t e Space p o d s Space - n Space p a y m e n t s Enter j j j")]);
    picture("help", 100, 34, &[Keys("?")]);
}

/// The screen after these keys.
fn picture(name: &str, width: u16, height: u16, doings: &[Do<'_>]) {
    let world = include_str!("../assets/worlds/acme.yaml");
    let snapshot = snapshot_of(&read(world).unwrap(), Source::Lab);
    let now = snapshot.taken_at.unwrap();
    let setup = Setup { cluster: Some("prod-eu1".to_owned()), keymap: Keymap::standard().unwrap(), ..Setup::default() };
    let mut app = App::new(snapshot, setup, Size { width, height }, now);
    let effects = app.begin();
    set_about(&mut app, effects);
    for doing in doings {
        match doing {
            Do::Keys(keys) => {
                for key in keys.split(' ') {
                    send(&mut app, Msg::Key(key.parse::<Chord>().unwrap()));
                }
            }
            Do::Paste(text) => send(&mut app, Msg::Paste((*text).to_owned())),
        }
    }
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let theme = Theme::standard().unwrap();
    terminal.draw(|frame| draw(frame, &app, &theme)).unwrap();
    let path = format!("assets/screens/{name}.svg");
    std::fs::write(&path, svg(terminal.backend().buffer())).unwrap();
    println!("{path}");
}

fn send(app: &mut App, msg: Msg) {
    let effects = update(app, msg);
    set_about(app, effects);
}

/// What the rim would do, at once.
fn set_about(app: &mut App, effects: Vec<Effect>) {
    for effect in effects {
        let answer = match effect {
            Effect::Analyse { ticket, cluster } => {
                let facts = app.snapshot.cluster(&cluster);
                (ticket, Answer::Analysis(Arc::new(analysis(&facts, &app.snapshot.iam))))
            }
            Effect::Trace { ticket, cluster, asked } => {
                let facts = app.snapshot.cluster(&cluster);
                let chain = trace(&Resolver::new(&facts, &app.snapshot.iam), &Permissions::of(&facts), &asked);
                (ticket, Answer::Trace(Arc::new(chain)))
            }
            Effect::Matrix { ticket, cluster, asked, namespace } => {
                let facts = app.snapshot.cluster(&cluster);
                let permissions = app.analysis.as_ref().map(|it| it.permissions.clone()).unwrap_or_default();
                let answer = permitted(&facts, &app.snapshot.iam, permissions, &asked, namespace.as_deref());
                (ticket, Answer::Matrix(Arc::new(answer)))
            }
            Effect::WhoCan { ticket, cluster, question } => {
                let (facts, known) = (app.snapshot.cluster(&cluster), app.analysis.clone().unwrap_or_default());
                let answer = who_can_question(&facts, &known.permissions, &known.inventory.principals, &question);
                (ticket, Answer::WhoCan(Arc::new(answer)))
            }
            _ => continue,
        };
        send(app, Msg::Answer(answer.0, answer.1));
    }
}

const CELL: (u32, u32) = (9, 19);
const PAPER: &str = "#15171c";
const INK: &str = "#d7dae0";

/// A buffer as SVG: a rectangle under each run with a background, a text for each run of one style.
fn svg(buffer: &Buffer) -> String {
    let (width, height) = (u32::from(buffer.area.width), u32::from(buffer.area.height));
    let (w, h) = (width * CELL.0 + 20, height * CELL.1 + 20);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" \
         font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"15\">\n\
         <rect width=\"{w}\" height=\"{h}\" rx=\"8\" fill=\"{PAPER}\"/>\n"
    );
    for y in 0..buffer.area.height {
        let mut x = 0;
        while x < buffer.area.width {
            let style = buffer[(x, y)].style();
            let from = x;
            let mut text = String::new();
            while x < buffer.area.width && buffer[(x, y)].style() == style {
                text.push_str(buffer[(x, y)].symbol());
                x += 1;
            }
            run(&mut out, u32::from(from), u32::from(x), u32::from(y), &text, style);
        }
    }
    out + "</svg>\n"
}

fn run(out: &mut String, from: u32, to: u32, y: u32, text: &str, style: ratatui::style::Style) {
    let has = |modifier| style.add_modifier.contains(modifier);
    let (mut ink, mut paper) = (color(style.fg).unwrap_or(INK), color(style.bg).unwrap_or(PAPER));
    if has(Modifier::REVERSED) {
        std::mem::swap(&mut ink, &mut paper);
    }
    let (left, top) = (10 + from * CELL.0, 10 + y * CELL.1);
    if paper != PAPER {
        let width = (to - from) * CELL.0;
        let _ =
            writeln!(out, "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{}\" fill=\"{paper}\"/>", CELL.1);
    }
    if text.trim().is_empty() {
        return;
    }
    let weight = if has(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
    let dim = if has(Modifier::DIM) { " opacity=\"0.62\"" } else { "" };
    let line = if has(Modifier::UNDERLINED) { " text-decoration=\"underline\"" } else { "" };
    let length = (to - from) * CELL.0;
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    // textLength keeps columns aligned whatever font the reader has.
    let _ = writeln!(
        out,
        "<text x=\"{left}\" y=\"{}\" fill=\"{ink}\"{weight}{dim}{line} textLength=\"{length}\" \
         lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\">{text}</text>",
        top + 14
    );
}

fn color(color: Option<Color>) -> Option<&'static str> {
    Some(match color? {
        Color::Red | Color::LightRed => "#f0626e",
        Color::Green | Color::LightGreen => "#4fb86a",
        Color::Yellow | Color::LightYellow => "#e0b050",
        Color::Blue | Color::LightBlue => "#6aa6f0",
        Color::Magenta | Color::LightMagenta => "#c58af0",
        Color::Cyan | Color::LightCyan => "#4cc2cf",
        Color::Gray => "#b8bcc6",
        Color::DarkGray => "#7b808c",
        Color::White => "#ffffff",
        Color::Black => "#000000",
        _ => return None,
    })
}
