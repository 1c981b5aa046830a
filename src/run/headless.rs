//! The commands without a screen.
//!
//! Decides what each command reads (a trace only what its principal's access depends on, a list everything its rows
//! rest on) and hands back what to print; printing is `main`'s. A new command is a function here.

mod audit;
mod edit;
mod explain;
mod identity;
mod journal;
mod permissions;
mod why;

use std::path::Path;
use std::sync::Arc;

pub use audit::audit_cluster;
pub use edit::{grant, plan_file, revoke};
pub use explain::explain_message;
pub use identity::show_permissions;
pub use journal::{Tell, apply_batch, journal, open_journal, resume, undo};
pub use permissions::{can, who_can};
use tokio::sync::mpsc;
pub use why::{why_account, why_pod, why_role};

use super::load::{ListedEntries, Needs};
use super::source::{Source, now, read_document, world};
use super::{Trouble, load};
use crate::access::Verdict;
use crate::access::did_you_mean::{UnknownName, sentence};
use crate::access::find::{Found, find, unknown_principal, unread};
use crate::access::identity::Resolver;
use crate::access::inventory::inventory;
use crate::access::permissions::{Permissions, Who};
use crate::access::trace::trace;
use crate::cli::{GenerateArgs, LabArgs, Listed, Options, Output, SizeArgs};
use crate::cloud::{Session, SignalsHandled};
use crate::lab;
use crate::lab::generate::{self, Sizes};
use crate::model::cluster::ClusterId;
use crate::model::document::{Document, SectionNote, SectionState, to_json, to_yaml};
use crate::model::facts::document_of;
use crate::model::principal::{Query, parse_query};
use crate::model::snapshot::Snapshot;
use crate::model::update::{ClusterUpdate, Update};
use crate::model::visible::{visible, visible_text};
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
    /// What a terminal would obey is written out, wherever in the answer it is.
    pub(super) fn new(out: &str, err: &str, exit: Exit) -> Self {
        Printed { out: visible_text(out).into_owned(), err: visible_text(err).into_owned(), exit }
    }

    pub(super) fn answer(out: String, exit: Exit) -> Self {
        Printed::new(&out, "", exit)
    }
}

/// What an answer rests on: about a principal that is named by its ARN only its own facts and the RBAC objects; about one
/// that is named otherwise, whoever may be called so, and then the same; else what the question needs.
async fn facts_for(source: &Source, id: &ClusterId, about: Option<&Query>, needs: &Needs) -> Result<Snapshot, Trouble> {
    let snapshot = match (source, about) {
        (Source::File(snapshot), _) => (**snapshot).clone(),
        (Source::Live { session, .. }, Some(Query::Arn(asked))) => {
            load::answer(session, id.clone(), (**asked).clone()).await
        }
        (Source::Live { session, .. }, None) if *needs == Needs::ALL => load::whole(session, id.clone()).await,
        (Source::Live { session, .. }, None) => load::facts(session, id.clone(), needs).await,
        (Source::Live { session, .. }, Some(Query::Name(name))) => {
            let mut snapshot = load::facts(session, id.clone(), &Needs::name()).await;
            match find(name, &snapshot.cluster(id), &snapshot.iam) {
                Ok(Found::One(asked)) => {
                    let facts = snapshot.cluster(id);
                    let cluster = match (facts.cluster.value(), facts.cluster.failure()) {
                        (Some(cluster), _) => Some(Ok(Arc::new(cluster.clone()))),
                        (None, failure) => failure.cloned().map(Err),
                    };
                    let names = facts.aws_auth.gap().is_none() && snapshot.iam.roles.gap().is_none();
                    let read = load::AlreadyRead { cluster, names };
                    load::add(&mut snapshot, |tx| load::ask(session, id.clone(), *asked, read, tx)).await;
                }
                // A workload may name a role that nothing else does.
                Ok(Found::None { .. }) => snapshot = load::whole(session, id.clone()).await,
                Ok(Found::Many(_)) | Err(_) => {}
            }
            snapshot
        }
    };
    source.check_cluster(&snapshot, id).await?;
    Ok(snapshot.settled())
}

