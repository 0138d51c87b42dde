//! The venue: an account, its open orders, and where the market stands. Commands are judged
//! here (rule 5.1); `matching` makes the fills.
//!
//! It is given every instant and every price; it asks for nothing.

use std::sync::Arc;

use candlewick_model::ledger::locked_by;
use candlewick_model::run::{Action, Assumptions, Command, CommandId, FillModel};
use candlewick_model::{
    Amount, Bars, CancelRequest, CancelRestrictions, ClientOrderId, ExecutionReport, ExecutionType, ExpiryReason, Fill,
    Instrument, Ledger, Liquidity, OpenPosition, Order, OrderId, OrderKind, OrderRequest, OrderSize, OrderStatus,
    Price, Quantity, Refusal, Side, Timestamp, TradeId, request,
};

use crate::timeline::Timeline;

/// What the venue says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "reports are the rule, refusals the exception")]
pub enum VenueEvent {
    /// An order changed.
    Report(ExecutionReport),
    /// A command was refused: no order, no id, no report.
    Refused {
        /// When it was taken up.
        time: Timestamp,
        /// Which.
        command: CommandId,
        /// What it was about.
        action: Action,
        /// Code and text.
        refusal: Refusal,
    },
}

/// An open order with what the matcher needs to know of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Working {
    pub(crate) order: Order,
    /// A marketable rest that still takes (rule 4.2); once it has rested it never takes again.
    pub(crate) remainder: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Venue {
    pub(crate) timeline: Timeline,
    /// The instrument in force at `now`.
    pub(crate) instrument: Arc<Instrument>,
    /// When another one comes into force.
    instrument_changes: Timestamp,
    pub(crate) model: FillModel,
    pub(crate) ledger: Ledger,
    /// By order id.
    pub(crate) open: Vec<Working>,
    pub(crate) now: Timestamp,
    /// The price of the last trade.
    pub(crate) last: Price,
    /// Whether anything was traded in the running bar.
    pub(crate) has_volume: bool,
    /// When the running bar opened and will close.
    pub(crate) running: (Timestamp, Timestamp),
    /// What own fills may still take in the running bar.
    pub(crate) budget: Quantity,
    pub(crate) assumptions: Assumptions,
    pub(crate) events: Vec<VenueEvent>,
    /// The finest bars, for average prices.
    average_bars: Arc<Bars>,
    /// How many of them had closed when an average was last asked for.
    average_closed: usize,
    last_order: OrderId,
    last_trade: TradeId,
}

impl Venue {
    pub(crate) fn new(
        timeline: Timeline,
        model: FillModel,
        ledger: Ledger,
        average_bars: Arc<Bars>,
        start: Timestamp,
        first_price: Price,
    ) -> Self {
        Self {
            instrument: Arc::clone(timeline.at(start).0),
            instrument_changes: timeline.next_change(start),
            timeline,
            model,
            ledger,
            open: Vec::new(),
            now: start,
            last: first_price,
            has_volume: false,
            running: (start, start),
            budget: Quantity::ZERO,
            assumptions: Assumptions::default(),
            events: Vec::new(),
            average_bars,
            average_closed: 0,
            last_order: 0,
            last_trade: 0,
        }
    }

    /// Time goes on: filters and precisions are those of the latest snapshot (rule 5.2).
    pub(crate) fn go_to(&mut self, now: Timestamp) {
        self.now = now;
        if now >= self.instrument_changes {
            self.instrument = Arc::clone(self.timeline.at(now).0);
            self.instrument_changes = self.timeline.next_change(now);
            self.budget = self.budget.floor_to(self.instrument.filters.step());
        }
    }

    /// Takes up a command where the market stands.
    pub(crate) fn execute(&mut self, id: CommandId, command: &Command) {
        self.assumptions.filters_assumed += u64::from(self.now < self.timeline.first_time());
        let answer = match command {
            Command::Submit(order) => self.submit(order),
            Command::SubmitRaw(raw) => request::new_order(raw).and_then(|order| self.submit(&order)),
            Command::Cancel(cancel) => self.cancel(cancel),
            Command::CancelRaw(raw) => request::cancel(raw).and_then(|cancel| self.cancel(&cancel)),
        };
        if let Err(refusal) = answer {
            let (time, action) = (self.now, command.action());
            self.events.push(VenueEvent::Refused { time, command: id, action, refusal });
        }
    }

