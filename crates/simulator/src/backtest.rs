//! The backtest: one strategy, its markets, virtual time (sections 1 and 6 of the fill rules).

mod hearing;
mod passing;
mod walking;

use std::collections::VecDeque;
use std::sync::Arc;

use candlewick_model::run::{Assumptions, PathModel};
use candlewick_model::{Account, Amount, Asset, Bars, Timestamp};
use candlewick_strategy::{Context, Outcome, Outgoing, Series, Session, Strategy, World};

use crate::desk::VenueEvent;
use crate::detail::DetailError;
use crate::replay::Replay;
use crate::setup::{Market, Setup, Transfer};
use crate::stress::{Held, Line, Stress};
use crate::timeline::Timeline;
use crate::trace::{Subject, Traced};

/// At one instant reports and commands go round at most so often (rule 1.6).
const ROUNDS_MAX: usize = 1_000;

/// Why a backtest stops.
#[derive(Debug, thiserror::Error)]
pub enum BacktestError {
    /// The strategy answers its own reports for ever.
    #[error("strategy `{strategy}` still sends commands after {ROUNDS_MAX} rounds at {time}")]
    Rounds {
        /// Its name.
        strategy: String,
        /// The instant.
        time: Timestamp,
    },
    /// What happened inside of a bar cannot be read.
    #[error(transparent)]
    Detail(#[from] DetailError),
    /// A withdrawal that cannot be made.
    #[error("the withdrawal of {amount} {asset} at {time} cannot be made: {free} is free; make it smaller or later")]
    Withdrawal {
        /// When.
        time: Timestamp,
        /// Of which asset.
        asset: Asset,
        /// How much.
        amount: Amount,
        /// How much there is.
        free: Amount,
    },
    /// Strategy side and venue side disagree about the balances: a bug.
    #[error("strategy side and venue side hold different balances: {strategy:?} and {venue:?}")]
    Ledgers {
        /// As the strategy's context has it.
        strategy: Box<Account>,
        /// As the venue has it.
        venue: Box<Account>,
    },
}

/// What comes out of a backtest.
pub struct Finished {
    /// Account, equity, bars and events.
    pub outcome: Outcome,
    /// How often assumptions decided.
    pub assumptions: Assumptions,
}

impl Finished {
    /// Equity at the last close; nothing if there was no bar.
    #[must_use]
    pub fn last_equity(&self) -> Option<Amount> {
        self.outcome.equity.last()
    }
}

/// A backtest under way.
pub struct Backtest<S> {
    replay: Replay,
    session: Session<S>,
    name: String,
    markets: Vec<MarketPlan>,
    series: Vec<SeriesPlan>,
    /// Deposits and withdrawals to come.
    transfers: VecDeque<Transfer>,
    /// Commands on their way, in the order in which they were given.
    pending: VecDeque<Outgoing>,
    /// Whether all series move markets, and their bars close at the same instants, which ascend.
    close_together: bool,
    /// How many bars are looked ahead for what may touch an order.
    ahead: usize,
    /// The markets that are walked along; the others pass.
    walked: Vec<usize>,
    /// What the venue has just said; empty in between.
    said: Vec<VenueEvent>,
    /// Trouble in this run.
    stress: Option<Stress>,
    /// Where it meets commands; `None` where nothing is in their way.
    line: Option<Box<Line>>,
}

struct MarketPlan {
    path: PathModel,
    latency_us: i64,
    timeline: Timeline,
    /// When other filters come into force.
    filters_change: Timestamp,
}

/// Bars that the strategy is given at their closes.
struct SeriesPlan {
    market: usize,
    /// Whether the market moves along them.
    moves: bool,
    bars: Arc<Bars>,
    /// The one that closes next.
    row: usize,
    /// When the last one has closed.
    latest: Timestamp,
}

impl SeriesPlan {
    #[inline]
    fn next_close(&self) -> Option<Timestamp> {
        self.bars.close_time.get(self.row)
    }
}

/// When a command arrives that meets no trouble.
#[inline]
fn arrival(markets: &[MarketPlan], outgoing: &Outgoing) -> Timestamp {
    outgoing.time.plus(markets[outgoing.market.unwrap_or(0)].latency_us)
}

impl<S: Strategy> Backtest<S> {
    /// A strategy before its first bar. `name` is for errors.
    pub fn new(setup: &Setup, strategy: S, name: &str) -> Self {
        let before = setup.start();
        let mut series = Vec::new();
        for (market, made) in setup.markets.iter().enumerate() {
            let longer = made.longer.iter().map(|(interval, bars)| (*interval, bars, false));
            for (interval, bars, moves) in std::iter::once((made.interval, &made.bars, true)).chain(longer) {
                let latest = bars.close_time.max().unwrap_or(Timestamp::MIN);
                series.push((interval, SeriesPlan { market, moves, bars: Arc::clone(bars), row: 0, latest }));
            }
        }
        let seen = |(interval, plan): &(_, SeriesPlan)| Series {
            market: plan.market,
            interval: *interval,
            bars: Arc::clone(&plan.bars),
            delivered: 0,
        };
        let world = World {
            account: setup.account.clone(),
            instruments: setup.markets.iter().map(|market| Arc::clone(market.timeline.at(before).0)).collect(),
            series: series.iter().map(seen).collect(),
            prices: setup.prices.clone(),
            counted_in: setup.counted_in,
        };
        let context = Context::new(world);
        let closes_ascend = context.closes_ascend();
        let first = Arc::clone(&series[0].1.bars);
        let closes_with_first =
            |plan: &SeriesPlan| Arc::ptr_eq(&plan.bars, &first) || plan.bars.close_time == first.close_time;
        let close_together = closes_ascend && series.iter().all(|(_, plan)| plan.moves && closes_with_first(plan));
        let plan = |market: &Market| MarketPlan {
            path: market.fill_model.path,
            latency_us: market.fill_model.latency_us,
            filters_change: market.timeline.next_change(before),
            timeline: market.timeline.clone(),
        };
        Self {
            replay: Replay::new(setup),
            session: Session::new(strategy, context),
            name: name.to_owned(),
            markets: setup.markets.iter().map(plan).collect(),
            series: series.into_iter().map(|(_, plan)| plan).collect(),
            transfers: setup.transfers.iter().copied().collect(),
            pending: VecDeque::new(),
            close_together,
            ahead: passing::AHEAD,
            // Where there is one series, its market always is.
            walked: vec![0],
            said: Vec::new(),
            line: setup.stress.as_ref().and_then(Line::new).map(Box::new),
            stress: setup.stress.clone(),
        }
    }

