//! The commands without a screen.
//!
//! Decides what each command reads (a trace only what its principal's access depends on, a list everything its rows
//! rest on) and hands back what to print; printing is `main`'s. A new command is a function here.

use std::path::Path;

use super::source::{Source, now, read_document, world};
use super::{Trouble, load};
use crate::access::explain::{Ground, message};
use crate::access::find::{Found, find, unread};
use crate::access::identity::{Resolver, Verdict};
use crate::access::inventory::inventory;
use crate::access::trace::trace;
use crate::cli::{LabArgs, Listed, Options, Output};
use crate::lab;
use crate::model::cluster::ClusterId;
use crate::model::document::{SectionNote, SectionState, to_json, to_yaml};
use crate::model::facts::document_of;
use crate::model::principal::{Asked, Query, parse_query};
use crate::model::snapshot::Snapshot;
use crate::model::update::{ClusterUpdate, Update};
use crate::model::visible::visible;
use crate::report::json::TraceJson;
use crate::report::list::{self, Pane};
use crate::report::{self, Exit};

/// What a command prints and ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    /// The answer.
    pub out: String,
    /// What to say beside it.
    pub err: String,
    /// How it ends.
    pub exit: Exit,
}

impl Printed {
    fn answer(out: String, exit: Exit) -> Self {
        Printed { out, err: String::new(), exit }
    }
}

/// `eksplorer trace PRINCIPAL`
pub async fn trace_principal(options: &Options, given: &str) -> Result<Printed, Trouble> {
    let query = parse_query(given).map_err(|error| Trouble::bad_input(error.to_string()))?;
    let source = Source::open(options, None).await?;
    let id = source.cluster(options.cluster.as_deref()).await?;
    let snapshot = match (&source, &query) {
        (Source::File(snapshot), _) => (**snapshot).clone(),
        (Source::Live { session, .. }, Query::Arn(asked)) => load::answer(session, id.clone(), (**asked).clone()).await,
        // A name may be any principal's that some section names, so all are read; then its own facts, which the caller
        // may be allowed to read where the lists are refused.
        (Source::Live { session, .. }, Query::Name(_)) => {
            let mut snapshot = load::whole(session, id.clone()).await;
            let found = find(given, &snapshot.cluster(&id), &snapshot.iam);
            if let Ok(Found::One(asked)) = found {
                load::add(&mut snapshot, |tx| load::ask(session, id.clone(), *asked, None, tx)).await;
            }
            snapshot
        }
    };
    source.check_cluster(&snapshot, &id).await?;
    let snapshot = snapshot.settled();
    let facts = snapshot.cluster(&id);
    let resolver = Resolver::new(&facts, &snapshot.iam);
    let asked = match find(given, &facts, &snapshot.iam).map_err(|error| Trouble::bad_input(error.to_string()))? {
        Found::One(asked) => asked,
        Found::Many(several) => {
            let arns: Vec<String> = several.iter().map(|it| it.arn()).collect();
            return Err(Trouble::bad_input(format!(
                "{} may be any of these, name one: {}",
                visible(given),
                visible(&arns.join(", "))
            )));
        }
        Found::None { .. } => return nameless(options, &id, given, &unread(&facts, &snapshot.iam)),
    };
    let trace = trace(&resolver, &asked);
    let out = match options.output {
        Output::Text => report::trace::text(&id, &trace),
        Output::Json => report::trace::json(&id, given, &trace).map_err(Trouble::failure)?,
    };
    Ok(Printed::answer(out, trace.resolution.verdict.into()))
}

/// A name that nobody has is no error: it does not map, unless somebody may have it whose names could not be read.
fn nameless(options: &Options, id: &ClusterId, given: &str, unread: &[String]) -> Result<Printed, Trouble> {
    let (verdict, because) = if unread.is_empty() {
        (
            Verdict::DoesNotMap,
            "no role, user or permission set of this name is known in the account or the cluster".to_owned(),
        )
    } else {
        let missing = unread.join("; ");
        (
            Verdict::Unknown,
            format!("no principal of this name is known, and not all names could be read ({missing}); give its ARN"),
        )
    };
    let out = match options.output {
        Output::Json => {
            to_json(&TraceJson::nameless(id, given, verdict, &because, unread)).map_err(Trouble::failure)? + "\n"
        }
        Output::Text => {
            let head = if verdict == Verdict::Unknown { "not known" } else { "does not get in" };
            format!("{head}: {}\n{} on {id}\n", visible(&because), visible(given))
        }
    };
    Ok(Printed::answer(out, verdict.into()))
}

