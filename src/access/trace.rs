//! The whole chain of one principal, each step with its evidence.
//!
//! Decides in which order and in which words a resolution is told: session and principal, mapping and the others,
//! username and groups, grants with their rules, what they come to, then what is missing, what is unverified, what is
//! wrong; what is dangerous stands before all of it. The lines are data; the view gives them their looks.

mod grants;

use super::Mark;
use super::answer_line::{AnswerLine, AnswerPart, LineLabel, LineSign};
use super::findings::{Finding, FindingId, Severity, of_entry, of_line};
use super::identity::{MappingSource, Resolution, Resolver, row_evidence};
use super::managed_by::managing_tool;
use super::permissions::{Permissions, Who};
use crate::access::Verdict;
use crate::model::aws_auth::AwsAuthRow;
use crate::model::mapping::AccessEntry;
use crate::model::principal::{Asked, Principal, PrincipalKind};
use crate::model::snapshot::{DocumentRef, Evidence, Gap, Lookup};
use crate::model::time::Time;

/// The whole chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Short: `deployer / jane@corp.com`.
    pub title: String,
    /// The answer in one sentence: `gets in as … with groups …`, `does not get in: …`, `not known: …`.
    pub answer: String,
    /// The answer as data.
    pub resolution: Resolution,
    /// The chain.
    pub lines: Vec<AnswerLine>,
    /// What is wrong with the mapping in force and its like; also among the lines.
    pub findings: Vec<Finding>,
}

/// Traces a principal.
pub fn trace(resolver: &Resolver<'_>, permissions: &Permissions, asked: &Asked) -> Trace {
    let resolution = resolver.resolve(asked);
    let findings = findings(resolver, &resolution);
    let who = Who::of(&resolution);
    let held = permissions.grants(&who);
    let mut teller = Teller { resolver, resolution: &resolution, lines: Vec::new() };
    teller.dangers(&permissions.dangers_of(&held));
    teller.principal();
    teller.mapping();
    teller.identity();
    teller.grants();
    teller.held(&held, permissions);
    teller.comes_to(&held);
    let gets_in = resolution.verdict == Verdict::Yes;
    teller.open_questions(if gets_in { permissions.open_questions(&who) } else { Vec::new() });
    teller.findings(&findings);
    let lines = teller.lines;
    let principal = &resolution.asked.principal;
    let name = if principal.kind == PrincipalKind::Root { "root" } else { principal.name.as_str() };
    let title = match &resolution.asked.session {
        Some(session) => format!("{name} / {session}"),
        None => name.to_owned(),
    };
    Trace { title, answer: answer(&resolution), resolution, lines, findings }
}

/// The answer in one sentence.
pub fn answer(resolution: &Resolution) -> String {
    match (resolution.verdict, &resolution.identity) {
        (Verdict::Yes, Some(identity)) => {
            let username =
                if identity.username.is_empty() { "(an empty username)" } else { identity.username.as_str() };
            // Most who have a node's role are not nodes, and do not get in.
            let instances = identity.username.contains("{{EC2PrivateDNSName}}") && resolution.asked.session.is_none();
            let who = if instances { "only its EC2 instances get in, as" } else { "gets in as" };
            let groups = if identity.groups.is_empty() {
                "no groups of its own".to_owned()
            } else {
                format!("groups {}", identity.groups.join(", "))
            };
            format!("{who} {username} with {groups}: {}", resolution.because)
        }
        (Verdict::Yes, None) => format!("gets in, as whom is not known: {}", resolution.because),
        (Verdict::Unknown | Verdict::No, _) => format!("{}: {}", resolution.words(), resolution.because),
    }
}

struct Teller<'a> {
    resolver: &'a Resolver<'a>,
    resolution: &'a Resolution,
    lines: Vec<AnswerLine>,
}

