//! Orders, trades, lists, prevented matches and amendments as reports leave them, in the members
//! that REST documents for them. Written down a second time here, from the documents and from the
//! fields of execution reports, so that neither side can be wrong alone.

use std::collections::BTreeMap;

use candlewick_model::{ExecutionReport, Field, ListStatus};
use candlewick_simulator::VenueEvent;
use serde_json::{Map, Value, json};

/// The fields of a report.
pub(super) type Fields = BTreeMap<&'static str, Field>;

/// Members of every answer about an order, by the fields that they follow from.
const OF_ALL: &[(&str, &str)] = &[
    ("symbol", "s"),
    ("orderId", "i"),
    ("orderListId", "g"),
    ("price", "p"),
    ("origQty", "q"),
    ("executedQty", "z"),
    ("origQuoteOrderQty", "Q"),
    ("cummulativeQuoteQty", "Z"),
    ("status", "X"),
    ("timeInForce", "f"),
    ("type", "o"),
    ("side", "S"),
    ("selfTradePreventionMode", "V"),
];

/// Members that appear only where their fields do.
const CONDITIONAL: &[(&str, &str)] = &[
    ("preventedMatchId", "v"),
    ("preventedQuantity", "A"),
    ("strategyId", "j"),
    ("strategyType", "J"),
    ("trailingDelta", "d"),
    ("pegPriceType", "gP"),
    ("pegOffsetType", "gOT"),
    ("pegOffsetValue", "gOV"),
    ("peggedPrice", "gp"),
    ("expiryReason", "eR"),
];

const OF_TRADES: &[(&str, &str)] = &[
    ("symbol", "s"),
    ("id", "t"),
    ("orderId", "i"),
    ("orderListId", "g"),
    ("price", "L"),
    ("qty", "l"),
    ("quoteQty", "Y"),
    ("commission", "n"),
    ("commissionAsset", "N"),
    ("time", "T"),
    ("isMaker", "m"),
];

const OF_FILLS: &[(&str, &str)] =
    &[("price", "L"), ("qty", "l"), ("commission", "n"), ("commissionAsset", "N"), ("tradeId", "t")];

#[derive(Default)]
pub(super) struct Reports {
    /// By number, as the last report of each leaves it.
    pub(super) orders: BTreeMap<u64, Fields>,
    /// By number, as it was told of last.
    pub(super) lists: BTreeMap<u64, ListStatus>,
    trades: Vec<Fields>,
    prevented: Vec<Fields>,
    amendments: Vec<Value>,
}

impl Reports {
    pub(super) fn take_in(&mut self, event: &VenueEvent) {
        match event {
            VenueEvent::Report(report) => self.take_in_report(report),
            VenueEvent::ListStatus(list) => drop(self.lists.insert(list.order_list_id, list.clone())),
            VenueEvent::Refused { .. } | VenueEvent::Tested { .. } => {}
        }
    }

    fn take_in_report(&mut self, report: &ExecutionReport) {
        let mut fields = fields(report);
        let before = self.orders.get(&report.order.order_id);
        match text(&fields, "x") {
            "TRADE" => self.trades.push(fields.clone()),
            "TRADE_PREVENTION" => self.prevented.push(fields.clone()),
            "REPLACED" => {
                let mut amendment = members(&fields, &[("symbol", "s"), ("orderId", "i"), ("executionId", "I")]);
                amendment.extend(members(&fields, &[("origClientOrderId", "C"), ("newClientOrderId", "c")]));
                amendment.extend(members(&fields, &[("newQty", "q"), ("time", "T")]));
                amendment.insert("origQty".to_owned(), json_of(&before.expect("it was placed")["q"]));
                self.amendments.push(amendment.into());
            }
            _ => {}
        }
        // The last prevented match stays with the order.
        if let Some(known) = before.and_then(|before| before.get("v")).filter(|_| !fields.contains_key("v")) {
            fields.insert("v", known.clone());
        }
        self.orders.insert(report.order.order_id, fields);
    }