/// `eksplorer explain MESSAGE`
pub async fn explain_message(options: &Options, given: &str) -> Result<Printed, Trouble> {
    let given = if given == "-" { standard_input()? } else { given.to_owned() };
    let message = message::read(&given).map_err(|error| Trouble::bad_input(error.to_string()))?;
    let source = Source::open(options, None).await?;
    let id = source.cluster(options.cluster.as_deref()).await?;
    let snapshot = match &source {
        Source::File(snapshot) => (**snapshot).clone(),
        Source::Live { session, .. } => {
            let mut snapshot = load::whole(session, id.clone()).await;
            // The lists may be refused where the principal's own facts are not.
            let caller = || Asked::from_arn(&snapshot.caller.value()?.arn).ok();
            if let Some(asked) = message.asked().or_else(caller) {
                load::add(&mut snapshot, |tx| load::ask(session, id.clone(), asked, None, tx)).await;
            }
            snapshot
        }
    };
    source.check_cluster(&snapshot, &id).await?;
    let snapshot = snapshot.settled();
    let facts = snapshot.cluster(&id);
    let caller = snapshot.caller.value().and_then(|it| Asked::from_arn(&it.arn).ok());
    let explanation = Ground::new(&facts, &snapshot.iam, &id, caller).explain(&message);
    let out = match options.output {
        Output::Text => report::explain::text(&id, &explanation),
        Output::Json => report::explain::json(&id, &explanation).map_err(Trouble::failure)?,
    };
    Ok(Printed::answer(out, report::explain::exit(&explanation)))
}

