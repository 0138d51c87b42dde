//! Orders as REST shows them: the answers of placing, cancelling and asking.

use candlewick_model::{
    Amount, Asset, ClientOrderId, Fill, Order, OrderId, OrderStatus, OrderType, Price, Quantity, RawParameters,
    SelfTradePrevention, Side, Symbol, TimeInForce, TimeUnit, TradeId,
};
use serde::{Deserialize, Serialize};

use super::{Conditional, list_number, list_of, time, time_number};

/// How much an answer to a new order tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseType {
    /// That it was accepted.
    Ack,
    /// And where it stands.
    Result,
    /// And its fills.
    Full,
}

impl ResponseType {
    /// What the parameters of a new order ask for; MARKET and LIMIT give FULL where they do
    /// not say, the others ACK.
    #[must_use]
    pub fn asked_for(parameters: &RawParameters) -> Self {
        match (parameters.get("newOrderRespType"), parameters.get("type")) {
            (Some("ACK"), _) => Self::Ack,
            (Some("RESULT"), _) => Self::Result,
            (Some("FULL"), _) | (None, Some("MARKET" | "LIMIT")) => Self::Full,
            _ => Self::Ack,
        }
    }
}

/// The answer of `POST /api/v3/order`: ACK, with `result` RESULT, with `fills` FULL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct Placed {
    pub symbol: Symbol,
    pub order_id: OrderId,
    pub order_list_id: i64,
    pub client_order_id: ClientOrderId,
    pub transact_time: i64,
    #[serde(flatten)]
    pub result: Option<PlacedResult>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fills: Option<Vec<PlacedFill>>,
}

/// What RESULT adds to ACK.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct PlacedResult {
    pub price: Price,
    /// Not told of an order that gets what another one buys (OPO).
    #[serde(default, skip_serializing_if = "is_not_known")]
    pub orig_qty: Quantity,
    pub executed_qty: Quantity,
    #[serde(default)]
    pub orig_quote_order_qty: Amount,
    pub cummulative_quote_qty: Amount,
    pub status: OrderStatus,
    pub time_in_force: TimeInForce,
    #[serde(rename = "type")]
    pub order_type: OrderType,
    pub side: Side,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_price: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iceberg_qty: Option<Quantity>,
    /// -1 until it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_time: Option<i64>,
    pub self_trade_prevention_mode: SelfTradePrevention,
    #[serde(flatten)]
    pub conditional: Conditional,
}

/// One fill of a FULL answer: always one that took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct PlacedFill {
    pub price: Price,
    pub qty: Quantity,
    pub commission: Amount,
    pub commission_asset: Asset,
    pub trade_id: TradeId,
}

impl From<&Fill> for PlacedFill {
    fn from(fill: &Fill) -> Self {
        Self {
            price: fill.price,
            qty: fill.quantity,
            commission: fill.commission,
            commission_asset: fill.commission_asset,
            trade_id: fill.trade_id,
        }
    }
}

impl Placed {
    /// The answer that tells of an order which has just been taken up.
    #[must_use]
    pub fn of(
        order: &Order,
        fills: &[Fill],
        prevented_match_id: Option<u64>,
        response: ResponseType,
        unit: TimeUnit,
    ) -> Self {
        let told = response != ResponseType::Ack;
        Self {
            symbol: order.symbol,
            order_id: order.order_id,
            order_list_id: list_number(order.order_list_id),
            client_order_id: order.client_order_id,
            transact_time: time_number(order.updated, unit),
            result: told.then(|| PlacedResult {
                price: order.price,
                orig_qty: order.quantity,
                executed_qty: order.filled_quantity,
                orig_quote_order_qty: order.quote_order_quantity,
                cummulative_quote_qty: order.filled_quote,
                status: order.status,
                time_in_force: order.time_in_force,
                order_type: order.order_type,
                side: order.side,
                stop_price: stop_price(order),
                iceberg_qty: iceberg_quantity(order),
                working_time: Some(working_time(order, unit)),
                self_trade_prevention_mode: order.self_trade_prevention,
                conditional: Conditional::of(order, prevented_match_id, unit),
            }),
            fills: (response == ResponseType::Full).then(|| fills.iter().map(PlacedFill::from).collect()),
        }
    }
}

fn is_not_known(quantity: &Quantity) -> bool {
    quantity.is_zero()
}

/// Told of orders that have one.
pub(super) fn stop_price(order: &Order) -> Option<Price> {
    order.order_type.is_contingent().then_some(order.stop_price)
}

