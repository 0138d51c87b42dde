//! The backtest: one strategy, its markets, virtual time (sections 1 and 6 of the fill rules).

mod hearing;

use std::collections::VecDeque;
use std::sync::Arc;

use candlewick_model::run::{Assumptions, PathModel};
use candlewick_model::{Account, Amount, Asset, Bars, Price, Timestamp};
use candlewick_strategy::{Context, Outcome, Outgoing, Series, Session, Strategy, World};

use crate::desk::VenueEvent;
use crate::detail::DetailError;
use crate::path::{FirstExtreme, PointKind};
use crate::replay::{Market, Replay, Setup, Transfer};
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
    pending: VecDeque<Pending>,
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
        self.bars.close_time.get(self.row).copied()
    }

    /// A row before which bars close before an instant; there may be more of them.
    fn closing_before(&self, horizon: Timestamp) -> usize {
        if self.latest < horizon {
            return self.bars.len();
        }
        let ahead = self.bars.len().min(self.row + AHEAD);
        (self.row..ahead).find(|row| self.bars.close_time[*row] >= horizon).unwrap_or(ahead)
    }
}

/// How far is looked ahead at a time: most stretches are short.
const AHEAD: usize = 64;

struct Pending {
    arrival: Timestamp,
    outgoing: Outgoing,
}

/// A command with the instant at which it reaches the venue.
fn on_its_way(replay: &Replay, markets: &[MarketPlan], outgoing: Outgoing) -> Pending {
    let market = replay.market_of(&outgoing.command).unwrap_or(0);
    Pending { arrival: outgoing.time.plus(markets[market].latency_us), outgoing }
}

