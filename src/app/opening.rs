//! What a row, a line or a name opens on the whole body: a trace, an answer, a row with all it says, a document.
//!
//! Decides what is asked for when it opens, and which document the line under the cursor was read from. What lies on the
//! stack already is [`super::perform`]'s.

use super::App;
use super::condition::parts;
use super::detail::remedies;
use super::effect::Effect;
use super::overlay::Overlay;
use super::overlay::document::DocumentView;
use super::overlay::explain::ExplainView;
use super::overlay::row::RowView;
use super::overlay::trace::TraceView;
use super::overlay::workload::WorkloadView;
use super::pane::Pane;
use super::perform::push;
use crate::access::explain::message::Reading;
use crate::access::workload::Subject;
use crate::model::principal::Asked;
use crate::model::snapshot::{DocumentRef, Evidence};

/// Opens the row under the cursor with all that it says.
pub(super) fn open_row(app: &mut App) {
    let Some(row) = app.selected_row().cloned() else { return };
    let about = app.detail.about.clone();
    let remedies = match (&app.analysis, app.state().selected()) {
        (Some(analysis), Some(at)) => remedies(app.pane, at, analysis),
        _ => Vec::new(),
    };
    let view = RowView::new(app.pane, row, about, remedies, app.home());
    push(app, Overlay::Row(Box::new(view)));
}

/// Opens the trace of a principal, asking for its own facts first where not all is known yet.
pub(super) fn open_trace(
    app: &mut App,
    asked: Asked,
    about: Vec<crate::access::answer_line::AnswerLine>,
    effects: &mut Vec<Effect>,
) {
    let Some(cluster) = app.cluster.clone() else {
        app.warn("Choose a cluster first: C lists them.");
        return;
    };
    let workload = !about.is_empty() && app.pane.is_of_workloads();
    let mut view = TraceView::new(asked.clone(), about, workload);
    let ticket = view.slot.restart(&mut app.tickets);
    if app.is_live() && !is_whole(app) {
        effects.push(Effect::Ask { cluster: cluster.clone(), asked: Box::new(asked.clone()) });
    }
    effects.push(Effect::Trace { ticket, cluster, asked: Box::new(asked) });
    push(app, Overlay::Trace(Box::new(view)));
}

/// Opens the explanation of a message, asking first for the facts of whom it names where not all is known yet.
pub(super) fn open_explain(app: &mut App, message: Reading, effects: &mut Vec<Effect>) {
    let Some(cluster) = app.cluster.clone() else {
        app.warn("Choose a cluster first: C lists them.");
        return;
    };
    if let Some(asked) = message.message.asked().filter(|_| app.is_live() && !is_whole(app)) {
        effects.push(Effect::Ask { cluster: cluster.clone(), asked: Box::new(asked) });
    }
    let mut view = ExplainView::new(message.clone());
    let ticket = view.slot.restart(&mut app.tickets);
    effects.push(Effect::Explain { ticket, cluster, message: Box::new(message) });
    push(app, Overlay::Explain(Box::new(view)));
}

/// Is all known that says who gets in?
fn is_whole(app: &App) -> bool {
    let facts = app.facts();
    parts(Pane::Entries, &facts)
        .into_iter()
        .chain(parts(Pane::AwsAuth, &facts))
        .all(|part| matches!(part.state, crate::model::snapshot::State::Known { .. }))
        && !app.snapshot.iam.roles.is_loading()
}

/// Opens which AWS role a workload gets.
pub(super) fn open_workload(app: &mut App, subject: Subject, effects: &mut Vec<Effect>) {
    let Some(cluster) = app.cluster.clone() else {
        app.warn("Choose a cluster first: C lists them.");
        return;
    };
    let mut view = WorkloadView::new(subject.clone());
    let ticket = view.slot.restart(&mut app.tickets);
    effects.push(Effect::Workload { ticket, cluster, subject });
    push(app, Overlay::Workload(Box::new(view)));
}

/// Opens the role at hand with all its policies.
/// Policies that no sweep brings are asked for, and stand there when they have come.
pub(super) fn open_policies(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(name) = app.selection().role().map(|it| it.name.clone()) else { return };
    let evidence = Evidence::new(DocumentRef::RolePolicies(name.clone()), "AssumeRolePolicyDocument");
    let document = app.document_at(&evidence);
    let mut view = DocumentView::new(document, usize::from(super::layout::layout(app).place.height));
    view.grows = Some(evidence);
    push(app, Overlay::Document(Box::new(view)));
    let iam = &app.snapshot.iam;
    let account = iam.account.clone().unwrap_or_default();
    let Some(role) = iam.role(&account, &name).found().filter(|_| app.is_live()) else { return };
    let boundary = role.permissions_boundary.as_ref().and_then(|it| it.permissions_boundary_arn.as_ref());
    let all = role.attached_managed_policies.iter().map(|it| &it.policy_arn).chain(boundary);
    let arns: Vec<String> = all.filter(|arn| iam.policy_document(arn).is_none()).cloned().collect();
    let list = !iam.knows_policies_of(role);
    if list || !arns.is_empty() {
        effects.push(Effect::Policies { role: name, list, arns });
    }
}

/// Opens what mends what has the cursor, or else the document that it was read from.
pub(super) fn open_document(app: &mut App) {
    let selection = app.selection();
    if let Some(document) = selection.remedy {
        let view = DocumentView::new(document, usize::from(super::layout::layout(app).place.height));
        push(app, Overlay::Document(Box::new(view)));
        return;
    }
    let Some(evidence) = selection.evidence else {
        app.warn("This line was read from no document.");
        return;
    };
    open_document_at(app, &evidence);
}

/// Opens a document with the field lit.
pub(super) fn open_document_at(app: &mut App, evidence: &Evidence) {
    let document = app.document_at(evidence);
    let view = DocumentView::new(document, usize::from(super::layout::layout(app).place.height));
    push(app, Overlay::Document(Box::new(view)));
}