/// Told of orders that were sent with one.
pub(super) fn iceberg_quantity(order: &Order) -> Option<Quantity> {
    Some(order.iceberg_quantity).filter(|quantity| !quantity.is_zero())
}

/// Since when it is on the book; -1 where it is not yet.
fn working_time(order: &Order, unit: TimeUnit) -> i64 {
    order.working_time.map_or(-1, |since| time_number(since, unit))
}

/// The answer of `DELETE /api/v3/order`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct Cancelled {
    pub symbol: Symbol,
    pub orig_client_order_id: ClientOrderId,
    pub order_id: OrderId,
    pub order_list_id: i64,
    /// The name of the cancel.
    pub client_order_id: ClientOrderId,
    pub transact_time: i64,
    pub price: Price,
    pub orig_qty: Quantity,
    pub executed_qty: Quantity,
    #[serde(default)]
    pub orig_quote_order_qty: Amount,
    pub cummulative_quote_qty: Amount,
    pub status: OrderStatus,
    pub time_in_force: TimeInForce,
    #[serde(rename = "type")]
    pub order_type: OrderType,
    pub side: Side,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_price: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iceberg_qty: Option<Quantity>,
    pub self_trade_prevention_mode: SelfTradePrevention,
    #[serde(flatten)]
    pub conditional: Conditional,
}

impl Cancelled {
    /// The answer that tells of an order which has just been cancelled under a name.
    #[must_use]
    pub fn of(order: &Order, cancel_name: ClientOrderId, unit: TimeUnit) -> Self {
        Self {
            symbol: order.symbol,
            orig_client_order_id: order.client_order_id,
            order_id: order.order_id,
            order_list_id: list_number(order.order_list_id),
            client_order_id: cancel_name,
            transact_time: time_number(order.updated, unit),
            price: order.price,
            orig_qty: order.quantity,
            executed_qty: order.filled_quantity,
            orig_quote_order_qty: order.quote_order_quantity,
            cummulative_quote_qty: order.filled_quote,
            status: order.status,
            time_in_force: order.time_in_force,
            order_type: order.order_type,
            side: order.side,
            stop_price: stop_price(order),
            iceberg_qty: iceberg_quantity(order),
            self_trade_prevention_mode: order.self_trade_prevention,
            conditional: Conditional::of(order, None, unit),
        }
    }
}

/// The answer of `GET /api/v3/order`, and one entry of `GET /api/v3/openOrders`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct OrderState {
    pub symbol: Symbol,
    pub order_id: OrderId,
    pub order_list_id: i64,
    pub client_order_id: ClientOrderId,
    pub price: Price,
    pub orig_qty: Quantity,
    pub executed_qty: Quantity,
    pub cummulative_quote_qty: Amount,
    pub status: OrderStatus,
    pub time_in_force: TimeInForce,
    #[serde(rename = "type")]
    pub order_type: OrderType,
    pub side: Side,
    #[serde(default)]
    pub stop_price: Price,
    #[serde(default)]
    pub iceberg_qty: Quantity,
    pub time: i64,
    pub update_time: i64,
    pub is_working: bool,
    /// -1 until it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_time: Option<i64>,
    #[serde(default)]
    pub orig_quote_order_qty: Amount,
    pub self_trade_prevention_mode: SelfTradePrevention,
    #[serde(flatten)]
    pub conditional: Conditional,
}

impl OrderState {
    /// An order as it stands, with the last match that was prevented, times in a unit.
    #[must_use]
    pub fn of(order: &Order, prevented_match_id: Option<u64>, unit: TimeUnit) -> Self {
        Self {
            symbol: order.symbol,
            order_id: order.order_id,
            order_list_id: list_number(order.order_list_id),
            client_order_id: order.client_order_id,
            price: order.price,
            orig_qty: order.quantity,
            executed_qty: order.filled_quantity,
            cummulative_quote_qty: order.filled_quote,
            status: order.status,
            time_in_force: order.time_in_force,
            order_type: order.order_type,
            side: order.side,
            stop_price: order.stop_price,
            iceberg_qty: order.iceberg_quantity,
            time: time_number(order.created, unit),
            update_time: time_number(order.updated, unit),
            is_working: order.working_time.is_some(),
            working_time: Some(working_time(order, unit)),
            orig_quote_order_qty: order.quote_order_quantity,
            self_trade_prevention_mode: order.self_trade_prevention,
            conditional: Conditional::of(order, prevented_match_id, unit),
        }
    }

