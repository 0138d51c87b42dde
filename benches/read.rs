//! How long a lake takes to be read: five years of minutes into columns, and the footers that a
//! run over a lake that is there looks at.
//!
//! `cargo bench --bench read`. Criterion's elements per second are bars, and files.

#![expect(missing_docs, reason = "criterion makes functions without")]

use std::hint::black_box;
use std::path::Path;

use candlewick_lake::{Chunk, Lake, SeriesName, Source, SourceState};
use candlewick_model::time::MINUTE;
use candlewick_model::{Amount, Bar, Bars, Interval, Period, Price, Symbol, Timestamp};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const MONTHS: usize = 60;

fn months() -> impl Iterator<Item = Period> {
    (0..MONTHS as i32).map(|n| Period::Month { year: 2019 + n / 12, month: n.unsigned_abs() % 12 + 1 })
}

/// A seeded random walk in cents, with volumes of as many digits as real ones.
fn walk(period: Period, step: i64) -> Bars {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ period.range().start.micros().unsigned_abs();
    let mut random = |below: i64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i64 % below
    };
    let (mut close, mut open_time) = (3_000_000_i64, period.range().start);
    let cent = |n: i64| Price::from_units(n * 1_000_000);
    let mut bars = Bars::default();
    while open_time < period.range().end {
        let open = close;
        close = (open + random(3_001) - 1_500).max(10_000);
        let (high, low) = (open.max(close) + random(800), open.min(close) - random(800));
        let volume = random(50_000_000) * 1_000;
        let taken = volume / 3;
        let quote = |volume: i64| Amount::from_units(i128::from(volume) * i128::from(close) / 100);
        bars.push(Bar {
            open_time,
            close_time: open_time.plus(step - 1),
            open: cent(open),
            high: cent(high),
            low: cent(low),
            close: cent(close),
            volume: Amount::from_units(volume.into()),
            quote_volume: quote(volume),
            taker_buy_volume: Amount::from_units(taken.into()),
            taker_buy_quote_volume: quote(taken),
            trades: random(5_000),
        });
        open_time = open_time.plus(step);
    }
    bars
}

fn fill(lake: &Lake, series: SeriesName) {
    let writer = lake.writer(series).unwrap();
    for month in months() {
        let bars = walk(month, series.interval.micros().unwrap());
        let source = Source {
            path: format!(
                "data/spot/monthly/klines/{s}/{i}/{s}-{i}-{month}.zip",
                s = series.symbol,
                i = series.interval
            ),
            sha256: "c1ac7014c110f5dfaf9d2b2f4498736e1d8621fb61a374fc88a903d61830aaa2".into(),
            published_sha256: None,
            state: SourceState::Verified,
            time_unit: None,
            rows: bars.len(),
            from: month.range().start,
            to: month.range().end,
        };
        writer.put(vec![Chunk { bars, source }]).unwrap();
    }
}

fn columns(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::new(folder.path());
    let series = SeriesName { symbol: Symbol::new("BTCUSDT").unwrap(), interval: Interval::OneMinute };
    fill(&lake, series);
    let whole = Timestamp::MIN..Timestamp::MAX;
    let rows = lake.market_bars(&series, whole.clone()).unwrap().len();
    assert_eq!(rows as i64, (5 * 365 + 1) * 24 * 60 * MINUTE / MINUTE);
    let mut group = criterion.benchmark_group("read five years of minutes");
    group.throughput(Throughput::Elements(rows as u64)).sample_size(20);
    group.bench_function("times, prices, volumes", |b| {
        b.iter(|| black_box(lake.market_bars(&series, whole.clone()).unwrap()))
    });
    group.bench_function("all columns", |b| b.iter(|| black_box(lake.bars(&series, whole.clone()).unwrap())));
    group.finish();
}

/// Sixty files of forty series; how long a file is does not matter.
fn footers(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::new(folder.path());
    let first = SeriesName { symbol: Symbol::new("A").unwrap(), interval: Interval::ThirtyMinutes };
    fill(&lake, first);
    for n in 1..40 {
        let series = SeriesName { symbol: Symbol::new(&format!("A{n}")).unwrap(), ..first };
        fill(&lake, series);
    }
    let mut group = criterion.benchmark_group("what files say of themselves");
    group.throughput(Throughput::Elements(40 * MONTHS as u64)).sample_size(20);
    group.bench_function("one thread", |b| {
        b.iter(|| {
            for series in lake.series().unwrap() {
                black_box(lake.files(&series).unwrap());
            }
        });
    });
    group.bench_function("the same by a Parquet reader", |b| {
        b.iter(|| {
            for series in lake.series().unwrap() {
                open_all(&series.folder(lake.root()));
            }
        });
    });
    group.finish();
}

/// For comparison: each file's whole metadata.
fn open_all(folder: &Path) {
    use parquet::file::reader::FileReader;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = std::fs::File::open(entry.unwrap().path()).unwrap();
        let reader = parquet::file::reader::SerializedFileReader::new(file).unwrap();
        black_box(reader.metadata().file_metadata().key_value_metadata().map(Vec::len));
    }
}

criterion_group!(benches, columns, footers);
criterion_main!(benches);
