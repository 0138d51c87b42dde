//! One order, alone or as a leg of a list: the same parameters under other names.

use super::{
    RawParameters, client_order_id, invalid, missing, neither, not_required, optional_decimal, optional_whole,
    self_trade_prevention, symbol, whole,
};
use crate::command::{OrderKind, OrderRequest, OrderSize, Trigger, TriggerKind};
use crate::execution::Refusal;
use crate::number::{Amount, Price, Quantity};
use crate::order::{OrderType, Peg, PegPriceType, Side, TimeInForce};

/// The deepest level that a pegged price may be taken from (`rest-api.md`, Pegged Orders Info).
const PEG_OFFSET_MAX: u64 = 100;

/// How an endpoint names the parameters of one order; empty is what it does not have.
pub(crate) struct Names {
    pub(super) side: &'static str,
    pub(super) order_type: &'static str,
    pub(super) time_in_force: &'static str,
    /// `None` where the order is sized by what another one receives.
    pub(crate) quantity: Option<&'static str>,
    /// Where a size in quote asset can be given.
    pub(crate) quote_quantity: Option<&'static str>,
    pub(crate) price: &'static str,
    pub(super) client_order_id: &'static str,
    pub(super) strategy_id: &'static str,
    pub(super) strategy_type: &'static str,
    pub(crate) stop_price: &'static str,
    pub(super) trailing_delta: &'static str,
    pub(crate) iceberg_quantity: &'static str,
    pub(super) peg_price_type: &'static str,
    pub(super) peg_offset_type: &'static str,
    pub(super) peg_offset_value: &'static str,
}

macro_rules! names {
    ($prefix:literal, $side:literal, $quantity:expr) => {
        Names {
            side: $side,
            order_type: concat!($prefix, "Type"),
            time_in_force: concat!($prefix, "TimeInForce"),
            quantity: $quantity,
            quote_quantity: None,
            price: concat!($prefix, "Price"),
            client_order_id: concat!($prefix, "ClientOrderId"),
            strategy_id: concat!($prefix, "StrategyId"),
            strategy_type: concat!($prefix, "StrategyType"),
            stop_price: concat!($prefix, "StopPrice"),
            trailing_delta: concat!($prefix, "TrailingDelta"),
            iceberg_quantity: concat!($prefix, "IcebergQty"),
            peg_price_type: concat!($prefix, "PegPriceType"),
            peg_offset_type: concat!($prefix, "PegOffsetType"),
            peg_offset_value: concat!($prefix, "PegOffsetValue"),
        }
    };
}

pub(crate) const ALONE: Names = Names {
    side: "side",
    order_type: "type",
    time_in_force: "timeInForce",
    quantity: Some("quantity"),
    quote_quantity: Some("quoteOrderQty"),
    price: "price",
    client_order_id: "newClientOrderId",
    strategy_id: "strategyId",
    strategy_type: "strategyType",
    stop_price: "stopPrice",
    trailing_delta: "trailingDelta",
    iceberg_quantity: "icebergQty",
    peg_price_type: "pegPriceType",
    peg_offset_type: "pegOffsetType",
    peg_offset_value: "pegOffsetValue",
};
pub(crate) const ABOVE: Names = names!("above", "side", Some("quantity"));
pub(crate) const BELOW: Names = names!("below", "side", Some("quantity"));
/// Never a stop.
pub(crate) const WORKING: Names =
    Names { stop_price: "", trailing_delta: "", ..names!("working", "workingSide", Some("workingQuantity")) };
