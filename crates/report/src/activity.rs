//! What the strategy did and what the venue answered: counts, refusals, commission, exposure.
//!
//! For: everything that is counted. Not for: what it earned (`curve`, `ratios`, `trips`).

use std::collections::BTreeMap;

use candlewick_model::Action;
use candlewick_model::run::{Event, Run};
use candlewick_model::{Amount, Asset, Liquidity, OrderStatus, Side};
use serde::Serialize;

use crate::curve::{EquityCurve, value_at};
use crate::ratios::finite;
use crate::trips::{commission_value, fills};

/// How many orders there were, and what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct OrderCounts {
    /// Commands for a new order that left the strategy.
    pub sent: u64,
    /// Orders that the venue accepted.
    pub accepted: u64,
    /// Commands for a new order that it refused.
    pub refused: u64,
    /// Orders that were filled whole.
    pub filled: u64,
    /// Orders that were cancelled, filled in part or not.
    pub canceled: u64,
    /// Orders that ended by rule.
    pub expired: u64,
    /// Orders that still worked at the end.
    pub open: u64,
    /// Commands to cancel.
    pub cancels_sent: u64,
    /// Commands to cancel that the venue refused.
    pub cancels_refused: u64,
    /// Commands of either kind that came after the last bar.
    pub never_sent: u64,
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
    /// Quote asset that changed hands as maker, over all that did.
    pub maker_notional_share: Option<f64>,
    /// Quote asset that changed hands.
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
    /// What that was worth in quote asset at the fills' prices; none for a third asset, whose
    /// price the run does not know.
    pub quote_value: Option<Amount>,
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

/// How much of the time, and of the equity, was in base asset.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Exposure {
    /// Closes at which at least one step of base asset was held, over all closes.
    pub time: Option<f64>,
    /// Mean over the closes of the value of the base asset over equity.
    pub mean: Option<f64>,
}

/// Counts the orders.
#[must_use]
pub fn order_counts(run: &Run) -> OrderCounts {
    let mut n = OrderCounts { accepted: run.orders.len() as u64, ..OrderCounts::default() };
    for event in &run.events {
        match event {
            Event::Sent { action, .. } if action.places() => n.sent += 1,
            Event::Sent { action, .. } if action.ends() => n.cancels_sent += 1,
            Event::Refused { action, .. } if action.places() => n.refused += 1,
            Event::Refused { action, .. } if action.ends() => n.cancels_refused += 1,
            Event::NotSent { .. } => n.never_sent += 1,
            _ => {}
        }
    }
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
    for (_, fill) in fills(run) {
        n.count += 1;
        match fill.liquidity {
            Liquidity::Maker => n.maker += 1,
            Liquidity::Taker => n.taker += 1,
        }
        *notional.entry(fill.liquidity).or_default() += fill.quote_quantity.units();
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
    for (_, fill) in fills(run).filter(|(_, fill)| !fill.commission.is_zero()) {
        let asset = fill.commission_asset;
        let empty = CommissionTotal { asset, amount: Amount::ZERO, quote_value: Some(Amount::ZERO) };
        let total = totals.entry(asset).or_insert(empty);
        total.amount = total.amount.checked_add(fill.commission).expect("commission fits 128 bits");
        total.quote_value =
            total.quote_value.zip(commission_value(run, &fill)).and_then(|(sum, value)| sum.checked_add(value));
    }
    totals.into_values().collect()
}

/// Refusals by what was asked, code and text: the most frequent first.
#[must_use]
pub fn refusal_counts(run: &Run) -> Vec<RefusalCount> {
    let mut counts: BTreeMap<(bool, i32, String), RefusalCount> = BTreeMap::new();
    for event in &run.events {
        if let Event::Refused { action, refusal, .. } = event {
            let text = refusal.text.into_owned();
            let key = (action == Action::Cancel, refusal.code, text.clone());
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

/// How much was in base asset.
#[must_use]
pub fn exposure(run: &Run) -> Exposure {
    let mut fills = fills(run).peekable();
    let mut held = run.initial.balance(run.base_asset).total().units();
    let (mut closes_in, mut shares) = (0_u64, 0.0);
    for row in 0..run.bars.len() {
        while let Some((report, fill)) = fills.next_if(|(report, _)| report.time <= run.bars.close_time[row]) {
            let quantity = i128::from(fill.quantity.units());
            held += if report.order.side == Side::Buy { quantity } else { -quantity };
            held -= if fill.commission_asset == run.base_asset { fill.commission.units() } else { 0 };
        }
        if held >= i128::from(run.step.units().max(1)) {
            closes_in += 1;
            let value = value_at(Amount::from_units(held), run.bars.close[row]);
            shares += finite(value.to_f64() / run.equity[row].to_f64()).unwrap_or(0.0);
        }
    }
    let bars = run.bars.len() as f64;
    Exposure { time: finite(closes_in as f64 / bars), mean: finite(shares / bars) }
}
