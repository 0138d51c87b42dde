//! What a run would fetch, before it does.

use std::ops::Range;

use candlewick_binance::archive::ArchiveName;
use candlewick_lake::SeriesName;
use candlewick_model::{Period, Timestamp};

use crate::error::Trouble;
use crate::plan::{Span, Target};
use crate::run::Engine;
use crate::series::{Listed, SeriesRun};

/// Bars of a page of REST.
const PAGE: u64 = 1_000;

/// What one target would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Estimate {
    /// Months and days that are there.
    pub present: usize,
    /// Archives to be fetched; where the portal has no listing, all that are wanted.
    pub archives: usize,
    /// Their size, if the portal says it.
    pub archive_bytes: Option<u64>,
    /// Months and days before the first archive.
    pub before_first: usize,
    /// Months and days that the portal does not have.
    pub absent: usize,
    /// Requests for bars over REST.
    pub rest_requests: u64,
}

impl Engine<'_> {
    /// What [`Engine::ingest`] would do for each target, as far as footers and listings tell.
    /// Trades are estimated by their archives alone.
    pub async fn estimate(
        &self,
        targets: &[Target],
        span: &Span,
        now: Timestamp,
    ) -> Result<Vec<(Target, Estimate)>, Trouble> {
        let mut estimates = Vec::new();
        for target in targets {
            let estimate = match target.bars() {
                Some(series) => self.estimate_series(series, span, now).await?,
                None => self.estimate_trades(*target, span).await?,
            };
            estimates.push((*target, estimate));
        }
        Ok(estimates)
    }

    async fn estimate_series(&self, series: SeriesName, span: &Span, now: Timestamp) -> Result<Estimate, Trouble> {
        let run = SeriesRun::begin(self, series)?;
        let units = span.units(series.is_yearly());
        let listed = run.listed(&units).await?;
        let mut tally =
            Tally { estimate: Estimate::default(), is_listed: self.portal.has_listing(), fetched: Vec::new() };
        for period in units.into_iter().flatten() {
            if run.holds(period) {
                tally.estimate.present += 1;
            } else if period.month() == period && !listed.has(period) {
                period.days().filter(|day| !run.holds(*day)).for_each(|day| tally.add(day, &listed));
            } else {
                tally.add(period, &listed);
            }
        }
        if self.rest.is_some() {
            let first_bar = self.lake.first_open(&series)?;
            let first = listed.first().map(|period| period.range().start).into_iter().chain(first_bar).min();
            for hole in self.lake.holes(&series, span.past(now))? {
                let is_before = first.is_some_and(|first| hole.range.end <= first);
                let open = if is_before { Vec::new() } else { tally.outside(&hole.range, first) };
                tally.estimate.rest_requests += open.iter().map(|range| pages(range, &series)).sum::<u64>();
            }
        }
        Ok(tally.estimate)
    }

    async fn estimate_trades(&self, target: Target, span: &Span) -> Result<Estimate, Trouble> {
        let table = target.trades().expect("a target is bars or trades");
        let held = self.lake.trade_writer(table)?.days()?;
        let periods: Vec<Period> = span.units(false).into_iter().flatten().collect();
        let mut listed = Listed::default();
        let name = |period: Period| ArchiveName { symbol: target.symbol, dataset: target.dataset, period };
        if let Some(first) = periods.first() {
            listed.months = self.portal.archives(name(first.month()), span.days.end).await?;
            listed.days = self.portal.archives(name(first.days().next().expect("has days")), span.days.end).await?;
        }
        let mut tally =
            Tally { estimate: Estimate::default(), is_listed: self.portal.has_listing(), fetched: Vec::new() };
        for period in periods {
            let lacking: Vec<_> = period.days().filter(|day| !held.contains_key(day)).collect();
            match lacking.len() {
                0 => tally.estimate.present += 1,
                _ if listed.has(period) => tally.add(period, &listed),
                _ => lacking.into_iter().for_each(|day| tally.add(day, &listed)),
            }
        }
        Ok(tally.estimate)
    }
}

/// An estimate in the making.
struct Tally {
    estimate: Estimate,
    is_listed: bool,
    /// What archives will answer for.
    fetched: Vec<Range<Timestamp>>,
}

impl Tally {
    fn add(&mut self, period: Period, listed: &Listed) {
        if listed.has(period) {
            self.estimate.archives += 1;
            self.fetched.push(period.range());
            if self.is_listed {
                *self.estimate.archive_bytes.get_or_insert(0) += listed.size(period).unwrap_or(0);
            }
        } else if listed.first().is_some_and(|first| period.range().end <= first.range().start) {
            self.estimate.before_first += 1;
        } else {
            self.estimate.absent += 1;
        }
    }

    /// The parts of a hole that archives will leave open, from the first bar on.
    fn outside(&self, hole: &Range<Timestamp>, first: Option<Timestamp>) -> Vec<Range<Timestamp>> {
        let mut at = first.map_or(hole.start, |first| hole.start.max(first));
        let mut open = Vec::new();
        for taken in &self.fetched {
            if taken.end > at && taken.start < hole.end {
                open.push(at..taken.start);
                at = taken.end;
            }
        }
        open.push(at..hole.end);
        open.retain(|range| !range.is_empty());
        open
    }
}

fn pages(range: &Range<Timestamp>, series: &SeriesName) -> u64 {
    let length = series.interval.micros().unwrap_or(30 * candlewick_model::time::DAY);
    ((range.end.micros() - range.start.micros()) / length).unsigned_abs().div_ceil(PAGE).max(1)
}
