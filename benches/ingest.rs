//! What an ingest costs: decoding one month of minutes, and a year of them from a local folder
//! into a lake, checksums, inflating, hashing and Parquet included.
//!
//! `cargo bench --bench ingest`. Criterion's bytes per second are bytes of CSV per second.
//!
//! For figures of the whole process, `CANDLEWICK_BENCH_PORTAL=DIR CANDLEWICK_BENCH_MONTHS=60
//! cargo bench --bench ingest -- --list` leaves that many months from 2019-01 on in a folder,
//! to be read with `--portal file://DIR`.

#![expect(missing_docs, reason = "criterion makes functions without")]

use std::hint::black_box;
use std::path::{Path, PathBuf};

use candlewick_binance::archive::{ArchiveName, Checksum, Dataset, decode, encode, pack, sha256_hex, unpack};
use candlewick_ingest::{Engine, Outcome, Portal, Progress, Span, Target};
use candlewick_lake::{Lake, SeriesName};
use candlewick_model::{Amount, Bar, Bars, Interval, Period, Price, Symbol, TimeUnit};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const SERIES: (&str, Interval) = ("BTCUSDT", Interval::OneMinute);

fn series() -> SeriesName {
    SeriesName { symbol: Symbol::new(SERIES.0).expect("short"), interval: SERIES.1 }
}

/// The months from 2019-01 on.
fn months(count: usize) -> impl Iterator<Item = Period> {
    (0..count as i32).map(|n| Period::Month { year: 2019 + n / 12, month: (n % 12 + 1).unsigned_abs() })
}

/// A seeded walk on the cent with volumes that have as many digits as real ones.
fn walk(month: Period) -> Bars {
    let range = month.range();
    let mut state = range.start.micros().unsigned_abs();
    let mut random = |below: i64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i64 % below
    };
    let minutes = (range.end.micros() - range.start.micros()) / 60_000_000;
    let mut close = 3_000_000_i64;
    let cent = |n: i64| Price::from_units(n * 1_000_000);
    let bar = |minute: i64| {
        let open = close;
        close = (open + random(3_001) - 1_500).max(10_000);
        let open_time = range.start.plus(minute * 60_000_000);
        let volume = i128::from(random(20_000_000) + 100_000) * 1_000;
        let taker = volume * i128::from(random(1_000)) / 1_000;
        Bar {
            open_time,
            close_time: open_time.plus(59_999_999),
            open: cent(open),
            high: cent(open.max(close) + random(800)),
            low: cent(open.min(close) - random(800)),
            close: cent(close),
            volume: Amount::from_units(volume),
            quote_volume: Amount::from_units(volume * i128::from(open) / 100),
            taker_buy_volume: Amount::from_units(taker),
            taker_buy_quote_volume: Amount::from_units(taker * i128::from(open) / 100),
            trades: random(3_000),
        }
    };
    (0..minutes).map(bar).collect()
}

/// Puts a month's archive into a folder of the portal's layout and gives the size of its CSV.
fn publish(portal: &Path, month: Period) -> u64 {
    let name = ArchiveName::klines(series().symbol, series().interval, month);
    let csv = encode(&walk(month), TimeUnit::Milliseconds);
    let zip = pack(&format!("{}.csv", name.stem()), &csv).expect("packs");
    let path = portal.join(name.path());
    let checksum = Checksum { sha256: sha256_hex(&zip) }.text(&format!("{}.zip", name.stem()));
    std::fs::create_dir_all(path.parent().expect("has a folder")).expect("writable");
    std::fs::write(path.with_extension("zip.CHECKSUM"), checksum).expect("writable");
    std::fs::write(path, zip).expect("writable");
    csv.len() as u64
}

struct Silent;
impl Progress for Silent {
    fn begin(&self, _: usize) {}
    fn fetched(&self, _: u64) {}
    fn done(&self, _: Target, _: &Outcome) {}
}

fn decoding(c: &mut Criterion) {
    let month = months(1).next().expect("one");
    let csv = encode(&walk(month), TimeUnit::Milliseconds);
    let zip = pack("a.csv", &csv).expect("packs");
    let mut group = c.benchmark_group("a month of minutes");
    group.throughput(Throughput::Bytes(csv.len() as u64)).sample_size(30);
    group.bench_function("inflate", |b| b.iter(|| unpack(black_box(&zip)).expect("unpacks").len()));
    group.bench_function("decode", |b| b.iter(|| decode(black_box(&csv), month).expect("decodes").bars.len()));
    group.finish();
}

fn whole(c: &mut Criterion) {
    let count = std::env::var("CANDLEWICK_BENCH_MONTHS").ok().map_or(12, |n| n.parse().expect("a number"));
    let temporary = tempfile::tempdir().expect("writable");
    let kept = std::env::var_os("CANDLEWICK_BENCH_PORTAL").map(PathBuf::from);
    let portal = kept.unwrap_or_else(|| temporary.path().join("portal"));
    let bytes = months(count).map(|month| publish(&portal, month)).sum();
    let (first, last) = (months(1).next().expect("one"), months(count).last().expect("one"));
    let span = Span::new(first, last).expect("in order");
    let target = Target { symbol: series().symbol, dataset: Dataset::Klines(series().interval) };
    let portal = Portal::new(&format!("file://{}", portal.display()), None).expect("is there");
    let runtime = tokio::runtime::Runtime::new().expect("starts");
    let mut group = c.benchmark_group(format!("ingest of {count} months of minutes"));
    group.throughput(Throughput::Bytes(bytes)).sample_size(10);
    group.bench_function("from a folder", |b| {
        b.iter_batched(
            || tempfile::tempdir().expect("writable"),
            |folder| {
                let lake = Lake::new(folder.path());
                let engine = Engine::new(&portal, &lake, None, 8, &Silent);
                let (_, outcome) = runtime.block_on(engine.ingest(&[target], &span)).remove(0);
                assert!(outcome.archives == count && outcome.troubles.is_empty());
                folder
            },
            BatchSize::PerIteration,
        )
    });
    group.finish();
}

criterion_group!(benches, decoding, whole);
criterion_main!(benches);
