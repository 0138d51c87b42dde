//! Reports: every change of an order is booked and told here, and nowhere else.

use candlewick_model::commission::Traded;
use candlewick_model::ledger::{Before, Holding, locked_by};
use candlewick_model::{
    Amount, Asset, Balance, ClientOrderId, Discount, ExecutionReport, ExecutionType, ExpiryReason, Fill, Liquidity,
    Order, OrderStatus, Prevented, Price, Quantity, Refusal, RejectReason, Side,
};

use super::lists::Due;
use super::{Book, Working};
use crate::desk::{Desk, VenueEvent};
use crate::trace::Discounted;

/// How an order ends unfilled.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    status: OrderStatus,
    execution_type: ExecutionType,
    reason: Option<ExpiryReason>,
    rejected: Option<RejectReason>,
    /// The name of the cancel.
    name: Option<ClientOrderId>,
}

impl End {
    /// By its sender.
    pub(super) const fn canceled(name: Option<ClientOrderId>) -> Self {
        let (status, execution_type) = (OrderStatus::Canceled, ExecutionType::Canceled);
        Self { status, execution_type, reason: None, rejected: None, name }
    }

    /// By the rules.
    pub(super) const fn expired(reason: ExpiryReason) -> Self {
        let (status, execution_type) = (OrderStatus::Expired, ExecutionType::Expired);
        Self { status, execution_type, reason: Some(reason), rejected: None, name: None }
    }

    /// By a check when it was to go onto the book.
    pub(super) fn rejected(refusal: &Refusal) -> Self {
        Self { rejected: RejectReason::of(refusal), ..Self::expired(ExpiryReason::Rejected) }
    }
}

/// What a report tells beside the order.
enum Told {
    /// Nothing.
    Plain(ExecutionType),
    Fill(Fill),
    Prevented(Prevented),
    /// The order's name until now.
    Renamed(ClientOrderId),
    End(End),
}

impl Told {
    const fn execution_type(&self) -> ExecutionType {
        match self {
            Self::Plain(execution_type) => *execution_type,
            Self::Renamed(_) => ExecutionType::Replaced,
            Self::End(end) => end.execution_type,
            Self::Fill(_) => ExecutionType::Trade,
            Self::Prevented(_) => ExecutionType::TradePrevention,
        }
    }
}

impl Book {
    /// Books and tells a change that has been made to an order: `before` is the order before it,
    /// `None` for a new one.
    fn report(&mut self, desk: &mut Desk, before: Option<Before>, order: &Order, told: Told) {
        let (id, list) = (order.order_id, order.order_list_id);
        let execution_id = desk.next_execution();
        let Desk { events, ledger, open, trace, now, .. } = desk;
        // It is large: `extend` makes room first, so that it is made where it stays.
        let report = || VenueEvent::Report(ExecutionReport::of(order, execution_id, told.execution_type()));
        events.extend(std::iter::once_with(report));
        let Some(VenueEvent::Report(report)) = events.last_mut() else { unreachable!("it has just been told") };
        match told {
            Told::Plain(_) => {}
            Told::Fill(fill) => report.fill = Some(fill),
            Told::Prevented(prevented) => report.prevented = Some(prevented),
            Told::Renamed(name) => report.cancel_client_order_id = Some(name),
            Told::End(end) => (report.cancel_client_order_id, report.reject_reason) = (end.name, end.rejected),
        }
        let report = &*report;
        let others = self.open_of_list(list).map(|w| &w.order).filter(|o| o.order_id != id);
        ledger.book(self.pair, before, report, others);
        let (is_new, is_done) = (before.is_none(), order.status.is_final());
        if is_new != is_done {
            let counts = Working::counts(order);
            for sum in [&mut self.counts, open] {
                if is_new { *sum += counts } else { *sum -= counts }
            }
        }
        trace.meet(report, is_new);
        trace.note(*now, order, || self.report_fact(ledger, report));
    }

    /// Tells of an order that has just been accepted.
    pub(super) fn tell_new(&mut self, desk: &mut Desk, order: &Order) {
        self.report(desk, None, order, Told::Plain(ExecutionType::New));
    }

    /// Tells of an order that goes onto the book, or whose quantity is now known.
    pub(super) fn tell_working(&mut self, desk: &mut Desk, old: &Order, order: &mut Order) {
        order.updated = desk.now;
        self.report(desk, Some(Before::of(old)), order, Told::Plain(ExecutionType::New));
    }

    /// Tells of a smaller quantity and perhaps another name.
    pub(super) fn tell_replaced(&mut self, desk: &mut Desk, old: &Order, order: &mut Order) {
        order.updated = desk.now;
        self.report(desk, Some(Before::of(old)), order, Told::Renamed(old.client_order_id));
    }

    /// Ends an order that is no longer in `open`: releases what it held, and reports it.
    pub(super) fn end(&mut self, desk: &mut Desk, order: &mut Order, end: End) {
        let of_list = order.order_list_id.map(|_| *order);
        self.end_quietly(desk, order, end);
        if let Some(old) = of_list {
            self.due.push(Due::Ended { order: old, canceled: end.status == OrderStatus::Canceled, name: end.name });
        }
    }

    /// As [`Self::end`], where the list knows already.
    pub(super) fn end_quietly(&mut self, desk: &mut Desk, order: &mut Order, end: End) {
        self.end_from(desk, Before::of(order), order, end);
    }

    /// Ends an order as it is now, or as it would have been.
    pub(super) fn end_from(&mut self, desk: &mut Desk, before: Before, order: &mut Order, end: End) {
        order.status = end.status;
        order.updated = desk.now;
        order.expiry_reason = end.reason;
        self.report(desk, Some(before), order, Told::End(end));
    }

