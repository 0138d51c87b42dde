//! What the exchange does to a market while it runs: another status, other filters, permissions
//! or kinds of orders, delisting.
//!
//! For: what is said, by control and by scenarios, and what a market is with it. Not for: when it
//! comes into force (`local::revising`), or what an instrument makes of it (`model`).

use std::sync::Arc;

use candlewick_model::stress::{Episode, Trouble};
use candlewick_model::{Instrument, Symbol, SymbolStatus, Timestamp};
use candlewick_simulator::Market;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::when;

/// One change of one market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Which market.
    pub symbol: Symbol,
    /// From which simulated time on; at once where absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "when::optional")]
    pub at: Option<Timestamp>,
    /// Whether it is taken off for good: its orders expire, and its status is BREAK.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub delisted: bool,
    /// What its entry in `exchangeInfo` says anew.
    #[serde(flatten)]
    said: Map<String, Value>,
}

impl Revision {
    /// Reads JSON: one, or a list of them.
    pub fn read(json: &[u8]) -> Result<Vec<Self>, String> {
        let value: Value = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let list = if value.is_array() { value } else { Value::Array(vec![value]) };
        serde_json::from_value(list).map_err(|error| error.to_string())
    }

    /// What is said of the symbol's entry in `exchangeInfo`.
    pub(crate) fn said(&self) -> Map<String, Value> {
        let mut said = self.said.clone();
        if self.delisted {
            said.insert("status".to_owned(), SymbolStatus::Break.to_string().into());
        }
        said
    }

    /// The status that it brings, if it brings one.
    pub(crate) fn status(&self) -> Option<SymbolStatus> {
        if self.delisted {
            return Some(SymbolStatus::Break);
        }
        self.said.get("status").and_then(Value::as_str).and_then(SymbolStatus::from_word)
    }

    /// What is wrong with it, whatever market it is of.
    fn lacks(&self) -> Option<&'static str> {
        match (self.said.is_empty(), self.delisted) {
            (true, false) => {
                Some("nothing changes; say `status`, `filters`, `delisted` or another member of its entry")
            }
            (false, true) => Some("`delisted` stands alone; nothing else matters then"),
            _ => None,
        }
    }

    /// Since when it counts. Those of the exchange all have a time.
    fn since(&self) -> Timestamp {
        self.at.unwrap_or(Timestamp::MIN)
    }

    /// What an instrument is with it, with its status or without.
    fn of(&self, instrument: &Instrument, with_status: bool) -> Result<Instrument, String> {
        let mut said = self.said();
        // A word that is no status stays, to be named.
        if !with_status && self.status().is_some() {
            said.remove("status");
        }
        instrument.revised(&said).map_err(|error| error.to_string())
    }
}

/// A revision that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InForce {
    pub(crate) revision: Revision,
    /// From the bar on that opens then or later: the one that runs is as it is.
    pub(crate) bars_from: Timestamp,
}

/// Whether revisions of one market, in order, make sense one after the other; with the market that
/// it was.
pub(crate) fn check<'a>(market: &Market, revisions: impl Iterator<Item = &'a Revision> + Clone) -> Result<(), String> {
    let symbol = market.timeline.last().symbol;
    let mut delisted: Option<Timestamp> = None;
    for revision in revisions.clone() {
        if let Some(reason) = revision.lacks() {
            return Err(format!("{symbol}: {reason}"));
        }
        if let Some(delisted) = delisted {
            return Err(format!(
                "{symbol}: it is delisted at {delisted}; nothing changes at {} any more",
                revision.since()
            ));
        }
        delisted = delisted.or(revision.delisted.then_some(revision.since()));
    }
    instruments(market, revisions).map(|_| ())
}

