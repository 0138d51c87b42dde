//! Everything that is said about a run in figures.
//!
//! For: one value that pages, JSON and the terminal all show. Not for: how it looks.

use candlewick_model::run::Run;
use candlewick_model::{Amount, Interval, Timestamp};
use serde::Serialize;

use crate::activity::{
    CommissionTotal, ExpiryCount, Exposure, FillCounts, MarketFigures, OrderCounts, RefusalCount, commissions,
    expiry_counts, exposure, fill_counts, market_figures, order_counts, refusal_counts,
};
use crate::commands::{CommandCounts, command_counts};
use crate::curve::{Drawdown, EquityCurve, Month, drawdowns, first_open, growth, months};
use crate::ratios::{Ratios, cagr, finite, ratios};
use crate::trips::{RoundTrip, RoundTrips, round_trips};

/// How many of the deepest drawdowns are told.
const DEEPEST: usize = 5;

/// The stretch of market that was replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Period {
    /// The first bar's open time.
    pub from: Option<Timestamp>,
    /// The last bar's close time.
    pub to: Option<Timestamp>,
    /// Microseconds between the two, both ends included.
    pub span_us: i64,
    /// How many bars there were, of all markets.
    pub bars: u64,
}

/// What became of the money, or would have become of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Performance {
    /// Before the first bar, in the asset that equity is counted in.
    pub initial_equity: Amount,
    /// At the last close.
    pub final_equity: Amount,
    /// Deposits less withdrawals in between, each at the prices of its moment.
    pub transferred: Amount,
    /// `final_equity − initial_equity − transferred`.
    pub pnl: Amount,
    /// `final_equity / initial_equity − 1`; with transfers the growth of a unit of money that
    /// stayed (time-weighted), as all figures below.
    #[serde(rename = "return")]
    pub growth: Option<f64>,
    /// The same a year, compounded; none under a day.
    pub cagr: Option<f64>,
    /// The deepest drawdown: the share of the peak that was missing.
    pub max_drawdown: f64,
    /// Microseconds of the longest drawdown, from its peak to its recovery or the run's end.
    pub longest_drawdown_us: i64,
    /// `cagr / max_drawdown`.
    pub calmar: Option<f64>,
    /// Volatility and what is measured by it.
    #[serde(flatten)]
    pub ratios: Ratios,
}

/// Round trips, counted.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct TripCounts {
    /// Those that ended.
    pub count: u64,
    /// Those that earned something.
    pub won: u64,
    /// Those that lost something.
    pub lost: u64,
    /// `won / count`.
    pub win_rate: Option<f64>,
    /// What the winners earned over what the losers lost; none without losers.
    pub profit_factor: Option<f64>,
    /// Mean pnl, rounded towards zero.
    pub expectancy: Option<Amount>,
    /// Mean pnl of those that earned something, rounded towards zero.
    pub mean_win: Option<Amount>,
    /// Mean pnl of those that lost something, rounded towards zero; negative.
    pub mean_loss: Option<Amount>,
    /// The largest pnl.
    pub best: Option<Amount>,
    /// The smallest pnl.
    pub worst: Option<Amount>,
    /// Mean number of bars held.
    pub mean_bars_held: Option<f64>,
    /// The longest row of trips that lost something.
    pub longest_losing_streak: u64,
    /// Sum of pnl of those that ended.
    pub closed_pnl: Amount,
    /// Pnl of those that had not ended, at the last close.
    pub open_pnl: Amount,
    /// What dust from closed trips gained since.
    pub dust_pnl: Amount,
}

/// Everything that is said about a run in figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statistics {
    /// The stretch of market.
    pub period: Period,
    /// The strategy.
    pub strategy: Performance,
    /// All initial equity in base asset from the first open on, without fees.
    pub buy_and_hold: Performance,
    /// In the market or not.
    pub exposure: Exposure,
    /// Commands.
    pub commands: CommandCounts,
    /// Orders.
    pub orders: OrderCounts,
    /// Fills.
    pub fills: FillCounts,
    /// Commission by asset.
    pub commission: Vec<CommissionTotal>,
    /// Commission altogether, at the prices of the fills, in the asset that equity is counted
    /// in.
    pub commission_value: Amount,
    /// Round trips.
    pub round_trips: TripCounts,
    /// What each market came to.
    pub markets: Vec<MarketFigures>,
    /// Refusals by code and text.
    pub refusals: Vec<RefusalCount>,
    /// Expired orders by reason.
    pub expiries: Vec<ExpiryCount>,
    /// The deepest drawdowns, deepest first.
    pub drawdowns: Vec<Drawdown>,
    /// Calendar months.
    pub months: Vec<Month>,
    /// The series themselves; CSV holds them.
    #[serde(skip)]
    pub curve: EquityCurve,
    /// The trips themselves; CSV and the report hold them.
    #[serde(skip)]
    pub trips: RoundTrips,
}

