//! Remote text made safe to draw.
//!
//! The model keeps names, groups and annotations byte for byte, since matching must be exact; [`visible`] is the
//! one place that turns what a terminal would obey (control characters, escape sequences, bidi overrides), and what nobody
//! could see (joiners, fillers, variation selectors, odd blanks), into something that a person can see. Everything drawn
//! or reported as text goes through it; whole documents through [`visible_text`], JSON through [`visible_json`]. Letters
//! that look like others stay as they are: [`Lookalikes`] says which names they make look alike.

use std::borrow::Cow;
use std::collections::HashMap;

/// True for characters that would move the cursor, change colors, or reorder the text around them, and for
/// invisible ones that make two names look alike.
pub fn is_deceptive(c: char) -> bool {
    // What is in ASCII is most of all that is asked about.
    if c.is_ascii() {
        return c.is_control();
    }
    c.is_control()
        || matches!(c,
            // Not drawn, or drawn as a blank: the soft hyphen, joiners, fillers, the invisible vowels of Khmer, selectors.
            '\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{1680}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}'
            | '\u{2800}' | '\u{3000}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{13440}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
            // For private use: every font draws its own.
            | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
}

/// The text with every deceptive character written out (`\u{202e}`, `\u{1b}`, `\n`). Borrowed if there is none.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_deceptive) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().fold(String::with_capacity(text.len() + 8), |mut out, c| {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_deceptive(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
        out
    }))
}

/// As [`visible`], but for whole documents: line ends stay, a tab becomes blanks.
pub fn visible_lines(text: &str) -> Vec<String> {
    text.lines().map(|line| visible(&line.replace('\t', "    ")).into_owned()).collect()
}

/// As [`visible`], but line ends and tabs stay as they are: the last look at a text before it is printed.
pub fn visible_text(text: &str) -> Cow<'_, str> {
    let is_hidden = |c: char| is_deceptive(c) && c != '\n' && c != '\t';
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().fold(String::with_capacity(text.len() + 8), |mut out, c| {
        match c {
            c if is_hidden(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
        out
    }))
}

/// A JSON document with every deceptive character of its texts written as JSON writes it (`\u202e`): the same document to
/// a program, and safe to look at.
pub fn visible_json(document: String) -> String {
    // Outside of texts JSON has no such characters but line ends and blanks.
    let is_hidden = |c: char| is_deceptive(c) && c != '\n' && c != '\t';
    if !document.chars().any(is_hidden) {
        return document;
    }
    document.chars().fold(String::with_capacity(document.len() + 8), |mut out, c| {
        match c {
            c if is_hidden(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => out.push(c),
        }
        out
    })
}

/// Letters and signs of other scripts, by the one of ASCII that they are drawn like.
const ALIKE: &[(char, &str)] = &[
    ('a', "аαɑａ"),
    ('b', "Ьｂ"),
    ('c', "сϲⅽｃ"),
    ('d', "ԁⅾｄ"),
    ('e', "еҽｅ"),
    ('f', "ｆ"),
    ('g', "ɡցｇ"),
    ('h', "һհｈ"),
    ('i', "іιıⅰｉ"),
    ('j', "јϳｊ"),
    ('k', "кκｋ"),
    ('l', "ӏⅼ｜ｌ"),
    ('m', "ⅿｍ"),
    ('n', "ոｎ"),
    ('o', "оοօｏ"),
    ('p', "рρｐ"),
    ('q', "ԛզｑ"),
    ('r', "ｒ"),
    ('s', "ѕｓ"),
    ('t', "ｔ"),
    ('u', "υսｕ"),
    ('v', "νѵⅴｖ"),
    ('w', "ԝѡｗ"),
    ('x', "хⅹ×ｘ"),
    ('y', "уγүｙ"),
    ('z', "ｚ"),
    ('A', "АΑᎪＡ"),
    ('B', "ВΒＢ"),
    ('C', "СⅭＣ"),
    ('D', "ᎠⅮＤ"),
    ('E', "ЕΕᎬＥ"),
    ('F', "Ｆ"),
    ('G', "ԌＧ"),
    ('H', "НΗᎻＨ"),
    ('I', "ІΙӀⅠＩ"),
    ('J', "ЈᎫＪ"),
    ('K', "КΚᏦＫ"),
    ('L', "ᏞⅬＬ"),
    ('M', "МΜᎷⅯＭ"),
    ('N', "ΝＮ"),
    ('O', "ОΟՕＯ"),
    ('P', "РΡᏢＰ"),
    ('Q', "Ｑ"),
    ('R', "ᎡＲ"),
    ('S', "ЅᏚＳ"),
    ('T', "ТΤᎢＴ"),
    ('U', "ՍＵ"),
    ('V', "ᏙⅤＶ"),
    ('W', "ԜᎳＷ"),
    ('X', "ХΧⅩＸ"),
    ('Y', "УΥҮＹ"),
    ('Z', "ΖᏃＺ"),
    ('-', "‐‑‒–—―−﹣－"),
    ('.', "․‧。．"),
    ('/', "⁄∕／"),
    (':', "ː∶꞉："),
    ('_', "＿"),
    ('@', "＠"),
    ('\'', "’‘ʼ＇"),
];

/// How a text looks, whatever it is made of.
fn looks(text: &str) -> String {
    let drawn = |c: char| {
        let math = (u32::from(c)).checked_sub(0x1d400).filter(|at| *at < 0x2a4).map(|at| at % 52);
        if let Some(at) = math.and_then(|at| u8::try_from(at).ok()) {
            return char::from(if at < 26 { b'A' + at } else { b'a' + at - 26 });
        }
        ALIKE.iter().find(|(_, alike)| alike.contains(c)).map_or(c, |(plain, _)| *plain)
    };
    text.chars().filter(|c| !is_deceptive(*c)).map(|c| if c.is_ascii() { c } else { drawn(c) }).collect()
}

/// Names among which some look like others and are not the same.
#[derive(Debug, Default)]
pub struct Lookalikes<'a> {
    by_looks: HashMap<String, Vec<&'a str>>,
}

