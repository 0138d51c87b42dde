//! What a strategy may see and do.
//!
//! It answers only from what was delivered: bars that have closed, reports, the filters in
//! force. Nothing here asks a venue, so the answers are the same in backtest and live.
//!
//! A run may have several series of bars, and several markets. Whatever is asked or sent is
//! about the series in hand: the one whose bar, or the market whose report, is being delivered,
//! until [`Context::look_at`] takes another.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use candlewick_model::fit::{self, Unfit};
use candlewick_model::ledger::Before;
use candlewick_model::run::CommandId;
use candlewick_model::{
    Account, Action, AmendRequest, Amount, Amounts, Asset, Balance, Bars, CancelReplaceRequest, CancelRequest, Command,
    Counts, EventLog, ExecutionReport, Instrument, Interval, Ledger, ListRequest, OpenPosition, Order, OrderId,
    OrderKind, OrderRequest, OrderSize, Ordinary, Pair, Price, Quantity, RawParameters, Side, Symbol, TimeInForce,
    Timestamp, Worth,
};

use crate::Planned;
use crate::names::Names;

/// What a run is made of, as its strategy sees it.
pub struct World {
    /// The strategy's slice of capital.
    pub account: Account,
    /// The markets that it trades on; at least one.
    pub instruments: Vec<Arc<Instrument>>,
    /// The series of bars that it is given: by market, shorter intervals first.
    pub series: Vec<Series>,
    /// Series that only give prices to assets, with base and quote asset.
    pub prices: Vec<(Asset, Asset, Arc<Bars>)>,
    /// The asset that equity is counted in.
    pub counted_in: Asset,
}

/// Bars of a market.
#[derive(Clone)]
pub struct Series {
    /// Its place among the markets.
    pub market: usize,
    /// The length of the bars.
    pub interval: Interval,
    /// Those to come (a backtest) or those that are known already (live, which adds to them).
    pub bars: Arc<Bars>,
    /// How many of them can be seen.
    pub delivered: usize,
}

impl World {
    /// One market with one series; equity is counted in its quote asset.
    #[must_use]
    pub fn of_one(instrument: Arc<Instrument>, account: &Account, series: Series) -> Self {
        Self {
            account: account.clone(),
            counted_in: instrument.quote_asset,
            instruments: vec![instrument],
            series: vec![series],
            prices: Vec::new(),
        }
    }
}

/// A command that leaves the strategy.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Its number.
    pub id: CommandId,
    /// When it leaves.
    pub time: Timestamp,
    /// When it reaches its venue, as far as that is known: as it leaves, unless somebody says more.
    pub arrival: Timestamp,
    /// The place of the market that it names, if it is there.
    pub market: Option<usize>,
    /// What it asks for.
    pub command: Command,
}

struct Market {
    instrument: Arc<Instrument>,
    /// What ordinary orders pass with under it.
    ordinary: Ordinary,
    pair: Pair,
    open_orders: Vec<Order>,
}

/// The strategy's world: its slice of capital, its open orders, the bars so far.
pub struct Context {
    now: Timestamp,
    ledger: Ledger,
    markets: Vec<Market>,
    series: Vec<Series>,
    /// The series in hand.
    current: usize,
    /// Whether no bar of a series closes before an earlier one.
    closes_ascend: bool,
    /// Series that only give prices, with how many of their bars have closed.
    prices: Vec<(Arc<Bars>, usize)>,
    worth: Worth,
    timers: BTreeSet<Timestamp>,
    last_command: CommandId,
    names: Names,
    /// Whether nothing was sent and no timer was set since this was asked for.
    calm: bool,
    pub(crate) commands: VecDeque<Outgoing>,
    pub(crate) events: EventLog,
}

