//! Who may make a request, a line for each, on the whole body.
//!
//! Decides in which words a holder is told on its line, and what is said of the one under the cursor; who holds what is
//! `access::who`'s.

use std::sync::Arc;

use tui_input::Input;

use super::scroll::Scroll;
use super::told::{Check, path};
use crate::access::Mark;
use crate::access::kubectl::Question;
use crate::access::permissions::{Allowing, Grant, Permissions, Via, Who};
use crate::access::who::{Holder, Holding, WhoCan, evidence};
use crate::app::columns::named;
use crate::app::filter::Filter;
use crate::app::message::{Analysis, Slot};
use crate::app::pane::Motion;
use crate::app::table;
use crate::app::words::count;
use crate::model::principal::{Asked, Principal};
use crate::model::request::Request;
use crate::model::snapshot::Evidence;

/// A holder, as a line.
#[derive(Clone, Debug, PartialEq)]
pub struct HolderLine {
    /// Its place in the answer.
    holder: usize,
    /// Its state.
    pub mark: Mark,
    /// Who: `role/ci`, `sa payments/reaper`, `group devs`.
    pub who: String,
    /// Through what: `group devs → RoleBinding payments/ci → Role deployer`.
    pub path: String,
    /// What else: pods, the permission set.
    pub note: String,
    /// Is it a component of the control plane, or a node?
    pub is_system: bool,
    /// Its ARN; empty for what has none.
    pub arn: String,
}

/// The answer on the screen.
#[derive(Clone, Debug)]
pub struct WhoView {
    /// What was asked.
    pub question: Question,
    /// The request; of a command of kubectl, the one that it is named for.
    pub request: Request,
    /// What was made of the words in which it was asked.
    pub notes: Vec<String>,
    /// The answer, once it is there.
    pub answer: Option<Arc<WhoCan>>,
    lines: Vec<HolderLine>,
    /// Narrows the lines.
    pub filter: Input,
    /// Is the filter being typed?
    pub editing: bool,
    shown: Vec<usize>,
    /// The line under the cursor, among those shown.
    pub scroll: Scroll,
    /// What is said of it: the ways in which it may, and what is to be said beside.
    pub told: Vec<String>,
    /// What the API server was asked last.
    pub check: Option<Check>,
    /// For the answer.
    pub slot: Slot,
}

impl WhoView {
    /// Of a question.
    pub fn new(question: Question) -> Self {
        let meant = &question.meant;
        let mut notes: Vec<String> = question.translation().into_iter().chain(meant.notes.iter().cloned()).collect();
        if !meant.alternatives.is_empty() {
            notes.push(format!("unknown: {}", meant.open));
        }
        WhoView {
            request: meant.request.clone(),
            question,
            notes,
            answer: None,
            lines: Vec::new(),
            filter: Input::default(),
            editing: false,
            shown: Vec::new(),
            scroll: Scroll::default(),
            told: Vec::new(),
            check: None,
            slot: Slot::default(),
        }
    }

    /// Takes in an answer; the cursor stays on its holder.
    pub fn take(&mut self, answer: Arc<WhoCan>, analysis: Option<&Analysis>, home: Option<&str>, page: usize) {
        let before = self.holder().map(|it| it.subject.clone());
        self.lines = answer.holders.iter().enumerate().map(|(at, it)| line(at, it, home)).collect();
        self.answer = Some(answer);
        self.narrow();
        let same = |at: &usize| self.holder_of(*at).map(|it| &it.subject) == before.as_ref();
        let at = self.shown.iter().position(same).filter(|_| before.is_some()).unwrap_or(self.scroll.at);
        self.put(at, analysis, page);
    }

    /// Takes in another filter; the cursor stays on its holder.
    pub fn arrange(&mut self, analysis: Option<&Analysis>, page: usize) {
        let before = self.shown.get(self.scroll.at).copied();
        self.narrow();
        let at = self.shown.iter().position(|it| Some(*it) == before);
        self.put(at.unwrap_or(self.scroll.at), analysis, page);
    }

    fn narrow(&mut self) {
        let filter = Filter::parse(self.filter.value(), &[]);
        let kept = |line: &HolderLine| {
            let cells = vec![line.who.clone(), line.path.clone(), line.note.clone()];
            filter.keeps(&table::Row { cells, mark: line.mark, arn: line.arn.clone(), ..table::Row::default() })
        };
        self.shown = self.lines.iter().enumerate().filter(|(_, line)| kept(line)).map(|(at, _)| at).collect();
    }

    /// The lines shown.
    pub fn lines(&self) -> impl Iterator<Item = &HolderLine> {
        self.shown.iter().filter_map(|at| self.lines.get(*at))
    }

    /// How many are shown, and how many there are.
    pub fn counts(&self) -> (usize, usize) {
        (self.shown.len(), self.lines.len())
    }

    /// The line under the cursor.
    pub fn line(&self) -> Option<&HolderLine> {
        self.lines.get(*self.shown.get(self.scroll.at)?)
    }

    fn holder_of(&self, at: usize) -> Option<&Holder> {
        self.answer.as_ref()?.holders.get(self.lines.get(at)?.holder)
    }

