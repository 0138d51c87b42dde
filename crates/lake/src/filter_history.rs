//! How a market's rules changed from snapshot to snapshot of exchangeInfo.
//!
//! For: comparing what the exchange said, member by member, whether this version knows the member
//! or not. Not for: what the rules mean (the model does that).

use std::collections::{BTreeMap, BTreeSet};

use candlewick_model::{Symbol, Timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::Lake;
use crate::error::LakeError;
use crate::exchange_info::Snapshot;

/// A rule that is otherwise than in the snapshot before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FilterChange {
    /// The time of the snapshot that has it first.
    pub time: Timestamp,
    /// The time of the last snapshot that had the market otherwise: the change came in between.
    pub after: Timestamp,
    /// What changed, such as `PRICE_FILTER.tickSize` or `status`.
    pub rule: String,
    /// What it was; `None` if there was no such rule.
    pub old: Option<String>,
    /// What it is; `None` if there is no such rule any more.
    pub new: Option<String>,
}

/// A snapshot that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenSnapshot {
    /// Its file.
    pub file: String,
    /// When the exchange said it; `None` if it cannot be read.
    pub time: Option<Timestamp>,
    /// Whether the market is in it.
    pub has_symbol: bool,
    /// Why it cannot be read.
    pub error: Option<String>,
    /// What in it is not as documented and has to do with the market or the whole.
    pub notes: Vec<String>,
}

/// All that the lake's snapshots say of one market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FilterHistory {
    /// Which market.
    pub symbol: Symbol,
    /// The snapshots, earliest first; those that cannot be read come last.
    pub snapshots: Vec<SeenSnapshot>,
    /// The rules of the first snapshot that has the market.
    pub initial: BTreeMap<String, String>,
    /// What changed since, by time.
    pub changes: Vec<FilterChange>,
}

/// A snapshot of so many markets is taken for one of all.
const MANY: usize = 100;

impl Lake {
    /// Compares the snapshots of the lake. One that cannot be read is told and passed over.
    pub fn filter_history(&self, symbol: Symbol) -> Result<FilterHistory, LakeError> {
        let mut history =
            FilterHistory { symbol, snapshots: Vec::new(), initial: BTreeMap::new(), changes: Vec::new() };
        let (mut readable, mut unreadable) = (Vec::new(), Vec::new());
        for (file, snapshot) in self.exchange_info_files()? {
            match snapshot {
                Ok(snapshot) => readable.push((file, snapshot)),
                Err(error) if matches!(error, LakeError::Io { .. }) && !is_damage(&error) => return Err(error),
                Err(error) => unreadable.push(SeenSnapshot {
                    file,
                    time: None,
                    has_symbol: false,
                    error: Some(error.to_string()),
                    notes: Vec::new(),
                }),
            }
        }
        readable.sort_by_key(|(_, snapshot)| snapshot.time());
        let mut rules: Option<(Timestamp, BTreeMap<String, Rule>)> = None;
        for (file, snapshot) in readable {
            rules = history.look_at(file, &snapshot, rules);
        }
        history.snapshots.append(&mut unreadable);
        Ok(history)
    }
}

/// A file whose bytes are no zstd is damaged; that it cannot be opened is the disk's fault.
fn is_damage(error: &LakeError) -> bool {
    matches!(error, LakeError::Io { source, .. } if source.kind() == std::io::ErrorKind::Other)
}

/// What a rule says; `None` if it is there but cannot be read.
type Rule = Option<String>;

