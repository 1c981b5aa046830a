//! Rows of access entries and of aws-auth: each is asked for by the principal it means, and what the resolver says of
//! it is what the row shows, so that pane and trace cannot disagree.

use std::collections::HashMap;

use super::{AwsAuthLine, EntryRow};
use crate::access::Mark;
use crate::access::Verdict;
use crate::access::findings::{of_account, of_entry, of_key, of_line};
use crate::access::identity::{MappingSource, Resolution, Resolver, meant, row_evidence, why_never};
use crate::model::aws_auth::{AwsAuth, AwsAuthKey, AwsAuthRow, KeyProblem};
use crate::model::mapping::AccessEntry;
use crate::model::principal::{Asked, Principal};
use crate::model::snapshot::{DocumentRef, Evidence};

pub(super) fn entries(resolver: &Resolver<'_>) -> Vec<EntryRow> {
    let section = &resolver.facts().0.access_entries;
    let mut rows: Vec<EntryRow> = section.items().iter().map(|entry| entry_row(resolver, entry)).collect();
    rows.extend(section.missing().iter().filter_map(|missing| {
        let arn = missing.item.clone()?;
        // An entry that is there but for its policies is a row already.
        if section.items().iter().any(|entry| entry.principal_arn == arn) {
            return None;
        }
        Some(EntryRow {
            principal: meant(&arn),
            mark: Mark::Unknown,
            because: format!("the entry exists but could not be read: {}", missing.failure),
            kind: String::new(),
            username: String::new(),
            groups: Vec::new(),
            policies: None,
            created_at: None,
            modified_at: None,
            unverified: Vec::new(),
            findings: Vec::new(),
            evidence: Evidence::new(DocumentRef::AccessEntry(arn.clone()), ""),
            principal_arn: arn,
        })
    }));
    rows.sort_by(|a, b| a.principal_arn.cmp(&b.principal_arn));
    rows
}

fn entry_row(resolver: &Resolver<'_>, entry: &AccessEntry) -> EntryRow {
    let evidence = Evidence::new(DocumentRef::AccessEntry(entry.principal_arn.clone()), "");
    let source = MappingSource::AccessEntry { principal_arn: entry.principal_arn.clone() };
    let principal = Principal::from_arn(&entry.principal_arn).ok().filter(|(_, session)| session.is_none());
    let (principal, mark, because, unverified, findings) = match principal {
        Some((principal, _)) => {
            let resolution = resolver.resolve(&Asked::principal(principal.clone()));
            let (mark, because) = place_of(&resolution, &source);
            let findings = of_entry(resolver, (entry, &principal), mark, &because, &resolution, &evidence);
            (Some(principal), mark, because, resolution.unverified, findings)
        }
        None => (None, Mark::Dead, "its principal is no IAM role or user".to_owned(), Vec::new(), Vec::new()),
    };
    EntryRow {
        principal_arn: entry.principal_arn.clone(),
        principal,
        mark,
        because,
        kind: entry.kind.clone(),
        username: entry.username.clone().unwrap_or_default(),
        groups: entry.kubernetes_groups.clone(),
        policies: entry.associated_access_policies.clone(),
        created_at: entry.created_at,
        modified_at: entry.modified_at,
        unverified,
        findings,
        evidence,
    }
}

/// What the answer for a principal says of one mapping.
fn place_of(resolution: &Resolution, source: &MappingSource) -> (Mark, String) {
    if resolution.mapping.as_ref().is_some_and(|mapping| mapping.source == *source) {
        return (Mark::InForce, String::new());
    }
    if let Some(other) = resolution.others.iter().find(|other| other.source == *source) {
        return (other.state.mark(), other.because.clone());
    }
    let mark = if resolution.verdict == Verdict::Unknown { Mark::Unknown } else { Mark::Dead };
    (mark, resolution.because.clone())
}

pub(super) fn aws_auth(resolver: &Resolver<'_>) -> Vec<AwsAuthLine> {
    let facts = resolver.facts().0;
    let Some(Some((_, auth))) = facts.aws_auth.value() else { return Vec::new() };
    let mode = facts.cluster.value().map(crate::model::cluster::Cluster::authentication_mode);
    let ignored = mode
        .filter(|mode| !mode.reads_aws_auth())
        .map(|mode| format!("authentication mode {mode} does not read aws-auth"));
    let mut places = HashMap::new();
    let mut lines: Vec<AwsAuthLine> =
        auth.rows.iter().map(|row| row_line(resolver, row, ignored.as_deref(), &mut places)).collect();
    lines.extend(accounts(auth, ignored.as_deref()));
    lines.extend(problems(auth, ignored.as_deref()));
    lines
}

