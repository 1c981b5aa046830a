//! The columns of every pane, and what a row of each kind is made of.
//!
//! A column is one line here: title, filter word, width, and the text of its cells. A new column needs nothing else.

use super::table::{Column, Cut, Head, Order, Row, Width};
use crate::access::Mark;
use crate::access::Verdict;
use crate::access::audit::{Item, Subject as About};
use crate::access::findings::{Finding, Severity};
use crate::access::identity::{Mapping, MappingSource, Resolution};
use crate::access::inventory::{AwsAuthLine, EntryRow, IrsaRow, PodIdentityRow, PrincipalRow, RoleRow};
use crate::access::permissions::{Grant, RoleName};
use crate::access::posture::{Control, Standing};
use crate::access::service_role::RoleCheck;
use crate::access::who::SubjectRow;
use crate::access::workload::Subject;
use crate::model::mapping::{AssociatedPolicy, ScopeKind};
use crate::model::principal::{Asked, Principal};
use crate::model::snapshot::{DocumentRef, Evidence};

/// Title, filter word, widths (least, good, greatest), weight, and when it goes.
const fn head(title: &'static str, word: &'static str, widths: (u16, u16, u16), weight: u16, drop: u8) -> Head {
    let (min, good, max) = widths;
    Head { title, word, width: Width { min, good, max, weight }, cut: Cut::End, order: Order::Text, drop }
}

const fn path(head: Head) -> Head {
    Head { cut: Cut::Path, ..head }
}

const fn number(head: Head) -> Head {
    Head { order: Order::Number, ..head }
}

/// Access entries.
pub(super) const ENTRIES: &[Column<EntryRow>] = &[
    Column {
        head: path(head("PRINCIPAL", "principal", (24, 36, 62), 4, 0)),
        cell: |it, home| short(it.principal.as_ref(), &it.principal_arn, home),
    },
    Column { head: head("TYPE", "type", (10, 13, 14), 0, 1), cell: |it, _| or_dash(&it.kind) },
    Column { head: head("GROUPS", "groups", (12, 16, 30), 3, 0), cell: |it, _| names(&it.groups) },
    Column { head: head("POLICIES", "policies", (12, 18, 40), 3, 0), cell: |it, _| policies(it.policies.as_deref()) },
    Column {
        head: head("MODIFIED", "modified", (10, 10, 10), 0, 2),
        cell: |it, _| it.modified_at.map_or_else(|| "-".to_owned(), |at| at.date()),
    },
    Column { head: head("USERNAME", "username", (24, 30, 60), 3, 3), cell: |it, _| or_dash(&it.username) },
];

/// Lines of aws-auth.
pub(super) const AWS_AUTH: &[Column<AwsAuthLine>] = &[
    Column { head: head("ROW", "row", (12, 13, 15), 0, 0), cell: |it, _| it.place.clone() },
    Column {
        head: path(head("PRINCIPAL", "principal", (18, 34, 60), 6, 0)),
        cell: |it, home| or_dash(&short(it.principal.as_ref(), &it.arn, home)),
    },
    Column { head: head("GROUPS", "groups", (12, 18, 36), 3, 0), cell: |it, _| names(&it.groups) },
    Column { head: head("USERNAME", "username", (14, 20, 50), 3, 1), cell: |it, _| or_dash(&it.username) },
];

/// Service accounts with IRSA.
pub(super) const IRSA: &[Column<IrsaRow>] = &[
    Column { head: head("NAMESPACE", "namespace", (10, 14, 22), 2, 0), cell: |it, _| or_dash(&it.namespace) },
    Column { head: head("SERVICE ACCOUNT", "sa", (15, 22, 34), 3, 0), cell: |it, _| account(it) },
    Column { head: path(head("ROLE", "role", (15, 26, 60), 5, 0)), cell: |it, home| short_arn(&it.role_arn, home) },
    Column { head: number(head("PODS", "pods", (4, 4, 5), 0, 0)), cell: |it, _| number_of(it.pods) },
];

