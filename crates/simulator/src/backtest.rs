//! The backtest: one strategy, one replay, virtual time (sections 1 and 6 of the fill rules).

use std::collections::VecDeque;

use candlewick_model::run::{Assumptions, CommandId, PathModel};
use candlewick_model::{Account, Amount, Command, Timestamp};
use candlewick_strategy::{Context, Outcome, Session, Strategy};

use crate::desk::VenueEvent;
use crate::path::{POINTS, Point};
use crate::replay::{Market, Replay};
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
    /// Equity at the last close; what the account began with if there was no bar.
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
    path: PathModel,
    latency_us: i64,
    timeline: Timeline,
    /// When other filters come into force.
    filters_change: Timestamp,
    /// Commands on their way, in the order in which they were given.
    pending: VecDeque<Pending>,
}

struct Pending {
    arrival: Timestamp,
    id: CommandId,
    command: Command,
}

impl<S: Strategy> Backtest<S> {
    /// A strategy before its first bar. `name` is for errors.
    pub fn new(market: &Market, strategy: S, name: &str) -> Self {
        let replay = Replay::new(market);
        let (instrument, _) = market.timeline.at(replay.now());
        let context = Context::new(instrument.clone(), &market.account, market.bars.clone(), 0);
        Self {
            session: Session::new(strategy, context),
            replay,
            name: name.to_owned(),
            path: market.fill_model.path,
            latency_us: market.fill_model.latency_us,
            filters_change: market.timeline.next_change(market.bars.open_time[0].plus(-1)),
            timeline: market.timeline.clone(),
            pending: VecDeque::new(),
        }
    }

    /// Runs to the last bar.
    pub fn run(mut self) -> Result<Finished, BacktestError> {
        self.session.start(self.replay.now());
        self.collect();
        let bars = self.replay.bars().clone();
        for row in 0..bars.len() {
            if bars.open_time[row] >= self.filters_change {
                self.change_filters(bars.open_time[row]);
            }
            if self.is_quiet_until(bars.close_time[row]) {
                self.pass_bar();
            } else {
                self.walk_bar(bars.close_time[row])?;
            }
        }
        self.finish()
    }

    /// The strategy learns of the filters that are in force from this bar on.
    fn change_filters(&mut self, now: Timestamp) {
        self.session.instrument(self.timeline.at(now).0.clone());
        self.filters_change = self.timeline.next_change(now);
    }

    /// Whether nothing can happen up to a bar's close: no order works, no command is on its
    /// way, no timer is due.
    #[inline]
    fn is_quiet_until(&mut self, close: Timestamp) -> bool {
        self.pending.is_empty() && self.session.next_timer().is_none_or(|at| at > close) && self.replay.is_idle()
    }

    #[inline]
    fn pass_bar(&mut self) {
        let now = self.replay.pass_bar();
        self.session.next_bar(now);
        if self.session.has_commands() {
            self.collect();
        }
    }

    /// One bar, point by point as long as there is something to do.
    fn walk_bar(&mut self, close: Timestamp) -> Result<(), BacktestError> {
        let first = match self.path {
            PathModel::Nearest => None,
            model => {
                let arriving: Vec<_> = self.pending.iter().map(|p| (p.arrival, p.id, &p.command)).collect();
                self.replay.choose_path(model, &arriving)
            }
        };
        for step in 0..POINTS {
            if step > 0 && self.is_quiet_until(close) {
                self.pass_bar();
                return Ok(());
            }
            let Some(next) = self.replay.next_point() else { break };
            self.fire_timers(|at| at < next.time);
            if let Some(point) = self.replay.advance_along(first) {
                self.handle(point)?;
            }
        }
        Ok(())
    }

    /// Everything that happens at one instant after the market has moved there.
    fn handle(&mut self, point: Point) -> Result<(), BacktestError> {
        let takes = point.kind.takes_commands();
        for round in 0..=ROUNDS_MAX {
            if takes {
                while let Some(due) = self.pending.pop_front_if(|p| p.arrival <= point.time) {
                    self.replay.execute(due.id, &due.command);
                }
            }
            self.deliver();
            if round == 0 && !takes {
                self.session.next_bar(point.time);
            }
            self.fire_timers(|at| at <= point.time);
            self.collect();
            if !takes || self.pending.front().is_none_or(|p| p.arrival > point.time) {
                return Ok(());
            }
        }
        Err(BacktestError::Rounds { strategy: self.name.clone(), time: point.time })
    }

    fn deliver(&mut self) {
        for event in self.replay.drain_events() {
            match event {
                VenueEvent::Report(report) => self.session.report(&report),
                VenueEvent::Refused { time, command, action, refusal } => {
                    self.session.refused(time, command, action, &refusal);
                }
                VenueEvent::ListStatus(status) => self.session.list_status(status),
                VenueEvent::Tested { time, command } => self.session.tested(time, command),
            }
        }
    }

    fn fire_timers(&mut self, due: impl Fn(Timestamp) -> bool) {
        while self.session.next_timer().is_some_and(&due) {
            self.session.fire_timer();
            self.collect();
        }
    }

    /// Puts what the strategy has said on its way.
    fn collect(&mut self) {
        let arrival = self.session.now().plus(self.latency_us);
        for (id, command) in self.session.take_commands() {
            self.pending.push_back(Pending { arrival, id, command });
        }
    }

    fn finish(mut self) -> Result<Finished, BacktestError> {
        for Pending { id, command, .. } in std::mem::take(&mut self.pending) {
            self.session.not_sent(id, command);
        }
        self.session.finish();
        let assumptions = self.replay.assumptions();
        let venue = self.replay.account();
        let outcome = self.session.into_outcome();
        if outcome.account != venue {
            return Err(BacktestError::Ledgers { strategy: Box::new(outcome.account), venue: Box::new(venue) });
        }
        Ok(Finished { outcome, assumptions })
    }
}
