//! The local exchange without its HTTP: the replay, simulated time, and what was said so far.
//!
//! For: lock step. Time stands still between calls; [`LocalExchange::step`] lets it go on to
//! the next instant at which something happens, and a trading request moves the market to the
//! next point that takes commands, exactly as a command of a backtest waits for it. Not for:
//! requests, signatures and JSON (`server`).

use std::sync::Arc;

use candlewick_model::Command;
use candlewick_model::run::CommandId;
use candlewick_model::{Account, Interval, Order, OrderLimit, Refusal, Symbol, Timestamp};
use candlewick_simulator::{Point, PointKind, Replay, Setup, VenueEvent};

use crate::data::Catalogue;
use crate::history::History;
use crate::market::{MarketData, View};

/// The market that is traded in.
const ONLY: usize = 0;

/// Markets under way with everything that it has said.
pub struct LocalExchange {
    replay: Replay,
    /// Simulated time: the replay's point, or later but before the next point.
    now: Timestamp,
    markets: Vec<MarketData>,
    /// Their bars of any interval.
    catalogue: Catalogue,
    history: History,
    last_command: CommandId,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stepped {
    /// Simulated time now.
    pub time: Timestamp,
    /// How many orders changed on the way, changes of one order counted each.
    pub reports: usize,
    /// How many bars closed on the way, all at the same instant.
    pub bars: usize,
    /// Whether the market has ended: nothing will happen any more.
    pub ended: bool,
}

impl LocalExchange {
    /// The markets of a setup, about to open. Panics if one has no bars.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        let replay = Replay::new(setup);
        let markets: Vec<_> = setup.markets.iter().map(|market| MarketData::new(market, replay.now())).collect();
        let bars = setup.markets.iter().zip(&markets);
        let bars = bars.map(|(market, data)| (data.symbol, market.interval, Arc::clone(&market.bars)));
        Self {
            now: replay.now(),
            catalogue: Catalogue::of_markets(bars),
            markets,
            replay,
            history: History::default(),
            last_command: 0,
        }
    }

    /// With the exchange's own words about its symbols.
    #[must_use]
    pub fn with_exchange_info(self, json: String) -> Self {
        Self { catalogue: self.catalogue.with_exchange_info(json), ..self }
    }

    /// Simulated time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The market that is traded in.
    #[must_use]
    pub fn symbol(&self) -> Symbol {
        self.markets[ONLY].symbol
    }

    /// The length of its bars.
    #[must_use]
    pub fn interval(&self) -> Interval {
        self.markets[ONLY].interval
    }

    /// All markets as they stand.
    pub(crate) fn views(&self) -> impl Iterator<Item = View<'_>> {
        let at = self.markets.iter().enumerate();
        at.map(|(at, market)| View::new(market, &self.replay, at, self.now))
    }

    /// One of them.
    pub(crate) fn view(&self, symbol: Symbol) -> Option<View<'_>> {
        self.views().find(|view| view.market.symbol == symbol)
    }

    /// The bars of all markets, whatever has happened of them.
    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Lets time go on until an order changes or a bar closes, but not beyond `until`.
    pub fn step(&mut self, until: Option<Timestamp>) -> Result<Stepped, Refusal> {
        loop {
            let Some(next) = self.next_instant()? else { return Ok(self.stepped(0, 0, true)) };
            if let Some(until) = until.filter(|until| next > *until) {
                self.now = self.now.max(until);
                return Ok(self.stepped(0, 0, false));
            }
            let (reports, bars) = self.go_to(next)?;
            if reports + bars > 0 {
                return Ok(self.stepped(reports, bars, false));
            }
        }
    }

    /// When any market moves next.
    fn next_instant(&mut self) -> Result<Option<Timestamp>, Refusal> {
        let mut next = None;
        for market in 0..self.markets.len() {
            let time = self.next_point(market)?.map(|point| point.time);
            next = [next, time].into_iter().flatten().min();
        }
        Ok(next)
    }

    /// Moves every market whose next point lies at an instant: reports, and bars that have closed.
    fn go_to(&mut self, instant: Timestamp) -> Result<(usize, usize), Refusal> {
        let (mut reports, mut bars) = (0, 0);
        for market in 0..self.markets.len() {
            if let Some(point) = self.next_point(market)?.filter(|point| point.time <= instant) {
                reports += self.advance(market).len();
                bars += usize::from(point.kind == PointKind::Close);
            }
        }
        Ok((reports, bars))
    }

    /// The point of a market that comes next. What cannot be read is the exchange's trouble.
    fn next_point(&mut self, market: usize) -> Result<Option<Point>, Refusal> {
        self.replay.next_point(market).map_err(|error| Refusal::naming(-1000, error.to_string()))
    }

    fn stepped(&self, reports: usize, bars: usize, ended: bool) -> Stepped {
        Stepped { time: self.now, reports, bars, ended }
    }

    /// Takes up a trading request: where the market stands if commands are taken there, else
    /// at the next point that takes them. What the request itself caused is given back.
    pub fn take_up(&mut self, command: &Command) -> Result<Vec<VenueEvent>, Refusal> {
        let named = command.symbol().and_then(|symbol| self.markets.iter().position(|m| m.symbol == symbol));
        let market = named.unwrap_or(ONLY);
        if !(self.replay.takes_commands(market) && self.now == self.replay.now()) {
            self.advance_to_an_open(market)?;
        }
        self.last_command += 1;
        self.replay.execute(self.last_command, command);
        Ok(self.absorb())
    }

    fn advance_to_an_open(&mut self, market: usize) -> Result<(), Refusal> {
        loop {
            let next = self.next_instant()?;
            let Some(next) = next.filter(|_| self.next_point(market).is_ok_and(|point| point.is_some())) else {
                return Err(Refusal::new(-1016, "This service is no longer available."));
            };
            self.go_to(next)?;
            if self.replay.takes_commands(market) {
                return Ok(());
            }
        }
    }

    /// Moves a market to its next point.
    fn advance(&mut self, market: usize) -> Vec<VenueEvent> {
        let Some(point) = self.replay.advance(market) else { return Vec::new() };
        self.now = point.time;
        self.markets[market].pass(point, self.replay.last_price(market));
        self.absorb()
    }

    /// Takes over what the venue has said.
    fn absorb(&mut self) -> Vec<VenueEvent> {
        let events: Vec<_> = self.replay.drain_events().collect();
        for event in &events {
            self.history.take_in(event);
            if let VenueEvent::Report(report) = event {
                let market = self.markets.iter_mut().find(|market| market.symbol == report.order.symbol);
                market.into_iter().for_each(MarketData::touch);
            }
        }
        events
    }

    /// What the account holds.
    #[must_use]
    pub fn account(&self) -> Account {
        self.replay.account()
    }

    /// Orders that are not done, by id.
    pub fn open_orders(&self) -> impl Iterator<Item = &Order> {
        self.replay.open_orders(ONLY)
    }

    /// What the account has done.
    #[must_use]
    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// How many unfilled orders were placed in the running window of each limit.
    #[must_use]
    pub fn unfilled_orders(&self) -> Vec<(OrderLimit, u32)> {
        self.replay.unfilled_orders(self.now)
    }
}
