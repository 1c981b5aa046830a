//! Which key means which command, where.
//!
//! `assets/keymap.toml` is compiled in and is the only place that binds keys: dispatch, the footer, help, the palette and
//! the README's key table all read it from here. A file of the user's own can be read with the same loader. Keys that
//! edit text in a prompt are not bound here; they belong to the prompt.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use toml::Spanned;

use super::command::Command;

/// The keymap that the program ships with.
pub const STANDARD: &str = include_str!("../../assets/keymap.toml");

/// A key without its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Key {
    Char(char),
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Insert,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    F(u8),
}

/// The keys that are written by name.
const NAMED: [(Key, &str); 16] = [
    (Key::Char(' '), "Space"),
    (Key::Enter, "Enter"),
    (Key::Esc, "Esc"),
    (Key::Tab, "Tab"),
    (Key::BackTab, "BackTab"),
    (Key::Backspace, "Backspace"),
    (Key::Delete, "Delete"),
    (Key::Insert, "Insert"),
    (Key::Up, "Up"),
    (Key::Down, "Down"),
    (Key::Left, "Left"),
    (Key::Right, "Right"),
    (Key::Home, "Home"),
    (Key::End, "End"),
    (Key::PageUp, "PgUp"),
    (Key::PageDown, "PgDn"),
];

/// A key with its modifiers. Shift is part of the character (`G`) or of the key (`BackTab`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chord {
    /// Is control held?
    pub ctrl: bool,
    /// Is alt (meta) held?
    pub alt: bool,
    /// Which key.
    pub key: Key,
}

impl Chord {
    /// A key by itself.
    pub fn plain(key: Key) -> Self {
        Chord { ctrl: false, alt: false, key }
    }

    /// The character it types into a text, if it does.
    pub fn typed(self) -> Option<char> {
        match self {
            Chord { ctrl: false, alt: false, key: Key::Char(c) } => Some(c),
            _ => None,
        }
    }
}

impl From<char> for Chord {
    fn from(c: char) -> Self {
        Chord::plain(Key::Char(c))
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("ctrl-")?;
        }
        if self.alt {
            f.write_str("alt-")?;
        }
        match (NAMED.iter().find(|(key, _)| *key == self.key), self.key) {
            (Some((_, name)), _) => f.write_str(name),
            (None, Key::F(n)) => write!(f, "F{n}"),
            (None, Key::Char(c)) => write!(f, "{c}"),
            (None, _) => Ok(()),
        }
    }
}

/// A text that names no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a key: write a character, a name such as Enter or PgDn, F1 to F12, with ctrl- or alt- before it")]
pub struct ChordError(String);

impl FromStr for Chord {
    type Err = ChordError;

    fn from_str(text: &str) -> Result<Self, ChordError> {
        let error = || ChordError(text.to_owned());
        let mut chord = Chord { ctrl: false, alt: false, key: Key::Esc };
        let mut rest = text;
        loop {
            // What stands behind a prefix must not be empty: "ctrl-" alone is no key.
            if let Some(after) = rest.strip_prefix("ctrl-").filter(|after| !after.is_empty()) {
                (chord.ctrl, rest) = (true, after);
            } else if let Some(after) = rest.strip_prefix("alt-").filter(|after| !after.is_empty()) {
                (chord.alt, rest) = (true, after);
            } else {
                break;
            }
        }
        let mut characters = rest.chars();
        chord.key = match (characters.next(), characters.next()) {
            (Some(c), None) if !c.is_control() && c != ' ' => Key::Char(c),
            _ => match NAMED.iter().find(|(_, name)| name.eq_ignore_ascii_case(rest)) {
                Some((key, _)) => *key,
                None => {
                    let number = rest.strip_prefix(['F', 'f']).and_then(|n| n.parse().ok());
                    Key::F(number.filter(|n| (1..=12).contains(n)).ok_or_else(error)?)
                }
            },
        };
        Ok(chord)
    }
}

