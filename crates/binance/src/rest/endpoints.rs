//! The endpoints, one method each.

use candlewick_model::{Bar, ClientOrderId, Interval, Order, OrderId, RawParameters, Symbol, Timestamp, TradeId};
use reqwest::Method;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{Rest, RestError, Security};
use crate::wire::{Account, Cancelled, Kline, MyTrade, OrderState, Placed, ServerTime, time};

/// Which klines are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KlineRange {
    /// From this open time on, oldest first.
    pub start: Option<Timestamp>,
    /// Up to this open time.
    pub end: Option<Timestamp>,
    /// At most so many; the exchange gives 500 if nothing is said and never more than 1,000.
    pub limit: Option<u16>,
}

/// By what an order is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderName {
    /// The exchange's number.
    Id(OrderId),
    /// The sender's name.
    Client(ClientOrderId),
}

/// Which own trades are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TradeRange {
    /// Of this order only.
    pub order_id: Option<OrderId>,
    /// From this trade on, oldest first; without it the most recent ones.
    pub from_id: Option<TradeId>,
    /// At most so many.
    pub limit: Option<u16>,
}

/// Parameters with values that are made on the way.
#[derive(Default)]
struct Parameters(Vec<(&'static str, String)>);

impl Parameters {
    fn of(name: &'static str, value: impl ToString) -> Self {
        Self(vec![(name, value.to_string())])
    }

    fn and(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.0.extend(value.map(|value| (name, value.to_string())));
        self
    }

    fn pairs(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }
}

impl Rest {
    /// Whether anybody is there.
    pub async fn ping(&self) -> Result<(), RestError> {
        self.call::<IgnoredAny>(Method::GET, "/api/v3/ping", Security::Open, &[]).await.map(|_| ())
    }

    /// What time it is there.
    pub async fn time(&self) -> Result<Timestamp, RestError> {
        let answer: ServerTime = self.call(Method::GET, "/api/v3/time", Security::Open, &[]).await?;
        time(answer.server_time).ok_or_else(|| implausible("GET /api/v3/time", "serverTime"))
    }

    /// The rules of one symbol, as the exchange wrote them.
    pub async fn exchange_info(&self, symbol: Symbol) -> Result<String, RestError> {
        let parameters = [("symbol", symbol.as_str())];
        let json: Box<RawValue> = self.call(Method::GET, "/api/v3/exchangeInfo", Security::Open, &parameters).await?;
        Ok(json.get().to_owned())
    }

    /// Bars, oldest first. The last one may still be open: its close time is then later than
    /// the server's time.
    pub async fn klines(&self, symbol: Symbol, interval: Interval, range: KlineRange) -> Result<Vec<Bar>, RestError> {
        let parameters = Parameters::of("symbol", symbol)
            .and("interval", Some(interval.rest_name()))
            .and("startTime", range.start.map(Timestamp::micros))
            .and("endTime", range.end.map(Timestamp::micros))
            .and("limit", range.limit);
        let rows: Vec<Kline> = self.call(Method::GET, "/api/v3/klines", Security::Open, &parameters.pairs()).await?;
        rows.iter().map(|row| row.bar().ok_or_else(|| implausible("GET /api/v3/klines", "a row"))).collect()
    }

    /// What the account holds and pays; assets of which it holds nothing are left out.
    pub async fn account(&self) -> Result<Account, RestError> {
        let parameters = [("omitZeroBalances", "true")];
        self.call(Method::GET, "/api/v3/account", Security::Signed, &parameters).await
    }

    /// Sends a new order.
    pub async fn new_order(&self, parameters: &RawParameters) -> Result<Placed, RestError> {
        let pairs = unsigned(parameters);
        self.call(Method::POST, "/api/v3/order", Security::Signed, &pairs).await
    }

    /// Cancels an order.
    pub async fn cancel_order(&self, parameters: &RawParameters) -> Result<Cancelled, RestError> {
        let pairs = unsigned(parameters);
        self.call(Method::DELETE, "/api/v3/order", Security::Signed, &pairs).await
    }

    /// Looks an order up.
    pub async fn order(&self, symbol: Symbol, name: OrderName) -> Result<Order, RestError> {
        let (id, client_id) = match name {
            OrderName::Id(id) => (Some(id), None),
            OrderName::Client(id) => (None, Some(id)),
        };
        let parameters = Parameters::of("symbol", symbol).and("orderId", id).and("origClientOrderId", client_id);
        let state: OrderState = self.call(Method::GET, "/api/v3/order", Security::Signed, &parameters.pairs()).await?;
        state.order().ok_or_else(|| implausible("GET /api/v3/order", "a time"))
    }

    /// The open orders of a symbol.
    pub async fn open_orders(&self, symbol: Symbol) -> Result<Vec<Order>, RestError> {
        let parameters = Parameters::of("symbol", symbol);
        let states: Vec<OrderState> =
            self.call(Method::GET, "/api/v3/openOrders", Security::Signed, &parameters.pairs()).await?;
        states.iter().map(|s| s.order().ok_or_else(|| implausible("GET /api/v3/openOrders", "a time"))).collect()
    }

    /// Own trades, oldest first.
    pub async fn my_trades(&self, symbol: Symbol, range: TradeRange) -> Result<Vec<MyTrade>, RestError> {
        let parameters = Parameters::of("symbol", symbol)
            .and("orderId", range.order_id)
            .and("fromId", range.from_id)
            .and("limit", range.limit);
        self.call(Method::GET, "/api/v3/myTrades", Security::Signed, &parameters.pairs()).await
    }
}

/// What an order log may have carried over from another request; this one gets its own.
fn unsigned(parameters: &RawParameters) -> Vec<(&str, &str)> {
    parameters.iter().filter(|(name, _)| !["timestamp", "recvWindow", "signature"].contains(name)).collect()
}

fn implausible(what: &str, which: &str) -> RestError {
    RestError::Answer { what: what.to_owned(), reason: format!("{which} is not plausible") }
}
