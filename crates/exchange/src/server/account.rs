//! Signed endpoints that ask: the account, its orders, lists and trades, what was prevented and
//! amended.

use axum::{Extension, Json};
use candlewick_binance::wire::{
    Account, Amendment, AssetBalance, CommissionRates, ListState, MyTrade, OrderState, PreventedMatch, time_number,
};
use candlewick_model::order::RateInterval;
use candlewick_model::time::DAY;
use candlewick_model::{ExecutionReport, Order, OrderId, Rate, TimeUnit, Timestamp};
use serde::Serialize;

use super::State;
use super::admission::Asked;
use super::answer::{Answer, No};
use super::request::{Parameters, missing};
use crate::history::{self, History};

fn state_of(order: &Order, history: &History, unit: TimeUnit) -> OrderState {
    OrderState::of(order, history.prevented_match_of(order.order_id), unit)
}

pub(super) async fn query_order(state: State, Extension(asked): Asked) -> Answer<OrderState> {
    let (parameters, unit) = asked.parts();
    let exchange = state.exchange();
    let (symbol, history) = (parameters.symbol(|symbol| exchange.has(symbol))?, exchange.history(asked.account));
    let order = match parameters.named("orderId")? {
        (Some(id), name) => (history.order(id).filter(|order| order.symbol == symbol), name),
        (None, name) => (name.and_then(|name| history.order_named(symbol, name)), name),
    };
    let (Some(order), name) = order else { return Err(No::saying(-2013, "Order does not exist.")) };
    if name.is_some_and(|name| name != order.client_order_id) {
        return Err(No::saying(-2039, "Client order ID is not correct for this order ID."));
    }
    Ok(Json(state_of(order, history, unit)))
}

pub(super) async fn open_orders(state: State, Extension(asked): Asked) -> Answer<Vec<OrderState>> {
    let (parameters, unit) = asked.parts();
    let exchange = state.exchange();
    let wanted = parameters.optional_symbol(|symbol| exchange.has(symbol))?;
    let trader = exchange.trader(asked.account);
    let open = trader.open_orders().filter(|order| wanted.is_none_or(|wanted| order.symbol == wanted));
    Ok(Json(open.map(|order| state_of(order, trader.history(), unit)).collect()))
}

pub(super) async fn all_orders(state: State, Extension(asked): Asked) -> Answer<Vec<OrderState>> {
    let (parameters, unit) = asked.parts();
    let exchange = state.exchange();
    let symbol = parameters.symbol(|symbol| exchange.has(symbol))?;
    let wanted = Wanted::read(parameters, "orderId")?.by_time_or_number();
    let has = |order: &&Order| order.symbol == symbol && wanted.has(order.order_id, order.updated);
    let orders = wanted.page(exchange.history(asked.account).orders().filter(has), parameters)?;
    Ok(Json(orders.into_iter().map(|order| state_of(order, exchange.history(asked.account), unit)).collect()))
}

pub(super) async fn my_trades(state: State, Extension(asked): Asked) -> Answer<Vec<MyTrade>> {
    let (parameters, unit) = asked.parts();
    let exchange = state.exchange();
    let symbol = parameters.symbol(|symbol| exchange.has(symbol))?;
    let order: Option<OrderId> = parameters.whole("orderId")?;
    let wanted = Wanted::read(parameters, "fromId")?.by_number_or_time()?;
    if order.is_some() && wanted.is_timed() {
        return Err(No::saying(-1128, "Combination of optional parameters invalid."));
    }
    let has = |report: &&ExecutionReport| {
        let id = report.fill.map_or(0, |fill| fill.trade_id);
        report.order.symbol == symbol
            && order.is_none_or(|order| order == report.order.order_id)
            && wanted.has(id, report.time)
    };
    let found = wanted.page(exchange.history(asked.account).trades().iter().filter(has), parameters)?;
    Ok(Json(found.into_iter().filter_map(|report| MyTrade::of(report, unit)).collect()))
}

/// Which of what was is asked for: from a number on, or between two instants.
pub(super) struct Wanted {
    from: Option<u64>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
}

