//! The fields of commands that are sent often, and what is to be expected of each: what the last
//! one of its kind had.

use super::bytes::{Fields, Reader, Writer};
use super::reports::{number_of_peg, peg_of_number};
use crate::command::{CancelRequest, OrderKind, OrderRequest, OrderSize, Trigger, TriggerKind};
use crate::number::{Amount, Price, Quantity};
use crate::order::{CancelRestrictions, OrderId, SelfTradePrevention, Side, TimeInForce};
use crate::run::CommandId;
use crate::text::{ClientOrderId, Symbol};

/// What the commands so far have asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Commands {
    command: CommandId,
    symbol: Symbol,
    /// The words of the last new order and of the last cancel.
    submit: u64,
    cancel: u64,
    pub(super) asked: Asked,
    /// The last order that was sized in quote asset.
    money: Amount,
    /// What most orders lack, of the last one that had any of it.
    rare: Rare,
    canceled: OrderId,
    /// The last cancel that had names: the order's and its own.
    names: [Option<ClientOrderId>; 2],
}

/// What the last new order was to be.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) name: ClientOrderId,
    pub(super) price: Price,
    pub(super) quantity: Quantity,
    pub(super) money: Amount,
}

/// What most orders lack.
#[derive(Debug, Clone, Copy, Default)]
struct Rare {
    trigger: u64,
    stop_price: Option<u64>,
    trailing_delta: Option<u64>,
    iceberg_quantity: Option<u64>,
    peg: Option<u64>,
    self_trade_prevention: u64,
    strategy_id: Option<u64>,
    strategy_type: Option<u64>,
}

/// Words of a new order: which parts it has, and where the others are.
const HAS_NAME: u64 = 1;
const IS_RARE: u64 = 2;
const KIND: u32 = 4;
const SIZE: u32 = 6;
const QUOTE: u64 = 2;
const TIME_IN_FORCE: u32 = 8;
/// Words of a cancel.
const HAS_ID: u64 = 1;
const HAS_NAMES: u64 = 2;
const RESTRICTIONS: u32 = 2;

#[inline(always)]
fn words_of(request: &OrderRequest) -> u64 {
    let kind = match request.kind {
        OrderKind::Market => 0,
        OrderKind::LimitMaker { .. } => 1,
        OrderKind::Limit { .. } => 2,
    };
    let size = match request.size {
        OrderSize::Received => 0,
        OrderSize::Base(_) => 1,
        OrderSize::Quote(_) => QUOTE,
    };
    let is_rare = request.trigger.is_some()
        | request.iceberg_quantity.is_some()
        | request.peg.is_some()
        | request.self_trade_prevention.is_some()
        | request.strategy_id.is_some()
        | request.strategy_type.is_some();
    (u64::from(request.client_order_id.is_some()) * HAS_NAME)
        | (u64::from(is_rare) * IS_RARE)
        | (request.side as u64) << 2
        | kind << KIND
        | size << SIZE
        | (request.kind.time_in_force() as u64) << TIME_IN_FORCE
}

impl Commands {
    /// Passes the fields of a new order, and remembers them; its words come back.
    #[inline(always)]
    fn pass_submit(&mut self, f: &mut impl Fields, id: CommandId, request: &OrderRequest) -> (CommandId, u64) {
        self.submit = f.number(self.submit, words_of(request));
        self.command = f.number(self.command.wrapping_add(1), id);
        self.symbol = f.text(&self.symbol, &request.symbol);
        let asked = &mut self.asked;
        asked.name = f.text(&asked.name, request.client_order_id.as_ref().unwrap_or(&asked.name));
        asked.price = f.price(asked.price, request.kind.price().unwrap_or(Price::ZERO));
        let (quantity, money) = match request.size {
            OrderSize::Received => (asked.quantity, self.money),
            OrderSize::Base(quantity) => (quantity, self.money),
            OrderSize::Quote(money) => (asked.quantity, money),
        };
        asked.quantity = f.quantity(asked.quantity, quantity);
        self.money = f.amount(self.money, money);
        asked.money = if self.submit >> SIZE & 3 == QUOTE { self.money } else { Amount::ZERO };
        (self.command, self.submit)
    }