    /// An order that is asked for.
    pub(super) fn order(&self, id: u64) -> Value {
        let fields = &self.orders[&id];
        let mut order = members(fields, OF_ALL);
        order.extend(members(fields, &[("stopPrice", "P"), ("icebergQty", "F"), ("time", "O"), ("updateTime", "T")]));
        order.insert("clientOrderId".to_owned(), name(fields).into());
        order.insert("isWorking".to_owned(), fields.contains_key("W").into());
        order.insert("workingTime".to_owned(), time_or_none(fields, "W"));
        order.extend(conditional(fields));
        order.into()
    }

    pub(super) fn is_open(&self, id: u64) -> bool {
        ["NEW", "PARTIALLY_FILLED", "PENDING_NEW"].contains(&text(&self.orders[&id], "X"))
    }

    /// All trades, as they are asked for.
    pub(super) fn trades(&self) -> Vec<Value> {
        let told = |fields: &Fields| {
            let mut trade = members(fields, OF_TRADES);
            trade.insert("isBuyer".to_owned(), (text(fields, "S") == "BUY").into());
            trade.insert("isBestMatch".to_owned(), true.into());
            trade.into()
        };
        self.trades.iter().map(told).collect()
    }

    /// The amendments of an order.
    pub(super) fn amendments(&self, id: u64) -> Vec<Value> {
        self.amendments.iter().filter(|amendment| amendment["orderId"] == id).cloned().collect()
    }

    /// The prevented matches of an order, the taker's side as it is said which one that is.
    pub(super) fn prevented_matches(&self, id: u64, taker_of: impl Fn(u64) -> u64) -> Vec<Value> {
        let mut matches: BTreeMap<u64, Map<String, Value>> = BTreeMap::new();
        for fields in &self.prevented {
            let [own, other, number] = ["i", "U", "v"].map(|field| json_of(&fields[field]).as_u64().unwrap());
            if ![own, other].contains(&id) {
                continue;
            }
            let (taker, symbol) = (taker_of(number), json_of(&fields["s"]));
            let told = matches.entry(number).or_insert_with(|| {
                let mut told = members(fields, &[("preventedMatchId", "v"), ("price", "pL"), ("transactTime", "T")]);
                let maker = if own == taker { other } else { own };
                told.extend(members(fields, &[("symbol", "s"), ("makerSymbol", "s")]));
                told.insert("takerOrderId".to_owned(), taker.into());
                told.insert("makerOrderId".to_owned(), maker.into());
                told.insert("tradeGroupId".to_owned(), 1.into());
                told
            });
            assert_eq!(told["symbol"], symbol);
            let side = if own == taker { "takerPreventedQuantity" } else { "makerPreventedQuantity" };
            told.insert(side.to_owned(), json_of(&fields["B"]));
        }
        matches.into_values().map(Value::from).collect()
    }
}

pub(super) fn fields(report: &ExecutionReport) -> Fields {
    report.fields().into_iter().collect()
}

/// A new order, as its answer tells of it: RESULT, without its fills.
pub(super) fn placed(fields: &Fields) -> Map<String, Value> {
    let mut placed = acknowledged(fields);
    placed.extend(members(fields, OF_ALL));
    // Not known yet of an order that gets what another one buys.
    placed.retain(|name, value| name != "origQty" || *value != "0.00000000");
    placed.insert("workingTime".to_owned(), time_or_none(fields, "W"));
    placed.extend(where_they_apply(fields));
    placed
}

/// A new order: ACK.
pub(super) fn acknowledged(fields: &Fields) -> Map<String, Value> {
    let mut placed = members(fields, &[("symbol", "s"), ("orderId", "i"), ("orderListId", "g"), ("transactTime", "T")]);
    placed.insert("clientOrderId".to_owned(), name(fields).into());
    placed
}

pub(super) fn fill(fields: &Fields) -> Value {
    members(fields, OF_FILLS).into()
}

