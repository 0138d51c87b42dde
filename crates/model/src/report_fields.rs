//! The fields of an execution report as the exchange names them (`user-data-stream.md`, Order
//! Update): one place for whoever tells them, as JSON or otherwise.
//!
//! For: which fields there are, and what stands in them. Not for: writing them; event time and
//! subscription are the stream's.

use crate::execution::ExecutionReport;
use crate::number::{Amount, Price, Quantity};
use crate::order::{ExecutionType, Liquidity};
use crate::time::Timestamp;

/// What stands in a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// A name or a word of the exchange.
    Text(String),
    /// A decimal, which JSON has as a text.
    Decimal(Amount),
    /// A number; -1 is none.
    Number(i64),
    /// An instant; the stream has milliseconds or microseconds.
    Time(Timestamp),
    /// Yes or no.
    Flag(bool),
    /// Nothing: `null`.
    Null,
}

impl ExecutionReport {
    /// All of its fields, those that appear only at times where they do.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, Field)> {
        let mut fields = self.of_every_report();
        self.add_conditional(&mut fields);
        fields
    }

    /// A cancel tells its own name and, as the original one, that of the order; an amendment the
    /// new and the old one.
    fn names(&self) -> (String, String) {
        let own = self.order.client_order_id;
        let (name, original) = match self.execution_type {
            ExecutionType::Replaced => (own, Some(self.cancel_client_order_id.unwrap_or(own))),
            ExecutionType::Canceled => (self.cancel_name(), Some(own)),
            _ => (own, None),
        };
        (name.to_string(), original.map(|name| name.to_string()).unwrap_or_default())
    }

    fn of_every_report(&self) -> Vec<(&'static str, Field)> {
        let (o, (name, original)) = (&self.order, self.names());
        let text = |text: &dyn std::fmt::Display| Field::Text(text.to_string());
        let fill = self.fill;
        let of_fill = |part: Option<Amount>| Field::Decimal(part.unwrap_or(Amount::ZERO));
        vec![
            ("s", text(&o.symbol)),
            ("c", Field::Text(name)),
            ("S", text(&o.side)),
            ("o", text(&o.order_type)),
            ("f", text(&o.time_in_force)),
            ("q", decimal(o.quantity)),
            ("p", of_price(o.price)),
            ("P", of_price(o.stop_price)),
            ("F", decimal(o.iceberg_quantity)),
            ("g", Field::Number(o.order_list_id.map_or(-1, number))),
            ("C", Field::Text(original)),
            ("x", text(&self.execution_type)),
            ("X", text(&o.status)),
            ("r", Field::Text(self.reject_reason.map_or_else(|| "NONE".to_owned(), |reason| reason.to_string()))),
            ("i", Field::Number(number(o.order_id))),
            ("l", of_fill(fill.map(|fill| fill.quantity.into()))),
            ("z", decimal(o.filled_quantity)),
            ("L", fill.map_or(Field::Decimal(Amount::ZERO), |fill| of_price(fill.price))),
            ("n", of_fill(fill.map(|fill| fill.commission))),
            ("N", fill.map_or(Field::Null, |fill| text(&fill.commission_asset))),
            ("T", Field::Time(self.time)),
            ("t", Field::Number(fill.map_or(-1, |fill| number(fill.trade_id)))),
            ("I", Field::Number(number(self.execution_id))),
            ("w", Field::Flag(o.is_on_book())),
            ("m", Field::Flag(fill.is_some_and(|fill| fill.liquidity == Liquidity::Maker))),
            ("M", Field::Flag(false)),
            ("O", Field::Time(o.created)),
            ("Z", Field::Decimal(o.filled_quote)),
            ("Y", of_fill(fill.map(|fill| fill.quote_quantity))),
            ("Q", Field::Decimal(o.quote_order_quantity)),
            ("V", text(&o.self_trade_prevention)),
        ]
    }

    /// `user-data-stream.md`, Conditional Fields in Execution Report.
    fn add_conditional(&self, fields: &mut Vec<(&'static str, Field)>) {
        let (o, prevented) = (&self.order, self.prevented);
        let mut tell = |name, value: Option<Field>| fields.extend(value.map(|value| (name, value)));
        tell("W", o.working_time.map(Field::Time));
        tell("d", o.trailing_delta.map(|delta| Field::Number(delta.into())));
        tell("D", o.trailing_time.map(Field::Time));
        tell("j", o.strategy_id.map(|id| Field::Number(number(id))));
        tell("J", o.strategy_type.map(|kind| Field::Number(number(kind))));
        tell("v", prevented.map(|p| Field::Number(number(p.match_id))));
        let is_prevented = prevented.is_some() || !o.prevented_quantity.is_zero();
        tell("A", is_prevented.then(|| decimal(o.prevented_quantity)));
        tell("B", prevented.map(|p| decimal(p.quantity)));
        // One account is one group.
        tell("u", prevented.map(|_| Field::Number(1)));
        tell("U", prevented.map(|p| Field::Number(number(p.counter_order_id))));
        tell("Cs", prevented.map(|_| Field::Text(o.symbol.to_string())));
        tell("pl", prevented.map(|p| decimal(p.match_quantity)));
        tell("pL", prevented.map(|p| of_price(p.price)));
        tell("pY", prevented.map(|p| Field::Decimal(p.price.notional_floor(p.match_quantity))));
        tell("gP", o.peg.map(|peg| Field::Text(peg.price_type.to_string())));
        let level = o.peg.and_then(|peg| peg.offset);
        tell("gOT", level.map(|_| Field::Text("PRICE_LEVEL".to_owned())));
        tell("gOV", level.map(|level| Field::Number(level.into())));
        tell("gp", Some(o.pegged_price).filter(|price| !price.is_zero()).map(of_price));
        tell("eR", o.expiry_reason.map(|reason| Field::Text(reason.to_string())));
    }
}

fn decimal(quantity: Quantity) -> Field {
    Field::Decimal(quantity.into())
}

fn of_price(price: Price) -> Field {
    Field::Decimal(Amount::from_units(price.units().into()))
}

/// Numbers of the venue begin at 1 and are given one by one; those of a sender are a LONG.
fn number(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