    /// Writes a new order.
    #[inline]
    pub(super) fn write_submit<'a>(&mut self, mut to: Writer<'a>, id: CommandId, request: &OrderRequest) -> Writer<'a> {
        let (_, words) = self.pass_submit(&mut to, id, request);
        if words & IS_RARE != 0 { self.write_rare(to, request) } else { to }
    }

    #[inline(never)]
    fn write_rare<'a>(&mut self, mut to: Writer<'a>, request: &OrderRequest) -> Writer<'a> {
        self.rare = self.rare.pass(&mut to, request);
        to
    }

    /// Reads a new order.
    pub(super) fn read_submit(&mut self, from: &mut Reader<'_>) -> (CommandId, OrderRequest) {
        let unknown = OrderRequest::new(self.symbol, Side::Buy, OrderKind::Market, OrderSize::Received);
        let (id, words) = self.pass_submit(from, 0, &unknown);
        if words & IS_RARE != 0 {
            self.rare = self.rare.pass(from, &unknown);
        }
        let Asked { name, price, quantity, money } = self.asked;
        let mut request = OrderRequest {
            side: Side::ALL[(words >> 2 & 1) as usize],
            kind: match words >> KIND & 3 {
                0 => OrderKind::Market,
                1 => OrderKind::LimitMaker { price },
                _ => OrderKind::Limit { price, time_in_force: TimeInForce::ALL[(words >> TIME_IN_FORCE & 3) as usize] },
            },
            size: match words >> SIZE & 3 {
                0 => OrderSize::Received,
                1 => OrderSize::Base(quantity),
                _ => OrderSize::Quote(money),
            },
            client_order_id: (words & HAS_NAME != 0).then_some(name),
            ..OrderRequest::new(self.symbol, Side::Buy, OrderKind::Market, OrderSize::Received)
        };
        if words & IS_RARE != 0 {
            self.rare.give_to(&mut request);
        }
        (id, request)
    }

    /// Passes the fields of a cancel, and remembers them.
    #[inline(always)]
    pub(super) fn pass_cancel(
        &mut self,
        f: &mut impl Fields,
        id: CommandId,
        cancel: &CancelRequest,
    ) -> (CommandId, CancelRequest) {
        let names = [cancel.original_client_order_id.is_some(), cancel.client_order_id.is_some()];
        let words = (u64::from(cancel.order_id.is_some()) * HAS_ID)
            | (u64::from(names[0] | names[1]) * HAS_NAMES)
            | cancel.restrictions.map_or(0, |restrictions| 1 + restrictions as u64) << RESTRICTIONS;
        self.cancel = f.number(self.cancel, words);
        self.command = f.number(self.command.wrapping_add(1), id);
        self.symbol = f.text(&self.symbol, &cancel.symbol);
        let next = self.canceled.wrapping_add(1);
        let order_id = f.number(next, cancel.order_id.unwrap_or(next));
        let (mut original_client_order_id, mut client_order_id) = (None, None);
        if self.cancel & HAS_ID != 0 {
            self.canceled = order_id;
        }
        if self.cancel & HAS_NAMES != 0 {
            let [original, own] = &mut self.names;
            *original = f.name(original.as_ref(), cancel.original_client_order_id.as_ref());
            *own = f.name(own.as_ref(), cancel.client_order_id.as_ref());
            (original_client_order_id, client_order_id) = (*original, *own);
        }
        let cancel = CancelRequest {
            symbol: self.symbol,
            order_id: (self.cancel & HAS_ID != 0).then_some(order_id),
            original_client_order_id,
            client_order_id,
            restrictions: (self.cancel >> RESTRICTIONS).checked_sub(1).map(|at| CancelRestrictions::ALL[at as usize]),
        };
        (self.command, cancel)
    }

    /// Reads a cancel.
    pub(super) fn read_cancel(&mut self, from: &mut Reader<'_>) -> (CommandId, CancelRequest) {
        let unknown = CancelRequest {
            symbol: self.symbol,
            order_id: None,
            original_client_order_id: None,
            client_order_id: None,
            restrictions: None,
        };
        self.pass_cancel(from, 0, &unknown)
    }
}

impl Rare {
    /// Passes the fields of this, in a block of their own.
    fn pass(&self, f: &mut impl Fields, new: &OrderRequest) -> Self {
        f.next_block();
        let units = |price: Price| price.units().cast_unsigned();
        let trigger = new.trigger;
        let mode = new.self_trade_prevention.map_or(0, |mode| 1 + mode as u64);
        Self {
            trigger: f.number(self.trigger, trigger.map_or(0, |trigger| 1 + trigger.kind as u64)),
            stop_price: f.option(self.stop_price, trigger.and_then(|trigger| trigger.stop_price).map(units)),
            trailing_delta: f.option(self.trailing_delta, trigger.and_then(|t| t.trailing_delta).map(u64::from)),
            iceberg_quantity: f.option(self.iceberg_quantity, new.iceberg_quantity.map(|q| q.units().cast_unsigned())),
            peg: f.option(self.peg, new.peg.map(number_of_peg)),
            self_trade_prevention: f.number(self.self_trade_prevention, mode),
            strategy_id: f.option(self.strategy_id, new.strategy_id),
            strategy_type: f.option(self.strategy_type, new.strategy_type.map(u64::from)),
        }
    }

    fn give_to(&self, request: &mut OrderRequest) {
        let kind = match self.trigger {
            0 => None,
            1 => Some(TriggerKind::StopLoss),
            _ => Some(TriggerKind::TakeProfit),
        };
        request.trigger = kind.map(|kind| Trigger {
            kind,
            stop_price: self.stop_price.map(|units| Price::from_units(units.cast_signed())),
            trailing_delta: self.trailing_delta.map(|delta| delta as u32),
        });
        request.iceberg_quantity = self.iceberg_quantity.map(|units| Quantity::from_units(units.cast_signed()));
        request.peg = self.peg.map(peg_of_number);
        let mode = self.self_trade_prevention.checked_sub(1);
        request.self_trade_prevention = mode.map(|at| SelfTradePrevention::ALL[at as usize]);
        request.strategy_id = self.strategy_id;
        request.strategy_type = self.strategy_type.map(|kind| kind as u32);
    }
}
