//! The files of the Data Portal: from a folder as they are, or made from bars when they are
//! asked for.
//!
//! For: which file there is at what time, its bytes, its checksum, earlier and altered editions
//! of it. Not for: HTTP (`respond`) and listings (`bucket`).

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use candlewick_binance::archive::{self, ArchiveName, Checksum, Dataset, sha256_hex};
use candlewick_model::time::DAY;
use candlewick_model::{Bars, Interval, Period, Symbol, TimeUnit, Timestamp};

use super::aggregate::Grid;
use super::cache::Cache;
use super::catalogue::Catalogue;
use super::clock::ServerClock;
use super::folder::Folder;
use super::release::{comes_out, is_daily, named, published};

/// From here on the portal writes microseconds.
const MICROSECONDS_SINCE: Timestamp = Timestamp::from_micros(1_735_689_600_000_000);

/// An archive of more trades is not made: it would take gigabytes of memory.
const TRADES_MAX: i64 = 8_000_000;

/// Memory for files.
const CACHE_BYTES: usize = 256 << 20;

/// Which version of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edition {
    /// The one that holds what happened.
    #[default]
    Published,
    /// One that came out too early: the last tenth of the rows is lacking.
    Early,
    /// One in which every tenth row is another.
    Altered,
}

/// A file as it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalFile {
    /// Its content.
    pub bytes: Bytes,
    /// When it came out.
    pub modified: Timestamp,
    /// What names its content, without quotes.
    pub etag: String,
}

/// What a listing says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Described {
    pub(super) size: usize,
    pub(super) modified: Timestamp,
    pub(super) etag: String,
}

/// The portal's files at the server's time.
pub struct Portal {
    pub(super) catalogue: Arc<Catalogue>,
    folder: Option<Folder>,
    pub(super) clock: ServerClock,
    files: Cache<(String, Edition), Option<PortalFile>>,
    described: Cache<String, Described>,
}

