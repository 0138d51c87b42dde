//! The backtest: one strategy, its markets, virtual time (sections 1 and 6 of the fill rules).

mod hearing;

use std::collections::VecDeque;
use std::sync::Arc;

use candlewick_model::run::{Assumptions, PathModel};
use candlewick_model::{Account, Amount, Asset, Bars, Timestamp};
use candlewick_strategy::{Context, Outcome, Outgoing, Series, Session, Strategy, World};

use crate::desk::VenueEvent;
use crate::path::{FirstExtreme, PointKind};
use crate::replay::{Market, Replay, Setup, Transfer};
use crate::stress::{Held, Line, Stress};
use crate::timeline::Timeline;

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
        self.outcome.equity.last().copied()
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
}

impl SeriesPlan {
    #[inline]
    fn next_close(&self) -> Option<Timestamp> {
        self.bars.close_time.get(self.row).copied()
    }
}

struct Pending {
    arrival: Timestamp,
    outgoing: Outgoing,
}

impl<S: Strategy> Backtest<S> {
    /// A strategy before its first bar. `name` is for errors.
    pub fn new(setup: &Setup, strategy: S, name: &str) -> Self {
        let before = setup.start();
        let mut series = Vec::new();
        for (market, made) in setup.markets.iter().enumerate() {
            let longer = made.longer.iter().map(|(interval, bars)| (*interval, bars, false));
            for (interval, bars, moves) in std::iter::once((made.interval, &made.bars, true)).chain(longer) {
                series.push((interval, SeriesPlan { market, moves, bars: Arc::clone(bars), row: 0 }));
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
        self.finish()
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
        }
    }

    /// As [`Self::pass_to`], bar after bar, where there is one series: this is where most
    /// backtests spend their time.
    fn pass_bars(&mut self) {
        self.enter_bar(0);
        let bars = Arc::clone(&self.series[0].bars);
        let first = self.series[0].row;
        let horizon = [
            self.session.next_timer(),
            self.transfers.front().map(|transfer| transfer.time),
            Some(self.markets[0].filters_change),
        ];
        let horizon = horizon.into_iter().flatten().min().unwrap_or(Timestamp::MAX);
        let calm = self.replay.untouched_range(0);
        // The first one is known to be quiet.
        self.session.next_bars(bars.len(), |row| {
            row == first
                || (bars.close_time[row] < horizon
                    && calm.is_none_or(|(low, high)| low < bars.low[row] && bars.high[row] < high))
        });
        let passed = self.session.context().bar_count();
        self.replay.pass_bars(0, passed);
        self.series[0].row = passed;
        self.collect();
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
        self.replay.catch_up();
        let closes = self.series.iter().filter(|series| !series.moves).filter_map(SeriesPlan::next_close).min();
        let Some(next) = [self.replay.next_instant(), closes].into_iter().flatten().min() else { return Ok(()) };
        let now = next.max(self.replay.now());
        self.fire_timers(|at| at < now);
        self.make_transfers(now)?;
        let mut closed = Vec::new();
        for market in 0..self.markets.len() {
            if self.replay.next_point(market).is_none_or(|point| point.time > now) {
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

    /// What is to be settled before a market moves on: at the open of a bar its path.
    fn enter_and_choose(&mut self, market: usize) -> Option<FirstExtreme> {
        if !self.replay.opens_next(market) {
            return self.replay.first_extreme(market);
        }
        self.enter_bar(market);
        match self.markets[market].path {
            PathModel::Nearest => None,
            model => {
                let replay = &self.replay;
                let of_market = |p: &&Pending| replay.market_of(&p.outgoing.command) == Some(market);
                let arriving =
                    self.pending.iter().filter(of_market).map(|p| (p.arrival, p.outgoing.id, &p.outgoing.command));
                replay.choose_path(market, model, &arriving.collect::<Vec<_>>())
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
        let way = |outgoing: &Outgoing| {
            let market = replay.market_of(&outgoing.command);
            (market, markets[market.unwrap_or(0)].latency_us)
        };
        let Some(line) = line else {
            for outgoing in session.take_commands() {
                let arrival = outgoing.time.plus(way(&outgoing).1);
                pending.push_back(Pending { arrival, outgoing });
            }
            return;
        };
        line.say(session.take_commands());
        while let Some(outgoing) = line.next_to_send() {
            let (market, latency_us) = way(&outgoing);
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
