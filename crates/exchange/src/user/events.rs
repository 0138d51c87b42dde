//! Events of an account as the exchange writes them (`user-data-stream.md`).
//!
//! For: their JSON. Not for: who is told, and what is around them.

use candlewick_binance::wire::time_number;
use candlewick_model::{Amount, Asset, Balance, ExecutionReport, Field, ListStatus, TimeUnit, Timestamp};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

/// Something that an account is told.
#[derive(Debug)]
pub(super) enum Event<'a> {
    /// An order has changed.
    Report(&'a ExecutionReport),
    /// An order list has changed.
    List(&'a ListStatus),
    /// So much is held of what may have changed, since then.
    Position { time: Timestamp, balances: Vec<(Asset, Balance)> },
    /// So much was paid in, or out where it is negative, just now.
    Paid { asset: Asset, amount: Amount },
    /// A subscription has ended.
    Terminated,
    /// A listen key has.
    KeyExpired(&'a str),
}

/// The names of all.
pub(crate) const NAMES: [&str; 6] = [
    "executionReport",
    "listStatus",
    "outboundAccountPosition",
    "balanceUpdate",
    "eventStreamTerminated",
    "listenKeyExpired",
];

impl Event<'_> {
    /// Its JSON, told now, with times in a unit.
    pub(super) fn text(&self, now: Timestamp, unit: TimeUnit) -> String {
        serde_json::to_string(&Told { event: self, now, unit }).expect("events are plain data")
    }

    pub(super) fn name(&self) -> &'static str {
        NAMES[match self {
            Self::Report(_) => 0,
            Self::List(_) => 1,
            Self::Position { .. } => 2,
            Self::Paid { .. } => 3,
            Self::Terminated => 4,
            Self::KeyExpired(_) => 5,
        }]
    }
}

struct Told<'a> {
    event: &'a Event<'a>,
    now: Timestamp,
    unit: TimeUnit,
}

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = |time: Timestamp| time_number(time, self.unit);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("e", self.event.name())?;
        map.serialize_entry("E", &time(self.now))?;
        match self.event {
            Event::Report(report) => {
                for (name, field) in report.fields() {
                    match field {
                        // Nothing was paid, in no asset.
                        Field::Decimal(Amount::ZERO) if name == "n" && report.fill.is_none() => {
                            map.serialize_entry(name, "0")?;
                        }
                        Field::Text(text) => map.serialize_entry(name, &text)?,
                        Field::Decimal(amount) => map.serialize_entry(name, &amount)?,
                        Field::Number(number) => map.serialize_entry(name, &number)?,
                        Field::Time(instant) => map.serialize_entry(name, &time(instant))?,
                        Field::Flag(flag) => map.serialize_entry(name, &flag)?,
                        Field::Null => map.serialize_entry(name, &())?,
                    }
                }
            }
            Event::List(list) => {
                map.serialize_entry("s", &list.symbol)?;
                map.serialize_entry("g", &list.order_list_id)?;
                map.serialize_entry("c", &list.contingency_type)?;
                map.serialize_entry("l", &list.list_status_type)?;
                map.serialize_entry("L", &list.list_order_status)?;
                map.serialize_entry("r", "NONE")?;
                map.serialize_entry("C", &list.list_client_order_id)?;
                map.serialize_entry("T", &time(list.time))?;
                map.serialize_entry("O", &orders(list))?;
            }
            Event::Position { time: since, balances } => {
                map.serialize_entry("u", &time(*since))?;
                map.serialize_entry("B", &balances.iter().map(balance).collect::<Vec<_>>())?;
            }
            Event::Paid { asset, amount } => {
                map.serialize_entry("a", asset)?;
                map.serialize_entry("d", amount)?;
                map.serialize_entry("T", &time(self.now))?;
            }
            Event::Terminated => {}
            Event::KeyExpired(key) => map.serialize_entry("listenKey", key)?,
        }
        map.end()
    }
}

fn orders(list: &ListStatus) -> Vec<Value> {
    list.orders.iter().map(|(id, name)| json!({ "s": list.symbol, "i": id, "c": name })).collect()
}

fn balance((asset, Balance { free, locked }): &(Asset, Balance)) -> Value {
    json!({ "a": asset, "f": free, "l": locked })
}