pub(crate) const PENDING: Names = names!("pending", "pendingSide", Some("pendingQuantity"));
pub(crate) const PENDING_ABOVE: Names = names!("pendingAbove", "pendingSide", Some("pendingQuantity"));
pub(crate) const PENDING_BELOW: Names = names!("pendingBelow", "pendingSide", Some("pendingQuantity"));
pub(crate) const PAID: Names = names!("pending", "pendingSide", None);
pub(crate) const PAID_ABOVE: Names = names!("pendingAbove", "pendingSide", None);
pub(crate) const PAID_BELOW: Names = names!("pendingBelow", "pendingSide", None);
/// The legs of `POST /api/v3/order/oco`. Neither has a type of its own.
pub(super) const LIMIT_OF_OCO: Names = Names {
    order_type: "",
    time_in_force: "",
    quote_quantity: None,
    client_order_id: "limitClientOrderId",
    strategy_id: "limitStrategyId",
    strategy_type: "limitStrategyType",
    stop_price: "",
    trailing_delta: "",
    iceberg_quantity: "limitIcebergQty",
    ..UNPEGGED
};
pub(super) const STOP_OF_OCO: Names = Names {
    order_type: "",
    time_in_force: "stopLimitTimeInForce",
    quote_quantity: None,
    price: "stopLimitPrice",
    client_order_id: "stopClientOrderId",
    strategy_id: "stopStrategyId",
    strategy_type: "stopStrategyType",
    iceberg_quantity: "stopIcebergQty",
    ..UNPEGGED
};
const UNPEGGED: Names = Names { peg_price_type: "", peg_offset_type: "", peg_offset_value: "", ..ALONE };

impl Names {
    /// Whether a parameter belongs to this order.
    pub(super) fn holds(&self, name: &str) -> bool {
        let own = self.quantity == Some(name)
            || self.quote_quantity == Some(name)
            || [
                self.side,
                self.order_type,
                self.time_in_force,
                self.price,
                self.client_order_id,
                self.strategy_id,
                self.strategy_type,
                self.stop_price,
                self.trailing_delta,
                self.iceberg_quantity,
                self.peg_price_type,
                self.peg_offset_type,
                self.peg_offset_value,
            ]
            .contains(&name);
        own && !name.is_empty()
    }
}

/// Parameters of every endpoint that places orders.
pub(super) fn is_common(name: &str) -> bool {
    matches!(name, "symbol" | "newOrderRespType" | "selfTradePreventionMode")
}

/// Reads the parameters of a new order.
pub fn new_order(raw: &RawParameters) -> Result<OrderRequest, Refusal> {
    raw.check_names(|name| is_common(name) || ALONE.holds(name))?;
    single(raw)
}

/// Reads the parameters of an order that is only to be judged.
pub(super) fn test_order(raw: &RawParameters) -> Result<OrderRequest, Refusal> {
    raw.check_names(|name| is_common(name) || name == "computeCommissionRates" || ALONE.holds(name))?;
    check_computes(raw)?;
    single(raw)
}

pub(super) fn check_computes(raw: &RawParameters) -> Result<(), Refusal> {
    match raw.optional("computeCommissionRates")? {
        None | Some("true" | "false") => Ok(()),
        Some(_) => Err(invalid("computeCommissionRates")),
    }
}

/// An order alone, whose parameters may stand among others.
pub(super) fn single(raw: &RawParameters) -> Result<OrderRequest, Refusal> {
    single_of(raw, &ALONE)
}

/// As [`single`], with the parameters of another endpoint.
pub(super) fn single_of(raw: &RawParameters, names: &Names) -> Result<OrderRequest, Refusal> {
    for name in ["symbol", "side", "type"] {
        raw.mandatory(name)?;
    }
    let order = leg(raw, names)?;
    if order.iceberg_quantity.is_some() && order.kind.time_in_force() != TimeInForce::Gtc {
        return Err(Refusal::new(-1014, "Unsupported order combination."));
    }
    Ok(order)
}

/// Reads one order by its parameters' names.
pub(super) fn leg(raw: &RawParameters, names: &Names) -> Result<OrderRequest, Refusal> {
    let side = raw.mandatory(names.side)?;
    let order_type = raw.mandatory(names.order_type)?;
    let side = Side::from_word(side).ok_or(Refusal::new(-1117, "Invalid side."))?;
    let order_type = OrderType::from_word(order_type).ok_or(Refusal::new(-1116, "Invalid orderType."))?;
    leg_of(raw, names, side, order_type)
}

