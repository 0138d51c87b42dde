//! What a strategy may see and do.
//!
//! It answers only from what was delivered: bars that have closed, reports, the filters in
//! force. Nothing here asks a venue, so the answers are the same in backtest and live.

use std::collections::BTreeSet;
use std::sync::Arc;

use candlewick_model::fit::{self, Unfit};
use candlewick_model::ledger::Valuation;
use candlewick_model::run::{CommandId, Event};
use candlewick_model::{
    Account, Action, AmendRequest, Amount, Balance, Bars, CancelReplaceRequest, CancelRequest, ClientOrderId, Command,
    Counts, ExecutionReport, Instrument, Ledger, ListRequest, OpenPosition, Order, OrderId, OrderKind, OrderRequest,
    OrderSize, OrderStatus, Pair, Price, Quantity, RawParameters, Side, TimeInForce, Timestamp,
};

/// The strategy's world: its slice of capital, its open orders, the bars so far.
pub struct Context {
    now: Timestamp,
    instrument: Arc<Instrument>,
    ledger: Ledger,
    pair: Pair,
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
        let mut ledger = Ledger::of(account);
        let pair = ledger.pair(instrument.base_asset, instrument.quote_asset);
        Self {
            now: Timestamp::MIN,
            instrument,
            ledger,
            pair,
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
        self.ledger.balance(self.pair.base)
    }

    /// Quote asset of this strategy's slice.
    #[must_use]
    pub fn quote(&self) -> Balance {
        self.ledger.balance(self.pair.quote)
    }

    /// Everything in quote asset at a price.
    #[must_use]
    #[inline]
    pub fn equity(&self, price: Price) -> Amount {
        self.valuation().equity(price)
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
        let mut on_symbol = Counts::default();
        for order in &self.open_orders {
            on_symbol += Counts::of(order.order_type.is_contingent(), !order.iceberg_quantity.is_zero());
        }
        let buys = self.open_orders.iter().filter(|o| o.side == Side::Buy && o.status != OrderStatus::PendingNew);
        OpenPosition {
            on_symbol,
            on_exchange: on_symbol,
            base_total: self.base().total(),
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

    /// An order for this market, to be completed and given to [`Self::submit`].
    #[must_use]
    pub fn order(&self, side: Side, kind: OrderKind, size: OrderSize) -> OrderRequest {
        OrderRequest::new(self.instrument.symbol, side, kind, size)
    }

    /// Sends an order. A client order id is made up where there is none, so that the order can
    /// be found again whatever becomes of the answer.
    pub fn submit(&mut self, mut request: OrderRequest) -> CommandId {
        request.client_order_id.get_or_insert(self.next_client_order_id());
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
        list.client_order_id.get_or_insert(self.next_client_order_id());
        self.send(Command::SubmitList(Box::new(list)))
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

    /// Cancels everything that is open.
    pub fn cancel_all(&mut self) -> CommandId {
        self.send(Command::CancelAll(self.instrument.symbol))
    }

    /// Cancels an order and places a new one.
    pub fn cancel_replace(&mut self, mut request: CancelReplaceRequest) -> CommandId {
        request.order.client_order_id.get_or_insert(self.next_client_order_id());
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
    pub fn send_raw(&mut self, action: Action, mut parameters: RawParameters) -> CommandId {
        let is_order = matches!(action, Action::New | Action::CancelReplace);
        if is_order && parameters.get("newClientOrderId").is_none() {
            parameters.push("newClientOrderId", self.next_client_order_id().as_str());
        }
        self.send(Command::Raw(action, Box::new(parameters)))
    }

    /// Asks for [`crate::Strategy::on_timer`] at an instant; one that has passed comes at once.
    pub fn set_timer(&mut self, at: Timestamp) {
        self.timers.insert(at);
    }

    /// `cw1`, `cw2`, …: the number of the command that is about to be sent.
    fn next_client_order_id(&self) -> ClientOrderId {
        ClientOrderId::numbered("cw", self.last_command + 1)
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

    pub(crate) fn valuation(&self) -> Valuation {
        self.ledger.valuation(self.pair)
    }

    /// Takes a report into the ledger and the open orders.
    pub(crate) fn apply(&mut self, report: &ExecutionReport) {
        let order = report.order;
        let known = self.open_orders.iter().position(|o| o.order_id == order.order_id);
        let list = order.order_list_id;
        let others = self.open_orders.iter().filter(|o| o.order_list_id == list && o.order_id != order.order_id);
        self.ledger.book(self.pair, known.map(|at| &self.open_orders[at]), report, others);
        match known {
            Some(at) if order.status.is_final() => drop(self.open_orders.remove(at)),
            Some(at) => self.open_orders[at] = order,
            None if order.status.is_final() => {}
            None => self.open_orders.push(order),
        }
    }
}
