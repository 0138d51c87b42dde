//! The fields of a report, and what is to be expected of each: what the order was before, and of
//! a new one what was asked for last.

use super::bytes::{Fields, Reader, Writer};
use super::commands::Asked;
use crate::execution::{ExecutionReport, Fill, Prevented};
use crate::number::{Amount, Price, Quantity};
use crate::order::{
    ExecutionType, ExpiryReason, Liquidity, Order, OrderStatus, OrderType, Peg, PegPriceType, RejectReason,
    SelfTradePrevention, Side, TimeInForce,
};
use crate::text::{Asset, ClientOrderId, Symbol};
use crate::time::Timestamp;

/// What the reports so far have told.
#[derive(Debug, Clone)]
pub(super) struct Reports {
    execution: u64,
    order: Order,
    fill: Fill,
    /// Words and flags of the last report of each kind.
    words: [u64; KINDS],
    /// The asset that commission was paid in last, by side.
    assets: [Asset; 2],
    /// What most reports lack, of the last one that had any of it.
    rare: Rare,
}

/// What most reports lack.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Rare {
    order_list_id: Option<u64>,
    stop_price: Price,
    trailing_delta: Option<u64>,
    trailing_time: Option<u64>,
    iceberg_quantity: Quantity,
    peg: Option<u64>,
    pegged_price: Price,
    strategy_id: Option<u64>,
    strategy_type: Option<u64>,
    prevented_quantity: Quantity,
    name: Option<ClientOrderId>,
    prevented: Option<Prevented>,
}

/// Kinds of reports: execution types by side.
const KINDS: usize = 16;

impl Default for Reports {
    fn default() -> Self {
        let nothing = (Price::ZERO, Price::ZERO);
        let (names, market) = ((0, ClientOrderId::EMPTY), (Symbol::EMPTY, Side::Buy));
        Self {
            execution: 0,
            order: Order::told(names, market, (OrderType::Market, TimeInForce::Gtc), nothing, Timestamp::MIN),
            fill: Fill {
                trade_id: 0,
                price: Price::ZERO,
                quantity: Quantity::ZERO,
                quote_quantity: Amount::ZERO,
                commission: Amount::ZERO,
                commission_asset: Asset::EMPTY,
                liquidity: Liquidity::Maker,
            },
            words: [0; KINDS],
            assets: [Asset::EMPTY; 2],
            rare: Rare::default(),
        }
    }
}

/// What a head says of a report.
#[inline]
pub(super) const fn kind(report: &ExecutionReport) -> u32 {
    (report.execution_type as u32) << 1 | report.order.side as u32
}

/// Words of a report that is not of a rare kind, and which parts it has.
struct Words(u64);

impl Words {
    const HAS_FILL: u64 = 1;
    const IS_RARE: u64 = 2;
    const IS_MAKER: u64 = 4;
    const WORKS: u64 = 8;

    #[inline(always)]
    fn of(report: &ExecutionReport) -> Self {
        let order = &report.order;
        let flag = |is: bool, flag: u64| if is { flag } else { 0 };
        let fill = report.fill.as_ref();
        Self(
            flag(fill.is_some(), Self::HAS_FILL)
                | flag(is_rare(report), Self::IS_RARE)
                | flag(fill.is_some_and(|fill| fill.liquidity == Liquidity::Maker), Self::IS_MAKER)
                | flag(order.working_time.is_some(), Self::WORKS)
                | (order.order_type as u64) << 4
                | (order.time_in_force as u64) << 8
                | (order.status as u64) << 12
                | (order.self_trade_prevention as u64) << 16
                | order.expiry_reason.map_or(0, |reason| 1 + reason as u64) << 20
                | report.reject_reason.map_or(0, |reason| 1 + reason as u64) << 24,
        )
    }

    const fn has(&self, flag: u64) -> bool {
        self.0 & flag != 0
    }

    const fn word(&self, shift: u32) -> usize {
        (self.0 >> shift & 0xf) as usize
    }

    fn give_to(&self, order: &mut Order) {
        order.order_type = OrderType::ALL[self.word(4)];
        order.time_in_force = TimeInForce::ALL[self.word(8)];
        order.status = OrderStatus::ALL[self.word(12)];
        order.self_trade_prevention = SelfTradePrevention::ALL[self.word(16)];
        order.expiry_reason = self.word(20).checked_sub(1).map(|at| ExpiryReason::ALL[at]);
    }
}

/// Whether a report has anything that most lack.
#[inline(always)]
fn is_rare(report: &ExecutionReport) -> bool {
    let o = &report.order;
    let amounts =
        o.stop_price.units() | o.iceberg_quantity.units() | o.pegged_price.units() | o.prevented_quantity.units();
    amounts != 0
        || o.order_list_id.is_some()
            | o.trailing_delta.is_some()
            | o.trailing_time.is_some()
            | o.peg.is_some()
            | o.strategy_id.is_some()
            | o.strategy_type.is_some()
            | report.cancel_client_order_id.is_some()
            | report.prevented.is_some()
}

