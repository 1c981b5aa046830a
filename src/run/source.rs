//! Where the facts come from: a file, the embedded lab, or AWS and Kubernetes.
//!
//! Decides how each is opened and which cluster is meant. A file is read once and asks nobody; the lab is started here
//! and the ordinary clients are pointed at it, with nothing of the environment used.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::files::read_text;
use super::secret::ask_for_code;
use super::{Trouble, load};
use crate::access::did_you_mean::{NameKind, UnknownName};
use crate::cli::Options;
use crate::cloud::{self, CodePrompt, Endpoint, Session};
use crate::config::DEFAULT_CONCURRENCY;
use crate::lab::{self, Lab};
use crate::model::cluster::ClusterId;
use crate::model::document::{Document, read};
use crate::model::facts::{cluster_id, into_snapshot};
use crate::model::failure::FailureKind;
use crate::model::snapshot::{Section, Snapshot, Source as Kind};
use crate::model::time::Time;
use crate::model::update::Call;
use crate::model::visible::visible_lines;

/// The world that `--demo` serves.
const DEMO: &str = include_str!("../../assets/worlds/acme.yaml");

/// A program that has ended by then is not worth a word.
const QUICK: Duration = Duration::from_secs(1);

/// Facts, opened.
pub enum Source {
    /// A file's; nothing is fetched.
    File(Box<Snapshot>),
    /// AWS and Kubernetes, or a lab that stands in for them.
    Live {
        /// How to reach them.
        session: Session,
        /// The lab, which ends with this, and the clusters of its world in the order written.
        lab: Option<(Lab, Vec<ClusterId>)>,
    },
}

/// The present moment.
pub fn now() -> Time {
    Time(Timestamp::now())
}

/// Reads a document from a file; an error names file, line and field.
pub fn read_document(path: &Path) -> Result<Document, Trouble> {
    let name = path.display();
    let text = read_text(path, "a snapshot, in YAML or JSON")?;
    read(&text).map_err(|error| Trouble::bad_input(format!("{name}: {error}")))
}

/// The world that the options name, or the demo's.
pub fn world(options: &Options) -> Result<Document, Trouble> {
    match &options.world {
        Some(path) => read_document(path),
        None => read(DEMO).map_err(|error| Trouble::failure(format!("the demo world: {error}"))),
    }
}

impl Source {
    /// Opens what the options name. Finished calls are sent to `calls`.
    pub async fn open(options: &Options, calls: Option<mpsc::Sender<Call>>) -> Result<Source, Trouble> {
        Source::open_with(options, lab::Options::default(), calls).await
    }

    /// The same; a lab, if there is to be one, is served as told, but for who one is in it.
    pub async fn open_with(
        options: &Options,
        serve: lab::Options,
        calls: Option<mpsc::Sender<Call>>,
    ) -> Result<Source, Trouble> {
        let source = Source::open_asking(options, serve, calls, CodePrompt::Terminal(ask_for_code)).await?;
        if let Source::Live { session, .. } = &source {
            tell_of_programs(session);
            for note in &session.status().borrow().notes {
                for line in visible_lines(&format!("eksplorer: note: {note}")) {
                    let _ = writeln!(std::io::stderr(), "{line}");
                }
            }
        }
        Ok(source)
    }

    /// The same for a screen, which shows what the session's status says and asks what is to be asked.
    pub async fn open_for_screen(
        options: &Options,
        serve: lab::Options,
        calls: Option<mpsc::Sender<Call>>,
    ) -> Result<Source, Trouble> {
        Source::open_asking(options, serve, calls, CodePrompt::Status).await
    }

