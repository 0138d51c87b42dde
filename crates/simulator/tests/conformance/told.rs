//! What was told, in the words of `expect`, and whether it is what was expected.

use std::fmt::Write as _;

use candlewick_model::run::Event;
use candlewick_model::{Amount, ExecutionReport, ExecutionType, Half, Liquidity, Refusal, Timestamp};

use crate::scenario::{START_MS, Scenario, pairs};

impl Scenario {
    /// What differs from what is expected; nothing if all is well.
    pub(crate) fn differences(&self) -> Vec<String> {
        let (events, account) = self.run();
        let told: Vec<&Event> = events.iter().filter(|event| !matches!(event, Event::Sent { .. })).collect();
        let mut differences = Vec::new();
        for at in 0..told.len().max(self.expected.len()) {
            match (self.expected.get(at), told.get(at)) {
                (Some((line, expected)), Some(event)) => {
                    let found = describe(event);
                    if let Err(why) = matches(expected, &found) {
                        differences.push(format!("line {line}: {why}; told was {found}"));
                    }
                }
                (Some((line, expected)), None) => differences.push(format!("line {line}: `{expected}` was not told")),
                (None, Some(event)) => differences.push(format!("told, but not expected: {}", describe(event))),
                (None, None) => {}
            }
        }
        for (line, expected) in &self.balances_after {
            for (asset, sum) in pairs(expected) {
                let balance = account.balance(asset.parse().unwrap());
                let found = if expected.starts_with("free") { balance.free } else { balance.locked };
                if found != sum.parse().unwrap() {
                    differences.push(format!("line {line}: {asset} is {found}"));
                }
            }
        }
        differences
    }
}

/// An event in the words of `expect`.
fn describe(event: &Event) -> String {
    match event {
        Event::ExecutionReport(report) => describe_report(report),
        Event::ListStatus(l) => {
            let (id, contingency) = (l.order_list_id, l.contingency_type);
            let (status, orders) = (l.list_status_type, l.list_order_status);
            let members: Vec<_> = l.orders.iter().map(|(id, name)| format!("{id}:{name}")).collect();
            let (name, members) = (l.list_client_order_id, members.join(","));
            format!("list C={name} g={id} c={contingency} l={status} L={orders} O={members}")
        }
        Event::Refused { refusal, .. } => format!("refused {}", describe_refusal(refusal)),
        Event::Tested { .. } => "tested".to_owned(),
        Event::NotSent { .. } => "unsent".to_owned(),
        Event::Sent { .. } => "sent".to_owned(),
        Event::Stress { .. } | Event::Trouble { .. } => "trouble".to_owned(),
        Event::BalanceUpdate { asset, amount, .. } => format!("balance update {asset}={amount}"),
    }
}

/// Of a replacement also what became of its halves.
fn describe_refusal(refusal: &Refusal) -> String {
    let half = |half: &Half| match half {
        Half::Success => "SUCCESS".to_owned(),
        Half::Failure(refusal) => refusal.to_string(),
        Half::NotAttempted => "NOT_ATTEMPTED".to_owned(),
    };
    match &refusal.halves {
        Some(halves) => format!("{refusal} / {} / {}", half(&halves.cancel), half(&halves.new_order)),
        None => refusal.to_string(),
    }
}

