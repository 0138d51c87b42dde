//! Snapshots of exchangeInfo, as they were: `exchange_info/2026-11-22T000000Z.json.zst`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use candlewick_model::{ExchangeInfo, Symbol, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::Lake;
use crate::error::LakeError;
use crate::store::{Place, Version, is_temporary};

/// A snapshot, read.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The JSON, as the exchange sent it.
    pub json: String,
    /// What it says.
    pub info: ExchangeInfo,
}

impl Snapshot {
    /// Reads a snapshot's JSON; `what` is named in the error.
    pub fn parse(json: String, what: &str) -> Result<Self, LakeError> {
        let info =
            ExchangeInfo::parse(&json).map_err(|source| LakeError::ExchangeInfo { what: what.to_owned(), source })?;
        Ok(Self { json, info })
    }

    /// What it says of some symbols and of the exchange as a whole: an exchangeInfo on one line,
    /// which is read as this one is.
    #[must_use]
    pub fn of_symbols(&self, symbols: &[Symbol]) -> String {
        #[derive(Deserialize)]
        struct Listed<'a> {
            #[serde(borrow)]
            symbol: Option<Cow<'a, str>>,
        }
        // A list of all markets has megabytes: only what is kept is looked into.
        let members: BTreeMap<Cow<str>, &RawValue> = serde_json::from_str(&self.json).expect("it was read before");
        let is_meant = |json: &&RawValue| {
            let listed = serde_json::from_str::<Listed>(json.get()).ok().and_then(|listed| listed.symbol);
            listed.is_some_and(|name| symbols.iter().any(|symbol| symbol.as_str() == name))
        };
        let value = |json: &RawValue| serde_json::from_str::<Value>(json.get()).expect("it was read before");
        let member = |(name, json): (&Cow<str>, &&RawValue)| {
            let listed = (name == "symbols").then(|| serde_json::from_str::<Vec<&RawValue>>(json.get()).ok()).flatten();
            let kept = listed.map(|listed| listed.into_iter().filter(is_meant).map(value).collect::<Vec<_>>());
            (name.to_string(), kept.map_or_else(|| value(json), Value::from))
        };
        Value::Object(members.iter().map(member).collect()).to_string()
    }

    /// When the exchange said it.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.info.server_time
    }
}

/// `2026-11-22T000000Z`, with milliseconds where there are some, so that names sort by time.
fn file_name(time: Timestamp) -> String {
    let (seconds, part) = (time.micros().div_euclid(1_000_000), time.micros().rem_euclid(1_000_000));
    let text = Timestamp::from_micros(seconds * 1_000_000).to_string().replace(':', "");
    let text = text.trim_end_matches('Z');
    if part == 0 { format!("{text}Z.json.zst") } else { format!("{text}.{part:06}Z.json.zst") }
}

/// The time that a snapshot's name says.
fn time_of(name: &str) -> Option<Timestamp> {
    let text = name.strip_suffix(".json.zst")?;
    let (hour, rest) = text.split_at_checked(13)?;
    let (minute, second) = rest.split_at_checked(2)?;
    format!("{hour}:{minute}:{second}").parse().ok()
}

impl Lake {
    /// Stores a snapshot under its server time and returns the file's name. The same snapshot
    /// twice is stored once.
    pub fn add_exchange_info(&self, snapshot: &Snapshot) -> Result<String, LakeError> {
        let _lock = self.store.lock(self.root(), "exchange_info", "exchange_info")?;
        let folder = self.place(self.root().join("exchange_info"));
        folder.make_folder()?;
        for debris in folder.list()?.iter().filter(|name| is_temporary(name)) {
            folder.at(debris).remove()?;
        }
        let name = file_name(snapshot.time());
        let place = folder.at(&name);
        if place.is_there()? {
            let path = place.to_path_buf();
            return if read(&place)?.json == snapshot.json { Ok(name) } else { Err(LakeError::SnapshotTaken { path }) };
        }
        let bytes = zstd::bulk::compress(snapshot.json.as_bytes(), 3).map_err(LakeError::io(&place))?;
        place.replace(bytes, &Version::Absent)?;
        Ok(name)
    }

    /// When the latest snapshot was taken, as its name says.
    pub fn last_exchange_info(&self) -> Result<Option<Timestamp>, LakeError> {
        let names = self.place(self.root().join("exchange_info")).list()?;
        Ok(names.iter().filter_map(|name| time_of(name)).max())
    }

    /// Every snapshot, earliest first.
    pub fn exchange_infos(&self) -> Result<Vec<Snapshot>, LakeError> {
        let files = self.exchange_info_files()?;
        let mut snapshots: Vec<_> = files.into_iter().map(|(_, snapshot)| snapshot).collect::<Result<_, _>>()?;
        snapshots.sort_by_key(Snapshot::time);
        Ok(snapshots)
    }

    /// The snapshots that were in force within a range, earliest first: those taken in it and the
    /// last one before it; the first one of all if they begin later.
    pub fn exchange_infos_within(&self, range: Range<Timestamp>) -> Result<Vec<Snapshot>, LakeError> {
        let folder = self.place(self.root().join("exchange_info"));
        let mut taken: Vec<_> =
            folder.list()?.into_iter().filter_map(|name| time_of(&name).map(|time| (time, name))).collect();
        taken.sort();
        let first = taken.partition_point(|(time, _)| *time <= range.start).saturating_sub(1);
        let end = taken.partition_point(|(time, _)| *time < range.end).max(first + 1).min(taken.len());
        taken[first.min(end)..end].iter().map(|(_, name)| read(&folder.at(name))).collect()
    }
}