/// A cancelled order; `cancel` is what the cancel was called.
pub(super) fn cancelled(fields: &Fields) -> Value {
    let mut cancelled = members(fields, OF_ALL);
    cancelled.extend(members(fields, &[("clientOrderId", "c"), ("origClientOrderId", "C"), ("transactTime", "T")]));
    cancelled.extend(where_they_apply(fields));
    cancelled.into()
}

/// An amended order.
pub(super) fn amended(fields: &Fields) -> Value {
    let mut order = members(fields, OF_ALL);
    let renamed =
        [("origQty", "qty"), ("cummulativeQuoteQty", "cumulativeQuoteQty"), ("origQuoteOrderQty", "quoteOrderQty")];
    for (of_orders, here) in renamed {
        let value = order.remove(of_orders).unwrap();
        order.insert(here.to_owned(), value);
    }
    order.extend(members(fields, &[("clientOrderId", "c"), ("origClientOrderId", "C")]));
    let prevented = fields.get("A").map_or(json!("0.00000000"), json_of);
    order.insert("preventedQty".to_owned(), prevented);
    if fields.contains_key("W") {
        order.extend(members(fields, &[("workingTime", "W")]));
    }
    order.extend(where_they_apply(fields));
    order.into()
}

/// A list as it stands.
pub(super) fn list(list: &ListStatus) -> Map<String, Value> {
    let orders = list.orders.iter().map(
        |(id, name)| json!({ "symbol": list.symbol.to_string(), "orderId": id, "clientOrderId": name.to_string() }),
    );
    let told = json!({
        "orderListId": list.order_list_id,
        "contingencyType": list.contingency_type.to_string(),
        "listStatusType": list.list_status_type.to_string(),
        "listOrderStatus": list.list_order_status.to_string(),
        "listClientOrderId": list.list_client_order_id.to_string(),
        "transactionTime": list.time.millis(),
        "symbol": list.symbol.to_string(),
        "orders": orders.collect::<Vec<_>>(),
    });
    let Value::Object(told) = told else { unreachable!("made above") };
    told
}

/// A cancel tells the order's name as the original one.
fn name(fields: &Fields) -> &str {
    if text(fields, "x") == "CANCELED" { text(fields, "C") } else { text(fields, "c") }
}

pub(super) fn text<'a>(fields: &'a Fields, field: &str) -> &'a str {
    match fields.get(field) {
        Some(Field::Text(text)) => text,
        other => panic!("{field} is {other:?}"),
    }
}

fn members(fields: &Fields, named: &[(&str, &str)]) -> Map<String, Value> {
    named.iter().map(|(member, field)| ((*member).to_owned(), json_of(&fields[field]))).collect()
}

fn conditional(fields: &Fields) -> Map<String, Value> {
    let there: Vec<_> = CONDITIONAL.iter().filter(|(_, field)| fields.contains_key(field)).copied().collect();
    let mut conditional = members(fields, &there);
    if fields.contains_key("d") {
        conditional.insert("trailingTime".to_owned(), time_or_none(fields, "D"));
    }
    conditional
}

/// What answers about one order have beside those, where it applies.
fn where_they_apply(fields: &Fields) -> Map<String, Value> {
    let mut there = conditional(fields);
    if text(fields, "o").contains("STOP_LOSS") || text(fields, "o").contains("TAKE_PROFIT") {
        there.extend(members(fields, &[("stopPrice", "P")]));
    }
    if fields["F"] != Field::Decimal(candlewick_model::Amount::ZERO) {
        there.extend(members(fields, &[("icebergQty", "F")]));
    }
    there
}

fn time_or_none(fields: &Fields, field: &str) -> Value {
    fields.get(field).map_or(json!(-1), json_of)
}

fn json_of(field: &Field) -> Value {
    match field {
        Field::Text(text) => text.as_str().into(),
        Field::Decimal(amount) => amount.to_string().into(),
        Field::Number(number) => (*number).into(),
        Field::Time(time) => time.millis().into(),
        Field::Flag(flag) => (*flag).into(),
        Field::Null => Value::Null,
    }
}
