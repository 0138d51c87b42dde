//! The words of reports and commands. What is packed here is unpacked right below, in the same
//! order.

use crate::command::{CancelRequest, OrderKind, OrderRequest, OrderSize, Trigger, TriggerKind};
use crate::execution::{ExecutionReport, Fill, Prevented};
use crate::number::{Amount, Price, Quantity};
use crate::order::{
    CancelRestrictions, ExecutionType, ExpiryReason, Liquidity, Order, OrderStatus, OrderType, Peg, PegPriceType,
    SelfTradePrevention, Side, TimeInForce,
};
use crate::run::CommandId;
use crate::text::{Asset, ClientOrderId, Symbol};
use crate::time::Timestamp;

use super::words::{Pack, Unpack, take};

const NAME: usize = 5;
const SYMBOL: usize = 4;
const ASSET: usize = 3;
/// A report is what all have, then the fill, then what few have; what it has not stays as it was
/// in the report before, and is neither compared nor written.
const CORE: usize = 24 + SYMBOL + NAME;
const FILL: usize = 8 + ASSET;
const RARE: usize = 6 + NAME;
const REPORT: usize = CORE + FILL + RARE;
const SUBMIT: usize = 11 + SYMBOL + NAME;
const CANCEL: usize = 4 + SYMBOL + 2 * NAME;

/// What the next event is compared with.
#[derive(Debug, Clone)]
pub(super) struct Last {
    pub(super) report: [u64; REPORT],
    pub(super) submit: [u64; SUBMIT],
    pub(super) cancel: [u64; CANCEL],
    execution: u64,
    command: CommandId,
}

impl Default for Last {
    fn default() -> Self {
        Self { report: [0; REPORT], submit: [0; SUBMIT], cancel: [0; CANCEL], execution: 0, command: 0 }
    }
}

/// By how much a number that goes up by one from event to event has gone up.
fn step(last: &mut u64, new: u64) -> u64 {
    let step = new.wrapping_sub(*last);
    *last = new;
    step
}

/// The number that has gone up by so much.
fn stepped(last: &mut u64, step: u64) -> u64 {
    *last = last.wrapping_add(step);
    *last
}

impl Last {
    /// Takes in a report; which words differ.
    #[inline]
    pub(super) fn pack_report(&mut self, report: &ExecutionReport) -> u64 {
        let mut core = [0; CORE];
        let mut p = Pack::new(&mut core);
        p.bits(3, report.execution_type as u64);
        p.signed(report.time.micros());
        p.word(step(&mut self.execution, report.execution_id));
        p.order(&report.order, report.time);
        let is_rare = report.prevented.is_some() || report.cancel_client_order_id.is_some();
        p.bits(1, report.fill.is_some().into());
        p.bits(1, is_rare.into());
        let (last, after) = self.report.split_first_chunk_mut::<CORE>().expect("it begins with the core");
        let mut differ = take(last, &core);
        let (last, after) = after.split_first_chunk_mut::<FILL>().expect("the fill comes next");
        if let Some(fill) = &report.fill {
            let mut words = [0; FILL];
            Pack::new(&mut words).fill(fill);
            differ |= take(last, &words) << CORE;
        }
        if is_rare {
            let mut words = [0; RARE];
            let mut p = Pack::new(&mut words);
            p.name(report.cancel_client_order_id);
            p.bits(1, report.prevented.is_some().into());
            if let Some(prevented) = &report.prevented {
                p.prevented(prevented);
            }
            let rare = after.first_chunk_mut().expect("the rest is rare");
            differ |= take(rare, &words) << (CORE + FILL);
        }
        differ
    }

    /// The report of the words that were read.
    pub(super) fn unpack_report(&mut self) -> ExecutionReport {
        let mut u = Unpack::new(&self.report[..CORE]);
        let execution_type = ExecutionType::ALL[u.bits(3)];
        let time = Timestamp::from_micros(u.signed());
        let execution_id = stepped(&mut self.execution, u.word());
        let order = u.order(time);
        let (has_fill, is_rare) = (u.flag(), u.flag());
        let fill = has_fill.then(|| Unpack::new(&self.report[CORE..CORE + FILL]).fill());
        let (mut prevented, mut cancel_client_order_id) = (None, None);
        if is_rare {
            let mut u = Unpack::new(&self.report[CORE + FILL..]);
            cancel_client_order_id = u.name();
            prevented = u.flag().then(|| u.prevented());
        }
        ExecutionReport { time, execution_id, execution_type, order, fill, prevented, cancel_client_order_id }
    }

