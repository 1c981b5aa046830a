//! aws-auth: which rows match a principal, which only look as if they did, and which of several decides,
//! as aws-iam-authenticator does it (`pkg/arn`, `pkg/mapper/configmap`).
//!
//! The authenticator compares ARNs with Go's `strings.EqualFold` (`pkg/config/mapper.go`, Matches), which takes the long s
//! for an s and the Kelvin sign for a k, and holds mapRoles by `strings.ToLower`, which does not: rows that differ in such
//! a letter are two, and both match.

use std::collections::{HashMap, HashSet};

use crate::model::aws_auth::{AwsAuth, AwsAuthKey, AwsAuthRow, KeyProblem};
use crate::model::principal::{Principal, PrincipalKey, PrincipalKind};
use crate::model::wildcard::glob;

/// The rows of aws-auth, indexed.
#[derive(Debug, Default)]
pub(super) struct Rows<'a> {
    /// By the ARN as written, folded as the authenticator compares it.
    by_arn: HashMap<String, Vec<&'a AwsAuthRow>>,
    /// The last row of mapRoles under each key of the authenticator's own map.
    kept_roles: HashMap<String, &'a AwsAuthRow>,
    /// By the principal that the ARN means, however it is written.
    by_meaning: HashMap<PrincipalKey, Vec<&'a AwsAuthRow>>,
    /// Rows whose ARN holds a wildcard.
    wild: Vec<&'a AwsAuthRow>,
    accounts: &'a [String],
    /// The keys that yield less than they seem to, with the ARNs and account ids in the text that is not read.
    problems: Vec<(&'a str, &'a KeyProblem, HashSet<String>)>,
}

