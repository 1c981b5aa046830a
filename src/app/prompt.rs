//! Typing: which keys edit the text of a prompt.
//!
//! The tongue of a shell's line. These keys are not in the keymap, since in a prompt a character is a character.

use tui_input::{Input, InputRequest};

use super::keymap::{Chord, Key};

/// Takes in a key. True if the text changed.
pub fn edit(input: &mut Input, chord: Chord) -> bool {
    let request = match (chord.ctrl, chord.alt, chord.key) {
        (false, false, Key::Char(c)) => InputRequest::InsertChar(c),
        (false, false, Key::Backspace) | (true, false, Key::Char('h')) => InputRequest::DeletePrevChar,
        (false, false, Key::Delete) => InputRequest::DeleteNextChar,
        (false, false, Key::Left) | (true, false, Key::Char('b')) => InputRequest::GoToPrevChar,
        (false, false, Key::Right) | (true, false, Key::Char('f')) => InputRequest::GoToNextChar,
        (true, false, Key::Left) | (false, true, Key::Char('b')) => InputRequest::GoToPrevWord,
        (true, false, Key::Right) | (false, true, Key::Char('f')) => InputRequest::GoToNextWord,
        (false, false, Key::Home) | (true, false, Key::Char('a')) => InputRequest::GoToStart,
        (false, false, Key::End) | (true, false, Key::Char('e')) => InputRequest::GoToEnd,
        (true, false, Key::Char('u')) => InputRequest::DeleteLine,
        (true, false, Key::Char('k')) => InputRequest::DeleteTillEnd,
        (true, false, Key::Char('w')) | (false, true, Key::Backspace) => InputRequest::DeletePrevWord,
        _ => return false,
    };
    input.handle(request).is_some_and(|change| change.value)
}

/// The longest text that a prompt takes: an error message is shorter, and a pasted log file is a mistake.
const LONGEST: usize = 4_096;

/// Puts a pasted text where the cursor is; line ends become blanks.
pub fn paste(input: &mut Input, text: &str) {
    let text: String = text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let before: String = input.value().chars().take(input.cursor()).collect();
    let after: String = input.value().chars().skip(input.cursor()).collect();
    let cursor = before.chars().count() + text.chars().count();
    *input = Input::new(format!("{before}{text}{after}")).with_cursor(cursor);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_text_goes_where_the_cursor_is() {
        let mut input = Input::new("ab".into()).with_cursor(1);
        paste(&mut input, "x\ny");
        assert_eq!((input.value(), input.cursor()), ("ax yb", 4));
        assert!(edit(&mut input, Chord::plain(Key::Backspace)));
        assert_eq!(input.value(), "ax b");
        assert!(!edit(&mut input, Chord::plain(Key::Left)), "the cursor moves, the text stays");
        assert!(!edit(&mut input, Chord::plain(Key::F(3))));
    }
}
