//! Any sources in any order: the same bytes, the best bars, and every open time explained.

use std::collections::{BTreeMap, BTreeSet};

use candlewick_model::{Amount, Price, Symbol};
use proptest::prelude::*;

use super::*;
use crate::holes::HoleKind;
use crate::layout::SeriesName;
use crate::{Lake, SeriesWriter};

/// Who says what; the number of trades of a bar tells whose it is.
#[derive(Debug, Clone)]
enum Saying {
    Month { missing: BTreeSet<usize> },
    Day { day: u32, until: usize, missing: BTreeSet<usize> },
    Rest { from: usize, to: usize },
    Resampled { from: usize, to: usize },
}

#[derive(Debug, Clone)]
struct World {
    interval: Interval,
    /// Every bar that there is, by open time.
    market: Vec<Timestamp>,
    /// What REST does not know of, and what a finer series lacks.
    missing: [BTreeSet<usize>; 2],
    sayings: Vec<Saying>,
    order: Vec<usize>,
    /// How many are put at a time.
    at_once: usize,
}

const MONTH: Period = Period::Month { year: 2023, month: 2 };

/// Bars of a month: an outage, after which some open late, the last of which overlaps the next.
fn market(interval: Interval, outage: usize, length: usize, late: usize) -> Vec<Timestamp> {
    let micros = interval.micros().unwrap();
    let (start, end) = (MONTH.range().start, MONTH.range().end);
    let count = ((end.micros() - start.micros()) / micros) as usize;
    let open = |row: usize| {
        let shift = if (outage + length..outage + length + late).contains(&row) { micros * 28 / 60 } else { 0 };
        (!(outage..outage + length).contains(&row)).then(|| start.plus(row as i64 * micros + shift))
    };
    (0..count).filter_map(open).collect()
}

impl World {
    /// Bars of some rows; the trades say whose.
    fn bars(&self, rows: impl Iterator<Item = usize>, whose: i64) -> Bars {
        let bar = |row: usize| {
            let open_time = self.market[row];
            let price = Price::from_units(100 + row as i64);
            let amount = Amount::from_units(row as i128);
            Bar {
                open_time,
                close_time: self.interval.close_of(open_time),
                open: price,
                high: price,
                low: price,
                close: price,
                volume: amount,
                quote_volume: amount,
                taker_buy_volume: amount,
                taker_buy_quote_volume: amount,
                trades: whose,
            }
        };
        rows.map(bar).collect()
    }

    fn rows(&self, range: &Range<Timestamp>) -> Range<usize> {
        let row = |at: Timestamp| self.market.partition_point(|open| *open < at);
        row(range.start)..row(range.end)
    }

    fn instant(&self, step: usize) -> Timestamp {
        MONTH.range().start.plus(step as i64 * self.interval.micros().unwrap() / 2)
    }

    fn chunk(&self, saying: &Saying) -> Chunk {
        use SourceState::{Resampled, Rest, Verified};
        let (range, state, path, rows, whose): (_, _, String, Vec<usize>, _) = match saying {
            Saying::Month { missing } => {
                let range = MONTH.range();
                let rows = self.rows(&range).filter(|row| !missing.contains(row)).collect();
                (range, Verified, "month.zip".into(), rows, 1)
            }
            Saying::Day { day, until, missing } => {
                let range = Period::Day { year: 2023, month: 2, day: *day }.range();
                let rows = self.rows(&range).take(*until).filter(|row| !missing.contains(row)).collect();
                (range, Verified, format!("{day}.zip"), rows, 2)
            }
            Saying::Rest { from, to } => {
                let range = self.instant(*from)..self.instant(*to);
                let rows = self.rows(&range).filter(|row| !self.missing[0].contains(row)).collect();
                (range, Rest, "/klines".into(), rows, 3)
            }
            Saying::Resampled { from, to } => {
                let range = self.instant(*from)..self.instant(*to);
                let rows = self.rows(&range).filter(|row| !self.missing[1].contains(row)).collect();
                (range, Resampled, "finer".into(), rows, 4)
            }
        };
        let bars = self.bars(rows.into_iter(), whose);
        let source = Source {
            path,
            sha256: String::new(),
            published_sha256: None,
            state,
            time_unit: None,
            rows: bars.len(),
            from: range.start,
            to: range.end,
        };
        Chunk { bars, source }
    }