    /// The order in the model's words; `None` where a time is no plausible one.
    #[must_use]
    pub fn order(&self) -> Option<Order> {
        let told = Order::told(
            (self.order_id, self.client_order_id),
            (self.symbol, self.side),
            (self.order_type, self.time_in_force),
            (self.price, self.stop_price),
            time(self.time)?,
        );
        let mut order = Order {
            order_list_id: list_of(self.order_list_id),
            iceberg_quantity: self.iceberg_qty,
            quantity: self.orig_qty,
            quote_order_quantity: self.orig_quote_order_qty,
            filled_quantity: self.executed_qty,
            filled_quote: self.cummulative_quote_qty,
            status: self.status,
            updated: time(self.update_time)?,
            working_time: self.working_time.and_then(time),
            self_trade_prevention: self.self_trade_prevention_mode,
            ..told
        };
        self.conditional.put_into(&mut order);
        Some(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULT: &str = r#""price":"0.00000000","origQty":"10.00000000","executedQty":"10.00000000",
        "origQuoteOrderQty":"0.000000","cummulativeQuoteQty":"10.00000000","status":"FILLED","timeInForce":"GTC",
        "type":"MARKET","side":"SELL","workingTime":1507725176595,"selfTradePreventionMode":"NONE""#;
    const ACK: &str = r#""symbol":"BTCUSDT","orderId":28,"orderListId":-1,
        "clientOrderId":"6gCrw2kRUAF9CvJDGP16IP","transactTime":1507725176595"#;

    #[test]
    fn the_three_documented_answers_are_told_apart() {
        let read = |text: String| serde_json::from_str::<Placed>(&text).unwrap();
        let ack = read(format!("{{{ACK}}}"));
        assert_eq!((ack.order_id, ack.result.is_none(), ack.fills.is_none()), (28, true, true));
        let result = read(format!("{{{ACK},{RESULT}}}"));
        assert_eq!(result.result.unwrap().status, OrderStatus::Filled);
        let fill = r#"{"price":"4000.00000000","qty":"1.00000000","commission":"4.00000000","commissionAsset":"USDT","tradeId":56}"#;
        let full = read(format!("{{{ACK},{RESULT},\"fills\":[{fill}]}}"));
        assert_eq!(full.fills.as_ref().unwrap()[0].trade_id, 56);
        let written = serde_json::to_string(&full).unwrap();
        assert_eq!(serde_json::from_str::<Placed>(&written).unwrap(), full);
        assert!(written.ends_with(&format!(",\"fills\":[{fill}]}}")), "{written}");
    }

    #[test]
    fn an_order_comes_back_in_either_unit() {
        let text = r#"{"symbol":"LTCBTC","orderId":1,"orderListId":-1,"clientOrderId":"myOrder1","price":"0.1",
            "origQty":"1.0","executedQty":"0.0","cummulativeQuoteQty":"0.0","status":"NEW","timeInForce":"GTC",
            "type":"LIMIT","side":"BUY","stopPrice":"0.0","icebergQty":"0.0","time":1499827319559,
            "updateTime":1499827319559,"isWorking":true,"workingTime":1499827319559,
            "origQuoteOrderQty":"0.000000","selfTradePreventionMode":"NONE"}"#;
        let order = serde_json::from_str::<OrderState>(text).unwrap().order().unwrap();
        assert_eq!(order.price.to_string(), "0.10000000");
        for unit in [TimeUnit::Milliseconds, TimeUnit::Microseconds] {
            assert_eq!(OrderState::of(&order, None, unit).order(), Some(order));
        }
        let written = serde_json::to_string(&OrderState::of(&order, None, TimeUnit::Milliseconds)).unwrap();
        assert!(!written.contains("expiryReason"), "shown only for expired orders: {written}");
    }

    #[test]
    fn the_kind_of_answer_follows_the_parameters() {
        let asked = |pairs: &[(&str, &str)]| ResponseType::asked_for(&pairs.iter().copied().collect());
        assert_eq!(asked(&[("type", "LIMIT")]), ResponseType::Full);
        assert_eq!(asked(&[("type", "LIMIT_MAKER")]), ResponseType::Ack);
        assert_eq!(asked(&[("type", "LIMIT_MAKER"), ("newOrderRespType", "FULL")]), ResponseType::Full);
        assert_eq!(asked(&[("type", "MARKET"), ("newOrderRespType", "RESULT")]), ResponseType::Result);
    }
}
