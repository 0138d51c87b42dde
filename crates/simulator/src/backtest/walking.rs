//! Bars that are walked along, point by point: there is an order to match or a command to take
//! up.

use std::collections::VecDeque;

use candlewick_model::Timestamp;
use candlewick_model::run::PathModel;
use candlewick_strategy::{Outgoing, Strategy};

use super::{Backtest, BacktestError, SeriesPlan, arrival};
use crate::path::{FirstExtreme, Point, PointKind};

impl<S: Strategy> Backtest<S> {
    /// Goes to the next instant at which a market moves or a bar closes, and handles it.
    pub(super) fn walk(&mut self) -> Result<(), BacktestError> {
        if self.series.len() == 1 {
            return self.walk_alone();
        }
        self.choose_walked();
        let now = self.replay.now();
        for market in &self.walked {
            self.replay.catch_up(*market, |point| point.time < now)?;
        }
        let passing = |series: &&SeriesPlan| !(series.moves && self.walked.contains(&series.market));
        let closes = self.series.iter().filter(passing).filter_map(SeriesPlan::next_close).min();
        if self.pending.is_empty() {
            let transfer = self.transfers.front().map(|transfer| transfer.time);
            let ends = [self.session.next_timer(), transfer, closes];
            self.replay.pass_inside(|| ends.into_iter().flatten().min().unwrap_or(Timestamp::MAX));
        }
        let Some(next) = [self.replay.next_instant(&self.walked)?, closes].into_iter().flatten().min() else {
            return Ok(());
        };
        self.drop_unsendable();
        let now = next.max(self.replay.now());
        self.fire_timers(|at| at < now);
        self.make_transfers(now)?;
        let mut closed = Vec::new();
        for market in 0..self.markets.len() {
            if self.walked.contains(&market) {
                if self.replay.is_due(market, now)? {
                    let first = self.enter_and_choose(market);
                    let point = self.replay.advance_along(market, first);
                    closed.extend(point.filter(|point| point.kind == PointKind::Close).map(|_| market));
                }
                continue;
            }
            // What others do not need of a market that passes is not looked at: it is far away.
            if self.markets[market].filters_change <= now
                && self.replay.next_open(market).is_some_and(|open| open <= now)
            {
                self.enter_bar(market);
            }
            let close = if self.close_together { closes } else { self.replay.next_close(market) };
            if close.is_some_and(|close| close <= now) {
                self.replay.pass_bar(market);
                closed.push(market);
            }
        }
        self.handle(now, &closed)
    }

    /// As [`Self::walk`], where there is one series: its market alone moves, and is never behind.
    fn walk_alone(&mut self) -> Result<(), BacktestError> {
        if self.pending.is_empty() {
            let (timer, transfer) = (self.session.next_timer(), self.transfers.front().map(|transfer| transfer.time));
            self.replay.pass_inside(|| timer.into_iter().chain(transfer).min().unwrap_or(Timestamp::MAX));
        }
        let Some(next) = self.replay.next_point(0)? else { return Ok(()) };
        let now = next.time.max(self.replay.now());
        self.fire_timers(|at| at < now);
        self.make_transfers(now)?;
        let first = self.enter_and_choose(0);
        let point = self.replay.advance_along(0, first);
        let closes = point.is_some_and(|point| point.kind == PointKind::Close);
        self.handle(now, if closes { &[0] } else { &[] })
    }

    /// Which markets are to be walked along: those with orders or with commands on their way, and
    /// all where anything else may come before the next close.
    pub(super) fn choose_walked(&mut self) {
        let close = self.next_close().unwrap_or(Timestamp::MAX);
        let timer = self.session.next_timer();
        let transfer = self.transfers.front().map(|transfer| transfer.time);
        let all = self.markets.len() == 1
            || self.line.is_some()
            || timer.into_iter().chain(transfer).any(|at| at <= close)
            || self.pending.iter().any(|p| p.market.is_none());
        let replay = &self.replay;
        let on_its_way = |market| self.pending.iter().any(|p| p.market == Some(market));
        self.walked.clear();
        self.walked
            .extend((0..self.markets.len()).filter(|market| all || replay.is_busy(*market) || on_its_way(*market)));
    }

    /// Markets that commands have just been sent to come up to now, if they were not walked along.
    pub(super) fn catch_up_with_commands(&mut self, now: Timestamp) -> Result<(), BacktestError> {
        if self.walked.len() == self.markets.len() {
            return Ok(());
        }
        let has_come = |point: Point| point.time <= now && point.kind != PointKind::Close;
        for at in 0..self.pending.len() {
            let named = self.pending[at].market;
            for market in (0..self.markets.len()).filter(|market| named.is_none_or(|named| named == *market)) {
                if !self.walked.contains(&market) {
                    self.replay.catch_up(market, has_come)?;
                }
            }
        }
        Ok(())
    }

    /// Commands for a market that has ended, while others go on, are never sent (rule 1.7): they
    /// do not wait for the end of all.
    pub(super) fn drop_unsendable(&mut self) {
        if !(0..self.markets.len()).any(|market| self.replay.has_ended(market)) {
            return;
        }
        let replay = &self.replay;
        let is_late = |p: &Outgoing| p.market.is_some_and(|market| replay.has_ended(market));
        let (late, pending) = std::mem::take(&mut self.pending).into_iter().partition(is_late);
        self.pending = pending;
        let late: VecDeque<Outgoing> = late;
        late.into_iter().for_each(|late| self.session.not_sent(late));
    }

    /// What is to be settled before a market moves on: at the open of a bar its path.
    pub(super) fn enter_and_choose(&mut self, market: usize) -> Option<FirstExtreme> {
        if !self.replay.opens_next(market) {
            return self.replay.first_extreme(market);
        }
        self.enter_bar(market);
        match self.markets[market].path {
            PathModel::Nearest | PathModel::Detail => None,
            model => {
                let replay = &self.replay;
                let planned = replay.next_close(market).map_or(Vec::new(), |close| self.session.planned(close));
                let of_market = |p: &Outgoing| p.market == Some(market);
                let pending = self.pending.iter().map(|p| (p.arrival, p));
                let planned = planned.iter().map(|p| (arrival(&self.markets, p), p));
                let arriving = pending.chain(planned).filter(|(_, p)| of_market(p));
                let arriving: Vec<_> = arriving.map(|(arrival, p)| (arrival, p.id, &p.command)).collect();
                replay.choose_path(market, model, &arriving)
            }
        }
    }
}
