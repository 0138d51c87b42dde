//! How one event is written as what is different from the one before.

use crate::command::{CancelRequest, OrderKind, OrderRequest, OrderSize, Trigger, TriggerKind};
use crate::execution::{ExecutionReport, Fill, Prevented};
use crate::number::{Amount, Price, Quantity};
use crate::order::{
    CancelRestrictions, ExecutionType, ExpiryReason, Liquidity, Order, OrderStatus, OrderType, Peg, PegPriceType,
    SelfTradePrevention, Side, TimeInForce,
};
use crate::run::CommandId;
use crate::text::{Asset, Symbol, Text};
use crate::time::Timestamp;

/// What the next event is compared with.
#[derive(Debug, Clone)]
pub(super) struct Last {
    pub(super) time: Timestamp,
    pub(super) command: CommandId,
    pub(super) report: ExecutionReport,
    fill: Fill,
    pub(super) request: OrderRequest,
    pub(super) cancel: CancelRequest,
}

impl Default for Last {
    fn default() -> Self {
        let time = Timestamp::default();
        let name = Text::EMPTY;
        let kinds = (OrderType::Limit, TimeInForce::Gtc);
        let order = Order::told((0, name), (Symbol::EMPTY, Side::Buy), kinds, (Price::ZERO, Price::ZERO), time);
        Self {
            time,
            command: 0,
            report: ExecutionReport::of(&order, 0, ExecutionType::New),
            fill: Fill {
                trade_id: 0,
                price: Price::ZERO,
                quantity: Quantity::ZERO,
                quote_quantity: Amount::ZERO,
                commission: Amount::ZERO,
                commission_asset: Asset::EMPTY,
                liquidity: Liquidity::Taker,
            },
            request: OrderRequest::new(Symbol::EMPTY, Side::Buy, OrderKind::Market, OrderSize::Base(Quantity::ZERO)),
            cancel: CancelRequest {
                symbol: Symbol::EMPTY,
                order_id: None,
                original_client_order_id: None,
                client_order_id: None,
                restrictions: None,
            },
        }
    }
}

/// What writes and reads values, so that the format stands in one place: every field goes
/// through a function that writes how `new` differs from `last` (and leaves `last = new`), or
/// reads the difference into `last`.
pub(super) trait Pass {
    fn wide(&mut self, last: &mut i128, new: i128);
    fn long(&mut self, last: &mut i64, new: i64);
    fn text<const N: usize>(&mut self, last: &mut Text<N>, new: Text<N>);
    /// Whether something is to come: what is given when writing, what was written when reading.
    fn flag(&mut self, new: bool) -> bool;

    fn id(&mut self, last: &mut u64, new: u64) {
        let mut signed = last.cast_signed();
        self.long(&mut signed, new.cast_signed());
        *last = signed.cast_unsigned();
    }
    fn small(&mut self, last: &mut u32, new: u32) {
        let mut long = i64::from(*last);
        self.long(&mut long, new.into());
        *last = long as u32;
    }
    fn time(&mut self, last: &mut Timestamp, new: Timestamp) {
        let mut micros = last.micros();
        self.long(&mut micros, new.micros());
        *last = Timestamp::from_micros(micros);
    }
    fn price(&mut self, last: &mut Price, new: Price) {
        let mut units = last.units();
        self.long(&mut units, new.units());
        *last = Price::from_units(units);
    }
    fn quantity(&mut self, last: &mut Quantity, new: Quantity) {
        let mut units = last.units();
        self.long(&mut units, new.units());
        *last = Quantity::from_units(units);
    }
    fn amount(&mut self, last: &mut Amount, new: Amount) {
        let mut units = last.units();
        self.wide(&mut units, new.units());
        *last = Amount::from_units(units);
    }
    fn word<T: Copy>(&mut self, all: &[T], last: &mut T, new: T, index: impl Fn(T) -> usize) {
        let mut at = index(*last) as i64;
        self.long(&mut at, index(new) as i64);
        *last = all[at as usize];
    }
    /// A value that may be absent; `blank` is what it is compared with after an absent one.
    fn option<T: Copy>(
        &mut self,
        last: &mut Option<T>,
        new: Option<T>,
        blank: T,
        pass: impl FnOnce(&mut Self, &mut T, T),
    ) {
        if !self.flag(new.is_some()) {
            *last = None;
            return;
        }
        let mut value = last.unwrap_or(blank);
        let new = new.unwrap_or(value);
        pass(self, &mut value, new);
        *last = Some(value);
    }