    /// Runs to the last bar.
    pub fn run(mut self) -> Result<Finished, BacktestError> {
        self.replay_all()?;
        self.finish()
    }

    /// As [`Self::run`], with notes about everything that decided about an order.
    pub fn explain(mut self, subject: Subject) -> Result<(Finished, Traced), BacktestError> {
        self.replay.trace(subject);
        self.replay_all()?;
        let traced = self.replay.take_trace();
        Ok((self.finish()?, traced))
    }

    fn replay_all(&mut self) -> Result<(), BacktestError> {
        self.session.start(self.replay.now());
        self.collect();
        while let Some(close) = self.next_close() {
            if !self.is_quiet_until(close) {
                self.walk()?;
            } else if self.series.len() == 1 {
                self.pass_bars();
            } else if !self.pass_taken_in() {
                self.pass_to(close);
            }
        }
        Ok(())
    }

    /// When the next bar of any series closes.
    #[inline]
    fn next_close(&self) -> Option<Timestamp> {
        match self.close_together {
            true => self.series[0].next_close(),
            false => self.series.iter().filter_map(SeriesPlan::next_close).min(),
        }
    }

    /// The strategy learns of the filters that are in force from the bar on that comes next.
    #[inline]
    fn enter_bar(&mut self, market: usize) {
        let plan = &mut self.markets[market];
        if plan.filters_change == Timestamp::MAX {
            return;
        }
        let Some(open) = self.replay.next_open(market) else { return };
        if open >= plan.filters_change {
            self.session.instrument(market, Arc::clone(plan.timeline.at(open).0));
            plan.filters_change = plan.timeline.next_change(open);
        }
    }