impl Wanted {
    pub(super) fn read(parameters: &Parameters, from: &str) -> Result<Self, No> {
        let wanted = Self {
            from: parameters.whole(from)?,
            start: parameters.time("startTime")?,
            end: parameters.time("endTime")?,
        };
        if let (Some(start), Some(end)) = (wanted.start, wanted.end)
            && end.micros().saturating_sub(start.micros()) > DAY
        {
            return Err(No::saying(-1127, "More than 24 hours between startTime and endTime."));
        }
        Ok(wanted)
    }

    pub(super) fn is_timed(&self) -> bool {
        self.start.is_some() || self.end.is_some()
    }

    /// For endpoints where a number and a time cannot both be given.
    pub(super) fn by_number_or_time(self) -> Result<Self, No> {
        if self.is_timed() && self.from.is_some() {
            return Err(No::saying(-1128, "Combination of optional parameters invalid."));
        }
        Ok(self)
    }

    /// For endpoints where a number is ignored beside a time (`web-socket-api.md`, Account order
    /// history).
    fn by_time_or_number(self) -> Self {
        Self { from: self.from.filter(|_| !self.is_timed()), ..self }
    }

    fn has(&self, id: u64, time: Timestamp) -> bool {
        self.from.is_none_or(|from| id >= from)
            && self.start.is_none_or(|start| time >= start)
            && self.end.is_none_or(|end| time <= end)
    }

    /// With a beginning the oldest, without one the most recent; no more are looked at than it takes.
    fn page<T>(&self, found: impl DoubleEndedIterator<Item = T>, parameters: &Parameters) -> Result<Vec<T>, No> {
        let limit = parameters.limit(500, 1_000)?;
        if self.from.is_some() || self.start.is_some() {
            return Ok(found.take(limit).collect());
        }
        let mut page: Vec<T> = found.rev().take(limit).collect();
        page.reverse();
        Ok(page)
    }
}

pub(super) async fn query_list(state: State, Extension(asked): Asked) -> Answer<ListState> {
    let (parameters, unit) = asked.parts();
    let exchange = state.exchange();
    let history = exchange.history(asked.account);
    let list = match parameters.named("orderListId")? {
        (Some(id), name) => {
            history.list(id).filter(|list| name.is_none_or(|name| name.as_str() == list.list_client_order_id.as_str()))
        }
        (None, name) => name.and_then(|name| history.list_named(name)),
    };
    let list = list.ok_or(No::saying(-2018, "Order list does not exist."))?;
    Ok(Json(ListState::of(list, Vec::new(), unit)))
}

pub(super) async fn all_lists(state: State, Extension(asked): Asked) -> Answer<Vec<ListState>> {
    let (parameters, unit) = asked.parts();
    let wanted = Wanted::read(parameters, "fromId")?.by_number_or_time()?;
    let exchange = state.exchange();
    let found = exchange.history(asked.account).lists().filter(|list| wanted.has(list.order_list_id, list.time));
    let lists = wanted.page(found, parameters)?;
    Ok(Json(lists.into_iter().map(|list| ListState::of(list, Vec::new(), unit)).collect()))
}

pub(super) async fn open_lists(state: State, Extension(asked): Asked) -> Answer<Vec<ListState>> {
    let unit = asked.unit;
    let exchange = state.exchange();
    Ok(Json(exchange.history(asked.account).open_lists().map(|list| ListState::of(list, Vec::new(), unit)).collect()))
}

