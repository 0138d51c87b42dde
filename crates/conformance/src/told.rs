//! What was told, in the words of `expect`, and whether it is what was expected.

use std::fmt::Write as _;

use candlewick_model::account::Balance;
use candlewick_model::{Amount, Asset, ExecutionReport, Field, Half, ListStatus, Refusal};

use crate::scenario::{START, Scenario, pairs};

impl Scenario {
    /// What differs from what is expected, given all that was told in its order and what the
    /// account holds at the end; nothing if all is well.
    #[must_use]
    pub fn differences(&self, told: &[String], holds: impl Fn(Asset) -> Balance) -> Vec<String> {
        let mut differences = Vec::new();
        for at in 0..told.len().max(self.expected.len()) {
            match (self.expected.get(at), told.get(at)) {
                (Some((line, expected)), Some(found)) => {
                    if let Err(why) = matches(expected, found) {
                        differences.push(format!("line {line}: {why}; told was {found}"));
                    }
                }
                (Some((line, expected)), None) => differences.push(format!("line {line}: `{expected}` was not told")),
                (None, Some(found)) => differences.push(format!("told, but not expected: {found}")),
                (None, None) => {}
            }
        }
        for (line, expected) in &self.balances_after {
            for (asset, sum) in pairs(expected) {
                let balance = holds(asset.parse().unwrap());
                let found = if expected.starts_with("free") { balance.free } else { balance.locked };
                if found != sum.parse().unwrap() {
                    differences.push(format!("line {line}: {asset} is {found}"));
                }
            }
        }
        differences
    }
}

/// A change of a list.
#[must_use]
pub fn describe_list(list: &ListStatus) -> String {
    let (id, contingency) = (list.order_list_id, list.contingency_type);
    let (status, orders) = (list.list_status_type, list.list_order_status);
    let members: Vec<_> = list.orders.iter().map(|(id, name)| format!("{id}:{name}")).collect();
    let (name, members) = (list.list_client_order_id, members.join(","));
    format!("list C={name} g={id} c={contingency} l={status} L={orders} O={members}")
}

/// A refusal; of a replacement also what became of its halves.
#[must_use]
pub fn describe_refusal(refusal: &Refusal) -> String {
    let half = |half: &Half| match half {
        Half::Success => "SUCCESS".to_owned(),
        Half::Failure(refusal) => refusal.to_string(),
        Half::NotAttempted => "NOT_ATTEMPTED".to_owned(),
    };
    match &refusal.halves {
        Some(halves) => format!("refused {refusal} / {} / {}", half(&halves.cancel), half(&halves.new_order)),
        None => format!("refused {refusal}"),
    }
}

/// The fields of `executionReport`, times in milliseconds from the start.
#[must_use]
pub fn describe_report(report: &ExecutionReport) -> String {
    let mut text = "report".to_owned();
    for (name, field) in report.fields() {
        match field {
            Field::Text(word) => write!(text, " {name}={word}"),
            Field::Decimal(amount) => write!(text, " {name}={amount}"),
            Field::Number(number) => write!(text, " {name}={number}"),
            Field::Time(time) => write!(text, " {name}={}", time.millis() - START.millis()),
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
