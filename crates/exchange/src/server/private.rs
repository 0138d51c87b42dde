//! Signed endpoints: the account, its orders and its trades.

use axum::Json;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use candlewick_binance::wire::{
    Account, AssetBalance, Cancelled, CommissionRates, MyTrade, OrderState, Placed, ResponseType, time_number,
};
use candlewick_model::time::DAY;
use candlewick_model::{Action, Command};
use candlewick_model::{ClientOrderId, ExecutionReport, ExecutionType, Fill, OrderId, Rate, TimeUnit};
use candlewick_simulator::VenueEvent;

use super::answer::{Answer, No};
use super::request::{Parameters, payload};
use super::{Shared, State, time_unit};
use crate::local::LocalExchange;

impl Shared {
    /// Reads and checks a signed request.
    fn signed(&self, headers: &HeaderMap, query: Option<&str>, body: &str) -> Result<(Parameters, TimeUnit), No> {
        let unit = time_unit(headers)?;
        let query = query.unwrap_or_default();
        let parameters = Parameters::read(query, body)?;
        let now = self.exchange().now();
        parameters.authorise(headers, &payload(query, body), &self.credentials, now)?;
        Ok((parameters, unit))
    }
}

pub(super) async fn new_order(
    state: State,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: String,
) -> Answer<Placed> {
    let (parameters, unit) = state.signed(&headers, query.as_deref(), &body)?;
    let raw = parameters.raw();
    let response = ResponseType::asked_for(&raw);
    let reports = reports_of(&mut state.exchange(), Command::Raw(Action::New, Box::new(raw)))?;
    let placed = reports.iter().find(|report| report.execution_type == ExecutionType::New);
    let id = placed.expect("what is not refused is reported as new").order.order_id;
    let mut own = reports.iter().filter(|report| report.order.order_id == id);
    let mut order = own.next().expect("found above").order;
    let mut fills: Vec<Fill> = Vec::new();
    for report in own {
        order = report.order;
        fills.extend(report.fill);
    }
    Ok(Json(Placed::of(&order, &fills, response, unit)))
}

pub(super) async fn cancel_order(
    state: State,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: String,
) -> Answer<Cancelled> {
    let (parameters, unit) = state.signed(&headers, query.as_deref(), &body)?;
    let reports = reports_of(&mut state.exchange(), Command::Raw(Action::Cancel, Box::new(parameters.raw())))?;
    let report = reports.first().expect("what is not refused is reported as cancelled");
    let made_up = || ClientOrderId::new(&format!("cancel-{}", report.order.order_id)).expect("a short name");
    let name = report.cancel_client_order_id.unwrap_or_else(made_up);
    Ok(Json(Cancelled::of(&report.order, name, unit)))
}

/// Lets the venue take a command up; a refusal is an answer of its own.
fn reports_of(exchange: &mut LocalExchange, command: Command) -> Result<Vec<ExecutionReport>, No> {
    let mut reports = Vec::new();
    for event in exchange.take_up(&command)? {
        match event {
            VenueEvent::Report(report) => reports.push(report),
            VenueEvent::Refused { refusal, .. } => return Err(refusal.into()),
            VenueEvent::ListStatus(_) | VenueEvent::Tested { .. } => {}
        }
    }
    Ok(reports)
}

pub(super) async fn query_order(state: State, headers: HeaderMap, RawQuery(query): RawQuery) -> Answer<OrderState> {
    let (parameters, unit) = state.signed(&headers, query.as_deref(), "")?;
    let exchange = state.exchange();
    parameters.symbol(exchange.symbol())?;
    let id = parameters.whole("orderId")?;
    let name = parameters.get("origClientOrderId").filter(|text| !text.is_empty());
    let named = || name.and_then(|name| ClientOrderId::new(name).ok());
    let order = match (id, name) {
        (None, None) => {
            let text = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!";
            return Err(No::saying(-1102, text));
        }
        (Some(id), _) => exchange.order(id),
        (None, Some(_)) => named().and_then(|name| exchange.order_named(name)),
    };
    let order = order.ok_or(No::saying(-2013, "Order does not exist."))?;
    if name.is_some() && named() != Some(order.client_order_id) {
        return Err(No::saying(-2039, "Client order ID is not correct for this order ID."));
    }
    Ok(Json(OrderState::of(order, unit)))
}

