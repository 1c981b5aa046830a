//! All findings of a cluster, each once and in total order, and what could not be judged.
//!
//! Decides what a finding is about (its subject, in a text that stays the same from run to run), and which facts were
//! missing to judge by: where a fact was not read, nothing is passed. What is ignored is the user's: it is marked, and
//! never left out. Severity and words are the rules' ([`findings`](super::findings)). A new source of findings is a loop
//! in [`audit`].

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use super::Mark;
use super::findings::{Finding, FindingId, Remedy, Severity};
use super::inventory::{Inventory, RoleRow};
use super::permissions::Grant;
use super::posture::{Control, ControlId, Standing};
use crate::model::principal::Principal;
use crate::model::snapshot::{ClusterFacts, DocumentRef, Evidence, IamFacts, Section, State};

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The cluster.
    Cluster,
    /// An access entry, by the ARN of its principal.
    AccessEntry(String),
    /// A line of aws-auth: `mapRoles[3]`, or the name of a key.
    AwsAuth(String),
    /// A service account, by namespace and name.
    ServiceAccount(String, String),
    /// A Pod Identity association: `NAMESPACE/SERVICE-ACCOUNT`, or its id where it could not be read.
    Association(String),
    /// An IAM role, by name.
    Role(String),
    /// A part of the cluster whose role is not known: `node group gpu`.
    Part(String),
    /// A namespace.
    Namespace(String),
    /// A RoleBinding, by namespace and name.
    RoleBinding(String, String),
    /// A ClusterRoleBinding, by name.
    ClusterRoleBinding(String),
}

impl Subject {
    /// `access-entry`, `aws-auth`, …
    pub fn kind(&self) -> &'static str {
        match self {
            Subject::Cluster => "cluster",
            Subject::AccessEntry(_) => "access-entry",
            Subject::AwsAuth(_) => "aws-auth",
            Subject::ServiceAccount(..) => "service-account",
            Subject::Association(_) => "association",
            Subject::Role(_) => "role",
            Subject::Part(_) => "part",
            Subject::Namespace(_) => "namespace",
            // Where there is a namespace it is a RoleBinding.
            Subject::RoleBinding(..) | Subject::ClusterRoleBinding(_) => "binding",
        }
    }

    /// Its name; empty for the cluster.
    pub fn name(&self) -> String {
        match self {
            Subject::Cluster => String::new(),
            Subject::ServiceAccount(namespace, name) | Subject::RoleBinding(namespace, name) => {
                format!("{namespace}/{name}")
            }
            Subject::AccessEntry(it)
            | Subject::AwsAuth(it)
            | Subject::Association(it)
            | Subject::Role(it)
            | Subject::Part(it)
            | Subject::ClusterRoleBinding(it)
            | Subject::Namespace(it) => it.clone(),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Cluster => f.write_str("cluster"),
            other => write!(f, "{} {}", other.kind(), other.name()),
        }
    }
}

/// Who said that a finding is not to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IgnoredBy {
    /// A flag of this run.
    Flag,
    /// The baseline.
    Baseline,
}

impl IgnoredBy {
    /// `flag`, `baseline`.
    pub fn as_str(self) -> &'static str {
        match self {
            IgnoredBy::Flag => "flag",
            IgnoredBy::Baseline => "baseline",
        }
    }
}

/// One finding, with what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// How much it matters.
    pub severity: Severity,
    /// What it is an instance of.
    pub id: FindingId,
    /// What it is about.
    pub subject: Subject,
    /// The ARN of the principal or role that it is about, or what a row has in its place; may be empty.
    pub arn: String,
    /// What is wrong and what follows.
    pub because: String,
    /// Where it was read.
    pub evidence: Vec<Evidence>,
    /// What mends it, ready to paste.
    pub remedy: Vec<Remedy>,
    /// The same for the same finding in every run, and of no other in the cluster.
    pub fingerprint: String,
    /// Who said that it is not to count.
    pub ignored: Option<IgnoredBy>,
}

/// Something that could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotJudged {
    /// What: facts (`pods`), a control, or a row.
    pub what: String,
    /// Why.
    pub because: String,
}

