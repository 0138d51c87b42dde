//! A folder of the portal's layout: files served as they are, and the bars in them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use candlewick_binance::archive;
use candlewick_model::{Bars, Interval, Period, Symbol, Timestamp};

use crate::ExchangeError;

/// The folder that holds `data/spot/…`.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    root: PathBuf,
}

/// What lies in a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    /// With `/` behind a folder's.
    pub(super) name: String,
    pub(super) bytes: u64,
    /// When it was written last, in seconds since 1970.
    pub(super) written: u64,
}

impl Folder {
    pub(super) fn new(root: &Path) -> Result<Self, ExchangeError> {
        if !root.join("data").is_dir() {
            return Err(ExchangeError::NoPortal { path: root.to_owned() });
        }
        Ok(Self { root: root.to_owned() })
    }

    /// The file of a key, if there is one; keys that lead out of the folder name nothing.
    pub(super) fn file(&self, key: &str) -> Option<(Vec<u8>, u64)> {
        let path = self.path(key)?;
        let meta = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
        Some((std::fs::read(&path).ok()?, written(&meta)))
    }

    /// What lies below a folder's key, which is empty or ends with `/`.
    pub(super) fn entries(&self, key: &str) -> Vec<Entry> {
        let Some(entries) = self.path(key).and_then(|path| std::fs::read_dir(path).ok()) else { return Vec::new() };
        let entry = |entry: std::fs::DirEntry| {
            let name = entry.file_name().into_string().ok().filter(|name| !name.starts_with('.'))?;
            let meta = std::fs::metadata(entry.path()).ok()?;
            let name = if meta.is_dir() { name + "/" } else { name };
            Some(Entry { name, bytes: meta.len(), written: written(&meta) })
        };
        let mut found: Vec<_> = entries.flatten().filter_map(entry).collect();
        found.sort();
        found
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        let is_plain = key.split('/').all(|part| part != ".." && part != "." && !part.contains(['\\', '\0']));
        (is_plain && !key.starts_with('/')).then(|| self.root.join(key))
    }

    /// The series that have archives of klines.
    pub(super) fn series(&self) -> Result<BTreeMap<Symbol, Vec<Interval>>, ExchangeError> {
        let mut series: BTreeMap<Symbol, Vec<Interval>> = BTreeMap::new();
        for span in ["daily", "monthly"] {
            let klines = format!("data/spot/{span}/klines/");
            for symbol in self.entries(&klines) {
                let Some(name) = symbol.name.strip_suffix('/').and_then(|name| name.parse().ok()) else { continue };
                for interval in self.entries(&format!("{klines}{}", symbol.name)) {
                    let Some(interval) = interval.name.strip_suffix('/').and_then(|name| name.parse().ok()) else {
                        continue;
                    };
                    let known = series.entry(name).or_default();
                    if !known.contains(&interval) {
                        known.push(interval);
                    }
                }
            }
        }
        Ok(series)
    }

    /// The bars of a series: those of its months, and of the days of other months.
    pub(super) fn bars(
        &self,
        symbol: Symbol,
        interval: Interval,
        range: &Range<Timestamp>,
    ) -> Result<Bars, ExchangeError> {
        let mut archives: BTreeMap<Period, String> = BTreeMap::new();
        for span in ["daily", "monthly"] {
            let folder = format!("data/spot/{span}/klines/{symbol}/{}/", interval.archive_name());
            for entry in self.entries(&folder) {
                let stem = entry
                    .name
                    .strip_suffix(".zip")
                    .and_then(|stem| stem.strip_prefix(&format!("{symbol}-{}-", interval.archive_name())));
                let Some(period) = stem.and_then(|stem| stem.parse::<Period>().ok()) else { continue };
                archives.insert(period, format!("{folder}{}", entry.name));
            }
        }
        let mut rows = BTreeMap::new();
        for (period, key) in &archives {
            let of_a_month = *period != period.month() && archives.contains_key(&period.month());
            let span = period.range();
            if of_a_month || span.end <= range.start || span.start >= range.end {
                continue;
            }
            let unreadable = |reason: String| ExchangeError::Archive { path: self.root.join(key), reason };
            let (zip, _) = self.file(key).ok_or_else(|| unreadable("it is gone".to_owned()))?;
            let csv = archive::unpack(&zip).map_err(|error| unreadable(error.to_string()))?;
            let decoded = archive::decode(&csv, *period).map_err(|error| unreadable(error.to_string()))?;
            rows.extend(decoded.bars.iter().map(|bar| (bar.open_time, bar)));
        }
        Ok(rows.into_iter().filter(|(time, _)| range.contains(time)).map(|(_, bar)| bar).collect())
    }
}

fn written(meta: &std::fs::Metadata) -> u64 {
    let since = meta.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    since.unwrap_or_default().as_secs()
}