/// `eksplorer trace PRINCIPAL`
pub async fn trace_principal(options: &Options, given: &str) -> Result<Printed, Trouble> {
    if Who::subject(given).is_some() {
        return identity::trace_subject(options, given).await;
    }
    let query = parse_query(given).map_err(|error| Trouble::bad_input(error.to_string()))?;
    let source = Source::open(options, None).await?;
    let id = source.cluster(options.cluster.as_deref()).await?;
    let snapshot = facts_for(&source, &id, Some(&query), &Needs::ALL).await?;
    let facts = snapshot.cluster(&id);
    let resolver = Resolver::new(&facts, &snapshot.iam);
    let asked = match find(given, &facts, &snapshot.iam).map_err(|error| Trouble::bad_input(error.to_string()))? {
        Found::One(asked) => asked,
        Found::Many(several) => {
            let arns: Vec<String> = several.iter().map(|it| it.arn()).collect();
            return Err(ambiguous(given, &arns));
        }
        Found::None { complete } => {
            if complete {
                ask_back(options, &[unknown_principal(given, &facts, &snapshot.iam)])?;
            }
            return nameless(options, &id, given, &unread(&facts, &snapshot.iam));
        }
    };
    let trace = trace(&resolver, &Permissions::of(&facts), &asked);
    let out = match options.output {
        Output::Text => report::trace::text(&id, &trace),
        Output::Json | Output::Sarif => report::trace::json(&id, given, &trace).map_err(Trouble::failure)?,
    };
    Ok(Printed::answer(out, trace.resolution.verdict.into()))
}

fn ambiguous(given: &str, arns: &[String]) -> Trouble {
    Trouble::bad_input(format!("{} may be any of these, name one: {}", visible(given), visible(&arns.join(", "))))
}

/// Refuses names that nobody knows, with what may have been meant, unless they are to be taken as they are. Only names
/// that a complete list does not hold come here: what was not read may hold any name.
fn ask_back(options: &Options, misread: &[UnknownName]) -> Result<(), Trouble> {
    if misread.is_empty() || options.assume_exists {
        return Ok(());
    }
    let hint = "to ask about it all the same, add --assume-exists";
    Err(Trouble::bad_input(format!("{}\n{hint}", visible(&sentence(misread)))))
}

/// A name that nobody has, where it is taken as it is, is no error: it does not map, unless somebody may have it whose names could not be read.
fn nameless(options: &Options, id: &ClusterId, given: &str, unread: &[String]) -> Result<Printed, Trouble> {
    let (verdict, because) = if unread.is_empty() {
        (Verdict::No, "no role, user or permission set of this name is known in the account or the cluster".to_owned())
    } else {
        let missing = unread.join("; ");
        (
            Verdict::Unknown,
            format!("no principal of this name is known, and not all names could be read ({missing}); give its ARN"),
        )
    };
    let out = match options.output {
        Output::Json | Output::Sarif => {
            to_json(&TraceJson::nameless(id, given, verdict, &because, unread)).map_err(Trouble::failure)? + "\n"
        }
        Output::Text => {
            let head = if verdict == Verdict::Unknown { "not known" } else { "does not get in" };
            format!("{head}: {}\n{} on {id}\n", visible(&because), visible(given))
        }
    };
    Ok(Printed::answer(out, verdict.into()))
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
        Listed::Groups => Pane::Groups,
        Listed::Posture => Pane::Posture,
    };
    let id = source.cluster(options.cluster.as_deref()).await?;
    let mut snapshot = facts_for(&source, &id, None, &Needs::rows(pane)).await?;
    if let Source::Live { session, .. } = &source {
        read_for_rows(session, &id, pane, &mut snapshot).await;
        snapshot = snapshot.settled();
    }
    let facts = snapshot.cluster(&id);
    let rows = inventory(&facts, &snapshot.iam);
    let caveats = list::caveats(&snapshot, &id, pane);
    let out = match options.output {
        Output::Text => list::text(&rows, pane, &caveats),
        Output::Json | Output::Sarif => list::json(&id, &rows, pane, &caveats).map_err(Trouble::failure)?,
    };
    Ok(Printed::answer(out, Exit::Yes))
}