pub(super) async fn prevented_matches(state: State, Extension(asked): Asked) -> Answer<Vec<PreventedMatch>> {
    let (parameters, unit) = asked.parts();
    let exchange = state.exchange();
    let symbol = parameters.symbol(|symbol| exchange.has(symbol))?;
    let [only, order, from] = [
        parameters.whole("preventedMatchId")?,
        parameters.whole("orderId")?,
        parameters.whole("fromPreventedMatchId")?,
    ];
    if only.is_some() == order.is_some() || (only.is_some() && from.is_some()) {
        return Err(No::saying(-1128, "Combination of optional parameters invalid."));
    }
    let has = |m: &&history::PreventedMatch| {
        m.symbol == symbol
            && only.is_none_or(|id| id == m.told.match_id)
            && order.is_none_or(|id| id == m.taker || id == m.maker)
            && from.is_none_or(|from| m.told.match_id >= from)
    };
    let told = |m: &history::PreventedMatch| PreventedMatch {
        symbol: m.symbol,
        prevented_match_id: m.told.match_id,
        taker_order_id: m.taker,
        maker_symbol: m.symbol,
        maker_order_id: m.maker,
        trade_group_id: 1,
        self_trade_prevention_mode: m.told.mode,
        price: m.told.price,
        taker_prevented_quantity: m.taker_quantity,
        maker_prevented_quantity: m.maker_quantity,
        transact_time: time_number(m.time, unit),
    };
    let limit = parameters.limit(500, 1_000)?;
    Ok(Json(exchange.history(asked.account).prevented_matches().filter(has).take(limit).map(told).collect()))
}

pub(super) async fn amendments(state: State, Extension(asked): Asked) -> Answer<Vec<Amendment>> {
    let (parameters, unit) = asked.parts();
    let exchange = state.exchange();
    let symbol = parameters.symbol(|symbol| exchange.has(symbol))?;
    parameters.mandatory("orderId")?;
    let order = parameters.whole("orderId")?.ok_or_else(|| missing("orderId"))?;
    let from = parameters.whole("fromExecutionId")?.unwrap_or(0);
    let has = |a: &&history::Amendment| {
        a.before.symbol == symbol && a.before.order_id == order && a.report.execution_id >= from
    };
    let told = |a: &history::Amendment| Amendment {
        symbol,
        order_id: order,
        execution_id: a.report.execution_id,
        orig_client_order_id: a.before.client_order_id,
        new_client_order_id: a.report.order.client_order_id,
        orig_qty: a.before.quantity,
        new_qty: a.report.order.quantity,
        time: time_number(a.report.time, unit),
    };
    let limit = parameters.limit(500, 1_000)?;
    Ok(Json(exchange.history(asked.account).amendments().iter().filter(has).take(limit).map(told).collect()))
}

/// One limit of unfilled orders with its count.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrderCount {
    rate_limit_type: &'static str,
    interval: RateInterval,
    interval_num: u32,
    limit: u32,
    count: u32,
}

pub(super) async fn order_counts(state: State, Extension(asked): Asked) -> Answer<Vec<OrderCount>> {
    let counts = state.exchange().unfilled_orders(asked.account).into_iter().map(|(limit, count)| OrderCount {
        rate_limit_type: "ORDERS",
        interval: limit.interval,
        interval_num: limit.interval_num,
        limit: limit.limit,
        count,
    });
    Ok(Json(counts.collect()))
}

pub(super) async fn account(state: State, Extension(asked): Asked) -> Answer<Account> {
    let (parameters, unit) = asked.parts();
    let omit_zero = parameters.boolean("omitZeroBalances")?.unwrap_or(false);
    let exchange = state.exchange();
    let basis_points = |rate: Rate| rate.units() / 10_000;
    let balances = exchange
        .account(asked.account)
        .iter()
        .filter(|(_, balance)| !(omit_zero && balance.free.is_zero() && balance.locked.is_zero()))
        .map(|(asset, balance)| AssetBalance { asset, free: balance.free, locked: balance.locked })
        .collect();
    let fees = state.fees(None);
    Ok(Json(Account {
        maker_commission: basis_points(fees.standard.maker),
        taker_commission: basis_points(fees.standard.taker),
        buyer_commission: 0,
        seller_commission: 0,
        commission_rates: Some(CommissionRates {
            maker: fees.standard.maker,
            taker: fees.standard.taker,
            buyer: fees.standard.buyer,
            seller: fees.standard.seller,
        }),
        can_trade: true,
        // Every account may be paid into and out of: by the configuration, and by control.
        can_withdraw: true,
        can_deposit: true,
        brokered: false,
        require_self_trade_prevention: false,
        prevent_sor: false,
        update_time: time_number(exchange.now(), unit),
        account_type: "SPOT".to_owned(),
        balances,
        permissions: vec!["SPOT".to_owned()],
        uid: asked.account as u64 + 1,
    }))
}
