//! One series of bars: what it lacks from archives, then from REST.

use std::collections::BTreeMap;
use std::sync::Arc;

use candlewick_binance::archive::ArchiveName;
use candlewick_lake::{Discontinuity, Likeness, SeriesName, SeriesWriter, Source, SourceState};
use candlewick_model::{Period, Timestamp};
use futures_util::{StreamExt, stream};

use crate::archive::{Arrived, odd};
use crate::error::Trouble;
use crate::outcome::Outcome;
use crate::plan::Span;
use crate::run::Engine;

/// So many archives of one file are waited for at a time. How many of them are really fetched or
/// open is for the run's semaphores to say.
const SIDE_BY_SIDE: usize = 64;
/// So many files of a series are worked on side by side.
const FILES: usize = 4;

impl Engine<'_> {
    /// Brings a series to where it is wanted.
    pub(crate) async fn series(&self, series: SeriesName, span: &Span) -> Outcome {
        let run = match SeriesRun::begin(self, series) {
            Ok(run) => run,
            Err(error) => return Outcome::trouble(error),
        };
        run.all(span).await.unwrap_or_else(Outcome::trouble)
    }
}

/// One series at work.
pub(crate) struct SeriesRun<'a> {
    pub(crate) engine: &'a Engine<'a>,
    pub(crate) series: SeriesName,
    pub(crate) writer: Arc<SeriesWriter>,
    /// Archives that the lake holds.
    pub(crate) held: BTreeMap<Period, Source>,
}

/// What the portal has, as far as it says so.
#[derive(Default)]
pub(crate) struct Listed {
    pub(crate) months: Option<BTreeMap<Period, u64>>,
    pub(crate) days: Option<BTreeMap<Period, u64>>,
}

impl Listed {
    pub(crate) fn has(&self, period: Period) -> bool {
        let list = if period.month() == period { &self.months } else { &self.days };
        list.as_ref().is_none_or(|list| list.contains_key(&period))
    }

    pub(crate) fn size(&self, period: Period) -> Option<u64> {
        let list = if period.month() == period { &self.months } else { &self.days };
        list.as_ref()?.get(&period).copied()
    }

    pub(crate) fn first(&self) -> Option<Period> {
        let of = |list: &Option<BTreeMap<Period, u64>>| list.as_ref()?.keys().next().copied();
        [of(&self.months), of(&self.days)].into_iter().flatten().min_by_key(|period| period.range().start)
    }
}

impl<'a> SeriesRun<'a> {
    pub(crate) fn begin(engine: &'a Engine<'a>, series: SeriesName) -> Result<Self, Trouble> {
        let writer = Arc::new(engine.lake.writer(series)?);
        let by_period = |source: Source| Some((source.archive_period()?, source));
        let held = writer.sources()?.into_iter().filter_map(by_period).collect();
        Ok(Self { engine, series, writer, held })
    }

    async fn all(&self, span: &Span) -> Result<Outcome, Trouble> {
        let mut outcome = self.archives_of(span).await?;
        if let Some(rest) = self.engine.rest.filter(|_| outcome.untried == 0) {
            self.fill(rest, span, &mut outcome).await?;
        }
        self.tell_other_meanings(&mut outcome)?;
        Ok(outcome)
    }

    /// Tells where the name of the series seems to mean something else, among the bars that were
    /// taken and against the one before them.
    fn tell_other_meanings(&self, outcome: &mut Outcome) -> Result<(), Trouble> {
        let mut edges = std::mem::take(&mut outcome.edges);
        edges.sort_by_key(|(first, _)| first.open_time);
        let Some((first, _)) = edges.first() else { return Ok(()) };
        let mut last = self.engine.lake.last_traded_before(&self.series, first.open_time)?;
        let mut found = std::mem::take(&mut outcome.discontinuities);
        for (first, next) in edges {
            found.extend(last.and_then(|last| Discontinuity::between(&last, &first)));
            last = Some(next);
        }
        found.sort_by_key(|found| found.first);
        found.dedup();
        outcome.notes.extend(found.iter().map(|found| self.other_meaning(found)));
        Ok(())
    }