impl FilterHistory {
    /// Adds a snapshot; returns the rules that hold after it.
    fn look_at(
        &mut self,
        file: String,
        snapshot: &Snapshot,
        before: Option<(Timestamp, BTreeMap<String, Rule>)>,
    ) -> Option<(Timestamp, BTreeMap<String, Rule>)> {
        let root: Value = serde_json::from_str(&snapshot.json).unwrap_or_default();
        let symbols = root["symbols"].as_array().map_or(&[][..], Vec::as_slice);
        let own = symbols.iter().find(|symbol| symbol["symbol"] == self.symbol.as_str());
        let time = snapshot.time();
        let is_own = |note: &&String| {
            note.starts_with(&format!("{}: ", self.symbol)) || note.starts_with(&format!("{} ", self.symbol))
        };
        let mut notes: Vec<String> = snapshot.info.notes.iter().filter(is_own).cloned().collect();
        notes.extend(limits_without_number(&root));
        let has_symbol = own.is_some();
        self.snapshots.push(SeenSnapshot { file, time: Some(time), has_symbol, error: None, notes });
        let now = match own {
            Some(own) => rules(own),
            // Only a list of all markets says by its silence that one is gone.
            None if before.is_some() && symbols.len() >= MANY => [("listed".to_owned(), Some("no".to_owned()))].into(),
            None => return before,
        };
        let Some((after, before)) = before else {
            self.initial = now.iter().filter_map(|(rule, text)| Some((rule.clone(), text.clone()?))).collect();
            return Some((time, now));
        };
        Some((time, self.compare(after, time, before, now)))
    }

    /// Notes the changes; what cannot be read stays as it was.
    fn compare(
        &mut self,
        after: Timestamp,
        time: Timestamp,
        mut before: BTreeMap<String, Rule>,
        mut now: BTreeMap<String, Rule>,
    ) -> BTreeMap<String, Rule> {
        let is_gone = now.get("listed") == Some(&Some("no".to_owned()));
        let names: BTreeSet<String> = before.keys().chain(now.keys()).cloned().collect();
        for rule in names {
            if is_gone && rule != "listed" {
                now.insert(rule.clone(), before.remove(&rule).flatten());
                continue;
            }
            match (before.remove(&rule), now.get_mut(&rule)) {
                (Some(old), Some(new @ None)) => *new = old,
                (Some(Some(old)), None) => self.change(after, time, rule, Some(old), None),
                (None, Some(Some(new))) => {
                    self.changes.push(FilterChange { time, after, rule, old: None, new: Some(new.clone()) })
                }
                (Some(Some(old)), Some(Some(new))) if old != *new => {
                    let new = new.clone();
                    self.change(after, time, rule, Some(old), Some(new));
                }
                _ => {}
            }
        }
        now
    }

    fn change(&mut self, after: Timestamp, time: Timestamp, rule: String, old: Option<String>, new: Option<String>) {
        self.changes.push(FilterChange { time, after, rule, old, new });
    }
}

/// Everything that a snapshot says of a market, by name.
fn rules(symbol: &Value) -> BTreeMap<String, Rule> {
    let mut rules = BTreeMap::from([("listed".to_owned(), Some("yes".to_owned()))]);
    let mut permissions = BTreeSet::new();
    for (name, value) in symbol.as_object().into_iter().flatten() {
        match (name.as_str(), value) {
            ("symbol" | "filters", _) => {}
            ("permissions" | "permissionSets", list) => permissions.extend(words(list)),
            (_, Value::Array(_)) => {
                rules.insert(name.clone(), Some(words(value).into_iter().collect::<Vec<_>>().join(" ")));
            }
            _ => {
                rules.insert(name.clone(), text(value));
            }
        }
    }
    rules.insert("permissions".to_owned(), Some(permissions.into_iter().collect::<Vec<_>>().join(" ")));
    for filter in symbol["filters"].as_array().into_iter().flatten() {
        let kind = filter["filterType"].as_str().unwrap_or("a filter without type");
        let known = members(kind);
        let own = filter.as_object().into_iter().flatten();
        let own = own.filter(|(name, _)| *name != "filterType" && (known.is_empty() || known.contains(&name.as_str())));
        rules.extend(own.map(|(name, value)| (format!("{kind}.{name}"), text(value))));
        for name in known {
            rules.entry(format!("{kind}.{name}")).or_insert(None);
        }
    }
    rules
}

/// The words in an array, or in arrays within it.
fn words(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Array(list) => list.iter().flat_map(words).collect(),
        Value::String(word) => [word.clone()].into(),
        other => [other.to_string()].into(),
    }
}

