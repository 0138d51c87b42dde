//! The local exchange over HTTP, on this machine only.
//!
//! For: the REST API as the exchange documents it (`/api/v3/…`), the Data Portal (`/data/…`)
//! where there is one, and control of its time (`/control/…`, which no real exchange has). Not for:
//! the outside world; it binds to 127.0.0.1 unless it is told otherwise.

mod account;
mod admission;
pub(crate) mod answer;
mod control;
mod driver;
mod endpoints;
mod fees;
mod limits;
mod listen_key;
mod public;
pub(crate) mod request;
mod security;
mod select;
mod socket;
mod sor;
mod streams;
#[cfg(test)]
mod tests;
mod tickers;
mod trading;
mod trouble;
mod ws_api;

pub(crate) use admission::whole;
pub use security::{ApiKey, Keys, Permission};

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{any, get, post, put};
use candlewick_model::{Action, CommissionRates, Refusal, Symbol, TimeUnit, Timestamp};
use candlewick_simulator::{Market, Setup};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

use self::admission::Asked;
use self::driver::Drive;
use self::limits::IpLimits;
use self::socket::{Sockets, Timing};
use crate::ExchangeError;
use crate::data::exchange_info::Information;
use crate::data::{Catalogue, Limits, Portal, ServerClock, Tls, listen, service::portal_routes};
use crate::faults::{FaultPlan, Faults, SharedFaults};
use crate::journal::StateFile;
use crate::local::LocalExchange;
use crate::pace::Speed;
use crate::revision::Revision;

/// What a server serves.
pub struct Service {
    /// The market behind the REST API.
    pub setup: Setup,
    /// Answers of `exchangeInfo`, one after the other: each holds from its `serverTime` on.
    pub exchange_info: String,
    /// The keys that are accepted.
    pub keys: Keys,
    /// Whether an address may ask only for as much as `exchange_info` says at the beginning.
    pub limits_addresses: bool,
    /// What goes wrong from the beginning.
    pub faults: FaultPlan,
    /// Whether there are listen keys, which the exchange has retired.
    pub legacy_listen_keys: bool,
    /// Whether archives of its markets are served beside it, as they come out.
    pub archives: bool,
    /// How its time goes.
    pub time: Time,
}

impl Service {
    /// A market with the exchange's limits, without faults and without archives.
    #[must_use]
    pub fn new(setup: Setup, exchange_info: String, keys: Keys) -> Self {
        Self {
            setup,
            exchange_info,
            keys,
            limits_addresses: true,
            legacy_listen_keys: false,
            faults: FaultPlan::default(),
            archives: false,
            time: Time::default(),
        }
    }
}

/// How the time of a server goes.
pub struct Time {
    /// How fast.
    pub speed: Speed,
    /// Where it begins; the markets have run to it. At the first bar where absent.
    pub from: Option<Timestamp>,
    /// By how many microseconds the setup was shifted, so that it ends up at the world's time.
    pub shift_us: i64,
    /// Where it is kept, and what it goes on from.
    pub state: Option<StateFile>,
}

impl Default for Time {
    /// Lock step from the first bar, in memory.
    fn default() -> Self {
        Self { speed: Speed::LockStep, from: None, shift_us: 0, state: None }
    }
}

/// Where a server listens, and how.
pub struct Listen {
    /// Address and port; port 0 is any that is free.
    pub address: SocketAddr,
    /// Certificate and key, for HTTPS.
    pub tls: Option<Tls>,
}

/// What the handlers share.
struct Shared {
    exchange: Mutex<LocalExchange>,
    drive: Drive,
    information: Information,
    keys: Keys,
    ip_limits: IpLimits,
    faults: SharedFaults,
    sockets: Sockets,
    has_listen_keys: bool,
    fees: Vec<(Symbol, CommissionRates)>,
    /// Whether others than this machine can reach it.
    serves_others: bool,
}

impl Shared {
    fn exchange(&self) -> MutexGuard<'_, LocalExchange> {
        self.drive.lock(&self.exchange)
    }

    /// What trading costs on a market; of none that is there, on the first.
    fn fees(&self, symbol: Option<Symbol>) -> CommissionRates {
        let of_market = self.fees.iter().find(|(known, _)| Some(*known) == symbol);
        of_market.unwrap_or(&self.fees[0]).1
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().expect("no handler panics with it")
    }
}

type State = axum::extract::State<Arc<Shared>>;

/// A server that runs until it is dropped or stopped.
pub struct Server {
    address: SocketAddr,
    is_secure: bool,
    shared: Arc<Shared>,
    task: JoinHandle<std::io::Result<()>>,
    driver: JoinHandle<()>,
    notices: UnboundedReceiver<String>,
}

impl Server {
    /// Starts serving on a port of 127.0.0.1; port 0 is any that is free.
    pub async fn start(service: Service, port: u16) -> Result<Self, ExchangeError> {
        Self::start_at(service, Listen { address: (Ipv4Addr::LOCALHOST, port).into(), tls: None }).await
    }