impl Teller<'_> {
    fn say(
        &mut self,
        part: AnswerPart,
        label: Option<LineLabel>,
        mark: Option<Mark>,
        text: impl Into<String>,
        note: impl Into<String>,
        evidence: Option<Evidence>,
    ) {
        let sign = match (part, mark) {
            (AnswerPart::Danger, _) => LineSign::Finding(Severity::High),
            (_, Some(mark)) => LineSign::Mark(mark),
            (_, None) => LineSign::Blank,
        };
        self.lines.push(AnswerLine { label, sign, note: note.into(), evidence, ..AnswerLine::new(part, text) });
    }

    /// The answer above the lines has said the note of the last one.
    fn note_is_said(&mut self) {
        if let Some(line) = self.lines.last_mut() {
            line.is_note_said = true;
        }
    }

    fn principal(&mut self) {
        let asked = &self.resolution.asked;
        let principal = &asked.principal;
        if asked.session.is_some() {
            self.say(AnswerPart::Principal, Some(LineLabel::Session), None, asked.arn(), "", None);
        }
        let label = match principal.kind {
            PrincipalKind::Role => LineLabel::Role,
            PrincipalKind::User => LineLabel::User,
            PrincipalKind::Root => LineLabel::Root,
            PrincipalKind::FederatedUser => LineLabel::Federated,
        };
        let document = match principal.kind {
            PrincipalKind::Role => Some(DocumentRef::IamRole(principal.name.clone())),
            PrincipalKind::User => Some(DocumentRef::IamUser(principal.name.clone())),
            _ => None,
        };
        let set = principal.permission_set().map(|set| format!("permission set {set}"));
        let (mark, note, evidence) = match self.resolver.existing(principal) {
            // A session's ARN has no path, so that only one which was given with its path can be another's.
            Lookup::Found((arn, _)) if asked.path_known && !arn.is_empty() && arn != principal.arn() => {
                (Some(Mark::Dead), format!("does not exist; the one of that name is {arn}"), None)
            }
            Lookup::Found((_, made)) => {
                let made = made.map(|made| format!("made {}", made.date()));
                (None, [made, set].into_iter().flatten().collect::<Vec<_>>().join(" · "), document)
            }
            Lookup::Absent => (Some(Mark::Dead), "does not exist".to_owned(), None),
            Lookup::Unknown(Gap::Foreign(account)) => {
                (None, format!("of account {account}, which cannot be read from here"), None)
            }
            Lookup::Unknown(Gap::Loading) => (Some(Mark::Loading), "IAM is still being read".to_owned(), None),
            Lookup::Unknown(gap) => (Some(Mark::Unknown), format!("not read from IAM: {gap}"), None),
        };
        let evidence = evidence.map(|document| Evidence::new(document, ""));
        self.say(AnswerPart::Principal, Some(label), mark, principal.arn(), note, evidence);
    }

    fn mapping(&mut self) {
        let resolution = self.resolution;
        match (&resolution.mapping, resolution.verdict) {
            (Some(mapping), _) => {
                let kind = mapping.kind.as_ref().map(|kind| format!(" {kind}")).unwrap_or_default();
                let text = format!("{}{kind}", mapping.source);
                let note = self.made(&mapping.source);
                self.say(AnswerPart::Mapping, None, Some(Mark::InForce), text, note, Some(mapping.evidence.clone()));
            }
            (None, Verdict::Unknown) => {
                let mark = if resolution.loading { Mark::Loading } else { Mark::Unknown };
                self.say(AnswerPart::Mapping, None, Some(mark), "not known", resolution.because.clone(), None);
                self.note_is_said();
            }
            (None, _) if resolution.others.is_empty() => {
                self.say(AnswerPart::Mapping, None, Some(Mark::Dead), "nobody", resolution.because.clone(), None);
                self.note_is_said();
            }
            // The nearest miss, which the answer names already, says it all.
            (None, _) => {}
        }
        let nearest = resolution.others.first().filter(|_| resolution.names_nearest);
        for other in &resolution.others {
            let text = match self.would_give(&other.source) {
                gives if gives.is_empty() => other.source.to_string(),
                gives => format!("{} → {gives}", other.source),
            };
            let note = format!("{}: {}", other.state, other.because);
            self.say(AnswerPart::Mapping, None, Some(other.state.mark()), text, note, Some(other.evidence.clone()));
            if nearest.is_some_and(|it| (it.state, &it.because) == (other.state, &other.because)) {
                self.note_is_said();
            }
        }
    }

    fn entry(&self, source: &MappingSource) -> Option<&AccessEntry> {
        let MappingSource::AccessEntry { principal_arn } = source else { return None };
        let facts = self.resolver.facts().0;
        let swept = facts.access_entries.items().iter().find(|entry| entry.principal_arn == *principal_arn);
        let asked = || {
            let singles = facts.asked_entries.values().filter_map(|it| it.as_ref().ok()?.as_deref());
            singles.into_iter().find(|entry| entry.principal_arn == *principal_arn)
        };
        swept.or_else(asked)
    }

    fn row(&self, source: &MappingSource) -> Option<&AwsAuthRow> {
        find_row(self.resolver, source)
    }

    /// What a mapping that does not decide would give: groups, and for an entry its policies.
    fn would_give(&self, source: &MappingSource) -> String {
        if let Some(row) = self.row(source) {
            return row.groups.join(", ");
        }
        let Some(entry) = self.entry(source) else { return String::new() };
        let policies = entry.associated_access_policies.iter().flatten();
        let policies = policies.map(|it| format!("{} @ {}", it.short_name(), it.access_scope));
        entry.kubernetes_groups.iter().cloned().chain(policies).collect::<Vec<_>>().join(", ")
    }

    fn made(&self, source: &MappingSource) -> String {
        let Some(entry) = self.entry(source) else { return String::new() };
        let date = |what: &str, time: Option<Time>| time.map(|time| format!("{what} {}", time.date()));
        let modified = entry.modified_at.filter(|it| Some(*it) != entry.created_at);
        let tool = managing_tool(&entry.tags).map(|tool| format!("managed by {tool}, as its tags tell"));
        [date("made", entry.created_at), date("modified", modified), tool]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" · ")
    }

    fn identity(&mut self) {
        let (Some(identity), Some(mapping)) = (&self.resolution.identity, &self.resolution.mapping) else { return };
        let field = |name: &str| {
            let path = if mapping.evidence.path.is_empty() {
                name.to_owned()
            } else {
                format!("{}.{name}", mapping.evidence.path)
            };
            Some(Evidence::new(mapping.evidence.document.clone(), path))
        };
        let of_entry = matches!(mapping.source, MappingSource::AccessEntry { .. });
        let username = if identity.username.is_empty() { "(empty)" } else { identity.username.as_str() };
        let each = identity.username.contains("{{") && self.resolution.asked.session.is_none();
        let note = if each { "one for each session" } else { "" };
        self.say(AnswerPart::Identity, Some(LineLabel::User), None, username, note, field("username"));
        let groups: Vec<String> = identity.groups.iter().chain(&identity.implicit_groups).cloned().collect();
        let groups_field = field(if of_entry { "kubernetesGroups" } else { "groups" });
        self.say(AnswerPart::Identity, Some(LineLabel::Groups), None, groups.join(" · "), "", groups_field);
    }

    /// Whether the entry has policies at all; each one stands among the grants.
    fn grants(&mut self) {
        let Some(mapping) = &self.resolution.mapping else { return };
        if !matches!(mapping.source, MappingSource::AccessEntry { .. }) {
            return;
        }
        match &self.resolution.access_policies {
            None => self.say(
                AnswerPart::Grants,
                Some(LineLabel::Policy),
                Some(Mark::Unknown),
                "access policies not known",
                "",
                None,
            ),
            Some(policies) if policies.is_empty() => {
                self.say(
                    AnswerPart::Grants,
                    Some(LineLabel::Policy),
                    None,
                    "no access policies",
                    "",
                    Some(mapping.evidence.clone()),
                );
            }
            Some(_) => {}
        }
    }

    fn open_questions(&mut self, of_grants: Vec<String>) {
        let mut unknown = self.resolution.unknown.clone();
        unknown.extend(of_grants.into_iter().filter(|it| !self.resolution.unknown.contains(it)));
        for text in unknown {
            self.say(AnswerPart::Unknown, None, Some(Mark::Unknown), text, "", None);
        }
        for text in self.resolution.unverified.clone() {
            self.say(AnswerPart::Unverified, None, Some(Mark::Unverified), text, "", None);
        }
    }

    fn findings(&mut self, findings: &[Finding]) {
        for finding in findings {
            // A finding of an aws-auth row speaks of "it"; in a trace, say which row that is.
            let text = match &finding.evidence.document {
                DocumentRef::AwsAuth => {
                    let row = finding.evidence.path.trim_start_matches("data.").split('.').next().unwrap_or_default();
                    format!("{row}: {}", finding.sentence)
                }
                _ => finding.sentence.clone(),
            };
            self.lines.push(AnswerLine { text, ..AnswerLine::of_finding(finding) });
        }
    }
}