impl Context {
    /// A world in which nothing has happened yet.
    #[must_use]
    pub fn new(world: World) -> Self {
        let World { account, instruments, series, prices, counted_in } = world;
        let mut ledger = Ledger::of(&account);
        let market = |instrument: Arc<Instrument>| Market {
            pair: ledger.pair(instrument.base_asset, instrument.quote_asset),
            ordinary: Ordinary::of(&instrument),
            instrument,
            open_orders: Vec::new(),
        };
        let markets: Vec<_> = instruments.into_iter().map(market).collect();
        let pair_of = |series: &Series| {
            let instrument = &markets[series.market].instrument;
            (instrument.base_asset, instrument.quote_asset)
        };
        let pairs: Vec<_> =
            series.iter().map(pair_of).chain(prices.iter().map(|(base, quote, _)| (*base, *quote))).collect();
        let mut worth = Worth::new(counted_in, &pairs);
        worth.hold(&ledger);
        Self {
            now: Timestamp::MIN,
            ledger,
            markets,
            closes_ascend: series.iter().all(|series| series.bars.close_time.is_sorted()),
            series,
            current: 0,
            prices: prices.into_iter().map(|(_, _, bars)| (bars, 0)).collect(),
            worth,
            timers: BTreeSet::new(),
            last_command: 0,
            names: Names::default(),
            calm: true,
            commands: VecDeque::new(),
            events: EventLog::default(),
        }
    }

    #[inline]
    fn in_hand(&self) -> &Series {
        &self.series[self.current]
    }

    #[inline]
    fn market(&self) -> &Market {
        &self.markets[self.series[self.current].market]
    }

    /// Takes another series in hand. Panics if there are not so many.
    pub fn look_at(&mut self, series: usize) {
        assert!(series < self.series.len(), "there are {} series", self.series.len());
        self.current = series;
    }

    /// The number of the series in hand; 0 is the first.
    #[must_use]
    #[inline]
    pub fn series(&self) -> usize {
        self.current
    }

    /// The number of the market in hand; 0 is the first.
    #[must_use]
    #[inline]
    pub fn market_number(&self) -> usize {
        self.in_hand().market
    }

    /// How many series there are.
    #[must_use]
    pub fn series_count(&self) -> usize {
        self.series.len()
    }

    /// The length of the bars in hand.
    #[must_use]
    pub fn interval(&self) -> Interval {
        self.in_hand().interval
    }

    /// The instant that is being handled.
    #[must_use]
    #[inline]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The market and the filters in force.
    #[must_use]
    pub fn instrument(&self) -> &Instrument {
        &self.market().instrument
    }

    /// Base asset of this strategy's slice.
    #[must_use]
    pub fn base(&self) -> Balance {
        self.ledger.balance(self.market().pair.base)
    }

    /// Quote asset of this strategy's slice.
    #[must_use]
    pub fn quote(&self) -> Balance {
        self.ledger.balance(self.market().pair.quote)
    }

    /// What there is of any asset of this strategy's slice.
    #[must_use]
    pub fn balance(&self, asset: Asset) -> Balance {
        self.ledger.of_asset(asset)
    }

    /// Everything in the asset that equity is counted in, at the closes that were delivered last
    /// (the first open before the first one). What no series gives a price to counts for nothing.
    #[must_use]
    #[inline]
    pub fn equity(&self) -> Amount {
        self.worth.at(|series| {
            let (bars, delivered) = match self.series.get(series) {
                Some(series) => (&series.bars, series.delivered),
                None => {
                    let (bars, closed) = &self.prices[series - self.series.len()];
                    (bars, *closed)
                }
            };
            let price = if delivered == 0 { bars.open.first() } else { bars.close.get(delivered - 1) };
            price.copied().unwrap_or_default()
        })
    }

    /// Orders of this strategy on the market in hand that are not done, oldest first.
    #[must_use]
    pub fn open_orders(&self) -> &[Order] {
        &self.market().open_orders
    }

    /// How many bars were delivered.
    #[must_use]
    #[inline]
    pub fn bar_count(&self) -> usize {
        self.in_hand().delivered
    }

    /// The bar `back` bars ago (0: the one that closed last); `None` before the first bar.
    #[must_use]
    pub fn bar(&self, back: usize) -> Option<candlewick_model::Bar> {
        let series = self.in_hand();
        let row = series.delivered.checked_sub(back + 1)?;
        (row < series.bars.len()).then(|| series.bars.bar(row))
    }

