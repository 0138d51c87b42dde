//! `candlewick exchange ctl market`: what the exchange does to a market.

use std::fmt::Write as _;

use anyhow::{Context as _, anyhow};
use candlewick_model::{Symbol, Timestamp};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

#[derive(Subcommand)]
pub(super) enum Change {
    /// Stop it for a while: status HALT.
    Halt(Of),
    /// Let it trade again: status TRADING.
    Resume(Of),
    /// Take it off for good: its orders expire, its status is BREAK.
    Delist(Of),
    /// Change a filter: the members that are named.
    Filter {
        #[command(flatten)]
        of: Of,
        /// Its type, such as PRICE_FILTER.
        filter_type: String,
        /// Members, such as tickSize=0.10; or `removed`.
        #[arg(required = true, value_name = "NAME=VALUE")]
        members: Vec<String>,
    },
    /// Change any members of its entry in exchangeInfo.
    Set {
        #[command(flatten)]
        of: Of,
        /// Such as '{"status":"CANCEL_ONLY","ocoAllowed":false}'.
        #[arg(value_name = "JSON")]
        members: String,
    },
}

/// Of which market, and when.
#[derive(Args)]
pub(super) struct Of {
    /// The market.
    symbol: Symbol,
    /// At this simulated time, such as 2023-03-01T12:00:00Z; at once without it.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

impl Change {
    /// What it asks for.
    pub(super) fn body(&self) -> anyhow::Result<Value> {
        let (of, what) = match self {
            Self::Halt(of) => (of, json!({ "status": "HALT" })),
            Self::Resume(of) => (of, json!({ "status": "TRADING" })),
            Self::Delist(of) => (of, json!({ "delisted": true })),
            Self::Filter { of, filter_type, members } => (of, json!({ "filters": [filter(filter_type, members)?] })),
            Self::Set { of, members } => {
                let members: Map<String, Value> = serde_json::from_str(members)
                    .with_context(|| format!("{members:?} is no JSON object such as '{{\"ocoAllowed\":false}}'"))?;
                (of, members.into())
            }
        };
        let mut body = json!({ "symbol": of.symbol });
        let at = of.at.map(|at| ("at".to_owned(), at.micros().into()));
        let fields = body.as_object_mut().expect("it is one");
        fields.extend(at.into_iter().chain(what.as_object().cloned().into_iter().flatten()));
        Ok(body)
    }
}

/// The exchange knows which values are numbers.
fn filter(filter_type: &str, members: &[String]) -> anyhow::Result<Value> {
    let mut filter = Map::from_iter([("filterType".to_owned(), filter_type.into())]);
    for member in members {
        let (name, value) = match member.split_once('=') {
            Some((name, value)) => (name, value.into()),
            None if member == "removed" => ("removed", true.into()),
            None => return Err(anyhow!("{member:?} is no member such as tickSize=0.10, nor `removed`")),
        };
        filter.insert(name.to_owned(), value);
    }
    Ok(filter.into())
}

/// How all markets are, in words.
pub(super) fn told(markets: &Value) -> String {
    let mut text = String::new();
    for market in markets.as_array().into_iter().flatten() {
        let word = |name: &str| market[name].as_str().unwrap_or("unknown").to_owned();
        let delisted = if market["delisted"] == true { ", delisted" } else { "" };
        writeln!(text, "{:<12}  {}{delisted}", word("symbol"), word("status")).expect("a text takes everything");
        for (name, when) in [("changed", "since"), ("to_come", "from ")] {
            for change in market[name].as_array().into_iter().flatten() {
                let mut said = change.as_object().cloned().unwrap_or_default();
                said.remove("symbol");
                let at = said.remove("at").unwrap_or_default();
                let said = Value::from(said);
                writeln!(text, "  {when} {}  {said}", at.as_str().unwrap_or_default())
                    .expect("a text takes everything");
            }
        }
    }
    text
}
