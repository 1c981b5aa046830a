//! What the state wants done, as tasks. Each answers with a message; none touches the state.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::browser::open_address;
use super::load::Needs;
use super::source::now;
use crate::access::explain::Ground;
use crate::access::identity::Resolver;
use crate::access::inventory::inventory_with;
use crate::access::matrix::{first_namespace, matrix};
use crate::access::permissions::{Permissions, Who};
use crate::access::trace::trace;
use crate::access::who::who_can_question;
use crate::access::workload::Workloads;
use crate::app::effect::{Effect, Work};
use crate::app::message::{Analysis, Answer, Msg, Permitted, Ticket};
use crate::app::pane::Pane;
use crate::app::table::Tables;
use crate::edit;
use crate::edit::fix::Explained;
use crate::edit::preflight::Preflight;
use crate::edit::record::History;
use crate::journal;
use crate::model::cluster::ClusterId;
use crate::model::principal::Asked;
use crate::model::review::Review;
use crate::model::section::SectionSet;
use crate::model::sign_in::SessionStatus;
use crate::model::snapshot::{ClusterFacts, IamFacts, Snapshot};
use crate::model::update::{Call, Update};
use crate::report::list;

/// What a source of live facts is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// The caller, the clusters and the account's IAM.
    Overview,
    /// A cluster's facts, for the first time or again.
    Cluster(ClusterId),
    /// Everything again, configuration and credentials first, and the facts of this cluster. What is being read is read
    /// from its beginning.
    Refresh(Ticket, Option<ClusterId>),
    /// Sign in by IAM Identity Center; how far it is comes with the session's status.
    SignIn,
    /// Give up signing in.
    CancelSignIn,
    /// The answer to a request for a code, by its number; `None` gives none.
    GiveCode(u64, Option<String>),
    /// End the program that credentials are waited for from.
    StopProgram,
    /// What is looked at rests on these sections: they are read first.
    LookAtSections(SectionSet),
    /// A principal's own facts, ahead of any sweep.
    Ask(ClusterId, Box<Asked>),
    /// The policies of a role (by name): whether to list them, and those whose text is missing.
    Policies(String, bool, Vec<String>),
    /// What the API server says to a request, to be answered under a ticket.
    Review(ClusterId, Ticket, Box<Review>),
    /// Look at a review as AWS sees it now, and answer with it under a ticket.
    LookAt(ClusterId, Ticket, Box<edit::Review>, Box<Preflight>),
    /// Apply what was agreed to, telling of it under a ticket.
    Apply(ClusterId, Ticket, Work),
    /// Find out what would undo a batch, to be answered under a ticket.
    Undo(Ticket, String),
    /// Find out what is so now of a batch, to be answered under a ticket.
    Look(Ticket, Box<History>),
    /// Stop applying when the step at hand has ended.
    StopApplying,
}

/// Where facts come from while the screen is open.
#[derive(Debug)]
pub enum Feed {
    /// All there is is there already: nothing is fetched.
    Fixed,
    /// A task reads AWS and Kubernetes.
    Live(Live),
}

/// A source of live facts: asked through one channel, answering through four, all of them bounded.
#[derive(Debug)]
pub struct Live {
    /// What is wanted.
    pub requests: mpsc::Sender<Request>,
    /// News of facts.
    pub updates: mpsc::Receiver<Update>,
    /// Answers to what was asked under a ticket.
    pub answers: mpsc::Receiver<(Ticket, Answer)>,
    /// The calls made.
    pub calls: mpsc::Receiver<Call>,
    /// What the session waits for, and where it asks.
    pub status: watch::Receiver<SessionStatus>,
    /// The task behind it; if it panics the program ends.
    pub task: JoinHandle<()>,
}

/// How many requests may wait for a source that is busy.
pub const MOST_REQUESTS: usize = 64;

/// What the loop itself must do, since it alone has the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Send a text to the terminal's clipboard.
    Copy(String),
    /// Stop for a while.
    Suspend,
    /// End.
    Quit,
}

/// What effects are computed from: the facts, and what was computed from them before.
#[derive(Clone, Copy, Debug)]
pub struct AtHand<'a> {
    /// The facts.
    pub snapshot: &'a Arc<Snapshot>,
    /// Of the cluster looked at, once there is one.
    pub analysis: Option<&'a Arc<Analysis>>,
    /// Where the journal is kept.
    pub folder: &'a Path,
}

