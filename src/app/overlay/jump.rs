//! The global jump: to anything by name or ARN; a pasted ARN, or a text that holds one, is traced, and an error message
//! explained.

use tui_input::Input;

use super::picker::{Choice, Hit, Picker};
use crate::access::explain::message::Reading;
use crate::access::explain::{read_message, tidy};
use crate::access::workload::Subject;
use crate::app::columns::named;
use crate::app::message::Analysis;
use crate::app::pane::Pane;
use crate::app::table::Row;
use crate::model::principal::{Asked, Principal, Query, parse_query};
use crate::model::snapshot::{ClusterFacts, IamFacts};

/// Where a jump leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To a row of a pane.
    Row(Pane, String),
    /// To what AWS role a service account or a pod gets.
    Workload(Subject),
    /// To the trace of a principal.
    Trace(Box<Asked>),
    /// To the explanation of a message.
    Explain(Box<Reading>),
}

/// So much of a pasted message is shown.
const LONGEST: usize = 4_096;

/// The jump.
#[derive(Clone, Debug)]
pub struct Jump {
    /// What was typed, and what it finds.
    pub picker: Picker<Target>,
    /// How many of the choices are always there; behind them stands the ARN typed, if one was.
    known: usize,
    /// The service accounts and pods: far too many to be ranked with every key, so that only what holds the words typed is.
    workloads: Vec<(String, Subject)>,
    /// What was pasted, as it stands in the prompt, and what it says: the prompt shows it in one line.
    pasted: Option<(String, Reading)>,
    /// What is wrong with what was typed.
    pub problem: Option<String>,
}

impl Jump {
    /// Over everything that is known.
    pub fn new(analysis: Option<&Analysis>, facts: &ClusterFacts, iam: &IamFacts) -> Self {
        let choices = analysis.map(|analysis| choices(analysis, iam)).unwrap_or_default();
        Jump {
            known: choices.len(),
            picker: Picker::new(choices),
            workloads: workloads(facts),
            pasted: None,
            problem: None,
        }
    }

    /// With a text in the prompt: a message that can be explained in one line; of another text that holds an ARN, that.
    #[must_use]
    pub fn with_text(mut self, text: &str) -> Self {
        let text = match (read_message(text), parse_query(text)) {
            (Ok(message), _) => {
                let shown: String = tidy(text).chars().take(LONGEST).collect();
                self.pasted = Some((shown.clone(), message));
                shown
            }
            (_, Ok(Query::Arn(asked))) => asked.arn(),
            _ => text.split_whitespace().collect::<Vec<_>>().join(" "),
        };
        let cursor = text.chars().count();
        self.picker.input = Input::new(text).with_cursor(cursor);
        self.rank();
        self
    }

    /// Takes in what is known now, keeping what was typed.
    pub fn renew(&mut self, analysis: &Analysis, facts: &ClusterFacts, iam: &IamFacts) {
        self.workloads = workloads(facts);
        let chosen = self.picker.chosen().map(|choice| choice.what.clone());
        self.picker.choices = choices(analysis, iam);
        self.known = self.picker.choices.len();
        self.rank();
        let same = |hit: &Hit| self.picker.choices.get(hit.choice).map(|choice| &choice.what) == chosen.as_ref();
        self.picker.at = self.picker.hits.iter().position(same).unwrap_or_default();
    }

    /// Puts those namespaces, service accounts and pods behind the choices whose names hold all words typed.
    fn add_workloads(&mut self) {
        let words: Vec<String> = self.picker.input.value().split_whitespace().map(str::to_lowercase).collect();
        if words.is_empty() {
            return;
        }
        let fits = |(name, _): &&(String, Subject)| words.iter().all(|word| name.contains(word.as_str()));
        let found = self.workloads.iter().filter(fits).take(MOST_WORKLOADS);
        self.picker.choices.extend(found.map(|(_, subject)| Choice {
            right: subject.kind().to_owned(),
            ..Choice::new(subject.name(), Target::Workload(subject.clone()))
        }));
    }

    /// What the text in the prompt says, if it is a message.
    fn message(&self) -> Option<Reading> {
        let text = self.picker.input.value();
        match &self.pasted {
            Some((shown, message)) if shown == text => Some(message.clone()),
            _ => read_message(text).ok(),
        }
    }