/// All figures of a run.
#[must_use]
pub fn statistics(run: &Run) -> Statistics {
    let curve = EquityCurve::of(run);
    let period = period(run);
    let trips = round_trips(run);
    let mut spells = drawdowns(run, &curve.drawdown);
    let held = drawdowns(run, &curve.buy_and_hold_drawdown);
    let commission = commissions(run);
    let value = commission.iter().filter_map(|c| c.value).map(Amount::units).sum();
    Statistics {
        period,
        strategy: Performance {
            final_equity: curve.last(),
            transferred: curve.transferred,
            pnl: Amount::from_units(curve.last().units() - curve.initial.units() - curve.transferred.units()),
            ..performance(run, &period, curve.initial, curve.measured(), &spells)
        },
        buy_and_hold: performance(run, &period, curve.initial, &curve.buy_and_hold, &held),
        exposure: exposure(run),
        commands: command_counts(run),
        orders: order_counts(run),
        fills: fill_counts(run, &curve),
        commission_value: Amount::from_units(value),
        commission,
        round_trips: trip_counts(&trips),
        markets: market_figures(run, &trips),
        refusals: refusal_counts(run),
        expiries: expiry_counts(run),
        drawdowns: {
            // The sort is stable: of equal depths the earlier comes first.
            spells.sort_by(|a, b| b.depth.total_cmp(&a.depth));
            spells.truncate(DEEPEST);
            spells
        },
        months: months(&run.marks, &curve),
        curve,
        trips,
    }
}

fn period(run: &Run) -> Period {
    let from = first_open(run);
    let to = run.markets.iter().filter_map(|market| market.bars.close_time.last()).max();
    let bars = run.markets.iter().map(|market| market.bars.len() as u64).sum();
    let span_us = from.zip(to).map_or(0, |(from, to)| to.micros() - from.micros() + 1);
    Period { from, to, span_us, bars }
}

/// The shortest bars: how far marks are apart.
fn finest(run: &Run) -> Interval {
    run.markets.iter().map(|market| market.interval).min().expect("a run has a market")
}

fn performance(run: &Run, period: &Period, initial: Amount, series: &[Amount], spells: &[Drawdown]) -> Performance {
    let last = series.last().copied().unwrap_or(initial);
    let cagr = cagr(initial, last, period.span_us);
    let max_drawdown = spells.iter().map(|s| s.depth).fold(0.0, f64::max);
    Performance {
        initial_equity: initial,
        final_equity: last,
        transferred: Amount::ZERO,
        pnl: last.checked_sub(initial).expect("equity fits 128 bits"),
        growth: growth(initial, last),
        cagr,
        max_drawdown,
        longest_drawdown_us: spells.iter().map(|s| s.duration_us).max().unwrap_or(0),
        calmar: cagr.and_then(|c| finite(c / max_drawdown)),
        ratios: ratios(initial, series, finest(run)),
    }
}

fn trip_counts(trips: &RoundTrips) -> TripCounts {
    let pnl: Vec<i128> = trips.closed.iter().map(|t| t.pnl.units()).collect();
    let won: Vec<i128> = pnl.iter().copied().filter(|p| *p > 0).collect();
    let lost: Vec<i128> = pnl.iter().copied().filter(|p| *p < 0).collect();
    let sum = |of: &[i128]| Amount::from_units(of.iter().sum());
    let mean = |of: &[i128]| {
        let n = i128::try_from(of.len()).ok().filter(|n| *n > 0)?;
        Some(Amount::from_units(of.iter().sum::<i128>() / n))
    };
    let count = pnl.len() as f64;
    let bars = trips.closed.iter().map(|t| t.bars_held).sum::<u64>() as f64;
    TripCounts {
        count: pnl.len() as u64,
        won: won.len() as u64,
        lost: lost.len() as u64,
        win_rate: finite(won.len() as f64 / count),
        profit_factor: if lost.is_empty() { None } else { finite(sum(&won).to_f64() / -sum(&lost).to_f64()) },
        expectancy: mean(&pnl),
        mean_win: mean(&won),
        mean_loss: mean(&lost),
        best: pnl.iter().max().copied().map(Amount::from_units),
        worst: pnl.iter().min().copied().map(Amount::from_units),
        mean_bars_held: finite(bars / count),
        longest_losing_streak: longest_losing_streak(&trips.closed),
        closed_pnl: sum(&pnl),
        open_pnl: Amount::from_units(trips.open.iter().map(|trip| trip.pnl.units()).sum()),
        dust_pnl: trips.dust,
    }
}

fn longest_losing_streak(trips: &[RoundTrip]) -> u64 {
    let (mut longest, mut now) = (0, 0);
    for trip in trips {
        now = if trip.pnl < Amount::ZERO { now + 1 } else { 0 };
        longest = longest.max(now);
    }
    longest
}