/// Pod Identity associations.
pub(super) const POD_IDENTITY: &[Column<PodIdentityRow>] = &[
    Column { head: head("NAMESPACE", "namespace", (10, 14, 22), 2, 0), cell: |it, _| it.namespace.clone() },
    Column { head: head("SERVICE ACCOUNT", "sa", (15, 22, 34), 3, 0), cell: |it, _| it.service_account.clone() },
    Column {
        head: path(head("ROLE", "role", (15, 26, 60), 5, 0)),
        cell: |it, home| it.role_arn.as_deref().map_or_else(|| "?".to_owned(), |arn| short_arn(arn, home)),
    },
    Column { head: number(head("PODS", "pods", (4, 4, 5), 0, 0)), cell: |it, _| number_of(it.pods) },
    Column {
        head: path(head("THEN", "then", (12, 18, 40), 2, 2)),
        cell: |it, home| it.target_role_arn.as_deref().map_or_else(|| "-".to_owned(), |arn| short_arn(arn, home)),
    },
    Column {
        head: head("OWNER", "owner", (8, 18, 24), 1, 1),
        cell: |it, _| or_dash(owner(it.owner.as_deref().unwrap_or(""))),
    },
];

/// Roles of the cluster and its parts.
pub(super) const ROLES: &[Column<RoleRow>] = &[
    Column { head: head("USED BY", "by", (15, 15, 15), 0, 0), cell: |it, _| it.used_by.kind().to_owned() },
    Column { head: head("NAME", "name", (12, 18, 32), 3, 0), cell: |it, _| or_dash(it.used_by.name()) },
    Column {
        head: path(head("ROLE", "role", (16, 26, 60), 5, 0)),
        cell: |it, home| or_dash(&short(it.principal.as_ref(), &it.role_arn, home)),
    },
    Column { head: head("TRUST", "trust", (5, 5, 5), 0, 0), cell: |it, _| trust(it.check.as_ref()).to_owned() },
    Column { head: head("POLICIES", "policies", (8, 8, 9), 0, 0), cell: |it, _| of_needed(it.check.as_ref()) },
    Column { head: head("STATUS", "status", (6, 9, 14), 1, 1), cell: |it, _| or_dash(&it.status) },
    Column {
        head: number(head("SHARED", "shared", (6, 6, 6), 0, 2)),
        cell: |it, _| if it.shared_with.is_empty() { "-".to_owned() } else { (it.shared_with.len() + 1).to_string() },
    },
];

/// The controls around access.
pub(super) const POSTURE: &[Column<Control>] = &[
    Column { head: head("SEVERITY", "severity", (8, 8, 8), 0, 0), cell: |it, _| it.standing.to_string() },
    Column {
        head: head("CONTROL", "control", (22, 26, 36), 1, 0),
        cell: |it, _| {
            if it.subject.is_empty() { it.id.title().to_owned() } else { format!("{} {}", it.id.title(), it.subject) }
        },
    },
    Column { head: head("WHY", "why", (24, 60, 200), 6, 0), cell: |it, _| it.because.clone() },
];

/// Everything that is wrong.
pub(super) const FINDINGS: &[Column<Item>] = &[
    Column { head: head("SEVERITY", "severity", (8, 8, 8), 0, 0), cell: |it, _| it.severity.to_string() },
    Column { head: head("FINDING", "id", (20, 26, 34), 1, 0), cell: |it, _| it.id.to_string() },
    Column { head: path(head("SUBJECT", "subject", (20, 34, 60), 3, 0)), cell: |it, _| it.subject.to_string() },
    Column { head: head("WHY", "why", (24, 60, 200), 6, 1), cell: |it, _| it.because.clone() },
];

/// Every principal.
pub(super) const PRINCIPALS: &[Column<PrincipalRow>] = &[
    Column {
        head: path(head("PRINCIPAL", "principal", (24, 34, 62), 4, 0)),
        cell: |it, home| named(&it.principal, home),
    },
    Column {
        head: head("GETS IN BY", "by", (12, 13, 22), 1, 0),
        cell: |it, _| mapping(it.resolution.mapping.as_ref()),
    },
    Column {
        head: head("GROUPS", "groups", (10, 14, 30), 2, 1),
        cell: |it, _| it.resolution.identity.as_ref().map_or_else(|| "-".to_owned(), |who| names(&who.groups)),
    },
    Column { head: head("POLICIES", "policies", (12, 16, 36), 2, 2), cell: |it, _| policies_of(&it.resolution) },
    Column {
        head: head("SEEN IN", "in", (10, 16, 30), 1, 3),
        cell: |it, _| it.seen_in.iter().map(|seen| seen.as_str()).collect::<Vec<_>>().join(", "),
    },
];