    /// Starts serving.
    pub async fn start_at(service: Service, listen: Listen) -> Result<Self, ExchangeError> {
        let no_json = |source: serde_json::Error| ExchangeError::ExchangeInfo { reason: source.to_string() };
        let accounts = service.keys.accounts(&service.setup.account)?;
        let mut exchange =
            LocalExchange::with_accounts(&service.setup, &accounts).with_exchange_info(service.exchange_info);
        let start = service.setup.start();
        let information = Information::new(exchange.catalogue(), None, service.time.shift_us)?;
        let information = information.with_limits_of_addresses(start);
        let limits = if service.limits_addresses {
            Limits::of_exchange_info(&information.around(start).to_string()).map_err(no_json)?
        } else {
            Limits::none()
        };
        let mut faults = service.faults;
        let scenario = std::mem::take(&mut faults.markets);
        let faults = SharedFaults::new(Mutex::new(Faults::new(faults)));
        exchange.audience.users.faults = Arc::clone(&faults);
        // The port comes first: nobody's state is touched if it is taken.
        let (listener, address) = listen::bind_to(listen.address).await?;
        if !address.ip().is_loopback() {
            // Whoever knows a listen key hears what its account does.
            let secret = ring::rand::generate(&ring::rand::SystemRandom::new()).expect("this machine has randomness");
            exchange.audience.users.keys.keep_secret(secret.expose());
        }
        let speed = service.time.speed;
        let archives = service.archives.then(|| exchange.history_of_markets());
        let (exchange, told) = begun(exchange, scenario, service.time)?;
        let (drive, notices) = Drive::new(speed, exchange.now());
        told.into_iter().for_each(|notice| drive.tell(notice));
        let fees = |market: &Market| (market.timeline.last().symbol, market.fill_model.fees);
        let shared = Arc::new(Shared {
            information,
            exchange: Mutex::new(exchange),
            drive,
            keys: service.keys,
            ip_limits: IpLimits::new(limits),
            faults,
            sockets: Sockets::new(Timing::default(), service.limits_addresses),
            has_listen_keys: service.legacy_listen_keys,
            fees: service.setup.markets.iter().map(fees).collect(),
            serves_others: !address.ip().is_loopback(),
        });
        let handlers = routes().with_state(Arc::clone(&shared));
        let sockets = ws_api::routes(handlers.clone()).with_state(Arc::clone(&shared));
        let control = control::routes(&shared).with_state(Arc::clone(&shared));
        let routes = handlers.merge(sockets).merge(control);
        let routes = match archives {
            Some(catalogue) => routes.fallback_service(archive_routes(catalogue, &shared)?),
            None => routes,
        };
        // Faults, then admission: one after the other in one layer, as every layer costs.
        let routes = routes.layer(from_fn_with_state(Arc::clone(&shared), trouble::meet));
        let is_secure = listen.tls.is_some();
        let task = tokio::spawn(listen::serve(listener, listen.tls, routes));
        let driver = tokio::spawn(driver::drive(Arc::clone(&shared)));
        Ok(Self { address, is_secure, shared, task, driver, notices })
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

    /// Simulated time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.exchange().now()
    }

    /// Waits until it ends, which it does only when something goes wrong. What is to be told of it
    /// meanwhile goes to `tell`.
    pub async fn wait(&mut self, mut tell: impl FnMut(String)) -> Result<(), ExchangeError> {
        loop {
            tokio::select! {
                Some(notice) = self.notices.recv() => tell(notice),
                ended = &mut self.task => return match ended {
                    Ok(Err(source)) => Err(ExchangeError::Bind { address: self.address, source }),
                    Ok(Ok(())) | Err(_) => Ok(()),
                },
            }
        }
    }

    /// Stops, after a while in which WebSocket clients are told and may take their leave. Where time
    /// is kept, it is written down last.
    pub async fn stop(self, grace: Duration) -> Result<(), ExchangeError> {
        let latest = grace + Duration::from_secs(3);
        if tokio::time::timeout(latest, self.shared.sockets.leave(grace)).await.is_err() {
            tracing::warn!("a WebSocket client does not take its leave");
        }
        self.task.abort();
        self.driver.abort();
        self.shared.exchange().mark().map_err(broken)
    }
}

/// The portal's files and their listing, as far as they have come out in simulated time.
fn archive_routes(catalogue: Catalogue, shared: &Arc<Shared>) -> Result<Router, ExchangeError> {
    let clock = ServerClock::starting(shared.exchange().now(), 0.0);
    let portal = Portal::new(Arc::new(catalogue), clock.clone());
    Ok(portal_routes(portal)?.layer(from_fn_with_state((Arc::clone(shared), clock), in_time)))
}

/// The portal has no time of its own: its clock is put to that of the markets for each request.
async fn in_time(
    axum::extract::State((shared, clock)): axum::extract::State<(Arc<Shared>, ServerClock)>,
    request: Request,
    next: Next,
) -> Response {
    clock.put(shared.exchange().now());
    next.run(request).await
}

