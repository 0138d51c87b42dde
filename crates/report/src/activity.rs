//! What the strategy did and what the venue answered: counts, refusals, commission, exposure.
//!
//! For: everything that is counted. Not for: what it earned (`curve`, `ratios`, `trips`).

use std::collections::BTreeMap;

use candlewick_model::Action;
use candlewick_model::run::{Event, Run, RunMarket};
use candlewick_model::{Amount, Asset, ExecutionReport, Liquidity, OrderStatus, Price, Side, Symbol};
use serde::Serialize;

use crate::curve::{EquityCurve, value_at};
use crate::ratios::finite;
use crate::trips::{RoundTrips, commission_in_quote, fills, market_of};
use crate::valuation::Valuation;

/// How many orders there were, and what became of them: `accepted` is the sum of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct OrderCounts {
    /// Orders that the venue accepted.
    pub accepted: u64,
    /// Orders that were filled whole.
    pub filled: u64,
    /// Orders that were cancelled, filled in part or not.
    pub canceled: u64,
    /// Orders that ended by rule.
    pub expired: u64,
    /// Orders that still worked at the end.
    pub open: u64,
}

/// Own trades.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct FillCounts {
    /// How many.
    pub count: u64,
    /// Of these as maker.
    pub maker: u64,
    /// Of these as taker.
    pub taker: u64,
    /// Maker fills over all fills.
    pub maker_share: Option<f64>,
    /// What changed hands as maker, over all that did.
    pub maker_notional_share: Option<f64>,
    /// What changed hands, in the asset that equity is counted in.
    pub notional: Amount,
    /// `notional` over the mean equity at the closes.
    pub turnover: Option<f64>,
}

/// What trading cost in one asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CommissionTotal {
    /// The asset it was paid in.
    pub asset: Asset,
    /// How much of it.
    pub amount: Amount,
    /// What that was worth at the prices of the fills, in the asset that equity is counted in;
    /// none where the run knows no price of it.
    pub value: Option<Amount>,
}

/// The same refusal, however often it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusalCount {
    /// What was asked for.
    pub action: Action,
    /// For example -1013.
    pub code: i32,
    /// The exchange's text.
    #[serde(rename = "msg")]
    pub text: String,
    /// How often.
    pub count: u64,
}

/// The same reason for expiry, however often it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExpiryCount {
    /// The exchange's word; `NONE` where it gave none.
    pub reason: &'static str,
    /// How many orders.
    pub count: u64,
}

/// How much of the time, and of the equity, was in base assets.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Exposure {
    /// Marks at which at least one step of some base asset was held, over all marks.
    pub time: Option<f64>,
    /// Mean over the marks of the value of the base assets over equity.
    pub mean: Option<f64>,
}

/// Counts the orders.
#[must_use]
pub fn order_counts(run: &Run) -> OrderCounts {
    let mut n = OrderCounts { accepted: run.orders.len() as u64, ..OrderCounts::default() };
    for order in &run.orders {
        match order.status {
            OrderStatus::Filled => n.filled += 1,
            OrderStatus::Canceled => n.canceled += 1,
            OrderStatus::Expired | OrderStatus::ExpiredInMatch | OrderStatus::Rejected => n.expired += 1,
            OrderStatus::New | OrderStatus::PendingNew | OrderStatus::PartiallyFilled => n.open += 1,
        }
    }
    n
}