    /// The close `back` bars ago (0: the bar that closed last); `None` before the first bar.
    #[must_use]
    #[inline]
    pub fn close(&self, back: usize) -> Option<Price> {
        let series = self.in_hand();
        let row = series.delivered.checked_sub(back + 1)?;
        series.bars.close.get(row).copied()
    }

    /// Volume-weighted average price of the delivered bars that closed within the last
    /// `minutes`, truncated to 8 decimals; the last close where there is none or no volume.
    /// Zero before the first bar.
    #[must_use]
    pub fn average_price(&self, minutes: u32) -> Price {
        let last = self.close(0).unwrap_or(Price::ZERO);
        let series = self.in_hand();
        series.bars.average_price(series.delivered, self.now, minutes).unwrap_or(last)
    }

    /// What the filters look at besides the order itself.
    #[must_use]
    pub fn position(&self) -> OpenPosition {
        let counts = |market: &Market| {
            let mut counts = Counts::default();
            for order in &market.open_orders {
                counts += Counts::of(order.order_type.is_contingent(), !order.iceberg_quantity.is_zero());
            }
            counts
        };
        let mut on_exchange = Counts::default();
        self.markets.iter().for_each(|market| on_exchange += counts(market));
        OpenPosition {
            on_symbol: counts(self.market()),
            on_exchange,
            base_total: self.base().total(),
            open_buy_quantity: OpenPosition::open_buys(self.open_orders().iter()),
        }
    }

    /// The price and quantity of a limit order that will pass the filters, or why none does.
    pub fn fit_limit(&self, side: Side, price: Price, quantity: Quantity) -> Result<(Price, Quantity), Unfit> {
        let mut average = |minutes| self.average_price(minutes);
        let Market { instrument, ordinary, .. } = self.market();
        fit::limit((instrument, ordinary), side, price, quantity, self.position(), &mut average)
    }

    /// The quantity of a market order that will pass the filters, or why none does.
    pub fn fit_market(&self, side: Side, quantity: Quantity) -> Result<Quantity, Unfit> {
        let mut average = |minutes| self.average_price(minutes);
        let Market { instrument, ordinary, .. } = self.market();
        fit::market((instrument, ordinary), side, quantity, self.position(), &mut average)
    }

    /// An order for this market, to be completed and given to [`Self::submit`].
    #[must_use]
    pub fn order(&self, side: Side, kind: OrderKind, size: OrderSize) -> OrderRequest {
        OrderRequest::new(self.instrument().symbol, side, kind, size)
    }

    /// Sends an order. A client order id is made up where there is none, so that the order can
    /// be found again whatever becomes of the answer.
    pub fn submit(&mut self, mut request: OrderRequest) -> CommandId {
        self.names.complete(&mut request.client_order_id, self.last_command + 1);
        self.send(Command::Submit(request))
    }

    /// Sends a market order.
    pub fn submit_market(&mut self, side: Side, size: OrderSize) -> CommandId {
        self.submit(self.order(side, OrderKind::Market, size))
    }

    /// Sends a limit order that stays until it is cancelled.
    pub fn submit_limit(&mut self, side: Side, price: Price, quantity: Quantity) -> CommandId {
        let kind = OrderKind::Limit { price, time_in_force: TimeInForce::Gtc };
        self.submit(self.order(side, kind, OrderSize::Base(quantity)))
    }

    /// Sends orders that depend on each other.
    pub fn submit_list(&mut self, mut list: ListRequest) -> CommandId {
        for name in list.legs.in_order_of_ids().iter().filter_map(|leg| leg.client_order_id.as_ref()) {
            self.names.note(name.as_str());
        }
        self.names.complete(&mut list.client_order_id, self.last_command + 1);
        self.send(Command::SubmitList(Box::new(list)))
    }

    /// Cancels an order by the venue's number.
    pub fn cancel(&mut self, order_id: OrderId) -> CommandId {
        self.send(Command::Cancel(CancelRequest {
            symbol: self.instrument().symbol,
            order_id: Some(order_id),
            original_client_order_id: None,
            client_order_id: None,
            restrictions: None,
        }))
    }

    /// Cancels everything that is open.
    pub fn cancel_all(&mut self) -> CommandId {
        self.send(Command::CancelAll(self.instrument().symbol))
    }

