//! The tables of a run as CSV, with column names that do not change (`docs/outputs.md`).
//!
//! For: spreadsheets and data frames: every digit, UTC times, empty cells for what is not
//! there. Not for: figures that follow from the tables (`summary.json`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use candlewick_model::Command;
use candlewick_model::run::{CommandId, Event, Run};
use candlewick_model::{Order, RawParameters};

use crate::statistics::Statistics;
use crate::trips::{RoundTrip, fills};

/// A table under construction: fields are quoted where RFC 4180 asks for it.
struct Table {
    text: String,
    fresh: bool,
}

impl Table {
    fn new(header: &str, rows: usize) -> Self {
        let mut text = String::with_capacity(rows * header.len() + header.len() + 1);
        text.push_str(header);
        text.push('\n');
        Self { text, fresh: true }
    }

    fn separator(&mut self) {
        if !std::mem::take(&mut self.fresh) {
            self.text.push(',');
        }
    }

    /// A field that holds no comma, quote or line break: numbers, times, the exchange's words.
    fn plain(&mut self, value: impl Display) -> &mut Self {
        self.separator();
        write!(self.text, "{value}").expect("a String takes everything");
        self
    }

    fn plain_or_empty(&mut self, value: Option<impl Display>) -> &mut Self {
        match value {
            Some(value) => self.plain(value),
            None => self.plain(""),
        }
    }

    /// A field that may hold anything.
    fn free(&mut self, value: &str) -> &mut Self {
        self.separator();
        self.text.push_str(&quoted(value));
        self
    }

    fn end(&mut self) {
        self.text.push('\n');
        self.fresh = true;
    }
}

