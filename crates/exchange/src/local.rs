//! The local exchange without its HTTP: the replay, simulated time, and what was said so far.
//!
//! Time stands still between calls; [`LocalExchange::step`] lets it go on, and so does what is in
//! `passing`. Several accounts trade on the same markets ([`Trader`]), and whoever listens is told
//! what happens ([`Audience`]). What came from outside is in a journal, from which the same world
//! can be made again (`again`). Not for: requests, signatures and JSON (`server`), or a clock.

mod again;
mod passing;
mod revising;
#[cfg(test)]
mod tests;
mod transfers;

use std::collections::VecDeque;
use std::sync::Arc;

use candlewick_model::Command;
use candlewick_model::run::CommandId;
use candlewick_model::time::SECOND;
use candlewick_model::{Account, Interval, OrderLimit, Refusal, Symbol, Timestamp};
use candlewick_simulator::{Market, Point, PointKind, Replay, Setup, Transfer, VenueEvent};
use serde::{Deserialize, Serialize};

use crate::audience::{Audience, Change};
use crate::data::Catalogue;
use crate::history::History;
use crate::journal::{Entry, Journal};
use crate::market::{MarketData, View, tick_and_step};
use crate::outlet::Outlet;
use crate::streams::Form;
use crate::trader::Trader;
use crate::user::Users;

pub(crate) use passing::{Came, Ran};
use revising::ToCome;
pub(crate) use transfers::Booking;

/// The account that always is there, and the market of requests that name none.
const FIRST: usize = 0;

/// An open that comes as soon as this after a close is waited for; beyond it the market is out.
const SOON: i64 = SECOND;

/// Markets under way with everything that it has said.
pub struct LocalExchange {
    /// What it was made of, to make it once more.
    origin: Origin,
    /// The accounts; their markets are all at the same point.
    traders: Vec<Trader>,
    /// Simulated time: the markets' last point, or later but before the next one.
    now: Timestamp,
    markets: Vec<MarketData>,
    /// Their bars of any interval.
    catalogue: Catalogue,
    /// Deposits and withdrawals of the setup that are to come.
    transfers: VecDeque<Transfer>,
    /// What the exchange will do to them.
    to_come: ToCome,
    last_command: CommandId,
    takes_up: TakesUp,
    /// How often markets have moved, each time at one instant.
    turns: u64,
    /// How much the venue has said.
    said: u64,
    journal: Journal,
    tells: Tells,
    pub(crate) audience: Audience,
}

/// What an exchange is made of.
#[derive(Clone)]
struct Origin {
    setup: Setup,
    accounts: Vec<Account>,
}

/// What those who listen are told of what happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tells {
    All,
    /// What happens to accounts, and not where the markets are.
    Accounts,
    /// Nothing: it has been told before.
    Nothing,
}

