//! Repair: what a series lacks between its first and its last bar, from whichever source has it.
//!
//! For: damaged files, missing archives, holes in archives, and what remains. Not for: growing a
//! series at its ends, which is what an ingest does. Bars are never invented: a hole for which
//! every source was asked and has none is told as such and stays.

use std::collections::BTreeSet;
use std::ops::Range;

use candlewick_lake::{FileSummary, Hole, HoleKind, SeriesName, Source, SourceState};
use candlewick_model::{Interval, Period, Timestamp};
use futures_util::{StreamExt, stream};
use serde::Serialize;

use crate::error::Trouble;
use crate::outcome::Outcome;
use crate::plan::{Span, Target};
use crate::run::Engine;
use crate::series::{Listed, SeriesRun};

/// What a repair did for a series, and what it could not do.
#[derive(Debug, Default)]
pub struct Repaired {
    /// Damaged files that are whole again.
    pub rebuilt: Vec<String>,
    /// Damaged files that are not. Nothing else of their series was touched.
    pub damaged: Vec<StillDamaged>,
    /// Holes that have bars now.
    pub filled: Vec<Filled>,
    /// Holes that stay, because whoever knows says that there is nothing.
    pub empty: Vec<Empty>,
    /// Holes that stay though somebody else may have bars for them.
    pub remaining: Vec<Remaining>,
    /// Archives, bytes, troubles.
    pub outcome: Outcome,
}

/// A damaged file that could not be made anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StillDamaged {
    /// Its name.
    pub file: String,
    /// What is in the way.
    pub why: String,
}

/// A hole that has bars now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Filled {
    /// Where it began.
    pub from: Timestamp,
    /// Where it ended.
    pub to: Timestamp,
    /// Bars that are in it now.
    pub bars: usize,
    /// Paths of what they come from.
    pub by: Vec<String>,
}

/// A hole of which somebody says that nothing belongs there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Empty {
    /// Where it begins.
    pub from: Timestamp,
    /// Where it ends.
    pub to: Timestamp,
    /// Regular bars that would fit in.
    pub missing: u64,
    /// Who says so.
    pub by: Vec<&'static str>,
}

/// A hole that may be filled another time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remaining {
    /// Where it begins.
    pub from: Timestamp,
    /// Where it ends.
    pub to: Timestamp,
    /// Regular bars that would fit in.
    pub missing: u64,
    /// The archive that has the hole; `None` if there is no archive for it.
    pub archive: Option<String>,
}

impl Repaired {
    /// Whether nothing is left to do.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damaged.is_empty() && self.remaining.is_empty() && self.outcome.is_whole()
    }
}

impl Engine<'_> {
    /// Repairs series, some side by side, and gives back what became of each in their order.
    pub async fn repair(&self, series: &[SeriesName], now: Timestamp) -> Vec<(SeriesName, Repaired)> {
        self.progress.begin(series.len());
        let one = |series: &SeriesName| {
            let series = *series;
            async move {
                let mut repaired = Repaired::default();
                if self.is_lake_broken() {
                    repaired.outcome.untried = 1;
                } else if let Err(trouble) = self.repair_series(series, now, &mut repaired).await {
                    repaired.outcome.troubles.push(trouble);
                }
                self.progress.done(Target::of(series), &repaired.outcome);
                (series, repaired)
            }
        };
        stream::iter(series).map(one).buffered(self.targets_at_a_time).collect().await
    }

    async fn repair_series(&self, series: SeriesName, now: Timestamp, repaired: &mut Repaired) -> Result<(), Trouble> {
        self.rebuild(series, now, repaired).await?;
        // Beside a file that cannot be read nobody knows what is missing.
        if !repaired.damaged.is_empty() {
            return Ok(());
        }
        let run = SeriesRun::begin(self, series)?;
        let (Some(span), Some(first)) = (run.extent()?, self.lake.first_open(&series)?) else { return Ok(()) };
        let extent = first..span.end;
        let before = self.lake.holes(&series, extent.clone())?;
        if !before.is_empty() {
            run.refill(&before, &span, &mut repaired.outcome).await?;
        }
        // Holes are told as such; the periods that they lie in need not be named again.
        repaired.outcome.absent.clear();
        run.report(extent, &before, repaired)
    }
}