    fn make_transfers(&mut self, now: Timestamp) -> Result<(), BacktestError> {
        while let Some(transfer) = self.transfers.pop_front_if(|transfer| transfer.time <= now) {
            let Transfer { time, asset, amount } = transfer;
            if !self.replay.transfer(&transfer) {
                let free = self.replay.account().balance(asset).free;
                return Err(BacktestError::Withdrawal { time, asset, amount, free });
            }
            self.hand(time.max(self.session.now()), Held::Paid(transfer));
        }
        Ok(())
    }

    /// Everything that happens at one instant after the markets have moved there.
    fn handle(&mut self, now: Timestamp, closed: &[usize]) -> Result<(), BacktestError> {
        for round in 0..=ROUNDS_MAX {
            self.deliver(None);
            self.execute_due(now);
            if round == 0 {
                self.deliver_bars(now, closed);
            }
            self.fire_timers(|at| at <= now);
            self.collect();
            self.catch_up_with_commands(now)?;
            let comes = self.line.as_ref().and_then(|line| line.next_end()).is_some_and(|end| end <= now);
            if !comes && !self.pending.iter().any(|p| p.arrival <= now && self.replay.takes(p.market)) {
                return Ok(());
            }
        }
        Err(BacktestError::Rounds { strategy: self.name.clone(), time: now })
    }

    /// Commands that have arrived, in their order, on markets that take them here.
    fn execute_due(&mut self, now: Timestamp) {
        let mut at = 0;
        while at < self.pending.len() {
            let Outgoing { id, arrival, market, ref command, .. } = self.pending[at];
            if arrival > now || !self.replay.takes(market) {
                at += 1;
                continue;
            }
            self.replay.execute_on(market, id, command);
            // Most often it is the only one.
            if at == 0 {
                drop(self.pending.pop_front())
            } else {
                drop(self.pending.remove(at))
            }
            if let Some(line) = &mut self.line {
                line.taken_up(id, now);
            }
            self.deliver(market);
        }
    }

    /// Bars that have closed: by market, shorter ones first.
    fn deliver_bars(&mut self, now: Timestamp, closed: &[usize]) {
        let mut any = false;
        for at in 0..self.series.len() {
            let series = &mut self.series[at];
            let due = if series.moves {
                closed.contains(&series.market)
            } else {
                series.next_close().is_some_and(|close| close <= now)
            };
            if due {
                series.row += 1;
                any = true;
                self.hand(now, Held::Bar(at, now));
            }
        }
        if any {
            self.hand(now, Held::Mark(now));
        }
    }

    /// Timers that are due (rules 1.4 and 8.8).
    fn fire_timers(&mut self, due: impl Fn(Timestamp) -> bool) {
        while self.listen(&due) && self.session.next_timer().is_some_and(&due) {
            self.session.fire_timer();
            self.collect();
        }
    }

    /// Puts what the strategy has said on its way.
    fn collect(&mut self) {
        let Self { session, markets, pending, line, .. } = self;
        let Some(line) = line else {
            if !session.has_commands() {
                return;
            }
            let said = pending.len();
            session.hand_over(pending);
            return pending.range_mut(said..).for_each(|outgoing| outgoing.arrival = arrival(markets, outgoing));
        };
        line.say(session.take_commands());
        while let Some(outgoing) = line.next_to_send() {
            let latency_us = markets[outgoing.market.unwrap_or(0)].latency_us;
            if let Some(arrival) = line.send(session, &outgoing, latency_us) {
                pending.push_back(Outgoing { arrival, ..outgoing });
            }
        }
    }

    fn finish(mut self) -> Result<Finished, BacktestError> {
        let outbox = self.line.take().map(|line| self.hang_up(*line)).unwrap_or_default();
        for outgoing in std::mem::take(&mut self.pending).into_iter().chain(outbox) {
            self.session.not_sent(outgoing);
        }
        self.session.finish();
        let assumptions = self.replay.assumptions();
        let venue = self.replay.account();
        let mut outcome = self.session.into_outcome();
        if let Some(stress) = &self.stress {
            outcome.events = stress.told_in(&outcome.events);
        }
        if outcome.account != venue {
            return Err(BacktestError::Ledgers { strategy: Box::new(outcome.account), venue: Box::new(venue) });
        }
        Ok(Finished { outcome, assumptions })
    }
}
