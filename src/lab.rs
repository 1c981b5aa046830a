//! The embedded world: an AWS account and its clusters, served on loopback as the real ones would be.
//!
//! Decides how a lab is started, named to the ordinary clients, and ended. EKS, IAM, STS and IAM Identity Center are on
//! one port, told apart by what a request was signed for, or by its path; each cluster's Kubernetes API is on a port of its own, over TLS. The
//! clients are the real ones: nothing that talks to a lab knows that it does. A new service is a file here and a
//! variant of `aws::Service`; what goes wrong on purpose is in `faults`, and what is seen when in `world::timeline`.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::model::cluster::{CertificateAuthority, ClusterId};
use crate::model::document::Document;
use crate::model::facts::cluster_id;
use crate::model::principal::ArnError;
use crate::model::role::Caller;

mod authz;
mod aws;
mod clock;
mod eks;
mod encoding;
mod exports;
mod faults;
pub mod generate;
mod http;
mod iam;
mod keys;
mod kubernetes;
mod page;
mod policy;
mod sigv4;
mod simulate;
mod sso;
mod sts;
mod tls;
mod world;
mod xml;

pub use clock::Clock;
pub use faults::{Fault, FaultError, Faults, Held, Kind};
pub use keys::Credentials;

use tls::Tls;
use world::timeline::Timeline;
use world::{Withheld, World};

/// How a lab is served.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens.
    pub host: IpAddr,
    /// The port of the AWS services; 0 is any free one.
    pub port: u16,
    /// How long every answer takes at least.
    pub latency: Duration,
    /// The longest page that any service gives.
    pub page_size: Option<usize>,
    /// Who of the world one is: an ARN, `role/NAME`, `user/NAME` or a bare name; without it, the world's own caller.
    pub caller: Option<String>,
    /// How long a write is not seen by whoever reads, over whatever protocol. Writes themselves see each other at once.
    pub lag: Duration,
    /// Which calls are broken, and how. Keep a clone to break others later, and to wait for what is held.
    pub faults: Faults,
    /// What tells the time. Keep a clone of a stepped one to move it on.
    pub clock: Clock,
    /// From what the ids of new things are made: the same writes give the same ids.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            latency: Duration::ZERO,
            page_size: None,
            caller: None,
            lag: Duration::ZERO,
            faults: Faults::default(),
            clock: Clock::default(),
            seed: 0,
        }
    }
}

/// Why a lab cannot be started, or has no credentials for somebody.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// A port could not be had.
    #[error("could not listen on {address}: {error}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
    /// The certificates could not be made.
    #[error("could not make the lab's certificates: {0}")]
    Tls(String),
    /// Nobody of that name is in the world.
    #[error("the world has no principal {0:?}{1}: name one of its roles or users, or give an ARN")]
    NoSuchPrincipal(String, String),
    /// It begins like an ARN, but is none of a principal.
    #[error(transparent)]
    Arn(#[from] ArnError),
    /// The kubeconfig could not be written.
    #[error("could not write {path}: {error}")]
    Kubeconfig {
        /// Where.
        path: String,
        /// Why not.
        error: io::Error,
    },
}

/// A running lab. It ends when it is dropped or stopped.
#[derive(Debug)]
pub struct Lab {
    endpoint: String,
    region: String,
    caller: Caller,
    authority: String,
    state: Arc<State>,
    listeners: JoinSet<()>,
}

/// What all ports share.
#[derive(Debug)]
struct State {
    timeline: Timeline,
    faults: Faults,
    clock: Clock,
    latency: Duration,
    seed: u64,
    page_size: Option<usize>,
    /// Who signs in by IAM Identity Center.
    desk: sso::Desk,
    requests: AtomicU64,
    /// How often the objects of a cluster were written: it wakes those who watch them.
    written: watch::Sender<u64>,
}

/// Who answers on a port.
#[derive(Debug)]
enum Site {
    Aws(Arc<State>),
    Kubernetes(Arc<State>, ClusterId),
}

