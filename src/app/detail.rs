//! What is said of one row or one principal, line by line, before it is laid out.
//!
//! A row's own lines and those of its principal's trace are [`AnswerLine`]s alike, so that the detail beside the list and
//! the full-screen trace say the same things in the same order.

use super::message::{Analysis, Slot};
use super::overlay::document::Document;
use super::pane::Pane;
use super::table::Row;
use super::words::count;
use crate::access::Mark;
use crate::access::Verdict;
use crate::access::answer_line::{AnswerLine, AnswerPart, LineLabel, LineLink, LineSign};
use crate::access::audit::Item;
use crate::access::findings::{Finding, Remedy};
use crate::access::permissions::Grant;
use crate::access::posture::Control;
use crate::access::service_role::RoleCheck;
use crate::access::trace::Trace;
use crate::access::who::Carrier;
use crate::model::principal::{Asked, Principal};
use crate::model::snapshot::{DocumentRef, Evidence};
use std::sync::Arc;

/// What stands beside the list: the row under the cursor.
#[derive(Clone, Debug, Default)]
pub struct Detail {
    /// Which row.
    pub key: Option<(Pane, String)>,
    /// Whose trace.
    pub asked: Option<Asked>,
    /// What the row itself says.
    pub about: Vec<AnswerLine>,
    /// The trace, once it is there.
    pub trace: Option<Arc<Trace>>,
    /// The row's document, where there is room for it.
    pub document: Option<Document>,
    /// For the trace.
    pub slot: Slot,
}

impl Detail {
    /// All its lines. Of what uses a role, only in a word whether that role gets in here: it rarely needs to.
    pub fn facts(&self) -> Vec<AnswerLine> {
        match &self.key {
            Some((pane, _)) if pane.is_of_workloads() => {
                let own = self.about.iter().filter(|fact| fact.part != AnswerPart::State).cloned();
                own.chain(self.trace.iter().map(|trace| in_a_word(trace))).collect()
            }
            _ => facts(&self.about, self.trace.as_deref()),
        }
    }
}

/// What mends a row, in the order in which its lines are among the facts.
pub fn remedies(pane: Pane, at: usize, analysis: &Analysis) -> Vec<Remedy> {
    let of_item = analysis.inventory.findings.get(at).filter(|_| pane == Pane::Findings);
    of_item.map(|it| it.remedy.clone()).unwrap_or_default()
}

fn in_a_word(trace: &Trace) -> AnswerLine {
    let because = &trace.resolution.because;
    let (mark, text) = match trace.resolution.verdict {
        Verdict::Yes => (Mark::InForce, format!("the role itself gets in: {because}")),
        Verdict::No => (Mark::Ignored, format!("the role itself does not get in: {because}")),
        Verdict::Unknown => (Mark::Unknown, format!("whether the role itself gets in is not known: {because}")),
    };
    AnswerLine::marked(AnswerPart::Here, mark, text)
}

/// What a row says by itself, below its state.
pub fn of_row_alone(mut about: Vec<AnswerLine>) -> Vec<AnswerLine> {
    about.retain(|fact| fact.part != AnswerPart::State);
    about
}

/// Over a detail: which row it is.
pub fn title(pane: Pane, row: &Row, home: Option<&str>) -> String {
    match pane {
        Pane::Irsa | Pane::PodIdentity => row.cells.iter().take(2).cloned().collect::<Vec<_>>().join("/"),
        Pane::Posture | Pane::Findings => row.cells.get(1).cloned().unwrap_or_default(),
        Pane::AwsAuth => row.cells.iter().take(2).cloned().collect::<Vec<_>>().join(" · "),
        _ if row.arn.is_empty() => row.key.clone(),
        _ => row.asked.as_ref().map_or_else(|| row.arn.clone(), |asked| asked.principal.short(home)),
    }
}