    fn sent(
        &mut self,
        last: &mut Last,
        time: Timestamp,
        command: CommandId,
        parameters: impl FnOnce(&mut Self, &mut Last),
    ) {
        self.time(&mut last.time, time);
        self.id(&mut last.command, command);
        parameters(self, last);
    }

    fn report(&mut self, last: &mut Last, new: ExecutionReport) {
        let report = &mut last.report;
        self.time(&mut report.time, new.time);
        self.id(&mut report.execution_id, new.execution_id);
        self.word(ExecutionType::ALL, &mut report.execution_type, new.execution_type, |w| w as usize);
        self.order(&mut report.order, &new.order);
        report.fill = if self.flag(new.fill.is_some()) {
            let new = new.fill.unwrap_or(last.fill);
            self.fill(&mut last.fill, new);
            Some(last.fill)
        } else {
            None
        };
        const NO_MATCH: Prevented = Prevented {
            match_id: 0,
            quantity: Quantity::ZERO,
            counter_order_id: 0,
            price: Price::ZERO,
            match_quantity: Quantity::ZERO,
            mode: SelfTradePrevention::None,
        };
        self.option(&mut report.prevented, new.prevented, NO_MATCH, Self::prevented);
        self.option(&mut report.cancel_client_order_id, new.cancel_client_order_id, Text::EMPTY, Self::text);
    }

    fn order(&mut self, last: &mut Order, new: &Order) {
        if self.flag(Self::identity(last) != Self::identity(new)) {
            self.pass_identity(last, new);
        }
        self.quantity(&mut last.filled_quantity, new.filled_quantity);
        self.amount(&mut last.filled_quote, new.filled_quote);
        self.word(OrderStatus::ALL, &mut last.status, new.status, |w| w as usize);
        self.time(&mut last.updated, new.updated);
        self.option(&mut last.working_time, new.working_time, last.updated, Self::time);
        if self.flag(Self::rest(last) != Self::rest(new)) {
            self.pass_rest(last, new);
        }
    }

    /// What an order seldom changes once it is there.
    fn identity(order: &Order) -> impl PartialEq {
        (
            (order.order_id, order.client_order_id, order.symbol, order.side, order.order_type, order.time_in_force),
            (order.price, order.created, order.lock_price, order.quantity),
        )
    }

    fn pass_identity(&mut self, last: &mut Order, new: &Order) {
        self.id(&mut last.order_id, new.order_id);
        self.text(&mut last.client_order_id, new.client_order_id);
        self.text(&mut last.symbol, new.symbol);
        self.word(Side::ALL, &mut last.side, new.side, |w| w as usize);
        self.word(OrderType::ALL, &mut last.order_type, new.order_type, |w| w as usize);
        self.word(TimeInForce::ALL, &mut last.time_in_force, new.time_in_force, |w| w as usize);
        self.price(&mut last.price, new.price);
        self.time(&mut last.created, new.created);
        self.price(&mut last.lock_price, new.lock_price);
        self.quantity(&mut last.quantity, new.quantity);
    }

    /// What seldom changes from one report to the next.
    fn rest(order: &Order) -> impl PartialEq {
        (
            (order.order_list_id, order.stop_price, order.trailing_delta, order.trailing_time, order.iceberg_quantity),
            (order.peg, order.pegged_price, order.strategy_id, order.strategy_type, order.quote_order_quantity),
            (order.prevented_quantity, order.expiry_reason, order.self_trade_prevention),
        )
    }

    fn pass_rest(&mut self, last: &mut Order, new: &Order) {
        self.option(&mut last.order_list_id, new.order_list_id, 0, Self::id);
        self.price(&mut last.stop_price, new.stop_price);
        self.option(&mut last.trailing_delta, new.trailing_delta, 0, Self::small);
        self.option(&mut last.trailing_time, new.trailing_time, Timestamp::default(), Self::time);
        self.quantity(&mut last.iceberg_quantity, new.iceberg_quantity);
        self.option(&mut last.peg, new.peg, NO_PEG, Self::peg);
        self.price(&mut last.pegged_price, new.pegged_price);
        self.option(&mut last.strategy_id, new.strategy_id, 0, Self::id);
        self.option(&mut last.strategy_type, new.strategy_type, 0, Self::small);
        self.amount(&mut last.quote_order_quantity, new.quote_order_quantity);
        self.quantity(&mut last.prevented_quantity, new.prevented_quantity);
        self.option(&mut last.expiry_reason, new.expiry_reason, ExpiryReason::ALL[0], |p, last, new| {
            p.word(ExpiryReason::ALL, last, new, |w| w as usize);
        });
        let (last, new) = (&mut last.self_trade_prevention, new.self_trade_prevention);
        self.word(SelfTradePrevention::ALL, last, new, |w| w as usize);
    }