    fn put(&self, folder: &std::path::Path, order: &[usize], at_once: usize) -> (Lake, usize) {
        let lake = Lake::new(folder);
        let mut contradictions = 0;
        for some in order.chunks(at_once) {
            let writer: SeriesWriter = lake.writer(self.series()).unwrap();
            let chunks = some.iter().map(|at| self.chunk(&self.sayings[*at])).collect();
            contradictions += writer.put(chunks).unwrap().contradictions.len();
        }
        (lake, contradictions)
    }

    fn series(&self) -> SeriesName {
        SeriesName { symbol: Symbol::new("AB").unwrap(), interval: self.interval }
    }

    /// Whose each bar should be. A bar that overlaps one of a higher source is not taken.
    fn expected(&self) -> BTreeMap<Timestamp, i64> {
        let mut expected: BTreeMap<Timestamp, i64> = BTreeMap::new();
        for whose in 1..=4 {
            let chunks = self.sayings.iter().map(|saying| self.chunk(saying));
            let bars: Vec<Bar> = chunks.flat_map(|chunk| chunk.bars.iter().collect::<Vec<_>>()).collect();
            let higher = expected.clone();
            for bar in bars.into_iter().filter(|bar| bar.trades == whose) {
                let length = self.interval.micros().unwrap();
                let overlapped = bar.open_time.plus(1 - length)..bar.open_time.plus(length);
                if higher.range(overlapped).next().is_none() {
                    expected.insert(bar.open_time, whose);
                }
            }
        }
        expected
    }

    fn assert_explained(&self, lake: &Lake) {
        let expected = self.expected();
        let bars = lake.bars(&self.series(), Timestamp::MIN..Timestamp::MAX).unwrap();
        let held: BTreeMap<_, _> = bars.iter().map(|bar| (bar.open_time, bar.trades)).collect();
        assert_eq!(held, expected);
        let files = lake.files(&self.series()).unwrap();
        for bar in bars.iter() {
            let by = files.iter().filter_map(|file| file.provenance.source_of(bar.open_time));
            let paths: Vec<_> = by.map(|source| source.path.clone()).collect();
            let day = bar.open_time.date().2;
            let path = ["month.zip".into(), format!("{day}.zip"), "/klines".into(), "finer".into()];
            assert_eq!(paths, [path[bar.trades as usize - 1].as_str()]);
        }
        let told: usize = files.iter().flat_map(|file| &file.provenance.sources).map(|source| source.rows).sum();
        assert_eq!(told, bars.len(), "rows by source");
        self.assert_holes(lake, &expected);
    }

    /// What is missing is a hole exactly if REST was not asked for it.
    fn assert_holes(&self, lake: &Lake, expected: &BTreeMap<Timestamp, i64>) {
        let holes = lake.holes(&self.series(), MONTH.range()).unwrap();
        let length = self.interval.micros().unwrap();
        let sources: Vec<Source> = self.sayings.iter().map(|saying| self.chunk(saying).source).collect();
        for open in &self.market {
            let has_room = expected.range(open.plus(1 - length)..open.plus(length)).next().is_none();
            let says =
                |is_archive| sources.iter().any(|s| (rank(s) <= Rank::Day) == is_archive && s.range().contains(open));
            let is_asked = says(false);
            let hole = holes.iter().find(|hole| hole.range.contains(open));
            if has_room {
                assert_eq!(hole.is_some(), !is_asked, "{open} {holes:?}");
            }
            if let Some(hole) = hole {
                assert_eq!(hole.kind != HoleKind::Unanswered, says(true), "{open}");
            }
        }
    }
}

