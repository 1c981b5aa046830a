//! The panes as they will be after what is staged: other texts in the rows that change, and rows for what is new.
//!
//! Decides what of a row is shown as it will be: its texts, never its mark, which says what is so now, as the trace beside
//! it does. What the texts are follows from the facts as `edit` projects them. A pane whose rows can be staged begins here.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::App;
use super::columns;
use super::message::Analysis;
use super::pane::Pane;
use super::table::{Row, Table, line};
use crate::access::Mark;
use crate::access::answer_line::{AnswerLine, AnswerPart};
use crate::access::identity::Resolver;
use crate::access::inventory::{EntryRow, PodIdentityRow, PrincipalRow};
use crate::access::workload::Subject as Workload;
use crate::edit::draft::{Change, Draft};
use crate::edit::project::project;
use crate::edit::state::{EntryState, State, Subject};
use crate::edit::told::pieces;
use crate::model::mapping::AccessEntry;
use crate::model::principal::{Asked, Principal};
use crate::model::snapshot::{ClusterFacts, DocumentRef, Evidence};

/// What is staged, as lines of the panes.
#[derive(Clone, Debug, Default)]
pub struct After {
    /// What it was made from.
    of: Option<Arc<Analysis>>,
    draft: Draft,
    tables: Arc<BTreeMap<Pane, Table>>,
}

impl After {
    /// The lines of a pane that something staged changes.
    pub(super) fn table(&self, pane: Pane) -> Option<&Table> {
        self.tables.get(&pane)
    }
}

/// The lines of all panes, held while the state is changed.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    analysis: Arc<Analysis>,
    after: Arc<BTreeMap<Pane, Table>>,
}

impl Lines {
    /// Of one pane.
    pub(super) fn table(&self, pane: Pane) -> &Table {
        self.after.get(&pane).unwrap_or_else(|| self.analysis.tables.table(pane))
    }
}

impl App {
    /// The lines of all panes, once they were computed.
    pub(super) fn lines(&self) -> Option<Lines> {
        Some(Lines { analysis: self.analysis.clone()?, after: self.after.tables.clone() })
    }

    /// The staged change of a row.
    pub fn staged_of(&self, row: &Row) -> Option<&Change> {
        let draft = self.staging()?.draft();
        let of = |arn: &str| draft.change(&Subject::Entry(arn.to_owned()));
        match self.pane {
            Pane::Entries => of(&row.arn),
            Pane::Principals | Pane::AwsAuth => of(&row.asked.as_ref()?.principal.arn()).or_else(|| of(&row.arn)),
            Pane::PodIdentity | Pane::Irsa => draft.change(&association(row)?),
            _ => None,
        }
    }

    /// What becomes of a row, as a sign. A row that something else takes over, or falls back to, changes.
    pub fn sign_of(&self, row: &Row) -> Option<&'static str> {
        let change = self.staged_of(row)?;
        match self.pane {
            Pane::AwsAuth | Pane::Irsa if change.before.is_some() == change.after.is_some() => None,
            Pane::AwsAuth | Pane::Irsa => Some("~"),
            // The principal stays, whatever becomes of its entry.
            Pane::Principals if change.before.is_none() && !row.is_new => Some("~"),
            _ => Some(change.sign()),
        }
    }
}

/// The association of the service account that a row is about.
pub(super) fn association(row: &Row) -> Option<Subject> {
    match row.workload.as_ref()? {
        Workload::ServiceAccount(namespace, name) => Some(Subject::Association(namespace.clone(), name.clone())),
        _ => None,
    }
}

/// Why a row of what is not there yet is as it is.
const NEW: &str = "staged, and not there yet: r reviews it";

/// Makes the lines anew if what they come from has changed. True if they are other ones now.
pub(super) fn refresh(app: &mut App) -> bool {
    let draft = app.staging().map(|it| it.draft().clone()).unwrap_or_default();
    let same = match (&app.after.of, &app.analysis) {
        (Some(old), Some(new)) => Arc::ptr_eq(old, new),
        (old, new) => old.is_none() && new.is_none(),
    };
    // Where nothing is staged, and was not before, an analysis stands for itself.
    if app.after.draft == draft && (same || draft.is_empty()) {
        return false;
    }
    let tables = match &app.analysis {
        Some(analysis) if !draft.is_empty() => after(app, analysis, &draft),
        _ => BTreeMap::new(),
    };
    app.after = After { of: app.analysis.clone(), draft, tables: Arc::new(tables) };
    true
}