fn broken(refusal: Refusal) -> ExchangeError {
    ExchangeError::Broken { reason: refusal.text.into_owned() }
}

/// An exchange whose time is where it is to begin, and what is to be told of that.
fn begun(
    mut exchange: LocalExchange,
    mut scenario: Vec<Revision>,
    time: Time,
) -> Result<(LocalExchange, Vec<String>), ExchangeError> {
    let mut told = Vec::new();
    let mut is_new = true;
    if let Some(file) = time.state {
        let path = file.path().display().to_string();
        let resumed = exchange.keep_in(file, time.shift_us)?;
        is_new = resumed.is_new;
        told.extend(resumed.notes);
        if !is_new {
            told.push(format!("{path}: {} entries; time goes on at {}", resumed.entries, exchange.now()));
        }
    }
    // What is in the state already does not happen twice.
    scenario.retain(|revision| !exchange.knows(revision));
    let scenario = exchange.ready(scenario).map_err(|reason| ExchangeError::Faults { reason })?;
    exchange.revise(scenario).map_err(broken)?;
    if let Some(from) = time.from.filter(|_| is_new) {
        let end = exchange.ends();
        if from > end {
            return Err(ExchangeError::Begin { from, end });
        }
        exchange.run(Some(from.plus(-1)), |_| true).map_err(broken)?;
    }
    exchange.take_up_where(control::takes_up(time.speed)).map_err(broken)?;
    exchange.mark().map_err(broken)?;
    Ok((exchange, told))
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.sockets.end();
        self.task.abort();
        self.driver.abort();
    }
}

fn routes() -> Router<Arc<Shared>> {
    let order = post(trading::new_order).get(account::query_order).delete(trading::cancel_order);
    let listen_key = post(listen_key::start).put(listen_key::keep).delete(listen_key::close);
    let list = |action: Action| post(move |state: State, asked: Asked| trading::new_list(action, state, asked));
    Router::new()
        .merge(public::routes())
        .merge(streams::routes())
        .route("/api/v3/order", order)
        .route("/api/v3/order/test", post(fees::test_order))
        .route("/api/v3/order/cancelReplace", post(trading::cancel_replace))
        .route("/api/v3/order/amend/keepPriority", put(trading::amend))
        .route("/api/v3/order/oco", list(Action::OcoDeprecated))
        .route("/api/v3/orderList/oco", list(Action::Oco))
        .route("/api/v3/orderList/oto", list(Action::Oto))
        .route("/api/v3/orderList/otoco", list(Action::Otoco))
        .route("/api/v3/orderList/opo", list(Action::Opo))
        .route("/api/v3/orderList/opoco", list(Action::Opoco))
        .route("/api/v3/orderList", get(account::query_list).delete(trading::cancel_list))
        .route("/api/v3/openOrders", get(account::open_orders).delete(trading::cancel_all))
        .route("/api/v3/allOrders", get(account::all_orders))
        .route("/api/v3/allOrderList", get(account::all_lists))
        .route("/api/v3/openOrderList", get(account::open_lists))
        .route("/api/v3/account", get(account::account))
        .route("/api/v3/account/commission", get(fees::commission))
        .route("/api/v3/myTrades", get(account::my_trades))
        .route("/api/v3/myPreventedMatches", get(account::prevented_matches))
        .route("/api/v3/myFilters", get(fees::my_filters))
        .route("/api/v3/order/amendments", get(account::amendments))
        .route("/api/v3/rateLimit/order", get(account::order_counts))
        .route("/api/v3/userDataStream", listen_key)
        .route("/api/v3/sor/order", post(sor::new_order))
        .route("/api/v3/sor/order/test", post(sor::test_order))
        .route("/api/v3/myAllocations", get(sor::allocations))
        .route("/api/v3/historicalBlockTrades", get(sor::block_trades))
        .route("/sapi/v1/asset/tradeFee", get(fees::trade_fees))
        // What is not in the table has been answered before.
        .route("/sapi/{*rest}", any(async |headers: HeaderMap| admission::not_found(&headers)))
        .route("/api/{*rest}", any(async |headers: HeaderMap| admission::not_found(&headers)))
}

/// The unit of times that a request asks for.
pub(crate) fn time_unit(headers: &axum::http::HeaderMap) -> Result<TimeUnit, answer::No> {
    let asked = headers.get(candlewick_binance::wire::TIME_UNIT_HEADER);
    unit_of(asked.map(|value| value.to_str().unwrap_or_default()))
}

/// The unit of a word.
fn unit_of(word: Option<&str>) -> Result<TimeUnit, answer::No> {
    match word {
        None | Some("MILLISECOND" | "millisecond") => Ok(TimeUnit::Milliseconds),
        Some("MICROSECOND" | "microsecond") => Ok(TimeUnit::Microseconds),
        Some(_) => {
            Err(answer::No::saying(-1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND."))
        }
    }
}
