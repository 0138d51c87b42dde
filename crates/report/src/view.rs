//! One market of a run, with what the whole run was worth at the closes of its bars: what one
//! set of charts shows.

use std::borrow::Cow;

use candlewick_model::run::{Run, RunMarket};
use candlewick_model::{Amount, ExecutionReport, Fill};

use crate::curve::EquityCurve;
use crate::trips::fills;

/// A row of each column is a bar of the market.
pub(crate) struct View<'a> {
    pub(crate) market: &'a RunMarket,
    pub(crate) equity: Cow<'a, [Amount]>,
    pub(crate) buy_and_hold: Cow<'a, [Amount]>,
    pub(crate) drawdown: Cow<'a, [f64]>,
    pub(crate) buy_and_hold_drawdown: Cow<'a, [f64]>,
    /// Own trades on the market, in order.
    pub(crate) fills: Vec<(ExecutionReport, Fill)>,
    /// How many markets share the page.
    pub(crate) of: usize,
}

impl<'a> View<'a> {
    pub(crate) fn of(run: &'a Run, curve: &'a EquityCurve, market: &'a RunMarket) -> Self {
        let fills = fills(run).filter(|(report, _)| report.order.symbol == market.symbol).collect();
        if let [_] = run.markets[..]
            && run.marks.len() == market.bars.len()
        {
            return Self {
                market,
                equity: (&curve.equity).into(),
                buy_and_hold: (&curve.buy_and_hold).into(),
                drawdown: (&curve.drawdown).into(),
                buy_and_hold_drawdown: (&curve.buy_and_hold_drawdown).into(),
                fills,
                of: 1,
            };
        }
        let rows = rows(run, market);
        let sums = |of: &[Amount]| rows.iter().map(|row| row.map_or(curve.initial, |row| of[row])).collect();
        let shares = |of: &[f64]| rows.iter().map(|row| row.map_or(0.0, |row| of[row])).collect();
        Self {
            market,
            equity: sums(&curve.equity),
            buy_and_hold: sums(&curve.buy_and_hold),
            drawdown: shares(&curve.drawdown),
            buy_and_hold_drawdown: shares(&curve.buy_and_hold_drawdown),
            fills,
            of: run.markets.len(),
        }
    }
}

/// For each bar the last mark not after its close.
fn rows(run: &Run, market: &RunMarket) -> Vec<Option<usize>> {
    let (mut passed, mut marks) = (0_usize, run.marks.iter().peekable());
    let of = |close| {
        while marks.next_if(|mark| *mark <= close).is_some() {
            passed += 1;
        }
        passed.checked_sub(1)
    };
    market.bars.close_time.iter().map(of).collect()
}
