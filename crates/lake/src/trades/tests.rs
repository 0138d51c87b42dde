use candlewick_model::{AggTrade, Amount, Price, Quantity, Side, TimeUnit, Trade};

use super::*;
use crate::Lake;
use crate::provenance::SourceState;

fn symbol() -> Symbol {
    Symbol::new("AB").unwrap()
}

fn series(table: TradeTable) -> TradeSeries {
    TradeSeries { symbol: symbol(), table }
}

fn source(period: &str) -> Source {
    let range = period.parse::<Period>().unwrap().range();
    Source {
        path: format!("{period}.zip"),
        sha256: "00".into(),
        published_sha256: None,
        state: SourceState::Verified,
        time_unit: None,
        rows: 0,
        from: range.start,
        to: range.end,
    }
}

/// A trade every `step` seconds from `from` on.
fn trades(from: &str, count: i64, step: i64) -> Vec<AggTrade> {
    let from: Timestamp = from.parse().unwrap();
    let trade = |n: i64| AggTrade {
        id: 1_000 + n,
        price: Price::from_units(1 + n),
        quantity: Quantity::from_units(i64::MAX - n),
        first_trade_id: 2 * n,
        last_trade_id: 2 * n + 1,
        time: from.plus(n * step * 1_000_000),
        aggressor: if n % 3 == 0 { Side::Buy } else { Side::Sell },
        is_best_match: n % 5 != 0,
    };
    (0..count).map(trade).collect()
}

fn read(lake: &Lake, from: &str, to: &str) -> Vec<AggTrade> {
    let batches = lake.trades(symbol(), from.parse().unwrap()..to.parse().unwrap()).unwrap();
    batches.flat_map(Result::unwrap).collect()
}

#[test]
fn a_month_becomes_days_and_days_without_trades_are_there_too() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::new(folder.path());
    let agg = series(TradeTable::AggTrades);
    let writer = lake.trade_writer(agg).unwrap();
    let rows = trades("2023-02-03T12:00:00Z", 40_000, 5);
    let mut sink = writer.begin(source("2023-02")).unwrap();
    for rows in rows.chunks(7_777) {
        sink.push(rows, Some(TimeUnit::Milliseconds)).unwrap();
    }
    assert!(writer.days().unwrap().is_empty(), "nothing has its name before the end");
    let written = sink.commit().unwrap();
    assert_eq!((written.days, written.rows), (28, 40_000));
    let days = writer.days().unwrap();
    assert_eq!(days.values().map(|file| file.provenance.rows).sum::<u64>(), 40_000);
    let day = &days[&"2023-02-04".parse().unwrap()].provenance;
    assert_eq!((day.rows, day.missing_ids, day.first_id), (17_280, 0, Some(1_000 + 8_640)));
    assert_eq!((day.source.rows, day.source.time_unit), (17_280, Some(TimeUnit::Milliseconds)));
    assert_eq!(days[&"2023-02-01".parse().unwrap()].provenance.first, None);
    assert_eq!(read(&lake, "2023-02-01", "2023-03-01"), rows);
    assert_eq!(read(&lake, "2023-02-04", "2023-02-05"), rows[8_640..25_920]);
    assert_eq!(lake.trade_series().unwrap(), [agg]);
    for file in lake.trade_files(&agg).unwrap() {
        assert!(lake.is_trade_file_intact::<AggTrade>(&agg, &file).unwrap());
    }
}

#[test]
fn a_sink_that_is_not_committed_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::new(folder.path());
    let writer = lake.trade_writer(series(TradeTable::AggTrades)).unwrap();
    let mut sink = writer.begin(source("2023-02")).unwrap();
    sink.push(&trades("2023-02-01", 60_000, 4), None).unwrap();
    drop(sink);
    assert!(std::fs::read_dir(writer.folder_for_tests()).map_or(Vec::new(), |files| files.collect()).is_empty());
    // One that was killed leaves temporary files, which the next writer clears.
    std::fs::write(writer.folder_for_tests().join(".2023-02-01.parquet.tmp"), b"PAR1").unwrap();
    drop(writer);
    let writer = lake.trade_writer(series(TradeTable::AggTrades)).unwrap();
    assert!(std::fs::read_dir(writer.folder_for_tests()).map_or(Vec::new(), |files| files.collect()).is_empty());
    let second = lake.trade_writer(series(TradeTable::AggTrades)).unwrap_err().to_string();
    assert!(second.contains("AB agg_trades is being written by another process"), "{second}");
}

#[test]
fn times_may_run_back_over_midnight_but_not_by_days() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::new(folder.path());
    let writer = lake.trade_writer(series(TradeTable::AggTrades)).unwrap();
    let mut rows = trades("2023-02-03T23:59:58Z", 4, 1);
    rows.swap(1, 2);
    let mut sink = writer.begin(source("2023-02")).unwrap();
    sink.push(&rows, None).unwrap();
    let later = trades("2023-02-05", 1, 1);
    sink.push(&later, None).unwrap();
    sink.push(&trades("2023-02-06", 1, 1), None).unwrap();
    let error = sink.push(&rows, None).unwrap_err().to_string();
    assert!(error.contains("2023-02-03.parquet: the archive comes back to this day"), "{error}");
}

#[test]
fn single_trades_keep_all_their_values() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::new(folder.path());
    let writer = lake.trade_writer(series(TradeTable::Trades)).unwrap();
    let trade = Trade {
        id: 7,
        price: Price::from_units(999_999_999_999_999_999),
        quantity: Quantity::from_units(i64::MAX),
        quote_quantity: Amount::from_units(i128::from(i64::MAX) << 30),
        time: "2025-01-01T00:00:00.000001Z".parse().unwrap(),
        aggressor: Side::Sell,
        is_best_match: true,
    };
    let mut sink = writer.begin(source("2025-01-01")).unwrap();
    sink.push(&[trade, Trade { id: 10, aggressor: Side::Buy, ..trade }], Some(TimeUnit::Microseconds)).unwrap();
    assert_eq!(sink.commit().unwrap().days, 1);
    let all = Timestamp::MIN..Timestamp::MAX;
    let rows: Vec<Trade> = lake.trades(symbol(), all).unwrap().flat_map(Result::unwrap).collect();
    assert_eq!(rows, [trade, Trade { id: 10, aggressor: Side::Buy, ..trade }]);
    let files = lake.trade_files(&series(TradeTable::Trades)).unwrap();
    assert_eq!(files[0].provenance.missing_ids, 2);
}
