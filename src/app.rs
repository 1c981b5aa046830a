//! Where the user is: all state of the screen, what can happen to it, what it wants done.
//!
//! - [`message`]: what happened; [`effect`]: what is to be done; [`command`]: what a person can ask for;
//! - [`update()`]: a message and the state give the next state and effects, and nothing else does;
//! - [`keymap`]: which key means which command, where;
//! - [`pane`], [`table`], [`columns`], [`filter`]: the lists; [`condition`]: how complete they are, in words;
//! - [`selection`]: what the cursor is on, for every command that acts on it;
//! - `sign_in`: what stands between the session and its credentials; `elsewhere`: another account or endpoint;
//! - [`detail`]: what is said of a row; [`overlay`]: what lies over the list; [`layout`]: where everything is.
//!
//! Knows no clock (time comes as a message), no terminal, no network, and nothing of how things look. A new pane begins
//! in [`pane::Pane`], a new command in [`command`], a new overlay in [`overlay::Overlay`].

mod change;
mod clusters;
mod columns;
pub mod command;
pub mod condition;
mod copy;
pub mod detail;
pub mod effect;
mod elsewhere;
mod export;
pub mod filter;
mod foremost;
mod input;
mod journal;
pub mod keymap;
pub mod layout;
pub mod message;
mod opening;
pub mod overlay;
pub mod pane;
mod perform;
mod permits;
pub mod prompt;
mod rebase;
pub mod selection;
mod sign_in;
pub mod staged;
pub mod table;
mod update;
pub mod words;

pub use foremost::foremost;
pub use journal::Shelf;
pub use sign_in::{key_of, needs_sign_in, waiting};
pub use update::update;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use ratatui::layout::Size;

use crate::access::trace::Trace;
use crate::edit::draft::Staging;
use crate::model::cluster::ClusterId;
use crate::model::principal::Asked;
use crate::model::sign_in::{SessionStatus, SsoSignIn};
use crate::model::snapshot::{ClusterFacts, DocumentRef, Snapshot, Source};
use crate::model::time::Time;
use crate::model::update::Call;
use detail::Detail;
use effect::Effect;
use keymap::{Context, Keymap};
use message::{Analysis, Slot, Tickets};
use overlay::Overlay;
use overlay::applying::Applying;
use overlay::document::Document;
use pane::{Pane, PaneState};
use table::{Row, Table};

/// So many calls are remembered.
pub const MOST_CALLS: usize = 500;

/// Something to be told, until the next key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Something went wrong, or something was done.
    pub is_problem: bool,
    /// A sentence.
    pub text: String,
    /// It says what has begun: what is waited for then is told in its place.
    pub passes: bool,
}

/// The caller's own trace, for the header.
#[derive(Clone, Debug, Default)]
pub struct You {
    /// The answer, once it is there.
    pub trace: Option<Arc<Trace>>,
    slot: Slot,
}

/// How the program was started, as far as the screen depends on it.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The cluster asked for by name.
    pub cluster: Option<String>,
    /// Which key means what.
    pub keymap: Keymap,
    /// May changes be staged and applied?
    pub write: bool,
    /// What the configuration says of single clusters, by name or `region/name`.
    pub writes: BTreeMap<String, bool>,
    /// Whether names that nobody knows are taken as they are, and not asked back.
    pub assume_exists: bool,
    /// The endpoint of EKS that live facts come from; `None` is AWS's own.
    pub endpoint: Option<String>,
}

/// All state of the screen.
#[derive(Clone, Debug)]
pub struct App {
    /// The facts.
    pub snapshot: Arc<Snapshot>,
    /// The cluster looked at, once one was chosen.
    pub cluster: Option<ClusterId>,
    /// What follows from its facts, once it was computed.
    pub analysis: Option<Arc<Analysis>>,
    /// The pane shown.
    pub pane: Pane,
    panes: [PaneState; Pane::ALL.len()],
    /// What lies over the list, the top last.
    pub overlays: Vec<Overlay>,
    /// The row under the cursor.
    pub detail: Detail,
    /// The caller.
    pub you: You,
    /// What is to be told.
    pub notice: Option<Notice>,
    /// The calls made, the newest last.
    pub calls: VecDeque<Call>,
    /// How many calls each service is asked at once, where that is fewer than usual because it throttles.
    pub pace: BTreeMap<&'static str, Option<usize>>,
    /// How late it is.
    pub now: Time,
    /// The terminal's size.
    pub size: Size,
    /// Which key means what.
    pub keymap: Keymap,
    /// May changes be staged and applied?
    pub write: bool,
    /// What the configuration says of single clusters.
    pub writes: BTreeMap<String, bool>,
    /// Whether names that nobody knows are taken as they are, and not asked back.
    pub assume_exists: bool,
    /// What is being applied, or was applied last.
    pub applying: Option<Applying>,
    /// The journal, as it was last read.
    pub shelf: Shelf,
    /// What the session waits for, and where it asks; of a file, nothing.
    pub session: SessionStatus,
    /// The number of the code that was asked for last.
    asked_code: Option<u64>,
    /// The sign-in that was ended when another one was asked for.
    left_sign_in: Option<SsoSignIn>,
    /// Where the facts are from.
    places: elsewhere::Places,
    /// Whether everything is being read again.
    refreshing: Slot,
    endpoint: Option<String>,
    /// What is staged, by cluster.
    staged: BTreeMap<ClusterId, Staging>,
    /// The lines that what is staged changes.
    after: staged::After,
    /// The program is to end when the step at hand has ended.
    leaving: bool,
    wanted: Option<String>,
    /// The pane whose sections are read first.
    looked_at: Pane,
    /// The namespace last chosen for a matrix, empty being the whole cluster.
    namespace: Option<String>,
    tickets: Tickets,
    slot: Slot,
}