    #[inline]
    pub(super) fn pack_submit(&mut self, time: Timestamp, id: CommandId, request: &OrderRequest) -> u64 {
        let mut words = [0; SUBMIT];
        let mut p = Pack::new(&mut words);
        p.signed(time.micros());
        p.word(step(&mut self.command, id));
        p.symbol(request.symbol);
        p.bits(1, request.side as u64);
        p.name(request.client_order_id);
        let (kind, price) = match request.kind {
            OrderKind::Market => (0, Price::ZERO),
            OrderKind::LimitMaker { price } => (1, price),
            OrderKind::Limit { price, .. } => (2, price),
        };
        p.bits(2, kind);
        p.bits(2, request.kind.time_in_force() as u64);
        p.signed(price.units());
        let (size, amount) = match request.size {
            OrderSize::Received => (0, Amount::ZERO),
            OrderSize::Base(quantity) => (1, Amount::from(quantity)),
            OrderSize::Quote(money) => (2, money),
        };
        p.bits(2, size);
        p.wide(amount.units());
        let trigger = request.trigger;
        p.bits(2, trigger.map_or(0, |t| 1 + t.kind as u64));
        p.option(trigger.and_then(|t| t.stop_price).map(|price| price.units().cast_unsigned()));
        p.halves(trigger.and_then(|t| t.trailing_delta), request.strategy_type);
        p.option(request.iceberg_quantity.map(|quantity| quantity.units().cast_unsigned()));
        p.peg(request.peg);
        p.bits(3, request.self_trade_prevention.map_or(0, |mode| 1 + mode as u64));
        p.option(request.strategy_id);
        take(&mut self.submit, &words)
    }

    pub(super) fn unpack_submit(&mut self) -> (Timestamp, CommandId, OrderRequest) {
        let mut u = Unpack::new(&self.submit);
        let time = Timestamp::from_micros(u.signed());
        let command = stepped(&mut self.command, u.word());
        let symbol = u.symbol();
        let side = Side::ALL[u.bits(1)];
        let client_order_id = u.name();
        let (kind, time_in_force) = (u.bits(2), TimeInForce::ALL[u.bits(2)]);
        let price = u.price();
        let kind = match kind {
            0 => OrderKind::Market,
            1 => OrderKind::LimitMaker { price },
            _ => OrderKind::Limit { price, time_in_force },
        };
        let size = u.bits(2);
        let amount = Amount::from_units(u.wide());
        let size = match size {
            0 => OrderSize::Received,
            1 => OrderSize::Base(Quantity::from_amount_saturating(amount)),
            _ => OrderSize::Quote(amount),
        };
        let trigger = [None, Some(TriggerKind::StopLoss), Some(TriggerKind::TakeProfit)][u.bits(2)];
        let stop_price = u.option().map(|units| Price::from_units(units.cast_signed()));
        let (trailing_delta, strategy_type) = u.halves();
        let iceberg_quantity = u.option().map(|units| Quantity::from_units(units.cast_signed()));
        let peg = u.peg();
        let mode = u.bits(3).checked_sub(1).map(|mode| SelfTradePrevention::ALL[mode]);
        let request = OrderRequest {
            symbol,
            side,
            kind,
            trigger: trigger.map(|kind| Trigger { kind, stop_price, trailing_delta }),
            size,
            iceberg_quantity,
            peg,
            client_order_id,
            self_trade_prevention: mode,
            strategy_id: u.option(),
            strategy_type,
        };
        (time, command, request)
    }