    async fn open_asking(
        options: &Options,
        serve: lab::Options,
        calls: Option<mpsc::Sender<Call>>,
        code_prompt: CodePrompt,
    ) -> Result<Source, Trouble> {
        if let Some(path) = &options.from {
            if options.as_principal.is_some() {
                return Err(Trouble::bad_input(
                    "--as chooses who of a world to be: it goes with --demo, --world or lab",
                ));
            }
            let document = read_document(path)?;
            let kind = Kind::File { path: path.display().to_string() };
            return Ok(Source::File(Box::new(into_snapshot(document, kind))));
        }
        let mut cloud = cloud::Options {
            profile: options.profile.clone(),
            mfa_code: options.mfa_code.clone(),
            code_prompt,
            regions: options.regions.clone(),
            context: options.context.clone(),
            concurrency: usize::from(options.concurrency.unwrap_or(DEFAULT_CONCURRENCY)),
            ..cloud::Options::default()
        };
        let mut lab = None;
        if options.demo || options.world.is_some() {
            let document = world(options)?;
            let clusters: Vec<ClusterId> =
                document.clusters.iter().map(|it| cluster_id(it, document.region.as_deref())).collect();
            let started = Lab::start(document, lab::Options { caller: options.as_principal.clone(), ..serve })
                .await
                .map_err(|error| Trouble::bad_input(error.to_string()))?;
            let keys = started.credentials();
            cloud.endpoint = Some(Endpoint {
                url: started.endpoint().to_owned(),
                credentials: cloud::Credentials {
                    access_key_id: keys.access_key_id,
                    secret_access_key: keys.secret_access_key,
                    session_token: keys.session_token,
                },
            });
            cloud.profile = None;
            cloud.context = None;
            cloud.regions = regions_of(&clusters, started.region());
            lab = Some((started, clusters));
        } else if options.as_principal.is_some() {
            return Err(Trouble::bad_input("--as chooses who of a world to be: it goes with --demo, --world or lab"));
        }
        let session = Session::open(cloud, calls.or_else(super::calls::sink)).await?;
        Ok(Source::Live { session, lab })
    }

    /// What a snapshot of this source begins with.
    pub fn kind(&self) -> Kind {
        match self {
            Source::File(snapshot) => snapshot.source.clone(),
            Source::Live { lab: Some(_), .. } => Kind::Lab,
            Source::Live { lab: None, .. } => Kind::Live,
        }
    }

    /// All clusters: of the file, the world, or the account in the session's regions. What a region did not tell is
    /// among the section's missing.
    pub async fn clusters(&self) -> Result<Section<Vec<ClusterId>>, Trouble> {
        match self {
            Source::File(snapshot) => Ok(snapshot.clusters.clone()),
            Source::Live { session, .. } => {
                let snapshot = load::collect(|tx| load::overview(session, tx)).await;
                match (snapshot.clusters.items(), snapshot.clusters.failure()) {
                    ([], Some(failure)) => Err(failure.clone().into()),
                    _ => Ok(snapshot.clusters),
                }
            }
        }
    }

    /// The cluster meant: the one named (`NAME`, or `REGION/NAME`), the only one, or the demo's first.
    pub async fn cluster(&self, named: Option<&str>) -> Result<ClusterId, Trouble> {
        match (self, named) {
            (Source::Live { session, .. }, Some(named)) => {
                // Naming it spares listing, which the caller may not be allowed to do.
                if let Some((region, name)) = named.split_once('/') {
                    return Ok(ClusterId { region: region.to_owned(), name: name.to_owned() });
                }
                if let [region] = session.regions().as_slice() {
                    return Ok(ClusterId { region: region.clone(), name: named.to_owned() });
                }
                choose(&self.clusters().await?, named)
            }
            (Source::File(_), Some(named)) => choose(&self.clusters().await?, named),
            (Source::Live { lab: Some((_, clusters)), .. }, None) => {
                clusters.first().cloned().ok_or_else(|| Trouble::bad_input("the world has no cluster"))
            }
            (_, None) => {
                let all = self.clusters().await?;
                match (all.items(), silent(&all)) {
                    (_, Some(silent)) => Err(Trouble::failure(format!(
                        "not all regions told their clusters ({silent}); name the one you mean with -c REGION/NAME"
                    ))),
                    ([only], None) => Ok(only.clone()),
                    ([], None) if matches!(self, Source::File(_)) => {
                        Err(Trouble::bad_input("the file holds no cluster: is it the snapshot that you meant?"))
                    }
                    ([], None) => Err(Trouble::bad_input(
                        "there is no cluster here: check region and account (--region, --profile)",
                    )),
                    (several, None) => Err(Trouble::bad_input(format!(
                        "there are several clusters, name one with -c: {}",
                        names(several)
                    ))),
                }
            }
        }
    }