/// A file by its name, with the snapshot that is in it or why it cannot be read.
pub(crate) type SnapshotFile = (String, Result<Snapshot, LakeError>);

impl Lake {
    /// Every file of a snapshot.
    pub(crate) fn exchange_info_files(&self) -> Result<Vec<SnapshotFile>, LakeError> {
        let folder = self.place(self.root().join("exchange_info"));
        let names = folder.list()?;
        let stored = names.into_iter().filter(|name| name.ends_with(".json.zst"));
        Ok(stored.map(|name| (name.clone(), read(&folder.at(&name)))).collect())
    }
}

fn read(path: &Place) -> Result<Snapshot, LakeError> {
    let bytes = path.read()?;
    let json = zstd::stream::decode_all(&bytes[..]).map_err(LakeError::io(path))?;
    let json = String::from_utf8(json).map_err(|_| LakeError::form(path, "not UTF-8"))?;
    Snapshot::parse(json, &path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_some_symbols_is_read_as_all_of_it() {
        let json = r#"{ "serverTime": 1725817008719,
            "rateLimits": [ {"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":50} ],
            "exchangeFilters": [ {"filterType":"EXCHANGE_MAX_NUM_ORDERS","maxNumOrders":9} ],
            "symbols": [ {"symbol":"AB","baseAsset":"A","quoteAsset":"B","filters":[{"filterType":"NEW","x":0.10}]},
                         {"symbol":"A\u0042C","baseAsset":"A","quoteAsset":"C","filters":[]}, {"baseAsset":"A"},
                         {"symbol":"AB","baseAsset":"A","quoteAsset":"B"},
                         {"symbol":"XY","baseAsset":"X","quoteAsset":"Y"} ] }"#;
        let all = Snapshot::parse(json.to_owned(), "a test").unwrap();
        let symbols = ["AB", "ABC", "NONE"].map(|name| Symbol::new(name).unwrap());
        let text = all.of_symbols(&symbols);
        assert!(!text.contains('\n') && !text.contains("XY"), "{text}");
        let some = Snapshot::parse(text.clone(), "a test").unwrap();
        assert_eq!(some.time(), all.time());
        assert_eq!(some.info.order_limits, all.info.order_limits);
        assert_eq!(some.info.exchange_filters, all.info.exchange_filters);
        assert_eq!(some.info.instruments.keys().map(Symbol::as_str).collect::<Vec<_>>(), ["ABC"], "AB is there twice");
        for symbol in symbols {
            assert_eq!(some.info.instruments.get(&symbol), all.info.instruments.get(&symbol));
            assert!(some.info.notes_on(symbol).eq(all.info.notes_on(symbol)), "{symbol}");
        }
        assert_eq!(some.of_symbols(&symbols), text, "once more changes nothing");
    }

    #[test]
    fn snapshots_are_kept_by_their_time() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::new(folder.path());
        assert!(lake.exchange_infos().unwrap().is_empty());
        for time in [1_725_817_008_719_i64, 1_600_000_000_000, 1_725_817_008_719] {
            let json = format!(r#"{{"serverTime":{time},"symbols":[]}}"#);
            lake.add_exchange_info(&Snapshot::parse(json, "a test").unwrap()).unwrap();
        }
        let times: Vec<_> = lake.exchange_infos().unwrap().iter().map(|s| s.time().to_string()).collect();
        assert_eq!(times, ["2020-09-13T12:26:40Z", "2024-09-08T17:36:48.719Z"]);
        assert!(folder.path().join("exchange_info/2020-09-13T122640Z.json.zst").exists());
        std::fs::write(folder.path().join("exchange_info/notes.txt"), "").unwrap();
        for (range, expected) in [
            ("2020-01-01".."2020-02-01", &times[..1]),
            ("2020-01-01".."2025-01-01", &times[..]),
            ("2021-01-01".."2022-01-01", &times[..1]),
            ("2021-01-01".."2025-01-01", &times[..]),
            ("2025-01-01".."2026-01-01", &times[1..]),
        ] {
            let range = range.start.parse().unwrap()..range.end.parse().unwrap();
            let found = lake.exchange_infos_within(range).unwrap();
            assert_eq!(found.iter().map(|s| s.time().to_string()).collect::<Vec<_>>(), expected);
        }
        assert!(
            Lake::new(&folder.path().join("x"))
                .exchange_infos_within(Timestamp::MIN..Timestamp::MAX)
                .unwrap()
                .is_empty()
        );
        assert_eq!(lake.last_exchange_info().unwrap().unwrap().to_string(), times[1]);
        let other = Snapshot::parse(r#"{"serverTime":1600000000000,"symbols":[],"a":1}"#.into(), "a test").unwrap();
        let error = lake.add_exchange_info(&other).unwrap_err().to_string();
        assert!(error.ends_with("json.zst: another snapshot of the same time is there; remove it first"), "{error}");
        assert!(Snapshot::parse("{}".into(), "x.json").unwrap_err().to_string().starts_with("x.json: no exchangeInfo"));
    }
}
