//! Small lakes with one fault each.

use candlewick_model::time::{HOUR, MINUTE};
use candlewick_model::{Amount, Bar, Bars, Interval, Period, Price, Symbol, TimeUnit, Timestamp};
use tempfile::TempDir;

use super::*;
use crate::provenance::Source;
use crate::write::Chunk;

const DAY: &str = "2023-02-03";

fn series(symbol: &str, interval: Interval) -> SeriesName {
    SeriesName { symbol: Symbol::new(symbol).unwrap(), interval }
}

fn t(text: &str) -> Timestamp {
    format!("{DAY}T{text}:00Z").parse().unwrap()
}

fn bar(open_time: Timestamp, length: i64) -> Bar {
    let (price, one) = (Price::from_units(200_000_000), Amount::from_units(100_000_000));
    Bar {
        open_time,
        close_time: open_time.plus(length - 1),
        open: price,
        high: price,
        low: price,
        close: price,
        volume: one,
        quote_volume: Amount::from_units(200_000_000),
        taker_buy_volume: one,
        taker_buy_quote_volume: one,
        trades: 3,
    }
}

/// A period's bars, without those for which `is_missing`.
fn chunk(period: &str, interval: Interval, is_missing: impl Fn(Timestamp) -> bool) -> Chunk {
    let range = period.parse::<Period>().unwrap().range();
    let length = interval.micros().unwrap();
    let count = (range.end.micros() - range.start.micros()) / length;
    let opens = (0..count).map(|n| range.start.plus(n * length)).filter(|open| !is_missing(*open));
    let bars: Bars = opens.map(|open| bar(open, length)).collect();
    source_of(bars, range, SourceState::Verified, &format!("{period}.zip"))
}

fn source_of(bars: Bars, range: Range<Timestamp>, state: SourceState, path: &str) -> Chunk {
    let source = Source {
        path: path.to_owned(),
        sha256: "00".into(),
        published_sha256: None,
        state,
        time_unit: Some(TimeUnit::Milliseconds),
        rows: bars.len(),
        from: range.start,
        to: range.end,
    };
    Chunk { bars, source }
}

fn within(from: &'static str, to: &'static str) -> impl Fn(Timestamp) -> bool {
    move |open| (t(from)..t(to)).contains(&open)
}

/// A lake in its own folder, which goes with it.
struct Made {
    _folder: TempDir,
    lake: Lake,
}

impl Made {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::new(folder.path());
        Self { _folder: folder, lake }
    }

    fn with(self, symbol: &str, chunks: Vec<Chunk>) -> Self {
        self.with_interval(symbol, Interval::OneMinute, chunks)
    }

    fn with_interval(self, symbol: &str, interval: Interval, chunks: Vec<Chunk>) -> Self {
        self.lake.writer(series(symbol, interval)).unwrap().put(chunks).unwrap();
        self
    }

    fn check_all(&self) -> Vec<Check> {
        self.lake.check(&self.lake.series().unwrap()).unwrap()
    }

    fn check(&self, symbol: &str) -> Check {
        self.check_all().into_iter().find(|check| check.symbol.as_str() == symbol).unwrap()
    }
}

fn causes(check: &Check) -> Vec<(Cause, u64)> {
    check.gaps.iter().map(|gap| (gap.cause, gap.missing)).collect()
}

const ONE_MINUTE: Interval = Interval::OneMinute;

#[test]
fn kinds_are_listed_as_they_are_numbered() {
    assert!(Kind::ALL.iter().enumerate().all(|(at, kind)| *kind as usize == at));
}