/// What a row says, then the chain of its principal. A finding is said once.
pub fn facts(about: &[AnswerLine], trace: Option<&Trace>) -> Vec<AnswerLine> {
    let is_finding = |fact: &AnswerLine| fact.finding.is_some();
    let of_trace = trace.map(of_trace).unwrap_or_default();
    // A row that the trace speaks of need not be spoken of before.
    let in_trace = |fact: &AnswerLine| of_trace.iter().any(|it| it.part == AnswerPart::Mapping && same_row(it, fact));
    let mut all: Vec<AnswerLine> = (about.iter().filter(|fact| !is_finding(fact)))
        .filter(|fact| !(fact.part == AnswerPart::State && in_trace(fact)))
        .cloned()
        .collect();
    let mut findings: Vec<AnswerLine> = about.iter().filter(|fact| is_finding(fact)).cloned().collect();
    for fact in of_trace {
        if !is_finding(&fact) {
            all.push(fact);
        } else if findings.iter().all(|it| (it.finding, &it.evidence) != (fact.finding, &fact.evidence)) {
            findings.push(fact);
        }
    }
    all.extend(findings);
    all
}

fn same_row(one: &AnswerLine, other: &AnswerLine) -> bool {
    one.evidence.is_some() && one.evidence == other.evidence
}

/// What the row itself says: its findings, and for a workload what it is.
pub fn of_row(pane: Pane, at: usize, row: &Row, analysis: &Analysis) -> Vec<AnswerLine> {
    let inventory = &analysis.inventory;
    let state = |text: &str| {
        let text = if text.is_empty() { super::words::state(row.mark) } else { text };
        AnswerLine::marked(AnswerPart::State, row.mark, text)
    };
    let plain = |part, label, text: String, note: String| AnswerLine {
        label,
        note,
        evidence: row.evidence.clone(),
        ..AnswerLine::new(part, text)
    };
    let pods = |pods: Option<usize>| pods.map_or_else(|| "pods not known".to_owned(), |n| count(n, "pod", "pods"));
    let (mut facts, findings): (Vec<AnswerLine>, &[Finding]) = match pane {
        Pane::Entries => {
            let Some(it) = inventory.entries.get(at) else { return Vec::new() };
            // The trace says all that an entry holds; only what is no principal's ARN has none.
            let own = if it.principal.is_some() { vec![] } else { vec![state(&row.because)] };
            (own, &it.findings)
        }
        Pane::AwsAuth => {
            let Some(it) = inventory.aws_auth.get(at) else { return Vec::new() };
            (
                vec![AnswerLine { note: it.place.clone(), evidence: row.evidence.clone(), ..state(&row.because) }],
                &it.findings,
            )
        }
        Pane::Irsa => {
            let Some(it) = inventory.irsa.get(at) else { return Vec::new() };
            let account = match it.service_account.is_empty() {
                true => format!("any of: {}", it.subjects.join(", ")),
                false => format!("{}/{}", it.namespace, it.service_account),
            };
            let own = vec![
                plain(AnswerPart::Workload, Some(LineLabel::Account), account, pods(it.pods)),
                plain(AnswerPart::Workload, Some(LineLabel::Role), it.role_arn.clone(), String::new()),
                state(&row.because),
            ];
            (own, &it.findings)
        }
        Pane::PodIdentity => {
            let Some(it) = inventory.pod_identity.get(at) else { return Vec::new() };
            let account = format!("{}/{}", it.namespace, it.service_account);
            let mut own = vec![plain(AnswerPart::Workload, Some(LineLabel::Account), account, pods(it.pods))];
            let role = it.role_arn.clone().unwrap_or_else(|| "not known".to_owned());
            own.push(plain(AnswerPart::Workload, Some(LineLabel::Role), role, String::new()));
            if let Some(target) = &it.target_role_arn {
                own.push(plain(
                    AnswerPart::Workload,
                    Some(LineLabel::Then),
                    target.clone(),
                    "the role that the first one assumes".to_owned(),
                ));
            }
            if let Some(owner) = &it.owner {
                own.push(plain(AnswerPart::Workload, Some(LineLabel::Owner), owner.clone(), String::new()));
            }
            own.push(state(&row.because));
            (own, &it.findings)
        }
        Pane::Roles => {
            let Some(it) = inventory.roles.get(at) else { return Vec::new() };
            let mut own =
                vec![plain(AnswerPart::UsedBy, None, it.used_by.to_string(), it.status.clone()), state(&row.because)];
            own.extend(it.shared_with.iter().map(|other| AnswerLine {
                evidence: None,
                ..plain(AnswerPart::AlsoUsedBy, None, other.to_string(), String::new())
            }));
            own.extend(it.check.iter().flat_map(|check| of_check(check, it.principal.as_ref())));
            (own, &it.findings)
        }
        Pane::Groups => {
            let Some(it) = inventory.subjects.get(at) else { return Vec::new() };
            let binding = |grant: &Grant| {
                let text = match grant {
                    Grant::Binding { role, .. } => format!("{} → {role}", grant.object()),
                    other => other.to_string(),
                };
                AnswerLine { evidence: grant.evidence(), ..plain(AnswerPart::Bindings, None, text, String::new()) }
            };
            let carrier = |it: &Carrier| {
                let whose = if it.username.is_empty() { String::new() } else { format!("as {}", it.username) };
                AnswerLine { evidence: None, ..plain(AnswerPart::Members, None, it.principal.arn(), whose) }
            };
            let none =
                |part, text: &str| AnswerLine { evidence: None, ..plain(part, None, text.to_owned(), String::new()) };
            let mut own: Vec<AnswerLine> = it.bindings.iter().map(binding).collect();
            if own.is_empty() {
                own.push(none(AnswerPart::Bindings, "none"));
            }
            own.extend(it.carriers.iter().map(carrier));
            if it.carriers.is_empty() {
                own.push(none(AnswerPart::Members, "no principal known here"));
            }
            (own, &[])
        }
        Pane::Findings => {
            let Some(it) = inventory.findings.get(at) else { return Vec::new() };
            (of_item(it), &[])
        }
        Pane::Posture => {
            let Some(it) = inventory.posture.get(at) else { return Vec::new() };
            (of_control(it), &[])
        }
        Pane::Principals => {
            let Some(it) = inventory.principals.get(at) else { return Vec::new() };
            let seen = it.seen_in.iter().map(|seen| seen.as_str()).collect::<Vec<_>>().join(", ");
            let own = AnswerLine { evidence: None, ..plain(AnswerPart::SeenIn, None, seen, String::new()) };
            (vec![own], &it.findings)
        }
    };
    if !row.lookalike.is_empty() {
        facts.insert(0, AnswerLine::marked(AnswerPart::Notes, Mark::Unknown, row.lookalike.as_str()));
    }
    facts.extend(findings.iter().map(AnswerLine::of_finding));
    facts
}

