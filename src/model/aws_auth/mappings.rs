//! mapRoles and mapUsers: YAML to JSON, and JSON to Go's structs as `encoding/json` fills them.

use super::accounts::too_large;
use super::json::{check_json, json_key, json_text};
use super::{AwsAuth, AwsAuthKey, AwsAuthRow, KeyProblem, MAX_EXPANDED, RowDefect, not_a_list};
use crate::model::go_yaml::{MapKey, NodeId, Resolved, YamlDocument, YamlKind, YamlWalk, parse_first_document};

/// Reads mapRoles or mapUsers; answers where the first document ends.
pub(super) fn read_mappings(key: AwsAuthKey, text: &str, out: &mut AwsAuth) -> Result<usize, KeyProblem> {
    // A text that starts with a brace is taken for JSON, and an object is no list.
    let start = text.trim_start();
    if start.starts_with('{') {
        let skipped = text.get(..text.len() - start.len()).unwrap_or_default();
        let line = skipped.bytes().filter(|byte| *byte == b'\n').count() + 1;
        return Err(KeyProblem::NotAList { line, found: "a map" });
    }
    let document = parse_first_document(text)?;
    let Some(root) = document.root else { return Ok(document.end) };
    let mut walk = YamlWalk::new(&document);
    walk.decode_any(root)?;
    check_json(&document, &walk, root)?;
    let items = match document.follow(root) {
        Some((_, node)) => match &node.kind {
            YamlKind::Sequence(items) => items,
            YamlKind::Scalar(_) if *walk.value(root) == Resolved::Null => return Ok(document.end),
            _ => return Err(not_a_list(&document, root)),
        },
        None => return Ok(document.end),
    };
    let mut rows = RowReader { key, document: &document, walk: &walk, budget: MAX_EXPANDED };
    let mut read = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        read.push(rows.read_row(index, *item).ok_or_else(too_large)?);
    }
    out.rows.append(&mut read);
    Ok(document.end)
}

/// What JSON has for a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum JsonKind {
    Null,
    Text,
    List,
    Other,
}

struct RowReader<'a> {
    key: AwsAuthKey,
    document: &'a YamlDocument,
    walk: &'a YamlWalk<'a>,
    /// How many bytes of text may still be copied.
    budget: usize,
}

/// A list of groups as Go's JSON reader fills it: a list that is read into it again overwrites the items that are there,
/// and a null leaves an item as it is.
#[derive(Default)]
struct GroupList {
    slots: Vec<String>,
    count: usize,
}