/// All findings of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// What matters most first; then by id and subject.
    pub items: Vec<Item>,
    /// What could not be judged: facts first, then what hangs on them.
    pub not_judged: Vec<NotJudged>,
}

/// What the user does not want to count: an id, of one subject or of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignore {
    id: FindingId,
    subject: Option<String>,
}

impl FromStr for Ignore {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (id, subject) = match text.split_once('=') {
            Some((id, subject)) => (id.trim(), Some(subject.trim().to_owned())),
            None => (text.trim(), None),
        };
        // A slip of the pen must not go for an ignored finding.
        let id: FindingId =
            id.parse().map_err(|_unknown| format!("{id:?} is the id of no finding; docs/findings.md has them all"))?;
        if subject.as_deref() == Some("") {
            return Err(format!("{text:?} names no subject: leave out the = to ignore {id} everywhere"));
        }
        Ok(Ignore { id, subject })
    }
}

impl fmt::Display for Ignore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subject {
            Some(subject) => write!(f, "{}={subject}", self.id),
            None => f.write_str(self.id.as_str()),
        }
    }
}

impl Ignore {
    fn covers(&self, item: &Item) -> bool {
        let of = |wanted: &String| *wanted == item.subject.to_string() || *wanted == item.subject.name();
        self.id == item.id && self.subject.as_ref().is_none_or(of)
    }
}

/// A control that a finding of a row says already, line by line.
const SAID_BY_ROWS: ControlId = ControlId::MapAccounts;

/// All findings of a cluster, given its rows and the facts that they rest on.
pub fn audit(inventory: &Inventory, facts: &ClusterFacts, iam: &IamFacts) -> Audit {
    let (items, of_rows) = found(inventory).items();
    let mut not_judged = sections(facts, iam);
    not_judged.extend(of_rows);
    Audit { items, not_judged }
}

/// All findings of its rows, each once.
pub(crate) fn items(inventory: &Inventory) -> Vec<Item> {
    found(inventory).items().0
}

fn found(inventory: &Inventory) -> Found {
    let mut found = Found::default();
    for row in &inventory.entries {
        let subject = Subject::AccessEntry(row.principal_arn.clone());
        found.row(&subject, &row.principal_arn, row.mark, &row.because, &row.findings);
    }
    for row in &inventory.aws_auth {
        let arn = row.principal.as_ref().map_or_else(|| row.arn.clone(), Principal::arn);
        found.row(&Subject::AwsAuth(row.place.clone()), &arn, row.mark, &row.because, &row.findings);
    }
    for row in &inventory.irsa {
        let subject = match row.service_account.is_empty() {
            true => role(&row.role_arn),
            false => Subject::ServiceAccount(row.namespace.clone(), row.service_account.clone()),
        };
        found.row(&subject, &row.role_arn, row.mark, &row.because, &row.findings);
    }
    for row in &inventory.pod_identity {
        let subject = match row.namespace.is_empty() {
            true => Subject::Association(row.association_id.clone()),
            false => Subject::Association(format!("{}/{}", row.namespace, row.service_account)),
        };
        found.unknown(&subject, row.mark, &row.because);
        let arn = row.role_arn.as_deref().unwrap_or_default();
        for finding in &row.findings {
            let account = || Subject::ServiceAccount(row.namespace.clone(), row.service_account.clone());
            match finding.id {
                // The service account's own row says it.
                FindingId::IrsaAndPodIdentity => {}
                FindingId::IrsaEnvPreset | FindingId::IrsaSkipped => found.add(&account(), arn, finding),
                _ => found.add(&subject, arn, finding),
            }
        }
    }
    for row in &inventory.roles {
        let named = row.principal.as_ref().map(|it| Subject::Role(it.name.clone()));
        let subject = named.unwrap_or_else(|| Subject::Part(part(row)));
        found.row(&subject, &row.role_arn, row.mark, &row.because, &row.findings);
    }
    for row in &inventory.bindings {
        let Some(subject) = binding(&row.binding) else { continue };
        row.findings.iter().for_each(|finding| found.add(&subject, "", finding));
    }
    for control in &inventory.posture {
        found.control(control);
    }
    found
}