/// A line without a sign, read from there.
fn beside(part: AnswerPart, text: String, from: Option<&Evidence>) -> AnswerLine {
    AnswerLine { evidence: from.cloned(), ..AnswerLine::new(part, text) }
}

/// What a finding says beside its sentence: what it is about, what its rule is, where it was read, and what mends it.
fn of_item(it: &Item) -> Vec<AnswerLine> {
    let fact = |part, text: String| beside(part, text, it.evidence.first());
    let mut facts =
        vec![fact(AnswerPart::Subject, it.subject.to_string()), fact(AnswerPart::FindingId, it.id.to_string())];
    facts.extend([fact(AnswerPart::Severity, it.severity.as_str().to_owned())]);
    let rule = it.id.rule();
    facts.extend([fact(AnswerPart::Rule, rule.title.to_owned()), fact(AnswerPart::Follows, rule.why.to_owned())]);
    facts.push(fact(AnswerPart::See, format!("{} ({})", rule.page.title, rule.page.url)));
    facts.extend(
        it.evidence
            .iter()
            .map(|at| AnswerLine { evidence: Some(at.clone()), ..fact(AnswerPart::ReadFrom, at.to_string()) }),
    );
    for (at, remedy) in it.remedy.iter().enumerate() {
        let lines = std::iter::once(remedy.title.as_str()).chain(remedy.text.lines());
        let line =
            |text: &str| AnswerLine { link: Some(LineLink::Remedy(at)), ..fact(AnswerPart::Remedy, text.to_owned()) };
        facts.extend(lines.map(line));
    }
    facts
}