/// What aws-auth says of one principal.
#[derive(Debug, Default)]
pub(super) struct Verdicts<'a> {
    /// The row that decides. Several, when chance does: the ARNs differ in case only.
    pub(super) matching: Vec<&'a AwsAuthRow>,
    /// The index in mapAccounts that matches; it decides when no row does.
    pub(super) account: Option<usize>,
    /// Rows that another row overrides, with the reason.
    pub(super) shadowed: Vec<(&'a AwsAuthRow, String)>,
    /// Rows that mean the principal and never match, with the reason.
    pub(super) dead: Vec<(&'a AwsAuthRow, String)>,
    /// Keys that yield nothing though their text names the principal.
    pub(super) lost: Vec<(AwsAuthKey, &'a str, String)>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(auth: &'a AwsAuth) -> Self {
        let problem =
            |(name, problem, text): &'a (String, KeyProblem, String)| (name.as_str(), problem, mentioned(&fold(text)));
        let problems = auth.problems.iter().map(problem).collect();
        let mut rows = Rows { accounts: &auth.accounts, problems, ..Rows::default() };
        for row in &auth.rows {
            let Some(arn) = row.arn.as_deref() else { continue };
            rows.by_arn.entry(fold(arn)).or_default().push(row);
            if row.key == AwsAuthKey::MapRoles {
                rows.kept_roles.insert(lower(arn), row);
            }
            if arn.contains(['*', '?']) {
                rows.wild.push(row);
            } else if let Some(principal) = meant(arn) {
                rows.by_meaning.entry(principal.key()).or_default().push(row);
            }
        }
        rows
    }

    pub(super) fn of(&self, principal: &Principal) -> Verdicts<'a> {
        let canonical = principal.canonical();
        let mut out = Verdicts::default();
        let matches: Vec<&AwsAuthRow> = self.by_arn.get(&fold(&canonical)).cloned().unwrap_or_default();
        let of_key = |key: AwsAuthKey| matches.iter().copied().filter(move |row| row.key == key);

        // mapRoles is keyed by the lower-cased ARN, mapUsers by the ARN as written: the last row of one key wins, and
        // among several keys that match, the pick is random.
        let replaced_by = |row: &AwsAuthRow| {
            let last = match row.key {
                AwsAuthKey::MapRoles => row.arn.as_deref().and_then(|arn| self.kept_roles.get(&lower(arn)).copied()),
                _ => of_key(row.key).rfind(|other| other.arn == row.arn),
            };
            last.filter(|last| last.index != row.index)
        };
        let role_row = of_key(AwsAuthKey::MapRoles).rfind(|row| replaced_by(row).is_none());
        for row in of_key(AwsAuthKey::MapRoles).chain(of_key(AwsAuthKey::MapUsers)) {
            let says_the_same = |it: &&AwsAuthRow| it.username == row.username && it.groups == row.groups;
            let why = match role_row {
                Some(first) if row.key == AwsAuthKey::MapUsers => {
                    format!("{} matches too, and mapRoles is read first", first.place())
                }
                _ => match replaced_by(row) {
                    Some(last) if !matches.iter().any(|it| it.key == last.key && it.index == last.index) => format!(
                        "{} has the same ARN in lower case and comes later: it replaces this row, and matches nobody",
                        last.place()
                    ),
                    Some(last) => format!("{} has the same ARN and comes later: the last one wins", last.place()),
                    None if out.matching.iter().any(says_the_same) => {
                        "its ARN differs only in case from one that says the same: either is picked".to_owned()
                    }
                    None => {
                        out.matching.push(row);
                        continue;
                    }
                },
            };
            out.shadowed.push((row, why));
        }
        out.account = self.accounts.iter().position(|account| *account == principal.account);

        let meaning = self.by_meaning.get(&principal.key()).into_iter().flatten();
        let wild = self.wild.iter().filter(|row| {
            let pattern = row.arn.as_deref().unwrap_or_default().trim();
            // Case is ignored, as a person who wrote the pattern would expect.
            let pattern = pattern.to_lowercase();
            glob(&pattern, &canonical.to_lowercase()) || glob(&pattern, &principal.arn().to_lowercase())
        });
        let mut dead: Vec<&AwsAuthRow> = meaning.chain(wild).copied().collect();
        dead.retain(|row| row.arn.as_deref().is_none_or(|arn| fold(arn) != fold(&canonical)));
        dead.sort_by_key(|row| (row.key, row.index));
        out.dead = dead.into_iter().map(|row| (row, why_never(row, Some(principal)))).collect();

        let names = [fold(&canonical), fold(&principal.arn())];
        let account = [principal.account.clone()];
        for (name, problem, mentioned) in &self.problems {
            let key = AwsAuthKey::ALL.into_iter().find(|key| key.as_str().eq_ignore_ascii_case(name));
            // Of a key that is read in part, the account may be in the part that counts.
            let is_read = key == Some(AwsAuthKey::MapAccounts) && out.account.is_some();
            if is_read || matches!(problem, KeyProblem::Undetermined { .. }) {
                continue;
            }
            let sought = if key == Some(AwsAuthKey::MapAccounts) { account.as_slice() } else { &names };
            if let Some(key) = key
                && sought.iter().any(|it| mentioned.contains(it))
            {
                out.lost.push((key, *name, format!("{name} {problem}")));
            }
        }
        out
    }
}

impl Rows<'_> {
    /// What to say of aws-auth whoever is asked about: keys that are empty for the cluster.
    pub(super) fn broken(&self) -> Vec<String> {
        let broken = self.problems.iter().filter(|(_, problem, _)| problem.empties_key());
        let why = |problem: &&KeyProblem| match problem {
            KeyProblem::NotAList { .. } => "is not a list",
            KeyProblem::EmptyDocument { .. } => "has an empty first YAML document",
            _ => "does not parse",
        };
        broken.map(|(name, problem, _)| format!("{name} {} and counts as empty", why(problem))).collect()
    }

    /// Why it is unknown which principals a key maps, if it is.
    pub(super) fn undetermined(&self, key: AwsAuthKey) -> Option<String> {
        let is_it = |(name, problem, _): &&(&str, &KeyProblem, HashSet<String>)| {
            *name == key.as_str() && matches!(problem, KeyProblem::Undetermined { .. })
        };
        self.problems.iter().find(is_it).map(|(name, problem, _)| format!("aws-auth {name} {problem}"))
    }
}

/// A text without case, as Go's `strings.EqualFold` compares what may stand in an ARN.
fn fold(text: &str) -> String {
    text.to_lowercase().replace('ſ', "s")
}

/// As Go's `strings.ToLower`: letter by letter, and İ becomes a plain i, which Rust keeps apart.
fn lower(arn: &str) -> String {
    arn.replace('İ', "i").to_lowercase()
}