pub(super) async fn open_orders(
    state: State,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer<Vec<OrderState>> {
    let (parameters, unit) = state.signed(&headers, query.as_deref(), "")?;
    let exchange = state.exchange();
    if parameters.get("symbol").is_some() {
        parameters.symbol(exchange.symbol())?;
    }
    Ok(Json(exchange.open_orders().map(|order| OrderState::of(order, unit)).collect()))
}

pub(super) async fn my_trades(state: State, headers: HeaderMap, RawQuery(query): RawQuery) -> Answer<Vec<MyTrade>> {
    let (parameters, unit) = state.signed(&headers, query.as_deref(), "")?;
    let exchange = state.exchange();
    parameters.symbol(exchange.symbol())?;
    let wanted = TradesWanted::read(&parameters)?;
    let found: Vec<_> = exchange.trades().iter().filter(|report| wanted.has(report)).collect();
    // With a beginning the oldest, without one the most recent.
    let limit = parameters.limit()?;
    let from_the_start = wanted.from_id.is_some() || wanted.start.is_some();
    let skipped = if from_the_start { 0 } else { found.len().saturating_sub(limit) };
    Ok(Json(found.into_iter().skip(skipped).take(limit).filter_map(|report| MyTrade::of(report, unit)).collect()))
}

/// Which own trades are asked for.
struct TradesWanted {
    order_id: Option<OrderId>,
    from_id: Option<u64>,
    start: Option<candlewick_model::Timestamp>,
    end: Option<candlewick_model::Timestamp>,
}

impl TradesWanted {
    fn read(parameters: &Parameters) -> Result<Self, No> {
        let wanted = Self {
            order_id: parameters.whole("orderId")?,
            from_id: parameters.whole("fromId")?,
            start: parameters.time("startTime")?,
            end: parameters.time("endTime")?,
        };
        let timed = wanted.start.is_some() || wanted.end.is_some();
        if timed && (wanted.order_id.is_some() || wanted.from_id.is_some()) {
            return Err(No::saying(-1128, "Combination of optional parameters invalid."));
        }
        if let (Some(start), Some(end)) = (wanted.start, wanted.end)
            && end.micros().saturating_sub(start.micros()) > DAY
        {
            return Err(No::saying(-1127, "More than 24 hours between startTime and endTime."));
        }
        Ok(wanted)
    }

    fn has(&self, report: &ExecutionReport) -> bool {
        let id = report.fill.map_or(0, |fill| fill.trade_id);
        self.order_id.is_none_or(|order| order == report.order.order_id)
            && self.from_id.is_none_or(|from| id >= from)
            && self.start.is_none_or(|start| report.time >= start)
            && self.end.is_none_or(|end| report.time <= end)
    }
}

pub(super) async fn account(state: State, headers: HeaderMap, RawQuery(query): RawQuery) -> Answer<Account> {
    let (parameters, unit) = state.signed(&headers, query.as_deref(), "")?;
    let omit_zero = match parameters.get("omitZeroBalances") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(No::saying(-1130, "Data sent for parameter 'omitZeroBalances' is not valid.")),
    };
    let exchange = state.exchange();
    let basis_points = |rate: Rate| rate.units() / 10_000;
    let balances = exchange
        .account()
        .iter()
        .filter(|(_, balance)| !(omit_zero && balance.free.is_zero() && balance.locked.is_zero()))
        .map(|(asset, balance)| AssetBalance { asset, free: balance.free, locked: balance.locked })
        .collect();
    let fees = state.fees;
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
        can_withdraw: false,
        can_deposit: false,
        brokered: false,
        require_self_trade_prevention: false,
        prevent_sor: false,
        update_time: time_number(exchange.now(), unit),
        account_type: "SPOT".to_owned(),
        balances,
        permissions: vec!["SPOT".to_owned()],
        uid: 1,
    }))
}
