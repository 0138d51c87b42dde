//! What a strategy may see and do.
//!
//! It answers only from what was delivered: bars that have closed, reports, the filters in
//! force. Nothing here asks a venue, so the answers are the same in backtest and live.

use std::collections::BTreeSet;
use std::sync::Arc;

use candlewick_model::fit::{self, Unfit};
use candlewick_model::ledger::locked_by;
use candlewick_model::run::{Command, CommandId, Event};
use candlewick_model::{
    Account, Amount, Balance, Bars, CancelRequest, ClientOrderId, ExecutionReport, Instrument, Ledger, OpenPosition,
    Order, OrderId, OrderKind, OrderRequest, OrderSize, Price, Quantity, RawParameters, Side, TimeInForce, Timestamp,
};

/// The strategy's world: its slice of capital, its open orders, the bars so far.
pub struct Context {
    now: Timestamp,
    instrument: Arc<Instrument>,
    ledger: Ledger,
    open_orders: Vec<Order>,
    history: Arc<Bars>,
    delivered: usize,
    timers: BTreeSet<Timestamp>,
    last_command: CommandId,
    pub(crate) commands: Vec<(CommandId, Command)>,
    pub(crate) events: Vec<Event>,
}

impl Context {
    /// A world in which nothing has happened yet.
    ///
    /// `history` holds the bars to come (a backtest) or those that are known already (live,
    /// which adds to it); of its rows only the first `delivered` can be seen.
    #[must_use]
    pub fn new(instrument: Arc<Instrument>, account: &Account, history: Arc<Bars>, delivered: usize) -> Self {
        let ledger = Ledger::of(account, instrument.base_asset, instrument.quote_asset);
        Self {
            now: Timestamp::MIN,
            instrument,
            ledger,
            open_orders: Vec::new(),
            history,
            delivered,
            timers: BTreeSet::new(),
            last_command: 0,
            commands: Vec::new(),
            events: Vec::new(),
        }
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
        &self.instrument
    }

    /// Base asset of this strategy's slice.
    #[must_use]
    pub fn base(&self) -> Balance {
        self.ledger.base
    }

    /// Quote asset of this strategy's slice.
    #[must_use]
    pub fn quote(&self) -> Balance {
        self.ledger.quote
    }

    /// Everything in quote asset at a price.
    #[must_use]
    #[inline]
    pub fn equity(&self, price: Price) -> Amount {
        self.ledger.equity(price)
    }

    /// Orders of this strategy that are not done, oldest first.
    #[must_use]
    pub fn open_orders(&self) -> &[Order] {
        &self.open_orders
    }

    /// How many bars were delivered.
    #[must_use]
    #[inline]
    pub fn bar_count(&self) -> usize {
        self.delivered
    }

    /// The bar `back` bars ago (0: the one that closed last); `None` before the first bar.
    #[must_use]
    pub fn bar(&self, back: usize) -> Option<candlewick_model::Bar> {
        let row = self.delivered.checked_sub(back + 1)?;
        (row < self.history.len()).then(|| self.history.bar(row))
    }

    /// The close `back` bars ago (0: the bar that closed last); `None` before the first bar.
    #[must_use]
    #[inline]
    pub fn close(&self, back: usize) -> Option<Price> {
        let row = self.delivered.checked_sub(back + 1)?;
        self.history.close.get(row).copied()
    }

    /// Volume-weighted average price of the delivered bars that closed within the last
    /// `minutes`, truncated to 8 decimals; the last close where there is none or no volume.
    /// Zero before the first bar.
    #[must_use]
    pub fn average_price(&self, minutes: u32) -> Price {
        let last = self.close(0).unwrap_or(Price::ZERO);
        self.history.average_price(self.delivered, self.now, minutes).unwrap_or(last)
    }

    /// What the filters look at besides the order itself.
    #[must_use]
    pub fn position(&self) -> OpenPosition {
        let buys = self.open_orders.iter().filter(|o| o.side == Side::Buy);
        OpenPosition {
            open_orders: self.open_orders.len(),
            base_total: self.ledger.base.total(),
            open_buy_quantity: Amount::from_units(buys.map(|o| i128::from(o.remaining().units())).sum()),
        }
    }

    /// The price and quantity of a limit order that will pass the filters, or why none does.
    pub fn fit_limit(&self, side: Side, price: Price, quantity: Quantity) -> Result<(Price, Quantity), Unfit> {
        let mut average = |minutes| self.average_price(minutes);
        fit::limit(&self.instrument, side, price, quantity, self.position(), &mut average)
    }

