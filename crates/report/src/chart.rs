//! What the page's charts draw, as compact JSON.
//!
//! For: packing levels, fills and gaps. The order of the columns is the contract with
//! `page/data.js`. Not for: choosing what to keep (`pyramid`).

use candlewick_model::run::{Run, RunMarket};
use candlewick_model::time::SECOND;
use candlewick_model::{Amount, Liquidity, Price, Side, Timestamp};
use serde::Serialize;

use crate::curve::first_open;
use crate::encode::Packed;
use crate::format::{decimals_for, decimals_of};
use crate::pyramid::{Level, ONE_F64, levels, unit_for};
use crate::statistics::Statistics;
use crate::view::View;

/// Fills that the page holds; the rest is in `fills.csv`.
pub(crate) const FILLS: usize = 30_000;
/// Gaps and halts that the charts shade.
const GAPS: usize = 5_000;
/// Volumes are drawn in this many steps.
const VOLUME_STEPS: i128 = 2_000;

/// Times are seconds since `origin`; prices are counts of `tick`, sums counts of `unit`.
#[derive(Serialize)]
struct Data {
    symbol: String,
    interval: String,
    base: String,
    quote: String,
    origin: i64,
    end: i64,
    tick: f64,
    price_decimals: u32,
    quantity_decimals: u32,
    step: f64,
    unit: f64,
    amount_decimals: u32,
    initial: f64,
    first_open: f64,
    /// Whether buckets say what buy and hold came to; else it follows from the closes.
    holds: bool,
    levels: Vec<PackedLevel>,
    fills: PackedFills,
    gaps: Vec<(i64, i64, u64)>,
}

#[derive(Serialize)]
struct PackedLevel {
    name: String,
    length: i64,
    count: usize,
    volume_unit: f64,
    windows: Vec<(i64, i64)>,
    data: String,
}

#[derive(Serialize)]
struct PackedFills {
    count: usize,
    total: u64,
    data: String,
}

/// How floats of the market become small integers.
struct Scale {
    origin: i64,
    tick: i64,
    step: i64,
    unit: i128,
}

impl Scale {
    fn seconds(&self, time: Timestamp) -> i64 {
        (time.micros() - self.origin).div_euclid(SECOND)
    }

    /// Ticks change over the years: what lies between two of them goes to the nearer.
    fn ticks(&self, price: Price) -> i64 {
        (price.units().saturating_add(self.tick / 2)).div_euclid(self.tick)
    }

    fn sum(&self, amount: Amount) -> i64 {
        clamp((amount.units() + self.unit / 2).div_euclid(self.unit))
    }
}

/// What a JavaScript number still holds exactly.
fn clamp(value: i128) -> i64 {
    const SAFE: i128 = 1 << 53;
    value.clamp(-SAFE, SAFE) as i64
}

/// The charts' data, market by market; safe to stand inside a `script` element.
pub(crate) fn data(run: &Run, statistics: &Statistics) -> String {
    let all: Vec<_> = run.markets.iter().map(|market| of_market(run, statistics, market)).collect();
    serde_json::to_string(&all).expect("plain values become JSON").replace('<', "\\u003c")
}