/// What the answer for a principal says of each mapping: kept, since thousands of rows may name one principal.
struct MappingPlaces {
    /// The principal, its path filled in where it is known.
    principal: Principal,
    by_source: HashMap<MappingSource, (Mark, String)>,
    otherwise: (Mark, String),
}

impl MappingPlaces {
    fn new(resolution: Resolution) -> Self {
        let mark = if resolution.verdict == Verdict::Unknown { Mark::Unknown } else { Mark::Dead };
        let mut by_source = HashMap::new();
        if let Some(mapping) = resolution.mapping {
            by_source.insert(mapping.source, (Mark::InForce, String::new()));
        }
        for other in resolution.others {
            by_source.entry(other.source).or_insert((other.state.mark(), other.because));
        }
        MappingPlaces { principal: resolution.asked.principal, by_source, otherwise: (mark, resolution.because) }
    }
}

fn row_line(
    resolver: &Resolver<'_>,
    row: &AwsAuthRow,
    ignored: Option<&str>,
    places: &mut HashMap<Principal, MappingPlaces>,
) -> AwsAuthLine {
    let evidence = row_evidence(row);
    let arn = row.arn.clone().unwrap_or_default();
    let principal = meant(&arn);
    let never = why_never(row, None);
    let (mark, because, principal) = match (ignored, principal) {
        (Some(why), principal) => (Mark::Ignored, why.to_owned(), principal),
        (None, principal) if !never.is_empty() => (Mark::Dead, never, principal),
        (None, None) => (Mark::Dead, "it matches nobody".to_owned(), None),
        (None, Some(principal)) => {
            // As the row names it: a role without its path, whatever the path is.
            let places = places.entry(principal).or_insert_with_key(|principal| {
                let asked = Asked { path_known: false, ..Asked::principal(principal.clone()) };
                MappingPlaces::new(resolver.resolve(&asked))
            });
            let source = MappingSource::AwsAuth { key: row.key, index: Some(row.index) };
            let (mark, because) = places.by_source.get(&source).unwrap_or(&places.otherwise).clone();
            (mark, because, Some(places.principal.clone()))
        }
    };
    AwsAuthLine {
        place: row.place(),
        arn,
        principal,
        mark,
        findings: of_line(resolver, row, mark, &because, &evidence),
        because,
        username: row.username.clone(),
        groups: row.groups.clone(),
        evidence,
    }
}

fn accounts<'a>(auth: &'a AwsAuth, ignored: Option<&'a str>) -> impl Iterator<Item = AwsAuthLine> + 'a {
    auth.accounts.iter().enumerate().map(move |(index, account)| {
        let place = format!("{}[{index}]", AwsAuthKey::MapAccounts);
        let evidence = Evidence::new(DocumentRef::AwsAuth, format!("data.{place}"));
        let is_id = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        let (mark, because) = match ignored {
            Some(why) => (Mark::Ignored, why.to_owned()),
            None if is_id => (Mark::InForce, String::new()),
            None => (Mark::Dead, "it is no account id of twelve digits, and accounts are compared as text".to_owned()),
        };
        AwsAuthLine {
            arn: account.clone(),
            principal: None,
            mark,
            because,
            username: "its own ARN".to_owned(),
            groups: Vec::new(),
            findings: if mark == Mark::InForce { of_account(account, &evidence) } else { Vec::new() },
            evidence,
            place,
        }
    })
}

fn problems<'a>(auth: &'a AwsAuth, ignored: Option<&'a str>) -> impl Iterator<Item = AwsAuthLine> + 'a {
    auth.problems.iter().map(move |(name, problem, _)| {
        let evidence = Evidence::new(DocumentRef::AwsAuth, format!("data.{name}"));
        AwsAuthLine {
            place: name.clone(),
            arn: String::new(),
            principal: None,
            mark: match problem {
                _ if ignored.is_some() => Mark::Ignored,
                KeyProblem::Undetermined { .. } => Mark::Unknown,
                _ => Mark::Dead,
            },
            because: problem.to_string(),
            username: String::new(),
            groups: Vec::new(),
            findings: of_key(name, problem, &evidence),
            evidence,
        }
    })
}
