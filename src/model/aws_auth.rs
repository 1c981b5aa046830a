//! The aws-auth ConfigMap, read as aws-iam-authenticator reads it (`pkg/mapper/configmap`, ParseMap, of v0.7.18).
//!
//! Each key is read on its own, and a key that cannot be read is empty while the others count. The authenticator keeps
//! nothing of an earlier version: on every change it replaces all of its rows by what it could read (`saveMap`), so a
//! running server and a restarted one hold the same. mapRoles and mapUsers become JSON and then Go's structs
//! (`mappings`); mapAccounts becomes a list of texts at once (`accounts`). The YAML is `go_yaml`'s. Which row is in
//! effect is decided in `access::identity`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::go_yaml::{YamlDocument, YamlFault};
use super::rbac::ConfigMap;

mod accounts;
mod json;
mod mappings;

/// The namespace and name of the aws-auth ConfigMap.
pub const AWS_AUTH: (&str, &str) = ("kube-system", "aws-auth");

/// How many bytes of names one key may hold once its aliases are expanded. A ConfigMap holds at most 1 MiB of text; a
/// key that grows beyond this through aliases is not followed, and what it holds is unknown.
const MAX_EXPANDED: usize = 64 << 20;

/// The keys of aws-auth that the authenticator reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AwsAuthKey {
    /// `mapRoles`
    MapRoles,
    /// `mapUsers`
    MapUsers,
    /// `mapAccounts`
    MapAccounts,
}

impl AwsAuthKey {
    /// All of them, in the order in which they are matched.
    pub const ALL: [AwsAuthKey; 3] = [AwsAuthKey::MapRoles, AwsAuthKey::MapUsers, AwsAuthKey::MapAccounts];

    /// As it is written in the ConfigMap.
    pub fn as_str(self) -> &'static str {
        match self {
            AwsAuthKey::MapRoles => "mapRoles",
            AwsAuthKey::MapUsers => "mapUsers",
            AwsAuthKey::MapAccounts => "mapAccounts",
        }
    }

    fn arn_field(self) -> &'static str {
        if self == AwsAuthKey::MapUsers { "userarn" } else { "rolearn" }
    }
}

impl fmt::Display for AwsAuthKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One element of mapRoles or mapUsers, as the authenticator holds it after parsing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsAuthRow {
    /// Under which key.
    pub key: AwsAuthKey,
    /// Counted from 0 within the key.
    pub index: usize,
    /// `rolearn` or `userarn`, byte for byte; `None` if the element is dropped for want of it.
    pub arn: Option<String>,
    /// Empty when there is none.
    pub username: String,
    /// As written, templates included.
    pub groups: Vec<String>,
    /// What is odd about how it is written, whatever it matches.
    pub defects: Vec<RowDefect>,
}

impl AwsAuthRow {
    /// `mapRoles[3]`
    pub fn place(&self) -> String {
        format!("{}[{}]", self.key, self.index)
    }
}

/// What is odd about how an aws-auth row is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RowDefect {
    /// The element is no map.
    NotAMap,
    /// No `rolearn`/`userarn`: the element is dropped.
    NoArn,
    /// The `sso` form, which only an alpha gate reads (off): loads, never matches.
    Sso,
    /// Both `rolearn` and `sso`: the element is dropped.
    ArnAndSso,
    /// A field has the wrong type and is therefore left empty.
    WrongType {
        /// As written.
        field: String,
        /// What it should have been.
        wanted: &'static str,
    },
    /// A key that the authenticator does not know and ignores.
    UnknownKey(String),
    /// A list whose items were folded into one text by wrong indentation.
    Folded(String),
    /// No username.
    NoUsername,
}

impl fmt::Display for RowDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RowDefect::NotAMap => f.write_str("the element is not a map and is dropped"),
            RowDefect::NoArn => f.write_str("it has no ARN, so the element is dropped"),
            RowDefect::Sso => {
                f.write_str("the sso form is read only behind an alpha gate that is off; it never matches")
            }
            RowDefect::ArnAndSso => f.write_str("it has both rolearn and sso, so the element is dropped"),
            RowDefect::WrongType { field, wanted } => write!(f, "{field} is not {wanted}, so it counts as empty"),
            RowDefect::UnknownKey(key) => write!(f, "the key {key:?} is not known and ignored"),
            RowDefect::Folded(text) => write!(f, "wrong indentation folded a list into the one name {text:?}"),
            RowDefect::NoUsername => f.write_str("it has no username; what the API server makes of that is unverified"),
        }
    }
}

/// What is wrong with a key of aws-auth as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyProblem {
    /// The authenticator cannot read it: the key is empty for the cluster.
    Broken {
        /// Counted from 1 within the key's text.
        line: usize,
        /// In plain words, without the line.
        message: String,
    },
    /// It can be read, but is no list: the key is empty for the cluster.
    NotAList {
        /// Where the value starts, counted from 1.
        line: usize,
        /// What it is: `a map`.
        found: &'static str,
    },
    /// Its first document is empty, and only the first counts: the key is empty for the cluster.
    EmptyDocument {
        /// Where the text starts that is not read, counted from 1.
        line: usize,
    },
    /// The first document counts, and more text follows it that does not.
    TextAfterDocument {
        /// Where that text starts, counted from 1.
        line: usize,
    },
    /// mapAccounts alone: reading stops in the midst of the list, and the items before count.
    CutShort {
        /// Where it stops, counted from 1.
        line: usize,
        /// In plain words, without the line.
        message: String,
    },
    /// mapAccounts alone: an item is a list or a map; it is left out, and the others count.
    ItemLeftOut {
        /// Of the first such item, counted from 1.
        line: usize,
    },
    /// What the authenticator makes of it is not known here: it depends on chance, or is too large to follow.
    Undetermined {
        /// Why, in plain words.
        message: String,
    },
    /// The name differs from a known key only in case: ignored.
    WrongCase(AwsAuthKey),
    /// No key that the authenticator reads: ignored.
    Unknown,
}

