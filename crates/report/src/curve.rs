//! Equity bar by bar, the same money bought and held, and how far below their peaks both were.
//!
//! For: series and what follows from their shape (drawdowns, months). Not for: ratios
//! (`ratios`) or anything about orders.

use candlewick_model::number::ONE;
use candlewick_model::run::Run;
use candlewick_model::{Account, Amount, Bars, Price, Timestamp};
use serde::Serialize;

/// Equity at each bar's close, in quote asset, with what it is measured against.
#[derive(Debug, Clone, PartialEq)]
pub struct EquityCurve {
    /// Quote asset plus base asset at the first bar's open, before anything was traded.
    pub initial: Amount,
    /// The run's equity at each close.
    pub equity: Vec<Amount>,
    /// `initial` turned into base asset at the first bar's open without fees, at each close.
    pub buy_and_hold: Vec<Amount>,
    /// How far equity stood below its highest value so far: 0 at a peak, 0.25 a quarter below.
    pub drawdown: Vec<f64>,
    /// The same for buy and hold.
    pub buy_and_hold_drawdown: Vec<f64>,
}

impl EquityCurve {
    /// Of a run; panics if the run has not exactly one equity a bar.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        assert_eq!(run.bars.len(), run.equity.len(), "a run has one equity a bar");
        let initial = initial_equity(run);
        let buy_and_hold = buy_and_hold(&run.bars, initial);
        Self {
            initial,
            drawdown: drawdown(initial, &run.equity),
            buy_and_hold_drawdown: drawdown(initial, &buy_and_hold),
            equity: run.equity.clone(),
            buy_and_hold,
        }
    }

    /// Equity at the last close; the initial one if there is no bar.
    #[must_use]
    pub fn last(&self) -> Amount {
        self.equity.last().copied().unwrap_or(self.initial)
    }

    /// Buy and hold at the last close; the initial equity if there is no bar.
    #[must_use]
    pub fn last_buy_and_hold(&self) -> Amount {
        self.buy_and_hold.last().copied().unwrap_or(self.initial)
    }
}

/// Amount × price, towards zero; both signs of the amount are fine.
pub(crate) fn value_at(base: Amount, price: Price) -> Amount {
    let one = i128::from(ONE);
    let (whole, part) = (base.units() / one, base.units() % one);
    Amount::from_units(whole * i128::from(price.units()) + part * i128::from(price.units()) / one)
}

/// `after / before − 1`, where that means something.
pub(crate) fn growth(before: Amount, after: Amount) -> Option<f64> {
    (before > Amount::ZERO).then(|| after.to_f64() / before.to_f64() - 1.0)
}

fn initial_equity(run: &Run) -> Amount {
    let held = |account: &Account, asset| account.balance(asset).total();
    let quote = held(&run.initial, run.quote_asset);
    match run.bars.open.first() {
        None => quote,
        Some(open) => {
            let base = value_at(held(&run.initial, run.base_asset), *open);
            quote.checked_add(base).expect("equity fits 128 bits")
        }
    }
}

fn buy_and_hold(bars: &Bars, initial: Amount) -> Vec<Amount> {
    let Some(first) = bars.open.first().map(|p| i128::from(p.units())).filter(|p| *p > 0) else {
        return vec![initial; bars.len()];
    };
    let (whole, part) = (initial.units() / first, initial.units() % first);
    let at = |close: &Price| {
        let close = i128::from(close.units());
        Amount::from_units(whole * close + part * close / first)
    };
    bars.close.iter().map(at).collect()
}

fn drawdown(initial: Amount, series: &[Amount]) -> Vec<f64> {
    let mut peak = initial;
    let below = |value: &Amount| {
        peak = peak.max(*value);
        let missing = peak.checked_sub(*value).expect("equity fits 128 bits");
        if peak > Amount::ZERO { missing.to_f64() / peak.to_f64() } else { 0.0 }
    };
    series.iter().map(below).collect()
}

/// From a peak down and back up to it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Drawdown {
    /// The largest share of the peak that was missing.
    pub depth: f64,
    /// The close (or the run's begin) at which the peak stood.
    pub peak: Timestamp,
    /// The close at which most was missing.
    pub trough: Timestamp,
    /// The close at which the peak was reached again, if it was.
    pub recovered: Option<Timestamp>,
    /// Microseconds from the peak to the recovery, or to the run's end.
    pub duration_us: i64,
}

/// Every drawdown in the order of time.
#[must_use]
pub fn drawdowns(bars: &Bars, depth: &[f64]) -> Vec<Drawdown> {
    let mut all = Vec::new();
    let Some(mut peak) = bars.open_time.first().copied() else { return all };
    let mut now: Option<Drawdown> = None;
    for (&time, &depth) in bars.close_time.iter().zip(depth) {
        if depth > 0.0 {
            let spell = now.get_or_insert(Drawdown { depth: 0.0, peak, trough: time, recovered: None, duration_us: 0 });
            spell.duration_us = time.micros() - spell.peak.micros();
            if depth > spell.depth {
                (spell.depth, spell.trough) = (depth, time);
            }
        } else {
            if let Some(mut spell) = now.take() {
                spell.recovered = Some(time);
                spell.duration_us = time.micros() - spell.peak.micros();
                all.push(spell);
            }
            peak = time;
        }
    }
    all.extend(now);
    all
}

/// What one calendar month (UTC) brought.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Month {
    /// For example 2024.
    pub year: i32,
    /// 1 is January.
    pub month: u32,
    /// Equity at the month's last close against the close before the month.
    #[serde(rename = "return")]
    pub growth: Option<f64>,
    /// The same for buy and hold.
    pub buy_and_hold: Option<f64>,
}

/// The months in which bars closed. The first and the last may be cut by the run's bounds.
#[must_use]
pub fn months(bars: &Bars, curve: &EquityCurve) -> Vec<Month> {
    let mut months: Vec<Month> = Vec::new();
    let mut before = (curve.initial, curve.initial);
    let mut row = 0;
    while let Some(time) = bars.close_time.get(row) {
        let (year, month, _) = time.date();
        let in_month = |t: &Timestamp| {
            let (y, m, _) = t.date();
            (y, m) == (year, month)
        };
        let end = row + bars.close_time[row..].iter().take_while(|t| in_month(t)).count();
        let after = (curve.equity[end - 1], curve.buy_and_hold[end - 1]);
        months.push(Month { year, month, growth: growth(before.0, after.0), buy_and_hold: growth(before.1, after.1) });
        (before, row) = (after, end);
    }
    months
}
