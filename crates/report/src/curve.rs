//! Equity mark by mark, the same money bought and held, and how far below their peaks both were.
//!
//! For: series and what follows from their shape (drawdowns, months). Not for: ratios
//! (`ratios`) or anything about orders.

use candlewick_model::number::ONE;
use candlewick_model::run::{Event, Marks, Run, RunMarket};
use candlewick_model::{Amount, Price, Timestamp};
use serde::Serialize;

use crate::valuation::Valuation;

/// Equity at each instant at which bars closed, with what it is measured against.
#[derive(Debug, Clone, PartialEq)]
pub struct EquityCurve {
    /// Everything at the first opens, before anything was traded.
    pub initial: Amount,
    /// Deposits less withdrawals, each at the prices of its moment.
    pub transferred: Amount,
    /// The run's equity.
    pub equity: Vec<Amount>,
    /// Equity as it would be if nothing had been paid in or out (time-weighted); empty where
    /// nothing was.
    pub adjusted: Vec<Amount>,
    /// `initial` spread evenly over the markets, each part turned into base asset at the first
    /// open of its market without fees.
    pub buy_and_hold: Vec<Amount>,
    /// How far equity (as adjusted) stood below its highest value so far: 0 at a peak, 0.25 a
    /// quarter below.
    pub drawdown: Vec<f64>,
    /// The same for buy and hold.
    pub buy_and_hold_drawdown: Vec<f64>,
}

