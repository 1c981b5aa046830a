//! Asking a person for a code, on the terminal that the program was started from and before a screen is drawn on it.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};

/// Asks and reads one line. `None` where there is no terminal to ask on.
///
/// The code is seen as it is typed: it is good once, and a terminal left without echo after Ctrl-C would be worse.
pub fn ask_for_code(question: &str) -> Option<String> {
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
    let question = crate::model::visible::visible(question);
    terminal.write_all(question.as_bytes()).and_then(|()| terminal.flush()).ok()?;
    let mut line = String::new();
    BufReader::new(terminal).read_line(&mut line).ok()?;
    Some(line.trim().to_owned())
}