impl Portal {
    /// Files made from the bars of a catalogue.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>, clock: ServerClock) -> Self {
        Self { catalogue, folder: None, clock, files: Cache::new(CACHE_BYTES), described: Cache::new(64 << 20) }
    }

    /// Every archive of one series, made from its bars, long after the last of them.
    #[must_use]
    pub fn of_bars(symbol: Symbol, interval: Interval, bars: Arc<Bars>) -> Self {
        let end = bars.open_time.last().map_or(Timestamp::MIN, |open| interval.next_open(open));
        // Monthly files come out within seven days.
        let clock = ServerClock::starting(end.plus(8 * DAY), 0.0);
        Self::new(Arc::new(Catalogue::of_bars(symbol, interval, bars)), clock)
    }

    /// Files of a folder, as they are.
    pub fn of_folder(
        root: &std::path::Path,
        catalogue: Arc<Catalogue>,
        clock: ServerClock,
    ) -> Result<Self, crate::ExchangeError> {
        Ok(Self { folder: Some(Folder::new(root)?), ..Self::new(catalogue, clock) })
    }

    /// The file of a key such as `data/spot/daily/klines/…`, if it has come out.
    #[must_use]
    pub fn file(&self, key: &str) -> Option<PortalFile> {
        self.edition(key, Edition::Published)
    }

    /// Another edition of a file.
    pub(super) fn edition(&self, key: &str, edition: Edition) -> Option<PortalFile> {
        let name = named(key.strip_suffix(".CHECKSUM").unwrap_or(key));
        match (&name, &self.folder) {
            (Some(name), _) if self.clock.now() < published(name) => return None,
            (None, None) => return None,
            _ => {}
        }
        if self.folder.is_some() && edition == Edition::Published {
            return self.of_tree(key); // Tests change files under way.
        }
        let make = || match key.strip_suffix(".CHECKSUM") {
            Some(zip_key) => self.checksum(zip_key, edition),
            None => self.zip(key, &name?, edition),
        };
        let key = (key.to_owned(), edition);
        self.files.value(&key, make, |file| file.as_ref().map_or(64, |file| file.bytes.len() + 256))
    }

    fn checksum(&self, zip_key: &str, edition: Edition) -> Option<PortalFile> {
        let zip = self.edition(zip_key, edition)?;
        let name = zip_key.rsplit('/').next()?;
        let text = Checksum { sha256: sha256_hex(&zip.bytes) }.text(name);
        Some(file(text.into_bytes(), zip.modified))
    }

    fn zip(&self, key: &str, name: &ArchiveName, edition: Edition) -> Option<PortalFile> {
        let (csv, modified) = match &self.folder {
            Some(_) => {
                let zip = self.of_tree(key)?;
                (archive::unpack(&zip.bytes).ok()?, zip.modified)
            }
            None => (self.csv(name)?, published(name)),
        };
        let csv = match (edition, name.dataset) {
            (Edition::Published, _) => csv,
            (Edition::Altered, Dataset::Klines(_)) => altered(&csv),
            (Edition::Early | Edition::Altered, _) => early(&csv),
        };
        Some(file(archive::pack_quickly(&format!("{}.csv", name.stem()), &csv).ok()?, modified))
    }

    fn of_tree(&self, key: &str) -> Option<PortalFile> {
        let (bytes, written) = self.folder.as_ref()?.file(key)?;
        Some(file(bytes, Timestamp::from_micros(i64::try_from(written).ok()? * 1_000_000)))
    }

    fn csv(&self, name: &ArchiveName) -> Option<Vec<u8>> {
        let unit = if name.period.range().start < MICROSECONDS_SINCE {
            TimeUnit::Milliseconds
        } else {
            TimeUnit::Microseconds
        };
        let interval = match name.dataset {
            Dataset::Klines(interval) => interval,
            Dataset::AggTrades | Dataset::Trades => Interval::OneMinute,
        };
        let bars =
            self.rows(name.symbol, interval, name.period).filter(|bars| fits(bars, 0..bars.len(), name.dataset))?;
        let market = self.catalogue.market(name.symbol)?;
        match name.dataset {
            Dataset::Klines(_) => Some(archive::encode(&bars, unit)),
            _ if !market.has_trades() => None,
            dataset => {
                let whole = self.catalogue.around(name.symbol, Grid::utc(interval), name.period.range().start)?;
                Some(super::trade_csv::csv(&whole.bars, name.period, dataset, unit, market.grid))
            }
        }
    }

    /// The bars that open within a period.
    fn rows(&self, symbol: Symbol, interval: Interval, period: Period) -> Option<Bars> {
        let range = period.range();
        let mut rows = Bars::default();
        let mut at = range.start;
        while at < range.end {
            let stretch = self.catalogue.around(symbol, Grid::utc(interval), at)?;
            let opens = &stretch.bars.open_time;
            rows.append(
                stretch.bars.slice(opens.partition_point(|t| t < at)..opens.partition_point(|t| t < range.end)),
            );
            at = stretch.range.end;
        }
        Some(rows)
    }

    /// Names of what lies in a folder of the bucket, sorted as S3 sorts keys; folders with `/`.
    pub(super) fn entries(&self, key: &str) -> Vec<String> {
        let mut names = match &self.folder {
            Some(folder) => folder.entries(key).into_iter().map(|entry| entry.name).collect(),
            None => self.made_entries(key).unwrap_or_default(),
        };
        if self.folder.is_some() {
            let now = self.clock.now();
            names.retain(|name| {
                let zip = format!("{key}{}", name.strip_suffix(".CHECKSUM").unwrap_or(name));
                named(&zip).is_none_or(|name| published(&name) <= now)
            });
        }
        names.sort_unstable();
        names
    }

    fn made_entries(&self, key: &str) -> Option<Vec<String>> {
        let parts: Vec<&str> = key.split('/').collect();
        let texts = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        let with_trades = || self.catalogue.symbols().any(|s| self.has_trades(s));
        match parts.as_slice() {
            [""] => texts(&["data/"]),
            ["data", ""] => texts(&["spot/"]),
            ["data", "spot", ""] => texts(&["daily/", "monthly/"]),
            ["data", "spot", _, ""] if with_trades() => texts(&["aggTrades/", "klines/", "trades/"]),
            ["data", "spot", _, ""] => texts(&["klines/"]),
            ["data", "spot", span, dataset, ""] => {
                let has = |symbol: &Symbol| {
                    (*dataset == "klines" || self.has_trades(*symbol)) && !self.periods(*symbol, span).is_empty()
                };
                Some(self.catalogue.symbols().filter(has).map(|symbol| format!("{symbol}/")).collect())
            }
            ["data", "spot", span, "klines", symbol, ""] => {
                let symbol: Symbol = symbol.parse().ok()?;
                let has = |interval: &Interval| {
                    self.catalogue.has(symbol, Grid::utc(*interval)) && (*span == "monthly" || is_daily(*interval))
                };
                let intervals = Interval::ALL.into_iter().filter(has);
                Some(intervals.map(|interval| format!("{}/", interval.archive_name())).collect())
            }
            ["data", "spot", span, "klines", symbol, interval, ""] => {
                let interval = Interval::ALL.into_iter().find(|i| i.archive_name() == *interval)?;
                self.file_names(symbol.parse().ok()?, Dataset::Klines(interval), span)
            }
            ["data", "spot", span, "aggTrades", symbol, ""] => {
                self.file_names(symbol.parse().ok()?, Dataset::AggTrades, span)
            }
            ["data", "spot", span, "trades", symbol, ""] => {
                self.file_names(symbol.parse().ok()?, Dataset::Trades, span)
            }
            _ => None,
        }
    }

    fn has_trades(&self, symbol: Symbol) -> bool {
        self.catalogue.market(symbol).is_some_and(super::catalogue::Listed::has_trades)
    }

    fn file_names(&self, symbol: Symbol, dataset: Dataset, span: &str) -> Option<Vec<String>> {
        let interval = match dataset {
            Dataset::Klines(interval) => interval,
            Dataset::AggTrades | Dataset::Trades => Interval::OneMinute,
        };
        let now = self.clock.now();
        let mut names = Vec::new();
        for period in self.periods(symbol, span) {
            let name = ArchiveName { symbol, dataset, period };
            let Range { start, end } = period.range();
            // Whether there is anything in it, without making seconds for it.
            let at_least = if interval == Interval::OneSecond { self.catalogue.finest(symbol)? } else { interval };
            let stretch = self.catalogue.around(symbol, Grid::utc(at_least), start)?;
            let opens = &stretch.bars.open_time;
            let rows = opens.partition_point(|t| t < start)..opens.partition_point(|t| t < end);
            if published(&name) <= now && fits(&stretch.bars, rows, dataset) {
                names.push(format!("{}.zip", name.stem()));
                names.push(format!("{}.zip.CHECKSUM", name.stem()));
            }
        }
        Some(names)
    }

    /// Months or days of a market that are over.
    fn periods(&self, symbol: Symbol, span: &str) -> Vec<Period> {
        let Some(range) = self.catalogue.span(symbol) else { return Vec::new() };
        let period_of = |at: Timestamp| {
            let day = Period::day_of(at);
            match span {
                "monthly" => Some(day.month()),
                "daily" => Some(day),
                _ => None,
            }
        };
        let now = self.clock.now();
        let next = |period: &Period| period_of(period.range().end);
        std::iter::successors(period_of(range.start), next)
            .take_while(|period| period.range().start < range.end && comes_out(*period) <= now)
            .collect()
    }

    /// What a listing says of a file.
    pub(super) fn describe(&self, key: &str) -> Option<Described> {
        let of = |file: PortalFile| Described { size: file.bytes.len(), modified: file.modified, etag: file.etag };
        if self.folder.is_some() {
            return self.file(key).map(of);
        }
        if let Some(known) = self.described.peek(&key.to_owned()) {
            return Some(known);
        }
        // What has not come out, since time was put back meanwhile, is not kept: it comes again.
        let described = of(self.file(key)?);
        Some(self.described.value(&key.to_owned(), || described, |_| 256))
    }
}