    /// The quantity of a market order that will pass the filters, or why none does.
    pub fn fit_market(&self, side: Side, quantity: Quantity) -> Result<Quantity, Unfit> {
        let mut average = |minutes| self.average_price(minutes);
        fit::market(&self.instrument, side, quantity, self.position(), &mut average)
    }

    /// Sends an order of a kind and size.
    pub fn submit(&mut self, side: Side, kind: OrderKind, size: OrderSize) -> CommandId {
        let symbol = self.instrument.symbol;
        let client_order_id = Some(self.next_client_order_id());
        let request = OrderRequest { symbol, side, kind, size, client_order_id, self_trade_prevention: None };
        self.send(Command::Submit(request))
    }

    /// Sends a market order.
    pub fn submit_market(&mut self, side: Side, size: OrderSize) -> CommandId {
        self.submit(side, OrderKind::Market, size)
    }

    /// Sends a limit order that stays until it is cancelled.
    pub fn submit_limit(&mut self, side: Side, price: Price, quantity: Quantity) -> CommandId {
        let kind = OrderKind::Limit { price, time_in_force: TimeInForce::Gtc };
        self.submit(side, kind, OrderSize::Base(quantity))
    }

    /// Sends an order as raw parameters, valid or not. A client order id is added where there
    /// is none, so that the order can be found again whatever becomes of the answer.
    pub fn submit_raw(&mut self, mut parameters: RawParameters) -> CommandId {
        if parameters.get("newClientOrderId").is_none() {
            parameters.push("newClientOrderId", self.next_client_order_id().as_str());
        }
        self.send(Command::SubmitRaw(Box::new(parameters)))
    }

    /// Cancels an order by the venue's number.
    pub fn cancel(&mut self, order_id: OrderId) -> CommandId {
        self.send(Command::Cancel(CancelRequest {
            symbol: self.instrument.symbol,
            order_id: Some(order_id),
            original_client_order_id: None,
            client_order_id: None,
            restrictions: None,
        }))
    }

    /// Cancels as raw parameters, valid or not.
    pub fn cancel_raw(&mut self, parameters: RawParameters) -> CommandId {
        self.send(Command::CancelRaw(Box::new(parameters)))
    }

    /// Asks for [`crate::Strategy::on_timer`] at an instant; one that has passed comes at once.
    pub fn set_timer(&mut self, at: Timestamp) {
        self.timers.insert(at);
    }

    /// `cw1`, `cw2`, …: the number of the command that is about to be sent.
    fn next_client_order_id(&self) -> ClientOrderId {
        ClientOrderId::new(&format!("cw{}", self.last_command + 1)).expect("a short name")
    }

    fn send(&mut self, command: Command) -> CommandId {
        self.last_command += 1;
        self.events.push(Event::Sent {
            time: self.now,
            command: self.last_command,
            action: command.action(),
            parameters: command.clone(),
        });
        self.commands.push((self.last_command, command));
        self.last_command
    }

    /// Time moves on; it never goes back.
    #[inline]
    pub(crate) fn set_now(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    pub(crate) fn set_instrument(&mut self, instrument: Arc<Instrument>) {
        self.instrument = instrument;
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
    pub(crate) fn reveal_bar(&mut self) -> candlewick_model::Bar {
        self.delivered += 1;
        self.history.bar(self.delivered - 1)
    }

    /// Adds a bar that was not in the history, to be revealed next.
    pub(crate) fn append_bar(&mut self, bar: candlewick_model::Bar) {
        assert_eq!(self.delivered, self.history.len(), "bars are appended behind the last delivered one");
        Arc::make_mut(&mut self.history).push(bar);
    }

    pub(crate) fn history(&self) -> Arc<Bars> {
        Arc::clone(&self.history)
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Takes a report into the ledger and the open orders.
    pub(crate) fn apply(&mut self, report: &ExecutionReport) {
        let known = self.open_orders.iter().position(|o| o.order_id == report.order_id);
        let mut order = known.map_or_else(|| Order::from(report), |at| self.open_orders[at]);
        let before = if known.is_some() { locked_by(&order) } else { Amount::ZERO };
        order.apply(report);
        self.ledger.book(report, before, locked_by(&order));
        match known {
            Some(at) if order.status.is_final() => drop(self.open_orders.remove(at)),
            Some(at) => self.open_orders[at] = order,
            None if order.status.is_final() => {}
            None => self.open_orders.push(order),
        }
    }
}