    /// Takes a quantity from an order because of a prevented match; an order of which nothing
    /// is left ends.
    pub(super) fn prevent(&mut self, desk: &mut Desk, order: &mut Order, prevented: Prevented) {
        let old = *order;
        order.prevented_quantity =
            order.prevented_quantity.checked_add(prevented.quantity).expect("never beyond the quantity");
        order.updated = desk.now;
        if order.remaining().is_zero() {
            order.status = OrderStatus::ExpiredInMatch;
        }
        self.report(desk, Some(Before::of(&old)), order, Told::Prevented(prevented));
        if order.status.is_final() && order.order_list_id.is_some() {
            self.due.push(Due::Ended { order: old, canceled: false, name: None });
        }
    }

    /// Books a fill of an order in the trade that has begun, and reports it. The bar's budget is
    /// the caller's matter.
    pub(super) fn fill(
        &mut self,
        desk: &mut Desk,
        order: &mut Order,
        (trade_id, price, quantity, liquidity): (u64, Price, Quantity, Liquidity),
    ) {
        let (before, is_first) = (Before::of(order), order.filled_quantity.is_zero());
        let quote_quantity = price.notional_floor(quantity).truncate_to(self.instrument.quote_precision);
        let traded = Traded { side: order.side, liquidity, quantity, quote_quantity };
        let (commission, commission_asset) = self.commission(desk, order, traded);
        order.filled_quantity = order.filled_quantity.checked_add(quantity).expect("never beyond the quantity");
        order.filled_quote = order.filled_quote.checked_add(quote_quantity).expect("fits 128 bits");
        // What took the last of it decides (rule 8.17).
        order.status = if order.remaining().is_zero() { OrderStatus::Filled } else { OrderStatus::PartiallyFilled };
        order.updated = desk.now;
        let fill = Fill { trade_id, price, quantity, quote_quantity, commission, commission_asset, liquidity };
        self.report(desk, Some(before), order, Told::Fill(fill));
        if is_first {
            desk.unfilled.first_fill(desk.now, liquidity);
        }
        if order.order_list_id.is_some() {
            self.due.push(Due::Filled { order: *order });
        }
        let counter = match liquidity {
            Liquidity::Maker => &mut self.assumptions.maker_fills,
            Liquidity::Taker => &mut self.assumptions.taker_fills,
        };
        *counter += 1;
    }

    /// Commission of a fill and its asset (rule 5.8).
    fn commission(&mut self, desk: &mut Desk, order: &Order, fill: Traded) -> (Amount, Asset) {
        let discounted = self.model.fees.discount.map(|discount| {
            let rates = self.model.fees;
            let price = self.discount_price(desk, discount.asset);
            let needed = price.and_then(|price| rates.of_discounted(discount, fill, price));
            let (Discount { asset, rate }, free) = (discount, self.spare(desk, order, fill, discount.asset));
            Discounted { asset, rate, price, needed, free, is_taken: needed.is_some_and(|needed| needed <= free) }
        });
        let in_discounted = discounted.and_then(|d| Some((d.needed.filter(|_| d.is_taken)?, d.asset)));
        let charged = in_discounted.unwrap_or_else(|| {
            let instrument = &self.instrument;
            let precisions = (instrument.base_commission_precision, instrument.quote_commission_precision);
            let asset = match fill.side {
                Side::Buy => instrument.base_asset,
                Side::Sell => instrument.quote_asset,
            };
            (self.model.fees.of_received(fill, precisions), asset)
        });
        desk.note(order, || self.commission_fact(fill, charged, discounted));
        charged
    }

    /// What is free of an asset for the commission of a fill: what the fill itself takes from it
    /// beyond what its order has locked is not (rule 8.36).
    fn spare(&self, desk: &Desk, order: &Order, fill: Traded, asset: Asset) -> Amount {
        let free = desk.ledger.of_asset(asset).free;
        let (gives, given) = match fill.side {
            Side::Buy => (self.instrument.quote_asset, fill.quote_quantity),
            Side::Sell => (self.instrument.base_asset, fill.quantity.into()),
        };
        if asset != gives {
            return free;
        }
        let filled = order.filled_quantity.checked_add(fill.quantity).expect("never beyond the quantity");
        let after = locked_by(&Order { filled_quantity: filled, ..*order });
        let beyond = given.units() + after.units() - locked_by(order).units();
        Amount::from_units(free.units() - beyond.max(0))
    }

    /// What this market's assets, and the discount's, are worth in its quote asset.
    pub(crate) fn worth(&mut self, desk: &Desk) -> Amount {
        let (base, quote) = (desk.ledger.balance(self.pair.base), desk.ledger.balance(self.pair.quote));
        let value = |balance: Balance, price| Holding::new(balance.total()).value(price).units();
        let mut worth = quote.total().units() + value(base, self.last);
        let own = [self.instrument.base_asset, self.instrument.quote_asset];
        if let Some(asset) = self.model.fees.discount.map(|d| d.asset).filter(|asset| !own.contains(asset))
            && let Some(price) = self.discount_price(desk, asset)
        {
            worth += value(desk.ledger.of_asset(asset), price);
        }
        Amount::from_units(worth)
    }

    /// The price of the discount's asset in this market's quote asset.
    fn discount_price(&mut self, desk: &Desk, asset: Asset) -> Option<Price> {
        if asset == self.instrument.quote_asset {
            return Some(Price::from_units(candlewick_model::number::ONE));
        }
        if asset == self.instrument.base_asset {
            return Some(self.last);
        }
        self.discount.as_mut()?.at(desk.now)
    }
}