#[test]
fn odd_bars_are_counted_by_kind() {
    use Kind::*;
    type Change = fn(&mut Bar);
    let table: [(Kind, Severity, Change); 13] = [
        (ContradictoryPrices, Severity::Problem, |b| b.high = Price::from_units(199_999_999)),
        (Negative, Severity::Problem, |b| b.trades = -1),
        (TakerAboveTotal, Severity::Problem, |b| b.taker_buy_volume = Amount::from_units(100_000_001)),
        (TakerAboveTotal, Severity::Problem, |b| b.taker_buy_quote_volume = Amount::from_units(200_000_001)),
        (QuoteVolumeOutsidePrices, Severity::Warning, |b| b.quote_volume = Amount::from_units(200_000_005)),
        (QuoteVolumeOutsidePrices, Severity::Warning, |b| b.quote_volume = Amount::from_units(199_999_996)),
        (VolumeWithoutTrades, Severity::Warning, |b| b.trades = 0),
        (Misaligned, Severity::Fact, |b| {
            (b.open_time, b.close_time) = (b.open_time.plus(1_000), b.close_time.plus(1_000));
        }),
        (ShortBar, Severity::Fact, |b| b.close_time = b.close_time.plus(-1_000)),
        (LongBar, Severity::Warning, |b| b.close_time = b.close_time.plus(1)),
        (Spike, Severity::Warning, |b| {
            (b.low, b.quote_volume) = (Price::from_units(99_999_999), Amount::from_units(150_000_000))
        }),
        (Overlapping, Severity::Problem, |b| b.close_time = b.close_time.plus(1_000_000)),
        (Jump, Severity::Warning, |b| {
            (b.open, b.high) = (Price::from_units(240_000_000), Price::from_units(240_000_000));
        }),
    ];
    for (kind, severity, change) in table {
        let mut bars: Vec<Bar> = (0..4).map(|n| bar(t("10:00").plus(n * MINUTE), MINUTE)).collect();
        change(&mut bars[2]);
        let scan = scan::Scan::of(&bars.into_iter().collect(), ONE_MINUTE).unwrap();
        let found = scan.findings();
        let finding = found.iter().find(|finding| finding.kind == kind);
        assert_eq!(finding.map(|f| (f.bars, f.severity)), Some((1, severity)), "{kind:?} in {found:#?}");
        // A bar that ends late or is moved reaches into the next one; the others are odd in one way.
        assert!(found.len() == 1 || matches!(kind, Overlapping | LongBar | Misaligned), "{kind:?}: {found:#?}");
    }
    let rounding = Bar { quote_volume: Amount::from_units(199_999_997), ..bar(t("10:00"), MINUTE) };
    let scan = scan::Scan::of(&[rounding].into_iter().collect(), ONE_MINUTE).unwrap();
    assert_eq!(scan.findings(), [], "three trades may have lost three units");
}

#[test]
fn volumes_beyond_64_bits_are_judged_exactly() {
    let volume = Amount::from_units(i128::from(i64::MAX) * 1_000 + 12_345);
    let quote = Amount::from_units(volume.units() * 2);
    let part = Amount::ZERO;
    let fits = Bar { volume, quote_volume: quote, taker_buy_volume: part, ..bar(t("10:00"), MINUTE) };
    let off = Bar { quote_volume: Amount::from_units(quote.units() + 5), ..fits };
    let count = |bar: Bar| scan::Scan::of(&[bar].into_iter().collect(), ONE_MINUTE).unwrap().findings().len();
    assert_eq!((count(fits), count(off)), (0, 1));
}

#[test]
fn an_outage_is_what_other_markets_know_of() {
    let made = Made::new()
        .with("A", vec![chunk(DAY, ONE_MINUTE, within("12:40", "14:00"))])
        .with("B", vec![chunk(DAY, ONE_MINUTE, within("12:38", "13:55"))]);
    let check = made.check("A");
    assert_eq!(causes(&check), [(Cause::Outage, 80)]);
    assert!(!check.has_problems() && check.missing == 80 && check.missing_problem == 0, "{check:#?}");
    let alone = made.lake.check(&[series("A", ONE_MINUTE)]).unwrap();
    assert_eq!(causes(&alone[0]), [(Cause::Outage, 80)], "footers of the others tell as well");

    // A market that trades on tells that it was none.
    let made = made.with("C", vec![chunk(DAY, ONE_MINUTE, |_| false)]);
    let check = made.check("A");
    assert_eq!(causes(&check), [(Cause::InArchive, 80)]);
    assert_eq!(
        (check.gaps[0].evidence.as_str(), check.has_problems()),
        ("1 other markets traded, 1 stood still", true)
    );
}

#[test]
fn a_market_that_rests_tells_of_an_outage_unless_it_often_rests() {
    let resting = |every: usize| {
        let mut day = chunk(DAY, ONE_MINUTE, |_| false);
        let bars = &mut day.bars;
        for row in 0..bars.len() {
            if within("12:40", "13:00")(bars.open_time.at(row)) || row % every == 0 {
                bars.volume.set(row, Amount::ZERO);
                bars.quote_volume.set(row, Amount::ZERO);
                bars.taker_buy_volume.set(row, Amount::ZERO);
                bars.taker_buy_quote_volume.set(row, Amount::ZERO);
                bars.trades[row] = 0;
            }
        }
        day
    };
    let gap = || chunk(DAY, ONE_MINUTE, within("12:40", "13:00"));
    let busy = Made::new().with("A", vec![gap()]).with("B", vec![resting(5_000)]);
    assert_eq!(causes(&busy.check("A")), [(Cause::Outage, 20)]);
    let idle = Made::new().with("A", vec![gap()]).with("B", vec![resting(3)]);
    assert_eq!(causes(&idle.check("A")), [(Cause::InArchive, 20)]);
    let check = busy.check("B");
    assert_eq!((check.zero_volume.bars, check.zero_volume.stretches), (21, 2));
    assert_eq!(check.zero_volume.longest.map(|s| (s.from, s.to, s.bars)), Some((t("12:40"), t("13:00"), 20)));
    assert_eq!(check.severity, Severity::Fact);
}

