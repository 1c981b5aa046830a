//! What turns an IAM principal into a Kubernetes identity: access entries, and the aws-auth ConfigMap.
//!
//! Decides how aws-auth is *read*: each key on its own, inner keys in any case, wrong types left empty, exactly as
//! aws-iam-authenticator does (`reference` §5.3–5.4). Which mapping is in force is `access::identity`'s.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::rbac::{ConfigMap, null_is_default};
use super::time::Time;

/// `describe-access-entry` → `accessEntry`, with its policy associations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct AccessEntry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<String>,
    pub principal_arn: String,
    #[serde(default, deserialize_with = "null_is_default")]
    pub kubernetes_groups: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_entry_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_at: Option<Time>,
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(default = "standard", rename = "type")]
    pub kind: String,
    /// `None` when they could not be read, or have not been yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub associated_access_policies: Option<Vec<AssociatedPolicy>>,
}

fn standard() -> String {
    "STANDARD".to_owned()
}

/// `list-associated-access-policies` → `associatedAccessPolicies[]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct AssociatedPolicy {
    pub policy_arn: String,
    pub access_scope: AccessScope,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub associated_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_at: Option<Time>,
}

impl AssociatedPolicy {
    /// `AmazonEKSViewPolicy`
    pub fn name(&self) -> &str {
        super::words::last_part(&self.policy_arn)
    }

    /// `View`, for narrow places: AWS's own prefix and suffix are dropped.
    pub fn short_name(&self) -> &str {
        let name = self.name();
        let name = name.strip_prefix("AmazonEKS").or(name.strip_prefix("Amazon")).unwrap_or(name);
        name.strip_suffix("Policy").filter(|rest| !rest.is_empty()).unwrap_or(name)
    }
}

/// `accessScope`
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AccessScope {
    #[serde(rename = "type")]
    pub kind: ScopeKind,
    #[serde(default, deserialize_with = "null_is_default")]
    pub namespaces: Vec<String>,
}

impl fmt::Display for AccessScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ScopeKind::Cluster => f.write_str("cluster"),
            ScopeKind::Namespace => f.write_str(&self.namespaces.join(",")),
        }
    }
}

/// `accessScope.type`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScopeKind {
    /// All of the cluster.
    #[default]
    Cluster,
    /// The namespaces listed.
    Namespace,
}

/// The namespace and name of the aws-auth ConfigMap.
pub const AWS_AUTH: (&str, &str) = ("kube-system", "aws-auth");

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

    /// `rolearn` or `userarn`: the member of a row that holds the ARN.
    pub fn arn_field(self) -> &'static str {
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

/// What became of a whole key of aws-auth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyProblem {
    /// The YAML in it does not parse: the key is empty for the cluster.
    Broken {
        /// Counted from 1 within the key's text, if the parser told.
        line: Option<usize>,
        /// The parser's words.
        message: String,
    },
    /// It parses, but is no list: it yields nothing.
    NotAList,
    /// The name differs from a known key only in case: ignored.
    WrongCase(AwsAuthKey),
    /// No key that the authenticator reads: ignored.
    Unknown,
}

impl fmt::Display for KeyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyProblem::Broken { line: Some(line), message } => {
                write!(f, "does not parse (line {line}: {message}), so the whole key is empty for the cluster")
            }
            KeyProblem::Broken { line: None, message } => {
                write!(f, "does not parse ({message}), so the whole key is empty for the cluster")
            }
            KeyProblem::NotAList => f.write_str("is not a list, so it yields nothing"),
            KeyProblem::WrongCase(key) => write!(f, "is ignored: keys are case-sensitive and this one is {key}"),
            KeyProblem::Unknown => f.write_str("is no key that the authenticator reads"),
        }
    }
}

/// aws-auth as the authenticator holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsAuth {
    /// mapRoles and mapUsers, in the order written; dropped elements included.
    pub rows: Vec<AwsAuthRow>,
    /// mapAccounts.
    pub accounts: Vec<String>,
    /// Keys that yield nothing, with the reason and the text as it stands.
    pub problems: Vec<(String, KeyProblem, String)>,
}

/// Reads an aws-auth ConfigMap as aws-iam-authenticator does (`pkg/mapper/configmap`, ParseMap).
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
        if let Err(problem) = read_key(key, text, &mut out) {
            out.problems.push((name.clone(), problem, text.clone()));
        }
    }
    out.rows.sort_by_key(|row| (row.key, row.index));
    out
}

fn read_key(key: AwsAuthKey, text: &str, out: &mut AwsAuth) -> Result<(), KeyProblem> {
    let value: Value = first_document(text)?.unwrap_or(Value::Null);
    let Value::Array(elements) = value else {
        return if value.is_null() { Ok(()) } else { Err(KeyProblem::NotAList) };
    };
    if key == AwsAuthKey::MapAccounts {
        // Decoded straight to strings, so that an unquoted id keeps its text, leading zeros included; an item that is
        // no scalar is left out and the others stay.
        out.accounts = first_document(text)
            .map(Option::unwrap_or_default)
            .unwrap_or_else(|_| elements.iter().filter_map(scalar_text).collect());
    } else {
        out.rows.extend(elements.iter().enumerate().map(|(index, element)| read_row(key, index, element)));
    }
    Ok(())
}

