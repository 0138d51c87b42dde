//! Sums against plain loops; the calendar; what is left out.

use candlewick_model::time::{DAY, MINUTE};
use candlewick_model::{Amount, Bars, Period, Price};
use proptest::prelude::*;

use super::*;

fn t(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn bar(open_time: Timestamp, length: i64, n: i64) -> Bar {
    let price = |units: i64| Price::from_units(1_000_000 + units);
    let volume = Amount::from_units((i128::from(i64::MAX) * 3 + 12_345) * i128::from(n % 97));
    let part = Amount::from_units(volume.units() / 2);
    Bar {
        open_time,
        close_time: open_time.plus(length - 1),
        open: price(n % 13),
        high: price(20 + n % 31),
        low: price(-(n % 29)),
        close: price(n % 11),
        volume,
        quote_volume: part,
        taker_buy_volume: part,
        taker_buy_quote_volume: Amount::from_units(part.units() - part.units() % 7),
        trades: n,
    }
}

fn bars(from: &str, interval: Interval, count: i64, is_there: impl Fn(i64) -> bool) -> Bars {
    let length = interval.micros().unwrap();
    (0..count).filter(|n| is_there(*n)).map(|n| bar(t(from).plus(n * length), length, n)).collect()
}

/// What a coarser bar is, by its definition.
fn plainly(finer: &[Bar], to: Interval) -> Bar {
    let sum = |of: fn(&Bar) -> Amount| Amount::from_units(finer.iter().map(|bar| of(bar).units()).sum());
    let open_time = to.open_at(finer[0].open_time);
    Bar {
        open_time,
        close_time: to.close_of(open_time),
        open: finer[0].open,
        high: finer.iter().map(|bar| bar.high).max().unwrap(),
        low: finer.iter().map(|bar| bar.low).min().unwrap(),
        close: finer[finer.len() - 1].close,
        volume: sum(|bar| bar.volume),
        quote_volume: sum(|bar| bar.quote_volume),
        taker_buy_volume: sum(|bar| bar.taker_buy_volume),
        taker_buy_quote_volume: sum(|bar| bar.taker_buy_quote_volume),
        trades: finer.iter().map(|bar| bar.trades).sum(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn sums_and_extremes_are_those_of_a_plain_loop(
        missing in prop::collection::btree_set(0..400_i64, 0..300),
        to in prop::sample::select(vec![Interval::ThreeMinutes, Interval::FifteenMinutes, Interval::OneHour, Interval::OneDay]),
    ) {
        let finer = bars("2023-01-31T22:00:00Z", Interval::OneMinute, 400, |n| !missing.contains(&n));
        let made = resample(&finer, Interval::OneMinute, to).unwrap();
        let finer: Vec<Bar> = finer.iter().collect();
        let plain: Vec<Bar> =
            finer.chunk_by(|a, b| to.open_at(a.open_time) == to.open_at(b.open_time)).map(|part| plainly(part, to)).collect();
        prop_assert_eq!(made.bars.iter().collect::<Vec<_>>(), plain);
        let length = to.micros().unwrap() / MINUTE;
        let count = |open: Timestamp| finer.iter().filter(|bar| to.open_at(bar.open_time) == open).count();
        for partial in &made.partial {
            prop_assert_eq!((partial.there, partial.due as i64), (count(partial.open_time), length));
        }
        let whole = made.bars.open_time.iter().filter(|open| count(*open) as i64 == length).count();
        prop_assert_eq!(made.partial.len() + whole, made.bars.len());
    }
}

#[test]
fn which_intervals_make_which() {
    use Interval::*;
    for (from, to) in
        [(OneMinute, OneHour), (OneDay, OneWeek), (OneDay, OneMonth), (EightHours, ThreeDays), (OneSecond, OneMinute)]
    {
        assert!(divides(from, to), "{from} {to}");
    }
    for (from, to) in [
        (OneHour, OneMinute),
        (OneHour, OneHour),
        (ThreeDays, OneWeek),
        (ThreeDays, OneMonth),
        (OneWeek, OneMonth),
        (EightHours, TwelveHours),
    ] {
        assert!(!divides(from, to), "{from} {to}");
        assert!(resample(&Bars::default(), from, to).is_err());
    }
}

#[test]
fn the_calendar_of_coarser_bars() {
    let days = bars("2024-01-01", Interval::OneDay, 366, |_| true);
    let opens = |to| -> Vec<String> {
        let made = resample(&days, Interval::OneDay, to).unwrap();
        made.bars.iter().take(3).map(|bar| format!("{} {}", bar.open_time, bar.close_time)).collect()
    };
    // 2024-01-01 was a Monday, and the 19,723rd day since 1970-01-01: one after a multiple of three.
    assert_eq!(opens(Interval::OneWeek)[1], "2024-01-08T00:00:00Z 2024-01-14T23:59:59.999999Z");
    assert_eq!(opens(Interval::OneMonth)[1], "2024-02-01T00:00:00Z 2024-02-29T23:59:59.999999Z");
    assert_eq!(opens(Interval::ThreeDays)[0], "2023-12-31T00:00:00Z 2024-01-02T23:59:59.999999Z");
}

#[test]
fn a_bar_that_was_cut_short_ends_with_its_last_part() {
    let mut minutes: Vec<Bar> = bars("2023-03-24T12:00:00Z", Interval::OneMinute, 40, |_| true).iter().collect();
    let short = t("2023-03-24T12:39:41.646999Z");
    minutes[39].close_time = short;
    let made = resample(&minutes.iter().copied().collect(), Interval::OneMinute, Interval::OneHour).unwrap();
    assert_eq!((made.bars.close_time.at(0), made.partial[0].there), (short, 40));
    // It is the last part that counts.
    minutes.swap_remove(39);
    minutes[10].close_time = minutes[10].close_time.plus(-5);
    let made = resample(&minutes.into_iter().collect(), Interval::OneMinute, Interval::OneHour).unwrap();
    assert_eq!(made.bars.close_time.at(0), t("2023-03-24T12:59:59.999999Z"));
}

#[test]
fn what_is_too_large_is_refused() {
    let mut minutes = bars("2023-03-24T12:00:00Z", Interval::OneMinute, 2, |_| true);
    minutes.quote_volume.set(1, Amount::from_units(i128::MAX / 2));
    let error = resample(&minutes, Interval::OneMinute, Interval::OneHour).unwrap_err();
    assert_eq!(error.to_string(), "a quote_volume is too large to be summed");
}

fn lake_of(
    periods: &[&str],
    interval: Interval,
    is_there: impl Fn(Timestamp) -> bool,
) -> (tempfile::TempDir, Lake, SeriesName) {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::new(folder.path());
    let name = SeriesName { symbol: "A".parse().unwrap(), interval };
    let length = interval.micros().unwrap();
    let chunk = |period: &&str| {
        let range = period.parse::<Period>().unwrap().range();
        let count = (range.end.micros() - range.start.micros()) / length;
        let opens = (0..count).map(|n| range.start.plus(n * length)).filter(|open| is_there(*open));
        let bars: Bars = opens.map(|open| bar(open, length, open.micros() / length % 1_000)).collect();
        let source = Source {
            path: format!("{period}.zip"),
            sha256: String::new(),
            published_sha256: None,
            state: SourceState::Verified,
            time_unit: None,
            rows: bars.len(),
            from: range.start,
            to: range.end,
        };
        Chunk { bars, source }
    };
    lake.writer(name).unwrap().put(periods.iter().map(chunk).collect()).unwrap();
    (folder, lake, name)
}

#[test]
fn only_bars_whose_time_is_answered_for_are_made() {
    // 2023-02-06 is a Monday. Days from Saturday on; the 15th is missing; a gap within the 9th.
    let days = ["2023-02-04", "2023-02-05", "2023-02-06", "2023-02-07", "2023-02-08", "2023-02-09", "2023-02-10"];
    let more = ["2023-02-11", "2023-02-12", "2023-02-13", "2023-02-14", "2023-02-16", "2023-02-17"];
    let hole = t("2023-02-09T10:00:00Z")..t("2023-02-09T12:00:00Z");
    let (_folder, lake, hours) =
        lake_of(&[&days[..], &more[..]].concat(), Interval::OneHour, |open| !hole.contains(&open));
    let weeks = lake.resample(&hours, Interval::OneWeek).unwrap();
    assert_eq!(weeks.len(), 1);
    assert_eq!(weeks.chunks.iter().find(|c| !c.bars.is_empty()).unwrap().bars.open_time, vec![t("2023-02-06")].into());
    assert_eq!(weeks.partial, [PartialBar { open_time: t("2023-02-06"), there: 166, due: 168 }]);
    assert_eq!(weeks.left_out, [t("2023-01-30")..t("2023-02-06"), t("2023-02-13")..t("2023-02-20")]);
    let days = lake.resample(&hours, Interval::OneDay).unwrap();
    assert_eq!((days.len(), days.left_out.len()), (13, 1));
    assert_eq!(days.left_out, [t("2023-02-15")..t("2023-02-16")]);
}

#[test]
fn a_series_is_made_across_files_and_written_below_archives() {
    let months = ["2023-01", "2023-02"];
    let (_folder, lake, minutes) = lake_of(&months, Interval::FifteenMinutes, |_| true);
    let made = lake.resample(&minutes, Interval::OneDay).unwrap();
    let paths: Vec<_> = made.chunks.iter().map(|chunk| chunk.source.path.as_str()).collect();
    let path = |month| format!("klines/symbol=A/interval=15m/{month}.parquet");
    assert_eq!(paths, months.map(path));
    assert_eq!((made.len(), made.partial.len(), made.left_out.len()), (59, 0, 0));

    // An archive has the 3rd of January otherwise.
    let days = SeriesName { interval: Interval::OneDay, ..minutes };
    let mut third = made.chunks[0].part(t("2023-01-03")..t("2023-01-04"));
    third.bars.trades[0] += 1;
    third.source.state = SourceState::Verified;
    third.source.path = "2023-01-03.zip".into();
    lake.writer(days).unwrap().put(vec![third.clone()]).unwrap();
    let verified = lake.verify_resampled(days.symbol, Interval::OneDay, &made).unwrap();
    assert_eq!((verified.equal, verified.differences.len()), (0, 1));
    assert_eq!(verified.differences[0].exchange, Some(third.bars.bar(0)));
    let written = lake.writer(days).unwrap().put(made.chunks).unwrap();
    assert_eq!(written.contradictions.len(), 1);
    let bars = lake.bars(&days, Timestamp::MIN..Timestamp::MAX).unwrap();
    assert_eq!((bars.len(), bars.bar(2)), (59, third.bars.bar(0)), "the archive's word stays");
    assert_eq!(bars.open_time.at(1).micros() - bars.open_time.at(0).micros(), DAY);
    assert_eq!(lake.resample(&days, Interval::OneWeek).unwrap().len(), 8, "and coarser ones of these");
    assert!(lake.resample(&minutes, Interval::OneMinute).is_err());
}