/// An ARN with the case that AWS writes where case does not matter, so that it can be read: all but the names.
fn usual_case(arn: &str) -> String {
    let arn = arn.replace('ſ', "s").replace('\u{212A}', "k");
    match arn.match_indices(':').nth(4) {
        Some((colon, _)) => {
            let end = arn.get(colon..).and_then(|rest| rest.find('/')).map_or(arn.len(), |slash| colon + slash);
            let (fixed, names) = arn.split_at(end);
            format!("{}{names}", fixed.to_ascii_lowercase())
        }
        None => arn,
    }
}

/// The ARNs and the account ids in a folded text: whole words, and not beginnings of longer ones.
fn mentioned(text: &str) -> HashSet<String> {
    let ends_word = |at: usize| {
        let mut after = text.get(at..).unwrap_or_default().chars();
        match after.next() {
            // A comma or full stop may belong to a name, but mostly ends one.
            Some(',' | '.') => !after.next().is_some_and(is_in_word),
            next => !next.is_some_and(is_in_word),
        }
    };
    let mut out = HashSet::new();
    for (start, _) in text.match_indices("arn:") {
        let mut end = start;
        let mut colons = 0;
        while let Some(c) = text.get(end..).and_then(|rest| rest.chars().next()) {
            colons += usize::from(c == ':');
            // The name of a resource holds no colon.
            if colons == 6 || (c != ':' && ends_word(end)) {
                break;
            }
            end += c.len_utf8();
        }
        out.insert(text.get(start..end).unwrap_or_default().to_owned());
    }
    let mut start = 0;
    for run in text.split(|c: char| !c.is_ascii_digit()) {
        let end = start + run.len();
        if run.len() >= 12 && ends_word(end) {
            out.insert(run.get(run.len() - 12..).unwrap_or_default().to_owned());
        }
        start = end + text.get(end..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    }
    out
}

fn is_in_word(c: char) -> bool {
    c.is_alphanumeric() || "+=@_-/".contains(c)
}

/// The principal that a row's ARN means: blanks dropped, a session's role.
pub(crate) fn meant(arn: &str) -> Option<Principal> {
    Principal::from_arn(&usual_case(arn.trim())).ok().map(|(principal, _)| principal)
}

/// Why a row's ARN never matches anybody (or, given the principal it means, never matches that one); empty for an ARN
/// that is well written.
pub(crate) fn why_never(row: &AwsAuthRow, principal: Option<&Principal>) -> String {
    let Some(arn) = row.arn.as_deref() else {
        return row.defects.first().map(ToString::to_string).unwrap_or_default();
    };
    if arn.contains(['*', '?']) {
        return "it holds a wildcard, and ARNs are compared as text".to_owned();
    }
    if arn.trim() != arn {
        return "blanks stand before or after the ARN, and it is compared as written".to_owned();
    }
    match Principal::from_arn(&usual_case(arn)) {
        Err(_) => "it is not the ARN of a principal".to_owned(),
        Ok((_, Some(_))) => "it names a session, and sessions are compared under their role's ARN".to_owned(),
        Ok((meant, None)) if meant.kind == PrincipalKind::Role && meant.path != "/" => {
            format!("its ARN has a path, and the authenticator compares roles without one: write {}", meant.canonical())
        }
        Ok((meant, None)) => match principal {
            Some(real) if meant.kind == PrincipalKind::User && meant.path != real.path => {
                format!("the user's ARN is {}, path and all, and that is what is compared", real.arn())
            }
            _ => String::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_and_account_ids_are_found_as_whole_words() {
        let arn = "arn:aws:iam::111122223333:role/a.b";
        for (text, is_mentioned) in [
            (format!("- rolearn: {arn}"), true),
            (format!("({arn}), and"), true),
            (format!("{arn}: x"), true),
            (format!("{arn}."), true),
            (format!("{arn}.c"), false),
            (format!("{arn}/c"), false),
            ("arn:aws:iam::111122223333:role/a".to_owned(), false),
            (format!("arn:arn:{arn}"), true),
        ] {
            assert_eq!(mentioned(&text).contains(arn), is_mentioned, "{text}");
        }
        let account = |text: &str| mentioned(text).contains("111122223333");
        assert!(account("- '111122223333'") && account("- 111122223333") && account("é 111122223333, and"));
        assert!(!account("1111222233334") && !account("111122223333x") && !account("11112222333"));
    }
}
