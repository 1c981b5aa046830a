//! aws-auth: which rows match a principal, which only look as if they did, and which of several decides
//! (`reference` §5.2–5.4).

use std::collections::HashMap;

use crate::model::mapping::{AwsAuth, AwsAuthKey, AwsAuthRow, KeyProblem};
use crate::model::principal::{Principal, PrincipalKey, PrincipalKind};
use crate::model::wildcard::glob;

/// The rows of aws-auth, indexed.
#[derive(Debug, Default)]
pub(super) struct Rows<'a> {
    /// By lower-cased ARN as written.
    by_arn: HashMap<String, Vec<&'a AwsAuthRow>>,
    /// By the principal that the ARN means, however it is written.
    by_meaning: HashMap<PrincipalKey, Vec<&'a AwsAuthRow>>,
    /// Rows whose ARN holds a wildcard.
    wild: Vec<&'a AwsAuthRow>,
    accounts: &'a [String],
    problems: &'a [(String, KeyProblem, String)],
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
        let mut rows = Rows { accounts: &auth.accounts, problems: &auth.problems, ..Rows::default() };
        for row in &auth.rows {
            let Some(arn) = row.arn.as_deref() else { continue };
            rows.by_arn.entry(arn.to_lowercase()).or_default().push(row);
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
        let matches: Vec<&AwsAuthRow> = self.by_arn.get(&canonical.to_lowercase()).cloned().unwrap_or_default();
        let of_key = |key: AwsAuthKey| matches.iter().copied().filter(move |row| row.key == key);

        // mapRoles is keyed by the lower-cased ARN: the last of equal ones wins.
        let role_row = of_key(AwsAuthKey::MapRoles).next_back();
        for row in of_key(AwsAuthKey::MapRoles) {
            match role_row {
                Some(last) if last.index != row.index => {
                    out.shadowed
                        .push((row, format!("{} has the same ARN and comes later: the last one wins", last.place())));
                }
                _ => out.matching.push(row),
            }
        }
        // mapUsers is keyed by the ARN as written: the last of identical ones wins, and among those that differ in
        // case the pick is random.
        for row in of_key(AwsAuthKey::MapUsers) {
            let last = of_key(AwsAuthKey::MapUsers).rfind(|other| other.arn == row.arn);
            match (role_row, last) {
                (Some(first), _) => {
                    out.shadowed.push((row, format!("{} matches too, and mapRoles is read first", first.place())));
                }
                (None, Some(last)) if last.index != row.index => {
                    out.shadowed
                        .push((row, format!("{} has the same ARN and comes later: the last one wins", last.place())));
                }
                _ if out.matching.iter().any(|it| it.username == row.username && it.groups == row.groups) => {
                    out.shadowed.push((
                        row,
                        "its ARN differs only in case from one that says the same: either is picked".into(),
                    ));
                }
                _ => out.matching.push(row),
            }
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
        dead.retain(|row| row.arn.as_deref().is_none_or(|arn| arn.to_lowercase() != canonical.to_lowercase()));
        dead.sort_by_key(|row| (row.key, row.index));
        out.dead = dead.into_iter().map(|row| (row, why_never(row, Some(principal)))).collect();

        let names = [canonical.to_lowercase(), principal.arn().to_lowercase()];
        let account = [principal.account.clone()];
        for (name, problem, text) in self.problems {
            let text = text.to_lowercase();
            let key = AwsAuthKey::ALL.into_iter().find(|key| key.as_str().eq_ignore_ascii_case(name));
            let sought = if key == Some(AwsAuthKey::MapAccounts) { account.as_slice() } else { &names };
            if let Some(key) = key
                && sought.iter().any(|it| mentions(&text, it))
            {
                out.lost.push((key, name, format!("{name} {problem}")));
            }
        }
        out
    }
}

impl Rows<'_> {
    /// What must be said of aws-auth whoever is asked about: keys that do not parse, and so let nobody in.
    pub(super) fn broken(&self) -> Vec<String> {
        let broken = self.problems.iter().filter(|(_, problem, _)| matches!(problem, KeyProblem::Broken { .. }));
        broken.map(|(name, ..)| format!("{name} does not parse and counts as empty")).collect()
    }
}

/// Is the ARN in the text as a whole word, and not only as the beginning of a longer one?
fn mentions(text: &str, arn: &str) -> bool {
    text.match_indices(arn).any(|(at, _)| {
        let mut after = text.get(at + arn.len()..).unwrap_or_default().chars();
        let goes_on = |c: char| c.is_alphanumeric() || "+=@_-/".contains(c);
        match after.next() {
            // A comma or full stop may belong to a name, but mostly ends one.
            Some(',' | '.') => !after.next().is_some_and(goes_on),
            next => !next.is_some_and(goes_on),
        }
    })
}

/// The principal that a row's ARN means: blanks dropped, a session's role.
pub(crate) fn meant(arn: &str) -> Option<Principal> {
    Principal::from_arn(arn.trim()).ok().map(|(principal, _)| principal)
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
    match Principal::from_arn(arn) {
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
