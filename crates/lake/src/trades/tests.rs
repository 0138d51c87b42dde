use candlewick_model::{AggTrade, Amount, Bars, Interval, Price, Quantity, Side, TimeUnit, Trade};

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

/// Time of day, price, tenths of base, who took.
type Told<'a> = (&'a str, i64, i64, Side);

/// Writes days of trades; each day's trades and nothing else.
fn lake_of(folder: &std::path::Path, days: &[(&str, &[Told])]) -> Lake {
    let lake = Lake::new(folder);
    let mut id = 0;
    for (day, rows) in days {
        let writer = lake.trade_writer(series(TradeTable::AggTrades)).unwrap();
        let mut sink = writer.begin(source(day)).unwrap();
        let trade = |(time, price, quantity, aggressor): &Told| {
            id += 3;
            AggTrade {
                id,
                price: Price::from_units(price * 100_000_000),
                quantity: Quantity::from_units(quantity * 10_000_000),
                first_trade_id: id,
                last_trade_id: id + 2,
                time: format!("{day}T{time}Z").parse().unwrap(),
                aggressor: *aggressor,
                is_best_match: true,
            }
        };
        sink.push(&rows.iter().map(trade).collect::<Vec<_>>(), Some(TimeUnit::Milliseconds)).unwrap();
        sink.commit().unwrap();
    }
    lake
}

#[test]
fn bars_are_made_of_trades_as_the_exchange_makes_them() {
    use Side::{Buy, Sell};
    let folder = tempfile::tempdir().unwrap();
    let early: &[_] = &[
        ("23:57:59.999", 9, 1, Buy),
        ("23:58:00", 10, 10, Buy),
        ("23:58:59.500", 12, 5, Sell),
        // Times run back a little; a bar goes by them.
        ("23:58:20", 8, 5, Sell),
    ];
    let late: &[_] = &[("00:01:00", 11, 20, Buy)];
    let days = [("2023-02-01", early), ("2023-02-02", late), ("2023-02-03", &[]), ("2023-02-05", late)];
    let lake = lake_of(folder.path(), &days);
    let bars = |interval, from: &str, to: &str| {
        lake.bars_of_trades(symbol(), interval, from.parse().unwrap()..to.parse().unwrap()).unwrap()
    };
    let minutes = bars(Interval::OneMinute, "2023-02-01", "2023-03-01");
    let told = |bars: &Bars| -> Vec<String> {
        let whole = |price: Price| price.units() / 100_000_000;
        let tenths = |amount: Amount| amount.units() / 10_000_000;
        let tell = |bar: candlewick_model::Bar| {
            let prices = [bar.open, bar.high, bar.low, bar.close].map(whole);
            let volumes = [bar.volume, bar.quote_volume, bar.taker_buy_volume, bar.taker_buy_quote_volume].map(tenths);
            format!("{} {prices:?} {volumes:?} {}", &bar.open_time.to_string()[5..16], bar.trades)
        };
        bars.iter().map(tell).collect()
    };
    assert_eq!(
        told(&minutes)[..5],
        [
            "02-01T23:57 [9, 9, 9, 9] [1, 9, 1, 9] 3",
            "02-01T23:58 [10, 12, 8, 12] [20, 200, 10, 100] 9",
            "02-01T23:59 [12, 12, 12, 12] [0, 0, 0, 0] 0",
            "02-02T00:00 [12, 12, 12, 12] [0, 0, 0, 0] 0",
            "02-02T00:01 [11, 11, 11, 11] [20, 220, 20, 220] 3",
        ]
    );
    // To the end of the last day before the hole; behind it nothing is known until a trade.
    assert_eq!(minutes.len(), 3 + 2 * 1_440 + 1_439);
    assert_eq!(minutes.open_time.at(3 + 2 * 1_440).to_string(), "2023-02-05T00:01:00Z");
    assert_eq!(minutes.close_time.at(0).to_string(), "2023-02-01T23:57:59.999999Z");
    // What is before the range is known all the same, across a day without a trade.
    let third = bars(Interval::OneHour, "2023-02-03", "2023-02-04");
    assert_eq!((third.len(), third.close[0].units()), (24, 1_100_000_000));
    // Bars of several days need all of them.
    assert_eq!(bars(Interval::OneDay, "2023-02-01", "2023-03-01").len(), 4);
    assert_eq!(bars(Interval::ThreeDays, "2023-01-01", "2023-03-01").len(), 1, "from 02-01 on");
    assert!(bars(Interval::OneWeek, "2023-01-01", "2023-03-01").is_empty());
    for (finer, coarser) in [(Interval::OneMinute, Interval::OneHour), (Interval::OneSecond, Interval::OneMinute)] {
        let [finer_bars, coarser_bars] = [finer, coarser].map(|interval| bars(interval, "2023-02-01", "2023-02-02"));
        let made = crate::resample(&finer_bars, finer, coarser).unwrap().bars;
        assert_eq!(made, coarser_bars);
    }
}
