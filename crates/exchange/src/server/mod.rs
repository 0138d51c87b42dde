//! The local exchange over HTTP, on this machine only.
//!
//! For: the REST API as the exchange documents it (`/api/v3/…`), the Data Portal (`/data/…`)
//! where there is one, and lock step (`/control/…`, which no real exchange has). Not for: the
//! outside world; it binds to 127.0.0.1 and nothing else.

mod account;
mod admission;
pub(crate) mod answer;
mod control;
mod endpoints;
mod fees;
mod limits;
mod listen_key;
mod public;
pub(crate) mod request;
mod security;
mod select;
mod socket;
mod streams;
mod tickers;
mod trading;
mod trouble;
mod ws_api;

pub use security::{ApiKey, Keys, Permission};

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, delete, get, post, put};
use candlewick_model::TimeUnit;
use candlewick_model::{Action, CommissionRates};
use candlewick_simulator::Setup;
use tokio::task::JoinHandle;

use self::admission::Asked;
use self::limits::IpLimits;
use self::socket::{Sockets, Timing};
use crate::data::exchange_info::Information;
use crate::data::{Limits, listen, service::portal_routes};
use crate::faults::{FaultPlan, Faults, SharedFaults};
use crate::local::LocalExchange;
use crate::{ExchangeError, Portal};

/// So many accounts can be told apart.
const ACCOUNTS_MAX: usize = 1_000;

/// What a server serves.
pub struct Service {
    /// The market behind the REST API.
    pub setup: Setup,
    /// The answer of `exchangeInfo`, as a snapshot has it.
    pub exchange_info: String,
    /// The keys that are accepted.
    pub keys: Keys,
    /// Whether an address may ask only for as much as `exchange_info` says.
    pub limits_addresses: bool,
    /// What goes wrong from the beginning.
    pub faults: FaultPlan,
    /// Whether there are listen keys, which the exchange has retired.
    pub legacy_listen_keys: bool,
    /// Archives to serve beside it.
    pub portal: Option<Portal>,
}

impl Service {
    /// A market with the exchange's limits, without faults and archives.
    #[must_use]
    pub fn new(setup: Setup, exchange_info: String, keys: Keys) -> Self {
        Self {
            setup,
            exchange_info,
            keys,
            limits_addresses: true,
            legacy_listen_keys: false,
            faults: FaultPlan::default(),
            portal: None,
        }
    }
}

/// What the handlers share.
struct Shared {
    exchange: Mutex<LocalExchange>,
    information: Information,
    keys: Keys,
    ip_limits: IpLimits,
    faults: SharedFaults,
    sockets: Sockets,
    has_listen_keys: bool,
    fees: CommissionRates,
}

impl Shared {
    fn exchange(&self) -> MutexGuard<'_, LocalExchange> {
        // A panic in a handler leaves no half-made state behind that anybody could trust.
        self.exchange.lock().expect("no handler has panicked")
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().expect("no handler panics with it")
    }
}

type State = axum::extract::State<Arc<Shared>>;

/// A server that runs until it is dropped or stopped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Starts serving on a port of 127.0.0.1; port 0 is any that is free.
    pub async fn start(service: Service, port: u16) -> Result<Self, ExchangeError> {
        let last = service.keys.iter().map(ApiKey::account).max().unwrap_or(0);
        if last >= ACCOUNTS_MAX {
            return Err(ExchangeError::NoAccount { account: last, accounts: ACCOUNTS_MAX });
        }
        let no_json = |source: serde_json::Error| ExchangeError::ExchangeInfo { reason: source.to_string() };
        let limits = if service.limits_addresses {
            Limits::of_exchange_info(&service.exchange_info).map_err(no_json)?
        } else {
            Limits::none()
        };
        // All accounts begin alike.
        let accounts = vec![service.setup.account.clone(); last + 1];
        let mut exchange =
            LocalExchange::with_accounts(&service.setup, &accounts).with_exchange_info(service.exchange_info);
        let faults = SharedFaults::new(Mutex::new(Faults::new(service.faults)));
        exchange.audience.users.faults = Arc::clone(&faults);
        let shared = Shared {
            information: Information::new(exchange.catalogue(), None)?,
            exchange: Mutex::new(exchange),
            keys: service.keys,
            ip_limits: IpLimits::new(limits),
            faults,
            sockets: Sockets::new(Timing::default(), service.limits_addresses),
            has_listen_keys: service.legacy_listen_keys,
            fees: service.setup.markets[0].fill_model.fees,
        };
        let shared = Arc::new(shared);
        let handlers = routes().with_state(Arc::clone(&shared));
        let routes = handlers.clone().merge(ws_api::routes(handlers).with_state(Arc::clone(&shared)));
        let routes = match service.portal {
            Some(portal) => routes.fallback_service(portal_routes(portal)?),
            None => routes,
        };
        let admitted = routes.layer(from_fn_with_state(Arc::clone(&shared), admission::admit));
        let routes = admitted.layer(from_fn_with_state(Arc::clone(&shared), trouble::meet));
        let (listener, address) = listen::bind(port).await?;
        let task = tokio::spawn(listen::serve(listener, None, routes));
        Ok(Self { address, shared, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL for clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until it ends, which it does only when something goes wrong.
    pub async fn wait(&mut self) -> Result<(), ExchangeError> {
        match (&mut self.task).await {
            Ok(Err(source)) => Err(ExchangeError::Bind { address: self.address, source }),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }

    /// Stops, after a while in which WebSocket clients are told and may take their leave.
    pub async fn stop(self, grace: Duration) {
        let latest = grace + Duration::from_secs(3);
        if tokio::time::timeout(latest, self.shared.sockets.leave(grace)).await.is_err() {
            tracing::warn!("a WebSocket client does not take its leave");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.sockets.end();
        self.task.abort();
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
        // Endpoints of the table that nobody answers yet.
        .route("/api/{*rest}", any(async |headers: HeaderMap| admission::not_found(&headers)))
        .route("/control/step", post(control::step))
        .route("/control/faults", get(trouble::told).post(trouble::add).delete(trouble::clear))
        .route("/control/limits", delete(control::forgive))
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