impl KeyProblem {
    /// Whether the key is empty for the cluster though it holds text.
    pub fn empties_key(&self) -> bool {
        matches!(self, KeyProblem::Broken { .. } | KeyProblem::NotAList { .. } | KeyProblem::EmptyDocument { .. })
    }
}

impl fmt::Display for KeyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyProblem::Broken { line, message } => {
                write!(f, "does not parse (line {line}: {message}), so the whole key is empty for the cluster")
            }
            KeyProblem::NotAList { line, found } => {
                write!(f, "is {found} and not a list (line {line}), so the whole key is empty for the cluster")
            }
            KeyProblem::EmptyDocument { line } => write!(
                f,
                "has an empty first YAML document, and the text from line {line} on is not read, so the whole key is \
                 empty for the cluster"
            ),
            KeyProblem::TextAfterDocument { line } => {
                write!(f, "ends for the cluster before line {line}: only the first YAML document is read")
            }
            KeyProblem::CutShort { line, message } => {
                write!(f, "is read only up to line {line} ({message}); only the accounts before that line count")
            }
            KeyProblem::ItemLeftOut { line } => {
                write!(f, "has an item that is not a text (line {line}), which is left out")
            }
            KeyProblem::Undetermined { message } => {
                write!(f, "cannot be decided: {message}, so which principals it maps is unknown")
            }
            KeyProblem::WrongCase(key) => write!(f, "is ignored: keys are case-sensitive and this one is {key}"),
            KeyProblem::Unknown => f.write_str("is no key that the authenticator reads"),
        }
    }
}

impl From<YamlFault> for KeyProblem {
    fn from(fault: YamlFault) -> Self {
        KeyProblem::Broken { line: fault.line, message: fault.message.into_owned() }
    }
}

/// aws-auth as the authenticator holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsAuth {
    /// mapRoles and mapUsers, by key and index; dropped elements included.
    pub rows: Vec<AwsAuthRow>,
    /// mapAccounts.
    pub accounts: Vec<String>,
    /// Keys that yield less than they seem to, with the reason and the text that is not read.
    pub problems: Vec<(String, KeyProblem, String)>,
}

impl AwsAuth {
    /// The row at a place.
    pub fn row(&self, key: AwsAuthKey, index: usize) -> Option<&AwsAuthRow> {
        let place = self.rows.binary_search_by_key(&(key, index), |row| (row.key, row.index)).ok()?;
        self.rows.get(place)
    }
}

/// Reads an aws-auth ConfigMap, whose texts are as Kubernetes holds them.
pub fn read_aws_auth(config_map: &ConfigMap) -> AwsAuth {
    let mut out = AwsAuth::default();
    for (name, text) in &config_map.data {
        let Some(key) = AwsAuthKey::ALL.into_iter().find(|key| key.as_str() == name) else {
            let problem = AwsAuthKey::ALL
                .into_iter()
                .find(|key| key.as_str().eq_ignore_ascii_case(name))
                .map_or(KeyProblem::Unknown, KeyProblem::WrongCase);
            out.problems.push((name.clone(), problem, text.clone()));
            continue;
        };
        // The authenticator skips a value that is empty or only a pair of quotes.
        if matches!(text.trim(), "" | "\"\"" | "''" | "``") {
            continue;
        }
        let end = if key == AwsAuthKey::MapAccounts {
            accounts::read_accounts(text, &mut out)
        } else {
            mappings::read_mappings(key, text, &mut out)
        };
        match end {
            Ok(end) => {
                if let Some((line, rest)) = unread_text(text, end) {
                    let empty = !out.rows.iter().any(|row| row.key == key)
                        && (key != AwsAuthKey::MapAccounts || out.accounts.is_empty());
                    let problem =
                        if empty { KeyProblem::EmptyDocument { line } } else { KeyProblem::TextAfterDocument { line } };
                    out.problems.push((name.clone(), problem, rest.to_owned()));
                }
            }
            Err(problem) => out.problems.push((name.clone(), problem, text.clone())),
        }
    }
    out.rows.sort_by_key(|row| (row.key, row.index));
    out
}

/// The text after the first document, from the first line that is more than a comment or a marker.
fn unread_text(text: &str, end: usize) -> Option<(usize, &str)> {
    let mut at = end;
    for line in text.get(end..)?.split_inclusive('\n') {
        let content = line.trim();
        let content = content.strip_prefix("---").or(content.strip_prefix("...")).unwrap_or(content).trim_start();
        if !content.is_empty() && !content.starts_with('#') {
            let before = text.get(..at)?.bytes().filter(|byte| *byte == b'\n').count();
            return Some((before + 1, text.get(at..)?));
        }
        at += line.len();
    }
    None
}

/// What a document that is no list is, for a sentence.
fn not_a_list(document: &YamlDocument, root: usize) -> KeyProblem {
    use super::go_yaml::YamlKind;
    let (line, found) = match document.follow(root) {
        Some((_, node)) => {
            (node.line, if matches!(node.kind, YamlKind::Mapping(_)) { "a map" } else { "a single text or number" })
        }
        None => (1, "nothing"),
    };
    KeyProblem::NotAList { line, found }
}

#[cfg(test)]
mod tests;