    /// The series is kept under one name all the same: that is how the exchange keeps it.
    fn other_meaning(&self, found: &Discontinuity) -> String {
        let Discontinuity { last, before, first, after, likely } = found;
        let what = match likely {
            Likeness::Redenominated => "its units seem to have changed",
            Likeness::Reused => "the name seems to have been given to another asset",
        };
        format!(
            "{}: {what}: {before} until {last}, {after} from {first} on; do not replay across that time",
            self.series
        )
    }

    /// Takes the archives of a span that the lake lacks.
    pub(crate) async fn archives_of(&self, span: &Span) -> Result<Outcome, Trouble> {
        let units = span.units(self.series.is_yearly());
        let listed = self.listed(&units).await?;
        let units = stream::iter(&units).map(|unit| self.unit(unit, &listed)).buffered(FILES);
        let mut outcome = units
            .fold(Outcome::default(), async |mut sum, one| {
                sum.add(one);
                sum
            })
            .await;
        let first = self.held.keys().next().copied().into_iter().chain(listed.first());
        self.pass_over_what_came_before(&mut outcome, first.map(|period| period.range().start).min());
        Ok(outcome)
    }

    /// Asks for listings, but only if something is lacking. Daily archives are listed where
    /// single days are wanted, and where a month has no archive of its own.
    pub(crate) async fn listed(&self, units: &[Vec<Period>]) -> Result<Listed, Trouble> {
        let lacking = units.iter().flatten().copied().filter(|period| !self.holds(*period));
        let (months, mut days): (Vec<_>, Vec<_>) = lacking.partition(|period| period.month() == *period);
        let mut listed = Listed::default();
        if let (Some(first), Some(last)) = (months.first(), months.last()) {
            listed.months = self.archives(*first, *last).await?;
        }
        let first_month = listed.months.as_ref().and_then(|have| have.keys().next().copied());
        let unpublished = months.iter().filter(|month| !listed.has(**month));
        let (before, between): (Vec<_>, Vec<_>) =
            unpublished.partition(|month| first_month.is_none_or(|f| **month < f));
        days.extend(between);
        days.sort_by_key(|period| period.range().start);
        for periods in [before, days] {
            if let (Some(first), Some(last)) = (periods.first(), periods.last())
                && let Some(more) = self.archives(first.days().next().expect("has days"), *last).await?
            {
                listed.days.get_or_insert_default().extend(more);
            }
        }
        Ok(listed)
    }

    pub(crate) async fn archives(&self, first: Period, last: Period) -> Result<Option<BTreeMap<Period, u64>>, Trouble> {
        self.engine.portal.archives(self.name(first), last.range().end).await
    }

    fn name(&self, period: Period) -> ArchiveName {
        ArchiveName::klines(self.series.symbol, self.series.interval, period)
    }

    /// What is absent before the first that is there was not published because there was nothing.
    fn pass_over_what_came_before(&self, outcome: &mut Outcome, first: Option<Timestamp>) {
        let fetched = self.writer.sources().ok().and_then(|sources| sources.first().map(|source| source.from));
        let Some(first) = [first, fetched].into_iter().flatten().min() else { return };
        let before = outcome.absent.len();
        outcome.absent.retain(|period| period.range().end > first);
        outcome.before_first = before - outcome.absent.len();
    }

    /// One file of the lake.
    async fn unit(&self, periods: &[Period], listed: &Listed) -> Outcome {
        let mut outcome = Outcome::default();
        if self.engine.is_lake_broken() {
            outcome.untried = 1;
            return outcome;
        }
        let mut arrived = Vec::new();
        let mut periods = stream::iter(periods).map(|period| self.period(*period, listed)).buffered(SIDE_BY_SIDE);
        while let Some((more, told)) = periods.next().await {
            arrived.extend(more);
            outcome.add(told);
        }
        if !arrived.is_empty() {
            self.write(arrived, &mut outcome).await;
        }
        outcome
    }

