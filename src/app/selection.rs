//! What the cursor is on: whom, which role, which workload, which request, where that was read, what fixes it, what is copied.
//!
//! The only place that knows this: whether a command can act and what it then acts on both ask [`App::selection`], so they
//! cannot differ. A new place (an overlay on the whole body) is an arm in [`App::selection_in`].

use super::App;
use super::overlay::Overlay;
use super::overlay::document::Document;
use crate::access::workload::Subject;
use crate::model::principal::{Asked, Principal, PrincipalKind};
use crate::model::request::Request;
use crate::model::snapshot::Evidence;

/// What the cursor is on; absent where it is on nothing of the kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// The IAM principal that the line, the row or the whole place is about.
    pub principal: Option<Asked>,
    /// The pod, service account or role of which a workload answer can be opened.
    pub workload: Option<Subject>,
    /// The Kubernetes request that a cell or the whole place is about.
    pub request: Option<Request>,
    /// Where the line was read.
    pub evidence: Option<Evidence>,
    /// What fixes it, as it is to be pasted.
    pub remedy: Option<Document>,
    /// What copying takes.
    pub copyable: Option<Copyable>,
}

/// A text that can be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copyable {
    /// The text.
    pub text: String,
    /// What it is.
    pub kind: CopyKind,
    /// What running it may break; empty where nothing.
    pub danger: String,
}

/// What is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyKind {
    /// An ARN, a name, an id.
    Name,
    /// Commands that fix what is explained.
    Commands,
}

impl Copyable {
    fn name(text: impl Into<String>) -> Option<Copyable> {
        Copyable::with_danger(text.into(), String::new())
    }

    fn with_danger(text: String, danger: String) -> Option<Copyable> {
        (!text.is_empty()).then_some(Copyable { text, kind: CopyKind::Name, danger })
    }
}

impl Selection {
    /// The IAM role, if the principal is one.
    pub fn role(&self) -> Option<&Principal> {
        self.principal.as_ref().map(|it| &it.principal).filter(|it| it.kind == PrincipalKind::Role)
    }

    /// The role of which it can be asked who can assume it; or why there is none.
    pub fn assumable_role(&self) -> Result<&Principal, &'static str> {
        match (self.role(), &self.principal) {
            (Some(role), _) => Ok(role),
            (None, Some(it)) if it.principal.kind == PrincipalKind::User => {
                Err("Nobody becomes a user: whoever has its access keys or its password is it.")
            }
            (None, _) => Err("Nothing here names an IAM role that somebody could become."),
        }
    }

    /// Whether there is a document to show: what fixes it, or where it was read.
    pub fn has_document(&self) -> bool {
        self.remedy.is_some() || self.evidence.is_some()
    }

    /// Whether it can be opened in its turn: as a workload, or as a principal's trace.
    pub fn leads_on(&self) -> bool {
        self.workload.is_some() || self.principal.is_some()
    }
}

impl App {
    /// What the cursor is on, in the place in which commands act.
    pub fn selection(&self) -> Selection {
        self.selection_in(self.top_place())
    }

    /// What the cursor is on in a place; without one, in the list.
    pub(super) fn selection_in(&self, place: Option<&Overlay>) -> Selection {
        let arn_of = |it: &Option<Asked>| it.as_ref().and_then(|it| Copyable::name(it.arn()));
        match place {
            None => self.selection_in_list(),
            Some(Overlay::Trace(view)) => Selection {
                principal: Some(view.asked.clone()),
                evidence: view.fact().and_then(|it| it.evidence.clone()),
                copyable: Copyable::name(view.asked.arn()),
                ..Selection::default()
            },
            Some(Overlay::Explain(view)) => {
                let principal = view.arn().and_then(|arn| Asked::from_arn(&arn).ok());
                let commands = view.command().and_then(Copyable::name);
                let commands = commands.map(|it| Copyable { kind: CopyKind::Commands, ..it });
                Selection {
                    evidence: view.fact().and_then(|it| it.evidence.clone()),
                    copyable: commands.or_else(|| Copyable::name(view.arn().unwrap_or_default())),
                    principal,
                    ..Selection::default()
                }
            }
            Some(Overlay::Workload(view)) => {
                // The line's own role says more than the one that the whole answer is about.
                let principal = view.holder().or_else(|| view.role().cloned());
                Selection {
                    workload: view.about().cloned(),
                    evidence: view.fact().and_then(|it| it.evidence.clone()),
                    remedy: view.remedy(),
                    copyable: arn_of(&principal),
                    principal,
                    ..Selection::default()
                }
            }
            Some(Overlay::Row(view)) => {
                let (text, danger) = view.command();
                Selection {
                    principal: view.row.asked.clone(),
                    workload: view.row.workload.clone(),
                    evidence: view.evidence(),
                    remedy: view.remedy(),
                    copyable: Copyable::with_danger(text, danger),
                    ..Selection::default()
                }
            }
            Some(Overlay::Matrix(view)) => Selection {
                principal: Some(view.asked.clone()),
                request: view.told.as_ref().map(|it| it.request.clone()),
                evidence: view.told.as_ref().and_then(|it| it.grant.clone()),
                copyable: Copyable::name(view.asked.arn()),
                ..Selection::default()
            },
            Some(Overlay::WhoCan(view)) => Selection {
                principal: view.principal(),
                request: Some(view.request.clone()),
                evidence: view.evidence(),
                copyable: view.line().and_then(|it| Copyable::name(it.arn.clone())),
                ..Selection::default()
            },
            // Of a batch, its id is what is wanted elsewhere: for resume and undo.
            Some(Overlay::Journal(view)) => {
                Selection { copyable: view.line().and_then(|it| Copyable::name(it.id.clone())), ..Selection::default() }
            }
            Some(Overlay::Batch(view)) => {
                Selection { copyable: Copyable::name(view.history.batch.id.clone()), ..Selection::default() }
            }
            // A document is about whatever it was opened from.
            Some(Overlay::Document(_)) => {
                Selection { copyable: self.below_documents().copyable, ..Selection::default() }
            }
            Some(Overlay::SignIn) => Selection {
                copyable: super::sign_in::device_code(self).and_then(|it| Copyable::name(it.best_address())),
                ..Selection::default()
            },
            Some(_) => Selection::default(),
        }
    }

    fn selection_in_list(&self) -> Selection {
        let Some(row) = self.selected_row() else { return Selection::default() };
        Selection {
            principal: row.asked.clone(),
            workload: row.workload.clone(),
            evidence: row.evidence.clone(),
            copyable: Copyable::with_danger(row.copied().to_owned(), row.danger.clone()),
            ..Selection::default()
        }
    }

    /// What the cursor is on in the place from which the documents on top were opened.
    fn below_documents(&self) -> Selection {
        let below = self.overlays.iter().rev().find(|it| it.is_place() && !matches!(it, Overlay::Document(_)));
        self.selection_in(below)
    }
}