    /// The holder under the cursor.
    pub fn holder(&self) -> Option<&Holder> {
        self.holder_of(*self.shown.get(self.scroll.at)?)
    }

    /// Moves the cursor.
    pub fn go(&mut self, motion: Motion, analysis: Option<&Analysis>, page: usize) {
        self.put(motion.from(self.scroll.at, self.shown.len(), page), analysis, page);
    }

    /// Puts the cursor on a line, among those shown.
    pub fn put(&mut self, at: usize, analysis: Option<&Analysis>, page: usize) {
        self.scroll.put(at, self.shown.len(), page);
        self.told = self.holder().map(|it| told(it, analysis)).unwrap_or_default();
    }

    /// The principal under the cursor, if it is one.
    pub fn principal(&self) -> Option<Asked> {
        match &self.holder()?.subject {
            Holding::Principal { principal, .. } => Some(Asked::principal((**principal).clone())),
            _ => None,
        }
    }

    /// Where the line under the cursor was read.
    pub fn evidence(&self) -> Option<Evidence> {
        evidence(self.holder()?)
    }

    /// The identity under the cursor, if it is somebody's.
    pub fn who(&self, analysis: Option<&Analysis>) -> Option<Who> {
        identity(self.holder()?, analysis)
    }

    /// What the API server says of the line under the cursor, if it was asked.
    pub fn checked(&self, analysis: Option<&Analysis>) -> Option<&Check> {
        let check = self.check.as_ref()?;
        self.who(analysis).filter(|who| check.is_about(who, &self.request)).and(Some(check))
    }
}

fn identity(holder: &Holder, analysis: Option<&Analysis>) -> Option<Who> {
    match &holder.subject {
        Holding::Principal { principal, .. } => {
            let key = principal.key();
            let rows = &analysis?.inventory.principals;
            rows.iter().find(|row| row.principal.key() == key).map(|row| Who::of(&row.resolution))
        }
        Holding::ServiceAccount { namespace, name, .. } => Some(Who::service_account(namespace, name)),
        _ => None,
    }
}

fn line(at: usize, holder: &Holder, home: Option<&str>) -> HolderLine {
    // Nodes may for their own sake.
    let of_node = !holder.paths.is_empty() && holder.paths.iter().all(|it| it.grant == Grant::Node);
    let is_system = of_node || matches!(holder.subject, Holding::System(_));
    let who = holder.subject.tell(|it| named(it, home));
    let arn = match &holder.subject {
        Holding::Principal { principal, .. } => principal.arn(),
        Holding::User(name) if name.starts_with("arn:") => name.clone(),
        _ => String::new(),
    };
    let more = holder.paths.len().saturating_sub(1);
    let more = if more > 0 { format!(" +{more}") } else { String::new() };
    let path = match (holder.paths.first(), holder.notes.first()) {
        (Some(first), _) => format!("{}{more}", short_path(first)),
        (None, Some(why)) => why.clone(),
        (None, None) => String::new(),
    };
    // What stands in the path's place need not stand beside it.
    let said = usize::from(holder.paths.is_empty());
    let set = match &holder.subject {
        Holding::Principal { principal, .. } => set(principal),
        _ => None,
    };
    let pods = match &holder.subject {
        Holding::ServiceAccount { pods: Some(pods), .. } => Some(count(pods.len(), "pod", "pods")),
        Holding::ServiceAccount { pods: None, .. } => Some("pods not known".to_owned()),
        _ => None,
    };
    let note =
        pods.into_iter().chain(set).chain(holder.notes.iter().skip(said).cloned()).collect::<Vec<_>>().join(" · ");
    HolderLine { holder: at, mark: holder.mark(), who, path, note, is_system, arn }
}

fn set(principal: &Principal) -> Option<String> {
    principal.permission_set().map(|set| format!("people of permission set {set}"))
}

/// `group devs → RoleBinding payments/ci → Role deployer`; what the line's beginning says already is left out.
fn short_path(allowing: &Allowing) -> String {
    match &allowing.grant {
        Grant::Binding { role, via: Via::Group(group), .. } => {
            format!("group {group} → {} → {role}", allowing.grant.object())
        }
        Grant::Binding { role, .. } => format!("{} → {role}", allowing.grant.object()),
        other => other.to_string(),
    }
}

/// Every way in which a holder may, and what is to be said beside.
fn told(holder: &Holder, analysis: Option<&Analysis>) -> Vec<String> {
    let none = Permissions::default();
    let permissions = analysis.map_or(&none, |it| &it.permissions);
    let mut lines: Vec<String> = holder.paths.iter().map(|it| path(permissions, it)).collect();
    // Why it is not known says most, where it is not.
    let (first, last) = if lines.is_empty() { (&*holder.notes, &[][..]) } else { (&[][..], &*holder.notes) };
    lines.extend(first.iter().cloned());
    match &holder.subject {
        Holding::Principal { username, .. } if !username.is_empty() => lines.push(format!("as {username}")),
        Holding::ServiceAccount { pods: Some(pods), .. } if !pods.is_empty() => {
            lines.push(format!("{} {}", if pods.len() == 1 { "pod" } else { "pods" }, pods.join(", ")));
        }
        _ => {}
    }
    lines.extend(last.iter().cloned());
    lines
}