/// Groups and users.
pub(super) const GROUPS: &[Column<SubjectRow>] = &[
    Column { head: head("KIND", "kind", (5, 5, 5), 0, 0), cell: |it, _| it.kind().to_owned() },
    Column { head: head("NAME", "name", (18, 20, 56), 4, 0), cell: |it, _| it.name().to_owned() },
    Column { head: path(head("CARRIED BY", "by", (12, 18, 40), 3, 0)), cell: carried },
    Column { head: head("BINDINGS", "bindings", (12, 17, 50), 3, 1), cell: |it, _| bound(&it.bindings) },
    Column { head: head("WHY", "why", (14, 24, 60), 2, 2), cell: |it, _| or_dash(&it.because) },
];

/// The line of an access entry, but for its cells.
pub(super) fn entry(it: &EntryRow) -> Row {
    Row {
        key: it.principal_arn.clone(),
        mark: it.mark,
        because: it.because.clone(),
        unverified: !it.unverified.is_empty(),
        asked: it.principal.clone().map(Asked::principal),
        arn: it.principal_arn.clone(),
        evidence: Some(it.evidence.clone()),
        ..with_findings(&it.findings)
    }
}

/// The line of a row of aws-auth.
pub(super) fn aws_auth(it: &AwsAuthLine) -> Row {
    Row {
        // Not by place: a row that goes moves all that follow it.
        key: if it.arn.is_empty() { it.place.clone() } else { it.arn.clone() },
        mark: it.mark,
        because: it.because.clone(),
        asked: it.principal.clone().map(Asked::listed),
        arn: it.principal.as_ref().map_or_else(|| it.arn.clone(), Principal::arn),
        evidence: Some(it.evidence.clone()),
        ..with_findings(&it.findings)
    }
}

/// The line of a service account with IRSA.
pub(super) fn irsa(it: &IrsaRow) -> Row {
    Row {
        key: if it.service_account.is_empty() {
            it.role_arn.clone()
        } else {
            format!("{}/{}", it.namespace, it.service_account)
        },
        mark: it.mark,
        because: it.because.clone(),
        workload: Some(match it.service_account.is_empty() {
            true => Subject::Role(it.role_arn.clone()),
            false => Subject::ServiceAccount(it.namespace.clone(), it.service_account.clone()),
        }),
        asked: Asked::from_arn(&it.role_arn).ok(),
        arn: it.role_arn.clone(),
        evidence: Some(it.evidence.clone()),
        ..with_findings(&it.findings)
    }
}

/// The line of a Pod Identity association.
pub(super) fn pod_identity(it: &PodIdentityRow) -> Row {
    let role_arn = it.role_arn.clone().unwrap_or_default();
    Row {
        key: format!("{}/{}", it.namespace, it.service_account),
        mark: it.mark,
        because: it.because.clone(),
        // One that could not be read names no service account.
        workload: (!it.service_account.is_empty())
            .then(|| Subject::ServiceAccount(it.namespace.clone(), it.service_account.clone())),
        asked: Asked::from_arn(&role_arn).ok(),
        arn: role_arn,
        evidence: Some(it.evidence.clone()),
        ..with_findings(&it.findings)
    }
}

/// The line of a role of the cluster or a part of it.
pub(super) fn role(it: &RoleRow) -> Row {
    Row {
        key: format!("{}/{}", it.used_by.kind(), it.used_by.name()),
        mark: it.mark,
        because: it.because.clone(),
        asked: it.principal.clone().map(Asked::principal),
        arn: it.role_arn.clone(),
        evidence: Some(it.evidence.clone()),
        ..with_findings(&it.findings)
    }
}

/// The line of a control.
pub(super) fn control(it: &Control) -> Row {
    let severity = match it.standing {
        Standing::Finding(severity) => Some(severity),
        _ => None,
    };
    Row {
        key: format!("{} {}", it.id, it.subject).trim_end().to_owned(),
        mark: match it.standing {
            Standing::Finding(_) => Mark::Dead,
            Standing::Unknown => Mark::Unknown,
            Standing::Note => Mark::Ignored,
            Standing::Good => Mark::InForce,
        },
        because: it.because.clone(),
        severity,
        findings: severity.map(|_| it.id.finding()).into_iter().collect(),
        command: it.change.as_ref().map(|it| it.command.clone()).unwrap_or_default(),
        danger: it.change.as_ref().map(|it| it.danger.clone()).unwrap_or_default(),
        evidence: it.evidence.first().cloned(),
        ..Row::default()
    }
}