/// The fields of `executionReport` in `user-data-stream.md`.
fn describe_report(r: &ExecutionReport) -> String {
    let o = &r.order;
    // A cancel tells its own name and that of the order, an amendment the new and the old one.
    let (name, before) = match (r.execution_type, r.cancel_client_order_id) {
        (ExecutionType::Replaced, Some(before)) => (o.client_order_id, before),
        (ExecutionType::Canceled, Some(cancel)) => (cancel, o.client_order_id),
        _ => (o.client_order_id, o.client_order_id),
    };
    let mut text = format!("report c={name} x={} X={} S={} o={}", r.execution_type, o.status, o.side, o.order_type);
    if matches!(r.execution_type, ExecutionType::Replaced | ExecutionType::Canceled) {
        write!(text, " C={before}").unwrap();
    }
    let time = r.time.millis() - START_MS;
    write!(text, " i={} g={} I={} T={time}", o.order_id, o.order_list_id.map_or(-1, |id| id as i64), r.execution_id)
        .unwrap();
    write!(
        text,
        " f={} q={} p={} P={} z={} Z={} Q={}",
        o.time_in_force, o.quantity, o.price, o.stop_price, o.filled_quantity, o.filled_quote, o.quote_order_quantity
    )
    .unwrap();
    let working = o.is_on_book();
    write!(text, " w={working} F={} A={} V={}", o.iceberg_quantity, o.prevented_quantity, o.self_trade_prevention)
        .unwrap();
    if let Some(fill) = r.fill {
        let maker = fill.liquidity == Liquidity::Maker;
        write!(
            text,
            " t={} l={} L={} Y={} n={} N={} m={maker}",
            fill.trade_id, fill.quantity, fill.price, fill.quote_quantity, fill.commission, fill.commission_asset
        )
        .unwrap();
    }
    text + &describe_conditional(r)
}

/// The fields that are there only where they apply.
fn describe_conditional(r: &ExecutionReport) -> String {
    let o = &r.order;
    let mut text = String::new();
    let mut tell = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            write!(text, " {name}={value}").unwrap();
        }
    };
    let since_start = |time: Timestamp| (time.millis() - START_MS).to_string();
    tell("O", Some(since_start(o.created)));
    tell("W", o.working_time.map(since_start));
    tell("d", o.trailing_delta.map(|delta| delta.to_string()));
    tell("D", o.trailing_time.map(since_start));
    tell("j", o.strategy_id.map(|id| id.to_string()));
    tell("J", o.strategy_type.map(|kind| kind.to_string()));
    tell("v", r.prevented.map(|p| p.match_id.to_string()));
    tell("U", r.prevented.map(|p| p.counter_order_id.to_string()));
    tell("B", r.prevented.map(|p| p.quantity.to_string()));
    tell("pL", r.prevented.map(|p| p.price.to_string()));
    tell("pl", r.prevented.map(|p| p.match_quantity.to_string()));
    tell("pY", r.prevented.map(|p| p.price.notional_floor(p.match_quantity).to_string()));
    tell("gP", o.peg.map(|peg| peg.price_type.to_string()));
    tell("gOT", o.peg.and_then(|peg| peg.offset).map(|_| "PRICE_LEVEL".to_owned()));
    tell("gOV", o.peg.and_then(|peg| peg.offset).map(|level| level.to_string()));
    tell("gp", Some(o.pegged_price).filter(|price| !price.is_zero()).map(|price| price.to_string()));
    tell("eR", o.expiry_reason.map(|reason| reason.to_string()));
    text
}

/// Whether what was told has everything that is expected, numbers as numbers.
fn matches(expected: &str, found: &str) -> Result<(), String> {
    let kind = |text: &str| text.split_whitespace().next().unwrap_or_default().to_owned();
    if kind(expected) != kind(found) {
        return Err(format!("expected `{expected}`"));
    }
    if kind(expected) == "refused" {
        // The halves of a replacement may be left out.
        let whole = found == expected || found.split(" / ").next() == Some(expected);
        return if whole { Ok(()) } else { Err(format!("expected `{expected}`")) };
    }
    let told = pairs(found);
    let number = |text: &str| text.parse::<Amount>();
    for (key, value) in pairs(expected) {
        let same = told.get(&key).is_some_and(|told| match (number(told), number(&value)) {
            (Ok(told), Ok(value)) => told == value,
            _ => *told == value,
        });
        if !same {
            return Err(format!("expected {key}={value}"));
        }
    }
    Ok(())
}