/// A value without zeros that say nothing, so that `0.01000000` and `0.01` are the same.
fn text(value: &Value) -> Rule {
    let plain = match value {
        Value::String(text) if text.is_empty() => return None,
        Value::Null => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let is_decimal = plain.contains('.') && plain.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    Some(if is_decimal { plain.trim_end_matches('0').trim_end_matches('.').to_owned() } else { plain })
}

/// The documented members of a filter; none of one that is unknown. Some programs that keep
/// snapshots write every member into every filter.
fn members(kind: &str) -> &'static [&'static str] {
    match kind {
        "PRICE_FILTER" => &["minPrice", "maxPrice", "tickSize"],
        "PERCENT_PRICE" => &["multiplierUp", "multiplierDown", "avgPriceMins"],
        "PERCENT_PRICE_BY_SIDE" => {
            &["bidMultiplierUp", "bidMultiplierDown", "askMultiplierUp", "askMultiplierDown", "avgPriceMins"]
        }
        "LOT_SIZE" | "MARKET_LOT_SIZE" => &["minQty", "maxQty", "stepSize"],
        "MIN_NOTIONAL" => &["minNotional", "applyToMarket", "avgPriceMins"],
        "NOTIONAL" => &["minNotional", "applyMinToMarket", "maxNotional", "applyMaxToMarket", "avgPriceMins"],
        "ICEBERG_PARTS" => &["limit"],
        "MAX_NUM_ORDERS" => &["maxNumOrders"],
        "MAX_NUM_ALGO_ORDERS" => &["maxNumAlgoOrders"],
        "MAX_NUM_ICEBERG_ORDERS" => &["maxNumIcebergOrders"],
        "MAX_NUM_ORDER_AMENDS" => &["maxNumOrderAmends"],
        "MAX_NUM_ORDER_LISTS" => &["maxNumOrderLists"],
        "MAX_POSITION" => &["maxPosition"],
        "TRAILING_DELTA" => {
            &["minTrailingAboveDelta", "maxTrailingAboveDelta", "minTrailingBelowDelta", "maxTrailingBelowDelta"]
        }
        _ => &[],
    }
}