impl Site {
    async fn respond(&self, request: http::Request) -> http::Answer {
        let (Site::Aws(state) | Site::Kubernetes(state, _)) = self;
        faults::wait(state.latency).await;
        let Some(operation) = self.operation(&request) else { return self.answer(&request, None) };
        let (number, kind) = state.faults.strike(&operation);
        if let Some(kind) = kind {
            tracing::debug!(operation, number, ?kind, "broken on purpose");
        }
        match kind {
            None => self.answer(&request, None),
            Some(Kind::Throttle) => self.answer(&request, Some(Withheld::Throttled)),
            Some(Kind::Fail) => self.answer(&request, Some(Withheld::Failed("the lab was told to fail this call"))),
            Some(Kind::Refuse) => self.answer(&request, Some(Withheld::Refused)),
            Some(Kind::DropAfter) => {
                self.answer(&request, None);
                http::unanswered()
            }
            // Whoever gives up drops the connection, and this with it.
            Some(Kind::Timeout) => std::future::pending().await,
            Some(Kind::Hold) => {
                state.faults.hold(&operation, number).await;
                self.answer(&request, None)
            }
            Some(Kind::HoldAfter) => {
                let answer = self.answer(&request, None);
                state.faults.hold(&operation, number).await;
                answer
            }
        }
    }

    /// What a call is named by faults.
    fn operation(&self, request: &http::Request) -> Option<String> {
        match self {
            Site::Aws(_) => aws::operation(request),
            Site::Kubernetes(..) => kubernetes::operation(request),
        }
    }

    /// The answer; what is `broken` is not done.
    fn answer(&self, request: &http::Request, broken: Option<Withheld<'_>>) -> http::Answer {
        match self {
            Site::Aws(state) => aws::respond(state, request, broken),
            Site::Kubernetes(state, id) => kubernetes::respond(state, id, request, broken),
        }
    }
}

impl State {
    /// The world as it is seen at this moment: whoever holds it sees no later write.
    fn world(&self) -> Arc<World> {
        self.timeline.seen(self.clock.passed())
    }

    /// Writes to a cluster's objects, and wakes those who watch them.
    fn write_objects<T, E>(&self, change: impl FnOnce(&World) -> Result<(T, Option<World>), E>) -> Result<T, E> {
        let done = self.timeline.write(|| self.clock.passed(), |world, _| change(world))?;
        self.written.send_modify(|times| *times += 1);
        Ok(done)
    }

    /// Has something been written that nobody sees yet?
    fn has_unseen_writes(&self) -> bool {
        !Arc::ptr_eq(&self.world(), &self.timeline.newest())
    }

    /// An id as AWS gives every request.
    fn next_request_id(&self) -> String {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        format!("1ab00000-0000-4000-8000-{number:012x}")
    }
}

impl Lab {
    /// Starts serving the document's world.
    pub async fn start(mut document: Document, options: Options) -> Result<Lab, LabError> {
        let tls = Tls::generate(options.host)?;
        let aws = listen(options.host, options.port).await?;
        let mut clusters: BTreeMap<ClusterId, TcpListener> = BTreeMap::new();
        let region = document.region.clone();
        for it in &mut document.clusters {
            let listener = listen(options.host, 0).await?;
            it.cluster.endpoint = Some(format!("https://{}", address(&listener, options.host)));
            it.cluster.certificate_authority = Some(CertificateAuthority { data: Some(tls.authority.clone()) });
            clusters.insert(cluster_id(it, region.as_deref()), listener);
        }
        let endpoint = format!("http://{}", address(&aws, options.host));
        let world = World::new(document);
        let caller = match &options.caller {
            Some(named) => world.find(named)?,
            None => world.own_caller(),
        };
        let region = world.base.region.clone();
        let state = Arc::new(State {
            timeline: Timeline::new(world, options.lag),
            faults: options.faults,
            clock: options.clock,
            latency: options.latency,
            seed: options.seed,
            page_size: options.page_size,
            desk: sso::Desk::default(),
            requests: AtomicU64::new(1),
            written: watch::Sender::new(0),
        });

        let mut listeners = JoinSet::new();
        listeners.spawn(http::serve(aws, None, Site::Aws(state.clone())));
        for (id, listener) in clusters {
            let tls = TlsAcceptor::from(tls.server.clone());
            listeners.spawn(http::serve(listener, Some(tls), Site::Kubernetes(state.clone(), id)));
        }
        Ok(Lab { endpoint, region, caller, authority: tls.authority, state, listeners })
    }

    /// Where the AWS services are: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The world's own region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Who one is in the world.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The caller's credentials: the same after every start.
    pub fn credentials(&self) -> Credentials {
        self.state.world().credentials(&self.caller)
    }