fn binding(grant: &Grant) -> Option<Subject> {
    match grant {
        Grant::Binding { namespace: Some(namespace), name, .. } => {
            Some(Subject::RoleBinding(namespace.clone(), name.clone()))
        }
        Grant::Binding { namespace: None, name, .. } => Some(Subject::ClusterRoleBinding(name.clone())),
        Grant::Masters | Grant::Policy { .. } | Grant::Node => None,
    }
}

fn role(arn: &str) -> Subject {
    Subject::Role(crate::model::words::last_part(arn).to_owned())
}

fn part(row: &RoleRow) -> String {
    format!("{} {}", row.used_by.kind(), row.used_by.name()).trim_end().to_owned()
}

type Key = (Severity, FindingId, Subject, String, Vec<Evidence>);

#[derive(Default)]
struct Found {
    items: BTreeMap<Key, (String, Vec<Remedy>)>,
    not_judged: BTreeSet<NotJudged>,
}

impl Found {
    fn row(&mut self, subject: &Subject, arn: &str, mark: Mark, because: &str, findings: &[Finding]) {
        self.unknown(subject, mark, because);
        for finding in findings {
            self.add(subject, arn, finding);
        }
    }

    fn unknown(&mut self, subject: &Subject, mark: Mark, because: &str) {
        if matches!(mark, Mark::Unknown | Mark::Loading) {
            let because = if because.is_empty() { "it is still being read" } else { because };
            self.not_judged.insert(NotJudged { what: subject.to_string(), because: because.to_owned() });
        }
    }

    fn add(&mut self, subject: &Subject, arn: &str, finding: &Finding) {
        // What is wrong with a role's own document is the role's, whoever uses it: once, not once for each.
        let subject = match &finding.evidence.document {
            DocumentRef::IamRole(name) => Subject::Role(name.clone()),
            _ => subject.clone(),
        };
        let evidence = vec![finding.evidence.clone()];
        let key = (finding.severity, finding.id, subject, finding.sentence.clone(), evidence);
        let (_, remedy) = self.items.entry(key).or_insert_with(|| (arn.to_owned(), Vec::new()));
        // Several who share a role have each their own remedy; the first that there is stands for all.
        if remedy.is_empty() {
            remedy.clone_from(&finding.remedy);
        }
    }

    fn control(&mut self, control: &Control) {
        let subject = match (control.subject.is_empty(), control.id) {
            (true, _) => Subject::Cluster,
            (false, ControlId::ClusterHealth) => Subject::Part(format!("health {}", control.subject)),
            (false, _) => Subject::Namespace(control.subject.clone()),
        };
        match control.standing {
            Standing::Finding(_) if control.id == SAID_BY_ROWS => {}
            Standing::Finding(severity) => {
                let because = format!("{}: {}", control.id.title(), control.because);
                let remedy = control.change.as_ref().map(|it| Remedy {
                    title: format!("Careful: {}", it.danger),
                    text: it.look.iter().chain([&it.command]).cloned().collect::<Vec<_>>().join("\n"),
                    danger: it.danger.clone(),
                });
                let key = (severity, control.id.finding(), subject, because, control.evidence.clone());
                self.items.entry(key).or_default().1.extend(remedy);
            }
            Standing::Unknown => {
                let of = if control.subject.is_empty() { String::new() } else { format!(" of {}", control.subject) };
                let what = format!("control {}{of}", control.id);
                self.not_judged.insert(NotJudged { what, because: control.because.clone() });
            }
            Standing::Note | Standing::Good => {}
        }
    }