    fn peg(&mut self, last: &mut Peg, new: Peg) {
        self.word(PegPriceType::ALL, &mut last.price_type, new.price_type, |w| w as usize);
        self.option(&mut last.offset, new.offset, 0, |p, last, new| {
            let mut wide = u32::from(*last);
            p.small(&mut wide, new.into());
            *last = wide as u8;
        });
    }

    fn fill(&mut self, last: &mut Fill, new: Fill) {
        self.id(&mut last.trade_id, new.trade_id);
        self.price(&mut last.price, new.price);
        self.quantity(&mut last.quantity, new.quantity);
        self.amount(&mut last.quote_quantity, new.quote_quantity);
        self.amount(&mut last.commission, new.commission);
        self.text(&mut last.commission_asset, new.commission_asset);
        self.word(Liquidity::ALL, &mut last.liquidity, new.liquidity, |w| w as usize);
    }

    fn prevented(&mut self, last: &mut Prevented, new: Prevented) {
        self.id(&mut last.match_id, new.match_id);
        self.quantity(&mut last.quantity, new.quantity);
        self.id(&mut last.counter_order_id, new.counter_order_id);
        self.price(&mut last.price, new.price);
        self.quantity(&mut last.match_quantity, new.match_quantity);
        self.word(SelfTradePrevention::ALL, &mut last.mode, new.mode, |w| w as usize);
    }

    fn request(&mut self, last: &mut Last, new: OrderRequest) {
        let last = &mut last.request;
        self.text(&mut last.symbol, new.symbol);
        self.word(Side::ALL, &mut last.side, new.side, |w| w as usize);
        self.kind(&mut last.kind, new.kind);
        self.size(&mut last.size, new.size);
        self.option(&mut last.client_order_id, new.client_order_id, Text::EMPTY, Self::text);
        let rest = |r: &OrderRequest| {
            (r.trigger, r.iceberg_quantity, r.peg, r.self_trade_prevention, r.strategy_id, r.strategy_type)
        };
        if self.flag(rest(last) != rest(&new)) {
            self.option(&mut last.trigger, new.trigger, NO_TRIGGER, Self::trigger);
            self.option(&mut last.iceberg_quantity, new.iceberg_quantity, Quantity::ZERO, Self::quantity);
            self.option(&mut last.peg, new.peg, NO_PEG, Self::peg);
            let (mode, none) = (&mut last.self_trade_prevention, SelfTradePrevention::None);
            self.option(mode, new.self_trade_prevention, none, |p, last, new| {
                p.word(SelfTradePrevention::ALL, last, new, |w| w as usize);
            });
            self.option(&mut last.strategy_id, new.strategy_id, 0, Self::id);
            self.option(&mut last.strategy_type, new.strategy_type, 0, Self::small);
        }
    }

    fn kind(&mut self, last: &mut OrderKind, new: OrderKind) {
        const MARKET: u32 = 0;
        const MAKER: u32 = 1;
        const LIMIT: u32 = 2;
        let number = |kind| match kind {
            OrderKind::Market => MARKET,
            OrderKind::LimitMaker { .. } => MAKER,
            OrderKind::Limit { .. } => LIMIT,
        };
        let mut at = number(*last);
        self.small(&mut at, number(new));
        let mut price = last.price().unwrap_or_default();
        if at != MARKET {
            self.price(&mut price, new.price().unwrap_or_default());
        }
        let mut time_in_force = last.time_in_force();
        if at == LIMIT {
            self.word(TimeInForce::ALL, &mut time_in_force, new.time_in_force(), |w| w as usize);
        }
        *last = match at {
            MARKET => OrderKind::Market,
            MAKER => OrderKind::LimitMaker { price },
            _ => OrderKind::Limit { price, time_in_force },
        };
    }

    fn size(&mut self, last: &mut OrderSize, new: OrderSize) {
        let parts = |size| match size {
            OrderSize::Received => (0, Amount::ZERO),
            OrderSize::Base(quantity) => (1, Amount::from(quantity)),
            OrderSize::Quote(money) => (2, money),
        };
        let (mut kind, mut amount) = parts(*last);
        let (new_kind, new_amount) = parts(new);
        self.small(&mut kind, new_kind);
        self.amount(&mut amount, new_amount);
        *last = match kind {
            0 => OrderSize::Received,
            1 => OrderSize::Base(Quantity::from_amount_saturating(amount)),
            _ => OrderSize::Quote(amount),
        };
    }