    /// Ranks anew. A message can be explained, and whom it names traced. An ARN finds itself, and exactly what concerns the same principal; a name finds what is like it.
    pub fn rank(&mut self) {
        self.picker.choices.truncate(self.known);
        self.problem = None;
        if let Some(message) = self.message() {
            let asked = message.message.asked();
            let mut offer = |text: String, right: &str, what| {
                self.picker.choices.push(Choice { right: right.to_owned(), ..Choice::new(text, what) });
            };
            offer(message.message.told(), "explain", Target::Explain(Box::new(message)));
            if let Some(asked) = asked {
                offer(asked.arn(), "trace", Target::Trace(Box::new(asked)));
            }
            let last = self.picker.choices.len();
            self.picker.hits = (self.known..last).map(|choice| Hit { choice, letters: Vec::new() }).collect();
            self.picker.at = 0;
            return;
        }
        match parse_query(self.picker.input.value()) {
            Ok(Query::Arn(asked)) => {
                let key = asked.principal.key();
                let concerns = |choice: &Choice<Target>| {
                    Principal::from_arn(&choice.also).is_ok_and(|(principal, _)| principal.key() == key)
                };
                let others: Vec<Hit> = (self.picker.choices.iter().enumerate())
                    .filter(|(_, choice)| concerns(choice) && !matches!(choice.what, Target::Trace(_)))
                    .map(|(choice, _)| Hit { choice, letters: Vec::new() })
                    .collect();
                self.picker
                    .choices
                    .push(Choice { right: "trace".to_owned(), ..Choice::new(asked.arn(), Target::Trace(asked)) });
                self.picker.hits = vec![Hit { choice: self.known, letters: Vec::new() }];
                self.picker.hits.extend(others);
                self.picker.at = 0;
            }
            Ok(Query::Name(_)) => {
                self.add_workloads();
                self.picker.rank();
            }
            // No principal is called so; a service account or a pod may be.
            Err(error) => {
                self.add_workloads();
                if self.picker.choices.len() > self.known {
                    self.picker.rank();
                    return;
                }
                self.picker.hits.clear();
                self.picker.at = 0;
                self.problem = Some(error.to_string());
            }
        }
    }
}

/// So many of them are offered at once.
const MOST_WORKLOADS: usize = 100;

/// The namespaces, the service accounts, then the pods that have not ended, each with its name lowered.
fn workloads(facts: &ClusterFacts) -> Vec<(String, Subject)> {
    let of = |namespace: &Option<String>| namespace.clone().unwrap_or_default();
    let accounts = facts.service_accounts.items().iter().map(|it| &it.metadata);
    let accounts = accounts.map(|it| Subject::ServiceAccount(of(&it.namespace), it.name.clone()));
    let pods = facts.pods.items().iter().filter(|it| !it.has_ended()).map(|it| &it.metadata);
    let pods = pods.map(|it| Subject::Pod(of(&it.namespace), it.name.clone()));
    let namespaces = facts.namespaces.items().iter().map(|it| Subject::Namespace(it.metadata.name.clone()));
    namespaces.chain(accounts).chain(pods).map(|it| (it.name().to_lowercase(), it)).collect()
}

fn choices(analysis: &Analysis, iam: &IamFacts) -> Vec<Choice<Target>> {
    let mut all = Vec::new();
    for row in analysis.tables.table(Pane::Principals).rows() {
        if let Some(asked) = &row.asked {
            let text = row.cells.first().cloned().unwrap_or_default();
            all.push(choice(text, "principal", &row.arn, Target::Trace(Box::new(asked.clone()))));
        }
    }
    for pane in Pane::ALL.into_iter().filter(|pane| *pane != Pane::Principals) {
        for row in analysis.tables.table(pane).rows() {
            let (text, kind) = names(pane, row);
            all.push(choice(text, kind, &row.arn, Target::Row(pane, row.key.clone())));
        }
    }
    let known: std::collections::BTreeSet<_> =
        analysis.inventory.principals.iter().map(|row| row.principal.key()).collect();
    let home = iam.account.as_deref();
    let arns = iam.roles.items().iter().map(|it| &it.arn).chain(iam.users.items().iter().map(|it| &it.arn));
    for arn in arns {
        let Ok((principal, None)) = Principal::from_arn(arn) else { continue };
        if !known.contains(&principal.key()) {
            let text = named(&principal, home);
            all.push(choice(text, "in IAM only", arn, Target::Trace(Box::new(Asked::principal(principal)))));
        }
    }
    all
}

fn choice(text: String, kind: &str, arn: &str, what: Target) -> Choice<Target> {
    Choice { text, note: String::new(), right: kind.to_owned(), also: arn.to_owned(), disabled: None, what }
}

/// What a row is called among the choices, and what it is.
fn names(pane: Pane, row: &Row) -> (String, &str) {
    let cell = |at: usize| row.cells.get(at).map_or("", String::as_str);
    match pane {
        Pane::Entries => (cell(0).to_owned(), "access entry"),
        Pane::AwsAuth => (format!("{} {}", cell(0), cell(1)), "aws-auth"),
        Pane::Irsa if matches!(row.workload, Some(Subject::Role(_))) => (cell(2).to_owned(), "trusts this cluster"),
        Pane::Irsa => (format!("{}/{}", cell(0), cell(1)), "service account, IRSA"),
        Pane::PodIdentity => (format!("{}/{}", cell(0), cell(1)), "Pod Identity association"),
        Pane::Roles => (format!("{} {}", cell(0), cell(1)), "role"),
        Pane::Principals => (cell(0).to_owned(), "principal"),
        Pane::Groups => (cell(1).to_owned(), cell(0)),
        Pane::Findings => (format!("{} {}", cell(1), cell(2)), "finding"),
        Pane::Posture => (cell(1).to_owned(), "control"),
    }
}