/// What is piped in; a message is short, and what is longer is cut.
fn standard_input() -> Result<String, Trouble> {
    use std::io::Read as _;
    const MOST: u64 = 1024 * 1024;
    let mut bytes = Vec::new();
    let read = std::io::stdin().take(MOST).read_to_end(&mut bytes);
    read.map_err(|error| Trouble::failure(format!("could not read standard input: {error}")))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// `eksplorer list WHAT`
pub async fn list_rows(options: &Options, what: Listed) -> Result<Printed, Trouble> {
    let source = Source::open(options, None).await?;
    let pane = match what {
        Listed::Clusters => return list_clusters(options, &source).await,
        Listed::Entries => Pane::Entries,
        Listed::AwsAuth => Pane::AwsAuth,
        Listed::Irsa => Pane::Irsa,
        Listed::PodIdentity => Pane::PodIdentity,
        Listed::Roles => Pane::Roles,
        Listed::Principals => Pane::Principals,
    };
    let id = source.cluster(options.cluster.as_deref()).await?;
    let snapshot = match &source {
        Source::File(snapshot) => (**snapshot).clone(),
        Source::Live { session, .. } => load::whole(session, id.clone()).await,
    };
    source.check_cluster(&snapshot, &id).await?;
    let facts = snapshot.cluster(&id);
    let rows = inventory(&facts, &snapshot.iam);
    let caveats = list::caveats(&snapshot, &id, pane);
    let out = match options.output {
        Output::Text => list::text(&rows, pane, &caveats),
        Output::Json => list::json(&id, &rows, pane, &caveats).map_err(Trouble::failure)?,
    };
    Ok(Printed::answer(out, Exit::Yes))
}

async fn list_clusters(options: &Options, source: &Source) -> Result<Printed, Trouble> {
    let snapshot = match source {
        Source::File(snapshot) => (**snapshot).clone(),
        Source::Live { session, .. } => {
            let mut snapshot = load::collect(|tx| load::overview(session, tx)).await;
            if let ([], Some(failure)) = (snapshot.clusters.items(), snapshot.clusters.failure()) {
                return Err(failure.clone().into());
            }
            let described = snapshot.clusters.items().to_vec().into_iter().map(|id| async {
                let section = match session.eks(&id.region).describe_cluster(&id.name).await {
                    Ok(cluster) => crate::model::snapshot::Section::known(cluster, now()),
                    Err(failure) => crate::model::snapshot::Section::failed(failure),
                };
                Update::Cluster(id, ClusterUpdate::Cluster(section))
            });
            for update in futures::future::join_all(described).await {
                snapshot.apply(update);
            }
            snapshot
        }
    };
    let out = match options.output {
        Output::Text => list::clusters_text(&snapshot),
        Output::Json => list::clusters_json(&snapshot).map_err(Trouble::failure)?,
    };
    Ok(Printed::answer(out, Exit::Yes))
}

/// `eksplorer snapshot save FILE`: the cluster named, or all.
pub async fn save_snapshot(options: &Options, file: &Path) -> Result<Printed, Trouble> {
    let source = Source::open(options, None).await?;
    let ids = match &options.cluster {
        Some(named) => vec![source.cluster(Some(named)).await?],
        None => source.clusters().await?.items().to_vec(),
    };
    let snapshot = match &source {
        Source::File(snapshot) => {
            let mut snapshot = (**snapshot).clone();
            snapshot.facts.retain(|id, _| ids.contains(id));
            snapshot
        }
        Source::Live { session, .. } => {
            let mut snapshot = load::snapshot(session, ids.clone()).await;
            snapshot.source = source.kind();
            snapshot
        }
    };
    for id in &ids {
        source.check_cluster(&snapshot, id).await?;
    }
    let document = document_of(&snapshot, now());
    let json = file.extension().is_some_and(|it| it == "json");
    let text = if json { to_json(&document) } else { to_yaml(&document) }.map_err(Trouble::failure)?;
    super::files::write_private(file, &text)
        .map_err(|error| Trouble::failure(format!("could not write {}: {error}", file.display())))?;
    let mut err = format!("saved {} of {}\n", file.display(), summary(&snapshot));
    let whole = |note: &SectionNote| note.state == SectionState::NotApplicable;
    for (name, note) in document.sections.iter().filter(|(_, note)| !whole(note)) {
        let why = note.failure.as_ref().map(ToString::to_string).or(note.because.clone()).unwrap_or_default();
        err.push_str(&format!("not whole: {name}: {}\n", visible(&why)));
    }
    Ok(Printed { out: String::new(), err, exit: Exit::Yes })
}

fn summary(snapshot: &Snapshot) -> String {
    let names: Vec<&str> = snapshot.facts.keys().map(|id| id.name.as_str()).collect();
    match names.len() {
        1 => format!("cluster {}", names.concat()),
        n => format!("{n} clusters: {}", names.join(", ")),
    }
}

/// `eksplorer lab`: serves until the future is dropped. `ready` gets the lines to print.
pub async fn serve_lab(
    options: &Options,
    args: &LabArgs,
    kubeconfig: &Path,
    ready: impl FnOnce(String),
) -> Result<(), Trouble> {
    let document = match &options.from {
        Some(path) => read_document(path)?,
        None => world(options)?,
    };
    let lab = lab::Options {
        port: args.port,
        latency: args.latency,
        page_size: args.page_size,
        caller: options.as_principal.clone(),
        ..lab::Options::default()
    };
    lab::serve(document, lab, kubeconfig, |lab| ready(lab.exports(kubeconfig))).await.map_err(|error| match error {
        lab::LabError::NoSuchPrincipal(_) | lab::LabError::Arn(_) => Trouble::bad_input(error.to_string()),
        _ => Trouble::failure(error.to_string()),
    })
}

/// The same until Ctrl-C, SIGTERM or SIGHUP; the kubeconfig, which holds keys of the lab, goes with it.
pub async fn lab_until_interrupted(
    options: &Options,
    args: &LabArgs,
    ready: impl FnOnce(String),
) -> Result<Printed, Trouble> {
    use tokio::signal::unix::{SignalKind, signal};
    let kubeconfig = std::env::temp_dir().join(format!("eksplorer-lab-{}.kubeconfig", std::process::id()));
    let listen = |kind| signal(kind).map_err(|error| Trouble::failure(format!("could not watch for signals: {error}")));
    let (mut term, mut hup) = (listen(SignalKind::terminate())?, listen(SignalKind::hangup())?);
    let ended = tokio::select! {
        ended = serve_lab(options, args, &kubeconfig, ready) => ended,
        _ = tokio::signal::ctrl_c() => Ok(()),
        _ = term.recv() => Ok(()),
        _ = hup.recv() => Ok(()),
    };
    let _ = std::fs::remove_file(&kubeconfig);
    ended.map(|()| Printed::answer(String::new(), Exit::Yes))
}