impl SeriesRun<'_> {
    /// The days that the lake's sources of a series answer for.
    fn extent(&self) -> Result<Option<Span>, Trouble> {
        let sources = self.writer.sources()?;
        let (from, to) = (sources.iter().map(|s| s.from).min(), sources.iter().map(|s| s.to).max());
        let (Some(from), Some(to)) = (from, to) else { return Ok(None) };
        let midnight = |at| Period::day_of(at).range().start;
        Ok(Some(Span { days: midnight(from)..midnight(to).max(midnight(from)), end: to }))
    }

    /// Archives that are missing, then other archives of the same time, then REST.
    async fn refill(&self, holes: &[Hole], span: &Span, outcome: &mut Outcome) -> Result<(), Trouble> {
        if holes.iter().any(|hole| hole.kind == HoleKind::Unanswered) {
            outcome.add(self.archives_of(span).await?);
        }
        self.other_archives(holes, outcome).await?;
        if let Some(rest) = self.engine.rest.filter(|_| outcome.untried == 0) {
            self.fill(rest, span, outcome).await?;
        }
        Ok(())
    }

    /// Where a month's archive has a hole, those of its days may have none, and the other way
    /// round. An archive that has no bar for a hole is not taken.
    async fn other_archives(&self, holes: &[Hole], outcome: &mut Outcome) -> Result<(), Trouble> {
        let sources = self.writer.sources()?;
        let mut others = BTreeSet::new();
        for hole in holes {
            let HoleKind::InArchive { path } = &hole.kind else { continue };
            let source = sources.iter().find(|source| source.path == *path);
            match source.and_then(Source::archive_period) {
                Some(month) if month.month() == month => {
                    others.extend(month.days().filter(|day| overlap(&day.range(), &hole.range)));
                }
                Some(day) => drop(others.insert(day.month())),
                None => {}
            }
        }
        let listed = self.listed_of(&others).await?;
        for period in others.into_iter().filter(|period| listed.has(*period)) {
            match self.engine.archive(self.series, period).await {
                Ok(Some(arrived)) => {
                    let opens = &arrived.chunk.bars.open_time;
                    if holes.iter().any(|hole| opens.iter().any(|open| hole.range.contains(&open))) {
                        self.write(vec![arrived], outcome).await;
                    }
                }
                Ok(None) => {}
                Err(trouble) => outcome.troubles.push(trouble),
            }
        }
        Ok(())
    }

    async fn listed_of(&self, periods: &BTreeSet<Period>) -> Result<Listed, Trouble> {
        let (months, days): (Vec<Period>, Vec<Period>) = periods.iter().partition(|period| period.month() == **period);
        let mut listed = Listed::default();
        for (periods, list) in [(months, &mut listed.months), (days, &mut listed.days)] {
            if let (Some(first), Some(last)) = (periods.first(), periods.last()) {
                *list = self.archives(*first, *last).await?;
            }
        }
        Ok(listed)
    }

    /// Says what became of the holes that were there.
    fn report(&self, extent: Range<Timestamp>, before: &[Hole], repaired: &mut Repaired) -> Result<(), Trouble> {
        let (lake, interval) = (self.engine.lake, self.series.interval);
        let files = lake.files(&self.series)?;
        let last = files.iter().filter_map(|file| file.provenance.last).max();
        let end = last.map_or(extent.start, |last| interval.next_open(last));
        // Behind the last bar REST says nothing that lasts, but it was asked.
        let is_asked = self.engine.rest.is_some() && repaired.outcome.troubles.is_empty();
        let after = lake.holes(&self.series, extent)?;
        for Hole { range, kind } in &after {
            let missing = count(range, interval);
            if range.start >= end && is_asked {
                repaired.empty.push(Empty { from: range.start, to: range.end, missing, by: vec!["REST"] });
                continue;
            }
            let archive = match kind {
                HoleKind::InArchive { path } => Some(path.clone()),
                HoleKind::Unanswered => None,
            };
            repaired.remaining.push(Remaining { from: range.start, to: range.end, missing, archive });
        }
        for gap in gaps_of(&files, interval) {
            for range in without(gap, &after).filter(|range| count(range, interval) > 0) {
                let by = answering(&files, &range);
                let missing = count(&range, interval);
                repaired.empty.push(Empty { from: range.start, to: range.end, missing, by });
            }
        }
        repaired.empty.sort_by_key(|empty| empty.from);
        self.report_filled(before, &files, repaired)
    }

    fn report_filled(&self, before: &[Hole], files: &[FileSummary], repaired: &mut Repaired) -> Result<(), Trouble> {
        // A month at a time, so that not every hole is a file to be read.
        let month = |hole: &&Hole| Period::day_of(hole.range.start).month();
        let months: BTreeSet<Period> = before.iter().map(|hole| month(&hole)).collect();
        for of in months {
            let holes: Vec<&Hole> = before.iter().filter(|hole| month(hole) == of).collect();
            let (Some(first), Some(last)) = (holes.first(), holes.last()) else { continue };
            let bars = self.engine.lake.bars(&self.series, first.range.start..last.range.end)?;
            for Hole { range, .. } in holes {
                let within = |at: Timestamp| bars.open_time.partition_point(|open| open < at);
                let rows = within(range.start)..within(range.end);
                if rows.is_empty() {
                    continue;
                }
                let sources = bars.open_time.within(rows.clone()).filter_map(|open| source_of(files, open));
                let by: BTreeSet<&str> = sources.map(|source| source.path.as_str()).collect();
                let by = by.into_iter().map(str::to_owned).collect();
                repaired.filled.push(Filled { from: range.start, to: range.end, bars: rows.len(), by });
            }
        }
        Ok(())
    }
}