/// The line of a finding. Enter opens what it is about: a workload's answer, or a principal's trace.
pub(super) fn item(it: &Item) -> Row {
    let workload = match &it.subject {
        About::ServiceAccount(namespace, name) => Some(Subject::ServiceAccount(namespace.clone(), name.clone())),
        About::Association(whose) => {
            whose.split_once('/').map(|(namespace, name)| Subject::ServiceAccount(namespace.into(), name.into()))
        }
        // Of a role the question is who becomes it.
        About::Role(_) if !it.arn.is_empty() => Some(Subject::Role(it.arn.clone())),
        _ => None,
    };
    Row {
        key: it.fingerprint.clone(),
        mark: Mark::Dead,
        because: it.because.clone(),
        severity: Some(it.severity),
        findings: vec![it.id],
        workload,
        asked: Asked::from_arn(&it.arn).ok(),
        arn: it.arn.clone(),
        command: it.remedy.first().map(|it| it.text.clone()).unwrap_or_default(),
        danger: it.remedy.first().map(|it| it.danger.clone()).unwrap_or_default(),
        evidence: it.evidence.first().cloned(),
        ..Row::default()
    }
}

/// The line of a principal.
pub(super) fn principal(it: &PrincipalRow) -> Row {
    let name = it.principal.name.clone();
    let own = || match it.principal.kind {
        crate::model::principal::PrincipalKind::Role => Some(DocumentRef::IamRole(name)),
        crate::model::principal::PrincipalKind::User => Some(DocumentRef::IamUser(name)),
        _ => None,
    };
    let mapping = it.resolution.mapping.as_ref().map(|mapping| mapping.evidence.clone());
    Row {
        key: it.principal.arn(),
        mark: it.mark(),
        because: it.resolution.because.clone(),
        unverified: !it.resolution.unverified.is_empty(),
        asked: Some(it.resolution.asked.clone()),
        arn: it.principal.arn(),
        evidence: mapping.or_else(|| own().map(|document| Evidence::new(document, ""))),
        ..with_findings(&it.findings)
    }
}

/// The line of a group or user.
pub(super) fn subject(it: &SubjectRow) -> Row {
    Row {
        key: format!("{} {}", it.kind(), it.name()),
        mark: it.mark,
        because: it.because.clone(),
        evidence: it.bindings.iter().find_map(Grant::evidence),
        ..Row::default()
    }
}

/// Who carries it: the first, and how many more.
fn carried(it: &SubjectRow, home: Option<&str>) -> String {
    match it.carriers.as_slice() {
        [] => "-".to_owned(),
        [only] => named(&only.principal, home),
        [first, rest @ ..] => format!("{} +{}", named(&first.principal, home), rest.len()),
    }
}

/// `blue/deployers → view`: the first binding, and how many more.
fn bound(bindings: &[Grant]) -> String {
    let one = |grant: &Grant| match grant {
        Grant::Binding { namespace, name, role, .. } => {
            let place = namespace.as_ref().map(|it| format!("{it}/")).unwrap_or_default();
            let (RoleName::Role(_, role) | RoleName::ClusterRole(role)) = role;
            format!("{place}{name} → {role}")
        }
        other => other.object(),
    };
    match bindings {
        [] => "-".to_owned(),
        [only] => one(only),
        [first, rest @ ..] => format!("{} +{}", one(first), rest.len()),
    }
}

fn with_findings(findings: &[Finding]) -> Row {
    let worst: Option<Severity> = findings.iter().map(|finding| finding.severity).min();
    Row { severity: worst, findings: findings.iter().map(|finding| finding.id).collect(), ..Row::default() }
}

fn short(principal: Option<&Principal>, as_written: &str, home: Option<&str>) -> String {
    principal.map_or_else(|| as_written.to_owned(), |principal| named(principal, home))
}