/// Counts the fills.
#[must_use]
pub fn fill_counts(run: &Run, curve: &EquityCurve) -> FillCounts {
    let mut n = FillCounts::default();
    let mut notional = BTreeMap::from([(Liquidity::Maker, 0_i128), (Liquidity::Taker, 0)]);
    let valuation = Valuation::of(run);
    for (report, fill) in fills(run) {
        n.count += 1;
        match fill.liquidity {
            Liquidity::Maker => n.maker += 1,
            Liquidity::Taker => n.taker += 1,
        }
        let quote = market_of(run, report.order.symbol).quote_asset;
        let value = valuation.value(quote, fill.quote_quantity, report.time).unwrap_or_default();
        *notional.entry(fill.liquidity).or_default() += value.units();
    }
    n.notional = Amount::from_units(notional.values().sum());
    let maker = Amount::from_units(notional[&Liquidity::Maker]);
    n.maker_share = finite(n.maker as f64 / n.count as f64);
    n.maker_notional_share = finite(maker.to_f64() / n.notional.to_f64());
    let mean = curve.equity.iter().map(|e| e.to_f64()).sum::<f64>() / curve.equity.len() as f64;
    n.turnover = finite(n.notional.to_f64() / mean);
    n
}

/// Commission by asset, in the order of their names.
#[must_use]
pub fn commissions(run: &Run) -> Vec<CommissionTotal> {
    let mut totals: BTreeMap<Asset, CommissionTotal> = BTreeMap::new();
    let valuation = Valuation::of(run);
    for (report, fill) in fills(run).filter(|(_, fill)| !fill.commission.is_zero()) {
        let (asset, time) = (fill.commission_asset, report.time);
        let empty = CommissionTotal { asset, amount: Amount::ZERO, value: Some(Amount::ZERO) };
        let market = market_of(run, report.order.symbol);
        let value = commission_in_quote(market, &valuation, time, &fill)
            .and_then(|value| valuation.value(market.quote_asset, value, time));
        let total = totals.entry(asset).or_insert(empty);
        total.amount = total.amount.checked_add(fill.commission).expect("commission fits 128 bits");
        total.value = total.value.zip(value).and_then(|(sum, value)| sum.checked_add(value));
    }
    totals.into_values().collect()
}

/// Refusals by what was asked, code and text: the most frequent first.
#[must_use]
pub fn refusal_counts(run: &Run) -> Vec<RefusalCount> {
    let mut counts: BTreeMap<(Action, i32, String), RefusalCount> = BTreeMap::new();
    for event in &run.events {
        if let Event::Refused { action, refusal, .. } = event {
            let text = refusal.text.into_owned();
            let key = (action, refusal.code, text.clone());
            let empty = RefusalCount { action, code: refusal.code, text, count: 0 };
            counts.entry(key).or_insert(empty).count += 1;
        }
    }
    let mut counts: Vec<_> = counts.into_values().collect();
    counts.sort_by_key(|c| std::cmp::Reverse(c.count));
    counts
}

/// Expired orders by reason, in the order of the exchange's list.
#[must_use]
pub fn expiry_counts(run: &Run) -> Vec<ExpiryCount> {
    let mut counts = BTreeMap::new();
    let expired = |s: OrderStatus| matches!(s, OrderStatus::Expired | OrderStatus::ExpiredInMatch);
    for order in run.orders.iter().filter(|o| expired(o.status)) {
        *counts.entry(order.expiry_reason).or_insert(0_u64) += 1;
    }
    counts
        .into_iter()
        .map(|(reason, count)| ExpiryCount { reason: reason.map_or("NONE", |r| r.as_str()), count })
        .collect()
}

/// A base asset on its way through a run.
struct Held<'a> {
    market: &'a RunMarket,
    units: i128,
    /// How many of the market's bars have closed.
    closed: usize,
}

impl Held<'_> {
    fn close(&self) -> Price {
        let bars = &self.market.bars;
        let price = if self.closed == 0 { bars.open.first() } else { bars.close.get(self.closed - 1) };
        price.copied().unwrap_or_default()
    }
}