impl<S: Strategy> Backtest<S> {
    /// A strategy before its first bar. `name` is for errors.
    pub fn new(setup: &Setup, strategy: S, name: &str) -> Self {
        let before = setup.start();
        let mut series = Vec::new();
        for (market, made) in setup.markets.iter().enumerate() {
            let longer = made.longer.iter().map(|(interval, bars)| (*interval, bars, false));
            for (interval, bars, moves) in std::iter::once((made.interval, &made.bars, true)).chain(longer) {
                let latest = bars.close_time.iter().max().copied().unwrap_or(Timestamp::MIN);
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
        let plan = |market: &Market| MarketPlan {
            path: market.fill_model.path,
            latency_us: market.fill_model.latency_us,
            filters_change: market.timeline.next_change(before),
            timeline: market.timeline.clone(),
        };
        Self {
            replay: Replay::new(setup),
            session: Session::new(strategy, Context::new(world)),
            name: name.to_owned(),
            markets: setup.markets.iter().map(plan).collect(),
            series: series.into_iter().map(|(_, plan)| plan).collect(),
            transfers: setup.transfers.iter().copied().collect(),
            pending: VecDeque::new(),
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
            } else {
                self.pass_to(close);
            }
        }
        Ok(())
    }

    /// When the next bar of any series closes.
    #[inline]
    fn next_close(&self) -> Option<Timestamp> {
        self.series.iter().filter_map(SeriesPlan::next_close).min()
    }

    /// Whether nothing can happen up to an instant but that bars close: no order works, no
    /// command is on its way and no outcome waited for, no timer and no transfer is due.
    #[inline]
    fn is_quiet_until(&mut self, close: Timestamp) -> bool {
        self.pending.is_empty()
            && !self.is_deaf()
            && self.session.next_timer().is_none_or(|at| at > close)
            && self.transfers.front().is_none_or(|transfer| transfer.time > close)
            && self.replay.is_idle()
    }

    /// Lets the bars pass that close at an instant.
    #[inline]
    fn pass_to(&mut self, close: Timestamp) {
        let mut now = close;
        for at in 0..self.series.len() {
            let series = &self.series[at];
            if series.next_close() != Some(close) {
                continue;
            }
            if series.moves {
                let market = series.market;
                self.enter_bar(market);
                now = self.replay.pass_bar(market);
            }
            self.series[at].row += 1;
            self.session.next_bar(at, now.max(self.replay.now()));
        }
        self.session.mark(now);
        if self.session.has_commands() {
            self.collect();
        } else {
            self.pass_taken_in();
        }
    }

    /// As [`Self::pass_bars`], of several series that close together: up to the first bar that
    /// the strategy has not taken in.
    fn pass_taken_in(&mut self) {
        let horizon = self.horizon();
        if self.is_deaf() || !self.pending.is_empty() || !self.replay.is_calm() {
            return;
        }
        let mut count = usize::MAX;
        for (at, series) in self.series.iter().enumerate() {
            let taken_in = self.session.take_in(at, series.closing_before(horizon));
            count = count.min(taken_in - series.row);
        }
        let [first, others @ ..] = &self.series[..] else { return };
        let closes = |series: &SeriesPlan| series.row..series.row + count;
        let close_together = |other: &SeriesPlan| {
            other.moves && other.bars.close_time[closes(other)] == first.bars.close_time[closes(first)]
        };
        if count == 0 || !others.iter().all(close_together) {
            return;
        }
        self.session.pass_taken_in(count);
        for series in &mut self.series {
            series.row += count;
            self.replay.pass_bars(series.market, series.row, self.session.now());
        }
    }

    /// Before which instant nothing comes but bars.
    fn horizon(&self) -> Timestamp {
        let timer = self.session.next_timer();
        let transfer = self.transfers.front().map(|transfer| transfer.time);
        let filters = self.markets.iter().map(|market| market.filters_change);
        filters.chain(timer).chain(transfer).min().unwrap_or(Timestamp::MAX)
    }

    /// As [`Self::pass_to`], bar after bar, where there is one series: this is where most
    /// backtests spend their time.
    fn pass_bars(&mut self) {
        self.enter_bar(0);
        let to = self.quiet_to();
        self.session.next_bars(to);
        let passed = self.session.context().bar_count();
        self.replay.pass_bars(0, passed, self.session.now());
        self.series[0].row = passed;
        self.collect();
    }

    /// Up to which row of the only series nothing can happen but that bars close. The next one
    /// is known to be quiet.
    fn quiet_to(&self) -> usize {
        let (series, horizon) = (&self.series[0], self.horizon());
        let calm = self.replay.untouched_range(0);
        let bars = &series.bars;
        if calm.is_none() && series.latest < horizon {
            return bars.len();
        }
        let (low, high) = calm.unwrap_or((Price::from_units(i64::MIN), Price::MAX));
        let quiet = |row: &usize| bars.close_time[*row] < horizon && low < bars.low[*row] && bars.high[*row] < high;
        let ahead = bars.len().min(series.row + AHEAD);
        (series.row + 1..ahead).find(|row| !quiet(row)).unwrap_or(ahead)
    }

    /// The strategy learns of the filters that are in force from the bar on that comes next.
    #[inline]
    fn enter_bar(&mut self, market: usize) {
        let plan = &mut self.markets[market];
        let Some(open) = self.replay.next_open(market) else { return };
        if open >= plan.filters_change {
            self.session.instrument(market, Arc::clone(plan.timeline.at(open).0));
            plan.filters_change = plan.timeline.next_change(open);
        }
    }

    /// Goes to the next instant at which a market moves or a bar closes, and handles it.
    fn walk(&mut self) -> Result<(), BacktestError> {
        self.replay.catch_up()?;
        let closes = self.series.iter().filter(|series| !series.moves).filter_map(SeriesPlan::next_close).min();
        if self.pending.is_empty() {
            let transfer = self.transfers.front().map(|transfer| transfer.time);
            let ends = [self.session.next_timer(), transfer, closes];
            self.replay.pass_inside(|| ends.into_iter().flatten().min().unwrap_or(Timestamp::MAX));
        }
        let Some(next) = [self.replay.next_instant()?, closes].into_iter().flatten().min() else { return Ok(()) };
        self.drop_unsendable();
        let now = next.max(self.replay.now());
        self.fire_timers(|at| at < now);
        self.make_transfers(now)?;
        let mut closed = Vec::new();
        for market in 0..self.markets.len() {
            if !self.replay.is_due(market, now)? {
                continue;
            }
            let first = self.enter_and_choose(market);
            if let Some(point) = self.replay.advance_along(market, first)
                && point.kind == PointKind::Close
            {
                closed.push(market);
            }
        }
        self.handle(now, &closed)
    }

    /// Commands for a market that has ended, while others go on, are never sent (rule 1.7): they
    /// do not wait for the end of all.
    fn drop_unsendable(&mut self) {
        if !(0..self.markets.len()).any(|market| self.replay.has_ended(market)) {
            return;
        }
        let replay = &self.replay;
        let is_late =
            |p: &Pending| replay.market_of(&p.outgoing.command).is_some_and(|market| replay.has_ended(market));
        let (late, pending) = std::mem::take(&mut self.pending).into_iter().partition(is_late);
        self.pending = pending;
        let late: VecDeque<Pending> = late;
        late.into_iter().for_each(|p| self.session.not_sent(p.outgoing));
    }

    /// What is to be settled before a market moves on: at the open of a bar its path.
    fn enter_and_choose(&mut self, market: usize) -> Option<FirstExtreme> {
        if !self.replay.opens_next(market) {
            return self.replay.first_extreme(market);
        }
        self.enter_bar(market);
        match self.markets[market].path {
            PathModel::Nearest | PathModel::Detail => None,
            model => {
                let replay = &self.replay;
                let planned = replay.next_close(market).map_or(Vec::new(), |close| self.session.planned(close));
                let planned: Vec<_> =
                    planned.into_iter().map(|outgoing| on_its_way(replay, &self.markets, outgoing)).collect();
                let of_market = |p: &&Pending| replay.market_of(&p.outgoing.command) == Some(market);
                let arriving = self.pending.iter().chain(&planned).filter(of_market);
                let arriving: Vec<_> = arriving.map(|p| (p.arrival, p.outgoing.id, &p.outgoing.command)).collect();
                replay.choose_path(market, model, &arriving)
            }
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
            let comes = self.line.as_ref().and_then(|line| line.next_end()).is_some_and(|end| end <= now);
            if !comes && !self.pending.iter().any(|p| p.arrival <= now && self.replay.takes(&p.outgoing.command)) {
                return Ok(());
            }
        }
        Err(BacktestError::Rounds { strategy: self.name.clone(), time: now })
    }

    /// Commands that have arrived, in their order, on markets that take them here.
    fn execute_due(&mut self, now: Timestamp) {
        let mut at = 0;
        while at < self.pending.len() {
            let due = &self.pending[at];
            if due.arrival > now || !self.replay.takes(&due.outgoing.command) {
                at += 1;
                continue;
            }
            let Some(Pending { outgoing: Outgoing { id, command, .. }, .. }) = self.pending.remove(at) else { return };
            let market = self.replay.market_of(&command);
            self.replay.execute(id, &command);
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

    fn fire_timers(&mut self, due: impl Fn(Timestamp) -> bool) {
        while self.listen(&due) && self.session.next_timer().is_some_and(&due) {
            self.session.fire_timer();
            self.collect();
        }
    }

    /// Puts what the strategy has said on its way.
    fn collect(&mut self) {
        let Self { session, replay, markets, pending, line, .. } = self;
        let Some(line) = line else {
            pending.extend(session.take_commands().map(|outgoing| on_its_way(replay, markets, outgoing)));
            return;
        };
        line.say(session.take_commands());
        while let Some(outgoing) = line.next_to_send() {
            let market = replay.market_of(&outgoing.command);
            let latency_us = markets[market.unwrap_or(0)].latency_us;
            if let Some(arrival) = line.send(session, &outgoing, market, latency_us) {
                pending.push_back(Pending { arrival, outgoing });
            }
        }
    }

    fn finish(mut self) -> Result<Finished, BacktestError> {
        let outbox = self.line.take().map(|line| self.hang_up(*line)).unwrap_or_default();
        for outgoing in std::mem::take(&mut self.pending).into_iter().map(|pending| pending.outgoing).chain(outbox) {
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
