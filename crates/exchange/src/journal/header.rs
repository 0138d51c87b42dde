//! The first line of a state: which markets, rules and accounts it belongs to.

use std::fmt::{Debug, Write as _};

use candlewick_lake::content_sha256;
use candlewick_model::Account;
use candlewick_simulator::{Market, Setup};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

/// What a state is known by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    /// The version of the format.
    candlewick_exchange_state: u32,
    /// By how many microseconds history was shifted to end up at the world's time; 0 if it was not.
    pub(crate) shift_us: i64,
    /// Everything that decides about orders, by name.
    of: Vec<(String, String)>,
}

const VERSION: u32 = 1;

/// How such a line begins.
pub(super) const BEGINNING: &str = "{\"candlewick_exchange_state\":";

impl Header {
    /// Of a setup and accounts.
    pub(crate) fn new(setup: &Setup, accounts: &[Account], shift_us: i64) -> Self {
        let mut of = Vec::new();
        for market in &setup.markets {
            let symbol = market.timeline.last().symbol;
            let about = |what: &str, known_by: String| (format!("{symbol}: {what}"), known_by);
            of.push(about("bars", bars(market)));
            of.push(about("filters", hash(&market.timeline)));
            of.push(about("fills and fees", hash(&market.fill_model)));
            of.push(about("reference price", hash(&(&market.reference, market.price_range))));
        }
        of.push(("limits of the exchange".to_owned(), hash(&setup.limits)));
        if !setup.transfers.is_empty() {
            of.push(("deposits and withdrawals".to_owned(), hash(&setup.transfers)));
        }
        of.extend(accounts.iter().enumerate().map(|(number, held)| (format!("account {number}"), balances(held))));
        Self { candlewick_exchange_state: VERSION, shift_us, of }
    }

    /// Reads it; `None` where it is none.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(super) fn written(&self) -> String {
        serde_json::to_string(self).expect("numbers and texts")
    }

    /// In what the setup of a state is another one than this.
    pub(super) fn difference(&self, state: &Self) -> Option<String> {
        if state.candlewick_exchange_state != VERSION {
            return Some(format!(
                "it has version {} of the format; this program has {VERSION}",
                state.candlewick_exchange_state
            ));
        }
        let here = |name: &str| self.of.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let mut differs = String::new();
        for (name, there) in &state.of {
            match here(name) {
                Some(value) if value == there => continue,
                Some(value) => write!(differs, "; {name}: {there} there, {value} here"),
                None => write!(differs, "; {name}: not here"),
            }
            .expect("a text takes everything");
        }
        let there = |name: &str| state.of.iter().any(|(known, _)| known == name);
        for (name, _) in self.of.iter().filter(|(name, _)| !there(name)) {
            write!(differs, "; {name}: not there").expect("a text takes everything");
        }
        differs.strip_prefix("; ").map(str::to_owned)
    }
}

fn bars(market: &Market) -> String {
    let bars = &market.bars;
    let (first, last) = (bars.open_time.at(0), bars.close_time.at(bars.len() - 1));
    let beside = if std::ptr::eq(bars.as_ref(), market.average_bars.as_ref()) {
        String::new()
    } else {
        format!(" and {}", &content_sha256(&market.average_bars)[..16])
    };
    format!("{} of {} from {first} to {last} ({}{beside})", bars.len(), market.interval, &content_sha256(bars)[..16])
}

fn balances(account: &Account) -> String {
    let held: Vec<_> = account.iter().map(|(asset, balance)| format!("{} {asset}", balance.free)).collect();
    if held.is_empty() { "nothing".to_owned() } else { held.join(" and ") }
}

/// What has no short name of its own.
fn hash(what: &impl Debug) -> String {
    let mut hash = hex::encode(digest(&SHA256, format!("{what:?}").as_bytes()));
    hash.truncate(16);
    hash
}