fn quoted(value: &str) -> Cow<'_, str> {
    if value.contains([',', '"', '\n', '\r']) {
        Cow::Owned(format!("\"{}\"", value.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(value)
    }
}

pub(crate) fn unless_zero<T: Display>(is_zero: bool, value: T) -> Option<T> {
    (!is_zero).then_some(value)
}

/// `orders.csv`: every order that the venue accepted, in its last state.
#[must_use]
pub fn orders(run: &Run) -> String {
    let mut table = Table::new(
        "order_id,client_order_id,created,updated,symbol,side,type,time_in_force,price,quantity,\
         quote_order_quantity,filled_quantity,filled_quote,average_price,status,expiry_reason,\
         self_trade_prevention,stop_price,trailing_delta",
        run.orders.len(),
    );
    for order in &run.orders {
        let row = table.plain(order.order_id).free(order.client_order_id.as_str());
        row.plain(order.created).plain(order.updated).free(order.symbol.as_str()).plain(order.side);
        row.plain(order.order_type).plain(order.time_in_force);
        row.plain_or_empty(unless_zero(order.price.is_zero(), order.price)).plain(order.quantity);
        row.plain_or_empty(unless_zero(order.quote_order_quantity.is_zero(), order.quote_order_quantity));
        row.plain(order.filled_quantity).plain(order.filled_quote).plain_or_empty(average_price(order));
        row.plain(order.status).plain_or_empty(order.expiry_reason).plain(order.self_trade_prevention);
        row.plain_or_empty(unless_zero(order.stop_price.is_zero(), order.stop_price));
        row.plain_or_empty(order.trailing_delta).end();
    }
    table.text
}

/// What an order's fills came to, over what they were for; rounded down.
#[must_use]
pub fn average_price(order: &Order) -> Option<candlewick_model::Price> {
    crate::trips::average(order.filled_quote.units(), order.filled_quantity.units().into())
}

/// `fills.csv`: every own trade, in order.
#[must_use]
pub fn fill_table(run: &Run) -> String {
    let mut table = Table::new(
        "time,trade_id,order_id,client_order_id,symbol,side,price,quantity,quote_quantity,commission,\
         commission_asset,liquidity",
        run.orders.len(),
    );
    for (report, fill) in fills(run) {
        let row = table.plain(report.time).plain(fill.trade_id).plain(report.order.order_id);
        row.free(report.order.client_order_id.as_str()).free(report.order.symbol.as_str()).plain(report.order.side);
        row.plain(fill.price).plain(fill.quantity).plain(fill.quote_quantity).plain(fill.commission);
        row.free(fill.commission_asset.as_str()).plain(fill.liquidity).end();
    }
    table.text
}

/// A refusal beside what had been asked for.
pub(crate) struct Rejection {
    pub(crate) event: Event,
    pub(crate) parameters: RawParameters,
}

/// Every refused command with its parameters, in order.
pub(crate) fn refused(run: &Run) -> impl Iterator<Item = Rejection> {
    let mut sent: BTreeMap<CommandId, Command> = BTreeMap::new();
    run.events.iter().filter_map(move |event| match event {
        Event::Sent { command, parameters, .. } => {
            sent.insert(command, parameters);
            None
        }
        Event::Refused { command, .. } => {
            let parameters = sent.get(&command).map(Command::parameters).unwrap_or_default();
            Some(Rejection { event, parameters })
        }
        _ => None,
    })
}

/// Parameters as a query, in the order in which they were sent, nothing escaped.
fn query(parameters: &RawParameters) -> String {
    let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// `rejections.csv`: every command that the venue refused, with code and text.
#[must_use]
pub fn rejections(run: &Run) -> String {
    let mut table = Table::new(
        "time,command,action,code,msg,symbol,side,type,time_in_force,price,quantity,quote_order_quantity,\
         client_order_id,order_id,parameters",
        64,
    );
    for Rejection { event, parameters } in refused(run) {
        let Event::Refused { time, command, action, refusal } = event else { continue };
        let row = table.plain(time).plain(command).plain(action.as_str()).plain(refusal.code);
        row.free(&refusal.text);
        for name in ["symbol", "side", "type", "timeInForce", "price", "quantity", "quoteOrderQty"] {
            row.free(parameters.get(name).unwrap_or_default());
        }
        let client = ["newClientOrderId", "origClientOrderId"].iter().find_map(|name| parameters.get(name));
        row.free(client.unwrap_or_default()).free(parameters.get("orderId").unwrap_or_default());
        row.free(&query(&parameters)).end();
    }
    table.text
}

/// `equity.csv`: a row for each instant at which bars closed. `close` is empty in a run over
/// several markets.
#[must_use]
pub fn equity(run: &Run, statistics: &Statistics) -> String {
    let curve = &statistics.curve;
    let only = match &run.markets[..] {
        [market] if market.bars.len() == run.marks.len() => Some(market),
        _ => None,
    };
    let header = "close_time,close,equity,buy_and_hold,drawdown,buy_and_hold_drawdown";
    let mut table = Table::new(header, run.marks.len());
    for row in 0..run.marks.len() {
        let line = table.plain(run.marks.at(row)).plain_or_empty(only.map(|market| market.bars.close[row]));
        line.plain(curve.equity[row]).plain(curve.buy_and_hold[row]);
        line.plain(format_args!("{:.8}", curve.drawdown[row]));
        line.plain(format_args!("{:.8}", curve.buy_and_hold_drawdown[row])).end();
    }
    table.text
}

/// `trades.csv`: round trips; the one that had not ended comes last and says so.
#[must_use]
pub fn trades(statistics: &Statistics) -> String {
    let mut table = Table::new(
        "number,state,side,entry_time,exit_time,quantity,entry_price,exit_price,commission,pnl,return,\
         bars_held,fills,symbol",
        statistics.trips.closed.len(),
    );
    let closed = statistics.trips.closed.iter().map(|trip| (trip, "closed"));
    for (trip, state) in closed.chain(statistics.trips.open.iter().map(|trip| (trip, "open"))) {
        trade(&mut table, trip, state);
    }
    table.text
}

fn trade(table: &mut Table, trip: &RoundTrip, state: &str) {
    let row = table.plain(trip.number).plain(state).plain(trip.side).plain(trip.entry_time).plain(trip.exit_time);
    row.plain(trip.quantity).plain(trip.entry_price).plain(trip.exit_price).plain(trip.commission).plain(trip.pnl);
    row.plain_or_empty(trip.growth.map(|g| format!("{g:.8}"))).plain(trip.bars_held).plain(trip.fills);
    row.free(trip.symbol.as_str()).end();
}