/// As it is called in lists. Of a role that IAM Identity Center made, the permission set is the telling part; what it
/// shares with all others of its kind is left out (`sso/Admins_0123456789abcdef`).
pub(super) fn named(principal: &Principal, home: Option<&str>) -> String {
    let short = principal.short(home);
    match (principal.permission_set(), short.rsplit_once("/AWSReservedSSO_")) {
        (Some(_), Some((before, set))) => {
            let account = before.split_once(':').map(|(account, _)| format!("{account}:")).unwrap_or_default();
            format!("{account}sso/{set}")
        }
        _ => short,
    }
}

/// Of a role that no annotation names, whom it lets in.
fn account(it: &IrsaRow) -> String {
    match it.service_account.is_empty() {
        true => format!("({})", it.subjects.join(", ")),
        false => it.service_account.clone(),
    }
}

/// The add-on that owns an association, by its name: `aws-ebs-csi-driver`.
fn owner(arn: &str) -> &str {
    arn.split_once(":addon/").and_then(|(_, rest)| rest.split('/').nth(1)).unwrap_or(arn)
}

fn short_arn(arn: &str, home: Option<&str>) -> String {
    short(Principal::from_arn(arn).ok().map(|(principal, _)| principal).as_ref(), arn, home)
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

fn names(all: &[String]) -> String {
    or_dash(&all.join(", "))
}

fn number_of(count: Option<usize>) -> String {
    count.map_or_else(|| "?".to_owned(), |n| n.to_string())
}

/// May its service assume the role?
fn trust(check: Option<&RoleCheck>) -> &'static str {
    match check.and_then(|it| it.trust.as_ref()).map(|it| it.verdict) {
        None => "-",
        Some(Verdict::Yes) => "yes",
        Some(Verdict::No) => "no",
        Some(Verdict::Unknown) => "?",
    }
}

/// How many of the policies that the part needs are there, and whether there is more: `2/3`, `3/3 +`.
fn of_needed(check: Option<&RoleCheck>) -> String {
    let Some(policies) = check.map(|it| &it.policies) else { return "-".to_owned() };
    if !policies.unknown.is_empty() {
        return "?".to_owned();
    }
    let (present, open) = (policies.present.len(), policies.open.len());
    let needed = present + open + policies.missing.len();
    let open = open > 0 || policies.missing.iter().any(|it| !it.perhaps_by.is_empty());
    match (needed, policies.wider.is_empty()) {
        (0, true) => "-".to_owned(),
        (0, false) => "+".to_owned(),
        (_, wider) => format!("{present}/{needed}{}{}", if open { "?" } else { "" }, if wider { "" } else { " +" }),
    }
}

/// `access entry`, `mapRoles[3]`, `-`.
fn mapping(mapping: Option<&Mapping>) -> String {
    match mapping {
        None => "-".to_owned(),
        Some(Mapping { source: MappingSource::AccessEntry { .. }, .. }) => "access entry".to_owned(),
        Some(Mapping { source: MappingSource::AwsAuth { key, index: Some(index) }, .. }) => format!("{key}[{index}]"),
        Some(Mapping { source: MappingSource::AwsAuth { key, index: None }, .. }) => key.to_string(),
    }
}

fn policies_of(resolution: &Resolution) -> String {
    if resolution.mapping.is_none() { "-".to_owned() } else { policies(resolution.access_policies.as_deref()) }
}

/// `View@blue, Admin@cluster`; many namespaces are counted.
pub(super) fn policies(all: Option<&[AssociatedPolicy]>) -> String {
    let Some(all) = all else { return "?".to_owned() };
    let one = |policy: &AssociatedPolicy| {
        // `ClusterAdmin` says it all.
        if policy.access_scope.kind == ScopeKind::Cluster && policy.short_name().starts_with("Cluster") {
            return policy.short_name().to_owned();
        }
        let scope = match (policy.access_scope.kind, policy.access_scope.namespaces.as_slice()) {
            (ScopeKind::Cluster, _) => "cluster".to_owned(),
            (ScopeKind::Namespace, [first]) => first.clone(),
            (ScopeKind::Namespace, [first, rest @ ..]) => format!("{first}+{}", rest.len()),
            (ScopeKind::Namespace, []) => "nowhere".to_owned(),
        };
        format!("{}@{scope}", policy.short_name())
    };
    or_dash(&all.iter().map(one).collect::<Vec<_>>().join(", "))
}