/// How many fields [`are_expected`] looks at.
const OTHERS: u32 = 11;

/// Whether the fields are as expected that most reports leave as they were.
#[inline(always)]
fn are_expected(expected: &Order, new: &Order) -> bool {
    let micros = |time: Option<Timestamp>| time.map_or(0, Timestamp::micros);
    let differ = (expected.order_id ^ new.order_id).cast_signed()
        | (expected.price.units() ^ new.price.units())
        | (expected.lock_price.units() ^ new.lock_price.units())
        | (expected.filled_quantity.units() ^ new.filled_quantity.units())
        | (expected.created.micros() ^ new.created.micros())
        | (expected.updated.micros() ^ new.updated.micros())
        | (micros(expected.working_time) ^ micros(new.working_time));
    differ == 0
        && expected.quote_order_quantity == new.quote_order_quantity
        && expected.client_order_id == new.client_order_id
        && expected.symbol == new.symbol
}

impl Reports {
    /// Writes a report's fields.
    #[inline]
    pub(super) fn write<'a>(
        &mut self,
        mut to: Writer<'a>,
        time: &mut Timestamp,
        asked: &Asked,
        report: &ExecutionReport,
    ) -> Writer<'a> {
        let words = self.pass(&mut to, kind(report), (time, asked), report);
        if words.has(Words::IS_RARE) { self.write_rare(to, report) } else { to }
    }

    #[inline(never)]
    fn write_rare<'a>(&mut self, mut to: Writer<'a>, report: &ExecutionReport) -> Writer<'a> {
        self.rare = self.rare.pass(&mut to, report);
        to
    }

    /// Reads a report of a kind.
    pub(super) fn read(
        &mut self,
        from: &mut Reader<'_>,
        kind: u32,
        time: &mut Timestamp,
        asked: &Asked,
    ) -> ExecutionReport {
        let mut order = self.order;
        (order.side, order.working_time) = (Side::ALL[kind as usize % 2], None);
        let unknown = ExecutionReport {
            fill: Some(self.fill),
            prevented: Some(NONE_PREVENTED),
            ..ExecutionReport::of(&order, 0, ExecutionType::ALL[kind as usize / 2])
        };
        let words = self.pass(from, kind, (time, asked), &unknown);
        if words.has(Words::IS_RARE) {
            self.rare = self.rare.pass(from, &unknown);
        }
        let mut report = ExecutionReport {
            time: *time,
            execution_id: self.execution,
            order: Order { side: order.side, ..self.order },
            fill: words.has(Words::HAS_FILL).then_some(self.fill),
            prevented: None,
            reject_reason: words.word(24).checked_sub(1).map(|at| RejectReason::ALL[at]),
            ..unknown
        };
        words.give_to(&mut report.order);
        if let Some(fill) = &mut report.fill {
            fill.commission_asset = self.assets[kind as usize % 2];
            fill.liquidity = if words.has(Words::IS_MAKER) { Liquidity::Maker } else { Liquidity::Taker };
        }
        if words.has(Words::IS_RARE) { self.rare } else { Rare::default() }.give_to(&mut report);
        report
    }

    /// Passes a report's fields, and remembers them.
    #[inline(always)]
    fn pass(
        &mut self,
        f: &mut impl Fields,
        kind: u32,
        (time, asked): (&mut Timestamp, &Asked),
        report: &ExecutionReport,
    ) -> Words {
        let (order, new) = (&mut self.order, &report.order);
        let (is_new, is_buy) = (kind >> 1 == ExecutionType::New as u32, kind & 1 == Side::Buy as u32);
        let words = &mut self.words[kind as usize % KINDS];
        *words = f.number(*words, Words::of(report).0);
        let words = Words(*words);
        *time = f.time(*time, report.time);
        self.execution = f.number(self.execution.wrapping_add(1), report.execution_id);
        if is_new {
            order.order_id = order.order_id.wrapping_add(1);
            order.client_order_id = asked.name;
            (order.price, order.quantity, order.quote_order_quantity) = (asked.price, asked.quantity, asked.money);
            order.lock_price = if is_buy { asked.price } else { Price::ZERO };
            (order.filled_quantity, order.filled_quote) = (Quantity::ZERO, Amount::ZERO);
            order.created = *time;
        }
        order.quantity = f.quantity(order.quantity, new.quantity);
        order.filled_quote = f.amount(order.filled_quote, new.filled_quote);
        if words.has(Words::HAS_FILL) {
            order.filled_quantity = order.quantity;
        }
        order.updated = *time;
        order.working_time = words.has(Words::WORKS).then_some(order.created);
        if !f.skips(OTHERS, || are_expected(order, new)) {
            order.order_id = f.number(order.order_id, new.order_id);
            order.client_order_id = f.text(&order.client_order_id, &new.client_order_id);
            order.symbol = f.text(&order.symbol, &new.symbol);
            order.price = f.price(order.price, new.price);
            order.lock_price = f.price(order.lock_price, new.lock_price);
            order.quote_order_quantity = f.amount(order.quote_order_quantity, new.quote_order_quantity);
            order.filled_quantity = f.quantity(order.filled_quantity, new.filled_quantity);
            let (created, working) = (order.created, new.working_time);
            order.created = f.time(created, new.created);
            order.updated = f.time(order.updated, new.updated);
            let working = f.time(created, working.unwrap_or(created));
            order.working_time = order.working_time.map(|_| working);
        }
        if words.has(Words::HAS_FILL) {
            let (fill, new) = (&mut self.fill, report.fill.as_ref().expect("its words say that it has one"));
            fill.trade_id = f.number(fill.trade_id.wrapping_add(1), new.trade_id);
            fill.price = f.price(fill.price, new.price);
            fill.quantity = f.quantity(order.filled_quantity, new.quantity);
            fill.quote_quantity = f.amount(order.filled_quote, new.quote_quantity);
            fill.commission = f.amount(fill.commission, new.commission);
            let asset = &mut self.assets[kind as usize % 2];
            *asset = f.text(asset, &new.commission_asset);
        }
        words
    }
}