/// Reads one order whose side and type are known.
pub(super) fn leg_of(
    raw: &RawParameters,
    names: &Names,
    side: Side,
    order_type: OrderType,
) -> Result<OrderRequest, Refusal> {
    check_presence(raw, names, order_type)?;
    check_response_type(raw)?;
    let peg = peg(raw, names, order_type)?;
    let time_in_force = match raw.sent(names.time_in_force) {
        Some(word) => TimeInForce::from_word(word).ok_or(Refusal::new(-1115, "Invalid timeInForce."))?,
        None => TimeInForce::Gtc,
    };
    let is_primary = peg.is_some_and(|peg| peg.price_type == PegPriceType::Primary);
    if is_primary && order_type == OrderType::Limit && time_in_force != TimeInForce::Gtc {
        return Err(Refusal::new(-1014, "Unsupported order combination."));
    }
    let price = Price::from_units(optional_decimal(raw, names.price)?.unwrap_or(0));
    let kind = match order_type {
        OrderType::Market | OrderType::StopLoss | OrderType::TakeProfit => OrderKind::Market,
        OrderType::LimitMaker => OrderKind::LimitMaker { price },
        OrderType::Limit | OrderType::StopLossLimit | OrderType::TakeProfitLimit => {
            OrderKind::Limit { price, time_in_force }
        }
    };
    Ok(OrderRequest {
        symbol: symbol(raw)?,
        side,
        kind,
        trigger: trigger(raw, names, order_type)?,
        size: size(raw, names)?,
        iceberg_quantity: optional_decimal(raw, names.iceberg_quantity)?
            .filter(|units| *units > 0)
            .map(Quantity::from_units),
        peg,
        client_order_id: client_order_id(raw, names.client_order_id)?,
        self_trade_prevention: self_trade_prevention(raw)?,
        strategy_id: optional_whole(raw, names.strategy_id)?,
        strategy_type: strategy_type(raw, names)?,
    })
}

/// Missing and superfluous parameters, by the tables of `rest-api.md` under "New order" and
/// the order lists.
fn check_presence(raw: &RawParameters, names: &Names, order_type: OrderType) -> Result<(), Refusal> {
    let contingent = order_type.is_contingent();
    let takes_limit = !order_type.is_market();
    let takes_time = takes_limit && order_type != OrderType::LimitMaker;
    if takes_time {
        raw.mandatory(names.time_in_force)?;
    }
    let sized_in_quote = names.quote_quantity.filter(|_| order_type == OrderType::Market);
    match (names.quantity, sized_in_quote) {
        (Some(quantity), Some(quote)) => match (raw.sent(quantity), raw.sent(quote)) {
            (None, None) => return Err(neither(quantity, quote)),
            (Some(_), Some(_)) => return Err(not_required(quote)),
            _ => {}
        },
        (Some(quantity), None) => {
            raw.mandatory(quantity)?;
        }
        (None, _) => {}
    }
    if takes_limit && raw.get(names.peg_price_type).is_none() {
        raw.mandatory(names.price)?;
    }
    if contingent && raw.sent(names.stop_price).is_none() && raw.sent(names.trailing_delta).is_none() {
        return Err(neither(names.stop_price, names.trailing_delta));
    }
    let barred = [
        (names.time_in_force, takes_time),
        (names.quote_quantity.unwrap_or_default(), sized_in_quote.is_some()),
        (names.price, takes_limit),
        (names.stop_price, contingent),
        (names.trailing_delta, contingent),
        (names.iceberg_quantity, takes_limit),
    ];
    match barred.iter().find(|(name, taken)| !taken && raw.get(name).is_some()) {
        Some((name, _)) => Err(not_required(name)),
        None => Ok(()),
    }
}

/// The shape of the answer: checked, and of no effect on matching.
fn check_response_type(raw: &RawParameters) -> Result<(), Refusal> {
    match raw.optional("newOrderRespType")? {
        None | Some("ACK" | "RESULT" | "FULL") => Ok(()),
        Some(_) => Err(invalid("newOrderRespType")),
    }
}