/// The instruments of a market from its first revision on: those of its snapshots, with what the
/// revisions say.
fn instruments<'a>(
    market: &Market,
    revisions: impl Iterator<Item = &'a Revision> + Clone,
) -> Result<Vec<(Timestamp, Instrument)>, String> {
    let Some(first) = revisions.clone().map(Revision::since).next() else { return Ok(Vec::new()) };
    let snapshots = std::iter::successors(Some(first), |time| Some(market.timeline.next_change(*time)));
    let mut times: Vec<_> = snapshots.take_while(|time| *time < Timestamp::MAX).collect();
    times.extend(revisions.clone().map(Revision::since));
    times.sort_unstable();
    times.dedup();
    let revised = |time: Timestamp| {
        let snapshot = market.timeline.at(time).0;
        let mut in_force = revisions.clone().take_while(|revision| revision.since() <= time);
        // A snapshot that was taken after TRADING was said tells itself whether the market is open.
        let holds = |last: &&Revision| {
            let is_later = !Arc::ptr_eq(market.timeline.at(last.since()).0, snapshot);
            !(is_later && last.status() == Some(SymbolStatus::Trading))
        };
        let status = in_force.clone().filter(|revision| revision.status().is_some()).last().filter(holds);
        let instrument = in_force.try_fold(Instrument::clone(snapshot), |instrument, revision| {
            revision.of(&instrument, status.is_some_and(|last| std::ptr::eq(last, revision)))
        });
        instrument.map(|instrument| (time, instrument))
    };
    times.into_iter().map(revised).collect()
}

/// A stretch of time in which a market stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Still {
    /// Bars that open in it have no trades.
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) status: SymbolStatus,
}

/// When a market stands still by its revisions.
pub(crate) fn stretches(revisions: &[InForce]) -> Vec<Still> {
    let mut stretches: Vec<Still> = Vec::new();
    for InForce { revision, bars_from: from } in revisions {
        let Some(status) = revision.status() else { continue };
        if let Some(last) = stretches.last_mut() {
            last.to = last.to.min(*from);
        }
        if status != SymbolStatus::Trading {
            stretches.push(Still { from: *from, to: Timestamp::MAX, status });
        }
    }
    stretches.retain(|still| still.from < still.to);
    stretches
}

/// What a market is with its revisions that are in force, which were checked.
pub(crate) fn revised(market: &Market, revisions: &[InForce]) -> Market {
    let halts = stretches(revisions).into_iter().map(|Still { from, to, .. }| Episode {
        from,
        to,
        symbols: Vec::new(),
        trouble: Trouble::Halt,
    });
    let halts: Vec<_> = halts.collect();
    let halted = if halts.is_empty() { market.clone() } else { market.halted(&halts) };
    // Statuses come from what was said: they change at once and not with a bar.
    let instruments = instruments(market, revisions.iter().map(|in_force| &in_force.revision));
    let instruments = instruments.expect("they were checked before they were taken in");
    let told = instruments.into_iter().fold(market.clone(), |market, (from, known)| market.revised(from, known));
    Market { timeline: told.timeline, ..halted }
}

/// Puts into an entry of `exchangeInfo` what revisions have changed, as an instrument has it.
pub(crate) fn put_into(entry: &mut Value, revisions: &[InForce], instrument: &Instrument) {
    let known = instrument.filters.entries();
    for said in revisions.iter().map(|in_force| in_force.revision.said()) {
        for (member, value) in said {
            match member.as_str() {
                // Told by the instrument.
                "status" => {}
                "filters" => {
                    for name in value.as_array().into_iter().flatten().map(|filter| &filter["filterType"]) {
                        let now = known.iter().find(|filter| filter["filterType"] == *name);
                        put_filter(&mut entry["filters"], name, now);
                    }
                }
                _ => entry[member] = value,
            }
        }
    }
}

fn put_filter(list: &mut Value, name: &Value, now: Option<&Value>) {
    let Value::Array(list) = list else { return };
    let at = list.iter().position(|filter| filter["filterType"] == *name);
    match (at, now.and_then(Value::as_object)) {
        (None, Some(now)) => list.push(now.clone().into()),
        (Some(at), None) => drop(list.remove(at)),
        (Some(at), Some(now)) => {
            // What is not known here stays, as everything that was not said anew.
            if let Some(fields) = list[at].as_object_mut() {
                fields.extend(now.clone());
            }
        }
        (None, None) => {}
    }
}

#[cfg(test)]
mod tests {
    use candlewick_model::Interval;
    use candlewick_model::time::{DAY, HOUR};
    use candlewick_simulator::Timeline;

    use super::*;
    use crate::market::tests::{market, plan, start};