/// The first document of a YAML text, and no further, as yaml.v2 reads: what follows a `---` does not matter, the last
/// of two equal keys wins, and a plain yes, on or y is a truth value (YAML 1.1).
fn first_document<T: serde::de::DeserializeOwned>(text: &str) -> Result<Option<T>, KeyProblem> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins,
    };
    let mut reader = text.as_bytes();
    serde_saphyr::read_with_options(&mut reader, options).next().transpose().map_err(|error| KeyProblem::Broken {
        line: error.location().map(|at| at.line() as usize),
        message: error_words(&error.without_snippet().to_string()),
    })
}

fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn read_row(key: AwsAuthKey, index: usize, element: &Value) -> AwsAuthRow {
    let mut row =
        AwsAuthRow { key, index, arn: None, username: String::new(), groups: Vec::new(), defects: Vec::new() };
    let Value::Object(fields) = element else {
        row.defects.push(RowDefect::NotAMap);
        return row;
    };
    let mut sso = false;
    // On its way through JSON the authenticator's map is sorted by key, and of keys that differ in case only the last
    // that has a value of the right type wins.
    let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
    fields.sort_by_key(|(name, _)| name.as_bytes());
    for (name, value) in fields {
        // Go's JSON decoder matches field names ignoring case.
        let field = name.to_lowercase();
        if field == key.arn_field() {
            let text = read_text(name, value, &mut row.defects).filter(|arn| !arn.is_empty());
            row.arn = text.or(row.arn);
        } else if field == "username" {
            row.username = read_text(name, value, &mut row.defects).unwrap_or(row.username);
        } else if field == "groups" {
            row.groups = read_groups(name, value, &mut row.defects).unwrap_or(row.groups);
        } else if field == "sso" && key == AwsAuthKey::MapRoles {
            sso = !value.is_null();
        } else if field != "userid" {
            row.defects.push(RowDefect::UnknownKey(name.clone()));
        }
    }
    let wrong_username = row
        .defects
        .iter()
        .any(|it| matches!(it, RowDefect::WrongType { field, .. } if field.eq_ignore_ascii_case("username")));
    match (sso, row.arn.is_some()) {
        (true, true) => {
            row.arn = None;
            row.defects.push(RowDefect::ArnAndSso);
        }
        (true, false) => row.defects.push(RowDefect::Sso),
        (false, false) => row.defects.push(RowDefect::NoArn),
        (false, true) if row.username.is_empty() && !wrong_username => row.defects.push(RowDefect::NoUsername),
        (false, true) => {}
    }
    row
}

fn read_text(field: &str, value: &Value, defects: &mut Vec<RowDefect>) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        _ => {
            defects.push(RowDefect::WrongType { field: field.to_owned(), wanted: "a text" });
            None
        }
    }
}

/// `None` leaves what another spelling of the key said; a `null` empties it.
fn read_groups(field: &str, value: &Value, defects: &mut Vec<RowDefect>) -> Option<Vec<String>> {
    let Value::Array(items) = value else {
        if value.is_null() {
            return Some(Vec::new());
        }
        defects.push(RowDefect::WrongType { field: field.to_owned(), wanted: "a list" });
        return None;
    };
    let mut groups = Vec::new();
    for item in items {
        match item {
            Value::String(text) => {
                if text.contains(" - ") {
                    defects.push(RowDefect::Folded(text.clone()));
                }
                groups.push(text.clone());
            }
            // Go leaves the element of a list that has the wrong type at its zero value: an empty name.
            _ => {
                defects.push(RowDefect::WrongType { field: format!("an item of {field}"), wanted: "a text" });
                groups.push(String::new());
            }
        }
    }
    Some(groups)
}