/// Rate limits of which one cannot tell how long they last.
fn limits_without_number(root: &Value) -> Vec<String> {
    let limits = root["rateLimits"].as_array().map_or(&[][..], Vec::as_slice);
    let broken = limits.iter().filter(|limit| limit["intervalNum"].as_u64().is_none());
    let broken = broken.map(|limit| {
        let (kind, interval) = (&limit["rateLimitType"], &limit["interval"]);
        let word = |value: &Value| value.as_str().unwrap_or("?").to_owned();
        format!("rateLimits: {} of {} lacks `intervalNum`; its limit cannot be relied on", word(kind), word(interval))
    });
    broken.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lake(snapshots: &[(i64, &str)]) -> (tempfile::TempDir, Lake) {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::new(folder.path());
        for (time, rest) in snapshots {
            let json = format!(r#"{{"serverTime":{time},{rest}}}"#);
            lake.add_exchange_info(&Snapshot::parse(json, "a test").unwrap()).unwrap();
        }
        (folder, lake)
    }

    fn told(history: &FilterHistory) -> Vec<String> {
        let word = |text: &Option<String>| text.clone().unwrap_or("-".into());
        let line = |c: &FilterChange| format!("{} {} {} {}", c.time.date().0, c.rule, word(&c.old), word(&c.new));
        history.changes.iter().map(line).collect()
    }

    const FIRST: &str = r#""symbols":[{"symbol":"AB","status":"TRADING","baseAsset":"A","quoteAsset":"B",
        "permissions":["SPOT","MARGIN"],"orderTypes":["LIMIT","MARKET"],"filters":[
        {"filterType":"PRICE_FILTER","minPrice":"0.01000000","maxPrice":"100.0","tickSize":"0.01000000"},
        {"filterType":"MIN_NOTIONAL","minNotional":"10.0"},{"filterType":"ODD","x":[1]}]}]"#;

    #[test]
    fn a_line_for_each_change() {
        let second = r#""rateLimits":[{"rateLimitType":"ORDERS","interval":"DAY","limit":1}],
            "symbols":[{"symbol":"AB","status":"BREAK","baseAsset":"A","quoteAsset":"B",
            "permissionSets":[["MARGIN","SPOT"]],"orderTypes":["MARKET","LIMIT","LIMIT_MAKER"],"filters":[
            {"filterType":"PRICE_FILTER","minPrice":"0.010","maxPrice":"","tickSize":"0.001","minQty":"","limit":0},
            {"filterType":"NOTIONAL","minNotional":"5","applyMinToMarket":true,"maxNotional":"9000000","applyMaxToMarket":false,"avgPriceMins":5}]}]"#;
        let third = r#""symbols":[{"symbol":"AB","status":"BREAK","baseAsset":"A","quoteAsset":"B",
            "permissionSets":[["MARGIN","SPOT"]],"orderTypes":["MARKET","LIMIT","LIMIT_MAKER"],"filters":[
            {"filterType":"PRICE_FILTER","minPrice":"0.010","maxPrice":"200","tickSize":"0.001"}]}]"#;
        let (_folder, lake) =
            lake(&[(1_600_000_000_000, FIRST), (1_650_000_000_000, second), (1_700_000_000_000, third)]);
        let history = lake.filter_history("AB".parse().unwrap()).unwrap();
        assert_eq!(history.initial["PRICE_FILTER.tickSize"], "0.01");
        assert_eq!(
            told(&history),
            [
                "2022 MIN_NOTIONAL.minNotional 10 -",
                "2022 NOTIONAL.applyMaxToMarket - false",
                "2022 NOTIONAL.applyMinToMarket - true",
                "2022 NOTIONAL.avgPriceMins - 5",
                "2022 NOTIONAL.maxNotional - 9000000",
                "2022 NOTIONAL.minNotional - 5",
                "2022 ODD.x [1] -",
                "2022 PRICE_FILTER.tickSize 0.01 0.001",
                "2022 orderTypes LIMIT MARKET LIMIT LIMIT_MAKER MARKET",
                "2022 status TRADING BREAK",
                "2023 NOTIONAL.applyMaxToMarket false -",
                "2023 NOTIONAL.applyMinToMarket true -",
                "2023 NOTIONAL.avgPriceMins 5 -",
                "2023 NOTIONAL.maxNotional 9000000 -",
                "2023 NOTIONAL.minNotional 5 -",
                "2023 PRICE_FILTER.maxPrice 100 200",
            ],
            "the empty maximum of 2022 is no change"
        );
        let notes = &history.snapshots[1].notes;
        assert!(notes.iter().any(|note| note.contains("ORDERS of DAY lacks `intervalNum`")), "{notes:?}");
    }

    #[test]
    fn unreadable_and_silent_snapshots() {
        let others: Vec<String> = (0..MANY)
            .map(|n| format!(r#"{{"symbol":"X{n}","status":"TRADING","baseAsset":"A","quoteAsset":"B"}}"#))
            .collect();
        let many = format!(r#""symbols":[{}]"#, others.join(","));
        let few = r#""symbols":[]"#;
        let snapshots = [
            (1_600_000_000_000, FIRST),
            (1_650_000_000_000, few),
            (1_660_000_000_000, &many),
            (1_700_000_000_000, FIRST),
        ];
        let (folder, lake) = lake(&snapshots);
        std::fs::write(folder.path().join("exchange_info/2021-01-01T000000Z.json.zst"), b"half").unwrap();
        let history = lake.filter_history("AB".parse().unwrap()).unwrap();
        assert_eq!(told(&history), ["2022 listed yes no", "2023 listed no yes"]);
        assert_eq!(history.changes[1].after.to_string(), "2022-08-08T23:06:40Z");
        let last = history.snapshots.last().unwrap();
        assert!(last.error.as_deref().is_some_and(|error| error.contains("2021-01-01T000000Z.json.zst")), "{last:?}");
    }
}
