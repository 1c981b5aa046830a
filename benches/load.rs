//! How near loading the access entries comes to the ideal, on the wall clock: 250 entries, pages of 100, 50 ms for every
//! answer. Prints both ratios, and fails when the first rows took more round trips than they need, or when all of them
//! took too long.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use eksplorer::cloud::{Credentials, Endpoint, Options, Session};
use eksplorer::lab::{self, Lab};
use eksplorer::model::cluster::{AccessConfig, AuthenticationMode, Cluster, ClusterId};
use eksplorer::model::document::{ClusterDocument, Document, FORMAT};
use eksplorer::model::mapping::{AccessEntry, AssociatedPolicy};
use eksplorer::model::snapshot::State;
use eksplorer::model::update::{ClusterUpdate, Update};
use eksplorer::run::load;
use tokio::sync::mpsc;

const ENTRIES: usize = 250;
const PAGE: usize = 100;
const LATENCY: Duration = Duration::from_millis(50);
const CONCURRENCY: usize = 8;
const REGION: &str = "eu-west-1";
/// What loading all may take, in shares of the ideal.
const LIMIT: f64 = 1.3;
/// DescribeCluster, the first page, the first entries.
const ROUND_TRIPS: u32 = 3;

fn world() -> Document {
    let entry = |n: usize| AccessEntry {
        principal_arn: format!("arn:aws:iam::111122223333:role/teams/r{n:03}"),
        kind: "STANDARD".into(),
        associated_access_policies: Some(vec![AssociatedPolicy {
            policy_arn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy".into(),
            ..AssociatedPolicy::default()
        }]),
        ..AccessEntry::default()
    };
    let mode = Some(AuthenticationMode::Api);
    let cluster = ClusterDocument {
        cluster: Cluster {
            name: "c".into(),
            access_config: Some(AccessConfig { authentication_mode: mode, ..AccessConfig::default() }),
            ..Cluster::default()
        },
        access_entries: Some((0..ENTRIES).map(entry).collect()),
        ..ClusterDocument::default()
    };
    Document { eksplorer: FORMAT, region: Some(REGION.into()), clusters: vec![cluster], ..Document::default() }
}

/// When the first rows were there, and when all of them were.
async fn measure() -> Result<(Duration, Duration), String> {
    let options = lab::Options { latency: LATENCY, page_size: Some(PAGE), ..lab::Options::default() };
    let lab = Lab::start(world(), options).await.map_err(|error| error.to_string())?;
    let lab::Credentials { access_key_id, secret_access_key, session_token } = lab.credentials();
    let credentials = Credentials { access_key_id, secret_access_key, session_token };
    let options = Options {
        regions: vec![REGION.into()],
        concurrency: CONCURRENCY,
        endpoint: Some(Endpoint { url: lab.endpoint().to_owned(), credentials }),
        ..Options::default()
    };
    let session = Session::open(options, None).await.map_err(|failure| failure.to_string())?;
    let id = ClusterId { region: REGION.into(), name: "c".into() };
    let (tx, mut rx) = mpsc::channel(load::WAITING);
    let began = Instant::now();
    let (mut first, mut all) = (None, Err("the entries never came".to_owned()));
    let watch = async {
        while let Some(update) = rx.recv().await {
            let Update::Cluster(_, ClusterUpdate::AccessEntries(section)) = update else { continue };
            if !section.items().is_empty() {
                first.get_or_insert_with(|| began.elapsed());
            }
            if !section.is_loading() {
                let whole = matches!(section.state(), State::Known { .. }) && section.items().len() == ENTRIES;
                all = if whole { Ok(began.elapsed()) } else { Err(format!("{:?}", section.state())) };
            }
        }
    };
    tokio::join!(load::cluster(&session, id, tx), watch);
    Ok((first.ok_or("no rows came")?, all?))
}

#[allow(clippy::print_stdout)]
fn main() -> ExitCode {
    let measured =
        tokio::runtime::Runtime::new().map_err(|error| error.to_string()).and_then(|it| it.block_on(measure()));
    let (first, all) = match measured {
        Ok(measured) => measured,
        Err(why) => {
            println!("could not measure: {why}");
            return ExitCode::FAILURE;
        }
    };
    let (pages, calls) = (ENTRIES.div_ceil(PAGE) as f64, 2.0 * ENTRIES as f64);
    let ideal = LATENCY.mul_f64(pages + calls / CONCURRENCY as f64);
    let least = LATENCY * ROUND_TRIPS;
    // How many answers were waited for, one after the other: a further one would have cost a whole latency more.
    let trips = first.div_duration_f64(LATENCY).floor();
    let (rows, loading) = (first.div_duration_f64(least), all.div_duration_f64(ideal));
    println!(
        "first rows   {first:>9.1?}  {rows:.2} x {ROUND_TRIPS} round trips ({least:?}); {trips} of at most {ROUND_TRIPS}"
    );
    println!("all entries  {all:>9.1?}  {loading:.2} x the ideal ({ideal:.1?}); at most {LIMIT}");
    // A little over the round trips themselves goes on signing and parsing.
    if trips <= f64::from(ROUND_TRIPS) && rows <= 1.2 && loading <= LIMIT {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