#[test]
fn days_that_are_missing_everywhere_are_no_outage() {
    let days = || ["2023-02-03", "2023-02-05"].map(|day| chunk(day, ONE_MINUTE, |_| false)).to_vec();
    let made = Made::new().with("A", days()).with("B", days());
    assert_eq!(causes(&made.check("A")), [(Cause::MissingArchive, 1_440)]);
}

#[test]
fn files_that_are_cut() {
    let days = |missing: fn(Timestamp) -> bool| {
        ["2023-02-02", DAY, "2023-02-04"].map(|day| chunk(day, ONE_MINUTE, missing)).to_vec()
    };
    for (missing, how) in [
        ((|open| (t("03:00")..t("00:00").plus(24 * HOUR)).contains(&open)) as fn(Timestamp) -> bool, "ends before"),
        (|open| (t("00:00")..t("03:00")).contains(&open), "begins after"),
    ] {
        let check = Made::new().with("A", days(missing)).check("A");
        assert_eq!(check.gaps.len(), 1);
        assert_eq!(check.gaps[0].cause, Cause::CutFile);
        assert!(check.gaps[0].evidence.starts_with(&format!("2023-02-03.zip {how}")), "{check:#?}");
    }
    // An outage over midnight is missing in two files, which is no cut of either.
    let midnight = |open: Timestamp| (t("22:00")..t("22:00").plus(4 * HOUR)).contains(&open);
    let made = Made::new().with("A", days(midnight)).with("B", days(midnight));
    assert_eq!(causes(&made.check("A")), [(Cause::Outage, 240)]);
    // A cut file before a missing one.
    let cut = chunk(DAY, ONE_MINUTE, |open| open >= t("23:00"));
    let made = Made::new().with("A", vec![cut, chunk("2023-02-05", ONE_MINUTE, |_| false)]);
    let check = made.check("A");
    assert_eq!(causes(&check), [(Cause::CutFile, 60), (Cause::MissingArchive, 1_440)]);
    assert_eq!((check.gaps[0].to, check.gaps[1].from), (check.gaps[1].from, t("23:00").plus(HOUR)));
}

#[test]
fn what_rest_confirms_is_a_fact() {
    let gap = t("10:00")..t("10:30");
    let nothing = source_of(Bars::default(), gap, SourceState::Rest, "/api/v3/klines");
    let day = chunk(DAY, ONE_MINUTE, within("10:00", "11:00"));
    let check = Made::new().with("A", vec![day, nothing]).check("A");
    assert_eq!(causes(&check), [(Cause::RestConfirmed, 30), (Cause::InArchive, 30)]);
    assert_eq!((check.missing, check.missing_problem), (60, 30));
    assert_eq!(check.sources[&SourceState::Rest], Share { sources: 1, bars: 0 });
}

#[test]
fn bars_of_rest_in_an_archives_hole_are_told() {
    let gap = t("10:00")..t("10:30");
    let bars = (0..30).map(|n| bar(gap.start.plus(n * MINUTE), MINUTE)).collect();
    let rest = source_of(bars, gap, SourceState::Rest, "/api/v3/klines");
    let check = Made::new().with("A", vec![chunk(DAY, ONE_MINUTE, within("10:00", "10:30")), rest]).check("A");
    assert_eq!((check.missing, check.has_problems()), (0, false));
    let odd: Vec<_> = check.odd_sources.iter().map(|odd| (odd.kind, odd.sources, odd.bars)).collect();
    assert_eq!(odd, [(Oddity::FilledHole, 1, 30)]);
}