fn overlap(a: &Range<Timestamp>, b: &Range<Timestamp>) -> bool {
    a.start < b.end && b.start < a.end
}

/// How many whole bars fit into a range.
fn count(range: &Range<Timestamp>, interval: Interval) -> u64 {
    if let Some(length) = interval.micros() {
        return (range.end.micros() - range.start.micros()).unsigned_abs() / length.unsigned_abs();
    }
    let opens = std::iter::successors(Some(interval.next_open(range.start)), |open| Some(interval.next_open(*open)));
    opens.take_while(|open| *open <= range.end).count() as u64
}

/// All stretches between two bars of a series into which another bar would fit.
fn gaps_of(files: &[FileSummary], interval: Interval) -> Vec<Range<Timestamp>> {
    let mut gaps = Vec::new();
    let mut due = None;
    for provenance in files.iter().map(|file| &file.provenance) {
        let (Some(first), Some(last)) = (provenance.first, provenance.last) else { continue };
        gaps.extend(due.filter(|due| *due < first).map(|due| due..first));
        gaps.extend(provenance.gaps.iter().map(|gap| gap.from..gap.to));
        due = Some(interval.next_open(last));
    }
    gaps
}

/// The parts of a range that are no hole; holes are in order.
fn without(range: Range<Timestamp>, holes: &[Hole]) -> impl Iterator<Item = Range<Timestamp>> {
    let mut parts = Vec::new();
    let mut at = range.start;
    for hole in holes.iter().map(|hole| &hole.range).filter(|hole| overlap(hole, &range)) {
        parts.push(at..hole.start);
        at = at.max(hole.end);
    }
    parts.push(at..range.end);
    parts.into_iter().filter(|part| !part.is_empty())
}

/// Who answers for a range without bars.
fn answering(files: &[FileSummary], range: &Range<Timestamp>) -> Vec<&'static str> {
    let sources = files.iter().flat_map(|file| &file.provenance.sources);
    let name = |source: &Source| match source.state {
        SourceState::Rest => "REST",
        SourceState::Resampled => "the finer series",
        SourceState::Verified | SourceState::StaleChecksum | SourceState::Absent => "the archive",
    };
    let names: BTreeSet<_> = sources.filter(|source| overlap(&source.range(), range)).map(name).collect();
    names.into_iter().rev().collect()
}

/// Where a bar comes from.
fn source_of(files: &[FileSummary], open: Timestamp) -> Option<&Source> {
    let is_in = |file: &&FileSummary| file.provenance.first <= Some(open) && Some(open) <= file.provenance.last;
    files.iter().find(is_in)?.provenance.source_of(open)
}