/// Whether there is anything for an archive in some rows, and not too much.
fn fits(bars: &Bars, rows: Range<usize>, dataset: Dataset) -> bool {
    let trades = || bars.trades.get(rows.clone()).into_iter().flatten().sum::<i64>();
    !rows.is_empty() && (dataset != Dataset::Trades || trades() <= TRADES_MAX)
}

fn file(bytes: Vec<u8>, modified: Timestamp) -> PortalFile {
    let etag = sha256_hex(&bytes)[..32].to_owned();
    PortalFile { bytes: bytes.into(), modified, etag }
}

/// Without the last tenth of the rows, but with one at least.
fn early(csv: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = csv.split_inclusive(|b| *b == b'\n').collect();
    let kept = (lines.len() * 9 / 10).max(1);
    lines[..kept.min(lines.len())].concat()
}

/// With one trade more in every tenth row.
fn altered(csv: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(csv);
    let changed = text.lines().enumerate().map(|(row, line)| {
        let mut columns: Vec<String> = line.split(',').map(str::to_owned).collect();
        if let Some(count) = columns.get_mut(8).filter(|_| row % 10 == 0)
            && let Ok(number) = count.parse::<i64>()
        {
            *count = (number + 1).to_string();
        }
        columns.join(",") + "\n"
    });
    changed.collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MarketPlan;

    fn t(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn portal_at(now: &str) -> Portal {
        let names = ["BTCUSDT".parse().unwrap()];
        let range = t("2024-12-30")..t("2025-03-02");
        let catalogue = Catalogue::generated(1, &names, Interval::OneMinute, &range);
        Portal::new(Arc::new(catalogue), ServerClock::starting(t(now), 0.0))
    }

    #[test]
    fn files_come_out_when_their_period_is_over() {
        for (now, key, is_there) in [
            ("2025-01-31T23:59:59Z", "daily/klines/BTCUSDT/1h/BTCUSDT-1h-2025-01-31.zip", false),
            ("2025-02-01", "daily/klines/BTCUSDT/1h/BTCUSDT-1h-2025-01-31.zip", true),
            ("2025-02-01", "daily/klines/BTCUSDT/1h/BTCUSDT-1h-2025-01-31.zip.CHECKSUM", true),
            ("2025-02-02T23:59:59Z", "monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2025-01.zip", false),
            ("2025-02-03", "monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2025-01.zip", true),
            ("2025-02-03", "monthly/klines/BTCUSDT/1mo/BTCUSDT-1mo-2025-01.zip", true),
            ("2025-02-03", "monthly/klines/BTCUSDT/1M/BTCUSDT-1M-2025-01.zip", false),
            ("2025-02-03", "daily/klines/BTCUSDT/1w/BTCUSDT-1w-2025-01-06.zip", false),
            ("2025-02-03", "monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2025-01-03.zip", false),
            ("2025-02-03", "monthly/klines/ETHUSDT/1h/ETHUSDT-1h-2025-01.zip", false),
            ("2025-02-03", "monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2024-11.zip", false),
            ("2025-02-03", "daily/klines/BTCUSDT/1h/BTCUSDT-1h-2025-01-32.zip", false),
            ("2025-02-03", "daily/trades/BTCUSDT/BTCUSDT-trades-2025-01-01.csv", false),
        ] {
            assert_eq!(portal_at(now).file(&format!("data/spot/{key}")).is_some(), is_there, "{now} {key}");
        }
    }

    #[test]
    fn archives_of_too_many_trades_are_not_there() {
        let portal = portal_at("2025-02-03");
        let month = |dataset: &str| {
            let folder = format!("data/spot/monthly/{dataset}/BTCUSDT/");
            let name = format!("BTCUSDT-{dataset}-2025-01.zip");
            // It is over in no time.
            let is_there = dataset == "trades" && portal.file(&format!("{folder}{name}")).is_some();
            (is_there, portal.entries(&folder).contains(&name))
        };
        assert_eq!((month("trades"), month("aggTrades")), ((false, false), (false, true)));
        let two_days = portal.entries("data/spot/monthly/trades/BTCUSDT/");
        assert_eq!(two_days, ["BTCUSDT-trades-2024-12.zip", "BTCUSDT-trades-2024-12.zip.CHECKSUM"]);
        assert_eq!(portal.entries("data/spot/daily/trades/BTCUSDT/").len(), 2 * 35);
    }

    #[test]
    fn an_archive_holds_the_bars_and_its_checksum_is_its_own() {
        for (day, first) in [("2024-12-31", "1735603200000,"), ("2025-01-01", "1735689600000000,")] {
            let key = format!("data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-{day}.zip");
            let portal = portal_at("2025-02-03");
            let zip = portal.file(&key).unwrap();
            let csv = archive::unpack(&zip.bytes).unwrap();
            assert!(csv.starts_with(first.as_bytes()));
            let decoded = archive::decode(&csv, day.parse().unwrap()).unwrap();
            let bars = MarketPlan::bitcoin(1, Interval::OneMinute, t("2024-12-30"), t("2025-03-02")).bars();
            let range = day.parse::<Period>().unwrap().range();
            let expected: Bars = bars.iter().filter(|bar| range.contains(&bar.open_time)).collect();
            assert_eq!(decoded.bars, expected);
            let sum = portal.file(&format!("{key}.CHECKSUM")).unwrap();
            let sum = Checksum::parse(std::str::from_utf8(&sum.bytes).unwrap()).unwrap();
            assert_eq!(sum.sha256, sha256_hex(&zip.bytes));
        }
    }

    #[test]
    fn editions_differ_and_have_checksums_of_their_own() {
        let key = "data/spot/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2025-01-01.zip";
        let portal = portal_at("2025-02-03");
        let rows = |edition| {
            let zip = portal.edition(key, edition).unwrap();
            let sum = portal.edition(&format!("{key}.CHECKSUM"), edition).unwrap();
            assert!(sum.bytes.starts_with(sha256_hex(&zip.bytes).as_bytes()));
            archive::decode(&archive::unpack(&zip.bytes).unwrap(), "2025-01-01".parse().unwrap()).unwrap().bars
        };
        let published = rows(Edition::Published);
        assert_eq!(rows(Edition::Early), published.slice(0..21));
        let altered = rows(Edition::Altered);
        assert_eq!(altered.close, published.close);
        assert_eq!(altered.trades.iter().sum::<i64>(), published.trades.iter().sum::<i64>() + 3);
    }

    #[test]
    fn one_series_alone_has_all_its_archives() {
        let plan = MarketPlan::bitcoin(1, Interval::OneMinute, t("2023-02-27"), t("2023-03-02"));
        let portal = Portal::of_bars(plan.symbol, plan.interval, Arc::new(plan.bars()));
        let has = |name: &str| portal.file(&format!("data/spot/{name}")).is_some();
        assert!(has("monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2023-02.zip"));
        assert!(has("daily/klines/BTCUSDT/1m/BTCUSDT-1m-2023-03-01.zip"));
        assert!(!has("monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2023-03.zip"), "the month is not over");
    }
}