fn of_market(run: &Run, statistics: &Statistics, market: &RunMarket) -> Data {
    let (bars, curve) = (&market.bars, &statistics.curve);
    let view = View::of(run, curve, market);
    let origin = first_open(run).map_or(0, |t| t.micros());
    let unit = unit_for(curve.initial.max(curve.last()));
    let scale = Scale { origin, tick: market.tick.units().max(1), step: market.step.units().max(1), unit };
    let holds = view.of > 1;
    Data {
        symbol: market.symbol.to_string(),
        interval: market.interval.to_string(),
        base: market.base_asset.to_string(),
        quote: market.quote_asset.to_string(),
        origin: origin.div_euclid(SECOND),
        end: run.marks.last().map_or(0, |t| scale.seconds(t.plus(1))),
        tick: scale.tick as f64 / ONE_F64,
        price_decimals: decimals_of(market.tick.units()),
        quantity_decimals: decimals_of(market.step.units()),
        step: scale.step as f64 / ONE_F64,
        unit: unit as f64 / ONE_F64,
        amount_decimals: decimals_for(curve.initial),
        initial: curve.initial.to_f64(),
        first_open: bars.open.first().map_or(0.0, |p| p.to_f64()),
        holds,
        levels: levels(&view).iter().map(|level| pack_level(level, &scale, holds)).collect(),
        fills: pack_fills(&view, &scale),
        gaps: market
            .gaps
            .iter()
            .map(|g| (g.from, g.to, g.missing))
            .chain(market.halts.iter().map(|h| (h.from, h.to, h.bars as u64)))
            .take(GAPS)
            .map(|(from, to, bars)| (scale.seconds(from), scale.seconds(to), bars))
            .collect(),
    }
}

fn pack_level(level: &Level, scale: &Scale, holds: bool) -> PackedLevel {
    let buckets = &level.buckets;
    let most = buckets.iter().map(|b| b.volume.units()).max().unwrap_or(0);
    let volume_unit = (most / VOLUME_STEPS).max(1);
    let mut packed = Packed::default();
    let parts = |share: f64| (share * 10_000.0) as i64;
    packed.push_differences(buckets.iter().map(|b| scale.seconds(b.time)));
    packed.push_differences(buckets.iter().map(|b| scale.ticks(b.close)));
    for b in buckets {
        let [open, high, low, close] = [b.open, b.high, b.low, b.close].map(|p| scale.ticks(p));
        for difference in [open - close, high - open.max(close), open.min(close) - low] {
            packed.push(difference);
        }
        packed.push(close - scale.ticks(b.close_min));
        packed.push(scale.ticks(b.close_max) - close);
        packed.push(clamp(b.volume.units() / volume_unit));
    }
    packed.push_differences(buckets.iter().map(|b| scale.sum(b.equity)));
    for b in buckets {
        packed.push(scale.sum(b.equity) - scale.sum(b.equity_min));
        packed.push(scale.sum(b.equity_max) - scale.sum(b.equity));
    }
    if holds {
        packed.push_differences(buckets.iter().map(|b| scale.sum(b.hold)));
        for b in buckets {
            packed.push(scale.sum(b.hold) - scale.sum(b.hold_min));
            packed.push(scale.sum(b.hold_max) - scale.sum(b.hold));
        }
    }
    packed.push_differences(buckets.iter().map(|b| parts(b.drawdown)));
    packed.push_differences(buckets.iter().map(|b| parts(b.hold_drawdown)));
    PackedLevel {
        name: level.name.clone(),
        length: level.length / SECOND,
        count: buckets.len(),
        volume_unit: volume_unit as f64 / ONE_F64,
        windows: level.windows.iter().map(|(a, b)| (scale.seconds(*a), scale.seconds(*b) + 1)).collect(),
        data: packed.base64(),
    }
}

/// Kind: 0 taker bought, 1 maker bought, 2 taker sold, 3 maker sold.
fn pack_fills(view: &View, scale: &Scale) -> PackedFills {
    let mut packed = Packed::default();
    let (mut count, mut time, mut price) = (0, 0, 0);
    for (report, fill) in view.fills.iter().take(FILLS / view.of) {
        let (now, at) = (scale.seconds(report.time), scale.ticks(fill.price));
        let kind = match (report.order.side, fill.liquidity) {
            (Side::Buy, Liquidity::Taker) => 0,
            (Side::Buy, Liquidity::Maker) => 1,
            (Side::Sell, Liquidity::Taker) => 2,
            (Side::Sell, Liquidity::Maker) => 3,
        };
        for value in [now - time, at - price, fill.quantity.units() / scale.step, kind] {
            packed.push(value);
        }
        (count, time, price) = (count + 1, now, at);
    }
    PackedFills { count, total: view.fills.len() as u64, data: packed.base64() }
}