    pub(crate) async fn write(&self, arrived: Vec<Arrived>, outcome: &mut Outcome) {
        let mut sizes = Outcome::default();
        for Arrived { chunk, archive_bytes, csv_bytes } in &arrived {
            sizes.archives += 1;
            sizes.archive_bytes += archive_bytes;
            sizes.csv_bytes += csv_bytes;
            sizes.rows += chunk.bars.len() as u64;
            sizes.look_at(&chunk.bars);
            sizes.unverified += usize::from(chunk.source.state == SourceState::Absent);
            if chunk.source.state == SourceState::StaleChecksum {
                sizes.stale += 1;
                let path = &chunk.source.path;
                sizes.notes.push(format!("{path} differs from its CHECKSUM file, but another source has the same bars: taken, with a stale checksum"));
            }
            sizes.notes.extend(odd(chunk, self.series.interval));
        }
        match self.put(arrived.into_iter().map(|a| a.chunk).collect()).await {
            Ok(written) => outcome.add(Outcome {
                written_bytes: written.bytes,
                contradictions: written.contradictions.iter().map(ToString::to_string).collect(),
                ..sizes
            }),
            Err(error) => outcome.troubles.push(error),
        }
    }

    /// Writes on a thread of its own. A lake that cannot be written ends the run.
    pub(crate) async fn put(&self, chunks: Vec<candlewick_lake::Chunk>) -> Result<candlewick_lake::Written, Trouble> {
        let _permit = self.engine.processing.acquire().await.expect("never closed");
        let writer = Arc::clone(&self.writer);
        let put = tokio::task::spawn_blocking(move || writer.put(chunks));
        put.await.expect("writing does not panic").map_err(|error| self.engine.broken(error))
    }

    /// Whether the lake has a period: itself, the month around it, or all of its days.
    pub(crate) fn holds(&self, period: Period) -> bool {
        let has = |p: &Period| self.held.contains_key(p);
        has(&period) || has(&period.month()) || period.days().all(|day| has(&day))
    }

    /// A month from its monthly archive, or from daily ones where the portal has none; a day
    /// from its daily one.
    pub(crate) async fn period(&self, period: Period, listed: &Listed) -> (Vec<Arrived>, Outcome) {
        let mut outcome = Outcome::default();
        if self.holds(period) {
            outcome.present = 1;
            return (Vec::new(), outcome);
        }
        let archive = if listed.has(period) { self.engine.archive(self.series, period).await } else { Ok(None) };
        let arrived = match archive {
            Ok(Some(arrived)) => vec![arrived],
            Ok(None) if period.month() == period => self.days(period, listed, &mut outcome).await,
            Ok(None) => {
                outcome.absent.push(period);
                Vec::new()
            }
            Err(trouble) => {
                outcome.troubles.push(trouble);
                Vec::new()
            }
        };
        (arrived, outcome)
    }

    async fn days(&self, month: Period, listed: &Listed, outcome: &mut Outcome) -> Vec<Arrived> {
        let (present, lacking): (Vec<_>, Vec<_>) = month.days().partition(|day| self.holds(*day));
        outcome.present += present.len();
        let is_tried = |day: Period| listed.has(day) && !(listed.days.is_none() && listed.months.is_some());
        let fetches = lacking.iter().map(|day| async move {
            let answer = if is_tried(*day) { self.engine.archive(self.series, *day).await } else { Ok(None) };
            (*day, answer)
        });
        let answers: Vec<_> = stream::iter(fetches).buffered(SIDE_BY_SIDE).collect().await;
        let (mut arrived, mut absent) = (Vec::new(), Vec::new());
        for (day, answer) in answers {
            match answer {
                Ok(Some(archive)) => arrived.push(archive),
                Ok(None) => absent.push(day),
                Err(trouble) => outcome.troubles.push(trouble),
            }
        }
        let is_whole = absent.len() == month.days().count();
        outcome.absent.extend(if is_whole { vec![month] } else { absent });
        arrived
    }
}