impl App {
    /// The state at the start.
    pub fn new(snapshot: Snapshot, setup: Setup, size: Size, now: Time) -> Self {
        App {
            snapshot: Arc::new(snapshot),
            cluster: None,
            analysis: None,
            pane: Pane::default(),
            panes: Default::default(),
            overlays: Vec::new(),
            detail: Detail::default(),
            you: You::default(),
            notice: None,
            calls: VecDeque::new(),
            pace: BTreeMap::new(),
            now,
            size,
            keymap: setup.keymap,
            write: setup.write,
            writes: setup.writes,
            assume_exists: setup.assume_exists,
            applying: None,
            shelf: Shelf::default(),
            session: SessionStatus::default(),
            asked_code: None,
            left_sign_in: None,
            places: elsewhere::Places::default(),
            refreshing: Slot::default(),
            endpoint: setup.endpoint,
            staged: BTreeMap::new(),
            after: staged::After::default(),
            leaving: false,
            wanted: setup.cluster,
            looked_at: Pane::default(),
            namespace: None,
            tickets: Tickets::default(),
            slot: Slot::default(),
        }
    }

    /// What is to be done first.
    pub fn begin(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.is_live() {
            effects.push(Effect::LookAtPane(self.pane));
            effects.push(Effect::Overview);
            journal::read(self, &mut effects);
        }
        clusters::choose_first_cluster(self, &mut effects);
        update::settle(self, &mut effects);
        effects
    }

    /// May changes be staged and applied in the cluster looked at? What is said of it by name comes before what is said
    /// of all.
    pub fn may_write(&self) -> bool {
        self.rule().map_or(self.write, |(_, may)| may)
    }

    /// What the configuration says of the cluster looked at, and under which name.
    fn rule(&self) -> Option<(String, bool)> {
        self.cluster.as_ref()?.rule(&self.writes)
    }

    /// Can facts still be fetched?
    pub fn is_live(&self) -> bool {
        !matches!(self.snapshot.source, Source::File { .. })
    }

    /// The facts of the cluster looked at; empty ones before one was chosen.
    pub fn facts(&self) -> Arc<ClusterFacts> {
        self.cluster.as_ref().map(|id| self.snapshot.cluster(id)).unwrap_or_default()
    }

    /// The account whose principals are named without it.
    pub fn home(&self) -> Option<&str> {
        self.snapshot.iam.account.as_deref()
    }

    /// What the pane shown remembers.
    pub fn state(&self) -> &PaneState {
        let [entries, aws_auth, irsa, pod_identity, roles, principals, groups, posture, findings] = &self.panes;
        match self.pane {
            Pane::Entries => entries,
            Pane::AwsAuth => aws_auth,
            Pane::Irsa => irsa,
            Pane::PodIdentity => pod_identity,
            Pane::Roles => roles,
            Pane::Principals => principals,
            Pane::Groups => groups,
            Pane::Posture => posture,
            Pane::Findings => findings,
        }
    }

    fn state_mut(&mut self) -> &mut PaneState {
        let [entries, aws_auth, irsa, pod_identity, roles, principals, groups, posture, findings] = &mut self.panes;
        match self.pane {
            Pane::Entries => entries,
            Pane::AwsAuth => aws_auth,
            Pane::Irsa => irsa,
            Pane::PodIdentity => pod_identity,
            Pane::Roles => roles,
            Pane::Principals => principals,
            Pane::Groups => groups,
            Pane::Posture => posture,
            Pane::Findings => findings,
        }
    }