    fn submit(&mut self, request: &OrderRequest) -> Result<(), Refusal> {
        self.check_symbol(request.symbol)?;
        self.instrument.admit(request)?;
        let quantity = match request.size {
            OrderSize::Base(quantity) => quantity,
            OrderSize::Quote(money) => Quantity::bought_floor(money, self.taker_price(request.side, None))
                .unwrap_or(Quantity::MAX)
                .floor_to(self.instrument.filters.step()),
        };
        self.check_filters(request, quantity)?;
        if request.kind.price().is_some_and(Price::is_zero) {
            return Err(Refusal::new(-2010, "Price * QTY is zero or less."));
        }
        if request.client_order_id.is_some_and(|id| self.open.iter().any(|w| w.order.client_order_id == id)) {
            return Err(Refusal::new(-2010, "Duplicate order sent."));
        }
        self.check_balance(request, quantity)?;
        if let OrderKind::LimitMaker { price } = request.kind
            && self.would_take(request.side, price)
        {
            return Err(Refusal::new(-2010, "Order would immediately match and take."));
        }
        if matches!(request.size, OrderSize::Quote(_)) {
            self.check_liquidity()?;
        }
        self.accept(request, quantity);
        Ok(())
    }

    fn check_symbol(&self, symbol: candlewick_model::Symbol) -> Result<(), Refusal> {
        if symbol == self.instrument.symbol { Ok(()) } else { Err(Refusal::new(-1121, "Invalid symbol.")) }
    }

    fn check_filters(&mut self, request: &OrderRequest, quantity: Quantity) -> Result<(), Refusal> {
        let buys = self.open.iter().filter(|w| w.order.side == Side::Buy);
        let position = OpenPosition {
            open_orders: self.open.len(),
            base_total: self.ledger.base.total(),
            open_buy_quantity: Amount::from_units(buys.map(|w| i128::from(w.order.remaining().units())).sum()),
        };
        let (bars, now, last, replaced) =
            (&self.average_bars, self.now, self.last, &mut self.assumptions.average_replaced);
        // The running bar is no closed one, even where bars overlap and time has passed its end.
        let closed = |row: usize| match (bars.open_time.get(row), bars.close_time.get(row)) {
            (Some(open), Some(close)) => *close <= now && (*open, *close) != self.running,
            _ => false,
        };
        let closed = gallop(self.average_closed, closed);
        self.average_closed = closed;
        let mut reference = |minutes: u32| {
            bars.average_price(closed, now, minutes).unwrap_or_else(|| {
                *replaced += u64::from(minutes > 0);
                last
            })
        };
        self.instrument.filters.check(request, quantity, position, &mut reference)
    }

    /// Whether the account can pay for it (rules 5.6 and 5.7).
    fn check_balance(&self, request: &OrderRequest, quantity: Quantity) -> Result<(), Refusal> {
        let (needed, free) = match (request.side, request.size) {
            (Side::Sell, _) => (quantity.into(), self.ledger.base.free),
            (Side::Buy, OrderSize::Quote(money)) => (money, self.ledger.quote.free),
            (Side::Buy, OrderSize::Base(_)) => {
                let cost = match request.kind.price() {
                    Some(limit) => limit.notional_floor(quantity),
                    None => {
                        let price = self.taker_price(Side::Buy, None);
                        price.notional_floor(quantity).truncate_to(self.instrument.quote_precision)
                    }
                };
                (cost, self.ledger.quote.free)
            }
        };
        if needed > free {
            return Err(Refusal::new(-2010, "Account has insufficient balance for requested action."));
        }
        Ok(())
    }

    /// What a market order sized in quote asset needs on the book (rule 4.4).
    fn check_liquidity(&self) -> Result<(), Refusal> {
        let filters = &self.instrument.filters;
        let under = |lot: Option<candlewick_model::filter::LotSize>| lot.is_some_and(|f| self.budget < f.min_qty);
        let text = if self.budget.is_zero() {
            "Order book liquidity is less than symbol minimum quantity."
        } else if under(filters.lot_size) {
            "Order book liquidity is less than LOT_SIZE filter minimum quantity."
        } else if under(filters.market_lot_size) {
            "Order book liquidity is less than MARKET_LOT_SIZE filter minimum quantity."
        } else {
            return Ok(());
        };
        Err(Refusal::new(-2010, text))
    }

    /// Makes the order, reports it, and lets it take what it can.
    fn accept(&mut self, request: &OrderRequest, quantity: Quantity) {
        self.last_order += 1;
        let order_id = self.last_order;
        let quote_order_quantity = match request.size {
            OrderSize::Quote(money) => money,
            OrderSize::Base(_) => Amount::ZERO,
        };
        let order = Order {
            order_id,
            client_order_id: request.client_order_id.unwrap_or_else(|| made_up_name(order_id)),
            symbol: request.symbol,
            side: request.side,
            order_type: request.kind.order_type(),
            time_in_force: request.kind.time_in_force(),
            price: request.kind.price().unwrap_or(Price::ZERO),
            quantity,
            quote_order_quantity,
            filled_quantity: Quantity::ZERO,
            filled_quote: Amount::ZERO,
            status: OrderStatus::New,
            created: self.now,
            updated: self.now,
            expiry_reason: None,
            self_trade_prevention: request
                .self_trade_prevention
                .unwrap_or(self.instrument.default_self_trade_prevention),
        };
        let report = ExecutionReport::of(&order, ExecutionType::New, None);
        let lock = locked_by(&order);
        self.ledger.book(&report, Amount::ZERO, lock);
        self.events.push(VenueEvent::Report(report));
        self.match_arriving(Working { order, remainder: false });
    }