    fn items(self) -> (Vec<Item>, BTreeSet<NotJudged>) {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let mut items = Vec::new();
        for ((severity, id, subject, because, evidence), (arn, remedy)) in self.items {
            // The sentence is no part of it: it names pods, which come and go.
            let mut fingerprint = match &subject {
                // Nor is the place of a row: one that goes moves all that follow it.
                Subject::AwsAuth(_) if !arn.is_empty() => format!("{id} {} {arn}", subject.kind()),
                subject => format!("{id} {subject}"),
            };
            let count = seen.entry(fingerprint.clone()).or_default();
            *count += 1;
            if *count > 1 {
                fingerprint.push_str(&format!(" #{count}"));
            }
            items.push(Item { severity, id, subject, arn, because, evidence, remedy, fingerprint, ignored: None });
        }
        (items, self.not_judged)
    }
}

/// The facts that rules rest on and that are not whole.
fn sections(facts: &ClusterFacts, iam: &IamFacts) -> Vec<NotJudged> {
    fn of<T>(what: &str, section: &Section<T>, out: &mut Vec<NotJudged>) {
        let mut say = |what: String, because: String| out.push(NotJudged { what, because });
        match section.state() {
            State::Stale { failure, .. } => {
                say(what.to_owned(), format!("judged by what was read before; the last attempt failed: {failure}"));
            }
            _ => {
                if let Some(gap) = section.gap() {
                    say(what.to_owned(), gap.to_string());
                }
            }
        }
        for missing in section.missing() {
            if let Some(item) = &missing.item {
                say(format!("{what}: {item}"), missing.failure.to_string());
            }
        }
    }
    let mut out = Vec::new();
    of("the cluster", &facts.cluster, &mut out);
    of("access entries", &facts.access_entries, &mut out);
    of("aws-auth", &facts.aws_auth, &mut out);
    of("Pod Identity associations", &facts.pod_identity_associations, &mut out);
    of("node groups", &facts.nodegroups, &mut out);
    of("Fargate profiles", &facts.fargate_profiles, &mut out);
    of("add-ons", &facts.addons, &mut out);
    of("capabilities", &facts.capabilities, &mut out);
    of("namespaces", &facts.namespaces, &mut out);
    of("service accounts", &facts.service_accounts, &mut out);
    of("pods", &facts.pods, &mut out);
    of("nodes", &facts.nodes, &mut out);
    of("daemon sets", &facts.daemon_sets, &mut out);
    of("network policies", &facts.network_policies, &mut out);
    of("roles", &facts.roles, &mut out);
    of("cluster roles", &facts.cluster_roles, &mut out);
    of("role bindings", &facts.role_bindings, &mut out);
    of("cluster role bindings", &facts.cluster_role_bindings, &mut out);
    of("IAM roles", &iam.roles, &mut out);
    of("IAM users", &iam.users, &mut out);
    of("IAM policies", &iam.policies, &mut out);
    of("OIDC providers", &iam.oidc_providers, &mut out);
    of("instance profiles", &iam.instance_profiles, &mut out);
    out
}

impl Audit {
    /// Marks what is not to count: by flag first, then by the baseline's fingerprints. Answers what of either fitted
    /// nothing.
    pub fn ignore(&mut self, ignores: &[Ignore], baseline: &BTreeSet<String>) -> (Vec<Ignore>, Vec<String>) {
        for item in &mut self.items {
            item.ignored = if ignores.iter().any(|it| it.covers(item)) {
                Some(IgnoredBy::Flag)
            } else {
                baseline.contains(&item.fingerprint).then_some(IgnoredBy::Baseline)
            };
        }
        let idle = |it: &&Ignore| !self.items.iter().any(|item| it.covers(item));
        let gone = |it: &&String| !self.items.iter().any(|item| item.fingerprint == **it);
        (ignores.iter().filter(idle).cloned().collect(), baseline.iter().filter(gone).cloned().collect())
    }

    /// What counts.
    pub fn counted(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|it| it.ignored.is_none())
    }

    /// How many count of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.counted().filter(|it| it.severity == severity).count()
    }

    /// How many are ignored.
    pub fn ignored(&self) -> usize {
        self.items.iter().filter(|it| it.ignored.is_some()).count()
    }

    /// Is there one that counts and matters as much or more?
    pub fn reaches(&self, threshold: Severity) -> bool {
        self.counted().any(|it| it.severity <= threshold)
    }
}