/// Reads what the rows of a pane need beside, when it is known which they are.
async fn read_for_rows(session: &Session, id: &ClusterId, pane: Pane, snapshot: &mut Snapshot) {
    match pane {
        Pane::AwsAuth => load::read_listed_entries(session, id, &ListedEntries::OfAwsAuth, snapshot).await,
        Pane::Irsa => {
            let rows = inventory(&snapshot.cluster(id), &snapshot.iam).irsa;
            let accounts = rows.into_iter().map(|it| (it.namespace, it.service_account)).collect();
            load::read_more(session, id, &Needs::associations_of(accounts), snapshot).await;
        }
        _ => {}
    }
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
        Output::Json | Output::Sarif => list::clusters_json(&snapshot).map_err(Trouble::failure)?,
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
    save(&document, file, false)?;
    let mut err = format!("saved {} of {}\n", file.display(), summary(&snapshot));
    for (name, note) in document.sections.iter().filter(|(_, note)| !is_whole(note)) {
        err.push_str(&format!("not whole: {name}: {}\n", visible(&incomplete(note))));
    }
    Ok(Printed::new("", &err, Exit::Yes))
}

/// Whether all of a section is known: that there is nothing, or that there can be none, is.
fn is_whole(note: &SectionNote) -> bool {
    matches!(note.state, SectionState::NotApplicable | SectionState::Empty)
}

/// What of a section was not read, and why: each reason once, with the items it holds for.
fn incomplete(note: &SectionNote) -> String {
    let own = note.failure.as_ref().map(ToString::to_string).or_else(|| note.because.clone());
    let mut reasons: Vec<(String, Vec<&str>)> = own.map(|why| (why, Vec::new())).into_iter().collect();
    for missing in &note.missing {
        let why = missing.failure.to_string();
        let item = missing.item.as_deref();
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, items)) => items.extend(item),
            None => reasons.push((why, item.into_iter().collect())),
        }
    }
    let tell = |(why, items): (String, Vec<&str>)| match items.is_empty() {
        true => why,
        false => format!("{} ({why})", items.join(", ")),
    };
    reasons.into_iter().map(tell).collect::<Vec<_>>().join("; ")
}

/// Writes a document to a file: YAML, or JSON if asked for or if the name ends so.
fn save(document: &Document, file: &Path, json: bool) -> Result<(), Trouble> {
    let json = json || file.extension().is_some_and(|it| it == "json");
    let text = written(document, json)?;
    super::files::write_private(file, &text)
        .map_err(|error| Trouble::failure(format!("could not write {}: {error}", file.display())))
}