    fn hour(n: i64) -> Timestamp {
        start().plus(n * HOUR)
    }

    fn in_force(json: &str) -> Vec<InForce> {
        let revisions = Revision::read(json.as_bytes()).unwrap();
        revisions.into_iter().map(|revision| InForce { bars_from: revision.at.unwrap(), revision }).collect()
    }

    /// A market of which another snapshot was taken in its sixth hour: halted, with another tick.
    fn with_two_snapshots() -> Market {
        let market = market(&plan(3, Interval::OneMinute));
        let first = Instrument::clone(market.timeline.last());
        let said =
            serde_json::from_str(r#"{"status":"HALT","filters":[{"filterType":"PRICE_FILTER","tickSize":"0.02"}]}"#);
        let second = first.revised(&said.unwrap()).unwrap();
        let timeline = Timeline::new(vec![(start().plus(-DAY), first), (hour(6), second)]).unwrap();
        Market { timeline, ..market }
    }

    #[test]
    fn what_is_said_outlives_the_next_snapshot() {
        let revisions = in_force(
            r#"[{"symbol":"BTCUSDT","at":"2023-03-01T01:00:00Z","status":"BREAK","filters":[{"filterType":"PRICE_FILTER","tickSize":"0.5"}]},
                {"symbol":"BTCUSDT","at":"2023-03-01T02:00:00Z","status":"TRADING","icebergAllowed":false},
                {"symbol":"BTCUSDT","at":"2023-03-01T07:00:00Z","status":"TRADING"}]"#,
        );
        let market = with_two_snapshots();
        check(&market, revisions.iter().map(|in_force| &in_force.revision)).unwrap();
        let then = |count: usize, time: Timestamp| {
            let revised = revised(&market, &revisions[..count]);
            let known = revised.timeline.at(time).0;
            (known.status.unwrap(), known.filters.tick().to_string(), known.allows.iceberg)
        };
        use SymbolStatus::{Break, Halt, Trading};
        for (count, time, status, tick, iceberg) in [
            (3, hour(1).plus(-1), Trading, "0.01000000", true),
            (3, hour(1), Break, "0.50000000", true),
            (3, hour(2), Trading, "0.50000000", false),
            (3, hour(6), Halt, "0.50000000", false),
            (3, hour(7), Trading, "0.50000000", false),
            (1, hour(8), Break, "0.50000000", true),
            (2, hour(8), Halt, "0.50000000", false),
        ] {
            assert_eq!(then(count, time), (status, tick.to_owned(), iceberg), "{count} at {time}");
        }
    }

    #[test]
    fn a_market_stands_still_from_one_status_to_the_next() {
        let market = with_two_snapshots();
        let revisions = in_force(
            r#"[{"symbol":"BTCUSDT","at":"2023-03-01T01:00:00Z","status":"HALT"},
                {"symbol":"BTCUSDT","at":"2023-03-01T01:30:00Z","icebergAllowed":false},
                {"symbol":"BTCUSDT","at":"2023-03-01T02:00:00Z","status":"CANCEL_ONLY"},
                {"symbol":"BTCUSDT","at":"2023-03-01T03:00:00Z","status":"TRADING"},
                {"symbol":"BTCUSDT","at":"2023-03-01T04:00:00Z","delisted":true}]"#,
        );
        let still = |from, to, status| Still { from, to, status };
        let all = [
            still(hour(1), hour(2), SymbolStatus::Halt),
            still(hour(2), hour(3), SymbolStatus::CancelOnly),
            still(hour(4), Timestamp::MAX, SymbolStatus::Break),
        ];
        assert_eq!(stretches(&revisions), all);
        let bars = revised(&market, &revisions).bars;
        for (row, bar) in bars.iter().enumerate() {
            let stands = all.iter().any(|still| still.from <= bar.open_time && bar.open_time < still.to);
            let expected = market.bars.bar(row);
            assert_eq!((bar.open_time, bar.volume.is_zero()), (expected.open_time, stands), "{}", bar.open_time);
            assert!(stands || bar == expected);
        }
        assert_eq!(revised(&market, &revisions[..0]).bars.as_ref(), market.bars.as_ref());
    }
}
