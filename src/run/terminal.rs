//! The terminal, claimed for the screen and given back whatever happens: at the end, on a panic in any task, on a signal,
//! and while the program is suspended.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, execute};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Rect, Size};

use crate::app::keymap::{Chord, Key};
use crate::app::message::{Mouse, Msg};

/// Is the terminal ours? Kept apart from the guard, since the panic hook must know without reaching it.
static CLAIMED: AtomicBool = AtomicBool::new(false);

/// What draws on the terminal.
pub type Screen = ratatui::Terminal<CrosstermBackend<BufWriter<Stdout>>>;

/// The claim on the terminal. Gives it back when dropped.
#[derive(Debug)]
pub struct Terminal {
    screen: Screen,
}

impl Terminal {
    /// Claims the terminal.
    pub fn claim() -> io::Result<Self> {
        install_hook();
        enter(&mut io::stdout())?;
        let backend = CrosstermBackend::new(BufWriter::with_capacity(1 << 16, io::stdout()));
        match ratatui::Terminal::new(backend) {
            Ok(screen) => Ok(Terminal { screen }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// What draws on it.
    pub fn screen(&mut self) -> &mut Screen {
        &mut self.screen
    }

    /// Its size now.
    pub fn size(&self) -> io::Result<Size> {
        self.screen.size()
    }

    /// Gives the terminal back until [`Terminal::resume`].
    pub fn pause(&mut self) {
        give_back();
    }

    /// Claims it again; all that is on it is drawn anew.
    pub fn resume(&mut self) -> io::Result<()> {
        enter(&mut io::stdout())?;
        // Not `clear`, which asks the terminal for its cursor and would wait for an answer that the input stream takes.
        let Size { width, height } = self.screen.size()?;
        self.screen.resize(Rect { x: 0, y: 0, width, height })
    }

    /// Sends a text to the terminal's clipboard (OSC 52). Only between two frames, or it would tear one.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

fn enter(out: &mut impl Write) -> io::Result<()> {
    enable_raw_mode()?;
    CLAIMED.store(true, Ordering::SeqCst);
    let entered = execute!(out, EnterAlternateScreen, EnableMouseCapture, EnableBracketedPaste, cursor::Hide);
    if entered.is_err() {
        give_back();
    }
    entered
}

/// Gives the terminal back if it is ours; once, whoever comes first. There is nobody left to tell of a failure.
pub fn give_back() {
    if CLAIMED.swap(false, Ordering::SeqCst) {
        leave(&mut io::stdout());
        let _ = disable_raw_mode();
    }
}

fn leave(out: &mut impl Write) {
    let _ = execute!(out, DisableBracketedPaste, DisableMouseCapture, LeaveAlternateScreen, cursor::Show);
}

/// Before whatever hook is there (it prints or logs), the terminal is given back, so that what is printed can be read.
fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| give_back_first(give_back));
}

fn give_back_first(give_back: fn()) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        give_back();
        before(panic);
    }));
}

/// A terminal's event as a message; `None` for those that say nothing here.
pub fn message(event: Event) -> Option<Msg> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => chord(key).map(Msg::Key),
        Event::Paste(text) => Some(Msg::Paste(text)),
        Event::Resize(width, height) => Some(Msg::Resize(Size { width, height })),
        Event::Mouse(event) => {
            let (column, row) = (event.column, event.row);
            match event.kind {
                MouseEventKind::Down(MouseButton::Left) => Some(Msg::Mouse(Mouse::Click { column, row })),
                MouseEventKind::ScrollUp => Some(Msg::Mouse(Mouse::WheelUp { column, row })),
                MouseEventKind::ScrollDown => Some(Msg::Mouse(Mouse::WheelDown { column, row })),
                _ => None,
            }
        }
        _ => None,
    }
}

fn chord(event: KeyEvent) -> Option<Chord> {
    let key = match event.code {
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Insert => Key::Insert,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::F(n) => Key::F(n),
        _ => return None,
    };
    let held = |modifier| event.modifiers.contains(modifier);
    Some(Chord { ctrl: held(KeyModifiers::CONTROL), alt: held(KeyModifiers::ALT), key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_undoes_all_that_entering_did() {
        let mut out = Vec::new();
        leave(&mut out);
        let text = String::from_utf8(out).expect("escape sequences are ASCII");
        for (what, sequence) in [
            ("bracketed paste", "\u{1b}[?2004l"),
            ("mouse", "\u{1b}[?1000l"),
            ("alternate screen", "\u{1b}[?1049l"),
            ("cursor", "\u{1b}[?25h"),
        ] {
            assert!(text.contains(sequence), "{what} in {text:?}");
        }
    }

    #[test]
    fn a_panic_in_any_task_gives_the_terminal_back_before_anything_is_printed() {
        static ORDER: std::sync::Mutex<Vec<&str>> = std::sync::Mutex::new(Vec::new());
        let say = |what| ORDER.lock().expect("the list").push(what);
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |_| say("printed")));
        give_back_first(|| ORDER.lock().expect("the list").push("given back"));
        let outcome = std::thread::spawn(|| std::panic::panic_any("a panic on purpose")).join();
        std::panic::set_hook(before);
        assert!(outcome.is_err());
        assert_eq!(*ORDER.lock().expect("the list"), ["given back", "printed"]);
    }

    #[test]
    fn keys_come_in_with_their_modifiers_and_releases_do_not() {
        let press = |code, modifiers| message(Event::Key(KeyEvent::new(code, modifiers)));
        let typed = |chord: &str| Some(Msg::Key(chord.parse().expect("a chord")));
        assert_eq!(press(KeyCode::Char('p'), KeyModifiers::CONTROL), typed("ctrl-p"));
        assert_eq!(press(KeyCode::Char('G'), KeyModifiers::SHIFT), typed("G"));
        assert_eq!(press(KeyCode::BackTab, KeyModifiers::SHIFT), typed("BackTab"));
        let released = KeyEvent::new_with_kind(KeyCode::Enter, KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(message(Event::Key(released)), None);
    }
}