    fn trigger(&mut self, last: &mut Trigger, new: Trigger) {
        let is_loss = self.flag(new.kind == TriggerKind::StopLoss);
        last.kind = if is_loss { TriggerKind::StopLoss } else { TriggerKind::TakeProfit };
        self.option(&mut last.stop_price, new.stop_price, Price::ZERO, Self::price);
        self.option(&mut last.trailing_delta, new.trailing_delta, 0, Self::small);
    }

    fn cancel(&mut self, last: &mut Last, new: CancelRequest) {
        let last = &mut last.cancel;
        self.text(&mut last.symbol, new.symbol);
        self.option(&mut last.order_id, new.order_id, 0, Self::id);
        let original = (&mut last.original_client_order_id, new.original_client_order_id);
        self.option(original.0, original.1, Text::EMPTY, Self::text);
        self.option(&mut last.client_order_id, new.client_order_id, Text::EMPTY, Self::text);
        self.option(&mut last.restrictions, new.restrictions, CancelRestrictions::OnlyNew, |p, last, new| {
            p.word(CancelRestrictions::ALL, last, new, |w| w as usize);
        });
    }
}

const NO_PEG: Peg = Peg { price_type: PegPriceType::Primary, offset: None };
const NO_TRIGGER: Trigger = Trigger { kind: TriggerKind::StopLoss, stop_price: None, trailing_delta: None };

pub(super) struct Writer<'a> {
    pub(super) bytes: &'a mut [u8],
    pub(super) at: usize,
}

impl Writer<'_> {
    #[inline]
    fn byte(&mut self, byte: u8) {
        self.bytes[self.at] = byte;
        self.at += 1;
    }
}

impl Pass for Writer<'_> {
    #[inline]
    fn long(&mut self, last: &mut i64, new: i64) {
        let difference = new.wrapping_sub(*last);
        *last = new;
        // How many bytes it takes, and these; all eight are written, the next value overwrites
        // what is too much.
        let zigzag = (difference.wrapping_shl(1) ^ (difference >> 63)).cast_unsigned();
        let len = (71 - zigzag.leading_zeros()) / 8;
        self.byte(len as u8);
        self.bytes[self.at..self.at + 8].copy_from_slice(&zigzag.to_le_bytes());
        self.at += len as usize;
    }

    #[inline]
    fn wide(&mut self, last: &mut i128, new: i128) {
        let (low, high) = (*last as i64, (*last >> 64) as i64);
        self.long(&mut { low }, new as i64);
        self.long(&mut { high }, (new >> 64) as i64);
        *last = new;
    }

    #[inline]
    fn text<const N: usize>(&mut self, last: &mut Text<N>, new: Text<N>) {
        if *last == new {
            return self.byte(0);
        }
        let text = new.as_bytes();
        self.byte(text.len() as u8 + 1);
        self.bytes[self.at..self.at + text.len()].copy_from_slice(text);
        self.at += text.len();
        *last = new;
    }

    #[inline]
    fn flag(&mut self, new: bool) -> bool {
        self.byte(new.into());
        new
    }
}

pub(super) struct Reader<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl Reader<'_> {
    #[inline]
    fn byte(&mut self) -> u8 {
        self.at += 1;
        self.bytes[self.at - 1]
    }
}

impl Pass for Reader<'_> {
    #[inline]
    fn long(&mut self, last: &mut i64, _: i64) {
        let len = usize::from(self.byte());
        let mut bytes = [0; 8];
        bytes[..len].copy_from_slice(&self.bytes[self.at..self.at + len]);
        self.at += len;
        let zigzag = u64::from_le_bytes(bytes);
        let difference = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
        *last = last.wrapping_add(difference);
    }

    #[inline]
    fn wide(&mut self, last: &mut i128, _: i128) {
        let (mut low, mut high) = (*last as i64, (*last >> 64) as i64);
        self.long(&mut low, 0);
        self.long(&mut high, 0);
        *last = i128::from(high) << 64 | i128::from(low.cast_unsigned());
    }

    #[inline]
    fn text<const N: usize>(&mut self, last: &mut Text<N>, _: Text<N>) {
        let Some(len) = self.byte().checked_sub(1).map(usize::from) else { return };
        let text = &self.bytes[self.at..self.at + len];
        *last = Text::from_bytes(text);
        self.at += len;
    }

    #[inline]
    fn flag(&mut self, _: bool) -> bool {
        self.byte() == 1
    }
}