/// Where trading requests are taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TakesUp {
    /// Where the market stands if commands are taken there, else at its next point that takes
    /// them, as commands of a backtest: for lock step.
    AtPoints,
    /// At the present time, where the market stands: for time that goes by itself.
    AnyTime,
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
    /// The markets of a setup, about to open, with one account. Panics if one has no bars.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        Self::with_accounts(setup, std::slice::from_ref(&setup.account))
    }

    /// As [`Self::new`], with these accounts in place of the setup's; at least one.
    #[must_use]
    pub fn with_accounts(setup: &Setup, accounts: &[Account]) -> Self {
        let of_account = |account: &Account| Replay::new(&Setup { account: account.clone(), ..setup.clone() });
        let traders: Vec<_> = accounts.iter().map(|account| Trader::new(of_account(account))).collect();
        let now = traders[FIRST].replay.now();
        let markets: Vec<_> = setup.markets.iter().map(|market| MarketData::new(market, now)).collect();
        Self {
            origin: Origin { setup: setup.clone(), accounts: accounts.to_vec() },
            now,
            catalogue: catalogue_of(&setup.markets, now),
            to_come: ToCome::default(),
            markets,
            traders,
            transfers: setup.transfers.iter().copied().collect(),
            last_command: 0,
            takes_up: TakesUp::AtPoints,
            turns: 0,
            said: 0,
            journal: Journal::default(),
            tells: Tells::All,
            audience: Audience { users: Users::new(setup), ..Audience::default() },
        }
    }

    /// With the exchange's own words about its symbols: answers of `exchangeInfo`, one after the other.
    #[must_use]
    pub fn with_exchange_info(self, json: String) -> Self {
        Self { catalogue: self.catalogue.with_exchange_info(json), ..self }
    }

    /// From now on requests are taken up there.
    pub fn take_up_where(&mut self, takes_up: TakesUp) -> Result<(), Refusal> {
        if takes_up != self.takes_up {
            self.note(&Entry::TakesUp(takes_up))?;
            self.takes_up = takes_up;
        }
        Ok(())
    }

    /// Simulated time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The first of its markets.
    #[must_use]
    pub fn symbol(&self) -> Symbol {
        self.markets[FIRST].symbol
    }

    /// The length of that market's bars.
    #[must_use]
    pub fn interval(&self) -> Interval {
        self.markets[FIRST].interval
    }

    /// Whether a market is there.
    pub(crate) fn has(&self, symbol: Symbol) -> bool {
        self.market_of(symbol).is_some()
    }

    fn market_of(&self, symbol: Symbol) -> Option<usize> {
        self.markets.iter().position(|market| market.symbol == symbol)
    }

    /// All markets as they stand.
    pub(crate) fn views(&self) -> impl Iterator<Item = View<'_>> {
        views(&self.markets, &self.traders, self.now)
    }

    /// One of them.
    pub(crate) fn view(&self, symbol: Symbol) -> Option<View<'_>> {
        self.views().find(|view| view.market.symbol == symbol)
    }

    /// The bars of all markets, whatever has happened of them.
    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// What archives are made of: the markets as they were at first, to their ends.
    pub(crate) fn history_of_markets(&self) -> Catalogue {
        catalogue_of(&self.origin.setup.markets, self.origin.setup.start())
    }

    /// Lets time go on until an order changes or a bar closes, but not beyond `until`.
    pub fn step(&mut self, until: Option<Timestamp>) -> Result<Stepped, Refusal> {
        loop {
            let Some(next) = self.next_instant()? else { return Ok(self.stepped(0, 0, true)) };
            if let Some(until) = until.filter(|until| next > *until) {
                self.wait(until);
                return Ok(self.stepped(0, 0, false));
            }
            let (reports, bars) = self.go_to(next)?;
            if reports + bars > 0 {
                return Ok(self.stepped(reports, bars, false));
            }
        }
    }

    /// When any market moves or changes next.
    pub(crate) fn next_instant(&mut self) -> Result<Option<Timestamp>, Refusal> {
        let mut next = self.to_come.next();
        for market in 0..self.markets.len() {
            let time = self.next_point(market)?.map(|point| point.time);
            next = [next, time].into_iter().flatten().min();
        }
        Ok(next)
    }

    /// Time goes on while all markets stand still. Accounts take notice when they do something.
    fn wait(&mut self, until: Timestamp) {
        self.make_transfers(until);
        self.now = self.now.max(until);
        (0..self.markets.len()).for_each(|market| self.tell(market, Change::Time));
        self.tell_of_all();
    }

    /// Moves every market whose next point lies at an instant, after it has changed if it does so
    /// there: reports, and bars that have closed.
    fn go_to(&mut self, instant: Timestamp) -> Result<(usize, usize), Refusal> {
        self.make_transfers(instant);
        self.turns += 1;
        let revised = self.revise_until(instant);
        let (mut reports, mut bars) = (0, 0);
        let mut have_moved = false;
        for market in 0..self.markets.len() {
            if let Some(point) = self.next_point(market)?.filter(|point| point.time <= instant) {
                reports += self.advance(market);
                bars += usize::from(point.kind == PointKind::Close);
                have_moved = true;
            }
        }
        reports += self.follow_up(&revised, instant, have_moved);
        self.tell_of_all();
        Ok((reports, bars))
    }

    /// The point of a market that comes next, the same for all accounts. What cannot be read is
    /// the exchange's trouble.
    fn next_point(&mut self, market: usize) -> Result<Option<Point>, Refusal> {
        let mut next = None;
        for trader in &mut self.traders {
            let point = trader.replay.next_point(market);
            next = point.map_err(|error| Refusal::naming(-1000, error.to_string()))?;
        }
        Ok(next)
    }

    fn stepped(&self, reports: usize, bars: usize, ended: bool) -> Stepped {
        Stepped { time: self.now, reports, bars, ended }
    }

    /// Takes up an account's trading request, where [`TakesUp`] says. What the request itself
    /// caused is given back.
    pub fn take_up(&mut self, account: usize, command: &Command) -> Result<Vec<VenueEvent>, Refusal> {
        self.note(&Entry::of(account, command))?;
        let answer = self.execute(account, command);
        self.journal.taken_up(self.now);
        answer
    }

    fn execute(&mut self, account: usize, command: &Command) -> Result<Vec<VenueEvent>, Refusal> {
        let market = command.symbol().and_then(|symbol| self.market_of(symbol)).unwrap_or(FIRST);
        if self.takes_up == TakesUp::AnyTime && self.next_instant()?.is_none_or(|next| next > self.now) {
            self.traders[account].replay.wait(self.now);
        }
        let replay = &self.traders[account].replay;
        if !(replay.takes_commands(market) && self.now == replay.now()) {
            self.advance_to_an_open(market)?;
        }
        self.last_command += 1;
        self.traders[account].replay.execute(self.last_command, command);
        Ok(self.absorb(account))
    }

    fn advance_to_an_open(&mut self, market: usize) -> Result<(), Refusal> {
        let begun = self.now;
        loop {
            let next = self.next_instant()?;
            let Some(next) = next.filter(|_| self.next_point(market).is_ok_and(|point| point.is_some())) else {
                return Err(Refusal::new(-1016, "This service is no longer available."));
            };
            if self.takes_up == TakesUp::AnyTime && next > begun.plus(SOON) {
                return Err(Refusal::new(-1001, "Internal error; unable to process your request. Please try again."));
            }
            self.go_to(next)?;
            if self.traders[FIRST].replay.takes_commands(market) {
                return Ok(());
            }
        }
    }

    /// Moves a market to its next point; how many orders changed.
    fn advance(&mut self, market: usize) -> usize {
        let mut reports = 0;
        let mut reached = None;
        for account in 0..self.traders.len() {
            reached = self.traders[account].replay.advance(market);
            self.now = self.now.max(self.traders[account].replay.now());
            if let (FIRST, Some(point)) = (account, reached) {
                self.markets[market].pass(point, self.traders[FIRST].replay.last_price(market));
            }
            reports += self.absorb(account).len();
        }
        if let Some(point) = reached {
            self.tell(market, Change::Point(point));
        }
        reports
    }

    /// Takes over what the venue has said to an account.
    fn absorb(&mut self, account: usize) -> Vec<VenueEvent> {
        let events = self.traders[account].absorb();
        if events.is_empty() {
            return events;
        }
        self.said += events.len() as u64;
        if self.tells != Tells::Nothing {
            self.audience.account(account, &events, &self.traders[account].replay, self.now);
        }
        for market in 0..self.markets.len() {
            let symbol = self.markets[market].symbol;
            let is_of_market = |event: &VenueEvent| matches!(event, VenueEvent::Report(r) if r.order.symbol == symbol);
            let changes = events.iter().filter(|event| is_of_market(event)).count();
            if changes > 0 {
                self.markets[market].touch(changes);
                self.tell(market, Change::Orders);
            }
        }
        events
    }

    fn tell(&mut self, market: usize, change: Change) {
        if self.tells != Tells::All {
            return;
        }
        let view = View::new(&self.markets[market], &self.traders, market, self.now);
        self.audience.market(&view, change);
    }

    fn tell_of_all(&mut self) {
        if self.tells == Tells::All && self.audience.streams.has_all() {
            let views = views(&self.markets, &self.traders, self.now);
            self.audience.streams.all_markets(&views.collect::<Vec<_>>());
        }
    }

    /// From now on an outlet is told what a stream says, of which the name may be a listen key.
    pub(crate) fn listen(&mut self, name: &str, form: Form, outlet: &Outlet) {
        if self.audience.users.follow(name, form.is_combined, form.unit, outlet, self.now) {
            return;
        }
        let views = views(&self.markets, &self.traders, self.now);
        self.audience.streams.listen(name, form, outlet, &views.collect::<Vec<_>>());
    }

    /// An outlet is told no more of a stream; without a name of none.
    pub(crate) fn leave(&mut self, name: Option<&str>, outlet: &Outlet) {
        self.audience.users.leave(name, outlet);
        self.audience.streams.leave(name, outlet);
    }

    /// How many accounts there are.
    #[must_use]
    pub fn accounts(&self) -> usize {
        self.traders.len()
    }

    /// One of the accounts.
    pub(crate) fn trader(&self, account: usize) -> &Trader {
        &self.traders[account]
    }

    /// What an account holds.
    #[must_use]
    pub fn account(&self, account: usize) -> Account {
        self.traders[account].replay.account()
    }

    /// What an account has done.
    #[must_use]
    pub(crate) fn history(&self, account: usize) -> &History {
        self.traders[account].history()
    }

    /// How many unfilled orders an account has placed in the running window of each limit.
    #[must_use]
    pub fn unfilled_orders(&self, account: usize) -> Vec<(OrderLimit, u32)> {
        self.traders[account].replay.unfilled_orders(self.now)
    }
}

/// The bars of markets that are about to open, and the trades that are cut from them.
fn catalogue_of(markets: &[Market], before: Timestamp) -> Catalogue {
    let series = |market: &Market| (market.timeline.last().symbol, market.interval, Arc::clone(&market.bars));
    let catalogue = Catalogue::of_markets(markets.iter().map(series));
    let with_trades = |catalogue: Catalogue, market: &Market| {
        catalogue.with_trades(market.timeline.last().symbol, tick_and_step(market, before))
    };
    markets.iter().fold(catalogue, with_trades)
}

fn views<'a>(markets: &'a [MarketData], traders: &'a [Trader], now: Timestamp) -> impl Iterator<Item = View<'a>> {
    markets.iter().enumerate().map(move |(at, market)| View::new(market, traders, at, now))
}