impl<'a> Lookalikes<'a> {
    /// Compares these names.
    pub fn among(names: impl Iterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = names.collect();
        // Plain names differ by letters that a person can tell from each other, if with effort.
        if names.iter().all(|name| name.is_ascii()) {
            return Lookalikes::default();
        }
        let mut by_looks: HashMap<String, Vec<&str>> = HashMap::new();
        for name in names {
            let all = by_looks.entry(looks(name)).or_default();
            if !all.contains(&name) {
                all.push(name);
            }
        }
        by_looks.retain(|_, names| names.len() > 1);
        Lookalikes { by_looks }
    }

    /// What to say beside a name: `looks like "ops": о is U+043E`. Nothing of a plain one.
    pub fn warning(&self, name: &str) -> Option<String> {
        if self.by_looks.is_empty() || name.is_ascii() {
            return None;
        }
        let other = self.by_looks.get(&looks(name))?.iter().find(|other| **other != name)?;
        let odd = name.chars().find(|c| !c.is_ascii() && !other.contains(*c))?;
        let point = u32::from(odd);
        let what = if is_deceptive(odd) { String::new() } else { format!("{odd} is ") };
        Some(format!("looks like {:?}: {what}U+{point:04X}", visible(other)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escape_sequences_and_overrides_are_written_out() {
        assert_eq!(visible("a\u{1b}[31mb"), "a\\u{1b}[31mb");
        assert_eq!(visible("x\u{202e}y"), "x\\u{202e}y");
        assert_eq!(visible("two\nlines\t!"), "two\\nlines\\t!");
        assert!(matches!(visible("plain 日本語 e\u{301}"), Cow::Borrowed(_)));
        assert_eq!(visible_text("a\n\tb\u{1b}c\r"), "a\n\tb\\u{1b}c\\u{d}");
    }

    #[test]
    fn what_nobody_sees_is_shown() {
        let hidden = [
            0xa0, 0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x17b4, 0x180b, 0x180e, 0x200b, 0x200d, 0x2009, 0x202f, 0x2060,
            0x2800, 0x3000, 0x3164, 0xfe0f, 0xfeff, 0xffa0, 0xe0041, 0xe01ef, 0x1d173, 0x9b, 0x7f,
        ];
        for c in hidden.map(|c| char::from_u32(c).unwrap()) {
            assert_eq!(visible(&format!("admin{c}s")), format!("admin\\u{{{:x}}}s", u32::from(c)));
        }
    }

    #[test]
    fn a_json_document_stays_the_same() {
        let texts = ["a\u{1b}[2Jb", "x\u{202e}y", "tag \u{e0041}", "plain \n", "\u{9b}31m"];
        let shown = visible_json(serde_json::to_string_pretty(&texts).unwrap());
        assert!(!shown.chars().any(|c| is_deceptive(c) && c != '\n'), "{shown}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&shown).unwrap(), texts);
    }

    #[test]
    fn a_name_that_looks_like_another_is_said_to_do_so() {
        let names =
            ["ops", "оps", "admins", "аdmins\u{200b}", "日本", "ｏps", "dev-team", "dev‑team", "prod1", "prodl"];
        let alike = Lookalikes::among(names.iter().copied());
        for (name, wanted) in [
            ("оps", Some("looks like \"ops\": о is U+043E")),
            ("ｏps", Some("looks like \"ops\": ｏ is U+FF4F")),
            ("аdmins\u{200b}", Some("looks like \"admins\": а is U+0430")),
            ("dev‑team", Some("looks like \"dev-team\": ‑ is U+2011")),
            ("ops", None),
            ("日本", None),
            ("prodl", None),
        ] {
            assert_eq!(alike.warning(name).as_deref(), wanted, "{name}");
        }
        let joined = Lookalikes::among(["ops", "o\u{ad}ps"].into_iter());
        assert_eq!(joined.warning("o\u{ad}ps").as_deref(), Some("looks like \"ops\": U+00AD"));
    }

    proptest! {
        #[test]
        fn nothing_deceptive_is_left(text in any::<String>()) {
            prop_assert!(!visible(&text).chars().any(is_deceptive));
            prop_assert!(visible_lines(&text).iter().all(|line| !line.chars().any(is_deceptive)));
            prop_assert!(!visible_text(&text).chars().any(|c| is_deceptive(c) && c != '\n' && c != '\t'));
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(serde_json::from_str::<String>(&visible_json(json)).unwrap(), text);
        }
    }
}
