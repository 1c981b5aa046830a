//! The code of an MFA device, being typed.
//!
//! Decides what is a code: six digits, as every device of AWS shows them. Blanks between them are how people read them.

use tui_input::Input;

use crate::app::keymap::Chord;
use crate::app::prompt;
use crate::model::sign_in::CodeRequest;

/// The digits of a code.
const DIGITS: usize = 6;

/// The prompt.
#[derive(Clone, Debug)]
pub struct CodeView {
    /// What is asked for.
    pub request: CodeRequest,
    /// What is typed: digits only.
    pub input: Input,
}

impl CodeView {
    /// With nothing typed yet.
    pub fn new(request: CodeRequest) -> Self {
        CodeView { request, input: Input::default() }
    }

    /// Takes in a key; one that is no digit and edits nothing does nothing.
    pub fn type_key(&mut self, chord: Chord) {
        let fits = |c: char| c.is_ascii_digit() && self.input.value().chars().count() < DIGITS;
        if chord.typed().is_none_or(fits) {
            prompt::edit(&mut self.input, chord);
        }
    }

    /// Takes in a pasted text in the place of what is typed, if it is a code.
    pub fn paste(&mut self, text: &str) {
        let code: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        if is_code(&code) {
            self.input = Input::new(code).with_cursor(DIGITS);
        }
    }

    /// The code, once it is whole.
    pub fn code(&self) -> Option<String> {
        Some(self.input.value().to_owned()).filter(|it| is_code(it))
    }
}

fn is_code(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::keymap::Key;

    #[test]
    fn only_six_digits_are_a_code() {
        let request =
            CodeRequest { number: 1, serial: "arn:aws:iam::111122223333:mfa/jane".into(), profile: "a".into() };
        let mut view = CodeView::new(request);
        for c in "1j2 34x5".chars() {
            view.type_key(Chord::from(c));
        }
        assert_eq!((view.input.value(), view.code()), ("12345", None));
        view.type_key(Chord::from('6'));
        view.type_key(Chord::from('7'));
        assert_eq!(view.code().as_deref(), Some("123456"));
        view.type_key(Chord::plain(Key::Backspace));
        assert_eq!(view.code(), None);
        view.paste("12a456");
        assert_eq!(view.input.value(), "12345", "that is no code");
        view.paste(" 654 321\n");
        assert_eq!(view.code().as_deref(), Some("654321"));
    }
}
