//! A strict reader of small XML documents, as AWS's query services answer.
//!
//! Decides whether a document is whole: one root, every element closed by its own name, nothing after it. The SDK's own
//! reader takes what it finds and never asks whether the document ended. Reads no document type, which AWS never sends.

/// An element: its name, its children and the text between them.
#[derive(Debug, Default)]
pub(in crate::cloud) struct XmlElement {
    pub(super) name: String,
    pub(super) children: Vec<XmlElement>,
    pub(super) text: String,
}

/// No answer of AWS is nested so deeply.
const DEEPEST: usize = 100;

/// Reads a whole document.
pub(super) fn parse(bytes: &[u8]) -> Result<XmlElement, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut open: Vec<XmlElement> = Vec::new();
    let mut root: Option<XmlElement> = None;
    while !rest.is_empty() {
        let Some(tag) = rest.strip_prefix('<') else {
            let end = rest.find('<').unwrap_or(rest.len());
            let (run, after) = rest.split_at(end);
            match open.last_mut() {
                Some(parent) => unescape(run, &mut parent.text)?,
                None if run.trim().is_empty() => {}
                None => return Err("there is text outside of the root element"),
            }
            rest = after;
            continue;
        };
        if let Some(it) = tag.strip_prefix("!--") {
            rest = it.split_once("-->").ok_or("a comment does not end")?.1;
        } else if let Some(it) = tag.strip_prefix("![CDATA[") {
            let (run, after) = it.split_once("]]>").ok_or("a CDATA section does not end")?;
            open.last_mut().ok_or("there is text outside of the root element")?.text.push_str(run);
            rest = after;
        } else if let Some(it) = tag.strip_prefix('?') {
            rest = it.split_once("?>").ok_or("a declaration does not end")?.1;
        } else if tag.starts_with('!') {
            return Err("it declares a document type");
        } else {
            let (inner, after) = tag.split_at(end_of_tag(tag)?);
            rest = after.strip_prefix('>').ok_or("a tag does not end")?;
            if let Some(name) = inner.strip_prefix('/') {
                let element = open.pop().ok_or("an element is closed that was not open")?;
                if element.name != name.trim_end() {
                    return Err("an element is closed by another's name");
                }
                close(element, &mut open, &mut root)?;
            } else {
                let (inner, empty) = inner.strip_suffix('/').map_or((inner, false), |it| (it, true));
                let name = inner.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
                if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || "_-.:".contains(c)) {
                    return Err("a tag has no name");
                }
                let element = XmlElement { name: name.to_owned(), ..XmlElement::default() };
                if open.len() >= DEEPEST {
                    return Err("its elements are nested too deeply");
                }
                if empty {
                    close(element, &mut open, &mut root)?;
                } else {
                    open.push(element);
                }
            }
        }
    }
    match (open.last(), root) {
        (Some(_), _) => Err("it ends before its last element does"),
        (None, Some(root)) => Ok(root),
        (None, None) => Err("it has no element"),
    }
}

/// Where the `>` of a tag is, those within quotes left out.
fn end_of_tag(tag: &str) -> Result<usize, &'static str> {
    let mut quote = None;
    for (at, c) in tag.char_indices() {
        match (quote, c) {
            (None, '>') => return Ok(at),
            (None, '<') => return Err("a tag begins within a tag"),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
    }
    Err("a tag does not end")
}

fn close(element: XmlElement, open: &mut [XmlElement], root: &mut Option<XmlElement>) -> Result<(), &'static str> {
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None if root.is_some() => return Err("it has two root elements"),
        None => *root = Some(element),
    }
    Ok(())
}

fn unescape(run: &str, out: &mut String) -> Result<(), &'static str> {
    let mut parts = run.split('&');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, after) = part.split_once(';').ok_or("an entity does not end")?;
        let c = match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let number = name.strip_prefix('#').ok_or("an entity is not known")?;
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16).ok(),
                    None => number.parse().ok(),
                };
                code.and_then(char::from_u32).ok_or("an entity is no character")?
            }
        };
        out.push(c);
        out.push_str(after);
    }
    Ok(())
}