fn after(app: &App, analysis: &Analysis, draft: &Draft) -> BTreeMap<Pane, Table> {
    let facts = app.facts();
    let home = app.home();
    let projected = project(&facts, draft, None);
    let resolver = Resolver::new(&projected, &app.snapshot.iam);
    let inventory = &analysis.inventory;
    let mut entries = Part::default();
    let mut principals = Part::default();
    let mut associations = Part::default();
    for (subject, change) in draft.changes() {
        match (subject, &change.after) {
            (Subject::Entry(arn), after) => {
                let at = inventory.entries.iter().position(|it| it.principal_arn == *arn);
                if let Some(State::Entry(state)) = after {
                    let row = entry_row(arn, state, at.and_then(|at| inventory.entries.get(at)));
                    entries.put(at, line(&row, columns::ENTRIES, home, columns::entry));
                }
                let Ok((principal, _)) = Principal::from_arn(arn) else { continue };
                let key = principal.key();
                let at = inventory.principals.iter().position(|it| it.principal.key() == key);
                let resolution = resolver.resolve(&Asked { path_known: true, ..Asked::principal(principal.clone()) });
                let known = at.and_then(|at| inventory.principals.get(at)).cloned();
                let row = PrincipalRow {
                    resolution,
                    ..known.unwrap_or_else(|| PrincipalRow {
                        resolution: resolver.resolve(&Asked::principal(principal.clone())),
                        principal,
                        seen_in: Vec::new(),
                        findings: Vec::new(),
                    })
                };
                if at.is_some() || change.after.is_some() {
                    principals.put(at, line(&row, columns::PRINCIPALS, home, columns::principal));
                }
            }
            (Subject::Association(namespace, account), Some(State::Association(state))) => {
                let is_it = |it: &PodIdentityRow| it.namespace == *namespace && it.service_account == *account;
                let at = inventory.pod_identity.iter().position(is_it);
                let row = PodIdentityRow {
                    role_arn: Some(state.role_arn.clone()),
                    target_role_arn: state.target_role_arn.clone(),
                    ..at.and_then(|at| inventory.pod_identity.get(at)).cloned().unwrap_or_else(|| PodIdentityRow {
                        namespace: namespace.clone(),
                        service_account: account.clone(),
                        association_id: String::new(),
                        role_arn: None,
                        target_role_arn: None,
                        owner: None,
                        mark: Mark::Ignored,
                        because: String::new(),
                        pods: pods_of(&facts, namespace, account),
                        findings: Vec::new(),
                        evidence: Evidence::new(
                            DocumentRef::ServiceAccount(namespace.clone(), account.clone()),
                            "metadata",
                        ),
                    })
                };
                associations.put(at, line(&row, columns::POD_IDENTITY, home, columns::pod_identity));
            }
            (Subject::Association(..), _) => {}
        }
    }
    let parts = [(Pane::Entries, entries), (Pane::Principals, principals), (Pane::PodIdentity, associations)];
    let changed = parts.into_iter().filter(|(_, part)| !part.cells.is_empty() || !part.new.is_empty());
    let with = |pane, part: Part| {
        let between = (pane == Pane::PodIdentity).then_some('/');
        analysis.tables.table(pane).with(part.cells, part.new, between)
    };
    changed.map(|(pane, part)| (pane, with(pane, part))).collect()
}

/// How many pods run as a service account, if that is known.
fn pods_of(facts: &ClusterFacts, namespace: &str, account: &str) -> Option<usize> {
    let pods = facts.pods.items().iter().filter(|it| !it.has_ended());
    let its = pods.filter(|it| it.metadata.namespace.as_deref() == Some(namespace) && it.service_account() == account);
    facts.pods.gap().is_none().then(|| its.count())
}

/// What changes in one pane.
#[derive(Default)]
struct Part {
    cells: Vec<(usize, Vec<String>)>,
    new: Vec<Row>,
}

impl Part {
    fn put(&mut self, at: Option<usize>, row: Row) {
        match at {
            Some(at) => self.cells.push((at, row.cells)),
            None => self.new.push(Row {
                mark: Mark::Ignored,
                because: NEW.to_owned(),
                is_new: true,
                // There is no document of what is not there.
                evidence: None,
                ..row
            }),
        }
    }
}

fn entry_row(arn: &str, state: &EntryState, old: Option<&EntryRow>) -> EntryRow {
    let entry: AccessEntry = state.entry(arn, None);
    EntryRow {
        principal_arn: arn.to_owned(),
        principal: Principal::from_arn(arn).ok().map(|(principal, _)| principal),
        mark: Mark::Ignored,
        because: String::new(),
        kind: entry.kind,
        username: entry.username.unwrap_or_default(),
        groups: entry.kubernetes_groups,
        policies: entry.associated_access_policies,
        created_at: old.and_then(|it| it.created_at),
        modified_at: old.and_then(|it| it.modified_at),
        unverified: Vec::new(),
        findings: Vec::new(),
        evidence: Evidence::new(DocumentRef::AccessEntry(arn.to_owned()), ""),
    }
}

/// What is staged for a row, as lines of its detail.
pub(super) fn facts(app: &App, row: &Row) -> Vec<AnswerLine> {
    let Some(change) = app.staged_of(row) else { return Vec::new() };
    let fact =
        |text: String, note: &str| AnswerLine { note: note.to_owned(), ..AnswerLine::new(AnswerPart::Staged, text) };
    // What stands on the row of something else is about that.
    let whose = match app.pane {
        Pane::AwsAuth => "of its access entry",
        Pane::Irsa => "of its Pod Identity association",
        _ => "",
    };
    pieces(change).into_iter().map(|(sign, text)| fact(format!("{sign} {text}"), whose)).collect()
}