    /// Turns "there is no such cluster" into an error that names those there are.
    pub async fn check_cluster(&self, snapshot: &Snapshot, id: &ClusterId) -> Result<(), Trouble> {
        let facts = snapshot.cluster(id);
        let Some(failure) = facts.cluster.failure().filter(|_| facts.cluster.value().is_none()) else { return Ok(()) };
        match failure.kind {
            FailureKind::Missing => {
                let there = match self.clusters().await {
                    Ok(all) if !all.items().is_empty() => there_are(&all, &id.name),
                    _ => failure.hint(),
                };
                Err(Trouble::bad_input(format!("there is no cluster {} in {}; {there}", id.name, id.region)))
            }
            // The caller may not describe it: that is an answer ("unknown, because"), not a failure.
            FailureKind::Refused { .. } => Ok(()),
            _ => Err(failure.clone().into()),
        }
    }
}

/// Says on a terminal which program credentials are waited for from, if it takes its time.
fn tell_of_programs(session: &Session) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    let mut status = session.status();
    tokio::spawn(async move {
        while status.changed().await.is_ok() {
            let program = status.borrow_and_update().program.clone();
            let Some(program) = program else { continue };
            tokio::select! {
                () = tokio::time::sleep(QUICK) => {}
                _ = status.changed() => {
                    status.mark_changed();
                    continue;
                }
            }
            for line in visible_lines(&format!("eksplorer: waiting for {}", program.name)) {
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        }
    });
}

/// What the regions that did not answer said, if any did not.
fn silent(all: &Section<Vec<ClusterId>>) -> Option<String> {
    all.missing().first().map(|missing| missing.failure.to_string())
}

fn choose(all: &Section<Vec<ClusterId>>, named: &str) -> Result<ClusterId, Trouble> {
    let is_it = |id: &&ClusterId| id.name == named || format!("{}/{}", id.region, id.name) == named;
    let found: Vec<ClusterId> = all.items().iter().filter(is_it).cloned().collect();
    match (found.as_slice(), silent(all)) {
        ([one], _) => Ok(one.clone()),
        ([], Some(silent)) => Err(Trouble::failure(format!(
            "there is no cluster {named} in the regions that answered, and not all did ({silent}); name it as REGION/{named}"
        ))),
        ([], None) if all.items().is_empty() => {
            Err(Trouble::bad_input(format!("there is no cluster {named}, nor any other")))
        }
        ([], None) => Err(Trouble::bad_input(format!("there is no cluster {named}; {}", there_are(all, named)))),
        (several, _) => {
            let both: Vec<String> = several.iter().map(|id| format!("{}/{}", id.region, id.name)).collect();
            Err(Trouble::bad_input(format!(
                "several regions have a cluster {named}: name one as {}",
                both.join(" or ")
            )))
        }
    }
}

/// The clusters that there are, the nearest in spelling first.
fn there_are(all: &Section<Vec<ClusterId>>, named: &str) -> String {
    let name = named.rsplit('/').next().unwrap_or(named);
    let known = all.items().iter().map(|it| it.name.as_str());
    let near = UnknownName::new(NameKind::Cluster, name, known).suggestions;
    let asked = if near.is_empty() { String::new() } else { format!("did you mean {}? ", near.join(" or ")) };
    format!("{asked}there are: {}", names(all.items()))
}

fn names(all: &[ClusterId]) -> String {
    all.iter().map(|id| id.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn regions_of(clusters: &[ClusterId], first: &str) -> Vec<String> {
    let mut regions = vec![first.to_owned()];
    for id in clusters {
        if !regions.contains(&id.region) {
            regions.push(id.region.clone());
        }
    }
    regions
}