/// As text that ends in a line's end, as a shell expects it.
fn written(document: &Document, json: bool) -> Result<String, Trouble> {
    let mut text = if json { to_json(document) } else { to_yaml(document) }.map_err(Trouble::failure)?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

fn summary(snapshot: &Snapshot) -> String {
    let names: Vec<&str> = snapshot.facts.keys().map(|id| id.name.as_str()).collect();
    match names.len() {
        1 => format!("cluster {}", names.concat()),
        n => format!("{n} clusters: {}", names.join(", ")),
    }
}

/// `eksplorer lab generate [FILE]`: a world made by number, with nothing read from anywhere.
pub fn generate_world(options: &Options, args: &GenerateArgs) -> Result<Printed, Trouble> {
    let ignored = [
        ("--demo", options.demo),
        ("--world", options.world.is_some()),
        ("--from", options.from.is_some()),
        ("--as", options.as_principal.is_some()),
    ];
    if let Some((flag, _)) = ignored.iter().find(|(_, given)| *given) {
        return Err(Trouble::bad_input(format!(
            "{flag} has no meaning for lab generate, which makes a world of its own: leave it out, and use it with what was made"
        )));
    }
    let document = generate::world(&sizes(&args.sizes), args.seed);
    let json = options.output == Output::Json;
    match &args.file {
        None => Ok(Printed::answer(written(&document, json)?, Exit::Yes)),
        Some(file) => {
            save(&document, file, json)?;
            let err = format!("wrote {}; look at it with --world, or serve it with lab --world\n", file.display());
            Ok(Printed::new("", &err, Exit::Yes))
        }
    }
}

fn sizes(args: &SizeArgs) -> Sizes {
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    Sizes {
        entries: size(args.entries),
        aws_auth_rows: size(args.aws_auth_rows),
        roles: size(args.roles),
        users: size(args.users),
        role_bindings: size(args.role_bindings),
        cluster_role_bindings: size(args.cluster_role_bindings),
        k8s_roles: size(args.k8s_roles),
        cluster_roles: size(args.cluster_roles),
        namespaces: size(args.namespaces),
        service_accounts: size(args.service_accounts),
        pods: size(args.pods),
        nodes: size(args.nodes),
        associations: size(args.associations),
        irsa: size(args.irsa),
    }
}

/// `eksplorer lab`: serves until the future is dropped. `tell` gets what to print: lines for a shell when it is ready,
/// and for people when it holds a call, until something comes from `release`.
pub async fn serve_lab(
    options: &Options,
    args: &LabArgs,
    kubeconfig: &Path,
    release: mpsc::Receiver<()>,
    mut tell: impl FnMut(Told),
) -> Result<(), Trouble> {
    let document = match &options.from {
        Some(path) => read_document(path)?,
        None => world(options)?,
    };
    let faults: Result<Vec<lab::Fault>, _> = args.faults.iter().map(|text| text.parse()).collect();
    let faults = faults.map_err(|error: lab::FaultError| Trouble::bad_input(format!("--fault: {error}")))?;
    let lab = lab::Options {
        port: args.port,
        latency: args.latency,
        page_size: args.page_size,
        lag: args.lag,
        faults: faults.into(),
        caller: options.as_principal.clone(),
        ..lab::Options::default()
    };
    let report = |report: lab::Report<'_>| match report {
        lab::Report::Ready(lab) => tell(Told::Lines(lab.exports(kubeconfig))),
        lab::Report::Held { operation, number } => tell(Told::Note(format!(
            "held: call {number} of {operation}; release it with: kill -USR1 {}\n",
            std::process::id()
        ))),
    };
    lab::serve(document, lab, kubeconfig, release, report).await.map_err(|error| match error {
        lab::LabError::NoSuchPrincipal(..) | lab::LabError::Arn(_) => Trouble::bad_input(error.to_string()),
        _ => Trouble::failure(error.to_string()),
    })
}

/// What a lab has to say while it serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// For standard output, where a shell reads it.
    Lines(String),
    /// For standard error.
    Note(String),
}

/// The same until Ctrl-C, SIGTERM or SIGHUP; the kubeconfig, which holds keys of the lab, goes with it. SIGUSR1 releases
/// what is held.
pub async fn lab_until_interrupted(
    options: &Options,
    args: &LabArgs,
    tell: impl FnMut(Told),
) -> Result<Printed, Trouble> {
    use tokio::signal::unix::{SignalKind, signal};
    let _handled = SignalsHandled::new();
    let kubeconfig = std::env::temp_dir().join(format!("eksplorer-lab-{}.kubeconfig", std::process::id()));
    let listen = |kind| signal(kind).map_err(|error| Trouble::failure(format!("could not watch for signals: {error}")));
    let (mut term, mut hup) = (listen(SignalKind::terminate())?, listen(SignalKind::hangup())?);
    let mut usr1 = listen(SignalKind::user_defined1())?;
    let (releases, release) = mpsc::channel(1);
    let forward = async {
        while usr1.recv().await.is_some() {
            let _ = releases.send(()).await;
        }
    };
    let ended = tokio::select! {
        // In a box: it is deep, and within the whole program deeper than the compiler follows.
        ended = Box::pin(serve_lab(options, args, &kubeconfig, release, tell)) => ended,
        _ = tokio::signal::ctrl_c() => Ok(()),
        _ = term.recv() => Ok(()),
        _ = hup.recv() => Ok(()),
        () = forward => Ok(()),
    };
    let _ = std::fs::remove_file(&kubeconfig);
    ended.map(|()| Printed::answer(String::new(), Exit::Yes))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command, LabAction};

    #[test]
    fn a_world_without_flags_has_the_default_sizes() {
        let cli = Cli::parse_from(["eksplorer", "lab", "generate"]);
        let Some(Command::Lab(LabArgs { action: Some(LabAction::Generate(args)), .. })) = cli.command else {
            panic!("{:?}", cli.command)
        };
        assert_eq!(sizes(&args.sizes), Sizes::default());
    }
}