#[test]
fn trades_in_another_series_of_the_market_tell_that_bars_are_lost() {
    let made = Made::new().with("A", vec![chunk(DAY, ONE_MINUTE, |_| false)]).with_interval(
        "A",
        Interval::OneHour,
        vec![chunk(DAY, Interval::OneHour, within("10:00", "12:00"))],
    );
    let check = made.check_all().into_iter().find(|check| check.interval == Interval::OneHour).unwrap();
    assert_eq!(causes(&check), [(Cause::Lost, 2)]);
    assert_eq!(check.gaps[0].evidence, "A 1m has trades in it");
}

#[test]
fn beginnings_and_ends() {
    let whole = |day: &str| chunk(day, ONE_MINUTE, |_| false);
    let made = Made::new()
        .with("OLD", vec![whole("2023-02-02"), whole(DAY), whole("2023-02-04")])
        .with("NEW", vec![chunk(DAY, ONE_MINUTE, |open| open < t("15:00")), whole("2023-02-04")])
        .with("GONE", vec![chunk(DAY, ONE_MINUTE, |open| open >= t("03:00"))])
        .with("LATE", vec![whole("2023-02-02"), whole(DAY)])
        .with("CUT", vec![whole(DAY), chunk("2023-02-04", ONE_MINUTE, |open| open >= t("20:00").plus(24 * HOUR))]);
    let ends = |symbol| {
        let check = made.check(symbol);
        let has_problems = check.has_problems();
        (check.head.unwrap().kind, check.tail.unwrap().kind, has_problems)
    };
    use EndKind::{BeforeOthers, CutFile, Delisting, Listing, Whole};
    assert_eq!(ends("OLD"), (Whole, Whole, false));
    assert_eq!(ends("NEW"), (Listing, Whole, false));
    assert_eq!(ends("GONE"), (Whole, Delisting, false));
    assert_eq!(ends("LATE"), (Whole, BeforeOthers, false));
    assert_eq!(ends("CUT"), (Whole, CutFile, true));
}

#[test]
fn a_name_that_means_something_else_now() {
    let mut after = chunk("2023-02-05", ONE_MINUTE, |_| false);
    for column in [&mut after.bars.open, &mut after.bars.high, &mut after.bars.low, &mut after.bars.close] {
        column.fill(Price::from_units(200_000));
    }
    for row in 0..after.bars.len() {
        after.bars.quote_volume.set(row, Amount::from_units(200_000));
        after.bars.taker_buy_quote_volume.set(row, Amount::ZERO);
    }
    let check = Made::new().with("A", vec![chunk(DAY, ONE_MINUTE, |_| false), after]).check("A");
    let [found] = &check.discontinuities[..] else { panic!("{check:#?}") };
    assert_eq!((found.likely, found.before.to_string().as_str()), (Likeness::Redenominated, "2.00000000"));
    assert_eq!(
        (found.after.to_string().as_str(), found.first.to_string().as_str()),
        ("0.00200000", "2023-02-05T00:00:00Z")
    );
    assert_eq!(check.jumps, [], "a day lies between");
}

#[test]
fn odd_sources_are_told() {
    let mut late = chunk("2025-01-01", ONE_MINUTE, |_| false);
    let mut early = chunk(DAY, ONE_MINUTE, |_| false);
    early.source.time_unit = Some(TimeUnit::Microseconds);
    early.source.state = SourceState::Absent;
    let mut mixed = chunk("2023-02-04", ONE_MINUTE, |_| false);
    mixed.source.time_unit = None;
    mixed.source.state = SourceState::StaleChecksum;
    late.source.path = "late.zip".into();
    let check = Made::new().with("A", vec![early, mixed, late]).check("A");
    let kinds: Vec<_> = check.odd_sources.iter().map(|odd| odd.kind).collect();
    use Oddity::{EarlyMicroseconds, LateMilliseconds, MixedUnits, NoChecksum, StaleChecksum};
    assert_eq!(kinds, [StaleChecksum, NoChecksum, MixedUnits, LateMilliseconds, EarlyMicroseconds]);
    assert_eq!(check.odd_sources[3].first, "late.zip");
}

#[test]
fn damaged_files_are_part_of_the_answer() {
    let made =
        Made::new().with("A", vec![chunk(DAY, ONE_MINUTE, |_| false), chunk("2023-02-05", ONE_MINUTE, |_| false)]);
    let folder = series("A", ONE_MINUTE).folder(made.lake.root());
    std::fs::write(folder.join("2023-02-05.parquet"), b"PAR1").unwrap();
    let check = made.check("A");
    assert_eq!((check.bars, check.has_problems()), (1_440, true));
    assert_eq!(check.files.iter().map(|f| f.intact).collect::<Vec<_>>(), [true, false]);
}