    /// The credentials of another principal: an ARN, `role/NAME`, `user/NAME` or a bare name.
    pub fn credentials_for(&self, principal: &str) -> Result<Credentials, LabError> {
        let world = self.state.world();
        Ok(world.credentials(&world.find(principal)?))
    }

    /// Lines for a shell that point the ordinary clients at the lab, as the caller.
    pub fn exports(&self, kubeconfig: &Path) -> String {
        exports::shell(&self.endpoint, &self.region, &self.credentials(), kubeconfig)
    }

    /// A kubeconfig with a context for each cluster, as the caller.
    pub fn kubeconfig(&self) -> String {
        exports::kubeconfig(&self.state.world(), &self.endpoint, &self.authority, &self.credentials())
    }

    /// Looks at its world from behind, past all protocols and lags.
    pub fn watch(&self) -> Watch {
        Watch(self.state.clone())
    }

    /// Ends it and waits until all ports are free.
    pub async fn stop(mut self) {
        self.listeners.shutdown().await;
    }
}

/// The way to a lab's world that no client has.
#[derive(Clone, Debug)]
pub struct Watch(Arc<State>);

impl Watch {
    /// The world after all that was written, seen or not: as it was given, with what a real account fills in, and the lab's
    /// own endpoints. Two labs on the same ports that hold the same have the same; [`in_order`] makes the order of writing
    /// not matter.
    pub fn document(&self) -> Document {
        self.0.timeline.newest().document()
    }
}

/// The same with entries, their policies and associations in a fixed order: to compare two worlds whose writes came in
/// another.
#[must_use]
pub fn in_order(mut document: Document) -> Document {
    document.clusters.sort_by(|a, b| (&a.cluster.arn, &a.cluster.name).cmp(&(&b.cluster.arn, &b.cluster.name)));
    for cluster in &mut document.clusters {
        let entries = cluster.access_entries.get_or_insert_default();
        entries.sort_by(|a, b| a.principal_arn.cmp(&b.principal_arn));
        for entry in entries {
            let policies = entry.associated_access_policies.get_or_insert_default();
            policies.sort_by(|a, b| a.policy_arn.cmp(&b.policy_arn));
        }
        let associations = cluster.pod_identity_associations.get_or_insert_default();
        associations.sort_by(|a, b| (&a.namespace, &a.service_account).cmp(&(&b.namespace, &b.service_account)));
    }
    document
}

/// What a lab that serves on its own tells whoever started it.
#[derive(Debug)]
pub enum Report<'a> {
    /// It can be talked to.
    Ready(&'a Lab),
    /// It holds a call until all are released.
    Held {
        /// `CreateAccessEntry`
        operation: &'a str,
        /// The first is 1.
        number: u32,
    },
}

/// Serves a world until the task is dropped: writes the kubeconfig, says when it is ready and what it holds, and waits.
/// Whatever comes from `release` lets all go on that is held.
pub async fn serve(
    document: Document,
    options: Options,
    kubeconfig: &Path,
    mut release: mpsc::Receiver<()>,
    mut report: impl FnMut(Report<'_>),
) -> Result<(), LabError> {
    let faults = options.faults.clone();
    let mut lab = Lab::start(document, options).await?;
    exports::write_private(kubeconfig, &lab.kubeconfig())
        .map_err(|error| LabError::Kubeconfig { path: kubeconfig.display().to_string(), error })?;
    report(Report::Ready(&lab));
    let mut all_held = Vec::new();
    loop {
        tokio::select! {
            held = faults.held() => {
                report(Report::Held { operation: held.operation(), number: held.number() });
                all_held.push(held);
            }
            Some(()) = release.recv() => all_held.drain(..).for_each(Held::release),
            ended = lab.listeners.join_next() => {
                if ended.is_none() {
                    return Ok(());
                }
            }
        }
    }
}

async fn listen(host: IpAddr, port: u16) -> Result<TcpListener, LabError> {
    let address = SocketAddr::new(host, port);
    TcpListener::bind(address).await.map_err(|error| LabError::Listen { address, error })
}

/// The address under which a listener is reached. A socket that listens has one.
fn address(listener: &TcpListener, host: IpAddr) -> SocketAddr {
    let port = listener.local_addr().map(|it| it.port()).unwrap_or_default();
    let reached = if host.is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { host };
    SocketAddr::new(reached, port)
}