fn size(raw: &RawParameters, names: &Names) -> Result<OrderSize, Refusal> {
    let Some(quantity) = names.quantity else { return Ok(OrderSize::Received) };
    let quote = names.quote_quantity.map(|name| optional_decimal(raw, name)).transpose()?.flatten();
    match (optional_decimal(raw, quantity)?, quote) {
        (Some(units), _) => Ok(OrderSize::Base(Quantity::from_units(units))),
        (None, Some(units)) => Ok(OrderSize::Quote(Amount::from_units(units.into()))),
        (None, None) => Err(missing(quantity)),
    }
}

fn trigger(raw: &RawParameters, names: &Names, order_type: OrderType) -> Result<Option<Trigger>, Refusal> {
    let kind = match order_type {
        OrderType::StopLoss | OrderType::StopLossLimit => TriggerKind::StopLoss,
        OrderType::TakeProfit | OrderType::TakeProfitLimit => TriggerKind::TakeProfit,
        OrderType::Limit | OrderType::Market | OrderType::LimitMaker => return Ok(None),
    };
    let trailing_delta = match optional_whole::<u32>(raw, names.trailing_delta)? {
        Some(0) => return Err(invalid(names.trailing_delta)),
        delta => delta,
    };
    let stop_price = optional_decimal(raw, names.stop_price)?.map(Price::from_units);
    Ok(Some(Trigger { kind, stop_price, trailing_delta }))
}

/// `faqs/pegged_orders.md` and `rest-api.md`, Pegged Orders Info.
fn peg(raw: &RawParameters, names: &Names, order_type: OrderType) -> Result<Option<Peg>, Refusal> {
    let (kind, offset) = (raw.optional(names.peg_offset_type)?, raw.optional(names.peg_offset_value)?);
    let Some(word) = raw.optional(names.peg_price_type)? else {
        let stray = [(kind, names.peg_offset_type), (offset, names.peg_offset_value)];
        return match stray.iter().find(|(sent, _)| sent.is_some()) {
            Some((_, name)) => Err(not_required(name)),
            None => Ok(None),
        };
    };
    if order_type.is_market() {
        return Err(Refusal::new(-1013, "This order type may not use pegged price."));
    }
    let price_type = PegPriceType::from_word(word).ok_or(Refusal::new(-1210, "Invalid pegPriceType."))?;
    if kind.is_some_and(|word| word != "PRICE_LEVEL") {
        return Err(Refusal::new(-1211, "Invalid pegOffsetType."));
    }
    if kind.is_some() != offset.is_some() {
        let (kind, value) = (names.peg_offset_type, names.peg_offset_value);
        let advice = format!("Recommendation: '{kind}' and '{value}' must both be sent.");
        return Err(Refusal::naming(-1128, format!("Combination of optional fields invalid. {advice}")));
    }
    if order_type == OrderType::LimitMaker && price_type == PegPriceType::Market {
        return Err(Refusal::new(-1013, "This price peg cannot be used with this order type."));
    }
    let offset = match offset {
        None => None,
        Some(text) => match whole::<u64>(names.peg_offset_value, text)? {
            level @ 0..=PEG_OFFSET_MAX => Some(level as u8),
            _ => {
                let name = names.peg_offset_value;
                let text = format!("'{name}' contains unexpected value. Cannot be greater than {PEG_OFFSET_MAX}.");
                return Err(Refusal::naming(-1102, text));
            }
        },
    };
    Ok(Some(Peg { price_type, offset }))
}

fn strategy_type(raw: &RawParameters, names: &Names) -> Result<Option<u32>, Refusal> {
    // An INT of the exchange.
    match optional_whole::<i32>(raw, names.strategy_type)?.map(i32::unsigned_abs) {
        Some(kind) if kind < 1_000_000 => Err(Refusal::new(-1134, "strategyType was less than 1000000.")),
        kind => Ok(kind),
    }
}