    /// Cancels an order and places a new one.
    pub fn cancel_replace(&mut self, mut request: CancelReplaceRequest) -> CommandId {
        self.names.complete(&mut request.order.client_order_id, self.last_command + 1);
        self.send(Command::CancelReplace(Box::new(request)))
    }

    /// Gives an order a smaller quantity; it keeps its name and its place.
    pub fn amend(&mut self, order: &Order, quantity: Quantity) -> CommandId {
        self.send(Command::Amend(AmendRequest {
            symbol: order.symbol,
            order_id: Some(order.order_id),
            original_client_order_id: None,
            client_order_id: Some(order.client_order_id),
            quantity,
        }))
    }

    /// Sends a command as raw parameters, valid or not. A new order gets a client order id where
    /// it has none, so that it can be found again whatever becomes of the answer.
    pub fn send_raw(&mut self, action: Action, parameters: RawParameters) -> CommandId {
        let command = self.names.raw(self.last_command + 1, action, parameters);
        self.send(command)
    }

    /// What is planned, as it will leave.
    pub(crate) fn outgoing(&self, planned: Vec<Planned>) -> Vec<Outgoing> {
        let (ids, mut names) = (self.last_command + 1.., self.names.clone());
        let outgoing = |(id, (time, action, parameters))| {
            let command = names.raw(id, action, parameters);
            Outgoing { id, time, arrival: time, market: self.market_of(&command), command }
        };
        ids.zip(planned).map(outgoing).collect()
    }

    /// Asks for [`crate::Strategy::on_timer`] at an instant; one that has passed comes at once.
    pub fn set_timer(&mut self, at: Timestamp) {
        self.timers.insert(at);
        self.calm = false;
    }

    #[inline]
    fn send(&mut self, command: Command) -> CommandId {
        self.last_command += 1;
        self.calm = false;
        let (id, time) = (self.last_command, self.now);
        self.events.push_sent(time, id, &command);
        let market = self.market_of(&command);
        self.commands.push_back(Outgoing { id, time, arrival: time, market, command });
        id
    }

    /// The place of the market that a command names: most often it is in hand.
    #[inline]
    fn market_of(&self, command: &Command) -> Option<usize> {
        let place = |symbol: &Symbol| {
            let in_hand = self.in_hand().market;
            if self.markets[in_hand].instrument.symbol == *symbol {
                return Some(in_hand);
            }
            self.markets.iter().position(|market| market.instrument.symbol == *symbol)
        };
        match command {
            Command::Submit(order) => place(&order.symbol),
            Command::Cancel(cancel) => place(&cancel.symbol),
            other => place(&other.symbol()?),
        }
    }