impl RowReader<'_> {
    fn kind(&self, id: NodeId) -> (NodeId, JsonKind) {
        let Some((id, node)) = self.document.follow(id) else { return (id, JsonKind::Null) };
        let kind = match &node.kind {
            YamlKind::Sequence(_) => JsonKind::List,
            YamlKind::Scalar(_) => match self.walk.value(id) {
                Resolved::Null => JsonKind::Null,
                Resolved::Text | Resolved::Bytes(_) => JsonKind::Text,
                _ => JsonKind::Other,
            },
            _ => JsonKind::Other,
        };
        (id, kind)
    }

    fn copy_text(&mut self, id: NodeId) -> Option<String> {
        let text = json_text(self.walk.text(id).unwrap_or_default());
        // An empty name takes room too.
        self.budget = self.budget.checked_sub(text.len() + 8)?;
        Some(text)
    }

    /// `None` when the key has become too large.
    fn read_row(&mut self, index: usize, item: NodeId) -> Option<AwsAuthRow> {
        let mut row = AwsAuthRow {
            key: self.key,
            index,
            arn: None,
            username: String::new(),
            groups: Vec::new(),
            defects: Vec::new(),
        };
        self.budget = self.budget.checked_sub(size_of::<AwsAuthRow>())?;
        let walk = self.walk;
        let Some((item, YamlKind::Mapping(_))) = self.document.follow(item).map(|(id, node)| (id, &node.kind)) else {
            row.defects.push(RowDefect::NotAMap);
            return Some(row);
        };
        // On its way through JSON the map is sorted by key, so of several spellings of a field the last one counts that
        // has a value of the right type.
        let mut entries = walk.entries(item);
        entries.sort_by(|a, b| json_key(&a.key).cmp(&json_key(&b.key)));
        let mut arn = String::new();
        let mut groups = GroupList::default();
        let mut has_sso = false;
        let mut wrong_username = false;
        for entry in &entries {
            let name = json_text(&json_key(&entry.key));
            let field = if matches!(entry.key, MapKey::Text(_)) { fold_name(&name) } else { String::new() };
            if field == self.key.arn_field() {
                self.read_text(&name, entry.value, &mut arn, &mut row.defects)?;
            } else if field == "username" {
                wrong_username |= !self.read_text(&name, entry.value, &mut row.username, &mut row.defects)?;
            } else if field == "groups" {
                self.read_groups(&name, entry.value, &mut groups, &mut row.defects)?;
            } else if field == "sso" && self.key == AwsAuthKey::MapRoles {
                has_sso = self.kind(entry.value).1 != JsonKind::Null;
            } else if field == "userid" {
                self.read_text(&name, entry.value, &mut String::new(), &mut row.defects)?;
            } else {
                self.budget = self.budget.checked_sub(name.len())?;
                row.defects.push(RowDefect::UnknownKey(name));
            }
        }
        groups.slots.truncate(groups.count);
        row.groups = groups.slots;
        match (has_sso, arn.is_empty()) {
            (true, false) => row.defects.push(RowDefect::ArnAndSso),
            (true, true) => row.defects.push(RowDefect::Sso),
            (false, true) => row.defects.push(RowDefect::NoArn),
            (false, false) => {
                if row.username.is_empty() && !wrong_username {
                    row.defects.push(RowDefect::NoUsername);
                }
                row.arn = Some(arn);
            }
        }
        Some(row)
    }

    /// Sets a text; a null or a value of another type leaves it as it is. Answers whether the type was right.
    fn read_text(&mut self, name: &str, value: NodeId, out: &mut String, defects: &mut Vec<RowDefect>) -> Option<bool> {
        match self.kind(value) {
            (id, JsonKind::Text) => *out = self.copy_text(id)?,
            (_, JsonKind::Null) => {}
            _ => {
                defects.push(RowDefect::WrongType { field: name.to_owned(), wanted: "a text" });
                return Some(false);
            }
        }
        Some(true)
    }

    fn read_groups(
        &mut self,
        name: &str,
        value: NodeId,
        groups: &mut GroupList,
        defects: &mut Vec<RowDefect>,
    ) -> Option<()> {
        let document = self.document;
        let items = match self.kind(value).1 {
            JsonKind::Null => {
                *groups = GroupList::default();
                return Some(());
            }
            JsonKind::List => match document.follow(value).map(|(_, node)| &node.kind) {
                Some(YamlKind::Sequence(items)) => items,
                _ => return Some(()),
            },
            _ => {
                defects.push(RowDefect::WrongType { field: name.to_owned(), wanted: "a list" });
                return Some(());
            }
        };
        for (place, item) in items.iter().enumerate() {
            if place >= groups.slots.len() {
                self.budget = self.budget.checked_sub(size_of::<String>())?;
                groups.slots.push(String::new());
            }
            let (id, kind) = self.kind(*item);
            if kind == JsonKind::Text {
                let text = self.copy_text(id)?;
                if text.contains(" - ") {
                    self.budget = self.budget.checked_sub(text.len())?;
                    defects.push(RowDefect::Folded(text.clone()));
                }
                if let Some(slot) = groups.slots.get_mut(place) {
                    *slot = text;
                }
            } else {
                defects.push(RowDefect::WrongType { field: format!("an item of {name}"), wanted: "a text" });
            }
        }
        groups.count = items.len();
        if items.is_empty() {
            *groups = GroupList::default();
        }
        Some(())
    }
}

/// The name of a field as Go's JSON reader compares it: without case, and the long s is an s.
fn fold_name(name: &str) -> String {
    name.chars().map(|c| if c == 'ſ' { 's' } else { c.to_ascii_lowercase() }).collect()
}