impl EquityCurve {
    /// Of a run; panics if the run has not exactly one equity a mark.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        assert_eq!(run.marks.len(), run.equity.len(), "a run has one equity a mark");
        let valuation = Valuation::of(run);
        let initial = initial_equity(run, &valuation);
        let transfers = transfers(run, &valuation);
        let equity: Vec<_> = run.equity.iter().collect();
        let adjusted =
            if transfers.is_empty() { Vec::new() } else { time_weighted(initial, &run.marks, &equity, &transfers) };
        let measured = if transfers.is_empty() { &equity } else { &adjusted };
        let buy_and_hold = buy_and_hold(run, &valuation, initial);
        Self {
            initial,
            transferred: Amount::from_units(transfers.iter().map(|(_, value)| value.units()).sum()),
            drawdown: drawdown(initial, measured),
            buy_and_hold_drawdown: drawdown(initial, &buy_and_hold),
            equity,
            adjusted,
            buy_and_hold,
        }
    }

    /// Equity as if nothing had been paid in or out: what growth is measured by.
    #[must_use]
    pub fn measured(&self) -> &[Amount] {
        if self.adjusted.is_empty() { &self.equity } else { &self.adjusted }
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

/// What the account holds at the first opens.
fn initial_equity(run: &Run, valuation: &Valuation) -> Amount {
    let values = run.initial.iter().filter_map(|(asset, held)| valuation.value(asset, held.total(), Timestamp::MIN));
    values.fold(Amount::ZERO, |sum, value| sum.checked_add(value).expect("equity fits 128 bits"))
}

/// Deposits, and withdrawals below zero, in the asset that is counted in.
fn transfers(run: &Run, valuation: &Valuation) -> Vec<(Timestamp, Amount)> {
    let of = |event| match event {
        Event::BalanceUpdate { time, asset, amount } => Some((time, valuation.value(asset, amount, time)?)),
        _ => None,
    };
    run.events.iter().filter_map(of).collect()
}

/// Equity without what was paid in or out: each stretch between two marks grows by what is left
/// of its end without the payments in it. Floats: this is a statistic.
fn time_weighted(initial: Amount, marks: &Marks, equity: &[Amount], transfers: &[(Timestamp, Amount)]) -> Vec<Amount> {
    let mut transfers = transfers.iter().peekable();
    let (mut factor, mut before) = (1.0, initial.to_f64());
    let along = |(mark, equity): (Timestamp, &Amount)| {
        let mut paid = 0.0;
        while let Some((_, value)) = transfers.next_if(|(time, _)| *time <= mark) {
            paid += value.to_f64();
        }
        let after = equity.to_f64();
        if paid != 0.0 && after > 0.0 {
            // What was paid into an empty account is where measuring begins.
            let grown = if before > 0.0 { (after - paid) / after } else { 1.0 };
            factor *= grown;
        }
        before = after;
        if factor == 1.0 { *equity } else { Amount::from_units((after * factor * ONE as f64) as i128) }
    };
    marks.iter().zip(equity).map(along).collect()
}

/// Amount × part ÷ of, rounded towards zero, without leaving 128 bits.
fn in_proportion(amount: Amount, part: Price, of: Price) -> Amount {
    let (part, of) = (i128::from(part.units()), i128::from(of.units()));
    let (whole, rest) = (amount.units() / of, amount.units() % of);
    Amount::from_units(whole * part + rest * part / of)
}

fn buy_and_hold(run: &Run, valuation: &Valuation, initial: Amount) -> Vec<Amount> {
    let count = run.markets.len() as i128;
    let mut held = vec![Amount::ZERO; run.marks.len()];
    for (at, market) in run.markets.iter().enumerate() {
        let share = initial.units() / count + i128::from((at as i128) < initial.units() % count);
        hold_one(run, valuation, market, Amount::from_units(share), &mut held);
    }
    held
}

/// Adds what a part of the money comes to in one market: itself until that opens.
fn hold_one(run: &Run, valuation: &Valuation, market: &RunMarket, part: Amount, held: &mut [Amount]) {
    let bars = &market.bars;
    let first = bars.open.first().copied().filter(|open| *open > Price::ZERO);
    let counted = market.quote_asset == run.counted_in;
    let rate = |at: Timestamp| {
        let one = Amount::from_units(ONE.into());
        let value = valuation.value(market.quote_asset, one, at).and_then(|v| i64::try_from(v.units()).ok());
        value.map_or(Price::ZERO, Price::from_units)
    };
    let first_rate = bars.open_time.first().map(&rate).filter(|rate| *rate > Price::ZERO);
    let mut closed = 0;
    for (mark, held) in run.marks.iter().zip(held) {
        closed += bars.close_time.within(closed..bars.len()).take_while(|close| *close <= mark).count();
        let value = match first.filter(|_| closed > 0) {
            None => part,
            Some(first) => {
                let value = in_proportion(part, bars.close[closed - 1], first);
                match first_rate.filter(|_| !counted) {
                    Some(before) => in_proportion(value, rate(mark), before),
                    None => value,
                }
            }
        };
        *held = held.checked_add(value).expect("equity fits 128 bits");
    }
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

/// When the first bar of all opens.
pub(crate) fn first_open(run: &Run) -> Option<Timestamp> {
    run.markets.iter().filter_map(|market| market.bars.open_time.first()).min()
}

/// Every drawdown in the order of time.
#[must_use]
pub fn drawdowns(run: &Run, depth: &[f64]) -> Vec<Drawdown> {
    let mut all = Vec::new();
    let Some(mut peak) = first_open(run) else { return all };
    let mut now: Option<Drawdown> = None;
    for (time, &depth) in run.marks.iter().zip(depth) {
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
pub fn months(marks: &Marks, curve: &EquityCurve) -> Vec<Month> {
    let mut months: Vec<Month> = Vec::new();
    let mut before = (curve.initial, curve.initial);
    let (mut row, mut times) = (0, marks.iter().peekable());
    while let Some(time) = times.next() {
        let (year, month, _) = time.date();
        let in_month = |t: &Timestamp| {
            let (y, m, _) = t.date();
            (y, m) == (year, month)
        };
        let mut end = row + 1;
        while times.next_if(in_month).is_some() {
            end += 1;
        }
        let after = (curve.measured()[end - 1], curve.buy_and_hold[end - 1]);
        months.push(Month { year, month, growth: growth(before.0, after.0), buy_and_hold: growth(before.1, after.1) });
        (before, row) = (after, end);
    }
    months
}