    #[inline]
    pub(super) fn pack_cancel(&mut self, time: Timestamp, id: CommandId, cancel: &CancelRequest) -> u64 {
        let mut words = [0; CANCEL];
        let mut p = Pack::new(&mut words);
        p.signed(time.micros());
        p.word(step(&mut self.command, id));
        p.symbol(cancel.symbol);
        p.option(cancel.order_id);
        p.name(cancel.original_client_order_id);
        p.name(cancel.client_order_id);
        p.bits(2, cancel.restrictions.map_or(0, |restrictions| 1 + restrictions as u64));
        take(&mut self.cancel, &words)
    }

    pub(super) fn unpack_cancel(&mut self) -> (Timestamp, CommandId, CancelRequest) {
        let mut u = Unpack::new(&self.cancel);
        let time = Timestamp::from_micros(u.signed());
        let command = stepped(&mut self.command, u.word());
        let cancel = CancelRequest {
            symbol: u.symbol(),
            order_id: u.option(),
            original_client_order_id: u.name(),
            client_order_id: u.name(),
            restrictions: u.bits(2).checked_sub(1).map(|at| CancelRestrictions::ALL[at]),
        };
        (time, command, cancel)
    }
}

impl Pack<'_> {
    #[inline]
    fn symbol(&mut self, symbol: Symbol) {
        self.bits(6, symbol.len().into());
        self.words(&symbol.words::<SYMBOL>());
    }
    #[inline]
    fn name(&mut self, name: Option<ClientOrderId>) {
        self.bits(6, name.map_or(0, |name| 1 + u64::from(name.len())));
        self.words(&name.unwrap_or_default().words::<NAME>());
    }
    /// Two numbers of 32 bits that may be absent.
    #[inline]
    fn halves(&mut self, one: Option<u32>, other: Option<u32>) {
        self.bits(1, one.is_some().into());
        self.bits(1, other.is_some().into());
        self.word(u64::from(one.unwrap_or(0)) << 32 | u64::from(other.unwrap_or(0)));
    }
    #[inline]
    fn peg(&mut self, peg: Option<Peg>) {
        let offset = |peg: Peg| peg.offset.map_or(0, |offset| 1 + u64::from(offset));
        self.word(peg.map_or(0, |peg| (1 + peg.price_type as u64) << 32 | offset(peg)));
    }
    #[inline]
    fn time(&mut self, since: Timestamp, time: Timestamp) {
        self.signed(since.micros().wrapping_sub(time.micros()));
    }

    /// Times as seen from the report's, which most of them are.
    #[inline]
    fn order(&mut self, order: &Order, now: Timestamp) {
        self.halves(order.trailing_delta, order.strategy_type);
        self.bits(1, order.side as u64);
        self.bits(3, order.order_type as u64);
        self.bits(2, order.time_in_force as u64);
        self.bits(3, order.status as u64);
        self.bits(3, order.self_trade_prevention as u64);
        self.bits(4, order.expiry_reason.map_or(0, |reason| 1 + reason as u64));
        self.word(order.order_id);
        self.name(Some(order.client_order_id));
        self.symbol(order.symbol);
        self.option(order.order_list_id);
        self.signed(order.price.units());
        self.signed(order.stop_price.units());
        self.option(order.trailing_time.map(|time| time.micros().cast_unsigned()));
        self.signed(order.iceberg_quantity.units());
        self.peg(order.peg);
        self.signed(order.pegged_price.units());
        self.signed(order.lock_price.units());
        self.option(order.strategy_id);
        self.signed(order.quantity.units());
        self.wide(order.quote_order_quantity.units());
        self.signed(order.filled_quantity.units());
        self.wide(order.filled_quote.units());
        self.signed(order.prevented_quantity.units());
        self.time(order.created, now);
        self.time(order.updated, now);
        self.since(order.working_time, now);
    }

    #[inline]
    fn since(&mut self, since: Option<Timestamp>, now: Timestamp) {
        self.bits(1, since.is_some().into());
        self.time(since.unwrap_or(now), now);
    }

    #[inline]
    fn fill(&mut self, fill: &Fill) {
        self.bits(1, fill.liquidity as u64);
        self.word(fill.trade_id);
        self.signed(fill.price.units());
        self.signed(fill.quantity.units());
        self.wide(fill.quote_quantity.units());
        self.wide(fill.commission.units());
        self.bits(5, fill.commission_asset.len().into());
        self.words(&fill.commission_asset.words::<ASSET>());
    }

    #[inline]
    fn prevented(&mut self, prevented: &Prevented) {
        self.bits(3, prevented.mode as u64);
        self.word(prevented.match_id);
        self.signed(prevented.quantity.units());
        self.word(prevented.counter_order_id);
        self.signed(prevented.price.units());
        self.signed(prevented.match_quantity.units());
    }
}