    /// Time moves on; it never goes back.
    #[inline]
    pub(crate) fn set_now(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    pub(crate) fn set_instrument(&mut self, market: usize, instrument: Arc<Instrument>) {
        self.markets[market].ordinary = Ordinary::of(&instrument);
        self.markets[market].instrument = instrument;
    }

    /// Takes a market in hand, by its first series.
    pub(crate) fn look_at_market(&mut self, market: usize) {
        if self.series[self.current].market != market {
            let first = self.series.iter().position(|series| series.market == market);
            self.current = first.expect("every market has a series");
        }
    }

    #[inline]
    pub(crate) fn look_at_symbol(&mut self, symbol: &Symbol) {
        if self.markets.len() > 1
            && self.instrument().symbol != *symbol
            && let Some(market) = self.markets.iter().position(|market| market.instrument.symbol == *symbol)
        {
            self.look_at_market(market);
        }
    }

    #[inline]
    pub(crate) fn next_timer(&self) -> Option<Timestamp> {
        self.timers.first().copied()
    }

    pub(crate) fn pop_timer(&mut self) -> Option<Timestamp> {
        self.timers.pop_first()
    }

    pub(crate) fn clear_timers(&mut self) {
        self.timers.clear();
    }

    // Always inlined, like `Bars::bar`: a strategy then loads only the columns that it uses.
    #[inline(always)]
    pub(crate) fn reveal_bar(&mut self, series: usize) -> candlewick_model::Bar {
        self.current = series;
        let series = &mut self.series[series];
        series.delivered += 1;
        series.bars.bar(series.delivered - 1)
    }

    /// Reveals a bar that closes now without handing it out.
    #[inline]
    pub(crate) fn reveal_taken_in(&mut self, series: usize) {
        self.current = series;
        self.series[series].delivered += 1;
    }

    /// Reveals several bars of a series without handing them out.
    #[inline]
    pub(crate) fn reveal_bars(&mut self, series: usize, count: usize) {
        self.current = series;
        let series = &mut self.series[series];
        let mut closes = series.bars.close_time.within(series.delivered..series.delivered + count);
        series.delivered += count;
        let latest = if self.closes_ascend { closes.next_back() } else { closes.max() };
        self.now = self.now.max(latest.unwrap_or(Timestamp::MIN));
    }

    /// From here on [`Self::is_calm`] tells whether the strategy has done anything.
    #[inline]
    pub(crate) fn calm_down(&mut self) {
        self.calm = true;
    }

    #[inline]
    pub(crate) fn is_calm(&self) -> bool {
        self.calm
    }

    /// Lets price series close up to an instant.
    #[inline]
    pub(crate) fn reveal_prices(&mut self, now: Timestamp) {
        for (bars, closed) in &mut self.prices {
            while bars.close_time.get(*closed).is_some_and(|close| close <= now) {
                *closed += 1;
            }
        }
    }

    /// Adds a bar that was not in the history, to be revealed next.
    pub(crate) fn append_bar(&mut self, series: usize, bar: candlewick_model::Bar) {
        let series = &mut self.series[series];
        assert_eq!(series.delivered, series.bars.len(), "bars are appended behind the last delivered one");
        let closes = &series.bars.close_time;
        self.closes_ascend &= closes.last().is_none_or(|last| last <= bar.close_time);
        Arc::make_mut(&mut series.bars).push(bar);
    }

    /// Equity at the last so many closes that were delivered, where all series close together.
    pub(crate) fn worth_along(&mut self, count: usize, equity: &mut Amounts) {
        let closes = |series: &Series| series.delivered - count..series.delivered;
        if self.prices.is_empty() {
            let prices = |at: usize| &self.series[at].bars.close[closes(&self.series[at])];
            return self.worth.along(count, prices, equity);
        }
        let (bars, rows) = (Arc::clone(&self.series[0].bars), closes(&self.series[0]));
        self.series.iter_mut().for_each(|series| series.delivered -= count);
        for row in rows {
            self.series.iter_mut().for_each(|series| series.delivered += 1);
            self.reveal_prices(bars.close_time.at(row));
            equity.push(self.equity());
        }
    }

    /// Whether no bar of a series closes before an earlier one of it.
    #[must_use]
    pub const fn closes_ascend(&self) -> bool {
        self.closes_ascend
    }

    pub(crate) fn all_series(&self) -> &[Series] {
        &self.series
    }

    /// All balances of this strategy's slice.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Takes a report into the ledger and the open orders.
    pub(crate) fn apply(&mut self, report: &ExecutionReport) {
        let order = &report.order;
        self.look_at_symbol(&order.symbol);
        let market = &mut self.markets[self.series[self.current].market];
        let known = market.open_orders.iter().position(|o| o.order_id == order.order_id);
        let list = order.order_list_id;
        let others = market.open_orders.iter().filter(|o| o.order_list_id == list && o.order_id != order.order_id);
        self.ledger.book(market.pair, known.map(|at| Before::of(&market.open_orders[at])), report, others);
        match known {
            Some(at) if order.status.is_final() => drop(market.open_orders.remove(at)),
            Some(at) => market.open_orders[at] = *order,
            None if order.status.is_final() => {}
            None => market.open_orders.push(*order),
        }
        if report.fill.is_some() {
            self.worth.hold(&self.ledger);
        }
    }

    /// Takes a deposit or a withdrawal into the ledger.
    pub(crate) fn transfer(&mut self, asset: Asset, amount: Amount) {
        self.ledger.transfer(asset, amount);
        self.worth.hold(&self.ledger);
    }
}
