//! The server: what it is made of, and how it is started.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use tokio::task::JoinHandle;

use super::archives::Portal;
use super::catalogue::Catalogue;
use super::clock::ServerClock;
use super::exchange_info::Information;
use super::limits::{Ledger, Limits};
use super::listen::{self, Tls};
use super::record::Record;
use super::{answer, control};
use crate::ExchangeError;
use crate::faults::{FaultPlan, Faults, SharedFaults};

/// What a data server serves, and how.
pub struct DataOptions {
    /// Files and listing; its catalogue is what REST answers from, its clock is server time.
    pub portal: Portal,
    /// How much an address may ask for.
    pub limits: Limits,
    /// What goes wrong from the beginning.
    pub faults: FaultPlan,
    /// Certificate and key, for HTTPS.
    pub tls: Option<Tls>,
    /// Whether JSON is compressed for those who ask.
    pub compresses: bool,
}

impl DataOptions {
    /// A server over plain HTTP, with the exchange's limits and without faults.
    #[must_use]
    pub fn new(portal: Portal) -> Self {
        Self { portal, limits: Limits::default(), faults: FaultPlan::default(), tls: None, compresses: true }
    }
}

/// What the handlers share.
pub(super) struct Shared {
    pub(super) portal: Portal,
    pub(super) limits: Limits,
    pub(super) information: Information,
    pub(super) compresses: bool,
    ledger: Mutex<Ledger>,
    pub(super) faults: SharedFaults,
    record: Mutex<Record>,
}

impl Shared {
    fn new(options: DataOptions) -> Result<Self, ExchangeError> {
        Ok(Self {
            information: Information::new(&options.portal.catalogue, Some(options.limits.told()), 0)?,
            portal: options.portal,
            limits: options.limits,
            compresses: options.compresses,
            ledger: Mutex::default(),
            faults: SharedFaults::new(Mutex::new(Faults::new(options.faults))),
            record: Mutex::default(),
        })
    }

    pub(super) fn catalogue(&self) -> &Catalogue {
        &self.portal.catalogue
    }

    pub(super) fn clock(&self) -> &ServerClock {
        &self.portal.clock
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("no handler panics with it")
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().expect("no handler panics with it")
    }

    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().expect("no handler panics with it")
    }
}

/// A server that runs until it is dropped.
pub struct DataServer {
    address: SocketAddr,
    is_secure: bool,
    shared: Arc<Shared>,
    task: JoinHandle<std::io::Result<()>>,
}

impl DataServer {
    /// Starts serving on a port of 127.0.0.1; port 0 is any that is free.
    pub async fn start(mut options: DataOptions, port: u16) -> Result<Self, ExchangeError> {
        let (listener, address) = listen::bind(port).await?;
        let tls = options.tls.take();
        let (shared, is_secure) = (Arc::new(Shared::new(options)?), tls.is_some());
        let task = tokio::spawn(listen::serve(listener, tls, routes(Arc::clone(&shared))));
        Ok(Self { address, is_secure, shared, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL for clients.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.is_secure { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Its time.
    #[must_use]
    pub fn clock(&self) -> &ServerClock {
        self.shared.clock()
    }

    /// Switches more faults on.
    pub fn add_faults(&self, plan: FaultPlan) {
        self.shared.faults().add(plan);
    }

    /// Switches all faults off.
    pub fn clear_faults(&self) {
        self.shared.faults().clear();
    }

    /// What was asked so far.
    pub fn record(&self) -> MutexGuard<'_, Record> {
        self.shared.record()
    }

    /// Waits until it ends, which it does only when something goes wrong.
    pub async fn wait(mut self) -> Result<(), ExchangeError> {
        match (&mut self.task).await {
            Ok(Err(source)) => Err(ExchangeError::Bind { address: self.address, source }),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }
}

impl Drop for DataServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Everything that a data server answers.
fn routes(shared: Arc<Shared>) -> Router {
    Router::new().nest("/control", control::routes(&shared)).fallback(answer::answer).with_state(shared)
}

/// The portal alone, to be put beside other routes.
pub(crate) fn portal_routes(portal: Portal) -> Result<Router, ExchangeError> {
    let shared = Arc::new(Shared::new(DataOptions::new(portal))?);
    Ok(Router::new().fallback(answer::answer).with_state(shared))
}
