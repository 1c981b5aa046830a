//! The embedded world: an AWS account and its clusters, served on loopback as the real ones would be.
//!
//! Decides how a lab is started, named to the ordinary clients, and ended. EKS, IAM and STS are on one port, told
//! apart by what a request was signed for; each cluster's Kubernetes API is on a port of its own, over TLS. The
//! clients are the real ones: nothing that talks to a lab knows that it does. A new service is a file here and a
//! variant of `aws::Service`; what goes wrong on purpose is in `faults`.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::model::cluster::{CertificateAuthority, ClusterId};
use crate::model::document::Document;
use crate::model::facts::cluster_id;
use crate::model::principal::ArnError;
use crate::model::role::Caller;

mod authz;
mod aws;
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
mod sts;
mod tls;
mod world;
mod xml;

pub use keys::Credentials;

use faults::Faults;
use tls::Tls;
use world::World;

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
}

impl Default for Options {
    fn default() -> Self {
        Options {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            latency: Duration::ZERO,
            page_size: None,
            caller: None,
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
    #[error("the world has no principal {0:?}: name one of its roles or users, or give an ARN")]
    NoSuchPrincipal(String),
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
    /// The world as it is now; a write puts another in its place.
    world: RwLock<Arc<World>>,
    faults: Faults,
    page_size: Option<usize>,
    requests: AtomicU64,
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
        state.faults.before_answer().await;
        match self {
            Site::Aws(state) => aws::respond(state, &request),
            Site::Kubernetes(state, id) => kubernetes::respond(state, id, &request),
        }
    }
}

impl State {
    /// The world at this moment: whoever holds it sees no later write.
    fn world(&self) -> Arc<World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner).clone()
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
        let region = world.region.clone();
        let state = Arc::new(State {
            world: RwLock::new(Arc::new(world)),
            faults: Faults { latency: options.latency },
            page_size: options.page_size,
            requests: AtomicU64::new(1),
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

    /// Ends it and waits until all ports are free.
    pub async fn stop(mut self) {
        self.listeners.shutdown().await;
    }
}

/// Serves a world until the task is dropped: writes the kubeconfig, says when it is `ready`, and waits.
pub async fn serve(
    document: Document,
    options: Options,
    kubeconfig: &Path,
    ready: impl FnOnce(&Lab),
) -> Result<(), LabError> {
    let mut lab = Lab::start(document, options).await?;
    exports::write_private(kubeconfig, &lab.kubeconfig())
        .map_err(|error| LabError::Kubeconfig { path: kubeconfig.display().to_string(), error })?;
    ready(&lab);
    while lab.listeners.join_next().await.is_some() {}
    Ok(())
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