fn find_row<'a>(resolver: &Resolver<'a>, source: &MappingSource) -> Option<&'a AwsAuthRow> {
    let MappingSource::AwsAuth { key, index: Some(index) } = source else { return None };
    let (_, auth) = resolver.facts().0.aws_auth.value()?.as_ref()?;
    auth.row(*key, *index)
}

/// The findings of every mapping that concerns the principal, in total order and once each.
fn findings(resolver: &Resolver<'_>, resolution: &Resolution) -> Vec<Finding> {
    let others = resolution.others.iter().map(|other| (&other.source, other.state.mark(), other.because.as_str()));
    let in_force = resolution.mapping.iter().map(|mapping| (&mapping.source, Mark::InForce, ""));
    let mut out = Vec::new();
    for (source, mark, because) in in_force.chain(others) {
        match source {
            MappingSource::AccessEntry { principal_arn } => {
                let teller = Teller { resolver, resolution, lines: Vec::new() };
                if let Some(entry) = teller.entry(source)
                    && let Ok((principal, _)) = Principal::from_arn(principal_arn)
                {
                    let at = Evidence::new(DocumentRef::AccessEntry(principal_arn.clone()), "");
                    out.extend(of_entry(resolver, (entry, &principal), mark, because, resolution, &at));
                }
            }
            MappingSource::AwsAuth { .. } => {
                if let Some(row) = find_row(resolver, source) {
                    out.extend(of_line(resolver, row, mark, because, &row_evidence(row)));
                }
            }
        }
    }
    // That a row is overridden or dead stands among the mappings already.
    let told = [FindingId::AwsAuthShadowed, FindingId::AwsAuthDead, FindingId::AwsAuthIgnored];
    out.retain(|finding| !told.contains(&finding.id));
    out.sort();
    out.dedup();
    out
}