    /// The lines of a pane as they will be after what is staged, once they were computed.
    pub fn table(&self, pane: Pane) -> Option<&Table> {
        let analysis = self.analysis.as_deref()?;
        Some(self.after.table(pane).unwrap_or_else(|| analysis.tables.table(pane)))
    }

    /// The rows that are marked, if there are any, else the one under the cursor.
    pub fn chosen_rows(&self) -> Vec<&Row> {
        let marked = self.marked_rows();
        if marked.is_empty() { self.selected_row().into_iter().collect() } else { marked }
    }

    /// The rows that are marked, as far as they are there.
    pub fn marked_rows(&self) -> Vec<&Row> {
        let rows = self.table(self.pane).map_or(&[][..], Table::rows);
        rows.iter().filter(|row| self.state().is_marked(&row.key)).collect()
    }

    /// The rows that are marked and that the filter hides.
    pub fn hidden_marks(&self) -> Vec<&Row> {
        let rows = self.table(self.pane).map_or(&[][..], Table::rows).iter().enumerate();
        let is_hidden = |at: usize, row: &Row| self.state().is_marked(&row.key) && !self.state().shown().contains(&at);
        rows.filter(|(at, row)| is_hidden(*at, row)).map(|(_, row)| row).collect()
    }

    /// The row under the cursor.
    pub fn selected_row(&self) -> Option<&Row> {
        self.table(self.pane)?.row(self.state().selected()?)
    }

    /// Does the row under the cursor open with all that it says? So do controls and findings, which are to be read, and
    /// what names nobody that could be traced.
    pub fn shows_row(&self) -> bool {
        let leads = |row: &Row| row.asked.is_some() || row.workload.is_some();
        match self.pane {
            Pane::Groups => false,
            Pane::Posture | Pane::Findings => self.selected_row().is_some(),
            _ => self.selected_row().is_some_and(|row| !leads(row)),
        }
    }

    /// What is staged for the cluster looked at.
    pub fn staging(&self) -> Option<&Staging> {
        self.staged.get(self.cluster.as_ref()?)
    }

    /// How many changes are staged for the cluster looked at.
    pub fn staged(&self) -> usize {
        self.staging().map_or(0, |it| it.draft().len())
    }

    /// Where keys are pressed now.
    pub fn context(&self) -> Context {
        match self.overlays.last() {
            Some(overlay) => overlay.context(),
            None if self.state().editing => Context::Prompt,
            None => Context::List,
        }
    }

    /// Where commands act: the place below a palette or help.
    pub fn place(&self) -> Context {
        self.top_place().map_or(Context::List, Overlay::context)
    }

    /// The place that commands act in, if it is not the list: what lies over the body only for a moment is looked through.
    pub fn top_place(&self) -> Option<&Overlay> {
        self.overlays
            .iter()
            .rev()
            .find(|it| !matches!(it, Overlay::Palette(_) | Overlay::Help(_) | Overlay::Exports(_)))
    }

    /// Is something searched for in the document on top?
    pub fn has_search(&self) -> bool {
        matches!(self.overlays.last(), Some(Overlay::Document(view)) if !view.search.value().is_empty())
    }

    /// The caller, as somebody to ask about.
    pub fn caller(&self) -> Option<Asked> {
        Asked::from_arn(&self.snapshot.caller.value()?.arn).ok()
    }

    /// In how many seconds something on the screen will read otherwise, if nothing happens; `None` is never.
    pub fn wakes_in(&self) -> Option<u64> {
        let age = self.since().map(|since| words::age(self.now, since).1);
        age.into_iter().chain(sign_in::wakes_in(self)).min()
    }

    /// When the facts of the pane were read, if they are live.
    pub fn since(&self) -> Option<Time> {
        use crate::model::snapshot::State;
        if !self.is_live() {
            return None;
        }
        let facts = self.facts();
        let part = condition::parts(self.pane, &facts).into_iter().next()?;
        match part.state {
            State::Known { since } | State::Partial { since, .. } | State::Stale { since, .. } => Some(*since),
            _ => None,
        }
    }

    fn document_at(&self, evidence: &crate::model::snapshot::Evidence) -> Document {
        let title = evidence.to_string();
        let text = match &evidence.document {
            DocumentRef::AccessPolicy(name) => crate::access::catalog::document(name),
            document => self.cluster.as_ref().and_then(|id| self.snapshot.print(id, document)),
        };
        match text {
            Some(text) => Document::new(title, text, &evidence.path),
            None => Document::missing(title),
        }
    }

    fn tell(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { is_problem: false, text: text.into(), passes: false });
    }

    /// Tells what has begun.
    fn tell_passing(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { is_problem: false, text: text.into(), passes: true });
    }

    fn warn(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { is_problem: true, text: text.into(), passes: false });
    }
}
