//! Every command with its keys, as the command table and the keymap have them; typing narrows.

use tui_input::Input;

use crate::app::command::{Command, Group};
use crate::app::keymap::{Context, Keymap};
use crate::app::pane::Motion;

/// A line of help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A heading.
    Group(Group),
    /// A command with its keys.
    Command {
        /// Which.
        command: Command,
        /// Its keys, everywhere it has some.
        keys: String,
    },
}

/// The help.
#[derive(Clone, Debug, Default)]
pub struct Help {
    /// What was typed.
    pub input: Input,
    /// What matches.
    pub lines: Vec<Line>,
    /// The first line shown.
    pub top: usize,
}

impl Help {
    /// All commands.
    pub fn new(keymap: &Keymap) -> Self {
        let mut help = Help::default();
        help.narrow(keymap);
        help
    }

    /// Takes in what was typed: all its words must be in a command's name, sentence or keys.
    pub fn narrow(&mut self, keymap: &Keymap) {
        let text = self.input.value().to_lowercase();
        let words: Vec<&str> = text.split_whitespace().collect();
        self.lines.clear();
        self.top = 0;
        let mut last = None;
        for command in Command::ALL {
            let spec = command.spec();
            let keys = keys(keymap, *command);
            let haystack = format!("{} {} {}", spec.name, spec.sentence, keys).to_lowercase();
            if words.iter().all(|word| haystack.contains(word)) {
                if last != Some(spec.group) {
                    self.lines.push(Line::Group(spec.group));
                    last = Some(spec.group);
                }
                self.lines.push(Line::Command { command: *command, keys });
            }
        }
    }

    /// Scrolls.
    pub fn go(&mut self, motion: Motion, page: usize) {
        let furthest = self.lines.len().saturating_sub(page.max(1));
        self.top = motion.from(self.top, self.lines.len(), page).min(furthest);
    }
}

/// The keys of a command, each once, in the order of contexts.
pub fn keys(keymap: &Keymap, command: Command) -> String {
    let mut chords: Vec<String> = Vec::new();
    for context in Context::ALL {
        for (bound, chord, it) in keymap.bindings() {
            let chord = chord.to_string();
            if *bound == context && *it == command && !chords.contains(&chord) {
                chords.push(chord);
            }
        }
    }
    chords.join(" ")
}

/// The key table of the README, as Markdown.
pub fn markdown(keymap: &Keymap) -> String {
    let mut out = String::from("| key | |\n|---|---|\n");
    for line in Help::new(keymap).lines {
        match line {
            Line::Group(group) => out.push_str(&format!("| **{}** | |\n", group.title())),
            Line::Command { command, keys } => {
                let keys: Vec<String> = keys.split(' ').map(|key| format!("`{key}`")).collect();
                out.push_str(&format!("| {} | {} |\n", keys.join(" "), command.spec().sentence));
            }
        }
    }
    out
}