/// The sections that the rows of a pane rest on.
fn sections_of(pane: Pane) -> SectionSet {
    let rows = match pane {
        Pane::Entries => list::Pane::Entries,
        Pane::AwsAuth => list::Pane::AwsAuth,
        Pane::Irsa => list::Pane::Irsa,
        Pane::PodIdentity => list::Pane::PodIdentity,
        Pane::Roles => list::Pane::Roles,
        Pane::Principals => list::Pane::Principals,
        Pane::Groups => list::Pane::Groups,
        Pane::Posture => list::Pane::Posture,
        // All of them: none goes before another.
        Pane::Findings => return SectionSet::ALL,
    };
    Needs::rows(rows).sections
}

/// Sets about an effect. Gives back what only the loop can do.
pub fn set_about(
    effect: Effect,
    AtHand { snapshot, analysis: known, folder }: AtHand<'_>,
    requests: Option<&mpsc::Sender<Request>>,
    tasks: &mut JoinSet<Option<Msg>>,
) -> Option<Rest> {
    let mut ask = |request: Request| {
        let Some(requests) = requests else { return };
        let requests = requests.clone();
        match requests.try_send(request) {
            Ok(()) => {}
            // A source that is that busy is waited for beside the loop, never in it.
            Err(mpsc::error::TrySendError::Full(request)) => {
                tasks.spawn(async move {
                    let _ = requests.send(request).await;
                    None
                });
            }
            // Its end is noticed by the loop, which watches the task.
            Err(mpsc::error::TrySendError::Closed(_)) => {}
        }
    };
    match effect {
        Effect::Overview => ask(Request::Overview),
        Effect::Load(cluster) => ask(Request::Cluster(cluster)),
        Effect::Refresh { ticket, cluster } => ask(Request::Refresh(ticket, cluster)),
        Effect::SignIn => ask(Request::SignIn),
        Effect::CancelSignIn => ask(Request::CancelSignIn),
        Effect::GiveCode { number, code } => ask(Request::GiveCode(number, code)),
        Effect::StopProgram => ask(Request::StopProgram),
        Effect::OpenAddress(address) => {
            tasks.spawn(async move { Some(Msg::AddressOpened(open_address(&address).await)) });
        }
        Effect::LookAtPane(pane) => ask(Request::LookAtSections(sections_of(pane))),
        Effect::Ask { cluster, asked } => ask(Request::Ask(cluster, asked)),
        Effect::Policies { role, list, arns } => ask(Request::Policies(role, list, arns)),
        Effect::Analyse { ticket, cluster } => {
            let (facts, iam) = (snapshot.cluster(&cluster), snapshot.iam.clone());
            tasks.spawn_blocking(move || Some(Msg::Answer(ticket, Answer::Analysis(Arc::new(analysis(&facts, &iam))))));
        }
        Effect::Trace { ticket, cluster, asked } => {
            let (facts, iam) = (snapshot.cluster(&cluster), snapshot.iam.clone());
            tasks.spawn_blocking(move || {
                let chain = trace(&Resolver::new(&facts, &iam), &Permissions::of(&facts), &asked);
                Some(Msg::Answer(ticket, Answer::Trace(Arc::new(chain))))
            });
        }
        Effect::Matrix { ticket, cluster, asked, namespace } => {
            let (facts, iam) = (snapshot.cluster(&cluster), snapshot.iam.clone());
            let known = known.cloned();
            tasks.spawn_blocking(move || {
                let permissions = known.map_or_else(|| Permissions::of(&facts), |it| it.permissions.clone());
                let permitted = permitted(&facts, &iam, permissions, &asked, namespace.as_deref());
                Some(Msg::Answer(ticket, Answer::Matrix(Arc::new(permitted))))
            });
        }
        Effect::WhoCan { ticket, cluster, question } => {
            let (facts, iam) = (snapshot.cluster(&cluster), snapshot.iam.clone());
            let known = known.cloned();
            tasks.spawn_blocking(move || {
                let known = known.unwrap_or_else(|| Arc::new(analysis(&facts, &iam)));
                let answer = who_can_question(&facts, &known.permissions, &known.inventory.principals, &question);
                Some(Msg::Answer(ticket, Answer::WhoCan(Arc::new(answer))))
            });
        }
        Effect::Review { ticket, cluster, review } => ask(Request::Review(cluster, ticket, review)),
        Effect::Explain { ticket, cluster, message } => {
            let (facts, iam) = (snapshot.cluster(&cluster), snapshot.iam.clone());
            let caller = snapshot.caller.value().and_then(|it| Asked::from_arn(&it.arn).ok());
            tasks.spawn_blocking(move || {
                let explained = Explained::new(&Ground::new(&facts, &iam, &cluster, caller), &message);
                Some(Msg::Answer(ticket, Answer::Explain(Arc::new(explained))))
            });
        }
        Effect::Plan { ticket, cluster, draft } => {
            let (facts, iam) = (snapshot.cluster(&cluster), snapshot.iam.clone());
            let caller = snapshot.caller.value().and_then(|it| Asked::from_arn(&it.arn).ok());
            let (known, requests) = (known.cloned(), requests.cloned());
            tasks.spawn_blocking(move || {
                let permissions = known.map_or_else(|| Permissions::of(&facts), |it| it.permissions.clone());
                let review = edit::review(&facts, &iam, &permissions, caller.as_ref(), &draft, Some(now()));
                let Some(requests) = requests else { return Some(Msg::Answer(ticket, Answer::Plan(Arc::new(review)))) };
                // Where AWS can be asked, it has a say before the review is shown.
                let preflight = Box::new(Preflight::of(&facts, &iam, caller.as_ref(), &review.steps));
                let _ = requests.blocking_send(Request::LookAt(cluster, ticket, Box::new(review), preflight));
                None
            });
        }
        Effect::Apply { ticket, cluster, work } => ask(Request::Apply(cluster, ticket, work)),
        Effect::Undo { ticket, batch } => ask(Request::Undo(ticket, batch)),
        Effect::StopApplying => ask(Request::StopApplying),
        Effect::Look { ticket, history } => ask(Request::Look(ticket, history)),
        Effect::Journal { ticket } => {
            let folder = folder.to_owned();
            tasks.spawn_blocking(move || {
                let book = journal::read(&folder).map(Arc::new).map_err(|error| error.to_string());
                Some(Msg::Answer(ticket, Answer::Journal(book)))
            });
        }
        Effect::Note { ticket, cluster, told } => {
            let (facts, iam) = (snapshot.cluster(&cluster), snapshot.iam.clone());
            let caller = snapshot.caller.value().and_then(|it| Asked::from_arn(&it.arn).ok());
            let known = known.cloned();
            tasks.spawn_blocking(move || {
                let permissions = known.map_or_else(|| Permissions::of(&facts), |it| it.permissions.clone());
                let note = told.note(&facts, &iam, &permissions, caller.as_ref(), Some(now()));
                Some(Msg::Answer(ticket, Answer::Note(note)))
            });
        }
        Effect::Workload { ticket, cluster, subject } => {
            let (facts, iam) = (snapshot.cluster(&cluster), snapshot.iam.clone());
            tasks.spawn_blocking(move || {
                let shown = Workloads::new(&facts, &iam).shown(&subject);
                Some(Msg::Answer(ticket, Answer::Workload(Arc::new(shown))))
            });
        }
        Effect::Copy(text) => return Some(Rest::Copy(text)),
        Effect::Suspend => return Some(Rest::Suspend),
        Effect::Quit => return Some(Rest::Quit),
    }
    None
}

/// All that the panes show of a cluster.
pub fn analysis(facts: &ClusterFacts, iam: &IamFacts) -> Analysis {
    let permissions = Permissions::of(facts);
    let inventory = inventory_with(facts, iam, &permissions);
    let tables = Tables::of(&inventory, iam.account.as_deref());
    Analysis { inventory, tables, permissions }
}

/// What one principal may do in one namespace; without one, where it is best looked at first.
pub fn permitted(
    facts: &ClusterFacts,
    iam: &IamFacts,
    permissions: Permissions,
    asked: &Asked,
    namespace: Option<&str>,
) -> Permitted {
    let who = Who::of(&Resolver::new(facts, iam).resolve(asked));
    let namespace = namespace.map_or_else(|| first_namespace(&permissions, &who), str::to_owned);
    let matrix = matrix(&permissions, &who, &namespace);
    let dangers = permissions.dangers(&who);
    let grants = permissions.grants(&who).into_iter().map(|held| held.grant).collect();
    Permitted { who, matrix, dangers, grants, permissions }
}