/// Where a key is pressed. Inner contexts are looked at before [`Context::Global`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// Everywhere but in a prompt, where characters are text.
    Global,
    /// A pane's list.
    List,
    /// The trace on the full screen.
    Trace,
    /// Which AWS role a workload gets.
    Workload,
    /// A row with all that it says.
    Row,
    /// A document.
    Document,
    /// What an identity may do.
    Matrix,
    /// Who may make a request.
    WhoCan,
    /// The review of what is staged, and its being applied.
    Review,
    /// The journal.
    Journal,
    /// A batch of it.
    Batch,
    /// The sign-in.
    SignIn,
    /// Wherever text is typed: filter, jump, palette, help, clusters, namespaces, who can.
    Prompt,
}

impl Context {
    /// All of them, in the order in which help shows them.
    pub const ALL: [Context; 13] = [
        Context::Global,
        Context::List,
        Context::Trace,
        Context::Workload,
        Context::Row,
        Context::Document,
        Context::Matrix,
        Context::WhoCan,
        Context::Review,
        Context::Journal,
        Context::Batch,
        Context::SignIn,
        Context::Prompt,
    ];

    /// As the keymap file calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Context::Global => "global",
            Context::List => "list",
            Context::Trace => "trace",
            Context::Workload => "workload",
            Context::Row => "row",
            Context::Document => "document",
            Context::Matrix => "matrix",
            Context::WhoCan => "who-can",
            Context::Review => "review",
            Context::Journal => "journal",
            Context::Batch => "batch",
            Context::SignIn => "sign-in",
            Context::Prompt => "prompt",
        }
    }
}

/// What is wrong with a keymap file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// It is no TOML, or not of the shape `[context]`, `command = ["key", …]`.
    #[error("{0}")]
    Syntax(String),
    /// A section that is no context.
    #[error("[{0}] is no context: there are {all}", all = contexts())]
    Context(String),
    /// A name that is no command.
    #[error("line {line}: {name:?} is no command: `:` lists them")]
    Command {
        /// Counted from 1.
        line: usize,
        /// As written.
        name: String,
    },
    /// A text that is no key.
    #[error("line {line}: {error}")]
    Chord {
        /// Counted from 1.
        line: usize,
        /// Which, and what is expected.
        error: ChordError,
    },
    /// A key that has a meaning there already.
    #[error("line {line}: {chord} already means {taken} in [{context}]", context = .context.as_str(), taken = .taken.name())]
    Duplicate {
        /// Counted from 1.
        line: usize,
        /// The key.
        chord: Chord,
        /// Where it has a meaning already.
        context: Context,
        /// Which.
        taken: Command,
    },
}

fn contexts() -> String {
    Context::ALL.map(Context::as_str).join(", ")
}

/// Keys and their commands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keymap {
    bindings: Vec<(Context, Chord, Command)>,
}

type Written = BTreeMap<String, BTreeMap<Spanned<String>, Vec<Spanned<String>>>>;

impl Keymap {
    /// The map that the program ships with.
    pub fn standard() -> Result<Self, KeymapError> {
        Self::parse(STANDARD)
    }

    /// Reads a keymap file.
    pub fn parse(text: &str) -> Result<Self, KeymapError> {
        let written: Written = toml::from_str(text).map_err(|error| KeymapError::Syntax(error.to_string()))?;
        let line = |at: usize| text.get(..at).unwrap_or(text).matches('\n').count() + 1;
        let mut map = Keymap::default();
        for (context, commands) in written {
            let Some(context) = Context::ALL.into_iter().find(|it| it.as_str() == context) else {
                return Err(KeymapError::Context(context));
            };
            for (name, chords) in commands {
                let at = line(name.span().start);
                let Some(command) = Command::by_name(name.get_ref()) else {
                    return Err(KeymapError::Command { line: at, name: name.into_inner() });
                };
                for chord in chords {
                    let line = line(chord.span().start);
                    let chord = chord.get_ref().parse().map_err(|error| KeymapError::Chord { line, error })?;
                    if let Some((context, taken)) = map.taken(context, chord) {
                        return Err(KeymapError::Duplicate { line, chord, context, taken });
                    }
                    map.bindings.push((context, chord, command));
                }
            }
        }
        Ok(map)
    }