    fn cancel(&mut self, cancel: &CancelRequest) -> Result<(), Refusal> {
        self.check_symbol(cancel.symbol)?;
        let named = |order: &Order| {
            cancel.order_id.is_none_or(|id| id == order.order_id)
                && cancel.original_client_order_id.is_none_or(|id| id == order.client_order_id)
        };
        let at = self.open.iter().position(|w| named(&w.order));
        let at = at.ok_or(Refusal::new(-2011, "Unknown order sent."))?;
        let status = self.open[at].order.status;
        let allowed = match cancel.restrictions {
            None => true,
            Some(CancelRestrictions::OnlyNew) => status == OrderStatus::New,
            Some(CancelRestrictions::OnlyPartiallyFilled) => status == OrderStatus::PartiallyFilled,
        };
        if !allowed {
            return Err(Refusal::new(-2011, "Order was not canceled due to cancel restrictions."));
        }
        let mut working = self.open.remove(at);
        self.end(&mut working, OrderStatus::Canceled, ExecutionType::Canceled, None, cancel.client_order_id);
        Ok(())
    }

    /// Ends an order that is no longer in `open`, releases what it held, and reports it.
    pub(crate) fn end(
        &mut self,
        working: &mut Working,
        status: OrderStatus,
        execution_type: ExecutionType,
        reason: Option<ExpiryReason>,
        cancel_client_order_id: Option<ClientOrderId>,
    ) {
        let order = &mut working.order;
        let before = locked_by(order);
        order.status = status;
        order.updated = self.now;
        order.expiry_reason = reason;
        let mut report = ExecutionReport::of(order, execution_type, None);
        report.cancel_client_order_id = cancel_client_order_id;
        self.ledger.book(&report, before, Amount::ZERO);
        self.events.push(VenueEvent::Report(report));
    }

    /// Books a fill of an order in the trade that has begun, and reports it. The bar's budget is
    /// the caller's matter.
    pub(crate) fn fill(&mut self, order: &mut Order, price: Price, quantity: Quantity, liquidity: Liquidity) {
        let before = locked_by(order);
        let quote_quantity = price.notional_floor(quantity).truncate_to(self.instrument.quote_precision);
        let (commission, commission_asset) = crate::commission::of_fill(
            &self.instrument,
            self.model.fees,
            order.side,
            liquidity,
            quantity,
            quote_quantity,
        );
        order.filled_quantity = order.filled_quantity.checked_add(quantity).expect("never beyond the quantity");
        order.filled_quote = order.filled_quote.checked_add(quote_quantity).expect("fits 128 bits");
        order.status = if order.remaining().is_zero() { OrderStatus::Filled } else { OrderStatus::PartiallyFilled };
        order.updated = self.now;
        let trade_id = self.last_trade;
        let fill = Fill { trade_id, price, quantity, quote_quantity, commission, commission_asset, liquidity };
        let report = ExecutionReport::of(order, ExecutionType::Trade, Some(fill));
        self.ledger.book(&report, before, locked_by(order));
        self.events.push(VenueEvent::Report(report));
        let counter = match liquidity {
            Liquidity::Maker => &mut self.assumptions.maker_fills,
            Liquidity::Taker => &mut self.assumptions.taker_fills,
        };
        *counter += 1;
    }

    /// Another trade begins: both sides of a trade with oneself bear its number.
    pub(crate) fn next_trade(&mut self) {
        self.last_trade += 1;
    }
}

/// The name of an order whose sender gave none.
fn made_up_name(order_id: OrderId) -> ClientOrderId {
    ClientOrderId::new(&format!("auto-{order_id}")).expect("a short name")
}

/// The first row at or after `from` that is not `closed`; all before it are. Strides grow and
/// shrink, because since the last question one bar may have closed or a thousand.
fn gallop(from: usize, closed: impl Fn(usize) -> bool) -> usize {
    let (mut row, mut stride) = (from, 1);
    while closed(row + stride - 1) {
        row += stride;
        stride *= 2;
    }
    while stride > 1 {
        stride /= 2;
        if closed(row + stride - 1) {
            row += stride;
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn galloping_arrives_where_walking_does() {
        for end in 0..200 {
            for from in 0..=end {
                assert_eq!(gallop(from, |row| row < end), end);
            }
        }
    }
}
