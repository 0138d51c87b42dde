//! The runner: one strategy, one exchange, and the same order of everything as in a backtest.
//!
//! It keeps an inbox of what has happened. Instants are handled in ascending order: at one
//! instant first what the market did to resting orders, then the answers to commands, then
//! bars, then timers; timers that were due earlier fire before, even if the venue's time is
//! past them already, because an earlier command may have moved it. What the strategy says is
//! sent at once and in order, and the answers join the inbox. Only when the inbox is empty and
//! nothing is left to be said does time go on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use candlewick_binance::rest::{KlineRange, Rest};
use candlewick_binance::signing::Credentials;
use candlewick_model::event_log::Cursor;
use candlewick_model::{Account, Bars, ExchangeInfo, Instrument, Interval, Order, OrderId, Symbol, Timestamp, TradeId};
use candlewick_strategy::{Context, Outcome, Outgoing, Series, Session, Strategy, World};

use crate::clock::{fixed_clock, system_clock};
use crate::inbox::{Answer, Happening, Inbox};
use crate::pace::{LockStep, Moved, Pace};
use crate::{Journal, LiveError};

/// At one instant the strategy is asked so often at most, as in a backtest.
const ROUNDS_MAX: usize = 1_000;

/// What to run where.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The exchange's base URL.
    pub url: String,
    /// The market.
    pub symbol: Symbol,
    /// Length of the bars.
    pub interval: Interval,
    /// The slice of the account that the strategy trades.
    pub account: Account,
    /// Whether the exchange is a local one whose time is moved by the run.
    pub lock_step: bool,
    /// How many bars before the start the strategy may look back on.
    pub warm_up_bars: u16,
    /// When to stop; absent: when the market ends.
    pub until: Option<Timestamp>,
}

/// A strategy on an exchange.
pub struct Runner<S> {
    pub(crate) plan: Plan,
    pub(crate) rest: Rest,
    pub(crate) pace: Pace,
    pub(crate) session: Session<S>,
    pub(crate) instrument: Arc<Instrument>,
    pub(crate) journal: Option<Journal>,
    /// How far the session's events are in the journal.
    journalled: Cursor,
    pub(crate) inbox: Inbox,
    /// The server's time as far as it is known.
    pub(crate) now: Timestamp,
    /// Bars from this open time on were not seen yet.
    pub(crate) next_open: Timestamp,
    /// When the last bar closed that was seen.
    pub(crate) last_close: Timestamp,
    /// Own orders that may still fill, with every fill that is known.
    pub(crate) working: BTreeMap<OrderId, Order>,
    /// Orders that an answer has ended; they leave `working` after their last fills came in.
    pub(crate) cancelled: Vec<OrderId>,
    /// Own trades up to this one were seen in the list of trades.
    pub(crate) last_trade: TradeId,
    /// Trades that answers have told, and the list of trades has not yet.
    pub(crate) told_trades: BTreeSet<(TradeId, OrderId)>,
    /// Commands for which the market ended too early.
    pub(crate) unsent: Vec<Outgoing>,
    /// Whether the market has ended.
    pub(crate) ended: bool,
}

impl<S: Strategy> Runner<S> {
    /// Connects: measures the clock, reads the filters, checks the capital, looks back.
    pub async fn connect(plan: Plan, credentials: Credentials, strategy: S) -> Result<Self, LiveError> {
        let (clock, hand) = if plan.lock_step {
            let (clock, hand) = fixed_clock();
            (clock, Some(hand))
        } else {
            (system_clock(), None)
        };
        let rest = Rest::new(&plan.url, clock)?.with_credentials(credentials);
        let pace = match hand {
            Some(hand) => Pace::LockStep(LockStep::new(&plan.url, hand)?),
            None => Pace::RealTime,
        };
        let now = pace.synchronise(&rest).await?;
        let instrument = instrument_of(&rest, plan.symbol).await?;
        check_capital(&rest, &plan.account).await?;
        let history = look_back(&rest, &plan, now).await?;
        let last_close = history.close_time.last().unwrap_or(now);
        let delivered = history.len();
        let context = Context::new(World::of_one(
            Arc::clone(&instrument),
            &plan.account,
            Series { market: 0, interval: plan.interval, bars: Arc::new(history), delivered },
        ));
        let mut runner = Self {
            session: Session::new(strategy, context),
            plan,
            rest,
            pace,
            instrument,
            journal: None,
            journalled: Cursor::default(),
            inbox: Inbox::default(),
            now,
            next_open: last_close.plus(1),
            last_close,
            working: BTreeMap::new(),
            cancelled: Vec::new(),
            last_trade: 0,
            told_trades: BTreeSet::new(),
            unsent: Vec::new(),
            ended: false,
        };
        runner.last_trade = runner.last_trade_so_far().await?;
        Ok(runner)
    }

    /// Writes every event to a new file.
    pub fn journal_to(mut self, path: &Path) -> Result<Self, LiveError> {
        self.journal = Some(Journal::create(path)?);
        Ok(self)
    }