impl Unpack<'_> {
    fn symbol(&mut self) -> Symbol {
        let len = self.bits(6);
        Symbol::from_words(len, self.words(SYMBOL))
    }
    fn name(&mut self) -> Option<ClientOrderId> {
        let len = self.bits(6).checked_sub(1);
        let words = self.words(NAME);
        len.map(|len| ClientOrderId::from_words(len, words))
    }
    fn halves(&mut self) -> (Option<u32>, Option<u32>) {
        let (one, other) = (self.flag(), self.flag());
        let word = self.word();
        (one.then_some((word >> 32) as u32), other.then_some(word as u32))
    }
    fn peg(&mut self) -> Option<Peg> {
        let word = self.word();
        let kind = (word >> 32).checked_sub(1)?;
        let offset = (word as u32).checked_sub(1).map(|offset| offset as u8);
        Some(Peg { price_type: PegPriceType::ALL[kind as usize], offset })
    }
    fn price(&mut self) -> Price {
        Price::from_units(self.signed())
    }
    fn quantity(&mut self) -> Quantity {
        Quantity::from_units(self.signed())
    }
    fn amount(&mut self) -> Amount {
        Amount::from_units(self.wide())
    }
    fn time(&mut self, time: Timestamp) -> Timestamp {
        Timestamp::from_micros(time.micros().wrapping_add(self.signed()))
    }

    fn order(&mut self, now: Timestamp) -> Order {
        let (trailing_delta, strategy_type) = self.halves();
        Order {
            side: Side::ALL[self.bits(1)],
            order_type: OrderType::ALL[self.bits(3)],
            time_in_force: TimeInForce::ALL[self.bits(2)],
            status: OrderStatus::ALL[self.bits(3)],
            self_trade_prevention: SelfTradePrevention::ALL[self.bits(3)],
            expiry_reason: self.bits(4).checked_sub(1).map(|at| ExpiryReason::ALL[at]),
            order_id: self.word(),
            client_order_id: self.name().unwrap_or_default(),
            symbol: self.symbol(),
            order_list_id: self.option(),
            price: self.price(),
            stop_price: self.price(),
            trailing_delta,
            trailing_time: self.option().map(|micros| Timestamp::from_micros(micros.cast_signed())),
            iceberg_quantity: self.quantity(),
            peg: self.peg(),
            pegged_price: self.price(),
            lock_price: self.price(),
            strategy_id: self.option(),
            strategy_type,
            quantity: self.quantity(),
            quote_order_quantity: self.amount(),
            filled_quantity: self.quantity(),
            filled_quote: self.amount(),
            prevented_quantity: self.quantity(),
            created: self.time(now),
            updated: self.time(now),
            working_time: self.since(now),
        }
    }

    /// A time that may be absent.
    fn since(&mut self, now: Timestamp) -> Option<Timestamp> {
        let is_some = self.flag();
        Some(self.time(now)).filter(|_| is_some)
    }

    fn fill(&mut self) -> Fill {
        let liquidity = Liquidity::ALL[self.bits(1)];
        let (trade_id, price, quantity) = (self.word(), self.price(), self.quantity());
        let (quote_quantity, commission) = (self.amount(), self.amount());
        let len = self.bits(5);
        let commission_asset = Asset::from_words(len, self.words(ASSET));
        Fill { trade_id, price, quantity, quote_quantity, commission, commission_asset, liquidity }
    }

    fn prevented(&mut self) -> Prevented {
        Prevented {
            mode: SelfTradePrevention::ALL[self.bits(3)],
            match_id: self.word(),
            quantity: self.quantity(),
            counter_order_id: self.word(),
            price: self.price(),
            match_quantity: self.quantity(),
        }
    }
}
