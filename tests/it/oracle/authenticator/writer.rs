//! Values, and their text in a style that changes from node to node: block and flow, every kind of scalar, odd gaps.

use std::fmt::Write;

use super::super::world::Dice;

/// A value, and how a scalar is to be written.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// As it stands, without quotes.
    Plain(String),
    /// A text, in any style that can hold it.
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    pub(super) fn plain(text: &str) -> Node {
        Node::Plain(text.to_owned())
    }
}

/// Writes a node in a style that changes from node to node.
pub(super) struct Writer<'a> {
    pub(super) dice: &'a mut Dice,
    pub(super) out: String,
}

impl Writer<'_> {
    fn pad(&mut self, n: usize) {
        self.out.extend(std::iter::repeat_n(' ', n));
    }

    /// In lines, each indented by `indent`; the cursor stands at the start of a line.
    pub(super) fn block(&mut self, node: &Node, indent: usize) {
        match node {
            Node::List(items) if !items.is_empty() => {
                for item in items {
                    self.pad(indent);
                    self.out.push('-');
                    self.item(item, indent + 2);
                }
            }
            Node::Map(fields) if !fields.is_empty() => {
                for (at, (name, value)) in fields.iter().enumerate() {
                    // The first field stands behind the dash already.
                    if at > 0 || self.out.is_empty() || self.out.ends_with('\n') {
                        self.pad(indent);
                    }
                    self.field(name, value, indent);
                }
            }
            other => {
                self.pad(indent);
                self.scalar(other, indent);
                self.out.push('\n');
            }
        }
    }

    /// What follows a dash.
    fn item(&mut self, item: &Node, indent: usize) {
        match item {
            Node::Map(fields) if !fields.is_empty() && self.dice.percent(85) => {
                self.out.push_str(self.dice.pick(&[" ", " ", " ", " ", " ", " ", "\n", " # note\n"]));
                self.block(item, indent);
            }
            Node::List(items) if !items.is_empty() && self.dice.percent(60) => {
                self.out.push('\n');
                self.block(item, indent);
            }
            other => {
                self.out.push(' ');
                self.scalar(other, indent);
                self.end_line();
            }
        }
    }

    fn field(&mut self, name: &str, value: &Node, indent: usize) {
        let complex = self.dice.percent(2);
        if complex {
            let _ = writeln!(self.out, "? {name}");
            self.pad(indent);
            self.out.push(':');
        } else {
            self.out.push_str(name);
            self.out
                .push_str(self.dice.pick(&[":", ":", ":", ":", ":", ":", ":", ":", ":", ":", ":", " :", "  :", "\t:"]));
        }
        match value {
            Node::List(items) if !items.is_empty() && self.dice.percent(65) => {
                self.end_line();
                let deeper = indent + self.dice.pick(&[0, 2, 2, 4, 1]);
                self.block(value, deeper);
            }
            Node::Map(fields) if !fields.is_empty() && self.dice.percent(60) => {
                self.end_line();
                self.block(value, indent + 2);
            }
            other => {
                self.out.push_str(self.dice.pick(&[" ", " ", " ", " ", " ", " ", " ", "  ", "\t", " \t"]));
                self.scalar(other, indent + 2);
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        self.out.push_str(
            self.dice
                .pick(&["\n", "\n", "\n", "\n", "\n", "\n", "\n", "\n", " \n", " # c\n", "\t\n", "\n\n", "\n# c\n"]),
        );
    }

    fn scalar(&mut self, node: &Node, indent: usize) {
        match node {
            Node::Plain(text) => self.out.push_str(text),
            Node::Text(text) => self.text(text, indent),
            other if self.dice.percent(20) => self.json(other),
            other => self.flow(other),
        }
    }

    fn text(&mut self, text: &str, indent: usize) {
        let plain = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "/:._-*".contains(c));
        match self.dice.below(100) {
            0..40 if plain && !text.ends_with(':') => self.out.push_str(text),
            0..70 => self.double(text),
            70..88 => self.single(text),
            _ => self.literal(text, indent),
        }
    }

    fn single(&mut self, text: &str) {
        let text = text.replace('\'', "''").replace('\n', "\n\n    ");
        let _ = write!(self.out, "'{text}'");
    }

    fn double(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            let escaped = match self.dice.below(100) {
                0..4 => format!("\\u{:04x}", u32::from(c).min(0xffff)),
                4..6 => format!("\\x{:02X}", u32::from(c).min(0xff)),
                6..8 => format!("\\U{:08x}", u32::from(c)),
                8 => self
                    .dice
                    .pick(&[
                        "\\/", "\\e", "\\0", "\\N", "\\_", "\\L", "\\P", "\\a", "\\q", "\\\n  ", "\n  ", "\\ ", "\\\t",
                    ])
                    .to_owned(),
                9 => self
                    .dice
                    .pick(&["\\ud83d\\ude00", "\\ud83d", "\\U00110000", "\\uDC00", "\\x4", "\\u12g4"])
                    .to_owned(),
                _ => match c {
                    '"' | '\\' => format!("\\{c}"),
                    '\n' => "\\n".to_owned(),
                    '\t' if self.dice.percent(50) => "\\t".to_owned(),
                    '\0' => "\\0".to_owned(),
                    other => other.to_string(),
                },
            };
            // Mostly without, so that most texts stay what they are.
            if escaped.len() > 2 && c.is_alphanumeric() && !self.dice.percent(12) {
                self.out.push(c);
            } else {
                self.out.push_str(&escaped);
            }
        }
        self.out.push('"');
    }

    fn literal(&mut self, text: &str, indent: usize) {
        let style = self.dice.pick(&["|", ">"]);
        let chomp = self.dice.pick(&["", "-", "-", "-", "+"]);
        let number = self.dice.pick(&["", "", "", "", "2", "1", "9", "0", "02"]);
        let head =
            if self.dice.percent(50) { format!("{style}{number}{chomp}") } else { format!("{style}{chomp}{number}") };
        self.out.push_str(&head);
        self.out.push_str(self.dice.pick(&["\n", "\n", "\n", " \n", " # c\n", "#c\n", " x\n"]));
        let deeper = indent + self.dice.pick(&[0, 0, 0, 1, 2]);
        for line in text.split('\n') {
            self.pad(deeper);
            self.out.push_str(line);
            self.out.push_str(self.dice.pick(&["\n", "\n", "\n", "\n", "\n\n"]));
        }
        // The line ends here already.
        self.out.pop();
    }

    pub(super) fn flow(&mut self, node: &Node) {
        let gap = self.dice.pick(&["", "", " ", "\n   ", " # c\n   "]);
        match node {
            Node::Plain(text) => self.out.push_str(text),
            Node::Text(text) => {
                if self.dice.percent(75) {
                    self.double(text);
                } else {
                    self.single(text);
                }
            }
            Node::List(items) => self.flow_list(items, gap),
            Node::Map(fields) => self.flow_map(fields, gap),
        }
    }

    fn flow_list(&mut self, items: &[Node], gap: &str) {
        self.out.push('[');
        for (at, item) in items.iter().enumerate() {
            self.out.push_str(if at > 0 { ", " } else { "" });
            self.out.push_str(gap);
            self.flow(item);
        }
        self.out.push_str(self.dice.pick(&["]", "]", "]", "]", "]", ",]", " ]"]));
    }

    fn flow_map(&mut self, fields: &[(String, Node)], gap: &str) {
        self.out.push('{');
        for (at, (name, value)) in fields.iter().enumerate() {
            self.out.push_str(if at > 0 { ", " } else { "" });
            self.out.push_str(gap);
            self.out.push_str(name);
            self.out.push_str(self.dice.pick(&[": ", ": ", ": ", ": ", ": ", ":", " : ", ":\t"]));
            self.flow(value);
        }
        self.out.push_str(self.dice.pick(&["}", "}", "}", "}", "}", ",}", " }"]));
    }

    /// As JSON, but for plain scalars.
    pub(super) fn json(&mut self, node: &Node) {
        match node {
            Node::Plain(text) => self.out.push_str(text),
            Node::Text(text) => {
                let text = serde_json::to_string(text).unwrap();
                self.out.push_str(&if self.dice.percent(10) { text.replace('/', "\\/") } else { text });
            }
            Node::List(items) => {
                self.out.push('[');
                for (at, item) in items.iter().enumerate() {
                    self.out.push_str(if at > 0 { "," } else { "" });
                    self.json(item);
                }
                self.out.push(']');
            }
            Node::Map(fields) => {
                self.out.push('{');
                for (at, (name, value)) in fields.iter().enumerate() {
                    let quoted = if name.contains(['"', '\'', ' ']) { name.clone() } else { format!("\"{name}\"") };
                    let _ = write!(self.out, "{}{quoted}:", if at > 0 { "," } else { "" });
                    self.json(value);
                }
                self.out.push('}');
            }
        }
    }
}