    /// Runs until the market ends or the plan's time is over.
    pub async fn run(mut self) -> Result<Outcome, LiveError> {
        self.session.start(self.now);
        self.settle().await?;
        while !self.is_over() {
            let timer = self.session.next_timer();
            let stop = self.plan.until;
            let until = [timer, stop].into_iter().flatten().min();
            let open = !self.working.is_empty();
            let moved = self.pace.go_on(&self.rest, until, self.bar_close(), open).await?;
            self.collect(moved).await?;
            self.settle().await?;
        }
        for outgoing in std::mem::take(&mut self.unsent) {
            self.session.not_sent(outgoing);
        }
        self.session.finish();
        self.write_journal()?;
        if let Some(journal) = &mut self.journal {
            journal.make_durable()?;
        }
        Ok(self.session.into_outcome())
    }

    fn is_over(&self) -> bool {
        self.ended || self.plan.until.is_some_and(|until| self.now >= until)
    }

    /// Fetches what happened while time went on.
    async fn collect(&mut self, moved: Moved) -> Result<(), LiveError> {
        self.now = self.now.max(moved.now);
        self.ended |= moved.ended;
        if moved.bars {
            self.fetch_bars().await?;
        }
        let orders_changed = moved.reports.is_none_or(|reports| reports > 0);
        if orders_changed && !self.working.is_empty() {
            let fills = self.fetch_trades().await?;
            if moved.reports.is_none_or(|reports| reports > fills) && !self.working.is_empty() {
                self.fetch_ends().await?;
            }
        }
        Ok(())
    }

    /// Handles everything up to the server's time, and everything that comes of it.
    async fn settle(&mut self) -> Result<(), LiveError> {
        let (mut rounds, mut instant) = (0, self.session.now());
        loop {
            if self.session.has_commands() {
                rounds = if self.session.now() > instant { 0 } else { rounds + 1 };
                instant = self.session.now();
                if rounds > ROUNDS_MAX {
                    return Err(LiveError::Rounds { rounds: ROUNDS_MAX, time: instant });
                }
                self.send_all().await?;
                continue;
            }
            let timer = self.session.next_timer().filter(|at| *at <= self.now);
            match (timer, self.inbox.next_time()) {
                (Some(at), next) if next.is_none_or(|next| at < next) => self.session.fire_timer(),
                (_, Some(next)) => self.handle(next),
                _ => return self.write_journal(),
            }
        }
    }

    /// Everything that happened at one instant.
    fn handle(&mut self, instant: Timestamp) {
        while let Some(happening) = self.inbox.next_at(instant) {
            match happening {
                Happening::Report(report) => self.session.report(&report),
                Happening::Answer(Answer::Reports(reports)) => {
                    reports.iter().for_each(|report| self.session.report(report));
                }
                Happening::Answer(Answer::Refused { command, action, refusal }) => {
                    self.session.refused(instant, command, action, &refusal);
                }
                Happening::Bar(bar) => self.session.push_bar(instant, bar),
            }
        }
        while self.session.next_timer().is_some_and(|at| at <= instant) {
            self.session.fire_timer();
        }
    }

    /// Learns that the server's time is at least this.
    pub(crate) fn move_to(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        self.pace.learn(now);
    }

    /// Orders whose end an answer has told are done once their last fills are in the inbox.
    pub(crate) fn drop_cancelled(&mut self) {
        for id in self.cancelled.drain(..) {
            self.working.remove(&id);
        }
    }

    pub(crate) fn write_journal(&mut self) -> Result<(), LiveError> {
        let events = self.session.events();
        if let Some(journal) = &mut self.journal {
            let new: Vec<_> = std::iter::from_fn(|| events.read(&mut self.journalled)).collect();
            journal.append(&new)?;
        }
        Ok(())
    }
}

async fn instrument_of(rest: &Rest, symbol: Symbol) -> Result<Arc<Instrument>, LiveError> {
    let json = rest.exchange_info(symbol).await?;
    let mut info = ExchangeInfo::parse(&json).map_err(|source| LiveError::ExchangeInfo { symbol, source })?;
    for note in &info.notes {
        tracing::warn!(%note, "exchangeInfo");
    }
    info.instruments.remove(&symbol).map(Arc::new).ok_or(LiveError::Symbol { symbol })
}

/// The slice must be there, and free.
async fn check_capital(rest: &Rest, slice: &Account) -> Result<(), LiveError> {
    let held = rest.account().await?.balances();
    for (asset, wanted) in slice.iter() {
        let free = held.balance(asset).free;
        if free < wanted.total() {
            let (asset, held, wanted) = (asset.to_string(), free.to_string(), wanted.total().to_string());
            return Err(LiveError::Capital { asset, held, wanted });
        }
    }
    Ok(())
}

/// Bars that closed before the run.
async fn look_back(rest: &Rest, plan: &Plan, now: Timestamp) -> Result<Bars, LiveError> {
    if plan.warm_up_bars == 0 {
        return Ok(Bars::default());
    }
    // One more, because the last one may still be open.
    let limit = Some(plan.warm_up_bars.saturating_add(1).min(1_000));
    let bars = rest.klines(plan.symbol, plan.interval, KlineRange { limit, ..KlineRange::default() }).await?;
    let closed: Vec<_> = bars.into_iter().filter(|bar| bar.close_time <= now).collect();
    let surplus = closed.len().saturating_sub(plan.warm_up_bars.into());
    Ok(closed.into_iter().skip(surplus).collect())
}
