//! A Data Portal that is made here: seeded bars, archives, checksums.

use std::path::{Path, PathBuf};

use candlewick_binance::archive::{ArchiveName, Checksum, Dataset, encode, pack, sha256_hex};
use candlewick_lake::{Lake, SeriesName};
use candlewick_model::{Amount, Bar, Bars, Interval, Period, Price, Symbol, TimeUnit, Timestamp};
use tempfile::TempDir;

pub(crate) fn period(text: &str) -> Period {
    text.parse().unwrap()
}

pub(crate) fn name(symbol: &str, interval: &str, of: &str) -> ArchiveName {
    ArchiveName::klines(Symbol::new(symbol).unwrap(), interval.parse().unwrap(), period(of))
}

/// Every regular bar of a period. The seed is the bar's own time, so that a day is a part of
/// its month. Some volumes do not fit 64 bits, some bars are without volume.
pub(crate) fn bars(interval: Interval, period: Period) -> Bars {
    let range = period.range();
    let length = interval.micros().unwrap();
    (0..(range.end.micros() - range.start.micros()) / length)
        .map(|n| bar(range.start.plus(n * length), length))
        .collect()
}

fn bar(open_time: Timestamp, length: i64) -> Bar {
    let mut state = open_time.micros().unsigned_abs();
    let mut random = |below: i64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i64 % below
    };
    random(1);
    let (low, width) = (2_000_000_000_000 + random(1_000_000_000_000), random(1_000_000_000) + 1);
    let volume = match random(10) {
        0 => 0,
        1 => i128::from(i64::MAX) * 7 + i128::from(random(1_000_000)),
        _ => i128::from(random(1_000_000_000_000)),
    };
    let part = volume * i128::from(random(1_000)) / 1_000;
    Bar {
        open_time,
        close_time: open_time.plus(length - 1),
        open: Price::from_units(low + random(width)),
        high: Price::from_units(low + width),
        low: Price::from_units(low),
        close: Price::from_units(low + random(width)),
        volume: Amount::from_units(volume),
        quote_volume: Amount::from_units(volume * 3),
        taker_buy_volume: Amount::from_units(part),
        taker_buy_quote_volume: Amount::from_units(part * 3),
        trades: random(5_000),
    }
}

/// A folder of the portal's layout.
pub(crate) struct Tree {
    folder: TempDir,
}

impl Tree {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// One that holds the bars of some months or days.
    pub(crate) fn of(symbol: &str, interval: &str, periods: &[&str]) -> Self {
        let tree = Self::new();
        for of in periods {
            tree.publish(name(symbol, interval, of));
        }
        tree
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn address(&self) -> String {
        format!("file://{}", self.root().display())
    }

    pub(crate) fn zip(&self, name: ArchiveName) -> PathBuf {
        self.root().join(name.path())
    }

    /// Publishes the bars of an archive's period.
    pub(crate) fn publish(&self, name: ArchiveName) {
        self.publish_csv(name, &csv(name));
    }

    /// Publishes a CSV, right or wrong.
    pub(crate) fn publish_csv(&self, name: ArchiveName, csv: &[u8]) {
        self.publish_zip(name, &pack(&format!("{}.csv", name.stem()), csv).unwrap());
    }

    /// Publishes bytes as an archive, with their checksum.
    pub(crate) fn publish_zip(&self, name: ArchiveName, zip: &[u8]) {
        let path = self.zip(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, zip).unwrap();
        let checksum = Checksum { sha256: sha256_hex(zip) }.text(&format!("{}.zip", name.stem()));
        std::fs::write(path.with_extension("zip.CHECKSUM"), checksum).unwrap();
    }
}

/// What the portal would publish.
pub(crate) fn csv(name: ArchiveName) -> Vec<u8> {
    let Dataset::Klines(interval) = name.dataset else { panic!("klines only") };
    encode(&bars(interval, name.period), TimeUnit::Milliseconds)
}

/// Asserts that a lake holds exactly the bars that were made for some periods.
#[track_caller]
pub(crate) fn assert_holds(lake: &Path, symbol: &str, interval: &str, periods: &[&str]) {
    let series = SeriesName { symbol: Symbol::new(symbol).unwrap(), interval: interval.parse().unwrap() };
    let held = Lake::new(lake).bars(&series, Timestamp::MIN..Timestamp::MAX).unwrap();
    let mut made = Bars::default();
    for of in periods {
        made.append(bars(series.interval, period(of)));
    }
    assert_eq!((held.len(), held.open_time.first()), (made.len(), made.open_time.first()));
    let difference = held.iter().zip(made.iter()).find(|(held, made)| held != made);
    assert!(difference.is_none(), "held and made: {difference:?}");
}