impl Rare {
    /// Passes the fields of this, in a block of their own.
    fn pass(&self, f: &mut impl Fields, report: &ExecutionReport) -> Self {
        let new = &report.order;
        f.next_block();
        let none = NONE_PREVENTED;
        let (was, is) = (self.prevented.unwrap_or(none), report.prevented.unwrap_or(none));
        let micros = |time: Timestamp| time.micros().cast_unsigned();
        let has_prevented = f.number(self.prevented.is_some().into(), report.prevented.is_some().into()) == 1;
        Self {
            order_list_id: f.option(self.order_list_id, new.order_list_id),
            stop_price: f.price(self.stop_price, new.stop_price),
            trailing_delta: f.option(self.trailing_delta, new.trailing_delta.map(u64::from)),
            trailing_time: f.option(self.trailing_time, new.trailing_time.map(micros)),
            iceberg_quantity: f.quantity(self.iceberg_quantity, new.iceberg_quantity),
            peg: f.option(self.peg, new.peg.map(number_of_peg)),
            pegged_price: f.price(self.pegged_price, new.pegged_price),
            strategy_id: f.option(self.strategy_id, new.strategy_id),
            strategy_type: f.option(self.strategy_type, new.strategy_type.map(u64::from)),
            prevented_quantity: f.quantity(self.prevented_quantity, new.prevented_quantity),
            name: f.name(self.name.as_ref(), report.cancel_client_order_id.as_ref()),
            prevented: {
                let prevented = Prevented {
                    mode: SelfTradePrevention::ALL[f.number(was.mode as u64, is.mode as u64) as usize],
                    match_id: f.number(was.match_id, is.match_id),
                    quantity: f.quantity(was.quantity, is.quantity),
                    counter_order_id: f.number(was.counter_order_id, is.counter_order_id),
                    price: f.price(was.price, is.price),
                    match_quantity: f.quantity(was.match_quantity, is.match_quantity),
                };
                has_prevented.then_some(prevented)
            },
        }
    }

    fn give_to(&self, report: &mut ExecutionReport) {
        let order = &mut report.order;
        order.order_list_id = self.order_list_id;
        order.stop_price = self.stop_price;
        order.trailing_delta = self.trailing_delta.map(|delta| delta as u32);
        order.trailing_time = self.trailing_time.map(|micros| Timestamp::from_micros(micros.cast_signed()));
        order.iceberg_quantity = self.iceberg_quantity;
        order.peg = self.peg.map(peg_of_number);
        order.pegged_price = self.pegged_price;
        order.strategy_id = self.strategy_id;
        order.strategy_type = self.strategy_type.map(|kind| kind as u32);
        order.prevented_quantity = self.prevented_quantity;
        report.cancel_client_order_id = self.name;
        report.prevented = self.prevented;
    }
}

const NONE_PREVENTED: Prevented = Prevented {
    match_id: 0,
    quantity: Quantity::ZERO,
    counter_order_id: 0,
    price: Price::ZERO,
    match_quantity: Quantity::ZERO,
    mode: SelfTradePrevention::None,
};

/// A peg as one number, and back.
pub(super) fn number_of_peg(peg: Peg) -> u64 {
    (peg.price_type as u64) << 16 | peg.offset.map_or(0, |offset| 1 + u64::from(offset))
}

pub(super) fn peg_of_number(number: u64) -> Peg {
    let offset = (number as u16).checked_sub(1).map(|offset| offset as u8);
    Peg { price_type: PegPriceType::ALL[(number >> 16) as usize], offset }
}
