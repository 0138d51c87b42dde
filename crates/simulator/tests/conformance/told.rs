//! What was told, in the words of `expect`, and whether it is what was expected.

use std::fmt::Write as _;

use candlewick_model::run::Event;
use candlewick_model::{Amount, ExecutionReport, Field, Half, Refusal};

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

/// The fields of `executionReport`, times in milliseconds from the start.
fn describe_report(report: &ExecutionReport) -> String {
    let mut text = "report".to_owned();
    for (name, field) in report.fields() {
        match field {
            Field::Text(word) => write!(text, " {name}={word}"),
            Field::Decimal(amount) => write!(text, " {name}={amount}"),
            Field::Number(number) => write!(text, " {name}={number}"),
            Field::Time(time) => write!(text, " {name}={}", time.millis() - START_MS),
            Field::Flag(flag) => write!(text, " {name}={flag}"),
            Field::Null => write!(text, " {name}=null"),
        }
        .unwrap();
    }
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
