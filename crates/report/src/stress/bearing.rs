//! What is compared of a run with trouble and one without.

use std::collections::BTreeMap;

use candlewick_model::run::{Bearing, Event, Run, RunMarket};
use candlewick_model::stress::{Met, RejectionOutcome};
use candlewick_model::{Asset, ExecutionReport, Side, Symbol, Timestamp};

use super::late_stops;
use crate::curve::{EquityCurve, growth};
use crate::trips::market_of;

/// How a run came through.
#[must_use]
pub fn bearing(run: &Run) -> Bearing {
    let curve = EquityCurve::of(run);
    let measured = curve.measured().last().copied().unwrap_or(curve.initial);
    let mut bearing = Bearing {
        final_equity: curve.last(),
        growth: growth(curve.initial, measured),
        max_drawdown: curve.drawdown.iter().copied().fold(0.0, f64::max),
        orders: run.orders.len() as u64,
        refused: 0,
        rejected: 0,
        unknown: 0,
        retried: 0,
        delayed: 0,
        given_up: 0,
        halted_us: halted_us(run),
        stops_late: late_stops(run).len() as u64,
    };
    for event in &run.events {
        match event {
            Event::Refused { .. } => bearing.refused += 1,
            Event::Trouble { met, .. } => count(&mut bearing, &met),
            _ => {}
        }
    }
    bearing
}

fn count(bearing: &mut Bearing, met: &Met) {
    match met {
        Met::Delayed { .. } => bearing.delayed += 1,
        Met::TimedOut { .. } => bearing.unknown += 1,
        Met::Rejected { outcome, .. } => match outcome {
            RejectionOutcome::Passed => bearing.retried += 1,
            RejectionOutcome::Unknown => bearing.unknown += 1,
            RejectionOutcome::Refused => bearing.rejected += 1,
            RejectionOutcome::GivenUp => {
                bearing.rejected += 1;
                bearing.given_up += 1;
            }
        },
    }
}

/// What the account holds of base assets, and how many orders are open, on its way through a
/// run.
struct Exposed<'a> {
    run: &'a Run,
    held: BTreeMap<Asset, i128>,
    open: BTreeMap<u64, Symbol>,
}

impl Exposed<'_> {
    fn add(&mut self, asset: Asset, units: i128) {
        *self.held.entry(asset).or_default() += units;
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::BalanceUpdate { asset, amount, .. } => self.add(*asset, amount.units()),
            Event::ExecutionReport(ExecutionReport { order, fill, .. }) => {
                if order.status.is_final() {
                    self.open.remove(&order.order_id);
                } else {
                    self.open.insert(order.order_id, order.symbol);
                }
                let Some(fill) = fill else { return };
                let market = market_of(self.run, order.symbol);
                let sign = if order.side == Side::Buy { 1 } else { -1 };
                self.add(market.base_asset, sign * i128::from(fill.quantity.units()));
                self.add(market.quote_asset, -sign * fill.quote_quantity.units());
                self.add(fill.commission_asset, -fill.commission.units());
            }
            _ => {}
        }
    }

    /// Whether a market's halt matters: something of its base asset is held, or an order is
    /// open on it.
    fn is_exposed(&self, market: &RunMarket) -> bool {
        let held = self.held.get(&market.base_asset).copied().unwrap_or(0);
        held >= i128::from(market.step.units().max(1)) || self.open.values().any(|symbol| *symbol == market.symbol)
    }
}

/// For how long markets were halted while that mattered.
fn halted_us(run: &Run) -> i64 {
    let mut halts: Vec<_> =
        run.markets.iter().flat_map(|market| market.halts.iter().map(move |halt| (market, halt))).collect();
    halts.sort_by_key(|(_, halt)| halt.from);
    let held = run.initial.iter().map(|(asset, balance)| (asset, balance.total().units())).collect();
    let mut exposed = Exposed { run, held, open: BTreeMap::new() };
    // Since when a state has stood, and from when on halts are still to be counted.
    let (mut since, mut first, mut sum) = (Timestamp::MIN, 0, 0);
    let mut count = |exposed: &Exposed, from: Timestamp, to: Timestamp| {
        while halts.get(first).is_some_and(|(_, halt)| halt.to <= from) {
            first += 1;
        }
        for (market, halt) in halts[first..].iter().take_while(|(_, halt)| halt.from < to) {
            let overlap = halt.to.min(to).micros() - halt.from.max(from).micros();
            if overlap > 0 && exposed.is_exposed(market) {
                sum += overlap;
            }
        }
    };
    if halts.is_empty() {
        return 0;
    }
    for event in &run.events {
        if matches!(event, Event::ExecutionReport(_) | Event::BalanceUpdate { .. }) {
            count(&exposed, since, event.time());
            since = since.max(event.time());
            exposed.take(&event);
        }
    }
    count(&exposed, since, Timestamp::MAX);
    sum
}