/// The parser's words without the place, which is told beside them.
fn error_words(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.split(" at line ").next().unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(key: &str, text: &str) -> AwsAuth {
        let data = BTreeMap::from([(key.to_owned(), text.to_owned())]);
        read_aws_auth(&ConfigMap { data, ..ConfigMap::default() })
    }

    fn only(text: &str) -> AwsAuthRow {
        let mut rows = read("mapRoles", text).rows;
        assert_eq!(rows.len(), 1, "{text}");
        rows.remove(0)
    }

    #[test]
    fn inner_keys_match_in_any_case() {
        let row = only("- RoleARN: arn:aws:iam::1:role/a\n  UserName: u\n  Groups: [g, h]\n");
        assert_eq!((row.arn.as_deref(), row.username.as_str()), (Some("arn:aws:iam::1:role/a"), "u"));
        assert_eq!(row.groups, ["g", "h"]);
        assert!(row.defects.is_empty());
    }

    #[test]
    fn wrong_types_leave_the_field_empty_and_the_row_stands() {
        let row = only("- rolearn: r\n  username: 17\n  groups: admins\n  usernmae: x\n");
        assert_eq!((row.username.as_str(), row.groups.len()), ("", 0));
        let said: Vec<String> = row.defects.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|s| s.starts_with("username is not a text")), "{said:?}");
        assert!(said.iter().any(|s| s.starts_with("groups is not a list")), "{said:?}");
        assert!(said.iter().any(|s| s.contains("\"usernmae\"")), "{said:?}");
    }

    #[test]
    fn an_element_without_arn_is_dropped_and_the_others_stay() {
        let auth = read("mapRoles", "- username: a\n- rolearn: r\n  username: b\n- just text\n");
        let arns: Vec<_> = auth.rows.iter().map(|row| row.arn.as_deref()).collect();
        assert_eq!(arns, [None, Some("r"), None]);
        assert_eq!(auth.rows[0].defects, [RowDefect::NoArn]);
        assert_eq!(auth.rows[2].defects, [RowDefect::NotAMap]);
    }

    #[test]
    fn a_key_that_does_not_parse_is_empty_and_the_others_load() {
        let data = BTreeMap::from([
            ("mapRoles".to_owned(), "- rolearn: r\n  username: u\n groups: x\n - b".to_owned()),
            ("mapUsers".to_owned(), "- userarn: u\n  username: u\n".to_owned()),
        ]);
        let auth = read_aws_auth(&ConfigMap { data, ..ConfigMap::default() });
        assert_eq!(auth.rows.len(), 1);
        assert_eq!(auth.rows[0].key, AwsAuthKey::MapUsers);
        assert!(
            matches!(&auth.problems[..], [(key, KeyProblem::Broken { line: Some(_), .. }, _)] if key == "mapRoles"),
            "{:?}",
            auth.problems
        );
    }

    #[test]
    fn top_level_keys_are_case_sensitive_and_must_be_lists() {
        assert!(matches!(
            &read("maproles", "- rolearn: r").problems[..],
            [(_, KeyProblem::WrongCase(AwsAuthKey::MapRoles), _)]
        ));
        assert!(matches!(&read("mapRoles", "rolearn: r").problems[..], [(_, KeyProblem::NotAList, _)]));
        for nothing in ["", "\"\"", "''", "``", "  \n"] {
            assert_eq!(read("mapRoles", nothing), AwsAuth::default(), "{nothing:?}");
        }
    }

    #[test]
    fn folded_items_become_one_odd_group() {
        let row = only("- rolearn: r\n  username: u\n  groups:\n    - system:bootstrappers\n      - system:nodes\n");
        assert_eq!(row.groups, ["system:bootstrappers - system:nodes"]);
        assert!(matches!(&row.defects[..], [RowDefect::Folded(_)]));
    }

    #[test]
    fn a_plain_yes_is_a_truth_value_and_no_name() {
        let row = only("- {rolearn: r, username: on, groups: [yes, \"yes\", n]}\n");
        assert_eq!(
            (row.username.as_str(), row.groups.as_slice()),
            ("", &[String::new(), "yes".into(), String::new()][..])
        );
    }

    #[test]
    fn account_ids_keep_leading_zeros() {
        assert_eq!(
            read("mapAccounts", "- \"000123456789\"\n- 012345678901\n- 111122223333\n").accounts,
            ["000123456789", "012345678901", "111122223333"]
        );
    }

    #[test]
    fn only_the_first_document_counts() {
        assert_eq!(only("- rolearn: r\n  username: u\n---\n").arn.as_deref(), Some("r"));
        assert_eq!(only("- rolearn: r\n  username: u\n---\n[broken: {\n").arn.as_deref(), Some("r"));
    }

    #[test]
    fn of_two_spellings_of_a_key_the_last_sorted_by_bytes_wins() {
        assert_eq!(only("- {rolearn: x, RoleARN: y, username: u}").arn.as_deref(), Some("x"));
        let row = only("- {rolearn: r, Username: u, username: 7, Groups: [g], groups: wrong}");
        assert_eq!((row.username.as_str(), row.groups.as_slice()), ("u", &["g".to_owned()][..]));
    }

    #[test]
    fn a_bad_item_of_map_accounts_leaves_the_others() {
        assert_eq!(
            read("mapAccounts", "- '111122223333'\n- {a: 1}\n- 222233334444\n").accounts,
            ["111122223333", "222233334444"]
        );
    }

    #[test]
    fn the_sso_form_never_matches() {
        assert_eq!(only("- {rolearn: r, sso: null, username: u}").arn.as_deref(), Some("r"));
        assert_eq!(only("- sso: {permissionSetName: A, accountID: '1'}\n  username: u\n").defects, [RowDefect::Sso]);
        assert_eq!(only("- rolearn: r\n  sso: {}\n  username: u\n").arn, None);
    }
}
