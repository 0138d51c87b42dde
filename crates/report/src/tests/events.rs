//! The exact JSON of every kind of event: these names are promised in `docs/outputs.md`.

use candlewick_model::run::Event;
use candlewick_model::{Action, Command};
use candlewick_model::{
    CancelRequest, ClientOrderId, ExecutionReport, ExecutionType, ExpiryReason, Fill, Liquidity, OrderKind,
    OrderRequest, OrderSize, OrderStatus, RawParameters, Refusal, Side, Symbol, TimeInForce, Timestamp,
};

use super::made::{amount, asset, order, price, quantity};

fn time() -> Timestamp {
    "2024-01-15T12:30:00.000001Z".parse().unwrap()
}

#[track_caller]
fn check(event: &Event, json: &str) {
    assert_eq!(serde_json::to_string(event).unwrap(), json);
}

#[test]
fn sent() {
    let kind = OrderKind::Limit { price: price("12.5"), time_in_force: TimeInForce::Gtc };
    let symbol = Symbol::new("AAAUUU").unwrap();
    let request = OrderRequest {
        client_order_id: Some(ClientOrderId::new("mine").unwrap()),
        ..OrderRequest::new(symbol, Side::Buy, kind, OrderSize::Base(quantity("3")))
    };
    check(
        &Event::Sent { time: time(), command: 7, action: Action::New, parameters: Command::Submit(request) },
        r#"{"event":"sent","time":"2024-01-15T12:30:00.000001Z","command":7,"action":"new","parameters":{"symbol":"AAAUUU","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"3.00000000","price":"12.50000000","newClientOrderId":"mine"}}"#,
    );
    let cancel = CancelRequest {
        symbol: Symbol::new("AAAUUU").unwrap(),
        order_id: Some(3),
        original_client_order_id: None,
        client_order_id: None,
        restrictions: None,
    };
    check(
        &Event::NotSent { time: time(), command: 8, action: Action::Cancel, parameters: Command::Cancel(cancel) },
        r#"{"event":"not_sent","time":"2024-01-15T12:30:00.000001Z","command":8,"action":"cancel","parameters":{"symbol":"AAAUUU","orderId":"3"}}"#,
    );
    let raw: RawParameters = [("side", "SIDEWAYS"), ("quantity", "1e5\"")].into_iter().collect();
    let parameters = Command::Raw(Action::New, Box::new(raw));
    check(
        &Event::Sent { time: time(), command: 9, action: Action::New, parameters },
        r#"{"event":"sent","time":"2024-01-15T12:30:00.000001Z","command":9,"action":"new","parameters":{"side":"SIDEWAYS","quantity":"1e5\""}}"#,
    );
}

#[test]
fn refused() {
    let refusal = Refusal::new(-1013, "Filter failure: LOT_SIZE");
    check(
        &Event::Refused { time: time(), command: 7, action: Action::New, refusal },
        r#"{"event":"refused","time":"2024-01-15T12:30:00.000001Z","command":7,"action":"new","code":-1013,"msg":"Filter failure: LOT_SIZE"}"#,
    );
}

#[test]
fn execution_report() {
    let mut order = order(4, Side::Sell, quantity("2"), amount("25"), time());
    let fill = Fill {
        trade_id: 9,
        price: price("12.5"),
        quantity: quantity("2"),
        quote_quantity: amount("25"),
        commission: amount("0.025"),
        commission_asset: asset("UUU"),
        liquidity: Liquidity::Maker,
    };
    check(
        &Event::ExecutionReport(ExecutionReport {
            fill: Some(fill),
            ..ExecutionReport::of(&order, 0, ExecutionType::Trade)
        }),
        r#"{"event":"execution_report","time":"2024-01-15T12:30:00.000001Z","execution_id":0,"execution_type":"TRADE","order_id":4,"client_order_id":"o4","symbol":"AAAUUU","side":"SELL","order_type":"MARKET","time_in_force":"GTC","price":"0.00000000","quantity":"2.00000000","quote_order_quantity":"0.00000000","filled_quantity":"2.00000000","filled_quote":"25.00000000","status":"FILLED","created":"2024-01-15T12:30:00.000001Z","updated":"2024-01-15T12:30:00.000001Z","expiry_reason":null,"self_trade_prevention":"NONE","fill":{"trade_id":9,"price":"12.50000000","quantity":"2.00000000","quote_quantity":"25.00000000","commission":"0.02500000","commission_asset":"UUU","liquidity":"MAKER"},"cancel_client_order_id":null}"#,
    );
    order.status = OrderStatus::Expired;
    order.expiry_reason = Some(ExpiryReason::InsufficientLiquidity);
    let json = serde_json::to_string(&Event::ExecutionReport(ExecutionReport::of(&order, 0, ExecutionType::Expired)));
    let json = json.unwrap();
    assert!(json.contains(r#""execution_type":"EXPIRED""#), "{json}");
    assert!(json.contains(r#""expiry_reason":"INSUFFICIENT_LIQUIDITY""#), "{json}");
}
