//! Documents as they are read, YAML or JSON.
//!
//! Decides in how many passes: one, without keeping track of where it is, for what this program wrote itself. Whatever that
//! pass does not take is read again with care, in two passes over its manifests (see [`super::manifest`]), and it is their
//! word that counts: they name line and field of a fault, and know documents by other hands.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;

use super::super::cluster::Cluster;
use super::super::principal::Arn;
use super::super::section::SectionId;
use super::manifest::{Kinds, flatten, with_kinds};
use super::quick_yaml::read_plain;
use super::{Document, FORMAT};

/// Why a document cannot be read: where, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{message}", line_text(.line, .column), path_text(.path))]
pub struct DocumentError {
    /// Counted from 1.
    pub line: Option<usize>,
    /// Counted from 1.
    pub column: Option<usize>,
    /// `clusters[0].accessEntries[3].principalArn`
    pub path: Option<String>,
    /// What is wrong.
    pub message: String,
}

fn line_text(line: &Option<usize>, column: &Option<usize>) -> String {
    match (line, column) {
        (Some(line), Some(column)) => format!("line {line}, column {column}: "),
        (Some(line), None) => format!("line {line}: "),
        _ => String::new(),
    }
}

fn path_text(path: &Option<String>) -> String {
    path.as_ref().map(|path| format!("{path}: ")).unwrap_or_default()
}

/// Whether one of these sections is called so.
fn names(sections: &[SectionId], name: &str) -> bool {
    sections.iter().any(|id| id.name() == name)
}

/// Reads a document, YAML or JSON.
pub fn read(text: &str) -> Result<Document, DocumentError> {
    let notation = Notation::of(text);
    let mut document = match read_at_once(text, notation) {
        Some(document) => document,
        None => read_with_care(text, notation)?,
    };
    if document.eksplorer != FORMAT {
        return Err(DocumentError {
            line: None,
            column: None,
            path: Some("eksplorer".to_owned()),
            message: format!("format version {} is not known; this program reads version {FORMAT}", document.eksplorer),
        });
    }
    check_clusters(&document)?;
    check_notes(&mut document)?;
    for cluster in &mut document.clusters {
        cluster.kubernetes = cluster.kubernetes.take().map(flatten);
    }
    Ok(document)
}

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notation {
    Json,
    Yaml,
}

impl Notation {
    /// A YAML flow map begins with a brace too, but only JSON must quote its first key.
    pub(super) fn of(text: &str) -> Notation {
        let is_json = text.trim_start().strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with(['"', '}']));
        if is_json { Notation::Json } else { Notation::Yaml }
    }
}

/// Reads in one pass what this program writes; `None` is not that it cannot be read.
pub(super) fn read_at_once(text: &str, notation: Notation) -> Option<Document> {
    match notation {
        Notation::Json => serde_json::from_str(text).ok(),
        Notation::Yaml => read_plain(text).ok(),
    }
}

pub(super) fn read_with_care(text: &str, notation: Notation) -> Result<Document, DocumentError> {
    fn parse<T: DeserializeOwned>(text: &str, notation: Notation) -> Result<T, DocumentError> {
        match notation {
            Notation::Json => from_json(text),
            Notation::Yaml => from_yaml(text),
        }
    }
    let kinds: Kinds = parse(text, notation)?;
    with_kinds(kinds.in_order(), || parse(text, notation))
}

/// The region of a document's cluster: from its ARN, else the document's.
pub fn region_of(cluster: &Cluster, region: Option<&str>) -> String {
    let own = cluster.arn.as_deref().and_then(|arn| arn.parse::<Arn>().ok()).map(|arn| arn.region);
    own.unwrap_or_else(|| region.unwrap_or_default().to_owned())
}

fn wrong(path: String, message: String) -> DocumentError {
    DocumentError { line: None, column: None, path: Some(path), message }
}

fn check_clusters(document: &Document) -> Result<(), DocumentError> {
    let mut seen = BTreeSet::new();
    for (index, it) in document.clusters.iter().enumerate() {
        let region = region_of(&it.cluster, document.region.as_deref());
        if !seen.insert((region.clone(), it.cluster.name.clone())) {
            let message = format!("the document has cluster {} of region {region:?} twice", it.cluster.name);
            return Err(wrong(format!("clusters[{index}].cluster"), message));
        }
    }
    Ok(())
}

/// Brings the notes' names into their full form. A note that is about nothing would turn "not known" into "not there"
/// without a word, so it is an error.
fn check_notes(document: &mut Document) -> Result<(), DocumentError> {
    let mut notes = BTreeMap::new();
    for (name, note) in std::mem::take(&mut document.sections) {
        let mut parts = name.rsplitn(3, '/');
        let (section, cluster, region) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        let full = match (cluster, region) {
            (Some("iam"), None) if names(SectionId::IAM, section) => Some(name.clone()),
            (Some("account"), None) if section == "clusters" => Some(name.clone()),
            (Some(cluster), region) if names(SectionId::CLUSTER, section) => document.clusters.iter().find_map(|it| {
                let own = region_of(&it.cluster, document.region.as_deref());
                let same = it.cluster.name == cluster && region.is_none_or(|region| region == own);
                same.then(|| format!("{own}/{cluster}/{section}"))
            }),
            _ => None,
        };
        let Some(full) = full else {
            let message = "it is no section of this document: write REGION/CLUSTER/SECTION or iam/SECTION".to_owned();
            return Err(wrong(format!("sections[{name:?}]"), message));
        };
        notes.insert(full, note);
    }
    document.sections = notes;
    Ok(())
}

/// Reads a JSON text into any type; an error names line and field.
pub fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, DocumentError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let error = |path: Option<String>, error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        let whole = error.to_string();
        DocumentError {
            line: (line > 0).then_some(line),
            column: (line > 0).then_some(column),
            path: path.filter(|it| it != "."),
            message: whole.split(" at line ").next().unwrap_or(&whole).to_owned(),
        }
    };
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|it| error(Some(it.path().to_string()), it.into_inner()))?;
    // Something behind it: two documents in one file, or a text cut and pasted wrong.
    deserializer.end().map_err(|it| error(None, it))?;
    Ok(value)
}

/// With the budget that 30,000 real pods need.
fn yaml_options() -> serde_saphyr::Options {
    const PLENTY: usize = 200_000_000;
    let budget = serde_saphyr::budget! {
        max_reader_input_bytes: Some(4 * PLENTY),
        max_events: PLENTY,
        max_nodes: PLENTY,
        max_total_scalar_bytes: 4 * PLENTY,
        max_total_comment_bytes: PLENTY,
        max_documents: 8,
    };
    serde_saphyr::options! {
        budget: budget,
        with_snippet: false,
        // Group names such as `on` or `yes` are names.
        strict_booleans: true,
    }
}

/// Reads a YAML text into any type; an error names line and field.
pub fn from_yaml<T: DeserializeOwned>(text: &str) -> Result<T, DocumentError> {
    let mut path = None;
    let result = serde_saphyr::with_deserializer_from_str_with_options(text, yaml_options(), |deserializer| {
        serde_path_to_error::deserialize(deserializer).map_err(|error| {
            path = Some(error.path().to_string()).filter(|path| path != ".");
            error.into_inner()
        })
    });
    result.map_err(|error| {
        let at = error.location();
        let whole = error.without_snippet().to_string();
        let message = whole.lines().next().unwrap_or_default();
        DocumentError {
            line: at.map(|at| at.line() as usize),
            column: at.map(|at| at.column() as usize),
            path,
            message: message.split(" at line ").next().unwrap_or(message).to_owned(),
        }
    })
}