/// How much was in base assets. An asset that is the base of several markets counts once, at
/// the first of them.
#[must_use]
pub fn exposure(run: &Run) -> Exposure {
    let valuation = Valuation::of(run);
    let mut held: Vec<Held> = Vec::new();
    for market in run.markets.iter().filter(|market| market.base_asset != run.counted_in) {
        if held.iter().all(|h| h.market.base_asset != market.base_asset) {
            held.push(Held { market, units: run.initial.balance(market.base_asset).total().units(), closed: 0 });
        }
    }
    let mut changes = run.events.iter().peekable();
    let (mut marks_in, mut shares) = (0_u64, 0.0);
    for (mark, equity) in run.marks.iter().zip(run.equity.iter()) {
        while let Some(event) = changes.next_if(|event| event.time() <= mark) {
            apply(run, &mut held, &event);
        }
        let (mut is_in, mut value) = (false, 0.0);
        for h in &mut held {
            let closes = h.market.bars.close_time.within(h.closed..h.market.bars.len());
            h.closed += closes.take_while(|close| *close <= mark).count();
            if h.units >= i128::from(h.market.step.units().max(1)) {
                is_in = true;
                let worth = value_at(Amount::from_units(h.units), h.close());
                let quote = h.market.quote_asset;
                let counted = if quote == run.counted_in { Some(worth) } else { valuation.value(quote, worth, mark) };
                value += counted.unwrap_or_default().to_f64();
            }
        }
        marks_in += u64::from(is_in);
        shares += finite(value / equity.to_f64()).unwrap_or(0.0);
    }
    let marks = run.marks.len() as f64;
    Exposure { time: finite(marks_in as f64 / marks), mean: finite(shares / marks) }
}

/// Takes what an event says about base assets.
fn apply(run: &Run, held: &mut [Held], event: &Event) {
    let mut add = |asset: Asset, units: i128| {
        if let Some(held) = held.iter_mut().find(|held| held.market.base_asset == asset) {
            held.units += units;
        }
    };
    match event {
        Event::BalanceUpdate { asset, amount, .. } => add(*asset, amount.units()),
        Event::ExecutionReport(ExecutionReport { order, fill: Some(fill), .. }) => {
            let market = market_of(run, order.symbol);
            let sign = if order.side == Side::Buy { 1 } else { -1 };
            add(market.base_asset, sign * i128::from(fill.quantity.units()));
            add(market.quote_asset, -sign * fill.quote_quantity.units());
            add(fill.commission_asset, -fill.commission.units());
        }
        _ => {}
    }
}

/// What one market came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MarketFigures {
    /// The market.
    pub symbol: Symbol,
    /// Orders that the venue accepted.
    pub orders: u64,
    /// Own trades.
    pub fills: u64,
    /// Round trips that ended.
    pub round_trips: u64,
    /// Those of them that earned something, over all that ended.
    pub win_rate: Option<f64>,
    /// What all trips earned, the open one at the last close, in the asset that equity is
    /// counted in.
    pub pnl: Amount,
}

/// The figures of each market, in the run's order.
#[must_use]
pub fn market_figures(run: &Run, trips: &RoundTrips) -> Vec<MarketFigures> {
    let mut counts: BTreeMap<Symbol, u64> = BTreeMap::new();
    for (report, _) in fills(run) {
        *counts.entry(report.order.symbol).or_default() += 1;
    }
    let of = |market: &RunMarket| {
        let symbol = market.symbol;
        let closed: Vec<_> = trips.closed.iter().filter(|trip| trip.symbol == symbol).collect();
        let open = trips.open.iter().filter(|trip| trip.symbol == symbol);
        let won = closed.iter().filter(|trip| trip.pnl > Amount::ZERO).count();
        MarketFigures {
            symbol,
            orders: run.orders.iter().filter(|order| order.symbol == symbol).count() as u64,
            fills: counts.get(&symbol).copied().unwrap_or(0),
            round_trips: closed.len() as u64,
            win_rate: finite(won as f64 / closed.len() as f64),
            pnl: Amount::from_units(closed.iter().copied().chain(open).map(|trip| trip.pnl.units()).sum()),
        }
    };
    run.markets.iter().map(of).collect()
}
