//! One strategy for each market, side by side on one account.
//!
//! For: strategies that know of one market only. Each is given the bars that its market moves
//! along, and what becomes of its orders. Not for: timers (they belong to no market).

use std::ops::Range;

use candlewick_model::run::CommandId;
use candlewick_model::{Bar, Bars, ExecutionReport, ListStatus, Refusal};

use crate::{Context, Strategy};

/// Strategies by market.
pub struct PerMarket<S> {
    each: Vec<S>,
    /// The first series of each market.
    series: Vec<usize>,
}

impl<S: Strategy> PerMarket<S> {
    /// One for each market, in the order of the markets.
    pub fn new(each: Vec<S>) -> Self {
        Self { each, series: Vec::new() }
    }

    /// The strategy of the market in hand, with the market's first series in hand.
    fn at_hand(&mut self, context: &mut Context) -> &mut S {
        let market = context.market_number();
        context.look_at(self.series[market]);
        &mut self.each[market]
    }
}

impl<S: Strategy> Strategy for PerMarket<S> {
    fn on_start(&mut self, context: &mut Context) {
        for series in 0..context.series_count() {
            context.look_at(series);
            if context.market_number() == self.series.len() {
                self.series.push(series);
            }
        }
        assert_eq!(self.series.len(), self.each.len(), "one strategy for each market");
        for (strategy, series) in self.each.iter_mut().zip(&self.series) {
            context.look_at(*series);
            strategy.on_start(context);
        }
    }

    fn on_bar(&mut self, context: &mut Context, bar: &Bar) {
        let market = context.market_number();
        if context.series() == self.series[market] {
            self.each[market].on_bar(context, bar);
        }
    }

    fn quiet_bars(&mut self, series: usize, bars: &Bars, next: Range<usize>) -> usize {
        match self.series.iter().position(|first| *first == series) {
            Some(market) => self.each[market].quiet_bars(0, bars, next),
            None => next.len(),
        }
    }

    fn on_report(&mut self, context: &mut Context, report: &ExecutionReport) {
        self.at_hand(context).on_report(context, report);
    }

    fn on_list_status(&mut self, context: &mut Context, status: &ListStatus) {
        self.at_hand(context).on_list_status(context, status);
    }

    fn on_tested(&mut self, context: &mut Context, command: CommandId) {
        self.at_hand(context).on_tested(context, command);
    }

    fn on_refused(&mut self, context: &mut Context, command: CommandId, refusal: &Refusal) {
        self.at_hand(context).on_refused(context, command, refusal);
    }
}