/// What a control says beside its state: how to change it, and where it was read.
fn of_control(it: &Control) -> Vec<AnswerLine> {
    let fact = |part, text: String| beside(part, text, it.evidence.first());
    let of = if it.subject.is_empty() { it.id.title().to_owned() } else { format!("{} {}", it.id.title(), it.subject) };
    let mut facts = vec![AnswerLine { note: it.id.to_string(), ..fact(AnswerPart::Control, of) }];
    if let Some(change) = &it.change {
        facts.extend(change.look.iter().map(|look| fact(AnswerPart::DryRun, look.clone())));
        facts.push(fact(AnswerPart::Command, change.command.clone()));
        facts.push(fact(AnswerPart::ChangeDanger, change.danger.clone()));
    }
    facts.extend(
        it.evidence
            .iter()
            .map(|at| AnswerLine { evidence: Some(at.clone()), ..fact(AnswerPart::ReadFrom, at.to_string()) }),
    );
    facts
}

/// Who may assume a role, and which policies it has, against what its part needs.
fn of_check(check: &RoleCheck, principal: Option<&Principal>) -> Vec<AnswerLine> {
    let fact = |part, sign, text: String, note: String, path: &str| AnswerLine {
        note,
        evidence: principal.map(|it| Evidence::new(DocumentRef::IamRole(it.name.clone()), path)),
        sign,
        ..AnswerLine::new(part, text)
    };
    let trust = check.trust.iter().map(|it| {
        let (mark, text) = match it.verdict {
            Verdict::Yes => (Mark::InForce, format!("{} can assume it", it.who)),
            Verdict::No => (Mark::Dead, format!("{} cannot assume it", it.who)),
            Verdict::Unknown => (Mark::Unknown, format!("whether {} can assume it is not known", it.who)),
        };
        fact(AnswerPart::Trust, LineSign::Mark(mark), text, it.because.clone(), "AssumeRolePolicyDocument")
    });
    let policy =
        |sign, text: String, note: String| fact(AnswerPart::Policies, sign, text, note, "AttachedManagedPolicies");
    let policies = &check.policies;
    let present = policies.present.iter().map(|it| {
        let by = if it.by == it.required { String::new() } else { format!("by {}", it.by) };
        policy(LineSign::Mark(Mark::InForce), it.required.clone(), by)
    });
    let missing = policies.missing.iter().map(|it| {
        let lacks = it.lacks.join(", ");
        let (mark, note) = match (&it.taken, it.perhaps_by.as_slice()) {
            (Some(taken), _) => (Mark::Dead, format!("taken away: {lacks}: {taken}")),
            (None, []) => (Mark::Dead, format!("missing: {lacks}")),
            (None, by) => (Mark::Unknown, format!("not attached; perhaps by {}", by.join(", "))),
        };
        policy(LineSign::Mark(mark), it.required.clone(), note)
    });
    let open =
        policies.open.iter().map(|it| policy(LineSign::Mark(Mark::Unknown), it.required.clone(), it.because.clone()));
    let wider =
        policies.wider.iter().map(|it| policy(LineSign::Finding(it.severity), it.policy.clone(), it.gives.clone()));
    let unknown = Some(&policies.unknown).filter(|it| !it.is_empty());
    let unknown = unknown.map(|it| policy(LineSign::Mark(Mark::Unknown), it.clone(), String::new()));
    let unverified = Some(&policies.unverified).filter(|it| !it.is_empty());
    let unverified = unverified.map(|it| policy(LineSign::Mark(Mark::Unverified), it.clone(), String::new()));
    trust.chain(present).chain(missing).chain(open).chain(wider).chain(unknown).chain(unverified).collect()
}

/// A trace's lines. What the answer has said already need not be said once more beside them.
fn of_trace(trace: &Trace) -> Vec<AnswerLine> {
    let line = |line: &AnswerLine| AnswerLine {
        note: if line.is_note_said { String::new() } else { line.note.clone() },
        ..line.clone()
    };
    trace.lines.iter().map(line).collect()
}
