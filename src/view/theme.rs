//! The look, by meaning: sixteen roles, each with a style. The only place that knows a colour.
//!
//! `assets/theme.toml` is compiled in; a user's own file is read by the same loader and may leave roles out. The default
//! uses the terminal's own sixteen colours, so that its palette, dark or light, rules. A new role is a row in [`Role::ALL`].

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};

/// The theme that the program ships with.
pub const STANDARD: &str = include_str!("../../assets/theme.toml");

/// What a piece of the screen means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// What is secondary.
    Dim,
    /// What should be seen first.
    Accent,
    /// The line under the cursor.
    Selected,
    /// Lines between parts.
    Border,
    /// What has the keys.
    Focus,
    /// A key to press.
    Key,
    /// A good verdict.
    Good,
    /// A defect.
    Warn,
    /// Danger, and verdicts that say no.
    Danger,
    /// A staged addition.
    Added,
    /// A staged removal.
    Removed,
    /// A staged change.
    Changed,
    /// What is not known.
    Unknown,
    /// What opens something.
    Link,
    /// What a part is called.
    Title,
}

impl Role {
    /// All of them, in the order of their declaration.
    pub const ALL: [Role; 16] = [
        Role::Text,
        Role::Dim,
        Role::Accent,
        Role::Selected,
        Role::Border,
        Role::Focus,
        Role::Key,
        Role::Good,
        Role::Warn,
        Role::Danger,
        Role::Added,
        Role::Removed,
        Role::Changed,
        Role::Unknown,
        Role::Link,
        Role::Title,
    ];

    /// As the theme file calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Text => "text",
            Role::Dim => "dim",
            Role::Accent => "accent",
            Role::Selected => "selected",
            Role::Border => "border",
            Role::Focus => "focus",
            Role::Key => "key",
            Role::Good => "good",
            Role::Warn => "warn",
            Role::Danger => "danger",
            Role::Added => "added",
            Role::Removed => "removed",
            Role::Changed => "changed",
            Role::Unknown => "unknown",
            Role::Link => "link",
            Role::Title => "title",
        }
    }
}

/// What is wrong with a theme file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThemeError {
    /// It is no TOML of the shape `role = "style"`.
    #[error("{0}")]
    Syntax(String),
    /// A name that is no role.
    #[error("{0:?} is no role: there are {all}", all = Role::ALL.map(Role::as_str).join(", "))]
    Role(String),
    /// A word that is neither colour nor attribute.
    #[error(
        "{role}: {word:?} is neither a colour (red, bright-blue, 208, #ff8700) nor bold, dim, italic, underlined or reversed"
    )]
    Style {
        /// For which role.
        role: String,
        /// As written.
        word: String,
    },
}

/// A style for every role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    styles: [Style; Role::ALL.len()],
}

impl Theme {
    /// The theme that the program ships with.
    pub fn standard() -> Result<Self, ThemeError> {
        let plain = Theme { styles: [Style::new(); Role::ALL.len()] };
        plain.with(STANDARD)
    }

    /// This theme with what a file says instead.
    pub fn with(mut self, text: &str) -> Result<Self, ThemeError> {
        let written: BTreeMap<String, String> =
            toml::from_str(text).map_err(|error| ThemeError::Syntax(error.to_string()))?;
        for (name, words) in written {
            let Some(at) = Role::ALL.iter().position(|role| role.as_str() == name) else {
                return Err(ThemeError::Role(name));
            };
            let style = parse(&words).map_err(|word| ThemeError::Style { role: name, word })?;
            if let Some(place) = self.styles.get_mut(at) {
                *place = style;
            }
        }
        Ok(self)
    }

    /// One given style for each role, in their order.
    pub fn of(style: impl Fn(Role) -> Style) -> Self {
        Theme { styles: Role::ALL.map(style) }
    }

    /// The same without any colour.
    #[must_use]
    pub fn without_color(self) -> Self {
        Theme { styles: self.styles.map(|style| Style { fg: None, bg: None, ..style }) }
    }

    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }
}

/// Reads `bold red`; the error is the word that was not understood.
fn parse(words: &str) -> Result<Style, String> {
    let mut style = Style::new();
    for word in words.split_whitespace() {
        let modifier = match word {
            "bold" => Modifier::BOLD,
            "dim" => Modifier::DIM,
            "italic" => Modifier::ITALIC,
            "underlined" => Modifier::UNDERLINED,
            "reversed" => Modifier::REVERSED,
            color => {
                style = style.fg(color.parse::<Color>().map_err(|_| color.to_owned())?);
                continue;
            }
        };
        style = style.add_modifier(modifier);
    }
    Ok(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_theme_names_every_role_once_and_only_the_palette_s_colours() {
        let theme = Theme::standard().expect("the compiled-in theme");
        let written: BTreeMap<String, String> = toml::from_str(STANDARD).expect("toml");
        assert_eq!(written.len(), Role::ALL.len());
        for role in Role::ALL {
            assert!(!matches!(theme.style(role).fg, Some(Color::Rgb(..) | Color::Indexed(_))), "{role:?}");
        }
        let plain = theme.without_color();
        assert!(Role::ALL.iter().all(|role| plain.style(*role).fg.is_none()));
        assert!(plain.style(Role::Selected).add_modifier.contains(Modifier::REVERSED), "the cursor is still seen");
    }

    #[test]
    fn what_is_wrong_in_a_theme_is_named() {
        let with = |text: &str| Theme::standard().expect("theme").with(text).expect_err(text).to_string();
        assert!(with("text = 'blurple'").contains("\"blurple\""));
        assert!(with("texte = 'red'").starts_with("\"texte\" is no role"));
        assert!(Theme::standard().expect("theme").with("accent = 'bold #ff8700'").is_ok());
    }
}