/// The bytes of every file.
fn bytes(lake: &Lake, series: &SeriesName) -> BTreeMap<String, Vec<u8>> {
    let folder = series.folder(lake.root());
    lake.place(folder.clone())
        .list()
        .unwrap()
        .into_iter()
        .map(|name| (name.clone(), std::fs::read(folder.join(name)).unwrap()))
        .collect()
}

prop_compose! {
    fn worlds()(
        interval in prop::sample::select(vec![Interval::ThirtyMinutes, Interval::TwoHours]),
        (outage, length, late) in (0_usize..300, 0_usize..5, 0_usize..4),
        seed in any::<u64>(),
        (has_month, days, answers) in (any::<bool>(), prop::collection::vec(any::<bool>(), 28), 0_usize..6),
        all_days in any::<bool>(),
        at_once in 1_usize..4,
    ) -> World {
        let market = market(interval, outage, length, late);
        let mut random = proptest::test_runner::TestRng::from_seed(
            proptest::test_runner::RngAlgorithm::ChaCha, &seed.to_le_bytes().repeat(4));
        let mut below = |n: usize| (random.next_u64() % n.max(1) as u64) as usize;
        // Two bars that overlap are in an archive both or not at all: else it would matter
        // which of two archives comes first.
        let mut some = |count: usize, pairs: bool| -> BTreeSet<usize> {
            let starts: Vec<_> = (0..count).map(|_| (below(market.len()), below(6))).collect();
            let mut rows: BTreeSet<usize> = starts.iter().flat_map(|(at, run)| *at..(*at + run).min(market.len())).collect();
            let length = interval.micros().unwrap();
            for row in 1..market.len() {
                if pairs && market[row].micros() - market[row - 1].micros() < length && rows.contains(&row) {
                    rows.insert(row - 1);
                } else if pairs && market[row].micros() - market[row - 1].micros() < length {
                    rows.remove(&(row - 1));
                }
            }
            rows
        };
        let mut sayings = Vec::new();
        if has_month {
            sayings.push(Saying::Month { missing: some(3, true) });
        }
        for (day, is_there) in (1..).zip(&days) {
            if *is_there || all_days {
                let missing = some(2, true);
                sayings.push(Saying::Day { day, until: usize::MAX, missing });
            }
        }
        let missing = [some(3, false), some(3, false)];
        let steps = 2 * 28 * 86_400_000_000 / interval.micros().unwrap() as usize;
        for answer in 0..answers {
            let (from, to) = (below(steps), below(steps));
            let (from, to) = if answer == 0 { (0, steps) } else { (from.min(to), from.max(to) + 1) };
            sayings.push(if answer % 3 < 2 { Saying::Rest { from, to } } else { Saying::Resampled { from, to } });
        }
        for saying in &mut sayings {
            if let Saying::Day { until, .. } = saying && below(5) == 0 {
                *until = below(20);
            }
        }
        let mut order: Vec<usize> = (0..sayings.len()).collect();
        for at in (1..order.len()).rev() {
            order.swap(at, below(at + 1));
        }
        World { interval, market, missing, sayings, order, at_once }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn the_order_of_sources_leaves_no_trace(world in worlds()) {
        let folder = tempfile::tempdir().unwrap();
        let sorted: Vec<usize> = (0..world.sayings.len()).collect();
        let (at_once, _) = world.put(&folder.path().join("a"), &sorted, sorted.len().max(1));
        world.assert_explained(&at_once);
        let (one_by_one, _) = world.put(&folder.path().join("b"), &world.order, world.at_once);
        let (a, b) = (bytes(&at_once, &world.series()), bytes(&one_by_one, &world.series()));
        prop_assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
        let told = |lake: &Lake| lake.files(&world.series()).unwrap().into_iter().map(|f| f.provenance).collect::<Vec<_>>();
        prop_assert_eq!(told(&at_once), told(&one_by_one));
        prop_assert!(a == b, "the same bytes");
        // All of it once more changes nothing, and writes nothing.
        let written = one_by_one.writer(world.series()).unwrap().put(world.sayings.iter().map(|s| world.chunk(s)).collect());
        prop_assert_eq!(written.unwrap().bytes, 0);
    }
}