    /// The meaning that a key already has where `context` is looked at. Prompts stand alone, since characters are text
    /// there; all others are looked at together with the global ones.
    fn taken(&self, context: Context, chord: Chord) -> Option<(Context, Command)> {
        let meet = |other: Context| {
            let either_global = context == Context::Global || other == Context::Global;
            other == context || (either_global && context != Context::Prompt && other != Context::Prompt)
        };
        self.bindings.iter().find(|(other, it, _)| *it == chord && meet(*other)).map(|(c, _, command)| (*c, *command))
    }

    /// The command that a key means in a context.
    pub fn command(&self, context: Context, chord: Chord) -> Option<Command> {
        let within =
            |wanted| self.bindings.iter().find(|(c, it, _)| *c == wanted && *it == chord).map(|(_, _, it)| *it);
        within(context).or_else(|| if context == Context::Prompt { None } else { within(Context::Global) })
    }

    /// The keys of a command in a context, the one to show first.
    pub fn chords(&self, context: Context, command: Command) -> impl Iterator<Item = Chord> {
        let of = move |wanted| {
            self.bindings.iter().filter(move |(c, _, it)| *c == wanted && *it == command).map(|(_, chord, _)| *chord)
        };
        of(context).chain(of(Context::Global).filter(move |_| !matches!(context, Context::Global | Context::Prompt)))
    }

    /// Every binding: context, key, command.
    pub fn bindings(&self) -> &[(Context, Chord, Command)] {
        &self.bindings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_shipped_map_is_sound_and_reaches_every_command_that_is_not_for_the_palette_alone() {
        let map = Keymap::standard().expect("the compiled-in keymap");
        for command in Command::ALL {
            let bound = map.bindings().iter().any(|(_, _, it)| *it == *command);
            assert_eq!(bound, !command.is_palette_only(), "{}", command.name());
        }
    }

    #[test]
    fn a_key_with_two_meanings_is_refused_with_its_line() {
        let error = Keymap::parse("[list]\ntrace = ['Enter']\n\nfilter = ['/', 'enter']\n").expect_err("twice");
        // Commands of a context are read by name: `filter` comes before `trace`.
        assert_eq!(error.to_string(), "line 2: Enter already means filter in [list]");
        let error = Keymap::parse("[global]\nback = ['q']\n[list]\ntrace = ['q']\n").expect_err("twice");
        assert_eq!(error.to_string(), "line 4: q already means back in [global]");
        assert!(Keymap::parse("[list]\ntrace = ['Enter']\n[prompt]\naccept = ['Enter']\n").is_ok());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, said) in [
            ("[list]\nfly = ['f']\n", "line 2: \"fly\" is no command"),
            ("[list]\n\ntrace = [\n 'ctrl-',\n 'Entr']\n", "line 4: \"ctrl-\" is not a key"),
            ("[lists]\ntrace = ['Enter']\n", "[lists] is no context: there are global, list"),
            ("[list]\ntrace = 'Enter'\n", "invalid type"),
        ] {
            let error = Keymap::parse(text).expect_err(text).to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn control_and_a_dash_can_be_bound() {
        assert_eq!("-".parse(), Ok(Chord::from('-')));
        assert_eq!("ctrl--".parse(), Ok(Chord { ctrl: true, ..Chord::from('-') }));
        assert!("".parse::<Chord>().is_err());
        assert!("F13".parse::<Chord>().is_err());
    }

    proptest! {
        #[test]
        fn keys_read_as_they_print(ctrl: bool, alt: bool, at in 0usize..30, c in "[ -~]") {
            let character = c.chars().next().map(Key::Char);
            let key = NAMED.get(at).map(|(key, _)| *key).or(character).unwrap_or(Key::F(5));
            let chord = Chord { ctrl, alt, key };
            prop_assert_eq!(chord.to_string().parse::<Chord>(), Ok(chord));
        }
    }
}
